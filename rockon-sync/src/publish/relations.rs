//! Checks the relations between definitions: every requirement can be met, no definition requires
//! itself, and former names are not used.

use std::collections::{HashMap, HashSet};

use super::list::RefusedFile;
use super::publisher::Leniency;
use super::scan::{Scan, ScannedFile};
use crate::base::problem::{Problem, Severity};
use crate::format::CheckedDefinition;
use crate::format::relation::{Alternatives, Relation};

/// The definitions to publish, by name.
type DefinitionsByName<'a> = HashMap<&'a str, &'a CheckedDefinition>;

impl Scan<'_> {
    /// Reports every requirement that cannot be met. A lenient scan refuses the files with such
    /// requirements, and returns true if it did: other files may have required them, so the
    /// relations must be checked again.
    pub(super) fn check_relations(&mut self) -> bool {
        let definitions = Definitions::new(&self.files);
        let found: Vec<Vec<Problem>> =
            self.files.iter().map(|file| definitions.problems_of(file)).collect();
        let is_error = |problem: &Problem| problem.severity == Severity::Error;
        let has_errors = found.iter().flatten().any(is_error);
        if self.leniency == Leniency::Strict || !has_errors {
            self.problems.extend(found.into_iter().flatten());
            return false;
        }
        // Warnings are reported by the last check.
        for (file, problems) in std::mem::take(&mut self.files).into_iter().zip(found) {
            if problems.iter().any(is_error) {
                self.refused.push(RefusedFile { id: file.id, path: Some(file.path) });
            } else {
                self.files.push(file);
            }
            self.problems.extend(problems.into_iter().filter(is_error));
        }
        true
    }
}

struct Definitions<'a> {
    by_name: DefinitionsByName<'a>,
    /// The definitions that can be installed on an empty system, one after the other.
    installable: HashSet<&'a str>,
    /// The first definition that states a former name, by this name.
    former: HashMap<&'a str, &'a str>,
}

impl<'a> Definitions<'a> {
    fn new(files: &'a [ScannedFile]) -> Definitions<'a> {
        let all = files.iter().flat_map(|file| &file.definitions);
        let by_name = all.map(|definition| (&*definition.named.name, definition)).collect();
        let installable = installable(&by_name);
        let mut former = HashMap::new();
        for definition in files.iter().flat_map(|file| &file.definitions) {
            for name in &definition.about.formerly {
                former.entry(&**name).or_insert(&*definition.named.name);
            }
        }
        Definitions { by_name, installable, former }
    }

    fn problems_of(&self, file: &ScannedFile) -> Vec<Problem> {
        let path = file.path.as_str();
        let mut problems = Vec::new();
        for definition in &file.definitions {
            for (severity, message) in self.relation_problems(definition) {
                problems.push(match severity {
                    Severity::Error if !file.is_kept() => {
                        Problem::error(path, definition.named.position, message)
                    }
                    Severity::Error => {
                        Problem::warning(path, format!("in the published version: {message}"))
                    }
                    Severity::Warning => Problem::warning(path, message),
                });
            }
        }
        problems
    }

    fn relation_problems(&self, definition: &CheckedDefinition) -> Vec<(Severity, String)> {
        let name = &*definition.named.name;
        let message = |field: &str, what: String| format!("definition {name:?}: {field:?}: {what}");
        let missing = |other: &Relation| format!("no definition named {:?}", other.name());
        let is_missing = |other: &&Relation| !self.by_name.contains_key(other.name());
        let mut problems = Vec::new();
        for alternatives in &definition.about.relations.requires {
            for other in alternatives.iter().filter(is_missing) {
                problems.push((Severity::Error, message("requires", missing(other))));
            }
            // A missing definition explains why no alternative fits.
            if problems.is_empty() && !alternatives.iter().any(|other| fits(&self.by_name, other)) {
                let what = format!("no definition has a version that fits: {alternatives}");
                problems.push((Severity::Error, message("requires", what)));
            }
        }
        if problems.is_empty() && !self.installable.contains(name) {
            let what = match self.cycle(name) {
                Some(cycle) => format!("cyclic requirements: {}", cycle.join(", ")),
                None => "a required definition cannot be installed".to_owned(),
            };
            problems.push((Severity::Error, message("requires", what)));
        }
        for other in definition.about.relations.conflicts.iter().filter(is_missing) {
            problems.push((Severity::Warning, message("conflicts", missing(other))));
        }
        // A replaced definition is usually missing.
        for _ in definition.about.relations.replaces.iter().filter(|other| other.name() == name) {
            let what = "a definition cannot replace itself".to_owned();
            problems.push((Severity::Error, message("replaces", what)));
        }
        for former in &definition.about.formerly {
            let what = match self.former.get(&**former) {
                // The check of the file reports its own name.
                _ if **former == *name => continue,
                _ if self.by_name.contains_key(&**former) => format!("{former:?} is published"),
                Some(other) if *other != name => {
                    format!("{former:?} is a former name of {other:?} already")
                }
                _ => continue,
            };
            problems.push((Severity::Error, message("formerly", what)));
        }
        problems
    }

    /// Returns a path from `name` back to itself along requirements that wait for each other.
    fn cycle(&self, name: &str) -> Option<Vec<String>> {
        let mut path: Vec<&str> = vec![name];
        let mut seen: HashSet<&str> = HashSet::new();
        loop {
            let definition = self.by_name.get(path.last()?)?;
            let is_blocked = |line: &&Alternatives| {
                !line.iter().any(|other| self.installable.contains(other.name()))
            };
            let blocked = definition.about.relations.requires.iter().filter(is_blocked);
            let next = blocked.flat_map(Alternatives::iter).next()?.name();
            path.push(next);
            if next == name {
                return Some(path.iter().map(|name| format!("{name:?}")).collect());
            }
            if !seen.insert(next) {
                return None;
            }
        }
    }
}

fn fits(definitions: &DefinitionsByName<'_>, relation: &Relation) -> bool {
    definitions
        .get(relation.name())
        .is_some_and(|found| relation.fits(relation.name(), found.about.version.as_deref()))
}

fn installable<'a>(definitions: &DefinitionsByName<'a>) -> HashSet<&'a str> {
    let mut done: HashSet<&'a str> = HashSet::new();
    let mut waiting: Vec<&'a CheckedDefinition> = definitions.values().copied().collect();
    loop {
        let before = waiting.len();
        waiting.retain(|definition| {
            let is_met = |line: &Alternatives| {
                line.iter().any(|other| done.contains(other.name()) && fits(definitions, other))
            };
            let is_ready = definition.about.relations.requires.iter().all(is_met);
            if is_ready {
                done.insert(&definition.named.name);
            }
            !is_ready
        });
        if waiting.len() == before || waiting.is_empty() {
            return done;
        }
    }
}

//! The definitions that the installation of another one requires.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::rc::Rc;

use crate::base::error::{Error, ErrorKind, Result};
use crate::catalog::{Catalog, Definition};
use crate::format::About;
use crate::format::relation::{Alternatives, Relation, Relations};

/// Most requirements that one resolution may examine, alternatives included.
const MAX_STEPS: usize = 10_000;

/// Longest chain of requirements.
const MAX_DEPTH: usize = 200;

/// The steps of an installation.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Installation<'a> {
    /// The definitions to install, each after its requirements, with the requested one last.
    /// Includes installed ones whose version does not meet a requirement.
    pub install: Vec<&'a Definition>,
    /// Requirements that no definition of the catalog meets.
    pub unmet: Vec<Unmet>,
    /// Definitions that cannot be installed together, each pair once.
    pub conflicts: Vec<Conflict>,
    /// Installed definitions that another one replaces and that must be removed, in byte order.
    pub replaced: Vec<String>,
}

/// An unmet requirement.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unmet {
    /// The definition with the requirement.
    pub by: String,
    /// The requirement, in Debian's notation.
    pub requirement: String,
}

/// Two definitions that cannot be installed together.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Conflict {
    /// The definition that declares the conflict.
    pub by: String,
    /// The relation that it conflicts with, in Debian's notation.
    pub with: String,
}

impl Installation<'_> {
    /// True if every requirement is met and nothing conflicts.
    pub fn is_possible(&self) -> bool {
        self.unmet.is_empty() && self.conflicts.is_empty()
    }
}

impl Definition {
    /// Reads the relations to other definitions from the file.
    ///
    /// # Errors
    /// Those of [`bytes`](Self::bytes).
    pub fn relations(&self) -> Result<Relations> {
        self.about().map(|about| about.relations)
    }

    /// Reads the version from the file, if it states one.
    ///
    /// # Errors
    /// Those of [`bytes`](Self::bytes).
    pub fn version(&self) -> Result<Option<String>> {
        self.about().map(|about| about.version)
    }
}

impl Catalog {
    /// Returns the steps to install the definition `name`, given the names and versions of the
    /// installed ones; `None` stands for an unknown version. Of alternatives, the first one that
    /// can be installed is chosen.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] for an unknown name; those of [`Definition::relations`];
    /// [`ErrorKind::Limit`] if the requirements are too many or nested too deeply.
    pub fn installation<N, V>(
        &self,
        name: &str,
        installed: impl IntoIterator<Item = (N, Option<V>)>,
    ) -> Result<Installation<'_>>
    where
        N: AsRef<str>,
        V: AsRef<str>,
    {
        let definition = self.definition(name).ok_or_else(|| {
            Error::new(ErrorKind::NotFound, format!("no definition named {name:?}"))
        })?;
        let mut versions: BTreeMap<String, Vec<Option<String>>> = BTreeMap::new();
        for (name, version) in installed {
            let version = version.map(|version| version.as_ref().to_owned());
            versions.entry(name.as_ref().to_owned()).or_default().push(version);
        }
        let mut resolver = Resolver {
            catalog: self,
            installed: versions,
            about: HashMap::new(),
            install: Vec::new(),
            selected: HashSet::new(),
            unmet: Vec::new(),
            steps: 0,
        };
        resolver.add(definition, MAX_DEPTH)?;
        resolver.finish()
    }
}

/// The state of a resolution.
struct Resolver<'a> {
    catalog: &'a Catalog,
    /// The versions of each installed definition.
    installed: BTreeMap<String, Vec<Option<String>>>,
    /// Metadata that was read already.
    about: HashMap<&'a str, Rc<About>>,
    /// In the order of installation.
    install: Vec<&'a Definition>,
    /// The names in `install`, and those whose requirements are being resolved: they will be
    /// installed anyway.
    selected: HashSet<&'a str>,
    unmet: Vec<Unmet>,
    steps: usize,
}

impl<'a> Resolver<'a> {
    /// Adds a definition after its requirements.
    fn add(&mut self, definition: &'a Definition, depth: usize) -> Result<()> {
        let about = self.about(definition)?;
        self.selected.insert(definition.name());
        for line in &about.relations.requires {
            self.steps += line.iter().count();
            let depth = depth.checked_sub(1).filter(|_| self.steps <= MAX_STEPS);
            let depth = depth.ok_or_else(|| {
                Error::new(
                    ErrorKind::Limit,
                    format!(
                        "{:?}: expected at most {MAX_STEPS} requirements in chains of \
                         {MAX_DEPTH}, got more",
                        definition.name()
                    ),
                )
            })?;
            self.meet(definition, line, depth)?;
        }
        self.install.push(definition);
        Ok(())
    }

    /// Adds one of the alternatives, unless one is installed.
    fn meet(&mut self, by: &Definition, line: &Alternatives, depth: usize) -> Result<()> {
        for relation in line.iter() {
            if self.is_installed(relation)? {
                return Ok(());
            }
        }
        for relation in line.iter() {
            let Some(found) = self.catalog.definition(relation.name()) else { continue };
            if !self.fits(relation, found)? {
                continue;
            }
            let (installs, unmet) = (self.install.len(), self.unmet.len());
            self.add(found, depth)?;
            if self.unmet.len() == unmet {
                return Ok(());
            }
            self.unmet.truncate(unmet);
            for definition in self.install.drain(installs..) {
                self.selected.remove(definition.name());
            }
        }
        self.unmet.push(Unmet { by: by.name().to_owned(), requirement: line.to_string() });
        Ok(())
    }

    /// True if a definition that meets the relation is installed, or will be.
    fn is_installed(&mut self, relation: &Relation) -> Result<bool> {
        if fits_any(relation, self.installed.get(relation.name())) {
            return Ok(true);
        }
        match self.selected.get(relation.name()).and_then(|name| self.catalog.definition(name)) {
            Some(selected) => self.fits(relation, selected),
            None => Ok(false),
        }
    }

    fn fits(&mut self, relation: &Relation, definition: &'a Definition) -> Result<bool> {
        Ok(relation.fits(definition.name(), self.about(definition)?.version.as_deref()))
    }

    fn about(&mut self, definition: &'a Definition) -> Result<Rc<About>> {
        if let Some(known) = self.about.get(definition.name()) {
            return Ok(known.clone());
        }
        let about = Rc::new(definition.about()?);
        self.about.insert(definition.name(), about.clone());
        Ok(about)
    }

    /// Determines the replaced definitions, and the conflicts among those that remain.
    fn finish(mut self) -> Result<Installation<'a>> {
        let install = std::mem::take(&mut self.install);
        // An installed definition that is selected too will have the selected version.
        self.installed.retain(|name, _| !self.selected.contains(name.as_str()));
        let mut replaced = Vec::new();
        for definition in &install {
            for relation in &self.about(definition)?.relations.replaces {
                if fits_any(relation, self.installed.get(relation.name())) {
                    self.installed.remove(relation.name());
                    replaced.push(relation.name().to_owned());
                }
            }
        }
        replaced.sort();
        let mut conflicts = Conflicts::default();
        for definition in &install {
            let own = definition.name();
            for relation in &self.about(definition)?.relations.conflicts {
                let is_self = relation.name() == own;
                if !is_self && self.is_installed(relation)? {
                    conflicts.add(own, relation);
                }
            }
        }
        // An installed definition may be the one that declares the conflict.
        for name in std::mem::take(&mut self.installed).keys() {
            let Some(definition) = self.catalog.definition(name) else { continue };
            for relation in &self.about(definition)?.relations.conflicts {
                if self.is_installed(relation)? {
                    conflicts.add(name, relation);
                }
            }
        }
        Ok(Installation { install, unmet: self.unmet, conflicts: conflicts.found, replaced })
    }
}

/// Conflicts, each pair of definitions once.
#[derive(Default)]
struct Conflicts {
    found: Vec<Conflict>,
    pairs: HashSet<[String; 2]>,
}

impl Conflicts {
    fn add(&mut self, by: &str, with: &Relation) {
        let mut pair = [by.to_owned(), with.name().to_owned()];
        pair.sort();
        if self.pairs.insert(pair) {
            self.found.push(Conflict { by: by.to_owned(), with: with.to_string() });
        }
    }
}

fn fits_any(relation: &Relation, versions: Option<&Vec<Option<String>>>) -> bool {
    let mut versions = versions.into_iter().flatten();
    versions.any(|version| relation.fits(relation.name(), version.as_deref()))
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;
    use std::fs;

    use super::*;
    use crate::store::Store;

    /// Returns a catalog with one definition per row: name, version, more JSON members.
    fn catalog(rows: &[(&str, &str, &str)]) -> (tempfile::TempDir, Catalog) {
        let dir = tempfile::tempdir().unwrap();
        for (name, version, more) in rows {
            let text = format!("{{\"{name}\": {{\"version\": \"{version}\"{more}}}}}");
            fs::write(dir.path().join(format!("{name}.json")), text).unwrap();
        }
        let catalog = Store::new(dir.path()).catalog_of(&[], dir.path()).unwrap();
        assert!(catalog.problems().is_empty());
        (dir, catalog)
    }

    fn requires(text: &str) -> String {
        format!(", \"requires\": \"{text}\"")
    }

    fn conflicts(text: &str) -> String {
        format!(", \"conflicts\": \"{text}\"")
    }

    fn resolve(catalog: &Catalog, name: &str, installed: &[(&str, &str)]) -> Result<String> {
        let installed = installed.iter().map(|(name, version)| (*name, Some(*version)));
        let found = catalog.installation(name, installed)?;
        let names: Vec<&str> = found.install.iter().map(|found| found.name()).collect();
        let mut text = names.join(" ");
        for Unmet { by, requirement } in &found.unmet {
            write!(text, "; {by} lacks {requirement}").unwrap();
        }
        for Conflict { by, with } in &found.conflicts {
            write!(text, "; {by} against {with}").unwrap();
        }
        for name in &found.replaced {
            write!(text, "; without {name}").unwrap();
        }
        Ok(text)
    }

    #[test]
    fn requirements_are_resolved_with_alternatives_and_cycles() {
        let (_dir, catalog) = catalog(&[
            ("A", "1", &requires("B | C")),
            ("B", "1", &requires("D, Gone")),
            ("C", "1", &requires("A, D")),
            ("D", "2", ""),
            ("E", "1", &requires("D, D (>= 2), D (>= 3) | C")),
            ("F", "1", &requires("F (>= 1), F (>= 2)")),
        ]);
        for (name, installed, expected) in [
            // What the failed alternative B would have installed is not installed.
            ("A", &[][..], "D C A"),
            ("B", &[], "D B; B lacks Gone"),
            ("B", &[("Gone", "1")], "D B"),
            ("E", &[], "D A C E"),
            ("E", &[("D", "1")], "D A C E"),
            ("E", &[("D", "1"), ("D", "3")], "E"),
            ("E", &[("D", "3")], "E"),
            ("F", &[], "F; F lacks F (>= 2)"),
        ] {
            let found = resolve(&catalog, name, installed).unwrap();
            assert_eq!(found, expected, "{name} {installed:?}");
        }
    }

    #[test]
    fn replaced_and_conflicting_definitions_are_found_once() {
        let (_dir, catalog) = catalog(&[
            ("A", "2", ", \"replaces\": \"Z, Y, Z, A, B (<< 2)\", \"conflicts\": \"Z, A\""),
            ("B", "1", &conflicts("A")),
            ("C", "1", &(requires("D, E") + &conflicts("D, D (>= 1), X, X (>= 1), Z"))),
            ("D", "1", &conflicts("C, D (<< 9)")),
            ("E", "1", &conflicts("Y")),
            ("X", "1", &conflicts("C, E")),
            ("Y", "1", &conflicts("E (>= 2), C (>= 2)")),
        ]);
        for (name, installed, expected) in [
            ("A", &[][..], "A"),
            ("A", &[("Z", "1"), ("Y", "1")], "A; without Y; without Z"),
            // A definition neither replaces nor conflicts with its own old version.
            ("A", &[("A", "1")], "A"),
            // What is replaced conflicts with nothing.
            ("A", &[("B", "1")], "A; without B"),
            ("A", &[("B", "2")], "A; B against A"),
            ("C", &[], "D E C; D against C"),
            ("C", &[("X", "1")], "D E C; D against C; C against X; X against E"),
            ("C", &[("Y", "1")], "D E C; D against C; E against Y"),
            // The new version of D is selected, not the installed one.
            ("D", &[("D", "1")], "D"),
            ("B", &[("A", "2")], "B; B against A"),
            ("C", &[("Gone", "1"), ("Z", "1")], "D E C; D against C; C against Z"),
        ] {
            let found = resolve(&catalog, name, installed).unwrap();
            assert_eq!(found, expected, "{name} {installed:?}");
        }
    }

    #[test]
    fn chains_and_numbers_of_requirements_are_limited() {
        let names: Vec<String> = (0..=MAX_DEPTH + 1).map(|n| n.to_string()).collect();
        let next: Vec<String> = (1..=MAX_DEPTH + 1).map(|n| requires(&n.to_string())).collect();
        let chain = names.iter().zip(&next).map(|(name, more)| (&**name, "1", &**more));
        let mut rows: Vec<_> = chain.collect();
        rows.push((&names[MAX_DEPTH + 1], "1", ""));
        let lines = |count: usize| {
            let lines: Vec<String> = (0..count).map(|n| format!("\"x | {n}x\"")).collect();
            format!(", \"requires\": [{}]", lines.join(","))
        };
        let (most, more) = (lines(MAX_STEPS / 2), lines(MAX_STEPS / 2 + 1));
        rows.extend([("most", "1", &*most), ("more", "1", &*more)]);
        let (_dir, catalog) = catalog(&rows);
        // The last one has no requirements.
        assert!(resolve(&catalog, "1", &[]).is_ok());
        for name in ["0", "more"] {
            let error = resolve(&catalog, name, &[]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Limit, "{error}");
        }
        assert_eq!(resolve(&catalog, "most", &[]).unwrap().matches("lacks").count(), 5000);
    }
}

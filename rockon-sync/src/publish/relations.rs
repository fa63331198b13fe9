//! Checks what definitions say of each other: whatever is required can be had, and no
//! definition requires itself.

use std::collections::{HashMap, HashSet};

use super::Leniency;
use super::list::Refused;
use super::scan::{Related, Scan};
use crate::base::problem::Problem;
use crate::format::relation::Alternatives;

/// The definitions that are to be published, by name.
type Known<'a> = HashMap<&'a str, &'a Related>;

impl Scan<'_> {
    /// Names every requirement that cannot be met. A lenient scan refuses the files that have
    /// one, and returns true if it did: to others they are missing then, so that the relations
    /// have to be checked again.
    pub(super) fn check_relations(&mut self) -> bool {
        let mut found = Vec::new();
        let mut bad = HashSet::new();
        {
            let all = self.scanned.iter().flat_map(|file| &file.related);
            let known: Known<'_> = all.map(|one| (&*one.named.name, one)).collect();
            let installable = installable(&known);
            for (n, file) in self.scanned.iter().enumerate() {
                for one in &file.related {
                    for (badness, message) in problems_of(one, &known, &installable) {
                        let name = file.path.as_str();
                        // A file that was published before stays published.
                        found.push(match badness {
                            Badness::Bad if file.kept.is_none() => {
                                bad.insert(n);
                                Problem::error(name, one.named.position, message)
                            }
                            Badness::Bad => {
                                let message = format!("as it was published last: {message}");
                                Problem::warning(name, message)
                            }
                            Badness::Odd => Problem::warning(name, message),
                        });
                    }
                }
            }
        }
        let leaves_out = self.leniency == Leniency::LeaveOut && !bad.is_empty();
        if leaves_out {
            found.retain(|problem| problem.severity == crate::base::problem::Severity::Error);
        }
        self.problems.append(&mut found);
        if !leaves_out {
            return false;
        }
        let mut good = Vec::with_capacity(self.scanned.len() - bad.len());
        for (n, file) in std::mem::take(&mut self.scanned).into_iter().enumerate() {
            match bad.contains(&n) {
                true => self.refused.push(Refused { id: file.id, path: Some(file.path) }),
                false => good.push(file),
            }
        }
        self.scanned = good;
        true
    }
}

/// Whether something stands in the way of publishing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Badness {
    Bad,
    Odd,
}

fn problems_of(
    one: &Related,
    known: &Known<'_>,
    installable: &HashSet<&str>,
) -> Vec<(Badness, String)> {
    let name = &*one.named.name;
    let says = |field: &str, what: String| format!("definition {name:?}: {field:?}: {what}");
    let mut problems = Vec::new();
    let mut can_be_met = true;
    for line in &one.relations.requires {
        for other in line.iter().filter(|other| !known.contains_key(other.name())) {
            let message = format!("there is no definition {:?}", other.name());
            problems.push((Badness::Bad, says("requires", message)));
            can_be_met = false;
        }
        let fitting = line.iter().any(|other| {
            known
                .get(other.name())
                .is_some_and(|found| other.fits(other.name(), found.version.as_deref()))
        });
        if can_be_met && !fitting {
            let message = format!("no definition has the version that is asked for: {line}");
            problems.push((Badness::Bad, says("requires", message)));
            can_be_met = false;
        }
    }
    if can_be_met && !installable.contains(name) {
        let circle = circle(name, known, installable);
        let message = match circle {
            Some(circle) => format!("a circle of requirements: {}", circle.join(", ")),
            None => "what it requires cannot be installed itself".to_owned(),
        };
        problems.push((Badness::Bad, says("requires", message)));
    }
    for (field, relations) in
        [("conflicts", &one.relations.conflicts), ("replaces", &one.relations.replaces)]
    {
        for other in relations {
            if other.name() == name && field == "replaces" {
                let message = "it names itself".to_owned();
                problems.push((Badness::Bad, says(field, message)));
            } else if !known.contains_key(other.name()) && field == "conflicts" {
                // What is replaced is gone, as a rule.
                let message = format!("there is no definition {:?}", other.name());
                problems.push((Badness::Odd, says(field, message)));
            }
        }
    }
    problems
}

/// The definitions that can be installed one after the other, beginning with none.
fn installable<'a>(known: &Known<'a>) -> HashSet<&'a str> {
    let mut done: HashSet<&'a str> = HashSet::new();
    let mut open: Vec<&'a Related> = known.values().copied().collect();
    loop {
        let before = open.len();
        open.retain(|one| {
            let is_met = |line: &Alternatives| {
                line.iter().any(|other| {
                    done.contains(other.name())
                        && known
                            .get(other.name())
                            .is_some_and(|found| other.fits(other.name(), found.version.as_deref()))
                })
            };
            let is_ready = one.relations.requires.iter().all(is_met);
            if is_ready {
                done.insert(&one.named.name);
            }
            !is_ready
        });
        if open.len() == before || open.is_empty() {
            return done;
        }
    }
}

/// A way from `name` back to itself along requirements that wait for each other.
fn circle(name: &str, known: &Known<'_>, installable: &HashSet<&str>) -> Option<Vec<String>> {
    let mut trail: Vec<&str> = vec![name];
    let mut seen: HashSet<&str> = HashSet::new();
    loop {
        let at = *trail.last()?;
        let waits_for = known.get(at).into_iter().flat_map(|one| &one.relations.requires);
        let waits_for = waits_for
            .filter(|line| !line.iter().any(|other| installable.contains(other.name())))
            .flat_map(Alternatives::iter);
        let next = waits_for.map(|other| other.name()).next()?;
        if next == name {
            let mut circle: Vec<String> = trail.iter().map(|name| format!("{name:?}")).collect();
            circle.push(format!("{name:?}"));
            return Some(circle);
        }
        if !seen.insert(next) {
            return None;
        }
        trail.push(next);
    }
}

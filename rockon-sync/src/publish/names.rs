//! The names of definitions and containers, each of which may occur once in a catalog.

use std::collections::HashMap;

use super::checked::CheckedFile;
use super::publisher::Leniency;
use super::scan::RelatedDefinition;
use crate::base::problem::Problem;
use crate::format::{Checked, Format, Named};
use crate::tree::manifest::Entry;

/// The kinds of names.
const DEFINITION: &str = "definition";
const CONTAINER: &str = "container";

/// Checks files one after the other, and records the names in them.
pub(super) struct NameChecker {
    format: Format,
    pub(super) problems: Vec<Problem>,
    /// The first use of a name, by kind and name.
    known: HashMap<&'static str, HashMap<Box<str>, FirstUse>>,
    /// True if a problem is about a file whose positions are unknown, since it was not read.
    pub(super) lacks_position: bool,
}

/// The first use of a name.
enum FirstUse {
    /// `file:line:column`.
    At(Box<str>),
    /// In a file that was not read.
    Recorded,
}

impl NameChecker {
    pub(super) fn new(format: Format) -> NameChecker {
        NameChecker { format, problems: Vec::new(), known: HashMap::new(), lacks_position: false }
    }

    /// Checks a file, also against the files before it. `id` is that of its entry, `shown` its
    /// name in problems. A file that is left out, `None`, reserves no names.
    pub(super) fn check(
        &mut self,
        id: &str,
        shown: &str,
        bytes: &[u8],
        leniency: Leniency,
    ) -> Option<Checked> {
        let mut checked = self.format.check(id, shown, bytes);
        let before = self.problems.len();
        self.problems.append(&mut checked.problems);
        let names: Vec<_> = names_in(&checked).collect();
        self.report_duplicates(shown, &names);
        let is_good = self.problems.len() == before;
        if !is_good && leniency == Leniency::LeaveOut {
            return None;
        }
        for (kind, named) in names {
            self.record(kind, &named.name, FirstUse::At(named.place(shown).into()));
        }
        Some(checked)
    }

    /// Takes the names of a file that is as recorded. On its own, it has no problems.
    pub(super) fn take_recorded(&mut self, definitions: &[RelatedDefinition], row: &CheckedFile) {
        let definitions = definitions.iter().map(|found| (DEFINITION, &*found.named.name));
        let containers = row.containers.iter().map(|name| (CONTAINER, &**name));
        for (kind, name) in definitions.chain(containers) {
            let known = self.known.entry(kind).or_default();
            self.lacks_position |= known.insert(name.into(), FirstUse::Recorded).is_some();
        }
    }

    /// Checks a file that is kept as published. It reserves its names, even if it has problems.
    pub(super) fn check_published(&mut self, entry: &Entry, bytes: &[u8]) -> Checked {
        let shown = entry.path().as_str();
        let checked = self.format.check(entry.id(), shown, bytes);
        for (kind, named) in names_in(&checked) {
            self.record(kind, &named.name, FirstUse::At(named.place(shown).into()));
        }
        for name in entry.names().unwrap_or_default() {
            self.record(DEFINITION, name, FirstUse::At(shown.into()));
        }
        checked
    }

    fn record(&mut self, kind: &'static str, name: &str, first: FirstUse) {
        self.known.entry(kind).or_default().entry(name.into()).or_insert(first);
    }

    /// Reports names that were used before, by another file or by this one.
    fn report_duplicates(&mut self, file: &str, names: &[(&'static str, &Named)]) {
        let mut own: HashMap<(&str, &str), &Named> = HashMap::new();
        for (kind, named) in names {
            let before = own.insert((kind, &named.name), named).map(|before| before.place(file));
            let known = self.known.get(kind).and_then(|known| known.get(&*named.name));
            let known = match known {
                Some(FirstUse::Recorded) => {
                    self.lacks_position = true;
                    continue;
                }
                Some(FirstUse::At(place)) => Some(place.to_string()),
                None => None,
            };
            if let Some(first) = known.or(before) {
                self.problems.push(Problem::error(
                    file,
                    named.position,
                    format!("duplicate {kind} {:?}, first defined at {first}", named.name),
                ));
            }
        }
    }
}

fn names_in(checked: &Checked) -> impl Iterator<Item = (&'static str, &Named)> {
    let definitions = checked.definitions.iter().map(|named| (DEFINITION, named));
    definitions.chain(checked.containers.iter().map(|named| (CONTAINER, named)))
}

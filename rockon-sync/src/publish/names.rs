//! The names of definitions and containers, each of which may occur once in a catalog.

use std::collections::{BTreeSet, HashMap};

use super::publisher::Leniency;
use crate::base::problem::Problem;
use crate::format::{Checked, CheckedDefinition, Named};
use crate::tree::manifest::Entry;

/// The kinds of names.
const DEFINITION: &str = "definition";
const CONTAINER: &str = "container";

/// Checks files one after the other, and records the names in them.
#[derive(Default)]
pub(super) struct NameChecker {
    pub(super) problems: Vec<Problem>,
    /// The first use of a name, by kind and name.
    known: HashMap<&'static str, HashMap<Box<str>, FirstUse>>,
}

/// The first use of a name.
enum FirstUse {
    /// `file:line:column`.
    At(Box<str>),
    /// In the recorded file with this number, which was not read.
    Recorded(usize),
}

impl NameChecker {
    /// Checks a file, also against the files before it. `shown` is its name in problems. A file
    /// that is left out, `None`, reserves no names.
    ///
    /// The caller has [located](Self::locate) the [recorded uses](Self::recorded_uses) of its names.
    pub(super) fn check(
        &mut self,
        shown: &str,
        mut checked: Checked,
        leniency: Leniency,
    ) -> Option<Checked> {
        let before = self.problems.len();
        self.problems.append(&mut checked.problems);
        let names: Vec<_> = names_in(&checked).collect();
        self.report_duplicates(shown, &names);
        let is_good = self.problems.len() == before;
        if !is_good && leniency == Leniency::LeaveOut {
            return None;
        }
        for (kind, named) in names {
            self.record(kind, &named.name, named.place(shown));
        }
        Some(checked)
    }

    /// Takes the names of the recorded file with this number. Returns false, and takes none, if one
    /// of them was used before.
    pub(super) fn take_recorded(
        &mut self,
        number: usize,
        definitions: &[CheckedDefinition],
        containers: &[Box<str>],
    ) -> bool {
        let definitions = definitions.iter().map(|found| (DEFINITION, &*found.named.name));
        let names = definitions.chain(containers.iter().map(|name| (CONTAINER, &**name)));
        let is_known = |(kind, name): (&str, &str)| self.first_use(kind, name).is_some();
        if names.clone().any(is_known) {
            return false;
        }
        for (kind, name) in names {
            self.known.entry(kind).or_default().insert(name.into(), FirstUse::Recorded(number));
        }
        true
    }

    /// Returns the numbers of the recorded files that use a name of this file.
    pub(super) fn recorded_uses(&self, checked: &Checked) -> BTreeSet<usize> {
        let uses = names_in(checked).filter_map(|(kind, named)| self.first_use(kind, &named.name));
        let recorded = uses.filter_map(|first| match first {
            FirstUse::Recorded(number) => Some(*number),
            FirstUse::At(_) => None,
        });
        recorded.collect()
    }

    /// Sets the positions of the names of `wanted` in the recorded file with this number, which
    /// was read now: `found`.
    pub(super) fn locate(&mut self, number: usize, shown: &str, found: &Checked, wanted: &Checked) {
        for (kind, named) in names_in(wanted) {
            let known = self.known.get_mut(kind);
            let Some(first) = known.and_then(|known| known.get_mut(&*named.name)) else { continue };
            if matches!(first, FirstUse::Recorded(other) if *other == number) {
                let same =
                    |(other, found): &(&str, &Named)| *other == kind && found.name == named.name;
                let place = names_in(found).find(same).map(|(_, found)| found.place(shown));
                *first = FirstUse::At(place.unwrap_or_else(|| shown.to_owned()).into());
            }
        }
    }

    /// Takes the names of a file that is kept as published, even if it has problems.
    pub(super) fn take_published(&mut self, entry: &Entry, checked: &Checked) {
        let shown = entry.path().as_str();
        for (kind, named) in names_in(checked) {
            self.record(kind, &named.name, named.place(shown));
        }
        for name in entry.names().unwrap_or_default() {
            self.record(DEFINITION, name, shown.to_owned());
        }
    }

    fn first_use(&self, kind: &str, name: &str) -> Option<&FirstUse> {
        self.known.get(kind)?.get(name)
    }

    fn record(&mut self, kind: &'static str, name: &str, place: String) {
        let known = self.known.entry(kind).or_default();
        known.entry(name.into()).or_insert_with(|| FirstUse::At(place.into()));
    }

    /// Reports names that were used before, by another file or by this one.
    fn report_duplicates(&mut self, file: &str, names: &[(&'static str, &Named)]) {
        let mut own: HashMap<(&str, &str), &Named> = HashMap::new();
        for (kind, named) in names {
            let before = own.insert((kind, &named.name), named).map(|before| before.place(file));
            let known = self.first_use(kind, &named.name).map(|first| match first {
                FirstUse::At(place) => place.to_string(),
                FirstUse::Recorded(_) => unreachable!("recorded uses were located"),
            });
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
    let definitions = checked.definitions.iter().map(|found| (DEFINITION, &found.named));
    definitions.chain(checked.containers.iter().map(|named| (CONTAINER, named)))
}

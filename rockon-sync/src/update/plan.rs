//! What an update has to do: a pure function of what is held and what is wanted.

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::base::digest::Digest;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::path::EntryPath;
use crate::tree::manifest::{Entry, Manifest};

/// What becomes of every entry of the wanted manifest, and of those that are gone.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Plan<'a> {
    /// For every wanted entry, in the manifest's order.
    pub(crate) steps: Vec<Step<'a>>,
    /// Ids that are new.
    pub(crate) added: Vec<&'a str>,
    /// Ids whose file has other bytes.
    pub(crate) changed: Vec<&'a str>,
    /// Ids that are gone.
    pub(crate) removed: Vec<&'a str>,
    /// Ids whose file was held in the wanted version but has been damaged.
    pub(crate) healed: Vec<&'a str>,
    /// Files that are gone: what the guard against mass deletion counts.
    lost_files: usize,
    held_files: usize,
}

/// What becomes of one wanted entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Step<'a> {
    pub(crate) entry: &'a Entry,
    pub(crate) action: Action<'a>,
    /// What is held of this entry, in whatever version, if it is intact.
    pub(crate) fallback: Option<&'a Entry>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action<'a> {
    /// The bytes are held, under this path.
    Keep(&'a EntryPath),
    /// The bytes have to come from outside.
    Fetch,
}

/// Whether an update may delete more than half of what is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MassDelete {
    /// Refuse it: an empty or half-written source is likelier than such a change.
    #[default]
    Refuse,
    /// The caller knows that it is meant.
    Allow,
}

impl<'a> Plan<'a> {
    /// Plans the way from `held`, of which the paths in `damaged` are not to be
    /// trusted, to `wanted`.
    pub(crate) fn new(
        held: &'a Manifest,
        damaged: &BTreeSet<EntryPath>,
        wanted: &'a Manifest,
    ) -> Plan<'a> {
        let intact = |entry: &&Entry| !damaged.contains(entry.path());
        let mut plan = Plan {
            steps: Vec::with_capacity(wanted.len()),
            added: Vec::new(),
            changed: Vec::new(),
            removed: Vec::new(),
            healed: Vec::new(),
            lost_files: 0,
            held_files: held.len(),
        };
        let mut missing: HashSet<Digest> = HashSet::new();
        for entry in wanted.entries() {
            let old = held.entry(entry.id());
            let fallback = old.filter(intact);
            let action = match fallback {
                Some(old) if old.digest() == entry.digest() => Action::Keep(old.path()),
                _ => {
                    missing.insert(entry.digest());
                    Action::Fetch
                }
            };
            match old {
                None => plan.added.push(entry.id()),
                Some(old) if old.digest() != entry.digest() => plan.changed.push(entry.id()),
                Some(old) if damaged.contains(old.path()) => plan.healed.push(entry.id()),
                Some(_) => {}
            }
            plan.steps.push(Step { entry, action, fallback });
        }
        plan.keep_bytes_held_elsewhere(held, intact, &missing);
        plan.note_what_is_gone(held, wanted);
        plan
    }

    /// A file that only got another id or path is not fetched again.
    fn keep_bytes_held_elsewhere(
        &mut self,
        held: &'a Manifest,
        intact: impl Fn(&&Entry) -> bool,
        missing: &HashSet<Digest>,
    ) {
        if missing.is_empty() {
            return;
        }
        let found: HashMap<Digest, &EntryPath> = held
            .entries()
            .iter()
            .filter(|entry| missing.contains(&entry.digest()))
            .filter(intact)
            .map(|entry| (entry.digest(), entry.path()))
            .collect();
        for step in &mut self.steps {
            if let (Action::Fetch, Some(path)) = (step.action, found.get(&step.entry.digest())) {
                step.action = Action::Keep(path);
            }
        }
    }

    fn note_what_is_gone(&mut self, held: &'a Manifest, wanted: &Manifest) {
        self.removed
            .extend(held.entries().iter().map(Entry::id).filter(|id| wanted.entry(id).is_none()));
        if self.removed.is_empty() {
            return;
        }
        // An entry that only got another id is not lost: its file is still there,
        // under the same path or with the same bytes.
        let paths: HashSet<&EntryPath> = wanted.entries().iter().map(Entry::path).collect();
        let digests: HashSet<Digest> = wanted.entries().iter().map(Entry::digest).collect();
        self.lost_files = held
            .entries()
            .iter()
            .filter(|old| wanted.entry(old.id()).is_none())
            .filter(|old| !paths.contains(old.path()) && !digests.contains(&old.digest()))
            .count();
    }

    /// Refuses to lose more than half of what is held.
    ///
    /// # Errors
    /// [`ErrorKind::MassDelete`] with the numbers.
    pub(crate) fn check_deletes(&self, guard: MassDelete) -> Result<()> {
        check_deletes(self.lost_files, self.held_files, guard)
    }

    /// Whether everything is held as it is wanted.
    pub(crate) fn is_empty(&self) -> bool {
        [&self.added, &self.changed, &self.removed, &self.healed].iter().all(|ids| ids.is_empty())
            && self.steps.iter().all(|step| step.action == Action::Keep(step.entry.path()))
    }

    /// Fetches everything, whatever is held.
    pub(crate) fn distrust(&mut self) {
        for step in &mut self.steps {
            step.action = Action::Fetch;
        }
    }
}

/// Refuses to lose more than half of `held` files.
///
/// # Errors
/// [`ErrorKind::MassDelete`] with the numbers.
pub(crate) fn check_deletes(lost: usize, held: usize, guard: MassDelete) -> Result<()> {
    if guard == MassDelete::Refuse && lost * 2 > held {
        let message = format!(
            "{lost} of {held} entries would be deleted, which is more than half; nothing is \
             changed unless mass deletion is allowed"
        );
        return Err(Error::new(ErrorKind::MassDelete, message));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Entries given as `(id, path, content)`.
    fn manifest(rows: &[(&str, &str, &str)]) -> Manifest {
        let entries = rows.iter().map(|(id, path, content)| {
            let path = EntryPath::new(*path).unwrap();
            Entry::new(*id, path, Digest::of(content.as_bytes())).unwrap()
        });
        Manifest::from_entries(entries.collect()).unwrap()
    }

    fn fetched<'a>(plan: &Plan<'a>) -> Vec<&'a str> {
        let steps = plan.steps.iter().filter(|step| step.action == Action::Fetch);
        steps.map(|step| step.entry.id()).collect()
    }

    #[test]
    fn only_what_is_not_held_is_fetched() {
        let held = manifest(&[("a", "a", "1"), ("b", "b", "2"), ("c", "c", "3"), ("d", "d", "4")]);
        let wanted =
            manifest(&[("a", "a", "1"), ("b", "b", "two"), ("x", "x", "5"), ("d", "new/d", "4")]);
        let plan = Plan::new(&held, &BTreeSet::new(), &wanted);
        assert_eq!(fetched(&plan), ["b", "x"]);
        assert_eq!((plan.added, plan.changed, plan.removed), (vec!["x"], vec!["b"], vec!["c"]));
        assert_eq!(plan.steps[3].action, Action::Keep(held.entry("d").unwrap().path()));
        assert_eq!(plan.steps[1].fallback, held.entry("b"));
    }

    #[test]
    fn a_new_id_for_the_same_bytes_costs_nothing_and_loses_nothing() {
        let held = manifest(&[("A", "a", "1"), ("B", "b", "2"), ("C", "c", "3")]);
        let wanted = manifest(&[("a", "a", "1"), ("b", "elsewhere", "2"), ("c", "c", "three")]);
        let plan = Plan::new(&held, &BTreeSet::new(), &wanted);
        assert_eq!(fetched(&plan), ["c"]);
        assert_eq!((plan.added.len(), plan.removed.len()), (3, 3));
        plan.check_deletes(MassDelete::Refuse).unwrap();
    }

    #[test]
    fn damaged_files_are_fetched_and_are_no_fallback() {
        let held = manifest(&[("a", "a", "1"), ("b", "b", "2")]);
        let damaged = BTreeSet::from([EntryPath::new("a").unwrap()]);
        let plan = Plan::new(&held, &damaged, &held);
        assert_eq!(fetched(&plan), ["a"]);
        assert_eq!((plan.healed.clone(), plan.changed.len()), (vec!["a"], 0));
        assert_eq!(plan.steps[0].fallback, None);
    }

    #[test]
    fn losing_more_than_half_is_refused_unless_allowed() {
        let held = manifest(&[("a", "a", "1"), ("b", "b", "2"), ("c", "c", "3"), ("d", "d", "4")]);
        let none = BTreeSet::new();
        let half = manifest(&[("a", "a", "1"), ("b", "b", "2")]);
        Plan::new(&held, &none, &half).check_deletes(MassDelete::Refuse).unwrap();
        for wanted in [manifest(&[("a", "a", "1")]), manifest(&[])] {
            let plan = Plan::new(&held, &none, &wanted);
            let error = plan.check_deletes(MassDelete::Refuse).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::MassDelete);
            plan.check_deletes(MassDelete::Allow).unwrap();
        }
        Plan::new(&Manifest::default(), &none, &half).check_deletes(MassDelete::Refuse).unwrap();
    }
}

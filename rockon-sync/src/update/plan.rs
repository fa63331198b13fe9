//! The difference between the current and the remote manifest. Pure: does no I/O.
//!
//! A plan is made by merging two streams in byte order of the ids, and has a step only for what
//! differs: its memory grows with the change and not with the catalog.

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::base::digest::Digest;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::path::EntryPath;
use crate::tree::manifest::{Entry, List, ListRow, Manifest};

/// The differences between the current and the remote manifest, in byte order of the ids.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) steps: Vec<Step>,
    /// Files of the current manifest that the remote one has under no id, path or digest.
    lost_files: usize,
    /// Entries of the current manifest.
    current_entries: usize,
}

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Step {
    /// The entry that the current manifest has under this id.
    pub(crate) current: Option<Entry>,
    /// True if the file of `current` is missing or has other bytes.
    pub(crate) is_damaged: bool,
    pub(crate) action: Action,
}

/// The action of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Action {
    /// Fetches the file of this entry.
    Fetch(Entry),
    /// Takes the file of this entry from the current generation, where it has another path.
    Reuse(Entry, EntryPath),
    /// Asks the server for this file, unless it is the same as before: no digest tells.
    Revalidate(ListRow),
    /// Drops the current entry.
    Remove,
}

/// The files of the current generation that a plan may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reuse {
    /// Every file that is not damaged.
    Intact,
    /// No file: everything is fetched again.
    Nothing,
}

/// The treatment of an update that deletes more than half of the catalog.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MassDelete {
    /// Refuse it: an empty or half-written source is more likely than such a change.
    #[default]
    Refuse,
    /// Apply it.
    Allow,
}

/// The manifest that a plan leads to.
#[derive(Debug, Clone, Copy)]
pub(crate) enum RemoteManifest<'a> {
    /// A manifest: a digest for every file.
    Manifest(&'a Manifest),
    /// The list of a v1 tree: a manifest without digests.
    List(&'a List),
}

/// A row of the remote manifest.
enum RemoteRow<'a> {
    Entry(&'a Entry),
    Listed(&'a ListRow),
}

impl Step {
    /// The id of the entry.
    pub(crate) fn id(&self) -> &str {
        match (&self.action, &self.current) {
            (Action::Fetch(entry) | Action::Reuse(entry, _), _) => entry.id(),
            (Action::Revalidate(row), _) => &row.id,
            (Action::Remove, Some(current)) => current.id(),
            (Action::Remove, None) => unreachable!("only current entries are removed"),
        }
    }

    /// The entry that the remote manifest has under this id; `None` if its digest is not known.
    pub(crate) fn remote(&self) -> Option<&Entry> {
        match &self.action {
            Action::Fetch(entry) | Action::Reuse(entry, _) => Some(entry),
            Action::Revalidate(_) | Action::Remove => None,
        }
    }

    /// The current entry, if its file is intact.
    pub(crate) fn intact(&self) -> Option<&Entry> {
        self.current.as_ref().filter(|_| !self.is_damaged)
    }

    fn is_addition(&self) -> bool {
        self.current.is_none()
    }

    fn is_change(&self) -> bool {
        self.digests().is_some_and(|(current, remote)| current != remote)
    }

    fn is_repair(&self) -> bool {
        self.is_damaged && self.digests().is_some_and(|(current, remote)| current == remote)
    }

    fn digests(&self) -> Option<(Digest, Digest)> {
        Some((self.current.as_ref()?.digest(), self.remote()?.digest()))
    }
}

impl Plan {
    /// Plans the way from one manifest to another, with nothing damaged.
    pub(crate) fn to(current: &Manifest, remote: &Manifest) -> Plan {
        let remote = RemoteManifest::Manifest(remote);
        Plan::between(current, &BTreeSet::new(), remote, Reuse::Intact)
    }

    /// Plans the way from `current`, in which the files at `damaged` cannot be used, to `remote`.
    pub(crate) fn between(
        current: &Manifest,
        damaged: &BTreeSet<EntryPath>,
        remote: RemoteManifest<'_>,
        reuse: Reuse,
    ) -> Plan {
        let mut plan = Plan { current_entries: current.len(), ..Plan::default() };
        let mut old = current.sorted().peekable();
        for row in remote.sorted() {
            while let Some(gone) = old.next_if(|old| old.id() < row.id()) {
                plan.remove(gone, damaged);
            }
            let current = old.next_if(|old| old.id() == row.id());
            plan.compare(current, damaged, &row, reuse);
        }
        old.for_each(|gone| plan.remove(gone, damaged));
        if reuse == Reuse::Intact {
            plan.reuse_files_with_another_name(current, damaged);
        }
        plan.count_lost_files(remote);
        plan
    }

    fn remove(&mut self, gone: &Entry, damaged: &BTreeSet<EntryPath>) {
        self.steps.push(Step {
            current: Some(gone.clone()),
            is_damaged: damaged.contains(gone.path()),
            action: Action::Remove,
        });
    }

    fn compare(
        &mut self,
        current: Option<&Entry>,
        damaged: &BTreeSet<EntryPath>,
        row: &RemoteRow<'_>,
        reuse: Reuse,
    ) {
        let is_damaged = current.is_some_and(|current| damaged.contains(current.path()));
        let usable = current.filter(|_| !is_damaged && reuse == Reuse::Intact);
        let action = match (row, usable) {
            (RemoteRow::Listed(row), _) => Action::Revalidate((*row).clone()),
            (RemoteRow::Entry(entry), Some(current)) if current.digest() == entry.digest() => {
                if current.path() == entry.path() {
                    return;
                }
                Action::Reuse((*entry).clone(), current.path().clone())
            }
            (RemoteRow::Entry(entry), _) => Action::Fetch((*entry).clone()),
        };
        self.steps.push(Step { current: current.cloned(), is_damaged, action });
    }

    /// Finds the files that only got another id or path.
    fn reuse_files_with_another_name(&mut self, current: &Manifest, damaged: &BTreeSet<EntryPath>) {
        let wanted: HashSet<Digest> = self.fetched().map(Entry::digest).collect();
        if wanted.is_empty() {
            return;
        }
        let found: HashMap<Digest, &EntryPath> = current
            .sorted()
            .filter(|old| wanted.contains(&old.digest()) && !damaged.contains(old.path()))
            .map(|old| (old.digest(), old.path()))
            .collect();
        for step in &mut self.steps {
            if let Action::Fetch(entry) = &step.action
                && let Some(path) = found.get(&entry.digest())
            {
                step.action = Action::Reuse(entry.clone(), (*path).clone());
            }
        }
    }

    /// Counts the removed files whose path and digest are gone as well: an entry that only got
    /// another id is not lost.
    fn count_lost_files(&mut self, remote: RemoteManifest<'_>) {
        let removed = self.steps.iter().filter(|step| step.action == Action::Remove);
        let removed: Vec<&Entry> = removed.filter_map(|step| step.current.as_ref()).collect();
        if removed.is_empty() {
            return;
        }
        let mut paths: HashSet<&EntryPath> = removed.iter().map(|entry| entry.path()).collect();
        let mut digests: HashSet<Digest> = removed.iter().map(|entry| entry.digest()).collect();
        for row in remote.sorted() {
            paths.remove(row.path());
            if let RemoteRow::Entry(entry) = row {
                digests.remove(&entry.digest());
            }
        }
        let is_lost = |old: &&&Entry| paths.contains(old.path()) && digests.contains(&old.digest());
        self.lost_files = removed.iter().filter(is_lost).count();
    }

    /// Refuses to delete more than half of the catalog.
    ///
    /// # Errors
    /// [`ErrorKind::MassDelete`] with the numbers.
    pub(crate) fn check_deletes(&self, guard: MassDelete) -> Result<()> {
        let (lost, all) = (self.lost_files, self.current_entries);
        if guard == MassDelete::Refuse && lost * 2 > all {
            return Err(Error::new(
                ErrorKind::MassDelete,
                format!(
                    "{lost} of {all} entries would be deleted, which is more than half; nothing \
                     is changed unless mass deletion is allowed"
                ),
            ));
        }
        Ok(())
    }

    /// True if the current generation already has every file in its place.
    pub(crate) fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// The step of this entry; `None` if nothing about it differs.
    pub(crate) fn step(&self, id: &str) -> Option<&Step> {
        let at = self.steps.binary_search_by(|step| step.id().cmp(id)).ok()?;
        Some(&self.steps[at])
    }

    /// The entries whose files are fetched.
    pub(crate) fn fetched(&self) -> impl Iterator<Item = &Entry> {
        self.steps.iter().filter_map(|step| match &step.action {
            Action::Fetch(entry) => Some(entry),
            _ => None,
        })
    }

    /// Ids that are new.
    pub(crate) fn added(&self) -> Vec<String> {
        self.ids(Step::is_addition)
    }

    /// Ids whose file has other bytes.
    pub(crate) fn changed(&self) -> Vec<String> {
        self.ids(Step::is_change)
    }

    /// Ids that are gone.
    pub(crate) fn removed(&self) -> Vec<String> {
        self.ids(|step| step.action == Action::Remove)
    }

    /// Ids whose file was damaged, and did not change in the meantime.
    pub(crate) fn healed(&self) -> Vec<String> {
        self.ids(Step::is_repair)
    }

    fn ids(&self, filter: impl Fn(&Step) -> bool) -> Vec<String> {
        self.steps.iter().filter(|step| filter(step)).map(|step| step.id().to_owned()).collect()
    }
}

impl<'a> RemoteManifest<'a> {
    /// The rows in byte order of their ids.
    fn sorted(self) -> Box<dyn Iterator<Item = RemoteRow<'a>> + 'a> {
        match self {
            RemoteManifest::Manifest(manifest) => Box::new(manifest.sorted().map(RemoteRow::Entry)),
            RemoteManifest::List(list) => {
                let mut rows: Vec<&ListRow> = list.rows().iter().collect();
                rows.sort_unstable_by(|a, b| a.id.cmp(&b.id));
                Box::new(rows.into_iter().map(RemoteRow::Listed))
            }
        }
    }
}

impl RemoteRow<'_> {
    fn id(&self) -> &str {
        match self {
            RemoteRow::Entry(entry) => entry.id(),
            RemoteRow::Listed(row) => &row.id,
        }
    }

    fn path(&self) -> &EntryPath {
        match self {
            RemoteRow::Entry(entry) => entry.path(),
            RemoteRow::Listed(row) => &row.path,
        }
    }
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

    fn plan(current: &Manifest, damaged: &[&str], remote: &Manifest) -> Plan {
        let damaged = damaged.iter().map(|path| EntryPath::new(*path).unwrap()).collect();
        Plan::between(current, &damaged, RemoteManifest::Manifest(remote), Reuse::Intact)
    }

    fn fetched(plan: &Plan) -> Vec<&str> {
        plan.fetched().map(Entry::id).collect()
    }

    #[test]
    fn only_missing_files_are_fetched_and_unchanged_entries_have_no_step() {
        let current =
            manifest(&[("a", "a", "1"), ("b", "b", "2"), ("c", "c", "3"), ("d", "d", "4")]);
        let remote =
            manifest(&[("a", "a", "1"), ("b", "b", "two"), ("x", "x", "5"), ("d", "new/d", "4")]);
        let plan = plan(&current, &[], &remote);
        assert_eq!(fetched(&plan), ["b", "x"]);
        assert_eq!((plan.added(), plan.changed(), plan.removed()), owned("x", "b", "c"));
        assert_eq!(plan.step("a"), None);
        let moved = remote.entry("d").unwrap().clone();
        let from = EntryPath::new("d").unwrap();
        assert_eq!(plan.step("d").unwrap().action, Action::Reuse(moved, from));
        assert_eq!(plan.step("b").unwrap().intact(), current.entry("b"));
        assert_eq!(plan.steps.len(), 4);
    }

    fn owned(a: &str, b: &str, c: &str) -> (Vec<String>, Vec<String>, Vec<String>) {
        (vec![a.to_owned()], vec![b.to_owned()], vec![c.to_owned()])
    }

    #[test]
    fn a_new_id_for_the_same_bytes_costs_nothing_and_loses_nothing() {
        let current = manifest(&[("A", "a", "1"), ("B", "b", "2"), ("C", "c", "3")]);
        let remote = manifest(&[("a", "a", "1"), ("b", "elsewhere", "2"), ("c", "c", "three")]);
        let plan = plan(&current, &[], &remote);
        assert_eq!(fetched(&plan), ["c"]);
        assert_eq!((plan.added().len(), plan.removed().len()), (3, 3));
        plan.check_deletes(MassDelete::Refuse).unwrap();
    }

    #[test]
    fn damaged_files_are_fetched_and_not_used() {
        let current = manifest(&[("a", "a", "1"), ("b", "b", "2")]);
        let plan = plan(&current, &["a"], &current);
        assert_eq!(fetched(&plan), ["a"]);
        assert_eq!((plan.healed(), plan.changed().len()), (vec!["a".to_owned()], 0));
        assert_eq!(plan.steps[0].intact(), None);
    }

    #[test]
    fn everything_is_fetched_again_if_nothing_may_be_reused() {
        let current = manifest(&[("a", "a", "1"), ("b", "b", "2")]);
        let remote = RemoteManifest::Manifest(&current);
        let plan = Plan::between(&current, &BTreeSet::new(), remote, Reuse::Nothing);
        assert_eq!(fetched(&plan), ["a", "b"]);
        assert_eq!((plan.changed().len(), plan.healed().len()), (0, 0));
    }

    #[test]
    fn files_of_a_list_are_revalidated() {
        let current = manifest(&[("a", "a", "1"), ("b", "b", "2")]);
        let list = List::parse(br#"{"c": "c", "a": "a"}"#).unwrap();
        let remote = RemoteManifest::List(&list);
        let plan = Plan::between(&current, &BTreeSet::new(), remote, Reuse::Intact);
        let steps: Vec<_> = plan.steps.iter().map(|step| (step.id(), &step.action)).collect();
        let row = |n: usize| Action::Revalidate(list.rows()[n].clone());
        assert_eq!(steps, [("a", &row(1)), ("b", &Action::Remove), ("c", &row(0))]);
        assert_eq!(plan.steps[0].intact(), current.entry("a"));
        assert_eq!((plan.added(), plan.removed()), (vec!["c".to_owned()], vec!["b".to_owned()]));
    }

    #[test]
    fn losing_more_than_half_is_refused_unless_allowed() {
        let current =
            manifest(&[("a", "a", "1"), ("b", "b", "2"), ("c", "c", "3"), ("d", "d", "4")]);
        let half = manifest(&[("a", "a", "1"), ("b", "b", "2")]);
        plan(&current, &[], &half).check_deletes(MassDelete::Refuse).unwrap();
        for remote in [manifest(&[("a", "a", "1")]), manifest(&[])] {
            let plan = plan(&current, &[], &remote);
            let error = plan.check_deletes(MassDelete::Refuse).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::MassDelete);
            plan.check_deletes(MassDelete::Allow).unwrap();
        }
        plan(&Manifest::default(), &[], &half).check_deletes(MassDelete::Refuse).unwrap();
        // No id is lost if every file has another name and other bytes.
        let other = manifest(&[("a", "w", "5"), ("b", "x", "6"), ("c", "y", "7"), ("d", "z", "8")]);
        plan(&current, &[], &other).check_deletes(MassDelete::Refuse).unwrap();
    }
}

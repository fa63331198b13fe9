//! The difference between the current and the remote manifest. Pure: reads what it is given.
//!
//! Both manifests are streams in byte order of the ids, and a plan is made by merging them. Its
//! steps are not kept: stages that need them merge the manifests again, which costs less than the
//! memory. So the memory of an update grows with the change and not with the catalog.

use std::collections::{BTreeSet, HashSet};

use super::steps::{Action, Moved, RemoteManifest, Reuse, Sides, Step, Steps};
use crate::base::digest::Digest;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::path::EntryPath;
use crate::tree::manifest::{Manifest, Stretch};

/// A summary of the differences between the current and the remote manifest.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Plan {
    /// Ids that are new, in byte order like those of the other lists.
    pub(crate) added: Vec<String>,
    /// Ids whose file has other bytes.
    pub(crate) changed: Vec<String>,
    /// Ids that are gone.
    pub(crate) removed: Vec<String>,
    /// Ids whose file was damaged, and did not change in the meantime.
    pub(crate) healed: Vec<String>,
    /// The current files that it may use.
    reuse: Reuse,
    /// The paths of current files that only get another id or path.
    moved: Moved,
    /// The part of the manifests that has all entries that are not kept as they are, if any.
    differs: Option<Stretch>,
    /// Files of the current manifest that the remote one has under no id, path or digest.
    lost_files: usize,
    /// Entries of the current manifest. Counted if there are files in `removed`.
    current_entries: usize,
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

impl Plan {
    /// Plans the way from one manifest to another, with nothing damaged.
    ///
    /// # Errors
    /// [`ErrorKind::Manifest`] if one of them cannot be read.
    pub(crate) fn to(current: &Manifest, remote: &Manifest) -> Result<Plan> {
        let (current, remote) = (current.to_canonical(), remote.to_canonical());
        let sides = Sides {
            current: &current,
            damaged: &BTreeSet::new(),
            remote: RemoteManifest::Rows(&remote, Stretch::default()),
        };
        Plan::between(sides, Reuse::Intact)
    }

    /// Plans the way from one manifest to another.
    ///
    /// # Errors
    /// [`ErrorKind::Store`] and [`ErrorKind::Manifest`] if one of them cannot be read.
    pub(crate) fn between(sides: Sides<'_>, reuse: Reuse) -> Result<Plan> {
        let mut plan = Plan { reuse, ..Plan::default() };
        let mut fetched: HashSet<String> = HashSet::new();
        let mut removed: Vec<(EntryPath, Digest)> = Vec::new();
        // A first sync finds nothing that it could reuse.
        let may_reuse = reuse == Reuse::Intact && sides.current.rows()?.advance()?;
        let mut steps = sides.changes(reuse)?;
        while let Some(step) = steps.next()? {
            let changes_something = step.changes_something();
            plan.note(&step)?;
            if let Action::Fetch(row) = step.action
                && may_reuse
            {
                fetched.insert(row.digest_text()?.to_owned());
            }
            if let (Action::Remove, Some(row)) = (&step.action, step.current) {
                removed.push((row.path()?, row.digest()?));
            }
            if changes_something {
                let place = steps.place();
                let differs = plan.differs.get_or_insert(place);
                (differs.old.end, differs.new.end) = (place.old.end, place.new.end);
            }
        }
        if !fetched.is_empty() {
            plan.moved = sides.find(&fetched)?;
        }
        if !removed.is_empty() {
            plan.lost_files = sides.count_lost(&removed)?;
            plan.current_entries = sides.current.rows()?.count()?;
        }
        Ok(plan)
    }

    fn note(&mut self, step: &Step<'_>) -> Result<()> {
        if !step.changes_something() {
            return Ok(());
        }
        let ids = match (step.current, step.remote()) {
            (None, _) => &mut self.added,
            (Some(_), None) if matches!(step.action, Action::Remove) => &mut self.removed,
            (Some(current), Some(remote)) if current.digest()? != remote.digest()? => {
                &mut self.changed
            }
            (Some(_), Some(_)) if step.is_damaged => &mut self.healed,
            (Some(_), _) => return Ok(()),
        };
        ids.push(step.id().to_owned());
        Ok(())
    }

    /// Returns the steps of the plan. `sides` are those that it was made of.
    ///
    /// # Errors
    /// [`ErrorKind::Store`] if a manifest cannot be opened.
    pub(crate) fn steps<'a>(&'a self, sides: Sides<'a>) -> Result<Steps<'a>> {
        Ok(sides.steps(self.reuse)?.with_moved(&self.moved))
    }

    /// Returns the steps that change something. Others may be among them. `sides` are those that the
    /// plan was made of.
    ///
    /// # Errors
    /// [`ErrorKind::Store`] if a manifest cannot be opened.
    pub(crate) fn changes<'a>(&'a self, sides: Sides<'a>) -> Result<Steps<'a>> {
        let differs = self.differs.unwrap_or(Stretch::NONE);
        Ok(sides.changes_in(differs, self.reuse)?.with_moved(&self.moved))
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
        self.differs.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::manifest::{Entry, List, Rows, patch_between, write_patched};

    /// Entries given as `(id, path, content)`.
    fn manifest(rows: &[(&str, &str, &str)]) -> Manifest {
        let entries = rows.iter().map(|(id, path, content)| {
            let path = EntryPath::new(*path).unwrap();
            Entry::new(*id, path, Digest::of(content.as_bytes())).unwrap()
        });
        Manifest::from_entries(entries.collect()).unwrap()
    }

    /// Returns the plan, and its steps without those that keep a file.
    fn planned(
        current: &Manifest,
        damaged: &[&str],
        remote: RemoteManifest<'_>,
        reuse: Reuse,
    ) -> (Plan, Vec<String>) {
        let current = current.to_canonical();
        let damaged = damaged.iter().map(|path| EntryPath::new(*path).unwrap()).collect();
        let sides = Sides { current: &current, damaged: &damaged, remote };
        let plan = Plan::between(sides, reuse).unwrap();
        let steps = shown(plan.steps(sides).unwrap());
        assert_eq!(shown(plan.changes(sides).unwrap()), steps);
        assert_eq!(plan.is_empty(), steps.is_empty());
        (plan, steps)
    }

    fn shown(steps: Steps<'_>) -> Vec<String> {
        let mut shown = Vec::new();
        let collect = &mut |step: &Step<'_>| {
            let intact = if step.intact().is_some() { "" } else { " anew" };
            shown.push(match &step.action {
                Action::Keep(_) => return Ok(()),
                Action::Fetch(row) => format!("fetch {}{intact}", row.id),
                Action::Reuse(row, path) => format!("{} from {path}", row.id),
                Action::Revalidate(row) => format!("ask for {}{intact}", row.id),
                Action::Remove => format!("remove {}", step.id()),
            });
            Ok(())
        };
        steps.for_each(collect).unwrap();
        shown
    }

    fn plan(current: &Manifest, damaged: &[&str], remote: &Manifest) -> (Plan, Vec<String>) {
        let remote = remote.to_canonical();
        let remote = RemoteManifest::Rows(&remote, Stretch::default());
        planned(current, damaged, remote, Reuse::Intact)
    }

    #[test]
    fn only_missing_files_are_fetched_and_unchanged_entries_are_kept() {
        let current =
            manifest(&[("a", "a", "1"), ("b", "b", "2"), ("c", "c", "3"), ("d", "d", "4")]);
        let remote =
            manifest(&[("a", "a", "1"), ("b", "b", "two"), ("x", "x", "5"), ("d", "new/d", "4")]);
        let (plan, steps) = plan(&current, &[], &remote);
        assert_eq!(steps, ["fetch b", "remove c", "d from d", "fetch x anew"]);
        assert_eq!((plan.added, plan.changed, plan.removed), owned("x", "b", "c"));
    }

    fn owned(a: &str, b: &str, c: &str) -> (Vec<String>, Vec<String>, Vec<String>) {
        (vec![a.to_owned()], vec![b.to_owned()], vec![c.to_owned()])
    }

    #[test]
    fn an_entry_with_other_metadata_keeps_its_file() {
        let current = manifest(&[("a", "a", "1")]);
        let entry = current.entries()[0].clone().with_names(["A"]);
        let (plan, steps) = plan(&current, &[], &Manifest::from_entries(vec![entry]).unwrap());
        assert_eq!((plan, steps), (Plan::default(), vec![]));
    }

    #[test]
    fn a_new_id_for_the_same_bytes_costs_nothing_and_loses_nothing() {
        let current = manifest(&[("A", "a", "1"), ("B", "b", "2"), ("C", "c", "3")]);
        let remote = manifest(&[("a", "a", "1"), ("b", "elsewhere", "2"), ("c", "c", "three")]);
        let (plan, steps) = plan(&current, &[], &remote);
        let removed = ["remove A", "remove B", "remove C"];
        assert_eq!(steps, [&removed[..], &["a from a", "b from b", "fetch c anew"]].concat());
        assert_eq!((plan.added.len(), plan.removed.len()), (3, 3));
        plan.check_deletes(MassDelete::Refuse).unwrap();
    }

    #[test]
    fn a_file_is_found_under_an_id_after_all_new_ones() {
        let current = manifest(&[("z", "z", "1")]);
        let remote = manifest(&[("a", "a", "1"), ("z", "z", "2")]);
        assert_eq!(plan(&current, &[], &remote).1, ["a from z", "fetch z"]);
        assert_eq!(plan(&current, &["z"], &remote).1, ["fetch a anew", "fetch z anew"]);
    }

    #[test]
    fn a_plan_is_the_same_if_only_the_part_that_differs_is_read() {
        // Each of three ids is missing, or has one of two files.
        let manifests: Vec<Manifest> = (0..27)
            .map(|n: usize| {
                let versions = [("a", n % 3), ("b", n / 3 % 3), ("c", n / 9)];
                let there = versions.iter().filter(|(_, version)| *version > 0);
                let rows: Vec<_> =
                    there.map(|(id, version)| (*id, *id, format!("{id}{version}"))).collect();
                let rows: Vec<_> =
                    rows.iter().map(|(id, path, text)| (*id, *path, &**text)).collect();
                manifest(&rows)
            })
            .collect();
        for (old, new) in
            manifests.iter().flat_map(|old| manifests.iter().map(move |new| (old, new)))
        {
            let patch = patch_between(&old.differences_to(new)).unwrap();
            let (current, mut patched) = (old.to_canonical(), Vec::new());
            let differs =
                write_patched(Rows::new(&*current), &patch, &mut patched).unwrap().differs;
            let remote = RemoteManifest::Rows(&patched, differs);
            let found = planned(old, &[], remote, Reuse::Intact);
            let expected = plan(old, &[], new);
            assert_eq!(found, expected, "{current:?} {patched:?}");
        }
    }

    #[test]
    fn damaged_files_are_fetched_and_not_used() {
        let current = manifest(&[("a", "a", "1"), ("b", "b", "2")]);
        let (plan, steps) = plan(&current, &["a"], &current);
        assert_eq!(steps, ["fetch a anew"]);
        assert_eq!((plan.healed, plan.changed.len()), (vec!["a".to_owned()], 0));
    }

    #[test]
    fn everything_is_fetched_again_if_nothing_may_be_reused() {
        let current = manifest(&[("a", "a", "1"), ("b", "b", "2")]);
        let remote = current.to_canonical();
        let remote = RemoteManifest::Rows(&remote, Stretch::default());
        let (plan, steps) = planned(&current, &[], remote, Reuse::Nothing);
        assert_eq!(steps, ["fetch a", "fetch b"]);
        assert_eq!((plan.changed.len(), plan.healed.len()), (0, 0));
    }

    #[test]
    fn files_of_a_list_are_revalidated() {
        let current = manifest(&[("a", "a", "1"), ("b", "b", "2")]);
        let list = List::parse(br#"{"c": "c", "a": "a"}"#).unwrap();
        let (plan, steps) = planned(&current, &[], RemoteManifest::List(&list), Reuse::Intact);
        assert_eq!(steps, ["ask for a", "remove b", "ask for c anew"]);
        assert_eq!((plan.added, plan.removed), (vec!["c".to_owned()], vec!["b".to_owned()]));
    }

    #[test]
    fn losing_more_than_half_is_refused_unless_allowed() {
        let current =
            manifest(&[("a", "a", "1"), ("b", "b", "2"), ("c", "c", "3"), ("d", "d", "4")]);
        let half = manifest(&[("a", "a", "1"), ("b", "b", "2")]);
        plan(&current, &[], &half).0.check_deletes(MassDelete::Refuse).unwrap();
        for remote in [manifest(&[("a", "a", "1")]), manifest(&[])] {
            let (plan, _) = plan(&current, &[], &remote);
            let error = plan.check_deletes(MassDelete::Refuse).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::MassDelete);
            plan.check_deletes(MassDelete::Allow).unwrap();
        }
        plan(&Manifest::default(), &[], &half).0.check_deletes(MassDelete::Refuse).unwrap();
        // No id is lost if every file has another name and other bytes.
        let other = manifest(&[("a", "w", "5"), ("b", "x", "6"), ("c", "y", "7"), ("d", "z", "8")]);
        plan(&current, &[], &other).0.check_deletes(MassDelete::Refuse).unwrap();
    }
}

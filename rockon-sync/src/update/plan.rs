//! The difference between the current and the remote manifest. Pure: reads what it is given.
//!
//! Both manifests are streams in byte order of the ids, and a plan is made by merging them. Its
//! steps are not kept: stages that need them merge the manifests again, which costs less than the
//! memory. So the memory of an update grows with the change and not with the catalog.

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::base::digest::Digest;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::path::EntryPath;
use crate::tree::manifest::{List, ListRow, Manifest, Row, RowSource, Rows, Span, Stretch};

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
    /// Number of entries that are not kept as they are.
    differences: usize,
    /// The part of the manifests that has them.
    differs: Option<Stretch>,
    /// Files of the current manifest that the remote one has under no id, path or digest.
    lost_files: usize,
    /// Entries of the current manifest. Counted if there are files in `removed`.
    current_entries: usize,
}

/// The paths of current files, by digest.
type Moved = HashMap<Digest, EntryPath>;

/// The two manifests of a plan, each of which can be read several times.
#[derive(Clone, Copy)]
pub(crate) struct Sides<'a> {
    pub(crate) current: &'a dyn RowSource,
    /// Files of the current manifest that cannot be used.
    pub(crate) damaged: &'a BTreeSet<EntryPath>,
    pub(crate) remote: RemoteManifest<'a>,
}

/// The manifest that a plan leads to.
#[derive(Clone, Copy)]
pub(crate) enum RemoteManifest<'a> {
    /// A manifest: a digest for every file. It differs from the current one in a part.
    Rows(&'a dyn RowSource, Stretch),
    /// The list of a v1 tree: a manifest without digests.
    List(&'a List),
}

/// The way of one entry from the current to the remote manifest.
#[derive(Debug, Clone)]
pub(crate) struct Step<'a> {
    /// The entry that the current manifest has under this id.
    pub(crate) current: Option<Row<'a>>,
    /// True if the file of `current` is missing or has other bytes.
    pub(crate) is_damaged: bool,
    pub(crate) action: Action<'a>,
}

/// The action of a step.
#[derive(Debug, Clone)]
pub(crate) enum Action<'a> {
    /// Keeps the file as it is.
    Keep(Row<'a>),
    /// Fetches the file of this entry.
    Fetch(Row<'a>),
    /// Takes the file of this entry from the current generation, where it has another path.
    Reuse(Row<'a>, EntryPath),
    /// Asks the server for this file, unless it is the same as before: no digest tells.
    Revalidate(&'a ListRow),
    /// Drops the current entry.
    Remove,
}

/// The steps of a plan, in byte order of the ids.
pub(crate) struct Steps<'a> {
    current: Rows<'a>,
    remote: RemoteRows<'a>,
    damaged: &'a BTreeSet<EntryPath>,
    reuse: Reuse,
    moved: Option<&'a Moved>,
    /// The sides of the last step, which are passed before the next one.
    passed: Passed,
    /// True if rows that are the same in both manifests are left out.
    only_changes: bool,
}

/// The rows of the remote manifest.
enum RemoteRows<'a> {
    Rows(Rows<'a>),
    List { row: Option<&'a ListRow>, rest: std::vec::IntoIter<&'a ListRow> },
}

/// A row of the remote manifest.
enum RemoteRow<'a> {
    Entry(Row<'a>),
    Listed(&'a ListRow),
}

/// The sides that a step was about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Passed {
    Current,
    Remote,
    Both,
}

/// The files of the current generation that a plan may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Reuse {
    /// Every file that is not damaged.
    #[default]
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

impl<'a> Sides<'a> {
    /// Returns the steps without regard to files that only got another id or path.
    ///
    /// # Errors
    /// [`ErrorKind::Store`] if a manifest cannot be opened.
    pub(crate) fn steps(self, reuse: Reuse) -> Result<Steps<'a>> {
        self.steps_in(Stretch::default(), reuse)
    }

    /// Returns the steps that change something. Others may be among them.
    ///
    /// # Errors
    /// [`ErrorKind::Store`] if a manifest cannot be opened.
    pub(crate) fn changes(self, reuse: Reuse) -> Result<Steps<'a>> {
        self.changes_in(self.remote.differs(), reuse)
    }

    fn changes_in(self, stretch: Stretch, reuse: Reuse) -> Result<Steps<'a>> {
        Ok(Steps { only_changes: true, ..self.steps_in(stretch, reuse)? })
    }

    fn steps_in(self, stretch: Stretch, reuse: Reuse) -> Result<Steps<'a>> {
        Ok(Steps {
            current: self.current.rows_in(stretch.old)?,
            remote: self.remote.rows_in(stretch.new)?,
            damaged: self.damaged,
            reuse,
            moved: None,
            passed: Passed::Both,
            only_changes: false,
        })
    }

    /// Returns the paths of the current files with these digests, as far as the two manifests
    /// differ.
    fn find(self, wanted: &HashSet<String>) -> Result<Moved> {
        let mut found = Moved::new();
        let mut rows = self.current.rows_in(self.remote.differs().old)?;
        while let Some(row) = rows.next()? {
            if wanted.contains(row.digest_text()?) {
                let path = row.path()?;
                if !self.damaged.contains(&path) {
                    found.insert(row.digest()?, path);
                }
            }
        }
        Ok(found)
    }

    /// Counts the removed files whose path and digest are gone as well: an entry that only got
    /// another id is not lost.
    fn count_lost(self, removed: &[(EntryPath, Digest)]) -> Result<usize> {
        let mut paths: HashSet<&EntryPath> = removed.iter().map(|(path, _)| path).collect();
        let mut digests: HashSet<Digest> = removed.iter().map(|(_, digest)| *digest).collect();
        let mut rows = self.remote.rows()?;
        while let Some(row) = rows.next()? {
            paths.remove(&row.path()?);
            if let RemoteRow::Entry(row) = row {
                digests.remove(&row.digest()?);
            }
        }
        let is_lost = |(path, digest): &&(EntryPath, Digest)| {
            paths.contains(path) && digests.contains(digest)
        };
        Ok(removed.iter().filter(is_lost).count())
    }
}

impl<'a> RemoteManifest<'a> {
    /// Returns the part in which it differs from the current manifest.
    fn differs(self) -> Stretch {
        match self {
            RemoteManifest::Rows(_, differs) => differs,
            RemoteManifest::List(_) => Stretch::default(),
        }
    }

    /// Passes the id and the path of each entry to `visit`, in byte order of the ids.
    ///
    /// # Errors
    /// [`ErrorKind::Store`] and [`ErrorKind::Manifest`] if it cannot be read; those of `visit`.
    pub(crate) fn for_each(
        self,
        visit: &mut dyn FnMut(&str, EntryPath) -> Result<()>,
    ) -> Result<()> {
        let mut rows = self.rows()?;
        while let Some(row) = rows.next()? {
            visit(row.id(), row.path()?)?;
        }
        Ok(())
    }

    fn rows(self) -> Result<RemoteRows<'a>> {
        self.rows_in(Span::default())
    }

    /// Returns the rows of a part. A list has one part.
    fn rows_in(self, span: Span) -> Result<RemoteRows<'a>> {
        Ok(match self {
            RemoteManifest::Rows(source, _) => RemoteRows::Rows(source.rows_in(span)?),
            RemoteManifest::List(list) => {
                let mut rows: Vec<&ListRow> = list.rows().iter().collect();
                rows.sort_unstable_by(|a, b| a.id.cmp(&b.id));
                RemoteRows::List { row: None, rest: rows.into_iter() }
            }
        })
    }
}

impl Steps<'_> {
    /// Passes each of the steps that are left to `act`.
    ///
    /// # Errors
    /// Those of [`next`](Self::next), and of `act`.
    pub(crate) fn for_each(mut self, act: &mut dyn FnMut(&Step<'_>) -> Result<()>) -> Result<()> {
        while let Some(step) = self.next()? {
            act(&step)?;
        }
        Ok(())
    }

    /// Returns the next step.
    ///
    /// # Errors
    /// [`ErrorKind::Store`] and [`ErrorKind::Manifest`] if a manifest cannot be read.
    pub(crate) fn next(&mut self) -> Result<Option<Step<'_>>> {
        while self.advance()? {
            if !(self.only_changes && self.is_same()?) {
                return self.step().map(Some);
            }
            // With a damaged file, each row is looked at.
            if let (RemoteRows::Rows(remote), true) = (&mut self.remote, self.damaged.is_empty()) {
                self.current.pass_equal(remote)?;
            }
        }
        Ok(None)
    }

    /// Returns the place of the last step. A list is one place.
    fn place(&self) -> Stretch {
        let RemoteRows::Rows(remote) = &self.remote else { return Stretch::default() };
        // A row that the step was not about is still to come.
        let passed = |place: Span, is_passed| match is_passed {
            true => place,
            false => Span { end: place.start, ..place },
        };
        Stretch {
            old: passed(self.current.place(), self.passed != Passed::Remote),
            new: passed(remote.place(), self.passed != Passed::Current),
        }
    }

    /// Moves to the next step. False at the end.
    fn advance(&mut self) -> Result<bool> {
        if self.passed != Passed::Remote {
            self.current.advance()?;
        }
        if self.passed != Passed::Current {
            self.remote.advance()?;
        }
        self.passed = match (self.current.row(), self.remote.row().map(|row| row.id())) {
            (None, None) => return Ok(false),
            (Some(_), None) => Passed::Current,
            (None, Some(_)) => Passed::Remote,
            (Some(current), Some(id)) => match current.id.cmp(id) {
                std::cmp::Ordering::Less => Passed::Current,
                std::cmp::Ordering::Equal => Passed::Both,
                std::cmp::Ordering::Greater => Passed::Remote,
            },
        };
        Ok(true)
    }

    /// True if both manifests have this row, and its file can be used.
    fn is_same(&self) -> Result<bool> {
        Ok(match (self.current.row(), self.remote.row()) {
            (Some(current), Some(RemoteRow::Entry(remote))) => {
                current.text == remote.text
                    && self.reuse == Reuse::Intact
                    && !self.is_damaged(current)?
            }
            _ => false,
        })
    }

    fn is_damaged(&self, row: Row<'_>) -> Result<bool> {
        Ok(!self.damaged.is_empty() && self.damaged.contains(&row.path()?))
    }

    /// Returns the step that this is about.
    fn step(&self) -> Result<Step<'_>> {
        let current = self.current.row().filter(|_| self.passed != Passed::Remote);
        let is_damaged = match current {
            Some(row) => self.is_damaged(row)?,
            None => false,
        };
        let usable = current.filter(|_| !is_damaged && self.reuse == Reuse::Intact);
        let action = match self.remote.row().filter(|_| self.passed != Passed::Current) {
            None => Action::Remove,
            Some(RemoteRow::Listed(row)) => Action::Revalidate(row),
            Some(RemoteRow::Entry(row)) => action_of(row, usable, self.moved)?,
        };
        Ok(Step { current, is_damaged, action })
    }
}

/// Returns the action for an entry of the remote manifest, given the current one if its file can
/// be used.
fn action_of<'a>(
    row: Row<'a>,
    usable: Option<Row<'_>>,
    moved: Option<&Moved>,
) -> Result<Action<'a>> {
    let digest = match usable {
        // Most rows are equal, and need not be parsed.
        Some(usable) if usable.text == row.text => return Ok(Action::Keep(row)),
        Some(usable) => {
            let (digest, path) = (row.digest()?, usable.path()?);
            if usable.digest()? == digest {
                let is_same = path == row.path()?;
                return Ok(if is_same { Action::Keep(row) } else { Action::Reuse(row, path) });
            }
            digest
        }
        None => row.digest()?,
    };
    Ok(match moved.and_then(|moved| moved.get(&digest)) {
        Some(path) => Action::Reuse(row, path.clone()),
        None => Action::Fetch(row),
    })
}

impl RemoteRows<'_> {
    fn advance(&mut self) -> Result<()> {
        match self {
            RemoteRows::Rows(rows) => drop(rows.advance()?),
            RemoteRows::List { row, rest } => *row = rest.next(),
        }
        Ok(())
    }

    fn next(&mut self) -> Result<Option<RemoteRow<'_>>> {
        self.advance()?;
        Ok(self.row())
    }

    fn row(&self) -> Option<RemoteRow<'_>> {
        match self {
            RemoteRows::Rows(rows) => rows.row().map(RemoteRow::Entry),
            RemoteRows::List { row, .. } => row.map(RemoteRow::Listed),
        }
    }
}

impl<'a> RemoteRow<'a> {
    fn id(&self) -> &'a str {
        match self {
            RemoteRow::Entry(row) => row.id,
            RemoteRow::Listed(row) => &row.id,
        }
    }

    fn path(&self) -> Result<EntryPath> {
        match self {
            RemoteRow::Entry(row) => Ok(row.path()?),
            RemoteRow::Listed(row) => Ok(row.path.clone()),
        }
    }
}

impl<'a> Step<'a> {
    /// Returns the id of the entry.
    pub(crate) fn id(&self) -> &'a str {
        match (&self.action, self.current) {
            (Action::Keep(row) | Action::Fetch(row) | Action::Reuse(row, _), _) => row.id,
            (Action::Revalidate(row), _) => &row.id,
            (Action::Remove, Some(current)) => current.id,
            (Action::Remove, None) => unreachable!("only current entries are removed"),
        }
    }

    /// Returns the entry that the remote manifest has under this id; `None` if its digest is not
    /// known.
    pub(crate) fn remote(&self) -> Option<Row<'a>> {
        match &self.action {
            Action::Keep(row) | Action::Fetch(row) | Action::Reuse(row, _) => Some(*row),
            Action::Revalidate(_) | Action::Remove => None,
        }
    }

    /// True unless the current file stays in its place.
    fn changes_something(&self) -> bool {
        !matches!(self.action, Action::Keep(_))
    }

    /// Returns the current entry, if its file is intact.
    pub(crate) fn intact(&self) -> Option<Row<'a>> {
        self.current.filter(|_| !self.is_damaged)
    }
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
        self.differences += 1;
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
        Ok(Steps { moved: Some(&self.moved), ..sides.steps(self.reuse)? })
    }

    /// Returns the steps that change something. Others may be among them. `sides` are those that the
    /// plan was made of.
    ///
    /// # Errors
    /// [`ErrorKind::Store`] if a manifest cannot be opened.
    pub(crate) fn changes<'a>(&'a self, sides: Sides<'a>) -> Result<Steps<'a>> {
        let differs = self.differs.unwrap_or(Stretch::NONE);
        Ok(Steps { moved: Some(&self.moved), ..sides.changes_in(differs, self.reuse)? })
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
        self.differences == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::manifest::{Entry, patch_between, write_patched};

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

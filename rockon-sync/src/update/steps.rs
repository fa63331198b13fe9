//! The way from one manifest to another, entry by entry, found by merging them.

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::base::digest::Digest;
use crate::base::error::Result;
use crate::base::path::EntryPath;
use crate::tree::manifest::{List, ListRow, Row, RowSource, Rows, Span, Stretch};

#[cfg(doc)]
use crate::base::error::ErrorKind;

/// The paths of current files, by digest.
pub(super) type Moved = HashMap<Digest, EntryPath>;

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

    pub(super) fn changes_in(self, stretch: Stretch, reuse: Reuse) -> Result<Steps<'a>> {
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
    pub(super) fn find(self, wanted: &HashSet<String>) -> Result<Moved> {
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
    pub(super) fn count_lost(self, removed: &[(EntryPath, Digest)]) -> Result<usize> {
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

impl<'a> Steps<'a> {
    /// Takes files with these digests from the current generation, whatever their id was.
    pub(super) fn with_moved(self, moved: &'a Moved) -> Steps<'a> {
        Steps { moved: Some(moved), ..self }
    }

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
    pub(super) fn place(&self) -> Stretch {
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
    pub(super) fn changes_something(&self) -> bool {
        !matches!(self.action, Action::Keep(_))
    }

    /// Returns the current entry, if its file is intact.
    pub(crate) fn intact(&self) -> Option<Row<'a>> {
        self.current.filter(|_| !self.is_damaged)
    }
}

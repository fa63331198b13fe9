//! Making the next generation of the one before the current one.
//!
//! ```text
//! gen/000041 -> gen/000041.recycled -> sync
//!   -> remove and place: the changes of 000042, then the differences to 000043
//!   -> sync -> gen/000043
//! ```
//!
//! The cost follows the changes and not the size of the catalog. It is only done if the directories
//! of the old generation have the times of its commit, so that it has exactly the files of its
//! record: their bytes are those of the current generation, with which it shares them.
//!
//! The old generation leaves its name before the first change and the name is synced, so that
//! neither a reader nor a loss of power finds a changed generation under an old number. Whatever
//! goes wrong, a fresh generation is built instead, and what is left of the old one is removed like
//! any other leftover.

use std::collections::{BTreeMap, BTreeSet};

use super::changes::{Base, Changes};
use super::draft::Draft;
use super::generation::HEAD;
use super::{Commit, Difference, FileOrigin, Generation, SourceWriter};
use crate::base::error::{IoContext, Result};
use crate::base::files::stat_if_any;
use crate::base::path::EntryPath;

/// Suffix of an old generation that is being changed.
const RECYCLED_SUFFIX: &str = ".recycled";

/// The differences between the current and the next generation, if they are few.
pub(super) struct FewDifferences<'a> {
    current: &'a Generation,
    current_changes: Changes,
    removed: BTreeSet<EntryPath>,
    placed: BTreeMap<EntryPath, FileOrigin>,
}

impl<'a> FewDifferences<'a> {
    /// Collects the differences of a commit. `None` if the current generation is missing, damaged
    /// or without a record, if a staged tree replaces it, or if they are more than half of its
    /// files.
    pub(super) fn of(
        writer: &SourceWriter<'_>,
        commit: &Commit<'a>,
    ) -> Result<Option<FewDifferences<'a>>> {
        let may_share = commit.is_base_intact && commit.tree.is_none();
        let Some(current) = commit.base.filter(|_| may_share) else {
            return Ok(None);
        };
        let Some(current_changes) = current.changes(writer.files) else {
            return Ok(None);
        };
        if current.digest(writer.files)? != current_changes.digest {
            return Ok(None);
        }
        let (mut removed, mut placed) = (BTreeSet::new(), BTreeMap::new());
        if stat_if_any(writer.files, &current.head_path())?.is_some() {
            removed.insert(head_path());
        }
        // A replaced file is two differences.
        let max = current_changes.files;
        (commit.differences)(&mut |difference| {
            if removed.len() + placed.len() <= max {
                match difference {
                    Difference::Removed(path) => {
                        removed.insert(path.clone());
                    }
                    Difference::Placed(path, from) => {
                        placed.insert(path.clone(), from);
                    }
                }
            }
            Ok(())
        })?;
        let is_few = removed.len() + placed.len() <= max;
        Ok(is_few.then_some(FewDifferences { current, current_changes, removed, placed }))
    }

    /// Makes a draft with these differences of the generation before the current one. `None` if
    /// that is missing, or not exactly as it was committed.
    ///
    /// # Errors
    /// [`ErrorKind::Store`](crate::ErrorKind::Store). The old generation may be gone; the current
    /// one is as before.
    pub(super) fn recycle<'w>(&'w self, writer: &'w SourceWriter<'_>) -> Result<Option<Draft<'w>>> {
        let files = writer.files;
        let Some(since) = &self.current_changes.base else {
            return Ok(None);
        };
        let old = writer.generation(since.number);
        let Some(old_changes) = old.changes(files).filter(|old| old.digest == since.digest) else {
            return Ok(None);
        };
        let is_exact =
            old_changes.dirs.are_unchanged(files, &old.dir)? && old.digest(files)? == since.digest;
        if !is_exact {
            return Ok(None);
        }
        let dir = old.beside(RECYCLED_SUFFIX);
        files.rename(&old.dir, &dir).on("recycle this generation", &old.dir)?;
        let generations = writer.generations();
        files.sync_dir(&generations).on("sync this directory", &generations)?;
        let mut draft = Draft::recycle(writer, self.current, &old_changes, dir);
        self.apply(since, &mut draft)?;
        Ok(Some(draft))
    }

    /// Turns the files of the old generation into those of the next one. Everything is removed
    /// first, because a path may change its case, or be that of a directory.
    fn apply(&self, since: &Base, draft: &mut Draft<'_>) -> Result<()> {
        // Files that only the current generation has are not there.
        let removed_now = self.removed.difference(&since.placed);
        let removed: BTreeSet<&EntryPath> = since.removed.iter().chain(removed_now).collect();
        let placed_before = since.placed.difference(&self.removed);
        removed.iter().try_for_each(|path| draft.remove(path))?;
        let needed: BTreeSet<&str> =
            placed_before.clone().chain(self.placed.keys()).flat_map(EntryPath::parents).collect();
        let parents: BTreeSet<&str> = removed.iter().flat_map(|path| path.parents()).collect();
        draft.remove_empty_dirs(parents.difference(&needed))?;
        for path in placed_before {
            draft.place(path, &FileOrigin::Base(path.clone()))?;
        }
        for (path, from) in &self.placed {
            draft.place(path, from)?;
        }
        Ok(())
    }

    /// Returns the record of these differences.
    pub(super) fn into_base(self, head: Option<&[u8]>) -> Base {
        let mut placed: BTreeSet<EntryPath> = self.placed.into_keys().collect();
        placed.extend(head.map(|_| head_path()));
        Base {
            number: self.current.number,
            digest: self.current_changes.digest,
            removed: self.removed,
            placed,
        }
    }
}

pub(super) fn head_path() -> EntryPath {
    EntryPath::new(HEAD).expect("the constant is a safe path")
}

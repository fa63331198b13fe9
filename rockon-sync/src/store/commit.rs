//! Building a new generation and swapping to it.
//!
//! ```text
//! recycle an old generation, or link or copy every file to a new one -> write the head
//!   -> sync files -> sync directories -> write the files beside it -> sync
//!   -> link .current.new -> rename it to current -> sync -> drop older generations
//! ```

use std::io;
use std::path::Path;

use super::changes::{Changes, Dirs};
use super::draft::{Draft, place, write_read_only};
use super::generation::number_after;
use super::recycle::{FewDifferences, head_path};
use super::writer::Stuck;
use super::{CURRENT, GENERATIONS, Generation, SourceWriter, StagedTree};
use crate::base::digest::Digest;
use crate::base::error::{Error, IoContext, Result};
use crate::base::files::{has_digest, remove_if_any, staged, stat_if_any};
use crate::base::json::to_file;
use crate::base::path::EntryPath;

/// The way from the base generation to a new one.
///
/// The head is not one of the files: it is written from its bytes.
pub(crate) struct Commit<'a> {
    /// The current generation, if any.
    pub(crate) base: Option<&'a Generation>,
    /// True if the base generation has exactly the files that it was committed with.
    pub(crate) is_base_intact: bool,
    /// The staged tree that the new generation starts with, if any.
    pub(crate) tree: Option<&'a StagedTree>,
    /// The bytes of the head, in a v2 generation.
    pub(crate) head: Option<&'a [u8]>,
    /// The files in which the two generations differ.
    pub(crate) differences: &'a EachDifference<'a>,
    /// The paths of all other files.
    pub(crate) kept: &'a EachPath<'a>,
    /// The current manifest in staging, if it differs from the manifest of the generation.
    pub(crate) record: Option<Digest>,
}

/// Passes every difference to the callback, in any order.
pub(crate) type EachDifference<'a> =
    dyn Fn(&mut dyn FnMut(Difference<'_>) -> Result<()>) -> Result<()> + 'a;

/// Passes every path to the callback, in any order.
pub(crate) type EachPath<'a> = dyn Fn(&mut dyn FnMut(&EntryPath) -> Result<()>) -> Result<()> + 'a;

/// The result of a swap.
pub(crate) struct Committed {
    pub(crate) generation: Generation,
    /// The error if a power failure may still undo the swap.
    pub(crate) unsynced: Option<Error>,
}

/// One difference between the base generation and the new one. A file that is replaced is two:
/// one is removed, and one is placed.
pub(crate) enum Difference<'a> {
    /// The base generation has a file at this path, and the new one has not the same.
    Removed(&'a EntryPath),
    /// The new generation has a file at this path, and the base generation has not the same.
    Placed(&'a EntryPath, FileOrigin),
}

/// The origin of a placed file.
pub(crate) enum FileOrigin {
    /// The base generation has it under this path, which may be another one.
    Base(EntryPath),
    /// It was downloaded.
    Staging(Digest),
    /// It is in the staged tree, under the same path.
    Tree,
}

impl SourceWriter<'_> {
    /// Builds a generation and swaps to it. `last_check` runs right before the swap and may
    /// still prevent it.
    ///
    /// # Errors
    /// [`Store`](crate::ErrorKind::Store), or that of `last_check`. The old generation stays
    /// current and the downloads stay in staging; the incomplete generation is removed when the
    /// source is next opened. After the swap nothing is an error: see [`Committed::unsynced`].
    pub(crate) fn commit(
        &self,
        commit: &Commit<'_>,
        last_check: &dyn Fn() -> Result<()>,
    ) -> Result<Committed> {
        let generation = self.next_generation()?;
        let few = FewDifferences::of(self, commit)?;
        let draft = self.draft(commit, few.as_ref(), &generation)?;
        draft.sync()?;
        if draft.dir != generation.dir {
            let renamed = self.files.rename(&draft.dir, &generation.dir);
            renamed.on("name the new generation", &generation.dir)?;
        }
        let Draft { dirs, len, shares_files, .. } = draft;
        self.describe(
            commit,
            &generation,
            &Changes {
                digest: generation.digest(self.files)?,
                files: len,
                dirs: Dirs::of(self.files, &generation.dir, &dirs)?,
                base: few.filter(|_| shares_files).map(|few| few.into_base(commit.head)),
            },
        )?;
        last_check()?;
        self.swap(&generation)?;
        log::debug!("generation {} is current", generation.number);
        let unsynced = self.files.sync_dir(&self.dir).on("sync this directory", &self.dir).err();
        Ok(Committed { generation, unsynced })
    }

    /// Puts all files of the new generation into one directory: that of the generation before the
    /// current one if possible, or else a new one.
    fn draft<'d>(
        &'d self,
        commit: &Commit<'d>,
        few: Option<&'d FewDifferences<'_>>,
        generation: &Generation,
    ) -> Result<Draft<'d>> {
        let recycled = few.map_or(Ok(None), |few| few.recycle(self)).unwrap_or_else(|error| {
            log::warn!("building a new generation instead: {}", error.to_chain());
            None
        });
        let mut draft = match recycled {
            Some(draft) => draft,
            None => self.build(commit, &generation.dir)?,
        };
        if let Some(head) = commit.head {
            draft.write(&head_path(), head)?;
        }
        Ok(draft)
    }

    /// Puts all files but the head into a new directory.
    fn build<'d>(&'d self, commit: &Commit<'d>, dir: &Path) -> Result<Draft<'d>> {
        let mut draft = Draft::new(self, commit.base, commit.tree, dir)?;
        (commit.differences)(&mut |difference| match difference {
            Difference::Removed(_) => Ok(()),
            Difference::Placed(path, from) => draft.place(path, &from),
        })?;
        (commit.kept)(&mut |path| draft.place(path, &FileOrigin::Base(path.clone())))?;
        Ok(draft)
    }

    /// Writes the files beside a new generation, and syncs them together with its name.
    fn describe(
        &self,
        commit: &Commit<'_>,
        generation: &Generation,
        changes: &Changes,
    ) -> Result<()> {
        let files = self.files;
        let mut new_files = vec![generation.changes_path()];
        write_read_only(files, &new_files[0], |file| file.write_all(&to_file(changes)))?;
        if let Some(digest) = commit.record {
            let path = generation.record_path();
            place(files, &self.staging.path(digest), &path)?;
            new_files.push(path);
        }
        let dir = self.generations();
        files.sync_files(&new_files).on("sync the new files of", &dir)?;
        files.sync_dir(&dir).on("sync this directory", &dir)
    }

    /// Removes all downloads, and all generations except `current` and `previous`. Returns a
    /// warning for each failure.
    pub(crate) fn tidy(&self, current: &Generation, previous: Option<&Generation>) -> Vec<String> {
        let mut warnings = Vec::new();
        if let Err(error) = self.staging.clear() {
            warnings.push(format!("cannot remove old downloads: {}", error.to_chain()));
        }
        let kept = [Some(current.number), previous.map(|previous| previous.number)];
        match self.drop_generations(|number| kept.contains(&Some(number))) {
            Ok(stuck) => warnings.extend(stuck.iter().map(Stuck::warning)),
            Err(error) => {
                warnings.push(format!("cannot remove old generations: {}", error.to_chain()));
            }
        }
        warnings
    }

    /// Replaces the record of the current generation by a manifest in staging: only the
    /// validators of its files may have changed.
    ///
    /// # Errors
    /// [`Store`](crate::ErrorKind::Store); the old record stays.
    pub(crate) fn replace_record(&self, generation: &Generation, manifest: Digest) -> Result<()> {
        let (from, to) = (self.staging.path(manifest), generation.record_path());
        if has_digest(self.files, &to, manifest)? {
            return Ok(());
        }
        self.files.sync_files(std::slice::from_ref(&from)).on("sync this file", &from)?;
        self.files.rename(&from, &to).on("replace this file", &to)?;
        let dir = self.generations();
        self.files.sync_dir(&dir).on("sync this directory", &dir)
    }

    /// Returns the generation after the current one. Skips the numbers of old generations that
    /// cannot be removed.
    fn next_generation(&self) -> Result<Generation> {
        let mut number = self.reader().current()?.map_or(0, |generation| generation.number);
        loop {
            number = number_after(number);
            let generation = self.generation(number);
            let paths =
                [generation.dir.clone(), generation.record_path(), generation.changes_path()];
            let mut is_taken = false;
            for path in paths {
                is_taken |= stat_if_any(self.files, &path)?.is_some();
            }
            if !is_taken {
                return Ok(generation);
            }
        }
    }

    /// Makes a generation the current one. The caller must sync the directory.
    fn swap(&self, generation: &Generation) -> Result<()> {
        let current = self.dir.join(CURRENT);
        let staged = staged(&current);
        remove_if_any(self.files, &staged)?;
        let target = Path::new(GENERATIONS).join(format!("{:06}", generation.number));
        match self
            .files
            .symlink(&target, &staged)
            .and_then(|()| self.files.rename(&staged, &current))
        {
            Ok(()) => Ok(()),
            // A network file system may report an error after a successful operation.
            Err(error) if self.files.read_link(&current).is_ok_and(|link| link == target) => {
                log::warn!("{}: swapped despite an error: {error}", current.display());
                Ok(())
            }
            Err(error) if has_no_symlinks(&error) => {
                Err(Error::io("create a symbolic link, which a store needs", &current, error))
            }
            Err(error) => Err(Error::io("activate the new generation", &current, error)),
        }
    }
}

/// True if the file system has no symbolic links, like FAT and exFAT. Linux reports `EPERM`.
fn has_no_symlinks(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::Unsupported
        || error.raw_os_error() == Some(rustix::io::Errno::PERM.raw_os_error())
}

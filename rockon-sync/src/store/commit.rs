//! Building a new generation and swapping to it.
//!
//! ```text
//! link or copy every file -> write the head -> sync files -> sync directories
//!   -> link .current.new -> rename it to current -> sync -> drop older generations
//! ```

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::generation::{HEAD, digest_if_any, number_after};
use super::writer::Stuck;
use super::{CURRENT, GENERATIONS, Generation, SourceWriter, StagedTree};
use crate::base::digest::Digest;
use crate::base::error::{Error, IoContext, Result};
use crate::base::files::{Files, MAX_SINGLE_SYNCS, ensure_dir, remove_if_any, staged, stat_if_any};
use crate::base::path::EntryPath;

/// The way from the base generation to a new one.
///
/// The head is not one of the files: it is written from its bytes.
pub(crate) struct Commit<'a> {
    /// The current generation, if any.
    pub(crate) base: Option<&'a Generation>,
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
    Placed(&'a EntryPath, FileOrigin<'a>),
}

/// The origin of a placed file.
pub(crate) enum FileOrigin<'a> {
    /// The base generation has it under this path, which may be another one.
    Base(&'a EntryPath),
    /// It was downloaded.
    Staging(Digest),
    /// It is in the staged tree, under the same path.
    Tree,
}

/// The files and directories of a new generation that must be synced.
struct Unsynced {
    files: UnsyncedFiles,
    dirs: BTreeSet<PathBuf>,
}

/// Files that must be synced: all, or so many that their whole file system is synced.
#[derive(Default)]
struct UnsyncedFiles(Vec<PathBuf>);

impl UnsyncedFiles {
    fn push(&mut self, path: PathBuf) {
        if self.0.len() <= MAX_SINGLE_SYNCS {
            self.0.push(path);
        }
    }
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
        let mut new = self.build(commit, &generation)?;
        self.files.sync_files(&new.files.0).on("sync the new files of", &generation.dir)?;
        // Innermost first: no directory is durable before its contents.
        new.dirs.insert(self.generations());
        for dir in new.dirs.iter().rev() {
            self.files.sync_dir(dir).on("sync this directory", dir)?;
        }
        last_check()?;
        self.swap(&generation)?;
        log::debug!("generation {} is current", generation.number);
        let unsynced = self.files.sync_dir(&self.dir).on("sync this directory", &self.dir).err();
        Ok(Committed { generation, unsynced })
    }

    /// Puts all files into the directory of a new generation.
    fn build(&self, commit: &Commit<'_>, generation: &Generation) -> Result<Unsynced> {
        let files = self.files;
        let mut new = UnsyncedFiles::default();
        let mut dirs: BTreeSet<PathBuf> = BTreeSet::from([generation.dir.clone()]);
        match commit.tree {
            Some(tree) => files.rename(tree.dir(), &generation.dir),
            None => files.create_dir(&generation.dir),
        }
        .on("create this directory", &generation.dir)?;
        let mut put = |path: &EntryPath, from: &FileOrigin<'_>| -> Result<()> {
            for parent in path.parents() {
                let dir = generation.dir.join(parent);
                if !dirs.contains(&dir) {
                    ensure_dir(files, &dir)?;
                    dirs.insert(dir);
                }
            }
            let to = path.below(&generation.dir);
            match (from, commit.base) {
                (FileOrigin::Staging(digest), _) => {
                    place(files, &self.staging.path(*digest), &to)?;
                    new.push(to);
                }
                (FileOrigin::Base(path), Some(base)) => {
                    let placed = place(files, &path.below(&base.dir), &to)?;
                    if placed == Placed::Copied {
                        new.push(to);
                    }
                }
                (FileOrigin::Tree, _) => new.push(to),
                (FileOrigin::Base(_), None) => unreachable!("a base file needs a base generation"),
            }
            Ok(())
        };
        (commit.differences)(&mut |difference| match difference {
            Difference::Removed(path) => {
                log::trace!("{path} is not linked");
                Ok(())
            }
            Difference::Placed(path, from) => put(path, &from),
        })?;
        (commit.kept)(&mut |path| put(path, &FileOrigin::Base(path)))?;
        if let Some(head) = commit.head {
            let path = generation.dir.join(HEAD);
            write_read_only(files, &path, |file| file.write_all(head))?;
            new.push(path);
        }
        if let Some(digest) = commit.record {
            let path = generation.record_path();
            place(files, &self.staging.path(digest), &path)?;
            new.push(path);
        }
        Ok(Unsynced { files: new, dirs })
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
        if digest_if_any(self.files, &to)?.is_some_and(|(digest, _)| digest == manifest) {
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
            let dir = self.generations().join(format!("{number:06}"));
            let generation = Generation { number, dir };
            let is_taken = stat_if_any(self.files, &generation.dir)?.is_some()
                || stat_if_any(self.files, &generation.record_path())?.is_some();
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

/// The way in which a file got its second path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Placed {
    Linked,
    Copied,
}

/// Puts a file at a second path: by hard link, or by copy if links are unsupported.
fn place(files: &dyn Files, from: &Path, to: &Path) -> Result<Placed> {
    match files.hard_link(from, to) {
        Ok(()) => Ok(Placed::Linked),
        Err(error) if links_are_impossible(&error) => {
            log::debug!("{}: copied instead of linked: {error}", to.display());
            let mut reader = files.open(from).on("read this file", from)?;
            write_read_only(files, to, |file| io::copy(&mut reader, file).map(|_| ()))?;
            Ok(Placed::Copied)
        }
        Err(error) => Err(Error::io("put this file in place", to, error)),
    }
}

/// True if the file system has no hard links, forbids this one, or has reached the limit of the
/// file.
fn links_are_impossible(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::Unsupported
            | io::ErrorKind::PermissionDenied
            | io::ErrorKind::CrossesDevices
            | io::ErrorKind::TooManyLinks
    )
}

fn write_read_only(
    files: &dyn Files,
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<()> {
    let create = || {
        let mut file = io::BufWriter::new(files.create_read_only(path)?);
        write(&mut file)?;
        file.flush()
    };
    create().on("write this file", path)
}

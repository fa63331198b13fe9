//! Making a new generation the current one.
//!
//! ```text
//! link or copy every file -> write the head -> sync files -> sync directories
//!   -> link .current.new -> rename it to current -> sync -> drop what is older
//! ```

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::generation::HEAD;
use super::{CURRENT, GENERATIONS, Generation, SourceWriter, Stuck};
use crate::base::digest::Digest;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::files::{Files, ensure_dir, remove_if_any, staged, stat_if_any};
use crate::base::path::EntryPath;
use crate::tree::manifest::Manifest;

/// What the new generation is to hold.
pub(crate) struct Commit<'a> {
    /// The generation that unchanged files are linked from.
    pub(crate) base: Option<&'a Generation>,
    /// The bytes of the head, in a v2 generation.
    pub(crate) head: Option<&'a [u8]>,
    /// Every other file: the manifest or list, and those of the entries.
    pub(crate) placements: Vec<Placement<'a>>,
    /// What is really held, unless that is what the manifest says.
    pub(crate) held: Option<&'a Manifest>,
}

/// A generation that is the current one.
pub(crate) struct Committed {
    pub(crate) generation: Generation,
    /// The error if the swap may be lost when the power fails now.
    pub(crate) unsynced: Option<Error>,
}

/// One file of the new generation.
pub(crate) struct Placement<'a> {
    pub(crate) path: &'a EntryPath,
    pub(crate) from: From<'a>,
}

/// Where a file of the new generation comes from.
pub(crate) enum From<'a> {
    /// The base generation has it, under this path.
    Base(&'a EntryPath),
    /// It was downloaded.
    Staging(Digest),
}

impl SourceWriter<'_> {
    /// Builds a generation and swaps to it. `last_check` is asked right before the
    /// swap and can still call it off.
    ///
    /// # Errors
    /// [`Store`](crate::ErrorKind::Store), or what `last_check` says. The old
    /// generation stays current, downloads stay in `staging`; what was built of
    /// the new generation is dropped when the source is next opened. After the swap nothing
    /// is an error any more: see [`Committed::unsynced`].
    pub(crate) fn commit(
        &self,
        commit: &Commit<'_>,
        last_check: &dyn Fn() -> Result<()>,
    ) -> Result<Committed> {
        let generation = self.next_generation()?;
        let files = self.files;
        let mut new = Vec::new();
        let mut dirs: BTreeSet<PathBuf> = BTreeSet::from([generation.dir.clone()]);
        files
            .create_dir(&generation.dir)
            .map_err(|error| Error::io("create this directory", &generation.dir, error))?;
        for placement in &commit.placements {
            for parent in placement.path.parents() {
                let dir = generation.dir.join(parent);
                if !dirs.contains(&dir) {
                    ensure_dir(files, &dir)?;
                    dirs.insert(dir);
                }
            }
            let to = placement.path.below(&generation.dir);
            match (&placement.from, commit.base) {
                (From::Staging(digest), _) => {
                    place(files, &self.staging.path(*digest), &to)?;
                    new.push(to);
                }
                (From::Base(path), Some(base)) => {
                    let placed = place(files, &path.below(&base.dir), &to)?;
                    if placed == Placed::Copied {
                        new.push(to);
                    }
                }
                (From::Base(_), None) => unreachable!("nothing is kept from no generation"),
            }
        }
        if let Some(head) = commit.head {
            let path = generation.dir.join(HEAD);
            write_read_only(files, &path, |file| file.write_all(head))?;
            new.push(path);
        }
        if let Some(held) = commit.held {
            write_read_only(files, &generation.held_path(), |file| held.write_canonical(file))?;
            new.push(generation.held_path());
        }
        let synced = files.sync_files(&new);
        synced.map_err(|error| Error::io("sync the new files of", &generation.dir, error))?;
        // Innermost first, so that no directory is durable before what it names.
        dirs.insert(self.generations());
        for dir in dirs.iter().rev() {
            let synced = files.sync_dir(dir);
            synced.map_err(|error| Error::io("sync this directory", dir, error))?;
        }
        last_check()?;
        self.swap(&generation)?;
        log::debug!("generation {} is current", generation.number);
        let synced = files.sync_dir(&self.dir);
        let unsynced =
            synced.map_err(|error| Error::io("sync this directory", &self.dir, error)).err();
        Ok(Committed { generation, unsynced })
    }

    /// Drops what a completed update no longer needs: generations other than `current` and
    /// `previous`, and downloads other than those in `keep`. Returns what could not be removed,
    /// one sentence each.
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

    /// Replaces what is said to be held of the current generation, when only the
    /// validators of files have changed.
    ///
    /// # Errors
    /// [`Store`](crate::ErrorKind::Store); the old record stays.
    pub(crate) fn replace_held(&self, generation: &Generation, held: &Manifest) -> Result<()> {
        crate::base::files::write_atomically(
            self.files,
            &generation.held_path(),
            &held.to_canonical(),
        )
    }

    /// Returns the number above the current one; further above if an old generation that
    /// cannot be removed has it.
    fn next_generation(&self) -> Result<Generation> {
        let mut number = self.reader().current()?.map_or(0, |generation| generation.number);
        loop {
            number = number.checked_add(1).ok_or_else(|| {
                let message = "no number is left for a new generation";
                Error::new(ErrorKind::Store, message).with_path(self.generations())
            })?;
            let dir = self.generations().join(format!("{number:06}"));
            let generation = Generation { number, dir };
            let is_taken = stat_if_any(self.files, &generation.dir)?.is_some()
                || stat_if_any(self.files, &generation.held_path())?.is_some();
            if !is_taken {
                return Ok(generation);
            }
        }
    }

    /// Makes a generation the current one. The directory is left to be synced by the caller.
    fn swap(&self, generation: &Generation) -> Result<()> {
        let current = self.dir.join(CURRENT);
        let staged = staged(&current);
        remove_if_any(self.files, &staged)?;
        let target = Path::new(GENERATIONS).join(format!("{:06}", generation.number));
        let swapped = self
            .files
            .symlink(&target, &staged)
            .and_then(|()| self.files.rename(&staged, &current));
        match swapped {
            Ok(()) => Ok(()),
            // Over a network, an answer can be lost after the work was done.
            Err(error) if self.files.read_link(&current).is_ok_and(|link| link == target) => {
                log::warn!("{}: swapped in spite of {error}", current.display());
                Ok(())
            }
            Err(error) => Err(Error::io("activate the new generation", &current, error)),
        }
    }
}

/// How a file came to its second path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Placed {
    Linked,
    Copied,
}

/// Puts a file at a second path: by hard link, by copy where there are none.
fn place(files: &dyn Files, from: &Path, to: &Path) -> Result<Placed> {
    match files.hard_link(from, to) {
        Ok(()) => Ok(Placed::Linked),
        Err(error) if links_are_impossible(&error) => {
            log::debug!("{}: copied, since it cannot be linked: {error}", to.display());
            let mut reader =
                files.open(from).map_err(|error| Error::io("read this file", from, error))?;
            write_read_only(files, to, |file| io::copy(&mut reader, file).map(|_| ()))?;
            Ok(Placed::Copied)
        }
        Err(error) => Err(Error::io("put this file in place", to, error)),
    }
}

/// Whether a file system has no hard links, forbids this one, or has no more of them
/// for this file.
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
    let written = (|| {
        let mut file = files.create(path)?;
        {
            let mut buffered = io::BufWriter::new(&mut file);
            write(&mut buffered)?;
            buffered.flush()?;
        }
        files.make_read_only(path)
    })();
    written.map_err(|error| Error::io("write this file", path, error))
}

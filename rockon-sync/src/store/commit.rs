//! Making a new generation the current one.
//!
//! ```text
//! link or copy every file -> write the head -> sync files -> sync folders
//!   -> link .current.new -> rename it to current -> sync -> drop what is older
//! ```

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::generation::HEAD;
use super::{CURRENT, GENERATIONS, Generation, SourceWriter};
use crate::base::digest::Digest;
use crate::base::error::{Error, Result};
use crate::base::files::{Files, ensure_folder, remove_if_any, staged};
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
    Incoming(Digest),
}

impl SourceWriter<'_> {
    /// Builds a generation and swaps to it. `last_check` is asked right before the
    /// swap and can still call it off.
    ///
    /// # Errors
    /// [`Store`](crate::ErrorKind::Store), or what `last_check` says. The old
    /// generation stays current, downloads stay in `incoming`; what was built of
    /// the new generation is dropped when the source is next opened.
    pub(crate) fn commit(
        &self,
        commit: &Commit<'_>,
        last_check: &dyn Fn() -> Result<()>,
    ) -> Result<Generation> {
        let generation = self.next_generation()?;
        let files = self.files;
        let mut new = Vec::new();
        let mut folders: BTreeSet<PathBuf> = BTreeSet::from([generation.folder.clone()]);
        files
            .create_folder(&generation.folder)
            .map_err(|error| Error::io("create this folder", &generation.folder, error))?;
        for placement in &commit.placements {
            for parent in placement.path.parents() {
                let folder = generation.folder.join(parent);
                if !folders.contains(&folder) {
                    ensure_folder(files, &folder)?;
                    folders.insert(folder);
                }
            }
            let to = placement.path.below(&generation.folder);
            match (&placement.from, commit.base) {
                (From::Incoming(digest), _) => {
                    place(files, &self.incoming.path(*digest), &to)?;
                    new.push(to);
                }
                (From::Base(path), Some(base)) => {
                    let placed = place(files, &path.below(&base.folder), &to)?;
                    if placed == Placed::Copied {
                        new.push(to);
                    }
                }
                (From::Base(_), None) => unreachable!("nothing is kept from no generation"),
            }
        }
        if let Some(head) = commit.head {
            let path = generation.folder.join(HEAD);
            write_read_only(files, &path, |file| file.write_all(head))?;
            new.push(path);
        }
        if let Some(held) = commit.held {
            remove_if_any(files, &generation.held_path())?;
            write_read_only(files, &generation.held_path(), |file| held.write_canonical(file))?;
            new.push(generation.held_path());
        }
        let synced = files.sync_files(&new);
        synced.map_err(|error| Error::io("sync the new files of", &generation.folder, error))?;
        // Innermost first, so that no folder is durable before what it names.
        folders.insert(self.generations());
        for folder in folders.iter().rev() {
            let synced = files.sync_folder(folder);
            synced.map_err(|error| Error::io("sync this folder", folder, error))?;
        }
        last_check()?;
        self.swap(&generation)?;
        log::debug!("generation {} is current", generation.number);
        Ok(generation)
    }

    /// Drops what a completed update no longer needs: generations older than the
    /// previous one, and all downloads.
    pub(crate) fn tidy(&self, current: &Generation) -> Result<()> {
        self.incoming.clear()?;
        self.drop_generations(|number| number == current.number || number + 1 == current.number)
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

    fn next_generation(&self) -> Result<Generation> {
        let current = self.reader().current()?.map_or(0, |generation| generation.number);
        let number = current + 1;
        let folder = self.generations().join(format!("{number:06}"));
        Ok(Generation { number, folder })
    }

    fn swap(&self, generation: &Generation) -> Result<()> {
        let current = self.folder.join(CURRENT);
        let staged = staged(&current);
        remove_if_any(self.files, &staged)?;
        let target = Path::new(GENERATIONS).join(format!("{:06}", generation.number));
        self.files
            .symlink(&target, &staged)
            .and_then(|()| self.files.rename(&staged, &current))
            .map_err(|error| Error::io("make this generation the current one", &current, error))?;
        let synced = self.files.sync_folder(&self.folder);
        synced.map_err(|error| Error::io("sync this folder", &self.folder, error))
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

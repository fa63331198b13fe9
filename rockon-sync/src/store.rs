//! The store: one folder a source, with whole generations in it.
//!
//! ```text
//! <store>/
//!   rockstor/                 one folder a source
//!     current -> gen/000042   the committed generation: swapped by one rename
//!     gen/000041/ gen/000042/ root.sha root.json and every file, read-only;
//!                             unchanged files are hard links between generations
//!     gen/000042.held         only when not every entry is held as the manifest says,
//!                             and for v1: what is held, in the form of a manifest
//!     incoming/               verified downloads under their digest
//!     status.json             time of the last check, validators, fingerprint
//!     trusted-keys            of which one must have signed the head; none, no file
//!     lock                    held by the one writer
//!   local/                    definitions put there by hand
//! ```
//!
//! A reader resolves `current` once and then reads a folder that nobody changes; the
//! previous generation stays until the next commit. A writer holds `lock`, builds a
//! new generation beside the others, syncs it, and swaps. Recovery is done when a
//! writer opens the source: whatever is neither the current generation nor the one
//! before it is a leftover and goes.

mod commit;
mod generation;
mod incoming;
pub(crate) mod inspect;
mod keys;
mod status;

use std::path::{Path, PathBuf};
use std::time::Duration;

pub(crate) use commit::{Commit, From, Placement};
pub(crate) use generation::{Damage, Generation, digest_if_any};
pub(crate) use incoming::{Incoming, Seen, SpoolFile, cannot_keep};
pub(crate) use status::{FailedRecord, Status};

use crate::base::error::{Error, ErrorKind, Result};
use crate::base::files::{
    FileKind, Files, Lock, RealFiles, ensure_folders, ensure_own_folder, is_absent, remove_all,
    stat_if_any, try_lock,
};
use crate::base::time::Clock;
use crate::source::SourceName;

const CURRENT: &str = "current";
const GENERATIONS: &str = "gen";
const INCOMING: &str = "incoming";
const LOCK: &str = "lock";
const LOCAL: &str = "local";
const HELD_SUFFIX: &str = ".held";

/// How long between two looks at a lock that somebody else has.
const LOCK_POLL: Duration = Duration::from_millis(50);

/// How often a reader starts over when the generation it reads is dropped under it.
const READ_ATTEMPTS: usize = 8;

/// A folder that keeps the catalogs of one or more sources.
#[derive(Debug, Clone)]
pub struct Store {
    folder: PathBuf,
}

impl Store {
    /// The store in `folder`. Nothing is read or created yet: an update creates
    /// what is missing.
    pub fn new(folder: impl Into<PathBuf>) -> Store {
        Store { folder: folder.into() }
    }

    /// The folder of the store.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The folder of definitions put there by hand, unless a caller names another.
    pub fn local_folder(&self) -> PathBuf {
        self.folder.join(LOCAL)
    }

    /// The names of the sources that have a folder here, in byte order.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if there is no store, [`ErrorKind::Store`] if it
    /// cannot be listed.
    #[expect(clippy::disallowed_methods, reason = "to be replaced: an error becomes an absence")]
    pub fn source_names(&self) -> Result<Vec<SourceName>> {
        let names = RealFiles.list(&self.folder).map_err(|error| match is_absent(&error) {
            true => Error::new(ErrorKind::NotFound, "there is no store").with_path(&self.folder),
            false => Error::io("list this folder", &self.folder, error),
        })?;
        let mut sources: Vec<SourceName> = names
            .iter()
            .filter_map(|name| name.to_str()?.parse().ok())
            .filter(|name: &SourceName| self.folder.join(name.as_str()).is_dir())
            .collect();
        sources.sort();
        Ok(sources)
    }

    /// The reading side of one source.
    pub(crate) fn source<'a>(&self, files: &'a dyn Files, name: &SourceName) -> SourceFolder<'a> {
        SourceFolder { files, folder: self.folder.join(name.as_str()) }
    }
}

/// The folder of one source, to be read by anyone at any time.
pub(crate) struct SourceFolder<'a> {
    files: &'a dyn Files,
    folder: PathBuf,
}

impl SourceFolder<'_> {
    /// The committed generation; `None` before the first update was completed, and when
    /// somebody removed it.
    ///
    /// # Errors
    /// [`ErrorKind::Store`] if `current` is not the link that an update puts there.
    pub(crate) fn current(&self) -> Result<Option<Generation>> {
        let mut missing = None;
        while let Some(generation) = self.linked()? {
            let stat = stat_if_any(self.files, &generation.folder)?;
            if stat.is_some_and(|stat| stat.kind == FileKind::Folder) {
                return Ok(Some(generation));
            }
            // Dropped after the link was read, by two updates: there is a newer one.
            if missing == Some(generation.number) {
                log::warn!("{} is gone", generation.folder.display());
                break;
            }
            missing = Some(generation.number);
        }
        Ok(None)
    }

    /// The generation that `current` names, whether it is there or not.
    fn linked(&self) -> Result<Option<Generation>> {
        let link = self.folder.join(CURRENT);
        let target = match self.files.read_link(&link) {
            Ok(target) => target,
            Err(error) if is_absent(&error) => return Ok(None),
            Err(error) => return Err(Error::io("read this link", &link, error)),
        };
        let number = target.to_str().and_then(|target| {
            let number = target.strip_prefix(GENERATIONS)?.strip_prefix('/')?;
            number.parse().ok()
        });
        let Some(number) = number else {
            let message = format!(
                "expected a link to {GENERATIONS}/<number>, got one to {}; remove the folder of \
                 this source and update again",
                target.display()
            );
            return Err(Error::new(ErrorKind::Store, message).with_path(link));
        };
        Ok(Some(Generation { number, folder: self.folder.join(target) }))
    }

    /// Reads from the current generation, starting over when it was dropped
    /// meanwhile because two updates were completed.
    ///
    /// # Errors
    /// Those of `read` on a generation that is still current.
    pub(crate) fn read_current<T>(
        &self,
        mut read: impl FnMut(&Generation) -> Result<T>,
    ) -> Result<Option<T>> {
        for _ in 0..READ_ATTEMPTS {
            let Some(generation) = self.current()? else {
                return Ok(None);
            };
            match read(&generation) {
                Ok(value) => return Ok(Some(value)),
                Err(error) => match self.current()? {
                    Some(now) if now.number != generation.number => {}
                    _ => return Err(error),
                },
            }
        }
        let message = "the catalog is replaced faster than it can be read";
        Err(Error::new(ErrorKind::Store, message).with_path(&self.folder))
    }

    pub(crate) fn status(&self) -> Status {
        Status::load(self.files, &self.folder)
    }
}

/// The one writer of a source. The lock goes when this is dropped.
pub(crate) struct SourceWriter<'a> {
    pub(crate) files: &'a dyn Files,
    folder: PathBuf,
    pub(crate) incoming: Incoming<'a>,
    _lock: Lock,
}

impl<'a> SourceWriter<'a> {
    /// Takes the lock, waiting up to `patience`, and clears what an interrupted
    /// run left.
    ///
    /// # Errors
    /// [`ErrorKind::Locked`] if another process writes; [`ErrorKind::Store`].
    pub(crate) fn open(
        files: &'a dyn Files,
        store: &Store,
        name: &SourceName,
        clock: &dyn Clock,
        patience: Duration,
    ) -> Result<SourceWriter<'a>> {
        let folder = store.folder.join(name.as_str());
        // Durable before anything is in it: a commit syncs no further up than this folder.
        ensure_folders(files, &folder)?;
        let lock = take_lock(&folder.join(LOCK), clock, patience)?;
        let incoming = Incoming::open(files, folder.join(INCOMING))?;
        let writer = SourceWriter { files, folder, incoming, _lock: lock };
        ensure_own_folder(files, &writer.generations())?;
        writer.recover()?;
        Ok(writer)
    }

    fn generations(&self) -> PathBuf {
        self.folder.join(GENERATIONS)
    }

    pub(crate) fn reader(&self) -> SourceFolder<'a> {
        SourceFolder { files: self.files, folder: self.folder.clone() }
    }

    pub(crate) fn save(&self, status: &Status) -> Result<()> {
        status.save(self.files, &self.folder)
    }

    /// Removes generations that were never committed or are no longer needed.
    fn recover(&self) -> Result<()> {
        let current = self.reader().current()?.map(|generation| generation.number);
        self.drop_generations(|number| match current {
            Some(current) => number == current || number + 1 == current,
            None => false,
        })
    }

    /// Removes every generation, and its record, whose number `keep` does not want.
    fn drop_generations(&self, keep: impl Fn(u64) -> bool) -> Result<()> {
        let folder = self.generations();
        let names = self.files.list(&folder);
        let names = names.map_err(|error| Error::io("list this folder", &folder, error))?;
        for name in names {
            let number = name.to_str().map(|name| name.strip_suffix(HELD_SUFFIX).unwrap_or(name));
            let number: Option<u64> = number.and_then(|number| number.parse().ok());
            if !number.is_some_and(&keep) {
                remove_all(self.files, &folder.join(name))?;
            }
        }
        Ok(())
    }
}

/// Takes a lock, looking again every now and then for as long as `patience` lasts.
pub(crate) fn take_lock(path: &Path, clock: &dyn Clock, patience: Duration) -> Result<Lock> {
    let end = clock.monotonic() + patience;
    loop {
        if let Some(lock) = try_lock(path)? {
            return Ok(lock);
        }
        let left = end.saturating_duration_since(clock.monotonic());
        if left.is_zero() {
            let message = "another process is writing here";
            return Err(Error::new(ErrorKind::Locked, message).with_path(path));
        }
        clock.sleep(left.min(LOCK_POLL));
    }
}

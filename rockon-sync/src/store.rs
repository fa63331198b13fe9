//! The store: one directory a source, with whole generations in it.
//!
//! ```text
//! <store>/
//!   rockstor/                 one directory a source
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
//! A reader resolves `current` once and then reads a directory that nobody changes; the
//! previous generation stays until the next commit. A writer holds `lock`, builds a
//! new generation beside the others, syncs it, and swaps. Recovery is done when a
//! writer opens the source: whatever is neither the current generation nor the one
//! before it is a leftover and goes.

mod commit;
mod generation;
pub(crate) mod inspect;
mod keys;
mod staging;
mod status;

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

pub(crate) use commit::{Commit, Committed, From, Placement};
pub(crate) use generation::{Damage, Generation, digest_if_any};
pub(crate) use staging::{PartialPack, Seen, Staging, cannot_keep};
pub(crate) use status::{FailedRecord, Status};

use crate::base::error::{Error, ErrorKind, Result};
use crate::base::files::{
    FileKind, Files, Lock, RealFiles, ensure_dirs, ensure_own_dir, is_absent, remove_all,
    stat_if_any, stat_target_if_any, try_lock,
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

/// A directory that keeps the catalogs of one or more sources.
#[derive(Clone)]
pub struct Store {
    dir: PathBuf,
    /// Used by readers; an update brings its own.
    files: Arc<dyn Files>,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("dir", &self.dir).finish()
    }
}

impl Store {
    /// The store in `dir`. Nothing is read or created yet: an update creates
    /// what is missing.
    pub fn new(dir: impl Into<PathBuf>) -> Store {
        Store { dir: dir.into(), files: Arc::new(RealFiles) }
    }

    /// Reads with these file operations.
    #[cfg(test)]
    pub(crate) fn with_files(mut self, files: impl Files + 'static) -> Store {
        self.files = Arc::new(files);
        self
    }

    pub(crate) fn files(&self) -> &dyn Files {
        &*self.files
    }

    /// The directory of the store.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The directory of definitions put there by hand, unless a caller names another.
    pub fn local_dir(&self) -> PathBuf {
        self.dir.join(LOCAL)
    }

    /// Returns the names of the sources that have a directory here, in byte order. A directory
    /// that cannot be examined counts: an error does not mean that the source is gone.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if there is no store, [`ErrorKind::Store`] if it
    /// cannot be listed.
    pub fn source_names(&self) -> Result<Vec<SourceName>> {
        let names = self.files.list(&self.dir).map_err(|error| match is_absent(&error) {
            true => Error::new(ErrorKind::NotFound, "there is no store").with_path(&self.dir),
            false => Error::io("list this directory", &self.dir, error),
        })?;
        let mut sources: Vec<SourceName> = names
            .iter()
            .filter_map(|name| name.to_str()?.parse().ok())
            .filter(|name| self.may_be_a_source(name))
            .collect();
        sources.sort();
        Ok(sources)
    }

    /// True unless it is certain that no directory has this name.
    fn may_be_a_source(&self, name: &SourceName) -> bool {
        match stat_target_if_any(self.files(), &self.dir.join(name.as_str())) {
            Ok(stat) => stat.is_some_and(|stat| stat.kind == FileKind::Dir),
            Err(error) => {
                log::warn!("{}", error.to_chain());
                true
            }
        }
    }

    /// The reading side of one source.
    pub(crate) fn source(&self, name: &SourceName) -> SourceDir<'_> {
        SourceDir { files: self.files(), dir: self.dir.join(name.as_str()) }
    }
}

/// The directory of one source, to be read by anyone at any time.
pub(crate) struct SourceDir<'a> {
    files: &'a dyn Files,
    dir: PathBuf,
}

impl<'a> SourceDir<'a> {
    pub(crate) fn files(&self) -> &'a dyn Files {
        self.files
    }

    pub(crate) fn path(&self) -> &Path {
        &self.dir
    }

    /// The link to the current generation.
    pub(crate) fn current_path(&self) -> PathBuf {
        self.dir.join(CURRENT)
    }

    /// True if the source has a directory.
    ///
    /// # Errors
    /// [`ErrorKind::Store`] if that cannot be found out, and if the name leads to something
    /// else, or nowhere: both happen to a link to a disk that is not mounted.
    pub(crate) fn exists(&self) -> Result<bool> {
        match stat_target_if_any(self.files, &self.dir)? {
            None => Ok(false),
            Some(stat) if stat.kind == FileKind::Dir => Ok(true),
            Some(_) => {
                let message = "expected the directory of a source, got something else";
                Err(Error::new(ErrorKind::Store, message).with_path(&self.dir))
            }
        }
    }

    /// The committed generation; `None` before the first update was completed, and when
    /// somebody removed it.
    ///
    /// # Errors
    /// [`ErrorKind::Store`] if `current` is not the link that an update puts there, or if the
    /// directory of the source cannot be examined.
    pub(crate) fn current(&self) -> Result<Option<Generation>> {
        let mut missing = None;
        while let Some(generation) = self.linked()? {
            let stat = stat_if_any(self.files, &generation.dir)?;
            if stat.is_some_and(|stat| stat.kind == FileKind::Dir) {
                return Ok(Some(generation));
            }
            // Dropped after the link was read, by two updates: there is a newer one.
            if missing == Some(generation.number) {
                log::warn!("{} is gone", generation.dir.display());
                break;
            }
            missing = Some(generation.number);
        }
        // Without a link nothing was committed yet, or everything is out of reach.
        self.exists()?;
        Ok(None)
    }

    /// The generation that `current` names, whether it is there or not.
    fn linked(&self) -> Result<Option<Generation>> {
        let link = self.current_path();
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
                "expected a link to {GENERATIONS}/<number>, got one to {}; remove the dir of \
                 this source and update again",
                target.display()
            );
            return Err(Error::new(ErrorKind::Store, message).with_path(link));
        };
        Ok(Some(Generation { number, dir: self.dir.join(target) }))
    }

    /// Reads from the current generation, starting over if it was pruned meanwhile because
    /// two updates were completed. A generation that is being pruned may look complete, empty
    /// or damaged, so a value counts only if the generation was still kept afterwards.
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
            let value = read(&generation);
            let now = self.linked()?.map(|now| now.number);
            match value {
                // The generation before the current one is kept, too.
                Ok(value) if now.is_some_and(|now| generation.is_kept_beside(now)) => {
                    return Ok(Some(value));
                }
                Err(error) if now == Some(generation.number) => return Err(error),
                _ => {}
            }
        }
        let message = "the catalog is replaced faster than it can be read";
        Err(Error::new(ErrorKind::Store, message).with_path(&self.dir))
    }

    /// Reads what the last update remembered.
    ///
    /// # Errors
    /// [`ErrorKind::Store`] and [`ErrorKind::Limit`] if it cannot be read. One that is damaged
    /// or missing is an empty one.
    pub(crate) fn status(&self) -> Result<Status> {
        Status::load(self.files, &self.dir)
    }
}

/// The one writer of a source. The lock goes when this is dropped.
pub(crate) struct SourceWriter<'a> {
    pub(crate) files: &'a dyn Files,
    dir: PathBuf,
    pub(crate) staging: Staging<'a>,
    /// Old generations, and records of them, that could not be removed.
    stuck: Vec<Stuck>,
    _lock: Lock,
}

/// An old generation, or its record, that cannot be removed.
struct Stuck {
    name: OsString,
    error: Error,
}

impl<'a> SourceWriter<'a> {
    /// Takes the lock, waiting up to `patience`, and clears what an interrupted
    /// run left. An old generation that cannot be removed stays: see
    /// [`leftovers`](Self::leftovers).
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
        let dir = store.dir.join(name.as_str());
        // Durable before anything is in it: a commit syncs no further up than this directory.
        ensure_dirs(files, &dir)?;
        let lock = take_lock(&dir.join(LOCK), clock, patience)?;
        let staging = Staging::open(files, dir.join(INCOMING))?;
        let mut writer = SourceWriter { files, dir, staging, stuck: Vec::new(), _lock: lock };
        ensure_own_dir(files, &writer.generations())?;
        writer.stuck = writer.recover()?;
        Ok(writer)
    }

    fn generations(&self) -> PathBuf {
        self.dir.join(GENERATIONS)
    }

    pub(crate) fn reader(&self) -> SourceDir<'a> {
        SourceDir { files: self.files, dir: self.dir.clone() }
    }

    pub(crate) fn save(&self, status: &Status) -> Result<()> {
        status.save(self.files, &self.dir)
    }

    /// Old generations that could not be removed when the source was opened: one sentence each.
    pub(crate) fn leftovers(&self) -> impl Iterator<Item = String> {
        self.stuck.iter().map(Stuck::warning)
    }

    /// Removes generations that were never committed or are no longer needed.
    fn recover(&self) -> Result<Vec<Stuck>> {
        let current = self.reader().current()?.map(|generation| generation.number);
        self.drop_generations(|number| match current {
            Some(current) => number == current || number.checked_add(1) == Some(current),
            None => false,
        })
    }

    /// Removes every generation, and its record, whose number `keep` does not want. Returns
    /// those that cannot be removed, except for those that are known already: disk space is
    /// all that they cost.
    ///
    /// # Errors
    /// [`ErrorKind::Store`] if the generations cannot be listed.
    fn drop_generations(&self, keep: impl Fn(u64) -> bool) -> Result<Vec<Stuck>> {
        let dir = self.generations();
        let names = self.files.list(&dir);
        let names = names.map_err(|error| Error::io("list this directory", &dir, error))?;
        let mut stuck = Vec::new();
        for name in names {
            let number = name.to_str().map(|name| name.strip_suffix(HELD_SUFFIX).unwrap_or(name));
            let number: Option<u64> = number.and_then(|number| number.parse().ok());
            let is_known = self.stuck.iter().any(|known| known.name == name);
            if is_known || number.is_some_and(&keep) {
                continue;
            }
            if let Err(error) = remove_all(self.files, &dir.join(&name)) {
                stuck.push(Stuck { name, error });
            }
        }
        Ok(stuck)
    }
}

impl Stuck {
    fn warning(&self) -> String {
        let name = self.name.to_string_lossy();
        format!("cannot remove the old generation {name}: {}", self.error.to_chain())
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

//! The writing side of one source: the lock, and the recovery from crashes.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::changes::CHANGES_SUFFIX;
use super::generation::{RECORD_SUFFIX, is_kept};
use super::{GENERATIONS, Generation, SourceDir, Staging, Status, Store};
use crate::base::error::{Error, ErrorKind, IoContext, Result};
use crate::base::files::{Files, Lock, ensure_dirs, ensure_own_dir, remove_all, try_lock};
use crate::base::limits::MAX_TIMEOUT;
use crate::base::time::Clock;
use crate::source::SourceName;

const INCOMING: &str = "incoming";
const LOCK: &str = "lock";

/// Time between two attempts to take a lock.
const LOCK_POLL: Duration = Duration::from_millis(50);

/// The only writer of a source. Dropping it releases the lock.
pub(crate) struct SourceWriter<'a> {
    pub(crate) files: &'a dyn Files,
    pub(super) dir: PathBuf,
    pub(crate) staging: Staging<'a>,
    stuck: Vec<Stuck>,
    _lock: Lock,
}

/// An old generation, or its record, that cannot be removed.
pub(super) struct Stuck {
    name: OsString,
    error: Error,
}

impl<'a> SourceWriter<'a> {
    /// Takes the lock and removes leftovers of an interrupted update. An old generation that
    /// cannot be removed is only a warning: see [`leftovers`](Self::leftovers).
    ///
    /// # Errors
    /// [`ErrorKind::Locked`] if another process still writes after `lock_timeout`;
    /// [`ErrorKind::Store`].
    pub(crate) fn open(
        files: &'a dyn Files,
        store: &Store,
        name: &SourceName,
        clock: &dyn Clock,
        lock_timeout: Duration,
    ) -> Result<SourceWriter<'a>> {
        let dir = store.dir().join(name.as_str());
        // Durable before it has contents: a commit syncs nothing above this directory.
        ensure_dirs(files, &dir)?;
        let lock = take_lock(&dir.join(LOCK), clock, lock_timeout)?;
        let staging = Staging::open(files, dir.join(INCOMING))?;
        let mut writer = SourceWriter { files, dir, staging, stuck: Vec::new(), _lock: lock };
        ensure_own_dir(files, &writer.generations())?;
        writer.stuck = writer.recover()?;
        Ok(writer)
    }

    pub(super) fn generations(&self) -> PathBuf {
        self.dir.join(GENERATIONS)
    }

    /// Returns the generation with this number, even if it does not exist.
    pub(super) fn generation(&self, number: u64) -> Generation {
        Generation { number, dir: self.generations().join(format!("{number:06}")) }
    }

    pub(crate) fn reader(&self) -> SourceDir<'a> {
        SourceDir::new(self.files, self.dir.clone())
    }

    pub(crate) fn save(&self, status: &Status) -> Result<()> {
        status.save(self.files, &self.dir)
    }

    /// Returns a warning for each old generation that could not be removed during
    /// [`open`](Self::open).
    pub(crate) fn leftovers(&self) -> impl Iterator<Item = String> {
        self.stuck.iter().map(Stuck::warning)
    }

    /// Removes every generation except the current and the previous one.
    fn recover(&self) -> Result<Vec<Stuck>> {
        let current = self.reader().current()?.map(|generation| generation.number);
        self.drop_generations(|number| current.is_some_and(|current| is_kept(number, current)))
    }

    /// Removes every generation, and its record, unless `is_kept` is true for its number.
    /// Returns those that cannot be removed and are not known yet: they only cost disk space.
    ///
    /// # Errors
    /// [`ErrorKind::Store`] if the generations cannot be listed.
    pub(super) fn drop_generations(&self, is_kept: impl Fn(u64) -> bool) -> Result<Vec<Stuck>> {
        let dir = self.generations();
        let mut stuck = Vec::new();
        for name in self.files.list(&dir).on("list this directory", &dir)? {
            let number = name
                .to_str()
                .map(|name| name.strip_suffix(RECORD_SUFFIX).unwrap_or(name))
                .map(|name| name.strip_suffix(CHANGES_SUFFIX).unwrap_or(name))
                .and_then(|number| number.parse::<u64>().ok());
            let is_known = self.stuck.iter().any(|known| known.name == name);
            if is_known || number.is_some_and(&is_kept) {
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
    pub(super) fn warning(&self) -> String {
        let name = self.name.to_string_lossy();
        format!("cannot remove the old generation {name}: {}", self.error.to_chain())
    }
}

/// Takes a lock. Retries until `lock_timeout` is over.
fn take_lock(path: &Path, clock: &dyn Clock, lock_timeout: Duration) -> Result<Lock> {
    let end = clock.monotonic() + lock_timeout.min(MAX_TIMEOUT);
    loop {
        if let Some(lock) = try_lock(path)? {
            return Ok(lock);
        }
        let left = end.saturating_duration_since(clock.monotonic());
        if left.is_zero() {
            return Err(
                Error::new(ErrorKind::Locked, "another process is writing here").with_path(path)
            );
        }
        clock.sleep(left.min(LOCK_POLL));
    }
}

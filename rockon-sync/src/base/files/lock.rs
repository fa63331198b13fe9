//! Exclusive locks between processes.

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use super::{RealFiles, open_regular_with, stat_target_if_any};
use crate::base::error::{IoContext, Result};

/// An exclusive lock, released when dropped.
pub(crate) struct Lock(File);

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing is not enough: a child that another thread is starting may have a copy of the
        // handle for a moment, and with it the lock.
        let _ = self.0.unlock();
    }
}

/// Acquires the exclusive lock on `path`, a directory or a file, which is created if missing.
/// Returns `None` if another process has the lock.
pub(crate) fn try_lock(path: &Path) -> Result<Option<Lock>> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false).mode(0o644);
    let opened = match stat_target_if_any(&RealFiles, path)? {
        Some(stat) if stat.is_dir() => File::open(path),
        _ => open_regular_with(path, &mut options),
    };
    let file = opened.on("lock this", path)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(Lock(file))),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error).on("lock this", path),
    }
}

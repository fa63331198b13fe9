//! Creating, replacing and removing files and directories.

use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::{FileKind, Files, Stat, is_absent, stat_if_any, stat_target_if_any};
use crate::base::error::{Error, ErrorKind, IoContext, Result};

/// Creates a directory unless the path exists.
pub(crate) fn ensure_dir(files: &dyn Files, path: &Path) -> Result<()> {
    match files.create_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        created => created.on("create this directory", path),
    }
}

/// Creates a directory unless it exists. A link to a directory is refused: files written to it or
/// removed from it would not be ours.
pub(crate) fn ensure_own_dir(files: &dyn Files, path: &Path) -> Result<()> {
    ensure_dir(files, path)?;
    match stat_if_any(files, path)? {
        Some(stat) if stat.is_dir() => Ok(()),
        _ => Err(Error::new(
            ErrorKind::Store,
            "expected a directory, found something else; remove it",
        )
        .with_path(path)),
    }
}

/// Creates a directory and its missing parents. A link to a directory is accepted.
///
/// # Errors
/// [`ErrorKind::Store`], also if the path exists and is not a directory.
pub(crate) fn ensure_dirs(files: &dyn Files, path: &Path) -> Result<()> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let created = match (files.create_dir(path), parent) {
        (Err(error), Some(parent)) if error.kind() == io::ErrorKind::NotFound => {
            ensure_dirs(files, parent)?;
            files.create_dir(path)
        }
        (created, _) => created,
    };
    match created {
        Ok(()) => {
            let parent = parent.unwrap_or(Path::new("."));
            files.sync_dir(parent).on("sync this directory", parent)
        }
        Err(error) => {
            let exists = error.kind() == io::ErrorKind::AlreadyExists
                && stat_target_if_any(files, path)?.is_some_and(Stat::is_dir);
            if exists { Ok(()) } else { Err(error).on("create this directory", path) }
        }
    }
}

/// Removes a file unless it is missing.
pub(crate) fn remove_if_any(files: &dyn Files, path: &Path) -> Result<()> {
    match files.remove_file(path) {
        Err(error) if is_absent(&error) => Ok(()),
        removed => removed.on("remove this file", path),
    }
}

/// Removes a file, or a directory and everything in it. Links are removed, not followed.
pub(crate) fn remove_all(files: &dyn Files, path: &Path) -> Result<()> {
    let Some(stat) = stat_if_any(files, path)? else {
        return Ok(());
    };
    if stat.kind != FileKind::Dir {
        return remove_if_any(files, path);
    }
    for name in files.list(path).on("list this directory", path)? {
        remove_all(files, &path.join(name))?;
    }
    files.remove_dir(path).on("remove this directory", path)
}

/// Creates a file that only its owner may read.
///
/// # Errors
/// [`ErrorKind::Store`], also if the path exists.
pub(crate) fn create_private(path: &Path, bytes: &[u8]) -> Result<()> {
    let create = || {
        let mut options = OpenOptions::new();
        let mut file = options.write(true).create_new(true).mode(0o600).open(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    create().on("create this file", path)
}

/// Replaces a file durably: after a crash, either the old or the new content exists.
pub(crate) fn write_atomically(files: &dyn Files, path: &Path, bytes: &[u8]) -> Result<()> {
    replace(files, path, |file| file.write_all(bytes))?;
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let dir = parent.unwrap_or(Path::new("."));
    files.sync_dir(dir).on("sync this directory", dir)
}

/// Replaces a file by the output of `write`, which is staged, synced and renamed. The caller syncs
/// the directory.
pub(crate) fn replace(
    files: &dyn Files,
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<()> {
    let staged = stage(files, path, write)?;
    let synced = files.sync_files(std::slice::from_ref(&staged));
    synced.and_then(|()| files.rename(&staged, path)).on("write this file", path)
}

/// Writes the replacement of a file next to it, and returns its path. The caller syncs and renames
/// it, which is faster for many files together.
pub(crate) fn stage(
    files: &dyn Files,
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<PathBuf> {
    let staged = staged(path);
    remove_if_any(files, &staged)?;
    let create = || {
        let mut file = files.create(&staged)?;
        let mut buffered = io::BufWriter::new(&mut file);
        write(&mut buffered)?;
        buffered.flush()
    };
    let created = create();
    if created.is_err() {
        // The first error counts; a leftover is replaced next time.
        let _ = files.remove_file(&staged);
    }
    created.on("write this file", path)?;
    Ok(staged)
}

/// Returns the path at which the replacement of `path` is staged. It starts with a dot, so that no
/// entry or generation has the same name.
pub(crate) fn staged(path: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(".new");
    path.with_file_name(name)
}

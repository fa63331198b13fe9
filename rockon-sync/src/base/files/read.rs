//! Reading files and directories. An error other than a missing path is never an absence.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::{FileKind, Files, Stat, is_absent};
use crate::base::digest::Digest;
use crate::base::error::{Error, ErrorKind, IoContext, Result};

/// Returns the metadata of `path`, or `None` if it does not exist.
pub(crate) fn stat_if_any(files: &dyn Files, path: &Path) -> Result<Option<Stat>> {
    if_any(files.stat(path)).on("look at this file", path)
}

/// Like [`stat_if_any`], but follows symbolic links. A link without a target is an error: the
/// target may be on a disk that is not mounted at the moment.
pub(crate) fn stat_target_if_any(files: &dyn Files, path: &Path) -> Result<Option<Stat>> {
    match stat_if_any(files, path)? {
        Some(Stat { kind: FileKind::Link, .. }) => {
            let target = files.resolve(path).and_then(|target| files.stat(&target));
            target.map(Some).on("follow this symbolic link", path)
        }
        stat => Ok(stat),
    }
}

/// Reads a whole file of up to `max_bytes`. Returns `None` if it does not exist.
///
/// # Errors
/// [`ErrorKind::Store`]; [`ErrorKind::Limit`] if the file is larger.
pub(crate) fn read_if_any(
    files: &dyn Files,
    path: &Path,
    max_bytes: u64,
) -> Result<Option<Vec<u8>>> {
    match if_any(files.open(path)).on("read this file", path)? {
        Some(reader) => read_up_to(reader, path, max_bytes).map(Some),
        None => Ok(None),
    }
}

/// Reads a regular file. Anything else counts as missing: an update replaces it.
pub(crate) fn read_regular(
    files: &dyn Files,
    path: &Path,
    max_bytes: u64,
) -> Result<Option<Vec<u8>>> {
    match stat_if_any(files, path)? {
        Some(stat) if stat.kind == FileKind::File => read_if_any(files, path, max_bytes),
        _ => Ok(None),
    }
}

/// Returns the digest and size of a regular file; `None` if it does not exist.
pub(crate) fn digest_if_any(files: &dyn Files, path: &Path) -> Result<Option<(Digest, u64)>> {
    if !matches!(stat_if_any(files, path)?, Some(stat) if stat.kind == FileKind::File) {
        return Ok(None);
    }
    let digest = |mut reader| Digest::of_reader(&mut reader);
    if_any(files.open(path).and_then(digest)).on("read this file", path)
}

/// True if a regular file is there with this digest.
pub(crate) fn has_digest(files: &dyn Files, path: &Path, digest: Digest) -> Result<bool> {
    Ok(digest_if_any(files, path)?.is_some_and(|(found, _)| found == digest))
}

/// Returns the names in a directory, unordered; none if it does not exist.
pub(crate) fn list_if_any(files: &dyn Files, dir: &Path) -> Result<Vec<OsString>> {
    Ok(if_any(files.list(dir)).on("list this directory", dir)?.unwrap_or_default())
}

/// Access to a regular file, by its permission bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Privacy {
    OwnerOnly,
    Shared,
}

/// Reads a file with a secret or a public key, which may be a link or a pipe. Also returns who may
/// read or write it.
///
/// # Errors
/// [`ErrorKind::Store`]; [`ErrorKind::Limit`] if the file is larger than `max_bytes`.
pub(crate) fn read_private(path: &Path, max_bytes: u64) -> Result<(Vec<u8>, Privacy)> {
    let file = File::open(path).on("read this file", path)?;
    let metadata = file.metadata().on("read this file", path)?;
    let is_shared = metadata.is_file() && metadata.permissions().mode() & 0o077 != 0;
    let privacy = if is_shared { Privacy::Shared } else { Privacy::OwnerOnly };
    Ok((read_up_to(file, path, max_bytes)?, privacy))
}

/// Calls `visit` for everything below `dir` that is not a directory, with the path relative to
/// `dir`.
pub(crate) fn walk(
    files: &dyn Files,
    dir: &Path,
    visit: &mut dyn FnMut(&Path, Stat) -> Result<()>,
) -> Result<()> {
    fn walk_below(
        files: &dyn Files,
        root: &Path,
        relative: &Path,
        visit: &mut dyn FnMut(&Path, Stat) -> Result<()>,
    ) -> Result<()> {
        let dir = root.join(relative);
        for name in files.list(&dir).on("list this directory", &dir)? {
            let relative = relative.join(name);
            let path = root.join(&relative);
            let stat = files.stat(&path).on("look at this file", &path)?;
            match stat.kind {
                FileKind::Dir => walk_below(files, root, &relative, visit)?,
                _ => visit(&relative, stat)?,
            }
        }
        Ok(())
    }
    walk_below(files, dir, Path::new(""), visit)
}

fn if_any<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if is_absent(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

fn read_up_to(reader: impl Read, path: &Path, max_bytes: u64) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut limited = reader.take(max_bytes.saturating_add(1));
    limited.read_to_end(&mut bytes).on("read this file", path)?;
    match bytes.len() as u64 > max_bytes {
        true => Err(Error::new(
            ErrorKind::Limit,
            format!("expected at most {max_bytes} bytes, got more"),
        )
        .with_path(path)),
        false => Ok(bytes),
    }
}

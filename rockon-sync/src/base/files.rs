//! The file system, as far as the store and the publisher need it: one seam, so
//! that tests can make any single operation fail.

use std::ffi::OsString;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::panic::RefUnwindSafe;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rustix::fs::OFlags;

use crate::base::error::{Error, ErrorKind, Result};

/// What a path is, without following a link at its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stat {
    pub(crate) kind: FileKind,
    pub(crate) len_bytes: u64,
    /// Last modification, in nanoseconds since 1970.
    pub(crate) mtime_ns: i128,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FileKind {
    File,
    Dir,
    Link,
    /// A device, a FIFO, a socket: nothing that belongs here.
    Other,
}

/// A file being written.
pub(crate) trait NewFile: Write + Send {
    /// Drops what was written so far.
    fn truncate(&mut self) -> io::Result<()>;
}

/// The operations. None but [`resolve`](Files::resolve) follows a symbolic link at the end of
/// its path.
pub(crate) trait Files: Send + Sync + RefUnwindSafe {
    fn create_dir(&self, path: &Path) -> io::Result<()>;
    /// Creates a file that must not exist yet.
    fn create(&self, path: &Path) -> io::Result<Box<dyn NewFile>>;
    /// Opens a file to add to its end.
    fn append(&self, path: &Path) -> io::Result<Box<dyn NewFile>>;
    fn open(&self, path: &Path) -> io::Result<Box<dyn Read + Send>> {
        Ok(Box::new(open_regular(path)?))
    }

    fn stat(&self, path: &Path) -> io::Result<Stat> {
        let metadata = fs::symlink_metadata(path)?;
        let kind = metadata.file_type();
        Ok(Stat {
            kind: match kind {
                _ if kind.is_file() => FileKind::File,
                _ if kind.is_dir() => FileKind::Dir,
                _ if kind.is_symlink() => FileKind::Link,
                _ => FileKind::Other,
            },
            len_bytes: metadata.len(),
            mtime_ns: i128::from(metadata.mtime()) * 1_000_000_000
                + i128::from(metadata.mtime_nsec()),
        })
    }

    /// The names in a directory, in no particular order.
    fn list(&self, path: &Path) -> io::Result<Vec<OsString>> {
        fs::read_dir(path)?.map(|entry| entry.map(|entry| entry.file_name())).collect()
    }

    fn read_link(&self, path: &Path) -> io::Result<PathBuf> {
        fs::read_link(path)
    }

    /// Returns the absolute path that all symbolic links in `path` lead to.
    fn resolve(&self, path: &Path) -> io::Result<PathBuf> {
        fs::canonicalize(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    fn hard_link(&self, from: &Path, to: &Path) -> io::Result<()>;
    fn symlink(&self, target: &Path, link: &Path) -> io::Result<()>;
    fn remove_file(&self, path: &Path) -> io::Result<()>;
    fn remove_dir(&self, path: &Path) -> io::Result<()>;
    /// Waits until the bytes of these files, which are on one file system, are on the disk.
    fn sync_files(&self, paths: &[PathBuf]) -> io::Result<()>;
    /// Waits until the names in a directory are on the disk.
    fn sync_dir(&self, path: &Path) -> io::Result<()>;
    /// Takes the permission to write from everyone.
    fn make_read_only(&self, path: &Path) -> io::Result<()>;
    /// Says when a file was last modified.
    fn set_modified(&self, path: &Path, time: SystemTime) -> io::Result<()>;
}

/// The real file system.
pub(crate) struct RealFiles;

/// More files than this are synced with their whole file system at once: a sync costs
/// the disk a few milliseconds however small the file, and a first sync of a directory
/// has thousands.
const MAX_SINGLE_SYNCS: usize = 32;

impl Files for RealFiles {
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        DirBuilder::new().mode(0o755).create(path)
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn NewFile>> {
        let file = OpenOptions::new().write(true).create_new(true).mode(0o644).open(path)?;
        Ok(Box::new(file))
    }

    fn append(&self, path: &Path) -> io::Result<Box<dyn NewFile>> {
        Ok(Box::new(open_regular_with(path, OpenOptions::new().append(true))?))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn hard_link(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::hard_link(from, to)
    }

    fn symlink(&self, target: &Path, link: &Path) -> io::Result<()> {
        std::os::unix::fs::symlink(target, link)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        fs::remove_dir(path)
    }

    fn sync_files(&self, paths: &[PathBuf]) -> io::Result<()> {
        match paths {
            [.., last] if paths.len() > MAX_SINGLE_SYNCS => {
                Ok(rustix::fs::syncfs(open_regular(last)?)?)
            }
            _ => paths.iter().try_for_each(|path| open_regular(path)?.sync_all()),
        }
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }

    fn make_read_only(&self, path: &Path) -> io::Result<()> {
        let file = open_regular(path)?;
        let mode = file.metadata()?.permissions().mode();
        file.set_permissions(fs::Permissions::from_mode(mode & !0o222))
    }

    fn set_modified(&self, path: &Path, time: SystemTime) -> io::Result<()> {
        open_regular(path)?.set_modified(time)
    }
}

impl NewFile for File {
    fn truncate(&mut self) -> io::Result<()> {
        self.set_len(0)?;
        io::Seek::rewind(self)
    }
}

/// Opens a regular file and nothing else: no link at the end of the path, nothing
/// that would block on opening.
fn open_regular(path: &Path) -> io::Result<File> {
    open_regular_with(path, OpenOptions::new().read(true))
}

fn open_regular_with(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let flags = i32::try_from(flags.bits()).unwrap_or_default();
    let file = options.custom_flags(flags).open(path)?;
    if file.metadata()?.is_file() {
        Ok(file)
    } else {
        Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"))
    }
}

/// What `path` is, or `None` if there is nothing.
pub(crate) fn stat_if_any(files: &dyn Files, path: &Path) -> Result<Option<Stat>> {
    match files.stat(path) {
        Ok(stat) => Ok(Some(stat)),
        Err(error) if is_absent(&error) => Ok(None),
        Err(error) => Err(Error::io("look at this file", path, error)),
    }
}

/// Returns true if `path` is a directory or a link to one.
///
/// # Errors
/// [`ErrorKind::Store`] if that cannot be found out: an error is never an absence.
pub(crate) fn is_dir(path: &Path) -> Result<bool> {
    match fs::metadata(path) {
        Ok(metadata) => Ok(metadata.is_dir()),
        Err(error) if is_absent(&error) => Ok(false),
        Err(error) => Err(Error::io("look at this directory", path, error)),
    }
}

/// Like [`stat_if_any`], but follows symbolic links. A link that leads nowhere is an error: it
/// stands for something that is not there at the moment, such as a disk that is not mounted.
pub(crate) fn stat_target_if_any(files: &dyn Files, path: &Path) -> Result<Option<Stat>> {
    let fail = |error| Error::io("follow this symbolic link", path, error);
    match stat_if_any(files, path)? {
        Some(stat) if stat.kind == FileKind::Link => {
            let target = files.resolve(path).map_err(fail)?;
            files.stat(&target).map(Some).map_err(fail)
        }
        stat => Ok(stat),
    }
}

/// Creates a directory unless it is there.
pub(crate) fn ensure_dir(files: &dyn Files, path: &Path) -> Result<()> {
    match files.create_dir(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            Err(Error::io("create this directory", path, error))
        }
        _ => Ok(()),
    }
}

/// Creates a directory unless it is there, and nothing else is: what is written to a link to
/// a directory, or removed from one, would be somebody else's.
///
/// # Errors
/// [`ErrorKind::Store`].
pub(crate) fn ensure_own_dir(files: &dyn Files, path: &Path) -> Result<()> {
    ensure_dir(files, path)?;
    match stat_if_any(files, path)? {
        Some(stat) if stat.kind == FileKind::Dir => Ok(()),
        _ => {
            let message = "expected a directory, found something else; remove it";
            Err(Error::new(ErrorKind::Store, message).with_path(path))
        }
    }
}

/// Creates a directory, and those above it, unless they are there.
///
/// # Errors
/// [`ErrorKind::Store`], also if something else has the name of the directory.
pub(crate) fn ensure_dirs(files: &dyn Files, path: &Path) -> Result<()> {
    let fail = |error| Error::io("create this directory", path, error);
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
            files.sync_dir(parent).map_err(|error| Error::io("sync this directory", parent, error))
        }
        // A link to a directory does as well.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            match stat_target_if_any(files, path)? {
                Some(stat) if stat.kind == FileKind::Dir => Ok(()),
                _ => Err(fail(error)),
            }
        }
        Err(error) => Err(fail(error)),
    }
}

/// Removes a file unless it is gone.
pub(crate) fn remove_if_any(files: &dyn Files, path: &Path) -> Result<()> {
    match files.remove_file(path) {
        Err(error) if !is_absent(&error) => Err(Error::io("remove this file", path, error)),
        _ => Ok(()),
    }
}

/// Reads a whole file, if there is one, up to `max_bytes`.
///
/// # Errors
/// [`ErrorKind::Store`]; [`ErrorKind::Limit`] if the file is larger.
pub(crate) fn read_if_any(
    files: &dyn Files,
    path: &Path,
    max_bytes: u64,
) -> Result<Option<Vec<u8>>> {
    let fail = |error| Error::io("read this file", path, error);
    let reader = match files.open(path) {
        Ok(reader) => reader,
        Err(error) if is_absent(&error) => return Ok(None),
        Err(error) => return Err(fail(error)),
    };
    let mut bytes = Vec::new();
    reader.take(max_bytes.saturating_add(1)).read_to_end(&mut bytes).map_err(fail)?;
    if bytes.len() as u64 > max_bytes {
        let message = format!("expected at most {max_bytes} bytes, got more");
        return Err(Error::new(ErrorKind::Limit, message).with_path(path));
    }
    Ok(Some(bytes))
}

/// Reads a file that somebody names to be trusted with, wherever it is (a link or a pipe
/// too), and the bits of who else may use it: zero for what is no file on a disk.
///
/// # Errors
/// [`ErrorKind::Store`]; [`ErrorKind::Limit`] if there is more than `max_bytes`.
pub(crate) fn read_private(path: &Path, max_bytes: u64) -> Result<(Vec<u8>, u32)> {
    let fail = |error| Error::io("read this file", path, error);
    let file = File::open(path).map_err(fail)?;
    let metadata = file.metadata().map_err(fail)?;
    let mode = if metadata.is_file() { metadata.permissions().mode() & 0o777 } else { 0 };
    let mut bytes = Vec::new();
    file.take(max_bytes.saturating_add(1)).read_to_end(&mut bytes).map_err(fail)?;
    if bytes.len() as u64 > max_bytes {
        let message = format!("expected at most {max_bytes} bytes, got more");
        return Err(Error::new(ErrorKind::Limit, message).with_path(path));
    }
    Ok((bytes, mode))
}

/// Writes a new file that only its owner may read.
///
/// # Errors
/// [`ErrorKind::Store`], also if there is something of this name already.
pub(crate) fn create_private(path: &Path, bytes: &[u8]) -> Result<()> {
    let written = (|| {
        let mut options = OpenOptions::new();
        let mut file = options.write(true).create_new(true).mode(0o600).open(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    })();
    written.map_err(|error| Error::io("create this file", path, error))
}

/// Puts `bytes` at `path` so that after a crash either the old or the new content
/// is there: file, sync, rename, sync of the directory.
pub(crate) fn write_atomically(files: &dyn Files, path: &Path, bytes: &[u8]) -> Result<()> {
    replace(files, path, |file| file.write_all(bytes))?;
    let dir = path.parent().unwrap_or(Path::new("."));
    files.sync_dir(dir).map_err(|error| Error::io("sync this directory", dir, error))
}

/// Replaces a file by what `write` writes: staged beside it, synced, renamed. The
/// directory is left to be synced by the caller.
pub(crate) fn replace(
    files: &dyn Files,
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<()> {
    let staged = stage(files, path, write)?;
    let moved = files.sync_files(std::slice::from_ref(&staged));
    moved
        .and_then(|()| files.rename(&staged, path))
        .map_err(|error| Error::io("write this file", path, error))
}

/// Writes what is to replace a file beside it, and returns where. Neither synced nor
/// renamed yet: of many files that is done together.
pub(crate) fn stage(
    files: &dyn Files,
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<PathBuf> {
    let staged = staged(path);
    remove_if_any(files, &staged)?;
    let written = (|| {
        let mut file = files.create(&staged)?;
        let mut buffered = io::BufWriter::new(&mut file);
        write(&mut buffered)?;
        buffered.flush()
    })();
    match written {
        Ok(()) => Ok(staged),
        Err(error) => {
            // The error that counts is the first one; a leftover is replaced next time.
            let _ = files.remove_file(&staged);
            Err(Error::io("write this file", path, error))
        }
    }
}

/// Where a file is written before it is renamed to `path`: a name that no entry and
/// no generation can have, since it starts with a dot.
pub(crate) fn staged(path: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(".new");
    path.with_file_name(name)
}

/// Removes a file, or a directory and everything in it; links are removed, not followed.
pub(crate) fn remove_all(files: &dyn Files, path: &Path) -> Result<()> {
    let Some(stat) = stat_if_any(files, path)? else {
        return Ok(());
    };
    if stat.kind != FileKind::Dir {
        return remove_if_any(files, path);
    }
    let names = files.list(path).map_err(|error| Error::io("list this directory", path, error))?;
    for name in names {
        remove_all(files, &path.join(name))?;
    }
    files.remove_dir(path).map_err(|error| Error::io("remove this directory", path, error))
}

/// Calls `visit` for everything below `dir` that is not a directory, with the path
/// relative to it.
pub(crate) fn walk(
    files: &dyn Files,
    dir: &Path,
    visit: &mut dyn FnMut(&Path, Stat) -> Result<()>,
) -> Result<()> {
    fn below(
        files: &dyn Files,
        root: &Path,
        relative: &Path,
        visit: &mut dyn FnMut(&Path, Stat) -> Result<()>,
    ) -> Result<()> {
        let dir = root.join(relative);
        let names =
            files.list(&dir).map_err(|error| Error::io("list this directory", &dir, error))?;
        for name in names {
            let relative = relative.join(name);
            let path = root.join(&relative);
            let stat =
                files.stat(&path).map_err(|error| Error::io("look at this file", &path, error))?;
            match stat.kind {
                FileKind::Dir => below(files, root, &relative, visit)?,
                _ => visit(&relative, stat)?,
            }
        }
        Ok(())
    }
    below(files, dir, Path::new(""), visit)
}

/// An exclusive lock, for as long as the value lives.
pub(crate) struct Lock(File);

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing is not enough: a child that is being started on another thread may have a
        // second handle for a moment, and with it the lock.
        let _ = self.0.unlock();
    }
}

/// Takes the exclusive lock on `path`, a file that is created or a directory; `None`
/// if another process has it.
pub(crate) fn try_lock(path: &Path) -> Result<Option<Lock>> {
    let fail = |error| Error::io("lock this", path, error);
    let file = if is_dir(path)? {
        File::open(path).map_err(fail)?
    } else {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false).mode(0o644);
        open_regular_with(path, &mut options).map_err(fail)?
    };
    match file.try_lock() {
        Ok(()) => Ok(Some(Lock(file))),
        Err(fs::TryLockError::WouldBlock) => Ok(None),
        Err(fs::TryLockError::Error(error)) => Err(fail(error)),
    }
}

/// Whether an error says that there is nothing at the path.
pub(crate) fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

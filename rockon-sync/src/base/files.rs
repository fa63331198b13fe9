//! The file system, behind one trait, so that tests can make any single operation fail.
//!
//! | file | contains |
//! |---|---|
//! | `read.rs` | reading files and directories |
//! | `write.rs` | creating, replacing and removing them |
//! | `lock.rs` | exclusive locks between processes |

mod lock;
mod read;
mod write;

use std::ffi::OsString;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::panic::RefUnwindSafe;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rustix::fs::OFlags;

pub(crate) use lock::{Lock, try_lock};
pub(crate) use read::{
    Privacy, digest_if_any, has_digest, list_if_any, read_if_any, read_private, read_regular,
    stat_if_any, stat_target_if_any, walk,
};
pub(crate) use write::{
    create_private, ensure_dir, ensure_dirs, ensure_own_dir, remove_all, remove_if_any, replace,
    stage, staged, write_atomically,
};

/// Metadata of a path, without following a link at its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stat {
    pub(crate) kind: FileKind,
    pub(crate) len_bytes: u64,
    /// Time of the last modification, in nanoseconds since 1970.
    pub(crate) mtime_ns: i128,
    /// Time of the last change of the inode, in nanoseconds since 1970.
    pub(crate) ctime_ns: i128,
    pub(crate) inode: u64,
}

impl Stat {
    pub(crate) fn is_dir(self) -> bool {
        self.kind == FileKind::Dir
    }

    /// Returns the time of the last modification; `None` if it is before 1970.
    pub(crate) fn modified(self) -> Option<SystemTime> {
        let since_ns = u64::try_from(self.mtime_ns).ok()?;
        SystemTime::UNIX_EPOCH.checked_add(Duration::from_nanos(since_ns))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FileKind {
    File,
    Dir,
    Link,
    /// A device, a FIFO or a socket, which no store or tree contains.
    Other,
}

/// A file being written.
pub(crate) trait NewFile: Write + Send {
    /// Discards everything written so far.
    fn truncate(&mut self) -> io::Result<()>;

    /// Changes the time of the last modification within its second. Nothing may be written later.
    fn set_nanoseconds(&mut self, nanoseconds: u32) -> io::Result<()>;
}

/// Returns another time within the same second; `None` if it is before 1970.
pub(crate) fn with_nanoseconds(time: SystemTime, nanoseconds: u32) -> Option<SystemTime> {
    let seconds = time.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_secs();
    SystemTime::UNIX_EPOCH.checked_add(Duration::new(seconds, nanoseconds))
}

/// File operations. Only [`resolve`](Files::resolve) follows a symbolic link at the end of a path.
pub(crate) trait Files: Send + Sync + RefUnwindSafe {
    fn create_dir(&self, path: &Path) -> io::Result<()>;
    /// Creates a file. Fails if the path exists.
    fn create(&self, path: &Path) -> io::Result<Box<dyn NewFile>>;
    /// Creates a file that can only be written to now. Fails if the path exists.
    fn create_read_only(&self, path: &Path) -> io::Result<Box<dyn NewFile>>;
    /// Opens a file for appending.
    fn append(&self, path: &Path) -> io::Result<Box<dyn NewFile>>;
    fn open(&self, path: &Path) -> io::Result<Box<dyn Read + Send>> {
        Ok(Box::new(open_regular(path)?))
    }

    /// Opens a file at an offset in bytes.
    fn open_at(&self, path: &Path, offset: u64) -> io::Result<Box<dyn Read + Send>> {
        let mut reader = self.open(path)?;
        io::copy(&mut reader.by_ref().take(offset), &mut io::sink())?;
        Ok(reader)
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
            mtime_ns: ns(metadata.mtime(), metadata.mtime_nsec()),
            ctime_ns: ns(metadata.ctime(), metadata.ctime_nsec()),
            inode: metadata.ino(),
        })
    }

    /// Returns the names in a directory, unordered.
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
    /// Syncs the bytes of these files to the disk. All must be on one file system, which is synced
    /// as a whole if they are more than [`MAX_SINGLE_SYNCS`]: then any of them stands for all.
    fn sync_files(&self, paths: &[PathBuf]) -> io::Result<()>;
    /// Syncs the names in a directory to the disk.
    fn sync_dir(&self, path: &Path) -> io::Result<()>;
    /// Sets the time of the last modification.
    fn set_modified(&self, path: &Path, time: SystemTime) -> io::Result<()>;
}

/// Returns a time in nanoseconds.
fn ns(seconds: i64, nanoseconds: i64) -> i128 {
    i128::from(seconds) * 1_000_000_000 + i128::from(nanoseconds)
}

/// The real file system.
pub(crate) struct RealFiles;

/// Most files that are synced one by one. A sync takes a few milliseconds even for a small file,
/// and a first update writes thousands, so larger sets are synced with their whole file system.
pub(crate) const MAX_SINGLE_SYNCS: usize = 32;

impl Files for RealFiles {
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        DirBuilder::new().mode(0o755).create(path)
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn NewFile>> {
        let file = OpenOptions::new().write(true).create_new(true).mode(0o644).open(path)?;
        Ok(Box::new(file))
    }

    fn create_read_only(&self, path: &Path) -> io::Result<Box<dyn NewFile>> {
        let file = OpenOptions::new().write(true).create_new(true).mode(0o444).open(path)?;
        Ok(Box::new(file))
    }

    fn append(&self, path: &Path) -> io::Result<Box<dyn NewFile>> {
        Ok(Box::new(open_regular_with(path, OpenOptions::new().append(true))?))
    }

    fn open_at(&self, path: &Path, offset: u64) -> io::Result<Box<dyn Read + Send>> {
        let mut file = open_regular(path)?;
        file.seek(SeekFrom::Start(offset))?;
        Ok(Box::new(file))
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

    fn set_modified(&self, path: &Path, time: SystemTime) -> io::Result<()> {
        open_regular(path)?.set_modified(time)
    }
}

impl NewFile for File {
    fn truncate(&mut self) -> io::Result<()> {
        self.set_len(0)?;
        self.rewind()
    }

    fn set_nanoseconds(&mut self, nanoseconds: u32) -> io::Result<()> {
        match with_nanoseconds(self.metadata()?.modified()?, nanoseconds) {
            Some(time) => self.set_modified(time),
            None => Err(io::ErrorKind::InvalidData.into()),
        }
    }
}

/// Opens a regular file. Fails for a link at the end of the path and for anything that could block.
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

/// True if the error means that the path does not exist.
pub(crate) fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

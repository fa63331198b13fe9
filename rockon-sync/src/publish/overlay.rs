//! A file system for dry runs: reads the real one, and keeps all changes in memory.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{self, Cursor, Read, Write};
use std::panic::RefUnwindSafe;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::base::files::{FileKind, Files, NewFile, Stat, is_absent};
use crate::base::workers::lock;

/// The real file system below, and what was changed since.
pub(super) struct Overlay<'a> {
    inner: &'a dyn Files,
    changes: Mutex<BTreeMap<PathBuf, Change>>,
}

#[derive(Clone)]
enum Change {
    Written { bytes: Bytes, mtime_ns: i128 },
    NewDir,
    Removed,
}

/// The bytes of a file. Several names may share them.
type Bytes = Arc<Mutex<Vec<u8>>>;

impl<'a> Overlay<'a> {
    pub(super) fn new(inner: &'a dyn Files) -> Overlay<'a> {
        Overlay { inner, changes: Mutex::default() }
    }

    fn changes(&self) -> MutexGuard<'_, BTreeMap<PathBuf, Change>> {
        lock(&self.changes)
    }

    fn change(&self, path: &Path) -> Option<Change> {
        self.changes().get(path).cloned()
    }

    fn set(&self, path: &Path, change: Change) {
        self.changes().insert(path.to_owned(), change);
    }

    /// Returns the contents of a file, changed or not.
    fn contents(&self, path: &Path) -> io::Result<Change> {
        match self.change(path) {
            Some(written @ Change::Written { .. }) => Ok(written),
            Some(_) => Err(io::ErrorKind::NotFound.into()),
            None => {
                let mtime_ns = self.inner.stat(path)?.mtime_ns;
                let mut bytes = Vec::new();
                self.inner.open(path)?.read_to_end(&mut bytes)?;
                Ok(Change::Written { bytes: Arc::new(Mutex::new(bytes)), mtime_ns })
            }
        }
    }

    /// Fails unless `path` is free and its directory exists.
    fn expect_free(&self, path: &Path) -> io::Result<()> {
        if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty())
            && self.stat(parent)?.kind == FileKind::File
        {
            return Err(io::ErrorKind::NotADirectory.into());
        }
        match self.stat(path) {
            Err(error) if is_absent(&error) => Ok(()),
            Err(error) => Err(error),
            Ok(_) => Err(io::ErrorKind::AlreadyExists.into()),
        }
    }
}

/// The error of an operation that publishing does not use.
fn unused<T>() -> io::Result<T> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "a dry run cannot do this"))
}

/// Writes to bytes in memory.
struct NewBytes(Bytes);

impl Write for NewBytes {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        lock(&self.0).extend_from_slice(buffer);
        Ok(buffer.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl NewFile for NewBytes {
    fn truncate(&mut self) -> io::Result<()> {
        lock(&self.0).clear();
        Ok(())
    }

    fn set_nanoseconds(&mut self, _: u32) -> io::Result<()> {
        Ok(())
    }
}

// A panic leaves the map as it was.
impl RefUnwindSafe for Overlay<'_> {}

impl Files for Overlay<'_> {
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.expect_free(path)?;
        self.set(path, Change::NewDir);
        Ok(())
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn NewFile>> {
        self.expect_free(path)?;
        let bytes = Bytes::default();
        self.set(path, Change::Written { bytes: bytes.clone(), mtime_ns: 0 });
        Ok(Box::new(NewBytes(bytes)))
    }

    fn create_read_only(&self, _: &Path) -> io::Result<Box<dyn NewFile>> {
        unused()
    }

    fn append(&self, _: &Path) -> io::Result<Box<dyn NewFile>> {
        unused()
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn Read + Send>> {
        match self.change(path) {
            Some(Change::Written { bytes, .. }) => Ok(Box::new(Cursor::new(lock(&bytes).clone()))),
            Some(Change::NewDir) => Err(io::ErrorKind::IsADirectory.into()),
            Some(Change::Removed) => Err(io::ErrorKind::NotFound.into()),
            None => self.inner.open(path),
        }
    }

    fn stat(&self, path: &Path) -> io::Result<Stat> {
        match self.change(path) {
            Some(Change::Written { bytes, mtime_ns }) => {
                let len_bytes = lock(&bytes).len() as u64;
                Ok(Stat { kind: FileKind::File, len_bytes, mtime_ns, ctime_ns: 0, inode: 0 })
            }
            Some(Change::NewDir) => {
                let (len_bytes, mtime_ns) = (0, 0);
                Ok(Stat { kind: FileKind::Dir, len_bytes, mtime_ns, ctime_ns: 0, inode: 0 })
            }
            Some(Change::Removed) => Err(io::ErrorKind::NotFound.into()),
            None => self.inner.stat(path),
        }
    }

    fn list(&self, path: &Path) -> io::Result<Vec<OsString>> {
        let mut names = match self.change(path) {
            Some(Change::NewDir) => Vec::new(),
            Some(_) => return Err(io::ErrorKind::NotFound.into()),
            None => self.inner.list(path)?,
        };
        for (changed, change) in self.changes().iter() {
            let Some(name) = changed.file_name().filter(|_| changed.parent() == Some(path)) else {
                continue;
            };
            names.retain(|known| known != name);
            if !matches!(change, Change::Removed) {
                names.push(name.to_owned());
            }
        }
        Ok(names)
    }

    fn read_link(&self, path: &Path) -> io::Result<PathBuf> {
        self.inner.read_link(path)
    }

    fn resolve(&self, path: &Path) -> io::Result<PathBuf> {
        self.inner.resolve(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let contents = self.contents(from)?;
        self.set(to, contents);
        self.set(from, Change::Removed);
        Ok(())
    }

    fn hard_link(&self, from: &Path, to: &Path) -> io::Result<()> {
        let contents = self.contents(from)?;
        self.expect_free(to)?;
        self.set(to, contents);
        Ok(())
    }

    fn symlink(&self, _: &Path, _: &Path) -> io::Result<()> {
        unused()
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.stat(path)?;
        self.set(path, Change::Removed);
        Ok(())
    }

    fn remove_dir(&self, _: &Path) -> io::Result<()> {
        unused()
    }

    fn sync_files(&self, _: &[PathBuf]) -> io::Result<()> {
        Ok(())
    }

    fn sync_dir(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn set_modified(&self, path: &Path, time: SystemTime) -> io::Result<()> {
        let Change::Written { bytes, .. } = self.contents(path)? else { return unused() };
        let since = time.duration_since(UNIX_EPOCH).map_err(io::Error::other)?;
        let mtime_ns = i128::try_from(since.as_nanos()).map_err(io::Error::other)?;
        self.set(path, Change::Written { bytes, mtime_ns });
        Ok(())
    }
}

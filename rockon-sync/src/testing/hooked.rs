//! A file system with a hook before each operation.

use std::ffi::OsString;
use std::io::{self, Read};
use std::panic::RefUnwindSafe;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::base::files::{Files, NewFile, RealFiles, Stat};

/// The kind of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Call {
    /// Reads a file, a name or metadata.
    Read,
    /// Removes a file or a directory.
    Remove,
    /// Syncs files or a directory.
    Sync,
    /// Makes any other change.
    Change,
}

/// The real file system, with a hook before each operation. An error of the hook is the error of
/// the operation. Syncs do nothing, to be fast.
pub(crate) struct HookedFiles<H>(H);

impl<H> HookedFiles<H>
where
    H: Fn(Call, &Path) -> io::Result<()> + Send + Sync + RefUnwindSafe,
{
    pub(crate) fn new(hook: H) -> Self {
        HookedFiles(hook)
    }
}

/// Returns the I/O error of a bad disk.
pub(crate) fn bad_disk() -> io::Error {
    io::Error::from_raw_os_error(rustix::io::Errno::IO.raw_os_error())
}

impl<H> Files for HookedFiles<H>
where
    H: Fn(Call, &Path) -> io::Result<()> + Send + Sync + RefUnwindSafe,
{
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.0(Call::Change, path)?;
        RealFiles.create_dir(path)
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn NewFile>> {
        self.0(Call::Change, path)?;
        RealFiles.create(path)
    }

    fn create_read_only(&self, path: &Path) -> io::Result<Box<dyn NewFile>> {
        self.0(Call::Change, path)?;
        RealFiles.create_read_only(path)
    }

    fn append(&self, path: &Path) -> io::Result<Box<dyn NewFile>> {
        self.0(Call::Change, path)?;
        RealFiles.append(path)
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn Read + Send>> {
        self.0(Call::Read, path)?;
        RealFiles.open(path)
    }

    fn stat(&self, path: &Path) -> io::Result<Stat> {
        self.0(Call::Read, path)?;
        RealFiles.stat(path)
    }

    fn list(&self, path: &Path) -> io::Result<Vec<OsString>> {
        self.0(Call::Read, path)?;
        RealFiles.list(path)
    }

    fn read_link(&self, path: &Path) -> io::Result<PathBuf> {
        self.0(Call::Read, path)?;
        RealFiles.read_link(path)
    }

    fn resolve(&self, path: &Path) -> io::Result<PathBuf> {
        self.0(Call::Read, path)?;
        RealFiles.resolve(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.0(Call::Change, to)?;
        RealFiles.rename(from, to)
    }

    fn hard_link(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.0(Call::Change, to)?;
        RealFiles.hard_link(from, to)
    }

    fn symlink(&self, target: &Path, link: &Path) -> io::Result<()> {
        self.0(Call::Change, link)?;
        RealFiles.symlink(target, link)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.0(Call::Remove, path)?;
        RealFiles.remove_file(path)
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        self.0(Call::Remove, path)?;
        RealFiles.remove_dir(path)
    }

    fn sync_files(&self, paths: &[PathBuf]) -> io::Result<()> {
        paths.iter().try_for_each(|path| self.0(Call::Sync, path))
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.0(Call::Sync, path)
    }

    fn set_modified(&self, path: &Path, time: SystemTime) -> io::Result<()> {
        self.0(Call::Change, path)?;
        RealFiles.set_modified(path, time)
    }
}

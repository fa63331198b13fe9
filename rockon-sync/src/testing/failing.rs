//! A file system in which one operation fails.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::SystemTime;

use crate::base::files::{Files, NewFile, RealFiles};

/// The way in which an operation fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Only that one fails: a passing error.
    Once,
    /// It succeeds, but reports an error, like a network file system may.
    Late,
    /// It and all later ones fail: the process was killed.
    FromThenOn,
    /// It and all later ones that need space fail: the disk is full.
    Full,
    /// It succeeds, but a write takes only half of the bytes, as writes may.
    Short,
}

/// The resource that an operation needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Needs {
    Space,
    Nothing,
}

/// The real file system, except that the Nth changing operation fails.
///
/// A failed write leaves half of its bytes. Reads never fail and are not counted. Syncs do
/// nothing, to be fast.
pub(crate) struct FailingFiles {
    countdown: Arc<Countdown>,
}

struct Countdown {
    fail_at: usize,
    fault: Fault,
    operations: AtomicUsize,
}

impl FailingFiles {
    /// Fails the operation number `n`, counted from 1.
    pub(crate) fn new(n: usize, fault: Fault) -> Self {
        let countdown = Countdown { fail_at: n, fault, operations: AtomicUsize::new(0) };
        FailingFiles { countdown: Arc::new(countdown) }
    }

    /// Fails no operation.
    pub(crate) fn sound() -> Self {
        FailingFiles::new(usize::MAX, Fault::Once)
    }

    /// True if there were enough operations for one to fail.
    pub(crate) fn has_failed(&self) -> bool {
        self.operations() >= self.countdown.fail_at
    }

    /// Returns the number of operations, including failed ones.
    pub(crate) fn operations(&self) -> usize {
        self.countdown.operations.load(Ordering::Relaxed)
    }
}

impl Countdown {
    /// Performs an operation, or fails it.
    fn act<T>(&self, needs: Needs, act: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        match self.step(needs) {
            Err(error) if self.fault == Fault::Late => act().and(Err(error)),
            step => step.and_then(|_| act()),
        }
    }

    fn step(&self, needs: Needs) -> io::Result<usize> {
        let n = self.operations.fetch_add(1, Ordering::Relaxed) + 1;
        let fails = match self.fault {
            Fault::Once | Fault::Late => n == self.fail_at,
            Fault::FromThenOn => n >= self.fail_at,
            Fault::Full => n >= self.fail_at && needs == Needs::Space,
            Fault::Short => false,
        };
        match (fails, self.fault) {
            (false, _) => Ok(n),
            (true, Fault::Full) => Err(io::ErrorKind::StorageFull.into()),
            (true, _) => Err(io::Error::other(format!("operation {n} fails"))),
        }
    }
}

impl Files for FailingFiles {
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.countdown.act(Needs::Space, || RealFiles.create_dir(path))
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn NewFile>> {
        self.countdown.step(Needs::Space)?;
        let inner = RealFiles.create(path)?;
        Ok(Box::new(FailingFile { inner, countdown: Arc::clone(&self.countdown) }))
    }

    fn create_read_only(&self, path: &Path) -> io::Result<Box<dyn NewFile>> {
        self.countdown.step(Needs::Space)?;
        let inner = RealFiles.create_read_only(path)?;
        Ok(Box::new(FailingFile { inner, countdown: Arc::clone(&self.countdown) }))
    }

    fn append(&self, path: &Path) -> io::Result<Box<dyn NewFile>> {
        self.countdown.step(Needs::Space)?;
        let inner = RealFiles.append(path)?;
        Ok(Box::new(FailingFile { inner, countdown: Arc::clone(&self.countdown) }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.countdown.act(Needs::Nothing, || RealFiles.rename(from, to))
    }

    fn hard_link(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.countdown.act(Needs::Space, || RealFiles.hard_link(from, to))
    }

    fn symlink(&self, target: &Path, link: &Path) -> io::Result<()> {
        self.countdown.act(Needs::Space, || RealFiles.symlink(target, link))
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.countdown.act(Needs::Nothing, || RealFiles.remove_file(path))
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        self.countdown.act(Needs::Nothing, || RealFiles.remove_dir(path))
    }

    fn sync_files(&self, paths: &[PathBuf]) -> io::Result<()> {
        self.countdown.act(Needs::Nothing, || {
            paths.iter().try_for_each(|path| RealFiles.stat(path).map(|_| ()))
        })
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.countdown.act(Needs::Nothing, || RealFiles.list(path).map(|_| ()))
    }

    fn set_modified(&self, path: &Path, time: SystemTime) -> io::Result<()> {
        self.countdown.act(Needs::Nothing, || RealFiles.set_modified(path, time))
    }
}

struct FailingFile {
    inner: Box<dyn NewFile>,
    countdown: Arc<Countdown>,
}

impl Write for FailingFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.countdown.step(Needs::Space) {
            Ok(n) if n == self.countdown.fail_at => {
                self.inner.write(&bytes[..bytes.len().div_ceil(2)])
            }
            Ok(_) => self.inner.write(bytes),
            Err(error) => {
                self.inner.write_all(&bytes[..bytes.len() / 2])?;
                Err(error)
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl NewFile for FailingFile {
    fn truncate(&mut self) -> io::Result<()> {
        self.countdown.act(Needs::Nothing, || self.inner.truncate())
    }

    fn set_nanoseconds(&mut self, nanoseconds: u32) -> io::Result<()> {
        self.countdown.act(Needs::Nothing, || self.inner.set_nanoseconds(nanoseconds))
    }
}

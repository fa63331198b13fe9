//! What unit tests of several modules share.

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::files::{Files, NewFile, RealFiles, Stat};
use crate::time::Clock;

/// A clock that waits in no time and remembers for how long.
pub(crate) struct TestClock {
    start: Instant,
    slept: Mutex<Duration>,
}

impl TestClock {
    #[expect(clippy::disallowed_methods, reason = "an Instant cannot be made up")]
    pub(crate) fn new() -> Self {
        TestClock { start: Instant::now(), slept: Mutex::default() }
    }

    pub(crate) fn slept(&self) -> Duration {
        *self.slept.lock().unwrap()
    }
}

impl Clock for TestClock {
    fn now(&self) -> SystemTime {
        // 2026-11-22T03:04:05Z
        UNIX_EPOCH + Duration::from_secs(1_795_316_645) + self.slept()
    }

    fn monotonic(&self) -> Instant {
        self.start + self.slept()
    }

    fn sleep(&self, duration: Duration) {
        *self.slept.lock().unwrap() += duration;
    }
}

/// The real file system, of which every changing operation fails from the Nth on, as
/// on a disk that is gone. A write that fails has written half of its bytes.
pub(crate) struct FailingFiles {
    steps: Arc<Steps>,
}

struct Steps {
    fails_from: usize,
    taken: AtomicUsize,
}

impl Steps {
    fn take(&self) -> io::Result<()> {
        let n = self.taken.fetch_add(1, Ordering::SeqCst) + 1;
        if n >= self.fails_from { Err(io::Error::other("scripted failure")) } else { Ok(()) }
    }
}

impl FailingFiles {
    /// Fails from this operation on, counted from 1.
    pub(crate) fn from(fails_from: usize) -> Self {
        FailingFiles { steps: Arc::new(Steps { fails_from, taken: AtomicUsize::new(0) }) }
    }

    /// Whether it came to that.
    pub(crate) fn has_failed(&self) -> bool {
        self.steps.taken.load(Ordering::SeqCst) >= self.steps.fails_from
    }
}

impl Files for FailingFiles {
    fn create_folder(&self, path: &Path) -> io::Result<()> {
        self.steps.take().and_then(|()| RealFiles.create_folder(path))
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn NewFile>> {
        self.steps.take()?;
        let (steps, inner) = (Arc::clone(&self.steps), RealFiles.create(path)?);
        Ok(Box::new(FailingFile { steps, inner }))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn Read + Send>> {
        RealFiles.open(path)
    }

    fn stat(&self, path: &Path) -> io::Result<Stat> {
        RealFiles.stat(path)
    }

    fn list(&self, path: &Path) -> io::Result<Vec<OsString>> {
        RealFiles.list(path)
    }

    fn read_link(&self, path: &Path) -> io::Result<PathBuf> {
        RealFiles.read_link(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.steps.take().and_then(|()| RealFiles.rename(from, to))
    }

    fn hard_link(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.steps.take().and_then(|()| RealFiles.hard_link(from, to))
    }

    fn symlink(&self, target: &Path, link: &Path) -> io::Result<()> {
        self.steps.take().and_then(|()| RealFiles.symlink(target, link))
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.steps.take().and_then(|()| RealFiles.remove_file(path))
    }

    fn remove_folder(&self, path: &Path) -> io::Result<()> {
        self.steps.take().and_then(|()| RealFiles.remove_folder(path))
    }

    fn sync_files(&self, paths: &[PathBuf]) -> io::Result<()> {
        self.steps.take().and_then(|()| RealFiles.sync_files(paths))
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        self.steps.take().and_then(|()| RealFiles.sync_folder(path))
    }

    fn make_read_only(&self, path: &Path) -> io::Result<()> {
        self.steps.take().and_then(|()| RealFiles.make_read_only(path))
    }
}

struct FailingFile {
    steps: Arc<Steps>,
    inner: Box<dyn NewFile>,
}

impl Write for FailingFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Err(error) = self.steps.take() {
            self.inner.write_all(&bytes[..bytes.len() / 2])?;
            return Err(error);
        }
        self.inner.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl NewFile for FailingFile {
    fn truncate(&mut self) -> io::Result<()> {
        self.steps.take().and_then(|()| self.inner.truncate())
    }
}

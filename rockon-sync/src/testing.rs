//! What unit tests of several modules share.

mod disk;
mod hooked;

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::base::files::{Files, NewFile, RealFiles};
use crate::base::time::Clock;
pub(crate) use disk::{Disk, Survives};
pub(crate) use hooked::{Call, HookedFiles, bad_disk};

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

/// Properties are tried on the same cases in every run: `cases` of them.
pub(crate) fn cases(cases: u32) -> proptest::test_runner::Config {
    let rng_seed = proptest::test_runner::RngSeed::Fixed(4);
    proptest::test_runner::Config {
        cases,
        rng_seed,
        failure_persistence: None,
        ..Default::default()
    }
}

/// A directory for a test that does thousands of small file operations: in memory, where the
/// system has such a file system.
pub(crate) fn scratch() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

/// How the operation fails that is to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Only that one: a passing error.
    Once,
    /// None really: that one is done, but an error is reported, as a network file system may.
    Late,
    /// That one and all that follow: the process was killed there.
    FromThenOn,
    /// That one and all that follow, as far as they need space: the disk is full.
    Full,
    /// None, but if it is a write, it takes half of the bytes, as writes may.
    Short,
}

/// What an operation needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Needs {
    Space,
    Nothing,
}

/// The real file system, in which the Nth operation that changes something fails.
///
/// A write that fails leaves half of its bytes. Reading never fails and is not counted.
/// Nothing is really synced, to be quick.
pub(crate) struct FailingFiles {
    countdown: Arc<Countdown>,
}

struct Countdown {
    fail_at: usize,
    fault: Fault,
    operations: AtomicUsize,
}

impl FailingFiles {
    /// Fails the `n`th operation, counted from 1.
    pub(crate) fn new(n: usize, fault: Fault) -> Self {
        let countdown = Countdown { fail_at: n, fault, operations: AtomicUsize::new(0) };
        FailingFiles { countdown: Arc::new(countdown) }
    }

    /// Fails nothing.
    pub(crate) fn sound() -> Self {
        FailingFiles::new(usize::MAX, Fault::Once)
    }

    /// Whether there were enough operations for one to fail.
    pub(crate) fn has_failed(&self) -> bool {
        self.operations() >= self.countdown.fail_at
    }

    /// How many operations there were, the failed ones included.
    pub(crate) fn operations(&self) -> usize {
        self.countdown.operations.load(Ordering::Relaxed)
    }
}

impl Countdown {
    /// Does an operation unless it is to fail.
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

    fn make_read_only(&self, path: &Path) -> io::Result<()> {
        self.countdown.act(Needs::Nothing, || RealFiles.make_read_only(path))
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
}

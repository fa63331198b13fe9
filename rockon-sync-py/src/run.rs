//! Runs an update on its own thread, which never touches Python. The calling thread waits without
//! the GIL.
//!
//! So Ctrl-C, an exception of the progress callback, and a cancel take effect at once, even while
//! the update waits for a silent server.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use rockon_sync::{
    CancelToken, Freshness, MassDelete, Mode, Phase, Progress, Report, Rollback, Source, Store,
    Updater,
};

use crate::{convert, logging};

/// The interval at which the waiting thread checks for signals and log records.
const TICK: Duration = Duration::from_millis(50);

/// The number of ticks that a canceled update has to end. A busy one ends within a tick. One that
/// waits for a silent server is detached: it can no longer commit, and only holds the lock.
const GRACE_TICKS: u32 = 6;

/// The kind of run.
pub(crate) enum Work {
    Check,
    Update,
    /// Import this bundle, without asking the source.
    Import(PathBuf),
}

/// Everything that an update needs, without Python objects.
pub(crate) struct Job {
    pub(crate) store: Store,
    pub(crate) source: Source,
    pub(crate) work: Work,
    pub(crate) mode: Mode,
    pub(crate) mass_delete: MassDelete,
    pub(crate) rollback: Rollback,
    pub(crate) freshness: Freshness,
    pub(crate) timeout: Duration,
    pub(crate) lock_patience: Duration,
    pub(crate) cancel: CancelToken,
}

/// A message from the update to the waiting thread.
enum Event {
    Progress(Progress),
    Done(rockon_sync::Result<Report>),
}

/// The waiting thread's side.
struct Worker {
    thread: JoinHandle<()>,
    events: Receiver<Event>,
    /// Resumes the update after its progress was handled.
    resume: Option<Sender<()>>,
    is_committing: Arc<AtomicBool>,
}

/// Runs `job`. `progress` is called with the GIL, on this thread.
///
/// # Errors
/// The core's error. Exceptions of `progress` or a signal handler are passed on unchanged.
pub(crate) fn run<'py>(
    py: Python<'py>,
    job: Job,
    progress: Option<Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    logging::begin(py)?;
    let cancel = job.cancel.clone();
    let mut worker = Worker::start(job, progress.is_some())?;
    let mut canceled_ticks = 0;
    loop {
        let event = worker.wait(py);
        let heard = match &event {
            Ok(Event::Progress(now)) => hear(py, progress.as_ref(), now),
            _ => Ok(()),
        };
        if let Err(raised) =
            heard.and_then(|()| logging::hand_over(py)).and_then(|()| py.check_signals())
        {
            cancel.cancel();
            worker.leave(py);
            return Err(raised);
        }
        match event {
            Ok(Event::Done(result)) => {
                let report = result.map_err(|error| convert::error(py, &error))?;
                return convert::report(py, &report);
            }
            Ok(Event::Progress(_)) => worker.resume(),
            Err(RecvTimeoutError::Timeout) if cancel.is_canceled() => {
                canceled_ticks += 1;
                if canceled_ticks >= GRACE_TICKS && !worker.is_committing() {
                    return Err(convert::canceled(py));
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Err(worker.panicked()),
        }
    }
}

fn hear(py: Python<'_>, callback: Option<&Bound<'_, PyAny>>, now: &Progress) -> PyResult<()> {
    match callback {
        Some(callback) => callback.call1((convert::progress(py, now)?,)).map(|_| ()),
        None => Ok(()),
    }
}

impl Worker {
    fn start(job: Job, is_heard: bool) -> PyResult<Worker> {
        let (to_caller, events) = mpsc::channel();
        let (resume, wait) = mpsc::channel();
        let is_committing = Arc::new(AtomicBool::new(false));
        let committing = Arc::clone(&is_committing);
        let work = move || {
            let to_hear = to_caller.clone();
            let result = job.run(|progress| {
                committing.store(progress.phase == Phase::Committing, Ordering::Relaxed);
                if is_heard && to_hear.send(Event::Progress(progress.clone())).is_ok() {
                    // An error means that the waiting thread has left: the update is canceled.
                    let _ = wait.recv();
                }
            });
            let _ = to_caller.send(Event::Done(result));
        };
        let thread = thread::Builder::new().name("rockon-sync".into()).spawn(work)?;
        Ok(Worker { thread, events, resume: Some(resume), is_committing })
    }

    fn wait(&mut self, py: Python<'_>) -> Result<Event, RecvTimeoutError> {
        let events = &mut self.events;
        // Moved in, because only a unique reference to a receiver may change threads.
        py.detach(move || events.recv_timeout(TICK))
    }

    fn resume(&self) {
        if let Some(resume) = &self.resume {
            // An error means that the update is over, and `wait` returns its result.
            let _ = resume.send(());
        }
    }

    fn is_committing(&self) -> bool {
        self.is_committing.load(Ordering::Relaxed)
    }

    /// Gives a canceled update a short time to end, or all the time it needs if it is committing.
    fn leave(mut self, py: Python<'_>) {
        self.resume = None;
        let mut ticks = 0;
        while ticks < GRACE_TICKS || self.is_committing() {
            match self.wait(py) {
                Ok(Event::Progress(_)) => {}
                Ok(Event::Done(_)) | Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) => ticks += 1,
            }
        }
    }

    /// The thread ended without a result: resumes its panic.
    fn panicked(self) -> PyErr {
        match self.thread.join() {
            Err(panic) => std::panic::resume_unwind(panic),
            Ok(()) => PyRuntimeError::new_err("the update ended without a result"),
        }
    }
}

impl Job {
    fn run(&self, progress: impl FnMut(&Progress)) -> rockon_sync::Result<Report> {
        let mut updater = Updater::new(&self.store)
            .mode(self.mode)
            .mass_delete(self.mass_delete)
            .rollback(self.rollback)
            .freshness(self.freshness)
            .timeout(self.timeout)
            .lock_timeout(self.lock_patience)
            .cancel(self.cancel.clone())
            .progress(progress);
        let source = &self.source;
        match &self.work {
            Work::Check => updater.check(source),
            Work::Update => updater.run(source),
            Work::Import(bundle) => updater.import(source.name(), bundle, source.trusted_keys()),
        }
    }
}

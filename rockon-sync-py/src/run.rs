//! Runs the core on its own thread, which never touches Python. The calling thread waits without
//! the GIL.
//!
//! So Ctrl-C, an exception of the progress callback, and a cancel take effect at once, even while
//! the core waits for a silent server: it stops at the next of its checks, at most 50 ms apart.
//! Only a commit that has begun runs to its end.

use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use pyo3::prelude::*;
use rockon_sync::{CancelToken, Progress};

use crate::{convert, logging};

/// The interval at which the waiting thread checks for signals, cancels and log records.
const TICK: Duration = Duration::from_millis(50);

/// The caller's means to follow and to stop a run.
#[derive(Default)]
pub(crate) struct Control<'a, 'py> {
    /// Called with the GIL, on the caller's thread.
    pub(crate) progress: Option<Bound<'py, PyAny>>,
    pub(crate) cancel: Option<&'a CancelToken>,
}

/// Calls `work` with a token that stops it, and a function that reports its progress.
///
/// # Errors
/// The core's error. Exceptions of the progress callback or a signal handler are passed on
/// unchanged, after `work` has ended.
pub(crate) fn run<T: Send>(
    py: Python<'_>,
    control: &Control<'_, '_>,
    work: impl FnOnce(CancelToken, &mut dyn FnMut(&Progress)) -> rockon_sync::Result<T> + Send,
) -> PyResult<T> {
    logging::begin(py)?;
    // Not the caller's token, which may belong to other calls too and must survive an exception.
    let stop = CancelToken::new();
    control.pass_on(&stop);
    let is_heard = control.progress.is_some();
    thread::scope(|scope| {
        let (sender, mut events) = mpsc::channel::<Progress>();
        let (resume, resumed) = mpsc::channel();
        let token = stop.clone();
        let worker = thread::Builder::new().name("rockon-sync".into());
        let worker = worker.spawn_scoped(scope, move || {
            work(token, &mut |progress| {
                if is_heard && sender.send(progress.clone()).is_ok() {
                    // The callback may stop the run, so wait for its end.
                    let _ = resumed.recv();
                }
            })
        })?;
        let mut raised = None;
        let result = loop {
            let event = wait(py, &mut events);
            control.pass_on(&stop);
            if raised.is_none()
                && let Err(error) = control.attend(py, event.as_ref().ok())
            {
                stop.cancel();
                raised = Some(error);
            }
            match event {
                Ok(_) => drop(resume.send(())),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break worker.join(),
            }
        };
        let result = result.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        match raised {
            Some(error) => Err(error),
            None => result.map_err(|error| convert::error(py, &error)),
        }
    })
}

fn wait(py: Python<'_>, events: &mut Receiver<Progress>) -> Result<Progress, RecvTimeoutError> {
    // Moved in, because only a unique reference to a receiver may change threads.
    py.detach(move || events.recv_timeout(TICK))
}

impl Control<'_, '_> {
    fn pass_on(&self, stop: &CancelToken) {
        if self.cancel.is_some_and(CancelToken::is_canceled) {
            stop.cancel();
        }
    }

    /// Does everything that needs the GIL.
    fn attend(&self, py: Python<'_>, progress: Option<&Progress>) -> PyResult<()> {
        if let (Some(callback), Some(now)) = (&self.progress, progress) {
            callback.call1((convert::progress(py, now)?,))?;
        }
        logging::hand_over(py)?;
        py.check_signals()
    }
}

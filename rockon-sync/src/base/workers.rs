//! A thread pool whose results are handled on the calling thread.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::Builder;
use std::time::Duration;

use crate::base::error::{Error, Result};

/// Locks a mutex whose value is valid even if a thread has panicked.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Interval of [`Event::Tick`] while no job completes.
const TICK: Duration = Duration::from_millis(50);

/// The outcome of a job.
pub(crate) enum Done<R> {
    /// The job is done; the others continue.
    Result(R),
    /// The job failed, and the others must stop.
    Abort(Error),
}

/// An event on the calling thread.
pub(crate) enum Event<'a, J, R> {
    /// A job is done.
    Done(&'a J, R),
    /// No job was done for a moment.
    Tick,
}

/// Runs `work` for each job, in order, on up to `workers` threads. Calls `on_event` on the calling
/// thread, for each result and at regular intervals. If the system starts no thread, works on the
/// calling one.
///
/// # Errors
/// The first [`Done::Abort`] or error of `on_event`. Sets `stop`, starts no further job, and waits
/// for the running ones.
pub(crate) fn run<J: Sync, R: Send>(
    jobs: &[J],
    workers: usize,
    stop: &AtomicBool,
    work: impl Fn(&J) -> Done<R> + Sync,
    on_event: impl FnMut(Event<'_, J, R>) -> Result<()>,
) -> Result<()> {
    run_on(Builder::new, jobs, workers, stop, work, on_event)
}

fn run_on<J: Sync, R: Send>(
    new_thread: impl Fn() -> Builder,
    jobs: &[J],
    workers: usize,
    stop: &AtomicBool,
    work: impl Fn(&J) -> Done<R> + Sync,
    mut on_event: impl FnMut(Event<'_, J, R>) -> Result<()>,
) -> Result<()> {
    let next = AtomicUsize::new(0);
    let next_done = || {
        let is_stopped = stop.load(Ordering::Relaxed);
        let n = next.fetch_add(1, Ordering::Relaxed);
        jobs.get(n).filter(|_| !is_stopped).map(|job| (n, work(job)))
    };
    let (sender, results) = mpsc::channel();
    std::thread::scope(|scope| {
        let mut threads = 0;
        while threads < workers.min(jobs.len()) {
            let (sender, next_done) = (sender.clone(), &next_done);
            let work_on = move || {
                while let Some(done) = next_done() {
                    if sender.send(done).is_err() {
                        break;
                    }
                }
            };
            if let Err(error) = new_thread().spawn_scoped(scope, work_on) {
                log::warn!("cannot start a thread, continuing with {threads}: {error}");
                break;
            }
            threads += 1;
        }
        drop(sender);
        let mut outcome = Ok(());
        loop {
            let result = match threads {
                0 => next_done().ok_or(RecvTimeoutError::Disconnected),
                _ => results.recv_timeout(TICK),
            };
            let step = match result {
                // Later errors are caused by the first one; ignore them.
                Ok(_) if outcome.is_err() => continue,
                Ok((n, Done::Result(result))) => on_event(Event::Done(&jobs[n], result)),
                Ok((_, Done::Abort(error))) => Err(error),
                Err(RecvTimeoutError::Timeout) if outcome.is_err() => continue,
                Err(RecvTimeoutError::Timeout) => on_event(Event::Tick),
                Err(RecvTimeoutError::Disconnected) => break,
            };
            if step.is_err() {
                stop.store(true, Ordering::Relaxed);
                outcome = step;
            }
        }
        outcome
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::error::ErrorKind;

    /// A thread that no system can start: it has no memory for the stack.
    fn impossible_thread() -> Builder {
        Builder::new().stack_size(1 << 60)
    }

    #[test]
    fn every_job_is_done_once() {
        for new_thread in [Builder::new, impossible_thread] {
            let jobs: Vec<usize> = (0..100).collect();
            let mut seen = vec![0; 100];
            let stop = AtomicBool::new(false);
            let work = |job: &usize| Done::Result(job * 2);
            run_on(new_thread, &jobs, 6, &stop, work, |event| {
                if let Event::Done(job, result) = event {
                    assert_eq!(result, job * 2);
                    seen[*job] += 1;
                }
                Ok(())
            })
            .unwrap();
            assert_eq!(seen, vec![1; 100]);
        }
    }

    #[test]
    fn an_abort_stops_the_run_with_its_error() {
        for new_thread in [Builder::new, impossible_thread] {
            let jobs: Vec<usize> = (0..100).collect();
            let stop = AtomicBool::new(false);
            let mut results = 0;
            let work = |job: &usize| match job {
                3 => Done::Abort(Error::new(ErrorKind::Transport, "reset")),
                _ => Done::Result(()),
            };
            let outcome = run_on(new_thread, &jobs, 1, &stop, work, |event| {
                results += usize::from(matches!(event, Event::Done(..)));
                Ok(())
            });
            assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Transport);
            assert_eq!(results, 3);
            assert!(stop.load(Ordering::Relaxed));
        }
    }
}

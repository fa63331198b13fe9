//! A thread pool whose results are handled on the calling thread.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use crate::base::error::{Error, Result};

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
/// thread, for each result and at regular intervals.
///
/// # Errors
/// The first [`Done::Abort`] or error of `on_event`. Sets `stop`, starts no further job, and waits
/// for the running ones.
pub(crate) fn run<J: Sync, R: Send>(
    jobs: &[J],
    workers: usize,
    stop: &AtomicBool,
    work: impl Fn(&J) -> Done<R> + Sync,
    mut on_event: impl FnMut(Event<'_, J, R>) -> Result<()>,
) -> Result<()> {
    let next = AtomicUsize::new(0);
    let (sender, results) = mpsc::channel();
    std::thread::scope(|scope| {
        for _ in 0..workers.min(jobs.len()) {
            let sender = sender.clone();
            let (next, work) = (&next, &work);
            scope.spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    let Some(job) = jobs.get(n) else { break };
                    if sender.send((n, work(job))).is_err() {
                        break;
                    }
                }
            });
        }
        drop(sender);
        let mut outcome = Ok(());
        loop {
            let step = match results.recv_timeout(TICK) {
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

    #[test]
    fn every_job_is_done_once() {
        let jobs: Vec<usize> = (0..100).collect();
        let mut seen = vec![0; 100];
        let stop = AtomicBool::new(false);
        run(
            &jobs,
            6,
            &stop,
            |job| Done::Result(job * 2),
            |event| {
                if let Event::Done(job, result) = event {
                    assert_eq!(result, job * 2);
                    seen[*job] += 1;
                }
                Ok(())
            },
        )
        .unwrap();
        assert_eq!(seen, vec![1; 100]);
    }

    #[test]
    fn an_abort_stops_the_run_with_its_error() {
        let jobs: Vec<usize> = (0..100).collect();
        let stop = AtomicBool::new(false);
        let mut results = 0;
        let work = |job: &usize| match job {
            3 => Done::Abort(Error::new(ErrorKind::Transport, "reset")),
            _ => Done::Result(()),
        };
        let outcome = run(&jobs, 1, &stop, work, |event| {
            results += usize::from(matches!(event, Event::Done(..)));
            Ok(())
        });
        assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Transport);
        assert_eq!(results, 3);
        assert!(stop.load(Ordering::Relaxed));
    }
}

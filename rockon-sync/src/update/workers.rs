//! Several jobs at a time, their results handled one at a time.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use crate::error::{Error, Result};

/// How often the calling thread looks up while all jobs are busy.
const TICK: Duration = Duration::from_millis(50);

/// What a job says besides its own result.
pub(super) enum Done<R> {
    /// The job is done; the others go on.
    Result(R),
    /// There is no point in going on.
    Abort(Error),
}

/// Runs `work` for every job, in order, `workers` at a time, in threads of their own.
/// `done` gets the results on the calling thread, as they come; `tick` is called there
/// every now and then.
///
/// # Errors
/// The first [`Done::Abort`], or what `done` or `tick` says; jobs under way are
/// finished first, no other is begun, and `stop` is raised.
pub(super) fn run<J: Sync, R: Send>(
    jobs: &[J],
    workers: usize,
    stop: &AtomicBool,
    work: impl Fn(&J) -> Done<R> + Sync,
    mut done: impl FnMut(&J, R) -> Result<()>,
    mut tick: impl FnMut() -> Result<()>,
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
                Ok((n, Done::Result(result))) => done(&jobs[n], result).and_then(|()| tick()),
                Ok((_, Done::Abort(error))) => Err(error),
                Err(RecvTimeoutError::Timeout) => tick(),
                Err(RecvTimeoutError::Disconnected) => break,
            };
            if outcome.is_ok() && step.is_err() {
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
    use crate::error::ErrorKind;

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
            |job, result| {
                assert_eq!(result, job * 2);
                seen[*job] += 1;
                Ok(())
            },
            || Ok(()),
        )
        .unwrap();
        assert_eq!(seen, vec![1; 100]);
    }

    #[test]
    fn an_abort_ends_it_with_its_error() {
        let jobs: Vec<usize> = (0..100).collect();
        let stop = AtomicBool::new(false);
        let mut results = 0;
        let outcome = run(
            &jobs,
            1,
            &stop,
            |job| match job {
                3 => Done::Abort(Error::new(ErrorKind::Transport, "gone")),
                _ => Done::Result(()),
            },
            |_, ()| {
                results += 1;
                Ok(())
            },
            || Ok(()),
        );
        assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Transport);
        assert!((3..100).contains(&results), "{results}");
        assert!(stop.load(Ordering::Relaxed));
    }
}

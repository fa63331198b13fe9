//! Updates of several sources at once, each on one of a few threads.

use std::sync::mpsc;

use super::progress::Progress;
use super::report::Report;
use super::session::Extent;
use super::updater::{Job, Origin, Updater};
use crate::base::error::Result;
use crate::base::limits::MAX_SOURCES_AT_ONCE;
use crate::net::transport::AnyTransport;
use crate::source::{Source, SourceName};

/// A message to the thread that waits for all updates.
enum Message {
    Progress(Progress),
    Done(usize, Result<Report>),
}

/// A source with its name, or the error of opening it.
type Followed = (SourceName, Result<Source>);

/// Updates the sources that could be opened. Returns the results in the order of `followed`, with the
/// error of opening in place of the others.
pub(crate) fn update_each(
    followed: Vec<Followed>,
    update: impl FnOnce(&[Source]) -> Vec<Result<Report>>,
) -> Vec<(SourceName, Result<Report>)> {
    let sources: Vec<Source> =
        followed.iter().filter_map(|(_, source)| source.as_ref().ok().cloned()).collect();
    let mut reports = update(&sources).into_iter();
    let report = |(name, source): Followed| {
        let report = source.and_then(|_| reports.next().expect("each source has its result"));
        (name, report)
    };
    followed.into_iter().map(report).collect()
}

impl Updater<'_> {
    /// Updates the sources that the store follows: see
    /// [`Store::followed_sources`](crate::Store::followed_sources). Like
    /// [`run_all`](Self::run_all), but returns each result with the name of its source.
    ///
    /// # Errors
    /// Those of [`Store::followed_sources`](crate::Store::followed_sources). No mirror was asked
    /// then.
    pub fn run_followed(&mut self) -> Result<Vec<(SourceName, Result<Report>)>> {
        let followed = self.setup.store.followed_sources()?;
        Ok(update_each(followed, |sources| self.run_all(sources)))
    }

    pub(super) fn start_all(&mut self, sources: &[Source], extent: Extent) -> Vec<Result<Report>> {
        // A source that is updated alone keeps its place among others.
        if let [one] = sources {
            return vec![self.start(one, extent, Origin::Mirrors)];
        }
        // Shared, so that root certificates are loaded once.
        let own = AnyTransport::new();
        let transport = self.setup.transport.unwrap_or(&own);
        let jobs = (0..).zip(sources);
        let jobs =
            jobs.map(|(n, source)| Job { source, rank: Some(n), extent, origin: Origin::Mirrors });
        let jobs: Vec<Job<'_>> = jobs.collect();
        let mut results: Vec<Option<Result<Report>>> = jobs.iter().map(|_| None).collect();
        let next = std::sync::atomic::AtomicUsize::new(0);
        let (sender, messages) = mpsc::channel();
        let (setup, wants_progress) = (&self.setup, self.progress.is_some());
        std::thread::scope(|scope| {
            for _ in 0..MAX_SOURCES_AT_ONCE.min(jobs.len()) {
                let sender = sender.clone();
                let (jobs, next) = (&jobs, &next);
                scope.spawn(move || {
                    let mut tell = |progress: &Progress| {
                        // Sending fails only if the caller's thread has panicked.
                        let _ = sender.send(Message::Progress(progress.clone()));
                    };
                    loop {
                        let n = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                        let Some(job) = jobs.get(n) else { break };
                        let callback: Option<&mut dyn FnMut(&Progress)> = match wants_progress {
                            true => Some(&mut tell),
                            false => None,
                        };
                        let result = setup.update(job, transport, callback);
                        let _ = sender.send(Message::Done(n, result));
                    }
                });
            }
            drop(sender);
            for message in messages {
                match (message, &mut self.progress) {
                    (Message::Progress(progress), Some(callback)) => callback(&progress),
                    (Message::Progress(_), None) => {}
                    (Message::Done(n, result), _) => results[n] = Some(result),
                }
            }
        });
        let done = "a thread tells how each of its sources ended, or its panic is passed on";
        results.into_iter().map(|result| result.expect(done)).collect()
    }
}

//! Updates of several sources at once, each on one of a few threads.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

use super::progress::Progress;
use super::report::Report;
use super::session::Extent;
use super::updater::{UpdateFrom, UpdateJob, Updater};
use crate::base::error::Result;
use crate::base::limits::MAX_SOURCES_AT_ONCE;
use crate::net::transport::DefaultTransport;
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
            return vec![self.start(one, extent, UpdateFrom::Mirrors)];
        }
        // Shared, so that root certificates are loaded once.
        let own = DefaultTransport::new();
        let transport = self.setup.transport.unwrap_or(&own);
        let job = |(rank, source)| UpdateJob {
            source,
            rank: Some(rank),
            extent,
            origin: UpdateFrom::Mirrors,
        };
        let jobs: Vec<UpdateJob<'_>> = (0..).zip(sources).map(job).collect();
        let mut results: Vec<Option<Result<Report>>> = jobs.iter().map(|_| None).collect();
        let next = AtomicUsize::new(0);
        let (sender, messages) = mpsc::channel();
        let (setup, wants_progress) = (&self.setup, self.progress.is_some());
        let work = |sender: mpsc::Sender<Message>| {
            // Sending fails only if the caller's thread has panicked.
            let mut report = |progress: &Progress| {
                let _ = sender.send(Message::Progress(progress.clone()));
            };
            while let Some((n, job)) = take_next(&jobs, &next) {
                let callback: Option<&mut dyn FnMut(&Progress)> =
                    if wants_progress { Some(&mut report) } else { None };
                let result = setup.update(job, transport, callback);
                let _ = sender.send(Message::Done(n, result));
            }
        };
        std::thread::scope(|scope| {
            let mut threads = 0;
            while threads < MAX_SOURCES_AT_ONCE.min(jobs.len()) {
                let (work, sender) = (&work, sender.clone());
                let started = std::thread::Builder::new().spawn_scoped(scope, move || work(sender));
                if let Err(error) = started {
                    log::warn!("cannot start a thread, continuing with {threads}: {error}");
                    break;
                }
                threads += 1;
            }
            if threads == 0 {
                work(sender);
            } else {
                drop(sender);
            }
            for message in messages {
                match (message, &mut self.progress) {
                    (Message::Progress(progress), Some(callback)) => callback(&progress),
                    (Message::Progress(_), None) => {}
                    (Message::Done(n, result), _) => results[n] = Some(result),
                }
            }
        });
        let done = "a thread sends the result of each of its sources, or its panic is passed on";
        results.into_iter().map(|result| result.expect(done)).collect()
    }
}

fn take_next<'a, T>(jobs: &'a [T], next: &AtomicUsize) -> Option<(usize, &'a T)> {
    let n = next.fetch_add(1, Ordering::Relaxed);
    Some((n, jobs.get(n)?))
}

//! Updates of several sources at once, each on one of a few threads.

use std::sync::atomic::AtomicBool;
use std::sync::mpsc;

use super::progress::Progress;
use super::report::Report;
use super::session::Extent;
use super::updater::{UpdateFrom, UpdateJob, Updater};
use crate::base::error::Result;
use crate::base::limits::MAX_SOURCES_AT_ONCE;
use crate::base::workers::{self, Done, Event};
use crate::net::transport::DefaultTransport;
use crate::source::{Source, SourceName};

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
        let (sender, progress) = mpsc::channel();
        let (setup, wants_progress) = (&self.setup, self.progress.is_some());
        let work = |job: &UpdateJob<'_>| {
            let mut send = |progress: &Progress| {
                sender.send(progress.clone()).expect("the receiver outlives the threads");
            };
            let callback: Option<&mut dyn FnMut(&Progress)> =
                if wants_progress { Some(&mut send) } else { None };
            Done::Result(setup.update(job, transport, callback))
        };
        let mut results = Vec::with_capacity(jobs.len());
        let stop = AtomicBool::new(false);
        let done = workers::run(&jobs, MAX_SOURCES_AT_ONCE, &stop, work, |event| {
            if let Some(callback) = &mut self.progress {
                progress.try_iter().for_each(|progress| callback(&progress));
            }
            if let Event::Done(job, result) = event {
                results.push((job.rank, result));
            }
            Ok(())
        });
        done.expect("no update stops the others");
        results.sort_by_key(|(rank, _)| *rank);
        results.into_iter().map(|(_, result)| result).collect()
    }
}

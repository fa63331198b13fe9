//! How far a run is.

use std::time::{Duration, Instant};

use crate::base::time::Clock;
use crate::source::SourceName;

/// Least time between two reports: ten a second look smooth.
const INTERVAL: Duration = Duration::from_millis(100);

/// How far an update is. Totals are known once the plan is made.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// The source that is being updated.
    pub source: SourceName,
    /// What is being done.
    pub phase: Phase,
    /// Files done, of those that are fetched.
    pub files_done: u64,
    /// Files that are fetched: those that the plan asks for, or one pack that has them all.
    pub files_total: u64,
    /// Bytes of those files done.
    pub bytes_done: u64,
    /// Bytes of those files, a pack's as it is on the wire; `None` where the source does not tell sizes (v1).
    pub bytes_total: Option<u64>,
}

/// What an update is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Phase {
    /// Asking what there is.
    Checking,
    /// Fetching what is missing.
    Fetching,
    /// Building and committing the new generation.
    Committing,
}

/// Calls back at most ten times a second, and at every change of phase.
pub(crate) struct Reporter<'a> {
    callback: Option<&'a mut dyn FnMut(&Progress)>,
    clock: &'a dyn Clock,
    last: Option<Instant>,
    pub(crate) progress: Progress,
}

impl<'a> Reporter<'a> {
    pub(crate) fn new(
        callback: Option<&'a mut dyn FnMut(&Progress)>,
        clock: &'a dyn Clock,
        source: SourceName,
    ) -> Self {
        let progress = Progress {
            source,
            phase: Phase::Checking,
            files_done: 0,
            files_total: 0,
            bytes_done: 0,
            bytes_total: Some(0),
        };
        Reporter { callback, clock, last: None, progress }
    }

    /// Reports a change of phase, whatever the time.
    pub(crate) fn enter(&mut self, phase: Phase) {
        self.progress.phase = phase;
        self.report_now();
    }

    /// Reports, unless the last report was a moment ago.
    pub(crate) fn report(&mut self) {
        let now = self.clock.monotonic();
        if self.last.is_none_or(|last| now.saturating_duration_since(last) >= INTERVAL) {
            self.report_now();
        }
    }

    pub(crate) fn report_now(&mut self) {
        self.last = Some(self.clock.monotonic());
        if let Some(callback) = &mut self.callback {
            callback(&self.progress);
        }
    }
}

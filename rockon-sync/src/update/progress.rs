//! The progress of an update.

use std::time::{Duration, Instant};

use crate::base::time::Clock;
use crate::source::SourceName;

/// Minimum time between two reports: ten a second look smooth.
const INTERVAL: Duration = Duration::from_millis(100);

/// The progress of an update. Totals are 0 until they are known.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// The source.
    pub source: SourceName,
    /// The current phase.
    pub phase: Phase,
    /// Number of files done.
    pub files_done: u64,
    /// Number of files to fetch. While a pack is downloaded, the number of files in it is not known.
    pub files_total: u64,
    /// Bytes done of those files.
    pub bytes_done: u64,
    /// Total bytes of those files; of a pack, its compressed bytes. `None` if the source gives no
    /// sizes (v1).
    pub bytes_total: Option<u64>,
}

/// A phase of an update.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Phase {
    /// Asking the mirrors what has changed.
    Checking,
    /// Fetching missing files.
    Fetching,
    /// Building and committing the new generation.
    Committing,
}

/// Reports progress to the caller: at most ten times a second, and at every change of phase.
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

    /// Starts to fetch this many files and bytes, and reports that at once.
    pub(crate) fn begin_fetching(&mut self, files_total: u64, bytes_total: Option<u64>) {
        let progress = &mut self.progress;
        (progress.files_done, progress.files_total) = (0, files_total);
        (progress.bytes_done, progress.bytes_total) = (0, bytes_total);
        self.enter(Phase::Fetching);
    }

    /// Changes the phase and reports that at once.
    pub(crate) fn enter(&mut self, phase: Phase) {
        self.progress.phase = phase;
        self.report_now();
    }

    /// Reports, unless the last report was less than [`INTERVAL`] ago.
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

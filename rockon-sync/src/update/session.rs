//! One update, as far as all of its stages share it.

use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use super::ask::Remote;
use super::current::CurrentManifest;
use super::mode::Mode;
use super::plan::MassDelete;
use super::report::{Outcome, Report};
use super::steps::Reuse;
use super::updater::{Freshness, Rollback};
use crate::base::error::{Error, ErrorKind};
use crate::base::time::Clock;
use crate::base::workers::lock;
use crate::net::fetch::Fetcher;
use crate::source::Source;
use crate::store::SourceWriter;
use crate::tree::head::Head;
use crate::tree::manifest::Entry;
use crate::tree::note::TrustedKeys;

/// The check of a file that no digest vouches for: returns its entry, with what the file says
/// about itself, or fails if the file is not a definition.
pub(super) type Accept = dyn Fn(Entry, &[u8]) -> crate::base::error::Result<Entry> + Sync;

/// The shared part of an update: every stage may use it, and none changes it.
pub(super) struct Session<'a> {
    pub(super) source: &'a Source,
    /// The place of the source among several; 0 has the highest priority.
    pub(super) rank: Option<u32>,
    /// The source's directory in the store, locked.
    pub(super) store: SourceWriter<'a>,
    pub(super) options: &'a Options,
    pub(super) extent: Extent,
    /// False for an import.
    pub(super) asks_mirrors: bool,
    /// The keys that the update begins with. A head may lead to further key lists.
    pub(super) keys: TrustedKeys,
    /// The trusted keys of the last update.
    pub(super) known_keys: TrustedKeys,
    pub(super) accept: &'a Accept,
    pub(super) clock: &'a dyn Clock,
    pub(super) started: Instant,
    pub(super) fetcher: Fetcher<'a>,
    /// Set when the update has failed, so that requests under way end early.
    pub(super) stop: &'a AtomicBool,
    pub(super) warnings: Warnings,
}

/// The session with the two sides of an update: what the store has, and what a mirror offers.
#[derive(Clone, Copy)]
pub(super) struct Context<'a> {
    pub(super) session: &'a Session<'a>,
    pub(super) local: &'a CurrentManifest,
    pub(super) remote: &'a Remote,
}

/// The options of an update, as [`Updater`](super::Updater) documents them.
#[derive(Debug, Clone)]
pub(super) struct Options {
    pub(super) mode: Mode,
    pub(super) mass_delete: MassDelete,
    pub(super) rollback: Rollback,
    pub(super) freshness: Freshness,
    pub(super) timeout: Duration,
    pub(super) lock_timeout: Duration,
}

/// The extent of an update or a publication.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    /// Up to the plan: nothing is changed.
    PlanOnly,
    Whole,
}

impl Options {
    /// The local files that a plan may use.
    pub(super) fn reuse(&self) -> Reuse {
        match self.mode {
            Mode::Full => Reuse::Nothing,
            Mode::Quick | Mode::Verify => Reuse::Intact,
        }
    }
}

impl Session<'_> {
    /// Names the staging directory in the error of a write to a file that does not know its path.
    pub(super) fn in_staging(&self, error: Error) -> Error {
        match error.kind() {
            ErrorKind::Store => error.with_path(self.store.staging.dir()),
            _ => error,
        }
    }

    /// A report with what is known at any time. Takes the warnings.
    pub(super) fn report(&self, outcome: Outcome) -> Report {
        Report {
            source: self.source.name().clone(),
            outcome,
            serial: None,
            manifest: None,
            requests: self.fetcher.requests(),
            bytes_received: self.fetcher.wire_bytes(),
            added: Vec::new(),
            changed: Vec::new(),
            removed: Vec::new(),
            healed: Vec::new(),
            failed: Vec::new(),
            warnings: self.warnings.take(),
            duration: self.clock.monotonic().saturating_duration_since(self.started),
        }
    }

    /// The report of an update that found no head as new as `head`, which the store has.
    pub(super) fn stale(&self, head: &Head) -> Report {
        let mut report = self.report(Outcome::Stale);
        report.serial = head.serial();
        report.manifest = Some(head.digest());
        report
    }
}

/// The warnings of one update, each once. Logged as they come, and reported at the end.
#[derive(Default)]
pub(super) struct Warnings(Mutex<Vec<String>>);

impl Warnings {
    pub(super) fn add(&self, warning: String) {
        let mut warnings = lock(&self.0);
        if !warnings.contains(&warning) {
            log::warn!("{warning}");
            warnings.push(warning);
        }
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut lock(&self.0))
    }
}

/// True if an error ends the update, whatever another mirror may answer.
pub(super) fn ends_the_update(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Canceled | ErrorKind::Timeout | ErrorKind::Store | ErrorKind::Locked
    )
}

/// True if an error may mean that a mirror as a whole has failed, and not only one file.
pub(super) fn may_be_an_outage(error: &Error) -> bool {
    error.kind() == ErrorKind::Transport
        || (error.kind() == ErrorKind::Status && error.is_retryable())
}

/// True for a 404 or 410 of a file that should exist.
pub(super) fn is_missing_at_mirror(error: &Error) -> bool {
    error.kind() == ErrorKind::Status && !error.is_retryable()
}

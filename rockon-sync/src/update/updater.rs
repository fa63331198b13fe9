//! The public builder of updates: opens the store for writing, and starts the pipeline.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use super::bundle;
use super::mode::Mode;
use super::plan::MassDelete;
use super::progress::{Progress, Reporter};
#[cfg(doc)]
use super::report::Outcome;
use super::report::Report;
use super::session::{Extent, Options, Session, Warnings};
use crate::base::cancel::CancelToken;
#[cfg(doc)]
use crate::base::error::ErrorKind;
use crate::base::error::Result;
use crate::base::files::{Files, RealFiles};
use crate::base::limits;
use crate::base::time::{Clock, SystemClock};
use crate::format;
use crate::net::fetch::{Fetcher, TimeLimit};
use crate::net::location::Location;
use crate::net::transport::{DefaultTransport, Transport};
use crate::source::{Source, SourceName};
use crate::store::{SourceWriter, Store};
use crate::tree::note::{TrustedKeys, VerifierKey};

/// The treatment of a head that is older than the local one, or differs under the same serial.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Rollback {
    /// Leave the local copy as it is, and report [`Outcome::Stale`].
    #[default]
    Refuse,
    /// Apply it: the publisher went back on purpose.
    Allow,
}

/// The treatment of a head that has expired.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Freshness {
    /// Apply it, with a warning.
    #[default]
    Warn,
    /// Refuse it, with [`ErrorKind::Expired`].
    Require,
}

type Callback<'a> = Box<dyn FnMut(&Progress) + 'a>;

/// Brings the local copy of a source up to date.
///
/// ```
/// # use rockon_sync::{Store, Updater};
/// # fn example() -> rockon_sync::Result<()> {
/// let store = Store::new("/var/lib/rockons");
/// let report = Updater::new(&store).run(&"https://example.org/rockons/v2/".parse()?)?;
/// println!("{} new, {} changed", report.added.len(), report.changed.len());
/// # Ok(()) }
/// ```
#[must_use = "an updater does nothing until it is run"]
pub struct Updater<'a> {
    pub(super) setup: Setup<'a>,
    pub(super) progress: Option<Callback<'a>>,
}

impl<'a> Updater<'a> {
    /// Returns an updater of `store` with the default options.
    pub fn new(store: &'a Store) -> Updater<'a> {
        let options = Options {
            mode: Mode::default(),
            mass_delete: MassDelete::default(),
            rollback: Rollback::default(),
            freshness: Freshness::default(),
            timeout: limits::UPDATE_TIMEOUT,
            lock_timeout: Duration::ZERO,
        };
        let setup = Setup {
            store,
            options,
            cancel: CancelToken::new(),
            clock: &SystemClock,
            transport: None,
            files: &RealFiles,
        };
        Updater { setup, progress: None }
    }

    /// Sets how much of the local data is checked. Default: [`Mode::Quick`].
    pub fn mode(mut self, mode: Mode) -> Self {
        self.setup.options.mode = mode;
        self
    }

    /// Sets how to treat an update that deletes more than half of the catalog. Default:
    /// [`MassDelete::Refuse`].
    pub fn mass_delete(mut self, guard: MassDelete) -> Self {
        self.setup.options.mass_delete = guard;
        self
    }

    /// Sets how to treat an older head. Default: [`Rollback::Refuse`].
    pub fn rollback(mut self, rollback: Rollback) -> Self {
        self.setup.options.rollback = rollback;
        self
    }

    /// Sets how to treat an expired head. Default: [`Freshness::Warn`].
    pub fn freshness(mut self, freshness: Freshness) -> Self {
        self.setup.options.freshness = freshness;
        self
    }

    /// Sets the time limit of the whole update, up to [`limits::MAX_TIMEOUT`]. Default:
    /// [`limits::UPDATE_TIMEOUT`].
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.setup.options.timeout = timeout;
        self
    }

    /// Sets how long to wait for another writer of the same source. Default: not at all.
    pub fn lock_timeout(mut self, timeout: Duration) -> Self {
        self.setup.options.lock_timeout = timeout.min(limits::MAX_TIMEOUT);
        self
    }

    /// Reports progress to `callback`, on the thread of [`run`](Self::run): at most ten times a
    /// second, at every change of phase, and once at the end.
    pub fn progress(mut self, callback: impl FnMut(&Progress) + 'a) -> Self {
        self.progress = Some(Box::new(callback));
        self
    }

    /// Sets the token that cancels the update.
    pub fn cancel(mut self, token: CancelToken) -> Self {
        self.setup.cancel = token;
        self
    }

    /// Sets the clock. Default: the machine's.
    pub fn clock(mut self, clock: &'a dyn Clock) -> Self {
        self.setup.clock = clock;
        self
    }

    /// Sets the transport. Default: HTTP for URLs, else directories.
    pub fn transport(mut self, transport: &'a dyn Transport) -> Self {
        self.setup.transport = Some(transport);
        self
    }

    #[cfg(test)]
    pub(crate) fn files(mut self, files: &'a dyn Files) -> Self {
        self.setup.files = files;
        self
    }

    /// Updates the local copy of `source`.
    ///
    /// An entry that fails alone is not an error: it keeps its previous version and is in
    /// [`Report::failed`]. A mirror that fails is not one either, as long as another one can be
    /// used: see [`Report::warnings`].
    ///
    /// # Errors
    /// The store keeps its current generation, and files that were fetched and verified stay in
    /// staging, so that the next update does not fetch them again.
    /// [`ErrorKind::Locked`], [`ErrorKind::Canceled`], [`ErrorKind::Timeout`],
    /// [`ErrorKind::Store`]; [`ErrorKind::Transport`] and [`ErrorKind::Status`] if no mirror
    /// answers; [`ErrorKind::Head`], [`ErrorKind::Manifest`], [`ErrorKind::Limit`] and
    /// [`ErrorKind::Integrity`] if no mirror has a usable tree; [`ErrorKind::Trust`] if no mirror
    /// has a head with the required signature, or if a source that had a head before has none;
    /// [`ErrorKind::Expired`] and [`ErrorKind::MassDelete`] if the options refuse the update.
    pub fn run(&mut self, source: &Source) -> Result<Report> {
        self.start(source, Extent::Whole, UpdateFrom::Mirrors)
    }

    /// Returns the report that [`run`](Self::run) would return, without changing the local copy.
    ///
    /// The manifest stays in staging, so that the next update does not fetch it again. For a v1
    /// source, the report only lists what was added and removed.
    ///
    /// # Errors
    /// Those of [`run`](Self::run).
    pub fn check(&mut self, source: &Source) -> Result<Report> {
        self.start(source, Extent::PlanOnly, UpdateFrom::Mirrors)
    }

    /// Updates several sources, up to [`limits::MAX_SOURCES_AT_ONCE`] at a time. One that fails or
    /// is slow does not affect the others. Returns the results in the order of `sources`.
    ///
    /// The first source has the highest priority, which the store remembers. Progress is reported
    /// on the thread of this call, and names its source.
    pub fn run_all(&mut self, sources: &[Source]) -> Vec<Result<Report>> {
        self.start_all(sources, Extent::Whole)
    }

    /// Like [`run_all`](Self::run_all), without changing the local copies: see
    /// [`check`](Self::check).
    pub fn check_all(&mut self, sources: &[Source]) -> Vec<Result<Report>> {
        self.start_all(sources, Extent::PlanOnly)
    }

    /// Updates a source from a bundle (`packs/empty-<to>.tar.zst` of a published tree), without a
    /// network. Later updates continue from there, by delta where one is offered. The mirrors that
    /// they ask stay the same.
    ///
    /// The head is read from `root.sha` beside the bundle, or in the tree that it is in. Without
    /// one, nobody has signed the bundle, and it has no serial: it is refused if the source has
    /// trusted keys, or if a serial was seen before. `keys` are the trusted keys of the source; if
    /// empty, those of the last update count.
    ///
    /// # Errors
    /// The source keeps its current generation: [`ErrorKind::NotFound`] if there is no such file;
    /// [`ErrorKind::Integrity`] if it is not a bundle, or not a whole one;
    /// [`ErrorKind::Manifest`]; [`ErrorKind::Trust`] without a signed head, if there are trusted
    /// keys; [`ErrorKind::Expired`], [`ErrorKind::MassDelete`], [`ErrorKind::Locked`],
    /// [`ErrorKind::Canceled`], [`ErrorKind::Timeout`], [`ErrorKind::Store`]. A bundle that is
    /// older than the current generation is not an error: see [`Outcome::Stale`].
    pub fn import(
        &mut self,
        name: &SourceName,
        bundle: &Path,
        keys: &[VerifierKey],
    ) -> Result<Report> {
        let path = bundle::real_path(bundle)?;
        let directory = path.parent().unwrap_or(Path::new("/"));
        let source = Source::new(name.clone(), Location::dir(directory));
        let source = keys.iter().cloned().fold(source, Source::trust);
        self.start(&source, Extent::Whole, UpdateFrom::Bundle(path))
    }

    /// Starts one update.
    pub(super) fn start(
        &mut self,
        source: &Source,
        extent: Extent,
        origin: UpdateFrom,
    ) -> Result<Report> {
        let callback = self.progress.as_mut().map(|callback| {
            let callback: &mut dyn FnMut(&Progress) = callback;
            callback
        });
        let job = UpdateJob { source, rank: None, extent, origin };
        match self.setup.transport {
            Some(transport) => self.setup.update(&job, transport, callback),
            None => self.setup.update(&job, &DefaultTransport::new(), callback),
        }
    }
}

/// The settings of an updater, shared by the updates of several sources.
pub(super) struct Setup<'a> {
    pub(super) store: &'a Store,
    pub(super) transport: Option<&'a dyn Transport>,
    options: Options,
    cancel: CancelToken,
    clock: &'a dyn Clock,
    files: &'a dyn Files,
}

/// One source to update.
pub(super) struct UpdateJob<'a> {
    pub(super) source: &'a Source,
    /// Its place among several sources; 0 has the highest priority.
    pub(super) rank: Option<u32>,
    pub(super) extent: Extent,
    pub(super) origin: UpdateFrom,
}

/// The origin of an update.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum UpdateFrom {
    /// The mirrors of the source.
    Mirrors,
    /// A bundle in a local file.
    Bundle(PathBuf),
}

impl Setup<'_> {
    /// Opens the source for writing, and runs the pipeline.
    pub(super) fn update<'c>(
        &'c self,
        job: &UpdateJob<'_>,
        transport: &dyn Transport,
        callback: Option<&'c mut dyn FnMut(&Progress)>,
    ) -> Result<Report> {
        let source = job.source;
        let started = self.clock.monotonic();
        let lock_timeout = self.options.lock_timeout;
        let store =
            SourceWriter::open(self.files, self.store, source.name(), self.clock, lock_timeout)?;
        let known_keys = store.reader().trusted_keys()?;
        let keys = match source.trusted_keys() {
            [] => known_keys.clone(),
            // The same keys do not take back what has followed from them.
            given if known_keys.began_with(given) => known_keys.clone(),
            given => TrustedKeys::new(given.to_vec()),
        };
        let stop = AtomicBool::new(false);
        let timeout = source.timeout().unwrap_or(self.options.timeout);
        let time_limit = TimeLimit { started, timeout };
        let session = Session {
            source,
            rank: job.rank,
            store,
            options: &self.options,
            extent: job.extent,
            asks_mirrors: job.origin == UpdateFrom::Mirrors,
            keys,
            known_keys,
            accept: &format::accept_rockon,
            clock: self.clock,
            started,
            fetcher: Fetcher::new(transport, self.clock, &self.cancel, time_limit, &stop),
            stop: &stop,
            warnings: Warnings::default(),
        };
        session.store.leftovers().for_each(|warning| session.warnings.add(warning));
        let mut progress = Reporter::new(callback, self.clock, source.name().clone());
        progress.report_now();
        let report = match &job.origin {
            UpdateFrom::Mirrors => super::update(&session, &mut progress)?,
            UpdateFrom::Bundle(bundle) => super::import(&session, &mut progress, bundle)?,
        };
        progress.report_now();
        Ok(report)
    }
}

//! The public builder of updates.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use super::bundle;
use super::plan::MassDelete;
use super::progress::{Progress, Reporter};
use super::report::Report;
use super::session::{Extent, Options, Session, Warnings};
use crate::base::cancel::CancelToken;
use crate::base::error::Result;
use crate::base::files::{Files, RealFiles};
use crate::base::limits;
use crate::base::time::{Clock, SystemClock};
use crate::format;
use crate::net::fetch::Fetcher;
use crate::net::location::Location;
use crate::net::transport::{AnyTransport, Transport};
use crate::source::{Source, SourceName};
use crate::store::{SourceWriter, Store};
use crate::tree::note::VerifierKey;

/// How much of what is held an update takes on trust.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Trust {
    /// Files whose size and time are as committed are taken to be intact.
    #[default]
    SizeAndTime,
    /// Every file is compared with its digest.
    Digest,
    /// Nothing: everything is fetched again.
    Nothing,
}

/// What becomes of a head that is older than the one held, or another one of the same
/// serial.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Rollback {
    /// It is not applied, and reported as [`Outcome::Stale`].
    #[default]
    Refuse,
    /// It is applied: the publisher went back on purpose.
    Allow,
}

/// What becomes of a head that is past its expiry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Freshness {
    /// It is applied, with a warning.
    #[default]
    Warn,
    /// It is refused.
    Require,
}

/// What is called with the progress.
type Callback<'a> = Box<dyn FnMut(&Progress) + 'a>;

/// Brings a store in step with a source.
///
/// ```
/// # use rockon_sync::{Store, Updater};
/// # fn example() -> rockon_sync::Result<()> {
/// let store = Store::new("/var/lib/rockons");
/// let report = Updater::new(&store).run(&"https://example.org/rockons/v2/".parse()?)?;
/// println!("{} new, {} changed", report.added.len(), report.changed.len());
/// # Ok(()) }
/// ```
#[must_use = "it is changed by value: what is returned has the change"]
pub struct Updater<'a> {
    pub(super) setup: Setup<'a>,
    pub(super) progress: Option<Callback<'a>>,
}

impl<'a> Updater<'a> {
    /// An update of `store` with the default options.
    pub fn new(store: &'a Store) -> Updater<'a> {
        let options = Options {
            trust: Trust::default(),
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

    /// How much of what is held is taken on trust; [`Trust::SizeAndTime`] by default.
    pub fn trust(mut self, trust: Trust) -> Self {
        self.setup.options.trust = trust;
        self
    }

    /// Whether more than half of the catalog may go; [`MassDelete::Refuse`] by default.
    pub fn mass_delete(mut self, guard: MassDelete) -> Self {
        self.setup.options.mass_delete = guard;
        self
    }

    /// Whether an older head is applied; [`Rollback::Refuse`] by default.
    pub fn rollback(mut self, rollback: Rollback) -> Self {
        self.setup.options.rollback = rollback;
        self
    }

    /// Whether an expired head is applied; [`Freshness::Warn`] by default.
    pub fn freshness(mut self, freshness: Freshness) -> Self {
        self.setup.options.freshness = freshness;
        self
    }

    /// The longest the whole update may take; [`limits::UPDATE_TIMEOUT`] by default.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.setup.options.timeout = timeout;
        self
    }

    /// How long to wait for another writer of the same source; by default not at all.
    pub fn lock_timeout(mut self, timeout: Duration) -> Self {
        self.setup.options.lock_timeout = timeout;
        self
    }

    /// Calls `callback` with the progress: at most ten times a second, at every change
    /// of phase, and a last time at the end. It is called on the thread of [`run`](Self::run).
    pub fn progress(mut self, callback: impl FnMut(&Progress) + 'a) -> Self {
        self.progress = Some(Box::new(callback));
        self
    }

    /// The token that stops the run.
    pub fn cancel(mut self, token: CancelToken) -> Self {
        self.setup.cancel = token;
        self
    }

    /// Where the time comes from; the machine's clock by default.
    pub fn clock(mut self, clock: &'a dyn Clock) -> Self {
        self.setup.clock = clock;
        self
    }

    /// How bytes are asked for; over HTTP and from directories by default.
    pub fn transport(mut self, transport: &'a dyn Transport) -> Self {
        self.setup.transport = Some(transport);
        self
    }

    #[cfg(test)]
    pub(crate) fn files(mut self, files: &'a dyn Files) -> Self {
        self.setup.files = files;
        self
    }

    /// Updates the store from `source`.
    ///
    /// # Errors
    /// The store keeps the generation it had, and what was fetched and verified is
    /// not fetched again by the next run, whatever the kind:
    /// [`Locked`](crate::ErrorKind::Locked), [`Canceled`](crate::ErrorKind::Canceled),
    /// [`Timeout`](crate::ErrorKind::Timeout); [`Transport`](crate::ErrorKind::Transport) and
    /// [`Status`](crate::ErrorKind::Status) if no mirror answers;
    /// [`Head`](crate::ErrorKind::Head), [`Manifest`](crate::ErrorKind::Manifest),
    /// [`Limit`](crate::ErrorKind::Limit) and [`Integrity`](crate::ErrorKind::Integrity) for what
    /// the mirrors answer; [`Trust`](crate::ErrorKind::Trust) if none has a head that is signed
    /// as it has to be, or a source that had one has none;
    /// [`Expired`](crate::ErrorKind::Expired) and [`MassDelete`](crate::ErrorKind::MassDelete) for
    /// what is refused; [`Store`](crate::ErrorKind::Store).
    ///
    /// A single entry that fails is no error: see [`Report::failed`].
    pub fn run(&mut self, source: &Source) -> Result<Report> {
        self.start(source, Extent::Whole, Origin::Mirrors)
    }

    /// Finds out what [`run`](Self::run) would do, without doing it. The manifest is
    /// kept, so that the run after it does not fetch it again. A v1 source tells only
    /// what was added and removed.
    ///
    /// # Errors
    /// Those of [`run`](Self::run).
    pub fn check(&mut self, source: &Source) -> Result<Report> {
        self.start(source, Extent::PlanOnly, Origin::Mirrors)
    }

    /// Updates the store from several sources, a few at a time and each by itself: one that
    /// fails or is slow delays and harms no other. The first has the highest priority, which is
    /// remembered. The results are in the order of `sources`; progress is reported as for one
    /// source, on the thread of this call, and names its source.
    pub fn run_all(&mut self, sources: &[Source]) -> Vec<Result<Report>> {
        self.start_all(sources, Extent::Whole)
    }

    /// Finds out what [`run_all`](Self::run_all) would do, as [`check`](Self::check) does.
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
    ///
    /// [`ErrorKind::NotFound`]: crate::ErrorKind::NotFound
    /// [`ErrorKind::Integrity`]: crate::ErrorKind::Integrity
    /// [`ErrorKind::Manifest`]: crate::ErrorKind::Manifest
    /// [`ErrorKind::Trust`]: crate::ErrorKind::Trust
    /// [`ErrorKind::Expired`]: crate::ErrorKind::Expired
    /// [`ErrorKind::MassDelete`]: crate::ErrorKind::MassDelete
    /// [`ErrorKind::Locked`]: crate::ErrorKind::Locked
    /// [`ErrorKind::Canceled`]: crate::ErrorKind::Canceled
    /// [`ErrorKind::Timeout`]: crate::ErrorKind::Timeout
    /// [`ErrorKind::Store`]: crate::ErrorKind::Store
    /// [`Outcome::Stale`]: crate::Outcome::Stale
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
        self.start(&source, Extent::Whole, Origin::Bundle(path))
    }

    /// Starts one update.
    pub(super) fn start(
        &mut self,
        source: &Source,
        extent: Extent,
        origin: Origin,
    ) -> Result<Report> {
        let callback = self.progress.as_mut().map(|callback| {
            let callback: &mut dyn FnMut(&Progress) = callback;
            callback
        });
        let job = Job { source, rank: None, extent, origin };
        match self.setup.transport {
            Some(transport) => self.setup.update(&job, transport, callback),
            None => self.setup.update(&job, &AnyTransport::new(), callback),
        }
    }
}

/// What updates of several sources have in common.
pub(super) struct Setup<'a> {
    pub(super) store: &'a Store,
    pub(super) transport: Option<&'a dyn Transport>,
    options: Options,
    cancel: CancelToken,
    clock: &'a dyn Clock,
    files: &'a dyn Files,
}

/// One source to be updated.
pub(super) struct Job<'a> {
    pub(super) source: &'a Source,
    /// Its place among several; 0 wins.
    pub(super) rank: Option<u32>,
    pub(super) extent: Extent,
    pub(super) origin: Origin,
}

/// Where an update comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Origin {
    /// The mirrors of the source, which are remembered.
    Mirrors,
    /// This bundle.
    Bundle(PathBuf),
}

impl Setup<'_> {
    /// Opens the source for writing, and runs the pipeline.
    pub(super) fn update<'c>(
        &'c self,
        job: &Job<'_>,
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
            given => given.to_vec(),
        };
        let stop = AtomicBool::new(false);
        let deadline = started + source.timeout().unwrap_or(self.options.timeout);
        let session = Session {
            source,
            rank: job.rank,
            store,
            options: &self.options,
            extent: job.extent,
            asks_mirrors: job.origin == Origin::Mirrors,
            keys,
            known_keys,
            accept: &format::accept_rockon,
            clock: self.clock,
            started,
            fetcher: Fetcher::new(transport, self.clock, &self.cancel, deadline, &stop),
            stop: &stop,
            warnings: Warnings::default(),
        };
        session.store.leftovers().for_each(|warning| session.warnings.add(warning));
        let mut progress = Reporter::new(callback, self.clock, source.name().clone());
        progress.report_now();
        let report = match &job.origin {
            Origin::Mirrors => super::update(&session, &mut progress)?,
            Origin::Bundle(bundle) => super::import(&session, &mut progress, bundle)?,
        };
        progress.report_now();
        Ok(report)
    }
}

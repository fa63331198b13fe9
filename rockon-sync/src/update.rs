//! An update: the one place that knows both fetching and storing.
//!
//! ```text
//! lock -> head -> manifest -> plan -> fetch into incoming -> commit -> tidy
//! ```
//!
//! | file | does |
//! |---|---|
//! | `head.rs` | asks the mirrors what there is |
//! | `local.rs` | finds out what is held, and what of it is damaged |
//! | `v2.rs` | follows a tree with digests |
//! | `packs.rs` | gets many files of it in one |
//! | `import.rs` | takes a bundle instead of asking anyone |
//! | `v1.rs` | follows a tree of names, with conditional requests |
//! | `several.rs` | several sources at a time |

#[cfg(test)]
mod faults;
mod finish;
mod head;
mod import;
mod local;
mod packs;
#[cfg(test)]
mod properties;
mod several;
mod v1;
mod v2;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::address::Address;
use crate::cancel::CancelToken;
use crate::error::{Error, ErrorKind, Result};
use crate::fetch::Fetcher;
use crate::files::{Files, RealFiles};
use crate::limits::{self, MAX_CONNECTIONS};
use crate::location::Location;
use crate::note::VerifierKey;
use crate::plan::MassDelete;
use crate::progress::{Phase, Progress, Reporter};
use crate::report::{Outcome, Report};
use crate::source::Source;
use crate::store::{SourceWriter, Status, Store};
use crate::time::{Clock, SystemClock};
use crate::transport::{AnyTransport, Transport};
use crate::workers::{self, Done, Event};
#[cfg(feature = "cli")]
pub(crate) use several::update_each;

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

/// Whether an update ends with the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Extent {
    PlanOnly,
    Whole,
}

/// Where an update comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Supplier {
    /// The mirrors of the source, which are remembered.
    Mirrors,
    /// A file that somebody brought: nobody was asked.
    Bundle,
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
    setup: Setup<'a>,
    progress: Option<Callback<'a>>,
}

#[derive(Debug, Clone)]
struct Options {
    trust: Trust,
    mass_delete: MassDelete,
    rollback: Rollback,
    freshness: Freshness,
    timeout: Duration,
    lock_patience: Duration,
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
            lock_patience: Duration::ZERO,
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
    pub fn lock_patience(mut self, patience: Duration) -> Self {
        self.setup.options.lock_patience = patience;
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

    /// How bytes are asked for; over HTTP and from folders by default.
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
    /// [`Locked`](ErrorKind::Locked), [`Canceled`](ErrorKind::Canceled),
    /// [`Timeout`](ErrorKind::Timeout); [`Transport`](ErrorKind::Transport) and
    /// [`Status`](ErrorKind::Status) if no mirror answers;
    /// [`Head`](ErrorKind::Head), [`Manifest`](ErrorKind::Manifest),
    /// [`Limit`](ErrorKind::Limit) and [`Integrity`](ErrorKind::Integrity) for what
    /// the mirrors answer; [`Trust`](ErrorKind::Trust) if none has a head that is signed
    /// as it has to be, or a source that had one has none;
    /// [`Expired`](ErrorKind::Expired) and [`MassDelete`](ErrorKind::MassDelete) for
    /// what is refused; [`Store`](ErrorKind::Store).
    ///
    /// A single entry that fails is no error: see [`Report::failed`].
    pub fn run(&mut self, source: &Source) -> Result<Report> {
        self.start(source, Extent::Whole, Supplier::Mirrors, |run, reporter| run.go(reporter))
    }

    /// Finds out what [`run`](Self::run) would do, without doing it. The manifest is
    /// kept, so that the run after it does not fetch it again. A v1 source tells only
    /// what was added and removed.
    ///
    /// # Errors
    /// Those of [`run`](Self::run).
    pub fn check(&mut self, source: &Source) -> Result<Report> {
        self.start(source, Extent::PlanOnly, Supplier::Mirrors, |run, reporter| run.go(reporter))
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

    /// Starts one update, which is done by `act`.
    fn start(
        &mut self,
        source: &Source,
        extent: Extent,
        supplier: Supplier,
        act: impl FnOnce(&mut Run<'_>, &mut Reporter<'_>) -> Result<Report>,
    ) -> Result<Report> {
        let callback = self.progress.as_mut().map(|callback| {
            let callback: &mut dyn FnMut(&Progress) = callback;
            callback
        });
        let job = Job { source, rank: None, extent, supplier };
        match self.setup.transport {
            Some(transport) => self.setup.update(&job, transport, callback, act),
            None => self.setup.update(&job, &AnyTransport::new(), callback, act),
        }
    }
}

/// What updates of several sources have in common.
struct Setup<'a> {
    store: &'a Store,
    options: Options,
    cancel: CancelToken,
    clock: &'a dyn Clock,
    transport: Option<&'a dyn Transport>,
    files: &'a dyn Files,
}

/// One source to be updated.
struct Job<'a> {
    source: &'a Source,
    /// Its place among several, the first having the highest priority.
    rank: Option<u32>,
    extent: Extent,
    supplier: Supplier,
}

impl Setup<'_> {
    fn update<'c>(
        &'c self,
        job: &Job<'_>,
        transport: &dyn Transport,
        callback: Option<&'c mut dyn FnMut(&Progress)>,
        act: impl FnOnce(&mut Run<'_>, &mut Reporter<'_>) -> Result<Report>,
    ) -> Result<Report> {
        let Job { source, rank, extent, supplier } = *job;
        let started = self.clock.monotonic();
        let writer = SourceWriter::open(
            self.files,
            self.store,
            source.name(),
            self.clock,
            self.options.lock_patience,
        )?;
        let stop = AtomicBool::new(false);
        let deadline = started + source.timeout().unwrap_or(self.options.timeout);
        let remembered = writer.reader().trusted_keys()?;
        let keys = match source.trusted_keys() {
            [] => remembered.clone(),
            given => given.to_vec(),
        };
        let mut warnings: Vec<String> = writer.leftovers().collect();
        // It is written anew; the current generation guards against rollback, too.
        let mut status = writer.reader().status().unwrap_or_else(|error| {
            warnings.push(format!("the last status is lost: {}", error.to_chain()));
            Status::default()
        });
        warnings.iter().for_each(|warning| log::warn!("{warning}"));
        status.rank = rank.or(status.rank);
        let mut run = Run {
            source,
            keys,
            remembered,
            options: &self.options,
            extent,
            supplier,
            clock: self.clock,
            started,
            fetcher: Fetcher::new(transport, self.clock, &self.cancel, deadline, &stop),
            status,
            writer,
            stop: &stop,
            warnings,
            is_intact: false,
            is_head_damaged: false,
            refetches: 0,
        };
        let mut reporter = Reporter::new(callback, self.clock, source.name().clone());
        let report = act(&mut run, &mut reporter)?;
        reporter.report_now();
        Ok(report)
    }
}

/// One update under way.
struct Run<'a> {
    source: &'a Source,
    /// Of which one must have signed the head; none if it need not be signed.
    keys: Vec<VerifierKey>,
    /// What `keys` were in the last update.
    remembered: Vec<VerifierKey>,
    options: &'a Options,
    extent: Extent,
    supplier: Supplier,
    clock: &'a dyn Clock,
    started: Instant,
    fetcher: Fetcher<'a>,
    status: Status,
    writer: SourceWriter<'a>,
    /// Raised when there is no point in going on.
    stop: &'a AtomicBool,
    warnings: Vec<String>,
    /// Whether the current generation has the sizes and times it was committed with.
    is_intact: bool,
    /// True if the local head is not the one that was committed: then nothing that it says
    /// counts, or one changed digit could make every head from the source look older.
    is_head_damaged: bool,
    /// How often the head was asked for again because the tree had moved on.
    refetches: usize,
}

/// How one pass over a tree ended.
enum Pass {
    Done(Box<Report>),
    /// The tree was replaced while it was being read.
    Moved(Error),
}

impl Run<'_> {
    fn go(&mut self, reporter: &mut Reporter<'_>) -> Result<Report> {
        reporter.report_now();
        self.look_at_current()?;
        loop {
            let pass = match self.find_head()? {
                head::Found::V2(found) => self.follow_v2(&found, reporter)?,
                head::Found::V1(mirror) => Pass::Done(Box::new(self.follow_v1(&mirror, reporter)?)),
                head::Found::Stale(head) => {
                    let mut report = self.report(Outcome::Stale);
                    report.serial = head.serial();
                    report.manifest = Some(head.digest());
                    Pass::Done(Box::new(report))
                }
            };
            match pass {
                Pass::Done(report) => return Ok(*report),
                Pass::Moved(error) if self.refetches == limits::MAX_HEAD_REFETCHES => {
                    return Err(error);
                }
                Pass::Moved(error) => {
                    log::info!("{}; asking for the head again", error.to_chain());
                    self.refetches += 1;
                }
            }
        }
    }

    /// Brings every file that `jobs` ask for, several at a time, and reports progress.
    /// `bring` adds the bytes to the counter as they come; a failure of it that ends the
    /// run, or finds that `probe` no longer answers, ends all of them.
    fn bring_all<J: Sync, R: Send>(
        &self,
        jobs: &[J],
        bytes_total: Option<u64>,
        probe: &Address,
        reporter: &mut Reporter<'_>,
        bring: impl Fn(&J, &AtomicU64) -> Result<R> + Sync,
        mut done: impl FnMut(&J, Result<R>),
    ) -> Result<()> {
        reporter.progress.files_done = 0;
        reporter.progress.files_total = jobs.len() as u64;
        reporter.progress.bytes_done = 0;
        reporter.progress.bytes_total = bytes_total;
        reporter.enter(Phase::Fetching);
        let bytes_done = AtomicU64::new(0);
        let work = |job: &J| match bring(job, &bytes_done) {
            Err(error) if ends_the_run(&error) => Done::Abort(error),
            Err(error) if may_be_an_outage(&error) && !self.is_alive(probe) => Done::Abort(error),
            result => Done::Result(result),
        };
        workers::run(jobs, MAX_CONNECTIONS, self.stop, work, |event| {
            if let Event::Done(job, result) = event {
                reporter.progress.files_done += 1;
                done(job, result);
            }
            reporter.progress.bytes_done = bytes_done.load(Ordering::Relaxed);
            reporter.report();
            self.fetcher.check_go_on()
        })
    }

    /// A report with what is known at any time.
    fn report(&mut self, outcome: Outcome) -> Report {
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
            warnings: std::mem::take(&mut self.warnings),
            duration: self.clock.monotonic().saturating_duration_since(self.started),
        }
    }

    /// The locations to ask for everything but the head, best first.
    fn bases(&self, first: &[Location]) -> Vec<Location> {
        let mut bases = first.to_vec();
        for mirror in self.source.opened_mirrors() {
            if !bases.contains(&mirror) {
                bases.push(mirror);
            }
        }
        bases
    }

    fn warn(&mut self, warning: String) {
        log::warn!("{warning}");
        if !self.warnings.contains(&warning) {
            self.warnings.push(warning);
        }
    }
}

/// Whether an error ends the run whatever other mirrors may say.
fn ends_the_run(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Canceled | ErrorKind::Timeout | ErrorKind::Store | ErrorKind::Locked
    )
}

/// Whether an error may mean that the source as a whole is gone, and not just one file.
fn may_be_an_outage(error: &Error) -> bool {
    error.kind() == ErrorKind::Transport
        || (error.kind() == ErrorKind::Status && error.is_retryable())
}

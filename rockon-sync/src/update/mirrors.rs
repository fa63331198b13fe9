//! The mirrors of a source during one update: which one is asked next, and which have failed.
//!
//! Every request goes through [`Mirrors::first`]. In the first round each mirror that still answers
//! is asked once, so that a failing one costs no waiting while another may answer; one that has been
//! silent is not asked again. Only if none answered, they are asked again with the usual retries.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Instant;

use super::session::{Session, ends_the_update, may_be_an_outage};
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::limits::{MAX_LIST_BYTES, MAX_MIRROR_FAILURES, MIRROR_TIMEOUT};
use crate::base::path::EntryPath;
use crate::net::address::Address;
use crate::net::fetch::{Fetched, Retries, Wanted};
use crate::net::location::Location;

/// The mirrors to ask for manifest, packs and files, best first.
pub(super) struct Mirrors {
    mirrors: Vec<Mirror>,
}

/// One mirror, with what this update has learned about it.
pub(super) struct Mirror {
    pub(super) location: Location,
    /// A file that it had: tells an outage from a single bad file.
    probe: Address,
    /// Set when it turns out to have files by name but not by digest, as `current` of a store.
    lacks_objects: AtomicBool,
    /// Failures that may have been an outage.
    failures: AtomicU32,
    /// Set when the probe failed too.
    is_dead: AtomicBool,
    has_warned: AtomicBool,
}

/// The failure of a request at every mirror.
#[derive(Debug)]
pub(super) enum Failure {
    /// Only this request failed.
    Request(Error),
    /// There is no point in other requests either.
    Update(Error),
}

impl Failure {
    pub(super) fn into_error(self) -> Error {
        match self {
            Failure::Request(error) | Failure::Update(error) => error,
        }
    }
}

impl Mirrors {
    /// `first` with the file where each was found, then the others with the file to probe.
    pub(super) fn new(mirrors: impl IntoIterator<Item = (Location, Address)>) -> Mirrors {
        let mut all: Vec<Mirror> = Vec::new();
        for (location, probe) in mirrors {
            if !all.iter().any(|known| known.location == location) {
                all.push(Mirror::new(location, probe));
            }
        }
        Mirrors { mirrors: all }
    }

    /// No mirror: everything must be there already.
    pub(super) fn none() -> Mirrors {
        Mirrors { mirrors: Vec::new() }
    }

    /// True if no mirror may be asked.
    pub(super) fn is_empty(&self) -> bool {
        self.mirrors.is_empty()
    }

    /// The best mirror.
    pub(super) fn best(&self) -> Option<&Mirror> {
        self.mirrors.first()
    }

    /// Makes a request of one mirror after the other, until one succeeds. Mirrors that failed
    /// before are warned about then.
    pub(super) fn first<T>(
        &self,
        session: &Session<'_>,
        mut request: impl FnMut(&Mirror, Retries) -> Result<T>,
    ) -> Result<T, Failure> {
        let (answer, failures) = ask_each(&self.mirrors, Mirror::is_down, |mirror, retries| {
            let asked_at = session.clock.monotonic();
            let answer = request(mirror, retries);
            match &answer {
                Ok(_) => mirror.is_dead.store(false, Ordering::Relaxed),
                Err(error) => mirror.note_failure(session, error, retries, asked_at),
            }
            answer.map(Some)
        })
        .map_err(Failure::Update)?;
        if let Some(answer) = answer {
            failures.iter().for_each(|(mirror, error)| mirror.warn(session, error));
            return Ok(answer);
        }
        let error = worst(failures.into_iter().map(|(_, error)| error));
        let error = error.unwrap_or_else(|| Error::new(ErrorKind::Argument, "no mirror to ask"));
        if !self.mirrors.is_empty() && self.mirrors.iter().all(Mirror::is_dead) {
            return Err(Failure::Update(error));
        }
        Err(Failure::Request(error))
    }
}

/// The first answer, and the mirrors that failed before it.
type Asked<'m, M, T> = (Option<T>, Vec<(&'m M, Error)>);

/// Asks one mirror after the other, until one has an answer. Those that are down are only asked if
/// the others have none, as are again those that may have had an outage.
///
/// # Errors
/// Errors that end the update.
pub(super) fn ask_each<'m, M, T>(
    mirrors: &'m [M],
    is_down: impl Fn(&M) -> bool,
    mut ask: impl FnMut(&'m M, Retries) -> Result<Option<T>>,
) -> Result<Asked<'m, M, T>> {
    let mut failures = Vec::new();
    let mut waiting: Vec<&M> = mirrors.iter().collect();
    for retries in Retries::rounds(mirrors.len()) {
        for mirror in std::mem::take(&mut waiting) {
            if *retries == Retries::None && is_down(mirror) {
                waiting.push(mirror);
                continue;
            }
            match ask(mirror, *retries) {
                Ok(Some(answer)) => return Ok((Some(answer), failures)),
                Ok(None) => {}
                Err(error) if ends_the_update(&error) => return Err(error),
                Err(error) => {
                    log::info!("{}", error.to_chain());
                    if may_be_an_outage(&error) {
                        waiting.push(mirror);
                    }
                    failures.push((mirror, error));
                }
            }
        }
    }
    Ok((None, failures))
}

impl Mirror {
    fn new(location: Location, probe: Address) -> Mirror {
        Mirror {
            location,
            probe,
            lacks_objects: AtomicBool::new(false),
            failures: AtomicU32::new(0),
            is_dead: AtomicBool::new(false),
            has_warned: AtomicBool::new(false),
        }
    }

    pub(super) fn address(&self, path: &EntryPath) -> Address {
        self.location.address(path)
    }

    pub(super) fn lacks_objects(&self) -> bool {
        self.lacks_objects.load(Ordering::Relaxed)
    }

    /// Remembers that files are found by name and not by digest.
    pub(super) fn note_lack_of_objects(&self) {
        self.lacks_objects.store(true, Ordering::Relaxed);
    }

    /// True if the mirror is skipped while another one answers.
    fn is_down(&self) -> bool {
        self.is_dead() || self.failures.load(Ordering::Relaxed) >= MAX_MIRROR_FAILURES
    }

    fn is_dead(&self) -> bool {
        self.is_dead.load(Ordering::Relaxed)
    }

    fn note_failure(
        &self,
        session: &Session<'_>,
        error: &Error,
        retries: Retries,
        asked_at: Instant,
    ) {
        if !may_be_an_outage(error) {
            return;
        }
        let waited = session.clock.monotonic().saturating_duration_since(asked_at);
        // No other request should wait for a silent mirror.
        let is_silent = retries == Retries::None && waited >= MIRROR_TIMEOUT;
        let failures = if is_silent { MAX_MIRROR_FAILURES } else { 1 };
        self.failures.fetch_add(failures, Ordering::Relaxed);
        if !self.is_dead() && !self.answers(session) {
            self.is_dead.store(true, Ordering::Relaxed);
        }
    }

    /// Asks for the probe, once.
    fn answers(&self, session: &Session<'_>) -> bool {
        let wanted = Wanted::plain(self.probe.clone(), MAX_LIST_BYTES);
        let answer = session.fetcher.fetch(&wanted, &mut io::sink(), Retries::None);
        matches!(answer, Ok(Fetched::File(_)))
    }

    /// Reports that another mirror was used instead, the first time.
    fn warn(&self, session: &Session<'_>, error: &Error) {
        if !self.has_warned.swap(true, Ordering::Relaxed) {
            session.warnings.add(format!("{}; another mirror was used", error.to_chain()));
        }
    }
}

/// The error to report of those of several mirrors: an outage, then wrong bytes, then the first.
fn worst(errors: impl Iterator<Item = Error>) -> Option<Error> {
    let rank = |error: &Error| match error.kind() {
        _ if may_be_an_outage(error) => 0,
        ErrorKind::Integrity => 1,
        _ => 2,
    };
    errors.reduce(|worst, error| if rank(&error) < rank(&worst) { error } else { worst })
}

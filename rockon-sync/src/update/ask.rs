//! Asks the mirrors, one after the other, what they offer.

use super::Prepared;
use super::current::Current;
use super::mirrors::Mirrors;
use super::session::{Session, ends_the_update, is_missing_at_mirror, may_be_an_outage};
use super::updater::{Freshness, Rollback, Trust};
use crate::base::digest::Digest;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::limits::{MAX_HEAD_BYTES, MAX_HEAD_REFETCHES, MAX_MANIFEST_BYTES};
use crate::base::time::Timestamp;
use crate::net::address::Address;
use crate::net::fetch::{Fetched, Retries, Wanted};
use crate::net::location::Location;
use crate::net::transport::{Validators, list_directory};
use crate::tree::head::Head;
use crate::tree::manifest::Listing;
use crate::tree::note;

/// The answer of the mirrors as a whole.
pub(super) enum Answer {
    /// The current generation has what this mirror offers.
    Unchanged(Remote),
    /// There is something to compare.
    Remote(Remote),
    /// Every mirror has an older head than this one, which the store knows.
    Stale(Head),
    /// No mirror leads to everything. This is the first that led to something.
    Incomplete(Remote, Prepared),
}

/// What one mirror offers.
pub(super) struct Remote {
    pub(super) index: Index,
    /// The bytes of the head or list.
    pub(super) bytes: Vec<u8>,
    /// True if the current generation has the very same head or list.
    pub(super) is_current: bool,
    /// Where the head or list was found.
    pub(super) address: Address,
    pub(super) validators: Validators,
    /// The mirrors for everything else, best first.
    pub(super) mirrors: Mirrors,
}

/// The file that a tree begins with.
pub(super) enum Index {
    /// `root.sha` of a v2 tree.
    Head(Head),
    /// `root.json` of a v1 tree.
    List(Listing),
}

impl Remote {
    pub(super) fn head(&self) -> Option<&Head> {
        match &self.index {
            Index::Head(head) => Some(head),
            Index::List(_) => None,
        }
    }
}

/// The mirrors that may still be asked for their head.
pub(super) struct Candidates {
    mirrors: Vec<Location>,
    /// The mirror that answered last.
    last: Option<Location>,
    /// Heads that led to an error, or not to everything.
    rejected: Vec<Vec<u8>>,
    first_error: Option<Error>,
    incomplete: Option<(Remote, Prepared)>,
    /// How often a head was asked for again because its tree had been replaced meanwhile.
    refetches: usize,
}

/// The answer of one mirror.
enum HeadAnswer {
    Head(Remote),
    /// An older head than this one, which the store knows.
    Stale(Head),
    /// No head: a v1 tree, if it is one at all.
    Missing,
    /// A head that was rejected at another mirror.
    Rejected,
}

impl Candidates {
    pub(super) fn new(session: &Session<'_>) -> Candidates {
        Candidates {
            mirrors: session.source.opened_mirrors(),
            last: None,
            rejected: Vec::new(),
            first_error: None,
            incomplete: None,
            refetches: 0,
        }
    }

    /// Asks each mirror until one has something that can be used. As in [`Mirrors::first`], a
    /// mirror that fails is asked again, with retries, only if no other one helps.
    ///
    /// # Errors
    /// The first one, if no mirror can be used.
    pub(super) fn ask(&mut self, session: &Session<'_>, current: &Current) -> Result<Answer> {
        let mut stale = None;
        let mut without_head: Vec<Location> = Vec::new();
        let mut errors: Vec<Error> = Vec::new();
        let mut waiting = self.mirrors.clone();
        for retries in Retries::rounds(waiting.len()) {
            for mirror in std::mem::take(&mut waiting) {
                let error = match self.ask_for_head(session, current, &mirror, *retries) {
                    Ok(HeadAnswer::Head(remote)) => {
                        warn_of_unused(session, &errors);
                        self.last = Some(mirror);
                        return answer_of(session, current, remote);
                    }
                    Ok(HeadAnswer::Stale(head)) => {
                        stale = Some(head);
                        continue;
                    }
                    Ok(HeadAnswer::Missing) => {
                        without_head.push(mirror);
                        continue;
                    }
                    Ok(HeadAnswer::Rejected) => continue,
                    Err(error) if ends_the_update(&error) => return Err(error),
                    Err(error) => error,
                };
                log::info!("{}", error.to_chain());
                if *retries == Retries::None && may_be_an_outage(&error) {
                    waiting.push(mirror);
                }
                errors.push(error);
            }
        }
        if let Some((remote, prepared)) = self.incomplete.take() {
            return Ok(Answer::Incomplete(remote, prepared));
        }
        if let Some(head) = stale {
            warn_of_unused(session, &errors);
            return Ok(Answer::Stale(head));
        }
        if !without_head.is_empty() {
            match ask_for_list(session, current, without_head) {
                Ok(remote) => {
                    warn_of_unused(session, &errors);
                    return Ok(Answer::Remote(remote));
                }
                Err(error) if ends_the_update(&error) => return Err(error),
                Err(error) => errors.push(error),
            }
        }
        let first = self.first_error.take().or_else(|| errors.into_iter().next());
        Err(first.unwrap_or_else(|| Error::new(ErrorKind::Argument, "the source has no mirror")))
    }

    /// Decides what to commit, given what a mirror has led to. `None` means to ask again: the
    /// same mirror if its tree was replaced meanwhile, else the next one.
    ///
    /// # Errors
    /// The error of `outcome` if it ends the update.
    pub(super) fn consider(
        &mut self,
        session: &Session<'_>,
        remote: Remote,
        outcome: Result<Prepared>,
    ) -> Result<Option<(Remote, Prepared)>> {
        let (prepared, error) = match outcome {
            Ok(mut prepared) => match prepared.take_missing() {
                None => return Ok(Some((remote, prepared))),
                Some(error) => (Some(prepared), error),
            },
            Err(error) if ends_the_update(&error) => return Err(error),
            Err(error) => (None, error),
        };
        let may_have_moved = error.kind() == ErrorKind::Integrity || is_missing_at_mirror(&error);
        if may_have_moved
            && remote.head().is_some()
            && self.refetches < MAX_HEAD_REFETCHES
            && (prepared.is_none() || has_moved(session, &remote))
        {
            log::info!("{}; asking for the head again", error.to_chain());
            self.refetches += 1;
            return Ok(None);
        }
        let last = self.last.take();
        self.mirrors.retain(|mirror| Some(mirror) != last.as_ref());
        match prepared {
            Some(prepared) if self.mirrors.is_empty() && self.incomplete.is_none() => {
                return Ok(Some((remote, prepared)));
            }
            _ if self.mirrors.is_empty() => {}
            _ => session.warnings.add(format!("{}; asking the next mirror", error.to_chain())),
        }
        self.rejected.push(remote.bytes.clone());
        match prepared {
            Some(prepared) => drop(self.incomplete.get_or_insert((remote, prepared))),
            None => drop(self.first_error.get_or_insert(error)),
        }
        Ok(None)
    }

    fn ask_for_head(
        &self,
        session: &Session<'_>,
        current: &Current,
        mirror: &Location,
        retries: Retries,
    ) -> Result<HeadAnswer> {
        let address = mirror.head_address();
        let shown = address.to_string();
        // A time in whole seconds does not distinguish two heads, and a head is no larger than
        // the answer that it has not changed.
        let validators = current
            .status
            .validators_of(&shown, current.head.as_deref())
            .filter(|known| known.etag.is_some())
            .map(|known| Validators { last_modified: None, ..known });
        let wanted = Wanted {
            validators: validators.as_ref(),
            ..Wanted::plain(address.clone(), MAX_HEAD_BYTES)
        };
        let mut bytes = Vec::new();
        let (validators, moved_to) = match session.fetcher.fetch(&wanted, &mut bytes, retries)? {
            Fetched::Unchanged => {
                bytes.clone_from(current.head.as_ref().expect("validators speak of this head"));
                (validators.unwrap_or_default(), None)
            }
            Fetched::Missing(404) => return may_be_v1(session, current, mirror),
            Fetched::Missing(status) => {
                let got = format!("expected a head, got status {status}");
                return Err(Error::new(ErrorKind::Status, got).with_url(shown));
            }
            Fetched::File(file) => (file.validators, file.moved_to),
        };
        if self.rejected.contains(&bytes) {
            return Ok(HeadAnswer::Rejected);
        }
        let head = check_head(session, &bytes).map_err(|error| error.with_url(&*shown))?;
        let is_current = current.head.as_ref() == Some(&bytes);
        if !is_current && let Some(newer) = newer_head(session, current, &head, &shown) {
            return Ok(HeadAnswer::Stale(newer));
        }
        let own = moved_to
            .and_then(|target| mirror.moved(mirror.head_name(), &target))
            .unwrap_or_else(|| mirror.clone());
        // A directory answers for itself, with or without a network.
        let elsewhere = match (mirror.as_folder(), head.url()) {
            (None, Some(url)) => Some(session.source.opened(Location::of_head_url(url)?)),
            _ => None,
        };
        let first = elsewhere.into_iter().chain([own]).map(|mirror| (mirror, address.clone()));
        let others = session.source.opened_mirrors().into_iter();
        let others = others.map(|mirror| (mirror.clone(), mirror.head_address()));
        Ok(HeadAnswer::Head(Remote {
            index: Index::Head(head),
            bytes,
            is_current,
            mirrors: Mirrors::new(first.chain(others)),
            address,
            validators,
        }))
    }
}

/// Parses a head, and checks who signed it and when it expires.
///
/// # Errors
/// [`ErrorKind::Head`], [`ErrorKind::Trust`], [`ErrorKind::Expired`].
pub(super) fn check_head(session: &Session<'_>, bytes: &[u8]) -> Result<Head> {
    // First, to tell a page that is not a head from a head that nobody signed. It reads no
    // further than the signed text goes: up to an empty line.
    let head = Head::parse(bytes)?;
    note::check_head(bytes, &session.keys)?;
    let now = Timestamp::from(session.clock.now());
    if let Some(expires) = head.expires().filter(|expires| *expires < now) {
        let expired = format!("the head expired at {expires}, and it is {now}");
        match session.options.freshness {
            Freshness::Require => return Err(Error::new(ErrorKind::Expired, expired)),
            Freshness::Warn => session.warnings.add(expired),
        }
    }
    Ok(head)
}

/// The newest head that the store knows, if `offered` is older, or differs from it under the same
/// serial: one serial stands for one manifest, so that nobody who can replay heads has a choice.
pub(super) fn newer_head(
    session: &Session<'_>,
    current: &Current,
    offered: &Head,
    shown: &str,
) -> Option<Head> {
    if session.options.rollback == Rollback::Allow {
        return None;
    }
    let known = current.head.as_ref().and_then(|bytes| Head::parse(bytes).ok());
    let floor = current.status.serial_floor.max(known.as_ref().and_then(Head::serial))?;
    let serial = offered.serial();
    if serial.is_some_and(|serial| serial >= floor) {
        // A damaged head does not tell what was published under its serial.
        let is_whole = current.head.as_deref().map(Digest::of) == current.status.digest;
        let other = known.filter(|known| {
            is_whole && known.serial() == serial && known.digest() != offered.digest()
        })?;
        session.warnings.add(format!(
            "{shown}: expected serial {floor} to be the manifest {}, got {}",
            other.digest(),
            offered.digest()
        ));
        return Some(other);
    }
    let got = serial.map_or("no serial".to_owned(), |serial| format!("serial {serial}"));
    session.warnings.add(format!("{shown}: expected serial {floor} or newer, got {got}"));
    Some(known.unwrap_or_else(|| offered.clone()))
}

/// Returns whether there is anything to do, given the head of a mirror.
fn answer_of(session: &Session<'_>, current: &Current, remote: Remote) -> Result<Answer> {
    let is_done = match &current.generation {
        Some(generation) if remote.is_current && current.is_intact => {
            generation.is_complete(session.store.files)?
        }
        _ => false,
    };
    Ok(if is_done { Answer::Unchanged(remote) } else { Answer::Remote(remote) })
}

/// A tree without a head is v1, unless it was v2 before, or must be.
///
/// # Errors
/// Says why it cannot be followed as v1.
fn may_be_v1(session: &Session<'_>, current: &Current, mirror: &Location) -> Result<HeadAnswer> {
    let shown = mirror.head_address().to_string();
    if mirror.names_head() {
        let expected = "expected a head, got status 404";
        return Err(Error::new(ErrorKind::Status, expected).with_url(shown));
    }
    // A share that is not mounted: the next mirror may be there.
    if let Some(directory) = mirror.as_folder().filter(|directory| !directory.is_dir()) {
        let expected = "expected the directory of a tree, found none";
        return Err(Error::new(ErrorKind::NotFound, expected).with_path(directory));
    }
    if !session.keys.is_empty() {
        return Err(Error::new(
            ErrorKind::Trust,
            "expected a signed head, got status 404: a source with trusted keys must have one",
        )
        .with_url(shown));
    }
    if current.head.is_some() || current.status.has_been_v2 {
        return Err(Error::new(
            ErrorKind::Trust,
            "expected a head, got status 404: this source had a v2 tree before and is not followed \
             as v1; if it really went back, remove its directory from the store",
        )
        .with_url(shown));
    }
    Ok(HeadAnswer::Missing)
}

/// Asks for the list of a v1 tree: `root.json`, or the `*.json` files of a bare directory.
fn ask_for_list(
    session: &Session<'_>,
    current: &Current,
    mirrors: Vec<Location>,
) -> Result<Remote> {
    let known: Option<Vec<u8>> = match &current.generation {
        Some(generation) => generation.list_bytes(session.store.files)?,
        None => None,
    };
    let others = session.source.opened_mirrors();
    let mirrors = mirrors.into_iter().chain(others);
    let mirrors = Mirrors::new(mirrors.map(|mirror| (mirror.clone(), mirror.list_address())));
    let (listing, bytes, address, validators, location) = mirrors
        .first(session, |mirror, retries| {
            let address = mirror.location().list_address();
            let shown = address.to_string();
            let validators = match session.options.trust {
                Trust::Nothing => None,
                _ => current.status.validators_of(&shown, known.as_deref()),
            };
            let wanted = Wanted {
                validators: validators.as_ref(),
                ..Wanted::plain(address.clone(), MAX_MANIFEST_BYTES)
            };
            let mut bytes = Vec::new();
            let answer = session.fetcher.fetch(&wanted, &mut bytes, retries)?;
            let (bytes, validators) = match (answer, mirror.location().as_folder()) {
                (Fetched::File(file), _) => (bytes, file.validators),
                (Fetched::Unchanged, _) => {
                    (known.clone().unwrap_or_default(), validators.unwrap_or_default())
                }
                (Fetched::Missing(_), Some(directory)) => {
                    (list_directory(directory)?.to_json(), Validators::default())
                }
                (Fetched::Missing(_), None) => {
                    return Err(Error::new(
                        ErrorKind::Status,
                        "expected a catalog, got status 404 for root.sha and for root.json",
                    )
                    .with_url(shown));
                }
            };
            let listing = Listing::parse(&bytes).map_err(|error| error.with_url(shown))?;
            Ok((listing, bytes, address, validators, mirror.location().clone()))
        })
        .map_err(|failure| failure.into_error())?;
    // Files are asked for where the list came from, first.
    let probe = match location.as_folder() {
        Some(_) if !listing.rows().is_empty() => location.address(&listing.rows()[0].path),
        _ => address.clone(),
    };
    let others = session.source.opened_mirrors().into_iter();
    let others = others.map(|mirror| (mirror.clone(), mirror.list_address()));
    Ok(Remote {
        is_current: known.as_ref() == Some(&bytes),
        index: Index::List(listing),
        bytes,
        address,
        validators,
        mirrors: Mirrors::new([(location, probe)].into_iter().chain(others)),
    })
}

/// True if the mirror has another head by now.
fn has_moved(session: &Session<'_>, remote: &Remote) -> bool {
    let wanted = Wanted::plain(remote.address.clone(), MAX_HEAD_BYTES);
    let mut bytes = Vec::new();
    let answer = session.fetcher.fetch(&wanted, &mut bytes, Retries::None);
    matches!(answer, Ok(Fetched::File(_))) && bytes != remote.bytes
}

/// Warns of the mirrors that failed before another one could be used.
fn warn_of_unused(session: &Session<'_>, errors: &[Error]) {
    for error in errors {
        session.warnings.add(format!("{}; another mirror was used", error.to_chain()));
    }
}

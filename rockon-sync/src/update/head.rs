//! The head of a v2 tree: asked for at one mirror, and checked.

use std::path::Path;

use super::ask::{Index, Remote};
use super::current::Current;
use super::keys::{self, ListsAt};
use super::mirrors::Mirrors;
use super::mode::Mode;
use super::session::Session;
use super::updater::{Freshness, Rollback};
use crate::base::digest::Digest;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::files::is_absent;
use crate::base::limits::MAX_HEAD_BYTES;
use crate::base::time::Timestamp;
use crate::net::fetch::{Fetched, Retries, Wanted};
use crate::net::location::Location;
use crate::net::transport::Validators;
use crate::tree::head::Head;
use crate::tree::note::TrustedKeys;

/// The answer of one mirror.
pub(super) enum HeadAnswer {
    Head(Box<Remote>),
    /// An older head than this one, which the store knows.
    Stale(Head),
    /// No head: a v1 tree, if it is one at all.
    Missing,
    /// A head that was rejected at another mirror.
    Rejected,
}

/// The values that are the same for every mirror.
#[derive(Clone, Copy)]
pub(super) struct Asking<'a> {
    pub(super) session: &'a Session<'a>,
    pub(super) current: &'a Current,
    /// Heads that led nowhere at another mirror.
    pub(super) rejected: &'a [Vec<u8>],
    pub(super) retries: Retries,
}

/// Asks one mirror for its head, and, if it has none, for that of a tree that was published in
/// place. Adds the key lists that it leads to to `keys`.
pub(super) fn ask(
    asking: Asking<'_>,
    keys: &mut TrustedKeys,
    mirror: &Location,
) -> Result<HeadAnswer> {
    let Asking { session, current, .. } = asking;
    for location in [Some(mirror.clone()), mirror.published_in_place()].into_iter().flatten() {
        let answer = ask_at(asking, keys, &location)?;
        if !matches!(answer, HeadAnswer::Missing) {
            return Ok(answer);
        }
    }
    may_be_v1(session, current, mirror)
}

/// Asks for the head at one location. [`HeadAnswer::Missing`] is the status 404.
fn ask_at(asking: Asking<'_>, keys: &mut TrustedKeys, mirror: &Location) -> Result<HeadAnswer> {
    let Asking { session, current, rejected, retries } = asking;
    let address = mirror.head_address();
    let shown = address.to_string();
    let validators = head_validators(session, current, mirror);
    let wanted = Wanted {
        validators: validators.as_ref(),
        ..Wanted::plain(address.clone(), MAX_HEAD_BYTES)
    };
    let mut bytes = Vec::new();
    let (validators, moved_to) = match session.fetcher.fetch(&wanted, &mut bytes, retries)? {
        Fetched::Unchanged { .. } => {
            bytes.clone_from(current.head.as_ref().expect("validators speak of this head"));
            (validators.unwrap_or_default(), None)
        }
        Fetched::Missing(404) => return Ok(HeadAnswer::Missing),
        Fetched::Missing(status) => {
            let got = format!("expected a head, got status {status}");
            return Err(Error::new(ErrorKind::Status, got).with_url(shown));
        }
        Fetched::File(file) => {
            file.check_framed(&address)?;
            (file.validators, file.moved_to)
        }
    };
    if rejected.contains(&bytes) {
        return Ok(HeadAnswer::Rejected);
    }
    let at = |error: Error| match error.url() {
        None => error.with_url(&*shown),
        Some(_) => error,
    };
    // Before the signatures, to tell a page that is not a head from a head that nobody signed. It is
    // read no further than the signed text goes: up to an empty line.
    let head = Head::parse(&bytes).map_err(at)?;
    let own = moved_to
        .and_then(|target| mirror.moved(mirror.head_name(), &target))
        .unwrap_or_else(|| mirror.clone());
    // A directory answers for itself, with or without a network.
    let elsewhere = match (mirror.as_dir(), head.url()) {
        (None, Some(url)) => Some(session.source.opened(Location::of_head_url(url)?)),
        _ => None,
    };
    let first = elsewhere.into_iter().chain([own]).map(|mirror| (mirror, address.clone()));
    let others = session.source.opened_mirrors().into_iter();
    let others = others.map(|mirror| (mirror.clone(), mirror.head_address()));
    let mirrors = Mirrors::new(first.chain(others));
    let lists = ListsAt::Mirrors(&mirrors);
    *keys = keys::follow(session, keys, &head, &lists).map_err(at)?;
    let offered = Offered { head: &head, keys, shown: &shown };
    check_head(session, &bytes, &offered).map_err(at)?;
    let is_current = current.head.as_ref() == Some(&bytes);
    if !is_current && let Some(newer) = newer_head(session, current, &offered) {
        return Ok(HeadAnswer::Stale(newer));
    }
    Ok(HeadAnswer::Head(Box::new(Remote {
        index: Index::Head(head),
        bytes,
        is_current,
        keys: keys.clone(),
        mirrors,
        address,
        validators,
    })))
}

/// Fails unless a head is signed by the keys that it needs, and warns of one that has expired.
///
/// # Errors
/// [`ErrorKind::Trust`], [`ErrorKind::Expired`].
pub(super) fn check_head(session: &Session<'_>, bytes: &[u8], offered: &Offered<'_>) -> Result<()> {
    let Offered { head, keys, shown } = offered;
    keys.check_head(bytes, head.keys().unwrap_or(0))?;
    let now = Timestamp::from(session.clock.now());
    if let Some(expires) = head.expires().filter(|expires| *expires < now) {
        let expired = format!("the head expired at {expires}, and it is {now}");
        match session.options.freshness {
            Freshness::Require => return Err(Error::new(ErrorKind::Expired, expired)),
            Freshness::Warn => session.warnings.add(format!("{shown}: {expired}")),
        }
    }
    Ok(())
}

/// A head that a mirror offers.
pub(super) struct Offered<'a> {
    pub(super) head: &'a Head,
    /// The trusted keys, with the key lists up to the one that the head names.
    pub(super) keys: &'a TrustedKeys,
    /// The address in messages.
    pub(super) shown: &'a str,
}

/// The newest head that the store knows, if the offered one is older, or differs from it under the
/// same serial: one serial stands for one manifest, so that nobody who can replay heads has a
/// choice.
pub(super) fn newer_head(
    session: &Session<'_>,
    current: &Current,
    &Offered { head: offered, keys, shown }: &Offered<'_>,
) -> Option<Head> {
    if session.options.rollback == Rollback::Allow {
        return None;
    }
    let known = current.intact_head();
    let known = known.filter(|known| keys.bound_serials_of(known.keys().unwrap_or(0)));
    let floor = current.status.serial_floor;
    let floor = floor.filter(|_| keys.bound_serials_of(current.status.serial_floor_keys));
    let floor = floor.max(known.as_ref().and_then(Head::serial))?;
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
    if let Some(directory) = mirror.as_dir() {
        check_directory(directory)?;
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

/// Fails unless `directory` is a directory, or a link to one.
///
/// # Errors
/// [`ErrorKind::NotFound`] if there is none, [`ErrorKind::Transport`] if it cannot be examined.
fn check_directory(directory: &Path) -> Result<()> {
    let kind = match std::fs::metadata(directory) {
        Ok(metadata) if metadata.is_dir() => return Ok(()),
        Ok(_) => ErrorKind::NotFound,
        Err(error) if is_absent(&error) => ErrorKind::NotFound,
        Err(error) => {
            return Err(Error::new(ErrorKind::Transport, "cannot examine this directory")
                .with_path(directory)
                .with_source(error));
        }
    };
    Err(Error::new(kind, "expected the directory of a tree, found none").with_path(directory))
}

/// The validators to send when a mirror is asked for its head; `None` to get the head in any case.
fn head_validators(
    session: &Session<'_>,
    current: &Current,
    mirror: &Location,
) -> Option<Validators> {
    if session.options.mode == Mode::Full || mirror.identity().is_none() {
        return None;
    }
    // A time in whole seconds does not distinguish two heads, and a head is no larger than the
    // answer that it has not changed.
    let shown = mirror.head_address().to_string();
    let known = current.status.validators_of(&shown, current.head.as_deref())?;
    known.etag.is_some().then_some(Validators { last_modified: None, ..known })
}

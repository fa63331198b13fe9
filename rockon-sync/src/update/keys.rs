//! The key lists that a head leads to.

use std::path::Path;

use super::mirrors::{Failure, Mirrors};
use super::session::{Session, ends_the_update};
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::files::read_if_any;
use crate::base::limits::{MAX_KEY_LIST_BYTES, MAX_KEY_LISTS_AT_ONCE};
use crate::tree::head::Head;
use crate::tree::note::{TrustedKeys, list};

/// The place of key lists.
pub(super) enum ListsAt<'a> {
    /// At the mirrors, each of which is an alternative.
    Mirrors(&'a Mirrors),
    /// In this directory, beside a bundle.
    Dir(&'a Path),
}

/// Follows the key lists up to the one that a head names, one by one. Makes no request if that is
/// the known one, or if no key is trusted.
///
/// Given keys count as a list of version 0. If one of them has signed the list that the head names,
/// that is the first one: so a new machine needs neither an old key nor the old lists.
///
/// # Errors
/// [`ErrorKind::Trust`] if the head names an older list than the known one, or if a list is not
/// signed by enough root keys; what a mirror answers.
pub(super) fn follow(
    session: &Session<'_>,
    trusted: &TrustedKeys,
    head: &Head,
    lists: &ListsAt<'_>,
) -> Result<TrustedKeys> {
    let named = head.keys().unwrap_or(0);
    if trusted.is_empty() || named == trusted.version() {
        return Ok(trusted.clone());
    }
    let distance = trusted.distance_to(named)?;
    if trusted.version() == 0 && distance > 1 {
        match lists.next(session, trusted, named) {
            Ok(trusted) => return Ok(trusted),
            Err(error) if ends_the_update(&error) || distance > MAX_KEY_LISTS_AT_ONCE => {
                return Err(error);
            }
            Err(error) => log::info!("{}; asking for the first list", error.to_chain()),
        }
    }
    (trusted.version() + 1..=named)
        .try_fold(trusted.clone(), |trusted, version| lists.next(session, &trusted, version))
}

impl ListsAt<'_> {
    /// Reads the list with this version, and adds it to the keys.
    fn next(
        &self,
        session: &Session<'_>,
        trusted: &TrustedKeys,
        version: u64,
    ) -> Result<TrustedKeys> {
        let path = list::path_of(version);
        match self {
            ListsAt::Mirrors(mirrors) => mirrors
                .first(session, |mirror, retries| {
                    let address = mirror.address(&path);
                    let (mut bytes, max_bytes) = (Vec::new(), MAX_KEY_LIST_BYTES);
                    let fetcher = &session.fetcher;
                    match fetcher.fetch_framed(&address, max_bytes, &mut bytes, retries)? {
                        Ok(_) => trusted.with_list(&bytes, version),
                        Err(status) => {
                            let got = format!("expected a key list, got status {status}");
                            Err(Error::new(ErrorKind::Status, got))
                        }
                    }
                    .map_err(|error| error.with_url(address.to_string()))
                })
                .map_err(Failure::into_error),
            ListsAt::Dir(dir) => {
                let path = path.below(dir);
                let missing = || {
                    let expected = "expected a key list beside the bundle, found none";
                    Error::new(ErrorKind::Trust, expected).with_path(&path)
                };
                let bytes = read_if_any(session.store.files, &path, MAX_KEY_LIST_BYTES)?;
                let next = trusted.with_list(&bytes.ok_or_else(missing)?, version);
                next.map_err(|error| error.with_path(&path))
            }
        }
    }
}

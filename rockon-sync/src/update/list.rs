//! The list of a v1 tree: `root.json`, or the `*.json` files of a directory that has none.

use super::ask::{Index, Remote};
use super::current::Current;
use super::fetch::fetch_listed;
use super::mirrors::{Failure, Mirrors};
use super::mode::Mode;
use super::session::Session;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::limits::MAX_LIST_BYTES;
use crate::net::address::Address;
use crate::net::bare_directory::BareDirectory;
use crate::net::fetch::{Fetched, Retries, Wanted};
use crate::net::location::Location;
use crate::net::transport::Validators;
use crate::tree::manifest::List;

/// The list that one mirror has.
struct FoundList {
    listing: List,
    bytes: Vec<u8>,
    address: Address,
    validators: Validators,
    mirror: Location,
    /// A file that the mirror has: tells an outage from a single bad file.
    probe: Address,
}

/// Asks these mirrors, none of which has a head, for a list.
///
/// # Errors
/// The most telling one, if none has a list either.
pub(super) fn ask(
    session: &Session<'_>,
    current: &Current,
    mirrors: Vec<Location>,
) -> Result<Remote> {
    let known = match &current.generation {
        Some(generation) => generation.list_bytes(session.store.files)?,
        None => None,
    };
    let with_list = |mirror: Location| (mirror.clone(), mirror.list_address());
    let mirrors = Mirrors::new(mirrors.into_iter().map(with_list));
    let found = mirrors
        .first(session, |mirror, retries| {
            ask_one(session, current, known.as_deref(), &mirror.location, retries)
        })
        .map_err(Failure::into_error)?;
    // Files are first asked for where the list came from.
    let others = session.source.opened_mirrors().into_iter().map(with_list);
    Ok(Remote {
        is_current: known.as_ref() == Some(&found.bytes),
        index: Index::List(found.listing),
        bytes: found.bytes,
        address: found.address,
        validators: found.validators,
        keys: session.keys.clone(),
        mirrors: Mirrors::new([(found.mirror, found.probe)].into_iter().chain(others)),
    })
}

fn ask_one(
    session: &Session<'_>,
    current: &Current,
    known: Option<&[u8]>,
    mirror: &Location,
    retries: Retries,
) -> Result<FoundList> {
    let address = mirror.list_address();
    let shown = address.to_string();
    let validators = match (session.options.mode, mirror.identity()) {
        (Mode::Full, _) | (_, None) => None,
        _ => current.status.validators_of(&shown, known),
    };
    let wanted = Wanted {
        validators: validators.as_ref(),
        ..Wanted::plain(address.clone(), MAX_LIST_BYTES)
    };
    let mut bytes = Vec::new();
    let mut probe = address.clone();
    let answer = fetch_listed(session, &wanted, &mut bytes, retries)?;
    let validators = match (answer, known, mirror.as_dir()) {
        (Fetched::File(file), ..) => file.validators,
        (Fetched::Unchanged { .. }, Some(known), _) => {
            bytes = known.to_vec();
            validators.unwrap_or_default()
        }
        (Fetched::Unchanged { .. }, None, _) => unreachable!("validators speak of a known list"),
        (Fetched::Missing(_), _, Some(directory)) => {
            let found = BareDirectory::read(directory)?;
            bytes = found.listing.to_json();
            probe = mirror.address(&found.probe);
            found.warnings.into_iter().for_each(|warning| session.warnings.add(warning));
            Validators::default()
        }
        (Fetched::Missing(status), _, None) => {
            return Err(Error::new(
                ErrorKind::Status,
                format!("expected a catalog, got status {status} for root.sha and for root.json"),
            )
            .with_url(shown));
        }
    };
    let listing = List::parse(&bytes).map_err(|error| error.with_url(shown))?;
    Ok(FoundList { listing, bytes, address, validators, mirror: mirror.clone(), probe })
}

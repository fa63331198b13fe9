//! The files of a v1 tree: no digest vouches for them, so each is asked for with the validators of
//! the copy that is there, and checked before it is kept.

use std::collections::HashMap;
use std::sync::atomic::AtomicU64;

use super::{Errors, missing_file, run_jobs};
use crate::base::error::Result;
use crate::base::files::read_if_any;
use crate::base::limits::{MAX_FILE_BYTES, MAX_UNSIZED_FILE_BYTES};
use crate::base::path::EntryPath;
use crate::net::fetch::{Fetched, Retries, Sink, Wanted};
use crate::net::location::Location;
use crate::net::transport::Validators;
use crate::tree::manifest::{ETAG, Entry, LAST_MODIFIED, List, ListRow, MIRROR, Manifest};
use crate::update::mirrors::Mirror;
use crate::update::mode::Mode;
use crate::update::plan::Plan;
use crate::update::progress::Reporter;
use crate::update::session::{Context, Session};
use crate::update::steps::Sides;

/// A file to ask for.
struct FileRequest<'a> {
    row: &'a ListRow,
    /// The version in the current generation, if it is intact.
    previous: Option<&'a Entry>,
    /// A copy that may still be good, whose validators are sent: in staging, brought by an
    /// interrupted update, or that version.
    prior: Option<&'a Entry>,
}

/// Returns the validators of an entry. They mean nothing to another mirror than the one that gave
/// them.
fn validators_of(entry: &Entry, mirror: &Location) -> Option<Validators> {
    let given_by = entry.extra_string(MIRROR)?;
    (mirror.identity()? == given_by).then(|| Validators {
        etag: entry.extra_string(ETAG),
        last_modified: entry.extra_string(LAST_MODIFIED),
    })
}

/// Returns an entry with these validators. Nothing is remembered of a mirror that cannot be
/// recognized in a later update.
fn with_validators(entry: Entry, mirror: &Location, validators: &Validators) -> Entry {
    let mirror = mirror.identity().filter(|_| !validators.is_empty());
    if mirror.is_none() {
        return entry;
    }
    let fields =
        [(MIRROR, &mirror), (ETAG, &validators.etag), (LAST_MODIFIED, &validators.last_modified)];
    fields.into_iter().fold(entry, |entry, (name, value)| match value {
        Some(value) => entry.with_extra_string(name, value),
        None => entry,
    })
}

/// Asks for every file of the list. Returns the manifest of what will be there, in the order of the
/// list, with the previous version of each entry that failed.
pub(super) fn all(
    Context { session, remote, .. }: Context<'_>,
    progress: &mut Reporter<'_>,
    list: &List,
    plan: &Plan,
    sides: Sides<'_>,
) -> Result<(Manifest, Errors)> {
    let current = intact_entries(plan, sides)?;
    let staged = staged_entries(session, list)?;
    let requests = requests(session, list, &current, &staged);
    let mut entries: HashMap<&str, Entry> = HashMap::new();
    let mut errors = Errors::new();
    run_jobs(
        session,
        progress,
        &requests,
        None,
        |request, bytes_done| {
            remote.mirrors.first(session, |mirror, retries| {
                ask_for(session, mirror, retries, request, bytes_done)
            })
        },
        |request, result| match result {
            Ok(entry) => {
                entries.insert(&request.row.id, entry);
            }
            Err(error) => {
                log::warn!("{:?}: {}", request.row.id, error.to_chain());
                errors.insert(request.row.id.clone(), error);
            }
        },
    )?;
    let mut kept = Vec::with_capacity(requests.len());
    for request in &requests {
        match (entries.remove(&*request.row.id), request.previous) {
            (Some(entry), _) => kept.push(entry),
            (None, Some(previous)) => kept.push(previous.clone().with_id(&request.row.id)?),
            (None, None) => {}
        }
    }
    Ok((Manifest::from_entries(kept)?, errors))
}

/// Returns the current entries with intact files, by path: the id of a file may have changed.
fn intact_entries(plan: &Plan, sides: Sides<'_>) -> Result<HashMap<EntryPath, Entry>> {
    let mut entries = HashMap::new();
    let mut steps = plan.steps(sides)?;
    while let Some(step) = steps.next()? {
        if let Some(row) = step.intact() {
            let entry = row.entry()?;
            entries.insert(entry.path().clone(), entry);
        }
    }
    Ok(entries)
}

/// Returns the entries of the files that an interrupted update has brought, by path.
fn staged_entries(session: &Session<'_>, list: &List) -> Result<HashMap<EntryPath, Entry>> {
    let staging = &session.store.staging;
    let saved = staging.take_entries()?.into_iter();
    let mut saved: HashMap<EntryPath, Entry> =
        saved.map(|entry| (entry.path().clone(), entry)).collect();
    let mut staged = HashMap::new();
    for row in list.rows() {
        if let Some(entry) = saved.remove(&row.path)
            && staging.has(entry.digest())?
        {
            staging.save_entry(&entry)?;
            staged.insert(row.path.clone(), entry);
        }
    }
    Ok(staged)
}

fn requests<'a>(
    session: &Session<'_>,
    list: &'a List,
    current: &'a HashMap<EntryPath, Entry>,
    staged: &'a HashMap<EntryPath, Entry>,
) -> Vec<FileRequest<'a>> {
    let request = |row: &'a ListRow| {
        let previous = current.get(&row.path);
        let usable = previous.filter(|_| session.options.mode != Mode::Full);
        FileRequest { row, previous, prior: staged.get(&row.path).or(usable) }
    };
    list.rows().iter().map(request).collect()
}

/// Asks one mirror for one file.
fn ask_for(
    session: &Session<'_>,
    mirror: &Mirror,
    retries: Retries,
    request: &FileRequest<'_>,
    bytes_done: &AtomicU64,
) -> Result<Entry> {
    let row = request.row;
    let address = mirror.address(&row.path);
    let shown = address.to_string();
    let prior = request.prior.and_then(|entry| {
        let validators = validators_of(entry, &mirror.location)?;
        Some((entry, validators))
    });
    let wanted = Wanted {
        validators: prior.as_ref().map(|(_, validators)| validators),
        ..Wanted::plain(address, MAX_UNSIZED_FILE_BYTES)
    };
    let staging = &session.store.staging;
    let mut part = staging.begin()?.counted(bytes_done);
    match (fetch_listed(session, &wanted, &mut part, retries)?, &prior) {
        (Fetched::Unchanged { .. }, Some((entry, _))) => (*entry).clone().with_id(&row.id),
        (Fetched::Unchanged { .. }, None) => unreachable!("no validators were sent"),
        (Fetched::Missing(status), _) => Err(missing_file(status, shown)),
        (Fetched::File(file), _) => {
            let bytes = read_if_any(session.store.files, part.path(), MAX_FILE_BYTES)?;
            let bytes = bytes.unwrap_or_default();
            let entry = Entry::new(&*row.id, row.path.clone(), file.digest)?;
            let entry = (session.accept)(entry.with_size(bytes.len() as u64), &bytes)
                .map_err(|error| error.with_url(&*shown))?;
            let entry = with_validators(entry, &mirror.location, &file.validators);
            part.keep(file.digest)?;
            staging.save_entry(&entry)?;
            Ok(entry)
        }
    }
}

/// Fetches a list, or a file of one: its validators are all that vouches for the local copy.
///
/// A redirect may lead to another server the next time. So the validators of a file behind one are
/// not remembered, and a 304 from behind one is not believed.
pub(in crate::update) fn fetch_listed(
    session: &Session<'_>,
    wanted: &Wanted<'_>,
    sink: &mut dyn Sink,
    retries: Retries,
) -> Result<Fetched> {
    let mut fetched = session.fetcher.fetch(wanted, sink, retries)?;
    if let Fetched::Unchanged { moved_to: Some(_) } = fetched {
        let unconditional = Wanted::plain(wanted.address.clone(), wanted.max_bytes);
        fetched = session.fetcher.fetch(&unconditional, sink, retries)?;
    }
    if let Fetched::File(file) = &mut fetched
        && file.moved_to.is_some()
    {
        file.validators = Validators::default();
    }
    Ok(fetched)
}

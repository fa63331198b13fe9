//! The files of a v1 tree: no digest vouches for them, so each is asked for with the validators of
//! the copy that is there, and checked before it is kept.

use std::collections::HashMap;
use std::sync::atomic::AtomicU64;

use super::{Errors, missing_file, run_jobs};
use crate::base::digest::Digest;
use crate::base::error::Result;
use crate::base::files::read_if_any;
use crate::base::limits::{MAX_FILE_BYTES, MAX_UNSIZED_FILE_BYTES};
use crate::base::path::EntryPath;
use crate::net::fetch::{Fetched, Retries, Sink, Wanted};
use crate::net::location::Location;
use crate::net::transport::Validators;
use crate::store::StagedValidators;
use crate::tree::manifest::{ETAG, Entry, LAST_MODIFIED, List, ListRow, MIRROR, Manifest};
use crate::update::mirrors::Mirror;
use crate::update::mode::Mode;
use crate::update::plan::{Plan, Sides};
use crate::update::progress::Reporter;
use crate::update::session::{Context, Session};

/// A file to ask for.
struct FileRequest<'a> {
    row: &'a ListRow,
    /// The version in the current generation, if it is intact.
    previous: Option<&'a Entry>,
    /// The copy whose validators are sent.
    prior: Option<Prior<'a>>,
}

/// A copy of the file that may still be good.
enum Prior<'a> {
    /// In the current generation.
    Current(&'a Entry),
    /// In staging, brought by an interrupted update.
    Staged(StagedValidators),
}

/// The validators of a file, and the mirror that gave them: they mean nothing to any other.
#[derive(Default)]
struct GivenValidators {
    mirror: Option<String>,
    validators: Validators,
}

impl GivenValidators {
    /// Nothing is remembered of a mirror that cannot be recognized in a later update.
    fn new(mirror: &Location, validators: Validators) -> Self {
        match mirror.identity() {
            Some(mirror) if !validators.is_empty() => {
                GivenValidators { mirror: Some(mirror), validators }
            }
            _ => GivenValidators::default(),
        }
    }

    /// The entry with these validators.
    fn note_in(&self, entry: Entry) -> Entry {
        let GivenValidators { mirror, validators } = self;
        let fields = [
            (MIRROR, mirror),
            (ETAG, &validators.etag),
            (LAST_MODIFIED, &validators.last_modified),
        ];
        fields.into_iter().fold(entry, |entry, (name, value)| match value {
            Some(value) => entry.with_extra_string(name, value),
            None => entry,
        })
    }
}

impl Prior<'_> {
    fn validators(&self) -> GivenValidators {
        match self {
            Prior::Current(entry) => GivenValidators {
                mirror: entry.extra_string(MIRROR),
                validators: Validators {
                    etag: entry.extra_string(ETAG),
                    last_modified: entry.extra_string(LAST_MODIFIED),
                },
            },
            Prior::Staged(seen) => {
                GivenValidators { mirror: seen.mirror.clone(), validators: seen.validators() }
            }
        }
    }

    /// True if `mirror` gave the validators.
    fn is_from(&self, mirror: &Location) -> bool {
        mirror.identity().is_some_and(|identity| self.validators().mirror == Some(identity))
    }
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
    let requests = requests(session, list, &current)?;
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

fn requests<'a>(
    session: &Session<'_>,
    list: &'a List,
    current: &'a HashMap<EntryPath, Entry>,
) -> Result<Vec<FileRequest<'a>>> {
    let staging = &session.store.staging;
    let mut seen: HashMap<String, StagedValidators> = HashMap::new();
    for line in staging.take_validators()? {
        seen.insert(line.path.clone(), line);
    }
    let mut requests = Vec::with_capacity(list.rows().len());
    for row in list.rows() {
        let previous = current.get(&row.path);
        let mut prior = None;
        if let Some(seen) = seen.remove(row.path.as_str())
            && staging.has(seen.digest)?
        {
            prior = Some(Prior::Staged(seen));
        } else if session.options.mode != Mode::Full {
            prior = previous.map(Prior::Current);
        }
        requests.push(FileRequest { row, previous, prior });
    }
    Ok(requests)
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
    let prior = request.prior.as_ref().filter(|prior| prior.is_from(mirror.location()));
    let given = prior.map(Prior::validators);
    let wanted = Wanted {
        validators: given.as_ref().map(|given| &given.validators),
        ..Wanted::plain(address, MAX_UNSIZED_FILE_BYTES)
    };
    let staging = &session.store.staging;
    let mut part = staging.begin()?.counted(bytes_done);
    match (fetch_listed(session, &wanted, &mut part, retries)?, prior) {
        (Fetched::Unchanged { .. }, Some(Prior::Current(entry))) => {
            (*entry).clone().with_id(&row.id)
        }
        (Fetched::Unchanged { .. }, Some(prior @ Prior::Staged(seen))) => {
            let path = staging.path(seen.digest);
            let bytes = read_if_any(session.store.files, &path, MAX_FILE_BYTES)?;
            staging.save_validators(seen)?;
            accepted(session, row, seen.digest, &bytes.unwrap_or_default(), &prior.validators())
        }
        (Fetched::File(file), _) => {
            let bytes = read_if_any(session.store.files, part.path(), MAX_FILE_BYTES)?;
            let given = GivenValidators::new(mirror.location(), file.validators);
            let entry = accepted(session, row, file.digest, &bytes.unwrap_or_default(), &given)
                .map_err(|error| error.with_url(&*shown))?;
            part.keep(file.digest)?;
            let GivenValidators { mirror, validators } = given;
            staging.save_validators(&StagedValidators::new(
                &row.path,
                file.digest,
                mirror,
                &validators,
            ))?;
            Ok(entry)
        }
        (Fetched::Missing(status), _) => Err(missing_file(status, shown)),
        (Fetched::Unchanged { .. }, None) => unreachable!("no validators were sent"),
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

/// The entry of a file that passes the check, with what the server said about it.
fn accepted(
    session: &Session<'_>,
    row: &ListRow,
    digest: Digest,
    bytes: &[u8],
    given: &GivenValidators,
) -> Result<Entry> {
    let entry = Entry::new(&*row.id, row.path.clone(), digest)?.with_size(bytes.len() as u64);
    Ok(given.note_in((session.accept)(entry, bytes)?))
}

//! Brings the files that a plan asks for into staging: packs first, then single files.
//!
//! | file | job |
//! |---|---|
//! | `packs.rs` | downloads packs, or the rest of one, and takes the manifest out of them |
//! | `offers.rs` | which pack is worth its bytes |
//! | `unpack.rs` | from a pack into staging, through verification |
//! | `listed.rs` | files of a v1 tree, which no digest vouches for |

mod listed;
mod offers;
mod packs;
mod unpack;

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};

use super::ask::Index;
use super::current::CurrentManifest;
use super::manifest::{FoundManifest, ManifestFile};
use super::mirrors::{Failure, Mirrors};
use super::plan::{Plan, RemoteManifest, Reuse};
use super::progress::Reporter;
use super::report::FailedEntry;
use super::session::{Context, Session, is_missing_at_mirror, may_be_an_outage};
use crate::base::digest::Digest;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::limits::{MAX_CONNECTIONS, MAX_FILE_BYTES};
use crate::base::path::EntryPath;
use crate::base::workers::{self, Done, Event};
use crate::net::address::Address;
use crate::net::fetch::{Fetched, Retries, Wanted};
use crate::tree::manifest::{Entry, Manifest};
pub(super) use listed::fetch_listed;
pub(super) use packs::Packs;
pub(super) use unpack::copy_from_pack;

/// The parts of the next generation.
pub(super) struct Staged {
    /// Each entry with the digest of the file that will be there: the remote manifest, with the
    /// previous version of each entry that failed.
    pub(super) manifest: Manifest,
    /// The differences between the current manifest and this one.
    pub(super) plan: Plan,
    /// The place of the file of the remote manifest or list.
    pub(super) file: ManifestFile,
    pub(super) failed: Vec<FailedEntry>,
    /// The first error of a file that the mirrors should have.
    pub(super) missing: Option<Error>,
}

/// A file with a known digest.
pub(super) struct FileToFetch<'a> {
    pub(super) path: &'a EntryPath,
    pub(super) digest: Digest,
    pub(super) max_bytes: u64,
    /// The directory of the tree that has files under their digests.
    pub(super) objects: Option<&'a EntryPath>,
}

/// Errors by the id of their entry.
type Errors = HashMap<String, Error>;

/// Fetches what `plan` asks for.
///
/// # Errors
/// Errors that end the update: above all an outage of every mirror. An entry that fails alone is in
/// [`Staged::failed`].
pub(super) fn all(
    context: Context<'_>,
    progress: &mut Reporter<'_>,
    found: FoundManifest,
    plan: Plan,
) -> Result<Staged> {
    let Context { local, remote, .. } = context;
    let head = match &remote.index {
        Index::Head(head) => head,
        Index::List(list) => {
            let (manifest, errors) = listed::all(context, progress, list, &plan)?;
            return Ok(staged_with(local, manifest, found.file, failures(&errors, list.ids())));
        }
    };
    let FoundManifest { manifest, file, packs } = found;
    let staged = packs.bring_files(context, progress, head, &manifest, &plan)?;
    let errors = fetch_files(context, progress, head.by_sha(), &plan, &staged)?;
    if errors.is_empty() {
        return Ok(Staged { manifest, plan, file, failed: Vec::new(), missing: None });
    }
    let failed = failures(&errors, manifest.entries().iter().map(Entry::id));
    let (_, first) = errors.iter().find(|(id, _)| **id == failed[0].id).expect("it has failed");
    if remote.mirrors.is_empty() {
        return Err(first.duplicate());
    }
    let missing = errors.values().find(|error| is_missing(error)).map(Error::duplicate);
    let kept = with_previous_versions(&manifest, &plan, &errors)?;
    Ok(Staged { missing, ..staged_with(local, kept, file, failed) })
}

/// The parts of a generation in which some entries may have failed.
fn staged_with(
    local: &CurrentManifest,
    manifest: Manifest,
    file: ManifestFile,
    failed: Vec<FailedEntry>,
) -> Staged {
    let remote = RemoteManifest::Manifest(&manifest);
    let plan = Plan::between(&local.manifest, &local.damage.entries, remote, Reuse::Intact);
    Staged { manifest, plan, file, failed, missing: None }
}

/// The manifest of what will be there: the previous version of each entry that failed, if any.
fn with_previous_versions(manifest: &Manifest, plan: &Plan, errors: &Errors) -> Result<Manifest> {
    let version_to_keep = |entry: &Entry| match errors.contains_key(entry.id()) {
        false => Some(entry.clone()),
        true => Some(plan.step(entry.id())?.intact()?.clone().moved_to(entry)),
    };
    Manifest::from_entries(manifest.entries().iter().filter_map(version_to_keep).collect())
}

/// The entries that failed, in the order of `ids`.
fn failures<'a>(errors: &Errors, ids: impl Iterator<Item = &'a str>) -> Vec<FailedEntry> {
    ids.filter_map(|id| Some(FailedEntry::new(id, errors.get(id)?))).collect()
}

/// True if the mirrors should have the file that this error is about.
fn is_missing(error: &Error) -> bool {
    error.kind() == ErrorKind::Integrity || is_missing_at_mirror(error) || may_be_an_outage(error)
}

/// Fetches the files of a plan that packs have not brought.
fn fetch_files(
    Context { session, remote, .. }: Context<'_>,
    progress: &mut Reporter<'_>,
    objects: Option<&EntryPath>,
    plan: &Plan,
    staged: &HashSet<Digest>,
) -> Result<Errors> {
    // Entries with the same bytes are served by one file.
    let mut ids: HashMap<Digest, Vec<&str>> = HashMap::new();
    let mut jobs: Vec<&Entry> = Vec::new();
    for entry in plan.fetched().filter(|entry| !staged.contains(&entry.digest())) {
        let same = ids.entry(entry.digest()).or_default();
        if same.is_empty() {
            jobs.push(entry);
        }
        same.push(entry.id());
    }
    let mut errors = Errors::new();
    if jobs.is_empty() && !staged.is_empty() {
        return Ok(errors);
    }
    let bytes_total = jobs.iter().map(|entry| entry.size_bytes()).sum();
    run_jobs(
        session,
        progress,
        &jobs,
        bytes_total,
        |entry, bytes_done| fetch_entry(session, &remote.mirrors, objects, entry, bytes_done),
        |entry, result| {
            if let Err(error) = result {
                log::warn!("{:?}: {}", entry.id(), error.to_chain());
                for id in &ids[&entry.digest()] {
                    errors.insert((*id).to_owned(), error.duplicate());
                }
            }
        },
    )?;
    Ok(errors)
}

/// Puts the file of an entry into staging, unless it is there.
fn fetch_entry(
    session: &Session<'_>,
    mirrors: &Mirrors,
    objects: Option<&EntryPath>,
    entry: &Entry,
    bytes_done: &AtomicU64,
) -> Result<(), Failure> {
    let (digest, max_bytes) = (entry.digest(), entry.max_bytes());
    if session.store.staging.has(digest).map_err(Failure::Update)? {
        bytes_done.fetch_add(entry.size_bytes().unwrap_or(0), Ordering::Relaxed);
        return Ok(());
    }
    if max_bytes > MAX_FILE_BYTES {
        let message = format!("expected at most {MAX_FILE_BYTES} bytes, got a file of {max_bytes}");
        let error = Error::new(ErrorKind::Limit, message);
        return Err(Failure::Request(match mirrors.best() {
            Some(mirror) => error.with_url(mirror.address(entry.path()).to_string()),
            None => error,
        }));
    }
    let file = FileToFetch { path: entry.path(), digest, max_bytes, objects };
    fetch_into_staging(session, mirrors, &file, bytes_done)
}

/// Fetches a file with a known digest into staging: by digest where the tree has objects, else by
/// name.
pub(super) fn fetch_into_staging(
    session: &Session<'_>,
    mirrors: &Mirrors,
    file: &FileToFetch<'_>,
    bytes_done: &AtomicU64,
) -> Result<(), Failure> {
    if mirrors.is_empty() {
        return Err(Failure::Request(Error::new(
            ErrorKind::Integrity,
            format!("{} is not in the bundle", file.path),
        )));
    }
    let object = file
        .objects
        .and_then(|directory| EntryPath::new(format!("{directory}/{}", file.digest)).ok());
    mirrors.first(session, |mirror, retries| {
        let object = object.as_ref().filter(|_| !mirror.lacks_objects());
        let by_digest =
            object.map(|path| download(session, mirror.address(path), retries, file, bytes_done));
        let by_digest = match by_digest {
            Some(Err(error))
                if error.kind() == ErrorKind::Integrity || is_missing_at_mirror(&error) =>
            {
                log::info!("{}", error.to_chain());
                Some(error)
            }
            Some(other) => return other,
            None => None,
        };
        let by_name = download(session, mirror.address(file.path), retries, file, bytes_done);
        match (by_digest, by_name) {
            (Some(error), Ok(())) => {
                if is_missing_at_mirror(&error) {
                    mirror.note_lack_of_objects();
                }
                Ok(())
            }
            // Wrong bytes say more than a missing file.
            (Some(error), Err(second))
                if error.kind() == ErrorKind::Integrity && !may_be_an_outage(&second) =>
            {
                Err(error)
            }
            (_, by_name) => by_name,
        }
    })
}

fn download(
    session: &Session<'_>,
    address: Address,
    retries: Retries,
    file: &FileToFetch<'_>,
    bytes_done: &AtomicU64,
) -> Result<()> {
    let shown = address.to_string();
    let wanted = Wanted { digest: Some(file.digest), ..Wanted::plain(address, file.max_bytes) };
    let mut part = session.store.staging.begin()?.counted(bytes_done);
    match session.fetcher.fetch(&wanted, &mut part, retries)? {
        Fetched::File(_) => part.keep(file.digest),
        Fetched::Missing(status) => Err(missing_file(status, shown)),
        Fetched::Unchanged { .. } => unreachable!("no validators were sent"),
    }
}

fn missing_file(status: u16, shown: String) -> Error {
    Error::new(ErrorKind::Status, format!("expected a file, got status {status}")).with_url(shown)
}

/// Runs `work` for each job, several at a time, and reports progress. `work` adds the bytes to its
/// counter as they come.
///
/// # Errors
/// The first [`Failure::Update`]; jobs under way are waited for.
fn run_jobs<J: Sync, R: Send>(
    session: &Session<'_>,
    progress: &mut Reporter<'_>,
    jobs: &[J],
    bytes_total: Option<u64>,
    work: impl Fn(&J, &AtomicU64) -> Result<R, Failure> + Sync,
    mut done: impl FnMut(&J, Result<R>),
) -> Result<()> {
    // Another mirror may have been tried before.
    session.stop.store(false, Ordering::Relaxed);
    progress.begin_fetching(jobs.len() as u64, bytes_total);
    let bytes_done = AtomicU64::new(0);
    let work = |job: &J| match work(job, &bytes_done) {
        Err(Failure::Update(error)) => Done::Abort(error),
        Err(Failure::Request(error)) => Done::Result(Err(error)),
        Ok(result) => Done::Result(Ok(result)),
    };
    workers::run(jobs, MAX_CONNECTIONS, session.stop, work, |event| {
        if let Event::Done(job, result) = event {
            progress.progress.files_done += 1;
            done(job, result);
        }
        progress.progress.bytes_done = bytes_done.load(Ordering::Relaxed);
        progress.report();
        // The threads check for cancellation: they can name the file.
        Ok(())
    })
}

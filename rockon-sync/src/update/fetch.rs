//! Brings the files that a plan asks for into staging: packs first, then single files.
//!
//! | file | job |
//! |---|---|
//! | `packs.rs` | downloads packs, or the rest of one, and takes the manifest out of them |
//! | `first.rs` | a first sync: from a bundle into the next generation |
//! | `offers.rs` | which pack is worth its bytes |
//! | `unpack.rs` | from a pack into staging, through verification |
//! | `listed.rs` | files of a v1 tree, which no digest vouches for |

mod first;
mod listed;
mod offers;
mod packs;
mod unpack;

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};

use super::ask::Index;
use super::manifest::{FoundManifest, ManifestFile};
use super::mirrors::{Failure, Mirrors};
use super::plan::Plan;
use super::progress::Reporter;
use super::report::FailedEntry;
use super::rows::{ManifestOnDisk, keep_manifest, keep_rows};
use super::session::{Context, Session, is_missing_at_mirror, may_be_an_outage};
use super::steps::{Action, RemoteManifest, Reuse, Sides};
use crate::base::digest::Digest;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::limits::{MAX_CONNECTIONS, MAX_FILE_BYTES, MAX_UNSIZED_FILE_BYTES};
use crate::base::path::EntryPath;
use crate::base::workers::{self, Done, Event};
use crate::net::address::Address;
use crate::net::fetch::{Fetched, Retries, Wanted};
use crate::store::{FileOrigin, StagedTree, cannot_keep};
use crate::tree::manifest::{Form, Row};
pub(super) use listed::fetch_listed;
pub(super) use packs::Packs;
pub(super) use unpack::copy_from_pack;

/// The parts of the next generation.
pub(super) struct Staged {
    /// Each entry with the digest of the file that will be there: the remote manifest, or the
    /// record.
    pub(super) manifest: ManifestOnDisk,
    /// The current manifest of the next generation, in staging, if it differs from the remote one:
    /// it has the previous version of each entry that failed.
    pub(super) record: Option<Digest>,
    /// The differences between the current manifest and this one.
    pub(super) plan: Plan,
    /// The tree that the next generation starts with, if any.
    pub(super) tree: Option<StagedTree>,
    /// The ids of the entries that were fetched outside of `tree`.
    pub(super) fetched: HashSet<String>,
    /// The place of the file of the remote manifest or list.
    pub(super) file: ManifestFile,
    /// The form of that file.
    pub(super) form: Form,
    pub(super) failed: Vec<FailedEntry>,
    /// The first error of a file that the mirrors should have.
    pub(super) missing: Option<Error>,
}

/// The result of unpacking.
struct Unpacked {
    tree: Option<StagedTree>,
    /// The files that no pack has brought.
    missing: Vec<MissingFile>,
}

impl Staged {
    /// Returns the place of the file of this entry, which was fetched.
    pub(super) fn origin(&self, row: Row<'_>) -> Result<FileOrigin> {
        Ok(match self.tree {
            Some(_) if !self.fetched.contains(row.id) => FileOrigin::Tree,
            _ => FileOrigin::Staging(row.digest()?),
        })
    }
}

/// The file of an entry, as far as an update fetches it.
struct MissingFile {
    id: String,
    path: EntryPath,
    digest: Digest,
    size_bytes: Option<u64>,
}

impl MissingFile {
    fn new(row: Row<'_>) -> Result<MissingFile> {
        let (path, digest, size_bytes) = (row.path()?, row.digest()?, row.size_bytes()?);
        Ok(MissingFile { id: row.id.to_owned(), path, digest, size_bytes })
    }

    /// Returns the limit of the file in bytes.
    fn max_bytes(&self) -> u64 {
        self.size_bytes.unwrap_or(MAX_UNSIZED_FILE_BYTES).min(MAX_FILE_BYTES)
    }
}

/// A file with a known digest.
pub(super) struct FileToFetch<'a> {
    pub(super) path: &'a EntryPath,
    pub(super) digest: Digest,
    pub(super) max_bytes: u64,
    /// The directory of the tree that has files under their digests.
    pub(super) objects: Option<&'a EntryPath>,
}

/// Errors by the id of their entry, in byte order.
type Errors = BTreeMap<String, Error>;

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
    let Context { session, local, remote } = context;
    let head = match &remote.index {
        Index::Head(head) => head,
        Index::List(list) => {
            let (manifest, errors) =
                local.compare(session, RemoteManifest::List(list), |sides| {
                    listed::all(context, progress, list, &plan, sides)
                })?;
            let failed = list.ids().filter_map(|id| Some(FailedEntry::new(id, errors.get(id)?)));
            let record = keep_manifest(session, &manifest)?;
            return staged_with(context, record, found.file, failed.collect());
        }
    };
    let FoundManifest { manifest, form, file, packs } = found;
    let Unpacked { tree, missing } = compare(context, &manifest, |sides| {
        packs.bring_files(context, progress, head, &plan, &manifest.source(session), sides)
    })?;
    let fetched = match tree {
        Some(_) => missing.iter().map(|file| file.id.clone()).collect(),
        None => HashSet::new(),
    };
    let errors = fetch_files(context, progress, head.by_sha(), missing)?;
    let Some(first) = errors.values().next() else {
        let (record, failed, missing) = (None, Vec::new(), None);
        return Ok(Staged { manifest, record, plan, tree, fetched, file, form, failed, missing });
    };
    if remote.mirrors.is_empty() {
        return Err(first.duplicate());
    }
    let missing = errors.values().find(|error| is_missing(error)).map(Error::duplicate);
    let record = compare(context, &manifest, |sides| {
        keep_previous_versions(session, &plan, sides, &errors)
    })?;
    let failed = errors.iter().map(|(id, error)| FailedEntry::new(id, error)).collect();
    Ok(Staged { missing, tree, fetched, form, ..staged_with(context, record, file, failed)? })
}

/// Compares the current manifest with `remote`.
fn compare<T>(
    Context { session, local, .. }: Context<'_>,
    remote: &ManifestOnDisk,
    act: impl FnOnce(Sides<'_>) -> Result<T>,
) -> Result<T> {
    local.compare(session, RemoteManifest::Rows(&remote.source(session), remote.differs), act)
}

/// Returns the parts of a generation in which some entries may have failed.
fn staged_with(
    context: Context<'_>,
    record: Digest,
    file: ManifestFile,
    failed: Vec<FailedEntry>,
) -> Result<Staged> {
    let manifest = ManifestOnDisk::staged(context.session, record);
    let plan = compare(context, &manifest, |sides| Plan::between(sides, Reuse::Intact))?;
    let (record, tree, fetched, missing) = (Some(record), None, HashSet::new(), None);
    let form = Form::Other;
    Ok(Staged { manifest, record, plan, tree, fetched, file, form, failed, missing })
}

/// Puts the manifest of what will be there into staging: the previous version of each entry that
/// failed, if any.
fn keep_previous_versions(
    session: &Session<'_>,
    plan: &Plan,
    sides: Sides<'_>,
    errors: &Errors,
) -> Result<Digest> {
    keep_rows(session, |rows| {
        let mut steps = plan.steps(sides)?;
        while let Some(step) = steps.next()? {
            let Some(wanted) = step.remote() else { continue };
            if !errors.contains_key(wanted.id) {
                rows.put(wanted.text).map_err(cannot_keep)?;
            } else if let Some(previous) = step.intact() {
                let kept = previous.entry()?.moved_to(&wanted.entry()?);
                rows.put_entry(&kept).map_err(cannot_keep)?;
            }
        }
        Ok(())
    })
}

/// True if the mirrors should have the file that this error is about.
fn is_missing(error: &Error) -> bool {
    error.kind() == ErrorKind::Integrity || is_missing_at_mirror(error) || may_be_an_outage(error)
}

/// Returns the files that a plan fetches.
fn missing_files(plan: &Plan, sides: Sides<'_>) -> Result<Vec<MissingFile>> {
    let mut missing = Vec::new();
    let mut steps = plan.changes(sides)?;
    while let Some(step) = steps.next()? {
        if let Action::Fetch(row) = step.action {
            missing.push(MissingFile::new(row)?);
        }
    }
    Ok(missing)
}

/// Fetches files one by one.
fn fetch_files(
    Context { session, remote, .. }: Context<'_>,
    progress: &mut Reporter<'_>,
    objects: Option<&EntryPath>,
    missing: Vec<MissingFile>,
) -> Result<Errors> {
    // Entries with the same bytes are served by one file.
    let mut ids: HashMap<Digest, Vec<String>> = HashMap::new();
    let mut jobs: Vec<MissingFile> = Vec::new();
    for file in missing {
        match ids.entry(file.digest) {
            Entry::Occupied(mut same) => same.get_mut().push(file.id),
            Entry::Vacant(first) => {
                first.insert(vec![file.id.clone()]);
                jobs.push(file);
            }
        }
    }
    let mut errors = Errors::new();
    if jobs.is_empty() {
        return Ok(errors);
    }
    let bytes_total = jobs.iter().map(|file| file.size_bytes).sum();
    run_jobs(
        session,
        progress,
        &jobs,
        bytes_total,
        |file, bytes_done| fetch_entry(session, &remote.mirrors, objects, file, bytes_done),
        |file, result| {
            if let Err(error) = result {
                log::warn!("{:?}: {}", file.id, error.to_chain());
                for id in &ids[&file.digest] {
                    errors.insert(id.clone(), error.duplicate());
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
    file: &MissingFile,
    bytes_done: &AtomicU64,
) -> Result<(), Failure> {
    let max_bytes = file.max_bytes();
    if session.store.staging.has(file.digest).map_err(Failure::Update)? {
        bytes_done.fetch_add(file.size_bytes.unwrap_or(0), Ordering::Relaxed);
        return Ok(());
    }
    if let Some(size_bytes) = file.size_bytes.filter(|size_bytes| *size_bytes > MAX_FILE_BYTES) {
        let message =
            format!("expected at most {MAX_FILE_BYTES} bytes, got a file of {size_bytes}");
        let error = Error::new(ErrorKind::Limit, message);
        return Err(Failure::Request(match mirrors.best() {
            Some(mirror) => error.with_url(mirror.address(&file.path).to_string()),
            None => error,
        }));
    }
    let file = FileToFetch { path: &file.path, digest: file.digest, max_bytes, objects };
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

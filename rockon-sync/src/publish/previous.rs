//! Brings the previous publication into the tree on disk, so that a publisher with an empty disk
//! writes the same bytes as one that has the whole tree.
//!
//! ```text
//! head -> history -> manifests -> objects -> packs -> key lists -> page -> named files
//!      -> head on disk
//! ```
//!
//! Objects that are in the catalog directory are copied from there. Everything else is fetched, and
//! compared with its digest. The head is written last: until then, the tree on disk is the one of
//! before, or none.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::{Duration, SystemTime};

use super::before::{History, MAX_HISTORY_BYTES, Record};
use super::keys;
use super::page::{self, Page};
use super::publisher::Publisher;
use super::sign::Signer;
use super::tree::{BY_SHA, HISTORY, Layout, Tree, foreign_file};
use super::write::StagedFile;
use crate::base::digest::Digest;
use crate::base::error::{Error, ErrorKind, IoContext, Result};
use crate::base::files::{
    RealFiles, Stat, digest_if_any, ensure_dirs, has_digest, read_if_any, remove_if_any, stage,
    stat_if_any, stat_target_if_any, write_atomically,
};
use crate::base::limits::{
    MAX_CONNECTIONS, MAX_HEAD_BYTES, MAX_KEY_LIST_BYTES, MAX_KEY_LISTS, MAX_MANIFEST_BYTES,
    MAX_PACK_BYTES,
};
use crate::base::path::EntryPath;
use crate::base::time::parse_http_date;
use crate::base::workers::{self, Done, Event};
use crate::net::address::Address;
use crate::net::fetch::{Fetched, Fetcher, Retries, TimeLimit, Wanted};
use crate::net::location::Location;
use crate::net::transport::Transport;
use crate::tree::head::Head;
use crate::tree::manifest::{Entry, Manifest};
use crate::tree::note::list;
use crate::tree::pack::PackName;

/// Time limit for the previous publication: twice the time for 9,000 files at half a second, six at
/// a time.
const TIMEOUT: Duration = Duration::from_secs(1_800);

/// Returns the address of a file of a tree.
type AddressOf<'a> = Box<dyn Fn(&EntryPath) -> Result<Address> + Sync + 'a>;

/// The previous publication, where a publisher reads it.
pub(super) struct PreviousTree<'a> {
    pub(super) transport: &'a dyn Transport,
    pub(super) head: EntryPath,
    /// The address of a file.
    pub(super) address: AddressOf<'a>,
    /// The location in messages.
    pub(super) shown: String,
    pub(super) role: Role,
}

/// A file that carries no digest, with its time, if it is known.
struct Undigested {
    bytes: Vec<u8>,
    modified: Option<SystemTime>,
}

/// The relation of the previous tree to the new one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// A copy, or the tree as it is served.
    Copy,
    /// The place where the new tree will be: what is not wanted any more must be deleted there.
    #[cfg_attr(not(feature = "s3"), expect(dead_code, reason = "directories lie on disk"))]
    Destination,
}

/// The files of a previous publication that carry no digest.
pub(super) struct PreviousHead {
    pub(super) bytes: Vec<u8>,
    /// The time of the file, if it is known.
    modified: Option<SystemTime>,
    head: Head,
    history: Option<(History, Vec<u8>)>,
}

/// Fetches the previous publication from a URL or a directory into `tree`.
///
/// # Errors
/// Those of [`find`] and [`bring`].
pub(super) fn restore(
    publisher: &Publisher<'_>,
    location: &Location,
    tree: &Tree<'_>,
    signer: &Signer,
    transport: &dyn Transport,
) -> Result<()> {
    let previous = PreviousTree::copy(location, tree.layout, transport)?;
    match find(publisher, &previous, signer)? {
        Some(found) => bring(publisher, &previous, &found, tree),
        None => tree.check_first(),
    }
}

/// Reads head and history. `None` for a first publication.
///
/// # Errors
/// [`ErrorKind::NotFound`] if there is no tree and the publication is not the first one;
/// [`ErrorKind::Argument`] if there is one and it is; [`ErrorKind::Trust`] for a head that the
/// signer must not continue; [`ErrorKind::Head`]; what the transport answers.
pub(super) fn find(
    publisher: &Publisher<'_>,
    previous: &PreviousTree<'_>,
    signer: &Signer,
) -> Result<Option<PreviousHead>> {
    let stop = AtomicBool::new(false);
    let fetcher = fetcher(publisher, previous.transport, &stop);
    let head = previous.fetch_without_digest(&fetcher, &previous.head, MAX_HEAD_BYTES)?;
    let history = previous.fetch_without_digest(&fetcher, &history_path(), MAX_HISTORY_BYTES)?;
    let at = |error: Error| error.with_url(previous.shown.clone());
    let Some(Undigested { bytes, modified }) = head else {
        return match history {
            Some(_) => Err(at(Error::new(
                ErrorKind::Head,
                format!("expected a head, found only {HISTORY}; restore {}", previous.head),
            ))),
            None => publisher.expect_first().map(|()| None).map_err(at),
        };
    };
    publisher.expect_further().map_err(at)?;
    let head = Head::parse(&bytes).map_err(at)?;
    if let Err(error) = signer.check_previous(&bytes, publisher.unsigned) {
        let list = previous.fetch_key_list(&fetcher, &head)?;
        match (&publisher.key_list, list) {
            (Some(given), Some((version, list))) => {
                keys::check_previous(given, &bytes, &list, version).map_err(at)?;
            }
            _ => return Err(at(error)),
        }
    }
    let history = history.map(|Undigested { bytes, .. }| match serde_json::from_slice(&bytes) {
        Ok(history) => Ok((history, bytes)),
        Err(error) => {
            let message = format!("expected the history of the tree in {HISTORY}");
            Err(at(Error::new(ErrorKind::Head, message).with_source(error)))
        }
    });
    Ok(Some(PreviousHead { bytes, modified, head, history: history.transpose()? }))
}

/// Completes `tree` with everything that the next publication needs of the previous one.
///
/// # Errors
/// [`ErrorKind::Head`] if the tree on disk is newer; [`ErrorKind::Store`], also for a file of
/// another program with a name that the tree needs; [`ErrorKind::Integrity`] for a file with
/// another digest; what the transport answers. A file that is missing is no error: the tree on disk
/// then lacks it too.
pub(super) fn bring(
    publisher: &Publisher<'_>,
    previous: &PreviousTree<'_>,
    found: &PreviousHead,
    tree: &Tree<'_>,
) -> Result<()> {
    let local = Local::read(tree)?;
    local.check_not_newer(&found.head, previous)?;
    for dir in [tree.objects(), tree.packs()] {
        ensure_dirs(tree.files, &dir)?;
    }
    match &found.history {
        Some((_, bytes)) => write_atomically(tree.files, &tree.history_path(), bytes)?,
        None => remove_if_any(tree.files, &tree.history_path())?,
    }
    let stop = AtomicBool::new(false);
    let fetcher = fetcher(publisher, previous.transport, &stop);
    let bringing = Bringing { publisher, previous, tree, fetcher: &fetcher, stop: &stop };
    let records = match &found.history {
        Some((history, _)) => history.with((&found.head).into()).records,
        None => vec![Record::from(&found.head)],
    };
    bringing.objects(records.iter().map(Object::of_manifest).collect())?;
    let manifests = records.iter().map(|record| tree.manifest(record.manifest));
    let manifests: Vec<Option<Manifest>> = manifests.collect::<Result<_>>()?;
    let kept = manifests.iter().flatten().take(publisher.keep);
    bringing.objects(kept.flat_map(Manifest::entries).map(Object::of_entry).collect())?;
    bringing.packs(&records)?;
    bringing.key_lists(found.head.keys().unwrap_or(0))?;
    bringing.page()?;
    if let Some(Some(manifest)) = manifests.first() {
        if tree.layout == Layout::Separate {
            bringing.named_files(manifest, &local)?;
        }
        let object = tree.object(found.head.digest());
        if let Some(bytes) = read_if_any(tree.files, &object, MAX_MANIFEST_BYTES)? {
            write_atomically(tree.files, &tree.manifest_path(), &bytes)?;
        }
    }
    if local.bytes.as_ref() != Some(&found.bytes) {
        tree.write_head(&found.bytes)?;
        // So that the next head gets a later time than this one has where it is served.
        if let Some(modified) = found.modified {
            let path = tree.head_path();
            tree.files.set_modified(&path, modified).on("set the time of", &path)?;
        }
    }
    let Bringing { fetcher, .. } = bringing;
    log::info!("previous tree: {} requests, {} bytes", fetcher.requests(), fetcher.wire_bytes());
    Ok(())
}

/// Returns a fetcher of the requests of a publication.
pub(super) fn fetcher<'a>(
    publisher: &'a Publisher<'_>,
    transport: &'a dyn Transport,
    stop: &'a AtomicBool,
) -> Fetcher<'a> {
    let time_limit = TimeLimit { started: publisher.clock.monotonic(), timeout: TIMEOUT };
    Fetcher::new(transport, publisher.clock, &publisher.cancel, time_limit, stop)
}

fn history_path() -> EntryPath {
    EntryPath::new(HISTORY).expect("a safe path")
}

impl<'a> PreviousTree<'a> {
    /// Returns the tree at this location.
    pub(super) fn copy(
        location: &'a Location,
        layout: Layout,
        transport: &'a dyn Transport,
    ) -> Result<PreviousTree<'a>> {
        let head = match location.names_head() {
            true => location.head_name(),
            false => layout.head_name(),
        };
        Ok(PreviousTree {
            transport,
            head: EntryPath::new(head)?,
            address: Box::new(|path| Ok(location.address(path))),
            shown: location.to_string(),
            role: Role::Copy,
        })
    }

    /// Fetches the key list that the head names, with its version; `None` if there is none.
    fn fetch_key_list(&self, fetcher: &Fetcher<'_>, head: &Head) -> Result<Option<(u64, Vec<u8>)>> {
        let Some(version) = head.keys() else { return Ok(None) };
        let path = list::path_of(version);
        let found = self.fetch_without_digest(fetcher, &path, MAX_KEY_LIST_BYTES)?;
        Ok(found.map(|Undigested { bytes, .. }| (version, bytes)))
    }

    /// Fetches a file that no digest vouches for; `None` if it is missing. One that may have been
    /// cut off is an error.
    fn fetch_without_digest(
        &self,
        fetcher: &Fetcher<'_>,
        path: &EntryPath,
        max_bytes: u64,
    ) -> Result<Option<Undigested>> {
        let address = (self.address)(path)?;
        let modified = match &address {
            Address::File(path) => stat_target_if_any(&RealFiles, path)?.and_then(Stat::modified),
            Address::Http(_) => None,
        };
        let mut bytes = Vec::new();
        let fetched = fetcher.fetch_framed(&address, max_bytes, &mut bytes, Retries::Usual)?;
        Ok(fetched.ok().map(|file| {
            let told = file.validators.last_modified.as_deref().and_then(parse_http_date);
            Undigested { bytes, modified: modified.or(told) }
        }))
    }
}

/// The tree that is on disk already.
struct Local {
    bytes: Option<Vec<u8>>,
    head: Option<Head>,
    manifest: Manifest,
}

impl Local {
    fn read(tree: &Tree<'_>) -> Result<Local> {
        let (bytes, head) = (tree.head_bytes()?, tree.head()?);
        if head.is_none() && History::load(tree.files, &tree.history_path())?.is_none() {
            tree.check_unclaimed()?;
        }
        let manifest = head.as_ref().map(|head| tree.manifest(head.digest())).transpose()?;
        Ok(Local { bytes, head, manifest: manifest.flatten().unwrap_or_default() })
    }

    /// Fails if the tree on disk is newer: its publication never arrived at the previous tree, or
    /// that is a stale copy.
    fn check_not_newer(&self, head: &Head, previous: &PreviousTree<'_>) -> Result<()> {
        let serial = |head: &Head| head.serial().unwrap_or(0);
        match &self.head {
            Some(local) if serial(local) > serial(head) => Err(Error::new(
                ErrorKind::Head,
                format!(
                    "the previous tree has serial {}, the tree on disk the newer serial {}; \
                     publish without a previous tree, or remove the tree on disk",
                    serial(head),
                    serial(local)
                ),
            )
            .with_url(previous.shown.clone())),
            _ => Ok(()),
        }
    }
}

/// An object to bring.
struct Object {
    digest: Digest,
    max_bytes: u64,
    /// Its path in the catalog directory, perhaps.
    path: Option<EntryPath>,
}

impl Object {
    fn of_manifest(record: &Record) -> Object {
        let max_bytes = record.size_bytes.map_or(MAX_MANIFEST_BYTES, |n| n.min(MAX_MANIFEST_BYTES));
        Object { digest: record.manifest, max_bytes, path: None }
    }

    fn of_entry(entry: &Entry) -> Object {
        let (digest, path) = (entry.digest(), Some(entry.path().clone()));
        Object { digest, max_bytes: entry.max_bytes(), path }
    }
}

/// A file to fetch.
struct Job {
    path: EntryPath,
    to: PathBuf,
    max_bytes: u64,
    digest: Option<Digest>,
}

struct Bringing<'a> {
    publisher: &'a Publisher<'a>,
    previous: &'a PreviousTree<'a>,
    tree: &'a Tree<'a>,
    fetcher: &'a Fetcher<'a>,
    stop: &'a AtomicBool,
}

impl Bringing<'_> {
    /// Brings the objects that are not on disk.
    fn objects(&self, wanted: Vec<Object>) -> Result<()> {
        let tree = self.tree;
        let mut jobs = BTreeMap::new();
        let mut copies: BTreeMap<Digest, StagedFile> = BTreeMap::new();
        let mut on_disk = BTreeSet::new();
        for Object { digest, max_bytes, path } in wanted {
            if copies.contains_key(&digest) || on_disk.contains(&digest) {
                continue;
            }
            if !jobs.contains_key(&digest) && tree.has_intact_object(digest)? {
                on_disk.insert(digest);
                continue;
            }
            let to = tree.object(digest);
            if let Some(file) = self.in_catalog(path.as_ref(), digest)? {
                let staged = tree.stage_object(&file, digest)?;
                copies.insert(digest, StagedFile { staged, path: to });
                continue;
            }
            let path = EntryPath::new(format!("{BY_SHA}/{digest}"))?;
            jobs.insert(digest, Job { path, to, max_bytes, digest: Some(digest) });
        }
        jobs.retain(|digest, _| !copies.contains_key(digest));
        let jobs: Vec<Job> = jobs.into_values().collect();
        self.fetch(&tree.objects(), &jobs, copies.into_values().collect())
    }

    /// Returns the file of the catalog directory with this path if it has this digest.
    fn in_catalog(&self, path: Option<&EntryPath>, digest: Digest) -> Result<Option<PathBuf>> {
        let Some(path) = path else { return Ok(None) };
        let file = path.below(&self.publisher.catalog);
        Ok(has_digest(self.tree.files, &file, digest)?.then_some(file))
    }

    /// Brings the packs of the newest publications, unless they are on disk in the right size.
    fn packs(&self, records: &[Record]) -> Result<()> {
        let mut jobs = Vec::new();
        let packs = records.iter().flat_map(|record| {
            record
                .packs
                .iter()
                .map(|pack| (PackName::new(pack.base.clone(), record.manifest), pack))
        });
        for (name, offer) in packs {
            let to = self.tree.packs().join(name.to_string());
            if !self.tree.has_pack(&name, offer.size_bytes)? {
                let max_bytes = offer.size_bytes.min(MAX_PACK_BYTES);
                jobs.push(Job { path: name.path(), to, max_bytes, digest: None });
            }
        }
        self.fetch(&self.tree.packs(), &jobs, Vec::new())
    }

    /// Brings the key lists up to this version that are not on disk.
    fn key_lists(&self, newest: u64) -> Result<()> {
        let mut jobs = Vec::new();
        for version in (1..=newest).rev().take(MAX_KEY_LISTS) {
            let (path, to) = (list::path_of(version), self.tree.key_list_path(version));
            if stat_if_any(self.tree.files, &to)?.is_none() {
                jobs.push(Job { path, to, max_bytes: MAX_KEY_LIST_BYTES, digest: None });
            }
        }
        if jobs.is_empty() {
            return Ok(());
        }
        ensure_dirs(self.tree.files, &self.tree.key_lists())?;
        self.fetch(&self.tree.key_lists(), &jobs, Vec::new())
    }

    /// Brings page and feed, which is written again with the same id.
    fn page(&self) -> Result<()> {
        let tree = self.tree;
        if self.publisher.page == Page::Omit && self.previous.role == Role::Copy {
            return Ok(());
        }
        for to in page::paths(tree) {
            let name = to.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if digest_if_any(tree.files, &to)?.is_none() {
                let path = EntryPath::new(name)?;
                let fetched =
                    self.previous.fetch_without_digest(self.fetcher, &path, MAX_PACK_BYTES)?;
                if let Some(Undigested { bytes, .. }) = fetched {
                    write_atomically(tree.files, &to, &bytes)?;
                }
            }
        }
        Ok(())
    }

    /// Fetches files into one directory of the tree, and renames them into place together with
    /// `staged`. Leaves out the missing ones.
    fn fetch(&self, dir: &Path, jobs: &[Job], mut staged: Vec<StagedFile>) -> Result<()> {
        let (previous, fetcher) = (self.previous, self.fetcher);
        let fetch = |job: &Job| -> Result<Option<Vec<u8>>> {
            let address = (previous.address)(&job.path)?;
            let wanted = Wanted { digest: job.digest, ..Wanted::plain(address, job.max_bytes) };
            let mut bytes = Vec::new();
            match fetcher.fetch(&wanted, &mut bytes, Retries::Usual)? {
                Fetched::File(_) => Ok(Some(bytes)),
                Fetched::Missing(status) => {
                    log::warn!("{}{}: status {status}", previous.shown, job.path);
                    Ok(None)
                }
                Fetched::Unchanged { .. } => unreachable!("no validators were sent"),
            }
        };
        let work = |job: &Job| fetch(job).map_or_else(Done::Abort, Done::Result);
        workers::run(jobs, MAX_CONNECTIONS, self.stop, work, |event| {
            if let Event::Done(Job { to, .. }, Some(bytes)) = event {
                let written = stage(self.tree.files, to, |file| file.write_all(&bytes))?;
                staged.push(StagedFile { staged: written, path: to.clone() });
            }
            Ok(())
        })?;
        if staged.is_empty() { Ok(()) } else { self.tree.rename_staged(dir, &staged) }
    }

    /// Puts the files of the previous manifest under their names, and removes those that only the
    /// tree on disk has.
    fn named_files(&self, manifest: &Manifest, local: &Local) -> Result<()> {
        let tree = self.tree;
        let own: BTreeMap<&EntryPath, Digest> =
            local.manifest.entries().iter().map(|old| (old.path(), old.digest())).collect();
        let mut dirs = BTreeSet::from([tree.dir.to_path_buf()]);
        for entry in manifest.entries() {
            let (path, digest) = (entry.path(), entry.digest());
            if !tree.has_object(digest, entry.size_bytes())? || tree.has_named(path, digest)? {
                continue;
            }
            let to = path.below(tree.dir);
            if digest_if_any(tree.files, &to)?.is_some() && !own.contains_key(path) {
                return Err(foreign_file(to));
            }
            tree.put_named(path, digest, &mut dirs)?;
        }
        let published: BTreeSet<&EntryPath> = manifest.entries().iter().map(Entry::path).collect();
        for (path, digest) in own {
            if !published.contains(path) && tree.has_named(path, digest)? {
                remove_if_any(tree.files, &path.below(tree.dir))?;
            }
        }
        dirs.iter().rev().try_for_each(|dir| tree.sync_dir(dir))
    }
}

//! Publishes to a directory in a bucket of an S3-compatible store.
//!
//! The pipeline runs on a temporary tree, which has what the next publication needs of the one in
//! the bucket. Then what differs is uploaded:
//!
//! ```text
//! objects, packs -> head -> manifest, named files, page -> deletions -> history
//! ```
//!
//! Names that determine their contents come before the head, all others after it. The head is
//! replaced only if it is still the one that was read. So a publisher that loses the race for the
//! head has changed nothing that a client reads; and whatever a head names is there, by its digest,
//! at any time.
//!
//! After the head, the bucket is listed again, and everything else is compared with the listing: a
//! run that was cut off is completed by the next one. Each file is replaced only if it is still the
//! one in the listing, and files are deleted only while the head is still the own one. Otherwise
//! another publisher was at work meanwhile; the one whose head is gone gives up.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use super::before::{History, overtaken};
use super::journal::Journal;
use super::previous::{self, PreviousTree, Role};
use super::publisher::{Extent, PublishSession, Publisher};
use super::report::PublishReport;
use super::sign::Signer;
use super::tree::{BY_SHA, HISTORY, Layout, NOT_FIRST, Tree};
use super::upload::{Listing, Remote, RemoteHead, Upload, etag_of, is_permanent};
use crate::base::digest::Digest;
use crate::base::error::{Error, ErrorKind, IoContext, Result};
use crate::base::files::{read_if_any, walk};
use crate::base::limits::MAX_FILE_BYTES;
use crate::base::path::EntryPath;
use crate::net::bucket::BucketDir;
use crate::net::fetch::{Changed, Condition};
use crate::net::transport::{DefaultTransport, HttpTransport};
use crate::tree::pack::{self, PackName};

/// Most attempts to bring the bucket into line while another publisher changes it.
const ROUNDS: usize = 5;

/// Publishes to `s3://BUCKET/PREFIX`.
///
/// # Errors
/// [`ErrorKind::Locked`] if another publisher replaces the head meanwhile; those of
/// [`Publisher::run`].
pub(super) fn publish(publisher: &Publisher<'_>, url: &str) -> Result<PublishReport> {
    let dir = BucketDir::open(url, &|name| std::env::var(name).ok())?;
    let (http, stop) = (HttpTransport::new(), AtomicBool::new(false));
    let work = tempfile::tempdir().on("create a directory", &std::env::temp_dir())?;
    let tree = Tree { files: publisher.files, dir: work.path(), layout: Layout::Separate };
    let signer = Signer::new(&publisher.sign_keys)?;
    let fetcher = previous::fetcher(publisher, &http, &stop);
    let remote = Remote { publisher, dir: &dir, http: &http, fetcher, stop: &stop };
    let name = EntryPath::new(tree.layout.head_name())?;
    let published = remote.head(&name)?;
    bring(&remote, &tree, &signer, published.as_ref())?;
    let journal = Journal::new(publisher.files, work.path());
    let session = Tree { files: &journal, ..tree };
    let session = PublishSession { options: publisher, tree: session, signer };
    let report = super::publish(&session)?;
    let destination = Destination {
        remote: &remote,
        tree: &tree,
        name: &name,
        head: tree.head_bytes()?.unwrap_or_default(),
        deleted: journal.deleted(),
    };
    let (written, deleted) = destination.update(published.as_ref())?;
    Ok(PublishReport { head: PathBuf::from(format!("{dir}{name}")), written, deleted, ..report })
}

/// Completes the temporary tree with the previous publication: that in the bucket, unless the
/// publisher names another copy.
fn bring(
    remote: &Remote<'_>,
    tree: &Tree<'_>,
    signer: &Signer,
    published: Option<&RemoteHead>,
) -> Result<()> {
    let Remote { publisher, dir, http, .. } = *remote;
    let default = DefaultTransport::new();
    let head = |name: &str| EntryPath::new(name);
    let of_copy;
    let of_bucket = |path: &EntryPath| dir.get(path);
    let previous = match &publisher.previous {
        Some(location) => {
            of_copy = move |path: &EntryPath| Ok(location.address(path));
            PreviousTree {
                transport: &default,
                head: head(location.head_name())?,
                address: &of_copy,
                shown: location.to_string(),
                role: Role::Copy,
            }
        }
        None => PreviousTree {
            transport: http,
            head: head(tree.layout.head_name())?,
            address: &of_bucket,
            shown: dir.to_string(),
            role: Role::Destination,
        },
    };
    let found = previous::find(publisher, &previous, signer)?;
    let at = |error: Error| error.with_url(dir.to_string());
    match (published, &found) {
        (Some(_), None) => return Err(at(Error::new(ErrorKind::Argument, NOT_FIRST))),
        (Some(published), Some(found)) if published.bytes != found.bytes => {
            return Err(match previous.role {
                Role::Destination => at(overtaken()),
                Role::Copy => at(Error::new(
                    ErrorKind::Head,
                    "the bucket has another head than the previous tree; continue the one in the \
                     bucket",
                )),
            });
        }
        _ => {}
    }
    found.map_or(Ok(()), |found| previous::bring(publisher, &previous, &found, tree))
}

/// The bucket, and the tree that it becomes.
struct Destination<'a> {
    remote: &'a Remote<'a>,
    tree: &'a Tree<'a>,
    /// The name of the head.
    name: &'a EntryPath,
    head: Vec<u8>,
    /// The files that the publication deleted from the tree.
    deleted: Vec<String>,
}

impl Destination<'_> {
    /// Brings the bucket into line with the tree. Returns the files that were uploaded and deleted.
    fn update(&self, published: Option<&RemoteHead>) -> Result<(Vec<String>, Vec<String>)> {
        let files = self.files()?;
        let mut written = BTreeSet::new();
        let is_new = published.is_none_or(|published| published.bytes != self.head);
        let is_dry = self.remote.publisher.extent == Extent::PlanOnly;
        let mut there = self.remote.list()?;
        if is_new {
            self.check_foreign(&there, &files, published)?;
            let missing = missing(&there, &files);
            written.extend(missing.iter().map(|upload| upload.path.clone()));
            written.insert(self.name.to_string());
            if !is_dry {
                self.remote.upload(self.tree, &missing)?;
                self.remote.put_head(self.name, self.head.clone(), published)?;
                there = self.remote.list()?;
            }
        }
        for _ in 0..ROUNDS {
            let missing = missing(&there, &files);
            let outdated = self.outdated(&there, &files)?;
            let extra = self.extra(&there, &files)?;
            written.extend(missing.iter().chain(&outdated).map(|upload| upload.path.clone()));
            if is_dry {
                return Ok((written.into_iter().collect(), extra));
            }
            self.remote.upload(self.tree, &missing)?;
            let (history, outdated): (Vec<_>, Vec<_>) =
                outdated.into_iter().partition(|upload| upload.path == HISTORY);
            if self.remote.upload(self.tree, &outdated)? == Changed::Done {
                if !extra.is_empty() {
                    self.check_own()?;
                    self.remote.delete(&extra)?;
                }
                if self.remote.upload(self.tree, &history)? == Changed::Done {
                    if is_new || !outdated.is_empty() {
                        self.check_own()?;
                    }
                    return Ok((written.into_iter().collect(), extra));
                }
            }
            self.check_own()?;
            there = self.remote.list()?;
        }
        Err(self.replaced())
    }

    /// Fails if the head is no longer the own one.
    fn check_own(&self) -> Result<()> {
        match self.remote.head(self.name)? {
            Some(head) if head.bytes == self.head => Ok(()),
            _ => Err(self.replaced()),
        }
    }

    fn replaced(&self) -> Error {
        Error::new(
            ErrorKind::Locked,
            "another publisher has changed the bucket before this publication was complete; run \
             it again",
        )
        .with_url(self.remote.dir.to_string())
    }

    /// The files of the tree with their sizes in bytes, without the head.
    fn files(&self) -> Result<BTreeMap<String, u64>> {
        let mut files = BTreeMap::new();
        walk(self.tree.files, self.tree.dir, &mut |path, stat| {
            let name = path.to_string_lossy().into_owned();
            let is_published = !name.split('/').any(|part| part.starts_with('.'));
            if is_published && name != self.name.as_str() {
                files.insert(name, stat.len_bytes);
            }
            Ok(())
        })?;
        Ok(files)
    }

    /// The other files that are not in the bucket as they are in the tree.
    fn outdated(&self, there: &Listing, files: &BTreeMap<String, u64>) -> Result<Vec<Upload>> {
        let mut outdated = Vec::new();
        for (path, len_bytes) in files.iter().filter(|(path, _)| !is_permanent(path)) {
            let condition = match there.get(path) {
                None => Condition::Missing,
                Some(listed) if listed.etag == self.etag(path)? => continue,
                Some(listed) => Condition::Unchanged(listed.etag.clone()),
            };
            outdated.push(Upload { path: path.clone(), len_bytes: *len_bytes, condition });
        }
        Ok(outdated)
    }

    /// The files in the bucket that the tree does not need: those that the publication deleted, and
    /// leftovers of a run that was cut off.
    fn extra(&self, there: &Listing, files: &BTreeMap<String, u64>) -> Result<Vec<String>> {
        let former = self.former()?;
        let is_own = |path: &str, etag: &str| match path.split_once('/') {
            Some((BY_SHA, name)) => name.parse::<Digest>().is_ok(),
            Some((pack::DIR, name)) => PackName::parse(name).is_some(),
            _ => {
                self.deleted.iter().any(|deleted| deleted == path)
                    || former.get(path).is_some_and(|etags| etags.contains(etag))
            }
        };
        let extra = there.iter().filter(|(path, listed)| {
            !files.contains_key(*path) && *path != self.name.as_str() && is_own(path, &listed.etag)
        });
        Ok(extra.map(|(path, _)| path.clone()).collect())
    }

    /// The named files of the kept publications, with the tags of their versions.
    fn former(&self) -> Result<BTreeMap<String, BTreeSet<String>>> {
        let mut former: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let tree = self.tree;
        let history = History::load(tree.files, &tree.history_path())?.unwrap_or_default();
        let mut etags = BTreeMap::new();
        for record in &history.records {
            let manifest = tree.manifest(record.manifest)?.unwrap_or_default();
            for entry in manifest.entries() {
                let digest = entry.digest();
                let etag = match etags.entry(digest) {
                    Entry::Occupied(known) => known.into_mut(),
                    Entry::Vacant(unknown) => {
                        let object = read_if_any(tree.files, &tree.object(digest), MAX_FILE_BYTES)?;
                        unknown.insert(object.map(|bytes| etag_of(&bytes)))
                    }
                };
                former.entry(entry.path().to_string()).or_default().extend(etag.clone());
            }
        }
        Ok(former)
    }

    /// Refuses to overwrite files that no publisher wrote. An interrupted publication leaves only
    /// files that the previous manifest or an object accounts for.
    fn check_foreign(
        &self,
        there: &Listing,
        files: &BTreeMap<String, u64>,
        published: Option<&RemoteHead>,
    ) -> Result<()> {
        let former = self.former()?;
        let objects: BTreeSet<&str> = there
            .iter()
            .filter(|(path, _)| is_permanent(path))
            .map(|(_, listed)| &*listed.etag)
            .collect();
        for path in files.keys().filter(|path| !is_permanent(path)) {
            let is_of_tree = published.is_some() && !former.contains_key(path);
            let Some(listed) = there.get(path).filter(|_| !is_of_tree) else { continue };
            let is_own = objects.contains(&*listed.etag)
                || former.get(path).is_some_and(|etags| etags.contains(&listed.etag));
            if !is_own && listed.etag != self.etag(path)? {
                let message =
                    "this file was not written by the publisher; refusing to overwrite it";
                return Err(Error::new(ErrorKind::Store, message)
                    .with_url(format!("{}{path}", self.remote.dir)));
            }
        }
        Ok(())
    }

    fn etag(&self, path: &str) -> Result<String> {
        let path = self.tree.dir.join(path);
        let bytes = read_if_any(self.tree.files, &path, u64::MAX)?;
        Ok(etag_of(&bytes.unwrap_or_default()))
    }
}

/// The permanent files that are not in the bucket.
fn missing(there: &Listing, files: &BTreeMap<String, u64>) -> Vec<Upload> {
    let permanent = files.iter().filter(|(path, _)| is_permanent(path));
    let missing = permanent.filter(|(path, len_bytes)| {
        there.get(*path).is_none_or(|listed| listed.len_bytes != **len_bytes)
    });
    let upload = |(path, len_bytes): (&String, &u64)| Upload {
        path: path.clone(),
        len_bytes: *len_bytes,
        condition: Condition::Any,
    };
    missing.map(upload).collect()
}

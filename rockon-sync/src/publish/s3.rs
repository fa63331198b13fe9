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
//! one in the listing, and deleted only while the head is still the own one. Otherwise another
//! publisher is writing; the one whose head is gone gives up.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use md5::{Digest as _, Md5};

use super::before::{History, overtaken};
use super::journal::Journal;
use super::previous::{self, PreviousTree, Role};
use super::publisher::{PublishSession, Publisher};
use super::report::PublishReport;
use super::sign::Signer;
use super::tree::{BY_SHA, HISTORY, Layout, NOT_FIRST, Tree};
use super::upload::{HEAD, Listing, Remote, RemoteHead, Upload, content_type, is_permanent};
use crate::base::digest::Digest;
use crate::base::error::{Error, ErrorKind, IoContext, Result};
use crate::base::files::{read_if_any, walk};
use crate::base::limits::MAX_FILE_BYTES;
use crate::base::path::EntryPath;
use crate::net::bucket::BucketDir;
use crate::net::fetch::{Changed, Condition};
use crate::net::transport::{DefaultTransport, HttpTransport};
use crate::tree::head::DEFAULT_MANIFEST;
use crate::tree::note::list;
use crate::tree::pack::{self, PackName};
use crate::update::Extent;

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
    let fetcher = previous::fetcher(publisher, &http, &stop);
    let remote = Remote { dir: &dir, http: &http, fetcher, stop: &stop };
    let work = tempfile::tempdir().on("create a directory", &std::env::temp_dir())?;
    let tree = Tree { files: publisher.files, dir: work.path(), layout: Layout::Separate };
    let signer = Signer::new(&publisher.sign_keys)?;
    let published = remote.head()?;
    bring(publisher, &remote, &tree, &signer, published.as_ref())?;
    let before = Published::read(&tree)?;
    let journal = Journal::new(publisher.files, work.path());
    let session = Tree { files: &journal, ..tree };
    let session = PublishSession { options: publisher, tree: session, signer, started: None };
    let report = super::publish(&session)?;
    let after = Published::read(&tree)?;
    let head = tree.head_bytes()?.unwrap_or_default();
    let (files, deleted) = (files_of(&tree)?, journal.deleted());
    let destination = Destination {
        publisher,
        remote: &remote,
        tree: &tree,
        head,
        files,
        deleted,
        before,
        after,
    };
    let Changes { written, deleted } = destination.update(published.as_ref())?;
    Ok(PublishReport {
        head: PathBuf::from(remote.shown(HEAD)),
        written: written.into_iter().collect(),
        deleted: deleted.into_iter().collect(),
        ..report
    })
}

/// Completes the temporary tree with the previous publication: that in the bucket, unless the
/// publisher names another copy.
fn bring(
    publisher: &Publisher<'_>,
    remote: &Remote<'_>,
    tree: &Tree<'_>,
    signer: &Signer,
    published: Option<&RemoteHead>,
) -> Result<()> {
    let default = DefaultTransport::new();
    let previous = match &publisher.previous {
        Some(location) => PreviousTree::copy(location, tree.layout, &default)?,
        None => PreviousTree {
            transport: remote.http,
            head: EntryPath::new(HEAD)?,
            address: Box::new(|path| remote.dir.get(path)),
            shown: remote.shown(""),
            role: Role::Destination,
        },
    };
    let found = previous::find(publisher, &previous, signer)?;
    let at = |error: Error| error.with_url(remote.shown(""));
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

/// The publications that a tree has.
#[derive(Default)]
struct Published {
    /// The paths of the files in the newest one.
    newest: BTreeSet<String>,
    /// The named files, with the digests of their versions.
    named: BTreeMap<String, BTreeSet<Digest>>,
    /// The media types of objects, by path.
    types: BTreeMap<String, &'static str>,
}

impl Published {
    fn read(tree: &Tree<'_>) -> Result<Published> {
        let mut published = Published::default();
        let history = History::load(tree.files, &tree.history_path())?.unwrap_or_default();
        let newest = tree.head()?.map(|head| head.digest());
        let digests: BTreeSet<Digest> =
            history.records.iter().map(|record| record.manifest).chain(newest).collect();
        for digest in digests {
            published.types.insert(object(digest), content_type(DEFAULT_MANIFEST));
            let manifest = tree.manifest(digest)?.unwrap_or_default();
            for entry in manifest.entries() {
                let path = entry.path().to_string();
                published.types.insert(object(entry.digest()), content_type(&path));
                if Some(digest) == newest {
                    published.newest.insert(path.clone());
                }
                published.named.entry(path).or_default().insert(entry.digest());
            }
        }
        Ok(published)
    }
}

/// Returns the files of a tree with their sizes in bytes, without the head.
fn files_of(tree: &Tree<'_>) -> Result<BTreeMap<String, u64>> {
    let mut files = BTreeMap::new();
    walk(tree.files, tree.dir, &mut |path, stat| {
        let name = path.to_string_lossy().into_owned();
        let is_published = !name.split('/').any(|part| part.starts_with('.'));
        if is_published && name != HEAD {
            files.insert(name, stat.len_bytes);
        }
        Ok(())
    })?;
    Ok(files)
}

/// The paths of the files that were uploaded and deleted.
#[derive(Default)]
struct Changes {
    written: BTreeSet<String>,
    deleted: BTreeSet<String>,
}

/// The bucket, and the tree that it becomes.
struct Destination<'a> {
    publisher: &'a Publisher<'a>,
    remote: &'a Remote<'a>,
    tree: &'a Tree<'a>,
    head: Vec<u8>,
    /// The files of the tree with their sizes in bytes, without the head.
    files: BTreeMap<String, u64>,
    /// The files that the publication deleted from the tree.
    deleted: Vec<String>,
    /// The previous publications.
    before: Published,
    /// Those publications of them that are kept, and the new one.
    after: Published,
}

impl Destination<'_> {
    /// Brings the bucket into line with the tree.
    fn update(&self, published: Option<&RemoteHead>) -> Result<Changes> {
        let mut changes = Changes::default();
        let mut there = self.remote.list()?;
        if published.is_none_or(|published| published.bytes != self.head) {
            self.check_foreign(&there, published)?;
            let missing = self.missing(&there)?;
            changes.written.extend(missing.iter().map(|upload| upload.path.clone()));
            changes.written.insert(HEAD.to_owned());
            if self.publisher.extent == Extent::Whole {
                self.upload(&missing)?;
                self.remote.put_head(&self.head, published)?;
                there = self.remote.list()?;
            }
        }
        for _ in 0..ROUNDS {
            let changed = self.align(&there, &mut changes)?;
            if self.publisher.extent == Extent::PlanOnly {
                return Ok(changes);
            }
            if !self.remote.has_head(&self.head)? {
                break;
            }
            if changed == Changed::Done {
                return Ok(changes);
            }
            there = self.remote.list()?;
        }
        let message = "another publisher has changed the bucket before this publication was \
                       complete; publish again";
        Err(Error::new(ErrorKind::Locked, message).with_url(self.remote.shown("")))
    }

    /// Brings everything but the head into line. A conflict means that another publisher changes
    /// the bucket.
    fn align(&self, there: &Listing, changes: &mut Changes) -> Result<Changed> {
        let missing = self.missing(there)?;
        let (history, outdated): (Vec<_>, Vec<_>) =
            self.outdated(there)?.into_iter().partition(|upload| upload.path == HISTORY);
        let extra = self.extra(there)?;
        let uploads = missing.iter().chain(&outdated).chain(&history);
        changes.written.extend(uploads.map(|upload| upload.path.clone()));
        changes.deleted.extend(extra.iter().cloned());
        if self.publisher.extent == Extent::PlanOnly {
            return Ok(Changed::Done);
        }
        self.upload(&missing)?;
        // Without an old manifest, the next run would not recognize the named files in it.
        let (objects, named): (Vec<_>, Vec<_>) =
            extra.into_iter().partition(|path| is_permanent(path));
        let is_conflict = self.upload(&outdated)? == Changed::Conflict
            || self.remote.delete(&named, &self.head)? == Changed::Conflict
            || self.remote.delete(&objects, &self.head)? == Changed::Conflict;
        if is_conflict { Ok(Changed::Conflict) } else { self.upload(&history) }
    }

    fn upload(&self, uploads: &[Upload]) -> Result<Changed> {
        self.remote.upload(self.tree, uploads, &self.publisher.progress)
    }

    /// The permanent files that are not in the bucket.
    fn missing(&self, there: &Listing) -> Result<Vec<Upload>> {
        let mut missing = Vec::new();
        for (path, len_bytes) in self.files.iter().filter(|(path, _)| is_permanent(path)) {
            let is_there = match there.get(path).filter(|listed| listed.len_bytes == *len_bytes) {
                // A publisher that lost the race for its head has left another list.
                Some(listed) if list::version_at(path).is_some() => {
                    listed.etag == self.etag_of(path)?
                }
                listed => listed.is_some(),
            };
            if !is_there {
                missing.push(self.to_upload(path, *len_bytes, Condition::Any));
            }
        }
        Ok(missing)
    }

    /// The other files that are not in the bucket as they are in the tree.
    fn outdated(&self, there: &Listing) -> Result<Vec<Upload>> {
        let mut outdated = Vec::new();
        for (path, len_bytes) in self.files.iter().filter(|(path, _)| !is_permanent(path)) {
            let condition = match there.get(path) {
                None => Condition::Missing,
                Some(listed) if listed.etag == self.etag_of(path)? => continue,
                Some(listed) => Condition::Unchanged(listed.etag.clone()),
            };
            outdated.push(self.to_upload(path, *len_bytes, condition));
        }
        Ok(outdated)
    }

    fn to_upload(&self, path: &str, len_bytes: u64, condition: Condition) -> Upload {
        let known = self.after.types.get(path).copied();
        let content_type = known.unwrap_or_else(|| content_type(path));
        Upload { path: path.to_owned(), len_bytes, content_type, condition }
    }

    /// Returns the `ETag` that most stores give to a file: its MD5 digest.
    fn etag_of(&self, path: &str) -> Result<String> {
        let path = self.tree.dir.join(path);
        let bytes = read_if_any(self.tree.files, &path, u64::MAX)?.unwrap_or_default();
        Ok(format!("\"{}\"", hex::encode(Md5::digest(bytes))))
    }

    /// The files in the bucket that the tree does not need: those that the publication deleted, and
    /// leftovers of a run that was cut off.
    fn extra(&self, there: &Listing) -> Result<Vec<String>> {
        let mut extra = Vec::new();
        for path in there.keys() {
            let is_needed = self.files.contains_key(path) || path == HEAD;
            let is_own = || match path.split_once('/') {
                Some((BY_SHA, name)) => Ok(name.parse::<Digest>().is_ok()),
                Some((pack::DIR, name)) => Ok(PackName::parse(name).is_some()),
                _ if self.deleted.contains(path) => Ok(true),
                _ if self.before.named.contains_key(path) => self.is_published(path, there),
                _ => Ok(false),
            };
            if !is_needed && is_own()? {
                extra.push(path.clone());
            }
        }
        Ok(extra)
    }

    /// Refuses to overwrite files that no publisher wrote. Those of the previous tree are its own.
    fn check_foreign(&self, there: &Listing, published: Option<&RemoteHead>) -> Result<()> {
        for path in self.files.keys().filter(|path| !is_permanent(path)) {
            let is_of_tree = self.before.newest.contains(path)
                || (published.is_some() && !self.after.newest.contains(path));
            if !is_of_tree && there.contains_key(path) && !self.is_published(path, there)? {
                let message =
                    "this file was not written by the publisher; refusing to overwrite it";
                return Err(Error::new(ErrorKind::Store, message).with_url(self.remote.shown(path)));
            }
        }
        Ok(())
    }

    /// Returns true if a named file in the bucket has the bytes of a publication.
    fn is_published(&self, path: &str, there: &Listing) -> Result<bool> {
        let Some(listed) = there.get(path).filter(|listed| listed.len_bytes <= MAX_FILE_BYTES)
        else {
            return Ok(false);
        };
        let Some(digest) = self.remote.digest_of(path, listed.len_bytes)? else {
            return Ok(false);
        };
        let is_version = |published: &Published| {
            published.named.get(path).is_some_and(|versions| versions.contains(&digest))
        };
        let is_object = there.contains_key(&object(digest));
        Ok(is_object || is_version(&self.before) || is_version(&self.after))
    }
}

/// Returns the path of an object.
fn object(digest: Digest) -> String {
    format!("{BY_SHA}/{digest}")
}

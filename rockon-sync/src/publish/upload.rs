//! The files of a tree in a bucket: listing, reading, writing and deleting them.

use std::collections::BTreeMap;
use std::io::Read;
use std::sync::atomic::AtomicBool;

use md5::{Digest as _, Md5};

use super::before::overtaken;
use super::publisher::Publisher;
use super::report::PublishProgress;
use super::tree::{BY_SHA, Tree};
use crate::base::error::{Error, ErrorKind, IoContext, Result};
use crate::base::limits::{MAX_CONNECTIONS, MAX_HEAD_BYTES};
use crate::base::path::EntryPath;
use crate::base::workers::{self, Done, Event};
use crate::net::bucket::{BucketDir, ListedObject};
use crate::net::fetch::{Changed, Condition, Fetched, Fetcher, Retries, Wanted};
use crate::net::transport::{Change, HttpTransport};
use crate::tree::head::Head;
use crate::tree::pack;

/// Largest page of a listing: 1,000 keys of at most 1,024 bytes, each byte escaped.
const MAX_PAGE_BYTES: u64 = 8 * 1024 * 1024;

/// The files in the bucket, by path.
pub(super) type Listing = BTreeMap<String, ListedObject>;

/// Returns true if the name of a file determines its contents.
pub(super) fn is_permanent(path: &str) -> bool {
    let top = path.split('/').next();
    top == Some(BY_SHA) || top == Some(pack::DIR)
}

/// Returns the `ETag` that a store gives to a file with these bytes.
pub(super) fn etag_of(bytes: &[u8]) -> String {
    format!("\"{}\"", hex::encode(Md5::digest(bytes)))
}

/// A directory in a bucket that a publisher reads and writes.
pub(super) struct Remote<'a> {
    pub(super) publisher: &'a Publisher<'a>,
    pub(super) dir: &'a BucketDir,
    pub(super) http: &'a HttpTransport,
    pub(super) fetcher: Fetcher<'a>,
    pub(super) stop: &'a AtomicBool,
}

/// A head in the bucket.
pub(super) struct RemoteHead {
    pub(super) bytes: Vec<u8>,
    etag: String,
}

/// A file to upload.
pub(super) struct Upload {
    pub(super) path: String,
    pub(super) len_bytes: u64,
    pub(super) condition: Condition,
}

impl Remote<'_> {
    /// Lists the files of the directory.
    pub(super) fn list(&self) -> Result<Listing> {
        let mut listing = Listing::new();
        let mut token = None;
        loop {
            let wanted = Wanted::plain(self.dir.list(token.as_deref())?, MAX_PAGE_BYTES);
            let mut bytes = Vec::new();
            if let Fetched::Missing(status) =
                self.fetcher.fetch(&wanted, &mut bytes, Retries::Usual)?
            {
                let message = format!("cannot list the bucket: status {status}");
                return Err(Error::new(ErrorKind::Status, message).with_url(self.dir.to_string()));
            }
            let page = self.dir.parse_page(&bytes)?;
            listing.extend(page.files);
            token = page.next;
            if token.is_none() {
                return Ok(listing);
            }
        }
    }

    /// Reads the head.
    ///
    /// # Errors
    /// [`ErrorKind::Transport`] if the store does not tell versions of a file apart: then the head
    /// could not be replaced safely.
    pub(super) fn head(&self, name: &EntryPath) -> Result<Option<RemoteHead>> {
        let wanted = Wanted::plain(self.dir.get(name)?, MAX_HEAD_BYTES);
        let mut bytes = Vec::new();
        match self.fetcher.fetch(&wanted, &mut bytes, Retries::Usual)? {
            Fetched::File(file) => match file.validators.etag {
                Some(etag) => Ok(Some(RemoteHead { bytes, etag })),
                None => Err(Error::new(ErrorKind::Transport, "expected a response with an ETag")
                    .with_url(format!("{}{name}", self.dir))),
            },
            Fetched::Missing(_) | Fetched::Unchanged { .. } => Ok(None),
        }
    }

    /// Replaces the head, if it is still `before`.
    ///
    /// # Errors
    /// [`ErrorKind::Locked`] if it is another one.
    pub(super) fn put_head(
        &self,
        name: &EntryPath,
        bytes: Vec<u8>,
        before: Option<&RemoteHead>,
    ) -> Result<()> {
        let condition = match before {
            Some(head) => Condition::Unchanged(head.etag.clone()),
            None => Condition::Missing,
        };
        match self.put(name.as_str(), bytes.clone(), &condition, "text/plain; charset=utf-8")? {
            Changed::Done => Ok(()),
            // The response to an attempt may have been lost.
            Changed::Conflict => match self.head(name)? {
                Some(head) if head.bytes == bytes => Ok(()),
                _ => Err(overtaken().with_url(format!("{}{name}", self.dir))),
            },
        }
    }

    /// Uploads files of `tree`, several at a time. Returns false if one of them does not meet its
    /// condition; others may be uploaded then.
    pub(super) fn upload(&self, tree: &Tree<'_>, uploads: &[Upload]) -> Result<Changed> {
        let mut progress = PublishProgress {
            files_total: uploads.len() as u64,
            bytes_total: uploads.iter().map(|upload| upload.len_bytes).sum(),
            ..PublishProgress::default()
        };
        let types = content_types(tree)?;
        let (files, root) = (tree.files, tree.dir);
        let put = Put { dir: self.dir, http: self.http, fetcher: &self.fetcher };
        let work = |upload: &Upload| {
            let path = root.join(&upload.path);
            let mut bytes = Vec::new();
            let read = files.open(&path).and_then(|mut file| file.read_to_end(&mut bytes));
            let kind = types.get(&*upload.path).copied();
            let kind = kind.unwrap_or_else(|| content_type(&upload.path));
            let put = read
                .on("read", &path)
                .and_then(|_| put.run(&upload.path, bytes, &upload.condition, kind));
            put.map_or_else(Done::Abort, Done::Result)
        };
        let mut outcome = Changed::Done;
        workers::run(uploads, MAX_CONNECTIONS, self.stop, work, |event| {
            if let Event::Done(upload, changed) = event {
                progress.files_done += 1;
                progress.bytes_done += upload.len_bytes;
                (self.publisher.progress)(&progress);
                if changed == Changed::Conflict {
                    outcome = Changed::Conflict;
                }
            }
            Ok(())
        })?;
        Ok(outcome)
    }

    /// Deletes files, several at a time.
    pub(super) fn delete(&self, paths: &[String]) -> Result<()> {
        let put = Put { dir: self.dir, http: self.http, fetcher: &self.fetcher };
        let work = |path: &String| put.delete(path).map_or_else(Done::Abort, Done::Result);
        workers::run(paths, MAX_CONNECTIONS, self.stop, work, |_| Ok(()))
    }

    fn put(
        &self,
        path: &str,
        bytes: Vec<u8>,
        condition: &Condition,
        content_type: &'static str,
    ) -> Result<Changed> {
        let put = Put { dir: self.dir, http: self.http, fetcher: &self.fetcher };
        put.run(path, bytes, condition, content_type)
    }
}

/// The means to change a file, on any thread.
struct Put<'a> {
    dir: &'a BucketDir,
    http: &'a HttpTransport,
    fetcher: &'a Fetcher<'a>,
}

impl Put<'_> {
    fn run(
        &self,
        path: &str,
        body: Vec<u8>,
        condition: &Condition,
        content_type: &'static str,
    ) -> Result<Changed> {
        let cache = match is_permanent(path) {
            true => "public, max-age=31536000, immutable",
            false => "no-cache",
        };
        let mut headers =
            vec![("content-type", content_type.to_owned()), ("cache-control", cache.to_owned())];
        headers.extend(condition.header());
        let change = Change::Put { headers, body };
        self.fetcher.change(self.http, &self.dir.put(path)?, &change, condition)
    }

    fn delete(&self, path: &str) -> Result<Changed> {
        let address = self.dir.delete(path)?;
        self.fetcher.change(self.http, &address, &Change::Delete, &Condition::Any)
    }
}

/// Returns the media types of the objects of the current manifest, by path.
fn content_types(tree: &Tree<'_>) -> Result<BTreeMap<String, &'static str>> {
    let mut types = BTreeMap::new();
    if let Some(head) = tree.head()? {
        let object = |digest| format!("{BY_SHA}/{digest}");
        types.insert(object(head.digest()), content_type(Head::manifest(&head).as_str()));
        let manifest = tree.manifest(head.digest())?.unwrap_or_default();
        for entry in manifest.entries() {
            types.insert(object(entry.digest()), content_type(entry.path().as_str()));
        }
    }
    Ok(types)
}

/// Returns the media type of a file by its name.
fn content_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map_or("", |(_, suffix)| suffix) {
        "json" => "application/json",
        "html" => "text/html; charset=utf-8",
        "atom" => "application/atom+xml",
        "xml" => "application/xml",
        "zst" => "application/zstd",
        "sha" | "txt" => "text/plain; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        _ => "application/octet-stream",
    }
}

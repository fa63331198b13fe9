//! The files of a tree in a bucket: listing, reading, writing and deleting them.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::sync::atomic::AtomicBool;

use super::before::overtaken;
use super::report::PublishProgress;
use super::tree::{BY_SHA, Layout, Tree};
use crate::base::digest::Digest;
use crate::base::error::{Error, ErrorKind, IoContext, Result};
use crate::base::limits::{MAX_CONNECTIONS, MAX_HEAD_BYTES};
use crate::base::path::EntryPath;
use crate::base::workers::{self, Done, Event};
use crate::net::bucket::{BucketDir, ListedObject};
use crate::net::fetch::{Changed, Condition, Fetched, FetchedFile, Fetcher, Retries, Sink, Wanted};
use crate::net::transport::{Change, HttpTransport};
use crate::tree::note::list;
use crate::tree::pack;

/// The name of the head.
pub(super) const HEAD: &str = Layout::Separate.head_name();

/// Largest page of a listing: 1,000 keys of at most 1,024 bytes, each byte escaped.
const MAX_PAGE_BYTES: u64 = 8 * 1024 * 1024;

/// The files in the bucket, by path.
pub(super) type Listing = BTreeMap<String, ListedObject>;

/// A directory in a bucket that a publisher reads and writes.
pub(super) struct Remote<'a> {
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
    pub(super) content_type: &'static str,
    pub(super) condition: Condition,
}

impl Remote<'_> {
    /// Returns the URL of a file for messages.
    pub(super) fn shown(&self, path: &str) -> String {
        format!("{}{path}", self.dir)
    }

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
                return Err(Error::new(ErrorKind::Status, message).with_url(self.shown("")));
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
    pub(super) fn head(&self) -> Result<Option<RemoteHead>> {
        let mut bytes = Vec::new();
        let Some(file) = self.fetch(HEAD, MAX_HEAD_BYTES, &mut bytes)? else { return Ok(None) };
        match file.validators.etag {
            Some(etag) => Ok(Some(RemoteHead { bytes, etag })),
            None => Err(Error::new(ErrorKind::Transport, "expected a response with an ETag")
                .with_url(self.shown(HEAD))),
        }
    }

    /// Returns true if the head has these bytes.
    pub(super) fn has_head(&self, bytes: &[u8]) -> Result<bool> {
        Ok(self.head()?.is_some_and(|head| head.bytes == bytes))
    }

    /// Replaces the head, if it is still `before`.
    ///
    /// # Errors
    /// [`ErrorKind::Locked`] if it is another one.
    pub(super) fn put_head(&self, bytes: &[u8], before: Option<&RemoteHead>) -> Result<()> {
        let upload = Upload {
            path: HEAD.to_owned(),
            len_bytes: bytes.len() as u64,
            content_type: content_type(HEAD),
            condition: match before {
                Some(head) => Condition::Unchanged(head.etag.clone()),
                None => Condition::Missing,
            },
        };
        // The response to an attempt that succeeded may have been lost: its retry is a conflict.
        if self.put(&upload, bytes.to_vec())? == Changed::Conflict && !self.has_head(bytes)? {
            return Err(overtaken().with_url(self.shown(HEAD)));
        }
        Ok(())
    }

    /// Returns the digest of a file; `None` if it is missing.
    pub(super) fn digest_of(&self, path: &str, len_bytes: u64) -> Result<Option<Digest>> {
        Ok(self.fetch(path, len_bytes, &mut io::sink())?.map(|file| file.digest))
    }

    fn fetch(
        &self,
        path: &str,
        max_bytes: u64,
        sink: &mut dyn Sink,
    ) -> Result<Option<FetchedFile>> {
        let address = self.dir.get(&EntryPath::new(path)?)?;
        let fetched = self.fetcher.fetch_framed(&address, max_bytes, sink, Retries::Usual)?;
        Ok(fetched.ok())
    }

    /// Uploads files of `tree`, several at a time. [`Changed::Conflict`] if one of them does not
    /// meet its condition; others may be uploaded then.
    pub(super) fn upload(
        &self,
        tree: &Tree<'_>,
        uploads: &[Upload],
        on_progress: &dyn Fn(&PublishProgress),
    ) -> Result<Changed> {
        let mut progress = PublishProgress {
            files_total: uploads.len() as u64,
            bytes_total: uploads.iter().map(|upload| upload.len_bytes).sum(),
            ..PublishProgress::default()
        };
        let (files, dir) = (tree.files, tree.dir);
        let put = |upload: &Upload| {
            let path = dir.join(&upload.path);
            let mut bytes = Vec::new();
            files
                .open(&path)
                .and_then(|mut file| file.read_to_end(&mut bytes))
                .on("read", &path)?;
            self.put(upload, bytes)
        };
        self.run(uploads, put, |upload| {
            progress.files_done += 1;
            progress.bytes_done += upload.len_bytes;
            on_progress(&progress);
        })
    }

    /// Deletes files, several at a time, while the head has these bytes. [`Changed::Conflict`] if
    /// it is another one: then the files may be needed again, and the rest is not deleted.
    pub(super) fn delete(&self, paths: &[String], head: &[u8]) -> Result<Changed> {
        let delete = |path: &String| match self.has_head(head)? {
            true => {
                let address = self.dir.delete(path)?;
                self.fetcher.change(self.http, &address, &Change::Delete, &Condition::Any)
            }
            false => Ok(Changed::Conflict),
        };
        self.run(paths, delete, |_| {})
    }

    /// Changes files, several at a time. [`Changed::Conflict`] if there was one.
    fn run<J: Sync>(
        &self,
        jobs: &[J],
        work: impl Fn(&J) -> Result<Changed> + Sync,
        mut on_done: impl FnMut(&J),
    ) -> Result<Changed> {
        let work = |job: &J| work(job).map_or_else(Done::Abort, Done::Result);
        let mut outcome = Changed::Done;
        workers::run(jobs, MAX_CONNECTIONS, self.stop, work, |event| {
            if let Event::Done(job, changed) = event {
                on_done(job);
                if changed == Changed::Conflict {
                    outcome = changed;
                }
            }
            Ok(())
        })?;
        Ok(outcome)
    }

    fn put(&self, upload: &Upload, body: Vec<u8>) -> Result<Changed> {
        let cache = match is_permanent(&upload.path) {
            true => "public, max-age=31536000, immutable",
            false => "no-cache",
        };
        let mut headers = vec![
            ("content-type", upload.content_type.to_owned()),
            ("cache-control", cache.to_owned()),
        ];
        headers.extend(upload.condition.header());
        let change = Change::Put { headers, body };
        self.fetcher.change(self.http, &self.dir.put(&upload.path)?, &change, &upload.condition)
    }
}

/// Returns true if the name of a file determines its contents.
pub(super) fn is_permanent(path: &str) -> bool {
    let top = path.split('/').next();
    [Some(BY_SHA), Some(pack::DIR), Some(list::DIR)].contains(&top)
}

/// Returns the media type of a file by its name.
pub(super) fn content_type(path: &str) -> &'static str {
    if list::version_at(path).is_some() {
        return "text/plain; charset=utf-8";
    }
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

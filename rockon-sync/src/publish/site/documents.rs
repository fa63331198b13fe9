//! Fetches the documents of a site conditionally, and caches them.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use serde::{Deserialize, Serialize};

use crate::base::digest::Digest;
use crate::base::error::{Error, ErrorKind, IoContext, Result};
use crate::base::files::{Files, has_digest, read_if_any, remove_if_any, stage};
use crate::base::limits::{MAX_FILE_BYTES, MAX_LIST_BYTES};
use crate::base::text;
use crate::base::workers::lock;
use crate::format::{read_collection, releases_of};
use crate::net::address::Address;
use crate::net::fetch::{Fetched, Fetcher, Retries, Wanted};
use crate::net::transport::Validators;

/// Number of failed requests in a row, retries not counted, after which a host is not asked any
/// more: nine thousand time-outs would take a day.
const MAX_HOST_FAILURES: u32 = 3;

/// Largest cache record of a document, in bytes: a URL and two validators.
const MAX_RECORD_BYTES: u64 = 64 * 1024;

/// A local file with a document.
#[derive(Debug)]
pub(super) struct SiteFile {
    pub(super) file: PathBuf,
    /// The error that prevented a check if the cached file is still up to date.
    pub(super) outdated_because_of: Option<Error>,
}

impl SiteFile {
    fn current(file: PathBuf) -> SiteFile {
        SiteFile { file, outdated_because_of: None }
    }
}

/// Fetches documents, and caches them.
pub(super) struct Documents<'a> {
    files: &'a dyn Files,
    fetcher: &'a Fetcher<'a>,
    dir: PathBuf,
    /// Failed requests in a row, by host.
    failures: Mutex<HashMap<String, u32>>,
    /// The names of the documents that this run used.
    used: Mutex<HashSet<String>>,
}

/// The limits of a kind of document.
struct DocumentKind {
    max_bytes: u64,
    check: fn(&[u8]) -> Result<()>,
}

/// A cached document.
struct CachedDocument {
    name: String,
    file: PathBuf,
    /// `None` if the document is missing or damaged.
    record: Option<CacheRecord>,
}

#[derive(Serialize, Deserialize)]
struct CacheRecord {
    url: String,
    #[serde(with = "text")]
    digest: Digest,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    etag: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last_modified: Option<String>,
}

impl<'a> Documents<'a> {
    pub(super) fn new(files: &'a dyn Files, fetcher: &'a Fetcher<'a>, dir: PathBuf) -> Self {
        Documents { files, fetcher, dir, failures: Mutex::default(), used: Mutex::default() }
    }

    /// Returns a collection, or a site of one file.
    ///
    /// # Errors
    /// The error of fetching or parsing it, if no earlier version is cached.
    pub(super) fn collection(&self, address: &Address) -> Result<SiteFile> {
        let check = |bytes: &[u8]| read_collection(bytes, |_| Ok(()));
        self.document(address, &DocumentKind { max_bytes: MAX_LIST_BYTES, check })
    }

    /// Returns the file of an extension.
    pub(super) fn extension(&self, address: &Address) -> Result<SiteFile> {
        let check = |bytes: &[u8]| releases_of("", bytes).map(drop);
        self.document(address, &DocumentKind { max_bytes: MAX_FILE_BYTES, check })
    }

    fn document(&self, address: &Address, kind: &DocumentKind) -> Result<SiteFile> {
        let url = match address {
            Address::Http(http) => http.url(),
            Address::File(file) => return Ok(SiteFile::current(file.clone())),
        };
        let cached = self.cached(Digest::of(url.as_bytes()).to_string())?;
        lock(&self.used).insert(cached.name.clone());
        match self.fetch(address, &cached, kind) {
            Ok(()) => Ok(SiteFile::current(cached.file)),
            Err(error) if error.kind() != ErrorKind::Store && cached.record.is_some() => {
                Ok(SiteFile { file: cached.file, outdated_because_of: Some(error) })
            }
            Err(error) => Err(error),
        }
    }

    /// Brings the cached document up to date.
    fn fetch(&self, address: &Address, cached: &CachedDocument, kind: &DocumentKind) -> Result<()> {
        let shown = address.to_string();
        let host = host_of(&shown);
        if lock(&self.failures).get(&host).is_some_and(|count| *count >= MAX_HOST_FAILURES) {
            return Err(Error::new(
                ErrorKind::Transport,
                format!("not asked, since {host} did not answer before"),
            )
            .with_url(shown));
        }
        let validators = cached.record.as_ref().map(|record| Validators {
            etag: record.etag.clone(),
            last_modified: record.last_modified.clone(),
        });
        let wanted = Wanted {
            address: address.clone(),
            validators: validators.as_ref().filter(|validators| !validators.is_empty()),
            max_bytes: kind.max_bytes,
            digest: None,
        };
        let mut bytes = Vec::new();
        let fetched = self.fetcher.fetch(&wanted, &mut bytes, Retries::Usual);
        let is_dead = fetched.as_ref().is_err_and(|error| error.kind() == ErrorKind::Transport);
        match is_dead {
            true => *lock(&self.failures).entry(host).or_default() += 1,
            false => drop(lock(&self.failures).remove(&host)),
        }
        match fetched? {
            Fetched::Unchanged { .. } => Ok(()),
            Fetched::Missing(status) => Err(Error::new(
                ErrorKind::Status,
                format!("expected a document, got status {status}"),
            )
            .with_url(shown)),
            Fetched::File(found) => {
                (kind.check)(&bytes).map_err(|error| error.with_url(&*shown))?;
                self.save(cached, &bytes, shown, found.validators)
            }
        }
    }

    /// Reads the record of a document, and checks that the document is there and intact.
    fn cached(&self, name: String) -> Result<CachedDocument> {
        let file = self.dir.join(format!("{name}.xml"));
        let bytes = read_if_any(self.files, &self.record_path(&name), MAX_RECORD_BYTES)?;
        let record: Option<CacheRecord> =
            bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let is_intact = match &record {
            Some(record) => has_digest(self.files, &file, record.digest)?,
            None => false,
        };
        Ok(CachedDocument { name, file, record: record.filter(|_| is_intact) })
    }

    /// Caches a document. Not synced: after a power failure, the digest in the record does not
    /// match, or there is no record.
    fn save(
        &self,
        cached: &CachedDocument,
        bytes: &[u8],
        url: String,
        validators: Validators,
    ) -> Result<()> {
        let record = CacheRecord {
            url,
            digest: Digest::of(bytes),
            etag: validators.etag,
            last_modified: validators.last_modified,
        };
        let record = serde_json::to_vec(&record).expect("plain fields are JSON");
        self.write(&cached.file, bytes)?;
        self.write(&self.record_path(&cached.name), &record)
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> Result<()> {
        let staged = stage(self.files, path, |out| out.write_all(bytes))?;
        self.files.rename(&staged, path).on("write", path)
    }

    fn record_path(&self, name: &str) -> PathBuf {
        self.dir.join(format!("{name}.json"))
    }

    /// Removes the cached documents that this run did not use.
    pub(super) fn remove_unused(&self) -> Result<()> {
        let used = lock(&self.used);
        for name in self.files.list(&self.dir).on("list", &self.dir)? {
            let stem = name.to_str().and_then(|name| name.rsplit_once('.')).map(|(stem, _)| stem);
            if !stem.is_some_and(|stem| used.contains(stem)) {
                remove_if_any(self.files, &self.dir.join(name))?;
            }
        }
        Ok(())
    }
}

/// Returns scheme, host and port of a URL.
fn host_of(url: &str) -> String {
    url.split('/').take(3).collect::<Vec<_>>().join("/")
}

//! Documents of a site, asked for conditionally, and kept.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use serde::{Deserialize, Serialize};

use crate::base::digest::Digest;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::files::{Files, read_if_any, remove_if_any, stage};
use crate::base::limits::{MAX_FILE_BYTES, MAX_MANIFEST_BYTES};
use crate::format::{read_collection, releases_of};
use crate::net::address::Address;
use crate::net::fetch::{Fetched, Fetcher, Retries, Wanted};
use crate::net::transport::Validators;
use crate::store::digest_if_any;

/// After so many requests in a row without an answer, retries not counted, a host is left alone
/// for the rest of the run: nine thousand time-outs would take a day.
const MAX_HOST_FAILURES: u32 = 3;

/// Largest note of a document, in bytes: a URL and two validators.
const MAX_NOTE_BYTES: u64 = 64 * 1024;

/// A document that is there.
#[derive(Debug)]
pub(super) struct Got {
    pub(super) file: PathBuf,
    /// Why it is not the one that the site gives now.
    pub(super) kept_because_of: Option<Error>,
}

/// Fetches documents, and keeps them.
pub(super) struct Documents<'a> {
    files: &'a dyn Files,
    fetcher: &'a Fetcher<'a>,
    dir: PathBuf,
    /// Failures in a row, by host.
    failures: Mutex<HashMap<String, u32>>,
    /// The names of what this run has asked for.
    asked: Mutex<HashSet<String>>,
}

/// What is remembered of a document.
#[derive(Serialize, Deserialize)]
struct Note {
    url: String,
    digest: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    etag: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last_modified: Option<String>,
}

impl<'a> Documents<'a> {
    pub(super) fn new(files: &'a dyn Files, fetcher: &'a Fetcher<'a>, dir: PathBuf) -> Self {
        Documents { files, fetcher, dir, failures: Mutex::default(), asked: Mutex::default() }
    }

    /// A collection, or a site of one file.
    ///
    /// # Errors
    /// Why it cannot be fetched or read, if no earlier version of it is kept.
    pub(super) fn collection(&self, address: &Address) -> Result<Got> {
        self.document(address, MAX_MANIFEST_BYTES, |bytes| read_collection(bytes, |_| Ok(())))
    }

    /// The file of an extension.
    ///
    /// # Errors
    /// Those of [`collection`](Self::collection).
    pub(super) fn extension(&self, address: &Address) -> Result<Got> {
        self.document(address, MAX_FILE_BYTES, |bytes| releases_of("", bytes).map(|_| ()))
    }

    /// Gets a document that `check` takes.
    fn document(
        &self,
        address: &Address,
        max_bytes: u64,
        check: impl Fn(&[u8]) -> Result<()>,
    ) -> Result<Got> {
        let http = match address {
            Address::Http(http) => http,
            Address::File(file) => return Ok(Got { file: file.clone(), kept_because_of: None }),
        };
        let name = Digest::of(http.url().as_bytes()).to_string();
        let file = self.dir.join(format!("{name}.xml"));
        let note = self.note(&name, &file)?;
        lock(&self.asked).insert(name.clone());
        match self.fetch(address, note.as_ref(), max_bytes, &check) {
            Ok(None) => Ok(Got { file, kept_because_of: None }),
            Ok(Some((bytes, validators))) => {
                self.keep(&name, &file, address, &bytes, validators)?;
                Ok(Got { file, kept_because_of: None })
            }
            Err(error) if error.kind() == ErrorKind::Store => Err(error),
            Err(error) if note.is_some() => Ok(Got { file, kept_because_of: Some(error) }),
            Err(error) => Err(error),
        }
    }

    /// Asks for a document; `None` if the one that is kept is still good.
    fn fetch(
        &self,
        address: &Address,
        note: Option<&Note>,
        max_bytes: u64,
        check: &impl Fn(&[u8]) -> Result<()>,
    ) -> Result<Option<(Vec<u8>, Validators)>> {
        let shown = address.to_string();
        let host = host_of(&shown);
        if lock(&self.failures).get(&host).is_some_and(|count| *count >= MAX_HOST_FAILURES) {
            let message = format!("{host} does not answer, so it was not asked again");
            return Err(Error::new(ErrorKind::Transport, message).with_url(shown));
        }
        let validators = note.map(|note| Validators {
            etag: note.etag.clone(),
            last_modified: note.last_modified.clone(),
        });
        let wanted = Wanted {
            address: address.clone(),
            validators: validators.as_ref().filter(|validators| !validators.is_empty()),
            max_bytes,
            digest: None,
        };
        let mut bytes = Vec::new();
        let fetched = self.fetcher.fetch(&wanted, &mut bytes, Retries::Usual);
        let is_dead = fetched.as_ref().is_err_and(|error| error.kind() == ErrorKind::Transport);
        let mut failures = lock(&self.failures);
        match is_dead {
            true => *failures.entry(host).or_default() += 1,
            false => drop(failures.remove(&host)),
        }
        drop(failures);
        match fetched? {
            Fetched::Unchanged { .. } => Ok(None),
            Fetched::Missing(_) => {
                let message = "expected a document, got status 404";
                Err(Error::new(ErrorKind::Status, message).with_url(shown))
            }
            Fetched::File(found) => {
                check(&bytes).map_err(|error| error.with_url(shown))?;
                Ok(Some((bytes, found.validators)))
            }
        }
    }

    /// What is remembered of a document that is here and whole.
    fn note(&self, name: &str, file: &Path) -> Result<Option<Note>> {
        let bytes = read_if_any(self.files, &self.note_path(name), MAX_NOTE_BYTES)?;
        let note: Option<Note> = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let Some(note) = note else { return Ok(None) };
        let found = digest_if_any(self.files, file)?.map(|(digest, _)| digest.to_string());
        Ok(Some(note).filter(|note| found.as_ref() == Some(&note.digest)))
    }

    /// Keeps a document. Not synced: what a loss of power leaves has another digest than its
    /// note says, or none.
    fn keep(
        &self,
        name: &str,
        file: &Path,
        address: &Address,
        bytes: &[u8],
        validators: Validators,
    ) -> Result<()> {
        let note = Note {
            url: address.to_string(),
            digest: Digest::of(bytes).to_string(),
            etag: validators.etag,
            last_modified: validators.last_modified,
        };
        let note = serde_json::to_vec(&note).expect("plain fields are JSON");
        for (path, bytes) in [(file, bytes), (&*self.note_path(name), &note)] {
            let staged = stage(self.files, path, |out| out.write_all(bytes))?;
            let renamed = self.files.rename(&staged, path);
            renamed.map_err(|error| Error::io("write this file", path, error))?;
        }
        Ok(())
    }

    fn note_path(&self, name: &str) -> PathBuf {
        self.dir.join(format!("{name}.json"))
    }

    /// Removes the documents that the site no longer leads to.
    ///
    /// # Errors
    /// [`ErrorKind::Store`].
    pub(super) fn forget_others(&self) -> Result<()> {
        let asked = lock(&self.asked);
        let names = self.files.list(&self.dir);
        let names = names.map_err(|error| Error::io("list this directory", &self.dir, error))?;
        for name in names {
            let is_asked = name
                .to_str()
                .and_then(|name| name.rsplit_once('.'))
                .is_some_and(|(stem, _)| asked.contains(stem));
            if !is_asked {
                remove_if_any(self.files, &self.dir.join(name))?;
            }
        }
        Ok(())
    }
}

/// Scheme, host and port of a URL as it is shown.
fn host_of(url: &str) -> String {
    url.split('/').take(3).collect::<Vec<_>>().join("/")
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

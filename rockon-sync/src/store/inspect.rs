//! The status of the sources in a store, and the verification of their files.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::{Generation, SourceDir, Store};
use crate::base::digest::Digest;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::time::Timestamp;
use crate::source::SourceName;
use crate::source::list::SourceList;
use crate::tree::head::Head;
use crate::tree::note::{KeyList, TrustedKeys, VerifierKey, list};

/// The status of one source.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SourceStatus {
    /// The source.
    pub name: SourceName,
    /// The mirrors of the last update, without credentials and queries.
    pub mirrors: Vec<String>,
    /// The time of the last successful check.
    pub checked: Option<Timestamp>,
    /// The keys that were given. If there is no key list, at least one must have signed the head;
    /// if empty, unsigned heads are accepted.
    pub trusted_keys: Vec<VerifierKey>,
    /// The key list that they lead to, which says who must sign heads.
    pub key_list: Option<KeyList>,
    /// The current generation; `None` before the first completed update.
    pub current: Option<CurrentStatus>,
    /// Entries that the last update could not bring up to date: id, kind, message.
    pub failed: Vec<(String, String, String)>,
    /// The error if the source cannot be read. The other fields except the name are then empty.
    pub error: Option<StatusError>,
}

/// The reason why the status of a source is unknown.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StatusError {
    /// The kind of the error.
    pub kind: ErrorKind,
    /// The message, with the path.
    pub message: String,
}

/// The current generation of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CurrentStatus {
    /// The number of the generation.
    pub generation: u64,
    /// The serial of its head, if it has one.
    pub serial: Option<u64>,
    /// The time of publication, if the head has one.
    pub published: Option<Timestamp>,
    /// The time of expiry, if the head has one.
    pub expires: Option<Timestamp>,
    /// The digest of the manifest (v1: of `root.json`).
    pub manifest: Option<Digest>,
    /// The number of entries in the local copy.
    pub entries: usize,
}

/// The result of comparing every file of a source with its digest, and the head with the
/// trusted keys.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verification {
    /// The source.
    pub name: SourceName,
    /// The number of entries verified.
    pub entries: usize,
    /// Files that are missing or differ from the committed ones. Includes the head if
    /// [`untrusted`](Self::untrusted) says why.
    pub damaged: Vec<PathBuf>,
    /// The reason if the head is not signed as the trusted keys, or their key list, require.
    pub untrusted: Option<String>,
    /// The number of files that no update put there.
    pub strays: usize,
}

impl SourceStatus {
    fn unknown(name: SourceName, error: &Error) -> SourceStatus {
        SourceStatus {
            name,
            mirrors: Vec::new(),
            checked: None,
            trusted_keys: Vec::new(),
            key_list: None,
            current: None,
            failed: Vec::new(),
            error: Some(StatusError { kind: error.kind(), message: error.to_chain() }),
        }
    }
}

impl Verification {
    /// True if all files are as they were committed.
    pub fn is_intact(&self) -> bool {
        self.damaged.is_empty() && self.strays == 0
    }

    /// A source that could not be read at all because of one path.
    fn damaged(name: &SourceName, path: PathBuf) -> Verification {
        let (name, damaged) = (name.clone(), vec![path]);
        Verification { name, entries: 0, damaged, untrusted: None, strays: 0 }
    }
}

impl Store {
    /// Returns the status of each source, highest priority first. A source that cannot be read
    /// has an [`error`](SourceStatus::error).
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if the store does not exist; [`ErrorKind::Store`] if it cannot
    /// be listed; those of [`source_list`](Self::source_list).
    pub fn status(&self) -> Result<Vec<SourceStatus>> {
        let names = self.ranking()?.names.into_iter();
        let status = |name: SourceName| {
            self.source_status(&name).unwrap_or_else(|error| SourceStatus::unknown(name, &error))
        };
        Ok(names.map(status).collect())
    }

    /// Returns the status of one source.
    ///
    /// # Errors
    /// [`ErrorKind::Store`], [`ErrorKind::Head`] and [`ErrorKind::Manifest`] if it cannot be
    /// read; [`ErrorKind::Trust`] if its trusted keys cannot be read.
    pub fn source_status(&self, name: &SourceName) -> Result<SourceStatus> {
        let dir = self.source(name);
        let files = dir.files();
        let current = dir.read_current(|generation| {
            let head = generation.head(files)?;
            let manifest = match &head {
                Some(head) => Some(head.digest()),
                None => generation.list_bytes(files)?.map(|bytes| Digest::of(&bytes)),
            };
            let mut entries = 0;
            generation.for_each_entry(files, &mut |_| entries += 1)?;
            Ok(CurrentStatus {
                generation: generation.number,
                serial: head.as_ref().and_then(|head| head.serial()),
                published: head.as_ref().and_then(|head| head.published()),
                expires: head.as_ref().and_then(|head| head.expires()),
                manifest,
                entries,
            })
        })?;
        let status = dir.status()?;
        let failed = status.failed.into_iter();
        let keys = dir.trusted_keys()?;
        Ok(SourceStatus {
            name: name.clone(),
            mirrors: status.locations,
            checked: status.checked,
            trusted_keys: keys.given().to_vec(),
            key_list: keys.newest().cloned(),
            current,
            failed: failed.map(|failed| (failed.id, failed.kind, failed.message)).collect(),
            error: None,
        })
    }

    /// Compares every file of every source with its digest, and verifies the signatures of the
    /// heads of sources with trusted keys. Changes nothing: an update with
    /// [`Mode::Verify`](crate::Mode::Verify) repairs the damage.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if the store does not exist; [`ErrorKind::Store`] if a file
    /// cannot be read; [`ErrorKind::Trust`] if the trusted keys cannot be read. Those of
    /// [`source_list`](Self::source_list).
    pub fn verify(&self) -> Result<Vec<Verification>> {
        let mut found = Vec::new();
        for name in self.names_to_verify()? {
            found.extend(verify(&name, &self.source(&name))?);
        }
        Ok(found)
    }

    /// Returns the names of the sources that have a directory, or should have one, in byte
    /// order.
    fn names_to_verify(&self) -> Result<BTreeSet<SourceName>> {
        let listed = self.source_list()?;
        let listed = listed.iter().flat_map(SourceList::sources);
        let enabled = listed.filter(|source| source.is_enabled());
        let mut names: BTreeSet<SourceName> = enabled.map(|source| source.name().clone()).collect();
        names.extend(self.source_names()?);
        Ok(names)
    }
}

/// Compares the files of a source with their digests. Returns `None` before the first completed
/// update.
fn verify(name: &SourceName, dir: &SourceDir<'_>) -> Result<Option<Verification>> {
    let files = dir.files();
    let keys = dir.trusted_keys()?;
    let found = dir.read_current(|generation| {
        let current = match generation.current_manifest(files) {
            Ok(current) => current,
            Err(error) => {
                log::warn!("{}", error.to_chain());
                return Ok(Verification::damaged(name, generation.list_path()));
            }
        };
        // Read after the generation was chosen: an earlier status may describe an older one.
        let damage = generation.damage(files, &current, &dir.status()?)?;
        let mut damaged: Vec<PathBuf> =
            damage.entries.iter().map(|path| path.below(&generation.dir)).collect();
        damaged.extend(damage.is_manifest_damaged.then(|| generation.list_path()));
        let untrusted = check_signatures(dir, generation, &keys)?;
        if damage.is_head_damaged || untrusted.is_some() {
            damaged.push(generation.head_path());
        }
        damaged.extend(damaged_lists(dir, generation, &keys)?);
        let (entries, strays) = (current.len(), damage.strays);
        Ok(Verification { name: name.clone(), entries, damaged, untrusted, strays })
    })?;
    if found.is_some() {
        return Ok(found);
    }
    if !dir.exists()? {
        return Ok(Some(Verification::damaged(name, dir.path().to_owned())));
    }
    // Only a completed update remembers a generation.
    let was_updated = dir.status()?.generation > 0;
    Ok(was_updated.then(|| Verification::damaged(name, dir.current_path())))
}

/// Returns the reason if the head is not signed as these keys require.
fn check_signatures(
    dir: &SourceDir<'_>,
    generation: &Generation,
    keys: &TrustedKeys,
) -> Result<Option<String>> {
    let bytes = generation.head_bytes(dir.files())?.unwrap_or_default();
    // An invalid head names no key list.
    let named = Head::parse(&bytes).ok().and_then(|head| head.keys()).unwrap_or(0);
    Ok(keys.check_head(&bytes, named).err().map(|error| error.to_string()))
}

/// Returns the paths of the key lists that are missing or differ from the trusted ones.
fn damaged_lists(
    dir: &SourceDir<'_>,
    generation: &Generation,
    keys: &TrustedKeys,
) -> Result<Vec<PathBuf>> {
    let mut damaged = Vec::new();
    for list in keys.lists() {
        if !generation.has_list(dir.files(), list)? {
            damaged.push(list::path_of(list.list().version()).below(&generation.dir));
        }
    }
    Ok(damaged)
}

//! What a store holds, and whether it is intact.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::base::digest::Digest;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::time::Timestamp;
use crate::net::location::Location;
use crate::source::list::SourceList;
use crate::source::{Source, SourceName};
use crate::store::Store;
use crate::tree::note::{self, VerifierKey};

/// What is held of one source.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SourceStatus {
    /// The source.
    pub name: SourceName,
    /// Where its last update came from, without credentials and queries.
    pub locations: Vec<String>,
    /// When the source was last asked, successfully.
    pub checked: Option<Timestamp>,
    /// The keys of which one must have signed its head; none if it need not be signed.
    pub trusted_keys: Vec<VerifierKey>,
    /// What is held; `None` before the first update was completed.
    pub held: Option<HeldStatus>,
    /// Entries that the last update could not bring up to date: id, kind, message.
    pub failed: Vec<(String, String, String)>,
    /// The error if the source cannot be read: then nothing but its name is known.
    pub error: Option<StatusError>,
}

/// The reason why the status of a source is not known.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StatusError {
    /// The kind of the error.
    pub kind: ErrorKind,
    /// The error in words, with the path.
    pub message: String,
}

/// The current generation of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct HeldStatus {
    /// The number of the generation.
    pub generation: u64,
    /// The serial of its head, if it has one.
    pub serial: Option<u64>,
    /// When its head was published, if it says.
    pub published: Option<Timestamp>,
    /// When its head expires, if it says.
    pub expires: Option<Timestamp>,
    /// The digest of its manifest (v1: of its `root.json`).
    pub manifest: Option<Digest>,
    /// How many entries are held.
    pub entries: usize,
}

/// The result of comparing every file of a source with its digest, and the head with the
/// trusted keys.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verification {
    /// The source.
    pub name: SourceName,
    /// How many entries were looked at.
    pub entries: usize,
    /// Files that are missing or have other bytes than they were committed with; the head,
    /// if no trusted key has signed it.
    pub damaged: Vec<PathBuf>,
    /// Files that no update put there.
    pub strays: usize,
}

impl SourceStatus {
    fn unknown(name: SourceName, error: &Error) -> SourceStatus {
        SourceStatus {
            name,
            locations: Vec::new(),
            checked: None,
            trusted_keys: Vec::new(),
            held: None,
            failed: Vec::new(),
            error: Some(StatusError { kind: error.kind(), message: error.to_chain() }),
        }
    }
}

impl Verification {
    /// Whether everything is as it was committed.
    pub fn is_intact(&self) -> bool {
        self.damaged.is_empty() && self.strays == 0
    }
}

impl Store {
    /// Returns the status of each source, the one with the highest priority first. A source
    /// that cannot be read has its [`error`](SourceStatus::error).
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if there is no store; [`ErrorKind::Store`] if it cannot be
    /// listed; those of [`source_list`](Self::source_list).
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
    /// read; [`ErrorKind::Trust`] if that is its trusted keys.
    pub fn source_status(&self, name: &SourceName) -> Result<SourceStatus> {
        let dir = self.source(name);
        let files = dir.files();
        let held = dir.read_current(|generation| {
            let head = generation.head(files)?;
            let manifest = match &head {
                Some(head) => Some(head.digest()),
                None => generation.list_bytes(files)?.map(|bytes| Digest::of(&bytes)),
            };
            Ok(HeldStatus {
                generation: generation.number,
                serial: head.as_ref().and_then(|head| head.serial()),
                published: head.as_ref().and_then(|head| head.published()),
                expires: head.as_ref().and_then(|head| head.expires()),
                manifest,
                entries: generation.held(files)?.len(),
            })
        })?;
        let status = dir.status()?;
        let failed = status.failed.into_iter();
        Ok(SourceStatus {
            name: name.clone(),
            locations: status.locations,
            checked: status.checked,
            trusted_keys: dir.trusted_keys()?,
            held,
            failed: failed.map(|failed| (failed.id, failed.kind, failed.message)).collect(),
            error: None,
        })
    }

    /// Compares every file of every source with its digest, and has the signature of the
    /// head verified where keys are trusted. Nothing is changed: an
    /// update with [`Trust::Digest`](crate::Trust::Digest) repairs what is found.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if there is no store; [`ErrorKind::Store`] if something
    /// cannot be read; [`ErrorKind::Trust`] if that is the trusted keys. Those of
    /// [`source_list`](Self::source_list).
    pub fn verify(&self) -> Result<Vec<Verification>> {
        let mut found = Vec::new();
        for name in self.names_to_verify()? {
            found.extend(self.verify_source(&name)?);
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

    /// Compares the files of a source with their digests; `None` if it was never updated
    /// completely.
    fn verify_source(&self, name: &SourceName) -> Result<Option<Verification>> {
        let dir = self.source(name);
        let files = dir.files();
        let keys = dir.trusted_keys()?;
        let verification = |entries: usize, damaged: Vec<PathBuf>, strays: usize| {
            let name = name.clone();
            Verification { name, entries, damaged, strays }
        };
        let found = dir.read_current(|generation| {
            let root = generation.list_path();
            let held = match generation.held(files) {
                Ok(held) => held,
                Err(error) => {
                    log::warn!("{}", error.to_chain());
                    return Ok(verification(0, vec![root], 0));
                }
            };
            // Read after the generation was chosen, or it might be of an older one.
            let damage = generation.damage(files, &held, &dir.status()?)?;
            let below = |path: &crate::base::path::EntryPath| path.below(&generation.dir);
            let mut damaged: Vec<PathBuf> = damage.entries.iter().map(below).collect();
            damaged.extend(damage.of_the_tree.then_some(root));
            let head = generation.head_bytes(files)?.unwrap_or_default();
            if damage.of_the_head || note::check_head(&head, &keys).is_err() {
                damaged.push(generation.head_path());
            }
            Ok(verification(held.len(), damaged, damage.strays))
        })?;
        if found.is_some() {
            return Ok(found);
        }
        if !dir.exists()? {
            return Ok(Some(verification(0, vec![dir.path().to_owned()], 0)));
        }
        // Only a completed update remembers a generation.
        let was_held = dir.status()?.generation > 0;
        Ok(was_held.then(|| verification(0, vec![dir.current_path()], 0)))
    }

    /// The sources as they were at their last update, without credentials, the one with the
    /// highest priority first.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if there is no store, or none of its sources was ever
    /// asked; [`ErrorKind::Store`].
    pub fn remembered_sources(&self) -> Result<Vec<Source>> {
        let mut sources = Vec::new();
        for name in self.sources_by_priority()? {
            let status = self.source(&name).status()?;
            let mut locations =
                status.locations.iter().filter_map(|text| text.parse::<Location>().ok());
            if let Some(first) = locations.next() {
                sources.push(locations.fold(Source::new(name, first), Source::with_mirror));
            }
        }
        if sources.is_empty() {
            let message = "no source of this store was ever asked";
            return Err(Error::new(ErrorKind::NotFound, message).with_path(self.dir()));
        }
        Ok(sources)
    }
}

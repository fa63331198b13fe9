//! What a store holds, and whether it is intact.

use std::path::PathBuf;

use crate::base::digest::Digest;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::files::RealFiles;
use crate::base::time::Timestamp;
use crate::net::location::Location;
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

impl Verification {
    /// Whether everything is as it was committed.
    pub fn is_intact(&self) -> bool {
        self.damaged.is_empty() && self.strays == 0
    }
}

impl Store {
    /// What is held of each source, the one with the highest priority first.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if there is no store; those of
    /// [`source_status`](Self::source_status).
    pub fn status(&self) -> Result<Vec<SourceStatus>> {
        self.sources_by_priority()?.iter().map(|name| self.source_status(name)).collect()
    }

    /// What is held of one source.
    ///
    /// # Errors
    /// [`ErrorKind::Store`]; [`ErrorKind::Trust`] if its trusted keys cannot be read.
    pub fn source_status(&self, name: &SourceName) -> Result<SourceStatus> {
        let folder = self.source(&RealFiles, name);
        let held = folder.read_current(|generation| {
            let head = generation.head(&RealFiles);
            let manifest = match &head {
                Some(head) => Some(head.digest()),
                None => generation.list_bytes(&RealFiles)?.map(|bytes| Digest::of(&bytes)),
            };
            Ok(HeldStatus {
                generation: generation.number,
                serial: head.as_ref().and_then(|head| head.serial()),
                published: head.as_ref().and_then(|head| head.published()),
                expires: head.as_ref().and_then(|head| head.expires()),
                manifest,
                entries: generation.held(&RealFiles).map_or(0, |held| held.len()),
            })
        })?;
        let status = folder.status();
        let failed = status.failed.into_iter();
        Ok(SourceStatus {
            name: name.clone(),
            locations: status.locations,
            checked: status.checked,
            trusted_keys: folder.trusted_keys()?,
            held,
            failed: failed.map(|failed| (failed.id, failed.kind, failed.message)).collect(),
        })
    }

    /// Compares every file of every source with its digest, and has the signature of the
    /// head verified where keys are trusted. Nothing is changed: an
    /// update with [`Trust::Digest`](crate::Trust::Digest) repairs what is found.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if there is no store; [`ErrorKind::Store`] if something
    /// cannot be read; [`ErrorKind::Trust`] if that is the trusted keys.
    pub fn verify(&self) -> Result<Vec<Verification>> {
        let mut found = Vec::new();
        for name in self.source_names()? {
            let folder = self.source(&RealFiles, &name);
            let keys = folder.trusted_keys()?;
            found.extend(folder.read_current(|generation| {
                let root = generation.list_path();
                let Ok(held) = generation.held(&RealFiles) else {
                    let (name, damaged) = (name.clone(), vec![root]);
                    return Ok(Verification { name, entries: 0, damaged, strays: 0 });
                };
                let damage = generation.damage(&RealFiles, &held)?;
                let below = |path: &crate::base::path::EntryPath| path.below(&generation.folder);
                let mut damaged: Vec<PathBuf> = damage.entries.iter().map(below).collect();
                damaged.extend(damage.of_the_tree.then_some(root));
                let head = generation.head_bytes(&RealFiles)?.unwrap_or_default();
                if note::check_head(&head, &keys).is_err() {
                    damaged.push(generation.head_path());
                }
                let (name, entries) = (name.clone(), held.len());
                Ok(Verification { name, entries, damaged, strays: damage.strays })
            })?);
        }
        Ok(found)
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
            let status = self.source(&RealFiles, &name).status();
            let mut locations =
                status.locations.iter().filter_map(|text| text.parse::<Location>().ok());
            if let Some(first) = locations.next() {
                sources.push(locations.fold(Source::new(name, first), Source::with_mirror));
            }
        }
        if sources.is_empty() {
            let message = "no source of this store was ever asked";
            return Err(Error::new(ErrorKind::NotFound, message).with_path(self.folder()));
        }
        Ok(sources)
    }
}

//! The state before a publication, as far as the tree still has it: head, manifest, and
//! `history.json`, which only publishers read.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::publisher::PublishSession;
use super::sign::Unsigned;
use super::tree::{HISTORY, Tree};
use crate::base::digest::Digest;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::files::{Files, read_if_any, write_atomically};
use crate::base::json::to_file;
use crate::base::problem::Problem;
use crate::base::text;
use crate::tree::head::{Head, OfferedPack};
use crate::tree::manifest::Manifest;

/// Largest history that is read: a record has about 150 bytes.
pub(super) const MAX_HISTORY_BYTES: u64 = 16 * 1024 * 1024;

/// Number of publications whose packs are kept: the one that the head names, and the one before
/// it, whose head some clients may still be using.
pub(super) const WITH_PACKS: usize = 2;

/// The earlier publications.
pub(super) struct Before {
    pub(super) head: Option<Head>,
    /// The head's bytes, signatures included; empty if there is none.
    pub(super) head_bytes: Vec<u8>,
    /// Begins with the head, even if the last run was interrupted right after writing it.
    pub(super) history: History,
    /// True if the history file begins with the head.
    pub(super) is_recorded: bool,
    /// The manifest of the last publication; empty if there is none.
    pub(super) manifest: Manifest,
    /// True if there is a publication, but its manifest is lost.
    pub(super) is_manifest_lost: bool,
    /// Warnings about keys, and about missing or damaged files of the tree.
    pub(super) warnings: Vec<Problem>,
}

impl Before {
    /// Reads head, history and manifest. Warns if one of them is lost.
    ///
    /// # Errors
    /// [`ErrorKind::Head`] for a head of another program; [`ErrorKind::Trust`] if a signed head would
    /// be replaced by an unsigned one; [`ErrorKind::Store`], also for another program's file with a
    /// name that the tree needs.
    pub(super) fn find(session: &PublishSession<'_>) -> Result<Before> {
        let tree = &session.tree;
        let mut warnings = session.signer.warnings.clone();
        let head = tree.head()?;
        let history = History::load(tree.files, &tree.history_path())?;
        match (&head, &history) {
            (None, None) => tree.check_unclaimed()?,
            (Some(_), None) => {
                warnings.push(Problem::warning(
                    HISTORY,
                    "missing or damaged; the history restarts with the head",
                ));
            }
            (None, Some(_)) => {
                warnings.push(Problem::warning(
                    tree.layout.head_name(),
                    "missing; it is restored from the history",
                ));
            }
            (Some(_), Some(_)) => {}
        }
        let mut history = history.unwrap_or_default();
        let newest = history.records.first().map(|record| record.manifest);
        let last = head.as_ref().map(Head::digest).or(newest);
        let manifest = last.map(|digest| tree.manifest(digest)).transpose()?.flatten();
        if let (Some(digest), None) = (last, &manifest) {
            warnings.push(Problem::warning(
                tree.layout.manifest_name(),
                format!("the manifest {digest} is missing; publishing everything again"),
            ));
        }
        let is_recorded =
            head.as_ref().is_none_or(|head| history.records.first() == Some(&head.into()));
        if let Some(head) = head.as_ref().filter(|_| !is_recorded) {
            history = history.with(head.into());
        }
        let head_bytes = tree.head_bytes()?.unwrap_or_default();
        if session.signer.drops_signature(&head_bytes) {
            if session.options.unsigned == Unsigned::Refuse {
                return Err(Error::new(
                    ErrorKind::Trust,
                    "the published head is signed, the new one would not be: clients that trust \
                     its keys would refuse it; sign with its key, or allow unsigned heads",
                )
                .with_path(tree.head_path()));
            }
            warnings.push(Problem::warning(
                tree.layout.head_name(),
                "the published head is signed, the new one is not: clients that trust \
                           its keys will refuse it",
            ));
        }
        Ok(Before {
            head_bytes,
            is_manifest_lost: last.is_some() && manifest.is_none(),
            manifest: manifest.unwrap_or_default(),
            head,
            history,
            is_recorded,
            warnings,
        })
    }

    /// Fails if the published head is not the one that was read: another publisher has replaced it.
    pub(super) fn check_current(&self, tree: &Tree<'_>) -> Result<()> {
        match tree.head_bytes()?.unwrap_or_default() == self.head_bytes {
            true => Ok(()),
            false => Err(overtaken().with_path(tree.head_path())),
        }
    }

    /// Returns the serial of the next publication.
    ///
    /// # Errors
    /// [`ErrorKind::Head`] if the last serial is the largest possible one.
    pub(super) fn next_serial(&self, tree: &Tree<'_>) -> Result<u64> {
        let recorded = self.history.records.iter().map(|record| record.serial).max();
        let newest = recorded.max(self.head.as_ref().and_then(Head::serial)).unwrap_or(0);
        newest.checked_add(1).ok_or_else(|| {
            Error::new(
                ErrorKind::Head,
                "the serial has reached its maximum; publish into a new directory",
            )
            .with_path(tree.head_path())
        })
    }
}

/// Returns the error of a publisher that another one has overtaken.
pub(super) fn overtaken() -> Error {
    Error::new(
        ErrorKind::Locked,
        "another publisher has replaced the head, so nothing was published; publish again",
    )
}

/// The publications so far, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct History {
    #[serde(rename = "publishes")]
    pub(super) records: Vec<Record>,
}

/// One publication.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    #[serde(with = "text")]
    pub(super) manifest: Digest,
    pub(super) serial: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) published: Option<String>,
    #[serde(default, rename = "size", skip_serializing_if = "Option::is_none")]
    pub(super) size_bytes: Option<u64>,
    /// The packs that lead to it, of the newest [`WITH_PACKS`] records.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) packs: Vec<PackRecord>,
}

/// A pack of a publication.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PackRecord {
    /// The base of a delta; none for a bundle.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) base: Option<String>,
    #[serde(rename = "size")]
    pub(super) size_bytes: u64,
}

impl From<&Head> for Record {
    fn from(head: &Head) -> Self {
        Record {
            manifest: head.digest(),
            serial: head.serial().unwrap_or(0),
            published: head.published().map(|published| published.to_string()),
            size_bytes: head.size_bytes(),
            packs: head.packs().iter().map(PackRecord::from).collect(),
        }
    }
}

impl From<&OfferedPack> for PackRecord {
    fn from(offer: &OfferedPack) -> Self {
        PackRecord { base: offer.base.clone(), size_bytes: offer.size_bytes }
    }
}

impl History {
    /// Reads the history; `None` if it is missing or invalid.
    pub(super) fn load(files: &dyn Files, path: &Path) -> Result<Option<History>> {
        let bytes = read_if_any(files, path, MAX_HISTORY_BYTES)?;
        Ok(bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
    }

    /// Returns the history with this publication added. A manifest that is published again moves
    /// to the top: it is recorded once.
    pub(super) fn with(&self, record: Record) -> History {
        let older = self.records.iter().filter(|old| old.manifest != record.manifest).cloned();
        let mut records: Vec<Record> = std::iter::once(record.clone()).chain(older).collect();
        records.iter_mut().skip(WITH_PACKS).for_each(|old| old.packs.clear());
        History { records }
    }

    pub(super) fn save(&self, files: &dyn Files, path: &Path) -> Result<()> {
        write_atomically(files, path, &to_file(self))
    }
}

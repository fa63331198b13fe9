//! `history.json`: the publications so far, newest first. Only publishers read this file; the
//! manifests themselves are in `by-sha/`.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::base::digest::Digest;
use crate::base::error::Result;
use crate::base::files::{Files, read_if_any, write_atomically};
use crate::tree::head::Head;

/// Largest history that is read: a record has about 150 bytes.
const MAX_BYTES: u64 = 16 * 1024 * 1024;

/// The publications so far, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct History {
    pub(super) records: Vec<Record>,
}

/// One publication.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) manifest: Digest,
    pub(super) serial: u64,
    pub(super) published: Option<String>,
    pub(super) size_bytes: Option<u64>,
}

#[derive(Serialize, Deserialize)]
struct WireHistory {
    publishes: Vec<WireRecord>,
}

#[derive(Serialize, Deserialize)]
struct WireRecord {
    manifest: String,
    serial: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    published: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
}

impl From<&Head> for Record {
    fn from(head: &Head) -> Self {
        Record {
            manifest: head.digest(),
            serial: head.serial().unwrap_or(0),
            published: head.published().map(|published| published.to_string()),
            size_bytes: head.size_bytes(),
        }
    }
}

impl History {
    /// Reads the history; `None` if it is missing or invalid.
    pub(super) fn load(files: &dyn Files, path: &Path) -> Result<Option<History>> {
        let bytes = read_if_any(files, path, MAX_BYTES)?;
        Ok(bytes.and_then(|bytes| History::parse(&bytes)))
    }

    fn parse(bytes: &[u8]) -> Option<History> {
        let wire: WireHistory = serde_json::from_slice(bytes).ok()?;
        let records = wire.publishes.into_iter().map(|record| {
            Some(Record {
                manifest: record.manifest.parse().ok()?,
                serial: record.serial,
                published: record.published,
                size_bytes: record.size,
            })
        });
        Some(History { records: records.collect::<Option<_>>()? })
    }

    /// Returns the history with this publication added. A manifest that is published again moves
    /// to the top: it is recorded once.
    pub(super) fn with(&self, record: Record) -> History {
        let older = self.records.iter().filter(|old| old.manifest != record.manifest).cloned();
        History { records: std::iter::once(record.clone()).chain(older).collect() }
    }

    pub(super) fn save(&self, files: &dyn Files, path: &Path) -> Result<()> {
        let publishes = self.records.iter().map(|record| WireRecord {
            manifest: record.manifest.to_string(),
            serial: record.serial,
            published: record.published.clone(),
            size: record.size_bytes,
        });
        let wire = WireHistory { publishes: publishes.collect() };
        let mut bytes = serde_json::to_vec_pretty(&wire).expect("plain fields are JSON");
        bytes.push(b'\n');
        write_atomically(files, path, &bytes)
    }
}

//! `history.json`: the publisher's own memory of what it published, newest first. The
//! manifests themselves are in `by-sha/`; no client reads this file.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::base::digest::Digest;
use crate::base::error::Result;
use crate::base::files::{Files, read_if_any, write_atomically};
use crate::tree::head::Head;

/// Largest history read: a record has about 150 bytes.
const MAX_BYTES: u64 = 16 * 1024 * 1024;

/// What was published, newest first.
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
struct Wire {
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
    /// Reads the history; `None` if there is none that can be read.
    pub(super) fn load(files: &dyn Files, path: &Path) -> Result<Option<History>> {
        let Some(bytes) = read_if_any(files, path, MAX_BYTES)? else {
            return Ok(None);
        };
        let wire: Option<Wire> = serde_json::from_slice(&bytes).ok();
        let records = wire.map(|wire| {
            wire.publishes.into_iter().map(|record| {
                Some(Record {
                    manifest: record.manifest.parse().ok()?,
                    serial: record.serial,
                    published: record.published,
                    size_bytes: record.size,
                })
            })
        });
        Ok(records
            .and_then(|records| records.collect::<Option<Vec<_>>>())
            .map(|records| History { records }))
    }

    /// The history with this publication on top. A manifest that is published again
    /// moves up: it is kept once.
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
        let wire = Wire { publishes: publishes.collect() };
        let mut bytes = serde_json::to_vec_pretty(&wire).expect("plain fields are JSON");
        bytes.push(b'\n');
        write_atomically(files, path, &bytes)
    }
}

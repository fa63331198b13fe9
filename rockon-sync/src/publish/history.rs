//! `history.json`: the publications so far, newest first. Only publishers read this file; the
//! manifests themselves are in `by-sha/`.

use std::path::Path;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::base::digest::Digest;
use crate::base::error::Result;
use crate::base::files::{Files, read_if_any, write_atomically};
use crate::tree::head::Head;

/// Largest history that is read: a record has about 150 bytes.
const MAX_BYTES: u64 = 16 * 1024 * 1024;

/// The publications so far, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct History {
    #[serde(rename = "publishes")]
    pub(super) records: Vec<Record>,
}

/// One publication.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    #[serde(serialize_with = "write_digest", deserialize_with = "read_digest")]
    pub(super) manifest: Digest,
    pub(super) serial: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) published: Option<String>,
    #[serde(default, rename = "size", skip_serializing_if = "Option::is_none")]
    pub(super) size_bytes: Option<u64>,
}

fn write_digest<S: Serializer>(digest: &Digest, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(digest)
}

fn read_digest<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Digest, D::Error> {
    String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
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
        Ok(bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
    }

    /// Returns the history with this publication added. A manifest that is published again moves
    /// to the top: it is recorded once.
    pub(super) fn with(&self, record: Record) -> History {
        let older = self.records.iter().filter(|old| old.manifest != record.manifest).cloned();
        History { records: std::iter::once(record.clone()).chain(older).collect() }
    }

    pub(super) fn save(&self, files: &dyn Files, path: &Path) -> Result<()> {
        let mut bytes = serde_json::to_vec_pretty(self).expect("plain fields are JSON");
        bytes.push(b'\n');
        write_atomically(files, path, &bytes)
    }
}

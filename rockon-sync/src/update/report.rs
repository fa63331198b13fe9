//! The result of an update.

use std::time::Duration;

use crate::base::digest::Digest;
use crate::base::error::{Error, ErrorKind};
use crate::source::SourceName;

/// The result of an update of one source or, after a check, of the update that would follow.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// The source.
    pub source: SourceName,
    /// The outcome.
    pub outcome: Outcome,
    /// The serial of the current head; `None` if it has none, or for a v1 source.
    pub serial: Option<u64>,
    /// The digest of the current manifest; for a v1 source, of its list.
    pub manifest: Option<Digest>,
    /// Number of requests, redirects and retries included.
    pub requests: u64,
    /// Bytes of response bodies as received: compressed, if the server compressed them.
    pub bytes_received: u64,
    /// Ids of new entries, in byte order like those of the other lists.
    pub added: Vec<String>,
    /// Ids of entries whose file has changed.
    pub changed: Vec<String>,
    /// Ids of removed entries.
    pub removed: Vec<String>,
    /// Ids of entries whose local file was damaged and has been replaced.
    pub healed: Vec<String>,
    /// Entries that could not be updated. Each keeps its previous version, if any.
    pub failed: Vec<FailedEntry>,
    /// Problems that did not stop the update, one sentence each: mirrors that failed, packs that
    /// were dropped, an expired head, and so on.
    pub warnings: Vec<String>,
    /// The duration of the update.
    pub duration: Duration,
}

/// The outcome of an update.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Outcome {
    /// The local copy was up to date.
    Unchanged,
    /// The local copy is up to date now.
    Updated,
    /// The local copy is up to date now, except for the failed entries.
    Partial,
    /// Every mirror has an older head than the local copy, or another one under the same serial.
    /// Nothing has changed.
    Stale,
}

impl Outcome {
    /// Returns the stable name, as in JSON reports.
    pub fn name(self) -> &'static str {
        match self {
            Outcome::Unchanged => "unchanged",
            Outcome::Updated => "updated",
            Outcome::Partial => "partial",
            Outcome::Stale => "stale",
        }
    }

    /// Returns the exit code of the command: 0 for success, 3 if partial, 4 if refused.
    pub fn exit_code(self) -> u8 {
        match self {
            Outcome::Unchanged | Outcome::Updated => 0,
            Outcome::Partial => 3,
            Outcome::Stale => 4,
        }
    }
}

/// An entry that could not be updated.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FailedEntry {
    /// The id.
    pub id: String,
    /// The kind of the error.
    pub kind: ErrorKind,
    /// The error message, with URL or path.
    pub message: String,
}

impl FailedEntry {
    pub(crate) fn new(id: &str, error: &Error) -> FailedEntry {
        FailedEntry { id: id.to_owned(), kind: error.kind(), message: error.to_chain() }
    }
}

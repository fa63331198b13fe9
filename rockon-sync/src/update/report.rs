//! What an update has done.

use std::time::Duration;

use crate::base::digest::Digest;
use crate::base::error::{Error, ErrorKind};
use crate::source::SourceName;

/// What an update of one source has done, or, after a check, would do.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// The source.
    pub source: SourceName,
    /// How it ended.
    pub outcome: Outcome,
    /// The serial of the head that is now current; `None` if it has none (v1).
    pub serial: Option<u64>,
    /// The digest of the manifest (v1: of the `root.json`) that is now current.
    pub manifest: Option<Digest>,
    /// Requests made, redirects and retries included.
    pub requests: u64,
    /// Bytes of bodies received, as they came over the wire.
    pub bytes_received: u64,
    /// Ids of entries that are new.
    pub added: Vec<String>,
    /// Ids of entries whose file has other bytes.
    pub changed: Vec<String>,
    /// Ids of entries that are gone.
    pub removed: Vec<String>,
    /// Ids of entries whose local file had been damaged and is whole again.
    pub healed: Vec<String>,
    /// Entries that could not be brought up to date; each keeps what was held of it.
    pub failed: Vec<FailedEntry>,
    /// What is not wrong but should be known, one sentence each.
    pub warnings: Vec<String>,
    /// How long it took.
    pub duration: Duration,
}

/// How an update ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Outcome {
    /// The store had everything already.
    Unchanged,
    /// The store now has what the source has.
    Updated,
    /// The store now has what the source has, but for the failed entries.
    Partial,
    /// Every mirror offers an older state than the one held, or another one under its
    /// serial; nothing was changed.
    Stale,
}

impl Outcome {
    /// The stable name used in JSON reports.
    pub fn name(self) -> &'static str {
        match self {
            Outcome::Unchanged => "unchanged",
            Outcome::Updated => "updated",
            Outcome::Partial => "partial",
            Outcome::Stale => "stale",
        }
    }

    /// The exit code of the command: 0 done, 3 partial, 4 refused.
    pub fn exit_code(self) -> u8 {
        match self {
            Outcome::Unchanged | Outcome::Updated => 0,
            Outcome::Partial => 3,
            Outcome::Stale => 4,
        }
    }
}

/// An entry that could not be brought up to date.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FailedEntry {
    /// The id of the entry.
    pub id: String,
    /// What went wrong.
    pub kind: ErrorKind,
    /// What went wrong, in words, with the place.
    pub message: String,
}

impl FailedEntry {
    pub(crate) fn new(id: &str, error: &Error) -> FailedEntry {
        FailedEntry { id: id.to_owned(), kind: error.kind(), message: error.to_chain() }
    }
}

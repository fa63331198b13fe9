//! Violated rules of manifests, lists and patches.

use crate::base::error::{Error, ErrorKind, excerpt};
use crate::base::json::{Position, Uncanonical};
use crate::base::limits::{MAX_NAMES, MAX_ROW_BYTES};
use crate::base::path::EntryPath;

/// A manifest, list or patch that is refused as a whole.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InvalidManifest {
    #[error("not a manifest: {0}")]
    Json(serde_json::Error),
    #[error("not a list: {0}")]
    ListJson(serde_json::Error),
    #[error("not a list: not UTF-8 at byte {valid_up_to}")]
    ListEncoding { valid_up_to: usize },
    #[error("not a patch of a manifest: {0}")]
    PatchJson(serde_json::Error),
    #[error("not a patch of a manifest: not UTF-8")]
    PatchEncoding,
    #[error("expected a manifest in canonical form")]
    NotCanonical,
    #[error("cannot read the manifest")]
    Read(#[source] std::io::Error),
    #[error("cannot write the manifest")]
    Write(#[source] std::io::Error),
    #[error("expected at most {most} entries, got more")]
    TooManyEntries { most: usize },
    #[error("expected at most {most} names, got more")]
    TooManyNames { most: usize },
    #[error("expected at most {MAX_ROW_BYTES} bytes for an entry, got more")]
    LongRow,
    #[error("duplicate id {id:?}")]
    DuplicateId { id: String },
    #[error("duplicate path \"{path}\" (compared without case and look-alike forms)")]
    DuplicatePath { path: String },
    #[error("path \"{file}\" is a file and the directory of \"{path}\"")]
    FileIsDir { file: String, path: String },
    #[error("entry {id:?}: {rule}")]
    Entry { id: String, rule: InvalidEntry },
    #[error("{position}: entry {id:?}: {rule}")]
    ListRow { position: Position, id: String, rule: InvalidEntry },
}

/// An entry that violates a rule.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InvalidEntry {
    #[error("the id is empty")]
    EmptyId,
    #[error("invalid id: {rule}")]
    Id { rule: &'static str },
    #[error("invalid name: {rule}")]
    Name { rule: &'static str },
    #[error("expected at most {MAX_NAMES} names, got more")]
    TooManyNames,
    #[error("duplicate id with another file")]
    DuplicateId,
    #[error("reserved path \"{path}\"")]
    ReservedPath { path: EntryPath },
    #[error("expected a file name, got {got}")]
    FileName { got: &'static str },
    #[error("missing field {name:?}")]
    MissingField { name: &'static str },
    #[error("duplicate field {name:?}")]
    DuplicateField { name: String },
    #[error("the field {name:?} {problem}")]
    Field { name: String, problem: Uncanonical },
    #[error("the patch {0}")]
    Patch(#[from] Uncanonical),
    #[error(transparent)]
    Value(#[from] Error),
}

impl InvalidEntry {
    pub(super) fn of(self, id: &str) -> InvalidManifest {
        InvalidManifest::Entry { id: excerpt(id), rule: self }
    }
}

impl From<InvalidManifest> for Error {
    fn from(invalid: InvalidManifest) -> Error {
        let message = invalid.to_string();
        match invalid {
            InvalidManifest::TooManyEntries { .. }
            | InvalidManifest::TooManyNames { .. }
            | InvalidManifest::LongRow => Error::new(ErrorKind::Limit, message),
            InvalidManifest::Read(error) | InvalidManifest::Write(error) => {
                Error::new(ErrorKind::Store, message).with_source(error)
            }
            _ => Error::new(ErrorKind::Manifest, message),
        }
    }
}

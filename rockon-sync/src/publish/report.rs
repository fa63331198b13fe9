//! The result of a publication.

use std::path::PathBuf;

use crate::base::digest::Digest;
use crate::base::error::{Error, ErrorKind};
use crate::base::problem::{Problem, Severity};
use crate::format::target::Requirements;

/// The result of a publication.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PublishReport {
    /// The outcome: a new publication, or an unchanged one.
    pub outcome: PublishOutcome,
    /// The serial of the head.
    pub serial: u64,
    /// The digest of the manifest.
    pub manifest: Digest,
    /// The path of the head, or its URL in a bucket.
    pub head: PathBuf,
    /// The number of published entries.
    pub entries: usize,
    /// The requirements of entries that have any, by id.
    pub requirements: Vec<(String, Requirements)>,
    /// Ids that are new since the last publication.
    pub added: Vec<String>,
    /// Ids of files with other bytes than in the last publication.
    pub changed: Vec<String>,
    /// Ids that are no longer published.
    pub removed: Vec<String>,
    /// Definitions that were published under another name in the last publication.
    pub renamed: Vec<Renamed>,
    /// Ids of files that are broken now, and stay published in their last version. Only a
    /// lenient publication keeps files.
    pub kept: Vec<String>,
    /// Paths of the files in the tree that were written, new or replaced, in byte order.
    pub written: Vec<String>,
    /// Paths of the files in the tree that were deleted, in byte order.
    pub deleted: Vec<String>,
    /// Warnings; and errors in files that a lenient publication kept or left out.
    pub problems: Vec<Problem>,
}

/// The progress of an upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct PublishProgress {
    /// The number of uploaded files.
    pub files_done: u64,
    /// The number of files to upload, as far as it is known.
    pub files_total: u64,
    /// The size of the uploaded files, in bytes.
    pub bytes_done: u64,
    /// The size of all files to upload, in bytes, as far as it is known.
    pub bytes_total: u64,
}

/// A definition with a new name.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Renamed {
    /// The name in the last publication.
    pub from: String,
    /// The new name.
    pub to: String,
    /// The id of the entry.
    pub id: String,
}

/// The outcome of a publication.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PublishOutcome {
    /// There is a new head.
    Published,
    /// Everything was published already. Nothing was written, except for a missing or outdated
    /// page.
    Unchanged,
}

/// Returns the error for a catalog with these problems.
pub(super) fn refused(problems: Vec<Problem>) -> Error {
    let errors = problems.iter().filter(|problem| problem.severity == Severity::Error).count();
    Error::new(
        ErrorKind::Catalog,
        match errors {
            1 => "nothing was published: 1 problem".to_owned(),
            n => format!("nothing was published: {n} problems"),
        },
    )
    .with_problems(problems)
}

//! What a publication has done.

use std::path::PathBuf;

use crate::base::digest::Digest;
use crate::base::problem::Problem;
use crate::format::target::Requirements;

/// What a publication has done.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PublishReport {
    /// Whether anything was written.
    pub outcome: PublishOutcome,
    /// The serial of the head.
    pub serial: u64,
    /// The digest of the manifest.
    pub manifest: Digest,
    /// The head that was written or found up to date.
    pub head: PathBuf,
    /// How many entries are published.
    pub entries: usize,
    /// What was understood of the machines that entries are for: those that say anything, by id.
    pub requirements: Vec<(String, Requirements)>,
    /// Ids that are new since the last publication.
    pub added: Vec<String>,
    /// Ids whose file has other bytes.
    pub changed: Vec<String>,
    /// Ids that are gone.
    pub removed: Vec<String>,
    /// Ids whose file is broken now, and which stay published as they were last. Only a
    /// lenient publication keeps any.
    pub kept: Vec<String>,
    /// Warnings, and what was left out or kept.
    pub problems: Vec<Problem>,
}

/// Whether a publication wrote anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PublishOutcome {
    /// There is a new head.
    Published,
    /// Everything was published already; nothing was written, but for a page that was missing
    /// or not wanted any more.
    Unchanged,
}

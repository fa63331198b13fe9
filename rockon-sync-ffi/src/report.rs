//! Reports of updates.

use std::ffi::c_char;

use crate::arena::{Arena, Owned, free};
use crate::error::Error;
use crate::status::Status;
use crate::strings::Strings;

/// The outcome of an update.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The local copy was up to date.
    Unchanged = 1,
    /// There is a new generation.
    Updated = 2,
    /// Some entries failed and keep their previous state.
    Partial = 3,
    /// The head is older or conflicting; nothing has changed.
    Stale = 4,
}

/// An entry that could not be updated.
#[repr(C)]
pub struct FailedEntry {
    pub id: *const c_char,
    pub status: Status,
    pub message: *const c_char,
}

/// The result of an update, or of a check.
#[repr(C)]
pub struct Report {
    pub outcome: Outcome,
    /// The name of the source.
    pub source: *const c_char,
    /// The serial of the current head; 0 without one (v1).
    pub serial: u64,
    /// The digest of the current manifest (v1: of root.json), or NULL.
    pub manifest: *const c_char,
    /// Requests, including redirects and retries.
    pub requests: u64,
    /// Body bytes received, before decompression.
    pub bytes_received: u64,
    pub duration_ms: u64,
    /// Ids of new entries.
    pub added: Strings,
    /// Ids of changed entries.
    pub changed: Strings,
    /// Ids of removed entries.
    pub removed: Strings,
    /// Ids of entries whose damaged local files are intact again.
    pub healed: Strings,
    /// The next update tries these again.
    pub failed: *const *const FailedEntry,
    pub failed_count: usize,
    /// Sentences: skipped mirrors and packs, expired heads, ...
    pub warnings: Strings,
}

impl Report {
    pub(crate) fn new(report: &rockon_sync_core::Report, arena: &mut Arena) -> Report {
        use rockon_sync_core::Outcome as Core;
        let failed = arena.structs(&report.failed, |failed, arena| FailedEntry {
            id: arena.text(&failed.id),
            status: failed.kind.into(),
            message: arena.text(&failed.message),
        });
        let added = arena.texts(&report.added);
        let changed = arena.texts(&report.changed);
        let removed = arena.texts(&report.removed);
        let healed = arena.texts(&report.healed);
        let warnings = arena.texts(&report.warnings);
        Report {
            outcome: match report.outcome {
                Core::Unchanged => Outcome::Unchanged,
                Core::Updated => Outcome::Updated,
                Core::Stale => Outcome::Stale,
                // Outcomes without a constant in C count as partial success.
                _ => Outcome::Partial,
            },
            source: arena.text(&report.source),
            serial: report.serial.unwrap_or(0),
            manifest: arena.optional(report.manifest),
            requests: report.requests,
            bytes_received: report.bytes_received,
            duration_ms: u64::try_from(report.duration.as_millis()).unwrap_or(u64::MAX),
            added,
            changed,
            removed,
            healed,
            failed: failed.data,
            failed_count: failed.count,
            warnings,
        }
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn rockon_sync_report_free(report: *mut Report) {
    // SAFETY: the header requires a report of an update.
    unsafe { free::<Report, ()>(report) }
}

/// The result of one source: either report or error is not NULL.
#[repr(C)]
pub struct UpdateResult {
    /// The name of the source.
    pub source: *const c_char,
    pub report: *const Report,
    pub error: *const Error,
}

/// The results of updating several sources, highest priority first.
#[repr(C)]
pub struct UpdateResults {
    pub results: *const *const UpdateResult,
    pub result_count: usize,
}

impl UpdateResults {
    pub(crate) fn for_c(
        done: Vec<(
            rockon_sync_core::SourceName,
            rockon_sync_core::Result<rockon_sync_core::Report>,
        )>,
    ) -> *mut UpdateResults {
        let mut arena = Arena::default();
        let results = arena.structs(done, |(name, result), arena| {
            let source = arena.text(name);
            let (mut report, mut error) = (std::ptr::null(), std::ptr::null());
            match result {
                Ok(done) => {
                    let view = Report::new(&done, arena);
                    report = arena.value(view);
                }
                Err(failed) => {
                    let view = Error::new(&failed, arena);
                    error = arena.value(view);
                }
            }
            UpdateResult { source, report, error }
        });
        let view = UpdateResults { results: results.data, result_count: results.count };
        Owned::for_c(view, (), arena)
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn rockon_sync_update_results_free(results: *mut UpdateResults) {
    // SAFETY: the header requires results of an update.
    unsafe { free::<UpdateResults, ()>(results) }
}

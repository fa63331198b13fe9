//! The report of an update.

use std::ffi::c_char;
use std::mem::MaybeUninit;

use rockon_sync_core::Outcome;

use crate::boundary::{Text, free, number, read, view};
use crate::error::status_of;

/// The store was already up to date.
pub const ROCKON_SYNC_OUTCOME_UNCHANGED: i32 = 1;
/// The store is now up to date.
pub const ROCKON_SYNC_OUTCOME_UPDATED: i32 = 2;
/// The store is now up to date, except for the failed entries.
pub const ROCKON_SYNC_OUTCOME_PARTIAL: i32 = 3;
/// Every mirror offers a state that is older than the current one, or that differs under the same
/// serial. Nothing was changed.
pub const ROCKON_SYNC_OUTCOME_STALE: i32 = 4;

/// The ids of new entries.
pub const ROCKON_SYNC_IDS_ADDED: i32 = 1;
/// The ids of entries whose file changed.
pub const ROCKON_SYNC_IDS_CHANGED: i32 = 2;
/// The ids of removed entries.
pub const ROCKON_SYNC_IDS_REMOVED: i32 = 3;
/// The ids of entries whose damaged local file was repaired.
pub const ROCKON_SYNC_IDS_HEALED: i32 = 4;
/// Ids whose file is broken now; their last published version is kept.
pub const ROCKON_SYNC_IDS_KEPT: i32 = 5;

/// The result of an update of one source; after a check, the changes that an update would make.
///
/// Threads: any number at a time.
pub struct Report {
    source: Text,
    outcome: i32,
    serial: Option<u64>,
    manifest: Option<Text>,
    requests: u64,
    bytes_received: u64,
    duration_ms: u64,
    ids: Ids,
    failed: Vec<FailedEntry>,
    warnings: Vec<Text>,
}

/// Lists of ids, selected by `ROCKON_SYNC_IDS_...`.
#[derive(Default)]
pub(crate) struct Ids {
    pub(crate) added: Vec<Text>,
    pub(crate) changed: Vec<Text>,
    pub(crate) removed: Vec<Text>,
    pub(crate) healed: Vec<Text>,
    pub(crate) kept: Vec<Text>,
}

impl Ids {
    /// Returns a list; an empty one for an invalid number.
    pub(crate) fn list(&self, list: i32) -> &[Text] {
        match list {
            ROCKON_SYNC_IDS_ADDED => &self.added,
            ROCKON_SYNC_IDS_CHANGED => &self.changed,
            ROCKON_SYNC_IDS_REMOVED => &self.removed,
            ROCKON_SYNC_IDS_HEALED => &self.healed,
            ROCKON_SYNC_IDS_KEPT => &self.kept,
            _ => &[],
        }
    }
}

/// An entry that could not be updated.
pub(crate) struct FailedEntry {
    pub(crate) id: Text,
    pub(crate) status: i32,
    pub(crate) message: Text,
}

impl From<rockon_sync_core::Report> for Report {
    fn from(report: rockon_sync_core::Report) -> Report {
        let failed = report.failed.into_iter().map(|failed| FailedEntry {
            status: status_of(failed.kind),
            id: failed.id.into(),
            message: failed.message.into(),
        });
        Report {
            source: Text::of(&report.source),
            outcome: match report.outcome {
                Outcome::Unchanged => ROCKON_SYNC_OUTCOME_UNCHANGED,
                Outcome::Updated => ROCKON_SYNC_OUTCOME_UPDATED,
                Outcome::Stale => ROCKON_SYNC_OUTCOME_STALE,
                // Outcomes without a constant in C count as partial success.
                _ => ROCKON_SYNC_OUTCOME_PARTIAL,
            },
            serial: report.serial,
            manifest: report.manifest.map(Text::of),
            requests: report.requests,
            bytes_received: report.bytes_received,
            duration_ms: u64::try_from(report.duration.as_millis()).unwrap_or(u64::MAX),
            ids: Ids {
                added: Text::all(report.added),
                changed: Text::all(report.changed),
                removed: Text::all(report.removed),
                healed: Text::all(report.healed),
                kept: Vec::new(),
            },
            failed: failed.collect(),
            warnings: Text::all(report.warnings),
        }
    }
}

/// Frees a report. NULL is a no-op.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_report_free(report: Option<Box<Report>>) {
    free(report);
}

/// Returns the name of the source.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_report_source(
    report: Option<&Report>,
    len_bytes: Option<&mut MaybeUninit<usize>>,
) -> *const c_char {
    view(report, len_bytes, |report| Some(&report.source))
}

/// Returns ROCKON_SYNC_OUTCOME_...; 0 for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_report_outcome(report: Option<&Report>) -> i32 {
    read(report, |report| report.outcome)
}

/// Returns true if the current head has a serial (v1 has none); it is written to serial, which may
/// be NULL.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_report_serial(
    report: Option<&Report>,
    serial: Option<&mut MaybeUninit<u64>>,
) -> bool {
    number(report, serial, |report| report.serial)
}

/// Returns the digest of the current manifest (v1: of root.json), in 64 hexadecimal digits; NULL if
/// there is none.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_report_manifest(
    report: Option<&Report>,
    len_bytes: Option<&mut MaybeUninit<usize>>,
) -> *const c_char {
    view(report, len_bytes, |report| report.manifest.as_ref())
}

/// Returns the number of requests, including redirects and retries.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_report_requests(report: Option<&Report>) -> u64 {
    read(report, |report| report.requests)
}

/// Returns the number of body bytes received, before decompression.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_report_bytes_received(report: Option<&Report>) -> u64 {
    read(report, |report| report.bytes_received)
}

/// Returns the duration in milliseconds.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_report_duration_ms(report: Option<&Report>) -> u64 {
    read(report, |report| report.duration_ms)
}

/// Returns the number of ids in a list, which is ROCKON_SYNC_IDS_...
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_report_id_count(report: Option<&Report>, list: i32) -> usize {
    read(report, |report| report.ids.list(list).len())
}

/// Returns an id in a list, which is ROCKON_SYNC_IDS_...; NULL beyond the last.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_report_id(
    report: Option<&Report>,
    list: i32,
    index: usize,
    len_bytes: Option<&mut MaybeUninit<usize>>,
) -> *const c_char {
    view(report, len_bytes, |report| report.ids.list(list).get(index))
}

/// Returns the number of entries that could not be updated. Each keeps its current state, and the
/// next update retries it.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_report_failed_count(report: Option<&Report>) -> usize {
    read(report, |report| report.failed.len())
}

/// Returns the id of a failed entry; NULL beyond the last.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_report_failed_id(
    report: Option<&Report>,
    index: usize,
    len_bytes: Option<&mut MaybeUninit<usize>>,
) -> *const c_char {
    view(report, len_bytes, |report| report.failed.get(index).map(|failed| &failed.id))
}

/// Returns the error of a failed entry: ROCKON_SYNC_ERROR_...; ROCKON_SYNC_OK beyond the last.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_report_failed_status(report: Option<&Report>, index: usize) -> i32 {
    read(report, |report| report.failed.get(index).map_or(0, |failed| failed.status))
}

/// Returns the error of a failed entry as a message; NULL beyond the last.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_report_failed_message(
    report: Option<&Report>,
    index: usize,
    len_bytes: Option<&mut MaybeUninit<usize>>,
) -> *const c_char {
    view(report, len_bytes, |report| report.failed.get(index).map(|failed| &failed.message))
}

/// Returns the number of warnings.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_report_warning_count(report: Option<&Report>) -> usize {
    read(report, |report| report.warnings.len())
}

/// Returns a warning as a sentence; NULL beyond the last.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_report_warning(
    report: Option<&Report>,
    index: usize,
    len_bytes: Option<&mut MaybeUninit<usize>>,
) -> *const c_char {
    view(report, len_bytes, |report| report.warnings.get(index))
}

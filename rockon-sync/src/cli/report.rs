//! What an update has done, for people and for programs.

use serde::Serialize;

use super::output::{ErrorJson, count, note, printable};
use crate::base::error::Result;
use crate::source::SourceName;
use crate::store::Store;
use crate::update::report::{Outcome, Report};

/// What the report is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// What was done.
    Update,
    /// What would be.
    Check,
}

/// Says what went wrong in an update that did not fail.
pub(super) fn note_problems(report: &Report) {
    for warning in &report.warnings {
        note(format!("rockon-sync: warning: {warning}"));
    }
    for failed in &report.failed {
        note(format!("rockon-sync: {:?} was not updated: {}", failed.id, failed.message));
    }
}

/// What happened, in one line.
pub(super) fn sentence(report: &Report, purpose: Purpose) -> String {
    let cost = format!(
        "{}, {} received, {} ms",
        count(usize::try_from(report.requests).unwrap_or(usize::MAX), "request"),
        count(usize::try_from(report.bytes_received).unwrap_or(usize::MAX), "byte"),
        report.duration.as_millis()
    );
    let serial = report.serial.map_or(String::new(), |serial| format!(" (serial {serial})"));
    let numbers: Vec<String> = [
        (report.added.len(), "added"),
        (report.changed.len(), "changed"),
        (report.removed.len(), "removed"),
        (report.healed.len(), "healed"),
        (report.failed.len(), "failed"),
    ]
    .iter()
    .filter(|(n, _)| *n > 0)
    .map(|(n, what)| format!("{n} {what}"))
    .collect();
    let numbers = match numbers.is_empty() {
        true => String::new(),
        false => format!(": {}", numbers.join(", ")),
    };
    let verb = match (report.outcome, purpose) {
        (Outcome::Unchanged, _) => "up to date",
        (Outcome::Updated, Purpose::Check) => "an update is available",
        (Outcome::Updated, Purpose::Update) => "updated",
        (Outcome::Partial, _) => "updated in part",
        (Outcome::Stale, _) => "not updated: the source offers an older or another state",
    };
    printable(&format!("{verb}{serial}{numbers}; {cost}"))
}

/// After a failure, what can still be relied on.
pub(super) fn print_what_is_held(store: &Store, name: &SourceName) {
    let held = store.source_status(name).map(|status| status.current);
    note(match held {
        Err(error) => format!("cannot tell what the store holds of {name}: {}", error.to_chain()),
        Ok(None) => format!("the store holds nothing of {name} yet"),
        Ok(Some(held)) => {
            let serial = held.serial.map_or(String::new(), |serial| format!(", serial {serial}"));
            format!(
                "the store still holds generation {} of {name}{serial}, {}",
                held.generation,
                count(held.entries, "entry")
            )
        }
    });
}

/// What an update of one source prints.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum ResultJson<'a> {
    Done(ReportJson<'a>),
    Failed { outcome: &'static str, source: &'a str, error: ErrorJson },
}

#[derive(Serialize)]
pub(super) struct ReportJson<'a> {
    outcome: &'static str,
    source: &'a str,
    serial: Option<u64>,
    manifest: Option<String>,
    requests: u64,
    bytes_received: u64,
    added: &'a [String],
    changed: &'a [String],
    removed: &'a [String],
    healed: &'a [String],
    failed: Vec<FailedJson<'a>>,
    warnings: &'a [String],
    duration_ms: u64,
    check: bool,
}

#[derive(Serialize)]
struct FailedJson<'a> {
    id: &'a str,
    kind: &'static str,
    message: &'a str,
}

impl<'a> ResultJson<'a> {
    pub(super) fn new(name: &'a SourceName, result: &'a Result<Report>, purpose: Purpose) -> Self {
        let report = match result {
            Ok(report) => report,
            Err(error) => {
                let (outcome, source) = ("failed", name.as_str());
                return ResultJson::Failed { outcome, source, error: error.into() };
            }
        };
        let failed = report.failed.iter().map(|failed| FailedJson {
            id: &failed.id,
            kind: failed.kind.name(),
            message: &failed.message,
        });
        ResultJson::Done(ReportJson {
            outcome: report.outcome.name(),
            source: report.source.as_str(),
            serial: report.serial,
            manifest: report.manifest.map(|digest| digest.to_string()),
            requests: report.requests,
            bytes_received: report.bytes_received,
            added: &report.added,
            changed: &report.changed,
            removed: &report.removed,
            healed: &report.healed,
            failed: failed.collect(),
            warnings: &report.warnings,
            duration_ms: u64::try_from(report.duration.as_millis()).unwrap_or(u64::MAX),
            check: purpose == Purpose::Check,
        })
    }
}

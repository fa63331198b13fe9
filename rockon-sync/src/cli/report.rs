//! The result of an update, for people and for programs.

use serde_json::{Value, json};

use super::output::{count, failure, note, note_error, note_message, note_warning, object};
use crate::base::error::Result;
use crate::source::SourceName;
use crate::store::Store;
use crate::update::report::{Outcome, Report};

/// The purpose of an update.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    Update,
    /// Only to see what an update would do.
    Check,
}

/// The messages about an update that are printed to standard error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Notes {
    All,
    /// Only errors, since the warnings are in the JSON report.
    Errors,
}

/// Prints the error of an update, or its warnings.
pub(super) fn note_result(store: &Store, name: &SourceName, result: &Result<Report>, notes: Notes) {
    match result {
        Err(error) => {
            note_error(error);
            note_local_copy(store, name);
        }
        Ok(report) if notes == Notes::All => {
            for warning in &report.warnings {
                note_warning(warning);
            }
            for failed in &report.failed {
                note_message(format!("{:?} was not updated: {}", failed.id, failed.message));
            }
        }
        Ok(_) => {}
    }
}

/// Summarizes an update in one line.
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
        (Outcome::Partial, _) => "partially updated",
        (Outcome::Stale, _) => "not updated: the source offers an older or conflicting head",
    };
    format!("{verb}{serial}{numbers}; {cost}")
}

/// Prints the local copy that is still available after a failure.
fn note_local_copy(store: &Store, name: &SourceName) {
    note(match store.source_status(name).map(|status| status.current) {
        Err(error) => format!("cannot read the local copy of {name}: {}", error.to_chain()),
        Ok(None) => format!("the store has no local copy of {name} yet"),
        Ok(Some(current)) => {
            let serial =
                current.serial.map_or(String::new(), |serial| format!(", serial {serial}"));
            format!(
                "the store still has generation {} of {name}{serial}, {}",
                current.generation,
                count(current.entries, "entry")
            )
        }
    });
}

/// Returns the output of an update of one source.
pub(super) fn result_json(name: &SourceName, result: &Result<Report>, purpose: Purpose) -> Value {
    let report = match result {
        Ok(report) => report,
        Err(error) => return object([json!({"source": name.as_str()}), failure(error)]),
    };
    let failed = report.failed.iter();
    let failed = failed.map(|failed| failed_json(&failed.id, failed.kind.name(), &failed.message));
    json!({
        "outcome": report.outcome.name(),
        "source": report.source.as_str(),
        "serial": report.serial,
        "manifest": report.manifest.map(|digest| digest.to_string()),
        "requests": report.requests,
        "bytes_received": report.bytes_received,
        "added": report.added,
        "changed": report.changed,
        "removed": report.removed,
        "healed": report.healed,
        "failed": failed.collect::<Vec<_>>(),
        "warnings": report.warnings,
        "duration_ms": u64::try_from(report.duration.as_millis()).unwrap_or(u64::MAX),
        "check": purpose == Purpose::Check,
    })
}

/// Returns the output of an entry that could not be updated.
pub(super) fn failed_json(id: &str, kind: &str, message: &str) -> Value {
    json!({"id": id, "kind": kind, "message": message})
}

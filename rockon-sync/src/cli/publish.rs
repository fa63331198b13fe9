//! `publish`.

use std::collections::BTreeMap;

use serde::Serialize;

use super::args::PublishArgs;
use super::output::{Output, count, note, printable};
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::problem::{Problem, Severity};
use crate::base::time::Timestamp;
use crate::format::target::Requirements;
use crate::publish::{Leniency, Page, PublishOutcome, PublishReport, Publisher};
use crate::update::plan::MassDelete;

/// The variable that fixes the time of publication (reproducible-builds.org).
const SOURCE_DATE_EPOCH: &str = "SOURCE_DATE_EPOCH";

pub(super) fn run(args: PublishArgs, out: &mut Output) -> Result<u8> {
    let mut publisher = Publisher::new(&args.dir).format(args.format).keep(args.keep);
    if args.in_place {
        publisher = publisher.in_place();
    }
    if let Some(dir) = &args.out {
        publisher = publisher.out(dir);
    }
    if let Some(url) = &args.url {
        publisher = publisher.url(url);
    }
    if let Some(days) = args.expires_in {
        publisher = publisher.expires_in_days(days);
    }
    for path in &args.sign_key {
        publisher = publisher.sign_key_file(path);
    }
    if args.lenient {
        publisher = publisher.leniency(Leniency::LeaveOut);
    }
    if args.allow_mass_delete {
        publisher = publisher.mass_delete(MassDelete::Allow);
    }
    if args.page {
        publisher = publisher.page(Page::Write);
    }
    if let Some(published) = source_date_epoch()? {
        publisher = publisher.published(published);
    }
    let result = publisher.run();
    let problems = match &result {
        Ok(report) => &*report.problems,
        Err(error) => error.problems(),
    };
    for problem in problems {
        note(problem.to_string());
    }
    for id in result.iter().flat_map(|report| &report.kept) {
        note(format!("{id}: kept as it was published last"));
    }
    if args.json {
        match &result {
            Ok(report) => out.json(&ReportJson::from(report))?,
            Err(error) => {
                let problems = problems.iter().map(ProblemJson::from).collect();
                out.json(&FailedJson { outcome: "failed", error: error.into(), problems })?;
            }
        }
    }
    let report = result?;
    if !args.json {
        out.line(printable(&sentence(&report)))?;
    }
    Ok(0)
}

fn source_date_epoch() -> Result<Option<Timestamp>> {
    let Some(value) = std::env::var_os(SOURCE_DATE_EPOCH) else {
        return Ok(None);
    };
    let seconds = value.to_str().and_then(|value| value.trim().parse().ok()).ok_or_else(|| {
        let message = format!("expected a number of seconds in {SOURCE_DATE_EPOCH}, got {value:?}");
        Error::new(ErrorKind::Argument, message)
    })?;
    Timestamp::from_unix(seconds).map(Some)
}

fn sentence(report: &PublishReport) -> String {
    let (verb, serial) = match report.outcome {
        PublishOutcome::Unchanged => ("nothing new", report.serial),
        _ => ("published", report.serial),
    };
    let left_out =
        report.problems.iter().filter(|problem| problem.severity == Severity::Error).count();
    let kept = match report.kept.len() {
        0 => String::new(),
        n => format!(", {n} kept"),
    };
    let left_out = match left_out {
        0 => String::new(),
        n => format!(", {} passed over", count(n, "problem")),
    };
    let count_of = |is_known: fn(&Requirements) -> bool| {
        report.requirements.iter().filter(|(_, known)| is_known(known)).count()
    };
    let understood = match report.requirements.is_empty() {
        true => String::new(),
        false => format!(
            "; architectures known of {}, minimum versions of {}",
            count_of(|known| known.arch().is_some()),
            count_of(|known| known.min_version().is_some())
        ),
    };
    format!(
        "{verb}: serial {serial}, {} ({} added, {} changed, {} removed{kept}{left_out}) in {}{understood}",
        match report.entries {
            1 => "1 entry".to_owned(),
            n => format!("{n} entries"),
        },
        report.added.len(),
        report.changed.len(),
        report.removed.len(),
        report.head.display()
    )
}

#[derive(Serialize)]
struct ReportJson<'a> {
    outcome: &'static str,
    serial: u64,
    manifest: String,
    head: String,
    entries: usize,
    /// What was understood of the machines that entries are for, by id.
    targets: BTreeMap<&'a str, TargetJson<'a>>,
    added: &'a [String],
    changed: &'a [String],
    removed: &'a [String],
    kept: &'a [String],
    problems: Vec<ProblemJson<'a>>,
}

#[derive(Serialize)]
struct FailedJson<'a> {
    outcome: &'static str,
    error: super::output::ErrorJson,
    problems: Vec<ProblemJson<'a>>,
}

/// What something needs of a machine.
#[derive(Serialize)]
pub(super) struct TargetJson<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    arch: Option<&'a [Box<str>]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    min_version: Option<&'a str>,
}

impl<'a> From<&'a Requirements> for TargetJson<'a> {
    fn from(requirements: &'a Requirements) -> Self {
        let (arch, min_version) = (requirements.arch(), requirements.min_version());
        TargetJson { arch, min_version }
    }
}

#[derive(Serialize)]
pub(super) struct ProblemJson<'a> {
    severity: &'static str,
    file: &'a str,
    line: Option<u32>,
    column: Option<u32>,
    message: &'a str,
}

impl<'a> From<&'a Problem> for ProblemJson<'a> {
    fn from(problem: &'a Problem) -> Self {
        ProblemJson {
            severity: match problem.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
            },
            file: &problem.file,
            line: problem.position.map(|position| position.line),
            column: problem.position.map(|position| position.column),
            message: &problem.message,
        }
    }
}

impl<'a> From<&'a PublishReport> for ReportJson<'a> {
    fn from(report: &'a PublishReport) -> Self {
        ReportJson {
            outcome: match report.outcome {
                PublishOutcome::Published => "published",
                PublishOutcome::Unchanged => "unchanged",
            },
            serial: report.serial,
            manifest: report.manifest.to_string(),
            head: report.head.display().to_string(),
            entries: report.entries,
            targets: report
                .requirements
                .iter()
                .map(|(id, requirements)| (id.as_str(), requirements.into()))
                .collect(),
            added: &report.added,
            changed: &report.changed,
            removed: &report.removed,
            kept: &report.kept,
            problems: report.problems.iter().map(ProblemJson::from).collect(),
        }
    }
}

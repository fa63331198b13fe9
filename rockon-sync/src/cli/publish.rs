//! `publish`.

use serde_json::{Value, json};

use super::args::PublishArgs;
use super::bar::Bar;
use super::output::{Output, count, failure, note, object};
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::problem::{Problem, Severity};
use crate::base::time::Timestamp;
use crate::format::target::Requirements;
use crate::publish::{Leniency, Page, PublishOutcome, PublishReport, Publisher, Renamed};
use crate::update::plan::MassDelete;

/// The environment variable with the time of publication (reproducible-builds.org).
const SOURCE_DATE_EPOCH: &str = "SOURCE_DATE_EPOCH";

pub(super) fn run(args: PublishArgs, out: &mut Output) -> Result<u8> {
    let (destination, history, signing) = (args.destination, args.history, args.signing);
    let mut publisher = Publisher::new(&args.dir).format(args.format).keep(history.keep);
    if destination.in_place {
        publisher = publisher.in_place();
    }
    if let Some(dir) = destination.out {
        publisher = publisher.out(dir);
    }
    if let Some(url) = destination.url {
        publisher = publisher.url(url);
    }
    if let Some(location) = history.previous {
        publisher = publisher.previous(location);
    }
    if history.initial {
        publisher = publisher.initial();
    }
    for path in signing.sign_key {
        publisher = publisher.sign_key_file(path);
    }
    if let Some(path) = signing.keys {
        publisher = publisher.key_list(path);
    }
    if signing.unsigned {
        publisher = publisher.unsigned();
    }
    if let Some(days) = signing.expires_in {
        publisher = publisher.expires_in_days(days);
    }
    if args.page.page {
        publisher = publisher.page(Page::Write);
    }
    if let Some(title) = args.page.title {
        publisher = publisher.page_title(title);
    }
    if args.guards.lenient {
        publisher = publisher.leniency(Leniency::LeaveOut);
    }
    if args.guards.allow_mass_delete {
        publisher = publisher.mass_delete(MassDelete::Allow);
    }
    if args.dry_run {
        publisher = publisher.dry_run();
    }
    if let Some(published) = source_date_epoch()? {
        publisher = publisher.published(published);
    }
    let bar = if args.json { Bar::hidden() } else { Bar::shown() };
    let result = publisher.progress(|progress| bar.show_upload(progress)).run();
    bar.clear();
    let problems = match &result {
        Ok(report) => &*report.problems,
        Err(error) => error.problems(),
    };
    for problem in problems {
        note(problem.to_string());
    }
    for id in result.iter().flat_map(|report| &report.kept) {
        note(format!("{id}: the last published version was kept"));
    }
    if args.json {
        match &result {
            Ok(report) => {
                let mut published = report_json(report);
                published["dry_run"] = args.dry_run.into();
                out.json(&published)?;
            }
            Err(error) => {
                let mut failed = failure(error);
                failed["problems"] = problems_json(problems);
                out.json(&failed)?;
            }
        }
    }
    let report = result?;
    if !args.json {
        for Renamed { from, to, id, .. } in &report.renamed {
            out.line(format!("renamed  {from} -> {to}  ({id})"))?;
        }
        for (verb, files) in [("write", &report.written), ("delete", &report.deleted)] {
            for file in files.iter().filter(|_| args.dry_run) {
                out.line(format!("would {verb} {file}"))?;
            }
        }
        let prefix = if args.dry_run { "dry run: " } else { "" };
        out.line(format!("{prefix}{}", sentence(&report)))?;
    }
    Ok(0)
}

fn source_date_epoch() -> Result<Option<Timestamp>> {
    let Some(value) = std::env::var_os(SOURCE_DATE_EPOCH) else {
        return Ok(None);
    };
    match value.to_str().and_then(|value| value.trim().parse().ok()) {
        Some(seconds) => Timestamp::from_unix(seconds).map(Some),
        None => Err(Error::new(
            ErrorKind::Argument,
            format!("{SOURCE_DATE_EPOCH}: expected seconds since 1970, got {value:?}"),
        )),
    }
}

/// Summarizes a publication in one line.
fn sentence(report: &PublishReport) -> String {
    let verb = match report.outcome {
        PublishOutcome::Published => "published",
        PublishOutcome::Unchanged => "nothing new",
    };
    let mut changes = vec![
        format!("{} added", report.added.len()),
        format!("{} changed", report.changed.len()),
        format!("{} removed", report.removed.len()),
    ];
    if !report.kept.is_empty() {
        changes.push(format!("{} kept", report.kept.len()));
    }
    let is_error = |problem: &&Problem| problem.severity == Severity::Error;
    let errors = report.problems.iter().filter(is_error).count();
    if errors > 0 {
        changes.push(format!("{} ignored", count(errors, "problem")));
    }
    format!(
        "{verb}: serial {}, {} ({}) in {}{}",
        report.serial,
        count(report.entries, "entry"),
        changes.join(", "),
        report.head.display(),
        requirements(report)
    )
}

/// Counts the entries with requirements, so that publishers notice when theirs are not understood.
fn requirements(report: &PublishReport) -> String {
    let count_of = |has_one: fn(&Requirements) -> bool| {
        let found = report.requirements.iter().filter(|(_, requirements)| has_one(requirements));
        count(found.count(), "entry")
    };
    match report.requirements.is_empty() {
        true => String::new(),
        false => format!(
            "; {} for certain architectures, {} with a minimum version",
            count_of(|requirements| requirements.arch().is_some()),
            count_of(|requirements| requirements.min_version().is_some())
        ),
    }
}

fn report_json(report: &PublishReport) -> Value {
    let targets = report.requirements.iter();
    let renamed = report.renamed.iter();
    let renamed =
        renamed.map(|Renamed { from, to, id, .. }| json!({"from": from, "to": to, "id": id}));
    json!({
        "outcome": match report.outcome {
            PublishOutcome::Published => "published",
            PublishOutcome::Unchanged => "unchanged",
        },
        "serial": report.serial,
        "manifest": report.manifest.to_string(),
        "head": report.head.display().to_string(),
        "entries": report.entries,
        // The requirements of entries, by id.
        "targets": targets
            .map(|(id, requirements)| (id, requirements_json(requirements)))
            .collect::<Value>(),
        "added": report.added,
        "changed": report.changed,
        "removed": report.removed,
        "renamed": renamed.collect::<Value>(),
        "kept": report.kept,
        "written": report.written,
        "deleted": report.deleted,
        "problems": problems_json(&report.problems),
    })
}

/// Returns the requirements of a definition.
pub(super) fn requirements_json(requirements: &Requirements) -> Value {
    let (arch, min_version) = (requirements.arch(), requirements.min_version());
    object([json!({"arch": arch, "min_version": min_version})])
}

pub(super) fn problems_json(problems: &[Problem]) -> Value {
    let problem = |problem: &Problem| {
        json!({
            "severity": match problem.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
            },
            "file": problem.file,
            "line": problem.position.map(|position| position.line),
            "column": problem.position.map(|position| position.column),
            "message": problem.message,
        })
    };
    problems.iter().map(problem).collect()
}

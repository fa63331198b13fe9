//! `update` and `verify`.

use std::time::Duration;

use serde::Serialize;

use super::args::{GuardArgs, UpdateArgs, VerifyArgs};
use super::bar::Bar;
use super::follow;
use super::output::{ErrorJson, Output, count, is_watched, note, print_error, printable};
use crate::error::{ErrorKind, Result};
use crate::plan::MassDelete;
use crate::report::{Outcome, Report};
use crate::source::SourceName;
use crate::store::Store;
use crate::update::{Freshness, Rollback, Trust, Updater, update_each};

pub(super) fn run(args: UpdateArgs, out: &mut Output) -> Result<u8> {
    let store = Store::new(&args.store);
    let followed = follow::sources(&store, &args)?;
    let trust = if args.full { Trust::Nothing } else { Trust::SizeAndTime };
    let bar = Bar::new(!args.quiet && !args.json && is_watched());
    let updater = Updater::new(&store)
        .trust(trust)
        .timeout(Duration::from_secs_f64(args.timeout))
        .lock_patience(Duration::from_secs_f64(args.wait))
        .progress(|progress| bar.show(progress));
    let mut updater = guarded(updater, &args.guards);
    let results = update_each(followed, |sources| match args.check {
        true => updater.check_all(sources),
        false => updater.run_all(sources),
    });
    drop(updater);
    bar.clear();
    for (name, result) in &results {
        match result {
            Err(error) => {
                print_error(error);
                print_what_is_held(&store, name);
            }
            Ok(report) if !args.json => {
                print_report(report, args.check, args.quiet, results.len() > 1, out)?;
            }
            Ok(_) => {}
        }
    }
    if args.json {
        let objects: Vec<ResultJson<'_>> = results
            .iter()
            .map(|(name, result)| ResultJson::new(name, result, args.check))
            .collect();
        match &*objects {
            [one] => out.json(one)?,
            many => out.json(&ManyJson { sources: many })?,
        }
    }
    Ok(exit_code(results.iter().map(|(_, result)| result)))
}

pub(super) fn verify(args: VerifyArgs, out: &mut Output) -> Result<u8> {
    let store = Store::new(&args.browse.store);
    if args.repair {
        let mut updater = Updater::new(&store).trust(Trust::Digest);
        let results = update_each(store.followed_sources()?, |sources| updater.run_all(sources));
        for (name, result) in &results {
            match result {
                Ok(report) if !args.browse.json => {
                    print_report(report, false, false, true, out)?;
                }
                Ok(_) => {}
                Err(error) => {
                    print_error(error);
                    print_what_is_held(&store, name);
                }
            }
        }
        let code = exit_code(results.iter().map(|(_, result)| result));
        if code != 0 {
            return Ok(code);
        }
    }
    let found = store.verify()?;
    let is_intact = found.iter().all(|source| source.is_intact());
    if args.browse.json {
        let sources = found
            .iter()
            .map(|source| VerificationJson {
                source: source.name.as_str(),
                entries: source.entries,
                damaged: source.damaged.iter().map(|path| path.display().to_string()).collect(),
                strays: source.strays,
            })
            .collect();
        out.json(&VerifyJson { intact: is_intact, sources })?;
    } else {
        for source in &found {
            for path in &source.damaged {
                out.line(printable(&format!("{}: missing or altered", path.display())))?;
            }
            let verdict = match source.is_intact() {
                true => "intact".to_owned(),
                false => format!(
                    "{} damaged, {} that do not belong there",
                    count(source.damaged.len(), "file"),
                    count(source.strays, "file")
                ),
            };
            out.line(format!("{}: {}, {verdict}", source.name, count(source.entries, "entry")))?;
        }
        if !is_intact {
            note("the next update, or verify --repair, fetches what is damaged again");
        }
    }
    Ok(if is_intact { 0 } else { ErrorKind::Integrity.exit_code() })
}

pub(super) fn guarded<'a>(updater: Updater<'a>, guards: &GuardArgs) -> Updater<'a> {
    let mass_delete = match guards.allow_mass_delete {
        true => MassDelete::Allow,
        false => MassDelete::Refuse,
    };
    let rollback = if guards.allow_rollback { Rollback::Allow } else { Rollback::Refuse };
    let freshness = if guards.require_fresh { Freshness::Require } else { Freshness::Warn };
    updater.mass_delete(mass_delete).rollback(rollback).freshness(freshness)
}

/// Of several sources, the worst decides: refused, failed, not to be asked, locked, partial.
fn exit_code<'a>(results: impl Iterator<Item = &'a Result<Report>>) -> u8 {
    let codes = results.map(|result| match result {
        Ok(report) => report.outcome.exit_code(),
        Err(error) => error.kind().exit_code(),
    });
    let badness = |code: &u8| [0, 3, 5, 2, 1, 4].iter().position(|known| known == code);
    codes.max_by_key(badness).unwrap_or(0)
}

pub(super) fn print_report(
    report: &Report,
    is_check: bool,
    is_quiet: bool,
    names_source: bool,
    out: &mut Output,
) -> Result<()> {
    for warning in &report.warnings {
        note(format!("rockon-sync: warning: {warning}"));
    }
    for failed in &report.failed {
        note(format!("rockon-sync: {:?} was not updated: {}", failed.id, failed.message));
    }
    if is_quiet {
        return Ok(());
    }
    let prefix = if names_source { format!("{}: ", report.source) } else { String::new() };
    out.line(printable(&format!("{prefix}{}", sentence(report, is_check))))
}

/// What happened, in one line.
fn sentence(report: &Report, is_check: bool) -> String {
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
    let verb = match (report.outcome, is_check) {
        (Outcome::Unchanged, _) => "up to date",
        (Outcome::Updated, true) => "an update is there",
        (Outcome::Updated, false) => "updated",
        (Outcome::Partial, _) => "updated in part",
        (Outcome::Stale, _) => "not updated: the source offers an older or another state",
    };
    format!("{verb}{serial}{numbers}; {cost}")
}

/// After a failure, what can still be relied on.
pub(super) fn print_what_is_held(store: &Store, name: &SourceName) {
    let held = store.source_status(name).ok().and_then(|status| status.held);
    note(match held {
        None => format!("the store holds nothing of {name} yet"),
        Some(held) => {
            let serial = held.serial.map_or(String::new(), |serial| format!(", serial {serial}"));
            format!(
                "the store still holds generation {} of {name}{serial}, {}",
                held.generation,
                count(held.entries, "entry")
            )
        }
    });
}

#[derive(Serialize)]
struct ManyJson<'a> {
    sources: &'a [ResultJson<'a>],
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
    pub(super) fn new(name: &'a SourceName, result: &'a Result<Report>, is_check: bool) -> Self {
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
            check: is_check,
        })
    }
}

#[derive(Serialize)]
struct VerifyJson<'a> {
    intact: bool,
    sources: Vec<VerificationJson<'a>>,
}

#[derive(Serialize)]
struct VerificationJson<'a> {
    source: &'a str,
    entries: usize,
    damaged: Vec<String>,
    strays: usize,
}

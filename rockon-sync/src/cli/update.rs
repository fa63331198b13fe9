//! `update` and `verify`.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use super::args::{GuardArgs, UpdateArgs, VerifyArgs};
use super::output::{ErrorJson, Output, count, is_watched, note, print_error, printable};
use crate::error::{Error, ErrorKind, Result};
use crate::note::VerifierKey;
use crate::plan::MassDelete;
use crate::progress::{Phase, Progress};
use crate::report::{Outcome, Report};
use crate::source::{Source, SourceName};
use crate::store::Store;
use crate::update::{Freshness, Rollback, Trust, Updater};

/// Exit code of an update of several sources of which some entries failed.
const PARTIAL: u8 = 3;

pub(super) fn run(args: UpdateArgs, out: &mut Output) -> Result<u8> {
    let store = Store::new(&args.store);
    let sources = match args.source.is_empty() {
        false => group(&args.source)?,
        true => store.remembered_sources().map_err(|error| match error.kind() {
            ErrorKind::NotFound => {
                let message = "no source is known yet: name one with --source";
                Error::new(ErrorKind::Argument, message).with_path(&args.store)
            }
            _ => error,
        })?,
    };
    let sources = trusting(sources, &args.trust_key)?;
    let trust = if args.full { Trust::Nothing } else { Trust::SizeAndTime };
    let mut results = Vec::with_capacity(sources.len());
    for source in &sources {
        let bar = Bar::new(!args.quiet && !args.json && is_watched());
        let updater = Updater::new(&store)
            .trust(trust)
            .timeout(Duration::from_secs_f64(args.timeout))
            .lock_patience(Duration::from_secs_f64(args.wait))
            .progress(|progress| bar.show(progress));
        let mut updater = guarded(updater, &args.guards);
        let result = if args.check { updater.check(source) } else { updater.run(source) };
        drop(updater);
        bar.clear();
        if let Err(error) = &result {
            print_error(error);
            print_what_is_held(&store, source.name());
        } else if let (Ok(report), false) = (&result, args.json) {
            print_report(report, args.check, args.quiet, sources.len() > 1, out)?;
        }
        results.push((source, result));
    }
    if args.json {
        let objects: Vec<ResultJson> = results
            .iter()
            .map(|(source, result)| ResultJson::new(source.name(), result, args.check))
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
        let mut results = Vec::new();
        for source in store.remembered_sources()? {
            let result = Updater::new(&store).trust(Trust::Digest).run(&source);
            match &result {
                Ok(report) if !args.browse.json => {
                    print_report(report, false, false, true, out)?;
                }
                Ok(_) => {}
                Err(error) => {
                    print_error(error);
                    print_what_is_held(&store, source.name());
                }
            }
            results.push(result);
        }
        let code = exit_code(results.iter());
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

/// Collects what is said of each name: the first location is the source, further
/// ones are its mirrors.
fn group(texts: &[String]) -> Result<Vec<Source>> {
    let mut sources: Vec<Source> = Vec::new();
    for text in texts {
        let source: Source = text.parse()?;
        match sources.iter().position(|known| known.name() == source.name()) {
            Some(n) => {
                let known = sources.remove(n);
                let mirror = source.mirrors()[0].clone();
                sources.insert(n, known.with_mirror(mirror));
            }
            None => sources.push(source),
        }
    }
    Ok(sources)
}

/// Adds the keys: `NAME=KEY` to the source of that name, `KEY` to each.
fn trusting(mut sources: Vec<Source>, texts: &[String]) -> Result<Vec<Source>> {
    for text in texts {
        let named = text.split_once('=').and_then(|(name, key)| Some((name.parse().ok()?, key)));
        // The name of a key may have a '=' too; that it is a key as a whole decides.
        let (name, key): (Option<SourceName>, VerifierKey) = match (text.parse(), named) {
            (Ok(key), _) => (None, key),
            (Err(_), Some((name, key))) => (Some(name), key.parse()?),
            (Err(error), None) => return Err(error),
        };
        let is_meant = |source: &Source| name.as_ref().is_none_or(|name| source.name() == name);
        if let Some(name) = name.as_ref().filter(|_| !sources.iter().any(is_meant)) {
            let message = format!("the key {} is for {name}, which is no source here", key.id());
            return Err(Error::new(ErrorKind::Argument, message));
        }
        let trust = |source: Source| match is_meant(&source) {
            true => source.trust(key.clone()),
            false => source,
        };
        sources = sources.into_iter().map(trust).collect();
    }
    Ok(sources)
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

/// Of several sources, the first that failed decides; then a partial one.
fn exit_code<'a>(results: impl Iterator<Item = &'a Result<Report>>) -> u8 {
    let mut code = 0;
    for result in results {
        let next = match result {
            Ok(report) => report.outcome.exit_code(),
            Err(error) => error.kind().exit_code(),
        };
        if code == 0 || (code == PARTIAL && next != 0) {
            code = next;
        }
    }
    code
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
pub(super) fn print_what_is_held(store: &Store, source: &SourceName) {
    let held = store.source_status(source).ok().and_then(|status| status.held);
    note(match held {
        None => format!("the store holds nothing of {source} yet"),
        Some(held) => {
            let serial = held.serial.map_or(String::new(), |serial| format!(", serial {serial}"));
            format!(
                "the store still holds generation {} of {source}{serial}, {}",
                held.generation,
                count(held.entries, "entry")
            )
        }
    });
}

/// The progress bar; it draws nothing unless somebody watches.
struct Bar(Option<ProgressBar>);

impl Bar {
    fn new(is_shown: bool) -> Bar {
        Bar(is_shown.then(|| {
            let style = ProgressStyle::with_template("{msg} [{bar:30}] {percent:>3}% {prefix}");
            let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
            ProgressBar::new(0).with_style(style.progress_chars("=> "))
        }))
    }

    fn show(&self, progress: &Progress) {
        let Some(bar) = &self.0 else { return };
        let files = format!("{}/{} files", progress.files_done, progress.files_total);
        match progress.bytes_total {
            Some(total) if total > 0 => {
                bar.set_length(total);
                bar.set_position(progress.bytes_done.min(total));
                let kib = |bytes: u64| bytes.div_ceil(1024);
                let (done, total) = (kib(progress.bytes_done), kib(total));
                bar.set_prefix(format!("{files}, {done}/{total} KiB"));
            }
            _ => {
                bar.set_length(progress.files_total);
                bar.set_position(progress.files_done);
                bar.set_prefix(files);
            }
        }
        bar.set_message(match progress.phase {
            Phase::Checking => "checking",
            Phase::Fetching => "fetching",
            Phase::Committing => "committing",
        });
    }

    fn clear(&self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
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
    pub(super) fn new(source: &'a SourceName, result: &'a Result<Report>, is_check: bool) -> Self {
        let report = match result {
            Ok(report) => report,
            Err(error) => {
                let (outcome, source) = ("failed", source.as_str());
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

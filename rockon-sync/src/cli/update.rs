//! `update`.

use serde_json::{Value, json};

use super::args::{GuardArgs, UpdateArgs};
use super::bar::Bar;
use super::follow;
use super::output::Output;
use super::report::{Notes, Purpose, note_result, result_json, sentence};
use crate::base::error::Result;
use crate::store::Store;
use crate::update::plan::MassDelete;
use crate::update::report::Report;
use crate::update::{Freshness, Mode, Rollback, Updater, update_each};

pub(super) fn run(args: UpdateArgs, out: &mut Output) -> Result<u8> {
    let store = Store::new(&args.store.dir);
    let followed = follow::sources(&store, &args.followed, &args.credentials)?;
    let purpose = if args.check { Purpose::Check } else { Purpose::Update };
    let mode = if args.full { Mode::Full } else { args.mode };
    let bar = if args.quiet || args.json { Bar::hidden() } else { Bar::shown() };
    let updater = Updater::new(&store)
        .mode(mode)
        .timeout(args.limits.timeout)
        .lock_timeout(args.limits.lock_timeout)
        .progress(|progress| bar.show(progress));
    let mut updater = guarded(updater, &args.guards);
    let results = update_each(followed, |sources| match args.check {
        true => updater.check_all(sources),
        false => updater.run_all(sources),
    });
    drop(updater);
    bar.clear();
    let notes = if args.json { Notes::Errors } else { Notes::All };
    for (name, result) in &results {
        note_result(&store, name, result, notes);
        if let (Ok(report), false) = (result, args.json || args.quiet) {
            let sentence = sentence(report, purpose);
            out.line(match results.len() {
                1 => sentence,
                _ => format!("{}: {sentence}", report.source),
            })?;
        }
    }
    if args.json {
        let objects: Vec<Value> =
            results.iter().map(|(name, result)| result_json(name, result, purpose)).collect();
        match &*objects {
            [one] => out.json(one)?,
            many => out.json(&json!({"sources": many}))?,
        }
    }
    Ok(exit_code(results.iter().map(|(_, result)| result)))
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

/// Returns the worst exit code of several sources; from the worst: refused, failed, usage, locked,
/// partial.
pub(super) fn exit_code<'a>(results: impl Iterator<Item = &'a Result<Report>>) -> u8 {
    let codes = results.map(|result| match result {
        Ok(report) => report.outcome.exit_code(),
        Err(error) => error.kind().exit_code(),
    });
    let badness = |code: &u8| [0, 3, 5, 2, 1, 4].iter().position(|known| known == code);
    codes.max_by_key(badness).unwrap_or(0)
}

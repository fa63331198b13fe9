//! `changes`: lists what an application must do, or which extensions have an update.

use std::collections::HashSet;
use std::path::Path;

use serde::Serialize;
use serde_json::{Value, json};

use super::args::ChangesArgs;
use super::browse::{catalog, definition_json, read_names, release_json};
use super::output::{Items, Output, note_message, note_warning, object};
use crate::base::error::Result;
use crate::catalog::changes::{Novelty, Rename};
use crate::catalog::newest::Update;
use crate::format::Format;
use crate::format::target::Target;

pub(super) fn run(args: &ChangesArgs, out: &mut Output) -> Result<u8> {
    if args.format == Some(Format::Jupdate) {
        return updates(args, out);
    }
    let applied = read_applied(&args.applied)?;
    let catalog = catalog(&args.browse)?;
    let mut changes =
        catalog.changes_since(applied.iter().map(|(name, revision)| (name, revision)));
    if let Some(format) = args.format {
        changes.upserts.retain(|upsert| upsert.definition.format() == format);
        let to: HashSet<&str> =
            changes.upserts.iter().map(|upsert| upsert.definition.name()).collect();
        changes.renames.retain(|rename| to.contains(rename.to));
    }
    if args.browse.json {
        let upserts = changes.upserts.iter().map(|upsert| {
            let new = json!({"new": upsert.novelty == Novelty::New});
            object([new, definition_json(upsert.definition)])
        });
        out.json(&ChangesJson {
            deletes: &changes.deletes,
            renames: changes
                .renames
                .iter()
                .map(|rename| json!({"from": rename.from, "to": rename.to}))
                .collect(),
            upserts: Items(upserts),
            withheld: &changes.withheld,
            reasons: &changes.reasons,
        })?;
        return Ok(0);
    }
    for name in &changes.deletes {
        out.line(format!("delete  {name}"))?;
    }
    for Rename { from, to, .. } in &changes.renames {
        out.line(format!("rename  {from} -> {to}"))?;
    }
    for upsert in &changes.upserts {
        let verb = if upsert.novelty == Novelty::New { "add" } else { "change" };
        out.line(format!("{verb:<6}  {}", upsert.definition.name()))?;
    }
    for name in &changes.withheld {
        note_message(format!("{name:?} is not in the catalog, but must not be deleted now"));
    }
    for reason in &changes.reasons {
        note_message(reason);
    }
    Ok(0)
}

/// `changes --format jupdate`: lists the installed extensions that have an update.
fn updates(args: &ChangesArgs, out: &mut Output) -> Result<u8> {
    let target = args.releases.on(Target::new())?;
    let installed = read_applied(&args.applied)?;
    let catalog = catalog(&args.browse)?;
    let installed = installed.iter().map(|(name, version)| (name, version));
    let found = catalog.updates_for(installed, &target);
    for problem in &found.problems {
        note_warning(problem.to_chain());
    }
    if args.browse.json {
        let updates: Vec<Value> = found.updates.iter().map(update_json).collect();
        // Unknown are the installed extensions that are not in the catalog.
        out.json(&json!({"updates": updates, "unknown": found.unknown}))?;
        return Ok(0);
    }
    for update in &found.updates {
        let (name, old, new) =
            (update.definition.name(), &update.installed, &update.release.version);
        out.line(format!("update  {name}  {old} -> {new}"))?;
    }
    for name in &found.unknown {
        note_message(format!("{name:?} is installed, but is not an extension of the catalog"));
    }
    Ok(0)
}

/// Reads the names and revisions that an application has applied.
fn read_applied(path: &Path) -> Result<Vec<(String, String)>> {
    // Null stands for a definition that was never applied completely.
    let rows = read_names(path)?.into_iter();
    Ok(rows.map(|(name, revision)| (name, revision.unwrap_or_default())).collect())
}

#[derive(Serialize)]
struct ChangesJson<'a, U> {
    deletes: &'a [String],
    renames: Vec<Value>,
    upserts: U,
    withheld: &'a [String],
    reasons: &'a [String],
}

fn update_json(update: &Update<'_>) -> Value {
    object([
        json!({"installed": update.installed}),
        definition_json(update.definition),
        release_json(&update.release),
    ])
}

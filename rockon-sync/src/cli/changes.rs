//! `changes`: lists what an application must do, or which extensions have an update.

use std::path::Path;

use serde::Serialize;

use super::args::ChangesArgs;
use super::browse::{DefinitionJson, catalog, read_names};
use super::extensions::{Depth, ReleaseJson};
use super::output::{Output, note_message, note_warning};
use crate::base::error::Result;
use crate::catalog::changes::Novelty;
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
    }
    if args.browse.json {
        let upserts = changes.upserts.iter().map(|upsert| UpsertJson {
            new: upsert.novelty == Novelty::New,
            about: upsert.definition.into(),
        });
        out.json(&ChangesJson {
            deletes: &changes.deletes,
            upserts: upserts.collect(),
            withheld: &changes.withheld,
            reasons: &changes.reasons,
        })?;
        return Ok(0);
    }
    for name in &changes.deletes {
        out.line(format!("delete  {name}"))?;
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
        let updates = found.updates.iter().map(UpdateJson::from).collect();
        out.json(&UpdatesJson { updates, unknown: &found.unknown })?;
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
struct ChangesJson<'a> {
    deletes: &'a [String],
    upserts: Vec<UpsertJson<'a>>,
    withheld: &'a [String],
    reasons: &'a [String],
}

#[derive(Serialize)]
struct UpsertJson<'a> {
    new: bool,
    #[serde(flatten)]
    about: DefinitionJson<'a>,
}

#[derive(Serialize)]
struct UpdatesJson<'a> {
    updates: Vec<UpdateJson<'a>>,
    /// Installed extensions that are not in the catalog.
    unknown: &'a [String],
}

#[derive(Serialize)]
struct UpdateJson<'a> {
    installed: &'a str,
    #[serde(flatten)]
    about: DefinitionJson<'a>,
    #[serde(flatten)]
    release: ReleaseJson,
}

impl<'a> From<&'a Update<'a>> for UpdateJson<'a> {
    fn from(update: &'a Update<'a>) -> Self {
        UpdateJson {
            installed: &update.installed,
            about: update.definition.into(),
            release: ReleaseJson::new(&update.release, Depth::Whole),
        }
    }
}

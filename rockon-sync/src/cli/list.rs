//! `list`.

use serde_json::{Value, json};

use super::args::ListArgs;
use super::browse::{catalog, definition_json, origin_name, release_json};
use super::output::{Items, Output, count, note_message, note_warning, object};
use crate::base::error::Result;
use crate::catalog::{Catalog, Definition};
use crate::format::Format;
use crate::format::target::{Mismatch, Stability, Target};

/// A row of the table: a definition, and the reasons why it is not offered.
struct ListRow<'a> {
    definition: &'a Definition,
    /// The definition of the same name that hides it.
    shadowed_by: Option<&'a Definition>,
    /// The version of the definition, or of the release of an extension that fits.
    version: Option<String>,
    /// The stability of that release.
    stability: Option<Stability>,
    /// The JSON form of that release, if it is printed: it needs memory in a large directory.
    release: Option<Value>,
    mismatches: Vec<Mismatch>,
}

pub(super) fn run(args: &ListArgs, out: &mut Output) -> Result<u8> {
    let target = target(args)?;
    let catalog = catalog(&args.browse)?;
    let mut rows = rows(&catalog, args, &target);
    if let Some(moment) = args.updated_since {
        let undated = rows.iter().filter(|row| row.definition.updated().is_none()).count();
        if undated > 0 && !args.browse.json {
            let undated = count(undated, "definition");
            note_message(format!("left out {undated} without a time"));
        }
        rows.retain(|row| row.definition.is_updated_since(moment) == Some(true));
    }
    if !args.all {
        rows.retain(|row| row.shadowed_by.is_none() && row.mismatches.is_empty());
    }
    rows.iter_mut().for_each(read_version);
    match args.browse.json {
        true => out.json(&Items(rows.iter().map(row_json)))?,
        false => {
            let reasons = if args.all { Reasons::Shown } else { Reasons::Omitted };
            print_table(&rows, reasons, out)?;
        }
    }
    Ok(0)
}

fn target(args: &ListArgs) -> Result<Target> {
    let mut target = Target::new();
    if let Some(arch) = &args.arch {
        target = target.with_arch(arch)?;
    }
    if let Some(version) = &args.system_version {
        target = target.with_version(version)?;
    }
    args.releases.on(target)
}

/// Returns every definition in catalog order, then those that are hidden.
fn rows<'a>(catalog: &'a Catalog, args: &ListArgs, target: &Target) -> Vec<ListRow<'a>> {
    let shown = catalog.definitions().iter().map(|definition| (definition, None));
    let hidden = catalog.hidden().iter();
    let hidden = hidden.map(|definition| (definition, catalog.definition(definition.name())));
    let is_listed =
        |definition: &Definition| args.format.is_none_or(|format| definition.format() == format);
    let listed = shown.chain(hidden).filter(|(definition, _)| is_listed(definition));
    listed.map(|(definition, shadowed_by)| row(definition, shadowed_by, args, target)).collect()
}

fn row<'a>(
    definition: &'a Definition,
    shadowed_by: Option<&'a Definition>,
    args: &ListArgs,
    target: &Target,
) -> ListRow<'a> {
    let mut row = ListRow {
        definition,
        shadowed_by,
        version: None,
        stability: None,
        release: None,
        mismatches: definition.mismatches(target),
    };
    if definition.format() == Format::Jupdate {
        match definition.newest_release(target) {
            Ok(Ok(found)) => {
                row.release = args.browse.json.then(|| release_json(&found));
                row.stability = Some(found.stability);
                row.version = Some(found.version);
            }
            Ok(Err(found)) => row.mismatches.extend(found),
            Err(error) => note_warning(error.to_chain()),
        }
    }
    row
}

/// Reads the version of a definition that is not an extension, whose release has it.
fn read_version(row: &mut ListRow<'_>) {
    if row.definition.format() != Format::Jupdate {
        match row.definition.version() {
            Ok(version) => row.version = version,
            Err(error) => note_warning(error.to_chain()),
        }
    }
}

/// The visibility of the column with the reasons why definitions are not offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reasons {
    Shown,
    Omitted,
}

fn print_table(rows: &[ListRow<'_>], shows: Reasons, out: &mut Output) -> Result<()> {
    let has_releases = rows.iter().any(|row| row.definition.format() == Format::Jupdate);
    let cells = |row: &ListRow<'_>| {
        let definition = row.definition;
        let mut cells = vec![definition.name().to_owned()];
        cells.push(row.version.as_ref().map_or("-".to_owned(), |version| shortened(version)));
        if has_releases {
            cells.push(row.stability.map_or("-", Stability::name).to_owned());
        }
        cells.extend([
            origin_name(definition).to_owned(),
            definition.updated().map_or("-".to_owned(), |at| at.to_string()[..10].to_owned()),
        ]);
        if shows == Reasons::Shown {
            cells.push(reasons(row).join("; "));
        }
        cells
    };
    let mut header = vec!["NAME", "VERSION"];
    if has_releases {
        header.push("STABILITY");
    }
    header.extend(["SOURCE", "UPDATED"]);
    if shows == Reasons::Shown {
        header.push("REASON");
    }
    out.table(&header, rows.iter().map(cells))
}

/// Shortens a version to the width of its column.
fn shortened(version: &str) -> String {
    const WIDTH: usize = 16;
    match version.char_indices().nth(WIDTH) {
        Some(_) => version.chars().take(WIDTH - 1).chain(['\u{2026}']).collect(),
        None => version.to_owned(),
    }
}

fn reasons(row: &ListRow<'_>) -> Vec<String> {
    let shadowed = row.shadowed_by.map(|other| format!("hidden by {}", origin_name(other)));
    shadowed.into_iter().chain(row.mismatches.iter().map(Mismatch::to_string)).collect()
}

fn row_json(row: &ListRow<'_>) -> Value {
    let reason = |found: &Mismatch| json!({"reason": found.name(), "message": found.to_string()});
    object([
        definition_json(row.definition),
        row.release.clone().unwrap_or_else(|| json!({"version": row.version})),
        json!({
            // The source of the definition that hides it, or `local`.
            "shadowed_by": row.shadowed_by.map(origin_name),
            "mismatches": row.mismatches.iter().map(reason).collect::<Vec<_>>(),
        }),
    ])
}

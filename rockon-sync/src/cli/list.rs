//! `list`.

use serde::Serialize;

use super::args::ListArgs;
use super::browse::{DefinitionJson, catalog, origin_name};
use super::extensions::{Depth, ReleaseJson};
use super::output::{Output, count, note_message, note_warning};
use crate::base::error::Result;
use crate::catalog::{Catalog, Definition};
use crate::format::Format;
use crate::format::target::{Mismatch, Target};

/// A row of the table: a definition, and the reasons why it is not offered.
struct ListRow<'a> {
    definition: &'a Definition,
    /// The definition of the same name that hides it.
    shadowed_by: Option<&'a Definition>,
    /// The release of an extension that fits.
    release: Option<ReleaseJson>,
    /// The version of a definition that is not an extension.
    version: Option<String>,
    mismatches: Vec<Mismatch>,
}

pub(super) fn run(args: &ListArgs, out: &mut Output) -> Result<u8> {
    let target = target(args)?;
    let catalog = catalog(&args.browse)?;
    let depth = if args.browse.json { Depth::Whole } else { Depth::Version };
    let mut rows = rows(&catalog, args.format, &target, depth);
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
    match args.browse.json {
        true => out.json(&rows.iter().map(ListRowJson::from).collect::<Vec<_>>())?,
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
fn rows<'a>(
    catalog: &'a Catalog,
    format: Option<Format>,
    target: &Target,
    depth: Depth,
) -> Vec<ListRow<'a>> {
    let shown = catalog.definitions().iter().map(|definition| (definition, None));
    let hidden = catalog.hidden().iter();
    let hidden = hidden.map(|definition| (definition, catalog.definition(definition.name())));
    let listed = shown.chain(hidden);
    let listed =
        listed.filter(|(definition, _)| format.is_none_or(|format| definition.format() == format));
    listed.map(|(definition, shadowed_by)| row(definition, shadowed_by, target, depth)).collect()
}

fn row<'a>(
    definition: &'a Definition,
    shadowed_by: Option<&'a Definition>,
    target: &Target,
    depth: Depth,
) -> ListRow<'a> {
    let mut mismatches = definition.mismatches(target);
    let (mut release, mut version) = (None, None);
    let found = match definition.format() {
        Format::Jupdate => definition.newest_release(target).map(|found| match found {
            Ok(found) => release = Some(ReleaseJson::new(&found, depth)),
            Err(found) => mismatches.extend(found),
        }),
        _ => definition.version().map(|found| version = found),
    };
    if let Err(error) = found {
        note_warning(error.to_chain());
    }
    ListRow { definition, shadowed_by, release, version, mismatches }
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
        let release = row.release.as_ref();
        let version = release.map(|release| &release.version).or(row.version.as_ref());
        cells.push(version.map_or("-".to_owned(), |version| shortened(version)));
        if has_releases {
            cells.push(release.map_or("-", |release| release.stability).to_owned());
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

#[derive(Serialize)]
struct ListRowJson<'a> {
    #[serde(flatten)]
    about: DefinitionJson<'a>,
    #[serde(flatten)]
    release: Option<&'a ReleaseJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<&'a str>,
    /// The source of the definition that hides it, or `local`.
    #[serde(skip_serializing_if = "Option::is_none")]
    shadowed_by: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    mismatches: Vec<MismatchJson>,
}

#[derive(Serialize)]
struct MismatchJson {
    reason: &'static str,
    message: String,
}

impl<'a> From<&'a ListRow<'a>> for ListRowJson<'a> {
    fn from(row: &'a ListRow<'a>) -> Self {
        let mismatches = row.mismatches.iter();
        ListRowJson {
            about: row.definition.into(),
            release: row.release.as_ref(),
            version: row.version.as_deref(),
            shadowed_by: row.shadowed_by.map(origin_name),
            mismatches: mismatches
                .map(|found| MismatchJson { reason: found.name(), message: found.to_string() })
                .collect(),
        }
    }
}

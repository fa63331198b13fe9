//! `list`.

use serde::Serialize;

use super::args::ListArgs;
use super::browse::{DefinitionJson, catalog, origin_name};
use super::output::{Output, count, note, printable};
use crate::catalog::{Catalog, Definition};
use crate::error::Result;
use crate::target::{Mismatch, Target};

/// A definition, and why it is not offered.
struct Row<'a> {
    definition: &'a Definition,
    /// The definition of the same name that hides it.
    shadowed_by: Option<&'a Definition>,
    mismatches: Vec<Mismatch>,
}

pub(super) fn run(args: &ListArgs, out: &mut Output) -> Result<u8> {
    let target = target(args)?;
    let catalog = catalog(&args.browse)?;
    let mut rows = rows(&catalog, &target);
    if let Some(moment) = args.updated_since {
        let undated = rows.iter().filter(|row| row.definition.updated().is_none()).count();
        if undated > 0 && !args.browse.json {
            let undated = count(undated, "definition");
            note(format!("rockon-sync: left out {undated} of which no time is known"));
        }
        rows.retain(|row| row.definition.is_updated_since(moment) == Some(true));
    }
    if !args.all {
        rows.retain(|row| row.shadowed_by.is_none() && row.mismatches.is_empty());
    }
    match args.browse.json {
        true => out.json(&rows.iter().map(RowJson::from).collect::<Vec<_>>())?,
        false => print_table(&rows, args.all, out)?,
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
    Ok(target)
}

/// Every definition in catalog order, then those that are hidden.
fn rows<'a>(catalog: &'a Catalog, target: &Target) -> Vec<Row<'a>> {
    let shown = catalog.definitions().iter().map(|definition| (definition, None));
    let hidden = catalog.hidden().iter();
    let hidden = hidden.map(|definition| (definition, catalog.definition(definition.name())));
    let row = |(definition, shadowed_by): (&'a Definition, _)| Row {
        definition,
        shadowed_by,
        mismatches: definition.mismatches(target),
    };
    shown.chain(hidden).map(row).collect()
}

fn print_table(rows: &[Row<'_>], names_reasons: bool, out: &mut Output) -> Result<()> {
    let cells = |row: &Row<'_>| {
        let definition = row.definition;
        let mut cells = vec![
            printable(definition.name()),
            origin_name(definition).to_owned(),
            definition.updated().map_or("-".to_owned(), |at| at.to_string()),
            definition.revision().to_string()[..12].to_owned(),
        ];
        if names_reasons {
            cells.push(printable(&reasons(row).join("; ")));
        }
        cells
    };
    let header = ["NAME", "SOURCE", "UPDATED", "REVISION", "WHY IT IS NOT OFFERED"];
    let columns = if names_reasons { 5 } else { 4 };
    out.table(&header[..columns], rows.iter().map(cells))
}

fn reasons(row: &Row<'_>) -> Vec<String> {
    let shadowed = row.shadowed_by.map(|other| format!("replaced by {}", origin_name(other)));
    shadowed.into_iter().chain(row.mismatches.iter().map(Mismatch::to_string)).collect()
}

#[derive(Serialize)]
struct RowJson<'a> {
    #[serde(flatten)]
    about: DefinitionJson<'a>,
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

impl<'a> From<&'a Row<'a>> for RowJson<'a> {
    fn from(row: &'a Row<'a>) -> Self {
        let mismatches = row.mismatches.iter();
        RowJson {
            about: row.definition.into(),
            shadowed_by: row.shadowed_by.map(origin_name),
            mismatches: mismatches
                .map(|found| MismatchJson { reason: found.name(), message: found.to_string() })
                .collect(),
        }
    }
}

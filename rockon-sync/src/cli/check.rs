//! `check`.

use serde_json::{Value, json};

use super::args::CheckArgs;
use super::browse::{catalog_in, origin_name};
use super::output::{Output, count, note, object};
use super::publish::{problems_json, requirements_json};
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::problem::Severity;
use crate::catalog::{Catalog, Definition};
use crate::publish::{FileRole, ReviewedDefinition, ReviewedFile, review_files};

pub(super) fn run(args: &CheckArgs, out: &mut Output) -> Result<u8> {
    let files = review_files(&args.files)?;
    let store = args.store.as_deref();
    let catalog = store.map(|store| catalog_in(store, args.local.as_deref())).transpose()?;
    for problem in files.iter().flat_map(|file| &file.problems) {
        note(problem.to_string());
    }
    if args.json {
        let files = files.iter().map(|file| file_json(file, catalog.as_ref()));
        out.json(&json!({"files": files.collect::<Vec<_>>()}))?;
    } else {
        for file in &files {
            let other = match file.role {
                FileRole::Definitions => None,
                FileRole::List => Some("list of a catalog"),
                FileRole::Tree => Some("part of a tree, not checked"),
            };
            if let Some(other) = other {
                out.line(format!("{}: {other}", file.file.display()))?;
            }
            for definition in &file.definitions {
                out.line(sentence(file, definition, catalog.as_ref()))?;
            }
        }
    }
    let problems = files.iter().flat_map(|file| &file.problems);
    match problems.filter(|problem| problem.severity == Severity::Error).count() {
        0 => Ok(0),
        problems => Err(Error::new(
            ErrorKind::Catalog,
            format!("these files cannot be published: {}", count(problems, "problem")),
        )),
    }
}

fn sentence(
    file: &ReviewedFile,
    definition: &ReviewedDefinition,
    catalog: Option<&Catalog>,
) -> String {
    let overridden = match (catalog, catalog.and_then(|found| overridden(found, file, definition)))
    {
        (None, _) => String::new(),
        (Some(_), None) => ", new".to_owned(),
        (Some(_), Some(other)) => format!(", overrides that of {}", origin_name(other)),
    };
    let (file, name) = (file.file.display(), &definition.name);
    format!("{file}: {name:?}, for {}{overridden}", definition.requirements)
}

/// Returns the definition that this one would override as a local definition, or overrides
/// already.
fn overridden<'a>(
    catalog: &'a Catalog,
    file: &ReviewedFile,
    definition: &ReviewedDefinition,
) -> Option<&'a Definition> {
    let own = file.file.canonicalize().ok();
    let shown = catalog.definition(&definition.name).into_iter();
    let hidden = catalog.hidden().iter().rev().filter(|found| found.name() == definition.name);
    shown.chain(hidden).find(|found| own.as_deref() != Some(found.file()))
}

fn file_json(file: &ReviewedFile, catalog: Option<&Catalog>) -> Value {
    let definitions = file.definitions.iter().map(|definition| {
        let other = catalog.and_then(|catalog| overridden(catalog, file, definition));
        object([
            json!({"name": definition.name}),
            requirements_json(&definition.requirements),
            // The source whose definition it would override, or `local`.
            json!({"overrides": other.map(origin_name)}),
        ])
    });
    json!({
        "file": file.file.display().to_string(),
        "role": match file.role {
            FileRole::Definitions => "definitions",
            FileRole::List => "list",
            FileRole::Tree => "tree",
        },
        "definitions": definitions.collect::<Vec<_>>(),
        "problems": problems_json(&file.problems),
    })
}

//! `show`: prints a definition as published, or what must be installed with it.

use std::path::Path;

use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::args::ShowArgs;
use super::browse::{catalog, definition_json, read_names};
use super::output::{Output, object};
use crate::base::error::{Error, ErrorKind, Result};
use crate::catalog::installation::Installation;
use crate::catalog::{Catalog, Definition};
use crate::format::Format;
use crate::format::relation::Relations;

pub(super) fn run(args: &ShowArgs, out: &mut Output) -> Result<u8> {
    let catalog = catalog(&args.browse)?;
    let Some(definition) = catalog.definition(&args.name) else {
        return Err(Error::new(
            ErrorKind::NotFound,
            format!("no definition named {:?}{}", args.name, hint(&catalog, &args.name)),
        )
        .with_path(&args.browse.store.dir));
    };
    if let Some(installed) = &args.installed {
        return show_installation(&catalog, args, installed, out);
    }
    if !args.browse.json {
        match definition.format() {
            Format::Rockon => out.bytes(format!("{}\n", definition.text()?).as_bytes())?,
            _ => out.bytes(&definition.bytes()?)?,
        }
        return Ok(0);
    }
    let text = match (definition.format(), definition.text()) {
        // Not a text: only the path of the file is printed.
        (Format::Files, Err(error)) if error.kind() == ErrorKind::Definition => None,
        (_, text) => Some(text?),
    };
    let quoted = |text: String| serde_json::to_string(&text).expect("a string is JSON");
    let raw = text
        .map(|text| match definition.format() {
            Format::Rockon => RawValue::from_string(text),
            _ => RawValue::from_string(quoted(text)),
        })
        .transpose()
        .map_err(|error| Error::new(ErrorKind::Definition, "not JSON").with_source(error))?;
    let about = object([definition_json(definition), relations_json(&definition.relations()?)]);
    out.json(&ShownJson { about, definition: raw.as_deref() })?;
    Ok(0)
}

fn show_installation(
    catalog: &Catalog,
    args: &ShowArgs,
    installed: &Path,
    out: &mut Output,
) -> Result<u8> {
    let installed = read_names(installed)?;
    let found = catalog.installation(&args.name, installed)?;
    if args.browse.json {
        out.json(&installation_json(&found))?;
    } else {
        for definition in &found.install {
            out.line(format!("install   {}", definition.name()))?;
        }
        for name in &found.replaced {
            out.line(format!("remove    {name}"))?;
        }
        for unmet in &found.unmet {
            out.line(format!("missing   {} requires {}", unmet.by, unmet.requirement))?;
        }
        for conflict in &found.conflicts {
            out.line(format!("conflict  {} with {}", conflict.by, conflict.with))?;
        }
    }
    if found.is_possible() {
        return Ok(0);
    }
    Err(Error::new(ErrorKind::Catalog, format!("{:?} cannot be installed", args.name)))
}

/// Suggests names that contain `name`, ignoring case.
fn hint(catalog: &Catalog, name: &str) -> String {
    let lower_case = name.to_lowercase();
    let alike: Vec<String> = catalog
        .definitions()
        .iter()
        .map(Definition::name)
        .filter(|known| !lower_case.is_empty() && known.to_lowercase().contains(&lower_case))
        .take(5)
        .map(|known| format!("{known:?}"))
        .collect();
    match alike.is_empty() {
        true => String::new(),
        false => format!("; did you mean {}?", alike.join(" or ")),
    }
}

#[derive(Serialize)]
struct ShownJson<'a> {
    #[serde(flatten)]
    about: Value,
    /// The definition as published: a Rock-on as an object, other files as a string, binary files
    /// not at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    definition: Option<&'a RawValue>,
}

fn installation_json(found: &Installation<'_>) -> Value {
    let unmet = found.unmet.iter();
    let conflicts = found.conflicts.iter();
    json!({
        // In the order of installation.
        "install": found.install.iter().map(|found| found.name()).collect::<Vec<_>>(),
        "replaced": found.replaced,
        "unmet": unmet
            .map(|unmet| json!({"by": unmet.by, "requires": unmet.requirement}))
            .collect::<Vec<_>>(),
        "conflicts": conflicts
            .map(|conflict| json!({"by": conflict.by, "with": conflict.with}))
            .collect::<Vec<_>>(),
    })
}

/// Returns the relations of a definition to others, in Debian's notation.
fn relations_json(relations: &Relations) -> Value {
    fn strings(relations: &[impl ToString]) -> Vec<String> {
        relations.iter().map(ToString::to_string).collect()
    }
    json!({
        "requires": strings(&relations.requires),
        "conflicts": strings(&relations.conflicts),
        "replaces": strings(&relations.replaces),
    })
}

//! `show`: prints a definition as published, or what must be installed with it.

use std::path::Path;

use serde::Serialize;
use serde_json::value::RawValue;

use super::args::ShowArgs;
use super::browse::{DefinitionJson, catalog, read_names};
use super::output::Output;
use crate::base::error::{Error, ErrorKind, Result};
use crate::catalog::installation::Installation;
use crate::catalog::{Catalog, Definition};
use crate::format::Format;
use crate::format::relation::{Relation, Relations};

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
    let relations = (&definition.relations()?).into();
    out.json(&ShownJson { about: definition.into(), relations, definition: raw.as_deref() })?;
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
        out.json(&InstallationJson::from(&found))?;
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
    about: DefinitionJson<'a>,
    #[serde(flatten)]
    relations: RelationsJson,
    /// The definition as published: a Rock-on as an object, other files as a string, binary files
    /// not at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    definition: Option<&'a RawValue>,
}

#[derive(Serialize)]
struct InstallationJson<'a> {
    /// In the order of installation.
    install: Vec<&'a str>,
    replaced: &'a [String],
    unmet: Vec<UnmetJson<'a>>,
    conflicts: Vec<ConflictJson<'a>>,
}

#[derive(Serialize)]
struct UnmetJson<'a> {
    by: &'a str,
    requires: &'a str,
}

#[derive(Serialize)]
struct ConflictJson<'a> {
    by: &'a str,
    with: &'a str,
}

impl<'a> From<&'a Installation<'a>> for InstallationJson<'a> {
    fn from(found: &'a Installation<'a>) -> Self {
        let unmet = found.unmet.iter();
        let conflicts = found.conflicts.iter();
        InstallationJson {
            install: found.install.iter().map(|found| Definition::name(found)).collect(),
            replaced: &found.replaced,
            unmet: unmet
                .map(|unmet| UnmetJson { by: &unmet.by, requires: &unmet.requirement })
                .collect(),
            conflicts: conflicts
                .map(|conflict| ConflictJson { by: &conflict.by, with: &conflict.with })
                .collect(),
        }
    }
}

/// The relations of a definition to others, in Debian's notation.
#[derive(Serialize)]
struct RelationsJson {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    requires: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    conflicts: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    replaces: Vec<String>,
}

impl From<&Relations> for RelationsJson {
    fn from(relations: &Relations) -> Self {
        let strings = |relations: &[Relation]| relations.iter().map(ToString::to_string).collect();
        RelationsJson {
            requires: relations.requires.iter().map(ToString::to_string).collect(),
            conflicts: strings(&relations.conflicts),
            replaces: strings(&relations.replaces),
        }
    }
}

//! `show --installed`: what installing a definition takes.

use std::path::PathBuf;

use serde::Serialize;

use super::args::ShowArgs;
use super::browse::read_names;
use super::output::{Output, printable};
use crate::catalog::{Catalog, Definition};
use crate::error::{Error, ErrorKind, Result};
use crate::installation::Installation;
use crate::relation::Relations;

pub(super) fn show(
    catalog: &Catalog,
    args: &ShowArgs,
    installed: &PathBuf,
    out: &mut Output,
) -> Result<u8> {
    let installed = read_names(installed)?;
    let found = catalog.installation(&args.name, installed)?;
    if args.browse.json {
        out.json(&InstallationJson::from(&found))?;
    } else {
        for definition in &found.install {
            out.line(printable(&format!("install   {}", definition.name())))?;
        }
        for name in &found.replaced {
            out.line(printable(&format!("remove    {name}")))?;
        }
        for unmet in &found.unmet {
            out.line(printable(&format!("missing   {} requires {}", unmet.by, unmet.requirement)))?;
        }
        for conflict in &found.conflicts {
            out.line(printable(&format!("conflict  {} with {}", conflict.by, conflict.with)))?;
        }
    }
    if found.is_possible() {
        return Ok(0);
    }
    let message = format!("{:?} cannot be installed", args.name);
    Err(Error::new(ErrorKind::Catalog, message))
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

/// What a definition says of others, in Debian's notation.
#[derive(Serialize)]
pub(super) struct RelationsJson {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    requires: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    conflicts: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    replaces: Vec<String>,
}

impl From<&Relations> for RelationsJson {
    fn from(relations: &Relations) -> Self {
        let strings = |relations: &[crate::relation::Relation]| {
            relations.iter().map(ToString::to_string).collect()
        };
        RelationsJson {
            requires: relations.requires.iter().map(ToString::to_string).collect(),
            conflicts: strings(&relations.conflicts),
            replaces: strings(&relations.replaces),
        }
    }
}

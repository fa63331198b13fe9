//! What the commands that read from a store alone have in common.

use std::io::Read;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::args::BrowseArgs;
use super::output::note;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::json::Object;
use crate::catalog::{Catalog, Definition, Origin};
use crate::format::Format;
use crate::store::Store;

/// Reads a JSON object of names with a string or null each.
pub(super) fn read_names(path: &PathBuf) -> Result<Vec<(String, Option<String>)>> {
    let read = match path.as_os_str() == "-" {
        true => {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text).map(|_| text)
        }
        false => std::fs::read_to_string(path),
    };
    let text = read.map_err(|error| Error::io("read this file", path, error))?;
    let bad = |problem: String| {
        let message = format!("expected a JSON object of names and strings: {problem}");
        Error::new(ErrorKind::Argument, message).with_path(path)
    };
    let object = Object::parse(&text).map_err(|error| bad(error.to_string()))?;
    let mut named = Vec::with_capacity(object.members.len());
    for member in object.members {
        let value: Option<String> = serde_json::from_str(member.value.get())
            .map_err(|_| bad(format!("{:?} has no string", member.key)))?;
        named.push((member.key.into_owned(), value));
    }
    Ok(named)
}

pub(super) fn catalog(args: &BrowseArgs) -> Result<Catalog> {
    catalog_in(&args.store, args.local.as_deref())
}

pub(super) fn catalog_in(store: &Path, local: Option<&Path>) -> Result<Catalog> {
    let store = Store::new(store);
    let local = local.map_or_else(|| store.local_dir(), Path::to_path_buf);
    let catalog = store.catalog_with(&local)?;
    for problem in catalog.problems() {
        note(format!("rockon-sync: warning: {}", problem.to_chain()));
    }
    Ok(catalog)
}

pub(super) fn origin_name(definition: &Definition) -> &str {
    match definition.origin() {
        Origin::Source { name, .. } => name.as_str(),
        Origin::Local => "local",
    }
}

/// What is said of a definition everywhere.
#[derive(Serialize)]
pub(super) struct DefinitionJson<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "is_default")]
    format: &'static str,
    revision: String,
    source: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    updated: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    arch: Option<&'a [Box<str>]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    min_version: Option<&'a str>,
    file: String,
}

impl<'a> From<&'a Definition> for DefinitionJson<'a> {
    fn from(definition: &'a Definition) -> Self {
        DefinitionJson {
            name: definition.name(),
            format: definition.format().name(),
            revision: definition.revision().to_string(),
            source: origin_name(definition),
            id: match definition.origin() {
                Origin::Source { id, .. } => Some(id),
                Origin::Local => None,
            },
            updated: definition.updated().map(|at| at.to_string()),
            arch: definition.requirements().arch(),
            min_version: definition.requirements().min_version(),
            file: definition.file().display().to_string(),
        }
    }
}

/// Rock-ons are so common that it is not said of each of them.
#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks in this way")]
fn is_default(format: &&'static str) -> bool {
    *format == Format::default().name()
}

//! Shared parts of the commands that only read a store.

use std::path::Path;

use serde_json::{Value, json};

use super::args::BrowseArgs;
use super::output::{note_warning, object};
use crate::base::error::{IoContext, Result, impl_from};
use crate::base::json::{Object, kind_of};
use crate::catalog::{Catalog, Definition, Origin};
use crate::format::{Format, Release};
use crate::store::Store;

/// Reads a JSON object of names, each with a string or null; `-` is standard input.
pub(super) fn read_names(path: &Path) -> Result<Vec<(String, Option<String>)>> {
    let text = match path.as_os_str() == "-" {
        true => std::io::read_to_string(std::io::stdin()),
        false => std::fs::read_to_string(path),
    };
    parse_names(&text.on("read", path)?).map_err(|error| error.with_path(path))
}

/// The reason why a text is not an object of names and strings.
#[derive(Debug, thiserror::Error)]
enum InvalidNames {
    #[error("not a JSON object: {0}")]
    Json(serde_json::Error),
    #[error("{key:?}: expected a string or null, got {got}")]
    Value { key: String, got: &'static str },
}

impl_from!(InvalidNames => Argument);

fn parse_names(text: &str) -> Result<Vec<(String, Option<String>)>> {
    let object = Object::parse(text).map_err(InvalidNames::Json)?;
    let mut named = Vec::with_capacity(object.members.len());
    for member in object.members {
        let key = member.key.into_owned();
        match serde_json::from_str(member.value.get()) {
            Ok(value) => named.push((key, value)),
            Err(_) => return Err(InvalidNames::Value { key, got: kind_of(member.value) }.into()),
        }
    }
    Ok(named)
}

pub(super) fn catalog(args: &BrowseArgs) -> Result<Catalog> {
    catalog_in(&args.store.dir, args.local.as_deref())
}

pub(super) fn catalog_in(store: &Path, local: Option<&Path>) -> Result<Catalog> {
    let store = Store::new(store);
    let local = local.map_or_else(|| store.local_dir(), Path::to_path_buf);
    let catalog = store.catalog_with(&local)?;
    for problem in catalog.problems() {
        note_warning(problem.to_chain());
    }
    Ok(catalog)
}

pub(super) fn origin_name(definition: &Definition) -> &str {
    match definition.origin() {
        Origin::Source { name, .. } => name.as_str(),
        Origin::Local => "local",
    }
}

/// Returns the fields of a definition that every command prints.
pub(super) fn definition_json(definition: &Definition) -> Value {
    let format = definition.format();
    object([json!({
        "name": definition.name(),
        // Rock-ons are so common that their format is omitted.
        "format": (format != Format::default()).then(|| format.name()),
        "revision": definition.revision().to_string(),
        "source": origin_name(definition),
        "id": match definition.origin() {
            Origin::Source { id, .. } => Some(id),
            Origin::Local => None,
        },
        "updated": definition.updated().map(|at| at.to_string()),
        "arch": definition.requirements().arch(),
        "min_version": definition.requirements().min_version(),
        "formerly": definition.formerly(),
        "file": definition.file().display().to_string(),
    })])
}

/// Returns the fields of a release of an extension.
pub(super) fn release_json(release: &Release) -> Value {
    object([json!({
        "version": release.version,
        "stability": release.stability.name(),
        "type": release.kind,
        "element": release.element,
        "title": release.title,
        "client": release.client,
        "folder": release.folder,
        "tags": release.tags,
        "section": release.section,
        "maintainer": release.maintainer,
        "platform": release.platforms().collect::<Vec<_>>(),
        "php_minimum": release.php_minimum,
        "info": release.info_url,
        "downloads": release.downloads.iter().map(|found| &found.url).collect::<Vec<_>>(),
        "checksums": release.checksums,
    })])
}

//! `show`, `status` and `changes`: what is read from a store alone.

use std::io::Read;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::value::RawValue;

use super::args::{BrowseArgs, ChangesArgs, ShowArgs, StatusArgs};
use super::installation::RelationsJson;
use super::output::{Output, count, note, printable};
use crate::catalog::{Catalog, Definition, Origin};
use crate::changes::Novelty;
use crate::error::{Error, ErrorKind, Result};
use crate::format::Format;
use crate::inspect::SourceStatus;
use crate::json::Object;
use crate::note::VerifierKey;
use crate::store::Store;

pub(super) fn show(args: &ShowArgs, out: &mut Output) -> Result<u8> {
    let catalog = catalog(&args.browse)?;
    let Some(definition) = catalog.definition(&args.name) else {
        let message =
            format!("there is no definition {:?}{}", args.name, hint(&catalog, &args.name));
        return Err(Error::new(ErrorKind::NotFound, message).with_path(&args.browse.store));
    };
    if let Some(installed) = &args.installed {
        return super::installation::show(&catalog, args, installed, out);
    }
    if !args.browse.json {
        match definition.format() {
            Format::Rockon => out.line(definition.text()?)?,
            _ => out.bytes(&definition.bytes()?)?,
        }
        return Ok(0);
    }
    let text = match (definition.format(), definition.text()) {
        // What is no text is told by its file.
        (Format::Files, Err(error)) if error.kind() == ErrorKind::Definition => None,
        (_, text) => Some(text?),
    };
    let quoted = |text: String| serde_json::to_string(&text).expect("a string is JSON");
    let raw = text.map(|text| match definition.format() {
        Format::Rockon => text,
        _ => quoted(text),
    });
    let raw = raw.map(RawValue::from_string).transpose();
    let raw =
        raw.map_err(|error| Error::new(ErrorKind::Definition, "not JSON").with_source(error))?;
    let relations = (&definition.relations()?).into();
    out.json(&ShownJson { about: definition.into(), relations, definition: raw.as_deref() })?;
    Ok(0)
}

pub(super) fn status(args: &StatusArgs, out: &mut Output) -> Result<u8> {
    let store = Store::new(&args.browse.store);
    let sources = store.status()?;
    let catalog = catalog(&args.browse)?;
    let local = catalog.definitions().iter().filter(|found| *found.origin() == Origin::Local);
    let (definitions, local) = (catalog.definitions().len(), local.count());
    if args.browse.json {
        let sources = sources.iter().map(SourceJson::from).collect();
        out.json(&StatusJson { definitions, local, hidden: catalog.hidden().len(), sources })?;
        return Ok(0);
    }
    for source in &sources {
        out.line(describe(source))?;
        for (id, _, message) in &source.failed {
            out.line(printable(&format!("  {id:?} was not updated: {message}")))?;
        }
    }
    let hidden = catalog.hidden().len();
    out.line(format!(
        "{}, {local} of them put there by hand; {hidden} hidden by others of the same name",
        count(definitions, "definition")
    ))?;
    Ok(0)
}

/// What is held of a source, in a line.
fn describe(source: &SourceStatus) -> String {
    let checked = source.checked.map_or("never asked".to_owned(), |at| format!("asked {at}"));
    let held = source.held.as_ref().map_or("nothing held yet".to_owned(), |held| {
        let serial = held.serial.map_or("v1".to_owned(), |serial| format!("serial {serial}"));
        format!("generation {}, {serial}, {}", held.generation, count(held.entries, "entry"))
    });
    let from = source.locations.join(", ");
    let ids: Vec<String> = source.trusted_keys.iter().map(VerifierKey::id).collect();
    let signed = match ids.is_empty() {
        true => String::new(),
        false => format!(", signed by {}", ids.join(" or ")),
    };
    printable(&format!("{}: {held}{signed}, {checked}, from {from}", source.name))
}

pub(super) fn changes(args: &ChangesArgs, out: &mut Output) -> Result<u8> {
    if args.format == Some(Format::Jupdate) {
        return super::extensions::updates(args, out);
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
        out.line(printable(&format!("delete  {name}")))?;
    }
    for upsert in &changes.upserts {
        let verb = if upsert.novelty == Novelty::New { "add" } else { "change" };
        out.line(printable(&format!("{verb:<6}  {}", upsert.definition.name())))?;
    }
    for name in &changes.withheld {
        note(format!(
            "rockon-sync: {name:?} is not in the catalog but is not to be deleted either"
        ));
    }
    for reason in &changes.reasons {
        note(format!("rockon-sync: {reason}"));
    }
    Ok(0)
}

/// Reads what an application has applied: a JSON object, name to revision.
pub(super) fn read_applied(path: &PathBuf) -> Result<Vec<(String, String)>> {
    // Null is a row that was never applied completely.
    let rows = read_names(path)?.into_iter();
    Ok(rows.map(|(name, revision)| (name, revision.unwrap_or_default())).collect())
}

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
    let local = local.map_or_else(|| store.local_folder(), Path::to_path_buf);
    let catalog = store.catalog_with(&local)?;
    for problem in catalog.problems() {
        note(format!("rockon-sync: warning: {}", problem.to_chain()));
    }
    Ok(catalog)
}

/// Names that differ from `name` only in case, or contain it.
fn hint(catalog: &Catalog, name: &str) -> String {
    let wanted = name.to_lowercase();
    let alike: Vec<String> = catalog
        .definitions()
        .iter()
        .map(Definition::name)
        .filter(|known| !wanted.is_empty() && known.to_lowercase().contains(&wanted))
        .take(5)
        .map(|known| format!("{known:?}"))
        .collect();
    match alike.is_empty() {
        true => String::new(),
        false => format!("; did you mean {}?", alike.join(" or ")),
    }
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

#[derive(Serialize)]
struct ShownJson<'a> {
    #[serde(flatten)]
    about: DefinitionJson<'a>,
    #[serde(flatten)]
    relations: RelationsJson,
    /// As it was published, to the letter: of a Rock-on its object, else the file as a string;
    /// absent if it is no text.
    #[serde(skip_serializing_if = "Option::is_none")]
    definition: Option<&'a RawValue>,
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
struct StatusJson<'a> {
    definitions: usize,
    local: usize,
    hidden: usize,
    sources: Vec<SourceJson<'a>>,
}

#[derive(Serialize)]
struct SourceJson<'a> {
    source: &'a str,
    locations: &'a [String],
    checked: Option<String>,
    trusted_keys: Vec<String>,
    held: Option<HeldJson>,
    failed: Vec<FailedJson<'a>>,
}

#[derive(Serialize)]
struct HeldJson {
    generation: u64,
    serial: Option<u64>,
    published: Option<String>,
    expires: Option<String>,
    manifest: Option<String>,
    entries: usize,
}

#[derive(Serialize)]
struct FailedJson<'a> {
    id: &'a str,
    kind: &'a str,
    message: &'a str,
}

impl<'a> From<&'a SourceStatus> for SourceJson<'a> {
    fn from(source: &'a SourceStatus) -> Self {
        let held = source.held.as_ref().map(|held| HeldJson {
            generation: held.generation,
            serial: held.serial,
            published: held.published.map(|at| at.to_string()),
            expires: held.expires.map(|at| at.to_string()),
            manifest: held.manifest.map(|digest| digest.to_string()),
            entries: held.entries,
        });
        let failed = source.failed.iter();
        SourceJson {
            source: source.name.as_str(),
            locations: &source.locations,
            checked: source.checked.map(|at| at.to_string()),
            trusted_keys: source.trusted_keys.iter().map(VerifierKey::to_string).collect(),
            held,
            failed: failed.map(|(id, kind, message)| FailedJson { id, kind, message }).collect(),
        }
    }
}

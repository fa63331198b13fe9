//! `status`.

use serde::Serialize;

use super::args::StatusArgs;
use super::browse::catalog;
use super::output::{Output, count};
use super::report::FailedEntryJson;
use crate::base::error::Result;
use crate::catalog::Origin;
use crate::store::Store;
use crate::store::inspect::SourceStatus;
use crate::tree::note::VerifierKey;

pub(super) fn run(args: &StatusArgs, out: &mut Output) -> Result<u8> {
    let store = Store::new(&args.browse.store.dir);
    let sources = store.status()?;
    let catalog = catalog(&args.browse)?;
    let local = catalog.definitions().iter().filter(|found| *found.origin() == Origin::Local);
    let (definitions, local) = (catalog.definitions().len(), local.count());
    let errors = sources.iter().filter_map(|source| source.error.as_ref());
    let code = errors.map(|error| error.kind.exit_code()).max().unwrap_or(0);
    if args.browse.json {
        let sources = sources.iter().map(SourceStatusJson::from).collect();
        out.json(&StatusJson { definitions, local, hidden: catalog.hidden().len(), sources })?;
        return Ok(code);
    }
    for source in &sources {
        out.line(describe(source))?;
        for (id, _, message) in &source.failed {
            out.line(format!("  {id:?} was not updated: {message}"))?;
        }
    }
    let hidden = catalog.hidden().len();
    out.line(format!(
        "{}, {local} of them local; {hidden} hidden by definitions of the same name",
        count(definitions, "definition")
    ))?;
    Ok(code)
}

/// Describes a source in one line.
fn describe(source: &SourceStatus) -> String {
    if let Some(error) = &source.error {
        return format!("{}: cannot be read: {}", source.name, error.message);
    }
    let checked = source.checked.map_or("never checked".to_owned(), |at| format!("checked {at}"));
    let held = source.current.as_ref().map_or("no local copy yet".to_owned(), |held| {
        let serial = held.serial.map_or("v1".to_owned(), |serial| format!("serial {serial}"));
        format!("generation {}, {serial}, {}", held.generation, count(held.entries, "entry"))
    });
    let from = match &*source.locations {
        [] => String::new(),
        locations => format!(", from {}", locations.join(", ")),
    };
    let ids: Vec<String> = source.trusted_keys.iter().map(VerifierKey::id).collect();
    let signed = match ids.is_empty() {
        true => String::new(),
        false => format!(", signed by {}", ids.join(" or ")),
    };
    format!("{}: {held}{signed}, {checked}{from}", source.name)
}

#[derive(Serialize)]
struct StatusJson<'a> {
    definitions: usize,
    local: usize,
    hidden: usize,
    sources: Vec<SourceStatusJson<'a>>,
}

#[derive(Serialize)]
struct SourceStatusJson<'a> {
    source: &'a str,
    locations: &'a [String],
    checked: Option<String>,
    trusted_keys: Vec<String>,
    held: Option<HeldJson>,
    failed: Vec<FailedEntryJson<'a>>,
    error: Option<SourceErrorJson<'a>>,
}

#[derive(Serialize)]
struct SourceErrorJson<'a> {
    kind: &'a str,
    message: &'a str,
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

impl<'a> From<&'a SourceStatus> for SourceStatusJson<'a> {
    fn from(source: &'a SourceStatus) -> Self {
        let held = source.current.as_ref().map(|held| HeldJson {
            generation: held.generation,
            serial: held.serial,
            published: held.published.map(|at| at.to_string()),
            expires: held.expires.map(|at| at.to_string()),
            manifest: held.manifest.map(|digest| digest.to_string()),
            entries: held.entries,
        });
        let failed = source.failed.iter();
        SourceStatusJson {
            source: source.name.as_str(),
            locations: &source.locations,
            checked: source.checked.map(|at| at.to_string()),
            trusted_keys: source.trusted_keys.iter().map(VerifierKey::to_string).collect(),
            held,
            failed: failed
                .map(|(id, kind, message)| FailedEntryJson { id, kind, message })
                .collect(),
            error: source
                .error
                .as_ref()
                .map(|error| SourceErrorJson { kind: error.kind.name(), message: &error.message }),
        }
    }
}

//! `status`.

use serde_json::{Value, json};

use super::args::BrowseArgs;
use super::browse::catalog;
use super::keys::list_json;
use super::output::{Output, count};
use super::report::failed_json;
use crate::base::error::Result;
use crate::catalog::Origin;
use crate::store::Store;
use crate::store::inspect::SourceStatus;
use crate::tree::note::{KeyRole, VerifierKey, ids};

pub(super) fn run(args: &BrowseArgs, out: &mut Output) -> Result<u8> {
    let store = Store::new(&args.store.dir);
    let sources = store.status()?;
    let catalog = catalog(args)?;
    let local = catalog.definitions().iter().filter(|found| *found.origin() == Origin::Local);
    let (definitions, local) = (catalog.definitions().len(), local.count());
    let errors = sources.iter().filter_map(|source| source.error.as_ref());
    let code = errors.map(|error| error.kind.exit_code()).max().unwrap_or(0);
    let hidden = catalog.hidden().len();
    if args.json {
        out.json(&json!({
            "definitions": definitions,
            "local": local,
            "hidden": hidden,
            "sources": sources.iter().map(source_json).collect::<Vec<_>>(),
        }))?;
        return Ok(code);
    }
    for source in &sources {
        out.line(describe(source))?;
        for (id, _, message) in &source.failed {
            out.line(format!("  {id:?} was not updated: {message}"))?;
        }
    }
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
    let current = source.current.as_ref().map_or("no local copy yet".to_owned(), |current| {
        let serial = current.serial.map_or("v1".to_owned(), |serial| format!("serial {serial}"));
        format!("generation {}, {serial}, {}", current.generation, count(current.entries, "entry"))
    });
    let from = match &*source.mirrors {
        [] => String::new(),
        mirrors => format!(", from {}", mirrors.join(", ")),
    };
    let signed = match (&source.key_list, &*source.trusted_keys) {
        (Some(list), _) => {
            let (version, KeyRole { threshold, keys, .. }) = (list.version(), list.head());
            format!(", signed by {threshold} of {} (key list {version})", ids(keys, " or "))
        }
        (None, []) => String::new(),
        (None, keys) => format!(", signed by {}", ids(keys, " or ")),
    };
    format!("{}: {current}{signed}, {checked}{from}", source.name)
}

fn source_json(source: &SourceStatus) -> Value {
    let current = source.current.as_ref().map(|current| {
        json!({
            "generation": current.generation,
            "serial": current.serial,
            "published": current.published.map(|at| at.to_string()),
            "expires": current.expires.map(|at| at.to_string()),
            "manifest": current.manifest.map(|digest| digest.to_string()),
            "entries": current.entries,
        })
    });
    let failed = source.failed.iter().map(|(id, kind, message)| failed_json(id, kind, message));
    let error = source.error.as_ref();
    json!({
        "source": source.name.as_str(),
        "mirrors": source.mirrors,
        "checked": source.checked.map(|at| at.to_string()),
        "trusted_keys": source.trusted_keys.iter().map(VerifierKey::to_string).collect::<Vec<_>>(),
        "key_list": source.key_list.as_ref().map(list_json),
        "current": current,
        "failed": failed.collect::<Vec<_>>(),
        "error": error.map(|error| json!({"kind": error.kind.name(), "message": error.message})),
    })
}

//! `source add`, `source remove` and `source list`.

use serde::Serialize;

use super::args::{SourceAddArgs, SourceCommand, SourceListArgs, SourceRemoveArgs};
use super::follow::header_secret;
use super::output::{Output, note_message};
use crate::base::error::{Error, ErrorKind, IoContext, Result};
use crate::net::location::Location;
use crate::source::SourceName;
use crate::source::list::{ListedSource, Priority, Secret};
use crate::store::Store;
use crate::store::sources::RemovedData;
use crate::tree::note::VerifierKey;

pub(super) fn run(command: SourceCommand, out: &mut Output) -> Result<u8> {
    match command {
        SourceCommand::Add(args) => add(&args),
        SourceCommand::Remove(args) => remove(&args),
        SourceCommand::List(args) => list(&args, out),
    }
}

fn add(args: &SourceAddArgs) -> Result<u8> {
    let trees = args.urls.iter().chain(&args.mirror).map(|tree| tree.parse::<Location>());
    let mut trees = trees.collect::<Result<Vec<_>>>()?.into_iter();
    let first = trees.next().ok_or_else(|| Error::new(ErrorKind::Argument, "expected a URL"))?;
    let source = ListedSource::new(args.name.parse()?, absolute(first)?);
    let mut source = trees.try_fold(source, |source, tree| -> Result<_> {
        Ok(source.with_mirror(absolute(tree)?))
    })?;
    for key in &args.trust_key {
        source = source.trust(key.parse()?);
    }
    if let Some(timeout) = args.timeout {
        source = source.with_timeout(timeout);
    }
    let secret = |env: &Option<String>, file: &Option<std::path::PathBuf>| match (env, file) {
        (Some(name), _) => Some(Secret::Env(name.clone())),
        (None, Some(path)) => Some(Secret::File(path.clone())),
        (None, None) => None,
    };
    if let Some(token) = secret(&args.secrets.token_env, &args.secrets.token_file) {
        source = source.with_token(args.secrets.token_name.as_deref(), token);
    }
    if let (Some(user), Some(password)) =
        (&args.secrets.user, secret(&args.secrets.password_env, &args.secrets.password_file))
    {
        source = source.with_password(user, password);
    }
    if let Some(header) = &args.secrets.header_env {
        let (name, value) = header_secret(header)?;
        source = source.with_header(&name, value);
    }
    let priority = match &args.before {
        Some(name) => Priority::Before(name.parse()?),
        None if args.first => Priority::First,
        None => Priority::Last,
    };
    Store::new(&args.store.dir).edit_source_list(|list| list.add(source, &priority))?;
    Ok(0)
}

/// Makes a directory absolute: an update may run in another working directory.
fn absolute(tree: Location) -> Result<Location> {
    let Some(dir) = tree.as_dir() else { return Ok(tree) };
    let whole = match tree.names_head() {
        true => dir.join(tree.head_name()),
        false => dir.to_path_buf(),
    };
    Ok(Location::dir(std::path::absolute(&whole).on("resolve", &whole)?))
}

fn remove(args: &SourceRemoveArgs) -> Result<u8> {
    let data = if args.keep_data { RemovedData::Keep } else { RemovedData::Remove };
    Store::new(&args.store.dir).remove_source(&args.name.parse()?, data)?;
    Ok(0)
}

fn list(args: &SourceListArgs, out: &mut Output) -> Result<u8> {
    let store = Store::new(&args.store.dir);
    let listed = store.source_list()?;
    let listed = listed.as_ref().map_or(&[][..], |list| list.sources());
    let mut rows: Vec<ListedSourceJson> = listed.iter().map(ListedSourceJson::from).collect();
    let others = match store.sources_by_priority() {
        Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
        names => names?,
    };
    for name in others.iter().filter(|name| !listed.iter().any(|source| source.name() == *name)) {
        rows.push(ListedSourceJson::unlisted(&store, name)?);
    }
    if args.json {
        out.json(&rows)?;
        return Ok(0);
    }
    let cells = |row: &ListedSourceJson| {
        vec![
            row.source.clone(),
            row.state.to_owned(),
            row.urls.join(", "),
            row.trusted_keys.iter().map(|key| key_id(key)).collect::<Vec<_>>().join(", "),
        ]
    };
    out.table(&["SOURCE", "STATE", "URLS", "KEYS"], rows.iter().map(cells))?;
    if rows.is_empty() {
        note_message("no sources yet; add one with source add");
    }
    Ok(0)
}

/// Returns the short form of a key: its name and hash.
fn key_id(key: &str) -> String {
    key.parse::<VerifierKey>().map_or_else(|_| key.to_owned(), |key| key.id())
}

#[derive(Serialize)]
struct ListedSourceJson {
    source: String,
    /// `followed`, `disabled`, or `unlisted`: in the store, but not in the list.
    state: &'static str,
    urls: Vec<String>,
    trusted_keys: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timeout_s: Option<u64>,
    /// The credentials: their kind, and where their secret is read from.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    secrets: Vec<String>,
}

impl From<&ListedSource> for ListedSourceJson {
    fn from(source: &ListedSource) -> Self {
        let secrets = source.secrets();
        ListedSourceJson {
            source: source.name().to_string(),
            state: if source.is_enabled() { "followed" } else { "disabled" },
            urls: source.mirrors().iter().map(Location::to_string).collect(),
            trusted_keys: source.trusted_keys().iter().map(VerifierKey::to_string).collect(),
            timeout_s: source.timeout().map(|timeout| timeout.as_secs()),
            secrets: secrets.map(|(what, secret)| format!("{what} {secret}")).collect(),
        }
    }
}

impl ListedSourceJson {
    fn unlisted(store: &Store, name: &SourceName) -> Result<ListedSourceJson> {
        let status = store.source_status(name)?;
        Ok(ListedSourceJson {
            source: name.to_string(),
            state: "unlisted",
            urls: status.mirrors,
            trusted_keys: status.trusted_keys.iter().map(VerifierKey::to_string).collect(),
            timeout_s: None,
            secrets: Vec::new(),
        })
    }
}

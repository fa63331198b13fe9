//! The list as TOML. Edits keep the comments.

use std::path::PathBuf;
use std::time::Duration;

use toml_edit::{Array, ArrayOfTables, DocumentMut, InlineTable, Item, Table, TableLike, value};

use super::{DEFAULT_TOKEN_NAME, ListedSource, Secret};
use crate::base::error::{Error, Result, impl_from};
use crate::net::location::Location;

/// The key of the sources.
const SOURCE: &str = "source";

const NAME: &str = "name";

/// The beginning of a new file.
const PREAMBLE: &str = "# The sources that this store follows. If two define the same name, \
                        the first one wins.\n\n";

/// Longest timeout, in seconds: one year.
const MAX_TIMEOUT_S: i64 = 365 * 86_400;

/// Every key of a source.
const KEYS: &[&str] = &[
    NAME,
    "urls",
    "trusted_keys",
    "timeout",
    "enabled",
    "token_name",
    "token_env",
    "token_file",
    "user",
    "password_env",
    "password_file",
    "header",
];

/// The form that a key must have.
mod expected {
    pub(super) const TEXT: &str = "a non-empty string";
    pub(super) const TEXTS: &str = "an array of strings";
    pub(super) const URLS: &str = "at least one URL";
    pub(super) const SECONDS: &str = "whole seconds, from 1 to a year";
    pub(super) const BOOL: &str = "true or false";
    pub(super) const HEADER: &str = "{ name = ..., value_env = ... }";
}

/// The text of a list, parsed as TOML.
#[derive(Debug, Clone)]
pub(super) struct ListDocument(DocumentMut);

/// The first rule that a text breaks.
#[derive(Debug, thiserror::Error)]
enum InvalidList {
    #[error("line {line}: not TOML: {message}")]
    Toml { line: usize, message: String },
    #[error("expected [[source]], got {key:?}")]
    Table { key: String },
    #[error("expected each source as [[source]]")]
    Sources,
    #[error("source {name:?}: {error}")]
    Source { name: String, error: Error },
    #[error("unknown key {key:?}")]
    Key { key: String },
    #[error("missing {key:?}")]
    Missing { key: &'static str },
    #[error("{key:?}: expected {expected}")]
    Value { key: String, expected: &'static str },
    #[error("both {key}_env and {key}_file are set")]
    TwoSecrets { key: &'static str },
}

impl_from!(InvalidList => Argument);

impl ListDocument {
    /// Parses a text. Returns the document and its sources.
    pub(super) fn parse(text: &str) -> Result<(ListDocument, Vec<ListedSource>)> {
        let document: DocumentMut =
            text.parse().map_err(|error| InvalidList::toml(text, &error))?;
        if let Some((key, _)) = document.iter().find(|(key, _)| *key != SOURCE) {
            return Err(InvalidList::Table { key: key.to_owned() }.into());
        }
        let sources = match document.get(SOURCE) {
            None => Vec::new(),
            Some(Item::ArrayOfTables(tables)) => tables.iter().map(read).collect::<Result<_>>()?,
            Some(_) => return Err(InvalidList::Sources.into()),
        };
        Ok((ListDocument(document), sources))
    }

    pub(super) fn insert(&mut self, at: usize, source: &ListedSource) {
        let tables = self.tables();
        let mut all: Vec<Table> = tables.iter().cloned().collect();
        all.insert(at, to_table(source));
        self.replace(all);
    }

    pub(super) fn remove(&mut self, at: usize) {
        let mut all: Vec<Table> = self.tables().iter().cloned().collect();
        all.remove(at);
        self.replace(all);
    }

    pub(super) fn to_text(&self) -> String {
        let text = self.0.to_string();
        match text.starts_with('#') {
            true => text,
            false => format!("{PREAMBLE}{}", text.trim_start()),
        }
    }

    fn tables(&self) -> ArrayOfTables {
        self.0.get(SOURCE).and_then(Item::as_array_of_tables).cloned().unwrap_or_default()
    }

    fn replace(&mut self, tables: Vec<Table>) {
        let mut all = ArrayOfTables::new();
        for (n, mut table) in (0..).zip(tables) {
            table.set_position(Some(n));
            all.push(table);
        }
        self.0.insert(SOURCE, Item::ArrayOfTables(all));
    }
}

impl InvalidList {
    fn toml(text: &str, error: &toml_edit::TomlError) -> InvalidList {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        InvalidList::Toml {
            line: before.matches('\n').count() + 1,
            message: error.message().to_owned(),
        }
    }

    fn value(key: &str, expected: &'static str) -> InvalidList {
        InvalidList::Value { key: key.to_owned(), expected }
    }
}

fn read(table: &Table) -> Result<ListedSource> {
    let name = text(table, NAME)?.ok_or(InvalidList::Missing { key: NAME })?;
    read_named(&name, table).map_err(|error| InvalidList::Source { name, error }.into())
}

fn read_named(name: &str, table: &Table) -> Result<ListedSource> {
    if let Some((key, _)) = table.iter().find(|(key, _)| !KEYS.contains(key)) {
        return Err(InvalidList::Key { key: key.to_owned() }.into());
    }
    let urls = texts(table, "urls")?;
    let mirrors = urls.iter().map(|url| url.parse()).collect::<Result<Vec<Location>>>()?;
    let mut mirrors = mirrors.into_iter();
    let first = mirrors.next().ok_or_else(|| InvalidList::value("urls", expected::URLS))?;
    let mut source =
        mirrors.fold(ListedSource::new(name.parse()?, first), ListedSource::with_mirror);
    for key in texts(table, "trusted_keys")? {
        source = source.trust(key.parse()?);
    }
    if let Some(item) = table.get("timeout") {
        let seconds = item
            .as_integer()
            .filter(|seconds| (1..=MAX_TIMEOUT_S).contains(seconds))
            .and_then(|seconds| u64::try_from(seconds).ok())
            .ok_or_else(|| InvalidList::value("timeout", expected::SECONDS))?;
        source = source.with_timeout(Duration::from_secs(seconds));
    }
    if let Some(item) = table.get("enabled") {
        source.is_enabled =
            item.as_bool().ok_or_else(|| InvalidList::value("enabled", expected::BOOL))?;
    }
    let token_name = text(table, "token_name")?;
    if let Some(token) = secret(table, "token")? {
        source = source.with_token(token_name.as_deref(), token);
    }
    if let Some(password) = secret(table, "password")? {
        let user = text(table, "user")?.ok_or(InvalidList::Missing { key: "user" })?;
        source = source.with_password(&user, password);
    }
    if let Some(item) = table.get("header") {
        let invalid = || InvalidList::value("header", expected::HEADER);
        let header = item.as_table_like().ok_or_else(invalid)?;
        let name = text(header, NAME)?.ok_or_else(invalid)?;
        let value = secret(header, "value")?.ok_or_else(invalid)?;
        source = source.with_header(&name, value);
    }
    Ok(source)
}

fn text(table: &dyn TableLike, key: &str) -> Result<Option<String>, InvalidList> {
    let Some(item) = table.get(key) else { return Ok(None) };
    match item.as_str() {
        Some(text) if !text.is_empty() => Ok(Some(text.to_owned())),
        _ => Err(InvalidList::value(key, expected::TEXT)),
    }
}

fn texts(table: &dyn TableLike, key: &str) -> Result<Vec<String>, InvalidList> {
    let Some(item) = table.get(key) else { return Ok(Vec::new()) };
    item.as_array()
        .and_then(|array| array.iter().map(|item| Some(item.as_str()?.to_owned())).collect())
        .ok_or_else(|| InvalidList::value(key, expected::TEXTS))
}

/// Returns the place of a secret: the value of `<key>_env` or `<key>_file`.
fn secret(table: &dyn TableLike, key: &'static str) -> Result<Option<Secret>, InvalidList> {
    match (text(table, &format!("{key}_env"))?, text(table, &format!("{key}_file"))?) {
        (None, None) => Ok(None),
        (Some(name), None) => Ok(Some(Secret::Env(name))),
        (None, Some(path)) => Ok(Some(Secret::File(PathBuf::from(path)))),
        (Some(_), Some(_)) => Err(InvalidList::TwoSecrets { key }),
    }
}

fn to_table(source: &ListedSource) -> Table {
    let mut table = Table::new();
    table.insert(NAME, value(source.name().as_str()));
    table.insert(
        "urls",
        value(source.mirrors().iter().map(Location::to_storable).collect::<Array>()),
    );
    if !source.trusted_keys().is_empty() {
        let keys: Array = source.trusted_keys().iter().map(ToString::to_string).collect();
        table.insert("trusted_keys", value(keys));
    }
    if let Some(timeout) = source.timeout() {
        let seconds = i64::try_from(timeout.as_secs()).unwrap_or(MAX_TIMEOUT_S);
        table.insert("timeout", value(seconds.min(MAX_TIMEOUT_S)));
    }
    if !source.is_enabled {
        table.insert("enabled", value(false));
    }
    if let Some(token) = &source.token {
        if token.name != DEFAULT_TOKEN_NAME {
            table.insert("token_name", value(&token.name));
        }
        insert_secret(&mut table, "token", &token.secret);
    }
    if let Some(password) = &source.password {
        table.insert("user", value(&password.name));
        insert_secret(&mut table, "password", &password.secret);
    }
    if let Some(header) = &source.header {
        let mut inline = InlineTable::new();
        inline.insert(NAME, (&header.name).into());
        insert_secret(&mut inline, "value", &header.secret);
        table.insert("header", value(inline));
    }
    // An empty line before each source.
    table.decor_mut().set_prefix("\n");
    table
}

fn insert_secret(table: &mut dyn TableLike, key: &str, secret: &Secret) {
    match secret {
        Secret::Env(name) => table.insert(&format!("{key}_env"), value(name)),
        Secret::File(path) => {
            table.insert(&format!("{key}_file"), value(path.to_string_lossy().into_owned()))
        }
    };
}

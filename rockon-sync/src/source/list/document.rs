//! The list as TOML, which keeps the comments of whoever wrote it.

use std::path::PathBuf;
use std::time::Duration;

use toml_edit::{Array, ArrayOfTables, DocumentMut, InlineTable, Item, Table, TableLike, value};

use super::{DEFAULT_TOKEN_NAME, ListedSource, Secret};
use crate::base::error::{Error, ErrorKind, Result};
use crate::net::location::Location;

/// The key of the sources.
const SOURCE: &str = "source";

/// What a new file begins with.
const PREAMBLE: &str = "# What this store follows. The first source wins where two define the \
                        same name.\n\n";

/// Longest timeout, in seconds: a year is no timeout any more.
const MAX_TIMEOUT_S: i64 = 365 * 86_400;

/// Every key of a source.
const KEYS: &[&str] = &[
    "name",
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

#[derive(Debug, Clone)]
pub(super) struct Document(DocumentMut);

impl Document {
    pub(super) fn parse(text: &str) -> Result<(Document, Vec<ListedSource>)> {
        let document: DocumentMut = text.parse().map_err(|error: toml_edit::TomlError| {
            let place = error.span().map_or_else(String::new, |span| {
                let before = text.get(..span.start).unwrap_or_default();
                format!(" at line {}", before.matches('\n').count() + 1)
            });
            invalid(format!("not TOML{place}: {}", error.message()))
        })?;
        if let Some((key, _)) = document.iter().find(|(key, _)| *key != SOURCE) {
            return Err(invalid(format!("expected [[source]], got {key:?}")));
        }
        let mut sources = Vec::new();
        match document.get(SOURCE) {
            None => {}
            Some(Item::ArrayOfTables(tables)) => {
                for table in tables {
                    sources.push(read(table)?);
                }
            }
            Some(_) => return Err(invalid("expected each source as [[source]]")),
        }
        Ok((Document(document), sources))
    }

    pub(super) fn insert(&mut self, at: usize, source: &ListedSource) {
        let tables = self.tables();
        let mut all: Vec<Table> = tables.iter().cloned().collect();
        all.insert(at, written(source));
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

fn read(table: &Table) -> Result<ListedSource> {
    let name = text(table, "name")?.ok_or_else(|| invalid("a source has no name"))?;
    let named = |error: Error| {
        let message = format!("source {name:?}: {error}");
        Error::new(ErrorKind::Argument, message)
    };
    read_named(&name, table).map_err(named)
}

fn read_named(name: &str, table: &Table) -> Result<ListedSource> {
    if let Some((key, _)) = table.iter().find(|(key, _)| !KEYS.contains(key)) {
        return Err(invalid(format!("{key:?} is not known")));
    }
    let urls = texts(table, "urls")?;
    let trees = urls.iter().map(|url| url.parse()).collect::<Result<Vec<Location>>>()?;
    let mut trees = trees.into_iter();
    let first = trees.next().ok_or_else(|| invalid("\"urls\" has none"))?;
    let mut source = trees.fold(ListedSource::new(name.parse()?, first), ListedSource::with_mirror);
    for key in texts(table, "trusted_keys")? {
        source = source.trust(key.parse()?);
    }
    if let Some(item) = table.get("timeout") {
        let seconds = item.as_integer().filter(|seconds| (1..=MAX_TIMEOUT_S).contains(seconds));
        let seconds = seconds.and_then(|seconds| u64::try_from(seconds).ok());
        let seconds = seconds.ok_or_else(|| invalid("\"timeout\": expected whole seconds"))?;
        source = source.with_timeout(Duration::from_secs(seconds));
    }
    if let Some(item) = table.get("enabled") {
        let expected = "\"enabled\": expected true or false";
        source.is_enabled = item.as_bool().ok_or_else(|| invalid(expected))?;
    }
    let token_name = text(table, "token_name")?;
    if let Some(token) = secret(table, "token")? {
        source = source.with_token(token_name.as_deref(), token);
    }
    if let Some(password) = secret(table, "password")? {
        let user = text(table, "user")?.ok_or_else(|| invalid("a password without \"user\""))?;
        source = source.with_password(&user, password);
    }
    if let Some(item) = table.get("header") {
        let expected = || invalid("\"header\": expected { name = ..., value_env = ... }");
        let header = item.as_table_like().ok_or_else(expected)?;
        let name = text(header, "name")?.ok_or_else(expected)?;
        let value = secret(header, "value")?.ok_or_else(expected)?;
        source = source.with_header(&name, value);
    }
    Ok(source)
}

fn text(table: &dyn TableLike, key: &str) -> Result<Option<String>> {
    let read = |item: &Item| {
        let text = item.as_str().filter(|text| !text.is_empty());
        text.map(str::to_owned).ok_or_else(|| invalid(format!("{key:?}: expected a text")))
    };
    table.get(key).map(read).transpose()
}

fn texts(table: &dyn TableLike, key: &str) -> Result<Vec<String>> {
    let Some(item) = table.get(key) else { return Ok(Vec::new()) };
    let array = item.as_array().map(|array| array.iter().map(|item| item.as_str()));
    let texts: Option<Vec<&str>> = array.and_then(Iterator::collect);
    let texts = texts.ok_or_else(|| invalid(format!("{key:?}: expected an array of texts")))?;
    Ok(texts.into_iter().map(str::to_owned).collect())
}

/// What `<key>_env` or `<key>_file` names.
fn secret(table: &dyn TableLike, key: &str) -> Result<Option<Secret>> {
    match (text(table, &format!("{key}_env"))?, text(table, &format!("{key}_file"))?) {
        (None, None) => Ok(None),
        (Some(name), None) => Ok(Some(Secret::Env(name))),
        (None, Some(path)) => Ok(Some(Secret::File(PathBuf::from(path)))),
        (Some(_), Some(_)) => Err(invalid(format!("both {key}_env and {key}_file"))),
    }
}

fn written(source: &ListedSource) -> Table {
    let mut table = Table::new();
    table.insert(NAME, value(source.name.as_str()));
    table.insert("urls", value(array(source.trees.iter().map(Location::to_storable))));
    if !source.trusted_keys.is_empty() {
        table.insert(
            "trusted_keys",
            value(array(source.trusted_keys.iter().map(ToString::to_string))),
        );
    }
    if let Some(timeout) = source.timeout {
        let seconds = i64::try_from(timeout.as_secs()).unwrap_or(MAX_TIMEOUT_S);
        table.insert("timeout", value(seconds.min(MAX_TIMEOUT_S)));
    }
    if !source.is_enabled {
        table.insert("enabled", value(false));
    }
    if let Some((name, token)) = &source.token {
        if name != DEFAULT_TOKEN_NAME {
            table.insert("token_name", value(name));
        }
        write_secret(&mut table, "token", token);
    }
    if let Some((user, password)) = &source.password {
        table.insert("user", value(user));
        write_secret(&mut table, "password", password);
    }
    if let Some((name, secret)) = &source.header {
        let mut header = InlineTable::new();
        header.insert(NAME, name.into());
        write_secret(&mut header, "value", secret);
        table.insert("header", value(header));
    }
    // An empty line before each.
    table.decor_mut().set_prefix("\n");
    table
}

const NAME: &str = "name";

fn write_secret(table: &mut dyn TableLike, key: &str, secret: &Secret) {
    match secret {
        Secret::Env(name) => table.insert(&format!("{key}_env"), value(name)),
        Secret::File(path) => {
            table.insert(&format!("{key}_file"), value(path.to_string_lossy().into_owned()))
        }
    };
}

fn array(texts: impl Iterator<Item = String>) -> Array {
    texts.collect()
}

fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Argument, message)
}

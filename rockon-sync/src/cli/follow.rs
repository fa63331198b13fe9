//! Which sources an update follows: those of the command line, else those of the store.

use super::args::{CredentialArgs, UpdateArgs};
use crate::base::error::{Error, ErrorKind, Result};
use crate::net::credentials::Credentials;
use crate::source::list::Secret;
use crate::source::{Source, SourceName};
use crate::store::Store;
use crate::tree::note::VerifierKey;

/// A source by its name, or why it cannot be asked.
pub(super) type Followed = (SourceName, Result<Source>);

pub(super) fn sources(store: &Store, args: &UpdateArgs) -> Result<Vec<Followed>> {
    let followed = match args.source.is_empty() {
        false => {
            let sources = group(&args.source)?.into_iter();
            sources.map(|source| (source.name().clone(), Ok(source))).collect()
        }
        true => store.followed_sources().map_err(|error| match error.kind() {
            ErrorKind::NotFound => none_known(store),
            _ => error,
        })?,
    };
    if followed.is_empty() {
        return Err(none_known(store));
    }
    opened(trusting(followed, &args.trust_key)?, &args.credentials)
}

fn none_known(store: &Store) -> Error {
    let message = "no source is known yet: name one with --source, or add one with source add";
    Error::new(ErrorKind::Argument, message).with_path(store.dir())
}

/// Collects what is said of each name: the first location is the source, further
/// ones are its mirrors.
fn group(texts: &[String]) -> Result<Vec<Source>> {
    let mut sources: Vec<Source> = Vec::new();
    for text in texts {
        let source: Source = text.parse()?;
        match sources.iter().position(|known| known.name() == source.name()) {
            Some(n) => {
                let known = sources.remove(n);
                let mirror = source.mirrors()[0].clone();
                sources.insert(n, known.with_mirror(mirror));
            }
            None => sources.push(source),
        }
    }
    Ok(sources)
}

/// Adds the keys: `NAME=KEY` to the source of that name, `KEY` to each.
fn trusting(mut followed: Vec<Followed>, texts: &[String]) -> Result<Vec<Followed>> {
    for text in texts {
        let named = text.split_once('=').and_then(|(name, key)| Some((name.parse().ok()?, key)));
        // The name of a key may have a '=' too; that it is a key as a whole decides.
        let (name, key): (Option<SourceName>, VerifierKey) = match (text.parse(), named) {
            (Ok(key), _) => (None, key),
            (Err(_), Some((name, key))) => (Some(name), key.parse()?),
            (Err(error), None) => return Err(error),
        };
        let what = format!("the key {}", key.id());
        followed = changed(followed, name.as_ref(), &what, |source| source.trust(key.clone()))?;
    }
    Ok(followed)
}

/// Changes the source of this name, or each.
fn changed(
    followed: Vec<Followed>,
    name: Option<&SourceName>,
    what: &str,
    change: impl Fn(Source) -> Source,
) -> Result<Vec<Followed>> {
    let is_meant = |known: &SourceName| name.is_none_or(|name| known == name);
    if let Some(name) = name.filter(|_| !followed.iter().any(|(known, _)| is_meant(known))) {
        let message = format!("{what} is for {name}, which is no source here");
        return Err(Error::new(ErrorKind::Argument, message));
    }
    let change = |(known, source): Followed| match is_meant(&known) {
        true => (known, source.map(&change)),
        false => (known, source),
    };
    Ok(followed.into_iter().map(change).collect())
}

/// Adds the credentials of the command line: instead of those of the list.
fn opened(mut followed: Vec<Followed>, args: &CredentialArgs) -> Result<Vec<Followed>> {
    if args.is_empty() {
        return Ok(followed);
    }
    let names: Vec<SourceName> = followed.iter().map(|(name, _)| name.clone()).collect();
    for name in &names {
        let own = |texts: &[String]| {
            let mut own = texts.iter().filter_map(|text| match named(text, &names) {
                (Some(other), rest) => (other == *name).then(|| rest.to_owned()),
                (None, rest) => Some(rest.to_owned()),
            });
            own.next_back()
        };
        let mut credentials = Credentials::new();
        if let Some(token) = own(&args.token_env) {
            credentials = credentials.with_query(&*args.token_name, &**Secret::Env(token).read()?);
        }
        if let Some(header) = own(&args.header_env) {
            let (header, value) = header_secret(&header)?;
            credentials = credentials.with_header(&header, &**value.read()?)?;
        }
        if let Some(user) = own(&args.user) {
            let Some(password) = own(&args.password_env) else {
                let message = "--user asks for --password-env";
                return Err(Error::new(ErrorKind::Argument, message));
            };
            credentials = credentials.with_password(&user, &Secret::Env(password).read()?)?;
        }
        if !credentials.is_empty() {
            followed = changed(followed, Some(name), "the secret", |source| {
                source.with_credentials(credentials.clone())
            })?;
        }
    }
    Ok(followed)
}

/// Tells `NAME=rest` from `rest`.
fn named<'a>(text: &'a str, names: &[SourceName]) -> (Option<SourceName>, &'a str) {
    let named = text.split_once('=').and_then(|(name, rest)| Some((name.parse().ok()?, rest)));
    match named {
        Some((name, rest)) if names.contains(&name) => (Some(name), rest),
        _ => (None, text),
    }
}

/// Reads `HEADER:VAR`.
pub(super) fn header_secret(text: &str) -> Result<(String, Secret)> {
    let parts = text.split_once(':').map(|(header, name)| (header.trim(), name.trim()));
    let parts = parts.filter(|(header, name)| !header.is_empty() && !name.is_empty());
    let (header, name) = parts.ok_or_else(|| {
        let message = format!("expected HEADER:VARIABLE, got {text:?}");
        Error::new(ErrorKind::Argument, message)
    })?;
    Ok((header.to_owned(), Secret::Env(name.to_owned())))
}

//! The sources of an update: those of the command line, or else those of the store.

use super::args::{CredentialArgs, FollowedArgs};
use crate::base::error::{Error, ErrorKind, Result};
use crate::net::credentials::Credentials;
use crate::source::list::Secret;
use crate::source::{Source, SourceName};
use crate::store::Store;
use crate::tree::note::VerifierKey;

/// A source by its name, or the reason why it cannot be used.
pub(super) type NamedSource = (SourceName, Result<Source>);

pub(super) fn sources(
    store: &Store,
    args: &FollowedArgs,
    credentials: &CredentialArgs,
) -> Result<Vec<NamedSource>> {
    let followed = match args.source.is_empty() {
        false => {
            let sources = group(&args.source)?.into_iter();
            sources.map(|source| (source.name().clone(), Ok(source))).collect()
        }
        true => store.followed_sources().map_err(|error| match error.kind() {
            ErrorKind::NotFound => no_sources(store),
            _ => error,
        })?,
    };
    if followed.is_empty() {
        return Err(no_sources(store));
    }
    opened(trusting(followed, &args.trust_key)?, credentials)
}

fn no_sources(store: &Store) -> Error {
    Error::new(
        ErrorKind::Argument,
        "no sources yet; give one with --source, or add one with source add",
    )
    .with_path(store.dir())
}

/// Parses sources. The first location of a name is the source, further ones are its mirrors.
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
fn trusting(mut followed: Vec<NamedSource>, texts: &[String]) -> Result<Vec<NamedSource>> {
    for text in texts {
        let named = text.split_once('=').and_then(|(name, key)| Some((name.parse().ok()?, key)));
        // The name of a key may contain `=`, so the whole text is tried first.
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

/// Changes the source of this name, or every source.
fn changed(
    followed: Vec<NamedSource>,
    name: Option<&SourceName>,
    what: &str,
    change: impl Fn(Source) -> Source,
) -> Result<Vec<NamedSource>> {
    let is_meant = |known: &SourceName| name.is_none_or(|name| known == name);
    if let Some(name) = name.filter(|_| !followed.iter().any(|(known, _)| is_meant(known))) {
        return Err(Error::new(ErrorKind::Argument, format!("{what}: no source named {name}")));
    }
    let change = |(known, source): NamedSource| match is_meant(&known) {
        true => (known, source.map(&change)),
        false => (known, source),
    };
    Ok(followed.into_iter().map(change).collect())
}

/// Replaces the credentials of the list by those of the command line.
fn opened(mut followed: Vec<NamedSource>, args: &CredentialArgs) -> Result<Vec<NamedSource>> {
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
                return Err(Error::new(ErrorKind::Argument, "--user requires --password-env"));
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

/// Splits `NAME=rest` if NAME is one of `names`.
fn named<'a>(text: &'a str, names: &[SourceName]) -> (Option<SourceName>, &'a str) {
    let named = text.split_once('=').and_then(|(name, rest)| Some((name.parse().ok()?, rest)));
    match named {
        Some((name, rest)) if names.contains(&name) => (Some(name), rest),
        _ => (None, text),
    }
}

/// Reads `HEADER:VAR`.
pub(super) fn header_secret(text: &str) -> Result<(String, Secret)> {
    match text.split_once(':').map(|(header, name)| (header.trim(), name.trim())) {
        Some((header, name)) if !header.is_empty() && !name.is_empty() => {
            Ok((header.to_owned(), Secret::Env(name.to_owned())))
        }
        _ => {
            Err(Error::new(ErrorKind::Argument, format!("expected HEADER:VARIABLE, got {text:?}")))
        }
    }
}

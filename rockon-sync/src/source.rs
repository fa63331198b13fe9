//! Sources: where a catalog comes from.

pub(crate) mod list;

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use crate::base::error::{Error, ErrorKind, Result};
use crate::net::credentials::Credentials;
use crate::net::location::Location;
use crate::tree::note::VerifierKey;

/// Longest name of a source, in bytes: it is a directory's name.
const MAX_NAME_BYTES: usize = 64;

/// The name of a source: lower-case letters, digits, `-`, `_` and `.`, starting with a
/// letter or digit, at most 64 bytes; not `local`, which is the directory of hand-made
/// definitions.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SourceName(Arc<str>);

impl SourceName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for SourceName {
    /// `rockstor`: the source of whoever follows only one.
    fn default() -> Self {
        SourceName("rockstor".into())
    }
}

impl FromStr for SourceName {
    type Err = Error;

    /// # Errors
    /// [`ErrorKind::Argument`] for a name that breaks the rules.
    fn from_str(text: &str) -> Result<Self> {
        let is_start = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
        let is_part = |b: u8| is_start(b) || matches!(b, b'-' | b'_' | b'.');
        let is_name = text.bytes().next().is_some_and(is_start)
            && text.bytes().all(is_part)
            && text.len() <= MAX_NAME_BYTES
            && text != "local";
        if is_name {
            Ok(SourceName(text.into()))
        } else {
            let message = format!(
                "expected a source name of at most {MAX_NAME_BYTES} lower-case letters, digits, \
                 '-', '_' and '.', other than \"local\", got {text:?}"
            );
            Err(Error::new(ErrorKind::Argument, message))
        }
    }
}

impl fmt::Display for SourceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where a catalog comes from: a name, one or more trees that have it, and the keys of
/// which one must have signed it.
#[derive(Debug, Clone)]
#[must_use = "it is changed by value: what is returned has the change"]
pub struct Source {
    name: SourceName,
    mirrors: Vec<Location>,
    trusted_keys: Vec<VerifierKey>,
    timeout: Option<Duration>,
    credentials: Option<Arc<Credentials>>,
}

impl Source {
    /// A source with one tree; further ones are mirrors of it.
    pub fn new(name: SourceName, tree: Location) -> Source {
        let (mirrors, trusted_keys) = (vec![tree], Vec::new());
        Source { name, mirrors, trusted_keys, timeout: None, credentials: None }
    }

    /// Adds a tree that has the same catalog; it is asked when the ones before it fail.
    pub fn with_mirror(mut self, tree: Location) -> Source {
        self.mirrors.push(tree);
        self
    }

    /// Trusts this key as well: only a head with a good signature of a trusted key is
    /// taken, from whatever mirror.
    ///
    /// An update that finds such a head remembers the keys in the store, instead of those
    /// that it remembered before. Without keys here, those remembered are asked for; a
    /// source that never had any need not be signed, and no key is trusted by itself.
    pub fn trust(mut self, key: VerifierKey) -> Source {
        if !self.trusted_keys.contains(&key) {
            self.trusted_keys.push(key);
        }
        self
    }

    /// The same for a key in its text form, `<name>+<hash>+<base64>`.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`] for what is no such key.
    pub fn trust_key(self, text: &str) -> Result<Source> {
        Ok(self.trust(text.parse()?))
    }

    /// The longest an update of this source may take, whatever the
    /// [`Updater`](crate::Updater) says; by default what that says.
    pub fn with_timeout(mut self, timeout: Duration) -> Source {
        self.timeout = Some(timeout);
        self
    }

    /// Opens the source with these credentials, instead of any given before. They are sent to
    /// the hosts of its mirrors alone, and stored nowhere.
    pub fn with_credentials(mut self, credentials: Credentials) -> Source {
        self.credentials = (!credentials.is_empty()).then(|| Arc::new(credentials));
        self
    }

    /// How long an update of this source may take, if that was said of it.
    pub fn timeout(&self) -> Option<Duration> {
        self.timeout
    }

    /// The trees with what opens them.
    pub(crate) fn opened_mirrors(&self) -> Vec<Location> {
        let mirrors = self.mirrors.iter().cloned();
        match &self.credentials {
            None => mirrors.collect(),
            Some(credentials) => mirrors.map(|tree| tree.opened_with(credentials)).collect(),
        }
    }

    /// A tree that a head names, with the credentials if it is at the host of a mirror.
    pub(crate) fn opened(&self, tree: Location) -> Location {
        match &self.credentials {
            Some(credentials) if self.mirrors.iter().any(|own| own.is_at_the_host_of(&tree)) => {
                tree.opened_with(credentials)
            }
            _ => tree,
        }
    }

    /// The name, which is also the name of the source's directory in the store.
    pub fn name(&self) -> &SourceName {
        &self.name
    }

    /// The trees, in the order in which they are asked.
    pub fn mirrors(&self) -> &[Location] {
        &self.mirrors
    }

    /// The keys that are trusted from the next update on; if none, those of the last one.
    pub fn trusted_keys(&self) -> &[VerifierKey] {
        &self.trusted_keys
    }
}

impl FromStr for Source {
    type Err = Error;

    /// Reads `[NAME=]URL|DIR`; without a name it is `rockstor`.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`] for what is no location.
    fn from_str(text: &str) -> Result<Self> {
        if let Some((name, tree)) = text.split_once('=')
            && let Ok(name) = name.parse()
        {
            return Ok(Source::new(name, tree.parse()?));
        }
        Ok(Source::new(SourceName::default(), text.parse()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_told_from_a_query() {
        for (text, name, tree) in [
            ("http://h/?token=x", "rockstor", "http://h/?token=***"),
            ("extra=http://h/", "extra", "http://h/"),
            ("extra=/srv/tree", "extra", "/srv/tree/"),
            ("/srv/a=b", "rockstor", "/srv/a=b/"),
        ] {
            let source: Source = text.parse().unwrap();
            assert_eq!((source.name().as_str(), &*source.mirrors()[0].to_string()), (name, tree));
        }
    }

    #[test]
    fn names_that_are_no_safe_dir_names_are_refused() {
        for bad in ["", "local", "..", ".x", "-x", "a/b", "A", "ü", "a b", &"a".repeat(65)] {
            assert_eq!(bad.parse::<SourceName>().unwrap_err().kind(), ErrorKind::Argument, "{bad}");
        }
        assert_eq!("a-1_b.c".parse::<SourceName>().unwrap().as_str(), "a-1_b.c");
    }
}

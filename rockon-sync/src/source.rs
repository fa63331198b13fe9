//! A source: a named catalog, its mirrors, and the keys and credentials for it.

pub(crate) mod list;

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use crate::base::error::{Error, ErrorKind, Result};
use crate::net::credentials::Credentials;
use crate::net::location::Location;
use crate::tree::note::VerifierKey;

/// Longest name of a source, in bytes: it names a directory.
const MAX_NAME_BYTES: usize = 64;

/// The name of a source: lower-case letters, digits, `-`, `_` and `.`, starting with a
/// letter or digit, at most 64 bytes. `local` is reserved for the local definitions.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SourceName(Arc<str>);

impl SourceName {
    /// Returns the name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for SourceName {
    /// Returns `rockstor`, the name of an only source.
    fn default() -> Self {
        SourceName("rockstor".into())
    }
}

impl FromStr for SourceName {
    type Err = Error;

    /// Parses a name.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`] for a name that breaks the rules.
    fn from_str(text: &str) -> Result<Self> {
        let is_start = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
        let is_part = |b: u8| is_start(b) || matches!(b, b'-' | b'_' | b'.');
        let is_name = text.bytes().next().is_some_and(is_start)
            && text.bytes().all(is_part)
            && text.len() <= MAX_NAME_BYTES
            && text != "local";
        is_name.then(|| SourceName(text.into())).ok_or_else(|| {
            Error::new(
                ErrorKind::Argument,
                format!(
                    "expected a source name of at most {MAX_NAME_BYTES} lower-case letters, \
                     digits, '-', '_' and '.', other than \"local\", got {text:?}"
                ),
            )
        })
    }
}

impl fmt::Display for SourceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A source: a name, one or more mirrors of one catalog, and the trusted keys.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "the methods return the changed source"]
pub struct Source {
    name: SourceName,
    mirrors: Vec<Location>,
    trusted_keys: Vec<VerifierKey>,
    timeout: Option<Duration>,
    credentials: Option<Arc<Credentials>>,
}

impl Source {
    /// Creates a source with one mirror.
    pub fn new(name: SourceName, mirror: Location) -> Source {
        Source {
            name,
            mirrors: vec![mirror],
            trusted_keys: Vec::new(),
            timeout: None,
            credentials: None,
        }
    }

    /// Adds a mirror of the same catalog. It is asked when the ones before it fail.
    pub fn with_mirror(mut self, mirror: Location) -> Source {
        self.mirrors.push(mirror);
        self
    }

    /// Adds a trusted key. With trusted keys, an update accepts only a head that at least one
    /// of them has signed, whichever mirror serves it.
    ///
    /// A successful update stores these keys in place of the previously stored ones. Without
    /// keys here, an update requires a signature by a stored key; if none is stored, it accepts
    /// unsigned heads. No key is trusted implicitly.
    pub fn trust(mut self, key: VerifierKey) -> Source {
        if !self.trusted_keys.contains(&key) {
            self.trusted_keys.push(key);
        }
        self
    }

    /// Adds a trusted key in its text form, `<name>+<hash>+<base64>`. See [`trust`](Self::trust).
    ///
    /// # Errors
    /// [`ErrorKind::Argument`] for an invalid key.
    pub fn trust_key(self, text: &str) -> Result<Source> {
        Ok(self.trust(text.parse()?))
    }

    /// Limits the duration of an update of this source, overriding the
    /// [`Updater`](crate::Updater).
    pub fn with_timeout(mut self, timeout: Duration) -> Source {
        self.timeout = Some(timeout);
        self
    }

    /// Sets the credentials, replacing any set before. They are sent only to the hosts of the
    /// mirrors, and never stored.
    pub fn with_credentials(mut self, credentials: Credentials) -> Source {
        self.credentials = (!credentials.is_empty()).then(|| Arc::new(credentials));
        self
    }

    /// Returns the limit on the duration of an update of this source, if set.
    pub fn timeout(&self) -> Option<Duration> {
        self.timeout
    }

    /// Returns the mirrors with the credentials attached.
    pub(crate) fn opened_mirrors(&self) -> Vec<Location> {
        let mirrors = self.mirrors.iter().cloned();
        match &self.credentials {
            None => mirrors.collect(),
            Some(credentials) => mirrors.map(|mirror| mirror.opened_with(credentials)).collect(),
        }
    }

    /// Attaches the credentials to a location named by a head, if it is on the host of a mirror.
    pub(crate) fn opened(&self, location: Location) -> Location {
        match &self.credentials {
            Some(credentials)
                if self.mirrors.iter().any(|mirror| mirror.is_at_the_host_of(&location)) =>
            {
                location.opened_with(credentials)
            }
            _ => location,
        }
    }

    /// Returns the name, which also names the directory of the source in the store.
    pub fn name(&self) -> &SourceName {
        &self.name
    }

    /// Returns the mirrors, in the order in which they are asked.
    pub fn mirrors(&self) -> &[Location] {
        &self.mirrors
    }

    /// Returns the keys to trust from the next update on. If empty, the stored keys apply.
    pub fn trusted_keys(&self) -> &[VerifierKey] {
        &self.trusted_keys
    }
}

impl FromStr for Source {
    type Err = Error;

    /// Parses `[NAME=]URL|DIR`. The default name is `rockstor`.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`] for an invalid location.
    fn from_str(text: &str) -> Result<Self> {
        if let Some((name, mirror)) = text.split_once('=')
            && let Ok(name) = name.parse()
        {
            return Ok(Source::new(name, mirror.parse()?));
        }
        Ok(Source::new(SourceName::default(), text.parse()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_equals_sign_in_a_location_does_not_start_a_name() {
        for (text, name, mirror) in [
            ("http://h/?token=x", "rockstor", "http://h/?token=***"),
            ("extra=http://h/", "extra", "http://h/"),
            ("extra=/srv/tree", "extra", "/srv/tree/"),
            ("/srv/a=b", "rockstor", "/srv/a=b/"),
        ] {
            let source: Source = text.parse().unwrap();
            assert_eq!((source.name().as_str(), &*source.mirrors()[0].to_string()), (name, mirror));
        }
    }

    #[test]
    fn names_that_are_unsafe_as_directory_names_are_rejected() {
        for bad in ["", "local", "..", ".x", "-x", "a/b", "A", "ü", "a b", &"a".repeat(65)] {
            assert_eq!(bad.parse::<SourceName>().unwrap_err().kind(), ErrorKind::Argument, "{bad}");
        }
        assert_eq!("a-1_b.c".parse::<SourceName>().unwrap().as_str(), "a-1_b.c");
    }
}

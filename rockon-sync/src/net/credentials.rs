//! The credentials of a source.

use std::fmt;

use zeroize::Zeroizing;

use crate::base::error::{Error, ErrorKind, Result};

/// Headers that the transport sets, or that define the framing of a message.
const RESERVED_HEADERS: &[&str] = &[
    "accept-encoding",
    "connection",
    "content-length",
    "host",
    "if-modified-since",
    "if-none-match",
    "range",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// The credentials of a private source: query parameters, headers, user and password, in any
/// combination.
///
/// They are sent only to the scheme, host and port of the source's mirrors, even if a redirect or
/// a head leads elsewhere. They never appear in messages, reports, files or `Debug` output.
#[derive(Clone, PartialEq, Eq, Default)]
#[must_use = "the methods return the changed credentials"]
pub struct Credentials {
    query: Vec<(String, Zeroizing<String>)>,
    headers: Vec<(String, Zeroizing<String>)>,
    /// `user:password`.
    user_info: Option<Zeroizing<String>>,
}

impl Credentials {
    /// Returns empty credentials.
    pub fn new() -> Credentials {
        Credentials::default()
    }

    /// Adds a parameter to the query of every URL, except of URLs that have a parameter of this
    /// name.
    pub fn with_query(mut self, name: impl Into<String>, value: impl Into<String>) -> Credentials {
        self.query.push((name.into(), Zeroizing::new(value.into())));
        self
    }

    /// Adds a header to every request, for example `Authorization` with `Bearer ...`.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`] for an invalid name or value, and for a header that the transport
    /// sets, such as `Host`.
    pub fn with_header(mut self, name: &str, value: impl Into<String>) -> Result<Credentials> {
        let value = Zeroizing::new(value.into());
        let is_token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
        let is_name = !name.is_empty() && name.bytes().all(is_token);
        if !is_name || RESERVED_HEADERS.iter().any(|other| name.eq_ignore_ascii_case(other)) {
            return Err(Error::new(ErrorKind::Argument, format!("cannot set the header {name:?}")));
        }
        if !value.bytes().all(|b| matches!(b, b'\t' | b' '..=b'~')) {
            return Err(Error::new(
                ErrorKind::Argument,
                format!("header {name:?}: expected a value of printable ASCII characters"),
            ));
        }
        self.headers.push((name.to_owned(), value));
        Ok(self)
    }

    /// Sets user and password for HTTP Basic authentication (RFC 7617). Those in a URL take
    /// precedence.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`] for a user with a `:`, which the format cannot represent.
    pub fn with_password(mut self, user: &str, password: &str) -> Result<Credentials> {
        if user.contains(':') {
            return Err(Error::new(ErrorKind::Argument, "expected a user name without ':'"));
        }
        self.user_info = Some(Zeroizing::new(format!("{user}:{password}")));
        Ok(self)
    }

    /// True if there is nothing to send.
    pub fn is_empty(&self) -> bool {
        self.query.is_empty() && self.headers.is_empty() && self.user_info.is_none()
    }

    pub(crate) fn query(&self) -> impl Iterator<Item = (&str, &str)> {
        self.query.iter().map(|(name, value)| (&**name, &***value))
    }

    pub(crate) fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.headers.iter().map(|(name, value)| (&**name, &***value))
    }

    pub(crate) fn user_info(&self) -> Option<&str> {
        self.user_info.as_deref().map(String::as_str)
    }
}

impl fmt::Debug for Credentials {
    /// Writes the names without the secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = |pairs: &[(String, _)]| -> Vec<String> {
            pairs.iter().map(|(name, _): &(String, Zeroizing<String>)| name.clone()).collect()
        };
        f.debug_struct("Credentials")
            .field("query", &names(&self.query))
            .field("headers", &names(&self.headers))
            .field("password", &self.user_info.as_ref().map(|_| "***"))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invalid_headers_are_refused_without_repeating_the_value() {
        for (name, value) in [
            ("", "secret"),
            ("a b", "secret"),
            ("Host", "secret"),
            ("X", "secret\r\nY: 1"),
            ("X", "secr\u{e9}t"),
        ] {
            let error = Credentials::new().with_header(name, value).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Argument);
            assert!(!error.to_chain().contains("secr"), "{error}");
        }
        assert!(Credentials::new().with_password("a:b", "secret").is_err());
    }

    #[test]
    fn debug_output_contains_no_secrets() {
        let credentials = Credentials::new().with_query("token", "secret");
        let credentials = credentials.with_header("X-Key", "secret").unwrap();
        let credentials = credentials.with_password("me", "secret").unwrap();
        let shown = format!("{credentials:?}");
        assert!(shown.contains("token") && shown.contains("X-Key"), "{shown}");
        assert!(!shown.contains("secret"), "{shown}");
    }
}

//! The address of one file. Secrets are kept apart, so that they are never shown.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use percent_encoding::percent_decode_str;
use url::Url;

use crate::base::error::{Error, ErrorKind, Result, impl_from};
use crate::net::credentials::Credentials;

/// The address of one file.
#[derive(Clone, PartialEq, Eq)]
pub enum Address {
    /// A URL.
    Http(HttpAddress),
    /// A path on disk.
    File(PathBuf),
}

/// A URL and its credentials.
#[derive(Clone, PartialEq, Eq)]
pub struct HttpAddress {
    /// Includes the query parameters of the credentials.
    pub(crate) url: Url,
    /// `user:password` from the URL itself.
    user_info: Option<String>,
    pub(crate) credentials: Option<Arc<Credentials>>,
}

impl HttpAddress {
    /// Returns the URL to request, without user and password. Its query may be secret.
    pub fn url(&self) -> &str {
        self.url.as_str()
    }

    /// True if the connection is encrypted.
    pub fn is_https(&self) -> bool {
        self.url.scheme() == "https"
    }

    /// Returns `user:password` for HTTP Basic authentication.
    pub fn user_info(&self) -> Option<&str> {
        let given = self.credentials.as_ref().and_then(|credentials| credentials.user_info());
        self.user_info.as_deref().or(given)
    }

    /// Returns the names and values of additional headers. The values are secret.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.credentials.iter().flat_map(|credentials| credentials.headers())
    }
}

impl Address {
    pub(crate) fn from_url(url: Url, credentials: Option<Arc<Credentials>>) -> Address {
        let user_info = (!url.username().is_empty() || url.password().is_some()).then(|| {
            format!("{}:{}", decode(url.username()), decode(url.password().unwrap_or("")))
        });
        Address::with_credentials(url, user_info, credentials)
    }

    fn with_credentials(
        url: Url,
        user_info: Option<String>,
        credentials: Option<Arc<Credentials>>,
    ) -> Address {
        let mut url = without_user(url);
        for (name, value) in credentials.iter().flat_map(|credentials| credentials.query()) {
            if !url.query_pairs().any(|(known, _)| known == name) {
                url.query_pairs_mut().append_pair(name, value);
            }
        }
        Address::Http(HttpAddress { url, user_info, credentials })
    }

    /// Returns a text that identifies the address. It may contain secrets.
    pub(crate) fn identity(&self) -> String {
        match self {
            Address::Http(address) => address.url.to_string(),
            Address::File(path) => path.display().to_string(),
        }
    }

    /// Parses a URL.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`] for another scheme than http and https, or a missing host.
    pub(crate) fn of_http_url(text: &str) -> Result<Address> {
        Ok(Address::from_url(parse_url(text)?, None))
    }

    /// Resolves a reference in the document at this address (RFC 3986, section 5). In a file, a
    /// reference may name another file below `root` or a URL; at a URL, only a URL.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`], with the reason.
    pub(crate) fn referred(&self, reference: &str, root: &Path) -> Result<Address> {
        let refuse = |problem: &str| {
            Err(Error::new(ErrorKind::Argument, format!("{reference:?} {problem}")))
        };
        match self {
            Address::File(_) if has_http_scheme(reference) => Address::of_http_url(reference),
            Address::Http(from) => {
                let Ok(mut url) = from.url.join(reference) else { return refuse("is not a URL") };
                url.set_fragment(None);
                if !matches!(url.scheme(), "http" | "https") {
                    return refuse("is neither http nor https");
                }
                let is_own = url.origin() == from.url.origin() && url.username().is_empty();
                match from.user_info.clone().filter(|_| is_own) {
                    user_info @ Some(_) => Ok(Address::with_credentials(url, user_info, None)),
                    None => Address::of_http_url(url.as_str()),
                }
            }
            Address::File(from) => {
                let path = reference.split(['?', '#']).next().unwrap_or_default();
                let path = from.parent().unwrap_or(root).join(decode(path));
                match (path.canonicalize(), root.canonicalize()) {
                    (Ok(path), Ok(root)) if path.starts_with(&root) => Ok(Address::File(path)),
                    (Ok(_), Ok(_)) => refuse("is outside the directory of the site"),
                    _ => refuse("is not an existing file"),
                }
            }
        }
    }

    /// Resolves a redirect to `target`. Credentials are kept only on the same scheme, host and
    /// port.
    ///
    /// # Errors
    /// [`ErrorKind::Status`] for a target that is not a URL, is neither http nor https, or gives
    /// up encryption.
    pub(crate) fn redirected(&self, target: &str) -> Result<Address> {
        let refused = |problem: String| {
            Error::new(ErrorKind::Status, format!("redirect refused: {problem}"))
                .with_url(self.to_string())
        };
        let Address::Http(from) = self else {
            return Err(refused("not over HTTP".to_owned()));
        };
        let mut url =
            from.url.join(target).map_err(|_| refused("the target is not a URL".to_owned()))?;
        url.set_fragment(None);
        if !matches!(url.scheme(), "http" | "https") {
            return Err(refused(format!("expected http or https, got {}", redacted(&url))));
        }
        if from.is_https() && url.scheme() != "https" {
            return Err(refused(format!("from https to {}", redacted(&url))));
        }
        let is_own = url.origin() == from.url.origin();
        let user_info = from.user_info.clone().filter(|_| is_own);
        let credentials = from.credentials.clone().filter(|_| is_own);
        Ok(Address::with_credentials(url, user_info, credentials))
    }
}

impl fmt::Display for Address {
    /// Writes the address without secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Http(address) => f.write_str(&redacted(&address.url)),
            Address::File(path) => write!(f, "{}", path.display()),
        }
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({self})")
    }
}

impl fmt::Debug for HttpAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HttpAddress({})", redacted(&self.url))
    }
}

/// A text that is not a usable URL.
#[derive(Debug, thiserror::Error)]
enum InvalidUrl {
    #[error("not a usable URL: {0}")]
    Syntax(#[from] url::ParseError),
    #[error("not a usable URL: expected http, https or file, got {scheme}")]
    Scheme { scheme: String },
}

impl_from!(InvalidUrl => Argument);

/// Parses an HTTP URL, and drops its fragment.
///
/// # Errors
/// [`ErrorKind::Argument`], with the reason.
pub(crate) fn parse_url(text: &str) -> Result<Url> {
    let mut url = Url::parse(text).map_err(InvalidUrl::from)?;
    url.set_fragment(None);
    match url.scheme() {
        "http" | "https" if url.host_str().is_some_and(|host| !host.is_empty()) => Ok(url),
        scheme => Err(InvalidUrl::Scheme { scheme: scheme.to_owned() }.into()),
    }
}

/// True if a text starts like an HTTP URL.
pub(crate) fn has_http_scheme(text: &str) -> bool {
    let scheme = text.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
    matches!(scheme.as_deref(), Some("http" | "https"))
}

/// True if a text is the URL of a directory in a bucket of an S3-compatible store.
#[cfg(feature = "publish")]
pub(crate) fn has_s3_scheme(text: &str) -> bool {
    text.starts_with("s3://")
}

pub(crate) fn without_user(mut url: Url) -> Url {
    // Both fail only for URLs without a host, which `parse_url` refuses.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url
}

/// Returns a URL without user, password, and the values of its query. The parts of a signature,
/// which no user has given, are left out.
pub(crate) fn redacted(url: &Url) -> String {
    let mut shown = without_user(url.clone());
    let keys = url.query_pairs().filter(|(key, _)| !key.starts_with("X-Amz-"));
    let keys: Vec<String> = keys.map(|(key, _)| format!("{key}=***")).collect();
    shown.set_query(Some(keys.join("&")).filter(|keys| !keys.is_empty()).as_deref());
    shown.to_string()
}

/// Decodes a percent-encoded path segment.
pub(crate) fn decode(segment: &str) -> String {
    percent_decode_str(segment).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url_of(address: &Address) -> &str {
        match address {
            Address::Http(address) => address.url(),
            Address::File(_) => panic!("expected a URL"),
        }
    }

    #[test]
    fn redirects_keep_credentials_on_the_same_origin_only_and_never_drop_tls() {
        let from = Address::of_http_url("https://me:pw@h/p/root.sha").unwrap();
        let user = |address: &Address| match address {
            Address::Http(address) => address.user_info().map(str::to_owned),
            Address::File(_) => None,
        };
        let same = from.redirected("/other/root.sha").unwrap();
        assert_eq!((url_of(&same), user(&same).is_some()), ("https://h/other/root.sha", true));
        for target in ["https://h2/root.sha", "https://h:444/root.sha", "https://a:b@h2/"] {
            assert_eq!(user(&from.redirected(target).unwrap()), None, "{target}");
        }
        for target in ["http://h/root.sha", "file:///etc/passwd", "ftp://h/", "https://"] {
            assert_eq!(from.redirected(target).unwrap_err().kind(), ErrorKind::Status, "{target}");
        }
    }

    #[test]
    fn references_resolve_to_files_of_the_directory_or_to_urls() {
        let from = Address::of_http_url("https://me:pw@h/p/list.xml").unwrap();
        let nowhere = Path::new("");
        for (reference, url, keeps_password) in [
            ("a/b.xml?x=1#y", "https://h/p/a/b.xml?x=1", true),
            ("/c.xml", "https://h/c.xml", true),
            ("//h2/c.xml", "https://h2/c.xml", false),
            ("https://h/c.xml", "https://h/c.xml", true),
            ("http://h/c.xml", "http://h/c.xml", false),
            ("https://you:own@h/c.xml", "https://h/c.xml", true),
        ] {
            let to = from.referred(reference, nowhere).unwrap();
            let Address::Http(http) = &to else { panic!("{to}") };
            assert_eq!(http.url(), url, "{reference}");
            assert_eq!(http.user_info().is_some(), keeps_password, "{reference}");
        }
        for bad in ["file:///etc/passwd", "ftp://h/", "data:,x", "https://"] {
            let error = from.referred(bad, nowhere).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Argument, "{bad}");
        }
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("a b")).unwrap();
        std::fs::write(root.path().join("a b/c.xml"), "").unwrap();
        let from = Address::File(root.path().join("list.xml"));
        let file = root.path().canonicalize().unwrap().join("a b/c.xml");
        assert_eq!(from.referred("a%20b/c.xml?x", root.path()).unwrap(), Address::File(file));
        let url = from.referred("https://h/c.xml", root.path()).unwrap();
        assert_eq!(url_of(&url), "https://h/c.xml");
        for bad in ["../..", "/etc/hostname", "missing.xml"] {
            assert!(from.referred(bad, root.path()).is_err(), "{bad}");
        }
    }
}

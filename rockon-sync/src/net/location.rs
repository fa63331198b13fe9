//! The location of a tree: a URL or a directory.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use url::Url;

use crate::base::error::{Error, ErrorKind, Result};
use crate::base::path::EntryPath;
use crate::net::address::{Address, decode, parse_url, redacted, without_user};
use crate::net::credentials::Credentials;

/// File name of the head, unless the location contains one.
const DEFAULT_HEAD: &str = "root.sha";

/// File name of the head of a tree that was published in place, beside a v1 tree.
const IN_PLACE_HEAD: &str = "root.v2.sha";

/// The location of a tree: an `http`, `https` or `file` URL, or the path of a directory.
///
/// A location that ends in `.sha` is that of the head. Any other is a directory with a `root.sha`
/// or `root.v2.sha` (v2), with only a `root.json` (v1), or, on disk, with only `*.json` files.
/// Credentials in a URL are sent to its host only, and never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Location {
    base: Base,
    /// The file name of the head, if the location contains it.
    head: Option<String>,
    /// Credentials other than those in a URL.
    credentials: Option<Arc<Credentials>>,
}

#[derive(Clone, PartialEq, Eq)]
enum Base {
    /// Its path ends in `/`.
    Http(Url),
    Dir(PathBuf),
}

impl Location {
    /// Returns the location of a directory on disk or on a share.
    pub fn dir(path: impl Into<PathBuf>) -> Location {
        let mut path = path.into();
        let mut head = None;
        if let Some(name) = path.file_name().and_then(|name| name.to_str())
            && name.ends_with(".sha")
        {
            head = Some(name.to_owned());
            path.pop();
        }
        Location { base: Base::Dir(path), head, credentials: None }
    }

    fn of_http(url: Url, head: Option<String>) -> Location {
        Location { base: Base::Http(url), head, credentials: None }
    }

    /// Attaches credentials. Directories need none.
    pub(crate) fn opened_with(mut self, credentials: &Arc<Credentials>) -> Location {
        if let Base::Http(_) = self.base {
            self.credentials = Some(credentials.clone());
        }
        self
    }

    /// True if both have the same scheme, host and port.
    pub(crate) fn is_at_the_host_of(&self, other: &Location) -> bool {
        match (&self.base, &other.base) {
            (Base::Http(a), Base::Http(b)) => a.origin() == b.origin(),
            _ => false,
        }
    }

    /// True if the URL contains a password or a query, which may be secret.
    pub(crate) fn has_secrets(&self) -> bool {
        match &self.base {
            Base::Http(url) => {
                url.query().is_some() || !url.username().is_empty() || url.password().is_some()
            }
            Base::Dir(_) => false,
        }
    }

    /// True if the location is that of a head. It cannot be a v1 tree then.
    pub(crate) fn names_head(&self) -> bool {
        self.head.is_some()
    }

    /// Returns the location of the tree that was published in place in this directory; `None` if
    /// the location names another head.
    pub(crate) fn published_in_place(&self) -> Option<Location> {
        let head = Some(IN_PLACE_HEAD.to_owned());
        (!self.names_head()).then(|| Location { head, ..self.clone() })
    }

    /// Returns the directory, if the tree is on disk.
    pub(crate) fn as_dir(&self) -> Option<&Path> {
        match &self.base {
            Base::Http(_) => None,
            Base::Dir(path) => Some(path),
        }
    }

    /// Returns the file name of the head.
    pub(crate) fn head_name(&self) -> &str {
        self.head.as_deref().unwrap_or(DEFAULT_HEAD)
    }

    /// Returns the address of the head.
    pub(crate) fn head_address(&self) -> Address {
        self.join(self.head_name())
    }

    /// Returns the address of the list of a v1 tree.
    pub(crate) fn list_address(&self) -> Address {
        self.join(crate::tree::head::DEFAULT_MANIFEST)
    }

    /// Returns the address of a file of the tree.
    pub(crate) fn address(&self, path: &EntryPath) -> Address {
        self.join(path.as_str())
    }

    fn join(&self, relative: &str) -> Address {
        match &self.base {
            Base::Http(base) => {
                let mut url = base.clone();
                if let Ok(mut segments) = url.path_segments_mut() {
                    segments.pop_if_empty().extend(relative.split('/'));
                }
                Address::from_url(url, self.credentials.clone())
            }
            Base::Dir(path) => Address::File(path.join(relative)),
        }
    }

    /// Returns the new location if a redirect of `relative` to `target` means that the whole
    /// directory has moved, not just one file.
    pub(crate) fn moved(&self, relative: &str, target: &Address) -> Option<Location> {
        let (Base::Http(_), Address::Http(target)) = (&self.base, target) else {
            return None;
        };
        let dir = target.url.path().strip_suffix(relative)?;
        let mut url = target.url.clone();
        url.set_path(if dir.ends_with('/') { dir } else { return None });
        let moved = Location {
            base: Base::Http(url),
            head: self.head.clone(),
            credentials: target.credentials.clone(),
        };
        (moved.join(relative) == Address::Http(target.clone())).then_some(moved)
    }

    /// Parses the `url` of a head: the location of the other files.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`] for an invalid URL.
    pub(crate) fn of_head_url(text: &str) -> Result<Location> {
        Ok(Location::of_http(dir_url(parse_url(text)?), None))
    }

    /// Returns a text that identifies the location in a later run and contains no secrets;
    /// `None` if that is impossible. The query of a URL may be significant as well as secret, and
    /// a relative path depends on the working directory.
    pub(crate) fn identity(&self) -> Option<String> {
        let is_storable = match &self.base {
            Base::Http(url) => url.query().is_none(),
            Base::Dir(path) => path.is_absolute() && path.to_str().is_some(),
        };
        is_storable.then(|| self.to_storable())
    }

    /// Returns the location as text for a later run. A URL loses its user, password and query:
    /// secrets are not stored.
    pub(crate) fn to_storable(&self) -> String {
        let text = match &self.base {
            Base::Http(url) => {
                let mut url = without_user(url.clone());
                url.set_query(None);
                url.to_string()
            }
            Base::Dir(path) => path.join("").to_string_lossy().into_owned(),
        };
        text + self.head.as_deref().unwrap_or_default()
    }
}

fn dir_url(mut url: Url) -> Url {
    if !url.path().ends_with('/') {
        let path = format!("{}/", url.path());
        url.set_path(&path);
    }
    url
}

impl FromStr for Location {
    type Err = Error;

    /// Parses a URL or a path.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`] for a URL with another scheme or without a host, and for an empty
    /// text.
    fn from_str(text: &str) -> Result<Self> {
        if text.is_empty() {
            return Err(Error::new(
                ErrorKind::Argument,
                "expected a URL or a directory, got nothing",
            ));
        }
        let Some((scheme, _)) = text.split_once("://") else {
            return Ok(Location::dir(text));
        };
        if scheme.eq_ignore_ascii_case("file") {
            let path = Url::parse(text).ok().and_then(|url| url.to_file_path().ok());
            return path.map(Location::dir).ok_or_else(|| {
                Error::new(ErrorKind::Argument, format!("not a usable file URL: {text:?}"))
            });
        }
        let mut url = parse_url(text)?;
        let mut head = None;
        if url.path().ends_with(".sha") {
            head = url.path_segments().and_then(|mut segments| segments.next_back()).map(decode);
            if let Ok(mut segments) = url.path_segments_mut() {
                segments.pop();
            }
        }
        Ok(Location::of_http(dir_url(url), head))
    }
}

impl fmt::Display for Location {
    /// Writes the location without secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.base {
            Base::Http(url) => f.write_str(&redacted(url))?,
            Base::Dir(path) => write!(f, "{}", path.join("").display())?,
        }
        f.write_str(self.head.as_deref().unwrap_or_default())
    }
}

impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Location({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn location(text: &str) -> Location {
        text.parse().unwrap()
    }

    fn path(text: &str) -> EntryPath {
        EntryPath::new(text).unwrap()
    }

    fn url_of(address: &Address) -> &str {
        match address {
            Address::Http(address) => address.url(),
            Address::File(_) => panic!("expected a URL"),
        }
    }

    #[test]
    fn locations_of_directories_and_of_heads_are_recognized() {
        for (text, head, file) in [
            ("http://h/a", "http://h/a/root.sha", "http://h/a/x%20y/z+.json"),
            ("http://h/a/", "http://h/a/root.sha", "http://h/a/x%20y/z+.json"),
            ("http://h", "http://h/root.sha", "http://h/x%20y/z+.json"),
            ("http://h/a/root.v2.sha", "http://h/a/root.v2.sha", "http://h/a/x%20y/z+.json"),
            (
                "https://h:8443/?t=s",
                "https://h:8443/root.sha?t=s",
                "https://h:8443/x%20y/z+.json?t=s",
            ),
        ] {
            let location = location(text);
            assert_eq!(url_of(&location.head_address()), head);
            assert_eq!(url_of(&location.address(&path("x y/z+.json"))), file);
        }
        let dir = location("/srv/tree/root.v2.sha");
        assert_eq!(dir.head_address(), Address::File("/srv/tree/root.v2.sha".into()));
        assert_eq!(location("file:///srv/a%20b"), Location::dir("/srv/a b"));
        for bad in ["", "ftp://h/", "http://", "gopher:// x"] {
            assert_eq!(bad.parse::<Location>().unwrap_err().kind(), ErrorKind::Argument, "{bad}");
        }
    }

    #[test]
    fn a_percent_sign_in_a_name_is_not_an_escape() {
        let address = location("http://h/").address(&path("%2e%2e/a#b?c"));
        assert_eq!(url_of(&address), "http://h/%252e%252e/a%23b%3Fc");
    }

    #[test]
    fn secrets_are_neither_shown_nor_stored() {
        let location = location("https://me:secret@h/p/root.sha?token=secret&x=secret");
        let address = location.head_address();
        let Address::Http(http) = &address else { panic!() };
        assert_eq!(http.user_info(), Some("me:secret"));
        for shown in [
            location.to_string(),
            format!("{location:?}"),
            address.to_string(),
            format!("{address:?} {http:?}"),
            location.to_storable(),
        ] {
            assert!(!shown.contains("secret"), "{shown}");
        }
        assert_eq!(location.to_storable(), "https://h/p/root.sha");
    }

    #[test]
    fn a_location_has_an_identity_unless_it_is_secret_or_relative() {
        for (text, expected) in [
            ("https://me:secret@h/p", Some("https://h/p/")),
            ("http://h:8080/p/", Some("http://h:8080/p/")),
            ("https://h/p/?branch=one", None),
            ("/srv/tree", Some("/srv/tree/")),
            ("tree", None),
        ] {
            assert_eq!(location(text).identity().as_deref(), expected, "{text}");
        }
        let name = <std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(b"/srv/\xff");
        assert_eq!(Location::dir(name).identity(), None);
        let credentials = Arc::new(Credentials::new().with_query("token", "secret"));
        let opened = location("https://h/p/").opened_with(&credentials);
        assert_eq!(opened.identity().as_deref(), Some("https://h/p/"));
    }

    #[test]
    fn credentials_stay_at_their_host_and_out_of_sight() {
        let credentials = Credentials::new().with_query("token", "s&cret");
        let credentials = credentials.with_header("X-Key", "s&cret").unwrap();
        let credentials = Arc::new(credentials.with_password("me", "s&cret").unwrap());
        let opened = location("https://h/p/?token=own&x=1").opened_with(&credentials);
        assert_eq!(url_of(&opened.head_address()), "https://h/p/root.sha?token=own&x=1");
        let opened = location("https://h/p/").opened_with(&credentials);
        let from = opened.head_address();
        assert_eq!(url_of(&from), "https://h/p/root.sha?token=s%26cret");
        let sent = |address: &Address| match address {
            Address::Http(http) => (http.headers().count(), http.user_info().is_some()),
            Address::File(_) => panic!("expected a URL"),
        };
        assert_eq!(sent(&from), (1, true));
        let same = from.redirected("/q/root.sha").unwrap();
        assert_eq!(
            (url_of(&same), sent(&same)),
            ("https://h/q/root.sha?token=s%26cret", (1, true))
        );
        let moved = opened.moved("root.sha", &same).unwrap();
        assert_eq!(url_of(&moved.address(&path("a"))), "https://h/q/a?token=s%26cret");
        let other = from.redirected("https://cdn/p/root.sha").unwrap();
        assert_eq!((url_of(&other), sent(&other)), ("https://cdn/p/root.sha", (0, false)));
        let moved = opened.moved("root.sha", &other).unwrap();
        assert_eq!(sent(&moved.address(&path("a"))), (0, false));
        for shown in [format!("{from} {from:?} {opened} {opened:?}"), opened.to_storable()] {
            assert!(!shown.contains("s%26cret") && !shown.contains("s&cret"), "{shown}");
        }
        let dir = Location::dir("/srv").opened_with(&credentials);
        assert_eq!(dir, Location::dir("/srv"));
    }

    #[test]
    fn a_dir_that_moved_is_recognized() {
        let from = location("http://h/p/");
        let target = from.head_address().redirected("https://cdn/q/root.sha").unwrap();
        let moved = from.moved("root.sha", &target).unwrap();
        assert_eq!(url_of(&moved.address(&path("a.json"))), "https://cdn/q/a.json");
        let elsewhere = from.head_address().redirected("https://cdn/q/9f3a").unwrap();
        assert_eq!(from.moved("root.sha", &elsewhere), None);
    }
}

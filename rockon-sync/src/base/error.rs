//! The one error type, and the table of what can go wrong.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::base::problem::Problem;

/// What every fallible function of this crate returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Defines [`ErrorKind`] from one table, so that names, exit codes and
/// explanations cannot drift apart.
macro_rules! kinds {
    ($($(#[doc = $doc:literal])+ $kind:ident = $name:literal, $exit:literal;)+) => {
        /// What went wrong, as far as a caller can act on it.
        ///
        /// Each kind has a stable name (used in JSON reports, by the C constants
        /// and by the Python classes) and the exit code of the command.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum ErrorKind {
            $($(#[doc = $doc])+ $kind,)+
        }

        impl ErrorKind {
            /// Every kind, in the order of the table.
            pub const ALL: &[ErrorKind] = &[$(ErrorKind::$kind,)+];

            /// The stable lower-case name, for example `mass-delete`.
            pub fn name(self) -> &'static str {
                match self { $(ErrorKind::$kind => $name,)+ }
            }

            /// The exit code of the command: 1 failed, 2 usage, 4 refused, 5 locked.
            pub fn exit_code(self) -> u8 {
                match self { $(ErrorKind::$kind => $exit,)+ }
            }
        }
    };
}

kinds! {
    /// An argument cannot be used: a malformed URL, source name or option.
    Argument = "argument", 2;
    /// No usable answer came: connection refused, reset or cut off, TLS, name lookup.
    Transport = "transport", 1;
    /// The server answered with a status that is not an answer to the request.
    Status = "status", 1;
    /// The time allowed for the whole update is over.
    Timeout = "timeout", 1;
    /// The caller canceled the run.
    Canceled = "canceled", 1;
    /// The head (`root.sha`) cannot be read: not a head at all, or a known key with a bad value.
    Head = "head", 1;
    /// The manifest (`root.json`) cannot be read, or breaks a rule; it is refused whole.
    Manifest = "manifest", 1;
    /// A definition file is not what its format says.
    Definition = "definition", 1;
    /// Something is larger or longer than this client accepts.
    Limit = "limit", 1;
    /// Bytes do not have the digest that was promised for them.
    Integrity = "integrity", 4;
    /// The head is not signed by a trusted key, or a source that was v2 presents itself as less.
    Trust = "trust", 4;
    /// The source offers an older state than the one held.
    Rollback = "rollback", 4;
    /// The head is past its expiry, and the caller asked for a fresh one.
    Expired = "expired", 4;
    /// The update would delete more than half of the catalog.
    MassDelete = "mass-delete", 4;
    /// Another process is writing to the same store or tree.
    Locked = "locked", 5;
    /// Reading or writing the store (or the published tree) failed.
    Store = "store", 1;
    /// What is to be published has problems; nothing was published.
    Catalog = "catalog", 1;
    /// The thing asked for by name does not exist.
    NotFound = "not-found", 1;
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// An error: what was wrong, where, what was expected, what was got.
///
/// `Display` is one line without the underlying cause, which [`source`] gives.
/// URLs in it never carry credentials or query values.
///
/// [`source`]: std::error::Error::source
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    message: String,
    url: Option<String>,
    path: Option<PathBuf>,
    retry: Retry,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
    problems: Vec<Problem>,
}

/// Whether asking again may help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Retry {
    /// Asking again gives the same answer.
    Never,
    /// The cause may pass; the delay is the caller's choice.
    Soon,
    /// The server said when to come back.
    After(Duration),
}

impl Error {
    /// An error of `kind` that says `message`.
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Error(Box::new(Inner {
            kind,
            message: message.into(),
            url: None,
            path: None,
            retry: Retry::Never,
            source: None,
            problems: Vec::new(),
        }))
    }

    /// An I/O error on a file of the store or of a tree.
    pub(crate) fn io(doing: &str, path: &Path, source: std::io::Error) -> Self {
        Error::new(ErrorKind::Store, format!("cannot {doing}")).with_path(path).with_source(source)
    }

    pub(crate) fn with_url(mut self, url: impl Into<String>) -> Self {
        self.0.url.get_or_insert(url.into());
        self
    }

    pub(crate) fn with_path(mut self, path: impl Into<PathBuf>) -> Self {
        self.0.path.get_or_insert(path.into());
        self
    }

    pub(crate) fn with_retry(mut self, retry: Retry) -> Self {
        self.0.retry = retry;
        self
    }

    pub(crate) fn with_source(
        mut self,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        self.0.source = Some(source.into());
        self
    }

    pub(crate) fn with_problems(mut self, problems: Vec<Problem>) -> Self {
        self.0.problems = problems;
        self
    }

    /// Every finding behind an error of the kind [`ErrorKind::Catalog`].
    pub fn problems(&self) -> &[Problem] {
        &self.0.problems
    }

    /// What went wrong, as far as a caller can act on it.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The URL concerned, without credentials and query values.
    pub fn url(&self) -> Option<&str> {
        self.0.url.as_deref()
    }

    /// The local path concerned.
    pub fn path(&self) -> Option<&Path> {
        self.0.path.as_deref()
    }

    /// Whether the same call may succeed later without anyone changing anything.
    pub fn is_retryable(&self) -> bool {
        self.0.retry != Retry::Never
            || matches!(self.0.kind, ErrorKind::Timeout | ErrorKind::Locked)
    }

    /// The same error for another entry; the cause becomes part of the message.
    pub(crate) fn duplicate(&self) -> Error {
        let mut copy = Error::new(self.0.kind, self.0.message.clone()).with_retry(self.0.retry);
        copy.0.url.clone_from(&self.0.url);
        copy.0.path.clone_from(&self.0.path);
        if let Some(source) = &self.0.source {
            copy.0.source = Some(source.to_string().into());
        }
        copy
    }

    pub(crate) fn retry(&self) -> Retry {
        self.0.retry
    }

    /// The whole chain of causes on one line, for reports and terminals.
    pub fn to_chain(&self) -> String {
        let mut text = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            let part = error.to_string();
            // Many libraries repeat their source in their own text.
            if !text.contains(&part) {
                text.push_str(": ");
                text.push_str(&part);
            }
            cause = error.source();
        }
        text
    }
}

/// Adds what was being done, and to which file, to an I/O error.
pub(crate) trait IoContext<T> {
    /// Turns an I/O error into [`ErrorKind::Store`]: "cannot `doing`", with the path.
    fn on(self, doing: &str, path: &Path) -> Result<T>;
}

impl<T> IoContext<T> for std::io::Result<T> {
    fn on(self, doing: &str, path: &Path) -> Result<T> {
        self.map_err(|error| Error::io(doing, path, error))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(url) = &self.0.url {
            write!(f, "{url}: ")?;
        } else if let Some(path) = &self.0.path {
            write!(f, "{}: ", path.display())?;
        }
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.0.kind)
            .field("message", &self.0.message)
            .field("url", &self.0.url)
            .field("path", &self.0.path)
            .field("source", &self.0.source)
            .finish()
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_ref().map(|source| {
            let source: &(dyn std::error::Error + 'static) = source.as_ref();
            source
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_exit_codes_are_those_of_the_command() {
        let mut names: Vec<_> = ErrorKind::ALL.iter().map(|kind| kind.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), ErrorKind::ALL.len());
        for kind in ErrorKind::ALL {
            assert!(matches!(kind.exit_code(), 1 | 2 | 4 | 5), "{kind}");
        }
    }

    #[test]
    fn every_kind_has_its_row_in_the_documentation() {
        let page = include_str!("../../../docs/errors.md");
        for kind in ErrorKind::ALL {
            let row = format!("| `{kind}` | {} |", kind.exit_code());
            assert_eq!(page.matches(&row).count(), 1, "{row}");
        }
    }

    #[test]
    fn display_names_the_place_once_and_the_chain_names_the_cause() {
        let cause = std::io::Error::other("disk on fire");
        let error = Error::io("write", Path::new("/s/a.json"), cause).with_path("/elsewhere");
        assert_eq!(error.to_string(), "/s/a.json: cannot write");
        assert_eq!(error.to_chain(), "/s/a.json: cannot write: disk on fire");
        assert_eq!(error.path(), Some(Path::new("/s/a.json")));
    }
}

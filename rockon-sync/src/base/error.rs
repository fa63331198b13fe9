//! The error type of the crate, and the table of its kinds.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::base::problem::Problem;

/// A result whose error is an [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Defines [`ErrorKind`] from one table, so that names, exit codes and documentation always agree.
macro_rules! kinds {
    ($($(#[doc = $doc:literal])+ $kind:ident = $name:literal, $exit:literal;)+) => {
        /// The class of an error, by how a caller can react to it.
        ///
        /// Each kind has a stable name, used in JSON reports, by the C constants and by the Python
        /// classes, and an exit code of the command.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum ErrorKind {
            $($(#[doc = $doc])+ $kind,)+
        }

        impl ErrorKind {
            /// All kinds, in the order of the table.
            pub const ALL: &[ErrorKind] = &[$(ErrorKind::$kind,)+];

            /// Returns the stable lower-case name, for example `mass-delete`.
            pub fn name(self) -> &'static str {
                match self { $(ErrorKind::$kind => $name,)+ }
            }

            /// Returns the exit code of the command: 1 failed, 2 usage, 4 refused, 5 locked.
            pub fn exit_code(self) -> u8 {
                match self { $(ErrorKind::$kind => $exit,)+ }
            }
        }
    };
}

kinds! {
    /// An argument is invalid: a malformed URL, source name or option.
    Argument = "argument", 2;
    /// No complete response was received: name lookup, connection or TLS failed.
    Transport = "transport", 1;
    /// The server responded with an unexpected status.
    Status = "status", 1;
    /// The time limit of the update was exceeded.
    Timeout = "timeout", 1;
    /// The caller canceled the run.
    Canceled = "canceled", 1;
    /// The head (`root.sha`) is invalid: not a head, or a line with an invalid value.
    Head = "head", 1;
    /// The manifest (`root.json`) is invalid, and refused as a whole.
    Manifest = "manifest", 1;
    /// A definition file is invalid in its format.
    Definition = "definition", 1;
    /// Something is larger or longer than this client accepts.
    Limit = "limit", 1;
    /// The bytes of a file do not match its digest.
    Integrity = "integrity", 4;
    /// The head is not signed with a trusted key, or a v2 source offers only v1.
    Trust = "trust", 4;
    /// The head has expired, and the caller requires a fresh one.
    Expired = "expired", 4;
    /// The update would delete more than half of the catalog.
    MassDelete = "mass-delete", 4;
    /// Another process or thread is writing to the same store or tree.
    Locked = "locked", 5;
    /// Reading or writing the store or the published tree failed.
    Store = "store", 1;
    /// The catalog directory has problems, or a definition cannot be installed.
    Catalog = "catalog", 1;
    /// No object has this name.
    NotFound = "not-found", 1;
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// An error with its kind, the URL or path concerned, and its cause.
///
/// `Display` is one line without the cause; [`source`] returns the cause, and
/// [`to_chain`](Self::to_chain) joins both. URLs never contain credentials or query values.
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

/// Advice on repeating a failed request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Retry {
    /// A retry fails the same way.
    Never,
    /// The cause may be temporary; the caller chooses the delay.
    Soon,
    /// The server gave the delay.
    After(Duration),
}

impl Error {
    /// Returns an error of `kind`, without a cause.
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Error(Box::new(Inner {
            kind,
            message: shortened_message(message.into()),
            url: None,
            path: None,
            retry: Retry::Never,
            source: None,
            problems: Vec::new(),
        }))
    }

    /// Returns an error of the kind [`ErrorKind::Store`]: "cannot `doing`", with the path.
    pub(crate) fn io(doing: &str, path: &Path, source: std::io::Error) -> Self {
        Error::new(ErrorKind::Store, format!("cannot {doing}")).with_path(path).with_source(source)
    }

    pub(crate) fn with_url(mut self, url: impl Into<String>) -> Self {
        self.0.url.get_or_insert(url.into());
        self
    }

    /// Names the address that was asked for, if a redirect has led to another one.
    pub(crate) fn with_origin(mut self, asked: &str) -> Self {
        match &self.0.url {
            Some(target) if target != asked => {
                self.0.message = format!("redirected to {target}: {}", self.0.message);
                self.0.url = Some(asked.to_owned());
            }
            _ => {}
        }
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

    /// Returns the error with this cause.
    #[must_use]
    pub fn with_source(
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

    /// Returns the problems of the catalog directory, for the kind [`ErrorKind::Catalog`].
    pub fn problems(&self) -> &[Problem] {
        &self.0.problems
    }

    /// Returns the kind.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Returns the URL concerned, without credentials and query values.
    pub fn url(&self) -> Option<&str> {
        self.0.url.as_deref()
    }

    /// Returns the local path concerned.
    pub fn path(&self) -> Option<&Path> {
        self.0.path.as_deref()
    }

    /// True if the same call may succeed later without any change.
    pub fn is_retryable(&self) -> bool {
        self.0.retry != Retry::Never
            || matches!(self.0.kind, ErrorKind::Timeout | ErrorKind::Locked)
    }

    /// Returns a copy for another entry. The cause is copied as text.
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

    /// Returns the message and all causes on one line, for reports and terminals.
    pub fn to_chain(&self) -> String {
        let mut text = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            let part = shortened_message(error.to_string());
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

/// Converts the typed error of a parser into an [`Error`] of one kind.
macro_rules! impl_from {
    ($invalid:ty => $kind:ident) => {
        impl From<$invalid> for crate::base::error::Error {
            fn from(invalid: $invalid) -> Self {
                Self::new(crate::base::error::ErrorKind::$kind, invalid.to_string())
            }
        }
    };
}
pub(crate) use impl_from;

/// Longest text from outside that a message quotes, in bytes.
const MAX_EXCERPT_BYTES: usize = 200;

/// Longest message, in bytes: room for a few excerpts. Libraries may quote more.
const MAX_MESSAGE_BYTES: usize = 2000;

/// Returns a text from outside for a message: all of a short one, the start and the end of a long
/// one.
pub(crate) fn excerpt(text: &str) -> String {
    shorten(text, MAX_EXCERPT_BYTES).unwrap_or_else(|| text.to_owned())
}

/// Returns a message, without its middle if it is too long.
pub(crate) fn shortened_message(message: String) -> String {
    shorten(&message, MAX_MESSAGE_BYTES).unwrap_or(message)
}

/// Replaces the middle of a text of more than `max_bytes`.
fn shorten(text: &str, max_bytes: usize) -> Option<String> {
    let end_bytes = max_bytes / 4;
    let mut start = max_bytes - end_bytes;
    let mut end = text.len().checked_sub(end_bytes).filter(|_| text.len() > max_bytes)?;
    while !text.is_char_boundary(start) {
        start -= 1;
    }
    while !text.is_char_boundary(end) {
        end += 1;
    }
    Some(format!("{}...{}", &text[..start], &text[end..]))
}

/// Context for I/O errors: the failed operation and its path.
pub(crate) trait IoContext<T> {
    /// Converts an I/O error into an error of the kind [`ErrorKind::Store`]: "cannot `doing`",
    /// with the path.
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
    fn names_are_unique_and_exit_codes_are_documented() {
        let mut names: Vec<_> = ErrorKind::ALL.iter().map(|kind| kind.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), ErrorKind::ALL.len());
        for kind in ErrorKind::ALL {
            assert!(matches!(kind.exit_code(), 1 | 2 | 4 | 5), "{kind}");
        }
    }

    #[test]
    fn every_kind_has_one_row_in_the_documentation() {
        let page = include_str!("../../../docs/reference/errors.md");
        for kind in ErrorKind::ALL {
            let row = format!("| `{kind}` | {} |", kind.exit_code());
            assert_eq!(page.matches(&row).count(), 1, "{row}");
        }
    }

    #[test]
    fn long_texts_from_outside_are_cut_in_the_middle() {
        assert_eq!(excerpt(&"x".repeat(200)), "x".repeat(200));
        let cut = excerpt(&format!("start{}end", "x".repeat(60_000_000)));
        assert_eq!(cut.len(), 203);
        assert!(cut.starts_with("startx") && cut.contains("x...x") && cut.ends_with("xend"));
        // Never inside a character.
        for len in 195..205 {
            let cut = excerpt(&format!("{}{}", "x".repeat(len), "\u{fc}".repeat(200)));
            assert!((195..=203).contains(&cut.len()), "{cut}");
        }
        let cause = std::io::Error::other("y".repeat(1_000_000));
        let error = Error::new(ErrorKind::Manifest, format!("{}: end", "x".repeat(1_000_000)));
        let chain = error.with_source(cause).to_chain();
        assert!(chain.len() < 5000 && chain.contains("x: end: yyy"), "{chain}");
    }

    #[test]
    fn display_shows_one_path_and_the_chain_adds_the_cause() {
        let cause = std::io::Error::other("disk on fire");
        let error = Error::io("write", Path::new("/s/a.json"), cause).with_path("/elsewhere");
        assert_eq!(error.to_string(), "/s/a.json: cannot write");
        assert_eq!(error.to_chain(), "/s/a.json: cannot write: disk on fire");
        assert_eq!(error.path(), Some(Path::new("/s/a.json")));
    }
}

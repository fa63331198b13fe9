//! `sources.toml`: the sources that a store follows, highest priority first.
//!
//! ```toml
//! # If two sources define the same name, the first one wins.
//! [[source]]
//! name = "rockstor"
//! urls = ["https://example.org/rockons/v2/", "https://mirror.example.net/v2/"]
//! trusted_keys = ["example.org/rockons+c74f20a3+ARpc2QcU..."]
//! timeout = 60
//!
//! [[source]]
//! name = "private"
//! enabled = false
//! urls = ["https://apps.example.com/"]
//! token_env = "APPS_TOKEN"        # sent as ?token=..., unless token_name is set
//! user = "me"
//! password_file = "/etc/rockons/password"
//! header = { name = "X-Key", value_env = "APPS_KEY" }
//! ```
//!
//! The file may be as public as the catalog: it contains no secrets, only where to read them.
//! Comments survive edits by the program.
//!
//! | file | contents |
//! |---|---|
//! | `listed.rs` | one source of the list |
//! | `secret.rs` | reading secrets from the environment or a file |
//! | `document.rs` | conversion from and to TOML |

mod document;
mod listed;
mod secret;

pub use listed::ListedSource;
pub use secret::Secret;

use crate::base::error::{Error, ErrorKind, Result};
use crate::source::SourceName;
use document::ListDocument;

/// Name of the query parameter for a token, unless another one is set.
const DEFAULT_TOKEN_NAME: &str = "token";

/// The sources that a store follows, highest priority first.
#[derive(Debug, Clone)]
pub struct SourceList {
    document: ListDocument,
    sources: Vec<ListedSource>,
}

/// The position of a new source in the list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Priority {
    /// Before all others: it wins over each of them.
    First,
    /// Directly before this source.
    Before(SourceName),
    /// After all others.
    #[default]
    Last,
}

impl SourceList {
    /// Parses the text of a `sources.toml`.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`] for text of another form, a duplicate name, or a secret in a URL.
    pub(crate) fn parse(text: &str) -> Result<SourceList> {
        let (document, sources) = ListDocument::parse(text)?;
        for (n, source) in sources.iter().enumerate() {
            source.check_for_secrets()?;
            if sources[..n].iter().any(|other| other.name() == source.name()) {
                return Err(duplicate(source.name()));
            }
        }
        Ok(SourceList { document, sources })
    }

    /// Returns the list as text, with the comments of the text it was parsed from.
    pub(crate) fn to_text(&self) -> String {
        self.document.to_text()
    }

    /// Returns the sources, highest priority first.
    pub fn sources(&self) -> &[ListedSource] {
        &self.sources
    }

    /// Adds a source.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`] for a duplicate name, if the source of
    /// [`Priority::Before`] is missing, or for a URL with a password or a query: the list must
    /// not contain secrets.
    pub fn add(&mut self, source: ListedSource, priority: &Priority) -> Result<()> {
        if self.position(source.name()).is_some() {
            return Err(duplicate(source.name()));
        }
        source.check_for_secrets()?;
        let at = match priority {
            Priority::First => 0,
            Priority::Last => self.sources.len(),
            Priority::Before(name) => {
                self.position(name).ok_or_else(|| missing(name, ErrorKind::Argument))?
            }
        };
        self.document.insert(at, &source);
        self.sources.insert(at, source);
        Ok(())
    }

    /// Removes a source.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if the list has no source of this name.
    pub fn remove(&mut self, name: &SourceName) -> Result<()> {
        let at = self.position(name).ok_or_else(|| missing(name, ErrorKind::NotFound))?;
        self.document.remove(at);
        self.sources.remove(at);
        Ok(())
    }

    fn position(&self, name: &SourceName) -> Option<usize> {
        self.sources.iter().position(|source| source.name() == name)
    }
}

fn duplicate(name: &SourceName) -> Error {
    Error::new(ErrorKind::Argument, format!("duplicate source \"{name}\""))
}

fn missing(name: &SourceName, kind: ErrorKind) -> Error {
    Error::new(kind, format!("no source named {name} in the list"))
}

#[cfg(test)]
mod tests;

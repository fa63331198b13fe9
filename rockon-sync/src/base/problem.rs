//! Problems of the files of a catalog directory.

use std::fmt;

use crate::base::error::shortened_message;
use crate::base::json::Position;

/// A problem of a catalog directory, with its location.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Problem {
    /// The effect on publishing.
    pub severity: Severity,
    /// The file, relative to the catalog directory.
    pub file: String,
    /// The position in the file, if known.
    pub position: Option<Position>,
    /// The message: expected and got.
    pub message: String,
}

/// The effect of a problem on publishing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Severity {
    /// Prevents publishing.
    Error,
    /// Does not prevent publishing.
    Warning,
}

impl Problem {
    pub(crate) fn error(
        file: &str,
        position: Option<Position>,
        message: impl Into<String>,
    ) -> Problem {
        Problem {
            severity: Severity::Error,
            file: file.to_owned(),
            position,
            message: shortened_message(message.into()),
        }
    }

    pub(crate) fn warning(file: &str, message: impl Into<String>) -> Problem {
        Problem { severity: Severity::Warning, ..Problem::error(file, None, message) }
    }
}

impl fmt::Display for Problem {
    /// Writes `file:line:column: message`, as compilers do.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(position) = self.position {
            write!(f, ":{}:{}", position.line, position.column)?;
        }
        match self.severity {
            Severity::Error => write!(f, ": {}", self.message),
            Severity::Warning => write!(f, ": warning: {}", self.message),
        }
    }
}

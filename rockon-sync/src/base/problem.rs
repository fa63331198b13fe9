//! What is wrong with a catalog that is to be published: one finding each.

use std::fmt;

use crate::base::json::Position;

/// One finding, with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Problem {
    /// Whether it stands in the way of publishing.
    pub severity: Severity,
    /// The file, relative to the catalog.
    pub file: String,
    /// The place in the file, if there is one.
    pub position: Option<Position>,
    /// What was expected, and what was found.
    pub message: String,
}

/// Whether a finding stands in the way of publishing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Severity {
    /// It does.
    Error,
    /// It does not, but should be looked at.
    Warning,
}

impl Problem {
    pub(crate) fn error(
        file: &str,
        position: Option<Position>,
        message: impl Into<String>,
    ) -> Problem {
        let (severity, file) = (Severity::Error, file.to_owned());
        Problem { severity, file, position, message: message.into() }
    }

    pub(crate) fn warning(file: &str, message: impl Into<String>) -> Problem {
        let (severity, file) = (Severity::Warning, file.to_owned());
        Problem { severity, file, position: None, message: message.into() }
    }
}

impl fmt::Display for Problem {
    /// `file:line:column: message`, as compilers write it.
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

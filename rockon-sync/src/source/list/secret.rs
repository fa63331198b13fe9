//! The place of a secret: an environment variable or a file.

use std::fmt;
use std::path::PathBuf;

use zeroize::Zeroizing;

use crate::base::error::{Error, ErrorKind, Result};
use crate::base::files::{Privacy, read_private};

/// Largest secret: a token has a few hundred bytes.
const MAX_BYTES: u64 = 16 * 1024;

/// The place of a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Secret {
    /// This environment variable.
    Env(String),
    /// This file, without the newline at its end.
    File(PathBuf),
}

impl Secret {
    /// Reads the secret. Logs a warning about a file that others may read.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`] if the variable is not set, or the secret is empty or not UTF-8;
    /// [`ErrorKind::Store`] if the file cannot be read; [`ErrorKind::Limit`] if it is too large.
    pub(crate) fn read(&self) -> Result<Zeroizing<String>> {
        let mut text = match self {
            Secret::Env(name) => Zeroizing::new(std::env::var(name).map_err(|error| {
                self.invalid(match error {
                    std::env::VarError::NotPresent => "not set",
                    std::env::VarError::NotUnicode(_) => "not UTF-8",
                })
            })?),
            Secret::File(path) => {
                let (bytes, privacy) = read_private(path, MAX_BYTES)?;
                let bytes = Zeroizing::new(bytes);
                if privacy == Privacy::Shared {
                    log::warn!("{}: other users can access this secret", path.display());
                }
                let text = std::str::from_utf8(&bytes).map_err(|_| self.invalid("not UTF-8"))?;
                Zeroizing::new(text.to_owned())
            }
        };
        let len_bytes = text.trim_end_matches(['\r', '\n']).len();
        text.truncate(len_bytes);
        match text.is_empty() {
            true => Err(self.invalid("empty")),
            false => Ok(text),
        }
    }

    fn invalid(&self, problem: &str) -> Error {
        Error::new(ErrorKind::Argument, format!("{self} is {problem}"))
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Secret::Env(name) => write!(f, "the environment variable {name}"),
            Secret::File(path) => write!(f, "the file {}", path.display()),
        }
    }
}

//! Where a secret is found.

use std::fmt;
use std::path::PathBuf;

use zeroize::Zeroizing;

use crate::base::error::{Error, ErrorKind, Result};
use crate::base::files::read_private;

/// Largest secret: tokens have a few hundred bytes.
const MAX_BYTES: u64 = 16 * 1024;

/// Who else may read a file that is a secret's own.
const OTHERS_MODE: u32 = 0o077;

/// Where a secret is found.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Secret {
    /// In this variable of the environment.
    Env(String),
    /// In this file, without the newline at its end.
    File(PathBuf),
}

impl Secret {
    /// Reads it. A file that others may read is used, with a warning in the log.
    pub(crate) fn read(&self) -> Result<Zeroizing<String>> {
        let bad = |problem: &str| Error::new(ErrorKind::Argument, format!("{self} {problem}"));
        let mut text = match self {
            Secret::Env(name) => {
                Zeroizing::new(std::env::var(name).map_err(|error| match error {
                    std::env::VarError::NotPresent => bad("is not set"),
                    std::env::VarError::NotUnicode(_) => bad("is not UTF-8"),
                })?)
            }
            Secret::File(path) => {
                let (bytes, mode) = read_private(path, MAX_BYTES)?;
                let bytes = Zeroizing::new(bytes);
                if mode & OTHERS_MODE != 0 {
                    log::warn!("{}: others than the owner may read this secret", path.display());
                }
                let text = std::str::from_utf8(&bytes).map_err(|_| bad("is not UTF-8"))?;
                Zeroizing::new(text.to_owned())
            }
        };
        let len = text.trim_end_matches(['\r', '\n']).len();
        text.truncate(len);
        if text.is_empty() {
            return Err(bad("is empty"));
        }
        Ok(text)
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

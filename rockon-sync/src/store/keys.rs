//! `trusted-keys`: the keys that a source is trusted with. At least one must have signed the head.
//!
//! ```text
//! # The head of this source must be signed by one of these keys.
//! example.org/rockons+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW
//! ```
//!
//! Not part of `status.json`, which starts empty after damage: if that happened to the keys,
//! damaging a file would turn off the signature check.

use super::{SourceDir, SourceWriter};
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::files::{read_if_any, write_atomically};
use crate::tree::note::VerifierKey;

const FILE: &str = "trusted-keys";

/// Largest file read: a key has about 100 bytes.
const MAX_BYTES: u64 = 64 * 1024;

/// The first problem of the file.
#[derive(Debug, thiserror::Error)]
enum InvalidKeys {
    #[error("not UTF-8")]
    Encoding(#[from] std::str::Utf8Error),
    #[error("line {line}: {error}")]
    Key { line: usize, error: Error },
    #[error("expected at least one key, got none")]
    Empty,
}

impl SourceDir<'_> {
    /// Returns the trusted keys. If empty, unsigned heads are accepted.
    ///
    /// # Errors
    /// [`ErrorKind::Trust`] for an invalid file; [`ErrorKind::Store`]; [`ErrorKind::Limit`].
    pub(crate) fn trusted_keys(&self) -> Result<Vec<VerifierKey>> {
        let path = self.dir.join(FILE);
        let Some(bytes) = read_if_any(self.files, &path, MAX_BYTES)? else {
            return Ok(Vec::new());
        };
        parse(&bytes).map_err(|invalid| {
            let advice =
                "correct it, or remove the directory of this source and add its keys again";
            Error::new(ErrorKind::Trust, format!("{invalid}; {advice}")).with_path(path)
        })
    }
}

impl SourceWriter<'_> {
    /// Replaces the trusted keys.
    ///
    /// # Errors
    /// [`ErrorKind::Store`]; the keys are then unchanged.
    pub(crate) fn trust(&self, keys: &[VerifierKey]) -> Result<()> {
        let mut text =
            "# The head of this source must be signed by one of these keys.\n".to_owned();
        for key in keys {
            text.push_str(&format!("{key}\n"));
        }
        write_atomically(self.files, &self.dir.join(FILE), text.as_bytes())
    }
}

fn parse(bytes: &[u8]) -> Result<Vec<VerifierKey>, InvalidKeys> {
    let lines = (1..).zip(std::str::from_utf8(bytes)?.lines());
    let keys = lines
        .filter(|(_, text)| !text.is_empty() && !text.starts_with('#'))
        .map(|(line, text)| text.parse().map_err(|error| InvalidKeys::Key { line, error }))
        .collect::<Result<Vec<VerifierKey>, InvalidKeys>>()?;
    if keys.is_empty() { Err(InvalidKeys::Empty) } else { Ok(keys) }
}

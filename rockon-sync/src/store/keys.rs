//! `trusted-keys`: the keys of which one must have signed the head of this source.
//!
//! ```text
//! # The head of this source must be signed by one of these keys.
//! example.org/rockons+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW
//! ```
//!
//! It is not part of `status.json`, which is made anew when it is damaged: what cannot be
//! read here is an error, or a source could be made unsigned by damaging a file.

use std::path::{Path, PathBuf};

use super::{SourceDir, SourceWriter};
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::files::{read_if_any, write_atomically};
use crate::tree::note::VerifierKey;

const FILE: &str = "trusted-keys";

/// Largest file read: a key has about 100 bytes.
const MAX_BYTES: u64 = 64 * 1024;

impl SourceDir<'_> {
    /// The keys that are trusted; none for a source that need not be signed.
    ///
    /// # Errors
    /// [`ErrorKind::Trust`] for a line that is no key; [`ErrorKind::Store`];
    /// [`ErrorKind::Limit`].
    pub(crate) fn trusted_keys(&self) -> Result<Vec<VerifierKey>> {
        let path = path_in(&self.dir);
        let bytes = read_if_any(self.files, &path, MAX_BYTES)?;
        let Some(bytes) = bytes else {
            return Ok(Vec::new());
        };
        let bad = |problem: &str| {
            let message = format!(
                "{problem}; mend it, or remove the directory of this source and name its keys again"
            );
            Error::new(ErrorKind::Trust, message).with_path(&path)
        };
        let text = std::str::from_utf8(&bytes).map_err(|_| bad("not UTF-8"))?;
        let lines = (1..).zip(text.lines());
        let lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
        let keys = lines
            .map(|(n, line)| line.parse().map_err(|error| bad(&format!("line {n}: {error}"))))
            .collect::<Result<Vec<VerifierKey>>>()?;
        if keys.is_empty() {
            return Err(bad("expected one key at least, got none"));
        }
        Ok(keys)
    }
}

impl SourceWriter<'_> {
    /// Trusts these keys, and no others, from now on.
    ///
    /// # Errors
    /// [`ErrorKind::Store`]; the keys are then those of before.
    pub(crate) fn trust(&self, keys: &[VerifierKey]) -> Result<()> {
        let mut text =
            "# The head of this source must be signed by one of these keys.\n".to_owned();
        for key in keys {
            text.push_str(&format!("{key}\n"));
        }
        write_atomically(self.files, &path_in(&self.dir), text.as_bytes())
    }
}

fn path_in(dir: &Path) -> PathBuf {
    dir.join(FILE)
}

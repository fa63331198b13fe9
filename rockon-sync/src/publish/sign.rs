//! Signs the head.

use std::path::PathBuf;

use super::MAX_PUBLISHED_HEAD_BYTES;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::problem::Problem;
use crate::tree::head::Head;
use crate::tree::note::{Note, Privacy, SigningKey, sign_note};

/// Where a key comes from.
#[derive(Debug, Clone)]
pub(super) enum KeySource {
    Given(Box<SigningKey>),
    File(PathBuf),
}

/// Signs with every key that was named; without keys, heads stay as they are.
pub(super) struct Signer {
    keys: Vec<SigningKey>,
}

impl Signer {
    /// Gets hold of the keys. What should be known about their files goes to `problems`.
    ///
    /// # Errors
    /// Those of [`SigningKey::read`].
    pub(super) fn new(sources: &[KeySource], problems: &mut Vec<Problem>) -> Result<Signer> {
        let mut keys = Vec::with_capacity(sources.len());
        for source in sources {
            keys.push(match source {
                KeySource::Given(key) => SigningKey::clone(key),
                KeySource::File(path) => {
                    let (key, privacy) = SigningKey::read_with_privacy(path)?;
                    if privacy == Privacy::Shared {
                        let message = "others than the owner may use this private key";
                        problems.push(Problem::warning(&path.display().to_string(), message));
                    }
                    key
                }
            });
        }
        // The order in which they were named says nothing, so it changes nothing.
        keys.sort_by_cached_key(|key| key.verifier_key().to_string());
        Ok(Signer { keys })
    }

    /// The bytes to publish for this head.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`] if there are too many for a head.
    pub(super) fn sign(&self, head: &Head) -> Result<String> {
        let signed = self.sign_text(&head.to_string())?;
        let len = signed.len();
        if len > MAX_PUBLISHED_HEAD_BYTES {
            let message = format!(
                "the head would have {len} bytes, which is more than {MAX_PUBLISHED_HEAD_BYTES}: \
                 the URL is too long, or there are too many keys"
            );
            return Err(Error::new(ErrorKind::Argument, message));
        }
        Ok(signed)
    }

    /// Whether a published head has the signatures of all keys, and of no others.
    pub(super) fn has_signed(&self, published: &[u8]) -> bool {
        let Ok(published) = std::str::from_utf8(published) else {
            return false;
        };
        let note = Note::parse(published.as_bytes());
        let text = note.as_ref().map_or(published, Note::unverified_text);
        // The same text and key always give the same signature.
        self.sign_text(text).is_ok_and(|signed| signed == published)
    }

    /// Says so if a head that was signed is going to be replaced by one that is not.
    pub(super) fn warn_of_unsigning(
        &self,
        name: &str,
        published: &[u8],
        problems: &mut Vec<Problem>,
    ) {
        if self.keys.is_empty() && Note::parse(published).is_ok() {
            let message = "was signed, and no longer is: clients that trust its keys refuse it";
            problems.push(Problem::warning(name, message));
        }
    }

    fn sign_text(&self, text: &str) -> Result<String> {
        match self.keys.is_empty() {
            true => Ok(text.to_owned()),
            false => sign_note(text, &self.keys),
        }
    }
}

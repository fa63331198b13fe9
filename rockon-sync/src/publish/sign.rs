//! Signs heads.

use std::path::PathBuf;

use super::head::MAX_PUBLISHED_HEAD_BYTES;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::files::Privacy;
use crate::base::problem::Problem;
use crate::tree::head::Head;
use crate::tree::note::{KeyList, Note, SigningKey, VerifierKey, ids, sign_note};

/// The origin of a key.
#[derive(Debug, Clone)]
pub(super) enum KeySource {
    Given(Box<SigningKey>),
    File(PathBuf),
}

/// The treatment of heads without a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unsigned {
    /// A signed tree stays signed, and a signing publisher continues signed trees only.
    Refuse,
    Allow,
}

/// Signs heads with all keys; without keys, heads stay unsigned.
pub(super) struct Signer {
    keys: Vec<SigningKey>,
    /// Warnings about key files.
    pub(super) warnings: Vec<Problem>,
}

impl Signer {
    /// Reads the keys.
    pub(super) fn new(sources: &[KeySource]) -> Result<Signer> {
        let mut signer = Signer { keys: Vec::with_capacity(sources.len()), warnings: Vec::new() };
        for source in sources {
            let key = match source {
                KeySource::Given(key) => SigningKey::clone(key),
                KeySource::File(path) => {
                    let (key, privacy) = SigningKey::read_with_privacy(path)?;
                    if privacy == Privacy::Shared {
                        let message = "other users can access this private key";
                        let file = path.display().to_string();
                        signer.warnings.push(Problem::warning(&file, message));
                    }
                    key
                }
            };
            signer.keys.push(key);
        }
        // Sorted, so that the order of the keys does not change the head.
        signer.keys.sort_by_cached_key(|key| key.verifier_key().to_string());
        Ok(signer)
    }

    /// Returns the bytes to publish for this head.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`] if there are too many.
    pub(super) fn sign(&self, head: &Head) -> Result<String> {
        let signed = self.sign_text(&head.to_string())?;
        let delta_bytes = head.delta().map_or(0, |delta| delta.to_string().len());
        let len_bytes = signed.len() - delta_bytes;
        if len_bytes > MAX_PUBLISHED_HEAD_BYTES {
            return Err(Error::new(
                ErrorKind::Argument,
                format!(
                    "the head is too large: expected at most {MAX_PUBLISHED_HEAD_BYTES} bytes, \
                     got {len_bytes}; use a shorter URL or fewer keys"
                ),
            ));
        }
        Ok(signed)
    }

    /// Fails unless the keys are enough to sign a head that names this list.
    pub(super) fn check_meets(&self, list: &KeyList) -> Result<()> {
        let role = list.head();
        let is_own = |key: &&VerifierKey| self.keys.iter().any(|own| own.verifier_key() == *key);
        let got = role.keys.iter().filter(is_own).count();
        if got >= role.threshold {
            return Ok(());
        }
        let (version, threshold) = (list.version(), role.threshold);
        let ids = ids(&role.keys, " or ");
        Err(Error::new(
            ErrorKind::Trust,
            format!(
                "key list {version} requires {threshold} of the head keys {ids} to sign, got {got} \
                 of them"
            ),
        ))
    }

    /// Returns true if a published head has the signatures of all keys, and no others.
    pub(super) fn has_signed(&self, published: &[u8]) -> bool {
        let Ok(published) = std::str::from_utf8(published) else {
            return false;
        };
        let note = Note::parse(published.as_bytes());
        let text = note.as_ref().map_or(published, Note::unverified_text);
        // Signatures are deterministic, so the bytes can be compared.
        self.sign_text(text).is_ok_and(|signed| signed == published)
    }

    /// Fails if this publisher must not continue a tree with this head, which came from elsewhere.
    pub(super) fn check_previous(&self, published: &[u8], unsigned: Unsigned) -> Result<()> {
        if self.keys.is_empty() {
            return Ok(());
        }
        match (Note::parse(published), unsigned) {
            (Ok(note), _) => {
                let keys = self.keys.iter().map(|key| key.verifier_key().clone());
                note.verify(&keys.collect::<Vec<_>>()).map(drop).map_err(|error| {
                    let message = "the previous head is not signed with any of the given keys: \
                                   someone else publishes this tree";
                    Error::new(ErrorKind::Trust, message).with_source(error)
                })
            }
            (Err(_), Unsigned::Allow) => Ok(()),
            (Err(error), Unsigned::Refuse) => Err(Error::new(
                ErrorKind::Trust,
                "the previous head is not signed, so that anyone may have written it; to sign a \
                 tree for the first time, allow unsigned heads",
            )
            .with_source(error)),
        }
    }

    /// Returns true if a signed head would be replaced by an unsigned one.
    pub(super) fn drops_signature(&self, published: &[u8]) -> bool {
        self.keys.is_empty() && Note::parse(published).is_ok()
    }

    fn sign_text(&self, text: &str) -> Result<String> {
        match self.keys.is_empty() {
            true => Ok(text.to_owned()),
            false => sign_note(text, &self.keys),
        }
    }
}

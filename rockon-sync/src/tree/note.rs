//! Signed notes (c2sp.org/signed-note): a text and its signatures.
//!
//! ```text
//! <text, which ends with a newline>
//!
//! — example.org/rockons 5Xg8Zk...
//! ```
//!
//! After the last empty line, each line is a signature: an em dash, the name of the key, and the
//! base64 of the key's hash and the signature of the text. With several signatures, a publisher can
//! change its key while clients still trust the old one.
//!
//! | file | contains |
//! |---|---|
//! | `key.rs` | keys and their text forms |
//! | `list.rs` | key lists, which say who may sign heads |
//! | `trust.rs` | the keys that a client trusts, and the lists that they lead to |

mod key;
pub(crate) mod list;
#[cfg(test)]
mod tests;
mod trust;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::base::error::{Result, impl_from};
pub use key::{SigningKey, VerifierKey};
pub(crate) use list::SignedKeyList;
pub use list::{KeyList, KeyRole};
pub(crate) use trust::TrustedKeys;

#[cfg(doc)]
use crate::base::error::ErrorKind;

/// Most signatures of a note: the format requires at least 16, and Go's checksum database, where it
/// comes from, accepts 100.
const MAX_SIGNATURES: usize = 100;

/// Largest note, in bytes: the limit of Go. The limit of a head is far smaller.
const MAX_NOTE_BYTES: usize = 1_000_000;

/// The start of a signature line.
const DASH: &str = "\u{2014} ";

/// Length of the key's hash, in bytes.
const HASH_BYTES: usize = 4;

/// A text with unverified signatures.
///
/// Only [`Note::verify`] returns the text, because it cannot be trusted before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    text: String,
    signatures: Vec<Signature>,
}

/// One signature line.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Signature {
    name: String,
    hash: u32,
    bytes: Vec<u8>,
}

/// A text signed with trusted keys.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct VerifiedNote<'a> {
    /// The text, with its final newline.
    pub text: &'a str,
    /// The keys with a valid signature, each once, in the order of the trusted keys.
    pub signers: Vec<&'a VerifierKey>,
}

impl Note {
    /// Parses a note in the format of c2sp.org/signed-note.
    ///
    /// # Errors
    /// [`ErrorKind::Trust`] for an invalid note: not UTF-8, with control characters, without
    /// signatures, with a malformed one, with more than 100, or above 1 MB.
    pub fn parse(bytes: &[u8]) -> Result<Note> {
        if bytes.len() > MAX_NOTE_BYTES {
            return Err(InvalidNote::TooLarge.into());
        }
        let whole = std::str::from_utf8(bytes)
            .map_err(|error| InvalidNote::Encoding { valid_up_to: error.valid_up_to() })?;
        if has_control_characters(whole) {
            return Err(InvalidNote::ControlCharacters.into());
        }
        // The text may contain empty lines: the last one ends it.
        let (text, lines) = whole
            .rfind("\n\n")
            .map(|at| (&whole[..=at], &whole[at + 2..]))
            .ok_or(InvalidNote::NoSignature)?;
        let lines = lines.strip_suffix('\n').ok_or(InvalidNote::NoLastLine)?;
        let mut signatures = Vec::new();
        for line in lines.split('\n') {
            if signatures.len() == MAX_SIGNATURES {
                return Err(InvalidNote::TooManySignatures.into());
            }
            signatures.push(Signature::parse(line).ok_or(InvalidNote::SignatureLine)?);
        }
        Ok(Note { text: text.to_owned(), signatures })
    }

    /// Returns the text if at least one of `keys` has signed it. Ignores signatures with other
    /// keys, but fails for an invalid one with a key of `keys`, even if there are valid ones.
    ///
    /// # Errors
    /// [`ErrorKind::Trust`].
    pub fn verify<'a>(&'a self, keys: &'a [VerifierKey]) -> Result<VerifiedNote<'a>> {
        let signers = self.signers(keys)?;
        if signers.is_empty() {
            let got: Vec<String> = self.signatures.iter().map(Signature::id).collect();
            let (expected, got) = (ids(keys, " or "), got.join(" and "));
            return Err(Untrusted::OtherKeys { expected, got }.into());
        }
        Ok(VerifiedNote { text: &self.text, signers })
    }

    /// Returns those of `keys` that have signed the text, each once.
    ///
    /// # Errors
    /// [`ErrorKind::Trust`] for an invalid signature with a key of `keys`.
    fn signers<'a>(&'a self, keys: &'a [VerifierKey]) -> Result<Vec<&'a VerifierKey>> {
        let mut has_signed = vec![false; keys.len()];
        for signature in &self.signatures {
            let names = |key: &VerifierKey| signature.names(key);
            if !keys.iter().any(names) {
                continue;
            }
            // Two keys may have the same name and hash; the valid signature decides.
            let signer = keys
                .iter()
                .position(|key| names(key) && key.verifies(self.text.as_bytes(), &signature.bytes))
                .ok_or_else(|| Untrusted::BadSignature { key: signature.id() })?;
            has_signed[signer] = true;
        }
        Ok(keys.iter().zip(has_signed).filter_map(|(key, has)| has.then_some(key)).collect())
    }

    /// Returns a note of this text that nobody has signed yet.
    #[cfg(any(feature = "cli", test))]
    fn unsigned(text: &str) -> Note {
        Note { text: text.to_owned(), signatures: Vec::new() }
    }

    /// Returns the unverified text.
    pub(crate) fn unverified_text(&self) -> &str {
        &self.text
    }
}

impl Signature {
    fn parse(line: &str) -> Option<Signature> {
        let (name, base64) = line.strip_prefix(DASH)?.split_once(' ')?;
        let bytes = STANDARD.decode(base64).ok()?;
        let (hash, bytes) = bytes.split_first_chunk::<HASH_BYTES>()?;
        let is_whole = key::is_name(name) && !bytes.is_empty();
        is_whole.then(|| Signature {
            name: name.to_owned(),
            hash: u32::from_be_bytes(*hash),
            bytes: bytes.to_vec(),
        })
    }

    /// True if the line names this key. The signature may still be invalid.
    fn names(&self, key: &VerifierKey) -> bool {
        self.hash == key.hash() && self.name == key.name()
    }

    fn id(&self) -> String {
        format!("{}+{:08x}", self.name, self.hash)
    }
}

/// Returns a note of this text, signed with each of `keys`. Duplicate keys sign once.
///
/// The same text and keys always give the same note.
///
/// # Errors
/// [`ErrorKind::Argument`] for a text that does not end with a newline or has other control
/// characters; without keys, or with more than 100.
pub fn sign_note(text: &str, keys: &[SigningKey]) -> Result<String> {
    if !text.ends_with('\n') {
        return Err(Unsignable::NoNewline.into());
    }
    if has_control_characters(text) {
        return Err(Unsignable::ControlCharacters.into());
    }
    let mut lines: Vec<String> = Vec::new();
    for key in keys {
        let line = key.signature_line(text);
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    if lines.is_empty() || lines.len() > MAX_SIGNATURES {
        return Err(Unsignable::Keys { got: lines.len() }.into());
    }
    Ok(format!("{text}\n{}", lines.concat()))
}

fn has_control_characters(text: &str) -> bool {
    text.bytes().any(|byte| byte < b' ' && byte != b'\n')
}

/// Returns the ids of keys for a message.
pub(crate) fn ids<'a>(keys: impl IntoIterator<Item = &'a VerifierKey>, separator: &str) -> String {
    keys.into_iter().map(VerifierKey::id).collect::<Vec<_>>().join(separator)
}

#[derive(Debug, thiserror::Error)]
enum InvalidNote {
    #[error("not a signed note: expected at most {MAX_NOTE_BYTES} bytes, got more")]
    TooLarge,
    #[error("not a signed note: not UTF-8 at byte {valid_up_to}")]
    Encoding { valid_up_to: usize },
    #[error("not a signed note: control characters")]
    ControlCharacters,
    #[error("not a signed note: no signature")]
    NoSignature,
    #[error("not a signed note: no signature, or no newline at the end")]
    NoLastLine,
    #[error("not a signed note: expected at most {MAX_SIGNATURES} signatures, got more")]
    TooManySignatures,
    #[error("not a signed note: malformed signature line")]
    SignatureLine,
}

impl_from!(InvalidNote => Trust);

#[derive(Debug, thiserror::Error)]
enum Untrusted {
    #[error("expected a signature by {expected}, got {got}")]
    OtherKeys { expected: String, got: String },
    #[error("the signature by {key} is invalid")]
    BadSignature { key: String },
}

impl_from!(Untrusted => Trust);

#[derive(Debug, thiserror::Error)]
enum Unsignable {
    #[error("cannot sign the text: expected a newline at its end")]
    NoNewline,
    #[error("cannot sign the text: control characters")]
    ControlCharacters,
    #[error("cannot sign the text: expected 1 to {MAX_SIGNATURES} keys, got {got}")]
    Keys { got: usize },
}

impl_from!(Unsignable => Argument);

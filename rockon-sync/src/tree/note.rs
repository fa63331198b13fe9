//! Signed notes (c2sp.org/signed-note): a text, and lines that say who signed it.
//!
//! ```text
//! <text, which ends with a newline>
//!
//! — example.org/rockons 5Xg8Zk...
//! ```
//!
//! After the last empty line stands a line for each signature: an em dash, the name of
//! the key, and the base64 of the key's hash and the signature of the text. Several
//! signatures let a publisher change its key while clients still know the old one.
//!
//! | file | does |
//! |---|---|
//! | `key.rs` | keys, and their text forms |

mod key;
#[cfg(test)]
mod tests;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::base::error::{Error, ErrorKind, Result};
#[cfg(feature = "publish")]
pub(crate) use key::Privacy;
pub use key::{SigningKey, VerifierKey};

/// Most signatures of a note: the format asks for 16 at least, and Go's checksum
/// database, which it comes from, takes 100.
const MAX_SIGNATURES: usize = 100;

/// Largest note, in bytes: Go's limit. A head has a far smaller one of its own.
const MAX_NOTE_BYTES: usize = 1_000_000;

/// What a signature line starts with.
const DASH: &str = "\u{2014} ";

/// Length of the key's hash before each signature, in bytes.
const HASH_BYTES: usize = 4;

/// A text with signatures, none of which was verified yet.
///
/// The text is to be ignored until it was, so it is handed out by [`Note::verify`] only.
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

/// A text that trusted keys have signed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct VerifiedNote<'a> {
    /// The text, with its final newline.
    pub text: &'a str,
    /// The keys whose signatures were verified, each once, in the order in which they
    /// were given.
    pub signers: Vec<&'a VerifierKey>,
}

impl Note {
    /// Reads a note, as c2sp.org/signed-note has it.
    ///
    /// # Errors
    /// [`ErrorKind::Trust`] for what is no note: not UTF-8, with control characters,
    /// without signatures, with a malformed one, with more than 100, or above 1 MB.
    pub fn parse(bytes: &[u8]) -> Result<Note> {
        if bytes.len() > MAX_NOTE_BYTES {
            return Err(malformed(&format!("it has more than {MAX_NOTE_BYTES} bytes")));
        }
        let whole = std::str::from_utf8(bytes)
            .map_err(|error| malformed(&format!("not UTF-8 at byte {}", error.valid_up_to())))?;
        if whole.bytes().any(|byte| byte < b' ' && byte != b'\n') {
            return Err(malformed("it has control characters"));
        }
        // The text may have empty lines too: the last one counts.
        let (text, lines) = whole
            .rfind("\n\n")
            .map(|at| (&whole[..=at], &whole[at + 2..]))
            .ok_or_else(|| malformed("it has no signature"))?;
        let lines = lines
            .strip_suffix('\n')
            .ok_or_else(|| malformed("it has no signature, or its last line has no end"))?;
        let mut signatures = Vec::new();
        for line in lines.split('\n') {
            if signatures.len() == MAX_SIGNATURES {
                return Err(malformed(&format!("it has more than {MAX_SIGNATURES} signatures")));
            }
            let signature = Signature::parse(line);
            signatures.push(signature.ok_or_else(|| malformed("a signature line is malformed"))?);
        }
        Ok(Note { text: text.to_owned(), signatures })
    }

    /// The text, if at least one of `keys` has signed it. Signatures by other keys are
    /// ignored; one by a key of `keys` has to be good, even if there are others.
    ///
    /// # Errors
    /// [`ErrorKind::Trust`].
    pub fn verify<'a>(&'a self, keys: &'a [VerifierKey]) -> Result<VerifiedNote<'a>> {
        let mut has_signed = vec![false; keys.len()];
        for signature in &self.signatures {
            let known = |key: &VerifierKey| signature.is_said_to_be_by(key);
            if !keys.iter().any(known) {
                continue;
            }
            // Keys of the same name and hash are told apart by what they verify.
            let signer = keys
                .iter()
                .position(|key| known(key) && key.verifies(self.text.as_bytes(), &signature.bytes));
            let Some(signer) = signer else {
                let message =
                    format!("the signature of {}+{:08x} is bad", signature.name, signature.hash);
                return Err(Error::new(ErrorKind::Trust, message));
            };
            has_signed[signer] = true;
        }
        let signers: Vec<&VerifierKey> =
            keys.iter().zip(has_signed).filter_map(|(key, has)| has.then_some(key)).collect();
        if signers.is_empty() {
            let expected: Vec<String> = keys.iter().map(VerifierKey::id).collect();
            let got: Vec<String> = self.signatures.iter().map(Signature::id).collect();
            let message = format!(
                "expected a signature by {}, got {}",
                expected.join(" or "),
                got.join(" and ")
            );
            return Err(Error::new(ErrorKind::Trust, message));
        }
        Ok(VerifiedNote { text: &self.text, signers })
    }

    /// The text, which may be anybody's.
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

    /// Whether the line names this key. Whether it tells the truth is another matter.
    fn is_said_to_be_by(&self, key: &VerifierKey) -> bool {
        self.hash == key.hash() && self.name == key.name()
    }

    fn id(&self) -> String {
        format!("{}+{:08x}", self.name, self.hash)
    }
}

/// A note of this text, signed by each of `keys`; a key that is there twice signs once.
///
/// The same text and keys always give the same note.
///
/// # Errors
/// [`ErrorKind::Argument`] for a text that a note cannot have: one that does not end with
/// a newline or has other control characters; without keys, or with more than 100.
pub fn sign_note(text: &str, keys: &[SigningKey]) -> Result<String> {
    let bad = |problem: &str| Error::new(ErrorKind::Argument, format!("cannot sign: {problem}"));
    if !text.ends_with('\n') {
        return Err(bad("the text does not end with a newline"));
    }
    if text.bytes().any(|byte| byte < b' ' && byte != b'\n') {
        return Err(bad("the text has control characters"));
    }
    let mut lines: Vec<String> = Vec::new();
    for key in keys {
        let line = key.signature_line(text);
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    if lines.is_empty() || lines.len() > MAX_SIGNATURES {
        return Err(bad(&format!("expected 1 to {MAX_SIGNATURES} keys, got {}", lines.len())));
    }
    Ok(format!("{text}\n{}", lines.concat()))
}

/// Refuses a head that none of `keys` has signed. Without keys, any head will do.
///
/// # Errors
/// [`ErrorKind::Trust`].
pub(crate) fn check_head(bytes: &[u8], keys: &[VerifierKey]) -> Result<()> {
    if keys.is_empty() {
        return Ok(());
    }
    let note = Note::parse(bytes).map_err(|error| {
        let ids: Vec<String> = keys.iter().map(VerifierKey::id).collect();
        let message = format!("expected a head signed by {}: {error}", ids.join(" or "));
        Error::new(ErrorKind::Trust, message)
    })?;
    note.verify(keys).map(|_| ())
}

fn malformed(problem: &str) -> Error {
    Error::new(ErrorKind::Trust, format!("not a signed note: {problem}"))
}

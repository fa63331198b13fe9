//! Keys and their text forms.
//!
//! ```text
//! <name>+<hash>+<base64 of 0x01 and the public key>                 to verify
//! PRIVATE+KEY+<name>+<hash>+<base64 of 0x01 and the seed>           to sign
//! ```
//!
//! The hash is the first four bytes, in hexadecimal, of the SHA-256 of the name, a
//! newline, 0x01 (Ed25519) and the public key. A text form whose hash is not that of its
//! key is refused, so that a slip of the pen is noticed.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::Signer as _;
use zeroize::{Zeroize as _, Zeroizing};

use super::{DASH, HASH_BYTES};
use crate::base::digest::Digest;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::files::{create_private, read_private};

/// What the text form of a private key starts with.
const PRIVATE: &str = "PRIVATE+KEY+";

/// The type of the only signatures that are known here.
const ED25519: u8 = 1;

/// Length of a public key and of a seed, in bytes (RFC 8032).
const KEY_BYTES: usize = 32;

/// Largest key file read, in bytes: a key has about 100, and remarks may follow it.
const MAX_FILE_BYTES: u64 = 16 * 1024;

/// A public key, with a name: what a client trusts.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct VerifierKey {
    name: String,
    hash: u32,
    key: ed25519_dalek::VerifyingKey,
}

impl VerifierKey {
    /// A key of this name, from the 32 bytes of an Ed25519 public key (RFC 8032).
    ///
    /// # Errors
    /// [`ErrorKind::Argument`] for a name that is empty or has spaces, `+` or control
    /// characters, and for bytes that are no public key or one that anybody can sign for.
    pub fn new(name: &str, public_key: [u8; KEY_BYTES]) -> Result<VerifierKey> {
        check_name(name)?;
        let key = ed25519_dalek::VerifyingKey::from_bytes(&public_key).ok();
        // Of the encodings of one point only the canonical one is a key, so that a key has one
        // text; and for a point of small order there are signatures that fit any text.
        let key = key
            .filter(|key| key.to_edwards().compress().to_bytes() == public_key && !key.is_weak())
            .ok_or_else(|| bad_key("the bytes are no Ed25519 public key"))?;
        Ok(VerifierKey { name: name.to_owned(), hash: hash(name, &public_key), key })
    }

    /// The name, for example `example.org/rockons`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The hash, which together with the name tells keys apart.
    pub fn hash(&self) -> u32 {
        self.hash
    }

    /// The 32 bytes of the public key.
    pub fn public_key(&self) -> [u8; KEY_BYTES] {
        self.key.to_bytes()
    }

    /// Name and hash, as messages have them: `example.org/rockons+c74f20a3`.
    pub fn id(&self) -> String {
        format!("{}+{:08x}", self.name, self.hash)
    }

    /// Whether this is a signature of `text`. Strict: no signature can be turned into
    /// another one that is accepted too.
    pub(super) fn verifies(&self, text: &[u8], signature: &[u8]) -> bool {
        let signature = ed25519_dalek::Signature::from_slice(signature);
        signature.is_ok_and(|signature| self.key.verify_strict(text, &signature).is_ok())
    }
}

impl FromStr for VerifierKey {
    type Err = Error;

    /// # Errors
    /// [`ErrorKind::Argument`]; the message does not repeat the text.
    fn from_str(text: &str) -> Result<Self> {
        if text.starts_with(PRIVATE) {
            return Err(bad_key("this is a private key: keep it where heads are signed"));
        }
        let (name, hash, key) = split(text)?;
        let key = VerifierKey::new(name, *key)?;
        check_hash(&key, hash)?;
        Ok(key)
    }
}

impl fmt::Display for VerifierKey {
    /// The text form, which [`FromStr`] reads.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut key = [ED25519; 1 + KEY_BYTES];
        key[1..].copy_from_slice(&self.public_key());
        write!(f, "{}+{:08x}+{}", self.name, self.hash, STANDARD.encode(key))
    }
}

impl fmt::Debug for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifierKey({self})")
    }
}

/// A private key, with a name: what a publisher signs with.
///
/// It is wiped from memory when dropped, and printed by nothing but
/// [`to_secret`](Self::to_secret).
#[derive(Clone)]
pub struct SigningKey {
    public: VerifierKey,
    key: ed25519_dalek::SigningKey,
}

impl SigningKey {
    /// A new key of this name, from the randomness of the operating system. The name is
    /// best a URL without its scheme, so that no two publishers choose the same.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`] for a name that is empty or has spaces, `+` or control
    /// characters; [`ErrorKind::Store`] if there is no randomness.
    #[cfg(feature = "publish")]
    pub fn generate(name: &str) -> Result<SigningKey> {
        let mut seed = Zeroizing::new([0; KEY_BYTES]);
        getrandom::fill(&mut *seed).map_err(|error| {
            Error::new(ErrorKind::Store, "the system gives no random bytes").with_source(error)
        })?;
        SigningKey::from_seed(name, *seed)
    }

    /// The key of this name that a seed of 32 random bytes gives (RFC 8032).
    ///
    /// # Errors
    /// [`ErrorKind::Argument`] for a name that is empty or has spaces, `+` or control
    /// characters.
    pub fn from_seed(name: &str, mut seed: [u8; KEY_BYTES]) -> Result<SigningKey> {
        let key = ed25519_dalek::SigningKey::from_bytes(&seed);
        seed.zeroize();
        let public = VerifierKey::new(name, key.verifying_key().to_bytes())?;
        Ok(SigningKey { public, key })
    }

    /// Reads a key file: the key on its first line. What follows is ignored, so that the
    /// public half can stand there too; a second private key is refused.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`] for what is no key, never with the text;
    /// [`ErrorKind::Store`] if the file cannot be read.
    pub fn read(path: impl AsRef<Path>) -> Result<SigningKey> {
        SigningKey::read_with_privacy(path.as_ref()).map(|(key, _)| key)
    }

    /// The same, and whether others than the owner may read or write the file.
    pub(crate) fn read_with_privacy(path: &Path) -> Result<(SigningKey, Privacy)> {
        let (bytes, mode) = read_private(path, MAX_FILE_BYTES)?;
        let bytes = Zeroizing::new(bytes);
        let at = |error: Error| error.with_path(path);
        let text = std::str::from_utf8(&bytes).map_err(|_| at(bad_key("not UTF-8")))?;
        let mut lines = text.lines();
        let first = lines.next().unwrap_or_default();
        if lines.any(|line| line.starts_with(PRIVATE)) {
            return Err(at(bad_key("expected one private key in the file, got several")));
        }
        let privacy = if mode & 0o077 == 0 { Privacy::OwnerOnly } else { Privacy::Shared };
        Ok((first.parse().map_err(at)?, privacy))
    }

    /// Writes a key file that only its owner may read. It must not exist yet.
    ///
    /// # Errors
    /// [`ErrorKind::Store`], also if there is a file of this name: no key is overwritten.
    pub fn write(&self, path: impl AsRef<Path>) -> Result<()> {
        let mut text = Zeroizing::new(self.to_secret());
        text.push('\n');
        create_private(path.as_ref(), text.as_bytes())
    }

    /// The public half, for whoever is to trust this key.
    pub fn verifier_key(&self) -> &VerifierKey {
        &self.public
    }

    /// The text form of the private key, which [`FromStr`] reads. Whoever has it can sign.
    pub fn to_secret(&self) -> String {
        let mut key = Zeroizing::new([ED25519; 1 + KEY_BYTES]);
        key[1..].copy_from_slice(self.key.as_bytes());
        let base64 = Zeroizing::new(STANDARD.encode(key.as_slice()));
        format!("{PRIVATE}{}+{}", self.public.id(), *base64)
    }

    /// The line that goes below the empty line.
    pub(super) fn signature_line(&self, text: &str) -> String {
        let mut bytes = self.public.hash.to_be_bytes().to_vec();
        bytes.extend(self.sign(text.as_bytes()));
        format!("{DASH}{} {}\n", self.public.name, STANDARD.encode(bytes))
    }

    pub(super) fn sign(&self, text: &[u8]) -> [u8; ed25519_dalek::SIGNATURE_LENGTH] {
        self.key.sign(text).to_bytes()
    }
}

/// Who may read a key file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Privacy {
    OwnerOnly,
    Shared,
}

impl FromStr for SigningKey {
    type Err = Error;

    /// # Errors
    /// [`ErrorKind::Argument`]; the message does not repeat the text.
    fn from_str(text: &str) -> Result<Self> {
        let text = text.strip_prefix(PRIVATE);
        let text = text.ok_or_else(|| bad_key("expected PRIVATE+KEY+<name>+<hash>+<base64>"))?;
        let (name, hash, seed) = split(text)?;
        let key = SigningKey::from_seed(name, *seed)?;
        check_hash(&key.public, hash)?;
        Ok(key)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({}, private)", self.public.id())
    }
}

/// Whether a key may have this name.
pub(super) fn is_name(name: &str) -> bool {
    let is_part = |c: char| !c.is_whitespace() && c >= ' ' && c != '+';
    !name.is_empty() && name.chars().all(is_part)
}

fn check_name(name: &str) -> Result<()> {
    if is_name(name) {
        return Ok(());
    }
    Err(bad_key("expected a name without spaces, '+' and control characters"))
}

/// The parts of a text form: name, hash, and the bytes of the key.
fn split(text: &str) -> Result<(&str, &str, Zeroizing<[u8; KEY_BYTES]>)> {
    // The base64 may have a '+' as well.
    let mut parts = text.splitn(3, '+');
    let (Some(name), Some(hash), Some(base64)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(bad_key("expected <name>+<hash>+<base64>"));
    };
    let bytes = STANDARD.decode(base64).map_err(|_| bad_key("the last part is not base64"))?;
    let bytes = Zeroizing::new(bytes);
    match bytes.split_first() {
        Some((&ED25519, key)) => match <[u8; KEY_BYTES]>::try_from(key) {
            Ok(key) => Ok((name, hash, Zeroizing::new(key))),
            Err(_) => Err(bad_key("an Ed25519 key has 32 bytes")),
        },
        _ => Err(bad_key("only Ed25519 keys (type 1) are known")),
    }
}

fn check_hash(key: &VerifierKey, hash: &str) -> Result<()> {
    let mut bytes = [0; HASH_BYTES];
    match hex::decode_to_slice(hash, &mut bytes) {
        Ok(()) if u32::from_be_bytes(bytes) == key.hash => Ok(()),
        _ => Err(bad_key("the hash is not that of name and key: is something missing?")),
    }
}

fn hash(name: &str, public_key: &[u8; KEY_BYTES]) -> u32 {
    let text = [name.as_bytes(), b"\n", &[ED25519], public_key].concat();
    let digest = Digest::of(&text);
    let first = digest.as_bytes().first_chunk().expect("a digest has 32 bytes");
    u32::from_be_bytes(*first)
}

fn bad_key(problem: &str) -> Error {
    Error::new(ErrorKind::Argument, format!("not a usable key: {problem}"))
}

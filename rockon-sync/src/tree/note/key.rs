//! Keys and their text forms.
//!
//! ```text
//! <name>+<hash>+<base64 of 0x01 and the public key>          a verifier key
//! PRIVATE+KEY+<name>+<hash>+<base64 of 0x01 and the seed>    a signing key
//! ```
//!
//! The hash is the first four bytes, in hexadecimal, of the SHA-256 of the name, a newline, 0x01
//! (Ed25519) and the public key. A text form with the wrong hash is refused, which detects typos.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::Signer as _;
use zeroize::{Zeroize as _, Zeroizing};

use super::{DASH, HASH_BYTES};
use crate::base::digest::Digest;
use crate::base::error::{Error, ErrorKind, Result, impl_from};
use crate::base::files::{Privacy, create_private, read_private};

/// The start of the text form of a private key.
const PRIVATE: &str = "PRIVATE+KEY+";

/// The only supported type of signatures.
const ED25519: u8 = 1;

/// Length of a public key and of a seed, in bytes (RFC 8032).
const KEY_BYTES: usize = 32;

/// Largest key file, in bytes: a key has about 100, and comments may follow it.
const MAX_FILE_BYTES: u64 = 16 * 1024;

/// A public key with a name, which a client trusts.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct VerifierKey {
    name: String,
    hash: u32,
    key: ed25519_dalek::VerifyingKey,
}

impl VerifierKey {
    /// Returns the key with this name and the 32 bytes of an Ed25519 public key (RFC 8032).
    ///
    /// # Errors
    /// [`ErrorKind::Argument`] for a name that is empty or has spaces, `+` or control
    /// characters, and for bytes that are not a public key or a key for which anybody can sign.
    pub fn new(name: &str, public_key: [u8; KEY_BYTES]) -> Result<VerifierKey> {
        if !is_name(name) {
            return Err(InvalidKey::Name.into());
        }
        // Only the canonical encoding of a point is accepted, so that a key has one text form. For
        // points of small order, there are signatures that are valid for every text.
        let key = ed25519_dalek::VerifyingKey::from_bytes(&public_key)
            .ok()
            .filter(|key| key.to_edwards().compress().to_bytes() == public_key && !key.is_weak())
            .ok_or(InvalidKey::PublicKey)?;
        Ok(VerifierKey { name: name.to_owned(), hash: hash(name, &public_key), key })
    }

    /// Returns the name, for example `example.org/rockons`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the hash, which identifies the key together with the name.
    pub fn hash(&self) -> u32 {
        self.hash
    }

    /// Returns the 32 bytes of the public key.
    pub fn public_key(&self) -> [u8; KEY_BYTES] {
        self.key.to_bytes()
    }

    /// Returns the name and the hash as in messages: `example.org/rockons+c74f20a3`.
    pub fn id(&self) -> String {
        format!("{}+{:08x}", self.name, self.hash)
    }

    /// True if the signature of `text` is valid. Strict: nobody can turn a valid signature into
    /// another valid one.
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
            return Err(InvalidKey::Private.into());
        }
        let parts = Parts::parse(text)?;
        let key = VerifierKey::new(parts.name, *parts.key)?;
        parts.check_hash(&key)?;
        Ok(key)
    }
}

impl fmt::Display for VerifierKey {
    /// Writes the text form, which [`FromStr`] parses.
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

/// A private key with a name, with which a publisher signs.
///
/// It is erased from memory when dropped, and only [`to_secret`](Self::to_secret) reveals it.
#[derive(Clone)]
pub struct SigningKey {
    public: VerifierKey,
    key: ed25519_dalek::SigningKey,
}

impl SigningKey {
    /// Returns a new key with this name from the random numbers of the operating system. Use a URL
    /// without its scheme as the name, so that no two publishers choose the same.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`] for a name that is empty or has spaces, `+` or control
    /// characters; [`ErrorKind::Store`] if the operating system fails.
    #[cfg(feature = "publish")]
    pub fn generate(name: &str) -> Result<SigningKey> {
        let mut seed = Zeroizing::new([0; KEY_BYTES]);
        getrandom::fill(&mut *seed).map_err(|error| {
            Error::new(ErrorKind::Store, "cannot get random bytes from the operating system")
                .with_source(error)
        })?;
        SigningKey::from_seed(name, *seed)
    }

    /// Returns the key with this name and a seed of 32 random bytes (RFC 8032).
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

    /// Reads a key file, which has the key on its first line. Ignores further lines, for example
    /// the public key, but refuses a second private key.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`] for an invalid key, never with its text; [`ErrorKind::Store`] if the
    /// file cannot be read.
    pub fn read(path: impl AsRef<Path>) -> Result<SigningKey> {
        SigningKey::read_with_privacy(path.as_ref()).map(|(key, _)| key)
    }

    /// Like [`read`](Self::read), and also returns who may read or write the file.
    pub(crate) fn read_with_privacy(path: &Path) -> Result<(SigningKey, Privacy)> {
        let (bytes, privacy) = read_private(path, MAX_FILE_BYTES)?;
        let bytes = Zeroizing::new(bytes);
        let key = SigningKey::of_file(&bytes).map_err(|error| error.with_path(path))?;
        Ok((key, privacy))
    }

    fn of_file(bytes: &[u8]) -> Result<SigningKey> {
        let text = std::str::from_utf8(bytes).map_err(|_| InvalidKey::Encoding)?;
        let mut lines = text.lines();
        let first = lines.next().unwrap_or_default();
        match lines.any(|line| line.starts_with(PRIVATE)) {
            true => Err(InvalidKey::SeveralKeys.into()),
            false => first.parse(),
        }
    }

    /// Creates a key file that only its owner may read.
    ///
    /// # Errors
    /// [`ErrorKind::Store`], also if the path exists: keys are never overwritten.
    pub fn write(&self, path: impl AsRef<Path>) -> Result<()> {
        let mut text = Zeroizing::new(self.to_secret());
        text.push('\n');
        create_private(path.as_ref(), text.as_bytes())
    }

    /// Returns the public key, for clients.
    pub fn verifier_key(&self) -> &VerifierKey {
        &self.public
    }

    /// Returns the text form of the private key, which [`FromStr`] parses. Keep it secret.
    pub fn to_secret(&self) -> String {
        let mut key = Zeroizing::new([ED25519; 1 + KEY_BYTES]);
        key[1..].copy_from_slice(self.key.as_bytes());
        let base64 = Zeroizing::new(STANDARD.encode(key.as_slice()));
        format!("{PRIVATE}{}+{}", self.public.id(), *base64)
    }

    /// Returns the signature line for a text.
    pub(super) fn signature_line(&self, text: &str) -> String {
        let mut bytes = self.public.hash.to_be_bytes().to_vec();
        bytes.extend(self.sign(text.as_bytes()));
        format!("{DASH}{} {}\n", self.public.name, STANDARD.encode(bytes))
    }

    pub(super) fn sign(&self, text: &[u8]) -> [u8; ed25519_dalek::SIGNATURE_LENGTH] {
        self.key.sign(text).to_bytes()
    }
}

impl FromStr for SigningKey {
    type Err = Error;

    /// # Errors
    /// [`ErrorKind::Argument`]; the message does not repeat the text.
    fn from_str(text: &str) -> Result<Self> {
        let text = text.strip_prefix(PRIVATE).ok_or(InvalidKey::NotPrivate)?;
        let parts = Parts::parse(text)?;
        let key = SigningKey::from_seed(parts.name, *parts.key)?;
        parts.check_hash(&key.public)?;
        Ok(key)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({}, private)", self.public.id())
    }
}

/// True if a key may have this name.
pub(super) fn is_name(name: &str) -> bool {
    let is_part = |c: char| !c.is_whitespace() && !c.is_control() && c != '+';
    !name.is_empty() && name.chars().all(is_part)
}

/// The parts of a text form.
struct Parts<'a> {
    name: &'a str,
    hash: &'a str,
    key: Zeroizing<[u8; KEY_BYTES]>,
}

impl Parts<'_> {
    fn parse(text: &str) -> Result<Parts<'_>, InvalidKey> {
        // The base64 may contain a '+' too.
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(hash), Some(base64)) = (parts.next(), parts.next(), parts.next())
        else {
            return Err(InvalidKey::Parts);
        };
        let bytes = Zeroizing::new(STANDARD.decode(base64).map_err(|_| InvalidKey::Base64)?);
        let Some((&ED25519, key)) = bytes.split_first() else {
            return Err(InvalidKey::Type);
        };
        let key = <[u8; KEY_BYTES]>::try_from(key).map_err(|_| InvalidKey::Length)?;
        Ok(Parts { name, hash, key: Zeroizing::new(key) })
    }

    fn check_hash(&self, key: &VerifierKey) -> Result<(), InvalidKey> {
        let mut bytes = [0; HASH_BYTES];
        match hex::decode_to_slice(self.hash, &mut bytes) {
            Ok(()) if u32::from_be_bytes(bytes) == key.hash => Ok(()),
            _ => Err(InvalidKey::Hash),
        }
    }
}

fn hash(name: &str, public_key: &[u8; KEY_BYTES]) -> u32 {
    let text = [name.as_bytes(), b"\n", &[ED25519], public_key].concat();
    let digest = Digest::of(&text);
    let first = digest.as_bytes().first_chunk().expect("a digest has 32 bytes");
    u32::from_be_bytes(*first)
}

/// An invalid key. The messages never contain its text, which may be secret.
#[derive(Debug, thiserror::Error)]
enum InvalidKey {
    #[error("not a usable key: not UTF-8")]
    Encoding,
    #[error("not a usable key: expected <name>+<hash>+<base64>")]
    Parts,
    #[error("not a usable key: expected a name without spaces, '+' and control characters")]
    Name,
    #[error("not a usable key: expected base64 after the second '+'")]
    Base64,
    #[error("not a usable key: expected an Ed25519 key (type 1)")]
    Type,
    #[error("not a usable key: expected {KEY_BYTES} bytes for an Ed25519 key")]
    Length,
    #[error("not a usable key: expected an Ed25519 public key")]
    PublicKey,
    #[error("not a usable key: the hash does not match the name and the key, check for typos")]
    Hash,
    #[error("not a usable key: expected a public key, got a private key, which must stay secret")]
    Private,
    #[error("not a usable key: expected PRIVATE+KEY+<name>+<hash>+<base64>")]
    NotPrivate,
    #[error("not a usable key: expected one private key in the file, got several")]
    SeveralKeys,
}

impl_from!(InvalidKey => Argument);

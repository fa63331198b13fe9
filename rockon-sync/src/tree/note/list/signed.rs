//! A key list with its signatures, and the rules by which one list follows another.

#[cfg(any(feature = "cli", test))]
use super::super::SigningKey;
use super::super::{Note, VerifierKey};
use super::{InvalidKeyList, KeyList, KeyRole, NotEnough};
use crate::base::error::{Result, impl_from};
use crate::base::limits::MAX_KEY_LIST_BYTES;

#[cfg(doc)]
use crate::base::error::ErrorKind;

/// A key list with its signatures. They are not verified yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SignedKeyList {
    list: KeyList,
    note: Note,
    text: String,
}

impl SignedKeyList {
    /// Parses a signed list.
    ///
    /// # Errors
    /// [`ErrorKind::Trust`] if it is not a signed note, or not a key list.
    pub(crate) fn parse(bytes: &[u8]) -> Result<SignedKeyList> {
        if bytes.len() as u64 > MAX_KEY_LIST_BYTES {
            return Err(InvalidKeyList::TooLarge.into());
        }
        let note = Note::parse(bytes)?;
        let list = KeyList::parse(note.unverified_text())?;
        // A note is UTF-8.
        Ok(SignedKeyList { list, note, text: String::from_utf8_lossy(bytes).into_owned() })
    }

    /// Parses a list that may have no signatures yet.
    #[cfg(any(feature = "cli", test))]
    pub(crate) fn parse_draft(bytes: &[u8]) -> Result<SignedKeyList> {
        match std::str::from_utf8(bytes) {
            Ok(text) if !text.contains("\n\n") => {
                Ok(SignedKeyList::unsigned(KeyList::parse(text)?))
            }
            _ => SignedKeyList::parse(bytes),
        }
    }

    /// Returns a list without signatures.
    #[cfg(any(feature = "cli", test))]
    pub(crate) fn unsigned(list: KeyList) -> SignedKeyList {
        let text = list.to_string();
        SignedKeyList { list, note: Note::unsigned(&text), text }
    }

    /// Adds the signatures of these keys. A key that has signed already does not sign again.
    ///
    /// # Errors
    /// [`ErrorKind::Trust`] if the list becomes too large.
    #[cfg(any(feature = "cli", test))]
    pub(crate) fn sign(&self, keys: &[SigningKey]) -> Result<SignedKeyList> {
        let text = self.note.unverified_text();
        let mut signed = self.text.clone();
        if signed == text && !keys.is_empty() {
            signed.push('\n');
        }
        for key in keys {
            let line = key.signature_line(text);
            if !signed[text.len()..].contains(&line) {
                signed.push_str(&line);
            }
        }
        SignedKeyList::parse_draft(signed.as_bytes())
    }

    pub(crate) fn list(&self) -> &KeyList {
        &self.list
    }

    /// Returns the whole note.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns true if there is a signature, whether valid or not.
    #[cfg(any(feature = "cli", test))]
    pub(crate) fn is_signed(&self) -> bool {
        !self.note.signatures.is_empty()
    }

    /// Returns those of `keys` that have signed.
    ///
    /// # Errors
    /// [`ErrorKind::Trust`] if one of their signatures is invalid.
    #[cfg(any(feature = "cli", test))]
    pub(crate) fn signers<'k>(&'k self, keys: &'k [VerifierKey]) -> Result<Vec<&'k VerifierKey>> {
        self.note.signers(keys)
    }

    /// Returns true if a key seems to have signed both the list and this head, by name and hash.
    /// `None` if the head is not signed.
    #[cfg(feature = "publish")]
    pub(crate) fn shares_signer_with(&self, head: &[u8]) -> Option<bool> {
        let head = Note::parse(head).ok()?;
        Some(
            head.signatures
                .iter()
                .any(|of_head| self.note.signatures.iter().any(|own| own.id() == of_head.id())),
        )
    }

    /// Fails unless enough of its own root keys have signed the list.
    pub(crate) fn check_itself(&self) -> Result<()> {
        self.check_signed(&self.list.root, "its own root keys")
    }

    /// Fails unless the list is the next one after `before`: of the same name, with the next
    /// version, and signed by enough root keys of both.
    pub(crate) fn check_after(&self, before: &KeyList) -> Result<()> {
        self.check_place_after(before)?;
        let whose = format!("the root keys of list {}", before.version);
        self.check_signed(&before.root, &whose)?;
        self.check_itself()
    }

    /// Fails unless the list has the same name as `before`, and the next version.
    pub(crate) fn check_place_after(&self, before: &KeyList) -> Result<()> {
        let (old, new) = (before.version, self.list.version);
        if old.checked_add(1) != Some(new) {
            return Err(NotNext::Version { old, new }.into());
        }
        if self.list.name != before.name {
            let (expected, got) = (before.name.clone(), self.list.name.clone());
            return Err(NotNext::Name { version: new, expected, got }.into());
        }
        Ok(())
    }

    /// Fails unless a list with which a client begins is signed by one of the keys given to it, and
    /// by enough of its own root keys.
    pub(crate) fn check_first(&self, given: &[VerifierKey]) -> Result<()> {
        self.check_signed(&KeyRole::new(given.to_vec(), 1), "the given keys")?;
        self.check_itself()
    }

    fn check_signed(&self, role: &KeyRole, whose: &str) -> Result<()> {
        role.check(&self.note).map_err(|problem| {
            let (version, whose) = (self.list.version, whose.to_owned());
            NotNext::Signatures { version, whose, problem }.into()
        })
    }
}

/// A list that does not follow another one.
#[derive(Debug, thiserror::Error)]
enum NotNext {
    #[error("expected a key list after version {old}, got version {new}")]
    Version { old: u64, new: u64 },
    #[error("key list {version}: expected the name {expected}, got {got}")]
    Name { version: u64, expected: String, got: String },
    #[error("key list {version} is not signed by enough of {whose}: {problem}")]
    Signatures { version: u64, whose: String, problem: NotEnough },
}

impl_from!(NotNext => Trust);

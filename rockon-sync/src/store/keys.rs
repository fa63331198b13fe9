//! `trusted-keys`: the keys that a source is trusted with, and the key lists that they lead to.
//!
//! ```text
//! # The head of this source must be signed by one of these keys.
//! example.org/rockons+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW
//! ```
//!
//! With key lists, the keys are those that the first list was found with. The lists follow, oldest
//! first, as they were published:
//!
//! ```text
//! # The head of this source must be signed as the last of these key lists says.
//! # sha256 <digest of everything below this line>
//! example.org/rockons+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW
//! rockon-sync keys example.org/rockons
//! # version 1
//! ...
//! ```
//!
//! Not part of `status.json`, which starts empty after damage: if that happened to the keys,
//! damaging a file would turn off the signature check. For the same reason the lists are not files
//! of their own: losing one would bring back the keys that it has removed.

use super::{SourceDir, SourceWriter};
use crate::base::digest::Digest;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::files::{read_if_any, write_atomically};
use crate::base::limits::{MAX_KEY_LIST_BYTES, MAX_KEY_LISTS};
use crate::tree::note::{SignedKeyList, TrustedKeys, VerifierKey, list};

const FILE: &str = "trusted-keys";

/// Largest file read: a key has about 100 bytes.
const MAX_BYTES: u64 = 64 * 1024 + MAX_KEY_LISTS as u64 * MAX_KEY_LIST_BYTES;

const DIGEST: &str = "# sha256 ";

/// The first problem of the file.
#[derive(Debug, thiserror::Error)]
enum InvalidKeys {
    #[error("not UTF-8")]
    Encoding(#[from] std::str::Utf8Error),
    #[error("line {line}: {error}")]
    Key { line: usize, error: Error },
    #[error("expected at least one key, got none")]
    Empty,
    #[error("expected the digest of the key lists, got none")]
    NoDigest,
    #[error("the key lists do not match their digest")]
    Digest,
    #[error("{0}")]
    List(#[from] Error),
}

impl SourceDir<'_> {
    /// Returns the trusted keys. If empty, unsigned heads are accepted.
    ///
    /// # Errors
    /// [`ErrorKind::Trust`] for an invalid file; [`ErrorKind::Store`]; [`ErrorKind::Limit`].
    pub(crate) fn trusted_keys(&self) -> Result<TrustedKeys> {
        let path = self.dir.join(FILE);
        let Some(bytes) = read_if_any(self.files, &path, MAX_BYTES)? else {
            return Ok(TrustedKeys::default());
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
    pub(crate) fn trust(&self, keys: &TrustedKeys) -> Result<()> {
        write_atomically(self.files, &self.dir.join(FILE), print(keys).as_bytes())
    }
}

fn print(keys: &TrustedKeys) -> String {
    let given: String = keys.given().iter().map(|key| format!("{key}\n")).collect();
    if keys.lists().is_empty() {
        return format!("# The head of this source must be signed by one of these keys.\n{given}");
    }
    let lists: String = keys.lists().iter().map(SignedKeyList::as_str).collect();
    let digest = Digest::of(format!("{given}{lists}").as_bytes());
    let says = "# The head of this source must be signed as the last of these key lists says.";
    format!("{says}\n{DIGEST}{digest}\n{given}{lists}")
}

fn parse(bytes: &[u8]) -> Result<TrustedKeys, InvalidKeys> {
    let text = std::str::from_utf8(bytes)?;
    let (keys, lists) = text.split_at(starts_of_lists(text).next().unwrap_or(text.len()));
    let given = parse_keys(keys)?;
    match keys.find(DIGEST).and_then(|at| keys[at + DIGEST.len()..].split_once('\n')) {
        Some((digest, keys)) => {
            // Nobody but an update writes this line.
            let found = Digest::of(format!("{keys}{lists}").as_bytes());
            let is_whole = digest == found.to_string();
            if !is_whole || lists.is_empty() {
                return Err(InvalidKeys::Digest);
            }
        }
        None if lists.is_empty() => {}
        None => return Err(InvalidKeys::NoDigest),
    }
    let starts: Vec<usize> = starts_of_lists(lists).collect();
    let ends = starts.iter().copied().skip(1).chain([lists.len()]);
    let lists = starts.iter().zip(ends).map(|(start, end)| &lists[*start..end]);
    let lists = lists.map(|list| SignedKeyList::parse(list.as_bytes())).collect::<Result<_>>()?;
    Ok(TrustedKeys::verified_before(given, lists)?)
}

fn parse_keys(text: &str) -> Result<Vec<VerifierKey>, InvalidKeys> {
    let keys = (1..)
        .zip(text.lines())
        .filter(|(_, text)| !text.is_empty() && !text.starts_with('#'))
        .map(|(line, text)| text.parse().map_err(|error| InvalidKeys::Key { line, error }))
        .collect::<Result<Vec<VerifierKey>, InvalidKeys>>()?;
    if keys.is_empty() { Err(InvalidKeys::Empty) } else { Ok(keys) }
}

/// The offsets at which key lists begin. No line within a list begins in the same way.
fn starts_of_lists(text: &str) -> impl Iterator<Item = usize> {
    let starts_line = |at: &usize| *at == 0 || text.as_bytes()[at - 1] == b'\n';
    text.match_indices(list::FIRST_LINE).map(|(at, _)| at).filter(starts_line)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::note::list::tests::{list, public, role, signed};

    fn keys() -> TrustedKeys {
        let mut keys = TrustedKeys::new(vec![public("x"), public("y")]);
        for version in 1..=3 {
            let next = signed(&list(version, role("a b", 1), role("x z", 1)), "x a");
            keys = keys.with_list(next.as_str().as_bytes(), version).unwrap();
        }
        keys
    }

    #[test]
    fn keys_and_lists_round_trip() {
        for keys in [keys(), TrustedKeys::new(vec![public("x")])] {
            assert_eq!(parse(print(&keys).as_bytes()).unwrap(), keys);
        }
    }

    #[test]
    fn any_damage_to_lists_is_an_error() {
        let text = print(&keys());
        let first_line = text.find('\n').unwrap();
        for at in first_line + 1..text.len() {
            let mut damaged = text.clone().into_bytes();
            damaged[at] ^= 1;
            parse(&damaged).expect_err(&format!("byte {at}"));
        }
        for end in first_line + 1..text.len() {
            parse(&text.as_bytes()[..end]).expect_err(&format!("cut off after {end}"));
        }
        let without_digest: String =
            text.split_inclusive('\n').filter(|line| !line.starts_with(DIGEST)).collect();
        let error = parse(without_digest.as_bytes()).unwrap_err();
        assert_eq!(error.to_string(), "expected the digest of the key lists, got none");
    }
}

//! Key lists (`keys/<n>`): signed notes that say which keys may sign heads, and which keys may sign
//! the next list.
//!
//! ```text
//! rockon-sync keys example.org/rockons
//! # version 2
//! # root 2
//! root example.org/root-a+1234abcd+A...
//! root example.org/root-b+5678cdef+A...
//! # head 1
//! head example.org/rockons+c74f20a3+A...
//!
//! — example.org/root-a EjSrzQ...
//! — example.org/root-b Vnjsmg...
//! ```
//!
//! `# root 2` is a threshold: so many of the root keys must sign a list. A list is only valid after
//! the one before it, whose root keys must have signed it, too: see `trust.rs`. Other lines that
//! start with `#` are ignored, except `# requires <word>`, which makes clients refuse the list.

mod signed;
#[cfg(test)]
pub(crate) mod tests;

use std::fmt;

use super::key::is_name;
use super::{Note, VerifierKey, ids};
use crate::base::error::{Error, Result, excerpt, impl_from};
use crate::base::limits::{MAX_KEY_LIST_BYTES, MAX_ROLE_KEYS};
use crate::base::path::EntryPath;

#[cfg(doc)]
use crate::base::error::ErrorKind;

pub(crate) use signed::SignedKeyList;

/// The start of a key list.
pub(crate) const FIRST_LINE: &str = "rockon-sync keys ";

/// The directory of the key lists in a tree.
pub(crate) const DIR: &str = "keys";

/// Returns the path of a key list in a tree.
pub(crate) fn path_of(version: u64) -> EntryPath {
    EntryPath::new(format!("{DIR}/{version}")).expect("digits are a safe name")
}

/// Returns the version of the key list at this path in a tree; `None` if it is none.
pub(crate) fn version_at(path: &str) -> Option<u64> {
    let name = path.strip_prefix(DIR)?.strip_prefix('/')?;
    name.parse().ok().filter(|version: &u64| *version > 0 && version.to_string() == name)
}

/// The keys that may sign heads and key lists, each with a threshold.
///
/// No key is listed twice, also not under another name, and both thresholds can be met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyList {
    name: String,
    version: u64,
    root: KeyRole,
    head: KeyRole,
}

/// The keys that may sign one kind of file, and how many of them must sign.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyRole {
    /// The keys, in the order of the list.
    pub keys: Vec<VerifierKey>,
    /// The number of keys that must sign, at least 1.
    pub threshold: usize,
}

impl KeyRole {
    /// Returns the role of these keys.
    pub fn new(keys: Vec<VerifierKey>, threshold: usize) -> KeyRole {
        KeyRole { keys, threshold }
    }

    /// Fails unless enough keys have signed the note. Counts each key once, and ignores signatures
    /// by other keys.
    pub(super) fn check(&self, note: &Note) -> Result<(), NotEnough> {
        let not_enough = |problem: String| NotEnough {
            threshold: self.threshold,
            keys: ids(&self.keys, " or "),
            problem,
        };
        match note.verify(&self.keys) {
            Ok(verified) if verified.signers.len() >= self.threshold => Ok(()),
            Ok(verified) => Err(not_enough(format!("got only {}", ids(verified.signers, " and ")))),
            Err(error) => Err(not_enough(error.to_string())),
        }
    }
}

/// Too few signatures of the keys of a role.
#[derive(Debug, thiserror::Error)]
#[error("expected {threshold} of {keys} to have signed: {problem}")]
pub(super) struct NotEnough {
    threshold: usize,
    keys: String,
    problem: String,
}

impl_from!(NotEnough => Trust);

impl KeyList {
    /// Returns the list with this name, version and roles. Use a URL without its scheme as the
    /// name: all lists of a catalog have the same one.
    ///
    /// # Errors
    /// [`ErrorKind::Trust`] for a name that is empty or has spaces, `+` or control characters; for
    /// version 0; for a threshold of 0 or above the number of keys; for a duplicate key, in one
    /// role or in both; for more than 32 keys in a role.
    pub fn new(name: &str, version: u64, root: KeyRole, head: KeyRole) -> Result<KeyList> {
        let list = KeyList { name: name.to_owned(), version, root, head };
        list.check()?;
        Ok(list)
    }

    /// Parses the text of a list, without its signatures.
    ///
    /// # Errors
    /// [`ErrorKind::Trust`] with the line, and for the reasons of [`new`](Self::new).
    pub fn parse(text: &str) -> Result<KeyList> {
        let mut lines = (1..).zip(text.lines());
        let first = lines.next().and_then(|(_, line)| line.strip_prefix(FIRST_LINE));
        let mut draft = Draft::new(first.ok_or(InvalidKeyList::FirstLine)?);
        for (line, text) in lines {
            draft.take(text).map_err(|problem| InvalidKeyList::Line { line, problem })?;
        }
        let list = draft.finish()?;
        list.check()?;
        Ok(list)
    }

    /// Returns the name, which is the same in all lists of a catalog.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the version, which increases by one with each list.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Returns the keys that sign key lists.
    pub fn root(&self) -> &KeyRole {
        &self.root
    }

    /// Returns the keys that sign heads.
    pub fn head(&self) -> &KeyRole {
        &self.head
    }

    fn check(&self) -> Result<(), InvalidKeyList> {
        if !is_name(&self.name) {
            return Err(InvalidKeyList::Name);
        }
        if self.version == 0 {
            return Err(InvalidKeyList::Version);
        }
        let mut seen: Vec<(&VerifierKey, &'static str)> = Vec::new();
        for (role, KeyRole { keys, threshold }) in [("root", &self.root), ("head", &self.head)] {
            if keys.len() > MAX_ROLE_KEYS {
                return Err(InvalidKeyList::TooManyKeys { role, got: keys.len() });
            }
            if !(1..=keys.len()).contains(threshold) {
                let (threshold, keys) = (*threshold, keys.len());
                return Err(InvalidKeyList::Threshold { role, threshold, keys });
            }
            for key in keys {
                // The same key under another name would count twice. Two keys of the same id could
                // not be told apart in messages.
                let is_same = |(other, _): &&(&VerifierKey, &'static str)| {
                    other.public_key() == key.public_key() || other.id() == key.id()
                };
                match seen.iter().find(is_same) {
                    None => seen.push((key, role)),
                    Some((_, other)) if *other == role => {
                        return Err(InvalidKeyList::Duplicate { role, key: key.id() });
                    }
                    Some(_) => return Err(InvalidKeyList::BothRoles { key: key.id() }),
                }
            }
        }
        Ok(())
    }
}

impl fmt::Display for KeyList {
    /// Writes the text of the list, which [`parse`](Self::parse) parses.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{FIRST_LINE}{}\n# version {}\n", self.name, self.version)?;
        for (role, KeyRole { keys, threshold }) in [("root", &self.root), ("head", &self.head)] {
            writeln!(f, "# {role} {threshold}")?;
            keys.iter().try_for_each(|key| writeln!(f, "{role} {key}"))?;
        }
        Ok(())
    }
}

/// The lines of a list that were read so far.
struct Draft {
    name: String,
    version: Option<u64>,
    root: DraftRole,
    head: DraftRole,
}

#[derive(Default)]
struct DraftRole {
    keys: Vec<VerifierKey>,
    threshold: Option<usize>,
}

impl Draft {
    fn new(name: &str) -> Draft {
        let (root, head) = (DraftRole::default(), DraftRole::default());
        Draft { name: name.to_owned(), version: None, root, head }
    }

    fn take(&mut self, line: &str) -> Result<(), InvalidLine> {
        let (word, value) = line.rsplit_once(' ').ok_or(InvalidLine::Unknown)?;
        match word {
            "# version" => set(&mut self.version, "version", value),
            "# root" => set(&mut self.root.threshold, "root", value),
            "# head" => set(&mut self.head.threshold, "head", value),
            "# requires" => Err(InvalidLine::Requires { word: excerpt(value) }),
            "root" => self.root.add(value),
            "head" => self.head.add(value),
            _ if word.starts_with("# ") => Ok(()),
            _ => Err(InvalidLine::Unknown),
        }
    }

    fn finish(self) -> Result<KeyList, InvalidKeyList> {
        Ok(KeyList {
            name: self.name,
            version: self.version.ok_or(InvalidKeyList::Missing { key: "version" })?,
            root: self.root.finish("root")?,
            head: self.head.finish("head")?,
        })
    }
}

impl DraftRole {
    fn add(&mut self, text: &str) -> Result<(), InvalidLine> {
        // Refused by the check of the list. Here, so that a long text takes no time.
        if self.keys.len() <= MAX_ROLE_KEYS {
            self.keys.push(text.parse().map_err(InvalidLine::Key)?);
        }
        Ok(())
    }

    fn finish(self, key: &'static str) -> Result<KeyRole, InvalidKeyList> {
        let threshold = self.threshold.ok_or(InvalidKeyList::Missing { key })?;
        Ok(KeyRole { keys: self.keys, threshold })
    }
}

fn set<T: std::str::FromStr + ToString>(
    field: &mut Option<T>,
    key: &'static str,
    value: &str,
) -> Result<(), InvalidLine> {
    // Written in one way only: not `+1` or `01`.
    let number = value.parse::<T>().ok().filter(|number| number.to_string() == value);
    let number = number.ok_or_else(|| InvalidLine::Number { key, got: excerpt(value) })?;
    match field.replace(number) {
        None => Ok(()),
        Some(_) => Err(InvalidLine::Duplicate { key }),
    }
}

#[derive(Debug, thiserror::Error)]
enum InvalidKeyList {
    #[error("not a key list: expected \"rockon-sync keys <name>\" on the first line")]
    FirstLine,
    #[error("expected a key list of at most {MAX_KEY_LIST_BYTES} bytes, got more")]
    TooLarge,
    #[error("key list: line {line}: {problem}")]
    Line { line: u32, problem: InvalidLine },
    #[error("key list: missing `# {key}`")]
    Missing { key: &'static str },
    #[error("key list: expected a name without spaces, '+' and control characters")]
    Name,
    #[error("key list: expected version 1 or later, got 0")]
    Version,
    #[error("key list: expected at most {MAX_ROLE_KEYS} {role} keys, got {got}")]
    TooManyKeys { role: &'static str, got: usize },
    #[error("key list: the {role} threshold cannot be met: {threshold} of {keys} keys")]
    Threshold { role: &'static str, threshold: usize, keys: usize },
    #[error("key list: duplicate {role} key {key}")]
    Duplicate { role: &'static str, key: String },
    #[error("key list: {key} is both a root key and a head key")]
    BothRoles { key: String },
}

impl_from!(InvalidKeyList => Trust);

#[derive(Debug, thiserror::Error)]
enum InvalidLine {
    #[error("expected `root <key>`, `head <key>` or a line that starts with #")]
    Unknown,
    #[error("`requires`: {word:?} needs a newer client")]
    Requires { word: String },
    #[error("`{key}`: expected a whole number, got {got:?}")]
    Number { key: &'static str, got: String },
    #[error("duplicate key `{key}`")]
    Duplicate { key: &'static str },
    #[error("{0}")]
    Key(Error),
}

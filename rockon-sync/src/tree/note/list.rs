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

use std::fmt;

#[cfg(any(feature = "cli", test))]
use super::SigningKey;
use super::key::is_name;
use super::{Note, VerifierKey, ids};
use crate::base::error::{Error, Result, excerpt, impl_from};
use crate::base::limits::{MAX_KEY_LIST_BYTES, MAX_ROLE_KEYS};
use crate::base::path::EntryPath;

#[cfg(doc)]
use crate::base::error::ErrorKind;

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
    /// version 0; for a threshold of 0 or above the number of keys; for a key that is there twice,
    /// in one role or in both; for more than 32 keys in a role.
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
    ///
    /// # Errors
    /// Those of [`parse`](Self::parse).
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
    ///
    /// # Errors
    /// [`ErrorKind::Trust`].
    pub(crate) fn check_itself(&self) -> Result<()> {
        self.check_signed(&self.list.root, "its own root keys")
    }

    /// Fails unless the list is the next one after `before`: of the same name, with the next
    /// version, and signed by enough root keys of both.
    ///
    /// # Errors
    /// [`ErrorKind::Trust`].
    pub(crate) fn check_after(&self, before: &KeyList) -> Result<()> {
        self.check_place_after(before)?;
        let whose = format!("the root keys of list {}", before.version);
        self.check_signed(&before.root, &whose)?;
        self.check_itself()
    }

    /// Fails unless the list has the same name as `before`, and the next version.
    ///
    /// # Errors
    /// [`ErrorKind::Trust`].
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
    ///
    /// # Errors
    /// [`ErrorKind::Trust`].
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

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::base::error::ErrorKind;
    use crate::tree::note::sign_note;

    /// Returns a signing key that follows from its name.
    pub(crate) fn signing(name: &str) -> SigningKey {
        let seed = *crate::base::digest::Digest::of(name.as_bytes()).as_bytes();
        SigningKey::from_seed(&format!("example.org/{name}"), seed).unwrap()
    }

    pub(crate) fn public(name: &str) -> VerifierKey {
        signing(name).verifier_key().clone()
    }

    /// Returns the role of the keys with these names, separated by spaces.
    pub(crate) fn role(names: &str, threshold: usize) -> KeyRole {
        KeyRole::new(names.split_whitespace().map(public).collect(), threshold)
    }

    pub(crate) fn list(version: u64, root: KeyRole, head: KeyRole) -> KeyList {
        KeyList::new("example.org/rockons", version, root, head).unwrap()
    }

    /// Returns a list that the keys with these names have signed.
    pub(crate) fn signed(list: &KeyList, names: &str) -> SignedKeyList {
        let keys: Vec<SigningKey> = names.split_whitespace().map(signing).collect();
        SignedKeyList::parse(sign_note(&list.to_string(), &keys).unwrap().as_bytes()).unwrap()
    }

    fn invalid(text: &str) -> String {
        let error = KeyList::parse(text).expect_err(text);
        assert_eq!(error.kind(), ErrorKind::Trust);
        error.to_string()
    }

    #[test]
    fn a_list_round_trips() {
        let two = list(2, role("a b c", 2), role("x", 1));
        let text = two.to_string();
        assert_eq!(
            text,
            format!(
                "rockon-sync keys example.org/rockons\n# version 2\n# root 2\nroot {}\nroot {}\n\
                 root {}\n# head 1\nhead {}\n",
                public("a"),
                public("b"),
                public("c"),
                public("x"),
            )
        );
        assert_eq!(KeyList::parse(&text).unwrap(), two);
        let extended = text.replace("# head", "# expires 2030-01-01T00:00:00Z\n# head");
        assert_eq!(KeyList::parse(&extended).unwrap(), two, "unknown lines are ignored");
    }

    #[test]
    fn lists_have_one_path() {
        assert_eq!(path_of(12).as_str(), "keys/12");
        for (path, version) in [
            ("keys/12", Some(12)),
            ("keys/0", None),
            ("keys/01", None),
            ("keys/+1", None),
            ("keys/x", None),
            ("keys/1/2", None),
            ("keys", None),
            ("1", None),
        ] {
            assert_eq!(version_at(path), version, "{path}");
        }
    }

    #[test]
    fn invalid_lists_are_refused_with_the_line() {
        let good = list(1, role("a b", 1), role("x", 1)).to_string();
        let (a, x) = (public("a").to_string(), public("x").to_string());
        for (from, to, expected) in [
            ("rockon-sync keys ", "rockon-sync key ", "expected \"rockon-sync keys <name>\""),
            ("example.org/rockons\n", "two words\n", "expected a name"),
            ("example.org/rockons\n", "\n", "expected a name"),
            ("# version 1", "# version 0", "expected version 1 or later, got 0"),
            ("# version 1", "# version +1", "line 2: `version`: expected a whole number"),
            ("# version 1", "# version 01", "line 2: `version`: expected a whole number"),
            ("# version 1\n", "", "missing `# version`"),
            ("# version 1", "# version 1\n# version 1", "line 3: duplicate key `version`"),
            ("# version 1", "# requires paper", "\"paper\" needs a newer client"),
            ("# root 1\n", "", "missing `# root`"),
            ("# head 1\n", "", "missing `# head`"),
            ("# root 1", "# root 0", "the root threshold cannot be met: 0 of 2 keys"),
            ("# root 1", "# root 3", "the root threshold cannot be met: 3 of 2 keys"),
            ("# root 1", "# root -1", "line 3: `root`: expected a whole number"),
            ("# head 1", "# head 2", "the head threshold cannot be met: 2 of 1 keys"),
            ("# head 1", "\n# head 1", "line 6: expected `root <key>`"),
            ("# head 1", "hello world\n# head 1", "line 6: expected `root <key>`"),
            (&x, &a, "is both a root key and a head key"),
            (&x, &x[..x.len() - 4], "not a usable key"),
        ] {
            let text = good.replacen(from, to, 1);
            assert_ne!(text, good);
            assert!(invalid(&text).contains(expected), "{to}: {}", invalid(&text));
        }
        let twice = good.replace("# head 1", &format!("root {a}\n# head 1"));
        assert!(invalid(&twice).contains("duplicate root key example.org/a"));
    }

    #[test]
    fn a_key_under_two_names_is_one_key() {
        let alias = VerifierKey::new("example.org/alias", public("a").public_key()).unwrap();
        for (root, head, expected) in [
            (vec![public("a"), alias.clone()], vec![public("x")], "duplicate root key"),
            (vec![public("a")], vec![alias], "both a root key and a head key"),
        ] {
            let (root, head) = (KeyRole::new(root, 1), KeyRole::new(head, 1));
            let error = KeyList::new("example.org/rockons", 1, root, head).unwrap_err();
            assert!(error.to_string().contains(expected), "{error}");
        }
    }

    #[test]
    fn lists_and_roles_are_limited() {
        let names = |n: usize| (0..n).map(|n| format!("k{n} ")).collect::<String>();
        let root = role(&names(MAX_ROLE_KEYS), 1);
        list(1, root, role("x", 1));
        let root = role(&names(MAX_ROLE_KEYS + 1), 1);
        let error = KeyList::new("n", 1, root.clone(), role("x", 1)).unwrap_err();
        assert!(error.to_string().contains("at most 32 root keys, got 33"), "{error}");
        let text = KeyList { name: "n".into(), version: 1, root, head: role("x", 1) }.to_string();
        assert!(invalid(&text).contains("at most 32 root keys, got 33"));
        let mut large = signed(&list(1, role("a", 1), role("x", 1)), "a").as_str().to_owned();
        large.insert_str(large.find("# version").unwrap(), &format!("# {} x\n", "y".repeat(16384)));
        let error = SignedKeyList::parse(large.as_bytes()).unwrap_err();
        assert!(error.to_string().contains("at most 16384 bytes"), "{error}");
    }

    /// The message of the error, or "valid".
    fn after(old: &KeyList, new: &SignedKeyList) -> String {
        new.check_after(old).map_or_else(|error| error.to_string(), |()| "valid".to_owned())
    }

    #[test]
    fn a_list_needs_enough_root_keys_of_the_list_before_and_its_own() {
        let old = list(1, role("a b c", 2), role("x", 1));
        let new = list(2, role("b c d", 2), role("y", 1));
        for (signers, expected) in [
            ("b c", "valid"),
            ("a b d", "valid"),
            ("a b", "key list 2 is not signed by enough of its own root keys"),
            ("c d", "key list 2 is not signed by enough of the root keys of list 1"),
            ("b", "got only example.org/b"),
            ("x y", "expected 2 of example.org/a"),
        ] {
            let got = after(&old, &signed(&new, signers));
            assert!(got.contains(expected), "{signers}: {got}");
        }
    }

    #[test]
    fn each_key_counts_once() {
        let old = list(1, role("a b", 2), role("x", 1));
        let new = list(2, role("a b", 2), role("x", 1));
        let once = signed(&new, "a").as_str().to_owned();
        let line = signing("a").signature_line(&new.to_string());
        let twice = SignedKeyList::parse(format!("{once}{line}").as_bytes()).unwrap();
        assert!(after(&old, &twice).contains("expected 2 of"), "{}", after(&old, &twice));
    }

    #[test]
    fn a_list_must_have_the_next_version_and_the_same_name() {
        let (root, head) = (role("a", 1), role("x", 1));
        let old = list(3, root.clone(), head.clone());
        for (version, expected) in [(2, "got version 2"), (3, "got version 3"), (5, "version 5")] {
            let got = after(&old, &signed(&list(version, root.clone(), head.clone()), "a"));
            assert!(got.contains("expected a key list after version 3"), "{got}");
            assert!(got.contains(expected), "{got}");
        }
        let other = KeyList::new("example.org/other", 4, root, head).unwrap();
        let got = after(&old, &signed(&other, "a"));
        assert!(got.contains("expected the name example.org/rockons, got example.org/other"));
    }

    #[test]
    fn an_invalid_signature_of_a_listed_key_is_refused() {
        let old = list(1, role("a b", 1), role("x", 1));
        let new = list(2, role("a b", 1), role("x", 1));
        let valid = signed(&new, "a").as_str().to_owned();
        let forged = signing("b").signature_line("another text\n");
        let got =
            after(&old, &SignedKeyList::parse(format!("{valid}{forged}").as_bytes()).unwrap());
        assert!(got.contains("the signature by example.org/b"), "{got}");
        assert!(got.contains("is invalid"), "{got}");
    }

    #[test]
    fn signatures_are_added_once() {
        let draft = SignedKeyList::unsigned(list(1, role("a b", 2), role("x", 1)));
        assert_eq!(SignedKeyList::parse_draft(draft.as_str().as_bytes()).unwrap(), draft);
        assert!(draft.check_itself().is_err());
        let one = draft.sign(&[signing("a")]).unwrap();
        assert_eq!(one.sign(&[signing("a")]).unwrap(), one);
        assert_eq!(one, signed(draft.list(), "a"));
        let both = one.sign(&[signing("b"), signing("b")]).unwrap();
        both.check_itself().unwrap();
        assert_eq!(both.as_str(), signed(draft.list(), "a b").as_str());
        assert_eq!(both.sign(&[]).unwrap(), both);
        assert_eq!(draft.sign(&[]).unwrap(), draft);
    }
}

//! The keys that a client trusts.
//!
//! A client begins with keys that it was given. They count as list 0: each may sign heads, and each
//! may sign the first key list. From there on, a list is accepted if it follows the one before it.

use super::list::SignedKeyList;
use super::{KeyList, Note, VerifierKey, ids};
use crate::base::error::{Error, Result, impl_from};
use crate::base::limits::{MAX_KEY_LISTS, MAX_KEY_LISTS_AT_ONCE};

#[cfg(doc)]
use crate::base::error::ErrorKind;

/// The keys given to a client, and the key lists that they lead to.
///
/// Without given keys, there are no lists either, and unsigned heads are accepted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct TrustedKeys {
    given: Vec<VerifierKey>,
    /// Oldest first, with consecutive versions. The newest one applies.
    lists: Vec<SignedKeyList>,
}

impl TrustedKeys {
    /// Returns these keys, without lists.
    pub(crate) fn new(given: Vec<VerifierKey>) -> TrustedKeys {
        TrustedKeys { given, lists: Vec::new() }
    }

    /// Returns keys and lists that were verified before.
    ///
    /// # Errors
    /// [`ErrorKind::Trust`] if the versions are not consecutive.
    pub(crate) fn verified_before(
        given: Vec<VerifierKey>,
        lists: Vec<SignedKeyList>,
    ) -> Result<TrustedKeys> {
        let version = |list: &SignedKeyList| list.list().version();
        let is_next =
            |pair: &[SignedKeyList]| version(&pair[0]).checked_add(1) == Some(version(&pair[1]));
        match lists.windows(2).all(is_next) && (lists.is_empty() || !given.is_empty()) {
            true => Ok(TrustedKeys { given, lists }),
            false => Err(Untrusted::Gap.into()),
        }
    }

    /// True if unsigned heads are accepted.
    pub(crate) fn is_empty(&self) -> bool {
        self.given.is_empty()
    }

    pub(crate) fn given(&self) -> &[VerifierKey] {
        &self.given
    }

    pub(crate) fn lists(&self) -> &[SignedKeyList] {
        &self.lists
    }

    /// Returns the key list that applies; `None` if the given keys do.
    pub(crate) fn newest(&self) -> Option<&KeyList> {
        self.lists.last().map(SignedKeyList::list)
    }

    /// Returns the version of the key list that applies, 0 for the given keys.
    pub(crate) fn version(&self) -> u64 {
        self.newest().map_or(0, KeyList::version)
    }

    /// True if these are the given keys, in any order.
    pub(crate) fn began_with(&self, keys: &[VerifierKey]) -> bool {
        self.given.iter().all(|key| keys.contains(key))
            && keys.iter().all(|key| self.given.contains(key))
    }

    /// Returns the number of key lists between the newest one and the one that a head names.
    ///
    /// # Errors
    /// [`ErrorKind::Trust`] if the head names an older list, or one that is too far away.
    pub(crate) fn distance_to(&self, named: u64) -> Result<u64> {
        let newest = self.version();
        let distance = named.checked_sub(newest).ok_or(Untrusted::Older { named, newest })?;
        if newest > 0 && distance > MAX_KEY_LISTS_AT_ONCE {
            return Err(Untrusted::TooFar { named, newest }.into());
        }
        Ok(distance)
    }

    /// Returns the keys with one more list, which must have this version.
    ///
    /// # Errors
    /// [`ErrorKind::Trust`] if it is not signed by enough root keys of the list before and its own.
    /// The first list must be signed by one of the given keys instead.
    pub(crate) fn with_list(&self, bytes: &[u8], version: u64) -> Result<TrustedKeys> {
        let list = SignedKeyList::parse(bytes)?;
        let got = list.list().version();
        if got != version {
            return Err(Untrusted::Version { expected: version, got }.into());
        }
        match self.newest() {
            None => list.check_first(&self.given)?,
            Some(newest) => list.check_after(newest)?,
        }
        if self.lists.len() >= MAX_KEY_LISTS {
            return Err(Untrusted::TooMany.into());
        }
        let lists = [&*self.lists, &[list]].concat();
        Ok(TrustedKeys { given: self.given.clone(), lists })
    }

    /// Fails unless enough keys have signed a head that names this list. If no key is trusted,
    /// unsigned heads are accepted.
    pub(crate) fn check_head(&self, bytes: &[u8], named: u64) -> Result<()> {
        if self.is_empty() {
            return Ok(());
        }
        let newest = self.version();
        if named != newest {
            return Err(match self.distance_to(named) {
                Err(error) => error,
                Ok(_) => Untrusted::Newer { named, newest }.into(),
            });
        }
        let parse = |keys: &[VerifierKey]| {
            let expected = ids(keys, " or ");
            Note::parse(bytes).map_err(|problem| Untrusted::Head { expected, problem })
        };
        match self.newest() {
            None => parse(&self.given)?.verify(&self.given).map(drop),
            Some(list) => list.head().check(&parse(&list.head().keys)?).map_err(Error::from),
        }
    }

    /// True if the serial of a head that names this key list is a lower bound for others. A list
    /// that removes a head key ends that, because a thief may have used the key for a huge serial.
    pub(crate) fn bound_serials_of(&self, named: u64) -> bool {
        let mut keys = &*self.given;
        let mut since = 0;
        for list in self.lists.iter().map(SignedKeyList::list) {
            let next = &*list.head().keys;
            if keys.iter().any(|key| !next.contains(key)) {
                since = list.version();
            }
            keys = next;
        }
        named >= since
    }
}

#[derive(Debug, thiserror::Error)]
enum Untrusted {
    #[error("expected a head signed by {expected}: {problem}")]
    Head { expected: String, problem: Error },
    #[error("the head names key list {named}, and the newest one known is {newest}")]
    Older { named: u64, newest: u64 },
    #[error("the head names key list {named}, and only lists up to {newest} were found")]
    Newer { named: u64, newest: u64 },
    #[error(
        "the head names key list {named}, and the newest one known is {newest}: expected at most \
         {MAX_KEY_LISTS_AT_ONCE} new lists; trust a root key of the newest list"
    )]
    TooFar { named: u64, newest: u64 },
    #[error("expected key list {expected}, got version {got}")]
    Version { expected: u64, got: u64 },
    #[error("expected consecutive key lists after given keys")]
    Gap,
    #[error("expected at most {MAX_KEY_LISTS} key lists; trust a root key of the newest list")]
    TooMany,
}

impl_from!(Untrusted => Trust);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::note::list::tests::{list, public, role, signed, signing};
    use crate::tree::note::sign_note;

    /// Returns the text of a head that names a key list, signed by the keys with these names.
    fn head(text: &str, signers: &str) -> Vec<u8> {
        let keys: Vec<_> = signers.split_whitespace().map(signing).collect();
        sign_note(&format!("{text}\n"), &keys).unwrap().into_bytes()
    }

    fn accepted(trust: &TrustedKeys, list: &SignedKeyList) -> Result<TrustedKeys> {
        trust.with_list(list.as_str().as_bytes(), list.list().version())
    }

    fn check(trust: &TrustedKeys, signers: &str, named: u64) -> String {
        let checked = trust.check_head(&head("a", signers), named);
        checked.map_or_else(|error| error.to_string(), |()| "valid".to_owned())
    }

    /// Keys that were given: "x". List 1 has the root keys "a b", of which one must sign, and the
    /// head keys "x y z", of which two must.
    fn followed() -> TrustedKeys {
        let first = list(1, role("a b", 1), role("x y z", 2));
        accepted(&TrustedKeys::new(vec![public("x")]), &signed(&first, "x a")).unwrap()
    }

    #[test]
    fn given_keys_count_as_list_0() {
        let trust = TrustedKeys::new(vec![public("x"), public("y")]);
        assert_eq!(check(&trust, "y", 0), "valid");
        assert!(check(&trust, "z", 0).contains("expected a signature by example.org/x"));
        let first = list(1, role("a b", 2), role("x", 1));
        for (signers, expected) in [
            ("y a b", Ok(1)),
            ("a b", Err("key list 1 is not signed by enough of the given keys")),
            ("x y a", Err("key list 1 is not signed by enough of its own root keys")),
        ] {
            match (accepted(&trust, &signed(&first, signers)), expected) {
                (Ok(trust), Ok(version)) => assert_eq!(trust.version(), version),
                (Err(error), Err(expected)) => {
                    assert!(error.to_string().contains(expected), "{error}");
                }
                (got, _) => panic!("{signers}: {got:?}"),
            }
        }
    }

    #[test]
    fn a_head_needs_the_threshold_of_distinct_head_keys() {
        let trust = followed();
        assert_eq!(check(&trust, "x y", 1), "valid");
        assert_eq!(check(&trust, "a x z", 1), "valid");
        for (signers, expected) in [
            ("x", "expected 2 of example.org/x"),
            ("x a b", "got only example.org/x"),
            ("a b", "expected a signature by example.org/x"),
        ] {
            assert!(check(&trust, signers, 1).contains(expected), "{}", check(&trust, signers, 1));
        }
        let once = String::from_utf8(head("a", "x")).unwrap();
        let twice = format!("{once}{}", signing("x").signature_line("a\n"));
        let error = trust.check_head(twice.as_bytes(), 1).unwrap_err();
        assert!(error.to_string().contains("got only example.org/x"), "{error}");
        let error = trust.check_head(b"a\n", 1).unwrap_err();
        assert!(error.to_string().contains("not a signed note"), "{error}");
    }

    #[test]
    fn a_head_must_name_the_newest_list() {
        let trust = followed();
        let older = "the head names key list 0, and the newest one known is 1";
        assert_eq!(check(&trust, "x y", 0), older);
        assert!(check(&trust, "x y", 2).contains("only lists up to 1 were found"));
        let far = check(&trust, "x y", 66);
        assert!(far.contains("at most 64 new lists"), "{far}");
        assert_eq!(trust.distance_to(65).unwrap(), 64);
        assert_eq!(TrustedKeys::new(vec![public("x")]).distance_to(u64::MAX).unwrap(), u64::MAX);
    }

    #[test]
    fn lists_are_followed_one_by_one() {
        let trust = followed();
        let third = signed(&list(3, role("a b", 1), role("x", 1)), "a");
        let error = accepted(&trust, &third).unwrap_err();
        assert!(error.to_string().contains("after version 1, got version 3"), "{error}");
        let error = trust.with_list(third.as_str().as_bytes(), 2).unwrap_err();
        assert_eq!(error.to_string(), "expected key list 2, got version 3");
        let second = signed(&list(2, role("a b", 1), role("x", 1)), "a");
        let trust = accepted(&trust, &second).unwrap();
        assert_eq!(accepted(&trust, &third).unwrap().version(), 3);
    }

    #[test]
    fn serials_start_again_with_a_list_that_removes_a_head_key() {
        let trust = TrustedKeys::new(vec![public("x")]);
        let mut bounds = vec![trust.bound_serials_of(0)];
        let mut followed = trust;
        for (version, head, signers) in
            [(1, "x", "x a"), (2, "x y", "a"), (3, "y", "a"), (4, "y z", "a")]
        {
            let next = signed(&list(version, role("a", 1), role(head, 1)), signers);
            followed = accepted(&followed, &next).unwrap();
            bounds.push(followed.bound_serials_of(2));
        }
        assert_eq!(bounds, [true, true, true, false, false]);
        assert!(followed.bound_serials_of(3));
    }

    #[test]
    fn the_given_keys_are_compared_as_a_set() {
        let trust = TrustedKeys::new(vec![public("x"), public("y")]);
        assert!(trust.began_with(&[public("y"), public("x")]));
        assert!(!trust.began_with(&[public("x")]));
        assert!(!trust.began_with(&[public("x"), public("y"), public("z")]));
    }

    #[test]
    fn lists_with_a_gap_are_refused() {
        let of = |version| signed(&list(version, role("a", 1), role("x", 1)), "a");
        let given = || vec![public("x")];
        assert!(TrustedKeys::verified_before(given(), vec![of(2), of(3)]).is_ok());
        assert!(TrustedKeys::verified_before(given(), vec![of(1), of(3)]).is_err());
        assert!(TrustedKeys::verified_before(Vec::new(), vec![of(1)]).is_err());
    }
}

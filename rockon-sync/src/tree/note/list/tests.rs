//! Key lists, modeled on the cases of TUF's conformance suite.

use super::*;
use crate::base::error::ErrorKind;
use crate::tree::note::{SigningKey, sign_note};

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
    let got = after(&old, &SignedKeyList::parse(format!("{valid}{forged}").as_bytes()).unwrap());
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

//! `keys`: key lists in files, and what is refused.

#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
#![allow(clippy::disallowed_methods, reason = "tests may look at paths")]

mod catalog;

use std::fs;

use rockon_sync::keys::SigningKey;

use catalog::{TestCatalog, code, stderr, stdout};

/// A directory with a private key in `<name>.key` for each of `a`, `b`, `c`, `x` and `y`.
struct KeyDir(TestCatalog);

impl KeyDir {
    fn new() -> KeyDir {
        let dir = KeyDir(TestCatalog::new());
        for name in ["a", "b", "c", "x", "y"] {
            key(name).write(dir.0.path(&format!("{name}.key"))).unwrap();
        }
        dir
    }

    /// Runs `keys` with these arguments, in which `@a` is the public key a.
    fn keys(&self, line: &str) -> (i32, String, String) {
        let args = line.split(' ').map(|arg| match arg.strip_prefix('@') {
            Some(name) => key(name).verifier_key().to_string(),
            None => arg.to_owned(),
        });
        let args: Vec<String> = ["keys".to_owned()].into_iter().chain(args).collect();
        let output = self.0.run(&args.iter().map(String::as_str).collect::<Vec<_>>());
        (code(&output), stdout(&output), stderr(&output))
    }

    fn done(&self, line: &str) -> String {
        let (code, out, errors) = self.keys(line);
        assert_eq!((code, &*errors), (0, ""), "{line}");
        out
    }

    /// Asserts that a command fails with this code and message, and changes no list.
    fn refused(&self, line: &str, expected_code: i32, expected: &str) {
        let read = || ["one", "two"].map(|list| fs::read(self.0.path(list)).ok());
        let before = read();
        let (code, _, errors) = self.keys(line);
        assert_eq!(code, expected_code, "{line}: {errors}");
        assert!(errors.contains(expected), "{line}: {errors}");
        assert_eq!(before, read(), "{line}");
    }

    /// Writes the list `one` with the root keys a, b, and c, of which two must sign.
    fn draft(&self) {
        self.done("new example.org/n --root @a --root @b --root @c --root-threshold 2 --head @x --out one");
    }
}

fn key(name: &str) -> SigningKey {
    SigningKey::from_seed(&format!("example.org/{name}"), [name.as_bytes()[0]; 32]).unwrap()
}

#[test]
fn a_list_is_signed_by_one_person_after_the_other() {
    let dir = KeyDir::new();
    dir.draft();
    let shown = dir.done("show one");
    assert!(shown.starts_with("example.org/n, key list 1\n2 of 3 root keys must sign"), "{shown}");
    assert!(shown.contains("not signed by enough of its own root keys"), "{shown}");
    dir.done("sign one --sign-key a.key");
    dir.done("sign one --sign-key a.key --sign-key c.key");
    let shown = dir.done("show one");
    let (a, b) = (key("a").verifier_key().id(), key("b").verifier_key().id());
    assert!(shown.contains(&format!("  {a}  has signed\n  {b}  has not signed\n")), "{shown}");
    assert!(shown.ends_with("\nsigned by enough keys\n"), "{shown}");
    let json: serde_json::Value = serde_json::from_str(&dir.done("show one --json")).unwrap();
    assert_eq!(json["version"], 1);
    assert_eq!(json["root"]["threshold"], 2);
    assert_eq!(json["head"]["keys"][0], key("x").verifier_key().to_string());
    assert_eq!(json["signed_by"].as_array().unwrap().len(), 2);
    assert_eq!(json["problem"], serde_json::Value::Null);
}

#[test]
fn the_next_list_is_made_of_a_signed_one() {
    let dir = KeyDir::new();
    dir.draft();
    dir.done("add one --head @y --head-threshold 2");
    dir.done("remove one --head example.org/y --head-threshold 1");
    dir.done("sign one --sign-key a.key --sign-key b.key");
    dir.done("add one --head @y --out two");
    let id = key("x").verifier_key().id();
    dir.done(&format!("remove two --head {id}"));
    let text = fs::read_to_string(dir.0.path("two")).unwrap();
    assert!(text.contains("\n# version 2\n") && !text.contains("example.org/x"), "{text}");
    dir.done("sign two --sign-key b.key --sign-key c.key --previous one");
    dir.done("show two --previous one");
    let (code, shown, _) = dir.keys("show one --previous two");
    assert_eq!(code, 4);
    assert!(shown.contains("expected a key list after version 2, got version 1"), "{shown}");
}

#[test]
fn lists_that_cannot_work_are_refused() {
    let dir = KeyDir::new();
    let new = "new example.org/n --out one";
    for (more, expected) in [
        ("--root @a --head @x --root-threshold 2", "the root threshold cannot be met: 2 of 1 keys"),
        ("--root @a --head @x --head-threshold 0", "the head threshold cannot be met: 0 of 1 keys"),
        ("--root @a --root @a --head @x", "duplicate root key example.org/a"),
        ("--root @a --head @a", "is both a root key and a head key"),
    ] {
        dir.refused(&format!("{new} {more}"), 4, expected);
    }
    dir.draft();
    dir.refused("add one --head @a", 4, "is both a root key and a head key");
    dir.refused("remove one --head example.org/x", 4, "the head threshold cannot be met");
    dir.refused("remove one --root example.org/y", 1, "no key example.org/y in this role");
    dir.refused(&format!("{new} --root @a --head @x"), 1, "File exists");
    dir.done("add one --root @y --root-threshold 3");
}

#[test]
fn a_signed_list_is_never_changed_and_none_is_skipped() {
    let dir = KeyDir::new();
    dir.draft();
    dir.done("sign one --sign-key a.key");
    dir.refused("add one --head @y", 2, "this list is signed and cannot be changed");
    dir.refused("add one --head @y --out two", 4, "not signed by enough of its own root keys");
    dir.done("sign one --sign-key b.key");
    dir.done("add one --head @y --out two");
    dir.done("sign two --sign-key a.key --sign-key b.key");
    dir.done("remove two --head example.org/y --out three");
}

#[test]
fn only_keys_whose_signature_counts_sign() {
    let dir = KeyDir::new();
    dir.draft();
    dir.refused("sign one --sign-key y.key", 4, "expected a root key of key list 1");
    dir.refused("sign one --sign-key x.key", 4, "or a key that clients trust today");
    dir.refused("sign one --sign-key a.key --sign-key y.key", 4, "expected a root key");
    dir.done("sign one --sign-key x.key --trust-key @x");
    dir.refused("show one --trust-key @x --previous one", 2, "cannot be used with");
    dir.done("sign one --sign-key a.key --sign-key b.key");
    dir.done("show one --trust-key @x");
    let (code, shown, _) = dir.keys("show one --trust-key @y");
    assert_eq!(code, 4);
    assert!(shown.contains("not signed by enough of the given keys"), "{shown}");
    dir.done("remove one --root example.org/a --root-threshold 1 --out two");
    dir.refused("sign two --sign-key a.key", 4, "or of the previous list (--previous)");
    dir.done("sign two --sign-key a.key --sign-key b.key --sign-key c.key --previous one");
    dir.refused("sign one --sign-key a.key --previous two", 4, "after version 2, got version 1");
    dir.done("show two --previous one");
}

#[test]
fn a_private_key_in_the_wrong_place_is_not_repeated() {
    let dir = KeyDir::new();
    let secret = fs::read_to_string(dir.0.path("a.key")).unwrap();
    let secret = secret.trim();
    let line = format!("new example.org/n --root {secret} --head @x --out one");
    let (code, out, errors) = dir.keys(&line);
    assert_eq!(code, 2);
    assert!(errors.contains("expected a public key, got a private key"), "{errors}");
    assert!(!out.contains(secret) && !errors.contains(secret));
}

#[test]
fn status_and_verify_show_the_list() {
    let dir = KeyDir::new();
    dir.done("new example.org/n --root @a --head @x --head @y --out one");
    dir.done("sign one --sign-key a.key");
    let run = |line: &str| dir.0.run(&line.split(' ').collect::<Vec<_>>());
    assert_eq!(code(&run("publish catalog --out listed --sign-key x.key --keys one")), 0);
    let trusted = format!("--trust-key {}", key("a").verifier_key());
    assert_eq!(code(&run(&format!("update --store store --source listed {trusted}"))), 0);
    let ids = ["x", "y"].map(|name| key(name).verifier_key().id());
    let shown = stdout(&run("status --store store"));
    let expected = format!("signed by 1 of {} or {} (key list 1)", ids[0], ids[1]);
    assert!(shown.contains(&expected), "{shown}");
    let json = dir.0.json(&["status", "--store", "store", "--json"]);
    assert_eq!(json["sources"][0]["key_list"]["version"], 1);
    // A head whose signatures fall short.
    let head = dir.0.path("store/rockstor/current/root.sha");
    let text = fs::read_to_string(&head).unwrap();
    fs::remove_file(&head).unwrap();
    fs::write(&head, text.split_once("\n\n").unwrap().0.to_owned() + "\n").unwrap();
    let output = run("verify --store store");
    assert_eq!(code(&output), 4);
    let shown = stdout(&output);
    assert!(
        shown.contains("rockstor: the head is not trusted: expected a head signed by"),
        "{shown}"
    );
}

//! The test server of the C programs, with good and bad trees.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rockon_sync_core::keys::{KeyList, KeyRole, SigningKey, sign_note};
use rockon_sync_core::publish::Publisher;
use rockon_sync_core::{Digest, Timestamp};
use rockon_sync_tests::{Action, Match, Server, Times};
use tempfile::TempDir;

/// The length of a server's silence: longer than any test runs.
const SILENCE: Duration = Duration::from_secs(60);

/// A server, and a directory for the program.
pub(crate) struct World {
    pub(crate) server: Server,
    served: TempDir,
    scratch: TempDir,
}

impl World {
    pub(crate) fn new() -> World {
        let served = tempfile::tempdir().unwrap();
        put_trees(served.path());
        put_key_list(served.path());
        let server = Server::serve(served.path());
        let forbidden = Action::Respond { status: 403, headers: Vec::new(), body: Vec::new() };
        for (dir, action) in [
            ("forbidden/", forbidden),
            ("cut/", Action::CloseBeforeAnswer),
            ("silent/", Action::Delay(SILENCE)),
        ] {
            server.on(Match::Prefix(dir.into()), Times::Always, action);
        }
        World { server, served, scratch: tempfile::tempdir().unwrap() }
    }

    /// Returns the arguments of a C test program.
    pub(crate) fn arguments(&self) -> [String; 3] {
        let text = |path: &Path| path.to_str().unwrap().to_owned();
        [self.server.url(), text(self.scratch.path()), text(self.served.path())]
    }
}

/// Creates the served directories:
///
/// | directory | contents |
/// |---|---|
/// | `catalog` | the sample catalog, which is a v1 tree |
/// | `v2`, `older` | its second publication, with former names of Kopia, and its first |
/// | `one` | a publication of a single entry |
/// | `expired` | an expired publication |
/// | `bad-definition` | a v1 tree with one valid and one invalid definition |
/// | `bad-catalog` | the same, as a catalog directory |
/// | `not-a-head` and others | trees with the defect in their name |
fn put_trees(dir: &Path) {
    let catalog = dir.join("catalog");
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../demo/catalog"), &catalog);
    publish(&catalog, dir.join("v2"));
    copy_tree(&dir.join("v2"), &dir.join("older"));
    let changed = catalog.join("kopia.json");
    let text = fs::read_to_string(&changed).unwrap();
    let text = text.replacen("\"Kopia\": {", "\"Kopia\": {\"formerly\": [\"Backup\", \"Old\"],", 1);
    assert!(text.contains("formerly"));
    fs::write(&changed, text).unwrap();
    publish(&catalog, dir.join("v2"));
    let expiring = Publisher::new(&catalog).out(dir.join("expired")).expires_in_days(1);
    expiring.published(Timestamp::from_unix(1_000_000_000).unwrap()).run().unwrap();

    let small = dir.join("small-catalog");
    fs::create_dir(&small).unwrap();
    fs::copy(catalog.join("kopia.json"), small.join("kopia.json")).unwrap();
    fs::write(small.join("root.json"), r#"{"kopia": "kopia.json"}"#).unwrap();
    publish(&small, dir.join("one"));

    for (name, head, manifest) in [
        ("not-a-head", "this is not a head".to_owned(), "{}"),
        ("not-a-manifest", Digest::of(b"[]").to_string(), "[]"),
        ("other-bytes", Digest::of(b"promised").to_string(), "{}"),
        ("large-head", "x".repeat(17 * 1024), "{}"),
    ] {
        put_tree(&dir.join(name), &head, manifest);
    }

    let bad = dir.join("bad-catalog");
    copy(&small, &bad);
    fs::write(bad.join("broken.json"), "{\n  \"Broken\": nonsense\n}").unwrap();
    fs::write(bad.join("root.json"), r#"{"broken": "broken.json", "kopia": "kopia.json"}"#)
        .unwrap();
    // Without digests: an update checks only the definitions of a v1 tree.
    copy(&bad, &dir.join("bad-definition"));
}

/// Creates a signed key list, `key-list`, with the private key `head.key` and the public root key
/// `root.pub`.
fn put_key_list(dir: &Path) {
    let key = |name: &str, seed| SigningKey::from_seed(name, [seed; 32]).unwrap();
    let (root, head) = (key("example.org/root", 1), key("example.org/head", 2));
    let role = |key: &SigningKey| KeyRole::new(vec![key.verifier_key().clone()], 1);
    let list = KeyList::new("example.org/rockons", 1, role(&root), role(&head)).unwrap();
    head.write(dir.join("head.key")).unwrap();
    fs::write(dir.join("root.pub"), format!("{}\n", root.verifier_key())).unwrap();
    fs::write(dir.join("key-list"), sign_note(&list.to_string(), &[root]).unwrap()).unwrap();
}

fn publish(catalog: &Path, out: PathBuf) {
    Publisher::new(catalog).out(out).run().unwrap();
}

fn put_tree(dir: &Path, head: &str, manifest: &str) {
    fs::create_dir_all(dir).unwrap();
    fs::write(dir.join("root.sha"), head).unwrap();
    fs::write(dir.join("root.json"), manifest).unwrap();
}

/// Copies the files of a directory.
fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_file() {
            fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

/// Copies a directory with its subdirectories.
fn copy_tree(from: &Path, to: &Path) {
    copy(from, to);
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            copy_tree(&entry.path(), &to.join(entry.file_name()));
        }
    }
}

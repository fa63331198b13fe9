//! What the C programs talk to: a test server with good trees and bad ones.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rockon_sync_core::{Digest, Publisher, Timestamp};
use rockon_sync_tests::{Action, Match, Server, Times};
use tempfile::TempDir;

/// How long a silent server keeps silent: longer than any test waits.
const SILENCE: Duration = Duration::from_secs(60);

/// A server, and a folder for the program.
pub(crate) struct World {
    pub(crate) server: Server,
    served: TempDir,
    scratch: TempDir,
}

impl World {
    pub(crate) fn new() -> World {
        let served = tempfile::tempdir().unwrap();
        put_trees(served.path());
        let server = Server::serve(served.path());
        let forbidden = Action::Respond { status: 403, headers: Vec::new(), body: Vec::new() };
        for (folder, action) in [
            ("forbidden/", forbidden),
            ("cut/", Action::CloseBeforeAnswer),
            ("silent/", Action::Delay(SILENCE)),
        ] {
            server.on(Match::Prefix(folder.into()), Times::Always, action);
        }
        World { server, served, scratch: tempfile::tempdir().unwrap() }
    }

    /// The arguments of a C test program.
    pub(crate) fn arguments(&self) -> [String; 3] {
        let text = |path: &Path| path.to_str().unwrap().to_owned();
        [self.server.url(), text(self.scratch.path()), text(self.served.path())]
    }
}

/// | folder | is |
/// |---|---|
/// | `catalog` | the sample catalog, and so a v1 tree |
/// | `v2`, `older` | it in its second publication and in its first |
/// | `one` | a publication of a single entry |
/// | `expired` | a publication of long ago |
/// | `bad-definition` | a tree of one good entry and one that is no definition |
/// | `bad-catalog` | the same, to be published |
/// | `not-a-head` and the like | trees that are what their name says |
fn put_trees(folder: &Path) {
    let catalog = folder.join("catalog");
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../demo/catalog"), &catalog);
    publish(&catalog, folder.join("v2"));
    copy_tree(&folder.join("v2"), &folder.join("older"));
    let changed = catalog.join("kopia.json");
    let text = fs::read_to_string(&changed).unwrap();
    fs::write(&changed, text + "\n").unwrap();
    publish(&catalog, folder.join("v2"));
    let expiring = Publisher::new(&catalog).out(folder.join("expired")).expires_in_days(1);
    expiring.published(Timestamp::from_unix(1_000_000_000).unwrap()).run().unwrap();

    let small = folder.join("small-catalog");
    fs::create_dir(&small).unwrap();
    fs::copy(catalog.join("kopia.json"), small.join("kopia.json")).unwrap();
    fs::write(small.join("root.json"), r#"{"kopia": "kopia.json"}"#).unwrap();
    publish(&small, folder.join("one"));

    for (name, head, manifest) in [
        ("not-a-head", "this is no head".to_owned(), "{}"),
        ("not-a-manifest", Digest::of(b"[]").to_string(), "[]"),
        ("other-bytes", Digest::of(b"promised").to_string(), "{}"),
        ("large-head", "x".repeat(17 * 1024), "{}"),
    ] {
        put_tree(&folder.join(name), &head, manifest);
    }

    let bad = folder.join("bad-catalog");
    copy(&small, &bad);
    fs::write(bad.join("broken.json"), "{\n  \"Broken\": nonsense\n}").unwrap();
    fs::write(bad.join("root.json"), r#"{"broken": "broken.json", "kopia": "kopia.json"}"#)
        .unwrap();
    let digest = |name: &str| Digest::of(&fs::read(bad.join(name)).unwrap());
    let manifest = format!(
        r#"{{"broken": {{"url": "broken.json", "sha": "{}"}}, "kopia": {{"url": "kopia.json", "sha": "{}"}}}}"#,
        digest("broken.json"),
        digest("kopia.json"),
    );
    let tree = folder.join("bad-definition");
    copy(&bad, &tree);
    put_tree(&tree, &Digest::of(manifest.as_bytes()).to_string(), &manifest);
}

fn publish(catalog: &Path, out: PathBuf) {
    Publisher::new(catalog).out(out).run().unwrap();
}

fn put_tree(folder: &Path, head: &str, manifest: &str) {
    fs::create_dir_all(folder).unwrap();
    fs::write(folder.join("root.sha"), head).unwrap();
    fs::write(folder.join("root.json"), manifest).unwrap();
}

/// Copies the files of a folder.
fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_file() {
            fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

/// Copies a folder and those in it.
fn copy_tree(from: &Path, to: &Path) {
    copy(from, to);
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            copy_tree(&entry.path(), &to.join(entry.file_name()));
        }
    }
}

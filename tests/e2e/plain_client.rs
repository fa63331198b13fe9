//! An independent client, `tests/client/plain.py`, against published trees. The conformance vectors
//! judge it in detail.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use rockon_sync_tests::{Action, Match, Times};

use crate::world::{World, assert_same_files, files_of};

/// Most lines that the client may have: it shows how little is enough.
const MOST_LINES: usize = 70;

fn project() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// Runs the client. Returns its output and the paths it requested.
fn run(world: &World) -> (Output, Vec<String>) {
    world.server.take_log();
    let client = project().join("tests/client/plain.py");
    let mut command = Command::new("python3");
    command.arg(client).arg(world.server.url()).arg(world.path("plain"));
    for name in ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"] {
        command.env_remove(name);
    }
    let output = command.output().expect("python3 runs");
    let asked = world.server.take_log().into_iter().map(|exchange| exchange.path).collect();
    (output, asked)
}

/// Asserts that a run succeeds with these requests, and that the result equals the library's.
fn assert_follows(world: &World, expected: &[&str]) {
    let (output, asked) = run(world);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(asked, expected);
    world.update().unwrap();
    assert_same_files(&files_of(&world.current("")), &files_of(&world.path("plain/current")));
}

/// Asserts that a run fails with this message and changes nothing.
fn assert_refuses(world: &World, message: &str) {
    let before = files_of(&world.path("plain/current"));
    let (output, _) = run(world);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && stderr.contains(message), "{message}: {stderr}");
    assert_same_files(&before, &files_of(&world.path("plain/current")));
}

#[test]
fn a_directory_is_kept_up_to_date() {
    let world = World::packed("abc");
    assert_follows(&world, &["root.sha", "root.json", "a.json", "b.json", "c.json"]);
    assert_follows(&world, &["root.sha"]);
    world.define('b', "2");
    world.publish();
    assert_follows(&world, &["root.sha", "root.json", "b.json"]);
    let rows = ["a", "b"].map(|name| (name.to_owned(), format!("{name}.json")));
    world.write_list(&BTreeMap::from(rows));
    world.publish();
    assert_follows(&world, &["root.sha", "root.json"]);
}

#[test]
fn bad_files_leave_the_catalog_as_it_was() {
    let world = World::packed("ab");
    assert_follows(&world, &["root.sha", "root.json", "a.json", "b.json"]);
    let older = fs::read(world.path("tree/root.sha")).unwrap();
    world.define('b', "2");
    world.publish();

    let mut damaged = fs::read(world.path("tree/b.json")).unwrap();
    damaged[7] ^= 1;
    let damage = Action::ReplaceBody(damaged);
    world.server.on(Match::Path("b.json".into()), Times::Once, damage);
    assert_refuses(&world, "b.json: expected at most");
    assert_follows(&world, &["root.sha", "root.json", "b.json"]);

    let manifest = fs::read_to_string(world.path("tree/root.json")).unwrap();
    fs::write(world.path("tree/root.sha"), older).unwrap();
    assert_refuses(&world, "older than the current head");
    let digest = rockon_sync::Digest::of(manifest.as_bytes());
    let newer = format!("{digest}  root.json\n# serial 9\n# requires new\n");
    fs::write(world.path("tree/root.sha"), newer).unwrap();
    assert_refuses(&world, "needs a newer client");

    for path in ["../b.json", "/b.json", ".b", "x//b", "b\\u0000"] {
        let unsafe_one = manifest.replace("\"b.json\"", &format!("\"{path}\""));
        let digest = rockon_sync::Digest::of(unsafe_one.as_bytes());
        fs::write(world.path("tree/root.json"), unsafe_one).unwrap();
        fs::write(world.path("tree/root.sha"), format!("{digest}  root.json\n# serial 9\n"))
            .unwrap();
        assert_refuses(&world, "unsafe path");
    }
}

#[test]
fn the_client_is_short() {
    let client = fs::read_to_string(project().join("tests/client/plain.py")).unwrap();
    let is_code = |line: &&str| !line.is_empty() && !line.starts_with('#');
    let lines = client.lines().filter(is_code).count();
    assert!(lines <= MOST_LINES, "{lines} lines");
}

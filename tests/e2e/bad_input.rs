//! Bad input: the store stays unchanged, and the error has a kind and a location.

use std::fs;
use std::time::Duration;

use rockon_sync::{Digest, ErrorKind, MassDelete, Outcome, Rollback};
use rockon_sync_tests::{Action, Match, Times};

use crate::world::{World, assert_same_files, definition, files_of};

fn respond(status: u16, body: impl Into<Vec<u8>>) -> Action {
    Action::Respond { status, headers: vec![], body: body.into() }
}

/// Returns a world whose store is one publication behind the tree.
fn outdated_world() -> World {
    let world = World::v2("abcd");
    world.updated();
    world.define('a', "2");
    world.publish();
    world.server.reset();
    world
}

fn assert_refused(world: &World, kind: ErrorKind, expected: &str) {
    let before = files_of(&world.current(""));
    let error = world.update().expect_err(expected);
    assert_eq!(error.kind(), kind, "{expected}: {}", error.to_chain());
    assert!(error.to_chain().contains(expected), "{expected}: {}", error.to_chain());
    assert_same_files(&before, &files_of(&world.current("")));
}

#[test]
fn bad_heads_are_refused() {
    let wrong = format!("{}  root.json\n# serial 9\n", Digest::of(b"something else"));
    let unsafe_name = format!("{}  ../root.json\n", Digest::of(b""));
    let headers = vec![("X-Large".to_owned(), "x".repeat(20_000))];
    let large_headers = Action::Respond { status: 200, headers, body: Vec::new() };
    for (action, kind, expected) in [
        (
            respond(200, ""),
            ErrorKind::Head,
            "root.sha: not a head: line 1: expected a digest, got an empty line",
        ),
        (respond(200, "<html>log in</html>"), ErrorKind::Head, "got an HTML page"),
        (respond(200, "0".repeat(20_000)), ErrorKind::Limit, "expected at most 16384 bytes"),
        (respond(200, unsafe_name), ErrorKind::Head, "unsafe path"),
        (respond(200, wrong), ErrorKind::Integrity, "root.json: expected the digest"),
        (respond(404, ""), ErrorKind::Trust, "v2 tree before"),
        (large_headers, ErrorKind::Transport, "root.sha: expected at most 16384 bytes of headers"),
        (respond(500, ""), ErrorKind::Status, "expected status 200, got 500"),
        (respond(403, ""), ErrorKind::Status, "got 403"),
        (Action::CloseBeforeAnswer, ErrorKind::Transport, "root.sha: "),
        (
            Action::Redirect { status: 302, location: "/root.sha".into() },
            ErrorKind::Status,
            "expected at most 5 redirects",
        ),
        (
            Action::Redirect { status: 302, location: "file:///etc/passwd".into() },
            ErrorKind::Status,
            "redirect refused",
        ),
        (Action::Endless { byte: b'x' }, ErrorKind::Limit, "expected at most 16384 bytes"),
        (Action::ChunkedGarbage, ErrorKind::Transport, "root.sha: "),
    ] {
        let world = outdated_world();
        world.server.on(Match::Path("root.sha".into()), Times::Always, action);
        assert_refused(&world, kind, expected);
    }
}

#[test]
fn a_silent_server_fails_within_the_time_limit() {
    let world = outdated_world();
    let hold = Duration::from_secs(30);
    let stall = Action::Stall { after: 0, hold };
    world.server.on(Match::Path("root.sha".into()), Times::Always, stall);
    let store = world.store();
    let mut updater = rockon_sync::Updater::new(&store).timeout(Duration::from_millis(300));
    let error = updater.run(&world.source()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout, "{}", error.to_chain());
}

#[test]
fn bad_manifests_are_refused() {
    let sha = Digest::of(b"");
    let two = |a: &str, b: &str| {
        format!(
            "{{\"a\":{{\"url\":\"{a}\",\"sha\":\"{sha}\"}},\"b\":{{\"url\":\"{b}\",\"sha\":\"{sha}\"}}}}"
        )
    };
    for (manifest, kind, expected) in [
        ("{".to_owned(), ErrorKind::Manifest, "line 1 column 1"),
        ("<html>".to_owned(), ErrorKind::Manifest, "not a manifest"),
        (two("x", "y").replace("\"b\":", "\"a\":"), ErrorKind::Manifest, "duplicate id \"a\""),
        (two("x", "../y"), ErrorKind::Manifest, "entry \"b\": unsafe path"),
        (two("x", "/etc/y"), ErrorKind::Manifest, "unsafe path"),
        (two("x", "X"), ErrorKind::Manifest, "compared without case"),
        (two("x", "root.sha"), ErrorKind::Manifest, "reserved path \"root.sha\""),
        ("{}".to_owned(), ErrorKind::MassDelete, "root.sha: 4 of 4 entries would be deleted"),
        (
            format!("{{{}}}", " ".repeat(65 << 20)),
            ErrorKind::Limit,
            "expected at most 67108864 bytes",
        ),
    ] {
        let world = outdated_world();
        let head = format!("{}  root.json\n# serial 9\n", Digest::of(manifest.as_bytes()));
        fs::write(world.path("tree/root.sha"), head).unwrap();
        fs::write(world.path("tree/root.json"), manifest).unwrap();
        assert_refused(&world, kind, expected);
    }
}

#[test]
fn a_file_above_the_limit_is_not_fetched() {
    let world = outdated_world();
    let text = fs::read_to_string(world.path("tree/root.json")).unwrap();
    let size = definition('a', "2").len();
    let manifest = text.replacen(&format!("\"size\":{size}"), "\"size\":16777217", 1);
    assert_ne!(manifest, text);
    let head = format!("{}  root.json\n# serial 9\n", Digest::of(manifest.as_bytes()));
    fs::write(world.path("tree/root.sha"), head).unwrap();
    fs::write(world.path("tree/root.json"), manifest).unwrap();
    let report = world.update().unwrap();
    let expected = format!(
        "{}a.json: expected at most 16777216 bytes, got a file of 16777217",
        world.server.url()
    );
    assert_eq!((report.failed.len(), &report.failed[0].message), (1, &expected), "{report:?}");
}

#[test]
fn a_bad_file_leaves_its_entry_unchanged() {
    let new_digest = Digest::of(definition('a', "2").as_bytes());
    for (action, kind, expected) in [
        (respond(200, "{\"App a\": {}}"), ErrorKind::Integrity, "expected the digest"),
        (respond(200, "x".repeat(100_000)), ErrorKind::Limit, "expected at most"),
        (respond(404, ""), ErrorKind::Status, "got status 404"),
        (respond(500, ""), ErrorKind::Status, "got 500"),
        (Action::CloseAfter(5), ErrorKind::Transport, "broke before the end"),
        (Action::WrongLength { declared: 7 }, ErrorKind::Integrity, "expected the digest"),
    ] {
        let world = outdated_world();
        world.define('b', "2");
        world.publish();
        for path in ["a.json".to_owned(), format!("by-sha/{new_digest}")] {
            world.server.on(Match::Path(path), Times::Always, action.clone());
        }
        let report = world.update().unwrap();
        assert_eq!((report.outcome, &*report.changed), (Outcome::Partial, &["b".to_owned()][..]));
        assert_eq!((report.failed[0].kind, &*report.failed[0].id), (kind, "a"), "{report:?}");
        assert!(report.failed[0].message.contains(expected), "{}", report.failed[0].message);
        assert_eq!(fs::read_to_string(world.current("a.json")).unwrap(), definition('a', "1"));

        // The next run retries although the head is unchanged, and reuses the files that were
        // fetched.
        world.server.reset();
        let (report, log) = world.updated();
        assert_eq!((&*report.changed, log.len()), (&["a".to_owned()][..], 2), "{log:#?}");
        world.assert_up_to_date();
    }
}

#[test]
fn an_invalid_definition_is_stored_as_published_and_never_becomes_a_delete() {
    for names in [true, false] {
        let world = outdated_world();
        let bad = b"{\"App a\": [}";
        fs::write(world.path("tree/a.json"), bad).unwrap();
        let manifest = fs::read_to_string(world.path("tree/root.json")).unwrap();
        let (old, new) = (Digest::of(definition('a', "2").as_bytes()), Digest::of(bad));
        let mut manifest = manifest.replace(&old.to_string(), &new.to_string());
        if !names {
            assert!(manifest.contains("\"names\":[\"App a\"]"), "{manifest}");
            manifest = manifest.replace("\"names\":[\"App a\"]", "\"note\":\"\"");
        }
        let head = format!("{}  root.json\n# serial 9\n", Digest::of(manifest.as_bytes()));
        fs::write(world.path("tree/root.json"), manifest).unwrap();
        fs::write(world.path("tree/root.sha"), head).unwrap();
        let (report, log) = world.updated();
        assert_eq!((report.outcome, log.len()), (Outcome::Updated, 3), "{report:?}");
        assert_eq!(fs::read(world.current("a.json")).unwrap(), bad);
        world.assert_unchanged();

        let catalog = world.store().catalog().unwrap();
        let changes = catalog.changes_since([("App a", "as of before"), ("App b", "")]);
        assert!(changes.deletes.is_empty(), "{changes:?}");
        if names {
            let error = catalog.definition("App a").unwrap().text().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Definition);
        } else {
            assert_eq!(catalog.problems()[0].kind(), ErrorKind::Definition);
            assert_eq!(changes.withheld, ["App a"]);
        }
    }
}

#[test]
fn a_publication_during_the_update_is_followed() {
    // Without `by-sha/`, the name in the old head leads to the new manifest.
    let world = outdated_world();
    fs::remove_dir_all(world.path("tree/by-sha")).unwrap();
    let old_head = fs::read(world.path("tree/root.sha")).unwrap();
    world.define('b', "2");
    world.publish();
    fs::remove_dir_all(world.path("tree/by-sha")).unwrap();
    world.server.on(Match::Path("root.sha".into()), Times::Once, respond(200, old_head));
    let report = world.update().unwrap();
    assert_eq!((report.outcome, report.changed.len()), (Outcome::Updated, 2));
    world.assert_up_to_date();
}

#[test]
fn older_heads_are_refused_unless_allowed() {
    let world = World::v2("abcd");
    let old = files_of(&world.path("tree"));
    world.define('a', "2");
    world.publish();
    world.updated();
    for (path, bytes) in &old {
        fs::write(world.path("tree").join(path), bytes).unwrap();
    }
    let before = files_of(&world.current(""));
    let report = world.update().unwrap();
    assert_eq!((report.outcome, report.serial), (Outcome::Stale, Some(2)));
    assert_same_files(&before, &files_of(&world.current("")));
    let store = world.store();
    let report = world.updater(&store).rollback(Rollback::Allow).run(&world.source()).unwrap();
    assert_eq!((report.outcome, report.serial), (Outcome::Updated, Some(1)));
    world.assert_up_to_date();
}

#[test]
fn mass_deletion_is_refused_unless_allowed() {
    let world = World::v2("abcd");
    world.updated();
    world.write_catalog("a");
    let error = world.publisher().run().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::MassDelete);
    world.publisher().mass_delete(MassDelete::Allow).run().unwrap();
    assert_refused(&world, ErrorKind::MassDelete, "3 of 4 entries would be deleted");
    let store = world.store();
    let mut updater = world.updater(&store).mass_delete(MassDelete::Allow);
    assert_eq!(updater.run(&world.source()).unwrap().removed, ["b", "c", "d"]);
    world.assert_up_to_date();
}

#[test]
fn the_second_mirror_is_used_if_the_first_fails() {
    let world = outdated_world();
    let mirror = rockon_sync_tests::Server::serve(world.path("tree"));
    let source = world.source().with_mirror(mirror.url().parse().unwrap());
    for action in [respond(500, ""), respond(200, "<html>"), Action::CloseBeforeAnswer] {
        world.server.on(Match::Path("root.sha".into()), Times::Always, action);
        let store = world.store();
        world.updater(&store).run(&source).unwrap();
        world.assert_up_to_date();
        world.server.reset();
    }
    // The head comes from the first mirror, a file that it lacks from the second.
    world.define('c', "3");
    world.publish();
    let digest = Digest::of(definition('c', "3").as_bytes());
    for path in ["c.json".to_owned(), format!("by-sha/{digest}")] {
        world.server.on(Match::Path(path), Times::Always, respond(404, ""));
    }
    let store = world.store();
    let report = world.updater(&store).run(&source).unwrap();
    assert_eq!((report.outcome, report.changed), (Outcome::Updated, vec!["c".to_owned()]));
    world.assert_up_to_date();
}

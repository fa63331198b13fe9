//! The v1 server: conditional requests, and a bad file affects one entry only.

use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, UNIX_EPOCH};

use rockon_sync::{ErrorKind, Outcome, Source};
use rockon_sync_tests::{Action, Exchange, Match, Server, Times};

use crate::world::{World, assert_same_files, definition, files_of};

fn sent(log: &[Exchange]) -> Vec<&str> {
    let mut sent: Vec<&str> = log
        .iter()
        .filter(|exchange| exchange.status == 200)
        .map(|exchange| exchange.path.as_str())
        .collect();
    sent.sort_unstable();
    sent
}

#[test]
fn unchanged_files_are_not_sent_again() {
    let world = World::v1("abc");
    let (report, log) = world.updated();
    // Two heads that are missing, the list, and the files.
    assert_eq!((report.outcome, log.len()), (Outcome::Updated, 3 + 3));
    assert_eq!(sent(&log), ["a.json", "b.json", "c.json", "root.json"]);
    assert_same_files(&files_of(&world.path("catalog")), &files_of(&world.current("")));

    let (report, log) = world.updated();
    assert_eq!((report.outcome, report.bytes_received), (Outcome::Unchanged, 0));
    assert_eq!((log.len(), sent(&log).len()), (6, 0));

    world.define('b', "2");
    let (report, log) = world.updated();
    assert_eq!(report.changed, ["b"]);
    assert_eq!(sent(&log), ["b.json"]);
    assert_same_files(&files_of(&world.path("catalog")), &files_of(&world.current("")));
}

#[test]
fn few_connections_are_opened() {
    let world = World::v1("abcdefghijklmnopqrstuvwxyz");
    let (_, log) = world.updated();
    let connections = log.iter().map(|exchange| exchange.connection).max().unwrap() + 1;
    assert!(connections <= 6, "{connections} connections for {} requests", log.len());
}

#[test]
fn a_bad_file_affects_one_entry_only() {
    let html = Action::ReplaceBody(b"<html>Please log in</html>".to_vec());
    for (action, kind) in [
        (Action::Respond { status: 404, headers: vec![], body: vec![] }, ErrorKind::Status),
        (Action::Respond { status: 500, headers: vec![], body: vec![] }, ErrorKind::Status),
        (Action::CloseAfter(3), ErrorKind::Transport),
        (Action::CloseBeforeAnswer, ErrorKind::Transport),
        (Action::ChunkedGarbage, ErrorKind::Transport),
        (html, ErrorKind::Definition),
        (Action::Truncate(9), ErrorKind::Definition),
        (Action::Endless { byte: b' ' }, ErrorKind::Limit),
    ] {
        let world = World::v1("abc");
        world.updated();
        world.define('a', "2");
        world.define('b', "2");
        world.server.on(Match::Path("b.json".into()), Times::Always, action);
        let report = world.update().unwrap();
        assert_eq!((report.outcome, &*report.changed), (Outcome::Partial, &["a".to_owned()][..]));
        assert_eq!((&*report.failed[0].id, report.failed[0].kind), ("b", kind));
        assert!(report.failed[0].message.contains("b.json"), "{}", report.failed[0].message);
        assert!(fs::read_to_string(world.current("a.json")).unwrap().contains("\"2\""));
        assert!(fs::read_to_string(world.current("b.json")).unwrap().contains("\"1\""));

        // The next run retries although the list is unchanged.
        world.server.reset();
        let (report, log) = world.updated();
        assert_eq!((report.outcome, &*report.changed), (Outcome::Updated, &["b".to_owned()][..]));
        assert_eq!(sent(&log), ["b.json"]);
    }
}

#[test]
fn a_file_that_was_never_fetched_is_the_only_one_missing() {
    let world = World::v1("abc");
    fs::remove_file(world.path("catalog/b.json")).unwrap();
    let (report, _) = world.updated();
    assert_eq!((report.outcome, report.added.len()), (Outcome::Partial, 2));
    let catalog = world.store().catalog().unwrap();
    assert_eq!(catalog.definitions().len(), 2);
    // The names in the missing file are unknown, so nothing counts as deleted.
    let changes = catalog.changes_since([("App b", "1"), ("App a", "x")]);
    assert_eq!((changes.deletes.len(), changes.withheld), (0, vec!["App b".to_owned()]));
    assert_eq!(changes.upserts.len(), 2);
}

#[test]
fn without_validators_an_unchanged_catalog_writes_nothing() {
    let mut world = World::v1("abc");
    world.server = Server::serve(world.path("catalog")).without_validators();
    world.updated();
    let generation = world.current("").canonicalize().unwrap();
    let (report, log) = world.updated();
    assert_eq!((report.outcome, sent(&log).len()), (Outcome::Unchanged, 4));
    assert_eq!(world.current("").canonicalize().unwrap(), generation);
}

#[test]
fn an_interrupted_first_update_is_resumed_by_conditional_requests() {
    let world = World::v1("abcdefgh");
    world.server.on(Match::Nth(6), Times::Once, Action::CloseAfter(3));
    world.server.on(Match::Nth(7), Times::Once, Action::Die);
    assert_eq!(world.update().unwrap_err().kind(), ErrorKind::Transport);
    let log = world.server.take_log();
    let got = log.iter().filter(|e| e.status == 200 && e.path.len() == 6).count() - 1;
    world.server.reset();
    let (report, log) = world.updated();
    assert_eq!((report.outcome, report.added.len()), (Outcome::Updated, 8));
    let unchanged = log.iter().filter(|exchange| exchange.status == 304).count();
    assert!(got > 0 && unchanged == got, "{unchanged} of {got}: {log:#?}");
}

/// A server whose files are `days` older than those of the catalog, with `a` in version 2.
fn older_server(world: &World, folder: &str, days: u64) -> Server {
    let folder = world.path(folder);
    fs::create_dir(&folder).unwrap();
    for name in ["root.json", "a.json", "b.json", "c.json"] {
        fs::copy(world.path("catalog").join(name), folder.join(name)).unwrap();
    }
    fs::write(folder.join("a.json"), definition('a', "2")).unwrap();
    for name in ["root.json", "a.json", "b.json", "c.json"] {
        let time = UNIX_EPOCH + Duration::from_secs(1_600_000_000 - days * 86_400);
        fs::File::options()
            .append(true)
            .open(folder.join(name))
            .unwrap()
            .set_modified(time)
            .unwrap();
    }
    Server::serve(folder).without_tags()
}

#[test]
fn validators_are_sent_only_to_the_mirror_that_gave_them() {
    let mut world = World::v1("abc");
    world.server = Server::serve(world.path("catalog")).without_tags();
    world.updated();
    let other = older_server(&world, "other", 1);
    let source: Source = other.url().parse().unwrap();
    let store = world.store();
    let report = world.updater(&store).run(&source).unwrap();
    assert!(other.take_log().iter().all(|asked| asked.header("if-modified-since").is_none()));
    assert_eq!((report.outcome, &*report.changed), (Outcome::Updated, &["a".to_owned()][..]));
    assert_same_files(&files_of(&world.path("other")), &files_of(&world.current("")));
    // From now on they are those of the other one.
    world.updater(&store).run(&source).unwrap();
    assert_eq!(sent(&other.take_log()).len(), 0);
}

#[test]
fn validators_of_an_interrupted_update_are_sent_only_to_their_mirror() {
    let mut world = World::v1("abc");
    world.server = Server::serve(world.path("catalog")).without_tags();
    // The head, the list and a file come; then the server is gone.
    world.server.on(Match::Nth(3), Times::Once, Action::Die);
    assert_eq!(world.update().unwrap_err().kind(), ErrorKind::Transport);
    let other = older_server(&world, "other", 1);
    let store = world.store();
    world.updater(&store).run(&other.url().parse().unwrap()).unwrap();
    assert!(other.take_log().iter().all(|asked| asked.header("if-modified-since").is_none()));
    assert_same_files(&files_of(&world.path("other")), &files_of(&world.current("")));
}

#[test]
fn an_answer_from_behind_a_redirect_keeps_no_file() {
    let mut world = World::v1("abc");
    world.server = Server::serve(world.path("catalog")).without_tags();
    world.updated();
    let other = older_server(&world, "other", 1);
    for name in ["root.json", "a.json", "b.json", "c.json"] {
        let location = format!("{}{name}", other.url());
        let redirect = Action::Redirect { status: 302, location };
        world.server.on(Match::Path(name.into()), Times::Always, redirect);
    }
    let report = world.update().unwrap();
    assert_eq!(report.changed, ["a"]);
    assert_same_files(&files_of(&world.path("other")), &files_of(&world.current("")));
    // The redirect may lead elsewhere the next time: its validators are not remembered.
    let third = older_server(&world, "third", 2);
    fs::write(world.path("third/a.json"), definition('a', "3")).unwrap();
    world.server.clear_rules();
    for name in ["root.json", "a.json", "b.json", "c.json"] {
        let location = format!("{}{name}", third.url());
        let redirect = Action::Redirect { status: 302, location };
        world.server.on(Match::Path(name.into()), Times::Always, redirect);
    }
    let report = world.update().unwrap();
    assert_eq!(report.changed, ["a"]);
    assert!(third.take_log().iter().all(|asked| asked.header("if-modified-since").is_none()));
}

#[test]
fn a_mirror_told_apart_by_its_query_alone_is_another_mirror() {
    let mut world = World::v1("abc");
    world.server = Server::serve(world.path("catalog")).without_tags();
    let store = world.store();
    let source = |branch: &str| -> Source {
        format!("{}?branch={branch}", world.server.url()).parse().unwrap()
    };
    world.updater(&store).run(&source("one")).unwrap();
    drop(older_server(&world, "other", 1));
    world.server.set_root(world.path("other"));
    let report = world.updater(&store).run(&source("two")).unwrap();
    assert_eq!(report.changed, ["a"]);
    assert_same_files(&files_of(&world.path("other")), &files_of(&world.current("")));
}

#[test]
fn a_304_that_was_not_asked_for_keeps_no_file() {
    let mut world = World::v1("abc");
    world.server = Server::serve(world.path("catalog")).without_validators();
    world.updated();
    let unchanged = Action::Respond { status: 304, headers: vec![], body: vec![] };
    world.server.on(Match::Path("b.json".into()), Times::Always, unchanged);
    let report = world.update().unwrap();
    assert_eq!((report.outcome, report.failed.len()), (Outcome::Partial, 1));
    assert!(report.failed[0].message.contains("got 304"), "{:?}", report.failed);
}

#[test]
fn a_v2_source_never_falls_back_to_v1() {
    // The head and the status remember it, each alone.
    for lost in [None, Some("gen"), Some("status.json")] {
        let world = World::v2("abc");
        world.updated();
        match lost.map(|lost| world.path("store/rockstor").join(lost)) {
            Some(path) if path.is_dir() => fs::remove_dir_all(path).unwrap(),
            Some(path) => fs::remove_file(path).unwrap(),
            None => {}
        }
        let current = || world.current("").exists().then(|| files_of(&world.current("")));
        let before = current();
        world.server.set_root(world.path("catalog"));
        let error = world.update().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Trust, "{lost:?}");
        assert!(current() == before, "{lost:?}");
    }
}

#[test]
fn a_v1_source_that_becomes_v2_fetches_no_file_twice() {
    let world = World::v1("abc");
    world.updated();
    world.publish();
    world.server.set_root(world.path("tree"));
    let (report, log) = world.updated();
    let paths: Vec<&str> = log.iter().map(|exchange| exchange.path.as_str()).collect();
    assert_eq!(paths.len(), 2, "the head and the manifest: {paths:?}");
    assert_eq!((report.outcome, report.serial), (Outcome::Updated, Some(1)));
    world.assert_up_to_date();
    world.assert_unchanged();
}

#[test]
fn ids_and_their_order_come_from_the_list() {
    let world = World::v1("abc");
    let text = r#"{"Zeta": "b.json", "alpha": "a.json", "Zeta": "b.json"}"#;
    fs::write(world.path("catalog/root.json"), text).unwrap();
    world.updated();
    let catalog = world.store().catalog().unwrap();
    let names: Vec<&str> = catalog.definitions().iter().map(|found| found.name()).collect();
    assert_eq!(names, ["App b", "App a"]);
    // A new list of the same files costs one request with a body.
    world.write_list(&BTreeMap::from([("b".into(), "b.json".into())]));
    let (report, log) = world.updated();
    assert_eq!((report.added, report.removed.len()), (vec!["b".to_owned()], 2));
    assert_eq!(sent(&log), ["root.json"]);
}

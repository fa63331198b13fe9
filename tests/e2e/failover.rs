//! The order in which mirrors are asked, how often, and which of their errors is reported.

use std::fs;

use rockon_sync::{Digest, ErrorKind, Outcome, Source};
use rockon_sync_tests::{Action, Exchange, Match, Server, Times};

use crate::world::{World, definition};

const ALL: &str = "abcdefghijklmnopqrstuvwxyz";

fn respond(status: u16) -> Action {
    Action::Respond { status, headers: Vec::new(), body: Vec::new() }
}

/// Returns a source with these mirrors, best first.
fn mirrors(servers: &[&Server]) -> Source {
    let mut urls = servers.iter().map(|server| server.url());
    let first: Source = urls.next().unwrap().parse().unwrap();
    urls.fold(first, |source, url| source.with_mirror(url.parse().unwrap()))
}

fn count(log: &[Exchange], is_counted: impl Fn(&str) -> bool) -> usize {
    log.iter().filter(|exchange| is_counted(&exchange.path)).count()
}

/// Fails every request for a file, by name or by digest.
fn fail_files(server: &Server, action: &Action) {
    for name in ALL.chars() {
        server.on(Match::Path(format!("{name}.json")), Times::Always, action.clone());
    }
    server.on(Match::Prefix("by-sha/".into()), Times::Always, action.clone());
}

#[test]
fn a_failing_mirror_is_asked_a_few_times_and_then_only_the_other_one() {
    for (action, most) in [
        // Overloaded: its head is still served. Three failures, and the requests in flight.
        (respond(503), 3 + 6),
        // Dead: one failure, and the requests in flight.
        (Action::Die, 6),
    ] {
        let world = World::v2(ALL);
        let first = Server::serve(world.path("tree"));
        fail_files(&first, &action);
        let store = world.store();
        let report = world.updater(&store).run(&mirrors(&[&first, &world.server])).unwrap();
        assert_eq!((report.outcome, report.failed.len()), (Outcome::Updated, 0), "{report:?}");
        let log = first.take_log();
        let files = count(&log, |path| path.starts_with("by-sha/") || path.ends_with(".json"));
        // The manifest is one of them.
        let files = files - count(&log, |path| path == "root.json");
        assert!((1..=most).contains(&files), "{action:?}: {files} requests");
        // Another mirror answered: nothing was retried.
        for exchange in log.iter().filter(|exchange| exchange.path.starts_with("by-sha/")) {
            let same = count(&log, |path| path == exchange.path);
            assert_eq!(same, 1, "{action:?}: {}", exchange.path);
        }
        world.assert_up_to_date();
    }
}

#[test]
fn mirrors_are_asked_again_if_none_answers() {
    let world = World::v2("ab");
    let first = Server::serve(world.path("tree"));
    for server in [&first, &world.server] {
        server.on(Match::Any, Times::Once, respond(503));
    }
    let store = world.store();
    let report = world.updater(&store).run(&mirrors(&[&first, &world.server])).unwrap();
    assert_eq!(report.outcome, Outcome::Updated);
    let paths: Vec<String> = first.take_log().into_iter().map(|seen| seen.path).collect();
    assert_eq!(paths[..2], ["root.sha", "root.sha"]);
    let paths: Vec<String> = world.server.take_log().into_iter().map(|seen| seen.path).collect();
    assert_eq!(paths[..1], ["root.sha"]);
}

#[test]
fn mirrors_that_refuse_are_asked_once() {
    let world = World::v2("ab");
    let first = Server::serve(world.path("tree"));
    first.on(Match::Any, Times::Always, respond(403));
    world.server.on(Match::Any, Times::Always, respond(401));
    let store = world.store();
    let error = world.updater(&store).run(&mirrors(&[&first, &world.server])).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Status);
    assert!(error.to_chain().contains("got 403"), "the first error: {}", error.to_chain());
    assert_eq!((first.take_log().len(), world.server.take_log().len()), (1, 1));
}

#[test]
fn a_skipped_mirror_is_a_warning_in_every_outcome() {
    let is_named = |warnings: &[String], server: &Server| {
        warnings.iter().any(|warning| warning.contains(&server.url()))
    };
    // The other mirror is stale.
    let world = World::v2("ab");
    let old = world.path("old");
    fs::create_dir(&old).unwrap();
    fs::copy(world.path("tree/root.sha"), old.join("root.sha")).unwrap();
    world.define('a', "2");
    world.publish();
    world.updated();
    let (failing, stale) = (Server::serve(world.path("tree")), Server::serve(&old));
    failing.on(Match::Any, Times::Always, respond(403));
    let store = world.store();
    let report = world.updater(&store).run(&mirrors(&[&failing, &stale])).unwrap();
    assert_eq!(report.outcome, Outcome::Stale);
    assert!(is_named(&report.warnings, &failing), "{report:?}");

    // The other mirror is v1.
    let world = World::v1("ab");
    let failing = Server::serve(world.path("catalog"));
    failing.on(Match::Any, Times::Always, respond(403));
    let store = world.store();
    let report = world.updater(&store).run(&mirrors(&[&failing, &world.server])).unwrap();
    assert_eq!(report.outcome, Outcome::Updated);
    assert!(is_named(&report.warnings, &failing), "{report:?}");
}

/// Returns the message of the only entry that fails. `by_digest` and `by_name` are what each
/// mirror answers for its file.
fn failure(answers: &[(Action, Action)]) -> (ErrorKind, String) {
    let world = World::v2("ab");
    let object = format!("by-sha/{}", Digest::of(definition('b', "1").as_bytes()));
    let servers: Vec<Server> = answers.iter().map(|_| Server::serve(world.path("tree"))).collect();
    for (server, (by_digest, by_name)) in servers.iter().zip(answers) {
        server.on(Match::Path(object.clone()), Times::Always, by_digest.clone());
        server.on(Match::Path("b.json".into()), Times::Always, by_name.clone());
    }
    let store = world.store();
    let source = mirrors(&servers.iter().collect::<Vec<_>>());
    let report = world.updater(&store).run(&source).unwrap();
    assert_eq!((report.outcome, report.failed.len()), (Outcome::Partial, 1), "{report:?}");
    let failed = &report.failed[0];
    let n = servers.iter().position(|server| failed.message.contains(&server.url())).unwrap();
    let message = failed.message.replace(&servers[n].url(), &format!("<{n}>/"));
    (failed.kind, message.replace(&object, "<object>"))
}

fn wrong() -> Action {
    Action::ReplaceBody(b"something else".to_vec())
}

#[test]
fn wrong_bytes_by_digest_are_reported_before_a_missing_file() {
    let (integrity, status) = (ErrorKind::Integrity, ErrorKind::Status);
    for (by_digest, by_name, kind, expected) in [
        (wrong(), respond(404), integrity, "<0>/<object>"),
        (wrong(), wrong(), integrity, "<0>/<object>"),
        (wrong(), respond(503), status, "<0>/b.json"),
        (respond(404), wrong(), integrity, "<0>/b.json"),
        (respond(404), respond(410), status, "<0>/b.json"),
        (respond(410), respond(503), status, "<0>/b.json"),
    ] {
        let label = format!("{by_digest:?}, {by_name:?}");
        let (found, message) = failure(&[(by_digest, by_name)]);
        assert_eq!(found, kind, "{label}: {message}");
        assert!(message.contains(expected), "{label}: {message}");
    }
}

#[test]
fn of_several_mirrors_an_outage_is_reported_then_wrong_bytes_then_the_first_error() {
    let (integrity, status) = (ErrorKind::Integrity, ErrorKind::Status);
    for (first, second, kind, expected) in [
        (respond(404), wrong(), integrity, "<1>/b.json"),
        (wrong(), respond(404), integrity, "<0>/b.json"),
        (respond(404), respond(503), status, "<1>/b.json"),
        (respond(503), respond(404), status, "<0>/b.json"),
        (wrong(), respond(503), status, "<1>/b.json"),
        (respond(503), wrong(), status, "<0>/b.json"),
        (respond(404), respond(410), status, "<0>/b.json"),
        (respond(410), respond(404), status, "<0>/b.json"),
    ] {
        let label = format!("{first:?}, {second:?}");
        let answers = [first, second].map(|by_name| (respond(404), by_name));
        let (found, message) = failure(&answers);
        assert_eq!(found, kind, "{label}: {message}");
        assert!(message.contains(expected), "{label}: {message}");
    }
}

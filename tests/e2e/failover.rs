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
    let known = Digest::of(&fs::read(world.path("tree/root.json")).unwrap());
    assert_eq!((report.serial, report.manifest), (Some(2), Some(known)));
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

/// Returns a world with a published tree, and a tree whose head leads nowhere.
fn with_broken_tree() -> World {
    let world = World::v2("ab");
    let dir = world.path("bad");
    fs::create_dir(&dir).unwrap();
    fs::write(dir.join("root.sha"), format!("{}  root.json\n", Digest::of(b"gone"))).unwrap();
    world
}

#[test]
fn a_head_that_leads_nowhere_is_not_tried_at_another_mirror() {
    let world = with_broken_tree();
    let [first, second] = [(), ()].map(|()| Server::serve(world.path("bad")));
    let store = world.store();
    let source = mirrors(&[&first, &second, &world.server]);
    let report = world.updater(&store).run(&source).unwrap();
    assert_eq!(report.outcome, Outcome::Updated);
    // It is asked for its head, and as a mirror of the first one for the manifest.
    let heads = count(&second.take_log(), |path| path == "root.sha");
    assert_eq!(heads, 1);
    let heads = count(&first.take_log(), |path| path == "root.sha");
    assert!(heads <= 3, "{heads}");
    world.assert_up_to_date();
}

#[test]
fn a_source_that_names_its_head_is_never_v1() {
    let world = World::v1("ab");
    let source: Source = format!("{}root.sha", world.server.url()).parse().unwrap();
    let store = world.store();
    let error = world.updater(&store).run(&source).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Status, "{}", error.to_chain());
    assert!(error.to_chain().contains("expected a head, got status 404"), "{}", error.to_chain());
    let asked: Vec<String> = world.server.take_log().into_iter().map(|seen| seen.path).collect();
    assert_eq!(asked, ["root.sha"]);
}

#[test]
fn a_directory_that_is_not_there_is_no_v1_tree() {
    let world = World::v1("ab");
    let dir = |name: &str| world.path(name).to_str().unwrap().parse::<Source>().unwrap();
    fs::write(world.path("file"), "").unwrap();
    std::os::unix::fs::symlink("loop", world.path("loop")).unwrap();
    for (name, kind, expected) in [
        ("gone", ErrorKind::NotFound, "expected the directory of a tree, found none"),
        ("file", ErrorKind::NotFound, "expected the directory of a tree, found none"),
        ("loop", ErrorKind::Transport, "Too many levels of symbolic links"),
    ] {
        let store = world.store();
        let error = world.updater(&store).run(&dir(name)).unwrap_err();
        assert_eq!(error.kind(), kind, "{name}: {}", error.to_chain());
        assert!(error.to_chain().contains(expected), "{name}: {}", error.to_chain());
        // The next mirror may be there.
        let source = dir(name).with_mirror(world.server.url().parse().unwrap());
        let report = world.updater(&store).run(&source).unwrap();
        assert_eq!(report.added.len() + report.changed.len(), if name == "gone" { 2 } else { 0 });
        assert!(!report.warnings.is_empty(), "{name}");
    }
}

#[test]
fn a_file_above_the_limit_is_not_requested() {
    let world = World::v2("ab");
    let manifest = fs::read_to_string(world.path("tree/root.json")).unwrap();
    let size = format!("\"size\":{}", definition('b', "1").len());
    for (bytes, expected) in [(16 << 20, ErrorKind::Status), ((16 << 20) + 1, ErrorKind::Limit)] {
        let (before, b) = manifest.split_once("\"b\":{").unwrap();
        let b = b.replacen(&size, &format!("\"size\":{bytes}"), 1);
        let digest = Digest::of(b"not there").to_string();
        let own = Digest::of(definition('b', "1").as_bytes()).to_string();
        let text = format!("{before}\"b\":{{{}", b.replacen(&own, &digest, 1));
        assert!(text.contains(&digest) && text.contains(&bytes.to_string()), "{text}");
        fs::write(world.path("tree/root.json"), &text).unwrap();
        let head = format!("{}  root.json\n# by-sha by-sha\n", Digest::of(text.as_bytes()));
        fs::write(world.path("tree/root.sha"), head).unwrap();
        let _ = fs::remove_file(world.path("tree/b.json"));
        let report = world.update().unwrap();
        assert_eq!(report.failed.len(), 1, "{report:?}");
        assert_eq!(report.failed[0].kind, expected, "{report:?}");
        let log = world.server.take_log();
        let asked = count(&log, |path| path == "b.json" || path.ends_with(&digest));
        assert_eq!(asked == 0, expected == ErrorKind::Limit, "{bytes}: {asked}");
    }
}

#[test]
fn a_manifest_that_lists_itself_is_refused() {
    let world = World::v2("a");
    let manifest = fs::read_to_string(world.path("tree/root.json")).unwrap();
    let manifest = manifest.replace("\"url\":\"a.json\"", "\"url\":\"list.json\"");
    assert!(manifest.contains("list.json"));
    fs::write(world.path("tree/list.json"), &manifest).unwrap();
    let head = format!("{}  list.json\n", Digest::of(manifest.as_bytes()));
    fs::write(world.path("tree/root.sha"), head).unwrap();
    let error = world.update().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Manifest, "{}", error.to_chain());
    assert!(error.to_chain().contains("file name of the manifest"), "{}", error.to_chain());
}

#[test]
fn an_entry_that_moves_and_fails_keeps_its_old_bytes_at_the_new_path() {
    let world = World::v2("ab");
    world.updated();
    fs::create_dir(world.path("catalog/new")).unwrap();
    fs::write(world.path("catalog/new/b.json"), definition('b', "2")).unwrap();
    let rows = [("a", "a.json"), ("b", "new/b.json")];
    let rows = rows.map(|(id, path)| (id.to_owned(), path.to_owned()));
    world.write_list(&rows.into_iter().collect());
    world.publish();
    let digest = Digest::of(definition('b', "2").as_bytes());
    for path in ["new/b.json".to_owned(), format!("by-sha/{digest}")] {
        world.server.on(Match::Path(path), Times::Always, respond(404));
    }
    let report = world.update().unwrap();
    assert_eq!((report.outcome, &*report.failed[0].id), (Outcome::Partial, "b"), "{report:?}");
    assert_eq!(fs::read_to_string(world.current("new/b.json")).unwrap(), definition('b', "1"));
    let catalog = world.store().catalog().unwrap();
    assert_eq!(catalog.definitions().len(), 2);
    assert!(catalog.definition("App b").unwrap().text().unwrap().contains("\"version\": \"1\""));
}

#[test]
fn the_first_error_is_reported_before_that_of_a_list() {
    let world = World::bare("tree");
    let first = Server::serve(world.path("tree"));
    first.on(Match::Any, Times::Always, respond(403));
    let store = world.store();
    let error = world.updater(&store).run(&mirrors(&[&first, &world.server])).unwrap_err();
    assert!(error.to_chain().contains("got 403"), "{}", error.to_chain());
    // The other one was asked for its list.
    let asked: Vec<String> = world.server.take_log().into_iter().map(|seen| seen.path).collect();
    assert_eq!(asked, ["root.sha", "root.v2.sha", "root.json"]);
}

#[test]
fn the_last_mirror_is_not_said_to_be_followed_by_another_one() {
    let world = World::v2("abc");
    let other = Server::serve(world.path("tree"));
    let digest = Digest::of(definition('b', "1").as_bytes());
    for server in [&world.server, &other] {
        for path in ["b.json".to_owned(), format!("by-sha/{digest}")] {
            server.on(Match::Path(path), Times::Always, respond(404));
        }
    }
    // A second head, so that both mirrors are tried.
    let head = fs::read_to_string(world.path("tree/root.sha")).unwrap();
    let body = format!("{head}# note other\n").into_bytes();
    other.on(Match::Path("root.sha".into()), Times::Always, Action::ReplaceBody(body));
    let store = world.store();
    let report = world.updater(&store).run(&mirrors(&[&world.server, &other])).unwrap();
    assert_eq!(report.outcome, Outcome::Partial, "{report:?}");
    let followed = "some files of this head are missing, another mirror was asked";
    let followed: Vec<&String> =
        report.warnings.iter().filter(|warning| warning.contains(followed)).collect();
    let [warning] = &followed[..] else { panic!("{:?}", report.warnings) };
    assert!(warning.contains(&world.server.url()), "{warning}");
}

#[test]
fn a_refused_pack_is_a_warning_and_single_files_are_fetched() {
    let world = World::packed("abcdefgh");
    world.server.on(Match::Prefix("packs/".into()), Times::Always, respond(404));
    let report = world.update().unwrap();
    assert_eq!((report.outcome, report.added.len()), (Outcome::Updated, 8), "{report:?}");
    assert_eq!(report.warnings.len(), 1, "{:?}", report.warnings);
    let warning = &report.warnings[0];
    assert!(warning.contains("was not used") && warning.contains("404"), "{warning}");
    let log = world.server.take_log();
    assert_eq!(count(&log, |path| path.starts_with("packs/")), 1);
}

#[test]
fn every_file_of_a_pack_is_used_whatever_the_order_of_ids_and_paths() {
    let world = World::packed("abcd");
    let rows = [("a", "z/1.json"), ("b", "y.json"), ("c", "z.json"), ("d", "a.json")];
    fs::create_dir(world.path("catalog/z")).unwrap();
    for (id, path) in rows {
        let text = definition(id.chars().next().unwrap(), "2");
        fs::write(world.path("catalog").join(path), text).unwrap();
    }
    let rows = rows.map(|(id, path)| (id.to_owned(), path.to_owned()));
    world.write_list(&rows.into_iter().collect());
    world.publish();
    let (report, log) = world.updated();
    assert_eq!((report.added.len(), log.len()), (4, 2), "the head and the bundle: {log:#?}");
    world.assert_up_to_date();
}

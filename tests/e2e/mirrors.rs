//! A bad first mirror never blocks a good second one, at any step of an update.

use std::fs;
use std::time::Duration;

use rockon_sync::transport::{Address, Clock, Request, Response, Transport};
use rockon_sync::{Digest, ErrorKind, Outcome, Report, Source, limits};
use rockon_sync_tests::{Action, Match, Server, Times};

use crate::world::{ManualClock, World, definition};

fn respond(status: u16) -> Action {
    Action::Respond { status, headers: Vec::new(), body: Vec::new() }
}

/// A mirror in front of the world's own server, which is the good one.
fn with_first_mirror(world: &World, first: &Server) -> Source {
    let source: Source = first.url().parse().unwrap();
    source.with_mirror(world.server.url().parse().unwrap())
}

/// Writes a tree whose head is valid and leads to this manifest.
fn tree_with_manifest(world: &World, manifest: &str) -> Server {
    let dir = world.path("bad");
    fs::create_dir(&dir).unwrap();
    let head = format!("{}  root.json\n# serial 7\n", Digest::of(manifest.as_bytes()));
    fs::write(dir.join("root.sha"), head).unwrap();
    fs::write(dir.join("root.json"), manifest).unwrap();
    Server::serve(dir)
}

/// Updates twice, from nothing and after a publication, with a bad mirror in front of a good one.
fn assert_second_mirror_is_used(label: &str, bad_mirror: impl Fn(&World) -> Server) {
    for is_first_update in [true, false] {
        let world = World::v2("abcd");
        if !is_first_update {
            world.updated();
            world.define('b', "2");
            world.publish();
        }
        let bad = bad_mirror(&world);
        let store = world.store();
        let source = with_first_mirror(&world, &bad);
        let report = world.updater(&store).run(&source);
        let report = report.unwrap_or_else(|error| panic!("{label}: {}", error.to_chain()));
        assert_eq!(
            (report.outcome, report.failed.len()),
            (Outcome::Updated, 0),
            "{label}: {report:?}"
        );
        assert_warns_of(&bad, &report, label);
        assert!(report.duration < limits::STALL_TIMEOUT, "{label}: {report:?}");
        let requests = bad.take_log().len();
        assert!(requests <= 12, "{label}: {requests} requests to the bad mirror");
        world.assert_up_to_date();
    }
}

fn assert_warns_of(mirror: &Server, report: &Report, label: &str) {
    let is_named = |warning: &String| warning.contains(&mirror.url());
    assert!(report.warnings.iter().any(is_named), "{label}: {report:?}");
}

#[test]
fn a_mirror_without_a_usable_head_is_skipped() {
    for status in [410, 403, 500, 503] {
        assert_second_mirror_is_used(&format!("status {status}"), |world| {
            let bad = Server::serve(world.path("tree"));
            bad.on(Match::Any, Times::Always, respond(status));
            bad
        });
    }
    assert_second_mirror_is_used("closed connections", |world| {
        let bad = Server::serve(world.path("tree"));
        bad.on(Match::Any, Times::Always, Action::CloseBeforeAnswer);
        bad
    });
}

#[test]
fn a_mirror_whose_head_leads_nowhere_is_skipped() {
    let digest = Digest::of(b"x");
    for manifest in [
        "this is not JSON".to_owned(),
        "{\"App a\": 1}".to_owned(),
        format!("{{\"a\":{{\"sha\":\"{digest}\",\"url\":\"../a.json\"}}}}"),
    ] {
        let bad_mirror = |world: &World| tree_with_manifest(world, &manifest);
        assert_second_mirror_is_used(&manifest, bad_mirror);
    }
    assert_second_mirror_is_used("missing manifest", |world| {
        let bad = tree_with_manifest(world, "{}");
        bad.on(Match::Path("root.json".into()), Times::Always, respond(404));
        bad
    });
}

#[test]
fn a_mirror_without_the_files_of_its_manifest_is_skipped() {
    assert_second_mirror_is_used("missing files", |world| {
        let rows = ["a", "b", "c", "d"].map(|name| {
            let digest = Digest::of(definition('x', name).as_bytes());
            format!("\"{name}\":{{\"sha\":\"{digest}\",\"url\":\"{name}.json\"}}")
        });
        tree_with_manifest(world, &format!("{{{}}}", rows.join(",")))
    });
}

#[test]
fn a_first_mirror_without_a_head_does_not_make_a_new_source_v1() {
    for status in [404, 410] {
        let world = World::v2("abc");
        let first = Server::serve(world.path("catalog"));
        first.on(Match::Path("root.sha".into()), Times::Always, respond(status));
        let store = world.store();
        let source = with_first_mirror(&world, &first);
        let report = world.updater(&store).run(&source).unwrap();
        assert_eq!((report.outcome, report.serial), (Outcome::Updated, Some(1)), "{status}");
        world.assert_up_to_date();
    }
}

#[test]
fn a_broken_head_at_one_mirror_does_not_make_the_source_v1() {
    let world = World::v1("abc");
    let broken = tree_with_manifest(&world, "this is not JSON");
    let store = world.store();
    let error = world.updater(&store).run(&with_first_mirror(&world, &broken)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Manifest, "{}", error.to_chain());
    assert!(!world.current("").exists());
}

#[test]
fn a_mirror_is_v1_only_if_its_head_is_not_found() {
    let world = World::v1("abc");
    world.server.on(Match::Path("root.sha".into()), Times::Always, respond(410));
    let error = world.update().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Status);
    assert!(error.to_string().contains("expected a head, got status 410"), "{error}");
    world.server.reset();
    assert_eq!(world.update().unwrap().outcome, Outcome::Updated);
}

#[test]
fn the_list_of_a_v1_source_comes_from_the_next_mirror() {
    let world = World::v1("abc");
    let bad = Server::serve(world.path("catalog"));
    bad.on(Match::Path("root.json".into()), Times::Always, respond(503));
    let store = world.store();
    let report = world.updater(&store).run(&with_first_mirror(&world, &bad)).unwrap();
    assert_eq!((report.outcome, report.added.len()), (Outcome::Updated, 3));
    assert_warns_of(&bad, &report, "list");
}

#[test]
fn the_most_complete_mirror_wins_if_no_mirror_has_everything() {
    let world = World::v2("abc");
    world.updated();
    world.define('a', "2");
    world.define('b', "2");
    world.publish();
    let digest = Digest::of(definition('b', "2").as_bytes());
    let other = Server::serve(world.path("tree"));
    for server in [&world.server, &other] {
        for path in ["b.json".to_owned(), format!("by-sha/{digest}")] {
            server.on(Match::Path(path), Times::Always, respond(404));
        }
    }
    let store = world.store();
    let report = world.updater(&store).run(&with_first_mirror(&world, &other)).unwrap();
    assert_eq!((report.outcome, &*report.failed[0].id), (Outcome::Partial, "b"), "{report:?}");
    assert_eq!(report.changed, ["a"]);
}

#[test]
fn a_silent_mirror_is_waited_for_once() {
    let silence = || Action::Delay(Duration::from_secs(60));
    for (label, action) in [("no response", silence()), ("hints", Action::EndlessInformational)] {
        assert_second_mirror_is_used(label, |world| {
            let bad = Server::serve(world.path("tree"));
            bad.on(Match::Path("root.sha".into()), Times::Always, action.clone());
            bad
        });
    }
    // With a good head: every file is asked for at the other mirror, once one was waited for.
    let world = World::v2("abcdefghijkl");
    let bad = Server::serve(world.path("tree"));
    bad.on(Match::Prefix("by-sha/".into()), Times::Always, silence());
    let store = world.store();
    let report = world.updater(&store).run(&with_first_mirror(&world, &bad)).unwrap();
    assert_eq!((report.outcome, report.failed.len()), (Outcome::Updated, 0), "{report:?}");
    assert!(report.duration < limits::STALL_TIMEOUT, "{report:?}");
    // The head, the manifest, and the head again as a probe.
    assert_eq!(bad.take_log().len(), 3, "{report:?}");
    assert_warns_of(&bad, &report, "silent files");
    world.assert_up_to_date();
}

/// Serves a directory on a slow line: headers take five seconds, on a clock that it advances.
struct SlowLine {
    dir: std::path::PathBuf,
    clock: ManualClock,
}

impl Transport for SlowLine {
    fn get(&self, request: &Request<'_>) -> Result<Response, rockon_sync::Error> {
        let Address::Http(address) = request.address else { panic!("expected a URL") };
        let delay = Duration::from_secs(5);
        self.clock.sleep(delay.min(request.response_timeout));
        if request.response_timeout < delay {
            // Like a failed connection, this may be an outage.
            return Ok(Response::new(503, Box::new(std::io::empty())));
        }
        let path = address.url().split('/').skip(3).collect::<Vec<_>>().join("/");
        Ok(match fs::File::open(self.dir.join(path)) {
            Ok(file) => Response::new(200, Box::new(file)),
            Err(_) => Response::new(404, Box::new(std::io::empty())),
        })
    }
}

#[test]
fn mirrors_that_are_all_slow_are_used() {
    let world = World::v2("abcdefgh");
    let line = SlowLine { dir: world.path("tree"), clock: ManualClock::new() };
    let store = world.store();
    let source: Source = "http://one.invalid/".parse().unwrap();
    let source = source.with_mirror("http://two.invalid/".parse().unwrap());
    let mut updater = rockon_sync::Updater::new(&store).clock(&line.clock).transport(&line);
    let report = updater.run(&source).unwrap();
    assert_eq!((report.outcome, report.failed.len()), (Outcome::Updated, 0), "{report:?}");
    world.assert_up_to_date();
}

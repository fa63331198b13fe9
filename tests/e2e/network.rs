//! Network faults: the number of requests, and the result.

use std::time::Duration;

use rockon_sync::{Digest, ErrorKind, Outcome};
use rockon_sync_tests::{Action, Match, Server, Times};

use crate::world::{Packs, World, definition, files_of};

/// Requests in a first update of two files without packs: head, manifest, files.
const REQUESTS: usize = 4;

fn respond(status: u16, headers: &[(&str, &str)]) -> Action {
    let headers = headers.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    Action::Respond { status, headers, body: Vec::new() }
}

#[test]
fn a_response_cut_at_any_byte_costs_one_request() {
    for response in 0..REQUESTS {
        // Cuts through the whole head, and at a few positions in the other responses.
        let cuts = if response == 0 { (0..140).step_by(7).collect() } else { vec![0, 1, 60, 120] };
        for cut in cuts {
            for action in [Action::CloseAfter(cut), Action::ResetAfter(cut)] {
                let label = format!("response {response}: {action:?}");
                let world = World::small("ab", Packs::Absent);
                world.server.on(Match::Nth(response), Times::Once, action);
                let (report, log) = world.updated();
                assert_eq!(
                    (report.outcome, log.len()),
                    (Outcome::Updated, REQUESTS + 1),
                    "{label}"
                );
                world.assert_up_to_date();
            }
        }
    }
}

#[test]
fn wrong_lengths_and_encodings_cost_few_requests() {
    for response in 0..REQUESTS {
        for (action, more) in [
            // Too long: the rest is cut off, and the bytes do not match the digest. Too short: the
            // connection breaks early, which deserves a retry.
            (Action::WrongLength { declared: 1 << 20 }, None),
            (Action::ChunkedGarbage, Some(1)),
            (Action::Truncate(10), None),
            (Action::ReplaceBody(b"something else".to_vec()), None),
            (Action::CloseBeforeAnswer, Some(1)),
        ] {
            let label = format!("response {response}: {action:?}");
            let world = World::small("ab", Packs::Absent);
            world.server.on(Match::Nth(response), Times::Once, action);
            let result = world.update();
            let requests = world.server.take_log().len();
            match (result, more) {
                (Ok(report), Some(more)) => {
                    assert_eq!(
                        (report.outcome, requests),
                        (Outcome::Updated, REQUESTS + more),
                        "{label}"
                    );
                }
                // At most `by-sha/` and the file's path, each twice.
                (Ok(_), None) => assert!(requests <= REQUESTS + 3, "{label}: {requests}"),
                (Err(error), None) => {
                    let kinds = [ErrorKind::Head, ErrorKind::Integrity, ErrorKind::Limit];
                    assert!(response < 2 && kinds.contains(&error.kind()), "{label}: {error}");
                }
                (Err(error), Some(_)) => panic!("{label}: {}", error.to_chain()),
            }
            world.server.reset();
            assert!(world.update().unwrap().failed.is_empty());
            world.assert_up_to_date();
        }
    }
}

#[test]
fn a_busy_server_is_retried_after_its_delay_or_with_backoff() {
    // Ten seconds after the tests' clock, 2026-11-22T03:04:05Z.
    let date = "Sun, 22 Nov 2026 03:04:15 GMT";
    for (status, after, least_s, requests) in [
        (503, None, 0.125, REQUESTS + 1),
        (429, None, 0.125, REQUESTS + 1),
        (503, Some("7"), 7.0, REQUESTS + 1),
        (429, Some("60"), 60.0, REQUESTS + 1),
        (503, Some(date), 9.0, REQUESTS + 1),
        (503, Some("what"), 0.125, REQUESTS + 1),
        (503, Some("-1"), 0.125, REQUESTS + 1),
        // Longer than the client waits.
        (429, Some("61"), 0.0, 1),
        (503, Some("99999999999999999999"), 0.0, 1),
    ] {
        let label = format!("{status} {after:?}");
        let world = World::small("ab", Packs::Absent);
        let headers: Vec<(&str, &str)> =
            after.iter().map(|after| ("Retry-After", *after)).collect();
        world.server.on(Match::Path("root.sha".into()), Times::Once, respond(status, &headers));
        let result = world.update();
        let log = world.server.take_log();
        match result {
            Ok(report) => {
                assert_eq!(log.len(), requests, "{label}");
                let waited = report.duration.as_secs_f64();
                assert!((least_s..least_s + 4.0).contains(&waited), "{label}: {waited}");
                world.assert_up_to_date();
            }
            Err(error) => {
                assert_eq!((error.kind(), log.len()), (ErrorKind::Status, requests), "{label}");
                assert!(error.is_retryable(), "{label}");
            }
        }
    }
}

#[test]
fn a_busy_server_fails_after_four_requests() {
    for status in [408, 425, 429, 500, 502, 503, 504] {
        let world = World::small("ab", Packs::Absent);
        world.server.on(Match::Any, Times::Always, respond(status, &[]));
        let error = world.update().unwrap_err();
        assert_eq!(
            (error.kind(), world.server.take_log().len()),
            (ErrorKind::Status, 4),
            "{status}"
        );
    }
    for status in [400, 401, 403, 405, 451, 501] {
        let world = World::small("ab", Packs::Absent);
        world.server.on(Match::Any, Times::Always, respond(status, &[]));
        let error = world.update().unwrap_err();
        assert_eq!(
            (error.kind(), world.server.take_log().len()),
            (ErrorKind::Status, 1),
            "{status}"
        );
    }
}

#[test]
fn a_file_missing_in_by_sha_is_requested_by_path() {
    let digest = Digest::of(definition('a', "1").as_bytes());
    let object = || Match::Path(format!("by-sha/{digest}"));
    let world = World::small("ab", Packs::Absent);
    world.server.on(object(), Times::Always, respond(404, &[]));
    let (report, log) = world.updated();
    assert_eq!((report.outcome, log.len()), (Outcome::Updated, REQUESTS + 1), "{log:#?}");
    world.assert_up_to_date();

    // Missing at its path too: the head is requested once more, in case the tree has changed.
    let world = World::small("ab", Packs::Absent);
    world.server.on(object(), Times::Always, respond(404, &[]));
    world.server.on(Match::Path("a.json".into()), Times::Always, respond(404, &[]));
    let (report, log) = world.updated();
    assert_eq!((report.outcome, log.len()), (Outcome::Partial, REQUESTS + 2), "{log:#?}");
    assert_eq!((&*report.failed[0].id, report.failed[0].kind), ("a", ErrorKind::Status));
    world.server.reset();
    let (report, log) = world.updated();
    assert_eq!((report.outcome, log.len()), (Outcome::Updated, 2), "{log:#?}");
    world.assert_up_to_date();
}

#[test]
fn a_stale_mirror_is_skipped_for_a_fresh_one() {
    let world = World::small("ab", Packs::Absent);
    let copied = std::process::Command::new("cp")
        .args(["-a", world.path("tree").to_str().unwrap(), world.path("stale").to_str().unwrap()])
        .status();
    assert!(copied.unwrap().success());
    world.define('a', "2");
    world.publish();
    world.updated();
    let stale = Server::serve(world.path("stale"));
    let source: rockon_sync::Source = stale.url().parse().unwrap();
    let store = world.store();
    let before = files_of(&world.current(""));
    // Alone, it is stale. In front of a good mirror, it costs one request.
    let report = world.updater(&store).run(&source).unwrap();
    assert_eq!((report.outcome, stale.take_log().len()), (Outcome::Stale, 1));
    assert!(before == files_of(&world.current("")));
    world.define('b', "2");
    world.publish();
    let source = source.with_mirror(world.server.url().parse().unwrap());
    world.server.take_log();
    let report = world.updater(&store).run(&source).unwrap();
    assert_eq!(report.outcome, Outcome::Updated);
    assert_eq!((stale.take_log().len(), world.server.take_log().len()), (1, 3));
    world.assert_up_to_date();
}

#[test]
fn silence_ends_the_update_at_the_time_limit() {
    for response in 0..REQUESTS {
        let world = World::small("ab", Packs::Absent);
        let stall = Action::Stall { after: 10, hold: Duration::from_secs(30) };
        world.server.on(Match::Nth(response), Times::Always, stall);
        let store = world.store();
        let mut updater = rockon_sync::Updater::new(&store).timeout(Duration::from_millis(150));
        let error = updater.run(&world.source()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout, "{response}: {}", error.to_chain());
        assert!(!world.current("").exists());
        world.server.reset();
        world.update().unwrap();
        world.assert_up_to_date();
    }
}

#[test]
fn the_longest_durations_are_valid_time_limits() {
    let world = World::small("ab", Packs::Absent);
    let store = world.store();
    let mut updater = world.updater(&store).timeout(Duration::MAX).lock_timeout(Duration::MAX);
    let source = world.source().with_timeout(Duration::MAX);
    assert_eq!(updater.run(&world.source()).unwrap().outcome, Outcome::Updated);
    assert_eq!(updater.run(&source).unwrap().outcome, Outcome::Unchanged);
}

//! Interrupted updates: the store keeps its generation and the files fetched so far.

use std::time::Duration;

use rockon_sync::{CancelToken, ErrorKind, Outcome, limits};
use rockon_sync_tests::{Action, Match, Times};

use crate::world::{World, files_of};

/// Responses in a first update of five files: head, manifest, files.
const RESPONSES: usize = 7;

#[test]
fn a_first_update_cut_at_any_response_is_resumed() {
    for cut in 0..RESPONSES {
        let world = World::v2("abcde");
        world.server.on(Match::Nth(cut), Times::Once, Action::CloseAfter(10));
        world.server.on(Match::Nth(cut + 1), Times::Once, Action::Die);
        let error = world.update().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Transport, "cut at {cut}: {error}");
        assert!(world.store().source_status(&Default::default()).unwrap().current.is_none());
        let got = verified(&world);
        world.server.reset();

        let (report, log) = world.updated();
        assert_eq!(report.outcome, Outcome::Updated);
        // The head, and those of the other six responses that were not staged.
        assert_eq!(log.len(), 1 + (RESPONSES - 1 - got), "cut at {cut}: {log:#?}");
        world.assert_up_to_date();
        world.assert_unchanged();
        assert_eq!(verified(&world), 0, "staging is empty");
    }
}

#[test]
fn an_update_cut_at_any_response_keeps_the_old_generation() {
    for cut in 0..RESPONSES {
        let world = World::v2("abcde");
        world.updated();
        let old = files_of(&world.current(""));
        for name in "abcde".chars() {
            world.define(name, "2");
        }
        world.publish();
        world.server.reset();
        world.server.on(Match::Nth(cut), Times::Once, Action::CloseAfter(10));
        world.server.on(Match::Nth(cut + 1), Times::Once, Action::Die);
        assert_eq!(world.update().unwrap_err().kind(), ErrorKind::Transport, "cut at {cut}");
        assert!(old == files_of(&world.current("")), "cut at {cut}");
        let got = verified(&world);
        world.server.reset();

        let (report, log) = world.updated();
        assert_eq!(report.changed, ["a", "b", "c", "d", "e"]);
        assert_eq!(log.len(), 1 + (RESPONSES - 1 - got), "cut at {cut}");
        world.assert_up_to_date();
    }
}

#[test]
fn a_broken_connection_is_retried_within_the_run() {
    for cut in 0..RESPONSES {
        for action in [Action::CloseBeforeAnswer, Action::CloseAfter(5), Action::ResetAfter(5)] {
            let world = World::v2("abcde");
            world.server.on(Match::Nth(cut), Times::Once, action);
            let report = world.update().unwrap();
            assert_eq!(report.outcome, Outcome::Updated);
            assert_eq!(world.server.take_log().len(), RESPONSES + 1);
            world.assert_up_to_date();
        }
    }
}

#[test]
fn a_canceled_update_changes_nothing_and_keeps_staged_files() {
    let world = World::v2("abcde");
    let token = CancelToken::new();
    let (canceler, store) = (token.clone(), world.store());
    let mut updater = world.updater(&store).cancel(token).progress(|progress| {
        if progress.files_done == 5 {
            canceler.cancel();
        }
    });
    let error = updater.run(&world.source()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Canceled);
    drop(updater);
    assert!(!world.current("").exists());
    let (report, log) = world.updated();
    assert_eq!((report.outcome, log.len()), (Outcome::Updated, 1));
    world.assert_up_to_date();
}

#[test]
fn a_canceled_update_does_not_wait_for_a_silent_server() {
    let hold = Duration::from_secs(60);
    // Silence before the headers, and in the body; alone, and in one of several requests.
    for (path, silence) in [
        ("root.sha", Action::Delay(hold)),
        ("root.sha", Action::Stall { after: 10, hold }),
        ("by-sha/", Action::Delay(hold)),
        ("by-sha/", Action::Stall { after: 10, hold }),
    ] {
        let world = World::v2("abcde");
        world.server.on(Match::Prefix(path.into()), Times::Always, silence);
        let (token, store) = (CancelToken::new(), world.store());
        let mut updater = world.updater(&store).cancel(token.clone());
        let (sender, done) = std::sync::mpsc::channel();
        let error = std::thread::scope(|scope| {
            let (server, token) = (&world.server, &token);
            let is_prompt = scope.spawn(move || {
                server.wait_for_requests(if path == "root.sha" { 1 } else { 3 });
                token.cancel();
                // Half the time that the update would wait for the server.
                done.recv_timeout(limits::STALL_TIMEOUT / 2).is_ok()
            });
            let error = updater.run(&world.source()).unwrap_err();
            let _ = sender.send(());
            assert!(is_prompt.join().unwrap(), "{path}");
            error
        });
        assert_eq!(error.kind(), ErrorKind::Canceled, "{path}: {}", error.to_chain());
        // Without the server's silence it is done at once, and the lock is free.
        world.server.reset();
        assert_eq!(world.update().unwrap().outcome, Outcome::Updated);
    }
}

/// Returns the number of verified files in `incoming/`.
fn verified(world: &World) -> usize {
    let names = std::fs::read_dir(world.path("store/rockstor/incoming")).unwrap();
    names.filter(|name| name.as_ref().unwrap().file_name().len() == 64).count()
}

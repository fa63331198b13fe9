//! A client that is cut off keeps what it had, and what it got.

use rockon_sync::{CancelToken, ErrorKind, Outcome};
use rockon_sync_tests::{Action, Match, Times};

use crate::world::{World, files_of};

/// Responses of a first sync of five files: head, manifest, files.
const RESPONSES: usize = 7;

#[test]
fn a_first_sync_cut_at_any_response_is_resumed() {
    for cut in 0..RESPONSES {
        let world = World::v2("abcde");
        world.server.on(Match::Nth(cut), Times::Once, Action::CloseAfter(10));
        world.server.on(Match::Nth(cut + 1), Times::Once, Action::Die);
        let error = world.update().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Transport, "cut at {cut}: {error}");
        assert!(world.store().source_status(&Default::default()).unwrap().held.is_none());
        let got = verified(&world);
        world.server.reset();

        let (report, log) = world.updated();
        assert_eq!(report.outcome, Outcome::Updated);
        // The head, and whatever of the other six responses had not been kept.
        assert_eq!(log.len(), 1 + (RESPONSES - 1 - got), "cut at {cut}: {log:#?}");
        world.assert_in_step();
        world.assert_unchanged();
        assert_eq!(verified(&world), 0, "nothing is left behind");
    }
}

#[test]
fn an_update_cut_at_any_response_leaves_the_old_generation_whole() {
    for cut in 0..RESPONSES {
        let world = World::v2("abcde");
        world.updated();
        let old = files_of(&world.held(""));
        for name in "abcde".chars() {
            world.define(name, "2");
        }
        world.publish();
        world.server.reset();
        world.server.on(Match::Nth(cut), Times::Once, Action::CloseAfter(10));
        world.server.on(Match::Nth(cut + 1), Times::Once, Action::Die);
        assert_eq!(world.update().unwrap_err().kind(), ErrorKind::Transport, "cut at {cut}");
        assert!(old == files_of(&world.held("")), "cut at {cut}");
        let got = verified(&world);
        world.server.reset();

        let (report, log) = world.updated();
        assert_eq!(report.changed, ["a", "b", "c", "d", "e"]);
        assert_eq!(log.len(), 1 + (RESPONSES - 1 - got), "cut at {cut}");
        world.assert_in_step();
    }
}

#[test]
fn one_broken_connection_is_tried_again_within_the_run() {
    for cut in 0..RESPONSES {
        for action in [Action::CloseBeforeAnswer, Action::CloseAfter(5), Action::ResetAfter(5)] {
            let world = World::v2("abcde");
            world.server.on(Match::Nth(cut), Times::Once, action);
            let report = world.update().unwrap();
            assert_eq!(report.outcome, Outcome::Updated);
            assert_eq!(world.server.take_log().len(), RESPONSES + 1);
            world.assert_in_step();
        }
    }
}

#[test]
fn a_canceled_update_changes_nothing_and_keeps_what_it_got() {
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
    assert!(!world.held("").exists());
    let (report, log) = world.updated();
    assert_eq!((report.outcome, log.len()), (Outcome::Updated, 1));
    world.assert_in_step();
}

/// How many verified downloads wait in `incoming`.
fn verified(world: &World) -> usize {
    let names = std::fs::read_dir(world.path("store/rockstor/incoming")).unwrap();
    names.filter(|name| name.as_ref().unwrap().file_name().len() == 64).count()
}

//! Several processes at the same time.

use std::process::Stdio;
use std::time::Duration;

use rockon_sync_tests::{Action, Match, Times};

use crate::desk::{Desk, Packs, code, stderr, succeeds};

#[test]
fn of_two_updates_at_once_one_wins_and_the_other_is_locked_out() {
    let desk = Desk::new(Packs::Offered);
    succeeds(&desk.update("old"));
    let server = desk.server("new");
    // The winner is held at its second response while the other one tries.
    let stall = Action::Stall { after: 20, hold: Duration::from_secs(60) };
    server.on(Match::Nth(1), Times::Once, stall);
    let url = server.url();
    let mut command = desk.command(&["update", "--store", "store", "--source", &url]);
    let mut first = command.stderr(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
    server.wait_for_requests(2);
    let second = desk.update(&url);
    assert_eq!(code(&second), Some(5), "{}", stderr(&second));
    assert!(stderr(&second).contains("another process is writing here"), "{}", stderr(&second));
    assert_eq!(server.request_count(), 2, "whoever is locked out asks for nothing");
    // The lock goes with the process, however it ends.
    first.kill().unwrap();
    first.wait().unwrap();
    succeeds(&desk.update(&url));
    assert!(desk.seen() == desk.published("new"));
}

#[test]
fn of_many_updates_at_once_each_wins_or_is_locked_out() {
    let desk = Desk::new(Packs::Offered);
    for (round, tree) in ["old", "new"].into_iter().enumerate() {
        let args = ["update", "--store", "store", "--source", tree];
        let children: Vec<_> = (0..6)
            .map(|_| {
                let mut command = desk.command(&args);
                command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
            })
            .collect();
        let codes: Vec<Option<i32>> = children
            .into_iter()
            .map(|child| child.wait_with_output().unwrap())
            .inspect(|output| assert!(matches!(code(output), Some(0 | 5)), "{}", stderr(output)))
            .map(|output| code(&output))
            .collect();
        assert!(codes.contains(&Some(0)), "round {round}: {codes:?}");
        assert!(desk.seen() == desk.published(tree), "round {round}");
    }
}

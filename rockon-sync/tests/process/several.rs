//! Several processes at the same time.

use std::process::Stdio;
use std::time::Duration;

use rockon_sync_tests::{Action, Match, Times};

use crate::catalog::{Packs, TestCatalog, code, stderr, succeeds};

#[test]
fn a_concurrent_update_is_locked_out() {
    let catalog = TestCatalog::new(Packs::Absent);
    succeeds(&catalog.update("old"));
    let server = catalog.server("new");
    // Keeps the first update at its second response while the second one runs.
    let stall = Action::Stall { after: 20, hold: Duration::from_secs(60) };
    server.on(Match::Nth(1), Times::Once, stall);
    let url = server.url();
    let mut command = catalog.command(&["update", "--store", "store", "--source", &url]);
    let mut first = command.stderr(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
    server.wait_for_requests(2);
    let second = catalog.update(&url);
    assert_eq!(code(&second), Some(5), "{}", stderr(&second));
    assert!(stderr(&second).contains("another process is writing here"), "{}", stderr(&second));
    assert_eq!(server.request_count(), 2, "a locked-out update sends no request");
    // The lock is released when the process ends, even if it is killed.
    first.kill().unwrap();
    first.wait().unwrap();
    succeeds(&catalog.update(&url));
    assert!(catalog.current() == catalog.published("new"));
}

#[test]
fn concurrent_updates_succeed_or_are_locked_out() {
    let catalog = TestCatalog::new(Packs::Offered);
    for (round, tree) in ["old", "new"].into_iter().enumerate() {
        let args = ["update", "--store", "store", "--source", tree];
        let children: Vec<_> = (0..6)
            .map(|_| {
                let mut command = catalog.command(&args);
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
        assert!(catalog.current() == catalog.published(tree), "round {round}");
    }
}

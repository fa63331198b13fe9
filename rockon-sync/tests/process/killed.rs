//! Killed at any point, the command leaves the old or the new state, and the next run recovers.

use std::fs;
use std::process::{Command, Stdio};
use std::time::Duration;

use rockon_sync_tests::{Action, Match, Times};

use crate::catalog::{Packs, TestCatalog, code, files_in, stderr, succeeds};

/// System calls with side effects. The command is killed at each.
const SYSTEM_CALLS: [&str; 9] =
    ["mkdir", "rename", "linkat", "symlink", "fsync", "unlink", "rmdir", "fchmod", "ftruncate"];

/// The trees that the store was updated to before.
const BEFORE: [&[&str]; 2] = [&[], &["old"]];

/// Returns a catalog whose store was updated to these trees, in order.
fn updated(packs: Packs, before: &[&str]) -> TestCatalog {
    let catalog = TestCatalog::new(packs);
    for tree in before {
        succeeds(&catalog.update(tree));
    }
    catalog
}

/// Asserts that the state is the old or the new one, and that the next update leads to the new one.
fn assert_recovers(catalog: &TestCatalog, before: &[&str], label: &str) {
    let old = before.last().and_then(|tree| catalog.published(tree));
    let new = catalog.published("new");
    let current = catalog.current();
    assert!(current == old || current == new, "{label}: states are mixed");
    let output = catalog.update("new");
    assert_eq!(code(&output), Some(0), "{label}: {}", stderr(&output));
    assert!(catalog.current() == new, "{label}: {}", stderr(&output));
    succeeds(&catalog.run(&["verify", "--store", "store"]));
}

#[test]
fn an_update_killed_at_any_response_is_resumed() {
    for packs in [Packs::Offered, Packs::Absent] {
        for before in BEFORE {
            let mut n = 0;
            while kill_at_response(n, packs, before) {
                n += 1;
            }
            let responses = match (packs, before.is_empty()) {
                (Packs::Offered, true) => 2,
                // The delta is in the head.
                (Packs::Offered, false) => 1,
                (Packs::Absent, true) => 2 + 3,
                (Packs::Absent, false) => 2 + 2,
            };
            assert_eq!(n, responses, "{packs:?} {before:?}");
        }
    }
}

/// Returns `false` if there are fewer responses.
fn kill_at_response(n: usize, packs: Packs, before: &[&str]) -> bool {
    let catalog = updated(packs, before);
    let server = catalog.server("new");
    let stall = Action::Stall { after: 20, hold: Duration::from_secs(60) };
    server.on(Match::Nth(n), Times::Once, stall);
    // Requests during the stall are answered, so that the client also writes files.
    let url = server.url();
    let mut command = catalog.command(&["update", "--store", "store", "--source", &url]);
    let mut child = command.stderr(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
    let is_hit = loop {
        if server.request_count() > n {
            break true;
        }
        if child.try_wait().unwrap().is_some() {
            break server.request_count() > n;
        }
        std::thread::yield_now();
    };
    child.kill().unwrap();
    child.wait().unwrap();
    if is_hit {
        let kept = files_in(&catalog.path("store/rockstor/incoming")).unwrap_or_default();
        server.reset();
        let label = format!("response {n}, {packs:?}, {before:?}");
        let output = catalog.update(&url);
        assert_eq!(code(&output), Some(0), "{label}: {}", stderr(&output));
        let log = server.take_log();
        for (name, bytes) in kept {
            let is_whole =
                files_in(&catalog.path("new/by-sha")).unwrap().contains(&(name.clone(), bytes));
            let again = log.iter().any(|exchange| exchange.path.ends_with(&name));
            assert!(!(is_whole && again), "{label}: {name} was fetched twice");
        }
        assert_recovers(&catalog, before, &label);
    }
    is_hit
}

/// Runs the command under `strace`, which kills it at the `n`th call with this name, counted over
/// all threads. Returns `false` if there are fewer.
fn kill_at_call(catalog: &TestCatalog, call: &str, n: usize, args: &[&str]) -> bool {
    let mut command = Command::new("strace");
    catalog.prepare(&mut command);
    command.args(["-f", "-qq", "-o", "/dev/null"]);
    command.arg(format!("--trace={call}"));
    command.arg(format!("--inject={call}:signal=KILL:when={n}"));
    command.arg(env!("CARGO_BIN_EXE_rockon-sync")).args(args);
    let output = command.output().expect("cannot run strace, which tests/run.sh installs");
    match code(&output) {
        Some(0) => false,
        // strace ends with the signal that killed its child.
        None => true,
        Some(_) => panic!("{call} {n}: {}", stderr(&output)),
    }
}

#[test]
fn an_update_killed_at_any_system_call_recovers() {
    for before in BEFORE {
        let mut kills = 0;
        for call in SYSTEM_CALLS {
            let mut n = 1;
            loop {
                let catalog = updated(Packs::Offered, before);
                let args = ["update", "--store", "store", "--source", "new"];
                let is_killed = kill_at_call(&catalog, call, n, &args);
                assert_recovers(&catalog, before, &format!("{call} {n}, {before:?}"));
                if !is_killed {
                    break;
                }
                n += 1;
            }
            kills += n - 1;
        }
        assert!(kills >= 30, "only {kills} calls were tried");
    }
}

#[test]
fn a_publication_killed_at_any_system_call_recovers() {
    let undisturbed = TestCatalog::new(Packs::Offered);
    let expected = undisturbed.published("new").unwrap();
    let mut kills = 0;
    for call in SYSTEM_CALLS {
        let mut n = 1;
        loop {
            let catalog = TestCatalog::new(Packs::Offered);
            // `old` is the tree to publish to. The catalog is in its new state.
            let args = ["publish", "catalog", "--out", "old"];
            let old = catalog.published("old").unwrap();
            let is_killed = kill_at_call(&catalog, call, n, &args);
            let label = format!("{call} {n}");
            let head = fs::read(catalog.path("old/root.sha")).unwrap();
            let is_old = old.contains(&("root.sha".into(), head.clone()));
            assert!(is_old || expected.contains(&("root.sha".into(), head)), "{label}");
            // A client that updates now gets the state of the head.
            let output = catalog.update("old");
            assert_eq!(code(&output), Some(0), "{label}: {}", stderr(&output));
            let output = catalog.run(&args);
            assert_eq!(code(&output), Some(0), "{label}: {}", stderr(&output));
            assert!(catalog.published("old").unwrap() == expected, "{label}");
            if !is_killed {
                break;
            }
            n += 1;
        }
        kills += n - 1;
    }
    assert!(kills >= 30, "only {kills} calls were tried");
}

#[test]
fn an_update_killed_at_a_random_moment_recovers() {
    let mut random = fastrand::Rng::with_seed(4);
    for n in 0..12 {
        let packs = if n % 2 == 0 { Packs::Offered } else { Packs::Absent };
        let catalog = updated(packs, BEFORE[n % 2]);
        let server = catalog.server("new");
        let url = server.url();
        let mut command = catalog.command(&["update", "--store", "store", "--source", &url]);
        let mut child = command.stderr(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
        server.wait_for_requests(2);
        // The moment varies between runs; every moment must pass.
        std::thread::park_timeout(Duration::from_micros(random.u64(..8_000)));
        child.kill().unwrap();
        child.wait().unwrap();
        assert_recovers(&catalog, BEFORE[n % 2], &format!("run {n}"));
    }
}

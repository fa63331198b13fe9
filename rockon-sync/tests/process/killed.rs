//! Killed at any point, the command leaves the old state or the new one, and the next run
//! needs no help.

use std::fs;
use std::process::{Command, Stdio};
use std::time::Duration;

use rockon_sync_tests::{Action, Match, Times};

use crate::desk::{Desk, Packs, code, files_in, stderr, succeeds};

/// What is done to the system, of what this program does: each is a point to be killed at.
const SYSTEM_CALLS: [&str; 9] =
    ["mkdir", "rename", "linkat", "symlink", "fsync", "unlink", "rmdir", "fchmod", "ftruncate"];

/// The states that an update begins with.
const BEFORE: [&[&str]; 2] = [&[], &["old"]];

/// A desk whose store is in step with these trees.
fn desk(packs: Packs, before: &[&str]) -> Desk {
    let desk = Desk::new(packs);
    for tree in before {
        succeeds(&desk.update(tree));
    }
    desk
}

/// The state must be old or new, and the next update leads to the new one.
fn assert_recovers(desk: &Desk, before: &[&str], label: &str) {
    let old = before.last().and_then(|tree| desk.published(tree));
    let new = desk.published("new");
    let seen = desk.seen();
    assert!(seen == old || seen == new, "{label}: a mix is seen");
    let output = desk.update("new");
    assert_eq!(code(&output), Some(0), "{label}: {}", stderr(&output));
    assert!(desk.seen() == new, "{label}: {}", stderr(&output));
    succeeds(&desk.run(&["verify", "--store", "store"]));
}

#[test]
fn an_update_killed_at_any_response_is_gone_on_with() {
    for packs in [Packs::Offered, Packs::Absent] {
        for before in BEFORE {
            let mut n = 0;
            while kill_at_response(n, packs, before) {
                n += 1;
            }
            let responses =
                if packs == Packs::Offered { 2 } else { 2 + if before.is_empty() { 3 } else { 2 } };
            assert_eq!(n, responses, "{packs:?} {before:?}");
        }
    }
}

/// `false` if there are not that many responses.
fn kill_at_response(n: usize, packs: Packs, before: &[&str]) -> bool {
    let desk = desk(packs, before);
    let server = desk.server("new");
    let stall = Action::Stall { after: 20, hold: Duration::from_secs(60) };
    server.on(Match::Nth(n), Times::Once, stall);
    // Whoever asks for something else meanwhile gets it, so that the file system is as busy.
    let url = server.url();
    let mut command = desk.command(&["update", "--store", "store", "--source", &url]);
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
        let kept = files_in(&desk.path("store/rockstor/incoming")).unwrap_or_default();
        server.reset();
        let label = format!("response {n}, {packs:?}, {before:?}");
        let output = desk.update(&url);
        assert_eq!(code(&output), Some(0), "{label}: {}", stderr(&output));
        let log = server.take_log();
        for (name, bytes) in kept {
            let is_whole =
                files_in(&desk.path("new/by-sha")).unwrap().contains(&(name.clone(), bytes));
            let again = log.iter().any(|exchange| exchange.path.ends_with(&name));
            assert!(!(is_whole && again), "{label}: {name} was fetched twice");
        }
        assert_recovers(&desk, before, &label);
    }
    is_hit
}

/// Runs the command under `strace`, which kills it at the `n`th call of this name (of
/// any of its threads). `false` if there are fewer.
fn kill_at_call(desk: &Desk, call: &str, n: usize, args: &[&str]) -> bool {
    let mut command = Command::new("strace");
    desk.prepare(&mut command);
    command.args(["-f", "-qq", "-o", "/dev/null"]);
    command.arg(format!("--trace={call}"));
    command.arg(format!("--inject={call}:signal=KILL:when={n}"));
    command.arg(env!("CARGO_BIN_EXE_rockon-sync")).args(args);
    let output = command.output().expect("strace is there: tests/run.sh installs it");
    match code(&output) {
        Some(0) => false,
        // strace ends itself in the way in which its child ended.
        None => true,
        Some(_) => panic!("{call} {n}: {}", stderr(&output)),
    }
}

#[test]
fn an_update_killed_at_any_system_call_is_gone_on_with() {
    for before in BEFORE {
        let mut kills = 0;
        for call in SYSTEM_CALLS {
            let mut n = 1;
            loop {
                let desk = desk(Packs::Offered, before);
                let args = ["update", "--store", "store", "--source", "new"];
                let is_killed = kill_at_call(&desk, call, n, &args);
                assert_recovers(&desk, before, &format!("{call} {n}, {before:?}"));
                if !is_killed {
                    break;
                }
                n += 1;
            }
            kills += n - 1;
        }
        assert!(kills > 30, "only {kills} calls were tried");
    }
}

#[test]
fn a_publication_killed_at_any_system_call_is_gone_on_with() {
    let undisturbed = Desk::new(Packs::Offered);
    let expected = undisturbed.published("new").unwrap();
    let mut kills = 0;
    for call in SYSTEM_CALLS {
        let mut n = 1;
        loop {
            let desk = Desk::new(Packs::Offered);
            // The tree in its old state, the catalog in its new one.
            let args = ["publish", "catalog", "--out", "old"];
            let old = desk.published("old").unwrap();
            let is_killed = kill_at_call(&desk, call, n, &args);
            let label = format!("{call} {n}");
            let head = fs::read(desk.path("old/root.sha")).unwrap();
            let is_old = old.contains(&("root.sha".into(), head.clone()));
            assert!(is_old || expected.contains(&("root.sha".into(), head)), "{label}");
            // A client that comes now gets what the head says.
            let output = desk.update("old");
            assert_eq!(code(&output), Some(0), "{label}: {}", stderr(&output));
            let output = desk.run(&args);
            assert_eq!(code(&output), Some(0), "{label}: {}", stderr(&output));
            assert!(desk.published("old").unwrap() == expected, "{label}");
            if !is_killed {
                break;
            }
            n += 1;
        }
        kills += n - 1;
    }
    assert!(kills > 30, "only {kills} calls were tried");
}

#[test]
fn an_update_killed_at_some_moment_is_gone_on_with() {
    let mut random = fastrand::Rng::with_seed(4);
    for n in 0..12 {
        let packs = if n % 2 == 0 { Packs::Offered } else { Packs::Absent };
        let desk = desk(packs, BEFORE[n % 2]);
        let server = desk.server("new");
        let url = server.url();
        let mut command = desk.command(&["update", "--store", "store", "--source", &url]);
        let mut child = command.stderr(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
        server.wait_for_requests(2);
        // Nothing is asserted of the moment, so it does not matter if it is another one.
        std::thread::park_timeout(Duration::from_micros(random.u64(..8_000)));
        child.kill().unwrap();
        child.wait().unwrap();
        assert_recovers(&desk, BEFORE[n % 2], &format!("run {n}"));
    }
}

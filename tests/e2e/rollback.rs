//! Rollback: older heads, unchanged heads, heads from the future, and wrong clocks.

use std::fs;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rockon_sync::keys::SigningKey;
use rockon_sync::publish::Publisher;
use rockon_sync::transport::Clock;
use rockon_sync::{ErrorKind, Freshness, Outcome, Report, Rollback, Timestamp};

use crate::world::World;

/// The time of all publications in these tests.
const PUBLISHED: i64 = 1_795_316_645;
const DAY: i64 = 86_400;

/// A clock that stands still.
struct StoppedClock(u64);

#[expect(clippy::disallowed_methods, reason = "Instant has no other constructor")]
impl Clock for StoppedClock {
    fn now(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(self.0)
    }

    fn monotonic(&self) -> Instant {
        Instant::now()
    }

    fn sleep(&self, _: Duration) {}
}

fn key() -> SigningKey {
    SigningKey::from_seed("example.org/rockons", [7; 32]).unwrap()
}

/// Publishes `a` with this version, signed.
fn publish(world: &World, version: &str) {
    world.define('a', version);
    world.publisher().sign_key(key()).run().unwrap();
}

fn save_tree(world: &World, name: &str) {
    let copied = std::process::Command::new("cp")
        .arg("-a")
        .args([world.path("tree"), world.path(name)])
        .status();
    assert!(copied.unwrap().success());
}

fn update(world: &World, rollback: Rollback) -> Report {
    let source = world.source().trust(key().verifier_key().clone());
    world.updater(&world.store()).rollback(rollback).run(&source).unwrap()
}

/// Returns a world with a signed source at serial 2. The tree at serial 1 is in `old`.
fn at_serial_2() -> World {
    let world = World::bare("tree");
    world.write_catalog("abc");
    publish(&world, "1");
    save_tree(&world, "old");
    publish(&world, "2");
    assert_eq!(update(&world, Rollback::Refuse).serial, Some(2));
    world
}

#[test]
fn an_old_head_is_refused_even_with_a_good_signature() {
    let world = at_serial_2();
    world.server.set_root(world.path("old"));
    let report = update(&world, Rollback::Refuse);
    assert_eq!((report.outcome, report.serial), (Outcome::Stale, Some(2)));
    assert!(report.warnings[0].contains("expected serial 2 or newer, got serial 1"));
    // Only the head was requested, and the store is unchanged.
    assert_eq!(report.requests, 1);
    world.assert_up_to_date();
}

#[test]
fn the_floor_and_the_generation_survive_each_other() {
    for lost in ["gen", "status.json"] {
        let world = at_serial_2();
        let path = world.path("store/rockstor").join(lost);
        if path.is_dir() {
            fs::remove_dir_all(path).unwrap();
        } else {
            fs::remove_file(path).unwrap();
        }
        world.server.set_root(world.path("old"));
        assert_eq!(update(&world, Rollback::Refuse).outcome, Outcome::Stale, "{lost}");
        world.server.set_root(world.path("tree"));
        update(&world, Rollback::Refuse);
        world.assert_up_to_date();
    }
}

#[test]
fn a_generation_from_a_backup_does_not_lower_the_floor() {
    let world = at_serial_2();
    let dir = world.path("store/rockstor");
    save_tree(&world, "two");
    fs::rename(dir.join("gen"), dir.join("saved")).unwrap();
    let current = fs::read_link(dir.join("current")).unwrap();
    fs::remove_file(dir.join("current")).unwrap();
    publish(&world, "3");
    assert_eq!(update(&world, Rollback::Refuse).serial, Some(3));
    // Back to serial 2, with a status that knows serial 3.
    fs::remove_dir_all(dir.join("gen")).unwrap();
    fs::rename(dir.join("saved"), dir.join("gen")).unwrap();
    fs::remove_file(dir.join("current")).unwrap();
    std::os::unix::fs::symlink(current, dir.join("current")).unwrap();
    // The head is the current one, so it is accepted, and the damaged file is healed.
    world.server.set_root(world.path("two"));
    fs::remove_file(world.current("a.json").canonicalize().unwrap()).unwrap();
    assert_eq!(update(&world, Rollback::Refuse).healed, ["a"]);
    world.server.set_root(world.path("old"));
    let report = update(&world, Rollback::Refuse);
    assert_eq!(report.outcome, Outcome::Stale);
    let floor = "expected serial 3 or newer, got serial 1";
    assert!(report.warnings.iter().any(|warning| warning.contains(floor)), "{report:?}");
}

#[test]
fn a_damaged_head_does_not_lower_the_floor() {
    for serial in ["1", "9"] {
        let world = at_serial_2();
        let path = world.current("root.sha").canonicalize().unwrap();
        let head = fs::read_to_string(&path).unwrap();
        let damaged = head.replace("# serial 2\n", &format!("# serial {serial}\n"));
        fs::remove_file(&path).unwrap();
        fs::write(&path, damaged).unwrap();
        world.server.set_root(world.path("old"));
        let report = update(&world, Rollback::Refuse);
        assert_eq!(report.outcome, Outcome::Stale, "{report:?}");
        let expected = "expected serial 2 or newer, got serial 1";
        let is_told = |warning: &String| warning.contains(expected);
        assert!(report.warnings.iter().any(is_told), "{report:?}");
        world.server.set_root(world.path("tree"));
        assert_eq!(update(&world, Rollback::Refuse).serial, Some(2));
        world.assert_up_to_date();
    }
}

#[test]
fn the_floor_rises_only_after_the_commit() {
    let world = at_serial_2();
    // Two, so that the delta in the head does not fit.
    publish(&world, "3");
    publish(&world, "4");
    save_tree(&world, "new");
    // The manifest does not match the head, so nothing is committed.
    for name in fs::read_dir(world.path("new/by-sha")).unwrap() {
        fs::write(name.unwrap().path(), "{}").unwrap();
    }
    fs::write(world.path("new/root.json"), "{}").unwrap();
    fs::remove_dir_all(world.path("new/packs")).unwrap();
    world.server.set_root(world.path("new"));
    let source = world.source();
    let error = world.updater(&world.store()).run(&source).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Integrity);
    let status = fs::read_to_string(world.path("store/rockstor/status.json")).unwrap();
    assert!(status.contains("\"serial_floor\": 2"), "{status}");
    world.server.set_root(world.path("tree"));
    assert_eq!(update(&world, Rollback::Refuse).serial, Some(4));
    let status = fs::read_to_string(world.path("store/rockstor/status.json")).unwrap();
    assert!(status.contains("\"serial_floor\": 4"), "{status}");
}

#[test]
fn one_serial_stands_for_one_manifest() {
    let world = at_serial_2();
    let before = world.current("").canonicalize().unwrap();
    // A publisher without its history counts from 1 again.
    fs::remove_dir_all(world.path("tree")).unwrap();
    publish(&world, "x");
    publish(&world, "y");
    let report = update(&world, Rollback::Refuse);
    assert_eq!((report.outcome, report.serial), (Outcome::Stale, Some(2)));
    assert!(report.warnings[0].contains("expected serial 2 to be the manifest"), "{report:?}");
    assert_eq!(world.current("").canonicalize().unwrap(), before);
    // Heals with the next publication, or at once if rollback is allowed.
    let report = update(&world, Rollback::Allow);
    assert_eq!((report.outcome, report.serial), (Outcome::Updated, Some(2)));
    world.assert_up_to_date();
    publish(&world, "z");
    assert_eq!(update(&world, Rollback::Refuse).serial, Some(3));
}

#[test]
fn an_absurd_serial_is_reset_by_allowing_rollback_once() {
    let world = World::v2("abc");
    let path = world.path("tree/root.sha");
    let good = fs::read_to_string(&path).unwrap();
    fs::write(&path, good.replace("# serial 1\n", &format!("# serial {}\n", u64::MAX))).unwrap();
    assert_eq!(world.update().unwrap().serial, Some(u64::MAX));
    fs::write(&path, &good).unwrap();
    world.define('a', "2");
    world.publish();
    assert_eq!(world.update().unwrap().outcome, Outcome::Stale);
    let store = world.store();
    let report = world.updater(&store).rollback(Rollback::Allow).run(&world.source()).unwrap();
    assert_eq!((report.outcome, report.serial), (Outcome::Updated, Some(2)));
    // The floor is now the serial of the head, so later heads are accepted.
    world.define('a', "3");
    world.publish();
    assert_eq!(world.update().unwrap().serial, Some(3));
    world.assert_up_to_date();
}

#[test]
fn an_expired_head_is_a_warning_and_refused_only_on_request() {
    let world = World::bare("tree");
    world.write_catalog("abc");
    world.publisher().expires_in_days(30).run().unwrap();
    let store = world.store();
    let at = |days: i64| StoppedClock(u64::try_from(PUBLISHED + days * DAY).unwrap());
    let run = |days: i64, freshness| {
        let clock = at(days);
        world.updater(&store).clock(&clock).freshness(freshness).run(&world.source())
    };
    let fresh = run(29, Freshness::Require).unwrap();
    assert_eq!((fresh.outcome, fresh.warnings.len()), (Outcome::Updated, 0));
    let old = run(31, Freshness::Warn).unwrap();
    assert_eq!(old.outcome, Outcome::Unchanged);
    assert!(old.warnings[0].contains("expired at 2026-12-22T03:04:05Z"), "{:?}", old.warnings);
    let error = run(31, Freshness::Require).unwrap_err();
    assert_eq!((error.kind(), error.kind().exit_code()), (ErrorKind::Expired, 4));
    // The refusal left no trace: a new head is accepted.
    world.publisher().expires_in_days(30).published(time(PUBLISHED + 31 * DAY)).run().unwrap();
    assert_eq!(run(31, Freshness::Require).unwrap().serial, Some(2));
}

fn time(unix_s: i64) -> Timestamp {
    Timestamp::from_unix(unix_s).unwrap()
}

#[test]
fn wrong_clocks_on_either_side_do_not_block_updates() {
    let world = World::v2("abc");
    let store = world.store();
    // The client's clock: from 1970 to the far future, and back.
    for seconds in [0, 4_000_000_000, 250_000_000_000, 1_795_316_645] {
        let clock = StoppedClock(seconds);
        world.define('a', &seconds.to_string());
        world.publish();
        let report = world.updater(&store).clock(&clock).run(&world.source()).unwrap();
        assert_eq!(report.changed.len() + report.added.len() / 3, 1, "at {seconds}");
        let again = world.updater(&store).clock(&clock).run(&world.source()).unwrap();
        assert_eq!((again.outcome, again.requests), (Outcome::Unchanged, 1), "at {seconds}");
    }
    // The publisher's clock: a head from the year 9000, then one from today.
    let publish = |at: i64, version: &str| {
        world.define('a', version);
        let publisher = Publisher::new(world.path("catalog")).out(world.path("tree"));
        publisher.published(time(at)).expires_in_days(30).run().unwrap();
    };
    for (at, version) in [(221_845_392_000, "future"), (PUBLISHED, "today"), (0, "1970")] {
        publish(at, version);
        assert_eq!(world.update().unwrap().changed, ["a"], "{version}");
    }
    world.assert_up_to_date();
}

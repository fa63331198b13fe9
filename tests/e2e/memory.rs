//! The state that an update remembers for the next one and for `status`.

use std::fs;
use std::sync::Mutex;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rockon_sync::inspect::SourceStatus;
use rockon_sync::transport::Clock;
use rockon_sync::{
    Digest, Error, ErrorKind, Freshness, Mode, Outcome, Phase, Report, Source, Store, Timestamp,
    Updater,
};
use rockon_sync_tests::{Action, Match, Server, Times};

use crate::world::{FastClock, Packs, World, definition};

/// A clock that stands still.
struct Still {
    unix_s: u64,
    start: Instant,
}

impl Still {
    #[expect(clippy::disallowed_methods, reason = "an Instant cannot be constructed")]
    fn at(unix_s: u64) -> Still {
        Still { unix_s, start: Instant::now() }
    }
}

impl Clock for Still {
    fn now(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(self.unix_s)
    }

    fn monotonic(&self) -> Instant {
        self.start
    }

    fn sleep(&self, _: Duration) {}
}

const NOON: u64 = 1_795_316_645;

fn update_at(world: &World, source: &Source, unix_s: u64) -> Result<Report, Error> {
    Updater::new(&world.store()).clock(&Still::at(unix_s)).run(source)
}

fn status(world: &World) -> SourceStatus {
    world.store().source_status(&"rockstor".parse().unwrap()).unwrap()
}

fn time(unix_s: u64) -> Option<Timestamp> {
    Some(Timestamp::from_unix(i64::try_from(unix_s).unwrap()).unwrap())
}

fn not_found() -> Action {
    Action::Respond { status: 404, headers: Vec::new(), body: Vec::new() }
}

#[test]
fn an_update_without_changes_remembers_its_time_and_mirror() {
    let world = World::v2("a");
    update_at(&world, &world.source(), NOON).unwrap();
    assert_eq!(status(&world).checked, time(NOON));
    let other = Server::serve(world.path("tree"));
    let source: Source = other.url().parse().unwrap();
    let report = update_at(&world, &source, NOON + 60).unwrap();
    assert_eq!(report.outcome, Outcome::Unchanged);
    let found = status(&world);
    assert_eq!(found.checked, time(NOON + 60));
    assert_eq!(found.mirrors, [other.url()]);
    // The second request to the other mirror is conditional. Times in whole seconds are not sent.
    update_at(&world, &source, NOON + 120).unwrap();
    let log = other.take_log();
    let sent: Vec<_> = log
        .iter()
        .map(|request| {
            let is_sent = |name| request.header(name).is_some();
            (is_sent("If-None-Match"), is_sent("If-Modified-Since"), request.status)
        })
        .collect();
    assert_eq!(sent, [(false, false, 200), (true, false, 304)]);
    // A failed update is not a check.
    other.on(Match::Any, Times::Always, not_found());
    update_at(&world, &source, NOON + 180).unwrap_err();
    assert_eq!(status(&world).checked, time(NOON + 120));
}

#[test]
fn an_update_of_a_v1_source_without_changes_remembers_its_time() {
    let world = World::v1("ab");
    for n in 0..3 {
        let report = update_at(&world, &world.source(), NOON + n * 60).unwrap();
        let expected = if n == 0 { Outcome::Updated } else { Outcome::Unchanged };
        assert_eq!((report.outcome, status(&world).checked), (expected, time(NOON + n * 60)));
    }
}

#[test]
fn validators_that_a_v1_file_gets_later_are_sent() {
    let world = World::v1("ab");
    // At first, the server sends none.
    let body = definition('b', "1").into_bytes();
    let plain = Action::Respond { status: 200, headers: Vec::new(), body };
    world.server.on(Match::Path("b.json".into()), Times::Once, plain);
    let b_of = |log: Vec<rockon_sync_tests::Exchange>| {
        let request = log.into_iter().find(|request| request.path == "b.json").unwrap();
        (request.header("If-None-Match").is_some(), request.status)
    };
    let (report, log) = world.updated();
    assert_eq!((report.outcome, b_of(log)), (Outcome::Updated, (false, 200)));
    let (report, log) = world.updated();
    assert_eq!((report.outcome, b_of(log)), (Outcome::Unchanged, (false, 200)));
    let (report, log) = world.updated();
    assert_eq!((report.outcome, b_of(log)), (Outcome::Unchanged, (true, 304)));
}

#[test]
fn files_with_another_time_are_read_once() {
    let world = World::v2("ab");
    world.updated();
    let a = fs::File::open(world.current("a.json")).unwrap();
    let time = || a.metadata().unwrap().modified().unwrap();
    let nanoseconds = || time().duration_since(UNIX_EPOCH).unwrap().subsec_nanos();
    let before = nanoseconds();
    a.set_modified(UNIX_EPOCH + Duration::from_secs(NOON)).unwrap();
    assert_ne!(nanoseconds(), before);
    world.assert_unchanged();
    // It has its mark again, and keeps its date.
    assert_eq!(time(), UNIX_EPOCH + Duration::new(NOON, before));
    // Leftovers of an earlier update are removed, too.
    let leftover = world.path("store/rockstor/incoming").join("0".repeat(64));
    fs::write(&leftover, "x").unwrap();
    a.set_modified(UNIX_EPOCH + Duration::from_secs(NOON + 1)).unwrap();
    world.assert_unchanged();
    assert!(fs::symlink_metadata(&leftover).is_err());
}

#[test]
fn failed_entries_are_remembered_until_an_update_succeeds() {
    let world = World::v2("ab");
    let digest = Digest::of(definition('b', "1").as_bytes());
    for path in ["b.json".to_owned(), format!("by-sha/{digest}")] {
        world.server.on(Match::Path(path), Times::Always, not_found());
    }
    assert_eq!(world.update().unwrap().outcome, Outcome::Partial);
    let failed = status(&world).failed;
    let [(id, kind, message)] = &failed[..] else { panic!("{failed:?}") };
    assert_eq!((&**id, &**kind), ("b", "status"));
    assert!(message.contains("404"), "{message}");
    world.server.reset();
    assert_eq!(world.update().unwrap().outcome, Outcome::Updated);
    assert_eq!(status(&world).failed, []);
}

#[test]
fn a_source_that_was_v2_stays_v2_without_its_generation() {
    let world = World::v2("ab");
    world.updated();
    fs::remove_file(world.path("store/rockstor/current")).unwrap();
    fs::remove_dir_all(world.path("store/rockstor/gen")).unwrap();
    world.server.on(Match::Path("root.sha".into()), Times::Always, not_found());
    let error = world.update().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Trust, "{}", error.to_chain());
    assert!(error.to_chain().contains("had a v2 tree before"), "{}", error.to_chain());
}

#[test]
fn full_mode_commits_a_generation_even_if_nothing_has_changed() {
    let world = World::v2("ab");
    world.updated();
    let generation = |world: &World| status(world).current.unwrap().generation;
    let before = generation(&world);
    for (mode, expected, number) in [
        (Mode::Quick, Outcome::Unchanged, before),
        (Mode::Verify, Outcome::Unchanged, before),
        (Mode::Full, Outcome::Updated, before + 1),
    ] {
        let store = world.store();
        let report = world.updater(&store).mode(mode).run(&world.source()).unwrap();
        assert_eq!((report.outcome, generation(&world)), (expected, number), "{mode:?}");
    }
    world.assert_up_to_date();
}

#[test]
fn a_check_tells_if_an_update_would_change_anything() {
    let check = |world: &World| {
        let store = world.store();
        world.updater(&store).check(&world.source()).unwrap().outcome
    };
    let world = World::v2("ab");
    assert_eq!(check(&world), Outcome::Updated, "first update");
    assert!(!world.path("store/rockstor/current").exists());
    world.updated();
    assert_eq!(check(&world), Outcome::Unchanged);
    let file = world.current("a.json");
    fs::remove_file(&file).unwrap();
    assert_eq!(check(&world), Outcome::Updated, "damage");
    assert!(!file.exists());
    world.updated();
    assert_eq!(check(&world), Outcome::Unchanged);
    world.publisher().expires_in_days(30).run().unwrap();
    assert_eq!(check(&world), Outcome::Updated, "another head of the same manifest");
    world.define('a', "2");
    world.publish();
    assert_eq!(check(&world), Outcome::Updated, "changed");

    let world = World::v1("ab");
    assert_eq!(check(&world), Outcome::Updated, "first update");
    world.updated();
    assert_eq!(check(&world), Outcome::Unchanged);
    world.write_catalog("abc");
    assert_eq!(check(&world), Outcome::Updated, "added");
    world.write_catalog("a");
    assert_eq!(check(&world), Outcome::Updated, "removed");
}

#[test]
fn a_head_expires_after_its_last_second() {
    let world = World::bare("tree");
    world.write_catalog("a");
    world.publisher().published(time(NOON).unwrap()).expires_in_days(1).run().unwrap();
    let (store, end) = (world.store(), NOON + 24 * 60 * 60);
    for (unix_s, expected) in [(end, None), (end + 1, Some(ErrorKind::Expired))] {
        let clock = Still::at(unix_s);
        let mut updater = Updater::new(&store).clock(&clock).freshness(Freshness::Require);
        assert_eq!(updater.run(&world.source()).err().map(|error| error.kind()), expected);
    }
}

#[test]
fn the_followed_sources_are_updated_under_their_names() {
    let (one, two) = (World::v2("a"), World::v2("b"));
    let store: Store = one.store();
    fs::create_dir_all(store.dir()).unwrap();
    let list = format!(
        "[[source]]\nname = \"one\"\nurls = [\"{}\"]\n\n\
         [[source]]\nname = \"secret\"\nurls = [\"http://h/\"]\ntoken_file = \"/gone\"\n\n\
         [[source]]\nname = \"off\"\nurls = [\"http://h/\"]\nenabled = false\n\n\
         [[source]]\nname = \"two\"\nurls = [\"{}\"]\n",
        one.server.url(),
        two.server.url()
    );
    fs::write(store.dir().join("sources.toml"), list).unwrap();
    let results = Updater::new(&store).run_followed().unwrap();
    let found: Vec<_> = results
        .iter()
        .map(|(name, result)| (name.as_str(), result.as_ref().map(|report| &*report.added).ok()))
        .collect();
    let added = |id: &str| [id.to_owned()];
    assert_eq!(
        found,
        [("one", Some(&added("a")[..])), ("secret", None), ("two", Some(&added("b")[..]))]
    );
}

/// Returns a definition of more bytes than are read at once, and that compress badly.
fn large_definition() -> String {
    let digests: String =
        (0..2000).map(|n: u32| Digest::of(&n.to_be_bytes()).to_string()).collect();
    definition('a', "1").replace("The a", &digests)
}

#[test]
fn progress_rises_to_the_totals_and_never_above() {
    for packs in [Packs::Absent, Packs::InFiles] {
        let world = World::small("abcdefgh", packs);
        fs::write(world.path("catalog/a.json"), large_definition()).unwrap();
        world.publish();
        // A download that is cut off is counted once.
        let digest = Digest::of(large_definition().as_bytes());
        let cut = Action::CloseAfter(40_000);
        world.server.on(Match::Path(format!("by-sha/{digest}")), Times::First(2), cut.clone());
        world.server.on(Match::Prefix("packs/".into()), Times::First(1), cut);
        let seen = Mutex::new(Vec::new());
        let store = world.store();
        let run = || {
            let mut updater = world
                .updater(&store)
                .progress(|progress| seen.lock().unwrap().push(progress.clone()));
            updater.run(&world.source()).unwrap();
            drop(updater);
            std::mem::take(&mut *seen.lock().unwrap())
        };
        let reports = run();
        for progress in &reports {
            let is_within = progress.bytes_total.is_none_or(|total| progress.bytes_done <= total);
            assert!(is_within && progress.files_done <= progress.files_total, "{progress:?}");
        }
        let mut phases: Vec<Phase> = reports.iter().map(|progress| progress.phase).collect();
        phases.dedup();
        assert_eq!(phases, [Phase::Checking, Phase::Fetching, Phase::Committing], "{packs:?}");
        let first = reports.iter().find(|progress| progress.phase == Phase::Fetching).unwrap();
        assert_eq!((first.files_done, first.bytes_done), (0, 0), "{first:?}");
        // The files of a pack are counted once it is unpacked.
        let is_known = matches!(packs, Packs::Absent);
        assert_eq!(first.files_total > 0, is_known, "{first:?}");
        let last = reports.last().unwrap();
        assert_eq!(last.files_done, last.files_total, "{last:?}");
        assert_eq!(Some(last.bytes_done), last.bytes_total, "{last:?}");
        assert!(last.bytes_done > 50_000, "{last:?}");
        // Without changes: the beginning and the end.
        let phases: Vec<Phase> = run().iter().map(|progress| progress.phase).collect();
        assert_eq!(phases, [Phase::Checking; 2], "{packs:?}");
    }
}

#[test]
fn files_that_were_downloaded_before_count_as_done() {
    let world = World::v2("ab");
    let staging = world.path("store/rockstor/incoming");
    let a = definition('a', "1");
    fs::create_dir_all(&staging).unwrap();
    fs::write(staging.join(Digest::of(a.as_bytes()).to_string()), &a).unwrap();
    let last = Mutex::new(None);
    let store = world.store();
    let mut updater =
        world.updater(&store).progress(|progress| *last.lock().unwrap() = Some(progress.clone()));
    updater.run(&world.source()).unwrap();
    drop(updater);
    let last = last.into_inner().unwrap().unwrap();
    assert_eq!((last.files_done, Some(last.bytes_done)), (2, last.bytes_total), "{last:?}");
    let asked = world.server.take_log();
    assert!(asked.iter().all(|request| request.path != "a.json"), "{asked:?}");
}

#[test]
fn a_lock_timeout_of_zero_does_not_wait() {
    let world = World::v2("a");
    world.updated();
    let lock = fs::File::open(world.path("store/rockstor/lock")).unwrap();
    lock.lock().unwrap();
    let (store, clock) = (world.store(), FastClock::new());
    for seconds in [0, 7] {
        let timeout = Duration::from_secs(seconds);
        let before = clock.now();
        let mut updater = Updater::new(&store).clock(&clock).lock_timeout(timeout);
        let error = updater.run(&world.source()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Locked);
        let waited = clock.now().duration_since(before).unwrap();
        // The rest of the time has passed while the lock was tried.
        assert!(waited <= timeout && waited + Duration::from_secs(1) > timeout, "{waited:?}");
    }
}

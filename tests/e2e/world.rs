//! Shared test setup: a catalog directory, a published tree, a server, a store.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rockon_sync::publish::{PublishReport, Publisher};
use rockon_sync::transport::Clock;
use rockon_sync::{Error, Outcome, Report, Source, Store, Timestamp, Updater};
use rockon_sync_tests::{Exchange, Server};
use tempfile::TempDir;

/// A catalog directory that is published to a tree, which is served and followed by a store.
pub(crate) struct World {
    pub(crate) dir: TempDir,
    pub(crate) server: Server,
    packs: Packs,
    clock: FastClock,
}

/// The packs of a published tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Packs {
    /// As published: the delta from the previous publication is in the head.
    InHead,
    /// As if that delta were too large for the head.
    InFiles,
    /// As in a tree made by hand: each file is fetched with a request of its own.
    Absent,
}

impl World {
    /// Creates a catalog with one definition per letter of `names`, publishes it as v2 without
    /// packs, and serves it.
    pub(crate) fn v2(names: &str) -> World {
        let world = World::bare("tree");
        world.write_catalog(names);
        world.publish();
        world
    }

    /// Like [`v2`](Self::v2), with packs.
    pub(crate) fn packed(names: &str) -> World {
        let world = World { packs: Packs::InFiles, ..World::bare("tree") };
        world.write_catalog(names);
        world.publish();
        world
    }

    /// Creates the same catalog and serves it unpublished.
    pub(crate) fn v1(names: &str) -> World {
        let world = World::bare("catalog");
        world.write_catalog(names);
        world
    }

    /// Creates a v2 world in memory if possible, for tests that make hundreds of them.
    pub(crate) fn small(names: &str, packs: Packs) -> World {
        let dir = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        let world = World { packs, ..World::bare_in(dir, "tree") };
        world.write_catalog(names);
        world.publish();
        world
    }

    /// Creates a world whose server serves this subdirectory.
    pub(crate) fn bare(served: &str) -> World {
        World::bare_in(tempfile::tempdir().unwrap(), served)
    }

    fn bare_in(dir: TempDir, served: &str) -> World {
        for name in ["catalog", "tree"] {
            fs::create_dir(dir.path().join(name)).unwrap();
        }
        let server = Server::serve(dir.path().join(served));
        World { dir, server, packs: Packs::Absent, clock: FastClock::new() }
    }

    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.dir.path().join(relative)
    }

    pub(crate) fn store(&self) -> Store {
        Store::new(self.path("store"))
    }

    /// Returns the path of a file in the current generation.
    pub(crate) fn current(&self, relative: &str) -> PathBuf {
        self.path("store/rockstor/current").join(relative)
    }

    pub(crate) fn source(&self) -> Source {
        self.server.url().parse().unwrap()
    }

    /// Writes a catalog with one definition per letter.
    pub(crate) fn write_catalog(&self, names: &str) {
        let mut rows = BTreeMap::new();
        for name in names.chars() {
            rows.insert(name.to_string(), format!("{name}.json"));
            self.define(name, "1");
        }
        self.write_list(&rows);
    }

    pub(crate) fn write_list(&self, rows: &BTreeMap<String, String>) {
        let text = serde_json::to_string_pretty(rows).unwrap();
        fs::write(self.path("catalog/root.json"), text).unwrap();
    }

    /// Writes the definition of one letter.
    pub(crate) fn define(&self, name: char, version: &str) {
        let file = self.path(&format!("catalog/{name}.json"));
        fs::write(file, definition(name, version)).unwrap();
    }

    pub(crate) fn publish(&self) -> PublishReport {
        let report = self.publisher().run().unwrap();
        match self.packs {
            Packs::InHead => {}
            Packs::InFiles => {
                remove_lines(&self.path("tree"), |line| line.starts_with("# delta "));
            }
            Packs::Absent => remove_packs(&self.path("tree")),
        }
        report
    }

    pub(crate) fn publisher(&self) -> Publisher<'_> {
        let published = Timestamp::from_unix(1_795_316_645).unwrap();
        Publisher::new(self.path("catalog")).out(self.path("tree")).published(published)
    }

    /// Returns an updater whose waits take no time.
    pub(crate) fn updater<'a>(&'a self, store: &'a Store) -> Updater<'a> {
        Updater::new(store).clock(&self.clock)
    }

    pub(crate) fn update(&self) -> Result<Report, Error> {
        self.updater(&self.store()).run(&self.source())
    }

    /// Updates successfully. Returns the report and the requests.
    pub(crate) fn updated(&self) -> (Report, Vec<Exchange>) {
        self.server.take_log();
        let report = self.update().unwrap();
        let log = self.server.take_log();
        assert_eq!(report.requests, log.len() as u64, "the report counts what the server saw");
        (report, log)
    }

    /// Asserts that an update makes one request and changes nothing.
    pub(crate) fn assert_unchanged(&self) {
        let (report, log) = self.updated();
        assert_eq!((report.outcome, log.len()), (Outcome::Unchanged, 1), "{report:?}");
    }

    /// Asserts that the current generation equals the published tree, byte for byte.
    pub(crate) fn assert_up_to_date(&self) {
        assert_same_files(&published_files(&self.path("tree")), &files_of(&self.current("")));
    }
}

/// Removes all packs from a published tree.
pub(crate) fn remove_packs(tree: &Path) {
    remove_lines(tree, is_offer);
    // An unchanged publication writes no packs.
    if tree.join("packs").is_dir() {
        fs::remove_dir_all(tree.join("packs")).unwrap();
    }
}

/// Returns true if this line of a head offers a pack.
pub(crate) fn is_offer(line: &str) -> bool {
    line.starts_with("# pack ") || line.starts_with("# delta ")
}

/// Removes lines from the head of a published tree.
fn remove_lines(tree: &Path, is_removed: fn(&str) -> bool) {
    let head = fs::read_to_string(tree.join("root.sha")).unwrap();
    let kept = head.lines().filter(|line| !is_removed(line));
    let text: String = kept.flat_map(|line| [line, "\n"]).collect();
    fs::write(tree.join("root.sha"), text).unwrap();
}

/// Returns the text of a valid definition.
pub(crate) fn definition(name: char, version: &str) -> String {
    format!(
        "{{\n  \"App {name}\": {{\n    \"description\": \"The {name}\", \"website\": \"\", \
         \"version\": \"{version}\",\n    \"containers\": {{\"box-{name}\": {{\"image\": \"i\", \
         \"launch_order\": 1}}}}\n  }}\n}}\n"
    )
}

/// Returns every file below a directory by its relative path.
pub(crate) fn files_of(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    fn collect(root: &Path, dir: &Path, files: &mut BTreeMap<String, Vec<u8>>) {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                collect(root, &path, files);
            } else {
                let relative = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
                files.insert(relative, fs::read(&path).unwrap());
            }
        }
    }
    let mut files = BTreeMap::new();
    let root = dir.canonicalize().unwrap();
    collect(&root, &root, &mut files);
    files
}

/// Returns the files of a published tree that clients store: not `by-sha/`, not packs, not the
/// publisher's history.
pub(crate) fn published_files(tree: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = files_of(tree);
    let is_of_the_tree_only =
        |path: &str| ["by-sha/", "packs/", ".site/"].iter().any(|dir| path.starts_with(dir));
    files.retain(|path, _| !is_of_the_tree_only(path) && path != "history.json");
    files
}

/// Compares two sets of files without printing their contents.
pub(crate) fn assert_same_files(
    expected: &BTreeMap<String, Vec<u8>>,
    found: &BTreeMap<String, Vec<u8>>,
) {
    assert_eq!(expected.keys().collect::<Vec<_>>(), found.keys().collect::<Vec<_>>());
    for (path, bytes) in expected {
        assert!(found[path] == *bytes, "{path} has other bytes");
    }
}

/// A clock that only sleeping advances. Clones share their time.
#[derive(Clone)]
pub(crate) struct ManualClock {
    start: Instant,
    passed: Arc<Mutex<Duration>>,
}

impl ManualClock {
    #[expect(clippy::disallowed_methods, reason = "Instant has no other constructor")]
    pub(crate) fn new() -> Self {
        ManualClock { start: Instant::now(), passed: Arc::default() }
    }
}

impl Clock for ManualClock {
    fn now(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(1_795_316_645) + *self.passed.lock().unwrap()
    }

    fn monotonic(&self) -> Instant {
        self.start + *self.passed.lock().unwrap()
    }

    fn sleep(&self, duration: Duration) {
        *self.passed.lock().unwrap() += duration;
    }
}

/// The system's monotonic clock, advanced by each sleep.
pub(crate) struct FastClock {
    slept: Mutex<Duration>,
}

impl FastClock {
    pub(crate) fn new() -> Self {
        FastClock { slept: Mutex::default() }
    }
}

#[expect(clippy::disallowed_methods, reason = "a clock for tests reads the clock")]
impl Clock for FastClock {
    fn now(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(1_795_316_645) + *self.slept.lock().unwrap()
    }

    fn monotonic(&self) -> Instant {
        Instant::now() + *self.slept.lock().unwrap()
    }

    fn sleep(&self, duration: Duration) {
        *self.slept.lock().unwrap() += duration;
    }
}

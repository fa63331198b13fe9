//! What the tests share: a catalog, a published tree, a server, a store.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rockon_sync::{
    Clock, Error, Outcome, PublishReport, Publisher, Report, Source, Store, Timestamp, Updater,
};
use rockon_sync_tests::{Exchange, Server};
use tempfile::TempDir;

/// A catalog that is published to a tree, served, and followed by a store.
pub(crate) struct World {
    pub(crate) folder: TempDir,
    pub(crate) server: Server,
    packs: Packs,
    clock: FastClock,
}

/// Whether a published tree offers packs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Packs {
    Offered,
    /// As in a tree that was made by hand: every file is fetched by itself.
    Absent,
}

impl World {
    /// A catalog with one definition a letter of `names`, published as v2 without packs,
    /// and served.
    pub(crate) fn v2(names: &str) -> World {
        let world = World::bare("tree");
        world.write_catalog(names);
        world.publish();
        world
    }

    /// The same with packs.
    pub(crate) fn packed(names: &str) -> World {
        let world = World { packs: Packs::Offered, ..World::bare("tree") };
        world.write_catalog(names);
        world.publish();
        world
    }

    /// The same catalog, served as it is.
    pub(crate) fn v1(names: &str) -> World {
        let world = World::bare("catalog");
        world.write_catalog(names);
        world
    }

    /// Either of the above, in memory where the system has such a file system: for tests
    /// that make hundreds of small worlds.
    pub(crate) fn small(names: &str, packs: Packs) -> World {
        let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        let world = World { packs, ..World::bare_in(folder, "tree") };
        world.write_catalog(names);
        world.publish();
        world
    }

    /// A world whose server serves this subfolder.
    pub(crate) fn bare(served: &str) -> World {
        World::bare_in(tempfile::tempdir().unwrap(), served)
    }

    fn bare_in(folder: TempDir, served: &str) -> World {
        for name in ["catalog", "tree"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        let server = Server::serve(folder.path().join(served));
        World { folder, server, packs: Packs::Absent, clock: FastClock::new() }
    }

    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.folder.path().join(relative)
    }

    pub(crate) fn store(&self) -> Store {
        Store::new(self.path("store"))
    }

    /// A file of the store's current generation.
    pub(crate) fn held(&self, relative: &str) -> PathBuf {
        self.path("store/rockstor/current").join(relative)
    }

    pub(crate) fn source(&self) -> Source {
        self.server.url().parse().unwrap()
    }

    /// Writes a catalog with one definition a letter.
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
        if self.packs == Packs::Absent {
            take_packs_from(&self.path("tree"));
        }
        report
    }

    pub(crate) fn publisher(&self) -> Publisher<'_> {
        let published = Timestamp::from_unix(1_795_316_645).unwrap();
        Publisher::new(self.path("catalog")).out(self.path("tree")).published(published)
    }

    /// An update that waits in no time.
    pub(crate) fn updater<'a>(&'a self, store: &'a Store) -> Updater<'a> {
        Updater::new(store).clock(&self.clock)
    }

    pub(crate) fn update(&self) -> Result<Report, Error> {
        self.updater(&self.store()).run(&self.source())
    }

    /// An update that must succeed, and the requests it made.
    pub(crate) fn updated(&self) -> (Report, Vec<Exchange>) {
        self.server.take_log();
        let report = self.update().unwrap();
        let log = self.server.take_log();
        assert_eq!(report.requests, log.len() as u64, "the report counts what the server saw");
        (report, log)
    }

    /// An update that must find nothing to do, with exactly one request.
    pub(crate) fn assert_unchanged(&self) {
        let (report, log) = self.updated();
        assert_eq!((report.outcome, log.len()), (Outcome::Unchanged, 1), "{report:?}");
    }

    /// The store's current generation must be the published tree, byte for byte.
    pub(crate) fn assert_in_step(&self) {
        assert_same_files(&published_files(&self.path("tree")), &files_of(&self.held("")));
    }
}

/// Makes a published tree one without packs.
pub(crate) fn take_packs_from(tree: &Path) {
    let head = fs::read_to_string(tree.join("root.sha")).unwrap();
    let kept = head.lines().filter(|line| !line.starts_with("# pack "));
    let text: String = kept.flat_map(|line| [line, "\n"]).collect();
    fs::write(tree.join("root.sha"), text).unwrap();
    // Nothing new, no new packs.
    if tree.join("packs").is_dir() {
        fs::remove_dir_all(tree.join("packs")).unwrap();
    }
}

/// The text of a definition that passes every check.
pub(crate) fn definition(name: char, version: &str) -> String {
    format!(
        "{{\n  \"App {name}\": {{\n    \"description\": \"The {name}\", \"website\": \"\", \
         \"version\": \"{version}\",\n    \"containers\": {{\"box-{name}\": {{\"image\": \"i\", \
         \"launch_order\": 1}}}}\n  }}\n}}\n"
    )
}

/// Every file below a folder, by its relative path.
pub(crate) fn files_of(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    fn collect(root: &Path, folder: &Path, files: &mut BTreeMap<String, Vec<u8>>) {
        for entry in fs::read_dir(folder).unwrap() {
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
    let root = folder.canonicalize().unwrap();
    collect(&root, &root, &mut files);
    files
}

/// What a client gets of a published tree: everything but the second names of files,
/// and the publisher's memory.
pub(crate) fn published_files(tree: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = files_of(tree);
    let is_of_the_tree_only =
        |path: &str| ["by-sha/", "packs/", ".site/"].iter().any(|folder| path.starts_with(folder));
    files.retain(|path, _| !is_of_the_tree_only(path) && path != "history.json");
    files
}

/// Compares folders without printing whole files.
pub(crate) fn assert_same_files(
    expected: &BTreeMap<String, Vec<u8>>,
    found: &BTreeMap<String, Vec<u8>>,
) {
    assert_eq!(expected.keys().collect::<Vec<_>>(), found.keys().collect::<Vec<_>>());
    for (path, bytes) in expected {
        assert!(found[path] == *bytes, "{path} has other bytes");
    }
}

/// A clock that runs as usual, and ahead by whatever was slept.
pub(crate) struct FastClock {
    slept: Mutex<Duration>,
}

impl FastClock {
    pub(crate) fn new() -> Self {
        FastClock { slept: Mutex::default() }
    }
}

#[expect(clippy::disallowed_methods, reason = "a clock for tests is a clock")]
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

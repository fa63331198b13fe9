//! Fails each changing file operation of an update in turn. Afterwards a reader sees the old
//! catalog or the new one, and the next update succeeds and fetches no verified file again.

mod crashes;
mod leftovers;
mod links;
mod lists;
mod readers;

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use super::Updater;
use crate::base::digest::Digest;
use crate::base::error::{ErrorKind, Result};
use crate::base::time::Timestamp;
use crate::net::location::Location;
use crate::net::transport::{DefaultTransport, Request, Response, Transport};
use crate::publish::Publisher;
use crate::source::Source;
use crate::store::Store;
use crate::testing::{Call, FailingFiles, Fault, HookedFiles, bad_disk, copy_dir, scratch};
use crate::tree::note::SigningKey;
use crate::update::report::{Outcome, Report};

/// Records the requests.
struct Noting {
    inner: DefaultTransport,
    asked: Mutex<Vec<String>>,
}

impl Transport for Noting {
    fn get(&self, request: &Request<'_>) -> Result<Response> {
        self.asked.lock().unwrap().push(request.address.to_string());
        self.inner.get(request)
    }
}

/// The kind of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tree {
    /// Packs and single files.
    Packed,
    /// Single files only: made by hand, or by a CDN that has lost its packs.
    Plain,
    /// A bundle that is imported.
    Bundle,
    /// A v1 list.
    V1,
}

struct World {
    dir: tempfile::TempDir,
    tree: Tree,
    source: Source,
    /// The publications so far.
    history: Mutex<String>,
    published: Arc<Published>,
}

/// Published catalogs by their history, for worlds that repeat it.
#[derive(Default)]
struct Published(Mutex<HashMap<String, tempfile::TempDir>>);

impl World {
    /// A world in an existing directory.
    fn of(dir: tempfile::TempDir, tree: Tree) -> World {
        let subdir = if tree == Tree::V1 { "catalog" } else { "catalog/v2" };
        let location = Location::dir(dir.path().join(subdir));
        let source = Source::new(Default::default(), location);
        World { dir, tree, source, history: Mutex::default(), published: Arc::default() }
    }

    /// A published catalog in its first state, with an empty store.
    fn new(tree: Tree) -> World {
        World::with(&Arc::default(), tree)
    }

    /// Like [`new`](Self::new), and copies what other worlds have published.
    fn with(published: &Arc<Published>, tree: Tree) -> World {
        let world = World { published: published.clone(), ..World::of(scratch(), tree) };
        fs::create_dir(world.dir.path().join("catalog")).unwrap();
        world.publish(&[("a", "1"), ("b", "1"), ("c", "1")], 1);
        world
    }

    fn publish(&self, definitions: &[(&str, &str)], at: i64) {
        let catalog = self.dir.path().join("catalog");
        let mut history = self.history.lock().unwrap();
        *history += &format!("{at}: {definitions:?} ");
        let mut published = self.published.0.lock().unwrap();
        let (copy, is_new) = match published.entry(history.clone()) {
            Entry::Occupied(copy) => (copy.into_mut(), false),
            Entry::Vacant(place) => (place.insert(scratch()), true),
        };
        if is_new {
            self.publish_anew(definitions, at);
            copy_dir(&catalog, copy.path());
        } else {
            fs::remove_dir_all(&catalog).unwrap();
            copy_dir(copy.path(), &catalog);
        }
    }

    fn publish_anew(&self, definitions: &[(&str, &str)], at: i64) {
        let catalog = self.dir.path().join("catalog");
        let mut rows = Vec::new();
        for (name, version) in definitions {
            let text = format!(
                "{{\"{name}\":{{\"description\":\"\",\"website\":\"\",\"version\":\"{version}\",\
                 \"containers\":{{\"{name}\":{{\"image\":\"\",\"launch_order\":1}}}}}}}}"
            );
            fs::write(catalog.join(format!("{name}.json")), text).unwrap();
            rows.push(format!("\"{name}\":\"{name}.json\""));
        }
        fs::write(catalog.join("root.json"), format!("{{{}}}", rows.join(","))).unwrap();
        if self.tree == Tree::V1 {
            return;
        }
        let published = Timestamp::from_unix(at).unwrap();
        let files = FailingFiles::sound();
        Publisher::new(&catalog).files(&files).published(published).run().unwrap();
        if self.tree == Tree::Plain {
            fs::remove_dir_all(catalog.join("v2/packs")).unwrap();
            let head = fs::read_to_string(catalog.join("v2/root.sha")).unwrap();
            let kept = head
                .lines()
                .filter(|line| !line.starts_with("# pack ") && !line.starts_with("# delta "));
            let text: String = kept.flat_map(|line| [line, "\n"]).collect();
            fs::write(catalog.join("v2/root.sha"), text).unwrap();
        }
    }

    fn store(&self) -> Store {
        Store::new(self.dir.path().join("store"))
    }

    fn source_dir(&self) -> PathBuf {
        self.dir.path().join("store/rockstor")
    }

    /// Returns the number of the current generation.
    fn current(&self) -> Option<PathBuf> {
        fs::read_link(self.source_dir().join("current")).ok()
    }

    fn update(&self) -> (Report, Vec<String>) {
        let transport = Noting { inner: DefaultTransport::new(), asked: Mutex::default() };
        let (files, store) = (FailingFiles::sound(), self.store());
        let updater = || Updater::new(&store).files(&files).transport(&transport);
        let report = self.bring(updater()).unwrap();
        (report, transport.asked.into_inner().unwrap())
    }

    /// Updates, or imports the newest bundle.
    fn bring(&self, mut updater: Updater<'_>) -> Result<Report> {
        if self.tree != Tree::Bundle {
            return updater.run(&self.source);
        }
        let tree = self.dir.path().join("catalog/v2");
        let head = fs::read_to_string(tree.join("root.sha")).unwrap();
        let bundle = tree.join(format!("packs/empty-{}.tar.zst", &head[..12]));
        updater.import(self.source.name(), &bundle, &[])
    }

    /// Returns every file of the current generation.
    fn seen(&self) -> Option<BTreeMap<PathBuf, Vec<u8>>> {
        read_dir(&self.source_dir().join("current"))
    }

    /// Returns the files that the generation must have in the end.
    fn published(&self) -> Option<BTreeMap<PathBuf, Vec<u8>>> {
        if self.tree == Tree::V1 {
            let catalog = self.dir.path().join("catalog");
            let list = fs::read_to_string(catalog.join("root.json")).unwrap();
            let mut files = read_dir(&catalog)?;
            files.retain(|name, _| {
                let name = name.to_str().unwrap();
                name == "root.json" || list.contains(&format!("\"{name}\""))
            });
            return Some(files);
        }
        let mut files = read_dir(&self.dir.path().join("catalog/v2"))?;
        files.remove(Path::new("history.json"));
        Some(files)
    }

    /// Returns the complete files in staging: digests of files, names of packs.
    fn staging(&self) -> Vec<String> {
        let names = read_dir(&self.source_dir().join("incoming")).unwrap_or_default();
        let whole = names.into_iter().filter_map(|(name, bytes)| {
            let name = name.to_str()?.to_owned();
            match name.strip_prefix("pack-") {
                None => (name == Digest::of(&bytes).to_string()).then_some(name),
                Some(pack) => {
                    let offered = self.dir.path().join("catalog/v2/packs").join(pack);
                    (fs::read(offered).ok() == Some(bytes)).then(|| pack.to_owned())
                }
            }
        });
        whole.collect()
    }
}

/// Returns the files at the top of a directory.
fn read_dir(dir: &Path) -> Option<BTreeMap<PathBuf, Vec<u8>>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(dir).ok()? {
        let path = entry.unwrap().path();
        if fs::metadata(&path).unwrap().is_file() {
            files.insert(path.file_name().unwrap().into(), fs::read(&path).unwrap());
        }
    }
    Some(files)
}

/// Prepares the world for the update that is disturbed.
type Prepare = fn(&World);

/// A disturbed update, with a lower bound of the number of its operations.
type Disturbed = (&'static str, Prepare, usize);

/// Returns the disturbed updates.
fn updates(tree: Tree) -> impl Iterator<Item = &'static Disturbed> {
    // Recycling does not depend on where the files came from, but for the head.
    let has_recycling = matches!(tree, Tree::Packed | Tree::V1);
    UPDATES.iter().filter(move |(name, ..)| has_recycling || *name != "recycling")
}

const UPDATES: [Disturbed; 4] = [
    ("first sync", |_| {}, 30),
    (
        "update",
        |world| {
            world.update();
            world.publish(&[("a", "2"), ("b", "1"), ("d", "1")], 2);
        },
        25,
    ),
    (
        "healing",
        |world| {
            world.update();
            // The damaged state counts as the old one.
            fs::remove_file(world.source_dir().join("current/b.json")).unwrap();
        },
        20,
    ),
    ("recycling", before_recycling, 30),
];

/// Updates twice. The next update has few changes, so that it recycles the first generation.
fn before_recycling(world: &World) {
    let names = ["a", "b", "c", "d", "e", "f", "g", "h"];
    for at in 2..4 {
        let version = at.to_string();
        world.publish(&names.map(|name| (name, if name == "a" { &*version } else { "1" })), at);
        world.update();
    }
    let names = ["a", "b", "d", "e", "f", "g", "h", "i"];
    world.publish(&names.map(|name| (name, if name == "b" { "2" } else { "1" })), 4);
}

/// Disturbs the Nth operation of each update, for every N, in a new world each time. `disturb`
/// returns false if there are fewer operations.
fn disturb_each_operation(tree: Tree, disturb: impl Fn(usize, &World, &str) -> bool) {
    let published = Arc::default();
    for (update, prepare, least) in updates(tree) {
        let mut n = 0;
        loop {
            let world = World::with(&published, tree);
            prepare(&world);
            if !disturb(n + 1, &world, update) {
                break;
            }
            n += 1;
        }
        assert!(n > *least, "{update}: only {n} operations were tried");
    }
}

fn fail_each_operation(tree: Tree, fault: Fault) {
    disturb_each_operation(tree, |n, world, update| fail_operation(n, world, fault, update));
}

/// Returns false if there are fewer than `n` operations.
fn fail_operation(n: usize, world: &World, fault: Fault, update: &str) -> bool {
    let label = format!("{update} of {:?}, operation {n}, {fault:?}", world.tree);
    let (old, new) = (world.seen(), world.published());
    let generation = world.current();
    let files = FailingFiles::new(n, fault);
    let result = world.bring(Updater::new(&world.store()).files(&files));
    if !files.has_failed() {
        result.unwrap();
        assert_eq!(world.seen(), new, "{label}");
        return false;
    }
    if world.current() != generation {
        let report = result.as_ref().unwrap_or_else(|error| {
            panic!("{label}: done, but reported as failed: {}", error.to_chain())
        });
        assert!(report.failed.is_empty(), "{label}: {report:?}");
        assert_eq!(report.outcome, Outcome::Updated, "{label}: {report:?}");
        let lists = [&report.added, &report.changed, &report.removed, &report.healed];
        assert!(lists.iter().any(|list| !list.is_empty()), "{label}: {report:?}");
    }
    match (result, fault) {
        (Ok(_), _) => {}
        (Err(error), Fault::Short) => panic!("{label}: {}", error.to_chain()),
        (Err(error), _) => {
            assert_eq!(error.kind(), ErrorKind::Store, "{label}: {}", error.to_chain());
            let says_why = fault != Fault::Full || error.to_chain().contains("storage space");
            assert!(says_why, "{label}: {}", error.to_chain());
            assert!(error.path().is_some(), "{label}: {}", error.to_chain());
        }
    }
    let seen = world.seen();
    assert!(seen == old || seen == new, "{label}: a mix is seen");
    world.assert_next_update_brings(&new, &label);
    true
}

impl World {
    /// Asserts that the next update succeeds, fetches no verified file again, and leaves nothing
    /// to do.
    fn assert_next_update_brings(&self, new: &Option<BTreeMap<PathBuf, Vec<u8>>>, label: &str) {
        let kept = self.staging();
        let (report, asked) = self.update();
        assert!(report.failed.is_empty(), "{label}: {report:?}");
        assert!(self.seen() == *new, "{label}: {report:?}");
        for name in kept {
            let again = asked.iter().find(|address| address.ends_with(&name));
            assert_eq!(again, None, "{label}: fetched again");
        }
        let (report, asked) = self.update();
        let requests = match self.tree {
            Tree::Packed | Tree::Plain => 1,
            Tree::Bundle => 0,
            // Two missing heads, the list, and each file.
            Tree::V1 => 3 + new.as_ref().map_or(0, |files| files.len() - 1),
        };
        assert_eq!((report.outcome.name(), asked.len()), ("unchanged", requests), "{label}");
    }
}

#[test]
fn an_update_with_few_changes_recycles_the_generation_before_the_current_one() {
    for tree in [Tree::Packed, Tree::Plain, Tree::Bundle, Tree::V1] {
        let world = World::new(tree);
        before_recycling(&world);
        let inode = |name: &str| fs::metadata(world.source_dir().join(name)).unwrap().ino();
        let first = inode("gen/000001");
        world.update();
        assert_eq!(inode("current"), first, "{tree:?}");
        assert!(world.seen() == world.published(), "{tree:?}");
    }
}

#[test]
fn an_update_survives_the_failure_of_any_operation() {
    for tree in [Tree::Packed, Tree::Plain, Tree::Bundle, Tree::V1] {
        fail_each_operation(tree, Fault::Once);
    }
}

#[test]
fn an_update_survives_an_error_of_any_operation_that_was_done() {
    for tree in [Tree::Packed, Tree::Plain, Tree::Bundle, Tree::V1] {
        fail_each_operation(tree, Fault::Late);
    }
}

#[test]
fn an_error_after_the_swap_is_a_warning() {
    let world = World::new(Tree::Packed);
    world.update();
    world.publish(&[("a", "2"), ("b", "1"), ("d", "1")], 2);
    // The first time the source's directory is synced is after the swap.
    let dir = world.source_dir();
    let files = HookedFiles::new(|call, path| match call {
        Call::Sync if path == dir => Err(bad_disk()),
        Call::Change if path.ends_with("status.json") => Err(bad_disk()),
        _ => Ok(()),
    });
    let report = world.bring(Updater::new(&world.store()).files(&files)).unwrap();
    assert_eq!(report.outcome, Outcome::Updated);
    assert_eq!((report.added, report.changed), (vec!["d".to_owned()], vec!["a".to_owned()]));
    assert_eq!(report.removed, ["c"]);
    let expected = ["may be lost if the power fails", "the status of this update was not saved"];
    assert_eq!(report.warnings.len(), expected.len(), "{:?}", report.warnings);
    for (warning, expected) in report.warnings.iter().zip(expected) {
        assert!(warning.contains(expected), "{:?}", report.warnings);
    }
    assert!(world.seen() == world.published());
}

#[test]
fn an_update_survives_a_kill_at_any_operation() {
    for tree in [Tree::Packed, Tree::Plain, Tree::Bundle, Tree::V1] {
        fail_each_operation(tree, Fault::FromThenOn);
    }
}

#[test]
fn a_full_disk_fails_the_update_and_nothing_else() {
    for tree in [Tree::Packed, Tree::Plain] {
        fail_each_operation(tree, Fault::Full);
    }
}

#[test]
fn short_writes_are_continued() {
    fail_each_operation(Tree::Packed, Fault::Short);
}

#[test]
fn no_failure_leaves_a_signed_generation_without_its_keys() {
    let key = SigningKey::from_seed("example.org/rockons", [1; 32]).unwrap();
    for fault in [Fault::Once, Fault::FromThenOn] {
        for n in 1.. {
            let world = World::new(Tree::Packed);
            let catalog = world.dir.path().join("catalog");
            let sound = FailingFiles::sound();
            Publisher::new(catalog).files(&sound).sign_key(key.clone()).run().unwrap();
            let source = world.source.clone().trust(key.verifier_key().clone());
            let files = FailingFiles::new(n, fault);
            let result = Updater::new(&world.store()).files(&files).run(&source);
            let status = world.store().source_status(source.name()).unwrap();
            let is_remembered = status.trusted_keys == source.trusted_keys();
            assert!(status.current.is_none() || is_remembered, "operation {n}");
            if !files.has_failed() {
                result.unwrap();
                assert!(n > 30 && is_remembered, "{n}");
                break;
            }
        }
    }
}

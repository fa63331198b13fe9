//! The history of the real catalog, state by state. After every step the store equals the published
//! tree, and the server's log shows that only changed files were requested.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use rockon_sync::publish::{Leniency, Page, PublishReport, Publisher};
use rockon_sync::wire::{Entry, Head, Manifest};
use rockon_sync::{ErrorKind, Location, MassDelete, Outcome, Source, Store, Timestamp, Updater};
use rockon_sync_tests::{Action, Match, Server, Times};
use tempfile::TempDir;

use crate::world::{assert_same_files, files_of, is_offer, published_files};

/// States that cannot be published, with the location of the first problem.
const BROKEN: &[(usize, &str)] = &[
    (0, "root.json: expected the list"),
    (1, "root.json: expected the list"),
    (2, "root.json: expected the list"),
    (3, "root.json: expected the list"),
    (4, "root.json: expected the list"),
    (5, "root.json: expected the list"),
    (20, "root.json:16:1: not JSON: trailing comma"),
    (21, "root.json:16:1: not JSON: trailing comma"),
    (22, "root.json:16:1: not JSON: trailing comma"),
    (23, "root.json:16:1: not JSON: trailing comma"),
    (24, "root.json:17:1: not JSON: trailing comma"),
    (58, "root.json:33:15: entry \"sabnzb\": duplicate of the entry"),
    (91, "radarr.json:49:2: not JSON"),
    (92, "radarr.json:49:2: not JSON"),
];

/// Unpacks the history. Fails if it is missing: test runs without it leave this module out
/// explicitly.
fn history() -> (TempDir, Vec<PathBuf>) {
    let given = std::env::var_os("ROCKON_REGISTRY_HISTORY").map(PathBuf::from);
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/registry");
    let dir = given.unwrap_or(beside);
    assert!(
        dir.is_dir(),
        "{} is missing: set ROCKON_REGISTRY_HISTORY to the directory of the catalog's history",
        dir.display()
    );
    let archive = dir.join("registry-2015-2023.tar.xz");
    let unpacked = tempfile::tempdir().unwrap();
    let tar = Command::new("tar").arg("xJf").arg(&archive).arg("-C").arg(unpacked.path()).status();
    assert!(tar.expect("tar and xz are needed to unpack the history").success());
    let mut states: Vec<PathBuf> = fs::read_dir(unpacked.path())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .collect();
    states.sort();
    assert_eq!(states.len(), 206);
    (unpacked, states)
}

fn publisher<'a>(state: &Path, out: &Path, n: usize) -> Publisher<'a> {
    let published = Timestamp::from_unix(1_500_000_000 + i64::try_from(n).unwrap()).unwrap();
    // A client that misses no publication needs only the newest pack.
    Publisher::new(state).out(out).published(published).keep(2).mass_delete(MassDelete::Allow)
}

/// A state, published after the one before it.
struct Step<'a> {
    n: usize,
    state: &'a Path,
    tree: &'a Path,
    report: &'a PublishReport,
    /// The files that clients store, of the publication before and of this one.
    before: &'a BTreeMap<String, Vec<u8>>,
    now: &'a BTreeMap<String, Vec<u8>>,
}

impl Step<'_> {
    fn is_new(&self) -> bool {
        self.before.get("root.sha") != self.now.get("root.sha")
    }

    fn manifests(&self) -> [Manifest; 2] {
        [self.before, self.now].map(|files| match files.get("root.json") {
            Some(bytes) => Manifest::parse(bytes).unwrap(),
            None => Manifest::default(),
        })
    }
}

/// A publication costs much more than following it, so that every check shares one.
#[test]
fn every_state_is_published_and_followed() {
    let (_unpacked, states) = history();
    // In memory if possible: this publishes and updates many hundred times.
    let dir = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
    let tree = dir.path().join("tree");
    let mut packed = Client::new(&dir.path().join("packed"));
    let mut plain = Client::new(&dir.path().join("plain"));
    let mut names = Names::new(&dir.path().join("names"), &tree);
    let mut kept = Vec::new();
    let mut before = BTreeMap::new();
    for (n, state) in states.iter().enumerate() {
        let empty = dir.path().join("empty");
        if n > 0 {
            publish_from_an_empty_disk(n, state, &tree, &empty);
        }
        let report = publish(n, state, &tree);
        let now = published_files(&tree);
        let step = Step { n, state, tree: &tree, report: &report, before: &before, now: &now };
        if n > 0 {
            assert_same_files(&files_of(&tree), &files_of(&empty));
            fs::remove_dir_all(empty).unwrap();
        }
        packed.follow_packs(&step);
        plain.follow_files(&step);
        names.check(&step);
        check_removed(&step);
        kept.extend(report.kept.iter().map(|id| (n, id.clone())));
        before = now;
    }
    // While the list cannot be read, a file that is gone is not known to be removed.
    let expected =
        [(22, "crashplan"), (23, "crashplan"), (24, "crashplan"), (91, "Radarr"), (92, "Radarr")];
    assert_eq!(kept, expected.map(|(n, id)| (n, id.to_owned())));
    names.check_all();
    // Seven deltas are too large for the head.
    assert_eq!((packed.publications, packed.requests), (142, 149));
}

/// Publishes a state. A broken one is refused with file and line, changes nothing, and is then
/// published without what is broken.
fn publish(n: usize, state: &Path, tree: &Path) -> PublishReport {
    let before = if tree.exists() { files_of(tree) } else { BTreeMap::new() };
    let result = publisher(state, tree, n).run();
    let Some((_, place)) = BROKEN.iter().find(|(broken, _)| *broken == n) else {
        return result.unwrap_or_else(|error| panic!("state {n}: {error} {:#?}", error.problems()));
    };
    let error = result.expect_err("a broken state");
    assert_eq!(error.kind(), ErrorKind::Catalog);
    let problems: Vec<String> = error.problems().iter().map(ToString::to_string).collect();
    assert!(problems.iter().any(|problem| problem.starts_with(place)), "{n}: {problems:#?}");
    if tree.exists() {
        assert_same_files(&before, &files_of(tree));
    }
    publisher(state, tree, n).leniency(Leniency::LeaveOut).run().unwrap()
}

/// Publishes a state into an empty directory, from the tree of the publication before.
fn publish_from_an_empty_disk(n: usize, state: &Path, tree: &Path, empty: &Path) {
    let publisher = publisher(state, empty, n).previous(Location::dir(tree));
    publisher.leniency(Leniency::LeaveOut).run().unwrap();
}

/// A client that follows every publication over HTTP.
struct Client {
    store: Store,
    server: Server,
    source: Source,
    publications: usize,
    requests: usize,
}

impl Client {
    fn new(store: &Path) -> Client {
        let server = Server::serve("no/such/dir");
        let source = server.url().parse().unwrap();
        Client { store: Store::new(store), server, source, publications: 0, requests: 0 }
    }

    /// Follows with packs: one request, and one more for a delta that is too large for the head.
    fn follow_packs(&mut self, step: &Step<'_>) {
        let head = Head::parse(&step.now["root.sha"]).unwrap();
        let expected = if step.is_new() && head.delta().is_none() { 2 } else { 1 };
        self.follow(step, expected, step.now);
    }

    /// Follows without packs: two requests, and one for each changed file.
    fn follow_files(&mut self, step: &Step<'_>) {
        let mut published = step.now.clone();
        let head = String::from_utf8(published["root.sha"].clone()).unwrap();
        let lines = head.lines().filter(|line| !is_offer(line));
        let head = lines.flat_map(|line| [line, "\n"]).collect::<String>().into_bytes();
        published.insert("root.sha".to_owned(), head.clone());
        self.server.clear_rules();
        self.server.on(Match::Path("root.sha".into()), Times::Always, Action::ReplaceBody(head));
        // A file that only changed its name is not requested again.
        let changed = contents(step.now).difference(&contents(step.before)).count();
        self.follow(step, if step.is_new() { 2 + changed } else { 1 }, &published);
    }

    fn follow(&mut self, step: &Step<'_>, requests: usize, published: &BTreeMap<String, Vec<u8>>) {
        let n = step.n;
        self.server.set_root(step.tree);
        let result = Updater::new(&self.store).run(&self.source).unwrap();
        let log = self.server.take_log();
        assert_eq!(log.len(), requests, "state {n}: {log:#?}");
        assert_eq!(result.requests, requests as u64);
        assert_eq!(result.serial, Some(step.report.serial));
        assert!(result.failed.is_empty() && result.warnings.is_empty(), "state {n}: {result:?}");
        let current = self.store.dir().join("rockstor/current");
        assert_same_files(published, &files_of(&current));
        let again = Updater::new(&self.store).run(&self.source).unwrap();
        assert_eq!((again.outcome, self.server.take_log().len()), (Outcome::Unchanged, 1));
        if step.is_new() {
            self.publications += 1;
            self.requests += requests;
        }
    }
}

/// Returns the contents of the published files, without those of the head and the manifest.
fn contents(published: &BTreeMap<String, Vec<u8>>) -> BTreeSet<&[u8]> {
    let is_entry = |path: &&String| !["root.json", "root.sha"].contains(&path.as_str());
    published.iter().filter(|(path, _)| is_entry(path)).map(|(_, bytes)| &**bytes).collect()
}

/// A lenient publication removes only what the author removed.
fn check_removed(step: &Step<'_>) {
    let n = step.n;
    let list = fs::read(step.state.join("root.json")).ok();
    let list: Option<BTreeMap<String, String>> =
        list.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    for id in &step.report.removed {
        let is_gone = list.as_ref().is_some_and(|list| !list.contains_key(id));
        assert!(is_gone, "state {n}: {id}");
    }
    let [before, now] = step.manifests();
    for id in &step.report.kept {
        assert_eq!(now.entry(id), before.entry(id), "state {n}: {id}");
    }
}

/// The edits of files with one definition before and after.
#[derive(Debug, Default, PartialEq, Eq)]
struct Edits {
    all: usize,
    /// The name changed.
    renamed: usize,
    /// The name changed, and a container image stayed.
    renamed_with_image: usize,
}

/// Returns the image of each container of the only definition in a file.
fn images(bytes: &[u8]) -> BTreeSet<String> {
    let file: serde_json::Value = serde_json::from_slice(bytes).unwrap();
    let definitions = file.as_object().unwrap().values();
    let containers =
        definitions.flat_map(|found| found["containers"].as_object().unwrap().values());
    // No image of the catalog has a tag or a digest of its own: tags are another field.
    containers.map(|container| container["image"].as_str().unwrap().to_owned()).collect()
}

/// An application that applies every state, and the renames that it finds.
struct Names {
    store: Store,
    source: Source,
    edits: Edits,
    found: Vec<(String, String)>,
    applied: BTreeMap<String, String>,
}

impl Names {
    fn new(store: &Path, tree: &Path) -> Names {
        Names {
            store: Store::new(store),
            source: tree.to_str().unwrap().parse().unwrap(),
            edits: Edits::default(),
            found: Vec::new(),
            applied: BTreeMap::new(),
        }
    }

    /// Counts the edits of a publication, and applies it: the renames that the publisher reported
    /// are those that the application is told.
    fn check(&mut self, step: &Step<'_>) {
        let [before, now] = step.manifests();
        for entry in now.entries() {
            let is_same_path = |old: &&Entry| old.path() == entry.path();
            let old = before.entries().iter().find(is_same_path);
            if let Some(old) = old.filter(|old| old.digest() != entry.digest()) {
                let path = entry.path().as_str();
                self.edits.count(old, entry, &step.before[path], &step.now[path]);
            }
        }
        Updater::new(&self.store).mass_delete(MassDelete::Allow).run(&self.source).unwrap();
        let catalog = self.store.catalog().unwrap();
        let changes = catalog.changes_since(&self.applied);
        let pairs = |from: &str, to: &str| (from.to_owned(), to.to_owned());
        let applicable: BTreeSet<_> =
            changes.renames.iter().map(|rename| pairs(&rename.from, rename.to)).collect();
        let published: BTreeSet<_> =
            step.report.renamed.iter().map(|rename| pairs(&rename.from, &rename.to)).collect();
        assert_eq!(applicable, published, "state {}", step.n);
        self.found.extend(published);
        let definitions = catalog.definitions().iter();
        self.applied = definitions
            .map(|found| (found.name().to_owned(), found.revision().to_string()))
            .collect();
    }

    /// All edits that kept an image are found, and nothing else.
    fn check_all(&self) {
        assert_eq!(self.edits, Edits { all: 126, renamed: 3, renamed_with_image: 2 });
        let expected = [("Plex|Linuxserver.io", "Plex"), ("EmbyServer", "Emby server")];
        assert_eq!(self.found, expected.map(|(from, to)| (from.to_owned(), to.to_owned())));
    }
}

impl Edits {
    fn count(&mut self, old: &Entry, new: &Entry, old_bytes: &[u8], new_bytes: &[u8]) {
        self.all += 1;
        let (Some([from]), Some([to])) = (old.names(), new.names()) else { return };
        if from != to {
            self.renamed += 1;
            let keeps_image = !images(new_bytes).is_disjoint(&images(old_bytes));
            self.renamed_with_image += usize::from(keeps_image);
        }
    }
}

/// The newest states of the real catalog, published twice: with the tree on disk, and into an empty
/// directory from the served tree. With the page, and with as many kept publications as by default.
#[test]
fn states_published_from_a_web_server_give_the_same_bytes() {
    let (_unpacked, states) = history();
    let dir = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
    let tree = dir.path().join("tree");
    let server = Server::serve(&tree);
    let (mut requests, mut bytes) = (Vec::new(), Vec::new());
    for (n, state) in states[states.len() - 20..].iter().enumerate() {
        let publish_to = |out: &Path| {
            publisher(state, out, n).keep(16).page(Page::Write).leniency(Leniency::LeaveOut)
        };
        if n == 0 {
            publish_to(&tree).run().unwrap();
            continue;
        }
        let empty = dir.path().join("empty");
        let report = publish_to(&empty).previous(server.url().parse().unwrap()).run().unwrap();
        let log = server.take_log();
        requests.push(log.len());
        bytes.push(log.iter().map(|exchange| exchange.body_len).sum::<u64>());
        let expected = publish_to(&tree).run().unwrap();
        assert_eq!(report.outcome, expected.outcome, "state {n}");
        assert_eq!(report.written, expected.written, "state {n}");
        assert_eq!(report.deleted, expected.deleted, "state {n}");
        assert_same_files(&files_of(&tree), &files_of(&empty));
        fs::remove_dir_all(empty).unwrap();
    }
    // The figures of docs/guides/publishers.md, with some room.
    assert!(requests.iter().all(|n| *n <= 160), "{requests:?}");
    assert!(bytes.iter().all(|n| *n <= 900_000), "{bytes:?}");
}

#[test]
fn the_same_history_is_followed_over_v1() {
    let (_unpacked, states) = history();
    let dir = tempfile::tempdir().unwrap();
    let store = Store::new(dir.path().join("store"));
    let server = Server::serve(&states[6]);
    let source: Source = server.url().parse().unwrap();
    let current = store.dir().join("rockstor/current");
    for (n, state) in states.iter().enumerate() {
        server.set_root(state);
        let before = current.exists().then(|| files_of(&current));
        let result = Updater::new(&store).run(&source);
        let log = server.take_log();
        if !state.join("root.json").exists() {
            assert_eq!(result.unwrap_err().kind(), ErrorKind::Status, "state {n}");
            continue;
        }
        let Ok(list) = serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(
            &fs::read(state.join("root.json")).unwrap(),
        ) else {
            let error = result.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Manifest, "state {n}: {error}");
            assert!(error.to_string().contains("line 1"), "state {n}: {error}");
            assert_eq!(before, current.exists().then(|| files_of(&current)));
            continue;
        };
        let report = result.unwrap();
        // The requests for two heads, the list, and each file once.
        assert_eq!(log.len(), 3 + list.len(), "state {n}");
        let mut expected = files_of(state);
        expected.retain(|path, _| path == "root.json" || list.values().any(|file| file == path));
        if let Some((_, place)) = BROKEN.iter().find(|(broken, _)| *broken == n && n > 90) {
            // The broken file keeps its previous version.
            assert_eq!(report.outcome, Outcome::Partial, "state {n}");
            assert_eq!(report.failed[0].kind, ErrorKind::Definition);
            assert!(report.failed[0].message.contains("radarr.json"), "{place}");
            expected.insert("radarr.json".into(), before.unwrap()["radarr.json"].clone());
        } else {
            assert!(report.failed.is_empty(), "state {n}: {report:?}");
            let before = before.unwrap_or_default();
            for exchange in log.iter().filter(|exchange| !exchange.path.ends_with(".sha")) {
                let is_unchanged = before.get(&exchange.path) == expected.get(&exchange.path);
                let status = if is_unchanged { 304 } else { 200 };
                assert_eq!(exchange.status, status, "state {n}: {}", exchange.path);
            }
        }
        assert_same_files(&expected, &files_of(&current));
    }
}

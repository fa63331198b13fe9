//! The history of the real catalog, state by state. After every step the store equals the published
//! tree, and the server's log shows that only changed files were requested.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use rockon_sync::publish::{Leniency, Publisher};
use rockon_sync::wire::{Entry, Manifest};
use rockon_sync::{ErrorKind, MassDelete, Outcome, Source, Store, Timestamp, Updater};
use rockon_sync_tests::Server;
use tempfile::TempDir;

use crate::world::{assert_same_files, files_of, published_files, remove_packs};

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
pub(crate) fn history() -> (TempDir, Vec<PathBuf>) {
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

pub(crate) fn publisher<'a>(state: &Path, out: &Path, n: usize) -> Publisher<'a> {
    let published = Timestamp::from_unix(1_500_000_000 + i64::try_from(n).unwrap()).unwrap();
    Publisher::new(state).out(out).published(published)
}

#[test]
fn broken_states_are_refused_with_file_and_line() {
    let (_unpacked, states) = history();
    let out = tempfile::tempdir().unwrap();
    for (n, state) in states.iter().enumerate() {
        let before = files_of(out.path());
        let publisher = publisher(state, out.path(), n).keep(1);
        let result = publisher.mass_delete(MassDelete::Allow).run();
        let expected = BROKEN.iter().find(|(broken, _)| *broken == n);
        match (result, expected) {
            (Ok(_), None) => {}
            (Err(error), Some((_, place))) => {
                assert_eq!(error.kind(), ErrorKind::Catalog);
                let problems: Vec<String> =
                    error.problems().iter().map(ToString::to_string).collect();
                assert!(problems.iter().any(|p| p.starts_with(place)), "{n}: {problems:#?}");
                assert_same_files(&before, &files_of(out.path()));
            }
            (Ok(_), Some(_)) => panic!("state {n} is broken and was published"),
            (Err(error), None) => panic!("state {n}: {error} {:#?}", error.problems()),
        }
    }
}

/// Follows the whole history. `requests` gets the tree after each publication and the files before
/// it, and returns the number of requests allowed for that step.
fn follow(mut requests: impl FnMut(&Path, &BTreeSet<Vec<u8>>) -> usize) {
    let (_unpacked, states) = history();
    let dir = tempfile::tempdir().unwrap();
    let (tree, store) = (dir.path().join("tree"), Store::new(dir.path().join("store")));
    let server = Server::serve(&tree);
    let source: Source = server.url().parse().unwrap();
    let mut before: BTreeSet<Vec<u8>> = BTreeSet::new();
    let mut last_head = Vec::new();
    for (n, state) in states.iter().enumerate() {
        // A client that misses no publication needs only the newest pack.
        let publisher = publisher(state, &tree, n).keep(2);
        let report = publisher.leniency(Leniency::LeaveOut).run().unwrap();
        let expected = requests(&tree, &before);
        let published = published_files(&tree);
        let head = published["root.sha"].clone();
        let expected = if head == last_head { 1 } else { expected };

        let result = Updater::new(&store).run(&source).unwrap();
        let log = server.take_log();
        assert_eq!(log.len(), expected, "state {n}: {log:#?}");
        assert_eq!((result.requests, result.serial), (expected as u64, Some(report.serial)));
        assert!(result.failed.is_empty() && result.warnings.is_empty(), "state {n}: {result:?}");
        let current = store.dir().join("rockstor/current");
        assert_same_files(&published, &files_of(&current));
        let again = Updater::new(&store).run(&source).unwrap();
        assert_eq!((again.outcome, server.take_log().len()), (Outcome::Unchanged, 1));
        before = files(&published).into_iter().cloned().collect();
        last_head = head;
    }
}

/// Returns the published files of a tree.
fn files(published: &BTreeMap<String, Vec<u8>>) -> BTreeSet<&Vec<u8>> {
    let of_the_tree = ["root.json", "root.sha"];
    published.iter().filter(|(path, _)| !of_the_tree.contains(&&***path)).map(|(_, b)| b).collect()
}

#[test]
fn a_lenient_publication_removes_only_what_the_author_removed() {
    let (_unpacked, states) = history();
    let tree = tempfile::tempdir().unwrap();
    let manifest = || Manifest::parse(&fs::read(tree.path().join("root.json")).unwrap()).unwrap();
    let mut kept = BTreeMap::new();
    for (n, state) in states.iter().enumerate() {
        let before = if n == 0 { Manifest::default() } else { manifest() };
        let publisher = publisher(state, tree.path(), n).keep(1);
        let publisher = publisher.leniency(Leniency::LeaveOut).mass_delete(MassDelete::Allow);
        let report = publisher.run().unwrap();
        let list = fs::read(state.join("root.json")).ok();
        let list: Option<BTreeMap<String, String>> =
            list.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        for id in &report.removed {
            let is_gone = list.as_ref().is_some_and(|list| !list.contains_key(id));
            assert!(is_gone, "state {n}: {id}");
        }
        let now = manifest();
        for id in &report.kept {
            assert_eq!(now.entry(id), before.entry(id), "state {n}: {id}");
        }
        if !report.kept.is_empty() {
            kept.insert(n, report.kept);
        }
    }
    // While the list cannot be read, a file that is gone is not known to be removed.
    let expected =
        [(22, "crashplan"), (23, "crashplan"), (24, "crashplan"), (91, "Radarr"), (92, "Radarr")];
    assert_eq!(kept, expected.map(|(n, id)| (n, vec![id.to_owned()])).into());
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

#[test]
fn renames_in_the_history_are_found_and_applied() {
    let (_unpacked, states) = history();
    // In memory if possible: this publishes and updates 206 times.
    let dir = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
    let (tree, store) = (dir.path().join("tree"), Store::new(dir.path().join("store")));
    let source: Source = tree.to_str().unwrap().parse().unwrap();
    let (mut edits, mut found) = (Edits::default(), Vec::new());
    let mut before: Option<(Manifest, BTreeMap<String, Vec<u8>>)> = None;
    let mut applied: BTreeMap<String, String> = BTreeMap::new();
    for (n, state) in states.iter().enumerate() {
        let publisher = publisher(state, &tree, n).keep(1).mass_delete(MassDelete::Allow);
        let report = publisher.leniency(Leniency::LeaveOut).run().unwrap();
        let files = published_files(&tree);
        let manifest = Manifest::parse(&files["root.json"]).unwrap();
        for entry in manifest.entries() {
            let Some((old_manifest, old_files)) = &before else { continue };
            let is_same_path = |old: &&Entry| old.path() == entry.path();
            let old = old_manifest.entries().iter().find(is_same_path);
            let Some(old) = old.filter(|old| old.digest() != entry.digest()) else { continue };
            edits.all += 1;
            let (Some([from]), Some([to])) = (old.names(), entry.names()) else { continue };
            if from == to {
                continue;
            }
            edits.renamed += 1;
            let path = entry.path().as_str();
            if !images(&files[path]).is_disjoint(&images(&old_files[path])) {
                edits.renamed_with_image += 1;
            }
        }
        Updater::new(&store).mass_delete(MassDelete::Allow).run(&source).unwrap();
        let catalog = store.catalog().unwrap();
        let changes = catalog.changes_since(&applied);
        let pairs = |from: &str, to: &str| (from.to_owned(), to.to_owned());
        let applicable: BTreeSet<_> =
            changes.renames.iter().map(|rename| pairs(&rename.from, rename.to)).collect();
        let published: BTreeSet<_> =
            report.renamed.iter().map(|rename| pairs(&rename.from, &rename.to)).collect();
        assert_eq!(applicable, published, "state {n}");
        found.extend(published);
        let definitions = catalog.definitions().iter();
        applied = definitions
            .map(|found| (found.name().to_owned(), found.revision().to_string()))
            .collect();
        before = Some((manifest, files));
    }
    // All edits that kept an image are found, and nothing else.
    assert_eq!(edits, Edits { all: 126, renamed: 3, renamed_with_image: 2 });
    let expected = [("Plex|Linuxserver.io", "Plex"), ("EmbyServer", "Emby server")];
    assert_eq!(found, expected.map(|(from, to)| (from.to_owned(), to.to_owned())));
}

#[test]
fn each_step_costs_two_requests() {
    follow(|_, _| 2);
}

#[test]
fn each_step_without_packs_costs_two_requests_plus_one_per_changed_file() {
    follow(|tree, before| {
        remove_packs(tree);
        // A file that only changed its name is not requested again.
        let published = published_files(tree);
        2 + files(&published).into_iter().filter(|bytes| !before.contains(*bytes)).count()
    });
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

//! Readers, updates and publications at the same time: every reader sees a complete state.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use rockon_sync::{Catalog, Error, Location, Outcome, Report, Source, Updater};
use rockon_sync_tests::{Action, Match, Times};

use crate::world::{Packs, World, files_of, published_files};

const READERS: usize = 2;

/// Publishes every definition with this version.
fn publish_version(world: &World, names: &str, version: usize) {
    for name in names.chars() {
        world.define(name, &version.to_string());
    }
    world.publish();
}

/// Returns the version that all definitions of a catalog share.
fn common_version(catalog: &Catalog, names: &str) -> usize {
    let definitions = catalog.definitions();
    assert_eq!(definitions.len(), names.len());
    let versions = definitions.iter().map(|definition| {
        let text = definition.text().unwrap();
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        value["version"].as_str().unwrap().parse::<usize>().unwrap()
    });
    let versions: Vec<usize> = versions.collect();
    assert!(versions.windows(2).all(|pair| pair[0] == pair[1]), "a mix: {versions:?}");
    versions[0]
}

#[test]
fn readers_see_complete_catalogs_during_updates() {
    const NAMES: &str = "abcdefgh";
    const VERSIONS: usize = 30;
    let world = World::small(NAMES, Packs::InFiles);
    world.update().unwrap();
    let is_over = AtomicBool::new(false);
    let loops: [AtomicUsize; READERS] = Default::default();
    thread::scope(|scope| {
        for count in &loops {
            let (world, is_over) = (&world, &is_over);
            scope.spawn(move || {
                let mut newest = 0;
                while !is_over.load(Ordering::Acquire) {
                    let version = common_version(&world.store().catalog().unwrap(), NAMES);
                    assert!(version >= newest, "{version} after {newest}");
                    newest = version;
                    world.store().status().unwrap();
                    assert!(world.store().verify().unwrap().iter().all(|found| found.is_intact()));
                    count.fetch_add(1, Ordering::AcqRel);
                }
            });
        }
        for version in 2..VERSIONS {
            publish_version(&world, NAMES, version);
            assert_eq!(world.update().unwrap().outcome, Outcome::Updated);
            // A catalog stays readable until the second update after it was opened. All readers
            // have to reopen it before the next update.
            let before: Vec<usize> = loops.iter().map(|n| n.load(Ordering::Acquire)).collect();
            while loops.iter().zip(&before).any(|(now, n)| now.load(Ordering::Acquire) == *n) {
                thread::yield_now();
            }
        }
        is_over.store(true, Ordering::Release);
    });
    assert_eq!(common_version(&world.store().catalog().unwrap(), NAMES), VERSIONS - 1);
}

#[test]
fn opening_a_catalog_never_fails_during_updates() {
    let world = World::small("abc", Packs::InFiles);
    world.update().unwrap();
    let is_over = AtomicBool::new(false);
    let revisions = |catalog: &Catalog| {
        let definitions = catalog.definitions().iter();
        definitions.map(|found| found.revision().to_string()).collect::<Vec<_>>()
    };
    let mut known = vec![revisions(&world.store().catalog().unwrap())];
    let seen = thread::scope(|scope| {
        let (world, is_over) = (&world, &is_over);
        let readers: Vec<_> = (0..READERS)
            .map(|_| {
                scope.spawn(move || {
                    let mut seen = Vec::new();
                    while !is_over.load(Ordering::Acquire) {
                        seen.push(revisions(&world.store().catalog().unwrap()));
                        seen.dedup();
                    }
                    seen
                })
            })
            .collect();
        for version in 2..30 {
            publish_version(world, "abc", version);
            world.update().unwrap();
            known.push(revisions(&world.store().catalog().unwrap()));
        }
        is_over.store(true, Ordering::Release);
        readers.into_iter().flat_map(|reader| reader.join().unwrap()).collect::<Vec<_>>()
    });
    assert!(
        seen.iter().all(|catalog| known.contains(catalog)),
        "a catalog that was never published"
    );
}

/// The kinds of files that a cache may serve stale, independently of each other.
const KINDS: [&str; 5] = ["root.sha", "root.json", "by-sha/", "packs/", ""];

type Files = BTreeMap<String, Vec<u8>>;

/// Returns a world with a store at the old tree, or an empty one, and the files of both trees. The
/// server has the new tree.
fn behind(packs: Packs, is_new: bool) -> (World, Option<Files>, Files) {
    let world = World::small("abcd", packs);
    if !is_new {
        world.update().unwrap();
    }
    let old = (!is_new).then(|| files_of(&world.current("")));
    let copied = std::process::Command::new("cp")
        .args(["-a", world.path("tree").to_str().unwrap(), world.path("stale").to_str().unwrap()])
        .status();
    assert!(copied.unwrap().success());
    world.define('a', "2");
    world.write_catalog("abce");
    world.define('b', "2");
    world.publish();
    let new = published_files(&world.path("tree"));
    (world, old, new)
}

/// Asserts that the store has a complete state: an earlier one, or the new one in which failed
/// entries are unchanged.
fn assert_old_or_new(
    world: &World,
    (old, new): (&Option<Files>, &Files),
    result: &Result<Report, Error>,
    label: &str,
) {
    let seen = world.current("").exists().then(|| files_of(&world.current("")));
    let mut expected = new.clone();
    for failed in result.iter().flat_map(|report| &report.failed) {
        let file = format!("{}.json", failed.id);
        match old.as_ref().and_then(|old| old.get(&file)) {
            Some(bytes) => expected.insert(file, bytes.clone()),
            None => expected.remove(&file),
        };
    }
    // The stale tree is a complete state as well.
    let stale = published_files(&world.path("stale"));
    let is_whole = seen == *old || seen == Some(expected) || seen == Some(stale);
    assert!(is_whole, "{label}: states are mixed: {result:?}");
}

#[test]
fn a_cache_that_mixes_stale_and_new_files_never_mixes_states() {
    for packs in [Packs::InHead, Packs::InFiles, Packs::Absent] {
        for is_new in [true, false] {
            // Each bit makes one kind of file stale.
            for stale in 0..1_u32 << KINDS.len() {
                let label = format!("{packs:?}, first sync {is_new}, stale {stale:05b}");
                let (world, old, new) = behind(packs, is_new);
                for (bit, kind) in KINDS.iter().enumerate() {
                    let root = if stale & 1 << bit == 0 { "tree" } else { "stale" };
                    let action = Action::From(world.path(root));
                    world.server.on(Match::Prefix((*kind).into()), Times::Always, action);
                }
                // May fail: the files stay inconsistent for the whole update, and a complete state
                // may be unreachable.
                let result = world.update();
                assert_old_or_new(&world, (&old, &new), &result, &label);
                if stale == 0 {
                    assert_eq!(result.unwrap().outcome, Outcome::Updated, "{label}");
                }
                world.server.reset();
                let report = world.update().unwrap();
                assert!(report.failed.is_empty(), "{label}: {report:?}");
                world.assert_up_to_date();
            }
        }
    }
}

#[test]
fn a_cache_that_is_refreshed_during_the_update_is_followed() {
    for packs in [Packs::InHead, Packs::InFiles, Packs::Absent] {
        for requests in 1..6 {
            let (world, old, new) = behind(packs, false);
            let stale = Action::From(world.path("stale"));
            world.server.on(Match::Any, Times::First(requests), stale);
            let result = world.update();
            let label = format!("stale for {requests} requests");
            assert_old_or_new(&world, (&old, &new), &result, &label);
            world.server.reset();
            world.update().unwrap();
            world.assert_up_to_date();
        }
    }
}

#[test]
fn an_update_during_publications_ends_with_one_of_their_states() {
    const NAMES: &str = "abcdef";
    let world = World::small(NAMES, Packs::InFiles);
    let source = Source::new(Default::default(), Location::dir(world.path("tree")));
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let (world, is_over) = (&world, &is_over);
        scope.spawn(move || {
            for version in 2..25 {
                publish_version(world, NAMES, version);
            }
            is_over.store(true, Ordering::Release);
        });
        let mut newest = 0;
        while !is_over.load(Ordering::Acquire) {
            // Files in `by-sha/` are kept for 16 publications, so the update succeeds.
            let report = Updater::new(&world.store()).run(&source).unwrap();
            assert!(report.failed.is_empty(), "{report:?}");
            let version = common_version(&world.store().catalog().unwrap(), NAMES);
            assert!(version >= newest, "{version} after {newest}");
            newest = version;
        }
    });
    Updater::new(&world.store()).run(&source).unwrap();
    world.assert_up_to_date();
}

//! Readers of a store that cannot be read in part, or that is updated meanwhile.

use std::io;
use std::os::unix::fs::symlink;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

use super::*;
use crate::catalog::Catalog;
use crate::source::SourceName;
use crate::source::list::{ListedSource, Priority};

/// The error of a network file system without its server.
fn stale_handle() -> io::Error {
    io::Error::from_raw_os_error(rustix::io::Errno::STALE.raw_os_error())
}

fn extra() -> SourceName {
    "extra".parse().unwrap()
}

/// A store of two sources that both have `a`, `b` and `c`; `extra` alone has `x`.
fn two_sources(list: List) -> World {
    let world = World::new(Tree::Plain);
    let other = World::new(Tree::Plain);
    other.publish(&[("a", "1"), ("b", "1"), ("c", "1"), ("x", "1")], 2);
    let tree = world.dir.path().join("extra-tree");
    fs::rename(other.dir.path().join("catalog/v2"), &tree).unwrap();
    let source = Source::new(extra(), Location::dir(&tree));
    let files = FailingFiles::sound();
    let store = world.store();
    world.update();
    Updater::new(&store).files(&files).run(&source).unwrap();
    if list != List::Absent {
        let edited = store.edit_source_list(|edited| {
            edited.add(ListedSource::new(extra(), Location::dir(&tree)), &Priority::Last)
        });
        edited.unwrap();
    }
    if list == List::Disabled {
        let path = store.dir().join("sources.toml");
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, format!("{text}enabled = false\n")).unwrap();
    }
    world
}

/// States if `sources.toml` has the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum List {
    Absent,
    Enabled,
    Disabled,
}

fn applied(catalog: &Catalog) -> Vec<(String, String)> {
    let definitions = catalog.definitions().iter();
    definitions.map(|found| (found.name().to_owned(), found.revision().to_string())).collect()
}

/// Hides the directory of the source.
type Hide = fn(&Path);

fn moved_away(dir: &Path) {
    fs::rename(dir, dir.with_file_name("Moved")).unwrap();
}

#[test]
fn a_source_that_is_out_of_reach_deletes_nothing_and_is_not_intact() {
    let cases: [(List, Hide); 6] = [
        (List::Enabled, moved_away),
        (List::Disabled, moved_away),
        (List::Absent, |dir| {
            moved_away(dir);
            symlink("nowhere", dir).unwrap();
        }),
        (List::Disabled, |dir| {
            moved_away(dir);
            symlink("nowhere", dir).unwrap();
        }),
        (List::Enabled, |dir| {
            moved_away(dir);
            fs::write(dir, "").unwrap();
        }),
        (List::Absent, |dir| fs::remove_file(dir.join("current")).unwrap()),
    ];
    for (n, (list, hide)) in cases.into_iter().enumerate() {
        let label = format!("case {n}, {list:?}");
        let world = two_sources(list);
        let store = world.store();
        let before = applied(&store.catalog().unwrap());
        assert_eq!(before.len(), 4, "{label}");
        hide(&store.dir().join("extra"));
        let catalog = store.catalog().unwrap();
        let changes = catalog.changes_since(before);
        assert_eq!(
            (changes.deletes.len(), &*changes.withheld),
            (0, &["x".to_owned()][..]),
            "{label}"
        );
        assert!(changes.reasons[0].contains("extra"), "{label}: {:?}", changes.reasons);
        let status = store.status().unwrap();
        let found = status.iter().find(|source| source.name == extra());
        let found = found.unwrap_or_else(|| panic!("{label}: {status:?}"));
        assert_eq!(found.current, None, "{label}");
        // A disabled source may never have had a directory.
        if (n, list) != (1, List::Disabled) {
            let verified = store.verify();
            let is_intact = verified.is_ok_and(|found| found.iter().all(|found| found.is_intact()));
            assert!(!is_intact, "{label}");
        }
    }
}

#[test]
fn a_link_to_a_source_is_a_source() {
    let world = two_sources(List::Absent);
    let store = world.store();
    let before = applied(&store.catalog().unwrap());
    moved_away(&store.dir().join("extra"));
    symlink("Moved", store.dir().join("extra")).unwrap();
    let catalog = store.catalog().unwrap();
    assert!(catalog.changes_since(before).is_empty() && catalog.problems().is_empty());
    assert!(store.verify().unwrap().iter().all(|found| found.is_intact()));
}

#[test]
fn no_error_of_reading_is_an_absence() {
    for fail in [bad_disk, stale_handle] {
        let world = two_sources(List::Absent);
        fs::create_dir(world.store().local_dir()).unwrap();
        let text = fs::read_to_string(world.dir.path().join("catalog/a.json")).unwrap();
        let mine = world.store().local_dir().join("mine.json");
        fs::write(mine, text.replace("\"a\"", "\"mine\"")).unwrap();
        let before = applied(&world.store().catalog().unwrap());
        assert_eq!(before.len(), 5);
        for n in 1.. {
            let calls = Arc::new(AtomicUsize::new(0));
            let failing = || {
                let calls = calls.clone();
                calls.store(0, Ordering::Relaxed);
                world.store().with_files(HookedFiles::new(move |_, _| {
                    match calls.fetch_add(1, Ordering::Relaxed) + 1 == n {
                        true => Err(fail()),
                        false => Ok(()),
                    }
                }))
            };
            let has_failed = || calls.load(Ordering::Relaxed) >= n;
            if let Ok(catalog) = failing().catalog() {
                let changes = catalog.changes_since(before.clone());
                assert!(changes.deletes.is_empty(), "read {n}: {changes:?}");
                let is_told = !catalog.problems().is_empty() || changes.is_empty();
                assert!(is_told, "read {n}: {changes:?}");
                if !has_failed() {
                    assert!(n > 15, "only {n} reads");
                    assert!(catalog.problems().is_empty() && changes.withheld.is_empty());
                    break;
                }
            }
        }
        for n in 1.. {
            let calls = Arc::new(AtomicUsize::new(0));
            let counted = calls.clone();
            let store = world.store().with_files(HookedFiles::new(move |_, _| {
                match counted.fetch_add(1, Ordering::Relaxed) + 1 == n {
                    true => Err(fail()),
                    false => Ok(()),
                }
            }));
            if let Ok(status) = store.status() {
                let is_told = |status: &crate::inspect::SourceStatus| {
                    let entries = status.current.as_ref().map(|held| (held.serial, held.entries));
                    status.error.is_some() || matches!(entries, Some((Some(1), 3) | (Some(2), 4)))
                };
                assert!(status.len() == 2 && status.iter().all(is_told), "read {n}: {status:?}");
            }
            if calls.load(Ordering::Relaxed) < n {
                assert!(n > 10, "only {n} reads");
                break;
            }
        }
    }
}

#[test]
fn a_directory_that_cannot_be_read_at_all_is_a_source_with_an_error() {
    let world = two_sources(List::Absent);
    let before = applied(&world.store().catalog().unwrap());
    let dir = world.store().dir().join("extra");
    let store =
        world.store().with_files(HookedFiles::new(move |_, path| match path.starts_with(&dir) {
            true => Err(bad_disk()),
            false => Ok(()),
        }));
    let catalog = store.catalog().unwrap();
    let changes = catalog.changes_since(before);
    assert_eq!((changes.deletes.len(), changes.withheld), (0, vec!["x".to_owned()]));
    let status = store.status().unwrap();
    let errors: Vec<_> = status.iter().map(|source| source.error.as_ref()).collect();
    assert!(
        matches!(errors[..], [None, Some(error)] | [Some(error), None]
        if error.kind == ErrorKind::Store && error.message.contains("extra")),
        "{status:?}"
    );
    assert_eq!(store.verify().unwrap_err().kind(), ErrorKind::Store);
    assert_eq!(store.remembered_sources().unwrap_err().kind(), ErrorKind::Store);
}

#[test]
fn local_definitions_that_are_out_of_reach_are_not_deleted() {
    let cases: [Hide; 3] = [
        |dir| symlink("nowhere", dir).unwrap(),
        |dir| symlink(dir, dir).unwrap(),
        |dir| fs::write(dir, "").unwrap(),
    ];
    for hide in cases {
        let world = World::new(Tree::Plain);
        world.update();
        let local = world.store().local_dir();
        hide(&local);
        let catalog = world.store().catalog().unwrap();
        let changes = catalog.changes_since([("mine", "")]);
        assert_eq!((changes.deletes.len(), changes.withheld), (0, vec!["mine".to_owned()]));
        assert_eq!(catalog.problems()[0].path(), Some(&*local));
        // A missing directory has no definitions.
        fs::remove_file(&local).unwrap();
        let catalog = world.store().catalog().unwrap();
        assert_eq!(catalog.changes_since([("mine", "")]).deletes, ["mine"]);
    }
}

#[test]
fn a_v1_generation_without_its_record_deletes_nothing() {
    let world = World::new(Tree::V1);
    world.update();
    fs::remove_file(world.source_dir().join("gen/000001.held")).unwrap();
    fs::remove_file(world.source_dir().join("current/b.json")).unwrap();
    let catalog = world.store().catalog().unwrap();
    let changes = catalog.changes_since([("b", "1")]);
    assert_eq!((changes.deletes.len(), changes.withheld), (0, vec!["b".to_owned()]));
}

/// Publishes a new version of everything and updates to it; `c` may be missing from the tree.
fn commit(world: &World, time: &AtomicI64, c: Entry) {
    let time = time.fetch_add(1, Ordering::Relaxed);
    let version = time.to_string();
    world.publish(&[("a", &version), ("b", &version), ("c", &version)], time);
    if c == Entry::Missing {
        let tree = world.dir.path().join("catalog/v2");
        let digest = Digest::of(&fs::read(tree.join("c.json")).unwrap());
        fs::remove_file(tree.join("c.json")).unwrap();
        fs::remove_file(tree.join(format!("by-sha/{digest}"))).unwrap();
    }
    let (report, _) = world.update();
    let expected = if c == Entry::Missing { Outcome::Partial } else { Outcome::Updated };
    assert_eq!(report.outcome, expected);
}

/// States if an entry can be fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Entry {
    There,
    Missing,
}

/// Calls `look` once for each of its reads, with a store that is updated twice right before that
/// read, so that the generation it began with has been removed.
fn replace_before_each_read(c: Entry, look: impl Fn(&Store, &str)) {
    let world = Arc::new(World::new(Tree::Plain));
    let time = Arc::new(AtomicI64::new(2));
    commit(&world, &time, c);
    for n in 1.. {
        let calls = Arc::new(AtomicUsize::new(0));
        let store = {
            let (world, time, calls) = (world.clone(), time.clone(), calls.clone());
            world.clone().store().with_files(HookedFiles::new(move |_, _| {
                if calls.fetch_add(1, Ordering::Relaxed) + 1 == n {
                    commit(&world, &time, c);
                    commit(&world, &time, c);
                }
                Ok(())
            }))
        };
        look(&store, &format!("replaced before read {n}, c is {c:?}"));
        if calls.load(Ordering::Relaxed) < n {
            assert!(n > 5, "only {n} reads");
            break;
        }
    }
}

#[test]
fn a_catalog_is_whole_whenever_its_generation_is_pruned() {
    replace_before_each_read(Entry::There, |store, label| {
        let catalog = store.catalog().unwrap();
        let changes = catalog.changes_since([("a", ""), ("b", ""), ("c", ""), ("x", "")]);
        assert_eq!(
            (&*changes.deletes, changes.upserts.len()),
            (&["x".to_owned()][..], 3),
            "{label}"
        );
        assert!(catalog.problems().is_empty(), "{label}: {:?}", catalog.problems());
    });
}

#[test]
fn an_incomplete_catalog_is_incomplete_whenever_its_generation_is_pruned() {
    replace_before_each_read(Entry::Missing, |store, label| {
        let catalog = store.catalog().unwrap();
        let changes = catalog.changes_since([("a", ""), ("b", ""), ("c", "")]);
        assert_eq!((changes.deletes.len(), changes.upserts.len()), (0, 2), "{label}");
        assert_eq!(changes.withheld, ["c"], "{label}");
        assert!(catalog.problems().is_empty(), "{label}: {:?}", catalog.problems());
    });
}

#[test]
fn a_status_is_whole_whenever_its_generation_is_pruned() {
    for (c, entries) in [(Entry::There, 3), (Entry::Missing, 2)] {
        replace_before_each_read(c, |store, label| {
            let status = store.status().unwrap();
            let held = status[0].current.as_ref().unwrap();
            assert!(held.serial.is_some() && held.manifest.is_some(), "{label}: {status:?}");
            assert_eq!((held.entries, &status[0].error), (entries, &None), "{label}");
        });
    }
}

#[test]
fn a_store_is_intact_whenever_its_generation_is_pruned() {
    for c in [Entry::There, Entry::Missing] {
        replace_before_each_read(c, |store, label| {
            let found = store.verify().unwrap();
            assert!(found.len() == 1 && found[0].is_intact(), "{label}: {found:?}");
        });
    }
}

//! File systems without hard links, and single operations that fail.

use std::collections::BTreeSet;
use std::io;
use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::base::files::Files;

/// True for a path of a file in a generation.
fn is_in_generation(path: &Path) -> bool {
    path.parent().and_then(Path::parent).is_some_and(|dir| dir.ends_with("gen"))
}

/// A file system on which no file of a generation can be linked: it is a link first, so that the
/// first change at its path fails. Notes the synced paths.
fn without_links(error: fn() -> io::Error, synced: Arc<Mutex<BTreeSet<PathBuf>>>) -> impl Files {
    let refused: Mutex<BTreeSet<PathBuf>> = Mutex::default();
    HookedFiles::new(move |call, path| {
        if call == Call::Sync {
            synced.lock().unwrap().insert(path.to_owned());
        }
        let is_link = call == Call::Change
            && is_in_generation(path)
            && !path.ends_with("root.sha")
            && refused.lock().unwrap().insert(path.to_owned());
        if is_link { Err(error()) } else { Ok(()) }
    })
}

fn of(errno: rustix::io::Errno) -> io::Error {
    io::Error::from_raw_os_error(errno.raw_os_error())
}

#[test]
fn files_that_cannot_be_linked_are_copied_and_synced() {
    let cases: [fn() -> io::Error; 4] = [
        || of(rustix::io::Errno::XDEV),
        || of(rustix::io::Errno::PERM),
        || of(rustix::io::Errno::MLINK),
        || of(rustix::io::Errno::OPNOTSUPP),
    ];
    for error in cases {
        let world = World::new(Tree::Packed);
        for version in ["1", "2"] {
            let label = format!("{}, version {version}", error());
            world.publish(&[("a", version), ("b", "1")], 2);
            let synced = Arc::new(Mutex::default());
            let files = without_links(error, synced.clone());
            let report = world.bring(Updater::new(&world.store()).files(&files)).unwrap();
            assert_eq!(report.outcome, Outcome::Updated, "{label}");
            assert!(world.seen() == world.published(), "{label}");
            let generation = world.source_dir().join(world.current().unwrap());
            let synced = synced.lock().unwrap();
            for name in world.seen().unwrap().keys() {
                let path = generation.join(name);
                let metadata = fs::metadata(&path).unwrap();
                assert_eq!(metadata.nlink(), 1, "{label}: {}", path.display());
                assert_eq!(metadata.permissions().mode() & 0o222, 0, "{label}: {}", path.display());
                assert!(synced.contains(&path), "{label}: {} was not synced", path.display());
            }
        }
    }
}

#[test]
fn another_error_of_a_link_is_an_error() {
    let world = World::new(Tree::Packed);
    let files = without_links(bad_disk, Arc::default());
    let error = world.bring(Updater::new(&world.store()).files(&files)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Store);
    assert!(error.to_chain().contains("put this file in place"), "{}", error.to_chain());
    assert_eq!(world.current(), None);
    world.assert_next_update_brings(&world.published(), "link");
}

#[test]
fn everything_new_is_synced_before_the_swap_and_linked_files_are_not() {
    let world = World::new(Tree::Packed);
    world.update();
    world.publish(&[("a", "2"), ("b", "1"), ("c", "1")], 2);
    let synced: Arc<Mutex<Vec<PathBuf>>> = Arc::default();
    let (noted, link) = (synced.clone(), world.source_dir().join("current"));
    let files = HookedFiles::new(move |call, path| {
        match call {
            Call::Sync => noted.lock().unwrap().push(path.to_owned()),
            // The swap.
            Call::Change if path == link => noted.lock().unwrap().push(path.to_owned()),
            _ => {}
        }
        Ok(())
    });
    world.bring(Updater::new(&world.store()).files(&files)).unwrap();
    let dir = world.source_dir();
    let shown: Vec<String> = synced
        .lock()
        .unwrap()
        .iter()
        .filter_map(|path| path.strip_prefix(&dir).ok()?.to_str().map(str::to_owned))
        .collect();
    let swap = shown.iter().position(|path| path == "current").unwrap();
    let mut before = shown[..swap].to_vec();
    before.retain(|path| path.starts_with("gen"));
    // Files first, then directories, innermost first, and last what describes them.
    assert_eq!(before[before.len() - 3..], ["gen/000002", "gen/000002.changes", "gen"]);
    before.truncate(before.len() - 3);
    before.sort();
    assert_eq!(before, ["gen/000002/a.json", "gen/000002/root.json", "gen/000002/root.sha"]);
    // The swap itself.
    assert_eq!(shown[swap + 1], "");
}

#[test]
fn one_failure_after_the_swap_keeps_no_downloads() {
    // The status is written by a rename, and a sync of the same directory.
    for (fails_status, failing_syncs, keeps) in [
        (true, 0, false),
        (false, 1, false),
        // The swap may be undone by a power failure, so its downloads are needed again.
        (true, 1, true),
        (false, 2, true),
    ] {
        let label = format!("{fails_status}, {failing_syncs}");
        let world = World::new(Tree::Plain);
        world.update();
        world.publish(&[("a", "2"), ("b", "1"), ("d", "1")], 2);
        let syncs = Mutex::new(failing_syncs);
        let files = HookedFiles::new(|call, path| {
            let fails = match call {
                Call::Change => fails_status && path.ends_with("status.json"),
                Call::Sync if path.ends_with("rockstor") => {
                    let mut left = syncs.lock().unwrap();
                    let fails = *left > 0;
                    *left -= i32::from(fails);
                    fails
                }
                _ => false,
            };
            if fails { Err(bad_disk()) } else { Ok(()) }
        });
        let report = world.bring(Updater::new(&world.store()).files(&files)).unwrap();
        let failures = usize::from(fails_status) + usize::try_from(failing_syncs).unwrap();
        assert_eq!(report.warnings.len(), failures, "{label}: {:?}", report.warnings);
        assert_eq!(world.staging().is_empty(), !keeps, "{label}: {:?}", world.staging());
    }
}

#[test]
fn an_unreadable_status_is_a_warning_and_costs_one_request() {
    let world = World::new(Tree::Packed);
    world.update();
    let files =
        HookedFiles::new(|call, path| match call == Call::Read && path.ends_with("status.json") {
            true => Err(bad_disk()),
            false => Ok(()),
        });
    let report = world.bring(Updater::new(&world.store()).files(&files)).unwrap();
    assert_eq!(report.outcome, Outcome::Unchanged);
    let [warning] = &report.warnings[..] else { panic!("{:?}", report.warnings) };
    assert!(warning.contains("the last status is lost"), "{warning}");
}

#[test]
fn the_record_and_new_directories_are_synced_before_the_swap() {
    for tree in [Tree::V1, Tree::Plain] {
        let world = World::new(tree);
        fs::create_dir_all(world.dir.path().join("catalog/far/down")).unwrap();
        let all = ["a", "b", "c", "far/down/d", "far/e"].map(|name| (name, "1"));
        world.publish(&all, 2);
        let link = world.source_dir().join("current");
        let synced: Arc<Mutex<Vec<PathBuf>>> = Arc::default();
        let noted = synced.clone();
        let files = HookedFiles::new(move |call, path| {
            let is_swap = call == Call::Change && path == link;
            if call == Call::Sync || is_swap {
                noted.lock().unwrap().push(path.to_owned());
            }
            Ok(())
        });
        let report = world.bring(Updater::new(&world.store()).files(&files)).unwrap();
        assert_eq!(report.added.len(), all.len(), "{report:?}");
        let dir = world.source_dir();
        let synced = synced.lock().unwrap();
        let at = |name: &str| {
            let path = dir.join(name);
            let at = synced.iter().position(|synced| *synced == path);
            at.unwrap_or_else(|| panic!("{tree:?}: {name} is not synced: {synced:?}"))
        };
        let steps = ["gen/000001/far/down/d.json", "gen/000001/far/down", "gen/000001/far"];
        let steps = [&steps[..], &["gen/000001", "gen", "current"]].concat();
        assert!(steps.is_sorted_by_key(|name| at(name)), "{tree:?}: {synced:?}");
        if tree == Tree::V1 {
            assert!(at("gen/000001.held") < at("gen"), "{synced:?}");
        }
    }
}

#[test]
fn leftovers_of_the_swap_do_not_block_the_next_one() {
    let world = World::new(Tree::Packed);
    world.update();
    std::os::unix::fs::symlink("gen/000009", world.source_dir().join(".current.new")).unwrap();
    world.publish(&[("a", "2"), ("b", "1"), ("c", "1")], 2);
    world.update();
    assert!(world.seen() == world.published());
}

#[test]
fn downloads_and_generations_that_cannot_be_removed_are_warnings() {
    let world = World::new(Tree::Plain);
    world.update();
    world.publish(&[("a", "2"), ("b", "1"), ("c", "1")], 2);
    let (link, generations) = (world.source_dir().join("current"), world.source_dir().join("gen"));
    let is_swapped = Mutex::new(false);
    let files = HookedFiles::new(|call, path| {
        let mut is_swapped = is_swapped.lock().unwrap();
        *is_swapped |= call == Call::Change && path == link;
        let is_download = call == Call::Remove && path.iter().any(|part| part == "incoming");
        let fails = is_download || (call == Call::Read && path == generations);
        if *is_swapped && fails { Err(bad_disk()) } else { Ok(()) }
    });
    let report = world.bring(Updater::new(&world.store()).files(&files)).unwrap();
    assert_eq!(report.outcome, Outcome::Updated);
    let expected = ["cannot remove old downloads", "cannot remove old generations"];
    assert_eq!(report.warnings.len(), expected.len(), "{:?}", report.warnings);
    for (warning, expected) in report.warnings.iter().zip(expected) {
        assert!(warning.starts_with(expected), "{:?}", report.warnings);
    }
}

#[test]
fn an_error_of_the_swap_after_it_took_place_is_not_an_error() {
    // The link is renamed, and the rename says that it failed.
    for target in [Some("gen/000001"), Some("gen/000007"), None] {
        let world = World::new(Tree::Packed);
        let link = world.source_dir().join("current");
        let files = HookedFiles::new(|call, path| {
            if call == Call::Change && path == link {
                if let Some(target) = target {
                    std::os::unix::fs::symlink(target, &link)?;
                }
                return Err(bad_disk());
            }
            Ok(())
        });
        let result = world.bring(Updater::new(&world.store()).files(&files));
        match target {
            Some("gen/000001") => assert_eq!(result.unwrap().outcome, Outcome::Updated),
            _ => {
                let error = result.unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Store, "{target:?}");
                let message = error.to_chain();
                assert!(message.contains("cannot activate the new generation"), "{message}");
            }
        }
    }
}

#[test]
fn nothing_else_is_asked_for_after_an_error_of_the_disk() {
    for (tree, expected) in [(Tree::Packed, "packs/"), (Tree::Plain, "by-sha/")] {
        let world = World::new(tree);
        let second = world.dir.path().join("second");
        std::os::unix::fs::symlink(world.source.mirrors()[0].as_dir().unwrap(), &second).unwrap();
        let source = world.source.clone().with_mirror(Location::dir(&second));
        let transport = Noting { inner: DefaultTransport::new(), asked: Mutex::default() };
        // A verified file cannot be kept.
        let files = HookedFiles::new(|call, path| {
            let name = path.file_name().unwrap_or_default().to_str().unwrap();
            match call == Call::Change && name.parse::<Digest>().is_ok() {
                true => Err(bad_disk()),
                false => Ok(()),
            }
        });
        let store = world.store();
        let result = Updater::new(&store).files(&files).transport(&transport).run(&source);
        let error = result.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Store, "{tree:?}: {}", error.to_chain());
        let asked = transport.asked.into_inner().unwrap();
        let [head, file] = &asked[..] else { panic!("{tree:?}: {asked:?}") };
        assert!(head.ends_with("root.sha") && file.contains(expected), "{tree:?}: {asked:?}");
    }
}

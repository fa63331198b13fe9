//! Special files planted in a store or a source: they are not followed, block nothing, and have no
//! effect outside.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use rockon_sync::publish::Publisher;
use rockon_sync::{ErrorKind, Location, Source, Updater};

use crate::world::{Packs, World, assert_same_files, files_of};

/// A file system object that is not a regular file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Thing {
    LinkToFile,
    LinkToFolder,
    LinkToNothing,
    Fifo,
    Folder,
    Device,
}

const THINGS: [Thing; 6] = [
    Thing::LinkToFile,
    Thing::LinkToFolder,
    Thing::LinkToNothing,
    Thing::Fifo,
    Thing::Folder,
    Thing::Device,
];

/// Replaces `path` with the object.
fn plant(world: &World, thing: Thing, path: &Path) {
    match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(path).unwrap(),
        Ok(_) => fs::remove_file(path).unwrap(),
        Err(_) => fs::create_dir_all(path.parent().unwrap()).unwrap(),
    }
    match thing {
        Thing::LinkToFile => symlink(world.path("outside/file"), path).unwrap(),
        Thing::LinkToFolder => symlink(world.path("outside"), path).unwrap(),
        Thing::LinkToNothing => symlink(world.path("outside/nothing"), path).unwrap(),
        Thing::Fifo => {
            assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
        }
        Thing::Folder => {
            fs::create_dir(path).unwrap();
            fs::write(path.join("inside"), "x").unwrap();
        }
        // Creating a device needs privileges, a link to one does not.
        Thing::Device => symlink("/dev/zero", path).unwrap(),
    }
}

fn outside(world: &World) {
    fs::create_dir(world.path("outside")).unwrap();
    fs::write(world.path("outside/file"), "precious").unwrap();
    fs::write(world.path("outside/part-0"), "precious").unwrap();
    fs::write(world.path("outside/000001"), "precious").unwrap();
}

/// Locations in a store. True if an update succeeds with every object there; otherwise it may fail
/// with an error that has the path.
const PLACES: [(&str, bool); 12] = [
    ("rockstor/current/b.json", true),
    ("rockstor/current/root.json", true),
    ("rockstor/current/root.sha", true),
    ("rockstor/current/stray", true),
    ("rockstor/gen/000001", true),
    ("rockstor/gen/000002", true),
    ("rockstor/gen/000002.held", true),
    ("rockstor/incoming/part-0", true),
    ("rockstor/incoming/seen.jsonl", true),
    ("rockstor/incoming", false),
    ("rockstor/gen", false),
    ("rockstor/lock", false),
];

/// Locations that every update overwrites.
const WRITTEN: [&str; 4] = [
    "rockstor/status.json",
    "rockstor/.status.json.new",
    "rockstor/trusted-keys",
    "rockstor/.current.new",
];

#[test]
fn special_files_in_a_store_are_not_followed_and_block_nothing() {
    let written = WRITTEN.into_iter().map(|place| (place, false));
    for (place, copes) in PLACES.into_iter().chain(written) {
        for thing in THINGS {
            let label = format!("{thing:?} as {place}");
            let world = World::small("abc", Packs::Absent);
            outside(&world);
            world.update().unwrap();
            world.define('a', "2");
            world.publish();
            plant(&world, thing, &world.path("store").join(place));
            let before = files_of(&world.path("outside"));
            let result = world.update();
            assert_same_files(&before, &files_of(&world.path("outside")));
            match result {
                Ok(report) => assert!(report.failed.is_empty(), "{label}: {report:?}"),
                Err(error) => {
                    assert!(!copes, "{label}: {}", error.to_chain());
                    assert!(
                        matches!(error.kind(), ErrorKind::Store | ErrorKind::Trust),
                        "{label}: {}",
                        error.to_chain()
                    );
                    let path = error.path().unwrap_or(Path::new("")).to_string_lossy().into_owned();
                    let name = place.trim_start_matches("rockstor/.").trim_end_matches(".new");
                    assert!(path.contains(name.trim_start_matches("rockstor/")), "{label}: {path}");
                    // The documented way out: remove the source's directory.
                    fs::remove_dir_all(world.path("store/rockstor")).unwrap();
                    world.update().unwrap();
                }
            }
            assert_same_files(&before, &files_of(&world.path("outside")));
            world.assert_up_to_date();
        }
    }
}

#[test]
fn special_files_among_local_definitions_are_reported_and_block_nothing() {
    for thing in THINGS {
        let world = World::small("abc", Packs::Absent);
        outside(&world);
        world.update().unwrap();
        plant(&world, thing, &world.path("store/local/x.json"));
        let catalog = world.store().catalog().unwrap();
        assert_eq!(catalog.definitions().len(), 3, "{thing:?}");
        assert_eq!(catalog.problems().len(), 1, "{thing:?}: {:?}", catalog.problems());
    }
}

#[test]
fn special_files_in_a_source_directory_block_nothing() {
    for thing in THINGS {
        let world = World::v1("abc");
        outside(&world);
        plant(&world, thing, &world.path("catalog/b.json"));
        let source = Source::new(Default::default(), Location::dir(world.path("catalog")));
        let report = Updater::new(&world.store()).run(&source).unwrap();
        let failed: Vec<&str> = report.failed.iter().map(|failed| &*failed.id).collect();
        assert_eq!(failed, ["b"], "{thing:?}: {report:?}");
    }
}

#[test]
fn special_files_in_a_catalog_directory_are_not_published_and_block_nothing() {
    for thing in THINGS {
        let world = World::v1("abc");
        outside(&world);
        plant(&world, thing, &world.path("catalog/b.json"));
        let error = Publisher::new(world.path("catalog")).out(world.path("tree")).run();
        let error = error.map(|report| format!("{thing:?}: {report:?}")).unwrap_err();
        assert!(
            matches!(error.kind(), ErrorKind::Catalog | ErrorKind::Store),
            "{thing:?}: {}",
            error.to_chain()
        );
        assert!(!world.path("tree/root.sha").exists());
    }
}

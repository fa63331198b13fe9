//! A directory works as a source like a URL.

use std::fs;
use std::os::unix::fs::symlink;

use rockon_sync::{ErrorKind, Location, Outcome, Source, Store};

use crate::world::{World, assert_same_files, definition, files_of, published_files};

fn source(path: impl Into<std::path::PathBuf>) -> Source {
    Source::new(Default::default(), Location::dir(path))
}

#[test]
fn every_kind_of_directory_is_followed() {
    let world = World::v2("abc");
    world.publisher().in_place().run().unwrap();
    fs::create_dir(world.path("bare")).unwrap();
    for name in ["x", "y"] {
        let text = definition(name.chars().next().unwrap(), "1");
        fs::write(world.path(&format!("bare/{name}.json")), text).unwrap();
    }
    fs::write(world.path("bare/README.md"), "not a definition").unwrap();
    symlink("tree", world.path("link-to-tree")).unwrap();
    fs::create_dir(world.path("links")).unwrap();
    for name in ["root.json", "a.json", "b.json", "c.json"] {
        symlink(world.path("catalog").join(name), world.path("links").join(name)).unwrap();
    }
    for (dir, definitions, has_head) in [
        ("tree", 3, true),
        ("tree/root.sha", 3, true),
        ("link-to-tree", 3, true),
        ("catalog/root.v2.sha", 3, true),
        ("catalog", 3, true),
        ("links", 3, false),
        ("bare", 2, false),
    ] {
        let stores = tempfile::tempdir().unwrap();
        let store = Store::new(stores.path());
        let source = source(world.path(dir));
        let report = world.updater(&store).run(&source).unwrap();
        assert_eq!(report.outcome, Outcome::Updated, "{dir}");
        assert_eq!(report.serial.is_some(), has_head, "{dir}");
        let catalog = store.catalog().unwrap();
        assert_eq!(catalog.definitions().len(), definitions, "{dir}");
        assert!(catalog.problems().is_empty(), "{dir}: {:?}", catalog.problems());
        let again = world.updater(&store).run(&source).unwrap();
        assert_eq!((again.outcome, again.bytes_received), (Outcome::Unchanged, 0), "{dir}");

        // A store is a source for other stores.
        let relay = Store::new(stores.path().join("relay"));
        let current = stores.path().join("rockstor/current");
        let report = world.updater(&relay).run(&self::source(&current)).unwrap();
        assert_eq!((report.outcome, report.failed.len()), (Outcome::Updated, 0), "{dir}");
        let relayed = stores.path().join("relay/rockstor/current");
        assert_same_files(&files_of(&current), &files_of(&relayed));
    }
}

#[test]
fn publishing_in_place_keeps_files_for_older_systems() {
    let world = World::v1("abc");
    let before = files_of(&world.path("catalog"));
    world.publisher().in_place().run().unwrap();
    let mut after = files_of(&world.path("catalog"));
    after.retain(|path, _| before.contains_key(path));
    assert_same_files(&before, &after);

    let source: Source = format!("{}root.v2.sha", world.server.url()).parse().unwrap();
    let store = world.store();
    world.server.take_log();
    world.updater(&store).run(&source).unwrap();
    assert_eq!(world.server.take_log().len(), 2, "the head and a pack");
    assert_eq!(store.catalog().unwrap().definitions().len(), 3);
    world.updater(&store).run(&source).unwrap();
    assert_eq!(world.server.take_log().len(), 1);
}

#[test]
fn a_tree_published_in_place_is_found_by_its_directory() {
    let world = World::v1("abc");
    let source: Source = world.server.url().parse().unwrap();
    let store = world.store();
    let report = world.updater(&store).run(&source).unwrap();
    assert_eq!((report.outcome, report.serial), (Outcome::Updated, None));

    world.publisher().in_place().run().unwrap();
    let report = world.updater(&store).run(&source).unwrap();
    assert_eq!(report.serial, Some(1), "the v1 source becomes a v2 one");
    world.server.take_log();
    world.updater(&store).run(&source).unwrap();
    let targets: Vec<String> =
        world.server.take_log().into_iter().map(|exchange| exchange.target).collect();
    assert_eq!(targets, ["/root.sha", "/root.v2.sha"]);

    // Then the list alone is refused.
    fs::remove_file(world.path("catalog/root.v2.sha")).unwrap();
    let error = world.updater(&store).run(&source).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Trust);
}

#[test]
fn a_file_that_cannot_be_looked_at_keeps_its_entry() {
    let world = World::bare("tree");
    fs::create_dir(world.path("bare")).unwrap();
    let file = |name: char| world.path(&format!("bare/{name}.json"));
    for name in 'a'..='e' {
        fs::write(file(name), definition(name, "1")).unwrap();
    }
    let store = world.store();
    let update = || world.updater(&store).run(&source(world.path("bare"))).unwrap();
    update();
    // A link to itself cannot be resolved; one to nowhere is a disk that is not mounted.
    for (name, target) in [('c', "c.json"), ('a', "a.json"), ('c', "/nowhere/c.json")] {
        fs::remove_file(file(name)).unwrap();
        symlink(target, file(name)).unwrap();
        fs::write(file('b'), definition('b', target)).unwrap();
        let report = update();
        assert_eq!((report.outcome, report.removed.len()), (Outcome::Partial, 0), "{target}");
        assert_eq!(report.failed[0].id, name.to_string(), "{target}");
        assert_eq!(report.changed, ["b"], "{target}");
        assert_eq!(store.catalog().unwrap().definitions().len(), 5, "{target}");
        fs::remove_file(file(name)).unwrap();
        fs::write(file(name), definition(name, "1")).unwrap();
    }
    fs::remove_file(file('e')).unwrap();
    assert_eq!(update().removed, ["e"]);
    // Nor is anything removed if none can be looked at.
    for name in 'a'..='d' {
        fs::remove_file(file(name)).unwrap();
        symlink(file(name), file(name)).unwrap();
    }
    let error = world.updater(&store).run(&source(world.path("bare"))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Transport, "{error}");
    assert_eq!(store.catalog().unwrap().definitions().len(), 4);
}

#[test]
fn names_that_cannot_be_entries_are_warned_of() {
    use std::os::unix::ffi::OsStrExt;
    let world = World::bare("tree");
    fs::create_dir_all(world.path("bare/folder.json")).unwrap();
    fs::write(world.path("bare/a.json"), definition('a', "1")).unwrap();
    fs::write(world.path("bare/x:y.json"), definition('x', "1")).unwrap();
    let name = std::ffi::OsStr::from_bytes(b"\xff.json");
    fs::write(world.path("bare").join(name), definition('y', "1")).unwrap();
    let store = world.store();
    let report = world.updater(&store).run(&source(world.path("bare"))).unwrap();
    assert_eq!(report.added, ["a"]);
    let mut warnings = report.warnings;
    warnings.sort();
    assert_eq!(warnings.len(), 3, "{warnings:?}");
    for (warning, expected) in warnings.iter().zip([
        "folder.json: left out: not a regular file",
        "x:y.json: left out: unsafe path \"x:y.json\": colon",
        "\u{fffd}.json: left out: the name is not UTF-8",
    ]) {
        assert!(warning.ends_with(expected), "{warning}");
    }
}

#[test]
fn a_tree_that_cannot_be_looked_at_is_an_error() {
    let world = World::v2("abc");
    let store = world.store();
    symlink("loop", world.path("loop")).unwrap();
    let error = world.updater(&store).run(&source(world.path("loop"))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Transport, "{error}");
    // A head that is a link to nowhere makes no v1 tree of it.
    fs::create_dir(world.path("half")).unwrap();
    fs::write(world.path("half/a.json"), definition('a', "1")).unwrap();
    symlink("/nowhere/root.sha", world.path("half/root.sha")).unwrap();
    let error = world.updater(&store).run(&source(world.path("half"))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Transport, "{error}");
    fs::remove_file(world.path("half/root.sha")).unwrap();
    // Nor does such a list make one without a list of it.
    symlink("/nowhere/root.json", world.path("half/root.json")).unwrap();
    let error = world.updater(&store).run(&source(world.path("half"))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Transport, "{error}");
}

#[test]
fn an_unmounted_share_is_not_an_empty_catalog() {
    let world = World::v2("abc");
    let store = world.store();
    world.updater(&store).run(&source(world.path("catalog"))).unwrap();
    let before = files_of(&world.current(""));
    for dir in ["nowhere", "store/rockstor/incoming"] {
        let error = world.updater(&store).run(&source(world.path(dir))).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound, "{dir}: {error}");
        assert_same_files(&before, &files_of(&world.current("")));
    }
}

#[test]
fn the_third_store_of_a_chain_equals_the_published_tree() {
    let world = World::v2("abc");
    let store = |name: &str| Store::new(world.path(name));
    world.updater(&store("first")).run(&world.source()).unwrap();
    for (from, to) in [("first", "second"), ("second", "third")] {
        let tree = world.path(from).join("rockstor/current");
        world.updater(&store(to)).run(&source(tree)).unwrap();
    }
    let end = files_of(&world.path("third/rockstor/current"));
    assert_same_files(&published_files(&world.path("tree")), &end);
}

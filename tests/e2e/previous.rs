//! A publisher with an empty disk writes what one with the whole tree on disk writes.

use std::fs;

use rockon_sync::publish::{PublishOutcome, Publisher};
use rockon_sync::{ErrorKind, Location};
use rockon_sync_tests::{Action, Match, Times};

use crate::world::{Packs, World, assert_same_files, files_of};

fn location(text: &str) -> Location {
    text.parse().unwrap()
}

/// Publishes `world` into an empty directory from its served tree.
fn from_server(world: &World) -> Publisher<'_> {
    world.publisher().out(world.path("empty")).previous(location(&world.server.url()))
}

#[test]
fn an_unchanged_catalog_is_not_published_again_from_an_empty_disk() {
    let world = World::small("abc", Packs::InHead);
    let report = from_server(&world).run().unwrap();
    assert_eq!((report.outcome, report.serial), (PublishOutcome::Unchanged, 1));
    assert_same_files(&files_of(&world.path("tree")), &files_of(&world.path("empty")));
    let log = world.server.take_log();
    let paths: Vec<&str> = log.iter().map(|exchange| &*exchange.path).collect();
    // The definitions are copied from the catalog directory.
    let manifest = format!("by-sha/{}", report.manifest);
    let pack = format!("packs/empty-{}.tar.zst", &report.manifest.to_string()[..12]);
    assert_eq!(paths, ["root.sha", "history.json", &manifest, &pack]);
}

#[test]
fn any_failing_request_stops_the_publication_and_the_next_run_completes_it() {
    let world = World::small("abc", Packs::InHead);
    world.define('a', "2");
    fs::remove_file(world.path("catalog/b.json")).unwrap();
    world.write_list(&[("a".into(), "a.json".into()), ("c".into(), "c.json".into())].into());
    let expected = {
        let whole = world.path("whole");
        let previous = Location::dir(world.path("tree"));
        world.publisher().out(&whole).previous(previous).run().unwrap();
        files_of(&whole)
    };
    for n in 0.. {
        world.server.reset();
        let status = |status| Action::Respond { status, headers: Vec::new(), body: Vec::new() };
        world.server.on(Match::Nth(n), Times::Once, status(403));
        let result = from_server(&world).run();
        if world.server.request_count() <= n {
            result.unwrap();
            assert!(n > 5, "only {n} requests were tried");
            break;
        }
        let error = result.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Status, "request {n}: {error}");
        assert!(!world.path("empty/root.sha").exists(), "request {n}");
        from_server(&world).run().unwrap();
        assert_same_files(&expected, &files_of(&world.path("empty")));
        fs::remove_dir_all(world.path("empty")).unwrap();
    }
}

#[test]
fn a_forged_object_is_refused() {
    let world = World::small("abc", Packs::InHead);
    let old = files_of(&world.path("tree"));
    world.define('a', "2");
    let object = old.keys().find(|path| path.starts_with("by-sha/") && old[*path] == old["a.json"]);
    let forged = Action::ReplaceBody(b"forged".to_vec());
    world.server.on(Match::Path(object.unwrap().clone()), Times::Always, forged);
    let error = from_server(&world).run().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Integrity);
    assert!(!world.path("empty/root.sha").exists());
}

#[test]
fn nothing_is_published_if_there_is_no_previous_tree_unless_it_is_the_first_time() {
    let world = World::bare("tree");
    world.write_catalog("ab");
    let error = from_server(&world).run().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    for status in [403, 500] {
        let response = Action::Respond { status, headers: Vec::new(), body: Vec::new() };
        world.server.on(Match::Path("root.sha".into()), Times::Always, response);
        let error = from_server(&world).initial().run().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Status, "{error}");
        world.server.clear_rules();
    }
    assert!(files_of(&world.path("empty")).is_empty());
    let report = from_server(&world).initial().run().unwrap();
    assert_eq!(report.serial, 1);
    world.publisher().run().unwrap();
    for publisher in [from_server(&world), world.publisher()] {
        let error = publisher.initial().run().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Argument, "{error}");
    }
}

#[test]
fn a_history_without_a_head_or_that_was_cut_off_is_an_error() {
    let world = World::small("ab", Packs::InHead);
    let history = fs::read(world.path("tree/history.json")).unwrap();
    let cut = Action::ReplaceBody(history[..history.len() / 2].to_vec());
    world.server.on(Match::Path("history.json".into()), Times::Once, cut);
    assert_eq!(from_server(&world).run().unwrap_err().kind(), ErrorKind::Head);
    fs::remove_file(world.path("tree/root.sha")).unwrap();
    for publisher in [from_server(&world), from_server(&world).initial()] {
        let error = publisher.run().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Head, "{error}");
    }
}

#[test]
fn the_previous_tree_counts_and_a_newer_one_on_disk_is_refused() {
    let world = World::small("abc", Packs::InHead);
    let empty = || from_server(&world).run().unwrap();
    empty();
    // Two publications later, by another publisher.
    for version in ["2", "3"] {
        world.define('a', version);
        world.publish();
    }
    fs::remove_file(world.path("catalog/b.json")).unwrap();
    world.write_list(&[("a".into(), "a.json".into()), ("c".into(), "c.json".into())].into());
    assert_eq!(empty().serial, 4);
    world.publish();
    assert_same_files(&files_of(&world.path("tree")), &files_of(&world.path("empty")));
    // A publication that never arrived at the previous tree.
    world.define('a', "4");
    assert_eq!(empty().serial, 5);
    let error = from_server(&world).run().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Head);
    assert!(error.to_string().contains("serial 4, the tree on disk the newer serial 5"), "{error}");
}

#[test]
fn a_file_of_another_program_is_not_overwritten_by_the_previous_tree() {
    let world = World::small("abc", Packs::InHead);
    for name in ["a.json", "root.json", "history.json"] {
        let path = world.path("empty").join(name);
        fs::create_dir_all(world.path("empty")).unwrap();
        fs::write(&path, "of another program").unwrap();
        let error = from_server(&world).run().unwrap_err();
        assert_eq!((error.kind(), error.path()), (ErrorKind::Store, Some(&*path)));
        assert_eq!(fs::read(&path).unwrap(), b"of another program");
        fs::remove_dir_all(world.path("empty")).unwrap();
    }
}

//! Damage is found by the next update, which fetches only the damaged files.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rockon_sync::{ErrorKind, Mode, Outcome};
use rockon_sync_tests::{Action, Match, Times};

use crate::world::{World, assert_same_files, files_of};

fn overwrite(path: &Path, bytes: &[u8]) {
    fs::set_permissions(path, Permissions::from_mode(0o644)).unwrap();
    fs::write(path, bytes).unwrap();
}

/// Changes the serial of the local head, and nothing that shows in its size.
fn set_serial(world: &World, old: u64, new: u64) {
    let path = world.current("root.sha");
    let head = fs::read_to_string(&path).unwrap();
    let changed = head.replace(&format!("# serial {old}\n"), &format!("# serial {new}\n"));
    assert_ne!(changed, head);
    overwrite(&path, changed.as_bytes());
}

fn change_digest(world: &World) {
    let path = world.current("root.sha");
    let mut head = fs::read(&path).unwrap();
    head[0] = if head[0] == b'0' { b'1' } else { b'0' };
    overwrite(&path, &head);
}

type Damage = fn(&World);

/// Kinds of damage to a file of the store, and the number of requests that heal it.
const DAMAGES: &[(&str, Damage, usize)] = &[
    ("deleted", |world| fs::remove_file(world.current("b.json")).unwrap(), 2),
    ("truncated", |world| overwrite(&world.current("b.json"), b""), 2),
    ("edited", |world| overwrite(&world.current("b.json"), b"{\"App b\": {}}"), 2),
    (
        "replaced by a directory",
        |world| {
            fs::remove_file(world.current("b.json")).unwrap();
            fs::create_dir(world.current("b.json")).unwrap();
            fs::write(world.current("b.json/x"), "").unwrap();
        },
        2,
    ),
    (
        "replaced by a link",
        |world| {
            fs::remove_file(world.current("b.json")).unwrap();
            std::os::unix::fs::symlink("/etc/passwd", world.current("b.json")).unwrap();
        },
        2,
    ),
    ("manifest deleted", |world| fs::remove_file(world.current("root.json")).unwrap(), 2),
    ("manifest edited", |world| overwrite(&world.current("root.json"), b"{}"), 2),
    ("head deleted", |world| fs::remove_file(world.current("root.sha")).unwrap(), 2),
    ("head edited", |world| overwrite(&world.current("root.sha"), b"x"), 2),
    ("serial of the head raised", |world| set_serial(world, 1, 7), 1),
    ("digest in the head changed", change_digest, 2),
    ("an extra file", |world| fs::write(world.current("stray.json"), "{}").unwrap(), 1),
    ("status lost", |world| fs::remove_file(world.path("store/rockstor/status.json")).unwrap(), 1),
    (
        "status damaged",
        |world| fs::write(world.path("store/rockstor/status.json"), "]").unwrap(),
        1,
    ),
    (
        "generation deleted",
        |world| fs::remove_dir_all(world.path("store/rockstor/gen")).unwrap(),
        5,
    ),
    ("link deleted", |world| fs::remove_file(world.path("store/rockstor/current")).unwrap(), 5),
];

#[test]
fn each_kind_of_damage_is_healed_with_the_fewest_requests() {
    for (what, damage, requests) in DAMAGES {
        let world = World::v2("abc");
        world.updated();
        damage(&world);
        let (report, log) = world.updated();
        assert_eq!(log.len(), *requests, "{what}: {report:?} {log:#?}");
        assert!(report.failed.is_empty() && report.removed.is_empty(), "{what}: {report:?}");
        world.assert_up_to_date();
        world.assert_unchanged();
        assert!(world.store().verify().unwrap().iter().all(|source| source.is_intact()), "{what}");
    }
}

#[test]
fn healed_entries_are_reported() {
    let world = World::v2("abc");
    world.updated();
    fs::remove_file(world.current("b.json")).unwrap();
    let (report, _) = world.updated();
    assert_eq!((report.outcome, report.healed), (Outcome::Updated, vec!["b".to_owned()]));
    assert!(report.added.is_empty() && report.changed.is_empty());
}

#[test]
fn a_deleted_store_is_fetched_again() {
    let world = World::v2("abc");
    world.updated();
    fs::remove_dir_all(world.path("store")).unwrap();
    let (report, log) = world.updated();
    assert_eq!((report.added.len(), log.len()), (3, 5));
    world.assert_up_to_date();
}

#[test]
fn verify_mode_finds_an_edit_that_keeps_size_and_time() {
    let world = World::v2("abc");
    world.updated();
    let path = world.current("b.json").canonicalize().unwrap();
    let (mut bytes, modified) =
        (fs::read(&path).unwrap(), fs::metadata(&path).unwrap().modified().unwrap());
    bytes[0] = b' ';
    overwrite(&path, &bytes);
    fs::File::options().append(true).open(&path).unwrap().set_modified(modified).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o444)).unwrap();

    world.assert_unchanged();
    let found = world.store().verify().unwrap();
    assert_eq!(found[0].damaged, [path]);
    let store = world.store();
    let report = world.updater(&store).mode(Mode::Verify).run(&world.source()).unwrap();
    assert_eq!(report.healed, ["b"]);
    world.assert_up_to_date();
}

#[test]
fn a_damaged_head_is_found_and_healed_and_blocks_no_update() {
    for keeps_time in [true, false] {
        let world = World::v2("abc");
        world.updated();
        let path = world.current("root.sha").canonicalize().unwrap();
        let modified = fs::metadata(&path).unwrap().modified().unwrap();
        set_serial(&world, 1, 9);
        if keeps_time {
            let file = fs::File::options().append(true).open(&path).unwrap();
            file.set_modified(modified).unwrap();
        }
        let found = world.store().verify().unwrap();
        assert_eq!(found[0].damaged, [path], "{keeps_time}");
        let (report, log) = world.updated();
        assert_eq!((report.outcome, report.serial), (Outcome::Updated, Some(1)), "{report:?}");
        assert!(report.warnings[0].contains("root.sha: damaged"), "{report:?}");
        assert_eq!(log.len(), 1, "{log:#?}");
        world.assert_up_to_date();
        world.assert_unchanged();
        assert!(world.store().verify().unwrap()[0].is_intact());
        world.define('a', "2");
        world.publish();
        assert_eq!(world.updated().0.serial, Some(2));
    }
}

#[test]
fn a_damaged_list_of_a_v1_store_is_found_and_healed() {
    let world = World::v1("abc");
    world.updated();
    let path = world.current("root.json").canonicalize().unwrap();
    let text = fs::read_to_string(&path).unwrap();
    overwrite(&path, text.replace("\"c\"", "\"x\"").as_bytes());
    assert_eq!(world.store().verify().unwrap()[0].damaged, std::slice::from_ref(&path));
    let (report, _) = world.updated();
    assert_eq!((report.outcome, report.removed.len()), (Outcome::Updated, 0), "{report:?}");
    assert_eq!(fs::read_to_string(world.current("root.json")).unwrap(), text);
    assert!(world.store().verify().unwrap()[0].is_intact());
}

#[test]
fn a_store_whose_link_is_lost_is_not_intact() {
    let world = World::v2("abc");
    world.updated();
    let link = world.path("store/rockstor/current");
    fs::remove_file(&link).unwrap();
    assert_eq!(world.store().verify().unwrap()[0].damaged, [link]);
    world.updated();
    assert!(world.store().verify().unwrap()[0].is_intact());
}

#[test]
fn full_mode_fetches_everything_again() {
    let world = World::v2("abc");
    world.updated();
    world.server.take_log();
    let store = world.store();
    let report = world.updater(&store).mode(Mode::Full).run(&world.source()).unwrap();
    assert_eq!(world.server.take_log().len(), 5, "{report:?}");
    assert!(report.changed.is_empty() && report.added.is_empty());
    world.assert_up_to_date();
    world.assert_unchanged();
}

#[test]
fn distrust_asks_for_the_head_and_the_list_unconditionally() {
    for (world, name) in [(World::v2("abc"), "root.sha"), (World::v1("abc"), "root.json")] {
        world.updated();
        let held = files_of(&world.current(""));
        // A cache that says that nothing has changed, whatever happens.
        let unchanged = Action::Respond { status: 304, headers: vec![], body: vec![] };
        world.server.on(Match::Path(name.into()), Times::Always, unchanged);
        let store = world.store();
        let result = world.updater(&store).mode(Mode::Full).run(&world.source());
        assert_eq!(result.unwrap_err().kind(), ErrorKind::Status, "{name}");
        let log = world.server.take_log();
        let asked = log.iter().filter(|asked| asked.path == name);
        for header in ["if-none-match", "if-modified-since"] {
            assert!(asked.clone().all(|asked| asked.header(header).is_none()), "{name}");
        }
        assert_same_files(&held, &files_of(&world.current("")));
    }
}

#[test]
fn damage_of_a_v1_store_is_healed_too() {
    let world = World::v1("abc");
    world.updated();
    fs::remove_file(world.current("b.json")).unwrap();
    let (report, log) = world.updated();
    assert_eq!(report.healed, ["b"]);
    let sent: Vec<&str> = log.iter().filter(|e| e.status == 200).map(|e| e.path.as_str()).collect();
    assert_eq!(sent, ["b.json"], "{log:#?}");
}

//! Damage is noticed by the next update, and only what is damaged is fetched again.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rockon_sync::{Outcome, Trust};

use crate::world::World;

fn overwrite(path: &Path, bytes: &[u8]) {
    fs::set_permissions(path, Permissions::from_mode(0o644)).unwrap();
    fs::write(path, bytes).unwrap();
}

/// Changes the serial of the local head, and nothing that shows in its size.
fn set_serial(world: &World, old: u64, new: u64) {
    let path = world.held("root.sha");
    let head = fs::read_to_string(&path).unwrap();
    let changed = head.replace(&format!("# serial {old}\n"), &format!("# serial {new}\n"));
    assert_ne!(changed, head);
    overwrite(&path, changed.as_bytes());
}

fn change_digest(world: &World) {
    let path = world.held("root.sha");
    let mut head = fs::read(&path).unwrap();
    head[0] = if head[0] == b'0' { b'1' } else { b'0' };
    overwrite(&path, &head);
}

type Damage = fn(&World);

/// What happens to a file of the store, and how many requests it takes to heal it.
const DAMAGES: &[(&str, Damage, usize)] = &[
    ("deleted", |world| fs::remove_file(world.held("b.json")).unwrap(), 2),
    ("truncated", |world| overwrite(&world.held("b.json"), b""), 2),
    ("edited", |world| overwrite(&world.held("b.json"), b"{\"App b\": {}}"), 2),
    (
        "replaced by a folder",
        |world| {
            fs::remove_file(world.held("b.json")).unwrap();
            fs::create_dir(world.held("b.json")).unwrap();
            fs::write(world.held("b.json/x"), "").unwrap();
        },
        2,
    ),
    (
        "replaced by a link",
        |world| {
            fs::remove_file(world.held("b.json")).unwrap();
            std::os::unix::fs::symlink("/etc/passwd", world.held("b.json")).unwrap();
        },
        2,
    ),
    ("manifest deleted", |world| fs::remove_file(world.held("root.json")).unwrap(), 2),
    ("manifest edited", |world| overwrite(&world.held("root.json"), b"{}"), 2),
    ("head deleted", |world| fs::remove_file(world.held("root.sha")).unwrap(), 2),
    ("head edited", |world| overwrite(&world.held("root.sha"), b"x"), 2),
    ("serial of the head raised", |world| set_serial(world, 1, 7), 1),
    ("digest in the head changed", change_digest, 2),
    ("a file too many", |world| fs::write(world.held("stray.json"), "{}").unwrap(), 1),
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
fn each_kind_of_damage_is_healed_with_no_more_requests_than_needed() {
    for (what, damage, requests) in DAMAGES {
        let world = World::v2("abc");
        world.updated();
        damage(&world);
        let (report, log) = world.updated();
        assert_eq!(log.len(), *requests, "{what}: {report:?} {log:#?}");
        assert!(report.failed.is_empty() && report.removed.is_empty(), "{what}: {report:?}");
        world.assert_in_step();
        world.assert_unchanged();
        assert!(world.store().verify().unwrap().iter().all(|source| source.is_intact()), "{what}");
    }
}

#[test]
fn healed_entries_are_reported_as_such() {
    let world = World::v2("abc");
    world.updated();
    fs::remove_file(world.held("b.json")).unwrap();
    let (report, _) = world.updated();
    assert_eq!((report.outcome, report.healed), (Outcome::Updated, vec!["b".to_owned()]));
    assert!(report.added.is_empty() && report.changed.is_empty());
}

#[test]
fn a_deleted_store_is_fetched_anew() {
    let world = World::v2("abc");
    world.updated();
    fs::remove_dir_all(world.path("store")).unwrap();
    let (report, log) = world.updated();
    assert_eq!((report.added.len(), log.len()), (3, 5));
    world.assert_in_step();
}

#[test]
fn an_edit_that_keeps_size_and_time_is_found_by_digest() {
    let world = World::v2("abc");
    world.updated();
    let path = world.held("b.json").canonicalize().unwrap();
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
    let report = world.updater(&store).trust(Trust::Digest).run(&world.source()).unwrap();
    assert_eq!(report.healed, ["b"]);
    world.assert_in_step();
}

#[test]
fn a_damaged_head_is_found_and_healed_and_blocks_no_update() {
    for keeps_time in [true, false] {
        let world = World::v2("abc");
        world.updated();
        let path = world.held("root.sha").canonicalize().unwrap();
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
        world.assert_in_step();
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
    let path = world.held("root.json").canonicalize().unwrap();
    let text = fs::read_to_string(&path).unwrap();
    overwrite(&path, text.replace("\"c\"", "\"x\"").as_bytes());
    assert_eq!(world.store().verify().unwrap()[0].damaged, std::slice::from_ref(&path));
    let (report, _) = world.updated();
    assert_eq!((report.outcome, report.removed.len()), (Outcome::Updated, 0), "{report:?}");
    assert_eq!(fs::read_to_string(world.held("root.json")).unwrap(), text);
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
fn distrust_fetches_everything_again() {
    let world = World::v2("abc");
    world.updated();
    world.server.take_log();
    let store = world.store();
    let report = world.updater(&store).trust(Trust::Nothing).run(&world.source()).unwrap();
    assert_eq!(world.server.take_log().len(), 5, "{report:?}");
    assert!(report.changed.is_empty() && report.added.is_empty());
    world.assert_in_step();
    world.assert_unchanged();
}

#[test]
fn damage_of_a_v1_store_is_healed_too() {
    let world = World::v1("abc");
    world.updated();
    fs::remove_file(world.held("b.json")).unwrap();
    let (report, log) = world.updated();
    assert_eq!(report.healed, ["b"]);
    let sent: Vec<&str> = log.iter().filter(|e| e.status == 200).map(|e| e.path.as_str()).collect();
    assert_eq!(sent, ["b.json"], "{log:#?}");
}

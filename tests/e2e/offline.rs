//! Updates from a bundle, without a network.

use std::fs;
use std::path::{Path, PathBuf};

use rockon_sync::keys::SigningKey;
use rockon_sync::{ErrorKind, MassDelete, Outcome, Report, Rollback, Store};

use crate::world::{World, definition, files_of};

/// Returns the bundle of the latest publication.
fn bundle(world: &World) -> PathBuf {
    let head = fs::read_to_string(world.path("tree/root.sha")).unwrap();
    world.path(&format!("tree/packs/empty-{}.tar.zst", &head[..12]))
}

/// Returns a copy of the bundle in a directory of its own.
fn copied_bundle(world: &World) -> PathBuf {
    let stick = world.path("stick");
    fs::create_dir_all(&stick).unwrap();
    let from = bundle(world);
    let to = stick.join(from.file_name().unwrap());
    fs::copy(&from, &to).unwrap();
    to
}

fn import(world: &World, bundle: &Path) -> rockon_sync::Result<Report> {
    let store = world.store();
    world.updater(&store).import(&Default::default(), bundle, &[])
}

#[test]
fn a_store_filled_from_a_bundle_continues_over_the_network_by_delta() {
    for carry in [copied_bundle, bundle] {
        let world = World::packed("abcde");
        let report = import(&world, &carry(&world)).unwrap();
        assert_eq!((report.outcome, report.requests), (Outcome::Updated, 0));
        assert_eq!(report.added.len(), 5);
        assert_eq!(world.store().catalog().unwrap().definitions().len(), 5);
        assert!(world.server.take_log().is_empty());
        world.define('b', "2");
        world.publish();
        let (report, log) = world.updated();
        assert_eq!((&*report.changed, log.len()), (&["b".to_owned()][..], 2));
        assert!(!log[1].path.contains("empty"), "{log:#?}");
        world.assert_up_to_date();
        world.assert_unchanged();
    }
}

#[test]
fn the_head_beside_a_bundle_is_imported_too() {
    let world = World::packed("abc");
    let report = import(&world, &bundle(&world)).unwrap();
    assert_eq!(report.serial, Some(1));
    world.assert_up_to_date();
    world.assert_unchanged();
    // Without a head, the manifest in the bundle is used.
    let store = Store::new(world.path("other"));
    let report =
        world.updater(&store).import(&Default::default(), &copied_bundle(&world), &[]).unwrap();
    assert_eq!(report.serial, None);
    // Such a bundle does not tell whether it is older than the current one.
    assert!(report.warnings[0].ends_with("no head beside the bundle, so its age is unknown"));
    let report = world.updater(&store).run(&world.source()).unwrap();
    assert_eq!((report.requests, report.serial), (1, Some(1)));
}

#[test]
fn a_second_import_changes_nothing() {
    let world = World::packed("abc");
    import(&world, &bundle(&world)).unwrap();
    let before = files_of(&world.current(""));
    assert_eq!(import(&world, &bundle(&world)).unwrap().outcome, Outcome::Unchanged);
    assert!(before == files_of(&world.current("")));
    // Damage is healed from the bundle.
    fs::remove_file(world.current("b.json")).unwrap();
    assert_eq!(import(&world, &bundle(&world)).unwrap().healed, ["b"]);
    assert!(before == files_of(&world.current("")));
}

#[test]
fn an_older_bundle_is_refused_unless_allowed() {
    let world = World::packed("abcde");
    let old = copied_bundle(&world);
    world.define('b', "2");
    world.publish();
    world.updated();
    let report = import(&world, &old).unwrap();
    assert_eq!((report.outcome, report.serial), (Outcome::Stale, Some(2)));
    world.assert_up_to_date();
    let store = world.store();
    let report = world
        .updater(&store)
        .rollback(Rollback::Allow)
        .import(&Default::default(), &old, &[])
        .unwrap();
    assert_eq!(report.changed, ["b"]);
}

#[test]
fn an_incomplete_bundle_changes_nothing() {
    let world = World::packed("abcde");
    world.updated();
    let before = files_of(&world.current(""));
    world.define('b', "2");
    world.publish();
    let whole = fs::read(bundle(&world)).unwrap();
    let delta = fs::read_dir(world.path("tree/packs")).unwrap().map(|entry| entry.unwrap().path());
    let delta = delta.into_iter().find(|path| !path.to_str().unwrap().contains("empty-")).unwrap();
    let name = bundle(&world).file_name().unwrap().to_str().unwrap().to_owned();
    let mut damaged = whole.clone();
    damaged[whole.len() / 2] ^= 0x55;
    for (name, bytes) in [
        ("nothing", Vec::new()),
        ("page", b"<html>".to_vec()),
        ("cut", whole[..whole.len() - 20].to_vec()),
        (&*name, damaged),
        ("delta", fs::read(delta).unwrap()),
        ("empty-0123456789ab.tar.zst", whole.clone()),
    ] {
        let path = world.path(name);
        fs::write(&path, bytes).unwrap();
        let error = import(&world, &path).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Integrity, "{name}: {}", error.to_chain());
        assert!(before == files_of(&world.current("")), "{name}");
    }
    let error = import(&world, &world.path("nowhere")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert_eq!(error.path(), Some(&*world.path("nowhere")));
}

#[test]
fn a_bundle_that_lacks_a_file_is_refused() {
    let world = World::packed("ab");
    let archive = zstd::decode_all(fs::File::open(bundle(&world)).unwrap()).unwrap();
    // Without the end of the archive, and without its last member.
    let text = definition('b', "1");
    let at = archive.windows(text.len()).position(|part| part == text.as_bytes()).unwrap();
    let lacking = zstd::encode_all(&archive[..at - 512], 1).unwrap();
    let path = world.path("lacking");
    fs::write(&path, lacking).unwrap();
    let error = import(&world, &path).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Integrity);
    assert!(error.to_string().contains("b.json is not in the bundle"), "{error}");
    assert!(!world.current("").exists());
}

#[test]
fn a_source_with_trusted_keys_needs_a_signed_head_beside_the_bundle() {
    let world = World::packed("abc");
    let key = SigningKey::from_seed("example.org/test", [7; 32]).unwrap();
    let keys = [key.verifier_key().clone()];
    let store = world.store();
    let import = |path: &Path, keys: &[_]| {
        world.updater(&store).import(&Default::default(), path, keys).map(|report| report.serial)
    };
    for unsigned in [copied_bundle(&world), bundle(&world)] {
        assert_eq!(import(&unsigned, &keys).unwrap_err().kind(), ErrorKind::Trust);
    }
    world.define('b', "2");
    world.publisher().sign_key(key).mass_delete(MassDelete::Allow).run().unwrap();
    assert_eq!(import(&bundle(&world), &keys).unwrap(), Some(2));
    // The store remembers the keys.
    assert_eq!(import(&copied_bundle(&world), &[]).unwrap_err().kind(), ErrorKind::Trust);
}

#[test]
fn a_file_beside_a_bundle_that_is_not_its_head_is_ignored() {
    let world = World::packed("abc");
    let bundle = copied_bundle(&world);
    let beside = bundle.with_file_name("root.sha");
    let other = fs::read_to_string(world.path("tree/root.sha")).unwrap();
    let other = other.replace(&other[..64], &rockon_sync::Digest::of(b"other").to_string());
    let files: [(&str, &dyn Fn()); 5] = [
        ("a directory", &|| fs::create_dir(&beside).unwrap()),
        ("too large", &|| fs::write(&beside, "x".repeat(20_000)).unwrap()),
        ("no head", &|| fs::write(&beside, "no head").unwrap()),
        ("a link", &|| std::os::unix::fs::symlink("nowhere", &beside).unwrap()),
        ("another head", &|| fs::write(&beside, &other).unwrap()),
    ];
    for (n, (label, write)) in files.into_iter().enumerate() {
        write();
        let store = Store::new(world.path(&format!("store-{n}")));
        let report = world
            .updater(&store)
            .import(&Default::default(), &bundle, &[])
            .unwrap_or_else(|error| panic!("{label}: {}", error.to_chain()));
        assert_eq!(
            (report.outcome, report.serial, report.added.len()),
            (Outcome::Updated, None, 3)
        );
        let _ = fs::remove_dir(&beside);
        let _ = fs::remove_file(&beside);
    }
}

#[test]
fn an_import_replaces_what_is_left_of_another_one() {
    let world = World::packed("abc");
    let bundle = copied_bundle(&world);
    let name = bundle.file_name().unwrap().to_str().unwrap();
    let staging = world.path("store/rockstor/incoming");
    fs::create_dir_all(&staging).unwrap();
    fs::write(staging.join(format!("pack-{name}")), "damaged").unwrap();
    let report = import(&world, &bundle).unwrap();
    assert_eq!((report.outcome, report.added.len()), (Outcome::Updated, 3));
}

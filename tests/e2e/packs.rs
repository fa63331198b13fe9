//! Packs: an update costs two requests, and a bad pack never prevents an update.

use std::fs;
use std::path::PathBuf;

use rockon_sync::{Digest, ErrorKind, Mode, Outcome, Phase, Progress, Report};
use rockon_sync_tests::{Action, Exchange, Match, Times};

use crate::world::{Packs, World};

fn pack() -> Match {
    Match::Prefix("packs/".into())
}

/// Returns the bundle of the latest publication.
fn bundle(world: &World) -> PathBuf {
    let manifest = Digest::of(&fs::read(world.path("tree/root.json")).unwrap()).to_string();
    world.path(&format!("tree/packs/empty-{}.tar.zst", &manifest[..12]))
}

/// Returns text that barely compresses.
fn noise(seed: u64) -> String {
    let mut state = seed;
    let letters = std::iter::repeat_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        char::from(b'a' + u8::try_from((state >> 33) % 26).unwrap())
    });
    letters.take(100_000).collect()
}

/// Returns the name of the only requested pack.
fn requested_pack(log: &[Exchange]) -> &str {
    let mut packs = log.iter().filter_map(|exchange| exchange.path.strip_prefix("packs/"));
    let requested = packs.next().expect("no pack was requested");
    assert_eq!(packs.next(), None);
    requested
}

/// Returns a world with an updated store of five definitions, after a second publication: three
/// edited, one new, one deleted.
fn changed() -> World {
    let world = World::packed("abcde");
    world.updated();
    change(&world);
    world.server.reset();
    world
}

fn change(world: &World) {
    world.write_catalog("abcdf");
    for name in "abc".chars() {
        world.define(name, "2");
    }
    world.publish();
}

fn assert_changed(world: &World, report: &Report) {
    assert!(report.warnings.is_empty(), "{report:?}");
    assert_changed_anyhow(world, report);
}

/// Like [`assert_changed`], but with one warning that contains `warning`.
fn assert_changed_with(warning: &str, world: &World, report: &Report) {
    assert_eq!(report.warnings.len(), 1, "{report:?}");
    assert!(report.warnings[0].contains(warning), "{report:?}");
    assert_changed_anyhow(world, report);
}

fn assert_changed_anyhow(world: &World, report: &Report) {
    assert_eq!(report.outcome, Outcome::Updated);
    assert_eq!(report.changed, ["a", "b", "c"]);
    assert_eq!((&*report.added, &*report.removed), (&["f".to_owned()][..], &["e".to_owned()][..]));
    assert!(report.failed.is_empty(), "{report:?}");
    world.assert_up_to_date();
    world.assert_unchanged();
    assert_eq!(fs::read_dir(world.path("store/rockstor/incoming")).unwrap().count(), 0);
}

#[test]
fn a_first_update_requests_the_head_and_the_bundle() {
    let world = World::packed("abcde");
    let (report, log) = world.updated();
    assert_eq!((report.outcome, log.len()), (Outcome::Updated, 2));
    assert!(requested_pack(&log).starts_with("empty-"));
    world.assert_up_to_date();
    world.assert_unchanged();
}

#[test]
fn an_update_requests_the_head_and_a_delta() {
    let world = changed();
    let (report, log) = world.updated();
    assert_eq!(log.len(), 2, "{log:#?}");
    assert!(!requested_pack(&log).starts_with("empty-"));
    assert_changed(&world, &report);
}

#[test]
fn a_client_that_missed_publications_uses_the_delta_for_its_manifest() {
    let world = World::packed("abcde");
    world.updated();
    for version in ["2", "3", "4"] {
        world.define('b', version);
        world.publish();
    }
    let (report, log) = world.updated();
    assert_eq!((&*report.changed, log.len()), (&["b".to_owned()][..], 2));
    world.assert_up_to_date();
}

#[test]
fn without_a_delta_the_manifest_is_compared() {
    let world = World::packed("abcde");
    world.updated();
    world.define('b', "2");
    world.publisher().keep(1).run().unwrap();
    world.define('c', "2");
    world.publisher().keep(1).run().unwrap();
    let (_, log) = world.updated();
    // The whole of so small a catalog is cheaper than its manifest alone.
    assert!(requested_pack(&log).starts_with("empty-"), "{log:#?}");
    assert_eq!(log.len(), 2);
    world.assert_up_to_date();
}

#[test]
fn only_a_damaged_file_is_fetched() {
    let world = World::packed("abcde");
    world.updated();
    fs::remove_file(world.current("b.json")).unwrap();
    let (report, log) = world.updated();
    assert_eq!((&*report.healed, log.len()), (&["b".to_owned()][..], 2));
    assert!(log[1].path.starts_with("by-sha/"));
    world.assert_up_to_date();
}

#[test]
fn full_mode_fetches_a_bundle() {
    let world = World::packed("abcde");
    world.updated();
    world.server.take_log();
    let store = world.store();
    world.updater(&store).mode(Mode::Full).run(&world.source()).unwrap();
    let log = world.server.take_log();
    assert!(log.len() == 2 && requested_pack(&log).starts_with("empty-"), "{log:#?}");
    world.assert_up_to_date();
}

#[test]
fn a_delta_with_a_damaged_base_file_is_dropped() {
    let world = changed();
    fs::remove_file(world.current("b.json")).unwrap();
    let (report, log) = world.updated();
    // The manifest still comes from the pack.
    assert_eq!(log.len(), 2 + 4, "{log:#?}");
    assert_eq!(report.changed, ["a", "b", "c"]);
    world.assert_up_to_date();
}

#[test]
fn a_bad_pack_is_replaced_by_single_files() {
    let zeros = zstd_of(&vec![0; 50 << 20]);
    let other = fs::read(changed().path("tree/root.json")).unwrap();
    let respond =
        |status, body: &[u8]| Action::Respond { status, headers: vec![], body: body.into() };
    for is_first in [true, false] {
        for action in [
            respond(404, b""),
            respond(403, b"<html>"),
            respond(200, b""),
            respond(200, b"<html>"),
            respond(200, &zeros),
            respond(200, &zstd_of(b"no archive")),
            respond(200, &zstd_of(&other)),
            Action::ReplaceBody(vec![b'x'; 10]),
            Action::Endless { byte: 0 },
            Action::Truncate(100),
        ] {
            let world = if is_first { World::packed("abcdf") } else { changed() };
            world.server.on(pack(), Times::Always, action.clone());
            let (report, log) = world.updated();
            assert_eq!(report.outcome, Outcome::Updated, "{action:?}");
            assert!(report.failed.is_empty(), "{action:?}: {report:?}");
            // Head, pack, manifest and the new files; no file twice.
            let files = if is_first { 5 } else { 4 };
            let packs = log.iter().filter(|exchange| exchange.path.starts_with("packs/")).count();
            assert_eq!(log.len() - packs, 2 + files, "{action:?}: {log:#?}");
            assert!(packs <= 1, "{action:?}");
            world.server.reset();
            world.assert_up_to_date();
            world.assert_unchanged();
        }
    }
}

fn zstd_of(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 1).unwrap()
}

/// The result must be the published tree whichever byte is damaged.
#[test]
fn no_damaged_byte_of_a_pack_is_stored() {
    let world = changed();
    let packs = world.path("tree/packs");
    let name = fs::read_dir(&packs)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .find(|name| !name.starts_with("empty-"))
        .unwrap();
    let bytes = fs::read(packs.join(&name)).unwrap();
    for at in (0..bytes.len()).step_by(7) {
        let world = changed();
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x55;
        world.server.on(pack(), Times::Always, Action::ReplaceBody(damaged));
        let report = world.update().unwrap();
        world.server.reset();
        assert_changed_with("was dropped", &world, &report);
    }
}

#[test]
fn a_cut_pack_is_resumed_by_the_next_run() {
    for is_first in [true, false] {
        let world = if is_first { World::packed("abcdf") } else { changed() };
        world.server.on(pack(), Times::Once, Action::ResetAfter(150));
        world.server.on(Match::Nth(2), Times::Always, Action::Die);
        assert_eq!(world.update().unwrap_err().kind(), ErrorKind::Transport);
        world.server.reset();
        let (report, log) = world.updated();
        assert_eq!((report.outcome, log.len()), (Outcome::Updated, 2), "{log:#?}");
        assert_eq!((log[1].status, log[1].header("range")), (206, Some("bytes=150-")));
        world.assert_up_to_date();
    }
}

#[test]
fn a_cut_pack_is_resumed_within_the_run() {
    let world = changed();
    world.server.on(pack(), Times::First(2), Action::CloseAfter(100));
    let (report, log) = world.updated();
    assert_eq!(log.len(), 4, "{log:#?}");
    assert_eq!(log[3].header("range"), Some("bytes=100-"));
    assert_changed(&world, &report);
}

#[test]
fn a_damaged_partial_pack_is_fetched_again_once() {
    let world = changed();
    world.server.on(pack(), Times::Once, Action::ResetAfter(150));
    world.server.on(Match::Nth(2), Times::Always, Action::Die);
    world.update().unwrap_err();
    let incoming = world.path("store/rockstor/incoming");
    for entry in fs::read_dir(incoming).unwrap() {
        let path = entry.unwrap().path();
        fs::write(&path, vec![b'x'; fs::read(&path).unwrap().len()]).unwrap();
    }
    world.server.reset();
    let (report, log) = world.updated();
    assert_eq!(log.len(), 3, "{log:#?}");
    assert_changed_with("was dropped", &world, &report);
}

#[test]
fn files_from_a_cut_pack_are_reused_without_it() {
    let world = World::packed("abcdefgh");
    for (name, seed) in ('a'..='h').zip(1..) {
        world.define(name, &noise(seed));
    }
    world.publish();
    let whole = bundle(&world);
    let cut = usize::try_from(whole.metadata().unwrap().len()).unwrap() - 1;
    world.server.on(pack(), Times::Once, Action::CloseAfter(cut));
    world.server.on(Match::Nth(2), Times::Always, Action::Die);
    world.update().unwrap_err();
    world.define('a', "2");
    world.publish();
    world.server.reset();
    // Without packs, each fetched file is a request.
    world.server.on(
        pack(),
        Times::Always,
        Action::Respond { status: 404, headers: vec![], body: vec![] },
    );
    let (report, log) = world.updated();
    let files = log.iter().filter(|exchange| exchange.path.starts_with("by-sha/")).count();
    assert!(files <= 3, "the manifest, and few files: {log:#?}");
    assert_eq!(report.added.len(), 8);
    world.server.reset();
    world.assert_up_to_date();
}

#[test]
fn a_missing_pack_comes_from_the_second_mirror() {
    let world = changed();
    let mirror = rockon_sync_tests::Server::serve(world.path("tree"));
    world.server.on(
        pack(),
        Times::Always,
        Action::Respond { status: 404, headers: vec![], body: vec![] },
    );
    let source = world.source().with_mirror(mirror.url().parse().unwrap());
    let store = world.store();
    let report = world.updater(&store).run(&source).unwrap();
    assert_eq!((report.requests, mirror.take_log().len()), (3, 1));
    world.server.reset();
    assert_changed_with("got 404; another mirror was used", &world, &report);
}

#[test]
fn renamed_ids_cost_no_file() {
    let world = World::packed("abcde");
    world.updated();
    let rows = "abcde".chars().map(|name| (format!("the {name}"), format!("{name}.json")));
    world.write_list(&rows.collect());
    world.publish();
    let (report, log) = world.updated();
    assert_eq!((report.added.len(), report.removed.len(), log.len()), (5, 5, 2), "{log:#?}");
    world.assert_up_to_date();
}

#[test]
fn a_check_fetches_only_the_manifest() {
    let world = changed();
    let store = world.store();
    let report = world.updater(&store).check(&world.source()).unwrap();
    assert_eq!((&*report.changed, report.requests), (&["a", "b", "c"].map(String::from)[..], 2));
    let (report, log) = world.updated();
    assert!(log.len() <= 2, "{log:#?}");
    assert_changed(&world, &report);
}

#[test]
fn the_bundle_contains_the_tree() {
    let world = World::packed("abc");
    let tree = world.path("tree");
    let head = fs::read(tree.join("root.sha")).unwrap();
    let archive = zstd::decode_all(fs::File::open(bundle(&world)).unwrap()).unwrap();
    let unpacked = world.path("unpacked");
    tar::Archive::new(&*archive).unpack(&unpacked).unwrap();
    fs::write(unpacked.join("root.sha"), &head).unwrap();
    crate::world::assert_same_files(
        &crate::world::published_files(&tree),
        &crate::world::files_of(&unpacked),
    );
    let root = fs::read(unpacked.join("root.json")).unwrap();
    assert!(head.starts_with(Digest::of(&root).to_string().as_bytes()));
}

#[test]
fn progress_counts_the_files_of_a_pack_once_it_is_unpacked() {
    let world = World::packed("abcde");
    let store = world.store();
    let mut seen: Vec<Progress> = Vec::new();
    let mut updater = world.updater(&store).progress(|progress| seen.push(progress.clone()));
    let report = updater.run(&world.source()).unwrap();
    drop(updater);
    assert_eq!((report.requests, report.added.len()), (2, 5));
    let files = |progress: &Progress| (progress.files_done, progress.files_total);
    let in_download = seen.iter().find(|progress| progress.phase == Phase::Fetching).unwrap();
    assert_eq!(files(in_download), (0, 0), "{seen:?}");
    let last = seen.last().unwrap();
    assert_eq!((files(last), Some(last.bytes_done)), ((5, 5), last.bytes_total), "{seen:?}");
}

/// Returns a world whose delta from the previous publication is in the head, after one change.
fn changed_in_head() -> World {
    let world = World::small("abcde", Packs::InHead);
    world.updated();
    change(&world);
    world.server.reset();
    world
}

/// Replaces the base and the Base64 of the delta in the head.
fn replace_delta(world: &World, replacement: impl Fn(&str, &str) -> String) {
    let path = world.path("tree/root.sha");
    let head = fs::read_to_string(&path).unwrap();
    let mut values = head.lines().filter_map(|line| line.strip_prefix("# delta "));
    let value = values.next().unwrap();
    let (base, base64) = value.split_once(' ').unwrap();
    fs::write(&path, head.replace(value, &replacement(base, base64))).unwrap();
}

#[test]
fn an_update_from_the_previous_publication_is_one_request() {
    let world = changed_in_head();
    let (report, log) = world.updated();
    assert_eq!((log.len(), report.requests), (1, 1), "{log:#?}");
    assert_changed(&world, &report);
}

#[test]
fn a_client_of_another_publication_ignores_the_delta_in_the_head() {
    let world = World::small("abcde", Packs::InHead);
    world.updated();
    for version in ["2", "3"] {
        world.define('b', version);
        world.publish();
    }
    let (report, log) = world.updated();
    assert!(!requested_pack(&log).starts_with("empty-"));
    assert_eq!((&*report.changed, log.len()), (&["b".to_owned()][..], 2));
    assert!(report.warnings.is_empty(), "{report:?}");
    world.assert_up_to_date();
}

#[test]
fn a_damaged_delta_in_the_head_is_dropped_and_the_pack_is_fetched() {
    let world = changed_in_head();
    replace_delta(&world, |base, base64| format!("{base} {}", "A".repeat(base64.len())));
    let (report, log) = world.updated();
    assert!(!requested_pack(&log).starts_with("empty-"));
    assert_eq!(log.len(), 2);
    assert_changed_with("was dropped", &world, &report);
}

#[test]
fn a_delta_in_the_head_of_another_size_than_the_pack_is_ignored() {
    let cut_off = |base: &str, base64: &str| format!("{base} {}", &base64[..40]);
    let one_byte = |base: &str, _: &str| format!("{base} AA==");
    for is_cut in [true, false] {
        let world = changed_in_head();
        match is_cut {
            true => replace_delta(&world, cut_off),
            false => replace_delta(&world, one_byte),
        }
        let (report, log) = world.updated();
        assert!(!requested_pack(&log).starts_with("empty-"));
        assert_eq!(log.len(), 2);
        assert_changed(&world, &report);
    }
}

#[test]
fn every_damaged_character_of_a_delta_in_the_head_is_noticed() {
    let world = changed_in_head();
    let head = fs::read_to_string(world.path("tree/root.sha")).unwrap();
    let start = head.find("# delta ").unwrap() + "# delta 0123456789ab ".len();
    let end = start + head[start..].find('\n').unwrap();
    let expected = world.updated().0.manifest;
    for at in (start..end).step_by(7) {
        let world = changed_in_head();
        let mut damaged = head.clone().into_bytes();
        damaged[at] = if damaged[at] == b'A' { b'B' } else { b'A' };
        fs::write(world.path("tree/root.sha"), damaged).unwrap();
        match world.update() {
            Ok(report) => assert_eq!(report.manifest, expected, "{at}"),
            // It is no Base64 any more.
            Err(error) => assert_eq!(error.kind(), ErrorKind::Head, "{at}: {error}"),
        }
    }
}

#[test]
fn a_delta_in_the_head_needs_no_pack_file() {
    let world = changed_in_head();
    let path = world.path("tree/root.sha");
    let head = fs::read_to_string(&path).unwrap();
    let lines = head.lines().filter(|line| !line.starts_with("# pack "));
    fs::write(&path, lines.flat_map(|line| [line, "\n"]).collect::<String>()).unwrap();
    let (report, log) = world.updated();
    assert_eq!(log.len(), 1);
    assert_changed(&world, &report);
}

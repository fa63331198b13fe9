//! Signed heads: what a source with trusted keys accepts.

use std::fs;
use std::path::Path;
use std::process::Command;

use rockon_sync::keys::{SigningKey, VerifierKey};
use rockon_sync::publish::PublishOutcome;
use rockon_sync::{Error, ErrorKind, Location, Mode, Outcome, Report, Source, Store};
use rockon_sync_tests::Server;

use crate::world::{World, assert_same_files, files_of, published_files};

/// Returns a key that is the same in every run.
fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed("example.org/rockons", [seed; 32]).unwrap()
}

fn verifier(seed: u8) -> VerifierKey {
    key(seed).verifier_key().clone()
}

/// Publishes the catalog, signed with the keys of these seeds.
fn publish(world: &World, seeds: &[u8]) -> PublishOutcome {
    let publisher = world.publisher();
    let publisher = seeds.iter().fold(publisher, |publisher, seed| publisher.sign_key(key(*seed)));
    publisher.unsigned().run().unwrap().outcome
}

/// Returns a world with these definitions, signed with the keys of these seeds.
fn signed(names: &str, seeds: &[u8]) -> World {
    let world = World::bare("tree");
    world.write_catalog(names);
    publish(&world, seeds);
    world
}

/// Updates from the world's server, trusting the keys of these seeds.
fn update(world: &World, seeds: &[u8]) -> Result<Report, Error> {
    let source = seeds.iter().fold(world.source(), |source, seed| source.trust(verifier(*seed)));
    world.updater(&world.store()).run(&source)
}

fn refused(world: &World, seeds: &[u8]) -> String {
    let before = world.current("").exists().then(|| files_of(&world.current("")));
    let remembered = remembered(world);
    let error = update(world, seeds).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Trust, "{error}");
    assert_eq!(error.kind().exit_code(), 4);
    // Neither the generation nor the keys have changed.
    assert_eq!(before, world.current("").exists().then(|| files_of(&world.current(""))));
    assert_eq!(remembered, self::remembered(world));
    error.to_string()
}

/// Returns the keys that the store remembers.
fn remembered(world: &World) -> Vec<VerifierKey> {
    world.store().source_status(&Default::default()).unwrap().trusted_keys
}

fn head(world: &World) -> String {
    fs::read_to_string(world.path("tree/root.sha")).unwrap()
}

fn set_head(world: &World, text: &str) {
    fs::write(world.path("tree/root.sha"), text).unwrap();
}

#[test]
fn the_keys_of_a_signed_source_are_remembered() {
    let world = signed("abc", &[1]);
    let report = update(&world, &[1]).unwrap();
    assert_eq!((report.outcome, report.added.len()), (Outcome::Updated, 3));
    assert!(report.warnings.is_empty(), "{:?}", report.warnings);
    world.assert_up_to_date();
    assert_eq!(remembered(&world), [verifier(1)]);
    let file = fs::read_to_string(world.path("store/rockstor/trusted-keys")).unwrap();
    assert!(file.ends_with(&format!("\n{}\n", verifier(1))), "{file}");
    // From here on without keys in the source, and at no extra request.
    world.assert_unchanged();
    world.define('a', "2");
    publish(&world, &[1]);
    assert_eq!(world.update().unwrap().changed, ["a"]);
}

#[test]
fn a_key_is_remembered_even_if_the_catalog_is_unchanged() {
    let world = signed("abc", &[1]);
    world.update().unwrap();
    assert_eq!(remembered(&world), [], "no key is trusted by default");
    let source = world.source().trust(verifier(1));
    let store = world.store();
    assert_eq!(world.updater(&store).check(&source).unwrap().outcome, Outcome::Unchanged);
    assert_eq!(remembered(&world), [], "a check changes nothing");
    assert_eq!(update(&world, &[1]).unwrap().outcome, Outcome::Unchanged);
    assert_eq!(remembered(&world), [verifier(1)]);
}

#[test]
fn a_head_signed_with_another_key_is_refused() {
    let world = signed("abc", &[2]);
    assert!(refused(&world, &[1]).contains("expected a signature by example.org/rockons+"));
    assert_eq!(remembered(&world), []);
    update(&world, &[2]).unwrap();
    world.define('a', "2");
    publish(&world, &[1]);
    refused(&world, &[]);
    // A new key is trusted only after a head was signed with it.
    refused(&world, &[3]);
    assert_eq!(remembered(&world), [verifier(2)]);
}

#[test]
fn an_unsigned_head_is_refused_if_keys_are_given_or_remembered() {
    let world = signed("abc", &[]);
    assert!(refused(&world, &[1]).contains("not a signed note: no signature"));
    assert_eq!(world.update().unwrap().outcome, Outcome::Updated, "no signature is required");
    refused(&world, &[1]);

    let world = signed("abc", &[1]);
    update(&world, &[1]).unwrap();
    world.define('a', "2");
    publish(&world, &[]);
    refused(&world, &[]);
    // Neither the status nor the generation is needed to refuse it.
    fs::remove_file(world.path("store/rockstor/status.json")).unwrap();
    fs::remove_dir_all(world.path("store/rockstor/gen")).unwrap();
    refused(&world, &[]);
    // The way out: remove the source.
    fs::remove_dir_all(world.path("store/rockstor")).unwrap();
    assert_eq!(world.update().unwrap().outcome, Outcome::Updated);
}

#[test]
fn a_damaged_key_list_is_an_error() {
    let world = signed("abc", &[1]);
    update(&world, &[1]).unwrap();
    let file = world.path("store/rockstor/trusted-keys");
    let good = fs::read_to_string(&file).unwrap();
    for damaged in ["", "# nothing\n", &good[..good.len() - 2], "\u{0}\n"] {
        fs::write(&file, damaged).unwrap();
        let error = world.update().unwrap_err();
        assert_eq!((error.kind(), error.path()), (ErrorKind::Trust, Some(&*file)), "{damaged:?}");
        let status = world.store().status().unwrap();
        let error = status[0].error.as_ref().unwrap();
        assert_eq!((error.kind, &status[0].current), (ErrorKind::Trust, &None), "{damaged:?}");
        assert!(error.message.contains("trusted-keys"), "{error:?}");
    }
    fs::write(&file, good).unwrap();
    world.assert_unchanged();
}

#[test]
fn keys_are_rotated_by_signing_with_both() {
    let world = signed("abc", &[1]);
    update(&world, &[1]).unwrap();
    assert_eq!(publish(&world, &[1, 2]), PublishOutcome::Published);
    assert_eq!(update(&world, &[]).unwrap().outcome, Outcome::Updated);
    assert_eq!(remembered(&world), [verifier(1)]);
    update(&world, &[2]).unwrap();
    assert_eq!(remembered(&world), [verifier(2)]);
    assert_eq!(publish(&world, &[2]), PublishOutcome::Published);
    assert_eq!(update(&world, &[]).unwrap().outcome, Outcome::Updated);
    world.assert_unchanged();
    world.assert_up_to_date();
    // The old key is no longer trusted.
    world.define('a', "2");
    publish(&world, &[1]);
    refused(&world, &[]);

    // A client that missed the rotation needs the new key in its source.
    let late = signed("abc", &[1]);
    update(&late, &[1]).unwrap();
    publish(&late, &[2]);
    refused(&late, &[]);
    update(&late, &[2]).unwrap();
    assert_eq!(remembered(&late), [verifier(2)]);
}

#[test]
fn tampered_heads_are_refused() {
    let world = signed("abc", &[1]);
    update(&world, &[1]).unwrap();
    world.define('a', "2");
    publish(&world, &[1]);
    let good = head(&world);
    let (text, signature) = good.split_once("\n\n").unwrap();
    let (before, after) = signature.split_at(signature.len() - 10);
    for (tampered, problem) in [
        (good.replace("# serial 2", "# serial 3"), "is invalid"),
        (good.replacen("# size", "# size-", 1), "is invalid"),
        (format!("{good}# serial 9\n"), "malformed"),
        (format!("{text}\n# extra x\n\n{signature}"), "is invalid"),
        (format!("{text}\n\n{}A{}", before, &after[1..]), "is invalid"),
        (format!("{text}\n"), "no signature"),
        (format!("{text}\n\n"), "no signature"),
        (good.replace('\n', "\r\n"), ""),
        (format!("{text}\n\nnot what it was\n\n{signature}"), "is invalid"),
    ] {
        set_head(&world, &tampered);
        if problem.is_empty() {
            assert_eq!(update(&world, &[]).unwrap_err().kind(), ErrorKind::Head);
        } else {
            let message = refused(&world, &[]);
            assert!(message.contains(problem), "{problem}: {message}");
        }
    }
    set_head(&world, &good);
    assert_eq!(update(&world, &[]).unwrap().changed, ["a"]);
}

#[test]
fn signatures_by_unknown_keys_are_ignored() {
    let world = signed("abc", &[1, 2, 3]);
    update(&world, &[3]).unwrap();
    // A line added by a witness, with an unknown algorithm.
    let witness = "\u{2014} witness.example AAAAAAAAAAAA\n";
    set_head(&world, &format!("{}{witness}", head(&world)));
    let report = update(&world, &[]).unwrap();
    assert_eq!((report.outcome, report.requests), (Outcome::Updated, 1), "the same text");
    world.assert_up_to_date();
}

#[test]
fn a_mirror_with_a_bad_signature_is_skipped_for_a_good_one() {
    let world = signed("abc", &[1]);
    let bad = world.path("bad");
    fs::create_dir(&bad).unwrap();
    let server = Server::serve(&bad);
    let source = format!("{}nowhere/", server.url()).parse::<Source>().unwrap();
    let source = source
        .with_mirror(server.url().parse().unwrap())
        .with_mirror(world.server.url().parse().unwrap())
        .trust(verifier(1));
    for (what, forged) in [
        ("tampered", head(&world).replace("# serial 1", "# serial 9")),
        ("stripped", head(&world).split_once("\n\n").unwrap().0.to_owned()),
        ("page", "<!DOCTYPE html>".to_owned()),
    ] {
        fs::write(bad.join("root.sha"), forged).unwrap();
        let store = Store::new(world.path(what));
        let report = world.updater(&store).run(&source).unwrap();
        assert_eq!((report.outcome, report.added.len()), (Outcome::Updated, 3));
        // The 404 of the first mirror does not bypass the signature either.
        assert!(report.warnings.iter().any(|w| w.contains("nowhere")), "{:?}", report.warnings);
    }
}

#[test]
fn a_source_with_keys_never_falls_back_to_v1() {
    let world = World::v1("abc");
    let message = refused(&world, &[1]);
    assert!(message.contains("a source with trusted keys must have one"), "{message}");
    let asked: Vec<String> = world.server.take_log().into_iter().map(|seen| seen.path).collect();
    assert_eq!(asked, ["root.sha", "root.v2.sha"]);
}

#[test]
fn a_relay_keeps_the_signature() {
    let world = signed("abc", &[1]);
    world.publisher().sign_key(key(1)).in_place().run().unwrap();
    for tree in ["tree", "catalog/root.v2.sha"] {
        let stores = tempfile::tempdir().unwrap();
        let first = Store::new(stores.path().join("first"));
        let follow =
            |path: &Path| Source::new(Default::default(), Location::dir(path)).trust(verifier(1));
        world.updater(&first).run(&follow(&world.path(tree))).unwrap();
        let current = stores.path().join("first/rockstor/current");
        let second = Store::new(stores.path().join("second"));
        world.updater(&second).run(&follow(&current)).unwrap();
        let relayed = stores.path().join("second/rockstor/current");
        assert_same_files(&files_of(&current), &files_of(&relayed));
        if tree == "tree" {
            assert_same_files(&published_files(&world.path(tree)), &files_of(&relayed));
        }
    }
}

#[test]
fn sha256sum_checks_a_signed_tree() {
    let world = signed("abc", &[1, 2]);
    let output = Command::new("sha256sum")
        .args(["-c", "root.sha"])
        .current_dir(world.path("tree"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "root.json: OK\n");
}

#[test]
fn a_head_without_its_signature_is_found_by_verify_and_healed_by_an_update() {
    let world = signed("abc", &[1]);
    update(&world, &[1]).unwrap();
    let path = world.current("root.sha").canonicalize().unwrap();
    let stripped = head(&world).split_once("\n\n").unwrap().0.to_owned() + "\n";
    let mut permissions = fs::metadata(&path).unwrap().permissions();
    std::os::unix::fs::PermissionsExt::set_mode(&mut permissions, 0o644);
    fs::set_permissions(&path, permissions).unwrap();
    fs::write(&path, stripped).unwrap();
    let found = world.store().verify().unwrap();
    assert_eq!(found[0].damaged, [path]);
    let store = world.store();
    let report = world.updater(&store).mode(Mode::Verify).run(&world.source()).unwrap();
    assert_eq!(report.outcome, Outcome::Updated);
    assert!(world.store().verify().unwrap()[0].is_intact());
    world.assert_up_to_date();
}

#[test]
fn a_key_is_remembered_even_if_only_the_time_of_a_file_has_changed() {
    let world = signed("a", &[1]);
    update(&world, &[]).unwrap();
    assert_eq!(remembered(&world), []);
    let file = fs::File::open(world.current("a.json")).unwrap();
    file.set_modified(std::time::UNIX_EPOCH).unwrap();
    assert_eq!(update(&world, &[1]).unwrap().outcome, Outcome::Unchanged);
    assert_eq!(remembered(&world), [verifier(1)]);
}

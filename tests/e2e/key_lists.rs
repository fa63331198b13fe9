//! Key lists: what clients follow, and what a thief of a key can do. Modeled on the cases of TUF's
//! conformance suite.

mod lists;

use std::fs;
use std::path::{Path, PathBuf};

use rockon_sync::publish::PublishOutcome;
use rockon_sync::{ErrorKind, Location, Mode, Outcome, Rollback, Source, Store};
use rockon_sync_tests::Server;

use crate::world::{World, assert_same_files, files_of, published_files};
use lists::{FIRST, Lists, Roles, copy_tree, key, public, signed_list};

#[test]
fn clients_of_a_single_key_follow_the_lists_by_themselves() {
    let lists = Lists::none();
    assert_eq!(lists.known_version(), None);
    lists.publish("x", Some(&signed_list(1, FIRST, "x a b"))).unwrap();
    lists.asked();
    lists.update("").unwrap();
    assert_eq!(lists.asked(), ["root.sha", "keys/1"]);
    assert_eq!(lists.known_version(), Some(1));
    assert_eq!(lists.status().trusted_keys, [public("x")]);
    lists.world.assert_up_to_date();
    // Neither an unchanged catalog nor a changed one costs another request.
    lists.world.assert_unchanged();
    lists.change("2", "x");
    lists.asked();
    assert_eq!(lists.update("").unwrap().changed, ["a"]);
    assert!(!lists.asked().iter().any(|path| path.starts_with("keys")));

    let second = Roles { head: "1 y", ..FIRST };
    lists.publish("y", Some(&signed_list(2, second, "b c"))).unwrap();
    assert_eq!(lists.update("").unwrap().outcome, Outcome::Updated);
    assert_eq!(lists.known_version(), Some(2));
    lists.world.assert_up_to_date();
    assert!(lists.world.store().verify().unwrap()[0].is_intact());
    lists.change("3", "y");
    assert_eq!(lists.update("").unwrap().changed, ["a"]);
}

#[test]
fn the_same_given_keys_do_not_take_back_the_lists() {
    let lists = Lists::first();
    lists.publish("y", Some(&signed_list(2, Roles { head: "1 y", ..FIRST }, "a b"))).unwrap();
    lists.update("x").unwrap();
    lists.asked();
    assert_eq!(lists.update("x").unwrap().outcome, Outcome::Unchanged);
    assert_eq!(lists.asked(), ["root.sha"]);
    assert_eq!(lists.known_version(), Some(2));
}

#[test]
fn a_client_without_keys_asks_for_no_list() {
    let lists = Lists::first();
    let store = Store::new(lists.world.path("other"));
    lists.asked();
    lists.world.updater(&store).run(&lists.world.source()).unwrap();
    assert!(!lists.asked().iter().any(|path| path.starts_with("keys")));
    // When it gets a key, it gets the lists, although the head is the same.
    let source = lists.world.source().trust(public("x"));
    lists.world.updater(&store).run(&source).unwrap();
    assert_eq!(lists.asked(), ["root.sha", "keys/1"]);
    let current = files_of(&lists.world.path("other/rockstor/current"));
    assert_same_files(&published_files(&lists.world.path("tree")), &current);
}

#[test]
fn a_machine_that_slept_follows_every_list_in_order() {
    let lists = Lists::first();
    for version in 2..=11 {
        // The root keys move on, too: no key of the first list is in the last one.
        let root = format!("1 r{version}");
        let signers = match version {
            2 => "a b r2".to_owned(),
            _ => format!("r{} r{version}", version - 1),
        };
        let head = format!("1 h{version}");
        let list = signed_list(version, Roles { root: &root, head: &head }, &signers);
        lists.publish(&format!("h{version}"), Some(&list)).unwrap();
    }
    lists.asked();
    lists.update("").unwrap();
    let expected: Vec<String> = (2..=11).map(|version| format!("keys/{version}")).collect();
    assert_eq!(lists.asked()[1..11], expected);
    assert_eq!(lists.known_version(), Some(11));
    lists.world.assert_up_to_date();
}

#[test]
fn a_machine_follows_at_most_64_lists_and_starts_again_with_a_new_root_key() {
    let lists = Lists::first();
    let roles = Roles { root: "1 r", head: "1 x" };
    lists.put_list(2, &signed_list(2, roles, "a b r"));
    for version in 3..=66 {
        lists.put_list(version, &signed_list(version, roles, "r"));
    }
    lists.forge("x", &[("# serial 2", "# serial 3"), ("# keys 1", "# keys 66")]);
    assert!(lists.refused().contains("expected at most 64 new lists"), "{}", lists.refused());
    lists.asked();
    lists.update("r").unwrap();
    assert_eq!(lists.asked()[1], "keys/66", "a root key leads to the newest list at once");
    assert_eq!(lists.known_version(), Some(66));
    lists.forge("x", &[("# serial 3", "# serial 4"), ("# keys 66", "# keys 65")]);
    assert!(lists.refused().contains("names key list 65, and the newest one known is 66"));
}

#[test]
fn a_new_machine_begins_with_any_current_root_key_or_an_old_key() {
    let lists = Lists::first();
    let second = Roles { root: "2 b c d", head: "1 y" };
    lists.publish("y", Some(&signed_list(2, second, "b c d"))).unwrap();
    for (trusted, expected) in [("d", Ok(())), ("x", Ok(())), ("y", Err(())), ("z", Err(()))] {
        let store = Store::new(lists.world.path(trusted));
        let source = lists.world.source().trust(public(trusted));
        let result = lists.world.updater(&store).run(&source);
        assert_eq!(result.as_ref().map(drop).map_err(drop), expected, "{trusted}: {result:?}");
        if let Err(error) = result {
            assert!(
                error.to_string().contains("not signed by enough of the given keys"),
                "{error}"
            );
        }
    }
}

#[test]
fn a_thief_of_the_head_key_publishes_until_the_next_list_and_leaves_no_huge_serial() {
    let lists = Lists::first();
    lists.forge("x", &[("# serial 2", "# serial 18446744073709551615")]);
    assert_eq!(lists.update("").unwrap().outcome, Outcome::Updated, "the thief can publish");
    lists.forge("x", &[("# serial 18446744073709551615", "# serial 3")]);
    assert_eq!(lists.update("").unwrap().outcome, Outcome::Stale, "and lock out the publisher");
    // The key is replaced. The serial of the publisher counts again.
    lists.publish("y", Some(&signed_list(2, Roles { head: "1 y", ..FIRST }, "a c"))).unwrap();
    let report = lists.update("").unwrap();
    assert_eq!(report.outcome, Outcome::Updated, "{report:?}");
    // And protects again.
    let old = fs::read(lists.world.path("tree/root.sha")).unwrap();
    lists.change("2", "y");
    lists.update("").unwrap();
    fs::write(lists.world.path("tree/root.sha"), old).unwrap();
    assert_eq!(lists.update("").unwrap().outcome, Outcome::Stale);
    // The thief is out, with the old list and with the new one.
    lists.forge("x", &[("# keys 2", "# keys 1")]);
    assert!(lists.refused().contains("names key list 1, and the newest one known is 2"));
    lists.forge("x", &[("# keys 1", "# keys 2")]);
    assert!(lists.refused().contains("expected 1 of example.org/y"), "{}", lists.refused());
}

#[test]
fn a_list_that_keeps_all_head_keys_keeps_the_floor_of_serials() {
    let lists = Lists::first();
    lists.change("2", "x");
    lists.update("").unwrap();
    lists.put_list(2, &signed_list(2, Roles { head: "1 x y", ..FIRST }, "a b"));
    lists.forge("x", &[("# serial 3", "# serial 2"), ("# keys 1", "# keys 2")]);
    assert_eq!(lists.update("").unwrap().outcome, Outcome::Stale);
    assert_eq!(lists.known_version(), Some(1));
}

#[test]
fn a_thief_of_too_few_root_keys_can_do_nothing() {
    for signers in ["a", "a a", "a x", "a t u"] {
        let lists = Lists::first();
        let theirs = Roles { root: "1 u a", head: "1 t" };
        lists.put_list(2, &signed_list(2, theirs, signers));
        lists.forge("t", &[("# serial 2", "# serial 3"), ("# keys 1", "# keys 2")]);
        let message = lists.refused();
        assert!(message.contains("not signed by enough of the root keys of list 1"), "{message}");
    }
}

#[test]
fn a_thief_of_enough_root_keys_is_the_publisher_until_keys_are_given_by_hand() {
    let lists = Lists::first();
    let original = files_of(&lists.world.path("tree"));
    let theirs = Roles { root: "1 t", head: "1 u" };
    lists.put_list(2, &signed_list(2, theirs, "a b t"));
    lists.forge("u", &[("# serial 2", "# serial 9"), ("# keys 1", "# keys 2")]);
    assert_eq!(lists.update("").unwrap().outcome, Outcome::Updated);
    // The publisher starts over, with other keys.
    for (path, bytes) in original {
        fs::write(lists.world.path("tree").join(path), bytes).unwrap();
    }
    lists.put_list(2, &signed_list(2, Roles { root: "1 s", head: "1 y" }, "a b s"));
    lists.forge("y", &[("# serial 2", "# serial 3"), ("# keys 1", "# keys 2")]);
    lists.refused();
    assert_eq!(
        lists.update("s").unwrap().outcome,
        Outcome::Stale,
        "the serial of the thief counts"
    );
    let store = lists.world.store();
    let source = lists.world.source().trust(public("s"));
    let mut updater = lists.world.updater(&store).rollback(Rollback::Allow);
    assert_eq!(updater.run(&source).unwrap().outcome, Outcome::Updated);
    assert_eq!(lists.status().trusted_keys, [public("s")]);
}

#[test]
fn a_head_needs_as_many_distinct_keys_as_its_list_says() {
    let lists = Lists::first();
    let two = Roles { head: "2 x y z", ..FIRST };
    let error = lists.publish("x", Some(&signed_list(2, two, "a b"))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Trust);
    assert!(error.to_string().contains("requires 2 of the head keys"), "{error}");
    lists.publish("x z", Some(&signed_list(2, two, "a b"))).unwrap();
    lists.update("").unwrap();
    lists.forge("y", &[("# serial 3", "# serial 4")]);
    assert!(lists.refused().contains("got only example.org/y"));
    // The same signature twice.
    let path = lists.world.path("tree/root.sha");
    let head = fs::read_to_string(&path).unwrap();
    let line = head.lines().last().unwrap().to_owned();
    fs::write(path, format!("{head}{line}\n")).unwrap();
    assert!(lists.refused().contains("got only example.org/y"));
    lists.forge("y z a", &[]);
    assert_eq!(lists.update("").unwrap().outcome, Outcome::Updated);
}

#[test]
fn every_mirror_is_asked_for_a_list_and_a_forged_one_is_skipped() {
    let lists = Lists::first();
    lists.publish("y", Some(&signed_list(2, Roles { head: "1 y", ..FIRST }, "a b"))).unwrap();
    let forged = signed_list(2, Roles { root: "1 t", head: "1 u" }, "t");
    for (label, list) in [
        ("missing", None),
        ("forged", Some(forged)),
        ("skips a version", Some(signed_list(3, FIRST, "a b"))),
        ("too large", Some("x".repeat(20_000))),
        ("an old one", Some(signed_list(1, FIRST, "x a b"))),
    ] {
        let mirror = tempfile::tempdir().unwrap();
        copy_tree(&lists, mirror.path());
        match &list {
            None => fs::remove_file(mirror.path().join("keys/2")).unwrap(),
            Some(list) => fs::write(mirror.path().join("keys/2"), list).unwrap(),
        }
        let server = Server::serve(mirror.path());
        let before = lists.trusted_file();
        // Alone, it leads nowhere.
        let error = lists.update_from(server.url().parse().unwrap(), "").unwrap_err();
        assert!(error.url().is_some_and(|url| url.ends_with("keys/2")), "{label}: {error}");
        assert_eq!(lists.trusted_file(), before, "{label}");
        // With another mirror it does, which has the list, although it may not be asked for a head.
        let source: Source = server.url().parse().unwrap();
        let source = source.with_mirror(lists.world.server.url().parse().unwrap());
        let store = Store::new(lists.world.path(label));
        let report = lists.world.updater(&store).run(&source.trust(public("x"))).unwrap();
        assert_eq!(report.outcome, Outcome::Updated, "{label}");
        assert!(!report.warnings.is_empty(), "{label}");
    }
}

#[test]
fn heads_of_several_lists_are_not_mixed() {
    let lists = Lists::first();
    let old = tempfile::tempdir().unwrap();
    copy_tree(&lists, old.path());
    lists.publish("y", Some(&signed_list(2, Roles { head: "1 y", ..FIRST }, "a b"))).unwrap();
    // The newer mirror has lost its files, after its head has led to list 2.
    fs::remove_dir_all(lists.world.path("tree/by-sha")).unwrap();
    fs::remove_dir_all(lists.world.path("tree/packs")).unwrap();
    fs::remove_file(lists.world.path("tree/a.json")).unwrap();
    let source = lists.world.source().with_mirror(Location::dir(old.path()));
    let store = Store::new(lists.world.path("other"));
    let result = lists.world.updater(&store).run(&source.trust(public("x")));
    let current = lists.world.path("other/rockstor/current/root.sha");
    let head = fs::read_to_string(current).unwrap_or_default();
    assert!(!head.contains("# keys 1\n"), "{result:?}");
}

#[test]
fn the_remembered_list_is_never_lost_by_damage() {
    let lists = Lists::first();
    let path = lists.world.path("store/rockstor/trusted-keys");
    let whole = lists.trusted_file();
    for damaged in [
        whole.replace("# version 1", "# version 2"),
        whole.replace("# root 2", "# root 1"),
        whole[..whole.find("rockon-sync keys").unwrap()].to_owned(),
        whole.lines().filter(|line| !line.starts_with("# sha256")).collect::<Vec<_>>().join("\n"),
        String::new(),
    ] {
        fs::write(&path, &damaged).unwrap();
        let error = lists.update("x").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Trust, "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), damaged, "it is not replaced");
        assert_eq!(lists.world.store().verify().unwrap_err().kind(), ErrorKind::Trust);
    }
    fs::write(&path, whole).unwrap();
    assert_eq!(lists.update("x").unwrap().outcome, Outcome::Unchanged);
}

#[test]
fn allowing_a_rollback_does_not_allow_an_older_list() {
    let lists = Lists::first();
    let old = fs::read(lists.world.path("tree/root.sha")).unwrap();
    lists.publish("x y", Some(&signed_list(2, Roles { head: "1 x y", ..FIRST }, "a b"))).unwrap();
    lists.update("").unwrap();
    fs::write(lists.world.path("tree/root.sha"), old).unwrap();
    let store = lists.world.store();
    let mut updater = lists.world.updater(&store).rollback(Rollback::Allow);
    let error = updater.run(&lists.world.source()).unwrap_err();
    assert!(error.to_string().contains("names key list 1"), "{error}");
}

#[test]
fn a_store_serves_its_lists_to_clients_with_keys() {
    let lists = Lists::first();
    lists.publish("y", Some(&signed_list(2, Roles { head: "1 y", ..FIRST }, "a b"))).unwrap();
    lists.update("").unwrap();
    let server = Server::serve(lists.world.path("store/rockstor/current"));
    let store = Store::new(lists.world.path("other"));
    let source = server.url().parse::<Source>().unwrap().trust(public("x"));
    lists.world.updater(&store).run(&source).unwrap();
    let current = |store: &str| files_of(&lists.world.path(&format!("{store}/rockstor/current")));
    assert_same_files(&current("store"), &current("other"));
    assert!(current("other").contains_key("keys/1"));
}

#[test]
fn a_damaged_list_of_a_generation_is_found_and_healed() {
    let lists = Lists::first();
    let path = lists.world.current("keys/1").canonicalize().unwrap();
    fs::remove_file(&path).unwrap();
    fs::write(&path, "damaged").unwrap();
    assert_eq!(lists.world.store().verify().unwrap()[0].damaged, [path]);
    let store = lists.world.store();
    lists.world.updater(&store).mode(Mode::Verify).run(&lists.world.source()).unwrap();
    assert!(store.verify().unwrap()[0].is_intact());
    lists.world.assert_up_to_date();
}

#[test]
fn verify_says_why_a_head_is_not_trusted() {
    let lists = Lists::first();
    let path = lists.world.current("root.sha").canonicalize().unwrap();
    let head = fs::read_to_string(&path).unwrap();
    fs::remove_file(&path).unwrap();
    fs::write(
        &path,
        head.split_inclusive('\n').filter(|line| !line.starts_with('—')).collect::<String>(),
    )
    .unwrap();
    let found = &lists.world.store().verify().unwrap()[0];
    assert!(found.damaged.contains(&path), "{found:?}");
    let reason = found.untrusted.as_deref().unwrap();
    assert!(reason.contains("example.org/x"), "{reason}");
}

/// Returns the bundle of a published tree.
fn bundle(tree: &Path) -> PathBuf {
    let packs = fs::read_dir(tree.join("packs")).unwrap().map(|entry| entry.unwrap().path());
    let mut bundles =
        packs.filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with("empty-"));
    bundles.next().unwrap()
}

#[test]
fn an_import_follows_the_lists_beside_the_bundle() {
    let lists = Lists::first();
    let store = Store::new(lists.world.path("imported"));
    let mut updater = lists.world.updater(&store);
    let keys = [public("x")];
    let name = Default::default();
    let path = bundle(&lists.world.path("tree"));
    assert_eq!(updater.import(&name, &path, &keys).unwrap().outcome, Outcome::Updated);
    let imported = files_of(&lists.world.path("imported/rockstor/current"));
    assert_same_files(&published_files(&lists.world.path("tree")), &imported);
    fs::remove_file(lists.world.path("tree/keys/1")).unwrap();
    let store = Store::new(lists.world.path("without"));
    let error = lists.world.updater(&store).import(&name, &path, &keys).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Trust);
    assert!(error.to_string().contains("expected a key list beside the bundle"), "{error}");
    assert!(error.path().is_some_and(|path| path.ends_with("keys/1")), "{error}");
}

#[test]
fn a_publisher_accepts_only_the_next_list() {
    let lists = Lists::none();
    let refused = |signers: &str, list: &str, expected: &str| {
        let before = files_of(&lists.world.path("tree"));
        let error = lists.publish(signers, Some(list)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Trust, "{error}");
        assert!(error.to_string().contains(expected), "{expected}: {error}");
        assert_same_files(&before, &files_of(&lists.world.path("tree")));
    };
    refused("x", &signed_list(2, FIRST, "x a b"), "expected key list 1 as the first one, got 2");
    refused("x", &signed_list(1, FIRST, "x a"), "not signed by enough of its own root keys");
    refused("x", &signed_list(1, FIRST, "a b"), "no key that has signed the published head");
    let other = Roles { head: "1 y", ..FIRST };
    refused("x", &signed_list(1, other, "x a b"), "requires 1 of the head keys example.org/y");
    let first = signed_list(1, FIRST, "x a b");
    assert_eq!(lists.publish("x", Some(&first)).unwrap().outcome, PublishOutcome::Published);
    let report = lists.publish("x", Some(&first)).unwrap();
    assert_eq!(report.outcome, PublishOutcome::Unchanged, "the same list again");
    refused("x", &signed_list(1, other, "x a b"), "another key list 1 is published already");
    refused("x", &signed_list(3, FIRST, "a b"), "after version 1, got version 3");
    refused("y", &signed_list(2, other, "a"), "not signed by enough of the root keys of list 1");
    let error = lists.publish("y", None).unwrap_err();
    assert!(error.to_string().contains("requires 1 of the head keys example.org/x"), "{error}");
    let error = lists.world.publisher().unsigned().run().unwrap_err();
    assert!(error.to_string().contains("requires 1 of the head keys"), "{error}");
    // The list is part of what every head needs.
    fs::remove_file(lists.world.path("tree/keys/1")).unwrap();
    let error = lists.publish("x", None).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert_eq!(lists.publish("x", Some(&first)).unwrap().outcome, PublishOutcome::Published);
    // A lost head does not take the list with it.
    fs::remove_file(lists.world.path("tree/root.sha")).unwrap();
    lists.publish("x", None).unwrap();
    let head = fs::read_to_string(lists.world.path("tree/root.sha")).unwrap();
    assert!(head.contains("\n# keys 1\n"), "{head}");
}

#[test]
fn a_publisher_with_an_empty_disk_continues_the_lists_and_replaces_its_key() {
    let lists = Lists::first();
    let previous = Location::dir(lists.world.path("served"));
    fs::rename(lists.world.path("tree"), lists.world.path("served")).unwrap();
    let publisher =
        |signer: &str| lists.world.publisher().previous(previous.clone()).sign_key(key(signer));
    publisher("x").run().unwrap();
    let tree = lists.world.path("tree");
    assert_same_files(&files_of(&lists.world.path("served")), &files_of(&tree));
    fs::remove_dir_all(&tree).unwrap();
    let error = publisher("y").run().unwrap_err();
    assert!(error.to_string().contains("someone else publishes this tree"), "{error}");
    // The list says that the new key may replace the one of the previous head.
    let second = signed_list(2, Roles { head: "1 y", ..FIRST }, "a b");
    fs::write(lists.list_file(), second).unwrap();
    publisher("y").key_list(lists.list_file()).run().unwrap();
    assert!(tree.join("keys/1").is_file() && tree.join("keys/2").is_file());
    // Not if the previous tree has lists of somebody else.
    fs::remove_dir_all(&tree).unwrap();
    let theirs = signed_list(1, Roles { root: "1 t a b", head: "1 u" }, "t");
    fs::write(lists.world.path("served/keys/1"), theirs).unwrap();
    let error = publisher("y").key_list(lists.list_file()).run().unwrap_err();
    assert!(error.to_string().contains("not signed by enough of the given keys"), "{error}");
}

#[test]
fn a_tree_in_place_has_lists_too() {
    let world = World::bare("catalog");
    world.write_catalog("abc");
    let file = world.path("list");
    fs::write(&file, signed_list(1, FIRST, "a b")).unwrap();
    let publisher = || world.publisher().in_place().sign_key(key("x"));
    publisher().key_list(&file).run().unwrap();
    assert_eq!(publisher().run().unwrap().outcome, PublishOutcome::Unchanged);
    let source = world.source().trust(public("a"));
    assert_eq!(world.updater(&world.store()).run(&source).unwrap().added.len(), 3);
    let status = world.store().source_status(&Default::default()).unwrap();
    assert_eq!(status.key_list.unwrap().version(), 1);
}

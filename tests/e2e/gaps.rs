//! Unknown parts of the catalog: a name that may be in one of them is withheld, not deleted.

use std::collections::BTreeMap;
use std::fs;

use rockon_sync::{Catalog, Changes, Digest, Outcome, Source, Store, Updater};

use crate::world::{World, definition};

/// Asserts that nothing is deleted and that every reason contains one of the texts.
fn assert_withheld(changes: &Changes<'_>, names: &[&str], reasons: &[&str]) {
    assert_eq!(changes.deletes, [""; 0], "{changes:?}");
    assert_eq!(changes.withheld, names, "{changes:?}");
    assert_eq!(changes.reasons.len(), reasons.len(), "{:?}", changes.reasons);
    for (found, expected) in changes.reasons.iter().zip(reasons) {
        assert!(found.contains(expected), "{expected}: {found}");
    }
}

/// Returns the problems of a catalog, one line each.
fn problems(catalog: &Catalog) -> Vec<String> {
    catalog.problems().iter().map(|problem| problem.to_chain()).collect()
}

/// Replaces the published manifest, and writes a head for it.
fn write_manifest(world: &World, manifest: &str) {
    fs::write(world.path("tree/root.json"), manifest).unwrap();
    let head = format!("{}  root.json\n", Digest::of(manifest.as_bytes()));
    fs::write(world.path("tree/root.sha"), head).unwrap();
}

#[test]
fn a_store_without_sources_deletes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let catalog = Store::new(dir.path()).catalog().unwrap();
    let changes = catalog.changes_since([("App a", "1")]);
    assert_withheld(&changes, &["App a"], &["the store has no source yet"]);
}

#[test]
fn an_empty_source_deletes_nothing() {
    let world = World::v2("a");
    // A file that is not a definition, in the manifest of another publisher.
    fs::write(world.path("tree/notes.txt"), "notes").unwrap();
    let row = format!("{{\"url\":\"notes.txt\",\"sha\":\"{}\"}}", Digest::of(b"notes"));
    write_manifest(&world, &format!("{{\"notes\":{row}}}\n"));
    assert_eq!(world.update().unwrap().outcome, Outcome::Updated);
    let catalog = world.store().catalog().unwrap();
    let changes = catalog.changes_since([("App b", "1"), ("App a", "1")]);
    assert_withheld(&changes, &["App a", "App b"], &["source rockstor is empty"]);
}

#[test]
fn an_unreadable_source_deletes_nothing_and_is_a_problem() {
    let world = World::v2("a");
    world.updated();
    let current = world.path("store/rockstor/current");
    fs::remove_file(&current).unwrap();
    std::os::unix::fs::symlink("elsewhere", &current).unwrap();
    let catalog = world.store().catalog().unwrap();
    let changes = catalog.changes_since([("App a", "1")]);
    assert_withheld(&changes, &["App a"], &["source rockstor cannot be read"]);
    let [problem] = &problems(&catalog)[..] else { panic!("{:?}", problems(&catalog)) };
    assert!(problem.contains("expected a link to gen/<number>"), "{problem}");
}

#[test]
fn an_unreadable_priority_deletes_nothing_and_is_a_problem() {
    let worlds = [World::v2("a"), World::v2("b")];
    let store = worlds[0].store();
    let sources = ["one", "two"].map(|name| name.parse().unwrap());
    for (name, world) in sources.iter().cloned().zip(&worlds) {
        let location = world.server.url().parse().unwrap();
        Updater::new(&store).run(&Source::new(name, location)).unwrap();
    }
    let status = worlds[0].path("store/one/status.json");
    fs::remove_file(&status).unwrap();
    fs::create_dir(&status).unwrap();
    let catalog = store.catalog().unwrap();
    assert_eq!(catalog.definitions().len(), 2);
    let changes = catalog.changes_since([("App x", "1")]);
    assert_withheld(&changes, &["App x"], &["cannot read the priority of source one"]);
    let [problem] = &problems(&catalog)[..] else { panic!("{:?}", problems(&catalog)) };
    assert!(problem.contains("one/status.json"), "{problem}");
    // With one source there is no order, so nothing is unknown.
    fs::remove_dir_all(worlds[0].path("store/two")).unwrap();
    let catalog = store.catalog().unwrap();
    assert_eq!(problems(&catalog), [""; 0]);
    assert_eq!(catalog.changes_since([("App x", "1")]).deletes, ["App x"]);
}

#[test]
fn an_entry_that_was_not_fetched_is_named_in_the_reasons() {
    let world = World::v2("ab");
    fs::remove_dir_all(world.path("tree/by-sha")).unwrap();
    fs::remove_file(world.path("tree/b.json")).unwrap();
    assert_eq!(world.update().unwrap().outcome, Outcome::Partial);
    let catalog = world.store().catalog().unwrap();
    let changes = catalog.changes_since([("App b", "1")]);
    let reason = "\"App b\" is published but could not be fetched";
    assert_withheld(&changes, &["App b"], &[reason]);
    // A name that is known not to be in the missing file is a deletion.
    let changes = catalog.changes_since([("App z", "1"), ("App y", "1"), ("App b", "1")]);
    assert_eq!(changes.deletes, ["App y", "App z"]);

    // Without the list, the names of the missing file are unknown, too.
    let list = world.current("root.json");
    fs::remove_file(&list).unwrap();
    fs::write(&list, "{").unwrap();
    let catalog = world.store().catalog().unwrap();
    let changes = catalog.changes_since([("App z", "1"), ("App b", "1")]);
    let reason = "the other entries of source rockstor are unknown";
    assert_withheld(&changes, &["App b", "App z"], &[reason]);
    let [problem] = &problems(&catalog)[..] else { panic!("{:?}", problems(&catalog)) };
    assert!(problem.contains("root.json"), "{problem}");
}

#[test]
fn an_entry_of_unknown_names_that_was_not_fetched_deletes_nothing() {
    let reason = "the entry \"b\" of source rockstor could not be fetched";
    let world = World::v1("ab");
    fs::remove_file(world.path("catalog/b.json")).unwrap();
    assert_eq!(world.update().unwrap().outcome, Outcome::Partial);
    let changes_of = |world: &World| {
        let catalog = world.store().catalog().unwrap();
        assert_withheld(&catalog.changes_since([("App z", "1")]), &["App z"], &[reason]);
    };
    changes_of(&world);

    let world = World::v2("ab");
    let manifest = fs::read_to_string(world.path("tree/root.json")).unwrap();
    write_manifest(&world, &manifest.replace(",\"names\":[\"App b\"]", ""));
    fs::remove_dir_all(world.path("tree/by-sha")).unwrap();
    fs::remove_file(world.path("tree/b.json")).unwrap();
    assert_eq!(world.update().unwrap().outcome, Outcome::Partial);
    changes_of(&world);
}

#[test]
fn only_files_of_a_known_suffix_are_local_definitions() {
    let world = World::v2("a");
    world.updated();
    fs::create_dir(world.path("store/local")).unwrap();
    for name in ["README.md", ".b.json", ".b.json.swp", "b.json~"] {
        fs::write(world.path("store/local").join(name), definition('b', "1")).unwrap();
    }
    let catalog = world.store().catalog().unwrap();
    assert_eq!(problems(&catalog), [""; 0]);
    assert!(catalog.definition("App b").is_none());
    assert_eq!(catalog.changes_since([("App b", "1")]).deletes, ["App b"]);
}

#[test]
fn the_later_of_two_definitions_with_one_name_in_one_source_wins() {
    let world = World::bare("catalog");
    let rows = ["a", "b", "c"].map(|id| (id.to_owned(), format!("{id}.json")));
    world.write_list(&BTreeMap::from(rows));
    for (file, name, version) in [('a', 'a', "first"), ('b', 'b', "1"), ('c', 'a', "second")] {
        fs::write(world.path(&format!("catalog/{file}.json")), definition(name, version)).unwrap();
    }
    world.update().unwrap();
    let catalog = world.store().catalog().unwrap();
    let names: Vec<&str> = catalog.definitions().iter().map(|found| found.name()).collect();
    assert_eq!(names, ["App a", "App b"]);
    assert!(catalog.definition("App a").unwrap().text().unwrap().contains("second"));
    let [hidden] = catalog.hidden() else { panic!("{:?}", catalog.hidden()) };
    assert!(hidden.text().unwrap().contains("first"));
}

#[test]
fn changes_with_either_kind_are_not_empty() {
    let world = World::v2("ab");
    world.updated();
    let catalog = world.store().catalog().unwrap();
    let revision = |name: &str| catalog.definition(name).unwrap().revision().to_string();
    let [a, b] = ["App a", "App b"].map(|name| (name, revision(name)));
    let gone = ("App z", String::new());
    assert!(catalog.changes_since([a.clone(), b.clone()]).is_empty());
    assert!(!catalog.changes_since([a.clone()]).is_empty(), "one upsert");
    assert!(!catalog.changes_since([a, b, gone]).is_empty(), "one delete");
}

//! The merged catalog, and the changes for an application.

use std::fs;

use rockon_sync::{Catalog, Novelty, Origin, Outcome};

use crate::world::{World, definition};

fn names(catalog: &Catalog) -> Vec<&str> {
    catalog.definitions().iter().map(|found| found.name()).collect()
}

/// Returns the digests that an application records after applying the whole catalog.
fn applied(catalog: &Catalog) -> Vec<(String, String)> {
    let all = catalog.definitions().iter();
    all.map(|found| (found.name().to_owned(), found.revision().to_string())).collect()
}

#[test]
fn local_definitions_override_published_ones_in_place() {
    let world = World::v2("abc");
    world.updated();
    let before = world.store().catalog().unwrap();
    assert_eq!(names(&before), ["App a", "App b", "App c"]);
    fs::create_dir(world.path("store/local")).unwrap();
    fs::write(world.path("store/local/mine.json"), definition('b', "mine")).unwrap();
    fs::write(world.path("store/local/zeta.json"), definition('z', "1")).unwrap();

    let catalog = world.store().catalog().unwrap();
    assert_eq!(names(&catalog), ["App a", "App b", "App c", "App z"]);
    let mine = catalog.definition("App b").unwrap();
    assert_eq!(*mine.origin(), Origin::Local);
    assert!(mine.text().unwrap().contains("\"version\": \"mine\""));
    assert_eq!(catalog.hidden()[0].name(), "App b");
    let changes = catalog.changes_since(applied(&before));
    let upserts: Vec<_> =
        changes.upserts.iter().map(|upsert| (upsert.definition.name(), upsert.novelty)).collect();
    assert_eq!(upserts, [("App b", Novelty::Changed), ("App z", Novelty::New)]);

    // Without the local file, the published one is used again.
    let with_local = applied(&catalog);
    fs::remove_dir_all(world.path("store/local")).unwrap();
    let catalog = world.store().catalog().unwrap();
    let changes = catalog.changes_since(with_local);
    assert_eq!((changes.deletes.len(), changes.upserts.len()), (1, 1));
    assert_eq!(changes.upserts[0].definition, before.definition("App b").unwrap());
}

#[test]
fn a_truncated_local_file_deletes_nothing() {
    let world = World::v2("ab");
    world.updated();
    fs::create_dir(world.path("store/local")).unwrap();
    fs::write(world.path("store/local/z.json"), definition('z', "1")).unwrap();
    let before = applied(&world.store().catalog().unwrap());
    fs::write(world.path("store/local/z.json"), "{\"App z\": {").unwrap();
    let catalog = world.store().catalog().unwrap();
    assert!(catalog.problems()[0].to_string().contains("z.json"));
    let changes = catalog.changes_since(before);
    assert_eq!((changes.deletes.len(), changes.withheld), (0, vec!["App z".to_owned()]));
}

#[test]
fn changes_list_new_changed_deleted_and_marked_definitions() {
    let world = World::v2("abcd");
    world.updated();
    let mut before = applied(&world.store().catalog().unwrap());
    assert!(world.store().catalog().unwrap().changes_since(before_refs(&before)).is_empty());
    world.define('b', "2");
    world.write_catalog("abce");
    world.define('b', "2");
    world.publish();
    world.updated();
    before[2].1 = "apply again".to_owned();
    let catalog = world.store().catalog().unwrap();
    let changes = catalog.changes_since(before);
    assert_eq!(changes.deletes, ["App d"]);
    let upserts: Vec<&str> = changes.upserts.iter().map(|u| u.definition.name()).collect();
    assert_eq!(upserts, ["App b", "App c", "App e"]);
    assert!(changes.withheld.is_empty());
}

fn before_refs(applied: &[(String, String)]) -> Vec<(&str, &str)> {
    applied.iter().map(|(name, revision)| (name.as_str(), revision.as_str())).collect()
}

#[test]
fn an_empty_or_failed_source_causes_no_deletes() {
    let world = World::v2("ab");
    world.updated();
    let before = applied(&world.store().catalog().unwrap());
    fs::remove_dir_all(world.path("store/rockstor")).unwrap();
    fs::create_dir_all(world.path("store/rockstor")).unwrap();
    let catalog = world.store().catalog().unwrap();
    let changes = catalog.changes_since(before_refs(&before));
    assert_eq!((changes.deletes.len(), changes.withheld.len()), (0, 2));
    assert!(changes.reasons[0].contains("never updated"), "{:?}", changes.reasons);
}

#[test]
fn a_failed_entry_protects_its_names_from_deletion() {
    let world = World::v2("abc");
    let manifest = fs::read_to_string(world.path("tree/root.json")).unwrap();
    assert!(manifest.contains("\"names\":[\"App b\"]"));
    fs::remove_dir_all(world.path("tree/by-sha")).unwrap();
    fs::remove_file(world.path("tree/b.json")).unwrap();
    let (report, _) = world.updated();
    assert_eq!(report.outcome, Outcome::Partial);
    let catalog = world.store().catalog().unwrap();
    let changes = catalog.changes_since([("App b", "1"), ("App x", "1")]);
    assert_eq!((changes.deletes, changes.withheld), (vec!["App x".into()], vec!["App b".into()]));
}

#[test]
fn texts_are_returned_unchanged() {
    let world = World::v2("a");
    let text = "{ \"ports\": {\"80\":1.0, \"8\": 1e2},\n  \"ports\": null }";
    fs::create_dir_all(world.path("store/local")).unwrap();
    fs::write(world.path("store/local/x.json"), format!("{{\"X\": {text} }}")).unwrap();
    world.updated();
    let catalog = world.store().catalog().unwrap();
    assert_eq!(catalog.definition("X").unwrap().text().unwrap(), text);
}

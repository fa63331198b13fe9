//! A definition with a new name is renamed in applications, not deleted and added.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use rockon_sync::{Catalog, Digest, Novelty, Outcome, Source, Updater};

use crate::world::{World, definition};

/// Returns the text of a definition whose name is `App <to>`, and everything else that of `from`.
fn renamed(from: char, to: char) -> String {
    definition(from, "1").replace(&format!("App {from}"), &format!("App {to}"))
}

/// Returns the digests that an application records after applying the whole catalog.
fn applied(catalog: &Catalog) -> BTreeMap<String, String> {
    let all = catalog.definitions().iter();
    all.map(|found| (found.name().to_owned(), found.revision().to_string())).collect()
}

/// Returns changes as lines: deletes, renames, upserts and withheld names.
fn lines(catalog: &Catalog, applied: &BTreeMap<String, String>) -> Vec<String> {
    let changes = catalog.changes_since(applied);
    let deletes = changes.deletes.iter().map(|name| format!("delete {name}"));
    let renames = changes.renames.iter().map(|found| format!("rename {} {}", found.from, found.to));
    let upserts = changes.upserts.iter().map(|upsert| {
        let verb = if upsert.novelty == Novelty::New { "add" } else { "change" };
        format!("{verb} {}", upsert.definition.name())
    });
    let withheld = changes.withheld.iter().map(|name| format!("withhold {name}"));
    deletes.chain(renames).chain(upserts).chain(withheld).collect()
}

#[test]
fn a_chain_of_renames_that_a_machine_missed_is_one_rename() {
    for world in [World::v2("abc"), World::packed("abc")] {
        world.updated();
        let before = applied(&world.store().catalog().unwrap());
        for name in ['x', 'y'] {
            fs::write(world.path("catalog/b.json"), renamed('b', name)).unwrap();
            assert_eq!(world.publish().renamed.len(), 1);
        }
        world.updated();
        world.assert_up_to_date();
        let catalog = world.store().catalog().unwrap();
        assert_eq!(lines(&catalog, &before), ["rename App b App y", "change App y"]);
        let formerly = catalog.definition("App y").unwrap().formerly();
        assert_eq!(formerly, [Box::from("App x"), "App b".into()]);
        assert_eq!(lines(&catalog, &applied(&catalog)), [""; 0]);
        // An update that fetches only the manifest again leaves it so.
        world.assert_unchanged();
    }
}

#[test]
fn a_renamed_definition_that_was_not_fetched_withholds_its_old_name() {
    let world = World::v2("ab");
    world.updated();
    let before = applied(&world.store().catalog().unwrap());
    // The same file below another id: the old entry is gone, and the new one cannot be fetched.
    fs::write(world.path("catalog/b.json"), renamed('b', 'x')).unwrap();
    let rows = [("a", "a.json"), ("new", "b.json")];
    world.write_list(&rows.map(|(id, path)| (id.to_owned(), path.to_owned())).into());
    assert_eq!(world.publish().renamed.len(), 1);
    let hide = |to: &str, from: &str| fs::rename(world.path(from), world.path(to)).unwrap();
    let object = format!("tree/by-sha/{}", Digest::of(renamed('b', 'x').as_bytes()));
    for (n, file) in ["tree/b.json", &object].into_iter().enumerate() {
        hide(&format!("hidden-{n}"), file);
    }
    assert_eq!(world.update().unwrap().outcome, Outcome::Partial);
    let catalog = world.store().catalog().unwrap();
    assert_eq!(lines(&catalog, &before), ["withhold App b"]);
    let reasons = catalog.changes_since(&before).reasons;
    assert_eq!(reasons, ["\"App b\" is now \"App x\", which could not be fetched"]);
    // Once it is there, it is renamed.
    for (n, file) in ["tree/b.json", &object].into_iter().enumerate() {
        hide(file, &format!("hidden-{n}"));
    }
    world.updated();
    let catalog = world.store().catalog().unwrap();
    assert_eq!(lines(&catalog, &before), ["rename App b App x", "change App x"]);
}

#[test]
fn a_definition_that_cannot_be_read_is_renamed_again_next_time() {
    let world = World::v2("ab");
    world.updated();
    let before = applied(&world.store().catalog().unwrap());
    fs::write(world.path("catalog/b.json"), renamed('b', 'x')).unwrap();
    world.publish();
    world.updated();
    let file = world.current("b.json");
    fs::set_permissions(&file, Permissions::from_mode(0o644)).unwrap();
    fs::write(&file, "damaged").unwrap();
    let catalog = world.store().catalog().unwrap();
    // Nothing can be recorded without the text, so that the changes stay the same.
    for _ in 0..2 {
        assert_eq!(lines(&catalog, &before), ["rename App b App x", "change App x"]);
        let changes = catalog.changes_since(&before);
        assert!(changes.upserts[0].definition.text().is_err());
    }
}

#[test]
fn a_name_that_moves_to_another_source_is_renamed() {
    let (one, other) = (World::v2("ab"), World::v2("c"));
    let store = one.store();
    let sources = ["one", "other"].map(|name| name.parse().unwrap());
    let update = || {
        for (name, world) in sources.iter().cloned().zip([&one, &other]) {
            let source = Source::new(name, world.server.url().parse().unwrap());
            Updater::new(&store).run(&source).unwrap();
        }
        store.catalog().unwrap()
    };
    let before = applied(&update());
    let rows = [("a".to_owned(), "a.json".to_owned())];
    one.write_list(&rows.into());
    one.publish();
    let stated =
        definition('d', "1").replace("\"description\"", "\"formerly\": \"App b\", \"description\"");
    fs::write(other.path("catalog/c.json"), stated).unwrap();
    // No rename of what this source published: its own definition is gone.
    assert_eq!(other.publish().renamed.len(), 0);
    assert_eq!(lines(&update(), &before), ["delete App c", "rename App b App d", "change App d"]);
}

#[test]
fn a_v1_source_has_the_former_names_that_definitions_state() {
    let world = World::v1("ab");
    world.update().unwrap();
    let before = applied(&world.store().catalog().unwrap());
    let stated =
        renamed('b', 'x').replace("\"description\"", "\"formerly\": [\"App b\"], \"description\"");
    fs::write(world.path("catalog/b.json"), stated).unwrap();
    world.update().unwrap();
    let catalog = world.store().catalog().unwrap();
    assert_eq!(lines(&catalog, &before), ["rename App b App x", "change App x"]);
}

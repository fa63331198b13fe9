//! The format for files of any kind.

use std::fs;

use rockon_sync::publish::{Leniency, Page, PublishOutcome, Publisher};
use rockon_sync::{Format, Novelty, Outcome};

use crate::world::World;

/// Returns a world whose catalog directory has files of several kinds, one of them binary.
fn files_world() -> World {
    let world = World::bare("tree");
    let catalog = world.path("catalog");
    fs::create_dir_all(catalog.join("icons/large")).unwrap();
    fs::write(catalog.join("icons/large/a.png"), [0x89, 0x50, 0, 0xff, 0xfe]).unwrap();
    fs::write(catalog.join("notes.json"), "not JSON").unwrap();
    fs::write(catalog.join("empty"), "").unwrap();
    fs::write(catalog.join("Gr\u{fc}n & more.txt"), "x").unwrap();
    fs::write(catalog.join(".hidden"), "x").unwrap();
    world
}

fn publisher(world: &World) -> Publisher<'_> {
    world.publisher().format(Format::Files)
}

const IDS: [&str; 4] = ["Gr\u{fc}n & more.txt", "empty", "icons/large/a.png", "notes.json"];

#[test]
fn files_of_any_kind_are_published_and_synced_byte_for_byte() {
    let world = files_world();
    let report = publisher(&world).run().unwrap();
    assert_eq!(report.added, IDS);
    assert_eq!(
        report.problems.iter().map(ToString::to_string).collect::<Vec<_>>(),
        [".hidden: warning: left out: hidden file"]
    );
    let (report, log) = world.updated();
    assert_eq!((report.outcome, log.len()), (Outcome::Updated, 2), "head and bundle");
    world.assert_up_to_date();
    let catalog = world.store().catalog().unwrap();
    assert_eq!(catalog.definitions().len(), 4);
    assert!(catalog.problems().is_empty());
    let icon = catalog.definition("icons/large/a.png").unwrap();
    assert_eq!(icon.format(), Format::Files);
    assert_eq!(icon.bytes().unwrap(), [0x89, 0x50, 0, 0xff, 0xfe]);
    assert!(icon.text().unwrap_err().to_string().contains("not UTF-8 at byte 0"));
    world.assert_unchanged();
}

#[test]
fn changed_files_are_updated_and_local_files_override_them() {
    let world = files_world();
    publisher(&world).run().unwrap();
    world.update().unwrap();
    let catalog = world.store().catalog().unwrap();
    let applied: Vec<(String, String)> = catalog
        .definitions()
        .iter()
        .map(|found| (found.name().to_owned(), found.revision().to_string()))
        .collect();
    fs::write(world.path("catalog/notes.json"), "still none").unwrap();
    fs::remove_file(world.path("catalog/empty")).unwrap();
    publisher(&world).run().unwrap();
    let (report, log) = world.updated();
    assert_eq!(
        (&*report.changed, &*report.removed),
        (&["notes.json".into()][..], &["empty".into()][..])
    );
    assert_eq!(log.len(), 1, "the delta is in the head");
    let catalog = world.store().catalog().unwrap();
    let changes = catalog.changes_since(applied);
    assert_eq!(changes.deletes, ["empty"]);
    let [upsert] = &changes.upserts[..] else { panic!("{changes:?}") };
    assert_eq!((upsert.definition.name(), upsert.novelty), ("notes.json", Novelty::Changed));

    fs::create_dir(world.path("store/local")).unwrap();
    fs::write(world.path("store/local/notes.json"), "mine").unwrap();
    let catalog = world.store().catalog().unwrap();
    assert_eq!(catalog.definition("notes.json").unwrap().bytes().unwrap(), b"mine");
    assert_eq!(catalog.hidden().len(), 1);
    assert!(catalog.problems().is_empty(), "{:?}", catalog.problems());
}

#[test]
fn a_tree_inside_the_catalog_directory_is_not_published() {
    let world = files_world();
    let again = |format| Publisher::new(world.path("catalog")).format(format).run().unwrap();
    assert_eq!(again(Format::Files).entries, 4);
    assert_eq!(again(Format::Files).entries, 4, "the tree is in catalog/v2");
    let in_place = Publisher::new(world.path("catalog")).format(Format::Files).in_place().run();
    // The second tree is a directory of ordinary files for the first.
    assert!(in_place.unwrap().entries > 4);
}

#[test]
fn a_link_to_the_tree_inside_the_folder_is_no_part_of_it() {
    let world = files_world();
    std::os::unix::fs::symlink(world.path("tree"), world.path("catalog/v2")).unwrap();
    let publish = || Publisher::new(world.path("catalog")).format(Format::Files).run().unwrap();
    assert_eq!(publish().entries, 4);
    assert_eq!(publish().outcome, PublishOutcome::Unchanged);
}

#[test]
fn in_place_what_the_publisher_wrote_is_no_file_of_the_catalog() {
    let world = files_world();
    let publisher = || publisher(&world).in_place().page(Page::Write);
    assert_eq!(publisher().run().unwrap().entries, 4);
    let again = publisher().run().unwrap();
    assert_eq!((again.outcome, again.entries), (PublishOutcome::Unchanged, 4));
    let warnings: Vec<String> = again.problems.iter().map(ToString::to_string).collect();
    assert_eq!(warnings, [".hidden: warning: left out: hidden file"]);
    // Neither is it to a tree elsewhere.
    assert_eq!(self::publisher(&world).run().unwrap().entries, 4);
}

#[test]
fn no_file_is_left_out_because_of_its_name() {
    let names = [
        "root.json",
        "root.sha",
        "root.v2.json",
        "root.v2.sha",
        "history.json",
        "Root.JSON",
        "by-sha/x",
        "packs/y",
        "packs/deep/z",
    ];
    for name in names {
        for in_place in [false, true] {
            let world = files_world();
            let file = world.path("catalog").join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(&file, "mine").unwrap();
            let publisher = || match in_place {
                true => publisher(&world).in_place(),
                false => publisher(&world),
            };
            let error = publisher().run().expect_err(name);
            let message = error.to_chain() + &format!("{:?}", error.problems());
            let first = name.split('/').next().unwrap();
            assert!(message.contains(first), "{name}, in place {in_place}: {message}");
            assert_eq!(fs::read(&file).unwrap(), b"mine", "{name}");
            assert!(!world.path("tree/root.sha").exists(), "{name}");
        }
    }
    // Further down they are names as any.
    let world = files_world();
    for name in names {
        let file = world.path("catalog/sub").join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, name).unwrap();
    }
    fs::remove_file(world.path("catalog/sub/Root.JSON")).unwrap();
    assert_eq!(publisher(&world).run().unwrap().entries, 4 + names.len() - 1);
    // Neither is a file with the name of a page that no publisher wrote.
    fs::write(world.path("catalog/root.v2.html"), "mine").unwrap();
    assert_eq!(publisher(&world).run().unwrap().added, ["root.v2.html"]);
}

#[test]
fn what_an_author_put_into_a_folder_of_the_tree_is_a_problem() {
    let world = files_world();
    let publisher = || publisher(&world).in_place();
    publisher().run().unwrap();
    fs::write(world.path("catalog/by-sha/mine"), "mine").unwrap();
    let error = publisher().run().unwrap_err();
    let problems: Vec<String> = error.problems().iter().map(ToString::to_string).collect();
    let expected = "by-sha/mine: the name \"by-sha\" is reserved";
    assert_eq!(problems.last().map(String::as_str), Some(expected));
    let report = publisher().leniency(Leniency::LeaveOut).run().unwrap();
    assert_eq!(report.entries, 4);
    assert!(report.problems.iter().any(|problem| problem.file == "by-sha/mine"));
    assert_eq!(fs::read(world.path("catalog/by-sha/mine")).unwrap(), b"mine");
}

#[test]
fn an_interrupted_first_publication_in_place_is_gone_on_with() {
    let world = files_world();
    let publisher = || publisher(&world).in_place();
    publisher().run().unwrap();
    fs::remove_file(world.path("catalog/root.v2.sha")).unwrap();
    fs::remove_file(world.path("catalog/history.json")).unwrap();
    assert_eq!(publisher().run().unwrap().entries, 4);
    assert_eq!(publisher().run().unwrap().outcome, PublishOutcome::Unchanged);
}

#[test]
fn an_entry_of_an_unknown_format_is_a_file_of_any_kind() {
    let world = files_world();
    publisher(&world).run().unwrap();
    let manifest = fs::read_to_string(world.path("tree/root.json")).unwrap();
    let manifest = manifest.replace("\"format\":\"files\"", "\"format\":\"tomorrow\"");
    fs::write(world.path("tree/root.json"), &manifest).unwrap();
    let head = format!("{}  root.json\n", rockon_sync::Digest::of(manifest.as_bytes()));
    fs::write(world.path("tree/root.sha"), head).unwrap();
    assert_eq!(world.update().unwrap().added, IDS);
    let catalog = world.store().catalog().unwrap();
    assert_eq!(catalog.definitions().len(), 4);
}

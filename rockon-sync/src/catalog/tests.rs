//! The merged view of stores that are written by hand.

use std::fs;
use std::path::PathBuf;

use super::changes::Novelty;
use super::*;
use crate::base::digest::Digest;
use crate::base::error::ErrorKind;
use crate::base::limits::MAX_ALL_FORMER_NAMES;
use crate::testing::{Call, HookedFiles, bad_disk};

/// A store, and beside it a directory of local definitions.
struct World(tempfile::TempDir);

/// An entry: path, content, and more fields of its row in the manifest.
type Row<'a> = (&'a str, &'a str, &'a str);

impl World {
    fn new() -> World {
        let world = World(tempfile::tempdir().unwrap());
        fs::create_dir(world.path("store")).unwrap();
        world
    }

    fn path(&self, relative: &str) -> PathBuf {
        self.0.path().join(relative)
    }

    /// Writes a generation of the source `s` with these entries, whose ids are their paths.
    fn source(&self, rows: &[Row<'_>]) {
        self.source_named("s", rows);
    }

    fn source_named(&self, source: &str, rows: &[Row<'_>]) {
        let source = self.path("store").join(source);
        let generation = source.join("gen/000001");
        fs::create_dir_all(&generation).unwrap();
        for (path, content, _) in rows {
            fs::write(generation.join(path), content).unwrap();
        }
        let text = manifest(rows);
        let head = format!("{}  root.json\n", Digest::of(text.as_bytes()));
        fs::write(generation.join("root.json"), text).unwrap();
        fs::write(generation.join("root.sha"), head).unwrap();
        std::os::unix::fs::symlink("gen/000001", source.join("current")).unwrap();
    }

    /// Writes the record of the generation, if it has only some of its entries.
    fn record(&self, rows: &[Row<'_>]) {
        fs::write(self.path("store/s/gen/000001.held"), manifest(rows)).unwrap();
    }

    fn local(&self, name: &str, content: &str) {
        fs::create_dir_all(self.path("local")).unwrap();
        fs::write(self.path("local").join(name), content).unwrap();
    }

    fn catalog(&self) -> Catalog {
        self.catalog_with(Store::new(self.path("store")))
    }

    fn catalog_with(&self, store: Store) -> Catalog {
        store.catalog_with(&self.path("local")).unwrap()
    }
}

fn manifest(rows: &[Row<'_>]) -> String {
    let row = |(path, content, more): &Row<'_>| {
        let digest = Digest::of(content.as_bytes());
        format!("\"{path}\":{{\"url\":\"{path}\",\"sha\":\"{digest}\"{more}}}")
    };
    format!("{{{}}}", rows.iter().map(row).collect::<Vec<_>>().join(","))
}

fn names(definitions: &[Definition]) -> Vec<&str> {
    definitions.iter().map(Definition::name).collect()
}

const A: Row<'_> = ("a.json", "{\"A\": {}}", ",\"names\":[\"A\"]");
const X: Row<'_> = ("x.json", "{\"X\": {}}", ",\"names\":[\"X\"]");

/// Asserts that a deletion of X is withheld for this reason, and that of Y for this or none.
#[track_caller]
fn assert_withheld(catalog: &Catalog, withheld: &[&str], reason: &str) {
    let changes = catalog.changes_since([("Y", ""), ("X", "")]);
    assert_eq!(changes.withheld, withheld);
    assert_eq!(changes.deletes.len(), 2 - withheld.len());
    assert_eq!(changes.reasons.len(), 1, "{:?}", changes.reasons);
    assert!(changes.reasons[0].contains(reason), "{:?}", changes.reasons);
}

#[test]
fn a_complete_catalog_deletes_the_rest_in_byte_order() {
    let world = World::new();
    world.source(&[A]);
    let catalog = world.catalog();
    let changes = catalog.changes_since([("Y", ""), ("X", "")]);
    assert_eq!((changes.deletes.join(" ").as_str(), changes.upserts.len()), ("X Y", 1));
    assert!(changes.withheld.is_empty() && changes.reasons.is_empty());
    // One of both is enough to have something to apply.
    let revision = catalog.definitions()[0].revision().to_string();
    for (applied, is_empty) in [
        (&[("A", &*revision)][..], true),
        (&[("A", &revision), ("X", "")], false),
        (&[], false),
        (&[("A", "apply again")], false),
    ] {
        let changes = catalog.changes_since(applied.iter().copied());
        assert_eq!(changes.is_empty(), is_empty, "{applied:?}");
    }
}

#[test]
fn unknown_parts_of_the_catalog_withhold_every_deletion() {
    let both = &["X", "Y"];
    let world = World::new();
    assert_withheld(&world.catalog(), both, "the store has no source yet");

    let world = World::new();
    world.source(&[]);
    assert_withheld(&world.catalog(), both, "source s is empty");

    let world = World::new();
    fs::create_dir(world.path("store/s")).unwrap();
    assert_withheld(&world.catalog(), both, "source s was never updated completely");

    let world = World::new();
    world.source(&[A]);
    fs::write(world.path("store/s/gen/000001/root.json"), "damaged").unwrap();
    let catalog = world.catalog();
    assert_withheld(&catalog, both, "source s cannot be read");
    assert_eq!(catalog.problems()[0].kind(), ErrorKind::Manifest);

    let world = World::new();
    world.source(&[A]);
    world.local("b.json", "{\"B\": {}}");
    let local = world.path("local");
    let files = HookedFiles::new(move |call, path| match call {
        Call::Read if *path == local => Err(bad_disk()),
        _ => Ok(()),
    });
    let catalog = world.catalog_with(Store::new(world.path("store")).with_files(files));
    assert_withheld(&catalog, both, "local cannot be listed");
    assert_eq!(catalog.problems().len(), 1);

    let world = World::new();
    world.source(&[A]);
    world.local("b.json", "{\"B\": {");
    let catalog = world.catalog();
    assert_withheld(&catalog, both, "b.json cannot be read");
    assert_eq!(catalog.problems()[0].kind(), ErrorKind::Definition);
    // Without an applied name that is missing, nothing is withheld, and no reason is given.
    assert!(catalog.changes_since([("A", "")]).reasons.is_empty());

    // An entry without names, whose file cannot be read.
    for file in ["damaged", ""] {
        let world = World::new();
        world.source(&[A, ("x.json", file, "")]);
        if file.is_empty() {
            fs::remove_file(world.path("store/s/gen/000001/x.json")).unwrap();
        }
        let catalog = world.catalog();
        assert_withheld(&catalog, both, "x.json cannot be read");
        assert_eq!((names(catalog.definitions()), catalog.problems().len()), (vec!["A"], 1));
    }

    // An entry without names, which could not be fetched.
    let world = World::new();
    world.source(&[A, ("x.json", "", "")]);
    world.record(&[A]);
    assert_withheld(
        &world.catalog(),
        both,
        "the entry \"x.json\" of source s could not be fetched",
    );

    // The record is complete, but not the manifest that it is compared with.
    let world = World::new();
    world.source(&[A, X]);
    world.record(&[A]);
    fs::write(world.path("store/s/gen/000001/root.json"), "damaged").unwrap();
    let catalog = world.catalog();
    assert_withheld(&catalog, both, "the other entries of source s are unknown");
    assert_eq!(catalog.problems().len(), 1);
}

#[test]
fn an_entry_that_could_not_be_fetched_withholds_its_names() {
    let world = World::new();
    world.source(&[A, X]);
    world.record(&[A]);
    let catalog = world.catalog();
    assert_withheld(&catalog, &["X"], "\"X\" is published but could not be fetched");
    // Nothing is withheld without an applied name, and nothing is said then.
    assert!(catalog.changes_since([("Y", "")]).reasons.is_empty());
}

/// Returns changes as lines: deletes, renames, upserts and withheld names.
fn lines(catalog: &Catalog, applied: &[&str]) -> Vec<String> {
    let changes = catalog.changes_since(applied.iter().map(|name| (name, "another revision")));
    let deletes = changes.deletes.iter().map(|name| format!("delete {name}"));
    let renames = changes.renames.iter().map(|found| format!("rename {} {}", found.from, found.to));
    let upserts = changes.upserts.iter().map(|upsert| {
        let verb = if upsert.novelty == Novelty::New { "add" } else { "change" };
        format!("{verb} {}", upsert.definition.name())
    });
    let withheld = changes.withheld.iter().map(|name| format!("withhold {name}"));
    deletes.chain(renames).chain(upserts).chain(withheld).collect()
}

const C: Row<'_> = ("a.json", "{\"C\": {}}", ",\"names\":[\"C\"],\"formerly\":[\"B\",\"A\"]");

#[test]
fn a_former_name_is_renamed_once_and_only_to_a_name_that_is_not_applied() {
    let world = World::new();
    world.source(&[C, X]);
    let catalog = world.catalog();
    assert_eq!(catalog.definition("C").unwrap().formerly(), [Box::from("B"), "A".into()]);
    for (applied, expected) in [
        (&["B"][..], &["rename B C", "change C", "add X"][..]),
        // The end of a chain, of which the application missed a part.
        (&["A", "X"], &["rename A C", "change C", "change X"]),
        // The newest former name counts.
        (&["A", "B"], &["delete A", "rename B C", "change C", "add X"]),
        // The new name is applied already.
        (&["A", "C"], &["delete A", "change C", "add X"]),
        (&["a"], &["delete a", "add C", "add X"]),
    ] {
        assert_eq!(lines(&catalog, applied), expected, "{applied:?}");
    }
    // The definition is applied again also if only its name changed: its revision is that of the
    // file.
    let revision = catalog.definition("C").unwrap().revision().to_string();
    let changes = catalog.changes_since([("B", &revision)]);
    assert_eq!((changes.renames.len(), changes.upserts[0].novelty), (1, Novelty::Changed));
    assert!(!changes.is_empty());
}

#[test]
fn names_that_are_used_are_not_renamed() {
    // A and B exchanged their names, and the manifest is wrong about it.
    let world = World::new();
    world.source(&[
        ("a.json", "{\"B\": {}}", ",\"names\":[\"B\"],\"formerly\":[\"A\"]"),
        ("b.json", "{\"A\": {}}", ",\"names\":[\"A\"],\"formerly\":[\"B\"]"),
    ]);
    assert_eq!(lines(&world.catalog(), &["A", "B"]), ["change B", "change A"]);
    assert_eq!(lines(&world.catalog(), &["A"]), ["add B", "change A"]);

    // A local definition still has the old name.
    let world = World::new();
    world.source(&[C]);
    world.local("own.json", "{\"B\": {}}");
    assert_eq!(lines(&world.catalog(), &["B"]), ["add C", "change B"]);
}

#[test]
fn a_local_definition_states_its_own_former_names() {
    let world = World::new();
    world.source(&[C]);
    // It overrides the entry, together with its former names.
    world.local("own.json", "{\"C\": {}}");
    assert_eq!(lines(&world.catalog(), &["B"]), ["delete B", "add C"]);
    world.local("own.json", "{\"C\": {\"formerly\": \"B\"}}");
    assert_eq!(lines(&world.catalog(), &["B"]), ["rename B C", "change C"]);
    world.local("own.json", "{\"C\": {\"formerly\": [\"D\", \"A\"]}, \"E\": {}}");
    assert_eq!(lines(&world.catalog(), &["A"]), ["rename A C", "change C", "add E"]);
}

#[test]
fn of_several_definitions_with_one_former_name_the_last_one_gets_it() {
    let world = World::new();
    let other = ("o.json", "{\"O\": {}}", ",\"names\":[\"O\"],\"formerly\":[\"A\"]");
    world.source(&[C, X]);
    world.source_named("t", &[other]);
    let names = ["s", "t"].map(|name| name.parse().unwrap());
    let store = Store::new(world.path("store"));
    let [first, second] = names.clone();
    for (sources, expected) in [
        (names, ["rename A O", "add C", "add X", "change O"]),
        ([second, first], ["rename A C", "add O", "change C", "add X"]),
    ] {
        let catalog = store.catalog_of(&sources, &world.path("local")).unwrap();
        assert_eq!(lines(&catalog, &["A"]), expected, "{sources:?}");
    }
}

#[test]
fn a_rename_is_applied_even_if_a_part_of_the_catalog_is_unknown() {
    let world = World::new();
    world.source(&[C]);
    fs::create_dir(world.path("store/t")).unwrap();
    let sources = ["s", "t"].map(|name| name.parse().unwrap());
    let store = Store::new(world.path("store"));
    let catalog = store.catalog_of(&sources, &world.path("local")).unwrap();
    let expected = ["rename B C", "change C", "withhold A", "withhold Y"];
    assert_eq!(lines(&catalog, &["A", "B", "Y"]), expected);

    // The old name is published, only not here yet.
    let world = World::new();
    world.source(&[C, ("b.json", "{\"B\": {}}", ",\"names\":[\"B\"]")]);
    world.record(&[C]);
    assert_eq!(lines(&world.catalog(), &["B"]), ["add C", "withhold B"]);
}

#[test]
fn a_name_is_kept_until_the_definition_with_its_new_name_is_fetched() {
    let world = World::new();
    world.source(&[C, X]);
    world.record(&[X]);
    let catalog = world.catalog();
    assert_eq!(lines(&catalog, &["A", "X", "Y"]), ["delete Y", "change X", "withhold A"]);
    let changes = catalog.changes_since([("A", "")]);
    assert_eq!(changes.reasons, ["\"A\" is now \"C\", which could not be fetched"]);
}

#[test]
fn former_names_that_are_invalid_are_ignored() {
    let many: Vec<String> = (0..17).map(|n| format!("\"{n}\"")).collect();
    let many = format!("[{}]", many.join(","));
    for (names, formerly) in [
        ("[\"C\"]", "\"A\""),
        ("[\"C\"]", "{\"A\":1}"),
        ("[\"C\"]", "[\"A\",1]"),
        ("[\"C\"]", "[\"A\",\"A\"]"),
        ("[\"C\"]", "[\"A\",\"\\n\"]"),
        ("[\"C\"]", &many),
        ("[\"C\",\"D\"]", "[\"A\"]"),
        ("[]", "[\"A\"]"),
    ] {
        let fields = format!(",\"names\":{names},\"formerly\":{formerly}");
        let world = World::new();
        world.source(&[("c.json", "{\"C\": {}, \"D\": {}}", &fields), X]);
        let catalog = world.catalog();
        assert!(catalog.problems().is_empty());
        assert_eq!(lines(&catalog, &["A", "X"])[0], "delete A", "{fields}");
        assert_eq!(catalog.definitions()[0].formerly().len(), 0, "{fields}");
    }
}

#[test]
fn the_number_of_former_names_is_limited() {
    let formerly: Vec<String> = (0..16).map(|n| format!("\"f{n}\"")).collect();
    let formerly = formerly.join(",");
    let rows: Vec<(String, String)> = (0..=MAX_ALL_FORMER_NAMES / 16)
        .map(|n| (format!("{n}"), format!(",\"names\":[\"{n}\"],\"formerly\":[{formerly}]")))
        .collect();
    let rows: Vec<Row<'_>> = rows.iter().map(|(id, fields)| (&**id, "", &**fields)).collect();
    let world = World::new();
    world.source(&rows[..1]);
    let text = manifest(&rows);
    let head = format!("{}  root.json\n", Digest::of(text.as_bytes()));
    fs::write(world.path("store/s/gen/000001/root.json"), text).unwrap();
    fs::write(world.path("store/s/gen/000001/root.sha"), head).unwrap();
    let former = |catalog: &Catalog| {
        catalog.definitions().iter().map(|found| found.formerly().len()).sum::<usize>()
    };
    let catalog = world.catalog();
    assert_eq!((catalog.definitions().len(), former(&catalog)), (rows.len(), MAX_ALL_FORMER_NAMES));
    // The same holds for entries that were not fetched.
    world.record(&rows[..1]);
    assert_eq!(world.catalog().gaps.renames.len(), MAX_ALL_FORMER_NAMES);
}

#[test]
fn of_duplicate_names_the_last_one_counts_in_the_place_of_the_first() {
    let b = ("b.json", "{\"A\": {}, \"B\": {}}", ",\"names\":[\"A\",\"B\"]");
    let world = World::new();
    world.source(&[A, X, b]);
    let catalog = world.catalog();
    assert_eq!(names(catalog.definitions()), ["A", "X", "B"]);
    assert!(catalog.definition("A").unwrap().file().ends_with("b.json"));
    assert_eq!(names(catalog.hidden()), ["A"]);
    assert!(catalog.hidden()[0].file().ends_with("a.json"));
}

#[test]
fn local_files_are_merged_by_name_without_hidden_and_other_ones() {
    let world = World::new();
    world.source(&[A, ("plain.txt", "x", ",\"format\":\"files\"")]);
    for n in (0..9).rev() {
        world.local(&format!("{n}.json"), "{\"L\": {}}");
    }
    for name in [".hidden.json", "other.txt", "no-suffix"] {
        world.local(name, "{\"Hidden\": {}}");
    }
    world.local("plain.txt", "another version");
    let catalog = world.catalog();
    assert_eq!(names(catalog.definitions()), ["A", "plain.txt", "L"]);
    assert_eq!(*catalog.definition("plain.txt").unwrap().origin(), Origin::Local);
    let file_of = |definition: &Definition| {
        definition.file().file_name().unwrap().to_str().unwrap().to_owned()
    };
    assert_eq!(file_of(catalog.definition("L").unwrap()), "8.json");
    let hidden: Vec<String> = catalog.hidden().iter().map(file_of).collect();
    let expected = ["0", "1", "2", "3", "4", "5", "6", "7"].map(|n| format!("{n}.json"));
    assert_eq!(hidden, [&expected[..], &["plain.txt".to_owned()]].concat());
}

#[test]
fn entries_without_names_define_what_their_files_say() {
    let amd64 = "{\"A\": {\"arch\": \"amd64\", \"min_version\": \"5.0\"}, \"B\": {\"arch\": \"amd64\", \"min_version\": \"5.0\"}}";
    let world = World::new();
    world.source(&[
        ("a.json", amd64, ""),
        (
            "c.json",
            &amd64.replace("\"A\"", "\"C\"").replace("\"B\"", "\"D\""),
            ",\"arch\":[\"arm64\"]",
        ),
        ("e.bin", "\0", ",\"format\":\"files\""),
        ("f.bin", "\0", ",\"format\":\"unknown\",\"arch\":[\"arm64\"]"),
        // Only Rock-ons are looked into.
        ("h.xml", "not XML", ",\"format\":\"jupdate\""),
        // No definition of the catalog: a Rock-on is a JSON file.
        ("g.txt", "{\"G\": {}}", ""),
    ]);
    let catalog = world.catalog();
    assert!(catalog.problems().is_empty(), "{:?}", catalog.problems());
    let found: Vec<String> = catalog
        .definitions()
        .iter()
        .map(|found| format!("{}: {}", found.name(), found.requirements()))
        .collect();
    assert_eq!(
        found,
        [
            "A: amd64; 5.0 or later",
            "B: amd64; 5.0 or later",
            // The manifest counts, and the file for what it does not say.
            "C: arm64; 5.0 or later",
            "D: arm64; 5.0 or later",
            "e.bin: any",
            "f.bin: arm64",
            "h.xml: any"
        ]
    );
}

#[test]
fn a_definition_that_has_changed_since_is_an_error() {
    let world = World::new();
    world.source(&[A]);
    let catalog = world.catalog();
    let definition = catalog.definition("A").unwrap();
    assert_eq!(definition.text().unwrap(), "{}");
    fs::write(definition.file(), "{\"A\": {\"x\": 1}}").unwrap();
    assert_eq!(definition.text().unwrap_err().kind(), ErrorKind::Integrity);
    fs::remove_file(definition.file()).unwrap();
    assert_eq!(definition.text().unwrap_err().kind(), ErrorKind::Store);
}

#[test]
fn an_update_in_the_same_second_is_an_update_since() {
    let world = World::new();
    let (path, content, _) = X;
    world.source(&[A, (path, content, ",\"updated\":\"2026-11-22T03:04:05Z\"")]);
    let catalog = world.catalog();
    for (moment, expected) in [
        ("2026-11-22T03:04:04Z", true),
        ("2026-11-22T03:04:05Z", true),
        ("2026-11-22T03:04:06Z", false),
    ] {
        let moment = moment.parse().unwrap();
        assert_eq!(catalog.definition("X").unwrap().is_updated_since(moment), Some(expected));
        assert_eq!(catalog.definition("A").unwrap().is_updated_since(moment), None);
    }
}

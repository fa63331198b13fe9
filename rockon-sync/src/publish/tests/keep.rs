//! Lenient publishing: what was published once stays published, whatever becomes of its file.

use super::*;

impl Place {
    fn lenient(&self) -> Publisher<'static> {
        self.publisher().leniency(Leniency::LeaveOut).published(at(2_000_000))
    }

    fn manifest(&self) -> Manifest {
        manifest_in(&self.out(), "root.json")
    }

    fn remove(&self, path: &str) {
        fs::remove_file(self.catalog().join(path)).unwrap();
    }
}

/// Returns a definition that requires others.
fn requiring(name: &str, version: &str, requires: &str) -> String {
    definition(name, version).replacen(
        "\"description\"",
        &format!("\"requires\": \"{requires}\", \"description\""),
        1,
    )
}

#[test]
fn a_broken_definition_stays_published_in_its_last_version() {
    type Break = fn(&Place);
    let breaks: &[(&str, Break)] = &[
        ("no JSON", |place| place.put("b.json", "{\n")),
        ("no definition", |place| place.put("b.json", "{\"B\": 1}")),
        ("empty", |place| place.put("b.json", "")),
        ("missing", |place| place.remove("b.json")),
        ("a directory", |place| {
            place.remove("b.json");
            fs::create_dir(place.catalog().join("b.json")).unwrap();
        }),
        ("a link to nowhere", |place| {
            place.remove("b.json");
            std::os::unix::fs::symlink("nowhere", place.catalog().join("b.json")).unwrap();
        }),
        ("a duplicate name", |place| place.put("b.json", &definition("A", "1"))),
        ("a missing requirement", |place| {
            place.put("b.json", &requiring("B", "2", "Nothing"));
        }),
        ("a row that names no file", |place| {
            place.put("root.json", "{\"a\": \"a.json\", \"b\": 1, \"c\": \"sub/c.json\"}");
        }),
        ("a row with an unsafe path", |place| {
            place.list(&[("a", "a.json"), ("b", "../b.json"), ("c", "sub/c.json")]);
        }),
        ("a row with the file of another", |place| {
            place.list(&[("a", "a.json"), ("b", "a.json"), ("c", "sub/c.json")]);
        }),
        ("a row with the id of another", |place| {
            place.put("root.json", "{\"a\": \"a.json\", \"a\": \"b.json\", \"c\": \"sub/c.json\"}");
        }),
        ("another id and no JSON", |place| {
            place.put("b.json", "{\n");
            place.list(&[("a", "a.json"), ("new", "b.json"), ("c", "sub/c.json")]);
        }),
        ("another file and no JSON", |place| {
            place.put("new.json", "{\n");
            place.list(&[("a", "a.json"), ("b", "new.json"), ("c", "sub/c.json")]);
        }),
    ];
    for (what, break_it) in breaks {
        let place = Place::new();
        place.publisher().run().unwrap();
        let before = place.manifest();
        break_it(&place);
        place.put("sub/c.json", &definition("C", "2"));
        let report = place.lenient().run().unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(report.kept, ["b"], "{what}: {:?}", report.problems);
        assert_eq!((&*report.changed, report.entries), (&["c".to_owned()][..], 3), "{what}");
        assert!(report.added.is_empty() && report.removed.is_empty(), "{what}: {report:?}");
        assert_eq!(place.manifest().entry("b"), before.entry("b"), "{what}");
        assert_eq!(fs::read_to_string(place.out().join("b.json")).unwrap(), definition("B", "1"));
        let errors = |problem: &&Problem| problem.severity == Severity::Error;
        assert!(report.problems.iter().any(|problem| errors(&problem)), "{what}: not reported");

        // It is kept only as long as it is broken.
        let again = place.lenient().keep(1).run().unwrap();
        assert_eq!((again.outcome, again.kept.len()), (PublishOutcome::Unchanged, 1), "{what}");
        let _ = fs::remove_dir(place.catalog().join("b.json"));
        let _ = fs::remove_file(place.catalog().join("b.json"));
        place.put("b.json", &definition("B", "2"));
        place.list(&[("a", "a.json"), ("b", "b.json"), ("c", "sub/c.json")]);
        let repaired = place.lenient().run().unwrap();
        assert_eq!((repaired.kept.len(), repaired.changed), (0, vec!["b".to_owned()]), "{what}");
    }
}

#[test]
fn a_broken_definition_stays_published_in_place_too() {
    let place = Place::new();
    place.publisher().in_place().run().unwrap();
    place.put("b.json", "{\n");
    place.put("a.json", &definition("A", "2"));
    let report = place.lenient().in_place().run().unwrap();
    assert_eq!((&*report.kept, &*report.changed), (&["b".into()][..], &["a".into()][..]));
    assert_eq!(fs::read_to_string(place.catalog().join("b.json")).unwrap(), "{\n");
    let object =
        place.catalog().join(BY_SHA).join(Digest::of(definition("B", "1").as_bytes()).to_string());
    assert_eq!(fs::read_to_string(object).unwrap(), definition("B", "1"));
}

#[test]
fn a_broken_definition_that_was_never_published_is_left_out() {
    let place = Place::new();
    place.publisher().run().unwrap();
    place.put("d.json", "{\n");
    place.put("e.json", &definition("A", "1"));
    let rows = [("a", "a.json"), ("b", "b.json"), ("c", "sub/c.json")];
    place.list(&[&rows[..], &[("d", "d.json"), ("e", "e.json")]].concat());
    let report = place.lenient().run().unwrap();
    assert_eq!((report.outcome, report.entries), (PublishOutcome::Unchanged, 3));
    assert!(report.kept.is_empty(), "{:?}", report.kept);
    assert_eq!(report.problems.len(), 3);
}

#[test]
fn a_removed_definition_is_removed_even_if_others_are_broken() {
    let place = Place::new();
    place.publisher().run().unwrap();
    place.put("a.json", "{\n");
    place.remove("b.json");
    place.list(&[("a", "a.json"), ("c", "sub/c.json")]);
    let report = place.lenient().run().unwrap();
    assert_eq!((&*report.kept, &*report.removed), (&["a".into()][..], &["b".into()][..]));
}

#[test]
fn a_new_file_cannot_use_the_name_of_a_kept_definition() {
    let place = Place::new();
    place.publisher().run().unwrap();
    place.put("b.json", "{\n");
    // The same definition in another, earlier file; and its container in a third one.
    place.put("0.json", &definition("B", "2"));
    place.put("d.json", &definition("D", "1").replace("D-box", "B-box"));
    place.list(&[
        ("0", "0.json"),
        ("a", "a.json"),
        ("b", "b.json"),
        ("c", "sub/c.json"),
        ("d", "d.json"),
    ]);
    let report = place.lenient().run().unwrap();
    assert_eq!((report.outcome, &*report.kept), (PublishOutcome::Unchanged, &["b".into()][..]));
    let problems: Vec<String> = report.problems.iter().map(Problem::to_string).collect();
    assert!(problems.iter().any(|problem| problem.starts_with("0.json:1:7")), "{problems:#?}");
    assert!(problems.iter().any(|problem| problem.starts_with("d.json:2:")), "{problems:#?}");
}

#[test]
fn a_file_copied_over_another_removes_no_definition() {
    let place = Place::new();
    place.publisher().run().unwrap();
    place.put("b.json", &definition("C", "2"));
    let report = place.lenient().run().unwrap();
    assert_eq!((report.outcome, report.entries), (PublishOutcome::Unchanged, 3));
    assert_eq!(report.kept, ["b", "c"]);
}

#[test]
fn a_definition_that_requires_a_kept_one_is_updated() {
    let place = Place::new();
    place.put("a.json", &requiring("A", "1", "B"));
    place.publisher().run().unwrap();
    place.put("a.json", &requiring("A", "2", "B"));
    place.put("b.json", "{\n");
    let report = place.lenient().run().unwrap();
    assert_eq!((&*report.kept, &*report.changed), (&["b".into()][..], &["a".into()][..]));
    // If the required definition is removed on purpose, it is still kept, with a warning.
    place.list(&[("a", "a.json"), ("c", "sub/c.json")]);
    place.put("a.json", &requiring("A", "3", "B"));
    let report = place.lenient().run().unwrap();
    assert_eq!((&*report.kept, &*report.removed), (&["a".into()][..], &["b".into()][..]));
    let problems: Vec<String> = report.problems.iter().map(Problem::to_string).collect();
    let expected = "a.json: warning: in the published version: definition \"A\": \"requires\": \
                    no definition named \"B\"";
    assert_eq!(problems.last().map(String::as_str), Some(expected));
}

#[test]
fn an_invalid_list_removes_nothing() {
    for text in [None, Some("{\n"), Some("[]")] {
        let place = Place::new();
        place.publisher().run().unwrap();
        match text {
            Some(text) => place.put("root.json", text),
            None => place.remove("root.json"),
        }
        place.remove("b.json");
        place.put("a.json", &definition("A", "2"));
        place.put("d.json", &definition("D", "1"));
        let report = place.lenient().run().unwrap();
        assert_eq!((&*report.added, &*report.changed), (&["d".into()][..], &["a".into()][..]));
        // `c` is in a subdirectory, which is not searched; the file of `b` is missing.
        assert_eq!((&*report.removed, &*report.kept), (&[][..], &["b".into(), "c".into()][..]));
    }
}

#[test]
fn broken_files_of_the_format_files_are_kept_too() {
    let place = Place::new();
    place.remove("root.json");
    let publish = || place.lenient().format(Format::Files).run().unwrap();
    assert_eq!(publish().entries, 3);
    place.remove("a.json");
    std::os::unix::fs::symlink("b.json", place.catalog().join("a.json")).unwrap();
    let report = publish();
    assert_eq!((&*report.kept, report.entries), (&["a.json".into()][..], 3));
}

#[test]
fn nothing_is_left_out_if_the_last_publication_is_lost() {
    type Lose = fn(&Place);
    let lost: &[(&str, Lose)] = &[
        ("the published file", |place| {
            fs::remove_file(place.out().join("b.json")).unwrap();
            let digest = Digest::of(definition("B", "1").as_bytes()).to_string();
            fs::remove_file(place.out().join(BY_SHA).join(digest)).unwrap();
        }),
        ("the bytes of the published file", |place| {
            fs::write(place.out().join("b.json"), "other").unwrap();
        }),
        ("the manifest", |place| {
            fs::remove_dir_all(place.out().join(BY_SHA)).unwrap();
            fs::remove_file(place.out().join("root.json")).unwrap();
        }),
    ];
    for (what, lose) in lost {
        let place = Place::new();
        place.publisher().run().unwrap();
        lose(&place);
        place.put("b.json", "{\n");
        let before = snapshot(&place.out());
        let error = place.lenient().run().expect_err(what);
        assert_eq!(error.kind(), ErrorKind::Catalog, "{what}");
        assert!(snapshot(&place.out()) == before, "{what}");
        // A repaired definition repairs the tree.
        place.put("b.json", &definition("B", "1"));
        assert_eq!(place.lenient().run().unwrap().entries, 3, "{what}");
    }
    // A file can also be kept from its named copy.
    let place = Place::new();
    place.publisher().run().unwrap();
    fs::remove_dir_all(place.out().join(BY_SHA)).unwrap();
    place.put("b.json", "{\n");
    assert_eq!(place.lenient().run().unwrap().kept, ["b"]);
    assert_eq!(place.lenient().run().unwrap().outcome, PublishOutcome::Unchanged);
}

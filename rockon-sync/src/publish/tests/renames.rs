//! Former names: derived, stated by definitions, and carried on.

use super::*;
use crate::tree::manifest::Entry;

/// Returns a definition file with these definitions, each a name with its images and more fields.
fn file(definitions: &[(&str, &[&str], &str)]) -> String {
    let definition = |(name, images, more): &(&str, &[&str], &str)| {
        let container = |(n, image): (usize, &&str)| {
            format!("\"{name}-{n}\": {{\"image\": \"{image}\", \"launch_order\": 1}}")
        };
        let containers: Vec<String> = images.iter().enumerate().map(container).collect();
        format!(
            "\"{name}\": {{\"description\": \"\", \"website\": \"\", \"version\": \"1\"{more},\n \
             \"containers\": {{{}}}}}",
            containers.join(",\n")
        )
    };
    let definitions: Vec<String> = definitions.iter().map(definition).collect();
    format!("{{{}}}\n", definitions.join(",\n"))
}

/// Returns a definition file with one definition, which uses the image `i`.
fn one(name: &str) -> String {
    file(&[(name, &["i"], "")])
}

impl Place {
    /// Publishes and returns the renames, `from -> to (id)`.
    fn renamed(&self) -> Vec<String> {
        let report = self.publisher().run().unwrap();
        let line = |found: &Renamed| format!("{} -> {} ({})", found.from, found.to, found.id);
        report.renamed.iter().map(line).collect()
    }

    fn entry(&self, id: &str) -> Entry {
        manifest_in(&self.out(), "root.json").entry(id).unwrap().clone()
    }

    fn formerly(&self, id: &str) -> Vec<String> {
        let names = self.entry(id).formerly().unwrap();
        names.iter().map(ToString::to_string).collect()
    }
}

#[test]
fn a_definition_with_a_new_name_and_the_same_image_is_renamed() {
    let place = Place::new();
    place.put("a.json", &file(&[("A", &["db:1", "h:5000/app:1.0"], "")]));
    assert_eq!(place.renamed(), [""; 0]);
    place.put("a.json", &file(&[("A2", &["h:5000/app@sha256:00", "cache"], "")]));
    assert_eq!(place.renamed(), ["A -> A2 (a)"]);
    let row = fs::read_to_string(place.out().join("root.json")).unwrap();
    assert!(row.contains("\"names\":[\"A2\"],\"formerly\":[\"A\"]}"), "{row}");
    // It is renamed once, and keeps its former name. The publication is the same again.
    let report = place.publisher().run().unwrap();
    assert_eq!((report.outcome, report.renamed.len()), (PublishOutcome::Unchanged, 0));
    // A chain, with other containers in between.
    place.put("a.json", &file(&[("A2", &["other"], "")]));
    assert_eq!(place.renamed(), [""; 0]);
    place.put("a.json", &file(&[("A3", &["other:2"], "")]));
    assert_eq!(place.renamed(), ["A2 -> A3 (a)"]);
    assert_eq!(place.formerly("a"), ["A2", "A"]);
    // The key of the entry does not matter, only its path.
    place.list(&[("x", "a.json"), ("b", "b.json"), ("c", "sub/c.json")]);
    place.put("a.json", &file(&[("A4", &["other"], "")]));
    assert_eq!(place.renamed(), ["A3 -> A4 (x)"]);
    assert_eq!(place.formerly("x"), ["A3", "A2", "A"]);
}

#[test]
fn a_name_that_is_used_again_is_no_former_name() {
    let place = Place::new();
    place.renamed();
    place.put("a.json", &definition("A2", "1"));
    assert_eq!(place.renamed(), ["A -> A2 (a)"]);
    place.put("d.json", &definition("A", "1"));
    let rows = [("a", "a.json"), ("b", "b.json"), ("c", "sub/c.json"), ("d", "d.json")];
    place.list(&rows);
    assert_eq!(place.renamed(), [""; 0]);
    assert_eq!(place.formerly("a"), [""; 0]);
    assert_eq!(place.entry("a").extra().count(), 0);
    // The other way round, a name can come back.
    place.list(&rows[..3]);
    place.renamed();
    place.put("a.json", &definition("A", "1"));
    assert_eq!(place.renamed(), ["A2 -> A (a)"]);
    assert_eq!(place.formerly("a"), ["A2"]);
}

#[test]
fn what_may_be_another_definition_is_not_renamed() {
    let (a, b) = (one("A"), one("B"));
    // The files `a.json` and `b.json` before and after.
    for (what, before, after) in [
        ("another image", [&*a, &b], [&*file(&[("N", &["j"], "")]), &b]),
        ("no image", [&file(&[("A", &[""], "")]), &b], [&file(&[("N", &[""], "")]), &b]),
        ("exchanged", [&a, &b], [&b, &a]),
        ("moved to another file", [&a, &b], [&one("N"), &a]),
        ("was published elsewhere", [&a, &b], [&b, &one("N2")]),
        ("several before", [&file(&[("A", &["i"], ""), ("D", &["i"], "")]), &b], [&one("N"), &b]),
        ("several now", [&a, &b], [&file(&[("N", &["i"], ""), ("D", &["i"], "")]), &b]),
        (
            "one of two",
            [&file(&[("A", &["i"], ""), ("D", &["i"], "")]), &b],
            [&file(&[("N", &["i"], ""), ("D", &["i"], "")]), &b],
        ),
    ] {
        let place = Place::new();
        place.put("a.json", before[0]);
        place.put("b.json", before[1]);
        place.renamed();
        place.put("a.json", after[0]);
        place.put("b.json", after[1]);
        let renamed = place.renamed();
        let is_expected =
            |line: &String| what == "was published elsewhere" && line.ends_with("(b)");
        assert!(renamed.iter().all(is_expected), "{what}: {renamed:?}");
        assert_eq!(place.formerly("a"), [""; 0], "{what}");
    }
}

#[test]
fn former_names_that_a_definition_states_are_published() {
    let place = Place::new();
    place.renamed();
    // A file that moves, and other containers.
    fs::remove_file(place.catalog().join("a.json")).unwrap();
    place.put("n.json", &file(&[("N", &["j"], ", \"formerly\": \"A\"")]));
    place.list(&[("n", "n.json"), ("b", "b.json"), ("c", "sub/c.json")]);
    assert_eq!(place.renamed(), ["A -> N (n)"]);
    assert_eq!(place.formerly("n"), ["A"]);
    // The statement may go again.
    place.put("n.json", &file(&[("N", &["j"], "")]));
    assert_eq!(place.renamed(), [""; 0]);
    assert_eq!(place.formerly("n"), ["A"]);
    // It comes first, is not repeated, and replaces what would be derived.
    place.put("n.json", &file(&[("O", &["j"], ", \"formerly\": [\"Z\", \"A\"]")]));
    assert_eq!(place.renamed(), [""; 0]);
    assert_eq!(place.formerly("n"), ["Z", "A"]);
    // A name that another definition states is not derived, and not carried on.
    place.put("n.json", &file(&[("P", &["j"], "")]));
    place.put("b.json", &file(&[("B", &["i"], ", \"formerly\": [\"O\", \"Z\"]")]));
    assert_eq!(place.renamed(), [""; 0]);
    assert_eq!((place.formerly("n").len(), place.formerly("b").join(" ")), (0, "O Z A".into()));
}

#[test]
fn former_names_that_cannot_be_right_are_problems() {
    let stated =
        |name: &str, value: &str| file(&[(name, &["i"], &format!(", \"formerly\": {value}"))]);
    let many: Vec<String> = (0..17).map(|n| format!("\"{n}\"")).collect();
    let two = file(&[("A", &["i"], ", \"formerly\": \"O\""), ("D", &["i"], "")]);
    for (a, expected) in [
        (stated("A", "1"), "expected a name or an array of names, got a number"),
        (stated("A", "[1]"), "expected an array of names"),
        (stated("A", "\"\""), "invalid name \"\": empty"),
        (stated("A", "\"x\\ny\""), "invalid name \"x\\ny\": control character"),
        (stated("A", "[\"O\", \"O\"]"), "duplicate name \"O\""),
        (stated("A", &format!("[{}]", many.join(","))), "expected at most 16 names, got 17"),
        (stated("A", "\"A\""), "expected former names, got the current one"),
        (two, "expected one definition in the file, got 2"),
        (stated("A", "\"C\""), "\"C\" is published"),
        (stated("A", "\"O\""), "\"O\" is a former name of \"A\" already"),
    ] {
        let place = Place::new();
        place.put("a.json", &a);
        place.put(
            "b.json",
            &stated("B", if expected.ends_with("already") { "\"O\"" } else { "[]" }),
        );
        let error = place.publisher().run().unwrap_err();
        let problems: Vec<_> = error.problems().iter().map(Problem::to_string).collect();
        let [problem] = &*problems else { panic!("{expected}: {problems:#?}") };
        assert!(problem.ends_with(&format!("\"formerly\": {expected}")), "{problem}");
        // A lenient publication leaves this file out.
        let report = place.publisher().leniency(Leniency::LeaveOut).run().unwrap();
        assert_eq!((report.entries, report.problems.len()), (2, 1), "{expected}");
    }
}

#[test]
fn kept_entries_keep_their_former_names() {
    let place = Place::new();
    place.renamed();
    place.put("a.json", &definition("A2", "1"));
    place.renamed();
    let entry = place.entry("a");
    place.put("a.json", "broken");
    let lenient = || place.publisher().leniency(Leniency::LeaveOut).run().unwrap();
    assert_eq!(lenient().kept, ["a"]);
    assert_eq!(place.entry("a"), entry);
    // But not a name that is used again.
    place.put("b.json", &definition("A", "1"));
    assert_eq!(lenient().kept, ["a"]);
    assert_eq!(place.formerly("a"), [""; 0]);
    assert_eq!(place.entry("a").updated(), entry.updated());
}

#[test]
fn a_rename_whose_old_file_is_lost_is_a_warning() {
    let place = Place::new();
    place.renamed();
    for lost in [
        place.out().join("a.json"),
        place.out().join(BY_SHA).join(Digest::of(definition("A", "1").as_bytes()).to_string()),
    ] {
        fs::remove_file(lost).unwrap();
    }
    place.put("a.json", &definition("A2", "1"));
    let report = place.publisher().run().unwrap();
    assert_eq!(report.renamed, []);
    let warnings: Vec<_> = report.problems.iter().map(Problem::to_string).collect();
    assert_eq!(
        warnings,
        [
            "a.json: warning: the published version is missing or damaged, so \"A2\" may be a rename \
             of \"A\" that clients are not told about; \"formerly\" can state it"
        ]
    );
}

#[test]
fn at_most_16_former_names_are_published() {
    let place = Place::new();
    for n in 0..20 {
        place.put("a.json", &definition(&format!("A{n}"), "1"));
        place.renamed();
    }
    let expected: Vec<String> = (3..19).rev().map(|n| format!("A{n}")).collect();
    assert_eq!(place.formerly("a"), expected);
}

#[test]
fn renames_are_derived_in_place_too() {
    let place = Place::new();
    let run = || place.publisher().in_place().run().unwrap().renamed.len();
    assert_eq!(run(), 0);
    place.put("a.json", &definition("A2", "1"));
    assert_eq!(run(), 1);
}

/// Returns the problems of files of the catalog.
fn reviewed(place: &Place, names: &[&str]) -> Vec<String> {
    let files = names.iter().map(|name| place.catalog().join(name));
    let reviewed = review_files(files).unwrap();
    let problems = reviewed.iter().flat_map(|file| &file.problems);
    let dir = format!("{}/", place.catalog().display());
    problems.map(|problem| problem.to_string().replace(&dir, "")).collect()
}

#[test]
fn a_review_warns_about_a_name_that_disappears() {
    let warning = |file: &str, name: &str| {
        format!(
            "{file}: warning: the published definition {name:?} disappears without a successor, \
             which could state it as \"formerly\""
        )
    };
    let nothing = [""; 0];
    for in_place in [false, true] {
        let place = Place::new();
        let publisher = place.publisher().out(place.catalog().join("v2"));
        let publisher = if in_place { publisher.in_place() } else { publisher };
        place.put("a.json", &file(&[("A", &["i"], ""), ("A2", &["i2"], "")]));
        assert_eq!(reviewed(&place, &["a.json", "b.json"]), nothing, "nothing is published");
        publisher.run().unwrap();
        assert_eq!(reviewed(&place, &["a.json", "b.json", "sub/c.json"]), nothing);
        // A renamed definition, and one with another image.
        place.put("b.json", &one("N"));
        assert_eq!(reviewed(&place, &["b.json"]), nothing);
        place.put("b.json", &file(&[("N", &["j"], "")]));
        place.put("sub/c.json", &file(&[("O", &["j"], "")]));
        let expected = [warning("b.json", "B"), warning("sub/c.json", "C")];
        assert_eq!(
            reviewed(&place, &["a.json", "sub/c.json", "b.json"]),
            [expected[1].clone(), expected[0].clone()]
        );
        place.put("b.json", &file(&[("N", &["j"], ", \"formerly\": \"B\"")]));
        assert_eq!(reviewed(&place, &["b.json"]), nothing);
        // It moved to another file, which is known only if it is checked too.
        place.put("a.json", &file(&[("A", &["i"], "")]));
        place.put("new.json", &file(&[("A2", &["i"], "")]));
        assert_eq!(reviewed(&place, &["a.json"]), [warning("a.json", "A2")]);
        assert_eq!(reviewed(&place, &["new.json", "a.json"]), nothing);
        // A file outside of any catalog is compared with nothing.
        let outside = place.dir.path().join("b.json");
        fs::write(&outside, one("N")).unwrap();
        assert_eq!(review_files([outside]).unwrap()[0].problems, []);
    }
}

#[test]
fn a_review_reports_a_damaged_tree() {
    let place = Place::new();
    let tree = place.catalog().join("v2");
    let manifest = place.publisher().out(&tree).run().unwrap().manifest;
    fs::remove_file(tree.join("root.json")).unwrap();
    fs::remove_file(tree.join(BY_SHA).join(manifest.to_string())).unwrap();
    let expected = "v2/root.json: warning: missing or damaged; published names are not compared";
    assert_eq!(reviewed(&place, &["a.json", "b.json"]), [expected]);
    fs::write(tree.join("root.sha"), "no head").unwrap();
    let error = review_files([place.catalog().join("a.json")]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Head);
}

//! Checks of files and directories that are not published.

use super::*;

/// Returns the problems and the names of the definitions below `dir`.
fn review(dir: &Path, names: &[&str]) -> (Vec<String>, Vec<String>) {
    let reviewed = review_files(names.iter().map(|name| dir.join(name))).unwrap();
    let prefix = format!("{}/", dir.display());
    let problems = reviewed.iter().flat_map(|file| &file.problems);
    let problems = problems.map(|problem| problem.to_string().replace(&prefix, ""));
    let definitions = reviewed.iter().flat_map(|file| &file.definitions);
    (problems.collect(), definitions.map(|definition| definition.name.clone()).collect())
}

#[test]
fn a_catalog_directory_is_checked_as_publish_does() {
    let place = Place::new();
    let dir = place.dir.path();
    let all = vec!["A".to_owned(), "B".to_owned(), "C".to_owned()];
    assert_eq!(review(dir, &["catalog"]), (vec![], all));
    place.put("extra.json", &definition("X", "1"));
    place.put(
        "b.json",
        &definition("B", "1").replace("\"version\"", "\"requires\": \"Z\", \"version\""),
    );
    place.list(&[("a", "a.json"), ("a", "b.json"), ("b", "b.json"), ("m", "missing.json")]);
    let (problems, names) = review(dir, &["catalog"]);
    let published = place.publisher().run().unwrap_err();
    let mut expected: Vec<String> =
        published.problems().iter().map(|problem| format!("catalog/{problem}")).collect();
    let mut found = problems;
    expected.sort();
    found.sort();
    assert_eq!(found, expected);
    assert!(found.iter().any(|problem| problem.contains("missing.json")), "{found:#?}");
    assert!(found.iter().any(|problem| problem.contains("\"Z\"")), "{found:#?}");
    assert_eq!(names, ["A", "B"]);
}

#[test]
fn a_directory_without_a_list_is_checked_file_by_file() {
    let place = Place::new();
    fs::remove_file(place.catalog().join("root.json")).unwrap();
    place.put("b.json", &definition("A", "1"));
    let (problems, _) = review(place.dir.path(), &["catalog"]);
    assert_eq!(
        problems[0],
        "catalog/root.json: warning: missing; publish expects the list of the catalog's files there"
    );
    assert!(problems[1].starts_with("catalog/b.json:1:7: duplicate definition \"A\""));
    assert_eq!(problems.len(), 3, "{problems:#?}");
    fs::create_dir(place.dir.path().join("empty")).unwrap();
    let (problems, _) = review(place.dir.path(), &["empty"]);
    assert_eq!(problems[1..], ["empty/root.json: no entries to publish"]);
}

#[test]
fn the_list_among_files_is_not_a_definition() {
    let place = Place::new();
    let dir = place.catalog();
    let names = || vec!["A".to_owned(), "B".to_owned()];
    let files = ["a.json", "b.json", "root.json"];
    assert_eq!(review(&dir, &files), (vec![], names()));
    let problem = |text: &str| vec![format!("root.json:1:7: entry \"a\": {text}")];
    place.put("root.json", "{\"a\": 1}");
    assert_eq!(review(&dir, &files), (problem("expected a file name, got a number"), names()));
    // Problems of the other files are theirs.
    place.put("root.json", "{\"a\": \"none.json\", \"b\": \"sub/c.json\"}");
    place.put("sub/c.json", "no definition");
    let missing = problem("\"none.json\": no such file");
    assert_eq!(review(&dir, &files), (missing.clone(), names()));
    assert_eq!(review(&dir, &["root.json"]), (missing, vec![]));
}

#[test]
fn files_of_a_tree_in_place_are_not_definitions() {
    let place = Place::new();
    place.publisher().in_place().run().unwrap();
    let files = ["a.json", "history.json", "root.v2.json"];
    assert_eq!(review(&place.catalog(), &files), (vec![], vec!["A".to_owned()]));
    let all = ["A", "B", "C"].map(str::to_owned).to_vec();
    assert_eq!(review(place.dir.path(), &["catalog"]), (vec![], all));
}

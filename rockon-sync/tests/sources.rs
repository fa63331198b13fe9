//! The command where it chooses: what fits a machine, what is new, what hides what.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod desk;

use std::fs;

use rockon_sync_tests::{Action, Match, Times};
use serde_json::{Value, json};

use desk::{Desk, code, stderr, stdout};

/// The names of a list, in its order.
fn names(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap()).collect()
}

/// The row of a list with this name.
fn row<'a>(list: &'a Value, name: &str) -> &'a Value {
    list.as_array().unwrap().iter().find(|row| row["name"] == name).unwrap()
}

/// Puts further text into the sample definition `kopia`.
fn edit_kopia(desk: &Desk, from: &str, to: &str) {
    let file = desk.path("catalog/kopia.json");
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.contains(from));
    fs::write(file, text.replacen(from, to, 1)).unwrap();
}

#[test]
fn a_list_leaves_out_what_does_not_fit_and_says_why_when_asked() {
    let desk = Desk::new();
    let field = "\"arch\": [\"aarch64\"], \"min_version\": \"5.10\", \"website\"";
    edit_kopia(&desk, "\"website\"", field);
    let published = desk.json(&["publish", "catalog", "--json"]);
    let kopia = json!({"arch": ["arm64"], "min_version": "5.10"});
    assert_eq!(published["targets"]["kopia"], kopia);
    assert_eq!(code(&desk.update(&["-q"])), 0);
    desk.server.on(Match::Any, Times::Always, Action::Die);

    let list = |more: &[&str]| desk.json(&[&["list", "--store", "store", "--json"], more].concat());
    let everything = list(&[]);
    assert_eq!(names(&everything).len(), 16);
    assert_eq!(row(&everything, "Kopia")["arch"], json!(["arm64"]));
    for (args, shows_kopia) in [
        (&["--arch", "arm64"][..], true),
        (&["--arch", "x86_64"], false),
        (&["--version", "5.10.0-0"], true),
        (&["--version", "5.9.2"], false),
        (&["--arch", "arm64", "--version", "6"], true),
    ] {
        let fitting = list(args);
        assert_eq!(names(&fitting).contains(&"Kopia"), shows_kopia, "{args:?}");
        // What says nothing is for every machine.
        assert!(names(&fitting).contains(&"Immich"), "{args:?}");
    }
    let all = list(&["--all", "--arch", "amd64", "--version", "5.9"]);
    let reasons: Vec<_> = row(&all, "Kopia")["mismatches"].as_array().unwrap().to_vec();
    assert_eq!(reasons[0]["message"], "available for arm64 only, not for amd64");
    assert_eq!(reasons[1]["reason"], "version");
    let text = stdout(&desk.run(&["list", "--store", "store", "--all", "--arch", "amd64"]));
    assert!(text.contains("available for arm64 only, not for amd64"), "{text}");
    for bad in [["--arch", "a b"], ["--version", "new"], ["--updated-since", "today"]] {
        assert_eq!(code(&desk.run(&[&["list", "--store", "store"][..], &bad].concat())), 2);
    }
}

#[test]
fn publish_says_what_it_cannot_understand() {
    let desk = Desk::new();
    edit_kopia(&desk, "\"website\"", "\"arch\": 64, \"min_version\": \"new\", \"website\"");
    let output = desk.run(&["publish", "catalog"]);
    assert_eq!(code(&output), 1);
    let said = stderr(&output);
    assert!(said.contains("\"arch\": expected an architecture such as \"arm64\""), "{said}");
    assert!(said.contains("\"min_version\": expected a version"), "{said}");
}

#[test]
fn a_list_of_what_is_new() {
    let desk = Desk::new();
    assert_eq!(code(&desk.update(&["-q"])), 0);
    edit_kopia(&desk, "\"website\"", "\"more\": 1, \"website\"");
    let publish =
        desk.command(&["publish", "catalog"]).env("SOURCE_DATE_EPOCH", "1795400000").output();
    assert_eq!(code(&publish.unwrap()), 0);
    assert_eq!(code(&desk.update(&["-q"])), 0);
    let list = |since| desk.json(&["list", "--store", "store", "--json", "--updated-since", since]);
    assert_eq!(names(&list("2026-11-23")), ["Kopia"]);
    assert_eq!(names(&list("2026-11-22T03:04:06Z")), ["Kopia"]);
    assert_eq!(names(&list("2026-11-22")).len(), 16);
    assert_eq!(names(&list("2030-01-01")), [""; 0]);
    // What was put there by hand has no time, and is not passed over in silence.
    fs::create_dir(desk.path("store/local")).unwrap();
    fs::copy(desk.path("catalog/kopia.json"), desk.path("store/local/kopia.json")).unwrap();
    let output = desk.run(&["list", "--store", "store", "--updated-since", "2026-01-01"]);
    assert!(
        stderr(&output).contains("1 definition of which no time is known"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn a_local_definition_shows_at_the_next_list_and_says_what_it_hides() {
    let desk = Desk::new();
    assert_eq!(code(&desk.update(&["-q"])), 0);
    desk.server.reset();
    fs::create_dir(desk.path("store/local")).unwrap();
    fs::copy(desk.path("catalog/kopia.json"), desk.path("store/local/mine.json")).unwrap();
    let list = desk.json(&["list", "--store", "store", "--json"]);
    assert_eq!((names(&list).len(), &row(&list, "Kopia")["source"]), (16, &json!("local")));
    let all = desk.json(&["list", "--store", "store", "--all", "--json"]);
    let hidden = all.as_array().unwrap().last().unwrap();
    assert_eq!((names(&all).len(), &hidden["name"]), (17, &json!("Kopia")));
    assert_eq!((&hidden["source"], &hidden["shadowed_by"]), (&json!("rockstor"), &json!("local")));
    let text = stdout(&desk.run(&["list", "--store", "store", "--all"]));
    assert!(text.contains("replaced by local"), "{text}");
    assert_eq!(desk.server.request_count(), 0, "no network is asked");
}

#[test]
fn check_finds_what_publish_finds_and_says_what_is_overridden() {
    let desk = Desk::new();
    assert_eq!(code(&desk.update(&["-q"])), 0);
    let good = desk.json(&["check", "catalog/kopia.json", "--store", "store", "--json"]);
    assert_eq!(good["files"][0]["problems"], json!([]));
    let kopia = &good["files"][0]["definitions"][0];
    assert_eq!((&kopia["name"], &kopia["overrides"]), (&json!("Kopia"), &json!("rockstor")));
    assert_eq!(kopia["arch"], json!(["amd64", "arm64"]));
    // In the local folder it does not override itself, but still the published one.
    fs::create_dir(desk.path("store/local")).unwrap();
    fs::copy(desk.path("catalog/kopia.json"), desk.path("store/local/mine.json")).unwrap();
    let text = desk.run(&["check", "store/local/mine.json", "--store", "store"]);
    let expected =
        "store/local/mine.json: \"Kopia\", for amd64, arm64, overrides the one of rockstor\n";
    assert_eq!((code(&text), &*stdout(&text)), (0, expected));

    fs::write(desk.path("bad.json"), "{\n \"Mine\": {},\n}").unwrap();
    edit_kopia(&desk, "\"website\"", "\"site\"");
    let output = desk.run(&["check", "bad.json", "catalog/kopia.json", "--json"]);
    assert_eq!(code(&output), 1);
    let said = stderr(&output);
    for problem in [
        "bad.json:3:1: not JSON",
        "catalog/kopia.json:2:14: definition \"Kopia\": \"website\" is missing",
        "this would not be published: 2 problems",
    ] {
        assert!(said.contains(problem), "{problem}: {said}");
    }
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["files"][1]["problems"][0]["line"], 2);
    // Names are unique among the files as well.
    let twice = desk.run(&["check", "store/local/mine.json", "store/local/mine.json"]);
    assert!(stderr(&twice).contains("the definition \"Kopia\" is at store/local/mine.json:2:"));
    for (args, expected) in [(&["check", "none.json"][..], 1), (&["check"], 2)] {
        assert_eq!(code(&desk.run(args)), expected);
    }
}

//! The command where it chooses: what fits a machine, what is new, what hides what.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![allow(clippy::disallowed_methods, reason = "the paths of a test can be looked at")]

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
    let reasons: Vec<_> = row(&all, "Kopia")["mismatches"].as_array().unwrap().clone();
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

/// The state and the names of what `source list` shows.
fn followed(desk: &Desk) -> Vec<(String, String)> {
    let list = desk.json(&["source", "list", "--store", "store", "--json"]);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let rows = list.as_array().unwrap().iter();
    rows.map(|row| (text(&row["source"]), text(&row["state"]))).collect()
}

#[test]
fn a_list_of_sources_does_it_all() {
    let desk = Desk::new();
    let add = |more: &[&str]| desk.run(&[&["source", "add", "--store", "store"], more].concat());
    let url = desk.server.url();
    assert_eq!(code(&add(&["main", &url])), 0);
    assert_eq!(code(&add(&["extra", "catalog", "--first", "--timeout", "60"])), 0);
    assert_eq!(code(&add(&["last", "nowhere", "catalog", "--before", "main"])), 0);
    let names = ["extra", "last", "main"].map(|name| (name.to_owned(), "followed".to_owned()));
    assert_eq!(followed(&desk), names);
    let text = stdout(&desk.run(&["source", "list", "--store", "store"]));
    assert!(text.starts_with("SOURCE") && text.contains(&url), "{text}");

    // Without a word more, from wherever it is run.
    let report = desk.json(&["update", "--store", "store", "--json"]);
    let reported: Vec<_> =
        report["sources"].as_array().unwrap().iter().map(|row| &row["source"]).collect();
    assert_eq!(reported, ["extra", "last", "main"]);
    let list = desk.json(&["list", "--store", "store", "--json"]);
    assert_eq!(row(&list, "Kopia")["source"], "extra", "the first wins");
    let all = desk.json(&["list", "--store", "store", "--all", "--json"]);
    assert_eq!(all.as_array().unwrap().len(), 48);
    assert_eq!(all[16]["shadowed_by"], "extra");

    // What is no longer enabled stays as it is; what is removed is gone.
    let file = desk.path("store/sources.toml");
    let text = fs::read_to_string(&file).unwrap();
    let text =
        text.replacen("name = \"extra\"", "# for a while\nname = \"extra\"\nenabled = false", 1);
    fs::write(&file, text).unwrap();
    let report = desk.json(&["update", "--store", "store", "--json"]);
    assert_eq!(report["sources"].as_array().unwrap().len(), 2);
    let remove = |more: &[&str]| {
        code(&desk.run(&[&["source", "remove", "--store", "store"], more].concat()))
    };
    assert_eq!(remove(&["last"]), 0);
    assert!(!desk.path("store/last").exists());
    assert_eq!(remove(&["extra", "--keep-data"]), 0);
    assert_eq!(remove(&["extra", "--keep-data"]), 1, "it is not there any more");
    let states = [("main", "followed"), ("extra", "unlisted")];
    assert_eq!(followed(&desk), states.map(|(name, state)| (name.into(), state.into())));
    let list = desk.json(&["list", "--store", "store", "--json"]);
    assert_eq!(row(&list, "Kopia")["source"], "main");
    let report = desk.json(&["update", "--store", "store", "--json"]);
    assert_eq!(report["source"], "main", "one is reported as one");
    for (bad, expected) in [
        (&["main", "http://h/"][..], 2),
        (&["x", "http://me:geheim@h/"], 2),
        (&["x", "http://h/?token=geheim"], 2),
        (&["x", "http://h/", "--before", "none"], 2),
        (&["X", "http://h/"], 2),
        (&["x"], 2),
    ] {
        let output = add(bad);
        assert_eq!(code(&output), expected, "{bad:?}");
        assert!(!stderr(&output).contains("geheim"), "{}", stderr(&output));
    }
    fs::write(desk.path("store/sources.toml"), "[[source]]\nname = \"a\"\nurl = \"http://h/\"\n")
        .unwrap();
    let output = desk.run(&["update", "--store", "store"]);
    assert_eq!(code(&output), 2);
    assert!(stderr(&output).contains("\"url\" is not known"), "{}", stderr(&output));
}

#[test]
fn the_worst_source_decides_the_exit_code_and_the_others_are_updated() {
    let desk = Desk::new();
    let missing = [
        "source",
        "add",
        "private",
        "http://h.invalid/",
        "--store",
        "store",
        "--token-env",
        "NO_SUCH",
    ];
    assert_eq!(code(&desk.run(&missing)), 0);
    assert_eq!(code(&desk.run(&["source", "add", "good", "catalog", "--store", "store"])), 0);
    let output = desk.run(&["update", "--store", "store", "--json"]);
    assert_eq!(code(&output), 2, "{}", stderr(&output));
    assert!(stderr(&output).contains("the environment variable NO_SUCH is not set"));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let outcome = |n: usize| report["sources"][n]["outcome"].clone();
    assert_eq!((outcome(0), outcome(1)), (json!("failed"), json!("updated")));
}

#[test]
fn secrets_open_a_source_and_are_found_nowhere() {
    let desk = Desk::new();
    let url = desk.server.url();
    let key = desk.path("password");
    fs::write(&key, "geheim3\n").unwrap();
    let key = key.display().to_string();
    let add = [
        "source",
        "add",
        "private",
        &url,
        "--store",
        "store",
        "--token-env",
        "TOKEN",
        "--token-name",
        "dlid",
        "--header-env",
        "X-Key:KEY",
        "--user",
        "me",
        "--password-file",
        &key,
    ];
    assert_eq!(code(&desk.run(&add)), 0);
    let run = |args: &[&str]| {
        let mut command = desk.command(args);
        command.env("TOKEN", "geheim1").env("KEY", "geheim2").env("RUST_LOG", "trace");
        command.output().unwrap()
    };
    let opened = || {
        let log = desk.server.take_log();
        assert!(!log.is_empty());
        log.iter().all(|request| {
            request.target.ends_with("?dlid=geheim1")
                && request.header("X-Key") == Some("geheim2")
                && request.header("Authorization") == Some("Basic bWU6Z2VoZWltMw==")
        })
    };
    let quiet = |output: &std::process::Output| {
        let told = stdout(output) + &stderr(output);
        assert!(!told.contains("geheim") && !told.contains("bWU6Z2"), "{told}");
    };
    let output = run(&["update", "--store", "store", "--json", "-vv"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    quiet(&output);
    assert!(opened());
    quiet(&run(&["source", "list", "--store", "store", "--json"]));
    quiet(&run(&["status", "--store", "store"]));
    // The same from the command line.
    let source = format!("other={url}");
    let output = run(&[
        "update",
        "--store",
        "second",
        "--source",
        &source,
        "--token-env",
        "other=TOKEN",
        "--token-name",
        "dlid",
        "--header-env",
        "X-Key:KEY",
        "--user",
        "me",
        "--password-env",
        "PASSWORD",
    ]);
    assert_eq!(code(&output), 2, "{}", stderr(&output));
    let output = desk
        .command(&[
            "update",
            "--store",
            "second",
            "--source",
            &source,
            "--token-env",
            "other=TOKEN",
            "--token-name",
            "dlid",
            "--header-env",
            "X-Key:KEY",
            "--user",
            "me",
            "--password-env",
            "PW",
        ])
        .envs([("TOKEN", "geheim1"), ("KEY", "geheim2"), ("PW", "geheim3")])
        .output()
        .unwrap();
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert!(opened());
    quiet(&output);
    for store in ["store", "second"] {
        let mut search = std::process::Command::new("grep");
        search.args(["-rl", "geheim", store]).current_dir(desk.folder.path());
        let found = search.output().unwrap();
        assert_eq!(stdout(&found), "");
    }
}

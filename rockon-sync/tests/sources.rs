//! Lists, sources and local definitions on the command line.

#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
#![allow(clippy::disallowed_methods, reason = "tests may look at paths")]

mod catalog;

use std::fs;
use std::os::unix::fs::PermissionsExt;

use rockon_sync_tests::{Action, Match, Times};
use serde_json::{Value, json};

use catalog::{TestCatalog, code, stderr, stdout};

/// Returns the names in a list, in order.
fn names(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap()).collect()
}

/// Returns the row of a list with this name.
fn row<'a>(list: &'a Value, name: &str) -> &'a Value {
    list.as_array().unwrap().iter().find(|row| row["name"] == name).unwrap()
}

/// Edits the sample definition `kopia`.
fn edit_kopia(catalog: &TestCatalog, from: &str, to: &str) {
    let file = catalog.path("catalog/kopia.json");
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.contains(from));
    fs::write(file, text.replacen(from, to, 1)).unwrap();
}

#[test]
fn list_omits_unsuitable_definitions_and_all_gives_the_reasons() {
    let catalog = TestCatalog::new();
    let field = "\"arch\": [\"aarch64\"], \"min_version\": \"5.10\", \"website\"";
    edit_kopia(&catalog, "\"website\"", field);
    let published = catalog.json(&["publish", "catalog", "--json"]);
    let kopia = json!({"arch": ["arm64"], "min_version": "5.10"});
    assert_eq!(published["targets"]["kopia"], kopia);
    assert_eq!(code(&catalog.update(&["-q"])), 0);
    catalog.server.on(Match::Any, Times::Always, Action::Die);

    let list =
        |more: &[&str]| catalog.json(&[&["list", "--store", "store", "--json"], more].concat());
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
        let suitable = list(args);
        assert_eq!(names(&suitable).contains(&"Kopia"), shows_kopia, "{args:?}");
        // Definitions without restrictions suit every machine.
        assert!(names(&suitable).contains(&"Immich"), "{args:?}");
    }
    let all = list(&["--all", "--arch", "amd64", "--version", "5.9"]);
    let reasons: Vec<_> = row(&all, "Kopia")["mismatches"].as_array().unwrap().clone();
    assert_eq!(reasons[0]["message"], "available for arm64 only, not for amd64");
    assert_eq!(reasons[1]["reason"], "version");
    let text = stdout(&catalog.run(&["list", "--store", "store", "--all", "--arch", "amd64"]));
    assert!(text.contains("available for arm64 only, not for amd64"), "{text}");
    let bad = catalog.run(&["list", "--store", "store", "--arch", "amd46"]);
    assert!(stderr(&bad).contains("expected an architecture (amd64, arm64"), "{}", stderr(&bad));
    for bad in
        [["--arch", "a b"], ["--arch", "foo"], ["--version", "new"], ["--updated-since", "today"]]
    {
        assert_eq!(code(&catalog.run(&[&["list", "--store", "store"][..], &bad].concat())), 2);
    }
}

#[test]
fn publish_reports_invalid_targets() {
    let catalog = TestCatalog::new();
    edit_kopia(&catalog, "\"website\"", "\"arch\": 64, \"min_version\": \"new\", \"website\"");
    let output = catalog.run(&["publish", "catalog"]);
    assert_eq!(code(&output), 1);
    let message = stderr(&output);
    assert!(message.contains("\"arch\": expected an architecture such as \"arm64\""), "{message}");
    assert!(message.contains("\"min_version\": expected a version"), "{message}");
}

#[test]
fn updated_since_lists_new_definitions() {
    let catalog = TestCatalog::new();
    assert_eq!(code(&catalog.update(&["-q"])), 0);
    edit_kopia(&catalog, "\"website\"", "\"more\": 1, \"website\"");
    let publish =
        catalog.command(&["publish", "catalog"]).env("SOURCE_DATE_EPOCH", "1795400000").output();
    assert_eq!(code(&publish.unwrap()), 0);
    assert_eq!(code(&catalog.update(&["-q"])), 0);
    let list =
        |since| catalog.json(&["list", "--store", "store", "--json", "--updated-since", since]);
    assert_eq!(names(&list("2026-11-23")), ["Kopia"]);
    assert_eq!(names(&list("2026-11-22T03:04:06Z")), ["Kopia"]);
    assert_eq!(names(&list("2026-11-22")).len(), 16);
    assert_eq!(names(&list("2030-01-01")), [""; 0]);
    // Local definitions have no time, which is reported.
    fs::create_dir(catalog.path("store/local")).unwrap();
    fs::copy(catalog.path("catalog/kopia.json"), catalog.path("store/local/kopia.json")).unwrap();
    let output = catalog.run(&["list", "--store", "store", "--updated-since", "2026-01-01"]);
    assert!(
        stderr(&output).contains("left out 1 definition without a time"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn a_local_definition_is_listed_at_once_and_names_the_overridden_one() {
    let catalog = TestCatalog::new();
    assert_eq!(code(&catalog.update(&["-q"])), 0);
    catalog.server.reset();
    fs::create_dir(catalog.path("store/local")).unwrap();
    fs::copy(catalog.path("catalog/kopia.json"), catalog.path("store/local/mine.json")).unwrap();
    let list = catalog.json(&["list", "--store", "store", "--json"]);
    assert_eq!((names(&list).len(), &row(&list, "Kopia")["source"]), (16, &json!("local")));
    let all = catalog.json(&["list", "--store", "store", "--all", "--json"]);
    let hidden = all.as_array().unwrap().last().unwrap();
    assert_eq!((names(&all).len(), &hidden["name"]), (17, &json!("Kopia")));
    assert_eq!((&hidden["source"], &hidden["shadowed_by"]), (&json!("rockstor"), &json!("local")));
    let text = stdout(&catalog.run(&["list", "--store", "store", "--all"]));
    assert!(text.contains("hidden by local"), "{text}");
    assert_eq!(catalog.server.request_count(), 0, "no request was sent");
}

#[test]
fn check_finds_the_problems_that_publish_finds_and_names_overrides() {
    let catalog = TestCatalog::new();
    assert_eq!(code(&catalog.update(&["-q"])), 0);
    let good = catalog.json(&["check", "catalog/kopia.json", "--store", "store", "--json"]);
    assert_eq!(good["files"][0]["problems"], json!([]));
    let kopia = &good["files"][0]["definitions"][0];
    assert_eq!((&kopia["name"], &kopia["overrides"]), (&json!("Kopia"), &json!("rockstor")));
    assert_eq!(kopia["arch"], json!(["amd64", "arm64"]));
    // In the local directory it does not override itself, only the published one.
    fs::create_dir(catalog.path("store/local")).unwrap();
    fs::copy(catalog.path("catalog/kopia.json"), catalog.path("store/local/mine.json")).unwrap();
    let text = catalog.run(&["check", "store/local/mine.json", "--store", "store"]);
    let expected =
        "store/local/mine.json: \"Kopia\", for amd64, arm64, overrides that of rockstor\n";
    assert_eq!((code(&text), &*stdout(&text)), (0, expected));

    fs::write(catalog.path("bad.json"), "{\n \"Mine\": {},\n}").unwrap();
    edit_kopia(&catalog, "\"website\"", "\"site\"");
    let output = catalog.run(&["check", "bad.json", "catalog/kopia.json", "--json"]);
    assert_eq!(code(&output), 1);
    let message = stderr(&output);
    for problem in [
        "bad.json:3:1: not JSON",
        "catalog/kopia.json:2:14: definition \"Kopia\": missing field \"website\"",
        "these files cannot be published: 2 problems",
    ] {
        assert!(message.contains(problem), "{problem}: {message}");
    }
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["files"][1]["problems"][0]["line"], 2);
    // Names must be unique among the given files too.
    let twice = catalog.run(&["check", "store/local/mine.json", "store/local/mine.json"]);
    let first = "duplicate definition \"Kopia\", first defined at store/local/mine.json:2:";
    assert!(stderr(&twice).contains(first), "{}", stderr(&twice));
    for (args, expected) in [(&["check", "none.json"][..], 1), (&["check"], 2)] {
        assert_eq!(code(&catalog.run(args)), expected);
    }
}

/// Returns the names and states that `source list` prints.
fn followed(catalog: &TestCatalog) -> Vec<(String, String)> {
    let list = catalog.json(&["source", "list", "--store", "store", "--json"]);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let rows = list.as_array().unwrap().iter();
    rows.map(|row| (text(&row["source"]), text(&row["state"]))).collect()
}

#[test]
fn update_follows_the_listed_sources() {
    let catalog = TestCatalog::new();
    let add = |more: &[&str]| catalog.run(&[&["source", "add", "--store", "store"], more].concat());
    let url = catalog.server.url();
    assert_eq!(code(&add(&["main", &url])), 0);
    assert_eq!(code(&add(&["extra", "catalog", "--first", "--timeout", "60"])), 0);
    assert_eq!(code(&add(&["last", "nowhere", "catalog", "--before", "main"])), 0);
    let names = ["extra", "last", "main"].map(|name| (name.to_owned(), "followed".to_owned()));
    assert_eq!(followed(&catalog), names);
    let text = stdout(&catalog.run(&["source", "list", "--store", "store"]));
    assert!(text.starts_with("SOURCE") && text.contains(&url), "{text}");

    // Without arguments, from any directory.
    let report = catalog.json(&["update", "--store", "store", "--json"]);
    let reported: Vec<_> =
        report["sources"].as_array().unwrap().iter().map(|row| &row["source"]).collect();
    assert_eq!(reported, ["extra", "last", "main"]);
    let list = catalog.json(&["list", "--store", "store", "--json"]);
    assert_eq!(row(&list, "Kopia")["source"], "extra", "the first wins");
    let all = catalog.json(&["list", "--store", "store", "--all", "--json"]);
    assert_eq!(all.as_array().unwrap().len(), 48);
    assert_eq!(all[16]["shadowed_by"], "extra");

    // A disabled source stays unchanged; a removed one is deleted.
    let file = catalog.path("store/sources.toml");
    let text = fs::read_to_string(&file).unwrap();
    let text =
        text.replacen("name = \"extra\"", "# for a while\nname = \"extra\"\nenabled = false", 1);
    fs::write(&file, text).unwrap();
    let report = catalog.json(&["update", "--store", "store", "--json"]);
    assert_eq!(report["sources"].as_array().unwrap().len(), 2);
    let remove = |more: &[&str]| {
        code(&catalog.run(&[&["source", "remove", "--store", "store"], more].concat()))
    };
    assert_eq!(remove(&["last"]), 0);
    assert!(!catalog.path("store/last").exists());
    assert_eq!(remove(&["extra", "--keep-data"]), 0);
    assert_eq!(remove(&["extra", "--keep-data"]), 1, "it is already removed");
    let states = [("main", "followed"), ("extra", "unlisted")];
    assert_eq!(followed(&catalog), states.map(|(name, state)| (name.into(), state.into())));
    let list = catalog.json(&["list", "--store", "store", "--json"]);
    assert_eq!(row(&list, "Kopia")["source"], "main");
    let report = catalog.json(&["update", "--store", "store", "--json"]);
    assert_eq!(report["source"], "main", "a single report");
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
    fs::write(
        catalog.path("store/sources.toml"),
        "[[source]]\nname = \"a\"\nurl = \"http://h/\"\n",
    )
    .unwrap();
    let output = catalog.run(&["update", "--store", "store"]);
    assert_eq!(code(&output), 2);
    assert!(stderr(&output).contains("unknown key \"url\""), "{}", stderr(&output));
}

#[test]
fn the_worst_source_decides_the_exit_code_and_others_are_updated() {
    let catalog = TestCatalog::new();
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
    assert_eq!(code(&catalog.run(&missing)), 0);
    assert_eq!(code(&catalog.run(&["source", "add", "good", "catalog", "--store", "store"])), 0);
    let output = catalog.run(&["update", "--store", "store", "--json"]);
    assert_eq!(code(&output), 2, "{}", stderr(&output));
    assert!(stderr(&output).contains("the environment variable NO_SUCH is not set"));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let outcome = |n: usize| report["sources"][n]["outcome"].clone();
    assert_eq!((outcome(0), outcome(1)), (json!("failed"), json!("updated")));
}

#[test]
fn credentials_are_sent_and_neither_stored_nor_printed() {
    let catalog = TestCatalog::new();
    let url = catalog.server.url();
    let key = catalog.path("password");
    fs::write(&key, "geheim3\n").unwrap();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
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
    assert_eq!(code(&catalog.run(&add)), 0);
    let run = |args: &[&str]| {
        let mut command = catalog.command(args);
        command.env("TOKEN", "geheim1").env("KEY", "geheim2").env("RUST_LOG", "trace");
        command.output().unwrap()
    };
    let opened = || {
        let log = catalog.server.take_log();
        assert!(!log.is_empty());
        log.iter().all(|request| {
            request.target.ends_with("?dlid=geheim1")
                && request.header("X-Key") == Some("geheim2")
                && request.header("Authorization") == Some("Basic bWU6Z2VoZWltMw==")
        })
    };
    let quiet = |output: &std::process::Output| {
        let text = stdout(output) + &stderr(output);
        assert!(!text.contains("geheim") && !text.contains("bWU6Z2"), "{text}");
    };
    let output = run(&["update", "--store", "store", "--json", "-vv"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    quiet(&output);
    assert!(opened());
    let exposed = "other users can access this secret";
    assert!(!stderr(&output).contains(exposed), "{}", stderr(&output));
    fs::set_permissions(&key, fs::Permissions::from_mode(0o640)).unwrap();
    let output = run(&["update", "--store", "store", "--json"]);
    assert!(stderr(&output).contains(exposed), "{}", stderr(&output));
    catalog.server.take_log();
    quiet(&run(&["source", "list", "--store", "store", "--json"]));
    quiet(&run(&["status", "--store", "store"]));
    // The same with command line arguments.
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
    let output = catalog
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
        search.args(["-rl", "geheim", store]).current_dir(catalog.dir.path());
        let found = search.output().unwrap();
        assert_eq!(stdout(&found), "");
    }
}

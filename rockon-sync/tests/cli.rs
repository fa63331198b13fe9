//! The command as users run it: output, exit codes, error messages.

#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
#![allow(clippy::disallowed_methods, reason = "tests may look at paths")]

mod catalog;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use rockon_sync_tests::{Action, Match, Times};
use serde_json::Value;

use catalog::{TestCatalog, code, stderr, stdout};

#[test]
fn the_json_report_has_every_field_of_the_contract() {
    let catalog = TestCatalog::new();
    let report: Value = serde_json::from_slice(&catalog.update(&["--json"]).stdout).unwrap();
    assert_eq!(report["outcome"], "updated");
    assert_eq!(report["source"], "rockstor");
    assert_eq!(report["serial"], 1);
    assert_eq!(report["requests"], 2);
    assert_eq!(report["added"].as_array().unwrap().len(), 16);
    assert_eq!(report["manifest"].as_str().unwrap().len(), 64);
    for field in ["changed", "removed", "failed"] {
        assert_eq!(report[field], serde_json::json!([]), "{field}");
    }
    assert!(report["bytes_received"].as_u64().unwrap() > 5_000);
    assert!(report["duration_ms"].is_u64());
    let again: Value = serde_json::from_slice(&catalog.update(&["--json"]).stdout).unwrap();
    assert_eq!((&again["outcome"], &again["requests"]), (&"unchanged".into(), &1.into()));
    // The source is read from the store.
    let again = catalog.json(&["update", "--store", "store", "--json"]);
    assert_eq!(again["outcome"], "unchanged");
    let several = catalog.json(&[
        "update",
        "--store",
        "two",
        "--json",
        "--source",
        "a=catalog/v2",
        "--source",
        "b=catalog",
    ]);
    let names: Vec<&Value> =
        several["sources"].as_array().unwrap().iter().map(|report| &report["source"]).collect();
    assert_eq!(names, ["a", "b"]);
}

#[test]
fn exit_codes_are_those_of_the_contract() {
    let bad_file = (Match::Prefix("by-sha/ff1a".into()), "adguard-home.json");
    let respond =
        |status, body: &[u8]| Action::Respond { status, headers: vec![], body: body.into() };
    let head = || Match::Path("root.sha".into());
    let wrong = format!("{}  root.json\n", "0".repeat(64));
    for (rules, args, expected, message) in [
        (vec![], &[][..], 0, ""),
        (
            vec![(Match::Prefix("root.".into()), respond(404, b""))],
            &[],
            1,
            "got status 404 for root.sha and for root.json",
        ),
        (vec![(head(), respond(200, b""))], &[], 1, "not a head: line 1"),
        (vec![(head(), respond(200, b"<html>"))], &[], 1, "got an HTML page"),
        (vec![(head(), respond(500, b""))], &[], 1, "got 500"),
        (vec![(head(), respond(200, wrong.as_bytes()))], &[], 4, "expected the digest 0000"),
        (vec![(head(), Action::CloseBeforeAnswer)], &[], 1, "root.sha: "),
        (
            vec![(head(), Action::Redirect { status: 302, location: "/root.sha".into() })],
            &[],
            1,
            "redirects",
        ),
        (vec![], &["--no-such-flag"], 2, "--no-such-flag"),
        (vec![], &["--source", "ftp://h/"], 2, "expected http, https or file"),
        (
            vec![
                (Match::Prefix("packs/".into()), respond(404, b"")),
                (bad_file.0, respond(404, b"")),
                (Match::Path(bad_file.1.into()), respond(404, b"")),
            ],
            &[],
            3,
            "\"adguard home\" was not updated",
        ),
    ] {
        let catalog = TestCatalog::new();
        for (matches, action) in rules {
            catalog.server.on(matches, Times::Always, action);
        }
        let output = catalog.update(args);
        assert_eq!(code(&output), expected, "{message}: {}", stderr(&output));
        assert!(stderr(&output).contains(message), "{message}: {}", stderr(&output));
        if expected == 1 || expected == 4 {
            assert!(stderr(&output).contains("the store has no local copy"), "{}", stderr(&output));
        }
    }
}

#[test]
fn a_failure_reports_the_current_generation() {
    let catalog = TestCatalog::new();
    assert_eq!(code(&catalog.update(&[])), 0);
    catalog.server.on(Match::Any, Times::Always, Action::CloseBeforeAnswer);
    let output = catalog.update(&["--json"]);
    assert_eq!(code(&output), 1);
    let message = stderr(&output);
    assert!(
        message.contains("still has generation 1 of rockstor, serial 1, 16 entries"),
        "{message}"
    );
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (&report["outcome"], &report["error"]["kind"]),
        (&"failed".into(), &"transport".into())
    );
}

#[test]
fn a_concurrent_update_exits_with_the_locked_code() {
    let catalog = TestCatalog::new();
    assert_eq!(code(&catalog.update(&[])), 0);
    let lock = fs::File::open(catalog.path("store/rockstor/lock")).unwrap();
    lock.lock().unwrap();
    let output = catalog.update(&[]);
    assert_eq!(code(&output), 5, "{}", stderr(&output));
    drop(lock);
    assert_eq!(code(&catalog.update(&["--lock-timeout", "10"])), 0);
}

#[test]
fn check_reports_what_an_update_would_do_and_changes_nothing() {
    let catalog = TestCatalog::new();
    let output = catalog.update(&["--check"]);
    assert!(stdout(&output).contains("an update is available (serial 1): 16 added; 2 requests"));
    assert!(!catalog.path("store/rockstor/current").exists());
    // The manifest was staged by the check.
    let output = catalog.update(&[]);
    assert!(stdout(&output).contains("16 added; 2 requests"), "{}", stdout(&output));
    assert!(stdout(&catalog.update(&["--check"])).contains("up to date"));
}

#[test]
fn a_bundle_is_imported_without_a_network() {
    let catalog = TestCatalog::new();
    catalog.server.on(Match::Any, Times::Always, Action::Die);
    let head = fs::read_to_string(catalog.path("catalog/v2/root.sha")).unwrap();
    let bundle = format!("catalog/v2/packs/empty-{}.tar.zst", &head[..12]);
    let report = catalog.json(&["import", "--store", "store", "--json", &bundle]);
    assert_eq!((&report["outcome"], &report["requests"]), (&"updated".into(), &0.into()));
    let message = stdout(&catalog.run(&["import", "--store", "store", "--source", "two", &bundle]));
    assert!(message.starts_with("updated (serial 1): 16 added; 0 requests"), "{message}");
    assert!(
        stdout(&catalog.run(&["import", "--store", "store", &bundle])).starts_with("up to date")
    );
    assert_eq!(code(&catalog.run(&["import", "--store", "store", "nowhere"])), 1);
    let output = catalog.run(&["import", "--store", "store", "catalog/root.json"]);
    assert_eq!(code(&output), 4);
    assert!(
        stderr(&output).contains("catalog/root.json: not a usable pack"),
        "{}",
        stderr(&output)
    );
    assert!(stderr(&output).contains("still has generation 1 of rockstor"));
}

#[test]
fn a_store_is_listed_shown_and_verified_without_a_network() {
    let catalog = TestCatalog::new();
    assert_eq!(code(&catalog.update(&["-q"])), 0);
    catalog.server.on(Match::Any, Times::Always, Action::Die);
    let listed = catalog.json(&["list", "--store", "store", "--json"]);
    assert_eq!(listed.as_array().unwrap().len(), 16);
    assert_eq!(listed[0]["name"], "AdGuard Home");
    assert!(stdout(&catalog.run(&["list", "--store", "store"])).starts_with("NAME"));

    let file = fs::read_to_string(catalog.path("catalog/linkding.json")).unwrap();
    let shown = stdout(&catalog.run(&["show", "linkding", "--store", "store"]));
    assert!(file.contains(shown.trim_end()), "the file's own text");
    let shown = catalog.json(&["show", "linkding", "--store", "store", "--json"]);
    assert_eq!(shown["definition"], serde_json::from_str::<Value>(&file).unwrap()["linkding"]);
    let output = catalog.run(&["show", "Linkd", "--store", "store"]);
    assert_eq!(code(&output), 1);
    assert!(stderr(&output).contains("did you mean \"linkding\"?"), "{}", stderr(&output));

    let status = catalog.json(&["status", "--store", "store", "--json"]);
    assert_eq!(status["sources"][0]["current"]["entries"], 16);
    assert!(stdout(&catalog.run(&["status", "--store", "store"])).contains("serial 1, 16 entries"));
    assert_eq!(code(&catalog.run(&["verify", "--store", "store"])), 0);
    assert_eq!(code(&catalog.run(&["list", "--store", "nowhere"])), 1);
}

#[test]
fn json_output_is_one_value_also_when_a_command_fails() {
    let catalog = TestCatalog::new();
    assert_eq!(code(&catalog.update(&["-q"])), 0);
    fs::create_dir(catalog.path("bad")).unwrap();
    fs::write(catalog.path("bad/sources.toml"), "not TOML").unwrap();
    for (args, expected, kind) in [
        (&["list", "--store", "nowhere"][..], 1, "not-found"),
        (&["list", "--store", "store", "--arch", "foo"], 2, "argument"),
        (&["list", "--store", "store", "--no-such-option"], 2, "argument"),
        (&["show", "No such name", "--store", "store"], 1, "not-found"),
        (&["status", "--store", "nowhere"], 1, "not-found"),
        (&["verify", "--store", "nowhere"], 1, "not-found"),
        (&["verify", "--store", "nowhere", "--repair"], 1, "not-found"),
        (&["changes", "--store", "store", "--applied", "nowhere.json"], 1, "store"),
        (&["check", "nowhere.json"], 1, "not-found"),
        (&["source", "list", "--store", "bad"], 2, "argument"),
        (&["update", "--store", "empty"], 2, "argument"),
        (&["import", "--store", "store", "nowhere"], 1, "not-found"),
        (&["publish", "nowhere"], 1, "not-found"),
    ] {
        let output = catalog.run(&[args, &["--json"]].concat());
        let text = stdout(&output);
        let value: Value = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{args:?}: {e}"));
        assert_eq!(text.lines().count(), 1, "{args:?}: {text}");
        assert_eq!(value["outcome"], "failed", "{args:?}: {text}");
        assert_eq!(value["error"]["kind"], kind, "{args:?}: {text}");
        assert_eq!(code(&output), expected, "{args:?}: {text}");
        assert!(!stderr(&output).is_empty(), "{args:?}: people read the message there");
    }
    assert_eq!(stdout(&catalog.run(&["list", "--store", "nowhere"])), "");
}

#[test]
fn the_store_can_be_given_by_an_environment_variable() {
    let catalog = TestCatalog::new();
    let run = |args: &[&str]| {
        let mut command = catalog.command(args);
        command.env("ROCKON_SYNC_STORE", catalog.path("store")).output().unwrap()
    };
    let source = format!("tree={}", catalog.server.url());
    assert_eq!(code(&run(&["update", "-q", "--source", &source])), 0);
    assert!(stdout(&run(&["list"])).contains("Jellyfin"));
    assert!(stdout(&run(&["source", "list"])).contains("tree"));
    // The option wins.
    assert_eq!(code(&run(&["list", "--store", "nowhere"])), 1);
    assert_eq!(code(&catalog.run(&["list"])), 2);
}

#[test]
fn list_shows_versions_and_fits_a_terminal() {
    let catalog = TestCatalog::new();
    let file = catalog.path("catalog/linkding.json");
    let text = fs::read_to_string(&file).unwrap();
    let definition: Value = serde_json::from_str(&text).unwrap();
    let version = definition["linkding"]["version"].as_str().unwrap();
    let long = text.replacen(&format!("{version:?}"), "\"1.22.333-beta.4444+build5\"", 1);
    assert_ne!(long, text);
    fs::write(&file, long).unwrap();
    assert_eq!(code(&catalog.run(&["publish", "catalog"])), 0);
    assert_eq!(code(&catalog.update(&["-q"])), 0);
    let table = stdout(&catalog.run(&["list", "--store", "store"]));
    let header: Vec<&str> = table.lines().next().unwrap().split_whitespace().collect();
    assert_eq!(header, ["NAME", "VERSION", "SOURCE", "UPDATED"]);
    let row = table.lines().find(|line| line.starts_with("linkding")).unwrap();
    let cells: Vec<&str> = row.split_whitespace().collect();
    assert_eq!(cells, ["linkding", "1.22.333-beta.4\u{2026}", "rockstor", "2026-11-22"]);
    assert!(table.lines().all(|line| line.chars().count() <= 80), "{table}");
    let rows = catalog.json(&["list", "--store", "store", "--json"]);
    let row = rows.as_array().unwrap().iter().find(|row| row["name"] == "linkding").unwrap();
    assert_eq!(row["version"], "1.22.333-beta.4444+build5");
}

/// A line feed in a name could forge a line, a direction mark could reorder it.
#[test]
fn names_with_invisible_characters_are_escaped_in_every_output() {
    let catalog = TestCatalog::new();
    assert_eq!(code(&catalog.update(&[])), 0);
    let name = "Evil\ndelete  Kopia\u{202e}\u{1b}[2J";
    let text = fs::read_to_string(catalog.path("catalog/kopia.json")).unwrap();
    let mut file: serde_json::Map<String, Value> = serde_json::from_str(&text).unwrap();
    let definition = file.values_mut().next().unwrap().take();
    let file = serde_json::json!({ name: definition }).to_string();
    fs::create_dir_all(catalog.path("store/local")).unwrap();
    fs::write(catalog.path("store/local/evil.json"), &file).unwrap();
    fs::write(catalog.path("twice.json"), &file).unwrap();
    fs::write(catalog.path("applied.json"), serde_json::json!({ name: "1" }).to_string()).unwrap();
    let other = name.replace("Evil", "Other");
    fs::write(catalog.path("other.json"), serde_json::json!({ other: "1" }).to_string()).unwrap();
    fs::write(catalog.path("number.json"), serde_json::json!({ name: 1 }).to_string()).unwrap();
    for args in [
        &["list"][..],
        &["list", "--all"],
        &["show", name, "--installed", "other.json"],
        &["show", &name[1..]],
        &["show", name, "--installed", "number.json"],
        &["changes", "--applied", "applied.json"],
        &["changes", "--applied", "other.json"],
        &["check", "twice.json", "store/local/evil.json"],
    ] {
        let output = catalog.run(&[args, &["--store", "store"]].concat());
        let text = stdout(&output) + &stderr(&output);
        assert!(text.contains("\\ndelete  Kopia\\u{202e}\\u{1b}[2J"), "{args:?}: {text}");
        let is_raw = |c: char| c == '\u{202e}' || (c.is_control() && c != '\n');
        assert!(!text.contains(is_raw), "{args:?}: {text:?}");
        assert!(!text.lines().any(|line| line.starts_with("delete  Kopia")), "{args:?}: {text}");
    }
}

#[test]
fn verify_finds_and_repairs() {
    let catalog = TestCatalog::new();
    assert_eq!(code(&catalog.update(&[])), 0);
    fs::remove_file(catalog.path("store/rockstor/current/kopia.json")).unwrap();
    let output = catalog.run(&["verify", "--store", "store"]);
    assert_eq!(code(&output), 4);
    assert!(stdout(&output).contains("kopia.json: missing or damaged"), "{}", stdout(&output));
    let output = catalog.run(&["verify", "--store", "store", "--repair"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert!(stdout(&output).contains("1 healed"), "{}", stdout(&output));
    assert_eq!(catalog.json(&["verify", "--store", "store", "--json"])["intact"], true);
}

#[test]
fn changes_lists_deletes_and_upserts_for_an_application() {
    let catalog = TestCatalog::new();
    assert_eq!(code(&catalog.update(&[])), 0);
    let listed = catalog.json(&["list", "--store", "store", "--json"]);
    let mut applied = serde_json::Map::new();
    for row in listed.as_array().unwrap() {
        applied.insert(row["name"].as_str().unwrap().into(), row["revision"].clone());
    }
    let changes = |applied: &serde_json::Map<String, Value>| {
        fs::write(catalog.path("applied.json"), serde_json::to_string(applied).unwrap()).unwrap();
        catalog.json(&["changes", "--store", "store", "--applied", "applied.json", "--json"])
    };
    let none = changes(&applied);
    assert_eq!(
        (&none["deletes"], &none["upserts"]),
        (&serde_json::json!([]), &serde_json::json!([]))
    );
    applied.insert("Gone".into(), "1".into());
    applied.insert("Kopia".into(), Value::Null);
    applied.remove("Immich");
    let some = changes(&applied);
    assert_eq!(some["deletes"], serde_json::json!(["Gone"]));
    let upserts: Vec<_> = some["upserts"].as_array().unwrap().iter().collect();
    assert_eq!((&upserts[0]["name"], &upserts[0]["new"]), (&"Immich".into(), &true.into()));
    assert_eq!((&upserts[1]["name"], &upserts[1]["new"]), (&"Kopia".into(), &false.into()));
    fs::write(catalog.path("applied.json"), "[]").unwrap();
    let output = catalog.run(&["changes", "--store", "store", "--applied", "applied.json"]);
    assert_eq!(code(&output), 2, "{}", stderr(&output));
}

#[test]
fn a_renamed_definition_is_printed_by_publish_check_and_changes() {
    let catalog = TestCatalog::new();
    assert_eq!(code(&catalog.update(&[])), 0);
    let text = fs::read_to_string(catalog.path("catalog/kopia.json")).unwrap();
    let write = |text: &str| fs::write(catalog.path("catalog/kopia.json"), text).unwrap();

    // Another image is another definition.
    write(&text.replacen("\"Kopia\"", "\"Backup\"", 1).replace("kopia/kopia", "h.example/other"));
    let output = catalog.run(&["check", "catalog/kopia.json"]);
    assert_eq!(code(&output), 0);
    let warning = "catalog/kopia.json: warning: the published definition \"Kopia\" disappears without \
                   a successor, which could state it as \"formerly\"";
    assert!(stderr(&output).contains(warning), "{}", stderr(&output));
    let checked = catalog.json(&["check", "catalog/kopia.json", "--json"]);
    assert_eq!(checked["files"][0]["problems"][0]["severity"], "warning");

    write(&text.replacen("\"Kopia\"", "\"Backup\"", 1));
    let output = catalog.run(&["check", "catalog/kopia.json", "catalog/immich.json"]);
    assert_eq!((code(&output), &*stderr(&output)), (0, ""));
    let output = stdout(&catalog.run(&["publish", "catalog"]));
    assert!(
        output.starts_with("renamed  Kopia -> Backup  (kopia)\npublished: serial 2"),
        "{output}"
    );
    write(&text.replacen("\"Kopia\"", "\"Vault\"", 1));
    let report = catalog.json(&["publish", "catalog", "--json"]);
    let expected = serde_json::json!([{"from": "Backup", "to": "Vault", "id": "kopia"}]);
    assert_eq!(report["renamed"], expected);

    assert_eq!(code(&catalog.update(&[])), 0);
    fs::write(catalog.path("applied.json"), "{\"Kopia\": \"1\", \"Backup\": null}").unwrap();
    let args = ["changes", "--store", "store", "--applied", "applied.json"];
    let output = stdout(&catalog.run(&args));
    assert!(output.starts_with("delete  Kopia\nrename  Backup -> Vault\nadd "), "{output}");
    assert!(output.contains("\nchange  Vault\n"), "{output}");
    let changes = catalog.json(&[&args[..], &["--json"]].concat());
    assert_eq!(changes["renames"], serde_json::json!([{"from": "Backup", "to": "Vault"}]));
    let shown = catalog.json(&["show", "Vault", "--store", "store", "--json"]);
    assert_eq!(shown["formerly"], serde_json::json!(["Backup", "Kopia"]));
}

#[test]
fn publish_reports_every_problem_and_publishes_nothing() {
    let catalog = TestCatalog::new();
    let before = fs::read(catalog.path("catalog/v2/root.sha")).unwrap();
    fs::write(catalog.path("catalog/kopia.json"), "{\n \"Kopia\": {},\n}").unwrap();
    let text = fs::read_to_string(catalog.path("catalog/linkding.json")).unwrap();
    fs::write(catalog.path("catalog/linkding.json"), text.replace("\"website\"", "\"site\""))
        .unwrap();
    fs::write(catalog.path("catalog/unlisted.json"), "{}").unwrap();
    let output = catalog.run(&["publish", "catalog", "--json"]);
    assert_eq!(code(&output), 1);
    for problem in [
        "kopia.json:3:1: not JSON",
        "linkding.json:2:17: definition \"linkding\": missing field \"website\"",
        "unlisted.json: warning: not listed in root.json",
        "nothing was published: 2 problems",
    ] {
        assert!(stderr(&output).contains(problem), "{problem}: {}", stderr(&output));
    }
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["problems"].as_array().unwrap().len(), 3);
    assert_eq!(fs::read(catalog.path("catalog/v2/root.sha")).unwrap(), before);

    let report = catalog.json(&["publish", "catalog", "--lenient", "--json"]);
    assert_eq!((&report["outcome"], &report["entries"]), (&"unchanged".into(), &16.into()));
    assert_eq!(report["kept"], serde_json::json!(["kopia", "linkding"]));
    assert_eq!(report["removed"], serde_json::json!([]));
}

#[test]
fn publish_is_reproducible_and_keeps_an_unchanged_tree() {
    let catalog = TestCatalog::new();
    assert!(stdout(&catalog.run(&["publish", "catalog"])).starts_with("nothing new: serial 1"));
    assert_eq!(code(&catalog.run(&["publish", "catalog", "--out", "other"])), 0);
    for file in ["root.sha", "root.json", "history.json", "immich.json"] {
        let (one, other) =
            (catalog.path("catalog/v2").join(file), catalog.path("other").join(file));
        assert_eq!(fs::read(one).unwrap(), fs::read(other).unwrap(), "{file}");
    }
    let mut check = Command::new("sha256sum");
    let check = check.args(["-c", "root.sha"]).current_dir(catalog.path("other")).output().unwrap();
    assert!(check.status.success(), "{}", stderr(&check));
}

#[test]
fn publish_writes_a_page_only_on_request() {
    let catalog = TestCatalog::new();
    let page = catalog.path("catalog/v2/index.html");
    assert!(!page.exists());
    let output = stdout(&catalog.run(&["publish", "catalog", "--page"]));
    assert!(output.starts_with("nothing new: serial 1"), "{output}");
    let text = fs::read_to_string(&page).unwrap();
    assert!(text.contains("16 entries") && text.contains("<bdi>Kopia</bdi>"), "{text}");
    assert!(catalog.path("catalog/v2/updates.atom").exists());
    assert_eq!(code(&catalog.run(&["publish", "catalog"])), 0);
    assert!(!page.exists());
}

#[test]
fn catalogs_are_signed_and_verified_on_the_command_line() {
    let catalog = TestCatalog::new();
    let keygen = |name: &str, file: &str| {
        let output = catalog.run(&["keygen", name, "--out", file]);
        assert_eq!((code(&output), &*stderr(&output)), (0, ""));
        stdout(&output).trim_end().to_owned()
    };
    let (old, new) = (keygen("example.org/rockons", "old.key"), keygen("a=b", "new.key"));
    assert!(old.starts_with("example.org/rockons+") && new.starts_with("a=b+"));
    let again = catalog.run(&["keygen", "x", "--out", "old.key"]);
    assert_eq!((code(&again), &*stdout(&again)), (1, ""), "no key is overwritten");
    let publish = |keys: &[&str]| {
        let keys: Vec<&str> = keys.iter().flat_map(|key| ["--sign-key", key]).collect();
        let output = catalog.run(&[&["publish", "catalog"], &*keys].concat());
        assert_eq!((code(&output), &*stderr(&output)), (0, ""));
        stdout(&output)
    };
    assert!(publish(&["old.key"]).starts_with("published: serial 2"));
    let wrong = catalog.update(&["--trust-key", &new]);
    assert_eq!(code(&wrong), 4);
    let message = stderr(&wrong);
    assert!(
        message.contains("expected a signature by a=b+") && message.contains("got example.org")
    );
    assert_eq!(code(&catalog.update(&["--trust-key", &new, "--trust-key", &old])), 0);
    let status = catalog.json(&["status", "--store", "store", "--json"]);
    let keys = &status["sources"][0]["trusted_keys"];
    assert_eq!(*keys, serde_json::json!([new, old]));
    let line = stdout(&catalog.run(&["status", "--store", "store"]));
    assert!(line.contains("serial 2, 16 entries, signed by a=b+"), "{line}");

    // The keys are remembered, even without a source in the arguments.
    assert!(publish(&["old.key", "new.key"]).starts_with("published: serial 3"));
    let output =
        catalog.run(&["update", "--store", "store", "--trust-key", &format!("rockstor={new}")]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    publish(&["old.key"]);
    let refused = catalog.run(&["update", "--store", "store", "--json"]);
    let report: Value = serde_json::from_slice(&refused.stdout).unwrap();
    assert_eq!((code(&refused), &report["error"]["kind"]), (4, &Value::from("trust")));
    assert_eq!(code(&catalog.run(&["verify", "--store", "store"])), 0);

    let secret = fs::read_to_string(catalog.path("old.key")).unwrap();
    let elsewhere = format!("other={new}");
    for (key, problem) in [
        (secret.trim_end(), "private key"),
        (&*elsewhere, "no source named other"),
        ("rockstor=x+y+z", "not a usable key"),
        ("nonsense", "not a usable key"),
    ] {
        let output = catalog.update(&["--trust-key", key]);
        assert_eq!(code(&output), 2, "{problem}");
        let message = stderr(&output);
        assert!(message.contains(problem) && !message.contains(secret.trim_end()), "{message}");
    }
}

#[test]
fn a_key_pair_on_standard_output_is_a_key_file() {
    let catalog = TestCatalog::new();
    let output = catalog.run(&["keygen", "example.org/rockons"]);
    let both = stdout(&output);
    let lines: Vec<&str> = both.lines().collect();
    assert!(lines[0].starts_with("PRIVATE+KEY+example.org/rockons+"));
    assert!(lines[1].starts_with("example.org/rockons+"));
    fs::write(catalog.path("key"), &both).unwrap();
    fs::set_permissions(catalog.path("key"), fs::Permissions::from_mode(0o644)).unwrap();
    let published = catalog.run(&["publish", "catalog", "--sign-key", "key"]);
    assert_eq!(code(&published), 0);
    assert!(stderr(&published).contains("key: warning: other users can access"));
    assert_eq!(code(&catalog.update(&["--trust-key", lines[1]])), 0);
    assert_eq!(code(&catalog.run(&["keygen", "a b"])), 2);
}

//! Update sites, folders of any files and relationships, as users of the command see them.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod desk;

use std::fs;

use serde_json::{Value, json};

use desk::{Desk, code, stderr, stdout};

const SITE: &str = r#"<updates>
<update><name>Cache</name><element>cache</element><type>plugin</type><folder>system</folder>
 <client>site</client><version>5.9</version><targetplatform name="joomla" version="5.*"/></update>
<update><name>Cache</name><element>cache</element><type>plugin</type><folder>system</folder>
 <client>0</client><version>5.10</version><targetplatform name="joomla" version="5.[1-4]"/>
 <downloads><downloadurl type="full" format="zip">https://example.org/a.zip</downloadurl></downloads>
</update>
<update><name>Cache</name><element>cache</element><type>plugin</type><folder>system</folder>
 <client>site</client><version>6.0-rc1</version><tags><tag>rc</tag></tags></update>
</updates>"#;

/// A desk whose store has an update site of one extension beside the sample catalog.
fn desk() -> Desk {
    let desk = Desk::new();
    fs::write(desk.path("site.xml"), SITE).unwrap();
    let published = desk.run(&["publish", "--format", "jupdate", "site.xml", "--out", "site"]);
    assert_eq!(code(&published), 0, "{}", stderr(&published));
    let updated = desk.run(&[
        "update",
        "--store",
        "store",
        "--source",
        "shop=site",
        "--source",
        "rockstor=catalog/v2",
    ]);
    assert_eq!(code(&updated), 0, "{}", stderr(&updated));
    desk
}

#[test]
fn the_newest_fitting_release_of_each_extension_is_listed() {
    let desk = desk();
    let list = |more: &[&str]| {
        let args = [&["list", "--store", "store", "--format", "jupdate"], more].concat();
        stdout(&desk.run(&args))
    };
    let version =
        |text: &str| text.lines().nth(1).unwrap().split_whitespace().nth(1).unwrap().to_owned();
    assert!(list(&[]).starts_with("NAME                 VERSION  STABILITY  SOURCE  UPDATED"));
    assert_eq!(version(&list(&[])), "6.0-rc1");
    let fitting = ["--platform", "joomla 5.1", "--stability", "stable"];
    assert_eq!(version(&list(&fitting)), "5.10");
    assert_eq!(version(&list(&["--platform", "joomla 5.0", "--stability", "stable"])), "5.9");
    let none = ["--platform", "joomla 4.4", "--stability", "stable"];
    assert_eq!(list(&none).lines().count(), 1, "the header alone");
    let why = list(&[&none[..], &["--all"]].concat());
    assert!(why.contains("its stability is rc, not stable or more"), "{why}");
    let rows = desk.json(&[&["list", "--store", "store", "--json"][..], &fitting].concat());
    let rows = rows.as_array().unwrap();
    let row = rows.iter().find(|row| row["name"] == "plugin/system/cache").unwrap();
    assert_eq!(row["format"], "jupdate");
    assert_eq!(row["version"], "5.10");
    assert_eq!(row["client"], "site");
    assert_eq!(row["platform"], json!(["joomla >= 5.1, < 5.5"]));
    assert_eq!(row["downloads"], json!(["https://example.org/a.zip"]));
    // Rock-ons beside it are said nothing of that.
    assert_eq!(rows.len(), 17);
    assert!(rows.iter().all(|other| other == row || other["version"] == Value::Null));
    for (args, expected) in [
        (["--platform", "joomla"], "expected a platform such as \"joomla 5.1\""),
        (["--stability", "best"], "expected a stability (dev, alpha, beta, rc, stable)"),
        (["--format", "deb"], "expected a format (rockon, jupdate, files)"),
    ] {
        let run = desk.run(&[&["list", "--store", "store"][..], &args].concat());
        assert!(code(&run) != 0 && stderr(&run).contains(expected), "{}", stderr(&run));
    }
}

#[test]
fn changes_tell_which_installed_extensions_have_an_update() {
    let desk = desk();
    let installed = r#"{"plugin/system/cache": "5.9", "component/com_gone": "1"}"#;
    fs::write(desk.path("installed.json"), installed).unwrap();
    let changes = |more: &[&str]| {
        let args =
            ["changes", "--store", "store", "--format", "jupdate", "--applied", "installed.json"];
        desk.run(&[&args[..], more].concat())
    };
    let fitting = ["--platform", "joomla 5.1", "--stability", "stable"];
    let run = changes(&fitting);
    assert_eq!(stdout(&run), "update  plugin/system/cache  5.9 -> 5.10\n");
    assert!(stderr(&run).contains("\"component/com_gone\" is installed, and no extension"));
    assert_eq!(stdout(&changes(&["--platform", "joomla 5.0", "--stability", "stable"])), "");
    let found: Value =
        serde_json::from_str(&stdout(&changes(&[&fitting[..], &["--json"]].concat()))).unwrap();
    assert_eq!(found["unknown"], json!(["component/com_gone"]));
    let update = &found["updates"][0];
    assert_eq!((&update["installed"], &update["version"]), (&json!("5.9"), &json!("5.10")));
}

#[test]
fn an_extension_and_a_file_are_shown_as_they_were_published() {
    let desk = desk();
    assert_eq!(stdout(&desk.run(&["show", "--store", "store", "plugin/system/cache"])), SITE);
    let shown = desk.json(&["show", "--store", "store", "plugin/system/cache", "--json"]);
    assert_eq!(shown["definition"], SITE);
    fs::create_dir(desk.path("any")).unwrap();
    fs::write(desk.path("any/icon.png"), [0x89, 0xff, 0]).unwrap();
    let published = desk.run(&["publish", "--format", "files", "any"]);
    assert_eq!(code(&published), 0, "{}", stderr(&published));
    desk.run(&["update", "--store", "other", "--source", "any/v2"]);
    let shown = desk.run(&["show", "--store", "other", "icon.png"]);
    assert_eq!(shown.stdout, [0x89, 0xff, 0]);
    let shown = desk.json(&["show", "--store", "other", "icon.png", "--json"]);
    assert_eq!((&shown["format"], &shown["definition"]), (&json!("files"), &Value::Null));
}

#[test]
fn what_installing_takes_is_said_in_its_order() {
    let desk = Desk::new();
    fs::create_dir_all(desk.path("store/local")).unwrap();
    let definition = r#"{"Mine": {"requires": ["AdGuard Home | Plex", "Gone (>= 2)"]},
        "Less": {"requires": "AdGuard Home", "conflicts": "Rival"}}"#;
    fs::write(desk.path("store/local/mine.json"), definition).unwrap();
    assert_eq!(code(&desk.update(&[])), 0);
    let show = |name: &str, installed: &str| {
        fs::write(desk.path("installed.json"), installed).unwrap();
        desk.run(&["show", "--store", "store", name, "--installed", "installed.json"])
    };
    let run = show("Less", "{}");
    assert_eq!((code(&run), &*stdout(&run)), (0, "install   AdGuard Home\ninstall   Less\n"));
    assert_eq!(stdout(&show("Less", r#"{"AdGuard Home": null}"#)), "install   Less\n");
    let run = show("Mine", r#"{"AdGuard Home": null}"#);
    assert_eq!(stdout(&run), "install   Mine\nmissing   Mine requires Gone (>= 2)\n");
    assert_eq!(code(&run), 1);
    assert!(stderr(&run).contains("\"Mine\" cannot be installed"), "{}", stderr(&run));
    let run = show("Less", r#"{"AdGuard Home": "1", "Rival": "2"}"#);
    assert_eq!(stdout(&run), "install   Less\nconflict  Less with Rival\n");
    let shown = desk.json(&["show", "--store", "store", "Mine", "--json"]);
    assert_eq!(shown["requires"], json!(["AdGuard Home | Plex", "Gone (>= 2)"]));
}

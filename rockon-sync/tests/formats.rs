//! Update sites, files of any kind and relations between definitions, on the command line.

#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

mod catalog;

use std::fs;

use serde_json::{Value, json};

use catalog::{TestCatalog, code, stderr, stdout};

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

/// Returns a catalog whose store also has an update site of one extension.
fn with_update_site() -> TestCatalog {
    let catalog = TestCatalog::new();
    fs::write(catalog.path("site.xml"), SITE).unwrap();
    let published = catalog.run(&["publish", "--format", "jupdate", "site.xml", "--out", "site"]);
    assert_eq!(code(&published), 0, "{}", stderr(&published));
    let updated = catalog.run(&[
        "update",
        "--store",
        "store",
        "--source",
        "shop=site",
        "--source",
        "rockstor=catalog/v2",
    ]);
    assert_eq!(code(&updated), 0, "{}", stderr(&updated));
    catalog
}

#[test]
fn the_newest_suitable_release_of_each_extension_is_listed() {
    let catalog = with_update_site();
    let list = |more: &[&str]| {
        let args = [&["list", "--store", "store", "--format", "jupdate"], more].concat();
        stdout(&catalog.run(&args))
    };
    let version =
        |text: &str| text.lines().nth(1).unwrap().split_whitespace().nth(1).unwrap().to_owned();
    assert!(list(&[]).starts_with("NAME                 VERSION  STABILITY  SOURCE  UPDATED"));
    assert_eq!(version(&list(&[])), "6.0-rc1");
    let suitable = ["--platform", "joomla 5.1", "--stability", "stable"];
    assert_eq!(version(&list(&suitable)), "5.10");
    assert_eq!(version(&list(&["--platform", "joomla 5.0", "--stability", "stable"])), "5.9");
    let none = ["--platform", "joomla 4.4", "--stability", "stable"];
    assert_eq!(list(&none).lines().count(), 1, "only the header");
    let why = list(&[&none[..], &["--all"]].concat());
    assert!(why.contains("its stability is rc, not stable or more"), "{why}");
    let rows = catalog.json(&[&["list", "--store", "store", "--json"][..], &suitable].concat());
    let rows = rows.as_array().unwrap();
    let row = rows.iter().find(|row| row["name"] == "plugin/system/cache").unwrap();
    assert_eq!(row["format"], "jupdate");
    assert_eq!(row["version"], "5.10");
    assert_eq!(row["client"], "site");
    assert_eq!(row["platform"], json!(["joomla >= 5.1, < 5.5"]));
    assert_eq!(row["downloads"], json!(["https://example.org/a.zip"]));
    // Rock-ons have no such field.
    assert_eq!(rows.len(), 17);
    assert!(rows.iter().all(|other| other == row || other["stability"] == Value::Null));
    for (args, expected) in [
        (["--platform", "joomla"], "expected a platform such as \"joomla 5.1\""),
        (["--stability", "best"], "expected a stability (dev, alpha, beta, rc, stable)"),
        (["--format", "deb"], "expected a format (rockon, jupdate, files)"),
    ] {
        let run = catalog.run(&[&["list", "--store", "store"][..], &args].concat());
        assert!(code(&run) != 0 && stderr(&run).contains(expected), "{}", stderr(&run));
    }
}

#[test]
fn changes_lists_updates_of_installed_extensions() {
    let catalog = with_update_site();
    let installed = r#"{"plugin/system/cache": "5.9", "component/com_gone": "1"}"#;
    fs::write(catalog.path("installed.json"), installed).unwrap();
    let changes = |more: &[&str]| {
        let args =
            ["changes", "--store", "store", "--format", "jupdate", "--applied", "installed.json"];
        catalog.run(&[&args[..], more].concat())
    };
    let suitable = ["--platform", "joomla 5.1", "--stability", "stable"];
    let run = changes(&suitable);
    assert_eq!(stdout(&run), "update  plugin/system/cache  5.9 -> 5.10\n");
    assert!(stderr(&run).contains("\"component/com_gone\" is installed, but is not an extension"));
    assert_eq!(stdout(&changes(&["--platform", "joomla 5.0", "--stability", "stable"])), "");
    let found: Value =
        serde_json::from_str(&stdout(&changes(&[&suitable[..], &["--json"]].concat()))).unwrap();
    assert_eq!(found["unknown"], json!(["component/com_gone"]));
    let update = &found["updates"][0];
    assert_eq!((&update["installed"], &update["version"]), (&json!("5.9"), &json!("5.10")));
}

#[test]
fn show_prints_published_files_unchanged() {
    let catalog = with_update_site();
    assert_eq!(stdout(&catalog.run(&["show", "--store", "store", "plugin/system/cache"])), SITE);
    let shown = catalog.json(&["show", "--store", "store", "plugin/system/cache", "--json"]);
    assert_eq!(shown["definition"], SITE);
    fs::create_dir(catalog.path("any")).unwrap();
    fs::write(catalog.path("any/icon.png"), [0x89, 0xff, 0]).unwrap();
    let published = catalog.run(&["publish", "--format", "files", "any"]);
    assert_eq!(code(&published), 0, "{}", stderr(&published));
    catalog.run(&["update", "--store", "other", "--source", "any/v2"]);
    let shown = catalog.run(&["show", "--store", "other", "icon.png"]);
    assert_eq!(shown.stdout, [0x89, 0xff, 0]);
    let shown = catalog.json(&["show", "--store", "other", "icon.png", "--json"]);
    assert_eq!((&shown["format"], &shown["definition"]), (&json!("files"), &Value::Null));
}

#[test]
fn show_lists_requirements_in_installation_order() {
    let catalog = TestCatalog::new();
    fs::create_dir_all(catalog.path("store/local")).unwrap();
    let definition = r#"{"Mine": {"requires": ["AdGuard Home | Plex", "Gone (>= 2)"]},
        "Less": {"requires": "AdGuard Home", "conflicts": "Rival"}}"#;
    fs::write(catalog.path("store/local/mine.json"), definition).unwrap();
    assert_eq!(code(&catalog.update(&[])), 0);
    let show = |name: &str, installed: &str| {
        fs::write(catalog.path("installed.json"), installed).unwrap();
        catalog.run(&["show", "--store", "store", name, "--installed", "installed.json"])
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
    let shown = catalog.json(&["show", "--store", "store", "Mine", "--json"]);
    assert_eq!(shown["requires"], json!(["AdGuard Home | Plex", "Gone (>= 2)"]));
}

//! `docs/reference/cli.md` documents every field of the command's JSON output.

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;

use crate::Page;
use crate::catalog::stdout;
use crate::run::Place;

/// Objects whose keys are names, not fields.
const MAPS: &[&str] = &["targets", "checksums", "definition"];

/// Commands with JSON output, run in this order.
const COMMANDS: &[&str] = &[
    "publish catalog --json",
    "publish nowhere --json",
    "publish --format jupdate updates --out extensions --json",
    "update --store store --source catalog/v2 --json",
    "update --store store --source joomla=extensions --source gone=nowhere --json",
    "list --store store --all --arch riscv64 --json",
    "show Jellyfin --store store --json",
    "show Jellyfin --store store --installed installed.json --json",
    "status --store store --json",
    "verify --store store --json",
    "changes --store store --applied applied.json --json",
    "changes --store store --applied installed.json --format jupdate --json",
    "source list --store store --json",
    "keys show list --json",
    "check my-app.json bad.json --store store --json",
];

/// A key list without signatures.
const KEY_LIST: &str = "rockon-sync keys example.org/rockons
# version 1
# root 1
root PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW
# head 1
head EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop
";

fn collect(value: &Value, fields: &mut BTreeSet<String>) {
    match value {
        Value::Array(values) => values.iter().for_each(|value| collect(value, fields)),
        Value::Object(members) => {
            for (key, value) in members {
                fields.insert(key.clone());
                if !MAPS.contains(&&**key) {
                    collect(value, fields);
                }
            }
        }
        _ => {}
    }
}

#[test]
fn every_field_that_the_command_prints_is_on_its_page() {
    let place = Place::new();
    fs::write(place.catalog.path("bad.json"), "{").unwrap();
    fs::write(place.catalog.path("list"), KEY_LIST).unwrap();
    let mut fields = BTreeSet::new();
    for command in COMMANDS {
        let output = place.catalog.run(&command.split(' ').collect::<Vec<_>>());
        let value = serde_json::from_str(&stdout(&output));
        collect(&value.unwrap_or_else(|error| panic!("{command}: {error}")), &mut fields);
    }
    assert!(fields.len() > 60, "{fields:?}");
    let page = Page::new("docs/reference/cli.md".to_owned());
    let text = page.text();
    let missing: Vec<&String> =
        fields.iter().filter(|field| !text.contains(&format!("`{field}`"))).collect();
    assert!(missing.is_empty(), "{} does not have {missing:?}", page.name);
}

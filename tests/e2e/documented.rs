//! What the documentation says is shown by a test is shown by one.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The names of all test functions below a folder.
fn collect(folder: &Path, names: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, names);
        } else if let Some(keyword) =
            path.extension().and_then(|extension| match extension.to_str() {
                Some("rs") => Some("fn "),
                Some("py") => Some("def "),
                _ => None,
            })
        {
            let text = fs::read_to_string(&path).unwrap();
            let functions = text.lines().filter_map(|line| line.trim_start().strip_prefix(keyword));
            names.extend(functions.filter_map(|rest| Some(rest.split_once('(')?.0.to_owned())));
        }
    }
}

#[test]
fn every_test_that_the_security_page_names_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut names = BTreeSet::new();
    for folder in ["rockon-sync/src", "rockon-sync/tests", "tests/e2e", "tests/page"] {
        collect(&root.join(folder), &mut names);
    }
    let page = fs::read_to_string(root.join("docs/security.md")).unwrap();
    let quoted = page.split('`').skip(1).step_by(2);
    let is_test = |text: &&str| {
        text.matches('_').count() > 3 && text.bytes().all(|b| b == b'_' || b.is_ascii_lowercase())
    };
    let named: Vec<&str> = quoted.filter(is_test).collect();
    assert!(named.len() > 60, "{}", named.len());
    let missing: Vec<&&str> = named.iter().filter(|name| !names.contains(**name)).collect();
    assert!(missing.is_empty(), "{missing:#?}");
}

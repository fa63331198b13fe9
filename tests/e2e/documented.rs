//! The documentation names existing tests and measured figures.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Collects the names of all test functions below a directory.
fn collect(dir: &Path, names: &mut BTreeSet<String>) {
    for entry in fs::read_dir(dir).unwrap() {
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
    for dir in ["rockon-sync/src", "rockon-sync/tests", "tests/e2e", "tests/page", "tests/python"] {
        collect(&root.join(dir), &mut names);
    }
    let page = fs::read_to_string(root.join("docs/explanation/security.md")).unwrap();
    let quoted = page.split('`').skip(1).step_by(2);
    let is_test = |text: &&str| {
        text.matches('_').count() > 3 && text.bytes().all(|b| b == b'_' || b.is_ascii_lowercase())
    };
    let named: Vec<&str> = quoted.filter(is_test).collect();
    assert!(named.len() > 60, "{}", named.len());
    let missing: Vec<&&str> = named.iter().filter(|name| !names.contains(**name)).collect();
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn the_front_page_has_the_measured_figures() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let page = fs::read_to_string(root.join("README.md")).unwrap();
    let measured = fs::read_to_string(root.join("docs/reference/benchmarks.md")).unwrap();
    let table = page.split_once("## Comparison").unwrap().1.split("\n## ").next().unwrap();
    let table = table.lines().filter(|line| line.starts_with('|')).skip(2);
    let (mut cases, mut figures) = (Vec::new(), 0);
    for case in ["First sync", "Nothing changed", "1 changed"] {
        let tables = measured.split_once(&format!("\n### {case}\n")).unwrap().1;
        cases.push(tables.split("\n#").next().unwrap());
    }
    for row in table {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let way = cells[0].trim_matches('*');
        for (case, cell) in cases.iter().zip(&cells[1..]) {
            let is_meant = |line: &&str| line.split('|').nth(1).map(str::trim) == Some(way);
            let rows: Vec<&str> = case.lines().filter(is_meant).collect();
            for figure in cell.split(", ") {
                let is_measured = rows.iter().any(|row| row.contains(&format!(" {figure} ")));
                assert!(is_measured, "{way}: {figure} is not in {rows:#?}");
                figures += 1;
            }
        }
    }
    assert_eq!(figures, 30);
}

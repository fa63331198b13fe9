//! Tests of the documentation: its commands are run, and its quotes of help texts compared.

#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

#[path = "../catalog/mod.rs"]
mod catalog;
mod fields;
mod help;
mod links;
mod page;
mod readme;
mod run;

use std::fs;
use std::path::{Path, PathBuf};

/// Returns all pages: those at the top of the project, and those in `docs/`.
fn pages() -> Vec<PathBuf> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut pages = vec![top.join("README.md"), top.join("CONTRIBUTING.md")];
    let docs = fs::read_dir(top.join("docs")).unwrap().map(|entry| entry.unwrap().path());
    pages.extend(docs.filter(|path| path.extension().is_some_and(|ending| ending == "md")));
    pages.sort();
    pages
}

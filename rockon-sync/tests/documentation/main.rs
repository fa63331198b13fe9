//! What the documentation shows is run: the commands in its pages, and the help that one of them
//! quotes.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "../desk/mod.rs"]
mod desk;
mod fields;
mod help;
mod links;
mod page;
mod run;

use std::fs;
use std::path::{Path, PathBuf};

/// Every page: those at the top of the project, and those in its folder.
fn pages() -> Vec<PathBuf> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut pages = vec![top.join("README.md"), top.join("CONTRIBUTING.md")];
    let folder = fs::read_dir(top.join("docs")).unwrap().map(|entry| entry.unwrap().path());
    pages.extend(folder.filter(|path| path.extension().is_some_and(|ending| ending == "md")));
    pages.sort();
    pages
}

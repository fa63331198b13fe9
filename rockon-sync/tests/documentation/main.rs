//! Tests of the documentation: its commands are run, and its quotes of help texts compared.

#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

mod book;
#[path = "../catalog/mod.rs"]
mod catalog;
mod fields;
mod help;
mod layout;
mod links;
mod page;
mod readme;
mod run;

use std::fs;
use std::path::{Path, PathBuf};

/// A page of the documentation.
struct Page {
    path: PathBuf,
    /// The path from the top of the project.
    name: String,
}

impl Page {
    fn new(name: String) -> Page {
        Page { path: top().join(&name), name }
    }

    fn text(&self) -> String {
        fs::read_to_string(&self.path).unwrap()
    }
}

/// Returns the top directory of the project.
fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The pages outside of `docs/`.
const OTHERS: &[&str] = &["README.md", "CONTRIBUTING.md", "SECURITY.md", "packaging/README.md"];

/// Returns all pages, in order.
fn pages() -> Vec<Page> {
    let mut names: Vec<String> = OTHERS.iter().map(|name| (*name).to_owned()).collect();
    add_pages_below("docs", &mut names);
    names.sort();
    names.into_iter().map(Page::new).collect()
}

fn add_pages_below(dir: &str, names: &mut Vec<String>) {
    for entry in fs::read_dir(top().join(dir)).unwrap() {
        let entry = entry.unwrap();
        let name = format!("{dir}/{}", entry.file_name().to_str().unwrap());
        if entry.file_type().unwrap().is_dir() {
            add_pages_below(&name, names);
        } else if name.ends_with(".md") {
            names.push(name);
        }
    }
}

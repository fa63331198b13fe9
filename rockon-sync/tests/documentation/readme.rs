//! The examples in `README.md` are code that is compiled and run.

use std::fs;
use std::path::Path;
use std::time::Duration;

use rockon_sync::{Result, Source, Store, Updater};

use crate::page::blocks;
use crate::run::Place;

#[expect(clippy::print_stdout, reason = "README.md quotes it")]
fn refresh(store: &Store, source: &Source, recorded: &[(&str, &str)]) -> Result<usize> {
    Updater::new(store).timeout(Duration::from_secs(60)).run(source)?;
    let catalog = store.catalog()?;
    let changes = catalog.changes_since(recorded.iter().copied());
    for upsert in &changes.upserts {
        println!("{}: {}", upsert.definition.name(), upsert.definition.text()?);
    }
    Ok(changes.upserts.len() + changes.deletes.len())
}

/// Returns the lines without indentation.
fn dedented(text: &str) -> String {
    text.lines().map(str::trim_start).collect::<Vec<_>>().join("\n")
}

/// Asserts that the only example in a language is part of a source file.
fn assert_quotes(language: &str, file: &str) {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let examples = blocks(&top.join("README.md"), language);
    let [example] = &examples[..] else { panic!("{language}: {} examples", examples.len()) };
    assert!(example.text.lines().count() <= 12, "{language}: more than 12 lines");
    let source = fs::read_to_string(top.join(file)).unwrap();
    let is_quoted = dedented(&source).contains(dedented(&example.text).trim_end());
    assert!(is_quoted, "the {language} example is not in {file}");
}

#[test]
fn the_rust_example_runs() {
    assert_quotes("rust", "rockon-sync/tests/documentation/readme.rs");
    let place = Place::new();
    let store = Store::new(place.catalog.path("store"));
    let source = format!("{}rockons/v2/", place.catalog.server.url()).parse().unwrap();
    assert_eq!(refresh(&store, &source, &[("Jellyfin", "1"), ("Removed", "1")]).unwrap(), 17);
}

#[test]
fn the_c_example_is_part_of_a_program_that_is_tested() {
    // rockon-sync-ffi/tests/c.rs builds and runs it.
    assert_quotes("c", "rockon-sync-ffi/examples/sync.c");
}

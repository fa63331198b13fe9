//! Runs every fuzz target on its committed inputs: seeds, and what once made one fail.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![allow(clippy::disallowed_methods, reason = "the paths of a test can be looked at")]

use std::fs;
use std::path::Path;

use rockon_sync::fuzzing::TARGETS;

#[test]
fn every_target_stands_its_corpus() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz");
    let mut corpora: Vec<_> =
        fs::read_dir(fuzz.join("seeds")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    corpora.sort();
    let mut names: Vec<&str> = TARGETS.iter().map(|(name, _)| *name).collect();
    names.sort_unstable();
    assert_eq!(corpora, names, "a folder of inputs for each target");
    for (name, target) in TARGETS {
        assert!(fuzz.join(format!("fuzz_targets/{name}.rs")).is_file(), "{name} has its program");
        let mut inputs = 0;
        for entry in fs::read_dir(fuzz.join("seeds").join(name)).unwrap() {
            let path = entry.unwrap().path();
            // Shown if the target panics.
            println!("{}", path.display());
            target(&fs::read(&path).unwrap(), tempfile::tempdir().unwrap().path());
            inputs += 1;
        }
        assert!(inputs > 1, "{name}");
    }
}

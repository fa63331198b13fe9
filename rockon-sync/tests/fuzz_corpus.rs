//! Runs every fuzz target on its committed inputs: seeds and regressions.

#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
#![allow(clippy::disallowed_methods, reason = "tests may look at paths")]

use std::fs;
use std::path::Path;

use rockon_sync::fuzzing::TARGETS;

#[test]
fn every_fuzz_target_accepts_its_corpus() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz");
    let mut corpora: Vec<_> =
        fs::read_dir(fuzz.join("seeds")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    corpora.sort();
    let mut names: Vec<&str> = TARGETS.iter().map(|(name, _)| *name).collect();
    names.sort_unstable();
    assert_eq!(corpora, names, "each target needs a corpus directory");
    for (name, target) in TARGETS {
        assert!(fuzz.join(format!("fuzz_targets/{name}.rs")).is_file(), "{name} has no program");
        let mut inputs = 0;
        for entry in fs::read_dir(fuzz.join("seeds").join(name)).unwrap() {
            let path = entry.unwrap().path();
            // Printed only if the target panics.
            println!("{}", path.display());
            target(&fs::read(&path).unwrap(), tempfile::tempdir().unwrap().path());
            inputs += 1;
        }
        assert!(inputs > 1, "{name}");
    }
}

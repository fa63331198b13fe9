//! Counts instructions of operations that grow with the catalog, at three sizes. Unlike time,
//! counts are the same on a busy machine.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::path::PathBuf;
use std::process::Command;

use gungraun::{
    Callgrind, LibraryBenchmarkConfig, library_benchmark, library_benchmark_group, main,
};
use rockon_sync::{Catalog, Digest, Outcome, Store, Updater, internals};
use rockon_sync::wire::Manifest;
use rockon_sync_instructions::{dir, manifest, source};

fn canonical(entries: usize) -> Vec<u8> {
    manifest(entries, "1").to_canonical()
}

#[library_benchmark]
#[bench::today(args = (90), setup = canonical)]
#[bench::directory(args = (9_000), setup = canonical)]
#[bench::large(args = (100_000), setup = canonical)]
fn parse(bytes: Vec<u8>) -> Manifest {
    black_box(Manifest::read(&*bytes).expect("canonical"))
}

fn plain(entries: usize) -> Manifest {
    manifest(entries, "1")
}

#[library_benchmark]
#[bench::today(args = (90), setup = plain)]
#[bench::directory(args = (9_000), setup = plain)]
#[bench::large(args = (100_000), setup = plain)]
fn write_canonical(manifest: Manifest) -> (Digest, u64) {
    black_box(manifest.canonical_digest())
}

fn two(entries: usize) -> (Manifest, Manifest) {
    (manifest(entries, "1"), manifest(entries, "2"))
}

#[library_benchmark]
#[bench::today(args = (90), setup = two)]
#[bench::directory(args = (9_000), setup = two)]
#[bench::large(args = (100_000), setup = two)]
fn plan((held, wanted): (Manifest, Manifest)) -> usize {
    black_box(internals::files_to_fetch(&held, &wanted).expect("canonical"))
}

/// Returns the catalog of a store, and the record of an application that has applied all of it.
fn applied(entries: usize) -> (Catalog, BTreeMap<String, String>) {
    let catalog = Store::new(dir().join(entries.to_string()).join("store")).catalog();
    let catalog = catalog.expect("prepared");
    let rows = catalog.definitions().iter();
    let rows = rows.map(|row| (row.name().to_owned(), row.revision().to_string())).collect();
    (catalog, rows)
}

#[library_benchmark]
#[bench::today(args = (90), setup = applied)]
#[bench::directory(args = (9_000), setup = applied)]
#[bench::large(args = (100_000), setup = applied)]
fn changes((catalog, applied): (Catalog, BTreeMap<String, String>)) -> bool {
    let rows = applied.iter().map(|(name, revision)| (name.as_str(), revision.as_str()));
    black_box(catalog.changes_since(rows).is_empty())
}

/// Returns a copy of a store that is one definition behind. Files are hard links, because they are
/// never modified.
fn behind(entries: usize) -> (PathBuf, usize) {
    let from = dir().join(entries.to_string()).join("store");
    let to = dir().join(format!("copy-{entries}"));
    let _ = std::fs::remove_dir_all(&to);
    let copied = Command::new("cp").arg("-al").args([&from, &to]).status();
    assert!(copied.expect("cp").success());
    (to, entries)
}

#[library_benchmark]
#[bench::today(args = (90), setup = behind)]
#[bench::directory(args = (9_000), setup = behind)]
#[bench::large(args = (100_000), setup = behind)]
fn update_of_one((store, entries): (PathBuf, usize)) -> Outcome {
    let store = Store::new(store);
    let source = source(&dir().join(entries.to_string()));
    let report = Updater::new(&store).run(&source).expect("one changed");
    assert_eq!(report.changed.len(), 1);
    black_box(report.outcome)
}

library_benchmark_group!(
    name = growth,
    benchmarks = [parse, write_canonical, plan, changes, update_of_one]
);
// The environment is cleared otherwise. Of all events, only instructions are the same on every
// machine.
main!(
    config = LibraryBenchmarkConfig::default()
        .pass_through_env("ROCKON_SYNC_INSTRUCTIONS")
        .tool(Callgrind::with_args(["--cache-sim=no"]));
    library_benchmark_groups = growth
);

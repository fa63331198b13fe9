//! Instructions of what grows with the catalog, at three sizes: the same on a busy machine as
//! on an idle one.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::path::PathBuf;
use std::process::Command;

use gungraun::{
    Callgrind, LibraryBenchmarkConfig, library_benchmark, library_benchmark_group, main,
};
use rockon_sync::{Catalog, Digest, Manifest, Outcome, Store, Updater, internals};
use rockon_sync_instructions::{folder, manifest, source};

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
    black_box(internals::files_to_fetch(&held, &wanted))
}

/// The catalog of a store, and what an application has recorded that applied all of it.
fn applied(entries: usize) -> (Catalog, BTreeMap<String, String>) {
    let catalog = Store::new(folder().join(entries.to_string()).join("store")).catalog();
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

/// A copy of a store that is one definition behind. Files are linked: nobody writes to them.
fn behind(entries: usize) -> (PathBuf, usize) {
    let from = folder().join(entries.to_string()).join("store");
    let to = folder().join(format!("copy-{entries}"));
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
    let source = source(&folder().join(entries.to_string()));
    let report = Updater::new(&store).run(&source).expect("one changed");
    assert_eq!(report.changed.len(), 1);
    black_box(report.outcome)
}

library_benchmark_group!(
    name = growth,
    benchmarks = [parse, write_canonical, plan, changes, update_of_one]
);
// The environment is cleared otherwise; and of all counts, instructions alone are the same on
// every machine.
main!(
    config = LibraryBenchmarkConfig::default()
        .pass_through_env("ROCKON_SYNC_INSTRUCTIONS")
        .tool(Callgrind::with_args(["--cache-sim=no"]));
    library_benchmark_groups = growth
);

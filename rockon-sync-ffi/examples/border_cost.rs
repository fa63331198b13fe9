//! What the border costs: changes over 9,000 definitions through C against Rust, in one run.
//!
//! ```text
//! cargo run --release -p rockon-sync-ffi --example border_cost
//! ```
#![expect(clippy::print_stdout, reason = "an example program")]

#[path = "../tests/support/toolchain.rs"]
#[allow(dead_code, reason = "shared with the tests, which need more of it")]
mod toolchain;

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use rockon_sync_core::{Changes, Clock, Location, Publisher, Source, Store, SystemClock, Updater};
use toolchain::{Installed, succeed};

const DEFINITIONS: usize = 9_000;

/// Rounds of either side; the fastest counts, as what slows a round is not the work.
const ROUNDS: usize = 20;

/// The least time of each step.
#[derive(Debug, Clone, Copy)]
struct Times {
    open: Duration,
    fresh: Duration,
    applied: Duration,
    /// How many bytes of names and revisions were looked at, to see that both sides did.
    bytes: usize,
}

fn main() {
    let folder = tempfile::tempdir().expect("a folder for the store");
    let store = filled_store(folder.path());
    let rust = in_rust(&store);
    let c = through_c(&store, folder.path());
    assert_eq!(rust.bytes, c.bytes, "both sides look at the same");
    println!("{DEFINITIONS} definitions, fastest of {ROUNDS} rounds");
    println!("{:<26} {:>10} {:>10} {:>7}", "", "Rust", "C", "ratio");
    for (step, rust, c) in [
        ("read the catalog", rust.open, c.open),
        ("changes, nothing applied", rust.fresh, c.fresh),
        ("changes, all applied", rust.applied, c.applied),
        ("all of it", rust.total(), c.total()),
    ] {
        let ms = |time: Duration| format!("{:.2} ms", time.as_secs_f64() * 1e3);
        let ratio = c.as_secs_f64() / rust.as_secs_f64();
        println!("{step:<26} {:>10} {:>10} {ratio:>6.2}x", ms(rust), ms(c));
    }
}

impl Times {
    fn total(&self) -> Duration {
        self.open + self.fresh + self.applied
    }
}

fn filled_store(folder: &Path) -> Store {
    let catalog = folder.join("catalog");
    std::fs::create_dir(&catalog).expect("a new folder");
    let mut list = String::from("{");
    for n in 0..DEFINITIONS {
        let separator = if n == 0 { "" } else { "," };
        write!(list, "{separator}\n\"app {n:05}\": \"app-{n:05}.json\"").expect("memory");
        let text = std::fs::read_to_string(
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../demo/catalog/kopia.json"),
        );
        let text =
            text.expect("the sample catalog").replace("\"Kopia\"", &format!("\"App {n:05}\""));
        let text = text.replace("\"kopia", &format!("\"kopia-{n:05}"));
        std::fs::write(catalog.join(format!("app-{n:05}.json")), text).expect("a new file");
    }
    std::fs::write(catalog.join("root.json"), list + "\n}").expect("a new file");
    let published = Publisher::new(&catalog).out(folder.join("tree")).run();
    published.unwrap_or_else(|error| panic!("{error}: {:?}", error.problems().first()));
    let store = Store::new(folder.join("store"));
    let source = Source::new(Default::default(), Location::folder(folder.join("tree")));
    let report = Updater::new(&store).run(&source).expect("an update from a folder");
    assert_eq!(report.added.len(), DEFINITIONS);
    store
}

fn in_rust(store: &Store) -> Times {
    let clock = SystemClock;
    let never = Duration::MAX;
    let mut least = Times { open: never, fresh: never, applied: never, bytes: 0 };
    for _ in 0..ROUNDS {
        let started = clock.monotonic();
        let catalog = store.catalog().expect("a catalog");
        least.open = least.open.min(clock.monotonic() - started);

        let started = clock.monotonic();
        least.bytes += visit(&catalog.changes_since([("", ""); 0]));
        least.fresh = least.fresh.min(clock.monotonic() - started);

        let started = clock.monotonic();
        let definitions = catalog.definitions().iter();
        let applied = definitions.map(|found| (found.name(), found.revision().to_string()));
        least.bytes += visit(&catalog.changes_since(applied));
        least.applied = least.applied.min(clock.monotonic() - started);
    }
    least
}

/// Looks at every change, and returns how many bytes that were.
fn visit(changes: &Changes<'_>) -> usize {
    let upserts = changes.upserts.iter().map(|upsert| {
        let is_new = upsert.novelty == rockon_sync_core::Novelty::New;
        let definition = upsert.definition;
        definition.name().len() + definition.revision().to_string().len() + usize::from(is_new)
    });
    upserts.sum::<usize>() + changes.deletes.len()
}

fn through_c(store: &Store, folder: &Path) -> Times {
    let installed = Installed::new("release");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/changes_cost.c");
    let program = folder.join("changes_cost");
    installed.compile(&source, &program, &["-O2"]);
    let mut command = installed.command(&program);
    let output = succeed(command.arg(store.folder()).arg(ROUNDS.to_string()));
    let text = String::from_utf8(output.stdout).expect("numbers");
    let numbers: Vec<u64> = text.split_whitespace().filter_map(|n| n.parse().ok()).collect();
    let [open, fresh, applied, bytes] = numbers[..] else { panic!("four numbers: {text}") };
    let nanos = Duration::from_nanos;
    let bytes = usize::try_from(bytes).expect("a sum of lengths");
    Times { open: nanos(open), fresh: nanos(fresh), applied: nanos(applied), bytes }
}

//! Measures the cost of the C interface: changes over 9,000 definitions, through C and in Rust.
//!
//! ```text
//! cargo run --release -p rockon-sync-ffi --example border_cost
//! ```
#![expect(clippy::print_stdout, reason = "an example program")]

#[path = "../tests/support/toolchain.rs"]
#[allow(dead_code, reason = "shared with the tests, which use more of it")]
mod toolchain;

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use rockon_sync_core::publish::Publisher;
use rockon_sync_core::transport::{Clock, SystemClock};
use rockon_sync_core::{Changes, Location, Source, Store, Updater};
use toolchain::{Installed, succeed};

const DEFINITIONS: usize = 9_000;

/// Rounds on each side. The fastest counts, because disturbances only slow a round down.
const ROUNDS: usize = 20;

/// The fastest time of each step.
#[derive(Debug, Clone, Copy)]
struct Times {
    open: Duration,
    fresh: Duration,
    applied: Duration,
    /// Bytes of names and revisions visited, to check that both sides do the same work.
    bytes: usize,
}

fn main() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let store = filled_store(dir.path());
    let rust = in_rust(&store);
    let c = through_c(&store, dir.path());
    assert_eq!(rust.bytes, c.bytes, "both sides visit the same bytes");
    println!("{DEFINITIONS} definitions, fastest of {ROUNDS} rounds");
    println!("{:<26} {:>10} {:>10} {:>7}", "", "Rust", "C", "ratio");
    for (step, rust, c) in [
        ("read the catalog", rust.open, c.open),
        ("changes, nothing applied", rust.fresh, c.fresh),
        ("changes, all applied", rust.applied, c.applied),
        ("total", rust.total(), c.total()),
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

fn filled_store(dir: &Path) -> Store {
    let catalog = dir.join("catalog");
    std::fs::create_dir(&catalog).expect("a new directory");
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
    let published = Publisher::new(&catalog).out(dir.join("tree")).run();
    published.unwrap_or_else(|error| panic!("{error}: {:?}", error.problems().first()));
    let store = Store::new(dir.join("store"));
    let source = Source::new(Default::default(), Location::dir(dir.join("tree")));
    let report = Updater::new(&store).run(&source).expect("an update from a directory");
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

/// Visits every change. Returns the number of bytes visited.
fn visit(changes: &Changes<'_>) -> usize {
    let upserts = changes.upserts.iter().map(|upsert| {
        let is_new = upsert.novelty == rockon_sync_core::Novelty::New;
        let definition = upsert.definition;
        definition.name().len() + definition.revision().to_string().len() + usize::from(is_new)
    });
    upserts.sum::<usize>() + changes.deletes.len()
}

fn through_c(store: &Store, dir: &Path) -> Times {
    let installed = Installed::new("release");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/changes_cost.c");
    let program = dir.join("changes_cost");
    installed.compile(&[source], &program, &["-O2"]);
    let mut command = installed.command(&program);
    let output = succeed(command.arg(store.dir()).arg(ROUNDS.to_string()));
    let text = String::from_utf8(output.stdout).expect("numbers");
    let numbers: Vec<u64> = text.split_whitespace().filter_map(|n| n.parse().ok()).collect();
    let [open, fresh, applied, bytes] = numbers[..] else { panic!("four numbers: {text}") };
    let nanos = Duration::from_nanos;
    let bytes = usize::try_from(bytes).expect("a sum of lengths");
    Times { open: nanos(open), fresh: nanos(fresh), applied: nanos(applied), bytes }
}

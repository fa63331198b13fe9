//! Catalogs of three sizes, created before instructions are counted.

use std::fs;
use std::path::{Path, PathBuf};

use rockon_sync::{Digest, Location, Result, Source, Store, Timestamp, Updater};
use rockon_sync::publish::Publisher;
use rockon_sync::wire::{Entry, EntryPath, Manifest};

/// The numbers of entries: today's catalog, an extension directory, and ten times that.
pub const SIZES: [usize; 3] = [90, 9_000, 100_000];

/// The time of publication in seconds since 1970.
const PUBLISHED_S: i64 = 1_795_316_645;

/// Returns the directory of the catalogs, from the variable `ROCKON_SYNC_INSTRUCTIONS`.
///
/// # Panics
/// If it is not set, which `run.sh` does.
#[must_use]
pub fn dir() -> PathBuf {
    let dir = std::env::var_os("ROCKON_SYNC_INSTRUCTIONS");
    dir.expect("ROCKON_SYNC_INSTRUCTIONS is not set").into()
}

/// Returns a manifest of this many entries. From `changed` on, every hundredth file is different.
///
/// # Panics
/// Never, since all names are valid.
#[must_use]
pub fn manifest(entries: usize, version: &str) -> Manifest {
    let rows = (0..entries).map(|n| {
        let path = EntryPath::new(format!("app-{n:06}.json")).expect("a valid path");
        let version = if n % 100 == 0 { version } else { "1" };
        let digest = Digest::of(format!("{n} {version}").as_bytes());
        let updated = Timestamp::from_unix(PUBLISHED_S).expect("a valid time");
        let entry = Entry::new(format!("app {n:06}"), path, digest).expect("a valid id");
        entry.with_size(2_300).with_updated(updated).with_names([format!("App {n:06}")])
    });
    Manifest::from_entries(rows.collect()).expect("unique ids and paths")
}

/// Returns a definition of realistic size.
fn definition(n: usize, version: &str) -> String {
    let ports: String = (0..12)
        .map(|port| {
            let number = 8_000 + (n * 13 + port) % 50_000;
            let separator = if port == 0 { "" } else { "," };
            format!(
                "{separator}\n          \"{number}\": {{\"description\": \"Port {port} of {n}\", \
                 \"host_default\": {number}, \"label\": \"Port {port}\", \"protocol\": \"tcp\"}}"
            )
        })
        .collect();
    format!(
        "{{\n  \"App {n:06}\": {{\n    \"description\": \"What number {n} does\",\n    \
         \"website\": \"https://example.org/{n}\",\n    \"version\": \"{version}\",\n    \
         \"containers\": {{\n      \"app-{n}\": {{\n        \"image\": \"example/app-{n}\",\n        \
         \"launch_order\": 1,\n        \"ports\": {{{ports}\n        }}\n      }}\n    }}\n  }}\n}}\n"
    )
}

fn publish(dir: &Path) -> Result<()> {
    let published = Timestamp::from_unix(PUBLISHED_S)?;
    Publisher::new(dir.join("catalog")).out(dir.join("tree")).published(published).run()?;
    Ok(())
}

/// Returns the source that the stores follow.
#[must_use]
pub fn source(dir: &Path) -> Source {
    Source::new(Default::default(), Location::dir(dir.join("tree")))
}

/// Creates a catalog of this many entries in `dir`, its tree, and a store that is one definition
/// behind.
///
/// # Errors
/// Those of the library.
///
/// # Panics
/// If the files cannot be written.
pub fn prepare(dir: &Path, entries: usize) -> Result<()> {
    let catalog = dir.join("catalog");
    fs::create_dir_all(&catalog).expect("cannot create the directory");
    let mut rows = Vec::with_capacity(entries);
    for n in 0..entries {
        let file = format!("app-{n:06}.json");
        fs::write(catalog.join(&file), definition(n, "1")).expect("cannot write the file");
        rows.push(format!("\"app {n:06}\": \"{file}\""));
    }
    fs::write(catalog.join("root.json"), format!("{{{}}}", rows.join(","))).expect("cannot write the file");
    publish(dir)?;
    let store = Store::new(dir.join("store"));
    Updater::new(&store).run(&source(dir))?;
    fs::write(catalog.join("app-000000.json"), definition(0, "2")).expect("cannot write the file");
    publish(dir)
}

//! What is measured: catalogs of three sizes, made before anything is counted.

use std::fs;
use std::path::{Path, PathBuf};

use rockon_sync::{
    Digest, Entry, EntryPath, Location, Manifest, Publisher, Result, Source, Store, Timestamp,
    Updater,
};

/// How many entries the catalogs have: today's, a directory's, and ten times that.
pub const SIZES: [usize; 3] = [90, 9_000, 100_000];

/// When everything was published, in seconds since 1970.
const PUBLISHED_S: i64 = 1_795_316_645;

/// Where the catalogs are, from the variable `ROCKON_SYNC_INSTRUCTIONS`.
///
/// # Panics
/// If it is not set: `run.sh` does.
#[must_use]
pub fn folder() -> PathBuf {
    let folder = std::env::var_os("ROCKON_SYNC_INSTRUCTIONS");
    folder.expect("run.sh says where the catalogs are").into()
}

/// A manifest of so many entries. From `changed` on, every hundredth has other bytes.
///
/// # Panics
/// Not on what is made here.
#[must_use]
pub fn manifest(entries: usize, version: &str) -> Manifest {
    let rows = (0..entries).map(|n| {
        let path = EntryPath::new(format!("app-{n:06}.json")).expect("a plain name");
        let version = if n % 100 == 0 { version } else { "1" };
        let digest = Digest::of(format!("{n} {version}").as_bytes());
        let updated = Timestamp::from_unix(PUBLISHED_S).expect("a time of today");
        let entry = Entry::new(format!("app {n:06}"), path, digest).expect("a plain id");
        entry.with_size(2_300).with_updated(updated).with_names([format!("App {n:06}")])
    });
    Manifest::from_entries(rows.collect()).expect("ids and paths differ")
}

/// A definition of the size that real ones have.
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

fn publish(folder: &Path) -> Result<()> {
    let published = Timestamp::from_unix(PUBLISHED_S)?;
    Publisher::new(folder.join("catalog")).out(folder.join("tree")).published(published).run()?;
    Ok(())
}

/// The source that the stores follow.
#[must_use]
pub fn source(folder: &Path) -> Source {
    Source::new(Default::default(), Location::folder(folder.join("tree")))
}

/// Makes, below `folder`, a catalog of so many entries, its tree, and a store that is one
/// definition behind.
///
/// # Errors
/// What the library says.
///
/// # Panics
/// If the files cannot be written.
pub fn prepare(folder: &Path, entries: usize) -> Result<()> {
    let catalog = folder.join("catalog");
    fs::create_dir_all(&catalog).expect("a new folder");
    let mut rows = Vec::with_capacity(entries);
    for n in 0..entries {
        let file = format!("app-{n:06}.json");
        fs::write(catalog.join(&file), definition(n, "1")).expect("a new file");
        rows.push(format!("\"app {n:06}\": \"{file}\""));
    }
    fs::write(catalog.join("root.json"), format!("{{{}}}", rows.join(","))).expect("a new file");
    publish(folder)?;
    let store = Store::new(folder.join("store"));
    Updater::new(&store).run(&source(folder))?;
    fs::write(catalog.join("app-000000.json"), definition(0, "2")).expect("a file of ours");
    publish(folder)
}

//! Fails each changing file operation of an update in turn: afterwards a reader sees
//! the old catalog or the new one, and the next update succeeds and fetches nothing
//! that had been fetched and verified.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use super::Updater;
use crate::digest::Digest;
use crate::error::{ErrorKind, Result};
use crate::location::Location;
use crate::note::SigningKey;
use crate::publish::Publisher;
use crate::report::Report;
use crate::source::Source;
use crate::store::Store;
use crate::testing::{FailingFiles, Fault};
use crate::time::Timestamp;
use crate::transport::{AnyTransport, Request, Response, Transport};

/// Notes which files were asked for.
struct Noting {
    inner: AnyTransport,
    asked: Mutex<Vec<String>>,
}

impl Transport for Noting {
    fn get(&self, request: &Request<'_>) -> Result<Response> {
        self.asked.lock().unwrap().push(request.address.to_string());
        self.inner.get(request)
    }
}

struct World {
    folder: tempfile::TempDir,
    source: Source,
}

impl World {
    /// A catalog in its first state, published, and a store that follows it.
    fn new() -> World {
        let folder = tempfile::tempdir().unwrap();
        let tree = Location::folder(folder.path().join("catalog/v2"));
        let world = World { folder, source: Source::new(Default::default(), tree) };
        fs::create_dir(world.folder.path().join("catalog")).unwrap();
        world.publish(&[("a", "1"), ("b", "1"), ("c", "1")], 1);
        world
    }

    fn publish(&self, definitions: &[(&str, &str)], at: i64) {
        let catalog = self.folder.path().join("catalog");
        let mut rows = Vec::new();
        for (name, version) in definitions {
            let text = format!(
                "{{\"{name}\":{{\"description\":\"\",\"website\":\"\",\"version\":\"{version}\",\
                 \"containers\":{{\"{name}\":{{\"image\":\"\",\"launch_order\":1}}}}}}}}"
            );
            fs::write(catalog.join(format!("{name}.json")), text).unwrap();
            rows.push(format!("\"{name}\":\"{name}.json\""));
        }
        fs::write(catalog.join("root.json"), format!("{{{}}}", rows.join(","))).unwrap();
        Publisher::new(&catalog).published(Timestamp::from_unix(at).unwrap()).run().unwrap();
    }

    fn store(&self) -> Store {
        Store::new(self.folder.path().join("store"))
    }

    fn source_folder(&self) -> PathBuf {
        self.folder.path().join("store/rockstor")
    }

    fn update(&self) -> (Report, Vec<String>) {
        let transport = Noting { inner: AnyTransport::new(), asked: Mutex::default() };
        let report = Updater::new(&self.store()).transport(&transport).run(&self.source).unwrap();
        (report, transport.asked.into_inner().unwrap())
    }

    /// What a reader sees: every file of the current generation.
    fn seen(&self) -> Option<BTreeMap<PathBuf, Vec<u8>>> {
        read_folder(&self.source_folder().join("current"))
    }

    fn published(&self) -> Option<BTreeMap<PathBuf, Vec<u8>>> {
        let mut files = read_folder(&self.folder.path().join("catalog/v2"))?;
        files.remove(Path::new("history.json"));
        Some(files)
    }

    /// Digests of what waits to be committed.
    fn incoming(&self) -> Vec<String> {
        let names = read_folder(&self.source_folder().join("incoming")).unwrap_or_default();
        let whole = names
            .into_iter()
            .filter(|(name, bytes)| name.to_str() == Some(Digest::of(bytes).to_string().as_str()));
        whole.map(|(name, _)| name.to_str().unwrap().to_owned()).collect()
    }
}

/// The files at the top of a folder.
fn read_folder(folder: &Path) -> Option<BTreeMap<PathBuf, Vec<u8>>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(folder).ok()? {
        let path = entry.unwrap().path();
        if path.is_file() {
            files.insert(path.file_name().unwrap().into(), fs::read(&path).unwrap());
        }
    }
    Some(files)
}

/// Runs `prepare`, then an update whose Nth operation fails, for every N there is.
/// Returns how many there were.
fn fail_each_operation(prepare: impl Fn(&World)) -> usize {
    fail_each_in_this_way(&prepare, Fault::Once);
    fail_each_in_this_way(&prepare, Fault::FromThenOn)
}

fn fail_each_in_this_way(prepare: &impl Fn(&World), fault: Fault) -> usize {
    for n in 1.. {
        let world = World::new();
        prepare(&world);
        let (old, new) = (world.seen(), world.published());
        let files = FailingFiles::new(n, fault);
        let result = Updater::new(&world.store()).files(&files).run(&world.source);
        if !files.has_failed() {
            result.unwrap();
            assert_eq!(world.seen(), new, "operation {n}");
            return n - 1;
        }
        if let Err(error) = result {
            assert_eq!(error.kind(), ErrorKind::Store, "operation {n}: {}", error.to_chain());
        }
        let seen = world.seen();
        assert!(seen == old || seen == new, "operation {n}: a mix is seen");
        let kept = world.incoming();

        let (report, asked) = world.update();
        assert!(report.failed.is_empty(), "operation {n}: {report:?}");
        assert_eq!(world.seen(), new, "operation {n}");
        for digest in kept {
            let again = asked.iter().find(|address| address.ends_with(&digest));
            assert_eq!(again, None, "operation {n}: fetched twice");
        }
        let (report, asked) = world.update();
        assert_eq!((report.outcome.name(), asked.len()), ("unchanged", 1), "operation {n}");
    }
    unreachable!("the operations come to an end")
}

#[test]
fn a_first_sync_survives_the_failure_of_any_operation() {
    let operations = fail_each_operation(|_| {});
    assert!(operations > 30, "{operations}");
}

#[test]
fn an_update_survives_the_failure_of_any_operation() {
    let operations = fail_each_operation(|world| {
        world.update();
        world.publish(&[("a", "2"), ("b", "1"), ("d", "1")], 2);
    });
    assert!(operations > 30, "{operations}");
}

#[test]
fn healing_survives_the_failure_of_any_operation() {
    let operations = fail_each_operation(|world| {
        world.update();
        // The damaged state is the old one: what is missing stays missing until healed.
        fs::remove_file(world.source_folder().join("current/b.json")).unwrap();
    });
    assert!(operations > 20, "{operations}");
}

#[test]
fn no_failure_leaves_a_signed_state_without_its_keys() {
    let key = SigningKey::from_seed("example.org/rockons", [1; 32]).unwrap();
    for fault in [Fault::Once, Fault::FromThenOn] {
        for n in 1.. {
            let world = World::new();
            let catalog = world.folder.path().join("catalog");
            Publisher::new(catalog).sign_key(key.clone()).run().unwrap();
            let source = world.source.clone().trust(key.verifier_key().clone());
            let files = FailingFiles::new(n, fault);
            let result = Updater::new(&world.store()).files(&files).run(&source);
            let status = world.store().source_status(source.name()).unwrap();
            let is_remembered = status.trusted_keys == source.trusted_keys();
            assert!(status.held.is_none() || is_remembered, "operation {n}");
            if !files.has_failed() {
                result.unwrap();
                assert!(n > 30 && is_remembered, "{n}");
                break;
            }
        }
    }
}

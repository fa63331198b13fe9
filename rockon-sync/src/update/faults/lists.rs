//! Follows a chain of ten key lists, and fails each file operation and each request in turn.
//! Afterwards the old list or the last one is known, never none, and the next update completes it.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::base::files::Files;
use crate::testing::{Disk, Survives};
use crate::tree::note::list::tests::{list, public, role, signed, signing};

/// The number of lists that an update follows.
const CHAIN: u64 = 10;

/// A tree with the first key list, and the same tree ten lists later.
struct Chain {
    dir: tempfile::TempDir,
}

impl Chain {
    fn new() -> Chain {
        let chain = Chain { dir: scratch() };
        let catalog = chain.dir.path().join("catalog");
        fs::create_dir(&catalog).unwrap();
        fs::write(catalog.join("root.json"), "{\"a\": \"a.json\"}").unwrap();
        let definition = "{\"a\": {\"description\": \"\", \"website\": \"\", \"version\": \"1\", \
                          \"containers\": {\"a\": {\"image\": \"\", \"launch_order\": 1}}}}";
        fs::write(catalog.join("a.json"), definition).unwrap();
        for version in 1..=CHAIN + 1 {
            // Every list replaces all keys.
            let (root, head) = (format!("r{version}"), format!("h{version}"));
            let signers = format!("r{} {root}", version - 1);
            let next = signed(&list(version, role(&root, 1), role(&head, 1)), &signers);
            let file = chain.dir.path().join("list");
            fs::write(&file, next.as_str()).unwrap();
            let tree = chain.tree(if version == 1 { "first" } else { "last" });
            if version == 2 {
                copy_dir(&chain.tree("first"), &tree);
            }
            let sound = FailingFiles::sound();
            let publisher = Publisher::new(&catalog).out(tree).files(&sound).key_list(file);
            publisher.sign_key(signing(&head)).run().unwrap();
        }
        chain
    }

    fn tree(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The source in one of the two states of the tree. The machine was given the key r0.
    fn source(&self, tree: &str) -> Source {
        Source::new(Default::default(), Location::dir(self.tree(tree))).trust(public("r0"))
    }

    /// A store that knows the first list.
    fn store(&self) -> (tempfile::TempDir, Store) {
        let dir = scratch();
        let store = Store::new(dir.path());
        let sound = FailingFiles::sound();
        Updater::new(&store).files(&sound).run(&self.source("first")).unwrap();
        assert_eq!(known(&store), 1);
        (dir, store)
    }

    fn update(&self, store: &Store, files: &dyn Files) -> Result<Report> {
        Updater::new(store).files(files).run(&self.source("last"))
    }

    /// Asserts that a disturbed update has left the old state or the new one, and that the next
    /// update brings the new one.
    fn assert_recovers(&self, store: &Store, label: &str) {
        let version = known(store);
        let named = head_of(store).and_then(|head| head.keys());
        assert!([1, CHAIN + 1].contains(&version), "{label}: list {version} is known");
        assert!(named <= Some(version), "{label}: a generation without its list");
        let report = self.update(store, &FailingFiles::sound());
        report.unwrap_or_else(|error| panic!("{label}: {}", error.to_chain()));
        self.assert_done(store, label);
    }

    fn assert_done(&self, store: &Store, label: &str) {
        assert_eq!(known(store), CHAIN + 1, "{label}");
        assert!(store.verify().unwrap()[0].is_intact(), "{label}");
        let lists = |dir: PathBuf| read_dir(&dir.join("keys")).unwrap();
        let current = store.dir().join("rockstor/current");
        assert!(lists(current) == lists(self.tree("last")), "{label}");
        let again = self.update(store, &FailingFiles::sound()).unwrap();
        assert_eq!((again.outcome, again.requests), (Outcome::Unchanged, 1), "{label}");
    }
}

/// Returns the version of the key list that a store knows.
fn known(store: &Store) -> u64 {
    let status = store.source_status(&Default::default()).unwrap();
    status.key_list.map_or(0, |list| list.version())
}

fn head_of(store: &Store) -> Option<crate::tree::head::Head> {
    let bytes = fs::read(store.dir().join("rockstor/current/root.sha")).ok()?;
    Some(crate::tree::head::Head::parse(&bytes).unwrap())
}

#[test]
fn following_ten_lists_survives_the_failure_of_any_operation() {
    let chain = Chain::new();
    let faults = [Fault::Once, Fault::Late, Fault::FromThenOn, Fault::Full, Fault::Short];
    for fault in faults {
        for n in 1.. {
            let label = format!("operation {n}, {fault:?}");
            let (_dir, store) = chain.store();
            let files = FailingFiles::new(n, fault);
            let result = chain.update(&store, &files);
            if !files.has_failed() {
                result.unwrap();
                chain.assert_done(&store, &label);
                assert!(n > 40, "{fault:?}: only {n} operations were tried");
                break;
            }
            if let Err(error) = result {
                assert_eq!(error.kind(), ErrorKind::Store, "{label}: {}", error.to_chain());
                assert_ne!(fault, Fault::Short, "{label}: {}", error.to_chain());
            }
            chain.assert_recovers(&store, &label);
        }
    }
}

#[test]
fn following_ten_lists_survives_the_loss_of_power_at_any_operation() {
    let chain = Chain::new();
    for n in 1.. {
        let (dir, store) = chain.store();
        let disk = Disk::new(dir.path(), n);
        let result = chain.update(&store, &disk);
        for survives in Survives::ALL {
            let restored = scratch();
            disk.restore(survives, restored.path());
            let label = format!("operation {n}, {survives:?}");
            chain.assert_recovers(&Store::new(restored.path()), &label);
        }
        if !disk.has_failed() {
            result.unwrap();
            assert!(n > 40, "only {n} operations were tried");
            break;
        }
    }
}

/// Fails the Nth request and all later ones.
struct CutOff {
    inner: DefaultTransport,
    left: AtomicUsize,
}

impl Transport for CutOff {
    fn get(&self, request: &Request<'_>) -> Result<Response> {
        let left =
            self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1));
        match left {
            Ok(_) => self.inner.get(request),
            Err(_) => Err(request.failed("cut off")),
        }
    }
}

#[test]
fn a_line_that_is_cut_off_at_any_list_leaves_the_old_one() {
    let chain = Chain::new();
    let (_dir, store) = chain.store();
    let clock = crate::testing::TestClock::new();
    for n in 0.. {
        let transport = CutOff { inner: DefaultTransport::new(), left: AtomicUsize::new(n) };
        let mut updater = Updater::new(&store).clock(&clock).transport(&transport);
        let Err(error) = updater.run(&chain.source("last")) else {
            assert!(n > 10, "only {n} requests");
            break;
        };
        assert_eq!(error.kind(), ErrorKind::Transport, "request {n}: {}", error.to_chain());
        assert_eq!(known(&store), 1, "request {n}");
    }
    chain.assert_done(&store, "the line is back");
}

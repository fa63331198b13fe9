//! Locks, records and leftovers.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::sync::Mutex;
use std::time::{Duration, Instant, SystemTime};

use super::super::*;
use crate::base::files::{Lock, digest_if_any, try_lock};
use crate::base::time::{Clock, Timestamp};
use crate::testing::{Call, HookedFiles, TestClock, bad_disk};

/// A clock with a limited number of sleeps, after which it releases a lock.
struct Releasing {
    inner: TestClock,
    held: Mutex<(u32, Option<Lock>)>,
}

impl Clock for Releasing {
    fn now(&self) -> SystemTime {
        self.inner.now()
    }

    fn monotonic(&self) -> Instant {
        self.inner.monotonic()
    }

    fn sleep(&self, duration: Duration) {
        let mut held = self.held.lock().unwrap();
        held.0 = held.0.checked_sub(1).expect("no more sleeps");
        if held.0 == 0 {
            held.1 = None;
        }
        self.inner.sleep(duration);
    }
}

/// Opens a source that another writer has locked until the clock has slept `sleeps` times.
fn open_locked(sleeps: u32, lock_timeout: Duration) -> (Result<()>, Duration) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::new(dir.path());
    let name = SourceName::default();
    fs::create_dir(dir.path().join(name.as_str())).unwrap();
    let lock = try_lock(&dir.path().join(name.as_str()).join("lock")).unwrap();
    assert!(lock.is_some());
    let clock = Releasing { inner: TestClock::new(), held: Mutex::new((sleeps, lock)) };
    let opened = SourceWriter::open(&RealFiles, &store, &name, &clock, lock_timeout);
    (opened.map(|_| ()), clock.inner.slept())
}

#[test]
fn a_writer_waits_for_the_lock_until_the_lock_timeout() {
    let (second, never) = (Duration::from_secs(1), 1000);
    let (opened, waited) = open_locked(3, second);
    opened.unwrap();
    assert!(waited > Duration::ZERO && waited < second, "{waited:?}");
    let (opened, waited) = open_locked(never, second);
    assert_eq!((opened.unwrap_err().kind(), waited), (ErrorKind::Locked, second));
    let (opened, waited) = open_locked(never, Duration::ZERO);
    assert_eq!((opened.unwrap_err().kind(), waited), (ErrorKind::Locked, Duration::ZERO));
}

#[test]
fn a_v1_generation_without_a_record_has_the_files_of_its_list() {
    let dir = tempfile::tempdir().unwrap();
    let generation = Generation { number: 1, dir: dir.path().join("000001") };
    let path = |name: &str| generation.dir.join(name);
    fs::create_dir(&generation.dir).unwrap();
    let missing = generation.current_manifest(&RealFiles).unwrap_err();
    assert!(missing.to_string().contains("expected root.sha or root.json"), "{missing}");
    fs::write(path("root.json"), "{\"A\": \"a.json\", \"B\": \"b.json\", \"C\": \"c.json\"}")
        .unwrap();
    fs::write(path("a.json"), "text").unwrap();
    fs::write(path("stray.json"), "text").unwrap();
    symlink("a.json", path("c.json")).unwrap();
    let current = generation.current_manifest(&RealFiles).unwrap();
    let [entry] = current.entries() else { panic!("{current:?}") };
    assert_eq!((entry.id(), entry.path().as_str()), ("A", "a.json"));
    assert_eq!((entry.digest(), entry.size_bytes()), (crate::Digest::of(b"text"), Some(4)));
}

#[test]
fn a_status_is_read_as_it_was_saved() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(Status::load(&RealFiles, dir.path()).unwrap(), Status::default());
    let status = Status {
        checked: Some(Timestamp::from_unix(1_795_316_645).unwrap()),
        generation: 7,
        checked_up_to: "ab".to_owned(),
        address: Some("http://h/root.sha".to_owned()),
        etag: Some("\"x\"".to_owned()),
        canonical: Some(crate::Digest::of(b"manifest")),
        last_modified: Some("yesterday".to_owned()),
        digest: Some(crate::Digest::of(b"head")),
        serial_floor: Some(3),
        serial_floor_keys: 2,
        has_been_v2: true,
        locations: vec!["http://h/".to_owned(), "/mirror".to_owned()],
        rank: Some(1),
        failed: vec![FailedRecord {
            id: "a".to_owned(),
            kind: "status".to_owned(),
            message: "404".to_owned(),
        }],
    };
    status.save(&RealFiles, dir.path()).unwrap();
    assert_eq!(Status::load(&RealFiles, dir.path()).unwrap(), status);
}

#[test]
fn only_a_status_of_the_same_generation_can_contradict_it() {
    let generation = |number| Generation { number, dir: PathBuf::new() };
    let status =
        Status { generation: 2, digest: Some(crate::Digest::of(b"head")), ..Status::default() };
    assert!(!status.contradicts(&generation(2), b"head"));
    assert!(status.contradicts(&generation(2), b"damaged"));
    assert!(!status.contradicts(&generation(3), b"damaged"));
    assert!(!Status { digest: None, ..status }.contradicts(&generation(2), b"damaged"));
}

#[test]
fn source_names_are_in_byte_order() {
    let dir = tempfile::tempdir().unwrap();
    let names = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"];
    // Neither the order of creation nor its reverse is the byte order.
    for name in ["e", "b", "i", "a", "h", "j", "c", "g", "d", "f"] {
        fs::create_dir(dir.path().join(name)).unwrap();
    }
    fs::write(dir.path().join("k"), "not a directory").unwrap();
    fs::create_dir(dir.path().join("Not a name")).unwrap();
    let found = Store::new(dir.path()).source_names().unwrap();
    assert_eq!(found.iter().map(SourceName::as_str).collect::<Vec<_>>(), names);
    // Sources that were never updated together: in reverse byte order.
    let found = Store::new(dir.path()).sources_by_priority().unwrap();
    assert!(found.iter().map(SourceName::as_str).eq(names.into_iter().rev()), "{found:?}");
}

#[test]
fn opening_a_source_removes_unfinished_downloads_only() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::new(dir.path());
    let incoming = dir.path().join("rockstor/incoming");
    fs::create_dir_all(&incoming).unwrap();
    let digest = crate::Digest::of(b"whole").to_string();
    for name in ["part-0", "part-17", &digest, "seen.jsonl"] {
        fs::write(incoming.join(name), "whole").unwrap();
    }
    let open = || {
        let clock = TestClock::new();
        SourceWriter::open(&RealFiles, &store, &SourceName::default(), &clock, Duration::ZERO)
    };
    let names = || {
        let names = RealFiles.list(&incoming).unwrap();
        let mut names: Vec<String> =
            names.into_iter().map(|name| name.into_string().unwrap()).collect();
        names.sort();
        names
    };
    let writer = open().unwrap();
    assert_eq!(names(), [&*digest, "seen.jsonl"]);
    // A download that is given up removes its file; a kept one has its digest as the name.
    drop(writer.staging.begin().unwrap());
    writer.staging.keep(b"new", crate::Digest::of(b"new")).unwrap();
    assert!(writer.staging.has(crate::Digest::of(b"new")).unwrap());
    let mut expected =
        [&*digest, "seen.jsonl", &crate::Digest::of(b"new").to_string()].map(str::to_owned);
    expected.sort();
    assert_eq!(names(), expected);
    // A file with other bytes than its name says is removed.
    let damaged = incoming.join(&digest);
    fs::write(&damaged, "damaged").unwrap();
    assert!(!writer.staging.has(crate::Digest::of(b"whole")).unwrap());
    assert!(fs::symlink_metadata(&damaged).is_err());
    writer.staging.clear().unwrap();
    assert_eq!(names(), [""; 0]);
}

#[test]
fn the_data_of_an_unlisted_source_can_be_removed() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::new(dir.path());
    let name = SourceName::default();
    for leftover in [None, Some(".removed-rockstor/gen")] {
        fs::create_dir_all(dir.path().join("rockstor/gen")).unwrap();
        if let Some(leftover) = leftover {
            fs::create_dir_all(dir.path().join(leftover)).unwrap();
        }
        store.remove_source(&name, sources::RemovedData::Remove).unwrap();
        let left: Vec<_> = RealFiles.list(dir.path()).unwrap();
        assert!(left.iter().all(|name| name == "lock" || name == "sources.toml"), "{left:?}");
        let error = store.remove_source(&name, sources::RemovedData::Remove).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
    }
}

#[test]
fn a_store_without_an_update_remembers_no_source() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::new(dir.path());
    fs::create_dir(dir.path().join("rockstor")).unwrap();
    for error in [store.remembered_sources().unwrap_err(), store.followed_sources().unwrap_err()] {
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert!(error.to_string().contains("no source of this store was ever updated"), "{error}");
    }
}

/// Returns a hook that fails reads of a path with this error.
fn failing(name: &'static str, error: fn() -> io::Error) -> impl Files {
    HookedFiles::new(move |call, path| match call == Call::Read && path.ends_with(name) {
        true => Err(error()),
        false => Ok(()),
    })
}

#[test]
fn an_unreadable_record_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let generation = Generation { number: 1, dir: dir.path().join("000001") };
    fs::create_dir(&generation.dir).unwrap();
    fs::write(generation.dir.join("root.json"), "{\"A\": \"a.json\"}").unwrap();
    fs::write(generation.dir.join("a.json"), "text").unwrap();
    let files = failing("000001.held", bad_disk);
    let error = generation.current_manifest(&files).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Store);
    assert!(generation.is_complete(&files).is_err());
    let missing = failing("000001.held", || io::ErrorKind::NotFound.into());
    assert_eq!(generation.current_manifest(&missing).unwrap().len(), 1);
}

/// Fails the second read: the first one is a `stat`.
fn second(error: fn() -> io::Error) -> impl Files {
    let reads = Mutex::new(0);
    HookedFiles::new(move |_, _| {
        let mut reads = reads.lock().unwrap();
        *reads += 1;
        if *reads == 2 { Err(error()) } else { Ok(()) }
    })
}

#[test]
fn a_file_that_cannot_be_read_is_not_missing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a");
    fs::write(&path, "text").unwrap();
    let error = digest_if_any(&second(bad_disk), &path).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Store);
    let gone = digest_if_any(&second(|| io::ErrorKind::NotFound.into()), &path).unwrap();
    assert_eq!(gone, None);
    assert_eq!(digest_if_any(&RealFiles, dir.path()).unwrap(), None, "a directory");
    symlink("a", dir.path().join("link")).unwrap();
    assert_eq!(digest_if_any(&RealFiles, &dir.path().join("link")).unwrap(), None, "a link");
}

#[test]
fn a_head_that_is_no_head_is_damage() {
    let dir = tempfile::tempdir().unwrap();
    let generation = Generation { number: 1, dir: dir.path().to_owned() };
    fs::write(dir.path().join("root.json"), "{}").unwrap();
    let damage = || {
        let manifest = crate::wire::Manifest::default();
        let damage = generation.damage(&RealFiles, &manifest, &Status::default()).unwrap();
        (damage.is_manifest_damaged, damage.is_head_damaged, damage.strays)
    };
    let head = dir.path().join("root.sha");
    assert_eq!(damage(), (false, false, 0), "v1");
    fs::write(&head, "no head").unwrap();
    assert_eq!(damage(), (true, true, 2));
    fs::remove_file(&head).unwrap();
    symlink("root.json", &head).unwrap();
    assert_eq!(generation.head_bytes(&RealFiles).unwrap(), None, "a link is never followed");
    assert_eq!(damage(), (true, true, 2));
    fs::remove_file(&head).unwrap();
    fs::write(&head, format!("{}  root.json\n", crate::Digest::of(b"{}"))).unwrap();
    assert_eq!(damage(), (false, false, 0), "v2");
    fs::remove_file(dir.path().join("root.json")).unwrap();
    assert_eq!(damage(), (true, false, 0));
}

#[test]
fn a_source_that_is_no_directory_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::new(dir.path());
    let name = SourceName::default();
    assert!(!store.source(&name).exists().unwrap());
    assert!(store.source(&name).current().unwrap().is_none());
    fs::write(dir.path().join("rockstor"), "").unwrap();
    assert_eq!(store.source(&name).exists().unwrap_err().kind(), ErrorKind::Store);
    assert_eq!(store.source(&name).current().unwrap_err().kind(), ErrorKind::Store);
    fs::remove_file(dir.path().join("rockstor")).unwrap();
    fs::create_dir(dir.path().join("rockstor")).unwrap();
    assert!(store.source(&name).exists().unwrap());
    // A source that was never updated is not damaged.
    assert_eq!(store.verify().unwrap(), []);
}

#[test]
fn an_error_of_the_current_generation_is_returned_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let source = dir.path().join("rockstor");
    fs::create_dir_all(source.join("gen/000001")).unwrap();
    symlink("gen/000001", source.join("current")).unwrap();
    let store = Store::new(dir.path());
    let mut reads = 0;
    let read = store.source(&SourceName::default()).read_current(|generation| -> Result<()> {
        reads += 1;
        Err(Error::new(ErrorKind::Manifest, format!("generation {}", generation.number)))
    });
    assert_eq!(read.unwrap_err().to_string(), "generation 1");
    assert_eq!(reads, 1);
}

#[test]
fn debug_output_of_a_store_is_its_directory() {
    assert_eq!(format!("{:?}", Store::new("/store")), "Store { dir: \"/store\" }");
}

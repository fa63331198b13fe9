//! Generations, locks and staging of one source, without an update.

mod checks;
mod parts;
mod recycling;

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::sync::Mutex;
use std::time::Duration;

use super::*;
use crate::base::digest::Digest;
use crate::base::path::EntryPath;
use crate::testing::{Call, HookedFiles, TestClock, bad_disk};

struct World {
    dir: tempfile::TempDir,
    store: Store,
    name: SourceName,
    clock: TestClock,
}

impl World {
    fn new() -> World {
        let dir = crate::testing::scratch();
        let store = Store::new(dir.path());
        World { dir, store, name: "s".parse().unwrap(), clock: TestClock::new() }
    }

    fn path(&self, relative: &str) -> PathBuf {
        self.dir.path().join("s").join(relative)
    }

    fn open<'a>(&self, files: &'a dyn Files) -> SourceWriter<'a> {
        SourceWriter::open(files, &self.store, &self.name, &self.clock, Duration::ZERO).unwrap()
    }

    /// Commits a generation with two files: `new.json`, and `old.json` of the current one, if any.
    fn commit(writer: &SourceWriter<'_>, content: &str) -> Result<Committed> {
        let digest = Digest::of(content.as_bytes());
        writer.staging.keep(content.as_bytes(), digest)?;
        let (old, new) = (EntryPath::new("old.json")?, EntryPath::new("new.json")?);
        let base = writer.reader().current()?;
        let commit = Commit {
            base: base.as_ref(),
            is_base_intact: true,
            tree: None,
            head: Some(b"head"),
            differences: &|pass| {
                match base {
                    Some(_) => pass(Difference::Removed(&new))?,
                    None => pass(Difference::Placed(&old, FileOrigin::Staging(digest)))?,
                }
                pass(Difference::Placed(&new, FileOrigin::Staging(digest)))
            },
            kept: &|pass| if base.is_some() { pass(&old) } else { Ok(()) },
            record: None,
        };
        let committed = writer.commit(&commit, &|| Ok(()))?;
        assert_eq!(writer.tidy(&committed.generation, base.as_ref()), Vec::<String>::new());
        Ok(committed)
    }

    fn generations(&self) -> Vec<String> {
        let entries = fs::read_dir(self.path("gen")).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.collect();
        names.sort();
        names
    }

    fn current(&self) -> String {
        fs::read_to_string(self.path("current/new.json")).unwrap()
    }
}

/// Returns the names of these generations and of their records.
fn with_changes(generations: &[&str]) -> Vec<String> {
    generations.iter().flat_map(|name| [(*name).to_owned(), format!("{name}.changes")]).collect()
}

/// Returns file operations that are logged.
fn logged(log: &'static Mutex<Vec<(Call, PathBuf)>>) -> impl Files {
    HookedFiles::new(|call, path| {
        log.lock().unwrap().push((call, path.to_owned()));
        Ok(())
    })
}

fn log() -> &'static Mutex<Vec<(Call, PathBuf)>> {
    Box::leak(Box::default())
}

#[test]
fn the_lock_excludes_writers_with_any_timeout() {
    let world = World::new();
    let open =
        |timeout| SourceWriter::open(&RealFiles, &world.store, &world.name, &world.clock, timeout);
    let writer = open(Duration::MAX).unwrap();
    for timeout in [Duration::ZERO, Duration::from_secs(60)] {
        assert_eq!(open(timeout).err().unwrap().kind(), ErrorKind::Locked);
    }
    drop(writer);
    assert!(open(Duration::ZERO).is_ok());
}

#[test]
fn the_current_and_the_previous_generation_are_kept() {
    let world = World::new();
    for (content, expected) in
        [("1", &["000001"][..]), ("2", &["000001", "000002"]), ("3", &["000002", "000003"])]
    {
        World::commit(&world.open(&RealFiles), content).unwrap();
        let expected = with_changes(expected);
        assert_eq!(world.current(), content);
        assert_eq!(world.generations(), expected);
        // Opening for writing keeps the same ones.
        fs::create_dir(world.path("gen/000009")).unwrap();
        fs::write(world.path("gen/stray"), "").unwrap();
        world.open(&RealFiles);
        assert_eq!(world.generations(), expected);
    }
}

#[test]
fn a_stray_generation_with_the_highest_number_is_removed_or_followed_by_another() {
    let world = World::new();
    let stray = format!("gen/{}", u64::MAX);
    World::commit(&world.open(&RealFiles), "1").unwrap();
    fs::create_dir(world.path(&stray)).unwrap();
    World::commit(&world.open(&RealFiles), "2").unwrap();
    assert_eq!(world.generations(), with_changes(&["000001", "000002"]));
    fs::rename(world.path("gen/000002"), world.path(&stray)).unwrap();
    fs::remove_file(world.path("current")).unwrap();
    std::os::unix::fs::symlink(&stray, world.path("current")).unwrap();
    let committed = World::commit(&world.open(&RealFiles), "3").unwrap();
    assert_eq!((committed.generation.number, &*world.current()), (1, "3"));
    world.open(&RealFiles);
    assert_eq!(world.generations(), ["000001", "000001.changes", &stray[4..]]);
    World::commit(&world.open(&RealFiles), "4").unwrap();
    assert_eq!(world.generations(), with_changes(&["000001", "000002"]));
}

#[test]
fn without_symbolic_links_the_error_says_what_a_store_needs() {
    for errno in [rustix::io::Errno::PERM, rustix::io::Errno::NOSYS, rustix::io::Errno::OPNOTSUPP] {
        let world = World::new();
        let files = HookedFiles::new(move |call, path| match call {
            Call::Change if path.ends_with(".current.new") => Err(errno.into()),
            _ => Ok(()),
        });
        let error = World::commit(&world.open(&files), "1").err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Store);
        let text = error.to_string();
        assert!(text.contains("cannot create a symbolic link, which a store needs"), "{text}");
        // The download is kept for an update elsewhere.
        assert!(world.path(&format!("incoming/{}", Digest::of(b"1"))).try_exists().unwrap());
    }
}

#[test]
fn everything_is_synced_in_its_order() {
    let world = World::new();
    let log = log();
    let files = logged(log);
    let writer = world.open(&files);
    log.lock().unwrap().clear();
    World::commit(&writer, "1").unwrap();
    let log = log.lock().unwrap();
    let at = |call: Call, path: &str| {
        let path = world.path(path);
        log.iter().rposition(|entry| *entry == (call, path.clone())).expect("is in the log")
    };
    let steps = [
        at(Call::Sync, "gen/000001/new.json"),
        at(Call::Sync, "gen/000001"),
        at(Call::Sync, "gen"),
        at(Call::Change, "current"),
        at(Call::Sync, ""),
        at(Call::Remove, &format!("incoming/{}", Digest::of(b"1"))),
    ];
    assert!(steps.is_sorted(), "{steps:?}: {log:#?}");
}

#[test]
fn a_swap_that_cannot_be_synced_is_no_error() {
    let world = World::new();
    let source_dir = world.path("");
    let files = HookedFiles::new(move |call, path| match call {
        Call::Sync if *path == source_dir => Err(bad_disk()),
        _ => Ok(()),
    });
    let committed = World::commit(&world.open(&files), "1").unwrap();
    assert!(committed.unsynced.is_some());
    assert_eq!(world.current(), "1");
}

#[test]
fn files_that_cannot_be_linked_are_copied_and_synced() {
    for kind in [
        io::ErrorKind::TooManyLinks,
        io::ErrorKind::Unsupported,
        io::ErrorKind::PermissionDenied,
        io::ErrorKind::CrossesDevices,
    ] {
        let world = World::new();
        World::commit(&world.open(&RealFiles), "1").unwrap();
        let (log, has_failed) = (log(), Mutex::new(false));
        let files = HookedFiles::new(move |call, path: &Path| {
            log.lock().unwrap().push((call, path.to_owned()));
            let mut has_failed = has_failed.lock().unwrap();
            if call == Call::Change && path.ends_with("gen/000002/old.json") && !*has_failed {
                *has_failed = true;
                return Err(kind.into());
            }
            Ok(())
        });
        World::commit(&world.open(&files), "2").unwrap();
        let copy = world.path("gen/000002/old.json");
        assert_eq!(fs::read_to_string(&copy).unwrap(), "1");
        assert!(log.lock().unwrap().contains(&(Call::Sync, copy)), "{kind}");
    }
    let world = World::new();
    let files = HookedFiles::new(|call, path: &Path| match call {
        Call::Change if path.ends_with("gen/000001/old.json") => Err(bad_disk()),
        _ => Ok(()),
    });
    assert_eq!(World::commit(&world.open(&files), "1").err().unwrap().kind(), ErrorKind::Store);
}

#[test]
fn files_in_staging_and_in_generations_are_read_only() {
    let world = World::new();
    let writer = world.open(&RealFiles);
    writer.staging.keep(b"2", Digest::of(b"2")).unwrap();
    let is_read_only = |path: PathBuf| {
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o222, 0, "{}", path.display());
    };
    is_read_only(writer.staging.path(Digest::of(b"2")));
    World::commit(&writer, "1").unwrap();
    for name in ["root.sha", "old.json", "new.json"] {
        is_read_only(world.path("current").join(name));
    }
}

#[test]
fn a_read_starts_over_if_its_generation_was_removed_meanwhile() {
    let world = World::new();
    World::commit(&world.open(&RealFiles), "1").unwrap();
    let source = world.store.source(&world.name);
    for removes in [false, true] {
        let mut numbers = Vec::new();
        let read = source.read_current(|generation| {
            numbers.push(generation.number);
            if numbers.len() == 1 {
                World::commit(&world.open(&RealFiles), "2").unwrap();
                if removes {
                    World::commit(&world.open(&RealFiles), "3").unwrap();
                }
            }
            Ok(generation.number)
        });
        let expected: &[u64] = if removes { &[2, 4] } else { &[1] };
        assert_eq!((read.unwrap().as_ref(), &*numbers), (expected.last(), expected));
    }
    // An error counts only if it is that of the current generation.
    let mut reads = 0;
    let read = source.read_current(|generation| {
        reads += 1;
        if reads == 1 {
            World::commit(&world.open(&RealFiles), "5").unwrap();
            return Err(Error::new(ErrorKind::Store, "missing"));
        }
        Ok(generation.number)
    });
    assert_eq!((read.unwrap(), reads), (Some(5), 2));
    let read = source.read_current(|_| Err::<(), _>(Error::new(ErrorKind::Store, "bad")));
    assert_eq!(read.unwrap_err().to_string(), "bad");
}

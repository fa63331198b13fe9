//! The quick check: what it looks at, and what it notices.

use std::collections::BTreeMap;
use std::time::SystemTime;

use super::*;
use crate::base::files::with_nanoseconds;
use crate::tree::manifest::{Entry, Manifest};

/// A v1 generation, whose record is its manifest.
struct Checked {
    world: World,
    generation: Generation,
    manifest: Manifest,
}

/// Returns the content of a file, which always has the same size.
fn content(n: usize) -> String {
    format!("content {n:05}")
}

impl Checked {
    /// A generation with `len` entries, whose files have any times.
    fn with_entries(len: usize) -> Checked {
        let world = World::new();
        let writer = world.open(&RealFiles);
        let generation = writer.generation(1);
        let entries = (0..len).map(|n| {
            let path = EntryPath::new(format!("dir{}/{n:05}", n / 500)).unwrap();
            let file = path.below(&generation.dir);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, content(n)).unwrap();
            let digest = Digest::of(content(n).as_bytes());
            Entry::new(format!("id {n:05}"), path, digest).unwrap().with_size(13)
        });
        let manifest = Manifest::from_entries(entries.collect()).unwrap();
        std::os::unix::fs::symlink("gen/000001", world.path("current")).unwrap();
        fs::write(generation.list_path(), "{}").unwrap();
        fs::write(generation.record_path(), manifest.to_canonical()).unwrap();
        writer.describe_anew(&generation).unwrap();
        drop(writer);
        Checked { world, generation, manifest }
    }

    /// A generation that has been checked completely, so that its files have their nanoseconds.
    fn marked(len: usize) -> Checked {
        let checked = Checked::with_entries(len);
        let mut at = String::new();
        while let Some(next) = checked.check(&at).0.filter(|next| !next.is_empty()) {
            at = next;
        }
        checked
    }

    fn file(&self, n: usize) -> PathBuf {
        self.generation.dir.join(format!("dir{}/{n:05}", n / 500))
    }

    /// Checks quickly. Returns the id to go on from, unless something is suspicious, and how often
    /// each file of an entry was looked at or read.
    fn check(&self, after: &str) -> (Option<String>, BTreeMap<PathBuf, usize>) {
        let seen: Mutex<BTreeMap<PathBuf, usize>> = Mutex::default();
        let files = HookedFiles::new(|call, path: &Path| {
            if call == Call::Read && path.file_name().is_some_and(|name| name.len() == 5) {
                *seen.lock().unwrap().entry(path.to_owned()).or_default() += 1;
            }
            Ok(())
        });
        let checked = match self.generation.quick_check(&files, after).unwrap() {
            QuickCheck::Intact { checked_up_to } => Some(checked_up_to),
            QuickCheck::Suspicious => None,
        };
        (checked, seen.lock().unwrap().clone())
    }

    fn is_suspicious(&self, after: &str) -> bool {
        self.check(after).0.is_none()
    }
}

#[test]
fn files_are_checked_in_rotation_and_read_only_if_their_times_are_unknown() {
    let checked = Checked::with_entries(2500);
    for (round, calls) in [("first", 3), ("second", 1)] {
        let (mut at, mut all) = (String::new(), BTreeMap::new());
        for (expected, len) in [("id 01023", 1024), ("id 02047", 1024), ("", 452)] {
            let (next, seen) = checked.check(&at);
            assert_eq!((next.as_deref(), seen.len()), (Some(expected), len), "{round}");
            // One look, or two and a read.
            assert!(seen.values().all(|n| *n == calls), "{round}: {seen:?}");
            all.extend(seen);
            at = expected.to_owned();
        }
        assert_eq!(all.len(), 2500, "{round}");
    }
}

#[test]
fn all_files_of_a_small_catalog_are_checked() {
    for len in [1, 1024] {
        let (next, seen) = Checked::marked(len).check("");
        assert_eq!((next.as_deref(), seen.len()), (Some(""), len));
    }
    assert_eq!(Checked::marked(1025).check("").0.as_deref(), Some("id 01023"));
}

#[test]
fn an_edited_file_is_noticed_when_its_turn_comes() {
    let checked = Checked::marked(2500);
    fs::write(checked.file(1500), content(1)).unwrap();
    for (after, is_suspicious) in [("", false), ("id 01023", true), ("id 02047", false)] {
        assert_eq!(checked.is_suspicious(after), is_suspicious, "{after}");
    }
    // Entries come and go between two checks.
    for (after, is_suspicious) in [("id 01023 gone", true), ("id 01499", true), ("id 01500", false)]
    {
        assert_eq!(checked.is_suspicious(after), is_suspicious, "{after}");
    }
    assert_eq!(checked.check("id 02499").0.as_deref(), Some(""));
}

#[test]
fn another_size_is_noticed_whatever_the_time() {
    let checked = Checked::marked(3);
    let time = fs::metadata(checked.file(1)).unwrap().modified().unwrap();
    fs::write(checked.file(1), "longer than before").unwrap();
    RealFiles.set_modified(&checked.file(1), time).unwrap();
    assert!(checked.is_suspicious(""));
    // With size and time of before, only digests tell.
    fs::write(checked.file(1), content(2)).unwrap();
    RealFiles.set_modified(&checked.file(1), time).unwrap();
    assert!(!checked.is_suspicious(""));
    let damage = checked.generation.damage(&RealFiles, &checked.manifest, &Status::default());
    assert_eq!(damage.unwrap().entries.len(), 1);
}

#[test]
fn a_file_with_another_time_is_read_once() {
    let checked = Checked::marked(3);
    let seconds = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
    RealFiles.set_modified(&checked.file(1), seconds).unwrap();
    for calls in [3, 1] {
        let (next, seen) = checked.check("");
        assert_eq!((next.as_deref(), seen[&checked.file(1)]), (Some(""), calls));
    }
    let time = fs::metadata(checked.file(1)).unwrap().modified().unwrap();
    assert_eq!(with_nanoseconds(time, 0), Some(seconds), "the date is kept");
}

#[test]
fn a_changed_directory_is_noticed_at_once() {
    let change = |checked: &Checked, label: &str| {
        let (dir, file) = (&checked.generation.dir, checked.file(2400));
        match label {
            "added" => fs::write(dir.join("dir4/stray"), ""),
            "added above" => fs::write(dir.join("stray"), ""),
            "removed" => fs::remove_file(&file),
            "renamed" => fs::rename(&file, file.with_extension("x")),
            "replaced" => fs::write(checked.world.path("new"), content(2400))
                .and_then(|()| fs::rename(checked.world.path("new"), &file)),
            "list edited in place" => fs::write(checked.generation.list_path(), "[]"),
            "record lost" => fs::remove_file(checked.generation.changes_path()),
            _ => unreachable!(),
        }
    };
    for (label, has_all_files) in [
        ("added", true),
        ("added above", true),
        ("removed", false),
        ("renamed", false),
        ("replaced", true),
        ("list edited in place", true),
        ("record lost", true),
    ] {
        let checked = Checked::marked(2500);
        assert!(!checked.is_suspicious("id 02047"), "{label}");
        change(&checked, label).unwrap();
        assert!(checked.is_suspicious(""), "{label}");
        // From now on, the directories are as recorded.
        checked.world.open(&RealFiles).describe_anew(&checked.generation).unwrap();
        assert_eq!(checked.is_suspicious("id 02047"), !has_all_files, "{label}");
    }
}

#[test]
fn a_manifest_in_another_form_is_checked_as_well() {
    let checked = Checked::marked(1100);
    let text = String::from_utf8(checked.manifest.to_canonical()).unwrap();
    fs::write(checked.generation.record_path(), text.replace("\":{", "\": {")).unwrap();
    let (next, seen) = checked.check("");
    assert_eq!((next.as_deref(), seen.len()), (Some("id 01023"), 1024));
    fs::write(checked.file(1050), content(1)).unwrap();
    assert!(checked.is_suspicious("id 01023") && !checked.is_suspicious(""));
    fs::write(checked.generation.record_path(), "]").unwrap();
    assert!(checked.is_suspicious(""));
}

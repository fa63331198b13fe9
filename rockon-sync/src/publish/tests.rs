//! The promises of the publisher as a whole.

#![allow(clippy::disallowed_methods, reason = "the paths of a test can be looked at")]

mod checked;
mod conflicts;
mod durable;
mod faults;
mod in_place;
mod keep;
mod packs;
mod prune;
mod renames;
mod report;
mod review;
mod sign;
mod tree;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::before::History;
use super::head::MAX_PUBLISHED_HEAD_BYTES;
use super::tree::BY_SHA;
use super::*;
use crate::base::digest::Digest;
use crate::base::error::ErrorKind;
use crate::base::files::{Files, RealFiles, try_lock, walk};
use crate::base::problem::{Problem, Severity};
use crate::base::time::Timestamp;
use crate::format::Format;
use crate::testing::scratch;
use crate::tree::manifest::Manifest;
use crate::tree::note::SigningKey;
use crate::update::plan::MassDelete;

/// Returns a definition file with one definition and one container.
pub(super) fn definition(name: &str, version: &str) -> String {
    format!(
        "{{\"{name}\": {{\"description\": \"\", \"website\": \"\", \"version\": \"{version}\",\n \
         \"containers\": {{\"{name}-box\": {{\"image\": \"i\", \"launch_order\": 1}}}}}}}}\n"
    )
}

/// A temporary directory with a catalog and a tree.
pub(super) struct Place {
    dir: TempDir,
}

impl Place {
    /// Creates a catalog of entries `a`, `b` and `c`, the last one in a subdirectory.
    pub(super) fn new() -> Place {
        let place = Place { dir: scratch() };
        fs::create_dir(place.catalog()).unwrap();
        for (path, name) in [("a.json", "A"), ("b.json", "B"), ("sub/c.json", "C")] {
            place.put(path, &definition(name, "1"));
        }
        place.list(&[("a", "a.json"), ("b", "b.json"), ("c", "sub/c.json")]);
        place
    }

    pub(super) fn catalog(&self) -> PathBuf {
        self.dir.path().join("catalog")
    }

    pub(super) fn out(&self) -> PathBuf {
        self.dir.path().join("out")
    }

    pub(super) fn put(&self, path: &str, text: &str) {
        let path = self.catalog().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub(super) fn list(&self, rows: &[(&str, &str)]) {
        let rows: Vec<_> = rows.iter().map(|(id, file)| format!("\"{id}\": \"{file}\"")).collect();
        self.put("root.json", &format!("{{\n{}\n}}\n", rows.join(",\n")));
    }

    /// Changes `a`, removes `b` and adds `d` in a new subdirectory.
    pub(super) fn edit(&self) {
        self.put("a.json", &definition("A", "2"));
        fs::remove_file(self.catalog().join("b.json")).unwrap();
        self.put("new/d.json", &definition("D", "1"));
        self.list(&[("a", "a.json"), ("c", "sub/c.json"), ("d", "new/d.json")]);
    }

    /// Returns a publisher into [`Place::out`], at a fixed time.
    pub(super) fn publisher(&self) -> Publisher<'static> {
        Publisher::new(self.catalog()).out(self.out()).published(at(1_000_000))
    }
}

pub(super) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix(seconds).unwrap()
}

/// Returns every file below `dir` with its bytes.
pub(super) fn snapshot(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    walk(&RealFiles, dir, &mut |path, _| {
        let bytes = fs::read(dir.join(path)).unwrap();
        found.insert(path.to_str().unwrap().to_owned(), bytes);
        Ok(())
    })
    .unwrap();
    found
}

/// Returns the modification times of all files and directories below `dir`.
fn times(dir: &Path) -> BTreeMap<PathBuf, std::time::SystemTime> {
    let mut found = BTreeMap::new();
    let mut dirs = vec![dir.to_path_buf()];
    while let Some(dir) = dirs.pop() {
        found.insert(dir.clone(), fs::metadata(&dir).unwrap().modified().unwrap());
        for entry in fs::read_dir(&dir).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_dir() {
                dirs.push(entry.path());
            } else {
                found.insert(entry.path(), entry.metadata().unwrap().modified().unwrap());
            }
        }
    }
    found
}

fn manifest_in(dir: &Path, name: &str) -> Manifest {
    Manifest::parse(&fs::read(dir.join(name)).unwrap()).unwrap()
}

fn head_in(dir: &Path) -> Head {
    Head::parse(&fs::read(dir.join("root.sha")).unwrap()).unwrap()
}

#[test]
fn the_same_catalog_at_the_same_time_gives_the_same_bytes() {
    let (one, other) = (Place::new(), Place::new());
    let report = one.publisher().url("https://h.example/v2/").expires_in_days(30).run().unwrap();
    other.publisher().url("https://h.example/v2/").expires_in_days(30).run().unwrap();
    let tree = snapshot(&one.out());
    assert!(tree == snapshot(&other.out()));
    assert_eq!(
        String::from_utf8(tree["root.sha"].clone()).unwrap(),
        format!(
            "{}  root.json\n# serial 1\n# published 1970-01-12T13:46:40Z\n\
             # expires 1970-02-11T13:46:40Z\n# size {}\n# url https://h.example/v2/\n\
             # by-sha by-sha/\n# pack empty {}\n",
            report.manifest,
            tree["root.json"].len(),
            tree[&format!("packs/empty-{}.tar.zst", &report.manifest.to_string()[..12])].len(),
        )
    );
    assert_eq!(Digest::of(&tree["root.json"]), report.manifest);
    assert_eq!(
        String::from_utf8(tree["history.json"].clone()).unwrap(),
        format!(
            "{{\n  \"publishes\": [\n    {{\n      \"manifest\": \"{}\",\n      \"serial\": 1,\n      \
             \"published\": \"1970-01-12T13:46:40Z\",\n      \"size\": {},\n      \
             \"packs\": [\n        {{\n          \"size\": {}\n        }}\n      ]\n    }}\n  \
             ]\n}}\n",
            report.manifest,
            tree["root.json"].len(),
            tree[&format!("packs/empty-{}.tar.zst", &report.manifest.to_string()[..12])].len(),
        )
    );
    for (path, name) in [("a.json", "A"), ("b.json", "B"), ("sub/c.json", "C")] {
        let text = definition(name, "1").into_bytes();
        assert_eq!(tree[path], text);
        assert_eq!(tree[&format!("by-sha/{}", Digest::of(&text))], text);
    }
    assert_eq!(tree.len(), 3 + 3 + 4 + 1, "named files, the tree's own, objects, a pack");
    assert_eq!(report.added, ["a", "b", "c"]);
    let entry = manifest_in(&one.out(), "root.json").entry("c").unwrap().clone();
    assert_eq!(entry.names().unwrap(), [Box::from("C")]);
    assert_eq!(entry.size_bytes(), Some(tree["sub/c.json"].len() as u64));
}

#[test]
fn publishing_an_unchanged_catalog_writes_nothing() {
    let place = Place::new();
    let in_place = |place: &Place| place.publisher().in_place();
    for publisher in [Place::publisher, in_place] {
        let first = publisher(&place).run().unwrap();
        let before = times(place.dir.path());
        let again = publisher(&place).published(at(2_000_000)).run().unwrap();
        assert_eq!(again.outcome, PublishOutcome::Unchanged);
        assert_eq!((again.serial, again.manifest), (1, first.manifest));
        assert_eq!(times(place.dir.path()), before);
    }
}

#[test]
fn the_time_of_an_entry_changes_only_with_its_bytes() {
    let place = Place::new();
    place.publisher().run().unwrap();
    place.edit();
    // The bytes of `c` under another id and name.
    fs::rename(place.catalog().join("sub/c.json"), place.catalog().join("see.json")).unwrap();
    place.list(&[("a", "a.json"), ("see", "see.json"), ("d", "new/d.json")]);
    let report = place.publisher().published(at(2_000_000)).run().unwrap();
    assert_eq!((report.outcome, report.serial), (PublishOutcome::Published, 2));
    assert_eq!(report.added, ["d", "see"]);
    assert_eq!((report.changed, report.removed), (vec!["a".into()], vec!["b".into(), "c".into()]));
    let manifest = manifest_in(&place.out(), "root.json");
    let updated = |id: &str| manifest.entry(id).unwrap().updated();
    assert_eq!(updated("a"), Some(at(2_000_000)));
    assert_eq!(updated("d"), Some(at(2_000_000)));
    assert_eq!(updated("see"), Some(at(1_000_000)));
}

#[test]
fn one_invalid_definition_stops_the_publication() {
    let place = Place::new();
    place.publisher().run().unwrap();
    place.put("a.json", "{\n");
    place.put("b.json", &definition("C", "2"));
    let before = snapshot(&place.out());
    let error = place.publisher().run().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Catalog);
    assert_eq!(error.to_string(), "nothing was published: 3 problems");
    let expected = [
        "a.json:2:1: not JSON: EOF while parsing an object",
        "sub/c.json:1:7: duplicate definition \"C\", first defined at b.json:1:7",
        "sub/c.json:2:26: duplicate container \"C-box\", first defined at b.json:2:26",
    ];
    let found: Vec<_> = error.problems().iter().map(Problem::to_string).collect();
    assert_eq!(found, expected);
    assert!(snapshot(&place.out()) == before);
}

#[test]
fn a_head_that_expires_at_once_is_a_usage_error() {
    let place = Place::new();
    let error = place.publisher().expires_in_days(0).run().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Argument);
    assert!(error.to_string().ends_with("got 0 days"), "{error}");
}

#[test]
fn an_empty_catalog_is_not_published() {
    let place = Place::new();
    place.put("root.json", "{}");
    for leniency in [Leniency::Strict, Leniency::LeaveOut] {
        let error = place.publisher().leniency(leniency).run().unwrap_err();
        let last = error.problems().last().unwrap().to_string();
        assert_eq!(last, "root.json: no entries to publish");
        assert_eq!(fs::read_dir(place.out()).unwrap().count(), 0);
    }
}

#[test]
fn kept_publications_stay_complete_and_older_ones_are_removed() {
    let place = Place::new();
    let mut manifests = Vec::new();
    for version in 1..=5 {
        place.put("a.json", &definition("A", &version.to_string()));
        manifests.push(place.publisher().keep(3).run().unwrap().manifest);
        let whole = manifests.iter().filter(|digest| {
            let object = |digest: Digest| place.out().join(BY_SHA).join(digest.to_string());
            let manifest = fs::read(object(**digest)).ok();
            let manifest = manifest.map(|bytes| Manifest::parse(&bytes).unwrap());
            manifest.is_some_and(|manifest| {
                manifest.entries().iter().all(|entry| object(entry.digest()).exists())
            })
        });
        let kept = manifests[manifests.len().saturating_sub(3)..].iter();
        assert!(whole.eq(kept), "after publication {version}");
    }
    // Three manifests, three versions of `a`, `b` and `c`.
    assert_eq!(fs::read_dir(place.out().join(BY_SHA)).unwrap().count(), 3 + 3 + 2);
    // A manifest that is published again is kept once.
    place.put("a.json", &definition("A", "4"));
    place.publisher().keep(3).run().unwrap();
    let history = History::load(&RealFiles, &place.out().join("history.json")).unwrap().unwrap();
    let serials: Vec<_> = history.records.iter().map(|record| record.serial).collect();
    assert_eq!(serials, [6, 5, 3]);
}

#[test]
fn publishing_in_place_does_not_touch_files_of_older_systems() {
    let place = Place::new();
    let before = times(&place.catalog());
    let originals = snapshot(&place.catalog());
    place.publisher().in_place().run().unwrap();
    let after = times(&place.catalog());
    for (path, time) in before.iter().filter(|(path, _)| path.is_file()) {
        assert_eq!(after.get(path), Some(time), "{}", path.display());
    }
    let tree = snapshot(&place.catalog());
    let mut new: Vec<_> = tree.keys().filter(|path| !originals.contains_key(*path)).collect();
    new.retain(|path| !path.starts_with("by-sha/") && !path.starts_with("packs/"));
    assert_eq!(new, ["history.json", "root.v2.json", "root.v2.sha"]);
    // The objects are copies: editing an original does not change them.
    let object = place.catalog().join(BY_SHA).join(Digest::of(&tree["a.json"]).to_string());
    place.put("a.json", "edited");
    assert_eq!(fs::read(object).unwrap(), tree["a.json"]);
    place.edit();
    place.publisher().in_place().keep(1).run().unwrap();
    assert!(place.catalog().join("a.json").exists(), "a named file was removed");
}

#[test]
fn a_head_is_renewed_at_half_of_its_time_or_when_the_url_changes() {
    let place = Place::new();
    let day = 86_400;
    let run = |days: i64, url: &str| {
        let publisher = place.publisher().published(at(days * day)).url(url).expires_in_days(10);
        let report = publisher.run().unwrap();
        (report.outcome, report.serial)
    };
    let (one, other) = ("https://one.example/", "https://other.example/");
    for (days, url, expected) in [
        (0, one, (PublishOutcome::Published, 1)),
        (5, one, (PublishOutcome::Unchanged, 1)),
        (6, one, (PublishOutcome::Published, 2)),
        (6, other, (PublishOutcome::Published, 3)),
        (7, other, (PublishOutcome::Unchanged, 3)),
    ] {
        assert_eq!(run(days, url), expected, "day {days}, {url}");
    }
    assert_eq!(head_in(&place.out()).expires(), Some(at(16 * day)));
    let history = History::load(&RealFiles, &place.out().join("history.json")).unwrap().unwrap();
    assert_eq!(history.records.len(), 1, "one manifest with several heads");
}

#[test]
fn a_damaged_tree_is_repaired() {
    type Damage = fn(&Path);
    let damages: &[(&str, Damage)] = &[
        ("a named file is missing", |out| fs::remove_file(out.join("a.json")).unwrap()),
        ("a named file has other bytes", |out| {
            fs::remove_file(out.join("a.json")).unwrap();
            fs::write(out.join("a.json"), "other").unwrap();
        }),
        ("a named file and so its object were edited, same size", |out| {
            let edited = vec![b'x'; fs::read(out.join("a.json")).unwrap().len()];
            fs::write(out.join("a.json"), edited).unwrap();
        }),
        ("a subdirectory is missing", |out| fs::remove_dir_all(out.join("sub")).unwrap()),
        ("every object is missing", |out| fs::remove_dir_all(out.join(BY_SHA)).unwrap()),
        ("the manifest is missing", |out| fs::remove_file(out.join("root.json")).unwrap()),
        ("the manifest was edited", |out| fs::write(out.join("root.json"), "{}").unwrap()),
    ];
    let whole = Place::new();
    whole.publisher().run().unwrap();
    let mut expected = snapshot(&whole.out());
    for (what, damage) in damages {
        let place = Place::new();
        place.publisher().run().unwrap();
        damage(&place.out());
        let report = place.publisher().run().unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!((report.outcome, report.serial), (PublishOutcome::Published, 2), "{what}");
        let mut found = snapshot(&place.out());
        for changing in ["root.sha", "history.json"] {
            found.remove(changing);
            expected.remove(changing);
        }
        assert!(found == expected, "{what}");
    }
}

#[test]
fn a_missing_history_or_head_is_restored_from_the_other() {
    for (lost, report_of_it) in [
        (
            "history.json",
            "history.json: warning: missing or damaged; the history restarts with the head",
        ),
        ("root.sha", "root.sha: warning: missing; it is restored from the history"),
    ] {
        let place = Place::new();
        place.publisher().run().unwrap();
        fs::remove_file(place.out().join(lost)).unwrap();
        place.put("a.json", &definition("A", "2"));
        let report = place.publisher().published(at(2_000_000)).run().unwrap();
        let problems: Vec<_> = report.problems.iter().map(Problem::to_string).collect();
        assert_eq!(problems, [report_of_it]);
        assert_eq!((report.serial, &*report.changed), (2, &["a".to_owned()][..]), "{lost}");
        let manifest = manifest_in(&place.out(), "root.json");
        assert_eq!(manifest.entry("b").unwrap().updated(), Some(at(1_000_000)), "{lost}");
    }
    let place = Place::new();
    place.publisher().run().unwrap();
    fs::write(place.out().join("history.json"), "{\"publishes\": 1}").unwrap();
    assert_eq!(place.publisher().run().unwrap().problems.len(), 1, "damaged");
    assert!(place.publisher().run().unwrap().problems.is_empty(), "restored");
}

#[test]
fn foreign_files_are_never_replaced() {
    for foreign in ["a.json", "root.json", "history.json", "sub", "sub/c.json/x"] {
        let place = Place::new();
        let path = place.out().join(foreign);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, "mine").unwrap();
        fs::write(place.out().join("index.html"), "mine").unwrap();
        let before = snapshot(&place.out());
        let error = place.publisher().run().expect_err(foreign);
        assert_eq!(error.kind(), ErrorKind::Store, "{foreign}");
        let named = if foreign.ends_with("/x") { path.parent().unwrap() } else { &path };
        assert_eq!(
            error.to_string(),
            format!(
                "{}: this file was not written by the publisher; refusing to overwrite it",
                named.display()
            )
        );
        assert!(snapshot(&place.out()) == before, "{foreign}");
        // A foreign file with the same bytes is accepted.
        if foreign == "a.json" {
            fs::write(&path, definition("A", "1")).unwrap();
            place.publisher().run().unwrap();
            assert_eq!(fs::read(place.out().join("index.html")).unwrap(), b"mine");
        }
    }
}

#[test]
fn only_published_files_are_removed() {
    let place = Place::new();
    place.publisher().run().unwrap();
    place.edit();
    fs::write(place.out().join("z.json"), "mine").unwrap();
    place.publisher().run().unwrap();
    assert!(!place.out().join("b.json").exists());
    assert!(place.out().join("z.json").exists());
}

#[test]
fn one_publisher_at_a_time() {
    let place = Place::new();
    fs::create_dir(place.out()).unwrap();
    let lock = try_lock(&place.out()).unwrap().unwrap();
    assert_eq!(place.publisher().run().unwrap_err().kind(), ErrorKind::Locked);
    drop(lock);
    place.publisher().run().unwrap();
}

#[test]
fn invalid_arguments_are_refused_before_anything_is_written() {
    let place = Place::new();
    let long = format!("https://h.example/{}/", "x".repeat(1200));
    for url in ["v2/", "ftp://h.example/", "https://me:secret@h.example/", "", &long] {
        let error = place.publisher().url(url).run().expect_err(url);
        assert_eq!(error.kind(), ErrorKind::Argument, "{url}");
        assert!(!error.to_chain().contains("secret"), "{error}");
        let written = fs::read_dir(place.out()).map_or(0, |names| names.count());
        assert_eq!(written, 0, "{url}");
    }
    let error = place.publisher().out(place.catalog()).run().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Argument);
    assert!(error.to_string().contains("in place"), "{error}");
    let error = Publisher::new(place.dir.path().join("nowhere")).run().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

#[test]
fn the_tree_is_in_the_catalog_directory_by_default() {
    let place = Place::new();
    let report = Publisher::new(place.catalog()).published(at(0)).run().unwrap();
    assert_eq!(report.head, place.catalog().join("v2/root.sha"));
    let deep = place.dir.path().join("x/y/z");
    place.publisher().out(&deep).run().unwrap();
    assert!(deep.join("root.sha").exists());
}

/// Web servers derive validators from the size and the time in whole seconds.
#[test]
fn two_heads_never_have_the_same_time() {
    use std::os::unix::fs::MetadataExt;
    let place = Place::new();
    let head = place.out().join("root.sha");
    let mut last = 0;
    for version in ["1", "2", "3", "4"] {
        place.put("a.json", &definition("A", version));
        place.publisher().run().unwrap();
        let time = fs::metadata(&head).unwrap().mtime();
        assert!(time > last, "{version}: {time} after {last}");
        last = time;
    }
}

/// Also if times are pinned, or another machine has another clock.
#[test]
fn a_head_from_an_empty_disk_is_later_than_the_previous_one() {
    let place = Place::new();
    place.publisher().run().unwrap();
    let later = std::time::UNIX_EPOCH + std::time::Duration::from_secs(4_000_000_000);
    RealFiles.set_modified(&place.out().join("root.sha"), later).unwrap();
    let server = rockon_sync_tests::Server::serve(place.out());
    for location in [place.out().to_str().unwrap(), &server.url()] {
        let empty = tempfile::tempdir().unwrap();
        let time = |publisher: Publisher<'_>| {
            publisher.out(empty.path()).previous(location.parse().unwrap()).run().unwrap();
            fs::metadata(empty.path().join("root.sha")).unwrap().modified().unwrap()
        };
        assert_eq!(time(place.publisher()), later, "{location}: unchanged");
        let changed = time(place.publisher().url("https://h.example/"));
        assert!(changed >= later + std::time::Duration::from_secs(1), "{location}");
    }
}

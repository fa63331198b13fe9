//! Everything that a head names is on the disk before the head.

use std::sync::Mutex;

use super::*;
use crate::testing::{Call, HookedFiles};

/// The operations of a publication, by path from the directory of the tree.
struct Events(Vec<(Call, String)>);

impl Events {
    fn of(place: &Place, publisher: Publisher<'_>) -> Events {
        let events = Mutex::new(Vec::new());
        let files = HookedFiles::new(|call, path: &Path| {
            if call != Call::Read
                && let Ok(path) = path.strip_prefix(place.out())
            {
                events.lock().unwrap().push((call, path.to_str().unwrap().to_owned()));
            }
            Ok(())
        });
        publisher.files(&files).run().unwrap();
        Events(events.into_inner().unwrap())
    }

    /// Returns the number of the last such operation on a path.
    fn last(&self, call: Call, path: &str) -> usize {
        let at = self.0.iter().rposition(|(c, p)| *c == call && p == path);
        at.unwrap_or_else(|| panic!("no {call:?} of {path:?}: {:#?}", self.0))
    }

    /// Asserts that the steps are in this order.
    fn assert_order(&self, steps: &[(Call, &str)]) {
        let at: Vec<usize> = steps.iter().map(|(call, path)| self.last(*call, path)).collect();
        assert!(at.is_sorted_by(|a, b| a < b), "{steps:?}: {at:?}: {:#?}", self.0);
    }
}

#[test]
fn objects_then_named_files_then_packs_then_the_head() {
    let place = Place::new();
    place.publisher().run().unwrap();
    place.edit();
    let events = Events::of(&place, place.publisher().published(at(2_000_000)));
    let object = Digest::of(definition("D", "1").as_bytes()).to_string();
    let (staged, object) = (format!("by-sha/.{object}.new"), format!("by-sha/{object}"));
    let head = (Call::Change, "root.sha");
    events.assert_order(&[
        (Call::Sync, &staged),
        (Call::Change, &object),
        (Call::Sync, "by-sha"),
        (Call::Change, "new/d.json"),
        (Call::Sync, "new"),
        head,
    ]);
    let manifest = head_in(&place.out()).digest().to_string();
    let pack = format!("packs/empty-{}.tar.zst", &manifest[..12]);
    let staged = format!("packs/.empty-{}.tar.zst.new", &manifest[..12]);
    events.assert_order(&[
        (Call::Sync, &staged),
        (Call::Change, &pack),
        (Call::Sync, "packs"),
        head,
    ]);
    // The directory of the tree: for the named files, and for the head.
    let syncs: Vec<usize> =
        (0..events.0.len()).filter(|n| events.0[*n] == (Call::Sync, String::new())).collect();
    let (named, head) = (events.last(Call::Change, "root.json"), events.last(head.0, head.1));
    assert!(syncs.iter().any(|n| (named..head).contains(n)), "{:#?}", events.0);
    assert!(syncs.iter().any(|n| *n > head), "{:#?}", events.0);
}

#[test]
fn named_files_then_objects_are_removed_for_good_before_the_history_forgets_them() {
    let place = Place::new();
    place.publisher().run().unwrap();
    place.edit();
    let events = Events::of(&place, place.publisher().published(at(2_000_000)).keep(1));
    // The manifest that lists b.json, and its object.
    let removed = |(call, path): &(Call, String)| {
        *call == Call::Remove
            && path.strip_prefix("by-sha/").is_some_and(|name| !name.starts_with('.'))
    };
    let objects: Vec<usize> = (0..events.0.len()).filter(|n| removed(&events.0[*n])).collect();
    assert_eq!(objects.len(), 3, "{:#?}", events.0);
    let named = events.last(Call::Remove, "b.json");
    let history = events.last(Call::Change, "history.json");
    assert!(events.last(Call::Change, "root.sha") < named, "{:#?}", events.0);
    let syncs_between = |dir: &str, from: usize, to: usize| {
        events.0[from..to].contains(&(Call::Sync, dir.to_owned()))
    };
    assert!(syncs_between("", named, objects[0]), "{:#?}", events.0);
    assert!(syncs_between("by-sha", objects[2], history), "{:#?}", events.0);
}

#[test]
fn a_file_that_changes_during_the_publication_is_not_published() {
    let place = Place::new();
    let file = place.catalog().join("a.json");
    let reads = Mutex::new(0);
    let files = HookedFiles::new(|call, path: &Path| {
        if call == Call::Change && path.to_str().unwrap().contains("by-sha/.") {
            // After it was scanned, and before it is copied.
            let mut reads = reads.lock().unwrap();
            *reads += 1;
            if *reads == 1 {
                fs::write(&file, definition("A", "2"))?;
            }
        }
        Ok(())
    });
    let error = place.publisher().files(&files).run().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Store);
    assert!(error.to_chain().contains("changed while it was being published"), "{error}");
    assert!(!place.out().join("root.sha").exists());
    assert_eq!(place.publisher().run().unwrap().entries, 3);
}

#[test]
fn a_named_file_that_cannot_be_linked_is_a_copy() {
    let place = Place::new();
    let draft = place.out().join("by-sha/.named.new");
    let is_link = Mutex::new(true);
    let files = HookedFiles::new(|call, path: &Path| {
        let mut is_link = is_link.lock().unwrap();
        // The link is the first change of the path; the copy is another one.
        if call == Call::Change && path == draft && std::mem::replace(&mut *is_link, false) {
            return Err(std::io::ErrorKind::Unsupported.into());
        }
        *is_link |= path.extension().is_some_and(|extension| extension == "json");
        Ok(())
    });
    place.publisher().files(&files).run().unwrap();
    for (path, name) in [("a.json", "A"), ("sub/c.json", "C")] {
        let text = fs::read_to_string(place.out().join(path)).unwrap();
        assert_eq!(text, definition(name, "1"));
    }
    assert!(fs::symlink_metadata(&draft).is_err());
}

#[test]
fn a_lost_manifest_and_a_lost_head_are_warnings() {
    for (lost, expected) in [
        ("root.json", None),
        ("history.json", Some("missing or damaged; the history restarts with the head")),
        ("root.sha", Some("missing; it is restored from the history")),
    ] {
        let place = Place::new();
        let first = place.publisher().run().unwrap();
        fs::remove_file(place.out().join(lost)).unwrap();
        let report = place.publisher().run().unwrap();
        assert_eq!(report.manifest, first.manifest, "{lost}");
        let warnings: Vec<String> = report.problems.iter().map(ToString::to_string).collect();
        assert_eq!(warnings.len(), usize::from(expected.is_some()), "{lost}: {warnings:#?}");
        if let Some(expected) = expected {
            assert!(warnings[0].contains(expected), "{lost}: {warnings:#?}");
        }
        // The next publication knows both.
        place.edit();
        place.publisher().published(at(2_000_000)).run().unwrap();
        let history = History::load(&RealFiles, &place.out().join("history.json")).unwrap();
        assert_eq!(history.unwrap().records.len(), 2, "{lost}");
    }
    let place = Place::new();
    let manifest = place.publisher().run().unwrap().manifest;
    fs::remove_file(place.out().join("root.json")).unwrap();
    fs::remove_file(place.out().join(BY_SHA).join(manifest.to_string())).unwrap();
    let report = place.publisher().run().unwrap();
    let warnings: Vec<String> = report.problems.iter().map(ToString::to_string).collect();
    let expected = format!("the manifest {manifest} is missing; publishing everything again");
    assert!(warnings.iter().any(|warning| warning.contains(&expected)), "{warnings:#?}");
}

#[test]
fn a_reviewed_file_must_exist_and_be_a_file() {
    let place = Place::new();
    let review = |name: &str| review_files([place.catalog().join(name)]);
    assert_eq!(review("a.json").unwrap()[0].definitions[0].name, "A");
    std::os::unix::fs::symlink("a.json", place.catalog().join("link.json")).unwrap();
    assert_eq!(review("link.json").unwrap()[0].definitions[0].name, "A");
    std::os::unix::fs::symlink("loop.json", place.catalog().join("loop.json")).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(place.catalog().join("s")).unwrap();
    for (name, kind) in [
        ("gone.json", ErrorKind::NotFound),
        ("a.json/deeper.json", ErrorKind::NotFound),
        ("loop.json", ErrorKind::Store),
        ("s", ErrorKind::Store),
    ] {
        let error = review(name).unwrap_err();
        assert_eq!(error.kind(), kind, "{name}: {}", error.to_chain());
        assert!(error.to_chain().contains(name), "{name}: {}", error.to_chain());
    }
}

#[test]
fn a_publication_without_its_history_keeps_the_one_before() {
    let place = Place::new();
    let first = place.publisher().run().unwrap();
    fs::remove_file(place.out().join("history.json")).unwrap();
    place.edit();
    place.publisher().published(at(2_000_000)).run().unwrap();
    let history = History::load(&RealFiles, &place.out().join("history.json")).unwrap().unwrap();
    assert_eq!(history.records.len(), 2);
    // Clients that are updating still find its files, and a delta from it.
    assert!(place.out().join(BY_SHA).join(first.manifest.to_string()).exists());
    let base = first.manifest.to_string();
    let packs = head_in(&place.out());
    assert!(packs.packs().iter().any(|pack| pack.base.as_deref() == Some(&base[..12])));
}

#[test]
fn a_named_file_that_was_edited_damages_its_object_and_both_are_repaired() {
    let place = Place::new();
    place.publisher().run().unwrap();
    let text = definition("B", "1");
    let object = place.out().join(BY_SHA).join(Digest::of(text.as_bytes()).to_string());
    let damaged = text.replace("\"i\"", "\"j\"");
    // They are one file: a hard link.
    fs::remove_file(place.out().join("b.json")).unwrap();
    fs::remove_file(&object).unwrap();
    fs::write(&object, &damaged).unwrap();
    fs::hard_link(&object, place.out().join("b.json")).unwrap();
    place.publisher().run().unwrap();
    assert_eq!(fs::read_to_string(&object).unwrap(), text);
    assert_eq!(fs::read_to_string(place.out().join("b.json")).unwrap(), text);
}

#[test]
fn the_last_of_two_places_for_the_tree_counts() {
    let place = Place::new();
    place.publisher().in_place().out(place.out()).run().unwrap();
    assert!(place.out().join("root.sha").exists());
    assert!(!place.catalog().join("root.v2.sha").exists());
    let place = Place::new();
    place.publisher().out(place.out()).in_place().run().unwrap();
    assert!(place.catalog().join("root.v2.sha").exists());
    assert!(!place.out().exists());
}

#[test]
fn a_catalog_that_is_no_directory_is_not_published() {
    let place = Place::new();
    for catalog in ["gone", "a.json"] {
        let error = Publisher::new(place.catalog().join(catalog)).out(place.out()).run();
        let error = error.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound, "{catalog}");
        assert!(error.to_chain().contains("expected a catalog directory"), "{}", error.to_chain());
        assert!(!place.out().exists());
    }
}

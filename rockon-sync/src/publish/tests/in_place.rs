//! In place, files of the author and files of the publisher are in one directory: no file of the
//! author is overwritten, removed, or left out silently.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::testing::{Call, HookedFiles, bad_disk};

/// A catalog of two plain files.
fn files_place() -> Place {
    let place = Place { dir: scratch() };
    place.put("one.txt", "one");
    place.put("sub/two.txt", "two");
    place
}

impl Place {
    fn files(&self) -> Publisher<'static> {
        self.publisher().format(Format::Files)
    }

    /// Publishes in place, and loses head and history, as if the publication was interrupted.
    fn interrupt(&self) {
        self.files().in_place().run().unwrap();
        for name in ["root.v2.sha", "history.json"] {
            fs::remove_file(self.catalog().join(name)).unwrap();
        }
    }

    /// Returns the problems of a publication that fails because of them.
    fn refused(&self, publisher: &Publisher<'_>) -> Vec<String> {
        let before = snapshot(&self.catalog());
        let error = publisher.run().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Catalog, "{}", error.to_chain());
        assert!(snapshot(&self.catalog()) == before, "something was written");
        let problems = error.problems().iter();
        let errors = problems.filter(|problem| problem.severity == Severity::Error);
        errors.map(ToString::to_string).collect()
    }
}

#[test]
fn a_directory_with_a_reserved_name_is_one_problem() {
    let place = files_place();
    for name in ["by-sha/1", "by-sha/2", "by-sha/deep/3", "packs/4"] {
        place.put(name, "mine");
    }
    // A digest or the name of a pack is no reason to take a file for one of a publisher.
    place.put(&format!("by-sha/{}", Digest::of(b"mine")), "mine");
    place.put(&format!("packs/empty-{}.tar.zst", &Digest::of(b"x").to_string()[..12]), "mine");
    let expected =
        ["by-sha: the name \"by-sha\" is reserved", "packs: the name \"packs\" is reserved"];
    assert_eq!(place.refused(&place.files()), expected);
}

#[test]
fn a_head_or_a_history_shows_that_a_publisher_wrote_the_tree() {
    for lost in [None, Some("root.v2.sha"), Some("history.json")] {
        let place = files_place();
        place.files().in_place().run().unwrap();
        if let Some(lost) = lost {
            fs::remove_file(place.catalog().join(lost)).unwrap();
        }
        // To a tree elsewhere, none of it is a file of the catalog.
        let report = place.files().run().unwrap();
        assert_eq!(report.added, ["one.txt", "sub/two.txt"], "{lost:?}");
        assert!(report.problems.is_empty(), "{lost:?}: {:?}", report.problems);
    }
}

#[test]
fn an_invalid_head_is_a_file_of_the_author() {
    let place = files_place();
    place.put("root.v2.sha", "mine");
    let expected = ["root.v2.sha: the name \"root.v2.sha\" is reserved"];
    assert_eq!(place.refused(&place.files()), expected);
}

/// Whichever time it is read.
#[test]
fn an_unreadable_head_is_an_error() {
    let place = files_place();
    place.files().in_place().run().unwrap();
    for n in 1.. {
        let reads = AtomicUsize::new(0);
        let files = HookedFiles::new(|call, path| -> io::Result<()> {
            let is_head = call == Call::Read && path.ends_with("root.v2.sha");
            match is_head && reads.fetch_add(1, Ordering::Relaxed) + 1 == n {
                true => Err(bad_disk()),
                false => Ok(()),
            }
        });
        let result = place.files().files(&files).run();
        if reads.load(Ordering::Relaxed) < n {
            assert!(n > 1);
            break;
        }
        assert_eq!(result.unwrap_err().kind(), ErrorKind::Store, "read {n}");
    }
}

#[test]
fn a_file_in_the_way_of_an_interrupted_publication_is_an_error() {
    for (name, kind) in [
        ("root.v2.sha", ErrorKind::Head),
        ("root.v2.json", ErrorKind::Store),
        ("history.json", ErrorKind::Store),
    ] {
        let place = files_place();
        place.interrupt();
        place.put(name, "mine");
        let before = snapshot(&place.catalog());
        let error = place.files().in_place().run().unwrap_err();
        assert_eq!(error.kind(), kind, "{name}: {}", error.to_chain());
        assert!(error.to_chain().contains(name), "{name}: {}", error.to_chain());
        assert!(snapshot(&place.catalog()) == before, "{name}: something was written");
    }
}

#[test]
fn objects_of_an_interrupted_publication_are_those_with_the_right_bytes() {
    let place = files_place();
    place.interrupt();
    let (mine, pack) = (Digest::of(b"something else"), Digest::of(b"one"));
    place.put(&format!("by-sha/{mine}"), "mine");
    place.put("by-sha/another", "mine");
    // The name of an object among the packs is not that of a pack.
    place.put(&format!("packs/{pack}"), "one");
    let mut expected = vec![
        format!("by-sha/{mine}: the name \"by-sha\" is reserved"),
        "by-sha/another: the name \"by-sha\" is reserved".to_owned(),
        format!("packs/{pack}: the name \"packs\" is reserved"),
    ];
    expected[..2].sort();
    assert_eq!(place.refused(&place.files().in_place()), expected);

    // Without them it is continued, and what seems to be left of it is named.
    let place = files_place();
    place.interrupt();
    let report = place.files().in_place().run().unwrap();
    assert_eq!(report.entries, 2);
    let warnings: Vec<String> = report.problems.iter().map(ToString::to_string).collect();
    let object = format!("by-sha/{}: warning: left out: it seems to come", Digest::of(b"one"));
    assert!(warnings.iter().any(|warning| warning.starts_with(&object)), "{warnings:#?}");
}

#[test]
fn a_damaged_object_of_a_publisher_is_written_again() {
    let place = files_place();
    place.files().in_place().run().unwrap();
    let object = place.catalog().join(BY_SHA).join(Digest::of(b"one").to_string());
    fs::remove_file(&object).unwrap();
    fs::write(&object, "damaged").unwrap();
    let report = place.files().in_place().run().unwrap();
    assert_eq!(report.entries, 2, "{:?}", report.problems);
    assert_eq!(fs::read(&object).unwrap(), b"one");
}

#[test]
fn an_unreadable_directory_of_the_tree_is_an_error() {
    for dir in [BY_SHA, "packs"] {
        let place = Place::new();
        place.publisher().run().unwrap();
        place.edit();
        let path = place.out().join(dir);
        let files = HookedFiles::new(|call, read| match call == Call::Read && read == path {
            true => Err(bad_disk()),
            false => Ok(()),
        });
        let error = place.publisher().files(&files).run().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Store, "{dir}");
        // A missing one is empty.
        fs::remove_dir_all(&path).unwrap();
        assert_eq!(place.publisher().run().unwrap().outcome, PublishOutcome::Published, "{dir}");
    }
}

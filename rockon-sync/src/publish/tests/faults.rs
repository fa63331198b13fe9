//! What a publication leaves that fails or is killed at any of its steps.

use super::*;
use crate::testing::{FailingFiles, Fault};

/// Fails every operation of `run` in turn, each time in a new place that `prepare` has
/// made. Afterwards the head must name a whole tree, and the next publication must
/// give what an undisturbed one gives, to the byte.
fn fail_every_operation(
    fault: Fault,
    prepare: fn() -> Place,
    publisher: fn(&Place) -> Publisher<'static>,
    folder: fn(&Place) -> PathBuf,
) {
    let undisturbed = prepare();
    publisher(&undisturbed).run().unwrap();
    let expected = snapshot(&folder(&undisturbed));
    for n in 1.. {
        let place = prepare();
        let files = FailingFiles::new(n, fault);
        let result = with_files(publisher(&place), &files).run();
        if !files.has_failed() {
            result.unwrap();
            assert!(n > 20, "only {n} operations were tried");
            return;
        }
        assert_head_names_a_whole_tree(&folder(&place), n);
        publisher(&place).run().unwrap_or_else(|error| panic!("{n}: {}", error.to_chain()));
        let found = snapshot(&folder(&place));
        assert_eq!(names(&found), names(&expected), "after operation {n} failed: {fault:?}");
        assert!(found == expected, "other bytes after operation {n} failed: {fault:?}");
    }
}

fn with_files<'a>(publisher: Publisher<'static>, files: &'a FailingFiles) -> Publisher<'a> {
    let publisher: Publisher<'a> = publisher;
    publisher.files(files)
}

fn names(snapshot: &BTreeMap<String, Vec<u8>>) -> Vec<&String> {
    snapshot.keys().collect()
}

fn assert_head_names_a_whole_tree(folder: &Path, n: usize) {
    let head = ["root.sha", "root.v2.sha"].map(|name| fs::read(folder.join(name)).ok());
    let Some(bytes) = head.into_iter().flatten().next() else {
        return;
    };
    let head = Head::parse(&bytes).unwrap();
    let object = |digest: Digest| {
        let bytes = fs::read(folder.join(BY_SHA).join(digest.to_string()));
        let bytes = bytes.unwrap_or_else(|error| panic!("{n}: {digest}: {error}"));
        assert_eq!(Digest::of(&bytes), digest, "{n}");
        bytes
    };
    let manifest = Manifest::parse(&object(head.digest())).unwrap();
    for entry in manifest.entries() {
        object(entry.digest());
    }
}

fn published_and_edited() -> Place {
    let place = Place::new();
    place.publisher().run().unwrap();
    place.edit();
    place
}

fn published_in_place_and_edited() -> Place {
    let place = Place::new();
    place.publisher().in_place().run().unwrap();
    place.edit();
    place
}

/// Keeps one publication only, so that there is something to remove.
fn separate(place: &Place) -> Publisher<'static> {
    place.publisher().keep(1)
}

fn in_place(place: &Place) -> Publisher<'static> {
    place.publisher().keep(1).in_place()
}

#[test]
fn a_first_publication_may_fail_at_any_step() {
    for fault in [Fault::Once, Fault::FromThenOn] {
        fail_every_operation(fault, Place::new, separate, Place::out);
    }
}

#[test]
fn a_further_publication_may_fail_at_any_step() {
    for fault in [Fault::Once, Fault::FromThenOn] {
        fail_every_operation(fault, published_and_edited, separate, Place::out);
    }
}

#[test]
fn a_publication_in_place_may_fail_at_any_step() {
    for fault in [Fault::Once, Fault::FromThenOn] {
        fail_every_operation(fault, published_in_place_and_edited, in_place, Place::catalog);
    }
}

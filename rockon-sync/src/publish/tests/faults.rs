//! Publications that fail or are killed at every possible step.

use super::*;
use crate::testing::{Disk, FailingFiles, Fault, Survives, copy_dir};
use crate::tree::note::list::tests::{list, role, signed, signing};

/// A publication to interrupt.
struct Publication {
    prepare: fn() -> Place,
    publisher: fn(&Place) -> Publisher<'static>,
    dir: fn(&Place) -> PathBuf,
}

const FIRST: Publication =
    Publication { prepare: Place::new, publisher: separate, dir: Place::out };

const FURTHER: Publication =
    Publication { prepare: published_and_edited, publisher: separate, dir: Place::out };

const IN_PLACE: Publication = Publication {
    prepare: published_in_place_and_edited,
    publisher: in_place,
    dir: Place::catalog,
};

/// The tree has a page and a feed.
const WITH_PAGE: Publication =
    Publication { prepare: published_with_page_and_edited, publisher: with_page, dir: Place::out };

/// The tree has a page and a feed, which are to be removed.
const UNWANTED_PAGE: Publication =
    Publication { prepare: published_with_page_and_edited, publisher: separate, dir: Place::out };

/// The second key list is published.
const LISTED: Publication =
    Publication { prepare: published_with_list, publisher: with_list, dir: Place::out };

impl Publication {
    fn run(&self, place: &Place, files: &dyn Files) -> Result<PublishReport> {
        let publisher: Publisher<'_> = (self.publisher)(place);
        publisher.files(files).run()
    }

    /// Returns the files of an uninterrupted publication.
    fn expected(&self) -> BTreeMap<String, Vec<u8>> {
        let place = (self.prepare)();
        self.run(&place, &FailingFiles::sound()).unwrap();
        snapshot(&(self.dir)(&place))
    }

    /// Asserts that the head names a complete tree, and that the next publication results in the
    /// expected bytes.
    fn assert_recovers(&self, place: &Place, expected: &BTreeMap<String, Vec<u8>>, label: &str) {
        let dir = (self.dir)(place);
        assert_head_names_a_complete_tree(&dir, label);
        let again = self.run(place, &FailingFiles::sound());
        again.unwrap_or_else(|error| panic!("{label}: {}", error.to_chain()));
        let found = snapshot(&dir);
        assert_eq!(names(&found), names(expected), "{label}");
        for (name, bytes) in expected {
            let (found, bytes) = (&found[name], bytes);
            assert!(found == bytes, "{label}: {name}: {}", String::from_utf8_lossy(found));
        }
    }

    /// Fails every operation in turn, each time in a new place.
    fn fail_every_operation(&self, fault: Fault) {
        let (prepared, expected) = ((self.prepare)(), self.expected());
        for n in 1.. {
            let label = format!("operation {n}, {fault:?}");
            let place = copy_of(&prepared);
            let files = FailingFiles::new(n, fault);
            let result = self.run(&place, &files);
            if !files.has_failed() {
                result.unwrap();
                assert!(n > 20, "only {n} operations were tried");
                return;
            }
            match (result, fault) {
                (Ok(_), _) => {}
                (Err(error), Fault::Short) => panic!("{label}: {}", error.to_chain()),
                (Err(error), _) => {
                    assert_eq!(error.kind(), ErrorKind::Store, "{label}: {}", error.to_chain());
                }
            }
            self.assert_recovers(&place, &expected, &label);
        }
    }

    /// Simulates a power failure at every operation in turn.
    fn crash_at_every_operation(&self) {
        let (prepared, expected) = ((self.prepare)(), self.expected());
        for n in 1.. {
            let place = copy_of(&prepared);
            let disk = Disk::new(place.dir.path(), n);
            let result = self.run(&place, &disk);
            for survives in Survives::ALL {
                let label = format!("operation {n}, {survives:?}");
                let after = Place { dir: scratch() };
                disk.restore(survives, after.dir.path());
                if !disk.has_failed() {
                    let head = fs::read((self.dir)(&after).join(head_name(&expected)));
                    assert!(head.unwrap() == expected[head_name(&expected)], "{label}: lost");
                }
                self.assert_recovers(&after, &expected, &label);
            }
            if !disk.has_failed() {
                result.unwrap();
                assert!(n > 20, "only {n} operations were tried");
                return;
            }
        }
    }
}

fn head_name(snapshot: &BTreeMap<String, Vec<u8>>) -> &'static str {
    if snapshot.contains_key("root.v2.sha") { "root.v2.sha" } else { "root.sha" }
}

fn names(snapshot: &BTreeMap<String, Vec<u8>>) -> Vec<&String> {
    snapshot.keys().collect()
}

fn assert_head_names_a_complete_tree(dir: &Path, label: &str) {
    let head = ["root.sha", "root.v2.sha"].map(|name| fs::read(dir.join(name)).ok());
    let Some(bytes) = head.into_iter().flatten().next() else {
        return;
    };
    let head = Head::parse(&bytes).unwrap();
    let object = |digest: Digest| {
        let bytes = fs::read(dir.join(BY_SHA).join(digest.to_string()));
        let bytes = bytes.unwrap_or_else(|error| panic!("{label}: {digest}: {error}"));
        assert_eq!(Digest::of(&bytes), digest, "{label}");
        bytes
    };
    let manifest = Manifest::parse(&object(head.digest())).unwrap();
    for entry in manifest.entries() {
        object(entry.digest());
    }
    if let Some(version) = head.keys() {
        let list = fs::read_to_string(dir.join(format!("keys/{version}"))).unwrap();
        assert!(list.contains(&format!("\n# version {version}\n")), "{label}: {list}");
    }
}

fn copy_of(place: &Place) -> Place {
    let copy = Place { dir: scratch() };
    copy_dir(place.dir.path(), copy.dir.path());
    copy
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

fn published_with_page_and_edited() -> Place {
    let place = Place::new();
    place.publisher().page(Page::Write).run().unwrap();
    place.edit();
    place
}

/// Publishes the first key list, and prepares the second one.
fn published_with_list() -> Place {
    let place = Place::new();
    for version in [1, 2] {
        let next = list(version, role("a", 1), role("x", 1));
        fs::write(list_file(&place), signed(&next, "a").as_str()).unwrap();
        if version == 1 {
            with_list(&place).run().unwrap();
        }
    }
    place
}

fn list_file(place: &Place) -> PathBuf {
    place.dir.path().join("list")
}

fn with_list(place: &Place) -> Publisher<'static> {
    separate(place).sign_key(signing("x")).key_list(list_file(place))
}

/// Keeps only one publication, so that files must be removed.
fn separate(place: &Place) -> Publisher<'static> {
    place.publisher().keep(1)
}

fn with_page(place: &Place) -> Publisher<'static> {
    separate(place).page(Page::Write)
}

fn in_place(place: &Place) -> Publisher<'static> {
    place.publisher().keep(1).in_place()
}

#[test]
fn a_publication_recovers_from_a_failure_at_any_step() {
    for fault in [Fault::Once, Fault::FromThenOn, Fault::Full, Fault::Short] {
        for publication in [FIRST, FURTHER, IN_PLACE, WITH_PAGE, UNWANTED_PAGE, LISTED] {
            publication.fail_every_operation(fault);
        }
    }
}

#[test]
fn a_first_publication_survives_a_power_failure_at_any_step() {
    FIRST.crash_at_every_operation();
}

#[test]
fn a_later_publication_survives_a_power_failure_at_any_step() {
    FURTHER.crash_at_every_operation();
}

#[test]
fn a_publication_in_place_survives_a_power_failure_at_any_step() {
    IN_PLACE.crash_at_every_operation();
}

#[test]
fn a_publication_of_a_key_list_survives_a_power_failure_at_any_step() {
    LISTED.crash_at_every_operation();
}

#[test]
fn a_publication_with_a_page_survives_a_power_failure_at_any_step() {
    WITH_PAGE.crash_at_every_operation();
    UNWANTED_PAGE.crash_at_every_operation();
}

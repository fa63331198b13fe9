//! What a publication leaves that fails or is killed at any of its steps.

use super::*;
use crate::testing::{Disk, FailingFiles, Fault, Survives};

/// A publication that is disturbed.
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

/// There are a page and a feed already.
const WITH_PAGE: Publication =
    Publication { prepare: published_with_page_and_edited, publisher: with_page, dir: Place::out };

/// There are a page and a feed that are not wanted any more.
const UNWANTED_PAGE: Publication =
    Publication { prepare: published_with_page_and_edited, publisher: separate, dir: Place::out };

impl Publication {
    fn run(&self, place: &Place, files: &dyn Files) -> Result<PublishReport> {
        let publisher: Publisher<'_> = (self.publisher)(place);
        publisher.files(files).run()
    }

    /// What an undisturbed publication gives.
    fn expected(&self) -> BTreeMap<String, Vec<u8>> {
        let place = (self.prepare)();
        self.run(&place, &FailingFiles::sound()).unwrap();
        snapshot(&(self.dir)(&place))
    }

    /// The head must name a whole tree, and the next publication must give what is
    /// expected, to the byte.
    fn assert_recovers(&self, place: &Place, expected: &BTreeMap<String, Vec<u8>>, label: &str) {
        let dir = (self.dir)(place);
        assert_head_names_a_whole_tree(&dir, label);
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
        let expected = self.expected();
        for n in 1.. {
            let label = format!("operation {n}, {fault:?}");
            let place = (self.prepare)();
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

    /// Lets the power fail at every operation in turn.
    fn crash_at_every_operation(&self) {
        let expected = self.expected();
        for n in 1.. {
            let place = (self.prepare)();
            let disk = Disk::new(place.dir.path(), n);
            let result = self.run(&place, &disk);
            for survives in
                [Survives::Synced, Survives::Names, Survives::Some(1), Survives::Some(2)]
            {
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

fn assert_head_names_a_whole_tree(dir: &Path, label: &str) {
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

/// Keeps one publication only, so that there is something to remove.
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
fn a_publication_may_fail_at_any_step() {
    for fault in [Fault::Once, Fault::FromThenOn, Fault::Full, Fault::Short] {
        for publication in [FIRST, FURTHER, IN_PLACE, WITH_PAGE, UNWANTED_PAGE] {
            publication.fail_every_operation(fault);
        }
    }
}

#[test]
fn a_first_publication_survives_the_loss_of_power_at_any_step() {
    FIRST.crash_at_every_operation();
}

#[test]
fn a_further_publication_survives_the_loss_of_power_at_any_step() {
    FURTHER.crash_at_every_operation();
}

#[test]
fn a_publication_in_place_survives_the_loss_of_power_at_any_step() {
    IN_PLACE.crash_at_every_operation();
}

#[test]
fn a_publication_with_a_page_survives_the_loss_of_power_at_any_step() {
    WITH_PAGE.crash_at_every_operation();
    UNWANTED_PAGE.crash_at_every_operation();
}

//! A file that conflicts with an entry that is kept as published counts as broken too.

use super::*;
use crate::base::path::EntryPath;
use crate::publish::names::NameChecker;
use crate::tree::manifest::Entry;

impl Place {
    /// Publishes, breaks the definition `b`, adds a row, and publishes again.
    fn publish_beside_broken(&self, id: &str, path: &str, text: &str) -> PublishReport {
        self.publisher().run().unwrap();
        self.put("b.json", "{\n");
        self.put(path, text);
        self.list(&[("a", "a.json"), ("b", "b.json"), ("c", "sub/c.json"), (id, path)]);
        let publisher = self.publisher().leniency(Leniency::LeaveOut);
        publisher.published(at(2_000_000)).run().unwrap()
    }
}

#[test]
fn by_its_path() {
    // The directory of a new file has the name of a kept file.
    let place = Place::new();
    place.publisher().run().unwrap();
    fs::remove_file(place.catalog().join("b.json")).unwrap();
    place.put("b.json/d.json", &definition("D", "1"));
    place.list(&[("a", "a.json"), ("c", "sub/c.json"), ("b", "gone.json"), ("d", "b.json/d.json")]);
    let report = place.publisher().leniency(Leniency::LeaveOut).run().unwrap();
    assert_eq!((&*report.kept, report.entries), (&["b".to_owned()][..], 3), "{report:?}");
    assert_eq!(report.added, [""; 0]);
    let problems: Vec<String> = report.problems.iter().map(ToString::to_string).collect();
    let expected = "entry \"d\": ";
    assert!(problems.iter().any(|problem| problem.contains(expected)), "{problems:#?}");
}

#[test]
fn by_a_name_in_it() {
    let place = Place::new();
    let report = place.publish_beside_broken("d", "d.json", &definition("B", "2"));
    assert_eq!((&*report.kept, report.entries), (&["b".to_owned()][..], 3), "{report:?}");
    let problems: Vec<String> = report.problems.iter().map(ToString::to_string).collect();
    let expected = "duplicate definition \"B\", first defined at b.json";
    assert!(problems.iter().any(|problem| problem.contains(expected)), "{problems:#?}");
}

#[test]
fn by_a_name_that_only_the_manifest_has() {
    // Published by another version of the publisher, with problems that this one reports.
    let path = EntryPath::new("b.json").unwrap();
    let entry = Entry::new("b", path, Digest::of(b"{")).unwrap().with_names(["B"]);
    let mut names = NameChecker::default();
    let check = |id, file, text: &str| Format::Rockon.check(id, file, text.as_bytes());
    names.take_published(&entry, &check("b", "b.json", "{"));
    names.check("d.json", check("d", "d.json", &definition("B", "2")), Leniency::Strict);
    let problems: Vec<String> = names.problems.iter().map(ToString::to_string).collect();
    let [problem] = &problems[..] else { panic!("{problems:#?}") };
    assert!(problem.contains("duplicate definition \"B\", first defined at b.json"), "{problem}");
}

#[test]
fn an_entry_that_moves_is_not_kept_at_its_old_path() {
    let place = Place::new();
    place.publisher().run().unwrap();
    place.put("new/b.json", &definition("B", "2"));
    place.put("b.json", "{\n");
    place.list(&[("a", "a.json"), ("b", "new/b.json"), ("c", "sub/c.json"), ("d", "b.json")]);
    let report = place.publisher().leniency(Leniency::LeaveOut).run().unwrap();
    assert_eq!((report.kept.len(), report.entries), (0, 3), "{report:?}");
    assert_eq!(report.changed, ["b"]);
}

#[test]
fn a_published_entry_that_conflicts_with_a_kept_one_is_kept_too() {
    let place = Place::new();
    place.put("d.json", &definition("D", "1"));
    let rows = [("a", "a.json"), ("b", "b.json"), ("c", "sub/c.json"), ("d", "d.json")];
    place.list(&rows);
    place.publisher().run().unwrap();
    // The file of `b` is gone, and the new path of `d` is below its old path.
    fs::remove_file(place.catalog().join("b.json")).unwrap();
    place.put("b.json/d.json", &definition("D", "2"));
    place.list(&[rows[0], ("b", "gone.json"), rows[2], ("d", "b.json/d.json")]);
    let report = place.publisher().leniency(Leniency::LeaveOut).run().unwrap();
    assert_eq!(report.kept, ["b", "d"], "{report:?}");
    assert_eq!(report.entries, 4);
}

#[test]
fn a_plain_file_whose_name_differs_in_case_only_does_not_replace_a_published_one() {
    let place = Place { dir: scratch() };
    place.put("a.txt", "old");
    let publish = || {
        let publisher = place.publisher().format(Format::Files);
        publisher.leniency(Leniency::LeaveOut).run().unwrap()
    };
    assert_eq!(publish().added, ["a.txt"]);
    place.put("A.txt", "new");
    let report = publish();
    assert_eq!((&*report.kept, report.entries), (&["a.txt".to_owned()][..], 1), "{report:?}");
    assert!(report.removed.is_empty() && report.added.is_empty(), "{report:?}");
}

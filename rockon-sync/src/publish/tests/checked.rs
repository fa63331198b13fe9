//! The record of checked files: what is not read again, and what is noticed nevertheless.

use std::sync::Mutex;
use std::time::{Duration, Instant, SystemTime};

use super::*;
use crate::base::time::{Clock, SystemClock};
use crate::publish::tree::RECORD;
use crate::testing::{Call, HookedFiles, bad_disk};

/// Number of files of a catalog with a record.
const MANY: usize = 1025;

/// A clock that is ahead, so that files are old enough to be recorded.
struct LaterClock;

impl Clock for LaterClock {
    fn now(&self) -> SystemTime {
        SystemClock.now() + Duration::from_secs(10)
    }

    fn monotonic(&self) -> Instant {
        SystemClock.monotonic()
    }

    fn sleep(&self, time: Duration) {
        SystemClock.sleep(time);
    }
}

impl Place {
    /// Creates a catalog of so many entries, `0.json`, `1.json` and so on.
    fn with(entries: usize) -> Place {
        let place = Place { dir: scratch() };
        fs::create_dir(place.catalog()).unwrap();
        for n in 0..entries {
            place.put(&format!("{n}.json"), &definition(&format!("N{n}"), "1"));
        }
        place.list_first(entries);
        place
    }

    fn list_first(&self, entries: usize) {
        let rows: Vec<String> = (0..entries).map(|n| format!("{n}.json")).collect();
        let rows: Vec<(&str, &str)> = rows.iter().map(|file| (&**file, &**file)).collect();
        self.list(&rows);
    }

    fn published(entries: usize) -> Place {
        let place = Place::with(entries);
        place.later().run().unwrap();
        place
    }

    fn later(&self) -> Publisher<'static> {
        self.publisher().clock(&LaterClock)
    }

    fn record(&self) -> PathBuf {
        self.out().join(RECORD)
    }

    /// Publishes, and returns the files of the catalog and the named files of the tree whose bytes
    /// were read.
    fn files_read(&self, publisher: Publisher<'_>) -> Vec<String> {
        let calls = Mutex::new(BTreeMap::<PathBuf, usize>::new());
        let files = HookedFiles::new(|call, path| {
            if call == Call::Read && path.extension().is_some_and(|end| end == "json") {
                *calls.lock().unwrap().entry(path.to_owned()).or_default() += 1;
            }
            Ok(())
        });
        publisher.files(&files).run().unwrap();
        let name = |path: &Path| path.strip_prefix(self.dir.path()).unwrap().display().to_string();
        let calls = calls.lock().unwrap();
        // A file of the catalog is looked at once, one of the tree before and after publishing.
        let is_read = |name: &str, calls: usize| match name.strip_prefix("catalog/") {
            Some(_) => calls > 1,
            None => calls > 2,
        };
        let read = calls.iter().map(|(path, calls)| (name(path), *calls));
        let read = read.filter(|(name, calls)| is_read(name, *calls)).map(|(name, _)| name);
        read.filter(|name| !name.ends_with("/root.json") && !name.ends_with("history.json"))
            .collect()
    }
}

#[test]
fn only_changed_files_of_a_large_catalog_are_read() {
    let place = Place::published(MANY);
    let record = fs::read(place.record()).unwrap();
    assert_eq!(place.files_read(place.later()), [""; 0]);
    assert_eq!(fs::read(place.record()).unwrap(), record, "nothing changed");
    place.put("7.json", &definition("N7", "2"));
    assert_eq!(place.files_read(place.later()), ["catalog/7.json", "out/7.json"]);
    assert_ne!(fs::read(place.record()).unwrap(), record);
    assert_eq!(place.files_read(place.later()), [""; 0]);
}

#[test]
fn a_change_is_noticed_although_size_and_time_are_as_before() {
    let place = Place::published(MANY);
    let file = place.catalog().join("7.json");
    let before = fs::metadata(&file).unwrap().modified().unwrap();
    place.put("7.json", &definition("N7", "2"));
    fs::File::open(&file).unwrap().set_modified(before).unwrap();
    let report = place.later().run().unwrap();
    assert_eq!(report.changed, ["7.json"]);
}

#[test]
fn files_as_young_as_the_publication_are_read_again() {
    let place = Place::with(MANY);
    place.publisher().run().unwrap();
    let record = fs::read_to_string(place.record()).unwrap();
    assert!(!record.contains("\"file\"") && !record.contains("\"named\""), "{record}");
    assert_eq!(place.files_read(place.later()).len(), 2 * MANY);
    assert_eq!(place.files_read(place.later()), [""; 0]);
}

#[test]
fn a_tree_is_the_same_with_and_without_a_record() {
    let with_relations = definition("N5", "2").replacen(
        "\"description\"",
        "\"requires\": \"N6 (>= 1)\", \"description\"",
        1,
    );
    let edits: &[&dyn Fn(&Place)] = &[
        &|_| {},
        &|place| place.put("7.json", &definition("N7", "2")),
        &|place| place.put("5.json", &with_relations),
        &|place| place.list_first(MANY + 1),
        &|place| place.put("8.json", &definition("Renamed", "1")),
        &|place| place.put("8.json", "{}"),
        &|place| place.put("8.json", &definition("N9", "1")),
        &|place| place.put("9.json", &definition("N8", "1")),
        &|place| fs::write(place.out().join("10.json"), "damaged").unwrap(),
        &|place| fs::remove_file(place.out().join("11.json")).unwrap(),
        &|place| place.list_first(3),
    ];
    let (with, without) = (Place::with(MANY + 1), Place::with(MANY + 1));
    for place in [&with, &without] {
        place.list_first(MANY);
    }
    for (n, edit) in edits.iter().enumerate() {
        let reports = [&with, &without].map(|place| {
            edit(place);
            let publisher = place.later().mass_delete(MassDelete::Allow);
            let n = i64::try_from(n).unwrap();
            publisher.leniency(Leniency::LeaveOut).published(at(1_000_000 + n)).run().unwrap()
        });
        let [report, expected] = reports.map(|report| (report.problems, report.serial));
        assert_eq!(report, expected, "edit {n}");
        let mut files = snapshot(&with.out());
        assert_eq!(files.remove(RECORD).is_some(), n < edits.len() - 1, "edit {n}");
        let mut expected = snapshot(&without.out());
        if expected.remove(RECORD).is_some() {
            fs::remove_file(without.record()).unwrap();
        }
        let differing = files.iter().filter(|(name, bytes)| expected.get(*name) != Some(bytes));
        assert_eq!(differing.map(|(name, _)| name).collect::<Vec<_>>(), [""; 0], "edit {n}");
        assert_eq!(files.len(), expected.len(), "edit {n}");
    }
}

#[test]
fn a_duplicate_in_a_recorded_file_is_reported_with_its_position() {
    let place = Place::published(MANY);
    place.put("9.json", &definition("N3", "1"));
    let found = place.later().run().unwrap_err();
    fs::remove_file(place.record()).unwrap();
    let expected = place.later().run().unwrap_err();
    assert_eq!(found.problems(), expected.problems());
    let found: Vec<String> = found.problems().iter().map(ToString::to_string).collect();
    assert_eq!(found[0], "9.json:1:8: duplicate definition \"N3\", first defined at 3.json:1:8");
}

#[test]
fn a_recorded_file_with_a_name_of_an_earlier_one_is_read() {
    let place = Place::published(MANY);
    place.put("3.json", &definition("N9", "1"));
    let found = place.later().run().unwrap_err();
    let found: Vec<String> = found.problems().iter().map(ToString::to_string).collect();
    let expected = ["definition \"N9\"", "container \"N9-box\""];
    assert_eq!(found.len(), expected.len(), "{found:?}");
    for (found, expected) in found.iter().zip(expected) {
        assert!(found.starts_with("9.json:"), "{found}");
        assert!(
            found.contains(&format!("duplicate {expected}, first defined at 3.json:")),
            "{found}"
        );
    }
}

#[test]
fn a_record_that_is_damaged_or_of_another_version_is_replaced() {
    let place = Place::published(MANY);
    let record = fs::read_to_string(place.record()).unwrap();
    let rows = record.split_once('\n').unwrap().1;
    for other in [format!("rockon-sync 0.0\n{rows}"), format!("{record}[\n"), String::new()] {
        fs::write(place.record(), other).unwrap();
        assert_eq!(place.files_read(place.later()).len(), 2 * MANY);
        assert_eq!(fs::read_to_string(place.record()).unwrap(), record);
    }
}

#[test]
fn a_small_catalog_has_no_record() {
    let place = Place::published(MANY - 1);
    assert!(!place.record().exists());
}

#[test]
fn a_publication_is_complete_without_its_record() {
    let place = Place::with(MANY);
    let files = HookedFiles::new(|call, path: &Path| match path.to_str() {
        Some(path) if call == Call::Change && path.contains(RECORD) => Err(bad_disk()),
        _ => Ok(()),
    });
    let report = place.later().files(&files).run().unwrap();
    assert_eq!(report.outcome, PublishOutcome::Published);
    let problems: Vec<String> = report.problems.iter().map(ToString::to_string).collect();
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(problems[0].starts_with(".checked: warning: "), "{problems:?}");
    // It is an error if it cannot be read.
    place.later().run().unwrap();
    let files = HookedFiles::new(|call, path: &Path| match path.ends_with(RECORD) {
        true if call == Call::Read => Err(bad_disk()),
        _ => Ok(()),
    });
    assert_eq!(place.later().files(&files).run().unwrap_err().kind(), ErrorKind::Store);
}

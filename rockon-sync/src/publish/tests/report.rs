//! The files that a publication writes and deletes, and dry runs.

use std::collections::BTreeSet;

use super::*;
use crate::net::location::Location;
use crate::testing::{Call, HookedFiles};

/// Returns the files of `dir` that are new or have another modification time, and those that are
/// gone.
fn changes(
    dir: &Path,
    before: &BTreeMap<PathBuf, std::time::SystemTime>,
) -> (Vec<String>, Vec<String>) {
    let after = match dir.is_dir() {
        true => times(dir),
        false => BTreeMap::new(),
    };
    let shown = |path: &PathBuf| path.strip_prefix(dir).unwrap().to_str().unwrap().to_owned();
    let written = after.iter().filter(|(path, _)| path.is_file());
    let written = written.filter(|(path, time)| before.get(*path) != Some(time));
    let written: BTreeSet<String> = written.map(|(path, _)| shown(path)).collect();
    let deleted: BTreeSet<String> =
        before.keys().filter(|path| !after.contains_key(*path)).map(shown).collect();
    (written.into_iter().collect(), deleted.into_iter().collect())
}

#[test]
fn the_report_lists_the_files_that_were_written_and_deleted() {
    type Run = fn(&Place) -> Publisher<'static>;
    let separate: Run = |place| place.publisher().keep(1);
    let in_place: Run = |place| place.publisher().keep(1).in_place();
    for (publisher, dir) in [(separate, "out"), (in_place, "catalog")] {
        let place = Place::new();
        let dir = place.dir.path().join(dir);
        let mut before = BTreeMap::new();
        for step in 0..3 {
            if step == 1 {
                place.edit();
            }
            if dir.is_dir() {
                before = times(&dir);
            }
            let planned = publisher(&place).dry_run().run().unwrap();
            if step > 0 {
                assert_eq!(times(&dir), before, "a dry run writes nothing");
            }
            let report = publisher(&place).run().unwrap();
            assert_eq!(planned, report, "step {step}");
            let (written, deleted) = changes(&dir, &before);
            if step > 0 || dir.ends_with("out") {
                assert_eq!((&report.written, &report.deleted), (&written, &deleted), "{step}");
            }
            match step {
                0 => assert!(deleted.is_empty()),
                1 if dir.ends_with("out") => assert!(deleted.contains(&"b.json".to_owned())),
                1 => assert!(!report.deleted.contains(&"b.json".to_owned())),
                _ => assert!(report.written.is_empty() && report.deleted.is_empty()),
            }
        }
    }
}

#[test]
fn a_dry_run_creates_no_directory_and_finds_the_same_problems() {
    let place = Place::new();
    let report = place.publisher().dry_run().run().unwrap();
    assert_eq!((report.outcome, report.serial), (PublishOutcome::Published, 1));
    assert!(!place.out().exists());
    place.put("a.json", "{\n");
    let planned = place.publisher().dry_run().run().unwrap_err();
    let error = place.publisher().run().unwrap_err();
    assert_eq!((planned.kind(), planned.problems()), (error.kind(), error.problems()));
}

#[test]
fn a_dry_run_from_a_previous_tree_writes_nothing() {
    let place = Place::new();
    place.publisher().run().unwrap();
    place.edit();
    let empty = place.dir.path().join("empty");
    let previous = Location::dir(place.out());
    let publisher = || place.publisher().out(&empty).previous(previous.clone()).page(Page::Write);
    let planned = publisher().dry_run().run().unwrap();
    assert!(!empty.exists());
    assert_eq!(planned, publisher().run().unwrap());
}

#[test]
fn a_head_that_was_replaced_meanwhile_is_not_overwritten() {
    let place = Place::new();
    place.publisher().run().unwrap();
    place.edit();
    let (head, other) = (place.out().join("root.sha"), format!("{}\n", Digest::of(b"other")));
    let files = HookedFiles::new(|call, path| match call {
        Call::Change if path.ends_with("packs") => fs::write(&head, &other),
        _ => Ok(()),
    });
    let error = place.publisher().files(&files).run().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Locked, "{error}");
    assert!(error.to_string().ends_with("publish again"), "{error}");
    assert_eq!(fs::read_to_string(&head).unwrap(), other);
}

//! Old generations that cannot be removed, for example because another user made them.

use std::io;

use super::*;

/// Refuses to remove anything below these generations.
fn keeping(kept: &'static [&str]) -> impl crate::base::files::Files {
    HookedFiles::new(|call, path| {
        let is_kept = kept.iter().any(|kept| path.iter().any(|part| part == *kept));
        match call == Call::Remove && is_kept {
            true => Err(io::ErrorKind::PermissionDenied.into()),
            false => Ok(()),
        }
    })
}

fn names_in(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn an_old_generation_that_cannot_be_removed_is_one_warning_a_run() {
    let world = World::new(Tree::Packed);
    let files = keeping(&["000001"]);
    for serial in 1..6 {
        let version = serial.to_string();
        // Too many changes to recycle a generation.
        world.publish(&[("a", &version), ("b", &version), ("c", &version)], serial);
        let report = world.bring(Updater::new(&world.store()).files(&files)).unwrap();
        assert_eq!(report.outcome, Outcome::Updated);
        let warnings = &report.warnings;
        // The previous generation is kept for readers.
        assert_eq!(warnings.len(), usize::from(serial > 2), "update {serial}: {warnings:?}");
        let says_which = |warning: &String| warning.contains("old generation 000001");
        assert!(warnings.iter().all(says_which), "{warnings:?}");
        assert!(world.seen() == world.published(), "update {serial}");
    }
    let generations = names_in(&world.source_dir().join("gen"));
    let kept = ["000004", "000004.changes", "000005", "000005.changes"];
    assert_eq!(generations, [&["000001"], &kept[..]].concat());
    // An update without changes succeeds as well.
    let report = world.bring(Updater::new(&world.store()).files(&files)).unwrap();
    assert_eq!((report.outcome, report.warnings.len()), (Outcome::Unchanged, 1));
}

#[test]
fn a_leftover_that_cannot_be_removed_does_not_take_the_next_number() {
    for leftover in ["000002", "000002.held", "000002.changes"] {
        let world = World::new(Tree::Packed);
        world.update();
        let generations = world.source_dir().join("gen");
        fs::create_dir(generations.join(leftover)).unwrap();
        world.publish(&[("a", "2"), ("b", "1"), ("c", "1")], 2);
        let files = keeping(&["000002", "000002.held", "000002.changes"]);
        let report = world.bring(Updater::new(&world.store()).files(&files)).unwrap();
        assert_eq!((report.outcome, report.warnings.len()), (Outcome::Updated, 1), "{report:?}");
        assert!(world.seen() == world.published());
        // The previous generation is kept for readers.
        let kept = ["000001", "000001.changes", leftover, "000003", "000003.changes"];
        assert_eq!(names_in(&generations), kept);
    }
}

#[test]
fn a_generation_that_cannot_be_recycled_is_a_leftover() {
    let world = World::new(Tree::Packed);
    let files = keeping(&["000001.recycled"]);
    for serial in 1..6 {
        let version = serial.to_string();
        let names = ["a", "b", "c", "d", "e", "f", "g", "h"];
        world.publish(&names.map(|name| (name, if name == "a" { &*version } else { "1" })), serial);
        let report = world.bring(Updater::new(&world.store()).files(&files)).unwrap();
        assert_eq!(report.outcome, Outcome::Updated);
        let warnings = &report.warnings;
        assert_eq!(warnings.len(), usize::from(serial > 2), "update {serial}: {warnings:?}");
        assert!(warnings.iter().all(|warning| warning.contains("000001.recycled")), "{warnings:?}");
        assert!(world.seen() == world.published(), "update {serial}");
    }
    let kept = ["000004", "000004.changes", "000005", "000005.changes"];
    let generations = names_in(&world.source_dir().join("gen"));
    assert_eq!(generations, [&["000001.recycled"], &kept[..]].concat());
}

#[test]
fn downloads_that_a_kill_has_left_are_removed_by_an_update_without_changes() {
    let world = World::new(Tree::Packed);
    world.update();
    let incoming = world.source_dir().join("incoming");
    let pack = format!("pack-empty-{}.tar.zst", "0".repeat(12));
    for name in ["0".repeat(64), pack] {
        fs::write(incoming.join(name), "x").unwrap();
    }
    let report = world.bring(Updater::new(&world.store())).unwrap();
    assert_eq!((report.outcome, report.warnings), (Outcome::Unchanged, vec![]));
    assert_eq!(names_in(&incoming), Vec::<String>::new());
}

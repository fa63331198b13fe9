//! Published files are written again only if they are damaged.

use std::os::unix::fs::MetadataExt;

use super::*;

fn object(dir: &Path, bytes: impl AsRef<[u8]>) -> PathBuf {
    dir.join(BY_SHA).join(Digest::of(bytes.as_ref()).to_string())
}

/// In place, because named files are not checked there.
#[test]
fn a_damaged_object_is_detected_and_written_again() {
    type Damage = fn(&Path);
    type Which = fn(&Place) -> Vec<u8>;
    let damages: &[(&str, Damage)] = &[
        ("missing", |object| fs::remove_file(object).unwrap()),
        ("empty", |object| fs::write(object, "").unwrap()),
        ("longer", |object| {
            let bytes = fs::read(object).unwrap();
            fs::write(object, [bytes, b" ".to_vec()].concat()).unwrap();
        }),
        ("a link to a copy", |object| {
            let copy = object.with_file_name("copy");
            fs::rename(object, &copy).unwrap();
            std::os::unix::fs::symlink(copy, object).unwrap();
        }),
    ];
    let manifest = |place: &Place| fs::read(place.catalog().join("root.v2.json")).unwrap();
    let which: [(&str, Which); 2] = [
        ("a file", |_| definition("B", "1").into_bytes()),
        ("the manifest", |place| fs::read(place.catalog().join("root.v2.json")).unwrap()),
    ];
    for (what, bytes) in which {
        for (how, damage) in damages {
            let place = Place::new();
            place.publisher().in_place().run().unwrap();
            let bytes = bytes(&place);
            let object = object(&place.catalog(), &bytes);
            // Of the manifest's object, only the presence is checked.
            damage(&object);
            let is_detected = what == "a file" || matches!(*how, "missing" | "a link to a copy");
            let report = place.publisher().in_place().run().unwrap();
            let expected = match is_detected {
                true => PublishOutcome::Published,
                false => PublishOutcome::Unchanged,
            };
            assert_eq!(report.outcome, expected, "{what}: {how}");
            if is_detected {
                assert!(fs::symlink_metadata(&object).unwrap().is_file(), "{what}: {how}");
                assert!(fs::read(&object).unwrap() == bytes, "{what}: {how}");
                assert_eq!(Digest::of(&manifest(&place)), report.manifest, "{what}: {how}");
            }
        }
    }
}

#[test]
fn a_new_head_of_the_same_manifest_rewrites_no_object() {
    let place = Place::new();
    place.publisher().run().unwrap();
    let inodes = || -> Vec<(PathBuf, u64)> {
        let mut found: Vec<_> = fs::read_dir(place.out().join(BY_SHA))
            .unwrap()
            .map(|entry| entry.unwrap())
            .map(|entry| (entry.path(), entry.metadata().unwrap().ino()))
            .collect();
        found.sort();
        found
    };
    let before = inodes();
    let report = place.publisher().url("https://h.example/").run().unwrap();
    assert_eq!((report.outcome, report.serial), (PublishOutcome::Published, 2));
    assert_eq!(inodes(), before);
}

#[test]
fn a_history_with_an_invalid_record_is_damaged() {
    let place = Place::new();
    let first = place.publisher().run().unwrap().manifest.to_string();
    place.edit();
    place.publisher().run().unwrap();
    let path = place.out().join("history.json");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace(&first, "no digest")).unwrap();
    let report = place.publisher().run().unwrap();
    let problems: Vec<String> = report.problems.iter().map(Problem::to_string).collect();
    let expected = "history.json: warning: missing or damaged; the history restarts with the head";
    assert_eq!(problems, [expected]);
    let history = History::load(&RealFiles, &path).unwrap().unwrap();
    assert_eq!(history.records.iter().map(|record| record.serial).collect::<Vec<_>>(), [2]);
}

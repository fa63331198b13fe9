//! Property tests: an update from any state to any other ends with what was published.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use proptest::prelude::*;

use super::Updater;
use crate::base::files::{RealFiles, walk};
use crate::base::time::Timestamp;
use crate::net::location::Location;
use crate::publish::Publisher;
use crate::source::Source;
use crate::store::Store;
use crate::testing::{FailingFiles, cases, scratch};
use crate::update::plan::MassDelete;
use crate::update::report::{Outcome, Report};

/// A catalog: file names, some with a directory, and their versions.
type Catalog = BTreeMap<String, u8>;

fn any_catalog() -> impl Strategy<Value = Catalog> {
    proptest::collection::btree_map("([xy]/)?[a-d]", 0_u8..3, 1..6)
}

/// Replaces the catalog in a directory, and publishes it.
fn publish(dir: &Path, catalog: &Catalog, files: &FailingFiles) {
    let _ = fs::remove_dir_all(dir.join("catalog"));
    let mut rows = Vec::new();
    for (name, version) in catalog {
        let path = dir.join("catalog").join(format!("{name}.json"));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let text = format!(
            "{{\"{name}\":{{\"description\":\"\",\"website\":\"\",\"version\":\"{version}\",\
             \"containers\":{{\"{}\":{{\"image\":\"\",\"launch_order\":1}}}}}}}}",
            name.replace('/', "-")
        );
        fs::write(path, text).unwrap();
        rows.push(format!("\"{name}\":\"{name}.json\""));
    }
    fs::write(dir.join("catalog/root.json"), format!("{{{}}}", rows.join(","))).unwrap();
    let publisher = Publisher::new(dir.join("catalog")).out(dir.join("tree"));
    let at = Timestamp::from_unix(1_000_000).unwrap();
    publisher.mass_delete(MassDelete::Allow).published(at).files(files).run().unwrap();
}

/// Returns every file below a directory, except those that only a tree has.
fn files_of(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let dir = dir.canonicalize().unwrap();
    walk(&RealFiles, &dir, &mut |path, _| {
        let name = path.to_str().unwrap();
        if !["by-sha/", "packs/", "history.json"].iter().any(|start| name.starts_with(start)) {
            found.insert(name.to_owned(), fs::read(dir.join(path)).unwrap());
        }
        Ok(())
    })
    .unwrap();
    found
}

proptest! {
    #![proptest_config(cases(48))]

    #[test]
    fn what_is_held_is_what_was_published_whatever_was_held(
        states in proptest::collection::vec(any_catalog(), 2..6),
    ) {
        let (dir, files) = (scratch(), FailingFiles::sound());
        let dir = dir.path();
        let store = Store::new(dir.join("store"));
        let source = Source::new(Default::default(), Location::dir(dir.join("tree")));
        let update = || -> Report {
            let updater = Updater::new(&store).files(&files);
            updater.mass_delete(MassDelete::Allow).run(&source).unwrap()
        };
        let mut held = Catalog::new();
        for state in states {
            publish(dir, &state, &files);
            let report = update();
            prop_assert_eq!(files_of(&dir.join("store/rockstor/current")), files_of(&dir.join("tree")));
            let ids = |is_wanted: &dyn Fn(&str) -> bool, of: &Catalog| {
                of.keys().filter(|id| is_wanted(id)).cloned().collect::<Vec<_>>()
            };
            prop_assert_eq!(&report.added, &ids(&|id| !held.contains_key(id), &state));
            prop_assert_eq!(&report.removed, &ids(&|id| !state.contains_key(id), &held));
            let is_changed = |id: &str| held.get(id).is_some_and(|old| *old != state[id]);
            prop_assert_eq!(&report.changed, &ids(&is_changed, &state));
            let again = update();
            prop_assert_eq!((again.outcome, again.requests), (Outcome::Unchanged, 1));
            held = state;
        }
    }
}

//! The promises of the publisher as a whole.

mod faults;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::*;
use crate::files::walk;

/// A definition file with one definition and one container.
pub(super) fn definition(name: &str, version: &str) -> String {
    format!(
        "{{\"{name}\": {{\"description\": \"\", \"website\": \"\", \"version\": \"{version}\",\n \
         \"containers\": {{\"{name}-box\": {{\"image\": \"i\", \"launch_order\": 1}}}}}}}}\n"
    )
}

/// A catalog in a folder of its own, and room for a tree beside it.
pub(super) struct Place {
    dir: TempDir,
}

impl Place {
    /// A catalog of entries `a`, `b` and `c`, the last one in a subfolder.
    pub(super) fn new() -> Place {
        let place = Place { dir: TempDir::new().unwrap() };
        fs::create_dir(place.catalog()).unwrap();
        for (path, name) in [("a.json", "A"), ("b.json", "B"), ("sub/c.json", "C")] {
            place.put(path, &definition(name, "1"));
        }
        place.list(&[("a", "a.json"), ("b", "b.json"), ("c", "sub/c.json")]);
        place
    }

    pub(super) fn catalog(&self) -> PathBuf {
        self.dir.path().join("catalog")
    }

    pub(super) fn out(&self) -> PathBuf {
        self.dir.path().join("out")
    }

    pub(super) fn put(&self, path: &str, text: &str) {
        let path = self.catalog().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub(super) fn list(&self, rows: &[(&str, &str)]) {
        let rows: Vec<_> = rows.iter().map(|(id, file)| format!("\"{id}\": \"{file}\"")).collect();
        self.put("root.json", &format!("{{\n{}\n}}\n", rows.join(",\n")));
    }

    /// Changes `a`, removes `b` and adds `d` in a new subfolder.
    pub(super) fn edit(&self) {
        self.put("a.json", &definition("A", "2"));
        fs::remove_file(self.catalog().join("b.json")).unwrap();
        self.put("new/d.json", &definition("D", "1"));
        self.list(&[("a", "a.json"), ("c", "sub/c.json"), ("d", "new/d.json")]);
    }

    /// A publisher into [`Place::out`], at a fixed time.
    pub(super) fn publisher(&self) -> Publisher<'static> {
        Publisher::new(self.catalog()).out(self.out()).published(at(1_000_000))
    }
}

pub(super) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix(seconds).unwrap()
}

/// Every file below `folder` with its bytes.
pub(super) fn snapshot(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    walk(&RealFiles, folder, &mut |path, _| {
        let bytes = fs::read(folder.join(path)).unwrap();
        found.insert(path.to_str().unwrap().to_owned(), bytes);
        Ok(())
    })
    .unwrap();
    found
}

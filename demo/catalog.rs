//! The catalog directory, and the edits of its publisher.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use crate::Result;

/// The sample files in the repository.
const SAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../demo");

/// A catalog directory: `root.json` and the files that it names.
pub(crate) struct Catalog {
    dir: PathBuf,
}

impl Catalog {
    /// Copies the sample catalog.
    pub(crate) fn copy_to(dir: &Path) -> Result<Catalog> {
        fs::create_dir(dir)?;
        for file in fs::read_dir(Path::new(SAMPLES).join("catalog"))? {
            let file = file?;
            fs::copy(file.path(), dir.join(file.file_name()))?;
        }
        Ok(Catalog { dir: dir.to_owned() })
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Returns the ids and file names in `root.json`.
    pub(crate) fn list(&self) -> Result<Map<String, Value>> {
        Ok(serde_json::from_slice(&fs::read(self.dir.join("root.json"))?)?)
    }

    pub(crate) fn read(&self, file: &str) -> Result<Vec<u8>> {
        Ok(fs::read(self.dir.join(file))?)
    }

    /// Returns the text of a file with one replacement.
    pub(crate) fn edited(&self, file: &str, old: &str, new: &str) -> Result<String> {
        let text = fs::read_to_string(self.dir.join(file))?;
        match text.matches(old).count() {
            1 => Ok(text.replacen(old, new, 1)),
            n => Err(format!("{file} has {old:?} {n} times").into()),
        }
    }

    /// Replaces one text in a file.
    pub(crate) fn edit(&self, file: &str, old: &str, new: &str) -> Result<()> {
        let text = self.edited(file, old, new)?;
        Ok(fs::write(self.dir.join(file), text)?)
    }

    /// Adds one of the samples that are not in the catalog.
    pub(crate) fn add(&self, id: &str, file: &str) -> Result<()> {
        fs::copy(Path::new(SAMPLES).join("added").join(file), self.dir.join(file))?;
        let mut list = self.list()?;
        list.insert(id.to_owned(), file.into());
        self.write_list(&list)
    }

    pub(crate) fn remove(&self, id: &str) -> Result<()> {
        let mut list = self.list()?;
        let file = list.remove(id).ok_or_else(|| format!("no entry {id:?}"))?;
        self.write_list(&list)?;
        let file = file.as_str().ok_or("root.json: expected file names")?;
        Ok(fs::remove_file(self.dir.join(file))?)
    }

    fn write_list(&self, list: &Map<String, Value>) -> Result<()> {
        Ok(fs::write(self.dir.join("root.json"), serde_json::to_string_pretty(list)?)?)
    }
}

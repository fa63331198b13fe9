//! The catalog that is published, and the people who edit it.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use crate::Result;

/// The sample files, as they are in the repository.
const SAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../demo");

/// A folder with `root.json` and the files it names: the form that catalogs have today.
pub(crate) struct Catalog {
    folder: PathBuf,
}

impl Catalog {
    /// A copy of the sample catalog.
    pub(crate) fn copy_to(folder: &Path) -> Result<Catalog> {
        fs::create_dir(folder)?;
        for file in fs::read_dir(Path::new(SAMPLES).join("catalog"))? {
            let file = file?;
            fs::copy(file.path(), folder.join(file.file_name()))?;
        }
        Ok(Catalog { folder: folder.to_owned() })
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The files that `root.json` names, with their ids.
    pub(crate) fn list(&self) -> Result<Map<String, Value>> {
        Ok(serde_json::from_slice(&fs::read(self.folder.join("root.json"))?)?)
    }

    pub(crate) fn read(&self, file: &str) -> Result<Vec<u8>> {
        Ok(fs::read(self.folder.join(file))?)
    }

    /// The text of a file with one place in it changed.
    pub(crate) fn edited(&self, file: &str, old: &str, new: &str) -> Result<String> {
        let text = fs::read_to_string(self.folder.join(file))?;
        match text.matches(old).count() {
            1 => Ok(text.replacen(old, new, 1)),
            n => Err(format!("{file} has {old:?} {n} times").into()),
        }
    }

    /// Changes one place in a file.
    pub(crate) fn edit(&self, file: &str, old: &str, new: &str) -> Result<()> {
        let text = self.edited(file, old, new)?;
        Ok(fs::write(self.folder.join(file), text)?)
    }

    /// Adds a definition that the samples have beside the catalog.
    pub(crate) fn add(&self, id: &str, file: &str) -> Result<()> {
        fs::copy(Path::new(SAMPLES).join("added").join(file), self.folder.join(file))?;
        let mut list = self.list()?;
        list.insert(id.to_owned(), file.into());
        self.write_list(&list)
    }

    pub(crate) fn remove(&self, id: &str) -> Result<()> {
        let mut list = self.list()?;
        let file = list.remove(id).ok_or_else(|| format!("no entry {id:?}"))?;
        self.write_list(&list)?;
        let file = file.as_str().ok_or("an entry that names no file")?;
        Ok(fs::remove_file(self.folder.join(file))?)
    }

    fn write_list(&self, list: &Map<String, Value>) -> Result<()> {
        Ok(fs::write(self.folder.join("root.json"), serde_json::to_string_pretty(list)?)?)
    }
}

//! `seen.jsonl`: the entries of the v1 files in staging, with their validators.

use std::io::Write;

use super::Staging;
use crate::base::error::{IoContext, Result};
use crate::base::files::{read_if_any, remove_all};
use crate::base::workers::lock;
use crate::tree::manifest::{Entry, Manifest};

const FILE: &str = "seen.jsonl";

/// Largest file read: 200,000 lines.
const MAX_BYTES: u64 = 256 * 1024 * 1024;

impl Staging<'_> {
    /// Saves the entry of a file, in case this update is interrupted.
    pub(crate) fn save_entry(&self, entry: &Entry) -> Result<()> {
        let path = self.dir.join(FILE);
        let mut line = Manifest::from_entries(vec![entry.clone()])?.to_canonical();
        // In canonical form, line feeds are only between the rows.
        line.retain(|byte| *byte != b'\n');
        line.push(b'\n');
        let mut file = lock(&self.validators);
        match &mut *file {
            Some(file) => file.write_all(&line),
            None => self.files.create(&path).and_then(|new| file.insert(new).write_all(&line)),
        }
        .on("write this file", &path)
    }

    /// Returns the entries that an interrupted update saved, and removes them: this update saves
    /// those that are still valid.
    pub(crate) fn take_entries(&self) -> Result<Vec<Entry>> {
        let path = self.dir.join(FILE);
        let bytes = read_if_any(self.files, &path, MAX_BYTES);
        remove_all(self.files, &path)?;
        let bytes = bytes.unwrap_or_else(|error| {
            log::warn!("ignored: {}", error.to_chain());
            None
        });
        // The last line may be incomplete.
        let bytes = bytes.unwrap_or_default();
        let lines = bytes.split(|byte| *byte == b'\n').map(Manifest::parse);
        Ok(lines.flatten().flat_map(|line| line.entries().to_vec()).collect())
    }
}

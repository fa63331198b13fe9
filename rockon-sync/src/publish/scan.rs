//! Reads the catalog to be published, one file at a time.

use std::collections::HashMap;
use std::io::Read;
use std::path::Path;

use super::Leniency;
use super::check::{self, Named};
use super::list::{Found, List, Row};
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::files::{FileKind, Files, stat_if_any};
use crate::head::DEFAULT_MANIFEST;
use crate::limits::MAX_FILE_BYTES;
use crate::manifest::Manifest;
use crate::path::EntryPath;
use crate::problem::{Problem, Severity};

/// A file to be published.
#[derive(Debug)]
pub(super) struct Scanned {
    pub(super) id: String,
    pub(super) path: EntryPath,
    pub(super) digest: Digest,
    pub(super) len_bytes: u64,
    pub(super) names: Vec<String>,
}

/// What was read, and what is wrong with it.
pub(super) struct Scan<'a> {
    files: &'a dyn Files,
    folder: &'a Path,
    leniency: Leniency,
    pub(super) scanned: Vec<Scanned>,
    pub(super) problems: Vec<Problem>,
    /// Where each name was first defined.
    definitions: HashMap<String, String>,
    containers: HashMap<String, String>,
}

impl<'a> Scan<'a> {
    /// Reads `folder`, one file at a time. `previous` gives the ids of files that the
    /// list no longer names because it cannot be read.
    ///
    /// # Errors
    /// [`Store`](crate::ErrorKind::Store) if something cannot be read. What is wrong with
    /// the catalog is no error here: see `problems`.
    pub(super) fn run(
        files: &'a dyn Files,
        folder: &'a Path,
        leniency: Leniency,
        previous: &Manifest,
    ) -> Result<Scan<'a>> {
        let mut scan = Scan {
            files,
            folder,
            leniency,
            scanned: Vec::new(),
            problems: Vec::new(),
            definitions: HashMap::new(),
            containers: HashMap::new(),
        };
        let (list, found) = List::read(files, folder)?;
        scan.problems.extend(list.problems);
        let mut rows = list.rows;
        if found == Found::NoList && leniency == Leniency::LeaveOut {
            let list = List::of_folder(files, folder, previous)?;
            scan.problems.extend(list.problems);
            rows = list.rows;
        }
        for row in rows {
            scan.read_file(row)?;
        }
        Ok(scan)
    }

    /// Whether something stands in the way of publishing.
    pub(super) fn has_errors(&self) -> bool {
        self.problems.iter().any(|problem| problem.severity == Severity::Error)
    }

    /// Reads and checks one file, and takes it if nothing is wrong with it.
    fn read_file(&mut self, row: Row) -> Result<()> {
        let path = row.path.below(self.folder);
        let missing = |message: &str| {
            let message = format!("entry {:?}: \"{}\": {message}", row.id, row.path);
            Problem::error(DEFAULT_MANIFEST, row.position, message)
        };
        match stat_if_any(self.files, &path)? {
            None => {
                self.problems.push(missing("there is no such file"));
                return Ok(());
            }
            Some(stat) if stat.kind != FileKind::File => {
                self.problems.push(missing("expected a regular file"));
                return Ok(());
            }
            Some(stat) if stat.len_bytes > MAX_FILE_BYTES => {
                let got = stat.len_bytes;
                let message = format!("expected at most {MAX_FILE_BYTES} bytes, got {got}");
                self.problems.push(missing(&message));
                return Ok(());
            }
            Some(_) => {}
        }
        let mut bytes = Vec::new();
        let read = self.files.open(&path);
        let read = read.and_then(|reader| reader.take(MAX_FILE_BYTES).read_to_end(&mut bytes));
        read.map_err(|error| Error::io("read this file", &path, error))?;
        let file = row.path.as_str();
        let checked = check::check(file, &bytes);
        let before = self.problems.len();
        self.problems.extend(checked.problems);
        self.find_twins(file, "definition", &checked.definitions);
        self.find_twins(file, "container", &checked.containers);
        let is_taken = self.problems.len() == before;
        if !is_taken && self.leniency == Leniency::LeaveOut {
            return Ok(());
        }
        for (known, named) in [
            (&mut self.definitions, &checked.definitions),
            (&mut self.containers, &checked.containers),
        ] {
            for named in named {
                known.entry(named.name.clone()).or_insert_with(|| named.place(file));
            }
        }
        self.scanned.push(Scanned {
            id: row.id,
            path: row.path.clone(),
            digest: Digest::of(&bytes),
            len_bytes: bytes.len() as u64,
            names: checked.definitions.into_iter().map(|named| named.name).collect(),
        });
        Ok(())
    }

    /// Names that another file, or this one before, has already.
    fn find_twins(&mut self, file: &str, what: &str, named: &[Named]) {
        let known = if what == "container" { &self.containers } else { &self.definitions };
        let mut own: HashMap<&str, &Named> = HashMap::new();
        for twin in named {
            let before = own.insert(&twin.name, twin).map(|before| before.place(file));
            if let Some(other) = known.get(&twin.name).cloned().or(before) {
                let message = format!("the {what} {:?} is at {other} already", twin.name);
                self.problems.push(Problem::error(file, twin.position, message));
            }
        }
    }
}

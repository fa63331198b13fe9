//! Reads the catalog to be published: the list, and every file it names.

use std::collections::HashMap;
use std::io::Read;
use std::path::Path;

use super::check::{self, Named};
use super::{Leniency, is_of_the_tree};
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::files::{FileKind, Files, is_absent, stat_if_any};
use crate::head::DEFAULT_MANIFEST;
use crate::json::{Object, Position, kind_of};
use crate::limits::{MAX_FILE_BYTES, MAX_MANIFEST_BYTES};
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

/// One row of the list.
struct Row {
    id: String,
    path: EntryPath,
    position: Option<Position>,
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
        let top = scan.list_top()?;
        let rows = match scan.read_list()? {
            Some(rows) => {
                scan.name_unlisted(&top, &rows);
                rows
            }
            None if leniency == Leniency::LeaveOut => scan.rows_of_folder(&top, previous),
            None => Vec::new(),
        };
        for row in rows {
            scan.read_file(row)?;
        }
        Ok(scan)
    }

    /// Whether something stands in the way of publishing.
    pub(super) fn has_errors(&self) -> bool {
        self.problems.iter().any(|problem| problem.severity == Severity::Error)
    }

    /// The `*.json` files at the top of the catalog, in byte order.
    fn list_top(&self) -> Result<Vec<String>> {
        let names = self.files.list(self.folder);
        let names = names.map_err(|error| Error::io("list this folder", self.folder, error))?;
        let mut names: Vec<String> = names
            .into_iter()
            .filter_map(|name| name.into_string().ok())
            .filter(|name| name.ends_with(".json") && !name.starts_with('.'))
            .filter(|name| !is_of_the_tree(name))
            .collect();
        names.sort();
        Ok(names)
    }

    /// Reads `root.json`; `None` if there is none, or it is no JSON object.
    fn read_list(&mut self) -> Result<Option<Vec<Row>>> {
        let path = self.folder.join(DEFAULT_MANIFEST);
        let mut bytes = Vec::new();
        match self.files.open(&path) {
            Ok(reader) => {
                let read = reader.take(MAX_MANIFEST_BYTES).read_to_end(&mut bytes);
                read.map_err(|error| Error::io("read this file", &path, error))?;
            }
            Err(error) if is_absent(&error) => {
                let message = "expected the list of the catalog's files, found no such file";
                self.problems.push(Problem::error(DEFAULT_MANIFEST, None, message));
                return Ok(None);
            }
            Err(error) => return Err(Error::io("read this file", &path, error)),
        }
        let Ok(text) = std::str::from_utf8(&bytes) else {
            self.problems.push(Problem::error(DEFAULT_MANIFEST, None, "not UTF-8"));
            return Ok(None);
        };
        let object = match Object::parse(text) {
            Ok(object) => object,
            Err(error) => {
                let position = crate::definition::position_of_syntax_error(&bytes);
                let message = format!("not a JSON object: {error}");
                self.problems.push(Problem::error(DEFAULT_MANIFEST, position, message));
                return Ok(None);
            }
        };
        let mut rows: Vec<Row> = Vec::with_capacity(object.members.len());
        let mut ids: HashMap<String, usize> = HashMap::new();
        let mut paths: HashMap<String, String> = HashMap::new();
        for member in &object.members {
            let position = Position::of(text, member.value.get());
            let id = member.key.to_string();
            let mut problem = |message: String| {
                let message = format!("entry {id:?}: {message}");
                self.problems.push(Problem::error(DEFAULT_MANIFEST, position, message));
            };
            let Ok(file) = serde_json::from_str::<String>(member.value.get()) else {
                problem(format!("expected a file name, got {}", kind_of(member.value)));
                continue;
            };
            let path = match EntryPath::new(file) {
                Ok(path) => path,
                Err(error) => {
                    problem(error.to_string());
                    continue;
                }
            };
            // The manifest has the last word on what an entry may be.
            if let Err(error) = crate::manifest::Entry::new(&*id, path.clone(), Digest::of(b"")) {
                problem(error.to_string());
                continue;
            }
            if let Some(n) = ids.get(&id) {
                problem(match rows[*n].path == path {
                    true => "this row is there twice".to_owned(),
                    false => "the id is there twice, with different files".to_owned(),
                });
                continue;
            }
            if let Some(other) = paths.get(&path.folded()) {
                problem(format!(
                    "the file \"{path}\" is the one of {other:?} too (compared without case)"
                ));
                continue;
            }
            paths.insert(path.folded(), id.clone());
            ids.insert(id.clone(), rows.len());
            rows.push(Row { id, path, position });
        }
        Ok(Some(rows))
    }

    fn name_unlisted(&mut self, top: &[String], rows: &[Row]) {
        for name in top {
            if !rows.iter().any(|row| row.path.as_str() == name) {
                let message = format!("{DEFAULT_MANIFEST} does not name this file");
                self.problems.push(Problem::warning(name, message));
            }
        }
    }

    /// Without a list, the folder itself is the list.
    fn rows_of_folder(&mut self, top: &[String], previous: &Manifest) -> Vec<Row> {
        let ids: HashMap<&str, &str> =
            previous.entries().iter().map(|entry| (entry.path().as_str(), entry.id())).collect();
        let message = "without a list, every definition file of the folder is published";
        self.problems.push(Problem::warning(DEFAULT_MANIFEST, message));
        let mut rows = Vec::new();
        for name in top {
            match EntryPath::new(name.as_str()) {
                Ok(path) => {
                    let stem = name.strip_suffix(".json").unwrap_or(name);
                    let id = ids.get(path.as_str()).copied().unwrap_or(stem).to_owned();
                    rows.push(Row { id, path, position: None });
                }
                Err(error) => self.problems.push(Problem::error(name, None, error.to_string())),
            }
        }
        rows
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
        for named in &checked.definitions {
            self.definitions.insert(named.name.clone(), file.to_owned());
        }
        for named in &checked.containers {
            self.containers.insert(named.name.clone(), file.to_owned());
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
        let mut own: HashMap<&str, ()> = HashMap::new();
        for Named { name, position } in named {
            let other = known.get(name).map(String::as_str);
            let is_own = own.insert(name, ()).is_some();
            // A key that is there twice in one object is named as that already.
            if let Some(other) = other.or((is_own && what == "container").then_some(file)) {
                let message = format!("the {what} {name:?} is in \"{other}\" already");
                self.problems.push(Problem::error(file, *position, message));
            }
        }
    }
}

//! Reads the catalog to be published, one file at a time.

use std::collections::HashMap;
use std::io::Read;
use std::path::PathBuf;

use super::Leniency;
use super::list::{List, Refused, Row};
use crate::base::digest::Digest;
use crate::base::error::{Error, Result};
use crate::base::files::{FileKind, Files, stat_if_any};
use crate::base::limits::MAX_FILE_BYTES;
use crate::base::path::EntryPath;
use crate::base::problem::{Problem, Severity};
use crate::format::relation::Relations;
use crate::format::target::Requirements;
use crate::format::{About, Checked, Format, Named, requirements_of};
use crate::tree::manifest::Entry;

/// A file to be published.
#[derive(Debug)]
pub(super) struct Scanned {
    pub(super) id: String,
    pub(super) path: EntryPath,
    /// Where its bytes are.
    pub(super) file: PathBuf,
    pub(super) digest: Digest,
    pub(super) len_bytes: u64,
    /// The names of its definitions; `None` if that is its id.
    pub(super) names: Option<Vec<String>>,
    pub(super) requirements: Requirements,
    /// Further fields of its entry: name and canonical JSON.
    pub(super) fields: Vec<(&'static str, String)>,
    /// Its definitions, as others may speak of them.
    pub(super) related: Vec<Related>,
    /// The entry as it was published last, if it is published like that again.
    pub(super) kept: Option<Entry>,
}

/// A definition, and what it says of others.
#[derive(Debug)]
pub(super) struct Related {
    pub(super) named: Named,
    pub(super) version: Option<String>,
    pub(super) relations: Relations,
}

/// What was read, and what is wrong with it.
pub(super) struct Scan<'a> {
    files: &'a dyn Files,
    format: Format,
    pub(super) leniency: Leniency,
    pub(super) scanned: Vec<Scanned>,
    pub(super) problems: Vec<Problem>,
    /// Rows that are not in `scanned`. Only a lenient scan leaves any out.
    pub(super) refused: Vec<Refused>,
    pub(super) names: Names,
}

impl<'a> Scan<'a> {
    /// Reads the files of `list`, one at a time.
    ///
    /// # Errors
    /// [`Store`](crate::ErrorKind::Store) if something cannot be read. What is wrong with
    /// the catalog is no error here: see `problems`.
    pub(super) fn run(
        files: &'a dyn Files,
        format: Format,
        leniency: Leniency,
        list: List,
    ) -> Result<Scan<'a>> {
        let mut scan = Scan {
            files,
            format,
            leniency,
            scanned: Vec::new(),
            problems: list.problems,
            refused: list.refused,
            names: Names::new(format),
        };
        for row in list.rows {
            scan.read_file(row)?;
        }
        while scan.check_relations() {}
        Ok(scan)
    }

    /// A scan of nothing yet.
    pub(super) fn empty(files: &'a dyn Files, format: Format) -> Scan<'a> {
        Scan {
            files,
            format,
            leniency: Leniency::LeaveOut,
            scanned: Vec::new(),
            problems: Vec::new(),
            refused: Vec::new(),
            names: Names::new(format),
        }
    }

    /// Whether something stands in the way of publishing.
    pub(super) fn has_errors(&self) -> bool {
        self.problems.iter().any(|problem| problem.severity == Severity::Error)
    }

    /// Reads and checks one file, and takes it if nothing is wrong with it.
    pub(super) fn read_file(&mut self, row: Row) -> Result<()> {
        let refused = Refused { id: row.id.clone(), path: Some(row.path.clone()) };
        let taken = self.scanned.len();
        self.take_file(row)?;
        if self.scanned.len() == taken {
            self.refused.push(refused);
        }
        Ok(())
    }

    fn take_file(&mut self, row: Row) -> Result<()> {
        let path = &row.file;
        let missing = |message: &str| {
            let message = format!("entry {:?}: \"{}\": {message}", row.id, row.path);
            Problem::error(row.listed_in.unwrap_or(row.path.as_str()), row.position, message)
        };
        match stat_if_any(self.files, path)? {
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
        let read = self.files.open(path);
        let read = read.and_then(|reader| reader.take(MAX_FILE_BYTES).read_to_end(&mut bytes));
        read.map_err(|error| Error::io("read this file", path, error))?;
        let shown = row.path.as_str();
        if let Some(taken) = self.names.take(&row.id, shown, &bytes, self.leniency) {
            let names: Vec<String> =
                taken.definitions.iter().map(|named| named.name.clone()).collect();
            let (requirements, fields) = (requirements_of(&taken.about), fields_of(&taken.about));
            let related = taken.definitions.into_iter().zip(taken.about);
            let related = related.map(|(named, about)| Related {
                named,
                version: about.version,
                relations: about.relations,
            });
            self.scanned.push(Scanned {
                digest: Digest::of(&bytes),
                len_bytes: bytes.len() as u64,
                requirements,
                fields,
                names: Some(names).filter(|names| self.format.is_named_inside(names, &row.id)),
                related: related.collect(),
                kept: None,
                id: row.id,
                path: row.path,
                file: row.file,
            });
        }
        self.problems.append(&mut self.names.problems);
        Ok(())
    }
}

/// Further fields of the entry of a file: of its definitions, those of the first.
fn fields_of(about: &[About]) -> Vec<(&'static str, String)> {
    about.first().map(|about| about.fields.clone()).unwrap_or_default()
}

/// Names that are taken, each once in a catalog.
pub(super) struct Names {
    format: Format,
    /// What was found wrong.
    pub(super) problems: Vec<Problem>,
    /// Where each name was first defined, by what it is a name of.
    known: HashMap<&'static str, HashMap<String, String>>,
}

/// What a name is first of all a name of.
const DEFINITION: &str = "definition";

impl Names {
    pub(super) fn new(format: Format) -> Names {
        Names { format, problems: Vec::new(), known: HashMap::new() }
    }

    /// Checks a file by itself and against those before it. `id` is that of its entry, `shown`
    /// what problems call it. What is left out, `None`, takes no names from the
    /// files after it.
    pub(super) fn take(
        &mut self,
        id: &str,
        shown: &str,
        bytes: &[u8],
        leniency: Leniency,
    ) -> Option<Checked> {
        let mut checked = self.format.check(id, shown, bytes);
        let before = self.problems.len();
        self.problems.append(&mut checked.problems);
        let definitions = checked.definitions.iter().map(|named| (DEFINITION, named));
        let unique = checked.unique.iter().map(|(what, named)| (*what, named));
        let named: Vec<(&'static str, &Named)> = definitions.chain(unique).collect();
        self.find_twins(shown, &named);
        let is_good = self.problems.len() == before;
        if !is_good && leniency == Leniency::LeaveOut {
            return None;
        }
        for (what, named) in named {
            self.know(what, &named.name, named.place(shown));
        }
        Some(checked)
    }

    /// Checks a file that was published before. It takes its names, whatever is wrong with it
    /// by now.
    pub(super) fn take_published(&mut self, entry: &Entry, bytes: &[u8]) -> Checked {
        let shown = entry.path().as_str();
        let checked = self.format.check(entry.id(), shown, bytes);
        let definitions = checked.definitions.iter().map(|named| (DEFINITION, named));
        for (what, named) in
            definitions.chain(checked.unique.iter().map(|(what, named)| (*what, named)))
        {
            self.know(what, &named.name, named.place(shown));
        }
        for name in entry.names().unwrap_or_default() {
            self.know(DEFINITION, name, shown.to_owned());
        }
        checked
    }

    fn know(&mut self, what: &'static str, name: &str, place: String) {
        self.known.entry(what).or_default().entry(name.to_owned()).or_insert(place);
    }

    /// Names that another file, or this one before, has already.
    fn find_twins(&mut self, file: &str, named: &[(&'static str, &Named)]) {
        let mut own: HashMap<(&str, &str), &Named> = HashMap::new();
        for (what, twin) in named {
            let before = own.insert((what, &twin.name), twin).map(|before| before.place(file));
            let known = self.known.get(what).and_then(|known| known.get(&twin.name));
            if let Some(other) = known.cloned().or(before) {
                let message = format!("the {what} {:?} is at {other} already", twin.name);
                self.problems.push(Problem::error(file, twin.position, message));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tempfile::TempDir;

    use super::*;
    use crate::base::files::RealFiles;
    use crate::tree::manifest::Manifest;

    /// A definition file with these definitions, each with its containers.
    fn file(definitions: &[(&str, &[&str])]) -> String {
        let definitions = definitions.iter().map(|(name, containers)| {
            let containers: Vec<_> = containers
                .iter()
                .map(|name| format!("\"{name}\": {{\"image\": \"\", \"launch_order\": 1}}"))
                .collect();
            format!(
                "\"{name}\": {{\"description\": \"\", \"website\": \"\", \"version\": \"\",\n\
                 \"containers\": {{{}}}}}",
                containers.join(",\n")
            )
        });
        format!("{{{}}}", definitions.collect::<Vec<_>>().join(",\n"))
    }

    fn scan(files: &[(&str, &str)], leniency: Leniency) -> (Vec<String>, Vec<String>) {
        let dir = TempDir::new().unwrap();
        let rows = files.iter().map(|(name, _)| format!("\"{name}\": \"{name}\""));
        let rows = format!("{{{}}}", rows.collect::<Vec<_>>().join(",\n"));
        fs::write(dir.path().join("root.json"), rows).unwrap();
        for (name, text) in files {
            let path = dir.path().join(name);
            match *text {
                "MISSING" => {}
                "FOLDER" => fs::create_dir(path).unwrap(),
                "LINK" => std::os::unix::fs::symlink("/etc/hostname", path).unwrap(),
                "LARGE" => fs::File::create(path).unwrap().set_len(MAX_FILE_BYTES + 1).unwrap(),
                text => fs::write(path, text).unwrap(),
            }
        }
        let list = List::of(&RealFiles, dir.path(), leniency, &Manifest::default()).unwrap();
        let scan = Scan::run(&RealFiles, Format::Rockon, leniency, list).unwrap();
        (
            scan.scanned.into_iter().map(|file| file.id).collect(),
            scan.problems.iter().map(Problem::to_string).collect(),
        )
    }

    #[test]
    fn files_that_cannot_be_published_are_named_where_they_are_listed() {
        let (taken, problems) = scan(
            &[
                ("a.json", &file(&[("A", &["a"])])),
                ("m.json", "MISSING"),
                ("f.json", "FOLDER"),
                ("l.json", "LINK"),
                ("x.json", "LARGE"),
            ],
            Leniency::Strict,
        );
        assert_eq!(taken, ["a.json"]);
        assert_eq!(
            problems,
            [
                "root.json:2:11: entry \"m.json\": \"m.json\": there is no such file",
                "root.json:3:11: entry \"f.json\": \"f.json\": expected a regular file",
                "root.json:4:11: entry \"l.json\": \"l.json\": expected a regular file",
                "root.json:5:11: entry \"x.json\": \"x.json\": expected at most 16777216 bytes, \
                 got 16777217",
            ]
        );
    }

    #[test]
    fn names_are_unique_and_the_other_place_is_told() {
        let one = file(&[("A", &["a"]), ("B", &["b", "a"])]);
        let (_, problems) = scan(&[("1.json", &one)], Leniency::Strict);
        assert_eq!(problems, ["1.json:5:6: the container \"a\" is at 1.json:2:21 already"]);

        let first = file(&[("A", &["a"])]);
        let other = file(&[("A", &["x"]), ("B", &["a"])]);
        let third = file(&[("B", &["z"])]);
        let files = [("1.json", &*first), ("2.json", &*other), ("3.json", &*third)];
        let (_, problems) = scan(&files, Leniency::Strict);
        assert_eq!(
            problems,
            [
                "2.json:1:7: the definition \"A\" is at 1.json:1:7 already",
                "2.json:4:21: the container \"a\" is at 1.json:2:21 already",
                "3.json:1:7: the definition \"B\" is at 2.json:3:6 already",
            ]
        );
        // However often it is there, the place is that of the first.
        let files = [("1.json", &*first), ("2.json", &*first), ("3.json", &*first)];
        let (_, problems) = scan(&files, Leniency::Strict);
        assert_eq!(problems.len(), 4);
        assert_eq!(problems[2], "3.json:1:7: the definition \"A\" is at 1.json:1:7 already");

        // What is left out takes no names from the files after it.
        let files = [("1.json", &*first), ("2.json", &*other), ("3.json", &*third)];
        let (taken, problems) = scan(&files, Leniency::LeaveOut);
        assert_eq!((taken.len(), problems.len()), (2, 2), "{problems:?}");
        assert_eq!(taken, ["1.json", "3.json"]);
    }
}

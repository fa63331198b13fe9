//! Which files there are to publish, under which ids: the `root.json` of the catalog, or
//! the directory itself.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use super::{Leniency, is_of_the_tree};
use crate::base::digest::Digest;
use crate::base::error::{Error, Result};
use crate::base::files::{Files, read_if_any};
use crate::base::json::{Object, Places, Position, kind_of};
use crate::base::limits::MAX_MANIFEST_BYTES;
use crate::base::path::EntryPath;
use crate::base::problem::Problem;
use crate::format::position_of_syntax_error;
use crate::tree::head::DEFAULT_MANIFEST;
use crate::tree::manifest::{Entry, Manifest};

/// One file to be published.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) id: String,
    pub(super) path: EntryPath,
    /// Where its bytes are.
    pub(super) file: PathBuf,
    /// What names it, and where.
    pub(super) listed_in: Option<&'static str>,
    pub(super) position: Option<Position>,
}

/// A row that cannot be published as it is.
#[derive(Debug, Clone)]
pub(super) struct Refused {
    pub(super) id: String,
    /// `None` if the row names no usable path.
    pub(super) path: Option<EntryPath>,
}

/// The meaning of a list for the entries that it does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Completeness {
    /// They are gone.
    #[default]
    Complete,
    /// Nothing: the list itself cannot be read.
    Unknown,
}

/// Rows that can stand together in one manifest, and what is wrong with the others.
#[derive(Default)]
pub(super) struct List {
    pub(super) rows: Vec<Row>,
    pub(super) refused: Vec<Refused>,
    pub(super) completeness: Completeness,
    pub(super) problems: Vec<Problem>,
    /// Index of the row with an id.
    ids: HashMap<String, usize>,
    /// Index of the row with a file, compared without case.
    paths: HashMap<String, usize>,
    /// Directories that lead to files, compared without case, and the row of such a file.
    dirs: HashMap<String, usize>,
}

/// Whether `root.json` could be read as a list at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    Listed,
    NoList,
}

impl List {
    /// What `root.json` names; where it cannot be read and that is to be passed over, what the
    /// directory has, under the ids of `previous`.
    ///
    /// # Errors
    /// Those of [`List::read`].
    pub(super) fn of(
        files: &dyn Files,
        dir: &Path,
        leniency: Leniency,
        previous: &Manifest,
    ) -> Result<List> {
        let (mut list, found) = List::read(files, dir)?;
        if found == Found::NoList && leniency == Leniency::LeaveOut {
            let without = List::of_dir(files, dir, previous)?;
            list.problems.extend(without.problems);
            list.rows = without.rows;
            list.refused = without.refused;
            list.completeness = Completeness::Unknown;
        }
        Ok(list)
    }

    /// Reads `root.json`, and warns of files that it does not name.
    ///
    /// # Errors
    /// [`Store`](crate::ErrorKind::Store); [`Limit`](crate::ErrorKind::Limit) for a list
    /// that no client would accept.
    fn read(files: &dyn Files, dir: &Path) -> Result<(List, Found)> {
        let mut list = List::default();
        let path = dir.join(DEFAULT_MANIFEST);
        let Some(bytes) = read_if_any(files, &path, MAX_MANIFEST_BYTES)? else {
            list.problem(None, "expected the list of the catalog's files, found no such file");
            return Ok((list, Found::NoList));
        };
        let Ok(text) = std::str::from_utf8(&bytes) else {
            list.problem(None, "not UTF-8");
            return Ok((list, Found::NoList));
        };
        let object = match Object::parse(text) {
            Ok(object) => object,
            Err(error) => {
                let message = format!("not a JSON object: {error}");
                list.problem(position_of_syntax_error(&bytes), message);
                return Ok((list, Found::NoList));
            }
        };
        let mut places = Places::new(text);
        for member in &object.members {
            let position = places.of(member.value.get());
            let id = member.key.to_string();
            let path = match serde_json::from_str::<String>(member.value.get()) {
                Err(_) => Err(format!("expected a file name, got {}", kind_of(member.value))),
                Ok(file) => EntryPath::new(file).map_err(|error| error.to_string()),
            };
            let added = path.clone().and_then(|path| {
                list.add(Row {
                    id: id.clone(),
                    file: path.below(dir),
                    path,
                    listed_in: Some(DEFAULT_MANIFEST),
                    position,
                })
            });
            if let Err(message) = added {
                list.problem(position, format!("entry {id:?}: {message}"));
                list.refused.push(Refused { id, path: path.ok() });
            }
        }
        let top = top(files, dir)?;
        list.warn_of_unlisted(&top.names, &object);
        for name in top.unreadable {
            list.problems.push(Problem::warning(&name, "the name is not UTF-8"));
        }
        Ok((list, Found::Listed))
    }

    /// Every `*.json` file at the top of the directory. The ids are those of `previous`, or
    /// made from the names of the files.
    ///
    /// # Errors
    /// [`Store`](crate::ErrorKind::Store).
    fn of_dir(files: &dyn Files, dir: &Path, previous: &Manifest) -> Result<List> {
        let mut list = List::default();
        let message = "without a list, every definition file of the directory is published";
        list.problems.push(Problem::warning(DEFAULT_MANIFEST, message));
        let ids: HashMap<&str, &str> =
            previous.entries().iter().map(|entry| (entry.path().as_str(), entry.id())).collect();
        let top = top(files, dir)?;
        for name in top.unreadable {
            list.problems.push(Problem::error(&name, None, "the name is not UTF-8"));
        }
        // What was published before keeps its id, whatever is new beside it.
        let (known, new): (Vec<_>, Vec<_>) =
            top.names.into_iter().partition(|name| ids.contains_key(name.as_str()));
        for name in known.into_iter().chain(new) {
            let stem = name.strip_suffix(".json").unwrap_or(&name);
            let id = ids.get(name.as_str()).copied().unwrap_or(stem).to_owned();
            let path = EntryPath::new(name.as_str()).map_err(|error| error.to_string());
            let added = path.clone().and_then(|path| {
                list.add(Row {
                    id: id.clone(),
                    file: path.below(dir),
                    path,
                    listed_in: Some(DEFAULT_MANIFEST),
                    position: None,
                })
            });
            if let Err(message) = added {
                list.problems.push(Problem::error(&name, None, message));
                list.refused.push(Refused { id, path: path.ok() });
            }
        }
        Ok(list)
    }

    /// Takes a row, unless it cannot stand beside those before it.
    ///
    /// # Errors
    /// Why it cannot, in words.
    pub(super) fn add(&mut self, row: Row) -> std::result::Result<(), String> {
        if row.path.is_reserved() {
            return Err(format!("the name \"{}\" belongs to the tree itself", row.path));
        }
        // The manifest has the last word on what an entry may be.
        Entry::new(&*row.id, row.path.clone(), Digest::of(b""))
            .map_err(|error| error.to_string())?;
        if let Some(n) = self.ids.get(&row.id) {
            let other = &self.rows[*n];
            return Err(match other.path == row.path {
                true => format!("this row is there twice{}", place(other)),
                false => format!(
                    "the id is there twice, the other time with \"{}\"{}",
                    other.path,
                    place(other)
                ),
            });
        }
        let folded = row.path.folded().into_owned();
        if let Some(n) = self.paths.get(&folded) {
            let other = &self.rows[*n];
            return Err(format!(
                "the file \"{}\" belongs to {:?} already{} (compared without case)",
                row.path,
                other.id,
                place(other)
            ));
        }
        let parents = || folded.match_indices('/').map(|(at, _)| &folded[..at]);
        let both = self.dirs.get(&folded).or_else(|| parents().find_map(|p| self.paths.get(p)));
        if let Some(n) = both {
            let other = &self.rows[*n];
            return Err(format!(
                "of \"{}\" and \"{}\", the file of {:?}{}, one would be the directory of the other",
                row.path,
                other.path,
                other.id,
                place(other)
            ));
        }
        let n = self.rows.len();
        for parent in parents() {
            self.dirs.entry(parent.to_owned()).or_insert(n);
        }
        self.paths.insert(folded, n);
        self.ids.insert(row.id.clone(), n);
        self.rows.push(row);
        Ok(())
    }

    /// Takes an entry that is published as it was last. All that were published together can
    /// stand beside each other.
    pub(super) fn take_published(&mut self, entry: &Entry, file: &Path) {
        let (id, path) = (entry.id().to_owned(), entry.path().clone());
        let row = Row { id, path, file: file.to_owned(), listed_in: None, position: None };
        let added = self.add(row);
        debug_assert_eq!(added, Ok(()));
    }

    fn problem(&mut self, position: Option<Position>, message: impl Into<String>) {
        self.problems.push(Problem::error(DEFAULT_MANIFEST, position, message));
    }

    /// A file of a row that was refused is named all the same.
    fn warn_of_unlisted(&mut self, top: &[String], object: &Object<'_>) {
        let values = object.members.iter().map(|member| member.value.get());
        let named: HashSet<String> =
            values.filter_map(|value| serde_json::from_str(value).ok()).collect();
        for name in top.iter().filter(|name| !named.contains(*name)) {
            let message = format!("{DEFAULT_MANIFEST} does not name this file");
            self.problems.push(Problem::warning(name, message));
        }
    }
}

/// Where another row is, as part of a sentence.
fn place(row: &Row) -> String {
    row.position.map_or_else(String::new, |position| format!(" at {position}"))
}

/// The `*.json` files at the top of the catalog, in byte order.
struct Top {
    names: Vec<String>,
    /// Names that are not UTF-8, as they are shown.
    unreadable: Vec<String>,
}

fn top(files: &dyn Files, dir: &Path) -> Result<Top> {
    let names = files.list(dir);
    let names = names.map_err(|error| Error::io("list this directory", dir, error))?;
    let mut top = Top { names: Vec::new(), unreadable: Vec::new() };
    for name in names {
        let bytes = name.as_encoded_bytes();
        if !bytes.ends_with(b".json") || bytes.starts_with(b".") {
            continue;
        }
        match name.into_string() {
            Ok(name) if is_of_the_tree(&name) => {}
            Ok(name) => top.names.push(name),
            Err(name) => top.unreadable.push(name.to_string_lossy().into_owned()),
        }
    }
    top.names.sort();
    top.unreadable.sort();
    Ok(top)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tempfile::TempDir;

    use super::*;
    use crate::base::files::RealFiles;

    fn rows(list: &List) -> Vec<(&str, &str)> {
        list.rows.iter().map(|row| (&*row.id, row.path.as_str())).collect()
    }

    fn problems(list: &List) -> Vec<String> {
        list.problems.iter().map(Problem::to_string).collect()
    }

    fn dir(files: &[(&str, &str)]) -> TempDir {
        let dir = TempDir::new().unwrap();
        for (name, text) in files {
            fs::write(dir.path().join(name), text).unwrap();
        }
        dir
    }

    #[test]
    fn every_bad_row_is_named_in_one_run_and_the_others_are_taken() {
        let text = "{\n\"a\": \"a.json\",\n\"a\": \"a.json\",\n\"a\": \"x.json\",\n\"n\": 1,\n\
                    \"up\": \"../up.json\",\n\"own\": \"root.json\",\n\"A\": \"A.JSON\",\n\
                    \"in\": \"a.json/b\",\n\"s\": \"s/b\",\n\"t\": \"S\",\n\"\": \"e.json\",\n\
                    \"z\": \"z.json\"\n}\n";
        let dir = dir(&[("root.json", text)]);
        let (list, found) = List::read(&RealFiles, dir.path()).unwrap();
        assert_eq!(found, Found::Listed);
        assert_eq!(rows(&list), [("a", "a.json"), ("s", "s/b"), ("z", "z.json")]);
        let expected = [
            "root.json:3:6: entry \"a\": this row is there twice at line 2 column 6",
            "root.json:4:6: entry \"a\": the id is there twice, the other time with \"a.json\" \
             at line 2 column 6",
            "root.json:5:6: entry \"n\": expected a file name, got a number",
            "root.json:6:7: entry \"up\": unsafe path \"../up.json\"",
            "root.json:7:8: entry \"own\": the name \"root.json\" belongs to",
            "root.json:8:6: entry \"A\": the file \"A.JSON\" belongs to \"a\" already \
             at line 2 column 6 (compared without case)",
            "root.json:9:7: entry \"in\": of \"a.json/b\" and \"a.json\", the file of \"a\" \
             at line 2 column 6, one would be the directory of the other",
            "root.json:11:6: entry \"t\": of \"S\" and \"s/b\", the file of \"s\" \
             at line 10 column 6, one would be the directory of the other",
            "root.json:12:5: entry \"\": the id \"\" is empty",
        ];
        let found = problems(&list);
        assert_eq!(found.len(), expected.len(), "{found:#?}");
        for (found, expected) in found.iter().zip(expected) {
            assert!(found.starts_with(expected), "{found}\n{expected}");
        }
    }

    #[test]
    fn files_that_the_list_does_not_name_are_warned_of() {
        let dir = dir(&[
            ("root.json", "{\"a\": \"a.json\"}"),
            ("a.json", ""),
            ("b.json", ""),
            (".c.json", ""),
            ("readme.md", ""),
            ("root.v2.json", ""),
            ("history.json", ""),
        ]);
        let (list, _) = List::read(&RealFiles, dir.path()).unwrap();
        assert_eq!(problems(&list), ["b.json: warning: root.json does not name this file"]);
    }

    #[test]
    fn a_definition_file_whose_name_is_not_utf_8_is_reported() {
        use std::os::unix::ffi::OsStrExt;
        let dir = dir(&[("root.json", "{\"a\": \"a.json\"}"), ("a.json", "")]);
        fs::write(dir.path().join(std::ffi::OsStr::from_bytes(b"\xff.json")), "").unwrap();
        let (list, _) = List::read(&RealFiles, dir.path()).unwrap();
        assert_eq!(problems(&list), ["\u{fffd}.json: warning: the name is not UTF-8"]);
        let list = List::of_dir(&RealFiles, dir.path(), &Manifest::default()).unwrap();
        assert_eq!(problems(&list)[1..], ["\u{fffd}.json: the name is not UTF-8"]);
    }

    #[test]
    fn what_is_no_list_is_named_with_its_place() {
        for (text, expected) in [
            (None, "root.json: expected the list of the catalog's files, found no such file"),
            (
                Some("{\n\"a\": \"a.json\",\n}\n"),
                "root.json:3:1: not a JSON object: trailing comma",
            ),
            (Some("[]"), "root.json: not a JSON object: invalid type: sequence"),
            (Some(""), "root.json:1:1: not a JSON object: EOF"),
        ] {
            let dir = dir(&[]);
            if let Some(text) = text {
                fs::write(dir.path().join("root.json"), text).unwrap();
            }
            let (list, found) = List::read(&RealFiles, dir.path()).unwrap();
            assert_eq!(found, Found::NoList);
            let found = problems(&list);
            assert!(found.len() == 1 && found[0].starts_with(expected), "{found:?}");
        }
    }

    #[test]
    fn without_a_list_known_files_keep_their_ids_and_no_id_is_there_twice() {
        let dir = dir(&[("b.json", ""), ("c.json", ""), ("z.json", ""), ("C.json", "")]);
        let path = EntryPath::new("z.json").unwrap();
        let known = Entry::new("b", path, Digest::of(b"")).unwrap();
        let previous = Manifest::from_entries(vec![known]).unwrap();
        let list = List::of_dir(&RealFiles, dir.path(), &previous).unwrap();
        assert_eq!(rows(&list), [("b", "z.json"), ("C", "C.json")]);
        assert_eq!(
            problems(&list),
            [
                "root.json: warning: without a list, every definition file of the directory is published",
                "b.json: the id is there twice, the other time with \"z.json\"",
                "c.json: the file \"c.json\" belongs to \"C\" already (compared without case)",
            ]
        );
    }
}

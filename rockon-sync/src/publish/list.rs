//! The files to publish, with their ids: the `root.json` of the catalog, or every file of a
//! directory.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use super::publisher::{Leniency, PublishSession};
#[cfg(feature = "jupdate")]
use super::site::SiteReader;
use super::tree::is_tree_file;
use crate::base::digest::Digest;
use crate::base::error::{IoContext, Result};
use crate::base::files::{FileKind, Files, read_if_any, stat_if_any};
use crate::base::json::{Object, Places, Position, kind_of};
use crate::base::limits::MAX_MANIFEST_BYTES;
use crate::base::path::EntryPath;
use crate::base::problem::Problem;
use crate::format::Collection;
#[cfg(feature = "jupdate")]
use crate::net::transport::DefaultTransport;
use crate::tree::head::DEFAULT_MANIFEST;
use crate::tree::manifest::{Entry, Manifest};

/// One file to publish.
#[derive(Debug, Clone)]
pub(super) struct ListedFile {
    pub(super) id: String,
    pub(super) path: EntryPath,
    /// The local file with its bytes.
    pub(super) file: PathBuf,
    /// The list that names the file, and the position in it.
    pub(super) listed_in: Option<&'static str>,
    pub(super) position: Option<Position>,
}

impl ListedFile {
    /// Creates the entry of a file that no list names.
    pub(super) fn unlisted(id: String, path: EntryPath, file: PathBuf) -> ListedFile {
        ListedFile { id, path, file, listed_in: None, position: None }
    }

    /// Returns the file that problems with this one are reported for.
    pub(super) fn shown(&self) -> &str {
        self.listed_in.unwrap_or(self.path.as_str())
    }

    /// Returns the position as the end of a sentence.
    fn at(&self) -> String {
        self.position.map_or(String::new(), |position| format!(" at {position}"))
    }
}

/// A file that cannot be published as it is.
#[derive(Debug, Clone)]
pub(super) struct RefusedFile {
    pub(super) id: String,
    /// `None` if the path is missing or invalid.
    pub(super) path: Option<EntryPath>,
}

impl From<ListedFile> for RefusedFile {
    fn from(listed: ListedFile) -> RefusedFile {
        RefusedFile { id: listed.id, path: Some(listed.path) }
    }
}

/// The meaning of a list for entries that are not in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Completeness {
    /// They are to be deleted.
    #[default]
    Complete,
    /// Nothing, because the list itself is missing or invalid.
    Unknown,
}

/// Files that can be in one manifest together, and the problems with the others.
#[derive(Default)]
pub(super) struct List {
    pub(super) files: Vec<ListedFile>,
    pub(super) refused: Vec<RefusedFile>,
    pub(super) completeness: Completeness,
    pub(super) problems: Vec<Problem>,
    /// Index of the file with an id.
    ids: HashMap<String, usize>,
    /// Index of the file with a path, in lower case.
    paths: HashMap<String, usize>,
    /// Directories with files, in lower case, and the index of one such file.
    dirs: HashMap<String, usize>,
}

impl List {
    /// Lists the files that a session publishes.
    ///
    /// # Errors
    /// Those of [`of_catalog`](Self::of_catalog), [`of_every_file`](Self::of_every_file) or
    /// [`of_site`](Self::of_site).
    pub(super) fn of(session: &PublishSession<'_>, previous: &Manifest) -> Result<List> {
        let options = session.options;
        let (files, catalog) = (session.tree.files, &*options.catalog);
        match options.collection() {
            Collection::Listed => List::of_catalog(files, catalog, options.leniency, previous),
            Collection::Dir => List::of_every_file(files, catalog, &session.tree),
            #[cfg(not(feature = "jupdate"))]
            Collection::Site => unreachable!("no format of this build has an update site"),
            #[cfg(feature = "jupdate")]
            Collection::Site => {
                let (transport, clock) = (DefaultTransport::new(), options.clock);
                let cancel = &options.cancel;
                let reader = SiteReader { files, transport: &transport, clock, cancel };
                List::of_site(&reader, catalog, session.tree.dir)
            }
        }
    }

    /// Lists the files that `root.json` names. If it is invalid and the publisher is lenient, lists
    /// the `*.json` files of the directory instead, with the ids of `previous`.
    pub(super) fn of_catalog(
        files: &dyn Files,
        dir: &Path,
        leniency: Leniency,
        previous: &Manifest,
    ) -> Result<List> {
        let mut list = List::read(files, dir)?;
        if list.completeness == Completeness::Unknown && leniency == Leniency::LeaveOut {
            let fallback = List::of_dir(files, dir, previous)?;
            let message = "no valid list; publishing every definition file of the directory";
            list.problems.push(Problem::warning(DEFAULT_MANIFEST, message));
            list.problems.extend(fallback.problems);
            return Ok(List { problems: list.problems, ..fallback });
        }
        Ok(list)
    }

    /// Reads `root.json`, and warns about files that it does not name.
    ///
    /// # Errors
    /// [`Store`](crate::ErrorKind::Store); [`Limit`](crate::ErrorKind::Limit) for a list
    /// that is too large for clients.
    pub(super) fn read(files: &dyn Files, dir: &Path) -> Result<List> {
        let mut list = List { completeness: Completeness::Unknown, ..List::default() };
        let path = dir.join(DEFAULT_MANIFEST);
        let Some(bytes) = read_if_any(files, &path, MAX_MANIFEST_BYTES)? else {
            list.report(None, "expected the list of the catalog's files, found no file");
            return Ok(list);
        };
        let (text, object) = match Object::of_file(&bytes) {
            Ok(parsed) => parsed,
            Err(error) => {
                list.report(Some(error.position), error.reason);
                return Ok(list);
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
            let path = path.and_then(|path| not_below_link(files, dir, path));
            if let Err(message) = list.add_from(dir, &id, path, position) {
                list.report(position, format!("entry {id:?}: {message}"));
            }
        }
        let top = TopFiles::list(files, dir)?;
        list.warn_of_unlisted(&top.names, &object);
        for name in top.not_utf8 {
            list.problems.push(Problem::warning(&name, "the name is not UTF-8"));
        }
        list.completeness = Completeness::Complete;
        Ok(list)
    }

    /// Lists every `*.json` file at the top of a directory. The ids are those of `previous`; new
    /// files get their name without `.json`.
    pub(super) fn of_dir(files: &dyn Files, dir: &Path, previous: &Manifest) -> Result<List> {
        let mut list = List { completeness: Completeness::Unknown, ..List::default() };
        let ids: HashMap<&str, &str> =
            previous.entries().iter().map(|entry| (entry.path().as_str(), entry.id())).collect();
        let top = TopFiles::list(files, dir)?;
        for name in top.not_utf8 {
            list.problems.push(Problem::error(&name, None, "the name is not UTF-8"));
        }
        // Published files first, so that they keep their ids.
        let (known, new): (Vec<_>, Vec<_>) =
            top.names.into_iter().partition(|name| ids.contains_key(name.as_str()));
        for name in known.into_iter().chain(new) {
            let stem = name.strip_suffix(".json").unwrap_or(&name);
            let id = ids.get(name.as_str()).copied().unwrap_or(stem);
            let path = EntryPath::new(name.as_str()).map_err(|error| error.to_string());
            if let Err(message) = list.add_from(dir, id, path, None) {
                list.problems.push(Problem::error(&name, None, message));
            }
        }
        Ok(list)
    }

    /// Adds a file of the catalog in `dir`, or refuses it.
    ///
    /// # Errors
    /// The error in `path`, or that of [`add`](Self::add).
    fn add_from(
        &mut self,
        dir: &Path,
        id: &str,
        path: std::result::Result<EntryPath, String>,
        position: Option<Position>,
    ) -> std::result::Result<(), String> {
        let added = path.clone().and_then(|path| {
            let (id, file) = (id.to_owned(), path.below(dir));
            let listed_in = Some(DEFAULT_MANIFEST);
            self.add(ListedFile { id, path, file, listed_in, position })
        });
        if added.is_err() {
            self.refused.push(RefusedFile { id: id.to_owned(), path: path.ok() });
        }
        added
    }

    /// Adds a file, unless it conflicts with one that was added before.
    ///
    /// # Errors
    /// The reason, as a message; the list is not changed then.
    pub(super) fn add(&mut self, file: ListedFile) -> std::result::Result<(), String> {
        let path = &file.path;
        if path.is_reserved() {
            return Err(reserved(path.as_str()));
        }
        Entry::new(&*file.id, path.clone(), Digest::of(b"")).map_err(|error| {
            // The problem names the entry.
            let text = error.to_string();
            text.strip_prefix(&format!("entry {:?}: ", file.id)).unwrap_or(&text).to_owned()
        })?;
        let other = |index: &usize| &self.files[*index];
        if let Some(other) = self.ids.get(&file.id).map(other) {
            let at = other.at();
            return Err(match other.path == *path {
                true => format!("duplicate of the entry{at}"),
                false => format!("duplicate id, already used for \"{}\"{at}", other.path),
            });
        }
        let folded = path.folded().into_owned();
        if let Some(other) = self.paths.get(&folded).map(other) {
            let (id, at) = (&other.id, other.at());
            return Err(format!(
                "duplicate file \"{path}\", already used by {id:?}{at} (ignoring case)"
            ));
        }
        let parents = || folded.match_indices('/').map(|(at, _)| &folded[..at]);
        let same_name =
            self.dirs.get(&folded).or_else(|| parents().find_map(|dir| self.paths.get(dir)));
        if let Some(other) = same_name.map(other) {
            let (place, at) = (format!("\"{}\" of {:?}", other.path, other.id), other.at());
            return Err(format!(
                "\"{path}\" conflicts with {place}{at}: a file cannot also be a directory"
            ));
        }
        let index = self.files.len();
        for parent in parents() {
            self.dirs.entry(parent.to_owned()).or_insert(index);
        }
        self.paths.insert(folded, index);
        self.ids.insert(file.id.clone(), index);
        self.files.push(file);
        Ok(())
    }

    fn report(&mut self, position: Option<Position>, message: impl Into<String>) {
        self.problems.push(Problem::error(DEFAULT_MANIFEST, position, message));
    }

    /// Warns about files that `root.json` does not name. Refused files are named there too.
    fn warn_of_unlisted(&mut self, top: &[String], object: &Object<'_>) {
        let values = object.members.iter().map(|member| member.value.get());
        let named: HashSet<String> =
            values.filter_map(|value| serde_json::from_str(value).ok()).collect();
        for name in top.iter().filter(|name| !named.contains(*name)) {
            self.problems.push(Problem::warning(name, format!("not listed in {DEFAULT_MANIFEST}")));
        }
    }
}

/// Returns the problem with a file whose name is that of a part of a tree.
pub(super) fn reserved(name: &str) -> String {
    format!("the name \"{name}\" is reserved")
}

/// Fails if a directory of `path` is a symbolic link, which could lead out of the catalog.
fn not_below_link(
    files: &dyn Files,
    dir: &Path,
    path: EntryPath,
) -> std::result::Result<EntryPath, String> {
    for parent in path.parents() {
        match stat_if_any(files, &dir.join(parent)) {
            Err(error) => return Err(error.to_string()),
            Ok(Some(stat)) if stat.kind == FileKind::Link => {
                return Err(format!("\"{path}\": \"{parent}\" is a symbolic link"));
            }
            Ok(_) => {}
        }
    }
    Ok(path)
}

/// The `*.json` files at the top of a catalog directory, in byte order.
struct TopFiles {
    names: Vec<String>,
    /// Names that are not UTF-8, in printable form.
    not_utf8: Vec<String>,
}

impl TopFiles {
    fn list(files: &dyn Files, dir: &Path) -> Result<TopFiles> {
        let mut top = TopFiles { names: Vec::new(), not_utf8: Vec::new() };
        for name in files.list(dir).on("list", dir)? {
            let bytes = name.as_encoded_bytes();
            if !bytes.ends_with(b".json") || bytes.starts_with(b".") {
                continue;
            }
            match name.into_string() {
                Ok(name) if is_tree_file(&name) => {}
                Ok(name) => top.names.push(name),
                Err(name) => top.not_utf8.push(name.to_string_lossy().into_owned()),
            }
        }
        top.names.sort();
        top.not_utf8.sort();
        Ok(top)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tempfile::TempDir;

    use super::*;
    use crate::base::files::RealFiles;

    fn entries(list: &List) -> Vec<(&str, &str)> {
        list.files.iter().map(|file| (&*file.id, file.path.as_str())).collect()
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
    fn every_invalid_entry_is_reported_in_one_run_and_the_others_are_listed() {
        let text = "{\n\"a\": \"a.json\",\n\"a\": \"a.json\",\n\"a\": \"x.json\",\n\"n\": 1,\n\
                    \"up\": \"../up.json\",\n\"own\": \"root.json\",\n\"A\": \"A.JSON\",\n\
                    \"in\": \"a.json/b\",\n\"s\": \"s/b\",\n\"t\": \"S\",\n\"\": \"e.json\",\n\
                    \"z\": \"z.json\"\n}\n";
        let dir = dir(&[("root.json", text)]);
        let list = List::read(&RealFiles, dir.path()).unwrap();
        assert_eq!(list.completeness, Completeness::Complete);
        assert_eq!(entries(&list), [("a", "a.json"), ("s", "s/b"), ("z", "z.json")]);
        let expected = [
            "root.json:3:6: entry \"a\": duplicate of the entry at line 2 column 6",
            "root.json:4:6: entry \"a\": duplicate id, already used for \"a.json\" \
             at line 2 column 6",
            "root.json:5:6: entry \"n\": expected a file name, got a number",
            "root.json:6:7: entry \"up\": unsafe path \"../up.json\"",
            "root.json:7:8: entry \"own\": the name \"root.json\" is reserved",
            "root.json:8:6: entry \"A\": duplicate file \"A.JSON\", already used by \"a\" \
             at line 2 column 6 (ignoring case)",
            "root.json:9:7: entry \"in\": \"a.json/b\" conflicts with \"a.json\" of \"a\" \
             at line 2 column 6: a file cannot also be a directory",
            "root.json:11:6: entry \"t\": \"S\" conflicts with \"s/b\" of \"s\" \
             at line 10 column 6: a file cannot also be a directory",
            "root.json:12:5: entry \"\": the id is empty",
        ];
        let found = problems(&list);
        assert_eq!(found.len(), expected.len(), "{found:#?}");
        for (found, expected) in found.iter().zip(expected) {
            assert!(found.starts_with(expected), "{found}\n{expected}");
        }
    }

    #[test]
    fn files_missing_from_the_list_cause_a_warning() {
        let dir = dir(&[
            ("root.json", "{\"a\": \"a.json\"}"),
            ("a.json", ""),
            ("b.json", ""),
            (".c.json", ""),
            ("readme.md", ""),
            ("root.v2.json", ""),
            ("history.json", ""),
        ]);
        let list = List::read(&RealFiles, dir.path()).unwrap();
        assert_eq!(problems(&list), ["b.json: warning: not listed in root.json"]);
    }

    #[test]
    fn a_definition_file_whose_name_is_not_utf_8_is_reported() {
        use std::os::unix::ffi::OsStrExt;
        let dir = dir(&[("root.json", "{\"a\": \"a.json\"}"), ("a.json", "")]);
        fs::write(dir.path().join(std::ffi::OsStr::from_bytes(b"\xff.json")), "").unwrap();
        let list = List::read(&RealFiles, dir.path()).unwrap();
        assert_eq!(problems(&list), ["\u{fffd}.json: warning: the name is not UTF-8"]);
        let list = List::of_dir(&RealFiles, dir.path(), &Manifest::default()).unwrap();
        assert_eq!(problems(&list), ["\u{fffd}.json: the name is not UTF-8"]);
    }

    #[test]
    fn a_file_below_a_linked_directory_is_refused() {
        let outside = dir(&[("b.json", "")]);
        let text = "{\"a\": \"a.json\",\n\"b\": \"sub/b.json\"}";
        let dir = dir(&[("root.json", text), ("a.json", "")]);
        std::os::unix::fs::symlink(outside.path(), dir.path().join("sub")).unwrap();
        let list = List::read(&RealFiles, dir.path()).unwrap();
        assert_eq!(entries(&list), [("a", "a.json")]);
        let expected = "root.json:2:6: entry \"b\": \"sub/b.json\": \"sub\" is a symbolic link";
        assert_eq!(problems(&list), [expected]);
    }

    #[test]
    fn an_invalid_list_is_one_problem_with_a_location() {
        for (text, expected) in [
            (None, "root.json: expected the list of the catalog's files, found no file"),
            (Some("{\n\"a\": \"a.json\",\n}\n"), "root.json:3:1: not JSON: trailing comma"),
            (Some("[]"), "root.json:1:1: expected an object, got an array"),
            (Some(""), "root.json:1:1: expected JSON, got an empty file"),
        ] {
            let dir = dir(&[]);
            if let Some(text) = text {
                fs::write(dir.path().join("root.json"), text).unwrap();
            }
            let list = List::read(&RealFiles, dir.path()).unwrap();
            assert_eq!(list.completeness, Completeness::Unknown);
            let found = problems(&list);
            assert!(found.len() == 1 && found[0].starts_with(expected), "{found:?}");
        }
    }

    #[test]
    fn without_a_list_published_files_keep_their_ids_and_no_id_is_used_twice() {
        let dir = dir(&[("b.json", ""), ("c.json", ""), ("z.json", ""), ("C.json", "")]);
        let path = EntryPath::new("z.json").unwrap();
        let known = Entry::new("b", path, Digest::of(b"")).unwrap();
        let previous = Manifest::from_entries(vec![known]).unwrap();
        let list = List::of_dir(&RealFiles, dir.path(), &previous).unwrap();
        assert_eq!(entries(&list), [("b", "z.json"), ("C", "C.json")]);
        assert_eq!(
            problems(&list),
            [
                "b.json: duplicate id, already used for \"z.json\"",
                "c.json: duplicate file \"c.json\", already used by \"C\" (ignoring case)",
            ]
        );
    }
}

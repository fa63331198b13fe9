//! Reads and checks the files of a catalog, one at a time.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::before::Before;
use super::checked::{CheckedFile, CheckedFiles, Stamp};
use super::keep;
use super::list::{List, ListedFile, RefusedFile};
use super::names::NameChecker;
use super::publisher::{Leniency, PublishSession};
use super::renames::names_of;
use super::report::refused;
use crate::base::digest::Digest;
use crate::base::error::{IoContext, Result};
use crate::base::files::{FileKind, Files, Stat, stat_if_any};
use crate::base::limits::MAX_FILE_BYTES;
use crate::base::path::EntryPath;
use crate::base::problem::{Problem, Severity};
use crate::format::target::Requirements;
use crate::format::{
    About, Checked, CheckedDefinition, Collection, Format, Named, requirements_of,
};
use crate::tree::head::DEFAULT_MANIFEST;
use crate::tree::manifest::{Entry, Manifest};

/// The files to publish.
pub(super) struct Scanned {
    /// At least one.
    pub(super) files: Vec<ScannedFile>,
    /// Every problem found so far.
    pub(super) problems: Vec<Problem>,
    /// Number of files in the record of the last publication.
    pub(super) recorded: usize,
}

/// The place of the files of a catalog, and what is known about them.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    pub(super) files: &'a dyn Files,
    pub(super) format: Format,
    pub(super) recorded: Option<Recorded<'a>>,
}

impl Source<'_> {
    fn read(&self, file: &Path) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let reader = self.files.open(file).on("read", file)?;
        reader.take(MAX_FILE_BYTES).read_to_end(&mut bytes).on("read", file)?;
        Ok(bytes)
    }
}

/// The last publication: the record of its files, and its manifest.
#[derive(Clone, Copy)]
pub(super) struct Recorded<'a> {
    checked: &'a CheckedFiles,
    manifest: &'a Manifest,
}

impl<'a> Recorded<'a> {
    /// Returns the record and the entry of a file with this stamp, if it is as recorded.
    fn of(
        self,
        listed: &ListedFile,
        stamp: Option<Stamp>,
        format: Format,
    ) -> Option<(&'a Rc<CheckedFile>, &'a Entry)> {
        let row = self.checked.unchanged(&listed.path, stamp?)?;
        let entry = self.manifest.entry(&listed.id)?;
        let is_same = *entry.path() == listed.path
            && entry.digest() == row.digest
            && Format::of(entry) == format
            && names_of(entry).len() == row.versions.len();
        is_same.then_some((row, entry))
    }
}

/// A file to publish.
#[derive(Debug)]
pub(super) struct ScannedFile {
    pub(super) id: String,
    pub(super) path: EntryPath,
    /// The local file with its bytes.
    pub(super) file: PathBuf,
    pub(super) digest: Digest,
    pub(super) len_bytes: u64,
    pub(super) entry: EntryOfFile,
    pub(super) definitions: Vec<CheckedDefinition>,
    /// The record of this file for the next publication.
    pub(super) checked: Rc<CheckedFile>,
}

/// The entry of a file.
#[derive(Debug)]
pub(super) enum EntryOfFile {
    /// It is made from the file.
    Made {
        /// The names of its definitions; `None` if the only name is its id.
        names: Option<Vec<String>>,
        requirements: Requirements,
        /// Further fields: name and canonical JSON.
        fields: Vec<(&'static str, String)>,
    },
    /// The published entry: the file is as recorded.
    Unchanged,
    /// The published entry: the file of the catalog is broken.
    Kept,
}

impl ScannedFile {
    /// True if the published version is kept, since the catalog's file is broken.
    pub(super) fn is_kept(&self) -> bool {
        matches!(self.entry, EntryOfFile::Kept)
    }
}

/// Reads and checks everything to publish. Files that are as recorded are not read.
///
/// # Errors
/// [`Catalog`](crate::ErrorKind::Catalog) with every problem, if one of them is an error and the
/// publisher is not lenient, if a file to keep cannot be kept, or if there are no entries;
/// those of listing the catalog.
pub(super) fn run(session: &PublishSession<'_>, before: &Before) -> Result<Scanned> {
    let options = session.options;
    let recorded = CheckedFiles::load(&session.tree)?;
    let list = List::of(session, &before.manifest)?;
    let mut problems = before.warnings.clone();
    let source = Source {
        files: session.tree.files,
        format: options.format,
        recorded: Some(Recorded { checked: &recorded, manifest: &before.manifest }),
    };
    let (files, is_refused) = match options.effective_leniency() {
        Leniency::Strict => {
            let scan = Scan::run(source, Leniency::Strict, list)?;
            let is_refused = has_errors(&scan.problems);
            problems.extend(scan.problems);
            (scan.files, is_refused)
        }
        Leniency::LeaveOut => {
            let scan = keep::scan(session, source, &before.manifest, &list)?;
            // Without the last manifest, it is unknown which entries must be kept. The author
            // can repair a catalog, but not an update site, which has many authors.
            let is_unknown =
                scan.cannot_keep_all || (has_errors(&scan.problems) && before.is_manifest_lost);
            problems.extend(scan.problems);
            (scan.files, is_unknown && options.collection() != Collection::Site)
        }
    };
    if !is_refused && files.is_empty() {
        let shown = match options.collection() {
            Collection::Listed => DEFAULT_MANIFEST.to_owned(),
            _ => options.catalog.display().to_string(),
        };
        problems.push(Problem::error(&shown, None, "no entries to publish"));
    }
    if is_refused || files.is_empty() {
        return Err(refused(problems));
    }
    Ok(Scanned { files, problems, recorded: recorded.len() })
}

pub(super) fn has_errors(problems: &[Problem]) -> bool {
    problems.iter().any(|problem| problem.severity == Severity::Error)
}

/// One pass over the files of a catalog.
pub(super) struct Scan<'a> {
    source: Source<'a>,
    pub(super) leniency: Leniency,
    pub(super) files: Vec<ScannedFile>,
    pub(super) problems: Vec<Problem>,
    /// Listed files that are not in `files`. Only a lenient scan leaves any out.
    pub(super) refused: Vec<RefusedFile>,
    pub(super) names: NameChecker,
}

impl<'a> Scan<'a> {
    pub(super) fn new(source: Source<'a>, leniency: Leniency) -> Scan<'a> {
        Scan {
            source,
            leniency,
            files: Vec::new(),
            problems: Vec::new(),
            refused: Vec::new(),
            names: NameChecker::default(),
        }
    }

    /// Reads the files of `list`.
    ///
    /// # Errors
    /// [`Store`](crate::ErrorKind::Store) if a file cannot be read. Invalid files are not errors
    /// but `problems`.
    pub(super) fn run(source: Source<'a>, leniency: Leniency, list: List) -> Result<Scan<'a>> {
        let mut scan = Scan::new(source, leniency);
        scan.problems = list.problems;
        scan.refused = list.refused;
        for listed in list.files {
            scan.read_file(listed)?;
        }
        while scan.check_relations() {}
        Ok(scan)
    }

    /// Reads and checks one file. Adds it to `files` or to `refused`.
    pub(super) fn read_file(&mut self, listed: ListedFile) -> Result<()> {
        let stat = stat_if_any(self.source.files, &listed.file)?;
        if let Some(problem) = problem_with(stat, &listed) {
            self.problems.push(problem);
            self.refused.push(listed.into());
            return Ok(());
        }
        let stamp = stat.and_then(Stamp::of);
        let recorded = self.source.recorded;
        if let Some((row, entry)) =
            recorded.and_then(|recorded| recorded.of(&listed, stamp, self.source.format))
        {
            let definitions = recorded_definitions(row, entry);
            if self.names.take_recorded(self.files.len(), &definitions, &row.containers) {
                self.files.push(ScannedFile {
                    digest: row.digest,
                    len_bytes: row.file.map_or(0, |stamp| stamp.len_bytes),
                    entry: EntryOfFile::Unchanged,
                    definitions,
                    checked: row.clone(),
                    id: listed.id,
                    path: listed.path,
                    file: listed.file,
                });
                return Ok(());
            }
        }
        let bytes = self.source.read(&listed.file)?;
        let checked = self.source.format.check(&listed.id, listed.path.as_str(), &bytes);
        for number in self.names.recorded_uses(&checked) {
            let file = &self.files[number];
            let (shown, bytes) = (file.path.as_str(), self.source.read(&file.file)?);
            let found = self.source.format.check(&file.id, shown, &bytes);
            self.names.locate(number, shown, &found, &checked);
        }
        let checked = self.names.check(listed.path.as_str(), checked, self.leniency);
        let has_no_problems = self.names.problems.is_empty();
        self.problems.append(&mut self.names.problems);
        let Some(Checked { mut definitions, containers, .. }) = checked else {
            self.refused.push(listed.into());
            return Ok(());
        };
        let names: Vec<String> = definitions.iter().map(|found| found.named.name.clone()).collect();
        let entry = EntryOfFile::Made {
            names: Some(names)
                .filter(|names| self.source.format.is_named_inside(names, &listed.id)),
            requirements: requirements_of(definitions.iter().map(|found| &found.about)),
            // An entry has the fields of the first definition in its file.
            fields: definitions
                .first_mut()
                .map(|found| std::mem::take(&mut found.about.fields))
                .unwrap_or_default(),
        };
        let containers = containers.into_iter().map(|named| named.name.into_boxed_str()).collect();
        let digest = Digest::of(&bytes);
        let stamp = stamp.filter(|_| has_no_problems);
        self.files.push(ScannedFile {
            digest,
            len_bytes: bytes.len() as u64,
            entry,
            checked: Rc::new(CheckedFile::new(digest, stamp, &definitions, containers)),
            definitions,
            id: listed.id,
            path: listed.path,
            file: listed.file,
        });
        Ok(())
    }
}

/// Returns the definitions of a file that is as recorded. They have no relations.
fn recorded_definitions(row: &CheckedFile, entry: &Entry) -> Vec<CheckedDefinition> {
    let definitions = names_of(entry).into_iter().zip(&row.versions);
    let definitions = definitions.map(|(name, version)| CheckedDefinition {
        named: Named { name: name.to_owned(), position: None },
        about: About { version: version.clone(), ..About::default() },
    });
    definitions.collect()
}

/// Returns the problem with a file that is missing, no regular file or too large.
fn problem_with(stat: Option<Stat>, listed: &ListedFile) -> Option<Problem> {
    let message = match stat {
        None => "no such file".to_owned(),
        Some(stat) if stat.kind != FileKind::File => "not a regular file".to_owned(),
        Some(stat) if stat.len_bytes > MAX_FILE_BYTES => {
            format!("expected at most {MAX_FILE_BYTES} bytes, got {}", stat.len_bytes)
        }
        Some(_) => return None,
    };
    Some(Problem::error(
        listed.shown(),
        listed.position,
        format!("entry {:?}: \"{}\": {message}", listed.id, listed.path),
    ))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tempfile::TempDir;

    use super::*;
    use crate::base::files::RealFiles;

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
                "DIRECTORY" => fs::create_dir(path).unwrap(),
                "LINK" => std::os::unix::fs::symlink("/etc/hostname", path).unwrap(),
                "LARGE" => fs::File::create(path).unwrap().set_len(MAX_FILE_BYTES + 1).unwrap(),
                text => fs::write(path, text).unwrap(),
            }
        }
        let list =
            List::of_catalog(&RealFiles, dir.path(), leniency, &Manifest::default()).unwrap();
        let source = Source { files: &RealFiles, format: Format::Rockon, recorded: None };
        let scan = Scan::run(source, leniency, list).unwrap();
        (
            scan.files.into_iter().map(|file| file.id).collect(),
            scan.problems.iter().map(Problem::to_string).collect(),
        )
    }

    #[test]
    fn unreadable_files_are_reported_where_they_are_listed() {
        let (taken, problems) = scan(
            &[
                ("a.json", &file(&[("A", &["a"])])),
                ("m.json", "MISSING"),
                ("f.json", "DIRECTORY"),
                ("l.json", "LINK"),
                ("x.json", "LARGE"),
            ],
            Leniency::Strict,
        );
        assert_eq!(taken, ["a.json"]);
        assert_eq!(
            problems,
            [
                "root.json:2:11: entry \"m.json\": \"m.json\": no such file",
                "root.json:3:11: entry \"f.json\": \"f.json\": not a regular file",
                "root.json:4:11: entry \"l.json\": \"l.json\": not a regular file",
                "root.json:5:11: entry \"x.json\": \"x.json\": expected at most 16777216 bytes, \
                 got 16777217",
            ]
        );
    }

    #[test]
    fn a_duplicate_name_is_reported_with_the_first_location() {
        let one = file(&[("A", &["a"]), ("B", &["b", "a"])]);
        let (_, problems) = scan(&[("1.json", &one)], Leniency::Strict);
        assert_eq!(
            problems,
            ["1.json:5:6: duplicate container \"a\", first defined at 1.json:2:21"]
        );

        let first = file(&[("A", &["a"])]);
        let other = file(&[("A", &["x"]), ("B", &["a"])]);
        let third = file(&[("B", &["z"])]);
        let files = [("1.json", &*first), ("2.json", &*other), ("3.json", &*third)];
        let (_, problems) = scan(&files, Leniency::Strict);
        assert_eq!(
            problems,
            [
                "2.json:1:7: duplicate definition \"A\", first defined at 1.json:1:7",
                "2.json:4:21: duplicate container \"a\", first defined at 1.json:2:21",
                "3.json:1:7: duplicate definition \"B\", first defined at 2.json:3:6",
            ]
        );
        // The location is always that of the first one.
        let files = [("1.json", &*first), ("2.json", &*first), ("3.json", &*first)];
        let (_, problems) = scan(&files, Leniency::Strict);
        assert_eq!(problems.len(), 4);
        assert_eq!(
            problems[2],
            "3.json:1:7: duplicate definition \"A\", first defined at 1.json:1:7"
        );

        // A file that is left out reserves no names.
        let files = [("1.json", &*first), ("2.json", &*other), ("3.json", &*third)];
        let (taken, problems) = scan(&files, Leniency::LeaveOut);
        assert_eq!((taken.len(), problems.len()), (2, 2), "{problems:?}");
        assert_eq!(taken, ["1.json", "3.json"]);
    }
}

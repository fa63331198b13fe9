//! Checks definition files as a publication would, wherever they are.

mod published;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::list::List;
use super::names::NameChecker;
use super::publisher::Leniency;
use super::scan::{Scan, Source, has_errors};
use super::tree::is_tree_file;
use crate::base::error::{Error, ErrorKind, IoContext, Result};
use crate::base::files::{
    FileKind, Files, RealFiles, is_absent, read_if_any, stat_if_any, stat_target_if_any,
};
use crate::base::limits::MAX_FILE_BYTES;
use crate::base::problem::Problem;
use crate::format::target::Requirements;
use crate::format::{CheckedDefinition, Format};
use crate::tree::head::DEFAULT_MANIFEST;
use crate::tree::manifest::Manifest;
use published::PublishedCatalog;

/// A file that was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReviewedFile {
    /// The path, as it was given, or below the directory that was given.
    pub file: PathBuf,
    /// The job of the file in a catalog directory.
    pub role: FileRole,
    /// The definitions in the file, in its order.
    pub definitions: Vec<ReviewedDefinition>,
    /// Errors, which prevent publishing it, and warnings.
    pub problems: Vec<Problem>,
}

/// The job of a file in a catalog directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FileRole {
    /// It has definitions.
    Definitions,
    /// It is `root.json`, the list of the files.
    List,
    /// It belongs to a tree that was published in place, and is not checked.
    Tree,
}

/// A definition in a file that was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReviewedDefinition {
    /// The name of the definition.
    pub name: String,
    /// Its requirements, as far as they are understood.
    pub requirements: Requirements,
}

/// Checks Rock-on files like [`Publisher::run`](super::Publisher::run), but writes nothing. Every
/// path can be one of these:
///
/// - A definition file, which is checked on its own. Names must be unique in all of them.
/// - A catalog directory, which is checked with all its files as it would be published. Without a
///   `root.json`, which is a warning, all its `*.json` files are checked.
/// - The list of a catalog directory, `root.json`, which is checked without the contents of the
///   files that it names.
/// - Another file with the name of a part of a tree, which is not checked.
///
/// Files of a catalog directory with a published tree, in `v2` or in place, are compared with it: a
/// published name that disappears without a successor is a warning.
///
/// # Errors
/// [`ErrorKind::NotFound`] for a missing file, [`ErrorKind::Store`] for an unreadable one,
/// [`ErrorKind::Limit`] for one that is too large; [`ErrorKind::Head`] and
/// [`ErrorKind::Manifest`] for a tree that is invalid. Invalid definitions are not errors, but
/// [`ReviewedFile::problems`].
pub fn review_files(
    files: impl IntoIterator<Item = impl Into<PathBuf>>,
) -> Result<Vec<ReviewedFile>> {
    let mut names = NameChecker::default();
    let mut reviewed = Vec::new();
    for file in files {
        let file: PathBuf = file.into();
        let stat = stat_target_if_any(&RealFiles, &file)?;
        let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        match stat.map(|stat| stat.kind) {
            Some(FileKind::Dir) => reviewed.extend(review_dir(&file)?),
            Some(_) if name == DEFAULT_MANIFEST => reviewed.push(review_list(file)?),
            Some(_) if is_tree_file(name) => reviewed.push(Reviewed::new(file, FileRole::Tree)),
            _ => reviewed.push(review_file(file, &mut names)?),
        }
    }
    for catalog in PublishedCatalog::of_files(&reviewed)? {
        catalog.compare(&mut reviewed)?;
    }
    Ok(reviewed.into_iter().map(|reviewed| reviewed.file).collect())
}

/// A checked file, with the former names that its one definition states.
struct Reviewed {
    file: ReviewedFile,
    stated: Vec<Box<str>>,
}

impl Reviewed {
    fn new(file: PathBuf, role: FileRole) -> Reviewed {
        let (definitions, problems) = (Vec::new(), Vec::new());
        Reviewed { file: ReviewedFile { file, role, definitions, problems }, stated: Vec::new() }
    }

    fn with_definitions(mut self, definitions: Vec<CheckedDefinition>) -> Reviewed {
        if let [only] = &*definitions {
            self.stated.clone_from(&only.about.formerly);
        }
        let reviewed = definitions.into_iter().map(|found| ReviewedDefinition {
            name: found.named.name,
            requirements: found.about.requirements,
        });
        self.file.definitions = reviewed.collect();
        self
    }
}

fn review_file(file: PathBuf, names: &mut NameChecker) -> Result<Reviewed> {
    let bytes = read(&file)?;
    let shown = file.display().to_string();
    let checked = Format::Rockon.check(&shown, &shown, &bytes);
    let checked = names.check(&shown, checked, Leniency::Strict).unwrap_or_default();
    let mut reviewed =
        Reviewed::new(file, FileRole::Definitions).with_definitions(checked.definitions);
    reviewed.file.problems = std::mem::take(&mut names.problems);
    Ok(reviewed)
}

/// Checks the list of a catalog directory: its entries, and that their files are there.
fn review_list(file: PathBuf) -> Result<Reviewed> {
    let dir = match file.parent() {
        Some(dir) if dir != Path::new("") => dir,
        _ => Path::new("."),
    };
    let list = review_dir(dir)?.into_iter().find(|found| found.file.role == FileRole::List);
    let mut reviewed = Reviewed::new(file, FileRole::List);
    let shown = reviewed.file.file.display().to_string();
    let problems = list.into_iter().flat_map(|list| list.file.problems);
    reviewed.file.problems =
        problems.map(|problem| Problem { file: shown.clone(), ..problem }).collect();
    Ok(reviewed)
}

/// Checks a catalog directory, or a directory with definition files. The first file is its list.
fn review_dir(dir: &Path) -> Result<Vec<Reviewed>> {
    let list = match stat_if_any(&RealFiles, &dir.join(DEFAULT_MANIFEST))? {
        Some(_) => List::read(&RealFiles, dir)?,
        None => {
            let mut list = List::of_dir(&RealFiles, dir, &Manifest::default())?;
            let message = "missing; publish expects the list of the catalog's files there";
            list.problems.push(Problem::warning(DEFAULT_MANIFEST, message));
            list
        }
    };
    let source = Source { files: &RealFiles, format: Format::Rockon, recorded: None };
    let scan = Scan::run(source, Leniency::Strict, list)?;
    let mut problems = scan.problems;
    if scan.files.is_empty() && !has_errors(&problems) {
        problems.push(Problem::error(DEFAULT_MANIFEST, None, "no entries to publish"));
    }
    let mut reviewed = vec![Reviewed::new(dir.join(DEFAULT_MANIFEST), FileRole::List)];
    let mut indexes: HashMap<String, usize> = HashMap::from([(DEFAULT_MANIFEST.to_owned(), 0)]);
    for file in scan.files {
        indexes.insert(file.path.to_string(), reviewed.len());
        let checked = Reviewed::new(file.path.below(dir), FileRole::Definitions);
        reviewed.push(checked.with_definitions(file.definitions));
    }
    for problem in problems {
        let index = *indexes.entry(problem.file.clone()).or_insert_with(|| {
            reviewed.push(Reviewed::new(dir.join(&problem.file), FileRole::Definitions));
            reviewed.len() - 1
        });
        let file = &mut reviewed[index].file;
        file.problems.push(Problem { file: file.file.display().to_string(), ..problem });
    }
    Ok(reviewed)
}

/// Reads a file, which may be a symbolic link: its author named it.
fn read(path: &Path) -> Result<Vec<u8>> {
    let not_found = || Error::new(ErrorKind::NotFound, "no such file").with_path(path);
    let find = || path.canonicalize().and_then(|real| Ok((RealFiles.stat(&real)?, real)));
    let (stat, real) = match find() {
        Err(error) if is_absent(&error) => return Err(not_found()),
        found => found.on("read", path)?,
    };
    if stat.kind != FileKind::File {
        return Err(Error::new(ErrorKind::Store, "not a regular file").with_path(path));
    }
    read_if_any(&RealFiles, &real, MAX_FILE_BYTES)?.ok_or_else(not_found)
}

//! Checks definition files as a publication would, wherever they are.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::list::List;
use super::names::NameChecker;
use super::publisher::Leniency;
use super::scan::{RelatedDefinition, Scan, has_errors, related};
use crate::base::error::{Error, ErrorKind, IoContext, Result};
use crate::base::files::{
    FileKind, Files, RealFiles, Stat, is_absent, read_if_any, stat_if_any, stat_target_if_any,
};
use crate::base::limits::MAX_FILE_BYTES;
use crate::base::problem::{Problem, Severity};
use crate::format::Format;
use crate::format::target::Requirements;
use crate::tree::head::DEFAULT_MANIFEST;
use crate::tree::manifest::Manifest;

/// A definition file that was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReviewedFile {
    /// The path, as it was given.
    pub file: PathBuf,
    /// The definitions in the file, in its order.
    pub definitions: Vec<ReviewedDefinition>,
    /// The problems that prevent publishing it; of a directory, also warnings.
    pub problems: Vec<Problem>,
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

/// Checks Rock-on files like [`Publisher::run`](super::Publisher::run), but without a catalog:
/// each file on its own, and duplicate names in all of them. Of a `root.json`, the list itself is
/// checked; of a directory, the whole catalog, or without a `root.json` all its definition files.
/// Writes nothing.
///
/// # Errors
/// [`ErrorKind::NotFound`] for a missing file, [`ErrorKind::Store`] for an unreadable one,
/// [`ErrorKind::Limit`] for one that is too large. Invalid definitions are not errors, but
/// [`ReviewedFile::problems`].
pub fn review_files(
    files: impl IntoIterator<Item = impl Into<PathBuf>>,
) -> Result<Vec<ReviewedFile>> {
    let mut names = NameChecker::new(Format::Rockon);
    let mut reviewed = Vec::new();
    for file in files {
        let file: PathBuf = file.into();
        let stat = stat_target_if_any(&RealFiles, &file)?;
        if stat.is_some_and(Stat::is_dir) {
            reviewed.extend(review_dir(&file)?);
        } else if stat.is_some() && file.file_name().is_some_and(|name| name == DEFAULT_MANIFEST) {
            let list = List::read(&RealFiles, file.parent().unwrap_or(Path::new("")))?;
            let problems = list.problems.into_iter().filter(|problem| {
                problem.severity == Severity::Error && problem.file == DEFAULT_MANIFEST
            });
            let shown = file.display().to_string();
            let problems = problems.map(|problem| Problem { file: shown.clone(), ..problem });
            let problems = problems.collect();
            reviewed.push(ReviewedFile { file, definitions: Vec::new(), problems });
        } else {
            reviewed.push(review_file(file, &mut names)?);
        }
    }
    Ok(reviewed)
}

fn review_file(file: PathBuf, names: &mut NameChecker) -> Result<ReviewedFile> {
    let bytes = read(&file)?;
    let shown = file.display().to_string();
    let checked = names.check(&shown, &shown, &bytes, Leniency::Strict).unwrap_or_default();
    let definitions = related(checked).into_iter().map(ReviewedDefinition::from).collect();
    Ok(ReviewedFile { file, definitions, problems: std::mem::take(&mut names.problems) })
}

/// Checks a catalog directory, or a directory with definition files.
fn review_dir(dir: &Path) -> Result<Vec<ReviewedFile>> {
    let list = match stat_if_any(&RealFiles, &dir.join(DEFAULT_MANIFEST))? {
        Some(_) => List::read(&RealFiles, dir)?,
        None => List::of_dir(&RealFiles, dir, &Manifest::default())?,
    };
    let scan = Scan::run(&RealFiles, Format::Rockon, Leniency::Strict, list)?;
    let new = |name: &str| ReviewedFile {
        file: dir.join(name),
        definitions: Vec::new(),
        problems: Vec::new(),
    };
    let mut problems = scan.problems;
    if scan.files.is_empty() && !has_errors(&problems) {
        problems.push(Problem::error(DEFAULT_MANIFEST, None, "nothing to publish"));
    }
    let mut reviewed: Vec<ReviewedFile> = Vec::new();
    let mut indexes: HashMap<String, usize> = HashMap::new();
    for file in scan.files {
        indexes.insert(file.path.to_string(), reviewed.len());
        let definitions = file.related.into_iter().map(ReviewedDefinition::from).collect();
        reviewed.push(ReviewedFile { definitions, ..new(file.path.as_str()) });
    }
    for problem in problems {
        let index = *indexes.entry(problem.file.clone()).or_insert_with(|| {
            reviewed.push(new(&problem.file));
            reviewed.len() - 1
        });
        let file = reviewed[index].file.display().to_string();
        reviewed[index].problems.push(Problem { file, ..problem });
    }
    Ok(reviewed)
}

impl From<RelatedDefinition> for ReviewedDefinition {
    fn from(related: RelatedDefinition) -> ReviewedDefinition {
        ReviewedDefinition { name: related.named.name, requirements: related.requirements }
    }
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

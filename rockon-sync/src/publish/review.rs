//! Checks definition files as a publication would, wherever they are.

use std::path::{Path, PathBuf};

use super::Leniency;
use super::scan::Names;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::files::{FileKind, Files, RealFiles, is_absent, read_if_any};
use crate::base::limits::MAX_FILE_BYTES;
use crate::base::problem::Problem;
use crate::format::Format;
use crate::format::target::Requirements;

/// What is known of a definition file that was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReviewedFile {
    /// The file, as it was given.
    pub file: PathBuf,
    /// The definitions in it, in its order.
    pub definitions: Vec<ReviewedDefinition>,
    /// What stands in the way of publishing it.
    pub problems: Vec<Problem>,
}

/// A definition in a file that was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReviewedDefinition {
    /// Its name.
    pub name: String,
    /// What was understood of the machines that it is for.
    pub requirements: Requirements,
}

/// Checks files of Rock-ons as [`Publisher::run`](super::Publisher::run) does, one after the
/// other: each by itself, and names that are there twice. Nothing is written.
///
/// # Errors
/// [`ErrorKind::NotFound`] for a file that is not there, [`ErrorKind::Store`] for one that cannot be
/// read, [`ErrorKind::Limit`] for one that is too large. What is wrong with what is in them is
/// no error: see [`ReviewedFile::problems`].
pub fn review_files(
    files: impl IntoIterator<Item = impl Into<PathBuf>>,
) -> Result<Vec<ReviewedFile>> {
    let mut names = Names::new(Format::Rockon);
    let mut reviewed = Vec::new();
    for file in files {
        let file: PathBuf = file.into();
        let bytes = read(&file)?;
        let shown = file.display().to_string();
        let checked = names.take(&shown, &shown, &bytes, Leniency::Strict).unwrap_or_default();
        let definitions = checked.definitions.into_iter().zip(checked.about);
        let definitions = definitions
            .map(|(named, about)| (named.name, about.requirements))
            .map(|(name, requirements)| ReviewedDefinition { name, requirements });
        reviewed.push(ReviewedFile {
            file,
            definitions: definitions.collect(),
            problems: std::mem::take(&mut names.problems),
        });
    }
    Ok(reviewed)
}

/// Reads a file, which may be a link: it is named by whoever works on it.
fn read(path: &Path) -> Result<Vec<u8>> {
    let fail = |error: std::io::Error| match is_absent(&error) {
        true => Error::new(ErrorKind::NotFound, "there is no such file").with_path(path),
        false => Error::io("read this file", path, error),
    };
    let real = std::fs::canonicalize(path).map_err(fail)?;
    if RealFiles.stat(&real).map_err(fail)?.kind != FileKind::File {
        return Err(Error::new(ErrorKind::Store, "not a regular file").with_path(path));
    }
    read_if_any(&RealFiles, &real, MAX_FILE_BYTES)?
        .ok_or_else(|| fail(std::io::ErrorKind::NotFound.into()))
}

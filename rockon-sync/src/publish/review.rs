//! Checks definition files as a publication would, wherever they are.

use std::path::{Path, PathBuf};

use super::names::NameChecker;
use super::publisher::Leniency;
use crate::base::error::{Error, ErrorKind, IoContext, Result};
use crate::base::files::{FileKind, Files, RealFiles, is_absent, read_if_any};
use crate::base::limits::MAX_FILE_BYTES;
use crate::base::problem::Problem;
use crate::format::Format;
use crate::format::target::Requirements;

/// A definition file that was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReviewedFile {
    /// The path, as it was given.
    pub file: PathBuf,
    /// The definitions in the file, in its order.
    pub definitions: Vec<ReviewedDefinition>,
    /// The problems that prevent publishing it.
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
/// each file on its own, and duplicate names in all of them. Writes nothing.
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
        let bytes = read(&file)?;
        let shown = file.display().to_string();
        let checked = names.check(&shown, &shown, &bytes, Leniency::Strict).unwrap_or_default();
        let definitions = checked.definitions.into_iter().zip(checked.about);
        let definitions = definitions.map(|(named, about)| ReviewedDefinition {
            name: named.name,
            requirements: about.requirements,
        });
        reviewed.push(ReviewedFile {
            file,
            definitions: definitions.collect(),
            problems: std::mem::take(&mut names.problems),
        });
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

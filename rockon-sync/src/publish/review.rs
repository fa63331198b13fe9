//! Checks definition files as a publication would, wherever they are.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};

use super::names::NameChecker;
use super::publisher::{DEFAULT_TREE, Leniency};
use super::renames::{NamedFile, Renames, names_of};
use super::tree::{Layout, Tree};
use crate::base::error::{Error, ErrorKind, IoContext, Result};
use crate::base::files::{FileKind, Files, RealFiles, is_absent, read_if_any, stat_target_if_any};
use crate::base::limits::MAX_FILE_BYTES;
use crate::base::path::EntryPath;
use crate::base::problem::Problem;
use crate::format::Format;
use crate::format::target::Requirements;
use crate::tree::head::DEFAULT_MANIFEST;

/// A definition file that was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReviewedFile {
    /// The path, as it was given.
    pub file: PathBuf,
    /// The definitions in the file, in its order.
    pub definitions: Vec<ReviewedDefinition>,
    /// Errors, which prevent publishing it, and warnings.
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
    let mut names = NameChecker::new(Format::Rockon);
    let mut reviewed = Vec::new();
    let mut stated = Vec::new();
    for file in files {
        let file: PathBuf = file.into();
        let bytes = read(&file)?;
        let shown = file.display().to_string();
        let checked = names.check(&shown, &shown, &bytes, Leniency::Strict).unwrap_or_default();
        stated.push(match &*checked.about {
            [only] => only.formerly.clone(),
            _ => Vec::new(),
        });
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
    for catalog in PublishedCatalog::of_files(&reviewed)? {
        catalog.compare(&mut reviewed, &stated)?;
    }
    Ok(reviewed)
}

/// A catalog directory with a published tree.
struct PublishedCatalog {
    /// The directory of the tree.
    tree: PathBuf,
    layout: Layout,
    /// The reviewed files that belong to the catalog: their index and path.
    members: Vec<(usize, EntryPath)>,
}

impl PublishedCatalog {
    /// Finds the catalogs that the files belong to.
    fn of_files(reviewed: &[ReviewedFile]) -> Result<Vec<PublishedCatalog>> {
        let mut found: BTreeMap<PathBuf, PublishedCatalog> = BTreeMap::new();
        for (n, file) in reviewed.iter().enumerate() {
            let real = file.file.canonicalize().on("read", &file.file)?;
            for dir in real.ancestors().skip(1) {
                let Some((tree, layout)) = published_in(dir)? else { continue };
                let relative = real.strip_prefix(dir).ok().and_then(Path::to_str);
                // A file with another path cannot be published.
                if let Some(path) = relative.and_then(|path| EntryPath::new(path).ok()) {
                    let members = Vec::new();
                    let catalog = PublishedCatalog { tree, layout, members };
                    found.entry(dir.to_owned()).or_insert(catalog).members.push((n, path));
                }
                break;
            }
        }
        Ok(found.into_values().collect())
    }

    /// Compares the names in the files with the published ones, and adds warnings.
    fn compare(&self, reviewed: &mut [ReviewedFile], stated: &[Vec<Box<str>>]) -> Result<()> {
        let tree = Tree { files: &RealFiles, dir: &self.tree, layout: self.layout };
        let Some(head) = tree.head()? else { return Ok(()) };
        let Some(previous) = tree.manifest(head.digest())? else {
            let message = "missing or damaged; published names are not compared";
            let name = tree.manifest_path().display().to_string();
            if let Some((n, _)) = self.members.first() {
                reviewed[*n].problems.push(Problem::warning(&name, message));
            }
            return Ok(());
        };
        let members: HashMap<&EntryPath, usize> =
            self.members.iter().map(|(n, path)| (path, *n)).collect();
        let others = previous.entries().iter().filter(|entry| !members.contains_key(entry.path()));
        let others = others.map(|entry| NamedFile {
            id: entry.id(),
            path: entry.path(),
            file: Path::new(""),
            format: Format::of(entry),
            names: names_of(entry),
            stated: &[],
        });
        let own = self.members.iter().map(|(n, path)| NamedFile {
            id: path.as_str(),
            path,
            file: &reviewed[*n].file,
            format: Format::Rockon,
            names: reviewed[*n].definitions.iter().map(|found| &*found.name).collect(),
            stated: &stated[*n],
        });
        let now: Vec<NamedFile<'_>> = others.chain(own).collect();
        let mut renames = Renames::find(&tree, &previous, &now)?;
        let names: HashSet<&str> = now.iter().flat_map(|file| file.names.iter().copied()).collect();
        let mut warnings = Vec::new();
        for entry in previous.entries() {
            let Some(n) = members.get(entry.path()) else { continue };
            for name in names_of(entry) {
                if !names.contains(name) && !renames.has_successor(name) {
                    let message = format!(
                        "the published definition {name:?} disappears without a successor, which \
                         could state it as \"formerly\""
                    );
                    let shown = reviewed[*n].file.display().to_string();
                    warnings.push((*n, Problem::warning(&shown, message)));
                }
            }
        }
        if let Some((n, _)) = self.members.first() {
            warnings.extend(renames.warnings.drain(..).map(|warning| (*n, warning)));
        }
        for (n, warning) in warnings {
            reviewed[n].problems.push(warning);
        }
        Ok(())
    }
}

/// Returns the tree that `publish` would write to, if `dir` is a catalog directory with one.
fn published_in(dir: &Path) -> Result<Option<(PathBuf, Layout)>> {
    if stat_target_if_any(&RealFiles, &dir.join(DEFAULT_MANIFEST))?.is_none() {
        return Ok(None);
    }
    for (tree, layout) in
        [(dir.join(DEFAULT_TREE), Layout::Separate), (dir.to_owned(), Layout::InPlace)]
    {
        if stat_target_if_any(&RealFiles, &tree.join(layout.head_name()))?.is_some() {
            return Ok(Some((tree, layout)));
        }
    }
    Ok(None)
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

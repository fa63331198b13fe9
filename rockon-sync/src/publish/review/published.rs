//! Compares checked files with the published tree of their catalog.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};

use super::{Reviewed, ReviewedFile};
use crate::base::error::{IoContext, Result};
use crate::base::files::{RealFiles, stat_target_if_any};
use crate::base::path::EntryPath;
use crate::base::problem::Problem;
use crate::format::Format;
use crate::publish::publisher::DEFAULT_TREE;
use crate::publish::renames::{NamedFile, Renames, names_of};
use crate::publish::tree::{Layout, Tree};
use crate::tree::head::DEFAULT_MANIFEST;

/// A catalog directory with a published tree.
pub(super) struct PublishedCatalog {
    /// The directory of the tree.
    tree: PathBuf,
    layout: Layout,
    /// The reviewed files that belong to the catalog: their index and path.
    members: Vec<(usize, EntryPath)>,
}

impl PublishedCatalog {
    /// Finds the catalogs that the files belong to.
    pub(super) fn of_files(reviewed: &[Reviewed]) -> Result<Vec<PublishedCatalog>> {
        let mut found: BTreeMap<PathBuf, PublishedCatalog> = BTreeMap::new();
        let files = reviewed.iter().map(|reviewed| &reviewed.file).enumerate();
        for (n, ReviewedFile { file, .. }) in files.filter(|(_, file)| !file.definitions.is_empty())
        {
            let real = file.canonicalize().on("read", file)?;
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
    pub(super) fn compare(&self, reviewed: &mut [Reviewed]) -> Result<()> {
        let tree = Tree { files: &RealFiles, dir: &self.tree, layout: self.layout };
        let Some(head) = tree.head()? else { return Ok(()) };
        let Some(previous) = tree.manifest(head.digest())? else {
            let message = "missing or damaged; published names are not compared";
            let name = tree.manifest_path().display().to_string();
            if let Some((n, _)) = self.members.first() {
                reviewed[*n].file.problems.push(Problem::warning(&name, message));
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
            file: &reviewed[*n].file.file,
            format: Format::Rockon,
            names: reviewed[*n].file.definitions.iter().map(|found| &*found.name).collect(),
            stated: &reviewed[*n].stated,
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
                    let shown = reviewed[*n].file.file.display().to_string();
                    warnings.push((*n, Problem::warning(&shown, message)));
                }
            }
        }
        if let Some((n, _)) = self.members.first() {
            warnings.extend(renames.warnings.drain(..).map(|warning| (*n, warning)));
        }
        for (n, warning) in warnings {
            reviewed[n].file.problems.push(warning);
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

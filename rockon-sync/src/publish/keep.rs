//! Lenient publishing: a definition that is broken now stays published as it was last.
//!
//! Clients delete what is not published any more. So of the entries that cannot be published
//! as they are, only those are left out that were never published; the others are kept, byte
//! for byte. Kept entries were published together, so they never contradict each other, and
//! where a file of the catalog contradicts one of them, by its path or by a name in it, that
//! file is treated as broken, too.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::list::{Completeness, List, Refused};
use super::scan::{Related, Scan, Scanned};
use super::tree::Tree;
use crate::base::error::Result;
use crate::base::files::Files;
use crate::base::path::EntryPath;
use crate::base::problem::{Problem, Severity};
use crate::format::Format;
use crate::tree::manifest::{Entry, Manifest};

/// The last publication.
pub(super) struct Published<'a> {
    pub(super) tree: &'a Tree<'a>,
    pub(super) manifest: &'a Manifest,
}

/// The result of a lenient scan.
pub(super) struct Lenient {
    pub(super) scanned: Vec<Scanned>,
    pub(super) problems: Vec<Problem>,
    /// True if an entry has to be kept whose published file is missing or damaged.
    pub(super) is_short: bool,
}

impl Lenient {
    /// True if something is broken.
    pub(super) fn has_errors(&self) -> bool {
        self.problems.iter().any(|problem| problem.severity == Severity::Error)
    }
}

impl Published<'_> {
    /// Reads the files of `list`, with the last published version of what is broken.
    ///
    /// # Errors
    /// Those of [`Scan::run`].
    pub(super) fn scan(&self, files: &dyn Files, format: Format, list: List) -> Result<Lenient> {
        let mut keeper = Keeper {
            published: self,
            ids_by_path: ids_by_path(self.manifest),
            kept: BTreeSet::new(),
            given_up: HashSet::new(),
            lost: Vec::new(),
        };
        let mut problems = Problems::default();
        problems.extend(list.problems.iter().cloned());
        // Every pass keeps more than the one before it, so there is a last one.
        loop {
            let mut scan = keeper.pass(files, format, &list)?;
            let is_final = loop {
                if keeper.keep(&scan.refused, &scan, list.completeness) {
                    break false;
                }
                if !scan.check_relations() {
                    break true;
                }
            };
            problems.extend(scan.problems);
            if is_final {
                let is_short = !keeper.lost.is_empty();
                problems.extend(keeper.lost);
                return Ok(Lenient { scanned: scan.scanned, problems: problems.all, is_short });
            }
        }
    }
}

fn ids_by_path(manifest: &Manifest) -> HashMap<&EntryPath, &str> {
    manifest.entries().iter().map(|entry| (entry.path(), entry.id())).collect()
}

/// Decides which entries are kept.
struct Keeper<'a> {
    published: &'a Published<'a>,
    /// The ids of the last publication, by path.
    ids_by_path: HashMap<&'a EntryPath, &'a str>,
    /// Ids of the entries that are kept.
    kept: BTreeSet<&'a str>,
    /// Ids of rows in whose place something is kept.
    given_up: HashSet<String>,
    /// Entries that cannot be kept.
    lost: Vec<Problem>,
}

impl Keeper<'_> {
    /// Reads the catalog once, with what is kept by now in the first place.
    fn pass<'b>(&mut self, files: &'b dyn Files, format: Format, list: &List) -> Result<Scan<'b>> {
        let mut scan = Scan::empty(files, format);
        scan.refused.clone_from(&list.refused);
        let mut rows = List::default();
        let manifest = self.published.manifest;
        for entry in manifest.entries().iter().filter(|entry| self.kept.contains(entry.id())) {
            let Some((file, bytes)) = self.published.tree.published_file(entry)? else {
                let message = "its last published version, which would be kept, is missing or \
                               damaged";
                let problem = Problem::error(entry.path().as_str(), None, message);
                if !self.lost.contains(&problem) {
                    self.lost.push(problem);
                }
                continue;
            };
            let checked = scan.names.take_published(entry, &bytes);
            let related = checked.definitions.into_iter().zip(checked.about);
            let related = related.map(|(named, about)| Related {
                named,
                version: about.version,
                relations: about.relations,
            });
            rows.take_published(entry, &file);
            scan.scanned.push(Scanned {
                id: entry.id().to_owned(),
                path: entry.path().clone(),
                file,
                digest: entry.digest(),
                len_bytes: bytes.len() as u64,
                names: None,
                requirements: entry.requirements(),
                fields: Vec::new(),
                related: related.collect(),
                kept: Some(entry.clone()),
            });
        }
        for row in &list.rows {
            if self.given_up.contains(&row.id) {
                continue;
            }
            match rows.add(row.clone()) {
                Ok(()) => scan.read_file(row.clone())?,
                Err(message) => {
                    let (file, position) =
                        (row.listed_in.unwrap_or(row.path.as_str()), row.position);
                    let message = format!("entry {:?}: {message}", row.id);
                    scan.problems.push(Problem::error(file, position, message));
                    scan.refused.push(Refused { id: row.id.clone(), path: Some(row.path.clone()) });
                }
            }
        }
        Ok(scan)
    }

    /// Keeps what was published of `refused`, unless it is in `scan`, and returns true if that
    /// is more than before.
    fn keep(&mut self, refused: &[Refused], scan: &Scan<'_>, completeness: Completeness) -> bool {
        let taken = scan.scanned.iter().filter(|file| file.kept.is_none());
        let (ids, paths): (HashSet<&str>, HashSet<&EntryPath>) =
            taken.map(|file| (&*file.id, &file.path)).unzip();
        let manifest = self.published.manifest;
        let before = self.kept.len();
        let is_taken = |entry: &Entry| ids.contains(entry.id()) || paths.contains(entry.path());
        for row in refused {
            let by_path = row.path.as_ref().and_then(|path| self.ids_by_path.get(path));
            let candidates = [Some(&*row.id), by_path.copied()];
            for entry in candidates.into_iter().flatten().filter_map(|id| manifest.entry(id)) {
                if !is_taken(entry) {
                    self.kept.insert(entry.id());
                    // Another row may have the id, and be fine.
                    if !ids.contains(&*row.id) {
                        self.given_up.insert(row.id.clone());
                    }
                }
            }
        }
        if completeness == Completeness::Unknown {
            let missing = manifest.entries().iter().filter(|entry| !is_taken(entry));
            self.kept.extend(missing.map(Entry::id));
        }
        self.kept.len() > before
    }
}

/// Problems, each once, in the order in which they were found.
#[derive(Default)]
struct Problems {
    all: Vec<Problem>,
    seen: HashSet<String>,
}

impl Problems {
    fn extend(&mut self, found: impl IntoIterator<Item = Problem>) {
        for problem in found {
            if self.seen.insert(problem.to_string()) {
                self.all.push(problem);
            }
        }
    }
}

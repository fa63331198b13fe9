//! Lenient publishing: a definition that is broken now stays published in its last version.
//!
//! Clients delete what is no longer published. An entry that cannot be published as it is now is
//! therefore left out only if it was never published; otherwise its last version is kept, byte
//! for byte. Kept entries were published together, so they never conflict with each other. A file
//! of the catalog that conflicts with a kept entry, by its path or a name in it, counts as broken
//! too.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::rc::Rc;

use super::checked::CheckedFile;
use super::list::{Completeness, List, ListedFile};
use super::publisher::{Leniency, PublishSession};
use super::scan::{EntryOfFile, Scan, ScannedFile, Source};
use crate::base::error::Result;
use crate::base::path::EntryPath;
use crate::base::problem::Problem;
use crate::tree::manifest::{Entry, Manifest};

/// The result of a lenient scan.
pub(super) struct LenientScan {
    pub(super) files: Vec<ScannedFile>,
    pub(super) problems: Vec<Problem>,
    /// True if the published file of an entry to keep is missing or damaged.
    pub(super) cannot_keep_all: bool,
}

/// Reads the files of `list`, with the last published version of those that are broken.
pub(super) fn scan(
    session: &PublishSession<'_>,
    source: Source<'_>,
    previous: &Manifest,
    list: &List,
) -> Result<LenientScan> {
    let mut keeper = Keeper {
        session,
        source,
        previous,
        ids_by_path: previous.entries().iter().map(|entry| (entry.path(), entry.id())).collect(),
        kept: BTreeSet::new(),
        given_up: HashSet::new(),
        lost: Vec::new(),
    };
    let mut problems = list.problems.clone();
    // Terminates: every pass keeps more entries than the one before.
    loop {
        let mut scan = keeper.pass(list)?;
        let is_final = loop {
            if keeper.keep(&scan, list.completeness) {
                break false;
            }
            if !scan.check_relations() {
                break true;
            }
        };
        problems.append(&mut scan.problems);
        let cannot_keep_all = !keeper.lost.is_empty();
        if is_final {
            problems.append(&mut keeper.lost);
        }
        // Each pass finds most of the problems of the one before.
        let mut seen = HashSet::new();
        problems.retain(|problem| seen.insert(problem.to_string()));
        if is_final {
            return Ok(LenientScan { files: scan.files, problems, cannot_keep_all });
        }
    }
}

/// Decides which entries are kept.
struct Keeper<'a> {
    session: &'a PublishSession<'a>,
    source: Source<'a>,
    /// The manifest of the last publication.
    previous: &'a Manifest,
    ids_by_path: HashMap<&'a EntryPath, &'a str>,
    /// Ids of the entries that are kept.
    kept: BTreeSet<&'a str>,
    /// Ids of listed files that are replaced by kept entries.
    given_up: HashSet<String>,
    /// Entries that cannot be kept, found by one pass.
    lost: Vec<Problem>,
}

impl<'a> Keeper<'a> {
    /// Reads the catalog once, after the entries that are kept so far.
    fn pass(&mut self, list: &List) -> Result<Scan<'a>> {
        let mut scan = Scan::new(self.source, Leniency::LeaveOut);
        scan.refused.clone_from(&list.refused);
        let mut taken = List::default();
        self.lost.clear();
        for entry in self.previous.entries() {
            if self.kept.contains(entry.id()) {
                self.add_kept(entry, &mut scan, &mut taken)?;
            }
        }
        for listed in list.files.iter().filter(|listed| !self.given_up.contains(&listed.id)) {
            match taken.add(listed.clone()) {
                Ok(()) => scan.read_file(listed.clone())?,
                Err(error) => {
                    let problem = Problem::error(
                        listed.shown(),
                        listed.position,
                        format!("entry {:?}: {error}", listed.id),
                    );
                    scan.problems.push(problem);
                    scan.refused.push(listed.clone().into());
                }
            }
        }
        Ok(scan)
    }

    fn add_kept(&mut self, entry: &Entry, scan: &mut Scan<'_>, taken: &mut List) -> Result<()> {
        let Some((file, bytes)) = self.session.tree.published_file(entry)? else {
            let message = "the last published version, which would be kept, is missing or damaged";
            self.lost.push(Problem::error(entry.path().as_str(), None, message));
            return Ok(());
        };
        // Entries of one manifest never conflict.
        let added = taken.add(ListedFile::unlisted(
            entry.id().to_owned(),
            entry.path().clone(),
            file.clone(),
        ));
        debug_assert_eq!(added, Ok(()));
        let checked = self.source.format.check(entry.id(), entry.path().as_str(), &bytes);
        scan.names.take_published(entry, &checked);
        scan.files.push(ScannedFile {
            id: entry.id().to_owned(),
            path: entry.path().clone(),
            file,
            digest: entry.digest(),
            len_bytes: bytes.len() as u64,
            entry: EntryOfFile::Kept,
            definitions: checked.definitions,
            checked: Rc::new(CheckedFile::new(entry.digest(), None, &[], Vec::new())),
        });
        Ok(())
    }

    /// Keeps the published entries of refused files, except those that the scan publishes in a
    /// new version. Returns true if this keeps more entries than before.
    fn keep(&mut self, scan: &Scan<'_>, completeness: Completeness) -> bool {
        let fresh = scan.files.iter().filter(|file| !file.is_kept());
        let (ids, paths): (HashSet<&str>, HashSet<&EntryPath>) =
            fresh.map(|file| (&*file.id, &file.path)).unzip();
        let is_fresh = |entry: &Entry| ids.contains(entry.id()) || paths.contains(entry.path());
        let before = self.kept.len();
        for refused in &scan.refused {
            let by_path = refused.path.as_ref().and_then(|path| self.ids_by_path.get(path));
            let ids_to_keep = [Some(&*refused.id), by_path.copied()].into_iter().flatten();
            let published = ids_to_keep.filter_map(|id| self.previous.entry(id));
            for entry in published.filter(|entry| !is_fresh(entry)) {
                self.kept.insert(entry.id());
                // Another listed file may have the same id, and be valid.
                if !ids.contains(&*refused.id) {
                    self.given_up.insert(refused.id.clone());
                }
            }
        }
        if completeness == Completeness::Unknown {
            let missing = self.previous.entries().iter().filter(|entry| !is_fresh(entry));
            self.kept.extend(missing.map(Entry::id));
        }
        self.kept.len() > before
    }
}

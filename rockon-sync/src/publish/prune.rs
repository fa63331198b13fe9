//! Removes the files that no kept publication needs, and leftovers of interrupted runs.

use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};

use super::before::{History, Record, WITH_PACKS};
use super::manifest::NewManifest;
use super::page;
use super::tree::{Layout, Tree, is_draft};
use crate::base::digest::Digest;
use crate::base::error::Result;
use crate::base::files::{remove_if_any, staged, stat_if_any};
use crate::base::path::EntryPath;
use crate::tree::manifest::{Difference, Entry, RowSource, differences};
use crate::tree::pack::PackName;

/// Removes what the kept publications do not need. Then writes the history with `record`, the
/// publication that the head names, on top.
///
/// The history is written last, after every removal is synced: as long as it does not begin with
/// the head's manifest, the next run prunes again.
pub(super) fn prune(tree: &Tree<'_>, retained: Retained, record: Record) -> Result<()> {
    let history = History { records: retained.older }.with(record);
    let mut remover = Remover { tree, dirs: BTreeSet::new() };
    if tree.layout == Layout::Separate {
        for (path, digest) in &retained.former_files {
            // A file of the same name with another digest was not published.
            if tree.has_named(path, *digest)? {
                remover.remove(&path.below(tree.dir))?;
            }
        }
        // Before the manifests that they are found by.
        remover.sync()?;
    }
    remover.remove_from(&tree.objects(), |name| {
        name.parse().is_ok_and(|digest: Digest| !retained.digests.contains(&digest))
    })?;
    let with_packs = history.records.iter().take(WITH_PACKS);
    remover.remove_from(&tree.packs(), |name| {
        PackName::parse(name)
            .is_some_and(|pack| !with_packs.clone().any(|record| pack.leads_to(record.manifest)))
    })?;
    for leftover in leftovers(tree)? {
        remover.remove(&leftover)?;
    }
    remover.sync()?;
    history.save(tree.files, &tree.history_path())
}

/// The files that a killed run was writing.
pub(super) fn leftovers(tree: &Tree<'_>) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let own = [tree.head_path(), tree.manifest_path(), tree.history_path(), tree.record()];
    for path in own.into_iter().chain(page::paths(tree)) {
        let staged = staged(&path);
        if stat_if_any(tree.files, &staged)?.is_some() {
            found.push(staged);
        }
    }
    for dir in [tree.objects(), tree.packs(), tree.key_lists()] {
        let drafts = tree.names_in(&dir)?.into_iter().filter(|name| is_draft(name));
        found.extend(drafts.map(|name| dir.join(name)));
    }
    Ok(found)
}

/// The publications that are kept, and what they need.
pub(super) struct Retained {
    /// All but the new one.
    older: Vec<Record>,
    /// The objects of the kept publications.
    digests: HashSet<Digest>,
    /// Files of older publications whose path the new one does not use, sorted.
    former_files: BTreeSet<(EntryPath, Digest)>,
}

impl Retained {
    /// Keeps the new publication, and the newest of the others whose manifest is still there: `keep`
    /// in all. Compares each of the others with the new one, and passes the differences to `visit`.
    pub(super) fn find(
        tree: &Tree<'_>,
        history: &History,
        new: &NewManifest,
        keep: usize,
        mut visit: impl FnMut(Digest, &[Difference]) -> Result<()>,
    ) -> Result<Retained> {
        let entries = new.manifest.entries().iter();
        let used: HashSet<&EntryPath> = entries.clone().map(Entry::path).collect();
        let mut retained = Retained {
            older: Vec::new(),
            digests: entries.map(Entry::digest).chain([new.digest]).collect(),
            former_files: BTreeSet::new(),
        };
        for record in history.records.iter().filter(|record| record.manifest != new.digest) {
            let Some(rows) = tree.rows_of(record.manifest)? else {
                let Record { manifest, serial, .. } = record;
                log::warn!("the manifest {manifest} of serial {serial} is missing");
                continue;
            };
            let differences = differences(rows.rows()?, new.bytes.rows()?)?;
            visit(record.manifest, &differences)?;
            let old = differences.iter().filter_map(|difference| difference.old.as_ref());
            if retained.older.len() + 1 < keep {
                retained.digests.insert(record.manifest);
                retained.digests.extend(old.clone().map(Entry::digest));
                retained.older.push(record.clone());
            }
            let former = old.filter(|entry| !used.contains(entry.path()));
            let former = former.map(|entry| (entry.path().clone(), entry.digest()));
            retained.former_files.extend(former);
        }
        Ok(retained)
    }
}

/// Removes files, and remembers the directories to sync.
struct Remover<'a> {
    tree: &'a Tree<'a>,
    dirs: BTreeSet<PathBuf>,
}

impl Remover<'_> {
    fn remove(&mut self, path: &Path) -> Result<()> {
        remove_if_any(self.tree.files, path)?;
        self.dirs.extend(path.parent().map(Path::to_owned));
        Ok(())
    }

    fn sync(&mut self) -> Result<()> {
        std::mem::take(&mut self.dirs).iter().try_for_each(|dir| self.tree.sync_dir(dir))
    }

    /// Removes the files of `dir` whose name matches.
    fn remove_from(&mut self, dir: &Path, is_old: impl Fn(&str) -> bool) -> Result<()> {
        for name in self.tree.names_in(dir)?.iter().filter(|name| is_old(name)) {
            self.remove(&dir.join(name))?;
        }
        Ok(())
    }
}

//! Removes what no kept publication needs, and what an interrupted run left behind.

use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};

use super::Layout;
use super::history::{History, Record};
use super::tree::Tree;
use crate::base::digest::Digest;
use crate::base::error::{Error, Result};
use crate::base::files::{remove_if_any, staged, stat_if_any};
use crate::base::path::EntryPath;
use crate::tree::manifest::Manifest;
use crate::tree::pack::PackName;

/// How many publications have packs that lead to them: the one that the head names, and
/// the one before it.
const OFFERED: usize = 2;

impl Tree<'_> {
    /// Removes what the last `keep` publications do not need, and then writes the history
    /// with `record`, the publication that the head names, on top.
    ///
    /// The history is last, after everything that was removed is gone for good: as long as
    /// it does not begin with the head's manifest, the next run does all of this again.
    pub(super) fn tidy(&self, history: &History, record: Record, keep: usize) -> Result<()> {
        let all = history.with(record).records;
        let mut kept = History::default();
        let mut needed: HashSet<Digest> = HashSet::new();
        let mut current: Option<Manifest> = None;
        let mut former: Vec<(EntryPath, Digest)> = Vec::new();
        for old in all {
            let Some(manifest) = self.manifest(old.manifest)? else {
                log::warn!("the manifest {} of serial {} is gone", old.manifest, old.serial);
                continue;
            };
            if kept.records.len() < keep {
                needed.insert(old.manifest);
                needed.extend(manifest.entries().iter().map(|entry| entry.digest()));
                kept.records.push(old);
            }
            let Some(now) = &current else {
                current = Some(manifest);
                continue;
            };
            let now: HashSet<&EntryPath> = now.entries().iter().map(|entry| entry.path()).collect();
            let gone = manifest.entries().iter().filter(|old| !now.contains(old.path()));
            former.extend(gone.map(|old| (old.path().clone(), old.digest())));
        }
        let mut touched = Touched { tree: self, dirs: BTreeSet::new() };
        if self.layout == Layout::Separate {
            former.sort();
            former.dedup();
            touched.remove_named(&former)?;
        }
        touched.remove_objects(&needed)?;
        // A reader may still hold the head before this one.
        let offered: Vec<Digest> =
            kept.records.iter().take(OFFERED).map(|record| record.manifest).collect();
        touched.remove_packs(&offered)?;
        for leftover in self.leftovers()? {
            touched.remove(&leftover)?;
        }
        touched.sync()?;
        kept.save(self.files, &self.history_path())
    }

    /// Files that a killed run was writing.
    pub(super) fn leftovers(&self) -> Result<Vec<PathBuf>> {
        let mut found = Vec::new();
        let own = [self.head_path(), self.manifest_path(), self.history_path()];
        for path in own.into_iter().chain(self.page_paths()) {
            let staged = staged(&path);
            if stat_if_any(self.files, &staged)?.is_some() {
                found.push(staged);
            }
        }
        for dir in [self.objects(), self.packs()] {
            let drafts = self.names_in(&dir)?.into_iter();
            let drafts = drafts.filter(|name| name.starts_with('.') && name.ends_with(".new"));
            found.extend(drafts.map(|name| dir.join(name)));
        }
        Ok(found)
    }
}

/// Directories of the tree that something was removed from.
struct Touched<'a> {
    tree: &'a Tree<'a>,
    dirs: BTreeSet<PathBuf>,
}

impl Touched<'_> {
    fn remove(&mut self, path: &Path) -> Result<()> {
        remove_if_any(self.tree.files, path)?;
        self.dirs.extend(path.parent().map(Path::to_owned));
        Ok(())
    }

    fn sync(&self) -> Result<()> {
        for dir in &self.dirs {
            let synced = self.tree.files.sync_dir(dir);
            synced.map_err(|error| Error::io("sync this directory", dir, error))?;
        }
        Ok(())
    }

    fn remove_named(&mut self, former: &[(EntryPath, Digest)]) -> Result<()> {
        for (path, digest) in former {
            // Somebody else's file of the same name has other bytes.
            if self.tree.has_named(path, *digest)? {
                self.remove(&path.below(self.tree.dir))?;
            }
        }
        Ok(())
    }

    fn remove_objects(&mut self, needed: &HashSet<Digest>) -> Result<()> {
        for name in self.tree.names_in(&self.tree.objects())? {
            if name.parse::<Digest>().is_ok_and(|digest| !needed.contains(&digest)) {
                self.remove(&self.tree.objects().join(name))?;
            }
        }
        Ok(())
    }

    /// Removes the packs that lead to none of `manifests`.
    fn remove_packs(&mut self, manifests: &[Digest]) -> Result<()> {
        for name in self.tree.names_in(&self.tree.packs())? {
            let is_old = PackName::parse(&name)
                .is_some_and(|pack| !manifests.iter().any(|digest| pack.leads_to(*digest)));
            if is_old {
                self.remove(&self.tree.packs().join(name))?;
            }
        }
        Ok(())
    }
}

//! Removes what no kept publication needs, and what an interrupted run left behind.

use std::collections::HashSet;
use std::path::PathBuf;

use super::Layout;
use super::history::{History, Record};
use super::tree::Tree;
use crate::digest::Digest;
use crate::error::Result;
use crate::files::{remove_if_any, staged, stat_if_any};
use crate::manifest::Manifest;
use crate::path::EntryPath;

/// How many publications have packs that lead to them: the one that the head names, and
/// the one before it.
const OFFERED: usize = 2;

impl Tree<'_> {
    /// Removes what the last `keep` publications do not need, and then writes the history
    /// with `record`, the publication that the head names, on top.
    ///
    /// The history is last: as long as it does not begin with the head's manifest, the
    /// next run does all of this again.
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
        if self.layout == Layout::Separate {
            former.sort();
            former.dedup();
            self.remove_named(&former)?;
        }
        self.remove_objects(&needed)?;
        // A reader may still hold the head before this one.
        let offered: Vec<Digest> =
            kept.records.iter().take(OFFERED).map(|record| record.manifest).collect();
        self.remove_packs(&offered)?;
        for leftover in self.leftovers()? {
            remove_if_any(self.files, &leftover)?;
        }
        kept.save(self.files, &self.history_path())
    }

    /// Files that a killed run was writing.
    pub(super) fn leftovers(&self) -> Result<Vec<PathBuf>> {
        let mut found = Vec::new();
        for path in [self.head_path(), self.manifest_path(), self.history_path()] {
            let staged = staged(&path);
            if stat_if_any(self.files, &staged)?.is_some() {
                found.push(staged);
            }
        }
        for folder in [self.objects(), self.packs()] {
            let drafts = self.names_in(&folder)?.into_iter();
            let drafts = drafts.filter(|name| name.starts_with('.') && name.ends_with(".new"));
            found.extend(drafts.map(|name| folder.join(name)));
        }
        Ok(found)
    }

    fn remove_named(&self, former: &[(EntryPath, Digest)]) -> Result<()> {
        for (path, digest) in former {
            // Somebody else's file of the same name has other bytes.
            if self.has_named(path, *digest)? {
                remove_if_any(self.files, &path.below(self.folder))?;
            }
        }
        Ok(())
    }

    fn remove_objects(&self, needed: &HashSet<Digest>) -> Result<()> {
        for name in self.names_in(&self.objects())? {
            if name.parse::<Digest>().is_ok_and(|digest| !needed.contains(&digest)) {
                remove_if_any(self.files, &self.objects().join(name))?;
            }
        }
        Ok(())
    }
}

//! Writes the tree: objects, named files, the manifest, and last the head.
//!
//! Readers see the old head until the new one is renamed over it. Everything that either of them
//! names is available under its digest at any time.

use std::collections::{BTreeSet, HashSet};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::manifest::NewManifest;
use super::scan::ScannedFile;
use super::tree::{Layout, Tree, foreign_file};
use crate::base::digest::{Digest, HashingWriter};
use crate::base::error::{Error, ErrorKind, IoContext, Result};
use crate::base::files::{
    FileKind, digest_if_any, ensure_dir, ensure_dirs, remove_if_any, replace, stage, stat_if_any,
    write_atomically,
};
use crate::base::path::EntryPath;
use crate::tree::manifest::Manifest;

/// Nanoseconds in a second.
const NS_PER_S: i128 = 1_000_000_000;

/// Name of a named file before it is renamed into place. Drafts are staged among the objects,
/// where the next run finds them.
const NAMED_DRAFT: &str = ".named.new";

/// A file that is written, but not renamed to its path yet.
pub(super) struct StagedFile {
    pub(super) staged: PathBuf,
    pub(super) path: PathBuf,
}

impl Tree<'_> {
    /// Writes everything but the packs and the head. Only files of the `previous` manifest are
    /// replaced.
    ///
    /// # Errors
    /// [`ErrorKind::Store`]. Nothing is written if a file of another program is in the way.
    pub(super) fn write_files(
        &self,
        files: &[ScannedFile],
        new: &NewManifest,
        previous: &Manifest,
    ) -> Result<()> {
        let misplaced = match self.layout {
            Layout::Separate => self.misplaced(files, previous)?,
            Layout::InPlace => Vec::new(),
        };
        // A named file may be a hard link to its object: writing to one damages both.
        let suspects: HashSet<Digest> = misplaced.iter().map(|file| file.digest).collect();
        ensure_dirs(self.files, &self.objects())?;
        let mut staged = self.stage_objects(files, &suspects)?;
        if !self.has_intact_object(new.digest)? {
            let path = self.object(new.digest);
            let written = stage(self.files, &path, |file| file.write_all(&new.bytes))?;
            staged.push(StagedFile { staged: written, path });
        }
        // Synced before any named file is written: a named file without its object is taken for
        // a file of another program.
        self.rename_staged(&self.objects(), &staged)?;
        let mut dirs = BTreeSet::from([self.dir.to_path_buf()]);
        for file in misplaced {
            self.put_named(&file.path, file.digest, &mut dirs)?;
        }
        replace(self.files, &self.manifest_path(), |file| file.write_all(&new.bytes))?;
        dirs.iter().rev().try_for_each(|dir| self.sync_dir(dir))
    }

    /// Activates the new publication.
    ///
    /// Web servers derive validators from a file's size and its time in whole seconds. A new head
    /// therefore always gets a later time than the one it replaces: with the same time, clients
    /// would be told that nothing has changed.
    pub(super) fn write_head(&self, signed: &[u8]) -> Result<()> {
        let path = self.head_path();
        let modified_s = || -> Result<Option<i128>> {
            Ok(stat_if_any(self.files, &path)?.map(|stat| stat.mtime_ns / NS_PER_S))
        };
        let before = modified_s()?;
        write_atomically(self.files, &path, signed)?;
        if let (Some(before), Some(now)) = (before, modified_s()?)
            && now <= before
            && let Some(later) = second_after(before)
        {
            self.files.set_modified(&path, later).on("set the time of", &path)?;
        }
        Ok(())
    }

    /// The files that are not under their names yet, or there with other bytes.
    ///
    /// # Errors
    /// [`ErrorKind::Store`] if another program wrote a file or directory of that name.
    fn misplaced<'b>(
        &self,
        files: &'b [ScannedFile],
        previous: &Manifest,
    ) -> Result<Vec<&'b ScannedFile>> {
        let own: HashSet<&EntryPath> =
            previous.entries().iter().map(|entry| entry.path()).collect();
        let mut misplaced = Vec::new();
        for file in files {
            for parent in file.path.parents() {
                let dir = self.dir.join(parent);
                if stat_if_any(self.files, &dir)?.is_some_and(|stat| stat.kind != FileKind::Dir) {
                    return Err(foreign_file(dir));
                }
            }
            let to = file.path.below(self.dir);
            let Some(stat) = stat_if_any(self.files, &to)? else {
                misplaced.push(file);
                continue;
            };
            if stat.kind != FileKind::File {
                return Err(foreign_file(to));
            }
            if file.checked.is_verified(stat) {
                continue;
            }
            let found = digest_if_any(self.files, &to)?.map(|(found, _)| found);
            if found == Some(file.digest) {
                continue;
            }
            // A file of an interrupted publication has an object of the same digest.
            let is_own = own.contains(&file.path)
                || found.map_or(Ok(true), |found| self.has_object(found, None))?;
            if !is_own {
                return Err(foreign_file(to));
            }
            misplaced.push(file);
        }
        Ok(misplaced)
    }

    /// Stages the missing objects. Reads the bytes of `suspects` to see if they are damaged.
    fn stage_objects(
        &self,
        files: &[ScannedFile],
        suspects: &HashSet<Digest>,
    ) -> Result<Vec<StagedFile>> {
        let mut staged = Vec::new();
        let mut seen = HashSet::new();
        for file in files {
            let is_there = self.has_object(file.digest, Some(file.len_bytes))?
                && (!suspects.contains(&file.digest) || self.has_intact_object(file.digest)?);
            if seen.insert(file.digest) && !is_there {
                let path = self.object(file.digest);
                staged
                    .push(StagedFile { staged: self.stage_object(&file.file, file.digest)?, path });
            }
        }
        Ok(staged)
    }

    /// Renames the staged files of `dir` into place, after one sync for all of them, and syncs
    /// `dir`.
    pub(super) fn rename_staged(&self, dir: &Path, staged: &[StagedFile]) -> Result<()> {
        let paths: Vec<PathBuf> = staged.iter().map(|file| file.staged.clone()).collect();
        self.files.sync_files(&paths).on("sync the new files of", dir)?;
        for file in staged {
            self.files.rename(&file.staged, &file.path).on("write", &file.path)?;
        }
        self.sync_dir(dir)
    }

    /// Stages a copy of a file of the catalog beside its object.
    pub(super) fn stage_object(&self, from: &Path, expected: Digest) -> Result<PathBuf> {
        let mut copied = None;
        let staged = stage(self.files, &self.object(expected), |out| {
            let mut writer = HashingWriter::new(out);
            io::copy(&mut self.files.open(from)?, &mut writer)?;
            let (_, digest, _) = writer.finish();
            copied = Some(digest);
            if digest == expected { Ok(()) } else { Err(io::Error::other("digest mismatch")) }
        });
        match copied {
            Some(digest) if digest != expected => Err(Error::new(
                ErrorKind::Store,
                "the file changed while it was being published; publish again",
            )
            .with_path(from)),
            _ => staged,
        }
    }

    /// Puts a file under its own name: a hard link to its object, or a copy on file systems
    /// without hard links. Creates its directories, and adds them to `dirs`, which are to be synced.
    pub(super) fn put_named(
        &self,
        path: &EntryPath,
        digest: Digest,
        dirs: &mut BTreeSet<PathBuf>,
    ) -> Result<()> {
        for parent in path.parents() {
            let dir = self.dir.join(parent);
            ensure_dir(self.files, &dir)?;
            dirs.insert(dir);
        }
        let to = path.below(self.dir);
        let object = self.object(digest);
        let draft = self.objects().join(NAMED_DRAFT);
        remove_if_any(self.files, &draft)?;
        if self.files.hard_link(&object, &draft).is_err() {
            replace(self.files, &draft, |out| {
                io::copy(&mut self.files.open(&object)?, out).map(|_| ())
            })?;
        }
        self.files.rename(&draft, &to).on("write", &to)
    }
}

/// Returns the time one second after this one, in seconds since 1970. `None` if it is before 1970,
/// or later than any time.
fn second_after(seconds: i128) -> Option<SystemTime> {
    let seconds = u64::try_from(seconds).ok()?.checked_add(1)?;
    UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_second_of_time_has_no_later_one() {
        assert_eq!(second_after(0), Some(UNIX_EPOCH + Duration::from_secs(1)));
        for seconds in [-2, i128::from(i64::MAX), i128::from(u64::MAX), i128::MAX] {
            assert_eq!(second_after(seconds), None, "{seconds}");
        }
    }
}

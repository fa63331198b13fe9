//! Writes the tree: objects, named files, manifest, and last the head.
//!
//! A reader sees the old head until the new one is renamed over it, and everything
//! that either head names is there under its digest all the time.

use std::collections::{BTreeSet, HashSet};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use super::scan::Scanned;
use super::{BY_SHA, Layout};
use crate::base::digest::{Digest, HashingWriter};
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::files::{
    FileKind, Files, ensure_dir, ensure_dirs, read_if_any, remove_if_any, replace, stage,
    stat_if_any, write_atomically,
};
use crate::base::limits::{MAX_FILE_BYTES, MAX_HEAD_BYTES};
use crate::base::path::EntryPath;
use crate::store::digest_if_any;
use crate::tree::head::Head;
use crate::tree::manifest::{Entry, Manifest};

/// Nanoseconds in a second.
const NS_PER_S: i128 = 1_000_000_000;

/// Name, among the objects, of a named file before it is renamed to its place.
const DRAFT: &str = ".named.new";

/// The published tree on disk.
pub(super) struct Tree<'a> {
    pub(super) files: &'a dyn Files,
    pub(super) dir: &'a Path,
    pub(super) layout: Layout,
}

impl Tree<'_> {
    pub(super) fn head_path(&self) -> PathBuf {
        self.dir.join(self.layout.head_name())
    }

    pub(super) fn history_path(&self) -> PathBuf {
        self.dir.join("history.json")
    }

    pub(super) fn manifest_path(&self) -> PathBuf {
        self.dir.join(self.layout.manifest_name())
    }

    pub(super) fn objects(&self) -> PathBuf {
        self.dir.join(BY_SHA)
    }

    pub(super) fn object(&self, digest: Digest) -> PathBuf {
        self.objects().join(digest.to_string())
    }

    /// The head that is published now.
    ///
    /// # Errors
    /// [`ErrorKind::Head`] if there is one that cannot be read: it is not this
    /// publisher's, and not to be replaced.
    pub(super) fn head(&self) -> Result<Option<Head>> {
        let path = self.head_path();
        let bytes = self.head_bytes()?;
        let head = bytes.map(|bytes| Head::parse(&bytes).map_err(|error| error.with_path(path)));
        head.transpose()
    }

    /// The bytes of the head that is published now, signatures included.
    pub(super) fn head_bytes(&self) -> Result<Option<Vec<u8>>> {
        read_if_any(self.files, &self.head_path(), MAX_HEAD_BYTES)
    }

    /// The manifest with this digest, if it is still there.
    pub(super) fn manifest(&self, digest: Digest) -> Result<Option<Manifest>> {
        for path in [self.object(digest), self.manifest_path()] {
            if digest_if_any(self.files, &path)?.is_some_and(|(found, _)| found == digest) {
                let reader = self.files.open(&path);
                let reader = reader.map_err(|error| Error::io("read this file", &path, error))?;
                return Manifest::read(reader).map(Some).map_err(|error| error.with_path(path));
            }
        }
        Ok(None)
    }

    /// The file of an entry that is published now, with its bytes; `None` if it is missing or
    /// damaged.
    pub(super) fn published_file(&self, entry: &Entry) -> Result<Option<(PathBuf, Vec<u8>)>> {
        let named = (self.layout == Layout::Separate).then(|| entry.path().below(self.dir));
        for path in [Some(self.object(entry.digest())), named].into_iter().flatten() {
            let bytes = match digest_if_any(self.files, &path)? {
                Some((found, _)) if found == entry.digest() => {
                    read_if_any(self.files, &path, MAX_FILE_BYTES)?
                }
                _ => None,
            };
            if let Some(bytes) = bytes {
                return Ok(Some((path, bytes)));
            }
        }
        Ok(None)
    }

    /// Refuses a directory in which somebody else's files have the names of the tree's own.
    /// The caller has found neither a head nor a history.
    ///
    /// # Errors
    /// [`ErrorKind::Store`] with the path.
    pub(super) fn check_unclaimed(&self) -> Result<()> {
        let manifest = self.manifest_path();
        // What an interrupted first publication put there has its object beside it.
        if let Some((found, _)) = digest_if_any(self.files, &manifest)?
            && !self.has_object(found, None)?
        {
            return Err(in_the_way(manifest));
        }
        let history = self.history_path();
        match stat_if_any(self.files, &history)? {
            Some(_) => Err(in_the_way(history)),
            None => Ok(()),
        }
    }

    /// Whether everything that `manifest` names is there.
    pub(super) fn is_whole(&self, manifest: &Manifest, digest: Digest) -> Result<bool> {
        let mut is_whole = self.has_object(digest, None)?
            && digest_if_any(self.files, &self.manifest_path())?.map(|(found, _)| found)
                == Some(digest);
        for entry in manifest.entries() {
            is_whole = is_whole
                && self.has_object(entry.digest(), entry.size_bytes())?
                && (self.layout == Layout::InPlace
                    || self.has_named(entry.path(), entry.digest())?);
        }
        Ok(is_whole)
    }

    /// Whether an object is there, in the right size; its bytes were verified when it
    /// was written, and nobody writes to it.
    pub(super) fn has_object(&self, digest: Digest, len_bytes: Option<u64>) -> Result<bool> {
        let stat = stat_if_any(self.files, &self.object(digest))?;
        Ok(stat.is_some_and(|stat| {
            stat.kind == FileKind::File && len_bytes.is_none_or(|len| len == stat.len_bytes)
        }))
    }

    pub(super) fn has_named(&self, path: &EntryPath, digest: Digest) -> Result<bool> {
        let found = digest_if_any(self.files, &path.below(self.dir))?;
        Ok(found.is_some_and(|(found, _)| found == digest))
    }

    /// Writes everything but the head. `previous` is what was published before: only
    /// such files are replaced.
    ///
    /// # Errors
    /// [`ErrorKind::Store`]. If somebody else's file is in the way, nothing was written.
    pub(super) fn write(
        &self,
        scanned: &[Scanned],
        manifest: &Manifest,
        digest: Digest,
        previous: &Manifest,
    ) -> Result<()> {
        let misplaced = match self.layout {
            Layout::Separate => self.misplaced(scanned, previous)?,
            Layout::InPlace => Vec::new(),
        };
        // A named file may be a second name of its object: who wrote to one wrote to both.
        let suspects: HashSet<Digest> = misplaced.iter().map(|file| file.digest).collect();
        ensure_dirs(self.files, &self.objects())?;
        let bytes = manifest.to_canonical();
        self.write_objects(scanned, &suspects, digest, &bytes)?;
        let mut dirs = BTreeSet::from([self.dir.to_path_buf()]);
        for file in misplaced {
            for parent in file.path.parents() {
                let dir = self.dir.join(parent);
                ensure_dir(self.files, &dir)?;
                dirs.insert(dir);
            }
            self.put_named(file)?;
        }
        replace(self.files, &self.manifest_path(), |file| file.write_all(&bytes))?;
        for dir in dirs.iter().rev() {
            let synced = self.files.sync_dir(dir);
            synced.map_err(|error| Error::io("sync this directory", dir, error))?;
        }
        Ok(())
    }

    /// Makes the new state the published one.
    ///
    /// Web servers make validators of a file's size and of its time in whole seconds. So no
    /// head has the time of the one before it, however soon it follows: a client would be
    /// told that nothing has changed.
    pub(super) fn write_head(&self, signed: &str) -> Result<()> {
        let path = self.head_path();
        let before = stat_if_any(self.files, &path)?.map(|stat| stat.mtime_ns / NS_PER_S);
        write_atomically(self.files, &path, signed.as_bytes())?;
        let now = stat_if_any(self.files, &path)?.map(|stat| stat.mtime_ns / NS_PER_S);
        if let (Some(before), Some(now)) = (before, now)
            && now <= before
            && let Ok(before_s) = u64::try_from(before)
        {
            let later = UNIX_EPOCH + Duration::from_secs(before_s + 1);
            let set = self.files.set_modified(&path, later);
            set.map_err(|error| Error::io("set the time of this file", &path, error))?;
        }
        Ok(())
    }

    /// The files that are not under their names yet, or with other bytes.
    ///
    /// # Errors
    /// [`ErrorKind::Store`] if something is there that this publisher did not write.
    fn misplaced<'b>(
        &self,
        scanned: &'b [Scanned],
        previous: &Manifest,
    ) -> Result<Vec<&'b Scanned>> {
        let ours: HashSet<&EntryPath> =
            previous.entries().iter().map(|entry| entry.path()).collect();
        let mut misplaced = Vec::new();
        for file in scanned {
            for parent in file.path.parents() {
                let dir = self.dir.join(parent);
                match stat_if_any(self.files, &dir)? {
                    Some(stat) if stat.kind != FileKind::Dir => return Err(in_the_way(dir)),
                    _ => {}
                }
            }
            let to = file.path.below(self.dir);
            match stat_if_any(self.files, &to)? {
                None => misplaced.push(file),
                Some(stat) if stat.kind != FileKind::File => return Err(in_the_way(to)),
                Some(_) => {
                    let found = digest_if_any(self.files, &to)?.map(|(found, _)| found);
                    if found == Some(file.digest) {
                        continue;
                    }
                    // What an interrupted publication put there has its object beside it.
                    let is_ours = ours.contains(&file.path)
                        || found.map_or(Ok(true), |found| self.has_object(found, None))?;
                    if !is_ours {
                        return Err(in_the_way(to));
                    }
                    misplaced.push(file);
                }
            }
        }
        Ok(misplaced)
    }

    pub(super) fn is_intact(&self, digest: Digest) -> Result<bool> {
        let found = digest_if_any(self.files, &self.object(digest))?;
        Ok(found.is_some_and(|(found, _)| found == digest))
    }

    /// Writes the objects that are not there yet: all of them beside their names, then
    /// one sync, then the renames. Those of `suspects` are read to see whether they are.
    fn write_objects(
        &self,
        scanned: &[Scanned],
        suspects: &HashSet<Digest>,
        manifest: Digest,
        bytes: &[u8],
    ) -> Result<()> {
        let mut new: Vec<(PathBuf, PathBuf)> = Vec::new();
        let mut seen = HashSet::new();
        for file in scanned {
            let is_there = self.has_object(file.digest, Some(file.len_bytes))?
                && (!suspects.contains(&file.digest) || self.is_intact(file.digest)?);
            if seen.insert(file.digest) && !is_there {
                new.push((self.stage_object(file)?, self.object(file.digest)));
            }
        }
        if !self.is_intact(manifest)? {
            let path = self.object(manifest);
            new.push((stage(self.files, &path, |file| file.write_all(bytes))?, path));
        }
        let staged: Vec<PathBuf> = new.iter().map(|(staged, _)| staged.clone()).collect();
        let synced = self.files.sync_files(&staged);
        synced.map_err(|error| Error::io("sync the new files of", &self.objects(), error))?;
        for (staged, path) in &new {
            let renamed = self.files.rename(staged, path);
            renamed.map_err(|error| Error::io("write this file", path, error))?;
        }
        // Before any other name is written: a name without its object is taken for
        // somebody else's file.
        let synced = self.files.sync_dir(&self.objects());
        synced.map_err(|error| Error::io("sync this directory", &self.objects(), error))
    }

    /// Copies a file of the catalog beside the name of its object.
    fn stage_object(&self, file: &Scanned) -> Result<PathBuf> {
        let from = &file.file;
        let mut found = None;
        let staged = stage(self.files, &self.object(file.digest), |out| {
            let mut writer = HashingWriter::new(out);
            io::copy(&mut self.files.open(from)?, &mut writer)?;
            let (_, digest, _) = writer.finish();
            found = Some(digest);
            if digest == file.digest { Ok(()) } else { Err(io::Error::other("other bytes")) }
        });
        match found {
            Some(digest) if digest != file.digest => {
                let message = "the file changed while it was being published; publish again";
                Err(Error::new(ErrorKind::Store, message).with_path(from))
            }
            _ => staged,
        }
    }

    /// Puts a file under its own name: a second name of the object, or a copy where
    /// the file system has no second names.
    fn put_named(&self, file: &Scanned) -> Result<()> {
        let to = file.path.below(self.dir);
        let object = self.object(file.digest);
        // Drafts are in one place, where the next run finds what this one left.
        let draft = self.objects().join(DRAFT);
        remove_if_any(self.files, &draft)?;
        if self.files.hard_link(&object, &draft).is_err() {
            replace(self.files, &draft, |out| {
                io::copy(&mut self.files.open(&object)?, out).map(|_| ())
            })?;
        }
        let renamed = self.files.rename(&draft, &to);
        renamed.map_err(|error| Error::io("write this file", &to, error))
    }
}

pub(super) fn in_the_way(path: PathBuf) -> Error {
    let message = "what this publisher did not write stands in the way";
    Error::new(ErrorKind::Store, message).with_path(path)
}

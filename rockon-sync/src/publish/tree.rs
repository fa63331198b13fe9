//! Writes the tree: objects, named files, manifest, and last the head.
//!
//! A reader sees the old head until the new one is renamed over it, and everything
//! that either head names is there under its digest all the time.

use std::collections::{BTreeSet, HashSet};
use std::io;
use std::path::{Path, PathBuf};

use super::history::{History, Record};
use super::scan::Scanned;
use super::{BY_SHA, Layout};
use crate::digest::{Digest, HashingWriter};
use crate::error::{Error, ErrorKind, Result};
use crate::files::{
    FileKind, Files, ensure_folder, read_if_any, remove_if_any, replace, stage, staged,
    stat_if_any, write_atomically,
};
use crate::head::Head;
use crate::limits::MAX_HEAD_BYTES;
use crate::manifest::Manifest;
use crate::path::EntryPath;
use crate::store::digest_if_any;

/// The published tree on disk.
pub(super) struct Tree<'a> {
    pub(super) files: &'a dyn Files,
    /// Where the definition files come from.
    pub(super) catalog: &'a Path,
    pub(super) folder: &'a Path,
    pub(super) layout: Layout,
}

impl Tree<'_> {
    pub(super) fn head_path(&self) -> PathBuf {
        self.folder.join(self.layout.head_name())
    }

    pub(super) fn history_path(&self) -> PathBuf {
        self.folder.join("history.json")
    }

    fn manifest_path(&self) -> PathBuf {
        self.folder.join(self.layout.manifest_name())
    }

    fn objects(&self) -> PathBuf {
        self.folder.join(BY_SHA)
    }

    fn object(&self, digest: Digest) -> PathBuf {
        self.objects().join(digest.to_string())
    }

    /// The head that is published now.
    ///
    /// # Errors
    /// [`ErrorKind::Head`] if there is one that cannot be read: it is not this
    /// publisher's, and not to be replaced.
    pub(super) fn head(&self) -> Result<Option<Head>> {
        let path = self.head_path();
        let bytes = read_if_any(self.files, &path, MAX_HEAD_BYTES)?;
        let head = bytes.map(|bytes| Head::parse(&bytes).map_err(|error| error.with_path(path)));
        head.transpose()
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
    fn has_object(&self, digest: Digest, len_bytes: Option<u64>) -> Result<bool> {
        let stat = stat_if_any(self.files, &self.object(digest))?;
        Ok(stat.is_some_and(|stat| {
            stat.kind == FileKind::File && len_bytes.is_none_or(|len| len == stat.len_bytes)
        }))
    }

    fn has_named(&self, path: &EntryPath, digest: Digest) -> Result<bool> {
        let found = digest_if_any(self.files, &path.below(self.folder))?;
        Ok(found.is_some_and(|(found, _)| found == digest))
    }

    /// Writes everything but the head. `previous` is what was published before: only
    /// such files are replaced.
    pub(super) fn write(
        &self,
        scanned: &[Scanned],
        manifest: &Manifest,
        digest: Digest,
        previous: &Manifest,
    ) -> Result<()> {
        ensure_folder(self.files, &self.objects())?;
        let bytes = manifest.to_canonical();
        self.write_objects(scanned, digest, &bytes)?;
        let mut folders = BTreeSet::from([self.folder.to_path_buf(), self.objects()]);
        if self.layout == Layout::Separate {
            let ours: HashSet<(&EntryPath, Digest)> =
                previous.entries().iter().map(|entry| (entry.path(), entry.digest())).collect();
            for file in scanned.iter() {
                for parent in file.path.parents() {
                    let folder = self.folder.join(parent);
                    ensure_folder(self.files, &folder)?;
                    folders.insert(folder);
                }
                self.put_named(file, &ours)?;
            }
        }
        replace(self.files, &self.manifest_path(), |file| file.write_all(&bytes))?;
        for folder in folders.iter().rev() {
            let synced = self.files.sync_folder(folder);
            synced.map_err(|error| Error::io("sync this folder", folder, error))?;
        }
        Ok(())
    }

    /// Makes the new state the published one.
    pub(super) fn write_head(&self, head: &Head) -> Result<()> {
        write_atomically(self.files, &self.head_path(), head.to_string().as_bytes())
    }

    /// Writes the objects that are not there yet: all of them beside their names, then
    /// one sync, then the renames.
    fn write_objects(&self, scanned: &[Scanned], manifest: Digest, bytes: &[u8]) -> Result<()> {
        let mut new: Vec<(PathBuf, PathBuf)> = Vec::new();
        let mut seen = HashSet::new();
        for file in scanned {
            if seen.insert(file.digest) && !self.has_object(file.digest, Some(file.len_bytes))? {
                new.push((self.stage_object(file)?, self.object(file.digest)));
            }
        }
        if !self.has_object(manifest, Some(bytes.len() as u64))? {
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
        Ok(())
    }

    /// Copies a file of the catalog beside the name of its object.
    fn stage_object(&self, file: &Scanned) -> Result<PathBuf> {
        let from = file.path.below(self.catalog);
        let mut found = None;
        let staged = stage(self.files, &self.object(file.digest), |out| {
            let mut writer = HashingWriter::new(out);
            io::copy(&mut self.files.open(&from)?, &mut writer)?;
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

    /// Puts a file under its own name: a second name of the object.
    fn put_named(&self, file: &Scanned, ours: &HashSet<(&EntryPath, Digest)>) -> Result<()> {
        let to = file.path.below(self.folder);
        if let Some((found, _)) = digest_if_any(self.files, &to)? {
            if found == file.digest {
                return Ok(());
            }
            // What an interrupted publication put there has its object beside it.
            if !ours.contains(&(&file.path, found)) && !self.has_object(found, None)? {
                let message = "a file that this publisher did not write stands in the way";
                return Err(Error::new(ErrorKind::Store, message).with_path(to));
            }
        }
        let object = self.object(file.digest);
        let staged = staged(&to);
        remove_if_any(self.files, &staged)?;
        if self.files.hard_link(&object, &staged).is_ok() {
            let renamed = self.files.rename(&staged, &to);
            return renamed.map_err(|error| Error::io("write this file", &to, error));
        }
        replace(self.files, &to, |out| io::copy(&mut self.files.open(&object)?, out).map(|_| ()))
    }

    /// Removes what none of the kept publications needs, and then writes the history:
    /// a head that is not in it tells the next run that this one did not get so far.
    pub(super) fn tidy(&self, history: &History, record: Record, keep: usize) -> Result<()> {
        let kept = history.with(record, keep);
        let mut needed: HashSet<Digest> = HashSet::new();
        let mut current: Option<Manifest> = None;
        let mut former: Vec<(EntryPath, Digest)> = Vec::new();
        for old in &kept.records {
            let Some(manifest) = self.manifest(old.manifest)? else {
                log::warn!("the manifest {} of serial {} is gone", old.manifest, old.serial);
                continue;
            };
            needed.insert(old.manifest);
            needed.extend(manifest.entries().iter().map(|entry| entry.digest()));
            match &current {
                None => current = Some(manifest),
                Some(now) => {
                    let now: HashSet<&EntryPath> =
                        now.entries().iter().map(|entry| entry.path()).collect();
                    let gone = manifest.entries().iter().filter(|old| !now.contains(old.path()));
                    former.extend(gone.map(|old| (old.path().clone(), old.digest())));
                }
            }
        }
        if self.layout == Layout::Separate {
            former.sort();
            former.dedup();
            for (path, digest) in former {
                // Somebody else's file of the same name has other bytes.
                if self.has_named(&path, digest)? {
                    remove_if_any(self.files, &path.below(self.folder))?;
                }
            }
        }
        let folder = self.objects();
        let names = self.files.list(&folder);
        for name in names.map_err(|error| Error::io("list this folder", &folder, error))? {
            let Some(text) = name.to_str() else { continue };
            let is_leftover = text.starts_with('.') && text.ends_with(".new");
            let is_unneeded = text.parse::<Digest>().is_ok_and(|digest| !needed.contains(&digest));
            if is_leftover || is_unneeded {
                remove_if_any(self.files, &folder.join(name))?;
            }
        }
        kept.save(self.files, &self.history_path())
    }
}

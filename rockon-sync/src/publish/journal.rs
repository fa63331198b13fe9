//! Records the files that a publication writes and deletes.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::SystemTime;

use super::tree::is_draft;
use crate::base::files::{Files, NewFile, Stat};
use crate::base::workers::lock;

/// A file system that records the files of one directory that are renamed into place or removed.
pub(super) struct Journal<'a> {
    inner: &'a dyn Files,
    dir: &'a Path,
    records: Mutex<Records>,
}

/// Paths below the directory.
#[derive(Default)]
struct Records {
    written: BTreeSet<String>,
    deleted: BTreeSet<String>,
}

impl<'a> Journal<'a> {
    pub(super) fn new(inner: &'a dyn Files, dir: &'a Path) -> Journal<'a> {
        Journal { inner, dir, records: Mutex::default() }
    }

    /// Returns the files that were written, in byte order.
    pub(super) fn written(&self) -> Vec<String> {
        lock(&self.records).written.iter().cloned().collect()
    }

    /// Returns the files that were deleted, in byte order.
    pub(super) fn deleted(&self) -> Vec<String> {
        lock(&self.records).deleted.iter().cloned().collect()
    }

    /// Returns the path of a published file below the directory. Drafts are not published, nor is
    /// the cache of an update site, whose name begins with a dot too.
    fn published(&self, path: &Path) -> Option<String> {
        let name = path.strip_prefix(self.dir).ok()?.to_str()?;
        let last = path.file_name()?.to_str()?;
        (!is_draft(last) && !name.starts_with('.')).then(|| name.to_owned())
    }
}

impl Files for Journal<'_> {
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.inner.rename(from, to)?;
        if let Some(name) = self.published(to) {
            let mut records = lock(&self.records);
            records.deleted.remove(&name);
            records.written.insert(name);
        }
        Ok(())
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.inner.remove_file(path)?;
        if let Some(name) = self.published(path) {
            let mut records = lock(&self.records);
            records.written.remove(&name);
            records.deleted.insert(name);
        }
        Ok(())
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.inner.create_dir(path)
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn NewFile>> {
        self.inner.create(path)
    }

    fn create_read_only(&self, path: &Path) -> io::Result<Box<dyn NewFile>> {
        self.inner.create_read_only(path)
    }

    fn append(&self, path: &Path) -> io::Result<Box<dyn NewFile>> {
        self.inner.append(path)
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn Read + Send>> {
        self.inner.open(path)
    }

    fn stat(&self, path: &Path) -> io::Result<Stat> {
        self.inner.stat(path)
    }

    fn list(&self, path: &Path) -> io::Result<Vec<OsString>> {
        self.inner.list(path)
    }

    fn read_link(&self, path: &Path) -> io::Result<PathBuf> {
        self.inner.read_link(path)
    }

    fn resolve(&self, path: &Path) -> io::Result<PathBuf> {
        self.inner.resolve(path)
    }

    fn hard_link(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.inner.hard_link(from, to)
    }

    fn symlink(&self, target: &Path, link: &Path) -> io::Result<()> {
        self.inner.symlink(target, link)
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        self.inner.remove_dir(path)
    }

    fn sync_files(&self, paths: &[PathBuf]) -> io::Result<()> {
        self.inner.sync_files(paths)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.inner.sync_dir(path)
    }

    fn set_modified(&self, path: &Path, time: SystemTime) -> io::Result<()> {
        self.inner.set_modified(path, time)
    }
}

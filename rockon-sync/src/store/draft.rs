//! A generation under construction.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::changes::{Changes, dir_in};
use super::{FileOrigin, Generation, SourceWriter, StagedTree, Staging};
use crate::base::error::{Error, IoContext, Result};
use crate::base::files::{Files, MAX_SINGLE_SYNCS, ensure_dir};
use crate::base::path::EntryPath;

/// A directory that becomes a generation. Files in it may be hard links, so that they are replaced
/// and never written to.
pub(super) struct Draft<'a> {
    files: &'a dyn Files,
    staging: &'a Staging<'a>,
    base: Option<&'a Generation>,
    pub(super) dir: PathBuf,
    /// All directories, relative to `dir`, which itself is empty.
    pub(super) dirs: BTreeSet<String>,
    /// The number of files.
    pub(super) len: usize,
    /// True if each file that the base has, too, is a hard link to it.
    pub(super) shares_files: bool,
    /// The new files, or so many that their whole file system is synced.
    new_files: Vec<PathBuf>,
    /// Directories with new or fewer names.
    changed_dirs: BTreeSet<String>,
}

/// The way in which a file got its second path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Placed {
    Linked,
    Copied,
}

impl<'a> Draft<'a> {
    /// Starts with a new directory: with the staged tree if there is one, else with an empty one.
    ///
    /// # Errors
    /// [`ErrorKind::Store`](crate::ErrorKind::Store) if it cannot be created.
    pub(super) fn new(
        writer: &'a SourceWriter<'_>,
        base: Option<&'a Generation>,
        tree: Option<&StagedTree>,
        dir: &Path,
    ) -> Result<Draft<'a>> {
        match tree {
            Some(tree) => writer.files.rename(&tree.dir, dir),
            None => writer.files.create_dir(dir),
        }
        .on("create this directory", dir)?;
        let mut draft = Draft::on(writer, base, dir.to_owned());
        draft.dirs.insert(String::new());
        draft.changed_dirs.insert(String::new());
        Ok(draft)
    }

    /// Starts with the files of an old generation, which was moved to `dir`.
    pub(super) fn recycle(
        writer: &'a SourceWriter<'_>,
        base: &'a Generation,
        old: &Changes,
        dir: PathBuf,
    ) -> Draft<'a> {
        let dirs = old.dirs.paths().cloned().collect();
        Draft { dirs, len: old.files, ..Draft::on(writer, Some(base), dir) }
    }

    fn on(writer: &'a SourceWriter<'_>, base: Option<&'a Generation>, dir: PathBuf) -> Draft<'a> {
        Draft {
            files: writer.files,
            staging: &writer.staging,
            base,
            dir,
            dirs: BTreeSet::new(),
            len: 0,
            shares_files: true,
            new_files: Vec::new(),
            changed_dirs: BTreeSet::new(),
        }
    }

    /// Puts a file at a path where there is none, unless it came there with the staged tree.
    ///
    /// # Errors
    /// [`ErrorKind::Store`](crate::ErrorKind::Store), also if something else is there.
    pub(super) fn place(&mut self, path: &EntryPath, from: &FileOrigin) -> Result<()> {
        for parent in path.parents() {
            if !self.dirs.contains(parent) {
                ensure_dir(self.files, &self.dir.join(parent))?;
                self.dirs.insert(parent.to_owned());
                self.changed_dirs.extend([parent.to_owned(), parent_of(parent).to_owned()]);
            }
        }
        let to = path.below(&self.dir);
        match (from, self.base) {
            (FileOrigin::Staging(digest), _) => {
                place(self.files, &self.staging.path(*digest), &to)?;
                self.must_sync(to);
            }
            (FileOrigin::Base(path), Some(base)) => {
                if place(self.files, &path.below(&base.dir), &to)? == Placed::Copied {
                    self.shares_files = false;
                    self.must_sync(to);
                }
            }
            (FileOrigin::Tree, _) => self.must_sync(to),
            (FileOrigin::Base(_), None) => unreachable!("a base file needs a base generation"),
        }
        self.has_changed(path);
        self.len += 1;
        Ok(())
    }

    /// Writes a file at a path where there is none.
    ///
    /// # Errors
    /// [`ErrorKind::Store`](crate::ErrorKind::Store), also if something is there.
    pub(super) fn write(&mut self, path: &EntryPath, bytes: &[u8]) -> Result<()> {
        let to = path.below(&self.dir);
        write_read_only(self.files, &to, |file| file.write_all(bytes))?;
        self.must_sync(to);
        self.has_changed(path);
        self.len += 1;
        Ok(())
    }

    /// Removes a file.
    ///
    /// # Errors
    /// [`ErrorKind::Store`](crate::ErrorKind::Store), also if it is missing.
    pub(super) fn remove(&mut self, path: &EntryPath) -> Result<()> {
        let file = path.below(&self.dir);
        self.files.remove_file(&file).on("remove this file", &file)?;
        self.has_changed(path);
        self.len = self.len.saturating_sub(1);
        Ok(())
    }

    /// Removes those of these directories that are empty.
    ///
    /// # Errors
    /// [`ErrorKind::Store`](crate::ErrorKind::Store) if one cannot be removed.
    pub(super) fn remove_empty_dirs<'p>(
        &mut self,
        dirs: impl Iterator<Item = &'p &'p str>,
    ) -> Result<()> {
        let dirs: BTreeSet<&str> = dirs.copied().collect();
        // Innermost first.
        for path in dirs.iter().rev() {
            let dir = self.dir.join(path);
            match self.files.remove_dir(&dir) {
                Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => {}
                removed => {
                    removed.on("remove this directory", &dir)?;
                    self.dirs.remove(*path);
                    self.changed_dirs.remove(*path);
                    self.changed_dirs.insert(parent_of(path).to_owned());
                }
            }
        }
        Ok(())
    }

    /// Syncs the new files, and then the directories that have changed.
    pub(super) fn sync(&self) -> Result<()> {
        self.files.sync_files(&self.new_files).on("sync the new files of", &self.dir)?;
        // Innermost first: no directory is durable before its contents.
        for path in self.changed_dirs.iter().rev() {
            let dir = dir_in(&self.dir, path);
            self.files.sync_dir(&dir).on("sync this directory", &dir)?;
        }
        Ok(())
    }

    fn must_sync(&mut self, file: PathBuf) {
        if self.new_files.len() <= MAX_SINGLE_SYNCS {
            self.new_files.push(file);
        }
    }

    fn has_changed(&mut self, path: &EntryPath) {
        let parent = parent_of(path.as_str());
        if !self.changed_dirs.contains(parent) {
            self.changed_dirs.insert(parent.to_owned());
        }
    }
}

/// Returns the path of the directory that has this path.
fn parent_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(parent, _)| parent)
}

/// Puts a file at a second path: by hard link, or by copy if links are unsupported.
pub(super) fn place(files: &dyn Files, from: &Path, to: &Path) -> Result<Placed> {
    match files.hard_link(from, to) {
        Ok(()) => Ok(Placed::Linked),
        Err(error) if links_are_impossible(&error) => {
            log::debug!("{}: copied instead of linked: {error}", to.display());
            let mut reader = files.open(from).on("read this file", from)?;
            write_read_only(files, to, |file| io::copy(&mut reader, file).map(|_| ()))?;
            Ok(Placed::Copied)
        }
        Err(error) => Err(Error::io("put this file in place", to, error)),
    }
}

/// True if the file system has no hard links, forbids this one, or has reached the limit of the
/// file.
fn links_are_impossible(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::Unsupported
            | io::ErrorKind::PermissionDenied
            | io::ErrorKind::CrossesDevices
            | io::ErrorKind::TooManyLinks
    )
}

/// Writes a file that nobody may write to afterwards.
pub(super) fn write_read_only(
    files: &dyn Files,
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<()> {
    let create = || {
        let mut file = io::BufWriter::new(files.create_read_only(path)?);
        write(&mut file)?;
        file.flush()
    };
    create().on("write this file", path)
}

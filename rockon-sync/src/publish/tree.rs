//! The published tree on disk: its paths, and the files that are there already.

use std::path::{Path, PathBuf};

use super::page;
use super::scan::ScannedFile;
use crate::base::digest::Digest;
use crate::base::error::{Error, ErrorKind, IoContext, Result};
use crate::base::files::{
    FileKind, Files, digest_if_any, has_digest, is_absent, list_if_any, read_if_any, stat_if_any,
};
use crate::base::limits::{MAX_FILE_BYTES, MAX_HEAD_BYTES};
use crate::base::path::EntryPath;
use crate::tree::head::{DEFAULT_MANIFEST, Head};
use crate::tree::manifest::{Entry, Form, Manifest, RowSource, form_of};
use crate::tree::pack::{self, PackName};
use crate::update::DiskSource;

/// The directory of the objects: every file of the tree, named by its digest.
pub(super) const BY_SHA: &str = "by-sha";

/// The name of the history in a tree.
pub(super) const HISTORY: &str = "history.json";

/// The name of the record of checked files.
pub(super) const RECORD: &str = ".checked";

/// The message of a first publication over an existing tree.
pub(super) const NOT_FIRST: &str = "there is a tree already: this is not the first publication";

/// The location of a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    /// A directory of its own.
    Separate,
    /// The catalog directory, beside the files that older systems read.
    InPlace,
}

impl Layout {
    pub(super) const fn head_name(self) -> &'static str {
        match self {
            Layout::Separate => "root.sha",
            Layout::InPlace => "root.v2.sha",
        }
    }

    pub(super) fn manifest_name(self) -> &'static str {
        match self {
            Layout::Separate => DEFAULT_MANIFEST,
            Layout::InPlace => "root.v2.json",
        }
    }
}

/// Returns true if a file named `name`, at the top of a catalog directory, belongs to a
/// published tree.
pub(super) fn is_tree_file(name: &str) -> bool {
    is_reserved(name) || page::is_page_in_place(name)
}

/// Returns true if no entry may have this name.
pub(super) fn is_reserved(name: &str) -> bool {
    EntryPath::new(name).is_ok_and(|path| path.is_reserved())
}

/// A published tree on disk.
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
        self.dir.join(HISTORY)
    }

    /// The record of checked files, which is no part of the tree.
    pub(super) fn record(&self) -> PathBuf {
        self.dir.join(RECORD)
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

    pub(super) fn packs(&self) -> PathBuf {
        self.dir.join(pack::DIR)
    }

    /// Returns true if `path` leads to the directory of this tree.
    ///
    /// # Errors
    /// [`ErrorKind::Store`] if one of the two cannot be resolved for another reason than that
    /// it is missing.
    pub(super) fn is_at(&self, path: &Path) -> Result<bool> {
        let resolve = |path: &Path| match path.canonicalize() {
            Err(error) if is_absent(&error) => Ok(None),
            resolved => resolved.on("resolve", path).map(Some),
        };
        Ok(matches!((resolve(path)?, resolve(self.dir)?), (Some(a), Some(b)) if a == b))
    }

    /// The published head.
    ///
    /// # Errors
    /// [`ErrorKind::Head`] if it is invalid: another program wrote it, so it must not be replaced.
    pub(super) fn head(&self) -> Result<Option<Head>> {
        let bytes = self.head_bytes()?;
        let head = bytes.map(|bytes| Head::parse(&bytes)).transpose();
        head.map_err(|error| error.with_path(self.head_path()))
    }

    /// The bytes of the published head, signatures included.
    pub(super) fn head_bytes(&self) -> Result<Option<Vec<u8>>> {
        read_if_any(self.files, &self.head_path(), MAX_HEAD_BYTES)
    }

    /// The manifest with this digest; `None` if it is missing or damaged.
    pub(super) fn manifest(&self, digest: Digest) -> Result<Option<Manifest>> {
        let path = self.intact_manifest(digest)?;
        path.map(|path| self.read_manifest(&path)).transpose()
    }

    /// The rows of the manifest with this digest, in canonical form; `None` if it is missing or
    /// damaged.
    pub(super) fn rows_of(&self, digest: Digest) -> Result<Option<Box<dyn RowSource + '_>>> {
        let Some(path) = self.intact_manifest(digest)? else { return Ok(None) };
        let found = DiskSource { files: self.files, path: Some(path.clone()) };
        let form = form_of(found.rows()?)?;
        Ok(Some(match form {
            Form::Canonical => Box::new(found),
            Form::Other => Box::new(self.read_manifest(&path)?.to_canonical()),
        }))
    }

    /// The path of the manifest with this digest; `None` if it is missing or damaged.
    fn intact_manifest(&self, digest: Digest) -> Result<Option<PathBuf>> {
        for path in [self.object(digest), self.manifest_path()] {
            if self.has_digest(&path, digest)? {
                return Ok(Some(path));
            }
        }
        Ok(None)
    }

    fn read_manifest(&self, path: &Path) -> Result<Manifest> {
        let reader = self.files.open(path).on("read", path)?;
        Manifest::read(reader).map_err(|error| error.with_path(path))
    }

    /// The published file of an entry, with its bytes; `None` if it is missing or damaged.
    pub(super) fn published_file(&self, entry: &Entry) -> Result<Option<(PathBuf, Vec<u8>)>> {
        let named = (self.layout == Layout::Separate).then(|| entry.path().below(self.dir));
        for path in [Some(self.object(entry.digest())), named].into_iter().flatten() {
            if self.has_digest(&path, entry.digest())?
                && let Some(bytes) = read_if_any(self.files, &path, MAX_FILE_BYTES)?
            {
                return Ok(Some((path, bytes)));
            }
        }
        Ok(None)
    }

    /// Refuses a directory in which another program's files have the names of the tree's own.
    /// Expects that there is neither a head nor a history.
    ///
    /// # Errors
    /// [`ErrorKind::Store`] with the path.
    pub(super) fn check_unclaimed(&self) -> Result<()> {
        let manifest = self.manifest_path();
        // The manifest of an interrupted first publication has an object of the same digest.
        if let Some((digest, _)) = digest_if_any(self.files, &manifest)?
            && !self.has_object(digest, None)?
        {
            return Err(foreign_file(manifest));
        }
        match stat_if_any(self.files, &self.history_path())? {
            Some(_) => Err(foreign_file(self.history_path())),
            None => Ok(()),
        }
    }

    /// Fails if there is a tree: this publication is not the first one.
    pub(super) fn check_first(&self) -> Result<()> {
        for path in [self.head_path(), self.history_path()] {
            if stat_if_any(self.files, &path)?.is_some() {
                return Err(Error::new(ErrorKind::Argument, NOT_FIRST).with_path(path));
            }
        }
        Ok(())
    }

    /// Returns true if `files` are there under their digests and names, and the manifest too.
    pub(super) fn is_complete(&self, files: &[ScannedFile], digest: Digest) -> Result<bool> {
        if !self.has_object(digest, None)? || !self.has_digest(&self.manifest_path(), digest)? {
            return Ok(false);
        }
        for file in files {
            let is_there = self.has_object(file.digest, Some(file.len_bytes))?
                && (self.layout == Layout::InPlace || self.has_file(file)?);
            if !is_there {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Returns true if an object is there, in the right size. Its bytes were verified when it
    /// was written, and are never changed.
    pub(super) fn has_object(&self, digest: Digest, len_bytes: Option<u64>) -> Result<bool> {
        let stat = stat_if_any(self.files, &self.object(digest))?;
        Ok(stat.is_some_and(|stat| {
            stat.kind == FileKind::File && len_bytes.is_none_or(|len| len == stat.len_bytes)
        }))
    }

    /// Like [`has_object`](Self::has_object), but reads the bytes.
    pub(super) fn has_intact_object(&self, digest: Digest) -> Result<bool> {
        self.has_digest(&self.object(digest), digest)
    }

    /// Returns true if a pack is there, in the right size.
    pub(super) fn has_pack(&self, name: &PackName, len_bytes: u64) -> Result<bool> {
        let stat = stat_if_any(self.files, &self.packs().join(name.to_string()))?;
        Ok(stat.is_some_and(|stat| stat.len_bytes == len_bytes))
    }

    /// Returns true if a file is there under its name. Reads its bytes, unless it is as recorded.
    fn has_file(&self, file: &ScannedFile) -> Result<bool> {
        let stat = stat_if_any(self.files, &file.path.below(self.dir))?;
        match stat.is_some_and(|stat| file.checked.is_verified(stat)) {
            true => Ok(true),
            false => self.has_named(&file.path, file.digest),
        }
    }

    pub(super) fn has_named(&self, path: &EntryPath, digest: Digest) -> Result<bool> {
        self.has_digest(&path.below(self.dir), digest)
    }

    fn has_digest(&self, path: &Path, digest: Digest) -> Result<bool> {
        has_digest(self.files, path, digest)
    }

    /// The names in a directory of the tree; none if it is missing.
    pub(super) fn names_in(&self, dir: &Path) -> Result<Vec<String>> {
        let names = list_if_any(self.files, dir)?.into_iter();
        Ok(names.filter_map(|name| name.into_string().ok()).collect())
    }

    pub(super) fn sync_dir(&self, dir: &Path) -> Result<()> {
        self.files.sync_dir(dir).on("sync", dir)
    }
}

/// Returns true if a file in a directory of the tree is a draft that a killed run left.
pub(super) fn is_draft(name: &str) -> bool {
    name.starts_with('.') && name.ends_with(".new")
}

pub(super) fn foreign_file(path: PathBuf) -> Error {
    Error::new(
        ErrorKind::Store,
        "this file was not written by the publisher; refusing to overwrite it",
    )
    .with_path(path)
}

//! Staging (`incoming/`): verified downloads, named by digest, until they are committed.
//!
//! ```text
//! incoming/<64 hex>    a file; verified after its download, and again before its use
//! incoming/part-3      an unfinished download; the next update removes it
//! incoming/tree-4/     the next generation of a first sync, filled from a bundle; the next update
//!                      removes it, because the bundle is still there
//! incoming/pack-...    a complete or partial pack; a later update resumes it
//! incoming/seen.jsonl  the entries of v1 files with their validators, one per line
//! ```
//!
//! | file | contents |
//! |---|---|
//! | `part.rs` | one download |
//! | `pack.rs` | packs, which can be resumed |
//! | `tree.rs` | a tree that is filled from a bundle |
//! | `validators.rs` | the entries of v1 files with their validators |

mod pack;
mod part;
mod tree;
mod validators;

use std::collections::HashSet;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

pub(crate) use pack::PartialPack;
pub(crate) use part::{HashedFile, PartialFile};
pub(crate) use tree::StagedTree;

use crate::base::digest::Digest;
use crate::base::error::{Error, ErrorKind, IoContext, Result};
use crate::base::files::{Files, NewFile, ensure_own_dir, has_digest, remove_all};
use crate::base::workers::lock;

const PART_PREFIX: &str = "part-";
const TREE_PREFIX: &str = "tree-";

/// The directory of verified downloads of one source.
pub(crate) struct Staging<'a> {
    files: &'a dyn Files,
    dir: PathBuf,
    next_part: AtomicU64,
    /// The open file of entries, once there are any.
    validators: Mutex<Option<Box<dyn NewFile>>>,
}

impl<'a> Staging<'a> {
    /// Opens the directory. Creates it if it does not exist, and removes unfinished downloads and
    /// trees.
    pub(crate) fn open(files: &'a dyn Files, dir: PathBuf) -> Result<Staging<'a>> {
        ensure_own_dir(files, &dir)?;
        let (next_part, validators) = (AtomicU64::new(0), Mutex::new(None));
        let staging = Staging { files, dir, next_part, validators };
        for name in staging.names()? {
            if name.starts_with(PART_PREFIX) || name.starts_with(TREE_PREFIX) {
                remove_all(files, &staging.dir.join(name))?;
            }
        }
        Ok(staging)
    }

    fn names(&self) -> Result<Vec<String>> {
        let names = self.files.list(&self.dir).on("list this directory", &self.dir)?;
        Ok(names.into_iter().map(|name| name.to_string_lossy().into_owned()).collect())
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Returns the path for the file with this digest.
    pub(crate) fn path(&self, digest: Digest) -> PathBuf {
        self.dir.join(digest.to_string())
    }

    /// True if the file with this digest exists. Reads it, and removes it if it is damaged.
    pub(crate) fn has(&self, digest: Digest) -> Result<bool> {
        let path = self.path(digest);
        let is_intact = has_digest(self.files, &path, digest)?;
        if !is_intact {
            remove_all(self.files, &path)?;
        }
        Ok(is_intact)
    }

    /// True if there are files that an update to the manifest with this digest can reuse:
    /// downloaded files, or packs to another manifest. Packs to the same manifest are resumed
    /// instead.
    pub(crate) fn has_reusable_files(&self, manifest: Digest) -> Result<bool> {
        Ok(self.staged_packs()?.iter().any(|pack| !pack.leads_to(manifest))
            || !self.digests()?.is_empty())
    }

    /// Starts a download.
    pub(crate) fn begin(&self) -> Result<PartialFile<'_>> {
        let number = self.next_part.fetch_add(1, Ordering::Relaxed);
        self.begin_at(self.dir.join(format!("{PART_PREFIX}{number}")))
    }

    fn begin_at(&self, path: PathBuf) -> Result<PartialFile<'_>> {
        let file = self.files.create_read_only(&path).on("create this file", &path)?;
        Ok(PartialFile::new(self, path, file))
    }

    /// Returns the digests of the files that exist. They may be damaged.
    pub(crate) fn digests(&self) -> Result<HashSet<Digest>> {
        Ok(self.names()?.iter().filter_map(|name| name.parse().ok()).collect())
    }

    /// Starts a download that is hashed as it is written.
    pub(crate) fn begin_hashed(&self) -> Result<HashedFile<'_>> {
        Ok(HashedFile::new(self.begin()?))
    }

    /// Stores bytes that are in memory already.
    pub(crate) fn keep(&self, bytes: &[u8], digest: Digest) -> Result<()> {
        let mut part = self.begin()?;
        part.write_all(bytes).on("write this file", part.path())?;
        part.keep(digest)
    }

    /// Removes everything: it is committed, or useless.
    pub(crate) fn clear(&self) -> Result<()> {
        *lock(&self.validators) = None;
        for name in self.names()? {
            remove_all(self.files, &self.dir.join(name))?;
        }
        Ok(())
    }
}

/// The error of a write to staging while a pack is unpacked.
pub(crate) fn cannot_keep(error: io::Error) -> Error {
    Error::new(ErrorKind::Store, "cannot write the unpacked file").with_source(error)
}

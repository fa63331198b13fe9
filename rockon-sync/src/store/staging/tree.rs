//! A tree that is filled from a bundle, and becomes the next generation as a whole.
//!
//! Its files are not readable for anyone yet, so that they are written where they stay, without a
//! name in between. A tree exists only beside its bundle: what an interrupted update has put into
//! it is unpacked again, and not fetched again.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::atomic::Ordering;

use super::{HashedFile, PartialFile, Staging, TREE_PREFIX};
use crate::base::digest::Digest;
use crate::base::error::{IoContext, Result};
use crate::base::files::{ensure_dir, is_absent};
use crate::base::path::EntryPath;

/// A tree in staging. Every file in it has been verified.
#[derive(Debug)]
pub(crate) struct StagedTree {
    pub(crate) dir: PathBuf,
    /// The directories of the files.
    dirs: HashSet<String>,
    /// The number of files.
    len: usize,
}

impl Staging<'_> {
    /// Starts a tree.
    pub(crate) fn begin_tree(&self) -> Result<StagedTree> {
        let number = self.next_part.fetch_add(1, Ordering::Relaxed);
        let dir = self.dir.join(format!("{TREE_PREFIX}{number}"));
        self.files.create_dir(&dir).on("create this directory", &dir)?;
        Ok(StagedTree { dir, dirs: HashSet::new(), len: 0 })
    }

    /// Starts a file of a tree, at a path where there is none.
    ///
    /// # Errors
    /// [`ErrorKind::Store`](crate::ErrorKind::Store), also if something is there.
    pub(crate) fn begin_in(
        &self,
        tree: &mut StagedTree,
        path: &EntryPath,
    ) -> Result<HashedFile<'_>> {
        for parent in path.parents() {
            if !tree.dirs.contains(parent) {
                ensure_dir(self.files, &tree.dir.join(parent))?;
                tree.dirs.insert(parent.to_owned());
            }
        }
        Ok(HashedFile::new(self.begin_at(path.below(&tree.dir))?))
    }

    /// Moves a file out of a tree, to its digest in staging. False if it is not in the tree.
    pub(crate) fn move_out(
        &self,
        tree: &mut StagedTree,
        path: &EntryPath,
        digest: Digest,
    ) -> Result<bool> {
        let to = self.path(digest);
        match self.files.rename(&path.below(&tree.dir), &to) {
            Ok(()) => {
                tree.len -= 1;
                Ok(true)
            }
            Err(error) if is_absent(&error) => Ok(false),
            Err(error) => Err(error).on("keep this file", &to),
        }
    }
}

impl StagedTree {
    /// Returns the number of files.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Keeps a file that [`Staging::begin_in`] has started. The caller has verified it.
    pub(crate) fn keep(&mut self, file: PartialFile<'_>, digest: Digest) {
        file.keep_in_place(digest);
        self.len += 1;
    }
}

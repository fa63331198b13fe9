//! The store: one directory per source, with complete generations in it.
//!
//! ```text
//! <store>/
//!   sources.toml              the sources that the store follows
//!   rockstor/                 one directory per source
//!     current -> gen/000042   the committed generation: swapped by one rename
//!     gen/000041/ gen/000042/ root.sha, root.json, key lists and every file, read-only;
//!                             unchanged files are hard links between generations
//!     gen/000042.held         the current manifest, if its files differ from what
//!                             root.json says, and always for v1
//!     gen/000042.changes      the difference from gen/000041, and the times of directories
//!     incoming/               staging: verified downloads, named by digest
//!     status.json             time of the last check, validators
//!     trusted-keys            keys and key lists: who must have signed the head;
//!                             absent for unsigned sources
//!     lock                    locked by the writer
//!   local/                    local definitions
//! ```
//!
//! Readers resolve `current` once and then read a directory that never changes; the previous
//! generation is kept until the next commit, which recycles it. A writer takes the lock, builds a
//! new generation beside the others, syncs it, and swaps. Opening a source for writing also recovers from
//! crashes: it deletes every generation except the current and the previous one.
//!
//! | file | contents |
//! |---|---|
//! | `source_dir.rs` | the reading side of one source |
//! | `writer.rs` | the writing side: lock, recovery |
//! | `commit.rs` | building a generation and swapping to it |
//! | `draft.rs`, `recycle.rs` | a generation under construction: new, or made of an old one |
//! | `changes.rs` | the difference between two generations on disk |
//! | `generation.rs` | one generation: its manifest and damage |
//! | `check.rs` | the quick check of a generation |
//! | `staging.rs` | verified downloads |
//! | `lists.rs` | the key lists in a generation |
//! | `status.rs`, `keys.rs` | small files beside the generations |
//! | `sources.rs` | the list of sources and their order |
//! | `inspect.rs` | status and verification for applications |

mod changes;
mod check;
mod commit;
mod draft;
mod generation;
pub(crate) mod inspect;
mod keys;
mod lists;
mod recycle;
mod source_dir;
pub(crate) mod sources;
mod staging;
mod status;
#[cfg(test)]
mod tests;
mod writer;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub(crate) use check::QuickCheck;
pub(crate) use commit::{Commit, Committed, Difference, FileOrigin};
pub(crate) use generation::{Damage, Generation};
pub(crate) use lists::ListDifferences;
pub(crate) use source_dir::SourceDir;
pub(crate) use staging::{PartialPack, StagedTree, Staging, cannot_keep};
pub(crate) use status::{FailedRecord, Status};
pub(crate) use writer::SourceWriter;

use crate::base::error::{Error, ErrorKind, Result};
use crate::base::files::{Files, RealFiles, Stat, is_absent, stat_target_if_any};
use crate::source::SourceName;

/// Name of the link to the current generation.
const CURRENT: &str = "current";
const GENERATIONS: &str = "gen";
const LOCAL: &str = "local";

/// A directory with the catalogs of one or more sources.
#[derive(Clone)]
pub struct Store {
    dir: PathBuf,
    /// Used for reading. An update brings its own.
    files: Arc<dyn Files>,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("dir", &self.dir).finish()
    }
}

impl Store {
    /// Returns the store in `dir`. Nothing is read or created yet: an update creates missing
    /// directories.
    pub fn new(dir: impl Into<PathBuf>) -> Store {
        Store { dir: dir.into(), files: Arc::new(RealFiles) }
    }

    /// Reads with these file operations.
    #[cfg(test)]
    pub(crate) fn with_files(mut self, files: impl Files + 'static) -> Store {
        self.files = Arc::new(files);
        self
    }

    pub(crate) fn files(&self) -> &dyn Files {
        &*self.files
    }

    /// Returns the directory of the store.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Returns the default directory of local definitions.
    pub fn local_dir(&self) -> PathBuf {
        self.dir.join(LOCAL)
    }

    /// Returns the names of the sources that have a directory, in byte order. A directory that
    /// cannot be examined counts: an error does not mean that the source was removed.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if the store does not exist, [`ErrorKind::Store`] if it cannot
    /// be listed.
    pub fn source_names(&self) -> Result<Vec<SourceName>> {
        let names = self.files.list(&self.dir).map_err(|error| match is_absent(&error) {
            true => {
                Error::new(ErrorKind::NotFound, "the store does not exist").with_path(&self.dir)
            }
            false => Error::io("list this directory", &self.dir, error),
        })?;
        let mut sources: Vec<SourceName> = names
            .iter()
            .filter_map(|name| name.to_str()?.parse().ok())
            .filter(|name| self.may_be_a_source(name))
            .collect();
        sources.sort();
        Ok(sources)
    }

    /// True unless the name is certainly not that of a directory.
    fn may_be_a_source(&self, name: &SourceName) -> bool {
        match stat_target_if_any(self.files(), &self.dir.join(name.as_str())) {
            Ok(stat) => stat.is_some_and(Stat::is_dir),
            Err(error) => {
                log::warn!("{}", error.to_chain());
                true
            }
        }
    }

    /// Returns the reading side of one source.
    pub(crate) fn source(&self, name: &SourceName) -> SourceDir<'_> {
        SourceDir::new(self.files(), self.dir.join(name.as_str()))
    }
}

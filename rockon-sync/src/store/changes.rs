//! `gen/<number>.changes`: the directories of a generation, and how it differs from its base, the
//! generation before.
//!
//! ```text
//! {
//!   "digest": "<64 hex>",
//!   "files": 91,
//!   "dirs": {"": 1795316645000000000},
//!   "base": {
//!     "number": 41,
//!     "digest": "<64 hex>",
//!     "removed": ["plex.json", "root.json", "root.sha"],
//!     "placed": ["plex.json", "root.json", "root.sha"]
//!   }
//! }
//! ```
//!
//! It is written when nothing in the generation changes any more: if a directory has another time
//! later, somebody else has changed it. `base` allows to recycle the base, which becomes equal to
//! the generation once these files are removed and placed. It is missing if there is no base, if
//! the two do not share every other file as a hard link, or if most files differ.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::Generation;
use crate::base::digest::Digest;
use crate::base::error::{Error, ErrorKind, IoContext, Result};
use crate::base::files::{FileKind, Files, read_if_any, stat_if_any};
use crate::base::limits::MAX_MANIFEST_BYTES;
use crate::base::path::EntryPath;
use crate::base::text;

/// Suffix of the file, beside a generation.
pub(super) const CHANGES_SUFFIX: &str = ".changes";

/// The contents of the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Changes {
    /// The digest of the head; in a v1 generation, of the list.
    #[serde(with = "text")]
    pub(super) digest: Digest,
    /// The number of files in the generation.
    pub(super) files: usize,
    pub(super) dirs: Dirs,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) base: Option<Base>,
}

/// The directories of a generation by their path in it, each with the time of its last change in
/// nanoseconds since 1970. The generation itself has an empty path.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Dirs(BTreeMap<String, i128>);

/// The generation before, and the differences from it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Base {
    pub(super) number: u64,
    /// The digest of its head; in a v1 generation, of its list.
    #[serde(with = "text")]
    pub(super) digest: Digest,
    /// Files of the base that the generation has not, or not the same.
    #[serde(with = "text::set")]
    pub(super) removed: BTreeSet<EntryPath>,
    /// Files of the generation that the base has not, or not the same.
    #[serde(with = "text::set")]
    pub(super) placed: BTreeSet<EntryPath>,
}

impl Generation {
    /// Returns the path of the file of changes. It is missing beside generations of version 0.1.
    pub(super) fn changes_path(&self) -> PathBuf {
        self.beside(CHANGES_SUFFIX)
    }

    /// Reads the file of changes. One that is missing, damaged or unreadable is `None`: it only
    /// saves work.
    pub(super) fn changes(&self, files: &dyn Files) -> Option<Changes> {
        let path = self.changes_path();
        let read = || match read_if_any(files, &path, MAX_MANIFEST_BYTES)? {
            Some(bytes) => Changes::parse(&bytes).map(Some).map_err(|e| e.with_path(&path)),
            None => Ok(None),
        };
        read().unwrap_or_else(|error| {
            log::warn!("ignored, and replaced by the next commit: {}", error.to_chain());
            None
        })
    }
}

impl Changes {
    fn parse(bytes: &[u8]) -> Result<Changes> {
        let changes: Changes = serde_json::from_slice(bytes)
            .map_err(|error| Error::new(ErrorKind::Store, error.to_string()))?;
        let below_root = changes.dirs.paths().filter(|path| !path.is_empty());
        below_root.cloned().try_for_each(|path| EntryPath::new(path).map(drop))?;
        Ok(changes)
    }
}

impl Dirs {
    /// Looks at the directories of a generation.
    ///
    /// # Errors
    /// [`ErrorKind::Store`] if one cannot be examined.
    pub(super) fn of(files: &dyn Files, root: &Path, paths: &BTreeSet<String>) -> Result<Dirs> {
        let mut dirs = BTreeMap::new();
        for path in paths {
            let dir = dir_in(root, path);
            let stat = files.stat(&dir).on("look at this directory", &dir)?;
            dirs.insert(path.clone(), stat.mtime_ns);
        }
        Ok(Dirs(dirs))
    }

    /// True if nobody has added, removed or renamed a file in these directories since.
    ///
    /// # Errors
    /// [`ErrorKind::Store`] if one cannot be examined.
    pub(super) fn are_unchanged(&self, files: &dyn Files, root: &Path) -> Result<bool> {
        for (path, modified_ns) in &self.0 {
            let stat = stat_if_any(files, &dir_in(root, path))?;
            let same = stat.filter(|stat| stat.kind == FileKind::Dir);
            if same.is_none_or(|stat| stat.mtime_ns != *modified_ns) {
                log::info!("{}: changed since its commit", dir_in(root, path).display());
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Returns the paths, outermost first.
    pub(super) fn paths(&self) -> impl Iterator<Item = &String> {
        self.0.keys()
    }
}

/// Returns the path of a directory in a generation. No slash is added for the generation itself:
/// with one, a link would be followed.
pub(super) fn dir_in(root: &Path, path: &str) -> PathBuf {
    if path.is_empty() { root.to_owned() } else { root.join(path) }
}

//! The manifest (`root.json` of a v2 tree): all entries with their digests.
//!
//! | file | contains |
//! |---|---|
//! | `entry.rs` | entries, the rows of a manifest |
//! | `parse.rs` | the streaming parser |
//! | `canonical.rs` | the canonical form |
//! | `patch.rs` | JSON merge patches between manifests |
//! | `list.rs` | the list of a v1 tree |
//! | `invalid.rs` | errors of all of them |

mod canonical;
mod entry;
mod invalid;
mod list;
mod parse;
mod patch;

use std::borrow::Cow;
use std::io::Read;

pub use entry::Entry;
pub(crate) use entry::{
    ARCH, ETAG, FORMAT, FORMERLY, InvalidFormerly, LAST_MODIFIED, MIN_VERSION, MIRROR,
    parse_former_names, violated_rule,
};
pub use list::{List, ListRow};
pub(crate) use patch::{pairs, write_patched};

use crate::base::error::{Result, excerpt};
use crate::base::limits::MAX_ENTRIES;
use crate::base::path::EntryPath;
use invalid::InvalidManifest;
use parse::Extras;

#[cfg(doc)]
use crate::base::error::ErrorKind;
#[cfg(doc)]
use crate::base::limits::{MAX_ALL_NAMES, MAX_ROW_BYTES};

/// A manifest: entries with unique ids and unique paths.
///
/// It is accepted or refused as a whole. The order of the document is kept.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Manifest {
    entries: Vec<Entry>,
    /// Indexes of `entries`, in byte order of the ids.
    by_id: Vec<u32>,
}

impl Manifest {
    /// Parses a manifest from JSON, which may have another form than the canonical one.
    ///
    /// # Errors
    /// [`ErrorKind::Manifest`] with the position: not JSON, a missing field or one of the wrong
    /// type, a duplicate id, or a path that is unsafe, reserved, duplicate (also when compared
    /// without case), or both a file and a directory. [`ErrorKind::Limit`] above [`MAX_ENTRIES`],
    /// [`MAX_ALL_NAMES`] and [`MAX_ROW_BYTES`].
    pub fn parse(bytes: &[u8]) -> Result<Manifest> {
        Manifest::read(bytes)
    }

    /// Parses a manifest as a stream, without its whole text in memory.
    ///
    /// # Errors
    /// Those of [`Manifest::parse`]; [`ErrorKind::Store`] if reading fails.
    pub fn read(reader: impl Read) -> Result<Manifest> {
        Manifest::from_entries(parse::entries_of(reader, Extras::All, None)?)
    }

    /// Like [`Manifest::read`], but keeps only the extra fields that a client uses. Entries that
    /// are equal in `known` are shared with it.
    ///
    /// # Errors
    /// Those of [`Manifest::read`].
    pub(crate) fn read_for_use(reader: impl Read, known: Option<&Manifest>) -> Result<Manifest> {
        Manifest::from_entries(parse::entries_of(reader, Extras::Used, known)?)
    }

    /// Returns a manifest of `entries`, in their order.
    ///
    /// # Errors
    /// [`ErrorKind::Manifest`] and [`ErrorKind::Limit`] as in [`Manifest::parse`].
    pub fn from_entries(mut entries: Vec<Entry>) -> Result<Manifest> {
        // A vector grown by a stream may have twice the capacity it needs.
        entries.shrink_to_fit();
        if entries.len() > MAX_ENTRIES {
            return Err(InvalidManifest::TooManyEntries.into());
        }
        let mut by_id: Vec<u32> = (0..).take(entries.len()).collect();
        by_id.sort_by(|a, b| entries[*a as usize].id().cmp(entries[*b as usize].id()));
        for pair in by_id.windows(2) {
            let id = entries[pair[0] as usize].id();
            if id == entries[pair[1] as usize].id() {
                return Err(InvalidManifest::DuplicateId { id: excerpt(id) }.into());
            }
        }
        entry::check_names(&entries)?;
        check_paths(entries.iter().map(Entry::path))?;
        Ok(Manifest { entries, by_id })
    }

    /// Returns the entries, in the order of the document.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Returns the entries, in the order of the document.
    pub(crate) fn into_entries(self) -> impl Iterator<Item = Entry> {
        self.entries.into_iter()
    }

    /// Returns the number of entries.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// True if the manifest has no entries.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Returns the entry with this id.
    pub fn entry(&self, id: &str) -> Option<&Entry> {
        let at = self.by_id.binary_search_by(|n| self.entries[*n as usize].id().cmp(id)).ok()?;
        Some(&self.entries[self.by_id[at] as usize])
    }

    /// Returns the entries in byte order of their ids, as in the canonical form.
    pub fn sorted(&self) -> impl Iterator<Item = &Entry> {
        self.by_id.iter().map(|n| &self.entries[*n as usize])
    }
}

/// Fails if two paths would collide as files: they are equal without case, or one of them is a
/// directory of the other.
fn check_paths<'a>(paths: impl Iterator<Item = &'a EntryPath>) -> Result<(), InvalidManifest> {
    let mut folded: Vec<Cow<'_, str>> = paths.map(EntryPath::folded).collect();
    folded.sort_unstable();
    if let Some(pair) = folded.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(InvalidManifest::DuplicatePath { path: excerpt(&pair[0]) });
    }
    for path in &folded {
        for (at, _) in path.match_indices('/') {
            let dir = &path[..at];
            if folded.binary_search_by(|other| (**other).cmp(dir)).is_ok() {
                return Err(InvalidManifest::FileIsDir { file: excerpt(dir), path: excerpt(path) });
            }
        }
    }
    Ok(())
}

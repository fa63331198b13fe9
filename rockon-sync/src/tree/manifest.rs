//! The manifest (`root.json` of a v2 tree): all entries with their digests.
//!
//! | file | contains |
//! |---|---|
//! | `entry.rs` | entries, the rows of a manifest |
//! | `parse.rs` | the streaming parser |
//! | `canonical.rs` | the canonical form |
//! | `rows.rs` | the rows of the canonical form, one at a time |
//! | `differences.rs` | the differences between two manifests |
//! | `check.rs` | all rules of a manifest, checked row by row |
//! | `paths.rs` | the rule that concerns all paths together |
//! | `patch.rs` | JSON merge patches between manifests |
//! | `list.rs` | the list of a v1 tree |
//! | `invalid.rs` | errors of all of them |

mod canonical;
mod check;
#[cfg(feature = "publish")]
mod differences;
mod entry;
mod invalid;
mod list;
mod parse;
mod patch;
mod paths;
mod rows;
mod stretch;

use std::io::Read;

pub(crate) use canonical::RowWriter;
pub(crate) use check::{Form, check, check_together, form_of};
#[cfg(feature = "publish")]
pub(crate) use differences::{Difference, differences, patch_between};
pub use entry::Entry;
pub(crate) use entry::{
    ARCH, ETAG, FORMAT, FORMERLY, InvalidFormerly, LAST_MODIFIED, MIN_VERSION, MIRROR,
    parse_former_names, violated_rule,
};
pub use list::{List, ListRow};
pub(crate) use patch::{Additions, Patched, write_patched};
pub(crate) use rows::{NO_ENTRIES, Row, RowSource, Rows, bytes_from};
pub(crate) use stretch::{Span, Stretch};

use crate::base::error::{Result, excerpt};
use crate::base::limits::{MAX_ENTRIES, MAX_LIST_ENTRIES};
use entry::Count;
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
        Manifest::from_entries(parse::entries_of(reader, Extras::All, Count::up_to(MAX_ENTRIES))?)
    }

    /// Like [`Manifest::read`], but with the limits of a manifest that is not in canonical form.
    ///
    /// # Errors
    /// Those of [`Manifest::read`].
    pub(crate) fn read_other_form(reader: impl Read) -> Result<Manifest> {
        let count = Count::up_to(MAX_LIST_ENTRIES);
        Manifest::from_entries(parse::entries_of(reader, Extras::All, count)?)
    }

    /// Like [`Manifest::read`], but keeps only the extra fields that a client uses.
    ///
    /// # Errors
    /// Those of [`Manifest::read`].
    pub(crate) fn read_for_use(reader: impl Read) -> Result<Manifest> {
        Manifest::from_entries(parse::entries_of(reader, Extras::Used, Count::up_to(MAX_ENTRIES))?)
    }

    /// Passes each entry to `take`, with the extra fields that a client uses, without having all
    /// of them in memory. The manifest satisfies all rules.
    ///
    /// # Errors
    /// Those of [`Manifest::read`]; earlier entries have been passed on.
    pub(crate) fn for_each(reader: impl Read, take: &mut dyn FnMut(Entry)) -> Result<()> {
        parse::for_each_entry(reader, Extras::Used, Count::up_to(MAX_ENTRIES), take)
    }

    /// Returns a manifest of `entries`, in their order.
    ///
    /// # Errors
    /// [`ErrorKind::Manifest`] and [`ErrorKind::Limit`] as in [`Manifest::parse`].
    pub fn from_entries(mut entries: Vec<Entry>) -> Result<Manifest> {
        // A vector grown by a stream may have twice the capacity it needs.
        entries.shrink_to_fit();
        let mut count = Count::up_to(MAX_ENTRIES);
        for entry in &entries {
            count.add(entry.names().map_or(0, <[_]>::len))?;
            entry.check_names()?;
        }
        let mut by_id: Vec<u32> = (0..).take(entries.len()).collect();
        by_id.sort_by(|a, b| entries[*a as usize].id().cmp(entries[*b as usize].id()));
        for pair in by_id.windows(2) {
            let id = entries[pair[0] as usize].id();
            if id == entries[pair[1] as usize].id() {
                return Err(InvalidManifest::DuplicateId { id: excerpt(id) }.into());
            }
        }
        paths::check_paths(&|visit| {
            entries.iter().for_each(|entry| visit(&entry.path().folded()));
            Ok(())
        })?;
        Ok(Manifest { entries, by_id })
    }

    /// Returns the entries, in the order of the document.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
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

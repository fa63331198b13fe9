//! The quick check of the current generation: no file is read unless it looks edited.
//!
//! A committed file has a time of modification whose nanoseconds follow from its digest. So size
//! and time of each file are known from the manifest, without a record of them: an edited file has
//! other nanoseconds, whatever its date. The seconds are those of the download.
//!
//! Files are checked in rotation, in the order of the ids, from where the last check has ended.
//! Directories are checked all, so that a file that was added, removed, renamed or replaced is
//! noticed at once.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::Path;

use super::changes::{Changes, Dirs};
use super::{Generation, SourceWriter};
use crate::base::digest::Digest;
use crate::base::error::{ErrorKind, IoContext, Result};
use crate::base::files::{
    FileKind, Files, has_digest, stat_if_any, walk, with_nanoseconds, write_atomically,
};
use crate::base::json::to_file;
use crate::tree::manifest::{RowSource, Rows};

/// Most entries whose files one quick check looks at.
pub(crate) const MAX_ENTRIES_PER_CHECK: usize = 1024;

/// Bytes of a manifest that are read from the start to find an id in them.
const SEARCH_BYTES: u64 = 16 * 1024;

/// The result of a quick check.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum QuickCheck {
    /// Nothing looks different. The next check goes on after the entry with this id; from the
    /// start if it is empty.
    Intact { checked_up_to: String },
    /// Something does, or the record of the directories is missing: every file has to be read.
    Suspicious,
}

/// Returns the nanoseconds in the time of a committed file with this digest.
pub(super) fn nanoseconds_of(digest: Digest) -> u32 {
    let bytes = digest.as_bytes();
    u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]) % 1_000_000_000
}

impl Generation {
    /// Looks at the directories, the manifest, and the files of up to [`MAX_ENTRIES_PER_CHECK`]
    /// entries after the one with the id `checked_up_to`.
    ///
    /// # Errors
    /// [`ErrorKind::Store`] if a file cannot be examined.
    pub(crate) fn quick_check(&self, files: &dyn Files, checked_up_to: &str) -> Result<QuickCheck> {
        if !self.is_as_described(files)? || !self.has_intact_manifest(files)? {
            return Ok(QuickCheck::Suspicious);
        }
        let Some(path) = self.manifest_path(files)? else {
            return Ok(QuickCheck::Suspicious);
        };
        match self.check_canonical(files, &path, checked_up_to) {
            // Perhaps it was made by hand: then it is read as a whole.
            Err(error) if error.kind() == ErrorKind::Manifest => match self.current_manifest(files)
            {
                Ok(manifest) => {
                    self.check_rows(files, manifest.to_canonical().rows()?, checked_up_to)
                }
                Err(error) => {
                    log::warn!("{}", error.to_chain());
                    Ok(QuickCheck::Suspicious)
                }
            },
            checked => checked,
        }
    }

    fn check_canonical(&self, files: &dyn Files, path: &Path, after: &str) -> Result<QuickCheck> {
        let start = find_row(files, path, after)?;
        let rows = Rows::resumed(files.open_at(path, start).on("read this file", path)?);
        self.check_rows(files, rows, after)
    }

    fn check_rows(
        &self,
        files: &dyn Files,
        mut rows: Rows<'_>,
        checked_up_to: &str,
    ) -> Result<QuickCheck> {
        let (mut last, mut left) = (String::new(), MAX_ENTRIES_PER_CHECK);
        while let Some(row) = rows.next()? {
            if row.id <= checked_up_to {
                continue;
            }
            if left == 0 {
                return Ok(QuickCheck::Intact { checked_up_to: last });
            }
            left -= 1;
            let file = row.path()?.below(&self.dir);
            if !looks_intact(files, &file, row.digest()?, row.size_bytes()?)? {
                log::info!("{}: changed since its commit", file.display());
                return Ok(QuickCheck::Suspicious);
            }
            row.id.clone_into(&mut last);
        }
        Ok(QuickCheck::Intact { checked_up_to: String::new() })
    }

    /// True if the record of the directories is there, and nothing was added, removed or renamed.
    fn is_as_described(&self, files: &dyn Files) -> Result<bool> {
        match self.changes(files) {
            Some(changes) => Ok(changes.dirs.are_unchanged(files, &self.dir)?
                && self.digest(files)? == changes.digest),
            None => Ok(false),
        }
    }

    fn has_intact_manifest(&self, files: &dyn Files) -> Result<bool> {
        // The digest of a list is that of the generation.
        let Some(head) = self.head(files)? else {
            return Ok(true);
        };
        Ok(looks_intact(files, &self.list_path(), head.digest(), None)?
            && looks_intact(files, &head.manifest().below(&self.dir), head.digest(), None)?)
    }
}

impl SourceWriter<'_> {
    /// Replaces the record of a generation that has no damage, unless its directories are as
    /// recorded. The new one does not allow to recycle the generation before.
    pub(crate) fn describe_anew(&self, generation: &Generation) -> Result<()> {
        if generation.is_as_described(self.files)? {
            return Ok(());
        }
        let (mut dirs, mut len) = (BTreeSet::from([String::new()]), 0);
        walk(self.files, &generation.dir, &mut |path, _| {
            let parents = path.ancestors().skip(1).filter_map(Path::to_str);
            dirs.extend(parents.map(str::to_owned));
            len += 1;
            Ok(())
        })?;
        let changes = Changes {
            digest: generation.digest(self.files)?,
            files: len,
            dirs: Dirs::of(self.files, &generation.dir, &dirs)?,
            base: None,
        };
        write_atomically(self.files, &generation.changes_path(), &to_file(&changes))
    }
}

/// Returns the offset of a row in a manifest in canonical form, not far before the first one with
/// a higher id.
fn find_row(files: &dyn Files, path: &Path, id: &str) -> Result<u64> {
    let stat = stat_if_any(files, path)?;
    // The first row follows `{` and a line feed.
    let (mut low, mut high) = (2, stat.map_or(0, |stat| stat.len_bytes));
    while low + SEARCH_BYTES < high {
        let middle = low.midpoint(high);
        let mut reader = BufReader::new(files.open_at(path, middle).on("read this file", path)?);
        let skipped = reader.skip_until(b'\n').on("read this file", path)?;
        match Rows::resumed(reader).next()? {
            Some(row) if row.id <= id => low = middle + skipped as u64,
            _ => high = middle,
        }
    }
    Ok(low)
}

/// True if a file has this size, if any, and the nanoseconds of this digest. If only those differ,
/// it was perhaps copied or its time was changed: then it is read, and gets them again.
fn looks_intact(
    files: &dyn Files,
    path: &Path,
    digest: Digest,
    size_bytes: Option<u64>,
) -> Result<bool> {
    let Some(stat) = stat_if_any(files, path)?.filter(|stat| stat.kind == FileKind::File) else {
        return Ok(false);
    };
    if size_bytes.is_some_and(|size_bytes| size_bytes != stat.len_bytes) {
        return Ok(false);
    }
    let nanoseconds = nanoseconds_of(digest);
    if stat.mtime_ns.rem_euclid(1_000_000_000) == i128::from(nanoseconds) {
        return Ok(true);
    }
    if !has_digest(files, path, digest)? {
        return Ok(false);
    }
    if let Some(time) = stat.modified().and_then(|time| with_nanoseconds(time, nanoseconds))
        && let Err(error) = files.set_modified(path, time)
    {
        // It is read again next time.
        log::info!("{}: cannot set its time: {error}", path.display());
    }
    Ok(true)
}

//! The record of the files that an earlier publication read and found to be right.
//!
//! In a large catalog, nearly all files are as they were at the last publication. A file whose
//! size, inode and times are as recorded is not read again: its entry is taken from the last
//! manifest, and the record has what else the checks need. Only a file without problems and
//! relations is recorded, and never one that is as young as the record: it may have been changed
//! after it was read, within the precision of its time (the rule of git's "racy" entries).
//!
//! The record is a cache, `.checked` in the directory of the tree, with one JSON array per file. It
//! is never part of the tree that clients see, and may be deleted at any time.

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use super::publisher::PublishSession;
use super::scan::{EntryOfFile, Scanned, ScannedFile};
use super::tree::{Layout, RECORD, Tree};
use crate::base::digest::Digest;
use crate::base::error::{IoContext, Result};
use crate::base::files::{Stat, is_absent, remove_if_any, replace, stat_if_any};
use crate::base::path::EntryPath;
use crate::base::problem::Problem;
use crate::base::text;
use crate::format::CheckedDefinition;

/// Largest catalog without a record: reading so many files takes a moment only.
const MAX_UNRECORDED: usize = 1024;

/// Age from which a file is recorded. The times of files are exact to 2 seconds or better.
const MIN_AGE: Duration = Duration::from_secs(2);

/// The first line of a record. The checks of another version may differ.
const FIRST_LINE: &str = concat!("rockon-sync ", env!("CARGO_PKG_VERSION"));

/// The identity of a file's content on its file system. An array in the record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "StampArray", into = "StampArray")]
pub(super) struct Stamp {
    pub(super) len_bytes: u64,
    inode: u64,
    /// Times of the last modification and of the last change of the inode.
    modified_ns: i64,
    changed_ns: i64,
}

/// The fields of a [`Stamp`], in their order.
type StampArray = (u64, u64, i64, i64);

impl From<StampArray> for Stamp {
    fn from((len_bytes, inode, modified_ns, changed_ns): StampArray) -> Stamp {
        Stamp { len_bytes, inode, modified_ns, changed_ns }
    }
}

impl From<Stamp> for StampArray {
    fn from(stamp: Stamp) -> StampArray {
        (stamp.len_bytes, stamp.inode, stamp.modified_ns, stamp.changed_ns)
    }
}

impl Stamp {
    /// Returns the stamp of a file; `None` if its times are later than 2262.
    pub(super) fn of(stat: Stat) -> Option<Stamp> {
        Some(Stamp {
            len_bytes: stat.len_bytes,
            inode: stat.inode,
            modified_ns: i64::try_from(stat.mtime_ns).ok()?,
            changed_ns: i64::try_from(stat.ctime_ns).ok()?,
        })
    }

    /// True if the file was last changed this long before `time`.
    fn is_older_than(self, time: SystemTime) -> bool {
        let limit = time.checked_sub(MIN_AGE).and_then(|limit| {
            let since = limit.duration_since(SystemTime::UNIX_EPOCH).ok()?;
            i64::try_from(since.as_nanos()).ok()
        });
        limit.is_some_and(|limit| self.modified_ns.max(self.changed_ns) < limit)
    }
}

/// The record of one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct CheckedFile {
    #[serde(rename = "sha", with = "text")]
    pub(super) digest: Digest,
    /// The stamp of the catalog's file; `None` if it must be read again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) file: Option<Stamp>,
    /// The stamp of the file of this name in the tree; `None` if it must be read again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) named: Option<Stamp>,
    /// The version of each definition.
    pub(super) versions: Vec<Option<String>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) containers: Vec<Box<str>>,
}

impl CheckedFile {
    /// Returns the record of a file that was read.
    pub(super) fn new(
        digest: Digest,
        stamp: Option<Stamp>,
        definitions: &[CheckedDefinition],
        containers: Vec<Box<str>>,
    ) -> CheckedFile {
        let about = definitions.iter().map(|found| &found.about);
        let is_simple =
            about.clone().all(|about| about.relations.is_empty() && about.formerly.is_empty());
        CheckedFile {
            digest,
            file: stamp.filter(|_| is_simple),
            named: None,
            versions: about.map(|about| about.version.clone()).collect(),
            containers,
        }
    }

    /// True if the file of this name in the tree has been read, and is as it was then.
    pub(super) fn is_verified(&self, stat: Stat) -> bool {
        self.named.is_some() && self.named == Stamp::of(stat)
    }
}

/// The records of a catalog, by path.
#[derive(Default)]
pub(super) struct CheckedFiles(HashMap<Box<str>, Rc<CheckedFile>>);

impl CheckedFiles {
    /// Reads the record of the last publication. A missing one, or one of another version, has no
    /// files.
    ///
    /// # Errors
    /// [`ErrorKind::Store`](crate::ErrorKind::Store) if it cannot be read.
    pub(super) fn load(tree: &Tree<'_>) -> Result<CheckedFiles> {
        let path = tree.record();
        let reader = match tree.files.open(&path) {
            Err(error) if is_absent(&error) => return Ok(CheckedFiles::default()),
            opened => opened.on("read", &path)?,
        };
        let mut lines = BufReader::new(reader).split(b'\n');
        let first = lines.next().transpose().on("read", &path)?;
        if first.as_deref() != Some(FIRST_LINE.as_bytes()) {
            return Ok(CheckedFiles::default());
        }
        let mut rows = HashMap::new();
        for line in lines {
            let Ok((path, row)) = serde_json::from_slice(&line.on("read", &path)?) else {
                log::info!("{}: damaged; every file is read again", path.display());
                return Ok(CheckedFiles::default());
            };
            rows.insert(path, Rc::new(row));
        }
        Ok(CheckedFiles(rows))
    }

    /// Returns the record of a file of the catalog that was not changed since.
    pub(super) fn unchanged(&self, path: &EntryPath, stamp: Stamp) -> Option<&Rc<CheckedFile>> {
        self.0.get(path.as_str()).filter(|row| row.file == Some(stamp))
    }

    /// Returns the number of files.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

/// Writes the record of a publication that is complete, unless it is as before. Returns the warning
/// that it cannot be written: then the next publication reads the files again.
pub(super) fn save(session: &PublishSession<'_>, scanned: &Scanned) -> Option<Problem> {
    let started = session.started?;
    let saved = match scanned.files.len() {
        0..=MAX_UNRECORDED if scanned.recorded == 0 => Ok(()),
        0..=MAX_UNRECORDED => remove_if_any(session.tree.files, &session.tree.record()),
        _ => save_large(&session.tree, scanned, started),
    };
    saved.err().map(|error| Problem::warning(RECORD, error.to_chain()))
}

fn save_large(tree: &Tree<'_>, scanned: &Scanned, started: SystemTime) -> Result<()> {
    let named = scanned.files.iter().map(|file| match tree.layout {
        Layout::Separate => {
            let stat = stat_if_any(tree.files, &file.path.below(tree.dir))?;
            Ok(stat.and_then(Stamp::of).filter(|stamp| stamp.is_older_than(started)))
        }
        Layout::InPlace => Ok(None),
    });
    let named: Vec<Option<Stamp>> = named.collect::<Result<_>>()?;
    let is_same = |(file, named): (&ScannedFile, &Option<Stamp>)| {
        matches!(file.entry, EntryOfFile::Unchanged) && file.checked.named == *named
    };
    let is_as_before =
        scanned.recorded == scanned.files.len() && scanned.files.iter().zip(&named).all(is_same);
    if is_as_before {
        return Ok(());
    }
    replace(tree.files, &tree.record(), |out| {
        writeln!(out, "{FIRST_LINE}")?;
        for (file, named) in scanned.files.iter().zip(named) {
            let stamp = file.checked.file.filter(|stamp| stamp.is_older_than(started));
            let checked = CheckedFile { file: stamp, named, ..(*file.checked).clone() };
            serde_json::to_writer(&mut *out, &(file.path.as_str(), checked))?;
            out.write_all(b"\n")?;
        }
        Ok(())
    })
}

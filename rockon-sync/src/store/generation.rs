//! One committed state of one source: a directory that is itself a tree.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::{HELD_SUFFIX, Status};
use crate::base::digest::Digest;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::files::{FileKind, Files, is_absent, read_if_any, stat_if_any, walk};
use crate::base::limits::{MAX_HEAD_BYTES, MAX_MANIFEST_BYTES};
use crate::base::path::EntryPath;
use crate::tree::head::{DEFAULT_MANIFEST, Head};
use crate::tree::manifest::{Entry, List, Manifest};

/// The head's name in a generation, whatever it was called at the source.
pub(crate) const HEAD: &str = "root.sha";

/// A generation on disk.
#[derive(Debug, Clone)]
pub(crate) struct Generation {
    pub(crate) number: u64,
    pub(crate) dir: PathBuf,
}

/// What of a generation is not as it was committed.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Damage {
    /// Files of entries that are missing or have other bytes.
    pub(crate) entries: BTreeSet<EntryPath>,
    /// True if the manifest (v1: the list) is missing or has other bytes, or the head that has
    /// its digest cannot be read.
    pub(crate) of_the_tree: bool,
    /// True if the head is not the one that was committed.
    pub(crate) of_the_head: bool,
    /// Files that nobody asked for.
    pub(crate) strays: usize,
}

impl Damage {
    pub(crate) fn is_none(&self) -> bool {
        *self == Damage::default()
    }
}

impl Generation {
    /// The bytes of the head; `None` in a v1 generation.
    pub(crate) fn head_bytes(&self, files: &dyn Files) -> Result<Option<Vec<u8>>> {
        read_regular(files, &self.head_path(), MAX_HEAD_BYTES)
    }

    pub(crate) fn head_path(&self) -> PathBuf {
        self.dir.join(HEAD)
    }

    /// True if this generation is kept while the generation `current` is the current one.
    pub(crate) fn is_kept_beside(&self, current: u64) -> bool {
        self.number == current || self.number.checked_add(1) == Some(current)
    }

    /// Returns the head; `None` in a v1 generation.
    ///
    /// # Errors
    /// [`ErrorKind::Store`] and [`ErrorKind::Head`] if it cannot be read.
    pub(crate) fn head(&self, files: &dyn Files) -> Result<Option<Head>> {
        let bytes = self.head_bytes(files)?;
        let head = bytes.map(|bytes| Head::parse(&bytes)).transpose();
        head.map_err(|error| error.with_path(self.head_path()))
    }

    /// The bytes of `root.json`.
    pub(crate) fn list_bytes(&self, files: &dyn Files) -> Result<Option<Vec<u8>>> {
        read_regular(files, &self.list_path(), MAX_MANIFEST_BYTES)
    }

    pub(crate) fn list_path(&self) -> PathBuf {
        self.dir.join(DEFAULT_MANIFEST)
    }

    /// The file that says what is held where that is not simply the manifest.
    pub(crate) fn held_path(&self) -> PathBuf {
        let mut path = self.dir.as_os_str().to_owned();
        path.push(HELD_SUFFIX);
        path.into()
    }

    /// Whether every entry of the manifest is held in the version it names.
    pub(crate) fn is_complete(&self, files: &dyn Files) -> Result<bool> {
        Ok(stat_if_any(files, &self.held_path())?.is_none())
    }

    /// What is held: each entry with the digest of the file that is really there.
    ///
    /// # Errors
    /// [`ErrorKind::Store`] and [`ErrorKind::Manifest`] if neither the record of
    /// what is held nor the manifest can be read.
    pub(crate) fn held(&self, files: &dyn Files) -> Result<Manifest> {
        let path = self.held_path();
        match files.open(&path) {
            Ok(reader) => {
                return Manifest::read_for_use(reader, None).map_err(|error| error.with_path(path));
            }
            Err(error) if is_absent(&error) => {}
            Err(error) => return Err(Error::io("read this file", &path, error)),
        }
        match stat_if_any(files, &self.head_path())? {
            Some(_) => self.manifest(files),
            None => self.held_by_listing(files),
        }
    }

    /// The manifest of a v2 generation.
    ///
    /// # Errors
    /// [`ErrorKind::Store`] and [`ErrorKind::Manifest`] if it cannot be read.
    pub(crate) fn manifest(&self, files: &dyn Files) -> Result<Manifest> {
        let path = self.list_path();
        let reader = files.open(&path);
        let reader = reader.map_err(|error| Error::io("read this file", &path, error))?;
        Manifest::read_for_use(reader, None).map_err(|error| error.with_path(path))
    }

    /// What is held of a v1 tree whose record is lost: whatever its files are now.
    fn held_by_listing(&self, files: &dyn Files) -> Result<Manifest> {
        let Some(bytes) = self.list_bytes(files)? else {
            let message = "there is neither a head nor a root.json";
            return Err(Error::new(ErrorKind::Store, message).with_path(&self.dir));
        };
        let mut entries = Vec::new();
        for row in List::parse(&bytes).map_err(|e| e.with_path(self.list_path()))?.rows() {
            if let Some((digest, len_bytes)) = digest_if_any(files, &row.path.below(&self.dir))? {
                let entry = Entry::new(row.id.as_str(), row.path.clone(), digest)?;
                entries.push(entry.with_size(len_bytes));
            }
        }
        Manifest::from_entries(entries)
    }

    /// Size and time of every file, in one number that does not depend on the order
    /// of listing. `None` if something is there that is not a regular file.
    ///
    /// # Errors
    /// [`ErrorKind::Store`] if the directory cannot be listed.
    pub(crate) fn fingerprint(&self, files: &dyn Files) -> Result<Option<String>> {
        let mut sum = 0_u128;
        let mut is_regular = true;
        walk(files, &self.dir, &mut |path, stat| {
            is_regular &= stat.kind == FileKind::File;
            let text = format!("{} {} {}", stat.len_bytes, stat.mtime_ns, path.display());
            let digest = Digest::of(text.as_bytes());
            let half = digest.as_bytes()[..16].try_into().expect("a digest has 32 bytes");
            sum = sum.wrapping_add(u128::from_be_bytes(half));
            Ok(())
        })?;
        Ok(is_regular.then(|| format!("{sum:032x}")))
    }

    /// Compares every file with its digest. Nothing in a generation has the digest of its head
    /// (v1: of its list): `status` has, if it is of this generation.
    ///
    /// # Errors
    /// [`ErrorKind::Store`] if something cannot be read for another reason than
    /// not being there.
    pub(crate) fn damage(
        &self,
        files: &dyn Files,
        held: &Manifest,
        status: &Status,
    ) -> Result<Damage> {
        let mut damage = Damage::default();
        let mut expected: BTreeSet<&str> = BTreeSet::new();
        for entry in held.entries() {
            expected.insert(entry.path().as_str());
            let found = digest_if_any(files, &entry.path().below(&self.dir))?;
            if found.map(|(digest, _)| digest) != Some(entry.digest()) {
                damage.entries.insert(entry.path().clone());
            }
        }
        // A head that cannot be read is healed like one that is damaged.
        let head = self.head(files);
        match &head {
            Ok(Some(head)) => {
                expected.extend([HEAD, DEFAULT_MANIFEST, head.manifest().as_str()]);
                for name in [DEFAULT_MANIFEST, head.manifest().as_str()] {
                    let found = digest_if_any(files, &self.dir.join(name))?;
                    damage.of_the_tree |= found.map(|(digest, _)| digest) != Some(head.digest());
                }
                let bytes = self.head_bytes(files)?.unwrap_or_default();
                damage.of_the_head = status.contradicts(self, &bytes);
            }
            Ok(None) if stat_if_any(files, &self.head_path())?.is_none() => {
                expected.insert(DEFAULT_MANIFEST);
                let bytes = self.list_bytes(files)?;
                let is_whole = bytes.is_some_and(|bytes| {
                    List::parse(&bytes).is_ok() && !status.contradicts(self, &bytes)
                });
                damage.of_the_tree |= !is_whole;
            }
            Ok(None) | Err(_) => {
                damage.of_the_tree = true;
                damage.of_the_head = true;
            }
        }
        walk(files, &self.dir, &mut |path, stat| {
            let known = path.to_str().is_some_and(|path| expected.contains(path));
            damage.strays += usize::from(!known || stat.kind != FileKind::File);
            Ok(())
        })?;
        Ok(damage)
    }
}

/// Reads a regular file; what is no such file is as good as missing, and healed like it.
fn read_regular(files: &dyn Files, path: &Path, max_bytes: u64) -> Result<Option<Vec<u8>>> {
    match stat_if_any(files, path)? {
        Some(stat) if stat.kind == FileKind::File => read_if_any(files, path, max_bytes),
        _ => Ok(None),
    }
}

/// The digest and size of a regular file; `None` if there is none.
pub(crate) fn digest_if_any(files: &dyn Files, path: &Path) -> Result<Option<(Digest, u64)>> {
    if !matches!(stat_if_any(files, path)?, Some(stat) if stat.kind == FileKind::File) {
        return Ok(None);
    }
    let read = files.open(path).and_then(|mut reader| Digest::of_reader(&mut reader));
    match read {
        Ok(found) => Ok(Some(found)),
        Err(error) if is_absent(&error) => Ok(None),
        Err(error) => Err(Error::io("read this file", path, error)),
    }
}

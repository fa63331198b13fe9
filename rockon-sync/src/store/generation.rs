//! A generation: one committed state of one source, in a directory that is itself a tree.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::Status;
use crate::base::digest::Digest;
use crate::base::error::{Error, ErrorKind, IoContext, Result};
use crate::base::files::{
    FileKind, Files, digest_if_any, has_digest, read_regular, stat_if_any, walk,
};
use crate::base::limits::{MAX_HEAD_BYTES, MAX_LIST_BYTES};
use crate::base::path::EntryPath;
use crate::tree::head::{DEFAULT_MANIFEST, Head};
use crate::tree::manifest::{Entry, List, Manifest};
use crate::tree::note::list;

/// Suffix of the record: the current manifest, beside a generation.
pub(super) const RECORD_SUFFIX: &str = ".held";

/// Name of the head in a generation, whatever its name at the source.
pub(crate) const HEAD: &str = "root.sha";

/// A generation on disk.
#[derive(Debug, Clone)]
pub(crate) struct Generation {
    pub(crate) number: u64,
    pub(crate) dir: PathBuf,
}

/// The differences between a generation and its state at the commit.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Damage {
    /// Files of entries that are missing or have other bytes.
    pub(crate) entries: BTreeSet<EntryPath>,
    /// True if the manifest (v1: the list) is missing or has other bytes, or if the head with
    /// its digest cannot be read.
    pub(crate) is_manifest_damaged: bool,
    /// True if the head differs from the committed one.
    pub(crate) is_head_damaged: bool,
    /// Number of files that do not belong to the generation.
    pub(crate) strays: usize,
}

impl Damage {
    pub(crate) fn is_none(&self) -> bool {
        *self == Damage::default()
    }
}

/// Returns the number after this one. The highest, which only a stray directory has, is followed
/// by the first.
pub(super) fn number_after(number: u64) -> u64 {
    number.checked_add(1).unwrap_or(1)
}

/// True if the generation `number` is kept while `current` is the current one.
pub(super) fn is_kept(number: u64, current: u64) -> bool {
    number == current || number_after(number) == current
}

impl Generation {
    /// Returns the bytes of the head; `None` in a v1 generation.
    pub(crate) fn head_bytes(&self, files: &dyn Files) -> Result<Option<Vec<u8>>> {
        read_regular(files, &self.head_path(), MAX_HEAD_BYTES)
    }

    pub(crate) fn head_path(&self) -> PathBuf {
        self.dir.join(HEAD)
    }

    /// Returns the head; `None` in a v1 generation.
    ///
    /// # Errors
    /// [`ErrorKind::Store`] and [`ErrorKind::Head`] if it cannot be read.
    pub(crate) fn head(&self, files: &dyn Files) -> Result<Option<Head>> {
        self.head_bytes(files)?
            .map(|bytes| Head::parse(&bytes))
            .transpose()
            .map_err(|error| error.with_path(self.head_path()))
    }

    /// Returns the bytes of `root.json`.
    pub(crate) fn list_bytes(&self, files: &dyn Files) -> Result<Option<Vec<u8>>> {
        read_regular(files, &self.list_path(), MAX_LIST_BYTES)
    }

    fn neither(&self) -> Error {
        Error::new(ErrorKind::Store, "expected root.sha or root.json, got neither")
            .with_path(&self.dir)
    }

    pub(crate) fn list_path(&self) -> PathBuf {
        self.dir.join(DEFAULT_MANIFEST)
    }

    /// Returns the path of the record. It exists if the current manifest differs from
    /// `root.json`.
    pub(crate) fn record_path(&self) -> PathBuf {
        self.beside(RECORD_SUFFIX)
    }

    /// Returns the path of a file beside the generation.
    pub(super) fn beside(&self, suffix: &str) -> PathBuf {
        let mut path = self.dir.as_os_str().to_owned();
        path.push(suffix);
        path.into()
    }

    /// Returns the digest of the head; in a v1 generation, of the list.
    ///
    /// # Errors
    /// [`ErrorKind::Store`], also if both are missing.
    pub(super) fn digest(&self, files: &dyn Files) -> Result<Digest> {
        match self.head_bytes(files)? {
            Some(head) => Ok(Digest::of(&head)),
            None => match self.list_bytes(files)? {
                Some(list) => Ok(Digest::of(&list)),
                None => Err(self.neither()),
            },
        }
    }

    /// True if the generation has every entry of its manifest in the version named there.
    pub(crate) fn is_complete(&self, files: &dyn Files) -> Result<bool> {
        Ok(stat_if_any(files, &self.record_path())?.is_none())
    }

    /// Returns the current manifest: each entry with the digest of the file on disk.
    ///
    /// # Errors
    /// [`ErrorKind::Store`] and [`ErrorKind::Manifest`] if neither the record nor the manifest
    /// can be read.
    pub(crate) fn current_manifest(&self, files: &dyn Files) -> Result<Manifest> {
        match self.manifest_path(files)? {
            Some(path) => {
                let reader = files.open(&path).on("read this file", &path)?;
                Manifest::read_for_use(reader).map_err(|error| error.with_path(path))
            }
            None => self.manifest_from_list(files),
        }
    }

    /// Passes each entry of the current manifest to `take`, without having all of them in memory.
    ///
    /// # Errors
    /// Those of [`current_manifest`](Self::current_manifest); earlier entries have been passed on.
    pub(crate) fn for_each_entry(
        &self,
        files: &dyn Files,
        take: &mut dyn FnMut(Entry),
    ) -> Result<()> {
        match self.manifest_path(files)? {
            Some(path) => {
                let reader = files.open(&path).on("read this file", &path)?;
                Manifest::for_each(reader, take).map_err(|error| error.with_path(path))
            }
            None => {
                let manifest = self.manifest_from_list(files)?;
                manifest.entries().iter().cloned().for_each(take);
                Ok(())
            }
        }
    }

    /// Returns the path of the current manifest: the record, or else the manifest of a v2
    /// generation. `None` in a v1 generation without a record.
    ///
    /// # Errors
    /// [`ErrorKind::Store`] if the generation cannot be examined.
    pub(crate) fn manifest_path(&self, files: &dyn Files) -> Result<Option<PathBuf>> {
        if !self.is_complete(files)? {
            return Ok(Some(self.record_path()));
        }
        Ok(stat_if_any(files, &self.head_path())?.map(|_| self.list_path()))
    }

    /// Returns the current manifest of a v1 generation without a record: its files as they are.
    fn manifest_from_list(&self, files: &dyn Files) -> Result<Manifest> {
        let Some(bytes) = self.list_bytes(files)? else {
            return Err(self.neither());
        };
        let list = List::parse(&bytes).map_err(|error| error.with_path(self.list_path()))?;
        let mut entries = Vec::new();
        for row in list.rows() {
            if let Some((digest, len_bytes)) = digest_if_any(files, &row.path.below(&self.dir))? {
                let entry = Entry::new(row.id.as_str(), row.path.clone(), digest)?;
                entries.push(entry.with_size(len_bytes));
            }
        }
        Manifest::from_entries(entries)
    }

    /// Compares every file with its digest. The digest of the head (v1: of the list) is not in
    /// the generation, but in `status`, if that describes this generation.
    ///
    /// # Errors
    /// [`ErrorKind::Store`] if an existing file cannot be read.
    pub(crate) fn damage(
        &self,
        files: &dyn Files,
        current: &Manifest,
        status: &Status,
    ) -> Result<Damage> {
        let mut damage = Damage::default();
        let mut expected: BTreeSet<&str> = BTreeSet::new();
        for entry in current.entries() {
            expected.insert(entry.path().as_str());
            if !has_digest(files, &entry.path().below(&self.dir), entry.digest())? {
                damage.entries.insert(entry.path().clone());
            }
        }
        let head = self.head(files);
        let mut newest_list = 0;
        match &head {
            Ok(Some(head)) => {
                newest_list = head.keys().unwrap_or(0);
                expected.extend([HEAD, DEFAULT_MANIFEST, head.manifest().as_str()]);
                for name in [DEFAULT_MANIFEST, head.manifest().as_str()] {
                    let path = self.dir.join(name);
                    damage.is_manifest_damaged |= !has_digest(files, &path, head.digest())?;
                }
                let bytes = self.head_bytes(files)?.unwrap_or_default();
                damage.is_head_damaged = status.contradicts(self, &bytes);
            }
            Ok(None) if stat_if_any(files, &self.head_path())?.is_none() => {
                expected.insert(DEFAULT_MANIFEST);
                let bytes = self.list_bytes(files)?;
                let is_whole = bytes.is_some_and(|bytes| {
                    List::parse(&bytes).is_ok() && !status.contradicts(self, &bytes)
                });
                damage.is_manifest_damaged |= !is_whole;
            }
            // An update repairs an unreadable head like a damaged one.
            Ok(None) | Err(_) => {
                damage.is_manifest_damaged = true;
                damage.is_head_damaged = true;
            }
        }
        walk(files, &self.dir, &mut |path, stat| {
            let is_list = |path| list::version_at(path).is_some_and(|n| n <= newest_list);
            let is_expected =
                path.to_str().is_some_and(|path| expected.contains(path) || is_list(path));
            damage.strays += usize::from(!is_expected || stat.kind != FileKind::File);
            Ok(())
        })?;
        Ok(damage)
    }
}

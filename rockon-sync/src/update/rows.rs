//! Manifests on disk in canonical form, which every stage reads row by row.

use std::io::Read;
use std::path::{Path, PathBuf};

use super::session::Session;
use crate::base::digest::Digest;
use crate::base::error::{IoContext, Result};
use crate::base::files::Files;
use crate::store::cannot_keep;
use crate::tree::manifest::{
    Form, Manifest, NO_ENTRIES, RowSource, RowWriter, Stretch, bytes_from, form_of,
};

/// A manifest in canonical form on disk. By default, it has no entries.
#[derive(Debug, Clone, Default)]
pub(super) struct ManifestOnDisk {
    path: Option<PathBuf>,
    /// The part in which it may differ from the current manifest.
    pub(super) differs: Stretch,
}

impl ManifestOnDisk {
    /// Returns the manifest at `path`, which is in canonical form.
    pub(super) fn at(path: PathBuf) -> ManifestOnDisk {
        ManifestOnDisk { path: Some(path), ..ManifestOnDisk::default() }
    }

    /// True if this is the manifest at `path`.
    pub(super) fn is_at(&self, path: &Path) -> bool {
        self.path.as_deref() == Some(path)
    }

    /// Returns the manifest at `path`; `None` if it is not in canonical form.
    pub(super) fn if_canonical(
        session: &Session<'_>,
        path: PathBuf,
    ) -> Result<Option<ManifestOnDisk>> {
        let found = ManifestOnDisk::at(path);
        let form = found.form(session)?;
        Ok(Some(found).filter(|_| form == Form::Canonical))
    }

    /// Returns the form of a manifest that satisfies all rules.
    pub(super) fn form(&self, session: &Session<'_>) -> Result<Form> {
        form_of(self.source(session).rows()?)
    }

    /// Returns the manifest in staging that has this digest.
    pub(super) fn staged(session: &Session<'_>, digest: Digest) -> ManifestOnDisk {
        ManifestOnDisk::at(session.store.staging.path(digest))
    }

    /// Returns the source of its rows.
    pub(super) fn source<'a>(&'a self, session: &'a Session<'_>) -> DiskSource<'a> {
        DiskSource { files: session.store.files, path: self.path.clone() }
    }
}

/// The rows of a manifest on disk; none without a path.
pub(crate) struct DiskSource<'a> {
    pub(crate) files: &'a dyn Files,
    pub(crate) path: Option<PathBuf>,
}

impl RowSource for DiskSource<'_> {
    fn open_at(&self, offset: u64) -> Result<Box<dyn Read + '_>> {
        match &self.path {
            Some(path) => Ok(self.files.open_at(path, offset).on("read this file", path)?),
            None => Ok(Box::new(bytes_from(NO_ENTRIES, offset))),
        }
    }
}

/// Puts a manifest into staging, and returns the digest of its canonical form.
pub(super) fn keep_manifest(session: &Session<'_>, manifest: &Manifest) -> Result<Digest> {
    keep_rows(session, |rows| {
        manifest.sorted().try_for_each(|entry| rows.put_entry(entry).map_err(cannot_keep))
    })
}

/// Puts the manifest of the rows that `write` writes into staging, and returns its digest.
pub(super) fn keep_rows(
    session: &Session<'_>,
    write: impl FnOnce(&mut RowWriter<'_>) -> Result<()>,
) -> Result<Digest> {
    let mut out = session.store.staging.begin_hashed()?;
    let mut rows = RowWriter::new(&mut out);
    write(&mut rows)?;
    rows.finish().map_err(cannot_keep)?;
    let (part, digest, _) = out.finish()?;
    part.keep(digest)?;
    Ok(digest)
}

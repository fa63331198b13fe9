//! The remote manifest: the list of a v1 tree, or a manifest that is in the current generation,
//! in staging, in a pack, or at a mirror.

use std::path::PathBuf;
use std::sync::atomic::AtomicU64;

use super::ask::{Index, Remote};
use super::fetch::{FileToFetch, Packs, fetch_into_staging};
use super::mirrors::Failure;
use super::progress::Reporter;
use super::rows::{ManifestOnDisk, keep_manifest};
use super::session::{Context, Session};
use super::steps::RemoteManifest;
use crate::base::digest::Digest;
use crate::base::error::{Error, ErrorKind, IoContext, Result, excerpt};
use crate::base::files::stat_if_any;
use crate::base::limits::MAX_LIST_BYTES;
use crate::tree::head::Head;
use crate::tree::manifest::{Form, Manifest, RowSource, Stretch, check, check_together, form_of};

/// The remote manifest, with what was learned on the way to it.
pub(super) struct FoundManifest {
    /// Without entries if the remote has a list instead.
    pub(super) manifest: ManifestOnDisk,
    /// The form of the file that was published.
    pub(super) form: Form,
    /// The place of the verified file of the manifest or list.
    pub(super) file: ManifestFile,
    /// The packs that lead to it and have not turned out to be useless.
    pub(super) packs: Packs,
}

/// The place of a verified manifest or list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ManifestFile {
    /// In the current generation.
    Current,
    /// In staging, under this digest.
    Staged(Digest),
}

/// The rules that a manifest may still violate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unchecked {
    Nothing,
    /// It may have another form than the canonical one.
    Form,
    /// Those that concern all entries together.
    Together,
    Everything,
}

/// A manifest that came in a pack.
pub(super) struct UnpackedManifest {
    pub(super) unchecked: Unchecked,
    /// The part in which it may differ from the current manifest.
    pub(super) differs: Stretch,
}

impl FoundManifest {
    /// Passes the manifest or list that a plan leads to to `act`.
    pub(super) fn with_contents<T>(
        &self,
        session: &Session<'_>,
        remote: &Remote,
        act: impl FnOnce(RemoteManifest<'_>) -> Result<T>,
    ) -> Result<T> {
        match &remote.index {
            Index::Head(_) => {
                let rows = self.manifest.source(session);
                act(RemoteManifest::Rows(&rows, self.manifest.differs))
            }
            Index::List(list) => act(RemoteManifest::List(list)),
        }
    }
}

/// Finds the manifest that `remote` leads to.
///
/// # Errors
/// [`ErrorKind::Manifest`] if it is invalid, what the mirrors answer, and what ends the update.
pub(super) fn find(context: Context<'_>, progress: &mut Reporter<'_>) -> Result<FoundManifest> {
    let Context { session, local, remote } = context;
    let Index::Head(head) = &remote.index else {
        let file = match remote.is_current {
            true => ManifestFile::Current,
            false => keep_list(session, &remote.bytes)?,
        };
        let (manifest, packs) = (ManifestOnDisk::default(), Packs::default());
        return Ok(FoundManifest { manifest, form: Form::Other, file, packs });
    };
    let mut packs = Packs::offered(context, head)?;
    let mut differs = Stretch::default();
    let (file, unchecked) = match on_disk(context, head)? {
        Some(file @ ManifestFile::Current) => match local.form {
            Form::Canonical => (file, Unchecked::Nothing),
            Form::Other => (file, Unchecked::Form),
        },
        Some(file @ ManifestFile::Staged(_)) => (file, Unchecked::Everything),
        None => {
            let unchecked = match packs.bring_manifest(context, progress, head)? {
                Some(manifest) => {
                    differs = manifest.differs;
                    manifest.unchecked
                }
                None => {
                    fetch(session, remote, head).map_err(Failure::into_error)?;
                    Unchecked::Everything
                }
            };
            (ManifestFile::Staged(head.digest()), unchecked)
        }
    };
    let path = match (file, &local.generation) {
        (ManifestFile::Current, Some(generation)) => generation.list_path(),
        _ => session.store.staging.path(head.digest()),
    };
    let (mut manifest, form) = checked(session, head, path, unchecked).map_err(|error| {
        error.with_url(match remote.mirrors.best() {
            Some(mirror) => mirror.address(head.manifest()).to_string(),
            None => remote.address.to_string(),
        })
    })?;
    manifest.differs = differs;
    Ok(FoundManifest { manifest, form, file, packs })
}

/// Puts a list into staging.
fn keep_list(session: &Session<'_>, bytes: &[u8]) -> Result<ManifestFile> {
    let digest = Digest::of(bytes);
    session.store.staging.keep(bytes, digest)?;
    Ok(ManifestFile::Staged(digest))
}

/// Looks for the manifest on disk.
fn on_disk(context: Context<'_>, head: &Head) -> Result<Option<ManifestFile>> {
    let Context { session, local, .. } = context;
    if local.base(session).is_some_and(|base| base.digest() == head.digest()) {
        return Ok(Some(ManifestFile::Current));
    }
    let is_staged = session.store.staging.has(head.digest())?;
    Ok(is_staged.then_some(ManifestFile::Staged(head.digest())))
}

/// Fetches the manifest without a pack.
fn fetch(session: &Session<'_>, remote: &Remote, head: &Head) -> Result<(), Failure> {
    let file = FileToFetch {
        path: head.manifest(),
        digest: head.digest(),
        max_bytes: head.max_manifest_bytes(),
        objects: head.by_sha(),
    };
    fetch_into_staging(session, &remote.mirrors, &file, &AtomicU64::new(0))
}

/// Checks the manifest at `path`, and brings it into canonical form. Returns the form it had, too.
///
/// # Errors
/// [`ErrorKind::Manifest`] and [`ErrorKind::Limit`] if it violates a rule.
fn checked(
    session: &Session<'_>,
    head: &Head,
    path: PathBuf,
    unchecked: Unchecked,
) -> Result<(ManifestOnDisk, Form)> {
    let manifest = ManifestOnDisk::at(path.clone());
    let source = manifest.source(session);
    let form = match unchecked {
        Unchecked::Nothing => Form::Canonical,
        Unchecked::Form => form_of(source.rows()?)?,
        Unchecked::Together => check_together(&source).map(|()| Form::Canonical)?,
        Unchecked::Everything => check(&source)?,
    };
    let manifest = match form {
        Form::Canonical => manifest,
        Form::Other => {
            let size_bytes = stat_if_any(session.store.files, &path)?.map_or(0, |s| s.len_bytes);
            if size_bytes > MAX_LIST_BYTES {
                return Err(Error::new(
                    ErrorKind::Limit,
                    format!(
                        "expected the canonical form of a manifest of more than {MAX_LIST_BYTES} \
                         bytes"
                    ),
                ));
            }
            let reader = session.store.files.open(&path).on("read this file", &path)?;
            let digest = keep_manifest(session, &Manifest::read_other_form(reader)?)?;
            ManifestOnDisk::staged(session, digest)
        }
    };
    check_own_name(session, head, &manifest)?;
    Ok((manifest, form))
}

/// Fails if an entry has the file name of the manifest itself.
fn check_own_name(session: &Session<'_>, head: &Head, manifest: &ManifestOnDisk) -> Result<()> {
    // No entry has a reserved name.
    if head.manifest().is_reserved() {
        return Ok(());
    }
    let own_name = head.manifest().folded();
    let source = manifest.source(session);
    let mut rows = source.rows()?;
    while let Some(row) = rows.next()? {
        if row.path()?.folded() == own_name {
            return Err(Error::new(
                ErrorKind::Manifest,
                format!("entry {:?} has the file name of the manifest itself", excerpt(row.id)),
            ));
        }
    }
    Ok(())
}

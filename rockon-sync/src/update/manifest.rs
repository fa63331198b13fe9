//! The remote manifest: the list of a v1 tree, or a manifest that is in the current generation,
//! in staging, in a pack, or at a mirror.

use std::sync::atomic::AtomicU64;

use super::ask::{Index, Remote};
use super::fetch::{FileToFetch, Packs, fetch_into_staging};
use super::mirrors::Failure;
use super::plan::RemoteManifest;
use super::progress::Reporter;
use super::session::{Context, Session};
use crate::base::digest::Digest;
use crate::base::error::{Error, ErrorKind, IoContext, Result};
use crate::tree::head::Head;
use crate::tree::manifest::Manifest;

/// The remote manifest, with what was learned on the way to it.
pub(super) struct FoundManifest {
    /// Empty if the remote has a list instead.
    pub(super) manifest: Manifest,
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

impl FoundManifest {
    /// The manifest or list that a plan leads to.
    pub(super) fn contents<'a>(&'a self, remote: &'a Remote) -> RemoteManifest<'a> {
        match &remote.index {
            Index::Head(_) => RemoteManifest::Manifest(&self.manifest),
            Index::List(list) => RemoteManifest::List(list),
        }
    }
}

/// Finds the manifest that `remote` leads to.
///
/// # Errors
/// [`ErrorKind::Manifest`] if it is invalid, what the mirrors answer, and what ends the update.
pub(super) fn find(context: Context<'_>, progress: &mut Reporter<'_>) -> Result<FoundManifest> {
    let Context { session, remote, .. } = context;
    let Index::Head(head) = &remote.index else {
        let file = match remote.is_current {
            true => ManifestFile::Current,
            false => keep_list(session, &remote.bytes)?,
        };
        return Ok(FoundManifest { manifest: Manifest::default(), file, packs: Packs::default() });
    };
    let mut packs = Packs::offered(context, head)?;
    let file = match on_disk(context, head)? {
        Some(file) => file,
        None => {
            if !packs.bring_manifest(context, progress, head)? {
                fetch(session, remote, head).map_err(Failure::into_error)?;
            }
            ManifestFile::Staged(head.digest())
        }
    };
    let manifest = read(context, head, file)?;
    Ok(FoundManifest { manifest, file, packs })
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

fn read(context: Context<'_>, head: &Head, file: ManifestFile) -> Result<Manifest> {
    let Context { session, local, remote } = context;
    let path = match (file, &local.generation) {
        (ManifestFile::Current, Some(generation)) => generation.list_path(),
        _ => session.store.staging.path(head.digest()),
    };
    let shown = || match remote.mirrors.best() {
        Some(mirror) => mirror.address(head.manifest()).to_string(),
        None => remote.address.to_string(),
    };
    let reader = session.store.files.open(&path).on("read", &path)?;
    let manifest = Manifest::read_for_use(reader, Some(&local.manifest))
        .map_err(|error| error.with_url(shown()))?;
    let own_name = head.manifest().folded();
    if let Some(entry) = manifest.entries().iter().find(|e| e.path().folded() == own_name) {
        return Err(Error::new(
            ErrorKind::Manifest,
            format!("entry {:?} has the file name of the manifest itself", entry.id()),
        )
        .with_url(shown()));
    }
    Ok(manifest)
}

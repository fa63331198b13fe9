//! Importing a bundle: an update whose pack is already there, and for which no mirror is asked.

use std::io;
use std::path::{Path, PathBuf};

use super::ask::{Index, Remote};
use super::current::Current;
use super::fetch::copy_from_pack;
use super::head::{Offered, check_head, newer_head};
use super::keys::{self, ListsAt};
use super::mirrors::Mirrors;
use super::session::Session;
use crate::base::digest::Digest;
use crate::base::error::{Error, ErrorKind, IoContext, Result};
use crate::base::files::{FileKind, Files, read_if_any, stat_if_any};
use crate::base::limits::{MAX_HEAD_BYTES, MAX_MANIFEST_BYTES, MAX_PACK_BYTES};
use crate::net::address::Address;
use crate::net::transport::Validators;
use crate::tree::head::{DEFAULT_MANIFEST, Head};
use crate::tree::pack::{self, PackName};

/// The places of a bundle's head, from the bundle's directory: beside it, or as in a published
/// tree.
const HEADS: &[&str] = &["root.sha", "../root.sha", "../root.v2.sha"];

/// A bundle that can be unpacked, or is not needed.
pub(super) enum Opened {
    Remote(Box<Remote>),
    /// It is older than this head, which the store knows.
    Stale(Head),
}

/// Puts a bundle where a downloaded pack would be, and reads the head from beside it.
///
/// # Errors
/// [`ErrorKind::NotFound`], [`ErrorKind::Integrity`] if it is not a bundle, [`ErrorKind::Trust`]
/// and [`ErrorKind::Expired`] for its head, and what ends the update.
pub(super) fn open(session: &Session<'_>, current: &Current, bundle: &Path) -> Result<Opened> {
    let at_bundle = |error| session.in_staging(error).with_path(bundle);
    let digest = keep_manifest(session, bundle).map_err(at_bundle)?;
    let (bytes, address) = find_head(session, bundle, digest)?;
    let shown = address.display().to_string();
    let at = |error: Error| match error.path() {
        None => error.with_path(&address),
        Some(_) => error,
    };
    let head = Head::parse(&bytes).map_err(at)?;
    let beside = ListsAt::Dir(address.parent().unwrap_or(Path::new("/")));
    let keys = keys::follow(session, &session.keys, &head, &beside).map_err(at)?;
    let offered = Offered { head: &head, keys: &keys, shown: &shown };
    check_head(session, &bytes, &offered).map_err(at)?;
    let is_current = current.head.as_ref() == Some(&bytes);
    if !is_current && let Some(newer) = newer_head(session, current, &offered) {
        return Ok(Opened::Stale(newer));
    }
    keep_pack(session, bundle, digest).map_err(at_bundle)?;
    Ok(Opened::Remote(Box::new(Remote {
        index: Index::Head(head),
        bytes,
        is_current,
        address: Address::File(address),
        validators: Validators::default(),
        keys,
        mirrors: Mirrors::none(),
    })))
}

/// Puts the manifest of a bundle into staging, and returns its digest.
fn keep_manifest(session: &Session<'_>, bundle: &Path) -> Result<Digest> {
    let file = session.store.files.open(bundle).on("read", bundle)?;
    let mut out = session.store.staging.begin_hashed()?;
    pack::bundled_manifest(file, MAX_MANIFEST_BYTES, &mut |content| {
        copy_from_pack(session, content, &mut out, MAX_MANIFEST_BYTES)
    })?;
    let (part, digest, _) = out.finish()?;
    let name = bundle.file_name().and_then(|name| PackName::parse(name.to_str()?));
    if let Some(name) = name.filter(|name| !name.leads_to(digest)) {
        return Err(Error::new(
            ErrorKind::Integrity,
            format!("{name} has another manifest, {digest}"),
        ));
    }
    part.keep(digest)?;
    Ok(digest)
}

/// Copies a bundle into staging, as the pack that it is.
fn keep_pack(session: &Session<'_>, bundle: &Path, digest: Digest) -> Result<()> {
    let name = PackName::new(None, digest);
    session.store.staging.drop_pack(&name)?;
    let mut file = session.store.files.open(bundle).on("read", bundle)?;
    let mut partial = session.store.staging.resume_pack(&name)?;
    copy_from_pack(session, &mut file, &mut partial, MAX_PACK_BYTES)
}

/// The head that leads to this manifest, and where it is: one beside the bundle, or one that is
/// made up of the digest alone.
fn find_head(session: &Session<'_>, bundle: &Path, digest: Digest) -> Result<(Vec<u8>, PathBuf)> {
    let directory = bundle.parent().unwrap_or(Path::new("/"));
    let beside = HEADS.iter().map(|name| directory.join(name));
    if let Some(found) = head_among(session.store.files, beside, digest)? {
        return Ok(found);
    }
    if session.keys.is_empty() {
        let shown = bundle.display();
        let unknown = "no head beside the bundle, so its age is unknown";
        session.warnings.add(format!("{shown}: {unknown}"));
        let unsigned = format!("{digest}  {DEFAULT_MANIFEST}\n");
        return Ok((unsigned.into_bytes(), bundle.to_owned()));
    }
    Err(Error::new(
        ErrorKind::Trust,
        "expected a signed head beside the bundle, root.sha, found none that leads to its manifest",
    )
    .with_path(bundle))
}

/// The first of these files that is a head of this manifest, with its path.
fn head_among(
    files: &dyn Files,
    paths: impl Iterator<Item = PathBuf>,
    digest: Digest,
) -> Result<Option<(Vec<u8>, PathBuf)>> {
    for path in paths {
        // An error is not an absence: a head without a serial must not replace one that only
        // cannot be read.
        let bytes = match stat_if_any(files, &path)? {
            Some(stat) if stat.kind == FileKind::File && stat.len_bytes <= MAX_HEAD_BYTES => {
                read_if_any(files, &path, MAX_HEAD_BYTES)?
            }
            _ => None,
        };
        match bytes {
            Some(bytes) if Head::parse(&bytes).is_ok_and(|head| head.digest() == digest) => {
                return Ok(Some((bytes, path)));
            }
            Some(_) => log::info!("{} does not lead to the bundle", path.display()),
            None => {}
        }
    }
    Ok(None)
}

/// The real path of a bundle.
///
/// # Errors
/// [`ErrorKind::NotFound`] if there is no such file, else [`ErrorKind::Store`].
pub(super) fn real_path(bundle: &Path) -> Result<PathBuf> {
    bundle.canonicalize().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => {
            Error::new(ErrorKind::NotFound, "no such bundle").with_path(bundle)
        }
        _ => Error::io("read", bundle, error),
    })
}

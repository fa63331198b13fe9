//! A first sync: from a bundle straight into the tree that becomes the next generation.
//!
//! A bundle has its files in byte order of their ids, like the rows of the manifest. So both are
//! read side by side, with one row and one file in memory.

use std::io::Read;

use super::unpack::{archive_bytes, copy_from_pack, wrong_digest};
use super::{MissingFile, Unpacked};
#[cfg(doc)]
use crate::base::error::ErrorKind;
use crate::base::error::Result;
use crate::base::limits::MAX_FILE_BYTES;
use crate::store::StagedTree;
use crate::tree::manifest::{Row, RowSource, Rows};
use crate::tree::pack::{self, PackedFile};
use crate::update::session::{Session, ends_the_update};

/// Unpacks a bundle of the manifest `remote` into a tree.
///
/// # Errors
/// [`ErrorKind::Integrity`] if the bundle is invalid: then the files unpacked so far are in staging
/// under their digests. Errors that end the update: then the bundle is unpacked again by the next
/// one.
pub(super) fn unpack_first(
    session: &Session<'_>,
    bundle: impl Read,
    remote: &dyn RowSource,
) -> Result<Unpacked> {
    let mut tree = session.store.staging.begin_tree()?;
    match fill(session, &mut tree, bundle, remote) {
        Ok(missing) => Ok(Unpacked { tree: Some(tree), missing }),
        Err(error) if ends_the_update(&error) => Err(error),
        Err(error) => {
            move_out(session, tree, remote.rows()?)?;
            Err(error)
        }
    }
}

/// Unpacks a bundle into a tree, and returns the files that are not there.
fn fill(
    session: &Session<'_>,
    tree: &mut StagedTree,
    bundle: impl Read,
    remote: &dyn RowSource,
) -> Result<Vec<MissingFile>> {
    let max_bytes = archive_bytes(remote)?;
    let mut rows = remote.rows()?;
    rows.advance()?;
    pack::unpack_bundle(bundle, max_bytes, &mut |member| {
        match rows.row() {
            Some(row) if row.path()? == member.path => {
                put(session, tree, row, member)?;
                rows.advance()?;
            }
            // A file that is missing, or out of order: it is found by its digest.
            _ => keep(session, member)?,
        }
        Ok(())
    })?;
    let mut missing = Vec::new();
    while let Some(row) = rows.row() {
        missing.push(MissingFile::new(row)?);
        rows.advance()?;
    }
    Ok(missing)
}

fn put(
    session: &Session<'_>,
    tree: &mut StagedTree,
    row: Row<'_>,
    member: PackedFile<'_>,
) -> Result<()> {
    let mut out = session.store.staging.begin_in(tree, &member.path)?;
    copy_from_pack(session, member.content, &mut out, row.max_bytes()?)?;
    let (file, digest, len_bytes) = out.finish()?;
    let expected = row.digest()?;
    if digest != expected {
        return Err(wrong_digest(&member.path, expected, digest, len_bytes));
    }
    tree.keep(file, digest);
    Ok(())
}

fn keep(session: &Session<'_>, member: PackedFile<'_>) -> Result<()> {
    let mut out = session.store.staging.begin_hashed()?;
    copy_from_pack(session, member.content, &mut out, MAX_FILE_BYTES)?;
    let (part, digest, _) = out.finish()?;
    part.keep(digest)
}

/// Moves all files out of a tree.
fn move_out(session: &Session<'_>, mut tree: StagedTree, mut rows: Rows<'_>) -> Result<()> {
    while tree.len() > 0 {
        let Some(row) = rows.next()? else { break };
        session.store.staging.move_out(&mut tree, &row.path()?, row.digest()?)?;
    }
    Ok(())
}

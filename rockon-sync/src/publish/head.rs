//! The head of a publication: the published one if it is still right, otherwise a new one.

use super::before::Before;
use super::keys::NewKeys;
use super::manifest::NewManifest;
use super::packs;
use super::publisher::PublishSession;
use super::scan::ScannedFile;
use super::tree::BY_SHA;
use crate::base::digest::Digest;
use crate::base::error::Result;
use crate::base::path::EntryPath;
use crate::base::time::Timestamp;
use crate::tree::head::Head;

/// Largest head that is published, in bytes, without the line of its delta: one TCP segment,
/// including the headers of its response.
pub(super) const MAX_PUBLISHED_HEAD_BYTES: usize = 1200;

const SECONDS_PER_DAY: i64 = 86_400;

/// A new head, without packs.
pub(super) struct NewHead {
    pub(super) head: Head,
    /// Manifests of the publications that the new one gets a delta from, newest first.
    pub(super) bases: Vec<Digest>,
}

/// Returns the published head if a new one would say the same, and if everything that it names
/// is there.
pub(super) fn reusable<'b>(
    session: &PublishSession<'_>,
    before: &'b Before,
    new: &NewManifest,
    keys: &NewKeys,
    files: &[ScannedFile],
) -> Result<Option<&'b Head>> {
    let Some(head) = &before.head else { return Ok(None) };
    let tree = &session.tree;
    let is_reusable = head.digest() == new.digest
        && head.url() == session.options.url.as_deref()
        && is_fresh(session.options.expires_in_days, head, new.published)
        && keys.is_published(head)
        && session.signer.has_signed(&before.head_bytes)
        && tree.is_complete(files, new.digest)?
        && packs::are_complete(tree, head)?;
    Ok(is_reusable.then_some(head))
}

/// Returns true if the head expires as it should, and at least half of its time is left.
fn is_fresh(expires_in_days: Option<u32>, head: &Head, now: Timestamp) -> bool {
    match (expires_in_days, head.expires()) {
        (None, None) => true,
        (Some(days), Some(expires)) => {
            let left_s = expires.as_unix().saturating_sub(now.as_unix());
            left_s * 2 >= i64::from(days) * SECONDS_PER_DAY
        }
        _ => false,
    }
}

/// Returns the head of a new publication. Writes nothing, so that a head that is too large stops
/// the publication before anything is written.
///
/// # Errors
/// Those of [`Before::next_serial`] and of [`Signer::sign`](super::sign::Signer::sign).
pub(super) fn next(
    session: &PublishSession<'_>,
    before: &Before,
    new: &NewManifest,
    keys: &NewKeys,
) -> Result<NewHead> {
    let options = session.options;
    let manifest = EntryPath::new(session.tree.layout.manifest_name())?;
    let expires = options.expires_in_days.map(|days| new.published.plus_days(days)).transpose()?;
    let head = Head {
        serial: Some(before.next_serial(&session.tree)?),
        published: Some(new.published),
        expires,
        keys: keys.version(),
        size_bytes: Some(new.len_bytes()),
        url: options.url.clone(),
        by_sha: Some(EntryPath::new(BY_SHA)?),
        ..Head::new(new.digest, manifest)
    };
    let room_bytes = MAX_PUBLISHED_HEAD_BYTES - session.signer.sign(&head)?.len();
    let records = before.history.records.iter().map(|record| record.manifest);
    let bases = records.take(options.keep.min(packs::deltas_in(room_bytes))).collect();
    Ok(NewHead { head, bases })
}

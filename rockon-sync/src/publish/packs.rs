//! The packs of a tree: a bundle, and deltas from earlier publications to the new one.

use std::collections::HashSet;
use std::io::{self, Read};

use super::manifest::NewManifest;
use super::tree::Tree;
use super::write::StagedFile;
use crate::base::digest::Digest;
use crate::base::error::{IoContext, Result};
use crate::base::files::{ensure_dirs, remove_if_any, stage};
use crate::tree::head::{Head, InlineDelta, OfferedPack};
use crate::tree::manifest::{Difference, Entry, patch_between};
use crate::tree::pack::{self, FileContents, PackName};

/// Largest delta inside a head, in bytes. With it, a head of the largest size still arrives within
/// the first flight of a TCP connection (RFC 6928).
const MAX_INLINE_DELTA_BYTES: u64 = 2400;

/// Longest line by which a head offers a delta, in bytes: sizes have up to ten digits.
const DELTA_LINE_BYTES: usize = "# pack 0123456789ab 0123456789 0123456789\n".len();

/// Longest line by which a head offers a bundle, in bytes.
const BUNDLE_LINE_BYTES: usize = "# pack empty 0123456789\n".len();

/// Returns the number of deltas that a head can offer beside a bundle in so many bytes.
pub(super) fn deltas_in(room_bytes: usize) -> usize {
    room_bytes.saturating_sub(BUNDLE_LINE_BYTES) / DELTA_LINE_BYTES
}

/// Returns true if every pack that `head` offers is there, in the right size.
pub(super) fn are_complete(tree: &Tree<'_>, head: &Head) -> Result<bool> {
    for offer in head.packs() {
        let name = PackName::new(offer.base.clone(), head.digest());
        if !tree.has_pack(&name, offer.size_bytes)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Packs on disk.
pub(super) struct WrittenPacks {
    pub(super) offers: Vec<OfferedPack>,
    /// The delta from the newest base, if it is small.
    pub(super) inline: Option<InlineDelta>,
}

/// Reads a delta that is small enough for the head.
fn read_inline(
    tree: &Tree<'_>,
    manifest: Digest,
    offer: &OfferedPack,
) -> Result<Option<InlineDelta>> {
    let Some(base) = offer.base.clone().filter(|_| offer.size_bytes <= MAX_INLINE_DELTA_BYTES)
    else {
        return Ok(None);
    };
    let path = tree.packs().join(PackName::new(Some(base.clone()), manifest).to_string());
    let mut bytes = Vec::new();
    let reader = tree.files.open(&path).on("read", &path)?;
    reader.take(MAX_INLINE_DELTA_BYTES).read_to_end(&mut bytes).on("read", &path)?;
    Ok(Some(InlineDelta { base, bytes }))
}

/// The packs of a new manifest that are worth offering: none that is larger than what it saves, and
/// no delta that is larger than the bundle.
pub(super) struct StagedPacks<'a> {
    tree: &'a Tree<'a>,
    new: &'a NewManifest,
    /// The manifests that deltas start from, newest first.
    bases: &'a [Digest],
    /// The size that no delta may exceed.
    max_delta_bytes: u64,
    staged: Vec<StagedFile>,
    offers: Vec<OfferedPack>,
}

impl<'a> StagedPacks<'a> {
    /// Stages the bundle.
    ///
    /// # Errors
    /// [`Store`](crate::ErrorKind::Store). Packs that no head names may remain.
    pub(super) fn begin(
        tree: &'a Tree<'a>,
        new: &'a NewManifest,
        bases: &'a [Digest],
    ) -> Result<StagedPacks<'a>> {
        ensure_dirs(tree.files, &tree.packs())?;
        let max_delta_bytes = new.len_bytes() + total_bytes(new.manifest.entries());
        let (staged, offers) = (Vec::new(), Vec::new());
        let mut packs = StagedPacks { tree, new, bases, max_delta_bytes, staged, offers };
        packs.stage(PackName::new(None, new.digest), max_delta_bytes, &mut |out| {
            pack::write_bundle(&new.manifest, &new.bytes, tree, out).map(|()| None)
        })?;
        if let [bundle] = &*packs.offers {
            packs.max_delta_bytes = bundle.size_bytes;
        }
        Ok(packs)
    }

    /// Stages the delta from an earlier publication if it is one of the bases, and all files that
    /// it needs are still there.
    pub(super) fn stage_delta(&mut self, base: Digest, differences: &[Difference]) -> Result<()> {
        let (tree, new) = (self.tree, self.new);
        if !self.bases.contains(&base) {
            return Ok(());
        }
        let Some(patch) = patch_between(differences) else {
            log::info!("no delta from {base}: a patch cannot express the differences");
            return Ok(());
        };
        for entry in differences.iter().filter_map(Difference::replaced_file) {
            if !tree.has_object(entry.digest(), entry.size_bytes())? {
                log::warn!("no delta from {base}: its file {} is missing", entry.path());
                return Ok(());
            }
        }
        let plain_bytes = new.len_bytes() + missing_bytes(differences);
        let name = PackName::new(Some(pack::digits(base)), new.digest);
        self.stage(name, plain_bytes.min(self.max_delta_bytes), &mut |out| {
            pack::write_delta(&patch, differences, tree, out).map(Some)
        })
    }

    /// Puts the packs in their place.
    pub(super) fn finish(self) -> Result<WrittenPacks> {
        let StagedPacks { tree, new, bases, staged, offers, .. } = self;
        tree.rename_staged(&tree.packs(), &staged)?;
        let newest = bases.iter().find(|base| **base != new.digest).map(|base| pack::digits(*base));
        let inline = match offers.iter().find(|offer| offer.base.is_some() && offer.base == newest)
        {
            Some(offer) => read_inline(tree, new.digest, offer)?,
            None => None,
        };
        Ok(WrittenPacks { offers, inline })
    }

    /// Stages a pack, and removes it if it is larger than `max_bytes`. `write` returns the size of
    /// the first frame of a delta.
    fn stage(
        &mut self,
        name: PackName,
        max_bytes: u64,
        write: &mut dyn FnMut(&mut dyn io::Write) -> io::Result<Option<u64>>,
    ) -> Result<()> {
        let files = self.tree.files;
        let path = self.tree.packs().join(name.to_string());
        let mut first_frame_bytes = None;
        let staged = stage(files, &path, &mut |out: &mut dyn io::Write| {
            first_frame_bytes = write(out)?;
            Ok(())
        })?;
        let len_bytes = files.stat(&staged).on("stat", &staged)?.len_bytes;
        if len_bytes > max_bytes {
            return remove_if_any(files, &staged);
        }
        self.staged.push(StagedFile { staged, path });
        self.offers.push(OfferedPack { base: name.base, size_bytes: len_bytes, first_frame_bytes });
        Ok(())
    }
}

/// Returns the size of the files that a client with the old manifest would fetch one by one.
fn missing_bytes(differences: &[Difference]) -> u64 {
    let old = differences.iter().filter_map(|difference| difference.old.as_ref());
    let known: HashSet<Digest> = old.map(Entry::digest).collect();
    let new = differences.iter().filter_map(Difference::new_file);
    total_bytes(new.filter(|entry| !known.contains(&entry.digest())))
}

fn total_bytes<'a>(entries: impl IntoIterator<Item = &'a Entry>) -> u64 {
    entries.into_iter().map(|entry| entry.size_bytes().unwrap_or(0)).sum()
}

impl FileContents for Tree<'_> {
    fn open(&self, digest: Digest) -> io::Result<Box<dyn Read + Send>> {
        self.files.open(&self.object(digest))
    }

    fn len_bytes(&self, entry: &Entry) -> io::Result<u64> {
        match entry.size_bytes() {
            Some(len_bytes) => Ok(len_bytes),
            None => Ok(self.files.stat(&self.object(entry.digest()))?.len_bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_offers_as_many_deltas_as_fit_beside_a_bundle() {
        let bundle = "# pack empty 0123456789\n";
        let delta = "# pack 0123456789ab 0123456789 0123456789\n";
        for (room_bytes, deltas) in [
            (0, 0),
            (bundle.len(), 0),
            (bundle.len() + delta.len() - 1, 0),
            (bundle.len() + delta.len(), 1),
            (bundle.len() + 3 * delta.len() - 1, 2),
            (bundle.len() + 3 * delta.len(), 3),
        ] {
            assert_eq!(deltas_in(room_bytes), deltas, "{room_bytes} bytes");
        }
    }
}

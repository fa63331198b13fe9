//! The packs of a tree: from nothing, and from each of the last publications, to the new one.

use std::collections::HashSet;
use std::io::{self, Read};
use std::path::PathBuf;

use super::tree::Tree;
use crate::base::digest::Digest;
use crate::base::error::{Error, Result};
use crate::base::files::{ensure_dirs, is_absent, remove_if_any, stage, stat_if_any};
use crate::tree::head::{Head, OfferedPack};
use crate::tree::manifest::{Entry, Manifest};
use crate::tree::pack::{self, FileContents, PackName};

/// Longest line by which a head offers a delta, in bytes: sizes have up to ten digits.
const DELTA_LINE_BYTES: usize = "# pack 0123456789ab 0123456789\n".len();

/// Longest line by which a head offers a bundle, in bytes.
const BUNDLE_LINE_BYTES: usize = "# pack empty 0123456789\n".len();

/// How many deltas a head can offer beside a bundle, if it has room for so many bytes.
pub(super) fn deltas_in(room_bytes: usize) -> usize {
    room_bytes.saturating_sub(BUNDLE_LINE_BYTES) / DELTA_LINE_BYTES
}

/// A pack that was written beside its name.
struct Draft {
    name: PackName,
    staged: PathBuf,
    len_bytes: u64,
}

impl Tree<'_> {
    pub(super) fn packs(&self) -> PathBuf {
        self.dir.join(pack::DIR)
    }

    /// Writes the packs that lead to `manifest`: the bundle, and a delta from each of
    /// `bases`. Returns what is worth offering: no pack that is larger than what it saves,
    /// and no delta that is larger than the bundle.
    ///
    /// # Errors
    /// [`Store`](crate::ErrorKind::Store). Packs that no head names may be left.
    pub(super) fn write_packs(
        &self,
        manifest: &Manifest,
        digest: Digest,
        bases: &[Digest],
    ) -> Result<Vec<OfferedPack>> {
        ensure_dirs(self.files, &self.packs())?;
        let bytes = manifest.to_canonical();
        let sizes = manifest.entries().iter().map(|entry| entry.size_bytes().unwrap_or(0));
        let manifest_bytes = bytes.len() as u64;
        let plain_bytes = manifest_bytes + sizes.sum::<u64>();
        let bundle = self.draft(PackName::new(None, digest), &mut |out| {
            pack::write_bundle(manifest, &bytes, self, out)
        })?;
        drop(bytes);
        let mut most_bytes = plain_bytes;
        let mut drafts = Vec::new();
        if self.is_worth(&bundle, most_bytes)? {
            most_bytes = bundle.len_bytes;
            drafts.push(bundle);
        }
        for base in bases.iter().filter(|base| **base != digest) {
            drafts.extend(self.delta(*base, (manifest, digest, manifest_bytes), most_bytes)?);
        }
        let staged: Vec<PathBuf> = drafts.iter().map(|draft| draft.staged.clone()).collect();
        let synced = self.files.sync_files(&staged);
        synced.map_err(|error| Error::io("sync the new files of", &self.packs(), error))?;
        for draft in &drafts {
            let path = self.packs().join(draft.name.to_string());
            let renamed = self.files.rename(&draft.staged, &path);
            renamed.map_err(|error| Error::io("write this file", &path, error))?;
        }
        let synced = self.files.sync_dir(&self.packs());
        synced.map_err(|error| Error::io("sync this directory", &self.packs(), error))?;
        Ok(drafts
            .into_iter()
            .map(|draft| OfferedPack { base: draft.name.base, size_bytes: draft.len_bytes })
            .collect())
    }

    /// The delta from an earlier publication to the manifest with this digest and size, if
    /// all of it is still there, and if the delta is worth its bytes.
    fn delta(
        &self,
        base: Digest,
        (manifest, digest, manifest_bytes): (&Manifest, Digest, u64),
        most_bytes: u64,
    ) -> Result<Option<Draft>> {
        let Some(old) = self.manifest(base)? else {
            return Ok(None);
        };
        let Some(patch) = pack::patch_between(&old, manifest, digest) else {
            log::info!("no patch can say what differs from {base}");
            return Ok(None);
        };
        for entry in pack::prefix_of(&old, manifest) {
            if !self.has_object(entry.digest(), entry.size_bytes())? {
                log::warn!("{} of the manifest {base} is gone: no pack from it", entry.path());
                return Ok(None);
            }
        }
        let name = PackName::new(Some(pack::digits(base)), digest);
        let draft =
            self.draft(name, &mut |out| pack::write_delta(&patch, &old, manifest, self, out))?;
        let held: HashSet<Digest> = old.entries().iter().map(Entry::digest).collect();
        let missing = manifest.entries().iter().filter(|entry| !held.contains(&entry.digest()));
        let sizes = missing.map(|entry| entry.size_bytes().unwrap_or(0));
        let plain_bytes = manifest_bytes + sizes.sum::<u64>();
        Ok(self.is_worth(&draft, plain_bytes.min(most_bytes))?.then_some(draft))
    }

    fn draft(
        &self,
        name: PackName,
        write: &mut dyn FnMut(&mut dyn io::Write) -> io::Result<()>,
    ) -> Result<Draft> {
        let path = self.packs().join(name.to_string());
        let staged = stage(self.files, &path, write)?;
        let stat = self.files.stat(&staged);
        let stat = stat.map_err(|error| Error::io("look at this file", &staged, error))?;
        Ok(Draft { name, staged, len_bytes: stat.len_bytes })
    }

    /// Whether a pack is no larger than `most_bytes`; if not, it goes.
    fn is_worth(&self, draft: &Draft, most_bytes: u64) -> Result<bool> {
        if draft.len_bytes <= most_bytes {
            return Ok(true);
        }
        remove_if_any(self.files, &draft.staged)?;
        Ok(false)
    }

    /// Whether every pack that `head` offers is there, in the right size.
    pub(super) fn has_packs(&self, head: &Head) -> Result<bool> {
        for offer in head.packs() {
            let name = PackName::new(offer.base.clone(), head.digest());
            let stat = stat_if_any(self.files, &self.packs().join(name.to_string()))?;
            if stat.is_none_or(|stat| stat.len_bytes != offer.size_bytes) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The names in a directory of the tree, if it is there.
    pub(super) fn names_in(&self, dir: &std::path::Path) -> Result<Vec<String>> {
        match self.files.list(dir) {
            Ok(names) => Ok(names.into_iter().filter_map(|name| name.into_string().ok()).collect()),
            Err(error) if is_absent(&error) => Ok(Vec::new()),
            Err(error) => Err(Error::io("list this directory", dir, error)),
        }
    }
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
    fn a_head_offers_as_many_deltas_as_have_room_beside_a_bundle() {
        let (bundle, delta) = ("# pack empty 0123456789\n", "# pack 0123456789ab 0123456789\n");
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

//! Packs: one compressed file that updates a client from nothing (a bundle) or from another
//! manifest (a delta) to a manifest.
//!
//! ```text
//! packs/empty-<to>.tar.zst   a bundle: root.json, then all files; unpacked, it is a tree
//! packs/<from>-<to>.tar.zst  a delta: one archive in two frames
//!   frame 1                  root.json.patch, a JSON merge patch (RFC 7396)
//!   frame 2                  new and changed files, in byte order of their ids, compressed
//!                            against a prefix: the old versions of the changed files,
//!                            concatenated in the same order
//! ```
//!
//! `<from>` and `<to>` are the first 12 digits of the manifests' digests. The archive is
//! POSIX ustar with GNU long names, the compression Zstandard (RFC 8878). Packs are optional:
//! their files can also be fetched one by one. Every file in a pack is compared with its digest.

mod read;
#[cfg(feature = "publish")]
mod write;

use std::fmt;

pub(crate) use read::{
    MEMBER_OVERHEAD_BYTES, PackedFile, bundled_manifest, patch_of, unpack_bundle, unpack_delta,
};
#[cfg(feature = "publish")]
pub(crate) use write::{FileContents, write_bundle, write_delta};

use crate::base::digest::Digest;
use crate::base::path::EntryPath;

/// The directory of the packs in a tree.
pub(crate) const DIR: &str = "packs";

/// The name of the manifest in a bundle, regardless of its name in the tree.
const MANIFEST_MEMBER: &str = "root.json";

/// The name of the patch in a delta.
const PATCH_MEMBER: &str = "root.json.patch";

/// Largest prefix, in bytes. A delta that would need a larger one has none, which limits the memory
/// of both sides.
pub(crate) const MAX_PREFIX_BYTES: u64 = 32 * 1024 * 1024;

/// Largest window, as a power of two: the 8 MiB that RFC 8878 recommends for all decoders.
const MAX_WINDOW_LOG: u32 = 23;

/// Number of digits of a digest in the name of a pack and in a head.
pub(crate) const BASE_DIGITS: usize = 12;

/// The name of a pack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PackName {
    /// The first digits of the manifest that a delta starts from; `None` for a bundle.
    pub(crate) base: Option<String>,
    to: String,
}

impl PackName {
    pub(crate) fn new(base: Option<String>, to: Digest) -> PackName {
        PackName { base, to: digits(to) }
    }

    /// Returns the path of the pack in a tree.
    pub(crate) fn path(&self) -> EntryPath {
        EntryPath::new(format!("{DIR}/{self}")).expect("digits and dots are a safe path")
    }

    /// Parses the name of a file. Returns `None` if it is not that of a pack.
    pub(crate) fn parse(name: &str) -> Option<PackName> {
        let (base, to) = name.strip_suffix(SUFFIX)?.split_once('-')?;
        let base = (base != BUNDLE_BASE).then(|| base.to_owned());
        let is_name = base.as_deref().is_none_or(is_base) && is_base(to);
        is_name.then(|| PackName { base, to: to.to_owned() })
    }

    /// True if the pack leads to this manifest.
    pub(crate) fn leads_to(&self, manifest: Digest) -> bool {
        self.to == digits(manifest)
    }
}

/// The base in the name of a bundle and in a head.
pub(crate) const BUNDLE_BASE: &str = "empty";
const SUFFIX: &str = ".tar.zst";

impl fmt::Display for PackName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}{SUFFIX}", self.base.as_deref().unwrap_or(BUNDLE_BASE), self.to)
    }
}

/// True for the first digits of a digest, as in the name of a pack and in a head.
pub(crate) fn is_base(text: &str) -> bool {
    text.len() == BASE_DIGITS && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

/// Returns the digits of a manifest's digest in the name of a pack and in a head.
pub(crate) fn digits(manifest: Digest) -> String {
    let mut text = manifest.to_string();
    text.truncate(BASE_DIGITS);
    text
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, HashMap};
    use std::io::{self, Read};

    use proptest::prelude::*;

    use super::*;
    use crate::base::error::{Error, ErrorKind, Result};
    use crate::testing::cases;
    use crate::tree::manifest::{Difference, Entry, Manifest, Rows, patch_between, write_patched};

    /// Files in memory.
    struct Memory(HashMap<Digest, Vec<u8>>);

    impl FileContents for Memory {
        fn open(&self, digest: Digest) -> io::Result<Box<dyn Read + Send>> {
            let bytes = self.0.get(&digest).cloned().ok_or(io::ErrorKind::NotFound)?;
            Ok(Box::new(io::Cursor::new(bytes)))
        }

        fn len_bytes(&self, entry: &Entry) -> io::Result<u64> {
            Ok(self.0[&entry.digest()].len() as u64)
        }
    }

    impl Memory {
        /// Adds files, given as path and content, and returns their manifest.
        fn manifest(&mut self, files: &[(&str, &[u8])]) -> Manifest {
            let entries = files.iter().map(|(path, content)| {
                let digest = Digest::of(content);
                self.0.insert(digest, content.to_vec());
                Entry::new(*path, EntryPath::new(*path).unwrap(), digest).unwrap()
            });
            Manifest::from_entries(entries.collect()).unwrap()
        }

        fn delta(&self, old: &Manifest, new: &Manifest) -> Vec<u8> {
            let differences = old.differences_to(new);
            let patch = patch_between(&differences).unwrap();
            let mut pack = Vec::new();
            write_delta(&patch, &differences, self, &mut pack).unwrap();
            pack
        }

        fn prefix(&self, old: &Manifest, new: &Manifest) -> Vec<u8> {
            let differences = old.differences_to(new);
            let replaced = differences.iter().filter_map(Difference::replaced_file);
            replaced.flat_map(|entry| self.0[&entry.digest()].clone()).collect()
        }
    }

    type FoundFiles = Vec<(String, Vec<u8>)>;

    fn collect(files: &mut FoundFiles) -> impl FnMut(PackedFile<'_>) -> Result<()> {
        |member| {
            let mut bytes = Vec::new();
            member.content.read_to_end(&mut bytes).map_err(|error| {
                Error::new(ErrorKind::Integrity, "cannot be read").with_source(error)
            })?;
            files.push((member.path.to_string(), bytes));
            Ok(())
        }
    }

    /// Text that compresses badly.
    fn text(seed: u64, len: usize) -> Vec<u8> {
        let mut random = fastrand::Rng::with_seed(seed);
        std::iter::repeat_with(|| random.alphanumeric() as u8).take(len).collect()
    }

    #[test]
    fn a_bundle_unpacks_to_the_tree() {
        let mut memory = Memory(HashMap::new());
        let long = format!("{}/{}", "d".repeat(120), "f".repeat(200));
        let files: &[(&str, &[u8])] =
            &[("a.json", b"one"), ("empty", b""), (&long, b"far down"), ("z/block", &[7; 512])];
        let manifest = memory.manifest(files);
        let bytes = manifest.to_canonical();
        let mut pack = Vec::new();
        write_bundle(&manifest, &bytes, &memory, &mut pack).unwrap();
        let mut again = Vec::new();
        write_bundle(&manifest, &bytes, &memory, &mut again).unwrap();
        assert!(pack == again, "the same input gives the same bytes");

        let mut found = Vec::new();
        bundled_manifest(&*pack, bytes.len() as u64, &mut |content| {
            content.read_to_end(&mut found).unwrap();
            Ok(())
        })
        .unwrap();
        assert!(found == bytes);
        let mut found = FoundFiles::new();
        unpack_bundle(&*pack, 1 << 20, &mut collect(&mut found)).unwrap();
        let mut expected: FoundFiles =
            files.iter().map(|(path, bytes)| ((*path).to_owned(), bytes.to_vec())).collect();
        expected.sort();
        assert_eq!(found, expected);
        // Standard tools unpack it to the same.
        let dir = tempfile::tempdir().unwrap();
        let archive = zstd::decode_all(&*pack).unwrap();
        tar::Archive::new(&*archive).unpack(dir.path()).unwrap();
        assert_eq!(std::fs::read(dir.path().join(&long)).unwrap(), b"far down");
        assert_eq!(std::fs::read(dir.path().join("root.json")).unwrap(), bytes);
    }

    #[test]
    fn a_delta_contains_the_differences_in_few_bytes() {
        let mut memory = Memory(HashMap::new());
        let (large, other) = (text(1, 20_000), text(2, 20_000));
        let mut edited = large.clone();
        edited[10_000] = b'!';
        let old = memory.manifest(&[("a", &large), ("b", &other), ("removed", b"x")]);
        let new = memory.manifest(&[("a", &edited), ("b", &other), ("new", b"y")]);
        let pack = memory.delta(&old, &new);
        assert!(pack.len() < 600, "{}", pack.len());
        let patch = patch_of(&*pack, 10_000).unwrap();
        let mut bytes = Vec::new();
        write_patched(Rows::new(&*old.to_canonical()), &patch, &mut bytes).unwrap();
        assert!(bytes == new.to_canonical());
        let mut found = FoundFiles::new();
        let prefix = memory.prefix(&old, &new);
        assert!(prefix == large);
        unpack_delta(&*pack, &prefix, 10_000, 1 << 20, &mut collect(&mut found)).unwrap();
        assert_eq!(found, [("a".to_owned(), edited), ("new".to_owned(), b"y".to_vec())]);
        // With another prefix, the result is an error or has other bytes.
        let mut found = FoundFiles::new();
        let wrong = unpack_delta(&*pack, &other, 10_000, 1 << 20, &mut collect(&mut found));
        assert!(wrong.is_err() || found[0].1 != memory.0[&new.entry("a").unwrap().digest()]);
    }

    /// Names and contents of a few small files.
    fn any_files() -> impl Strategy<Value = BTreeMap<String, Vec<u8>>> {
        let content = proptest::collection::vec(0_u8..4, 0..40);
        proptest::collection::btree_map("[a-e]", content, 0..5)
    }

    proptest! {
        #![proptest_config(cases(128))]

        #[test]
        fn packs_lead_from_any_state_to_any_other(old in any_files(), new in any_files()) {
            let mut memory = Memory(HashMap::new());
            let mut manifest = |files: &BTreeMap<String, Vec<u8>>| {
                let rows: Vec<_> = files.iter().map(|(name, content)| (&**name, &**content)).collect();
                memory.manifest(&rows)
            };
            let (from, to) = (manifest(&old), manifest(&new));
            let bytes = to.to_canonical();
            let (mut bundle, mut found) = (Vec::new(), FoundFiles::new());
            write_bundle(&to, &bytes, &memory, &mut bundle).unwrap();
            unpack_bundle(&*bundle, 1 << 20, &mut collect(&mut found)).unwrap();
            prop_assert_eq!(found.into_iter().collect::<BTreeMap<_, _>>(), new.clone());

            let (pack, mut patched) = (memory.delta(&from, &to), Vec::new());
            let patch = patch_of(&*pack, 100_000).unwrap();
            write_patched(Rows::new(&*from.to_canonical()), &patch, &mut patched).unwrap();
            prop_assert_eq!(patched, bytes);
            let (prefix, mut found) = (memory.prefix(&from, &to), FoundFiles::new());
            unpack_delta(&*pack, &prefix, 100_000, 1 << 20, &mut collect(&mut found)).unwrap();
            let mut expected = new.clone();
            expected.retain(|name, content| old.get(name) != Some(content));
            prop_assert_eq!(found.into_iter().collect::<BTreeMap<_, _>>(), expected);
        }
    }

    #[test]
    fn a_delta_of_deletions_contains_no_files() {
        let mut memory = Memory(HashMap::new());
        let old = memory.manifest(&[("a", b"1"), ("b", b"2")]);
        let new = memory.manifest(&[("a", b"1")]);
        let pack = memory.delta(&old, &new);
        let mut found = FoundFiles::new();
        unpack_delta(&*pack, &[], 10_000, 1 << 20, &mut collect(&mut found)).unwrap();
        assert_eq!(found, []);
    }

    #[test]
    fn packs_that_unpack_to_too_much_are_refused() {
        let mut memory = Memory(HashMap::new());
        let zeros = vec![0; 1 << 20];
        let manifest = memory.manifest(&[("bomb", &zeros)]);
        let bytes = manifest.to_canonical();
        let mut pack = Vec::new();
        write_bundle(&manifest, &bytes, &memory, &mut pack).unwrap();
        assert!(pack.len() < 1000);
        let mut count = |member: PackedFile<'_>| {
            io::copy(member.content, &mut io::sink()).map(|_| ()).map_err(|error| {
                Error::new(ErrorKind::Integrity, "cannot be read").with_source(error)
            })
        };
        let error = unpack_bundle(&*pack, 1000, &mut count).unwrap_err();
        assert!(error.to_chain().contains("more bytes than expected"), "{}", error.to_chain());
        let error = bundled_manifest(&*pack, 10, &mut |_| Ok(())).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Integrity);
        let old = memory.manifest(&[]);
        let pack = memory.delta(&old, &manifest);
        assert_eq!(patch_of(&*pack, 10).unwrap_err().kind(), ErrorKind::Integrity);
    }

    /// An archive of one member, made by hand.
    fn archive(kind: tar::EntryType, name: &[u8]) -> Vec<u8> {
        let mut header = tar::Header::new_gnu();
        header.as_old_mut().name[..name.len()].copy_from_slice(name);
        header.set_entry_type(kind);
        header.set_size(1);
        header.set_cksum();
        let mut archive = header.as_bytes().to_vec();
        archive.extend([b'x'; 512]);
        archive.extend([0; 1024]);
        zstd::encode_all(&*archive, 1).unwrap()
    }

    #[test]
    fn only_regular_files_with_safe_names_are_unpacked() {
        use tar::EntryType as Kind;
        let unpack = |pack: &[u8]| {
            let mut found = FoundFiles::new();
            unpack_bundle(pack, 1 << 20, &mut collect(&mut found))?;
            Ok::<_, Error>(found.len())
        };
        assert_eq!(unpack(&archive(Kind::Regular, b"./a.json")).unwrap(), 1);
        assert_eq!(unpack(&archive(Kind::Directory, b"./")).unwrap(), 0);
        for (kind, name) in [
            (Kind::Symlink, &b"a"[..]),
            (Kind::Link, b"a"),
            (Kind::Fifo, b"a"),
            (Kind::Char, b"a"),
            (Kind::GNUSparse, b"a"),
            (Kind::Regular, b"../a"),
            (Kind::Regular, b"/etc/passwd"),
            (Kind::Regular, b"a/../../b"),
            (Kind::Regular, b".hidden"),
            (Kind::Regular, b"a\nb"),
            (Kind::Regular, b"\xff"),
        ] {
            let error = unpack(&archive(kind, name)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Integrity, "{kind:?} {name:?}");
        }
        for noise in [&b""[..], b"<html>", &[0x28, 0xb5, 0x2f, 0xfd, 0xff, 0xff]] {
            assert!(unpack(noise).is_err() || noise.is_empty());
            assert!(patch_of(noise, 100).is_err());
        }
    }

    #[test]
    fn names_round_trip() {
        let to = Digest::of(b"to");
        for base in [None, Some("0123456789ab".to_owned())] {
            let name = PackName::new(base, to);
            assert_eq!(PackName::parse(&name.to_string()), Some(name.clone()));
            assert!(name.leads_to(to) && !name.leads_to(Digest::of(b"")));
            assert_eq!(name.path().as_str(), format!("packs/{name}"));
        }
        for bad in ["", "empty-0123456789ab.tar", "empty-0123.tar.zst", "x-0123456789ab.tar.zst"] {
            assert_eq!(PackName::parse(bad), None, "{bad}");
        }
    }
}

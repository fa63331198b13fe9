//! Limits and corner cases of the wire formats: exactly the limit is accepted, one more is not.

use std::io::{self, Read, Write};

use tar::EntryType;
use zstd::zstd_safe::CParameter;

use super::head::Head;
use super::manifest::{Entry, List, ListRow, Manifest};
use super::note::{Note, SigningKey, sign_note};
use super::pack::{PackedFile, bundled_manifest, unpack_bundle};
use crate::base::digest::Digest;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::limits::{MAX_ENTRIES, MAX_HEAD_BYTES, MAX_LIST_ENTRIES, MAX_NAMES};
use crate::base::path::EntryPath;

fn entry(id: &str, path: &str) -> Result<Entry> {
    Entry::new(id, EntryPath::new(path).unwrap(), Digest::of(b""))
}

fn kind<T>(result: Result<T>) -> Option<ErrorKind> {
    result.err().map(|error| error.kind())
}

#[test]
fn manifests_and_lists_have_a_limit_of_entries() {
    // The entries are all the same: that is another error.
    let path = EntryPath::new("a").unwrap();
    for (more, expected) in [(0, ErrorKind::Manifest), (1, ErrorKind::Limit)] {
        let entries = vec![entry("a", "a").unwrap(); MAX_ENTRIES + more];
        assert_eq!(kind(Manifest::from_entries(entries)), Some(expected), "{more}");
        let count = MAX_LIST_ENTRIES + more;
        let rows = (0..count).map(|_| ListRow { id: String::new(), path: path.clone() });
        assert_eq!(kind(List::from_rows(rows.collect())), Some(expected), "{count}");
    }
}

#[test]
fn an_entry_has_limits_of_its_id_and_its_names() {
    let longest = "i".repeat(1024);
    entry(&longest, "a").unwrap();
    assert_eq!(kind(entry(&(longest + "i"), "a")), Some(ErrorKind::Manifest));
    let digest = Digest::of(b"");
    for (count, expected) in [(MAX_NAMES, None), (MAX_NAMES + 1, Some(ErrorKind::Manifest))] {
        let names = vec!["\"n\""; count].join(",");
        let text = format!("{{\"a\":{{\"url\":\"a\",\"sha\":\"{digest}\",\"names\":[{names}]}}}}");
        let parsed = Manifest::parse(text.as_bytes());
        if let Err(error) = &parsed {
            assert!(error.to_chain().contains("at most 16384 names"), "{}", error.to_chain());
        }
        assert_eq!(kind(parsed), expected, "{count}");
    }
}

#[test]
fn paths_that_collide_are_found_in_any_order() {
    for paths in [
        ["a.json", "b.json", "A.JSON"],
        ["z", "d/x", "d"],
        ["d", "d/x", "z"],
        ["d/x/y", "z", "D/X"],
    ] {
        let entries = paths.map(|path| entry(path, path).unwrap());
        let manifest = Manifest::from_entries(entries.to_vec());
        assert_eq!(kind(manifest), Some(ErrorKind::Manifest), "{paths:?}");
    }
    let entries = ["d/x", "a", "d/y", "dx"].map(|path| entry(path, path).unwrap());
    let manifest = Manifest::from_entries(entries.to_vec()).unwrap();
    assert!(!manifest.is_empty());
    assert!(Manifest::default().is_empty());
}

#[test]
fn an_extra_field_is_set_once() {
    let entry = entry("a", "a").unwrap();
    let entry = entry.with_extra("b", "1".into()).with_extra("a", "2".into());
    let entry = entry.with_extra("b", "3".into());
    assert_eq!(entry.extra().collect::<Vec<_>>(), [("a", "2"), ("b", "3")]);
}

/// A reader that fails.
struct BadDisk;

impl Read for BadDisk {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(crate::testing::bad_disk())
    }
}

#[test]
fn a_manifest_that_cannot_be_read_is_not_an_invalid_one() {
    let half = b"{\"a\":".as_slice();
    for result in [Manifest::read(half.chain(BadDisk)), Manifest::read_for_use(half.chain(BadDisk))]
    {
        let error = result.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Store, "{}", error.to_chain());
        assert!(error.to_chain().contains("Input/output error"), "{}", error.to_chain());
    }
    assert_eq!(kind(Manifest::read(half)), Some(ErrorKind::Manifest));
}

#[test]
fn a_head_has_a_limit_and_a_plain_url() {
    let digest = Digest::of(b"");
    let line = format!("{digest}  root.json\n# note ");
    let fill = usize::try_from(MAX_HEAD_BYTES).unwrap() - line.len() - 1;
    let longest = format!("{line}{}\n", "x".repeat(fill));
    Head::parse(longest.as_bytes()).unwrap();
    assert_eq!(kind(Head::parse(format!("{longest}\n").as_bytes())), Some(ErrorKind::Limit));
    for (url, is_accepted) in [
        ("https://h.example/v2/", true),
        ("http://h.example/v2/", true),
        ("ftp://h.example/v2/", false),
        ("https://me@h.example/v2/", false),
        ("https://:secret@h.example/v2/", false),
    ] {
        let head = format!("{digest}  root.json\n# url {url}\n");
        assert_eq!(Head::parse(head.as_bytes()).is_ok(), is_accepted, "{url}");
    }
}

#[test]
fn a_note_has_limits_of_its_size_and_its_signatures() {
    let keys: Vec<SigningKey> = (0..101)
        .map(|n| SigningKey::from_seed(&format!("example.org/{n}"), [n; 32]).unwrap())
        .collect();
    let signed = sign_note("text\n", &keys[..100]).unwrap();
    Note::parse(signed.as_bytes()).unwrap();
    assert_eq!(kind(sign_note("text\n", &keys)), Some(ErrorKind::Argument));
    let long = |bytes: usize| {
        let rest = sign_note("\n", &keys[..1]).unwrap().len();
        sign_note(&format!("{}\n", "x".repeat(bytes - rest)), &keys[..1]).unwrap()
    };
    assert_eq!(long(1_000_000).len(), 1_000_000);
    Note::parse(long(1_000_000).as_bytes()).unwrap();
    assert_eq!(kind(Note::parse(long(1_000_001).as_bytes())), Some(ErrorKind::Trust));
}

#[test]
fn a_key_file_is_a_line_and_debug_output_shows_only_public_keys() {
    let dir = tempfile::tempdir().unwrap();
    let key = SigningKey::from_seed("example.org/rockons", [7; 32]).unwrap();
    key.write(dir.path().join("key")).unwrap();
    let text = std::fs::read_to_string(dir.path().join("key")).unwrap();
    assert_eq!(text, format!("{}\n", key.to_secret().as_str()));
    let shown = format!("{:?}", key.verifier_key());
    assert_eq!(shown, format!("VerifierKey({})", key.verifier_key()));
}

/// Adds a member to an archive.
fn add(archive: &mut Vec<u8>, kind: EntryType, name: &str, content: &[u8]) {
    let mut header = tar::Header::new_ustar();
    header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
    header.set_entry_type(kind);
    header.set_size(content.len() as u64);
    header.set_cksum();
    archive.extend(header.as_bytes());
    archive.extend(content);
    archive.resize(archive.len().next_multiple_of(512), 0);
}

/// Returns the names in a bundle.
fn names(archive: &[u8]) -> Result<Vec<String>> {
    let mut names = Vec::new();
    let pack = zstd::encode_all(archive, 1).unwrap();
    unpack_bundle(&*pack, 1 << 20, &mut |file: PackedFile<'_>| {
        names.push(file.path.to_string());
        Ok(())
    })?;
    Ok(names)
}

#[test]
fn long_names_are_those_of_pax_and_of_gnu_tar() {
    let mut archive = Vec::new();
    add(&mut archive, EntryType::XGlobalHeader, "pax_global_header", b"13 comment=x\n");
    let records = "16 mtime=1.5000\n17 path=other\n20 path=deep/a.json\n11 size=99\n";
    add(&mut archive, EntryType::XHeader, "PaxHeaders/a", records.as_bytes());
    add(&mut archive, EntryType::Regular, "short", b"one");
    add(&mut archive, EntryType::XHeader, "PaxHeaders/b", b"16 mtime=1.5000\n");
    add(&mut archive, EntryType::Regular, "b.json", b"two");
    add(&mut archive, EntryType::GNULongName, "././@LongLink", b"far/c.json\0");
    add(&mut archive, EntryType::Regular, "short", b"three");
    // A long name is that of the next file only.
    add(&mut archive, EntryType::Regular, "d.json", b"four");
    archive.extend([0; 1024]);
    assert_eq!(names(&archive).unwrap(), ["deep/a.json", "b.json", "far/c.json", "d.json"]);
}

#[test]
fn long_names_have_a_limit() {
    for kind in [EntryType::GNULongName, EntryType::XHeader] {
        for (len_bytes, is_accepted) in [(2048, true), (2049, false)] {
            let mut archive = Vec::new();
            let prefix = if kind == EntryType::XHeader { "2048 mtime=" } else { "" };
            let text = format!("{prefix}{}", "n".repeat(len_bytes - prefix.len()));
            add(&mut archive, kind, "long", text.as_bytes());
            add(&mut archive, EntryType::Regular, "a.json", b"one");
            archive.extend([0; 1024]);
            let error = names(&archive).err().map(|error| error.to_chain());
            // As a path, this name is too long, too.
            let is_too_long = error.is_some_and(|error| error.contains("at most 2048 bytes"));
            assert_eq!(is_too_long, !is_accepted, "{kind:?}, {len_bytes} bytes");
        }
    }
}

#[test]
fn a_window_of_more_than_8_mib_is_refused() {
    for (log, is_accepted) in [(23, true), (24, false)] {
        let mut archive = Vec::new();
        add(&mut archive, EntryType::Regular, "a", b"x");
        archive.extend([0; 1024]);
        // Without the size, the window is the one that was asked for.
        let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
        encoder.set_parameter(CParameter::WindowLog(log)).unwrap();
        encoder.write_all(&archive).unwrap();
        encoder.flush().unwrap();
        let pack = encoder.finish().unwrap();
        let unpacked = unpack_bundle(&*pack, 1 << 20, &mut |_| Ok(()));
        assert_eq!(kind(unpacked), (!is_accepted).then_some(ErrorKind::Integrity), "{log}");
    }
}

#[test]
fn errors_of_a_pack_name_their_cause() {
    let cut = &zstd::encode_all([0; 4096].as_slice(), 1).unwrap()[..8];
    let error: Error = bundled_manifest(cut, 100, &mut |_| Ok(())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Integrity);
    assert!(error.to_chain().starts_with("not a usable pack: "), "{}", error.to_chain());
    let error = bundled_manifest(BadDisk, 100, &mut |_| Ok(())).unwrap_err();
    assert!(error.to_chain().contains("Input/output error"), "{}", error.to_chain());
}

#[cfg(feature = "publish")]
mod written {
    use std::collections::HashMap;

    use super::super::manifest::patch_between;
    use super::super::pack::{
        FileContents, MEMBER_OVERHEAD_BYTES, patch_of, unpack_delta, write_bundle, write_delta,
    };
    use super::*;

    /// Files in memory, and the difference between their stated sizes and their real ones.
    struct Memory {
        files: HashMap<Digest, Vec<u8>>,
        missing_bytes: u64,
    }

    impl FileContents for Memory {
        fn open(&self, digest: Digest) -> io::Result<Box<dyn Read + Send>> {
            Ok(Box::new(io::Cursor::new(self.files[&digest].clone())))
        }

        fn len_bytes(&self, entry: &Entry) -> io::Result<u64> {
            Ok(self.files[&entry.digest()].len() as u64 + self.missing_bytes)
        }
    }

    impl Memory {
        fn new() -> Memory {
            Memory { files: HashMap::new(), missing_bytes: 0 }
        }

        fn manifest(&mut self, files: &[(&str, &[u8])]) -> Manifest {
            let entries = files.iter().map(|(path, content)| {
                let digest = Digest::of(content);
                self.files.insert(digest, content.to_vec());
                Entry::new(*path, EntryPath::new(*path).unwrap(), digest).unwrap()
            });
            Manifest::from_entries(entries.collect()).unwrap()
        }

        fn bundle(&self, manifest: &Manifest) -> io::Result<Vec<u8>> {
            let mut pack = Vec::new();
            write_bundle(manifest, &manifest.to_canonical(), self, &mut pack)?;
            Ok(pack)
        }
    }

    #[test]
    fn names_of_any_length_are_packed() {
        let name = |len: usize| {
            let parts = vec!["d".repeat(99); len / 100 + 1].join("/");
            format!("{}f", &parts[..len - 1])
        };
        let names: Vec<String> =
            [99, 100, 101, 102, 510, 511, 512, 513].into_iter().map(name).collect();
        for name in &names {
            let mut memory = Memory::new();
            let manifest = memory.manifest(&[(name, b"content")]);
            let pack = memory.bundle(&manifest).unwrap_or_else(|error| {
                panic!("a name of {} bytes: {error}", name.len());
            });
            let mut found = Vec::new();
            unpack_bundle(&*pack, 1 << 20, &mut |file| {
                found.push(file.path.to_string());
                Ok(())
            })
            .unwrap();
            assert_eq!(found, [&**name], "{}", name.len());
        }
    }

    #[test]
    fn members_are_readable_files_without_owner_and_time() {
        let mut memory = Memory::new();
        let manifest = memory.manifest(&[("a.json", b"content")]);
        let archive = zstd::decode_all(&*memory.bundle(&manifest).unwrap()).unwrap();
        let mut archive = tar::Archive::new(&*archive);
        let members: Vec<_> = archive
            .entries()
            .unwrap()
            .map(|entry| {
                let header = entry.unwrap().header().clone();
                let owner = (header.uid().unwrap(), header.gid().unwrap());
                (header.mode().unwrap(), owner, header.mtime().unwrap())
            })
            .collect();
        assert_eq!(members, [(0o644, (0, 0), 0); 2]);
    }

    #[test]
    fn a_file_that_became_shorter_is_not_packed() {
        let mut memory = Memory::new();
        let manifest = memory.manifest(&[("a.json", b"content")]);
        memory.missing_bytes = 1;
        let error = memory.bundle(&manifest).unwrap_err();
        assert!(error.to_string().contains("became shorter"), "{error}");
    }

    /// Returns the window log in the header of a frame; `None` if the frame is one segment.
    fn window_log(pack: &[u8]) -> Option<u8> {
        let (descriptor, window) = (pack[4], pack[5]);
        (descriptor & 0x20 == 0).then_some(10 + (window >> 3))
    }

    /// Returns the size of the content in the header of a frame.
    fn content_bytes(pack: &[u8]) -> Option<u64> {
        zstd::zstd_safe::get_frame_content_size(pack).unwrap()
    }

    #[test]
    fn a_large_bundle_needs_a_small_window_and_a_small_one_states_its_size() {
        let mut memory = Memory::new();
        let manifest = memory.manifest(&[("a", &vec![0; (4 << 20) + 1])]);
        let pack = memory.bundle(&manifest).unwrap();
        assert_eq!(window_log(&pack), Some(22));
        assert!(content_bytes(&pack).unwrap() > 4 << 20);
        let manifest = memory.manifest(&[("a", &[0; 1000])]);
        let pack = memory.bundle(&manifest).unwrap();
        assert_eq!(window_log(&pack), None, "memory for the content is enough");
        let archive = zstd::decode_all(&*pack).unwrap();
        assert_eq!(content_bytes(&pack), Some(archive.len() as u64));
    }

    #[test]
    fn a_delta_finds_the_old_version_of_a_large_file() {
        let mut memory = Memory::new();
        let mut random = fastrand::Rng::with_seed(1);
        // More than the window of a bundle.
        let large: Vec<u8> = std::iter::repeat_with(|| random.u8(..)).take(5 << 20).collect();
        let edited = [&large[..], b"!"].concat();
        let (old, new) = (memory.manifest(&[("a", &large)]), memory.manifest(&[("a", &edited)]));
        let differences = old.differences_to(&new);
        let patch = patch_between(&differences).unwrap();
        let mut pack = Vec::new();
        write_delta(&patch, &differences, &memory, &mut pack).unwrap();
        assert!(pack.len() < 10_000, "{} bytes", pack.len());
        let mut found = Vec::new();
        unpack_delta(&*pack, &large, 10_000, 6 << 20, &mut |file| {
            file.content.read_to_end(&mut found).unwrap();
            Ok(())
        })
        .unwrap();
        assert!(found == edited);
    }

    #[test]
    fn the_patch_of_a_delta_has_a_limit() {
        let mut memory = Memory::new();
        let old = memory.manifest(&[]);
        let rows: Vec<String> = (0..100).map(|n| format!("{n}.json")).collect();
        let rows: Vec<(&str, &[u8])> = rows.iter().map(|row| (&**row, &b"x"[..])).collect();
        let new = memory.manifest(&rows);
        let differences = old.differences_to(&new);
        let patch = patch_between(&differences).unwrap();
        let mut pack = Vec::new();
        write_delta(&patch, &differences, &memory, &mut pack).unwrap();
        let patch_bytes = patch_of(&*pack, u64::from(u32::MAX)).unwrap().len() as u64;
        assert_eq!(patch_of(&*pack, patch_bytes).unwrap().len() as u64, patch_bytes);
        assert_eq!(kind(patch_of(&*pack, patch_bytes - 1)), Some(ErrorKind::Integrity));
        let mut archive = Vec::new();
        let first = zstd::Decoder::with_buffer(&*pack).unwrap();
        let archive_bytes = first.single_frame().read_to_end(&mut archive).unwrap() as u64;
        let unpack =
            |max_patch_bytes| unpack_delta(&*pack, &[], max_patch_bytes, 1 << 20, &mut |_| Ok(()));
        let exactly = archive_bytes - MEMBER_OVERHEAD_BYTES;
        unpack(exactly).unwrap();
        let error = unpack(exactly - 1).unwrap_err();
        assert!(error.to_string().contains("expected at most"), "{error}");
    }
}

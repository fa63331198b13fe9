//! What the fuzzers call: every parser of what comes from outside, with what has to hold
//! of whatever it accepts. Not part of the interface; behind the feature `fuzzing`.
//!
//! `fuzz/` has one program for each target, and inputs that are run as an ordinary test.

#![allow(clippy::missing_panics_doc, reason = "a panic is what a fuzzer looks for")]

mod update;

use std::io::Read;
use std::path::{Component, Path};

pub use update::update;

use crate::base::digest::Digest;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::path::EntryPath;
use crate::base::time::Timestamp;
use crate::format::{Format, position_of_syntax_error, read_collection, releases_of};
use crate::net::address::Address;
use crate::net::location::Location;
use crate::tree::head::Head;
use crate::tree::manifest::{Listing, Manifest, write_patched};
use crate::tree::note::{Note, SigningKey, VerifierKey};
use crate::tree::pack::{self, Member};

/// A target: is given an input and an empty directory, and panics if something is wrong.
pub type Target = fn(&[u8], &Path);

/// Every target by its name.
pub const TARGETS: &[(&str, Target)] = &[
    ("head", head),
    ("manifest", manifest),
    ("pack", pack),
    ("note", note),
    ("listing", listing),
    ("definition", definition),
    ("site", site),
    ("path", path),
    ("update", update),
];

/// Most bytes that a pack may unpack to here.
const MAX_UNPACKED_BYTES: u64 = 1 << 20;

/// A head says the same once it was written anew.
pub fn head(data: &[u8], _: &Path) {
    let Ok(head) = Head::parse(data) else {
        return;
    };
    let text = head.to_string();
    let again = Head::parse(text.as_bytes()).expect("what was written can be read");
    assert_eq!(again, head);
    assert_eq!(again.to_string(), text);
    assert_is_safe(head.manifest());
}

/// The canonical form is a fixed point, and a patch to any other manifest leads there.
pub fn manifest(data: &[u8], _: &Path) {
    let (first, second) = halves(data);
    let parsed = Manifest::parse(first);
    let streamed = Manifest::read(first);
    assert_eq!(parsed.is_ok(), streamed.is_ok());
    let Ok(manifest) = parsed else {
        return;
    };
    for entry in manifest.entries() {
        assert_is_safe(entry.path());
        assert!(!entry.path().is_reserved());
    }
    let text = manifest.to_canonical();
    let again = Manifest::parse(&text).expect("what was written can be read");
    assert_eq!(again.to_canonical(), text);
    assert_eq!(manifest.canonical_digest(), (Digest::of(&text), text.len() as u64));
    let mut patched = Vec::new();
    let _ = write_patched(&*manifest.to_canonical(), second, &mut patched);
    if let Ok(other) = Manifest::parse(second)
        && let Some(patch) = pack::patch_between(&manifest, &other, other.canonical_digest().0)
    {
        let mut patched = Vec::new();
        write_patched(&*manifest.to_canonical(), &patch, &mut patched)
            .expect("a patch that was made applies");
        assert_eq!(patched, other.to_canonical());
    }
}

/// Whatever a pack is, no more comes out of it than may, and under safe names only.
pub fn pack(data: &[u8], _: &Path) {
    let (data, prefix) = halves(data);
    let mut unpacked = 0;
    let mut take = |member: Member<'_>| -> Result<()> {
        assert_is_safe(&member.path);
        let mut chunk = [0; 4096];
        loop {
            let read = member.content.read(&mut chunk);
            match read.map_err(|error| Error::new(ErrorKind::Integrity, error.to_string()))? {
                0 => return Ok(()),
                n => unpacked += n as u64,
            }
        }
    };
    let _ = pack::unpack_bundle(data, MAX_UNPACKED_BYTES, &mut take);
    let _ = pack::unpack_delta(data, &[], MAX_UNPACKED_BYTES, MAX_UNPACKED_BYTES, &mut take);
    let _ = pack::unpack_delta(data, prefix, MAX_UNPACKED_BYTES, MAX_UNPACKED_BYTES, &mut take);
    assert!(unpacked <= 3 * (MAX_UNPACKED_BYTES + (1 << 17)), "{unpacked} bytes came out");
    if let Ok(patch) = pack::patch_of(data, MAX_UNPACKED_BYTES) {
        assert!(patch.len() as u64 <= MAX_UNPACKED_BYTES);
        let _ = write_patched(&b"{\n}\n"[..], &patch, &mut Vec::new());
    }
    let _ = pack::bundled_manifest(data, MAX_UNPACKED_BYTES, &mut |content: &mut dyn Read| {
        let copied = std::io::copy(content, &mut std::io::sink());
        assert!(copied.unwrap_or_default() <= MAX_UNPACKED_BYTES);
        Ok(())
    });
}

/// No note verifies but one that the key has signed; keys read back as they were written.
pub fn note(data: &[u8], _: &Path) {
    if let Ok(note) = Note::parse(data) {
        let key = SigningKey::from_seed("example.org/fuzz", [7; 32]).expect("a good name");
        let trusted = [key.verifier_key().clone()];
        if let Ok(verified) = note.verify(&trusted) {
            // Signing is deterministic, so the one good signature must stand there.
            let signed = crate::tree::note::sign_note(verified.text, std::slice::from_ref(&key));
            let signed = signed.expect("a text that was signed can be signed");
            let line = signed.trim_end().rsplit('\n').next().expect("a note has lines");
            assert!(std::str::from_utf8(data).is_ok_and(|text| text.contains(line)));
        }
    }
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    if let Ok(key) = text.parse::<VerifierKey>() {
        assert_eq!(key.to_string().parse::<VerifierKey>().ok(), Some(key));
    }
    if let Ok(key) = text.parse::<SigningKey>() {
        let again: SigningKey = key.to_secret().parse().expect("what was written can be read");
        assert_eq!(again.verifier_key(), key.verifier_key());
    }
    if let Ok(time) = text.parse::<Timestamp>() {
        assert_eq!(time.to_string().parse::<Timestamp>().ok(), Some(time));
    }
}

/// The list of a v1 tree says the same once it was written anew.
pub fn listing(data: &[u8], _: &Path) {
    if let Ok(listing) = Listing::parse(data) {
        for row in listing.rows() {
            assert_is_safe(&row.path);
        }
        assert_eq!(Listing::parse(&listing.to_json()).ok(), Some(listing));
    }
}

/// Definitions are parts of the file, under names that are there once.
pub fn definition(data: &[u8], _: &Path) {
    if let Ok(definitions) = Format::Rockon.rules().read("a.json", data) {
        let whole = data.as_ptr_range();
        let mut names = std::collections::HashSet::new();
        for found in &definitions {
            assert!(whole.contains(&found.text.as_ptr()) && found.text.starts_with(b"{"));
            assert!(serde_json::from_slice::<serde::de::IgnoredAny>(found.text).is_ok());
            assert!(names.insert(&*found.name));
        }
        assert!(!definitions.is_empty());
    }
    let _ = position_of_syntax_error(data);
}

/// Documents of update sites are read as a stream in the same way each time, and every release
/// says what it is for.
pub fn site(data: &[u8], _: &Path) {
    let references = || {
        let mut found = Vec::new();
        let read = read_collection(data, |reference| {
            found.push(reference);
            Ok(())
        });
        read.is_ok().then_some(found)
    };
    assert_eq!(references(), references());
    let Ok(releases) = releases_of("", data) else {
        return;
    };
    assert!(!releases.is_empty());
    for release in &releases {
        assert!(!release.id().is_empty() && !release.version.is_empty());
        for version in ["5.1", "4.4.10", "next", ""] {
            let is_for = release.is_for("joomla", version);
            assert!(is_for || release.platforms().count() > 0);
        }
        let own = releases_of(&release.id(), data).expect("it is there");
        assert!(own.iter().all(|other| other.id() == release.id()));
    }
}

/// A path that is taken stays below any directory and any URL, and a redirect leads to HTTP
/// or nowhere.
pub fn path(data: &[u8], _: &Path) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    if let Ok(path) = EntryPath::new(text) {
        assert_is_safe(&path);
        let base: Location = "https://h.example/tree/".parse().expect("a good URL");
        let Address::Http(address) = base.address(&path) else {
            panic!("a URL became a path");
        };
        let below = address.url().strip_prefix("https://h.example/tree/").expect("below the tree");
        assert_eq!(below.split('/').count(), path.segments().count());
        assert!(!below.contains(['?', '#', '\\']));
    }
    if let Ok(location) = text.parse::<Location>() {
        let _ = (location.to_string(), location.to_storable());
        let _ = location.head_address();
    }
    let from: Location = "https://me:secret@h.example/tree/".parse().expect("a good URL");
    if let Ok(Address::Http(target)) = from.head_address().redirected(text) {
        assert!(target.is_https());
        assert!(target.user_info().is_none() || target.url().starts_with("https://h.example/"));
    }
    if let Ok(location) = Location::of_head_url(text) {
        assert!(matches!(location.head_address(), Address::Http(_)));
    }
}

/// Nothing but ordinary names, of which each can be a file.
fn assert_is_safe(path: &EntryPath) {
    let below = path.below(Path::new("/store"));
    let inside = below.strip_prefix("/store").expect("below the directory");
    assert!(inside.components().all(|part| matches!(part, Component::Normal(_))));
    assert_eq!(inside.components().count(), path.segments().count());
    assert!(!path.as_str().contains(['\0', '\\', '\n', ':']));
    assert_eq!(EntryPath::new(path.as_str()).ok().as_ref(), Some(path));
}

/// What stands before and after the first line that is just `====`.
fn halves(data: &[u8]) -> (&[u8], &[u8]) {
    const BETWEEN: &[u8] = b"\n====\n";
    let at = data.windows(BETWEEN.len()).position(|window| window == BETWEEN);
    at.map_or((data, &[]), |at| (&data[..at], &data[at + BETWEEN.len()..]))
}

//! Fuzz targets: all parsers of untrusted input, with invariants of the accepted values. Private;
//! behind the feature `fuzzing`.
//!
//! `fuzz/` contains one program per target, and seeds that also run as an ordinary test.

#![allow(clippy::missing_panics_doc, reason = "fuzzers look for panics")]

mod update;

use std::collections::HashSet;
use std::io::Read;
use std::path::{Component, Path};

pub use update::update;

use crate::base::digest::Digest;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::path::EntryPath;
use crate::base::time::Timestamp;
use crate::format::{Format, read_collection, releases_of};
use crate::net::address::Address;
use crate::net::location::Location;
use crate::tree::head::Head;
use crate::tree::manifest::{
    Additions, Form, List, Manifest, NO_ENTRIES, Patched, Rows, check, check_together,
    patch_between, write_patched,
};
use crate::tree::note::{KeyList, Note, SigningKey, TrustedKeys, VerifierKey, sign_note};
use crate::tree::pack::{self, PackedFile};

/// A target: takes an input and an empty directory, and panics if an invariant is violated.
pub type FuzzTarget = fn(&[u8], &Path);

/// All targets, with their names.
pub const TARGETS: &[(&str, FuzzTarget)] = &[
    ("head", head),
    ("manifest", manifest),
    ("pack", pack),
    ("note", note),
    ("keys", keys),
    ("list", list),
    ("definition", definition),
    ("site", site),
    ("path", path),
    ("update", update),
];

/// Most bytes that a pack may unpack to.
const MAX_UNPACKED_BYTES: u64 = 1 << 20;

/// A head round-trips.
pub fn head(data: &[u8], _: &Path) {
    let Ok(head) = Head::parse(data) else {
        return;
    };
    let text = head.to_string();
    let again = Head::parse(text.as_bytes()).expect("written values parse");
    assert_eq!(again, head);
    assert_eq!(again.to_string(), text);
    assert_is_safe(head.manifest());
}

/// The canonical form is a fixed point, and a patch to another manifest gives that manifest.
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
    let again = Manifest::parse(&text).expect("written values parse");
    assert_eq!(again.to_canonical(), text);
    assert_eq!(manifest.canonical_digest(), (Digest::of(&text), text.len() as u64));
    let check = check(&text);
    assert_eq!(check.expect("it was parsed"), Form::Canonical);
    let mut patched = Vec::new();
    if let Ok(Patched { additions, differs }) =
        write_patched(Rows::new(&*text), second, &mut patched)
    {
        let together = check_together(&patched);
        assert!(differs.is_all_of(&text, &patched));
        assert!(additions == Additions::Some || together.is_ok());
        assert_eq!(Manifest::parse(&patched).is_ok(), together.is_ok());
    }
    if let Ok(other) = Manifest::parse(second)
        && let Some(patch) = patch_between(&manifest.differences_to(&other))
    {
        let mut patched = Vec::new();
        write_patched(Rows::new(&*text), &patch, &mut patched).expect("a generated patch applies");
        assert_eq!(patched, other.to_canonical());
    }
}

/// A pack never unpacks to more than the limit or to unsafe names.
pub fn pack(data: &[u8], _: &Path) {
    let (data, prefix) = halves(data);
    let mut unpacked = 0;
    let mut take = |member: PackedFile<'_>| -> Result<()> {
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
    assert!(unpacked <= 3 * (MAX_UNPACKED_BYTES + (1 << 17)), "{unpacked} bytes unpacked");
    if let Ok(patch) = pack::patch_of(data, MAX_UNPACKED_BYTES) {
        assert!(patch.len() as u64 <= MAX_UNPACKED_BYTES);
        let _ = write_patched(Rows::new(NO_ENTRIES), &patch, &mut Vec::new());
    }
    let _ = pack::bundled_manifest(data, MAX_UNPACKED_BYTES, &mut |content: &mut dyn Read| {
        let copied = std::io::copy(content, &mut std::io::sink());
        assert!(copied.unwrap_or_default() <= MAX_UNPACKED_BYTES);
        Ok(())
    });
}

/// Only notes signed with the key verify, and keys round-trip.
pub fn note(data: &[u8], _: &Path) {
    if let Ok(note) = Note::parse(data) {
        let key = SigningKey::from_seed("example.org/fuzz", [7; 32]).expect("a good name");
        let trusted = [key.verifier_key().clone()];
        if let Ok(verified) = note.verify(&trusted) {
            // Signing is deterministic, so the note must contain the only valid signature.
            let signed = sign_note(verified.text, std::slice::from_ref(&key));
            let signed = signed.expect("a signed text can be signed again");
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
        let again: SigningKey = key.to_secret().parse().expect("written values parse");
        assert_eq!(again.verifier_key(), key.verifier_key());
    }
    if let Ok(time) = text.parse::<Timestamp>() {
        assert_eq!(time.to_string().parse::<Timestamp>().ok(), Some(time));
    }
}

/// A key list round-trips and can be met, and is only accepted with the signature of a trusted key.
pub fn keys(data: &[u8], _: &Path) {
    if let Ok(list) = std::str::from_utf8(data).map_err(drop).and_then(|text| {
        let text = text.split_once("\n\n").map_or(text.to_owned(), |(text, _)| format!("{text}\n"));
        KeyList::parse(&text).map_err(drop)
    }) {
        assert_eq!(KeyList::parse(&list.to_string()).expect("written values parse"), list);
        let keys: Vec<_> = list.root().keys.iter().chain(&list.head().keys).collect();
        for role in [list.root(), list.head()] {
            assert!((1..=role.keys.len()).contains(&role.threshold));
        }
        let distinct: HashSet<_> = keys.iter().map(|key| key.public_key()).collect();
        assert_eq!(distinct.len(), keys.len());
    }
    let key = SigningKey::from_seed("example.org/fuzz", [7; 32]).expect("a good name");
    let trusted = TrustedKeys::new(vec![key.verifier_key().clone()]);
    for version in 1..3 {
        if let Ok(trusted) = trusted.with_list(data, version) {
            assert_eq!(trusted.version(), version);
            // Signing is deterministic, so the note must contain the only valid signature.
            let text = Note::parse(data).expect("it was parsed").unverified_text().to_owned();
            let signed = sign_note(&text, std::slice::from_ref(&key)).expect("it was signed");
            let line = signed.trim_end().rsplit('\n').next().expect("a note has lines");
            assert!(std::str::from_utf8(data).is_ok_and(|text| text.contains(line)));
        }
    }
}

/// A list round-trips.
pub fn list(data: &[u8], _: &Path) {
    if let Ok(list) = List::parse(data) {
        for row in list.rows() {
            assert_is_safe(&row.path);
        }
        assert_eq!(List::parse(&list.to_json()).ok(), Some(list));
    }
}

/// Definitions are parts of the file, with unique names.
pub fn definition(data: &[u8], _: &Path) {
    if let Ok(definitions) = Format::Rockon.rules().read("a.json", data) {
        let whole = data.as_ptr_range();
        let mut names = HashSet::new();
        for found in &definitions {
            assert!(whole.contains(&found.text.as_ptr()) && found.text.starts_with(b"{"));
            assert!(serde_json::from_slice::<serde::de::IgnoredAny>(found.text).is_ok());
            assert!(names.insert(&*found.name));
        }
        assert!(!definitions.is_empty());
    }
}

/// Documents of update sites always parse to the same, and all releases are complete.
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
        let own = releases_of(&release.id(), data).expect("the same release");
        assert!(own.iter().all(|other| other.id() == release.id()));
    }
}

/// Accepted paths stay below any directory and URL, and redirects lead only to HTTP.
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

/// Panics unless all components are ordinary file names.
fn assert_is_safe(path: &EntryPath) {
    let below = path.below(Path::new("/store"));
    let inside = below.strip_prefix("/store").expect("below the directory");
    assert!(inside.components().all(|part| matches!(part, Component::Normal(_))));
    assert_eq!(inside.components().count(), path.segments().count());
    assert!(!path.as_str().contains(['\0', '\\', '\n', ':']));
    assert_eq!(EntryPath::new(path.as_str()).ok().as_ref(), Some(path));
}

/// Splits the input at the first line `====`.
fn halves(data: &[u8]) -> (&[u8], &[u8]) {
    const BETWEEN: &[u8] = b"\n====\n";
    let at = data.windows(BETWEEN.len()).position(|window| window == BETWEEN);
    at.map_or((data, &[]), |at| (&data[..at], &data[at + BETWEEN.len()..]))
}

//! Published vectors: of the format (golang.org/x/mod/sumdb/note), of Ed25519 (RFC 8032,
//! section 7.1), and of signatures that only some verifiers refuse (Chalkias, Garillot,
//! Nikolaenko: Taming the many EdDSAs, table 5; their `cases.json`).

use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::base::error::{Error, ErrorKind};
use crate::base::files::Privacy;

const PETER: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const PETER_PRIVATE: &str =
    "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
const ENOCH: &str = "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop";
const TEXT: &str = "If you think cryptography is the answer to your problem,\n\
                    then you don't know what your problem is.\n";
const PETER_LINE: &str = "\u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuG\
                          UgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";
const ENOCH_LINE: &str = "\u{2014} EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp\
                          +vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n";

fn keys(texts: &[&str]) -> Vec<VerifierKey> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

fn note(lines: &str) -> String {
    format!("{TEXT}\n{lines}")
}

/// Returns the names of the signers, or the message of the error.
fn open(note: &str, trusted: &[&str]) -> Result<Vec<String>, String> {
    let keys = keys(trusted);
    let note = Note::parse(note.as_bytes()).map_err(|error| error.to_string())?;
    let verified = note.verify(&keys).map_err(|error| {
        assert_eq!(error.kind(), ErrorKind::Trust);
        error.to_string()
    })?;
    assert_eq!(verified.text, TEXT);
    Ok(verified.signers.iter().map(|key| key.name().to_owned()).collect())
}

#[test]
fn the_example_of_the_format_is_signed_and_verified_exactly() {
    let signing: SigningKey = PETER_PRIVATE.parse().unwrap();
    assert_eq!(signing.verifier_key().to_string(), PETER);
    assert_eq!(signing.to_secret(), PETER_PRIVATE);
    assert_eq!(signing.verifier_key().hash(), 0xc74f_20a3);
    let keys = [signing.clone(), signing];
    assert_eq!(sign_note(TEXT, &keys).unwrap(), note(PETER_LINE), "each key signs once");
    assert_eq!(open(&note(PETER_LINE), &[PETER]), Ok(vec!["PeterNeumann".to_owned()]));
}

#[test]
fn one_trusted_signature_is_enough_and_counts_once() {
    let both = note(&[PETER_LINE, ENOCH_LINE].concat());
    let names = |names: &[&str]| Ok(names.iter().map(|name| (*name).to_owned()).collect());
    assert_eq!(open(&both, &[PETER]), names(&["PeterNeumann"]));
    assert_eq!(open(&both, &[ENOCH, PETER]), names(&["EnochRoot", "PeterNeumann"]));
    let repeated = note(&[PETER_LINE, ENOCH_LINE, PETER_LINE].concat());
    assert_eq!(open(&repeated, &[PETER, PETER]), names(&["PeterNeumann"]));
    let unknown = open(&both, &[]).unwrap_err();
    assert!(unknown.contains("got PeterNeumann+c74f20a3 and EnochRoot+af0cfe78"), "{unknown}");
    assert!(open(&note(ENOCH_LINE), &[PETER]).unwrap_err().contains("expected a signature by"));
}

#[test]
fn keys_that_share_only_the_name_or_only_the_hash_are_unknown() {
    let line = |name: &str, hash: [u8; 4]| {
        let bytes = [&hash[..], &[7; 64]].concat();
        format!("\u{2014} {name} {}\n", STANDARD.encode(bytes))
    };
    for foreign in [
        line("PeterNeumann", [0xc7, 0x4f, 0x20, 0xa4]),
        line("PeterNeuman", [0xc7, 0x4f, 0x20, 0xa3]),
        // Another kind of signature, of another length.
        format!("\u{2014} witness {}\n", STANDARD.encode([4; 76])),
    ] {
        assert!(open(&note(&[&*foreign, PETER_LINE].concat()), &[PETER]).is_ok(), "{foreign}");
    }
}

#[test]
fn an_invalid_signature_with_a_trusted_key_invalidates_the_note() {
    let hash = [0xc7, 0x4f, 0x20, 0xa3];
    let zeros = STANDARD.encode([&hash[..], &[0; 64]].concat());
    let short = STANDARD.encode([&hash[..], &[0; 63]].concat());
    for bad in [zeros, short] {
        let bad = format!("\u{2014} PeterNeumann {bad}\n");
        for lines in [
            bad.clone(),
            [&*bad, PETER_LINE].concat(),
            [PETER_LINE, &*bad].concat(),
            [ENOCH_LINE, &*bad].concat(),
        ] {
            let error = open(&note(&lines), &[PETER, ENOCH]).unwrap_err();
            assert!(error.contains("the signature by PeterNeumann+c74f20a3 is invalid"), "{error}");
        }
    }
    let altered = note(PETER_LINE).replace("answer", "Answer");
    assert!(open(&altered, &[PETER]).unwrap_err().contains("is invalid"));
}

#[test]
fn invalid_notes_are_refused() {
    let one = PETER_LINE;
    let without_end = &one[..one.len() - 1];
    for (bytes, problem) in [
        (TEXT.as_bytes().to_vec(), "no signature"),
        (format!("{TEXT}\n").into(), "no signature"),
        (note(without_end).into(), "no newline at the end"),
        (format!("\u{1}{TEXT}\n{one}").into(), "control"),
        (note(&one.replace('\n', "\r\n")).into(), "control"),
        ([b"\xff", note(one).as_bytes()].concat(), "not UTF-8"),
        (note(&one.replace("PeterNeumann", "Peter Neumann")).into(), "malformed"),
        (note(&one.replace("PeterNeumann", "Peter+Neumann")).into(), "malformed"),
        (note(&one.replace("PeterNeumann", "Peter\u{a0}Neumann")).into(), "malformed"),
        (note(&one.replace("PeterNeumann", "")).into(), "malformed"),
        (note(&one.replace('\u{2014}', "-")).into(), "malformed"),
        (note(&one.replace("AM=", "AM")).into(), "malformed"),
        (note(&format!("{one}Unexpected line.\n")).into(), "malformed"),
        (note("\u{2014} PeterNeumann x08gow==\n").into(), "malformed"),
        (note(&one.repeat(101)).into(), "at most 100 signatures, got more"),
        (note(&"x".repeat(1_000_000)).into(), "at most 1000000 bytes, got more"),
    ] {
        let error = Note::parse(&bytes).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Trust);
        assert!(error.to_string().contains(problem), "{problem}: {error}");
    }
    assert!(open(&note(&one.repeat(100)), &[PETER]).is_ok());
}

#[test]
fn the_last_empty_line_ends_the_text() {
    let key = SigningKey::from_seed("k", [1; 32]).unwrap();
    let trusted = [key.verifier_key().clone()];
    for text in ["\n", "a\n", "a\n\nb\n", "a\n\n", "\u{2014} k AAAA\n\n\u{2014} k AAAA\n"] {
        let signed = sign_note(text, std::slice::from_ref(&key)).unwrap();
        let note = Note::parse(signed.as_bytes()).unwrap();
        assert_eq!(note.verify(&trusted).unwrap().text, text);
    }
    for text in ["", "a", "a\r\n", "\u{0}\n"] {
        let error = sign_note(text, std::slice::from_ref(&key)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Argument, "{text:?}");
    }
    assert_eq!(sign_note("a\n", &[]).unwrap_err().kind(), ErrorKind::Argument);
    let key = |n: u8| SigningKey::from_seed("a", [n; 32]).unwrap();
    let mut keys: Vec<SigningKey> = (0..100).map(key).collect();
    assert!(sign_note("a\n", &keys).is_ok());
    // A key that is given twice counts once.
    keys.push(key(0));
    assert!(sign_note("a\n", &keys).is_ok());
    keys.push(key(100));
    assert_eq!(sign_note("a\n", &keys).unwrap_err().kind(), ErrorKind::Argument);
}

#[test]
fn any_typo_in_a_key_is_detected_and_no_message_repeats_it() {
    fn check(text: &str, parse: impl Fn(&str) -> Result<(), Error>) {
        parse(text).unwrap();
        let refused = |bad: &str| {
            let error = parse(bad).expect_err(bad);
            assert_eq!(error.kind(), ErrorKind::Argument);
            let tail = &bad[bad.len() - bad.len().min(20)..];
            assert!(tail.len() < 20 || !error.to_string().contains(tail), "{error}");
        };
        for from in 0..text.len() {
            for to in from..=text.len() {
                if (from, to) != (0, text.len()) {
                    refused(&text[from..to]);
                }
            }
        }
        for at in 0..text.len() {
            let mut bytes = text.as_bytes().to_vec();
            bytes[at] += 1;
            refused(std::str::from_utf8(&bytes).unwrap());
        }
    }
    check(PETER, |text| text.parse::<VerifierKey>().map(|_| ()));
    check(PETER_PRIVATE, |text| text.parse::<SigningKey>().map(|_| ()));
    for bad in [
        // A key that is too long and one of an unknown type, each with a matching hash.
        "PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==",
        "PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        PETER_PRIVATE,
    ] {
        assert!(bad.parse::<VerifierKey>().is_err(), "{bad}");
    }
    for name in ["", "a b", "a+b", "a\nb", "a\u{3000}b", "a\u{7}", "a\u{7f}", "a\u{9b}"] {
        assert!(SigningKey::generate(name).is_err(), "{name:?}");
    }
}

#[test]
fn debug_output_contains_no_private_key() {
    let key: SigningKey = PETER_PRIVATE.parse().unwrap();
    assert_eq!(format!("{key:?}"), "SigningKey(PeterNeumann+c74f20a3, private)");
}

#[test]
fn key_files_are_private_and_never_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("key");
    let key = SigningKey::generate("example.org/rockons").unwrap();
    key.write(&path).unwrap();
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let other = SigningKey::generate("example.org/rockons").unwrap();
    assert_ne!(other.verifier_key(), key.verifier_key());
    assert_eq!(other.write(&path).unwrap_err().kind(), ErrorKind::Store);
    let (read, privacy) = SigningKey::read_with_privacy(&path).unwrap();
    assert_eq!((read.to_secret(), privacy), (key.to_secret(), Privacy::OwnerOnly));

    let both = format!("{PETER_PRIVATE}\n{PETER}\n");
    let two = format!("{PETER_PRIVATE}\n{}\n", key.to_secret());
    for (text, is_key) in [(&*both, true), (&*two, false), (PETER, false), ("", false)] {
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o640)).unwrap();
        let read = SigningKey::read_with_privacy(&path);
        match (read, is_key) {
            (Ok((read, privacy)), true) => {
                assert_eq!((read.to_secret(), privacy), (PETER_PRIVATE.into(), Privacy::Shared));
            }
            (Err(error), false) => {
                assert_eq!((error.kind(), error.path()), (ErrorKind::Argument, Some(&*path)));
            }
            (read, _) => panic!("{text}: {read:?}"),
        }
    }
}

/// Seed, public key, message and signature.
const RFC_8032: &[[&str; 4]] = &[
    [
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155\
         5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ],
    [
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da\
         085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ],
    [
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac\
         18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ],
];

/// The order of the group, little-endian. Added to the second half of a signature, it gives another
/// one that careless verifiers accept too.
const ORDER: &str = "edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010";

fn array(text: &str) -> [u8; 32] {
    hex::decode(text).unwrap().try_into().unwrap()
}

#[test]
fn the_vectors_of_rfc_8032_are_verified_and_their_malleable_variants_refused() {
    for [seed, public, message, signature] in RFC_8032 {
        let key = SigningKey::from_seed("k", array(seed)).unwrap();
        let verifier = key.verifier_key();
        assert_eq!(verifier.public_key(), array(public));
        let (message, signature) = (hex::decode(message).unwrap(), hex::decode(signature).unwrap());
        assert!(verifier.verifies(&message, &signature));
        assert_eq!(key.sign(&message), signature[..]);
        assert!(!verifier.verifies(&[&*message, b"x"].concat(), &signature));
        assert!(!verifier.verifies(&message, &signature[..63]));
        let mut twin = signature.clone();
        let mut carry = 0;
        for (byte, order) in twin[32..].iter_mut().zip(array(ORDER)) {
            let sum = u16::from(*byte) + u16::from(order) + carry;
            (*byte, carry) = (sum.to_le_bytes()[0], sum >> 8);
        }
        assert!(!verifier.verifies(&message, &twin));
        for at in 0..64 {
            let mut other = signature.clone();
            other[at] ^= 1;
            assert!(!verifier.verifies(&message, &other), "byte {at}");
        }
    }
}

const SMALL: &str = "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa";
const MIXED: &str = "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43";
const MIXED_2: &str = "cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d";
const FULL: &str = "442aad9f089ad9e14647b1ef9099a1ff4798d78589e66f28eca69c11f582a623";
const LONG: &str = "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff";

/// Name of the case, message, public key A, signature R and S.
const EDGE_CASES: &[[&str; 5]] = &[
    [
        "small A, small R, S = 0",
        "8c93255d71dcab10e8f379c26200f3c7bd5f09d9bc3068d3ef4edeb4853022b6",
        SMALL,
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "0000000000000000000000000000000000000000000000000000000000000000",
    ],
    [
        "small A",
        "9bd9f44f4dcc75bd531b56b2cd280b0bb38fc1cd6d1230e14861d861de092e79",
        SMALL,
        "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43",
        "a5bb704786be79fc476f91d3f3f89b03984d8068dcf1bb7dfc6637b45450ac04",
    ],
    [
        "small R",
        "aebf3f2601a0c8c5d39cc7d8911642f740b78168218da8471772b35f9d35b9ab",
        MIXED,
        SMALL,
        "8c4bd45aecaca5b24fb97bc10ac27ac8751a7dfe1baff8b953ec9f5833ca260e",
    ],
    [
        "mixed A and R, cofactor needed",
        "e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec4011eaccd55b53f56c",
        MIXED_2,
        "160a1cb0dc9c0258cd0a7d23e94d8fa878bcb1925f2c64246b2dee1796bed512",
        "5ec6bc982a269b723e0668e540911a9a6a58921d6925e434ab10aa7940551a09",
    ],
    [
        "mixed A, cofactor needed",
        "e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec4011eaccd55b53f56c",
        MIXED_2,
        "21122a84e0b5fca4052f5b1235c80a537878b38f3142356b2c2384ebad4668b7",
        "e40bc836dac0f71076f9abe3a53f9c03c1ceeeddb658d0030494ace586687405",
    ],
    [
        "S above the order",
        "85e241a07d148b41e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec40",
        FULL,
        "e96f66be976d82e60150baecff9906684aebb1ef181f67a7189ac78ea23b6c0e",
        "547f7690a0e2ddcd04d87dbc3490dc19b3b3052f7ff0538cb68afb369ba3a514",
    ],
    [
        "S far above the order",
        "85e241a07d148b41e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec40",
        FULL,
        "8ce5b96c8f26d0ab6c47958c9e68b937104cd36e13c33566acd2fe8d38aa1942",
        "7e71f98a473474f2f13f06f97c20d58cc3f54b8bd0d272f42b695dd7e89a8c22",
    ],
    [
        "non-canonical R, reduced for the hash",
        "9bedc267423725d473888631ebf45988bad3db83851ee85c85e241a07d148b41",
        MIXED,
        LONG,
        "03be9678ac102edcd92b0210bb34d7428d12ffc5df5f37e359941266a4e35f0f",
    ],
    [
        "non-canonical R",
        "9bedc267423725d473888631ebf45988bad3db83851ee85c85e241a07d148b41",
        MIXED,
        LONG,
        "ca8c5b64cd208982aa38d4936621a4775aa233aa0505711d8fdcfdaa943d4908",
    ],
    [
        "non-canonical A, reduced for the hash",
        "e96b7021eb39c1a163b6da4e3093dcd3f21387da4cc4572be588fafae23c155b",
        LONG,
        "a9d55260f765261eb9b84e106f665e00b867287a761990d7135963ee0a7d59dc",
        "a5bb704786be79fc476f91d3f3f89b03984d8068dcf1bb7dfc6637b45450ac04",
    ],
    [
        "non-canonical A",
        "39a591f5321bbe07fd5a23dc2f39d025d74526615746727ceefd6e82ae65c06f",
        LONG,
        "a9d55260f765261eb9b84e106f665e00b867287a761990d7135963ee0a7d59dc",
        "a5bb704786be79fc476f91d3f3f89b03984d8068dcf1bb7dfc6637b45450ac04",
    ],
];

#[test]
fn signatures_that_only_careless_verifiers_accept_are_refused() {
    for [case, message, public, r, s] in EDGE_CASES {
        let signature = hex::decode([*r, *s].concat()).unwrap();
        let is_accepted = VerifierKey::new("k", array(public))
            .is_ok_and(|key| key.verifies(&hex::decode(message).unwrap(), &signature));
        assert!(!is_accepted, "{case}");
    }
    // Unusual, but unforgeable: the only case of the table that every verifier accepts.
    let key = VerifierKey::new("k", array(MIXED_2)).unwrap();
    let message = "9bd9f44f4dcc75bd531b56b2cd280b0bb38fc1cd6d1230e14861d861de092e79";
    let signature = "9046a64750444938de19f227bb80485e92b83fdb4b6506c160484c016cc1852f\
                     87909e14428a7a1d62e9f22f3d3ad7802db02eb2e688b6c52fcd6648a98bd009";
    assert!(key.verifies(&hex::decode(message).unwrap(), &hex::decode(signature).unwrap()));
}

#[test]
fn keys_of_small_order_and_second_encodings_are_refused() {
    let mut ones = [0xff; 32];
    ones[31] = 0x7f;
    for first in 0..=u8::MAX {
        // All y from p = 2^255 - 19, and the one just below.
        ones[0] = first;
        if first >= 0xec {
            assert!(VerifierKey::new("k", ones).is_err(), "{first:02x}");
        }
    }
    let small = "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a";
    let small_2 = "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05";
    let one = format!("01{}", "0".repeat(62));
    for text in [small, small_2, &one, &"0".repeat(64)] {
        for sign in [0, 0x80] {
            let mut bytes = array(text);
            bytes[31] |= sign;
            assert!(VerifierKey::new("k", bytes).is_err(), "{text} {sign}");
        }
    }
}

//! Signed heads.

use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::tree::note::{Note, VerifierKey};

fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed("example.org/rockons", [seed; 32]).unwrap()
}

fn sign<'a>(place: &Place, keys: &[SigningKey]) -> Publisher<'a> {
    keys.iter().fold(place.publisher(), |publisher, key| publisher.sign_key(key.clone()))
}

fn head_bytes(place: &Place) -> Vec<u8> {
    fs::read(place.out().join("root.sha")).unwrap()
}

#[test]
fn every_key_signs_the_head_in_any_order() {
    let place = Place::new();
    let (one, two) = (key(1), key(2));
    let report = sign(&place, &[one.clone(), two.clone(), one.clone()]).run().unwrap();
    let bytes = head_bytes(&place);
    let note = Note::parse(&bytes).unwrap();
    let trusted: Vec<VerifierKey> =
        [&one, &two].map(|key| key.verifier_key().clone()).into_iter().collect();
    let verified = note.verify(&trusted).unwrap();
    assert_eq!(verified.signers, [&trusted[0], &trusted[1]]);
    assert_eq!(verified.text, Head::parse(&bytes).unwrap().to_string());
    assert_eq!(String::from_utf8(bytes).unwrap().matches('\u{2014}').count(), 2);

    let before = times(place.dir.path());
    let again = sign(&place, &[two, one]).published(at(2_000_000)).run().unwrap();
    assert_eq!((again.outcome, again.serial), (PublishOutcome::Unchanged, report.serial));
    assert_eq!(times(place.dir.path()), before);
}

#[test]
fn a_different_set_of_keys_causes_a_new_publication() {
    let place = Place::new();
    let (old, new) = (key(1), key(2));
    let mut serial = 0;
    for (keys, warns) in [
        (vec![], false),
        (vec![old.clone()], false),
        (vec![old, new.clone()], false),
        (vec![new], false),
        (vec![], true),
    ] {
        serial += 1;
        if warns {
            let before = snapshot(&place.out());
            let error = sign(&place, &keys).run().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Trust, "{error}");
            assert!(before == snapshot(&place.out()));
        }
        let report = sign(&place, &keys).unsigned().run().unwrap();
        assert_eq!((report.outcome, report.serial), (PublishOutcome::Published, serial));
        let warnings: Vec<String> = report.problems.iter().map(ToString::to_string).collect();
        let expected = "root.sha: warning: the published head is signed, the new one is not: \
                        clients that trust its keys will refuse it";
        assert_eq!(warnings, if warns { vec![expected] } else { vec![] });
        let report = sign(&place, &keys).run().unwrap();
        assert_eq!((report.outcome, report.serial), (PublishOutcome::Unchanged, serial));
    }
}

#[test]
fn a_publisher_continues_only_trees_that_are_signed_with_its_keys() {
    let (one, two) = (key(1), key(2));
    for (published, given, expected) in [
        (&[][..], &[][..], None),
        (&[&one], &[&one], None),
        // A key is replaced: one of them is known.
        (&[&one], &[&one, &two], None),
        (&[&one], &[&two], Some("not signed with any of the given keys")),
        (&[], &[&one], Some("not signed, so that anyone may have written it")),
        (&[&one], &[], Some("the published head is signed")),
    ] {
        let place = Place::new();
        let keys = |keys: &[&SigningKey]| keys.iter().map(|key| (*key).clone()).collect::<Vec<_>>();
        sign(&place, &keys(published)).run().unwrap();
        place.edit();
        let run = |publisher: Publisher<'_>| {
            let empty = tempfile::tempdir().unwrap();
            let previous = crate::net::location::Location::dir(place.out());
            let result = publisher.out(empty.path()).previous(previous).run();
            result.map(|report| report.serial).map_err(|error| {
                assert_eq!(error.kind(), ErrorKind::Trust, "{error}");
                let signs = !given.is_empty();
                assert!(!signs || snapshot(empty.path()).is_empty(), "{error}");
                error.to_string()
            })
        };
        let result = run(sign(&place, &keys(given)));
        match expected {
            None => assert_eq!(result, Ok(2)),
            Some(message) => assert!(result.clone().unwrap_err().contains(message), "{result:?}"),
        }
        // A head without any of the keys is not a head without signatures.
        let allowed = run(sign(&place, &keys(given)).unsigned());
        let is_refused = expected.is_some_and(|message| message.contains("any of the given"));
        assert_eq!(allowed.is_err(), is_refused, "{allowed:?}");
    }
}

#[test]
fn a_head_with_a_broken_signature_is_signed_again() {
    let place = Place::new();
    sign(&place, &[key(1)]).run().unwrap();
    let text = String::from_utf8(head_bytes(&place)).unwrap();
    fs::write(place.out().join("root.sha"), text.replace("# size", "#  size")).unwrap();
    let report = sign(&place, &[key(1)]).run().unwrap();
    assert_eq!((report.outcome, report.serial), (PublishOutcome::Published, 2));
}

#[test]
fn key_files_readable_by_others_cause_a_warning() {
    let place = Place::new();
    let path = place.dir.path().join("key");
    key(1).write(&path).unwrap();
    for (mode, warnings) in [(0o600, 0), (0o644, 1)] {
        fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
        let report = place.publisher().sign_key_file(&path).run().unwrap();
        assert_eq!(report.problems.len(), warnings, "{:?}", report.problems);
    }
    let before = snapshot(&place.out());
    let missing = place.publisher().sign_key_file("/nowhere/key").run().unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::Store);
    fs::write(&path, key(1).verifier_key().to_string()).unwrap();
    let public = place.publisher().sign_key_file(&path).run().unwrap_err();
    assert_eq!((public.kind(), public.path()), (ErrorKind::Argument, Some(&*path)));
    assert!(before == snapshot(&place.out()));
}

#[test]
fn a_signed_head_fits_into_one_tcp_segment_or_is_refused() {
    let place = Place::new();
    let keys: Vec<SigningKey> = (1..=20).map(key).collect();
    sign(&place, &keys[..7]).run().unwrap();
    let len = head_bytes(&place).len();
    assert!(len <= MAX_PUBLISHED_HEAD_BYTES, "{len}");
    let error = sign(&place, &keys).run().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Argument);
    assert!(error.to_string().contains("fewer keys"), "{error}");
}

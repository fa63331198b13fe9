//! A head offers only packs that save bytes.

use super::*;

/// Returns the bases of the offered packs, and their sizes in bytes.
fn offers(place: &Place) -> Vec<(Option<String>, u64)> {
    let head = head_in(&place.out());
    head.packs()
        .iter()
        .map(|offer| (offer.base.as_ref().map(ToString::to_string), offer.size_bytes))
        .collect()
}

fn digits(digest: Digest) -> String {
    digest.to_string()[..12].to_owned()
}

/// Returns the number of bytes that a client without packs fetches: the manifest and every file.
fn plain_bytes(place: &Place) -> u64 {
    let manifest = manifest_in(&place.out(), "root.json");
    let sizes = manifest.entries().iter().map(|entry| entry.size_bytes().unwrap());
    fs::metadata(place.out().join("root.json")).unwrap().len() + sizes.sum::<u64>()
}

#[test]
fn a_bundle_that_saves_nothing_is_not_offered() {
    let place = Place::new();
    fs::remove_dir_all(place.catalog()).unwrap();
    let bytes: Vec<u8> = Digest::of(b"no two bytes alike").as_bytes().to_vec();
    fs::create_dir(place.catalog()).unwrap();
    fs::write(place.catalog().join("a"), &bytes).unwrap();
    place.publisher().format(Format::Files).run().unwrap();
    assert_eq!(offers(&place), []);
    assert_eq!(fs::read_dir(place.out().join("packs")).unwrap().count(), 0);
    // A bundle that saves bytes is offered.
    fs::write(place.catalog().join("b"), "the same again ".repeat(100)).unwrap();
    place.publisher().format(Format::Files).run().unwrap();
    let offers = offers(&place);
    assert_eq!(offers[0].0, None);
    assert!(offers[0].1 <= plain_bytes(&place));
}

#[test]
fn a_delta_that_is_larger_than_the_bundle_is_not_offered() {
    let place = Place::new();
    let publish = |contents: &[u8]| {
        fs::remove_dir_all(place.catalog()).unwrap();
        for content in contents {
            let text = Digest::of(&[*content]).to_string();
            place.put(&text[..20], &text.repeat(3));
        }
        let publisher = place.publisher().format(Format::Files).mass_delete(MassDelete::Allow);
        publisher.run().unwrap().manifest
    };
    let first = publish(&[0, 1, 2, 3, 4]);
    // One file is new, so the delta is smaller than the bundle.
    let second = publish(&[0, 1, 2, 3, 4, 5]);
    let offered = offers(&place);
    assert_eq!(offered.len(), 2, "{offered:?}");
    assert_eq!(offered[1].0, Some(digits(first)));
    assert!(offered[1].1 < offered[0].1, "{offered:?}");
    // Every file is new, so the delta would be larger than the bundle.
    publish(&[10, 11]);
    let offered = offers(&place);
    assert_eq!(offered.len(), 1, "from {second}: {offered:?}");
    assert_eq!(offered[0].0, None);
}

#[test]
fn a_delta_from_an_incomplete_base_is_not_offered() {
    let place = Place::new();
    let first = place.publisher().in_place().run().unwrap().manifest;
    let offers_of = |place: &Place| {
        let head = Head::parse(&fs::read(place.catalog().join("root.v2.sha")).unwrap()).unwrap();
        head.packs().iter().filter(|offer| offer.base.is_some()).count()
    };
    place.put("a.json", &definition("A", "2"));
    let object =
        place.catalog().join(BY_SHA).join(Digest::of(definition("A", "1").as_bytes()).to_string());
    let bytes = fs::read(&object).unwrap();
    fs::remove_file(&object).unwrap();
    let second = place.publisher().in_place().run().unwrap().manifest;
    assert_eq!(offers_of(&place), 0, "from {first}");
    fs::write(&object, bytes).unwrap();
    place.put("a.json", &definition("A", "3"));
    place.publisher().in_place().run().unwrap();
    assert!(offers_of(&place) > 0, "from {second}");
}

#[test]
fn a_missing_or_damaged_pack_is_written_again() {
    type Damage = fn(&Path);
    let damages: [(&str, Damage); 3] = [
        ("missing", |pack| fs::remove_file(pack).unwrap()),
        ("shorter", |pack| fs::write(pack, "").unwrap()),
        ("longer", |pack| fs::write(pack, "x".repeat(100_000)).unwrap()),
    ];
    for (what, damage) in damages {
        let place = Place::new();
        let report = place.publisher().run().unwrap();
        let name = format!("packs/empty-{}.tar.zst", digits(report.manifest));
        let whole = fs::read(place.out().join(&name)).unwrap();
        damage(&place.out().join(&name));
        let again = place.publisher().run().unwrap();
        assert_eq!((again.outcome, again.serial), (PublishOutcome::Published, 2), "{what}");
        assert!(fs::read(place.out().join(&name)).unwrap() == whole, "{what}");
    }
}

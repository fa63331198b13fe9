//! A publication removes its own files, and never foreign ones.

use super::*;
use crate::tree::pack::PackName;

#[test]
fn in_place_an_unlisted_file_is_not_removed() {
    let place = Place::new();
    place.publisher().in_place().run().unwrap();
    place.list(&[("a", "a.json"), ("c", "sub/c.json")]);
    let report = place.publisher().in_place().keep(1).run().unwrap();
    assert_eq!(report.removed, ["b"]);
    assert_eq!(fs::read_to_string(place.catalog().join("b.json")).unwrap(), definition("B", "1"));
}

#[test]
fn a_foreign_file_in_place_of_a_published_one_is_not_removed() {
    let place = Place::new();
    place.publisher().run().unwrap();
    let path = place.out().join("b.json");
    fs::remove_file(&path).unwrap();
    fs::write(&path, "mine").unwrap();
    place.edit();
    let report = place.publisher().run().unwrap();
    assert_eq!(report.removed, ["b"]);
    assert_eq!(fs::read_to_string(path).unwrap(), "mine");
}

#[test]
fn packs_to_publications_before_the_last_two_are_removed() {
    let place = Place::new();
    let mut manifests = Vec::new();
    for version in 1..=4 {
        place.put("a.json", &definition("A", &version.to_string()));
        manifests.push(place.publisher().keep(4).run().unwrap().manifest);
        let names = fs::read_dir(place.out().join("packs")).unwrap();
        let packs: Vec<PackName> = names
            .map(|name| PackName::parse(name.unwrap().file_name().to_str().unwrap()).unwrap())
            .collect();
        let (last, older) = manifests.split_at(manifests.len().saturating_sub(2));
        let led_to = |digest: &&Digest| packs.iter().any(|pack| pack.leads_to(**digest));
        assert_eq!(last.iter().filter(led_to).count(), 0, "to older publications: {packs:?}");
        assert_eq!(
            older.iter().filter(led_to).count(),
            older.len(),
            "to the last publications: {packs:?}"
        );
    }
}

#[test]
fn only_leftovers_of_a_killed_run_are_removed() {
    let place = Place::new();
    place.publisher().page(Page::Write).run().unwrap();
    let whole = snapshot(&place.out());
    let leftovers = [
        ".root.sha.new",
        ".root.json.new",
        ".history.json.new",
        ".index.html.new",
        ".updates.atom.new",
        "by-sha/.named.new",
        "packs/.empty-0123456789ab.tar.zst.new",
    ];
    let others = [".htaccess", "by-sha/.htaccess", "by-sha/mine.new", "packs/mine.new"];
    // One at a time: a single leftover must cause a removal.
    for leftover in leftovers {
        fs::write(place.out().join(leftover), "half").unwrap();
        for other in others {
            fs::write(place.out().join(other), "mine").unwrap();
        }
        let report = place.publisher().page(Page::Write).run().unwrap();
        assert_eq!(report.outcome, PublishOutcome::Unchanged, "{leftover}");
        let mut found = snapshot(&place.out());
        for other in others {
            assert_eq!(found.remove(other).as_deref(), Some(&b"mine"[..]), "{leftover}: {other}");
        }
        assert!(found == whole, "{leftover}");
    }
}

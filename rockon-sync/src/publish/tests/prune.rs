//! A publication removes its own files and leaves those of others alone.

use super::*;
use crate::tree::pack::PackName;

#[test]
fn in_place_a_file_that_is_not_listed_any_more_stays_the_authors() {
    let place = Place::new();
    place.publisher().in_place().run().unwrap();
    place.list(&[("a", "a.json"), ("c", "sub/c.json")]);
    let report = place.publisher().in_place().keep(1).run().unwrap();
    assert_eq!(report.removed, ["b"]);
    assert_eq!(fs::read_to_string(place.catalog().join("b.json")).unwrap(), definition("B", "1"));
}

#[test]
fn a_file_that_somebody_put_in_the_place_of_a_published_one_is_not_removed() {
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
fn packs_lead_to_the_last_two_publications_and_older_ones_go() {
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
        assert_eq!(last.iter().filter(led_to).count(), 0, "older ones: {packs:?}");
        assert_eq!(older.iter().filter(led_to).count(), older.len(), "the last ones: {packs:?}");
    }
}

#[test]
fn what_a_killed_run_left_is_removed_and_nothing_else() {
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
    // Each by itself: one alone is reason enough to tidy up.
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

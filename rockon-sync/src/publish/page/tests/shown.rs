//! The texts of page and feed.

use super::*;

/// Returns a file with a definition per name.
fn several(names: &[String]) -> String {
    let rows = names.iter().map(|name| {
        let text = definition(name, "1")
            .replace("\"description\": \"\"", "\"description\": \"One.<p>Two of it.\"");
        text.trim().trim_start_matches('{').strip_suffix('}').unwrap().to_owned()
    });
    format!("{{{}}}", rows.collect::<Vec<_>>().join(","))
}

#[test]
fn the_feed_summarizes_each_entry() {
    let place = Place::new();
    let names = |n: usize| (0..n).map(|n| format!("N{n:02}")).collect::<Vec<_>>();
    place.put("a.json", &several(&["A".to_owned()]));
    place.put("b.json", &several(&["B1".to_owned(), "B2".to_owned()]));
    place.put("sub/c.json", &several(&names(22)));
    begin(publisher(&place), &place);
    publisher(&place).run().unwrap();
    let feed = read(&place.out(), "updates.atom");
    let mut summaries = of_feed(&feed, "summary");
    summaries.sort_by_key(String::len);
    let shown: Vec<String> =
        names(20).iter().map(|name| format!("{name}\nOne.\nTwo of it.")).collect();
    let expected = [
        "One.\nTwo of it.".to_owned(),
        "B1\nOne.\nTwo of it.\nB2\nOne.\nTwo of it.".to_owned(),
        format!("{}\nand 2 more in the same file", shown.join("\n")),
    ];
    assert_eq!(summaries, expected);
    assert!(feed.ends_with("</entry>\n</feed>\n"));
    for expected in [
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>",
        "<author><name>The publisher</name></author>\n",
        "<link rel=\"self\" type=\"application/atom+xml\" href=\"updates.atom\"/>\n",
        "<link rel=\"alternate\" type=\"text/html\" href=\"index.html\"/>\n",
    ] {
        assert!(feed.contains(expected), "{expected}\n{feed}");
    }
    place.list(&[("a", "a.json"), ("b", "b.json")]);
    publisher(&place).published(at(2_000_000)).run().unwrap();
    let summaries = of_feed(&read(&place.out(), "updates.atom"), "summary");
    assert_eq!(summaries[0], "No longer in the catalog.");
}

#[test]
fn ids_in_the_feed_are_uuids_of_version_8() {
    let place = Place::new();
    for n in 0..8 {
        place.put(&format!("{n}.json"), &definition(&format!("N{n}"), "1"));
    }
    let rows: Vec<(String, String)> =
        (0..8).map(|n| (format!("n{n}"), format!("{n}.json"))).collect();
    let rows: Vec<(&str, &str)> = rows.iter().map(|(id, path)| (&**id, &**path)).collect();
    place.list(&rows);
    publisher(&place).run().unwrap();
    for id in of_feed(&read(&place.out(), "updates.atom"), "id") {
        let uuid = id.strip_prefix("urn:uuid:").unwrap().as_bytes();
        assert_eq!(uuid[14], b'8', "version of {id}");
        assert!(b"89ab".contains(&uuid[19]), "variant of {id}");
    }
}

#[test]
fn only_the_id_of_an_own_feed_is_kept() {
    let id = "urn:uuid:01234567-89ab-8def-8123-456789abcdef";
    let feed = format!("<feed><id>{id}</id>{FEED_MARK}");
    assert_eq!(feed::id_in(&feed).as_deref(), Some(id));
    for other in [
        feed.replace(FEED_MARK, ""),
        feed.replace("abcdef<", "abcdeg<"),
        feed.replace("abcdef<", "abcde<"),
        feed.replace("urn:uuid:", "urn:isbn:"),
    ] {
        assert_eq!(feed::id_in(&other), None, "{other}");
    }
}

#[test]
fn the_page_shows_dates_sizes_and_where_the_digests_are() {
    let place = Place::new();
    let text = definition("A", "1");
    begin(publisher(&place), &place);
    for (len_bytes, shown) in [(999, "999 B"), (1234, "1.2 kB"), (999_999, "999.9 kB")] {
        let fill = " ".repeat(len_bytes - text.len());
        place.put("a.json", &format!("{text}{fill}"));
        publisher(&place).run().unwrap();
        let page = read(&place.out(), "index.html");
        let expected = format!("<bdi>a.json</bdi></a> \u{b7} {shown}");
        assert!(page.contains(&expected), "{expected}");
        assert!(
            page.contains("<h3><time datetime=\"1970-01-12T13:46:40Z\">1970-01-12</time></h3>")
        );
        assert!(page.contains("The digest of the manifest is in <a href=\"root.sha\">"));
    }
}

#[test]
fn the_page_counts_the_changes_that_it_does_not_show() {
    let place = Place::new();
    let publish = |n: usize| {
        let rows: Vec<(String, String)> =
            (0..n).map(|n| (format!("n{n}"), format!("{n}.json"))).collect();
        for (n, (_, path)) in rows.iter().enumerate() {
            place.put(path, &definition(&format!("N{n}"), "1"));
        }
        let rows = rows.iter().map(|(id, path)| (&**id, &**path));
        place.list(&rows.chain([("first", "first.json")]).collect::<Vec<_>>());
        publisher(&place).run().unwrap();
        read(&place.out(), "index.html")
    };
    begin(publisher(&place), &place);
    assert!(!publish(100).contains("each entry shows when it was updated"));
    assert!(publish(101).contains("1 change before; each entry shows"));
    assert!(publish(103).contains("3 changes before; each entry shows"));
}

#[test]
fn only_kept_publications_and_entries_that_are_gone_are_updates() {
    let place = Place::new();
    let publish = |n: i64, rows: &[(&str, &str)], keep: usize| {
        for (id, path) in rows {
            place.put(path, &definition(&id.to_uppercase(), "1"));
        }
        place.list(rows);
        publisher(&place).published(at(n * 86_400)).keep(keep).run().unwrap();
        let mut titles = of_feed(&read(&place.out(), "updates.atom"), "title");
        titles.remove(0);
        titles
    };
    let all =
        [("a", "a.json"), ("b", "b.json"), ("c", "sub/c.json"), ("d", "d.json"), ("e", "e.json")];
    publish(1, &all[..2], 9);
    assert_eq!(publish(2, &all[..1], 9), ["B (removed)"]);
    // An entry that is back is not gone.
    assert_eq!(publish(3, &all[..2], 9), ["B (new)"]);
    // An entry that was removed twice is listed once.
    assert_eq!(publish(4, &all[..1], 9), ["B (removed)"]);
    publish(5, &all[..3], 9);
    publish(6, &all[..4], 9);
    // The last two publications only show that `e` is new.
    let titles = publish(7, &all, 2);
    let new: Vec<&String> = titles.iter().filter(|title| title.ends_with("(new)")).collect();
    assert_eq!(new, ["E (new)"], "{titles:?}");
}

#[test]
fn an_unchanged_page_is_not_written_again() {
    use std::os::unix::fs::MetadataExt;
    let place = Place::new();
    publisher(&place).run().unwrap();
    let files = || {
        ["index.html", "updates.atom"].map(|name| {
            let metadata = fs::metadata(place.out().join(name)).unwrap();
            (metadata.ino(), metadata.mtime_nsec())
        })
    };
    let before = files();
    publisher(&place).run().unwrap();
    assert_eq!(files(), before);
}

#[test]
fn a_plain_file_that_looks_like_the_page_stays_published() {
    let place = Place::new();
    for name in ["root.json", "a.json", "b.json", "sub/c.json"] {
        fs::remove_file(place.catalog().join(name)).unwrap();
    }
    place.put("index.html", &format!("{PAGE_MARK} of another catalog"));
    place.put("updates.atom", &format!("{FEED_MARK} of another catalog"));
    let publish = || place.publisher().format(Format::Files).run().unwrap();
    assert_eq!(publish().added, ["index.html", "updates.atom"]);
    let before = snapshot(&place.out());
    assert_eq!(publish().outcome, PublishOutcome::Unchanged);
    assert!(snapshot(&place.out()) == before);
    place.put("another.txt", "");
    publish();
    let after = snapshot(&place.out());
    assert!(["index.html", "updates.atom"].iter().all(|name| after[*name] == before[*name]));
}

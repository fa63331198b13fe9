//! The promises of page and feed. `tests/page` tests them in a browser.

#![allow(clippy::disallowed_methods, reason = "the paths of a test can be looked at")]

mod shown;

use std::fs;
use std::path::Path;

use quick_xml::events::Event;

use super::*;
use crate::base::digest::Digest;
use crate::base::error::ErrorKind;
use crate::format::Format;
use crate::publish::tests::{Place, at, definition, snapshot};
use crate::publish::{PublishOutcome, PublishReport, Publisher};

/// Returns a publisher that writes a page.
fn publisher(place: &Place) -> Publisher<'static> {
    place.publisher().page(Page::Write)
}

/// Publishes only an entry `first` and adds it to the list, so that everything else in the next
/// publication is new.
fn begin(publisher: Publisher<'static>, place: &Place) {
    let list = read(&place.catalog(), "root.json");
    place.put("first.json", &definition("First", "1"));
    place.list(&[("first", "first.json")]);
    publisher.published(at(500_000)).run().unwrap();
    place.put("root.json", &list.replacen('{', "{\"first\": \"first.json\",", 1));
}

fn read(dir: &Path, name: &str) -> String {
    fs::read_to_string(dir.join(name)).unwrap()
}

/// Returns the text and the attributes of all elements with this name, as an XML parser reads
/// them.
fn of_feed(xml: &str, name: &str) -> Vec<String> {
    let mut reader = quick_xml::Reader::from_str(xml);
    let (mut found, mut is_inside) = (Vec::new(), false);
    loop {
        match reader.read_event().unwrap() {
            Event::Eof => return found,
            Event::Start(tag) if tag.name().as_ref() == name => {
                is_inside = true;
                found.push(String::new());
            }
            Event::End(_) => is_inside = false,
            Event::Text(text) if is_inside => {
                found.last_mut().unwrap().push_str(&text);
            }
            Event::GeneralRef(reference) if is_inside => {
                let name: &str = &reference;
                found.last_mut().unwrap().push_str(&format!("&{name};"));
            }
            _ => {}
        }
    }
}

#[test]
fn every_entry_is_on_the_page_with_links_to_its_files() {
    let place = Place::new();
    let text = r#"{"A": {"description": "One &amp; two<p>three", "website": "https://a.example/x",
        "version": "1.2", "arch": ["arm64"], "min_version": "5.1.0", "containers": {"a":
        {"image": "i", "launch_order": 1}}}}"#;
    place.put("a.json", text);
    let report = publisher(&place).run().unwrap();
    let page = read(&place.out(), "index.html");
    let digest = Digest::of(text.as_bytes());
    for expected in [
        "<strong>3 entries</strong> \u{b7} published <time datetime=\"1970-01-12T13:46:40Z\">1970-01-12 13:46 UTC</time> \u{b7} serial 1",
        "<li class=\"card\" id=\"e-a\" data-updated=\"1970-01-12\" data-arch=\"arm64\">",
        "<h3><a href=\"#e-a\"><bdi>A</bdi></a> <span class=\"version\"><bdi>1.2</bdi></span></h3>",
        "<p dir=\"auto\">One &amp; two</p><p dir=\"auto\">three</p>",
        "<a href=\"https://a.example/x\" rel=\"noopener noreferrer nofollow\">a.example</a>",
        "<li>arm64</li><li>version 5.1.0 or later</li>",
        &format!("<a href=\"a.json\"><bdi>a.json</bdi></a> \u{b7} {} B", text.len()),
        &format!("<a href=\"by-sha/{digest}\"><code>{digest}</code></a>"),
        "<a href=\"sub/c.json\">",
        "<a href=\"root.sha\">",
        "<a href=\"updates.atom\">",
        "<form id=\"filters\" role=\"search\" hidden>",
    ] {
        assert!(page.contains(expected), "{expected}\n{page}");
    }
    assert_eq!(page.matches("<li class=\"card\"").count(), report.entries);
    // Nothing is fetched: there are only links.
    for never in
        [" src=", "@import", "url(", "<img", "<iframe", " style=", " onclick", "javascript:"]
    {
        assert!(!page.contains(never), "{never}");
    }
}

#[test]
fn page_and_feed_say_that_an_entry_was_renamed() {
    let place = Place::new();
    publisher(&place).published(at(1_000_000)).run().unwrap();
    place.put("a.json", &definition("A<2>", "1"));
    // A renamed entry with another id, too.
    place.put("b.json", &definition("B2", "1"));
    place.list(&[("a", "a.json"), ("other", "b.json"), ("c", "sub/c.json")]);
    publisher(&place).published(at(2_000_000)).run().unwrap();
    let page = read(&place.out(), "index.html");
    for expected in [
        "<bdi>A&lt;2&gt;</bdi></a> <span class=\"change updated\">renamed from <bdi>A</bdi></span>",
        "<bdi>B2</bdi></a> <span class=\"change new\">renamed from <bdi>B</bdi></span>",
        "<dt>Renamed from</dt><dd><bdi>A</bdi></dd>",
    ] {
        assert!(page.contains(expected), "{expected}\n{page}");
    }
    let titles = of_feed(&read(&place.out(), "updates.atom"), "title");
    // Nothing was removed.
    assert_eq!(titles[1..], ["A&lt;2&gt; (renamed from A)", "B2 (renamed from B)"]);
    // A later change is no rename, but the card still has the old name.
    place.put("a.json", &definition("A<2>", "2"));
    publisher(&place).published(at(3_000_000)).run().unwrap();
    let titles = of_feed(&read(&place.out(), "updates.atom"), "title");
    assert_eq!(titles[1], "A&lt;2&gt; (updated)");
    let page = read(&place.out(), "index.html");
    assert!(page.contains("<dt>Renamed from</dt><dd><bdi>A</bdi></dd>"));
}

#[test]
fn the_policy_has_the_digests_of_the_style_and_the_script() {
    use base64::Engine;
    let place = Place::new();
    publisher(&place).run().unwrap();
    let page = read(&place.out(), "index.html");
    let inside = |open: &str, close: &str| {
        assert_eq!(page.matches(open).count(), 1, "{open}");
        page.split_once(open).unwrap().1.split_once(close).unwrap().0.to_owned()
    };
    let head = inside("<head>", "</head>");
    let policy =
        head.strip_prefix("<meta http-equiv=\"Content-Security-Policy\" content=\"").unwrap();
    let policy = policy.split_once('"').unwrap().0.replace("&#39;", "'");
    let hash = |text: &str| {
        let digest = Digest::of(text.as_bytes());
        base64::engine::general_purpose::STANDARD.encode(digest.as_bytes())
    };
    let (style, script) = (inside("<style>", "</style>"), inside("<script>", "</script>"));
    assert!(style.len() > 1000 && script.len() > 1000);
    assert_eq!(
        policy,
        format!(
            "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; \
             base-uri 'none'; form-action 'none'",
            hash(&style),
            hash(&script)
        )
    );
}

#[test]
fn text_from_definitions_is_never_markup() {
    let hostile = [
        "<script>window.pwned = 1</script>",
        "</script><script>window.pwned = 1</script>",
        "\"><img src=x onerror=window.pwned=1>",
        "'><svg/onload=window.pwned=1>",
        "&lt;script&gt;window.pwned = 1&lt;/script&gt;",
        "]]><script>window.pwned = 1</script>",
        "</style><b>",
        "<!-- <!--> --!><script>",
        "\u{202e}gnirts\u{2066}",
        "nul\u{0} bell\u{7} escape\u{1b} \u{fffe}\u{ffff} \u{85}\u{2028}",
    ];
    let place = Place::new();
    let mut rows = Vec::new();
    for (n, text) in hostile.iter().enumerate() {
        let quoted = serde_json::to_string(text).unwrap();
        let description = serde_json::to_string(&format!("{text}{}", "x".repeat(20_000))).unwrap();
        // A name with control characters is refused.
        let id: String = text.chars().filter(|c| !c.is_control()).collect();
        let id = serde_json::to_string(&id).unwrap();
        let file = format!(
            "{{{id}: {{\"description\": {description}, \"website\": \"javascript:alert({n})\", \
             \"version\": {quoted}, \"containers\": {{\"c{n}\": {{\"image\": \"i\", \"launch_order\": 1}}}}}}}}"
        );
        place.put(&format!("{n}.json"), &file);
        rows.push(format!("{id}: \"{n}.json\""));
    }
    place.put("x/<b>\"'&#?.json", &definition("file", "1"));
    rows.push("\"file\": \"x/<b>\\\"'&#?.json\"".to_owned());
    place.put("root.json", &format!("{{{}}}", rows.join(",")));
    begin(publisher(&place), &place);
    let report = publisher(&place).run().unwrap();
    assert_eq!(report.entries, hostile.len() + 2);

    let page = read(&place.out(), "index.html");
    let (_, shown) = page.split_once("</style>").unwrap();
    let shown = shown.replace("<script>\n\"use strict\"", "");
    for never in [
        "<script",
        "<img",
        "<svg",
        "<b>",
        "<!--",
        "javascript:",
        "\u{202e}",
        "\u{2066}",
        "\0",
        "\u{7}",
        "\u{1b}",
    ] {
        assert!(!shown.contains(never), "{never:?}");
    }
    assert_eq!(shown.matches("</script>").count(), 1);
    assert!(shown.contains("&lt;script&gt;window.pwned = 1&lt;/script&gt;"));
    assert!(shown.contains("<a href=\"x/%3Cb%3E%22%27%26%23%3F.json\">"));
    assert!(page.len() < 60_000, "{}", page.len());

    let feed = read(&place.out(), "updates.atom");
    assert_eq!(of_feed(&feed, "entry").len(), report.entries - 1);
    let titles = of_feed(&feed, "title").join("\n");
    assert!(titles.contains("&lt;script&gt;window.pwned = 1&lt;/script&gt; (new)"), "{titles}");
    assert!(!feed.contains(|c: char| c != '\n' && c.is_control()));
    assert!(!feed.contains("]]>") && !feed.contains('\u{fffe}') && !feed.contains('\u{ffff}'));
}

#[test]
fn updates_list_new_changed_and_removed_entries_newest_first() {
    let place = Place::new();
    let publish = |n: i64| publisher(&place).published(at(n * 86_400)).run().unwrap();
    publish(1);
    place.put("sub/c.json", &definition("C", "2"));
    publish(2);
    place.edit();
    publish(3);
    let expected = ["D (new)", "A (updated)", "B (removed)", "C (updated)"];
    let feed = read(&place.out(), "updates.atom");
    let mut titles = of_feed(&feed, "title");
    assert_eq!(titles.remove(0), "Catalog: updates");
    titles[..3].sort_by_key(|title| expected.iter().position(|known| known == title));
    assert_eq!(titles, expected);
    let updated = of_feed(&feed, "updated");
    let (third, second) = ("1970-01-04T00:00:00Z", "1970-01-03T00:00:00Z");
    assert_eq!(updated, [third, third, third, third, second]);
    let page = read(&place.out(), "index.html");
    for expected in [
        "<section class=\"day\" data-day=\"1970-01-04\">",
        "<li><a href=\"#e-d\"><bdi>D</bdi></a> <span class=\"change new\">new</span></li>",
        "<li><bdi>B</bdi> <span class=\"change removed\">removed</span></li>",
        "<section class=\"day\" data-day=\"1970-01-03\">",
    ] {
        assert!(page.contains(expected), "{expected}");
    }
    // Publications that are no longer kept are no longer listed.
    publisher(&place).published(at(4 * 86_400)).keep(1).run().unwrap();
    let titles = of_feed(&read(&place.out(), "updates.atom"), "title");
    assert_eq!(titles[1..], ["A (updated)", "D (updated)", "C (updated)"]);
}

#[test]
fn ids_in_the_feed_are_stable() {
    let place = Place::new();
    begin(publisher(&place), &place);
    publisher(&place).run().unwrap();
    let first = of_feed(&read(&place.out(), "updates.atom"), "id");
    assert_eq!(first.len(), 4);
    assert!(first.iter().all(|id| id.starts_with("urn:uuid:") && id.len() == 45), "{first:?}");
    place.edit();
    publisher(&place).published(at(2_000_000)).run().unwrap();
    let second = of_feed(&read(&place.out(), "updates.atom"), "id");
    // The id of the feed, and those of unchanged entries.
    assert_eq!(first[0], second[0]);
    let same = second[1..].iter().filter(|id| first.contains(id)).count();
    assert_eq!((second.len(), same), (6, 1));
}

#[test]
fn the_same_catalog_at_the_same_time_gives_the_same_page() {
    let (one, other) = (Place::new(), Place::new());
    publisher(&one).run().unwrap();
    other.publisher().run().unwrap();
    // At a later time, with an unchanged catalog.
    let report = publisher(&other).published(at(5_000_000)).run().unwrap();
    assert_eq!(report.outcome, PublishOutcome::Unchanged);
    assert!(snapshot(&one.out()) == snapshot(&other.out()));
    // A damaged page is written again.
    fs::remove_file(other.out().join("updates.atom")).unwrap();
    let page = read(&other.out(), "index.html").replace("3 entries", "4 entries");
    fs::write(other.out().join("index.html"), page).unwrap();
    publisher(&other).run().unwrap();
    assert!(snapshot(&one.out()) == snapshot(&other.out()));
}

#[test]
fn omitting_the_page_restores_the_tree_without_a_page() {
    let (one, other) = (Place::new(), Place::new());
    publisher(&one).run().unwrap();
    other.publisher().run().unwrap();
    assert!(snapshot(&one.out()) != snapshot(&other.out()));
    let report = one.publisher().run().unwrap();
    assert_eq!(report.outcome, PublishOutcome::Unchanged);
    assert!(snapshot(&one.out()) == snapshot(&other.out()));
}

#[test]
fn the_page_in_place_has_other_names() {
    let place = Place::new();
    place.put("index.html", "the owner's");
    begin(publisher(&place).in_place(), &place);
    publisher(&place).in_place().run().unwrap();
    assert_eq!(read(&place.catalog(), "index.html"), "the owner's");
    let page = read(&place.catalog(), "root.v2.html");
    assert!(page.contains("<a href=\"root.v2.sha\">") && page.contains("href=\"root.v2.atom\""));
    assert!(page.contains("<a href=\"a.json\">"));
    let links = read(&place.catalog(), "root.v2.atom");
    assert!(links.contains("href=\"root.v2.html#e-a\""));
    place.publisher().in_place().run().unwrap();
    assert!(!place.catalog().join("root.v2.html").exists());
    assert_eq!(read(&place.catalog(), "index.html"), "the owner's");
}

#[test]
fn links_use_the_url_of_the_head() {
    let place = Place::new();
    begin(publisher(&place), &place);
    let page = read(&place.out(), "index.html");
    assert!(page.contains("--source URL<") && page.contains("URL is the address of this page"));
    publisher(&place).url("https://cdn.example/v2#x").run().unwrap();
    let page = read(&place.out(), "index.html");
    assert!(page.contains("<a href=\"https://cdn.example/v2/sub/c.json\">"));
    assert!(page.contains("<a href=\"https://cdn.example/v2/by-sha/"));
    assert!(page.contains("--source https://cdn.example/v2/<"));
    assert!(!page.contains("URL is the address of this page"));
    // The page links to the files beside it; readers have only the text of the feed.
    assert!(page.contains("<a href=\"root.sha\">"));
    let feed = read(&place.out(), "updates.atom");
    for path in ["a.json", "updates.atom", "index.html", "index.html#e-a"] {
        assert!(feed.contains(&format!("href=\"https://cdn.example/v2/{path}\"")), "{path}");
    }
}

#[test]
fn nothing_is_new_in_the_first_publication() {
    let place = Place::new();
    publisher(&place).run().unwrap();
    let page = read(&place.out(), "index.html");
    assert!(page.contains("Nothing has changed since the first publication."));
    assert!(!page.contains("class=\"change"));
    let feed = read(&place.out(), "updates.atom");
    assert_eq!(of_feed(&feed, "entry"), [""; 0]);
    assert_eq!(of_feed(&feed, "updated"), ["1970-01-12T13:46:40Z"]);
}

#[test]
fn page_and_feed_have_the_given_title() {
    let place = Place::new();
    for (given, expected) in [
        (Some("Our <apps>"), "Our &lt;apps&gt;"),
        (Some("\u{202e}a\nb"), "a b"),
        (Some(" "), "Catalog"),
        (None, "Catalog"),
    ] {
        let publisher = given.iter().fold(publisher(&place), |p, title| p.page_title(*title));
        publisher.run().unwrap();
        let page = read(&place.out(), "index.html");
        assert!(page.contains(&format!("<title>{expected}: 3 entries</title>")), "{expected}");
        assert!(page.contains(&format!("<h1>{expected}</h1>")), "{expected}");
        let titles = of_feed(&read(&place.out(), "updates.atom"), "title");
        assert_eq!(titles, [format!("{expected}: updates")]);
    }
}

#[test]
fn a_title_without_a_page_is_a_usage_error() {
    let place = Place::new();
    let error = publisher(&place).page_title("A").page(Page::Omit).run().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Argument);
    assert_eq!(error.to_string(), "a page title requires a page");
    assert!(!place.out().exists());
}

#[test]
fn urls_in_descriptions_are_links_that_show_where_they_lead() {
    let place = Place::new();
    let description = "<a href='https://h.example/?a=1&amp;b=2'>here</a>, http://i.example/\\\"x \
                       <a href='javascript:x'>no</a>";
    let text = definition("A", "1");
    let described = format!("\"description\": \"{description}\"");
    place.put("a.json", &text.replace("\"description\": \"\"", &described));
    publisher(&place).run().unwrap();
    let page = read(&place.out(), "index.html");
    let link =
        |url: &str| format!("<a href=\"{url}\" rel=\"noopener noreferrer nofollow\">{url}</a>");
    let expected = format!(
        "<p dir=\"auto\">here ({}), {}&quot;x no</p>",
        link("https://h.example/?a=1&amp;b=2"),
        link("http://i.example/")
    );
    assert!(page.contains(&expected), "{expected}\n{page}");
}

fn refusal(result: Result<PublishReport>) -> (ErrorKind, String) {
    let error = result.unwrap_err();
    (error.kind(), error.problems().last().map(ToString::to_string).unwrap_or_default())
}

#[test]
fn a_foreign_file_is_never_taken_for_the_page() {
    for name in ["index.html", "updates.atom"] {
        // An entry of that name: it can only be published without a page.
        for path in [name.to_owned(), name.to_uppercase(), format!("{name}/x.json")] {
            let place = Place::new();
            place.put(&path, &definition("I", "1"));
            place.list(&[("a", "a.json"), ("home", &path)]);
            let (kind, problems) = refusal(publisher(&place).run());
            let expected =
                format!("{path}: entry \"home\": the name \"{name}\" is reserved with --page");
            assert_eq!((kind, problems), (ErrorKind::Catalog, expected));
            place.publisher().run().unwrap();
            let before = snapshot(&place.out());
            assert!(before.contains_key(&path));
            refusal(publisher(&place).run());
            place.publisher().run().unwrap();
            assert!(snapshot(&place.out()) == before);
            // Without the entry, the page can be written; and the other way round.
            place.list(&[("a", "a.json"), ("b", "b.json")]);
            if path == name {
                publisher(&place).run().unwrap();
                place.list(&[("a", "a.json"), ("home", &path)]);
                place.publisher().run().unwrap();
                assert_eq!(snapshot(&place.out())[name], definition("I", "1").as_bytes());
            }
        }
        // A file in the directory of the tree that no publisher wrote.
        let place = Place::new();
        fs::create_dir(place.out()).unwrap();
        fs::write(place.out().join(name), "mine").unwrap();
        assert_eq!(refusal(publisher(&place).run()).0, ErrorKind::Store);
        assert_eq!(snapshot(&place.out()).len(), 1, "nothing was written");
        place.publisher().run().unwrap();
        assert_eq!(read(&place.out(), name), "mine");
    }
}

#[test]
fn an_entry_that_looks_like_the_page_is_kept() {
    let place = Place::new();
    place.put("index.html", &definition("I", PAGE_MARK.replace('"', "\\\"").as_str()));
    place.list(&[("a", "a.json"), ("home", "index.html")]);
    place.publisher().run().unwrap();
    let before = snapshot(&place.out());
    place.publisher().run().unwrap();
    assert!(snapshot(&place.out()) == before);
}

#[test]
fn the_page_in_place_is_not_a_file_of_the_catalog() {
    let place = Place::new();
    fs::remove_file(place.catalog().join("root.json")).unwrap();
    let publish = || publisher(&place).format(Format::Files).in_place().run().unwrap();
    let first = publish();
    let again = publish();
    assert_eq!((first.entries, again.entries), (3, 3));
    assert_eq!(again.outcome, PublishOutcome::Unchanged);
    assert!(read(&place.catalog(), "root.v2.html").contains("<bdi>sub/c.json</bdi>"));
}

//! JUpdate sites: collections are followed and published, and the newest suitable release is found.

use std::fs;
use std::path::Path;
use std::time::Duration;

use rockon_sync::publish::{Leniency, PublishReport, Publisher};
use rockon_sync::relations::{Stability, Target};
use rockon_sync::{CancelToken, Error, ErrorKind, Format, limits};
use rockon_sync_tests::{Action, Match, Server, Times};

use crate::world::World;

/// Returns a release with this type, element, version and more XML.
fn release(kind: &str, element: &str, version: &str, more: &str) -> String {
    format!(
        "<update><name>{element}</name><element>{element}</element><type>{kind}</type>\
         <version>{version}</version>{more}</update>\n"
    )
}

fn platform(versions: &str) -> String {
    format!("<targetplatform name=\"joomla\" version=\"{versions}\"/>")
}

fn tag(tag: &str) -> String {
    format!("<tags><tag>{tag}</tag></tags>")
}

fn updates(releases: &[String]) -> String {
    format!("<?xml version=\"1.0\"?>\n<updates>\n{}</updates>\n", releases.concat())
}

fn collection(rows: &[&str]) -> String {
    format!("<extensionset name=\"Test\">\n{}\n</extensionset>\n", rows.join("\n"))
}

fn extension(kind: &str, element: &str, url: &str) -> String {
    format!("<extension type=\"{kind}\" element=\"{element}\" detailsurl=\"{url}\"/>")
}

/// Writes a site with two categories and three extensions.
fn write_site(dir: &Path) {
    fs::create_dir_all(dir.join("more")).unwrap();
    let write = |name: &str, text: String| fs::write(dir.join(name), text).unwrap();
    let cache = "<extension type=\"plugin\" folder=\"system\" element=\"cache\" client=\"0\" \
                 detailsurl=\"cache.xml\"/>";
    write("list.xml", collection(&["<category ref=\"more/list.xml\"/>", cache]));
    write(
        "more/list.xml",
        collection(&[
            &extension("component", "com_shop", "shop.xml"),
            &extension("package", "pkg_de-DE", "../german.xml"),
        ]),
    );
    let group = "<folder>system</folder><client>site</client>";
    let of_cache =
        |version, more: &str| release("plugin", "cache", version, &format!("{group}{more}"));
    write(
        "cache.xml",
        updates(&[
            of_cache("5.9", &format!("{}{}", platform("5.*"), tag("stable"))),
            of_cache("5.10", &format!("{}{}", platform("5\\.[1-4]"), tag("stable"))),
            of_cache("6.0-rc1", &format!("{}{}", platform("(5|6).*"), tag("rc"))),
        ]),
    );
    let details = "<infourl title=\"Shop\">https://example.org/shop</infourl><client>1</client>\
        <downloads><downloadurl type=\"full\" format=\"zip\">https://example.org/shop.zip\
        </downloadurl></downloads><sha256>AB12</sha256><section>Shops</section>\
        <maintainer>Ex &amp; Ample</maintainer>";
    write(
        "more/shop.xml",
        updates(&[
            release("component", "com_shop", "2.0", details),
            release("component", "com_shop", "2.1", &tag("nightly")),
            release("component", "com_shop", "2.0-rc1", ""),
        ]),
    );
    write("german.xml", updates(&[release("package", "pkg_de-DE", "5.1.0.1", &platform("5.1"))]));
}

fn publish(world: &World, site: &str) -> Result<PublishReport, Error> {
    publisher(world, site).run()
}

fn publisher<'a>(world: &World, site: &str) -> Publisher<'a> {
    Publisher::new(site).format(Format::Jupdate).out(world.path("tree"))
}

fn warnings(report: &PublishReport) -> Vec<String> {
    report.problems.iter().map(ToString::to_string).collect()
}

const IDS: [&str; 3] = ["component/com_shop", "package/pkg_de-DE", "plugin/system/cache"];

/// Returns a world whose tree is served, and a server with the URL of the site.
fn served() -> (World, Server, String) {
    let world = World::bare("tree");
    write_site(&world.path("site"));
    let site = Server::serve(world.path("site"));
    let url = format!("{}list.xml", site.url());
    (world, site, url)
}

#[test]
fn a_site_in_a_directory_and_over_http_gives_the_same_tree() {
    let (world, site, url) = served();
    let over_http = publish(&world, &url).unwrap();
    assert_eq!((&*over_http.added, &*warnings(&over_http)), (&IDS.map(String::from)[..], &[][..]));
    assert_eq!(site.take_log().len(), 5, "two collections and three extensions, once each");
    for site in [world.path("site"), world.path("site/list.xml")] {
        let from_dir = publish(&world, site.to_str().unwrap()).unwrap();
        assert_eq!(from_dir.manifest, over_http.manifest);
    }
    let manifest = fs::read_to_string(world.path("tree/root.json")).unwrap();
    let newest = "\"client\":\"administrator\",\"format\":\"jupdate\",\"stability\":\"dev\",\
                  \"tags\":[\"nightly\"],\"type\":\"component\",\"version\":\"2.1\"}";
    assert!(manifest.contains(newest), "{manifest}");
    assert!(manifest.contains("\"platform\":[\"joomla >= 5, < 7\"]"), "{manifest}");
}

#[test]
fn the_newest_suitable_release_is_found() {
    let (world, _site, url) = served();
    publish(&world, &url).unwrap();
    world.update().unwrap();
    world.assert_up_to_date();
    let catalog = world.store().catalog().unwrap();
    let newest = |name: &str, target: &Target| {
        let found = catalog.definition(name).unwrap().newest_release(target).unwrap();
        found.map(|release| release.version).map_err(|reasons| reasons[0].to_string())
    };
    let stable = |platform: &str| {
        Target::new().with_platform(platform).unwrap().with_stability(Stability::Stable)
    };
    for (name, target, expected) in [
        ("plugin/system/cache", Target::new(), Ok("6.0-rc1")),
        ("plugin/system/cache", stable("joomla 5.1"), Ok("5.10")),
        ("plugin/system/cache", stable("joomla 5.4.2"), Ok("5.10")),
        ("plugin/system/cache", stable("joomla 5.10"), Ok("5.9")),
        (
            "plugin/system/cache",
            stable("joomla 6.0"),
            Err("its stability is rc, not stable or more"),
        ),
        ("component/com_shop", Target::new(), Ok("2.1")),
        ("component/com_shop", stable("joomla 4.0"), Ok("2.0")),
        ("package/pkg_de-DE", stable("joomla 5.1.3"), Ok("5.1.0.1")),
        (
            "package/pkg_de-DE",
            stable("joomla 5.10"),
            Err("for joomla >= 5.1, < 5.2, not for joomla 5.10"),
        ),
        (
            "package/pkg_de-DE",
            stable("wordpress 5.1"),
            Err("for joomla >= 5.1, < 5.2, not for wordpress 5.1"),
        ),
    ] {
        let expected = expected.map(str::to_owned).map_err(str::to_owned);
        assert_eq!(newest(name, &target), expected, "{name} {target:?}");
    }
    let shop = catalog.definition("component/com_shop").unwrap().releases().unwrap();
    assert_eq!(shop[0].downloads[0].url, "https://example.org/shop.zip");
    assert_eq!(shop[0].checksums["sha256"], "ab12");
    assert_eq!(shop[0].maintainer.as_deref(), Some("Ex & Ample"));
    assert_eq!(shop[0].client.as_deref(), Some("administrator"));
    let installed = [
        ("plugin/system/cache", "5.9"),
        ("component/com_shop", "2.0"),
        ("package/pkg_de-DE", "5.0"),
        ("component/com_other", "1"),
    ];
    let updates = catalog.updates_for(installed, &stable("joomla 5.1"));
    let found: Vec<_> =
        updates.updates.iter().map(|row| (row.definition.name(), &*row.release.version)).collect();
    assert_eq!(found, [("package/pkg_de-DE", "5.1.0.1"), ("plugin/system/cache", "5.10")]);
    assert_eq!(updates.unknown, ["component/com_other"]);
}

#[test]
fn only_extensions_have_releases() {
    let world = World::v2("a");
    world.updated();
    let catalog = world.store().catalog().unwrap();
    let definition = catalog.definition("App a").unwrap();
    for error in
        [definition.releases().unwrap_err(), definition.newest_release(&Target::new()).unwrap_err()]
    {
        assert_eq!(error.kind(), ErrorKind::Argument);
        assert_eq!(error.to_string(), "\"App a\": expected an extension of a JUpdate site");
    }
    let installed = [("unknown", "1"), ("App a", "1"), ("another", "1")];
    let updates = catalog.updates_for(installed, &Target::new());
    assert!(updates.updates.is_empty() && updates.problems.is_empty());
    assert_eq!(updates.unknown, ["App a", "another", "unknown"]);
}

#[test]
fn a_second_publication_sends_conditional_requests_and_reads_only_changed_files() {
    let (world, site, url) = served();
    publish(&world, &url).unwrap();
    site.take_log();
    let again = publish(&world, &url).unwrap();
    assert!(again.added.is_empty() && again.changed.is_empty());
    let log = site.take_log();
    assert_eq!(log.iter().map(|request| request.status).collect::<Vec<_>>(), [304; 5]);
    let german = updates(&[release("package", "pkg_de-DE", "5.2", "")]);
    fs::write(world.path("site/german.xml"), german).unwrap();
    assert_eq!(publish(&world, &url).unwrap().changed, ["package/pkg_de-DE"]);
    // Damaged cache files are requested unconditionally.
    for entry in fs::read_dir(world.path("tree/.site")).unwrap() {
        fs::write(entry.unwrap().path(), "<updates/>").unwrap();
    }
    site.take_log();
    assert!(publish(&world, &url).unwrap().changed.is_empty());
    assert!(site.take_log().iter().all(|request| request.status == 200));
}

#[test]
fn a_bad_extension_keeps_its_previous_state_and_affects_no_other() {
    for (action, reason) in [
        (Action::ReplaceBody(b"<html>busy</html>".to_vec()), "expected <updates>, got <html>"),
        (Action::ReplaceBody(b"<updates><upd".to_vec()), "not XML"),
        (Action::ReplaceBody(b"<updates></updates>".to_vec()), "expected a release"),
        (Action::ReplaceBody(vec![b' '; 17 * 1024 * 1024]), "16777216 bytes"),
        (
            Action::Respond { status: 404, headers: Vec::new(), body: Vec::new() },
            "expected a document, got status 404",
        ),
    ] {
        let (world, site, url) = served();
        site.on(Match::Path("cache.xml".into()), Times::Always, action);
        // An extension that was never published is left out.
        let report = publish(&world, &url).unwrap();
        assert_eq!(report.added, [IDS[0], IDS[1]]);
        let [warning] = &warnings(&report)[..] else { panic!("{:?}", warnings(&report)) };
        assert!(warning.starts_with("plugin/system/cache.xml: warning: left out"), "{warning}");
        assert!(warning.contains(reason), "{warning}");
    }
    let (world, site, url) = served();
    let first = publish(&world, &url).unwrap();
    let busy = Action::ReplaceBody(b"<html>busy</html>".to_vec());
    site.on(Match::Path("cache.xml".into()), Times::Once, busy.clone());
    site.on(Match::Path("more/list.xml".into()), Times::Once, busy);
    let kept = publish(&world, &url).unwrap();
    assert_eq!((kept.manifest, kept.entries), (first.manifest, 3));
    let found = warnings(&kept);
    assert!(
        found.iter().any(|line| line.contains("more/list.xml: warning: using the cached version")),
        "{found:?}"
    );
    assert!(
        found.iter().any(|line| line.contains("xml: warning: using the cached version: http")),
        "{found:?}"
    );
}

#[test]
fn a_bad_extension_stays_published_even_without_its_cache() {
    let not_found = Action::Respond { status: 404, headers: Vec::new(), body: Vec::new() };
    for (lost, id) in [("cache.xml", IDS[2]), ("more/shop.xml", IDS[0])] {
        let (world, site, url) = served();
        let first = publish(&world, &url).unwrap();
        fs::remove_dir_all(world.path("tree/.site")).unwrap();
        site.on(Match::Path(lost.into()), Times::Always, not_found.clone());
        let lenient = || publisher(&world, &url).leniency(Leniency::LeaveOut).run().unwrap();
        let report = lenient();
        assert_eq!((&*report.kept, report.removed.len()), (&[id.to_owned()][..], 0), "{report:?}");
        assert_eq!((report.manifest, report.entries), (first.manifest, 3));
        // A reference that leads nowhere.
        site.reset();
        let row = match id {
            "component/com_shop" => extension("component", "com_shop", "ftp://h.example/shop.xml"),
            _ => continue,
        };
        let german = extension("package", "pkg_de-DE", "../german.xml");
        fs::write(world.path("site/more/list.xml"), collection(&[&row, &german])).unwrap();
        let report = lenient();
        assert_eq!((&*report.kept, report.removed.len()), (&[id.to_owned()][..], 0), "{report:?}");
    }
}

#[test]
fn a_cached_document_that_is_not_used_any_more_is_removed() {
    let (world, _site, url) = served();
    publish(&world, &url).unwrap();
    let cached = || fs::read_dir(world.path("tree/.site")).unwrap().count();
    let before = cached();
    let german = extension("package", "pkg_de-DE", "../german.xml");
    fs::write(world.path("site/more/list.xml"), collection(&[&german])).unwrap();
    publish(&world, &url).unwrap();
    assert_eq!(cached(), before - 2, "a document and its record");
    publish(&world, &url).unwrap();
    assert_eq!(cached(), before - 2);
}

#[test]
fn one_bad_document_of_several_is_left_out() {
    let world = World::bare("tree");
    let dir = world.path("site");
    fs::create_dir(&dir).unwrap();
    fs::write(dir.join("a.xml"), "<html>").unwrap();
    fs::write(dir.join("b.xml"), updates(&[release("component", "com_b", "1", "")])).unwrap();
    fs::write(dir.join("notes.txt"), "not XML").unwrap();
    fs::create_dir(dir.join("c.xml")).unwrap();
    let report = publish(&world, dir.to_str().unwrap()).unwrap();
    assert_eq!(report.added, ["component/com_b"]);
    let [warning] = &warnings(&report)[..] else { panic!("{:?}", warnings(&report)) };
    assert!(warning.contains("a.xml: warning: left out: "), "{warning}");
}

#[test]
fn an_unreadable_site_publishes_nothing() {
    let (world, site, url) = served();
    let busy = Action::ReplaceBody(b"busy".to_vec());
    site.on(Match::Path("list.xml".into()), Times::Once, busy);
    let error = publish(&world, &url).unwrap_err();
    assert!(error.to_string().contains("not XML"), "{error}");
    assert!(!world.path("tree/root.sha").exists());
    let error = publisher(&world, &url).in_place().run().unwrap_err();
    assert!(error.to_string().contains("needs a directory for the tree"), "{error}");
    fs::create_dir(world.path("empty")).unwrap();
    let error = publish(&world, world.path("empty").to_str().unwrap()).unwrap_err();
    assert!(error.to_string().contains("without XML files"), "{error}");
}

#[test]
fn a_dead_host_is_skipped_and_others_are_asked() {
    let (world, site, url) = served();
    let dead = Server::serve(world.path("nowhere"));
    dead.on(Match::Any, Times::Always, Action::CloseBeforeAnswer);
    let rows: Vec<String> = (0..40)
        .map(|n| extension("component", &format!("com_{n}"), &format!("{}{n}.xml", dead.url())))
        .chain([extension("component", "com_shop", "more/shop.xml")])
        .collect();
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    fs::write(world.path("site/list.xml"), collection(&rows)).unwrap();
    let report = publish(&world, &url).unwrap();
    assert_eq!(report.added, ["component/com_shop"]);
    assert_eq!(warnings(&report).len(), 40);
    assert!(warnings(&report).iter().any(|line| line.contains("did not answer before")));
    let asked = dead.take_log().len();
    assert!(asked <= 4 * 9, "{asked} requests: three failures, requests in flight, and retries");
    drop(site);
}

#[test]
fn cycles_and_paths_out_of_the_directory_are_not_followed() {
    let world = World::bare("tree");
    let dir = world.path("site");
    write_site(&dir);
    fs::write(world.path("secret.xml"), updates(&[release("component", "com_x", "1", "")]))
        .unwrap();
    std::os::unix::fs::symlink(world.path("secret.xml"), dir.join("link.xml")).unwrap();
    let rows = [
        "<category ref=\"../list.xml\"/>",
        "<category ref=\"list.xml\"/>",
        &extension("component", "com_shop", "shop.xml"),
        &extension("component", "com_up", "../../secret.xml"),
        &extension("component", "com_link", "../link.xml"),
        &extension("component", "com_gone", "gone.xml"),
        &extension("component", "com_file", "file:///etc/passwd"),
        &extension("component", "../../evil", "shop.xml"),
        &extension("component", "com_shop", "../german.xml"),
        "<extension element=\"com_half\"/>",
    ];
    fs::write(dir.join("more/list.xml"), collection(&rows)).unwrap();
    let report = publish(&world, dir.join("list.xml").to_str().unwrap()).unwrap();
    assert_eq!(report.added, ["component/com_shop", "plugin/system/cache"]);
    let found = warnings(&report).join("\n");
    for expected in [
        "leads back to this collection",
        "\"../../secret.xml\" is outside the directory of the site",
        "\"../link.xml\" is outside the directory of the site",
        "\"gone.xml\" is not an existing file",
        "\"file:///etc/passwd\" is not an existing file",
        "unsafe path \"component/../../evil.xml\"",
        "component/com_shop: left out: duplicate id, already used by",
        "has no type and no detailsurl",
    ] {
        assert!(found.contains(expected), "{expected}\n{found}");
    }
    assert_eq!(found.matches("leads back to this collection").count(), 2, "{found}");
}

#[test]
fn endlessly_nested_collections_are_followed_to_a_limit() {
    let world = World::bare("tree");
    let dir = world.path("site");
    write_site(&dir);
    for n in 0..40 {
        let next = format!("<category ref=\"{}.xml\"/>", n + 1);
        let row = extension("component", &format!("com_{n}"), "more/shop.xml");
        fs::write(dir.join(format!("{n}.xml")), collection(&[&next, &row])).unwrap();
    }
    let report = publish(&world, dir.join("0.xml").to_str().unwrap()).unwrap();
    let found = warnings(&report);
    assert!(
        found.iter().any(|line| line.contains("expected at most 16 levels of collections")),
        "{found:?}"
    );
}

#[test]
fn a_site_of_one_file_has_the_extensions_in_it() {
    let world = World::bare("tree");
    let file = world.path("updates.xml");
    let both = [release("component", "com_a", "1", ""), release("component", "com_b", "2", "")];
    fs::write(&file, updates(&both)).unwrap();
    let report = publish(&world, file.to_str().unwrap()).unwrap();
    assert_eq!(report.added, ["component/com_a", "component/com_b"]);
    world.update().unwrap();
    let catalog = world.store().catalog().unwrap();
    let b = catalog.definition("component/com_b").unwrap().releases().unwrap();
    assert_eq!(b.iter().map(|release| &*release.version).collect::<Vec<_>>(), ["2"]);
}

#[test]
fn addresses_that_differ_only_in_their_query_are_different() {
    let (world, site, _) = served();
    let respond = |body: String| {
        let body = body.into_bytes();
        Action::Respond { status: 200, headers: Vec::new(), body }
    };
    // A single script serves everything, as on many sites. The server distinguishes responses by
    // order.
    let start =
        collection(&["<category ref=\"site.php?c=1\"/>", "<category ref=\"site.php?c=2\"/>"]);
    let first = collection(&[&extension("component", "com_a", "site.php?id=1")]);
    let second = collection(&[&extension("component", "com_b", "site.php?id=2")]);
    for body in [start, first, second] {
        site.on(Match::Path("site.php".into()), Times::Once, respond(body));
    }
    // The two files may be requested in either order: each has both extensions.
    let both =
        updates(&[release("component", "com_a", "1", ""), release("component", "com_b", "1", "")]);
    site.on(Match::Path("site.php".into()), Times::Always, respond(both));
    let report = publish(&world, &format!("{}site.php", site.url())).unwrap();
    assert_eq!(report.added, ["component/com_a", "component/com_b"], "{:?}", warnings(&report));
    let mut asked: Vec<String> =
        site.take_log().into_iter().map(|request| request.target).collect();
    asked.sort();
    assert_eq!(
        asked,
        ["/site.php", "/site.php?c=1", "/site.php?c=2", "/site.php?id=1", "/site.php?id=2"]
    );
}

#[test]
fn a_canceled_publication_of_a_silent_site_ends_at_once_and_changes_nothing() {
    let world = World::v2("a");
    write_site(&world.path("site"));
    let server = Server::serve(world.path("site"));
    let silence = Action::Delay(Duration::from_secs(60));
    for (path, requests) in [("list.xml", 1), ("cache.xml", 3)] {
        server.reset();
        server.on(Match::Path(path.into()), Times::Always, silence.clone());
        let token = CancelToken::new();
        let publisher = Publisher::new(format!("{}list.xml", server.url()))
            .format(Format::Jupdate)
            .out(world.path("extensions"))
            .cancel(token.clone());
        let (sender, done) = std::sync::mpsc::channel();
        let error = std::thread::scope(|scope| {
            let (server, token) = (&server, &token);
            let is_prompt = scope.spawn(move || {
                server.wait_for_requests(requests);
                token.cancel();
                done.recv_timeout(limits::STALL_TIMEOUT / 2).is_ok()
            });
            let error = publisher.run().unwrap_err();
            let _ = sender.send(());
            assert!(is_prompt.join().unwrap(), "{path}");
            error
        });
        assert_eq!(error.kind(), ErrorKind::Canceled, "{path}: {}", error.to_chain());
        assert!(!world.path("extensions/root.sha").exists());
    }
}

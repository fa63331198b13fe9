//! Hostile servers: each attack gets its own error kind, nothing is written outside the store, and
//! the old generation stays.

use std::fs;
use std::io::{self, Read, Write};
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use rockon_sync::publish::Publisher;
use rockon_sync::transport::{Clock, Request, Response, Transport};
use rockon_sync::{Digest, ErrorKind, Outcome, limits};
use rockon_sync_tests::{Action, Match, Times};

use crate::world::{ManualClock, Packs, World, assert_same_files, definition, files_of};

const PORTAL: &str = "<!DOCTYPE html><html><body>Please log in to the hotel</body></html>";

fn respond(body: impl Into<Vec<u8>>) -> Action {
    Action::Respond { status: 200, headers: vec![], body: body.into() }
}

/// Returns a response of zeros that is small only on the wire.
fn gzip_bomb(len_bytes: usize) -> Action {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    let zeros = vec![0; 1 << 20];
    for _ in 0..len_bytes >> 20 {
        encoder.write_all(&zeros).unwrap();
    }
    let headers = vec![("Content-Encoding".into(), "gzip".into())];
    Action::Respond { status: 200, headers, body: encoder.finish().unwrap() }
}

/// Returns a world whose store is up to date.
fn up_to_date_world() -> World {
    let world = World::small("abcd", Packs::Absent);
    world.updated();
    world
}

/// Writes these bytes as the tree's manifest, and a head with their digest.
fn set_manifest(world: &World, manifest: &[u8]) {
    let head = format!("{}  root.json\n# serial 9\n", Digest::of(manifest));
    fs::write(world.path("tree/root.json"), manifest).unwrap();
    fs::write(world.path("tree/root.sha"), head).unwrap();
}

#[track_caller]
fn assert_refused(world: &World, kind: ErrorKind, expected: &str) {
    let before = files_of(&world.current(""));
    let above = names_in(world);
    let error = world.update().expect_err(expected);
    assert_eq!(error.kind(), kind, "{expected}: {}", error.to_chain());
    assert!(error.to_chain().contains(expected), "{expected}: {}", error.to_chain());
    assert_same_files(&before, &files_of(&world.current("")));
    assert_eq!(names_in(world), above, "{expected}: something was written outside");
}

fn names_in(world: &World) -> Vec<String> {
    let names = fs::read_dir(world.dir.path()).unwrap();
    let mut names: Vec<String> =
        names.map(|name| name.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Returns an entry with this path, inserted into the JSON unescaped.
fn row(id: &str, path: &str) -> String {
    format!("\"{id}\":{{\"url\":\"{path}\",\"sha\":\"{}\"}}", Digest::of(b""))
}

#[test]
fn unsafe_paths_in_every_encoding_are_refused() {
    let long = "x".repeat(256);
    let deep = vec!["x".repeat(200); 6].join("/");
    for (path, rule) in [
        ("../x", "`.` or `..`"),
        ("a/../../x", "`.` or `..`"),
        ("\\u002e\\u002e/x", "`.` or `..`"),
        ("a/\\u002e\\u002e\\/x", "`.` or `..`"),
        ("..\\\\x", "leading dot"),
        ("a\\\\..\\\\x", "backslash"),
        ("/etc/passwd", "empty segment"),
        ("//h/x", "empty segment"),
        ("C:x", "colon"),
        ("file:x", "colon"),
        ("a\\u0000b", "control character"),
        ("a\\nb", "control character"),
        ("a\\u0085b", "control character"),
        ("a\\u202enosj.b", "invisible"),
        ("a\\ufeff", "invisible"),
        (".git/config", "leading dot"),
        (&long, "longer than 255"),
        (&deep, "longer than 1,024"),
    ] {
        let world = up_to_date_world();
        set_manifest(&world, format!("{{{}}}", row("x", path)).as_bytes());
        assert_refused(&world, ErrorKind::Manifest, rule);
        let world = World::v1("ab");
        world.updated();
        fs::write(world.path("catalog/root.json"), format!("{{\"x\":\"{path}\"}}")).unwrap();
        assert_refused(&world, ErrorKind::Manifest, rule);
    }
}

#[test]
fn escapes_in_a_name_stay_inside_the_store() {
    let world = up_to_date_world();
    let body = definition('x', "1");
    let names =
        ["%2e%2e%2fx.json", "%2e%2e/x.json", "%c0%ae%c0%ae/x.json", "\u{ff0e}\u{ff0e}/x.json"];
    let mut rows = Vec::new();
    for name in names {
        let path = world.path("tree").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, &body).unwrap();
        let sha = Digest::of(body.as_bytes());
        rows.push(format!("\"{name}\":{{\"url\":\"{name}\",\"sha\":\"{sha}\"}}"));
    }
    for name in "abcd".chars() {
        let sha = Digest::of(definition(name, "1").as_bytes());
        rows.push(format!("\"{name}\":{{\"url\":\"{name}.json\",\"sha\":\"{sha}\"}}"));
    }
    set_manifest(&world, format!("{{{}}}", rows.join(",")).as_bytes());
    let (report, log) = world.updated();
    assert_eq!((report.added.len(), report.failed.len()), (4, 0), "{report:?}");
    assert!(log[2].target.contains("%252e%252e"), "{log:#?}");
    for name in names {
        assert_eq!(fs::read_to_string(world.current(name)).unwrap(), body);
    }
}

#[test]
fn invalid_manifests_are_refused() {
    let sha = Digest::of(b"");
    let entry = |fields: &str| {
        format!("{{\"a\":{{\"url\":\"a\",\"sha\":\"{sha}\"{fields}}}}}").into_bytes()
    };
    let mut overlong = format!("{{{}}}", row("a", "?/x")).into_bytes();
    let at = overlong.iter().position(|byte| *byte == b'?').unwrap();
    overlong.splice(at..=at, *b"\xc0\xae\xc0\xae");
    let utf16: Vec<u8> = "{}".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let deep =
        |open: &str, close: &str| format!("{}1{}", open.repeat(100_000), close.repeat(100_000));
    let names = vec!["\"\""; limits::MAX_NAMES + 1].join(",");
    for (manifest, expected) in [
        (overlong, "invalid unicode"),
        (b"\xef\xbb\xbf{}".to_vec(), "expected value at line 1 column 1"),
        (utf16, "not a manifest"),
        (entry(",\"x\":\"\\ud800\""), "not a manifest"),
        (entry("} x"), "not a manifest"),
        (entry(",\"size\":-1"), "invalid value"),
        (entry(",\"size\":1e400"), "number out of range"),
        (entry(",\"size\":18446744073709551616"), "invalid type"),
        (entry(",\"size\":1.5"), "invalid type"),
        (entry(",\"updated\":\"99999-01-01T00:00:00Z\""), "entry \"a\""),
        (entry(&format!(",\"x\":{}", deep("[", "]"))), "nests too deep"),
        (entry(&format!(",\"x\":{}", deep("{\"x\":", "}"))), "nests too deep"),
        (format!("{{\"a\":{}}}", deep("[", "]")).into_bytes(), "an object with url and sha"),
        (entry(&format!(",\"names\":[{names}]")), "at most 16384 names"),
        (
            format!("{{{},{}}}", row("a", "gr\\u00fcn"), row("b", "GRU\\u0308N")).into(),
            "duplicate path",
        ),
        (
            format!("{{{},{}}}", row("a", "x.json"), row("b", "\\uff58.json")).into(),
            "duplicate path",
        ),
        (format!("{{{}}}", row("a", "R\\uff4fot.sha")).into(), "reserved path"),
        (format!("{{{}}}", row("a\\u0000", "x")).into(), "control character"),
    ] {
        let world = up_to_date_world();
        set_manifest(&world, &manifest);
        assert_refused(&world, ErrorKind::Manifest, expected);
    }
}

#[test]
fn one_entry_above_the_limit_is_refused() {
    let rows: Vec<String> =
        (0..=limits::MAX_LIST_ENTRIES).map(|n| row(&n.to_string(), &n.to_string())).collect();
    // Not in canonical form, so that a client has all of it in memory. Too large for memory-backed
    // storage.
    let world = World::v2("abcd");
    world.updated();
    set_manifest(&world, format!("{{{}}}", rows.join(",")).as_bytes());
    assert_refused(&world, ErrorKind::Limit, "at most 200000 entries, got more");
}

#[test]
fn invalid_heads_are_refused() {
    let line = format!("{}  root.json\n", Digest::of(b""));
    for (head, expected) in [
        (format!("\u{feff}{line}").into_bytes(), "not a head"),
        ([line.as_bytes(), b"# x \xff\n"].concat(), "not UTF-8 at byte"),
        (format!("{line}# serial 18446744073709551616\n").into(), "line 2"),
        (format!("{line}# serial -1\n").into(), "line 2"),
        (format!("{line}# serial 1e3\n").into(), "line 2"),
        (format!("{line}# expires 10000000-01-01T00:00:00Z\n").into(), "line 2"),
        (format!("{line}# size 99999999999999999999\n").into(), "line 2"),
        (format!("{line}# url file:///etc/\n").into(), "line 2"),
        (format!("{line}# url ../x\n").into(), "line 2"),
        (format!("{line}# by-sha ../x\n").into(), "line 2"),
        (format!("{line}# by-sha %00/..\n").into(), "line 2"),
        (format!("{line}# pack ../../etc/passwd 1\n").into(), "line 2"),
        (format!("{line}# pack empty 99999999999999999999\n").into(), "line 2"),
        (line.replace("root.json", "root\0.json").into(), "unsafe path"),
        (line.replace("root.json", "a/../b").into(), "unsafe path"),
    ] {
        let world = up_to_date_world();
        fs::write(world.path("tree/root.sha"), head).unwrap();
        assert_refused(&world, ErrorKind::Head, expected);
    }
}

#[test]
fn endless_responses_and_bombs_end_at_the_limit() {
    let endless = || Action::Endless { byte: b' ' };
    for (action, expected) in [(endless(), "got more"), (gzip_bomb(100 << 20), "got more")] {
        let world = up_to_date_world();
        world.server.on(Match::Path("root.sha".into()), Times::Always, action.clone());
        assert_refused(&world, ErrorKind::Limit, expected);

        let world = up_to_date_world();
        world.define('a', "2");
        world.publish();
        for path in ["by-sha/", "root.json"] {
            world.server.on(Match::Prefix(path.into()), Times::Always, action.clone());
        }
        assert_refused(&world, ErrorKind::Limit, expected);

        let world = up_to_date_world();
        world.define('a', "2");
        world.publish();
        let digest = Digest::of(definition('a', "2").as_bytes());
        for path in [format!("by-sha/{digest}"), "a.json".into()] {
            world.server.on(Match::Path(path), Times::Always, action.clone());
        }
        let report = world.update().unwrap();
        let kinds: Vec<ErrorKind> = report.failed.iter().map(|failed| failed.kind).collect();
        assert_eq!(kinds, [ErrorKind::Limit], "{report:?}");
        assert!(report.bytes_received < 2 << 20, "{report:?}");
        assert_eq!(fs::read_to_string(world.current("a.json")).unwrap(), definition('a', "1"));
    }
}

#[test]
fn packs_that_are_bombs_are_replaced_by_single_files() {
    let zeros = zstd::encode_all(io::repeat(0).take(1 << 27), 1).unwrap();
    let mut header = tar::Header::new_gnu();
    header.set_path("root.json").unwrap();
    header.set_size(1 << 50);
    header.set_cksum();
    let archive = header.as_bytes().iter().copied().chain([b' '; 4096]).collect::<Vec<u8>>();
    let tar = zstd::encode_all(&*archive, 1).unwrap();
    for pack in [zeros, tar] {
        let world = World::small("abcd", Packs::Absent);
        let digest = Digest::of(&fs::read(world.path("tree/root.json")).unwrap()).to_string();
        let mut head = fs::read_to_string(world.path("tree/root.sha")).unwrap();
        head.push_str(&format!("# pack empty {}\n", pack.len()));
        fs::write(world.path("tree/root.sha"), head).unwrap();
        fs::create_dir_all(world.path("tree/packs")).unwrap();
        fs::write(world.path(&format!("tree/packs/empty-{}.tar.zst", &digest[..12])), pack)
            .unwrap();
        let (report, log) = world.updated();
        assert_eq!((report.outcome, log.len()), (Outcome::Updated, 7), "{log:#?}");
        world.assert_up_to_date();
    }
}

#[test]
fn a_captive_portal_at_any_request_is_never_a_catalog() {
    for packs in [Packs::InHead, Packs::InFiles, Packs::Absent] {
        for holds in [false, true] {
            for begins in 0..5 {
                let world = World::small("abcd", packs);
                if holds {
                    world.updated();
                    for name in "abc".chars() {
                        world.define(name, "2");
                    }
                    world.publish();
                }
                let before = world.current("").exists().then(|| files_of(&world.current("")));
                world.server.reset();
                // Lets the requests before the attack through.
                world.server.on(Match::Any, Times::First(begins), Action::Delay(Duration::ZERO));
                world.server.on(Match::Any, Times::Always, respond(PORTAL));
                match world.update() {
                    Err(error) => {
                        // After a bad manifest, the head is requested again.
                        let kinds = [ErrorKind::Head, ErrorKind::Integrity];
                        assert!(kinds.contains(&error.kind()), "{}", error.to_chain());
                        assert!(
                            before
                                == world.current("").exists().then(|| files_of(&world.current("")))
                        );
                    }
                    Ok(report) => {
                        for failed in &report.failed {
                            assert_eq!(failed.kind, ErrorKind::Integrity, "{report:?}");
                        }
                        let files = files_of(&world.current(""));
                        assert!(files.values().all(|bytes| !bytes.starts_with(b"<")));
                    }
                }
                world.server.reset();
                assert!(world.update().unwrap().failed.is_empty());
                world.assert_up_to_date();
            }
        }
    }
}

#[test]
fn broken_redirects_affect_one_entry_only() {
    let digest = Digest::of(definition('a', "2").as_bytes());
    for (location, expected) in [
        (format!("/by-sha/{digest}"), "expected at most 5 redirects"),
        ("file:///etc/passwd".into(), "redirect refused"),
        ("http://[".into(), "redirect refused"),
        ("gopher://h/".into(), "redirect refused"),
    ] {
        let world = up_to_date_world();
        world.define('a', "2");
        world.publish();
        for path in [format!("by-sha/{digest}"), "a.json".into()] {
            let action = Action::Redirect { status: 302, location: location.clone() };
            world.server.on(Match::Path(path), Times::Always, action);
        }
        let report = world.update().unwrap();
        assert_eq!((report.outcome, report.failed.len()), (Outcome::Partial, 1), "{report:?}");
        assert_eq!(report.failed[0].kind, ErrorKind::Status);
        assert!(report.failed[0].message.contains(expected), "{report:?}");
    }
}

#[test]
fn line_breaks_in_a_redirect_stay_encoded() {
    for location in
        ["/x%0d%0aX-Evil:%20yes%0d%0a%0d%0aGET%20/y", "/x\tX-Evil: yes", "/x\u{b}%0aX-Evil: yes"]
    {
        let world = up_to_date_world();
        let action = Action::Redirect { status: 302, location: location.into() };
        world.server.on(Match::Path("root.sha".into()), Times::Always, action);
        world.server.take_log();
        assert!(world.update().is_err());
        for exchange in world.server.take_log() {
            assert_eq!(exchange.header("X-Evil"), None, "{exchange:?}");
            assert!(!exchange.path.starts_with('y'), "{exchange:?}");
        }
        world.server.reset();
        world.assert_unchanged();
    }
}

#[test]
fn deep_and_large_definitions_are_accepted_or_refused_without_a_crash() {
    let deep = "[".repeat(200_000) + &"]".repeat(200_000);
    let world = World::v1("ab");
    fs::write(world.path("catalog/a.json"), format!("{{\"App a\":{{\"x\":{deep}}}}}")).unwrap();
    let report = world.update().unwrap();
    assert!(report.failed.is_empty(), "{report:?}");
    let text = world.store().catalog().unwrap().definition("App a").unwrap().text().unwrap();
    assert!(text.len() > 400_000);
    // The publisher reports definitions that the appliance cannot read.
    let error = Publisher::new(world.path("catalog")).out(world.path("tree")).run().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Catalog, "{}", error.to_chain());
}

/// Sends one byte every nine seconds, on a clock that it advances.
struct Trickle(ManualClock);

struct TrickledBody(ManualClock);

impl Read for TrickledBody {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.sleep(Duration::from_secs(9));
        buffer[0] = b' ';
        Ok(1)
    }
}

impl Transport for Trickle {
    fn get(&self, _: &Request<'_>) -> Result<Response, rockon_sync::Error> {
        Ok(Response::new(200, Box::new(TrickledBody(self.0.clone()))))
    }
}

#[test]
fn a_dripping_source_fails_long_before_the_time_limit() {
    let world = up_to_date_world();
    let before = files_of(&world.current(""));
    let clock = ManualClock::new();
    let (start, trickle) = (clock.monotonic(), Trickle(clock.clone()));
    let store = world.store();
    let mut updater = rockon_sync::Updater::new(&store).clock(&clock).transport(&trickle);
    let error = updater.run(&world.source()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Transport);
    assert!(error.to_chain().contains("expected 100 bytes per second"), "{}", error.to_chain());
    let passed = clock.monotonic() - start;
    assert!(passed < limits::UPDATE_TIMEOUT / 2, "{passed:?}");
    assert_same_files(&before, &files_of(&world.current("")));
}

//! Credentials and queries of URLs appear in no log, error, report or file, and go to no other
//! host.

use std::fs;
use std::sync::{Mutex, Once};

use rockon_sync::{Error, Outcome, Report, Source};
use rockon_sync_tests::{Action, Exchange, Match, Server, Times};

use crate::world::{Packs, World, files_of};

/// All forms in which the secrets of these tests could appear.
const SECRETS: [&str; 6] =
    ["hunter2", "open-sesame", "bWU6aHVudGVyMg", "sw0rdfish", "presigned-q", "aGU6c3cwcmRmaXNo"];

/// Log records of all crates except `ureq`.
static LOGGED: Mutex<String> = Mutex::new(String::new());

struct Everything;

impl log::Log for Everything {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        // The HTTP library logs whole URLs. Loggers have to filter it, as the command and the
        // bindings do.
        if record.target().starts_with("ureq") {
            return;
        }
        let mut logged = LOGGED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        logged.push_str(&format!("{} {}\n", record.target(), record.args()));
    }

    fn flush(&self) {}
}

fn log_everything() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        log::set_logger(&Everything).unwrap();
        log::set_max_level(log::LevelFilter::Trace);
    });
}

/// Returns the URL of a server, with a password and a token.
fn with_secrets(server: &Server) -> String {
    server.url().replace("http://", "http://me:hunter2@") + "?token=open-sesame"
}

fn source(world: &World) -> Source {
    with_secrets(&world.server).parse().unwrap()
}

#[track_caller]
fn assert_has_no_secret(what: &str, text: &str) {
    for secret in SECRETS {
        let at = text.find(secret);
        assert!(
            at.is_none(),
            "{what} has {secret:?}: {}",
            &text[at.unwrap_or(0).saturating_sub(200)..][..300.min(text.len())]
        );
    }
}

/// Asserts that an update left no secret in its result, in the log, or in the store.
#[track_caller]
fn assert_kept(world: &World, result: &Result<Report, Error>) {
    match result {
        Ok(report) => assert_has_no_secret("the report", &format!("{report:?}")),
        Err(error) => {
            assert_has_no_secret("the error", &format!("{error} {error:?} {}", error.to_chain()));
            let mut cause: Option<&dyn std::error::Error> = Some(error);
            while let Some(error) = cause {
                assert_has_no_secret("a cause", &format!("{error} {error:?}"));
                cause = error.source();
            }
        }
    }
    if world.path("store").exists() {
        for (path, bytes) in files_of(&world.path("store")) {
            assert_has_no_secret(&path, &String::from_utf8_lossy(&bytes));
        }
        for status in world.store().status().unwrap_or_default() {
            assert_has_no_secret("the status", &format!("{status:?}"));
        }
    }
    let logged = LOGGED.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
    assert_has_no_secret("the log", &logged);
}

/// Asserts that a server received no secret.
#[track_caller]
fn assert_not_sent(log: &[Exchange]) {
    assert!(!log.is_empty());
    for exchange in log {
        assert_has_no_secret("a request", &format!("{exchange:?}"));
        assert_eq!(exchange.header("Authorization"), None);
        assert_eq!(exchange.header("Referer"), None);
    }
}

#[test]
fn secrets_go_to_their_own_host_only() {
    log_everything();
    for packs in [Packs::InHead, Packs::InFiles, Packs::Absent] {
        let world = World::small("abc", packs);
        let store = world.store();
        let result = world.updater(&store).run(&source(&world));
        assert_kept(&world, &result);
        assert_eq!(result.unwrap().outcome, Outcome::Updated);
        for exchange in world.server.take_log() {
            assert_eq!(exchange.header("Authorization"), Some("Basic bWU6aHVudGVyMg=="));
            assert!(exchange.target.ends_with("?token=open-sesame"), "{}", exchange.target);
        }
        assert_kept(&world, &world.updater(&store).run(&source(&world)));
    }
}

#[test]
fn errors_of_every_kind_have_no_secrets() {
    log_everything();
    let respond =
        |status, body: &str| Action::Respond { status, headers: vec![], body: body.into() };
    for action in [
        respond(500, ""),
        respond(403, "hunter2 open-sesame"),
        respond(404, ""),
        respond(200, "<html>hunter2</html>"),
        respond(200, &format!("{}  root.json\n", "0".repeat(64))),
        Action::CloseBeforeAnswer,
        Action::CloseAfter(5),
        Action::ChunkedGarbage,
        Action::Endless { byte: b'x' },
        Action::Redirect { status: 302, location: "/root.sha?token=open-sesame".into() },
        Action::Redirect { status: 302, location: "ftp://me:hunter2@h/?token=open-sesame".into() },
        Action::Redirect { status: 302, location: "http://me:hunter2@[".into() },
    ] {
        let world = World::small("abc", Packs::Absent);
        world.server.on(Match::Path("root.sha".into()), Times::Always, action);
        let store = world.store();
        let result = world.updater(&store).run(&source(&world));
        assert!(result.is_err() || world.server.request_count() > 2);
        assert_kept(&world, &result);
    }
    // Failed entries appear in the report and in `status.json`.
    let world = World::small("abc", Packs::Absent);
    world.server.on(Match::Prefix("by-sha/".into()), Times::First(8), respond(404, ""));
    world.server.on(Match::Path("b.json".into()), Times::Always, respond(404, ""));
    let store = world.store();
    assert_kept(&world, &world.updater(&store).run(&source(&world)));
    // Errors about invalid URLs have no secrets either.
    for bad in
        ["ftp://me:hunter2@h/?token=open-sesame", "http://me:hunter2@[/", "http://me:hunter2@/"]
    {
        let error = bad.parse::<Source>().unwrap_err();
        assert_has_no_secret("the error", &format!("{error:?} {}", error.to_chain()));
    }
}

#[test]
fn redirects_and_mirrors_get_no_secrets_of_another_host() {
    log_everything();
    // By a redirect of every request, to a URL with secrets of its own.
    let world = World::small("abc", Packs::Absent);
    let other = Server::serve(world.path("tree"));
    for path in ["root.sha", "root.json"] {
        let to = other.url().replace("http://", "http://he:sw0rdfish@") + path + "?sig=presigned-q";
        let action = Action::Redirect { status: 302, location: to };
        world.server.on(Match::Path(path.into()), Times::Always, action);
    }
    let store = world.store();
    let result = world.updater(&store).run(&source(&world));
    let log = other.take_log();
    for exchange in &log {
        assert!(!format!("{exchange:?}").contains("hunter2"), "{exchange:?}");
        assert!(!format!("{exchange:?}").contains("open-sesame"), "{exchange:?}");
        assert_eq!(exchange.header("Authorization"), None);
    }
    assert!(!log.is_empty());
    assert_kept(&world, &result);
    assert_eq!(result.unwrap().outcome, Outcome::Updated);

    // By the head.
    let world = World::small("abc", Packs::Absent);
    let other = Server::serve(world.path("tree"));
    let head = fs::read_to_string(world.path("tree/root.sha")).unwrap();
    fs::write(world.path("tree/root.sha"), format!("{head}# url {}\n", other.url())).unwrap();
    let store = world.store();
    let result = world.updater(&store).run(&source(&world));
    assert_not_sent(&other.take_log());
    assert_kept(&world, &result);
    assert_eq!(result.unwrap().outcome, Outcome::Updated);

    // As a mirror.
    let world = World::small("abc", Packs::Absent);
    let other = Server::serve(world.path("tree"));
    world.server.on(Match::Any, Times::Always, Action::CloseBeforeAnswer);
    let store = world.store();
    let mirrored = source(&world).with_mirror(other.url().parse().unwrap());
    let result = world.updater(&store).run(&mirrored);
    assert_not_sent(&other.take_log());
    assert_kept(&world, &result);
    assert_eq!(result.unwrap().outcome, Outcome::Updated);
}

//! Several sources: independent, in order, each with its own credentials.

use std::collections::HashSet;
use std::fs;
use std::sync::Barrier;
use std::time::Duration;

use rockon_sync::transport::{Request, Response, Transport};
use rockon_sync::{
    Credentials, Error, ErrorKind, Outcome, Progress, Source, SourceName, Store, Updater, limits,
};
use rockon_sync_tests::{Action, Exchange, Match, Server, Times};

use crate::world::{World, definition};

fn name(text: &str) -> SourceName {
    text.parse().unwrap()
}

fn source(text: &str, world: &World) -> Source {
    Source::new(name(text), world.server.url().parse().unwrap())
}

#[test]
fn a_slow_or_failing_source_does_not_affect_others() {
    let worlds = [World::v2("ab"), World::v2("cd"), World::v2("ef")];
    let hold = Duration::from_secs(600);
    worlds[0].server.on(Match::Any, Times::Always, Action::Delay(hold));
    worlds[1].server.on(Match::Any, Times::Always, Action::CloseBeforeAnswer);
    let sources = [
        source("slow", &worlds[0]).with_timeout(Duration::from_millis(300)),
        source("dead", &worlds[1]),
        source("good", &worlds[2]),
    ];
    let store = worlds[0].store();
    let mut heard: Vec<Progress> = Vec::new();
    let mut updater = Updater::new(&store).progress(|progress| heard.push(progress.clone()));
    let results = updater.run_all(&sources);
    drop(updater);
    assert_eq!(results[0].as_ref().unwrap_err().kind(), ErrorKind::Timeout);
    assert_eq!(results[1].as_ref().unwrap_err().kind(), ErrorKind::Transport);
    let good = results[2].as_ref().unwrap();
    assert_eq!((good.outcome, &*good.source.to_string()), (Outcome::Updated, "good"));
    let sources: HashSet<String> =
        heard.iter().map(|progress| progress.source.to_string()).collect();
    assert_eq!(sources.len(), 3, "progress names its source");
    let good = heard.iter().rfind(|progress| progress.source.as_str() == "good").unwrap();
    assert_eq!(good.files_done, 2);
    assert!(store.catalog().unwrap().definition("App e").is_some());
}

/// Answers no request before as many have arrived as may run at once.
struct Rendezvous(Barrier);

impl Transport for Rendezvous {
    fn get(&self, request: &Request<'_>) -> Result<Response, Error> {
        if request.address.to_string().ends_with("/root.sha") {
            self.0.wait();
        }
        Ok(Response::new(404, Box::new(std::io::empty())))
    }
}

#[test]
fn sources_are_updated_at_the_same_time() {
    let desk = tempfile::tempdir().unwrap();
    let store = Store::new(desk.path());
    let sources = (0..limits::MAX_SOURCES_AT_ONCE * 2)
        .map(|n| Source::new(name(&format!("s{n}")), "http://h.invalid/".parse().unwrap()));
    let sources: Vec<Source> = sources.collect();
    // If they ran one after the other, the first would never end.
    let transport = Rendezvous(Barrier::new(limits::MAX_SOURCES_AT_ONCE));
    let results = Updater::new(&store).transport(&transport).run_all(&sources);
    assert_eq!(results.len(), sources.len());
    for result in results {
        assert_eq!(result.unwrap_err().kind(), ErrorKind::Status);
    }
}

#[test]
fn the_first_source_has_priority_and_the_order_is_remembered() {
    let worlds = [World::v2("ab"), World::v2("bc")];
    for (world, version) in worlds.iter().zip(["low", "high"]) {
        world.define('b', version);
        world.publish();
    }
    let store = worlds[0].store();
    let winner = |store: &Store| {
        let catalog = store.catalog().unwrap();
        assert_eq!(catalog.definitions().len(), 3);
        catalog.definition("App b").unwrap().text().unwrap()
    };
    for (order, expected) in [([0, 1], "low"), ([1, 0], "high")] {
        let names = ["one", "two"];
        let sources = order.map(|n| source(names[n], &worlds[n]));
        assert!(Updater::new(&store).run_all(&sources).iter().all(Result::is_ok));
        assert!(winner(&store).contains(expected), "{order:?}");
        // An update of one source keeps the order.
        Updater::new(&store).run(&sources[1]).unwrap();
        assert!(winner(&store).contains(expected), "{order:?}");
        let remembered = store.remembered_sources().unwrap();
        assert_eq!(remembered[0].name(), sources[0].name());
    }
}

#[test]
fn a_source_that_is_updated_alone_keeps_its_place() {
    let worlds = [World::v2("a"), World::v2("b")];
    let store = worlds[0].store();
    let sources = [source("one", &worlds[0]), source("two", &worlds[1])];
    let names = || {
        let names = store.sources_by_priority().unwrap();
        names.iter().map(|name| name.as_str().to_owned()).collect::<Vec<_>>()
    };
    assert!(Updater::new(&store).run_all(&sources).iter().all(Result::is_ok));
    assert_eq!(names(), ["one", "two"]);
    let results = Updater::new(&store).run_all(&sources[1..]);
    assert!(results.len() == 1 && results[0].is_ok());
    assert_eq!(names(), ["one", "two"]);
}

fn credentials() -> Credentials {
    let credentials = Credentials::new().with_query("token", "Geheim1");
    let credentials = credentials.with_header("X-Key", "Geheim2").unwrap();
    credentials.with_password("me", "Geheim3").unwrap()
}

/// Returns if a request has all, and any, of the credentials.
fn has_credentials(request: &Exchange) -> (bool, bool) {
    let found = [
        request.target.contains("?token=Geheim1"),
        request.header("x-key") == Some("Geheim2"),
        request.header("authorization").is_some(),
    ];
    (found.iter().all(|yes| *yes), found.iter().any(|yes| *yes))
}

#[test]
fn credentials_are_sent_with_every_request_to_the_mirrors() {
    let world = World::v2("abc");
    let dead = Server::serve(world.path("nothing"));
    dead.on(Match::Any, Times::Always, Action::CloseBeforeAnswer);
    let source = Source::new(name("private"), dead.url().parse().unwrap())
        .with_mirror(world.server.url().parse().unwrap())
        .with_credentials(credentials());
    let store = world.store();
    world.updater(&store).run(&source).unwrap();
    let log = world.server.take_log();
    assert_eq!(log.len(), 5);
    assert!(
        log.iter().chain(&dead.take_log()).all(|request| has_credentials(request).0),
        "{log:?}"
    );
    // They are sent even if nothing is new.
    assert_eq!(world.updater(&store).run(&source).unwrap().outcome, Outcome::Unchanged);
    assert!(world.server.take_log().iter().all(|request| has_credentials(request).0));
}

#[test]
fn credentials_go_to_no_other_host() {
    // The files are on a second host named by the head, or behind a redirect.
    let (world, cdn) = (World::bare("tree"), World::v2("abc"));
    world.write_catalog("abc");
    world.publisher().url(cdn.server.url()).run().unwrap();
    crate::world::remove_packs(&world.path("tree"));
    let private = || source("private", &world).with_credentials(credentials());
    let store = world.store();
    world.updater(&store).run(&private()).unwrap();
    assert!(world.server.take_log().iter().all(|request| has_credentials(request).0));
    let log = cdn.server.take_log();
    assert!(log.len() >= 3 && !log.iter().any(|request| has_credentials(request).1), "{log:?}");

    let away = Action::Redirect { status: 302, location: cdn.server.url() + "root.sha" };
    world.server.on(Match::Path("root.sha".into()), Times::Always, away);
    let _ = world.updater(&Store::new(world.path("other"))).run(&private());
    let log = cdn.server.take_log();
    assert!(!log.is_empty() && !log.iter().any(|request| has_credentials(request).1), "{log:?}");
}

#[test]
fn credentials_are_neither_stored_nor_printed() {
    let world = World::v2("abc");
    let source = source("private", &world).with_credentials(credentials());
    let store = world.store();
    let respond = |status| Action::Respond { status, headers: vec![], body: vec![] };
    world.server.on(Match::Path("root.sha".into()), Times::Once, respond(401));
    let error = world.updater(&store).run(&source).unwrap_err();
    world.server.on(Match::Prefix("by-sha/".into()), Times::Always, respond(403));
    world.server.on(Match::Path("a.json".into()), Times::Always, respond(403));
    let report = world.updater(&store).run(&source).unwrap();
    assert_eq!(report.failed.len(), 1);
    let text = format!("{error} {error:?} {} {report:?} {source:?}", error.to_chain());
    let mut found = vec![("messages".to_owned(), text.into_bytes())];
    for (path, bytes) in crate::world::files_of(&world.path("store")) {
        found.push((path, bytes));
    }
    for (place, bytes) in found {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        assert!(!text.contains("Geheim") && !text.contains("bWU6R2"), "{place}: {text}");
    }
}

#[test]
fn a_source_without_a_generation_deletes_nothing() {
    let world = World::v2("a");
    fs::create_dir_all(world.path("store/local")).unwrap();
    fs::write(world.path("store/local/z.json"), definition('z', "1")).unwrap();
    fs::write(
        world.path("store/sources.toml"),
        "[[source]]\nname = \"new\"\nurls = [\"http://h/\"]\n",
    )
    .unwrap();
    let catalog = world.store().catalog().unwrap();
    let changes = catalog.changes_since([("App a", "")]);
    assert_eq!((changes.deletes.len(), changes.withheld.len()), (0, 1));
}

//! Relays: a store is a source for other stores, in chains and for many at once.

use std::fs;

use rockon_sync::{Outcome, Report, Source, Store, Updater};
use rockon_sync_tests::Server;

use crate::world::{World, assert_same_files, files_of};

/// A store that follows `source`, and whose `current` is served.
struct Relay {
    store: Store,
    source: Source,
}

impl Relay {
    fn new(world: &World, name: &str, source: &str) -> Relay {
        Relay { store: Store::new(world.path(name)), source: source.parse().unwrap() }
    }

    fn update(&self) -> Report {
        Updater::new(&self.store).run(&self.source).unwrap()
    }

    fn serve(&self) -> Server {
        Server::serve(self.store.dir().join("rockstor/current"))
    }
}

#[test]
fn a_chain_of_three_relays_every_change_byte_for_byte() {
    let world = World::packed("abcdef");
    let first = Relay::new(&world, "first", &world.server.url());
    first.update();
    let first_server = first.serve();
    let second = Relay::new(&world, "second", &first_server.url());
    second.update();
    let second_server = second.serve();
    let third = Relay::new(&world, "third", &second_server.url());
    third.update();
    let in_step = || {
        let current = |name: &str| files_of(&world.path(name).join("rockstor/current"));
        assert_same_files(&current("first"), &current("second"));
        assert_same_files(&current("first"), &current("third"));
    };
    in_step();
    for relay in [&first, &second, &third] {
        assert_eq!((relay.update().outcome, relay.update().requests), (Outcome::Unchanged, 1));
    }
    world.define('b', "2");
    world.publish();
    // The symbolic link `current` is resolved at each request.
    for relay in [&first, &second, &third] {
        assert_eq!(relay.update().changed, ["b"]);
    }
    in_step();
    fs::remove_file(world.path("catalog/c.json")).unwrap();
    let rows = ["a", "b", "d", "e", "f"].map(|id| (id.to_owned(), format!("{id}.json")));
    world.write_list(&rows.into());
    world.publish();
    for relay in [&first, &second, &third] {
        assert_eq!(relay.update().removed, ["c"]);
    }
    in_step();
}

#[test]
fn a_relay_without_packs_and_by_sha_is_asked_for_each_only_once() {
    let world = World::packed("abcdef");
    let first = Relay::new(&world, "first", &world.server.url());
    first.update();
    let server = first.serve();
    let second = Relay::new(&world, "second", &server.url());
    let report = second.update();
    let paths: Vec<String> = server.take_log().into_iter().map(|request| request.path).collect();
    let asked = |start: &str| paths.iter().filter(|path| path.starts_with(start)).count();
    // Head, pack, manifest by digest and by path, six files.
    assert_eq!((asked("packs/"), asked("by-sha/"), paths.len()), (1, 1, 10), "{paths:?}");
    assert_eq!(report.added.len(), 6);
}

#[test]
fn a_network_with_a_relay_fetches_once_from_outside() {
    let world = World::packed("abc");
    let gateway = Relay::new(&world, "gateway", &world.server.url());
    gateway.update();
    world.server.reset();
    let server = gateway.serve();
    let dir = world.path("gateway/rockstor/current").display().to_string();
    for n in 0..6 {
        // Over HTTP or as a directory.
        let source = if n % 2 == 0 { server.url() } else { dir.clone() };
        let machine = Relay::new(&world, &format!("machine-{n}"), &source);
        assert_eq!(machine.update().added.len(), 3);
    }
    assert_eq!(world.server.request_count(), 0);
}

//! A published catalog with key lists, and a client of it.

use std::fs;
use std::path::{Path, PathBuf};

use rockon_sync::inspect::SourceStatus;
use rockon_sync::keys::{KeyList, KeyRole, SigningKey, VerifierKey, sign_note};
use rockon_sync::publish::PublishReport;
use rockon_sync::{Error, ErrorKind, Report, Source};

use crate::world::{World, files_of};

/// Returns the key of this name, the same in every run.
pub(super) fn key(name: &str) -> SigningKey {
    let seed = *rockon_sync::Digest::of(name.as_bytes()).as_bytes();
    SigningKey::from_seed(&format!("example.org/{name}"), seed).unwrap()
}

pub(super) fn public(name: &str) -> VerifierKey {
    key(name).verifier_key().clone()
}

/// Returns the keys with these names, separated by spaces.
pub(super) fn keys(names: &str) -> Vec<SigningKey> {
    names.split_whitespace().map(key).collect()
}

/// A role as "<threshold> <name> ...".
pub(super) fn role(text: &str) -> KeyRole {
    let (threshold, names) = text.split_once(' ').unwrap();
    KeyRole::new(names.split_whitespace().map(public).collect(), threshold.parse().unwrap())
}

/// A key list before it is signed.
#[derive(Clone, Copy)]
pub(super) struct Roles<'a> {
    pub(super) root: &'a str,
    pub(super) head: &'a str,
}

pub(super) const FIRST: Roles<'_> = Roles { root: "2 a b c", head: "1 x" };

/// Returns the text of a list that the keys with these names have signed.
pub(super) fn signed_list(version: u64, roles: Roles<'_>, signers: &str) -> String {
    let list = KeyList::new("example.org/rockons", version, role(roles.root), role(roles.head));
    sign_note(&list.unwrap().to_string(), &keys(signers)).unwrap()
}

/// A published catalog of three definitions, and a client that trusts the key x.
pub(super) struct Lists {
    pub(super) world: World,
}

impl Lists {
    /// A tree that x has signed, without key lists, and a client of it.
    pub(super) fn none() -> Lists {
        let world = World::bare("tree");
        world.write_catalog("abc");
        let lists = Lists { world };
        lists.publish("x", None).unwrap();
        lists.update("x").unwrap();
        lists
    }

    /// A tree with the first list, and a client that knows it.
    pub(super) fn first() -> Lists {
        let lists = Lists::none();
        lists.publish("x", Some(&signed_list(1, FIRST, "x a b"))).unwrap();
        lists.update("x").unwrap();
        lists
    }

    pub(super) fn list_file(&self) -> PathBuf {
        self.world.path("list")
    }

    /// Publishes, signed with these keys, and with a list if there is one.
    pub(super) fn publish(
        &self,
        signers: &str,
        list: Option<&str>,
    ) -> Result<PublishReport, Error> {
        let mut publisher = self.world.publisher();
        if let Some(list) = list {
            fs::write(self.list_file(), list).unwrap();
            publisher = publisher.key_list(self.list_file());
        }
        let sign = keys(signers).into_iter();
        sign.fold(publisher, |publisher, key| publisher.sign_key(key)).run()
    }

    /// Changes a definition and publishes.
    pub(super) fn change(&self, version: &str, signers: &str) {
        self.world.define('a', version);
        self.publish(signers, None).unwrap();
    }

    /// Writes a head as a thief can: the published one with these changes, signed by these keys.
    pub(super) fn forge(&self, signers: &str, changes: &[(&str, &str)]) {
        let path = self.world.path("tree/root.sha");
        let head = fs::read_to_string(&path).unwrap();
        let mut text = head.split_once("\n\n").unwrap().0.to_owned() + "\n";
        for (from, to) in changes {
            assert!(text.contains(from), "{text}");
            text = text.replacen(from, to, 1);
        }
        fs::write(path, sign_note(&text, &keys(signers)).unwrap()).unwrap();
    }

    pub(super) fn put_list(&self, version: u64, list: &str) {
        let dir = self.world.path("tree/keys");
        fs::create_dir_all(&dir).unwrap();
        fs::write(dir.join(version.to_string()), list).unwrap();
    }

    /// Updates, trusting the keys with these names, or else those of the last update.
    pub(super) fn update(&self, trusted: &str) -> Result<Report, Error> {
        self.update_from(self.world.source(), trusted)
    }

    pub(super) fn update_from(&self, source: Source, trusted: &str) -> Result<Report, Error> {
        let names = trusted.split_whitespace();
        let source = names.fold(source, |source, name| source.trust(public(name)));
        self.world.updater(&self.world.store()).run(&source)
    }

    /// The message of an update that the signatures end, which changes nothing.
    pub(super) fn refused(&self) -> String {
        let state = || (files_of(&self.world.current("")), self.trusted_file());
        let before = state();
        let error = self.update("").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Trust, "{error}");
        assert!(before == state());
        error.to_string()
    }

    pub(super) fn trusted_file(&self) -> String {
        fs::read_to_string(self.world.path("store/rockstor/trusted-keys")).unwrap()
    }

    pub(super) fn status(&self) -> SourceStatus {
        self.world.store().source_status(&Default::default()).unwrap()
    }

    pub(super) fn known_version(&self) -> Option<u64> {
        self.status().key_list.map(|list| list.version())
    }

    /// Returns the requested paths since the last call.
    pub(super) fn asked(&self) -> Vec<String> {
        self.world.server.take_log().into_iter().map(|seen| seen.path).collect()
    }
}

/// Copies the published tree to a directory.
pub(super) fn copy_tree(lists: &Lists, dir: &Path) {
    for (path, bytes) in files_of(&lists.world.path("tree")) {
        let to = dir.join(path);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::write(to, bytes).unwrap();
    }
}

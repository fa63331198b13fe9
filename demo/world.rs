//! A publisher, two web servers and a client, in one temporary directory.

use std::fs;

use rockon_sync_tests::{Action, Exchange, Match, Server, Times};
use serde_json::Value;
use tempfile::TempDir;

use crate::brute_force;
use crate::catalog::Catalog;
use crate::command::{Command, Run, number};
use crate::cost::Cost;
use crate::{Result, expect};

/// The number of body bytes after which a response is cut: fewer than any file of the catalog has.
const CUT_AFTER_BYTES: usize = 100;

/// The number of the request for the pack in a first update, counted from 0.
const PACK: usize = 1;

/// The exit code of an update that failed and can be retried.
const FAILED: i32 = 1;

/// The environment of the demo.
pub(crate) struct World {
    pub(crate) catalog: Catalog,
    pub(crate) command: Command,
    /// Serves the published tree.
    server: Server,
    /// Serves the catalog directory, for the brute force client.
    old_server: Server,
    /// The last field, so that it is dropped after the servers.
    dir: TempDir,
}

impl World {
    pub(crate) fn new(program: &std::path::Path) -> Result<World> {
        let dir = tempfile::Builder::new().prefix("rockon-sync-demo-").tempdir()?;
        let catalog = Catalog::copy_to(&dir.path().join("catalog"))?;
        Ok(World {
            command: Command::new(program, dir.path())?,
            server: Server::serve(dir.path().join("tree")),
            old_server: Server::serve(catalog.dir()),
            catalog,
            dir,
        })
    }

    /// Publishes the current state of the catalog directory.
    pub(crate) fn publish(&self) -> Result<Value> {
        self.command.json("publish catalog --out tree --json")
    }

    /// Updates a store. Checks that it is then up to date, and that the command counts as the
    /// server does.
    pub(crate) fn update(&self, store: &str) -> Result<(Value, Cost)> {
        self.server.reset();
        let report = self.command.json(&self.update_line(store))?;
        let cost = Cost::of(&self.server.take_log());
        let counted = Cost {
            requests: number(&report, "requests")?,
            bytes: number(&report, "bytes_received")?,
        };
        expect("the command's counters", counted, cost)?;
        self.check_up_to_date(store)?;
        Ok((report, cost))
    }

    /// Updates a store from a server that breaks off after this many bytes of the pack, and is then
    /// gone.
    pub(crate) fn cut_update(&self, store: &str, after: usize) -> Result<(Run, Vec<Exchange>)> {
        break_off(&self.server, PACK, after);
        let run = self.command.run(&self.update_line(store))?;
        let log = self.server.take_log();
        expect("exit code of the interrupted update", run.code, Some(FAILED))?;
        let current = self.dir.path().join(store).join("rockstor/current");
        expect("a half-fetched catalog in use", current.try_exists()?, false)?;
        Ok((run, log))
    }

    /// Fetches the catalog by brute force.
    pub(crate) fn brute_force(&self) -> Result<Cost> {
        self.old_server.reset();
        let mut cost = Cost::default();
        brute_force::fetch_all(&self.old_server, &mut cost)?;
        expect("brute force's counters", cost, Cost::of(&self.old_server.take_log()))?;
        Ok(cost)
    }

    /// Fetches it by brute force from a server that breaks off in the middle of a response.
    pub(crate) fn cut_brute_force(&self, cut: usize) -> Result<Cost> {
        break_off(&self.old_server, cut, CUT_AFTER_BYTES);
        let mut cost = Cost::default();
        let result = brute_force::fetch_all(&self.old_server, &mut cost);
        expect("interrupted brute force failed", result.is_err(), true)?;
        Ok(cost)
    }

    /// Returns the number of bytes that a store has of an interrupted pack.
    pub(crate) fn partial_pack_bytes(&self, store: &str) -> Result<u64> {
        let incoming = self.dir.path().join(store).join("rockstor/incoming");
        for file in fs::read_dir(incoming)? {
            let file = file?;
            if file.file_name().to_string_lossy().starts_with("pack-") {
                return Ok(file.metadata()?.len());
            }
        }
        Err("the store has no part of the pack".into())
    }

    /// Writes a local definition.
    pub(crate) fn write_local(&self, store: &str, file: &str, text: &str) -> Result<()> {
        let local = self.dir.path().join(store).join("local");
        fs::create_dir_all(&local)?;
        Ok(fs::write(local.join(file), text)?)
    }

    /// Writes a file beside the stores.
    pub(crate) fn write(&self, file: &str, text: &str) -> Result<()> {
        Ok(fs::write(self.dir.path().join(file), text)?)
    }

    fn update_line(&self, store: &str) -> String {
        format!("update --store {store} --source {} --json", self.server.url())
    }

    /// Checks that the store has every file of the catalog byte for byte, and no other.
    fn check_up_to_date(&self, store: &str) -> Result<()> {
        let current = self.dir.path().join(store).join("rockstor/current");
        let mut wanted = vec!["root.json".to_owned(), "root.sha".to_owned()];
        for file in self.catalog.list()?.values() {
            let file = file.as_str().ok_or("root.json: expected file names")?;
            let is_same = fs::read(current.join(file))? == self.catalog.read(file)?;
            expect(&format!("{file} in the store"), is_same, true)?;
            wanted.push(file.to_owned());
        }
        let mut current_files = Vec::new();
        for file in fs::read_dir(current)? {
            current_files.push(file?.file_name().to_string_lossy().into_owned());
        }
        wanted.sort();
        current_files.sort();
        expect("the files in the store", current_files, wanted)
    }
}

/// Cuts off one response after this many bytes, and sends no further one.
fn break_off(server: &Server, cut: usize, after_bytes: usize) {
    server.reset();
    server.on(Match::Nth(cut), Times::Once, Action::CloseAfter(after_bytes));
    server.on(Match::Nth(cut + 1), Times::Once, Action::Die);
}

//! A publisher, two web servers and a client, all in one temporary folder.

use std::fs;

use rockon_sync_tests::{Action, Exchange, Match, Server, Times};
use serde_json::Value;
use tempfile::TempDir;

use crate::brute_force;
use crate::catalog::Catalog;
use crate::command::{Command, Run, number};
use crate::cost::Cost;
use crate::{Result, expect};

/// Bytes of the answer in whose middle the line is cut: fewer than any file of the catalog has.
const CUT_AFTER_BYTES: usize = 100;

/// Which request of a first sync, counted from 0, is the one for the pack.
const PACK: usize = 1;

/// Exit code of an update that failed and may work the next time.
const FAILED: i32 = 1;

/// Everything that the demo plays with.
pub(crate) struct World {
    pub(crate) catalog: Catalog,
    pub(crate) command: Command,
    /// Serves the published tree.
    server: Server,
    /// Serves the catalog as it is, for those who know nothing else.
    old_server: Server,
    /// Last, so that it outlives the servers.
    folder: TempDir,
}

impl World {
    pub(crate) fn new(program: &std::path::Path) -> Result<World> {
        let folder = tempfile::Builder::new().prefix("rockon-sync-demo-").tempdir()?;
        let catalog = Catalog::copy_to(&folder.path().join("catalog"))?;
        Ok(World {
            command: Command::new(program, folder.path())?,
            server: Server::serve(folder.path().join("tree")),
            old_server: Server::serve(catalog.folder()),
            catalog,
            folder,
        })
    }

    /// Publishes the catalog as it is now.
    pub(crate) fn publish(&self) -> Result<Value> {
        self.command.json("publish catalog --out tree --json")
    }

    /// Updates a store, and checks that it then holds what is published and that the command counts
    /// as the server does.
    pub(crate) fn update(&self, store: &str) -> Result<(Value, Cost)> {
        self.server.reset();
        let report = self.command.json(&self.update_line(store))?;
        let cost = Cost::of(&self.server.take_log());
        let counted = Cost {
            requests: number(&report, "requests")?,
            bytes: number(&report, "bytes_received")?,
        };
        expect("what the command counts, against the server's log", counted, cost)?;
        self.check_in_step(store)?;
        Ok((report, cost))
    }

    /// Updates a store from a server that breaks off in the middle of the pack, after so many
    /// bytes of it, and is gone then.
    pub(crate) fn cut_update(&self, store: &str, after: usize) -> Result<(Run, Vec<Exchange>)> {
        break_off(&self.server, PACK, after);
        let run = self.command.run(&self.update_line(store))?;
        let log = self.server.take_log();
        expect("exit code of the update that was cut off", run.code, Some(FAILED))?;
        let current = self.folder.path().join(store).join("rockstor/current");
        expect("a half-fetched catalog in use", current.try_exists()?, false)?;
        Ok((run, log))
    }

    /// Fetches the catalog by brute force.
    pub(crate) fn brute_force(&self) -> Result<Cost> {
        self.old_server.reset();
        let mut cost = Cost::default();
        brute_force::fetch_all(&self.old_server, &mut cost)?;
        expect(
            "brute force, against its server's log",
            cost,
            Cost::of(&self.old_server.take_log()),
        )?;
        Ok(cost)
    }

    /// The same from a server that breaks off in the middle of one answer.
    pub(crate) fn cut_brute_force(&self, cut: usize) -> Result<Cost> {
        break_off(&self.old_server, cut, CUT_AFTER_BYTES);
        let mut cost = Cost::default();
        let result = brute_force::fetch_all(&self.old_server, &mut cost);
        expect("brute force that was cut off has failed", result.is_err(), true)?;
        Ok(cost)
    }

    /// How many bytes of a pack a store keeps that was cut off.
    pub(crate) fn kept_of_a_pack(&self, store: &str) -> Result<u64> {
        let incoming = self.folder.path().join(store).join("rockstor/incoming");
        for file in fs::read_dir(incoming)? {
            let file = file?;
            if file.file_name().to_string_lossy().starts_with("pack-") {
                return Ok(file.metadata()?.len());
            }
        }
        Err("nothing is kept of the pack".into())
    }

    /// Writes a definition by hand, into the folder for that.
    pub(crate) fn write_local(&self, store: &str, file: &str, text: &str) -> Result<()> {
        let local = self.folder.path().join(store).join("local");
        fs::create_dir_all(&local)?;
        Ok(fs::write(local.join(file), text)?)
    }

    /// Writes a file beside the stores.
    pub(crate) fn write(&self, file: &str, text: &str) -> Result<()> {
        Ok(fs::write(self.folder.path().join(file), text)?)
    }

    fn update_line(&self, store: &str) -> String {
        format!("update --store {store} --source {} --json", self.server.url())
    }

    /// The store holds every file of the catalog byte for byte, and no other.
    fn check_in_step(&self, store: &str) -> Result<()> {
        let current = self.folder.path().join(store).join("rockstor/current");
        let mut wanted = vec!["root.json".to_owned(), "root.sha".to_owned()];
        for file in self.catalog.list()?.values() {
            let file = file.as_str().ok_or("an entry that names no file")?;
            let is_same = fs::read(current.join(file))? == self.catalog.read(file)?;
            expect(&format!("{file} is held as it was published"), is_same, true)?;
            wanted.push(file.to_owned());
        }
        let mut held = Vec::new();
        for file in fs::read_dir(current)? {
            held.push(file?.file_name().to_string_lossy().into_owned());
        }
        wanted.sort();
        held.sort();
        expect("the files held", held, wanted)
    }
}

/// Breaks off one answer after so many bytes, and gives no further one.
fn break_off(server: &Server, cut: usize, after_bytes: usize) {
    server.reset();
    server.on(Match::Nth(cut), Times::Once, Action::CloseAfter(after_bytes));
    server.on(Match::Nth(cut + 1), Times::Once, Action::Die);
}

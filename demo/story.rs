//! The steps of the demo.

use std::path::Path;

use serde_json::Value;

use crate::command::{number, text, texts};
use crate::cost::{Cost, Table, grouped};
use crate::world::World;
use crate::{Result, expect};

const INTRODUCTION: &str = "\
rockon-sync keeps a local copy of a published catalog up to date. It requests one small file to find
out if anything has changed, fetches only the changes, verifies every byte, and lists the changes for
the application. For comparison: brute force, which fetches everything every time.";

/// The definition that is edited: its name, its id and its file.
const NAME: &str = "Miniflux";
const ID: &str = "miniflux";
const FILE: &str = "miniflux.json";
/// The location of its port in the output of `show --json`.
const PORT: &str = "/definition/containers/miniflux/ports/8080/host_default";

/// Requests of an update with many changes: the head and a pack.
const HEAD_AND_PACK: u64 = 2;
/// Requests of an update with few changes: they are in the head.
const HEAD: u64 = 1;

/// The demo with its measurements so far.
pub(crate) struct Story {
    world: World,
    table: Table,
    steps: usize,
}

impl Story {
    pub(crate) fn new(program: &Path) -> Result<Story> {
        Ok(Story { world: World::new(program)?, table: Table::default(), steps: 0 })
    }

    pub(crate) fn tell(mut self) -> Result<()> {
        println!("{INTRODUCTION}");
        self.publish()?;
        let first = self.first_sync()?;
        let (unchanged, brute_force) = self.nothing_changed()?;
        self.one_changed()?;
        self.one_removed_one_added()?;
        self.cut_off_and_resumed(first)?;
        self.local_override()?;
        self.conclude(unchanged, brute_force);
        Ok(())
    }

    fn publish(&mut self) -> Result<()> {
        self.step("The publisher turns a directory of JSON files into a tree with digests.");
        let report = self.world.publish()?;
        let entries = self.world.catalog.list()?.len() as u64;
        expect("entries published", number(&report, "entries")?, entries)?;
        println!(
            "    {entries} entries published; any web server can serve the directory \"tree\"."
        );
        Ok(())
    }

    fn first_sync(&mut self) -> Result<Cost> {
        self.step("First update: a new machine fetches everything, as one pack.");
        let (report, cost) = self.update("first update", "store")?;
        let entries = self.world.catalog.list()?.len();
        expect("outcome", text(&report, "outcome")?, "updated")?;
        expect("entries added", texts(&report, "added")?.len(), entries)?;
        expect("requests of a first update", cost.requests, HEAD_AND_PACK)?;
        Ok(cost)
    }

    fn nothing_changed(&mut self) -> Result<(Cost, Cost)> {
        self.step(
            "Nothing has changed, as on most days: one request, and \"not modified\" has no body.",
        );
        let before = self.table.totals().1;
        let (report, cost) = self.update("nothing changed", "store")?;
        expect("outcome", text(&report, "outcome")?, "unchanged")?;
        expect("requests when nothing changed", cost.requests, 1)?;
        let mut brute_force = self.table.totals().1;
        brute_force.requests -= before.requests;
        brute_force.bytes -= before.bytes;
        Ok((cost, brute_force))
    }

    fn one_changed(&mut self) -> Result<()> {
        self.step("One changed: the publisher moves Miniflux to a new version.");
        self.world.catalog.edit(FILE, "\"version\": \"2.2\"", "\"version\": \"2.3\"")?;
        self.world.publish()?;
        let (report, cost) = self.update("one changed", "store")?;
        expect("entries changed", texts(&report, "changed")?, vec![ID])?;
        expect("requests when one changed", cost.requests, HEAD)
    }

    fn one_removed_one_added(&mut self) -> Result<()> {
        self.step("One removed and one added: Kimai leaves the catalog, Navidrome joins it.");
        self.world.catalog.remove("kimai")?;
        self.world.catalog.add("navidrome", "navidrome.json")?;
        self.world.publish()?;
        let (report, cost) = self.update("one removed, one added", "store")?;
        expect("entries removed", texts(&report, "removed")?, vec!["kimai"])?;
        expect("entries added", texts(&report, "added")?, vec!["navidrome"])?;
        expect("requests when one was added", cost.requests, HEAD)
    }

    /// `whole` is the cost of an uninterrupted first update.
    fn cut_off_and_resumed(&mut self, whole: Cost) -> Result<()> {
        self.step(
            "Interrupted: the server dies half-way through the first update of a second machine.",
        );
        let after = usize::try_from(whole.bytes / 2)?;
        let (run, log) = self.world.cut_update("store-2", after)?;
        let brute_force = self.world.cut_brute_force(self.world.catalog.list()?.len() / 2)?;
        self.table.add("cut off half-way", Cost::of(&log), brute_force);
        let kept = self.world.partial_pack_bytes("store-2")?;
        expect("bytes kept of the pack", kept, after as u64)?;
        let error = &run.json["error"];
        let message = text(error, "message")?.trim_start_matches(text(error, "url")?);
        println!("    Failed after several attempts{message}.");
        println!(
            "    The store has no half-finished catalog; the {} bytes received are kept.",
            grouped(kept)
        );

        self.step("Resumed: the server is back. The bytes received are not fetched again.");
        let (report, cost) = self.update("... and resumed", "store-2")?;
        expect("outcome", text(&report, "outcome")?, "updated")?;
        expect("requests of the update that resumed", cost.requests, HEAD_AND_PACK)?;
        expect("half of the bytes", cost.bytes < whole.bytes * 2 / 3, true)
    }

    fn local_override(&mut self) -> Result<()> {
        self.step(
            "A local override: an administrator's own definition replaces the published one.",
        );
        let before = self.world.command.json("list --store store --json")?;
        let port = self.show_port()?;
        expect("the source of Miniflux", origin(&before)?, "rockstor")?;
        println!(
            "    {NAME} is the published one, on port {port}. The application has applied the whole catalog."
        );
        self.world.write("applied.json", &applied(&before)?.to_string())?;

        let own_port = port + 1000;
        let own = self.world.catalog.edited(
            FILE,
            &format!("\"host_default\": {port}"),
            &format!("\"host_default\": {own_port}"),
        )?;
        self.world.write_local("store", FILE, &own)?;
        println!("    Now a copy of the file with port {own_port} is written to store/local/.");
        let after = self.world.command.json("list --store store --json")?;
        expect("the source of Miniflux", origin(&after)?, "local")?;
        expect("the port shown", self.show_port()?, own_port)?;
        println!("    {NAME} is the local one, on port {own_port}.");
        let changes =
            self.world.command.json("changes --store store --applied applied.json --json")?;
        let upserts = changes["upserts"].as_array().ok_or("no upserts")?;
        let upserts: Vec<&str> = upserts.iter().filter_map(|row| row["name"].as_str()).collect();
        expect("upserts", &upserts, &vec![NAME])?;
        expect("deletes", texts(&changes, "deletes")?.len(), 0)?;
        let all = after.as_array().map_or(0, Vec::len);
        println!("    Of {all} definitions the application must apply {}: {NAME}.", upserts.len());

        self.step(
            "The publisher changes Miniflux again: it is fetched, and the local one stays in use.",
        );
        self.world.catalog.edit(FILE, "\"version\": \"2.3\"", "\"version\": \"2.4\"")?;
        self.world.publish()?;
        let (report, _) = self.update("one changed, overridden locally", "store")?;
        expect("entries changed", texts(&report, "changed")?, vec![ID])?;
        expect("the port shown", self.show_port()?, own_port)?;
        println!("    {NAME} is still on port {own_port}.");
        Ok(())
    }

    fn conclude(&self, unchanged: Cost, brute_force: Cost) {
        println!(
            "\nFrom the servers' logs just now (bytes of bodies, including failed attempts):\n"
        );
        for line in self.table.lines() {
            println!("{line}");
        }
        println!(
            "\nAn update takes one request if little has changed, else two. Its bytes depend on the\n\
             changes, not on the size of the catalog: without changes it took {} request and {}\n\
             bytes instead of {} requests and {} bytes. An interrupted update keeps the bytes\n\
             received, no half-fetched catalog is ever used, and local definitions override\n\
             published ones.",
            unchanged.requests,
            grouped(unchanged.bytes),
            brute_force.requests,
            grouped(brute_force.bytes)
        );
    }

    /// Updates a store, prints the result, and adds it to the table beside brute force.
    fn update(&mut self, row: &'static str, store: &str) -> Result<(Value, Cost)> {
        let (report, cost) = self.world.update(store)?;
        let brute_force = self.world.brute_force()?;
        self.table.add(row, cost, brute_force);
        let mut changes = Vec::new();
        for key in ["added", "changed", "removed"] {
            match &*texts(&report, key)? {
                [] => {}
                [one] => changes.push(format!("{key} {one}")),
                many => changes.push(format!("{key} {} entries", many.len())),
            }
        }
        let changes =
            if changes.is_empty() { String::new() } else { format!(": {}", changes.join(", ")) };
        println!(
            "    {}{changes}. {} {}, {} bytes; by brute force {}, {} bytes.",
            text(&report, "outcome")?,
            cost.requests,
            if cost.requests == 1 { "request" } else { "requests" },
            grouped(cost.bytes),
            brute_force.requests,
            grouped(brute_force.bytes)
        );
        Ok((report, cost))
    }

    fn show_port(&self) -> Result<u64> {
        let shown = self.world.command.json(&format!("show {NAME} --store store --json"))?;
        shown.pointer(PORT).and_then(Value::as_u64).ok_or_else(|| format!("no {PORT}").into())
    }

    fn step(&mut self, what: &str) {
        self.steps += 1;
        println!("\n{}. {what}", self.steps);
    }
}

/// Returns the record of an application that has applied the whole list.
fn applied(list: &Value) -> Result<Value> {
    let rows = list.as_array().ok_or("the list is not an array")?;
    rows.iter().map(|row| Ok((text(row, "name")?.to_owned(), row["revision"].clone()))).collect()
}

/// Returns the source of the edited definition.
fn origin(list: &Value) -> Result<&str> {
    let rows = list.as_array().ok_or("the list is not an array")?;
    let row = rows.iter().find(|row| row["name"] == NAME).ok_or("the definition is not listed")?;
    text(row, "source")
}

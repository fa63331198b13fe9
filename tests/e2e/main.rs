//! End-to-end tests: one module a promise.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod bad_input;
mod catalog_and_changes;
mod cut_off;
mod folders;
mod healing;
mod history;
mod offline;
mod packs;
mod relays;
mod rollback;
mod sources;
mod trust;
mod v1;
mod world;

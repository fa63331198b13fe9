//! End-to-end tests: one module a promise.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![allow(clippy::disallowed_methods, reason = "the paths of a test can be looked at")]

mod bad_input;
mod catalog_and_changes;
mod concurrency;
mod cut_off;
mod documented;
mod folders;
mod formats;
mod healing;
mod history;
mod hostile;
mod network;
mod offline;
mod packs;
mod plain_client;
mod planted;
mod relations;
mod relays;
mod rollback;
mod secrets;
mod sources;
mod trust;
mod update_sites;
mod v1;
mod world;

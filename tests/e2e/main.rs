//! End-to-end tests, one module per promise.

#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
#![allow(clippy::disallowed_methods, reason = "tests may look at paths")]

mod bad_input;
mod catalog_and_changes;
mod concurrency;
mod cut_off;
mod directories;
mod documented;
mod failover;
mod formats;
mod gaps;
mod healing;
mod history;
mod hostile;
mod key_lists;
mod memory;
mod mirrors;
mod network;
mod offline;
mod packs;
mod plain_client;
mod planted;
mod previous;
mod relations;
mod relays;
mod renames;
mod rollback;
mod secrets;
mod sources;
mod trust;
mod update_sites;
mod v1;
mod world;

//! The command as a process: killed, out of space, without permission, and concurrent.

#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

mod catalog;
mod conformance;
mod disks;
mod killed;
mod nginx;
mod permissions;
mod s3;
mod secrets;
mod several;
mod tls;

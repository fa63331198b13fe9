//! The command as a process among others: killed, without space, without permission, and
//! twice at the same time.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod desk;
mod disks;
mod killed;
mod permissions;
mod secrets;
mod several;
mod tls;

//! Support for end-to-end tests: a scripted web server that logs its requests.
//!
//! A test serves a directory, scripts the faults, runs the code under test against [`Server::url`],
//! and asserts on [`Server::take_log`], which has every request:
//!
//! ```
//! use rockon_sync_tests::{Action, Match, Server, Times};
//!
//! let server = Server::serve("some/directory");
//! server.on(Match::Path("root.json".into()), Times::Once, Action::CloseAfter(10));
//! // ... the code under test updates from server.url() ...
//! assert!(server.take_log().is_empty(), "no request has been sent yet");
//! ```
//!
//! No test has to sleep: a request is logged before its response can be read, and dropping the
//! server ends all scripted silences.

#[cfg(test)]
mod client;
mod connection;
mod date;
mod exchange;
mod reply;
mod request;
mod rule;
mod server;

pub use exchange::Exchange;
pub use rule::{Action, Match, Times};
pub use server::Server;

//! What the end-to-end tests share: a scripted web server that keeps a log of its requests.
//!
//! A test serves a folder, scripts what shall go wrong, runs the code under test against
//! [`Server::url`] and then asserts on [`Server::take_log`], which is the whole truth about what was
//! asked for:
//!
//! ```
//! use rockon_sync_tests::{Action, Match, Server, Times};
//!
//! let server = Server::serve("some/folder");
//! server.on(Match::Path("root.json".into()), Times::Once, Action::CloseAfter(10));
//! // ... the code under test updates from server.url() ...
//! assert!(server.take_log().is_empty(), "nobody has asked for anything yet");
//! ```
//!
//! Nothing here waits for a fixed time: a request is in the log before its answer can have been read,
//! and dropping the server ends every silence it was told to keep.

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

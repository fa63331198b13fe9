//! Keeps a folder of catalog files in step with a published tree.
#![forbid(unsafe_code)]

mod cancel;
mod definition;
mod digest;
mod error;
mod fetch;
mod files;
mod head;
mod json;
pub mod limits;
mod location;
mod manifest;
mod path;
mod plan;
mod progress;
mod report;
mod source;
mod store;
#[cfg(test)]
mod testing;
mod time;
mod transport;

pub use cancel::CancelToken;
pub use digest::Digest;
pub use error::{Error, ErrorKind, Result};
pub use head::{Head, PackOffer};
pub use json::Position;
pub use location::{Address, HttpAddress, Location};
pub use manifest::{Entry, Listed, Listing, Manifest};
pub use path::EntryPath;
pub use plan::MassDelete;
pub use progress::{Phase, Progress};
pub use report::{FailedEntry, Outcome, Report};
pub use source::{Source, SourceName};
pub use store::Store;
pub use time::{Clock, SystemClock, Timestamp};
pub use transport::{Request, Response, Transport, Validators};

//! Keeps a folder of catalog files in step with a published tree.
#![forbid(unsafe_code)]

mod cancel;
mod catalog;
mod changes;
#[cfg(feature = "cli")]
pub mod cli;
mod definition;
mod digest;
mod error;
mod fetch;
mod files;
mod head;
mod inspect;
mod json;
pub mod limits;
mod location;
mod manifest;
mod path;
mod plan;
mod problem;
mod progress;
mod publish;
mod report;
mod source;
mod store;
#[cfg(test)]
mod testing;
mod time;
mod transport;
mod update;

pub use cancel::CancelToken;
pub use catalog::{Catalog, Definition, Origin};
pub use changes::{Changes, Novelty, Upsert};
pub use digest::Digest;
pub use error::{Error, ErrorKind, Result};
pub use head::{Head, PackOffer};
pub use inspect::{HeldStatus, SourceStatus, Verification};
pub use json::Position;
pub use location::{Address, HttpAddress, Location};
pub use manifest::{Entry, Listed, Listing, Manifest};
pub use path::EntryPath;
pub use plan::MassDelete;
pub use problem::{Problem, Severity};
pub use progress::{Phase, Progress};
pub use publish::{Leniency, PublishOutcome, PublishReport, Publisher};
pub use report::{FailedEntry, Outcome, Report};
pub use source::{Source, SourceName};
pub use store::Store;
pub use time::{Clock, SystemClock, Timestamp};
pub use transport::{Request, Response, Transport, Validators};
pub use update::{Freshness, Rollback, Trust, Updater};

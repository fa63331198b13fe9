//! Keeps a directory of catalog files in step with a published tree.
//!
//! A *publisher* turns a directory of files into a tree of static files with digests,
//! which any web server can serve. A *store* on the client's side is kept in step with
//! it: one tiny file says whether anything changed, only what did is fetched, what was
//! fetched is kept when the line breaks, and every byte is verified before anybody can
//! see it. The *catalog* is the merged view of what is held, and the *change feed*
//! tells an application what to apply and what to delete.
//!
//! # From nothing to a synced catalog
//!
//! ```
//! use rockon_sync::{Publisher, Source, Store, Updater};
//!
//! # fn main() -> rockon_sync::Result<()> {
//! # let desk = tempfile::tempdir().unwrap();
//! # let catalog = concat!(env!("CARGO_MANIFEST_DIR"), "/../demo/catalog");
//! # let (tree, store) = (desk.path().join("tree"), desk.path().join("store"));
//! // Whoever has the catalog publishes it: a directory to be served by any web server.
//! Publisher::new(catalog).out(&tree).run()?;
//!
//! // Whoever wants it keeps a store in step. A URL works just like this directory.
//! let source: Source = tree.display().to_string().parse()?;
//! let store = Store::new(&store);
//! let report = Updater::new(&store).run(&source)?;
//! println!("{} new, {} requests", report.added.len(), report.requests);
//!
//! // The application asks what to do, given what it has recorded as applied.
//! let catalog = store.catalog()?;
//! for upsert in catalog.changes_since([("AdGuard Home", "")]).upserts {
//!     println!("{}: {}", upsert.definition.name(), upsert.definition.text()?);
//! }
//! # assert_eq!((report.added.len(), catalog.definitions().len()), (16, 16));
//! # Ok(()) }
//! ```
//!
//! # The way of the data
//!
//! | step | type |
//! |---|---|
//! | where a catalog comes from | [`Source`], one or more [`Location`]s, opened with [`Credentials`] |
//! | what says whether anything changed | [`Head`] |
//! | what there is | [`Manifest`], of [`Entry`]s; [`List`] for trees without digests |
//! | what brings the store in step | [`Updater`], with [`Progress`], [`CancelToken`] and [`Report`] |
//! | what is held | [`Store`], with [`SourceStatus`] and [`Verification`] |
//! | what applications see | [`Catalog`], of [`Definition`]s, and [`Changes`] |
//! | what fits a machine | [`Target`], with [`Requirements`] and [`Mismatch`]es |
//! | who may say what there is | [`VerifierKey`], of a [`SigningKey`]; [`Note`], the form of a signed head |
//! | what makes a tree | [`Publisher`], with [`PublishReport`] and [`Problem`]s; [`review_files`] |
//!
//! Anything can fail with an [`Error`], whose [`ErrorKind`] says what a caller can do
//! about it. Whatever fails, the store keeps the generation it had.
//!
//! # Features
//!
//! `cli`: the command `rockon-sync`, and the module `cli` that other launchers call.
#![forbid(unsafe_code)]
#![cfg_attr(
    not(all(feature = "page", feature = "jupdate", feature = "http")),
    allow(
        dead_code,
        unused_imports,
        reason = "the wire formats are shared, and some parts only have a publisher"
    )
)]

/// The guide for Rust programs, whose code is compiled and run as that of these pages is.
#[cfg(doctest)]
#[doc = include_str!("../../docs/rust.md")]
mod guide {}

mod base;
mod catalog;
#[cfg(feature = "cli")]
pub mod cli;
mod format;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
#[cfg(feature = "internals")]
#[doc(hidden)]
pub mod internals;
mod net;
#[cfg(feature = "publish")]
mod publish;
mod source;
mod store;
#[cfg(test)]
mod testing;
mod tree;
mod update;

pub use base::cancel::CancelToken;
pub use base::digest::Digest;
pub use base::error::{Error, ErrorKind, Result};
pub use base::json::Position;
pub use base::limits;
pub use base::path::EntryPath;
pub use base::problem::{Problem, Severity};
pub use base::time::{Clock, SystemClock, Timestamp};
pub use catalog::changes::{Changes, Novelty, Upsert};
pub use catalog::installation::{Conflict, Installation, Unmet};
#[cfg(feature = "jupdate")]
pub use catalog::newest::{Update, Updates};
pub use catalog::{Catalog, Definition, Origin};
pub use format::Format;
pub use format::relation::{Alternatives, Relation, Relations};
pub use format::target::{Mismatch, Requirements, Stability, Target};
#[cfg(feature = "jupdate")]
pub use format::{Download, Release};
pub use net::address::{Address, HttpAddress};
pub use net::credentials::Credentials;
pub use net::location::Location;
pub use net::transport::{Request, Response, Transport, Validators};
#[cfg(feature = "publish")]
pub use publish::{
    Leniency, Page, PublishOutcome, PublishReport, Publisher, ReviewedDefinition, ReviewedFile,
    review_files,
};
pub use source::list::{ListedSource, Priority, Secret, SourceList};
pub use source::{Source, SourceName};
pub use store::Store;
pub use store::inspect::{CurrentStatus, SourceStatus, StatusError, Verification};
pub use store::sources::RemovedData;
pub use tree::head::{Head, OfferedPack};
pub use tree::manifest::{Entry, List, ListRow, Manifest};
pub use tree::note::{Note, SigningKey, VerifiedNote, VerifierKey, sign_note};
pub use update::plan::MassDelete;
pub use update::progress::{Phase, Progress};
pub use update::report::{FailedEntry, Outcome, Report};
pub use update::{Freshness, Mode, Rollback, Updater};

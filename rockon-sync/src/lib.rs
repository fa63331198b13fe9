//! Keeps a local copy of a published catalog up to date.
//!
//! A *publisher* turns a directory of definition files into a tree of static files with digests,
//! which any web server can serve. A client follows it as a *source*: an update asks one small file
//! whether anything has changed, fetches only the changes, verifies them, and commits them to a
//! *store*, the local directory. The *catalog* merges the definitions of all sources, and *changes*
//! list what an application has to delete and apply.
//!
//! ```
//! use rockon_sync::publish::Publisher;
//! use rockon_sync::{Source, Store, Updater};
//!
//! # fn main() -> rockon_sync::Result<()> {
//! # let dir = tempfile::tempdir().unwrap();
//! # let catalog = concat!(env!("CARGO_MANIFEST_DIR"), "/../demo/catalog");
//! # let (tree, store) = (dir.path().join("tree"), dir.path().join("store"));
//! // The publisher of the catalog writes a tree, to be served by any web server.
//! Publisher::new(catalog).out(&tree).run()?;
//!
//! // A client updates its store. A URL works like this directory.
//! let source: Source = tree.display().to_string().parse()?;
//! let store = Store::new(&store);
//! let report = Updater::new(&store).run(&source)?;
//! println!("{} new, {} requests", report.added.len(), report.requests);
//!
//! // The application applies the changes since those that it has recorded.
//! let catalog = store.catalog()?;
//! for upsert in catalog.changes_since([("AdGuard Home", "")]).upserts {
//!     println!("{}: {}", upsert.definition.name(), upsert.definition.text()?);
//! }
//! # assert_eq!((report.added.len(), catalog.definitions().len()), (16, 16));
//! # Ok(()) }
//! ```
//!
//! The crate root has what a client and an application need. Other jobs have a module each:
//!
//! | module | job |
//! |---|---|
//! | `publish` (feature) | publish a catalog |
//! | [`sources`] | read and edit the list of sources of a store |
//! | [`keys`] | sign heads, and verify them |
//! | [`relations`] | find what suits a machine, and what must be installed together |
//! | `jupdate` (feature) | find updates of extensions |
//! | [`inspect`] | the state of a store, and the verification of its files |
//! | [`transport`] | replace the network and the clock |
//! | [`wire`] | read the files of a tree |
//!
//! Every failure is an [`Error`] with an [`ErrorKind`]. After any failure, a store has the
//! generation that it had before.
//!
//! # Features
//!
//! | feature | adds |
//! |---|---|
//! | `http` (default) | sources at URLs, and not only in directories |
//! | `publish`, `page` | the publisher; its page for people and its feed |
//! | `s3` | publishing to buckets of S3-compatible stores |
//! | `jupdate` | update sites of extensions |
//! | `cli` | the command `rockon-sync`, and the module `cli` that other launchers call |
#![forbid(unsafe_code)]
// The documentation on docs.rs names the feature of each item.
#![cfg_attr(docsrs, feature(doc_cfg))]
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
#[doc = include_str!("../../docs/guides/rust.md")]
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
pub mod publish;
mod source;
mod store;
#[cfg(any(test, feature = "fuzzing"))]
mod testing;
mod tree;
mod update;

pub use base::cancel::CancelToken;
pub use base::digest::Digest;
pub use base::error::{Error, ErrorKind, Result};
pub use base::json::Position;
pub use base::limits;
pub use base::problem::{Problem, Severity};
pub use base::time::Timestamp;
pub use catalog::changes::{Changes, Novelty, Rename, Upsert};
pub use catalog::{Catalog, Definition, Origin};
pub use format::Format;
pub use net::credentials::Credentials;
pub use net::location::Location;
pub use source::{Source, SourceName};
pub use store::Store;
pub use update::plan::MassDelete;
pub use update::progress::{Phase, Progress};
pub use update::report::{FailedEntry, Outcome, Report};
pub use update::{Freshness, Mode, Rollback, Updater};

pub mod sources {
    //! The list of sources of a store: `sources.toml`.
    //!
    //! ```
    //! use rockon_sync::Store;
    //! use rockon_sync::sources::{ListedSource, Priority};
    //!
    //! # fn main() -> rockon_sync::Result<()> {
    //! # let dir = tempfile::tempdir().unwrap();
    //! let store = Store::new(dir.path());
    //! let source = ListedSource::new("rockons".parse()?, "https://example.org/v2/".parse()?);
    //! store.edit_source_list(|list| list.add(source, &Priority::Last))?;
    //! assert_eq!(store.source_list()?.unwrap().sources().len(), 1);
    //! # Ok(()) }
    //! ```

    pub use crate::source::list::{ListedSource, Priority, Secret, SourceList};
    pub use crate::store::sources::RemovedData;
}

pub mod keys {
    //! Keys, key lists, and signed notes (c2sp.org/signed-note), the form of a signed head.
    //!
    //! ```
    //! use rockon_sync::keys::{Note, SigningKey, sign_note};
    //!
    //! # fn main() -> rockon_sync::Result<()> {
    //! let keys = [SigningKey::generate("example.org/rockons")?];
    //! let signed = sign_note("a text\n", &keys)?;
    //! let trusted = [keys[0].verifier_key().clone()];
    //! let note = Note::parse(signed.as_bytes())?;
    //! let verified = note.verify(&trusted)?;
    //! assert_eq!(verified.signers.len(), 1);
    //! # Ok(()) }
    //! ```

    pub use crate::tree::note::{
        KeyList, KeyRole, Note, SigningKey, VerifiedNote, VerifierKey, sign_note,
    };
}

pub mod relations {
    //! Suitable definitions for a machine, and definitions that must be installed together.
    //!
    //! ```no_run
    //! use rockon_sync::Store;
    //! use rockon_sync::relations::Target;
    //!
    //! # fn main() -> rockon_sync::Result<()> {
    //! let catalog = Store::new("/var/lib/rockons").catalog()?;
    //! let machine = Target::new().with_arch("arm64")?.with_version("5.1.0")?;
    //! for definition in catalog.definitions() {
    //!     for mismatch in definition.mismatches(&machine) {
    //!         println!("{}: {mismatch}", definition.name());
    //!     }
    //! }
    //! let found = catalog.installation("Photo Album", [("Database", Some("16"))])?;
    //! println!("possible: {}, {} to install", found.is_possible(), found.install.len());
    //! # Ok(()) }
    //! ```

    pub use crate::catalog::installation::{Conflict, Installation, Unmet};
    pub use crate::format::relation::{Alternatives, Relation, Relations};
    pub use crate::format::target::{Mismatch, Requirements, Stability, Target};
}

#[cfg(feature = "jupdate")]
pub mod jupdate {
    //! Updates of extensions, from sources with the format `jupdate`.
    //!
    //! ```no_run
    //! use rockon_sync::Store;
    //! use rockon_sync::relations::{Stability, Target};
    //!
    //! # fn main() -> rockon_sync::Result<()> {
    //! let catalog = Store::new("/var/lib/extensions").catalog()?;
    //! let site = Target::new().with_platform("joomla 5.1")?.with_stability(Stability::Stable);
    //! for update in catalog.updates_for([("plugin/system/cache", "5.9")], &site).updates {
    //!     println!("{}: {}", update.definition.name(), update.release.version);
    //! }
    //! # Ok(()) }
    //! ```

    pub use crate::catalog::newest::{Update, Updates};
    pub use crate::format::{Download, Release};
}

pub mod inspect {
    //! The state of a store, and the verification of its files.
    //!
    //! ```no_run
    //! # fn main() -> rockon_sync::Result<()> {
    //! let store = rockon_sync::Store::new("/var/lib/rockons");
    //! for source in store.status()? {
    //!     println!("{}: {:?}", source.name, source.current.map(|current| current.serial));
    //! }
    //! assert!(store.verify()?.iter().all(|source| source.is_intact()));
    //! # Ok(()) }
    //! ```

    pub use crate::store::inspect::{CurrentStatus, SourceStatus, StatusError, Verification};
}

pub mod transport {
    //! The outside world of an update: requests and time. Programs can replace both.
    //!
    //! A transport that counts its requests, and sends them with the built-in one:
    //!
    //! ```
    //! use std::sync::atomic::{AtomicU64, Ordering};
    //!
    //! use rockon_sync::transport::{DefaultTransport, Request, Response, Transport};
    //! use rockon_sync::{Store, Updater};
    //!
    //! struct Counting {
    //!     inner: DefaultTransport,
    //!     requests: AtomicU64,
    //! }
    //!
    //! impl Transport for Counting {
    //!     fn get(&self, request: &Request<'_>) -> rockon_sync::Result<Response> {
    //!         if self.requests.fetch_add(1, Ordering::Relaxed) >= 100 {
    //!             return Err(request.failed("too many requests"));
    //!         }
    //!         self.inner.get(request)
    //!     }
    //! }
    //!
    //! # fn main() -> rockon_sync::Result<()> {
    //! # let dir = tempfile::tempdir().unwrap();
    //! # let catalog = concat!(env!("CARGO_MANIFEST_DIR"), "/../demo/catalog");
    //! # rockon_sync::publish::Publisher::new(catalog).out(dir.path().join("tree")).run()?;
    //! # let source = dir.path().join("tree").display().to_string().parse()?;
    //! # let store = Store::new(dir.path().join("store"));
    //! let transport = Counting { inner: DefaultTransport::new(), requests: AtomicU64::new(0) };
    //! Updater::new(&store).transport(&transport).run(&source)?;
    //! assert_eq!(transport.requests.load(Ordering::Relaxed), 2);
    //! # Ok(()) }
    //! ```

    pub use crate::base::time::{Clock, SystemClock};
    pub use crate::net::address::{Address, HttpAddress};
    pub use crate::net::transport::{DefaultTransport, Request, Response, Transport, Validators};
}

pub mod wire {
    //! The files of a tree: head, manifest, and the list of a tree without digests.
    //!
    //! ```
    //! use rockon_sync::Digest;
    //! use rockon_sync::wire::Head;
    //!
    //! # fn main() -> rockon_sync::Result<()> {
    //! let digest = Digest::of(b"{}");
    //! let head = Head::parse(format!("{digest}  root.json\n# serial 7\n").as_bytes())?;
    //! assert_eq!((head.digest(), head.serial()), (digest, Some(7)));
    //! # Ok(()) }
    //! ```

    pub use crate::base::path::EntryPath;
    pub use crate::tree::head::{Head, InlineDelta, OfferedPack};
    pub use crate::tree::manifest::{Entry, List, ListRow, Manifest};
}

//! Publishing: turns a catalog directory into a tree of static files.
//!
//! ```
//! use rockon_sync::publish::Publisher;
//!
//! # fn main() -> rockon_sync::Result<()> {
//! # let dir = tempfile::tempdir().unwrap();
//! # let catalog = concat!(env!("CARGO_MANIFEST_DIR"), "/../demo/catalog");
//! # let tree = dir.path().join("tree");
//! let report = Publisher::new(catalog).out(&tree).expires_in_days(30).run()?;
//! println!("serial {}, {} entries", report.serial, report.entries);
//! # Ok(()) }
//! ```
//!
//! # Implementation
//!
//! ```text
//! before -> scan -> manifest -> files -> packs -> head -> page -> prune
//! ```
//!
//! Each stage takes values and returns a value; `PublishSession` is all that they share, and none
//! changes it. Nothing is written before the catalog is scanned and the new manifest is checked.
//! Clients see the new publication when the head is renamed into place.
//!
//! | file | job |
//! |---|---|
//! | `publisher.rs` | the public builder and the session; locks the tree, starts the pipeline |
//! | `tree.rs` | the published tree on disk: its paths, and what is there already |
//! | `previous.rs` | brings the previous publication into the tree on disk |
//! | `before.rs` | the earlier publications, and their history |
//! | `scan.rs` | reads and checks the files that `list.rs`, `dir.rs` or `site.rs` list |
//! | `checked.rs` | the record of files that need not be read again |
//! | `names.rs`, `relations.rs` | checks that need more than one file |
//! | `keep.rs` | keeps the last published version of broken definitions |
//! | `renames.rs` | former names of definitions |
//! | `manifest.rs` | the new manifest, and its differences from the last one |
//! | `head.rs`, `sign.rs` | the published head if it is still right, otherwise a new one |
//! | `keys.rs` | the key list that the new head names |
//! | `write.rs` | writes objects, named files, manifest and head |
//! | `packs.rs` | the packs of a publication |
//! | `page.rs` | the web page and the feed |
//! | `prune.rs` | removes files that are no longer needed |
//! | `s3.rs`, `upload.rs` | the tree in a bucket of an S3-compatible store |
//! | `journal.rs`, `overlay.rs` | the files that a publication writes and deletes; a dry run |
//! | `report.rs` | the result of a publication |
//! | `review.rs` | checks files that are not published yet |

mod before;
mod checked;
mod dir;
mod head;
mod journal;
mod keep;
mod keys;
mod list;
mod manifest;
mod names;
mod overlay;
mod packs;
mod page;
mod previous;
mod prune;
mod publisher;
mod relations;
mod renames;
mod report;
mod review;
#[cfg(feature = "s3")]
mod s3;
mod scan;
mod sign;
#[cfg(feature = "jupdate")]
mod site;
#[cfg(test)]
mod tests;
mod tree;
#[cfg(feature = "s3")]
mod upload;
mod write;

use crate::base::error::Result;
use crate::tree::head::Head;
use before::Before;
use keys::NewKeys;
use manifest::NewManifest;
use packs::StagedPacks;
pub use page::Page;
use prune::Retained;
use publisher::PublishSession;
pub use publisher::{Leniency, Publisher};
pub use report::{PublishOutcome, PublishProgress, PublishReport, Renamed};
pub use review::{FileRole, ReviewedDefinition, ReviewedFile, review_files};
use scan::{Scanned, ScannedFile};

/// Publishes a catalog.
fn publish(session: &PublishSession<'_>) -> Result<PublishReport> {
    let before = Before::find(session)?;
    let keys = NewKeys::find(session, &before)?;
    let scanned = scan::run(session, &before)?;
    let new = NewManifest::new(session, &before, &scanned.files)?;
    page::check(session, &before, &new, &scanned.problems)?;
    let (outcome, head, retained) =
        match head::reusable(session, &before, &new, &keys, &scanned.files)? {
            Some(head) => {
                page::remove_unwanted(session, &before, &new)?;
                (PublishOutcome::Unchanged, head.clone(), None)
            }
            None => {
                let (head, retained) = write(session, &before, &new, &keys, &scanned.files)?;
                (PublishOutcome::Published, head, Some(retained))
            }
        };
    page::refresh(session, &before, &new, &head)?;
    prune(session, &before, &new, &head, retained)?;
    let warning = checked::save(session, &scanned);
    let report = report(session, outcome, scanned, new, &head);
    Ok(PublishReport { problems: report.problems.into_iter().chain(warning).collect(), ..report })
}

/// Writes a new publication. Returns its head, and the publications that are kept.
fn write(
    session: &PublishSession<'_>,
    before: &Before,
    new: &NewManifest,
    keys: &NewKeys,
    files: &[ScannedFile],
) -> Result<(Head, Retained)> {
    let tree = &session.tree;
    let next = head::next(session, before, new, keys)?;
    page::remove_unwanted(session, before, new)?;
    tree.write_files(files, new, &before.manifest)?;
    let mut packs = StagedPacks::begin(tree, new, &next.bases)?;
    let (history, keep) = (&before.history, session.options.keep);
    let retained = Retained::find(tree, history, new, keep, |base, differences| {
        packs.stage_delta(base, differences)
    })?;
    let packs = packs.finish()?;
    let head = Head { packs: packs.offers, delta: packs.inline.map(Box::new), ..next.head };
    before.check_current(tree)?;
    keys.write(tree)?;
    tree.write_head(session.signer.sign(&head)?.as_bytes())?;
    Ok((head, retained))
}

/// Prunes the tree and records the publication. `retained` is that of a new publication.
fn prune(
    session: &PublishSession<'_>,
    before: &Before,
    new: &NewManifest,
    head: &Head,
    retained: Option<Retained>,
) -> Result<()> {
    let (tree, keep) = (&session.tree, session.options.keep);
    let retained = match retained {
        Some(retained) => retained,
        None if before.is_recorded && prune::leftovers(tree)?.is_empty() => return Ok(()),
        None => Retained::find(tree, &before.history, new, keep, |_, _| Ok(()))?,
    };
    prune::prune(tree, retained, head.into())
}

fn report(
    session: &PublishSession<'_>,
    outcome: PublishOutcome,
    scanned: Scanned,
    new: NewManifest,
    head: &Head,
) -> PublishReport {
    let kept = scanned.files.into_iter().filter(ScannedFile::is_kept);
    PublishReport {
        outcome,
        serial: head.serial().unwrap_or(0),
        manifest: new.digest,
        head: session.tree.head_path(),
        entries: new.manifest.len(),
        requirements: new.requirements_by_id(),
        added: new.plan.added,
        changed: new.plan.changed,
        removed: new.plan.removed,
        renamed: new.renames.renamed,
        kept: kept.map(|file| file.id).collect(),
        written: Vec::new(),
        deleted: Vec::new(),
        problems: [scanned.problems, new.renames.warnings].concat(),
    }
}

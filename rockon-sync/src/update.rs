//! Updates: bring one source of a store up to date with one of its mirrors.
//!
//! ```text
//! current -> ask -> plan -> fetch -> commit
//! ```
//!
//! Each stage takes values and returns a value; [`Session`] is all that they share, and none
//! changes it. An update moves files and never looks into them, with one exception: no digest
//! vouches for a file of a v1 tree, so the caller hands in a check that refuses what is not a
//! definition.
//!
//! | file | job |
//! |---|---|
//! | `updater.rs` | the public builder; opens the store for writing and starts the pipeline |
//! | `session.rs` | transport, options, keys and deadline of one update |
//! | `current.rs` | the current generation, its manifest, and damage to its files |
//! | `ask.rs` | which mirror offers what, or nothing new: `head.rs` (v2), `list.rs` (v1) |
//! | `keys.rs` | the key lists that a head leads to |
//! | `bundle.rs` | the same for a bundle that is imported, without asking a mirror |
//! | `rows.rs` | manifests on disk, as all stages read them |
//! | `manifest.rs` | the remote manifest: from staging, out of a pack, or by itself |
//! | `plan.rs` | the differences between the current and the remote manifest |
//! | `steps.rs` | the way from one to the other, entry by entry |
//! | `fetch.rs` | the missing files, into staging: packs first, then single files |
//! | `commit.rs` | the new generation, the swap and the report |
//! | `mirrors.rs` | the order in which mirrors are asked, at every step |
//! | `several.rs` | several sources at once |

mod ask;
mod bundle;
mod commit;
mod current;
#[cfg(test)]
#[cfg(feature = "publish")]
mod faults;
mod fetch;
mod head;
mod keys;
mod list;
mod manifest;
mod mirrors;
mod mode;
pub(crate) mod plan;
pub(crate) mod progress;
#[cfg(test)]
#[cfg(feature = "publish")]
mod properties;
pub(crate) mod report;
mod rows;
mod session;
mod several;
mod steps;
#[cfg(test)]
mod tests;
mod updater;

use std::path::Path;

use crate::base::error::{Error, Result};
use ask::{Answer, Candidates, Remote};
use bundle::Opened;
use current::{Current, CurrentManifest};
use fetch::Staged;
pub use mode::Mode;
use plan::Plan;
use progress::Reporter;
use report::Report;
#[cfg(feature = "publish")]
pub(crate) use rows::DiskSource;
pub(crate) use session::Extent;
use session::{Context, Session};
#[cfg(feature = "cli")]
pub(crate) use several::update_each;
pub use updater::{Freshness, Rollback, Updater};

/// Updates a source from its mirrors.
///
/// A mirror whose head leads nowhere, to a missing manifest for example, is left out, and the next
/// one is asked for its head. If none leads to everything, the first that leads to something wins.
fn update(session: &Session<'_>, progress: &mut Reporter<'_>) -> Result<Report> {
    let current = Current::open(session)?;
    let mut candidates = Candidates::new(session);
    let (remote, prepared) = loop {
        match candidates.ask(session, &current)? {
            Answer::Unchanged(remote) => return commit::unchanged(session, current, &remote),
            Answer::Stale(head) => return Ok(session.stale(&head)),
            Answer::Incomplete(remote, prepared) => break (remote, *prepared),
            Answer::Remote(remote) => {
                let prepared = prepare(session, progress, &current, &remote)
                    .map_err(|error| session.in_staging(error));
                if let Some(accepted) = candidates.consider(session, remote, prepared)? {
                    break accepted;
                }
            }
        }
    };
    finish(session, progress, current, &remote, prepared)
}

/// Updates a source from a bundle: an update whose pack is already there.
fn import(session: &Session<'_>, progress: &mut Reporter<'_>, bundle: &Path) -> Result<Report> {
    let current = Current::open(session)?;
    match bundle::open(session, &current, bundle)? {
        Opened::Stale(head) => Ok(session.stale(&head)),
        Opened::Remote(remote) => {
            let prepared = prepare(session, progress, &current, &remote)
                .map_err(|error| session.in_staging(error).with_path(bundle))?;
            finish(session, progress, current, &remote, prepared)
        }
    }
}

/// The result of following one mirror.
struct Prepared {
    local: CurrentManifest,
    goal: Goal,
}

/// The last step of an update.
enum Goal {
    Plan(Box<Plan>),
    Commit(Box<Staged>),
}

impl Prepared {
    /// Takes the first error of a file that the mirrors should have.
    fn take_missing(&mut self) -> Option<Error> {
        match &mut self.goal {
            Goal::Plan(_) => None,
            Goal::Commit(staged) => staged.missing.take(),
        }
    }
}

/// Plans an update and brings everything for it into staging.
fn prepare(
    session: &Session<'_>,
    progress: &mut Reporter<'_>,
    current: &Current,
    remote: &Remote,
) -> Result<Prepared> {
    let local = current.manifest(session)?;
    let found = manifest::find(Context { session, local: &local, remote }, progress)?;
    let (local, plan) = found.with_contents(session, remote, |contents| {
        let local = local.salvage(session, contents)?;
        let plan = local
            .compare(session, contents, |sides| Plan::between(sides, session.options.reuse()))?;
        Ok((local, plan))
    })?;
    plan.check_deletes(session.options.mass_delete)
        .map_err(|error| error.with_url(remote.address.to_string()))?;
    match session.extent {
        Extent::PlanOnly => Ok(Prepared { local, goal: Goal::Plan(Box::new(plan)) }),
        Extent::Whole => {
            let context = Context { session, local: &local, remote };
            let staged = fetch::all(context, progress, found, plan)?;
            Ok(Prepared { local, goal: Goal::Commit(Box::new(staged)) })
        }
    }
}

fn finish(
    session: &Session<'_>,
    progress: &mut Reporter<'_>,
    current: Current,
    remote: &Remote,
    prepared: Prepared,
) -> Result<Report> {
    let context = Context { session, local: &prepared.local, remote };
    match prepared.goal {
        Goal::Plan(plan) => Ok(commit::plan_only(context, *plan)),
        Goal::Commit(staged) => commit::commit(context, progress, current.status, *staged),
    }
}

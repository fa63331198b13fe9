//! Parts that benchmarks measure alone. They are not public otherwise, and may change at any time.

use crate::base::error::Result;
use crate::tree::manifest::Manifest;
use crate::update::plan::Plan;

/// The number of files that are new or changed in a plan.
///
/// # Errors
/// [`Manifest`](crate::ErrorKind::Manifest) if a manifest cannot be read.
pub fn files_to_fetch(held: &Manifest, wanted: &Manifest) -> Result<usize> {
    let plan = Plan::to(held, wanted)?;
    Ok(plan.added.len() + plan.changed.len())
}

//! Parts that benchmarks measure alone. They are not public otherwise, and may change at any time.

use crate::tree::manifest::Manifest;
use crate::update::plan::Plan;

/// The number of files that a plan fetches.
pub fn files_to_fetch(held: &Manifest, wanted: &Manifest) -> usize {
    Plan::to(held, wanted).fetched().count()
}

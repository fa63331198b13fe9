//! What is measured by itself and not public otherwise. No promise is made about it.

use crate::tree::manifest::Manifest;
use crate::update::plan::Plan;

/// The number of files that a plan fetches.
pub fn files_to_fetch(held: &Manifest, wanted: &Manifest) -> usize {
    Plan::to(held, wanted).fetched().count()
}

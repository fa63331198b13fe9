//! What is measured by itself and not public otherwise. No promise is made about it.

use std::collections::BTreeSet;

use crate::tree::manifest::Manifest;
use crate::update::plan::{Action, Plan};

/// How many files a plan fetches.
pub fn files_to_fetch(held: &Manifest, wanted: &Manifest) -> usize {
    let plan = Plan::new(held, &BTreeSet::new(), wanted);
    plan.steps.iter().filter(|step| step.action == Action::Fetch).count()
}

//! Checks the file of an extension for publishing.

use std::collections::HashMap;

use super::release::{Release, Releases, SkippedRelease, read_releases};
use super::{NO_RELEASE, about, names_of, newest_of, of_extension};
use crate::base::problem::Problem;
use crate::format::{Checked, CheckedDefinition, Named};

/// Checks the bytes of a file, with `shown` as its name in problems.
pub(in crate::format) fn check(id: &str, shown: &str, bytes: &[u8]) -> Checked {
    let mut checked = Checked::default();
    let Releases { releases, skipped } = match read_releases(bytes) {
        Ok(read) => read,
        Err(error) => {
            checked.problems.push(Problem::error(shown, None, error.to_string()));
            return checked;
        }
    };
    for SkippedRelease { line, problem } in skipped {
        let message = format!("line {line}: skipped a release: {problem}");
        checked.problems.push(Problem::warning(shown, message));
    }
    let releases = of_extension(id, releases);
    let mut by_name: HashMap<String, Vec<&Release>> = HashMap::new();
    for release in &releases {
        by_name.entry(release.id()).or_default().push(release);
    }
    for name in names_of(&releases) {
        let own = by_name.get(&name).into_iter().flatten().copied();
        let about = newest_of(own).map(about).unwrap_or_default();
        let named = Named { name, position: None };
        checked.definitions.push(CheckedDefinition { named, about });
    }
    if checked.definitions.is_empty() {
        checked.problems.push(Problem::error(shown, None, NO_RELEASE));
    }
    checked
}

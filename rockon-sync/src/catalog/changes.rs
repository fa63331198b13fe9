//! The changes that an application must apply, given the revisions it has applied.

use std::collections::{HashMap, HashSet};

use crate::base::digest::Digest;
use crate::catalog::{Catalog, Definition};

/// The changes that bring an application up to date with the catalog.
///
/// Apply the deletes first, then the upserts in order: deleting a renamed definition frees names
/// that must be unique. Record the revision of each definition in the same transaction as its
/// data. An unrecorded definition is an upsert again next time.
#[derive(Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Changes<'a> {
    /// Applied names that are no longer in the catalog, in byte order.
    pub deletes: Vec<String>,
    /// Definitions that are new or have another revision, in catalog order.
    pub upserts: Vec<Upsert<'a>>,
    /// Applied names that are not in the catalog but must not be deleted, in byte order: a
    /// published file was not fetched or cannot be read, or a source is empty.
    pub withheld: Vec<String>,
    /// The reasons for withholding them.
    pub reasons: Vec<String>,
}

/// A definition to apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Upsert<'a> {
    /// The definition.
    pub definition: &'a Definition,
    /// New, or changed since it was applied.
    pub novelty: Novelty,
}

/// The relation of a definition to its applied revision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Novelty {
    /// No revision was applied.
    New,
    /// Another revision was applied.
    Changed,
}

impl Changes<'_> {
    /// True if there is nothing to apply.
    pub fn is_empty(&self) -> bool {
        self.deletes.is_empty() && self.upserts.is_empty()
    }
}

impl Catalog {
    /// Returns the changes for an application that has applied these names and revisions. A
    /// revision that is not a digest counts as different: an application may use any such text
    /// to have a definition applied again.
    ///
    /// The library keeps no record of its own that could diverge from the application's. An
    /// empty or unreadable source never causes deletes.
    pub fn changes_since<N, R>(&self, applied: impl IntoIterator<Item = (N, R)>) -> Changes<'_>
    where
        N: AsRef<str>,
        R: AsRef<str>,
    {
        let mut changes = Changes {
            deletes: Vec::new(),
            upserts: Vec::new(),
            withheld: Vec::new(),
            reasons: Vec::new(),
        };
        let gaps = self.gaps();
        let not_fetched: HashSet<&str> = gaps.names.iter().map(|name| &**name).collect();
        let mut known: HashMap<&str, Option<Digest>> = HashMap::new();
        for (name, revision) in applied {
            let name = name.as_ref();
            if let Some(definition) = self.definition(name) {
                known.insert(definition.name(), revision.as_ref().parse().ok());
            } else if !gaps.reasons.is_empty() || not_fetched.contains(name) {
                changes.withheld.push(name.to_owned());
            } else {
                changes.deletes.push(name.to_owned());
            }
        }
        for definition in self.definitions() {
            let novelty = match known.get(definition.name()) {
                None => Novelty::New,
                Some(Some(revision)) if *revision == definition.revision() => continue,
                Some(_) => Novelty::Changed,
            };
            changes.upserts.push(Upsert { definition, novelty });
        }
        changes.deletes.sort();
        changes.withheld.sort();
        if !changes.withheld.is_empty() {
            changes.reasons.clone_from(&gaps.reasons);
            let not_fetched = changes.withheld.iter().filter(|name| not_fetched.contains(&***name));
            changes.reasons.extend(
                not_fetched.map(|name| format!("{name:?} is published but could not be fetched")),
            );
        }
        changes
    }
}

//! The change feed: what an application must delete and apply, given what it has applied.

use std::collections::{HashMap, HashSet};

use crate::base::digest::Digest;
use crate::catalog::{Catalog, Definition};

/// What an application has to do to be in step with the catalog.
///
/// Do the deletes first, then the upserts in their order: a definition that was
/// renamed frees names that must be unique. Record the revision of each definition
/// together with what was made of it, in the same transaction; what is not recorded
/// is handed out again next time.
#[derive(Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Changes<'a> {
    /// Names that were applied and are no longer in the catalog, in byte order.
    pub deletes: Vec<String>,
    /// Definitions that are new or have another revision, in catalog order.
    pub upserts: Vec<Upsert<'a>>,
    /// Names that are not in the catalog but must not be deleted, in byte order: what
    /// is published was not fetched, cannot be read, or the source is empty.
    pub withheld: Vec<String>,
    /// Why they are withheld.
    pub reasons: Vec<String>,
}

/// A definition to be applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Upsert<'a> {
    /// The definition.
    pub definition: &'a Definition,
    /// Whether the application has it in another revision.
    pub novelty: Novelty,
}

/// Whether an application knows a definition already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Novelty {
    /// It was never applied, or its row is gone.
    New,
    /// It was applied in another revision.
    Changed,
}

impl Changes<'_> {
    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.deletes.is_empty() && self.upserts.is_empty()
    }
}

impl Catalog {
    /// What has to be done by an application that recorded `applied`: the revision of
    /// each definition by name. A revision that is no digest is taken for another one,
    /// so that an application may mark a row as "to be applied again" in any way.
    ///
    /// The library keeps no record of its own, so nothing can drift. An empty or failed
    /// source never turns into deletes.
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
        let unheld: HashSet<&str> = gaps.names.iter().map(|name| &**name).collect();
        let mut known: HashMap<&str, Option<Digest>> = HashMap::new();
        for (name, revision) in applied {
            let name = name.as_ref();
            if let Some(definition) = self.definition(name) {
                known.insert(definition.name(), revision.as_ref().parse().ok());
            } else if !gaps.reasons.is_empty() || unheld.contains(name) {
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
            let unheld = changes.withheld.iter().filter(|name| unheld.contains(&***name));
            changes.reasons.extend(
                unheld.map(|name| format!("{name:?} is published but could not be fetched")),
            );
        }
        changes
    }
}

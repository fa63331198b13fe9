//! The changes that an application must apply, given the revisions it has applied.

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::base::digest::Digest;
use crate::catalog::{Catalog, Definition};

/// The applied definitions that are in the catalog, by name. A revision that is not a digest is
/// `None`.
type AppliedRevisions<'a> = HashMap<&'a str, Option<Digest>>;

/// The changes that bring an application up to date with the catalog.
///
/// Apply the deletes first, then the renames, then the upserts in order: deleting a definition
/// frees names that must be unique. Record the revision of each definition in the same transaction
/// as its data. An unrecorded definition is an upsert again next time.
#[derive(Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Changes<'a> {
    /// Applied names that are no longer in the catalog, in byte order.
    pub deletes: Vec<String>,
    /// Applied names that are published under another name now, in catalog order of the new one.
    /// An upsert of the new name always follows.
    pub renames: Vec<Rename<'a>>,
    /// Definitions that are new or have another revision, in catalog order.
    pub upserts: Vec<Upsert<'a>>,
    /// Applied names that are not in the catalog but must not be deleted, in byte order: a
    /// published file was not fetched or cannot be read, or a source is empty.
    pub withheld: Vec<String>,
    /// The reasons for withholding them.
    pub reasons: Vec<String>,
}

/// A new name of an applied definition.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rename<'a> {
    /// The applied name, which is no longer in the catalog.
    pub from: String,
    /// The name in the catalog, which is not applied.
    pub to: &'a str,
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
    /// Another revision was applied, or any revision under a former name.
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
    /// A name that is gone is renamed to the definition that was published under it before (see
    /// [`Definition::formerly`]), unless that one is applied already. If several applied names are
    /// former names of one definition, the newest is renamed and the others are deleted. If several
    /// definitions have the same former name, the last one in catalog order gets it.
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
            renames: Vec::new(),
            upserts: Vec::new(),
            withheld: Vec::new(),
            reasons: Vec::new(),
        };
        let gaps = &self.gaps;
        let not_fetched: HashSet<&str> = gaps.names.iter().map(|name| &**name).collect();
        let mut known: AppliedRevisions<'_> = HashMap::new();
        let mut gone: BTreeSet<String> = BTreeSet::new();
        let mut withheld: BTreeSet<String> = BTreeSet::new();
        for (name, revision) in applied {
            let name = name.as_ref();
            if let Some(definition) = self.definition(name) {
                known.insert(definition.name(), revision.as_ref().parse().ok());
            } else if not_fetched.contains(name) {
                withheld.insert(name.to_owned());
            } else {
                gone.insert(name.to_owned());
            }
        }
        changes.renames = self.renames(&known, &mut gone);
        let renamed: HashSet<&str> = changes.renames.iter().map(|rename| rename.to).collect();
        for definition in self.definitions() {
            let novelty = match known.get(definition.name()) {
                None if renamed.contains(definition.name()) => Novelty::Changed,
                None => Novelty::New,
                Some(Some(revision)) if *revision == definition.revision() => continue,
                Some(_) => Novelty::Changed,
            };
            changes.upserts.push(Upsert { definition, novelty });
        }
        let missing_renames: HashMap<&str, &str> =
            gaps.renames.iter().map(|rename| (&*rename.from, &*rename.to)).collect();
        let is_withheld =
            |name: &String| !gaps.reasons.is_empty() || missing_renames.contains_key(&**name);
        let (unknown, deletes): (Vec<_>, Vec<_>) = gone.into_iter().partition(is_withheld);
        changes.deletes = deletes;
        withheld.extend(unknown);
        if !withheld.is_empty() {
            changes.reasons.clone_from(&gaps.reasons);
            changes.reasons.extend(withheld.iter().filter_map(|name| {
                match missing_renames.get(&**name) {
                    _ if not_fetched.contains(&**name) => {
                        Some(format!("{name:?} is published but could not be fetched"))
                    }
                    Some(to) => Some(format!("{name:?} is now {to:?}, which could not be fetched")),
                    None => None,
                }
            }));
        }
        changes.withheld = withheld.into_iter().collect();
        changes
    }

    /// Returns the renames of applied names, and removes these from `gone`.
    fn renames(
        &self,
        known: &AppliedRevisions<'_>,
        gone: &mut BTreeSet<String>,
    ) -> Vec<Rename<'_>> {
        let mut renames = Vec::new();
        let not_applied =
            self.definitions().iter().filter(|found| !known.contains_key(found.name()));
        // The last definition has the highest priority, and chooses first.
        for definition in not_applied.rev() {
            let from = definition.formerly().iter().find_map(|name| gone.take(&**name));
            renames.extend(from.map(|from| Rename { from, to: definition.name() }));
        }
        renames.reverse();
        renames
    }
}

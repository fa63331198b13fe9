//! The catalog: the merged view of all sources and the local definitions.
//!
//! The key of a definition is the name inside its file, never an entry id. The sources come
//! first, lowest priority first, each in the order of its manifest; then the local directory, by
//! file name. A definition replaces an earlier one of the same name, and takes its position.
//!
//! | file | contents |
//! |---|---|
//! | `definition.rs` | one definition |
//! | `read.rs` | reading a generation and the local directory |
//! | `changes.rs` | the changes that an application must apply |
//! | `installation.rs` | the definitions that an installation requires |
//! | `newest.rs` | updates of installed extensions |

pub(crate) mod changes;
pub(crate) mod definition;
pub(crate) mod installation;
#[cfg(feature = "jupdate")]
pub(crate) mod newest;
mod read;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::path::Path;

pub use definition::{Definition, Origin};

use crate::base::error::{Error, Result};
use crate::source::SourceName;
use crate::store::Store;
use read::Gaps;

/// The merged view, as of the time when it was read. The texts of the definitions are read on
/// demand.
#[derive(Debug, Default)]
pub struct Catalog {
    definitions: Vec<Definition>,
    by_name: HashMap<Box<str>, usize>,
    hidden: Vec<Definition>,
    problems: Vec<Error>,
    gaps: Gaps,
}

impl Store {
    /// Reads the catalog: the sources by their priority (see
    /// [`sources_by_priority`](Self::sources_by_priority)), and the local directory on top. Uses
    /// no network and no lock; a running update does not interfere.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if the store does not exist;
    /// [`ErrorKind::Store`](crate::ErrorKind::Store) if it cannot be read; those of
    /// [`source_list`](Self::source_list). A source or definition that cannot be read is one of
    /// the [`Catalog::problems`], and never causes a deletion.
    pub fn catalog(&self) -> Result<Catalog> {
        self.catalog_with(&self.local_dir())
    }

    /// Like [`catalog`](Self::catalog), but reads local definitions from `local`.
    ///
    /// # Errors
    /// Those of [`catalog`](Self::catalog).
    pub fn catalog_with(&self, local: &Path) -> Result<Catalog> {
        let mut ranking = self.ranking()?;
        ranking.names.reverse();
        let mut catalog = self.catalog_of(&ranking.names, local)?;
        for (name, error) in ranking.unknown {
            catalog.gaps.reasons.push(format!("cannot read the priority of source {name}"));
            catalog.problems.push(error);
        }
        Ok(catalog)
    }

    /// Reads the catalog of these sources, lowest priority first, and the local definitions in
    /// `local`. A missing local directory is empty.
    ///
    /// # Errors
    /// Those of [`catalog`](Self::catalog).
    pub fn catalog_of(&self, sources: &[SourceName], local: &Path) -> Result<Catalog> {
        let mut catalog = Catalog::default();
        for source in sources {
            catalog.add_source(self, source);
        }
        if sources.is_empty() {
            catalog.gaps.reasons.push("the store has no source yet".to_owned());
        }
        catalog.add_local(self.files(), local);
        Ok(catalog)
    }
}

impl Catalog {
    /// Returns the definitions, in catalog order.
    pub fn definitions(&self) -> &[Definition] {
        &self.definitions
    }

    /// Returns the definition with this name.
    pub fn definition(&self, name: &str) -> Option<&Definition> {
        self.position(name).map(|n| &self.definitions[n])
    }

    /// Returns the position of a definition in catalog order.
    pub(crate) fn position(&self, name: &str) -> Option<usize> {
        self.by_name.get(name).copied()
    }

    /// Returns definitions that another one of the same name hides, lowest priority first.
    pub fn hidden(&self) -> &[Definition] {
        &self.hidden
    }

    /// Returns the errors of sources and files that could not be read.
    pub fn problems(&self) -> &[Error] {
        &self.problems
    }

    /// Adds definitions on top. The first ones are moved as a whole: a large catalog has no room
    /// for two lists.
    fn add_all(&mut self, definitions: Vec<Definition>) {
        if self.definitions.is_empty() {
            let rows = definitions.iter().zip(0..);
            self.by_name = rows.map(|(row, n)| (row.name.clone(), n)).collect();
            if self.by_name.len() == definitions.len() {
                self.definitions = definitions;
                return;
            }
            // Duplicate names: their order decides.
            self.by_name.clear();
        }
        definitions.into_iter().for_each(|definition| self.add(definition));
    }

    /// Adds a definition on top. It replaces one of the same name, and takes its position.
    fn add(&mut self, definition: Definition) {
        match self.by_name.get(&definition.name) {
            Some(n) => {
                let hidden = std::mem::replace(&mut self.definitions[*n], definition);
                self.hidden.push(hidden);
            }
            None => {
                self.by_name.insert(definition.name.clone(), self.definitions.len());
                self.definitions.push(definition);
            }
        }
    }
}

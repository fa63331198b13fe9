//! The definitions that the installation of another one requires.

use std::collections::HashMap;

use crate::base::error::{Error, ErrorKind, Result};
use crate::catalog::{Catalog, Definition};
use crate::format::relation::{Alternatives, Relation, Relations};

/// Most definitions that one resolution may examine.
const MAX_STEPS: usize = 10_000;

/// Longest chain of requirements.
const MAX_DEPTH: usize = 200;

/// The steps of an installation.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Installation<'a> {
    /// The definitions to install, each after its requirements, with the requested one last.
    /// Includes installed ones whose version does not meet a requirement.
    pub install: Vec<&'a Definition>,
    /// Requirements that no definition of the catalog meets.
    pub unmet: Vec<Unmet>,
    /// Definitions that cannot be installed together, each pair once.
    pub conflicts: Vec<Conflict>,
    /// Installed definitions that another one replaces and that must be removed, in byte order.
    pub replaced: Vec<String>,
}

/// An unmet requirement.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unmet {
    /// The definition with the requirement.
    pub by: String,
    /// The requirement, in Debian's notation.
    pub requirement: String,
}

/// Two definitions that cannot be installed together.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Conflict {
    /// The definition that declares the conflict.
    pub by: String,
    /// The relation that it conflicts with, in Debian's notation.
    pub with: String,
}

impl Installation<'_> {
    /// True if every requirement is met and nothing conflicts.
    pub fn is_possible(&self) -> bool {
        self.unmet.is_empty() && self.conflicts.is_empty()
    }
}

impl Definition {
    /// Reads the relations to other definitions from the file.
    ///
    /// # Errors
    /// Those of [`bytes`](Self::bytes).
    pub fn relations(&self) -> Result<Relations> {
        self.about().map(|about| about.relations)
    }

    /// Reads the version from the file, if it states one.
    ///
    /// # Errors
    /// Those of [`bytes`](Self::bytes).
    pub fn version(&self) -> Result<Option<String>> {
        self.about().map(|about| about.version)
    }
}

impl Catalog {
    /// Returns the steps to install the definition `name`, given the names and versions of the
    /// installed ones; `None` stands for an unknown version. Of alternatives, the first one that
    /// can be installed is chosen.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] for an unknown name; those of [`Definition::relations`];
    /// [`ErrorKind::Limit`] if the requirements are too many or nested too deeply.
    pub fn installation<N, V>(
        &self,
        name: &str,
        installed: impl IntoIterator<Item = (N, Option<V>)>,
    ) -> Result<Installation<'_>>
    where
        N: AsRef<str>,
        V: AsRef<str>,
    {
        let definition = self.definition(name).ok_or_else(|| {
            Error::new(ErrorKind::NotFound, format!("no definition named {name:?}"))
        })?;
        let mut installed: Vec<Installed> = installed
            .into_iter()
            .map(|(name, version)| Installed {
                name: name.as_ref().to_owned(),
                version: version.map(|version| version.as_ref().to_owned()),
            })
            .collect();
        installed.sort();
        let mut resolver =
            Resolver { catalog: self, installed: &installed, known: HashMap::new(), steps: 0 };
        let mut selection = Selection::default();
        resolver.add(definition, &mut selection, MAX_DEPTH)?;
        resolver.finish(selection)
    }
}

/// An installed definition.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Installed {
    name: String,
    version: Option<String>,
}

/// The properties of a definition that a resolution needs.
#[derive(Clone)]
struct Properties {
    version: Option<String>,
    relations: Relations,
}

/// The definitions to install so far.
#[derive(Clone, Default)]
struct Selection<'a> {
    /// In the order of installation.
    install: Vec<&'a Definition>,
    /// The chain of definitions whose requirements are being resolved. A requirement of one of
    /// these is met: it will be installed anyway.
    open: Vec<&'a str>,
    unmet: Vec<Unmet>,
}

struct Resolver<'a, 'b> {
    catalog: &'a Catalog,
    installed: &'b [Installed],
    known: HashMap<&'a str, Properties>,
    steps: usize,
}

impl<'a> Resolver<'a, '_> {
    /// Adds a definition after its requirements.
    fn add(
        &mut self,
        definition: &'a Definition,
        selection: &mut Selection<'a>,
        depth: usize,
    ) -> Result<()> {
        self.steps += 1;
        let depth = depth.checked_sub(1).filter(|_| self.steps <= MAX_STEPS).ok_or_else(|| {
            Error::new(
                ErrorKind::Limit,
                format!(
                    "{:?}: expected at most {MAX_STEPS} requirements in chains of {MAX_DEPTH}, \
                     got more",
                    definition.name()
                ),
            )
        })?;
        selection.open.push(definition.name());
        for line in self.properties(definition)?.relations.requires {
            self.meet(definition, &line, selection, depth)?;
        }
        selection.open.pop();
        selection.install.push(definition);
        Ok(())
    }

    /// Adds one of the alternatives, unless one is installed.
    fn meet(
        &mut self,
        by: &Definition,
        line: &Alternatives,
        selection: &mut Selection<'a>,
        depth: usize,
    ) -> Result<()> {
        for relation in line.iter() {
            if self.is_installed(relation, selection)? {
                return Ok(());
            }
        }
        for relation in line.iter() {
            let Some(found) = self.catalog.definition(relation.name()) else { continue };
            let version = self.properties(found)?.version;
            if !relation.fits(found.name(), version.as_deref()) {
                continue;
            }
            let mut trial = selection.clone();
            self.add(found, &mut trial, depth)?;
            if trial.unmet.len() == selection.unmet.len() {
                *selection = trial;
                return Ok(());
            }
        }
        selection.unmet.push(Unmet { by: by.name().to_owned(), requirement: line.to_string() });
        Ok(())
    }

    /// True if a definition that meets the relation is installed, or will be.
    fn is_installed(&mut self, relation: &Relation, selection: &Selection<'a>) -> Result<bool> {
        if self.installed.iter().any(|installed| installed.fits(relation)) {
            return Ok(true);
        }
        let selected = selection.install.iter().map(|definition| definition.name());
        for name in selected.chain(selection.open.iter().copied()) {
            if name == relation.name()
                && let Some(definition) = self.catalog.definition(name)
            {
                let version = self.properties(definition)?.version;
                return Ok(relation.fits(name, version.as_deref()));
            }
        }
        Ok(false)
    }

    fn properties(&mut self, definition: &'a Definition) -> Result<Properties> {
        if let Some(known) = self.known.get(definition.name()) {
            return Ok(known.clone());
        }
        let about = definition.about()?;
        let properties = Properties { version: about.version, relations: about.relations };
        self.known.insert(definition.name(), properties.clone());
        Ok(properties)
    }

    /// Determines the replaced definitions, and the conflicts among those that remain.
    fn finish(mut self, selection: Selection<'a>) -> Result<Installation<'a>> {
        let (install, unmet) = (selection.install, selection.unmet);
        let mut found = Installation { install, unmet, ..<_>::default() };
        let selected: Vec<(String, Properties)> = found
            .install
            .iter()
            .map(|definition| Ok((definition.name().to_owned(), self.properties(definition)?)))
            .collect::<Result<_>>()?;
        let is_selected = |name: &str| selected.iter().any(|(other, _)| other == name);
        // An installed definition that is selected too will have the selected version.
        let remaining: Vec<&Installed> =
            self.installed.iter().filter(|installed| !is_selected(&installed.name)).collect();
        let matches_of = |relation: &Relation, own: &str| {
            remaining
                .iter()
                .filter(|installed| installed.name != own && installed.fits(relation))
                .map(|installed| installed.name.clone())
                .collect::<Vec<String>>()
        };
        for (own, properties) in &selected {
            for relation in &properties.relations.replaces {
                found.replaced.extend(matches_of(relation, own));
            }
        }
        found.replaced.sort();
        found.replaced.dedup();
        for (own, properties) in &selected {
            for relation in &properties.relations.conflicts {
                let stays = |name: &String| !found.replaced.contains(name);
                let with_installed = matches_of(relation, own).iter().any(stays);
                let with_selected = selected.iter().any(|(other, properties)| {
                    other != own && relation.fits(other, properties.version.as_deref())
                });
                if with_installed || with_selected {
                    let (by, with) = (own.clone(), relation.to_string());
                    found.conflicts.push(Conflict { by, with });
                }
            }
        }
        // An installed definition may be the one that declares the conflict.
        for Installed { name, .. } in remaining {
            let Some(definition) = self.catalog.definition(name) else { continue };
            if found.replaced.contains(name) {
                continue;
            }
            for relation in self.properties(definition)?.relations.conflicts {
                let fits = |(other, properties): &(String, Properties)| {
                    relation.fits(other, properties.version.as_deref())
                };
                let is_known =
                    |conflict: &Conflict| conflict.with.split(" (").next() == Some(&**name);
                if selected.iter().any(fits) && !found.conflicts.iter().any(is_known) {
                    let (by, with) = (name.clone(), relation.to_string());
                    found.conflicts.push(Conflict { by, with });
                }
            }
        }
        Ok(found)
    }
}

impl Installed {
    fn fits(&self, relation: &Relation) -> bool {
        relation.fits(&self.name, self.version.as_deref())
    }
}

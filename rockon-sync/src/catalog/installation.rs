//! What has to be installed with a definition, given what is installed already.

use std::collections::HashMap;

use crate::base::error::{Error, ErrorKind, Result};
use crate::catalog::{Catalog, Definition};
use crate::format::relation::{Alternatives, Relation, Relations};

/// Most definitions that are looked at for one: beyond this the requirements are a maze.
const MAX_STEPS: usize = 10_000;

/// Longest chain of requirements that is followed.
const MAX_DEPTH: usize = 200;

/// What installing a definition takes.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Installation<'a> {
    /// What is missing, each after what it requires, the definition itself last. What is
    /// installed in a version that will not do is in it too.
    pub install: Vec<&'a Definition>,
    /// Requirements that nothing in the catalog meets.
    pub unmet: Vec<Unmet>,
    /// What cannot be installed together, each pair once.
    pub conflicts: Vec<Conflict>,
    /// What is installed and to be removed, since something takes its place, in byte order.
    pub replaced: Vec<String>,
}

/// A requirement that nothing meets.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unmet {
    /// The definition that has it.
    pub by: String,
    /// What it requires, in Debian's notation.
    pub requirement: String,
}

/// Two definitions that cannot be installed together.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Conflict {
    /// The definition that says so.
    pub by: String,
    /// What it conflicts with, in Debian's notation.
    pub with: String,
}

impl Installation<'_> {
    /// Whether it can be done.
    pub fn is_possible(&self) -> bool {
        self.unmet.is_empty() && self.conflicts.is_empty()
    }
}

impl Definition {
    /// What it says of other definitions. It is read from the file.
    ///
    /// # Errors
    /// Those of [`bytes`](Self::bytes).
    pub fn relations(&self) -> Result<Relations> {
        self.about().map(|about| about.relations)
    }

    /// The version that it states, if it does. It is read from the file.
    ///
    /// # Errors
    /// Those of [`bytes`](Self::bytes).
    pub fn version(&self) -> Result<Option<String>> {
        self.about().map(|about| about.version)
    }
}

impl Catalog {
    /// What is missing to install the definition `name` where `installed`, name and version,
    /// is there already; a version that is not known is `None`. Of alternatives the first one
    /// that can be had is taken.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if there is no such definition; those of
    /// [`Definition::relations`]; [`ErrorKind::Limit`] for requirements without end.
    pub fn installation<N, V>(
        &self,
        name: &str,
        installed: impl IntoIterator<Item = (N, Option<V>)>,
    ) -> Result<Installation<'_>>
    where
        N: AsRef<str>,
        V: AsRef<str>,
    {
        let Some(definition) = self.definition(name) else {
            let message = format!("there is no definition {name:?}");
            return Err(Error::new(ErrorKind::NotFound, message));
        };
        let mut installed: Vec<(String, Option<String>)> = installed
            .into_iter()
            .map(|(name, version)| {
                (name.as_ref().to_owned(), version.map(|version| version.as_ref().to_owned()))
            })
            .collect();
        installed.sort();
        let mut resolver =
            Resolver { catalog: self, installed: &installed, known: HashMap::new(), steps: 0 };
        let mut plan = Plan::default();
        resolver.add(definition, &mut plan, MAX_DEPTH)?;
        resolver.finish(plan)
    }
}

/// What is known of a definition while it is looked at.
#[derive(Clone)]
struct Known {
    version: Option<String>,
    relations: Relations,
}

/// What is to be installed so far.
#[derive(Clone, Default)]
struct Plan<'a> {
    /// In the order of installation.
    install: Vec<&'a Definition>,
    /// What is being looked at: whoever requires one of these waits for it anyway.
    open: Vec<&'a str>,
    unmet: Vec<Unmet>,
}

struct Resolver<'a, 'b> {
    catalog: &'a Catalog,
    installed: &'b [(String, Option<String>)],
    known: HashMap<&'a str, Known>,
    steps: usize,
}

impl<'a> Resolver<'a, '_> {
    /// Adds a definition after everything it requires.
    fn add(&mut self, definition: &'a Definition, plan: &mut Plan<'a>, depth: usize) -> Result<()> {
        self.steps += 1;
        let Some(depth) = depth.checked_sub(1).filter(|_| self.steps <= MAX_STEPS) else {
            let message = format!("the requirements of {:?} have no end", definition.name());
            return Err(Error::new(ErrorKind::Limit, message));
        };
        plan.open.push(definition.name());
        for line in self.known(definition)?.relations.requires {
            self.meet(definition, &line, plan, depth)?;
        }
        plan.open.pop();
        plan.install.push(definition);
        Ok(())
    }

    /// Sees to it that one of the alternatives is there.
    fn meet(
        &mut self,
        by: &Definition,
        line: &Alternatives,
        plan: &mut Plan<'a>,
        depth: usize,
    ) -> Result<()> {
        for relation in line.iter() {
            if self.is_there(relation, plan)? {
                return Ok(());
            }
        }
        for relation in line.iter() {
            let Some(found) = self.catalog.definition(relation.name()) else { continue };
            let version = self.known(found)?.version;
            if !relation.fits(found.name(), version.as_deref()) {
                continue;
            }
            let mut trial = plan.clone();
            self.add(found, &mut trial, depth)?;
            if trial.unmet.len() == plan.unmet.len() {
                *plan = trial;
                return Ok(());
            }
        }
        plan.unmet.push(Unmet { by: by.name().to_owned(), requirement: line.to_string() });
        Ok(())
    }

    /// Whether something that will do is installed, or will be.
    fn is_there(&mut self, relation: &Relation, plan: &Plan<'a>) -> Result<bool> {
        let mut installed = self.installed.iter();
        if installed.any(|(name, version)| relation.fits(name, version.as_deref())) {
            return Ok(true);
        }
        let planned = plan.install.iter().map(|definition| definition.name());
        let planned = planned.chain(plan.open.iter().copied());
        for name in planned.collect::<Vec<_>>() {
            if name == relation.name()
                && let Some(definition) = self.catalog.definition(name)
            {
                let version = self.known(definition)?.version;
                return Ok(relation.fits(name, version.as_deref()));
            }
        }
        Ok(false)
    }

    fn known(&mut self, definition: &'a Definition) -> Result<Known> {
        if let Some(known) = self.known.get(definition.name()) {
            return Ok(known.clone());
        }
        let about = definition.about()?;
        let known = Known { version: about.version, relations: about.relations };
        self.known.insert(definition.name(), known.clone());
        Ok(known)
    }

    /// Says what is replaced, and what is in conflict with what remains.
    fn finish(mut self, plan: Plan<'a>) -> Result<Installation<'a>> {
        let mut found = Installation { install: plan.install, unmet: plan.unmet, ..<_>::default() };
        let planned: Vec<(String, Known)> = found
            .install
            .iter()
            .map(|definition| Ok((definition.name().to_owned(), self.known(definition)?)))
            .collect::<Result<_>>()?;
        let is_planned = |name: &str| planned.iter().any(|(other, _)| other == name);
        // What is installed in another version is about to have the planned one.
        let remains: Vec<_> = self.installed.iter().filter(|(name, _)| !is_planned(name)).collect();
        let meant_by = |relation: &Relation, own: &str| {
            remains
                .iter()
                .filter(|(name, version)| name != own && relation.fits(name, version.as_deref()))
                .map(|(name, _)| name.clone())
                .collect::<Vec<String>>()
        };
        for (own, known) in &planned {
            for relation in &known.relations.replaces {
                found.replaced.extend(meant_by(relation, own));
            }
        }
        found.replaced.sort();
        found.replaced.dedup();
        for (own, known) in &planned {
            for relation in &known.relations.conflicts {
                let stays = |name: &String| !found.replaced.contains(name);
                let with_installed = meant_by(relation, own).iter().any(stays);
                let with_planned = planned.iter().any(|(other, about)| {
                    other != own && relation.fits(other, about.version.as_deref())
                });
                if with_installed || with_planned {
                    let (by, with) = (own.clone(), relation.to_string());
                    found.conflicts.push(Conflict { by, with });
                }
            }
        }
        // What is installed may be the one that says so.
        for (name, _) in remains {
            let Some(definition) = self.catalog.definition(name) else { continue };
            if found.replaced.contains(name) {
                continue;
            }
            for relation in self.known(definition)?.relations.conflicts {
                let fits = |(other, about): &(String, Known)| {
                    relation.fits(other, about.version.as_deref())
                };
                let is_said =
                    |conflict: &Conflict| conflict.with.split(" (").next() == Some(&**name);
                if planned.iter().any(fits) && !found.conflicts.iter().any(is_said) {
                    let (by, with) = (name.clone(), relation.to_string());
                    found.conflicts.push(Conflict { by, with });
                }
            }
        }
        Ok(found)
    }
}

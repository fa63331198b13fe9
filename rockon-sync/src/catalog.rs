//! The catalog: the merged view of all sources and the directory of hand-made definitions.
//!
//! Definitions are keyed by the name inside their file, never by entry id. Sources
//! come in order of priority, the lowest first, each in its manifest's order, then the local directory by
//! file name. A name defined again replaces the earlier definition and keeps its place.

pub(crate) mod changes;
pub(crate) mod installation;
pub(crate) mod newest;

use std::collections::HashMap;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::base::digest::Digest;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::files::{
    FileKind, Files, RealFiles, read_if_any, stat_if_any, stat_target_if_any,
};
use crate::base::limits::MAX_FILE_BYTES;
use crate::base::time::Timestamp;
use crate::format::target::{Mismatch, Requirements, Target};
use crate::format::{self, Format, requirements_of};
use crate::source::SourceName;
use crate::store::{Generation, Store};
use crate::tree::manifest::Manifest;

/// The merged view, as it was when it was read. Definitions' texts are read when they
/// are asked for.
#[derive(Debug)]
pub struct Catalog {
    definitions: Vec<Definition>,
    by_name: HashMap<Box<str>, usize>,
    hidden: Vec<Definition>,
    problems: Vec<Error>,
    gaps: Gaps,
}

/// What is not known of the catalog: nothing that could be part of it is a deletion.
#[derive(Debug, Default)]
pub(crate) struct Gaps {
    /// Names that are published but not held.
    pub(crate) names: Vec<Box<str>>,
    /// Why any other name might be part of the catalog too.
    pub(crate) reasons: Vec<String>,
}

/// One definition of the catalog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    name: Box<str>,
    format: Format,
    revision: Digest,
    origin: Origin,
    updated: Option<Timestamp>,
    requirements: Arc<Requirements>,
    file: PathBuf,
}

/// Where a definition comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Origin {
    /// An entry of a source.
    Source {
        /// The source.
        name: SourceName,
        /// The id of the entry.
        id: Box<str>,
    },
    /// The directory of definitions put there by hand.
    Local,
}

impl Definition {
    /// The name inside the file: the identity of the definition.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The format of its file.
    pub fn format(&self) -> Format {
        self.format
    }

    /// The digest of the file: another one means that the definition may have changed.
    pub fn revision(&self) -> Digest {
        self.revision
    }

    /// Where it comes from.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// When the publisher last saw other bytes, if the manifest says.
    pub fn updated(&self) -> Option<Timestamp> {
        self.updated
    }

    /// Whether the publisher saw other bytes at this moment or later: given when something
    /// was installed, whether it has been updated since. `None` if the manifest does not say.
    pub fn is_updated_since(&self, moment: Timestamp) -> Option<bool> {
        self.updated.map(|updated| updated >= moment)
    }

    /// What it needs of a machine, as far as is known.
    pub fn requirements(&self) -> &Requirements {
        &self.requirements
    }

    /// Why it does not fit a machine; nothing if it does, or if that is not known.
    pub fn mismatches(&self, target: &Target) -> Vec<Mismatch> {
        target.mismatches(&self.requirements)
    }

    /// The file that has it.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// The definition as it was published: of a Rock-on the JSON object after its name, to the
    /// letter; otherwise what [`bytes`](Self::bytes) gives.
    ///
    /// # Errors
    /// Those of [`bytes`](Self::bytes); [`ErrorKind::Definition`] if it is not UTF-8.
    pub fn text(&self) -> Result<String> {
        String::from_utf8(self.bytes()?).map_err(|error| {
            let place = error.utf8_error().valid_up_to();
            let message = format!("expected text, got what is not UTF-8 at byte {place}");
            Error::new(ErrorKind::Definition, message).with_path(&self.file)
        })
    }

    /// The definition as it was published: of a Rock-on its part of the file, else the file.
    ///
    /// # Errors
    /// [`ErrorKind::Store`] if the file cannot be read; [`ErrorKind::Integrity`] if it
    /// is no longer the one that the catalog was made from;
    /// [`ErrorKind::Definition`] if the name is not in it.
    pub fn bytes(&self) -> Result<Vec<u8>> {
        let bytes = self.file_bytes()?;
        if self.format == Format::Files {
            return Ok(bytes);
        }
        self.read(&bytes, |found| found.text.to_vec())
    }

    /// What the definition says of itself.
    pub(crate) fn about(&self) -> Result<format::About> {
        let bytes = self.file_bytes()?;
        self.read(&bytes, |found| self.format.rules().about(found))
    }

    /// The bytes of the file, verified.
    pub(crate) fn file_bytes(&self) -> Result<Vec<u8>> {
        let Some(bytes) = read_if_any(&RealFiles, &self.file, MAX_FILE_BYTES)? else {
            let message = "the file is gone: the catalog is older than the store";
            return Err(Error::new(ErrorKind::Store, message).with_path(&self.file));
        };
        let found = Digest::of(&bytes);
        if found != self.revision {
            let message = format!("expected the digest {}, got {found}", self.revision);
            return Err(Error::new(ErrorKind::Integrity, message).with_path(&self.file));
        }
        Ok(bytes)
    }

    /// Looks at the definition in the bytes of its file.
    fn read<T>(
        &self,
        bytes: &[u8],
        look: impl FnOnce(&format::RawDefinition<'_>) -> T,
    ) -> Result<T> {
        let id = match &self.origin {
            Origin::Source { id, .. } => id,
            Origin::Local => &self.name,
        };
        let definitions = self.format.rules().read(id, bytes);
        let definitions = definitions.map_err(|error| error.with_path(&self.file))?;
        let found = definitions.iter().find(|found| *found.name == *self.name);
        found.map(look).ok_or_else(|| {
            let message = format!("there is no definition {:?} in it", self.name);
            Error::new(ErrorKind::Definition, message).with_path(&self.file)
        })
    }
}

impl Store {
    /// Reads the catalog: the sources by their priority (see
    /// [`sources_by_priority`](Self::sources_by_priority)), then the local directory on top. No
    /// network, no lock; a running update does not disturb it.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if there is no store; [`ErrorKind::Store`] if it cannot
    /// be read. A source or definition that cannot be read is one of the
    /// [`Catalog::problems`]; nothing that may be part of it is a deletion. Those of
    /// [`source_list`](Self::source_list).
    pub fn catalog(&self) -> Result<Catalog> {
        self.catalog_with(&self.local_dir())
    }

    /// The same with `local` as the directory of hand-made definitions.
    ///
    /// # Errors
    /// Those of [`Store::catalog`].
    pub fn catalog_with(&self, local: &Path) -> Result<Catalog> {
        let mut ranking = self.ranking()?;
        ranking.names.reverse();
        let mut catalog = self.catalog_of(&ranking.names, local)?;
        for (name, error) in ranking.unknown {
            let reason = format!("the priority of source {name} is not known");
            catalog.gaps.reasons.push(reason);
            catalog.problems.push(error);
        }
        Ok(catalog)
    }

    /// Reads the catalog of these sources, the first having the lowest priority, with
    /// `local` as the directory of hand-made definitions; one that does not exist is empty.
    ///
    /// # Errors
    /// Those of [`Store::catalog`].
    pub fn catalog_of(&self, sources: &[SourceName], local: &Path) -> Result<Catalog> {
        let mut catalog = Catalog {
            definitions: Vec::new(),
            by_name: HashMap::new(),
            hidden: Vec::new(),
            problems: Vec::new(),
            gaps: Gaps::default(),
        };
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
    /// The definitions, in catalog order.
    pub fn definitions(&self) -> &[Definition] {
        &self.definitions
    }

    /// The definition with this name.
    pub fn definition(&self, name: &str) -> Option<&Definition> {
        self.by_name.get(name).map(|n| &self.definitions[*n])
    }

    /// The place of the definition with this name in catalog order.
    pub(crate) fn position(&self, name: &str) -> Option<usize> {
        self.by_name.get(name).copied()
    }

    /// Definitions that another one of the same name hides, lowest priority first.
    pub fn hidden(&self) -> &[Definition] {
        &self.hidden
    }

    /// Sources that could not be read, and files that could not be read as definitions.
    pub fn problems(&self) -> &[Error] {
        &self.problems
    }

    pub(crate) fn gaps(&self) -> &Gaps {
        &self.gaps
    }

    fn add_source(&mut self, store: &Store, name: &SourceName) {
        let files = store.files();
        let read =
            store.source(name).read_current(|generation| read_generation(files, name, generation));
        let read = match read {
            Ok(Some(read)) => read,
            Ok(None) => {
                let reason = format!("source {name} was never updated completely");
                return self.gaps.reasons.push(reason);
            }
            Err(error) => {
                self.gaps.reasons.push(format!("source {name} cannot be read"));
                return self.problems.push(error);
            }
        };
        if read.definitions.is_empty() {
            self.gaps.reasons.push(format!("source {name} is empty"));
        }
        self.gaps.names.extend(read.gaps.names);
        self.gaps.reasons.extend(read.gaps.reasons);
        self.problems.extend(read.problems);
        self.add_all(read.definitions);
    }

    /// Adds definitions on top. The first ones are taken over as they are: of a large
    /// directory there is no room for two lists.
    fn add_all(&mut self, definitions: Vec<Definition>) {
        if self.definitions.is_empty() {
            let rows = definitions.iter().zip(0..);
            self.by_name = rows.map(|(row, n)| (row.name.clone(), n)).collect();
            if self.by_name.len() == definitions.len() {
                self.definitions = definitions;
                return;
            }
            // Some have the same name: then the order decides.
            self.by_name.clear();
        }
        definitions.into_iter().for_each(|definition| self.add(definition));
    }

    fn add_local(&mut self, files: &dyn Files, dir: &Path) {
        let names = match list_local(files, dir) {
            Ok(names) => names,
            Err(error) => {
                self.problems.push(error);
                let reason = format!("{} cannot be listed", dir.display());
                self.gaps.reasons.push(reason);
                return;
            }
        };
        let mut paths: Vec<PathBuf> = names.into_iter().map(|name| dir.join(name)).collect();
        paths.sort();
        for path in paths {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let Some(format) = self.format_of_local(name) else { continue };
            match read_local(files, &path, name, format) {
                Ok(definitions) => definitions.into_iter().for_each(|found| self.add(found)),
                Err(error) => {
                    self.gaps.reasons.push(format!("{} cannot be read", path.display()));
                    self.problems.push(error);
                }
            }
        }
    }

    /// What a file put there by hand is: the other version of a file that a source has, else
    /// what its name says; `None` if it is not part of the catalog.
    fn format_of_local(&self, name: &str) -> Option<Format> {
        if name.starts_with('.') {
            return None;
        }
        let of_source = self.definition(name).map(Definition::format);
        if of_source == Some(Format::Files) {
            return of_source;
        }
        let named = |format: &Format| *format != Format::Files && format.rules().takes(name);
        Format::all().find(named)
    }

    /// Adds a definition on top: it replaces one of the same name and takes its place.
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

/// What one source adds.
#[derive(Default)]
struct Part {
    definitions: Vec<Definition>,
    problems: Vec<Error>,
    gaps: Gaps,
}

fn read_generation(
    files: &dyn Files,
    source: &SourceName,
    generation: &Generation,
) -> Result<Part> {
    let mut part = Part::default();
    let held = generation.held(files)?;
    // A v1 generation that has lost its record holds whatever is left of its files.
    let is_v1 = stat_if_any(files, &generation.head_path())?.is_none();
    if (is_v1 || !generation.is_complete(files)?)
        && let Err(error) = part.gaps.add_unheld(files, source, generation, &held)
    {
        part.gaps.reasons.push(format!("it is not known what else source {source} publishes"));
        part.problems.push(error);
    }
    part.definitions.reserve_exact(held.len());
    let mut shared: HashMap<Requirements, Arc<Requirements>> = HashMap::new();
    // Each entry goes as soon as it has become definitions.
    for entry in held.into_entries() {
        let file = entry.path().below(&generation.dir);
        let format = Format::of(&entry);
        let (names, requirements) = match entry.names() {
            Some(names) => (names.to_vec(), entry.requirements()),
            None if format != Format::Rockon => (vec![entry.id().into()], entry.requirements()),
            None if !format.rules().takes(entry.path().as_str()) => continue,
            None => match look_into(files, entry.id(), &file) {
                Ok((names, found)) => (names, entry.requirements().or(found)),
                Err(error) => {
                    part.gaps.reasons.push(format!("{} cannot be read", file.display()));
                    part.problems.push(error);
                    continue;
                }
            },
        };
        // Most entries need the same as others.
        let requirements = shared
            .entry(requirements)
            .or_insert_with_key(|requirements| Arc::new(requirements.clone()))
            .clone();
        part.definitions.extend(names.into_iter().map(|name| Definition {
            name,
            format,
            revision: entry.digest(),
            origin: Origin::Source { name: source.clone(), id: entry.id().into() },
            updated: entry.updated(),
            requirements: requirements.clone(),
            file: file.clone(),
        }));
    }
    Ok(part)
}

impl Gaps {
    /// Notes what is published but not held.
    fn add_unheld(
        &mut self,
        files: &dyn Files,
        source: &SourceName,
        generation: &Generation,
        held: &Manifest,
    ) -> Result<()> {
        let fail = |error: Error| error.with_path(generation.list_path());
        let bytes = generation.list_bytes(files)?.unwrap_or_default();
        if generation.head(files)?.is_some() {
            let wanted = Manifest::parse(&bytes).map_err(fail)?;
            for entry in wanted.entries().iter().filter(|e| held.entry(e.id()).is_none()) {
                match entry.names() {
                    Some(names) => self.names.extend_from_slice(names),
                    None => self.note_unknown(source, entry.id()),
                }
            }
            return Ok(());
        }
        for row in crate::tree::manifest::List::parse(&bytes).map_err(fail)?.rows() {
            if held.entry(&row.id).is_none() {
                self.note_unknown(source, &row.id);
            }
        }
        Ok(())
    }

    fn note_unknown(&mut self, source: &SourceName, id: &str) {
        self.reasons.push(format!("the entry {id:?} of source {source} could not be fetched"));
    }
}

/// The names of the Rock-ons in a file, and what it needs of a machine.
fn look_into(files: &dyn Files, id: &str, file: &Path) -> Result<(Vec<Box<str>>, Requirements)> {
    let Some(bytes) = read_if_any(files, file, MAX_FILE_BYTES)? else {
        return Err(Error::new(ErrorKind::Store, "the file is gone").with_path(file));
    };
    let rules = Format::Rockon.rules();
    let definitions = rules.read(id, &bytes);
    let definitions = definitions.map_err(|error| error.with_path(file))?;
    let about: Vec<_> = definitions.iter().map(|found| rules.about(found)).collect();
    let names = definitions.into_iter().map(|found| found.name.into()).collect();
    Ok((names, requirements_of(&about)))
}

/// Lists the directory of hand-made definitions. One that does not exist is empty; a link that
/// leads nowhere is an error, since its target may only be out of reach.
fn list_local(files: &dyn Files, dir: &Path) -> Result<Vec<OsString>> {
    match files.list(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            match stat_target_if_any(files, dir)? {
                None => Ok(Vec::new()),
                Some(_) => Err(Error::io("list this directory", dir, error)),
            }
        }
        listed => listed.map_err(|error| Error::io("list this directory", dir, error)),
    }
}

/// Reads a hand-made file. It may be a link: the directory is the administrator's.
fn read_local(
    files: &dyn Files,
    path: &Path,
    name: &str,
    format: Format,
) -> Result<Vec<Definition>> {
    let fail = |error| Error::io("read this file", path, error);
    let real = files.resolve(path).map_err(fail)?;
    if files.stat(&real).map_err(fail)?.kind != FileKind::File {
        return Err(Error::new(ErrorKind::Store, "not a regular file").with_path(path));
    }
    let Some(bytes) = read_if_any(files, &real, MAX_FILE_BYTES)? else {
        return Err(Error::new(ErrorKind::Store, "the file is gone").with_path(path));
    };
    let revision = Digest::of(&bytes);
    let rules = format.rules();
    let definitions = rules.read(name, &bytes).map_err(|error| error.with_path(path))?;
    let definition = |found: format::RawDefinition<'_>| Definition {
        requirements: Arc::new(rules.about(&found).requirements),
        name: found.name.into(),
        format,
        revision,
        origin: Origin::Local,
        updated: None,
        file: real.clone(),
    };
    Ok(definitions.into_iter().map(definition).collect())
}

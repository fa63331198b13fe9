//! Reading a generation and the local directory, with gaps.

use std::collections::HashMap;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Catalog, Definition, Origin};
use crate::base::digest::Digest;
use crate::base::error::{Error, ErrorKind, IoContext, Result};
use crate::base::files::{FileKind, Files, read_if_any, stat_if_any, stat_target_if_any};
use crate::base::limits::{MAX_ALL_FORMER_NAMES, MAX_FILE_BYTES};
use crate::format::target::Requirements;
use crate::format::{self, Format, requirements_of};
use crate::source::SourceName;
use crate::store::{Generation, Store};
use crate::tree::manifest::{Entry, List, Manifest};

/// The unknown parts of the catalog. A name that could be in one of them is never a deletion.
#[derive(Debug, Default)]
pub(crate) struct Gaps {
    /// Names that are published but not in the local copy.
    pub(crate) names: Vec<Box<str>>,
    /// Renames to such names.
    pub(crate) renames: Vec<MissingRename>,
    /// Reasons why any other name might be in the catalog, too.
    pub(crate) reasons: Vec<String>,
}

/// A rename to a definition that is not in the local copy.
#[derive(Debug)]
pub(crate) struct MissingRename {
    pub(crate) from: Box<str>,
    pub(crate) to: Box<str>,
}

/// The definitions of one source.
#[derive(Default)]
struct SourceDefinitions {
    definitions: Vec<Definition>,
    problems: Vec<Error>,
    gaps: Gaps,
}

impl Catalog {
    /// Adds the definitions of a source on top.
    pub(super) fn add_source(&mut self, store: &Store, source: &SourceName) {
        let files = store.files();
        match store
            .source(source)
            .read_current(|generation| read_generation(files, source, generation))
        {
            Ok(Some(read)) => {
                if read.definitions.is_empty() {
                    self.gaps.reasons.push(format!("source {source} is empty"));
                }
                self.gaps.names.extend(read.gaps.names);
                self.gaps.renames.extend(read.gaps.renames);
                self.gaps.reasons.extend(read.gaps.reasons);
                self.problems.extend(read.problems);
                self.add_all(read.definitions);
            }
            Ok(None) => {
                self.gaps.reasons.push(format!("source {source} was never updated completely"));
            }
            Err(error) => {
                self.gaps.reasons.push(format!("source {source} cannot be read"));
                self.problems.push(error);
            }
        }
    }

    /// Adds the definitions of a local directory on top.
    pub(super) fn add_local(&mut self, files: &dyn Files, dir: &Path) {
        let names = match list_local(files, dir) {
            Ok(names) => names,
            Err(error) => {
                self.gaps.reasons.push(format!("{} cannot be listed", dir.display()));
                return self.problems.push(error);
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

    /// Returns the format of a local file: that of a plain file with the same name in a source,
    /// otherwise that of its suffix. `None` if it does not belong to the catalog.
    fn format_of_local(&self, name: &str) -> Option<Format> {
        if name.starts_with('.') {
            return None;
        }
        let in_source = self.definition(name).map(Definition::format);
        if in_source == Some(Format::Files) {
            return in_source;
        }
        let takes = |format: &Format| *format != Format::Files && format.rules().takes(name);
        Format::all().find(takes)
    }
}

impl Gaps {
    /// Adds the entries that are published but not in the local copy.
    fn add_missing(
        &mut self,
        files: &dyn Files,
        source: &SourceName,
        generation: &Generation,
    ) -> Result<()> {
        let current = generation.current_manifest(files)?;
        let path = generation.list_path();
        let in_list = |error: Error| error.with_path(&path);
        if generation.head(files)?.is_none() {
            let bytes = generation.list_bytes(files)?.unwrap_or_default();
            let list = List::parse(&bytes).map_err(in_list)?;
            let missing = list.rows().iter().filter(|row| current.entry(&row.id).is_none());
            self.reasons.extend(missing.map(|row| not_fetched(source, &row.id)));
            return Ok(());
        }
        let reader = files.open(&path).on("read this file", &path)?;
        let published = Manifest::read_for_use(reader).map_err(in_list)?;
        let mut former_names_left = MAX_ALL_FORMER_NAMES;
        for entry in published.entries().iter().filter(|e| current.entry(e.id()).is_none()) {
            match entry.names() {
                Some(names) => {
                    self.names.extend_from_slice(names);
                    if let [to] = names {
                        let former = former_names(source, entry);
                        let former = former.into_iter().take(former_names_left);
                        former_names_left -= former.len();
                        self.renames
                            .extend(former.map(|from| MissingRename { from, to: to.clone() }));
                    }
                }
                None => self.reasons.push(not_fetched(source, entry.id())),
            }
        }
        Ok(())
    }
}

/// Returns the former names of an entry. An invalid field is ignored: the definitions stay usable.
fn former_names(source: &SourceName, entry: &Entry) -> Vec<Box<str>> {
    entry.formerly().unwrap_or_else(|invalid| {
        log::warn!("source {source}: entry {:?}: \"formerly\" is ignored: {invalid}", entry.id());
        Vec::new()
    })
}

fn not_fetched(source: &SourceName, id: &str) -> String {
    format!("the entry {id:?} of source {source} could not be fetched")
}

fn read_generation(
    files: &dyn Files,
    source: &SourceName,
    generation: &Generation,
) -> Result<SourceDefinitions> {
    let mut read = SourceDefinitions::default();
    // A v1 generation without a record has only what is left of its files.
    let is_v1 = stat_if_any(files, &generation.head_path())?.is_none();
    if (is_v1 || !generation.is_complete(files)?)
        && let Err(error) = read.gaps.add_missing(files, source, generation)
    {
        read.gaps.reasons.push(format!("the other entries of source {source} are unknown"));
        read.problems.push(error);
    }
    // Short names cost more memory than their text, which is limited already.
    let mut former_names_left = MAX_ALL_FORMER_NAMES;
    let mut shared: HashMap<Requirements, Arc<Requirements>> = HashMap::new();
    generation.for_each_entry(files, &mut |entry| {
        let file = entry.path().below(&generation.dir);
        let Some((names, requirements)) =
            read_entry(files, &entry, &file).unwrap_or_else(|error| {
                read.gaps.reasons.push(format!("{} cannot be read", file.display()));
                read.problems.push(error);
                None
            })
        else {
            return;
        };
        // Saves memory: most entries have the same requirements as others.
        let requirements = shared
            .entry(requirements)
            .or_insert_with_key(|requirements| Arc::new(requirements.clone()))
            .clone();
        let mut formerly = former_names(source, &entry);
        match former_names_left.checked_sub(formerly.len()) {
            Some(left) => former_names_left = left,
            None => formerly.clear(),
        }
        // A file without names in the manifest may have several definitions.
        let formerly = if names.len() == 1 { formerly } else { Vec::new() };
        read.definitions.extend(names.into_iter().map(|name| Definition {
            formerly: formerly.iter().filter(|former| **former != name).cloned().collect(),
            name,
            format: Format::of(&entry),
            revision: entry.digest(),
            origin: Origin::Source { name: source.clone(), id: entry.id().into() },
            updated: entry.updated(),
            requirements: requirements.clone(),
            file: file.clone(),
        }));
    })?;
    read.definitions.shrink_to_fit();
    Ok(read)
}

/// Returns the names that an entry defines and its requirements. Reads the file only if the
/// manifest does not have them. `None` for a file that does not belong to the catalog.
fn read_entry(
    files: &dyn Files,
    entry: &Entry,
    file: &Path,
) -> Result<Option<(Vec<Box<str>>, Requirements)>> {
    let format = Format::of(entry);
    if let Some(names) = entry.names() {
        return Ok(Some((names.to_vec(), entry.requirements())));
    }
    if format != Format::Rockon {
        return Ok(Some((vec![entry.id().into()], entry.requirements())));
    }
    let rules = format.rules();
    if !rules.takes(entry.path().as_str()) {
        return Ok(None);
    }
    let bytes = read_existing(files, file)?;
    let definitions = rules.read(entry.id(), &bytes).map_err(|error| error.with_path(file))?;
    let about: Vec<_> = definitions.iter().map(|found| rules.about(found)).collect();
    let names = definitions.into_iter().map(|found| found.name.into()).collect();
    Ok(Some((names, entry.requirements().or(requirements_of(&about)))))
}

/// Lists the directory of local definitions. A missing directory is empty. A broken link is an
/// error: its target may only be out of reach.
fn list_local(files: &dyn Files, dir: &Path) -> Result<Vec<OsString>> {
    match files.list(dir) {
        Err(error)
            if error.kind() == io::ErrorKind::NotFound
                && stat_target_if_any(files, dir)?.is_none() =>
        {
            Ok(Vec::new())
        }
        listed => listed.on("list this directory", dir),
    }
}

/// Reads a local file. It may be a link: the directory belongs to the administrator.
fn read_local(
    files: &dyn Files,
    path: &Path,
    name: &str,
    format: Format,
) -> Result<Vec<Definition>> {
    let file = files.resolve(path).on("read this file", path)?;
    if files.stat(&file).on("read this file", path)?.kind != FileKind::File {
        return Err(Error::new(ErrorKind::Store, "not a regular file").with_path(path));
    }
    let bytes = read_existing(files, &file)?;
    let revision = Digest::of(&bytes);
    let rules = format.rules();
    let definitions = rules.read(name, &bytes).map_err(|error| error.with_path(path))?;
    let definition = |found: format::RawDefinition<'_>| {
        let about = rules.about(&found);
        Definition {
            requirements: Arc::new(about.requirements),
            formerly: about.formerly.into(),
            name: found.name.into(),
            format,
            revision,
            origin: Origin::Local,
            updated: None,
            file: file.clone(),
        }
    };
    Ok(definitions.into_iter().map(definition).collect())
}

/// Reads a file that existed a moment ago.
fn read_existing(files: &dyn Files, path: &Path) -> Result<Vec<u8>> {
    read_if_any(files, path, MAX_FILE_BYTES)?
        .ok_or_else(|| Error::new(ErrorKind::Store, "missing file").with_path(path))
}

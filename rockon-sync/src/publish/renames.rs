//! Former names of definitions.
//!
//! An application knows a definition by its name. The manifest therefore says under which names a
//! definition was published before. There are three origins of a former name:
//!
//! - The definition states it.
//! - It is derived. A file had one definition and now has another one, the old name is published
//!   nowhere now, the new one was published nowhere before, and both use a common container image.
//! - It is carried on from the last publication, until another definition uses it.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use super::report::Renamed;
use super::scan::{EntryOfFile, ScannedFile};
use super::tree::Tree;
use crate::base::error::Result;
use crate::base::files::read_if_any;
use crate::base::limits::{MAX_FILE_BYTES, MAX_FORMER_NAMES};
use crate::base::path::EntryPath;
use crate::base::problem::Problem;
use crate::format::Format;
use crate::tree::manifest::{Entry, Manifest};

/// A file of the new publication, with the names of its definitions.
pub(super) struct NamedFile<'a> {
    pub(super) id: &'a str,
    pub(super) path: &'a EntryPath,
    /// The local file.
    pub(super) file: &'a Path,
    pub(super) format: Format,
    pub(super) names: Vec<&'a str>,
    /// The former names that its one definition states.
    pub(super) stated: &'a [Box<str>],
}

impl<'a> NamedFile<'a> {
    pub(super) fn of_scanned(
        file: &'a ScannedFile,
        format: Format,
        previous: &'a Manifest,
    ) -> NamedFile<'a> {
        let stated = match &*file.definitions {
            [only] => &*only.about.formerly,
            _ => &[],
        };
        let names = match &file.entry {
            EntryOfFile::Made { names: Some(names), .. } => {
                names.iter().map(String::as_str).collect()
            }
            EntryOfFile::Made { names: None, .. } => vec![&*file.id],
            EntryOfFile::Unchanged | EntryOfFile::Kept => {
                previous.entry(&file.id).map_or(Vec::new(), names_of)
            }
        };
        NamedFile { id: &file.id, path: &file.path, file: &file.file, format, names, stated }
    }
}

/// Returns the names of the definitions of an entry.
pub(super) fn names_of(entry: &Entry) -> Vec<&str> {
    match entry.names() {
        Some(names) => names.iter().map(|name| &**name).collect(),
        None => vec![entry.id()],
    }
}

/// The former names of the definitions of a publication.
#[derive(Default)]
pub(super) struct Renames {
    /// The former names by the name of the definition, newest first.
    formerly: HashMap<String, Vec<Box<str>>>,
    /// The renames since the last publication, in the order of the files.
    pub(super) renamed: Vec<Renamed>,
    /// Renames that cannot be derived.
    pub(super) warnings: Vec<Problem>,
}

impl Renames {
    /// Finds the former names of the definitions in `now`, the files of the new publication.
    /// `previous` is the manifest of the last one, which `tree` has.
    ///
    /// # Errors
    /// [`Store`](crate::ErrorKind::Store) if a file cannot be read.
    pub(super) fn find(
        tree: &Tree<'_>,
        previous: &Manifest,
        now: &[NamedFile<'_>],
    ) -> Result<Renames> {
        let search = Search::new(tree, previous, now);
        let mut renames = Renames::default();
        for file in now {
            let [name] = &*file.names else {
                search.explain_several(file);
                continue;
            };
            let direct = match file.stated {
                [] => search.derive(file, name, &mut renames.warnings)?.into_iter().collect(),
                stated => stated.to_vec(),
            };
            for from in direct.iter().filter(|from| search.is_new_rename(from, name)) {
                let (from, to, id) = (from.to_string(), (*name).to_owned(), file.id.to_owned());
                renames.renamed.push(Renamed { from, to, id });
            }
            let formerly = search.with_carried(name, direct);
            if !formerly.is_empty() {
                renames.formerly.insert((*name).to_owned(), formerly);
            }
        }
        Ok(renames)
    }

    /// Returns an entry with the former names of its definition.
    pub(super) fn mark(&self, entry: Entry) -> Entry {
        let formerly = match &*names_of(&entry) {
            [name] => self.formerly.get(*name).cloned().unwrap_or_default(),
            _ => Vec::new(),
        };
        entry.with_formerly(&formerly)
    }

    /// True if a definition has this former name.
    pub(super) fn has_successor(&self, name: &str) -> bool {
        self.formerly.values().flatten().any(|former| **former == *name)
    }
}

/// The names of the last publication and of the new one.
struct Search<'a> {
    tree: &'a Tree<'a>,
    old_by_path: HashMap<&'a EntryPath, &'a Entry>,
    old_by_name: HashMap<&'a str, &'a Entry>,
    new_names: HashSet<&'a str>,
    /// The definitions that state former names, by these.
    stated: HashMap<&'a str, &'a str>,
}

impl<'a> Search<'a> {
    fn new(tree: &'a Tree<'_>, previous: &'a Manifest, now: &'a [NamedFile<'_>]) -> Search<'a> {
        let old = previous.entries().iter();
        let stated = now.iter().filter_map(|file| Some((file, file.names.first()?)));
        Search {
            tree,
            old_by_path: old.clone().map(|entry| (entry.path(), entry)).collect(),
            old_by_name: old
                .flat_map(|entry| names_of(entry).into_iter().map(move |name| (name, entry)))
                .collect(),
            new_names: now.iter().flat_map(|file| file.names.iter().copied()).collect(),
            stated: stated
                .flat_map(|(file, to)| file.stated.iter().map(move |from| (&**from, *to)))
                .collect(),
        }
    }

    /// Returns the former name of the one definition of a file, if it was renamed in its file.
    fn derive(
        &self,
        file: &NamedFile<'_>,
        name: &str,
        warnings: &mut Vec<Problem>,
    ) -> Result<Option<Box<str>>> {
        let Some(old) = self.old_by_path.get(file.path) else { return Ok(None) };
        let old_names = names_of(old);
        if old_names.contains(&name) || Format::of(old) != file.format {
            return Ok(None);
        }
        let [from] = &*old_names else {
            let got = old_names.len();
            explain(file, name, &format!("the published version has {got} definitions"));
            return Ok(None);
        };
        let refusal = if self.new_names.contains(from) {
            Some("the old name is still published")
        } else if self.old_by_name.contains_key(name) {
            Some("the new name was published before")
        } else if self.stated.contains_key(from) {
            Some("another definition states the old name")
        } else {
            None
        };
        if let Some(reason) = refusal {
            explain(file, name, reason);
            return Ok(None);
        }
        let new_bytes = read_if_any(self.tree.files, file.file, MAX_FILE_BYTES)?;
        let new_images = images(file.format, file.id, &new_bytes.unwrap_or_default());
        if new_images.is_empty() {
            explain(file, name, "no container image");
            return Ok(None);
        }
        let Some((_, old_bytes)) = self.tree.published_file(old)? else {
            let message = format!(
                "the published version is missing or damaged, so {name:?} may be a rename of \
                 {from:?} that clients are not told about; \"formerly\" can state it"
            );
            warnings.push(Problem::warning(file.path.as_str(), message));
            return Ok(None);
        };
        let old_images = images(file.format, old.id(), &old_bytes);
        if old_images.is_disjoint(&new_images) {
            explain(file, name, "no common container image");
            return Ok(None);
        }
        Ok(Some((*from).into()))
    }

    /// Logs why no rename is derived for a file that has several definitions now.
    fn explain_several(&self, file: &NamedFile<'_>) {
        if let Some(old) = self.old_by_path.get(file.path)
            && let Some(name) = file.names.iter().find(|name| !self.old_by_name.contains_key(*name))
            && names_of(old).iter().any(|name| !self.new_names.contains(name))
        {
            explain(file, name, &format!("the file has {} definitions", file.names.len()));
        }
    }

    /// Returns true if an application may have applied `from`, and not `to`.
    fn is_new_rename(&self, from: &str, to: &str) -> bool {
        self.old_by_name.contains_key(from)
            && !self.new_names.contains(from)
            && !self.old_by_name.contains_key(to)
    }

    /// Returns all former names of a definition: those that it states or that were derived, and
    /// those that it had in the last publication, under this name or under one of them.
    fn with_carried(&self, name: &str, direct: Vec<Box<str>>) -> Vec<Box<str>> {
        let earlier = |name: &str| {
            let entry = self.old_by_name.get(name).filter(|entry| names_of(entry).len() == 1);
            entry.and_then(|entry| entry.formerly().ok()).unwrap_or_default()
        };
        let of_predecessors: Vec<Box<str>> = direct.iter().flat_map(|from| earlier(from)).collect();
        let mut seen = HashSet::new();
        let is_free = |former: &str| {
            !self.new_names.contains(former) && self.stated.get(former).is_none_or(|to| *to == name)
        };
        let all = direct.into_iter().chain(earlier(name)).chain(of_predecessors);
        let free = all.filter(|former| is_free(former) && seen.insert(former.clone()));
        free.take(MAX_FORMER_NAMES).collect()
    }
}

fn explain(file: &NamedFile<'_>, name: &str, reason: &str) {
    log::info!("{}: no rename to {name:?} is derived: {reason}", file.path);
}

/// Returns the container images of the definitions in a file, without tags and digests.
fn images(format: Format, id: &str, bytes: &[u8]) -> HashSet<String> {
    let rules = format.rules();
    // The published version may be invalid by now. Then it has no image in common.
    let found = rules.read(id, bytes).unwrap_or_default();
    let images = found.iter().flat_map(|definition| rules.images(definition));
    let images = images.map(|image| repository(&image).to_owned());
    images.filter(|image| !image.is_empty()).collect()
}

/// Returns the name of an image without its tag and digest.
fn repository(image: &str) -> &str {
    let image = image.split_once('@').map_or(image, |(name, _)| name);
    // A colon before the last slash belongs to a port.
    let name = image.rfind('/').map_or(0, |slash| slash + 1);
    image[name..].find(':').map_or(image, |colon| &image[..name + colon])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_compared_without_tags_and_digests() {
        for (image, expected) in [
            ("linuxserver/sonarr", "linuxserver/sonarr"),
            ("linuxserver/sonarr:latest", "linuxserver/sonarr"),
            ("h.example:5000/app", "h.example:5000/app"),
            ("h.example:5000/app:1.2@sha256:abc", "h.example:5000/app"),
            ("app@sha256:abc", "app"),
            ("", ""),
        ] {
            assert_eq!(repository(image), expected);
        }
    }
}

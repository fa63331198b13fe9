//! Formats: what the files of a catalog say of themselves.
//!
//! Head, manifest, plan, fetch, store and packs move files of any kind and never look inside.
//! Whoever has to know more, the publisher and the catalog, asks the format of the file.
//!
//! | format | file | a file is |
//! |---|---|---|
//! | `rockon` | `rockon.rs` | JSON: definitions by name |
//! | `jupdate` | `jupdate.rs` | XML: the releases of an extension |
//! | `files` | `files.rs` | anything |
//!
//! A further one is a module with its [`Rules`], and a line in [`Format`].

mod files;
#[cfg(feature = "jupdate")]
mod jupdate;
pub(crate) mod relation;
mod rockon;
pub(crate) mod target;

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use crate::base::error::{Error, ErrorKind, Result};
use crate::base::json::Position;
use crate::base::problem::Problem;
use crate::format::relation::Relations;
use crate::format::target::Requirements;
use crate::tree::manifest::{Entry, FORMAT};

#[cfg(feature = "jupdate")]
pub(crate) use jupdate::releases_of;
#[cfg(feature = "jupdate")]
pub use jupdate::{Download, Release};
#[cfg(all(feature = "jupdate", feature = "publish"))]
pub(crate) use jupdate::{Reference, read_collection};
#[cfg(feature = "publish")]
pub(crate) use rockon::position_of_syntax_error;

/// Every format.
const ALL: &[Format] = &[
    Format::Rockon,
    #[cfg(feature = "jupdate")]
    Format::Jupdate,
    Format::Files,
];

/// What kind of files a catalog is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Format {
    /// `rockon`: JSON files, each an object of Rock-on definitions by name.
    #[default]
    Rockon,
    /// `jupdate`: XML files of a JUpdate site, each the releases of an extension.
    #[cfg(feature = "jupdate")]
    Jupdate,
    /// `files`: files of any kind, each known by its id.
    Files,
}

impl Format {
    /// Every format.
    pub fn all() -> impl Iterator<Item = Format> {
        ALL.iter().copied()
    }

    /// The name of the format.
    pub fn name(self) -> &'static str {
        self.rules().name()
    }

    /// What it knows of files.
    pub(crate) fn rules(self) -> &'static dyn Rules {
        match self {
            Format::Rockon => &rockon::Rockon,
            #[cfg(feature = "jupdate")]
            Format::Jupdate => &jupdate::Jupdate,
            Format::Files => &files::AnyFile,
        }
    }

    /// The format of an entry's file. One that is not known here is opaque.
    pub(crate) fn of(entry: &Entry) -> Format {
        match entry.extra_string(FORMAT) {
            None => Format::default(),
            Some(name) => name.parse().unwrap_or(Format::Files),
        }
    }

    /// Whether the entry of a file has to say the names of its definitions. Where it names a
    /// format but no definitions, there is one, with the id as its name.
    pub(crate) fn is_named_inside(self, names: &[String], id: &str) -> bool {
        self == Format::Rockon || names != [id]
    }

    /// `entry`, saying that its file is of this format.
    pub(crate) fn mark(self, entry: Entry) -> Entry {
        match self {
            Format::Rockon => entry,
            other => entry.with_extra_string(FORMAT, other.name()),
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Format {
    type Err = Error;

    /// Reads the name of a format.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`], with the names that there are.
    fn from_str(name: &str) -> Result<Format> {
        Format::all().find(|format| format.name() == name).ok_or_else(|| {
            let known: Vec<&str> = Format::all().map(Format::name).collect();
            let message = format!("expected a format ({}), got {name:?}", known.join(", "));
            Error::new(ErrorKind::Argument, message)
        })
    }
}

/// How it is known which files a catalog has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Collection {
    /// A list names them.
    Listed,
    /// All that are in the directory.
    Dir,
    /// Those that the collections of an update site lead to.
    Site,
}

/// What a format knows of files.
pub(crate) trait Rules: Sync {
    /// The name of the format, as entries and users give it.
    fn name(&self) -> &'static str;

    /// How it is known which files a catalog has.
    fn collection(&self) -> Collection;

    /// Whether a file with this path can be of the format.
    fn takes(&self, path: &str) -> bool;

    /// The definitions in the file of the entry `id`, in its order, each name once.
    ///
    /// # Errors
    /// [`ErrorKind::Definition`] with the place: it is no such file.
    fn read<'a>(&self, id: &'a str, bytes: &'a [u8]) -> Result<Vec<Definition<'a>>>;

    /// What a definition says of itself.
    fn about(&self, definition: &Definition<'_>) -> About;

    /// What a definition tells people of itself; nothing, unless a format knows better.
    fn blurb(&self, _: &Definition<'_>) -> Blurb {
        Blurb::default()
    }

    /// Checks a file for publication: like [`read`](Self::read), but with everything that is
    /// wrong with it. `shown` is what its problems call the file.
    fn check(&self, id: &str, shown: &str, bytes: &[u8]) -> Checked;
}

/// One definition inside a file.
#[derive(Debug)]
pub(crate) struct Definition<'a> {
    pub(crate) name: Cow<'a, str>,
    /// Its part of the file, as it was published.
    pub(crate) text: &'a [u8],
}

/// What a definition says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct About {
    pub(crate) version: Option<String>,
    /// What it needs of a machine.
    pub(crate) requirements: Requirements,
    /// What it says of other definitions.
    pub(crate) relations: Relations,
    /// Further fields of its entry in the manifest: name and canonical JSON.
    pub(crate) fields: Vec<(&'static str, String)>,
}

/// What a definition tells people of itself, as it was published: not to be trusted, and
/// descriptions may have markup.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Blurb {
    /// What people know it by, where that is not its name.
    pub(crate) title: Option<String>,
    pub(crate) description: Option<String>,
    /// The URL of a page about it.
    pub(crate) website: Option<String>,
}

/// What is known of a file after checking it.
#[derive(Debug, Default)]
pub(crate) struct Checked {
    pub(crate) definitions: Vec<Named>,
    /// What each of the definitions says of itself.
    pub(crate) about: Vec<About>,
    /// Further names that have to be unique in a catalog, and what they are names of.
    pub(crate) unique: Vec<(&'static str, Named)>,
    pub(crate) problems: Vec<Problem>,
}

/// A name that has to be unique in the catalog.
#[derive(Debug, Clone)]
pub(crate) struct Named {
    pub(crate) name: String,
    pub(crate) position: Option<Position>,
}

impl Named {
    /// `file:line:column`.
    pub(crate) fn place(&self, file: &str) -> String {
        match self.position {
            Some(Position { line, column }) => format!("{file}:{line}:{column}"),
            None => file.to_owned(),
        }
    }
}

/// What a file needs of a machine: of its definitions, the less demanding ones.
pub(crate) fn requirements_of<'a>(about: impl IntoIterator<Item = &'a About>) -> Requirements {
    let each = about.into_iter().map(|about| about.requirements.clone());
    each.reduce(Requirements::either).unwrap_or_default()
}

/// Checks a file that no digest vouches for: it must hold Rock-ons. Returns its entry with their
/// names and requirements.
///
/// # Errors
/// [`ErrorKind::Definition`] with the place, if it is not such a file.
pub(crate) fn accept_rockon(entry: Entry, bytes: &[u8]) -> Result<Entry> {
    let rules = Format::Rockon.rules();
    if !rules.takes(entry.path().as_str()) {
        return Ok(entry);
    }
    let definitions = rules.read(entry.id(), bytes)?;
    let names: Vec<Box<str>> = definitions.iter().map(|found| (*found.name).into()).collect();
    let about: Vec<About> = definitions.iter().map(|found| rules.about(found)).collect();
    let requirements = requirements_of(&about);
    drop(definitions);
    Ok(entry.with_names(names).with_requirements(&requirements))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::digest::Digest;
    use crate::base::path::EntryPath;

    #[test]
    fn every_format_has_a_name_of_its_own_that_entries_keep() {
        for format in ALL {
            assert_eq!(format.name().parse::<Format>().unwrap(), *format);
            let path = EntryPath::new("a.json").unwrap();
            let entry = Entry::new("a", path, Digest::of(b"")).unwrap();
            assert_eq!(Format::of(&format.mark(entry)), *format);
        }
        let error = "rock".parse::<Format>().unwrap_err();
        assert!(error.to_string().contains("rockon"), "{error}");
    }
}

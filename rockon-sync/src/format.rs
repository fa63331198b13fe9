//! Formats of the files of a catalog.
//!
//! An update transfers files of any format and never parses them. Only the publisher and the
//! catalog ask the format of a file for its definitions.
//!
//! | format | file | content of a file |
//! |---|---|---|
//! | `rockon` | `rockon.rs` | JSON: definitions by name |
//! | `jupdate` | `jupdate.rs` | XML: the releases of an extension |
//! | `files` | `files.rs` | anything |
//!
//! `check.rs` and the `check.rs` of each format are used for publishing only. A new format is a
//! module with its [`Rules`], and a line in [`Format`].

#[cfg(feature = "publish")]
mod check;
mod files;
#[cfg(feature = "jupdate")]
mod jupdate;
pub(crate) mod relation;
mod rockon;
pub(crate) mod target;

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use crate::base::error::{Error, ErrorKind, Result, impl_from};
use crate::base::limits::MAX_NAMES;
use crate::format::relation::Relations;
use crate::format::target::Requirements;
use crate::tree::manifest::{Entry, FORMAT};

#[cfg(feature = "publish")]
pub(crate) use check::{Checked, CheckedDefinition, Collection, Named};
#[cfg(feature = "jupdate")]
pub(crate) use jupdate::releases_of;
#[cfg(feature = "jupdate")]
pub use jupdate::{Download, Release};
#[cfg(all(feature = "jupdate", feature = "publish"))]
pub(crate) use jupdate::{Reference, read_collection};

/// All formats.
const ALL: &[Format] = &[
    Format::Rockon,
    #[cfg(feature = "jupdate")]
    Format::Jupdate,
    Format::Files,
];

/// The format of the files of a catalog.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Format {
    /// `rockon`: JSON files, each an object of Rock-on definitions by name.
    #[default]
    Rockon,
    /// `jupdate`: XML files of a JUpdate site, each with the releases of an extension.
    #[cfg(feature = "jupdate")]
    Jupdate,
    /// `files`: files of any content, each a definition with the entry's id as its name.
    Files,
}

impl Format {
    /// Returns all formats.
    pub fn all() -> impl Iterator<Item = Format> {
        ALL.iter().copied()
    }

    /// Returns the name of the format.
    pub fn name(self) -> &'static str {
        self.rules().name()
    }

    /// Returns the rules of the format.
    pub(crate) fn rules(self) -> &'static dyn Rules {
        match self {
            Format::Rockon => &rockon::Rockon,
            #[cfg(feature = "jupdate")]
            Format::Jupdate => &jupdate::Jupdate,
            Format::Files => &files::AnyFile,
        }
    }

    /// Returns the format of an entry's file, which is [`Format::Files`] for unknown formats.
    pub(crate) fn of(entry: &Entry) -> Format {
        match entry.extra_string(FORMAT) {
            None => Format::default(),
            Some(name) => name.parse().unwrap_or(Format::Files),
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

    /// Parses the name of a format.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`], with the names of all formats.
    fn from_str(name: &str) -> Result<Format> {
        let format = Format::all().find(|format| format.name() == name);
        format.ok_or_else(|| UnknownFormat { got: name.to_owned() }.into())
    }
}

#[derive(Debug, thiserror::Error)]
#[error("expected a format (rockon, jupdate, files), got {got:?}")]
struct UnknownFormat {
    got: String,
}

impl_from!(UnknownFormat => Argument);

/// The rules of a format.
pub(crate) trait Rules: Sync {
    /// Returns the name of the format.
    fn name(&self) -> &'static str;

    /// True if a file with this path can have the format.
    fn takes(&self, path: &str) -> bool;

    /// Parses the definitions in the file of the entry `id`, in its order, with unique names.
    ///
    /// # Errors
    /// [`ErrorKind::Definition`] with the position if the file is invalid.
    fn read<'a>(&self, id: &'a str, bytes: &'a [u8]) -> Result<Vec<RawDefinition<'a>>>;

    /// Returns the metadata of a definition.
    fn about(&self, definition: &RawDefinition<'_>) -> About;

    /// Returns the texts of a definition for people, which are empty by default.
    fn blurb(&self, _: &RawDefinition<'_>) -> Blurb {
        Blurb::default()
    }

    /// Returns the container images that a definition uses; none by default.
    #[cfg(feature = "publish")]
    fn images(&self, _: &RawDefinition<'_>) -> Vec<String> {
        Vec::new()
    }
}

/// A definition in a file.
#[derive(Debug)]
pub(crate) struct RawDefinition<'a> {
    pub(crate) name: Cow<'a, str>,
    /// The unchanged part of the file.
    pub(crate) text: &'a [u8],
}

/// Metadata of a definition.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct About {
    pub(crate) version: Option<String>,
    pub(crate) requirements: Requirements,
    pub(crate) relations: Relations,
    /// Names under which it was published before, newest first.
    pub(crate) formerly: Vec<Box<str>>,
    /// Extra fields of the entry in the manifest: name and canonical JSON.
    pub(crate) fields: Vec<(&'static str, String)>,
}

/// Texts of a definition for people. They are untrusted, and descriptions may contain markup.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Blurb {
    /// The title, unless it is the name.
    pub(crate) title: Option<String>,
    pub(crate) description: Option<String>,
    /// The URL of a web page about the definition.
    pub(crate) website: Option<String>,
}

/// Returns the requirements of a file: the lowest ones of its definitions.
pub(crate) fn requirements_of<'a>(about: impl IntoIterator<Item = &'a About>) -> Requirements {
    let each = about.into_iter().map(|about| about.requirements.clone());
    each.reduce(Requirements::either).unwrap_or_default()
}

/// Validates a Rock-on file that has no digest. Returns its entry with the names and requirements
/// of its definitions.
///
/// # Errors
/// [`ErrorKind::Definition`] with the position if the file is invalid.
pub(crate) fn accept_rockon(entry: Entry, bytes: &[u8]) -> Result<Entry> {
    let rules = Format::Rockon.rules();
    if !rules.takes(entry.path().as_str()) {
        return Ok(entry);
    }
    let definitions = rules.read(entry.id(), bytes)?;
    if definitions.len() > MAX_NAMES {
        let message = format!("expected at most {MAX_NAMES} definitions, got more");
        return Err(Error::new(ErrorKind::Definition, message));
    }
    let names: Vec<Box<str>> = definitions.iter().map(|found| (*found.name).into()).collect();
    let about: Vec<About> = definitions.iter().map(|found| rules.about(found)).collect();
    let requirements = requirements_of(&about);
    drop(definitions);
    let entry = entry.with_names(names).with_requirements(&requirements);
    Ok(match &*about {
        [only] => entry.with_formerly(&only.formerly),
        _ => entry,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::digest::Digest;
    use crate::base::path::EntryPath;
    use crate::tree::manifest::Manifest;

    #[test]
    fn an_accepted_file_can_be_an_entry_of_a_manifest() {
        let path = EntryPath::new("a.json").unwrap();
        let accept = |count: usize| {
            let rows: Vec<String> = (0..count).map(|n| format!("\"{n}\":{{}}")).collect();
            let entry = Entry::new("a", path.clone(), Digest::of(b"")).unwrap();
            accept_rockon(entry, format!("{{{}}}", rows.join(",")).as_bytes())
        };
        let manifest = Manifest::from_entries(vec![accept(MAX_NAMES).unwrap()]).unwrap();
        assert_eq!(Manifest::parse(&manifest.to_canonical()).unwrap(), manifest);
        assert_eq!(accept(MAX_NAMES + 1).unwrap_err().kind(), ErrorKind::Definition);
    }

    #[test]
    fn every_format_has_a_unique_name_that_entries_keep() {
        for format in ALL {
            assert_eq!(format.name().parse::<Format>().unwrap(), *format);
            let path = EntryPath::new("a.json").unwrap();
            let entry = Entry::new("a", path, Digest::of(b"")).unwrap();
            assert_eq!(Format::of(&format.mark(entry)), *format);
        }
        let error = "rock".parse::<Format>().unwrap_err();
        let names: Vec<&str> = Format::all().map(Format::name).collect();
        assert!(error.to_string().contains(&names.join(", ")), "{error}");
    }
}

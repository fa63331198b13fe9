//! Questions of the publisher: the files of a catalog, and the problems of each file.

#[cfg(feature = "jupdate")]
use super::jupdate;
use super::{About, Format, rockon};
use crate::base::json::Position;
use crate::base::problem::Problem;
use crate::tree::manifest::{Entry, FORMAT};

impl Format {
    /// Returns the source of the files of a catalog with this format.
    pub(crate) fn collection(self) -> Collection {
        match self {
            Format::Rockon => Collection::Listed,
            #[cfg(feature = "jupdate")]
            Format::Jupdate => Collection::Site,
            Format::Files => Collection::Dir,
        }
    }

    /// Checks a file for publishing: like [`read`](super::Rules::read), but finds all problems.
    /// `shown` is the name of the file in problems.
    pub(crate) fn check(self, id: &str, shown: &str, bytes: &[u8]) -> Checked {
        match self {
            Format::Rockon => rockon::check(shown, bytes),
            #[cfg(feature = "jupdate")]
            Format::Jupdate => jupdate::check(id, shown, bytes),
            Format::Files => {
                let named = Named { name: id.to_owned(), position: None };
                let definitions = vec![CheckedDefinition { named, about: About::default() }];
                Checked { definitions, ..Checked::default() }
            }
        }
    }

    /// True if the entry of a file needs the names of its definitions. Without names, an entry of
    /// another format than `rockon` has one definition, with the id as its name.
    pub(crate) fn is_named_inside(self, names: &[String], id: &str) -> bool {
        self == Format::Rockon || names != [id]
    }

    /// Returns the entry with this format.
    pub(crate) fn mark(self, entry: Entry) -> Entry {
        match self {
            Format::Rockon => entry,
            other => entry.with_extra_string(FORMAT, other.name()),
        }
    }
}

/// The source of the files of a catalog.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Collection {
    /// The files of a list.
    Listed,
    /// All files in the catalog directory.
    Dir,
    /// The files of the collections of an update site.
    Site,
}

/// The result of a check.
#[derive(Debug, Default)]
pub(crate) struct Checked {
    pub(crate) definitions: Vec<CheckedDefinition>,
    /// The containers of all definitions. Their names must be unique in a catalog, too.
    pub(crate) containers: Vec<Named>,
    pub(crate) problems: Vec<Problem>,
}

/// A definition, and what it states about itself.
#[derive(Debug)]
pub(crate) struct CheckedDefinition {
    pub(crate) named: Named,
    pub(crate) about: About,
}

/// A name that must be unique in a catalog.
#[derive(Debug, Clone)]
pub(crate) struct Named {
    pub(crate) name: String,
    pub(crate) position: Option<Position>,
}

impl Named {
    /// Returns `file:line:column`.
    pub(crate) fn place(&self, file: &str) -> String {
        match self.position {
            Some(Position { line, column }) => format!("{file}:{line}:{column}"),
            None => file.to_owned(),
        }
    }
}

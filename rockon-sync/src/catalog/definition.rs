//! One definition of the catalog.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::base::digest::Digest;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::files::{RealFiles, read_if_any};
use crate::base::limits::MAX_FILE_BYTES;
use crate::base::time::Timestamp;
use crate::format::target::{Mismatch, Requirements, Target};
use crate::format::{self, Format};
use crate::source::SourceName;

/// One definition of the catalog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    pub(super) name: Box<str>,
    pub(super) format: Format,
    pub(super) revision: Digest,
    pub(super) origin: Origin,
    pub(super) updated: Option<Timestamp>,
    pub(super) requirements: Arc<Requirements>,
    pub(super) formerly: Box<[Box<str>]>,
    pub(super) file: PathBuf,
}

/// The origin of a definition.
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
    /// The directory of local definitions.
    Local,
}

impl Definition {
    /// Returns the name inside the file: the identity of the definition.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the format of the file.
    pub fn format(&self) -> Format {
        self.format
    }

    /// Returns the digest of the file. If it differs, the definition may have changed.
    pub fn revision(&self) -> Digest {
        self.revision
    }

    /// Returns the origin.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Returns the time when the publisher last saw other bytes, if the manifest has it.
    pub fn updated(&self) -> Option<Timestamp> {
        self.updated
    }

    /// True if the publisher saw other bytes at `moment` or later. With the time of an
    /// installation: true if the definition has been updated since. `None` if the manifest has
    /// no time.
    pub fn is_updated_since(&self, moment: Timestamp) -> Option<bool> {
        self.updated.map(|updated| updated >= moment)
    }

    /// Returns the known requirements on a machine.
    pub fn requirements(&self) -> &Requirements {
        &self.requirements
    }

    /// Returns the reasons why the definition does not fit a machine; empty if it fits or if
    /// that is unknown.
    pub fn mismatches(&self, target: &Target) -> Vec<Mismatch> {
        target.mismatches(&self.requirements)
    }

    /// Returns the names under which the definition was published before, newest first.
    pub fn formerly(&self) -> &[Box<str>] {
        &self.formerly
    }

    /// Returns the path of the file.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Returns the definition as it was published: for a Rock-on exactly the JSON object after
    /// its name, otherwise the same as [`bytes`](Self::bytes).
    ///
    /// # Errors
    /// Those of [`bytes`](Self::bytes); [`ErrorKind::Definition`] if it is not UTF-8.
    pub fn text(&self) -> Result<String> {
        String::from_utf8(self.bytes()?).map_err(|error| {
            let at = error.utf8_error().valid_up_to();
            self.invalid(format!("not UTF-8 at byte {at}"))
        })
    }

    /// Returns the definition as it was published: for a Rock-on its part of the file, otherwise
    /// the file.
    ///
    /// # Errors
    /// [`ErrorKind::Store`] if the file cannot be read; [`ErrorKind::Integrity`] if it has
    /// changed since the catalog was read; [`ErrorKind::Definition`] if it does not define the
    /// name.
    pub fn bytes(&self) -> Result<Vec<u8>> {
        let bytes = self.file_bytes()?;
        // The manifest may give the file other names than its id.
        if self.format == Format::Files {
            return Ok(bytes);
        }
        self.read(&bytes, |found| found.text.to_vec())
    }

    /// Returns the properties that the definition states.
    pub(crate) fn about(&self) -> Result<format::About> {
        let bytes = self.file_bytes()?;
        self.read(&bytes, |found| self.format.rules().about(found))
    }

    /// Returns the verified bytes of the file.
    pub(crate) fn file_bytes(&self) -> Result<Vec<u8>> {
        let bytes = read_if_any(&RealFiles, &self.file, MAX_FILE_BYTES)?.ok_or_else(|| {
            Error::new(
                ErrorKind::Store,
                "missing file: an update has replaced this catalog; read it again",
            )
            .with_path(&self.file)
        })?;
        let found = Digest::of(&bytes);
        match found == self.revision {
            true => Ok(bytes),
            false => Err(Error::new(
                ErrorKind::Integrity,
                format!("expected the digest {}, got {found}", self.revision),
            )
            .with_path(&self.file)),
        }
    }

    /// Finds the definition in the bytes of its file, and returns the result of `look`.
    fn read<T>(
        &self,
        bytes: &[u8],
        look: impl FnOnce(&format::RawDefinition<'_>) -> T,
    ) -> Result<T> {
        let id = match &self.origin {
            Origin::Source { id, .. } => id,
            Origin::Local => &self.name,
        };
        let rules = self.format.rules();
        let definitions = rules.read(id, bytes).map_err(|error| error.with_path(&self.file))?;
        let found = definitions.iter().find(|found| *found.name == *self.name);
        found.map(look).ok_or_else(|| self.invalid(format!("no definition named {:?}", self.name)))
    }

    fn invalid(&self, message: String) -> Error {
        Error::new(ErrorKind::Definition, message).with_path(&self.file)
    }
}

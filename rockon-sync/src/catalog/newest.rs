//! The newest release of an extension that fits a machine.

use crate::base::error::{Error, ErrorKind, Result};
use crate::base::version;
use crate::catalog::{Catalog, Definition};
use crate::format::target::{Mismatch, Target};
use crate::format::{Format, Release, releases_of};

/// The updates of the installed extensions.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Updates<'a> {
    /// The updates, in catalog order.
    pub updates: Vec<Update<'a>>,
    /// Installed extensions that are not in the catalog, in byte order. That is no reason to
    /// remove them.
    pub unknown: Vec<String>,
    /// The errors of extensions whose file cannot be read.
    pub problems: Vec<Error>,
}

/// An update of an installed extension.
#[derive(Debug)]
#[non_exhaustive]
pub struct Update<'a> {
    /// The extension.
    pub definition: &'a Definition,
    /// The installed version.
    pub installed: String,
    /// The newest release that fits.
    pub release: Release,
}

impl Definition {
    /// Reads the releases of an extension of a JUpdate site, in the order of its file.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`] for a definition of another format; those of
    /// [`bytes`](Self::bytes).
    pub fn releases(&self) -> Result<Vec<Release>> {
        if self.format() != Format::Jupdate {
            return Err(Error::new(
                ErrorKind::Argument,
                format!("{:?}: expected an extension of a JUpdate site", self.name()),
            ));
        }
        releases_of(self.name(), &self.file_bytes()?).map_err(|error| error.with_path(self.file()))
    }

    /// Reads the newest release of an extension that fits a machine. If none fits, returns the
    /// reasons why the newest of all does not.
    ///
    /// # Errors
    /// Those of [`releases`](Self::releases).
    pub fn newest_release(
        &self,
        target: &Target,
    ) -> Result<std::result::Result<Release, Vec<Mismatch>>> {
        // Newest first. The sort is stable: of equal versions, the first in the file wins.
        let mut releases = self.releases()?;
        releases.sort_by(|a, b| version::compare(&b.version, &a.version));
        let mut mismatches = Vec::new();
        for release in releases {
            let found = release.mismatches(target);
            if found.is_empty() {
                return Ok(Ok(release));
            }
            if mismatches.is_empty() {
                mismatches = found;
            }
        }
        Ok(Err(mismatches))
    }
}

impl Release {
    /// Returns the reasons why the release does not fit a machine; empty if it fits or if that is
    /// unknown.
    pub fn mismatches(&self, target: &Target) -> Vec<Mismatch> {
        let mut found = Vec::new();
        if let Some((name, version)) = target.platform()
            && !self.is_for(name, version)
        {
            let (needs, is) = (self.platforms().collect(), format!("{name} {version}"));
            found.push(Mismatch::Platform { needs, is });
        }
        if let Some(required) = target.stability().filter(|least| self.stability < *least) {
            found.push(Mismatch::Stability { wanted: required, is: self.stability });
        }
        found
    }
}

impl Catalog {
    /// Returns the updates for this machine, given the names and versions of the installed
    /// extensions. Extensions that are not installed are ignored.
    pub fn updates_for<N, V>(
        &self,
        installed: impl IntoIterator<Item = (N, V)>,
        target: &Target,
    ) -> Updates<'_>
    where
        N: AsRef<str>,
        V: AsRef<str>,
    {
        let mut found = Updates::default();
        let mut rows: Vec<(usize, Update<'_>)> = Vec::new();
        for (name, installed) in installed {
            let (name, installed) = (name.as_ref(), installed.as_ref());
            let definition = self.definition(name);
            let Some(definition) = definition.filter(|d| d.format() == Format::Jupdate) else {
                found.unknown.push(name.to_owned());
                continue;
            };
            match definition.newest_release(target) {
                Ok(Ok(release)) if version::compare(&release.version, installed).is_gt() => {
                    let installed = installed.to_owned();
                    let at = self.position(name).unwrap_or_default();
                    rows.push((at, Update { definition, installed, release }));
                }
                Ok(_) => {}
                Err(error) => found.problems.push(error),
            }
        }
        rows.sort_by_key(|(at, _)| *at);
        found.updates = rows.into_iter().map(|(_, update)| update).collect();
        found.unknown.sort();
        found
    }
}

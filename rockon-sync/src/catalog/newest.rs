//! The release of an extension that a machine should have.

use crate::base::error::{Error, ErrorKind, Result};
use crate::base::version;
use crate::catalog::{Catalog, Definition};
use crate::format::target::{Mismatch, Target};
use crate::format::{Format, Release, releases_of};

/// Which of the extensions that are installed have an update.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Updates<'a> {
    /// The updates, in catalog order.
    pub updates: Vec<Update<'a>>,
    /// Extensions that are installed and not in the catalog, in byte order. That is no reason
    /// to remove them.
    pub unknown: Vec<String>,
    /// Extensions whose file could not be read.
    pub problems: Vec<Error>,
}

/// An extension that can be updated.
#[derive(Debug)]
#[non_exhaustive]
pub struct Update<'a> {
    /// The extension.
    pub definition: &'a Definition,
    /// The version that is installed.
    pub installed: String,
    /// The newest release that fits.
    pub release: Release,
}

impl Definition {
    /// The releases of an extension of a JUpdate site, in the order of its file. They are read
    /// from the file.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`] for a definition of another format; those of
    /// [`bytes`](Self::bytes).
    pub fn releases(&self) -> Result<Vec<Release>> {
        if self.format() != Format::Jupdate {
            let message = format!("{:?} is no extension of a JUpdate site", self.name());
            return Err(Error::new(ErrorKind::Argument, message));
        }
        let bytes = self.file_bytes()?;
        releases_of(self.name(), &bytes).map_err(|error| error.with_path(self.file()))
    }

    /// The newest release of an extension that fits a machine; if there is none, why the newest
    /// of all does not.
    ///
    /// # Errors
    /// Those of [`releases`](Self::releases).
    pub fn newest_release(
        &self,
        target: &Target,
    ) -> Result<std::result::Result<Release, Vec<Mismatch>>> {
        // The newest first; of two with one version the one that stands first.
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
    /// Why it is not for a machine; nothing if it is, or if that is not known.
    pub fn mismatches(&self, target: &Target) -> Vec<Mismatch> {
        let mut found = Vec::new();
        if let Some((name, version)) = target.platform()
            && !self.is_for(name, version)
        {
            let (needs, is) = (self.platforms().collect(), format!("{name} {version}"));
            found.push(Mismatch::Platform { needs, is });
        }
        if let Some(wanted) = target.stability().filter(|wanted| self.stability < *wanted) {
            found.push(Mismatch::Stability { wanted, is: self.stability });
        }
        found
    }
}

impl Catalog {
    /// Which of the extensions that are `installed`, name and version, have an update for this
    /// machine. Nothing is said of extensions that are not installed.
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

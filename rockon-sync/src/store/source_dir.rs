//! The reading side of one source.

use std::path::{Path, PathBuf};

use super::generation::is_kept;
use super::{CURRENT, GENERATIONS, Generation, Status};
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::files::{Files, Stat, is_absent, stat_if_any, stat_target_if_any};

/// Most attempts to read a generation that is pruned during the read.
const READ_ATTEMPTS: usize = 8;

/// The directory of one source. Any process may read it at any time.
pub(crate) struct SourceDir<'a> {
    pub(super) files: &'a dyn Files,
    pub(super) dir: PathBuf,
}

impl<'a> SourceDir<'a> {
    pub(super) fn new(files: &'a dyn Files, dir: PathBuf) -> SourceDir<'a> {
        SourceDir { files, dir }
    }

    pub(crate) fn files(&self) -> &'a dyn Files {
        self.files
    }

    pub(crate) fn path(&self) -> &Path {
        &self.dir
    }

    /// Returns the path of the link to the current generation.
    pub(crate) fn current_path(&self) -> PathBuf {
        self.dir.join(CURRENT)
    }

    /// True if the source has a directory.
    ///
    /// # Errors
    /// [`ErrorKind::Store`] if the directory cannot be examined, or if its name leads nowhere
    /// or to something else. The latter happens to a link to an unmounted disk.
    pub(crate) fn exists(&self) -> Result<bool> {
        match stat_target_if_any(self.files, &self.dir)? {
            None => Ok(false),
            Some(stat) if stat.is_dir() => Ok(true),
            Some(_) => Err(Error::new(
                ErrorKind::Store,
                "expected the directory of a source, got something else",
            )
            .with_path(&self.dir)),
        }
    }

    /// Returns the current generation; `None` before the first completed update, and if the
    /// generation was removed by hand.
    ///
    /// # Errors
    /// [`ErrorKind::Store`] if `current` is not a link made by an update, or if the directory
    /// of the source cannot be examined.
    pub(crate) fn current(&self) -> Result<Option<Generation>> {
        let mut missing = None;
        while let Some(generation) = self.linked()? {
            let stat = stat_if_any(self.files, &generation.dir)?;
            if stat.is_some_and(Stat::is_dir) {
                return Ok(Some(generation));
            }
            // Two updates after the link was read have pruned it: the link now leads elsewhere.
            if missing == Some(generation.number) {
                log::warn!("{} is missing", generation.dir.display());
                break;
            }
            missing = Some(generation.number);
        }
        // Without a link nothing was committed yet, unless the directory is out of reach.
        self.exists()?;
        Ok(None)
    }

    /// Returns the generation that `current` names, even if it does not exist.
    fn linked(&self) -> Result<Option<Generation>> {
        let link = self.current_path();
        let target = match self.files.read_link(&link) {
            Ok(target) => target,
            Err(error) if is_absent(&error) => return Ok(None),
            Err(error) => return Err(Error::io("read this link", &link, error)),
        };
        let number = target
            .to_str()
            .and_then(|target| target.strip_prefix(GENERATIONS)?.strip_prefix('/')?.parse().ok())
            .ok_or_else(|| {
                let target = target.display();
                Error::new(
                    ErrorKind::Store,
                    format!(
                        "expected a link to {GENERATIONS}/<number>, got one to {target}; remove \
                         the directory of this source and update again"
                    ),
                )
                .with_path(&link)
            })?;
        Ok(Some(Generation { number, dir: self.dir.join(target) }))
    }

    /// Reads from the current generation. Starts over if two updates pruned or recycled it
    /// meanwhile: a generation that is being pruned may look complete, empty or damaged, so a value
    /// counts only if the generation is still kept afterwards.
    ///
    /// # Errors
    /// Those of `read` on a generation that is still current.
    pub(crate) fn read_current<T>(
        &self,
        mut read: impl FnMut(&Generation) -> Result<T>,
    ) -> Result<Option<T>> {
        for _ in 0..READ_ATTEMPTS {
            let Some(generation) = self.current()? else {
                return Ok(None);
            };
            let value = read(&generation);
            let now = self.linked()?.map(|now| now.number);
            match value {
                Ok(value) if self.is_kept(&generation, now)? => return Ok(Some(value)),
                Err(error) if now == Some(generation.number) => return Err(error),
                _ => {}
            }
        }
        Err(Error::new(ErrorKind::Store, "the catalog is replaced faster than it can be read")
            .with_path(&self.dir))
    }

    /// True if nothing in a generation has changed while `now` became the current one.
    fn is_kept(&self, generation: &Generation, now: Option<u64>) -> Result<bool> {
        let Some(now) = now.filter(|now| is_kept(generation.number, *now)) else {
            return Ok(false);
        };
        // The generation before the current one loses its name before it is recycled.
        Ok(now == generation.number || stat_if_any(self.files, &generation.dir)?.is_some())
    }

    /// Reads the status that the last update saved. A damaged or missing one is empty.
    ///
    /// # Errors
    /// [`ErrorKind::Store`] and [`ErrorKind::Limit`] if it cannot be read.
    pub(crate) fn status(&self) -> Result<Status> {
        Status::load(self.files, &self.dir)
    }
}

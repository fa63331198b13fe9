//! The key lists in a generation (`keys/<n>`), so that it can be served to clients with keys.

use super::{Generation, SourceWriter};
use crate::base::digest::Digest;
use crate::base::error::Result;
use crate::base::files::{Files, list_if_any, read_regular};
use crate::base::limits::MAX_KEY_LIST_BYTES;
use crate::base::path::EntryPath;
use crate::tree::note::{SignedKeyList, list};

/// The differences between the key lists of two generations.
#[derive(Default)]
pub(crate) struct ListDifferences {
    pub(crate) kept: Vec<EntryPath>,
    pub(crate) removed: Vec<EntryPath>,
    /// The new lists, which are in staging.
    pub(crate) placed: Vec<(EntryPath, Digest)>,
}

impl ListDifferences {
    /// True if both generations have the same lists.
    pub(crate) fn is_empty(&self) -> bool {
        self.removed.is_empty() && self.placed.is_empty()
    }
}

impl Generation {
    /// Returns the paths of the key lists, whatever their contents.
    ///
    /// # Errors
    /// [`ErrorKind::Store`](crate::ErrorKind::Store) if their directory cannot be listed.
    pub(crate) fn list_paths(&self, files: &dyn Files) -> Result<Vec<EntryPath>> {
        let dir = self.dir.join(list::DIR);
        let paths = list_if_any(files, &dir)?;
        let paths = paths
            .iter()
            .filter_map(|name| EntryPath::new(format!("{}/{}", list::DIR, name.to_str()?)).ok());
        Ok(paths.filter(|path| list::version_at(path.as_str()).is_some()).collect())
    }

    /// Returns true if the generation has this list, byte for byte.
    ///
    /// # Errors
    /// [`ErrorKind::Store`](crate::ErrorKind::Store) if it cannot be read.
    pub(crate) fn has_list(&self, files: &dyn Files, list: &SignedKeyList) -> Result<bool> {
        let path = list::path_of(list.list().version()).below(&self.dir);
        let found = read_regular(files, &path, MAX_KEY_LIST_BYTES)?;
        Ok(found.is_some_and(|bytes| bytes == list.as_str().as_bytes()))
    }
}

impl SourceWriter<'_> {
    /// Compares the key lists of a generation with those of the next one, and puts the new ones
    /// into staging.
    pub(crate) fn stage_lists(
        &self,
        base: Option<&Generation>,
        lists: &[SignedKeyList],
    ) -> Result<ListDifferences> {
        let mut differences = ListDifferences::default();
        let mut old = match base {
            Some(base) => base.list_paths(self.files)?,
            None => Vec::new(),
        };
        for list in lists {
            let path = list::path_of(list.list().version());
            if let Some(base) = base
                && base.has_list(self.files, list)?
            {
                old.retain(|old| *old != path);
                differences.kept.push(path);
                continue;
            }
            let bytes = list.as_str().as_bytes();
            let digest = Digest::of(bytes);
            self.staging.keep(bytes, digest)?;
            differences.placed.push((path, digest));
        }
        differences.removed = old;
        Ok(differences)
    }
}

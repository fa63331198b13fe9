//! A directory without a list, read as a v1 tree.

use std::path::Path;

use crate::base::error::{Error, ErrorKind, Result};
use crate::base::files::is_absent;
use crate::base::path::EntryPath;
use crate::tree::manifest::{List, ListRow};

/// A list made from the `*.json` files at the top of a directory. Their stems are the ids.
pub(crate) struct BareDirectory {
    pub(crate) listing: List,
    /// An existing file. Fetching it tells whether the directory is reachable.
    pub(crate) probe: EntryPath,
    /// Warnings about files that cannot be entries.
    pub(crate) warnings: Vec<String>,
}

impl BareDirectory {
    /// Lists `dir`. Includes files that cannot be examined: fetching one reports the error, and
    /// the entry keeps its local version.
    ///
    /// # Errors
    /// [`ErrorKind::Transport`] if the directory cannot be listed or none of its files can be
    /// examined; [`ErrorKind::NotFound`] if it has no `*.json` file, which often means that a
    /// share is not mounted.
    pub(crate) fn read(dir: &Path) -> Result<BareDirectory> {
        let mut rows = Vec::new();
        let mut probe = None;
        let mut warnings = Vec::new();
        let mut unreadable = None;
        for entry in std::fs::read_dir(dir).map_err(|error| cannot_list(dir, error))? {
            let entry = entry.map_err(|error| cannot_list(dir, error))?;
            let (path, name) = (entry.path(), entry.file_name());
            let Some(stem) = name.as_encoded_bytes().strip_suffix(b".json") else { continue };
            let mut leave_out = |why: &str| {
                warnings.push(format!("{}: left out: {why}", path.display()));
            };
            let listed = match name.to_str().map(EntryPath::new) {
                // `.json` is a hidden file.
                _ if stem.is_empty() => continue,
                Some(Ok(path)) => path,
                Some(Err(error)) => {
                    leave_out(&error.to_string());
                    continue;
                }
                None => {
                    leave_out("the name is not UTF-8");
                    continue;
                }
            };
            match std::fs::metadata(&path) {
                Ok(metadata) if metadata.is_file() => {
                    probe.get_or_insert_with(|| listed.clone());
                }
                Ok(_) => {
                    leave_out("not a regular file");
                    continue;
                }
                Err(error) => {
                    unreadable.get_or_insert_with(|| {
                        Error::new(ErrorKind::Transport, "cannot examine this file")
                            .with_path(&path)
                            .with_source(error)
                    });
                }
            }
            let id = String::from_utf8_lossy(stem).into_owned();
            rows.push(ListRow { id, path: listed });
        }
        let Some(probe) = probe else {
            return Err(unreadable.unwrap_or_else(|| {
                Error::new(
                    ErrorKind::NotFound,
                    "expected a catalog, found neither root.sha, root.json nor any *.json file",
                )
                .with_path(dir)
            }));
        };
        rows.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(BareDirectory { listing: List::from_rows(rows)?, probe, warnings })
    }
}

fn cannot_list(dir: &Path, error: std::io::Error) -> Error {
    let kind = if is_absent(&error) { ErrorKind::NotFound } else { ErrorKind::Transport };
    Error::new(kind, "cannot list this directory").with_path(dir).with_source(error)
}

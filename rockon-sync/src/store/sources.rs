//! The sources of a store: the list `sources.toml`, the stored data, and their order.

use std::path::PathBuf;
use std::time::Duration;

use super::{SourceWriter, Store};
use crate::base::error::{Error, ErrorKind, IoContext, Result};
use crate::base::files::{
    Files, RealFiles, ensure_dirs, read_if_any, remove_all, try_lock, write_atomically,
};
use crate::base::time::SystemClock;
use crate::net::location::Location;
use crate::source::list::{ListedSource, SourceList};
use crate::source::{Source, SourceName};

const LIST: &str = "sources.toml";

/// Largest list read: a source has about 300 bytes.
const MAX_LIST_BYTES: u64 = 1024 * 1024;

/// The treatment of the data of a source that is removed from the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RemovedData {
    /// Keep the data: its definitions stay in the catalog.
    Keep,
    /// Remove the data: its definitions leave the catalog.
    Remove,
}

/// The sources of a store, highest priority first.
pub(crate) struct Ranking {
    pub(crate) names: Vec<SourceName>,
    /// Sources whose rank cannot be read.
    pub(crate) unknown: Vec<(SourceName, Error)>,
}

impl Store {
    /// Reads `sources.toml`. Returns `None` if the file does not exist.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`] for an invalid file, with the position; [`ErrorKind::Store`];
    /// [`ErrorKind::Limit`].
    pub fn source_list(&self) -> Result<Option<SourceList>> {
        let path = self.source_list_path();
        let Some(bytes) = read_if_any(self.files(), &path, MAX_LIST_BYTES)? else {
            return Ok(None);
        };
        std::str::from_utf8(&bytes)
            .map_err(|_| Error::new(ErrorKind::Argument, "not UTF-8"))
            .and_then(SourceList::parse)
            .map(Some)
            .map_err(|error| error.with_path(path))
    }

    /// Changes `sources.toml`, and creates it if it does not exist. Concurrent edits are
    /// excluded by a lock.
    ///
    /// # Errors
    /// Those of [`source_list`](Self::source_list) and of `edit`; [`ErrorKind::Locked`] while
    /// another process edits the list; [`ErrorKind::Store`]. The file is then unchanged.
    pub fn edit_source_list(&self, edit: impl FnOnce(&mut SourceList) -> Result<()>) -> Result<()> {
        ensure_dirs(&RealFiles, self.dir())?;
        let Some(_lock) = try_lock(self.dir())? else {
            return Err(Error::new(ErrorKind::Locked, "another process edits the list of sources")
                .with_path(self.dir()));
        };
        let mut list = match self.source_list()? {
            Some(list) => list,
            None => SourceList::parse("")?,
        };
        edit(&mut list)?;
        write_atomically(&RealFiles, &self.source_list_path(), list.to_text().as_bytes())
    }

    /// Removes a source from the list and, depending on `data`, its data from the store.
    ///
    /// # Errors
    /// Those of [`edit_source_list`](Self::edit_source_list); [`ErrorKind::NotFound`] if neither
    /// the source nor data to remove exists; [`ErrorKind::Locked`] during an update of the
    /// source.
    pub fn remove_source(&self, name: &SourceName, data: RemovedData) -> Result<()> {
        let removes_data = data == RemovedData::Remove && self.source(name).exists()?;
        // Locked before the list is edited: a running update must prevent both.
        let _writer = removes_data
            .then(|| SourceWriter::open(&RealFiles, self, name, &SystemClock, Duration::ZERO))
            .transpose()?;
        match self.edit_source_list(|list| list.remove(name)) {
            Err(error) if error.kind() == ErrorKind::NotFound && removes_data => {}
            result => result?,
        }
        match removes_data {
            true => self.remove_data(name),
            false => Ok(()),
        }
    }

    /// Removes the directory of a source. A rename to an invalid source name comes first: it
    /// takes effect at once, however long the removal takes.
    fn remove_data(&self, name: &SourceName) -> Result<()> {
        let dir = self.dir().join(name.as_str());
        let leftover = self.dir().join(format!(".removed-{name}"));
        remove_all(&RealFiles, &leftover)?;
        RealFiles.rename(&dir, &leftover).on("remove this directory", &dir)?;
        if let Err(error) = remove_all(&RealFiles, &leftover) {
            log::warn!("source {name} is removed, but some files remain: {}", error.to_chain());
        }
        Ok(())
    }

    /// Returns the sources of an update that names none, highest priority first: the enabled
    /// sources of `sources.toml` with their credentials, or, without that file, those of the
    /// last update. A source that cannot be opened is an error in its position.
    ///
    /// # Errors
    /// Those of [`source_list`](Self::source_list) and
    /// [`remembered_sources`](Self::remembered_sources).
    pub fn followed_sources(&self) -> Result<Vec<(SourceName, Result<Source>)>> {
        let Some(list) = self.source_list()? else {
            let sources = self.remembered_sources()?.into_iter();
            return Ok(sources.map(|source| (source.name().clone(), Ok(source))).collect());
        };
        let enabled = list.sources().iter().filter(|source| source.is_enabled());
        Ok(enabled.map(|source| (source.name().clone(), source.open())).collect())
    }

    /// Returns the sources as of their last update, without credentials, highest priority
    /// first.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if the store does not exist or none of its sources was ever
    /// updated; [`ErrorKind::Store`].
    pub fn remembered_sources(&self) -> Result<Vec<Source>> {
        let mut sources = Vec::new();
        for name in self.sources_by_priority()? {
            let status = self.source(&name).status()?;
            let mut mirrors =
                status.locations.iter().filter_map(|text| text.parse::<Location>().ok());
            if let Some(first) = mirrors.next() {
                sources.push(mirrors.fold(Source::new(name, first), Source::with_mirror));
            }
        }
        if sources.is_empty() {
            return Err(Error::new(
                ErrorKind::NotFound,
                "no source of this store was ever updated",
            )
            .with_path(self.dir()));
        }
        Ok(sources)
    }

    /// Returns the names of the sources that the catalog merges, highest priority first: those
    /// of `sources.toml`; then those that were updated together, in that order; then the others
    /// in reverse byte order. A listed source whose directory is missing counts: the directory
    /// may have been moved.
    ///
    /// # Errors
    /// Those of [`source_list`](Self::source_list) and [`source_names`](Self::source_names);
    /// [`ErrorKind::Store`] if the order of several sources cannot be read.
    pub fn sources_by_priority(&self) -> Result<Vec<SourceName>> {
        let ranking = self.ranking()?;
        match ranking.unknown.into_iter().next() {
            Some((_, error)) => Err(error),
            None => Ok(ranking.names),
        }
    }

    /// Orders the sources like [`sources_by_priority`](Self::sources_by_priority). Sources with
    /// an unreadable rank come last.
    ///
    /// # Errors
    /// Those of [`source_list`](Self::source_list) and [`source_names`](Self::source_names).
    pub(crate) fn ranking(&self) -> Result<Ranking> {
        let list = self.source_list()?;
        let listed = list.iter().flat_map(SourceList::sources).map(ListedSource::name);
        let mut names: Vec<SourceName> = listed.cloned().collect();
        let mut others = self.source_names()?;
        others.retain(|name| !names.contains(name));
        others.reverse();
        let mut unknown = Vec::new();
        let needs_order = others.len() > 1;
        others.sort_by_cached_key(|name| {
            let rank = match self.source(name).status() {
                Ok(status) => status.rank,
                Err(error) => {
                    if needs_order {
                        unknown.push((name.clone(), error));
                    }
                    None
                }
            };
            (rank.is_none(), rank)
        });
        names.append(&mut others);
        Ok(Ranking { names, unknown })
    }

    /// Returns the path of the list. If it is a link, edits replace its target.
    fn source_list_path(&self) -> PathBuf {
        let path = self.dir().join(LIST);
        // A broken link fails when it is opened.
        self.files().resolve(&path).unwrap_or(path)
    }
}

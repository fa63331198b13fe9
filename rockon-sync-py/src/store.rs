//! `Store`.

use std::path::{Path, PathBuf};

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use rockon_sync::{Freshness, MassDelete, Rollback, SourceName, Trust, limits};

use crate::cancel::CancelToken;
use crate::catalog::Catalog;
use crate::convert::{self, detached, parse_seconds};
use crate::run::{self, Job, Work};
use crate::source::{self, Source};

/// A folder that keeps the catalogs of one or more sources.
#[pyclass(frozen, module = "rockon_sync")]
pub(crate) struct Store {
    store: rockon_sync::Store,
}

#[pymethods]
impl Store {
    #[new]
    fn new(folder: PathBuf) -> Self {
        Store { store: rockon_sync::Store::new(folder) }
    }

    /// The folder of the store.
    #[getter]
    fn folder(&self) -> &Path {
        self.store.folder()
    }

    /// The folder of definitions put there by hand, unless a caller names another.
    #[getter]
    fn local_folder(&self) -> PathBuf {
        self.store.local_folder()
    }

    /// Brings the store in step with `source`.
    #[pyo3(signature = (
        source, *, progress = None, cancel = None, timeout = None, lock_timeout = 0.0,
        trust = None, allow_mass_delete = false, allow_rollback = false,
        require_fresh = false,
    ))]
    #[expect(clippy::too_many_arguments, reason = "keyword-only options, as Python has them")]
    fn update<'py>(
        &self,
        source: &Bound<'py, PyAny>,
        progress: Option<Bound<'py, PyAny>>,
        cancel: Option<&CancelToken>,
        timeout: Option<f64>,
        lock_timeout: f64,
        trust: Option<&str>,
        allow_mass_delete: bool,
        allow_rollback: bool,
        require_fresh: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let job = Job {
            work: Work::Update,
            trust: trust.map_or(Ok(Trust::default()), parse_trust)?,
            mass_delete: if allow_mass_delete { MassDelete::Allow } else { MassDelete::Refuse },
            rollback: if allow_rollback { Rollback::Allow } else { Rollback::Refuse },
            freshness: if require_fresh { Freshness::Require } else { Freshness::Warn },
            ..self.job(source, cancel, timeout, lock_timeout)?
        };
        run::run(source.py(), job, progress)
    }

    /// Finds out what `update` would do, without doing it.
    #[pyo3(signature = (
        source, *, progress = None, cancel = None, timeout = None, lock_timeout = 0.0,
    ))]
    fn check<'py>(
        &self,
        source: &Bound<'py, PyAny>,
        progress: Option<Bound<'py, PyAny>>,
        cancel: Option<&CancelToken>,
        timeout: Option<f64>,
        lock_timeout: f64,
    ) -> PyResult<Bound<'py, PyAny>> {
        run::run(source.py(), self.job(source, cancel, timeout, lock_timeout)?, progress)
    }

    /// Brings the store in step with a bundle, without a network. Of `source`, only the name
    /// and the trusted keys count.
    #[pyo3(signature = (
        bundle, *, source = None, progress = None, cancel = None, timeout = None,
        lock_timeout = 0.0, allow_mass_delete = false, allow_rollback = false,
        require_fresh = false,
    ))]
    #[expect(clippy::too_many_arguments, reason = "keyword-only options, as Python has them")]
    fn import_bundle<'py>(
        &self,
        py: Python<'py>,
        bundle: PathBuf,
        source: Option<Bound<'py, PyAny>>,
        progress: Option<Bound<'py, PyAny>>,
        cancel: Option<&CancelToken>,
        timeout: Option<f64>,
        lock_timeout: f64,
        allow_mass_delete: bool,
        allow_rollback: bool,
        require_fresh: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let source = match source {
            Some(source) => source,
            // The default source; a bundle needs no place to ask.
            None => self.store.folder().into_pyobject(py)?.into_any(),
        };
        let job = Job {
            work: Work::Import(bundle),
            mass_delete: if allow_mass_delete { MassDelete::Allow } else { MassDelete::Refuse },
            rollback: if allow_rollback { Rollback::Allow } else { Rollback::Refuse },
            freshness: if require_fresh { Freshness::Require } else { Freshness::Warn },
            ..self.job(&source, cancel, timeout, lock_timeout)?
        };
        run::run(py, job, progress)
    }

    /// Reads the catalog: `sources` by rising priority, by default all as the store ranks them, with the
    /// folder `local` on top, by default the store's own.
    #[pyo3(signature = (*, sources = None, local = None))]
    fn catalog(
        &self,
        py: Python<'_>,
        sources: Option<Vec<String>>,
        local: Option<PathBuf>,
    ) -> PyResult<Catalog> {
        let names: Option<Vec<SourceName>> = match sources {
            Some(names) => {
                let names = names.iter().map(|name| name.parse());
                Some(names.collect::<Result<_, _>>().map_err(|e| convert::error(py, &e))?)
            }
            None => None,
        };
        let catalog = detached(py, || {
            let local = local.unwrap_or_else(|| self.store.local_folder());
            match names {
                Some(names) => self.store.catalog_of(&names, &local),
                None => self.store.catalog_with(&local),
            }
        })?;
        Ok(Catalog { catalog })
    }

    /// What is held of each source, by name.
    fn status<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let found = detached(py, || self.store.status())?;
        convert::rows(py, &found, |status| convert::status(py, status))
    }

    /// Compares every file of every source with its digest. Nothing is changed: an
    /// update with `Trust.DIGEST` repairs what is found.
    fn verify<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let found = detached(py, || self.store.verify())?;
        convert::rows(py, &found, |found| convert::verification(py, found))
    }

    /// The sources as they were at their last update, without credentials.
    fn remembered_sources<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let found = detached(py, || self.store.remembered_sources())?;
        let found = found.into_iter().map(|source| Bound::new(py, Source { source }));
        PyTuple::new(py, found.collect::<PyResult<Vec<_>>>()?)
    }

    /// What an update follows when nobody names anything, with credentials: the enabled sources
    /// of `sources.toml`, or without that file those of the last update; the one with the highest
    /// priority first. Raises what keeps one of them from being opened.
    fn followed_sources<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let found = detached(py, || {
            let followed = self.store.followed_sources()?.into_iter();
            followed.map(|(_, source)| source).collect::<rockon_sync::Result<Vec<_>>>()
        })?;
        let found = found.into_iter().map(|source| Bound::new(py, Source { source }));
        PyTuple::new(py, found.collect::<PyResult<Vec<_>>>()?)
    }

    fn __repr__(&self) -> String {
        format!("Store({:?})", self.store.folder())
    }
}

impl Store {
    /// A check with the default options.
    fn job(
        &self,
        source: &Bound<'_, PyAny>,
        cancel: Option<&CancelToken>,
        timeout: Option<f64>,
        lock_timeout: f64,
    ) -> PyResult<Job> {
        let timeout = timeout.map(|timeout| parse_seconds("timeout", timeout)).transpose()?;
        Ok(Job {
            store: self.store.clone(),
            source: source::of_argument(source)?,
            work: Work::Check,
            trust: Trust::default(),
            mass_delete: MassDelete::default(),
            rollback: Rollback::default(),
            freshness: Freshness::default(),
            timeout: timeout.unwrap_or(limits::UPDATE_TIMEOUT),
            lock_patience: parse_seconds("lock_timeout", lock_timeout)?,
            cancel: cancel.map(|cancel| cancel.token.clone()).unwrap_or_default(),
        })
    }
}

fn parse_trust(text: &str) -> PyResult<Trust> {
    match text {
        "size-and-time" => Ok(Trust::SizeAndTime),
        "digest" => Ok(Trust::Digest),
        "nothing" => Ok(Trust::Nothing),
        _ => {
            let message =
                format!("expected trust to be one of size-and-time, digest, nothing, got {text:?}");
            Err(PyValueError::new_err(message))
        }
    }
}

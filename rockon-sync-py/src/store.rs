//! `Store`.

use std::path::{Path, PathBuf};

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use rockon_sync::{Freshness, MassDelete, Mode, Rollback, SourceName, limits};

use crate::cancel::CancelToken;
use crate::catalog::Catalog;
use crate::convert::{self, detached, parse_seconds};
use crate::run::{self, Job, Work};
use crate::source::{self, Source};

/// A directory with the local copies of one or more sources.
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

    /// The directory of the store.
    #[getter]
    fn folder(&self) -> &Path {
        self.store.dir()
    }

    /// The directory of local definitions that `catalog` uses by default.
    #[getter]
    fn local_folder(&self) -> PathBuf {
        self.store.local_dir()
    }

    /// Updates the store from `source`.
    #[pyo3(signature = (
        source, *, progress = None, cancel = None, timeout = None, lock_timeout = 0.0,
        mode = "quick", allow_mass_delete = false, allow_rollback = false,
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
        mode: &str,
        allow_mass_delete: bool,
        allow_rollback: bool,
        require_fresh: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let job = Job {
            work: Work::Update,
            mode: mode.parse().map_err(|error| convert::error(source.py(), &error))?,
            mass_delete: if allow_mass_delete { MassDelete::Allow } else { MassDelete::Refuse },
            rollback: if allow_rollback { Rollback::Allow } else { Rollback::Refuse },
            freshness: if require_fresh { Freshness::Require } else { Freshness::Warn },
            ..self.job(source, cancel, timeout, lock_timeout)?
        };
        run::run(source.py(), job, progress)
    }

    /// Returns the changes that `update` would make, without making them.
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

    /// Updates the store from a bundle, without a network. Of `source`, only the name and the
    /// trusted keys are used.
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
            // The default source. An import uses no mirror, so any location will do.
            None => self.store.dir().into_pyobject(py)?.into_any(),
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

    /// Opens the catalog. `sources` are ordered from lowest priority; the default is all sources in
    /// the store's order. `local` is the directory of local definitions, which have the highest
    /// priority; the default is the store's own.
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
            let local = local.unwrap_or_else(|| self.store.local_dir());
            match names {
                Some(names) => self.store.catalog_of(&names, &local),
                None => self.store.catalog_with(&local),
            }
        })?;
        Ok(Catalog { catalog })
    }

    /// Returns the status of each source, by name.
    fn status<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let found = detached(py, || self.store.status())?;
        convert::rows(py, &found, |status| convert::status(py, status))
    }

    /// Compares every file of every source with its digest. Changes nothing: an update with
    /// `Mode.VERIFY` repairs the damage.
    fn verify<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let found = detached(py, || self.store.verify())?;
        convert::rows(py, &found, |found| convert::verification(py, found))
    }

    /// The sources at their last update, without credentials.
    fn remembered_sources<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let found = detached(py, || self.store.remembered_sources())?;
        let found = found.into_iter().map(|source| Bound::new(py, Source { source }));
        PyTuple::new(py, found.collect::<PyResult<Vec<_>>>()?)
    }

    /// The sources that an update without arguments uses, with credentials: the enabled sources of
    /// `sources.toml` or, without that file, those of the last update; highest priority first.
    /// Raises the error of a source that cannot be opened.
    fn followed_sources<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let found = detached(py, || {
            let followed = self.store.followed_sources()?.into_iter();
            followed.map(|(_, source)| source).collect::<rockon_sync::Result<Vec<_>>>()
        })?;
        let found = found.into_iter().map(|source| Bound::new(py, Source { source }));
        PyTuple::new(py, found.collect::<PyResult<Vec<_>>>()?)
    }

    fn __repr__(&self) -> String {
        format!("Store({:?})", self.store.dir())
    }
}

impl Store {
    /// Returns a check with the default options.
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
            mode: Mode::default(),
            mass_delete: MassDelete::default(),
            rollback: Rollback::default(),
            freshness: Freshness::default(),
            timeout: timeout.unwrap_or(limits::UPDATE_TIMEOUT),
            lock_patience: parse_seconds("lock_timeout", lock_timeout)?,
            cancel: cancel.map(|cancel| cancel.token.clone()).unwrap_or_default(),
        })
    }
}

//! `Store`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use pyo3::prelude::*;
use pyo3::types::PyTuple;
use rockon_sync::{Freshness, MassDelete, Mode, Report, Rollback, SourceName, Updater};

use crate::cancel::CancelToken;
use crate::catalog::Catalog;
use crate::convert::{self, detached, parse_seconds};
use crate::run::{self, Control};
use crate::source::{self, Source};

/// A directory with the local copies of one or more sources.
///
/// `dir`: the directory. It is created by the first update, nothing is read yet.
#[pyclass(frozen, module = "rockon_sync")]
pub(crate) struct Store {
    store: rockon_sync::Store,
}

#[pymethods]
impl Store {
    #[new]
    fn new(dir: PathBuf) -> Self {
        Store { store: rockon_sync::Store::new(dir) }
    }

    /// The directory of the store.
    #[getter]
    fn dir(&self) -> &Path {
        self.store.dir()
    }

    /// The directory of local definitions that `catalog` uses by default.
    #[getter]
    fn local_dir(&self) -> PathBuf {
        self.store.local_dir()
    }

    /// Updates the store from `source`.
    ///
    /// `source`: a `Source`, a URL with or without `NAME=` in front, or a directory.
    /// `progress`: called with a `Progress` on the calling thread: at most ten times a second, at
    /// every change of phase, and at the end. Its exceptions stop the update and are passed on.
    /// `cancel`: stops the update with `CanceledError` when its `cancel()` is called.
    /// `timeout`: the time limit of the update in seconds, at most a day. A `timeout` of the source
    /// takes precedence.
    /// `lock_timeout`: how long to wait for another update of the same source, in seconds.
    /// `mode`: how much of the local data to check, a `Mode` or its value: "quick" compares sizes
    /// and times, "verify" digests, "full" fetches every file again.
    /// `allow_mass_delete`: True to allow removing more than half of the catalog.
    /// `allow_rollback`: True to accept an older head than the current one.
    /// `require_fresh`: True to refuse an expired head; otherwise it is a warning.
    ///
    /// Returns a `Report`. A file that cannot be fetched is no error, see `Report.failed`.
    ///
    /// Raises `TransportError` if no mirror gave a usable response in time, `IntegrityError` if the
    /// state offered was refused, `ManifestError` if the catalog is invalid, `StoreError` if the
    /// disk fails, `LockedError` if another update still runs after `lock_timeout`, `CanceledError`
    /// after a cancel, and `ValueError` for an invalid argument.
    /// The store then has the state from before, and verified files are kept for the next update.
    /// `KeyboardInterrupt` and exceptions of `progress` may also arrive after the commit.
    #[pyo3(signature = (
        source, *, progress = None, cancel = None, timeout = 300.0, lock_timeout = 0.0,
        mode = "quick", allow_mass_delete = false, allow_rollback = false,
        require_fresh = false,
    ))]
    #[expect(clippy::too_many_arguments, reason = "keyword-only options, as Python has them")]
    fn update<'py>(
        &self,
        source: &Bound<'py, PyAny>,
        progress: Option<Bound<'py, PyAny>>,
        cancel: Option<&CancelToken>,
        timeout: f64,
        lock_timeout: f64,
        mode: &str,
        allow_mass_delete: bool,
        allow_rollback: bool,
        require_fresh: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = source.py();
        let job = Job {
            mode: mode.parse().map_err(|error| convert::error(py, &error))?,
            guards: Guards::new(allow_mass_delete, allow_rollback, require_fresh),
            ..self.job(source, timeout, lock_timeout)?
        };
        job.run(py, progress, cancel, |job, mut updater| updater.run(&job.source))
    }

    /// Returns the changes that `update` would make, without making them.
    ///
    /// `source`: a `Source`, a URL with or without `NAME=` in front, or a directory.
    /// `progress`: called with a `Progress` on the calling thread: at most ten times a second, at
    /// every change of phase, and at the end. Its exceptions stop the check and are passed on.
    /// `cancel`: stops the check with `CanceledError` when its `cancel()` is called.
    /// `timeout`: the time limit of the check in seconds, at most a day. A `timeout` of the source
    /// takes precedence.
    /// `lock_timeout`: how long to wait for another update of the same source, in seconds.
    ///
    /// Returns a `Report`.
    ///
    /// Raises `TransportError` if no mirror gave a usable response in time, `IntegrityError` if the
    /// state offered was refused, `ManifestError` if the catalog is invalid, `StoreError` if the
    /// disk fails, `LockedError` if another update still runs after `lock_timeout`, `CanceledError`
    /// after a cancel, and `ValueError` for an invalid argument.
    #[pyo3(signature = (
        source, *, progress = None, cancel = None, timeout = 300.0, lock_timeout = 0.0,
    ))]
    fn check<'py>(
        &self,
        source: &Bound<'py, PyAny>,
        progress: Option<Bound<'py, PyAny>>,
        cancel: Option<&CancelToken>,
        timeout: f64,
        lock_timeout: f64,
    ) -> PyResult<Bound<'py, PyAny>> {
        let job = self.job(source, timeout, lock_timeout)?;
        job.run(source.py(), progress, cancel, |job, mut updater| updater.check(&job.source))
    }

    /// Updates the store from a bundle, without a network.
    ///
    /// `bundle`: the file of the bundle. Its head is read from beside it.
    /// `source`: like that of `update`, but only the name and the trusted keys are used; by
    /// default, the source "rockstor".
    /// `progress`: called with a `Progress` on the calling thread: at most ten times a second, at
    /// every change of phase, and at the end. Its exceptions stop the import and are passed on.
    /// `cancel`: stops the import with `CanceledError` when its `cancel()` is called.
    /// `timeout`: the time limit of the import in seconds, at most a day. A `timeout` of the source
    /// takes precedence.
    /// `lock_timeout`: how long to wait for another update of the same source, in seconds.
    /// `allow_mass_delete`: True to allow removing more than half of the catalog.
    /// `allow_rollback`: True to accept an older head than the current one.
    /// `require_fresh`: True to refuse an expired head; otherwise it is a warning.
    ///
    /// Returns a `Report`.
    ///
    /// Raises the errors of `update` except `TransportError`, with the same state on disk.
    #[pyo3(signature = (
        bundle, *, source = None, progress = None, cancel = None, timeout = 300.0,
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
        timeout: f64,
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
            guards: Guards::new(allow_mass_delete, allow_rollback, require_fresh),
            ..self.job(&source, timeout, lock_timeout)?
        };
        job.run(py, progress, cancel, move |job, mut updater| {
            updater.import(job.source.name(), &bundle, job.source.trusted_keys())
        })
    }

    /// Opens the catalog. Needs no lock, and no network.
    ///
    /// `sources`: names of sources, lowest priority first; by default, all in the store's order.
    /// `local`: the directory of local definitions, which have the highest priority; by default,
    /// `local_dir`.
    ///
    /// Returns a `Catalog`. Raises `StoreError` if the store does not exist or cannot be read, and
    /// `ValueError` for an invalid name.
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

    /// Returns the `SourceStatus` of each source, by name. Reads no definition files.
    ///
    /// Raises `StoreError` if the store does not exist or cannot be read.
    fn status<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let found = detached(py, || self.store.status())?;
        convert::rows(py, &found, |status| convert::status(py, status))
    }

    /// Compares every file of every source with its digest. Changes nothing: an update with
    /// `Mode.VERIFY` repairs the damage.
    ///
    /// Returns a `Verification` for each source. Raises `StoreError` if the store does not exist or
    /// cannot be read.
    fn verify<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let found = detached(py, || self.store.verify())?;
        convert::rows(py, &found, |found| convert::verification(py, found))
    }

    /// Returns the sources at their last update, without credentials.
    ///
    /// Raises `StoreError` if the store cannot be read.
    fn remembered_sources<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let found = detached(py, || self.store.remembered_sources())?;
        let found = found.into_iter().map(|source| Bound::new(py, Source { source }));
        PyTuple::new(py, found.collect::<PyResult<Vec<_>>>()?)
    }

    /// Returns the sources that the command `update` uses, with credentials: the enabled sources of
    /// `sources.toml` or, without that file, those of the last update; highest priority first.
    ///
    /// Raises `StoreError` if the store cannot be read, and `ValueError` if `sources.toml` is
    /// invalid or a credential is missing.
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
    /// Returns a job with the default options.
    fn job(&self, source: &Bound<'_, PyAny>, timeout: f64, lock_timeout: f64) -> PyResult<Job> {
        Ok(Job {
            store: self.store.clone(),
            source: source::of_argument(source)?,
            mode: Mode::default(),
            guards: Guards::default(),
            timeout: parse_seconds("timeout", timeout)?,
            lock_timeout: parse_seconds("lock_timeout", lock_timeout)?,
        })
    }
}

/// Everything that an update needs, without Python objects.
struct Job {
    store: rockon_sync::Store,
    source: rockon_sync::Source,
    mode: Mode,
    guards: Guards,
    timeout: Duration,
    lock_timeout: Duration,
}

#[derive(Default)]
struct Guards {
    mass_delete: MassDelete,
    rollback: Rollback,
    freshness: Freshness,
}

impl Guards {
    fn new(allow_mass_delete: bool, allow_rollback: bool, require_fresh: bool) -> Self {
        Guards {
            mass_delete: if allow_mass_delete { MassDelete::Allow } else { MassDelete::Refuse },
            rollback: if allow_rollback { Rollback::Allow } else { Rollback::Refuse },
            freshness: if require_fresh { Freshness::Require } else { Freshness::Warn },
        }
    }
}

impl Job {
    fn run<'py>(
        self,
        py: Python<'py>,
        progress: Option<Bound<'py, PyAny>>,
        cancel: Option<&CancelToken>,
        work: impl FnOnce(&Job, Updater<'_>) -> rockon_sync::Result<Report> + Send,
    ) -> PyResult<Bound<'py, PyAny>> {
        let control = Control { progress, cancel: cancel.map(|cancel| &cancel.token) };
        let report = run::run(py, &control, move |stop, progress| {
            let updater = Updater::new(&self.store)
                .mode(self.mode)
                .mass_delete(self.guards.mass_delete)
                .rollback(self.guards.rollback)
                .freshness(self.guards.freshness)
                .timeout(self.timeout)
                .lock_timeout(self.lock_timeout)
                .cancel(stop)
                .progress(progress);
            work(&self, updater)
        })?;
        convert::report(py, &report)
    }
}

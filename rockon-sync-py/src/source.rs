//! `Source`.

use std::collections::BTreeMap;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyString, PyTuple};
use rockon_sync::keys::VerifierKey;
use rockon_sync::{Credentials, Location, SourceName};

use crate::convert::{self, parse_seconds};

/// A named catalog, and the mirrors that serve it.
///
/// Each mirror is a URL or a directory, tried in order. With `trusted_keys`, one of them must have
/// signed the head. `timeout` is the time limit for updates of this source in seconds. `query`,
/// `headers` and `auth`, a user and password, are credentials: they are sent only to the hosts of
/// the source's mirrors, and never appear in messages or files.
#[pyclass(frozen, module = "rockon_sync")]
pub(crate) struct Source {
    pub(crate) source: rockon_sync::Source,
}

#[pymethods]
impl Source {
    #[new]
    #[pyo3(signature = (
        *trees, name = None, trusted_keys = Vec::new(), timeout = None, query = BTreeMap::new(),
        headers = BTreeMap::new(), auth = None
    ))]
    fn new(
        trees: &Bound<'_, PyTuple>,
        name: Option<&str>,
        trusted_keys: Vec<String>,
        timeout: Option<f64>,
        query: BTreeMap<String, String>,
        headers: BTreeMap<String, String>,
        auth: Option<(String, String)>,
    ) -> PyResult<Self> {
        let py = trees.py();
        let name = match name {
            Some(name) => name.parse().map_err(|error| convert::error(py, &error))?,
            None => SourceName::default(),
        };
        let mut trees = trees.iter();
        let Some(first) = trees.next() else {
            return Err(PyValueError::new_err("expected a URL or a folder, got nothing"));
        };
        let mut source = rockon_sync::Source::new(name, location(&first)?);
        for tree in trees {
            source = source.with_mirror(location(&tree)?);
        }
        for key in trusted_keys {
            source = source.trust_key(&key).map_err(|error| convert::error(py, &error))?;
        }
        if let Some(seconds) = timeout {
            source = source.with_timeout(parse_seconds("timeout", seconds)?);
        }
        let opened = || -> rockon_sync::Result<Credentials> {
            let mut credentials = Credentials::new();
            for (name, value) in query {
                credentials = credentials.with_query(name, value);
            }
            for (name, value) in headers {
                credentials = credentials.with_header(&name, value)?;
            }
            match auth {
                Some((user, password)) => credentials.with_password(&user, &password),
                None => Ok(credentials),
            }
        };
        let credentials = opened().map_err(|error| convert::error(py, &error))?;
        Ok(Source { source: source.with_credentials(credentials) })
    }

    /// The name, which is also the name of the source's directory in the store.
    #[getter]
    fn name(&self) -> &str {
        self.source.name().as_str()
    }

    /// The mirrors in the order in which they are tried, without passwords and queries.
    #[getter]
    fn trees<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.source.mirrors().iter().map(Location::to_string))
    }

    /// The keys to trust from the next update on; if empty, those of the last update.
    #[getter]
    fn trusted_keys<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.source.trusted_keys().iter().map(VerifierKey::to_string))
    }

    fn __repr__(&self) -> String {
        let trees: Vec<String> =
            self.source.mirrors().iter().map(|tree| format!("{:?}", tree.to_string())).collect();
        format!("Source({}, name={:?})", trees.join(", "), self.name())
    }
}

/// Returns the source for an argument: a `Source`, `"[NAME=]URL"`, or a directory.
pub(crate) fn of_argument(argument: &Bound<'_, PyAny>) -> PyResult<rockon_sync::Source> {
    if let Ok(source) = argument.cast::<Source>() {
        return Ok(source.get().source.clone());
    }
    if let Ok(text) = argument.cast::<PyString>() {
        let source = text.to_str()?.parse();
        return source.map_err(|error| convert::error(argument.py(), &error));
    }
    Ok(rockon_sync::Source::new(SourceName::default(), location(argument)?))
}

/// Parses a mirror. A string is a URL or a directory; an `os.PathLike` is always a directory.
fn location(argument: &Bound<'_, PyAny>) -> PyResult<Location> {
    match argument.cast::<PyString>() {
        Ok(text) => text.to_str()?.parse().map_err(|error| convert::error(argument.py(), &error)),
        Err(_) => Ok(Location::dir(argument.extract::<std::path::PathBuf>()?)),
    }
}

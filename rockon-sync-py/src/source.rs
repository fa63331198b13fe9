//! `Source`.

use std::collections::BTreeMap;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyString, PyTuple};
use rockon_sync::keys::VerifierKey;
use rockon_sync::{Credentials, Location, SourceName};

use crate::convert::{self, parse_seconds};

/// A named catalog, and the mirrors that serve it. Nothing is read or requested yet.
///
/// `mirrors`: URLs or directories, at least one, tried in this order.
/// `name`: the name of the source; by default, "rockstor".
/// `trusted_keys`: public keys. At least one must have signed the head; if empty, those of the last
/// update are trusted.
/// `timeout`: the time limit of an update of this source in seconds, at most a day, instead of the
/// one given to `Store.update`.
/// `query`, `headers`, `auth` (user and password): credentials. They are sent only to the hosts of
/// the mirrors, and never appear in messages or files.
///
/// Raises `ValueError` for an invalid argument.
#[pyclass(frozen, module = "rockon_sync")]
pub(crate) struct Source {
    pub(crate) source: rockon_sync::Source,
}

#[pymethods]
impl Source {
    #[new]
    #[pyo3(signature = (
        *mirrors, name = "rockstor", trusted_keys = Vec::new(), timeout = None,
        query = BTreeMap::new(), headers = BTreeMap::new(), auth = None
    ), text_signature = "(
        *mirrors, name='rockstor', trusted_keys=(), timeout=None, query={}, headers={}, auth=None)"
    )]
    fn new(
        mirrors: &Bound<'_, PyTuple>,
        name: &str,
        trusted_keys: Vec<String>,
        timeout: Option<f64>,
        query: BTreeMap<String, String>,
        headers: BTreeMap<String, String>,
        auth: Option<(String, String)>,
    ) -> PyResult<Self> {
        let py = mirrors.py();
        let name = name.parse().map_err(|error| convert::error(py, &error))?;
        let mut mirrors = mirrors.iter();
        let Some(first) = mirrors.next() else {
            return Err(PyValueError::new_err("expected a URL or a directory, got nothing"));
        };
        let mut source = rockon_sync::Source::new(name, location(&first)?);
        for mirror in mirrors {
            source = source.with_mirror(location(&mirror)?);
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
    fn mirrors<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.source.mirrors().iter().map(Location::to_string))
    }

    /// The keys to trust from the next update on; if empty, those of the last update.
    #[getter]
    fn trusted_keys<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.source.trusted_keys().iter().map(VerifierKey::to_string))
    }

    fn __repr__(&self) -> String {
        let mirrors = self.source.mirrors();
        let first = convert::quote(&mirrors[0].to_string());
        let more = if mirrors.len() > 1 { ", ..." } else { "" };
        format!("Source({first}{more}, name={:?})", self.name())
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
pub(crate) fn location(argument: &Bound<'_, PyAny>) -> PyResult<Location> {
    match argument.cast::<PyString>() {
        Ok(text) => text.to_str()?.parse().map_err(|error| convert::error(argument.py(), &error)),
        Err(_) => Ok(Location::dir(argument.extract::<std::path::PathBuf>()?)),
    }
}

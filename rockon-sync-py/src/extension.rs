//! Converts releases, updates of extensions and relations to Python objects.

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyTuple};
use rockon_sync::jupdate::{Release, Updates};
use rockon_sync::relations::{Installation, Relations, Target};

use crate::catalog::Definition;
use crate::convert::{self, model, rows};

/// Returns the machine for selecting releases of an extension.
///
/// # Errors
/// `ValueError`.
pub(crate) fn target(
    py: Python<'_>,
    platform: Option<&str>,
    stability: Option<&str>,
) -> PyResult<Target> {
    let target = || -> rockon_sync::Result<Target> {
        let mut target = Target::new();
        if let Some(platform) = platform {
            target = target.with_platform(platform)?;
        }
        match stability {
            Some(stability) => Ok(target.with_stability(stability.parse()?)),
            None => Ok(target),
        }
    };
    target().map_err(|error| convert::error(py, &error))
}

pub(crate) fn release<'py>(py: Python<'py>, release: &Release) -> PyResult<Bound<'py, PyAny>> {
    static CLASS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    static DOWNLOAD: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let downloads = rows(py, &release.downloads, |download| {
        let fields = PyDict::new(py);
        fields.set_item("url", &download.url)?;
        fields.set_item("kind", &download.kind)?;
        fields.set_item("format", &download.format)?;
        model(py, &DOWNLOAD, "Download")?.call((), Some(&fields))
    })?;
    let fields = PyDict::new(py);
    fields.set_item("id", release.id())?;
    fields.set_item("version", &release.version)?;
    fields.set_item("stability", release.stability.name())?;
    fields.set_item("title", &release.title)?;
    fields.set_item("description", &release.description)?;
    fields.set_item("kind", &release.kind)?;
    fields.set_item("element", &release.element)?;
    fields.set_item("client", &release.client)?;
    fields.set_item("folder", &release.folder)?;
    fields.set_item("tags", PyTuple::new(py, &release.tags)?)?;
    fields.set_item("section", &release.section)?;
    fields.set_item("maintainer", &release.maintainer)?;
    fields.set_item("platforms", PyTuple::new(py, release.platforms().collect::<Vec<_>>())?)?;
    fields.set_item("info_url", &release.info_url)?;
    fields.set_item("downloads", downloads)?;
    fields.set_item("checksums", &release.checksums)?;
    fields.set_item("php_minimum", &release.php_minimum)?;
    fields.set_item("relations", relations(py, &release.relations)?)?;
    model(py, &CLASS, "Release")?.call((), Some(&fields))
}

pub(crate) fn relations<'py>(py: Python<'py>, found: &Relations) -> PyResult<Bound<'py, PyAny>> {
    static CLASS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let fields = PyDict::new(py);
    fields.set_item("requires", texts(py, &found.requires)?)?;
    fields.set_item("conflicts", texts(py, &found.conflicts)?)?;
    fields.set_item("replaces", texts(py, &found.replaces)?)?;
    model(py, &CLASS, "Relations")?.call((), Some(&fields))
}

pub(crate) fn updates<'py>(py: Python<'py>, found: &Updates<'_>) -> PyResult<Bound<'py, PyAny>> {
    static CLASS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    static UPDATE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let updates = rows(py, &found.updates, |update| {
        let fields = PyDict::new(py);
        fields.set_item("definition", Definition::from(update.definition.clone()))?;
        fields.set_item("installed", &update.installed)?;
        fields.set_item("release", release(py, &update.release)?)?;
        model(py, &UPDATE, "Update")?.call((), Some(&fields))
    })?;
    let problems = found.problems.iter().map(|problem| convert::error(py, problem).into_value(py));
    let fields = PyDict::new(py);
    fields.set_item("updates", updates)?;
    fields.set_item("unknown", PyTuple::new(py, &found.unknown)?)?;
    fields.set_item("problems", PyTuple::new(py, problems.collect::<Vec<_>>())?)?;
    model(py, &CLASS, "Updates")?.call((), Some(&fields))
}

pub(crate) fn installation<'py>(
    py: Python<'py>,
    found: &Installation<'_>,
) -> PyResult<Bound<'py, PyAny>> {
    static CLASS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    static UNMET: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    static CONFLICT: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let install = rows(py, &found.install, |definition| {
        Ok(Bound::new(py, Definition::from((*definition).clone()))?.into_any())
    })?;
    let unmet = rows(py, &found.unmet, |unmet| {
        let fields = PyDict::new(py);
        fields.set_item("by", &unmet.by)?;
        fields.set_item("requirement", &unmet.requirement)?;
        model(py, &UNMET, "Unmet")?.call((), Some(&fields))
    })?;
    let conflicts = rows(py, &found.conflicts, |conflict| {
        let fields = PyDict::new(py);
        fields.set_item("by", &conflict.by)?;
        fields.set_item("other", &conflict.with)?;
        model(py, &CONFLICT, "Conflict")?.call((), Some(&fields))
    })?;
    let fields = PyDict::new(py);
    fields.set_item("install", install)?;
    fields.set_item("unmet", unmet)?;
    fields.set_item("conflicts", conflicts)?;
    fields.set_item("replaced", PyTuple::new(py, &found.replaced)?)?;
    model(py, &CLASS, "Installation")?.call((), Some(&fields))
}

fn texts<'py>(py: Python<'py>, rows: &[impl ToString]) -> PyResult<Bound<'py, PyTuple>> {
    PyTuple::new(py, rows.iter().map(ToString::to_string))
}

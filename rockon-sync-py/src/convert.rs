//! Converts results of the core to Python objects.
//!
//! The classes are defined in Python, in `_errors.py` and `_model.py`.

use std::path::PathBuf;
use std::time::Duration;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{IntoPyDict, PyDict, PyTuple};
use rockon_sync::inspect::{SourceStatus, Verification};
use rockon_sync::keys::VerifierKey;
use rockon_sync::publish::{PublishOutcome, PublishReport};
use rockon_sync::{Phase, Problem, Progress, Report, Severity, Timestamp};

use crate::logging;

/// Calls the core without the GIL.
///
/// # Errors
/// The core's error, as an exception.
pub(crate) fn detached<T: Send>(
    py: Python<'_>,
    call: impl FnOnce() -> rockon_sync::Result<T> + Send,
) -> PyResult<T> {
    logging::begin(py)?;
    let result = py.detach(call);
    logging::hand_over(py)?;
    result.map_err(|error| self::error(py, &error))
}

/// Returns the exception for an error: a `ValueError` for an invalid argument, otherwise the class
/// that `_errors.py` has for the kind.
pub(crate) fn error(py: Python<'_>, error: &rockon_sync::Error) -> PyErr {
    static OF_KIND: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let create = || {
        let (kind, message, url) = (error.kind().name(), error.to_chain(), error.url());
        let problems = problems(py, error.problems())?;
        let arguments = (kind, message, url, error.path(), error.is_retryable(), problems);
        OF_KIND.import(py, "rockon_sync._errors", "of_kind")?.call1(arguments)
    };
    match create() {
        Ok(exception) => PyErr::from_value(exception),
        Err(error) => error,
    }
}

fn problems<'py>(py: Python<'py>, problems: &[Problem]) -> PyResult<Bound<'py, PyTuple>> {
    static CLASS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let class = model(py, &CLASS, "Problem")?;
    let problem = |problem: &Problem| {
        let fields = PyDict::new(py);
        fields.set_item("is_error", problem.severity == Severity::Error)?;
        fields.set_item("file", &problem.file)?;
        fields.set_item("line", problem.position.map(|position| position.line))?;
        fields.set_item("column", problem.position.map(|position| position.column))?;
        fields.set_item("message", &problem.message)?;
        class.call((), Some(&fields))
    };
    rows(py, problems, problem)
}

/// Returns a time with zone; `None` also for the year 0, which Python cannot represent.
pub(crate) fn datetime(py: Python<'_>, moment: Option<Timestamp>) -> PyResult<Bound<'_, PyAny>> {
    static FROM_UNIX: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    match moment {
        Some(moment) => model(py, &FROM_UNIX, "from_unix")?.call1((moment.as_unix(),)),
        None => Ok(py.None().into_bound(py)),
    }
}

pub(crate) fn report<'py>(py: Python<'py>, report: &Report) -> PyResult<Bound<'py, PyAny>> {
    static CLASS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let failed = report.failed.iter();
    let failed = failed_entries(py, failed.map(|f| (&*f.id, f.kind.name(), &*f.message)))?;
    let fields = PyDict::new(py);
    fields.set_item("source", report.source.as_str())?;
    fields.set_item("outcome", report.outcome.name())?;
    fields.set_item("serial", report.serial)?;
    fields.set_item("manifest", report.manifest.map(|digest| digest.to_string()))?;
    fields.set_item("requests", report.requests)?;
    fields.set_item("bytes_received", report.bytes_received)?;
    fields.set_item("added", PyTuple::new(py, &report.added)?)?;
    fields.set_item("changed", PyTuple::new(py, &report.changed)?)?;
    fields.set_item("removed", PyTuple::new(py, &report.removed)?)?;
    fields.set_item("healed", PyTuple::new(py, &report.healed)?)?;
    fields.set_item("failed", failed)?;
    fields.set_item("warnings", PyTuple::new(py, &report.warnings)?)?;
    fields.set_item("duration", report.duration)?;
    model(py, &CLASS, "Report")?.call((), Some(&fields))
}

pub(crate) fn progress<'py>(py: Python<'py>, progress: &Progress) -> PyResult<Bound<'py, PyAny>> {
    static CLASS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let phase = match progress.phase {
        Phase::Checking => "checking",
        Phase::Committing => "committing",
        _ => "fetching",
    };
    let fields = PyDict::new(py);
    fields.set_item("source", progress.source.as_str())?;
    fields.set_item("phase", phase)?;
    fields.set_item("files_done", progress.files_done)?;
    fields.set_item("files_total", progress.files_total)?;
    fields.set_item("bytes_done", progress.bytes_done)?;
    fields.set_item("bytes_total", progress.bytes_total)?;
    model(py, &CLASS, "Progress")?.call((), Some(&fields))
}

pub(crate) fn status<'py>(py: Python<'py>, status: &SourceStatus) -> PyResult<Bound<'py, PyAny>> {
    static CLASS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    static CURRENT: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let failed = status.failed.iter();
    let failed =
        failed_entries(py, failed.map(|(id, kind, message)| (&**id, &**kind, &**message)))?;
    let current = match &status.current {
        None => None,
        Some(current) => {
            let fields = PyDict::new(py);
            fields.set_item("generation", current.generation)?;
            fields.set_item("serial", current.serial)?;
            fields.set_item("published", datetime(py, current.published)?)?;
            fields.set_item("expires", datetime(py, current.expires)?)?;
            fields.set_item("manifest", current.manifest.map(|digest| digest.to_string()))?;
            fields.set_item("entries", current.entries)?;
            Some(model(py, &CURRENT, "CurrentStatus")?.call((), Some(&fields))?)
        }
    };
    let fields = PyDict::new(py);
    fields.set_item("source", status.name.as_str())?;
    fields.set_item("mirrors", PyTuple::new(py, &status.locations)?)?;
    fields.set_item("checked", datetime(py, status.checked)?)?;
    let keys = status.trusted_keys.iter().map(VerifierKey::to_string);
    fields.set_item("trusted_keys", PyTuple::new(py, keys)?)?;
    fields.set_item("current", current)?;
    fields.set_item("failed", failed)?;
    let error = status.error.as_ref().map(|error| &*error.message);
    fields.set_item("error", error)?;
    model(py, &CLASS, "SourceStatus")?.call((), Some(&fields))
}

pub(crate) fn verification<'py>(
    py: Python<'py>,
    found: &Verification,
) -> PyResult<Bound<'py, PyAny>> {
    static CLASS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let fields = PyDict::new(py);
    fields.set_item("source", found.name.as_str())?;
    fields.set_item("entries", found.entries)?;
    fields.set_item("damaged", PyTuple::new(py, found.damaged.iter().map(PathBuf::as_path))?)?;
    fields.set_item("strays", found.strays)?;
    model(py, &CLASS, "Verification")?.call((), Some(&fields))
}

pub(crate) fn publish_report<'py>(
    py: Python<'py>,
    report: &PublishReport,
) -> PyResult<Bound<'py, PyAny>> {
    static CLASS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let outcome = match report.outcome {
        PublishOutcome::Unchanged => "unchanged",
        _ => "published",
    };
    let fields = PyDict::new(py);
    fields.set_item("outcome", outcome)?;
    fields.set_item("serial", report.serial)?;
    fields.set_item("manifest", report.manifest.to_string())?;
    fields.set_item("head", report.head.as_path())?;
    fields.set_item("entries", report.entries)?;
    fields.set_item("added", PyTuple::new(py, &report.added)?)?;
    fields.set_item("changed", PyTuple::new(py, &report.changed)?)?;
    fields.set_item("removed", PyTuple::new(py, &report.removed)?)?;
    fields.set_item("kept", PyTuple::new(py, &report.kept)?)?;
    fields.set_item("problems", problems(py, &report.problems)?)?;
    model(py, &CLASS, "PublishReport")?.call((), Some(&fields))
}

fn failed_entries<'a, 'py>(
    py: Python<'py>,
    failed: impl Iterator<Item = (&'a str, &'a str, &'a str)>,
) -> PyResult<Bound<'py, PyTuple>> {
    static CLASS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let class = model(py, &CLASS, "FailedEntry")?;
    let entry = |(id, kind, message)| {
        let fields = [("id", id), ("kind", kind), ("message", message)].into_py_dict(py)?;
        class.call((), Some(&fields))
    };
    PyTuple::new(py, failed.map(entry).collect::<PyResult<Vec<_>>>()?)
}

/// Returns a tuple of converted rows.
pub(crate) fn rows<'py, T>(
    py: Python<'py>,
    rows: &[T],
    convert: impl FnMut(&T) -> PyResult<Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyTuple>> {
    PyTuple::new(py, rows.iter().map(convert).collect::<PyResult<Vec<_>>>()?)
}

/// Returns a class or function of `_model.py`.
pub(crate) fn model<'py>(
    py: Python<'py>,
    cell: &'py PyOnceLock<Py<PyAny>>,
    name: &str,
) -> PyResult<&'py Bound<'py, PyAny>> {
    let load = || Ok(PyModule::import(py, "rockon_sync._model")?.getattr(name)?.unbind());
    cell.get_or_try_init(py, load).map(|object| object.bind(py))
}

/// Quotes a text for a `repr`, cut to 60 characters.
pub(crate) fn quote(text: &str) -> String {
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{:?}...", &text[..end]),
        None => format!("{text:?}"),
    }
}

/// Parses a duration in seconds. Longer ones than a day become a day.
pub(crate) fn parse_seconds(what: &str, seconds: f64) -> PyResult<Duration> {
    const DAY_S: f64 = 86_400.0;
    if seconds.is_nan() || seconds < 0.0 {
        let message = format!("expected {what} in seconds, 0 or more, got {seconds}");
        return Err(PyValueError::new_err(message));
    }
    Ok(Duration::from_secs_f64(seconds.min(DAY_S)))
}

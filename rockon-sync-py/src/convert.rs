//! Converts results of the core to Python objects.
//!
//! The classes are defined in Python, in `_errors.py` and `_model.py`.

use std::path::PathBuf;
use std::time::Duration;

use pyo3::IntoPyObjectExt;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyTuple;
use rockon_sync::inspect::{SourceStatus, Verification};
use rockon_sync::keys::{KeyRole, VerifierKey};
use rockon_sync::publish::{PublishOutcome, PublishReport};
use rockon_sync::{Phase, Problem, Progress, Report, Severity, Timestamp};

use crate::logging;

/// Returns an object of a class of `_model.py` with these fields.
macro_rules! object {
    ($py:expr, $class:literal, { $($name:ident: $value:expr),* $(,)? }) => {{
        static CLASS: pyo3::sync::PyOnceLock<Py<PyAny>> = pyo3::sync::PyOnceLock::new();
        let fields = pyo3::types::PyDict::new($py);
        $(fields.set_item(stringify!($name), $value)?;)*
        $crate::convert::model($py, &CLASS, $class)?.call((), Some(&fields))
    }};
}
pub(crate) use object;

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
    let problem = |problem: &Problem| {
        object!(py, "Problem", {
            is_error: problem.severity == Severity::Error,
            file: &problem.file,
            line: problem.position.map(|position| position.line),
            column: problem.position.map(|position| position.column),
            message: &problem.message,
        })
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
    let failed = report.failed.iter();
    let failed = failed_entries(py, failed.map(|f| (&*f.id, f.kind.name(), &*f.message)))?;
    object!(py, "Report", {
        source: report.source.as_str(),
        outcome: report.outcome.name(),
        serial: report.serial,
        manifest: report.manifest.map(|digest| digest.to_string()),
        requests: report.requests,
        bytes_received: report.bytes_received,
        added: PyTuple::new(py, &report.added)?,
        changed: PyTuple::new(py, &report.changed)?,
        removed: PyTuple::new(py, &report.removed)?,
        healed: PyTuple::new(py, &report.healed)?,
        failed: failed,
        warnings: PyTuple::new(py, &report.warnings)?,
        duration: report.duration,
    })
}

pub(crate) fn progress<'py>(py: Python<'py>, progress: &Progress) -> PyResult<Bound<'py, PyAny>> {
    let phase = match progress.phase {
        Phase::Checking => "checking",
        Phase::Committing => "committing",
        _ => "fetching",
    };
    object!(py, "Progress", {
        source: progress.source.as_str(),
        phase: phase,
        files_done: progress.files_done,
        files_total: progress.files_total,
        bytes_done: progress.bytes_done,
        bytes_total: progress.bytes_total,
    })
}

pub(crate) fn status<'py>(py: Python<'py>, status: &SourceStatus) -> PyResult<Bound<'py, PyAny>> {
    let failed = status.failed.iter();
    let failed =
        failed_entries(py, failed.map(|(id, kind, message)| (&**id, &**kind, &**message)))?;
    let current = match &status.current {
        None => None,
        Some(current) => Some(object!(py, "CurrentStatus", {
            generation: current.generation,
            serial: current.serial,
            published: datetime(py, current.published)?,
            expires: datetime(py, current.expires)?,
            manifest: current.manifest.map(|digest| digest.to_string()),
            entries: current.entries,
        })?),
    };
    let key_list = match &status.key_list {
        None => None,
        Some(list) => Some(object!(py, "KeyList", {
            name: list.name(),
            version: list.version(),
            root: key_role(py, list.root())?,
            head: key_role(py, list.head())?,
        })?),
    };
    let keys = status.trusted_keys.iter().map(VerifierKey::to_string);
    object!(py, "SourceStatus", {
        source: status.name.as_str(),
        mirrors: PyTuple::new(py, &status.mirrors)?,
        checked: datetime(py, status.checked)?,
        trusted_keys: PyTuple::new(py, keys)?,
        key_list: key_list,
        current: current,
        failed: failed,
        error: status.error.as_ref().map(|error| &*error.message),
    })
}

fn key_role<'py>(py: Python<'py>, role: &KeyRole) -> PyResult<Bound<'py, PyAny>> {
    object!(py, "KeyRole", {
        keys: PyTuple::new(py, role.keys.iter().map(VerifierKey::to_string))?,
        threshold: role.threshold,
    })
}

pub(crate) fn verification<'py>(
    py: Python<'py>,
    found: &Verification,
) -> PyResult<Bound<'py, PyAny>> {
    object!(py, "Verification", {
        source: found.name.as_str(),
        entries: found.entries,
        damaged: PyTuple::new(py, found.damaged.iter().map(PathBuf::as_path))?,
        strays: found.strays,
        untrusted: found.untrusted.as_deref(),
    })
}

pub(crate) fn publish_report<'py>(
    py: Python<'py>,
    report: &PublishReport,
) -> PyResult<Bound<'py, PyAny>> {
    let outcome = match report.outcome {
        PublishOutcome::Unchanged => "unchanged",
        _ => "published",
    };
    // A path would lose a slash of the URL.
    let head = match report.head.to_str().filter(|head| head.starts_with("s3://")) {
        Some(url) => url.into_bound_py_any(py)?,
        None => report.head.as_path().into_bound_py_any(py)?,
    };
    let renamed = rows(
        py,
        &report.renamed,
        |found| object!(py, "Renamed", { from_: &*found.from, to: &*found.to, id: &*found.id }),
    )?;
    object!(py, "PublishReport", {
        outcome: outcome,
        serial: report.serial,
        manifest: report.manifest.to_string(),
        head: head,
        entries: report.entries,
        added: PyTuple::new(py, &report.added)?,
        changed: PyTuple::new(py, &report.changed)?,
        removed: PyTuple::new(py, &report.removed)?,
        renamed: renamed,
        kept: PyTuple::new(py, &report.kept)?,
        written: PyTuple::new(py, &report.written)?,
        deleted: PyTuple::new(py, &report.deleted)?,
        problems: problems(py, &report.problems)?,
    })
}

fn failed_entries<'a, 'py>(
    py: Python<'py>,
    failed: impl Iterator<Item = (&'a str, &'a str, &'a str)>,
) -> PyResult<Bound<'py, PyTuple>> {
    let entry =
        |(id, kind, message)| object!(py, "FailedEntry", { id: id, kind: kind, message: message });
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

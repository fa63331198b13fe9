//! `publish`, `keygen`, and the command line.

use std::ffi::OsString;
use std::path::PathBuf;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use rockon_sync::keys::SigningKey;
use rockon_sync::publish::{Leniency, Page, Publisher};
use rockon_sync::{MassDelete, Timestamp};

use crate::convert::{self, detached};

/// Publishes a catalog directory, or the update site at a URL, as static files with digests.
#[pyfunction]
#[pyo3(signature = (
    catalog, *, format = "rockon", out = None, in_place = false, url = None, keep = 16, expires_in_days = None,
    published = None, sign_keys = Vec::new(), lenient = false, allow_mass_delete = false,
    page = false,
))]
#[expect(clippy::too_many_arguments, reason = "keyword-only options, as Python has them")]
pub(crate) fn publish<'py>(
    py: Python<'py>,
    catalog: PathBuf,
    format: &str,
    out: Option<PathBuf>,
    in_place: bool,
    url: Option<String>,
    keep: usize,
    expires_in_days: Option<u32>,
    published: Option<Bound<'py, PyAny>>,
    sign_keys: Vec<PathBuf>,
    lenient: bool,
    allow_mass_delete: bool,
    page: bool,
) -> PyResult<Bound<'py, PyAny>> {
    if out.is_some() && in_place {
        return Err(PyValueError::new_err("expected out or in_place, got both"));
    }
    let published = published.map(|moment| to_timestamp(&moment)).transpose()?;
    let report = detached(py, || {
        let mut publisher = Publisher::new(catalog)
            .format(format.parse()?)
            .keep(keep)
            .leniency(if lenient { Leniency::LeaveOut } else { Leniency::Strict })
            .mass_delete(if allow_mass_delete { MassDelete::Allow } else { MassDelete::Refuse })
            .page(if page { Page::Write } else { Page::Omit });
        if let Some(out) = out {
            publisher = publisher.out(out);
        }
        if in_place {
            publisher = publisher.in_place();
        }
        if let Some(url) = url {
            publisher = publisher.url(url);
        }
        if let Some(days) = expires_in_days {
            publisher = publisher.expires_in_days(days);
        }
        if let Some(published) = published {
            publisher = publisher.published(published);
        }
        for file in sign_keys {
            publisher = publisher.sign_key_file(file);
        }
        publisher.run()
    })?;
    convert::publish_report(py, &report)
}

/// Creates a key pair. The private key is written to a new file that only its owner may read, the
/// public key is returned.
#[pyfunction]
pub(crate) fn keygen(py: Python<'_>, name: &str, file: PathBuf) -> PyResult<String> {
    detached(py, || {
        let key = SigningKey::generate(name)?;
        key.write(file)?;
        Ok(key.verifier_key().to_string())
    })
}

/// Runs the command with these arguments, the first being its own name. Returns its exit code.
#[pyfunction]
pub(crate) fn command_line(py: Python<'_>, args: Vec<OsString>) -> u8 {
    py.detach(|| rockon_sync::cli::main(args))
}

/// Converts a `datetime` with a zone, in whole seconds.
fn to_timestamp(moment: &Bound<'_, PyAny>) -> PyResult<Timestamp> {
    if moment.call_method0("utcoffset")?.is_none() {
        return Err(PyValueError::new_err("expected a datetime with a zone, got one without"));
    }
    let seconds: f64 = moment.call_method0("timestamp")?.extract()?;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "whole seconds of four-digit years are exact in a float"
    )]
    let seconds = seconds.floor() as i64;
    Timestamp::from_unix(seconds).map_err(|error| convert::error(moment.py(), &error))
}

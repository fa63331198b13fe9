//! `publish`, `keygen`, and the command line.

use std::ffi::OsString;
use std::path::PathBuf;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use rockon_sync::keys::SigningKey;
use rockon_sync::publish::{Leniency, Page, Publisher};
use rockon_sync::{MassDelete, Timestamp};

use crate::convert::{self, detached};
use crate::run::{self, Control};
use crate::source::location;

/// Publishes a catalog directory, or the update site at a URL, as static files with digests.
///
/// `catalog`: the catalog directory; with the format "jupdate", also the URL of an update site.
/// `format`: a `Format` or its value.
/// `out`: the directory of the tree, or `"s3://BUCKET/PREFIX"`, with the usual `AWS_*` variables of
///   the environment; by default, `v2` in the catalog directory.
/// `in_place`: True to publish into the catalog directory instead.
/// `url`: the URL at which the tree will be served; the page shows it.
/// `keep`: the number of publications that stay available to clients that are not up to date.
/// `expires_in_days`: days until the head expires; by default, never.
/// `published`: the time of publication, a `datetime` with zone; by default, now.
/// `sign_keys`: files with private keys, each of which signs the head.
/// `key_list`: a file with a signed key list to publish from now on; by default, the published one.
/// `previous`: the URL or directory of the published tree to continue: serial, history and old
///   versions are fetched from there; by default, the tree at `out`.
/// `initial`: True to publish for the first time: fails if there is a tree; required if there is no
///   tree at `previous` or in the bucket.
/// `unsigned`: True to publish a signed tree without keys, or to continue an unsigned `previous`
///   tree with keys.
/// `dry_run`: True to write nothing; the report has what would be published, written and deleted.
/// `lenient`: True to publish despite invalid definitions: the last published version is kept.
/// `allow_mass_delete`: True to allow removing more than half of the catalog.
/// `page`: True to write a web page and a feed; False removes those of earlier runs.
/// `page_title`: the title of the page and of its feed; by default, "Catalog".
///
/// Returns a `PublishReport`. Raises `ManifestError` with all `problems` if the catalog is invalid,
/// `IntegrityError` for mass deletion and for a previous tree that is not signed with one of the
/// keys, `TransportError` if an update site or the previous tree cannot be read,
/// `StoreError` if the disk fails or there is no previous tree, `LockedError` if another publication
/// runs, and `ValueError` for an invalid argument. The head is written last: after an error the
/// published catalog is the old one. Ctrl-C stops the reading of an update site; a publication that
/// has begun to write is completed before `KeyboardInterrupt` is raised.
#[pyfunction]
#[pyo3(signature = (
    catalog, *, format = "rockon", out = None, in_place = false, url = None, keep = 16,
    expires_in_days = None, published = None, sign_keys = Vec::new(), key_list = None,
    previous = None, initial = false, unsigned = false, dry_run = false, lenient = false,
    allow_mass_delete = false, page = false, page_title = None,
), text_signature = "(
    catalog, *, format='rockon', out=None, in_place=False, url=None, keep=16, expires_in_days=None,
    published=None, sign_keys=(), key_list=None, previous=None, initial=False, unsigned=False,
    dry_run=False, lenient=False, allow_mass_delete=False, page=False, page_title=None)"
)]
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
    key_list: Option<PathBuf>,
    previous: Option<Bound<'py, PyAny>>,
    initial: bool,
    unsigned: bool,
    dry_run: bool,
    lenient: bool,
    allow_mass_delete: bool,
    page: bool,
    page_title: Option<String>,
) -> PyResult<Bound<'py, PyAny>> {
    if out.is_some() && in_place {
        return Err(PyValueError::new_err("expected out or in_place, got both"));
    }
    let published = published.map(|moment| to_timestamp(&moment)).transpose()?;
    let previous = previous.map(|previous| location(&previous)).transpose()?;
    let report = run::run(py, &Control::default(), move |cancel, _| {
        let mut publisher = Publisher::new(catalog)
            .cancel(cancel)
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
        if let Some(previous) = previous {
            publisher = publisher.previous(previous);
        }
        if initial {
            publisher = publisher.initial();
        }
        if unsigned {
            publisher = publisher.unsigned();
        }
        if dry_run {
            publisher = publisher.dry_run();
        }
        for file in sign_keys {
            publisher = publisher.sign_key_file(file);
        }
        if let Some(title) = page_title {
            publisher = publisher.page_title(title);
        }
        if let Some(file) = key_list {
            publisher = publisher.key_list(file);
        }
        publisher.run()
    })?;
    convert::publish_report(py, &report)
}

/// Creates a key pair, and returns the public key.
///
/// `name`: the name of the key, such as `"example.org/rockons"`.
/// `file`: the new file for the private key, which only its owner may read.
///
/// Raises `ValueError` if the name is invalid, and `StoreError` if the file exists or cannot be
/// written.
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

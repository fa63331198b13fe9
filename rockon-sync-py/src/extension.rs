//! Converts releases, updates of extensions and relations to Python objects.

use pyo3::prelude::*;
use pyo3::types::PyTuple;
use rockon_sync::jupdate::{Release, Updates};
use rockon_sync::relations::{Installation, Relations, Target};

use crate::catalog::Definition;
use crate::convert::{self, object, rows};

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
    let downloads = rows(py, &release.downloads, |download| {
        object!(py, "Download", {
            url: &download.url,
            kind: &download.kind,
            format: &download.format,
        })
    })?;
    object!(py, "Release", {
        id: release.id(),
        version: &release.version,
        stability: release.stability.name(),
        title: &release.title,
        description: &release.description,
        kind: &release.kind,
        element: &release.element,
        client: &release.client,
        folder: &release.folder,
        tags: PyTuple::new(py, &release.tags)?,
        section: &release.section,
        maintainer: &release.maintainer,
        platforms: PyTuple::new(py, release.platforms().collect::<Vec<_>>())?,
        info_url: &release.info_url,
        downloads: downloads,
        checksums: &release.checksums,
        php_minimum: &release.php_minimum,
        relations: relations(py, &release.relations)?,
    })
}

pub(crate) fn relations<'py>(py: Python<'py>, found: &Relations) -> PyResult<Bound<'py, PyAny>> {
    object!(py, "Relations", {
        requires: texts(py, &found.requires)?,
        conflicts: texts(py, &found.conflicts)?,
        replaces: texts(py, &found.replaces)?,
    })
}

pub(crate) fn updates<'py>(py: Python<'py>, found: &Updates<'_>) -> PyResult<Bound<'py, PyAny>> {
    let updates = rows(py, &found.updates, |update| {
        object!(py, "Update", {
            definition: Definition::from(update.definition.clone()),
            installed: &update.installed,
            release: release(py, &update.release)?,
        })
    })?;
    let problems = found.problems.iter().map(|problem| convert::error(py, problem).into_value(py));
    object!(py, "Updates", {
        updates: updates,
        unknown: PyTuple::new(py, &found.unknown)?,
        problems: PyTuple::new(py, problems.collect::<Vec<_>>())?,
    })
}

pub(crate) fn installation<'py>(
    py: Python<'py>,
    found: &Installation<'_>,
) -> PyResult<Bound<'py, PyAny>> {
    let install = rows(py, &found.install, |definition| {
        Ok(Bound::new(py, Definition::from((*definition).clone()))?.into_any())
    })?;
    let unmet = rows(py, &found.unmet, |unmet| {
        object!(py, "Unmet", {
            by: &unmet.by,
            requirement: &unmet.requirement,
        })
    })?;
    let conflicts = rows(py, &found.conflicts, |conflict| {
        object!(py, "Conflict", {
            by: &conflict.by,
            other: &conflict.with,
        })
    })?;
    object!(py, "Installation", {
        install: install,
        unmet: unmet,
        conflicts: conflicts,
        replaced: PyTuple::new(py, &found.replaced)?,
    })
}

fn texts<'py>(py: Python<'py>, rows: &[impl ToString]) -> PyResult<Bound<'py, PyTuple>> {
    PyTuple::new(py, rows.iter().map(ToString::to_string))
}

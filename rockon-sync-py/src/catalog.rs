//! `Catalog` and `Definition`.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use pyo3::exceptions::PyKeyError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyIterator, PyList, PyTuple};
use rockon_sync::relations::Target;
use rockon_sync::{Novelty, Origin};

use crate::convert::{self, detached, model, object};
use crate::extension;

/// The merged definitions of all sources and the local definitions, as a mapping from name to
/// definition in catalog order. Later updates do not change it.
#[pyclass(frozen, mapping, module = "rockon_sync")]
pub(crate) struct Catalog {
    pub(crate) catalog: rockon_sync::Catalog,
}

#[pymethods]
impl Catalog {
    fn __len__(&self) -> usize {
        self.catalog.definitions().len()
    }

    fn __contains__(&self, name: &Bound<'_, PyAny>) -> bool {
        name.extract::<String>().is_ok_and(|name| self.catalog.definition(&name).is_some())
    }

    fn __getitem__(&self, name: &Bound<'_, PyAny>) -> PyResult<Definition> {
        let found = name.extract::<String>().ok();
        let found = found.and_then(|name| self.catalog.definition(&name).cloned());
        found.map(Definition::from).ok_or_else(|| PyKeyError::new_err(name.clone().unbind()))
    }

    fn __iter__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyIterator>> {
        let names = self.catalog.definitions().iter().map(|definition| definition.name());
        PyList::new(py, names)?.try_iter()
    }

    /// Returns the definition with this name, or `default`.
    #[pyo3(signature = (key, default = None, /))]
    fn get<'py>(
        &self,
        py: Python<'py>,
        key: &Bound<'py, PyAny>,
        default: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        match self.__getitem__(key) {
            Ok(definition) => Ok(Some(Bound::new(py, definition)?.into_any())),
            Err(_) => Ok(default),
        }
    }

    /// Returns the names of the definitions, in catalog order.
    fn keys<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        static VIEW: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        VIEW.import(slf.py(), "collections.abc", "KeysView")?.call1((slf,))
    }

    /// Returns the definitions, in catalog order.
    fn values<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        static VIEW: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        VIEW.import(slf.py(), "collections.abc", "ValuesView")?.call1((slf,))
    }

    /// Returns names with their definitions, in catalog order.
    fn items<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        static VIEW: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        VIEW.import(slf.py(), "collections.abc", "ItemsView")?.call1((slf,))
    }

    /// Definitions that are replaced by another one with the same name, lowest priority first.
    #[getter]
    fn hidden<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let hidden = self.catalog.hidden().iter().cloned().map(Definition::from);
        PyTuple::new(py, hidden.map(|hidden| Bound::new(py, hidden)).collect::<PyResult<Vec<_>>>()?)
    }

    /// Errors of files that could not be read as definitions. They are not raised.
    #[getter]
    fn problems<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let problems = self.catalog.problems().iter();
        PyTuple::new(py, problems.map(|problem| convert::error(py, problem).into_value(py)))
    }

    /// Compares the catalog with the revisions that an application has recorded. Reads no file.
    ///
    /// `applied`: a mapping from name to revision. A definition whose revision is `None`, or not a
    /// digest, is applied again.
    ///
    /// Returns `Changes`.
    fn changes_since<'py>(
        &self,
        py: Python<'py>,
        applied: HashMap<String, Option<String>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let applied =
            applied.into_iter().map(|(name, revision)| (name, revision.unwrap_or_default()));
        let changes = self.catalog.changes_since(applied);
        let upserts = convert::rows(py, &changes.upserts, |found| {
            object!(py, "Upsert", {
                definition: Definition::from(found.definition.clone()),
                is_new: found.novelty == Novelty::New,
            })
        })?;
        let renames = convert::rows(
            py,
            &changes.renames,
            |rename| object!(py, "Rename", { from_: &*rename.from, to: rename.to }),
        )?;
        object!(py, "Changes", {
            deletes: PyTuple::new(py, &changes.deletes)?,
            renames: renames,
            upserts: upserts,
            withheld: PyTuple::new(py, &changes.withheld)?,
            reasons: PyTuple::new(py, &changes.reasons)?,
        })
    }

    /// Finds installed extensions that have a newer release suitable for a machine. Reads their
    /// files.
    ///
    /// `installed`: a mapping from name to version.
    /// `platform`: the name and version of the platform, such as `"joomla 5.1"`; by default, any.
    /// `stability`: the lowest accepted stability, a `Stability` or its value; by default, any.
    ///
    /// Returns `Updates`. Files that cannot be read are in its `problems`. Raises `ValueError` for
    /// an invalid argument.
    #[pyo3(signature = (installed, *, platform = None, stability = None))]
    fn updates_for<'py>(
        &self,
        py: Python<'py>,
        installed: BTreeMap<String, String>,
        platform: Option<&str>,
        stability: Option<&str>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let target = extension::target(py, platform, stability)?;
        let found = detached(py, || Ok(self.catalog.updates_for(installed, &target)))?;
        extension::updates(py, &found)
    }

    /// Finds the missing requirements of a definition. Reads the files concerned.
    ///
    /// `name`: the name of the definition.
    /// `installed`: a mapping from name to version; an unknown version is `None`.
    ///
    /// Returns an `Installation`. Raises `StoreError` if no definition has this name, and the
    /// errors of `Definition.read_text`.
    fn installation<'py>(
        &self,
        py: Python<'py>,
        name: &str,
        installed: BTreeMap<String, Option<String>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let found = detached(py, || self.catalog.installation(name, installed))?;
        extension::installation(py, &found)
    }

    fn __repr__(&self) -> String {
        format!("<Catalog of {} definitions>", self.__len__())
    }
}

/// One definition of the catalog.
#[pyclass(frozen, eq, module = "rockon_sync")]
pub(crate) struct Definition {
    definition: rockon_sync::Definition,
}

/// Equal if name, revision and origin are equal, even across generations.
impl PartialEq for Definition {
    fn eq(&self, other: &Self) -> bool {
        let (a, b) = (&self.definition, &other.definition);
        (a.name(), a.revision(), a.origin()) == (b.name(), b.revision(), b.origin())
    }
}

impl From<rockon_sync::Definition> for Definition {
    fn from(definition: rockon_sync::Definition) -> Self {
        Definition { definition }
    }
}

#[pymethods]
impl Definition {
    /// The name inside the file, which identifies the definition.
    #[getter]
    fn name(&self) -> &str {
        self.definition.name()
    }

    /// The format of the file.
    #[getter]
    fn format<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        static CLASS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        model(py, &CLASS, "Format")?.call1((self.definition.format().name(),))
    }

    /// The digest of the file, 64 hexadecimal digits, for applications to record.
    #[getter]
    fn revision(&self) -> String {
        self.definition.revision().to_string()
    }

    /// The name of the definition's source; `None` for a local definition.
    #[getter]
    fn source(&self) -> Option<&str> {
        match self.definition.origin() {
            Origin::Source { name, .. } => Some(name.as_str()),
            _ => None,
        }
    }

    /// The id of the definition's entry in its source; `None` for a local definition.
    #[getter]
    fn entry_id(&self) -> Option<&str> {
        match self.definition.origin() {
            Origin::Source { id, .. } => Some(id),
            _ => None,
        }
    }

    /// The time of the last change in UTC, if the manifest has it.
    #[getter]
    fn updated<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        convert::datetime(py, self.definition.updated())
    }

    /// The architectures that the definition is available for, as container images name them;
    /// `None` if unknown.
    #[getter]
    fn arch<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyTuple>>> {
        let arch = self.definition.requirements().arch();
        arch.map(|names| PyTuple::new(py, names.iter().map(|name| &**name))).transpose()
    }

    /// The oldest suitable version of the system, if known.
    #[getter]
    fn min_version(&self) -> Option<&str> {
        self.definition.requirements().min_version()
    }

    /// The names under which the definition was published before, newest first.
    #[getter]
    fn formerly<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.definition.formerly().iter().map(|name| &**name))
    }

    /// Returns the reasons why the definition does not suit a machine, one sentence each; empty if
    /// it does, or if that is unknown. Reads no file.
    ///
    /// `arch`: the architecture, such as `"arm64"`; by default, any.
    /// `version`: the version of the system; by default, any.
    ///
    /// Raises `ValueError` for an invalid argument.
    #[pyo3(signature = (*, arch = None, version = None))]
    fn mismatches<'py>(
        &self,
        py: Python<'py>,
        arch: Option<&str>,
        version: Option<&str>,
    ) -> PyResult<Bound<'py, PyTuple>> {
        let target = || -> rockon_sync::Result<Target> {
            let mut target = Target::new();
            if let Some(arch) = arch {
                target = target.with_arch(arch)?;
            }
            match version {
                Some(version) => target.with_version(version),
                None => Ok(target),
            }
        };
        let target = target().map_err(|error| convert::error(py, &error))?;
        let found = self.definition.mismatches(&target);
        PyTuple::new(py, found.iter().map(ToString::to_string))
    }

    /// The file of the definition.
    #[getter]
    fn file(&self) -> &Path {
        self.definition.file()
    }

    /// Reads the definition's text, unchanged.
    ///
    /// Raises `StoreError` if the file cannot be read, `IntegrityError` if it has changed since the
    /// catalog was opened, and `ManifestError` if it is not UTF-8.
    fn read_text(&self, py: Python<'_>) -> PyResult<String> {
        detached(py, || self.definition.text())
    }

    /// Reads the definition's bytes, unchanged: of a Rock-on the part of the file that `read_text`
    /// returns, of other formats the file.
    ///
    /// Raises `StoreError` if the file cannot be read, and `IntegrityError` if it has changed since
    /// the catalog was opened.
    fn read_bytes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        Ok(PyBytes::new(py, &detached(py, || self.definition.bytes())?))
    }

    /// Reads the text and parses it like `json.loads`, with objects in the order of the text.
    ///
    /// Raises the errors of `read_text`, and `ValueError` if the text is not JSON.
    fn load<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        static LOADS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        LOADS.import(py, "json", "loads")?.call1((self.read_text(py)?,))
    }

    /// Reads the version from the file; `None` if the definition has none.
    ///
    /// Raises the errors of `read_text`.
    fn read_version(&self, py: Python<'_>) -> PyResult<Option<String>> {
        detached(py, || self.definition.version())
    }

    /// Reads the relations to other definitions from the file.
    ///
    /// Raises the errors of `read_text`.
    fn read_relations<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        extension::relations(py, &detached(py, || self.definition.relations())?)
    }

    /// Reads the releases of an extension from the file, in the order of the file.
    ///
    /// Raises `ValueError` for a definition of another format, and the errors of `read_text`.
    fn read_releases<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let found = detached(py, || self.definition.releases())?;
        let found = found.iter().map(|release| extension::release(py, release));
        PyList::new(py, found.collect::<PyResult<Vec<_>>>()?)
    }

    /// Reads the newest release of an extension that suits a machine; `None` if there is none.
    ///
    /// `platform`: the name and version of the platform, such as `"joomla 5.1"`; by default, any.
    /// `stability`: the lowest accepted stability, a `Stability` or its value; by default, any.
    ///
    /// Raises `ValueError` for an invalid argument or a definition of another format, and the
    /// errors of `read_text`.
    #[pyo3(signature = (*, platform = None, stability = None))]
    fn read_newest_release<'py>(
        &self,
        py: Python<'py>,
        platform: Option<&str>,
        stability: Option<&str>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let target = extension::target(py, platform, stability)?;
        let found = detached(py, || self.definition.newest_release(&target))?;
        found.ok().map(|release| extension::release(py, &release)).transpose()
    }

    fn __hash__(&self) -> u64 {
        // A digest is uniformly distributed, so its first bytes are a good hash.
        let bytes = self.definition.revision().as_bytes().first_chunk().copied();
        u64::from_le_bytes(bytes.unwrap_or_default())
    }

    fn __repr__(&self) -> String {
        format!("<Definition {} {:.12}>", convert::quote(self.name()), self.revision())
    }
}

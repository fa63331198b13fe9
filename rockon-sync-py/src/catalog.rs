//! `Catalog` and `Definition`.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use pyo3::exceptions::PyKeyError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyDict, PyIterator, PyList, PyTuple};
use rockon_sync::{Novelty, Origin, Target};

use crate::convert::{self, detached, model};
use crate::extension;

/// The merged view of all sources and the local folder, as it was when it was read:
/// a mapping from the name of each definition to the definition, in catalog order.
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

    /// The definition of this name, or `default`.
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

    /// The names of the definitions, in catalog order.
    fn keys<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        static VIEW: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        VIEW.import(slf.py(), "collections.abc", "KeysView")?.call1((slf,))
    }

    /// The definitions, in catalog order.
    fn values<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        static VIEW: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        VIEW.import(slf.py(), "collections.abc", "ValuesView")?.call1((slf,))
    }

    /// Names with their definitions, in catalog order.
    fn items<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        static VIEW: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        VIEW.import(slf.py(), "collections.abc", "ItemsView")?.call1((slf,))
    }

    /// Definitions that another one of the same name hides, lowest priority first.
    #[getter]
    fn hidden<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let hidden = self.catalog.hidden().iter().cloned().map(Definition::from);
        PyTuple::new(py, hidden.map(|hidden| Bound::new(py, hidden)).collect::<PyResult<Vec<_>>>()?)
    }

    /// Why files could not be read as definitions: exceptions, not raised.
    #[getter]
    fn problems<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let problems = self.catalog.problems().iter();
        PyTuple::new(py, problems.map(|problem| convert::error(py, problem).into_value(py)))
    }

    /// What an application must delete and apply, given the revision that it has
    /// recorded for each name. A revision of `None`, or any other text that is none,
    /// means that the definition is to be applied again.
    fn changes_since<'py>(
        &self,
        py: Python<'py>,
        applied: HashMap<String, Option<String>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        static CHANGES: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        static UPSERT: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        let applied =
            applied.into_iter().map(|(name, revision)| (name, revision.unwrap_or_default()));
        let changes = self.catalog.changes_since(applied);
        let upsert = model(py, &UPSERT, "Upsert")?;
        let upserts = convert::rows(py, &changes.upserts, |found| {
            let fields = PyDict::new(py);
            fields.set_item("definition", Definition::from(found.definition.clone()))?;
            fields.set_item("is_new", found.novelty == Novelty::New)?;
            upsert.call((), Some(&fields))
        })?;
        let fields = PyDict::new(py);
        fields.set_item("deletes", PyTuple::new(py, &changes.deletes)?)?;
        fields.set_item("upserts", upserts)?;
        fields.set_item("withheld", PyTuple::new(py, &changes.withheld)?)?;
        fields.set_item("reasons", PyTuple::new(py, &changes.reasons)?)?;
        model(py, &CHANGES, "Changes")?.call((), Some(&fields))
    }

    /// Which of the extensions that are installed, name to version, have a newer release that
    /// fits a machine: `platform` is its name and version, `"joomla 5.1"`, `stability` the
    /// least that will do.
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

    /// What is missing to install the definition `name` where something is installed already,
    /// name to version. A version that is not known is `None`. Raises `StoreError` if there is
    /// no such definition.
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

/// The same definition from the same place is equal, whichever generation it was read from.
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
    /// The name inside the file: the identity of the definition.
    #[getter]
    fn name(&self) -> &str {
        self.definition.name()
    }

    /// The format of its file.
    #[getter]
    fn format<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        static CLASS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        model(py, &CLASS, "Format")?.call1((self.definition.format().name(),))
    }

    /// The digest of the file, 64 hexadecimal digits: what an application records.
    #[getter]
    fn revision(&self) -> String {
        self.definition.revision().to_string()
    }

    /// The source that it comes from; `None` if it is from the local folder.
    #[getter]
    fn source(&self) -> Option<&str> {
        match self.definition.origin() {
            Origin::Source { name, .. } => Some(name.as_str()),
            _ => None,
        }
    }

    /// The id of its entry in that source; `None` if it is from the local folder.
    #[getter]
    fn entry_id(&self) -> Option<&str> {
        match self.definition.origin() {
            Origin::Source { id, .. } => Some(id),
            _ => None,
        }
    }

    /// When the publisher last saw other bytes, in UTC, if the source says.
    #[getter]
    fn updated<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        convert::datetime(py, self.definition.updated())
    }

    /// The architectures that it is available for, as container images name them; `None` if
    /// that is not known.
    #[getter]
    fn arch<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyTuple>>> {
        let arch = self.definition.requirements().arch();
        arch.map(|names| PyTuple::new(py, names.iter().map(|name| &**name))).transpose()
    }

    /// The first version of the system that will do, if that is known.
    #[getter]
    fn min_version(&self) -> Option<&str> {
        self.definition.requirements().min_version()
    }

    /// Why it does not fit a machine, a sentence each; empty if it does, or if that is not
    /// known.
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

    /// The file that has it.
    #[getter]
    fn file(&self) -> &Path {
        self.definition.file()
    }

    /// The definition as it was published, to the letter. Read from the file each time:
    /// raises `StoreError` or `IntegrityError` if that is no longer what it was.
    #[getter]
    fn text(&self, py: Python<'_>) -> PyResult<String> {
        detached(py, || self.definition.text())
    }

    /// The text as `json.loads` reads it, objects in the order of the text; a new value
    /// each time.
    #[getter]
    fn parsed<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        static LOADS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        LOADS.import(py, "json", "loads")?.call1((self.text(py)?,))
    }

    /// The definition as it was published: of a Rock-on the bytes of `text`, of other formats
    /// those of the file. Read each time, and raises as `text` does.
    fn bytes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        Ok(PyBytes::new(py, &detached(py, || self.definition.bytes())?))
    }

    /// The version that it states, if it does. Read from the file each time.
    #[getter]
    fn version(&self, py: Python<'_>) -> PyResult<Option<String>> {
        detached(py, || self.definition.version())
    }

    /// What it says of other definitions. Read from the file each time.
    #[getter]
    fn relations<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        extension::relations(py, &detached(py, || self.definition.relations())?)
    }

    /// The releases of an extension, in the order of its file, which is read each time. Raises
    /// `ValueError` for a definition of another format.
    fn releases<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let found = detached(py, || self.definition.releases())?;
        let found = found.iter().map(|release| extension::release(py, release));
        PyList::new(py, found.collect::<PyResult<Vec<_>>>()?)
    }

    /// The newest release of an extension that fits a machine, as `Catalog.updates_for`
    /// describes it; `None` if there is none.
    #[pyo3(signature = (*, platform = None, stability = None))]
    fn newest_release<'py>(
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
        // The first bytes of a digest are as good as any hash.
        let bytes = self.definition.revision().as_bytes().first_chunk().copied();
        u64::from_le_bytes(bytes.unwrap_or_default())
    }

    fn __repr__(&self) -> String {
        format!("<Definition {:?} {:.12}>", self.name(), self.revision())
    }
}

//! The compiled half of the Python package `rockon_sync`.
//!
//! Every body converts its arguments, releases the GIL, calls the core, and converts the result.
//! Exceptions and reports need no Rust: they are plain classes in `python/rockon_sync/`,
//! constructed from here by name.
//!
//! | file | contents |
//! |---|---|
//! | `store.rs` | `Store`: its methods |
//! | `run.rs` | a call of the core on its own thread, while the caller's thread waits |
//! | `source.rs`, `catalog.rs`, `cancel.rs` | the classes with these names |
//! | `publish.rs` | `publish`, `keygen`, and the command line |
//! | `convert.rs` | conversion of errors and reports |
//! | `extension.rs` | conversion of releases, updates of extensions, and relations |
//! | `logging.rs` | log records for `logging` |
#![deny(unsafe_code)]

mod cancel;
mod catalog;
mod convert;
mod extension;
mod logging;
mod publish;
mod run;
mod source;
mod store;

#[pyo3::pymodule]
mod _core {
    use pyo3::exceptions::PyImportError;
    use pyo3::prelude::*;
    use pyo3::types::IntoPyDict;

    #[pymodule_export]
    use crate::cancel::CancelToken;
    #[pymodule_export]
    use crate::catalog::{Catalog, Definition};
    #[pymodule_export]
    use crate::publish::{command_line, keygen, publish};
    #[pymodule_export]
    use crate::source::Source;
    #[pymodule_export]
    use crate::store::Store;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        let py = module.py();
        // Newer versions of Python check this, 3.11 does not. Objects cached for the process would
        // be used in the wrong interpreter.
        if interpreter_id() != 0 {
            return Err(PyImportError::new_err("rockon_sync does not support sub-interpreters"));
        }
        let after_fork = pyo3::wrap_pyfunction!(crate::logging::after_fork_in_child, module)?;
        let hooks = [("after_in_child", after_fork)].into_py_dict(py)?;
        py.import("os")?.call_method("register_at_fork", (), Some(&hooks))?;
        module.add("__version__", env!("CARGO_PKG_VERSION"))?;
        // All kinds, so that a test can check that the Python side is complete.
        let kinds = rockon_sync::ErrorKind::ALL.iter().map(|kind| kind.name());
        module.add("ERROR_KINDS", pyo3::types::PyTuple::new(py, kinds)?)
    }

    /// Returns the id of the current interpreter: 0 for the main one, -1 on failure.
    #[expect(unsafe_code, reason = "PyO3 has no safe function for it")]
    fn interpreter_id() -> i64 {
        // SAFETY: the current thread has a Python thread state.
        let current = unsafe { pyo3::ffi::PyInterpreterState_Get() };
        // SAFETY: the pointer is that of a live interpreter.
        unsafe { pyo3::ffi::PyInterpreterState_GetID(current) }
    }
}

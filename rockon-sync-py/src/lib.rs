//! The compiled half of the Python package `rockon_sync`.
//!
//! Every body converts its arguments, releases the GIL, calls the core, and converts the result.
//! Exceptions and reports need no Rust: they are plain classes in `python/rockon_sync/`,
//! constructed from here by name.
//!
//! | file | contents |
//! |---|---|
//! | `store.rs` | `Store`: its methods |
//! | `run.rs` | an update on its own thread, while the caller's thread waits |
//! | `source.rs`, `catalog.rs`, `cancel.rs` | the classes with these names |
//! | `publish.rs` | `publish`, `keygen`, and the command line |
//! | `convert.rs` | conversion of errors and reports |
//! | `extension.rs` | conversion of releases, updates of extensions, and relations |
//! | `logging.rs` | log records for `logging` |
#![forbid(unsafe_code)]

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
    use pyo3::prelude::*;

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
        module.add("__version__", env!("CARGO_PKG_VERSION"))?;
        // All kinds, so that a test can check that the Python side is complete.
        let kinds = rockon_sync::ErrorKind::ALL.iter().map(|kind| kind.name());
        module.add("ERROR_KINDS", pyo3::types::PyTuple::new(module.py(), kinds)?)
    }
}

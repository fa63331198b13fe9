//! The compiled half of the Python package `rockon_sync`.
//!
//! Every body converts its arguments, lets go of the GIL, calls the core, and converts
//! the answer. What needs no Rust is Python: exceptions and reports are plain classes
//! in `python/rockon_sync/`, made from here by name.
//!
//! | file | does |
//! |---|---|
//! | `store.rs` | `Store`: its methods |
//! | `run.rs` | an update on a thread of its own, the caller's thread waiting for it |
//! | `source.rs`, `catalog.rs`, `cancel.rs` | the classes of these names |
//! | `publish.rs` | `publish`, `keygen`, and the command line |
//! | `convert.rs` | errors and reports become Python objects |
//! | `extension.rs` | the same for releases, updates of extensions, and relations |
//! | `logging.rs` | log records reach `logging` |
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
        // The table of kinds, from which a test proves that the Python side has them all.
        let kinds = rockon_sync::ErrorKind::ALL.iter().map(|kind| kind.name());
        module.add("ERROR_KINDS", pyo3::types::PyTuple::new(module.py(), kinds)?)
    }
}

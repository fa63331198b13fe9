//! `CancelToken`.

use pyo3::prelude::*;

/// Stops an update from another thread: pass it to the update, then call `cancel()`.
///
/// A token stays canceled, so use a new one for each update.
#[pyclass(frozen, module = "rockon_sync")]
#[derive(Default)]
pub(crate) struct CancelToken {
    pub(crate) token: rockon_sync::CancelToken,
}

#[pymethods]
impl CancelToken {
    #[new]
    fn new() -> Self {
        Self::default()
    }

    /// Stops the update. May be called from any thread, any number of times.
    fn cancel(&self) {
        self.token.cancel();
    }

    /// True if `cancel()` was called.
    #[getter]
    fn is_canceled(&self) -> bool {
        self.token.is_canceled()
    }

    fn __repr__(&self) -> String {
        let state = if self.token.is_canceled() { "canceled" } else { "not canceled" };
        format!("<CancelToken {state}>")
    }
}

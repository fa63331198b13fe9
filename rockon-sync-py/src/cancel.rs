//! `CancelToken`.

use pyo3::prelude::*;

/// Stops an update from another thread: hand it to the update, call `cancel()`.
///
/// A token is for one update: it stays canceled.
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

    /// Asks the update to stop; from any thread, any number of times.
    fn cancel(&self) {
        self.token.cancel();
    }

    /// Whether `cancel()` was called.
    #[getter]
    fn is_canceled(&self) -> bool {
        self.token.is_canceled()
    }

    fn __repr__(&self) -> String {
        let state = if self.token.is_canceled() { "canceled" } else { "not canceled" };
        format!("<CancelToken {state}>")
    }
}

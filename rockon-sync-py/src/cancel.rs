//! `CancelToken`.

use pyo3::prelude::*;

/// Stops calls from another thread: pass it to them, then call `cancel()`.
///
/// One token may be passed to several calls, and stops all of them. A canceled token stays
/// canceled: calls that get it later raise `CanceledError` at once, so use a new one to try again.
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

    /// Stops the calls that have this token. May be called from any thread, any number of times.
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

//! Stopping a run from another thread.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::base::error::{Error, ErrorKind, Result};

/// A flag that stops a run: clone it, hand one to the run, call [`cancel`] on the other.
///
/// It is looked at between chunks, during waits, and last before the commit; the
/// run then ends with [`ErrorKind::Canceled`], the store as it was before, and
/// what was fetched and verified kept for the next run.
///
/// [`cancel`]: CancelToken::cancel
#[derive(Debug, Clone, Default)]
pub struct CancelToken(Arc<AtomicBool>);

impl CancelToken {
    /// A token that nobody has canceled yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks the run to stop; from any thread, any number of times.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether [`cancel`](Self::cancel) has been called.
    pub fn is_canceled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    pub(crate) fn check(&self) -> Result<()> {
        if self.is_canceled() {
            Err(Error::new(ErrorKind::Canceled, "canceled by the caller"))
        } else {
            Ok(())
        }
    }
}

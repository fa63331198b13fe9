//! A flag that stops an update from another thread.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::base::error::{Error, ErrorKind, Result};

/// A flag that stops an update: pass a clone to the update and call [`cancel`] on the other.
///
/// An update checks it between chunks, during waits, and last before the commit. Within a second,
/// whatever a server does, it fails with [`ErrorKind::Canceled`]: the store is unchanged, and the
/// files that were fetched and verified are kept for the next run.
///
/// [`cancel`]: CancelToken::cancel
#[derive(Debug, Clone, Default)]
pub struct CancelToken(Arc<AtomicBool>);

impl CancelToken {
    /// Returns a token that is not canceled.
    pub fn new() -> Self {
        Self::default()
    }

    /// Requests the stop. May be called from any thread, and repeatedly.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// True if [`cancel`](Self::cancel) has been called.
    pub fn is_canceled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Fails with [`ErrorKind::Canceled`] if the stop was requested.
    pub(crate) fn check(&self) -> Result<()> {
        if self.is_canceled() {
            Err(Error::new(ErrorKind::Canceled, "canceled by the caller"))
        } else {
            Ok(())
        }
    }
}

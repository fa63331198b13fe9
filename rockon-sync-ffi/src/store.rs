//! Stores.

use std::ffi::c_char;
use std::mem::MaybeUninit;

use crate::boundary::{guarded, path, required, run};
use crate::error::Error;
use crate::status::Status;

/// A directory with the local copies of one or more sources. Several handles and processes may use
/// the same directory. Readers need no lock. Of two updates of the same source, the second waits for
/// the lock timeout, then fails with LOCKED.
pub struct Store {
    pub(crate) store: rockon_sync_core::Store,
}

/// Opens the store in a directory. Reads and creates nothing: an update creates missing files.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rockon_sync_store_open(
    dir: *const c_char,
    store: Option<&mut MaybeUninit<Box<Store>>>,
    error: Option<&mut MaybeUninit<*mut Error>>,
) -> Status {
    run(error, || {
        // SAFETY: the header requires a string.
        let dir = unsafe { path(dir, "dir") }?;
        let store = required(store, "store")?;
        store.write(Box::new(Store { store: rockon_sync_core::Store::new(dir) }));
        Ok(())
    })
}

/// Results that came from the store stay usable.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_store_free(store: Option<Box<Store>>) {
    let _ = guarded(|| drop(store));
}

//! Stores.

use std::ffi::c_char;
use std::mem::MaybeUninit;

use crate::boundary::{free, required, run, text};
use crate::error::Error;

/// A directory with the local copies of one or more sources.
///
/// Threads: any number at a time. Several handles may use the same directory, also from several
/// processes. Readers need no lock. Of two updates of the same source, the second waits for the
/// lock timeout, then fails with ROCKON_SYNC_ERROR_LOCKED.
pub struct Store {
    pub(crate) store: rockon_sync_core::Store,
}

/// Opens the store in a directory. Reads and creates nothing: an update creates missing files.
///
/// folder: the path, UTF-8, of folder_len bytes, not empty.
/// store: receives the handle; free it with rockon_sync_store_free().
/// Fails with ROCKON_SYNC_ERROR_ARGUMENT.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rockon_sync_store_open(
    folder: *const c_char,
    folder_len: usize,
    store: Option<&mut MaybeUninit<Box<Store>>>,
    error: Option<&mut MaybeUninit<Box<Error>>>,
) -> i32 {
    run(error, || {
        // SAFETY: the header requires this many bytes.
        let folder = unsafe { text(folder, folder_len, "folder") }?;
        let store = required(store, "store")?;
        if folder.is_empty() {
            return Err(Error::argument("expected the folder of a store, got nothing".to_owned()));
        }
        if folder.contains('\0') {
            return Err(Error::argument("expected a path, got one with a NUL in it".to_owned()));
        }
        store.write(Box::new(Store { store: rockon_sync_core::Store::new(folder) }));
        Ok(())
    })
}

/// Frees a store. NULL is a no-op. Nothing on disk changes. Catalogs, reports and other results
/// that came from it stay usable.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_store_free(store: Option<Box<Store>>) {
    free(store);
}

//! Stores.

use std::ffi::c_char;
use std::mem::MaybeUninit;

use crate::border::{free, required, run, text};
use crate::error::Error;

/// A folder that keeps the catalogs of one or more sources.
///
/// Threads: any number at a time. Several handles, also in several processes, may be
/// open on one folder: readers need no lock, and of two updates of the same source the
/// second fails with ROCKON_SYNC_ERROR_LOCKED or waits as long as it is told to.
pub struct Store {
    pub(crate) store: rockon_sync_core::Store,
}

/// Opens the store in a folder. Nothing is read or created yet: an update creates what
/// is missing.
///
/// folder: the path, UTF-8, of folder_len bytes, not empty.
/// store: where the handle goes; free it with rockon_sync_store_free().
/// Fails with ROCKON_SYNC_ERROR_ARGUMENT.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rockon_sync_store_open(
    folder: *const c_char,
    folder_len: usize,
    store: Option<&mut MaybeUninit<Box<Store>>>,
    error: Option<&mut MaybeUninit<Box<Error>>>,
) -> i32 {
    run(error, || {
        // SAFETY: the header asks the caller for so many bytes.
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

/// Frees a store. NULL is fine. Nothing on disk changes. Catalogs, reports and other
/// results that came from it live on.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_store_free(store: Option<Box<Store>>) {
    free(store);
}

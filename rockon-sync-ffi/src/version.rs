//! Versions of the library and its interface.

use std::ffi::c_char;

/// The version of the interface that this header describes. It grows with every addition. If
/// something is removed, the SONAME changes.
pub const ROCKON_SYNC_ABI_VERSION: u32 = 7;

/// Returns the interface version of the loaded library. A program compiled with a newer header than
/// the library must not call newer functions.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_abi_version() -> u32 {
    ROCKON_SYNC_ABI_VERSION
}

/// Returns the version of the library as text, such as "0.2.0". Static: do not free.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_version() -> *const c_char {
    const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), "\0");
    VERSION.as_ptr().cast()
}

//! Arrays of strings in results.

use std::ffi::c_char;

/// An array of strings.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Strings {
    pub items: *const *const c_char,
    pub count: usize,
}

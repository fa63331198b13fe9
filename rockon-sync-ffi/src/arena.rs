//! Memory of results: read-only structs, and the strings and arrays that they point to.

use std::ffi::{CString, c_char};
use std::fmt::Display;
use std::path::Path;
use std::ptr;

use crate::strings::Strings;

/// A pointer and the number of elements that it points to.
pub(crate) struct Array<T> {
    pub(crate) data: *const *const T,
    pub(crate) count: usize,
}

/// Owns allocations. Their addresses do not change until the arena is dropped.
#[derive(Default)]
pub(crate) struct Arena {
    strings: Vec<*mut c_char>,
    others: Vec<Allocation>,
}

struct Allocation {
    data: *mut (),
    len: usize,
    /// Frees `len` elements at `data`.
    free: unsafe fn(*mut (), usize),
}

// SAFETY: an arena owns its allocations and never changes them. All of them are strings, pointers
// into the same result, or values that are `Send` and `Sync`.
unsafe impl Send for Arena {}
// SAFETY: as above.
unsafe impl Sync for Arena {}

impl Arena {
    /// Stores a string, NUL-terminated. A NUL inside it becomes U+FFFD.
    pub(crate) fn text(&mut self, value: impl Display) -> *const c_char {
        let text = value.to_string().replace('\0', "\u{fffd}");
        let text = CString::new(text).unwrap_or_default().into_raw();
        self.strings.push(text);
        text
    }

    /// Stores an optional string; NULL without one.
    pub(crate) fn optional(&mut self, value: Option<impl Display>) -> *const c_char {
        value.map_or(ptr::null(), |value| self.text(value))
    }

    pub(crate) fn path(&mut self, path: &Path) -> *const c_char {
        self.text(path.display())
    }

    /// Stores an array of strings.
    pub(crate) fn texts(&mut self, values: impl IntoIterator<Item = impl Display>) -> Strings {
        let texts = values.into_iter().map(|value| self.text(value)).collect();
        let Array { data, count } = self.pointers(texts);
        Strings { items: data, count }
    }

    /// Stores what `make` returns for each value, as an array of pointers to structs.
    pub(crate) fn structs<I, T: 'static>(
        &mut self,
        values: impl IntoIterator<Item = I>,
        mut make: impl FnMut(I, &mut Arena) -> T,
    ) -> Array<T> {
        let store = |value| {
            let made = make(value, self);
            self.value(made)
        };
        let pointers = values.into_iter().map(store).collect();
        self.pointers(pointers)
    }

    /// Stores an array of pointers to memory that lives at least as long as the arena.
    pub(crate) fn pointers<T: 'static>(&mut self, pointers: Vec<*const T>) -> Array<T> {
        let count = pointers.len();
        if count == 0 {
            return Array { data: ptr::null(), count };
        }
        let data = Box::into_raw(pointers.into_boxed_slice()).cast::<*const T>();
        self.own(data, count);
        Array { data, count }
    }

    /// Stores a value.
    pub(crate) fn value<T: 'static>(&mut self, value: T) -> *const T {
        let data = Box::into_raw(Box::new(value));
        self.own(data, 1);
        data
    }

    fn own<T>(&mut self, data: *mut T, len: usize) {
        unsafe fn free<T>(data: *mut (), len: usize) {
            // SAFETY: `data` came from `Box::into_raw` of a slice of `len` elements, or of one
            // element, which has the same layout.
            drop(unsafe { Box::from_raw(ptr::slice_from_raw_parts_mut(data.cast::<T>(), len)) });
        }
        self.others.push(Allocation { data: data.cast(), len, free: free::<T> });
    }
}

impl Drop for Arena {
    fn drop(&mut self) {
        for text in self.strings.drain(..) {
            // SAFETY: came from `CString::into_raw`, and its length has not changed.
            drop(unsafe { CString::from_raw(text) });
        }
        for Allocation { data, len, free } in self.others.drain(..) {
            // SAFETY: `data`, `len` and `free` belong together, see `own`.
            unsafe { free(data, len) };
        }
    }
}

/// A result: the struct that C sees, its memory, and values for the functions that take it.
#[repr(C)]
pub(crate) struct Owned<V, D = ()> {
    view: V,
    pub(crate) data: D,
    arena: Arena,
}

impl<V, D> Owned<V, D> {
    /// Returns the pointer for C, to be freed by [`free`].
    pub(crate) fn for_c(view: V, data: D, arena: Arena) -> *mut V {
        Box::into_raw(Box::new(Owned { view, data, arena })).cast()
    }

    /// Returns the whole result.
    ///
    /// # Safety
    /// `view` is NULL or came from [`for_c`](Self::for_c) of this type, and is not freed during `'a`.
    pub(crate) unsafe fn of<'a>(view: *const V) -> Option<&'a Owned<V, D>> {
        // SAFETY: the view is at the start of the result, and the caller guarantees the rest.
        unsafe { view.cast::<Owned<V, D>>().as_ref() }
    }
}

/// Frees a result. NULL is a no-op.
///
/// # Safety
/// `view` is NULL or came from [`Owned::for_c`] of this type, and was not freed before.
pub(crate) unsafe fn free<V, D>(view: *mut V) {
    if view.is_null() {
        return;
    }
    // SAFETY: guaranteed by the caller.
    let owned = unsafe { Box::from_raw(view.cast::<Owned<V, D>>()) };
    // A panic in a destructor cannot be reported to the caller.
    let _ = crate::boundary::guarded(|| drop(owned));
}

#[cfg(test)]
mod tests {
    use std::ffi::CStr;
    use std::sync::Arc;

    use super::*;

    #[test]
    fn a_result_is_freed_with_all_its_parts() {
        let shared = Arc::new(5);
        let mut arena = Arena::default();
        let name = arena.text("a\0b");
        let texts = arena.texts(["x", "y"]);
        let structs = arena.structs([1, 2], |_, _| Arc::clone(&shared));
        assert_eq!(arena.structs([0; 0], |n, _| n).count, 0);
        let view = Owned::for_c(name, Arc::clone(&shared), arena);
        assert_eq!(Arc::strong_count(&shared), 4);
        // SAFETY: the view is valid until the result is freed.
        let name = unsafe { *view };
        // SAFETY: as above, and a string.
        assert_eq!(unsafe { CStr::from_ptr(name) }.to_str(), Ok("a\u{fffd}b"));
        // SAFETY: as above, with two elements.
        let items = unsafe { std::slice::from_raw_parts(texts.items, texts.count) };
        // SAFETY: as above, and a string.
        assert_eq!(unsafe { CStr::from_ptr(items[1]) }.to_str(), Ok("y"));
        // SAFETY: as above, with two elements.
        let values = unsafe { std::slice::from_raw_parts(structs.data, structs.count) };
        // SAFETY: as above.
        assert_eq!(unsafe { &**values[1] }, &5);
        // SAFETY: not freed before.
        unsafe { free::<_, Arc<i32>>(view) };
        assert_eq!(Arc::strong_count(&shared), 1);
    }
}

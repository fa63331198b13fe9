//! The FFI boundary: stops panics, checks arguments, converts strings.

use std::ffi::c_char;
use std::mem::MaybeUninit;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use crate::error::{Error, ROCKON_SYNC_OK};

/// An output argument; NULL becomes `None`.
pub(crate) type Out<'a, T> = Option<&'a mut MaybeUninit<T>>;

/// Runs a closure and converts a panic to an error object.
fn guarded<T>(body: impl FnOnce() -> T) -> Result<T, Box<Error>> {
    catch_unwind(AssertUnwindSafe(body)).map_err(|panic| {
        let error = Error::panicked(&*panic);
        // The panic payload may panic when it is dropped.
        let _ = catch_unwind(AssertUnwindSafe(|| drop(panic))).map_err(std::mem::forget);
        error
    })
}

/// Runs the body of a function that can fail, and returns its status. The error object is written
/// only if the body fails and `error` is not NULL.
pub(crate) fn run(
    error: Out<'_, Box<Error>>,
    body: impl FnOnce() -> Result<(), Box<Error>>,
) -> i32 {
    let failure = match guarded(body) {
        Ok(Ok(())) => return ROCKON_SYNC_OK,
        Ok(Err(failure)) | Err(failure) => failure,
    };
    let status = failure.status();
    if let Some(error) = error {
        error.write(failure);
    }
    status
}

/// Runs the body of an accessor, which cannot fail. Without a handle, or after a panic, the result
/// is zero, `false` or NULL.
pub(crate) fn read<H, T: Default>(handle: Option<&H>, body: impl FnOnce(&H) -> T) -> T {
    let Some(handle) = handle else {
        return T::default();
    };
    guarded(|| body(handle)).unwrap_or_default()
}

/// Returns a string that lives as long as the handle, or NULL.
pub(crate) fn view<H>(
    handle: Option<&H>,
    len_bytes: Out<'_, usize>,
    pick: impl FnOnce(&H) -> Option<&Text>,
) -> *const c_char {
    let found = handle.and_then(|handle| guarded(|| pick(handle)).ok()?);
    let Some(text) = found else {
        return std::ptr::null();
    };
    if let Some(len_bytes) = len_bytes {
        len_bytes.write(text.len_bytes());
    }
    text.as_ptr()
}

/// Writes an optional number. Returns `true` if there is one.
pub(crate) fn number<H, T>(
    handle: Option<&H>,
    value: Out<'_, T>,
    pick: impl FnOnce(&H) -> Option<T>,
) -> bool {
    let found = handle.and_then(|handle| guarded(|| pick(handle)).ok()?);
    match (found, value) {
        (Some(found), Some(value)) => {
            value.write(found);
            true
        }
        (found, None) => found.is_some(),
        (None, Some(_)) => false,
    }
}

/// Returns a part of a handle, which lives as long as the handle.
pub(crate) fn part<H, P>(handle: Option<&H>, pick: impl FnOnce(&H) -> Option<&P>) -> Option<&P> {
    guarded(|| pick(handle?)).ok()?
}

/// Takes ownership of a handle and drops it.
pub(crate) fn free<H>(handle: Option<Box<H>>) {
    // A panic in a destructor cannot be reported to the caller.
    let _ = guarded(|| drop(handle));
}

/// Refuses NULL.
///
/// # Errors
/// `ROCKON_SYNC_ERROR_ARGUMENT`.
pub(crate) fn required<T>(argument: Option<T>, name: &str) -> Result<T, Box<Error>> {
    argument.ok_or_else(|| Error::argument(format!("`{name}` is NULL")))
}

/// Returns a string that the caller lends for the duration of the call.
///
/// # Safety
/// `data` is NULL or points to `len_bytes` bytes that do not change during `'a`.
///
/// # Errors
/// `ROCKON_SYNC_ERROR_ARGUMENT` for NULL and for invalid UTF-8.
pub(crate) unsafe fn text<'a>(
    data: *const c_char,
    len_bytes: usize,
    name: &str,
) -> Result<&'a str, Box<Error>> {
    // SAFETY: guaranteed by the caller.
    let bytes = unsafe { slice(data.cast::<u8>(), len_bytes, name) }?;
    std::str::from_utf8(bytes).map_err(|error| {
        Error::argument(format!("`{name}` is not UTF-8 at byte {}", error.valid_up_to()))
    })
}

/// Returns an array that the caller lends for the duration of the call.
///
/// # Safety
/// `data` is NULL or points to `len` elements that do not change during `'a`.
///
/// # Errors
/// `ROCKON_SYNC_ERROR_ARGUMENT` for NULL, unaligned elements and impossible lengths.
pub(crate) unsafe fn slice<'a, T>(
    data: *const T,
    len: usize,
    name: &str,
) -> Result<&'a [T], Box<Error>> {
    if data.is_null() {
        return Err(Error::argument(format!("`{name}` is NULL")));
    }
    if !data.is_aligned() {
        return Err(Error::argument(format!("`{name}` is not aligned")));
    }
    let fits = len.checked_mul(size_of::<T>()).is_some_and(|size| isize::try_from(size).is_ok());
    if !fits {
        return Err(Error::argument(format!("`{name}` cannot have {len} elements")));
    }
    // SAFETY: not NULL, aligned and of a possible size, as checked above. The caller guarantees the
    // rest.
    Ok(unsafe { std::slice::from_raw_parts(data, len) })
}

/// Like [`slice`], but accepts NULL with a length of 0 as an empty array.
///
/// # Safety
/// `data` is NULL or points to `len` elements that do not change during `'a`.
///
/// # Errors
/// Those of [`slice`].
pub(crate) unsafe fn list<'a, T>(
    data: *const T,
    len: usize,
    name: &str,
) -> Result<&'a [T], Box<Error>> {
    match (data.is_null(), len) {
        (true, 0) => Ok(&[]),
        // SAFETY: promised by the caller.
        _ => unsafe { slice(data, len, name) },
    }
}

/// A struct that starts with its own size as a `size_t`, and in which zero bytes mean defaults.
///
/// # Safety
/// The struct is `repr(C)` and starts with a `usize`. Every byte pattern that C can put into its
/// fields, including all zero, is a valid value.
pub(crate) unsafe trait Versioned: Copy {
    /// The size of the struct in the first version of the interface.
    const FIRST_SIZE: usize;
}

/// Largest accepted struct in bytes. A larger size is garbage, so nothing is read.
const MAX_STRUCT_BYTES: usize = 4096;

/// Copies a struct that the caller lends; NULL means defaults. In a shorter struct, from an older
/// program, the missing fields are defaults. In a longer one, from a newer program, the unknown
/// fields must be defaults.
///
/// # Safety
/// `data` is NULL or points to as many bytes as the size it starts with.
///
/// # Errors
/// `ROCKON_SYNC_ERROR_ARGUMENT` for an invalid size and for unknown settings.
pub(crate) unsafe fn versioned<T: Versioned>(data: *const T, name: &str) -> Result<T, Box<Error>> {
    let mut copy = MaybeUninit::<T>::zeroed();
    if !data.is_null() {
        // SAFETY: not NULL, and every version of the struct starts with its size.
        let size = unsafe { data.cast::<usize>().read_unaligned() };
        if !(T::FIRST_SIZE..=MAX_STRUCT_BYTES).contains(&size) {
            return Err(Error::argument(format!("`{name}.struct_size` is not its size: {size}")));
        }
        // SAFETY: the caller guarantees this many bytes.
        let bytes = unsafe { std::slice::from_raw_parts(data.cast::<u8>(), size) };
        let known = size.min(size_of::<T>());
        if bytes[known..].iter().any(|byte| *byte != 0) {
            let message = format!("`{name}` has settings that this library does not know");
            return Err(Error::argument(message));
        }
        // SAFETY: `known` is at most the size of either side, and they do not overlap.
        unsafe { bytes.as_ptr().copy_to_nonoverlapping(copy.as_mut_ptr().cast::<u8>(), known) };
    }
    // SAFETY: all bytes are initialized, and `Versioned` guarantees that they are a valid value.
    Ok(unsafe { copy.assume_init() })
}

/// A string or bytes for C, followed by a NUL.
#[derive(Debug)]
pub(crate) struct Text(Box<[u8]>);

impl Text {
    pub(crate) fn of_path(path: &Path) -> Text {
        path.to_string_lossy().into_owned().into()
    }

    pub(crate) fn of(value: impl std::fmt::Display) -> Text {
        value.to_string().into()
    }

    /// Converts all strings, in order.
    pub(crate) fn all(values: Vec<String>) -> Vec<Text> {
        values.into_iter().map(Text::from).collect()
    }

    pub(crate) fn as_ptr(&self) -> *const c_char {
        self.0.as_ptr().cast()
    }

    pub(crate) fn len_bytes(&self) -> usize {
        self.0.len() - 1
    }

    #[cfg(test)]
    pub(crate) fn to_str(&self) -> &str {
        std::str::from_utf8(&self.0[..self.len_bytes()]).expect("made from a string")
    }
}

impl From<String> for Text {
    fn from(text: String) -> Text {
        text.into_bytes().into()
    }
}

impl From<Vec<u8>> for Text {
    fn from(mut bytes: Vec<u8>) -> Text {
        bytes.reserve_exact(1);
        bytes.push(0);
        Text(bytes.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{ROCKON_SYNC_ERROR_ARGUMENT, ROCKON_SYNC_ERROR_INTERNAL};

    #[repr(C)]
    #[derive(Clone, Copy)]
    struct Options {
        struct_size: usize,
        first: u32,
        second: u32,
        later: u64,
    }

    // SAFETY: starts with its size, and has only numbers.
    unsafe impl Versioned for Options {
        const FIRST_SIZE: usize = std::mem::offset_of!(Options, later);
    }

    #[repr(C)]
    struct NewerOptions {
        known: Options,
        unknown: u64,
    }

    fn options(struct_size: usize) -> Options {
        Options { struct_size, first: 1, second: 2, later: 3 }
    }

    fn read_options(data: *const Options) -> Result<(u32, u32, u64), i32> {
        // SAFETY: the tests pass pointers to as many bytes as they claim.
        let read = unsafe { versioned(data, "options") };
        read.map(|o| (o.first, o.second, o.later)).map_err(|error| error.status())
    }

    #[test]
    fn a_panic_becomes_a_status_with_its_message() {
        let mut error = MaybeUninit::uninit();
        let status = run(Some(&mut error), || panic!("out of {}", "luck"));
        assert_eq!(status, ROCKON_SYNC_ERROR_INTERNAL);
        // SAFETY: initialized, because the status is not OK.
        let error = unsafe { error.assume_init() };
        assert!(error.message().contains("out of luck"), "{}", error.message());
        assert_eq!(read(Some(&1), |_| -> usize { panic!("again") }), 0);
        assert!(view(Some(&1), None, |_| panic!("again")).is_null());
        assert!(!number(Some(&1), None, |_| -> Option<u64> { panic!("again") }));
        assert!(part(Some(&1), |_| -> Option<&u8> { panic!("again") }).is_none());
    }

    #[test]
    fn structs_of_older_and_newer_programs_are_accepted() {
        let size = size_of::<Options>();
        let old = std::mem::offset_of!(Options, later);
        assert_eq!(read_options(std::ptr::null()), Ok((0, 0, 0)));
        assert_eq!(read_options(&options(size)), Ok((1, 2, 3)));
        assert_eq!(read_options(&options(old)), Ok((1, 2, 0)));
        for no_size in [0, 1, old - 1, usize::MAX] {
            assert_eq!(read_options(&options(no_size)), Err(ROCKON_SYNC_ERROR_ARGUMENT));
        }
        for (unknown, expected) in [(0, Ok((1, 2, 3))), (1, Err(ROCKON_SYNC_ERROR_ARGUMENT))] {
            let known = options(size_of::<NewerOptions>());
            let newer = NewerOptions { known, unknown };
            assert_eq!(read_options((&raw const newer).cast()), expected);
        }
    }

    #[test]
    fn impossible_lengths_are_refused() {
        let byte = b'x';
        let data = (&raw const byte).cast();
        // SAFETY: the length is refused before anything is read.
        let result = unsafe { text(data, usize::MAX, "name") };
        assert_eq!(result.unwrap_err().status(), ROCKON_SYNC_ERROR_ARGUMENT);
    }
}

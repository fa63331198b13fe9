//! The FFI boundary: stops panics, checks arguments, converts strings.

use std::ffi::{CStr, c_char};
use std::mem::MaybeUninit;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use crate::error::{Error, Failure};
use crate::status::Status;

/// An output argument; NULL becomes `None`.
pub(crate) type Out<'a, T> = Option<&'a mut MaybeUninit<T>>;

/// An enum that the caller sets. C may put any number into it.
pub(crate) trait Number {
    fn number(self) -> u32;
}

impl<T: Copy> Number for MaybeUninit<T> {
    fn number(self) -> u32 {
        const { assert!(size_of::<T>() == size_of::<u32>()) };
        // SAFETY: of this size, and initialized by C: every bit pattern is a number.
        unsafe { self.as_ptr().cast::<u32>().read() }
    }
}

/// Returns the value of a flag that the caller sets. C may put any byte into it.
pub(crate) fn is_set(flag: MaybeUninit<bool>) -> bool {
    // SAFETY: of the size of a byte, and initialized by C.
    unsafe { flag.as_ptr().cast::<u8>().read() != 0 }
}

/// Runs a closure and converts a panic to a failure.
pub(crate) fn guarded<T>(body: impl FnOnce() -> T) -> Result<T, Failure> {
    catch_unwind(AssertUnwindSafe(body)).map_err(|panic| {
        let failure = Failure::panicked(&*panic);
        // The panic payload may panic when it is dropped.
        let _ = catch_unwind(AssertUnwindSafe(|| drop(panic))).map_err(std::mem::forget);
        failure
    })
}

/// Runs the body of a function that can fail, and returns its status. The error is written only if
/// the body fails and `error` is not NULL.
pub(crate) fn run(
    error: Out<'_, *mut Error>,
    body: impl FnOnce() -> Result<(), Failure>,
) -> Status {
    let failure = match guarded(body) {
        Ok(Ok(())) => return Status::Ok,
        Ok(Err(failure)) | Err(failure) => failure,
    };
    let status = failure.status();
    if let Some(error) = error {
        error.write(failure.into_error());
    }
    status
}

/// Refuses NULL.
///
/// # Errors
/// `ROCKON_SYNC_STATUS_ARGUMENT`.
pub(crate) fn required<T>(argument: Option<T>, name: &str) -> Result<T, Failure> {
    argument.ok_or_else(|| Failure::Argument(format!("`{name}` is NULL")))
}

/// Returns a string that the caller lends for the duration of the call; `None` for NULL.
///
/// # Safety
/// `data` is NULL or points to a NUL-terminated string that does not change during `'a`.
///
/// # Errors
/// `ROCKON_SYNC_STATUS_ARGUMENT` for invalid UTF-8.
pub(crate) unsafe fn optional<'a>(
    data: *const c_char,
    name: &str,
) -> Result<Option<&'a str>, Failure> {
    if data.is_null() {
        return Ok(None);
    }
    // SAFETY: guaranteed by the caller.
    let text = unsafe { CStr::from_ptr(data) }.to_str().map_err(|error| {
        Failure::Argument(format!("`{name}` is not UTF-8 at byte {}", error.valid_up_to()))
    })?;
    Ok(Some(text))
}

/// Returns a string that the caller lends for the duration of the call.
///
/// # Safety
/// That of [`optional`].
///
/// # Errors
/// `ROCKON_SYNC_STATUS_ARGUMENT` for NULL and for invalid UTF-8.
pub(crate) unsafe fn text<'a>(data: *const c_char, name: &str) -> Result<&'a str, Failure> {
    // SAFETY: guaranteed by the caller.
    required(unsafe { optional(data, name) }?, name)
}

/// Returns a path that the caller lends for the duration of the call.
///
/// # Safety
/// That of [`optional`].
///
/// # Errors
/// `ROCKON_SYNC_STATUS_ARGUMENT` for NULL, invalid UTF-8 and an empty path.
pub(crate) unsafe fn path<'a>(data: *const c_char, name: &str) -> Result<&'a Path, Failure> {
    // SAFETY: guaranteed by the caller.
    match unsafe { text(data, name) }? {
        "" => Err(Failure::Argument(format!("`{name}` is empty"))),
        path => Ok(Path::new(path)),
    }
}

/// Returns an array that the caller lends for the duration of the call. NULL with a length of 0 is
/// an empty array.
///
/// # Safety
/// `data` is NULL or points to `len` elements that do not change during `'a`.
///
/// # Errors
/// `ROCKON_SYNC_STATUS_ARGUMENT` for NULL, unaligned elements and impossible lengths.
pub(crate) unsafe fn slice<'a, T>(
    data: *const T,
    len: usize,
    name: &str,
) -> Result<&'a [T], Failure> {
    if len == 0 {
        return Ok(&[]);
    }
    if data.is_null() {
        return Err(Failure::Argument(format!("`{name}` is NULL, but its count is {len}")));
    }
    if !data.is_aligned() {
        return Err(Failure::Argument(format!("`{name}` is not aligned")));
    }
    let fits = len.checked_mul(size_of::<T>()).is_some_and(|size| isize::try_from(size).is_ok());
    if !fits {
        return Err(Failure::Argument(format!("`{name}` cannot have {len} elements")));
    }
    // SAFETY: not NULL, aligned and of a possible size, as checked above. The caller guarantees the
    // rest.
    Ok(unsafe { std::slice::from_raw_parts(data, len) })
}

/// Returns an array of strings that the caller lends for the duration of the call.
///
/// # Safety
/// `data` is NULL or points to `len` NUL-terminated strings that do not change during `'a`.
///
/// # Errors
/// Those of [`slice`] and [`text`].
pub(crate) unsafe fn texts<'a>(
    data: *const *const c_char,
    len: usize,
    name: &str,
) -> Result<Vec<&'a str>, Failure> {
    // SAFETY: guaranteed by the caller.
    let pointers = unsafe { slice(data, len, name) }?;
    // SAFETY: guaranteed by the caller.
    pointers.iter().map(|data| unsafe { text(*data, name) }).collect()
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
/// `ROCKON_SYNC_STATUS_ARGUMENT` for an invalid size and for unknown settings.
pub(crate) unsafe fn versioned<T: Versioned>(data: *const T, name: &str) -> Result<T, Failure> {
    let mut copy = MaybeUninit::<T>::zeroed();
    if !data.is_null() {
        // SAFETY: not NULL, and every version of the struct starts with its size.
        let size = unsafe { data.cast::<usize>().read_unaligned() };
        if !(T::FIRST_SIZE..=MAX_STRUCT_BYTES).contains(&size) {
            let message = format!("`{name}.struct_size` is not its size: {size}");
            return Err(Failure::Argument(message));
        }
        // SAFETY: the caller guarantees this many bytes.
        let bytes = unsafe { std::slice::from_raw_parts(data.cast::<u8>(), size) };
        let known = size.min(size_of::<T>());
        if bytes[known..].iter().any(|byte| *byte != 0) {
            let message = format!("`{name}` has settings that this library does not know");
            return Err(Failure::Argument(message));
        }
        // SAFETY: `known` is at most the size of either side, and they do not overlap.
        unsafe { bytes.as_ptr().copy_to_nonoverlapping(copy.as_mut_ptr().cast::<u8>(), known) };
    }
    // SAFETY: all bytes are initialized, and `Versioned` guarantees that they are a valid value.
    Ok(unsafe { copy.assume_init() })
}

/// Returns the error for a field with an invalid constant.
pub(crate) fn unknown(field: &str, number: u32) -> Failure {
    Failure::Argument(format!("`{field}` is none of its constants: {number}"))
}

#[cfg(test)]
mod tests {
    use super::*;

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

    fn read_options(data: *const Options) -> Result<(u32, u32, u64), Status> {
        // SAFETY: the tests pass pointers to as many bytes as they claim.
        let read = unsafe { versioned(data, "options") };
        read.map(|o| (o.first, o.second, o.later)).map_err(|failure| failure.status())
    }

    #[test]
    fn a_panic_becomes_a_status_with_its_message() {
        let mut error = MaybeUninit::uninit();
        let status = run(Some(&mut error), || panic!("out of {}", "luck"));
        assert_eq!(status, Status::Internal);
        // SAFETY: initialized, because the status is not OK.
        let error = unsafe { error.assume_init() };
        // SAFETY: an error of this library.
        let message = unsafe { &*error }.message;
        // SAFETY: a string of this library.
        let message = unsafe { CStr::from_ptr(message) }.to_str().unwrap();
        assert!(message.contains("out of luck"), "{message}");
        // SAFETY: not freed before.
        unsafe { crate::error::rockon_sync_error_free(error) };
    }

    #[test]
    fn structs_of_older_and_newer_programs_are_accepted() {
        let size = size_of::<Options>();
        let old = std::mem::offset_of!(Options, later);
        assert_eq!(read_options(std::ptr::null()), Ok((0, 0, 0)));
        assert_eq!(read_options(&options(size)), Ok((1, 2, 3)));
        assert_eq!(read_options(&options(old)), Ok((1, 2, 0)));
        for no_size in [0, 1, old - 1, usize::MAX] {
            assert_eq!(read_options(&options(no_size)), Err(Status::Argument));
        }
        for (unknown, expected) in [(0, Ok((1, 2, 3))), (1, Err(Status::Argument))] {
            let known = options(size_of::<NewerOptions>());
            let newer = NewerOptions { known, unknown };
            assert_eq!(read_options((&raw const newer).cast()), expected);
        }
    }

    #[test]
    fn impossible_lengths_are_refused() {
        let word = 1_u64;
        for (data, len) in [(&raw const word, usize::MAX), (std::ptr::null(), 5)] {
            // SAFETY: the length is refused before anything is read.
            let result = unsafe { slice(data, len, "names") };
            assert_eq!(result.unwrap_err().status(), Status::Argument);
        }
        // SAFETY: nothing is read.
        assert!(unsafe { slice::<u64>(std::ptr::null(), 0, "names") }.unwrap().is_empty());
    }
}

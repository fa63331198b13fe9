//! Status codes and error objects.

use std::any::Any;
use std::ffi::{CStr, c_char};
use std::mem::MaybeUninit;

use rockon_sync_core::ErrorKind;

use crate::boundary::{Text, free, read, view};
use crate::problem::Problem;

/// Success. Every other status is one of ROCKON_SYNC_ERROR_...
pub const ROCKON_SYNC_OK: i32 = 0;
/// An argument is invalid: NULL, not UTF-8, a malformed URL, source name or option.
pub const ROCKON_SYNC_ERROR_ARGUMENT: i32 = 1;
/// No complete response was received: connection refused, reset or cut off, TLS, name lookup.
pub const ROCKON_SYNC_ERROR_TRANSPORT: i32 = 2;
/// The server responded with an unexpected status.
pub const ROCKON_SYNC_ERROR_STATUS: i32 = 3;
/// The time limit of the update was exceeded.
pub const ROCKON_SYNC_ERROR_TIMEOUT: i32 = 4;
/// The caller canceled, with a token or by the return value of a callback.
pub const ROCKON_SYNC_ERROR_CANCELED: i32 = 5;
/// The head (root.sha) cannot be read.
pub const ROCKON_SYNC_ERROR_HEAD: i32 = 6;
/// The manifest (root.json) cannot be read, or breaks a rule. It is refused as a whole.
pub const ROCKON_SYNC_ERROR_MANIFEST: i32 = 7;
/// A definition file is invalid in its format.
pub const ROCKON_SYNC_ERROR_DEFINITION: i32 = 8;
/// Something is larger or longer than this library accepts.
pub const ROCKON_SYNC_ERROR_LIMIT: i32 = 9;
/// The bytes of a file do not match its digest.
pub const ROCKON_SYNC_ERROR_INTEGRITY: i32 = 10;
/// The head is not signed with a trusted key, or a v2 source offers only v1.
pub const ROCKON_SYNC_ERROR_TRUST: i32 = 11;
/// The head has expired, and ROCKON_SYNC_FRESHNESS_REQUIRE is set.
pub const ROCKON_SYNC_ERROR_EXPIRED: i32 = 13;
/// More than half of the catalog would be deleted.
pub const ROCKON_SYNC_ERROR_MASS_DELETE: i32 = 14;
/// Another process or thread is writing to the same source of the store, or the same tree.
pub const ROCKON_SYNC_ERROR_LOCKED: i32 = 15;
/// Reading or writing the store or the published tree failed.
pub const ROCKON_SYNC_ERROR_STORE: i32 = 16;
/// The catalog directory has problems; nothing was published.
pub const ROCKON_SYNC_ERROR_CATALOG: i32 = 17;
/// No object has this name.
pub const ROCKON_SYNC_ERROR_NOT_FOUND: i32 = 18;
/// A bug in this library, caught at its boundary. The handles involved may be freed, and should not
/// be used otherwise.
pub const ROCKON_SYNC_ERROR_INTERNAL: i32 = 1000;

/// Every error kind of the core, with its constant and its name in C.
const KINDS: &[(ErrorKind, i32, &CStr)] = &[
    (ErrorKind::Argument, ROCKON_SYNC_ERROR_ARGUMENT, c"argument"),
    (ErrorKind::Transport, ROCKON_SYNC_ERROR_TRANSPORT, c"transport"),
    (ErrorKind::Status, ROCKON_SYNC_ERROR_STATUS, c"status"),
    (ErrorKind::Timeout, ROCKON_SYNC_ERROR_TIMEOUT, c"timeout"),
    (ErrorKind::Canceled, ROCKON_SYNC_ERROR_CANCELED, c"canceled"),
    (ErrorKind::Head, ROCKON_SYNC_ERROR_HEAD, c"head"),
    (ErrorKind::Manifest, ROCKON_SYNC_ERROR_MANIFEST, c"manifest"),
    (ErrorKind::Definition, ROCKON_SYNC_ERROR_DEFINITION, c"definition"),
    (ErrorKind::Limit, ROCKON_SYNC_ERROR_LIMIT, c"limit"),
    (ErrorKind::Integrity, ROCKON_SYNC_ERROR_INTEGRITY, c"integrity"),
    (ErrorKind::Trust, ROCKON_SYNC_ERROR_TRUST, c"trust"),
    (ErrorKind::Expired, ROCKON_SYNC_ERROR_EXPIRED, c"expired"),
    (ErrorKind::MassDelete, ROCKON_SYNC_ERROR_MASS_DELETE, c"mass-delete"),
    (ErrorKind::Locked, ROCKON_SYNC_ERROR_LOCKED, c"locked"),
    (ErrorKind::Store, ROCKON_SYNC_ERROR_STORE, c"store"),
    (ErrorKind::Catalog, ROCKON_SYNC_ERROR_CATALOG, c"catalog"),
    (ErrorKind::NotFound, ROCKON_SYNC_ERROR_NOT_FOUND, c"not-found"),
];

/// Returns the constant of a kind.
pub(crate) fn status_of(kind: ErrorKind) -> i32 {
    let row = KINDS.iter().find(|(known, ..)| *known == kind);
    row.map_or(ROCKON_SYNC_ERROR_INTERNAL, |(_, status, _)| *status)
}

/// Returns the constant of a kind with this name in the core.
pub(crate) fn status_named(name: &str) -> i32 {
    let row = KINDS.iter().find(|(kind, ..)| kind.name() == name);
    row.map_or(ROCKON_SYNC_ERROR_INTERNAL, |(_, status, _)| *status)
}

/// The cause of a failure: a status, a message, and the URL or path concerned.
///
/// A function that fails writes one to its last argument; free it with rockon_sync_error_free(). An
/// error that an accessor returns as const belongs to the handle it came from. It has no secrets:
/// URLs have neither credentials nor the values of their query.
///
/// Threads: any number at a time.
pub struct Error {
    status: i32,
    message: Text,
    url: Option<Text>,
    path: Option<Text>,
    retryable: bool,
    pub(crate) problems: Vec<Problem>,
}

impl Error {
    pub(crate) fn argument(message: String) -> Box<Error> {
        Error::new(ROCKON_SYNC_ERROR_ARGUMENT, message)
    }

    pub(crate) fn no_definition(name: &str) -> Box<Error> {
        Error::new(ROCKON_SYNC_ERROR_NOT_FOUND, format!("there is no definition {name:?}"))
    }

    pub(crate) fn panicked(panic: &(dyn Any + Send)) -> Box<Error> {
        let text = match (panic.downcast_ref::<&str>(), panic.downcast_ref::<String>()) {
            (Some(text), _) => text,
            (None, Some(text)) => text.as_str(),
            (None, None) => "no message",
        };
        Error::new(ROCKON_SYNC_ERROR_INTERNAL, format!("a bug in rockon-sync: {text}"))
    }

    fn new(status: i32, message: String) -> Box<Error> {
        Box::new(Error {
            status,
            message: message.into(),
            url: None,
            path: None,
            retryable: false,
            problems: Vec::new(),
        })
    }

    pub(crate) fn status(&self) -> i32 {
        self.status
    }

    #[cfg(test)]
    pub(crate) fn message(&self) -> &str {
        self.message.to_str()
    }
}

impl From<&rockon_sync_core::Error> for Error {
    fn from(error: &rockon_sync_core::Error) -> Error {
        Error {
            status: status_of(error.kind()),
            message: error.to_chain().into(),
            url: error.url().map(Text::of),
            path: error.path().map(Text::of_path),
            retryable: error.is_retryable(),
            problems: error.problems().iter().map(Problem::from).collect(),
        }
    }
}

impl From<rockon_sync_core::Error> for Box<Error> {
    fn from(error: rockon_sync_core::Error) -> Box<Error> {
        Box::new(Error::from(&error))
    }
}

/// Frees an error. NULL is a no-op.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_error_free(error: Option<Box<Error>>) {
    free(error);
}

/// Returns the status that the failed function returned; ROCKON_SYNC_OK for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_error_status(error: Option<&Error>) -> i32 {
    read(error, |error| error.status)
}

/// Returns a description with its causes, on one line. NULL only for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_error_message(
    error: Option<&Error>,
    len_bytes: Option<&mut MaybeUninit<usize>>,
) -> *const c_char {
    view(error, len_bytes, |error| Some(&error.message))
}

/// Returns the URL concerned; NULL if there is none.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_error_url(
    error: Option<&Error>,
    len_bytes: Option<&mut MaybeUninit<usize>>,
) -> *const c_char {
    view(error, len_bytes, |error| error.url.as_ref())
}

/// Returns the local path concerned; NULL if there is none.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_error_path(
    error: Option<&Error>,
    len_bytes: Option<&mut MaybeUninit<usize>>,
) -> *const c_char {
    view(error, len_bytes, |error| error.path.as_ref())
}

/// Returns true if the same call may succeed later without any change.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_error_is_retryable(error: Option<&Error>) -> bool {
    read(error, |error| error.retryable)
}

/// Returns the stable name of a status, as in the JSON reports of the command: "mass-delete", "ok",
/// "internal"; "unknown" for an invalid status. Static: do not free.
///
/// Threads: any, at any time.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_status_name(status: i32) -> *const c_char {
    let row = KINDS.iter().find(|(_, known, _)| *known == status);
    let name = match (row, status) {
        (Some((.., name)), _) => name,
        (None, ROCKON_SYNC_OK) => c"ok",
        (None, ROCKON_SYNC_ERROR_INTERNAL) => c"internal",
        (None, _) => c"unknown",
    };
    name.as_ptr()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_kind_has_a_constant_of_its_own_under_its_name() {
        let header = include_str!("../../include/rockon_sync.h");
        let mut numbers = HashSet::new();
        for kind in ErrorKind::ALL {
            let status = status_of(*kind);
            assert!(status > 0 && numbers.insert(status), "{kind}: {status}");
            let row = KINDS.iter().find(|(known, ..)| known == kind);
            assert_eq!(row.unwrap().2.to_str(), Ok(kind.name()));
            assert_eq!(status_named(kind.name()), status);
            let constant = kind.name().to_uppercase().replace('-', "_");
            let line = format!("#define ROCKON_SYNC_ERROR_{constant} {status}\n");
            assert!(header.contains(&line), "not in the header: {line}");
        }
        assert_eq!(KINDS.len(), ErrorKind::ALL.len());
    }
}

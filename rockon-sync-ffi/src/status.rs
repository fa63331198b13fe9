//! Status codes.

use std::ffi::{CStr, c_char};
use std::mem::MaybeUninit;

use rockon_sync_core::ErrorKind;

use crate::boundary::Number;

/// The result of a function that can fail. Later versions may add values.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// Success.
    Ok = 0,
    /// An argument is NULL, not UTF-8, or malformed.
    Argument = 1,
    /// No complete response was received.
    Transport = 2,
    /// The server responded with an unexpected status.
    Status = 3,
    /// The time limit of the update was exceeded.
    Timeout = 4,
    /// A token or a callback canceled.
    Canceled = 5,
    /// The head (root.sha) is invalid.
    Head = 6,
    /// The manifest (root.json) is invalid.
    Manifest = 7,
    /// A definition file is invalid in its format.
    Definition = 8,
    /// Something is larger or longer than this library accepts.
    Limit = 9,
    /// The bytes of a file do not match its digest.
    Integrity = 10,
    /// The head lacks a trusted signature; or v1 after v2.
    Trust = 11,
    /// The head has expired, and require_fresh is set.
    Expired = 13,
    /// More than half of the catalog would be deleted.
    MassDelete = 14,
    /// Another writer uses the same source or tree.
    Locked = 15,
    /// Reading or writing the store or the published tree failed.
    Store = 16,
    /// The catalog directory has problems; nothing was published.
    Catalog = 17,
    /// No object has this name.
    NotFound = 18,
    /// A bug in this library. Free the handles involved.
    Internal = 1000,
}

/// The kinds of the core, and their constants in C.
const KINDS: &[(ErrorKind, Status, &CStr)] = &[
    (ErrorKind::Argument, Status::Argument, c"argument"),
    (ErrorKind::Transport, Status::Transport, c"transport"),
    (ErrorKind::Status, Status::Status, c"status"),
    (ErrorKind::Timeout, Status::Timeout, c"timeout"),
    (ErrorKind::Canceled, Status::Canceled, c"canceled"),
    (ErrorKind::Head, Status::Head, c"head"),
    (ErrorKind::Manifest, Status::Manifest, c"manifest"),
    (ErrorKind::Definition, Status::Definition, c"definition"),
    (ErrorKind::Limit, Status::Limit, c"limit"),
    (ErrorKind::Integrity, Status::Integrity, c"integrity"),
    (ErrorKind::Trust, Status::Trust, c"trust"),
    (ErrorKind::Expired, Status::Expired, c"expired"),
    (ErrorKind::MassDelete, Status::MassDelete, c"mass-delete"),
    (ErrorKind::Locked, Status::Locked, c"locked"),
    (ErrorKind::Store, Status::Store, c"store"),
    (ErrorKind::Catalog, Status::Catalog, c"catalog"),
    (ErrorKind::NotFound, Status::NotFound, c"not-found"),
];

impl From<ErrorKind> for Status {
    fn from(kind: ErrorKind) -> Status {
        let row = KINDS.iter().find(|(known, ..)| *known == kind);
        row.map_or(Status::Internal, |(_, status, _)| *status)
    }
}

impl Status {
    /// Returns the constant of a kind with this name in the core.
    pub(crate) fn named(name: &str) -> Status {
        let row = KINDS.iter().find(|(kind, ..)| kind.name() == name);
        row.map_or(Status::Internal, |(_, status, _)| *status)
    }
}

/// Returns the stable name of a status, as in the JSON reports of the command: "mass-delete", "ok",
/// "internal"; "unknown" for an invalid status. Static: do not free.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_status_name(status: MaybeUninit<Status>) -> *const c_char {
    let number = status.number();
    let row = KINDS.iter().find(|(_, known, _)| *known as u32 == number);
    let name = match (row, number) {
        (Some((.., name)), _) => name,
        (None, 0) => c"ok",
        (None, 1000) => c"internal",
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
            let status = Status::from(*kind);
            assert!(status != Status::Ok && numbers.insert(status), "{kind}: {status:?}");
            let row = KINDS.iter().find(|(known, ..)| known == kind);
            assert_eq!(row.unwrap().2.to_str(), Ok(kind.name()));
            assert_eq!(Status::named(kind.name()), status);
            let constant = kind.name().to_uppercase().replace('-', "_");
            let line = format!("ROCKON_SYNC_STATUS_{constant} = {},", status as u32);
            assert!(header.contains(&line), "not in the header: {line}");
        }
        assert_eq!(KINDS.len(), ErrorKind::ALL.len());
    }
}

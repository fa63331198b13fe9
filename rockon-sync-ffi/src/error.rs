//! Errors, and problems of a catalog directory.

use std::any::Any;
use std::ffi::c_char;

use crate::arena::{Arena, Owned, free};
use crate::status::Status;

/// The severity of a problem.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// Prevents publishing.
    Error = 1,
    /// Does not prevent publishing, but should be looked at.
    Warning = 2,
}

/// A problem of a catalog directory, with its location.
#[repr(C)]
pub struct Problem {
    pub severity: Severity,
    /// The file, relative to the catalog directory.
    pub file: *const c_char,
    /// From 1; 0 if the problem concerns the whole file.
    pub line: u32,
    /// In characters, from 1; 0 as above.
    pub column: u32,
    /// The message: expected and got.
    pub message: *const c_char,
}

impl Problem {
    pub(crate) fn new(problem: &rockon_sync_core::Problem, arena: &mut Arena) -> Problem {
        let (line, column) = problem.position.map_or((0, 0), |place| (place.line, place.column));
        Problem {
            severity: match problem.severity {
                rockon_sync_core::Severity::Error => Severity::Error,
                rockon_sync_core::Severity::Warning => Severity::Warning,
            },
            file: arena.text(&problem.file),
            line,
            column,
            message: arena.text(&problem.message),
        }
    }
}

/// The cause of a failure. Its URLs have neither credentials nor the values of their query.
#[repr(C)]
pub struct Error {
    pub status: Status,
    /// The message with its causes, on one line.
    pub message: *const c_char,
    /// The URL concerned, or NULL.
    pub url: *const c_char,
    /// The local path concerned, or NULL.
    pub path: *const c_char,
    /// True if the same call may succeed later without any change.
    pub is_retryable: bool,
    /// Those of the catalog directory.
    pub problems: *const *const Problem,
    pub problem_count: usize,
}

impl Error {
    pub(crate) fn new(error: &rockon_sync_core::Error, arena: &mut Arena) -> Error {
        let problems = arena.structs(error.problems(), Problem::new);
        Error {
            status: error.kind().into(),
            message: arena.text(error.to_chain()),
            url: arena.optional(error.url()),
            path: arena.optional(error.path().map(|path| path.display())),
            is_retryable: error.is_retryable(),
            problems: problems.data,
            problem_count: problems.count,
        }
    }
}

/// A failure inside this library, before it becomes an [`Error`].
#[derive(Debug)]
pub(crate) enum Failure {
    Core(Box<rockon_sync_core::Error>),
    Argument(String),
    Panic(String),
}

impl Failure {
    pub(crate) fn panicked(panic: &(dyn Any + Send)) -> Failure {
        let text = match (panic.downcast_ref::<&str>(), panic.downcast_ref::<String>()) {
            (Some(text), _) => text,
            (None, Some(text)) => text.as_str(),
            (None, None) => "no message",
        };
        Failure::Panic(format!("a bug in rockon-sync: {text}"))
    }

    pub(crate) fn status(&self) -> Status {
        match self {
            Failure::Core(error) => error.kind().into(),
            Failure::Argument(_) => Status::Argument,
            Failure::Panic(_) => Status::Internal,
        }
    }

    pub(crate) fn into_error(self) -> *mut Error {
        let mut arena = Arena::default();
        let status = self.status();
        let view = match self {
            Failure::Core(error) => Error::new(&error, &mut arena),
            Failure::Argument(message) | Failure::Panic(message) => Error {
                status,
                message: arena.text(message),
                url: std::ptr::null(),
                path: std::ptr::null(),
                is_retryable: false,
                problems: std::ptr::null(),
                problem_count: 0,
            },
        };
        Owned::for_c(view, (), arena)
    }
}

impl From<rockon_sync_core::Error> for Failure {
    fn from(error: rockon_sync_core::Error) -> Failure {
        Failure::Core(Box::new(error))
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn rockon_sync_error_free(error: *mut Error) {
    // SAFETY: the header requires an error of this library.
    unsafe { free::<Error, ()>(error) }
}

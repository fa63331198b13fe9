//! Problems of a catalog directory.

use std::ffi::c_char;
use std::mem::MaybeUninit;

use rockon_sync_core::Severity;

use crate::boundary::{Text, part, read, view};
use crate::error::Error;

/// The problem prevents publishing.
pub const ROCKON_SYNC_SEVERITY_ERROR: i32 = 1;
/// The problem does not prevent publishing, but should be looked at.
pub const ROCKON_SYNC_SEVERITY_WARNING: i32 = 2;

/// One problem of a catalog directory, with its location. It belongs to the error or publish report
/// that it came from; do not free it.
///
/// Threads: any number at a time.
pub struct Problem {
    severity: i32,
    file: Text,
    line: u32,
    column: u32,
    message: Text,
}

impl From<&rockon_sync_core::Problem> for Problem {
    fn from(problem: &rockon_sync_core::Problem) -> Problem {
        let (line, column) = problem.position.map_or((0, 0), |place| (place.line, place.column));
        Problem {
            severity: match problem.severity {
                Severity::Error => ROCKON_SYNC_SEVERITY_ERROR,
                Severity::Warning => ROCKON_SYNC_SEVERITY_WARNING,
            },
            file: Text::of(&problem.file),
            line,
            column,
            message: Text::of(&problem.message),
        }
    }
}

/// Returns the number of problems of ROCKON_SYNC_ERROR_CATALOG; 0 for other errors.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_error_problem_count(error: Option<&Error>) -> usize {
    read(error, |error| error.problems.len())
}

/// Returns a problem; NULL beyond the last. It lives as long as the error.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_error_problem(
    error: Option<&Error>,
    index: usize,
) -> Option<&Problem> {
    part(error, |error| error.problems.get(index))
}

/// Returns ROCKON_SYNC_SEVERITY_ERROR or ROCKON_SYNC_SEVERITY_WARNING; 0 for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_problem_severity(problem: Option<&Problem>) -> i32 {
    read(problem, |problem| problem.severity)
}

/// Returns the file, relative to the catalog directory.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_problem_file(
    problem: Option<&Problem>,
    len_bytes: Option<&mut MaybeUninit<usize>>,
) -> *const c_char {
    view(problem, len_bytes, |problem| Some(&problem.file))
}

/// Returns the line, from 1; 0 if the problem concerns the whole file.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_problem_line(problem: Option<&Problem>) -> u32 {
    read(problem, |problem| problem.line)
}

/// Returns the column in characters, from 1; 0 if the problem concerns the whole file.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_problem_column(problem: Option<&Problem>) -> u32 {
    read(problem, |problem| problem.column)
}

/// Returns a description with the expected and the actual value.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_problem_message(
    problem: Option<&Problem>,
    len_bytes: Option<&mut MaybeUninit<usize>>,
) -> *const c_char {
    view(problem, len_bytes, |problem| Some(&problem.message))
}

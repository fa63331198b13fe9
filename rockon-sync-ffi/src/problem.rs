//! Findings in a catalog that is to be published.

use std::ffi::c_char;
use std::mem::MaybeUninit;

use rockon_sync_core::Severity;

use crate::border::{Text, part, read, view};
use crate::error::Error;

/// The finding stands in the way of publishing.
pub const ROCKON_SYNC_SEVERITY_ERROR: i32 = 1;
/// The finding does not, but should be looked at.
pub const ROCKON_SYNC_SEVERITY_WARNING: i32 = 2;

/// One finding in a catalog that is to be published, with its place. It belongs to the
/// error or publish report that it came from, and is not freed.
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

/// How many findings are behind ROCKON_SYNC_ERROR_CATALOG; 0 for other errors.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_error_problem_count(error: Option<&Error>) -> usize {
    read(error, |error| error.problems.len())
}

/// One finding; NULL beyond the last. It lives as long as the error.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_error_problem(
    error: Option<&Error>,
    index: usize,
) -> Option<&Problem> {
    part(error, |error| error.problems.get(index))
}

/// ROCKON_SYNC_SEVERITY_ERROR or ROCKON_SYNC_SEVERITY_WARNING; 0 for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_problem_severity(problem: Option<&Problem>) -> i32 {
    read(problem, |problem| problem.severity)
}

/// The file, relative to the catalog.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_problem_file(
    problem: Option<&Problem>,
    len_bytes: Option<&mut MaybeUninit<usize>>,
) -> *const c_char {
    view(problem, len_bytes, |problem| Some(&problem.file))
}

/// The line, from 1; 0 if the finding is about the whole file.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_problem_line(problem: Option<&Problem>) -> u32 {
    read(problem, |problem| problem.line)
}

/// The column in characters, from 1; 0 if the finding is about the whole file.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_problem_column(problem: Option<&Problem>) -> u32 {
    read(problem, |problem| problem.column)
}

/// What was expected, and what was found.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_problem_message(
    problem: Option<&Problem>,
    len_bytes: Option<&mut MaybeUninit<usize>>,
) -> *const c_char {
    view(problem, len_bytes, |problem| Some(&problem.message))
}

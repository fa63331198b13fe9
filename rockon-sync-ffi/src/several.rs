//! Updates of several sources.

use std::ffi::c_char;
use std::mem::MaybeUninit;

use crate::boundary::{Text, free, part, read, required, run, view};
use crate::error::Error;
use crate::report::Report;
use crate::store::Store;
use crate::update::{Settings, UpdateOptions};

/// The results of updating several sources, one per source.
///
/// Threads: any number at a time.
pub struct UpdateResults {
    results: Vec<UpdateResult>,
}

struct UpdateResult {
    source: Text,
    report: Option<Report>,
    error: Option<Box<Error>>,
}

/// Updates a store from all its sources: those in sources.toml or, without one, those of the last
/// update. They are updated concurrently: a slow or failing source does not affect others.
///
/// options: as for rockon_sync_store_update(). Progress has the name of its source, and is reported
///   on the calling thread.
/// results: receives the results; free them with rockon_sync_update_results_free().
/// Fails with ROCKON_SYNC_ERROR_ARGUMENT, also if sources.toml cannot be read,
/// ROCKON_SYNC_ERROR_NOT_FOUND if there are no sources, ROCKON_SYNC_ERROR_STORE. The failure of a
/// source is not an error here: see rockon_sync_update_results_error().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rockon_sync_store_update_all(
    store: Option<&Store>,
    options: *const UpdateOptions,
    results: Option<&mut MaybeUninit<Box<UpdateResults>>>,
    error: Option<&mut MaybeUninit<Box<Error>>>,
) -> i32 {
    run(error, || {
        // SAFETY: the header requires options of the size they start with.
        let settings = unsafe { Settings::of(options) }?;
        let store = required(store, "store")?;
        let out = required(results, "results")?;
        let done = settings.updater(&store.store).run_followed()?;
        let result = |(name, result): (_, rockon_sync_core::Result<_>)| {
            let source = Text::of(name);
            match result {
                Ok(report) => {
                    UpdateResult { source, report: Some(Report::from(report)), error: None }
                }
                Err(error) => UpdateResult { source, report: None, error: Some(error.into()) },
            }
        };
        out.write(Box::new(UpdateResults { results: done.into_iter().map(result).collect() }));
        Ok(())
    })
}

/// Returns the number of sources, highest priority first.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_update_results_count(results: Option<&UpdateResults>) -> usize {
    read(results, |results| results.results.len())
}

/// Returns the name of a source; NULL beyond the last.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_update_results_source(
    results: Option<&UpdateResults>,
    index: usize,
    len_bytes: Option<&mut MaybeUninit<usize>>,
) -> *const c_char {
    view(results, len_bytes, |results| Some(&results.results.get(index)?.source))
}

/// Returns the report of a source; NULL if its update failed, and beyond the last. It belongs to
/// the results; do not free it.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_update_results_report(
    results: Option<&UpdateResults>,
    index: usize,
) -> Option<&Report> {
    part(results, |results| results.results.get(index)?.report.as_ref())
}

/// Returns the error of a source; NULL if its update succeeded, and beyond the last. It belongs to
/// the results; do not free it.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_update_results_error(
    results: Option<&UpdateResults>,
    index: usize,
) -> Option<&Error> {
    part(results, |results| results.results.get(index)?.error.as_deref())
}

/// Frees the results. NULL is a no-op.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_update_results_free(results: Option<Box<UpdateResults>>) {
    free(results);
}

//! Updates of several sources.

use std::ffi::c_char;
use std::mem::MaybeUninit;

use crate::border::{Text, free, part, read, required, run, view};
use crate::error::Error;
use crate::report::Report;
use crate::store::Store;
use crate::update::{Settings, UpdateOptions};

/// How the updates of several sources ended, each by itself.
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

/// Updates a store from every source that it follows: those of sources.toml, else those of the
/// last update. They run side by side: one that fails or is slow harms no other.
///
/// options: as for rockon_sync_store_update(). Progress names its source, and comes on the
///   calling thread.
/// results: where the results go; free them with rockon_sync_update_results_free().
/// Fails with ROCKON_SYNC_ERROR_ARGUMENT, also for a list that cannot be read,
/// ROCKON_SYNC_ERROR_NOT_FOUND if nothing is followed, ROCKON_SYNC_ERROR_STORE. That an update
/// fails is no failure here: see rockon_sync_update_results_error().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rockon_sync_store_update_all(
    store: Option<&Store>,
    options: *const UpdateOptions,
    results: Option<&mut MaybeUninit<Box<UpdateResults>>>,
    error: Option<&mut MaybeUninit<Box<Error>>>,
) -> i32 {
    run(error, || {
        // SAFETY: the header asks the caller for options of the size they start with.
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

/// How many sources there are, the one with the highest priority first.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_update_results_count(results: Option<&UpdateResults>) -> usize {
    read(results, |results| results.results.len())
}

/// The name of a source; NULL past the end.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_update_results_source(
    results: Option<&UpdateResults>,
    index: usize,
    len_bytes: Option<&mut MaybeUninit<usize>>,
) -> *const c_char {
    view(results, len_bytes, |results| Some(&results.results.get(index)?.source))
}

/// What its update has done; NULL if it failed, and past the end. Part of the results: not to
/// be freed.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_update_results_report(
    results: Option<&UpdateResults>,
    index: usize,
) -> Option<&Report> {
    part(results, |results| results.results.get(index)?.report.as_ref())
}

/// Why its update failed; NULL if it did not, and past the end. Part of the results: not to be
/// freed.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_update_results_error(
    results: Option<&UpdateResults>,
    index: usize,
) -> Option<&Error> {
    part(results, |results| results.results.get(index)?.error.as_deref())
}

/// Frees the results. NULL is fine.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_update_results_free(results: Option<Box<UpdateResults>>) {
    free(results);
}

//! Updates: options, progress, and the run.

use std::ffi::{c_char, c_void};
use std::mem::MaybeUninit;
use std::path::Path;
use std::time::Duration;

use rockon_sync_core::{Freshness, MassDelete, Phase, Rollback, Trust, Updater};

use crate::boundary::{self, Text, Versioned, required, run};
use crate::cancel::CancelToken;
use crate::error::Error;
use crate::report::Report;
use crate::source::Source;
use crate::store::Store;

/// Quick: files with their committed size and time are assumed intact. The default.
pub const ROCKON_SYNC_TRUST_SIZE_AND_TIME: i32 = 0;
/// Verify: every file is compared with its digest; damaged files are fetched again.
pub const ROCKON_SYNC_TRUST_DIGEST: i32 = 1;
/// Full: everything is fetched again.
pub const ROCKON_SYNC_TRUST_NOTHING: i32 = 2;

/// Deleting more than half of the catalog is refused. The default.
pub const ROCKON_SYNC_MASS_DELETE_REFUSE: i32 = 0;
/// Deleting more than half of the catalog is intended.
pub const ROCKON_SYNC_MASS_DELETE_ALLOW: i32 = 1;

/// A head that is older than the current one is refused. The default.
pub const ROCKON_SYNC_ROLLBACK_REFUSE: i32 = 0;
/// An older head is accepted: the publisher went back on purpose.
pub const ROCKON_SYNC_ROLLBACK_ALLOW: i32 = 1;

/// An expired head is accepted, with a warning. The default.
pub const ROCKON_SYNC_FRESHNESS_WARN: i32 = 0;
/// An expired head is refused with ROCKON_SYNC_ERROR_EXPIRED.
pub const ROCKON_SYNC_FRESHNESS_REQUIRE: i32 = 1;

/// Requesting the head and the manifest.
pub const ROCKON_SYNC_PHASE_CHECKING: i32 = 1;
/// Fetching missing files.
pub const ROCKON_SYNC_PHASE_FETCHING: i32 = 2;
/// Building and committing the new generation.
pub const ROCKON_SYNC_PHASE_COMMITTING: i32 = 3;

/// bytes_total of a source that has no sizes (v1).
pub const ROCKON_SYNC_BYTES_UNKNOWN: u64 = 0xffff_ffff_ffff_ffff;

/// The progress of an update. Totals are known in phase FETCHING and later.
///
/// The library sets struct_size; later versions may add fields at the end.
#[repr(C)]
pub struct Progress {
    /// The size of this struct, in bytes.
    pub struct_size: usize,
    /// The name of the source, NUL-terminated; valid during the callback.
    pub source: *const c_char,
    /// ROCKON_SYNC_PHASE_...
    pub phase: i32,
    /// Files fetched so far.
    pub files_done: u64,
    /// Files to fetch; 0 while that is not known, as during the download of a pack.
    pub files_total: u64,
    /// Bytes of the files fetched so far.
    pub bytes_done: u64,
    /// Bytes of the files to fetch, or ROCKON_SYNC_BYTES_UNKNOWN.
    pub bytes_total: u64,
}

/// Receives the progress of an update: at every change of phase, at most ten times a second in
/// between, and once at the end. If it returns anything but 0, the update is canceled as by
/// rockon_sync_cancel_token_cancel(), including the token in the options, and the callback is not
/// called again. After the commit that has no effect, and the update succeeds.
///
/// It is called on the thread that runs the update. progress is valid during the call. It must
/// return: no longjmp(), no C++ exceptions.
pub type ProgressCallback =
    Option<unsafe extern "C" fn(progress: *const Progress, user_data: *mut c_void) -> i32>;

/// Options for an update. Set everything to zero, then struct_size, then the settings that differ
/// from the defaults:
///
///     rockon_sync_update_options options = {0};
///     options.struct_size = sizeof options;
///     options.timeout_ms = 60000;
#[repr(C)]
#[derive(Clone, Copy)]
pub struct UpdateOptions {
    /// sizeof(rockon_sync_update_options), so that the struct can grow at its end.
    pub struct_size: usize,
    /// The time limit of the whole update in milliseconds; 0 for 5 minutes.
    pub timeout_ms: u64,
    /// The lock timeout: the longest wait for another writer of the same source, in milliseconds; 0
    /// to fail at once.
    pub lock_patience_ms: u64,
    /// ROCKON_SYNC_TRUST_...
    pub trust: i32,
    /// ROCKON_SYNC_MASS_DELETE_...
    pub mass_delete: i32,
    /// ROCKON_SYNC_ROLLBACK_...
    pub rollback: i32,
    /// ROCKON_SYNC_FRESHNESS_...
    pub freshness: i32,
    /// Stops the update from another thread; NULL if not needed. It must stay alive until the
    /// update has returned.
    pub cancel: *const CancelToken,
    /// Receives the progress; NULL if not needed.
    pub progress: ProgressCallback,
    /// Passed to progress unchanged.
    pub user_data: *mut c_void,
}

// SAFETY: starts with its size, and has only numbers, pointers and a nullable function. Zero makes
// them 0 and NULL.
unsafe impl Versioned for UpdateOptions {
    const FIRST_SIZE: usize = size_of::<UpdateOptions>();
}

/// Updates the store from a source.
///
/// options: NULL for the defaults.
/// report: receives the report; free it with rockon_sync_report_free(). Entries that could not be
///   fetched are not an error: the outcome is then ROCKON_SYNC_OUTCOME_PARTIAL.
/// Fails with any status but CATALOG and NOT_FOUND. The current generation then stays unchanged,
/// and the next update reuses the files that were fetched and verified.
///
/// Threads: blocks until the update is over. Updates of different sources, also of one store, may
/// run at the same time. The callback may use any function of this library.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rockon_sync_store_update(
    store: Option<&Store>,
    source: Option<&Source>,
    options: *const UpdateOptions,
    report: Option<&mut MaybeUninit<Box<Report>>>,
    error: Option<&mut MaybeUninit<Box<Error>>>,
) -> i32 {
    run(error, || {
        // SAFETY: the header requires options of the size they start with.
        let settings = unsafe { Settings::of(options) }?;
        start(store, source, settings, report, |updater, source| updater.run(source))
    })
}

/// Reports what rockon_sync_store_update() would add, change and remove, without doing it. For a v1
/// source it reports no changed entries.
///
/// Arguments, failures, threads: as for rockon_sync_store_update().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rockon_sync_store_check(
    store: Option<&Store>,
    source: Option<&Source>,
    options: *const UpdateOptions,
    report: Option<&mut MaybeUninit<Box<Report>>>,
    error: Option<&mut MaybeUninit<Box<Error>>>,
) -> i32 {
    run(error, || {
        // SAFETY: the header requires options of the size they start with.
        let settings = unsafe { Settings::of(options) }?;
        start(store, source, settings, report, |updater, source| updater.check(source))
    })
}

/// Updates the store from a bundle, packs/empty-*.tar.zst of a published tree, without a network.
/// The head is read from root.sha beside the bundle, or in its tree.
///
/// source: only its name and its trusted keys are used; no mirror is asked.
/// bundle: the path of the bundle, bundle_len bytes of UTF-8.
/// options: NULL for the defaults.
/// report: receives the report; free it with rockon_sync_report_free(). A bundle that is older than
///   the current state is not an error: the outcome is then ROCKON_SYNC_OUTCOME_STALE.
/// Fails with NOT_FOUND if there is no such file, INTEGRITY if it is not a complete bundle, TRUST
/// if there are trusted keys but no signed head, and like rockon_sync_store_update(). The current
/// generation then stays unchanged.
///
/// Threads: as for rockon_sync_store_update().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rockon_sync_store_import(
    store: Option<&Store>,
    source: Option<&Source>,
    bundle: *const c_char,
    bundle_len: usize,
    options: *const UpdateOptions,
    report: Option<&mut MaybeUninit<Box<Report>>>,
    error: Option<&mut MaybeUninit<Box<Error>>>,
) -> i32 {
    run(error, || {
        // SAFETY: the header requires a text of this length.
        let bundle = unsafe { boundary::text(bundle, bundle_len, "bundle") }?;
        // SAFETY: the header requires options of the size they start with.
        let settings = unsafe { Settings::of(options) }?;
        start(store, source, settings, report, |updater, source| {
            updater.import(source.name(), Path::new(bundle), source.trusted_keys())
        })
    })
}

fn start(
    store: Option<&Store>,
    source: Option<&Source>,
    settings: Settings,
    report: Option<&mut MaybeUninit<Box<Report>>>,
    go: impl FnOnce(
        &mut Updater<'_>,
        &rockon_sync_core::Source,
    ) -> rockon_sync_core::Result<rockon_sync_core::Report>,
) -> Result<(), Box<Error>> {
    let store = required(store, "store")?;
    let source = required(source, "source")?;
    let report = required(report, "report")?;
    let mut updater = settings.updater(&store.store);
    let done = go(&mut updater, &source.source)?;
    report.write(Box::new(done.into()));
    Ok(())
}

/// The validated options of a caller.
pub(crate) struct Settings {
    trust: Trust,
    mass_delete: MassDelete,
    rollback: Rollback,
    freshness: Freshness,
    timeout: Option<Duration>,
    lock_patience: Duration,
    cancel: rockon_sync_core::CancelToken,
    listener: Option<Listener>,
}

impl Settings {
    /// # Safety
    /// `options` is NULL or points to as many bytes as the size it starts with. Its token is NULL
    /// or alive.
    pub(crate) unsafe fn of(options: *const UpdateOptions) -> Result<Settings, Box<Error>> {
        // SAFETY: guaranteed by the caller.
        let options = unsafe { boundary::versioned(options, "options") }?;
        // SAFETY: guaranteed by the caller.
        let cancel = unsafe { options.cancel.as_ref() }
            .map_or_else(Default::default, |token| token.token.clone());
        let listener = options.progress.map(|callback| Listener {
            callback,
            user_data: options.user_data,
            cancel: cancel.clone(),
            is_listening: true,
        });
        Ok(Settings {
            trust: match options.trust {
                ROCKON_SYNC_TRUST_SIZE_AND_TIME => Trust::SizeAndTime,
                ROCKON_SYNC_TRUST_DIGEST => Trust::Digest,
                ROCKON_SYNC_TRUST_NOTHING => Trust::Nothing,
                other => return Err(unknown("trust", other)),
            },
            mass_delete: mass_delete(options.mass_delete)?,
            rollback: match options.rollback {
                ROCKON_SYNC_ROLLBACK_REFUSE => Rollback::Refuse,
                ROCKON_SYNC_ROLLBACK_ALLOW => Rollback::Allow,
                other => return Err(unknown("rollback", other)),
            },
            freshness: match options.freshness {
                ROCKON_SYNC_FRESHNESS_WARN => Freshness::Warn,
                ROCKON_SYNC_FRESHNESS_REQUIRE => Freshness::Require,
                other => return Err(unknown("freshness", other)),
            },
            timeout: (options.timeout_ms != 0).then(|| millis(options.timeout_ms)),
            lock_patience: millis(options.lock_patience_ms),
            cancel,
            listener,
        })
    }

    pub(crate) fn updater(self, store: &rockon_sync_core::Store) -> Updater<'_> {
        let mut updater = Updater::new(store)
            .trust(self.trust)
            .mass_delete(self.mass_delete)
            .rollback(self.rollback)
            .freshness(self.freshness)
            .lock_timeout(self.lock_patience)
            .cancel(self.cancel);
        if let Some(timeout) = self.timeout {
            updater = updater.timeout(timeout);
        }
        if let Some(mut listener) = self.listener {
            updater = updater.progress(move |progress| listener.hear(progress));
        }
        updater
    }
}

/// Returns the mass deletion guard for a constant.
pub(crate) fn mass_delete(choice: i32) -> Result<MassDelete, Box<Error>> {
    match choice {
        ROCKON_SYNC_MASS_DELETE_REFUSE => Ok(MassDelete::Refuse),
        ROCKON_SYNC_MASS_DELETE_ALLOW => Ok(MassDelete::Allow),
        other => Err(unknown("mass_delete", other)),
    }
}

/// Returns the error for an option with an invalid constant.
pub(crate) fn unknown(option: &str, value: i32) -> Box<Error> {
    Error::argument(format!("`options.{option}` is none of its constants: {value}"))
}

/// Longest duration in use: a century, which no clock of a running system overflows.
const LONGEST_MS: u64 = 100 * 365 * 24 * 60 * 60 * 1000;

fn millis(ms: u64) -> Duration {
    Duration::from_millis(ms.min(LONGEST_MS))
}

/// A progress callback and its data.
struct Listener {
    callback: unsafe extern "C" fn(*const Progress, *mut c_void) -> i32,
    user_data: *mut c_void,
    cancel: rockon_sync_core::CancelToken,
    is_listening: bool,
}

impl Listener {
    fn hear(&mut self, now: &rockon_sync_core::Progress) {
        if !self.is_listening {
            return;
        }
        let source = Text::of(&now.source);
        let progress = Progress {
            struct_size: size_of::<Progress>(),
            source: source.as_ptr(),
            phase: match now.phase {
                Phase::Fetching => ROCKON_SYNC_PHASE_FETCHING,
                Phase::Committing => ROCKON_SYNC_PHASE_COMMITTING,
                // Phases without a constant in C come before the fetching.
                _ => ROCKON_SYNC_PHASE_CHECKING,
            },
            files_done: now.files_done,
            files_total: now.files_total,
            bytes_done: now.bytes_done,
            bytes_total: now.bytes_total.unwrap_or(ROCKON_SYNC_BYTES_UNKNOWN),
        };
        // SAFETY: the header requires a function that accepts these arguments during the call, on
        // this thread.
        let wish = unsafe { (self.callback)(&raw const progress, self.user_data) };
        if wish != 0 {
            self.is_listening = false;
            self.cancel.cancel();
        }
    }
}

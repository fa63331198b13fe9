//! Updates: options, progress, the run.

use std::ffi::{c_char, c_void};
use std::mem::MaybeUninit;
use std::path::Path;
use std::time::Duration;

use rockon_sync_core::{Freshness, MassDelete, Phase, Rollback, Trust, Updater};

use crate::border::{self, Text, Versioned, required, run};
use crate::cancel::CancelToken;
use crate::error::Error;
use crate::report::Report;
use crate::source::Source;
use crate::store::Store;

/// Files whose size and time are as committed are taken to be intact. The default.
pub const ROCKON_SYNC_TRUST_SIZE_AND_TIME: i32 = 0;
/// Every file is compared with its digest; what is damaged is fetched again.
pub const ROCKON_SYNC_TRUST_DIGEST: i32 = 1;
/// Nothing is taken on trust: everything is fetched again.
pub const ROCKON_SYNC_TRUST_NOTHING: i32 = 2;

/// Deleting more than half of the catalog is refused. The default.
pub const ROCKON_SYNC_MASS_DELETE_REFUSE: i32 = 0;
/// The caller knows that it is meant.
pub const ROCKON_SYNC_MASS_DELETE_ALLOW: i32 = 1;

/// A head that is older than the one held is not applied. The default.
pub const ROCKON_SYNC_ROLLBACK_REFUSE: i32 = 0;
/// It is applied: the publisher went back on purpose.
pub const ROCKON_SYNC_ROLLBACK_ALLOW: i32 = 1;

/// A head that is past its expiry is applied, with a warning. The default.
pub const ROCKON_SYNC_FRESHNESS_WARN: i32 = 0;
/// It is refused with ROCKON_SYNC_ERROR_EXPIRED.
pub const ROCKON_SYNC_FRESHNESS_REQUIRE: i32 = 1;

/// Asking what there is.
pub const ROCKON_SYNC_PHASE_CHECKING: i32 = 1;
/// Fetching what is missing.
pub const ROCKON_SYNC_PHASE_FETCHING: i32 = 2;
/// Building and committing the new state.
pub const ROCKON_SYNC_PHASE_COMMITTING: i32 = 3;

/// bytes_total of a source that does not tell sizes (v1).
pub const ROCKON_SYNC_BYTES_UNKNOWN: u64 = 0xffff_ffff_ffff_ffff;

/// How far an update is. Totals are known once the phase is FETCHING.
///
/// The library sets struct_size; later versions of it may add fields at the end.
#[repr(C)]
pub struct Progress {
    /// The size of this struct, in bytes.
    pub struct_size: usize,
    /// The name of the source, NUL-terminated; valid during the callback.
    pub source: *const c_char,
    /// ROCKON_SYNC_PHASE_...
    pub phase: i32,
    /// Files done, of those that are to be fetched.
    pub files_done: u64,
    /// Files that are to be fetched.
    pub files_total: u64,
    /// Bytes of those files done.
    pub bytes_done: u64,
    /// Bytes of those files, or ROCKON_SYNC_BYTES_UNKNOWN.
    pub bytes_total: u64,
}

/// Is told how far an update is: at every change of phase, at most ten times a second in
/// between, and a last time at the end. Returning anything but 0 cancels the update, as
/// rockon_sync_cancel_token_cancel() does, also for the token in the options; it is then
/// not called again. After the commit it is too late, and the update succeeds.
///
/// It is called on the thread that runs the update. progress is valid during the call.
/// It must return, so no longjmp() and no C++ exception out of it.
pub type ProgressCallback =
    Option<unsafe extern "C" fn(progress: *const Progress, user_data: *mut c_void) -> i32>;

/// How an update is done. Set everything to zero, then struct_size, then what differs
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
    /// The longest the whole update may take, in milliseconds; 0 for 5 minutes.
    pub timeout_ms: u64,
    /// How long to wait for another writer of the same source, in milliseconds; 0 for
    /// not at all.
    pub lock_patience_ms: u64,
    /// ROCKON_SYNC_TRUST_...
    pub trust: i32,
    /// ROCKON_SYNC_MASS_DELETE_...
    pub mass_delete: i32,
    /// ROCKON_SYNC_ROLLBACK_...
    pub rollback: i32,
    /// ROCKON_SYNC_FRESHNESS_...
    pub freshness: i32,
    /// Stops the update from another thread; NULL if nothing does. It must stay alive
    /// until the update has returned.
    pub cancel: *const CancelToken,
    /// Is told how far the update is; NULL if nobody is.
    pub progress: ProgressCallback,
    /// Handed to progress as it is.
    pub user_data: *mut c_void,
}

// SAFETY: starts with its size; numbers, pointers and a nullable function, which zero
// makes 0 and NULL.
unsafe impl Versioned for UpdateOptions {
    const FIRST_SIZE: usize = size_of::<UpdateOptions>();
}

/// Brings the store in step with a source.
///
/// options: how; NULL for the defaults.
/// report: where the report goes; free it with rockon_sync_report_free(). Entries that
///   could not be fetched are no failure: the outcome is then
///   ROCKON_SYNC_OUTCOME_PARTIAL.
/// Fails with any status but CATALOG and NOT_FOUND. The store then holds what it held
/// before, and what was fetched and verified is not fetched again by the next update.
///
/// Threads: blocks until the update is over. Updates of several sources, also of one
/// store, may run at the same time. The callback may use any function of this library.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rockon_sync_store_update(
    store: Option<&Store>,
    source: Option<&Source>,
    options: *const UpdateOptions,
    report: Option<&mut MaybeUninit<Box<Report>>>,
    error: Option<&mut MaybeUninit<Box<Error>>>,
) -> i32 {
    run(error, || {
        // SAFETY: the header asks the caller for options of the size they start with.
        let settings = unsafe { Settings::of(options) }?;
        start(store, source, settings, report, |updater, source| updater.run(source))
    })
}

/// Finds out what rockon_sync_store_update() would do, without doing it: the report says
/// what would be added, changed and removed. Of a v1 source it tells only what would be
/// added and removed.
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
        // SAFETY: the header asks the caller for options of the size they start with.
        let settings = unsafe { Settings::of(options) }?;
        start(store, source, settings, report, |updater, source| updater.check(source))
    })
}

/// Brings the store in step with a bundle, packs/empty-*.tar.zst of a published tree, without
/// a network. The head is taken from root.sha beside the bundle, or in the tree that it is in.
///
/// source: of it, only the name and the trusted keys count; it is not asked.
/// bundle: the path of the bundle, bundle_len bytes of UTF-8.
/// options: how; NULL for the defaults.
/// report: where the report goes; free it with rockon_sync_report_free(). A bundle that is
///   older than what is held is no failure: the outcome is then ROCKON_SYNC_OUTCOME_STALE.
/// Fails with NOT_FOUND if there is no such file, INTEGRITY if it is no bundle or not a
/// whole one, TRUST if keys ask for a signed head and there is none, and as
/// rockon_sync_store_update() does. The store then holds what it held before.
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
        // SAFETY: the header asks the caller for a text of this length.
        let bundle = unsafe { border::text(bundle, bundle_len, "bundle") }?;
        // SAFETY: the header asks the caller for options of the size they start with.
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

/// The options of a caller, checked.
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
    /// `options` is NULL or points to as many bytes as the size it starts with, and the
    /// token in it is NULL or alive.
    pub(crate) unsafe fn of(options: *const UpdateOptions) -> Result<Settings, Box<Error>> {
        // SAFETY: promised by the caller.
        let options = unsafe { border::versioned(options, "options") }?;
        // SAFETY: promised by the caller.
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
            .lock_patience(self.lock_patience)
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

/// The guard against mass deletion that a caller has chosen.
pub(crate) fn mass_delete(choice: i32) -> Result<MassDelete, Box<Error>> {
    match choice {
        ROCKON_SYNC_MASS_DELETE_REFUSE => Ok(MassDelete::Refuse),
        ROCKON_SYNC_MASS_DELETE_ALLOW => Ok(MassDelete::Allow),
        other => Err(unknown("mass_delete", other)),
    }
}

/// An option with a value that is none of its constants.
pub(crate) fn unknown(option: &str, value: i32) -> Box<Error> {
    Error::argument(format!("`options.{option}` is none of its constants: {value}"))
}

/// Longest time that is counted: a century, which no clock of a running system overflows.
const LONGEST_MS: u64 = 100 * 365 * 24 * 60 * 60 * 1000;

fn millis(ms: u64) -> Duration {
    Duration::from_millis(ms.min(LONGEST_MS))
}

/// Whoever wants to hear of the progress.
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
                // A phase that C has no constant for is before the fetching.
                _ => ROCKON_SYNC_PHASE_CHECKING,
            },
            files_done: now.files_done,
            files_total: now.files_total,
            bytes_done: now.bytes_done,
            bytes_total: now.bytes_total.unwrap_or(ROCKON_SYNC_BYTES_UNKNOWN),
        };
        // SAFETY: the header asks for a function that takes these for the duration of the
        // call, on this thread.
        let wish = unsafe { (self.callback)(&raw const progress, self.user_data) };
        if wish != 0 {
            self.is_listening = false;
            self.cancel.cancel();
        }
    }
}

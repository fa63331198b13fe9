//! Updates: options, progress, and the run.

use std::ffi::{c_char, c_void};
use std::mem::MaybeUninit;
use std::path::Path;
use std::time::Duration;

use rockon_sync_core::{Freshness, MassDelete, Mode as CoreMode, Rollback, Updater};

use crate::arena::{Arena, Owned};
use crate::boundary::{Number, Versioned, is_set, path, required, run, slice, unknown, versioned};
use crate::cancel::CancelToken;
use crate::error::{Error, Failure};
use crate::report::{Report, UpdateResults};
use crate::source::Source;
use crate::status::Status;
use crate::store::Store;

/// The share of the local data that an update checks.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Sizes and times of files. The default.
    Quick = 0,
    /// Digests: damaged files are fetched again.
    Verify = 1,
    /// Nothing: every file is fetched again.
    Full = 2,
}

/// The phase of an update.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Requesting the head and the manifest.
    Checking = 1,
    /// Fetching missing files.
    Fetching = 2,
    /// Building and committing the new generation.
    Committing = 3,
}

/// bytes_total of a source that has no sizes (v1).
pub const ROCKON_SYNC_BYTES_UNKNOWN: u64 = u64::MAX;

/// The progress of an update. Totals are known in phase FETCHING and later.
#[repr(C)]
pub struct Progress {
    /// The name of the source.
    pub source: *const c_char,
    pub phase: Phase,
    pub files_done: u64,
    /// 0 while unknown, as during the download of a pack.
    pub files_total: u64,
    pub bytes_done: u64,
    /// Or ROCKON_SYNC_BYTES_UNKNOWN.
    pub bytes_total: u64,
}

/// Receives the progress of an update: at every change of phase, at most ten times a second in
/// between, and once at the end. If it returns anything but 0, the update is canceled, as by
/// rockon_sync_cancel_token_cancel(), and the callback is not called again. After the commit that
/// has no effect. It is called on the thread that called the update, with a progress that is valid
/// during the call, and must return: no longjmp(), no C++ exceptions.
pub type ProgressCallback =
    Option<unsafe extern "C" fn(progress: *const Progress, user_data: *mut c_void) -> i32>;

/// Options for an update. Start with ROCKON_SYNC_UPDATE_OPTIONS_INIT.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct UpdateOptions {
    /// sizeof(rockon_sync_update_options).
    pub struct_size: usize,
    /// The time limit of the update; 0 for 5 minutes.
    pub timeout_ms: u64,
    /// The longest wait for another writer; 0 to fail at once.
    pub lock_timeout_ms: u64,
    pub mode: MaybeUninit<Mode>,
    /// Accept a head with less than half of the current entries.
    pub allow_mass_delete: MaybeUninit<bool>,
    /// Accept a head that is older than the current one.
    pub allow_rollback: MaybeUninit<bool>,
    /// Refuse an expired head, instead of a warning.
    pub require_fresh: MaybeUninit<bool>,
    /// Lives until the update has returned, or NULL.
    pub cancel: *const CancelToken,
    /// Receives the progress, or NULL.
    pub progress: ProgressCallback,
    /// Passed to progress unchanged.
    pub user_data: *mut c_void,
}

// SAFETY: starts with its size; numbers, pointers, a nullable function, and uninitialized-or-any
// enums and flags. Zero makes them 0 and NULL.
unsafe impl Versioned for UpdateOptions {
    const FIRST_SIZE: usize = size_of::<UpdateOptions>();
}

/// Updates the store from a source.
///
/// If entries could not be fetched, the outcome is PARTIAL. Fails with any status but CATALOG and
/// NOT_FOUND. The store then stays unchanged, and the next update reuses the verified files.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rockon_sync_store_update(
    store: Option<&Store>,
    source: *const Source,
    options: *const UpdateOptions,
    report: Option<&mut MaybeUninit<*mut Report>>,
    error: Option<&mut MaybeUninit<*mut Error>>,
) -> Status {
    run(error, || {
        // SAFETY: the header requires valid structs.
        let call = unsafe { Call::new(store, source, options) }?;
        call.finish(report, |updater, source| updater.run(source))
    })
}

/// Reports what an update would do, without doing it; of a v1 source, no changed entries.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rockon_sync_store_check(
    store: Option<&Store>,
    source: *const Source,
    options: *const UpdateOptions,
    report: Option<&mut MaybeUninit<*mut Report>>,
    error: Option<&mut MaybeUninit<*mut Error>>,
) -> Status {
    run(error, || {
        // SAFETY: the header requires valid structs.
        let call = unsafe { Call::new(store, source, options) }?;
        call.finish(report, |updater, source| updater.check(source))
    })
}

/// Updates the store from a bundle, packs/empty-*.tar.zst of a published tree, without a network.
/// The head is read from root.sha beside the bundle, or in its tree.
///
/// source: only its name and its trusted keys are used; its url is required, but not asked.
/// bundle: the path of the bundle.
/// Other arguments: as for rockon_sync_store_update(). A bundle that is older than the current
///   state is not an error: the outcome is then ROCKON_SYNC_OUTCOME_STALE.
/// Fails with NOT_FOUND if there is no such file, INTEGRITY if it is not a complete bundle, TRUST
/// if there are trusted keys but no signed head, and like rockon_sync_store_update().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rockon_sync_store_import(
    store: Option<&Store>,
    source: *const Source,
    bundle: *const c_char,
    options: *const UpdateOptions,
    report: Option<&mut MaybeUninit<*mut Report>>,
    error: Option<&mut MaybeUninit<*mut Error>>,
) -> Status {
    run(error, || {
        // SAFETY: the header requires a string.
        let bundle: &Path = unsafe { path(bundle, "bundle") }?;
        // SAFETY: the header requires valid structs.
        let call = unsafe { Call::new(store, source, options) }?;
        call.finish(report, |updater, source| {
            updater.import(source.name(), bundle, source.trusted_keys())
        })
    })
}

/// Updates the store from several sources at a time, each with a result of its own.
///
/// sources: the sources, highest priority first. NULL with a count of 0 for those in sources.toml
///   or, without one, those of the last update.
/// Fails with ARGUMENT, also if sources.toml is invalid, NOT_FOUND if there are no sources, STORE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rockon_sync_store_update_all(
    store: Option<&Store>,
    sources: *const *const Source,
    source_count: usize,
    options: *const UpdateOptions,
    results: Option<&mut MaybeUninit<*mut UpdateResults>>,
    error: Option<&mut MaybeUninit<*mut Error>>,
) -> Status {
    run(error, || {
        // SAFETY: the header requires valid structs.
        let settings = unsafe { Settings::read(options) }?;
        // SAFETY: the header requires this many sources.
        let pointers = unsafe { slice(sources, source_count, "sources") }?;
        let mut given = Vec::with_capacity(pointers.len());
        for source in pointers {
            // SAFETY: the header requires valid structs.
            given.push(required(unsafe { Source::read(*source) }?, "sources")?);
        }
        let store = &required(store, "store")?.store;
        let out = required(results, "results")?;
        let mut updater = settings.updater(store);
        let done = match given.is_empty() {
            true => updater.run_followed()?,
            false => {
                let names: Vec<_> = given.iter().map(|source| source.name().clone()).collect();
                names.into_iter().zip(updater.run_all(&given)).collect()
            }
        };
        out.write(UpdateResults::for_c(done));
        Ok(())
    })
}

/// The arguments of a call, converted.
struct Call<'a> {
    store: &'a rockon_sync_core::Store,
    source: rockon_sync_core::Source,
    settings: Settings,
}

impl<'a> Call<'a> {
    /// # Safety
    /// `source` and `options` are NULL or point to as many bytes as the size they start with.
    unsafe fn new(
        store: Option<&'a Store>,
        source: *const Source,
        options: *const UpdateOptions,
    ) -> Result<Call<'a>, Failure> {
        Ok(Call {
            store: &required(store, "store")?.store,
            // SAFETY: guaranteed by the caller.
            source: required(unsafe { Source::read(source) }?, "source")?,
            // SAFETY: guaranteed by the caller.
            settings: unsafe { Settings::read(options) }?,
        })
    }

    fn finish(
        self,
        out: Option<&mut MaybeUninit<*mut Report>>,
        go: impl FnOnce(
            &mut Updater<'_>,
            &rockon_sync_core::Source,
        ) -> rockon_sync_core::Result<rockon_sync_core::Report>,
    ) -> Result<(), Failure> {
        let out = required(out, "report")?;
        let report = go(&mut self.settings.updater(self.store), &self.source)?;
        let mut arena = Arena::default();
        let view = Report::new(&report, &mut arena);
        out.write(Owned::for_c(view, (), arena));
        Ok(())
    }
}

/// The validated options of a caller.
struct Settings {
    mode: CoreMode,
    mass_delete: MassDelete,
    rollback: Rollback,
    freshness: Freshness,
    timeout: Option<Duration>,
    lock_timeout: Duration,
    cancel: rockon_sync_core::CancelToken,
    listener: Option<Listener>,
}

impl Settings {
    /// # Safety
    /// `options` is NULL or points to as many bytes as the size it starts with. Its token is NULL
    /// or alive.
    unsafe fn read(options: *const UpdateOptions) -> Result<Settings, Failure> {
        // SAFETY: guaranteed by the caller.
        let options = unsafe { versioned(options, "options") }?;
        // SAFETY: guaranteed by the caller.
        let cancel = unsafe { options.cancel.as_ref() }
            .map_or_else(Default::default, |token| token.token.clone());
        let listener = options.progress.map(|callback| Listener {
            callback,
            user_data: options.user_data,
            cancel: cancel.clone(),
            is_listening: true,
        });
        let timeout = Duration::from_millis(options.timeout_ms);
        Ok(Settings {
            mode: match options.mode.number() {
                0 => CoreMode::Quick,
                1 => CoreMode::Verify,
                2 => CoreMode::Full,
                other => return Err(unknown("options.mode", other)),
            },
            mass_delete: match is_set(options.allow_mass_delete) {
                true => MassDelete::Allow,
                false => MassDelete::Refuse,
            },
            rollback: match is_set(options.allow_rollback) {
                true => Rollback::Allow,
                false => Rollback::Refuse,
            },
            freshness: match is_set(options.require_fresh) {
                true => Freshness::Require,
                false => Freshness::Warn,
            },
            timeout: Some(timeout).filter(|timeout| !timeout.is_zero()),
            lock_timeout: Duration::from_millis(options.lock_timeout_ms),
            cancel,
            listener,
        })
    }

    fn updater(self, store: &rockon_sync_core::Store) -> Updater<'_> {
        let mut updater = Updater::new(store)
            .mode(self.mode)
            .mass_delete(self.mass_delete)
            .rollback(self.rollback)
            .freshness(self.freshness)
            .lock_timeout(self.lock_timeout)
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

/// A progress callback and its data.
struct Listener {
    callback: unsafe extern "C" fn(*const Progress, *mut c_void) -> i32,
    user_data: *mut c_void,
    cancel: rockon_sync_core::CancelToken,
    is_listening: bool,
}

impl Listener {
    fn hear(&mut self, now: &rockon_sync_core::Progress) {
        use rockon_sync_core::Phase as Core;
        if !self.is_listening {
            return;
        }
        let mut arena = Arena::default();
        let progress = Progress {
            source: arena.text(&now.source),
            phase: match now.phase {
                Core::Fetching => Phase::Fetching,
                Core::Committing => Phase::Committing,
                // Phases without a constant in C come before the fetching.
                _ => Phase::Checking,
            },
            files_done: now.files_done,
            files_total: now.files_total,
            bytes_done: now.bytes_done,
            bytes_total: now.bytes_total.unwrap_or(ROCKON_SYNC_BYTES_UNKNOWN),
        };
        // SAFETY: the header requires a function that accepts these arguments during the call, on
        // this thread.
        let answer = unsafe { (self.callback)(&raw const progress, self.user_data) };
        if answer != 0 {
            self.is_listening = false;
            self.cancel.cancel();
        }
    }
}

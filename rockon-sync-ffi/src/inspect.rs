//! Status of a store and verification of its files.

use std::ffi::c_char;
use std::mem::MaybeUninit;
use std::ptr;

use crate::arena::{Arena, Owned, free};
use crate::boundary::{required, run};
use crate::error::Error;
use crate::report::FailedEntry;
use crate::status::Status;
use crate::store::Store;
use crate::strings::Strings;

/// The status of one source.
#[repr(C)]
pub struct SourceStatus {
    pub name: *const c_char,
    /// Not OK if the source cannot be read: only the name is known.
    pub status: Status,
    /// The reason as a message, or NULL.
    pub message: *const c_char,
    /// The mirrors of the last update.
    pub mirrors: Strings,
    /// The time of the last answer of a mirror; 0 for never.
    pub checked_unix_s: i64,
    pub trusted_keys: Strings,
    /// The current generation; 0 if there is no local copy yet.
    pub generation: u64,
    /// The serial of the current head; 0 without one (v1).
    pub serial: u64,
    /// The times in the head; 0 without.
    pub published_unix_s: i64,
    pub expires_unix_s: i64,
    /// The digest of the current manifest, or NULL.
    pub manifest: *const c_char,
    pub entry_count: usize,
    /// Entries that the last update could not update.
    pub failed: *const *const FailedEntry,
    pub failed_count: usize,
    /// The key list that applies instead of the trusted keys; 0 for none.
    pub key_list_version: u64,
    /// The number of its head keys that must sign a head.
    pub head_threshold: usize,
    pub head_keys: Strings,
}

/// The status of all sources of a store, by name.
#[repr(C)]
pub struct StatusList {
    pub sources: *const *const SourceStatus,
    pub source_count: usize,
}

impl SourceStatus {
    fn new(source: &rockon_sync_core::inspect::SourceStatus, arena: &mut Arena) -> SourceStatus {
        let failed = arena.structs(&source.failed, |(id, kind, message), arena| FailedEntry {
            id: arena.text(id),
            status: Status::named(kind),
            message: arena.text(message),
        });
        let mirrors = arena.texts(&source.mirrors);
        let keys = arena.texts(&source.trusted_keys);
        let head_keys = source.key_list.iter().flat_map(|list| &list.head().keys);
        let head_keys = arena.texts(head_keys);
        let current = source.current.as_ref();
        let unix_s = |time: Option<rockon_sync_core::Timestamp>| time.map_or(0, |at| at.as_unix());
        SourceStatus {
            name: arena.text(&source.name),
            status: source.error.as_ref().map_or(Status::Ok, |error| error.kind.into()),
            message: arena.optional(source.error.as_ref().map(|error| &error.message)),
            mirrors,
            checked_unix_s: unix_s(source.checked),
            trusted_keys: keys,
            generation: current.map_or(0, |current| current.generation),
            serial: current.and_then(|current| current.serial).unwrap_or(0),
            published_unix_s: unix_s(current.and_then(|current| current.published)),
            expires_unix_s: unix_s(current.and_then(|current| current.expires)),
            manifest: current.map_or(ptr::null(), |current| arena.optional(current.manifest)),
            entry_count: current.map_or(0, |current| current.entries),
            failed: failed.data,
            failed_count: failed.count,
            key_list_version: source.key_list.as_ref().map_or(0, |list| list.version()),
            head_threshold: source.key_list.as_ref().map_or(0, |list| list.head().threshold),
            head_keys,
        }
    }
}

/// Reads the status of all sources of a store, without a network. Fails with NOT_FOUND, STORE.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_store_status(
    store: Option<&Store>,
    list: Option<&mut MaybeUninit<*mut StatusList>>,
    error: Option<&mut MaybeUninit<*mut Error>>,
) -> Status {
    run(error, || {
        let store = required(store, "store")?;
        let out = required(list, "list")?;
        let found = store.store.status()?;
        let mut arena = Arena::default();
        let sources = arena.structs(&found, SourceStatus::new);
        let view = StatusList { sources: sources.data, source_count: sources.count };
        out.write(Owned::for_c(view, (), arena));
        Ok(())
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn rockon_sync_status_list_free(list: *mut StatusList) {
    // SAFETY: the header requires a status of this library.
    unsafe { free::<StatusList, ()>(list) }
}

/// The result of verifying one source.
#[repr(C)]
pub struct SourceVerification {
    pub name: *const c_char,
    pub is_intact: bool,
    pub entry_count: usize,
    /// The paths of missing and damaged files.
    pub damaged: Strings,
    /// The number of files that no entry has.
    pub stray_count: usize,
    /// The reason if the head is not signed as it must be, or NULL.
    pub untrusted: *const c_char,
}

/// The result of verifying all sources of a store, by name.
#[repr(C)]
pub struct Verification {
    pub sources: *const *const SourceVerification,
    pub source_count: usize,
}

/// Compares every file of every source with its digest. Changes nothing: an update with
/// ROCKON_SYNC_MODE_VERIFY repairs the damage, which is no error. Fails with NOT_FOUND, STORE.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_store_verify(
    store: Option<&Store>,
    verification: Option<&mut MaybeUninit<*mut Verification>>,
    error: Option<&mut MaybeUninit<*mut Error>>,
) -> Status {
    run(error, || {
        let store = required(store, "store")?;
        let out = required(verification, "verification")?;
        let mut arena = Arena::default();
        let sources = arena.structs(&store.store.verify()?, |found, arena| SourceVerification {
            name: arena.text(&found.name),
            is_intact: found.is_intact(),
            entry_count: found.entries,
            damaged: arena.texts(found.damaged.iter().map(|path| path.display())),
            stray_count: found.strays,
            untrusted: arena.optional(found.untrusted.as_ref()),
        });
        let view = Verification { sources: sources.data, source_count: sources.count };
        out.write(Owned::for_c(view, (), arena));
        Ok(())
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn rockon_sync_verification_free(verification: *mut Verification) {
    // SAFETY: the header requires a verification of this library.
    unsafe { free::<Verification, ()>(verification) }
}

//! Status of a store and verification of its files.

use std::ffi::c_char;
use std::mem::MaybeUninit;

use crate::boundary::{Text, free, number, part, read, required, run, view};
use crate::error::{Error, status_named, status_of};
use crate::report::FailedEntry;
use crate::store::Store;

/// The status of all sources in a store, by name.
///
/// Threads: any number at a time.
pub struct StatusList {
    sources: Vec<SourceStatus>,
}

/// The status of one source. It belongs to the list that it came from; do not free it.
pub struct SourceStatus {
    name: Text,
    locations: Vec<Text>,
    checked: Option<i64>,
    trusted_keys: Vec<Text>,
    held: Option<Held>,
    failed: Vec<FailedEntry>,
    error: Option<(i32, Text)>,
}

struct Held {
    generation: u64,
    serial: Option<u64>,
    published: Option<i64>,
    expires: Option<i64>,
    manifest: Option<Text>,
    entries: usize,
}

impl From<rockon_sync_core::SourceStatus> for SourceStatus {
    fn from(status: rockon_sync_core::SourceStatus) -> SourceStatus {
        let failed = status.failed.into_iter().map(|(id, kind, message)| FailedEntry {
            id: id.into(),
            status: status_named(&kind),
            message: message.into(),
        });
        SourceStatus {
            name: Text::of(&status.name),
            locations: Text::all(status.locations),
            checked: status.checked.map(|time| time.as_unix()),
            trusted_keys: status.trusted_keys.iter().map(Text::of).collect(),
            held: status.current.map(|held| Held {
                generation: held.generation,
                serial: held.serial,
                published: held.published.map(|time| time.as_unix()),
                expires: held.expires.map(|time| time.as_unix()),
                manifest: held.manifest.map(Text::of),
                entries: held.entries,
            }),
            failed: failed.collect(),
            error: status.error.map(|error| (status_of(error.kind), error.message.into())),
        }
    }
}

/// Reads the status of all sources in a store. Uses no network and no lock.
///
/// status: receives the list; free it with rockon_sync_status_list_free().
/// Fails with ROCKON_SYNC_ERROR_NOT_FOUND if there is no store, ROCKON_SYNC_ERROR_STORE.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_store_status(
    store: Option<&Store>,
    status: Option<&mut MaybeUninit<Box<StatusList>>>,
    error: Option<&mut MaybeUninit<Box<Error>>>,
) -> i32 {
    run(error, || {
        let store = required(store, "store")?;
        let out = required(status, "status")?;
        let sources = store.store.status()?.into_iter().map(SourceStatus::from).collect();
        out.write(Box::new(StatusList { sources }));
        Ok(())
    })
}

/// Frees a list. NULL is a no-op.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_status_list_free(status: Option<Box<StatusList>>) {
    free(status);
}

/// Returns the number of sources.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_status_list_len(status: Option<&StatusList>) -> usize {
    read(status, |status| status.sources.len())
}

/// Returns a source; NULL beyond the last.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_status_list_get(
    status: Option<&StatusList>,
    index: usize,
) -> Option<&SourceStatus> {
    part(status, |status| status.sources.get(index))
}

/// Returns the name of the source.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_source_status_name(
    source: Option<&SourceStatus>,
    len_bytes: Option<&mut MaybeUninit<usize>>,
) -> *const c_char {
    view(source, len_bytes, |source| Some(&source.name))
}

/// Returns the number of mirrors at the last update.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_source_status_location_count(source: Option<&SourceStatus>) -> usize {
    read(source, |source| source.locations.len())
}

/// Returns a mirror, without credentials and query; NULL beyond the last.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_source_status_location(
    source: Option<&SourceStatus>,
    index: usize,
    len_bytes: Option<&mut MaybeUninit<usize>>,
) -> *const c_char {
    view(source, len_bytes, |source| source.locations.get(index))
}

/// Returns the number of trusted keys. At least one must have signed the head; with 0 keys,
/// unsigned heads are accepted.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_source_status_trusted_key_count(
    source: Option<&SourceStatus>,
) -> usize {
    read(source, |source| source.trusted_keys.len())
}

/// Returns the text of a trusted key; NULL beyond the last.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_source_status_trusted_key(
    source: Option<&SourceStatus>,
    index: usize,
    len_bytes: Option<&mut MaybeUninit<usize>>,
) -> *const c_char {
    view(source, len_bytes, |source| source.trusted_keys.get(index))
}

/// Returns true if a mirror ever answered; the time of the last answer is written to unix_s, in
/// seconds since 1970-01-01T00:00:00Z. unix_s may be NULL.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_source_status_checked(
    source: Option<&SourceStatus>,
    unix_s: Option<&mut MaybeUninit<i64>>,
) -> bool {
    number(source, unix_s, |source| source.checked)
}

/// Returns true if an update was ever completed; the number of the current generation is written to
/// generation, which may be NULL. Otherwise the functions below return 0, false or NULL.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_source_status_generation(
    source: Option<&SourceStatus>,
    generation: Option<&mut MaybeUninit<u64>>,
) -> bool {
    number(source, generation, |source| Some(source.held.as_ref()?.generation))
}

/// Returns true if the current head has a serial; it is written to serial, which may be NULL.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_source_status_serial(
    source: Option<&SourceStatus>,
    serial: Option<&mut MaybeUninit<u64>>,
) -> bool {
    number(source, serial, |source| source.held.as_ref()?.serial)
}

/// Returns true if the head has a publication time; it is written to unix_s, which may be NULL.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_source_status_published(
    source: Option<&SourceStatus>,
    unix_s: Option<&mut MaybeUninit<i64>>,
) -> bool {
    number(source, unix_s, |source| source.held.as_ref()?.published)
}

/// Returns true if the head has an expiry time; it is written to unix_s, which may be NULL.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_source_status_expires(
    source: Option<&SourceStatus>,
    unix_s: Option<&mut MaybeUninit<i64>>,
) -> bool {
    number(source, unix_s, |source| source.held.as_ref()?.expires)
}

/// Returns the digest of the current manifest (v1: of root.json); NULL if there is none.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_source_status_manifest(
    source: Option<&SourceStatus>,
    len_bytes: Option<&mut MaybeUninit<usize>>,
) -> *const c_char {
    view(source, len_bytes, |source| source.held.as_ref()?.manifest.as_ref())
}

/// Returns the number of entries.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_source_status_entries(source: Option<&SourceStatus>) -> usize {
    read(source, |source| source.held.as_ref().map_or(0, |held| held.entries))
}

/// Returns the number of entries that the last update could not update.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_source_status_failed_count(source: Option<&SourceStatus>) -> usize {
    read(source, |source| source.failed.len())
}

/// Returns the id of a failed entry; NULL beyond the last.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_source_status_failed_id(
    source: Option<&SourceStatus>,
    index: usize,
    len_bytes: Option<&mut MaybeUninit<usize>>,
) -> *const c_char {
    view(source, len_bytes, |source| source.failed.get(index).map(|failed| &failed.id))
}

/// Returns the error of a failed entry: ROCKON_SYNC_ERROR_...; ROCKON_SYNC_OK beyond the last.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_source_status_failed_status(
    source: Option<&SourceStatus>,
    index: usize,
) -> i32 {
    read(source, |source| source.failed.get(index).map_or(0, |failed| failed.status))
}

/// Returns the error of a failed entry as a message; NULL beyond the last.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_source_status_failed_message(
    source: Option<&SourceStatus>,
    index: usize,
    len_bytes: Option<&mut MaybeUninit<usize>>,
) -> *const c_char {
    view(source, len_bytes, |source| source.failed.get(index).map(|failed| &failed.message))
}

/// The kind of the error that keeps a source from being read: ROCKON_SYNC_ERROR_...;
/// ROCKON_SYNC_OK if there is none. With an error, nothing but the name is known.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_source_status_error(source: Option<&SourceStatus>) -> i32 {
    read(source, |source| source.error.as_ref().map_or(0, |(status, _)| *status))
}

/// The error in words; NULL if there is none.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_source_status_error_message(
    source: Option<&SourceStatus>,
    len_bytes: Option<&mut MaybeUninit<usize>>,
) -> *const c_char {
    view(source, len_bytes, |source| source.error.as_ref().map(|(_, message)| message))
}

/// The result of comparing every file of a store with its digest, by source.
///
/// Threads: any number at a time.
pub struct VerificationList {
    sources: Vec<Verification>,
}

/// The result for one source. It belongs to the list that it came from; do not free it.
pub struct Verification {
    name: Text,
    entries: usize,
    damaged: Vec<Text>,
    strays: usize,
    intact: bool,
}

impl From<rockon_sync_core::Verification> for Verification {
    fn from(found: rockon_sync_core::Verification) -> Verification {
        Verification {
            name: Text::of(&found.name),
            entries: found.entries,
            damaged: found.damaged.iter().map(|path| Text::of_path(path)).collect(),
            strays: found.strays,
            intact: found.is_intact(),
        }
    }
}

/// Compares every file of every source with its digest. Changes nothing: an update with
/// ROCKON_SYNC_TRUST_DIGEST repairs the damage.
///
/// found: receives the list; free it with rockon_sync_verification_list_free().
/// Fails with ROCKON_SYNC_ERROR_NOT_FOUND if there is no store, ROCKON_SYNC_ERROR_STORE if
/// something cannot be read. Damage is not an error.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_store_verify(
    store: Option<&Store>,
    found: Option<&mut MaybeUninit<Box<VerificationList>>>,
    error: Option<&mut MaybeUninit<Box<Error>>>,
) -> i32 {
    run(error, || {
        let store = required(store, "store")?;
        let out = required(found, "found")?;
        let sources = store.store.verify()?.into_iter().map(Verification::from).collect();
        out.write(Box::new(VerificationList { sources }));
        Ok(())
    })
}

/// Frees a list. NULL is a no-op.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_verification_list_free(found: Option<Box<VerificationList>>) {
    free(found);
}

/// Returns the number of verified sources: those that have a generation.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_verification_list_len(found: Option<&VerificationList>) -> usize {
    read(found, |found| found.sources.len())
}

/// Returns the result for one source; NULL beyond the last.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_verification_list_get(
    found: Option<&VerificationList>,
    index: usize,
) -> Option<&Verification> {
    part(found, |found| found.sources.get(index))
}

/// Returns the name of the source.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_verification_source(
    found: Option<&Verification>,
    len_bytes: Option<&mut MaybeUninit<usize>>,
) -> *const c_char {
    view(found, len_bytes, |found| Some(&found.name))
}

/// Returns true if all files are as they were committed; false for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_verification_is_intact(found: Option<&Verification>) -> bool {
    read(found, |found| found.intact)
}

/// Returns the number of verified entries.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_verification_entries(found: Option<&Verification>) -> usize {
    read(found, |found| found.entries)
}

/// Returns the number of files that are missing or changed.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_verification_damaged_count(found: Option<&Verification>) -> usize {
    read(found, |found| found.damaged.len())
}

/// Returns the path of a missing or changed file; NULL beyond the last.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_verification_damaged(
    found: Option<&Verification>,
    index: usize,
    len_bytes: Option<&mut MaybeUninit<usize>>,
) -> *const c_char {
    view(found, len_bytes, |found| found.damaged.get(index))
}

/// Returns the number of files that were not written by an update.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_verification_strays(found: Option<&Verification>) -> usize {
    read(found, |found| found.strays)
}

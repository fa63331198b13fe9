//! Sources.

use std::ffi::c_char;
use std::mem::MaybeUninit;

use rockon_sync_core::{Location, SourceName};

use crate::boundary::{free, required, run, text};
use crate::error::Error;

/// A named catalog, and the mirrors that serve it.
///
/// Threads: any number at a time for const functions; functions that modify it need exclusive
/// access.
pub struct Source {
    pub(crate) source: rockon_sync_core::Source,
    credentials: rockon_sync_core::Credentials,
}

/// Creates a source with one mirror.
///
/// name: the name, UTF-8, of name_len bytes: lower-case letters, digits, '-', '_' and '.', at most
///   64 bytes. It is also the name of the source's directory in the store. If there is only one
///   source, use "rockstor".
/// location: the mirror: an http, https or file URL, or the path of a directory, UTF-8, of
///   location_len bytes. If it ends in ".sha", it is the head itself.
/// source: receives the handle; free it with rockon_sync_source_free().
/// Fails with ROCKON_SYNC_ERROR_ARGUMENT.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rockon_sync_source_new(
    name: *const c_char,
    name_len: usize,
    location: *const c_char,
    location_len: usize,
    source: Option<&mut MaybeUninit<Box<Source>>>,
    error: Option<&mut MaybeUninit<Box<Error>>>,
) -> i32 {
    run(error, || {
        // SAFETY: the header requires this many bytes.
        let name = unsafe { text(name, name_len, "name") }?;
        // SAFETY: as above.
        let location = unsafe { text(location, location_len, "location") }?;
        let out = required(source, "source")?;
        let (name, location): (SourceName, Location) = (name.parse()?, location.parse()?);
        let source = rockon_sync_core::Source::new(name, location);
        out.write(Box::new(Source { source, credentials: Default::default() }));
        Ok(())
    })
}

/// Adds a mirror, which is tried after the earlier ones fail.
///
/// location: as for rockon_sync_source_new().
/// Fails with ROCKON_SYNC_ERROR_ARGUMENT; the source then stays unchanged.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rockon_sync_source_add_mirror(
    source: Option<&mut Source>,
    location: *const c_char,
    location_len: usize,
    error: Option<&mut MaybeUninit<Box<Error>>>,
) -> i32 {
    run(error, || {
        let source = required(source, "source")?;
        // SAFETY: the header requires this many bytes.
        let location = unsafe { text(location, location_len, "location") }?;
        let location: Location = location.parse()?;
        source.source = source.source.clone().with_mirror(location);
        Ok(())
    })
}

/// Trusts a key. With trusted keys, only heads with a good signature by one of them are accepted,
/// from every mirror. An update that accepts such a head stores the keys of the source, in place of
/// earlier ones. If the source has no keys, the stored ones apply.
///
/// key: the text of the key, UTF-8, of key_len bytes, as returned by
///   rockon_sync_verifier_key_text(). Adding a trusted key again has no effect.
/// Fails with ROCKON_SYNC_ERROR_ARGUMENT; the source then stays unchanged.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rockon_sync_source_trust_key(
    source: Option<&mut Source>,
    key: *const c_char,
    key_len: usize,
    error: Option<&mut MaybeUninit<Box<Error>>>,
) -> i32 {
    run(error, || {
        let source = required(source, "source")?;
        // SAFETY: the header requires this many bytes.
        let key = unsafe { text(key, key_len, "key") }?;
        source.source = source.source.clone().trust_key(key)?;
        Ok(())
    })
}

/// Sets the time limit for updates of this source, in milliseconds. It overrides the limit in the
/// options of the update. NULL is a no-op.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_source_set_timeout(source: Option<&mut Source>, timeout_ms: u64) {
    if let Some(source) = source {
        let timeout = std::time::Duration::from_millis(timeout_ms.min(LONGEST_MS));
        source.source = source.source.clone().with_timeout(timeout);
    }
}

/// A century, which no clock of a running system overflows.
const LONGEST_MS: u64 = 100 * 365 * 24 * 60 * 60 * 1000;

/// Adds a token to the query of every request to the hosts of the source's mirrors. It is sent to
/// no other host, and never appears in messages or files.
///
/// name: the name of the query parameter, UTF-8, of name_len bytes.
/// value: the token, UTF-8, of value_len bytes.
/// Fails with ROCKON_SYNC_ERROR_ARGUMENT; the source then stays unchanged.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rockon_sync_source_add_token(
    source: Option<&mut Source>,
    name: *const c_char,
    name_len: usize,
    value: *const c_char,
    value_len: usize,
    error: Option<&mut MaybeUninit<Box<Error>>>,
) -> i32 {
    run(error, || {
        // SAFETY: the header requires this many bytes.
        let name = unsafe { text(name, name_len, "name") }?;
        // SAFETY: as above.
        let value = unsafe { text(value, value_len, "value") }?;
        required(source, "source")?.open(|credentials| Ok(credentials.with_query(name, value)))
    })
}

/// Adds a header to every request to the same hosts as a token.
///
/// name: its name, of name_len bytes. Headers that the library sets itself are refused.
/// value: its value, of value_len bytes.
/// Fails with ROCKON_SYNC_ERROR_ARGUMENT; the source then stays unchanged.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rockon_sync_source_add_header(
    source: Option<&mut Source>,
    name: *const c_char,
    name_len: usize,
    value: *const c_char,
    value_len: usize,
    error: Option<&mut MaybeUninit<Box<Error>>>,
) -> i32 {
    run(error, || {
        // SAFETY: the header requires this many bytes.
        let name = unsafe { text(name, name_len, "name") }?;
        // SAFETY: as above.
        let value = unsafe { text(value, value_len, "value") }?;
        required(source, "source")?.open(|credentials| credentials.with_header(name, value))
    })
}

/// Sends user and password with every request to the same hosts as a token.
///
/// user, password: UTF-8, of user_len and password_len bytes.
/// Fails with ROCKON_SYNC_ERROR_ARGUMENT; the source then stays unchanged.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rockon_sync_source_set_password(
    source: Option<&mut Source>,
    user: *const c_char,
    user_len: usize,
    password: *const c_char,
    password_len: usize,
    error: Option<&mut MaybeUninit<Box<Error>>>,
) -> i32 {
    run(error, || {
        // SAFETY: the header requires this many bytes.
        let user = unsafe { text(user, user_len, "user") }?;
        // SAFETY: as above.
        let password = unsafe { text(password, password_len, "password") }?;
        required(source, "source")?.open(|credentials| credentials.with_password(user, password))
    })
}

impl Source {
    /// Replaces the source's credentials with the result of `change`.
    fn open(
        &mut self,
        change: impl FnOnce(
            rockon_sync_core::Credentials,
        ) -> rockon_sync_core::Result<rockon_sync_core::Credentials>,
    ) -> Result<(), Box<Error>> {
        self.credentials = change(self.credentials.clone())?;
        self.source = self.source.clone().with_credentials(self.credentials.clone());
        Ok(())
    }
}

/// Frees a source. NULL is a no-op.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_source_free(source: Option<Box<Source>>) {
    free(source);
}

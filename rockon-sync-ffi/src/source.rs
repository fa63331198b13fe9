//! Sources.

use std::ffi::c_char;
use std::mem::MaybeUninit;

use rockon_sync_core::{Location, SourceName};

use crate::border::{free, required, run, text};
use crate::error::Error;

/// Where a catalog comes from: a name, and one or more trees that have it.
///
/// Threads: any number at a time, but the functions that change it need it for themselves.
pub struct Source {
    pub(crate) source: rockon_sync_core::Source,
    credentials: rockon_sync_core::Credentials,
}

/// Makes a source with one tree.
///
/// name: the name, UTF-8, of name_len bytes: lower-case letters, digits, '-', '_' and
///   '.', at most 64 bytes. It is also the name of the source's folder in the store.
///   Who follows only one source calls it "rockstor".
/// location: an http, https or file URL, or the path of a folder, UTF-8, of location_len
///   bytes. One that ends in ".sha" names the head itself.
/// source: where the handle goes; free it with rockon_sync_source_free().
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
        // SAFETY: the header asks the caller for so many bytes.
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

/// Adds a tree that has the same catalog; it is asked when the ones before it fail.
///
/// location: as for rockon_sync_source_new().
/// Fails with ROCKON_SYNC_ERROR_ARGUMENT; the source stays as it was.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rockon_sync_source_add_mirror(
    source: Option<&mut Source>,
    location: *const c_char,
    location_len: usize,
    error: Option<&mut MaybeUninit<Box<Error>>>,
) -> i32 {
    run(error, || {
        let source = required(source, "source")?;
        // SAFETY: the header asks the caller for so many bytes.
        let location = unsafe { text(location, location_len, "location") }?;
        let location: Location = location.parse()?;
        source.source = source.source.clone().with_mirror(location);
        Ok(())
    })
}

/// Trusts a key: only a head with a good signature of a trusted key is taken, from
/// whatever tree. An update that finds one remembers the keys in the store, instead of
/// those of before; without keys here, those remembered are asked for.
///
/// key: the text of the key, UTF-8, of key_len bytes, as rockon_sync_verifier_key_text()
///   has it. A key that is trusted already changes nothing.
/// Fails with ROCKON_SYNC_ERROR_ARGUMENT; the source stays as it was.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rockon_sync_source_trust_key(
    source: Option<&mut Source>,
    key: *const c_char,
    key_len: usize,
    error: Option<&mut MaybeUninit<Box<Error>>>,
) -> i32 {
    run(error, || {
        let source = required(source, "source")?;
        // SAFETY: the header asks the caller for so many bytes.
        let key = unsafe { text(key, key_len, "key") }?;
        source.source = source.source.clone().trust_key(key)?;
        Ok(())
    })
}

/// Sets the longest that an update of this source may take, in milliseconds, whatever the
/// options of the update say. NULL is fine.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_source_set_timeout(source: Option<&mut Source>, timeout_ms: u64) {
    if let Some(source) = source {
        let timeout = std::time::Duration::from_millis(timeout_ms.min(LONGEST_MS));
        source.source = source.source.clone().with_timeout(timeout);
    }
}

/// A century, which no clock of a running system overflows.
const LONGEST_MS: u64 = 100 * 365 * 24 * 60 * 60 * 1000;

/// Sends a token in the query of each request to the hosts of the source's own trees; to no
/// other host, and it appears in no message or file.
///
/// name: what it is called in the query, UTF-8, of name_len bytes.
/// value: the token, UTF-8, of value_len bytes.
/// Fails with ROCKON_SYNC_ERROR_ARGUMENT; the source stays as it was.
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
        // SAFETY: the header asks the caller for so many bytes.
        let name = unsafe { text(name, name_len, "name") }?;
        // SAFETY: as above.
        let value = unsafe { text(value, value_len, "value") }?;
        required(source, "source")?.open(|credentials| Ok(credentials.with_query(name, value)))
    })
}

/// Sends a header with each request, to the same hosts.
///
/// name: its name, of name_len bytes; not one that belongs to the request itself.
/// value: its value, of value_len bytes.
/// Fails with ROCKON_SYNC_ERROR_ARGUMENT; the source stays as it was.
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
        // SAFETY: the header asks the caller for so many bytes.
        let name = unsafe { text(name, name_len, "name") }?;
        // SAFETY: as above.
        let value = unsafe { text(value, value_len, "value") }?;
        required(source, "source")?.open(|credentials| credentials.with_header(name, value))
    })
}

/// Sends user and password with each request, to the same hosts.
///
/// user, password: UTF-8, of user_len and password_len bytes.
/// Fails with ROCKON_SYNC_ERROR_ARGUMENT; the source stays as it was.
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
        // SAFETY: the header asks the caller for so many bytes.
        let user = unsafe { text(user, user_len, "user") }?;
        // SAFETY: as above.
        let password = unsafe { text(password, password_len, "password") }?;
        required(source, "source")?.open(|credentials| credentials.with_password(user, password))
    })
}

impl Source {
    /// Opens the source with what `change` makes of its credentials.
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

/// Frees a source. NULL is fine.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_source_free(source: Option<Box<Source>>) {
    free(source);
}

//! Sources.

use std::ffi::c_char;
use std::time::Duration;

use rockon_sync_core::{Credentials, SourceName};

use crate::boundary::{Versioned, optional, text, texts, versioned};
use crate::error::Failure;

/// A named catalog, the mirrors that serve it, and what is needed to use them. Start with
/// ROCKON_SYNC_SOURCE_INIT. Functions copy what they need before they return or call back.
///
/// Credentials are sent only to the hosts of the mirrors, and never appear in messages or files.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Source {
    /// sizeof(rockon_sync_source).
    pub struct_size: usize,
    /// The name, also that of the source's directory in the store: lower-case letters, digits, '-',
    /// '_' and '.', at most 64 bytes. NULL for "rockstor".
    pub name: *const c_char,
    /// The first mirror: an http, https or file URL, or the path of a directory. If it ends in
    /// ".sha", it is the head itself.
    pub url: *const c_char,
    /// Further mirrors, which are asked if earlier ones fail.
    pub mirrors: *const *const c_char,
    pub mirror_count: usize,
    /// Public keys. At least one must have signed the head, whichever mirror it comes from. An
    /// update that accepts such a head stores the keys, in place of earlier ones. Without keys, the
    /// stored ones apply.
    pub trusted_keys: *const *const c_char,
    pub trusted_key_count: usize,
    /// The time limit for updates of this source; 0 for that of the update.
    pub timeout_ms: u64,
    /// A token for the query of every request, or NULL.
    pub token: *const c_char,
    /// The name of the token in the query; NULL for "token".
    pub token_name: *const c_char,
    /// The user name and password of HTTP authentication, or NULL.
    pub user: *const c_char,
    pub password: *const c_char,
    /// Further request headers, each as "Name: value".
    pub headers: *const *const c_char,
    pub header_count: usize,
}

// SAFETY: starts with its size; numbers and pointers.
unsafe impl Versioned for Source {
    const FIRST_SIZE: usize = size_of::<Source>();
}

impl Source {
    /// Converts a source that the caller lends; `None` for NULL.
    ///
    /// # Safety
    /// `source` is NULL or points to as many bytes as the size it starts with. Its strings and
    /// arrays are valid.
    ///
    /// # Errors
    /// `ROCKON_SYNC_STATUS_ARGUMENT`.
    pub(crate) unsafe fn read(
        source: *const Source,
    ) -> Result<Option<rockon_sync_core::Source>, Failure> {
        if source.is_null() {
            return Ok(None);
        }
        // SAFETY: guaranteed by the caller, as for all pointers in this function.
        let raw = unsafe { versioned(source, "source") }?;
        // SAFETY: as above.
        let name = match unsafe { optional(raw.name, "source.name") }? {
            Some(name) => name.parse()?,
            None => SourceName::default(),
        };
        // SAFETY: as above.
        let url = unsafe { text(raw.url, "source.url") }?;
        let mut source = rockon_sync_core::Source::new(name, url.parse()?);
        // SAFETY: as above.
        for mirror in unsafe { texts(raw.mirrors, raw.mirror_count, "source.mirrors") }? {
            source = source.with_mirror(mirror.parse()?);
        }
        let (keys, count) = (raw.trusted_keys, raw.trusted_key_count);
        // SAFETY: as above.
        for key in unsafe { texts(keys, count, "source.trusted_keys") }? {
            source = source.trust_key(key)?;
        }
        if raw.timeout_ms != 0 {
            source = source.with_timeout(Duration::from_millis(raw.timeout_ms));
        }
        // SAFETY: as above.
        let credentials = unsafe { raw.credentials() }?;
        if !credentials.is_empty() {
            source = source.with_credentials(credentials);
        }
        Ok(Some(source))
    }

    /// # Safety
    /// The strings and arrays are valid.
    unsafe fn credentials(&self) -> Result<Credentials, Failure> {
        let mut credentials = Credentials::new();
        // SAFETY: guaranteed by the caller, as for all pointers in this function.
        if let Some(token) = unsafe { optional(self.token, "source.token") }? {
            // SAFETY: as above.
            let name = unsafe { optional(self.token_name, "source.token_name") }?;
            credentials = credentials.with_query(name.unwrap_or("token"), token);
        }
        // SAFETY: as above.
        if let Some(user) = unsafe { optional(self.user, "source.user") }? {
            // SAFETY: as above.
            let password = unsafe { text(self.password, "source.password") }?;
            credentials = credentials.with_password(user, password)?;
        }
        // SAFETY: as above.
        for header in unsafe { texts(self.headers, self.header_count, "source.headers") }? {
            let Some((name, value)) = header.split_once(':') else {
                let message = "`source.headers`: expected \"Name: value\"".to_owned();
                return Err(Failure::Argument(message));
            };
            credentials = credentials.with_header(name.trim(), value.trim())?;
        }
        Ok(credentials)
    }
}

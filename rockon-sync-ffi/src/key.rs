//! Keys to sign and to verify heads.

use std::ffi::c_char;
use std::mem::MaybeUninit;

use rockon_sync_core::SigningKey;

use crate::boundary::{Text, free, required, run, text, view};
use crate::error::Error;

/// The public half of a key, for clients to trust.
///
/// Threads: any number at a time.
pub struct VerifierKey {
    text: Text,
}

/// Creates a key pair. The private key is written to a new file that only its owner may read, for
/// rockon_sync_publish_options.sign_key_files. The public key is for
/// rockon_sync_source_trust_key().
///
/// name: the name of the key, UTF-8, of name_len bytes, without spaces and '+'. Preferably a URL
///   without its scheme, for example "example.org/rockons".
/// file: the path of the file, UTF-8, of file_len bytes. It must not exist yet.
/// key: receives the public key; free it with rockon_sync_verifier_key_free().
/// Fails with ROCKON_SYNC_ERROR_ARGUMENT, ROCKON_SYNC_ERROR_STORE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rockon_sync_keygen(
    name: *const c_char,
    name_len: usize,
    file: *const c_char,
    file_len: usize,
    key: Option<&mut MaybeUninit<Box<VerifierKey>>>,
    error: Option<&mut MaybeUninit<Box<Error>>>,
) -> i32 {
    run(error, || {
        // SAFETY: the header requires this many bytes.
        let name = unsafe { text(name, name_len, "name") }?;
        // SAFETY: as above.
        let file = unsafe { text(file, file_len, "file") }?;
        let out = required(key, "key")?;
        let signing = SigningKey::generate(name)?;
        signing.write(file)?;
        out.write(Box::new(VerifierKey { text: Text::of(signing.verifier_key()) }));
        Ok(())
    })
}

/// Returns the text of the key: its name, its hash and its base64, separated by '+'.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_verifier_key_text(
    key: Option<&VerifierKey>,
    len_bytes: Option<&mut MaybeUninit<usize>>,
) -> *const c_char {
    view(key, len_bytes, |key| Some(&key.text))
}

/// Frees a key. NULL is a no-op.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_verifier_key_free(key: Option<Box<VerifierKey>>) {
    free(key);
}

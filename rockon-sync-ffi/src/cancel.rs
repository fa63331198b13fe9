//! Cancel tokens.

use std::mem::MaybeUninit;

use crate::boundary::{free, read, required, run};
use crate::error::Error;

/// Stops updates from another thread. Pass it in the options of an update, then cancel it at any
/// time. A token stays canceled, so use a new one for each run, or one for several runs that stop
/// together.
///
/// Threads: any number at a time. Not for signal handlers.
pub struct CancelToken {
    pub(crate) token: rockon_sync_core::CancelToken,
}

/// Creates a token.
///
/// token: receives the handle; free it with rockon_sync_cancel_token_free().
/// Fails with ROCKON_SYNC_ERROR_ARGUMENT for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_cancel_token_new(
    token: Option<&mut MaybeUninit<Box<CancelToken>>>,
    error: Option<&mut MaybeUninit<Box<Error>>>,
) -> i32 {
    run(error, || {
        let token = required(token, "token")?;
        token.write(Box::new(CancelToken { token: rockon_sync_core::CancelToken::new() }));
        Ok(())
    })
}

/// Stops the runs that use this token. They fail with ROCKON_SYNC_ERROR_CANCELED and leave the
/// store unchanged. A run that waits for a silent server stops after at most 10 seconds. May be
/// called any number of times. NULL is a no-op.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_cancel_token_cancel(token: Option<&CancelToken>) {
    read(token, |token| token.token.cancel());
}

/// Returns true if the token was canceled.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_cancel_token_is_canceled(token: Option<&CancelToken>) -> bool {
    read(token, |token| token.token.is_canceled())
}

/// Frees a token. NULL is a no-op. No other thread may use it any more.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_cancel_token_free(token: Option<Box<CancelToken>>) {
    free(token);
}

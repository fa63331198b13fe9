//! Cancel tokens.

use std::mem::MaybeUninit;

use crate::border::{free, read, required, run};
use crate::error::Error;

/// Stops an update from another thread: hand it to the update in its options, then
/// cancel it whenever that is wanted. A token stays canceled, so it is for one run, or
/// for several that shall stop together.
///
/// Threads: any number at a time. Not for signal handlers.
pub struct CancelToken {
    pub(crate) token: rockon_sync_core::CancelToken,
}

/// Makes a token.
///
/// token: where the handle goes; free it with rockon_sync_cancel_token_free().
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

/// Asks the runs that have this token to stop. They end with
/// ROCKON_SYNC_ERROR_CANCELED and leave the store as it was; one that waits for a silent
/// server notices when that wait is over, after 10 seconds at most. May be called any
/// number of times; for NULL nothing happens.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_cancel_token_cancel(token: Option<&CancelToken>) {
    read(token, |token| token.token.cancel());
}

/// Whether the token was canceled.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_cancel_token_is_canceled(token: Option<&CancelToken>) -> bool {
    read(token, |token| token.token.is_canceled())
}

/// Frees a token. NULL is fine. No other thread may be about to cancel it.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_cancel_token_free(token: Option<Box<CancelToken>>) {
    free(token);
}

//! Cancel tokens.

use crate::boundary::guarded;

/// Stops updates from another thread, but not from a signal handler. A token stays canceled.
pub struct CancelToken {
    pub(crate) token: rockon_sync_core::CancelToken,
}

/// Returns a new token; free it with rockon_sync_cancel_token_free().
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_cancel_token_new() -> Box<CancelToken> {
    Box::new(CancelToken { token: rockon_sync_core::CancelToken::new() })
}

/// Stops the calls that use this token: within a second, also while a server is silent, they fail
/// with CANCELED and leave the store unchanged. May be called any number of times. NULL is a no-op.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_cancel_token_cancel(token: Option<&CancelToken>) {
    if let Some(token) = token {
        token.token.cancel();
    }
}

/// Returns true if the token was canceled; false for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_cancel_token_is_canceled(token: Option<&CancelToken>) -> bool {
    token.is_some_and(|token| token.token.is_canceled())
}

/// Frees a token. NULL is a no-op. No running call may use it any more.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_cancel_token_free(token: Option<Box<CancelToken>>) {
    let _ = guarded(|| drop(token));
}

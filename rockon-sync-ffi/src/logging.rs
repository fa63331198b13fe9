//! The one global: where log records go.

use std::ffi::{c_char, c_void};
use std::mem::MaybeUninit;
use std::sync::{Once, PoisonError, RwLock};

use log::{Level, LevelFilter, Log, Metadata, Record};

use crate::border::{Text, run};
use crate::error::Error;

/// Something failed for good.
pub const ROCKON_SYNC_LOG_ERROR: i32 = 1;
/// Something is odd, and was coped with.
pub const ROCKON_SYNC_LOG_WARN: i32 = 2;
/// What is being done.
pub const ROCKON_SYNC_LOG_INFO: i32 = 3;
/// Every request.
pub const ROCKON_SYNC_LOG_DEBUG: i32 = 4;
/// Everything.
pub const ROCKON_SYNC_LOG_TRACE: i32 = 5;

/// Takes one log record: its level (ROCKON_SYNC_LOG_...) and its text, which is UTF-8,
/// NUL-terminated, of message_len bytes, and valid during the call. No secrets are in it.
///
/// It is called from any thread that works for this library, also from several at a
/// time. It must return and must not call functions of this library.
pub type LogCallback = Option<
    unsafe extern "C" fn(
        level: i32,
        message: *const c_char,
        message_len: usize,
        user_data: *mut c_void,
    ),
>;

/// Who takes the records.
struct Taker {
    callback: unsafe extern "C" fn(i32, *const c_char, usize, *mut c_void),
    user_data: *mut c_void,
}

// SAFETY: the header tells that the callback is called from any thread, so that what
// `user_data` points to is made for it.
unsafe impl Send for Taker {}
// SAFETY: as above, also from several at a time.
unsafe impl Sync for Taker {}

static TAKER: RwLock<Option<Taker>> = RwLock::new(None);

/// The targets of the core's records start with its name.
const CORE: &str = "rockon_sync";

struct Bridge;

impl Log for Bridge {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().split("::").next() == Some(CORE)
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let taker = TAKER.read().unwrap_or_else(PoisonError::into_inner);
        let Some(taker) = &*taker else {
            return;
        };
        let level = match record.level() {
            Level::Error => ROCKON_SYNC_LOG_ERROR,
            Level::Warn => ROCKON_SYNC_LOG_WARN,
            Level::Info => ROCKON_SYNC_LOG_INFO,
            Level::Debug => ROCKON_SYNC_LOG_DEBUG,
            Level::Trace => ROCKON_SYNC_LOG_TRACE,
        };
        let message = Text::of(record.args());
        // SAFETY: the header asks for a function that takes these for the duration of the
        // call, on any thread.
        unsafe {
            (taker.callback)(level, message.as_ptr(), message.len_bytes(), taker.user_data);
        }
    }

    fn flush(&self) {}
}

/// Sets who takes the log records of the whole process; before, nobody does.
///
/// callback: takes the records; NULL for nobody. user_data is handed to it as it is.
/// max_level: the last ROCKON_SYNC_LOG_... that is wanted.
/// Fails with ROCKON_SYNC_ERROR_ARGUMENT for a level that is none.
///
/// Threads: any, at any time. When it returns, the callback before is not running any
/// more and will not be called again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rockon_sync_log_set(
    callback: LogCallback,
    user_data: *mut c_void,
    max_level: i32,
    error: Option<&mut MaybeUninit<Box<Error>>>,
) -> i32 {
    static INSTALL: Once = Once::new();
    run(error, || {
        let filter = match max_level {
            _ if callback.is_none() => LevelFilter::Off,
            ROCKON_SYNC_LOG_ERROR => LevelFilter::Error,
            ROCKON_SYNC_LOG_WARN => LevelFilter::Warn,
            ROCKON_SYNC_LOG_INFO => LevelFilter::Info,
            ROCKON_SYNC_LOG_DEBUG => LevelFilter::Debug,
            ROCKON_SYNC_LOG_TRACE => LevelFilter::Trace,
            other => {
                return Err(Error::argument(format!("`max_level` is no level: {other}")));
            }
        };
        INSTALL.call_once(|| {
            // Fails only if this library shares its process with other Rust code that it
            // was linked to statically, and that has a logger already.
            let _ = log::set_logger(&Bridge);
        });
        let mut taker = TAKER.write().unwrap_or_else(PoisonError::into_inner);
        *taker = callback.map(|callback| Taker { callback, user_data });
        log::set_max_level(filter);
        Ok(())
    })
}

//! The global log callback.

use std::ffi::{c_char, c_void};
use std::mem::MaybeUninit;
use std::sync::{Once, PoisonError, RwLock};

use log::{Level, LevelFilter, Log, Metadata, Record};

use crate::boundary::{Text, run};
use crate::error::Error;

/// A final failure.
pub const ROCKON_SYNC_LOG_ERROR: i32 = 1;
/// A problem that the library recovered from.
pub const ROCKON_SYNC_LOG_WARN: i32 = 2;
/// Progress of the work.
pub const ROCKON_SYNC_LOG_INFO: i32 = 3;
/// Each request.
pub const ROCKON_SYNC_LOG_DEBUG: i32 = 4;
/// Everything.
pub const ROCKON_SYNC_LOG_TRACE: i32 = 5;

/// Receives one log record: its level (ROCKON_SYNC_LOG_...) and its text, which is UTF-8,
/// NUL-terminated, of message_len bytes, and valid during the call. It has no secrets.
///
/// It is called from any thread that works for this library, possibly from several at a time. It
/// must return, and must not call functions of this library.
pub type LogCallback = Option<
    unsafe extern "C" fn(
        level: i32,
        message: *const c_char,
        message_len: usize,
        user_data: *mut c_void,
    ),
>;

/// A log callback and its data.
struct LogSink {
    callback: unsafe extern "C" fn(i32, *const c_char, usize, *mut c_void),
    user_data: *mut c_void,
}

// SAFETY: the header says that the callback is called from any thread, so `user_data` must be
// usable there.
unsafe impl Send for LogSink {}
// SAFETY: as above, also from several threads at a time.
unsafe impl Sync for LogSink {}

static TAKER: RwLock<Option<LogSink>> = RwLock::new(None);

/// The crate name, with which the targets of the core's records start.
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
        // SAFETY: the header requires a function that accepts these arguments during the call, on
        // any thread.
        unsafe {
            (taker.callback)(level, message.as_ptr(), message.len_bytes(), taker.user_data);
        }
    }

    fn flush(&self) {}
}

/// Sets the log callback of the whole process. Without one, nothing is logged.
///
/// callback: receives the records; NULL to log nothing. user_data is passed to it unchanged.
/// max_level: the most verbose level to log, ROCKON_SYNC_LOG_...
/// Fails with ROCKON_SYNC_ERROR_ARGUMENT for an invalid level.
///
/// Threads: any, at any time. After it returns, the previous callback is no longer running and is
/// not called again.
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
            // Fails only if other Rust code in the process, linked statically, has set a logger.
            let _ = log::set_logger(&Bridge);
        });
        let mut taker = TAKER.write().unwrap_or_else(PoisonError::into_inner);
        *taker = callback.map(|callback| LogSink { callback, user_data });
        log::set_max_level(filter);
        Ok(())
    })
}

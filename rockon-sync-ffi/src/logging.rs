//! The global log callback.

use std::ffi::{CString, c_char, c_void};
use std::mem::MaybeUninit;
use std::sync::Once;
use std::sync::atomic::{AtomicPtr, Ordering};

use log::{Level, LevelFilter, Log, Metadata, Record};

use crate::boundary::{Number, run, unknown};
use crate::error::Error;
use crate::status::Status;

/// The level of a log record, from the most important.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogLevel {
    /// A final failure.
    Error = 1,
    /// A problem that the library recovered from.
    Warn = 2,
    /// The steps of the work.
    Info = 3,
    /// Each request.
    Debug = 4,
    /// Everything.
    Trace = 5,
}

/// Receives one log record: its level and its text, which is valid during the call. It contains no
/// secrets. It is called from any thread that works for this library, possibly from several at a
/// time. It must return, and must not call functions of this library.
pub type LogCallback =
    Option<unsafe extern "C" fn(level: LogLevel, message: *const c_char, user_data: *mut c_void)>;

/// A log callback and its data.
struct LogSink {
    callback: LogCallback,
    user_data: *mut c_void,
    /// The sink that this one replaced. It is not freed, because another thread may still use it.
    _previous: *mut LogSink,
}

/// The current sink, or NULL. Without a lock, so that a process can fork at any time.
static SINK: AtomicPtr<LogSink> = AtomicPtr::new(std::ptr::null_mut());

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
        // SAFETY: NULL, or leaked by `rockon_sync_log_set`, which never changes a sink.
        let Some(sink) = (unsafe { SINK.load(Ordering::Acquire).as_ref() }) else {
            return;
        };
        let Some(callback) = sink.callback else {
            return;
        };
        let level = match record.level() {
            Level::Error => LogLevel::Error,
            Level::Warn => LogLevel::Warn,
            Level::Info => LogLevel::Info,
            Level::Debug => LogLevel::Debug,
            Level::Trace => LogLevel::Trace,
        };
        let message = record.args().to_string().replace('\0', "\u{fffd}");
        let message = CString::new(message).unwrap_or_default();
        // SAFETY: the header requires a function that accepts these arguments during the call, on
        // any thread.
        unsafe { callback(level, message.as_ptr(), sink.user_data) };
    }

    fn flush(&self) {}
}

/// Sets the log callback of the whole process. Without one, nothing is logged.
///
/// callback: NULL to log nothing. It and user_data, which is passed to it, must stay valid until
///   the process ends: a record may be on its way when this function returns.
/// max_level: the most verbose level to log; ignored without a callback.
/// Fails with ARGUMENT for an invalid level.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rockon_sync_log_set(
    callback: LogCallback,
    user_data: *mut c_void,
    max_level: MaybeUninit<LogLevel>,
    error: Option<&mut MaybeUninit<*mut Error>>,
) -> Status {
    static INSTALL: Once = Once::new();
    run(error, || {
        let filter = match max_level.number() {
            _ if callback.is_none() => LevelFilter::Off,
            1 => LevelFilter::Error,
            2 => LevelFilter::Warn,
            3 => LevelFilter::Info,
            4 => LevelFilter::Debug,
            5 => LevelFilter::Trace,
            other => return Err(unknown("max_level", other)),
        };
        INSTALL.call_once(|| {
            // Fails only if other Rust code in the process, linked statically, has set a logger.
            let _ = log::set_logger(&Bridge);
        });
        let _previous = SINK.load(Ordering::Acquire);
        let sink = Box::into_raw(Box::new(LogSink { callback, user_data, _previous }));
        SINK.store(sink, Ordering::Release);
        log::set_max_level(filter);
        Ok(())
    })
}

//! Log records of the core, handed to Python's `logging`.
//!
//! The core logs from threads that know nothing of Python. A record is therefore only
//! put in a queue; the thread that called into this package empties it whenever it has
//! the GIL. So no thread ever waits for the GIL in order to log, which could hang a
//! process that is about to end.

use std::collections::VecDeque;
use std::sync::{Mutex, Once, PoisonError};

use log::{Level, LevelFilter, Log, Metadata, Record};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

/// The logger of the package, and the crate whose records it gets.
const LOGGER: &str = "rockon_sync";

/// Records kept until somebody takes them: an update that fails on every entry of a
/// large catalog logs a few thousand. Later ones are dropped.
const MAX_QUEUED: usize = 10_000;

struct Line {
    level: Level,
    target: String,
    message: String,
}

static QUEUE: Mutex<VecDeque<Line>> = Mutex::new(VecDeque::new());

struct Bridge;

impl Log for Bridge {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().split("::").next() == Some(LOGGER)
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let mut queue = QUEUE.lock().unwrap_or_else(PoisonError::into_inner);
        if queue.len() < MAX_QUEUED {
            queue.push_back(Line {
                level: record.level(),
                target: record.target().to_owned(),
                message: record.args().to_string(),
            });
        }
    }

    fn flush(&self) {}
}

/// Called before the core: takes over the level that the application has set, and, the
/// first time, becomes the logger. Not done at import, because the command line brings
/// a logger of its own.
pub(crate) fn begin(py: Python<'_>) -> PyResult<()> {
    static INSTALL: Once = Once::new();
    INSTALL.call_once(|| {
        // Fails only if there is a logger already, whose records are then not ours.
        let _ = log::set_logger(&Bridge);
    });
    let level: u32 = get_logger(py, LOGGER)?.call_method0("getEffectiveLevel")?.extract()?;
    log::set_max_level(match level {
        0..10 => LevelFilter::Trace,
        10..20 => LevelFilter::Debug,
        20..30 => LevelFilter::Info,
        30..40 => LevelFilter::Warn,
        40..50 => LevelFilter::Error,
        50.. => LevelFilter::Off,
    });
    Ok(())
}

/// Called after the core, and now and then while it runs: hands over what was logged.
///
/// # Errors
/// What a handler raises; `logging` itself swallows most of it.
pub(crate) fn hand_over(py: Python<'_>) -> PyResult<()> {
    loop {
        let line = QUEUE.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        let Some(line) = line else { return Ok(()) };
        let logger = get_logger(py, &line.target.replace("::", "."))?;
        let level = match line.level {
            Level::Error => 40,
            Level::Warn => 30,
            Level::Info => 20,
            Level::Debug => 10,
            Level::Trace => 5,
        };
        logger.call_method1("log", (level, line.message))?;
    }
}

fn get_logger<'py>(py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyAny>> {
    static GET_LOGGER: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    GET_LOGGER.import(py, "logging", "getLogger")?.call1((name,))
}

//! Passes log records of the core to Python's `logging`.
//!
//! The core logs from threads without Python state, so a record is only added to a queue. The
//! thread that called into this package empties the queue whenever it has the GIL. Logging never
//! waits for the GIL, which could hang a process during its exit.
//!
//! A process may fork while another thread holds the lock of the queue, which the child then never
//! gets. So a child starts with a queue of its own.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, Once, OnceLock, PoisonError};

use log::{Level, LevelFilter, Log, Metadata, Record};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

/// The logger of the package, which is also the name of the crate whose records it gets.
const LOGGER: &str = "rockon_sync";

/// The maximum number of queued records: an update that fails on every entry of a large catalog
/// logs a few thousand. Later ones are dropped.
const MAX_QUEUED: usize = 10_000;

struct Line {
    level: Level,
    target: String,
    message: String,
}

/// The queue of a process, followed by that of its forked child.
struct Queue {
    lines: Mutex<VecDeque<Line>>,
    child: OnceLock<Box<Queue>>,
}

static FIRST: Queue = Queue::new();

impl Queue {
    const fn new() -> Self {
        Queue { lines: Mutex::new(VecDeque::new()), child: OnceLock::new() }
    }

    /// Returns the queue of this process.
    fn current() -> &'static Queue {
        let mut queue = &FIRST;
        while let Some(child) = queue.child.get() {
            queue = child;
        }
        queue
    }

    fn lines(&self) -> MutexGuard<'_, VecDeque<Line>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Called in a forked child, while it has a single thread.
#[pyfunction]
pub(crate) fn after_fork_in_child() {
    Queue::current().child.get_or_init(|| Box::new(Queue::new()));
}

struct Bridge;

impl Log for Bridge {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().split("::").next() == Some(LOGGER)
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let line = Line {
            level: record.level(),
            target: record.target().to_owned(),
            message: record.args().to_string(),
        };
        let mut lines = Queue::current().lines();
        if lines.len() < MAX_QUEUED {
            lines.push_back(line);
        }
    }

    fn flush(&self) {}
}

/// Called before the core: reads the level that the application has set, and installs the logger at
/// the first call. Not done at import, because the command line has its own logger.
pub(crate) fn begin(py: Python<'_>) -> PyResult<()> {
    static INSTALL: Once = Once::new();
    INSTALL.call_once(|| {
        // Fails only if the process has another logger, which then gets the records.
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

/// Called after the core, and regularly while it runs: passes the queued records on.
///
/// # Errors
/// Exceptions of a handler; `logging` itself suppresses most of them.
pub(crate) fn hand_over(py: Python<'_>) -> PyResult<()> {
    loop {
        let line = Queue::current().lines().pop_front();
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

//! What unit tests of several modules share.

use std::sync::Mutex;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::time::Clock;

/// A clock that waits in no time and remembers for how long.
pub(crate) struct TestClock {
    start: Instant,
    slept: Mutex<Duration>,
}

impl TestClock {
    #[expect(clippy::disallowed_methods, reason = "an Instant cannot be made up")]
    pub(crate) fn new() -> Self {
        TestClock { start: Instant::now(), slept: Mutex::default() }
    }

    pub(crate) fn slept(&self) -> Duration {
        *self.slept.lock().unwrap()
    }
}

impl Clock for TestClock {
    fn now(&self) -> SystemTime {
        // 2026-11-22T03:04:05Z
        UNIX_EPOCH + Duration::from_secs(1_795_316_645) + self.slept()
    }

    fn monotonic(&self) -> Instant {
        self.start + self.slept()
    }

    fn sleep(&self, duration: Duration) {
        *self.slept.lock().unwrap() += duration;
    }
}

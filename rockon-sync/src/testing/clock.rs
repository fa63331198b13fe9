//! A clock for tests.

use std::sync::Mutex;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::base::time::Clock;
use crate::base::workers::lock;

/// A clock whose sleeps take no time. It records their total.
pub(crate) struct TestClock {
    start: Instant,
    slept: Mutex<Duration>,
}

impl TestClock {
    #[expect(clippy::disallowed_methods, reason = "an Instant cannot be constructed")]
    pub(crate) fn new() -> Self {
        TestClock { start: Instant::now(), slept: Mutex::default() }
    }

    pub(crate) fn slept(&self) -> Duration {
        *lock(&self.slept)
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
        *lock(&self.slept) += duration;
    }
}

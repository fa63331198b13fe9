//! The minimum rate of a response. Without it, a dripping server could use up the time of a whole
//! update.

use std::io;
use std::time::Instant;

use crate::base::limits::{MIN_RATE_BYTES_PER_S, RATE_WINDOW};
use crate::base::time::Clock;

/// Watches the bytes of one response, in windows of [`RATE_WINDOW`].
pub(super) struct RateWatch<'a> {
    clock: &'a dyn Clock,
    window_start: Instant,
    bytes: u64,
}

impl<'a> RateWatch<'a> {
    pub(super) fn new(clock: &'a dyn Clock) -> Self {
        RateWatch { clock, window_start: clock.monotonic(), bytes: 0 }
    }

    /// Counts received bytes.
    ///
    /// # Errors
    /// [`io::ErrorKind::TimedOut`] at the end of a window with too few bytes.
    pub(super) fn count(&mut self, bytes: u64) -> io::Result<()> {
        self.bytes += bytes;
        let now = self.clock.monotonic();
        if now.saturating_duration_since(self.window_start) < RATE_WINDOW {
            return Ok(());
        }
        if self.bytes < MIN_RATE_BYTES_PER_S * RATE_WINDOW.as_secs() {
            return Err(io::Error::new(
                io::ErrorKind::TimedOut,
                format!(
                    "expected {MIN_RATE_BYTES_PER_S} bytes per second, got {} bytes in {} s",
                    self.bytes,
                    RATE_WINDOW.as_secs()
                ),
            ));
        }
        self.window_start = now;
        self.bytes = 0;
        Ok(())
    }
}

//! Retries, with exponential backoff.

use std::time::Duration;

use super::Fetcher;
use crate::base::error::{Result, Retry};
use crate::base::limits;
use crate::net::address::Address;

/// Longest sleep during a wait. The cancel token is checked between two sleeps.
const NAP: Duration = Duration::from_millis(50);

/// The number of attempts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Retries {
    /// One attempt.
    None,
    /// Up to [`limits::MAX_RETRIES`] more attempts, if the error may pass.
    Usual,
}

impl Retries {
    /// Returns the rounds of asking this many mirrors. With several, the first round does not
    /// wait for a failing mirror, since the next one may respond.
    pub(crate) fn rounds(mirrors: usize) -> &'static [Retries] {
        if mirrors > 1 { &[Retries::None, Retries::Usual] } else { &[Retries::Usual] }
    }

    fn max(self) -> u32 {
        match self {
            Retries::None => 0,
            Retries::Usual => limits::MAX_RETRIES,
        }
    }

    /// Returns the longest wait for the headers of a response.
    pub(super) fn response_timeout(self) -> Duration {
        match self {
            Retries::None => limits::MIRROR_TIMEOUT,
            Retries::Usual => limits::STALL_TIMEOUT,
        }
    }
}

impl Fetcher<'_> {
    /// Calls `attempt` until it succeeds or an error is permanent. Errors name `address`.
    pub(super) fn with_retries<T>(
        &self,
        address: &Address,
        retries: Retries,
        mut attempt: impl FnMut() -> Result<T>,
    ) -> Result<T> {
        let mut failures = 0;
        loop {
            let error = match attempt() {
                Ok(done) => return Ok(done),
                Err(error) => error.with_origin(&address.to_string()),
            };
            // A broken connection may be a consequence of the cancellation.
            self.check_at("waiting for a response", address)?;
            let Some(delay) = retry_delay(error.retry(), failures, retries.max(), fastrand::f64())
            else {
                return Err(error);
            };
            if delay >= self.time_left() {
                return Err(error);
            }
            failures += 1;
            log::info!("{}; retry in {} ms", error.to_chain(), delay.as_millis());
            self.wait(delay, address)?;
        }
    }

    fn wait(&self, delay: Duration, address: &Address) -> Result<()> {
        let end = self.clock.monotonic() + delay;
        loop {
            self.check_at("waiting for the next attempt", address)?;
            let left = end.saturating_duration_since(self.clock.monotonic());
            if left.is_zero() {
                return Ok(());
            }
            self.clock.sleep(left.min(NAP));
        }
    }
}

/// Returns the delay before the next attempt; `None` to give up.
///
/// Exponential backoff with jitter: `random` in `[0, 1)` selects from the upper half of the
/// delay, so that clients that failed together do not retry together.
fn retry_delay(retry: Retry, failures: u32, max_retries: u32, random: f64) -> Option<Duration> {
    if failures >= max_retries {
        return None;
    }
    let backoff = limits::FIRST_RETRY_DELAY.saturating_mul(1 << failures.min(16));
    let backoff = backoff.mul_f64(0.5 + random / 2.0);
    match retry {
        Retry::Never => None,
        Retry::Soon => Some(backoff),
        Retry::After(delay) if delay > limits::MAX_RETRY_AFTER => None,
        Retry::After(delay) => Some(delay + backoff),
    }
}

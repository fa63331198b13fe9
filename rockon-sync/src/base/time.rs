//! Time stamps, and the clock that everything else asks for the time.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::base::error::{Error, ErrorKind};

/// A moment, in whole seconds, written as RFC 3339 in UTC: `2026-11-22T03:04:05Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The moment `seconds` after 1970-01-01T00:00:00Z.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`] outside of the years that RFC 3339 can write.
    pub fn from_unix(seconds: i64) -> Result<Self, Error> {
        // `0000-01-01T00:00:00Z` and `9999-12-30T22:00:00Z`, the range of four-digit years.
        if (-62_167_219_200..=253_402_207_200).contains(&seconds) {
            Ok(Timestamp(seconds))
        } else {
            let message = format!("{seconds} seconds since 1970 is outside of the years 0 to 9999");
            Err(Error::new(ErrorKind::Argument, message))
        }
    }

    /// Seconds since 1970-01-01T00:00:00Z.
    pub fn as_unix(self) -> i64 {
        self.0
    }

    /// This moment and `days` days; stays where it is rather than leave the range.
    pub(crate) fn plus_days(self, days: u32) -> Self {
        Timestamp::from_unix(self.0 + i64::from(days) * 86_400).unwrap_or(self)
    }
}

impl From<SystemTime> for Timestamp {
    /// Whole seconds, rounded down; times before 1970 become 1970.
    fn from(time: SystemTime) -> Self {
        let seconds = time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        i64::try_from(seconds)
            .ok()
            .and_then(|seconds| Timestamp::from_unix(seconds).ok())
            .unwrap_or(Timestamp(0))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let moment = jiff::Timestamp::from_second(self.0).map_err(|_| fmt::Error)?;
        write!(f, "{moment}")
    }
}

impl FromStr for Timestamp {
    type Err = Error;

    /// Reads RFC 3339 with any offset; fractions of a second are dropped.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`] for anything else.
    fn from_str(text: &str) -> Result<Self, Error> {
        let moment: jiff::Timestamp = text.parse().map_err(|_| {
            let message = format!("expected a time such as 2026-11-22T03:04:05Z, got {text:?}");
            Error::new(ErrorKind::Argument, message)
        })?;
        Timestamp::from_unix(moment.as_second())
    }
}

/// How long from `now` until an HTTP `Retry-After` value (RFC 9110, section 10.2.3):
/// seconds or a date. `None` if it is neither; a date in the past is no wait.
pub(crate) fn parse_retry_after(value: &str, now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit()) {
        return Some(Duration::from_secs(value.parse().unwrap_or(u64::MAX)));
    }
    let date = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(value).ok()?;
    let wait = date.as_second() - Timestamp::from(now).as_unix();
    Some(Duration::from_secs(u64::try_from(wait).unwrap_or(0)))
}

/// Where the time comes from, so that tests can wait for hours in no time.
pub trait Clock: Send + Sync {
    /// The time of day.
    fn now(&self) -> SystemTime;
    /// A clock that never goes back.
    fn monotonic(&self) -> Instant;
    /// Waits.
    fn sleep(&self, duration: Duration);
}

/// The machine's own clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

#[expect(clippy::disallowed_methods, reason = "this is the module that owns the clock")]
impl Clock for SystemClock {
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }

    fn monotonic(&self) -> Instant {
        Instant::now()
    }

    fn sleep(&self, duration: Duration) {
        std::thread::sleep(duration);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_read_any_offset_and_write_utc() {
        for (text, expected) in [
            ("2026-11-22T03:04:05Z", "2026-11-22T03:04:05Z"),
            ("2026-11-22T05:04:05+02:00", "2026-11-22T03:04:05Z"),
            ("2026-11-22T03:04:05.999Z", "2026-11-22T03:04:05Z"),
        ] {
            assert_eq!(text.parse::<Timestamp>().unwrap().to_string(), expected);
        }
        for bad in ["", "2026-11-22", "yesterday", "2026-13-01T00:00:00Z", "2026-11-22T03:04:05"] {
            assert!(bad.parse::<Timestamp>().is_err(), "{bad}");
        }
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = UNIX_EPOCH + Duration::from_secs(784_111_777 - 30);
        for (value, seconds) in [
            ("120", Some(120)),
            (" 0 ", Some(0)),
            // The example date of RFC 9110, section 5.6.7.
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(30)),
            ("Sun, 06 Nov 1994 08:00:00 GMT", Some(0)),
            ("99999999999999999999999", Some(u64::MAX)),
            ("soon", None),
            ("-5", None),
            ("", None),
        ] {
            assert_eq!(parse_retry_after(value, now), seconds.map(Duration::from_secs), "{value}");
        }
    }
}

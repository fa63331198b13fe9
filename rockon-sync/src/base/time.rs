//! Timestamps, and the clock that is the only source of time.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use jiff::SignedDuration;
use jiff::civil::DateTime;
use jiff::fmt::temporal;

use crate::base::error::{Error, excerpt, impl_from};

#[cfg(doc)]
use crate::base::error::ErrorKind;

/// A point in time, in whole seconds, written as RFC 3339 in UTC: `2026-11-22T03:04:05Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Timestamp(i64);

impl Timestamp {
    /// Returns the time `seconds` after 1970-01-01T00:00:00Z.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`] outside the years 0 to 9999, the range of RFC 3339.
    pub fn from_unix(seconds: i64) -> Result<Self, Error> {
        match FOUR_DIGIT_YEARS.contains(&seconds) {
            true => Ok(Timestamp(seconds)),
            false => Err(InvalidTime::OutOfRange { seconds }.into()),
        }
    }

    /// Returns the seconds since 1970-01-01T00:00:00Z.
    pub fn as_unix(self) -> i64 {
        self.0
    }

    /// Returns the time `days` days later.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`] after the year 9999.
    #[cfg(feature = "publish")]
    pub(crate) fn plus_days(self, days: u32) -> Result<Self, Error> {
        Timestamp::from_unix(self.0 + i64::from(days) * 86_400)
            .map_err(|_| InvalidTime::TooLate { days, time: self }.into())
    }
}

/// `0000-01-01T00:00:00Z` to `9999-12-31T23:59:59Z`, in seconds since 1970.
const FOUR_DIGIT_YEARS: std::ops::RangeInclusive<i64> = -62_167_219_200..=253_402_300_799;

/// `jiff::Timestamp` ends a day before the year 9999 does, for the sake of time zones.
const EPOCH: DateTime = jiff::civil::date(1970, 1, 1).at(0, 0, 0, 0);

#[derive(Debug, thiserror::Error)]
enum InvalidTime {
    #[error("expected seconds since 1970 in the years 0 to 9999, got {seconds}")]
    OutOfRange { seconds: i64 },
    #[cfg(feature = "publish")]
    #[error("expected a time before the year 10000, got {days} days after {time}")]
    TooLate { days: u32, time: Timestamp },
    #[error("expected a time such as 2026-11-22T03:04:05Z, got {got:?}")]
    Syntax { got: String },
}

impl_from!(InvalidTime => Argument);

impl From<SystemTime> for Timestamp {
    /// Rounds down to whole seconds; times before 1970 become 1970.
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
        let time = EPOCH.checked_add(SignedDuration::from_secs(self.0));
        write!(f, "{}Z", time.map_err(|_| fmt::Error)?)
    }
}

impl FromStr for Timestamp {
    type Err = Error;

    /// Parses RFC 3339 with any offset; drops fractions of a second.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`] for anything else.
    fn from_str(text: &str) -> Result<Self, Error> {
        Timestamp::from_unix(
            seconds_of(text).ok_or_else(|| InvalidTime::Syntax { got: excerpt(text) })?,
        )
    }
}

/// Returns the seconds since 1970 of a time in RFC 3339.
fn seconds_of(text: &str) -> Option<i64> {
    let parts = temporal::DateTimeParser::new().parse_pieces(text).ok()?;
    let time = parts.time()?;
    let time = parts.date().at(time.hour(), time.minute(), time.second(), 0);
    let offset = parts.to_numeric_offset()?;
    Some(time.duration_since(EPOCH).as_secs() - i64::from(offset.seconds()))
}

/// Returns the delay from `now` of an HTTP `Retry-After` value (RFC 9110, section 10.2.3): seconds
/// or a date. `None` if it is neither; zero for a date in the past.
pub(crate) fn parse_retry_after(value: &str, now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit()) {
        return Some(Duration::from_secs(value.parse().unwrap_or(u64::MAX)));
    }
    let date = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(value).ok()?;
    let wait = date.as_second() - Timestamp::from(now).as_unix();
    Some(Duration::from_secs(u64::try_from(wait).unwrap_or(0)))
}

/// Parses the value of `Last-Modified` (RFC 9110, section 8.8.2).
#[cfg(feature = "publish")]
pub(crate) fn parse_http_date(value: &str) -> Option<SystemTime> {
    let date = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(value.trim()).ok()?;
    let since = Duration::from_secs(u64::try_from(date.as_second()).ok()?);
    SystemTime::UNIX_EPOCH.checked_add(since)
}

/// A source of time. Tests replace it, so that they do not wait.
pub trait Clock: Send + Sync {
    /// Returns the current time.
    fn now(&self) -> SystemTime;
    /// Returns the time of a clock that never goes back.
    fn monotonic(&self) -> Instant;
    /// Blocks the calling thread for `duration`.
    fn sleep(&self, duration: Duration);
}

/// The clock of the operating system.
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
    use crate::base::error::ErrorKind;

    #[test]
    fn timestamps_parse_any_offset_and_display_utc() {
        for (text, expected) in [
            ("2026-11-22T03:04:05Z", "2026-11-22T03:04:05Z"),
            ("2026-11-22T05:04:05+02:00", "2026-11-22T03:04:05Z"),
            ("2026-11-22T03:04:05.999Z", "2026-11-22T03:04:05Z"),
            ("1969-12-31T23:59:59.999Z", "1969-12-31T23:59:59Z"),
            ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z"),
            ("9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59Z"),
            ("0000-01-01T00:00:00Z", "0000-01-01T00:00:00Z"),
        ] {
            assert_eq!(text.parse::<Timestamp>().unwrap().to_string(), expected);
        }
        for bad in [
            "",
            "2026-11-22",
            "yesterday",
            "2026-13-01T00:00:00Z",
            "2026-11-22T03:04:05",
            "9999-12-31T23:59:59-00:01",
            "0000-01-01T00:00:00+00:01",
        ] {
            assert!(bad.parse::<Timestamp>().is_err(), "{bad}");
        }
    }

    #[cfg(feature = "publish")]
    #[test]
    fn a_time_after_the_year_9999_is_an_error() {
        let time: Timestamp = "9999-12-30T00:00:00Z".parse().unwrap();
        assert_eq!(time.plus_days(1).unwrap().to_string(), "9999-12-31T00:00:00Z");
        for days in [2, u32::MAX] {
            assert_eq!(time.plus_days(days).unwrap_err().kind(), ErrorKind::Argument, "{days}");
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

//! Dates in HTTP headers, in the form that servers must send (RFC 9110, section 5.6.7:
//! IMF-fixdate).

const WEEKDAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const DAY_S: u64 = 86_400;

/// Formats seconds since 1970 as `Sun, 22 Nov 2026 03:04:05 GMT`.
pub(crate) fn format(unix_s: u64) -> String {
    let days = unix_s / DAY_S;
    // 1970-01-01 was a Thursday.
    let weekday = WEEKDAYS[(days % 7) as usize];
    let (mut year, mut day) = (1970, days);
    while day >= year_days(year) {
        day -= year_days(year);
        year += 1;
    }
    let mut month = 0;
    while day >= month_days(year, month) {
        day -= month_days(year, month);
        month += 1;
    }
    let (hour, minute, second) = (unix_s / 3600 % 24, unix_s / 60 % 60, unix_s % 60);
    format!(
        "{weekday}, {:02} {} {year} {hour:02}:{minute:02}:{second:02} GMT",
        day + 1,
        MONTHS[month],
    )
}

/// Parses a date. Returns `None` if it is invalid, since invalid headers are ignored.
pub(crate) fn parse(text: &str) -> Option<u64> {
    let (_weekday, rest) = text.split_once(", ")?;
    let mut words = rest.strip_suffix(" GMT")?.split(' ');
    let day: u64 = words.next()?.parse().ok()?;
    let name = words.next()?;
    let month = MONTHS.iter().position(|month| *month == name)?;
    let year: u64 = words.next()?.parse().ok()?;
    let mut clock = words.next()?.split(':').map(|part| part.parse::<u64>().ok());
    let (hour, minute, second) = (clock.next()??, clock.next()??, clock.next()??);
    if !(1970..=9999).contains(&year) || !(1..=31).contains(&day) || words.next().is_some() {
        return None;
    }
    let days = (1970..year).map(year_days).sum::<u64>()
        + (0..month).map(|month| month_days(year, month)).sum::<u64>()
        + (day - 1);
    Some(days * DAY_S + hour.min(23) * 3600 + minute.min(59) * 60 + second.min(59))
}

fn is_leap(year: u64) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

fn year_days(year: u64) -> u64 {
    if is_leap(year) { 366 } else { 365 }
}

/// Returns the number of days in a month, counted from 0.
fn month_days(year: u64, month: usize) -> u64 {
    match month {
        1 if is_leap(year) => 29,
        1 => 28,
        3 | 5 | 8 | 10 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_round_trip() {
        for (unix_s, text) in [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (951_782_399, "Mon, 28 Feb 2000 23:59:59 GMT"),
            (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
            (1_795_316_645, "Sun, 22 Nov 2026 03:04:05 GMT"),
            (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"),
        ] {
            assert_eq!(format(unix_s), text);
            assert_eq!(parse(text), Some(unix_s), "{text}");
        }
    }

    #[test]
    fn invalid_dates_are_refused() {
        for text in [
            "",
            "yesterday",
            "Sun, 22 Nov 2026 03:04:05",
            "Sun, 00 Nov 2026 03:04:05 GMT",
            "Sun, 22 Nob 2026 03:04:05 GMT",
            "Sun, 22 Nov 99999999999999 03:04:05 GMT",
            "Sun, 22 Nov 2026 03:04 GMT",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}

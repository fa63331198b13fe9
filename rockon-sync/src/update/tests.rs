use std::time::Duration;

use super::progress::{Phase, Progress, Reporter};
use super::session::{ends_the_update, is_missing_at_mirror, may_be_an_outage};
use crate::base::error::{Error, ErrorKind, Retry};
use crate::base::time::Clock;
use crate::testing::TestClock;

#[test]
fn progress_is_reported_ten_times_a_second_and_at_every_phase() {
    let clock = TestClock::new();
    let mut seen: Vec<(Phase, u64)> = Vec::new();
    let mut callback = |progress: &Progress| seen.push((progress.phase, progress.files_done));
    let mut reporter = Reporter::new(Some(&mut callback), &clock, Default::default());
    let mut done = |milliseconds: u64| {
        clock.sleep(Duration::from_millis(milliseconds));
        reporter.progress.files_done += 1;
        reporter.report();
    };
    // The first one, nothing for 99 ms, then one each 100 ms.
    [0, 50, 49, 1, 99, 100].into_iter().for_each(&mut done);
    reporter.enter(Phase::Committing);
    drop(reporter);
    let fetching = [1, 4, 6].map(|files_done| (Phase::Checking, files_done));
    assert_eq!(seen, [&fetching[..], &[(Phase::Committing, 6)]].concat());
}

#[test]
fn errors_end_the_update_or_concern_a_mirror_or_a_file() {
    /// Returns if an error ends the update, may be an outage, and is a missing file.
    fn meaning(kind: ErrorKind, retry: Retry) -> [bool; 3] {
        let error = Error::new(kind, "").with_retry(retry);
        [ends_the_update(&error), may_be_an_outage(&error), is_missing_at_mirror(&error)]
    }
    for (kind, retry, expected) in [
        (ErrorKind::Canceled, Retry::Never, [true, false, false]),
        (ErrorKind::Timeout, Retry::Never, [true, false, false]),
        (ErrorKind::Store, Retry::Never, [true, false, false]),
        (ErrorKind::Locked, Retry::Never, [true, false, false]),
        (ErrorKind::Transport, Retry::Never, [false, true, false]),
        (ErrorKind::Transport, Retry::Soon, [false, true, false]),
        (ErrorKind::Status, Retry::Soon, [false, true, false]),
        (ErrorKind::Status, Retry::Never, [false, false, true]),
        (ErrorKind::Integrity, Retry::Never, [false, false, false]),
        (ErrorKind::Integrity, Retry::Soon, [false, false, false]),
        (ErrorKind::Limit, Retry::Never, [false, false, false]),
    ] {
        assert_eq!(meaning(kind, retry), expected, "{kind:?} {retry:?}");
    }
}

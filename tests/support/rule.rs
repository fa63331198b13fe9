//! The script of the server: which request is answered in which unusual way, and how often.

use std::path::PathBuf;
use std::time::Duration;

/// Which requests a rule is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Match {
    /// The requests for this decoded path, with or without its leading slash.
    Path(String),
    /// The requests whose decoded path starts so, with or without the leading slash.
    Prefix(String),
    /// The one request with this number, counted from 0 since the start or since
    /// [`Server::reset`](crate::Server::reset).
    Nth(usize),
    /// Every request.
    Any,
}

/// How often a rule is applied before the next one that matches gets its turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Times {
    /// To every request that matches.
    Always,
    /// To the first request that matches.
    Once,
    /// To so many of the requests that match.
    First(usize),
}

/// What happens instead of the ordinary answer.
///
/// Where an action speaks of the file, it is served in full even to a conditional request, so that
/// the fault happens whatever the client remembers. The file's validators stay as they are: a
/// damaged cache lies in the same way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// This answer, with a `Content-Length` unless the headers say how long it is. The connection stays
    /// open unless the headers have `Connection: close`.
    Respond {
        /// The status.
        status: u16,
        /// The headers, sent as they are.
        headers: Vec<(String, String)>,
        /// The body.
        body: Vec<u8>,
    },
    /// The connection is closed without an answer.
    CloseBeforeAnswer,
    /// The file's headers with its whole length, only so many bytes of the body, then the connection
    /// is closed in good order.
    CloseAfter(usize),
    /// The same, but the connection is reset.
    ResetAfter(usize),
    /// The file's headers with its whole length, only so many bytes of the body, then silence, then
    /// the connection is closed.
    Stall {
        /// Bytes of the body to send before.
        after: usize,
        /// How long the silence lasts, unless the server is dropped before.
        hold: Duration,
    },
    /// The ordinary answer, from another folder: what a cache holds that is behind, or ahead.
    From(PathBuf),
    /// The ordinary answer as it is after this time; the wait ends when the server is dropped.
    Delay(Duration),
    /// A redirect without a body.
    Redirect {
        /// The status, e.g. 302.
        status: u16,
        /// The `Location`, sent as it is.
        location: String,
    },
    /// The whole file under another `Content-Length`, then the connection is closed.
    WrongLength {
        /// The length to declare, in bytes.
        declared: u64,
    },
    /// A chunked answer whose first chunk header is not a number, then the connection is closed.
    ChunkedGarbage,
    /// A complete answer whose body is only so many first bytes of the file.
    Truncate(usize),
    /// A complete answer with the file's headers and another body.
    ReplaceBody(Vec<u8>),
    /// A chunked body of this byte that ends when the client hangs up or the server is dropped.
    Endless {
        /// What the body is made of.
        byte: u8,
    },
    /// This request and every further one is logged and its connection closed without an answer, until
    /// [`Server::revive`](crate::Server::revive).
    Die,
}

/// One line of the script.
#[derive(Debug)]
pub(crate) struct Rule {
    matches: Match,
    /// Applications left; `None` if there is no limit.
    left: Option<usize>,
    action: Action,
}

impl Rule {
    pub(crate) fn new(matches: Match, times: Times, action: Action) -> Rule {
        let left = match times {
            Times::Always => None,
            Times::Once => Some(1),
            Times::First(count) => Some(count),
        };
        Rule { matches, left, action }
    }

    /// The action for this request, if the rule is for it and not used up; counts the use.
    pub(crate) fn apply(&mut self, path: &str, nth: usize) -> Option<Action> {
        let is_for_it = match &self.matches {
            Match::Path(wanted) => path == without_slash(wanted),
            Match::Prefix(start) => path.starts_with(without_slash(start)),
            Match::Nth(number) => nth == *number,
            Match::Any => true,
        };
        if !is_for_it {
            return None;
        }
        if let Some(left) = &mut self.left {
            *left = left.checked_sub(1)?;
        }
        Some(self.action.clone())
    }
}

fn without_slash(path: &str) -> &str {
    path.strip_prefix('/').unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_for_the_requests_it_names() {
        let cases = [
            (Match::Path("a/b".into()), "a/b", 7, true),
            (Match::Path("/a/b".into()), "a/b", 7, true),
            (Match::Path("a".into()), "a/b", 7, false),
            (Match::Prefix("a/".into()), "a/b", 7, true),
            (Match::Prefix("/a/".into()), "a/b", 7, true),
            (Match::Prefix("b".into()), "a/b", 7, false),
            (Match::Nth(7), "a/b", 7, true),
            (Match::Nth(0), "a/b", 7, false),
            (Match::Any, "", 0, true),
        ];
        for (matches, path, nth, expected) in cases {
            let name = format!("{matches:?} for request {nth}, {path}");
            let mut rule = Rule::new(matches, Times::Always, Action::CloseBeforeAnswer);
            assert_eq!(rule.apply(path, nth).is_some(), expected, "{name}");
        }
    }

    #[test]
    fn a_rule_is_used_up_by_the_requests_it_is_for() {
        for (times, expected) in [
            (Times::Always, [true, true, true]),
            (Times::Once, [true, false, false]),
            (Times::First(2), [true, true, false]),
            (Times::First(0), [false, false, false]),
        ] {
            let mut rule = Rule::new(Match::Path("a".into()), times, Action::Die);
            let used = [0, 1, 2].map(|nth| {
                assert_eq!(rule.apply("other", nth), None);
                rule.apply("a", nth).is_some()
            });
            assert_eq!(used, expected, "{times:?}");
        }
    }
}

//! The server's script: rules that replace the ordinary response to some requests.

use std::path::PathBuf;
use std::time::Duration;

/// The requests that a rule matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Match {
    /// Requests for this decoded path, with or without its leading slash.
    Path(String),
    /// Requests whose decoded path starts with this, with or without the leading slash.
    Prefix(String),
    /// The request with this number, counted from 0 since the start or the last
    /// [`Server::reset`](crate::Server::reset).
    Nth(usize),
    /// Every request.
    Any,
}

/// The number of matching requests that a rule applies to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Times {
    /// All matching requests.
    Always,
    /// The first matching request.
    Once,
    /// The first matching requests, up to this number.
    First(usize),
}

/// A response that replaces the ordinary one.
///
/// "The file" is always served in full, even to a conditional request, so that a fault does not
/// depend on the client's cache. Its validators stay unchanged, as they would in a damaged cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// This response. `Content-Length` is added unless the headers have a length. The connection
    /// stays open unless the headers have `Connection: close`.
    Respond {
        /// The status.
        status: u16,
        /// The headers, sent unchanged.
        headers: Vec<(String, String)>,
        /// The body.
        body: Vec<u8>,
    },
    /// Closes the connection without a response.
    CloseBeforeAnswer,
    /// Sends the file's headers with the full length, but only this many bytes of the body, then
    /// closes the connection in good order.
    CloseAfter(usize),
    /// Like [`CloseAfter`](Self::CloseAfter), but resets the connection.
    ResetAfter(usize),
    /// Sends the file's headers with the full length and a part of the body, stays silent, then
    /// closes the connection.
    Stall {
        /// The number of body bytes to send first.
        after: usize,
        /// The length of the silence. Dropping the server ends it.
        hold: Duration,
    },
    /// The ordinary response from another directory, like a cache that is stale or ahead.
    From(PathBuf),
    /// The ordinary response after this delay. Dropping the server ends it.
    Delay(Duration),
    /// A redirect without a body.
    Redirect {
        /// The status, e.g. 302.
        status: u16,
        /// The `Location`, sent unchanged.
        location: String,
    },
    /// Sends the whole file with a different `Content-Length`, then closes the connection.
    WrongLength {
        /// The length to declare, in bytes.
        declared: u64,
    },
    /// Sends a chunked response whose first chunk size is invalid, then closes the connection.
    ChunkedGarbage,
    /// Informational responses (103), sent until the client hangs up or the server is dropped.
    EndlessInformational,
    /// A complete response whose body is the first bytes of the file, up to this number.
    Truncate(usize),
    /// A complete response with the file's headers and this body.
    ReplaceBody(Vec<u8>),
    /// A chunked body of this byte, sent until the client hangs up or the server is dropped.
    Endless {
        /// The repeated byte.
        byte: u8,
    },
    /// Closes the connection of this and every later request without a response, until
    /// [`Server::revive`](crate::Server::revive). The requests are logged.
    Die,
}

/// One rule of the script.
#[derive(Debug)]
pub(crate) struct Rule {
    matches: Match,
    /// Remaining applications; `None` if unlimited.
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

    /// Returns the action if the rule matches and is not used up. Counts the use.
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
    fn a_rule_applies_to_matching_requests_only() {
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
    fn a_rule_applies_at_most_as_often_as_it_says() {
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

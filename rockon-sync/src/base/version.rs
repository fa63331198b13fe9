//! Versions in the order people expect: 5.10 is newer than 5.9.

use std::cmp::Ordering;

/// A version: runs of digits, compared as numbers of any length, and runs of letters.
///
/// Missing parts count as 0: 5.1 equals 5.1.0-0. Words sort before 0, so that 5.1.0-rc1 is older
/// than 5.1.0, and have the order of PHP's `version_compare`: unknown words, dev, alpha, beta, rc,
/// then the release itself, then pl.
#[derive(Debug)]
pub(crate) struct Version<'a>(Vec<VersionPart<'a>>);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum VersionPart<'a> {
    /// A stage before the release.
    Stage(Stage),
    /// The number of digits, and the digits without leading zeros.
    Number(usize, &'a str),
    /// A patch level after the release.
    Patch,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Other,
    Dev,
    Alpha,
    Beta,
    Candidate,
}

impl<'a> VersionPart<'a> {
    fn of_word(word: &str) -> VersionPart<'a> {
        VersionPart::Stage(match &*word.to_ascii_lowercase() {
            "dev" => Stage::Dev,
            "alpha" | "a" => Stage::Alpha,
            "beta" | "b" => Stage::Beta,
            "rc" | "c" => Stage::Candidate,
            "pl" | "p" => return VersionPart::Patch,
            _ => Stage::Other,
        })
    }
}

const ZERO: VersionPart<'_> = VersionPart::Number(0, "");

impl<'a> Version<'a> {
    /// Parses a version, ignoring a leading `v`. Returns `None` unless the rest starts with a
    /// digit and consists of digits, letters and separators.
    pub(crate) fn parse(text: &'a str) -> Option<Version<'a>> {
        let text = text.trim();
        let text = text.strip_prefix(['v', 'V']).unwrap_or(text);
        if !text.starts_with(|c: char| c.is_ascii_digit()) {
            return None;
        }
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let end = |is_part: fn(&char) -> bool| {
                rest.find(|c: char| !is_part(&c)).unwrap_or(rest.len())
            };
            let len = match first {
                '0'..='9' => {
                    let len = end(char::is_ascii_digit);
                    let digits = rest[..len].trim_start_matches('0');
                    parts.push(VersionPart::Number(digits.len(), digits));
                    len
                }
                'a'..='z' | 'A'..='Z' => {
                    let len = end(char::is_ascii_alphabetic);
                    parts.push(VersionPart::of_word(&rest[..len]));
                    len
                }
                '.' | '-' | '_' | '+' | '~' => 1,
                _ => return None,
            };
            rest = &rest[len..];
        }
        Some(Version(parts))
    }

    /// Returns the release of a pre-release; a release is returned unchanged.
    pub(crate) fn release(mut self) -> Version<'a> {
        let is_stage = |part: &VersionPart<'_>| matches!(part, VersionPart::Stage(_));
        self.0.truncate(self.0.iter().position(is_stage).unwrap_or(self.0.len()));
        self
    }
}

/// Compares two versions. An invalid version is older than every valid one.
pub(crate) fn compare(a: &str, b: &str) -> Ordering {
    Version::parse(a).cmp(&Version::parse(b))
}

impl Ord for Version<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        let part = |version: &Self, n: usize| version.0.get(n).copied().unwrap_or(ZERO);
        let orders =
            (0..self.0.len().max(other.0.len())).map(|n| part(self, n).cmp(&part(other, n)));
        orders.reduce(Ordering::then).unwrap_or(Ordering::Equal)
    }
}

impl PartialOrd for Version<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Version<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Version<'_> {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_in_the_order_people_expect() {
        let ascending = [
            "3.9.2-39",
            "3.9.2-53",
            "4.0",
            "5.0.2-nightly",
            "5.0.2-dev",
            "5.0.2-alpha1",
            "5.0.2b3",
            "5.0.2-rc1",
            "5.0.2-RC2",
            "5.0.2",
            "5.0.2-pl1",
            "5.0.2pl2",
            "5.0.15-0",
            "5.9",
            "5.10",
            "5.10.0-1",
            "99999999999999999999998",
            "99999999999999999999999",
        ];
        for (n, a) in ascending.iter().enumerate() {
            for (m, b) in ascending.iter().enumerate() {
                let (a, b) = (Version::parse(a).unwrap(), Version::parse(b).unwrap());
                assert_eq!(a.cmp(&b), n.cmp(&m), "{a:?} {b:?}");
            }
        }
        for same in ["5.1.0-0", "V5.1.0", " v5.1 ", "5.01", "5.1.0.0.0"] {
            assert_eq!(Version::parse(same), Version::parse("5.1.0"), "{same}");
        }
        for bad in ["", "v", "x5", "5 1", "5.\u{661}", "-5"] {
            assert!(Version::parse(bad).is_none(), "{bad}");
        }
    }
}

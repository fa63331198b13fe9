//! Supported versions of a platform.
//!
//! Sites give a regular expression for the start of a version. Most of them only enumerate a range
//! (`4\.[0-4]`, `5.*`, `(4.4)|(5\.(0|1|2))`) and are converted to ranges. Others must match the
//! whole version or its first numbers: `5\.1` matches 5.1 and 5.1.7, but not 5.10.

use std::collections::BTreeSet;
use std::fmt;

use regex::bytes::{Regex, RegexBuilder};

use crate::base::version::Version;

/// Longest expression that is parsed, in bytes: real ones have less than 100.
const MAX_EXPRESSION_BYTES: usize = 1024;

/// Most versions that an expression may enumerate.
const MAX_SPELLED: usize = 512;

/// Most memory of a compiled expression, in bytes.
const MAX_COMPILED_BYTES: usize = 256 * 1024;

/// Numbers of a version, the most significant first.
type Numbers = Vec<u32>;

/// A set of versions of a platform.
#[derive(Debug, Clone)]
pub(super) enum Versions {
    /// All versions.
    All,
    /// Half-open ranges: from the first version up to, but excluding, the second.
    Ranges(Vec<(Numbers, Numbers)>),
    /// The versions that an expression matches completely.
    Pattern { text: String, compiled: Regex },
    /// No versions: the expression is invalid.
    None { text: String },
}

impl Versions {
    /// Parses the expression of a site.
    pub(super) fn parse(expression: &str) -> Versions {
        let text = expression.trim();
        let bare = text.strip_prefix('^').unwrap_or(text);
        let bare = bare.strip_suffix('$').unwrap_or(bare);
        if bare.is_empty() || matches!(bare, ".*" | ".+" | "*") {
            return Versions::All;
        }
        if bare.len() <= MAX_EXPRESSION_BYTES {
            if let Some(ranges) = Speller::spell(bare).and_then(|spelled| ranges_of(&spelled)) {
                return Versions::Ranges(ranges);
            }
            let whole = RegexBuilder::new(&format!("^(?:{bare})$"))
                .size_limit(MAX_COMPILED_BYTES)
                .unicode(false)
                .build();
            if let Ok(compiled) = whole {
                return Versions::Pattern { text: bare.to_owned(), compiled };
            }
        }
        let text = text.chars().take(MAX_EXPRESSION_BYTES).collect();
        Versions::None { text }
    }

    /// Limits the third number of the version, if the versions are those of two numbers such as
    /// 3.1.
    pub(super) fn with_patch_levels(self, min: Option<u32>, max: Option<u32>) -> Versions {
        let Versions::Ranges(ranges) = &self else { return self };
        let [(low, high)] = &ranges[..] else { return self };
        if low.len() != 2 || next(low) != *high || (min.is_none() && max.is_none()) {
            return self;
        }
        let at = |level| low.iter().copied().chain([level]).collect();
        let low = min.map_or_else(|| low.clone(), at);
        let high = max.map_or_else(|| high.clone(), |level: u32| at(level.saturating_add(1)));
        Versions::Ranges(vec![(low, high)])
    }

    /// True if `version` is one of them.
    pub(super) fn contain(&self, version: &str) -> bool {
        match self {
            Versions::All => true,
            Versions::None { .. } => false,
            Versions::Ranges(ranges) => {
                let Some(version) = Version::parse(version) else { return false };
                // A pre-release of the first version counts as that version.
                let version = version.release();
                ranges.iter().any(|(low, high)| {
                    let (low, high) = (dotted(low), dotted(high));
                    let bounds = (Version::parse(&low), Version::parse(&high));
                    matches!(bounds, (Some(low), Some(high)) if low <= version && version < high)
                })
            }
            Versions::Pattern { compiled, .. } => {
                let ends = version.match_indices('.').map(|(at, _)| at).chain([version.len()]);
                ends.into_iter().any(|end| compiled.is_match(&version.as_bytes()[..end]))
            }
        }
    }
}

impl fmt::Display for Versions {
    /// Writes `>= 4.4, < 4.5 | >= 5.0, < 5.3`, `~ (5|6)\.x`, or `any`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Versions::All => f.write_str("any"),
            Versions::Ranges(ranges) => {
                for (n, (low, high)) in ranges.iter().enumerate() {
                    let or = if n > 0 { " | " } else { "" };
                    write!(f, "{or}>= {}, < {}", dotted(low), dotted(high))?;
                }
                Ok(())
            }
            Versions::Pattern { text, .. } | Versions::None { text } => write!(f, "~ {text}"),
        }
    }
}

fn dotted(numbers: &[u32]) -> String {
    numbers.iter().map(u32::to_string).collect::<Vec<_>>().join(".")
}

/// Returns the first version after all that start with these numbers.
fn next(numbers: &[u32]) -> Numbers {
    let mut next = numbers.to_vec();
    if let Some(last) = next.last_mut() {
        *last = last.saturating_add(1);
    }
    next
}

/// Returns the ranges of the versions that start with one of these prefixes, or `None` if a prefix
/// is invalid.
fn ranges_of(spelled: &BTreeSet<String>) -> Option<Vec<(Numbers, Numbers)>> {
    let mut prefixes = BTreeSet::new();
    for text in spelled {
        let numbers: Option<Numbers> = text.split('.').map(|part| part.parse().ok()).collect();
        prefixes.insert(numbers?);
    }
    let mut ranges: Vec<(Numbers, Numbers)> = Vec::new();
    for prefix in prefixes {
        let after = next(&prefix);
        match ranges.last_mut() {
            // 5.1 starts at the end of 5.0; 5.1.2 is a part of 5.1.
            Some((_, high)) if *high == prefix => *high = after,
            Some((_, high)) if prefix < *high => {}
            _ => ranges.push((prefix, after)),
        }
    }
    Some(ranges)
}

/// A parser of expressions that enumerate prefixes.
struct Speller<'a> {
    rest: &'a str,
}

/// The prefixes of an expression so far.
type Spelled = BTreeSet<Prefix>;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Prefix {
    text: String,
    /// True if anything may follow.
    is_open: bool,
}

impl Prefix {
    fn exact(text: impl Into<String>) -> Prefix {
        Prefix { text: text.into(), is_open: false }
    }

    /// Any text.
    fn any() -> Prefix {
        Prefix { text: String::new(), is_open: true }
    }
}

impl Speller<'_> {
    /// Returns all prefixes of an expression, or `None` if it does not only enumerate them.
    fn spell(text: &str) -> Option<BTreeSet<String>> {
        let mut speller = Speller { rest: text };
        let spelled = speller.alternatives(8)?;
        if !speller.rest.is_empty() {
            return None;
        }
        let trimmed = spelled.iter().map(|prefix| prefix.text.trim_end_matches('.').to_owned());
        let trimmed: BTreeSet<String> = trimmed.collect();
        let is_version = |text: &String| {
            text.split('.').all(|part| {
                !part.is_empty() && part.len() < 9 && part.bytes().all(|b| b.is_ascii_digit())
            })
        };
        trimmed.iter().all(is_version).then_some(trimmed)
    }

    /// Parses alternatives up to the end or a closing parenthesis.
    fn alternatives(&mut self, depth: usize) -> Option<Spelled> {
        let mut all = self.sequence(depth)?;
        while let Some(rest) = self.rest.strip_prefix('|') {
            self.rest = rest;
            all.extend(self.sequence(depth)?);
            if all.len() > MAX_SPELLED {
                return None;
            }
        }
        Some(all)
    }

    fn sequence(&mut self, depth: usize) -> Option<Spelled> {
        let mut all = Spelled::from([Prefix::exact("")]);
        while !self.rest.is_empty() && !self.rest.starts_with(['|', ')']) {
            let atom = self.atom(depth)?;
            let mut longer = Spelled::new();
            for start in &all {
                for more in &atom {
                    // A prefix cannot continue after any text.
                    if start.is_open && !more.text.is_empty() {
                        return None;
                    }
                    longer.insert(Prefix {
                        text: format!("{}{}", start.text, more.text),
                        is_open: start.is_open || more.is_open,
                    });
                }
            }
            if longer.len() > MAX_SPELLED {
                return None;
            }
            all = longer;
        }
        Some(all)
    }

    /// Parses one atom with its quantifier.
    fn atom(&mut self, depth: usize) -> Option<Spelled> {
        let mut chars = self.rest.chars();
        let first = chars.next()?;
        self.rest = chars.as_str();
        let one = |c: char| Spelled::from([Prefix::exact(c)]);
        let atom = match first {
            '0'..='9' => one(first),
            '.' if self.rest.starts_with(['*', '+']) => {
                self.rest = &self.rest[1..];
                return Some(Spelled::from([Prefix::any()]));
            }
            '.' => one('.'),
            '\\' => match self.take()? {
                '.' => one('.'),
                'd' => digits('0', '9'),
                _ => return None,
            },
            '[' => self.class()?,
            '(' => {
                self.rest = self.rest.strip_prefix("?:").unwrap_or(self.rest);
                let group = self.alternatives(depth.checked_sub(1)?)?;
                (self.take()? == ')').then_some(group)?
            }
            _ => return None,
        };
        match self.rest.chars().next() {
            Some('?') => {
                self.rest = &self.rest[1..];
                let mut atom = atom;
                atom.insert(Prefix::exact(""));
                Some(atom)
            }
            // Any number, as in `5.[0-9]*`.
            Some('*' | '+') if first == '[' || first == '\\' => {
                self.rest = &self.rest[1..];
                let is_any = atom == digits('0', '9');
                is_any.then(|| Spelled::from([Prefix::any()]))
            }
            Some('*' | '+' | '{') => None,
            _ => Some(atom),
        }
    }

    fn class(&mut self) -> Option<Spelled> {
        let mut all = Spelled::new();
        loop {
            match self.take()? {
                ']' if !all.is_empty() => return Some(all),
                low @ '0'..='9' if self.rest.starts_with('-') => {
                    self.take();
                    let high = self.take().filter(char::is_ascii_digit)?;
                    all.extend(digits(low, high));
                }
                digit @ '0'..='9' => {
                    all.insert(Prefix::exact(digit));
                }
                _ => return None,
            }
        }
    }

    fn take(&mut self) -> Option<char> {
        let mut chars = self.rest.chars();
        let first = chars.next();
        self.rest = chars.as_str();
        first
    }
}

fn digits(low: char, high: char) -> Spelled {
    (low..=high).map(Prefix::exact).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_that_enumerate_ranges_become_ranges() {
        for (expression, expected) in [
            ("", "any"),
            (".*", "any"),
            ("5.1", ">= 5.1, < 5.2"),
            ("^5\\.1$", ">= 5.1, < 5.2"),
            ("5", ">= 5, < 6"),
            ("5.*", ">= 5, < 6"),
            ("5\\..*", ">= 5, < 6"),
            ("[345].*", ">= 3, < 6"),
            ("[45]", ">= 4, < 6"),
            ("4.[0-4]", ">= 4.0, < 4.5"),
            ("4\\.[01234]", ">= 4.0, < 4.5"),
            ("4.[024]", ">= 4.0, < 4.1 | >= 4.2, < 4.3 | >= 4.4, < 4.5"),
            ("((4\\.4)|(5\\.(0|1|2|3)))", ">= 4.4, < 4.5 | >= 5.0, < 5.4"),
            ("(5.[0-9])|(6.*)", ">= 5.0, < 5.10 | >= 6, < 7"),
            ("3.1[0-2]", ">= 3.10, < 3.13"),
            ("5.1.?[0-9]*", ">= 5.1, < 5.2"),
            ("5.\\d+", ">= 5, < 6"),
            ("(?:4|5)", ">= 4, < 6"),
            ("5|5.1", ">= 5, < 6"),
        ] {
            assert_eq!(Versions::parse(expression).to_string(), expected, "{expression}");
        }
    }

    #[test]
    fn other_expressions_must_match_completely() {
        for (expression, inside, outside) in [
            ("5.(0|1)(-rc.*)?", &["5.0", "5.1.7", "5.0-rc2"][..], &["5.10", "15.0", "4.5.0"][..]),
            ("[^4].*", &["5.1"], &["4.1", "45"]),
            ("5.1{2}", &["5.11", "5.11.3"], &["5.1", "5.111"]),
        ] {
            let versions = Versions::parse(expression);
            assert!(matches!(versions, Versions::Pattern { .. }), "{versions:?}");
            assert!(inside.iter().all(|version| versions.contain(version)), "{expression}");
            for version in outside {
                assert!(!versions.contain(version), "{expression} {version}");
            }
        }
    }

    #[test]
    fn ranges_contain_versions_that_start_with_their_numbers() {
        for (expression, version, expected) in [
            ("5.1", "5.1", true),
            ("5.1", "5.1.7", true),
            ("5.1", "5.10", false),
            ("5.[0-9]", "5.9.3", true),
            ("5.[0-9]", "5.10", false),
            ("5.*", "5.10.1", true),
            ("5.*", "6.0", false),
            ("5.*", "6.0-rc1", false),
            ("5.*", "5.0-rc1", true),
            ("5.*", "next", false),
            ("", "5.1", true),
        ] {
            assert_eq!(
                Versions::parse(expression).contain(version),
                expected,
                "{expression} {version}"
            );
        }
        let levels = Versions::parse("3.1").with_patch_levels(Some(2), Some(4));
        assert_eq!(levels.to_string(), ">= 3.1.2, < 3.1.5");
        let open = Versions::parse("3.1").with_patch_levels(None, Some(4));
        assert!(open.contain("3.1.0") && !open.contain("3.1.5"));
        assert_eq!(
            Versions::parse("3.*").with_patch_levels(Some(2), None).to_string(),
            ">= 3, < 4"
        );
    }

    #[test]
    fn hostile_expressions_are_cheap_and_match_nothing() {
        let long = "5".repeat(5000);
        let many = "[0-9]".repeat(50);
        let deep = "(".repeat(500);
        for expression in [&*long, &many, &deep, "(a{1000}){1000}", "(", "[", "5.[", "\\"] {
            let versions = Versions::parse(expression);
            assert!(!versions.contain("5.1"), "{versions}");
        }
    }
}

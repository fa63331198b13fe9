//! Relations between definitions, in the notation of Debian's control files (Debian Policy, section
//! 7.1): `name (>= 1.2) | other, third`.

use std::fmt;
use std::str::FromStr;

use crate::base::error::{Error, Result, impl_from};
use crate::base::version::{Version, compare};

#[cfg(doc)]
use crate::base::error::ErrorKind;

/// Longest text of one field, in bytes.
const MAX_TEXT_BYTES: usize = 16 * 1024;

/// The relations of a definition to others.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Relations {
    /// Definitions that must be installed first: one of each group of alternatives.
    pub requires: Vec<Alternatives>,
    /// Definitions that cannot be installed together with this one.
    pub conflicts: Vec<Relation>,
    /// Definitions that this one replaces. They must be removed when it is installed.
    pub replaces: Vec<Relation>,
}

/// Definitions, one of which is required.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alternatives(Vec<Relation>);

/// Another definition, with a bound on its version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relation {
    name: Box<str>,
    bound: Option<(Bound, Box<str>)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bound {
    Earlier,
    UpTo,
    Exactly,
    From,
    Later,
}

/// The signs of the bounds, longer ones before their prefixes.
const BOUNDS: &[(&str, Bound)] = &[
    ("<<", Bound::Earlier),
    ("<=", Bound::UpTo),
    (">=", Bound::From),
    (">>", Bound::Later),
    ("=", Bound::Exactly),
];

impl Relation {
    /// Returns the name of the other definition.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// True if a definition with this name and version matches. An unknown version matches no
    /// bound.
    pub fn fits(&self, name: &str, version: Option<&str>) -> bool {
        *self.name == *name && self.takes_version(version)
    }

    fn takes_version(&self, version: Option<&str>) -> bool {
        let Some((bound, limit)) = &self.bound else { return true };
        let Some(version) = version else { return false };
        let order = compare(version, limit);
        match bound {
            Bound::Earlier => order.is_lt(),
            Bound::UpTo => order.is_le(),
            Bound::Exactly => order.is_eq(),
            Bound::From => order.is_ge(),
            Bound::Later => order.is_gt(),
        }
    }
}

impl Alternatives {
    /// Returns the alternatives, the preferred one first.
    pub fn iter(&self) -> impl Iterator<Item = &Relation> {
        self.0.iter()
    }
}

impl Relations {
    /// True if the definition has no relations.
    pub fn is_empty(&self) -> bool {
        self.requires.is_empty() && self.conflicts.is_empty() && self.replaces.is_empty()
    }

    /// Adds the relations of one field.
    pub(crate) fn add(&mut self, field: Field, text: &str) -> Result<(), InvalidRelation> {
        let lines = parse_list(text)?;
        let into = match field {
            Field::Requires => {
                self.requires.extend(lines);
                return Ok(());
            }
            Field::Conflicts => &mut self.conflicts,
            Field::Replaces => &mut self.replaces,
        };
        for Alternatives(mut line) in lines {
            if line.len() > 1 {
                return Err(InvalidRelation::Alternatives { field: field.name() });
            }
            into.append(&mut line);
        }
        Ok(())
    }
}

/// A field with relations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Field {
    Requires,
    Conflicts,
    Replaces,
}

impl Field {
    pub(crate) const ALL: [Field; 3] = [Field::Requires, Field::Conflicts, Field::Replaces];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Field::Requires => "requires",
            Field::Conflicts => "conflicts",
            Field::Replaces => "replaces",
        }
    }
}

fn parse_list(text: &str) -> Result<Vec<Alternatives>, InvalidRelation> {
    if text.len() > MAX_TEXT_BYTES {
        return Err(InvalidRelation::TooLong);
    }
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    let line = |line: &str| line.split('|').map(Relation::parse).collect::<Result<_, _>>();
    text.split(',').map(|text| line(text).map(Alternatives)).collect()
}

impl FromStr for Relation {
    type Err = Error;

    /// Parses one relation: a name, and optionally a bound on its version in parentheses.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`].
    fn from_str(text: &str) -> Result<Relation> {
        Ok(Relation::parse(text)?)
    }
}

impl Relation {
    fn parse(text: &str) -> Result<Relation, InvalidRelation> {
        let invalid = |problem| InvalidRelation::Text { text: text.trim().to_owned(), problem };
        let (name, bound) = match text.split_once('(') {
            None => (text, None),
            Some((name, rest)) => {
                let inner = rest.trim_end().strip_suffix(')');
                let inner = inner.ok_or_else(|| invalid("expected a closing parenthesis"))?.trim();
                let (bound, version) = BOUNDS
                    .iter()
                    .find_map(|(sign, bound)| Some((*bound, inner.strip_prefix(sign)?.trim())))
                    .ok_or_else(|| invalid("expected <<, <=, =, >= or >> and a version"))?;
                if Version::parse(version).is_none() {
                    return Err(invalid("expected a version such as 1.2"));
                }
                (name, Some((bound, version.into())))
            }
        };
        match name.trim() {
            "" => Err(invalid("expected a name")),
            name if name.contains(')') => Err(invalid("unexpected closing parenthesis")),
            name => Ok(Relation { name: name.into(), bound }),
        }
    }
}

/// An invalid field with relations.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InvalidRelation {
    #[error("expected a string, got {got}")]
    NoString { got: &'static str },
    #[error("expected at most {MAX_TEXT_BYTES} bytes, got more")]
    TooLong,
    #[error("expected no alternatives in {field:?}")]
    Alternatives { field: &'static str },
    #[error("{text:?}: {problem}")]
    Text { text: String, problem: &'static str },
}

impl_from!(InvalidRelation => Argument);

impl fmt::Display for Relation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        let Some((bound, version)) = &self.bound else { return Ok(()) };
        let sign = BOUNDS.iter().find(|(_, known)| known == bound).map_or("", |(sign, _)| sign);
        write!(f, " ({sign} {version})")
    }
}

impl fmt::Display for Alternatives {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, relation) in self.0.iter().enumerate() {
            write!(f, "{}{relation}", if n > 0 { " | " } else { "" })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn requires(text: &str) -> Result<Vec<String>, InvalidRelation> {
        let mut relations = Relations::default();
        relations.add(Field::Requires, text)?;
        Ok(relations.requires.iter().map(Alternatives::to_string).collect())
    }

    #[test]
    fn lists_are_parsed_and_displayed_in_one_notation() {
        for (text, expected) in [
            ("", vec![]),
            ("AdGuard Home", vec!["AdGuard Home"]),
            ("A(>=1.2)|B , C ( << 2 )", vec!["A (>= 1.2) | B", "C (<< 2)"]),
            ("a (= 1)", vec!["a (= 1)"]),
        ] {
            assert_eq!(requires(text).unwrap(), expected);
        }
    }

    #[test]
    fn invalid_relations_are_refused() {
        for (text, reason) in [
            ("a,,b", "expected a name"),
            ("a |", "expected a name"),
            ("(>= 1)", "expected a name"),
            ("a (>= 1", "expected a closing parenthesis"),
            ("a >= 1)", "unexpected closing parenthesis"),
            ("a (> 1)", "expected <<"),
            ("a (>=)", "expected a version"),
            ("a (>= new)", "expected a version"),
        ] {
            let error = requires(text).unwrap_err();
            assert!(error.to_string().contains(reason), "{text}: {error}");
        }
        let mut relations = Relations::default();
        assert!(relations.add(Field::Conflicts, "a | b").is_err());
    }

    #[test]
    fn bounds_use_the_order_of_versions() {
        for (relation, version, expected) in [
            ("a", None, true),
            ("a (>= 1)", None, false),
            ("a (>= 5.9)", Some("5.10"), true),
            ("a (>> 5.10)", Some("5.10"), false),
            ("a (<< 2.0)", Some("2.0-rc1"), true),
            ("a (<= 2.0)", Some("2.0"), true),
            ("a (= 2.0)", Some("2"), true),
        ] {
            let relation: Relation = relation.parse().unwrap();
            assert_eq!(relation.fits("a", version), expected, "{relation} {version:?}");
            assert!(!relation.fits("b", version));
        }
    }
}

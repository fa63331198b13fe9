//! What definitions say of each other, in the notation of Debian's control files
//! (Debian Policy, section 7.1): `name (>= 1.2) | other, third`.

use std::fmt;
use std::str::FromStr;

use crate::base::error::{Error, ErrorKind, Result};
use crate::base::version::compare;

/// Longest text of one field, in bytes.
const MAX_TEXT_BYTES: usize = 16 * 1024;

/// What a definition says of others.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Relations {
    /// What has to be installed before it: one of each line.
    pub requires: Vec<Alternatives>,
    /// What cannot be installed beside it.
    pub conflicts: Vec<Relation>,
    /// What it takes the place of: that is to be removed when it is installed.
    pub replaces: Vec<Relation>,
}

/// Definitions of which one will do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alternatives(Vec<Relation>);

/// Another definition, in some versions of it.
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

/// The signs of bounds; a sign that begins like another one comes after it.
const BOUNDS: &[(&str, Bound)] = &[
    ("<<", Bound::Earlier),
    ("<=", Bound::UpTo),
    (">=", Bound::From),
    (">>", Bound::Later),
    ("=", Bound::Exactly),
];

impl Relation {
    /// The name of the other definition.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether a definition of this name and version is meant. A version that is not known
    /// fits no bound.
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
    /// The alternatives, the preferred one first.
    pub fn iter(&self) -> impl Iterator<Item = &Relation> {
        self.0.iter()
    }
}

impl Relations {
    /// Whether nothing is said.
    pub fn is_empty(&self) -> bool {
        self.requires.is_empty() && self.conflicts.is_empty() && self.replaces.is_empty()
    }

    /// Adds what one field says.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`], saying what is wrong with it.
    pub(crate) fn add(&mut self, field: Field, text: &str) -> Result<()> {
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
                return Err(invalid(format!("alternatives make no sense in {:?}", field.name())));
            }
            into.append(&mut line);
        }
        Ok(())
    }
}

/// The fields of a definition that say something of others.
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

fn parse_list(text: &str) -> Result<Vec<Alternatives>> {
    if text.len() > MAX_TEXT_BYTES {
        return Err(invalid(format!("expected at most {MAX_TEXT_BYTES} bytes")));
    }
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    let line = |line: &str| line.split('|').map(str::parse).collect::<Result<_>>();
    text.split(',').map(|text| line(text).map(Alternatives)).collect()
}

impl FromStr for Relation {
    type Err = Error;

    /// Reads one relation: a name, and in parentheses a bound on its version.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`], saying what is wrong with it.
    fn from_str(text: &str) -> Result<Relation> {
        let bad = |problem: &str| invalid(format!("{:?}: {problem}", text.trim()));
        let (name, bound) = match text.split_once('(') {
            None => (text, None),
            Some((name, rest)) => {
                let inner = rest.trim_end().strip_suffix(')');
                let inner = inner.ok_or_else(|| bad("the parenthesis is not closed"))?.trim();
                let sign = BOUNDS
                    .iter()
                    .find_map(|(sign, bound)| Some((*bound, inner.strip_prefix(sign)?.trim())));
                let (bound, version) =
                    sign.ok_or_else(|| bad("expected <<, <=, =, >= or >> and a version"))?;
                if crate::base::version::Version::parse(version).is_none() {
                    return Err(bad("expected a version such as 1.2"));
                }
                (name, Some((bound, version.into())))
            }
        };
        let name = name.trim();
        if name.is_empty() {
            return Err(bad("expected a name"));
        }
        if name.contains(')') {
            return Err(bad("a parenthesis is closed that was never opened"));
        }
        Ok(Relation { name: name.into(), bound })
    }
}

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

fn invalid(message: String) -> Error {
    Error::new(ErrorKind::Argument, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn requires(text: &str) -> Result<Vec<String>> {
        let mut relations = Relations::default();
        relations.add(Field::Requires, text)?;
        Ok(relations.requires.iter().map(Alternatives::to_string).collect())
    }

    #[test]
    fn lists_are_read_and_written_in_one_notation() {
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
    fn what_is_no_relation_is_refused() {
        for (text, reason) in [
            ("a,,b", "expected a name"),
            ("a |", "expected a name"),
            ("(>= 1)", "expected a name"),
            ("a (>= 1", "not closed"),
            ("a >= 1)", "never opened"),
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
    fn bounds_hold_for_versions_as_people_compare_them() {
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

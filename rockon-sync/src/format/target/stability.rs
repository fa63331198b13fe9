//! Stabilities of releases.

use std::fmt;
use std::str::FromStr;

use crate::base::error::{Error, Result, impl_from};

#[cfg(doc)]
use crate::base::error::ErrorKind;

/// The stability of a release. More stable ones are greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Stability {
    /// `dev`, or an unknown stability.
    Dev,
    /// `alpha`
    Alpha,
    /// `beta`
    Beta,
    /// `rc`: a release candidate.
    Rc,
    /// `stable`
    Stable,
}

const STABILITIES: &[(Stability, &str)] = &[
    (Stability::Dev, "dev"),
    (Stability::Alpha, "alpha"),
    (Stability::Beta, "beta"),
    (Stability::Rc, "rc"),
    (Stability::Stable, "stable"),
];

impl Stability {
    /// Returns the name: `dev`, `alpha`, `beta`, `rc` or `stable`.
    pub fn name(self) -> &'static str {
        let row = STABILITIES.iter().find(|(stability, _)| *stability == self);
        row.expect("every stability has a row").1
    }

    /// Returns the lowest stability of the tags: stable without tags, [`Dev`](Self::Dev) with only
    /// unknown ones.
    pub(crate) fn of_tags(tags: &[String]) -> Stability {
        let known = tags.iter().filter_map(|tag| tag.parse().ok());
        match (known.min(), tags.is_empty()) {
            (Some(least), _) => least,
            (None, true) => Stability::Stable,
            (None, false) => Stability::Dev,
        }
    }
}

impl fmt::Display for Stability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Stability {
    type Err = Error;

    /// Parses the name of a stability, in any case.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`], with all names.
    fn from_str(name: &str) -> Result<Stability> {
        let lower = name.trim().to_ascii_lowercase();
        let row = STABILITIES.iter().find(|(_, known)| *known == lower);
        row.map(|(stability, _)| *stability)
            .ok_or_else(|| UnknownStability { got: name.to_owned() }.into())
    }
}

#[derive(Debug, thiserror::Error)]
#[error("expected a stability (dev, alpha, beta, rc, stable), got {got:?}")]
struct UnknownStability {
    got: String,
}

impl_from!(UnknownStability => Argument);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_stability_has_a_name_and_the_more_stable_is_greater() {
        for pair in STABILITIES.windows(2) {
            assert!(pair[0].0 < pair[1].0);
        }
        for (stability, name) in STABILITIES {
            assert_eq!(stability.name(), *name);
            assert_eq!(name.to_uppercase().parse::<Stability>().unwrap(), *stability);
        }
        let error = "best".parse::<Stability>().unwrap_err();
        let names: Vec<&str> = STABILITIES.iter().map(|(_, name)| *name).collect();
        assert!(error.to_string().contains(&names.join(", ")), "{error}");
    }

    #[test]
    fn unknown_tags_are_the_least_stable() {
        for (tags, expected) in [
            (&[][..], Stability::Stable),
            (&["stable"], Stability::Stable),
            (&["security", "RC"], Stability::Rc),
            (&["stable", "beta"], Stability::Beta),
            (&["nightly"], Stability::Dev),
        ] {
            let tags: Vec<String> = tags.iter().map(ToString::to_string).collect();
            assert_eq!(Stability::of_tags(&tags), expected, "{tags:?}");
        }
    }
}

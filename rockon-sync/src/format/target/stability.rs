//! How far releases have been tested.

use std::fmt;
use std::str::FromStr;

use crate::base::error::{Error, ErrorKind, Result};

/// How far a release has been tested; the more stable, the greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Stability {
    /// `dev`: not at all, and also what is of no known stability.
    Dev,
    /// `alpha`
    Alpha,
    /// `beta`
    Beta,
    /// `rc`: a candidate for a release.
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
    /// The name: `dev`, `alpha`, `beta`, `rc` or `stable`.
    pub fn name(self) -> &'static str {
        let row = STABILITIES.iter().find(|(stability, _)| *stability == self);
        row.expect("every stability has a row, as a test shows").1
    }

    /// What tags say. Without any it is stable; if none of them is known, it is the least.
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

    /// Reads the name of a stability, in any case.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`], with the names that there are.
    fn from_str(name: &str) -> Result<Stability> {
        let wanted = name.trim().to_ascii_lowercase();
        let row = STABILITIES.iter().find(|(_, known)| *known == wanted);
        row.map(|(stability, _)| *stability).ok_or_else(|| {
            let known: Vec<&str> = STABILITIES.iter().map(|(_, name)| *name).collect();
            Error::new(
                ErrorKind::Argument,
                format!("expected a stability ({}), got {name:?}", known.join(", ")),
            )
        })
    }
}

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
        assert!(error.to_string().contains("dev, alpha, beta, rc, stable"), "{error}");
    }

    #[test]
    fn tags_that_say_nothing_known_are_the_least_stable() {
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

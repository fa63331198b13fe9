//! The mode of an update.

use std::fmt;
use std::str::FromStr;

use crate::base::error::{Error, impl_from};

/// The share of the local data that an update checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Mode {
    /// Sizes and times of files, of up to 1,024 in rotation, and times of directories: a file that
    /// has both as they were committed is taken to be intact.
    #[default]
    Quick,
    /// Digests: every file is read.
    Verify,
    /// Nothing: every file is fetched again.
    Full,
}

impl Mode {
    /// Returns the name: `quick`, `verify` or `full`.
    pub fn name(self) -> &'static str {
        match self {
            Mode::Quick => "quick",
            Mode::Verify => "verify",
            Mode::Full => "full",
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Mode {
    type Err = Error;

    /// Parses the name of a mode.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`](crate::ErrorKind::Argument), with the names of all modes.
    fn from_str(name: &str) -> Result<Mode, Error> {
        let mode = [Mode::Quick, Mode::Verify, Mode::Full].into_iter().find(|m| m.name() == name);
        mode.ok_or_else(|| UnknownMode { got: name.to_owned() }.into())
    }
}

#[derive(Debug, thiserror::Error)]
#[error("expected a mode (quick, verify, full), got {got:?}")]
struct UnknownMode {
    got: String,
}

impl_from!(UnknownMode => Argument);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_are_parsed_by_name() {
        for mode in [Mode::Quick, Mode::Verify, Mode::Full] {
            assert_eq!(mode.to_string().parse::<Mode>().unwrap(), mode);
        }
        let error = "Full".parse::<Mode>().unwrap_err();
        assert_eq!(error.to_string(), "expected a mode (quick, verify, full), got \"Full\"");
    }
}

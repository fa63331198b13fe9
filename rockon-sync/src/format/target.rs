//! Machines, and their mismatches with the requirements of definitions.
//!
//! The manifest contains the requirements as the fields `arch` and `min_version` of an entry.
//! Unknown values match everything.
//!
//! | file | contains |
//! |---|---|
//! | `requirements.rs` | requirements of definitions |
//! | `arch.rs` | names of processor architectures |
//! | `prose.rs` | a parser of requirements in descriptions |
//! | `stability.rs` | stabilities of releases |

mod arch;
mod prose;
mod requirements;
mod stability;

use std::fmt;

pub use requirements::Requirements;
pub use stability::Stability;

use crate::base::error::{Result, impl_from};
use crate::base::version::Version;

#[cfg(doc)]
use crate::base::error::ErrorKind;

/// The properties of a machine that determine which definitions can be installed. Unknown ones
/// match everything.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Target {
    arch: Option<Box<str>>,
    version: Option<Box<str>>,
    /// Name and version.
    platform: Option<(Box<str>, Box<str>)>,
    stability: Option<Stability>,
}

impl Target {
    /// Returns a machine without known properties.
    pub fn new() -> Target {
        Target::default()
    }

    /// Sets the processor architecture: its name in container images (`amd64`, `arm64`, `arm/v7`,
    /// `386`) or another common one (`x86_64`, `aarch64`, `armv7l`).
    ///
    /// # Errors
    /// [`ErrorKind::Argument`] for an unknown name: a misspelled one would match nothing.
    pub fn with_arch(mut self, arch: &str) -> Result<Target> {
        let name = arch::of_machine(arch);
        self.arch = Some(name.ok_or_else(|| InvalidTarget::Arch { got: arch.to_owned() })?.into());
        Ok(self)
    }

    /// Sets the version of the system, for example `5.1.0-0`.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`] for an invalid version.
    pub fn with_version(mut self, version: &str) -> Result<Target> {
        match Version::parse(version) {
            Some(_) => self.version = Some(version.trim().into()),
            None => return Err(InvalidTarget::Version { got: version.to_owned() }.into()),
        }
        Ok(self)
    }

    /// Sets the platform of extensions, name and version: `joomla 5.1`.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`] for another form or an invalid version.
    pub fn with_platform(mut self, platform: &str) -> Result<Target> {
        let parts: Vec<&str> = platform.split_whitespace().collect();
        let [name, version] = parts[..] else {
            return Err(InvalidTarget::Platform { got: platform.to_owned() }.into());
        };
        if Version::parse(version).is_none() {
            return Err(InvalidTarget::PlatformVersion { got: version.to_owned() }.into());
        }
        self.platform = Some((name.into(), version.into()));
        Ok(self)
    }

    /// Sets the lowest accepted stability of releases.
    #[must_use]
    pub fn with_stability(mut self, stability: Stability) -> Target {
        self.stability = Some(stability);
        self
    }

    /// Returns the name and the version of the platform of extensions.
    pub fn platform(&self) -> Option<(&str, &str)> {
        self.platform.as_ref().map(|(name, version)| (&**name, &**version))
    }

    /// Returns the lowest accepted stability of releases.
    pub fn stability(&self) -> Option<Stability> {
        self.stability
    }

    /// Returns the name of the architecture in container images.
    pub fn arch(&self) -> Option<&str> {
        self.arch.as_deref()
    }

    /// Returns the version of the system.
    pub fn version(&self) -> Option<&str> {
        self.version.as_deref()
    }

    /// Returns the requirements that this machine does not meet.
    pub fn mismatches(&self, requirements: &Requirements) -> Vec<Mismatch> {
        let mut found = Vec::new();
        if let (Some(is), Some(needs)) = (&self.arch, &requirements.arch)
            && !needs.iter().any(|needed| arch::runs(is, needed))
        {
            let needs = needs.iter().map(|name| name.to_string()).collect();
            found.push(Mismatch::Arch { needs, is: is.to_string() });
        }
        if let (Some(is), Some(needs)) = (&self.version, &requirements.min_version)
            && let (Some(own), Some(lowest)) = (Version::parse(is), Version::parse(needs))
            && own < lowest
        {
            found.push(Mismatch::Version { needs: needs.to_string(), is: is.to_string() });
        }
        found
    }
}

/// A reason why a definition cannot be installed on a machine. `Display` writes a message.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mismatch {
    /// Another architecture.
    Arch {
        /// The supported architectures.
        needs: Vec<String>,
        /// The architecture of the machine.
        is: String,
    },
    /// A newer version of the system.
    Version {
        /// The lowest supported version.
        needs: String,
        /// The version of the machine.
        is: String,
    },
    /// Another platform, or other versions of it.
    Platform {
        /// The supported platforms.
        needs: Vec<String>,
        /// Name and version of the machine's platform.
        is: String,
    },
    /// A lower stability.
    Stability {
        /// The lowest accepted stability.
        wanted: Stability,
        /// The stability of the release.
        is: Stability,
    },
}

impl Mismatch {
    /// Returns the stable name of the reason: `arch`, `version`, `platform` or `stability`.
    pub fn name(&self) -> &'static str {
        match self {
            Mismatch::Arch { .. } => "arch",
            Mismatch::Version { .. } => "version",
            Mismatch::Platform { .. } => "platform",
            Mismatch::Stability { .. } => "stability",
        }
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Mismatch::Arch { needs, is } => {
                write!(f, "available for {} only, not for {is}", needs.join(", "))
            }
            Mismatch::Version { needs, is } => {
                write!(f, "needs version {needs} or later, not {is}")
            }
            Mismatch::Platform { needs, is } => {
                write!(f, "for {}, not for {is}", needs.join(" or "))
            }
            Mismatch::Stability { wanted, is } => {
                write!(f, "its stability is {is}, not {wanted} or more")
            }
        }
    }
}

#[derive(Debug, thiserror::Error)]
enum InvalidTarget {
    #[error("expected an architecture ({}), got {got:?}", arch::KNOWN.join(", "))]
    Arch { got: String },
    #[error("expected a version such as 5.1.0, got {got:?}")]
    Version { got: String },
    #[error("expected a platform such as \"joomla 5.1\", got {got:?}")]
    Platform { got: String },
    #[error("expected a version such as 5.1, got {got:?}")]
    PlatformVersion { got: String },
}

impl_from!(InvalidTarget => Argument);

#[cfg(test)]
mod tests {
    use super::requirements::tests::needs;
    use super::*;
    use crate::base::error::ErrorKind;

    #[test]
    fn mismatches_are_listed() {
        let machine = Target::new().with_arch("x86_64").unwrap().with_version("5.1.0-0").unwrap();
        for (requirements, expected) in [
            (needs(Some("amd64 arm64"), Some("5.1.0")), vec![]),
            (needs(Some("arm64"), None), vec!["available for arm64 only, not for amd64"]),
            (needs(None, Some("V5.5.0")), vec!["needs version V5.5.0 or later, not 5.1.0-0"]),
            (
                needs(Some("arm/v7 arm64"), Some("5.10")),
                vec![
                    "available for arm/v7, arm64 only, not for amd64",
                    "needs version 5.10 or later, not 5.1.0-0",
                ],
            ),
        ] {
            let found = machine.mismatches(&requirements);
            assert_eq!(found.iter().map(Mismatch::to_string).collect::<Vec<_>>(), expected);
            assert_eq!(Target::new().mismatches(&requirements), [], "an unknown machine matches");
        }
        assert_eq!(machine.mismatches(&Requirements::default()), []);
    }

    #[test]
    fn platforms_have_a_name_and_a_version() {
        let platform = |text: &str| Target::new().with_platform(text);
        assert_eq!(platform(" joomla  5.1 ").unwrap().platform(), Some(("joomla", "5.1")));
        for bad in ["", "joomla", "joomla new", "5.1 joomla", "joomla 5.1 rc1"] {
            assert_eq!(platform(bad).unwrap_err().kind(), ErrorKind::Argument, "{bad}");
        }
    }

    #[test]
    fn invalid_machines_are_refused() {
        for bad in ["", "a b", "arm64;", "\u{e4}", "/amd64", "-", "_x", "foo", "amd46"] {
            assert_eq!(Target::new().with_arch(bad).unwrap_err().kind(), ErrorKind::Argument);
        }
        for bad in ["", "new", "v", "-1"] {
            assert_eq!(Target::new().with_version(bad).unwrap_err().kind(), ErrorKind::Argument);
        }
    }
}

//! What a definition needs of the machine it is to run on, and whether a machine has it.
//!
//! Requirements stand in the manifest, as the fields `arch` and `min_version` of an entry. What
//! is not known is never a reason to hide anything.
//!
//! | file | does |
//! |---|---|
//! | `arch.rs` | names of processor architectures |
//! | `prose.rs` | reads what descriptions say of both |
//! | `stability.rs` | how far releases have been tested |

mod arch;
mod prose;
mod stability;

use std::fmt;

pub use stability::Stability;

use crate::base::error::{Error, ErrorKind, Result};
use crate::base::version::Version;
use crate::tree::manifest::{ARCH, Entry, MIN_VERSION};

/// A machine, as far as it decides what can be installed on it. What is not said of it
/// hides nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Target {
    arch: Option<Box<str>>,
    version: Option<Box<str>>,
    /// Name and version.
    platform: Option<(Box<str>, Box<str>)>,
    stability: Option<Stability>,
}

impl Target {
    /// A machine of which nothing is known.
    pub fn new() -> Target {
        Target::default()
    }

    /// Sets the processor architecture as container images name it (`amd64`, `arm64`,
    /// `arm/v7`, `386`); other customary names (`x86_64`, `aarch64`, `armv7l`) are understood.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`] for what cannot be such a name.
    pub fn with_arch(mut self, arch: &str) -> Result<Target> {
        let name = arch::normalized(arch).ok_or_else(|| {
            Error::new(
                ErrorKind::Argument,
                format!("expected an architecture such as arm64, got {arch:?}"),
            )
        })?;
        self.arch = Some(name);
        Ok(self)
    }

    /// Sets the version of the system: numbers separated by dots and dashes, such as
    /// `5.1.0-0`.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`] for what is no version.
    pub fn with_version(mut self, version: &str) -> Result<Target> {
        if Version::parse(version).is_none() {
            return Err(Error::new(
                ErrorKind::Argument,
                format!("expected a version such as 5.1.0, got {version:?}"),
            ));
        }
        self.version = Some(version.trim().into());
        Ok(self)
    }

    /// Sets the platform that extensions are for, name and version: `joomla 5.1`.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`] for another form, and for what is no version.
    pub fn with_platform(mut self, platform: &str) -> Result<Target> {
        let parts: Vec<&str> = platform.split_whitespace().collect();
        let [name, version] = parts[..] else {
            return Err(Error::new(
                ErrorKind::Argument,
                format!("expected a platform such as \"joomla 5.1\", got {platform:?}"),
            ));
        };
        if Version::parse(version).is_none() {
            return Err(Error::new(
                ErrorKind::Argument,
                format!("expected a version such as 5.1, got {version:?}"),
            ));
        }
        self.platform = Some((name.into(), version.into()));
        Ok(self)
    }

    /// Sets the least stability that is wanted of releases.
    #[must_use]
    pub fn with_stability(mut self, stability: Stability) -> Target {
        self.stability = Some(stability);
        self
    }

    /// The platform that extensions are for: name and version.
    pub fn platform(&self) -> Option<(&str, &str)> {
        self.platform.as_ref().map(|(name, version)| (&**name, &**version))
    }

    /// The least stability that is wanted of releases.
    pub fn stability(&self) -> Option<Stability> {
        self.stability
    }

    /// The architecture, as container images name it.
    pub fn arch(&self) -> Option<&str> {
        self.arch.as_deref()
    }

    /// The version of the system.
    pub fn version(&self) -> Option<&str> {
        self.version.as_deref()
    }

    /// What of `requirements` this machine does not have; nothing if they fit, or if one of
    /// both sides is silent.
    pub fn mismatches(&self, requirements: &Requirements) -> Vec<Mismatch> {
        let mut found = Vec::new();
        if let (Some(is), Some(needs)) = (&self.arch, &requirements.arch)
            && !needs.iter().any(|needed| arch::runs(is, needed))
        {
            let needs = needs.iter().map(|name| name.to_string()).collect();
            found.push(Mismatch::Arch { needs, is: is.to_string() });
        }
        if let (Some(is), Some(needs)) = (&self.version, &requirements.min_version)
            && let (Some(held), Some(wanted)) = (Version::parse(is), Version::parse(needs))
            && held < wanted
        {
            found.push(Mismatch::Version { needs: needs.to_string(), is: is.to_string() });
        }
        found
    }
}

/// Why something does not fit a machine. `Display` says it in a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mismatch {
    /// It is for other processors.
    Arch {
        /// The architectures that it is for.
        needs: Vec<String>,
        /// The one of the machine.
        is: String,
    },
    /// It needs a newer system.
    Version {
        /// The first version that will do.
        needs: String,
        /// The one of the machine.
        is: String,
    },
    /// It is for another platform, or other versions of it.
    Platform {
        /// What it is for.
        needs: Vec<String>,
        /// Name and version of the machine's.
        is: String,
    },
    /// It has not been tested as much as is wanted.
    Stability {
        /// The least that is wanted.
        wanted: Stability,
        /// What it is.
        is: Stability,
    },
}

impl Mismatch {
    /// The stable name of the reason: `arch`, `version`, `platform` or `stability`.
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

/// What a definition needs of a machine; what is `None` is not known, and fits.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Requirements {
    arch: Option<Box<[Box<str>]>>,
    min_version: Option<Box<str>>,
}

impl Requirements {
    /// The architectures it is available for, as container images name them, in byte order.
    pub fn arch(&self) -> Option<&[Box<str>]> {
        self.arch.as_deref()
    }

    /// The first version of the system that will do.
    pub fn min_version(&self) -> Option<&str> {
        self.min_version.as_deref()
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.arch.is_none() && self.min_version.is_none()
    }

    /// Takes both values from what they are called in texts; what cannot be understood as a
    /// whole counts as not known.
    pub(crate) fn of_fields(arch: Option<Vec<String>>, min_version: Option<String>) -> Self {
        let arch = arch.filter(|names| !names.is_empty()).and_then(|names| {
            names.iter().map(|name| arch::normalized(name)).collect::<Option<Vec<_>>>()
        });
        let min_version = min_version.filter(|version| Version::parse(version).is_some());
        Requirements {
            arch: arch.map(sorted),
            min_version: min_version.map(|version| version.trim().into()),
        }
    }

    /// What the customary closing sentences of a description say.
    pub(crate) fn of_description(text: &str) -> Self {
        let plain = prose::without_markup(text);
        Requirements {
            arch: prose::architectures(&plain).map(sorted),
            min_version: prose::min_version(&plain).map(Into::into),
        }
    }

    /// These, and for what they leave open the ones of `other`.
    pub(crate) fn or(self, other: Requirements) -> Requirements {
        Requirements {
            arch: self.arch.or(other.arch),
            min_version: self.min_version.or(other.min_version),
        }
    }

    /// What can be said of two definitions in one file: a machine that fits one of them must
    /// not be told that the file is not for it.
    pub(crate) fn either(self, other: Requirements) -> Requirements {
        let arch = match (self.arch, other.arch) {
            (Some(a), Some(b)) => Some(sorted(a.into_iter().chain(b).collect())),
            _ => None,
        };
        let min_version = match (self.min_version, other.min_version) {
            (Some(a), Some(b)) if Version::parse(&b) < Version::parse(&a) => Some(b),
            (Some(a), Some(_)) => Some(a),
            _ => None,
        };
        Requirements { arch, min_version }
    }

    /// The further fields of a manifest entry that say this: name and canonical JSON.
    pub(crate) fn to_fields(&self) -> Vec<(&'static str, String)> {
        let mut fields = Vec::new();
        if let Some(arch) = &self.arch {
            let mut text = String::from("[");
            for (n, name) in arch.iter().enumerate() {
                text.push_str(if n > 0 { "," } else { "" });
                crate::base::json::write_string(name, &mut text);
            }
            fields.push((ARCH, text + "]"));
        }
        if let Some(version) = &self.min_version {
            let mut text = String::new();
            crate::base::json::write_string(version, &mut text);
            fields.push((MIN_VERSION, text));
        }
        fields
    }

    /// Reads the fields of an entry or a definition: `arch`, a string or an array of them,
    /// and `min_version`, a string. What is of another form is not known.
    pub(crate) fn of_json(arch: Option<&str>, min_version: Option<&str>) -> Requirements {
        let names = arch.and_then(|text| {
            let one = serde_json::from_str::<String>(text).map(|name| vec![name]);
            one.or_else(|_| serde_json::from_str(text)).ok()
        });
        let version = min_version.and_then(|text| serde_json::from_str(text).ok());
        Requirements::of_fields(names, version)
    }
}

impl fmt::Display for Requirements {
    /// `amd64, arm64; 5.1.0 or later`, or `any`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.arch, &self.min_version) {
            (None, None) => f.write_str("any"),
            (Some(arch), None) => f.write_str(&arch.join(", ")),
            (None, Some(version)) => write!(f, "{version} or later"),
            (Some(arch), Some(version)) => write!(f, "{}; {version} or later", arch.join(", ")),
        }
    }
}

fn sorted(mut names: Vec<Box<str>>) -> Box<[Box<str>]> {
    names.sort();
    names.dedup();
    names.into_boxed_slice()
}

/// What the fields `arch` and `min_version` of an entry say. The tree only carries them.
impl Entry {
    /// The requirements of the file, as far as the entry states them.
    pub fn requirements(&self) -> Requirements {
        let raw = |key| self.extra().find(|(name, _)| *name == key).map(|(_, value)| value);
        Requirements::of_json(raw(ARCH), raw(MIN_VERSION))
    }

    /// Sets the fields that state the requirements of the file.
    pub(crate) fn with_requirements(self, requirements: &Requirements) -> Entry {
        let fields = requirements.to_fields().into_iter();
        fields.fold(self, |entry, (key, value)| entry.with_extra(key, value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn needs(arch: Option<&str>, min_version: Option<&str>) -> Requirements {
        let arch = arch.map(|names| names.split(' ').map(str::to_owned).collect());
        Requirements::of_fields(arch, min_version.map(str::to_owned))
    }

    #[test]
    fn a_machine_is_told_what_it_lacks() {
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
            assert_eq!(Target::new().mismatches(&requirements), [], "nothing is known of it");
        }
        assert_eq!(machine.mismatches(&Requirements::default()), []);
    }

    #[test]
    fn what_is_not_understood_is_not_known() {
        for (arch, version) in [
            ("1", "1"),
            ("[\"amd64\",1]", "\"new\""),
            ("[]", "\"\""),
            ("[\"amd64\",\"any at all\"]", "null"),
            ("{}", "[\"5.0\"]"),
        ] {
            assert!(
                Requirements::of_json(Some(arch), Some(version)).is_empty(),
                "{arch} {version}"
            );
        }
        let one = Requirements::of_json(Some("\"aarch64\""), Some("\" 5.0 \""));
        assert_eq!(one.to_string(), "arm64; 5.0 or later");
        assert_eq!(
            one.to_fields(),
            [("arch", "[\"arm64\"]".into()), ("min_version", "\"5.0\"".into())]
        );
    }

    #[test]
    fn of_two_definitions_in_a_file_the_less_demanding_counts() {
        let (amd, arm) = (needs(Some("amd64"), Some("5.10")), needs(Some("arm64"), Some("5.9")));
        assert_eq!(amd.clone().either(arm).to_string(), "amd64, arm64; 5.9 or later");
        assert!(amd.either(Requirements::default()).is_empty());
    }

    #[test]
    fn machines_that_cannot_be_are_refused() {
        for bad in ["", "a b", "arm64;", "\u{e4}"] {
            assert_eq!(Target::new().with_arch(bad).unwrap_err().kind(), ErrorKind::Argument);
        }
        for bad in ["", "new", "v", "-1"] {
            assert_eq!(Target::new().with_version(bad).unwrap_err().kind(), ErrorKind::Argument);
        }
    }
}

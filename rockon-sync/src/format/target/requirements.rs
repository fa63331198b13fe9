//! Requirements of definitions.

use std::fmt;

use serde_json::json;

use super::{arch, prose};
use crate::base::version::Version;
use crate::tree::manifest::{ARCH, Entry, MIN_VERSION};

/// The requirements of a definition. A missing one is unknown, and matches every machine.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Requirements {
    pub(super) arch: Option<Box<[Box<str>]>>,
    pub(super) min_version: Option<Box<str>>,
}

impl Requirements {
    /// Returns the supported architectures with their names in container images, in byte order.
    pub fn arch(&self) -> Option<&[Box<str>]> {
        self.arch.as_deref()
    }

    /// Returns the lowest supported version of the system.
    pub fn min_version(&self) -> Option<&str> {
        self.min_version.as_deref()
    }

    /// True if no requirement is known.
    pub fn is_empty(&self) -> bool {
        self.arch.is_none() && self.min_version.is_none()
    }

    /// Returns the requirements with these values. A value with an invalid part is unknown.
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

    /// Returns the requirements in the usual sentences of a description.
    pub(crate) fn of_description(text: &str) -> Self {
        let plain = prose::without_markup(text);
        Requirements {
            arch: prose::architectures(&plain).map(sorted),
            min_version: prose::min_version(&plain).map(Into::into),
        }
    }

    /// Returns these requirements, and those of `other` for unknown ones.
    pub(crate) fn or(self, other: Requirements) -> Requirements {
        Requirements {
            arch: self.arch.or(other.arch),
            min_version: self.min_version.or(other.min_version),
        }
    }

    /// Returns the requirements of a file with two definitions, which match every machine that
    /// matches one of them.
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

    /// Returns the extra fields of a manifest entry: name and canonical JSON.
    pub(crate) fn to_fields(&self) -> Vec<(&'static str, String)> {
        let arch = self.arch.iter().map(|names| (ARCH, json!(names).to_string()));
        let version = self.min_version.iter().map(|text| (MIN_VERSION, json!(text).to_string()));
        arch.chain(version).collect()
    }

    /// Parses the fields of an entry or a definition: `arch`, a string or an array of strings, and
    /// `min_version`, a string. A value of another form is unknown.
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
    /// Writes `amd64, arm64; 5.1.0 or later`, or `any`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.arch, &self.min_version) {
            (None, None) => f.write_str("any"),
            (Some(arch), None) => f.write_str(&arch.join(", ")),
            (None, Some(version)) => write!(f, "{version} or later"),
            (Some(arch), Some(version)) => write!(f, "{}; {version} or later", arch.join(", ")),
        }
    }
}

pub(super) fn sorted(mut names: Vec<Box<str>>) -> Box<[Box<str>]> {
    names.sort();
    names.dedup();
    names.into_boxed_slice()
}

/// The fields `arch` and `min_version`, which `tree/` does not interpret.
impl Entry {
    /// Returns the requirements in the entry.
    pub fn requirements(&self) -> Requirements {
        let raw = |key| self.extra().find(|(name, _)| *name == key).map(|(_, value)| value);
        Requirements::of_json(raw(ARCH), raw(MIN_VERSION))
    }

    /// Sets the requirements.
    pub(crate) fn with_requirements(self, requirements: &Requirements) -> Entry {
        let fields = requirements.to_fields().into_iter();
        fields.fold(self, |entry, (key, value)| entry.with_extra(key, value))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in super::super) fn needs(arch: Option<&str>, min_version: Option<&str>) -> Requirements {
        let arch = arch.map(|names| names.split(' ').map(str::to_owned).collect());
        Requirements::of_fields(arch, min_version.map(str::to_owned))
    }

    #[test]
    fn values_with_an_invalid_part_are_unknown() {
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
    fn of_two_definitions_in_a_file_the_lower_requirements_count() {
        let (amd, arm) = (needs(Some("amd64"), Some("5.10")), needs(Some("arm64"), Some("5.9")));
        assert_eq!(amd.clone().either(arm).to_string(), "amd64, arm64; 5.9 or later");
        assert!(amd.either(Requirements::default()).is_empty());
    }
}

//! Names of processor architectures in container images (`GOARCH` and variant of the OCI image
//! index), and their aliases.

/// Longest name, in bytes: real ones have less than ten.
const MAX_BYTES: usize = 32;

/// Aliases, and the names in images.
const ALIASES: &[(&str, &str)] = &[
    ("x86_64", "amd64"),
    ("x86-64", "amd64"),
    ("x64", "amd64"),
    ("aarch64", "arm64"),
    ("arm64v8", "arm64"),
    ("arm64/v8", "arm64"),
    ("armv8", "arm64"),
    ("arm32v7", "arm/v7"),
    ("armv7", "arm/v7"),
    ("armv7l", "arm/v7"),
    ("armhf", "arm/v7"),
    // The meaning of an index without a variant.
    ("arm", "arm/v7"),
    ("arm32v6", "arm/v6"),
    ("armv6", "arm/v6"),
    ("armv6l", "arm/v6"),
    ("arm32v5", "arm/v5"),
    ("armel", "arm/v5"),
    ("i386", "386"),
    ("i486", "386"),
    ("i586", "386"),
    ("i686", "386"),
];

/// Names in images.
pub(super) const KNOWN: &[&str] = &[
    "amd64", "arm64", "arm/v7", "arm/v6", "arm/v5", "386", "ppc64le", "s390x", "riscv64",
    "loong64", "mips64le", "mips64", "mipsle", "mips", "ppc64",
];

/// Returns the name in images of the architecture of a machine, or `None` if it is unknown.
pub(super) fn of_machine(name: &str) -> Option<&'static str> {
    known(&normalized(name)?)
}

/// Returns the name in images. Unknown names are returned in lower case, and `None` for an invalid
/// name.
pub(super) fn normalized(name: &str) -> Option<Box<str>> {
    let lower = name.trim().to_ascii_lowercase();
    let lower = lower.strip_prefix("linux/").unwrap_or(&lower);
    let is_name = (1..=MAX_BYTES).contains(&lower.len())
        && lower.starts_with(|c: char| c.is_ascii_alphanumeric())
        && lower.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'_' | b'-'));
    is_name.then(|| known(lower).unwrap_or(lower).into())
}

/// Returns the name in images of a known name in lower case.
pub(super) fn known(lower: &str) -> Option<&'static str> {
    let alias = ALIASES.iter().find(|(other, _)| *other == lower).map(|(_, name)| *name);
    alias.or_else(|| KNOWN.iter().find(|name| **name == lower).copied())
}

/// True if a machine runs images of an architecture: its own, or an older version of 32-bit ARM.
pub(super) fn runs(machine: &str, image: &str) -> bool {
    let variant = |name: &str| name.strip_prefix("arm/v")?.parse::<u32>().ok();
    match (variant(machine), variant(image)) {
        (Some(machine), Some(image)) => machine >= image,
        _ => machine == image,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aliases_are_normalized() {
        for (text, name) in [
            (" X86_64 ", "amd64"),
            ("linux/arm64/v8", "arm64"),
            ("linux/arm/v7", "arm/v7"),
            ("armhf", "arm/v7"),
            ("mips64le", "mips64le"),
            ("New", "new"),
        ] {
            assert_eq!(normalized(text).as_deref(), Some(name));
        }
        assert_eq!(normalized(&"a".repeat(33)), None);
    }

    #[test]
    fn newer_arm_runs_images_for_older_versions() {
        for (machine, image, runs_it) in [
            ("arm/v7", "arm/v6", true),
            ("arm/v6", "arm/v7", false),
            ("arm64", "arm/v7", false),
            ("amd64", "386", false),
            ("amd64", "amd64", true),
        ] {
            assert_eq!(runs(machine, image), runs_it, "{machine} {image}");
        }
    }
}

//! A parser of the usual last sentences of descriptions: "available for amd64 and arm64
//! architecture.", "This rock-on requires Rockstor version 3.9.2-53 or later."
//!
//! A sentence counts only if all of it is understood. Otherwise the requirement is unknown.

use super::arch;
use crate::base::version::Version;

/// Words before a list of architectures.
const LIST_STARTS: &[&str] = &["available for ", "available on ", "compatible with "];

/// Words after the list.
const LIST_ENDS: &[&str] =
    &["architecture", "architectures", "machines", "systems", "platforms", "hosts", "only"];

/// Words between two names.
const CONNECTORS: &[&str] = &["and", "or", "&"];

/// Tags that end a sentence.
const BLOCKS: &[&str] = &["p", "br", "br/", "li", "ul", "div", "h1", "h2", "h3", "h4"];

/// The product with the version.
const PRODUCT: &str = "rockstor ";

/// Words after the lowest version.
const OR_LATER: &[&str] =
    &["or later", "or newer", "or above", "or higher", "and later", "and newer"];

/// Returns the text of a description without tags, in lower case and with single spaces.
pub(super) fn without_markup(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, tag)) = rest.split_once('<') {
        let (tag, after) = tag.split_once('>').unwrap_or((tag, ""));
        plain.push_str(before);
        let name = tag.trim_start_matches('/').split_whitespace().next().unwrap_or_default();
        let is_block = BLOCKS.iter().any(|block| name.eq_ignore_ascii_case(block));
        plain.push_str(if is_block { ". " } else { " " });
        rest = after;
    }
    plain.push_str(rest);
    plain.make_ascii_lowercase();
    plain.replace("&amp;", "&").split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Returns the architectures in a plain text. If several sentences describe different images, only
/// the architectures of all of them count.
pub(super) fn architectures(plain: &str) -> Option<Vec<Box<str>>> {
    let mut found: Option<Vec<Box<str>>> = None;
    for start in LIST_STARTS {
        for (at, _) in plain.match_indices(start) {
            let Some(names) = list(&plain[at + start.len()..]) else { continue };
            found = Some(match found {
                None => names,
                Some(before) => before.into_iter().filter(|name| names.contains(name)).collect(),
            });
        }
    }
    found.filter(|names| !names.is_empty())
}

/// Parses a list of names up to the end of its sentence.
fn list(text: &str) -> Option<Vec<Box<str>>> {
    let sentence = text.split(['.', ';', ':', '(', '!']).next().unwrap_or_default();
    // Some texts have no space between the sign and the next name.
    let spaced = sentence.replace('&', " & ").replace(',', " ");
    let mut names = Vec::new();
    let mut is_list = true;
    for word in spaced.split_whitespace() {
        if !is_list {
            // "architecture only" is accepted, but no words that may extend the list.
            if !LIST_ENDS.contains(&word) {
                return None;
            }
        } else if LIST_ENDS.contains(&word) {
            is_list = false;
        } else if !CONNECTORS.contains(&word) {
            names.extend(split_names(word)?);
        }
    }
    (!names.is_empty()).then_some(names)
}

/// Splits `amd64/x86_64` and `amd64/arm64`, but not `arm/v7`, which is one name.
fn split_names(word: &str) -> Option<Vec<Box<str>>> {
    if let Some(name) = arch::known(word) {
        return Some(vec![name.into()]);
    }
    word.split('/').map(|part| arch::known(part).map(Into::into)).collect()
}

/// Returns the lowest version of the product in a plain text. The last one counts, because it ends
/// the description.
pub(super) fn min_version(plain: &str) -> Option<&str> {
    let mut found = None;
    for (at, _) in plain.match_indices(PRODUCT) {
        let rest = &plain[at + PRODUCT.len()..];
        let rest = rest.strip_prefix("version ").unwrap_or(rest);
        let Some((word, after)) = rest.split_once(' ') else { continue };
        let version = word.strip_prefix('v').unwrap_or(word);
        // "Rockstor 4 or above" usually refers to a single feature.
        if version.contains('.')
            && Version::parse(version).is_some()
            && OR_LATER.iter().any(|words| after.starts_with(words))
        {
            found = Some(version);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arch_of(text: &str) -> Option<String> {
        architectures(&without_markup(text))
            .map(|names| super::super::requirements::sorted(names).join(" "))
    }

    #[test]
    fn sentences_of_real_catalogs_are_parsed() {
        for (text, expected) in [
            (
                "<a href='x'>y</a>, available for amd64 and arm64 architecture.</p>",
                Some("amd64 arm64"),
            ),
            (", available for amd64 architecture only.</p> ", Some("amd64")),
            ("available on x86_64/amd64 and aarch64/arm64 architectures.", Some("amd64 arm64")),
            ("Available for amd64, arm/v7 &arm64 architecture.", Some("amd64 arm/v7 arm64")),
            (", available for amd64, arm32v7, and arm64v8.", Some("amd64 arm/v7 arm64")),
            (", available for x86-64 and arm64 architectures.", Some("amd64 arm64")),
            (
                " requires Rockstor 3.9.2-39 or later and is compatible with x86_64/amd64 machines only.<p>",
                Some("amd64"),
            ),
            ("available for amd64/x86_64 architecture only. Use MariaDB.", Some("amd64")),
            ("A, available for amd64 and arm64. B, available for amd64 only.", Some("amd64")),
            ("available for amd64 and, some day, arm64.", None),
            ("available for arm64 owners and everyone else.", None),
            ("Compatible with most clients.", None),
            ("available for amd64 architecture and much more.", None),
            ("A, available for amd64 only. B, available for arm64 only.", None),
            ("available for amd64 only</p><p><strong>Note: </strong>see", Some("amd64")),
            ("", None),
        ] {
            assert_eq!(arch_of(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn only_the_version_of_the_system_counts() {
        for (text, expected) in [
            (
                "<b>Note: </b>This rock-on requires Rockstor version 3.9.2-53 or later.</p>",
                Some("3.9.2-53"),
            ),
            ("requires Rockstor 3.9.2-39 or later and is compatible", Some("3.9.2-39")),
            ("Rockstor V5.5.0 or later", Some("5.5.0")),
            ("GPU folding capability requires: Rockstor4 or above (docker 19.03+)", None),
            ("for versions 7 and above", None),
            ("tested with Rockstor 5.0.9.", None),
            ("Rockstor 5.0.9", None),
            ("Rockstor 5 or later", None),
            ("Rockstor a.b or later", None),
            ("Rockstor 5.0.9 if possible", None),
        ] {
            assert_eq!(min_version(&without_markup(text)), expected, "{text}");
        }
    }
}

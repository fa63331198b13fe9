//! Relative paths of the files of a tree, which are also local file names.

use std::borrow::Cow;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use icu_normalizer::ComposingNormalizerBorrowed;
use unicase::UniCase;

use crate::base::error::{Error, excerpt, impl_from};

#[cfg(doc)]
use crate::base::error::ErrorKind;

/// Longest segment of an entry path, in bytes: the limit of common file systems.
const MAX_SEGMENT_BYTES: usize = 255;

/// Longest entry path, in bytes: leaves room for a store's own directories below `PATH_MAX`.
const MAX_PATH_BYTES: usize = 1024;

/// Top-level names that the protocol itself uses, in lower case.
const RESERVED: &[&str] = &[
    "root.json",
    "root.sha",
    "root.v2.json",
    "root.v2.sha",
    "history.json",
    "by-sha",
    "packs",
    "keys",
];

/// A relative path that is safe as a local file name and as part of a URL.
///
/// Segments are separated by `/` and are printable UTF-8. A segment is not empty, does not start
/// with a dot, and contains no backslash, colon, control or invisible formatting character. It has
/// at most 255 bytes, and the path at most 1,024. Every `EntryPath` satisfies these rules, so
/// its users check nothing again.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EntryPath(Box<str>);

impl EntryPath {
    /// Validates a relative path.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`], with the rule that `text` violates.
    pub fn new(text: impl Into<String>) -> Result<Self, Error> {
        let text = text.into();
        match violated_rule(&text) {
            None => Ok(EntryPath(text.into_boxed_str())),
            Some(rule) => Err(UnsafePath { text: excerpt(&text), rule }.into()),
        }
    }

    /// Returns the path as text, as in the manifest.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the segments, outermost first.
    pub fn segments(&self) -> impl Iterator<Item = &str> {
        self.0.split('/')
    }

    /// Returns the path below `dir`.
    pub fn below(&self, dir: &Path) -> PathBuf {
        dir.join(&*self.0)
    }

    /// True if the protocol itself uses this name (`root.json`, `by-sha/...`), in any case and
    /// Unicode form.
    pub fn is_reserved(&self) -> bool {
        let first = self.segments().next().unwrap_or_default();
        RESERVED.contains(&&*fold(first))
    }

    /// Returns the path in the Unicode form NFKC and with its case folded. Two paths that are equal
    /// in this form may be one file: ZFS can be configured to ignore both.
    pub(crate) fn folded(&self) -> Cow<'_, str> {
        folded(Cow::Borrowed(&self.0))
    }

    /// Returns the parent directories, outermost first: `a` and `a/b` for `a/b/c`.
    pub(crate) fn parents(&self) -> impl Iterator<Item = &str> {
        self.0.match_indices('/').map(|(at, _)| &self.0[..at])
    }
}

/// A path that violates a rule of [`EntryPath`].
#[derive(Debug, thiserror::Error)]
#[error("unsafe path {text:?}: {rule}")]
struct UnsafePath {
    text: String,
    rule: &'static str,
}

impl_from!(UnsafePath => Argument);

/// Returns the text of a path as [`EntryPath::folded`] does.
pub(crate) fn folded(path: Cow<'_, str>) -> Cow<'_, str> {
    let is_plain = path.bytes().all(|b| b.is_ascii() && !b.is_ascii_uppercase());
    if is_plain { path } else { Cow::Owned(fold(&path)) }
}

fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let form = ComposingNormalizerBorrowed::new_nfkc();
    // Twice: a folded letter may compose in another way than before.
    form.normalize(&UniCase::unicode(form.normalize(text)).to_folded_case()).into_owned()
}

/// Returns the rule that `text` violates, if any.
fn violated_rule(text: &str) -> Option<&'static str> {
    if text.len() > MAX_PATH_BYTES {
        return Some("longer than 1,024 bytes");
    }
    text.split('/').find_map(|segment| match segment {
        "" => Some("empty segment"),
        "." | ".." => Some("`.` or `..` as a segment"),
        _ if segment.starts_with('.') => Some("leading dot"),
        _ if segment.len() > MAX_SEGMENT_BYTES => Some("segment longer than 255 bytes"),
        _ => segment.chars().find_map(|c| match c {
            '\\' => Some("backslash"),
            ':' => Some("colon"),
            _ if c.is_control() => Some("control character"),
            _ if is_invisible(c) => Some("invisible formatting character"),
            _ => None,
        }),
    })
}

/// True for characters that are invisible or change how a name looks: zero-width characters, line
/// separators, direction marks and overrides, byte order mark.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

impl fmt::Display for EntryPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for EntryPath {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        EntryPath::new(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::error::ErrorKind;

    #[test]
    fn ordinary_names_are_unchanged() {
        for good in
            ["adguard.json", "seafile7+.json", "a/b c/d.json", "Grüße.json", "a..b", "%2e%2e"]
        {
            assert_eq!(EntryPath::new(good).unwrap().as_str(), good);
        }
        let longest = format!("{0}/{0}/{0}/{0}", "x".repeat(255));
        assert_eq!(EntryPath::new(&longest[..1023]).unwrap().as_str().len(), 1023);
    }

    #[test]
    fn unsafe_names_are_refused_with_the_violated_rule() {
        for (bad, rule) in [
            ("", "empty segment"),
            ("/etc/passwd", "empty segment"),
            ("a//b", "empty segment"),
            ("a/", "empty segment"),
            ("..", "`.` or `..`"),
            ("a/../b", "`.` or `..`"),
            ("./a", "`.` or `..`"),
            (".htaccess", "leading dot"),
            ("a/.git/config", "leading dot"),
            ("..\\x", "leading dot"),
            ("a\\..\\b", "backslash"),
            ("C:x", "colon"),
            ("http://h/a", "colon"),
            ("a\0b", "control"),
            ("a\nb", "control"),
            ("a\u{7f}", "control"),
            ("a\u{85}", "control"),
            ("a\u{202e}nosj.b", "invisible"),
            ("a\u{200b}", "invisible"),
        ] {
            let error = EntryPath::new(bad).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Argument);
            assert!(error.to_string().contains(rule), "{bad:?}: {error}");
        }
        for (len, segments) in [(256, 1), (255, 5)] {
            let long = vec!["x".repeat(len); segments].join("/");
            assert!(EntryPath::new(long).unwrap_err().to_string().contains("longer than"));
        }
    }

    #[test]
    fn reserved_names_are_recognized_in_any_case() {
        for (path, reserved) in [
            ("root.json", true),
            ("Root.SHA", true),
            ("by-sha/x", true),
            ("packs", true),
            ("sub/root.json", false),
            ("roots.json", false),
        ] {
            assert_eq!(EntryPath::new(path).unwrap().is_reserved(), reserved, "{path}");
        }
    }

    #[test]
    fn names_that_are_equal_on_some_file_system_fold_to_the_same() {
        for (one, other, is_same) in [
            ("a.json", "A.JSON", true),
            ("Gr\u{fc}\u{df}e", "GRU\u{308}\u{df}e", true),
            ("\u{212b}", "a\u{30a}", true),
            ("\u{ff41}.json", "a.json", true),
            ("\u{fb01}x", "FIX", true),
            ("\u{3a3}.json", "\u{3c2}.json", true),
            ("\u{3c3}.json", "\u{3c2}.json", true),
            ("\u{df}.json", "SS.json", true),
            ("\u{1e9e}.json", "ss.json", true),
            ("root.json", "r\u{ff4f}\u{ff4f}t.json", true),
            // A Cyrillic letter: another file, although it looks the same.
            ("\u{430}.json", "a.json", false),
            ("a-b", "a_b", false),
        ] {
            let fold = |text| EntryPath::new(text).unwrap().folded().into_owned();
            assert_eq!(fold(one) == fold(other), is_same, "{one} {other}");
        }
        assert!(EntryPath::new("R\u{ff4f}ot.json").unwrap().is_reserved());
    }

    #[test]
    fn parents_are_outermost_first() {
        let path = EntryPath::new("a/b/c.json").unwrap();
        assert_eq!(path.parents().collect::<Vec<_>>(), ["a", "a/b"]);
    }
}

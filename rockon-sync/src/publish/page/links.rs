//! Links of the page and of the feed.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::Url;

use crate::base::digest::Digest;
use crate::base::error::Result;
use crate::base::path::EntryPath;
use crate::net::location::Location;
use crate::publish::tree::BY_SHA;
use crate::tree::manifest::Entry;

/// Longest URL taken from a definition, in bytes: longer ones fail in some browsers and servers.
const MAX_WEBSITE_BYTES: usize = 2000;

/// The characters escaped in a path: all but the slash and the unreserved characters of
/// RFC 3986 (section 2.3).
const ESCAPED: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

/// Links from the page of a tree to its files.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Links {
    /// The URL in the head, which ends in a slash; empty if the files are beside the page.
    base: String,
}

impl Links {
    /// Creates links from the URL in the head. Its user, password and query are secrets, so they
    /// are dropped.
    ///
    /// # Errors
    /// [`Argument`](crate::ErrorKind::Argument) if no client could use the URL.
    pub(super) fn new(url: Option<&str>) -> Result<Links> {
        let location = url.map(Location::of_head_url).transpose()?;
        Ok(Links { base: location.map(|location| location.to_storable()).unwrap_or_default() })
    }

    /// Returns the URL of a file beside the page. It is absolute if the URL of the tree is known.
    pub(super) fn beside(&self, name: &str) -> String {
        format!("{}{name}", self.base)
    }

    /// Returns the URL of the tree, if it is known.
    pub(super) fn tree(&self) -> Option<&str> {
        Some(&*self.base).filter(|base| !base.is_empty())
    }

    /// Returns the link to the file of an entry.
    pub(super) fn file(&self, path: &EntryPath) -> String {
        format!("{}{}", self.base, utf8_percent_encode(path.as_str(), ESCAPED))
    }

    /// Returns the link to an object.
    pub(super) fn object(&self, digest: Digest) -> String {
        format!("{}{BY_SHA}/{digest}", self.base)
    }
}

/// Returns the HTML id of an entry on the page. Bytes other than ASCII letters, digits and dashes
/// become `_` and two hexadecimal digits: different ids stay different, and the result needs no
/// escaping in a URL.
pub(super) fn anchor(entry: &Entry) -> String {
    let mut anchor = String::from("e-");
    for byte in entry.id().bytes() {
        match byte {
            b'-' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => anchor.push(char::from(byte)),
            _ => anchor.push_str(&format!("_{byte:02x}")),
        }
    }
    anchor
}

/// A URL from a definition that is safe to link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Website {
    /// An `http` or `https` URL in ASCII.
    pub(super) url: String,
    /// The host, as the text of the link. In ASCII, so that it cannot imitate another host.
    pub(super) host: String,
}

impl Website {
    /// Returns `None` for URLs with other schemes, without a host, with credentials, or that are
    /// too long.
    pub(super) fn new(text: &str) -> Option<Website> {
        if text.len() > MAX_WEBSITE_BYTES {
            return None;
        }
        let url = Url::parse(text.trim()).ok()?;
        let host = url.host_str().filter(|host| !host.is_empty())?.to_owned();
        let is_web = matches!(url.scheme(), "http" | "https");
        let is_plain = url.username().is_empty() && url.password().is_none();
        (is_web && is_plain).then(|| Website { url: url.into(), host })
    }
}

/// A part of a plain text.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Part<'a> {
    Text(&'a str),
    Link(Website),
}

/// Splits a plain text into the URLs in it that are safe to link, and the rest.
pub(super) fn parts(text: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    // The text that is no part yet, and the place in it to search from.
    let (mut rest, mut from) = (text, 0);
    while let Some(found) = rest[from..].find("http") {
        let start = from + found;
        let url = url_at(&rest[start..]);
        let is_word = rest[..start].ends_with(|c: char| c.is_alphanumeric());
        match Website::new(url).filter(|_| !is_word) {
            Some(website) => {
                parts.extend((start > 0).then(|| Part::Text(&rest[..start])));
                parts.push(Part::Link(website));
                (rest, from) = (&rest[start + url.len()..], 0);
            }
            None => from = start + "http".len(),
        }
    }
    parts.extend((!rest.is_empty()).then_some(Part::Text(rest)));
    parts
}

/// Returns the URL that `text` begins with, without the punctuation of the sentence around it.
fn url_at(text: &str) -> &str {
    let is_end = |c: char| c.is_whitespace() || "<>\"'`{}|\\^".contains(c);
    let url = &text[..text.find(is_end).unwrap_or(text.len())];
    let url = url.trim_end_matches(['.', ',', ';', ':', '!', '?']);
    match url.strip_suffix(')') {
        Some(inside) if !inside.contains('(') => inside.trim_end_matches(['.', ',']),
        _ => url,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_in_a_text_are_found_without_the_punctuation_around_them() {
        let found = |text| -> String {
            let part = |part| match part {
                Part::Text(text) => text.to_owned(),
                Part::Link(website) => format!("[{}]", website.url),
            };
            parts(text).into_iter().map(part).collect()
        };
        for (text, expected) in [
            ("see https://h.example/x.", "see [https://h.example/x]."),
            ("(http://h/a?b=c#d), or", "([http://h/a?b=c#d]), or"),
            ("https://h/w/a_(b)!", "[https://h/w/a_(b)]!"),
            ("https://h https://i", "[https://h/] [https://i/]"),
            ("https://h/\"><script>", "[https://h/]\"><script>"),
            ("https://ex\u{430}mple.org", "[https://xn--exmple-4nf.org/]"),
            ("xhttps://h http https:// https://a@b", "xhttps://h http https:// https://a@b"),
            ("javascript:alert(1) //h h.example", "javascript:alert(1) //h h.example"),
            ("", ""),
        ] {
            assert_eq!(found(text), expected, "{text}");
        }
    }

    #[test]
    fn files_are_linked_with_every_special_character_escaped() {
        let path = EntryPath::new("a b/\"><x>#?%2e&'\u{fc}.json").unwrap();
        let escaped = "a%20b/%22%3E%3Cx%3E%23%3F%252e%26%27%C3%BC.json";
        assert_eq!(Links::default().file(&path), escaped);
        let links = Links::new(Some("https://user:secret@h.example/v2?token=1")).unwrap();
        assert_eq!(links.file(&path), format!("https://h.example/v2/{escaped}"));
        let digest = Digest::of(b"");
        assert_eq!(links.object(digest), format!("https://h.example/v2/by-sha/{digest}"));
        assert_eq!(Links::default().object(digest), format!("by-sha/{digest}"));
    }

    #[test]
    fn html_ids_are_unique_and_need_no_escaping() {
        let named = |id: &str| {
            let path = EntryPath::new("x").unwrap();
            anchor(&Entry::new(id, path, Digest::of(b"")).unwrap())
        };
        assert_eq!(named("adguard-home"), "e-adguard-home");
        assert_eq!(named("a b"), "e-a_20b");
        assert_eq!(named("a_20b"), "e-a_5f20b");
        assert_eq!(named("\"><\u{e9}"), "e-_22_3e_3c_c3_a9");
    }

    #[test]
    fn only_web_urls_are_linked() {
        for (text, expected) in [
            (" https://example.org ", Some(("https://example.org/", "example.org"))),
            ("http://h/\"><script>", Some(("http://h/%22%3E%3Cscript%3E", "h"))),
            // A Cyrillic letter, shown in ASCII.
            (
                "https://ex\u{430}mple.org/",
                Some(("https://xn--exmple-4nf.org/", "xn--exmple-4nf.org")),
            ),
            ("javascript:alert(1)", None),
            ("JaVaScRiPt://h/%0aalert(1)", None),
            ("java\nscript:alert(1)", None),
            ("\u{1}javascript:alert(1)", None),
            ("data:text/html,x", None),
            ("vbscript:x", None),
            ("file:///etc/passwd", None),
            ("https://bank.example@evil.example/", None),
            ("//example.org/", None),
            ("example.org", None),
            ("", None),
        ] {
            let found = Website::new(text);
            let found = found.as_ref().map(|site| (&*site.url, &*site.host));
            assert_eq!(found, expected, "{text}");
        }
        assert_eq!(Website::new(&format!("https://h/{}", "x".repeat(2000))), None);
    }
}

//! Turns untrusted text into plain text, without markup and invisible characters. The result must
//! still be escaped for its context.

use quick_xml::events::attributes::Attributes;

use super::links::Website;

/// Returns the text of a description, at most `max_chars` characters. Tags are dropped, entities
/// decoded, and paragraphs become lines. The URL of a link follows its text, so that a reader sees
/// where it leads.
pub(super) fn plain(markup: &str, max_chars: usize) -> String {
    let mut text = Plain::new(max_chars);
    let mut link = None;
    let mut rest = markup;
    while let Some(c) = rest.chars().next().filter(|_| !text.is_cut) {
        let (taken, after) = match c {
            '<' => match tag(rest) {
                Some(after) => {
                    let inside = rest[1..rest.len() - after.len()].trim_end_matches('>');
                    text.break_for(inside);
                    if is_tag(inside, "/a") {
                        text.end_link(link.take());
                    } else if is_tag(inside, "a") {
                        link = href(inside).and_then(|url| text.begin_link(&url));
                    }
                    (None, after)
                }
                None => (Some(c), &rest[1..]),
            },
            '&' => match entity(rest) {
                Some((decoded, after)) => (Some(decoded), after),
                None => (Some(c), &rest[1..]),
            },
            _ => (Some(c), &rest[c.len_utf8()..]),
        };
        if let Some(c) = taken {
            text.push(c);
        }
        rest = after;
    }
    text.finish()
}

/// Returns a name on one line, at most `max_chars` characters. Tags and entities are left as they
/// are.
pub(super) fn label(name: &str, max_chars: usize) -> String {
    let mut text = Plain::new(max_chars);
    for c in name.chars() {
        if text.is_cut {
            break;
        }
        text.push(c);
    }
    text.finish()
}

/// Elements that begin a new line.
const BLOCKS: &[&str] = &[
    "p", "br", "div", "li", "ul", "ol", "dl", "dt", "dd", "tr", "table", "pre", "hr", "h1", "h2",
    "h3", "h4", "h5", "h6",
];

/// Named character references that descriptions use. Others are left as they are.
const ENTITIES: &[(&str, char)] = &[
    ("amp", '&'),
    ("lt", '<'),
    ("gt", '>'),
    ("quot", '"'),
    ("apos", '\''),
    ("nbsp", ' '),
    ("copy", '\u{a9}'),
    ("reg", '\u{ae}'),
    ("trade", '\u{2122}'),
    ("hellip", '\u{2026}'),
    ("ndash", '\u{2013}'),
    ("mdash", '\u{2014}'),
    ("lsquo", '\u{2018}'),
    ("rsquo", '\u{2019}'),
    ("ldquo", '\u{201c}'),
    ("rdquo", '\u{201d}'),
    ("bull", '\u{2022}'),
];

/// Longest character reference that is recognized, in bytes.
const MAX_ENTITY_BYTES: usize = 12;

/// Returns the text after the tag or comment that `text` begins with. If it does not end, that is
/// nothing, as in browsers.
fn tag(text: &str) -> Option<&str> {
    let inside = &text[1..];
    if let Some(comment) = inside.strip_prefix("!--") {
        return Some(comment.split_once("-->").map_or("", |(_, after)| after));
    }
    inside
        .starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '/' | '!' | '?'))
        .then(|| inside.split_once('>').map_or("", |(_, after)| after))
}

/// True if this is the inside of a tag with this name, in lower case.
fn is_tag(inside: &str, name: &str) -> bool {
    let end = inside.find(char::is_whitespace).unwrap_or(inside.len());
    inside[..end].eq_ignore_ascii_case(name)
}

/// Returns the address of a link, given the inside of its tag.
fn href(inside: &str) -> Option<String> {
    let mut attributes = Attributes::html(inside, inside.find(char::is_whitespace)?);
    let mut attributes = attributes.with_checks(false).flatten();
    let href = attributes.find(|found| found.key.as_ref().eq_ignore_ascii_case("href"))?;
    Some(href.value.replace("&amp;", "&"))
}

/// Returns the character reference that `text` begins with, and the text after it.
fn entity(text: &str) -> Option<(char, &str)> {
    let end = text.bytes().take(MAX_ENTITY_BYTES).position(|b| b == b';')?;
    let (name, after) = (&text[1..end], &text[end + 1..]);
    let decoded = match name.strip_prefix('#') {
        Some(number) => {
            let code = match number.strip_prefix(['x', 'X']) {
                Some(digits) => u32::from_str_radix(digits, 16),
                None => number.parse(),
            };
            char::from_u32(code.ok()?).unwrap_or(char::REPLACEMENT_CHARACTER)
        }
        None => ENTITIES.iter().find(|(known, _)| *known == name)?.1,
    };
    Some((decoded, after))
}

/// Returns true if a character may be shown: it is allowed in XML 1.0 (section 2.2, Char), and is
/// not an invisible character that changes the order or the look of others. Joiners are allowed:
/// scripts and emoji need them.
fn is_shown(c: char) -> bool {
    !c.is_control()
        && !matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}'
            | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}' | '\u{fffe}' | '\u{ffff}' | '\u{e0000}'..='\u{e007f}')
}

/// A growing text with single spaces and without empty lines.
struct Plain {
    text: String,
    chars_left: usize,
    /// Goes before the next character.
    gap: Option<char>,
    is_cut: bool,
}

/// A link whose text is being read.
struct OpenLink {
    /// The start of its text.
    start: usize,
    url: String,
}

impl Plain {
    fn new(max_chars: usize) -> Plain {
        Plain { text: String::new(), chars_left: max_chars, gap: None, is_cut: false }
    }

    /// Begins a new line if this is the inside of a block tag.
    fn break_for(&mut self, inside: &str) {
        let name = inside.trim_start_matches('/');
        let end = name.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(name.len());
        if BLOCKS.iter().any(|block| name[..end].eq_ignore_ascii_case(block)) {
            self.gap = Some('\n');
        }
    }

    /// Begins a link, unless it is unsafe.
    fn begin_link(&self, url: &str) -> Option<OpenLink> {
        Website::new(url).map(|website| OpenLink { start: self.text.len(), url: website.url })
    }

    /// Ends a link with its URL, unless its text has that already.
    fn end_link(&mut self, link: Option<OpenLink>) {
        let Some(OpenLink { start, url }) = link else { return };
        if !self.text[start..].contains(url.trim_end_matches('/')) {
            format!(" ({url})").chars().for_each(|c| self.push(c));
        }
    }

    fn push(&mut self, c: char) {
        if c.is_whitespace() {
            self.gap = self.gap.or(Some(' '));
        } else if is_shown(c) {
            let gap = self.gap.take().filter(|_| !self.text.is_empty());
            let needed = 1 + usize::from(gap.is_some());
            if self.chars_left < needed {
                self.is_cut = true;
                return;
            }
            self.chars_left -= needed;
            self.text.extend(gap);
            self.text.push(c);
        }
    }

    fn finish(mut self) -> String {
        if self.is_cut {
            self.text.push('\u{2026}');
        }
        self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_becomes_plain_text() {
        for (markup, text) in [
            ("A <b>bold</b>  word.<p>New\nline</p><br/>last", "A bold word.\nNew line\nlast"),
            ("<p>x</p><p></p><P class='a'>y", "x\ny"),
            ("AT&amp;T &lt;b&gt; &#169; &#xA9; &copy;&nbsp;!", "AT&T <b> \u{a9} \u{a9} \u{a9} !"),
            (
                "1 < 2 & 3 > 2 &unknown; &#xd800; &#99999999999;",
                "1 < 2 & 3 > 2 &unknown; &#xd800; &#99999999999;",
            ),
            ("a<!-- <b> -->b<!doctype x>c<?php ?>d", "abcd"),
            (
                "<a href=\"https://h/x?a=1&amp;b=2\" target=_blank>here</a>!",
                "here (https://h/x?a=1&b=2)!",
            ),
            ("<A title='a=b' HREF = https://h/ >it</A>", "it (https://h/)"),
            ("<a href='https://h/'>https://h</a>", "https://h"),
            ("<a href='javascript:alert(1)'>x</a> <a name>y</a> <a href>z</a>", "x y z"),
            ("<a href='/x'>x</a> <abbr href='https://h/'>y</abbr></a>", "x y"),
            ("cut <a href='", "cut"),
            ("cut <!-- off", "cut"),
            ("<", "<"),
            ("&", "&"),
            ("&#;", "&#;"),
        ] {
            let expected = text.replace("&#xd800;", "\u{fffd}");
            assert_eq!(plain(markup, 1000), expected, "{markup}");
        }
    }

    #[test]
    fn invisible_characters_are_dropped() {
        let text = "a\0b\u{7}c\u{202e}d\u{2066}e\u{feff}f\u{fffe}g\u{200b}h\u{1b}[31m\u{85}i";
        assert_eq!(label(text, 100), "abcdefgh[31m i");
        assert_eq!(plain("&#0;&#x202e;&#xffff;x", 100), "x");
        // Joiners make one emoji of several.
        assert_eq!(label("\u{1f469}\u{200d}\u{1f4bb}", 100), "\u{1f469}\u{200d}\u{1f4bb}");
        assert_eq!(label(" a\n\tb ", 100), "a b");
        assert_eq!(label("<b>a</b>&amp;", 100), "<b>a</b>&amp;");
    }

    #[test]
    fn long_texts_are_cut_with_an_ellipsis() {
        assert_eq!(plain("abcde", 5), "abcde");
        assert_eq!(plain("abcdef", 5), "abcde\u{2026}");
        assert_eq!(plain("abcd efgh", 5), "abcd\u{2026}");
        let huge = "<a>".repeat(1_000_000) + &"x".repeat(5_000_000);
        assert_eq!(plain(&huge, 3), "xxx\u{2026}");
        let unclosed = "&".repeat(1_000_000) + &"<a".repeat(1_000_000);
        assert_eq!(plain(&unclosed, 3_000_000).len(), 1_000_000);
    }
}

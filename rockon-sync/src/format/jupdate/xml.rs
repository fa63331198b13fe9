//! A streaming XML reader.

use std::io::{BufRead, BufReader};

use encoding_rs::{Encoding, UTF_8};
use encoding_rs_io::DecodeReaderBytesBuilder;
use quick_xml::XmlVersion;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesStart, Event as RawEvent};
use quick_xml::reader::Reader;

use crate::base::error::{Result, impl_from};

#[cfg(doc)]
use crate::base::error::ErrorKind;

/// Deepest nesting of elements: real files have five levels.
const MAX_DEPTH: usize = 32;

/// Longest text of an element or attribute, in bytes: a description has a few hundred. Longer ones
/// are ignored.
const MAX_TEXT_BYTES: usize = 64 * 1024;

/// A part of a document.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum XmlEvent {
    /// The start of an element.
    Open(Element),
    /// A part of the text of an element.
    Text(String),
    /// The end of the innermost element.
    Close,
}

/// The start of an element. Names are in lower case, because Joomla ignores the case.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Element {
    pub(super) name: String,
    attributes: Vec<(String, String)>,
}

impl Element {
    /// Returns the trimmed value of an attribute, or `None` if it is missing or empty.
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        let (_, value) = self.attributes.iter().find(|(key, _)| key == name)?;
        Some(value.trim()).filter(|value| !value.is_empty())
    }

    pub(super) fn unexpected(&self, expected: &'static str) -> UnexpectedRoot {
        UnexpectedRoot { expected, got: format!("<{}>", self.name) }
    }
}

/// A reader of one document. It resolves no external references and no entities of the document.
pub(super) struct Xml<'a> {
    reader: Reader<Box<dyn BufRead + 'a>>,
    buffer: Vec<u8>,
    depth: usize,
    /// True if the last element is empty, so that its end is next.
    closes: bool,
    has_root: bool,
}

impl<'a> Xml<'a> {
    pub(super) fn new(input: impl BufRead + 'a) -> Xml<'a> {
        let mut reader = Reader::from_reader(in_utf8(input));
        reader.config_mut().check_end_names = true;
        Xml { reader, buffer: Vec::new(), depth: 0, closes: false, has_root: false }
    }

    /// Returns the next event, or `None` after the end of the document.
    ///
    /// # Errors
    /// [`ErrorKind::Definition`] with the position in bytes if the document is not well-formed or
    /// is nested too deep.
    pub(super) fn next(&mut self) -> Result<Option<XmlEvent>> {
        if std::mem::take(&mut self.closes) {
            self.depth -= 1;
            return Ok(Some(XmlEvent::Close));
        }
        loop {
            self.buffer.clear();
            let event = self.reader.read_event_into(&mut self.buffer);
            // The event borrows `self`.
            let (at, depth) = (self.reader.buffer_position(), self.depth);
            let error_at = self.reader.error_position();
            let event = event.map_err(|error| NotXml::syntax(error_at, error))?;
            match event {
                RawEvent::Start(start) => {
                    let element = element(&start, at)?;
                    self.enter()?;
                    return Ok(Some(XmlEvent::Open(element)));
                }
                RawEvent::Empty(start) => {
                    let element = element(&start, at)?;
                    self.enter()?;
                    self.closes = true;
                    return Ok(Some(XmlEvent::Open(element)));
                }
                RawEvent::End(_) => {
                    self.depth -= 1;
                    return Ok(Some(XmlEvent::Close));
                }
                RawEvent::Text(text) if depth > 0 => {
                    let text = text.xml10_content().into_owned();
                    return Ok(Some(XmlEvent::Text(text)));
                }
                RawEvent::Text(text) if !text.trim().is_empty() => {
                    return Err(match self.has_root {
                        true => NotXml::TextAfterEnd { at }.into(),
                        false => NotXml::NoElement { at }.into(),
                    });
                }
                RawEvent::CData(text) => {
                    return Ok(Some(XmlEvent::Text(text.xml10_content().into_owned())));
                }
                RawEvent::GeneralRef(reference) => {
                    let character =
                        reference.resolve_char_ref().map_err(|error| NotXml::syntax(at, error))?;
                    let text = match character {
                        Some(character) => character.to_string(),
                        None => resolve_predefined_entity(&reference)
                            .ok_or_else(|| NotXml::Entity { name: (*reference).to_owned(), at })?
                            .to_owned(),
                    };
                    return Ok(Some(XmlEvent::Text(text)));
                }
                RawEvent::Eof if depth > 0 => return Err(NotXml::Truncated { at }.into()),
                RawEvent::Eof if !self.has_root => return Err(NotXml::Empty { at }.into()),
                RawEvent::Eof => return Ok(None),
                RawEvent::Decl(_)
                | RawEvent::Text(_)
                | RawEvent::Comment(_)
                | RawEvent::PI(_)
                | RawEvent::DocType(_) => {}
            }
        }
    }

    /// Skips the rest of the innermost element.
    pub(super) fn skip(&mut self) -> Result<()> {
        let outside = self.depth.saturating_sub(1);
        while self.depth > outside {
            self.next()?;
        }
        Ok(())
    }

    /// Returns the trimmed text of the innermost element up to its end.
    pub(super) fn text(&mut self) -> Result<String> {
        let mut found = String::new();
        let outside = self.depth.saturating_sub(1);
        while self.depth > outside {
            if let Some(XmlEvent::Text(text)) = self.next()?
                && found.len() + text.len() <= MAX_TEXT_BYTES
            {
                found.push_str(&text);
            }
        }
        Ok(found.trim().to_owned())
    }

    /// Returns the position in the document, in bytes.
    pub(super) fn position(&self) -> u64 {
        self.reader.buffer_position()
    }

    fn enter(&mut self) -> Result<()> {
        self.depth += 1;
        self.has_root = true;
        match self.depth <= MAX_DEPTH {
            true => Ok(()),
            false => Err(NotXml::TooDeep { at: self.position() }.into()),
        }
    }
}

/// Most bytes of a document that are searched for its encoding: a declaration has less than 100.
const MAX_DECLARATION_BYTES: usize = 256;

/// Converts a document to UTF-8 from the encoding of its byte order mark or declaration. The
/// default is UTF-8.
fn in_utf8<'a>(mut input: impl BufRead + 'a) -> Box<dyn BufRead + 'a> {
    // The reader gets the same error again.
    let begin = input.fill_buf().unwrap_or_default();
    let begin = &begin[..begin.len().min(MAX_DECLARATION_BYTES)];
    let marked = Encoding::for_bom(begin).map(|(encoding, _)| encoding);
    match marked.or_else(|| declared(begin)) {
        None => Box::new(input),
        Some(encoding) if encoding == UTF_8 => Box::new(input),
        Some(encoding) => Box::new(BufReader::new(
            DecodeReaderBytesBuilder::new().encoding(Some(encoding)).build(input),
        )),
    }
}

/// Returns the encoding in the XML declaration (XML 1.0, section 4.3.3).
fn declared(begin: &[u8]) -> Option<&'static Encoding> {
    let declaration = begin.strip_prefix(b"<?xml")?;
    let end = declaration.windows(2).position(|two| two == b"?>")?;
    let text = std::str::from_utf8(&declaration[..end]).ok()?;
    let (_, value) = text.split_once("encoding")?;
    let value = value.trim_start().strip_prefix('=')?.trim_start();
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    Encoding::for_label(value[1..].split(quote).next()?.as_bytes())
}

fn element(start: &BytesStart<'_>, at: u64) -> Result<Element, NotXml> {
    let mut attributes = Vec::new();
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|error| NotXml::syntax(at, error))?;
        let value = attribute
            .normalized_value(XmlVersion::Implicit1_0)
            .map_err(|error| NotXml::syntax(at, error))?;
        let key = attribute.key.local_name().as_ref().to_ascii_lowercase();
        if value.len() <= MAX_TEXT_BYTES {
            attributes.push((key, value.into_owned()));
        }
    }
    let name = start.local_name().as_ref().to_ascii_lowercase();
    Ok(Element { name, attributes })
}

/// A document that is not XML, or that is not supported.
#[derive(Debug, thiserror::Error)]
enum NotXml {
    #[error("not XML: expected a document, got nothing, at byte {at}")]
    Empty { at: u64 },
    #[error("not XML: expected an element, got text, at byte {at}")]
    NoElement { at: u64 },
    #[error("not XML: expected the end, got text, at byte {at}")]
    TextAfterEnd { at: u64 },
    #[error("not XML: unexpected end, at byte {at}")]
    Truncated { at: u64 },
    #[error("not XML: unknown entity &{name};, at byte {at}")]
    Entity { name: String, at: u64 },
    #[error("not XML: expected at most {MAX_DEPTH} levels of elements, got more, at byte {at}")]
    TooDeep { at: u64 },
    #[error("not XML: {problem}, at byte {at}")]
    Syntax { problem: String, at: u64 },
}

impl NotXml {
    fn syntax(at: u64, problem: impl std::fmt::Display) -> NotXml {
        NotXml::Syntax { problem: problem.to_string(), at }
    }
}

impl_from!(NotXml => Definition);

/// A document with another root element.
#[derive(Debug, thiserror::Error)]
#[error("expected {expected}, got {got}")]
pub(super) struct UnexpectedRoot {
    pub(super) expected: &'static str,
    pub(super) got: String,
}

impl_from!(UnexpectedRoot => Definition);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::error::ErrorKind;

    fn events(text: &[u8]) -> Result<Vec<String>> {
        let mut xml = Xml::new(text);
        let mut events = Vec::new();
        while let Some(event) = xml.next()? {
            events.push(match event {
                XmlEvent::Open(element) => {
                    let at = element.attribute("a").map_or(String::new(), |a| format!(" {a}"));
                    format!("<{}{at}", element.name)
                }
                XmlEvent::Text(text) => text,
                XmlEvent::Close => ">".to_owned(),
            });
        }
        Ok(events)
    }

    #[test]
    fn documents_in_any_encoding_are_read_to_their_end() {
        for (text, expected) in [
            (&b"<A a=' x&amp;y '/>"[..], vec!["<a x&y", ">"]),
            (
                b"<!-- --><a>1<b/>&lt;&#50;<![CDATA[<c>]]></a>\n",
                vec!["<a", "1", "<b", ">", "<", "2", "<c>", ">"],
            ),
            (b"<?xml version='1.0' encoding='ISO-8859-1'?><a>\xe4</a>", vec!["<a", "\u{e4}", ">"]),
            (b"\xef\xbb\xbf<a/>", vec!["<a", ">"]),
        ] {
            assert_eq!(events(text).unwrap(), expected);
        }
    }

    #[test]
    fn malformed_documents_are_refused_with_the_position() {
        let deep = "<a>".repeat(40);
        for (text, expected) in [
            ("", "got nothing, at byte 0"),
            ("no", "expected an element, got text"),
            ("<a>", "unexpected end, at byte 3"),
            ("<a></b>", "at byte 3"),
            ("<a>&unknown;</a>", "unknown entity &unknown;"),
            ("<a x='1' x='2'/>", "at byte"),
            ("<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", "unknown entity &b;"),
            (&deep, "at most 32 levels"),
        ] {
            let error = events(text.as_bytes()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Definition);
            assert!(error.to_string().contains(expected), "{text}: {error}");
        }
    }
}

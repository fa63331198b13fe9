//! XML as a stream: elements, text, ends, one at a time.

use std::io::{BufRead, BufReader};

use encoding_rs::{Encoding, UTF_8};
use encoding_rs_io::DecodeReaderBytesBuilder;
use quick_xml::XmlVersion;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesStart, Event as Raw};
use quick_xml::reader::Reader;

use crate::base::error::{Error, ErrorKind, Result};

/// Deepest nesting that is read: real files have five levels.
const MAX_DEPTH: usize = 32;

/// Most characters taken of one element's text and of one attribute, in bytes: a description
/// has a few hundred.
const MAX_TEXT_BYTES: usize = 64 * 1024;

/// What comes next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// An element begins.
    Open(Element),
    /// A piece of text inside of one.
    Text(String),
    /// The innermost element ends.
    Close,
}

/// The begin of an element. Names are lower-case: PHP's readers fold them too.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Element {
    pub(super) name: String,
    attributes: Vec<(String, String)>,
}

impl Element {
    /// The value of an attribute, without the space around it; `None` also if it is empty.
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        let (_, value) = self.attributes.iter().find(|(key, _)| key == name)?;
        Some(value.trim()).filter(|value| !value.is_empty())
    }
}

/// Reads a document. Nothing outside of it is ever looked up, and no entity is defined by it.
pub(super) struct Xml<'a> {
    reader: Reader<Box<dyn BufRead + 'a>>,
    buffer: Vec<u8>,
    depth: usize,
    /// Whether the element that was read last is an empty one, whose end comes next.
    closes: bool,
    has_root: bool,
}

impl<'a> Xml<'a> {
    pub(super) fn new(input: impl BufRead + 'a) -> Xml<'a> {
        let mut reader = Reader::from_reader(in_utf8(input));
        reader.config_mut().check_end_names = true;
        Xml { reader, buffer: Vec::new(), depth: 0, closes: false, has_root: false }
    }

    /// The next event; `None` after the end of the outermost element.
    ///
    /// # Errors
    /// [`ErrorKind::Definition`] with the place in bytes: it is no well-formed document, or
    /// nested too deep.
    pub(super) fn next(&mut self) -> Result<Option<Event>> {
        if std::mem::take(&mut self.closes) {
            self.depth -= 1;
            return Ok(Some(Event::Close));
        }
        loop {
            self.buffer.clear();
            let event = self.reader.read_event_into(&mut self.buffer);
            // Taken before `self` is borrowed by the event.
            let (at, depth) = (self.reader.buffer_position(), self.depth);
            let error_at = self.reader.error_position();
            let event = event.map_err(|error| invalid(error_at, error))?;
            match event {
                Raw::Start(start) => {
                    let element = element(&start, at)?;
                    self.enter()?;
                    return Ok(Some(Event::Open(element)));
                }
                Raw::Empty(start) => {
                    let element = element(&start, at)?;
                    self.enter()?;
                    self.closes = true;
                    return Ok(Some(Event::Open(element)));
                }
                Raw::End(_) => {
                    self.depth -= 1;
                    return Ok(Some(Event::Close));
                }
                Raw::Text(text) if depth > 0 => {
                    let text = text.xml10_content().into_owned();
                    return Ok(Some(Event::Text(text)));
                }
                Raw::Text(text) if !text.trim().is_empty() => {
                    return Err(invalid(
                        at,
                        if self.has_root { "text after its end" } else { "no XML" },
                    ));
                }
                Raw::CData(text) => {
                    return Ok(Some(Event::Text(text.xml10_content().into_owned())));
                }
                Raw::GeneralRef(reference) => {
                    let character = reference.resolve_char_ref();
                    let character = character.map_err(|error| invalid(at, error))?;
                    let text = match character {
                        Some(character) => character.to_string(),
                        None => resolve_predefined_entity(&reference)
                            .ok_or_else(|| {
                                invalid(at, format!("unknown entity &{};", &*reference))
                            })?
                            .to_owned(),
                    };
                    return Ok(Some(Event::Text(text)));
                }
                Raw::Eof if depth > 0 => return Err(invalid(at, "it ends too early")),
                Raw::Eof if !self.has_root => return Err(invalid(at, "it is empty")),
                Raw::Eof => return Ok(None),
                Raw::Decl(_) | Raw::Text(_) | Raw::Comment(_) | Raw::PI(_) | Raw::DocType(_) => {}
            }
        }
    }

    /// Passes over the rest of the innermost element.
    ///
    /// # Errors
    /// Those of [`next`](Self::next).
    pub(super) fn skip(&mut self) -> Result<()> {
        let outside = self.depth.saturating_sub(1);
        while self.depth > outside {
            self.next()?;
        }
        Ok(())
    }

    /// The text of the innermost element up to its end, without the space around it.
    ///
    /// # Errors
    /// Those of [`next`](Self::next).
    pub(super) fn text(&mut self) -> Result<String> {
        let mut found = String::new();
        let outside = self.depth.saturating_sub(1);
        while self.depth > outside {
            if let Some(Event::Text(text)) = self.next()?
                && found.len() + text.len() <= MAX_TEXT_BYTES
            {
                found.push_str(&text);
            }
        }
        Ok(found.trim().to_owned())
    }

    /// Where the reader is, in bytes from the begin of the document.
    pub(super) fn position(&self) -> u64 {
        self.reader.buffer_position()
    }

    fn enter(&mut self) -> Result<()> {
        self.depth += 1;
        self.has_root = true;
        match self.depth <= MAX_DEPTH {
            true => Ok(()),
            false => Err(invalid(self.position(), "elements are nested too deep")),
        }
    }
}

/// Most bytes of a document in which its encoding is looked for: a declaration has under 100.
const MAX_DECLARATION_BYTES: usize = 256;

/// The document in UTF-8, whatever its first bytes or its declaration say it is in. What says
/// nothing is UTF-8, and nothing else.
fn in_utf8<'a>(mut input: impl BufRead + 'a) -> Box<dyn BufRead + 'a> {
    // An error comes again when the document is read.
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

/// The encoding that a declaration gives (XML 1.0, section 4.3.3).
fn declared(begin: &[u8]) -> Option<&'static Encoding> {
    let declaration = begin.strip_prefix(b"<?xml")?;
    let end = declaration.windows(2).position(|two| two == b"?>")?;
    let text = std::str::from_utf8(&declaration[..end]).ok()?;
    let (_, value) = text.split_once("encoding")?;
    let value = value.trim_start().strip_prefix('=')?.trim_start();
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    Encoding::for_label(value[1..].split(quote).next()?.as_bytes())
}

fn element(start: &BytesStart<'_>, at: u64) -> Result<Element> {
    let mut attributes = Vec::new();
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|error| invalid(at, error))?;
        let value = attribute.normalized_value(XmlVersion::Implicit1_0);
        let value = value.map_err(|error| invalid(at, error))?;
        let key = attribute.key.local_name().as_ref().to_ascii_lowercase();
        if value.len() <= MAX_TEXT_BYTES {
            attributes.push((key, value.into_owned()));
        }
    }
    let name = start.local_name().as_ref().to_ascii_lowercase();
    Ok(Element { name, attributes })
}

fn invalid(at: u64, problem: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::Definition, format!("not XML: {problem}, at byte {at}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(text: &[u8]) -> Result<Vec<String>> {
        let mut xml = Xml::new(text);
        let mut events = Vec::new();
        while let Some(event) = xml.next()? {
            events.push(match event {
                Event::Open(element) => {
                    let at = element.attribute("a").map_or(String::new(), |a| format!(" {a}"));
                    format!("<{}{at}", element.name)
                }
                Event::Text(text) => text,
                Event::Close => ">".to_owned(),
            });
        }
        Ok(events)
    }

    #[test]
    fn a_document_is_read_to_its_end_in_any_encoding() {
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
    fn what_is_not_well_formed_is_refused_with_its_place() {
        let deep = "<a>".repeat(40);
        for (text, expected) in [
            ("", "it is empty, at byte 0"),
            ("no", "no XML"),
            ("<a>", "it ends too early, at byte 3"),
            ("<a></b>", "at byte 3"),
            ("<a>&unknown;</a>", "unknown entity &unknown;"),
            ("<a x='1' x='2'/>", "at byte"),
            ("<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", "unknown entity &b;"),
            (&deep, "nested too deep"),
        ] {
            let error = events(text.as_bytes()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Definition);
            assert!(error.to_string().contains(expected), "{text}: {error}");
        }
    }
}

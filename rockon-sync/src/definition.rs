//! Definition files: one JSON object, a definition a member, keyed by its name.

use std::borrow::Cow;
use std::collections::HashMap;

use serde_json::value::RawValue;

use crate::error::{Error, ErrorKind, Result};
use crate::json::{Object, Position, kind_of};
use crate::path::EntryPath;
use crate::target::{self, Requirements};

/// One definition inside a file, its text untouched.
#[derive(Debug)]
pub(crate) struct Definition<'a> {
    pub(crate) name: Cow<'a, str>,
    /// The JSON object, as it was published.
    pub(crate) text: &'a str,
}

/// Reads the definitions of a file, in its order. Of a name that is there twice the
/// last counts, in the place of the first, as JSON readers have it.
///
/// # Errors
/// [`ErrorKind::Definition`] with line and column: not UTF-8, not JSON, not an object
/// of objects, or an empty one.
pub(crate) fn parse(bytes: &[u8]) -> Result<Vec<Definition<'_>>> {
    let text = text(bytes)?;
    let object = Object::parse(text).map_err(|error| invalid(describe(text, &error)))?;
    let mut definitions: Vec<Definition<'_>> = Vec::new();
    let mut known: HashMap<Cow<'_, str>, usize> = HashMap::new();
    for member in object.members {
        if !member.value.get().starts_with('{') {
            let place = Position::of(text, member.value.get())
                .map_or_else(String::new, |place| format!(", {place}"));
            let got = kind_of(member.value);
            let message = format!("expected an object for {:?}, got {got}{place}", member.key);
            return Err(invalid(message));
        }
        match known.get(&member.key) {
            Some(n) => definitions[*n].text = member.value.get(),
            None => {
                known.insert(member.key.clone(), definitions.len());
                definitions.push(Definition { name: member.key, text: member.value.get() });
            }
        }
    }
    if definitions.is_empty() {
        return Err(invalid("there is no definition in it"));
    }
    Ok(definitions)
}

impl Definition<'_> {
    /// What the definition needs of a machine: its fields `arch` and `min_version`, else what
    /// its description says.
    pub(crate) fn requirements(&self) -> Requirements {
        let Ok(object) = Object::parse(self.text) else {
            return Requirements::default();
        };
        let raw = |key| object.value(key).map(RawValue::get);
        let said = Requirements::of_json(raw(target::ARCH), raw(target::MIN_VERSION));
        let prose = raw("description").and_then(|text| serde_json::from_str::<String>(text).ok());
        said.or(prose.map(|text| Requirements::of_description(&text)).unwrap_or_default())
    }
}

/// What a file needs of a machine: of its definitions, the less demanding ones.
pub(crate) fn requirements_of(definitions: &[Definition<'_>]) -> Requirements {
    let each = definitions.iter().map(Definition::requirements);
    each.reduce(Requirements::either).unwrap_or_default()
}

/// The text of a definition file.
///
/// # Errors
/// [`ErrorKind::Definition`] if it is not UTF-8.
pub(crate) fn text(bytes: &[u8]) -> Result<&str> {
    std::str::from_utf8(bytes)
        .map_err(|error| invalid(format!("not UTF-8 at byte {}", error.valid_up_to())))
}

/// Where a file stops being JSON, if it does.
pub(crate) fn position_of_syntax_error(bytes: &[u8]) -> Option<Position> {
    let error = serde_json::from_slice::<serde::de::IgnoredAny>(bytes).err()?;
    let (line, column) = (u32::try_from(error.line()).ok()?, u32::try_from(error.column()).ok()?);
    (line > 0).then(|| Position { line, column: column.max(1) })
}

/// Whether a file of a tree is taken for a definition file.
pub(crate) fn is_definition_file(path: &EntryPath) -> bool {
    path.as_str().ends_with(".json")
}

/// Says why a text is no JSON, with a hint at the likeliest reason.
fn describe(text: &str, error: &serde_json::Error) -> String {
    if text.trim_start().starts_with('<') {
        "expected JSON, got what looks like an HTML page".to_owned()
    } else if text.starts_with('\u{feff}') {
        "expected JSON, got a byte order mark at line 1 column 1".to_owned()
    } else if text.trim().is_empty() {
        "expected JSON, got an empty file".to_owned()
    } else {
        format!("not JSON: {error}")
    }
}

fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Definition, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_handed_out_untouched() {
        let file = b"{\"B\": { \"b\":1.0, \"a\" : 2 },\n \"A\": {\"x\":1,\"x\":2}, \"B\": {}}";
        let definitions = parse(file).unwrap();
        let found: Vec<_> = definitions.iter().map(|d| (&*d.name, d.text)).collect();
        assert_eq!(found, [("B", "{}"), ("A", "{\"x\":1,\"x\":2}")]);
    }

    #[test]
    fn many_definitions_take_time_in_proportion() {
        // By comparing each with all others this would take minutes.
        let rows: Vec<String> = (0..200_000).map(|n| format!("\"{n}\":{{}}")).collect();
        let file = format!("{{{}}}", rows.join(","));
        assert_eq!(parse(file.as_bytes()).unwrap().len(), 200_000);
    }

    #[test]
    fn what_is_no_definition_file_is_refused_with_the_reason() {
        for (file, reason) in [
            (&b""[..], "an empty file"),
            (b"<html></html>", "an HTML page"),
            (b"\xef\xbb\xbf{}", "a byte order mark"),
            (b"\xff", "not UTF-8 at byte 0"),
            (b"{", "line 1 column 1"),
            (b"[]", "an object"),
            (b"{}", "no definition"),
            (b"{\n\"A\": 1}", "expected an object for \"A\", got a number, line 2 column 6"),
            (b"{\"A\": {},}", "line 1 column 10"),
        ] {
            let error = parse(file).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Definition);
            assert!(error.to_string().contains(reason), "{error}");
        }
    }
}

//! Rock-ons: one JSON object, a definition a member, keyed by its name.
//!
//! The format is that of the rockon-registry: what the appliance's importer relies on is
//! checked in `check.rs`.

mod check;

use std::collections::HashMap;

use serde_json::value::RawValue;

use super::{About, Blurb, Checked, Collection, Definition, Rules};
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::json::{Object, Position, kind_of};
use crate::format::relation::{Field, Relations};
use crate::format::target::Requirements;
use crate::tree::manifest::{ARCH, MIN_VERSION};

/// Reads JSON files of Rock-ons.
pub(super) struct Rockon;

impl Rules for Rockon {
    fn name(&self) -> &'static str {
        "rockon"
    }

    fn collection(&self) -> Collection {
        Collection::Listed
    }

    fn takes(&self, path: &str) -> bool {
        path.ends_with(".json")
    }

    fn read<'a>(&self, _: &'a str, bytes: &'a [u8]) -> Result<Vec<Definition<'a>>> {
        parse(bytes)
    }

    fn about(&self, definition: &Definition<'_>) -> About {
        // What is wrong with a relation is said when it is published.
        object(definition).map(|object| about(&object, |_, _, _| {})).unwrap_or_default()
    }

    fn blurb(&self, definition: &Definition<'_>) -> Blurb {
        let object = object(definition);
        let string = |key| {
            let raw = object.as_ref()?.value(key).map(RawValue::get)?;
            serde_json::from_str::<String>(raw).ok()
        };
        Blurb { title: None, description: string("description"), website: string("website") }
    }

    fn check(&self, _: &str, shown: &str, bytes: &[u8]) -> Checked {
        check::check(shown, bytes)
    }
}

/// Reads the definitions of a file, in its order. Of a name that is there twice the
/// last counts, in the place of the first, as JSON readers have it.
///
/// # Errors
/// [`ErrorKind::Definition`] with line and column: not UTF-8, not JSON, not an object
/// of objects, or an empty one.
fn parse(bytes: &[u8]) -> Result<Vec<Definition<'_>>> {
    let text = text(bytes)?;
    let object = Object::parse(text).map_err(|error| invalid(describe(text, &error)))?;
    let mut definitions: Vec<Definition<'_>> = Vec::new();
    let mut known: HashMap<std::borrow::Cow<'_, str>, usize> = HashMap::new();
    for member in object.members {
        if !member.value.get().starts_with('{') {
            let place = Position::of(text, member.value.get())
                .map_or_else(String::new, |place| format!(", {place}"));
            let got = kind_of(member.value);
            return Err(invalid(format!(
                "expected an object for {:?}, got {got}{place}",
                member.key
            )));
        }
        match known.get(&member.key) {
            Some(n) => definitions[*n].text = member.value.get().as_bytes(),
            None => {
                known.insert(member.key.clone(), definitions.len());
                let text = member.value.get().as_bytes();
                definitions.push(Definition { name: member.key, text });
            }
        }
    }
    if definitions.is_empty() {
        return Err(invalid("there is no definition in it"));
    }
    Ok(definitions)
}

/// What a definition says of itself. `refuse` hears of relations that cannot be read: of which
/// field, where, and why.
fn about<'a>(object: &Object<'a>, mut refuse: impl FnMut(Field, &'a RawValue, String)) -> About {
    let string = |key| serde_json::from_str::<String>(object.value(key)?.get()).ok();
    let mut relations = Relations::default();
    for field in Field::ALL {
        let Some(value) = object.value(field.name()) else { continue };
        for said in strings(value) {
            let added = said
                .and_then(|text| relations.add(field, &text).map_err(|error| error.to_string()));
            if let Err(message) = added {
                refuse(field, value, message);
            }
        }
    }
    About {
        version: string("version").filter(|version| !version.is_empty()),
        requirements: requirements(object),
        relations,
        ..About::default()
    }
}

/// A string, or an array of them.
fn strings(value: &RawValue) -> Vec<std::result::Result<String, String>> {
    let read = |value: &RawValue| {
        let expected = || format!("expected a string, got {}", kind_of(value));
        serde_json::from_str::<String>(value.get()).map_err(|_| expected())
    };
    match serde_json::from_str::<Vec<&RawValue>>(value.get()) {
        Ok(values) => values.into_iter().map(read).collect(),
        Err(_) => vec![read(value)],
    }
}

fn object<'a>(definition: &Definition<'a>) -> Option<Object<'a>> {
    Object::parse(std::str::from_utf8(definition.text).ok()?).ok()
}

/// What a definition needs of a machine: its fields `arch` and `min_version`, else what its
/// description says.
fn requirements(object: &Object<'_>) -> Requirements {
    let raw = |key| object.value(key).map(RawValue::get);
    let said = Requirements::of_json(raw(ARCH), raw(MIN_VERSION));
    let prose = raw("description").and_then(|text| serde_json::from_str::<String>(text).ok());
    said.or(prose.map(|text| Requirements::of_description(&text)).unwrap_or_default())
}

/// The text of a definition file.
///
/// # Errors
/// [`ErrorKind::Definition`] if it is not UTF-8.
fn text(bytes: &[u8]) -> Result<&str> {
    std::str::from_utf8(bytes)
        .map_err(|error| invalid(format!("not UTF-8 at byte {}", error.valid_up_to())))
}

/// Where a file stops being JSON, if it does.
pub(crate) fn position_of_syntax_error(bytes: &[u8]) -> Option<Position> {
    let error = serde_json::from_slice::<serde::de::IgnoredAny>(bytes).err()?;
    let (line, column) = (u32::try_from(error.line()).ok()?, u32::try_from(error.column()).ok()?);
    (line > 0).then(|| Position { line, column: column.max(1) })
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
        assert_eq!(found, [("B", &b"{}"[..]), ("A", b"{\"x\":1,\"x\":2}")]);
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

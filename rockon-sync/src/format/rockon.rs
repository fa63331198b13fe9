//! Rock-ons: a JSON object with one member per definition, in the format of the rockon-registry.
//!
//! `check.rs` checks everything that the importer of the appliance requires.

#[cfg(feature = "publish")]
mod check;

use std::borrow::Cow;
use std::collections::HashMap;

use serde_json::value::RawValue;

use super::{About, Blurb, RawDefinition, Rules};
use crate::base::error::{Result, excerpt, impl_from};
use crate::base::json::{Member, NoObject, Object, Position, kind_of};
use crate::format::relation::{Field, InvalidRelation, Relations};
use crate::format::target::Requirements;
use crate::tree::manifest::{
    ARCH, FORMERLY, InvalidFormerly, MIN_VERSION, parse_former_names, violated_rule,
};

#[cfg(feature = "publish")]
pub(super) use check::check;

/// The rules of the format `rockon`.
pub(super) struct Rockon;

impl Rules for Rockon {
    fn name(&self) -> &'static str {
        "rockon"
    }

    fn takes(&self, path: &str) -> bool {
        path.ends_with(".json")
    }

    fn read<'a>(&self, _: &'a str, bytes: &'a [u8]) -> Result<Vec<RawDefinition<'a>>> {
        Ok(parse(bytes)?)
    }

    fn about(&self, definition: &RawDefinition<'_>) -> About {
        object(definition).map(|object| about(&object)).unwrap_or_default()
    }

    fn blurb(&self, definition: &RawDefinition<'_>) -> Blurb {
        let object = object(definition);
        let string = |key| {
            let raw = object.as_ref()?.value(key).map(RawValue::get)?;
            serde_json::from_str::<String>(raw).ok()
        };
        Blurb { title: None, description: string("description"), website: string("website") }
    }

    #[cfg(feature = "publish")]
    fn images(&self, definition: &RawDefinition<'_>) -> Vec<String> {
        let containers = object(definition).and_then(|found| found.value("containers"));
        let containers = containers.and_then(|value| Object::parse(value.get()).ok());
        let images = containers.iter().flat_map(|found| &found.members).filter_map(|container| {
            let container = Object::parse(container.value.get()).ok()?;
            serde_json::from_str(container.value("image")?.get()).ok()
        });
        images.collect()
    }
}

/// Parses the definitions of a file, in its order. The last duplicate of a name counts, at the
/// place of the first, as in most JSON parsers.
fn parse(bytes: &[u8]) -> Result<Vec<RawDefinition<'_>>, InvalidFile> {
    let (text, object) = Object::of_file(bytes)?;
    let mut definitions: Vec<RawDefinition<'_>> = Vec::new();
    let mut known: HashMap<Cow<'_, str>, usize> = HashMap::new();
    for Member { key, value } in object.members {
        if !value.get().starts_with('{') {
            return Err(InvalidFile::Definition {
                position: Position::of(text, value.get()).unwrap_or(Position::START),
                name: excerpt(&key),
                got: kind_of(value),
            });
        }
        if let Some(rule) = violated_rule(&key) {
            return Err(InvalidFile::Name {
                position: Position::of(text, value.get()).unwrap_or(Position::START),
                name: excerpt(&key),
                rule,
            });
        }
        match known.get(&key) {
            Some(n) => definitions[*n].text = value.get().as_bytes(),
            None => {
                known.insert(key.clone(), definitions.len());
                definitions.push(RawDefinition { name: key, text: value.get().as_bytes() });
            }
        }
    }
    if definitions.is_empty() {
        return Err(InvalidFile::NoDefinition);
    }
    Ok(definitions)
}

/// Returns the metadata of a definition. Ignores invalid relations, which the publisher reports.
fn about(object: &Object<'_>) -> About {
    let string = |key| serde_json::from_str::<String>(object.value(key)?.get()).ok();
    About {
        version: string("version").filter(|version| !version.is_empty()),
        requirements: requirements(object),
        relations: relations(object, &mut Vec::new()),
        formerly: object.value(FORMERLY).and_then(|raw| former_names(raw).ok()).unwrap_or_default(),
        ..About::default()
    }
}

/// Parses former names: a string, or an array of strings.
fn former_names(value: &RawValue) -> Result<Vec<Box<str>>, InvalidFormerly> {
    match value.get().starts_with('"') {
        true => parse_former_names(&format!("[{value}]")),
        false => parse_former_names(value.get()),
    }
}

/// A field whose relation is invalid.
struct BadRelation<'a> {
    field: Field,
    value: &'a RawValue,
    problem: InvalidRelation,
}

/// Parses the relations of a definition, and adds the invalid ones to `bad`.
fn relations<'a>(object: &Object<'a>, bad: &mut Vec<BadRelation<'a>>) -> Relations {
    let mut relations = Relations::default();
    for field in Field::ALL {
        let Some(value) = object.value(field.name()) else { continue };
        for text in strings(value) {
            if let Err(problem) = text.and_then(|text| relations.add(field, &text)) {
                bad.push(BadRelation { field, value, problem });
            }
        }
    }
    relations
}

/// Parses a string or an array of strings.
fn strings(value: &RawValue) -> Vec<Result<String, InvalidRelation>> {
    let string = |value: &RawValue| {
        serde_json::from_str::<String>(value.get())
            .map_err(|_| InvalidRelation::NoString { got: kind_of(value) })
    };
    match serde_json::from_str::<Vec<&RawValue>>(value.get()) {
        Ok(values) => values.into_iter().map(string).collect(),
        Err(_) => vec![string(value)],
    }
}

fn object<'a>(definition: &RawDefinition<'a>) -> Option<Object<'a>> {
    Object::parse(std::str::from_utf8(definition.text).ok()?).ok()
}

/// Returns the requirements of a definition: its fields `arch` and `min_version`, or those in its
/// description.
fn requirements(object: &Object<'_>) -> Requirements {
    let raw = |key| object.value(key).map(RawValue::get);
    let stated = Requirements::of_json(raw(ARCH), raw(MIN_VERSION));
    let prose = raw("description").and_then(|text| serde_json::from_str::<String>(text).ok());
    stated.or(prose.map(|text| Requirements::of_description(&text)).unwrap_or_default())
}

/// An invalid definition file.
#[derive(Debug, thiserror::Error)]
enum InvalidFile {
    #[error(transparent)]
    Syntax(#[from] NoObject),
    #[error("{position}: definition {name:?}: expected an object, got {got}")]
    Definition { position: Position, name: String, got: &'static str },
    #[error("{position}: invalid name {name:?}: {rule}")]
    Name { position: Position, name: String, rule: &'static str },
    #[error("expected a definition, got an empty object")]
    NoDefinition,
}

impl_from!(InvalidFile => Definition);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::error::{Error, ErrorKind};

    #[test]
    fn texts_are_unchanged() {
        let file = b"{\"B\": { \"b\":1.0, \"a\" : 2 },\n \"A\": {\"x\":1,\"x\":2}, \"B\": {}}";
        let definitions = parse(file).unwrap();
        let found: Vec<_> = definitions.iter().map(|d| (&*d.name, d.text)).collect();
        assert_eq!(found, [("B", &b"{}"[..]), ("A", b"{\"x\":1,\"x\":2}")]);
    }

    #[test]
    fn an_empty_version_is_unknown() {
        for (version, expected) in [("\"1.2\"", Some("1.2")), ("\"\"", None), ("1", None)] {
            let text = format!("{{\"version\": {version}}}");
            let about = about(&Object::parse(&text).unwrap());
            assert_eq!(about.version.as_deref(), expected);
        }
    }

    #[test]
    fn many_definitions_take_linear_time() {
        // A quadratic algorithm would take minutes.
        let rows: Vec<String> = (0..200_000).map(|n| format!("\"{n}\":{{}}")).collect();
        let file = format!("{{{}}}", rows.join(","));
        assert_eq!(parse(file.as_bytes()).unwrap().len(), 200_000);
    }

    #[test]
    fn invalid_definition_files_are_refused_with_the_reason() {
        for (file, reason) in [
            (&b""[..], "an empty file"),
            (b"<html></html>", "an HTML page"),
            (b"\xef\xbb\xbf{}", "a byte order mark"),
            (b"\xff", "not UTF-8 at line 1 column 1"),
            (b"{", "line 1 column 1"),
            (b"[]", "an object"),
            (b"{}", "expected a definition"),
            (
                b"{\n\"A\": 1}",
                "line 2 column 6: definition \"A\": expected an object, got a number",
            ),
            (b"{\"A\": {},}", "line 1 column 10"),
            (b"{\n\"A\\nB\": {}}", "line 2 column 9: invalid name \"A\\nB\": control character"),
        ] {
            let error = Error::from(parse(file).unwrap_err());
            assert_eq!(error.kind(), ErrorKind::Definition);
            assert!(error.to_string().contains(reason), "{error}");
        }
    }
}

//! JSON (RFC 8259) that keeps the key order, duplicate keys, number forms, and the position of each
//! value in the text.

use std::borrow::Cow;
use std::fmt;

use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// The members of one JSON object, in the order of the text, duplicates included.
#[derive(Debug)]
pub(crate) struct Object<'a> {
    pub(crate) members: Vec<Member<'a>>,
}

/// One member of an object, with the unparsed text of its value.
#[derive(Debug)]
pub(crate) struct Member<'a> {
    pub(crate) key: Cow<'a, str>,
    pub(crate) value: &'a RawValue,
}

impl<'a> Object<'a> {
    /// Parses one object, but not its values.
    pub(crate) fn parse(text: &'a str) -> serde_json::Result<Object<'a>> {
        let mut members = Vec::new();
        for_each_member(
            text,
            |error| error,
            |member| {
                members.push(member);
                Ok(())
            },
        )?;
        Ok(Object { members })
    }

    /// Parses the bytes of a file as one object, and also returns their text.
    pub(crate) fn of_file(bytes: &'a [u8]) -> Result<(&'a str, Object<'a>), NoObject> {
        let text = std::str::from_utf8(bytes).map_err(|_| {
            let valid = bytes.utf8_chunks().next().map_or("", |chunk| chunk.valid());
            NoObject::at(valid, valid.len(), "not UTF-8")
        })?;
        match Object::parse(text) {
            Ok(object) => Ok((text, object)),
            Err(error) => Err(NoObject::explain(text, &error)),
        }
    }

    /// Returns the value of `key`. The last duplicate counts, as in most JSON parsers.
    pub(crate) fn value(&self, key: &str) -> Option<&'a RawValue> {
        self.members.iter().rev().find(|member| member.key == key).map(|member| member.value)
    }

    /// Returns the members whose key occurs earlier in the object.
    pub(crate) fn duplicates(&self) -> impl Iterator<Item = &Member<'a>> {
        let mut seen = std::collections::HashSet::with_capacity(self.members.len());
        self.members.iter().filter(move |member| !seen.insert(&*member.key))
    }
}

/// Bytes that are not a JSON object, with the most likely reason.
#[derive(Debug, thiserror::Error)]
#[error("{reason} at {position}")]
pub(crate) struct NoObject {
    pub(crate) position: Position,
    pub(crate) reason: String,
}

impl NoObject {
    fn at(text: &str, offset: usize, reason: impl Into<String>) -> NoObject {
        let mut starts = (0..=offset.min(text.len())).rev();
        let part = starts.find_map(|start| text.get(start..)).unwrap_or(text);
        let position = Position::of(text, part).unwrap_or(Position::START);
        NoObject { position, reason: reason.into() }
    }

    /// Returns the reason why a parser of objects refuses `text` with `error`.
    fn explain(text: &str, error: &serde_json::Error) -> NoObject {
        let content = text.trim_start();
        let start = text.len() - content.len();
        let begins_line = |at: &usize| text[..*at].is_empty() || text[..*at].ends_with('\n');
        let mut markers = text.match_indices("<<<<<<< ").map(|(at, _)| at);
        if let Some(at) = markers.find(begins_line) {
            return NoObject::at(text, at, "not JSON: unresolved merge conflict");
        }
        match content.chars().next() {
            None => return NoObject::at(text, 0, "expected JSON, got an empty file"),
            Some('<') => return NoObject::at(text, start, "expected JSON, got an HTML page"),
            Some('\u{feff}') => {
                return NoObject::at(text, start, "expected JSON, got a byte order mark");
            }
            Some(_) if error.is_data() => {
                let got = kind_of_text(content);
                return NoObject::at(text, start, format!("expected an object, got {got}"));
            }
            Some(_) => {}
        }
        let lines = text.split_inclusive('\n').take(error.line().saturating_sub(1));
        // The parser counts columns in bytes, from 1; at the end of the text, it may count from 0.
        let offset = lines.map(str::len).sum::<usize>() + error.column().saturating_sub(1);
        let is_close = text.get(offset..).is_some_and(|rest| rest.starts_with(['}', ']']));
        let is_comma = text.get(..offset).is_some_and(|text| text.trim_end().ends_with(','));
        let reason = match is_close && is_comma {
            true => "not JSON: trailing comma".to_owned(),
            false => format!("not JSON: {}", without_position(error)),
        };
        NoObject::at(text, offset, reason)
    }
}

/// Returns the message of a parser without the position that it ends with.
fn without_position(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.rsplit_once(" at line ").map_or(&*text, |(message, _)| message).to_owned()
}

/// Passes the members of one object to `take`, in the order of the text. Keeps none of them, so
/// that `take` can limit the memory.
///
/// # Errors
/// `invalid` of the error if `text` is not an object; that of `take`.
pub(crate) fn for_each_member<'a, E>(
    text: &'a str,
    invalid: impl FnOnce(serde_json::Error) -> E,
    take: impl FnMut(Member<'a>) -> Result<(), E>,
) -> Result<(), E> {
    let mut refused = None;
    let mut json = serde_json::Deserializer::from_str(text);
    let parsed = json.deserialize_map(MemberVisitor { take, refused: &mut refused });
    match (parsed.and_then(|()| json.end()), refused) {
        (_, Some(error)) => Err(error),
        (parsed, None) => parsed.map_err(invalid),
    }
}

struct MemberVisitor<'r, F, E> {
    take: F,
    refused: &'r mut Option<E>,
}

impl<'de, F: FnMut(Member<'de>) -> Result<(), E>, E> Visitor<'de> for MemberVisitor<'_, F, E> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        while let Some((Key(key), value)) = map.next_entry()? {
            if let Err(error) = (self.take)(Member { key, value }) {
                *self.refused = Some(error);
                return Err(de::Error::custom("refused"));
            }
        }
        Ok(())
    }
}

/// A key, borrowed from the text unless it contains escapes.
pub(crate) struct Key<'a>(pub(crate) Cow<'a, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KeyVisitor;

        impl<'de> Visitor<'de> for KeyVisitor {
            type Value = Key<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_str<E>(self, key: &'de str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Borrowed(key)))
            }

            fn visit_str<E>(self, key: &str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Owned(key.to_owned())))
            }
        }

        deserializer.deserialize_str(KeyVisitor)
    }
}

/// Returns the JSON type of a value, for messages.
pub(crate) fn kind_of(value: &RawValue) -> &'static str {
    kind_of_text(value.get())
}

fn kind_of_text(value: &str) -> &'static str {
    match value.as_bytes().first() {
        Some(b'{') => "an object",
        Some(b'[') => "an array",
        Some(b'"') => "a string",
        Some(b't' | b'f') => "a boolean",
        Some(b'n') => "null",
        _ => "a number",
    }
}

/// A position in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The line, from 1.
    pub line: u32,
    /// The column in characters, from 1.
    pub column: u32,
}

impl Position {
    pub(crate) const START: Position = Position { line: 1, column: 1 };

    /// Returns the start of `part` in `text`, or `None` unless `part` is a slice of `text`.
    pub(crate) fn of(text: &str, part: &str) -> Option<Position> {
        Places::new(text).of(part)
    }
}

/// The positions of slices of a text, in the order of the text. One pass finds all of them.
pub(crate) struct Places<'a> {
    text: &'a str,
    offset: usize,
    position: Position,
}

impl<'a> Places<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Places { text, offset: 0, position: Position::START }
    }

    /// Returns the start of `part`, or `None` unless it is a slice of the text at or after the
    /// previous part.
    pub(crate) fn of(&mut self, part: &str) -> Option<Position> {
        let offset = (part.as_ptr() as usize).checked_sub(self.text.as_ptr() as usize)?;
        let skipped = self.text.get(self.offset..offset)?;
        let length = |text: &str| u32::try_from(text.chars().count()).ok();
        self.position = match skipped.rfind('\n') {
            None => Position {
                column: self.position.column.checked_add(length(skipped)?)?,
                ..self.position
            },
            Some(at) => {
                let lines = u32::try_from(skipped.matches('\n').count()).ok()?;
                Position {
                    line: self.position.line.checked_add(lines)?,
                    column: length(&skipped[at..])?,
                }
            }
        };
        self.offset = offset;
        Some(self.position)
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {} column {}", self.line, self.column)
    }
}

/// A value without a canonical form, or a merge patch that cannot be applied.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("nests too deep or repeats a key")]
pub(crate) struct Uncanonical;

/// Returns the canonical form, which is the same for all texts of a value: no spaces, object keys
/// in byte order, strings with the fewest escapes, numbers unchanged.
///
/// # Errors
/// [`Uncanonical`] if `value` nests deeper than `depth`, or an object repeats a key.
pub(crate) fn canonical(value: &RawValue, depth: usize) -> Result<String, Uncanonical> {
    let mut out = String::with_capacity(value.get().len());
    write_canonical(value, depth, &mut out)?;
    Ok(out)
}

fn write_canonical(value: &RawValue, depth: usize, out: &mut String) -> Result<(), Uncanonical> {
    let depth = depth.checked_sub(1).ok_or(Uncanonical)?;
    let text = value.get();
    match text.as_bytes().first() {
        Some(b'{') => {
            let mut members = Object::parse(text).map_err(|_| Uncanonical)?.members;
            members.sort_by(|a, b| a.key.cmp(&b.key));
            if members.windows(2).any(|pair| pair[0].key == pair[1].key) {
                return Err(Uncanonical);
            }
            out.push('{');
            for (n, member) in members.iter().enumerate() {
                if n > 0 {
                    out.push(',');
                }
                write_string(&member.key, out);
                out.push(':');
                write_canonical(member.value, depth, out)?;
            }
            out.push('}');
        }
        Some(b'[') => {
            let items: Vec<&RawValue> = serde_json::from_str(text).map_err(|_| Uncanonical)?;
            out.push('[');
            for (n, item) in items.iter().enumerate() {
                if n > 0 {
                    out.push(',');
                }
                write_canonical(item, depth, out)?;
            }
            out.push(']');
        }
        Some(b'"') => {
            let string: Cow<'_, str> = serde_json::from_str(text).map_err(|_| Uncanonical)?;
            write_string(&string, out);
        }
        _ => out.push_str(text),
    }
    Ok(())
}

/// True unless a value is null, or an empty array or object.
pub(crate) fn is_stated(value: &serde_json::Value) -> bool {
    match value {
        serde_json::Value::Null => false,
        serde_json::Value::Array(items) => !items.is_empty(),
        serde_json::Value::Object(members) => !members.is_empty(),
        _ => true,
    }
}

/// Returns the contents of a file for people and programs.
pub(crate) fn to_file(value: &impl serde::Serialize) -> Vec<u8> {
    let mut bytes = serde_json::to_vec_pretty(value).expect("plain fields are JSON");
    bytes.push(b'\n');
    bytes
}

/// Writes `string` as a JSON string with the fewest escapes.
pub(crate) fn write_string(string: &str, out: &mut String) {
    out.push_str(&serde_json::to_string(string).expect("every string has a JSON form"));
}

/// Returns the merge patch (RFC 7396) from the object `old` to the object `new`. Both must be in
/// canonical form, so that equal values have equal texts.
pub(crate) fn merge_patch_between(old: &str, new: &str) -> String {
    let (Ok(old), Ok(new)) = (Object::parse(old), Object::parse(new)) else {
        unreachable!("both are objects in canonical form");
    };
    let mut changes = Vec::new();
    for member in &new.members {
        let text = member.value.get();
        let change = match old.value(&member.key).map(RawValue::get) {
            Some(before) if before == text => continue,
            Some(before) if before.starts_with('{') && text.starts_with('{') => {
                merge_patch_between(before, text)
            }
            _ => text.to_owned(),
        };
        changes.push((&*member.key, change));
    }
    let removed = old.members.iter().filter(|member| new.value(&member.key).is_none());
    changes.extend(removed.map(|member| (&*member.key, "null".to_owned())));
    object_of(changes.iter().map(|(key, value)| (*key, value.as_str())))
}

/// Applies a merge patch (RFC 7396) to the object `target`, which may be empty text for none.
///
/// # Errors
/// [`Uncanonical`] if the patch nests deeper than `depth`, or repeats a key.
pub(crate) fn merged(target: &str, patch: &RawValue, depth: usize) -> Result<String, Uncanonical> {
    let depth = depth.checked_sub(1).ok_or(Uncanonical)?;
    if !patch.get().starts_with('{') {
        return Ok(patch.get().to_owned());
    }
    let patch = Object::parse(patch.get()).map_err(|_| Uncanonical)?;
    if patch.duplicates().next().is_some() {
        return Err(Uncanonical);
    }
    // A target that is not an object is replaced as a whole.
    let target = Object::parse(target).unwrap_or(Object { members: Vec::new() });
    let mut members: Vec<(&str, String)> = Vec::with_capacity(target.members.len());
    for member in &target.members {
        if patch.value(&member.key).is_none() {
            members.push((&*member.key, member.value.get().to_owned()));
        }
    }
    for member in &patch.members {
        if member.value.get() != "null" {
            let before = target.value(&member.key).map_or("", RawValue::get);
            members.push((&*member.key, merged(before, member.value, depth)?));
        }
    }
    Ok(object_of(members.iter().map(|(key, value)| (*key, value.as_str()))))
}

fn object_of<'a>(members: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let mut out = String::from("{");
    for (key, value) in members {
        if out.len() > 1 {
            out.push(',');
        }
        write_string(key, &mut out);
        out.push(':');
        out.push_str(value);
    }
    out.push('}');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_duplicates_and_number_forms_are_kept() {
        let text = r#"{"b": 1.0, "a\u0062": 1e2, "b": [ 2 ]}"#;
        let object = Object::parse(text).unwrap();
        let members: Vec<_> = object.members.iter().map(|m| (&*m.key, m.value.get())).collect();
        assert_eq!(members, [("b", "1.0"), ("ab", "1e2"), ("b", "[ 2 ]")]);
        assert_eq!(object.value("b").unwrap().get(), "[ 2 ]");
        let duplicates: Vec<_> = object.duplicates().map(|member| member.value.get()).collect();
        assert_eq!(duplicates, ["[ 2 ]"]);
    }

    #[test]
    fn bytes_that_are_no_object_are_explained_with_the_position() {
        for (bytes, expected) in [
            (&b""[..], "expected JSON, got an empty file at line 1 column 1"),
            (b" <html>", "expected JSON, got an HTML page at line 1 column 2"),
            (b"\xef\xbb\xbf{}", "expected JSON, got a byte order mark at line 1 column 1"),
            (b"{\n \"a\": \"\xff\"}", "not UTF-8 at line 2 column 8"),
            (b"\n null", "expected an object, got null at line 2 column 2"),
            (b"[]", "expected an object, got an array at line 1 column 1"),
            (b"-1", "expected an object, got a number at line 1 column 1"),
            (b"{\n", "not JSON: EOF while parsing an object at line 2 column 1"),
            (b"{\"\xc3\xbc\": x}", "not JSON: expected value at line 1 column 7"),
            (b"{\"a\": 1,\n}", "not JSON: trailing comma at line 2 column 1"),
            (b"{\"a\": {\"b\": 1, } }", "not JSON: trailing comma at line 1 column 16"),
            (b"{\"a\": [1,]}", "not JSON: trailing comma at line 1 column 10"),
            (
                b"{\n<<<<<<< HEAD\n\"a\": 1\n=======\n",
                "not JSON: unresolved merge conflict at line 2 column 1",
            ),
            (b"<<<<<<< x\n{}", "not JSON: unresolved merge conflict at line 1 column 1"),
        ] {
            let error = Object::of_file(bytes).unwrap_err().to_string();
            assert_eq!(error, expected, "{}", String::from_utf8_lossy(bytes));
        }
        assert!(Object::of_file(b"{\"a\": \"<<<<<<< \"}").is_ok());
    }

    #[test]
    fn positions_count_lines_and_characters() {
        let text = "{\n \"ü\": {\n  \"x\": 1}}";
        let outer = Object::parse(text).unwrap().value("ü").unwrap().get();
        assert_eq!(Position::of(text, outer), Some(Position { line: 2, column: 7 }));
        let inner = Object::parse(outer).unwrap().value("x").unwrap().get();
        assert_eq!(Position::of(text, inner), Some(Position { line: 3, column: 8 }));
        assert_eq!(Position::of(inner, text), None);
        let mut places = Places::new(text);
        for part in [&text[1..], outer, outer, inner, &text[text.len()..]] {
            assert_eq!(places.of(part), Position::of(text, part), "{part}");
        }
        assert_eq!(places.of(outer), None, "before the previous part");
    }

    #[test]
    fn all_texts_of_a_value_have_one_canonical_form() {
        let raw = |text: &str| RawValue::from_string(text.to_owned()).unwrap();
        let canonical = |text: &str| canonical(&raw(text), 4);
        let expected = r#"{"a":[1,"é",null],"b":{"c":1.50}}"#;
        assert_eq!(
            canonical("{ \"b\" : {\"c\":1.50}, \"a\": [1,\t\"\\u00e9\", null] }").as_deref(),
            Ok(expected)
        );
        assert_eq!(canonical(expected).as_deref(), Ok(expected));
        assert_eq!(canonical(r#"{"a":1,"a":1}"#), Err(Uncanonical));
        assert_eq!(canonical("[[[1]]]").as_deref(), Ok("[[[1]]]"));
        assert_eq!(canonical("[[[[1]]]]"), Err(Uncanonical));
    }

    #[test]
    fn merge_patches_are_applied_as_in_the_rfc() {
        // RFC 7396, appendix A, as far as the patch is an object.
        for (target, patch, expected) in [
            (r#"{"a":"b"}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
            (r#"{"a":"b"}"#, r#"{"b":"c"}"#, r#"{"a":"b","b":"c"}"#),
            (r#"{"a":"b"}"#, r#"{"a":null}"#, "{}"),
            (r#"{"a":"b","b":"c"}"#, r#"{"a":null}"#, r#"{"b":"c"}"#),
            (r#"{"a":["b"]}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
            (r#"{"a":"c"}"#, r#"{"a":["b"]}"#, r#"{"a":["b"]}"#),
            (r#"{"a":{"b":"c"}}"#, r#"{"a":{"b":"d","c":null}}"#, r#"{"a":{"b":"d"}}"#),
            (r#"{"a":[{"b":"c"}]}"#, r#"{"a":[1]}"#, r#"{"a":[1]}"#),
            (r#"{"e":null}"#, r#"{"a":1}"#, r#"{"e":null,"a":1}"#),
            (r#"[1,2]"#, r#"{"a":"b","c":null}"#, r#"{"a":"b"}"#),
            ("", r#"{"a":{"bb":{"ccc":null}}}"#, r#"{"a":{"bb":{}}}"#),
        ] {
            let raw = RawValue::from_string(patch.to_owned()).unwrap();
            assert_eq!(merged(target, &raw, 8).as_deref(), Ok(expected), "{target} {patch}");
        }
    }
}

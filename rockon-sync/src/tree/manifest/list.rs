//! The list: the `root.json` of a v1 tree, with ids and file names only.

use std::borrow::Cow;
use std::collections::HashMap;

use super::entry::check_id_and_path;
use super::invalid::{InvalidEntry, InvalidManifest};
use super::paths::check_paths;
use crate::base::error::{Result, excerpt};
use crate::base::json::{Member, Position, for_each_member, kind_of, write_string};
use crate::base::limits::MAX_LIST_ENTRIES;
use crate::base::path::EntryPath;

/// A v1 `root.json`: ids and file names, in the order of the document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct List {
    rows: Vec<ListRow>,
}

/// One row of a [`List`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListRow {
    /// The key, for example `adguard home`.
    pub id: String,
    /// The file of the entry, relative to the tree.
    pub path: EntryPath,
}

impl List {
    /// Parses a v1 `root.json`. Identical duplicates of a row count once.
    ///
    /// # Errors
    /// [`Manifest`](crate::ErrorKind::Manifest) with the position: not a JSON object of
    /// strings, an id with two different files, a file with two ids, an unsafe or
    /// reserved file name. [`Limit`](crate::ErrorKind::Limit) above
    /// [`MAX_LIST_ENTRIES`].
    pub fn parse(bytes: &[u8]) -> Result<List> {
        let text = std::str::from_utf8(bytes)
            .map_err(|error| InvalidManifest::ListEncoding { valid_up_to: error.valid_up_to() })?;
        let mut rows: Vec<ListRow> = Vec::new();
        let mut known: HashMap<Cow<'_, str>, usize> = HashMap::new();
        for_each_member(text, InvalidManifest::ListJson, |Member { key, value }| {
            let invalid = |rule| InvalidManifest::ListRow {
                position: Position::of(text, value.get()).unwrap_or(Position::START),
                id: excerpt(&key),
                rule,
            };
            let file: String = serde_json::from_str(value.get())
                .map_err(|_| invalid(InvalidEntry::FileName { got: kind_of(value) }))?;
            let path = EntryPath::new(file).map_err(|error| invalid(error.into()))?;
            check_id_and_path(&key, &path).map_err(invalid)?;
            match known.get(&key) {
                Some(n) if rows[*n].path == path => return Ok(()),
                Some(_) => return Err(invalid(InvalidEntry::DuplicateId)),
                None if rows.len() == MAX_LIST_ENTRIES => {
                    return Err(InvalidManifest::TooManyEntries { most: MAX_LIST_ENTRIES });
                }
                None => rows.push(ListRow { id: key.to_string(), path }),
            }
            known.insert(key, rows.len() - 1);
            Ok(())
        })?;
        List::from_rows(rows)
    }

    /// Returns a list of rows with unique ids.
    pub(crate) fn from_rows(rows: Vec<ListRow>) -> Result<List> {
        if rows.len() > MAX_LIST_ENTRIES {
            return Err(InvalidManifest::TooManyEntries { most: MAX_LIST_ENTRIES }.into());
        }
        check_paths(&|visit| {
            rows.iter().for_each(|row| visit(&row.path.folded()));
            Ok(())
        })?;
        Ok(List { rows })
    }

    /// Returns the ids, in the order of the document.
    pub(crate) fn ids(&self) -> impl Iterator<Item = &str> {
        self.rows.iter().map(|row| &*row.id)
    }

    /// Returns the rows, in the order of the document.
    pub fn rows(&self) -> &[ListRow] {
        &self.rows
    }

    /// Returns the list as a v1 `root.json`, with one row per line.
    pub(crate) fn to_json(&self) -> Vec<u8> {
        let mut text = String::from("{\n");
        for (n, row) in self.rows.iter().enumerate() {
            write_string(&row.id, &mut text);
            text.push(':');
            write_string(row.path.as_str(), &mut text);
            text.push_str(if n + 1 < self.rows.len() { ",\n" } else { "\n" });
        }
        text.push_str("}\n");
        text.into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::error::ErrorKind;

    #[test]
    fn rows_keep_their_order_and_identical_duplicates_count_once() {
        let list =
            List::parse(br#"{ "Zeta": "z.json", "alpha": "a.json", "Zeta": "z.json" }"#).unwrap();
        let rows: Vec<_> = list.rows().iter().map(|row| (&*row.id, row.path.as_str())).collect();
        assert_eq!(rows, [("Zeta", "z.json"), ("alpha", "a.json")]);
        assert_eq!(List::parse(&list.to_json()).unwrap(), list);
    }

    #[test]
    fn invalid_lists_are_refused_with_the_position() {
        for (text, expected) in [
            ("", "EOF"),
            ("<!DOCTYPE html>", "line 1 column 1"),
            ("{\n\"a\": \"a.json\",\n}", "line 3 column 1"),
            (
                "{\n\"a\": {\"url\": 1}}",
                "line 2 column 6: entry \"a\": expected a file name, got an object",
            ),
            (
                "{\"a\": \"a.json\", \"a\": \"b.json\"}",
                "entry \"a\": duplicate id with another file",
            ),
            ("{\"a\": \"x.json\", \"b\": \"X.json\"}", "compared without case"),
            ("{\"a\": \"../x.json\"}", "unsafe path"),
            ("{\"a\": \"root.json\"}", "reserved path \"root.json\""),
        ] {
            let error = List::parse(text.as_bytes()).expect_err(text);
            assert_eq!(error.kind(), ErrorKind::Manifest, "{text}");
            assert!(error.to_string().contains(expected), "{text}: {error}");
        }
        let error = List::parse(b"{\"a\": \"\xff\"}").unwrap_err();
        assert!(error.to_string().contains("at byte 7"), "{error}");
    }

    #[test]
    fn a_long_list_is_refused_while_reading_in_linear_time() {
        let mut text = String::from("{");
        for n in 0..=MAX_LIST_ENTRIES {
            text.push_str(&format!("\"{n}\":\"{n}\",\n"));
        }
        // The parser stops before this, which is not JSON.
        text.push_str("!!!");
        let error = List::parse(text.as_bytes()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Limit, "{error}");
    }

    #[test]
    fn long_ids_and_file_names_are_refused_with_a_short_message() {
        let long = "x".repeat(1_000_000);
        for text in [format!("{{\"{long}\":\"a\"}}"), format!("{{\"a\":\"{long}\"}}")] {
            let error = List::parse(text.as_bytes()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Manifest);
            let message = error.to_string();
            assert!(message.len() < 400 && message.contains("longer than"), "{message}");
        }
    }
}

//! The `root.json` of a v1 tree: ids and file names, nothing else.

use std::collections::HashMap;

use super::{check_paths, id_problem, invalid};
use crate::base::error::Result;
use crate::base::json::{Object, Position, kind_of};
use crate::base::limits::MAX_ENTRIES;
use crate::base::path::EntryPath;

/// A v1 `root.json`: ids and file names, in the order of the document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    rows: Vec<Listed>,
}

/// One row of a [`Listing`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The key, for example `adguard home`.
    pub id: String,
    /// The file of the entry, relative to the tree.
    pub path: EntryPath,
}

impl Listing {
    /// Reads a v1 `root.json`. A row that stands there twice to the letter counts once.
    ///
    /// # Errors
    /// [`Manifest`](crate::ErrorKind::Manifest) with the place: not a JSON object of
    /// strings, an id with two different files, a file with two ids, an unsafe or
    /// reserved file name. [`Limit`](crate::ErrorKind::Limit) above
    /// [`MAX_ENTRIES`].
    pub fn parse(bytes: &[u8]) -> Result<Listing> {
        let text = std::str::from_utf8(bytes)
            .map_err(|error| invalid(format!("not UTF-8 at byte {}", error.valid_up_to())))?;
        let object =
            Object::parse(text).map_err(|error| invalid(format!("not a v1 root.json: {error}")))?;
        let mut rows: Vec<Listed> = Vec::with_capacity(object.members.len());
        let mut known: HashMap<String, usize> = HashMap::new();
        for member in &object.members {
            let id = &*member.key;
            let bad = |what: &dyn std::fmt::Display| {
                let place = Position::of(text, member.value.get())
                    .map_or_else(String::new, |place| format!("{place}: "));
                invalid(format!("{place}entry {id:?}: {what}"))
            };
            let file: String = serde_json::from_str(member.value.get()).map_err(|_| {
                bad(&format!("expected a file name, got {}", kind_of(member.value)))
            })?;
            if let Some(problem) = id_problem(id) {
                return Err(bad(&format!("the id {problem}")));
            }
            let path = EntryPath::new(file).map_err(|error| bad(&error))?;
            if path.is_reserved() {
                return Err(bad(&format!("the name \"{path}\" belongs to the tree itself")));
            }
            match known.get(id) {
                Some(n) if rows[*n].path == path => continue,
                Some(_) => return Err(bad(&"the id is there twice, with different files")),
                None => known.insert(id.to_owned(), rows.len()),
            };
            rows.push(Listed { id: id.to_owned(), path });
        }
        Listing::from_rows(rows)
    }

    /// A listing of `rows`, whose ids the caller knows to be unique.
    pub(crate) fn from_rows(rows: Vec<Listed>) -> Result<Listing> {
        if rows.len() > MAX_ENTRIES {
            return Err(super::parse::too_many_entries());
        }
        check_paths(rows.iter().map(|row| &row.path))?;
        Ok(Listing { rows })
    }

    /// The ids, in the order of the document.
    pub(crate) fn ids(&self) -> impl Iterator<Item = &str> {
        self.rows.iter().map(|row| &*row.id)
    }

    /// The rows, in the order of the document.
    pub fn rows(&self) -> &[Listed] {
        &self.rows
    }

    /// The listing as a v1 `root.json`, one row a line.
    pub(crate) fn to_json(&self) -> Vec<u8> {
        let mut text = String::from("{\n");
        for (n, row) in self.rows.iter().enumerate() {
            crate::base::json::write_string(&row.id, &mut text);
            text.push(':');
            crate::base::json::write_string(row.path.as_str(), &mut text);
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
    fn rows_keep_their_order_and_twins_count_once() {
        let listing =
            Listing::parse(br#"{ "Zeta": "z.json", "alpha": "a.json", "Zeta": "z.json" }"#)
                .unwrap();
        let rows: Vec<_> = listing.rows().iter().map(|row| (&*row.id, row.path.as_str())).collect();
        assert_eq!(rows, [("Zeta", "z.json"), ("alpha", "a.json")]);
        assert_eq!(Listing::parse(&listing.to_json()).unwrap(), listing);
    }

    #[test]
    fn broken_listings_are_refused_with_the_place() {
        for (text, expected) in [
            ("", "EOF"),
            ("<!DOCTYPE html>", "line 1 column 1"),
            ("{\n\"a\": \"a.json\",\n}", "line 3 column 1"),
            (
                "{\n\"a\": {\"url\": 1}}",
                "line 2 column 6: entry \"a\": expected a file name, got an object",
            ),
            ("{\"a\": \"a.json\", \"a\": \"b.json\"}", "twice, with different files"),
            ("{\"a\": \"x.json\", \"b\": \"X.json\"}", "compared without case"),
            ("{\"a\": \"../x.json\"}", "unsafe path"),
            ("{\"a\": \"root.json\"}", "belongs to the tree"),
        ] {
            let error = Listing::parse(text.as_bytes()).expect_err(text);
            assert_eq!(error.kind(), ErrorKind::Manifest, "{text}");
            assert!(error.to_string().contains(expected), "{text}: {error}");
        }
        assert!(Listing::parse(b"{\"a\": \"\xff\"}").unwrap_err().to_string().contains("byte 7"));
    }
}

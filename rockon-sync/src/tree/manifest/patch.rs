//! From one manifest to another: a JSON merge patch (RFC 7396).
//!
//! The patch is an object with a row for each entry that differs: `null` for one that is
//! gone, the fields that differ for one that changed, all fields for a new one. It stands
//! one row a line, in byte order of the ids, like the manifest itself.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{self, BufRead, Read, Write};

use serde_json::value::RawValue;

use super::canonical::{write_fields, write_row};
use super::{Entry, Manifest, invalid, parse};
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::json::{self, Object, write_string};
use crate::base::limits::{self, MAX_JSON_DEPTH};

impl Manifest {
    /// Writes the patch that leads from this manifest to `new`.
    ///
    /// A merge patch cannot set anything to `null`: whoever publishes one applies it
    /// before and looks at what comes out.
    ///
    /// # Errors
    /// Those of `out`.
    pub(crate) fn write_patch(&self, new: &Manifest, out: &mut dyn Write) -> io::Result<()> {
        let mut separator = "{\n";
        for (old, new) in pairs(self.sorted(), new.sorted()) {
            let mut line = String::from(separator);
            match (old, new) {
                (Some(old), Some(new)) if old == new => continue,
                (Some(old), Some(new)) => {
                    let (mut before, mut after) = (String::new(), String::new());
                    write_fields(old, &mut before);
                    write_fields(new, &mut after);
                    write_string(new.id(), &mut line);
                    line.push(':');
                    line.push_str(&json::merge_patch_between(&before, &after));
                }
                (None, Some(new)) => write_row(new, &mut line),
                (old, None) => {
                    write_string(old.map_or("", Entry::id), &mut line);
                    line.push_str(":null");
                }
            }
            out.write_all(line.as_bytes())?;
            separator = ",\n";
        }
        out.write_all(if separator == ",\n" { b"\n}\n" } else { b"{\n}\n" })
    }
}

/// Writes, in canonical form, what the manifest `old`, which has that form, becomes by `patch`.
/// Of the old one a line at a time is in memory. The caller compares the digest of what comes
/// out with the one that was promised.
///
/// # Errors
/// [`ErrorKind::Manifest`] for a patch that is none, or does not fit, and for an old manifest
/// of another form; [`ErrorKind::Store`] if reading it or `out` fails. Part of it may have been
/// written then.
pub(crate) fn write_patched(old: impl BufRead, patch: &[u8], out: &mut dyn Write) -> Result<()> {
    let bad = |what: &str| invalid(format!("not a patch of a manifest: {what}"));
    let text = std::str::from_utf8(patch).map_err(|_| bad("not UTF-8"))?;
    let patch = Object::parse(text).map_err(|error| bad(&error.to_string()))?;
    let mut rows: BTreeMap<&str, &RawValue> = BTreeMap::new();
    for member in &patch.members {
        if rows.insert(&*member.key, member.value).is_some() {
            return Err(bad(&format!("the id {:?} is there twice", member.key)));
        }
    }
    let mut rows = rows.into_iter().peekable();
    let mut out = Rows { out, separator: "{\n" };
    for line in Lines(old) {
        let line = line?;
        let (id, value) = row_of(&line)?;
        while let Some((new, row)) = rows.next_if(|(new, _)| **new < *id) {
            out.put_patched(new, "", row)?;
        }
        match rows.next_if(|(changed, _)| **changed == *id) {
            Some((_, row)) => out.put_patched(&id, value, row)?,
            None => out.put(&line)?,
        }
    }
    for (id, row) in rows {
        out.put_patched(id, "", row)?;
    }
    out.finish()
}

/// Longest row of a manifest that is read, in bytes: more than the largest list of names.
const MAX_ROW_BYTES: u64 = limits::MAX_MANIFEST_BYTES;

/// The rows of a manifest in canonical form, without what separates them.
struct Lines<R>(R);

impl<R: BufRead> Iterator for Lines<R> {
    type Item = Result<String>;

    fn next(&mut self) -> Option<Result<String>> {
        loop {
            let mut line = String::new();
            match self.0.by_ref().take(MAX_ROW_BYTES).read_line(&mut line) {
                Ok(0) => return None,
                Ok(_) => {}
                Err(error) => {
                    let error =
                        Error::new(ErrorKind::Store, "cannot read the manifest").with_source(error);
                    return Some(Err(error));
                }
            }
            let row = line.trim_end_matches('\n');
            let row = row.strip_suffix(',').unwrap_or(row);
            if !matches!(row, "{" | "}") {
                let len = row.len();
                line.truncate(len);
                return Some(Ok(line));
            }
        }
    }
}

/// The id of a row, and the text of what it says.
fn row_of(line: &str) -> Result<(Cow<'_, str>, &str)> {
    let other = || invalid("the manifest that is to be patched is not in its canonical form");
    let mut members = serde_json::Deserializer::from_str(line).into_iter::<json::Key<'_>>();
    let id = members.next().and_then(std::result::Result::ok).ok_or_else(other)?;
    let value = line.get(members.byte_offset()..).and_then(|rest| rest.strip_prefix(':'));
    let value = value.filter(|value| value.starts_with('{')).ok_or_else(other)?;
    Ok((id.0, value))
}

/// Writes rows in canonical form.
struct Rows<'a> {
    out: &'a mut dyn Write,
    separator: &'static str,
}

impl Rows<'_> {
    /// Writes what a row of a patch makes of the row `old` with this id, if anything.
    fn put_patched(&mut self, id: &str, old: &str, patch: &RawValue) -> Result<()> {
        if patch.get() == "null" {
            return Ok(());
        }
        let bad = |what: &str| invalid(format!("not a patch of a manifest: {id:?}: {what}"));
        let merged = json::merged(old, patch, MAX_JSON_DEPTH)
            .ok_or_else(|| bad("it nests too deep or repeats a key"))?;
        let mut row = String::from("{");
        write_string(id, &mut row);
        row.push(':');
        row.push_str(&merged);
        row.push('}');
        let entries = parse::entries_of_slice(row.as_bytes())?;
        let entry = entries.first().ok_or_else(|| bad("it is no entry"))?;
        row.clear();
        write_row(entry, &mut row);
        self.put(&row)
    }

    fn put(&mut self, row: &str) -> Result<()> {
        self.write(self.separator)?;
        self.separator = ",\n";
        self.write(row)
    }

    fn finish(mut self) -> Result<()> {
        self.write(if self.separator == ",\n" { "\n}\n" } else { "{\n}\n" })
    }

    fn write(&mut self, text: &str) -> Result<()> {
        self.out.write_all(text.as_bytes()).map_err(|error| {
            Error::new(ErrorKind::Store, "cannot write the manifest").with_source(error)
        })
    }
}

/// Walks two lists in byte order of the ids together; each id is there once.
pub(crate) fn pairs<'a>(
    old: impl Iterator<Item = &'a Entry>,
    new: impl Iterator<Item = &'a Entry>,
) -> impl Iterator<Item = (Option<&'a Entry>, Option<&'a Entry>)> {
    let (mut old, mut new) = (old.peekable(), new.peekable());
    std::iter::from_fn(move || {
        let order = match (old.peek(), new.peek()) {
            (None, None) => return None,
            (Some(old), Some(new)) => old.id().cmp(new.id()),
            (Some(_), None) => std::cmp::Ordering::Less,
            (None, Some(_)) => std::cmp::Ordering::Greater,
        };
        Some(match order {
            std::cmp::Ordering::Less => (old.next(), None),
            std::cmp::Ordering::Equal => (old.next(), new.next()),
            std::cmp::Ordering::Greater => (None, new.next()),
        })
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::base::digest::Digest;
    use crate::base::path::EntryPath;
    use crate::base::time::Timestamp;
    use crate::testing::cases;

    const A: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn patch(old: &Manifest, new: &Manifest) -> String {
        let mut bytes = Vec::new();
        old.write_patch(new, &mut bytes).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    fn patched(old: &Manifest, patch: &str) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        write_patched(&*old.to_canonical(), patch.as_bytes(), &mut bytes).map(|()| bytes)
    }

    fn manifest(rows: &str) -> Manifest {
        Manifest::parse(format!("{{{rows}}}").as_bytes()).unwrap()
    }

    #[test]
    fn a_patch_says_only_what_differs() {
        let b = Digest::of(b"b");
        let old = manifest(&format!(
            r#""a":{{"url":"a","sha":"{A}","size":1,"x":{{"k":1,"l":2.0}}}},"b":{{"url":"b","sha":"{A}"}},
               "c":{{"url":"c","sha":"{A}","names":["C"]}}"#
        ));
        let new = manifest(&format!(
            r#""a":{{"url":"a","sha":"{b}","size":2,"x":{{"k":1,"l":2.00}}}},"c":{{"url":"c","sha":"{A}"}},
               "d":{{"url":"d","sha":"{A}"}}"#
        ));
        let text = patch(&old, &new);
        let expected = format!(
            "{{\n\"a\":{{\"sha\":\"{b}\",\"size\":2,\"x\":{{\"l\":2.00}}}},\n\"b\":null,\n\
             \"c\":{{\"names\":null}},\n\"d\":{{\"url\":\"d\",\"sha\":\"{A}\"}}\n}}\n"
        );
        assert_eq!(text, expected);
        assert_eq!(patched(&old, &text).unwrap(), new.to_canonical());
        assert_eq!(patch(&old, &old), "{\n}\n");
        let nothing = Manifest::default();
        assert_eq!(patched(&old, &patch(&old, &nothing)).unwrap(), nothing.to_canonical());
        assert_eq!(patched(&nothing, &patch(&nothing, &old)).unwrap(), old.to_canonical());
    }

    #[test]
    fn what_is_no_patch_is_refused() {
        let old = manifest(&format!(r#""a":{{"url":"a","sha":"{A}"}}"#));
        for (patch, expected) in [
            ("", "EOF"),
            ("[]", "an object"),
            ("{\"a\":1}", "entry \"a\""),
            ("{\"a\":null,\"a\":null}", "twice"),
            ("{\"a\":{\"url\":\"../x\"}}", "unsafe path"),
            ("{\"a\":{\"sha\":null}}", "\"sha\" is missing"),
            ("{\"a\":{\"x\":1,\"x\":2}}", "repeats a key"),
            ("{\"b\":{\"size\":1}}", "\"url\" is missing"),
        ] {
            let error = patched(&old, patch).expect_err(patch);
            assert_eq!(error.kind(), ErrorKind::Manifest, "{patch}");
            assert!(error.to_string().contains(expected), "{patch}: {error}");
        }
        let deep = format!("{{\"a\":{{\"x\":{}1{}}}}}", "{\"y\":".repeat(40), "}".repeat(40));
        assert!(patched(&old, &deep).is_err());
    }

    prop_compose! {
        /// A manifest of a few ids, so that two of them share some.
        fn any_manifest()(
            rows in proptest::collection::btree_map(
                "[a-f]",
                (0_u8..3, proptest::option::of(0_u64..3), proptest::option::of(0_i64..3),
                 proptest::option::of("[xy]"), proptest::option::of("[xy]")),
                0..6,
            ),
        ) -> Manifest {
            let entries = rows.iter().map(|(id, (content, size, updated, name, extra))| {
                let path = EntryPath::new(format!("{id}.json")).unwrap();
                let mut entry = Entry::new(id.as_str(), path, Digest::of(&[*content])).unwrap();
                if let Some(size) = size {
                    entry = entry.with_size(*size);
                }
                if let Some(updated) = updated {
                    entry = entry.with_updated(Timestamp::from_unix(*updated).unwrap());
                }
                if let Some(name) = name {
                    entry = entry.with_names([name.as_str()]);
                }
                if let Some(extra) = extra {
                    entry = entry.with_extra_string("extra", extra);
                }
                entry
            });
            Manifest::from_entries(entries.collect()).unwrap()
        }
    }

    proptest! {
        #![proptest_config(cases(256))]

        #[test]
        fn the_canonical_form_is_a_fixed_point(manifest in any_manifest()) {
            let text = manifest.to_canonical();
            prop_assert_eq!(Manifest::parse(&text).unwrap().to_canonical(), text);
        }

        #[test]
        fn the_patch_between_two_manifests_leads_from_one_to_the_other(
            old in any_manifest(), new in any_manifest(),
        ) {
            prop_assert_eq!(patched(&old, &patch(&old, &new)).unwrap(), new.to_canonical());
        }
    }
}

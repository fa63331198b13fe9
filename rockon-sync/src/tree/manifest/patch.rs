//! JSON merge patches (RFC 7396) between manifests.
//!
//! A patch is an object with one row for each different entry: `null` for a removed one, the
//! different fields of a changed one, all fields of a new one. It has one row per line, in byte
//! order of the ids, like the manifest itself.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry as Slot;
use std::io::Write;

use serde_json::value::RawValue;

use super::canonical::{RowWriter, write_row};
use super::invalid::{InvalidEntry, InvalidManifest};
use super::parse;
use super::rows::{Row, Rows};
use super::stretch::Stretch;
use crate::base::error::{Result, excerpt};
use crate::base::json::{self, Member, for_each_member};
use crate::base::limits::{MAX_JSON_DEPTH, MAX_PATCH_ROWS, MAX_ROW_BYTES};

/// The additions of a patch to a manifest as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Additions {
    /// No entry, no path and no names: the result satisfies the rules that concern all entries
    /// together, as the manifest did before.
    None,
    /// One of them. The rules must be [checked](super::check_together).
    Some,
}

/// The result of a patch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Patched {
    pub(crate) additions: Additions,
    /// The part in which it differs from the manifest before.
    pub(crate) differs: Stretch,
}

/// Applies `patch` to the manifest `old`, and writes the result in canonical form. `old` must be
/// known to be canonical and to satisfy all rules: unchanged rows are copied, a block in memory at a
/// time, and most of them are not looked at.
///
/// Every new row is checked. The caller compares the digest of the result, and checks its entries
/// together if there are additions.
///
/// # Errors
/// [`ErrorKind::Manifest`](crate::ErrorKind::Manifest) if `patch` is invalid or does not match
/// `old`, and if a row that is looked at is not canonical;
/// [`ErrorKind::Limit`](crate::ErrorKind::Limit); [`ErrorKind::Store`](crate::ErrorKind::Store) if
/// reading it or writing `out` fails. A part of the result may have been written.
pub(crate) fn write_patched(
    mut old: Rows<'_>,
    patch: &[u8],
    out: &mut dyn Write,
) -> Result<Patched> {
    let mut changes = changes_of(patch)?.into_iter().peekable();
    let mut result = PatchWriter::new(out);
    while old.advance()? {
        let Some(row) = old.row() else { break };
        while let Some((id, change)) = changes.next_if(|(id, _)| **id < *row.id) {
            result.put_changed(&id, None, change)?;
        }
        match changes.next_if(|(id, _)| **id == *row.id) {
            Some((id, change)) => result.put_changed(&id, Some(row), change)?,
            None => result.put_same(row.text, old.place().start)?,
        }
        let next_change = changes.peek().map(|(id, _)| &**id);
        old.pass_before(next_change, &mut |rows, at| result.put_all_same(rows, at))?;
    }
    for (id, change) in changes {
        result.put_changed(&id, None, change)?;
    }
    let PatchWriter { out, additions, differs, .. } = result;
    out.finish().map_err(InvalidManifest::Write)?;
    let differs = differs.unwrap_or(Stretch::NONE);
    Ok(Patched { additions, differs })
}

/// The rows of a patch, in byte order of their ids.
type Changes<'a> = BTreeMap<Cow<'a, str>, &'a RawValue>;

fn changes_of(patch: &[u8]) -> Result<Changes<'_>, InvalidManifest> {
    let text = std::str::from_utf8(patch).map_err(|_| InvalidManifest::PatchEncoding)?;
    let mut rows = Changes::new();
    for_each_member(text, InvalidManifest::PatchJson, |Member { key, value }| {
        let len_bytes = key.len() + value.get().len();
        match rows.entry(key) {
            _ if len_bytes as u64 > MAX_ROW_BYTES => Err(InvalidManifest::LongRow),
            Slot::Occupied(row) => Err(InvalidManifest::DuplicateId { id: excerpt(row.key()) }),
            Slot::Vacant(slot) => {
                slot.insert(value);
                match rows.len() > MAX_PATCH_ROWS {
                    true => Err(InvalidManifest::TooManyEntries { most: MAX_PATCH_ROWS }),
                    false => Ok(()),
                }
            }
        }
    })?;
    Ok(rows)
}

/// The result of a patch, as it is written.
struct PatchWriter<'a> {
    out: RowWriter<'a>,
    additions: Additions,
    /// The rest of both manifests, from the last rows on that are the same.
    same: Stretch,
    /// From such rows before the first difference, up to such ones after the last.
    differs: Option<Stretch>,
}

impl<'a> PatchWriter<'a> {
    fn new(out: &'a mut dyn Write) -> PatchWriter<'a> {
        let (out, additions) = (RowWriter::new(out), Additions::None);
        PatchWriter { out, additions, same: Stretch::default(), differs: None }
    }

    /// Applies a row of the patch to the row `old` with this id, and writes the result, if any.
    fn put_changed(
        &mut self,
        id: &str,
        old: Option<Row<'_>>,
        patch: &RawValue,
    ) -> Result<(), InvalidManifest> {
        let Stretch { old: old_span, new: new_span } = self.differs.unwrap_or(self.same);
        self.differs = Some(Stretch::from(old_span.start, new_span.start));
        if patch.get() == "null" {
            return Ok(());
        }
        let merged = json::merged(old.map_or("", |row| row.fields), patch, MAX_JSON_DEPTH)
            .map_err(|problem| InvalidEntry::Patch(problem).of(id))?;
        let entry = parse::entry_of(id, &merged).map_err(InvalidManifest::PatchJson)?;
        entry.check_names()?;
        let adds = match old {
            Some(old) => {
                let names = entry.names().map_or(0, <[_]>::len);
                old.path()? != *entry.path() || old.names_len()? < names
            }
            None => true,
        };
        if adds {
            self.additions = Additions::Some;
        }
        let mut row = String::new();
        write_row(&entry, &mut row);
        if row.len() as u64 > MAX_ROW_BYTES {
            return Err(InvalidManifest::LongRow);
        }
        self.out.put(&row).map_err(InvalidManifest::Write)
    }

    /// Copies a row that was at `old_at`.
    fn put_same(&mut self, row: &str, old_at: u64) -> Result<(), InvalidManifest> {
        self.note_same(old_at);
        self.out.put(row).map_err(InvalidManifest::Write)
    }

    /// Copies rows, the first of which was at `old_at`.
    fn put_all_same(&mut self, rows: &[u8], old_at: u64) -> Result<(), InvalidManifest> {
        self.note_same(old_at);
        self.out.put_all(rows).map_err(InvalidManifest::Write)
    }

    fn note_same(&mut self, old_at: u64) {
        self.same = Stretch::from(old_at, self.out.next_at());
        if let Some(Stretch { old, new }) = &mut self.differs
            && old.end == u64::MAX
        {
            (old.end, new.end) = (self.same.old.start, self.same.new.start);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use proptest::prelude::*;

    use super::super::check::{check_together, tests::any_path};
    use super::super::{Entry, Manifest, patch_between};
    use super::*;
    use crate::base::digest::Digest;
    use crate::base::error::ErrorKind;
    use crate::base::limits::MAX_NAMES;
    use crate::base::path::EntryPath;
    use crate::base::time::Timestamp;
    use crate::testing::cases;

    const A: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn patch(old: &Manifest, new: &Manifest) -> String {
        String::from_utf8(patch_between(&old.differences_to(new)).unwrap()).unwrap()
    }

    fn patched(old: &Manifest, patch: &str) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let old = old.to_canonical();
        write_patched(Rows::new(&*old), patch.as_bytes(), &mut bytes).map(|_| bytes)
    }

    fn manifest(rows: &str) -> Manifest {
        Manifest::parse(format!("{{{rows}}}").as_bytes()).unwrap()
    }

    #[test]
    fn a_patch_contains_only_the_differences() {
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
    fn invalid_patches_are_refused() {
        let old = manifest(&format!(r#""a":{{"url":"a","sha":"{A}"}}"#));
        for (patch, expected) in [
            ("", "EOF"),
            ("[]", "an object"),
            ("{\"a\":1}", "entry \"a\""),
            ("{\"a\":null,\"a\":null}", "duplicate id \"a\""),
            ("{\"a\":{\"url\":\"../x\"}}", "unsafe path"),
            ("{\"a\":{\"sha\":null}}", "missing field \"sha\""),
            ("{\"a\":{\"x\":1,\"x\":2}}", "repeats a key"),
            ("{\"b\":{\"size\":1}}", "missing field \"url\""),
        ] {
            let error = patched(&old, patch).expect_err(patch);
            assert_eq!(error.kind(), ErrorKind::Manifest, "{patch}");
            assert!(error.to_string().contains(expected), "{patch}: {error}");
        }
        let deep = format!("{{\"a\":{{\"x\":{}1{}}}}}", "{\"y\":".repeat(40), "}".repeat(40));
        assert!(patched(&old, &deep).is_err());
    }

    #[test]
    fn large_patches_are_refused_while_reading() {
        let old = manifest("");
        // The parser stops before the end, which is not JSON.
        let rows: String = (0..=MAX_PATCH_ROWS).map(|n| format!("\"{n}\":null,")).collect();
        let row = format!("\"a\":{{\"x\":\"{}\"}},", "x".repeat(1024 * 1024));
        for rows in [rows, row] {
            let error = patched(&old, &format!("{{{rows}!!!")).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Limit, "{error}");
        }
    }

    #[test]
    fn paths_that_a_patch_makes_collide_are_found() {
        let old = manifest(&format!(
            r#""a":{{"url":"dir/a","sha":"{A}"}},"b":{{"url":"b","sha":"{A}"}},
               "c":{{"url":"gr\u00fcn","sha":"{A}"}}"#
        ));
        let row = |path: &str| format!("{{\"url\":\"{path}\",\"sha\":\"{A}\"}}");
        for (patch, expected) in [
            (format!("{{\"x\":{}}}", row("B")), Some("duplicate path \"b\"")),
            (format!("{{\"x\":{}}}", row("gru\u{308}n")), Some("duplicate path")),
            (format!("{{\"x\":{}}}", row("dir")), Some("path \"dir\" is a file")),
            (format!("{{\"x\":{}}}", row("B/x")), Some("path \"b\" is a file")),
            ("{\"a\":{\"url\":\"b\"}}".into(), Some("duplicate path \"b\"")),
            (format!("{{\"x\":{0},\"y\":{0}}}", row("new")), Some("duplicate path \"new\"")),
            // Only the result counts.
            ("{\"a\":{\"url\":\"b\"},\"b\":{\"url\":\"dir/a\"}}".into(), None),
            (format!("{{\"x\":{},\"a\":null}}", row("dir")), None),
            (format!("{{\"0\":{},\"z\":{}}}", row("dir/b"), row("z")), None),
        ] {
            let (mut new, old) = (Vec::new(), old.to_canonical());
            let patched = write_patched(Rows::new(&*old), patch.as_bytes(), &mut new).unwrap();
            assert_eq!(patched.additions, Additions::Some, "{patch}");
            let found = check_together(&new).map_err(|error| error.to_string()).err();
            assert_eq!(found.is_some(), expected.is_some(), "{patch}: {found:?}");
            if let (Some(found), Some(expected)) = (found, expected) {
                assert!(found.contains(expected), "{patch}: {found}");
            }
        }
        let mut new = Vec::new();
        let old = old.to_canonical();
        let same = b"{\"a\":{\"url\":\"dir/a\",\"size\":1},\"b\":null,\"x\":null}";
        let patched = write_patched(Rows::new(&*old), same, &mut new).unwrap();
        assert_eq!(patched.additions, Additions::None);
    }

    #[test]
    fn a_patched_manifest_has_the_limits_of_any_other() {
        let names = |count: usize| vec!["\"\""; count].join(",");
        let old = manifest(&format!(r#""a":{{"url":"a","sha":"{A}","names":[{}]}}"#, names(2)));
        for (count, expected) in [(1, Additions::None), (2, Additions::None), (3, Additions::Some)]
        {
            let patch = format!("{{\"a\":{{\"names\":[{}]}}}}", names(count));
            let bytes = old.to_canonical();
            let patched = write_patched(Rows::new(&*bytes), patch.as_bytes(), &mut io::sink());
            assert_eq!(patched.unwrap().additions, expected, "{count} names");
        }
        let patch = format!("{{\"a\":{{\"names\":[{}]}}}}", names(MAX_NAMES + 1));
        assert!(patched(&old, &patch).unwrap_err().to_string().contains("at most 16384 names"));
        let long = "x".repeat(1024 * 1024 - 70);
        let patch = format!("{{\"a\":{{\"x\":\"{long}\"}}}}");
        assert_eq!(patched(&old, &patch).unwrap_err().kind(), ErrorKind::Limit);
    }

    #[test]
    fn a_patch_needs_a_base_in_canonical_form() {
        for old in [
            "{}".to_owned(),
            format!("{{\n\"a\": {{\"url\":\"a\",\"sha\":\"{A}\"}}\n}}\n"),
            format!(
                "{{\n\"b\":{{\"url\":\"b\",\"sha\":\"{A}\"}},\n\"a\":{{\"url\":\"a\",\"sha\":\"{A}\"}}\n}}\n"
            ),
        ] {
            let error = write_patched(Rows::new(old.as_bytes()), b"{}", &mut io::sink());
            assert_eq!(error.unwrap_err().to_string(), "expected a manifest in canonical form");
        }
    }

    prop_compose! {
        /// A manifest of a few ids, so that two manifests share some.
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
        fn patched_manifests_are_checked_like_parsed_ones(
            old in any_manifest(),
            changes in proptest::collection::btree_map(
                "[a-h]", proptest::option::of(any_path()), 0..8,
            ),
        ) {
            let rows: Vec<String> = changes.iter().map(|(id, path)| match path {
                Some(path) => format!("\"{id}\":{{\"url\":\"{path}\",\"sha\":\"{A}\"}}"),
                None => format!("\"{id}\":null"),
            }).collect();
            let (old, mut new) = (old.to_canonical(), Vec::new());
            let patch = format!("{{{}}}", rows.join(","));
            let additions =
                write_patched(Rows::new(&*old), patch.as_bytes(), &mut new).unwrap().additions;
            let checked = check_together(&new);
            prop_assert!(additions == Additions::Some || checked.is_ok());
            prop_assert_eq!(Manifest::parse(&new).is_ok(), checked.is_ok());
        }

        #[test]
        fn the_patch_between_two_manifests_turns_one_into_the_other(
            old in any_manifest(), new in any_manifest(),
        ) {
            prop_assert_eq!(patched(&old, &patch(&old, &new)).unwrap(), new.to_canonical());
        }
    }
}

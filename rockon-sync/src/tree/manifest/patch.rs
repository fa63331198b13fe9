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
use super::entry::Count;
use super::invalid::{InvalidEntry, InvalidManifest};
use super::parse;
use super::rows::{Row, Rows};
use crate::base::error::{Result, excerpt};
use crate::base::json::{self, Member, for_each_member};
use crate::base::limits::{MAX_ENTRIES, MAX_JSON_DEPTH, MAX_PATCH_ROWS, MAX_ROW_BYTES};

/// The paths that a patch gives to entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NewPaths {
    /// Every entry keeps its path: the paths satisfy the same rules as before.
    None,
    /// An entry is new or has another path. All paths must be checked together.
    Some,
}

/// Applies `patch` to the manifest `old`, which satisfies all rules, and writes the result in
/// canonical form. Unchanged rows are copied, one line in memory at a time.
///
/// Every new row is checked, as are the numbers of entries and names. The caller compares the
/// digest of the result, and [checks its paths](super::check_paths).
///
/// # Errors
/// [`ErrorKind::Manifest`](crate::ErrorKind::Manifest) if `patch` is invalid or does not match
/// `old`, and if `old` is not in canonical form; [`ErrorKind::Limit`](crate::ErrorKind::Limit);
/// [`ErrorKind::Store`](crate::ErrorKind::Store) if reading it or writing `out` fails. A part of
/// the result may have been written.
pub(crate) fn write_patched(
    mut old: Rows<'_>,
    patch: &[u8],
    out: &mut dyn Write,
) -> Result<NewPaths> {
    let mut changes = changes_of(patch)?.into_iter().peekable();
    let mut result = Patched::new(out);
    while let Some(row) = old.next()? {
        while let Some((id, change)) = changes.next_if(|(id, _)| **id < *row.id) {
            result.put_changed(&id, None, change)?;
        }
        match changes.next_if(|(id, _)| **id == *row.id) {
            Some((id, change)) => result.put_changed(&id, Some(row), change)?,
            None => result.put(row.names_len()?, row.text)?,
        }
    }
    for (id, change) in changes {
        result.put_changed(&id, None, change)?;
    }
    result.out.finish().map_err(InvalidManifest::Write)?;
    Ok(result.new_paths)
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
struct Patched<'a> {
    out: RowWriter<'a>,
    count: Count,
    new_paths: NewPaths,
}

impl<'a> Patched<'a> {
    fn new(out: &'a mut dyn Write) -> Patched<'a> {
        Patched {
            out: RowWriter::new(out),
            count: Count::up_to(MAX_ENTRIES),
            new_paths: NewPaths::None,
        }
    }

    /// Applies a row of the patch to the row `old` with this id, and writes the result, if any.
    fn put_changed(
        &mut self,
        id: &str,
        old: Option<Row<'_>>,
        patch: &RawValue,
    ) -> Result<(), InvalidManifest> {
        if patch.get() == "null" {
            return Ok(());
        }
        let merged = json::merged(old.map_or("", |row| row.fields), patch, MAX_JSON_DEPTH)
            .map_err(|problem| InvalidEntry::Patch(problem).of(id))?;
        let entry = parse::entry_of(id, &merged).map_err(InvalidManifest::PatchJson)?;
        entry.check_names()?;
        let keeps_path = match old {
            Some(old) => old.path()? == *entry.path(),
            None => false,
        };
        if !keeps_path {
            self.new_paths = NewPaths::Some;
        }
        let mut row = String::new();
        write_row(&entry, &mut row);
        if row.len() as u64 > MAX_ROW_BYTES {
            return Err(InvalidManifest::LongRow);
        }
        self.put(entry.names().map_or(0, <[_]>::len), &row)
    }

    fn put(&mut self, names: usize, row: &str) -> Result<(), InvalidManifest> {
        self.count.add(names)?;
        self.out.put(row).map_err(InvalidManifest::Write)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::check::{check_paths, tests::any_path};
    use super::super::{Entry, Manifest, patch_between};
    use super::*;
    use crate::base::digest::Digest;
    use crate::base::error::{Error, ErrorKind};
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
            let new_paths = write_patched(Rows::new(&*old), patch.as_bytes(), &mut new).unwrap();
            assert_eq!(new_paths, NewPaths::Some, "{patch}");
            let found = check_paths(&new).map_err(|error| error.to_string()).err();
            assert_eq!(found.is_some(), expected.is_some(), "{patch}: {found:?}");
            if let (Some(found), Some(expected)) = (found, expected) {
                assert!(found.contains(expected), "{patch}: {found}");
            }
        }
        let mut new = Vec::new();
        let old = old.to_canonical();
        let same = b"{\"a\":{\"url\":\"dir/a\",\"size\":1},\"b\":null,\"x\":null}";
        assert_eq!(write_patched(Rows::new(&*old), same, &mut new).unwrap(), NewPaths::None);
    }

    #[test]
    fn a_patched_manifest_has_the_limits_of_any_other() {
        let names = |count: usize| vec!["\"\""; count].join(",");
        let old = manifest(&format!(r#""a":{{"url":"a","sha":"{A}","names":[{}]}}"#, names(2)));
        let entry = parse::entry_of("a", &format!("{{\"url\":\"a\",\"sha\":\"{A}\"}}")).unwrap();
        let mut text = String::new();
        write_row(&entry, &mut text);
        let put = |entries, names: &[usize]| {
            let mut out = Vec::new();
            let mut patched = Patched { count: Count::up_to(entries), ..Patched::new(&mut out) };
            let put = names.iter().try_for_each(|names| patched.put(*names, &text));
            put.map_err(|error| Error::from(error).kind()).err()
        };
        assert_eq!(put(2, &[3, 1]), None);
        assert_eq!(put(2, &[3, 2]), Some(ErrorKind::Limit));
        assert_eq!(put(2, &[1, 1, 1]), Some(ErrorKind::Limit));
        // Names of unchanged rows count.
        let bytes = old.to_canonical();
        let mut rows = Rows::new(&*bytes);
        assert_eq!(rows.next().unwrap().unwrap().names_len().unwrap(), 2);
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
            format!("{{\n\"a\":{{\"sha\":\"{A}\",\"url\":\"a\"}}\n}}\n"),
        ] {
            let error = write_patched(Rows::new(old.as_bytes()), b"{}", &mut std::io::sink());
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
            let new_paths = write_patched(Rows::new(&*old), patch.as_bytes(), &mut new).unwrap();
            let checked = check_paths(&new);
            prop_assert!(new_paths == NewPaths::Some || checked.is_ok());
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

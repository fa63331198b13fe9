//! The differences between two manifests in canonical form, found by merging their rows, and the
//! merge patch that makes them.

use std::cmp::Ordering;

use super::Entry;
use super::canonical::{RowWriter, write_fields, write_row};
use super::patch::write_patched;
use super::rows::{Row, Rows};
use crate::base::error::Result;
use crate::base::json::{self, write_string};

#[cfg(doc)]
use crate::base::error::ErrorKind;

/// An id that two manifests have different entries for. One side may have none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Difference {
    pub(crate) old: Option<Entry>,
    pub(crate) new: Option<Entry>,
}

impl Difference {
    /// Returns the old entry if the new one has another file.
    pub(crate) fn replaced_file(&self) -> Option<&Entry> {
        match self {
            Difference { old: Some(old), new: Some(new) } if old.digest() != new.digest() => {
                Some(old)
            }
            _ => None,
        }
    }

    /// Returns the new entry unless the old one has the same file.
    pub(crate) fn new_file(&self) -> Option<&Entry> {
        match self {
            Difference { old: Some(old), new: Some(new) } if old.digest() == new.digest() => None,
            Difference { new, .. } => new.as_ref(),
        }
    }
}

/// Returns the differences from `old` to `new`, in byte order of the ids. Both must be known to be
/// in canonical form: most rows that are equal are not looked at.
///
/// # Errors
/// [`ErrorKind::Manifest`] and [`ErrorKind::Store`] if one of the two cannot be read.
pub(crate) fn differences(mut old: Rows<'_>, mut new: Rows<'_>) -> Result<Vec<Difference>> {
    let mut found = Vec::new();
    let parsed = |row: Option<Row<'_>>| row.map(Row::entry).transpose();
    old.advance()?;
    new.advance()?;
    loop {
        let order = match (old.row(), new.row()) {
            (None, None) => return Ok(found),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(old), Some(new)) => old.id.cmp(new.id),
        };
        let old_row = old.row().filter(|_| order.is_le());
        let new_row = new.row().filter(|_| order.is_ge());
        if old_row.map(|row| row.text) == new_row.map(|row| row.text) {
            old.pass_equal(&mut new)?;
        } else {
            found.push(Difference { old: parsed(old_row)?, new: parsed(new_row)? });
        }
        if order.is_le() {
            old.advance()?;
        }
        if order.is_ge() {
            new.advance()?;
        }
    }
}

/// Returns the merge patch (RFC 7396) that makes these differences. `None` if there is none: a patch
/// cannot set a value to `null`, and has limits.
pub(crate) fn patch_between(differences: &[Difference]) -> Option<Vec<u8>> {
    let mut patch = String::new();
    for Difference { old, new } in differences {
        patch.push_str(if patch.is_empty() { "{\n" } else { ",\n" });
        match (old, new) {
            (Some(old), Some(new)) => {
                let (mut before, mut after) = (String::new(), String::new());
                write_fields(old, &mut before);
                write_fields(new, &mut after);
                write_string(new.id(), &mut patch);
                patch.push(':');
                patch.push_str(&json::merge_patch_between(&before, &after));
            }
            (None, Some(new)) => write_row(new, &mut patch),
            (old, None) => {
                write_string(old.as_ref().map_or("", Entry::id), &mut patch);
                patch.push_str(":null");
            }
        }
    }
    patch.push_str(if patch.is_empty() { "{\n}\n" } else { "\n}\n" });
    let old = canonical(differences.iter().filter_map(|difference| difference.old.as_ref()));
    let new = canonical(differences.iter().filter_map(|difference| difference.new.as_ref()));
    let mut patched = Vec::new();
    write_patched(Rows::new(&*old), patch.as_bytes(), &mut patched).ok()?;
    (patched == new).then(|| patch.into_bytes())
}

#[cfg(any(test, feature = "fuzzing"))]
impl super::Manifest {
    /// Returns the differences from this manifest to `new`.
    pub(crate) fn differences_to(&self, new: &super::Manifest) -> Vec<Difference> {
        let (old, new) = (self.to_canonical(), new.to_canonical());
        differences(Rows::new(&*old), Rows::new(&*new)).expect("both are canonical")
    }
}

/// Returns a manifest of `entries`, which are in byte order of their ids.
fn canonical<'a>(entries: impl Iterator<Item = &'a Entry>) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rows = RowWriter::new(&mut bytes);
    for entry in entries {
        rows.put_entry(entry).expect("a vector takes all bytes");
    }
    rows.finish().expect("a vector takes all bytes");
    bytes
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::io::{self, Read};

    use proptest::collection::btree_map;
    use proptest::prelude::*;

    use super::*;
    use crate::base::digest::Digest;
    use crate::testing::cases;
    use crate::tree::manifest::{Manifest, NO_ENTRIES};

    /// Returns a manifest in canonical form, given ids and the contents of their files.
    fn manifest(rows: &[(&str, &str)]) -> Vec<u8> {
        let rows = rows.iter().map(|(id, content)| {
            let digest = Digest::of(content.as_bytes());
            format!("\"{id}\":{{\"url\":\"{id}\",\"sha\":\"{digest}\"}}")
        });
        let rows = rows.collect::<Vec<_>>().join(",");
        Manifest::parse(format!("{{{rows}}}").as_bytes()).unwrap().to_canonical()
    }

    #[test]
    fn only_entries_that_differ_are_returned() {
        let old = manifest(&[("a", "1"), ("b", "1"), ("c", "1"), ("e", "1")]);
        let new = manifest(&[("b", "1"), ("c", "2"), ("d", "1"), ("f", "1")]);
        let found = differences(Rows::new(&*old), Rows::new(&*new)).unwrap();
        let ids = |entry: Option<&Entry>| entry.map(|entry| entry.id().to_owned());
        let sides: Vec<_> = found
            .iter()
            .map(|difference| {
                let Difference { old, new } = difference;
                let files = (ids(difference.replaced_file()), ids(difference.new_file()));
                (ids(old.as_ref()), ids(new.as_ref()), files)
            })
            .collect();
        let id = |id: &str| Some(id.to_owned());
        assert_eq!(
            sides,
            [
                (id("a"), None, (None, None)),
                (id("c"), id("c"), (id("c"), id("c"))),
                (None, id("d"), (None, id("d"))),
                (id("e"), None, (None, None)),
                (None, id("f"), (None, id("f"))),
            ]
        );
        assert_eq!(differences(Rows::new(&*old), Rows::new(&*old)).unwrap(), []);
        assert_eq!(differences(Rows::new(NO_ENTRIES), Rows::new(&*new)).unwrap().len(), 4);
        assert_eq!(differences(Rows::new(&*old), Rows::new(NO_ENTRIES)).unwrap().len(), 4);
    }

    /// A reader that returns a few bytes at a time, as if the buffer ended there.
    struct Trickle<'a>(&'a [u8], usize);

    impl Read for Trickle<'_> {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            let len = self.1.min(buf.len());
            self.0.read(&mut buf[..len])
        }
    }

    proptest! {
        #![proptest_config(cases(256))]

        #[test]
        fn buffers_may_end_anywhere(
            old in btree_map("[a-m]", "[xyz]", 0..12),
            new in btree_map("[a-m]", "[xyz]", 0..12),
            (old_len, new_len) in (1_usize..400, 1_usize..400),
        ) {
            let texts = [&old, &new].map(|rows| {
                manifest(&rows.iter().map(|(id, text)| (&**id, &**text)).collect::<Vec<_>>())
            });
            let (old_rows, new_rows) = (Trickle(&texts[0], old_len), Trickle(&texts[1], new_len));
            let found = differences(Rows::new(old_rows), Rows::new(new_rows)).unwrap();
            let ids: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
            let expected = ids.into_iter().filter(|id| old.get(*id) != new.get(*id));
            let id_of = |difference: &Difference| {
                difference.old.as_ref().or(difference.new.as_ref()).unwrap().id().to_owned()
            };
            let found_ids: Vec<String> = found.iter().map(id_of).collect();
            prop_assert_eq!(found_ids, expected.cloned().collect::<Vec<_>>());
            if let Some(patch) = patch_between(&found) {
                let (mut patched, rows) = (Vec::new(), Rows::new(Trickle(&texts[0], old_len)));
                let differs = write_patched(rows, &patch, &mut patched).unwrap().differs;
                prop_assert_eq!(&patched, &texts[1]);
                prop_assert!(differs.is_all_of(&texts[0], &texts[1]), "{:?}", differs);
            }
        }
    }

    #[test]
    fn a_manifest_in_another_form_is_an_error() {
        let (good, other) = (manifest(&[("a", "1")]), b"{}".to_vec());
        for (old, new) in [(&good, &other), (&other, &good)] {
            let error = differences(Rows::new(&**old), Rows::new(&**new)).unwrap_err();
            assert_eq!(error.to_string(), "expected a manifest in canonical form");
        }
    }
}

//! All rules of a manifest, checked row by row.

use super::entry::Count;
use super::invalid::InvalidManifest;
use super::paths;
use super::rows::{Row, RowSource, Rows};
use crate::base::error::Result;
use crate::base::limits::MAX_ENTRIES;

#[cfg(doc)]
use crate::base::error::ErrorKind;

/// The form of a manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Form {
    Canonical,
    /// Another form, or not a manifest at all. The parser of whole documents tells which.
    #[default]
    Other,
}

/// Checks all rules of a manifest. Eight bytes per entry are in memory.
///
/// # Errors
/// [`ErrorKind::Manifest`] and [`ErrorKind::Limit`] if the manifest is canonical, but violates a
/// rule; [`ErrorKind::Store`] if reading fails.
pub(crate) fn check(source: &dyn RowSource) -> Result<Form> {
    let mut count = Count::up_to(MAX_ENTRIES);
    let checked = check_each(source.rows()?, &mut |row| {
        let entry = row.entry()?;
        entry.check_names()?;
        match row.begins_like(&entry)? {
            true => count.add(entry.names().map_or(0, <[_]>::len)),
            false => Err(InvalidManifest::NotCanonical),
        }
    });
    match checked {
        // The parser of whole documents says where.
        Err(InvalidManifest::NotCanonical | InvalidManifest::Json(_)) => Ok(Form::Other),
        Err(InvalidManifest::Entry { .. }) => Ok(Form::Other),
        Err(error) => Err(error.into()),
        Ok(()) => {
            check_paths(source)?;
            Ok(Form::Canonical)
        }
    }
}

/// Returns the form of a manifest that satisfies all rules. Parses no row as a whole.
///
/// # Errors
/// [`ErrorKind::Store`] if reading fails.
pub(crate) fn form_of(rows: Rows<'_>) -> Result<Form> {
    match check_each(rows, &mut |row| row.digest_text().map(|_| ())) {
        Err(error @ InvalidManifest::Read(_)) => Err(error.into()),
        Err(_) => Ok(Form::Other),
        Ok(()) => Ok(Form::Canonical),
    }
}

/// Checks the rules that concern all entries of a manifest together, which has canonical form.
///
/// # Errors
/// [`ErrorKind::Manifest`] if two paths collide; [`ErrorKind::Limit`] if there are too many entries
/// or names; [`ErrorKind::Store`] if reading fails.
pub(crate) fn check_together(source: &dyn RowSource) -> Result<()> {
    count(source, Count::up_to(MAX_ENTRIES))?;
    check_paths(source)
}

fn count(source: &dyn RowSource, mut count: Count) -> Result<()> {
    Ok(check_each(source.rows()?, &mut |row| count.add(row.names_len()?))?)
}

fn check_paths(source: &dyn RowSource) -> Result<()> {
    paths::check_paths(&|visit| {
        let mut rows = source.rows()?;
        while let Some(row) = rows.next()? {
            visit(&row.folded_path()?);
        }
        Ok(())
    })
}

fn check_each(
    mut rows: Rows<'_>,
    check: &mut dyn FnMut(Row<'_>) -> Result<(), InvalidManifest>,
) -> Result<(), InvalidManifest> {
    while let Some(row) = rows.next()? {
        check(row)?;
    }
    Ok(())
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::base::error::ErrorKind;
    use crate::testing::cases;
    use crate::tree::manifest::Manifest;

    const SHA: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn text(rows: &[String]) -> Vec<u8> {
        match rows {
            [] => b"{\n}\n".to_vec(),
            rows => format!("{{\n{}\n}}\n", rows.join(",\n")).into_bytes(),
        }
    }

    fn row(id: &str, path: &str, more: &str) -> String {
        format!("\"{id}\":{{\"url\":\"{path}\",\"sha\":\"{SHA}\"{more}}}")
    }

    #[test]
    fn only_the_canonical_form_is_read_row_by_row() {
        let [a, b] = ["a", "b"].map(|id| row(id, id, ",\"size\":1,\"names\":[\"A\",\"B\"]"));
        let canonical = String::from_utf8(text(&[a.clone(), b.clone()])).unwrap();
        let escaped = text(&[row("\\\"", "a\\\"b", "")]);
        for text in [canonical.clone().into_bytes(), text(&[]), escaped] {
            assert_eq!(check(&text).unwrap(), Form::Canonical);
            assert_eq!(form_of(text.rows().unwrap()).unwrap(), Form::Canonical);
        }
        // The whole document decides about these: some are manifests in another form.
        for (other, is_valid) in [
            (canonical.replace('\n', ""), true),
            (canonical.trim_end().to_owned(), true),
            (canonical.replace("{\n", "{ \n"), true),
            (canonical.replace(":{", ": {"), true),
            (canonical.replace("\n", "\r\n"), true),
            (format!("{canonical}\n"), true),
            (canonical.replace(SHA, &SHA.to_uppercase()), true),
            (String::from_utf8(text(&[b, a])).unwrap(), true),
            (canonical.replace("\"size\":1,", "").replace("]}", "],\"size\":1}"), true),
            (format!("{canonical}{{}}"), false),
            (canonical.replace(",\n", "\n"), false),
            (canonical.replace("\n}", ",\n}"), false),
            (canonical.replace("\"b\":", "\"a\":"), false),
            (canonical.replace("]}", "],\"x\":1,\"x\":2}"), false),
            (canonical.replace("]}", "]},"), false),
            (canonical.replace("\"size\":1", "\"size\":1.5"), false),
            (canonical.replace(SHA, "e3b0"), false),
            (canonical.replace("\"A\"", "\"\u{1}\""), false),
            (String::new(), false),
        ] {
            let form = check(&other.clone().into_bytes());
            assert_eq!(form.unwrap(), Form::Other, "{other}");
            assert_eq!(Manifest::parse(other.as_bytes()).is_ok(), is_valid, "{other}");
        }
    }

    #[test]
    fn entries_and_names_are_counted_together() {
        let names = |count: usize| format!(",\"names\":[{}]", vec!["\"\""; count].join(","));
        for (names_of, is_allowed) in
            [(&[3, 1][..], true), (&[3, 2], false), (&[4], true), (&[5], false), (&[0; 3], false)]
        {
            let rows = names_of.iter().enumerate();
            let rows: Vec<_> =
                rows.map(|(id, len)| row(&id.to_string(), "a", &names(*len))).collect();
            let counted = count(&text(&rows), Count::up_to(2)).map_err(|error| error.kind());
            let expected = if is_allowed { Ok(()) } else { Err(ErrorKind::Limit) };
            assert_eq!(counted, expected, "{names_of:?}");
        }
    }

    #[test]
    fn a_row_is_not_read_beyond_its_limit() {
        let long = row("a", "a", &format!(",\"x\":\"{}\"", "x".repeat(1024 * 1024)));
        let text = text(&[long]);
        let mut rows = Rows::new(std::io::Read::chain(&*text, std::io::repeat(b'x')));
        assert!(matches!(rows.advance(), Err(InvalidManifest::NotCanonical)));
    }

    /// Paths that collide with each other, and some that do not.
    pub(crate) fn any_path() -> impl Strategy<Value = &'static str> {
        const PATHS: &[&str] =
            &["x", "X", "x/y", "z/x/y", "z", "gr\u{fc}n", "gru\u{308}n", "b", "c", "d", "e/f"];
        proptest::sample::select(PATHS)
    }

    proptest! {
        #![proptest_config(cases(256))]

        #[test]
        fn rows_are_checked_like_whole_documents(
            rows in proptest::collection::btree_map("[a-h]", any_path(), 0..8),
        ) {
            let rows: Vec<String> = rows.iter().map(|(id, path)| row(id, path, "")).collect();
            let text = text(&rows);
            match (check(&text), Manifest::parse(&text)) {
                (Ok(form), Ok(_)) => prop_assert_eq!(form, Form::Canonical),
                (Err(error), Err(_)) => prop_assert_eq!(error.kind(), ErrorKind::Manifest),
                (checked, parsed) => prop_assert!(false, "{:?} {:?}", checked, parsed),
            }
        }
    }
}

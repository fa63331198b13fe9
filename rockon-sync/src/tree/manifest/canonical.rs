//! The canonical form: the same entries always give the same bytes.
//!
//! UTF-8 without spaces, one entry per line in byte order of the ids, known fields in a fixed order
//! and then the extra fields in byte order, `{` and `}` on lines of their own, a final newline.
//! Line-based tools such as `diff` and `grep` work on it.

use std::io::{self, Write};

use super::{Entry, Manifest};
use crate::base::digest::{Digest, HashingWriter};
use crate::base::json::write_string;

impl Manifest {
    /// Writes the canonical form.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write_canonical(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut rows = RowWriter::new(out);
        self.sorted().try_for_each(|entry| rows.put_entry(entry))?;
        rows.finish()
    }

    /// Returns the canonical form.
    pub fn to_canonical(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.write_canonical(&mut bytes).expect("a vector takes all bytes");
        bytes
    }

    /// Returns the digest and the size in bytes of the canonical form.
    pub fn canonical_digest(&self) -> (Digest, u64) {
        let mut writer = HashingWriter::new(io::sink());
        self.write_canonical(&mut writer).expect("a sink takes all bytes");
        let (_, digest, len_bytes) = writer.finish();
        (digest, len_bytes)
    }
}

/// A writer of a manifest in canonical form. The caller puts the rows in byte order of their ids.
pub(crate) struct RowWriter<'a> {
    out: &'a mut dyn Write,
    /// The text between the last row and the next.
    separator: &'static [u8],
    /// Bytes written.
    len_bytes: u64,
    row: String,
}

/// The end of each row that others follow. JSON has no line feed in a string.
pub(super) const ROW_END: &[u8] = b",\n";

impl<'a> RowWriter<'a> {
    pub(crate) fn new(out: &'a mut dyn Write) -> RowWriter<'a> {
        RowWriter { out, separator: b"{\n", len_bytes: 0, row: String::new() }
    }

    /// Writes a row that is in canonical form already.
    ///
    /// # Errors
    /// Those of `out`.
    pub(crate) fn put(&mut self, row: &str) -> io::Result<()> {
        self.put_text(row.as_bytes())
    }

    /// Writes rows that are in canonical form already, each with its [end](ROW_END).
    ///
    /// # Errors
    /// Those of `out`.
    pub(super) fn put_all(&mut self, rows: &[u8]) -> io::Result<()> {
        self.put_text(&rows[..rows.len() - ROW_END.len()])
    }

    /// Returns the bytes before the line of the next row.
    pub(super) fn next_at(&self) -> u64 {
        self.len_bytes + self.separator.len() as u64
    }

    fn put_text(&mut self, text: &[u8]) -> io::Result<()> {
        self.len_bytes = self.next_at() + text.len() as u64;
        self.out.write_all(self.separator)?;
        self.separator = ROW_END;
        self.out.write_all(text)
    }

    /// Writes the row of an entry.
    ///
    /// # Errors
    /// Those of `out`.
    pub(crate) fn put_entry(&mut self, entry: &Entry) -> io::Result<()> {
        let mut row = std::mem::take(&mut self.row);
        row.clear();
        write_row(entry, &mut row);
        let written = self.put(&row);
        self.row = row;
        written
    }

    /// Writes the end.
    ///
    /// # Errors
    /// Those of `out`.
    pub(crate) fn finish(self) -> io::Result<()> {
        self.out.write_all(if self.separator == ROW_END { b"\n}\n" } else { b"{\n}\n" })
    }
}

/// Writes `"id":{...}`.
pub(super) fn write_row(entry: &Entry, out: &mut String) {
    write_string(entry.id(), out);
    out.push(':');
    write_fields(entry, out);
}

/// Writes `{...}`.
pub(super) fn write_fields(entry: &Entry, out: &mut String) {
    out.push_str("{\"url\":");
    write_string(entry.path().as_str(), out);
    out.push_str(",\"sha\":\"");
    out.push_str(&entry.digest().to_string());
    out.push('"');
    if let Some(size_bytes) = entry.size_bytes() {
        out.push_str(",\"size\":");
        out.push_str(&size_bytes.to_string());
    }
    if let Some(updated) = entry.updated() {
        out.push_str(",\"updated\":\"");
        out.push_str(&updated.to_string());
        out.push('"');
    }
    if let Some(names) = entry.names() {
        out.push_str(",\"names\":[");
        for (n, name) in names.iter().enumerate() {
            if n > 0 {
                out.push(',');
            }
            write_string(name, out);
        }
        out.push(']');
    }
    for (key, value) in entry.extra() {
        out.push(',');
        write_string(key, out);
        out.push(':');
        out.push_str(value);
    }
    out.push('}');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::error::ErrorKind;
    use crate::base::limits::{MAX_ALL_NAMES, MAX_NAMES, MAX_ROW_BYTES};
    use crate::base::path::EntryPath;
    use crate::tree::manifest::entry::Count;
    use crate::tree::manifest::parse::{Extras, entries_of};

    const SHA: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn any_json_with_the_same_content_gives_the_canonical_form() {
        let text = format!(
            r#" {{ "b" : {{"z": [1, 2.50], "names":["B","Bé"], "updated":"2026-02-11T12:51:41+01:00",
                "size": 3, "a": {{"y":1,"x":null}}, "sha":"{SHA}", "url":"b.json" }},
                "a": {{"sha":"{SHA}","url":"dir/a b.json"}} }} "#
        );
        let canonical = format!(
            "{{\n\"a\":{{\"url\":\"dir/a b.json\",\"sha\":\"{SHA}\"}},\n\"b\":{{\"url\":\"b.json\",\"sha\":\"{SHA}\",\
             \"size\":3,\"updated\":\"2026-02-11T11:51:41Z\",\"names\":[\"B\",\"Bé\"],\
             \"a\":{{\"x\":null,\"y\":1}},\"z\":[1,2.50]}}\n}}\n"
        );
        let manifest = Manifest::parse(text.as_bytes()).unwrap();
        assert_eq!(String::from_utf8(manifest.to_canonical()).unwrap(), canonical);
        assert_eq!(manifest.entries()[0].id(), "b", "the document's order is kept");
        assert_eq!(manifest.entry("a").unwrap().path().as_str(), "dir/a b.json");
        let again = Manifest::read(canonical.as_bytes()).unwrap();
        assert_eq!(String::from_utf8(again.to_canonical()).unwrap(), canonical);
        let (digest, len_bytes) = manifest.canonical_digest();
        assert_eq!((digest, len_bytes), (Digest::of(canonical.as_bytes()), canonical.len() as u64));
    }

    #[test]
    fn an_empty_manifest_has_a_canonical_form() {
        let manifest = Manifest::parse(b"{}").unwrap();
        assert_eq!(manifest.to_canonical(), b"{\n}\n");
    }

    #[test]
    fn invalid_manifests_are_refused_with_the_position() {
        let row =
            |rest: &str| format!("{{\n\"a\":{{\"url\":\"a.json\",\"sha\":\"{SHA}\"{rest}}}\n}}");
        let two = |a: &str, b: &str| {
            format!(
                "{{\"a\":{{\"url\":\"{a}\",\"sha\":\"{SHA}\"}},\"b\":{{\"url\":\"{b}\",\"sha\":\"{SHA}\"}}}}"
            )
        };
        for (text, expected) in [
            (String::new(), "EOF"),
            ("[]".into(), "object of entries"),
            ("{".into(), "line 1 column 1"),
            ("{}{}".into(), "trailing"),
            ("<html>".into(), "line 1 column 1"),
            ("\u{feff}{}".into(), "line 1 column 1"),
            (row(",\"sha\":1"), "line 2"),
            (row(",\"size\":-1"), "line 2"),
            (row(",\"size\":1.5"), "line 2"),
            (row(",\"updated\":\"today\""), "\"a\": expected a time"),
            (row(",\"names\":\"A\""), "line 2"),
            (row(",\"x\":{\"k\":1,\"k\":2}"), "repeats a key"),
            (row(",\"x\":1,\"x\":1"), "duplicate field \"x\""),
            (row(",\"url\":\"b.json\""), "duplicate field \"url\""),
            (row(&format!(",\"x\":{}1{}", "[".repeat(40), "]".repeat(40))), "too deep"),
            (format!("{{\"a\":{{\"sha\":\"{SHA}\"}}}}"), "missing field \"url\""),
            ("{\"a\":{\"url\":\"a\"}}".into(), "missing field \"sha\""),
            ("{\"a\":{\"url\":\"../a\",\"sha\":\"\"}}".into(), "unsafe path"),
            ("{\"a\":\"a.json\"}".into(), "entry \"a\""),
            (format!("{{\"\":{{\"url\":\"a\",\"sha\":\"{SHA}\"}}}}"), "is empty"),
            (format!("{{\"a\\n\":{{\"url\":\"a\",\"sha\":\"{SHA}\"}}}}"), "control character"),
            (two("x.json", "X.JSON"), "compared without case"),
            (two("Σ.json", "ς.json"), "compared without case"),
            (two("ß.json", "SS.json"), "compared without case"),
            (two("x", "X/y"), "is a file and the directory"),
            (two("x", "Root.json"), "reserved path \"Root.json\""),
            (two("x", "by-sha/y"), "reserved path \"by-sha/y\""),
            (two("x", "y").replace("\"b\"", "\"a\""), "duplicate id \"a\""),
        ] {
            let error = Manifest::parse(text.as_bytes()).expect_err(&text);
            assert_eq!(error.kind(), ErrorKind::Manifest, "{text}");
            assert!(error.to_string().contains(expected), "{text}: {error}");
        }
    }

    #[test]
    fn too_many_entries_are_refused_while_reading() {
        // The parser stops before the end, which is not JSON.
        let rows: String = (0..4).map(|n| row(&n.to_string(), "") + ",").collect();
        let text = format!("{{{rows}!!!");
        let read = |most| entries_of(text.as_bytes(), Extras::All, Count::up_to(most));
        let error = read(3).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Limit, "{error}");
        assert_eq!(error.to_string(), "expected at most 3 entries, got more");
        assert_eq!(read(4).unwrap_err().kind(), ErrorKind::Manifest);
    }

    fn row(id: &str, more: &str) -> String {
        format!("\"{id}\":{{\"url\":\"{id}\",\"sha\":\"{SHA}\"{more}}}")
    }

    #[test]
    fn too_many_names_are_refused_while_reading() {
        let names = |count| format!(",\"names\":[{}]", vec!["\"\""; count].join(","));
        let text = format!("{{{},{},!!!", row("a", &names(3)), row("b", &names(2)));
        let error = entries_of(text.as_bytes(), Extras::All, Count::up_to(2)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Limit, "{error}");
        assert_eq!(error.to_string(), "expected at most 4 names, got more");
        // The same limits hold for a manifest that was not parsed.
        let path = |n: usize| EntryPath::new(n.to_string()).unwrap();
        let entry = |n: usize, names: usize| {
            let entry = Entry::new(n.to_string(), path(n), Digest::of(b"")).unwrap();
            entry.with_names(vec![""; names])
        };
        let all = (0..=MAX_ALL_NAMES / MAX_NAMES).map(|n| entry(n, MAX_NAMES)).collect();
        assert_eq!(Manifest::from_entries(all).unwrap_err().kind(), ErrorKind::Limit);
        let error = Manifest::from_entries(vec![entry(0, MAX_NAMES + 1)]).unwrap_err();
        assert!(error.to_string().contains("at most 16384 names"), "{error}");
    }

    #[test]
    fn long_rows_are_refused_while_reading() {
        let long = "x".repeat(usize::try_from(MAX_ROW_BYTES).unwrap());
        let extra = |len: usize| format!(",\"x\":\"{}\"", &long[..len]);
        let most = long.len() - row("a", &extra(0)).len();
        // The limit is that of one row, wherever it is.
        let good = format!("{{{},{}}}", row("a", &extra(most)), row("b", &extra(most)));
        assert_eq!(Manifest::parse(good.as_bytes()).unwrap().len(), 2);
        let far = format!(",\"x\":\"{}", "x".repeat(long.len() + 64 * 1024));
        for text in [
            format!("{{{}", row("a", &far)),
            format!("{{{},{}", row("a", ""), row("b", &far)),
            format!("{{\"{long}{long}"),
            format!("{{\"a\":{{\"url\":\"{long}{long}"),
            " ".repeat(2 * long.len()),
        ] {
            let error = Manifest::read(text.as_bytes()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Limit, "{error}");
            assert_eq!(error.to_string(), "expected at most 1048576 bytes for an entry, got more");
        }
    }

    #[test]
    fn quotes_in_messages_are_short() {
        let long = "x".repeat(900_000);
        for text in [
            format!("{{{}}}", row(&long, "")),
            format!("{{{}}}", row("a", &format!(",\"{long}\":1,\"{long}\":1"))),
            format!("{{{}}}", row("a", &format!(",\"size\":\"{long}\""))),
            format!("{{{}}}", row("a", &format!(",\"updated\":\"{long}\""))),
            format!("{{\"{long}\":1}}"),
            format!("{{\"a\":{{\"url\":\"{long}\"}}}}"),
            format!("{{\"a\":{{\"sha\":\"{long}\"}}}}"),
        ] {
            let message = Manifest::parse(text.as_bytes()).unwrap_err().to_string();
            assert!(message.len() < 2100, "{} bytes: {message}", message.len());
        }
    }

    #[test]
    fn ids_names_and_paths_with_control_characters_are_refused() {
        let names = |name: &str| format!(",\"names\":[\"A\",\"{name}\"]");
        for c in ["\\u0000", "\\n", "\\u001f", "\\u007f", "\\u0085", "\u{9b}"] {
            for (text, expected) in [
                (row("a", "").replace("\"a\":", &format!("\"a{c}\":")), "invalid id: control"),
                (row("a", &names(&format!("B{c}"))), "\"a\": invalid name: control character"),
                (row("a", "").replace("\"url\":\"a", &format!("\"url\":\"a{c}")), "unsafe path"),
            ] {
                let error = Manifest::parse(format!("{{{text}}}").as_bytes()).expect_err(&text);
                assert_eq!(error.kind(), ErrorKind::Manifest, "{text}");
                assert!(error.to_string().contains(expected), "{text}: {error}");
            }
        }
        for (name, is_valid) in [("x".repeat(1024), true), ("x".repeat(1025), false)] {
            let text = format!("{{{}}}", row("a", &names(&name)));
            assert_eq!(Manifest::parse(text.as_bytes()).is_ok(), is_valid);
        }
    }
}

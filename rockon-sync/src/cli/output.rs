//! Standard output and standard error.

use std::io::{self, BufWriter, Write};

use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};

use crate::base::error::{Error, ErrorKind, Result};
use crate::base::json::is_stated;

/// Standard output. Text is escaped as in [`printable`].
pub(super) struct Output {
    inner: BufWriter<io::Stdout>,
    /// True if the reader closed its end (`| head`), which is not a failure.
    pub(super) is_closed: bool,
    /// True if a JSON value has been printed.
    pub(super) has_json: bool,
}

impl Output {
    pub(super) fn new() -> Self {
        Output { inner: BufWriter::new(io::stdout()), is_closed: false, has_json: false }
    }

    /// Prints one line.
    ///
    /// # Errors
    /// [`ErrorKind::Store`] if it cannot be written, or the reader closed its end.
    pub(super) fn line(&mut self, line: impl AsRef<str>) -> Result<()> {
        self.bytes(format!("{}\n", printable(line.as_ref())).as_bytes())
    }

    /// Writes bytes as they are.
    pub(super) fn bytes(&mut self, bytes: &[u8]) -> Result<()> {
        self.inner.write_all(bytes).and_then(|()| self.inner.flush()).map_err(|error| {
            self.is_closed = error.kind() == io::ErrorKind::BrokenPipe;
            Error::new(ErrorKind::Store, "cannot write to standard output").with_source(error)
        })
    }

    /// Prints one JSON value on one line.
    pub(super) fn json(&mut self, value: &impl Serialize) -> Result<()> {
        let mut text = serde_json::to_vec(value).map_err(|error| {
            Error::new(ErrorKind::Store, "cannot encode the output as JSON").with_source(error)
        })?;
        text.push(b'\n');
        self.has_json = true;
        self.bytes(&text)
    }

    /// Prints a table with columns as wide as their longest cell. Iterates over the rows twice,
    /// so that those of a large directory are never in memory together.
    pub(super) fn table(
        &mut self,
        header: &[&str],
        rows: impl Iterator<Item = Vec<String>> + Clone,
    ) -> Result<()> {
        let mut widths: Vec<usize> = header.iter().map(|name| name.len()).collect();
        for row in rows.clone() {
            for (width, cell) in widths.iter_mut().zip(&row) {
                *width = printable(cell).chars().count().max(*width);
            }
        }
        let header = header.iter().map(|name| (*name).to_owned()).collect();
        for row in std::iter::once(header).chain(rows) {
            let cells = row.iter().zip(&widths);
            let padded: Vec<String> =
                cells.map(|(cell, width)| format!("{:<width$}", printable(cell))).collect();
            self.line(padded.join("  ").trim_end())?;
        }
        Ok(())
    }
}

/// Prints a line to standard error.
#[expect(clippy::print_stderr, reason = "this is where the command talks to its user")]
pub(super) fn note(line: impl AsRef<str>) {
    eprintln!("{}", printable(line.as_ref()));
}

/// Prints a message of the command itself to standard error.
pub(super) fn note_message(message: impl AsRef<str>) {
    note(format!("rockon-sync: {}", message.as_ref()));
}

pub(super) fn note_warning(message: impl AsRef<str>) {
    note_message(format!("warning: {}", message.as_ref()));
}

/// Prints an error with its causes.
pub(super) fn note_error(error: &Error) {
    note_message(error.to_chain());
}

/// Escapes control characters, direction marks and other invisible characters, so that a name
/// from outside can neither control a terminal nor forge a line.
pub(super) fn printable(text: &str) -> String {
    // Quotes and backslashes are visible, but `escape_debug` would escape them too.
    const VISIBLE: [char; 3] = ['"', '\'', '\\'];
    let mut printable = String::with_capacity(text.len());
    for part in text.split_inclusive(VISIBLE) {
        let escaped = part.trim_end_matches(VISIBLE);
        printable.extend(escaped.escape_debug());
        printable.push_str(&part[escaped.len()..]);
    }
    printable
}

/// Returns the output of a command that failed.
pub(super) fn failure(error: &Error) -> Value {
    let error = object([json!({
        "kind": error.kind().name(),
        "message": error.to_chain(),
        "url": error.url(),
        "path": error.path().map(|path| path.display().to_string()),
        "retryable": error.is_retryable(),
    })]);
    json!({"outcome": "failed", "error": error})
}

/// Returns a JSON object with the members of all `parts`, except those that are null or empty.
pub(super) fn object<const N: usize>(parts: [Value; N]) -> Value {
    let mut object = Map::new();
    for part in parts {
        if let Value::Object(members) = part {
            object.extend(members);
        }
    }
    object.retain(|_, value| is_stated(value));
    Value::Object(object)
}

/// A JSON array. Its items are created one by one, so that those of a large directory are never in
/// memory together.
pub(super) struct Items<I>(pub(super) I);

impl<I: Iterator<Item = Value> + Clone> Serialize for Items<I> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.clone())
    }
}

/// Formats a number with a noun: `1 file`, `2 files`.
pub(super) fn count(n: usize, one: &str) -> String {
    if n == 1 {
        format!("1 {one}")
    } else {
        format!("{n} {}s", one.strip_suffix('y').map_or(one.to_owned(), |stem| format!("{stem}ie")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invisible_characters_are_escaped() {
        for (text, expected) in [
            ("a\u{1b}[31mb\u{9b}c ü", "a\\u{1b}[31mb\\u{9b}c ü"),
            ("Evil\nremove X\r\t\0", "Evil\\nremove X\\r\\t\\0"),
            ("\u{202e}gpj.exe\u{2066}\u{200f}", "\\u{202e}gpj.exe\\u{2066}\\u{200f}"),
            ("a\u{200b}b\u{feff}c\u{2028}d\u{ad}", "a\\u{200b}b\\u{feff}c\\u{2028}d\\u{ad}"),
            (
                "it's \"a\\b\" \"\" \u{e9}e\u{301} \u{65e5}\u{1f600}",
                "it's \"a\\b\" \"\" \u{e9}e\u{301} \u{65e5}\u{1f600}",
            ),
        ] {
            assert_eq!(printable(text), expected);
            // Text can be escaped twice.
            assert_eq!(printable(&printable(text)), expected);
        }
    }

    #[test]
    fn counts_use_singular_and_plural() {
        assert_eq!(
            [count(1, "entry"), count(2, "entry"), count(0, "file")],
            ["1 entry", "2 entries", "0 files"]
        );
    }
}

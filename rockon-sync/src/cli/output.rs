//! Standard output and standard error.

use std::io::{self, BufWriter, IsTerminal, Write};

use serde::Serialize;

use crate::base::error::{Error, ErrorKind, Result};

/// Standard output. A reader that goes away (`| head`) is no failure.
pub(super) struct Output {
    inner: BufWriter<io::Stdout>,
    is_closed: bool,
}

impl Output {
    pub(super) fn new() -> Self {
        Output { inner: BufWriter::new(io::stdout()), is_closed: false }
    }

    /// Whether nobody reads any more.
    pub(super) fn is_closed(&self) -> bool {
        self.is_closed
    }

    /// Prints one line.
    ///
    /// # Errors
    /// [`ErrorKind::Store`] if it cannot be written, or nobody reads.
    pub(super) fn line(&mut self, line: impl AsRef<str>) -> Result<()> {
        self.bytes(&[line.as_ref().as_bytes(), b"\n"].concat())
    }

    /// Writes bytes as they are.
    ///
    /// # Errors
    /// Those of [`line`](Self::line).
    pub(super) fn bytes(&mut self, bytes: &[u8]) -> Result<()> {
        let written = self.inner.write_all(bytes).and_then(|()| self.inner.flush());
        written.map_err(|error| {
            self.is_closed = error.kind() == io::ErrorKind::BrokenPipe;
            Error::new(ErrorKind::Store, "cannot write to standard output").with_source(error)
        })
    }

    /// Prints one JSON value on a line of its own.
    pub(super) fn json(&mut self, value: &impl Serialize) -> Result<()> {
        let text = serde_json::to_string(value).map_err(|error| {
            Error::new(ErrorKind::Store, "cannot write this as JSON").with_source(error)
        })?;
        self.line(text)
    }

    /// Prints a table whose columns are as wide as they need to be. The rows are asked for
    /// twice, so that those of a large directory are never all there at once.
    pub(super) fn table(
        &mut self,
        header: &[&str],
        mut rows: impl Iterator<Item = Vec<String>> + Clone,
    ) -> Result<()> {
        let mut widths: Vec<usize> = header.iter().map(|name| name.len()).collect();
        for row in rows.clone() {
            for (width, cell) in widths.iter_mut().zip(&row) {
                *width = cell.chars().count().max(*width);
            }
        }
        let mut print = |cells: Vec<&str>| {
            let padded: Vec<String> =
                cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
            self.line(padded.join("  ").trim_end())
        };
        print(header.to_vec())?;
        rows.try_for_each(|row| print(row.iter().map(String::as_str).collect()))
    }
}

/// Prints a line for whoever watches.
#[expect(clippy::print_stderr, reason = "this is where the command talks to its user")]
pub(super) fn note(line: impl AsRef<str>) {
    eprintln!("{}", printable(line.as_ref()));
}

/// Prints an error with its causes, and the problems it stands for.
pub(super) fn print_error(error: &Error) {
    note(format!("rockon-sync: {}", error.to_chain()));
}

/// Whether a person watches standard error.
pub(super) fn is_watched() -> bool {
    io::stderr().is_terminal()
}

/// Text from outside, made harmless for a terminal: control characters are shown,
/// not obeyed.
pub(super) fn printable(text: &str) -> String {
    text.chars()
        .flat_map(|c| {
            let is_harmless = !c.is_control() || matches!(c, '\n' | '\t');
            let escaped = (!is_harmless).then(|| c.escape_default());
            let plain = is_harmless.then_some(c);
            plain.into_iter().chain(escaped.into_iter().flatten())
        })
        .collect()
}

/// The form of an error in JSON.
#[derive(Serialize)]
pub(super) struct ErrorJson {
    kind: &'static str,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    retryable: bool,
}

impl From<&Error> for ErrorJson {
    fn from(error: &Error) -> Self {
        ErrorJson {
            kind: error.kind().name(),
            message: error.to_chain(),
            url: error.url().map(str::to_owned),
            path: error.path().map(|path| path.display().to_string()),
            retryable: error.is_retryable(),
        }
    }
}

/// `1 file`, `2 files`.
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
        assert_eq!(printable("a\u{1b}[31mb\u{9b}c\nü"), "a\\u{1b}[31mb\\u{9b}c\nü");
    }

    #[test]
    fn counts_use_singular_and_plural() {
        assert_eq!(
            [count(1, "entry"), count(2, "entry"), count(0, "file")],
            ["1 entry", "2 entries", "0 files"]
        );
    }
}

//! Manifests in canonical form, read row by row.
//!
//! The canonical form has one entry per line, in byte order of the ids, and each line begins with
//! what moves a file: id, path, digest and size. So two manifests are compared, and a patch is
//! applied, with one line of each in memory. Unchanged lines are passed a block at a time, and are
//! not even split.

use std::borrow::Cow;
use std::io::{self, BufRead, BufReader, Read};

use memchr::{memchr_iter, memchr2, memmem, memrchr};
use serde::de::IgnoredAny;

use super::Entry;
use super::canonical::ROW_END;
use super::invalid::InvalidManifest;
use super::parse;
use super::stretch::Span;
use crate::base::digest::Digest;
use crate::base::error::Result;
use crate::base::json;
use crate::base::limits::{MAX_FILE_BYTES, MAX_ROW_BYTES, MAX_UNSIZED_FILE_BYTES};
use crate::base::path::{EntryPath, folded};

/// The result of reading a row.
type Checked<T> = std::result::Result<T, InvalidManifest>;

/// A manifest in canonical form, which can be read several times.
pub(crate) trait RowSource {
    /// Opens the text at an offset in bytes.
    ///
    /// # Errors
    /// [`ErrorKind::Store`](crate::ErrorKind::Store) if it cannot be opened.
    fn open_at(&self, offset: u64) -> Result<Box<dyn Read + '_>>;

    /// Returns the rows, from the first one.
    ///
    /// # Errors
    /// Those of [`open_at`](Self::open_at).
    fn rows(&self) -> Result<Rows<'_>> {
        self.rows_in(Span::default())
    }

    /// Returns the rows of a part.
    ///
    /// # Errors
    /// Those of [`open_at`](Self::open_at).
    fn rows_in(&self, span: Span) -> Result<Rows<'_>> {
        let rows = Rows::new(self.open_at(span.start)?);
        let expected = if span.start == 0 { Expected::Start } else { Expected::RowOrEnd };
        let line_at = Span { start: span.start, end: span.start };
        Ok(Rows { expected, line_at, stop: span.end, ..rows })
    }
}

/// A manifest without entries.
pub(crate) const NO_ENTRIES: &[u8] = b"{\n}\n";

/// Returns the bytes from an offset on; none if there are fewer.
pub(crate) fn bytes_from(bytes: &[u8], offset: u64) -> &[u8] {
    usize::try_from(offset).ok().and_then(|offset| bytes.get(offset..)).unwrap_or_default()
}

/// A text in memory.
impl RowSource for Vec<u8> {
    fn open_at(&self, offset: u64) -> Result<Box<dyn Read + '_>> {
        Ok(Box::new(bytes_from(self, offset)))
    }
}

/// Bytes read at a time.
const BUFFER_BYTES: usize = 64 * 1024;

/// The rows of a manifest in canonical form, in byte order of their ids.
pub(crate) struct Rows<'a> {
    reader: Box<dyn BufRead + 'a>,
    expected: Expected,
    /// The line of the current row, with its separator.
    line: String,
    /// The place of `line`; after the last row, its end.
    line_at: Span,
    /// The end of the rows.
    stop: u64,
    /// The end of the row in `line`.
    end: usize,
    /// The start of the fields in `line`.
    fields: usize,
    id: String,
    previous_id: String,
}

/// The lines that may follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expected {
    Start,
    RowOrEnd,
    Row,
    End,
    Nothing,
}

/// One row. Its fields are parsed on demand.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row<'a> {
    pub(crate) id: &'a str,
    /// The whole row, without its separator.
    pub(crate) text: &'a str,
    /// The text of the fields: `{...}`.
    pub(super) fields: &'a str,
}

/// The fields that a row in canonical form begins with.
struct Start<'a> {
    path: Cow<'a, str>,
    digest: &'a str,
    size_bytes: Option<u64>,
    /// The other fields.
    rest: &'a str,
}

impl<'a> Rows<'a> {
    pub(crate) fn new(reader: impl Read + 'a) -> Rows<'a> {
        Rows {
            reader: Box::new(BufReader::with_capacity(BUFFER_BYTES, reader)),
            expected: Expected::Start,
            line: String::new(),
            line_at: Span::NONE,
            stop: u64::MAX,
            end: 0,
            fields: 0,
            id: String::new(),
            previous_id: String::new(),
        }
    }

    /// Returns the rows from the first one in `reader`, which starts at a row or at the end.
    pub(crate) fn resumed(reader: impl Read + 'a) -> Rows<'a> {
        Rows { expected: Expected::RowOrEnd, ..Rows::new(reader) }
    }

    /// Moves to the next row. False at the end.
    ///
    /// # Errors
    /// [`InvalidManifest::NotCanonical`], also for a row that is too long, and
    /// [`InvalidManifest::Read`].
    pub(crate) fn advance(&mut self) -> Checked<bool> {
        if self.expected == Expected::Start {
            self.read_line()?;
            expect(self.line == "{\n")?;
            self.expected = Expected::RowOrEnd;
        }
        if self.expected == Expected::Nothing {
            return Ok(false);
        }
        if self.line_at.end >= self.stop {
            return Ok(self.finish(self.line_at.end));
        }
        std::mem::swap(&mut self.id, &mut self.previous_id);
        self.read_line()?;
        if self.line == "}\n" && self.expected != Expected::Row {
            expect(self.reader.fill_buf().map_err(InvalidManifest::Read)?.is_empty())?;
            return Ok(self.finish(self.line_at.start));
        }
        expect(self.expected != Expected::End)?;
        let row = self.line.strip_suffix('\n').ok_or(InvalidManifest::NotCanonical)?;
        let (row, next) = match row.strip_suffix(',') {
            Some(row) => (row, Expected::Row),
            None => (row, Expected::End),
        };
        let (id, rest) = string(row).ok_or(InvalidManifest::NotCanonical)?;
        self.id.clear();
        self.id.push_str(&id);
        let fields = rest.strip_prefix(':').filter(|fields| fields.starts_with('{'));
        let fields = fields.ok_or(InvalidManifest::NotCanonical)?;
        (self.end, self.fields) = (row.len(), row.len() - fields.len());
        self.expected = next;
        expect(self.id > self.previous_id)?;
        Ok(true)
    }

    /// Notes the end of the rows.
    fn finish(&mut self, end: u64) -> bool {
        self.line_at = Span { start: end, end };
        self.expected = Expected::Nothing;
        false
    }

    /// Returns the place of the current row; at the end, an empty one.
    pub(crate) fn place(&self) -> Span {
        self.line_at
    }

    /// Returns the number of rows that are left.
    ///
    /// # Errors
    /// Those of [`advance`](Self::advance).
    pub(crate) fn count(mut self) -> Checked<usize> {
        let mut rows = 0;
        while self.advance()? {
            rows += 1;
            self.pass_before(None, &mut |block, _| {
                rows += memchr_iter(b'\n', block).count();
                Ok(())
            })?;
        }
        Ok(rows)
    }

    /// Returns the current row; `None` before the first one and after the last one.
    pub(crate) fn row(&self) -> Option<Row<'_>> {
        match self.expected {
            Expected::Start | Expected::Nothing | Expected::RowOrEnd => None,
            Expected::Row | Expected::End => {
                let text = &self.line[..self.end];
                Some(Row { id: &self.id, text, fields: &text[self.fields..] })
            }
        }
    }

    /// Moves to the next row, and returns it.
    ///
    /// # Errors
    /// Those of [`advance`](Self::advance).
    pub(crate) fn next(&mut self) -> Checked<Option<Row<'_>>> {
        Ok(if self.advance()? { self.row() } else { None })
    }

    /// Passes rows that follow in both manifests, as far as whole ones are in both buffers. The
    /// current rows stay until the next call of [`advance`](Self::advance).
    ///
    /// The order of the passed rows is not checked: both manifests must be known to be canonical.
    ///
    /// # Errors
    /// [`InvalidManifest::Read`].
    pub(crate) fn pass_equal(&mut self, other: &mut Rows<'_>) -> Checked<()> {
        if self.expected != Expected::Row || other.expected != Expected::Row {
            return Ok(());
        }
        let (ours, theirs) = (self.buffer()?, other.buffer()?);
        let equal = &ours[..common_prefix_len(ours, theirs)];
        if let Some(end) = end_of_rows(equal) {
            self.consume(end);
            other.consume(end);
        }
        Ok(())
    }

    /// Passes rows before the one with `id`, or before the last one, as far as whole blocks of them
    /// are in the buffer, and passes each block to `visit`: rows, each with its separator, and the
    /// place of the block. The current row stays until the next call of [`advance`](Self::advance).
    ///
    /// The order of the passed rows is not checked: the manifest must be known to be canonical.
    ///
    /// # Errors
    /// [`InvalidManifest::NotCanonical`], [`InvalidManifest::Read`], and those of `visit`.
    pub(super) fn pass_before(
        &mut self,
        id: Option<&str>,
        visit: &mut dyn FnMut(&[u8], u64) -> Checked<()>,
    ) -> Checked<()> {
        while self.expected == Expected::Row {
            let at = self.line_at.end;
            let buffer = self.buffer()?;
            let Some(end) = end_of_rows(buffer) else { break };
            let rows = &buffer[..end];
            let start = memrchr(b'\n', &rows[..end - ROW_END.len()]).map_or(0, |at| at + 1);
            let last = std::str::from_utf8(&rows[start..]).ok().and_then(string);
            let (last_id, _) = last.ok_or(InvalidManifest::NotCanonical)?;
            if id.is_some_and(|id| *last_id >= *id) {
                break;
            }
            visit(rows, at)?;
            self.consume(end);
        }
        Ok(())
    }

    /// Returns the bytes that are in memory, up to the end of the rows.
    fn buffer(&mut self) -> Checked<&[u8]> {
        let left =
            usize::try_from(self.stop.saturating_sub(self.line_at.end)).unwrap_or(usize::MAX);
        let buffer = self.reader.fill_buf().map_err(InvalidManifest::Read)?;
        Ok(&buffer[..left.min(buffer.len())])
    }

    fn consume(&mut self, bytes: usize) {
        self.reader.consume(bytes);
        self.line_at.end += bytes as u64;
    }

    fn read_line(&mut self) -> Checked<()> {
        self.line.clear();
        // A row, its separator, and one byte more.
        let mut limited = self.reader.by_ref().take(MAX_ROW_BYTES + 3);
        match limited.read_line(&mut self.line) {
            Ok(n) if n as u64 == MAX_ROW_BYTES + 3 => Err(InvalidManifest::NotCanonical),
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                Err(InvalidManifest::NotCanonical)
            }
            Ok(n) => {
                let start = self.line_at.end;
                self.line_at = Span { start, end: start + n as u64 };
                Ok(())
            }
            Err(error) => Err(InvalidManifest::Read(error)),
        }
    }
}

impl<'a> Row<'a> {
    /// Returns the path of the file.
    ///
    /// # Errors
    /// [`InvalidManifest::NotCanonical`], also if the path is unsafe.
    pub(crate) fn path(self) -> Checked<EntryPath> {
        EntryPath::new(self.start()?.path).map_err(|_| InvalidManifest::NotCanonical)
    }

    /// Returns the path as [`EntryPath::folded`] does.
    ///
    /// # Errors
    /// [`InvalidManifest::NotCanonical`].
    pub(super) fn folded_path(self) -> Checked<Cow<'a, str>> {
        Ok(folded(self.start()?.path))
    }

    /// Returns the digest of the file.
    ///
    /// # Errors
    /// [`InvalidManifest::NotCanonical`].
    pub(crate) fn digest(self) -> Checked<Digest> {
        self.digest_text()?.parse().map_err(|_| InvalidManifest::NotCanonical)
    }

    /// Returns the digest of the file as its 64 digits, which are cheaper to compare.
    ///
    /// # Errors
    /// [`InvalidManifest::NotCanonical`].
    pub(crate) fn digest_text(self) -> Checked<&'a str> {
        Ok(self.start()?.digest)
    }

    /// Returns the size of the file in bytes, if the manifest contains it.
    ///
    /// # Errors
    /// [`InvalidManifest::NotCanonical`].
    pub(crate) fn size_bytes(self) -> Checked<Option<u64>> {
        Ok(self.start()?.size_bytes)
    }

    /// Returns the limit of the file in bytes: its size, or [`MAX_UNSIZED_FILE_BYTES`], and never
    /// more than [`MAX_FILE_BYTES`].
    ///
    /// # Errors
    /// [`InvalidManifest::NotCanonical`].
    pub(crate) fn max_bytes(self) -> Checked<u64> {
        Ok(self.size_bytes()?.unwrap_or(MAX_UNSIZED_FILE_BYTES).min(MAX_FILE_BYTES))
    }

    /// Returns the number of names of definitions.
    ///
    /// # Errors
    /// [`InvalidManifest::NotCanonical`].
    pub(super) fn names_len(self) -> Checked<usize> {
        let rest = self.start()?.rest;
        let after_time = match rest.strip_prefix(",\"updated\":") {
            Some(rest) => string(rest).ok_or(InvalidManifest::NotCanonical)?.1,
            None => rest,
        };
        let Some(names) = after_time.strip_prefix(",\"names\":") else { return Ok(0) };
        let names = serde_json::Deserializer::from_str(names).into_iter::<Vec<IgnoredAny>>().next();
        let names = names.and_then(std::result::Result::ok).ok_or(InvalidManifest::NotCanonical)?;
        Ok(names.len())
    }

    /// Parses the whole row.
    ///
    /// # Errors
    /// [`InvalidManifest::Json`] if a field is invalid.
    pub(crate) fn entry(self) -> Checked<Entry> {
        parse::entry_of(self.id, self.fields).map_err(InvalidManifest::Json)
    }

    /// True if the fields that this row begins with are those of `entry`.
    pub(super) fn begins_like(self, entry: &Entry) -> Checked<bool> {
        let start = self.start()?;
        Ok(start.path == entry.path().as_str()
            && start.digest == entry.digest().to_string()
            && start.size_bytes == entry.size_bytes()
            && self.names_len()? == entry.names().map_or(0, <[_]>::len))
    }

    fn start(self) -> Checked<Start<'a>> {
        let start = || {
            let (path, rest) = string(self.fields.strip_prefix("{\"url\":")?)?;
            let (digest, rest) = rest.strip_prefix(",\"sha\":\"")?.split_at_checked(64)?;
            let rest = rest.strip_prefix('"')?;
            let Some(size) = rest.strip_prefix(",\"size\":") else {
                return Some(Start { path, digest, size_bytes: None, rest });
            };
            let (size, rest) = size.split_at(size.find([',', '}'])?);
            Some(Start { path, digest, size_bytes: Some(size.parse().ok()?), rest })
        };
        start().ok_or(InvalidManifest::NotCanonical)
    }
}

fn expect(is_canonical: bool) -> Checked<()> {
    if is_canonical { Ok(()) } else { Err(InvalidManifest::NotCanonical) }
}

/// Returns the end of the last whole row that others follow.
fn end_of_rows(text: &[u8]) -> Option<usize> {
    memmem::rfind(text, ROW_END).map(|at| at + ROW_END.len())
}

fn common_prefix_len(a: &[u8], b: &[u8]) -> usize {
    let len = a.len().min(b.len());
    // Most blocks are equal, and are compared many bytes at a time.
    if a[..len] == b[..len] {
        return len;
    }
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

/// Splits a text into the JSON string that it begins with, and the rest.
fn string(text: &str) -> Option<(Cow<'_, str>, &str)> {
    let content = text.strip_prefix('"')?;
    let end = memchr2(b'"', b'\\', content.as_bytes())?;
    if content.as_bytes()[end] == b'"' {
        return Some((Cow::Borrowed(&content[..end]), &content[end + 1..]));
    }
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<json::Key<'_>>();
    let key = values.next()?.ok()?;
    Some((key.0, text.get(values.byte_offset()..)?))
}

//! Streaming readers of packs. Packs are untrusted: all sizes are limited before reading, and the
//! caller compares every file with its digest.

use std::io::{self, BufRead, BufReader, Read};
use std::ops::ControlFlow;

use tar::{Archive, EntryType};
use zstd::stream::read::Decoder;

use super::{MANIFEST_MEMBER, MAX_WINDOW_LOG, PATCH_MEMBER};
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::path::EntryPath;

/// Longest name of a member, in bytes, with its terminator or the record that contains it.
const MAX_NAME_BYTES: u64 = 2048;

/// Most bytes of an archive besides its members: its end, padded to a whole record.
const SLACK_BYTES: u64 = 64 * 1024;

/// Most bytes of a member besides its content: header, long name, and padding.
pub(crate) const MEMBER_OVERHEAD_BYTES: u64 = 8 * 512;

/// A file in a pack, as a stream.
pub(crate) struct PackedFile<'a> {
    pub(crate) path: EntryPath,
    pub(crate) content: &'a mut dyn Read,
}

/// Passes the manifest of a bundle, its first member, to `take`.
///
/// # Errors
/// [`ErrorKind::Integrity`] if the bundle is invalid or the manifest larger than `max_bytes`;
/// errors of `take`.
pub(crate) fn bundled_manifest(
    pack: impl Read,
    max_bytes: u64,
    take: &mut dyn FnMut(&mut dyn Read) -> Result<()>,
) -> Result<()> {
    let frame = decoder(BufReader::new(pack), &[])?;
    Ok(only_member(frame, MANIFEST_MEMBER, max_bytes, take)?)
}

/// Returns the patch of a delta.
///
/// # Errors
/// [`ErrorKind::Integrity`] if the delta is invalid or the patch larger than `max_bytes`.
pub(crate) fn patch_of(pack: impl Read, max_bytes: u64) -> Result<Vec<u8>> {
    let frame = decoder(BufReader::new(pack), &[])?.single_frame();
    let mut patch = Vec::new();
    only_member(frame, PATCH_MEMBER, max_bytes, &mut |content| {
        content.read_to_end(&mut patch).map_err(InvalidPack::Read)?;
        Ok(())
    })?;
    Ok(patch)
}

/// Passes the files of a bundle to `take`.
///
/// # Errors
/// [`ErrorKind::Integrity`] if the bundle is invalid or its archive larger than `max_bytes`; errors
/// of `take`. Earlier files remain valid.
pub(crate) fn unpack_bundle(
    pack: impl Read,
    max_bytes: u64,
    take: &mut dyn FnMut(PackedFile<'_>) -> Result<()>,
) -> Result<()> {
    let frame = decoder(BufReader::new(pack), &[])?;
    members(frame, max_bytes, &mut |name, _, content| match name {
        MANIFEST_MEMBER => Ok(ControlFlow::Continue(())),
        _ => pass(name, content, take),
    })?;
    Ok(())
}

/// Passes the files of a delta to `take`. `prefix` contains the old versions of the changed files.
///
/// # Errors
/// Those of [`unpack_bundle`].
pub(crate) fn unpack_delta(
    pack: impl Read,
    prefix: &[u8],
    max_patch_bytes: u64,
    max_bytes: u64,
    take: &mut dyn FnMut(PackedFile<'_>) -> Result<()>,
) -> Result<()> {
    let mut first = decoder(BufReader::new(pack), &[])?.single_frame();
    let limit = max_patch_bytes + MEMBER_OVERHEAD_BYTES;
    let skipped_bytes =
        io::copy(&mut (&mut first).take(limit + 1), &mut io::sink()).map_err(InvalidPack::Read)?;
    if skipped_bytes > limit {
        return Err(InvalidPack::TooLarge { max_bytes: limit }.into());
    }
    let second = decoder(first.finish(), prefix)?.single_frame();
    members(second, max_bytes, &mut |name, _, content| pass(name, content, take))?;
    Ok(())
}

fn decoder<R: BufRead>(pack: R, prefix: &[u8]) -> Result<Decoder<'_, R>, InvalidPack> {
    let mut decoder = match prefix {
        [] => Decoder::with_buffer(pack)?,
        prefix => Decoder::with_ref_prefix(pack, prefix)?,
    };
    decoder.window_log_max(MAX_WINDOW_LOG)?;
    Ok(decoder)
}

fn pass(
    name: &str,
    content: &mut dyn Read,
    take: &mut dyn FnMut(PackedFile<'_>) -> Result<()>,
) -> Result<ControlFlow<()>, InvalidPack> {
    take(PackedFile { path: EntryPath::new(name).map_err(InvalidPack::Path)?, content })?;
    Ok(ControlFlow::Continue(()))
}

/// Passes the first file to `take`. Fails if it has another name.
fn only_member(
    archive: impl Read,
    expected: &'static str,
    max_bytes: u64,
    take: &mut dyn FnMut(&mut dyn Read) -> Result<()>,
) -> Result<(), InvalidPack> {
    let mut is_empty = true;
    members(archive, max_bytes + MEMBER_OVERHEAD_BYTES, &mut |name, len_bytes, content| {
        if name != expected {
            return Err(InvalidPack::FirstMember { expected, got: name.to_owned() });
        }
        if len_bytes > max_bytes {
            return Err(InvalidPack::TooLarge { max_bytes });
        }
        is_empty = false;
        take(content)?;
        Ok(ControlFlow::Break(()))
    })?;
    if is_empty { Err(InvalidPack::Empty) } else { Ok(()) }
}

/// A callback with the name, the size in bytes and the content of a file.
type Take<'a> = dyn FnMut(&str, u64, &mut dyn Read) -> Result<ControlFlow<()>, InvalidPack> + 'a;

/// Passes the regular files of an archive to `take` until it breaks.
fn members(archive: impl Read, max_bytes: u64, take: &mut Take<'_>) -> Result<(), InvalidPack> {
    let left_bytes = max_bytes + SLACK_BYTES;
    let mut archive = Archive::new(Limited { inner: archive, left_bytes });
    let mut long_name: Option<String> = None;
    // Raw: otherwise, the library reads a long name of any length into memory.
    for entry in archive.entries()?.raw(true) {
        let mut entry = entry?;
        match entry.header().entry_type() {
            EntryType::GNULongName => {
                let text = short_text(&mut entry)?;
                long_name = Some(text.trim_end_matches('\0').to_owned());
            }
            EntryType::XHeader => long_name = pax_path(&short_text(&mut entry)?).or(long_name),
            EntryType::XGlobalHeader | EntryType::Directory => {}
            EntryType::Regular => {
                let name = match long_name.take() {
                    Some(name) => name,
                    None => text_of(&entry.path_bytes())?,
                };
                let len_bytes = entry.size();
                let flow = take(name.strip_prefix("./").unwrap_or(&name), len_bytes, &mut entry)?;
                if flow.is_break() {
                    return Ok(());
                }
            }
            kind => return Err(InvalidPack::MemberKind { kind }),
        }
    }
    Ok(())
}

fn short_text(entry: &mut impl Read) -> Result<String, InvalidPack> {
    let mut bytes = Vec::new();
    entry.take(MAX_NAME_BYTES + 1).read_to_end(&mut bytes)?;
    match bytes.len() as u64 > MAX_NAME_BYTES {
        true => Err(InvalidPack::LongName),
        false => text_of(&bytes),
    }
}

fn text_of(bytes: &[u8]) -> Result<String, InvalidPack> {
    Ok(std::str::from_utf8(bytes).map_err(|_| InvalidPack::NameEncoding)?.to_owned())
}

/// Returns the path in a pax header: records of the form `<length> path=<value>\n`.
fn pax_path(records: &str) -> Option<String> {
    let values = records.lines().filter_map(|record| record.split_once(' ')?.1.split_once('='));
    values.rev().find(|(key, _)| *key == "path").map(|(_, value)| value.to_owned())
}

#[derive(Debug, thiserror::Error)]
enum InvalidPack {
    #[error("not a usable pack")]
    Read(#[from] io::Error),
    #[error("not a usable pack: expected a file")]
    Empty,
    #[error("not a usable pack: expected {expected} first, got {got:?}")]
    FirstMember { expected: &'static str, got: String },
    #[error("not a usable pack: expected at most {max_bytes} bytes, got more")]
    TooLarge { max_bytes: u64 },
    #[error("not a usable pack: expected only files, got a member {kind:?}")]
    MemberKind { kind: EntryType },
    #[error("not a usable pack: expected a name of at most {MAX_NAME_BYTES} bytes, got more")]
    LongName,
    #[error("not a usable pack: a name is not UTF-8")]
    NameEncoding,
    #[error("not a usable pack: {0}")]
    Path(Error),
    /// An error of the callback, which is passed on.
    #[error(transparent)]
    Take(#[from] Error),
}

impl From<InvalidPack> for Error {
    fn from(invalid: InvalidPack) -> Error {
        let error = Error::new(ErrorKind::Integrity, invalid.to_string());
        match invalid {
            InvalidPack::Take(error) => error,
            InvalidPack::Read(source) => error.with_source(source),
            _ => error,
        }
    }
}

/// A reader that fails when the input exceeds a limit, unlike [`Read::take`].
struct Limited<R> {
    inner: R,
    left_bytes: u64,
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.left_bytes = self.left_bytes.checked_sub(n as u64).ok_or_else(|| {
            io::Error::new(io::ErrorKind::InvalidData, "it unpacks to more bytes than expected")
        })?;
        Ok(n)
    }
}

//! Reading packs, as streams. Nothing here is trusted: the caller compares everything
//! with its digest, and what is read is bounded before it is read.

use std::io::{self, BufRead, BufReader, Read};
use std::ops::ControlFlow;

use tar::{Archive, EntryType};
use zstd::stream::read::Decoder;

use super::{MANIFEST_MEMBER, MAX_WINDOW_LOG, PATCH_MEMBER};
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::path::EntryPath;

/// Longest name of a member, in bytes, with the mark that ends it or the record around it.
const MAX_NAME_BYTES: u64 = 2048;

/// What may stand in an archive besides members: its end, filled up to a whole record.
const SLACK_BYTES: u64 = 64 * 1024;

/// What a member takes besides its content: header, long name, and a last block that is
/// filled up.
pub(crate) const MEMBER_OVERHEAD_BYTES: u64 = 8 * 512;

/// A file in a pack, while it is being read.
pub(crate) struct Member<'a> {
    pub(crate) path: EntryPath,
    pub(crate) content: &'a mut dyn Read,
}

/// The manifest of a bundle: its first member, up to `max_bytes`.
///
/// # Errors
/// [`ErrorKind::Integrity`] if it is no bundle or cannot be read.
pub(crate) fn bundled_manifest(
    pack: impl Read,
    max_bytes: u64,
    take: &mut dyn FnMut(&mut dyn Read) -> Result<()>,
) -> Result<()> {
    let frame = decoder(BufReader::new(pack), &[])?;
    only_member(frame, MANIFEST_MEMBER, max_bytes, take)
}

/// The patch of a delta, up to `max_bytes`.
///
/// # Errors
/// [`ErrorKind::Integrity`] if it is no delta or cannot be read.
pub(crate) fn patch_of(pack: impl Read, max_bytes: u64) -> Result<Vec<u8>> {
    let frame = decoder(BufReader::new(pack), &[])?.single_frame();
    let mut patch = Vec::new();
    only_member(frame, PATCH_MEMBER, max_bytes, &mut |content| {
        content.read_to_end(&mut patch).map(|_| ()).map_err(unreadable)
    })?;
    Ok(patch)
}

/// Hands out the files of a bundle, whose archive may have up to `max_bytes`.
///
/// # Errors
/// [`ErrorKind::Integrity`] if it cannot be read on, or has more; what `take` says. What
/// was handed out before is not affected.
pub(crate) fn unpack_bundle(
    pack: impl Read,
    max_bytes: u64,
    take: &mut dyn FnMut(Member<'_>) -> Result<()>,
) -> Result<()> {
    let frame = decoder(BufReader::new(pack), &[])?;
    members(frame, max_bytes, &mut |name, _, content| match name {
        MANIFEST_MEMBER => Ok(ControlFlow::Continue(())),
        _ => take(Member { path: safe(name)?, content }).map(ControlFlow::Continue),
    })
}

/// Hands out the files of a delta. `prefix` is what [`prefix_of`](super::prefix_of) names.
///
/// # Errors
/// Those of [`unpack_bundle`].
pub(crate) fn unpack_delta(
    pack: impl Read,
    prefix: &[u8],
    max_patch_bytes: u64,
    max_bytes: u64,
    take: &mut dyn FnMut(Member<'_>) -> Result<()>,
) -> Result<()> {
    let mut first = decoder(BufReader::new(pack), &[])?.single_frame();
    let limit = max_patch_bytes + MEMBER_OVERHEAD_BYTES;
    let skipped = io::copy(&mut (&mut first).take(limit + 1), &mut io::sink());
    if skipped.map_err(unreadable)? > limit {
        return Err(bad("the patch is larger than it can be"));
    }
    let second = decoder(first.finish(), prefix)?.single_frame();
    members(second, max_bytes, &mut |name, _, content| {
        take(Member { path: safe(name)?, content }).map(ControlFlow::Continue)
    })
}

fn decoder<R: BufRead>(pack: R, prefix: &[u8]) -> Result<Decoder<'_, R>> {
    let decoder = match prefix {
        [] => Decoder::with_buffer(pack),
        prefix => Decoder::with_ref_prefix(pack, prefix),
    };
    let mut decoder = decoder.map_err(unreadable)?;
    decoder.window_log_max(MAX_WINDOW_LOG).map_err(unreadable)?;
    Ok(decoder)
}

/// Hands out the first file, which has to have this name.
fn only_member(
    archive: impl Read,
    expected: &str,
    max_bytes: u64,
    take: &mut dyn FnMut(&mut dyn Read) -> Result<()>,
) -> Result<()> {
    let mut is_there = false;
    members(archive, max_bytes + MEMBER_OVERHEAD_BYTES, &mut |name, len_bytes, content| {
        if name != expected {
            return Err(bad(&format!("expected {expected} first, got {name:?}")));
        }
        if len_bytes > max_bytes {
            return Err(bad(&format!("expected at most {max_bytes} bytes, got {len_bytes}")));
        }
        is_there = true;
        take(content).map(|()| ControlFlow::Break(()))
    })?;
    if is_there { Ok(()) } else { Err(bad("it is empty")) }
}

/// Is given the name, the size in bytes and the content of a file, and says whether to go on.
type Take<'a> = dyn FnMut(&str, u64, &mut dyn Read) -> Result<ControlFlow<()>> + 'a;

/// Hands out the regular files of an archive, until `take` has enough.
fn members(archive: impl Read, max_bytes: u64, take: &mut Take<'_>) -> Result<()> {
    let mut archive = Archive::new(Bounded { inner: archive, left: max_bytes + SLACK_BYTES });
    let mut long_name: Option<String> = None;
    // Raw, since the library would read a long name of any length into memory.
    for entry in archive.entries().map_err(unreadable)?.raw(true) {
        let mut entry = entry.map_err(unreadable)?;
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
                // What is left of it unread was not wanted.
                io::copy(&mut entry, &mut io::sink()).map_err(unreadable)?;
            }
            other => return Err(bad(&format!("expected files only, got a member {other:?}"))),
        }
    }
    Ok(())
}

fn short_text(entry: &mut impl Read) -> Result<String> {
    let mut bytes = Vec::new();
    entry.take(MAX_NAME_BYTES + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > MAX_NAME_BYTES {
        return Err(bad("a name is too long"));
    }
    text_of(&bytes)
}

fn text_of(bytes: &[u8]) -> Result<String> {
    let text = std::str::from_utf8(bytes).map_err(|_| bad("a name is not UTF-8"))?;
    Ok(text.to_owned())
}

/// The path in a pax header: records of the form `<length> path=<value>\n`.
fn pax_path(records: &str) -> Option<String> {
    let values = records.lines().filter_map(|record| record.split_once(' ')?.1.split_once('='));
    values.rev().find(|(key, _)| *key == "path").map(|(_, value)| value.to_owned())
}

fn safe(name: &str) -> Result<EntryPath> {
    EntryPath::new(name).map_err(|error| bad(&error.to_string()))
}

fn bad(what: &str) -> Error {
    Error::new(ErrorKind::Integrity, format!("not a usable pack: {what}"))
}

fn unreadable(error: io::Error) -> Error {
    Error::new(ErrorKind::Integrity, "not a usable pack").with_source(error)
}

/// Ends with an error where more comes than there may be.
struct Bounded<R> {
    inner: R,
    left: u64,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.left = self.left.checked_sub(n as u64).ok_or_else(|| {
            io::Error::new(io::ErrorKind::InvalidData, "it unpacks to more than it can be")
        })?;
        Ok(n)
    }
}

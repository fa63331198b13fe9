//! Writing packs. Same input, same bytes: no times, no owners, no threads.

use std::io::{self, Read, Write};

use tar::{EntryType, Header};
use zstd::stream::write::Encoder;
use zstd::zstd_safe::CParameter;

use super::{MANIFEST_MEMBER, MAX_PREFIX_BYTES, MAX_WINDOW_LOG, PATCH_MEMBER, prefix_of};
use crate::base::digest::{Digest, HashingWriter};
use crate::tree::manifest::{Entry, Manifest, pairs, write_patched};

/// The size of a block of an archive, in bytes: headers are one, files are filled up to
/// a whole number of them.
const BLOCK_BYTES: u64 = 512;

/// What an archive ends with.
#[expect(clippy::cast_possible_truncation, reason = "512 is no large number")]
const END_OF_ARCHIVE: [u8; 2 * BLOCK_BYTES as usize] = [0; 2 * BLOCK_BYTES as usize];

/// What GNU tar calls the member that holds the long name of the next one.
const LONG_NAME_MEMBER: &str = "././@LongLink";

/// Longest name that fits into a header, in bytes.
const MAX_SHORT_NAME_BYTES: usize = 100;

/// How hard to compress, by the size of what is compressed, in bytes. A catalog of today
/// gets everything there is; a directory a hundred times as large is published within
/// seconds.
const LEVELS: &[(u64, i32)] = &[(4 * 1024 * 1024, 19), (64 * 1024 * 1024, 12), (u64::MAX, 9)];

/// Window of a large pack, as a power of two: a client that has 16 MB needs this much of
/// them to unpack it.
const WINDOW_LOG: u32 = 22;

/// Where the files of a pack come from.
pub(crate) trait Contents {
    fn open(&self, digest: Digest) -> io::Result<Box<dyn Read + Send>>;
    /// The size of the file, in bytes.
    fn len_bytes(&self, entry: &Entry) -> io::Result<u64>;
}

/// Writes the bundle of `manifest`, whose canonical form is `bytes`. Memory does not grow
/// with the files.
///
/// # Errors
/// Those of `contents` and `out`; a file that is not as long as it said.
pub(crate) fn write_bundle(
    manifest: &Manifest,
    bytes: &[u8],
    contents: &dyn Contents,
    out: &mut dyn Write,
) -> io::Result<()> {
    let files: Vec<&Entry> = manifest.sorted().collect();
    let len_bytes = member_bytes(MANIFEST_MEMBER, bytes.len() as u64)
        + archive_bytes(&files, contents)?
        + END_OF_ARCHIVE.len() as u64;
    let mut frame = frame(out, len_bytes, &[])?;
    put(&mut frame, MANIFEST_MEMBER, bytes.len() as u64, bytes)?;
    put_files(&mut frame, &files, contents)?;
    frame.write_all(&END_OF_ARCHIVE)?;
    frame.finish().map(|_| ())
}

/// The patch from `old` to `new`, whose canonical form has this digest; `None` where a
/// merge patch cannot say what differs.
pub(crate) fn patch_between(old: &Manifest, new: &Manifest, digest: Digest) -> Option<Vec<u8>> {
    let mut patch = Vec::new();
    old.write_patch(new, &mut patch).expect("a vector takes all bytes");
    let mut check = HashingWriter::new(io::sink());
    write_patched(&*old.to_canonical(), &patch, &mut check).ok()?;
    (check.finish().1 == digest).then_some(patch)
}

/// Writes the delta from `old` to `new`, with the patch between them. Memory grows with
/// what changed, up to [`MAX_PREFIX_BYTES`] and the compressor's own.
///
/// # Errors
/// Those of `contents`, which has to have the changed files of both, and of `out`.
pub(crate) fn write_delta(
    patch: &[u8],
    old: &Manifest,
    new: &Manifest,
    contents: &dyn Contents,
    out: &mut dyn Write,
) -> io::Result<()> {
    let len_bytes = patch.len() as u64;
    let mut first = frame(&mut *out, member_bytes(PATCH_MEMBER, len_bytes), &[])?;
    put(&mut first, PATCH_MEMBER, len_bytes, patch)?;
    first.finish()?;

    let files: Vec<&Entry> = pairs(old.sorted(), new.sorted())
        .filter_map(|pair| match pair {
            (Some(old), Some(new)) => (old.digest() != new.digest()).then_some(new),
            (_, new) => new,
        })
        .collect();
    let prefix = read_prefix(&prefix_of(old, new), contents)?;
    let len_bytes = archive_bytes(&files, contents)? + END_OF_ARCHIVE.len() as u64;
    let mut second = frame(out, len_bytes, &prefix)?;
    put_files(&mut second, &files, contents)?;
    second.write_all(&END_OF_ARCHIVE)?;
    second.finish().map(|_| ())
}

/// The old versions, one after the other; nothing if that is too much.
fn read_prefix(old: &[&Entry], contents: &dyn Contents) -> io::Result<Vec<u8>> {
    let mut prefix = Vec::new();
    for entry in old {
        if prefix.len() as u64 + contents.len_bytes(entry)? > MAX_PREFIX_BYTES {
            return Ok(Vec::new());
        }
        contents.open(entry.digest())?.take(MAX_PREFIX_BYTES).read_to_end(&mut prefix)?;
    }
    Ok(prefix)
}

/// Begins a frame that will have `len_bytes` bytes when it is unpacked.
fn frame<W: Write>(out: W, len_bytes: u64, prefix: &[u8]) -> io::Result<Encoder<'_, W>> {
    let size = len_bytes.max(prefix.len() as u64);
    let level = LEVELS.iter().find(|(most, _)| size <= *most).map_or(1, |(_, level)| *level);
    let mut encoder = match prefix {
        [] => Encoder::new(out, level)?,
        prefix => Encoder::with_ref_prefix(out, level, prefix)?,
    };
    // Every file is compared with its digest: a checksum would only cost bytes.
    encoder.include_checksum(false)?;
    // The size lets a decoder take no more memory than it needs.
    encoder.set_pledged_src_size(Some(len_bytes))?;
    if size > 1 << WINDOW_LOG {
        let log = if prefix.is_empty() { WINDOW_LOG } else { MAX_WINDOW_LOG };
        encoder.set_parameter(CParameter::WindowLog(log))?;
    }
    Ok(encoder)
}

/// How long `files` are as members of an archive.
fn archive_bytes(files: &[&Entry], contents: &dyn Contents) -> io::Result<u64> {
    let mut sum = 0;
    for entry in files {
        sum += member_bytes(entry.path().as_str(), contents.len_bytes(entry)?);
    }
    Ok(sum)
}

fn member_bytes(name: &str, len_bytes: u64) -> u64 {
    let long_name = match name.len() > MAX_SHORT_NAME_BYTES {
        true => BLOCK_BYTES + (name.len() as u64 + 1).next_multiple_of(BLOCK_BYTES),
        false => 0,
    };
    long_name + BLOCK_BYTES + len_bytes.next_multiple_of(BLOCK_BYTES)
}

fn put_files(out: &mut dyn Write, files: &[&Entry], contents: &dyn Contents) -> io::Result<()> {
    for entry in files {
        let content = contents.open(entry.digest())?;
        put(out, entry.path().as_str(), contents.len_bytes(entry)?, content)?;
    }
    Ok(())
}

/// Writes one member: header, content, and what fills up its last block.
fn put(out: &mut dyn Write, name: &str, len_bytes: u64, content: impl Read) -> io::Result<()> {
    if name.len() > MAX_SHORT_NAME_BYTES {
        let long = [name.as_bytes(), b"\0"].concat();
        let header = header(LONG_NAME_MEMBER.as_bytes(), EntryType::GNULongName, long.len() as u64);
        put_block(out, &header, long.len() as u64, &*long)?;
    }
    let short = &name.as_bytes()[..name.len().min(MAX_SHORT_NAME_BYTES)];
    put_block(out, &header(short, EntryType::Regular, len_bytes), len_bytes, content)
}

fn put_block(
    out: &mut dyn Write,
    header: &Header,
    len_bytes: u64,
    content: impl Read,
) -> io::Result<()> {
    out.write_all(header.as_bytes())?;
    let copied = io::copy(&mut content.take(len_bytes), out)?;
    if copied != len_bytes {
        return Err(io::Error::other("a file became shorter while it was packed"));
    }
    let fill = len_bytes.next_multiple_of(BLOCK_BYTES) - len_bytes;
    out.write_all(&END_OF_ARCHIVE[..usize::try_from(fill).unwrap_or_default()])
}

fn header(name: &[u8], kind: EntryType, len_bytes: u64) -> Header {
    let mut header = Header::new_ustar();
    header.as_old_mut().name[..name.len()].copy_from_slice(name);
    header.set_entry_type(kind);
    header.set_size(len_bytes);
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_cksum();
    header
}

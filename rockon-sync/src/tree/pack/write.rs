//! Writers of packs. The same input gives the same bytes: no times, owners or threads.

use std::io::{self, Read, Write};

use tar::{EntryType, Header};
use zstd::stream::write::Encoder;
use zstd::zstd_safe::CParameter;

use super::{MANIFEST_MEMBER, MAX_PREFIX_BYTES, MAX_WINDOW_LOG, PATCH_MEMBER};
use crate::base::digest::Digest;
use crate::tree::manifest::{Difference, Entry, Manifest};

/// The size of a block of an archive, in bytes. A header is one block; files are padded to whole
/// blocks.
const BLOCK_BYTES: u64 = 512;

/// The end of an archive.
#[expect(clippy::cast_possible_truncation, reason = "512 is no large number")]
const END_OF_ARCHIVE: [u8; 2 * BLOCK_BYTES as usize] = [0; 2 * BLOCK_BYTES as usize];

/// The name of the GNU tar member with the long name of the next one.
const LONG_NAME_MEMBER: &str = "././@LongLink";

/// Longest name in a header, in bytes.
const MAX_SHORT_NAME_BYTES: usize = 100;

/// Compression levels by the size of the input in bytes. Today's catalogs get the best compression.
/// For 100,000 entries, the last level makes bundles of 51 MB in 2 s; level 9 makes 46 MB in 8 s.
const LEVELS: &[(u64, i32)] = &[(4 * 1024 * 1024, 19), (64 * 1024 * 1024, 12), (u64::MAX, 3)];

/// Window of a large pack, as a power of two. Clients with 16 MB of memory can unpack it.
const WINDOW_LOG: u32 = 22;

/// A source of the files of a pack.
pub(crate) trait FileContents {
    fn open(&self, digest: Digest) -> io::Result<Box<dyn Read + Send>>;
    /// Returns the size of the file, in bytes.
    fn len_bytes(&self, entry: &Entry) -> io::Result<u64>;
}

/// Writes the bundle of `manifest` with the canonical form `bytes`. Streams the files.
///
/// # Errors
/// Those of `contents` and `out`; a file that is shorter than its stated size.
pub(crate) fn write_bundle(
    manifest: &Manifest,
    bytes: &[u8],
    contents: &dyn FileContents,
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

/// Writes the delta of these differences with the patch that makes them, and returns the size of
/// its first frame, in bytes. Needs memory for the changed files, up to [`MAX_PREFIX_BYTES`], and
/// for the compressor.
///
/// # Errors
/// Those of `contents`, which must have the changed files of both sides, and of `out`.
pub(crate) fn write_delta(
    patch: &[u8],
    differences: &[Difference],
    contents: &dyn FileContents,
    out: &mut dyn Write,
) -> io::Result<u64> {
    let len_bytes = patch.len() as u64;
    let mut first = frame(Vec::new(), member_bytes(PATCH_MEMBER, len_bytes), &[])?;
    put(&mut first, PATCH_MEMBER, len_bytes, patch)?;
    let first = first.finish()?;
    out.write_all(&first)?;

    let files: Vec<&Entry> = differences.iter().filter_map(Difference::new_file).collect();
    let prefix = read_prefix(differences, contents)?;
    let len_bytes = archive_bytes(&files, contents)? + END_OF_ARCHIVE.len() as u64;
    let mut second = frame(out, len_bytes, &prefix)?;
    put_files(&mut second, &files, contents)?;
    second.write_all(&END_OF_ARCHIVE)?;
    second.finish().map(|_| first.len() as u64)
}

/// Concatenates the old versions. Returns an empty prefix if they are too large.
fn read_prefix(differences: &[Difference], contents: &dyn FileContents) -> io::Result<Vec<u8>> {
    let mut prefix = Vec::new();
    for entry in differences.iter().filter_map(Difference::replaced_file) {
        if prefix.len() as u64 + contents.len_bytes(entry)? > MAX_PREFIX_BYTES {
            return Ok(Vec::new());
        }
        contents.open(entry.digest())?.take(MAX_PREFIX_BYTES).read_to_end(&mut prefix)?;
    }
    Ok(prefix)
}

/// Starts a frame that unpacks to `len_bytes` bytes.
fn frame<W: Write>(out: W, len_bytes: u64, prefix: &[u8]) -> io::Result<Encoder<'_, W>> {
    let size = len_bytes.max(prefix.len() as u64);
    let level = LEVELS.iter().find(|(most, _)| size <= *most).map_or(1, |(_, level)| *level);
    let mut encoder = match prefix {
        [] => Encoder::new(out, level)?,
        prefix => Encoder::with_ref_prefix(out, level, prefix)?,
    };
    // With the size, a decoder allocates no more memory than necessary.
    encoder.set_pledged_src_size(Some(len_bytes))?;
    if size > 1 << WINDOW_LOG {
        let log = if prefix.is_empty() { WINDOW_LOG } else { MAX_WINDOW_LOG };
        encoder.set_parameter(CParameter::WindowLog(log))?;
    }
    Ok(encoder)
}

/// Returns the size of `files` as members of an archive, in bytes.
fn archive_bytes(files: &[&Entry], contents: &dyn FileContents) -> io::Result<u64> {
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

fn put_files(out: &mut dyn Write, files: &[&Entry], contents: &dyn FileContents) -> io::Result<()> {
    for entry in files {
        let content = contents.open(entry.digest())?;
        put(out, entry.path().as_str(), contents.len_bytes(entry)?, content)?;
    }
    Ok(())
}

/// Writes one member: header, content and padding.
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
        return Err(io::Error::other("the file became shorter while it was packed"));
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
    header.set_cksum();
    header
}

//! `incoming/`: verified downloads under their digest, kept until they are committed.
//!
//! ```text
//! incoming/<64 hex>    a file, verified when it came; verified again before it is used
//! incoming/part-3      a download under way, dropped by the next run
//! incoming/pack-...     a pack, or as much of it as came: a later run goes on with it
//! incoming/seen.jsonl  of v1 files: what the server said of each, a line a file
//! ```

use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

use super::generation::digest_if_any;
use crate::base::digest::{Digest, HashingWriter};
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::files::{
    FileKind, Files, NewFile, ensure_own_dir, read_if_any, remove_all, stat_if_any,
};
use crate::base::path::EntryPath;
use crate::net::fetch::{ResumableSink, Sink};
use crate::net::transport::Validators;
use crate::tree::pack::PackName;

const PART_PREFIX: &str = "part-";
const PACK_PREFIX: &str = "pack-";
const SEEN: &str = "seen.jsonl";

/// Largest `seen.jsonl` that is read: 200,000 lines.
const MAX_SEEN_BYTES: u64 = 128 * 1024 * 1024;

/// The directory of verified downloads of one source.
pub(crate) struct Staging<'a> {
    files: &'a dyn Files,
    dir: PathBuf,
    next_part: AtomicU64,
    seen: Mutex<Option<Box<dyn NewFile>>>,
}

/// What a v1 server said of a file that was fetched by an interrupted update.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Seen {
    pub(crate) path: String,
    digest: String,
    /// The mirror that said it; without one, the validators are of no use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) mirror: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    etag: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last_modified: Option<String>,
}

impl Seen {
    pub(crate) fn new(
        path: &EntryPath,
        digest: Digest,
        mirror: Option<String>,
        validators: &Validators,
    ) -> Seen {
        Seen {
            path: path.as_str().to_owned(),
            digest: digest.to_string(),
            mirror,
            etag: validators.etag.clone(),
            last_modified: validators.last_modified.clone(),
        }
    }

    pub(crate) fn digest(&self) -> Option<Digest> {
        self.digest.parse().ok()
    }

    pub(crate) fn validators(&self) -> Validators {
        Validators { etag: self.etag.clone(), last_modified: self.last_modified.clone() }
    }
}

impl<'a> Staging<'a> {
    /// Opens the directory, creating it, and drops downloads that were never finished.
    pub(crate) fn open(files: &'a dyn Files, dir: PathBuf) -> Result<Staging<'a>> {
        ensure_own_dir(files, &dir)?;
        let staging = Staging { files, dir, next_part: AtomicU64::new(0), seen: Mutex::new(None) };
        for name in staging.names()? {
            if name.starts_with(PART_PREFIX) {
                remove_all(files, &staging.dir.join(name))?;
            }
        }
        Ok(staging)
    }

    fn names(&self) -> Result<Vec<String>> {
        let names = self.files.list(&self.dir);
        let names = names.map_err(|error| Error::io("list this directory", &self.dir, error))?;
        Ok(names.into_iter().map(|name| name.to_string_lossy().into_owned()).collect())
    }

    /// Where the file with this digest is, or would be.
    pub(crate) fn path(&self, digest: Digest) -> PathBuf {
        self.dir.join(digest.to_string())
    }

    /// Whether the file with this digest is there, by reading it; a damaged one is dropped.
    pub(crate) fn has(&self, digest: Digest) -> Result<bool> {
        let path = self.path(digest);
        match digest_if_any(self.files, &path)? {
            Some((found, _)) if found == digest => Ok(true),
            _ => {
                remove_all(self.files, &path)?;
                Ok(false)
            }
        }
    }

    /// Starts a download.
    pub(crate) fn begin(&self) -> Result<Part<'_>> {
        let number = self.next_part.fetch_add(1, Ordering::Relaxed);
        let path = self.dir.join(format!("{PART_PREFIX}{number}"));
        match self.files.create(&path) {
            Ok(file) => Ok(Part { staging: self, path, file: Some(file), count: None, len: 0 }),
            Err(error) => Err(Error::io("create this file", &path, error)),
        }
    }

    /// Starts a download whose digest is found out as it comes.
    pub(crate) fn begin_hashed(&self) -> Result<HashedPart<'_>> {
        Ok(HashedPart(HashingWriter::new(BufWriter::new(self.begin()?))))
    }

    /// Keeps bytes that are in memory already.
    pub(crate) fn keep(&self, bytes: &[u8], digest: Digest) -> Result<()> {
        let mut part = self.begin()?;
        part.write_all(bytes).map_err(|error| Error::io("write this file", &part.path, error))?;
        part.keep(digest)
    }

    /// Whether any file has been brought, or part of a pack that may hold some: anything
    /// but packs that lead to `wanted`, which are gone on with as they are.
    pub(crate) fn holds_files(&self, wanted: Digest) -> Result<bool> {
        let spools = self.staged_packs()?;
        Ok(spools.iter().any(|pack| !pack.leads_to(wanted))
            || self.names()?.iter().any(|name| name.parse::<Digest>().is_ok()))
    }

    /// The packs that were spooled, as far as they came.
    pub(crate) fn staged_packs(&self) -> Result<Vec<PackName>> {
        let names = self.names()?.into_iter();
        Ok(names.filter_map(|name| PackName::parse(name.strip_prefix(PACK_PREFIX)?)).collect())
    }

    fn pack_path(&self, name: &PackName) -> PathBuf {
        self.dir.join(format!("{PACK_PREFIX}{name}"))
    }

    /// How many bytes of a pack are there.
    pub(crate) fn staged_pack_bytes(&self, name: &PackName) -> Result<u64> {
        let stat = stat_if_any(self.files, &self.pack_path(name))?;
        Ok(stat.filter(|stat| stat.kind == FileKind::File).map_or(0, |stat| stat.len_bytes))
    }

    /// Goes on with a pack where an earlier download ended.
    pub(crate) fn resume_pack(&self, name: &PackName) -> Result<PartialPack> {
        let path = self.pack_path(name);
        let len = self.staged_pack_bytes(name)?;
        let file = match len {
            // Nothing, or nothing that belongs here.
            0 => remove_all(self.files, &path).map(|()| self.files.create(&path))?,
            _ => self.files.append(&path),
        };
        let file = file.map_err(|error| Error::io("write this file", &path, error))?;
        Ok(PartialPack { file, len })
    }

    /// Reads a pack, as far as it came.
    pub(crate) fn open_pack(&self, name: &PackName) -> Result<Box<dyn Read + Send>> {
        let path = self.pack_path(name);
        self.files.open(&path).map_err(|error| Error::io("read this file", &path, error))
    }

    pub(crate) fn drop_pack(&self, name: &PackName) -> Result<()> {
        remove_all(self.files, &self.pack_path(name))
    }

    /// Notes what a v1 server said of a file, for the case that this run is cut off.
    pub(crate) fn note_seen(&self, seen: &Seen) -> Result<()> {
        let path = self.dir.join(SEEN);
        let mut line = serde_json::to_vec(seen).expect("plain fields are JSON");
        line.push(b'\n');
        let mut file = self.seen.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let written = match &mut *file {
            Some(file) => file.write_all(&line),
            None => self.files.create(&path).and_then(|new| file.insert(new).write_all(&line)),
        };
        written.map_err(|error| Error::io("write this file", &path, error))
    }

    /// What [`note_seen`](Self::note_seen) noted in an earlier run; forgets it, so
    /// that this run notes what is still true.
    pub(crate) fn take_seen(&self) -> Result<Vec<Seen>> {
        let path = self.dir.join(SEEN);
        let bytes = read_if_any(self.files, &path, MAX_SEEN_BYTES);
        remove_all(self.files, &path)?;
        let bytes = bytes.unwrap_or_else(|error| {
            log::warn!("ignored: {}", error.to_chain());
            None
        });
        let bytes = bytes.unwrap_or_default();
        // The last line may have been cut short.
        let lines = bytes.split(|byte| *byte == b'\n');
        Ok(lines.filter_map(|line| serde_json::from_slice(line).ok()).collect())
    }

    /// Drops everything: it is committed, or cannot be used.
    pub(crate) fn clear(&self) -> Result<()> {
        *self.seen.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = None;
        for name in self.names()? {
            remove_all(self.files, &self.dir.join(name))?;
        }
        Ok(())
    }
}

/// A pack that is being downloaded. What it got stays, whatever happens.
pub(crate) struct PartialPack {
    file: Box<dyn NewFile>,
    len: u64,
}

impl Write for PartialPack {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.file.write(bytes)?;
        self.len += n as u64;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Sink for PartialPack {
    fn restart(&mut self) -> io::Result<()> {
        self.len = 0;
        self.file.truncate()
    }
}

impl ResumableSink for PartialPack {
    fn held_bytes(&self) -> u64 {
        self.len
    }
}

/// A download under way. Dropped without [`Part::keep`], its file goes.
pub(crate) struct Part<'a> {
    staging: &'a Staging<'a>,
    path: PathBuf,
    file: Option<Box<dyn NewFile>>,
    /// Where the bytes of all downloads are counted together.
    count: Option<&'a AtomicU64>,
    len: u64,
}

impl<'a> Part<'a> {
    /// Adds the bytes of this download to `count` as they come.
    pub(crate) fn counted(mut self, count: &'a AtomicU64) -> Part<'a> {
        self.count = Some(count);
        self
    }

    /// Gives the file its final name: the digest that the caller has verified.
    pub(crate) fn keep(mut self, digest: Digest) -> Result<()> {
        let files = self.staging.files;
        let path = self.staging.path(digest);
        self.file = None;
        let moved = files.make_read_only(&self.path).and_then(|()| files.rename(&self.path, &path));
        moved.map_err(|error| Error::io("keep this download", &path, error))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    fn file(&mut self) -> io::Result<&mut Box<dyn NewFile>> {
        self.file.as_mut().ok_or_else(|| io::Error::other("the file is closed"))
    }
}

/// A download whose digest is found out as it comes.
pub(crate) struct HashedPart<'a>(HashingWriter<BufWriter<Part<'a>>>);

impl<'a> HashedPart<'a> {
    /// The download, its digest, and its size in bytes.
    ///
    /// # Errors
    /// [`ErrorKind::Store`](crate::ErrorKind::Store) if its end cannot be written.
    pub(crate) fn finish(self) -> Result<(Part<'a>, Digest, u64)> {
        let (out, digest, len_bytes) = self.0.finish();
        let part = out.into_inner().map_err(|error| cannot_keep(error.into_error()))?;
        Ok((part, digest, len_bytes))
    }
}

impl Write for HashedPart<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl Drop for Part<'_> {
    fn drop(&mut self) {
        // Not recovery, only tidiness: the next run drops what is left all the same.
        if self.file.take().is_some() {
            let _ = self.staging.files.remove_file(&self.path);
        }
    }
}

impl Write for Part<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.file()?.write(bytes)?;
        self.len += n as u64;
        if let Some(count) = self.count {
            count.fetch_add(n as u64, Ordering::Relaxed);
        }
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file()?.flush()
    }
}

impl Sink for Part<'_> {
    fn restart(&mut self) -> io::Result<()> {
        if let Some(count) = self.count {
            count.fetch_sub(self.len, Ordering::Relaxed);
        }
        self.len = 0;
        self.file()?.truncate()
    }
}

pub(crate) fn cannot_keep(error: io::Error) -> Error {
    Error::new(ErrorKind::Store, "cannot keep what is being unpacked").with_source(error)
}

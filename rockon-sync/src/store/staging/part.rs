//! One download.

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::{Staging, cannot_keep};
use crate::base::digest::{Digest, HashingWriter};
use crate::base::error::{IoContext, Result};
use crate::base::files::NewFile;
use crate::net::fetch::Sink;
use crate::store::check::nanoseconds_of;

/// A download in progress. Its file is removed on drop, except after [`PartialFile::keep`].
pub(crate) struct PartialFile<'a> {
    staging: &'a Staging<'a>,
    path: PathBuf,
    file: Option<Box<dyn NewFile>>,
    /// Counts the bytes of all downloads.
    count: Option<&'a AtomicU64>,
    len_bytes: u64,
}

impl<'a> PartialFile<'a> {
    pub(super) fn new(staging: &'a Staging<'a>, path: PathBuf, file: Box<dyn NewFile>) -> Self {
        PartialFile { staging, path, file: Some(file), count: None, len_bytes: 0 }
    }

    /// Adds the bytes of this download to `count` as they are written.
    pub(crate) fn counted(mut self, count: &'a AtomicU64) -> PartialFile<'a> {
        self.count = Some(count);
        self
    }

    /// Renames the file to its digest. The caller has verified the digest.
    pub(crate) fn keep(mut self, digest: Digest) -> Result<()> {
        self.finish(digest);
        let kept = self.staging.path(digest);
        self.staging.files.rename(&self.path, &kept).on("keep this download", &kept)
    }

    /// Leaves the file where it is. The caller has verified the digest.
    pub(super) fn keep_in_place(mut self, digest: Digest) {
        self.finish(digest);
    }

    /// Closes the file, with a time that tells it from an edited one.
    fn finish(&mut self, digest: Digest) {
        let marked = self.file.take().map(|mut file| file.set_nanoseconds(nanoseconds_of(digest)));
        if let Some(Err(error)) = marked {
            // Without its mark, the file is read when it is checked.
            log::info!("{}: cannot set its time: {error}", self.path.display());
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    fn file(&mut self) -> io::Result<&mut Box<dyn NewFile>> {
        self.file.as_mut().ok_or_else(|| io::Error::other("the file is closed"))
    }
}

impl Drop for PartialFile<'_> {
    fn drop(&mut self) {
        // Only tidiness: the next update removes leftovers.
        if self.file.take().is_some() {
            let _ = self.staging.files.remove_file(&self.path);
        }
    }
}

impl Write for PartialFile<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.file()?.write(bytes)?;
        self.len_bytes += n as u64;
        if let Some(count) = self.count {
            count.fetch_add(n as u64, Ordering::Relaxed);
        }
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file()?.flush()
    }
}

impl Sink for PartialFile<'_> {
    fn restart(&mut self) -> io::Result<()> {
        if let Some(count) = self.count {
            count.fetch_sub(self.len_bytes, Ordering::Relaxed);
        }
        self.len_bytes = 0;
        self.file()?.truncate()
    }
}

/// A download that is hashed as it is written.
pub(crate) struct HashedFile<'a>(HashingWriter<BufWriter<PartialFile<'a>>>);

impl<'a> HashedFile<'a> {
    pub(super) fn new(part: PartialFile<'a>) -> HashedFile<'a> {
        HashedFile(HashingWriter::new(BufWriter::new(part)))
    }

    /// Returns the download, its digest, and its size in bytes.
    ///
    /// # Errors
    /// [`ErrorKind::Store`](crate::ErrorKind::Store) if the last bytes cannot be written.
    pub(crate) fn finish(self) -> Result<(PartialFile<'a>, Digest, u64)> {
        let (out, digest, len_bytes) = self.0.finish();
        let part = out.into_inner().map_err(|error| cannot_keep(error.into_error()))?;
        Ok((part, digest, len_bytes))
    }
}

impl Write for HashedFile<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

//! Packs in staging. A partial pack stays there, and a later update resumes it.

use std::io::{self, Read, Write};
use std::path::PathBuf;

use super::Staging;
use crate::base::error::{IoContext, Result};
use crate::base::files::{FileKind, NewFile, remove_all, stat_if_any};
use crate::net::fetch::{ResumableSink, Sink};
use crate::tree::pack::PackName;

const PACK_PREFIX: &str = "pack-";

/// A pack that is being downloaded. Its bytes stay on disk, even after an error.
pub(crate) struct PartialPack {
    file: Box<dyn NewFile>,
    len_bytes: u64,
}

impl Staging<'_> {
    /// Returns the names of all complete and partial packs.
    pub(crate) fn staged_packs(&self) -> Result<Vec<PackName>> {
        let names = self.names()?.into_iter();
        Ok(names.filter_map(|name| PackName::parse(name.strip_prefix(PACK_PREFIX)?)).collect())
    }

    fn pack_path(&self, name: &PackName) -> PathBuf {
        self.dir.join(format!("{PACK_PREFIX}{name}"))
    }

    /// Returns the number of bytes of a pack that are on disk.
    pub(crate) fn staged_pack_bytes(&self, name: &PackName) -> Result<u64> {
        let stat = stat_if_any(self.files, &self.pack_path(name))?;
        Ok(stat.filter(|stat| stat.kind == FileKind::File).map_or(0, |stat| stat.len_bytes))
    }

    /// Starts or resumes the download of a pack.
    pub(crate) fn resume_pack(&self, name: &PackName) -> Result<PartialPack> {
        let path = self.pack_path(name);
        let len_bytes = self.staged_pack_bytes(name)?;
        let file = match len_bytes {
            // Missing, empty, or not a regular file.
            0 => remove_all(self.files, &path).map(|()| self.files.create(&path))?,
            _ => self.files.append(&path),
        };
        Ok(PartialPack { file: file.on("write this file", &path)?, len_bytes })
    }

    /// Stores a pack that is in memory already, in place of what there is of it.
    pub(crate) fn keep_pack(&self, name: &PackName, bytes: &[u8]) -> Result<()> {
        self.drop_pack(name)?;
        let path = self.pack_path(name);
        self.resume_pack(name)?.write_all(bytes).on("write this file", &path)
    }

    /// Opens a complete or partial pack for reading.
    pub(crate) fn open_pack(&self, name: &PackName) -> Result<Box<dyn Read + Send>> {
        let path = self.pack_path(name);
        self.files.open(&path).on("read this file", &path)
    }

    pub(crate) fn drop_pack(&self, name: &PackName) -> Result<()> {
        remove_all(self.files, &self.pack_path(name))
    }
}

impl Write for PartialPack {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.file.write(bytes)?;
        self.len_bytes += n as u64;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Sink for PartialPack {
    fn restart(&mut self) -> io::Result<()> {
        self.len_bytes = 0;
        self.file.truncate()
    }
}

impl ResumableSink for PartialPack {
    fn len_bytes(&self) -> u64 {
        self.len_bytes
    }
}

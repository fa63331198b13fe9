//! From a pack into staging, file by file, through verification.

use std::collections::HashSet;
use std::io::{Read, Write};

use super::MissingFile;
use super::offers::Size;
use super::packs::max_patch_bytes;
use crate::base::digest::Digest;
use crate::base::error::{Error, ErrorKind, IoContext, Result};
use crate::base::limits::MAX_MANIFEST_BYTES;
use crate::base::path::EntryPath;
use crate::store::{Generation, cannot_keep};
use crate::tree::head::Head;
use crate::tree::manifest::{RowSource, Rows};
use crate::tree::pack::{self, PackName, PackedFile};
use crate::update::plan::Plan;
use crate::update::rows::ManifestOnDisk;
use crate::update::session::{Context, Session, ends_the_update};
use crate::update::steps::{Reuse, Sides};

/// Bytes unpacked at a time, and so the distance between two looks at the cancel token.
const CHUNK_BYTES: usize = 16 * 1024;

/// The destination of a pack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Leads {
    /// The remote manifest: a file that differs from it is wrong.
    Here,
    /// An earlier manifest: a file that differs is only older.
    Elsewhere,
}

/// Takes the files that a plan asks for out of packs.
pub(super) struct Unpacker<'a> {
    context: Context<'a>,
    /// The files to be fetched, in order of their paths.
    wanted: Vec<MissingFile>,
    plan: &'a Plan,
    /// The sides of the plan.
    sides: Sides<'a>,
    remote: &'a dyn RowSource,
    staged: HashSet<Digest>,
}

/// The files in which the remote manifest differs from the published one of the current generation.
struct ChangedFiles {
    /// The old versions, in byte order of their ids.
    old: Vec<MissingFile>,
    /// The size limit of an archive of the new ones, in bytes.
    max_new_bytes: u64,
}

impl<'a> Unpacker<'a> {
    pub(super) fn new(
        context: Context<'a>,
        mut wanted: Vec<MissingFile>,
        plan: &'a Plan,
        sides: Sides<'a>,
        remote: &'a dyn RowSource,
    ) -> Self {
        wanted.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        Unpacker { context, wanted, plan, sides, remote, staged: HashSet::new() }
    }

    /// The number of different files that are in staging now.
    pub(super) fn staged_len(&self) -> usize {
        self.staged.len()
    }

    /// Returns the files that are not in staging, in byte order of their ids.
    pub(super) fn into_missing(self) -> Vec<MissingFile> {
        let Unpacker { mut wanted, staged, .. } = self;
        wanted.retain(|file| !staged.contains(&file.digest));
        wanted.sort_unstable_by(|a, b| a.id.cmp(&b.id));
        wanted
    }

    /// True if every file that the plan asks for has been verified in staging.
    pub(super) fn is_done(&self) -> bool {
        self.wanted.iter().all(|file| self.staged.contains(&file.digest))
    }

    /// Returns the size of the files that are not in staging yet.
    pub(super) fn size(&self) -> Result<Size> {
        let staged = self.context.session.store.staging.digests()?;
        let mut size = Size::default();
        for file in self.wanted.iter().filter(|file| !staged.contains(&file.digest)) {
            size.add(file.max_bytes());
        }
        Ok(size)
    }

    /// Unpacks a pack that leads to the remote manifest.
    pub(super) fn unpack(&mut self, head: &Head, name: &PackName) -> Result<()> {
        let pack = self.context.session.store.staging.open_pack(name)?;
        let local = self.context.local;
        let Some(generation) = local.generation.as_ref().filter(|_| name.base.is_some()) else {
            return self.unpack_bundle(pack, Leads::Here);
        };
        let changed = self.changed_files(generation)?;
        let prefix = self.prefix(generation, &changed.old)?;
        let max_patch_bytes = max_patch_bytes(self.context.session, head, generation)?;
        pack::unpack_delta(pack, &prefix, max_patch_bytes, changed.max_new_bytes, &mut |member| {
            self.take(member, Leads::Here)
        })
    }

    pub(super) fn unpack_bundle(&mut self, pack: impl Read, leads: Leads) -> Result<()> {
        let max_bytes = archive_bytes(self.remote)?;
        pack::unpack_bundle(pack, max_bytes, &mut |member| self.take(member, leads))
    }

    fn changed_files(&self, generation: &Generation) -> Result<ChangedFiles> {
        let session = self.context.session;
        let published = ManifestOnDisk::at(generation.list_path());
        let current = &published.source(session);
        let changes = match generation.is_complete(session.store.files)? {
            true => self.plan.changes(self.sides)?,
            // The plan starts with the files that are there.
            false => Sides { current, ..self.sides }.changes(Reuse::Intact)?,
        };
        let (mut old_files, mut max_new_bytes) = (Vec::new(), 0);
        changes.for_each(&mut |step| {
            let Some(new) = step.remote() else { return Ok(()) };
            match step.current {
                Some(old) if old.digest()? == new.digest()? => return Ok(()),
                Some(old) => old_files.push(MissingFile::new(old)?),
                None => {}
            }
            max_new_bytes += new.max_bytes()? + pack::MEMBER_OVERHEAD_BYTES;
            Ok(())
        })?;
        Ok(ChangedFiles { old: old_files, max_new_bytes })
    }

    /// Returns the old versions of what changed, as they are in the current generation.
    ///
    /// # Errors
    /// [`ErrorKind::Integrity`] if one of them is missing or damaged.
    fn prefix(&self, generation: &Generation, changed: &[MissingFile]) -> Result<Vec<u8>> {
        let Context { session, local, .. } = self.context;
        let (files, damaged) = (session.store.files, &local.damage.entries);
        let missing = match generation.is_complete(files)? {
            true => None,
            false => first_missing(changed, local.manifest.source(session).rows()?)?,
        };
        if let Some(old) = missing.or(changed.iter().find(|old| damaged.contains(&old.path))) {
            return Err(Error::new(
                ErrorKind::Integrity,
                format!("the old version of {} is missing", old.path),
            ));
        }
        let mut prefix = Vec::new();
        for old in changed {
            let path = old.path.below(&generation.dir);
            let left = pack::MAX_PREFIX_BYTES + 1 - prefix.len() as u64;
            let reader = files.open(&path).on("read", &path)?;
            reader.take(left).read_to_end(&mut prefix).on("read", &path)?;
            if prefix.len() as u64 > pack::MAX_PREFIX_BYTES {
                return Ok(Vec::new());
            }
        }
        Ok(prefix)
    }

    /// Puts a file into staging if the plan asks for it and it has the promised digest.
    fn take(&mut self, member: PackedFile<'_>, leads: Leads) -> Result<()> {
        let Ok(at) = self.wanted.binary_search_by(|file| file.path.cmp(&member.path)) else {
            return Ok(());
        };
        let file = &self.wanted[at];
        if self.staged.contains(&file.digest) {
            return Ok(());
        }
        let mut out = self.context.session.store.staging.begin_hashed()?;
        match copy_from_pack(self.context.session, member.content, &mut out, file.max_bytes()) {
            Err(error) if leads == Leads::Elsewhere && !ends_the_update(&error) => return Ok(()),
            copied => copied?,
        }
        let (part, digest, len_bytes) = out.finish()?;
        if digest == file.digest {
            part.keep(digest)?;
            self.staged.insert(digest);
            return Ok(());
        }
        match leads {
            Leads::Elsewhere => Ok(()),
            Leads::Here => Err(wrong_digest(&file.path, file.digest, digest, len_bytes)),
        }
    }
}

/// The error of a file in a pack that is not the one in the manifest.
pub(super) fn wrong_digest(
    path: &EntryPath,
    expected: Digest,
    got: Digest,
    len_bytes: u64,
) -> Error {
    Error::new(
        ErrorKind::Integrity,
        format!("{path}: expected the digest {expected}, got {got} ({len_bytes} bytes)"),
    )
}

/// Returns the first of these files that the manifest does not have in this version.
fn first_missing<'a>(
    files: &'a [MissingFile],
    mut rows: Rows<'_>,
) -> Result<Option<&'a MissingFile>> {
    let mut left = files.iter().peekable();
    while let Some(row) = rows.next()? {
        if let Some(file) = left.next_if(|file| file.id == row.id)
            && file.digest != row.digest()?
        {
            return Ok(Some(file));
        }
    }
    Ok(left.next())
}

/// Returns the limit of an archive of all files, in bytes.
pub(super) fn archive_bytes(remote: &dyn RowSource) -> Result<u64> {
    let (mut rows, mut sum) = (remote.rows()?, MAX_MANIFEST_BYTES);
    while let Some(row) = rows.next()? {
        sum = sum.saturating_add(row.max_bytes()?).saturating_add(pack::MEMBER_OVERHEAD_BYTES);
    }
    Ok(sum)
}

/// Copies up to `max_bytes` bytes, looking at the cancel token now and then.
pub(in crate::update) fn copy_from_pack(
    session: &Session<'_>,
    from: &mut dyn Read,
    to: &mut dyn Write,
    max_bytes: u64,
) -> Result<()> {
    let mut chunk = [0; CHUNK_BYTES];
    let mut left = max_bytes;
    loop {
        session.fetcher.check_go_on("unpacking")?;
        let n = from.read(&mut chunk).map_err(|error| {
            Error::new(ErrorKind::Integrity, "the pack cannot be read to its end")
                .with_source(error)
        })?;
        if n == 0 {
            return Ok(());
        }
        left = left.checked_sub(n as u64).ok_or_else(|| {
            Error::new(
                ErrorKind::Integrity,
                format!("expected at most {max_bytes} bytes, got more"),
            )
        })?;
        to.write_all(&chunk[..n]).map_err(cannot_keep)?;
    }
}

//! From a pack into staging, file by file, through verification.

use std::collections::HashSet;
use std::io::{Read, Write};

use super::packs::max_patch_bytes;
use crate::base::digest::Digest;
use crate::base::error::{Error, ErrorKind, IoContext, Result};
use crate::base::files::stat_if_any;
use crate::base::limits::MAX_MANIFEST_BYTES;
use crate::store::cannot_keep;
use crate::tree::head::Head;
use crate::tree::manifest::{Entry, Manifest};
use crate::tree::pack::{self, PackName, PackedFile};
use crate::update::plan::Plan;
use crate::update::session::{Context, Session, ends_the_update};

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
    /// The entries to be fetched, in order of their paths.
    wanted: Vec<&'a Entry>,
    /// The size limit of an archive of all files, in bytes.
    max_bytes: u64,
    staged: HashSet<Digest>,
}

impl<'a> Unpacker<'a> {
    pub(super) fn new(context: Context<'a>, plan: &'a Plan, manifest: &Manifest) -> Self {
        let max_bytes = manifest.entries().iter().fold(MAX_MANIFEST_BYTES, |sum, entry| {
            sum.saturating_add(entry.max_bytes()).saturating_add(pack::MEMBER_OVERHEAD_BYTES)
        });
        let mut wanted: Vec<&Entry> = plan.fetched().collect();
        wanted.sort_unstable_by_key(|entry| entry.path());
        Unpacker { context, wanted, max_bytes, staged: HashSet::new() }
    }

    /// The digests of the files that are in staging now.
    pub(super) fn into_staged(self) -> HashSet<Digest> {
        self.staged
    }

    /// True if every file that the plan asks for has been verified in staging.
    pub(super) fn is_done(&self) -> bool {
        self.wanted.iter().all(|entry| self.staged.contains(&entry.digest()))
    }

    /// The number of files that are not in staging yet, and their bytes.
    pub(super) fn missing(&self) -> Result<(u64, u64)> {
        let (mut missing, mut missing_bytes) = (0, 0_u64);
        let store = &self.context.session.store;
        for entry in &self.wanted {
            if !self.staged.contains(&entry.digest())
                && stat_if_any(store.files, &store.staging.path(entry.digest()))?.is_none()
            {
                missing += 1;
                missing_bytes = missing_bytes.saturating_add(entry.max_bytes());
            }
        }
        Ok((missing, missing_bytes))
    }

    /// Unpacks a pack that leads to the remote manifest.
    pub(super) fn unpack(
        &mut self,
        head: &Head,
        name: &PackName,
        manifest: &Manifest,
    ) -> Result<()> {
        let pack = self.context.session.store.staging.open_pack(name)?;
        let local = self.context.local;
        let Some(generation) = local.generation.as_ref().filter(|_| name.base.is_some()) else {
            return self.unpack_bundle(pack, Leads::Here);
        };
        let prefix = self.prefix(manifest)?;
        let max_patch_bytes = max_patch_bytes(self.context.session, head, generation)?;
        let max_bytes = self.max_bytes;
        pack::unpack_delta(pack, &prefix, max_patch_bytes, max_bytes, &mut |member| {
            self.take(member, Leads::Here)
        })
    }

    pub(super) fn unpack_bundle(&mut self, pack: impl Read, leads: Leads) -> Result<()> {
        pack::unpack_bundle(pack, self.max_bytes, &mut |member| self.take(member, leads))
    }

    /// The old versions of what changed, as they are in the current generation.
    ///
    /// # Errors
    /// [`ErrorKind::Integrity`] if one of them is missing or damaged.
    fn prefix(&self, manifest: &Manifest) -> Result<Vec<u8>> {
        let Context { session, local, .. } = self.context;
        let generation = local.generation.as_ref().expect("a delta starts from a generation");
        let published = match generation.is_complete(session.store.files)? {
            true => None,
            false => Some(generation.manifest(session.store.files)?),
        };
        let published = published.as_ref().unwrap_or(&local.manifest);
        let mut prefix = Vec::new();
        for old in pack::prefix_of(published, manifest) {
            let is_there =
                local.manifest.entry(old.id()).is_some_and(|e| e.digest() == old.digest());
            if !is_there || local.damage.entries.contains(old.path()) {
                return Err(Error::new(
                    ErrorKind::Integrity,
                    format!("the old version of {} is missing", old.path()),
                ));
            }
            let path = old.path().below(&generation.dir);
            let left = pack::MAX_PREFIX_BYTES + 1 - prefix.len() as u64;
            let reader = session.store.files.open(&path).on("read", &path)?;
            reader.take(left).read_to_end(&mut prefix).on("read", &path)?;
            if prefix.len() as u64 > pack::MAX_PREFIX_BYTES {
                return Ok(Vec::new());
            }
        }
        Ok(prefix)
    }

    /// Puts a file into staging if the plan asks for it and it has the promised digest.
    fn take(&mut self, member: PackedFile<'_>, leads: Leads) -> Result<()> {
        let Ok(at) = self.wanted.binary_search_by(|entry| entry.path().cmp(&member.path)) else {
            return Ok(());
        };
        let entry = self.wanted[at];
        if self.staged.contains(&entry.digest()) {
            return Ok(());
        }
        let mut out = self.context.session.store.staging.begin_hashed()?;
        match copy_from_pack(self.context.session, member.content, &mut out, entry.max_bytes()) {
            Err(error) if leads == Leads::Elsewhere && !ends_the_update(&error) => return Ok(()),
            copied => copied?,
        }
        let (part, digest, len_bytes) = out.finish()?;
        if digest == entry.digest() {
            part.keep(digest)?;
            self.staged.insert(digest);
            return Ok(());
        }
        match leads {
            Leads::Elsewhere => Ok(()),
            Leads::Here => Err(Error::new(
                ErrorKind::Integrity,
                format!(
                    "{}: expected the digest {}, got {digest} ({len_bytes} bytes)",
                    entry.path(),
                    entry.digest()
                ),
            )),
        }
    }
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

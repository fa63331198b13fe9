//! From a pack into `incoming`, file by file, through verification.

use std::io::Read;

use crate::base::error::{Error, ErrorKind, Result};
use crate::base::files::stat_if_any;
use crate::base::limits::MAX_MANIFEST_BYTES;
use crate::format::Format;
use crate::tree::manifest::Manifest;
use crate::tree::pack::{self, Member, PackName};
use crate::update::head::FoundHead;
use crate::update::local::Local;
use crate::update::plan::{Action, Plan};
use crate::update::{Run, ends_the_run};

/// What packs have brought.
pub(in crate::update) struct Brought {
    /// For every step of the plan, whether its file is in `incoming` and was looked into.
    pub(in crate::update) steps: Vec<bool>,
    /// Files that are what was promised, but no definitions.
    pub(in crate::update) failed: Vec<(usize, Error)>,
    /// Whether any pack was used.
    pub(in crate::update) any: bool,
}

impl Brought {
    pub(super) fn nothing_of(plan: &Plan<'_>) -> Brought {
        Brought { steps: vec![false; plan.steps.len()], failed: Vec::new(), any: false }
    }
}

/// What a pack leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pack {
    /// The manifest of the plan: a file that differs is wrong.
    Offered,
    /// An earlier one: a file that differs is only older.
    Former,
}

/// Takes the files that a plan asks for out of packs.
pub(super) struct Unpacker<'a, 'b> {
    run: &'b Run<'a>,
    plan: &'b Plan<'b>,
    /// Positions of the steps that fetch, in byte order of their paths.
    by_path: Vec<u32>,
    /// The most that an archive of all wanted files can have, in bytes.
    max_bytes: u64,
    brought: &'b mut Brought,
}

impl<'a, 'b> Unpacker<'a, 'b> {
    pub(super) fn new(run: &'b Run<'a>, plan: &'b Plan<'b>, brought: &'b mut Brought) -> Self {
        let path = |n: &u32| plan.steps[*n as usize].entry.path();
        let mut by_path: Vec<u32> = (0..)
            .zip(&plan.steps)
            .filter(|(_, step)| step.action == Action::Fetch)
            .map(|(n, _)| n)
            .collect();
        by_path.sort_unstable_by(|a, b| path(a).cmp(path(b)));
        let max_bytes = plan.steps.iter().fold(MAX_MANIFEST_BYTES, |sum, step| {
            sum.saturating_add(step.entry.max_bytes()).saturating_add(pack::MEMBER_OVERHEAD_BYTES)
        });
        Unpacker { run, plan, by_path, max_bytes, brought }
    }

    /// How many files, of how many bytes together, neither packs nor earlier runs have
    /// brought.
    pub(super) fn missing(&self) -> Result<(u64, u64)> {
        let (mut missing, mut missing_bytes) = (0, 0_u64);
        let writer = &self.run.writer;
        for n in &self.by_path {
            let entry = self.plan.steps[*n as usize].entry;
            if !self.brought.steps[*n as usize]
                && stat_if_any(writer.files, &writer.incoming.path(entry.digest()))?.is_none()
            {
                missing += 1;
                missing_bytes = missing_bytes.saturating_add(entry.max_bytes());
            }
        }
        Ok((missing, missing_bytes))
    }

    /// Unpacks a pack of this run.
    pub(super) fn unpack(
        &mut self,
        found: &FoundHead,
        name: &PackName,
        local: &Local,
        wanted: &Manifest,
    ) -> Result<()> {
        match &local.generation {
            Some(generation) if name.base.is_some() => {
                let base = self.run.base_manifest(generation, local)?;
                let prefix = self.prefix(local, &base, wanted)?;
                let max_patch_bytes = self.run.max_patch_bytes(found, generation)?;
                let max_bytes = self.max_bytes;
                let pack = self.run.writer.incoming.open_spool(name)?;
                pack::unpack_delta(pack, &prefix, max_patch_bytes, max_bytes, &mut |member| {
                    self.take(member, Pack::Offered)
                })
            }
            _ => {
                let pack = self.run.writer.incoming.open_spool(name)?;
                self.unpack_bundle(pack, Pack::Offered)
            }
        }
    }

    pub(super) fn unpack_bundle(&mut self, pack: impl Read, kind: Pack) -> Result<()> {
        pack::unpack_bundle(pack, self.max_bytes, &mut |member| self.take(member, kind))
    }

    /// The old versions of what changed, as they are in the current generation.
    ///
    /// # Errors
    /// [`ErrorKind::Integrity`] if one of them is not there as it should be.
    fn prefix(&self, local: &Local, base: &Manifest, wanted: &Manifest) -> Result<Vec<u8>> {
        let generation = local.generation.as_ref().expect("a delta starts from a generation");
        let mut prefix = Vec::new();
        for old in pack::prefix_of(base, wanted) {
            let path = old.path().below(&generation.folder);
            let is_held =
                local.held.entry(old.id()).is_some_and(|held| held.digest() == old.digest());
            if !is_held || local.damage.entries.contains(old.path()) {
                let message = format!("the old version of {} is not held", old.path());
                return Err(Error::new(ErrorKind::Integrity, message));
            }
            let reader = self.run.writer.files.open(&path);
            let read = reader.and_then(|reader| {
                let left = pack::MAX_PREFIX_BYTES + 1 - prefix.len() as u64;
                reader.take(left).read_to_end(&mut prefix)
            });
            read.map_err(|error| Error::io("read this file", &path, error))?;
            if prefix.len() as u64 > pack::MAX_PREFIX_BYTES {
                return Ok(Vec::new());
            }
        }
        Ok(prefix)
    }

    /// Puts a file into `incoming` if the plan asks for it and it is what was promised.
    fn take(&mut self, member: Member<'_>, kind: Pack) -> Result<()> {
        let steps = &self.plan.steps;
        let at =
            self.by_path.binary_search_by(|n| steps[*n as usize].entry.path().cmp(&member.path));
        let Some(n) = at.ok().map(|at| self.by_path[at] as usize) else {
            return Ok(());
        };
        let entry = steps[n].entry;
        if self.brought.steps[n] {
            return Ok(());
        }
        let incoming = &self.run.writer.incoming;
        let mut out = incoming.begin_hashed()?;
        match self.run.copy(member.content, &mut out, entry.max_bytes()) {
            Err(error) if kind == Pack::Former && !ends_the_run(&error) => return Ok(()),
            copied => copied?,
        }
        let (part, digest, len_bytes) = out.finish()?;
        if digest != entry.digest() && kind == Pack::Former {
            return Ok(());
        }
        if digest != entry.digest() {
            let message = format!(
                "{}: expected the digest {}, got {digest} ({len_bytes} bytes)",
                entry.path(),
                entry.digest()
            );
            return Err(Error::new(ErrorKind::Integrity, message));
        }
        part.keep(digest)?;
        self.brought.steps[n] = true;
        let file = incoming.path(digest);
        match self.run.examine((Format::of(entry), entry.id()), entry.path(), &file, |_| ()) {
            Err(error) if ends_the_run(&error) => Err(error),
            Err(error) => {
                log::warn!("{:?}: {}", entry.id(), error.to_chain());
                self.brought.failed.push((n, error));
                Ok(())
            }
            Ok(_) => Ok(()),
        }
    }
}

//! What is held before an update, and what of it can be trusted.

use super::{Run, Trust};
use crate::error::Result;
use crate::manifest::{Entry, Manifest};
use crate::store::{Damage, Generation, digest_if_any};

/// What is held.
pub(super) struct Local {
    pub(super) generation: Option<Generation>,
    /// Each entry with the digest of the file that is, or should be, there.
    pub(super) held: Manifest,
    pub(super) damage: Damage,
    /// Whether it could be found out what is held; if not, `held` is empty.
    is_known: bool,
}

impl Run<'_> {
    /// Finds out how far the current generation can be trusted without reading its files.
    pub(super) fn look_at_current(&mut self) -> Result<()> {
        let Some(generation) = self.writer.reader().current()? else {
            return Ok(());
        };
        self.is_intact = self.looks_intact(&generation)?;
        let head = generation.head_bytes(self.writer.files)?;
        self.is_head_damaged = head.is_some_and(|head| self.status.contradicts(&generation, &head));
        if self.is_head_damaged {
            let head = generation.head_path();
            self.warn(format!("{}: damaged, and fetched again", head.display()));
        }
        Ok(())
    }

    /// Whether every file of the generation has the size and time it was committed with.
    pub(super) fn looks_intact(&self, generation: &Generation) -> Result<bool> {
        Ok(self.options.trust == Trust::SizeAndTime
            && self.status.generation == generation.number
            && self.status.fingerprint.is_some()
            && generation.fingerprint(self.writer.files)? == self.status.fingerprint)
    }

    /// Finds out what is held; files are read only if something looks wrong, or if
    /// nothing is to be taken on trust.
    pub(super) fn local(&self) -> Result<Local> {
        let Some(generation) = self.writer.reader().current()? else {
            let held = Manifest::default();
            return Ok(Local { generation: None, held, damage: Damage::default(), is_known: true });
        };
        let files = self.writer.files;
        let (held, damage) = match generation.held(files) {
            Ok(held) if self.is_intact => (held, Damage::default()),
            Ok(held) => {
                let damage = generation.damage(files, &held, &self.status)?;
                (held, damage)
            }
            Err(error) => {
                log::warn!("{}", error.to_chain());
                let damage = Damage { of_the_tree: true, ..Damage::default() };
                (Manifest::default(), damage)
            }
        };
        // A manifest that was tampered with says nothing of what is held.
        let is_known = !damage.of_the_tree || !generation.is_complete(files)?;
        let held = if is_known { held } else { Manifest::default() };
        Ok(Local { generation: Some(generation), held, damage, is_known })
    }

    /// Where it is not known what is held, looks for the files of `wanted`.
    pub(super) fn salvage(&self, local: &mut Local, wanted: &Manifest) -> Result<()> {
        let Some(generation) = local.generation.as_ref().filter(|_| !local.is_known) else {
            return Ok(());
        };
        let mut entries = Vec::new();
        for entry in wanted.entries() {
            let path = entry.path().below(&generation.folder);
            if let Some((digest, len_bytes)) = digest_if_any(self.writer.files, &path)? {
                let held = Entry::new(entry.id(), entry.path().clone(), digest)?;
                entries.push(held.with_size(len_bytes));
            }
        }
        local.held = Manifest::from_entries(entries)?;
        local.damage.entries.clear();
        local.is_known = true;
        Ok(())
    }
}

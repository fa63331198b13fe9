//! The quick way: one pack instead of many files, where the tree offers one that fits.
//!
//! A pack is chosen by sizes that are known in advance. It is spooled, so that a cut
//! download goes on where it ended, then unpacked into `incoming` through verification.
//! Whatever is wrong with it, it is dropped, and what is still missing is fetched file by
//! file.

mod offers;
mod unpack;

use std::borrow::Cow;
use std::io::{self, Read, Write};

use super::head::FoundHead;
use super::local::Local;
use super::{Run, Trust, ends_the_run, may_be_an_outage};
use crate::error::{Error, ErrorKind, Result};
use crate::fetch::{Sink, Spool};
use crate::files::stat_if_any;
use crate::head::Head;
use crate::limits::{MAX_MANIFEST_BYTES, MAX_PACK_BYTES};
use crate::manifest::{Manifest, write_patched};
use crate::pack::{self, PackName};
use crate::plan::Plan;
use crate::progress::{Phase, Reporter};
use crate::store::{Generation, SpoolFile, cannot_keep};
use offers::{Holding, Offer, Offers};
pub(super) use unpack::Brought;
use unpack::{Pack, Unpacker};

/// Bytes unpacked at a time, and so the distance between two looks at the cancel token.
const CHUNK_BYTES: usize = 16 * 1024;

/// How the manifest came, or did not come, out of a pack.
pub(super) enum First {
    /// This pack brought it, and may bring the files as well.
    Used(Offer),
    /// No pack is worth beginning with.
    NotChosen,
    /// The pack that was chosen is not to be had, or not usable: none is tried any more.
    GivenUp,
}

impl Run<'_> {
    /// Gets the manifest out of a pack, if one is offered that fits. Otherwise it is left to
    /// be fetched by itself.
    ///
    /// # Errors
    /// What ends the run: above all an outage of the source.
    pub(super) fn manifest_from_pack(
        &self,
        found: &FoundHead,
        local: &Local,
        reporter: &mut Reporter<'_>,
    ) -> Result<First> {
        let incoming = &self.writer.incoming;
        let holds_generation = local.generation.is_some() && self.options.trust != Trust::Nothing;
        let holding = match holds_generation || incoming.holds_files(found.head.digest())? {
            true => Holding::Something,
            false => Holding::Nothing,
        };
        let manifest_bytes = found.head.size_bytes().unwrap_or(0);
        let offers = self.offers(&found.head, local)?;
        let Some(offer) = offers.first(manifest_bytes, holding, self.extent) else {
            return Ok(First::NotChosen);
        };
        let used = self
            .use_pack(found, &offer, reporter, &mut || self.keep_manifest(found, local, &offer))?;
        match used {
            // What is there now has come in this run.
            true => Ok(First::Used(Offer { left_bytes: offer.len_bytes, ..offer })),
            false => Ok(First::GivenUp),
        }
    }

    /// The packs of `head` that can be used here.
    fn offers(&self, head: &Head, local: &Local) -> Result<Offers> {
        let base = self.base(local);
        let mut offers = Offers::default();
        for offer in head.packs().iter().filter(|offer| offer.size_bytes <= MAX_PACK_BYTES) {
            let place = match &offer.base {
                None => &mut offers.bundle,
                Some(_) if offer.base == base => &mut offers.delta,
                Some(_) => continue,
            };
            let name = PackName::new(offer.base.clone(), head.digest());
            let left_bytes = offer.size_bytes.saturating_sub(self.writer.incoming.spooled(&name)?);
            *place = Some(Offer { name, len_bytes: offer.size_bytes, left_bytes });
        }
        Ok(offers)
    }

    /// Brings what the plan asks for by packs, as far as that costs less than single files.
    /// `first` tells what became of the one that the manifest was to come from.
    ///
    /// # Errors
    /// What ends the run.
    pub(super) fn files_from_packs(
        &self,
        found: &FoundHead,
        local: &Local,
        (plan, wanted): (&Plan<'_>, &Manifest),
        first: First,
        reporter: &mut Reporter<'_>,
    ) -> Result<Brought> {
        let mut brought = Brought::nothing_of(plan);
        let mut unpacker = Unpacker::new(self, plan, &mut brought);
        self.salvage_spools(found, &mut unpacker)?;
        let offer = match first {
            First::Used(offer) => Some(offer),
            First::GivenUp => None,
            First::NotChosen => {
                let (missing, missing_bytes) = unpacker.missing()?;
                self.offers(&found.head, local)?.instead_of(missing, missing_bytes)
            }
        };
        if let Some(offer) = offer {
            let used = self.use_pack(found, &offer, reporter, &mut || {
                unpacker.unpack(found, &offer.name, local, wanted)
            })?;
            brought.any = used;
        }
        Ok(brought)
    }

    /// The first digits of the manifest that deltas may start from: the one held, byte for
    /// byte.
    fn base(&self, local: &Local) -> Option<String> {
        let generation = local.generation.as_ref()?;
        if local.damage.of_the_tree || self.options.trust == Trust::Nothing {
            return None;
        }
        // Without a base, the pack that needs none does as well.
        let head = generation.head(self.writer.files).ok()??;
        Some(pack::digits(head.digest()))
    }

    /// Downloads a pack and does something with it. `false` if it is not to be had, or not
    /// usable: then it is dropped.
    fn use_pack(
        &self,
        found: &FoundHead,
        offer: &Offer,
        reporter: &mut Reporter<'_>,
        act: &mut dyn FnMut() -> Result<()>,
    ) -> Result<bool> {
        // What an earlier run has left may be damaged: then it is fetched anew, once.
        let attempts = if offer.left_bytes < offer.len_bytes { 2 } else { 1 };
        for _ in 0..attempts {
            if !self.download(found, offer, reporter)? {
                return Ok(false);
            }
            let error = match act() {
                Ok(()) => return Ok(true),
                Err(error) if ends_the_run(&error) => return Err(error),
                Err(error) => error,
            };
            log::warn!("{} is dropped: {}", offer.name, error.to_chain());
            self.writer.incoming.drop_spool(&offer.name)?;
        }
        Ok(false)
    }

    /// Downloads a pack, or the rest of it. `false` if no mirror has it.
    fn download(
        &self,
        found: &FoundHead,
        offer: &Offer,
        reporter: &mut Reporter<'_>,
    ) -> Result<bool> {
        let mut spool = self.writer.incoming.spool(&offer.name)?;
        if spool.held_bytes() == offer.len_bytes {
            return Ok(true);
        }
        reporter.progress.files_done = 0;
        reporter.progress.files_total = 1;
        reporter.progress.bytes_done = spool.held_bytes().min(offer.len_bytes);
        reporter.progress.bytes_total = Some(offer.len_bytes);
        reporter.enter(Phase::Fetching);
        for base in &found.bases {
            let address = base.address(&offer.name.path());
            let mut sink = Reported { spool: &mut spool, reporter: &mut *reporter };
            match self.fetcher.fetch_rest(&address, offer.len_bytes, &mut sink) {
                Ok(()) => {
                    reporter.progress.files_done = 1;
                    reporter.report();
                    return Ok(true);
                }
                Err(error) if ends_the_run(&error) => return Err(error),
                Err(error) if may_be_an_outage(&error) && !self.is_alive(&found.probe) => {
                    return Err(error);
                }
                Err(error) => log::info!("{}", error.to_chain()),
            }
        }
        Ok(false)
    }

    /// Puts the manifest that a pack leads to into `incoming`.
    ///
    /// # Errors
    /// [`ErrorKind::Integrity`] if it is not the one that the head names.
    fn keep_manifest(&self, found: &FoundHead, local: &Local, offer: &Offer) -> Result<()> {
        let incoming = &self.writer.incoming;
        let head = &found.head;
        let max_bytes = max_manifest_bytes(head);
        let pack = incoming.open_spool(&offer.name)?;
        let mut out = incoming.begin_hashed()?;
        match (&offer.name.base, &local.generation) {
            (Some(_), Some(generation)) => {
                let patch = pack::patch_of(pack, self.max_patch_bytes(found, generation)?)?;
                let path = generation.list_path();
                let base = self.writer.files.open(&path);
                let base = base.map_err(|error| Error::io("read this file", &path, error))?;
                write_patched(io::BufReader::new(base), &patch, &mut out)?;
            }
            _ => pack::bundled_manifest(pack, max_bytes, &mut |content| {
                self.copy(content, &mut out, max_bytes)
            })?,
        }
        let (part, digest, _) = out.finish()?;
        if digest != head.digest() {
            let message = format!("expected the manifest {}, got {digest}", head.digest());
            return Err(Error::new(ErrorKind::Integrity, message));
        }
        part.keep(digest)
    }

    /// The manifest of the current generation, which is what is held unless something failed.
    fn base_manifest<'m>(
        &self,
        generation: &Generation,
        local: &'m Local,
    ) -> Result<Cow<'m, Manifest>> {
        match generation.is_complete(self.writer.files)? {
            true => Ok(Cow::Borrowed(&local.held)),
            false => generation.manifest(self.writer.files).map(Cow::Owned),
        }
    }

    /// The most that a patch can say, in bytes: all that is new, and the ids of all that is
    /// gone.
    fn max_patch_bytes(&self, found: &FoundHead, generation: &Generation) -> Result<u64> {
        let stat = stat_if_any(self.writer.files, &generation.list_path())?;
        let base_bytes = stat.map_or(0, |stat| stat.len_bytes);
        Ok(base_bytes.saturating_add(max_manifest_bytes(&found.head)))
    }

    /// Takes what is of use from packs that an interrupted run was fetching, and that are
    /// not offered any more.
    fn salvage_spools(&self, found: &FoundHead, unpacker: &mut Unpacker<'_, '_>) -> Result<()> {
        let incoming = &self.writer.incoming;
        for name in incoming.spools()? {
            if name.leads_to(found.head.digest()) {
                continue;
            }
            if name.base.is_none()
                && let Err(error) =
                    unpacker.unpack_bundle(incoming.open_spool(&name)?, Pack::Former)
            {
                if ends_the_run(&error) {
                    return Err(error);
                }
                // It was cut off, so that it has an end is not to be expected.
                log::debug!("{name}: {}", error.to_chain());
            }
            incoming.drop_spool(&name)?;
        }
        Ok(())
    }

    /// Copies up to `max_bytes` bytes, looking at the cancel token now and then.
    pub(super) fn copy(
        &self,
        from: &mut dyn Read,
        to: &mut dyn Write,
        max_bytes: u64,
    ) -> Result<()> {
        let mut chunk = [0; CHUNK_BYTES];
        let mut left = max_bytes;
        loop {
            self.fetcher.check_go_on()?;
            let n = from.read(&mut chunk).map_err(|error| {
                Error::new(ErrorKind::Integrity, "the pack cannot be read on").with_source(error)
            })?;
            if n == 0 {
                return Ok(());
            }
            left = left.checked_sub(n as u64).ok_or_else(|| {
                let message = format!("expected at most {max_bytes} bytes, got more");
                Error::new(ErrorKind::Integrity, message)
            })?;
            to.write_all(&chunk[..n]).map_err(cannot_keep)?;
        }
    }
}

/// Brings what the plan asks for out of a bundle.
///
/// # Errors
/// [`ErrorKind::Integrity`] if it is not what it should be, or cannot be read to its end.
pub(super) fn unpack_file(run: &Run<'_>, plan: &Plan<'_>, bundle: impl Read) -> Result<Brought> {
    let mut brought = Brought::nothing_of(plan);
    Unpacker::new(run, plan, &mut brought).unpack_bundle(bundle, Pack::Offered)?;
    Ok(brought)
}

/// The most that the manifest can have, in bytes.
pub(super) fn max_manifest_bytes(head: &Head) -> u64 {
    head.size_bytes().unwrap_or(MAX_MANIFEST_BYTES).min(MAX_MANIFEST_BYTES)
}

/// A spool that tells how far it is.
struct Reported<'a, 'b> {
    spool: &'a mut SpoolFile,
    reporter: &'a mut Reporter<'b>,
}

impl Reported<'_, '_> {
    fn report(&mut self) {
        self.reporter.progress.bytes_done = self.spool.held_bytes();
        self.reporter.report();
    }
}

impl Write for Reported<'_, '_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.spool.write(bytes)?;
        self.report();
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.spool.flush()
    }
}

impl Sink for Reported<'_, '_> {
    fn restart(&mut self) -> io::Result<()> {
        self.spool.restart()?;
        self.report();
        Ok(())
    }
}

impl Spool for Reported<'_, '_> {
    fn held_bytes(&self) -> u64 {
        self.spool.held_bytes()
    }
}

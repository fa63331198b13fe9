//! Packs: one file instead of many, where the tree offers one that fits.
//!
//! A pack is chosen by sizes that are known in advance. It is downloaded into staging, so that a
//! cut download can be continued, then unpacked through verification. A pack that turns out to be
//! useless is dropped, and what is still missing is fetched file by file.

use std::collections::HashSet;
use std::io::{self, Write};

use super::first::unpack_first;
use super::offers::{Holding, Offer, Size, choose_first, choose_instead_of_files};
use super::unpack::{Leads, Unpacker, copy_from_pack};
use super::{Unpacked, missing_files};
use crate::base::digest::Digest;
use crate::base::error::{Error, ErrorKind, IoContext, Result};
use crate::base::files::stat_if_any;
use crate::base::limits::{MAX_PACK_BYTES, MAX_PATCH_BYTES};
use crate::net::fetch::{ResumableSink, Sink};
use crate::store::{Generation, PartialPack, StagedTree};
use crate::tree::head::{Head, OfferedPack};
use crate::tree::manifest::{Additions, Patched, RowSource, Rows, Stretch, write_patched};
use crate::tree::pack::{self, PackName};
use crate::update::manifest::{Unchecked, UnpackedManifest};
use crate::update::mirrors::Failure;
use crate::update::plan::Plan;
use crate::update::progress::Reporter;
use crate::update::session::{Context, Session, ends_the_update};
use crate::update::steps::{Reuse, Sides};

/// The packs that lead to the remote manifest.
#[derive(Default)]
pub(in crate::update) struct Packs {
    offers: Vec<Offer>,
}

impl Packs {
    /// The packs of `head` that can be used here.
    pub(in crate::update) fn offered(context: Context<'_>, head: &Head) -> Result<Packs> {
        let Context { session, local, remote } = context;
        let base = local.delta_base(session).map(|head| pack::digits(head.digest()));
        let staging = &session.store.staging;
        if remote.mirrors.is_empty() {
            // An imported bundle is in staging already, whether the head offers it or not.
            let name = PackName::new(None, head.digest());
            let len_bytes = staging.staged_pack_bytes(&name)?;
            let offer = Offer { name, len_bytes, left_bytes: 0, is_resumed: false };
            return Ok(Packs { offers: vec![offer] });
        }
        let is_usable = |pack: &&OfferedPack| {
            pack.size_bytes <= MAX_PACK_BYTES && (pack.base.is_none() || pack.base == base)
        };
        let mut packs: Vec<OfferedPack> = head.packs().iter().filter(is_usable).cloned().collect();
        if let Some(delta) = head.delta().filter(|delta| Some(&delta.base) == base.as_ref()) {
            let size_bytes = delta.bytes.len() as u64;
            let file = packs.iter().find(|pack| pack.base == base);
            // With another size, it is not the pack that the file is.
            if file.is_none_or(|file| file.size_bytes == size_bytes) {
                staging.keep_pack(&PackName::new(base.clone(), head.digest()), &delta.bytes)?;
            }
            if file.is_none() {
                packs.push(OfferedPack { base, size_bytes, first_frame_bytes: None });
            }
        }
        let mut offers = Vec::with_capacity(packs.len());
        for pack in packs {
            let name = PackName::new(pack.base, head.digest());
            let there = staging.staged_pack_bytes(&name)?;
            let left_bytes = pack.size_bytes.saturating_sub(there);
            // The bytes on disk may be damaged.
            let is_resumed = there > 0;
            offers.push(Offer { name, len_bytes: pack.size_bytes, left_bytes, is_resumed });
        }
        Ok(Packs { offers })
    }

    /// Takes the manifest out of a pack, if one is worth beginning with. `None` if it must be fetched
    /// without one.
    ///
    /// # Errors
    /// Errors that end the update: above all an outage of every mirror.
    pub(in crate::update) fn bring_manifest(
        &mut self,
        context: Context<'_>,
        progress: &mut Reporter<'_>,
        head: &Head,
    ) -> Result<Option<UnpackedManifest>> {
        let Context { session, local, .. } = context;
        let may_reuse = session.options.reuse() == Reuse::Intact;
        let has_files = local.generation.is_some() && may_reuse
            || session.store.staging.has_reusable_files(head.digest())?;
        let holding = if has_files { Holding::Something } else { Holding::Nothing };
        let manifest_bytes = head.size_bytes().unwrap_or(0);
        let Some(offer) = choose_first(&self.offers, manifest_bytes, holding, session.extent)
        else {
            return Ok(None);
        };
        let offer = offer.clone();
        let used =
            use_pack(context, progress, &offer, &mut || keep_manifest(context, head, &offer.name))?;
        match used {
            // Now it is in staging.
            Some(_) => {
                self.offers.iter_mut().filter(|o| **o == offer).for_each(|o| o.left_bytes = 0);
            }
            // One bad pack makes the others unlikely to be better.
            None => self.offers.clear(),
        }
        Ok(used)
    }

    /// Brings what `plan` asks for by packs, as far as that costs less than single files.
    ///
    /// # Errors
    /// Errors that end the update.
    pub(super) fn bring_files(
        self,
        context: Context<'_>,
        progress: &mut Reporter<'_>,
        head: &Head,
        plan: &Plan,
        remote: &dyn RowSource,
        sides: Sides<'_>,
    ) -> Result<Unpacked> {
        let staging = &context.session.store.staging;
        let is_first_sync = context.local.generation.is_none()
            && staging.staged_packs()?.iter().all(|pack| pack.leads_to(head.digest()));
        if is_first_sync {
            return self.bring_first(context, progress, plan, remote, sides);
        }
        let mut unpacker = Unpacker::new(context, missing_files(plan, sides)?, plan, sides, remote);
        salvage_old_packs(context.session, head, &mut unpacker)?;
        if unpacker.is_done() {
            return Ok(Unpacked { tree: None, missing: Vec::new() });
        }
        if let Some(offer) = choose_instead_of_files(&self.offers, unpacker.size()?) {
            use_pack(context, progress, offer, &mut || unpacker.unpack(head, &offer.name))?;
        }
        report_files(progress, unpacker.staged_len());
        Ok(Unpacked { tree: None, missing: unpacker.into_missing() })
    }

    /// Brings the files of a first sync: from a bundle straight into a tree, which becomes the next
    /// generation.
    fn bring_first(
        self,
        context: Context<'_>,
        progress: &mut Reporter<'_>,
        plan: &Plan,
        remote: &dyn RowSource,
        sides: Sides<'_>,
    ) -> Result<Unpacked> {
        let session = context.session;
        let offer = choose_instead_of_files(&self.offers, missing_size(session, remote)?);
        let unpacked = offer.map_or(Ok(None), |offer| {
            use_pack(context, progress, offer, &mut || {
                let bundle = session.store.staging.open_pack(&offer.name)?;
                unpack_first(session, bundle, remote)
            })
        })?;
        match unpacked {
            Some(unpacked) => {
                report_files(progress, unpacked.tree.as_ref().map_or(0, StagedTree::len));
                Ok(unpacked)
            }
            None => Ok(Unpacked { tree: None, missing: missing_files(plan, sides)? }),
        }
    }
}

/// Returns the size of the files of a manifest that are not in staging.
fn missing_size(session: &Session<'_>, remote: &dyn RowSource) -> Result<Size> {
    let staged: HashSet<String> =
        session.store.staging.digests()?.iter().map(Digest::to_string).collect();
    let (mut rows, mut size) = (remote.rows()?, Size::default());
    while let Some(row) = rows.next()? {
        if staged.is_empty() || !staged.contains(row.digest_text()?) {
            size.add(row.max_bytes()?);
        }
    }
    Ok(size)
}

/// Reports files that were unpacked.
fn report_files(progress: &mut Reporter<'_>, files: usize) {
    let files = files as u64;
    (progress.progress.files_done, progress.progress.files_total) = (files, files);
    progress.report();
}

/// Downloads a pack and does something with it. `None` if no mirror has it, or it is useless: then
/// it is dropped, with a warning.
fn use_pack<T>(
    context: Context<'_>,
    progress: &mut Reporter<'_>,
    offer: &Offer,
    act: &mut dyn FnMut() -> Result<T>,
) -> Result<Option<T>> {
    let session = context.session;
    // The rest of an earlier download may be damaged: then the pack is fetched again, once.
    let attempts = if offer.is_resumed { 2 } else { 1 };
    for _ in 0..attempts {
        match download(context, progress, offer) {
            Ok(()) => {}
            Err(Failure::Update(error)) => return Err(error),
            Err(Failure::Request(error)) => {
                session.warnings.add(format!("{} was not used: {}", offer.name, error.to_chain()));
                return Ok(None);
            }
        }
        let error = match act() {
            Ok(done) => return Ok(Some(done)),
            Err(error) if ends_the_update(&error) => return Err(error),
            Err(error) => error,
        };
        session.warnings.add(format!("{} was dropped: {}", offer.name, error.to_chain()));
        session.store.staging.drop_pack(&offer.name)?;
    }
    Ok(None)
}

/// Downloads a pack, or the rest of it.
fn download(
    Context { session, remote, .. }: Context<'_>,
    progress: &mut Reporter<'_>,
    offer: &Offer,
) -> Result<(), Failure> {
    let mut partial = session.store.staging.resume_pack(&offer.name).map_err(Failure::Update)?;
    if partial.len_bytes() == offer.len_bytes {
        return Ok(());
    }
    progress.begin_fetching(0, Some(offer.len_bytes));
    remote.mirrors.first(session, |mirror, retries| {
        let address = mirror.address(&offer.name.path());
        let mut sink = Reported { partial: &mut partial, progress };
        session.fetcher.fetch_rest(&address, offer.len_bytes, &mut sink, retries)
    })?;
    progress.report();
    Ok(())
}

/// Puts the manifest that a pack leads to into staging.
///
/// # Errors
/// [`ErrorKind::Integrity`] if it is not the one that the head names.
fn keep_manifest(context: Context<'_>, head: &Head, name: &PackName) -> Result<UnpackedManifest> {
    let Context { session, local, .. } = context;
    let staging = &session.store.staging;
    let max_bytes = head.max_manifest_bytes();
    let pack = staging.open_pack(name)?;
    let mut out = staging.begin_hashed()?;
    let manifest = match (&name.base, &local.generation) {
        (Some(_), Some(generation)) => {
            let patch = pack::patch_of(pack, max_patch_bytes(session, head, generation)?)?;
            let path = generation.list_path();
            let base = session.store.files.open(&path).on("read", &path)?;
            let Patched { additions, differs } = write_patched(Rows::new(base), &patch, &mut out)?;
            let unchecked = match additions {
                Additions::None => Unchecked::Nothing,
                Additions::Some => Unchecked::Together,
            };
            // A damaged file is a difference, too, wherever it is.
            let is_base_of_plan = local.manifest.is_at(&path) && local.damage.is_none();
            let differs = Some(differs).filter(|_| is_base_of_plan).unwrap_or_default();
            UnpackedManifest { unchecked, differs }
        }
        _ => {
            pack::bundled_manifest(pack, max_bytes, &mut |content| {
                copy_from_pack(session, content, &mut out, max_bytes)
            })?;
            let (unchecked, differs) = (Unchecked::Everything, Stretch::default());
            UnpackedManifest { unchecked, differs }
        }
    };
    let (part, digest, _) = out.finish()?;
    if digest != head.digest() {
        return Err(Error::new(
            ErrorKind::Integrity,
            format!("expected the manifest {}, got {digest}", head.digest()),
        ));
    }
    part.keep(digest)?;
    Ok(manifest)
}

/// The largest patch that makes sense, in bytes: all that is new, and the ids of all that is gone.
pub(super) fn max_patch_bytes(
    session: &Session<'_>,
    head: &Head,
    generation: &Generation,
) -> Result<u64> {
    let stat = stat_if_any(session.store.files, &generation.list_path())?;
    let base_bytes = stat.map_or(0, |stat| stat.len_bytes);
    Ok(base_bytes.saturating_add(head.max_manifest_bytes()).min(MAX_PATCH_BYTES))
}

/// Takes files out of packs that an interrupted update was fetching, and that are no longer
/// offered.
fn salvage_old_packs(
    session: &Session<'_>,
    head: &Head,
    unpacker: &mut Unpacker<'_>,
) -> Result<()> {
    let staging = &session.store.staging;
    for name in staging.staged_packs()? {
        if name.leads_to(head.digest()) {
            continue;
        }
        if name.base.is_none() {
            match unpacker.unpack_bundle(staging.open_pack(&name)?, Leads::Elsewhere) {
                Err(error) if ends_the_update(&error) => return Err(error),
                // It was cut off, so that it ends early.
                Err(error) => log::debug!("{name}: {}", error.to_chain()),
                Ok(()) => {}
            }
        }
        staging.drop_pack(&name)?;
    }
    Ok(())
}

/// A partial pack that reports its progress.
struct Reported<'a, 'b> {
    partial: &'a mut PartialPack,
    progress: &'a mut Reporter<'b>,
}

impl Reported<'_, '_> {
    fn report(&mut self) {
        self.progress.progress.bytes_done = self.partial.len_bytes();
        self.progress.report();
    }
}

impl Write for Reported<'_, '_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.partial.write(bytes)?;
        self.report();
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.partial.flush()
    }
}

impl Sink for Reported<'_, '_> {
    fn restart(&mut self) -> io::Result<()> {
        self.partial.restart()?;
        self.report();
        Ok(())
    }
}

impl ResumableSink for Reported<'_, '_> {
    fn len_bytes(&self) -> u64 {
        self.partial.len_bytes()
    }
}

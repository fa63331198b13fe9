//! Offline: a bundle that came on a stick, or with a release.

use std::io;
use std::path::{Path, PathBuf};

use super::finish::List;
use super::head::FoundHead;
use super::packs::{self, Brought};
use super::{Extent, Run, Supplier, Trust, Updater};
use crate::digest::Digest;
use crate::error::{Error, ErrorKind, Result};
use crate::files::{FileKind, Files, read_if_any, stat_if_any};
use crate::head::{DEFAULT_MANIFEST, Head};
use crate::limits::{MAX_HEAD_BYTES, MAX_MANIFEST_BYTES};
use crate::location::Location;
use crate::note::{self, VerifierKey};
use crate::pack::{self, PackName};
use crate::path::EntryPath;
use crate::plan::{Action, Plan};
use crate::progress::{Phase, Reporter};
use crate::report::{Outcome, Report};
use crate::source::{Source, SourceName};
use crate::transport::Validators;

/// Where the head of a bundle may be, from the folder that the bundle is in: beside it, or
/// as in a published tree.
const HEADS: &[&str] = &["root.sha", "../root.sha", "../root.v2.sha"];

impl Updater<'_> {
    /// Brings a source in step with a bundle (`packs/empty-<to>.tar.zst` of a published
    /// tree), without a network. Later updates go on from there, by delta where one is
    /// offered; where they ask is not changed.
    ///
    /// The head is taken from `root.sha` beside the bundle, or in the tree that it is in. If
    /// there is none, nobody has signed the bundle, and it has no serial: it is taken only
    /// by a source without trusted keys that has not seen any serial yet. `keys` are the
    /// trusted keys of the source; with none, those of the last update count.
    ///
    /// # Errors
    /// The source keeps the generation it had: [`ErrorKind::NotFound`] if there is no such
    /// file; [`ErrorKind::Integrity`] if it is no bundle, or not a whole one;
    /// [`ErrorKind::Manifest`]; [`ErrorKind::Trust`] without a signed head, where keys ask for
    /// one; [`ErrorKind::Expired`], [`ErrorKind::MassDelete`], [`ErrorKind::Locked`],
    /// [`ErrorKind::Canceled`], [`ErrorKind::Timeout`], [`ErrorKind::Store`]. A bundle that is
    /// older than what is held is no error: see [`Outcome::Stale`].
    pub fn import(
        &mut self,
        name: &SourceName,
        bundle: &Path,
        keys: &[VerifierKey],
    ) -> Result<Report> {
        let path = bundle.canonicalize().map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => {
                Error::new(ErrorKind::NotFound, "there is no such bundle").with_path(bundle)
            }
            _ => Error::io("read this bundle", bundle, error),
        })?;
        // Never asked: whatever is needed is in the bundle.
        let nowhere = Location::folder(path.parent().unwrap_or(Path::new("/")));
        let source = keys
            .iter()
            .fold(Source::new(name.clone(), nowhere), |source, key| source.trust(key.clone()));
        self.start(&source, Extent::Whole, Supplier::Bundle, |run, reporter| {
            run.import(&path, reporter)
        })
    }
}

impl Run<'_> {
    fn import(&mut self, bundle: &Path, reporter: &mut Reporter<'_>) -> Result<Report> {
        self.look_at_current()?;
        reporter.progress.files_total = 1;
        reporter.enter(Phase::Fetching);
        let digest = self.keep_bundled_manifest(bundle)?;
        let held_bytes = self.held_head()?;
        let found = self.head_of_bundle(bundle, digest, held_bytes.as_deref())?;
        if !found.is_current
            && let Some(held) = self.newer_than(&found.head, held_bytes.as_deref(), &found.address)
        {
            let mut report = self.report(Outcome::Stale);
            report.serial = held.serial();
            report.manifest = Some(held.digest());
            return Ok(report);
        }
        let mut local = self.local()?;
        let list = List::Incoming(digest);
        let wanted =
            self.read_manifest(&found, &local, &list).map_err(|error| error.with_path(bundle))?;
        self.salvage(&mut local, &wanted)?;
        let mut plan = Plan::new(&local.held, &local.damage.entries, &wanted);
        plan.check_deletes(self.options.mass_delete)?;
        if self.options.trust == Trust::Nothing {
            plan.distrust();
        }
        let brought = packs::unpack_file(self, &plan, self.open(bundle)?)
            .map_err(|error| error.with_path(bundle))?;
        self.check_whole(&plan, &brought).map_err(|error| error.with_path(bundle))?;
        self.finish_v2(&found, &local, (plan, &wanted), list, brought.failed, reporter)
    }

    fn open(&self, path: &Path) -> Result<Box<dyn io::Read + Send>> {
        self.writer.files.open(path).map_err(|error| Error::io("read this file", path, error))
    }

    /// Puts the manifest of a bundle into `incoming`, where its digest is its name.
    fn keep_bundled_manifest(&self, bundle: &Path) -> Result<Digest> {
        let fail = |error: Error| error.with_path(bundle);
        let mut out = self.writer.incoming.begin_hashed()?;
        pack::bundled_manifest(self.open(bundle)?, MAX_MANIFEST_BYTES, &mut |content| {
            self.copy(content, &mut out, MAX_MANIFEST_BYTES)
        })
        .map_err(fail)?;
        let (part, digest, _) = out.finish()?;
        let name = bundle.file_name().and_then(|name| PackName::parse(name.to_str()?));
        if let Some(name) = name.filter(|name| !name.leads_to(digest)) {
            let message = format!("{name} has another manifest, {digest}");
            return Err(fail(Error::new(ErrorKind::Integrity, message)));
        }
        part.keep(digest)?;
        Ok(digest)
    }

    /// The head that leads to this manifest: one beside the bundle, or none but the digest.
    fn head_of_bundle(
        &mut self,
        bundle: &Path,
        digest: Digest,
        held_bytes: Option<&[u8]>,
    ) -> Result<FoundHead> {
        let folder = bundle.parent().unwrap_or(Path::new("/"));
        let beside = HEADS.iter().map(|name| folder.join(name));
        let beside = find_head(self.writer.files, beside, digest)?;
        let (bytes, path) = match beside {
            Some(found) => found,
            None if self.keys.is_empty() => {
                (format!("{digest}  {DEFAULT_MANIFEST}\n").into_bytes(), bundle.to_owned())
            }
            None => {
                let message = "expected a signed head beside the bundle, root.sha, found none \
                               that leads to its manifest";
                return Err(Error::new(ErrorKind::Trust, message).with_path(bundle));
            }
        };
        let shown = path.display().to_string();
        let head = Head::parse(&bytes).map_err(|error| error.with_path(&path))?;
        note::check_head(&bytes, &self.keys).map_err(|error| error.with_path(&path))?;
        self.check_freshness(&head, &shown)?;
        Ok(FoundHead {
            is_current: held_bytes == Some(&*bytes),
            head,
            bytes,
            bases: Vec::new(),
            only_by_name: Vec::new(),
            probe: self.source.mirrors()[0].address(&EntryPath::new(DEFAULT_MANIFEST)?),
            address: shown,
            validators: Validators::default(),
        })
    }

    /// Whether everything that the plan asks for has come.
    fn check_whole(&self, plan: &Plan<'_>, brought: &Brought) -> Result<()> {
        for (n, step) in plan.steps.iter().enumerate() {
            let is_there = step.action != Action::Fetch
                || brought.steps[n]
                || self.writer.incoming.has(step.entry.digest())?;
            if !is_there {
                let message = format!("{} is not in the bundle", step.entry.path());
                return Err(Error::new(ErrorKind::Integrity, message));
            }
        }
        Ok(())
    }
}

/// The first of these files that is a head of this manifest, with its path.
fn find_head(
    files: &dyn Files,
    paths: impl Iterator<Item = PathBuf>,
    digest: Digest,
) -> Result<Option<(Vec<u8>, PathBuf)>> {
    for path in paths {
        // A head without a serial must not take the place of one that only cannot be read.
        let bytes = match stat_if_any(files, &path)? {
            Some(stat) if stat.kind == FileKind::File && stat.len_bytes <= MAX_HEAD_BYTES => {
                read_if_any(files, &path, MAX_HEAD_BYTES)?
            }
            // Anything else is not a head, and none of our business.
            _ => None,
        };
        let Some(bytes) = bytes else { continue };
        if Head::parse(&bytes).is_ok_and(|head| head.digest() == digest) {
            return Ok(Some((bytes, path)));
        }
        log::info!("{} does not lead to the bundle", path.display());
    }
    Ok(None)
}

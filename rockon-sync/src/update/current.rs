//! The current generation: what the store has before an update, and what of it can be used.

use super::mode::Mode;
use super::rows::{ManifestOnDisk, keep_manifest, keep_rows};
use super::session::Session;
use super::steps::{RemoteManifest, Reuse, Sides};
use crate::base::error::Result;
use crate::base::files::digest_if_any;
use crate::store::{Damage, Generation, QuickCheck, Status, cannot_keep};
use crate::tree::head::Head;
use crate::tree::manifest::{Entry, Form, Manifest};

/// The current generation and its status. Cheap: no manifest is read.
#[derive(Default)]
pub(super) struct Current {
    /// `None` before the first update.
    pub(super) generation: Option<Generation>,
    /// The bytes of its head; `None` in a v1 generation.
    pub(super) head: Option<Vec<u8>>,
    pub(super) status: Status,
    /// True if nothing looks different from the commit.
    pub(super) is_intact: bool,
    /// True if the head is not the one that was committed. Then nothing that it says counts: one
    /// changed digit of its serial could make every other head look older.
    is_head_damaged: bool,
}

/// The current manifest, with the damage to its files.
#[derive(Default)]
pub(super) struct CurrentManifest {
    pub(super) generation: Option<Generation>,
    /// The head of the generation, if it can be read.
    pub(super) head: Option<Head>,
    /// Each entry has the digest of the file that is, or should be, there.
    pub(super) manifest: ManifestOnDisk,
    pub(super) damage: Damage,
    /// The form of the manifest in the generation.
    pub(super) form: Form,
    /// True if the manifest is damaged, too: then it is empty, whatever files there are.
    is_lost: bool,
}

impl Current {
    pub(super) fn open(session: &Session<'_>) -> Result<Current> {
        let files = session.store.files;
        let reader = session.store.reader();
        // The current generation guards against rollback, too.
        let mut status = reader.status().unwrap_or_else(|error| {
            session.warnings.add(format!("the last status is lost: {}", error.to_chain()));
            Status::default()
        });
        status.rank = session.rank.or(status.rank);
        let Some(generation) = reader.current()? else {
            return Ok(Current { status, ..Current::default() });
        };
        // The status is that of an earlier generation if the last update was killed.
        let may_be_quick =
            session.options.mode == Mode::Quick && status.generation == generation.number;
        let checked = match may_be_quick {
            true => generation.quick_check(files, &status.checked_up_to)?,
            false => QuickCheck::Suspicious,
        };
        let is_intact = match checked {
            QuickCheck::Intact { checked_up_to } => {
                status.checked_up_to = checked_up_to;
                true
            }
            QuickCheck::Suspicious => false,
        };
        let head = generation.head_bytes(files)?;
        let is_head_damaged =
            head.as_ref().is_some_and(|head| status.contradicts(&generation, head));
        if is_head_damaged {
            let path = generation.head_path();
            session.warnings.add(format!("{}: damaged, and fetched again", path.display()));
        }
        Ok(Current { generation: Some(generation), head, status, is_intact, is_head_damaged })
    }

    /// The head of the current generation, unless it is damaged.
    pub(super) fn intact_head(&self) -> Option<Head> {
        let bytes = self.head.as_ref().filter(|_| !self.is_head_damaged)?;
        Head::parse(bytes).ok()
    }

    /// Reads the current manifest. Files are only read if something looks wrong, or if the
    /// options ask for it.
    pub(super) fn manifest(&self, session: &Session<'_>) -> Result<CurrentManifest> {
        let Some(generation) = self.generation.clone() else {
            return Ok(CurrentManifest::default());
        };
        let files = session.store.files;
        let form = self.form(session, &generation);
        let on_disk = match generation.manifest_path(files)? {
            Some(path) if path == generation.list_path() => match form {
                Form::Canonical => Some(ManifestOnDisk::at(path)),
                Form::Other => None,
            },
            // An error is found again below.
            Some(path) => ManifestOnDisk::if_canonical(session, path).unwrap_or_default(),
            None => None,
        };
        let (manifest, damage) = match (on_disk, self.is_intact) {
            (Some(manifest), true) => (manifest, Damage::default()),
            (on_disk, _) => match generation.current_manifest(files) {
                Ok(manifest) => self.examined(session, &generation, on_disk, &manifest)?,
                Err(error) => {
                    log::warn!("{}", error.to_chain());
                    let damage = Damage { is_manifest_damaged: true, ..Damage::default() };
                    (ManifestOnDisk::default(), damage)
                }
            },
        };
        // A damaged manifest does not tell which files there are.
        let is_lost = damage.is_manifest_damaged && generation.is_complete(files)?;
        let manifest = if is_lost { ManifestOnDisk::default() } else { manifest };
        let head = generation.head(files).unwrap_or_else(|error| {
            log::warn!("{}", error.to_chain());
            None
        });
        Ok(CurrentManifest { generation: Some(generation), head, manifest, damage, form, is_lost })
    }

    /// Returns the form of the manifest in the generation. It is known of a manifest that still
    /// looks as it was committed.
    fn form(&self, session: &Session<'_>, generation: &Generation) -> Form {
        let known = self.status.canonical.filter(|_| self.is_intact);
        if known.is_some() && known == self.intact_head().map(|head| head.digest()) {
            return Form::Canonical;
        }
        // If it cannot be read, the error is found again.
        ManifestOnDisk::at(generation.list_path()).form(session).unwrap_or(Form::Other)
    }

    /// Looks for damage, and brings the manifest into canonical form.
    fn examined(
        &self,
        session: &Session<'_>,
        generation: &Generation,
        on_disk: Option<ManifestOnDisk>,
        manifest: &Manifest,
    ) -> Result<(ManifestOnDisk, Damage)> {
        let damage = match self.is_intact {
            true => Damage::default(),
            false => generation.damage(session.store.files, manifest, &self.status)?,
        };
        let on_disk = match on_disk {
            Some(on_disk) => on_disk,
            None => ManifestOnDisk::staged(session, keep_manifest(session, manifest)?),
        };
        Ok((on_disk, damage))
    }
}

impl CurrentManifest {
    /// The head of the manifest on disk, if it may be used.
    pub(super) fn base(&self, session: &Session<'_>) -> Option<&Head> {
        let may_use = !self.damage.is_manifest_damaged && session.options.reuse() == Reuse::Intact;
        self.head.as_ref().filter(|_| may_use)
    }

    /// The head of the manifest that deltas may start from.
    pub(super) fn delta_base(&self, session: &Session<'_>) -> Option<&Head> {
        self.base(session).filter(|_| self.form == Form::Canonical)
    }

    /// Compares this manifest with a remote one.
    pub(super) fn compare<T>(
        &self,
        session: &Session<'_>,
        remote: RemoteManifest<'_>,
        compare: impl FnOnce(Sides<'_>) -> Result<T>,
    ) -> Result<T> {
        let current = &self.manifest.source(session);
        compare(Sides { current, damaged: &self.damage.entries, remote })
    }

    /// If the current manifest is damaged, looks for the files of `remote` instead.
    pub(super) fn salvage(
        mut self,
        session: &Session<'_>,
        remote: RemoteManifest<'_>,
    ) -> Result<CurrentManifest> {
        let Some(generation) = self.generation.as_ref().filter(|_| self.is_lost) else {
            return Ok(self);
        };
        let digest = keep_rows(session, |rows| {
            remote.for_each(&mut |id, path| {
                let file = path.below(&generation.dir);
                if let Some((digest, len_bytes)) = digest_if_any(session.store.files, &file)? {
                    let entry = Entry::new(id, path, digest)?.with_size(len_bytes);
                    rows.put_entry(&entry).map_err(cannot_keep)?;
                }
                Ok(())
            })
        })?;
        self.manifest = ManifestOnDisk::staged(session, digest);
        self.damage.entries.clear();
        self.is_lost = false;
        Ok(self)
    }
}

//! The manifest of a new publication.

use std::collections::HashMap;

use super::before::Before;
use super::publisher::PublishSession;
use super::renames::{NamedFile, Renames};
use super::scan::{EntryOfFile, ScannedFile};
use crate::base::digest::Digest;
use crate::base::error::Result;
use crate::base::time::Timestamp;
use crate::format::Format;
use crate::format::target::Requirements;
use crate::tree::manifest::{Entry, Manifest};
use crate::update::plan::Plan;

/// A manifest to publish.
pub(super) struct NewManifest {
    pub(super) manifest: Manifest,
    /// Its canonical form.
    pub(super) bytes: Vec<u8>,
    pub(super) digest: Digest,
    /// The time of the publication.
    pub(super) published: Timestamp,
    /// The differences from the last publication.
    pub(super) plan: Plan,
    pub(super) renames: Renames,
}

impl NewManifest {
    /// Builds the manifest of `files`.
    ///
    /// # Errors
    /// [`MassDelete`](crate::ErrorKind::MassDelete) if too many entries would be deleted;
    /// [`Manifest`](crate::ErrorKind::Manifest); [`Store`](crate::ErrorKind::Store).
    pub(super) fn new(
        session: &PublishSession<'_>,
        before: &Before,
        files: &[ScannedFile],
    ) -> Result<NewManifest> {
        let options = session.options;
        let published = options.published.unwrap_or_else(|| options.clock.now().into());
        let named =
            files.iter().map(|file| NamedFile::of_scanned(file, options.format, &before.manifest));
        let named: Vec<NamedFile<'_>> = named.collect();
        let renames = Renames::find(&session.tree, &before.manifest, &named)?;
        let entries = entries_of(files, options.format, &before.manifest, published)?;
        let entries = entries.into_iter().map(|entry| renames.mark(entry));
        let manifest = Manifest::from_entries(entries.collect())?;
        let plan = Plan::to(&before.manifest, &manifest)?;
        plan.check_deletes(options.mass_delete)?;
        let bytes = manifest.to_canonical();
        let digest = Digest::of(&bytes);
        Ok(NewManifest { manifest, bytes, digest, published, plan, renames })
    }

    /// Returns the size of the canonical form.
    pub(super) fn len_bytes(&self) -> u64 {
        self.bytes.len() as u64
    }

    /// The requirements of entries that have any, by id, in byte order.
    pub(super) fn requirements_by_id(&self) -> Vec<(String, Requirements)> {
        let entries = self.manifest.sorted();
        let each = entries.map(|entry| (entry.id().to_owned(), entry.requirements()));
        each.filter(|(_, requirements)| !requirements.is_empty()).collect()
    }
}

/// Returns the entries of `files`. An entry keeps its time as long as its bytes stay the same.
fn entries_of(
    files: &[ScannedFile],
    format: Format,
    previous: &Manifest,
    now: Timestamp,
) -> Result<Vec<Entry>> {
    let by_digest: HashMap<Digest, Option<Timestamp>> =
        previous.entries().iter().map(|entry| (entry.digest(), entry.updated())).collect();
    let entries = files.iter().map(|file| {
        let published = previous.entry(&file.id);
        let EntryOfFile::Made { names, requirements, fields } = &file.entry else {
            return Ok(published.expect("it was published under this id").clone());
        };
        let same = published.filter(|old| old.digest() == file.digest);
        let updated = match same {
            Some(old) => old.updated(),
            None => by_digest.get(&file.digest).copied().flatten(),
        };
        let mut entry = Entry::new(&*file.id, file.path.clone(), file.digest)?
            .with_size(file.len_bytes)
            .with_updated(updated.unwrap_or(now))
            .with_requirements(requirements);
        if let Some(names) = names {
            entry = entry.with_names(names.iter().map(String::as_str));
        }
        for (key, value) in fields {
            entry = entry.with_extra(key, value.clone());
        }
        Ok(format.mark(entry))
    });
    entries.collect()
}

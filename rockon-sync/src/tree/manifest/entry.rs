//! Entries: one file of a tree each.

use std::sync::Arc;

use super::invalid::{InvalidEntry, InvalidManifest};
use crate::base::digest::Digest;
use crate::base::error::{Result, excerpt};
use crate::base::json::write_string;
use crate::base::limits::{
    MAX_ALL_NAMES, MAX_ENTRIES, MAX_FORMER_NAMES, MAX_NAME_BYTES, MAX_NAMES, MAX_UNSIZED_FILE_BYTES,
};
use crate::base::path::EntryPath;
use crate::base::time::Timestamp;

#[cfg(doc)]
use crate::base::error::ErrorKind;

/// One row of a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry(Arc<Fields>);

/// The fields of an entry. Two manifests can share them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fields {
    id: Box<str>,
    path: EntryPath,
    digest: Digest,
    pub(super) size_bytes: Option<u64>,
    pub(super) updated: Option<Timestamp>,
    pub(super) names: Option<Box<[Box<str>]>>,
    /// Extra fields in byte order, each value in canonical form. Entries can share them.
    pub(super) extra: Option<Arc<[ExtraField]>>,
}

/// The extra field with the format of the file, which is a Rock-on if the field is missing.
pub(crate) const FORMAT: &str = "format";
/// Extra field with the required architectures.
pub(crate) const ARCH: &str = "arch";
/// Extra field with the required version.
pub(crate) const MIN_VERSION: &str = "min_version";
/// Extra field with the former names of the one definition in the file, newest first.
pub(crate) const FORMERLY: &str = "formerly";
/// Extra field in the store of a v1 source: the validator `ETag` of the file.
pub(crate) const ETAG: &str = "etag";
/// Extra field in the store of a v1 source: the validator `Last-Modified` of the file.
pub(crate) const LAST_MODIFIED: &str = "last-modified";
/// Extra field in the store of a v1 source: the mirror that sent the validators.
pub(crate) const MIRROR: &str = "mirror";

/// Name and value of an extra field.
pub(super) type ExtraField = (Box<str>, Box<str>);

impl Entry {
    /// Returns an entry with the required fields.
    ///
    /// # Errors
    /// [`ErrorKind::Manifest`] for an id that is empty, is longer than 1,024 bytes or has control
    /// characters, and for a path that the protocol itself uses.
    pub fn new(id: impl Into<String>, path: EntryPath, digest: Digest) -> Result<Entry> {
        let id = id.into();
        check_id_and_path(&id, &path).map_err(|rule| rule.of(&id))?;
        Ok(Entry(Arc::new(Fields {
            id: id.into_boxed_str(),
            path,
            digest,
            size_bytes: None,
            updated: None,
            names: None,
            extra: None,
        })))
    }

    /// Returns the fields for a change. Only this module changes entries.
    pub(super) fn fields(&mut self) -> &mut Fields {
        Arc::make_mut(&mut self.0)
    }

    /// Sets the size of the file, in bytes.
    #[must_use]
    pub fn with_size(mut self, size_bytes: u64) -> Entry {
        self.fields().size_bytes = Some(size_bytes);
        self
    }

    /// Sets the time of the last change of the file.
    #[must_use]
    pub fn with_updated(mut self, updated: Timestamp) -> Entry {
        self.fields().updated = Some(updated);
        self
    }

    /// Sets the names of the definitions in the file.
    #[must_use]
    pub fn with_names(mut self, names: impl IntoIterator<Item = impl Into<Box<str>>>) -> Entry {
        self.fields().names = Some(names.into_iter().map(Into::into).collect());
        self
    }

    /// Sets an extra field to a JSON string.
    pub(crate) fn with_extra_string(self, key: &str, value: &str) -> Entry {
        let mut text = String::new();
        write_string(value, &mut text);
        self.with_extra(key, text)
    }

    /// Sets an extra field to canonical JSON.
    pub(crate) fn with_extra(mut self, key: &str, value: String) -> Entry {
        let extra = self.fields().extra.take();
        let mut fields = extra.map_or_else(Vec::new, |fields| fields.to_vec());
        fields.retain(|(name, _)| &**name != key);
        fields.push((key.into(), value.into_boxed_str()));
        fields.sort();
        self.fields().extra = Some(fields.into());
        self
    }

    /// Returns the entry with another id.
    pub(crate) fn with_id(mut self, id: &str) -> Result<Entry> {
        if self.id() != id {
            self.fields().id = Entry::new(id, self.path().clone(), self.digest())?.id().into();
        }
        Ok(self)
    }

    /// Returns the entry with the id and path of `other`.
    pub(crate) fn moved_to(mut self, other: &Entry) -> Entry {
        let fields = self.fields();
        fields.id.clone_from(&other.0.id);
        fields.path.clone_from(&other.0.path);
        self
    }

    /// Returns the key of the entry.
    pub fn id(&self) -> &str {
        &self.0.id
    }

    /// Returns the path of the file, relative to the tree and to the store's generation.
    pub fn path(&self) -> &EntryPath {
        &self.0.path
    }

    /// Returns the digest of the file.
    pub fn digest(&self) -> Digest {
        self.0.digest
    }

    /// Returns the size of the file in bytes, if the manifest contains it.
    pub fn size_bytes(&self) -> Option<u64> {
        self.0.size_bytes
    }

    /// Returns the time of the last change of the file, if the manifest contains it.
    pub fn updated(&self) -> Option<Timestamp> {
        self.0.updated
    }

    /// Returns the names of the definitions in the file, if the manifest contains them.
    pub fn names(&self) -> Option<&[Box<str>]> {
        self.0.names.as_deref()
    }

    /// Returns the extra fields in byte order: name, and value as canonical JSON.
    pub fn extra(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.extra.as_deref().unwrap_or_default().iter().map(|(key, value)| (&**key, &**value))
    }

    /// Returns the value of an extra field that is a string.
    pub(crate) fn extra_string(&self, key: &str) -> Option<String> {
        serde_json::from_str(self.extra_value(key)?).ok()
    }

    fn extra_value(&self, key: &str) -> Option<&str> {
        self.extra().find(|(name, _)| *name == key).map(|(_, value)| value)
    }

    /// Sets the former names of the definition in the file, newest first; removes the field if
    /// there are none.
    pub(crate) fn with_formerly(mut self, names: &[Box<str>]) -> Entry {
        if !names.is_empty() {
            let names = serde_json::to_string(names).expect("strings are JSON");
            return self.with_extra(FORMERLY, names);
        }
        if self.extra_value(FORMERLY).is_some() {
            let fields = self.extra().filter(|(key, _)| *key != FORMERLY);
            let fields: Vec<ExtraField> =
                fields.map(|(key, value)| (key.into(), value.into())).collect();
            self.fields().extra = (!fields.is_empty()).then(|| fields.into());
        }
        self
    }

    /// Returns the former names of the definition in the file, newest first.
    ///
    /// # Errors
    /// A field that is not an array of names, or that cannot belong to one definition. Clients
    /// ignore it.
    pub(crate) fn formerly(&self) -> Result<Vec<Box<str>>, InvalidFormerly> {
        let Some(value) = self.extra_value(FORMERLY) else { return Ok(Vec::new()) };
        match self.names() {
            Some(names) if names.len() != 1 => {
                Err(InvalidFormerly::SeveralDefinitions { got: names.len() })
            }
            _ => parse_former_names(value),
        }
    }

    /// Returns the limit of the file in bytes: its size, or [`MAX_UNSIZED_FILE_BYTES`].
    pub(crate) fn max_bytes(&self) -> u64 {
        self.0.size_bytes.unwrap_or(MAX_UNSIZED_FILE_BYTES)
    }
}

/// Parses a JSON array of former names.
pub(crate) fn parse_former_names(json: &str) -> Result<Vec<Box<str>>, InvalidFormerly> {
    let names: Vec<Box<str>> = serde_json::from_str(json).map_err(|_| InvalidFormerly::NoArray)?;
    if names.len() > MAX_FORMER_NAMES {
        return Err(InvalidFormerly::TooMany { got: names.len() });
    }
    for (n, name) in names.iter().enumerate() {
        let empty = name.is_empty().then_some("empty");
        if let Some(rule) = empty.or_else(|| violated_rule(name)) {
            return Err(InvalidFormerly::Name { name: excerpt(name), rule });
        }
        if names[..n].contains(name) {
            return Err(InvalidFormerly::Duplicate { name: excerpt(name) });
        }
    }
    Ok(names)
}

/// Former names that are ignored as a whole.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvalidFormerly {
    #[error("expected an array of names")]
    NoArray,
    #[error("expected at most {MAX_FORMER_NAMES} names, got {got}")]
    TooMany { got: usize },
    #[error("invalid name {name:?}: {rule}")]
    Name { name: String, rule: &'static str },
    #[error("duplicate name {name:?}")]
    Duplicate { name: String },
    #[error("expected one definition in the file, got {got}")]
    SeveralDefinitions { got: usize },
}

/// The number of entries and names in a manifest, which are limited.
#[derive(Debug, Clone, Copy)]
pub(super) struct Count {
    entries: usize,
    names: usize,
    max_entries: usize,
}

impl Count {
    /// Returns a count of up to `max_entries` entries, with two names each on average.
    pub(super) fn up_to(max_entries: usize) -> Count {
        Count { entries: 0, names: 0, max_entries }
    }

    /// Counts an entry with this number of names. Fails if the manifest has too many of either.
    pub(super) fn add(&mut self, names: usize) -> Result<(), InvalidManifest> {
        self.entries += 1;
        self.names += names;
        let (max_entries, max_names) = (self.max_entries, NAMES_PER_ENTRY * self.max_entries);
        match (self.entries > max_entries, self.names > max_names) {
            (true, _) => Err(InvalidManifest::TooManyEntries { most: max_entries }),
            (_, true) => Err(InvalidManifest::TooManyNames { most: max_names }),
            _ => Ok(()),
        }
    }
}

/// A manifest of the most entries has this share of [`MAX_ALL_NAMES`].
const NAMES_PER_ENTRY: usize = MAX_ALL_NAMES / MAX_ENTRIES;

impl Entry {
    /// Fails if a name is not allowed in a manifest, or if there are too many.
    pub(super) fn check_names(&self) -> Result<(), InvalidManifest> {
        let names = self.names().unwrap_or_default();
        if names.len() > MAX_NAMES {
            return Err(InvalidEntry::TooManyNames.of(self.id()));
        }
        match names.iter().find_map(|name| violated_rule(name)) {
            Some(rule) => Err(InvalidEntry::Name { rule }.of(self.id())),
            None => Ok(()),
        }
    }
}

/// Fails if the id or the path is not allowed in a manifest or list.
pub(super) fn check_id_and_path(id: &str, path: &EntryPath) -> Result<(), InvalidEntry> {
    match violated_rule(id) {
        _ if id.is_empty() => Err(InvalidEntry::EmptyId),
        Some(rule) => Err(InvalidEntry::Id { rule }),
        None if path.is_reserved() => Err(InvalidEntry::ReservedPath { path: path.clone() }),
        None => Ok(()),
    }
}

/// Returns the rule that an id or a name violates, if any.
pub(crate) fn violated_rule(text: &str) -> Option<&'static str> {
    if text.len() > MAX_NAME_BYTES {
        Some("longer than 1,024 bytes")
    } else if text.chars().any(char::is_control) {
        Some("control character")
    } else {
        None
    }
}

//! The latest changes, as far as the kept publications show them.

use std::collections::{HashMap, HashSet};

use super::item::{MAX_NAME_CHARS, title};
use super::text;
use crate::base::error::Result;
use crate::base::time::Timestamp;
use crate::publish::before::Record;
use crate::publish::renames::names_of;
use crate::publish::tree::Tree;
use crate::tree::manifest::{Entry, Manifest};

/// A kind of change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ChangeKind {
    New,
    /// It has other bytes, or was new before the oldest kept publication.
    Updated,
    Removed,
}

/// The newest change of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct EntryUpdate {
    pub(super) at: Timestamp,
    pub(super) change: ChangeKind,
    /// The published entry; if it was removed, the last one.
    pub(super) entry: Entry,
    /// The former name, if the change is a rename.
    pub(super) renamed_from: Option<String>,
}

/// The newest rename of an entry.
struct Rename {
    at: Timestamp,
    from: String,
}

/// Returns the former names of an entry. They are valid, since the publisher wrote the entry.
pub(super) fn former_names(entry: &Entry) -> Vec<Box<str>> {
    entry.formerly().unwrap_or_default()
}

/// Returns the entries of `newer` with a name that was another one in `older`, with that name.
fn renames_between<'a>(older: &Manifest, newer: &'a Manifest) -> Vec<(&'a Entry, String)> {
    let changed = newer.entries().iter().filter(|entry| older.entry(entry.id()) != Some(entry));
    let formerly = changed.map(|entry| (entry, former_names(entry)));
    let candidates: Vec<_> = formerly.filter(|(_, names)| !names.is_empty()).collect();
    if candidates.is_empty() {
        return Vec::new();
    }
    let old_names: HashSet<&str> = older.entries().iter().flat_map(names_of).collect();
    let renames = candidates.into_iter().filter_map(|(entry, formerly)| {
        let is_renamed = names_of(entry).iter().all(|name| !old_names.contains(name));
        let from = formerly.into_iter().find(|name| old_names.contains(&**name));
        Some((entry, from.filter(|_| is_renamed)?.into()))
    });
    renames.collect()
}

/// Returns the newest change of every entry that has changed since the first publication: those of
/// `manifest`, which is that of the first record, and those that it removed. Sorted by time, newest
/// first, then by name.
///
/// # Errors
/// [`Store`](crate::ErrorKind::Store) if a manifest cannot be read.
pub(super) fn updates(
    tree: &Tree<'_>,
    manifest: &Manifest,
    records: &[Record],
    keep: usize,
) -> Result<Vec<EntryUpdate>> {
    let published =
        |record: &Record| -> Option<Timestamp> { record.published.as_ref()?.parse().ok() };
    let mut added: HashMap<String, Timestamp> = HashMap::new();
    let mut renamed: HashMap<String, Rename> = HashMap::new();
    // A definition with another name and another id was not removed.
    let former_names: HashSet<Box<str>> =
        manifest.entries().iter().flat_map(former_names).collect();
    let mut removed: Vec<EntryUpdate> = Vec::new();
    let mut reported: HashSet<String> = HashSet::new();
    // The publication after `record`.
    let mut newer = manifest.clone();
    let mut newer_record = records.first();
    let mut kept = 1;
    for record in records.iter().skip(1) {
        if kept == keep {
            break;
        }
        let Some(older) = tree.manifest(record.manifest)? else {
            continue;
        };
        kept += 1;
        if let Some(at) = newer_record.and_then(published) {
            for entry in newer.entries().iter().filter(|entry| older.entry(entry.id()).is_none()) {
                added.entry(entry.id().to_owned()).or_insert(at);
            }
            for entry in older.entries().iter().filter(|entry| newer.entry(entry.id()).is_none()) {
                let is_gone = manifest.entry(entry.id()).is_none()
                    && !names_of(entry).iter().all(|name| former_names.contains(*name));
                if is_gone && reported.insert(entry.id().to_owned()) {
                    removed.push(EntryUpdate {
                        at,
                        change: ChangeKind::Removed,
                        entry: entry.clone(),
                        renamed_from: None,
                    });
                }
            }
            for (entry, from) in renames_between(&older, &newer) {
                renamed.entry(entry.id().to_owned()).or_insert(Rename { at, from });
            }
        }
        newer = older;
        newer_record = Some(record);
    }
    // With the very first publication, everything would be new.
    let first = newer_record.filter(|record| record.serial == 1).and_then(published);
    let is_from_the_start = |entry: &Entry| {
        let updated = entry.updated();
        first.is_some_and(|first| updated.is_none_or(|updated| updated <= first))
            && !added.contains_key(entry.id())
    };
    let changed = manifest.entries().iter().filter(|entry| !is_from_the_start(entry));
    let now = changed.filter_map(|entry| {
        let updated = entry.updated();
        let (at, change) = match added.get(entry.id()) {
            Some(at) if updated.is_none_or(|updated| updated <= *at) => (*at, ChangeKind::New),
            _ => (updated?, ChangeKind::Updated),
        };
        let renamed_from = renamed.get(entry.id()).filter(|rename| rename.at == at);
        let renamed_from = renamed_from.map(|rename| text::label(&rename.from, MAX_NAME_CHARS));
        Some(EntryUpdate { at, change, entry: entry.clone(), renamed_from })
    });
    removed.extend(now);
    removed.sort_by_cached_key(|update| {
        let title = title(&update.entry).to_lowercase();
        (std::cmp::Reverse(update.at), title, update.entry.id().to_owned())
    });
    Ok(removed)
}

//! Updates of the extensions that are installed.

use std::ffi::c_char;
use std::mem::MaybeUninit;
use std::sync::Arc;

use crate::border::{Text, free, part, read, required, run, view};
use crate::catalog::{Catalog, Definition, View};
use crate::error::Error;
use crate::installation::Installed;
use crate::target::{Target, number_of};

/// Which of the extensions that are installed have an update.
///
/// Threads: any number at a time.
pub struct ExtensionUpdates {
    view: Arc<View>,
    updates: Vec<Update>,
    unknown: Vec<Text>,
    problems: Vec<Error>,
}

struct Update {
    /// Which definition of the view.
    position: usize,
    installed: Text,
    version: Text,
    stability: i32,
    downloads: Vec<Text>,
}

/// Finds out which extensions have a newer release that fits a machine. Nothing is said of
/// extensions that are not installed. Files are read.
///
/// installed: what is there, installed_count elements in any order, each with its version;
///   NULL with a count of 0 if nothing is.
/// target: the machine: rockon_sync_target_set_platform(), rockon_sync_target_set_stability().
/// updates: where the handle goes; free it with rockon_sync_extension_updates_free(). It
///   needs neither the catalog nor the target any more.
/// Fails with ROCKON_SYNC_ERROR_ARGUMENT. An extension that cannot be read is no failure:
/// see rockon_sync_extension_updates_problem().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rockon_sync_catalog_updates_for(
    catalog: Option<&Catalog>,
    installed: *const Installed,
    installed_count: usize,
    target: Option<&Target>,
    updates: Option<&mut MaybeUninit<Box<ExtensionUpdates>>>,
    error: Option<&mut MaybeUninit<Box<Error>>>,
) -> i32 {
    run(error, || {
        let view = &required(catalog, "catalog")?.view;
        // SAFETY: the header asks the caller for so many elements.
        let installed = unsafe { Installed::pairs(installed, installed_count) }?;
        let with_version = |(name, version)| Ok((name, required(version, "installed.version")?));
        let installed: Vec<(&str, &str)> =
            installed.into_iter().map(with_version).collect::<Result<_, Box<Error>>>()?;
        let target = &required(target, "target")?.target;
        let out = required(updates, "updates")?;
        let found = view.catalog.updates_for(installed, target);
        let row = |row: rockon_sync_core::Update<'_>| Update {
            position: view.position(row.definition),
            installed: row.installed.into(),
            version: row.release.version.into(),
            stability: number_of(row.release.stability),
            downloads: row.release.downloads.into_iter().map(|found| found.url.into()).collect(),
        };
        out.write(Box::new(ExtensionUpdates {
            updates: found.updates.into_iter().map(row).collect(),
            unknown: Text::all(found.unknown),
            problems: found.problems.iter().map(Error::from).collect(),
            view: Arc::clone(view),
        }));
        Ok(())
    })
}

/// Frees updates. NULL is fine.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_extension_updates_free(updates: Option<Box<ExtensionUpdates>>) {
    free(updates);
}

/// How many extensions have an update.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_extension_updates_count(updates: Option<&ExtensionUpdates>) -> usize {
    read(updates, |found| found.updates.len())
}

/// An extension that has an update, in catalog order; NULL beyond the last. It lives as long
/// as the updates.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_extension_updates_definition(
    updates: Option<&ExtensionUpdates>,
    index: usize,
) -> Option<&Definition> {
    part(updates, |found| found.view.definitions.get(found.updates.get(index)?.position))
}

/// The version that is installed; NULL beyond the last.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_extension_updates_installed(
    updates: Option<&ExtensionUpdates>,
    index: usize,
    len_bytes: Option<&mut MaybeUninit<usize>>,
) -> *const c_char {
    view(updates, len_bytes, |found| Some(&found.updates.get(index)?.installed))
}

/// The version of the newest release that fits; NULL beyond the last.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_extension_updates_version(
    updates: Option<&ExtensionUpdates>,
    index: usize,
    len_bytes: Option<&mut MaybeUninit<usize>>,
) -> *const c_char {
    view(updates, len_bytes, |found| Some(&found.updates.get(index)?.version))
}

/// ROCKON_SYNC_STABILITY_... of that release; 0 beyond the last, and for a stability that has
/// no constant.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_extension_updates_stability(
    updates: Option<&ExtensionUpdates>,
    index: usize,
) -> i32 {
    read(updates, |found| found.updates.get(index).map_or(0, |update| update.stability))
}

/// How many URLs that release can be downloaded from.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_extension_updates_download_count(
    updates: Option<&ExtensionUpdates>,
    index: usize,
) -> usize {
    read(updates, |found| found.updates.get(index).map_or(0, |update| update.downloads.len()))
}

/// One of them, in the order of the site; NULL beyond the last. It is what the site says: not
/// checked, and nothing that this library fetches.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_extension_updates_download(
    updates: Option<&ExtensionUpdates>,
    index: usize,
    download: usize,
    len_bytes: Option<&mut MaybeUninit<usize>>,
) -> *const c_char {
    view(updates, len_bytes, |found| found.updates.get(index)?.downloads.get(download))
}

/// How many of the names that are installed are no extensions of the catalog. That is no
/// reason to remove them.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_extension_updates_unknown_count(
    updates: Option<&ExtensionUpdates>,
) -> usize {
    read(updates, |found| found.unknown.len())
}

/// One of them, in byte order; NULL beyond the last.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_extension_updates_unknown_name(
    updates: Option<&ExtensionUpdates>,
    index: usize,
    len_bytes: Option<&mut MaybeUninit<usize>>,
) -> *const c_char {
    view(updates, len_bytes, |found| found.unknown.get(index))
}

/// How many extensions could not be read.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_extension_updates_problem_count(
    updates: Option<&ExtensionUpdates>,
) -> usize {
    read(updates, |found| found.problems.len())
}

/// Why one of them could not; NULL beyond the last. It belongs to the updates.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_extension_updates_problem(
    updates: Option<&ExtensionUpdates>,
    index: usize,
) -> Option<&Error> {
    part(updates, |found| found.problems.get(index))
}

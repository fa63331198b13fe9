//! Updates of installed extensions.

use std::ffi::c_char;
use std::mem::MaybeUninit;
use std::sync::Arc;

use crate::boundary::{Text, free, part, read, required, run, view};
use crate::catalog::{Catalog, Definition, View};
use crate::error::Error;
use crate::installation::Installed;
use crate::target::{Target, number_of};

/// The installed extensions that have an update.
///
/// Threads: any number at a time.
pub struct ExtensionUpdates {
    view: Arc<View>,
    updates: Vec<Update>,
    unknown: Vec<Text>,
    problems: Vec<Error>,
}

struct Update {
    /// Position in the view.
    position: usize,
    installed: Text,
    version: Text,
    stability: i32,
    downloads: Vec<Text>,
}

/// Finds installed extensions that have a newer release suitable for a machine. Reads files.
/// Extensions that are not installed are ignored.
///
/// installed: installed_count elements in any order, each with its version; NULL with a count of 0
///   if nothing is installed.
/// target: the machine: rockon_sync_target_set_platform(), rockon_sync_target_set_stability().
/// updates: receives the handle; free it with rockon_sync_extension_updates_free(). It needs
///   neither the catalog nor the target any more.
/// Fails with ROCKON_SYNC_ERROR_ARGUMENT. An unreadable extension is not an error: see
/// rockon_sync_extension_updates_problem().
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
        // SAFETY: the header requires this many elements.
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

/// Frees updates. NULL is a no-op.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_extension_updates_free(updates: Option<Box<ExtensionUpdates>>) {
    free(updates);
}

/// Returns the number of extensions that have an update.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_extension_updates_count(updates: Option<&ExtensionUpdates>) -> usize {
    read(updates, |found| found.updates.len())
}

/// Returns an extension that has an update, in catalog order; NULL beyond the last. It lives as
/// long as the updates.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_extension_updates_definition(
    updates: Option<&ExtensionUpdates>,
    index: usize,
) -> Option<&Definition> {
    part(updates, |found| found.view.definitions.get(found.updates.get(index)?.position))
}

/// Returns the installed version; NULL beyond the last.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_extension_updates_installed(
    updates: Option<&ExtensionUpdates>,
    index: usize,
    len_bytes: Option<&mut MaybeUninit<usize>>,
) -> *const c_char {
    view(updates, len_bytes, |found| Some(&found.updates.get(index)?.installed))
}

/// Returns the version of the newest suitable release; NULL beyond the last.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_extension_updates_version(
    updates: Option<&ExtensionUpdates>,
    index: usize,
    len_bytes: Option<&mut MaybeUninit<usize>>,
) -> *const c_char {
    view(updates, len_bytes, |found| Some(&found.updates.get(index)?.version))
}

/// Returns ROCKON_SYNC_STABILITY_... of that release; 0 beyond the last, and for a stability
/// without a constant.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_extension_updates_stability(
    updates: Option<&ExtensionUpdates>,
    index: usize,
) -> i32 {
    read(updates, |found| found.updates.get(index).map_or(0, |update| update.stability))
}

/// Returns the number of download URLs of that release.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_extension_updates_download_count(
    updates: Option<&ExtensionUpdates>,
    index: usize,
) -> usize {
    read(updates, |found| found.updates.get(index).map_or(0, |update| update.downloads.len()))
}

/// Returns a download URL, in the order of the site; NULL beyond the last. It is the site's own
/// text: the library neither checks nor fetches it.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_extension_updates_download(
    updates: Option<&ExtensionUpdates>,
    index: usize,
    download: usize,
    len_bytes: Option<&mut MaybeUninit<usize>>,
) -> *const c_char {
    view(updates, len_bytes, |found| found.updates.get(index)?.downloads.get(download))
}

/// Returns the number of installed names that are not extensions of the catalog. Do not remove them
/// for that.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_extension_updates_unknown_count(
    updates: Option<&ExtensionUpdates>,
) -> usize {
    read(updates, |found| found.unknown.len())
}

/// Returns one of these names, in byte order; NULL beyond the last.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_extension_updates_unknown_name(
    updates: Option<&ExtensionUpdates>,
    index: usize,
    len_bytes: Option<&mut MaybeUninit<usize>>,
) -> *const c_char {
    view(updates, len_bytes, |found| found.unknown.get(index))
}

/// Returns the number of extensions that could not be read.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_extension_updates_problem_count(
    updates: Option<&ExtensionUpdates>,
) -> usize {
    read(updates, |found| found.problems.len())
}

/// Returns the error of an unreadable extension; NULL beyond the last. It belongs to the updates.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_extension_updates_problem(
    updates: Option<&ExtensionUpdates>,
    index: usize,
) -> Option<&Error> {
    part(updates, |found| found.problems.get(index))
}

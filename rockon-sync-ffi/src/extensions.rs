//! Updates of installed extensions.

use std::ffi::c_char;
use std::mem::MaybeUninit;
use std::sync::Arc;

use crate::arena::{Arena, Owned, free};
use crate::boundary::{required, run};
use crate::catalog::{Catalog, Definition, SharedCatalog, shared};
use crate::error::{Error, Failure};
use crate::installation::Installed;
use crate::status::Status;
use crate::strings::Strings;
use crate::target::Target;

/// An installed extension that has an update.
#[repr(C)]
pub struct ExtensionUpdate {
    pub definition: *const Definition,
    /// The installed version.
    pub installed: *const c_char,
    /// The new version.
    pub version: *const c_char,
    /// "dev", "alpha", "beta", "rc" or "stable".
    pub stability: *const c_char,
    /// The URLs of the package, best first.
    pub downloads: Strings,
}

/// The installed extensions that have an update.
#[repr(C)]
pub struct ExtensionUpdates {
    /// In catalog order.
    pub updates: *const *const ExtensionUpdate,
    pub update_count: usize,
    /// Installed names that are not extensions of the catalog.
    pub unknown: Strings,
    /// Extensions that could not be read.
    pub problems: *const *const Error,
    pub problem_count: usize,
}

/// Finds installed extensions that have a newer release suitable for a machine. Reads files.
///
/// installed: in any order, each with its version; NULL with a count of 0 if there are none.
/// target: the machine, with platform and stability.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rockon_sync_catalog_updates_for(
    catalog: *const Catalog,
    installed: *const Installed,
    installed_count: usize,
    target: *const Target,
    updates: Option<&mut MaybeUninit<*mut ExtensionUpdates>>,
    error: Option<&mut MaybeUninit<*mut Error>>,
) -> Status {
    run(error, || {
        // SAFETY: the header requires a catalog of this library.
        let shared = unsafe { shared(catalog) }?;
        // SAFETY: the header requires this many elements.
        let installed = unsafe { Installed::pairs(installed, installed_count) }?;
        let with_version = |(name, version)| Ok((name, required(version, "installed.version")?));
        let installed: Vec<(&str, &str)> =
            installed.into_iter().map(with_version).collect::<Result<_, Failure>>()?;
        required((!target.is_null()).then_some(()), "target")?;
        // SAFETY: the header requires a valid struct.
        let target = unsafe { Target::read(target) }?;
        let out = required(updates, "updates")?;
        let found = shared.core.updates_for(installed, &target);
        let mut arena = Arena::default();
        let updates = arena.structs(&found.updates, |row, arena| ExtensionUpdate {
            definition: shared.view(row.definition),
            installed: arena.text(&row.installed),
            version: arena.text(&row.release.version),
            stability: arena.text(row.release.stability),
            downloads: arena.texts(row.release.downloads.iter().map(|found| &found.url)),
        });
        let unknown = arena.texts(&found.unknown);
        let problems = arena.structs(&found.problems, Error::new);
        let view = ExtensionUpdates {
            updates: updates.data,
            update_count: updates.count,
            unknown,
            problems: problems.data,
            problem_count: problems.count,
        };
        out.write(Owned::for_c(view, Arc::clone(shared), arena));
        Ok(())
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn rockon_sync_extension_updates_free(updates: *mut ExtensionUpdates) {
    // SAFETY: the header requires updates of this library.
    unsafe { free::<ExtensionUpdates, Arc<SharedCatalog>>(updates) }
}

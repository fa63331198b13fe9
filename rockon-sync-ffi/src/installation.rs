//! Installation: the requirements of a definition.

use std::ffi::c_char;
use std::mem::MaybeUninit;
use std::sync::Arc;

use crate::arena::{Arena, Owned, free};
use crate::boundary::{optional, required, run, slice, text};
use crate::catalog::{Catalog, Definition, SharedCatalog, shared};
use crate::error::{Error, Failure};
use crate::status::Status;
use crate::strings::Strings;

/// An installed definition. An unknown version is NULL.
#[repr(C)]
pub struct Installed {
    pub name: *const c_char,
    pub version: *const c_char,
}

impl Installed {
    /// Returns the names and versions in an array.
    ///
    /// # Safety
    /// `data` is NULL or points to `count` elements with valid strings. None of them changes during
    /// `'a`.
    ///
    /// # Errors
    /// `ROCKON_SYNC_STATUS_ARGUMENT`.
    pub(crate) unsafe fn pairs<'a>(
        data: *const Installed,
        count: usize,
    ) -> Result<Vec<(&'a str, Option<&'a str>)>, Failure> {
        let pair = |row: &Installed| {
            // SAFETY: guaranteed by the caller.
            let name = unsafe { text(row.name, "installed.name") }?;
            // SAFETY: guaranteed by the caller.
            Ok((name, unsafe { optional(row.version, "installed.version") }?))
        };
        // SAFETY: guaranteed by the caller.
        unsafe { slice(data, count, "installed") }?.iter().map(pair).collect()
    }
}

/// A relation of a definition to others, in the notation of Debian's control files.
#[repr(C)]
pub struct Relation {
    /// The name of the definition.
    pub by: *const c_char,
    /// Such as "name (>= 1.2) | other".
    pub text: *const c_char,
}

/// The steps to install a definition.
#[repr(C)]
pub struct Installation {
    /// True if there are neither unmet requirements nor conflicts.
    pub is_possible: bool,
    /// Each after its requirements; also to replace unsuitable versions.
    pub install: *const *const Definition,
    pub install_count: usize,
    /// Requirements that no definition meets.
    pub unmet: *const *const Relation,
    pub unmet_count: usize,
    pub conflicts: *const *const Relation,
    pub conflict_count: usize,
    /// Names to remove because they are replaced, in byte order.
    pub replaced: Strings,
}

/// Finds the missing requirements of a definition. Of alternatives, the first available one is
/// chosen. Reads files.
///
/// name: the name of the definition.
/// installed: the installed definitions, in any order; NULL with a count of 0 if there are none.
/// Fails with NOT_FOUND if no definition has this name, LIMIT if there are too many requirements,
/// ARGUMENT, and like rockon_sync_definition_read(). Unmet requirements are not an error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rockon_sync_catalog_installation(
    catalog: *const Catalog,
    name: *const c_char,
    installed: *const Installed,
    installed_count: usize,
    installation: Option<&mut MaybeUninit<*mut Installation>>,
    error: Option<&mut MaybeUninit<*mut Error>>,
) -> Status {
    run(error, || {
        // SAFETY: the header requires a catalog of this library.
        let shared = unsafe { shared(catalog) }?;
        // SAFETY: the header requires a string.
        let name = unsafe { text(name, "name") }?;
        // SAFETY: the header requires this many elements.
        let installed = unsafe { Installed::pairs(installed, installed_count) }?;
        let out = required(installation, "installation")?;
        let found = shared.core.installation(name, installed)?;
        let mut arena = Arena::default();
        let install = found.install.iter().map(|found| shared.view(found)).collect();
        let install = arena.pointers(install);
        let unmet = arena.structs(&found.unmet, |row, arena| Relation {
            by: arena.text(&row.by),
            text: arena.text(&row.requirement),
        });
        let conflicts = arena.structs(&found.conflicts, |row, arena| Relation {
            by: arena.text(&row.by),
            text: arena.text(&row.with),
        });
        let replaced = arena.texts(&found.replaced);
        let view = Installation {
            is_possible: found.is_possible(),
            install: install.data,
            install_count: install.count,
            unmet: unmet.data,
            unmet_count: unmet.count,
            conflicts: conflicts.data,
            conflict_count: conflicts.count,
            replaced,
        };
        out.write(Owned::for_c(view, Arc::clone(shared), arena));
        Ok(())
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn rockon_sync_installation_free(installation: *mut Installation) {
    // SAFETY: the header requires an installation of this library.
    unsafe { free::<Installation, Arc<SharedCatalog>>(installation) }
}

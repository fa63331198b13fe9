//! Changes: the work of an application after an update.

use std::ffi::c_char;
use std::mem::MaybeUninit;
use std::sync::Arc;

use rockon_sync_core::Novelty;

use crate::arena::{Arena, Owned, free};
use crate::boundary::{optional, required, run, slice, text};
use crate::catalog::{Catalog, Definition, SharedCatalog, shared};
use crate::error::{Error, Failure};
use crate::status::Status;
use crate::strings::Strings;

/// The record of one applied definition. It is applied again if its revision is NULL or no digest.
#[repr(C)]
pub struct Applied {
    pub name: *const c_char,
    pub revision: *const c_char,
}

/// A new name of an applied definition.
#[repr(C)]
pub struct Rename {
    /// Not in the catalog any more.
    pub from: *const c_char,
    /// In the catalog, and not applied.
    pub to: *const c_char,
}

/// A definition to apply.
#[repr(C)]
pub struct Upsert {
    pub definition: *const Definition,
    /// True if it was not applied, under this name or a former one.
    pub is_new: bool,
}

/// The changes that bring an application up to date with a catalog. Apply deletes, then renames,
/// then upserts in order: a deleted definition releases names that must be unique. Record each
/// revision in the same transaction as the change; unrecorded changes are returned again next time.
#[repr(C)]
pub struct Changes {
    /// Names to delete, in byte order.
    pub deletes: Strings,
    /// Definitions to apply, in catalog order.
    pub upserts: *const *const Upsert,
    pub upsert_count: usize,
    /// Names that are not in the catalog, but must not be deleted now.
    pub withheld: Strings,
    /// The reasons, as sentences.
    pub reasons: Strings,
    /// Applied names that changed; an upsert of the new name follows.
    pub renames: *const *const Rename,
    pub rename_count: usize,
}

/// Compares a catalog with the definitions that an application has applied. The library keeps no
/// record of its own. An empty or failed source never causes deletes.
///
/// applied: in any order. NULL with a count of 0 makes every definition an upsert.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rockon_sync_catalog_changes_since(
    catalog: *const Catalog,
    applied: *const Applied,
    applied_count: usize,
    changes: Option<&mut MaybeUninit<*mut Changes>>,
    error: Option<&mut MaybeUninit<*mut Error>>,
) -> Status {
    run(error, || {
        // SAFETY: the header requires a catalog of this library.
        let shared = unsafe { shared(catalog) }?;
        // SAFETY: the header requires this many elements.
        let applied = unsafe { slice(applied, applied_count, "applied") }?;
        let out = required(changes, "changes")?;
        let pair = |row: &Applied| {
            // SAFETY: the header requires strings.
            let name = unsafe { text(row.name, "applied.name") }?;
            // SAFETY: as above.
            let revision = unsafe { optional(row.revision, "applied.revision") }?;
            Ok((name, revision.unwrap_or_default()))
        };
        let applied = applied.iter().map(pair).collect::<Result<Vec<_>, Failure>>()?;
        let found = shared.core.changes_since(applied);
        let mut arena = Arena::default();
        let deletes = arena.texts(&found.deletes);
        let upserts = arena.structs(&found.upserts, |upsert, _| Upsert {
            definition: shared.view(upsert.definition),
            is_new: upsert.novelty == Novelty::New,
        });
        let withheld = arena.texts(&found.withheld);
        let reasons = arena.texts(&found.reasons);
        let renames = arena.structs(&found.renames, |rename, arena| Rename {
            from: arena.text(&rename.from),
            to: arena.text(rename.to),
        });
        let view = Changes {
            deletes,
            upserts: upserts.data,
            upsert_count: upserts.count,
            withheld,
            reasons,
            renames: renames.data,
            rename_count: renames.count,
        };
        out.write(Owned::for_c(view, Arc::clone(shared), arena));
        Ok(())
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn rockon_sync_changes_free(changes: *mut Changes) {
    // SAFETY: the header requires changes of this library.
    unsafe { free::<Changes, Arc<SharedCatalog>>(changes) }
}

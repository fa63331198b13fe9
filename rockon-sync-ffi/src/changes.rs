//! Changes: the work of an application after an update.

use std::ffi::c_char;
use std::mem::MaybeUninit;
use std::sync::Arc;

use rockon_sync_core::Novelty;

use crate::boundary::{Text, free, list, part, read, required, run, text, view};
use crate::catalog::{Catalog, Definition, View};
use crate::error::Error;

/// The record of one applied definition: name and revision, UTF-8, by pointer and length. If the
/// revision is empty or not a digest, the definition is applied again.
#[repr(C)]
pub struct Applied {
    /// The name.
    pub name: *const c_char,
    /// Its length in bytes.
    pub name_len: usize,
    /// The revision.
    pub revision: *const c_char,
    /// Its length in bytes.
    pub revision_len: usize,
}

/// The changes that bring an application up to date with a catalog. Apply the deletes first, then
/// the upserts in order, because a renamed definition releases names that must be unique. Record
/// each revision in the same transaction as the change itself; changes that are not recorded are
/// returned again next time.
///
/// Threads: any number at a time.
pub struct Changes {
    view: Arc<View>,
    deletes: Vec<Text>,
    upserts: Vec<Upsert>,
    withheld: Vec<Text>,
    reasons: Vec<Text>,
}

struct Upsert {
    /// Position in the view.
    position: usize,
    is_new: bool,
}

/// Compares a catalog with the definitions that an application has applied. The library keeps no
/// record of its own. An empty or failed source never causes deletes.
///
/// applied: the applied definitions, applied_count elements in any order. NULL with a count of 0
///   makes every definition an upsert.
/// changes: receives the handle; free it with rockon_sync_changes_free(). It does not need the
///   catalog any more.
/// Fails with ROCKON_SYNC_ERROR_ARGUMENT.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rockon_sync_catalog_changes_since(
    catalog: Option<&Catalog>,
    applied: *const Applied,
    applied_count: usize,
    changes: Option<&mut MaybeUninit<Box<Changes>>>,
    error: Option<&mut MaybeUninit<Box<Error>>>,
) -> i32 {
    run(error, || {
        let view = &required(catalog, "catalog")?.view;
        // SAFETY: the header requires this many elements.
        let applied = unsafe { list(applied, applied_count, "applied") }?;
        let out = required(changes, "changes")?;
        let pair = |row: &Applied| {
            // SAFETY: the header requires this many bytes.
            let name = unsafe { text(row.name, row.name_len, "applied.name") }?;
            // SAFETY: as above.
            let revision = unsafe { text(row.revision, row.revision_len, "applied.revision") }?;
            Ok((name, revision))
        };
        let pairs: Vec<(&str, &str)> =
            applied.iter().map(pair).collect::<Result<_, Box<Error>>>()?;
        out.write(Box::new(Changes::new(Arc::clone(view), &pairs)));
        Ok(())
    })
}

impl Changes {
    fn new(view: Arc<View>, applied: &[(&str, &str)]) -> Changes {
        let changes = view.catalog.changes_since(applied.iter().copied());
        let upserts = changes.upserts.iter().map(|upsert| Upsert {
            position: view.position(upsert.definition),
            is_new: upsert.novelty == Novelty::New,
        });
        let upserts = upserts.collect();
        let deletes = Text::all(changes.deletes);
        let withheld = Text::all(changes.withheld);
        let reasons = Text::all(changes.reasons);
        Changes { view, deletes, upserts, withheld, reasons }
    }
}

/// Frees changes. NULL is a no-op.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_changes_free(changes: Option<Box<Changes>>) {
    free(changes);
}

/// Returns the number of names to delete.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_changes_delete_count(changes: Option<&Changes>) -> usize {
    read(changes, |changes| changes.deletes.len())
}

/// Returns a name that was applied and is no longer in the catalog; NULL beyond the last.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_changes_delete_name(
    changes: Option<&Changes>,
    index: usize,
    len_bytes: Option<&mut MaybeUninit<usize>>,
) -> *const c_char {
    view(changes, len_bytes, |changes| changes.deletes.get(index))
}

/// Returns the number of definitions to apply.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_changes_upsert_count(changes: Option<&Changes>) -> usize {
    read(changes, |changes| changes.upserts.len())
}

/// Returns a definition to apply, in catalog order; NULL beyond the last. It lives as long as the
/// changes.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_changes_upsert(
    changes: Option<&Changes>,
    index: usize,
) -> Option<&Definition> {
    part(changes, |changes| changes.view.definitions.get(changes.upserts.get(index)?.position))
}

/// Returns true if the application has no record of the definition; false beyond the last.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_changes_upsert_is_new(
    changes: Option<&Changes>,
    index: usize,
) -> bool {
    read(changes, |changes| changes.upserts.get(index).is_some_and(|upsert| upsert.is_new))
}

/// Returns the number of names that are not in the catalog but must not be deleted, because the
/// published file was not fetched, cannot be read, or the source is empty.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_changes_withheld_count(changes: Option<&Changes>) -> usize {
    read(changes, |changes| changes.withheld.len())
}

/// Returns a withheld name; NULL beyond the last.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_changes_withheld_name(
    changes: Option<&Changes>,
    index: usize,
    len_bytes: Option<&mut MaybeUninit<usize>>,
) -> *const c_char {
    view(changes, len_bytes, |changes| changes.withheld.get(index))
}

/// Returns the number of reasons for withholding names.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_changes_reason_count(changes: Option<&Changes>) -> usize {
    read(changes, |changes| changes.reasons.len())
}

/// Returns a reason as a sentence; NULL beyond the last.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_changes_reason(
    changes: Option<&Changes>,
    index: usize,
    len_bytes: Option<&mut MaybeUninit<usize>>,
) -> *const c_char {
    view(changes, len_bytes, |changes| changes.reasons.get(index))
}

//! Requirements and conflicts of a definition that is installed.

use std::ffi::c_char;
use std::mem::MaybeUninit;
use std::sync::Arc;

use crate::boundary::{Text, free, list, part, read, required, run, text, view};
use crate::catalog::{Catalog, Definition, View};
use crate::error::Error;

/// An installed definition: name and version, UTF-8, by pointer and length. An unknown version is
/// NULL.
#[repr(C)]
pub struct Installed {
    /// The name.
    pub name: *const c_char,
    /// Its length in bytes.
    pub name_len: usize,
    /// The version.
    pub version: *const c_char,
    /// Its length in bytes.
    pub version_len: usize,
}

impl Installed {
    /// Returns the names and versions in an array, which may be NULL if it is empty.
    ///
    /// # Safety
    /// `data` is NULL or points to `count` elements whose strings have the given lengths. None of
    /// them changes during `'a`.
    ///
    /// # Errors
    /// `ROCKON_SYNC_ERROR_ARGUMENT`.
    pub(crate) unsafe fn pairs<'a>(
        data: *const Installed,
        count: usize,
    ) -> Result<Vec<(&'a str, Option<&'a str>)>, Box<Error>> {
        let pair = |row: &Installed| {
            // SAFETY: guaranteed by the caller.
            let name = unsafe { text(row.name, row.name_len, "installed.name") }?;
            if row.version.is_null() {
                return Ok((name, None));
            }
            // SAFETY: guaranteed by the caller.
            let version = unsafe { text(row.version, row.version_len, "installed.version") }?;
            Ok((name, Some(version)))
        };
        // SAFETY: guaranteed by the caller.
        unsafe { list(data, count, "installed") }?.iter().map(pair).collect()
    }
}

/// The steps to install a definition: missing definitions, unmet requirements, conflicts, and
/// definitions to remove.
///
/// Threads: any number at a time.
pub struct Installation {
    view: Arc<View>,
    /// Positions in the view.
    install: Vec<usize>,
    unmet: Vec<Statement>,
    conflicts: Vec<Statement>,
    replaced: Vec<Text>,
}

/// A relation of one definition to others.
struct Statement {
    by: Text,
    /// In Debian's notation.
    of: Text,
}

impl Statement {
    fn new(by: String, of: String) -> Statement {
        Statement { by: by.into(), of: of.into() }
    }
}

/// Finds the missing requirements of a definition. Of alternatives, the first available one is
/// chosen. Reads files.
///
/// name: the name of the definition, UTF-8, of name_len bytes.
/// installed: installed_count elements in any order; NULL with a count of 0 if nothing is
///   installed.
/// installation: receives the handle; free it with rockon_sync_installation_free(). It does not
///   need the catalog any more.
/// Fails with ROCKON_SYNC_ERROR_NOT_FOUND if no definition has this name, ROCKON_SYNC_ERROR_LIMIT
/// if the requirements do not end, ROCKON_SYNC_ERROR_ARGUMENT, and like
/// rockon_sync_definition_read_text(). Unmet requirements are not an error: see
/// rockon_sync_installation_is_possible().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rockon_sync_catalog_installation(
    catalog: Option<&Catalog>,
    name: *const c_char,
    name_len: usize,
    installed: *const Installed,
    installed_count: usize,
    installation: Option<&mut MaybeUninit<Box<Installation>>>,
    error: Option<&mut MaybeUninit<Box<Error>>>,
) -> i32 {
    run(error, || {
        let view = &required(catalog, "catalog")?.view;
        // SAFETY: the header requires this many bytes.
        let name = unsafe { text(name, name_len, "name") }?;
        // SAFETY: the header requires this many elements.
        let installed = unsafe { Installed::pairs(installed, installed_count) }?;
        let out = required(installation, "installation")?;
        let found = view.catalog.installation(name, installed)?;
        let (unmet, conflicts) = (found.unmet.into_iter(), found.conflicts.into_iter());
        out.write(Box::new(Installation {
            install: found.install.into_iter().map(|found| view.position(found)).collect(),
            unmet: unmet.map(|row| Statement::new(row.by, row.requirement)).collect(),
            conflicts: conflicts.map(|row| Statement::new(row.by, row.with)).collect(),
            replaced: Text::all(found.replaced),
            view: Arc::clone(view),
        }));
        Ok(())
    })
}

/// Frees an installation. NULL is a no-op.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_installation_free(installation: Option<Box<Installation>>) {
    free(installation);
}

/// Returns true if there are neither unmet requirements nor conflicts. False for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_installation_is_possible(
    installation: Option<&Installation>,
) -> bool {
    read(installation, |found| found.unmet.is_empty() && found.conflicts.is_empty())
}

/// Returns the number of definitions to install.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_installation_install_count(
    installation: Option<&Installation>,
) -> usize {
    read(installation, |found| found.install.len())
}

/// Returns a definition to install; NULL beyond the last. Each comes after its requirements, the
/// requested one last. Definitions installed in an unsuitable version are included. It lives as
/// long as the installation.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_installation_install(
    installation: Option<&Installation>,
    index: usize,
) -> Option<&Definition> {
    part(installation, |found| found.view.definitions.get(*found.install.get(index)?))
}

/// Returns the number of requirements that no definition in the catalog meets.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_installation_unmet_count(
    installation: Option<&Installation>,
) -> usize {
    read(installation, |found| found.unmet.len())
}

/// Returns the name of the definition that has an unmet requirement; NULL beyond the last.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_installation_unmet_by(
    installation: Option<&Installation>,
    index: usize,
    len_bytes: Option<&mut MaybeUninit<usize>>,
) -> *const c_char {
    view(installation, len_bytes, |found| Some(&found.unmet.get(index)?.by))
}

/// Returns the requirement, in the notation of Debian's control files: "name (>= 1.2) | other";
/// NULL beyond the last.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_installation_unmet_requirement(
    installation: Option<&Installation>,
    index: usize,
    len_bytes: Option<&mut MaybeUninit<usize>>,
) -> *const c_char {
    view(installation, len_bytes, |found| Some(&found.unmet.get(index)?.of))
}

/// Returns the number of conflicts.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_installation_conflict_count(
    installation: Option<&Installation>,
) -> usize {
    read(installation, |found| found.conflicts.len())
}

/// Returns the name of the definition that declares the conflict; NULL beyond the last.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_installation_conflict_by(
    installation: Option<&Installation>,
    index: usize,
    len_bytes: Option<&mut MaybeUninit<usize>>,
) -> *const c_char {
    view(installation, len_bytes, |found| Some(&found.conflicts.get(index)?.by))
}

/// Returns the other side of the conflict, in the notation of Debian's control files; NULL beyond
/// the last.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_installation_conflict_with(
    installation: Option<&Installation>,
    index: usize,
    len_bytes: Option<&mut MaybeUninit<usize>>,
) -> *const c_char {
    view(installation, len_bytes, |found| Some(&found.conflicts.get(index)?.of))
}

/// Returns the number of names to remove because they are replaced.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_installation_replaced_count(
    installation: Option<&Installation>,
) -> usize {
    read(installation, |found| found.replaced.len())
}

/// Returns a name to remove, in byte order; NULL beyond the last.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_installation_replaced_name(
    installation: Option<&Installation>,
    index: usize,
    len_bytes: Option<&mut MaybeUninit<usize>>,
) -> *const c_char {
    view(installation, len_bytes, |found| found.replaced.get(index))
}

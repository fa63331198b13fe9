//! What has to be installed with a definition.

use std::ffi::c_char;
use std::mem::MaybeUninit;
use std::sync::Arc;

use crate::border::{Text, free, list, part, read, required, run, text, view};
use crate::catalog::{Catalog, Definition, View};
use crate::error::Error;

/// Something that is installed: name and version, UTF-8, by pointer and length. A version
/// that is not known is NULL.
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
    /// Names and versions of an array that may be NULL if it is empty.
    ///
    /// # Safety
    /// `data` is NULL or points to `count` elements with strings of the lengths that go with
    /// them, all of which stay as they are for `'a`.
    ///
    /// # Errors
    /// `ROCKON_SYNC_ERROR_ARGUMENT`.
    pub(crate) unsafe fn pairs<'a>(
        data: *const Installed,
        count: usize,
    ) -> Result<Vec<(&'a str, Option<&'a str>)>, Box<Error>> {
        let pair = |row: &Installed| {
            // SAFETY: promised by the caller.
            let name = unsafe { text(row.name, row.name_len, "installed.name") }?;
            if row.version.is_null() {
                return Ok((name, None));
            }
            // SAFETY: promised by the caller.
            let version = unsafe { text(row.version, row.version_len, "installed.version") }?;
            Ok((name, Some(version)))
        };
        // SAFETY: promised by the caller.
        unsafe { list(data, count, "installed") }?.iter().map(pair).collect()
    }
}

/// What installing a definition takes: what is missing, what nothing meets, what is in
/// conflict, and what is to be removed.
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

/// What a definition says of others.
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

/// Finds out what is missing to install a definition where something is installed already.
/// Of alternatives the first one that can be had is taken. Files are read.
///
/// name: the name of the definition, UTF-8, of name_len bytes.
/// installed: what is there, installed_count elements in any order; NULL with a count of 0
///   if nothing is.
/// installation: where the handle goes; free it with rockon_sync_installation_free(). It
///   does not need the catalog any more.
/// Fails with ROCKON_SYNC_ERROR_NOT_FOUND if there is no such definition,
/// ROCKON_SYNC_ERROR_LIMIT for requirements without end, ROCKON_SYNC_ERROR_ARGUMENT, and
/// like rockon_sync_definition_read_text(). That it cannot be installed is no failure: see
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
        // SAFETY: the header asks the caller for so many bytes.
        let name = unsafe { text(name, name_len, "name") }?;
        // SAFETY: the header asks the caller for so many elements.
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

/// Frees an installation. NULL is fine.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_installation_free(installation: Option<Box<Installation>>) {
    free(installation);
}

/// Whether it can be done: nothing is unmet and nothing in conflict. False for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_installation_is_possible(
    installation: Option<&Installation>,
) -> bool {
    read(installation, |found| found.unmet.is_empty() && found.conflicts.is_empty())
}

/// How many definitions are to be installed.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_installation_install_count(
    installation: Option<&Installation>,
) -> usize {
    read(installation, |found| found.install.len())
}

/// A definition that is to be installed, each after what it requires, the one that was asked
/// for last; NULL beyond the last. What is installed in a version that will not do is one of
/// them too. It lives as long as the installation.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_installation_install(
    installation: Option<&Installation>,
    index: usize,
) -> Option<&Definition> {
    part(installation, |found| found.view.definitions.get(*found.install.get(index)?))
}

/// How many requirements nothing in the catalog meets.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_installation_unmet_count(
    installation: Option<&Installation>,
) -> usize {
    read(installation, |found| found.unmet.len())
}

/// The name of the definition that has an unmet requirement; NULL beyond the last.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_installation_unmet_by(
    installation: Option<&Installation>,
    index: usize,
    len_bytes: Option<&mut MaybeUninit<usize>>,
) -> *const c_char {
    view(installation, len_bytes, |found| Some(&found.unmet.get(index)?.by))
}

/// The requirement, in the notation of Debian's control files: "name (>= 1.2) | other"; NULL
/// beyond the last.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_installation_unmet_requirement(
    installation: Option<&Installation>,
    index: usize,
    len_bytes: Option<&mut MaybeUninit<usize>>,
) -> *const c_char {
    view(installation, len_bytes, |found| Some(&found.unmet.get(index)?.of))
}

/// How many pairs cannot be installed together.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_installation_conflict_count(
    installation: Option<&Installation>,
) -> usize {
    read(installation, |found| found.conflicts.len())
}

/// The name of the definition that says so; NULL beyond the last.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_installation_conflict_by(
    installation: Option<&Installation>,
    index: usize,
    len_bytes: Option<&mut MaybeUninit<usize>>,
) -> *const c_char {
    view(installation, len_bytes, |found| Some(&found.conflicts.get(index)?.by))
}

/// What it conflicts with, in the notation of Debian's control files; NULL beyond the last.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_installation_conflict_with(
    installation: Option<&Installation>,
    index: usize,
    len_bytes: Option<&mut MaybeUninit<usize>>,
) -> *const c_char {
    view(installation, len_bytes, |found| Some(&found.conflicts.get(index)?.of))
}

/// How many names are to be removed, since something takes their place.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_installation_replaced_count(
    installation: Option<&Installation>,
) -> usize {
    read(installation, |found| found.replaced.len())
}

/// One of them, in byte order; NULL beyond the last.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_installation_replaced_name(
    installation: Option<&Installation>,
    index: usize,
    len_bytes: Option<&mut MaybeUninit<usize>>,
) -> *const c_char {
    view(installation, len_bytes, |found| found.replaced.get(index))
}

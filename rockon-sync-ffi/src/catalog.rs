//! The catalog and its definitions.

use std::ffi::c_char;
use std::mem::MaybeUninit;
use std::path::Path;
use std::sync::Arc;

use rockon_sync_core::{Origin, SourceName};

use crate::boundary::{self, Text, Versioned, free, number, part, read, required, run, text, view};
use crate::error::Error;
use crate::store::Store;

/// The definition comes from an entry of a source.
pub const ROCKON_SYNC_ORIGIN_SOURCE: i32 = 1;
/// The definition is a local one.
pub const ROCKON_SYNC_ORIGIN_LOCAL: i32 = 2;

/// A string that the caller lends: UTF-8, len bytes, not necessarily NUL-terminated.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Str {
    /// The bytes.
    pub data: *const c_char,
    /// The number of bytes.
    pub len: usize,
}

impl Str {
    /// Returns the text; `None` for NULL.
    ///
    /// # Safety
    /// `data` is NULL or points to `len` bytes that do not change during `'a`.
    pub(crate) unsafe fn text<'a>(self, name: &str) -> Result<Option<&'a str>, Box<Error>> {
        if self.data.is_null() {
            return Ok(None);
        }
        // SAFETY: guaranteed by the caller.
        unsafe { text(self.data, self.len, name) }.map(Some)
    }
}

/// Options for opening a catalog. Set everything to zero, then struct_size, then the settings that
/// differ from the defaults.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct CatalogOptions {
    /// sizeof(rockon_sync_catalog_options), so that the struct can grow at its end.
    pub struct_size: usize,
    /// The names of the sources, lowest priority first. NULL for all sources of the store, in the
    /// order of sources.toml or, without one, of the last update.
    pub sources: *const Str,
    /// The number of names.
    pub source_count: usize,
    /// The directory of local definitions; NULL for "local" in the store.
    pub local_folder: Str,
}

// SAFETY: starts with its size; numbers and pointers.
unsafe impl Versioned for CatalogOptions {
    const FIRST_SIZE: usize = size_of::<CatalogOptions>();
}

/// The merged definitions of all sources and the local definitions, in the state at the time of
/// opening. A definition with the same name as an earlier one replaces it and keeps its position.
///
/// Threads: any number at a time.
pub struct Catalog {
    pub(crate) view: Arc<View>,
}

/// Data that a catalog shares with the changes made from it.
pub(crate) struct View {
    pub(crate) catalog: rockon_sync_core::Catalog,
    pub(crate) definitions: Vec<Definition>,
    hidden: Vec<Definition>,
    problems: Vec<Error>,
}

impl View {
    /// Returns the position of a definition of this catalog.
    pub(crate) fn position(&self, definition: &rockon_sync_core::Definition) -> usize {
        let first = self.catalog.definitions().as_ptr();
        let distance = std::ptr::from_ref(definition).addr() - first.addr();
        distance / size_of::<rockon_sync_core::Definition>()
    }
}

/// One definition. It belongs to the catalog or changes that returned it; do not free it.
///
/// Threads: any number at a time.
pub struct Definition {
    pub(crate) definition: rockon_sync_core::Definition,
    name: Text,
    format: Text,
    revision: Text,
    file: Text,
    origin: i32,
    source: Option<Text>,
    entry_id: Option<Text>,
}

/// The text of a definition: of a Rock-on, the unchanged text of the JSON object after its name; of
/// other formats, the whole file.
///
/// Threads: any number at a time.
pub struct DefinitionText {
    text: Text,
}

/// The bytes of a definition.
///
/// Threads: any number at a time.
pub struct DefinitionBytes {
    bytes: Text,
}

impl From<&rockon_sync_core::Definition> for Definition {
    fn from(definition: &rockon_sync_core::Definition) -> Definition {
        let (origin, source, entry_id) = match definition.origin() {
            Origin::Source { name, id } => (ROCKON_SYNC_ORIGIN_SOURCE, Some(name), Some(id)),
            // Origins without a constant in C are not entries of a source.
            _ => (ROCKON_SYNC_ORIGIN_LOCAL, None, None),
        };
        Definition {
            name: Text::of(definition.name()),
            format: Text::of(definition.format()),
            revision: Text::of(definition.revision()),
            file: Text::of_path(definition.file()),
            origin,
            source: source.map(Text::of),
            entry_id: entry_id.map(Text::of),
            definition: definition.clone(),
        }
    }
}

/// Opens the catalog of a store. Uses no network and no lock. A running update does not disturb it,
/// and later commits do not change it.
///
/// options: NULL for the defaults.
/// catalog: receives the handle; free it with rockon_sync_catalog_free().
/// Fails with ROCKON_SYNC_ERROR_NOT_FOUND if there is no store, ROCKON_SYNC_ERROR_STORE if it
/// cannot be read. An unreadable definition is not an error: see rockon_sync_catalog_problem().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rockon_sync_catalog_open(
    store: Option<&Store>,
    options: *const CatalogOptions,
    catalog: Option<&mut MaybeUninit<Box<Catalog>>>,
    error: Option<&mut MaybeUninit<Box<Error>>>,
) -> i32 {
    run(error, || {
        let store = &required(store, "store")?.store;
        // SAFETY: the header requires options of the size they start with.
        let options = unsafe { boundary::versioned(options, "options") }?;
        // SAFETY: the header requires this many bytes.
        let local = unsafe { options.local_folder.text("options.local_folder") }?;
        let local = local.map_or_else(|| store.local_dir(), |local| Path::new(local).into());
        // SAFETY: the header requires this many names.
        let sources = unsafe { source_names(&options) }?;
        let out = required(catalog, "catalog")?;
        let catalog = match sources {
            Some(sources) => store.catalog_of(&sources, &local),
            None => store.catalog_with(&local),
        }?;
        let view = View {
            definitions: catalog.definitions().iter().map(Definition::from).collect(),
            hidden: catalog.hidden().iter().map(Definition::from).collect(),
            problems: catalog.problems().iter().map(Error::from).collect(),
            catalog,
        };
        out.write(Box::new(Catalog { view: Arc::new(view) }));
        Ok(())
    })
}

/// Returns the sources that the caller names; `None` for all.
///
/// # Safety
/// `sources` is NULL or points to `source_count` strings.
unsafe fn source_names(options: &CatalogOptions) -> Result<Option<Vec<SourceName>>, Box<Error>> {
    if options.sources.is_null() {
        return Ok(None);
    }
    // SAFETY: guaranteed by the caller.
    let names =
        unsafe { boundary::slice(options.sources, options.source_count, "options.sources") }?;
    let name = |name: &Str| {
        // SAFETY: guaranteed by the caller.
        let name = unsafe { text(name.data, name.len, "options.sources") }?;
        Ok::<SourceName, Box<Error>>(name.parse()?)
    };
    names.iter().map(name).collect::<Result<_, _>>().map(Some)
}

/// Frees a catalog and its definitions. NULL is a no-op. Changes made from the catalog stay usable.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_catalog_free(catalog: Option<Box<Catalog>>) {
    free(catalog);
}

/// Returns the number of definitions.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_catalog_len(catalog: Option<&Catalog>) -> usize {
    read(catalog, |catalog| catalog.view.definitions.len())
}

/// Returns a definition, in catalog order; NULL beyond the last.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_catalog_get(
    catalog: Option<&Catalog>,
    index: usize,
) -> Option<&Definition> {
    part(catalog, |catalog| catalog.view.definitions.get(index))
}

/// Finds the definition with this name, UTF-8, of name_len bytes.
///
/// definition: receives the definition, which belongs to the catalog.
/// Fails with ROCKON_SYNC_ERROR_NOT_FOUND, ROCKON_SYNC_ERROR_ARGUMENT.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rockon_sync_catalog_find<'a>(
    catalog: Option<&'a Catalog>,
    name: *const c_char,
    name_len: usize,
    definition: Option<&mut MaybeUninit<&'a Definition>>,
    error: Option<&mut MaybeUninit<Box<Error>>>,
) -> i32 {
    run(error, || {
        let view = &required(catalog, "catalog")?.view;
        // SAFETY: the header requires this many bytes.
        let name = unsafe { text(name, name_len, "name") }?;
        let out = required(definition, "definition")?;
        let found = view.catalog.definition(name);
        let found = found.and_then(|found| view.definitions.get(view.position(found)));
        out.write(found.ok_or_else(|| Error::no_definition(name))?);
        Ok(())
    })
}

/// Returns the number of definitions that are replaced by another one with the same name.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_catalog_hidden_count(catalog: Option<&Catalog>) -> usize {
    read(catalog, |catalog| catalog.view.hidden.len())
}

/// Returns a replaced definition, lowest priority first; NULL beyond the last.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_catalog_hidden(
    catalog: Option<&Catalog>,
    index: usize,
) -> Option<&Definition> {
    part(catalog, |catalog| catalog.view.hidden.get(index))
}

/// Returns the number of files that could not be read as definitions.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_catalog_problem_count(catalog: Option<&Catalog>) -> usize {
    read(catalog, |catalog| catalog.view.problems.len())
}

/// Returns the error of an unreadable file; NULL beyond the last. It belongs to the catalog.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_catalog_problem(
    catalog: Option<&Catalog>,
    index: usize,
) -> Option<&Error> {
    part(catalog, |catalog| catalog.view.problems.get(index))
}

/// Returns the name inside the file, which identifies the definition.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_definition_name(
    definition: Option<&Definition>,
    len_bytes: Option<&mut MaybeUninit<usize>>,
) -> *const c_char {
    view(definition, len_bytes, |definition| Some(&definition.name))
}

/// Returns the format of the file: "rockon", "jupdate" or "files".
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_definition_format(
    definition: Option<&Definition>,
    len_bytes: Option<&mut MaybeUninit<usize>>,
) -> *const c_char {
    view(definition, len_bytes, |definition| Some(&definition.format))
}

/// Returns the digest of the file, in 64 hexadecimal digits. It changes whenever the definition
/// does.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_definition_revision(
    definition: Option<&Definition>,
    len_bytes: Option<&mut MaybeUninit<usize>>,
) -> *const c_char {
    view(definition, len_bytes, |definition| Some(&definition.revision))
}

/// Returns ROCKON_SYNC_ORIGIN_...; 0 for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_definition_origin(definition: Option<&Definition>) -> i32 {
    read(definition, |definition| definition.origin)
}

/// Returns the name of the definition's source; NULL for a local one.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_definition_source(
    definition: Option<&Definition>,
    len_bytes: Option<&mut MaybeUninit<usize>>,
) -> *const c_char {
    view(definition, len_bytes, |definition| definition.source.as_ref())
}

/// Returns the id of the definition's entry; NULL for a local one.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_definition_entry_id(
    definition: Option<&Definition>,
    len_bytes: Option<&mut MaybeUninit<usize>>,
) -> *const c_char {
    view(definition, len_bytes, |definition| definition.entry_id.as_ref())
}

/// Returns true if the manifest has the time of the last change; it is written to unix_s, in
/// seconds since 1970-01-01T00:00:00Z. unix_s may be NULL.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_definition_updated(
    definition: Option<&Definition>,
    unix_s: Option<&mut MaybeUninit<i64>>,
) -> bool {
    number(definition, unix_s, |definition| Some(definition.definition.updated()?.as_unix()))
}

/// Returns the path of the definition's file.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_definition_file(
    definition: Option<&Definition>,
    len_bytes: Option<&mut MaybeUninit<usize>>,
) -> *const c_char {
    view(definition, len_bytes, |definition| Some(&definition.file))
}

/// Reads the definition as it was published: of a Rock-on, the unchanged text of the JSON object
/// after its name; of other formats, the whole file.
///
/// text: receives the handle; free it with rockon_sync_definition_text_free(). It does not need the
///   definition any more.
/// Fails with ROCKON_SYNC_ERROR_STORE if the file cannot be read, ROCKON_SYNC_ERROR_INTEGRITY if it
/// has changed since the catalog was opened, ROCKON_SYNC_ERROR_DEFINITION if it does not have the
/// name, or is not UTF-8: see rockon_sync_definition_read_bytes().
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_definition_read_text(
    definition: Option<&Definition>,
    text: Option<&mut MaybeUninit<Box<DefinitionText>>>,
    error: Option<&mut MaybeUninit<Box<Error>>>,
) -> i32 {
    run(error, || {
        let definition = required(definition, "definition")?;
        let out = required(text, "text")?;
        let text = definition.definition.text()?.into();
        out.write(Box::new(DefinitionText { text }));
        Ok(())
    })
}

/// Returns the text; of a Rock-on it is JSON.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_definition_text_json(
    text: Option<&DefinitionText>,
    len_bytes: Option<&mut MaybeUninit<usize>>,
) -> *const c_char {
    view(text, len_bytes, |text| Some(&text.text))
}

/// Frees a text. NULL is a no-op.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_definition_text_free(text: Option<Box<DefinitionText>>) {
    free(text);
}

/// Reads the bytes of the definition as it was published: of a Rock-on, its part of the file; of
/// other formats, the whole file.
///
/// bytes: receives the handle; free it with rockon_sync_definition_bytes_free(). It does not need
///   the definition any more.
/// Fails like rockon_sync_definition_read_text(), but accepts bytes that are not UTF-8.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_definition_read_bytes(
    definition: Option<&Definition>,
    bytes: Option<&mut MaybeUninit<Box<DefinitionBytes>>>,
    error: Option<&mut MaybeUninit<Box<Error>>>,
) -> i32 {
    run(error, || {
        let definition = required(definition, "definition")?;
        let out = required(bytes, "bytes")?;
        let bytes = definition.definition.bytes()?.into();
        out.write(Box::new(DefinitionBytes { bytes }));
        Ok(())
    })
}

/// Returns the bytes, followed by a NUL that is not counted. Their number is written to len_bytes.
/// Returns NULL only for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_definition_bytes_data(
    bytes: Option<&DefinitionBytes>,
    len_bytes: Option<&mut MaybeUninit<usize>>,
) -> *const u8 {
    view(bytes, len_bytes, |bytes| Some(&bytes.bytes)).cast()
}

/// Frees bytes. NULL is a no-op.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_definition_bytes_free(bytes: Option<Box<DefinitionBytes>>) {
    free(bytes);
}

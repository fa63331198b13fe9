//! The catalog and its definitions.

use std::ffi::c_char;
use std::mem::MaybeUninit;
use std::path::Path;
use std::sync::Arc;

use rockon_sync_core::{Origin, SourceName};

use crate::arena::{Arena, Owned, free};
use crate::boundary::{Versioned, optional, required, run, text, texts, versioned};
use crate::error::{Error, Failure};
use crate::status::Status;
use crate::store::Store;
use crate::strings::Strings;

/// One definition. It lives as long as the result that it came from.
#[repr(C)]
pub struct Definition {
    /// The name inside the file, which identifies the definition.
    pub name: *const c_char,
    /// The digest of the file: another one if the definition has changed.
    pub revision: *const c_char,
    /// The format of the file: "rockon", "jupdate" or "files".
    pub format: *const c_char,
    /// The name of its source; NULL for a local definition.
    pub source: *const c_char,
    /// The id of its entry; NULL for a local definition.
    pub id: *const c_char,
    /// The path of its file.
    pub file: *const c_char,
    /// The time of the last change; 0 if unknown.
    pub updated_unix_s: i64,
    /// The names under which it was published before, newest first.
    pub formerly: Strings,
}

/// A definition with its counterpart in the core.
#[repr(C)]
struct SharedDefinition {
    view: Definition,
    core: rockon_sync_core::Definition,
}

impl Definition {
    /// Stores a definition, so that [`core`](Self::core) finds its counterpart.
    fn store(core: &rockon_sync_core::Definition, arena: &mut Arena) -> *const Definition {
        let (source, id) = match core.origin() {
            Origin::Source { name, id } => (Some(name), Some(id)),
            // Origins without a name in C are not entries of a source.
            _ => (None, None),
        };
        let view = Definition {
            name: arena.text(core.name()),
            revision: arena.text(core.revision()),
            format: arena.text(core.format()),
            source: arena.optional(source),
            id: arena.optional(id),
            file: arena.path(core.file()),
            updated_unix_s: core.updated().map_or(0, |time| time.as_unix()),
            formerly: arena.texts(core.formerly()),
        };
        arena.value(SharedDefinition { view, core: core.clone() }).cast()
    }

    /// Returns the counterpart in the core; `None` for NULL.
    ///
    /// # Safety
    /// `definition` is NULL or came from [`store`](Self::store), and lives during `'a`.
    pub(crate) unsafe fn core<'a>(
        definition: *const Definition,
    ) -> Option<&'a rockon_sync_core::Definition> {
        // SAFETY: the view is at the start of the struct, and the caller guarantees the rest.
        unsafe { definition.cast::<SharedDefinition>().as_ref() }.map(|shared| &shared.core)
    }
}

/// The merged definitions of all sources and the local definitions, in the state at the time of
/// reading. A definition with the same name as an earlier one replaces it and keeps its position.
#[repr(C)]
pub struct Catalog {
    /// Lowest priority first, by id.
    pub definitions: *const *const Definition,
    pub definition_count: usize,
    /// Replaced by one of the same name.
    pub hidden: *const *const Definition,
    pub hidden_count: usize,
    /// Files that could not be read as definitions.
    pub problems: *const *const Error,
    pub problem_count: usize,
}

/// Data that a catalog shares with the results made from it.
pub(crate) struct SharedCatalog {
    pub(crate) core: rockon_sync_core::Catalog,
    definitions: Vec<*const Definition>,
    /// Owns `definitions`.
    _arena: Arena,
}

// SAFETY: the definitions are in the arena, and neither changes.
unsafe impl Send for SharedCatalog {}
// SAFETY: as above.
unsafe impl Sync for SharedCatalog {}

impl SharedCatalog {
    /// Returns a definition of this catalog in the form for C.
    pub(crate) fn view(&self, definition: &rockon_sync_core::Definition) -> *const Definition {
        let first = self.core.definitions().as_ptr();
        let distance = std::ptr::from_ref(definition).addr() - first.addr();
        let position = distance / size_of::<rockon_sync_core::Definition>();
        self.definitions[position]
    }
}

/// Returns what a catalog shares with the results made from it.
///
/// # Safety
/// `catalog` is NULL or was returned by `rockon_sync_store_catalog`, and is alive.
pub(crate) unsafe fn shared<'a>(
    catalog: *const Catalog,
) -> Result<&'a Arc<SharedCatalog>, Failure> {
    // SAFETY: guaranteed by the caller.
    let owned = unsafe { Owned::<Catalog, Arc<SharedCatalog>>::of(catalog) };
    Ok(&required(owned, "catalog")?.data)
}

/// Options for reading a catalog. Start with ROCKON_SYNC_CATALOG_OPTIONS_INIT.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct CatalogOptions {
    /// sizeof(rockon_sync_catalog_options).
    pub struct_size: usize,
    /// The directory of local definitions; NULL for "local" in the store.
    pub local_dir: *const c_char,
    /// The names of the sources, lowest priority first. NULL with a count of 0 for all sources of
    /// the store, in the order of sources.toml or, without one, of the last update.
    pub sources: *const *const c_char,
    pub source_count: usize,
}

// SAFETY: starts with its size; numbers and pointers.
unsafe impl Versioned for CatalogOptions {
    const FIRST_SIZE: usize = size_of::<CatalogOptions>();
}

/// Reads the catalog of a store. Uses no network and no lock. A running update does not disturb it,
/// and later updates do not change it.
///
/// Fails with NOT_FOUND if there is no store, STORE if it cannot be read. An unreadable
/// definition is not an error, but in the problems.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rockon_sync_store_catalog(
    store: Option<&Store>,
    options: *const CatalogOptions,
    catalog: Option<&mut MaybeUninit<*mut Catalog>>,
    error: Option<&mut MaybeUninit<*mut Error>>,
) -> Status {
    run(error, || {
        let store = &required(store, "store")?.store;
        // SAFETY: the header requires a valid struct.
        let options = unsafe { versioned(options, "options") }?;
        // SAFETY: as above.
        let local = unsafe { optional(options.local_dir, "options.local_dir") }?;
        let local = local.map_or_else(|| store.local_dir(), |local| Path::new(local).into());
        let (sources, count) = (options.sources, options.source_count);
        // SAFETY: as above.
        let names = unsafe { texts(sources, count, "options.sources") }?;
        let names = names.into_iter().map(str::parse).collect::<Result<Vec<SourceName>, _>>()?;
        let out = required(catalog, "catalog")?;
        let core = match names.is_empty() {
            true => store.catalog_with(&local),
            false => store.catalog_of(&names, &local),
        }?;
        out.write(Catalog::for_c(core));
        Ok(())
    })
}

impl Catalog {
    fn for_c(core: rockon_sync_core::Catalog) -> *mut Catalog {
        let mut arena = Arena::default();
        let mut store = |found: &[rockon_sync_core::Definition]| -> Vec<*const Definition> {
            found.iter().map(|found| Definition::store(found, &mut arena)).collect()
        };
        let (definitions, hidden) = (store(core.definitions()), store(core.hidden()));
        let (shown, hidden) = (arena.pointers(definitions.clone()), arena.pointers(hidden));
        let problems = arena.structs(core.problems(), Error::new);
        let view = Catalog {
            definitions: shown.data,
            definition_count: shown.count,
            hidden: hidden.data,
            hidden_count: hidden.count,
            problems: problems.data,
            problem_count: problems.count,
        };
        let shared = SharedCatalog { core, definitions, _arena: arena };
        Owned::for_c(view, Arc::new(shared), Arena::default())
    }
}

/// Results made from the catalog stay usable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rockon_sync_catalog_free(catalog: *mut Catalog) {
    // SAFETY: the header requires a catalog of this library.
    unsafe { free::<Catalog, Arc<SharedCatalog>>(catalog) }
}

/// Returns the definition with this name, or NULL, also for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rockon_sync_catalog_find(
    catalog: *const Catalog,
    name: *const c_char,
) -> *const Definition {
    let find = || -> Result<*const Definition, Failure> {
        // SAFETY: the header requires a catalog of this library.
        let shared = unsafe { shared(catalog) }?;
        // SAFETY: the header requires a string.
        let found = shared.core.definition(unsafe { text(name, "name") }?);
        Ok(found.map_or(std::ptr::null(), |found| shared.view(found)))
    };
    crate::boundary::guarded(find).and_then(|found| found).unwrap_or(std::ptr::null())
}

/// Bytes, followed by a NUL that is not counted.
#[repr(C)]
pub struct Content {
    pub data: *const u8,
    pub len: usize,
}

impl Content {
    pub(crate) fn for_c(mut bytes: Vec<u8>) -> *mut Content {
        let len = bytes.len();
        bytes.push(0);
        // The buffer of a vector does not move with the vector.
        let view = Content { data: bytes.as_ptr(), len };
        Owned::for_c(view, bytes, Arena::default())
    }
}

/// Reads a definition as it was published: of a Rock-on, the unchanged text of the JSON object
/// after its name; of other formats, the whole file.
///
/// Fails with STORE if the file cannot be read, or an update has removed it: read the catalog again;
/// INTEGRITY if it has changed since the catalog was read; DEFINITION if the name is missing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rockon_sync_definition_read(
    definition: *const Definition,
    content: Option<&mut MaybeUninit<*mut Content>>,
    error: Option<&mut MaybeUninit<*mut Error>>,
) -> Status {
    run(error, || {
        // SAFETY: the header requires a definition of this library.
        let definition = required(unsafe { Definition::core(definition) }, "definition")?;
        let out = required(content, "content")?;
        out.write(Content::for_c(definition.bytes()?));
        Ok(())
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn rockon_sync_content_free(content: *mut Content) {
    // SAFETY: the header requires the content of a definition.
    unsafe { free::<Content, Vec<u8>>(content) }
}

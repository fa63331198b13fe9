//! The manifest (`root.json` of a v2 tree): every entry with its digest.

mod canonical;
mod listing;
mod parse;
mod patch;

use std::borrow::Cow;
use std::io::Read;
use std::sync::Arc;

pub use listing::{Listed, Listing};
pub(crate) use patch::{pairs, write_patched};

use crate::base::digest::Digest;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::limits;
use crate::base::path::EntryPath;
use crate::base::time::Timestamp;
use parse::Extras;

/// A whole manifest: entries with unique ids and unique paths.
///
/// It is accepted whole or refused whole. The order of the document is kept.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Manifest {
    entries: Vec<Entry>,
    /// Positions in `entries`, in byte order of the ids.
    by_id: Vec<u32>,
}

/// One row of the manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry(Arc<Fields>);

/// What a row says. Two manifests that have it in common hold it once.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Fields {
    id: Box<str>,
    path: EntryPath,
    digest: Digest,
    size_bytes: Option<u64>,
    updated: Option<Timestamp>,
    names: Option<Box<[Box<str>]>>,
    /// Further fields in byte order, each value in canonical form.
    /// Entries that say the same share it.
    extra: Option<Arc<[Field]>>,
}

/// The field that names the format of the file; without it, it is a Rock-on.
pub(crate) const FORMAT: &str = "format";
/// The fields that say what a machine must have.
pub(crate) const ARCH: &str = "arch";
/// As [`ARCH`].
pub(crate) const MIN_VERSION: &str = "min_version";
/// Fields of what is held of a v1 tree: the validators of the file.
pub(crate) const ETAG: &str = "etag";
/// As [`ETAG`].
pub(crate) const LAST_MODIFIED: &str = "last-modified";
/// As [`ETAG`]: the mirror that gave them.
pub(crate) const MIRROR: &str = "mirror";

/// Name and value of a further field.
type Field = (Box<str>, Box<str>);

impl Manifest {
    /// Reads a manifest from its bytes: any JSON that says the same as the canonical form.
    ///
    /// # Errors
    /// [`ErrorKind::Manifest`] with the place: not JSON, a field missing or of the
    /// wrong type, an id twice, a path that is unsafe, reserved, there twice (also
    /// when compared without case), or both a file and a directory.
    /// [`ErrorKind::Limit`] above [`limits::MAX_ENTRIES`].
    pub fn parse(bytes: &[u8]) -> Result<Manifest> {
        Manifest::from_entries(parse::entries_of_slice(bytes)?)
    }

    /// Reads a manifest as a stream, never holding its text.
    ///
    /// # Errors
    /// Those of [`Manifest::parse`]; [`ErrorKind::Store`] if reading fails.
    pub fn read(reader: impl Read) -> Result<Manifest> {
        Manifest::from_entries(parse::entries_of_reader(reader, Extras::All, None)?)
    }

    /// The same for a client's own use: without the further fields that it does not go by.
    /// Entries that `known` has as well are shared.
    ///
    /// # Errors
    /// Those of [`Manifest::read`].
    pub(crate) fn read_for_use(reader: impl Read, known: Option<&Manifest>) -> Result<Manifest> {
        Manifest::from_entries(parse::entries_of_reader(reader, Extras::OfUse, known)?)
    }

    /// A manifest of `entries`, in their order.
    ///
    /// # Errors
    /// [`ErrorKind::Manifest`] and [`ErrorKind::Limit`] as in [`Manifest::parse`].
    pub fn from_entries(mut entries: Vec<Entry>) -> Result<Manifest> {
        // Read as a stream, a large one has grown to twice what it needs.
        entries.shrink_to_fit();
        if entries.len() > limits::MAX_ENTRIES {
            return Err(parse::too_many_entries());
        }
        let mut by_id: Vec<u32> = (0..).take(entries.len()).collect();
        by_id.sort_by(|a, b| entries[*a as usize].id().cmp(entries[*b as usize].id()));
        for pair in by_id.windows(2) {
            let id = entries[pair[0] as usize].id();
            if id == entries[pair[1] as usize].id() {
                return Err(invalid(format!("the id {id:?} is there twice")));
            }
        }
        check_paths(entries.iter().map(Entry::path))?;
        Ok(Manifest { entries, by_id })
    }

    /// The entries, in the order of the document.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The entries by themselves, in the order of the document.
    pub(crate) fn into_entries(self) -> impl Iterator<Item = Entry> {
        self.entries.into_iter()
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The entry with this id.
    pub fn entry(&self, id: &str) -> Option<&Entry> {
        let at = self.by_id.binary_search_by(|n| self.entries[*n as usize].id().cmp(id)).ok()?;
        Some(&self.entries[self.by_id[at] as usize])
    }

    /// The entries in byte order of their ids: the order of the canonical form.
    pub fn sorted(&self) -> impl Iterator<Item = &Entry> {
        self.by_id.iter().map(|n| &self.entries[*n as usize])
    }
}

impl Entry {
    /// An entry with the two required fields.
    ///
    /// # Errors
    /// [`ErrorKind::Manifest`] for an id that is empty, longer than 1,024 bytes or
    /// has control characters, and for a path that the protocol itself uses.
    pub fn new(id: impl Into<String>, path: EntryPath, digest: Digest) -> Result<Entry> {
        let id = id.into();
        if let Some(problem) = id_problem(&id) {
            return Err(invalid(format!("the id {id:?} {problem}")));
        }
        if path.is_reserved() {
            let message = format!("entry {id:?}: the name \"{path}\" belongs to the tree itself");
            return Err(invalid(message));
        }
        Ok(Entry(Arc::new(Fields {
            id: id.into_boxed_str(),
            path,
            digest,
            size_bytes: None,
            updated: None,
            names: None,
            extra: None,
        })))
    }

    /// The fields, to be changed here and nowhere else.
    fn fields(&mut self) -> &mut Fields {
        Arc::make_mut(&mut self.0)
    }

    /// Sets the size of the file, in bytes.
    #[must_use]
    pub fn with_size(mut self, size_bytes: u64) -> Entry {
        self.fields().size_bytes = Some(size_bytes);
        self
    }

    /// Sets when the file's bytes last changed.
    #[must_use]
    pub fn with_updated(mut self, updated: Timestamp) -> Entry {
        self.fields().updated = Some(updated);
        self
    }

    /// Sets the names of the definitions in the file.
    #[must_use]
    pub fn with_names(mut self, names: impl IntoIterator<Item = impl Into<Box<str>>>) -> Entry {
        self.fields().names = Some(names.into_iter().map(Into::into).collect());
        self
    }

    /// Sets a further field to a JSON string.
    pub(crate) fn with_extra_string(self, key: &str, value: &str) -> Entry {
        let mut text = String::new();
        crate::base::json::write_string(value, &mut text);
        self.with_extra(key, text)
    }

    /// Sets a further field to canonical JSON.
    pub(crate) fn with_extra(mut self, key: &str, value: String) -> Entry {
        let extra = self.fields().extra.take();
        let mut fields = extra.map_or_else(Vec::new, |fields| fields.to_vec());
        fields.retain(|(name, _)| &**name != key);
        fields.push((key.into(), value.into_boxed_str()));
        fields.sort();
        self.fields().extra = Some(fields.into());
        self
    }

    /// The same file under another id.
    pub(crate) fn with_id(mut self, id: &str) -> Result<Entry> {
        if self.id() != id {
            self.fields().id = Entry::new(id, self.path().clone(), self.digest())?.id().into();
        }
        Ok(self)
    }

    /// The same file under the id and path of `other`.
    pub(crate) fn moved_to(mut self, other: &Entry) -> Entry {
        let fields = self.fields();
        fields.id.clone_from(&other.0.id);
        fields.path.clone_from(&other.0.path);
        self
    }

    /// The key of the entry.
    pub fn id(&self) -> &str {
        &self.0.id
    }

    /// Where the file is, below the tree and below the store's generation.
    pub fn path(&self) -> &EntryPath {
        &self.0.path
    }

    /// The digest of the file.
    pub fn digest(&self) -> Digest {
        self.0.digest
    }

    /// The size of the file in bytes, if the manifest gives it.
    pub fn size_bytes(&self) -> Option<u64> {
        self.0.size_bytes
    }

    /// When the file's bytes last changed, if the manifest gives it.
    pub fn updated(&self) -> Option<Timestamp> {
        self.0.updated
    }

    /// The names of the definitions in the file, if the manifest gives them.
    pub fn names(&self) -> Option<&[Box<str>]> {
        self.0.names.as_deref()
    }

    /// Further fields: name and value as canonical JSON, in byte order of the names.
    pub fn extra(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.extra.as_deref().unwrap_or_default().iter().map(|(key, value)| (&**key, &**value))
    }

    /// A further field that is a string.
    pub(crate) fn extra_string(&self, key: &str) -> Option<String> {
        let (_, value) = self.extra().find(|(name, _)| *name == key)?;
        serde_json::from_str(value).ok()
    }

    /// The most bytes accepted for the file: its stated size, else
    /// [`limits::MAX_UNSIZED_FILE_BYTES`].
    pub(crate) fn max_bytes(&self) -> u64 {
        self.0.size_bytes.unwrap_or(limits::MAX_UNSIZED_FILE_BYTES)
    }
}

/// Longest id, in bytes: a name to be shown, not a text.
const MAX_ID_BYTES: usize = 1024;

fn id_problem(id: &str) -> Option<&'static str> {
    if id.is_empty() {
        Some("is empty")
    } else if id.len() > MAX_ID_BYTES {
        Some("is longer than 1,024 bytes")
    } else if id.chars().any(char::is_control) {
        Some("has a control character")
    } else {
        None
    }
}

/// Refuses paths that would collide as files: the same without case, or one of
/// them a directory that another one needs.
fn check_paths<'a>(paths: impl Iterator<Item = &'a EntryPath>) -> Result<()> {
    let mut folded: Vec<Cow<'_, str>> = paths.map(EntryPath::folded).collect();
    folded.sort_unstable();
    if let Some(pair) = folded.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(invalid(format!(
            "two entries have the file \"{}\" (compared without case and look-alike forms)",
            pair[0]
        )));
    }
    for path in &folded {
        for (at, _) in path.match_indices('/') {
            if folded.binary_search_by(|other| (**other).cmp(&path[..at])).is_ok() {
                let message =
                    format!("\"{}\" is a file and the directory of \"{path}\"", &path[..at]);
                return Err(invalid(message));
            }
        }
    }
    Ok(())
}

fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Manifest, message)
}

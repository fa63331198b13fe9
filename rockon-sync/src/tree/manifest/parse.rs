//! From JSON to entries, as a stream.

use std::fmt;
use std::io::{BufReader, Read};
use std::sync::Arc;

use serde::de::{self, Deserialize, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::{
    ARCH, ETAG, Entry, FORMAT, Field, LAST_MODIFIED, MIN_VERSION, MIRROR, Manifest, invalid,
};
use crate::base::digest::Digest;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::json;
use crate::base::limits::{MAX_ENTRIES, MAX_JSON_DEPTH, MAX_NAMES};
use crate::base::path::EntryPath;
use crate::base::time::Timestamp;

/// How many kinds of further fields are remembered to be shared.
const MAX_SHARED: usize = 16;

/// Which of the further fields are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extras {
    /// All, as whoever writes the manifest again needs them.
    All,
    /// Those that a client itself goes by: of a directory the others are most of its text.
    OfUse,
}

/// The further fields that a client goes by.
const OF_USE: &[&str] = &[ARCH, MIN_VERSION, FORMAT, ETAG, LAST_MODIFIED, MIRROR];

pub(super) fn entries_of_slice(bytes: &[u8]) -> Result<Vec<Entry>> {
    collect(serde_json::Deserializer::from_slice(bytes), Extras::All, None)
}

pub(super) fn entries_of_reader(
    reader: impl Read,
    extras: Extras,
    known: Option<&Manifest>,
) -> Result<Vec<Entry>> {
    collect(serde_json::Deserializer::from_reader(BufReader::new(reader)), extras, known)
}

pub(super) fn too_many_entries() -> Error {
    Error::new(ErrorKind::Limit, format!("more than {MAX_ENTRIES} entries"))
}

fn collect<'de, R: serde_json::de::Read<'de>>(
    mut deserializer: serde_json::Deserializer<R>,
    extras: Extras,
    known: Option<&Manifest>,
) -> Result<Vec<Entry>> {
    let mut entries = Vec::new();
    let mut overflow = false;
    let shared = &mut Vec::new();
    let parsed = Entries { entries: &mut entries, overflow: &mut overflow, extras, shared, known }
        .deserialize(&mut deserializer)
        .and_then(|()| deserializer.end());
    match parsed {
        Ok(()) => Ok(entries),
        Err(_) if overflow => Err(too_many_entries()),
        Err(error) if error.is_io() => {
            Err(Error::new(ErrorKind::Store, "cannot read the manifest").with_source(error))
        }
        Err(error) => Err(invalid(format!("not a manifest: {error}"))),
    }
}

/// Collects the entries of the outer object.
struct Entries<'a> {
    entries: &'a mut Vec<Entry>,
    overflow: &'a mut bool,
    extras: Extras,
    /// Further fields that entries have in common.
    shared: &'a mut Vec<Arc<[Field]>>,
    /// A manifest whose entries are shared as a whole.
    known: Option<&'a Manifest>,
}

impl<'de> DeserializeSeed<'de> for Entries<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Entries<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of entries")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(id) = map.next_key::<String>()? {
            if self.entries.len() == MAX_ENTRIES {
                *self.overflow = true;
                return Err(de::Error::custom("too many entries"));
            }
            let mut entry = map.next_value_seed(Row { id, extras: self.extras })?;
            match self.known.and_then(|known| known.entry(entry.id())) {
                Some(same) if *same == entry => entry = same.clone(),
                _ => {
                    let fields = entry.fields();
                    fields.extra = fields.extra.take().map(|extra| share(extra, self.shared));
                }
            }
            self.entries.push(entry);
        }
        Ok(())
    }
}

/// The names of the definitions in a file, of which there are not too many.
struct Names(Vec<Box<str>>);

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(NamesVisitor)
    }
}

struct NamesVisitor;

impl<'de> Visitor<'de> for NamesVisitor {
    type Value = Names;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at most {MAX_NAMES} names")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Names, A::Error> {
        let mut names = Vec::new();
        while let Some(name) = seq.next_element()? {
            if names.len() == MAX_NAMES {
                return Err(de::Error::invalid_length(MAX_NAMES + 1, &self));
            }
            names.push(name);
        }
        Ok(Names(names))
    }
}

/// The same fields as an earlier entry has, if one of the last kinds of them fits: a catalog
/// says the same few things of most of its entries.
fn share(fields: Arc<[Field]>, shared: &mut Vec<Arc<[Field]>>) -> Arc<[Field]> {
    match shared.iter().find(|known| **known == fields) {
        Some(known) => known.clone(),
        None => {
            if shared.len() == MAX_SHARED {
                shared.remove(0);
            }
            shared.push(fields.clone());
            fields
        }
    }
}

/// Reads the value of the id.
struct Row {
    id: String,
    extras: Extras,
}

impl<'de> DeserializeSeed<'de> for Row {
    type Value = Entry;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Entry, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Row {
    type Value = Entry;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an object with url and sha for the entry {:?}", self.id)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entry, A::Error> {
        let Row { id, extras } = self;
        let bad = |what: &dyn fmt::Display| de::Error::custom(format!("entry {id:?}: {what}"));
        let mut path = None;
        let mut digest = None;
        let mut size_bytes = None;
        let mut updated = None;
        let mut names = None;
        let mut extra: Vec<(Box<str>, Box<str>)> = Vec::new();
        while let Some(key) = map.next_key::<String>()? {
            let mut fresh = true;
            match key.as_str() {
                "url" => {
                    let text: String = map.next_value()?;
                    fresh = path.replace(EntryPath::new(text).map_err(|e| bad(&e))?).is_none();
                }
                "sha" => {
                    let text: String = map.next_value()?;
                    let parsed: Digest = text.parse().map_err(|e| bad(&e))?;
                    fresh = digest.replace(parsed).is_none();
                }
                "size" => fresh = size_bytes.replace(map.next_value::<u64>()?).is_none(),
                "updated" => {
                    let text: String = map.next_value()?;
                    let parsed: Timestamp = text.parse().map_err(|e| bad(&e))?;
                    fresh = updated.replace(parsed).is_none();
                }
                "names" => fresh = names.replace(map.next_value::<Names>()?.0).is_none(),
                _ => {
                    let raw = map.next_value::<Box<RawValue>>()?;
                    let text = json::canonical(&raw, MAX_JSON_DEPTH).ok_or_else(|| {
                        bad(&format!("the field {key:?} nests too deep or repeats a key"))
                    })?;
                    extra.push((key.as_str().into(), text.into_boxed_str()));
                }
            }
            if !fresh {
                return Err(bad(&format!("the field {key:?} is there twice")));
            }
        }
        extra.sort();
        if let Some(pair) = extra.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            return Err(bad(&format!("the field {:?} is there twice", pair[0].0)));
        }
        if extras == Extras::OfUse {
            extra.retain(|(key, _)| OF_USE.contains(&&**key));
        }
        let path = path.ok_or_else(|| bad(&"the field \"url\" is missing"))?;
        let digest = digest.ok_or_else(|| bad(&"the field \"sha\" is missing"))?;
        let mut entry = Entry::new(id.as_str(), path, digest).map_err(de::Error::custom)?;
        let fields = entry.fields();
        fields.size_bytes = size_bytes;
        fields.updated = updated;
        fields.names = names.map(Vec::into_boxed_slice);
        fields.extra = (!extra.is_empty()).then(|| extra.into());
        Ok(entry)
    }
}

//! A streaming parser from JSON to entries.

use std::cell::Cell;
use std::fmt;
use std::io::{self, BufReader, Read};
use std::sync::Arc;

use serde::de::{self, Deserialize, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::entry::{Count, ExtraField};
use super::invalid::{InvalidEntry, InvalidManifest};
use super::{ARCH, ETAG, Entry, FORMAT, FORMERLY, LAST_MODIFIED, MIN_VERSION, MIRROR};
use crate::base::error::{Result, excerpt};
use crate::base::json;
use crate::base::limits::{MAX_JSON_DEPTH, MAX_NAMES, MAX_ROW_BYTES};
use crate::base::path::EntryPath;

/// Most bytes that a buffered reader may hold after a row.
const READ_AHEAD_BYTES: usize = 8 * 1024;

/// Most sets of extra fields that are remembered for sharing.
const MAX_SHARED: usize = 16;

/// The extra fields that are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extras {
    /// All, for code that writes the manifest again.
    All,
    /// Only those that a client uses. The others may be most of the text of a manifest.
    Used,
}

/// The extra fields that a client uses.
const USED: &[&str] = &[ARCH, MIN_VERSION, FORMAT, FORMERLY, ETAG, LAST_MODIFIED, MIRROR];

/// Parses all entries of a manifest.
pub(super) fn entries_of(reader: impl Read, extras: Extras, count: Count) -> Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for_each_entry(reader, extras, count, &mut |entry| entries.push(entry))?;
    Ok(entries)
}

/// Passes each entry of a manifest to `take`. Limits them one by one, so that the memory is limited
/// as well.
pub(super) fn for_each_entry(
    reader: impl Read,
    extras: Extras,
    count: Count,
    take: &mut dyn FnMut(Entry),
) -> Result<()> {
    let row_bytes_left = Cell::new(0);
    let reader = RowReader { inner: reader, bytes_left: &row_bytes_left };
    let mut json =
        serde_json::Deserializer::from_reader(BufReader::with_capacity(READ_AHEAD_BYTES, reader));
    let mut limit = None;
    let visitor = Entries {
        take,
        limit: &mut limit,
        count,
        row_bytes_left: &row_bytes_left,
        extras,
        shared: Vec::new(),
    };
    visitor.start_row();
    let parsed = json.deserialize_map(visitor).and_then(|()| json.end());
    match (parsed, limit) {
        (Ok(()), _) => Ok(()),
        (Err(_), Some(limit)) => Err(limit.into()),
        (Err(error), None) if error.is_io() => match io::Error::from(error) {
            error if error.kind() == io::ErrorKind::FileTooLarge => {
                Err(InvalidManifest::LongRow.into())
            }
            error => Err(InvalidManifest::Read(error).into()),
        },
        (Err(error), None) => Err(InvalidManifest::Json(error).into()),
    }
}

/// Parses the fields of one entry, with all extra fields.
pub(super) fn entry_of(id: &str, fields: &str) -> serde_json::Result<Entry> {
    let mut json = serde_json::Deserializer::from_str(fields);
    let entry = EntrySeed { id: id.to_owned(), extras: Extras::All }.deserialize(&mut json)?;
    json.end()?;
    Ok(entry)
}

/// A reader that fails if a row is too long, before it is in memory.
struct RowReader<'a, R> {
    inner: R,
    bytes_left: &'a Cell<u64>,
}

impl<R: Read> Read for RowReader<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        let left = self.bytes_left.get().checked_sub(n as u64);
        self.bytes_left.set(left.ok_or(io::ErrorKind::FileTooLarge)?);
        Ok(n)
    }
}

/// The visitor of the outer object, which passes on its entries.
struct Entries<'a> {
    take: &'a mut dyn FnMut(Entry),
    /// The limit that was exceeded.
    limit: &'a mut Option<InvalidManifest>,
    count: Count,
    row_bytes_left: &'a Cell<u64>,
    extras: Extras,
    /// Extra fields that entries can share.
    shared: Vec<Arc<[ExtraField]>>,
}

impl Entries<'_> {
    fn start_row(&self) {
        // The reader above this one has read a part of the row already, and reads ahead.
        self.row_bytes_left.set(MAX_ROW_BYTES + READ_AHEAD_BYTES as u64);
    }

    fn exceed<E: de::Error>(&mut self, limit: InvalidManifest) -> E {
        let error = E::custom(&limit);
        *self.limit = Some(limit);
        error
    }
}

impl<'de> Visitor<'de> for Entries<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of entries")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        while let Some(id) = map.next_key::<String>()? {
            let mut entry = map.next_value_seed(EntrySeed { id, extras: self.extras })?;
            let fields = entry.fields();
            fields.extra = fields.extra.take().map(|extra| share(extra, &mut self.shared));
            if let Err(limit) = self.count.add(entry.names().map_or(0, <[_]>::len)) {
                return Err(self.exceed(limit));
            }
            (self.take)(entry);
            self.start_row();
        }
        Ok(())
    }
}

/// Up to [`MAX_NAMES`] names of definitions.
struct NameList(Vec<Box<str>>);

impl<'de> Deserialize<'de> for NameList {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(NameListVisitor)
    }
}

struct NameListVisitor;

impl<'de> Visitor<'de> for NameListVisitor {
    type Value = NameList;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at most {MAX_NAMES} names")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<NameList, A::Error> {
        let mut names = Vec::new();
        while let Some(name) = seq.next_element()? {
            if names.len() == MAX_NAMES {
                return Err(de::Error::invalid_length(MAX_NAMES + 1, &self));
            }
            names.push(name);
        }
        Ok(NameList(names))
    }
}

/// Returns equal fields of an earlier entry, if they are remembered. Most entries of a catalog have
/// one of a few sets of extra fields.
fn share(fields: Arc<[ExtraField]>, shared: &mut Vec<Arc<[ExtraField]>>) -> Arc<[ExtraField]> {
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

/// The visitor of one entry.
struct EntrySeed {
    id: String,
    extras: Extras,
}

impl<'de> DeserializeSeed<'de> for EntrySeed {
    type Value = Entry;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Entry, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for EntrySeed {
    type Value = Entry;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an object with url and sha for the entry {:?}", excerpt(&self.id))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entry, A::Error> {
        let EntrySeed { id, extras } = self;
        let invalid = |rule: InvalidEntry| de::Error::custom(rule.of(&id));
        let (mut path, mut digest) = (None, None);
        let (mut size_bytes, mut updated, mut names) = (None, None, None);
        let mut extra: Vec<ExtraField> = Vec::new();
        while let Some(name) = map.next_key::<String>()? {
            let set = match name.as_str() {
                "url" => set_once(&mut path, &name, EntryPath::new(map.next_value::<String>()?)),
                "sha" => set_once(&mut digest, &name, map.next_value::<String>()?.parse()),
                "size" => set_once(&mut size_bytes, &name, Ok(map.next_value()?)),
                "updated" => set_once(&mut updated, &name, map.next_value::<String>()?.parse()),
                "names" => set_once(&mut names, &name, Ok(map.next_value::<NameList>()?)),
                _ => {
                    let value: Box<RawValue> = map.next_value()?;
                    extra_field(&name, &value).map(|field| extra.push(field))
                }
            };
            set.map_err(invalid)?;
        }
        extra.sort();
        if let Some(pair) = extra.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            return Err(invalid(InvalidEntry::DuplicateField { name: excerpt(&pair[0].0) }));
        }
        if extras == Extras::Used {
            extra.retain(|(name, _)| USED.contains(&&**name));
        }
        let missing = |name| invalid(InvalidEntry::MissingField { name });
        let path = path.ok_or_else(|| missing("url"))?;
        let digest = digest.ok_or_else(|| missing("sha"))?;
        let mut entry = Entry::new(id.as_str(), path, digest).map_err(de::Error::custom)?;
        let fields = entry.fields();
        fields.size_bytes = size_bytes;
        fields.updated = updated;
        fields.names = names.map(|names| names.0.into_boxed_slice());
        fields.extra = (!extra.is_empty()).then(|| extra.into());
        Ok(entry)
    }
}

fn set_once<T>(slot: &mut Option<T>, name: &str, value: Result<T>) -> Result<(), InvalidEntry> {
    match slot.replace(value?) {
        None => Ok(()),
        Some(_) => Err(InvalidEntry::DuplicateField { name: excerpt(name) }),
    }
}

fn extra_field(name: &str, value: &RawValue) -> Result<ExtraField, InvalidEntry> {
    match json::canonical(value, MAX_JSON_DEPTH) {
        Ok(text) => Ok((name.into(), text.into_boxed_str())),
        Err(problem) => Err(InvalidEntry::Field { name: excerpt(name), problem }),
    }
}

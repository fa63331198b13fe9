//! `status.json`: what a source's directory remembers beside its generations.
//!
//! All of it can be lost without harm but for one request more: what guards
//! against rollback and downgrade is also read off the current generation. The digest in it
//! tells a damaged head of that generation from a good one.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::Generation;
use crate::base::digest::Digest;
use crate::base::error::Result;
use crate::base::files::{Files, read_if_any, write_atomically};
use crate::base::time::Timestamp;
use crate::net::transport::Validators;

const FILE: &str = "status.json";

/// Largest status read: a failed entry a line, and there may be many.
const MAX_BYTES: u64 = 64 * 1024 * 1024;

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Status {
    /// When the source was last asked, successfully.
    pub(crate) checked: Option<Timestamp>,
    /// The generation that `fingerprint` and `failed` speak of.
    pub(crate) generation: u64,
    /// Sizes and times of every file of the generation, in one number.
    pub(crate) fingerprint: Option<String>,
    /// Where the current head (v2) or list (v1) came from, without secrets.
    pub(crate) address: Option<String>,
    /// Validators of the current head (v2) or list (v1) at that address.
    pub(crate) validators: Validators,
    /// The digest of that head or list: what the validators speak of.
    pub(crate) digest: Option<Digest>,
    /// The highest serial of a head whose update was completed.
    pub(crate) serial_floor: Option<u64>,
    /// Whether the source was ever seen as a v2 tree.
    pub(crate) has_been_v2: bool,
    /// The locations of the last update, without secrets.
    pub(crate) locations: Vec<String>,
    /// The place of the source among several that were updated together, highest priority
    /// first.
    pub(crate) rank: Option<u32>,
    /// Entries that the last update could not bring up to date.
    pub(crate) failed: Vec<FailedRecord>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FailedRecord {
    pub(crate) id: String,
    pub(crate) kind: String,
    pub(crate) message: String,
}

/// The form on disk.
#[derive(Serialize, Deserialize, Default)]
#[serde(default)]
struct Wire {
    checked: Option<String>,
    generation: u64,
    fingerprint: Option<String>,
    address: Option<String>,
    etag: Option<String>,
    last_modified: Option<String>,
    digest: Option<String>,
    serial_floor: Option<u64>,
    has_been_v2: bool,
    locations: Vec<String>,
    rank: Option<u32>,
    failed: Vec<FailedRecord>,
}

impl Status {
    /// Reads the status; one that is missing or damaged is an empty one.
    ///
    /// # Errors
    /// [`ErrorKind::Store`](crate::ErrorKind::Store) and
    /// [`ErrorKind::Limit`](crate::ErrorKind::Limit) if it cannot be read.
    pub(crate) fn load(files: &dyn Files, dir: &Path) -> Result<Status> {
        let path = dir.join(FILE);
        let wire = match read_if_any(files, &path, MAX_BYTES)? {
            None => Wire::default(),
            Some(bytes) => serde_json::from_slice(&bytes).unwrap_or_else(|error| {
                log::warn!("{}: ignored, and made anew: {error}", path.display());
                Wire::default()
            }),
        };
        Ok(Status {
            checked: wire.checked.and_then(|text| text.parse().ok()),
            generation: wire.generation,
            fingerprint: wire.fingerprint,
            address: wire.address,
            validators: Validators { etag: wire.etag, last_modified: wire.last_modified },
            digest: wire.digest.and_then(|text| text.parse().ok()),
            serial_floor: wire.serial_floor,
            has_been_v2: wire.has_been_v2,
            locations: wire.locations,
            rank: wire.rank,
            failed: wire.failed,
        })
    }

    pub(crate) fn save(&self, files: &dyn Files, dir: &Path) -> Result<()> {
        let wire = Wire {
            checked: self.checked.map(|checked| checked.to_string()),
            generation: self.generation,
            fingerprint: self.fingerprint.clone(),
            address: self.address.clone(),
            etag: self.validators.etag.clone(),
            last_modified: self.validators.last_modified.clone(),
            digest: self.digest.map(|digest| digest.to_string()),
            serial_floor: self.serial_floor,
            has_been_v2: self.has_been_v2,
            locations: self.locations.clone(),
            rank: self.rank,
            failed: self.failed.clone(),
        };
        let mut bytes = serde_json::to_vec_pretty(&wire).expect("plain fields are JSON");
        bytes.push(b'\n');
        write_atomically(files, &dir.join(FILE), &bytes)
    }

    /// True if these bytes cannot be the head (v1: the list) that `generation` was committed
    /// with. Needs a status of that generation; any other one says nothing about it.
    pub(crate) fn contradicts(&self, generation: &Generation, bytes: &[u8]) -> bool {
        let is_known = self.generation == generation.number;
        is_known && self.digest.is_some_and(|digest| digest != Digest::of(bytes))
    }

    /// The validators to send along when asking `address` for a head or list of which
    /// `held` is at hand: a "not modified" is worth something only if it speaks of that.
    pub(crate) fn validators_of(&self, address: &str, held: Option<&[u8]>) -> Option<Validators> {
        let is_same = self.address.as_deref() == Some(address)
            && held.map(Digest::of).is_some_and(|digest| self.digest == Some(digest));
        (is_same && !self.validators.is_empty()).then(|| self.validators.clone())
    }

    /// Remembers what was said of the head or list that is held from now on.
    pub(crate) fn remember(&mut self, address: &str, validators: &Validators, held: &[u8]) {
        self.address = Some(address.to_owned());
        self.validators = validators.clone();
        self.digest = Some(Digest::of(held));
    }
}

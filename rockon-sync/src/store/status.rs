//! `status.json`: the state of a source beside its generations.
//!
//! Losing it costs one more request, and nothing else: the protection against rollback and
//! downgrade also reads the current generation. Its digest detects a damaged head of that
//! generation.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::Generation;
use crate::base::digest::Digest;
use crate::base::error::Result;
use crate::base::files::{Files, read_if_any, write_atomically};
use crate::base::json::to_file;
use crate::base::text;
use crate::base::time::Timestamp;
use crate::net::transport::Validators;

const FILE: &str = "status.json";

/// Largest status read. Each failed entry takes a line.
const MAX_BYTES: u64 = 64 * 1024 * 1024;

/// The state of a source that the last update saved.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Status {
    /// The time of the last successful check.
    #[serde(with = "text::lenient")]
    pub(crate) checked: Option<Timestamp>,
    /// The generation that `digest` and `failed` describe.
    pub(crate) generation: u64,
    /// Id of the last entry whose file a quick check has looked at; empty for none.
    pub(crate) checked_up_to: String,
    /// The address of the current head (v2) or list (v1), without secrets.
    pub(crate) address: Option<String>,
    /// Validators of the current head (v2) or list (v1) at that address.
    pub(crate) etag: Option<String>,
    pub(crate) last_modified: Option<String>,
    /// The digest of that head or list.
    #[serde(with = "text::lenient")]
    pub(crate) digest: Option<Digest>,
    /// The digest of the manifest in the generation, if it is in canonical form.
    #[serde(with = "text::lenient")]
    pub(crate) canonical: Option<Digest>,
    /// The highest serial of a completed update.
    pub(crate) serial_floor: Option<u64>,
    /// The key list that its head names, 0 for none.
    pub(crate) serial_floor_keys: u64,
    /// True if any mirror ever served a v2 tree.
    pub(crate) has_been_v2: bool,
    /// The mirrors of the last update, without secrets.
    pub(crate) locations: Vec<String>,
    /// The position of the source among those that were updated together, highest priority
    /// first.
    pub(crate) rank: Option<u32>,
    /// Entries that the last update could not bring up to date.
    pub(crate) failed: Vec<FailedRecord>,
}

/// An entry that an update could not bring up to date.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FailedRecord {
    pub(crate) id: String,
    pub(crate) kind: String,
    pub(crate) message: String,
}

impl Status {
    /// Reads the status. A missing or damaged file is an empty status.
    ///
    /// # Errors
    /// [`ErrorKind::Store`](crate::ErrorKind::Store) and
    /// [`ErrorKind::Limit`](crate::ErrorKind::Limit) if it cannot be read.
    pub(crate) fn load(files: &dyn Files, dir: &Path) -> Result<Status> {
        let path = dir.join(FILE);
        let bytes = read_if_any(files, &path, MAX_BYTES)?;
        Ok(bytes.map_or_else(Status::default, |bytes| {
            serde_json::from_slice(&bytes).unwrap_or_else(|error| {
                log::warn!("{}: ignored, will be replaced: {error}", path.display());
                Status::default()
            })
        }))
    }

    pub(crate) fn save(&self, files: &dyn Files, dir: &Path) -> Result<()> {
        write_atomically(files, &dir.join(FILE), &to_file(self))
    }

    /// True if these bytes are certainly not the head (v1: the list) that `generation` was
    /// committed with. A status of another generation proves nothing.
    pub(crate) fn contradicts(&self, generation: &Generation, bytes: &[u8]) -> bool {
        let is_known = self.generation == generation.number;
        is_known && self.digest.is_some_and(|digest| digest != Digest::of(bytes))
    }

    /// Returns the validators for a request of the head or list at `address`. Only if they
    /// belong to the `current` bytes, "not modified" means that those are up to date.
    pub(crate) fn validators_of(
        &self,
        address: &str,
        current: Option<&[u8]>,
    ) -> Option<Validators> {
        let is_same = self.address.as_deref() == Some(address)
            && current.map(Digest::of).is_some_and(|digest| self.digest == Some(digest));
        let (etag, last_modified) = (self.etag.clone(), self.last_modified.clone());
        Some(Validators { etag, last_modified }).filter(|found| is_same && !found.is_empty())
    }

    /// Remembers the address and validators of the current head or list.
    pub(crate) fn remember(&mut self, address: &str, validators: &Validators, current: &[u8]) {
        self.address = Some(address.to_owned());
        self.etag.clone_from(&validators.etag);
        self.last_modified.clone_from(&validators.last_modified);
        self.digest = Some(Digest::of(current));
    }
}

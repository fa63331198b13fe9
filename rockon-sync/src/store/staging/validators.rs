//! `seen.jsonl`: the validators of the v1 files in staging.

use std::io::Write;

use serde::{Deserialize, Serialize};

use super::Staging;
use crate::base::digest::Digest;
use crate::base::error::{IoContext, Result};
use crate::base::files::{read_if_any, remove_all};
use crate::base::path::EntryPath;
use crate::base::text;
use crate::base::workers::lock;
use crate::net::transport::Validators;

const FILE: &str = "seen.jsonl";

/// Largest file read: 200,000 lines.
const MAX_BYTES: u64 = 128 * 1024 * 1024;

/// The validators of a v1 file that an interrupted update fetched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StagedValidators {
    pub(crate) path: String,
    #[serde(with = "text")]
    pub(crate) digest: Digest,
    /// The mirror that sent the validators. They are useless without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) mirror: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    etag: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last_modified: Option<String>,
}

impl StagedValidators {
    pub(crate) fn new(
        path: &EntryPath,
        digest: Digest,
        mirror: Option<String>,
        validators: &Validators,
    ) -> StagedValidators {
        StagedValidators {
            path: path.as_str().to_owned(),
            digest,
            mirror,
            etag: validators.etag.clone(),
            last_modified: validators.last_modified.clone(),
        }
    }

    pub(crate) fn validators(&self) -> Validators {
        Validators { etag: self.etag.clone(), last_modified: self.last_modified.clone() }
    }
}

impl Staging<'_> {
    /// Saves the validators of a file, in case this update is interrupted.
    pub(crate) fn save_validators(&self, validators: &StagedValidators) -> Result<()> {
        let path = self.dir.join(FILE);
        let mut line = serde_json::to_vec(validators).expect("plain fields are JSON");
        line.push(b'\n');
        let mut file = lock(&self.validators);
        match &mut *file {
            Some(file) => file.write_all(&line),
            None => self.files.create(&path).and_then(|new| file.insert(new).write_all(&line)),
        }
        .on("write this file", &path)
    }

    /// Returns the validators that an interrupted update saved, and removes them: this update
    /// saves those that are still valid.
    pub(crate) fn take_validators(&self) -> Result<Vec<StagedValidators>> {
        let path = self.dir.join(FILE);
        let bytes = read_if_any(self.files, &path, MAX_BYTES);
        remove_all(self.files, &path)?;
        let bytes = bytes.unwrap_or_else(|error| {
            log::warn!("ignored: {}", error.to_chain());
            None
        });
        // The last line may be incomplete.
        let bytes = bytes.unwrap_or_default();
        let lines = bytes.split(|byte| *byte == b'\n');
        Ok(lines.filter_map(|line| serde_json::from_slice(line).ok()).collect())
    }
}

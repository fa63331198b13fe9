//! Files of any content: each is one definition, with the entry's id as its name.

use super::{About, RawDefinition, Rules};
use crate::base::error::Result;

/// The rules of the format `files`.
pub(super) struct AnyFile;

impl Rules for AnyFile {
    fn name(&self) -> &'static str {
        "files"
    }

    fn takes(&self, _: &str) -> bool {
        true
    }

    fn read<'a>(&self, id: &'a str, bytes: &'a [u8]) -> Result<Vec<RawDefinition<'a>>> {
        Ok(vec![RawDefinition { name: id.into(), text: bytes }])
    }

    fn about(&self, _: &RawDefinition<'_>) -> About {
        About::default()
    }
}

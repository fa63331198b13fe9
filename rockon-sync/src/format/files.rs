//! Files of any kind: what is in them is nobody's business, and the id is the name.

use super::{About, Checked, Collection, Definition, Named, Rules};
use crate::base::error::Result;

/// Takes every file for what it is.
pub(super) struct AnyFile;

impl Rules for AnyFile {
    fn name(&self) -> &'static str {
        "files"
    }

    fn collection(&self) -> Collection {
        Collection::Dir
    }

    fn takes(&self, _: &str) -> bool {
        true
    }

    fn read<'a>(&self, id: &'a str, bytes: &'a [u8]) -> Result<Vec<Definition<'a>>> {
        Ok(vec![Definition { name: id.into(), text: bytes }])
    }

    fn about(&self, _: &Definition<'_>) -> About {
        About::default()
    }

    fn check(&self, id: &str, _: &str, _: &[u8]) -> Checked {
        Checked {
            definitions: vec![Named { name: id.to_owned(), position: None }],
            about: vec![About::default()],
            ..Checked::default()
        }
    }
}

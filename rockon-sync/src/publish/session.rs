//! The values that every stage of a publication may use, and none changes.

use std::path::PathBuf;

use super::page::Page;
use super::publisher::Leniency;
use super::sign::{KeySource, Signer};
use super::tree::{Layout, Tree};
use crate::base::cancel::CancelToken;
use crate::base::files::Files;
use crate::base::time::{Clock, Timestamp};
use crate::format::{Collection, Format};
use crate::update::plan::MassDelete;

/// The options of a publisher.
pub(super) struct PublishOptions<'a> {
    pub(super) catalog: PathBuf,
    pub(super) format: Format,
    pub(super) out: Option<PathBuf>,
    pub(super) layout: Layout,
    pub(super) url: Option<String>,
    pub(super) keep: usize,
    pub(super) expires_in_days: Option<u32>,
    pub(super) sign_keys: Vec<KeySource>,
    pub(super) leniency: Leniency,
    pub(super) mass_delete: MassDelete,
    pub(super) page: Page,
    pub(super) published: Option<Timestamp>,
    /// Only the reading of an update site checks it.
    pub(super) cancel: CancelToken,
    pub(super) clock: &'a dyn Clock,
    pub(super) files: &'a dyn Files,
}

impl PublishOptions<'_> {
    pub(super) fn collection(&self) -> Collection {
        self.format.collection()
    }

    /// The leniency that applies. An update site has many authors: a broken extension must not
    /// stop the others.
    pub(super) fn effective_leniency(&self) -> Leniency {
        match self.collection() {
            Collection::Site => Leniency::LeaveOut,
            _ => self.leniency,
        }
    }
}

/// One publication.
pub(super) struct PublishSession<'a> {
    pub(super) options: &'a PublishOptions<'a>,
    pub(super) tree: Tree<'a>,
    pub(super) signer: Signer,
}

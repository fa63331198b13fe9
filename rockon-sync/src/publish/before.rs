//! What was published before, as far as the tree still says.

use super::history::History;
use super::tree::Tree;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::problem::Problem;
use crate::tree::head::Head;
use crate::tree::manifest::Manifest;

/// What was published before.
pub(super) struct Before {
    pub(super) head: Option<Head>,
    /// The head's bytes, signatures included; empty if there is none.
    pub(super) head_bytes: Vec<u8>,
    /// With the head on top, even if the last run ended right after writing it.
    pub(super) history: History,
    /// Whether the history that is written has the head.
    pub(super) is_recorded: bool,
    /// Empty if there is none.
    pub(super) manifest: Manifest,
    /// True if something was published whose manifest is lost.
    pub(super) is_manifest_lost: bool,
}

impl Before {
    /// Reads head, history and manifest; what is lost of them is a warning.
    ///
    /// # Errors
    /// [`ErrorKind::Head`] for a head that is not a publisher's; [`ErrorKind::Store`], also
    /// for somebody else's file where one of the tree has to go.
    pub(super) fn find(tree: &Tree<'_>, problems: &mut Vec<Problem>) -> Result<Before> {
        let head = tree.head()?;
        let history = History::load(tree.files, &tree.history_path())?;
        match (&head, &history) {
            (None, None) => tree.check_unclaimed()?,
            (Some(_), None) => {
                let message = "lost or damaged; it starts anew from the head";
                problems.push(Problem::warning("history.json", message));
            }
            (None, Some(_)) => {
                let message = "lost; it is written anew from the history";
                problems.push(Problem::warning(tree.layout.head_name(), message));
            }
            (Some(_), Some(_)) => {}
        }
        let mut history = history.unwrap_or_default();
        let newest = history.records.first().map(|record| record.manifest);
        let last = head.as_ref().map(Head::digest).or(newest);
        let manifest = last.map(|digest| tree.manifest(digest)).transpose()?.flatten();
        if let (Some(digest), None) = (last, &manifest) {
            let message = format!("the manifest {digest} is gone; published anew");
            problems.push(Problem::warning(tree.layout.manifest_name(), message));
        }
        let is_recorded =
            head.as_ref().is_none_or(|head| history.records.first() == Some(&head.into()));
        if let Some(head) = head.as_ref().filter(|_| !is_recorded) {
            history = history.with(head.into());
        }
        Ok(Before {
            head_bytes: tree.head_bytes()?.unwrap_or_default(),
            is_manifest_lost: last.is_some() && manifest.is_none(),
            manifest: manifest.unwrap_or_default(),
            head,
            history,
            is_recorded,
        })
    }

    /// The serial of the next publication.
    ///
    /// # Errors
    /// [`ErrorKind::Head`] after the last one that there can be.
    pub(super) fn next_serial(&self, tree: &Tree<'_>) -> Result<u64> {
        let recorded = self.history.records.iter().map(|record| record.serial).max();
        let newest = recorded.max(self.head.as_ref().and_then(Head::serial)).unwrap_or(0);
        newest.checked_add(1).ok_or_else(|| {
            let message = "the serial cannot grow any more; publish into a new directory";
            Error::new(ErrorKind::Head, message).with_path(tree.head_path())
        })
    }
}

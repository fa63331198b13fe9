//! The key list that the next head names.
//!
//! A publisher never goes back: once a head names a list, every later head names it or the next
//! one. A new list is in its place before the head that names it.

use std::path::{Path, PathBuf};

use super::before::Before;
use super::publisher::PublishSession;
use super::tree::Tree;
use super::write::StagedFile;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::files::{ensure_dirs, read_if_any, read_private, stage};
use crate::base::limits::MAX_KEY_LIST_BYTES;
use crate::tree::head::Head;
use crate::tree::note::{SignedKeyList, TrustedKeys, list};

/// The key list of a publication.
pub(super) struct NewKeys {
    list: Option<SignedKeyList>,
    /// True if the tree does not have it yet.
    is_new: bool,
}

impl NewKeys {
    /// Returns the list of the options, or else the published one.
    ///
    /// # Errors
    /// [`ErrorKind::Trust`] if the list of the options does not follow the published one, or if the
    /// signing keys are not enough for it; [`ErrorKind::NotFound`] if the published one is lost.
    pub(super) fn find(session: &PublishSession<'_>, before: &Before) -> Result<NewKeys> {
        let tree = &session.tree;
        let named = named_by(tree, before)?;
        let published = named.map(|version| tree.key_list(version)).transpose()?.flatten();
        let lost = || {
            let version = named.unwrap_or_default();
            let message = "the published key list is missing; restore it";
            Error::new(ErrorKind::NotFound, message).with_path(tree.key_list_path(version))
        };
        let keys = match (&session.options.key_list, named) {
            (None, None) => return Ok(NewKeys { list: None, is_new: false }),
            (None, Some(_)) => NewKeys { list: Some(published.ok_or_else(lost)?), is_new: false },
            (Some(path), _) => {
                let given = read(path)?;
                let at = |error: Error| error.with_path(path);
                match (named, published) {
                    (None, _) => check_first(&given, before).map_err(at)?,
                    (Some(named), published) if named == given.list().version() => {
                        check_same(&given, published.as_ref()).map_err(at)?;
                    }
                    (Some(_), published) => {
                        given.check_after(published.ok_or_else(lost)?.list()).map_err(at)?;
                    }
                }
                let version = given.list().version();
                NewKeys {
                    is_new: tree.key_list(version)?.as_ref() != Some(&given),
                    list: Some(given),
                }
            }
        };
        keys.list.iter().try_for_each(|list| session.signer.check_meets(list.list()))?;
        Ok(keys)
    }

    /// Returns the version of the list.
    pub(super) fn version(&self) -> Option<u64> {
        self.list.as_ref().map(|list| list.list().version())
    }

    /// Returns true if the published head names the list, and the tree has it.
    pub(super) fn is_published(&self, head: &Head) -> bool {
        !self.is_new && head.keys() == self.version()
    }

    /// Puts the list in its place.
    pub(super) fn write(&self, tree: &Tree<'_>) -> Result<()> {
        let Some(list) = self.list.as_ref().filter(|_| self.is_new) else {
            return Ok(());
        };
        ensure_dirs(tree.files, &tree.key_lists())?;
        let path = tree.key_list_path(list.list().version());
        let staged = stage(tree.files, &path, |file| file.write_all(list.as_str().as_bytes()))?;
        tree.rename_staged(&tree.key_lists(), &[StagedFile { staged, path }])
    }
}

/// Returns the version of the list that the last head names. If the head is lost, that of the
/// newest list of the tree.
fn named_by(tree: &Tree<'_>, before: &Before) -> Result<Option<u64>> {
    if let Some(head) = &before.head {
        return Ok(head.keys());
    }
    let names = tree.names_in(&tree.key_lists())?;
    Ok(names.iter().filter_map(|name| list::version_at(&format!("{}/{name}", list::DIR))).max())
}

/// Reads a signed key list.
pub(super) fn read(path: &Path) -> Result<SignedKeyList> {
    let (bytes, _) = read_private(path, MAX_KEY_LIST_BYTES)?;
    SignedKeyList::parse(&bytes).map_err(|error| error.with_path(path))
}

/// Fails unless clients of the published tree can accept this list as their first one.
fn check_first(given: &SignedKeyList, before: &Before) -> Result<()> {
    let version = given.list().version();
    if version != 1 {
        let message = format!("expected key list 1 as the first one, got {version}");
        return Err(Error::new(ErrorKind::Trust, message));
    }
    given.check_itself()?;
    match given.shares_signer_with(&before.head_bytes) {
        Some(false) => Err(Error::new(
            ErrorKind::Trust,
            "no key that has signed the published head has signed key list 1: clients that trust it \
             could not follow; sign the list with it, too",
        )),
        Some(true) | None => Ok(()),
    }
}

/// Fails if another list of this version is published. A lost one may be put back.
fn check_same(given: &SignedKeyList, published: Option<&SignedKeyList>) -> Result<()> {
    given.check_itself()?;
    match published {
        Some(published) if published != given => Err(Error::new(
            ErrorKind::Trust,
            format!("another key list {} is published already", given.list().version()),
        )),
        _ => Ok(()),
    }
}

/// Fails unless the head of a previous tree is signed as its key list says, and a root key of the
/// new list `given` has signed that list: then the given list may replace keys of the head.
pub(super) fn check_previous(
    given: &Path,
    head: &[u8],
    previous: &[u8],
    version: u64,
) -> Result<()> {
    let roots = read(given)?.list().root().keys.clone();
    TrustedKeys::new(roots).with_list(previous, version)?.check_head(head, version)
}

impl Tree<'_> {
    pub(super) fn key_lists(&self) -> PathBuf {
        self.dir.join(list::DIR)
    }

    pub(super) fn key_list_path(&self, version: u64) -> PathBuf {
        list::path_of(version).below(self.dir)
    }

    /// The key list with this version; `None` if it is missing.
    ///
    /// # Errors
    /// [`ErrorKind::Trust`] if it is damaged.
    fn key_list(&self, version: u64) -> Result<Option<SignedKeyList>> {
        let path = self.key_list_path(version);
        let Some(bytes) = read_if_any(self.files, &path, MAX_KEY_LIST_BYTES)? else {
            return Ok(None);
        };
        let list = SignedKeyList::parse(&bytes).map_err(|error| error.with_path(&path))?;
        list.check_itself().map_err(|error| error.with_path(&path))?;
        Ok(Some(list))
    }
}

//! The web page of a tree, and the feed of its updates: one file each, beside the head. Clients
//! never fetch them; they are in no manifest and no pack.
//!
//! | file | job |
//! |---|---|
//! | `page/contents.rs` | the contents of both files, and when they are written |
//! | `page/item.rs` | the description of an entry |
//! | `page/text.rs` | turns untrusted text into plain text |
//! | `page/links.rs` | URLs, relative to the page or to the head's `url` |
//! | `page/updates.rs` | the latest changes |
//! | `page/html.rs` | writes the page, with `style.css` and `script.js` in it |
//! | `page/feed.rs` | writes the feed |

#[cfg(feature = "page")]
mod contents;
#[cfg(feature = "page")]
mod feed;
#[cfg(feature = "page")]
mod html;
#[cfg(feature = "page")]
mod item;
#[cfg(feature = "page")]
mod links;
#[cfg(test)]
#[cfg(feature = "page")]
mod tests;
#[cfg(feature = "page")]
mod text;
#[cfg(feature = "page")]
mod updates;

use std::io::Read;
use std::path::PathBuf;

use super::before::Before;
use super::manifest::NewManifest;
use super::publisher::PublishSession;
use super::report::refused;
use super::tree::{Layout, Tree, foreign_file};
use crate::base::error::{IoContext, Result};
use crate::base::files::{FileKind, remove_if_any, stat_if_any};
use crate::base::path::EntryPath;
use crate::base::problem::Problem;
#[cfg(not(feature = "page"))]
use crate::tree::head::Head;
use crate::tree::manifest::Manifest;
#[cfg(feature = "page")]
pub(super) use contents::refresh;

/// The text by which a publisher recognizes its page.
const PAGE_MARK: &str = "<meta name=\"generator\" content=\"rockon-sync\">";
/// The text by which a publisher recognizes its feed.
const FEED_MARK: &str = "<generator>rockon-sync</generator>";

/// The choice of a web page and a feed for a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Page {
    /// Writes neither, and removes those of an earlier publication, which would be out of date.
    #[default]
    Omit,
    /// Writes both.
    #[cfg(feature = "page")]
    Write,
}

/// Number of bytes that are searched for the mark of a publisher. Both marks are within them.
const MARK_WITHIN_BYTES: u64 = 2048;

/// One of the two files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Page,
    Feed,
}

impl Kind {
    const ALL: [Kind; 2] = [Kind::Page, Kind::Feed];

    fn name(self, layout: Layout) -> &'static str {
        match (self, layout) {
            (Kind::Page, Layout::Separate) => "index.html",
            (Kind::Feed, Layout::Separate) => "updates.atom",
            (Kind::Page, Layout::InPlace) => "root.v2.html",
            (Kind::Feed, Layout::InPlace) => "root.v2.atom",
        }
    }

    /// The text by which a publisher recognizes its own file.
    fn mark(self) -> &'static str {
        match self {
            Kind::Page => PAGE_MARK,
            Kind::Feed => FEED_MARK,
        }
    }

    fn path(self, tree: &Tree<'_>) -> PathBuf {
        tree.dir.join(self.name(tree.layout))
    }

    /// The first bytes of the file, as text; empty if it is missing.
    fn beginning(self, tree: &Tree<'_>) -> Result<String> {
        let path = self.path(tree);
        let stat = stat_if_any(tree.files, &path)?;
        let mut bytes = Vec::new();
        if stat.is_some_and(|stat| stat.kind == FileKind::File) {
            tree.files
                .open(&path)
                .and_then(|file| file.take(MARK_WITHIN_BYTES).read_to_end(&mut bytes))
                .on("read", &path)?;
        }
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Returns true if a publisher wrote the file.
    fn is_own(self, tree: &Tree<'_>) -> Result<bool> {
        Ok(self.beginning(tree)?.contains(self.mark()))
    }

    /// Returns true if the file is an entry of the last publication.
    fn was_entry(self, tree: &Tree<'_>, previous: &Manifest) -> Result<bool> {
        let name = EntryPath::new(self.name(tree.layout))?;
        match previous.entries().iter().find(|entry| *entry.path() == name) {
            Some(entry) if tree.layout == Layout::Separate => tree.has_named(&name, entry.digest()),
            _ => Ok(false),
        }
    }
}

/// Returns true if a page or feed in place has this name: it is not a file of the catalog.
pub(super) fn is_page_in_place(name: &str) -> bool {
    Kind::ALL.iter().any(|kind| kind.name(Layout::InPlace) == name)
}

/// The paths of page and feed, which may be missing.
pub(super) fn paths(tree: &Tree<'_>) -> [PathBuf; 2] {
    Kind::ALL.map(|kind| kind.path(tree))
}

/// Returns true if `name`, at the top of the tree, is a page or feed that a publisher wrote.
pub(super) fn is_own(tree: &Tree<'_>, name: &str) -> Result<bool> {
    match Kind::ALL.into_iter().find(|kind| kind.name(tree.layout) == name) {
        Some(kind) => kind.is_own(tree),
        None => Ok(false),
    }
}

/// Refuses to write page and feed if an entry or another program's file has their name. Called
/// before anything is written.
///
/// # Errors
/// [`Catalog`](crate::ErrorKind::Catalog) with the problems so far and every such entry;
/// [`Store`](crate::ErrorKind::Store) with the path.
pub(super) fn check(
    session: &PublishSession<'_>,
    before: &Before,
    new: &NewManifest,
    problems: &[Problem],
) -> Result<()> {
    if session.options.page == Page::Omit {
        return Ok(());
    }
    let tree = &session.tree;
    let names = Kind::ALL.map(|kind| kind.name(tree.layout));
    let collisions = new.manifest.entries().iter().filter_map(|entry| {
        let folded = entry.path().folded();
        let first = folded.split('/').next()?;
        let name = names.iter().find(|name| **name == first)?;
        Some(Problem::error(
            entry.path().as_str(),
            None,
            format!("entry {:?}: the name \"{name}\" is reserved with --page", entry.id()),
        ))
    });
    let collisions: Vec<Problem> = collisions.collect();
    if !collisions.is_empty() {
        return Err(refused([problems, &collisions].concat()));
    }
    for kind in Kind::ALL {
        let path = kind.path(tree);
        let is_free = stat_if_any(tree.files, &path)?.is_none()
            || kind.is_own(tree)?
            || kind.was_entry(tree, &before.manifest)?;
        if !is_free {
            return Err(foreign_file(path));
        }
    }
    Ok(())
}

/// Removes page and feed if the session omits them. Called before the head is written, so that no
/// new head has an outdated page beside it.
pub(super) fn remove_unwanted(
    session: &PublishSession<'_>,
    before: &Before,
    new: &NewManifest,
) -> Result<()> {
    if session.options.page != Page::Omit {
        return Ok(());
    }
    let tree = &session.tree;
    let mut is_changed = false;
    for kind in Kind::ALL {
        // Without a page, an entry may have this name: then the file is that of the last
        // publication, or, in place, that of the catalog.
        let name = EntryPath::new(kind.name(tree.layout))?;
        let has_entry =
            |manifest: &Manifest| manifest.entries().iter().any(|entry| *entry.path() == name);
        let is_entry = has_entry(&before.manifest)
            || (tree.layout == Layout::InPlace && has_entry(&new.manifest));
        if !is_entry && kind.is_own(tree)? {
            remove_if_any(tree.files, &kind.path(tree))?;
            is_changed = true;
        }
    }
    if is_changed { tree.sync_dir(tree.dir) } else { Ok(()) }
}

/// Without the feature, there is nothing to write.
#[cfg(not(feature = "page"))]
pub(super) fn refresh(_: &PublishSession<'_>, _: &Before, _: &NewManifest, _: &Head) -> Result<()> {
    Ok(())
}

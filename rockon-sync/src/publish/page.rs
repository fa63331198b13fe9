//! The page of a tree, for people, and the feed of its updates: one file each, beside the
//! head. No client asks for them; they are in no manifest and no pack.
//!
//! | file | does |
//! |---|---|
//! | `page/item.rs` | what is said of an entry |
//! | `page/text.rs` | untrusted text made plain |
//! | `page/links.rs` | addresses, relative or below the head's `url` |
//! | `page/updates.rs` | what has changed lately |
//! | `page/html.rs` | writes the page, with `style.css` and `script.js` in it |
//! | `page/feed.rs` | writes the feed |

mod feed;
mod html;
mod item;
mod links;
#[cfg(test)]
mod tests;
mod text;
mod updates;

use std::io::{self, Read, Write};
use std::path::PathBuf;

use super::history::Record;
use super::tree::{Tree, in_the_way};
use super::{Layout, refused};
use crate::base::digest::HashingWriter;
use crate::base::error::{Error, Result};
use crate::base::files::{FileKind, remove_if_any, replace, stat_if_any};
use crate::base::limits::MAX_FILE_BYTES;
use crate::base::path::EntryPath;
use crate::base::problem::Problem;
use crate::store::digest_if_any;
use crate::tree::head::Head;
use crate::tree::manifest::{Entry, Manifest};
use item::Item;
use links::Links;
use updates::Update;

/// Whether a tree gets a page for people, and a feed of its updates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Page {
    /// It does not; those that an earlier publication wrote are removed, since they would
    /// not say what is published.
    #[default]
    Omit,
    /// It does.
    Write,
}

/// How much of a file is looked at to see whether a publisher wrote it: both marks are further
/// up.
const MARK_WITHIN_BYTES: u64 = 2048;

/// The two files.
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

    /// What tells a file from one that somebody else wrote.
    fn mark(self) -> &'static str {
        match self {
            Kind::Page => html::MARK,
            Kind::Feed => feed::MARK,
        }
    }
}

/// What both files are made of. The same always gives the same bytes.
struct Contents<'a> {
    tree: &'a Tree<'a>,
    head: &'a Head,
    manifest: &'a Manifest,
    links: Links,
    /// Newest first.
    updates: Vec<Update>,
    /// What the feed has been called so far.
    feed_id: Option<String>,
}

impl Contents<'_> {
    fn name(&self, kind: Kind) -> &'static str {
        kind.name(self.tree.layout)
    }

    fn write(&self, kind: Kind, out: &mut dyn Write) -> io::Result<()> {
        match kind {
            Kind::Page => html::write(self, out),
            Kind::Feed => feed::write(self, out),
        }
    }

    /// Reads what is said of an entry. One file is in memory at a time.
    fn item<'b>(&self, entry: &'b Entry) -> io::Result<Item<'b>> {
        let mut bytes = Vec::new();
        let object = self.tree.files.open(&self.tree.object(entry.digest()))?;
        object.take(MAX_FILE_BYTES).read_to_end(&mut bytes)?;
        Ok(Item::new(entry, &bytes))
    }
}

/// Whether a name at the top of a catalog is that of a page or feed in place: like the rest of
/// the tree, they are no files of the catalog.
pub(super) fn is_page_in_place(name: &str) -> bool {
    Kind::ALL.iter().any(|kind| kind.name(Layout::InPlace) == name)
}

impl Tree<'_> {
    /// Where page and feed are, if there are any.
    pub(super) fn page_paths(&self) -> [PathBuf; 2] {
        Kind::ALL.map(|kind| self.page_path(kind))
    }

    /// Refuses a page whose names belong to somebody else: to an entry, or to a file that no
    /// publisher wrote. Nothing has been written yet.
    ///
    /// # Errors
    /// [`Catalog`](crate::ErrorKind::Catalog) with every entry in `problems`;
    /// [`Store`](crate::ErrorKind::Store) with the path.
    pub(super) fn check_page(
        &self,
        page: Page,
        manifest: &Manifest,
        previous: &Manifest,
        problems: &[Problem],
    ) -> Result<()> {
        if page == Page::Omit {
            return Ok(());
        }
        let taken = Kind::ALL.map(|kind| kind.name(self.layout));
        let entries = manifest.entries().iter().filter_map(|entry| {
            let folded = entry.path().folded();
            let first = folded.split('/').next()?;
            let name = taken.iter().find(|name| **name == first)?;
            let message = format!(
                "with --page, the name \"{name}\" is that of the tree's own file; entry {:?} has it",
                entry.id()
            );
            Some(Problem::error(entry.path().as_str(), None, message))
        });
        let collisions: Vec<Problem> = entries.collect();
        if !collisions.is_empty() {
            return Err(refused([problems, &collisions].concat()));
        }
        for kind in Kind::ALL {
            let path = self.page_path(kind);
            let is_free = stat_if_any(self.files, &path)?.is_none()
                || self.is_ours(kind)?
                || self.was_entry(kind, previous)?;
            if !is_free {
                return Err(in_the_way(path));
            }
        }
        Ok(())
    }

    /// Removes page and feed where none is wanted. Before the head: an older page does not
    /// stand beside a newer head that was not to have one.
    pub(super) fn remove_unwanted_page(
        &self,
        page: Page,
        manifest: &Manifest,
        previous: &Manifest,
    ) -> Result<()> {
        let mut is_changed = false;
        for kind in Kind::ALL.into_iter().filter(|_| page == Page::Omit) {
            // An entry may have this name as long as the tree has no page. Its file is of the last
            // publication, or in place the catalog's own.
            let name = EntryPath::new(kind.name(self.layout))?;
            let names =
                |manifest: &Manifest| manifest.entries().iter().any(|entry| *entry.path() == name);
            let is_entry = names(previous) || (self.layout == Layout::InPlace && names(manifest));
            if !is_entry && self.is_ours(kind)? {
                remove_if_any(self.files, &self.page_path(kind))?;
                is_changed = true;
            }
        }
        if is_changed { self.sync_top() } else { Ok(()) }
    }

    /// Writes page and feed where they are wanted, missing, or not what they have to be.
    ///
    /// After the head: until then the page of the publication before tells what that one
    /// was, with its time, which stays true. A page that came first would tell of what is not
    /// published, and if the run ends there, never will be. And before anything is removed: what
    /// an older page links to is there for as long as it is.
    pub(super) fn refresh_page(
        &self,
        page: Page,
        head: &Head,
        manifest: &Manifest,
        records: &[Record],
        keep: usize,
    ) -> Result<()> {
        if page == Page::Omit {
            return Ok(());
        }
        let feed_id = feed::id_in(&self.top_of(Kind::Feed)?);
        let links = Links::new(head.url())?;
        let updates = updates::updates(self, manifest, records, keep)?;
        let contents = Contents { tree: self, head, manifest, links, updates, feed_id };
        let mut is_changed = false;
        for kind in Kind::ALL {
            let path = self.page_path(kind);
            let is_current = match digest_if_any(self.files, &path)? {
                None => false,
                Some((found, _)) => {
                    let mut wanted = HashingWriter::new(io::sink());
                    let written = contents.write(kind, &mut wanted);
                    written.map_err(|error| Error::io("make this file", &path, error))?;
                    wanted.finish().1 == found
                }
            };
            if !is_current {
                replace(self.files, &path, |out| contents.write(kind, out))?;
                is_changed = true;
            }
        }
        if is_changed { self.sync_top() } else { Ok(()) }
    }

    fn page_path(&self, kind: Kind) -> PathBuf {
        self.dir.join(kind.name(self.layout))
    }

    /// The first bytes of one of the files, as text; nothing, if there is no such file.
    fn top_of(&self, kind: Kind) -> Result<String> {
        let path = self.page_path(kind);
        let is_file =
            stat_if_any(self.files, &path)?.is_some_and(|stat| stat.kind == FileKind::File);
        let mut bytes = Vec::new();
        if is_file {
            let read = self.files.open(&path);
            let read = read.and_then(|file| file.take(MARK_WITHIN_BYTES).read_to_end(&mut bytes));
            read.map_err(|error| Error::io("read this file", &path, error))?;
        }
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// True if `name`, at the top, is a page or feed that a publisher wrote.
    pub(super) fn is_own_page(&self, name: &str) -> Result<bool> {
        match Kind::ALL.into_iter().find(|kind| kind.name(self.layout) == name) {
            Some(kind) => self.is_ours(kind),
            None => Ok(false),
        }
    }

    fn is_ours(&self, kind: Kind) -> Result<bool> {
        Ok(self.top_of(kind)?.contains(kind.mark()))
    }

    /// Whether the file is what an entry of the last publication left.
    fn was_entry(&self, kind: Kind, previous: &Manifest) -> Result<bool> {
        let name = EntryPath::new(kind.name(self.layout))?;
        match previous.entries().iter().find(|entry| *entry.path() == name) {
            Some(entry) if self.layout == Layout::Separate => self.has_named(&name, entry.digest()),
            _ => Ok(false),
        }
    }

    fn sync_top(&self) -> Result<()> {
        let synced = self.files.sync_dir(self.dir);
        synced.map_err(|error| Error::io("sync this directory", self.dir, error))
    }
}

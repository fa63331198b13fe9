//! The contents of page and feed, and when they are written.

use std::io::{self, Read, Write};

use super::item::{MAX_NAME_CHARS, PageItem};
use super::links::Links;
use super::updates::{self, EntryUpdate};
use super::{Kind, Page, feed, html, text};
use crate::base::digest::HashingWriter;
use crate::base::error::{IoContext, Result};
use crate::base::files::{digest_if_any, replace};
use crate::base::limits::MAX_FILE_BYTES;
use crate::publish::before::Before;
use crate::publish::manifest::NewManifest;
use crate::publish::publisher::PublishSession;
use crate::publish::tree::Tree;
use crate::tree::head::Head;
use crate::tree::manifest::{Entry, Manifest};

/// The title if the publisher gives none.
const DEFAULT_TITLE: &str = "Catalog";

/// Writes page and feed if the session wants them, and they are missing or outdated.
///
/// Called after the head is written: a page that came first would describe a publication that may
/// never happen. And called before the tree is pruned, since an older page links to older files.
pub(in crate::publish) fn refresh(
    session: &PublishSession<'_>,
    before: &Before,
    new: &NewManifest,
    head: &Head,
) -> Result<()> {
    if session.options.page == Page::Omit {
        return Ok(());
    }
    let (tree, manifest) = (&session.tree, &new.manifest);
    let records = before.history.with(head.into()).records;
    let contents = PageContents {
        tree,
        head,
        manifest,
        title: title(session.options.page_title.as_deref()),
        feed_id: feed::id_in(&Kind::Feed.beginning(tree)?),
        links: Links::new(head.url())?,
        updates: updates::updates(tree, manifest, &records, session.options.keep)?,
    };
    let mut is_changed = false;
    for kind in Kind::ALL {
        let path = kind.path(tree);
        if !contents.is_current(kind)? {
            replace(tree.files, &path, |out| contents.write(kind, out))?;
            is_changed = true;
        }
    }
    if is_changed { tree.sync_dir(tree.dir) } else { Ok(()) }
}

/// The contents of both files. The same contents always result in the same bytes.
pub(super) struct PageContents<'a> {
    pub(super) tree: &'a Tree<'a>,
    pub(super) head: &'a Head,
    pub(super) manifest: &'a Manifest,
    pub(super) title: String,
    pub(super) links: Links,
    /// Newest first.
    pub(super) updates: Vec<EntryUpdate>,
    /// The id of the published feed.
    pub(super) feed_id: Option<String>,
}

/// Returns the title of the page as plain text.
fn title(given: Option<&str>) -> String {
    let title = text::label(given.unwrap_or_default(), MAX_NAME_CHARS);
    if title.is_empty() { DEFAULT_TITLE.to_owned() } else { title }
}

impl PageContents<'_> {
    pub(super) fn name(&self, kind: Kind) -> &'static str {
        kind.name(self.tree.layout)
    }

    /// Returns the URL of page or feed, for readers that have only the text of the feed.
    pub(super) fn url(&self, kind: Kind) -> String {
        self.links.beside(self.name(kind))
    }

    fn write(&self, kind: Kind, out: &mut dyn Write) -> io::Result<()> {
        match kind {
            Kind::Page => html::write(self, out),
            Kind::Feed => feed::write(self, out),
        }
    }

    /// Returns true if the file on disk has these contents.
    fn is_current(&self, kind: Kind) -> Result<bool> {
        let path = kind.path(self.tree);
        let Some((found, _)) = digest_if_any(self.tree.files, &path)? else {
            return Ok(false);
        };
        let mut hasher = HashingWriter::new(io::sink());
        self.write(kind, &mut hasher).on("generate", &path)?;
        Ok(hasher.finish().1 == found)
    }

    /// Reads the description of an entry. Only one file is in memory at a time.
    pub(super) fn item<'b>(&self, entry: &'b Entry) -> io::Result<PageItem<'b>> {
        let mut bytes = Vec::new();
        let object = self.tree.files.open(&self.tree.object(entry.digest()))?;
        object.take(MAX_FILE_BYTES).read_to_end(&mut bytes)?;
        Ok(PageItem::new(entry, &bytes))
    }
}

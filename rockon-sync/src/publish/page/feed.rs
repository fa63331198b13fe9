//! Writes the feed of updates: Atom (RFC 4287), with an entry per change.

use std::io::{self, Write};

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};

use super::contents::PageContents;
use super::item::{PageItem, title};
use super::links::anchor;
use super::updates::{ChangeKind, EntryUpdate};
use super::{FEED_MARK, Kind};
use crate::base::digest::{Digest, Hasher};
use crate::tree::manifest::Entry;

/// Most changes in the feed. More than a large catalog has between two visits of a reader, but
/// few, since readers fetch the file again and again.
const MAX_ENTRIES: usize = 50;

/// The scheme of ids (RFC 9562, section 4). Ids must be permanent and unique (RFC 4287, section
/// 4.2.6), so they do not depend on the URL of the tree, which may change.
const URN: &str = "urn:uuid:";

/// The namespace of the feed (RFC 4287, section 2).
const NAMESPACE: &str = "http://www.w3.org/2005/Atom";

/// Returns the id of the feed that begins with `text`. New versions of the feed keep it.
pub(super) fn id_in(text: &str) -> Option<String> {
    let (id, _) = text.split_once("<id>")?.1.split_once("</id>")?;
    let uuid = id.strip_prefix(URN)?;
    let is_uuid = uuid.len() == 36 && uuid.bytes().all(|b| b == b'-' || b.is_ascii_hexdigit());
    (is_uuid && text.contains(FEED_MARK)).then(|| id.to_owned())
}

pub(super) fn write(contents: &PageContents<'_>, out: &mut dyn Write) -> io::Result<()> {
    let newest = &contents.updates[..contents.updates.len().min(MAX_ENTRIES)];
    let published = contents.head.published().map(|at| at.to_string()).unwrap_or_default();
    let updated = newest.first().map_or(published.clone(), |update| update.at.to_string());
    let feed_id = contents
        .feed_id
        .clone()
        .unwrap_or_else(|| urn(&["feed", &contents.head.digest().to_string(), &published]));
    let mut xml = Writer::new(out);
    xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("utf-8"), None)))?;
    let feed = xml.create_element("feed").with_attribute(("xmlns", NAMESPACE));
    feed.write_inner_content(|xml| {
        line(xml)?;
        text(xml, "id", &feed_id)?;
        text(xml, "title", &format!("{}: updates", contents.title))?;
        text(xml, "updated", &updated)?;
        text(xml, "generator", "rockon-sync")?;
        xml.create_element("author").write_inner_content(|xml| {
            xml.create_element("name").write_text_content(BytesText::new("The publisher"))?;
            Ok(())
        })?;
        line(xml)?;
        link(xml, "self", Some("application/atom+xml"), &contents.url(Kind::Feed))?;
        link(xml, "alternate", Some("text/html"), &contents.url(Kind::Page))?;
        for update in newest {
            entry(xml, contents, update)?;
        }
        Ok(())
    })?;
    line(&mut xml)
}

fn entry(
    xml: &mut Writer<&mut dyn Write>,
    contents: &PageContents<'_>,
    update: &EntryUpdate,
) -> io::Result<()> {
    let (word, changed) = match update.change {
        ChangeKind::New => ("new", &update.entry),
        ChangeKind::Updated => ("updated", &update.entry),
        ChangeKind::Removed => ("removed", &update.entry),
    };
    // Other bytes, or the same bytes at another time, are another update.
    let at = update.at.to_string();
    let id = urn(&["update", word, changed.id(), &changed.digest().to_string(), &at]);
    let page = contents.url(Kind::Page);
    let is_there = update.change != ChangeKind::Removed;
    xml.create_element("entry").write_inner_content(|xml| {
        line(xml)?;
        text(xml, "id", &id)?;
        let shown = match &update.renamed_from {
            Some(from) => format!("renamed from {from}"),
            None => word.to_owned(),
        };
        text(xml, "title", &format!("{} ({shown})", title(changed)))?;
        text(xml, "updated", &at)?;
        let place = if is_there { anchor(changed) } else { "updates".to_owned() };
        link(xml, "alternate", Some("text/html"), &format!("{page}#{place}"))?;
        if is_there {
            link(xml, "related", None, &contents.links.file(changed.path()))?;
        }
        let summary = match is_there {
            true => summary(contents, changed)?,
            false => "No longer in the catalog.".to_owned(),
        };
        text(xml, "summary", &summary)
    })?;
    line(xml)
}

fn summary(contents: &PageContents<'_>, entry: &Entry) -> io::Result<String> {
    let PageItem { definitions, hidden, .. } = contents.item(entry)?;
    let mut lines: Vec<String> = Vec::new();
    for described in &definitions {
        if definitions.len() > 1 || described.name.is_some() {
            lines.push(described.heading.clone());
        }
        lines.extend(described.description.lines().map(str::to_owned));
    }
    if hidden > 0 {
        lines.push(format!("and {hidden} more in the same file"));
    }
    Ok(lines.join("\n"))
}

fn text(xml: &mut Writer<&mut dyn Write>, name: &str, text: &str) -> io::Result<()> {
    xml.create_element(name).write_text_content(BytesText::new(text))?;
    line(xml)
}

fn link(
    xml: &mut Writer<&mut dyn Write>,
    rel: &str,
    media_type: Option<&str>,
    href: &str,
) -> io::Result<()> {
    let link = xml.create_element("link").with_attribute(("rel", rel));
    let link = link.with_attributes(media_type.map(|name| ("type", name)));
    link.with_attribute(("href", href)).write_empty()?;
    line(xml)
}

fn line(xml: &mut Writer<&mut dyn Write>) -> io::Result<()> {
    xml.get_mut().write_all(b"\n")
}

/// Returns a UUID that depends only on `parts`: version 8 with SHA-256 (RFC 9562, sections 5.8 and
/// B.2).
fn urn(parts: &[&str]) -> String {
    let mut hasher = Hasher::new();
    for part in parts {
        // With its length, so that no two lists have the same bytes.
        hasher.update(&(part.len() as u64).to_be_bytes());
        hasher.update(part.as_bytes());
    }
    let (digest, _): (Digest, u64) = hasher.finish();
    let mut uuid = [0; 16];
    uuid.copy_from_slice(&digest.as_bytes()[..16]);
    uuid[6] = uuid[6] & 0x0f | 0x80;
    uuid[8] = uuid[8] & 0x3f | 0x80;
    let hex = hex::encode(uuid);
    let (a, b, c, d, e) = (&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]);
    format!("{URN}{a}-{b}-{c}-{d}-{e}")
}

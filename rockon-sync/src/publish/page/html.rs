//! Writes the page: one file that fetches nothing else, and is complete without scripts.
//!
//! Three independent measures keep untrusted text inert: it is turned into plain text before it
//! gets here (`text.rs`, `links.rs`), the templates escape it, and the page's policy allows no
//! script but the one whose digest it names.

use std::collections::BTreeSet;
use std::io::{self, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::contents::PageContents;
use super::item::{Description, MAX_NAME_CHARS, PageItem, title};
use super::links::{Links, Part, Website, anchor, parts};
use super::text::label;
use super::updates::{ChangeKind, EntryUpdate, former_names};
use super::{Kind, PAGE_MARK};
use crate::base::digest::Digest;
use crate::base::time::Timestamp;
use crate::format::target::Target;
use crate::tree::manifest::Entry;

/// Must not contain `</`, which would end the element. The same is true of [`SCRIPT`].
const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// Most changes that the page lists. Nothing is lost: every entry has the time of its last change.
const MAX_UPDATES: usize = 100;

/// Longest file name or id shown, in characters; the longest possible have 1,024.
const MAX_PATH_CHARS: usize = 200;

pub(super) fn write(contents: &PageContents<'_>, out: &mut dyn Write) -> io::Result<()> {
    let mut entries: Vec<&Entry> = contents.manifest.sorted().collect();
    entries.sort_by_cached_key(|entry| title(entry).to_lowercase());
    let machines = Machines::of(&entries);
    let mut put = |part: Markup| out.write_all(part.into_string().as_bytes());
    put(html! {
        (DOCTYPE)
        // Not as elements, which maud would close: the entries are written one by one.
        (PreEscaped("<html lang=\"en\">\n"))
        (beginning(contents))
        (PreEscaped("<body>\n"))
        a.skip href="#list" { "Skip to the entries" }
        (top(contents))
        (filters(&machines))
        (PreEscaped("<div class=\"columns\">\n"))
        // Before the entries: on a phone, it is what a returning reader looks for.
        (updates(contents))
        (PreEscaped("<main id=\"list\">\n"))
        h2 { "Entries" output #count for="search arch since" { } }
        p #none hidden { "Nothing matches. " button type="button" #reset { "Show everything" } }
        (PreEscaped("<ul class=\"cards\">\n"))
    })?;
    for entry in entries {
        put(card(&contents.item(entry)?, &contents.links, &machines))?;
    }
    put(html! {
        (PreEscaped("</ul>\n</main>\n</div>\n"))
        (follow(contents))
        (bottom(contents))
        script { (PreEscaped(SCRIPT)) }
        (PreEscaped("\n</body>\n</html>\n"))
    })
}

/// The content security policy (w3.org/TR/CSP3): nothing is fetched, sent or framed, and only
/// these two scripts and styles are allowed.
fn policy() -> String {
    let source = |text: &str| {
        format!("'sha256-{}'", STANDARD.encode(Digest::of(text.as_bytes()).as_bytes()))
    };
    format!(
        "default-src 'none'; style-src {}; script-src {}; base-uri 'none'; form-action 'none'",
        source(STYLE),
        source(SCRIPT)
    )
}

fn beginning(contents: &PageContents<'_>) -> Markup {
    html! {
        head {
            // First, since it applies only to the elements after it.
            meta http-equiv="Content-Security-Policy" content=(policy());
            meta charset="utf-8";
            (PreEscaped(PAGE_MARK))
            meta name="viewport" content="width=device-width, initial-scale=1";
            meta name="color-scheme" content="light dark";
            meta name="referrer" content="no-referrer";
            title { (contents.title) ": " (count(contents.manifest.len(), "entry", "entries")) }
            link rel="alternate" type="application/atom+xml" title="Updates"
                href=(contents.name(Kind::Feed));
            style { (PreEscaped(STYLE)) }
        }
        "\n"
    }
}

fn top(contents: &PageContents<'_>) -> Markup {
    let layout = contents.tree.layout;
    html! {
        header.top {
            h1 { (contents.title) }
            p.facts {
                strong { (count(contents.manifest.len(), "entry", "entries")) }
                @if let Some(published) = contents.head.published() {
                    " · published " (moment(published))
                }
                @if let Some(serial) = contents.head.serial() { " · serial " (serial) }
            }
            nav aria-label="On this page" {
                a href="#list" { "Entries" }
                a href="#updates" { "What is new" }
                a href="#follow" { "Follow" }
                a href=(contents.name(Kind::Feed)) { "Feed" }
                a href=(layout.head_name()) { code { (layout.head_name()) } }
            }
        }
        "\n"
    }
}

/// The filters. They need the script, which unhides them.
fn filters(machines: &Machines) -> Markup {
    html! {
        form #filters role="search" hidden {
            div.field.wide {
                label for="search" { "Search" }
                input #search type="search" autocomplete="off" spellcheck="false"
                    placeholder="Name or description";
            }
            @if !machines.0.is_empty() {
                div.field {
                    label for="arch" { "Runs on" }
                    select #arch {
                        option value="" { "any machine" }
                        @for (name, _) in &machines.0 { option value=(name) { (name) } }
                    }
                }
            }
            div.field {
                label for="since" { "New since" }
                input #since type="date";
            }
        }
        "\n"
    }
}

fn card(item: &PageItem<'_>, links: &Links, machines: &Machines) -> Markup {
    let entry = item.entry;
    let needs = entry.requirements();
    let file = label(entry.path().as_str(), MAX_PATH_CHARS);
    let formerly = former_names(entry);
    let digest = entry.digest();
    let place = anchor(entry);
    html! {
        li.card id=(place) data-updated=[entry.updated().map(day)]
            data-arch=[needs.arch().map(|_| machines.that_run(entry))]
        {
            @for (n, described) in item.definitions.iter().enumerate() {
                (definition(described, (n == 0).then_some(&*place)))
            }
            @if item.hidden > 0 { p.more { "and " (item.hidden) " more in the same file" } }
            @if !needs.is_empty() {
                ul.tags aria-label="Requirements" {
                    @for arch in needs.arch().unwrap_or_default() { li { (arch) } }
                    @if let Some(version) = needs.min_version() { li { "version " (version) " or later" } }
                }
            }
            dl {
                @if let Some(updated) = entry.updated() {
                    div { dt { "Updated" } dd { (date(updated)) } }
                }
                @if !formerly.is_empty() {
                    div {
                        dt { "Renamed from" }
                        @for name in &formerly { dd { bdi { (label(name, MAX_NAME_CHARS)) } } }
                    }
                }
                div {
                    dt { "File" }
                    dd {
                        a href=(links.file(entry.path())) { bdi { (file) } }
                        @if let Some(len_bytes) = entry.size_bytes() { " · " (size(len_bytes)) }
                    }
                }
                div {
                    dt { "SHA-256" }
                    dd.digest { a href=(links.object(digest)) { code { (digest.to_string()) } } }
                }
            }
        }
        "\n"
    }
}

/// Renders one definition. The first one links to the entry itself.
fn definition(described: &Description, place: Option<&str>) -> Markup {
    html! {
        h3 {
            @match place {
                Some(place) => a href={ "#" (place) } { bdi { (described.heading) } },
                None => bdi { (described.heading) },
            }
            @if let Some(version) = &described.version { " " span.version { bdi { (version) } } }
        }
        @if let Some(name) = &described.name { p.name { code { bdi { (name) } } } }
        @for line in described.description.lines() {
            p dir="auto" {
                @for part in parts(line) {
                    @match part {
                        Part::Text(text) => (text),
                        Part::Link(Website { url, .. }) => {
                            a href=(url) rel="noopener noreferrer nofollow" { (url) }
                        },
                    }
                }
            }
        }
        @if let Some(website) = &described.website {
            p.site { a href=(website.url) rel="noopener noreferrer nofollow" { (website.host) } }
        }
    }
}

fn updates(contents: &PageContents<'_>) -> Markup {
    let shown = &contents.updates[..contents.updates.len().min(MAX_UPDATES)];
    let more = contents.updates.len() - shown.len();
    html! {
        aside #updates aria-labelledby="updates-title" {
            h2 #updates-title { "What is new" }
            @for today in shown.chunk_by(|a, b| day(a.at) == day(b.at)) {
                section.day data-day=(day(today[0].at)) {
                    h3 { (date(today[0].at)) }
                    ul { @for update in today { li { (change(update)) } } }
                }
            }
            @if shown.is_empty() { p { "Nothing has changed since the first publication." } }
            p #nothing-new hidden { "Nothing since then." }
            @if more > 0 {
                p.more { (count(more, "change", "changes")) " before; each entry shows when it was updated." }
            }
        }
        "\n"
    }
}

fn change(update: &EntryUpdate) -> Markup {
    let (class, word) = match update.change {
        ChangeKind::New => ("new", "new"),
        ChangeKind::Updated => ("updated", "updated"),
        ChangeKind::Removed => ("removed", "removed"),
    };
    let name = title(&update.entry);
    html! {
        @match update.change {
            ChangeKind::Removed => bdi { (name) },
            _ => a href={ "#" (anchor(&update.entry)) } { bdi { (name) } },
        }
        " " span.change.(class) {
            @match &update.renamed_from {
                Some(from) => { "renamed from " bdi { (from) } },
                None => (word),
            }
        }
    }
}

/// The ways to follow the catalog: for people, and for machines.
fn follow(contents: &PageContents<'_>) -> Markup {
    let url = contents.links.tree().unwrap_or("URL");
    let command = format!("rockon-sync update --store DIR --source {url}");
    html! {
        section #follow aria-labelledby="follow-title" {
            h2 #follow-title { "Follow this catalog" }
            p {
                "With a feed reader, subscribe to the " a href=(contents.name(Kind::Feed)) { "feed" }
                " of updates. To keep a copy of all files up to date on a machine, run:"
            }
            p.command { code { (command) } }
            @if contents.links.tree().is_none() {
                p { "URL is the address of this page without its file name." }
            }
        }
        "\n"
    }
}

fn bottom(contents: &PageContents<'_>) -> Markup {
    let head = contents.tree.layout.head_name();
    html! {
        footer {
            p {
                "Every file is also available under its digest. The digest of the manifest is in "
                a href=(head) { code { (head) } } ", which may be signed. "
                "The description of an entry is taken from its own file."
            }
        }
        "\n"
    }
}

/// The architectures that entries name, each with a machine that has it.
struct Machines(Vec<(Box<str>, Target)>);

impl Machines {
    fn of(entries: &[&Entry]) -> Machines {
        let mut names = BTreeSet::new();
        for entry in entries {
            names.extend(entry.requirements().arch().unwrap_or_default().iter().cloned());
        }
        let machines = names.into_iter().filter_map(|name| {
            let machine = Target::new().with_arch(&name).ok()?;
            Some((name, machine))
        });
        Machines(machines.collect())
    }

    /// Returns the architectures that an entry runs on, separated by spaces.
    fn that_run(&self, entry: &Entry) -> String {
        let needs = entry.requirements();
        let fit = self.0.iter().filter(|(_, machine)| machine.mismatches(&needs).is_empty());
        fit.map(|(name, _)| &**name).collect::<Vec<_>>().join(" ")
    }
}

/// `2026-11-22`, in UTC.
fn day(at: Timestamp) -> String {
    let text = at.to_string();
    text.split_once('T').map_or(text.clone(), |(day, _)| day.to_owned())
}

fn date(at: Timestamp) -> Markup {
    html! { time datetime=(at.to_string()) { (day(at)) } }
}

fn moment(at: Timestamp) -> Markup {
    let text = at.to_string();
    let time = text.split_once('T').map_or("", |(_, time)| time.trim_end_matches('Z'));
    let to_the_minute = time.get(..5).unwrap_or(time);
    html! { time datetime=(at.to_string()) { (day(at)) " " (to_the_minute) " UTC" } }
}

fn count(n: usize, one: &str, many: &str) -> String {
    if n == 1 { format!("1 {one}") } else { format!("{n} {many}") }
}

/// Formats a size in units of 1,000.
fn size(len_bytes: u64) -> String {
    match len_bytes {
        0..1000 => format!("{len_bytes} B"),
        1000..1_000_000 => format!("{}.{} kB", len_bytes / 1000, len_bytes % 1000 / 100),
        _ => format!("{}.{} MB", len_bytes / 1_000_000, len_bytes % 1_000_000 / 100_000),
    }
}

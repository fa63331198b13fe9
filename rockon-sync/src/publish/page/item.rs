//! The description of an entry.

use super::links::Website;
use super::text;
use crate::format::{Format, RawDefinition, Rules};
use crate::tree::manifest::Entry;

/// Longest name shown, in characters: two lines of a card.
pub(super) const MAX_NAME_CHARS: usize = 120;

/// Longest version shown, in characters.
const MAX_VERSION_CHARS: usize = 40;

/// Longest description shown, in characters: real ones have up to 600.
const MAX_DESCRIPTION_CHARS: usize = 1000;

/// Most definitions shown of one file: real ones have one.
const MAX_SHOWN: usize = 20;

/// The description of one definition, as plain text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Description {
    /// The title, or the name.
    pub(super) heading: String,
    /// The name, if the heading is the title.
    pub(super) name: Option<String>,
    /// Paragraphs, one per line.
    pub(super) description: String,
    pub(super) version: Option<String>,
    pub(super) website: Option<Website>,
}

/// An entry with the descriptions of its definitions.
pub(super) struct PageItem<'a> {
    pub(super) entry: &'a Entry,
    /// At least one.
    pub(super) definitions: Vec<Description>,
    /// Number of further definitions, which are not shown.
    pub(super) hidden: usize,
}

impl<'a> PageItem<'a> {
    /// Creates the item of an entry from the bytes of its file.
    pub(super) fn new(entry: &'a Entry, bytes: &[u8]) -> PageItem<'a> {
        let rules = Format::of(entry).rules();
        let found = rules.read(entry.id(), bytes).unwrap_or_default();
        let hidden = found.len().saturating_sub(MAX_SHOWN);
        let shown = found.iter().take(MAX_SHOWN);
        let mut definitions: Vec<Description> =
            shown.map(|definition| describe(entry, definition, rules)).collect();
        if definitions.is_empty() {
            definitions.push(Description { heading: title(entry), ..Description::default() });
        }
        PageItem { entry, definitions, hidden }
    }
}

/// Returns the first name of an entry that has printable characters.
pub(super) fn title(entry: &Entry) -> String {
    let names = entry.names().unwrap_or_default().iter().map(|name| &**name);
    let mut labels = names
        .chain([entry.id(), entry.path().as_str()])
        .map(|name| text::label(name, MAX_NAME_CHARS));
    labels.find(|label| !label.is_empty()).unwrap_or_else(|| "(unnamed)".to_owned())
}

fn describe(entry: &Entry, definition: &RawDefinition<'_>, rules: &dyn Rules) -> Description {
    let blurb = rules.blurb(definition);
    let label = |text: Option<String>, max_chars| {
        text.map(|text| text::label(&text, max_chars)).filter(|label| !label.is_empty())
    };
    let name = label(Some(definition.name.to_string()), MAX_NAME_CHARS);
    let name = name.unwrap_or_else(|| title(entry));
    let heading = label(blurb.title, MAX_NAME_CHARS);
    let (heading, name) = match heading.filter(|heading| *heading != name) {
        Some(heading) => (heading, Some(name)),
        None => (name, None),
    };
    Description {
        heading,
        name,
        description: text::plain(&blurb.description.unwrap_or_default(), MAX_DESCRIPTION_CHARS),
        version: label(rules.about(definition).version, MAX_VERSION_CHARS),
        website: blurb.website.and_then(|text| Website::new(&text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::digest::Digest;
    use crate::base::path::EntryPath;

    fn entry(path: &str) -> Entry {
        Entry::new("the id", EntryPath::new(path).unwrap(), Digest::of(b"")).unwrap()
    }

    #[test]
    fn a_definition_is_described_in_plain_text() {
        let file = r#"{"Name": {"description": "One<p>Two", "website": "https://h.example/x",
                       "version": " 1.0\n"}, "Other": {"website": 1}}"#;
        let entry = entry("a.json");
        let item = PageItem::new(&entry, file.as_bytes());
        let expected = Description {
            heading: "Name".into(),
            name: None,
            description: "One\nTwo".into(),
            version: Some("1.0".into()),
            website: Website::new("https://h.example/x"),
        };
        let other = Description { heading: "Other".into(), ..Description::default() };
        assert_eq!(item.definitions, [expected, other]);
    }

    #[test]
    fn a_file_without_definitions_is_described_by_its_id() {
        for (format, bytes) in [
            (Format::Rockon, "{}"),
            (Format::Rockon, "not JSON"),
            (Format::Jupdate, "<updates/>"),
            (Format::Files, "{\"N\": {}}"),
        ] {
            let entry = format.mark(entry("a"));
            let item = PageItem::new(&entry, bytes.as_bytes());
            assert_eq!(
                item.definitions,
                [Description { heading: "the id".into(), ..Description::default() }]
            );
        }
        let named = entry("a.json").with_names(["\u{202e}", "N\u{0}ame"]);
        assert_eq!(title(&named), "Name");
    }

    #[test]
    fn an_extension_is_described_by_its_newest_release() {
        let release = |version: &str| {
            format!(
                "<update><name>The Cache</name><description>Is &lt;b&gt;fast&lt;/b&gt;.</description>\
                 <type>plugin</type><folder>system</folder><element>cache</element>\
                 <version>{version}</version><infourl>https://h.example/{version}</infourl></update>"
            )
        };
        let file = format!("<updates>{}{}</updates>", release("1.9"), release("1.10"));
        let path = EntryPath::new("cache.xml").unwrap();
        let entry = Entry::new("plugin/system/cache", path, Digest::of(b"")).unwrap();
        let entry = Format::Jupdate.mark(entry);
        let item = PageItem::new(&entry, file.as_bytes());
        let expected = Description {
            heading: "The Cache".into(),
            name: Some("plugin/system/cache".into()),
            description: "Is fast.".into(),
            version: Some("1.10".into()),
            website: Website::new("https://h.example/1.10"),
        };
        assert_eq!(item.definitions, [expected]);
    }

    #[test]
    fn only_the_first_definitions_of_a_large_file_are_shown() {
        let file: Vec<String> = (0..1000).map(|n| format!("\"{n}\": {{}}")).collect();
        let entry = entry("a.json");
        let item = PageItem::new(&entry, format!("{{{}}}", file.join(",")).as_bytes());
        assert_eq!((item.definitions.len(), item.hidden), (MAX_SHOWN, 1000 - MAX_SHOWN));
        let (name, description) = ("x".repeat(1024), "x".repeat(100_000));
        let file = format!("{{\"{name}\": {{\"description\": \"{description}\"}}}}");
        let item = PageItem::new(&entry, file.as_bytes());
        let first = &item.definitions[0];
        assert_eq!(first.heading.chars().count(), MAX_NAME_CHARS + 1);
        assert_eq!(first.description.chars().count(), MAX_DESCRIPTION_CHARS + 1);
    }
}

//! Releases: the `<update>` elements in the file of an extension.

use std::collections::BTreeMap;

use super::platform::Versions;
use super::xml::{Element, Event, Xml};
use super::{client_name, id_of};
use crate::base::error::{Error, ErrorKind, Result};
use crate::format::relation::{Field, Relations};
use crate::format::target::Stability;

/// One release of an extension, as its site describes it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Release {
    /// The name that people know the extension by.
    pub title: Option<String>,
    /// What it is, in a sentence.
    pub description: Option<String>,
    /// Its type: `component`, `module`, `plugin`, `template`, `library`, `package`, `language`
    /// or `file`.
    pub kind: String,
    /// The name of its element, for example `com_content`.
    pub element: String,
    /// What it extends: `site`, `administrator`, ...
    pub client: Option<String>,
    /// The group of a plugin, for example `system`.
    pub folder: Option<String>,
    /// The version, as it was published.
    pub version: String,
    /// How far it has been tested.
    pub stability: Stability,
    /// Its tags.
    pub tags: Vec<String>,
    /// The section of the site that it belongs to.
    pub section: Option<String>,
    /// Who maintains it.
    pub maintainer: Option<String>,
    /// Where the release is described.
    pub info_url: Option<String>,
    /// Where it can be downloaded.
    pub downloads: Vec<Download>,
    /// Digests of the download, in hexadecimal, by algorithm: `sha256`, `sha384`, `sha512`.
    pub checksums: BTreeMap<String, String>,
    /// The first version of PHP that will do.
    pub php_minimum: Option<String>,
    /// What it says of other extensions, by their ids. Joomla knows no such elements.
    pub relations: Relations,
    /// What it is for, by name of the platform; without any it is for all.
    pub(super) targets: Vec<(String, Versions)>,
}

/// Where a release can be downloaded.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Download {
    /// The URL.
    pub url: String,
    /// Whether it is the whole (`full`) or not (`upgrade`), if the site says.
    pub kind: Option<String>,
    /// The form of the file, for example `zip`, if the site says.
    pub format: Option<String>,
}

impl Release {
    /// What tells the extension from all others: `plugin/system/cache`, `component/com_content`.
    pub fn id(&self) -> String {
        id_of(&self.kind, self.client.as_deref(), self.folder.as_deref(), &self.element)
    }

    /// What it is for, a platform each: `joomla >= 4.4, < 4.5 | >= 5.0, < 5.3`, or, where the
    /// site's expression is no range, `joomla ~ ` and the expression. Without any it is for all.
    pub fn platforms(&self) -> impl Iterator<Item = String> {
        self.targets.iter().map(|(name, versions)| format!("{name} {versions}"))
    }

    /// Whether it is for this version of a platform.
    pub fn is_for(&self, platform: &str, version: &str) -> bool {
        self.targets.is_empty()
            || self.targets.iter().any(|(name, versions)| {
                name.eq_ignore_ascii_case(platform) && versions.contain(version)
            })
    }
}

/// What is wrong with one release.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Flaw {
    pub(super) line: usize,
    pub(super) message: String,
}

/// Reads the releases of a file, in its order, and says what is wrong with those left out.
///
/// # Errors
/// [`ErrorKind::Definition`]: it is not XML, or its root is not `<updates>`.
pub(super) fn read_releases(bytes: &[u8]) -> Result<(Vec<Release>, Vec<Flaw>)> {
    let mut xml = Xml::new(bytes);
    match xml.next()? {
        Some(Event::Open(root)) if root.name == "updates" => {}
        Some(Event::Open(root)) => {
            return Err(Error::new(
                ErrorKind::Definition,
                format!("expected <updates>, got <{}>", root.name),
            ));
        }
        _ => return Err(Error::new(ErrorKind::Definition, "expected <updates>")),
    }
    let (mut releases, mut flaws) = (Vec::new(), Vec::new());
    while let Some(event) = xml.next()? {
        let Event::Open(element) = event else { continue };
        if element.name != "update" {
            xml.skip()?;
            continue;
        }
        let at = usize::try_from(xml.position()).unwrap_or(usize::MAX).min(bytes.len());
        match Draft::read(&mut xml)?.finish() {
            Ok(release) => releases.push(release),
            Err(message) => {
                let line = 1 + bytes[..at].iter().filter(|b| **b == b'\n').count();
                flaws.push(Flaw { line, message });
            }
        }
    }
    Ok((releases, flaws))
}

/// A release while it is read.
#[derive(Default)]
struct Draft {
    /// Texts of elements that come once, by name; of several the last counts.
    texts: BTreeMap<String, String>,
    tags: Vec<String>,
    downloads: Vec<Download>,
    targets: Vec<(String, Versions)>,
}

impl Draft {
    fn read(xml: &mut Xml<'_>) -> Result<Draft> {
        let mut draft = Draft::default();
        let mut depth = 0;
        while let Some(event) = xml.next()? {
            match event {
                Event::Open(element) => match &*element.name {
                    // What they hold comes next.
                    "tags" | "downloads" => depth += 1,
                    "tag" => draft.tags.extend(Some(xml.text()?).filter(|tag| !tag.is_empty())),
                    "downloadurl" | "downloadsource" => {
                        let url = xml.text()?;
                        draft.add_download(&element, url);
                    }
                    "targetplatform" => {
                        draft.targets.push(target(&element));
                        xml.skip()?;
                    }
                    _ => {
                        let text = xml.text()?;
                        if !text.is_empty() {
                            draft.texts.insert(element.name, text);
                        }
                    }
                },
                Event::Text(_) => {}
                Event::Close if depth == 0 => break,
                Event::Close => depth -= 1,
            }
        }
        Ok(draft)
    }

    fn add_download(&mut self, element: &Element, url: String) {
        if !url.is_empty() {
            let attribute = |name| element.attribute(name).map(str::to_owned);
            let (kind, format) = (attribute("type"), attribute("format"));
            self.downloads.push(Download { url, kind, format });
        }
    }

    /// # Errors
    /// What is missing, in words.
    fn finish(mut self) -> std::result::Result<Release, String> {
        let mut take = |name: &str| self.texts.remove(name);
        let (kind, element, version) = (take("type"), take("element"), take("version"));
        let (Some(kind), Some(element), Some(version)) = (kind, element, version) else {
            return Err("left out a release without a type, an element or a version".to_owned());
        };
        let kind = kind.to_ascii_lowercase();
        let client = Some(client_name(take("client").as_deref()));
        let stated = take("stability");
        let stability = match &stated {
            Some(name) => name.parse().unwrap_or(Stability::Dev),
            None => Stability::of_tags(&self.tags),
        };
        let checksums = ["sha256", "sha384", "sha512"].into_iter();
        let checksums =
            checksums.filter_map(|name| Some((name.to_owned(), take(name)?.to_ascii_lowercase())));
        let checksums = checksums.collect();
        let mut relations = Relations::default();
        for field in Field::ALL {
            if let Some(text) = take(field.name()) {
                relations
                    .add(field, &text)
                    .map_err(|error| format!("left out a release: <{}>: {error}", field.name()))?;
            }
        }
        Ok(Release {
            relations,
            title: take("name"),
            description: take("description"),
            folder: take("folder"),
            section: take("section"),
            maintainer: take("maintainer"),
            info_url: take("infourl"),
            php_minimum: take("php_minimum"),
            kind,
            element,
            client,
            version,
            stability,
            tags: self.tags,
            downloads: self.downloads,
            checksums,
            targets: self.targets,
        })
    }
}

fn target(element: &Element) -> (String, Versions) {
    let name = element.attribute("name").unwrap_or("joomla").to_ascii_lowercase();
    let versions = Versions::parse(element.attribute("version").unwrap_or_default());
    let level = |name| element.attribute(name).and_then(|level| level.parse().ok());
    (name, versions.with_patch_levels(level("min_dev_level"), level("max_dev_level")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(releases: &str) -> (Vec<Release>, Vec<Flaw>) {
        read_releases(format!("<updates>\n{releases}\n</updates>").as_bytes()).unwrap()
    }

    /// A release of the component `com_a`, with this in it.
    fn one(more: &str) -> Release {
        let text = format!(
            "<update><element>com_a</element><type>Component</type><version> 1.0 </version>\
             {more}</update>"
        );
        let (mut releases, flaws) = read(&text);
        assert!(flaws.is_empty(), "{flaws:?}");
        releases.remove(0)
    }

    #[test]
    fn elements_are_read_in_any_case_and_order_and_unknown_ones_passed_over() {
        let release = one("<UNKNOWN><version>9</version></UNKNOWN><Name><![CDATA[A & B]]></Name>\
             <downloads><downloadsource> https://h/a </downloadsource><downloadurl/></downloads>\
             <SHA512>AB</SHA512><sha256></sha256><folder/>");
        assert_eq!((&*release.kind, &*release.version), ("component", "1.0"));
        assert_eq!(release.title.as_deref(), Some("A & B"));
        assert_eq!(release.folder, None);
        let urls: Vec<&str> = release.downloads.iter().map(|found| &*found.url).collect();
        assert_eq!(urls, ["https://h/a"]);
        assert_eq!(
            release.checksums.into_iter().collect::<Vec<_>>(),
            [("sha512".to_owned(), "ab".to_owned())]
        );
    }

    #[test]
    fn clients_are_told_by_name() {
        for (said, expected) in [
            ("", "administrator"),
            ("<client>0</client>", "site"),
            ("<client>Site</client>", "site"),
            ("<client>1</client>", "administrator"),
            ("<client>admin</client>", "administrator"),
            ("<client>other</client>", "other"),
        ] {
            assert_eq!(one(said).client.as_deref(), Some(expected), "{said}");
        }
    }

    #[test]
    fn what_it_is_for_is_all_platforms_unless_one_is_named() {
        assert!(one("").is_for("joomla", "5.1"));
        let release = one("<targetplatform name=\"Joomla\" version=\"3.1\" min_dev_level=\"2\"/>");
        assert_eq!(release.platforms().collect::<Vec<_>>(), ["joomla >= 3.1.2, < 3.2"]);
        assert!(release.is_for("JOOMLA", "3.1.2") && !release.is_for("joomla", "3.1.1"));
        assert!(!release.is_for("other", "3.1.2"));
        assert_eq!(one("<stability>rc</stability>").stability, Stability::Rc);
        assert_eq!(one("<stability>best</stability>").stability, Stability::Dev);
    }

    #[test]
    fn releases_that_cannot_be_used_are_named_with_their_line() {
        let (releases, flaws) = read(
            "<update><element>com_a</element><type>component</type></update>\n\
             <update><element>com_a</element><type>component</type><version>1</version>\n\
             <requires>a (&gt; 1)</requires></update>",
        );
        assert!(releases.is_empty());
        let flaws: Vec<String> =
            flaws.iter().map(|flaw| format!("{}: {}", flaw.line, flaw.message)).collect();
        assert_eq!(flaws[0], "2: left out a release without a type, an element or a version");
        assert!(
            flaws[1].starts_with("3: left out a release: <requires>: \"a (> 1)\""),
            "{flaws:?}"
        );
    }
}

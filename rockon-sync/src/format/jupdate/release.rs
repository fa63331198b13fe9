//! Releases: the `<update>` elements in the file of an extension.

use std::collections::BTreeMap;

use super::platform::Versions;
use super::xml::{Element, UnexpectedRoot, Xml, XmlEvent};
use super::{client_name, id_of};
use crate::base::error::Result;
use crate::format::relation::{Field, InvalidRelation, Relations};
use crate::format::target::Stability;
use crate::tree::manifest::violated_rule;

/// One release of an extension.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Release {
    /// The title of the extension.
    pub title: Option<String>,
    /// A short description.
    pub description: Option<String>,
    /// The type: `component`, `module`, `plugin`, `template`, `library`, `package`, `language`
    /// or `file`.
    pub kind: String,
    /// The name of its element, for example `com_content`.
    pub element: String,
    /// The client that it extends: `site`, `administrator`, ...
    pub client: Option<String>,
    /// The group of a plugin, for example `system`.
    pub folder: Option<String>,
    /// The version, unchanged.
    pub version: String,
    /// The stability.
    pub stability: Stability,
    /// The tags.
    pub tags: Vec<String>,
    /// The section of the site.
    pub section: Option<String>,
    /// The maintainer.
    pub maintainer: Option<String>,
    /// The URL of a page about the release.
    pub info_url: Option<String>,
    /// The downloads.
    pub downloads: Vec<Download>,
    /// Digests of the download, in hexadecimal, by algorithm: `sha256`, `sha384`, `sha512`.
    pub checksums: BTreeMap<String, String>,
    /// The lowest supported version of PHP.
    pub php_minimum: Option<String>,
    /// The relations to other extensions, by their ids. Joomla itself has no elements for them.
    pub relations: Relations,
    /// The supported versions by name of the platform; if empty, all platforms are supported.
    pub(super) targets: Vec<(String, Versions)>,
}

/// A download of a release.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Download {
    /// The URL.
    pub url: String,
    /// `full` or `upgrade`, if known.
    pub kind: Option<String>,
    /// The file format, for example `zip`, if known.
    pub format: Option<String>,
}

impl Release {
    /// Returns the unique id of the extension: `plugin/system/cache`, `component/com_content`.
    pub fn id(&self) -> String {
        id_of(&self.kind, self.client.as_deref(), self.folder.as_deref(), &self.element)
    }

    /// Returns the supported platforms: `joomla >= 4.4, < 4.5 | >= 5.0, < 5.3`, or `joomla ~ ` and
    /// the expression of the site if it is not a range. If empty, all platforms are supported.
    pub fn platforms(&self) -> impl Iterator<Item = String> {
        self.targets.iter().map(|(name, versions)| format!("{name} {versions}"))
    }

    /// True if the release supports this version of a platform.
    pub fn is_for(&self, platform: &str, version: &str) -> bool {
        self.targets.is_empty()
            || self.targets.iter().any(|(name, versions)| {
                name.eq_ignore_ascii_case(platform) && versions.contain(version)
            })
    }
}

/// The releases of a file, in its order.
pub(super) struct Releases {
    pub(super) releases: Vec<Release>,
    pub(super) skipped: Vec<SkippedRelease>,
}

/// A release that is skipped because it is invalid.
#[derive(Debug)]
pub(super) struct SkippedRelease {
    pub(super) line: usize,
    pub(super) problem: InvalidRelease,
}

#[derive(Debug, thiserror::Error)]
pub(super) enum InvalidRelease {
    #[error("expected a type, an element and a version")]
    Incomplete,
    #[error("invalid element or type: {rule}")]
    Name { rule: &'static str },
    #[error("<{element}>: {problem}")]
    Relation { element: &'static str, problem: InvalidRelation },
}

/// Parses the releases of a file, and skips invalid ones.
///
/// # Errors
/// [`ErrorKind::Definition`](crate::ErrorKind::Definition) if the file is not XML, or its root is
/// not `<updates>`.
pub(super) fn read_releases(bytes: &[u8]) -> Result<Releases> {
    let mut xml = Xml::new(bytes);
    match xml.next()? {
        Some(XmlEvent::Open(root)) if root.name == "updates" => {}
        Some(XmlEvent::Open(root)) => {
            return Err(root.unexpected("<updates>").into());
        }
        _ => return Err(UnexpectedRoot { expected: "<updates>", got: "text".to_owned() }.into()),
    }
    let (mut releases, mut skipped) = (Vec::new(), Vec::new());
    let (mut line, mut counted) = (1, 0);
    while let Some(event) = xml.next()? {
        let XmlEvent::Open(element) = event else { continue };
        if element.name != "update" {
            xml.skip()?;
            continue;
        }
        let at = usize::try_from(xml.position()).unwrap_or(usize::MAX).min(bytes.len());
        match ReleaseDraft::read(&mut xml)?.finish() {
            Ok(release) => releases.push(release),
            Err(problem) => {
                line += bytes[counted..at].iter().filter(|b| **b == b'\n').count();
                counted = at;
                skipped.push(SkippedRelease { line, problem });
            }
        }
    }
    Ok(Releases { releases, skipped })
}

/// A release that is not parsed completely.
#[derive(Default)]
struct ReleaseDraft {
    /// Texts of other elements, by name. The last duplicate counts.
    texts: BTreeMap<String, String>,
    tags: Vec<String>,
    downloads: Vec<Download>,
    targets: Vec<(String, Versions)>,
}

impl ReleaseDraft {
    fn read(xml: &mut Xml<'_>) -> Result<ReleaseDraft> {
        let mut draft = ReleaseDraft::default();
        let mut depth = 0;
        while let Some(event) = xml.next()? {
            match event {
                XmlEvent::Open(element) => match &*element.name {
                    // Their children are the next events.
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
                XmlEvent::Text(_) => {}
                XmlEvent::Close if depth == 0 => break,
                XmlEvent::Close => depth -= 1,
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

    fn finish(mut self) -> Result<Release, InvalidRelease> {
        let mut take = |name: &str| self.texts.remove(name);
        let (kind, element, version) = (take("type"), take("element"), take("version"));
        let (Some(kind), Some(element), Some(version)) = (kind, element, version) else {
            return Err(InvalidRelease::Incomplete);
        };
        let kind = kind.to_ascii_lowercase();
        let client = Some(client_name(take("client").as_deref()));
        let stability = match take("stability") {
            Some(name) => name.parse().unwrap_or(Stability::Dev),
            None => Stability::of_tags(&self.tags),
        };
        let checksums = ["sha256", "sha384", "sha512"]
            .into_iter()
            .filter_map(|name| Some((name.to_owned(), take(name)?.to_ascii_lowercase())))
            .collect();
        let mut relations = Relations::default();
        for field in Field::ALL {
            let element = field.name();
            if let Some(text) = take(element) {
                relations
                    .add(field, &text)
                    .map_err(|problem| InvalidRelease::Relation { element, problem })?;
            }
        }
        if let Some(rule) = violated_rule(&element).or(violated_rule(&kind)) {
            return Err(InvalidRelease::Name { rule });
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

    fn read(releases: &str) -> Releases {
        read_releases(format!("<updates>\n{releases}\n</updates>").as_bytes()).unwrap()
    }

    /// Returns a release of the component `com_a` with more elements.
    fn one(more: &str) -> Release {
        let text = format!(
            "<update><element>com_a</element><type>Component</type><version> 1.0 </version>\
             {more}</update>"
        );
        let Releases { mut releases, skipped } = read(&text);
        assert!(skipped.is_empty(), "{skipped:?}");
        releases.remove(0)
    }

    #[test]
    fn elements_have_any_case_and_order_and_unknown_ones_are_ignored() {
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
    fn clients_are_names_or_numbers() {
        for (stated, expected) in [
            ("", "administrator"),
            ("<client>0</client>", "site"),
            ("<client>Site</client>", "site"),
            ("<client>1</client>", "administrator"),
            ("<client>admin</client>", "administrator"),
            ("<client>other</client>", "other"),
        ] {
            assert_eq!(one(stated).client.as_deref(), Some(expected), "{stated}");
        }
    }

    #[test]
    fn all_platforms_are_supported_unless_one_is_named() {
        assert!(one("").is_for("joomla", "5.1"));
        let release = one("<targetplatform name=\"Joomla\" version=\"3.1\" min_dev_level=\"2\"/>");
        assert_eq!(release.platforms().collect::<Vec<_>>(), ["joomla >= 3.1.2, < 3.2"]);
        assert!(release.is_for("JOOMLA", "3.1.2") && !release.is_for("joomla", "3.1.1"));
        assert!(!release.is_for("other", "3.1.2"));
        assert_eq!(one("<stability>rc</stability>").stability, Stability::Rc);
        assert_eq!(one("<stability>best</stability>").stability, Stability::Dev);
    }

    #[test]
    fn invalid_releases_are_skipped_with_their_line() {
        let Releases { releases, skipped } = read(
            "<update><element>com_a</element><type>component</type></update>\n\
             <update><element>com_a</element><type>component</type><version>1</version>\n\
             <requires>a (&gt; 1)</requires></update>",
        );
        assert!(releases.is_empty());
        let skipped: Vec<String> =
            skipped.iter().map(|one| format!("{}: {}", one.line, one.problem)).collect();
        assert_eq!(skipped[0], "2: expected a type, an element and a version");
        assert!(skipped[1].starts_with("3: <requires>: \"a (> 1)\""), "{skipped:?}");
    }
}

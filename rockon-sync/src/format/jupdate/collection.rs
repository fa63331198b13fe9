//! Collections: the extensions of a site, and links to other collections.

use std::io::BufRead;

use super::xml::{Xml, XmlEvent};
use super::{client_name, id_of};
use crate::base::error::Result;

/// One link in a collection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reference {
    /// Another collection.
    Category { url: String },
    /// The file of an extension.
    Extension { id: String, url: String },
    /// The document is the file of an extension.
    Itself,
    /// An invalid link, with the problem.
    Unusable(String),
}

/// Parses the document of a site as a stream, and passes its links to `take`.
///
/// # Errors
/// [`ErrorKind::Definition`](crate::ErrorKind::Definition) with the position if the document is not
/// XML, or neither `<extensionset>` nor `<updates>`; errors of `take`.
pub(crate) fn read_collection(
    input: impl BufRead,
    mut take: impl FnMut(Reference) -> Result<()>,
) -> Result<()> {
    let mut xml = Xml::new(input);
    loop {
        match xml.next()? {
            Some(XmlEvent::Open(root)) if root.name == "extensionset" => break,
            // The rest must be XML too.
            Some(XmlEvent::Open(root)) if root.name == "updates" => {
                xml.skip()?;
                return take(Reference::Itself);
            }
            Some(XmlEvent::Open(root)) => {
                return Err(root.unexpected("<extensionset> or <updates>").into());
            }
            Some(_) => {}
            None => return Ok(()),
        }
    }
    while let Some(event) = xml.next()? {
        let XmlEvent::Open(element) = event else { continue };
        let attribute = |name| element.attribute(name);
        match &*element.name {
            "category" => {
                if let Some(url) = attribute("ref") {
                    take(Reference::Category { url: url.to_owned() })?;
                }
            }
            "extension" => {
                let kind = attribute("type").map(str::to_ascii_lowercase);
                take(match (kind, attribute("element"), attribute("detailsurl")) {
                    (Some(kind), Some(name), Some(url)) => {
                        let client = client_name(attribute("client"));
                        let id = id_of(&kind, Some(&client), attribute("folder"), name);
                        Reference::Extension { id, url: url.to_owned() }
                    }
                    (kind, name, url) => {
                        let missing = [("type", kind.is_none()), ("element", name.is_none())];
                        let missing = missing.into_iter().chain([("detailsurl", url.is_none())]);
                        let missing: Vec<&str> =
                            missing.filter(|(_, is)| *is).map(|(name, _)| name).collect();
                        Reference::Unusable(format!(
                            "the extension {:?} has no {}, at byte {}",
                            attribute("name").or(name).unwrap_or_default(),
                            missing.join(" and no "),
                            xml.position()
                        ))
                    }
                })?;
            }
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::error::ErrorKind;

    fn read(text: &str) -> Result<Vec<Reference>> {
        let mut found = Vec::new();
        read_collection(text.as_bytes(), |reference| {
            found.push(reference);
            Ok(())
        })?;
        Ok(found)
    }

    #[test]
    fn links_are_passed_in_their_order() {
        let text = r#"<?xml version="1.0"?>
            <extensionset name="All" description="">
              <category name="Languages" ref="languages.xml"/>
              <category name="empty"/>
              <extension name="Cache" element="cache" type="Plugin" folder="system" client="0"
                         version="1.0" detailsurl="https://example.org/cache.xml?a=1&amp;b=2"/>
              <category name="More"><extension name="Menu" element="mod_menu" type="module"
                         client="site" detailsurl="menu.xml"/></category>
              <extension name="Half" element="com_half"/>
            </extensionset>"#;
        let found = read(text).unwrap();
        assert_eq!(found.len(), 4, "{found:?}");
        assert_eq!(found[0], Reference::Category { url: "languages.xml".into() });
        let url = "https://example.org/cache.xml?a=1&b=2".into();
        assert_eq!(found[1], Reference::Extension { id: "plugin/system/cache".into(), url });
        let id = "module/site/mod_menu".into();
        assert_eq!(found[2], Reference::Extension { id, url: "menu.xml".into() });
        let Reference::Unusable(message) = &found[3] else { panic!("{found:?}") };
        assert!(message.contains("\"Half\" has no type and no detailsurl"), "{message}");
    }

    #[test]
    fn a_single_extension_is_a_site_and_other_documents_are_refused() {
        assert_eq!(read("<updates><update/></updates>").unwrap(), [Reference::Itself]);
        for bad in ["<html/>", "<extensionset>", "", "{}"] {
            assert_eq!(read(bad).unwrap_err().kind(), ErrorKind::Definition, "{bad}");
        }
    }
}

//! JUpdate: the update sites of Joomla, with XML files of extensions and their releases.
//!
//! A site is a *collection* (`<extensionset>`) of extensions and other collections, or a single
//! extension. The file of an extension (`<updates>`) has one `<update>` per release. Joomla's
//! manual describes the format under "Update Servers", and its documentation under "Deploying an
//! Update Server".
//!
//! | file | contains |
//! |---|---|
//! | `xml.rs` | a streaming XML reader |
//! | `collection.rs` | a parser of collections |
//! | `release.rs` | a parser of the releases of an extension |
//! | `platform.rs` | the supported versions of a platform |
//! | `check.rs` | the check for publishing |

#[cfg(feature = "publish")]
mod check;
mod collection;
mod platform;
mod release;
mod xml;

use std::collections::HashSet;

use serde_json::json;

use super::{About, Blurb, RawDefinition, Rules};
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::json::is_stated;
use crate::base::version::compare;

#[cfg(feature = "publish")]
pub(super) use check::check;
#[cfg(feature = "publish")]
pub(crate) use collection::{Reference, read_collection};
use release::read_releases;
pub use release::{Download, Release};

/// The rules of the format `jupdate`.
pub(super) struct Jupdate;

impl Rules for Jupdate {
    fn name(&self) -> &'static str {
        "jupdate"
    }

    fn takes(&self, path: &str) -> bool {
        path.ends_with(".xml")
    }

    fn read<'a>(&self, id: &'a str, bytes: &'a [u8]) -> Result<Vec<RawDefinition<'a>>> {
        let names = names_of(&releases_of(id, bytes)?);
        Ok(names.into_iter().map(|name| RawDefinition { name: name.into(), text: bytes }).collect())
    }

    fn about(&self, definition: &RawDefinition<'_>) -> About {
        let releases = releases_of(&definition.name, definition.text).unwrap_or_default();
        newest_of(&releases).map(about).unwrap_or_default()
    }

    fn blurb(&self, definition: &RawDefinition<'_>) -> Blurb {
        let releases = releases_of(&definition.name, definition.text).unwrap_or_default();
        let newest = newest_of(&releases).cloned();
        newest.map_or_else(Blurb::default, |newest| Blurb {
            title: newest.title,
            description: newest.description,
            website: newest.info_url,
        })
    }
}

/// The message for a file without usable releases.
const NO_RELEASE: &str = "expected a release with a type, an element and a version, got none";

/// Returns the releases of the extension `id`, or all releases if the file has none of it.
///
/// # Errors
/// [`ErrorKind::Definition`] if the file is not XML or has no release.
pub(crate) fn releases_of(id: &str, bytes: &[u8]) -> Result<Vec<Release>> {
    let releases = of_extension(id, read_releases(bytes)?.releases);
    match releases.is_empty() {
        true => Err(Error::new(ErrorKind::Definition, NO_RELEASE)),
        false => Ok(releases),
    }
}

/// Returns the releases of one extension in a file of several.
fn of_extension(id: &str, releases: Vec<Release>) -> Vec<Release> {
    let (own, others): (Vec<_>, Vec<_>) =
        releases.into_iter().partition(|release| release.id() == id);
    if own.is_empty() { others } else { own }
}

/// Returns the ids of the extensions, in the order of the file.
fn names_of(releases: &[Release]) -> Vec<String> {
    let mut seen = HashSet::new();
    releases.iter().map(Release::id).filter(|id| seen.insert(id.clone())).collect()
}

/// Returns the newest release, for any platform.
fn newest_of<'a>(releases: impl IntoIterator<Item = &'a Release>) -> Option<&'a Release> {
    // The first one of equal versions, unlike `max_by`.
    releases.into_iter().reduce(|best, other| {
        match compare(&other.version, &best.version).is_gt() {
            true => other,
            false => best,
        }
    })
}

/// Returns the metadata of an extension: that of its newest release.
fn about(newest: &Release) -> About {
    let platforms: Vec<String> = newest.platforms().collect();
    let urls: Vec<&str> = newest.downloads.iter().map(|found| &*found.url).collect();
    let fields = [
        ("type", json!(newest.kind)),
        ("version", json!(newest.version)),
        ("stability", json!(newest.stability.name())),
        ("client", json!(newest.client)),
        ("folder", json!(newest.folder)),
        ("section", json!(newest.section)),
        ("maintainer", json!(newest.maintainer)),
        ("info", json!(newest.info_url)),
        ("tags", json!(newest.tags)),
        ("platform", json!(platforms)),
        ("downloads", json!(urls)),
        ("checksums", json!(newest.checksums)),
    ];
    // Strings, and lists and sorted maps of strings, are in canonical form.
    let stated = fields.into_iter().filter(|(_, value)| is_stated(value));
    let fields = stated.map(|(key, value)| (key, value.to_string()));
    About {
        version: Some(newest.version.clone()),
        relations: newest.relations.clone(),
        fields: fields.collect(),
        ..About::default()
    }
}

/// Returns the unique id of an extension, in the form of a path.
///
/// Joomla identifies an extension by its type, element, folder (of plugins) and client (of modules,
/// templates and languages): `plugin/system/cache`, `module/site/mod_menu`,
/// `component/com_content`.
pub(crate) fn id_of(
    kind: &str,
    client: Option<&str>,
    folder: Option<&str>,
    element: &str,
) -> String {
    let part = match kind {
        "plugin" => folder,
        "module" | "template" | "language" => client,
        _ => None,
    };
    let parts = [Some(kind), part, Some(element)];
    parts.into_iter().flatten().collect::<Vec<_>>().join("/")
}

/// Returns the name of a client, which sites give as a name or a number. The default of Joomla is
/// the administration.
pub(crate) fn client_name(stated: Option<&str>) -> String {
    match stated.map(str::to_ascii_lowercase).as_deref() {
        Some("0" | "site") => "site".to_owned(),
        None | Some("1" | "admin" | "administrator") => "administrator".to_owned(),
        Some("2") => "installation".to_owned(),
        Some("3") => "api".to_owned(),
        Some("4") => "cli".to_owned(),
        Some(other) => other.to_owned(),
    }
}

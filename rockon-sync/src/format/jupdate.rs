//! JUpdate: the update sites of Joomla, XML files of extensions and their releases.
//!
//! A site is a *collection* (`<extensionset>`) of extensions and further collections, or one
//! extension by itself. An extension's file (`<updates>`) has a release an `<update>`. The
//! format is described in Joomla's manual under "Update Servers" and in its documentation
//! under "Deploying an Update Server".
//!
//! | file | does |
//! |---|---|
//! | `xml.rs` | reads XML as a stream |
//! | `collection.rs` | reads a collection |
//! | `release.rs` | reads the releases of an extension |
//! | `platform.rs` | says which versions of a platform a release is for |

mod collection;
mod platform;
mod release;
mod xml;

use serde_json::{Map, Value, json};

use super::{About, Blurb, Checked, Collection, Definition, Named, Rules};
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::problem::Problem;

#[cfg(feature = "publish")]
pub(crate) use collection::{Reference, read_collection};
pub use release::{Download, Release};
use release::{Flaw, read_releases};

/// Reads the XML files of extensions.
pub(super) struct Jupdate;

impl Rules for Jupdate {
    fn name(&self) -> &'static str {
        "jupdate"
    }

    fn collection(&self) -> Collection {
        Collection::Site
    }

    fn takes(&self, path: &str) -> bool {
        path.ends_with(".xml")
    }

    fn read<'a>(&self, id: &'a str, bytes: &'a [u8]) -> Result<Vec<Definition<'a>>> {
        let names = names_of(&releases_of(id, bytes)?);
        Ok(names.into_iter().map(|name| Definition { name: name.into(), text: bytes }).collect())
    }

    fn about(&self, definition: &Definition<'_>) -> About {
        let releases = releases_of(&definition.name, definition.text).unwrap_or_default();
        newest_of(&releases).map(about).unwrap_or_default()
    }

    fn blurb(&self, definition: &Definition<'_>) -> Blurb {
        let releases = releases_of(&definition.name, definition.text).unwrap_or_default();
        let newest = newest_of(&releases).cloned();
        newest.map_or_else(Blurb::default, |newest| Blurb {
            title: newest.title,
            description: newest.description,
            website: newest.info_url,
        })
    }

    fn check(&self, id: &str, shown: &str, bytes: &[u8]) -> Checked {
        let mut checked = Checked::default();
        match read_releases(bytes) {
            Ok((releases, flaws)) => {
                let releases = of_extension(id, releases);
                for Flaw { line, message } in flaws {
                    checked
                        .problems
                        .push(Problem::warning(shown, format!("line {line}: {message}")));
                }
                for name in names_of(&releases) {
                    let own: Vec<Release> =
                        releases.iter().filter(|found| found.id() == name).cloned().collect();
                    checked.about.push(newest_of(&own).map(about).unwrap_or_default());
                    checked.definitions.push(Named { name, position: None });
                }
                if checked.definitions.is_empty() {
                    checked.problems.push(Problem::error(shown, None, NO_RELEASE));
                }
            }
            Err(error) => checked.problems.push(Problem::error(shown, None, error.to_string())),
        }
        checked
    }
}

/// What an extension's file without a single usable release is told.
const NO_RELEASE: &str = "expected a release, found none that has a type, an element and a version";

/// The releases of the extension `id`; those of all in the file if it is not one of them.
///
/// # Errors
/// [`ErrorKind::Definition`]: it is not XML, or has no release.
pub(crate) fn releases_of(id: &str, bytes: &[u8]) -> Result<Vec<Release>> {
    let releases = of_extension(id, read_releases(bytes)?.0);
    match releases.is_empty() {
        true => Err(Error::new(ErrorKind::Definition, NO_RELEASE)),
        false => Ok(releases),
    }
}

/// Several extensions may share a file: then only its own releases are those of an entry.
fn of_extension(id: &str, releases: Vec<Release>) -> Vec<Release> {
    let (own, others): (Vec<_>, Vec<_>) =
        releases.into_iter().partition(|release| release.id() == id);
    if own.is_empty() { others } else { own }
}

/// The ids of extensions that have a release, in the order of the file.
fn names_of(releases: &[Release]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for release in releases {
        if !names.contains(&release.id()) {
            names.push(release.id());
        }
    }
    names
}

/// The newest of all, whatever it is for.
fn newest_of(releases: &[Release]) -> Option<&Release> {
    releases.iter().reduce(|best, other| {
        match crate::base::version::compare(&other.version, &best.version) {
            std::cmp::Ordering::Greater => other,
            _ => best,
        }
    })
}

/// What the manifest says of an extension: what its newest release says of itself.
fn about(newest: &Release) -> About {
    let mut fields: Vec<(&'static str, Value)> = vec![
        ("type", json!(newest.kind)),
        ("version", json!(newest.version)),
        ("stability", json!(newest.stability.name())),
    ];
    let optional = [
        ("client", &newest.client),
        ("folder", &newest.folder),
        ("section", &newest.section),
        ("maintainer", &newest.maintainer),
        ("info", &newest.info_url),
    ];
    let optional = optional.into_iter().filter_map(|(key, value)| Some((key, value.as_ref()?)));
    fields.extend(optional.map(|(key, value)| (key, json!(value))));
    if !newest.tags.is_empty() {
        fields.push(("tags", json!(newest.tags)));
    }
    let platforms: Vec<String> = newest.platforms().collect();
    if !platforms.is_empty() {
        fields.push(("platform", json!(platforms)));
    }
    if !newest.downloads.is_empty() {
        let urls: Vec<&str> = newest.downloads.iter().map(|found| &*found.url).collect();
        fields.push(("downloads", json!(urls)));
    }
    if !newest.checksums.is_empty() {
        let checksums = newest.checksums.iter();
        let checksums: Map<String, Value> =
            checksums.map(|(algorithm, hex)| (algorithm.clone(), json!(hex))).collect();
        fields.push(("checksums", Value::Object(checksums)));
    }
    // Strings, and lists and maps of them in byte order: that is canonical already.
    let fields = fields.into_iter().map(|(key, value)| (key, value.to_string()));
    About {
        version: Some(newest.version.clone()),
        relations: newest.relations.clone(),
        fields: fields.collect(),
        ..About::default()
    }
}

/// The id of an extension: what tells it from all others, as the parts of a path.
///
/// Joomla tells extensions apart by type, element, folder (of plugins) and client (of modules,
/// templates and languages). So `plugin/system/cache`, `module/site/mod_menu`,
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

/// The name of a client, which sites give as a name or as a number. Without one Joomla takes
/// the administration.
pub(crate) fn client_name(said: Option<&str>) -> String {
    match said.map(str::to_ascii_lowercase).as_deref() {
        Some("0" | "site") => "site".to_owned(),
        None | Some("1" | "admin" | "administrator") => "administrator".to_owned(),
        Some("2") => "installation".to_owned(),
        Some("3") => "api".to_owned(),
        Some("4") => "cli".to_owned(),
        Some(other) => other.to_owned(),
    }
}

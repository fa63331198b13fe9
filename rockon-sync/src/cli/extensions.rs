//! What is said of the extensions of update sites.

use std::collections::BTreeMap;

use serde::Serialize;

use super::args::ChangesArgs;
use super::browse::{DefinitionJson, catalog, read_applied};
use super::output::{Output, note, printable};
use crate::error::Result;
use crate::format::{Release, Update};
use crate::target::Target;

/// How much is said of a release.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Depth {
    /// What it is called.
    Version,
    /// Everything. Of a large directory that takes memory.
    Whole,
}

/// A release of an extension.
#[derive(Debug, Serialize)]
pub(super) struct ReleaseJson {
    pub(super) version: String,
    pub(super) stability: &'static str,
    #[serde(flatten)]
    details: Option<DetailsJson>,
}

#[derive(Debug, Serialize)]
struct DetailsJson {
    #[serde(rename = "type")]
    kind: String,
    element: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    folder: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tags: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    section: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    maintainer: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    platform: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    php_minimum: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    info: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    downloads: Vec<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    checksums: BTreeMap<String, String>,
}

impl ReleaseJson {
    pub(super) fn new(release: &Release, depth: Depth) -> ReleaseJson {
        ReleaseJson {
            version: release.version.clone(),
            stability: release.stability.name(),
            details: (depth == Depth::Whole).then(|| DetailsJson::from(release)),
        }
    }
}

impl From<&Release> for DetailsJson {
    fn from(release: &Release) -> Self {
        DetailsJson {
            kind: release.kind.clone(),
            element: release.element.clone(),
            title: release.title.clone(),
            client: release.client.clone(),
            folder: release.folder.clone(),
            tags: release.tags.clone(),
            section: release.section.clone(),
            maintainer: release.maintainer.clone(),
            platform: release.platforms().collect(),
            php_minimum: release.php_minimum.clone(),
            info: release.info_url.clone(),
            downloads: release.downloads.iter().map(|found| found.url.clone()).collect(),
            checksums: release.checksums.clone(),
        }
    }
}

/// `changes --format jupdate`: which installed extensions have an update.
pub(super) fn updates(args: &ChangesArgs, out: &mut Output) -> Result<u8> {
    let target = args.releases.on(Target::new())?;
    let installed = read_applied(&args.applied)?;
    let catalog = catalog(&args.browse)?;
    let installed = installed.iter().map(|(name, version)| (name, version));
    let found = catalog.updates_for(installed, &target);
    for problem in &found.problems {
        note(format!("rockon-sync: warning: {}", problem.to_chain()));
    }
    if args.browse.json {
        let updates = found.updates.iter().map(UpdateJson::from).collect();
        out.json(&UpdatesJson { updates, unknown: &found.unknown })?;
        return Ok(0);
    }
    for update in &found.updates {
        let (name, old, new) =
            (update.definition.name(), &update.installed, &update.release.version);
        out.line(printable(&format!("update  {name}  {old} -> {new}")))?;
    }
    for name in &found.unknown {
        note(format!("rockon-sync: {name:?} is installed, and no extension of the catalog"));
    }
    Ok(0)
}

#[derive(Serialize)]
struct UpdatesJson<'a> {
    updates: Vec<UpdateJson<'a>>,
    /// What is installed and not in the catalog.
    unknown: &'a [String],
}

#[derive(Serialize)]
struct UpdateJson<'a> {
    installed: &'a str,
    #[serde(flatten)]
    about: DefinitionJson<'a>,
    #[serde(flatten)]
    release: ReleaseJson,
}

impl<'a> From<&'a Update<'a>> for UpdateJson<'a> {
    fn from(update: &'a Update<'a>) -> Self {
        UpdateJson {
            installed: &update.installed,
            about: update.definition.into(),
            release: ReleaseJson::new(&update.release, Depth::Whole),
        }
    }
}

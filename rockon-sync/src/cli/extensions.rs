//! Releases of extensions in JSON.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::format::Release;

/// The fields of a release that are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Depth {
    /// Version and stability.
    Version,
    /// All. Needs memory in a large directory.
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

//! What lists a package's releases. For packages from outside that is nothing of its own: the archives'
//! indexes, which passed through [`super::relay`], have listed every file. For packages published here it is
//! the document this house writes.

use crate::hosting::HostedPackage;
use lazaret_vocabulary::{
    Artifact, Document, DocumentRole, Malformed, Release, ReleaseKind, Standing, Timestamp,
};
use serde::{Deserialize, Serialize};

/// The document on a package published here.
pub(super) const HOUSE: DocumentRole = "house";

/// A package's releases.
#[derive(Debug, Default)]
pub(super) struct Pool {
    pub(super) releases: Vec<Release>,
    pub(super) standing: Standing,
}

#[derive(Serialize, Deserialize)]
struct House {
    releases: Vec<HouseRelease>,
}

#[derive(Serialize, Deserialize)]
struct HouseRelease {
    version: String,
    published: Timestamp,
    publisher: String,
    withdrawn: Option<String>,
    deprecated: Option<String>,
    files: Vec<HouseFile>,
}

#[derive(Serialize, Deserialize)]
struct HouseFile {
    file: String,
    digests: Vec<String>,
    size_bytes: u64,
}

/// The house's document on a package.
pub(super) fn write(package: &HostedPackage, now: Timestamp) -> Result<Document, Malformed> {
    let releases = package.releases.iter().map(|release| HouseRelease {
        version: release.version.clone(),
        published: release.published,
        publisher: release.publisher.clone(),
        withdrawn: release.withdrawn.clone(),
        deprecated: release.deprecated.clone(),
        files: release
            .files
            .iter()
            .map(|file| HouseFile {
                file: file.file.to_string(),
                digests: file.digests.iter().map(ToString::to_string).collect(),
                size_bytes: file.size_bytes,
            })
            .collect(),
    });
    let body = serde_json::to_vec(&House { releases: releases.collect() })
        .map_err(|error| Malformed::new(format!("the package cannot be written down: {error}")))?;
    Ok(Document {
        role: HOUSE,
        body: body.into(),
        content_type: "application/json".to_owned(),
        fetched: now,
        modified: None,
    })
}

/// Reads the house's document; without one there is nothing to read.
pub(super) fn read(have: &[Document]) -> Result<Pool, Malformed> {
    let Some(document) = have.iter().find(|document| document.role == HOUSE) else {
        return Ok(Pool::default());
    };
    let house: House = serde_json::from_slice(&document.body)
        .map_err(|error| Malformed::new(format!("the house's document cannot be read: {error}")))?;
    let mut pool = Pool::default();
    pool.standing.first_published = house.releases.iter().map(|release| release.published).min();
    for release in house.releases {
        let artifacts = release.files.into_iter().map(|file| Artifact {
            file: file.file.into(),
            url: "".into(),
            digests: file.digests.iter().filter_map(|text| text.parse().ok()).collect(),
            size_bytes: Some(file.size_bytes),
        });
        pool.releases.push(Release {
            prerelease: super::version::is_prerelease(&release.version),
            version: release.version.into(),
            published: Some(release.published),
            publisher: Some(release.publisher.into()),
            withdrawn: release.withdrawn.map(Into::into),
            deprecated: release.deprecated.map(Into::into),
            artifacts: artifacts.collect(),
            kind: ReleaseKind::Hosted,
            ..Release::default()
        });
    }
    Ok(pool)
}

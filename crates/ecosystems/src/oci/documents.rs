//! The one document on a whole repository that there is: the house's own, on what is published here. Outside, a
//! repository is known by the manifests that were asked for.

use super::name::{self, File};
use super::{facts, manifest};
use crate::HostedPackage;
use lazaret_vocabulary::{
    Artifact, Digest, Document, DocumentRole, Malformed, PackageName, Release, ReleaseKind, Standing,
    Timestamp,
};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::sync::Arc;

/// A manifest or index.
pub(super) const MANIFEST: DocumentRole = "manifest";
/// The manifest that stands for the others of an index.
pub(super) const CHILD: DocumentRole = "child";
/// An image's configuration.
pub(super) const CONFIG: DocumentRole = "config";
/// What is published here.
pub(super) const HOUSE: DocumentRole = "house";

/// The house's document.
#[derive(Serialize, Deserialize)]
struct House {
    releases: Vec<HouseRelease>,
    tags: Vec<(String, String)>,
}

/// A manifest that was published here.
#[derive(Serialize, Deserialize)]
struct HouseRelease {
    version: String,
    /// As published.
    manifest: String,
    published: i64,
    publisher: String,
    deprecated: Option<String>,
    withdrawn: Option<String>,
    /// The digests of the manifest as stored, beside the one it is called by.
    digests: Vec<String>,
}

/// Writes the house's document.
pub(super) fn write(package: &HostedPackage, now: Timestamp) -> Result<Vec<Document>, Malformed> {
    let release = |hosted: &crate::HostedRelease| HouseRelease {
        version: hosted.version.clone(),
        manifest: hosted.manifest.clone(),
        published: hosted.published.millis(),
        publisher: hosted.publisher.clone(),
        deprecated: hosted.deprecated.clone(),
        withdrawn: hosted.withdrawn.clone(),
        digests: hosted.files.iter().flat_map(|file| &file.digests).map(ToString::to_string).collect(),
    };
    let house =
        House { releases: package.releases.iter().map(release).collect(), tags: package.tags.clone() };
    let body = serde_json::to_vec(&house)
        .map_err(|error| Malformed::new(format!("the repository's document cannot be written: {error}")))?;
    Ok(vec![Document {
        role: HOUSE,
        body: body.into(),
        content_type: "application/json".to_owned(),
        fetched: now,
        modified: None,
    }])
}

/// A repository of this house, read.
#[derive(Default)]
pub(super) struct Repository {
    pub(super) standing: Standing,
    pub(super) releases: Vec<Release>,
    /// Same order and length as `releases`.
    pub(super) images: Vec<Image>,
    /// Each to a release that is there.
    pub(super) tags: Vec<(Arc<str>, Arc<str>)>,
}

/// What is listed of a published manifest, beside its release.
pub(super) struct Image {
    pub(super) media_type: String,
    pub(super) kind: Option<String>,
    pub(super) subject: Option<Digest>,
    /// Kept for those with a subject, since only they are listed.
    pub(super) annotations: manifest::Texts,
    pub(super) size_bytes: usize,
}

/// Reads the house's document. Without one, a repository without releases of its own: those are made from the
/// manifests that are asked for.
pub(super) fn read(package: &PackageName, have: &[Document]) -> Result<Repository, Malformed> {
    let mut repository = Repository::default();
    let Some(document) = have.iter().find(|document| document.role == HOUSE) else { return Ok(repository) };
    let House { releases, tags } = serde_json::from_slice(&document.body)
        .map_err(|error| Malformed::new(format!("the document on `{package}` cannot be read: {error}")))?;
    for hosted in releases {
        let (release, image) = read_release(&hosted)
            .map_err(|error| Malformed::new(format!("{package}@{}: {error}", hosted.version)))?;
        repository.releases.push(release);
        repository.images.push(image);
    }
    let versions: HashSet<&str> = repository.releases.iter().map(|release| &*release.version).collect();
    repository.tags = tags
        .iter()
        .filter(|(_, version)| versions.contains(version.as_str()))
        .map(|(tag, version)| (tag.as_str().into(), version.as_str().into()))
        .collect();
    repository.tags.sort();
    repository.standing.first_published =
        repository.releases.iter().filter_map(|release| release.published).min();
    Ok(repository)
}

fn read_release(hosted: &HouseRelease) -> Result<(Release, Image), Malformed> {
    let digest = name::digest(&hosted.version).ok_or_else(|| Malformed::new("the version is no digest"))?;
    let read = manifest::read(hosted.manifest.as_bytes())?;
    let said = facts::detail(&[&read.annotations], None);
    let mut own = Artifact {
        file: File::Manifest(digest.clone()).key().into(),
        url: "".into(),
        digests: vec![digest],
        size_bytes: u64::try_from(hosted.manifest.len()).ok(),
    };
    for other in hosted.digests.iter().filter_map(|text| text.parse::<Digest>().ok()) {
        if !own.digests.contains(&other) {
            own.digests.push(other);
        }
    }
    // The entries of an index are releases of their own.
    let parts = read.files().into_iter().filter_map(|(file, descriptor)| match &file {
        File::Blob(_) if !descriptor.foreign => Some(Artifact {
            file: file.key().into(),
            url: "".into(),
            digests: vec![descriptor.digest.clone()],
            size_bytes: descriptor.size,
        }),
        _ => None,
    });
    let text = |told: &Option<String>| told.as_deref().map(Arc::from);
    let release = Release {
        version: hosted.version.as_str().into(),
        published: Some(Timestamp::from_millis(hosted.published)),
        claimed: said.claimed,
        publisher: Some(hosted.publisher.as_str().into()),
        licence: text(&said.licence),
        repository: text(&said.repository),
        deprecated: text(&hosted.deprecated),
        withdrawn: text(&hosted.withdrawn),
        artifacts: std::iter::once(own).chain(parts).collect(),
        kind: ReleaseKind::Hosted,
        ..Release::default()
    };
    let image = Image {
        kind: read.kind().map(str::to_owned),
        media_type: read.media_type,
        annotations: if read.subject.is_some() { read.annotations } else { manifest::Texts::default() },
        subject: read.subject.map(|subject| subject.digest),
        size_bytes: hosted.manifest.len(),
    };
    Ok((release, image))
}

//! Tags, which stand for an image and are meant to move.

use super::documents::MANIFEST;
use super::name::{self, File, Place};
use super::{facts, manifest, version};
use crate::{Fetch, FetchScope, Need, Pointers, Target};
use lazaret_vocabulary::{
    Algorithm, Artifact, Digest, Document, Malformed, PackageName, Reference, ReferenceKind, Release,
};

/// Tags of repositories outside.
#[derive(Debug)]
pub(super) struct Tags;

impl Pointers for Tags {
    fn fetch(&self, package: &PackageName, pointer: &str, need: &Need<'_>) -> Fetch {
        let place = Place::of(package, need);
        Fetch {
            role: MANIFEST,
            upstream: place.upstream(),
            path: format!("{}/manifests/{pointer}", place.path),
            accept: manifest::ACCEPT,
            scope: FetchScope::Package,
        }
    }

    /// The digest is of the bytes that came, not what upstream says of them.
    fn read(
        &self,
        package: &PackageName,
        pointer: &str,
        _wanted: &str,
        document: &Document,
        need: &Need<'_>,
    ) -> Result<Option<Target>, Malformed> {
        let read = manifest::read(&document.body)?;
        let declared = document.content_type.as_str();
        if declared.starts_with("application/vnd.") && declared != read.media_type {
            return Err(Malformed::new(format!(
                "upstream sends the manifest as {declared}, which calls itself {}",
                read.media_type
            )));
        }
        let digest = name::digest_of(Algorithm::Sha256, &document.body)
            .ok_or_else(|| Malformed::new("the manifest has no digest"))?;
        let mut target = target(&Place::of(package, need), pointer, &digest);
        target.release.claimed = facts::claimed(&read.annotations);
        for artifact in &mut target.release.artifacts {
            artifact.size_bytes = u64::try_from(document.body.len()).ok();
        }
        Ok(Some(target))
    }

    fn earlier(
        &self,
        package: &PackageName,
        pointer: &str,
        _wanted: &str,
        version: &str,
        need: &Need<'_>,
    ) -> Option<Target> {
        Some(target(&Place::of(package, need), pointer, &name::digest(version)?))
    }

    /// Who asks for a tag asks for whatever is behind it today, and the answer names the digest.
    fn falls_back(&self) -> bool {
        true
    }
}

fn target(place: &Place, tag: &str, digest: &Digest) -> Target {
    Target { file: File::Manifest(digest.clone()).key(), release: release(place, digest, Some(tag)) }
}

/// The image of this digest, of which nothing more is known yet.
pub(super) fn release(place: &Place, digest: &Digest, tag: Option<&str>) -> Release {
    let file = File::Manifest(digest.clone());
    Release {
        version: digest.to_string().into(),
        prerelease: tag.is_some_and(version::is_prerelease),
        reference: tag.map(|tag| Reference {
            name: tag.into(),
            kind: ReferenceKind::Moving,
            moved_from: None,
        }),
        artifacts: vec![Artifact {
            file: file.key().into(),
            url: place.url(&file).into(),
            digests: vec![digest.clone()],
            size_bytes: None,
        }],
        ..Release::default()
    }
}

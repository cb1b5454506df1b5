//! Looks into a manifest that has arrived: what it is, and which files it vouches for. Layers stay shut.

use super::name::{File, Place};
use super::{facts, manifest};
use crate::{Inspection, Member, ReadSeek};
use lazaret_vocabulary::{Artifact, Malformed, PackageName};
use std::io::Read as _;

/// Reads a manifest; of a blob nothing is looked at.
pub(super) fn inspect(
    package: &PackageName,
    artifact: &Artifact,
    file: &mut dyn ReadSeek,
) -> Result<Inspection, Malformed> {
    let Some(own @ File::Manifest(_)) = File::parse(&artifact.file) else { return Ok(Inspection::default()) };
    let mut body = Vec::new();
    let bound = u64::try_from(manifest::LARGEST).unwrap_or(u64::MAX).saturating_add(1);
    file.take(bound)
        .read_to_end(&mut body)
        .map_err(|error| Malformed::new(format!("the manifest cannot be read: {error}")))?;
    let read = manifest::read(&body)?;
    let said = facts::detail(&[&read.annotations], None);
    // What this house hosts lists its files itself. An address in the manifest (`urls`) is never followed: what a
    // publisher put elsewhere is only served if the registry has it too.
    let members = Place::of_file(&artifact.url, &own).map_or_else(Vec::new, |place| {
        let named = read.files().into_iter();
        let member = |(file, descriptor): (File, &manifest::Descriptor)| Member {
            package: package.clone(),
            version: None,
            artifact: Artifact {
                file: file.key().into(),
                url: place.url(&file).into(),
                digests: vec![descriptor.digest.clone()],
                size_bytes: descriptor.size,
            },
            owner: artifact.file.clone(),
        };
        named.map(member).collect()
    });
    Ok(Inspection {
        claimed: said.claimed,
        licence: said.licence,
        media_type: Some(read.media_type),
        members,
        ..Inspection::default()
    })
}

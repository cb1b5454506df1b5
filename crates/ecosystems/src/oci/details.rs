//! What is to be known of one image: its manifest, and the configuration that the manifest names. Of an index,
//! those of one of its images, which stands for the others.

use super::documents::{CHILD, CONFIG, MANIFEST};
use super::manifest::{self, Config, Descriptor, Manifest};
use super::name::{self, File, Place};
use super::{facts, tags};
use crate::{Detail, Details, Fetch, FetchScope, Need, Wanted};
use lazaret_vocabulary::{Digest, Document, DocumentRole, Malformed, PackageName, Release};

/// Largest configuration asked for, in bytes, as its descriptor declares it.
const LARGEST_CONFIG: u64 = 4 << 20;

/// Documents on images.
#[derive(Debug)]
pub(super) struct Images;

impl Details for Images {
    /// Every manifest may be asked for by its digest. A blob is never asked for on its own: only a manifest that
    /// is known says what it belongs to.
    fn unlisted(&self, package: &PackageName, file: &str, need: &Need<'_>) -> Option<Release> {
        let File::Manifest(digest) = File::parse(file)? else { return None };
        Some(tags::release(&Place::of(package, need), &digest, None))
    }

    fn wanted(
        &self,
        _package: &PackageName,
        release: &Release,
        have: &[Document],
        _need: &Need<'_>,
    ) -> Wanted {
        let Some((place, digest)) = source(release) else { return Wanted::Enough };
        match next(&place, &digest, have) {
            Ok(Some(fetch)) => Wanted::Fetch(vec![fetch]),
            // What cannot be read is complained of when it is read.
            Ok(None) | Err(_) => Wanted::Enough,
        }
    }

    fn read(
        &self,
        _package: &PackageName,
        release: &Release,
        have: &[Document],
    ) -> Result<Option<Detail>, Malformed> {
        let Some((_, digest)) = source(release) else { return Ok(Some(Detail::default())) };
        let Some(manifest) = verified(have, MANIFEST, &digest)? else { return Ok(None) };
        let child = match manifest.representative() {
            Some(child) => verified(have, CHILD, &child.digest)?,
            None => None,
        };
        let config = match wanted_config(child.as_ref().unwrap_or(&manifest)) {
            Some(descriptor) => config(have, descriptor)?,
            None => None,
        };
        let said = [Some(&manifest), child.as_ref()].into_iter().flatten();
        let annotations: Vec<_> = said.map(|manifest| &manifest.annotations).collect();
        Ok(Some(facts::detail(&annotations, config.as_ref())))
    }

    fn main_file(&self, _package: &PackageName, version: &str) -> Option<String> {
        name::digest(version).map(|digest| File::Manifest(digest).key())
    }

    /// No list of tags is judged: what each stands for is, when it is asked for.
    fn for_listing(&self) -> bool {
        false
    }
}

/// Where the release's manifest stands, and its digest; `None` for what this house hosts.
fn source(release: &Release) -> Option<(Place, Digest)> {
    release.artifacts.iter().find_map(|artifact| {
        let file = File::parse(&artifact.file)?;
        let File::Manifest(digest) = &file else { return None };
        Some((Place::of_file(&artifact.url, &file)?, digest.clone()))
    })
}

/// The next document to ask for.
fn next(place: &Place, digest: &Digest, have: &[Document]) -> Result<Option<Fetch>, Malformed> {
    let Some(manifest) = verified(have, MANIFEST, digest)? else {
        return Ok(missing(have, MANIFEST).then(|| manifest_fetch(place, MANIFEST, digest)));
    };
    let image = match manifest.representative() {
        None => manifest,
        Some(child) => match verified(have, CHILD, &child.digest)? {
            Some(image) => image,
            None => return Ok(missing(have, CHILD).then(|| manifest_fetch(place, CHILD, &child.digest))),
        },
    };
    let config = wanted_config(&image).filter(|_| missing(have, CONFIG));
    Ok(config.map(|config| fetch(place, CONFIG, &config.blob_file(), "*/*")))
}

fn missing(have: &[Document], role: DocumentRole) -> bool {
    !have.iter().any(|document| document.role == role)
}

fn manifest_fetch(place: &Place, role: DocumentRole, digest: &Digest) -> Fetch {
    fetch(place, role, &File::Manifest(digest.clone()), manifest::ACCEPT)
}

fn fetch(place: &Place, role: DocumentRole, file: &File, accept: &'static str) -> Fetch {
    Fetch {
        role,
        upstream: place.upstream(),
        path: format!("{}/{}", place.path, file.key()),
        accept,
        scope: FetchScope::Package,
    }
}

/// The configuration that says when and by whom an image was made, if it is one.
fn wanted_config(manifest: &Manifest) -> Option<&Descriptor> {
    let config = manifest.config.as_ref()?;
    let fits = config.size.is_none_or(|size| size <= LARGEST_CONFIG);
    (config.is_image_config() && fits).then_some(config)
}

/// The document of this role, which must be the very bytes that its digest names.
fn body<'d>(
    have: &'d [Document],
    role: DocumentRole,
    digest: &Digest,
) -> Result<Option<&'d Document>, Malformed> {
    let Some(document) = have.iter().find(|document| document.role == role) else { return Ok(None) };
    if name::fits(digest, &document.body) {
        Ok(Some(document))
    } else {
        Err(Malformed::new(format!("upstream's answer is not the {role} {digest} that was asked for")))
    }
}

fn verified(have: &[Document], role: DocumentRole, digest: &Digest) -> Result<Option<Manifest>, Malformed> {
    body(have, role, digest)?.map(|document| manifest::read(&document.body)).transpose()
}

fn config(have: &[Document], descriptor: &Descriptor) -> Result<Option<Config>, Malformed> {
    body(have, CONFIG, &descriptor.digest)?.map(|document| Config::read(&document.body)).transpose()
}

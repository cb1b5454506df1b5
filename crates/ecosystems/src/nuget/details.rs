//! What the catalog says of one release (NuGet server API, "Catalog", "Package details item"): the digest of its
//! file, which registrations leave away, and when an unlisted version was really published, which they hide.
//! The way there is the service index, the release's registration leaf, the catalog leaf that it names. Feeds
//! without a catalog of their own lose nothing but that.

use super::documents::{SERVICE, service_fetch};
use super::json::Members;
use super::registration::{declared, moment};
use super::service::{self, is_address};
use super::{documents, name};
use crate::route::{Fetch, FetchScope, Need, Wanted};
use crate::{Detail, Details};
use lazaret_vocabulary::{Artifact, Document, DocumentRole, Malformed, PackageName, Release, ReleaseKind};

/// A release's leaf in the registration.
pub(super) const LEAF: DocumentRole = "leaf";
/// A release's leaf in the catalog.
pub(super) const CATALOG: DocumentRole = "catalog";

/// Releases in the catalog.
#[derive(Debug)]
pub(super) struct Catalog;

impl Details for Catalog {
    /// Every version that may be asked for stands in the registration.
    fn unlisted(&self, _: &PackageName, _: &str, _: &Need<'_>) -> Option<Release> {
        None
    }

    fn wanted(&self, package: &PackageName, release: &Release, have: &[Document], _: &Need<'_>) -> Wanted {
        let strong =
            |artifact: &Artifact| artifact.digests.iter().any(|digest| digest.algorithm().is_strong());
        let known = release.published.is_some() && release.artifacts.iter().all(strong);
        if release.kind == ReleaseKind::Hosted || known {
            return Wanted::Enough;
        }
        let find = |role| have.iter().find(|document| document.role == role);
        let Some(service) = find(SERVICE) else { return Wanted::Fetch(vec![service_fetch()]) };
        let Some(base) = service::read(service).ok().and_then(|resources| resources.registrations) else {
            return Wanted::Enough;
        };
        let fetch = |role, path| {
            let upstream = documents::INDEX_UPSTREAM.into();
            let accept = "application/json";
            Wanted::Fetch(vec![Fetch { role, upstream, path, accept, scope: FetchScope::Package }])
        };
        let Some(leaf) = find(LEAF) else {
            return fetch(LEAF, format!("{base}/{}/{}.json", package.key(), release.version));
        };
        // A mirror that leaves the addresses of another feed in its documents often cannot reach it, nor we.
        let catalog = catalog_address(leaf).filter(|address| service::same_origin(address, &base));
        match (catalog, find(CATALOG)) {
            (Some(address), None) => fetch(CATALOG, address),
            _ => Wanted::Enough,
        }
    }

    fn read(
        &self,
        package: &PackageName,
        release: &Release,
        have: &[Document],
    ) -> Result<Option<Detail>, Malformed> {
        let Some(document) = have.iter().find(|document| document.role == CATALOG) else {
            return Ok(Some(Detail::default()));
        };
        let entry =
            members(document).ok_or_else(|| Malformed::new("the catalog leaf is not a JSON object"))?;
        let version = entry.text("version").and_then(|text| super::version::normalise(&text));
        let of_it = entry.text("id").is_some_and(|id| id.eq_ignore_ascii_case(package.key()))
            && version.as_deref() == Some(&*release.version);
        if !of_it {
            return Err(Malformed::new(format!(
                "the catalog leaf that is named for {package} {} is of another release",
                release.version
            )));
        }
        let (digests, size_bytes) = declared(&entry);
        let file = name::package_file(package.key(), &release.version);
        let artifact = Artifact { file: file.into(), url: "".into(), digests, size_bytes };
        let created = entry.text("created").as_deref().and_then(moment);
        Ok(Some(Detail {
            published: if release.published.is_none() { created } else { None },
            artifacts: vec![artifact],
            ..Detail::default()
        }))
    }

    fn for_listing(&self) -> bool {
        false
    }
}

fn members(document: &Document) -> Option<Members<'_>> {
    Members::parse(std::str::from_utf8(&document.body).ok()?.trim_start_matches('\u{feff}'))
}

/// The catalog leaf that a registration leaf names; some feeds put the entry itself there.
fn catalog_address(leaf: &Document) -> Option<String> {
    let leaf = members(leaf)?;
    let inlined = || leaf.raw("catalogEntry").and_then(Members::parse)?.text("@id");
    leaf.text("catalogEntry").or_else(inlined).filter(|address| is_address(address))
}

//! What to ask upstream for, and what is read of it: the service index, then the registration index, then the
//! pages that are not in it; beside them, who owns the package. A feed without registrations is read by its
//! flat container alone, which has no dates.

use super::registration::{self, Files, Leaf, Piece, Reader};
use super::service::{self, Resources};
use super::{name, search, version};
use crate::route::{Fetch, FetchScope, Need, Wanted};
use lazaret_vocabulary::{Artifact, Document, DocumentRole, Malformed, PackageName, Release, Standing};
use serde::Deserialize;
use std::collections::HashSet;

/// The upstream's service index.
pub(super) const SERVICE: DocumentRole = "service";
/// The package's registration index.
pub(super) const REGISTRATION: DocumentRole = "registration";
/// The package's version list in the flat container.
pub(super) const VERSIONS: DocumentRole = "versions";
/// What the search service says of the package: who owns it.
pub(super) const OWNERS: DocumentRole = "owners";
/// Present, and empty, beside a registration that this house wrote.
pub(super) const HOUSE: DocumentRole = "house";

/// The upstream address of the service index itself.
pub(super) const INDEX_UPSTREAM: &str = "index";

/// Roles by eights, numbered in octal.
macro_rules! pages {
    ($($eights:literal)*) => { [$(
        concat!("page-", $eights, "0"), concat!("page-", $eights, "1"), concat!("page-", $eights, "2"),
        concat!("page-", $eights, "3"), concat!("page-", $eights, "4"), concat!("page-", $eights, "5"),
        concat!("page-", $eights, "6"), concat!("page-", $eights, "7"),
    )*] };
}

/// Pages of a registration index that stand by themselves. The public feed puts 64 versions on one.
pub(super) const PAGES: [DocumentRole; 128] =
    pages!("0" "1" "2" "3" "4" "5" "6" "7" "10" "11" "12" "13" "14" "15" "16" "17");

/// Most versions that a flat container's list may have.
const MOST_VERSIONS: usize = 50_000;

fn find(have: &[Document], role: DocumentRole) -> Option<&Document> {
    have.iter().find(|document| document.role == role)
}

fn fetch(role: DocumentRole, upstream: &'static str, path: String, scope: FetchScope) -> Fetch {
    Fetch { role, upstream: upstream.into(), path, accept: "application/json", scope }
}

/// The upstream's service index, which is the address itself.
pub(super) fn service_fetch() -> Fetch {
    fetch(SERVICE, INDEX_UPSTREAM, String::new(), FetchScope::Ecosystem)
}

/// A search that goes to the service which the upstream's service index names.
pub(super) fn located(fetch: Fetch, directory: &Document) -> Option<Fetch> {
    if fetch.upstream != search::SEARCH_UPSTREAM {
        return Some(fetch);
    }
    let service = service::read(directory).ok()?.search?;
    let joint = if service.contains('?') { "&" } else { "?" };
    let query = fetch.path.trim_start_matches('?');
    Some(Fetch { path: format!("{service}{joint}{query}"), ..fetch })
}

/// Round by round; see above.
pub(super) fn wanted(package: &PackageName, have: &[Document], need: &Need<'_>) -> Wanted {
    if find(have, HOUSE).is_some() {
        return Wanted::Enough;
    }
    let Some(document) = find(have, SERVICE) else { return Wanted::Fetch(vec![service_fetch()]) };
    // What is wrong with it is said when it is read.
    let Ok(resources) = service::read(document) else { return Wanted::Enough };
    match (find(have, REGISTRATION), find(have, VERSIONS)) {
        (Some(index), _) => pages(have, index),
        (None, Some(_)) => Wanted::Enough,
        (None, None) => Wanted::Fetch(listings(package, &resources, need)),
    }
}

fn listings(package: &PackageName, resources: &Resources, need: &Need<'_>) -> Vec<Fetch> {
    let key = package.key();
    let mut fetches = Vec::new();
    let (role, base) = match (&resources.registrations, &resources.flat_container) {
        (Some(base), _) => (REGISTRATION, base),
        (None, Some(base)) => (VERSIONS, base),
        (None, None) => return fetches,
    };
    fetches.push(fetch(role, INDEX_UPSTREAM, format!("{base}/{key}/index.json"), FetchScope::Package));
    if let (true, Some(service)) = (need.details, &resources.search) {
        // Another upstream than the first: without its answer the owners are unknown, and no more is lost.
        let query = search::owners_query(service, key);
        fetches.push(fetch(OWNERS, search::SEARCH_UPSTREAM, query, FetchScope::Package));
    }
    fetches
}

fn pages(have: &[Document], index: &Document) -> Wanted {
    let Ok(pages) = registration::pages(index) else { return Wanted::Enough };
    let apart = PAGES.iter().zip(pages).filter_map(|(role, page)| Some((*role, page.address?)));
    let missing: Vec<Fetch> = apart
        .filter(|(role, _)| find(have, role).is_none())
        .map(|(role, address)| fetch(role, INDEX_UPSTREAM, address, FetchScope::Package))
        .collect();
    if missing.is_empty() { Wanted::Enough } else { Wanted::Fetch(missing) }
}

/// How a release is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// The catalog entry, in the arena; empty where the feed has none.
    pub text: Piece,
    /// Whether only clients that know SemVer 2.0.0 are told of it.
    pub semver_2: bool,
    /// The version as its publisher wrote it.
    pub written: String,
}

/// A package's registration, read.
pub(super) struct PackageIndex {
    /// The package's id in lower case.
    pub key: String,
    /// The releases by version, lowest first.
    pub releases: Vec<Release>,
    /// Same order and length.
    pub entries: Vec<Entry>,
    /// Catalog entries, see [`registration`].
    pub arena: String,
    pub standing: Standing,
}

/// Reads what upstream or this house sent. A package that upstream does not have reads as one without
/// releases.
pub(super) fn read(package: &PackageName, have: &[Document]) -> Result<PackageIndex, Malformed> {
    let key = package.key();
    let house = find(have, HOUSE).is_some();
    let resources = match (house, find(have, SERVICE)) {
        (true, _) => Resources::default(),
        (false, Some(document)) => service::read(document)?,
        (false, None) => return Err(Malformed::new("the upstream's service index did not come")),
    };
    let container = resources.flat_container.as_deref();
    let leaves = match (find(have, REGISTRATION), find(have, VERSIONS), container) {
        (Some(index), _, _) => {
            let files = if house { Files::House } else { Files::Upstream(container) };
            registered(key, files, index, have)?
        }
        (None, Some(list), Some(container)) => flat(key, list, container)?,
        _ => Vec::new(),
    };
    let mut index = gather(key, leaves);
    index.standing.first_published = index.releases.iter().filter_map(|release| release.published).min();
    index.standing.maintainers = find(have, OWNERS)
        .and_then(|document| search::owners(document, key))
        .map(|owners| owners.into_iter().take(1_000).map(Into::into).collect());
    Ok(index)
}

fn registered(
    key: &str,
    files: Files<'_>,
    index: &Document,
    have: &[Document],
) -> Result<Vec<Leaf>, Malformed> {
    let mut reader = Reader { key, files, leaves: Vec::new(), unreadable: 0 };
    reader.index(index)?;
    let pages = registration::pages(index)?;
    if pages.len() > PAGES.len() && pages.iter().skip(PAGES.len()).any(|page| page.address.is_some()) {
        return Err(Malformed::new(format!(
            "the registration index has {} pages, and {} are read at the most",
            pages.len(),
            PAGES.len()
        )));
    }
    for (role, page) in PAGES.iter().zip(pages) {
        if page.address.is_none() {
            continue;
        }
        match find(have, role) {
            Some(document) => reader.page(&page, document)?,
            // A listing with a hole in it would let clients take what is lower for what is newest.
            None => return Err(Malformed::new("a page that the registration index names did not come")),
        }
    }
    if reader.leaves.is_empty() && reader.unreadable > 0 {
        return Err(Malformed::new(format!(
            "none of the {} versions in the registration of `{key}` has an id, a version and a file",
            reader.unreadable
        )));
    }
    Ok(reader.leaves)
}

#[derive(Deserialize)]
struct VersionList {
    versions: Vec<String>,
}

/// The releases of a flat container's list (NuGet server API, "Package content"). They stand in no registration of
/// ours: what they need is not known, and nuget.exe would take that for nothing and install less than works.
fn flat(key: &str, list: &Document, container: &str) -> Result<Vec<Leaf>, Malformed> {
    let VersionList { versions } = serde_json::from_slice(&list.body).map_err(|error| {
        Malformed::new(format!("the version list is not an object with `versions`: {error}"))
    })?;
    if versions.len() > MOST_VERSIONS {
        return Err(Malformed::new(format!("the package has more than {MOST_VERSIONS} versions")));
    }
    let leaf = |written: String| {
        let normal = version::normalise(&written)?;
        let file = name::package_file(key, &normal);
        let url = format!("{container}/{key}/{normal}/{file}");
        Some(Leaf {
            entry: String::new(),
            semver_2: registration::is_semver_2(&written),
            release: Release {
                prerelease: version::is_prerelease(&normal),
                artifacts: vec![Artifact {
                    file: file.into(),
                    url: url.into(),
                    digests: Vec::new(),
                    size_bytes: None,
                }],
                version: normal.into(),
                ..Release::default()
            },
            written,
        })
    };
    Ok(versions.into_iter().filter_map(leaf).collect())
}

/// Puts the leaves into the order of their versions; of two with one version the first counts.
fn gather(key: &str, mut leaves: Vec<Leaf>) -> PackageIndex {
    leaves.sort_by(|left, right| version::compare(&left.release.version, &right.release.version));
    let mut index = PackageIndex {
        key: key.to_owned(),
        releases: Vec::with_capacity(leaves.len()),
        entries: Vec::with_capacity(leaves.len()),
        arena: String::with_capacity(leaves.iter().map(|leaf| leaf.entry.len()).sum()),
        standing: Standing::default(),
    };
    let mut seen = HashSet::new();
    for leaf in leaves {
        if !seen.insert(leaf.release.version.clone()) {
            continue;
        }
        let start = index.arena.len();
        index.arena.push_str(&leaf.entry);
        index.entries.push(Entry {
            text: start..index.arena.len(),
            semver_2: leaf.semver_2,
            written: leaf.written,
        });
        index.releases.push(leaf.release);
    }
    index
}

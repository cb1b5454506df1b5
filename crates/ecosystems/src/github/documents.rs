//! What the REST API says of a repository and its releases, where an address for it is configured. Without one
//! there is no index: commits and release files are known by nothing but their names.

use super::files::File;
use super::{API_UPSTREAM, name, version};
use crate::route::{FetchScope, Wanted};
use crate::{Fetch, Need};
use lazaret_vocabulary::{
    Artifact, Digest, Document, DocumentRole, Malformed, PackageName, Release, Span, Standing, Timestamp,
};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use std::collections::HashSet;
use std::sync::Arc;

/// The repository itself.
pub(super) const REPOSITORY: DocumentRole = "repository";
/// Its newest hundred releases.
pub(super) const RELEASES: DocumentRole = "releases";
/// The two hundred before them, and their pages.
const FURTHER: [(DocumentRole, usize); 2] = [("releases2", 2), ("releases3", 3)];
/// One release, by its tag.
pub(super) const RELEASE: DocumentRole = "release";
/// One commit.
pub(super) const COMMIT: DocumentRole = "commit";

const JSON: &str = "application/json";

/// Releases read of one page, at most, in case the host gives more than it is asked for.
const MOST_RELEASES: usize = 1000;
/// Releases on a page, as many as the host gives.
const PAGE: usize = 100;
/// Files read of one release, at most; the host allows a thousand.
const MOST_FILES: usize = 2000;
/// How long after its release a file may be attached to be as old as that. Builds take their time.
const ATTACHED_WITHIN: Span = Span::from_millis(24 * 60 * 60 * 1000);

/// A document of the API about a repository.
pub(super) fn fetch(role: DocumentRole, package: &PackageName, below: &str) -> Fetch {
    Fetch {
        role,
        upstream: API_UPSTREAM.into(),
        path: format!("/repos/{package}{below}"),
        accept: JSON,
        scope: FetchScope::Package,
    }
}

/// The repository and its releases, if they can be asked for at all; then the releases before those, if the first
/// page is full.
pub(super) fn wanted(package: &PackageName, have: &[Document], need: &Need<'_>) -> Wanted {
    if !need.has(API_UPSTREAM) {
        return Wanted::Enough;
    }
    let find = |role| have.iter().find(|document| document.role == role);
    if find(REPOSITORY).is_none() && find(RELEASES).is_none() {
        return Wanted::Fetch(vec![
            fetch(REPOSITORY, package, ""),
            fetch(RELEASES, package, &format!("/releases?per_page={PAGE}")),
        ]);
    }
    let full = find(RELEASES).and_then(|page| list(page).ok()).is_some_and(|list| list.len() >= PAGE);
    if !full || FURTHER.iter().any(|(role, _)| find(role).is_some()) {
        return Wanted::Enough;
    }
    let page = |(role, number): &(DocumentRole, usize)| {
        fetch(role, package, &format!("/releases?per_page={PAGE}&page={number}"))
    };
    Wanted::Fetch(FURTHER.iter().map(page).collect())
}

fn list(document: &Document) -> Result<Vec<&RawValue>, Malformed> {
    serde_json::from_slice(&document.body)
        .map_err(|error| Malformed::new(format!("the API's list of releases: {error}")))
}

/// What is read of a repository.
#[derive(Deserialize)]
pub(super) struct Repository {
    #[serde(default)]
    archived: bool,
    #[serde(default)]
    disabled: bool,
    #[serde(default, deserialize_with = "moment")]
    created_at: Option<Timestamp>,
    #[serde(default)]
    license: Option<RepositoryLicence>,
}

#[derive(Deserialize)]
struct RepositoryLicence {
    #[serde(default)]
    spdx_id: Option<String>,
}

impl Repository {
    pub(super) fn read(document: &Document) -> Result<Self, Malformed> {
        serde_json::from_slice(&document.body)
            .map_err(|error| Malformed::new(format!("the API's description of the repository: {error}")))
    }

    /// The licence as an SPDX expression. `NOASSERTION` says that there is one that is not known.
    pub(super) fn licence(&self) -> Option<&str> {
        self.license.as_ref()?.spdx_id.as_deref().filter(|id| !matches!(*id, "" | "NOASSERTION"))
    }

    fn standing(&self) -> Standing {
        let retired = match (self.disabled, self.archived) {
            (true, _) => Some("disabled by its host"),
            (false, true) => Some("archived by its owners"),
            (false, false) => None,
        };
        Standing { first_published: self.created_at, maintainers: None, retired: retired.map(Arc::from) }
    }
}

/// What is read of a release.
#[derive(Deserialize)]
pub(super) struct ApiRelease {
    tag_name: String,
    #[serde(default)]
    draft: bool,
    #[serde(default)]
    prerelease: bool,
    #[serde(default, deserialize_with = "moment")]
    published_at: Option<Timestamp>,
    #[serde(default)]
    author: Option<Account>,
    #[serde(default)]
    assets: Vec<ApiAsset>,
}

#[derive(Deserialize)]
struct Account {
    #[serde(default)]
    login: Option<String>,
}

#[derive(Deserialize)]
struct ApiAsset {
    name: String,
    #[serde(default)]
    size: Option<u64>,
    #[serde(default)]
    digest: Option<String>,
    #[serde(default)]
    state: Option<String>,
    #[serde(default, deserialize_with = "moment")]
    created_at: Option<Timestamp>,
    #[serde(default, deserialize_with = "moment")]
    updated_at: Option<Timestamp>,
    #[serde(default)]
    uploader: Option<Account>,
}

/// A date-time; whatever else stands there is no date.
fn moment<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    Ok(text.and_then(|text| Timestamp::parse(&text).ok()))
}

fn login(account: Option<&Account>) -> Option<&str> {
    account?.login.as_deref().filter(|login| !login.is_empty())
}

/// A file as the API has it.
pub(super) struct Attached {
    pub(super) artifact: Artifact,
    /// When its present content came, where that is long after the release.
    pub(super) later: Option<Timestamp>,
    uploader: Option<String>,
}

impl ApiRelease {
    /// `None` where nobody but its authors sees it, or its tag cannot be asked for.
    pub(super) fn parse(text: &str) -> Result<Option<Self>, Malformed> {
        let release: Self = serde_json::from_str(text)
            .map_err(|error| Malformed::new(format!("a release of the API: {error}")))?;
        Ok((!release.draft && name::is_ref(&release.tag_name)).then_some(release))
    }

    pub(super) fn tag(&self) -> &str {
        &self.tag_name
    }

    pub(super) fn published(&self) -> Option<Timestamp> {
        self.published_at
    }

    pub(super) fn author(&self) -> Option<&str> {
        login(self.author.as_ref())
    }

    fn is_prerelease(&self) -> bool {
        self.prerelease || version::is_prerelease(&self.tag_name)
    }

    /// Its files, those left out that are still being uploaded.
    pub(super) fn attached(&self, package: &PackageName, need: &Need<'_>) -> Vec<Attached> {
        let whole = |asset: &&ApiAsset| asset.state.as_deref().is_none_or(|state| state == "uploaded");
        let assets = self.assets.iter().take(MOST_FILES).filter(whole);
        assets
            .filter_map(|asset| {
                let file = File::asset(&format!("{}/{}", self.tag_name, asset.name))?;
                if !matches!(&file, File::Asset { tag, .. } if *tag == self.tag_name) {
                    return None;
                }
                let digest = asset.digest.as_deref().and_then(|text| text.parse::<Digest>().ok());
                let came = asset.updated_at.max(asset.created_at);
                let in_time = self.published_at.map(|published| published + ATTACHED_WITHIN);
                Some(Attached {
                    artifact: Artifact {
                        digests: digest.into_iter().collect(),
                        size_bytes: asset.size,
                        ..file.artifact(package, need)
                    },
                    later: came.filter(|came| in_time.is_none_or(|limit| *came > limit)),
                    uploader: login(asset.uploader.as_ref()).map(str::to_owned),
                })
            })
            .collect()
    }
}

/// A release of the list, and where its parts stand in the index.
pub(super) struct Entry {
    pub(super) tag: Arc<str>,
    /// As the API wrote it.
    pub(super) text: Box<str>,
    /// Its place among the index's releases.
    pub(super) at: usize,
    /// Names of files that came later, and their places.
    pub(super) later: Vec<(String, usize)>,
}

/// A repository's releases.
pub(super) struct Releases {
    pub(super) entries: Vec<Entry>,
    pub(super) releases: Vec<Release>,
    pub(super) standing: Standing,
    /// Whether the API was asked and said something.
    pub(super) told: bool,
}

/// Reads what the API said; without it there is nothing in the index.
pub(super) fn read(package: &PackageName, have: &[Document]) -> Result<Releases, Malformed> {
    let find = |role| have.iter().find(|document| document.role == role);
    let repository = find(REPOSITORY).map(Repository::read).transpose()?;
    let licence: Option<Arc<str>> =
        repository.as_ref().and_then(|repository| repository.licence()).map(Arc::from);
    let mut index = Releases {
        entries: Vec::new(),
        releases: Vec::new(),
        standing: repository.as_ref().map(Repository::standing).unwrap_or_default(),
        told: !have.is_empty(),
    };
    let mut seen = HashSet::new();
    for role in std::iter::once(RELEASES).chain(FURTHER.iter().map(|(role, _)| *role)) {
        let Some(page) = find(role) else { continue };
        for text in list(page)?.into_iter().take(MOST_RELEASES).map(RawValue::get) {
            let Some(release) = ApiRelease::parse(text)? else { continue };
            if seen.insert(release.tag().to_owned()) {
                add(&mut index, package, &release, text, licence.as_ref());
            }
        }
    }
    Ok(index)
}

/// One release, and one more for each file that came so much later that it has to be judged by its own age.
fn add(
    index: &mut Releases,
    package: &PackageName,
    release: &ApiRelease,
    text: &str,
    licence: Option<&Arc<str>>,
) {
    // Files are asked of the first role, whatever is configured beside it.
    let need = Need { dates_after: None, details: false, roles: &[] };
    let whole = Release {
        version: release.tag().into(),
        prerelease: release.is_prerelease(),
        published: release.published(),
        publisher: release.author().map(Arc::from),
        licence: licence.cloned(),
        ..Release::default()
    };
    let (late, first): (Vec<Attached>, Vec<Attached>) =
        release.attached(package, &need).into_iter().partition(|file| file.later.is_some());
    let at = index.releases.len();
    index
        .releases
        .push(Release { artifacts: first.into_iter().map(|file| file.artifact).collect(), ..whole.clone() });
    let mut later = Vec::new();
    for file in late {
        let name = file.artifact.file.rsplit('/').next().unwrap_or_default().to_owned();
        later.push((name, index.releases.len()));
        index.releases.push(Release {
            published: file.later,
            publisher: file.uploader.as_deref().or(release.author()).map(Arc::from),
            artifacts: vec![file.artifact],
            ..whole.clone()
        });
    }
    index.entries.push(Entry { tag: whole.version.clone(), text: text.into(), at, later });
}

//! What is asked of an upstream, and how its documents become releases.

use super::page::{self, Page, PageFile, Piece};
use super::project::{self, Details, Project};
use super::version::{self, FileKind};
use super::{hosting, html};
use crate::route::{Fetch, FetchScope, Need, Wanted};
use bytes::Bytes;
use lazaret_vocabulary::{
    Artifact, Document, DocumentRole, Malformed, PackageName, Release, ReleaseKind, Span, Standing, Timestamp,
};
use pep440_rs::Version;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

/// A project's page in the simple index.
pub(super) const SIMPLE: DocumentRole = "simple";
/// Its legacy JSON document.
pub(super) const PROJECT: DocumentRole = "project";
/// What this house knows of a project that is published to it; upstreams have no such document.
pub(super) const HOUSE: DocumentRole = "house";

/// The upstream address that pages stand below.
pub(super) const SIMPLE_UPSTREAM: &str = "simple";
/// The one that legacy JSON documents stand below.
pub(super) const JSON_UPSTREAM: &str = "json";

/// PEP 691: JSON where the registry has it, HTML from the others.
const ACCEPT_SIMPLE: &str =
    "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1";

/// Files of one version that were uploaded within this time of the first make one release. What comes later
/// is judged by its own age: a wheel added to a version of years ago is new.
const ONE_UPLOAD: Span = Span::hours(24);

/// The page, and beside it the legacy document where its facts matter: licence and owners, or dates that
/// the page does not give. Both are asked for at once when that can be told before.
pub(super) fn wanted(package: &PackageName, have: &[Document], need: &Need<'_>) -> Wanted {
    let has = |role| have.iter().find(|document| document.role == role);
    if has(HOUSE).is_some() {
        return Wanted::Enough;
    }
    let fetch =
        |role, upstream, path, accept| Fetch { role, upstream, path, accept, scope: FetchScope::Package };
    let key = package.key();
    let page = || fetch(SIMPLE, SIMPLE_UPSTREAM.into(), format!("/{key}/"), ACCEPT_SIMPLE);
    let project = || fetch(PROJECT, JSON_UPSTREAM.into(), format!("/{key}/json"), "application/json");
    match (has(SIMPLE), has(PROJECT)) {
        (None, None) if need.details => Wanted::Fetch(vec![page(), project()]),
        (None, _) => Wanted::Fetch(vec![page()]),
        (Some(have), None) if need.details || (need.dates_after.is_some() && !states_dates(&have.body)) => {
            Wanted::Fetch(vec![project()])
        }
        _ => Wanted::Enough,
    }
}

/// Whether a page says when files were uploaded, in either of its forms.
fn states_dates(body: &[u8]) -> bool {
    body.windows(b"upload-time".len()).any(|window| window == b"upload-time")
}

/// A project, read: its page's bytes, the table into them, and its releases.
pub(super) struct ProjectIndex {
    /// Its normalised name.
    pub key: Arc<str>,
    /// The page in JSON; empty when upstream has none.
    pub body: Bytes,
    pub page: PageTable,
    pub releases: Vec<Release>,
    pub standing: Standing,
    /// `info` of the legacy document.
    pub info: Option<serde_json::Map<String, serde_json::Value>>,
    /// Whether there is a page at all.
    pub exists: bool,
}

/// Where the page's parts are.
#[derive(Default)]
pub(super) struct PageTable {
    pub meta: Range<usize>,
    pub versions: Range<usize>,
    pub status: Range<usize>,
    /// The status itself and its reason (PEP 792).
    pub standing: Option<(String, String)>,
    pub files: Vec<ListedFile>,
    pub pieces: Vec<Piece>,
}

/// A file of the page, in the page's order.
pub(super) struct ListedFile {
    /// Its release, and its place among that release's artifacts.
    pub release: usize,
    pub artifact: usize,
    /// When it was uploaded, as written by the page or else by the legacy document.
    pub uploaded: Option<Box<str>>,
    /// The page itself does not say when.
    pub undated: bool,
    pub requires_python: Option<Arc<str>>,
    pub yanked: Option<Arc<str>>,
    pub pieces: Range<usize>,
}

/// Reads what upstream or this house sent. A project without a page reads as one that does not exist.
pub(super) fn read(package: &PackageName, have: &[Document]) -> Result<ProjectIndex, Malformed> {
    let find = |role| have.iter().find(|document| document.role == role);
    let Some(simple) = find(SIMPLE) else {
        return Ok(ProjectIndex {
            key: package.key().into(),
            body: Bytes::new(),
            page: PageTable::default(),
            releases: Vec::new(),
            standing: Standing::default(),
            info: None,
            exists: false,
        });
    };
    let body = if is_json(simple) {
        simple.body.clone()
    } else {
        Bytes::from(html::to_json(package, &simple.body)?)
    };
    let page = page::read(package, &body)?;
    let mut project =
        find(PROJECT).map(|document| project::read(package, &document.body)).unwrap_or_default();
    let house = find(HOUSE).map(|document| hosting::read_house(&document.body)).transpose()?;
    Ok(assemble(package, body, page, &mut project, house.as_ref()))
}

/// A page's form, by its declared type; where that says nothing, by its first character.
fn is_json(document: &Document) -> bool {
    match document.content_type.as_str() {
        "text/html" | "application/xhtml+xml" | "application/vnd.pypi.simple.v1+html" => false,
        declared if declared.ends_with("json") => true,
        _ => document.body.trim_ascii_start().starts_with(b"{"),
    }
}

fn assemble(
    package: &PackageName,
    body: Bytes,
    page: Page,
    project: &mut Project,
    house: Option<&HashMap<String, Details>>,
) -> ProjectIndex {
    let Page { meta, versions, status, standing, files, pieces } = page;
    let mut grouped = Grouping::new(package.key(), &files, project);
    let mut table = PageTable { meta, versions, status, standing, files: Vec::new(), pieces };
    for file in files {
        let (release, artifact) = grouped.add(&file, project);
        table.files.push(ListedFile {
            release,
            artifact,
            undated: file.uploaded.is_none(),
            uploaded: file.uploaded.or_else(|| {
                let known = project.file(&file.file, &file.digests)?;
                known.uploaded.as_deref().map(Into::into)
            }),
            requires_python: file.requires_python,
            yanked: file.yanked,
            pieces: file.pieces,
        });
    }
    let mut releases = grouped.releases;
    for release in &mut releases {
        let details = match house {
            Some(house) => house.get(release.version.as_ref()),
            None => project.of_version(&release.version),
        };
        if let Some(details) = details {
            release.licence = details.licence.clone();
            release.dependencies = details.dependencies;
            release.repository = details.repository.clone();
            release.publisher = details.publisher.clone();
        }
        if house.is_some() {
            release.kind = ReleaseKind::Hosted;
            release.artifacts.iter_mut().for_each(|artifact| artifact.url = "".into());
        }
    }
    let standing = Standing {
        first_published: releases.iter().filter_map(|release| release.published).min(),
        maintainers: project.owners.take(),
        retired: retired(table.standing.as_ref(), project),
    };
    let info = project.info.take();
    ProjectIndex { key: package.key().into(), body, page: table, releases, standing, info, exists: true }
}

/// PEP 792's states but `active`, and the classifier by which authors give up.
fn retired(standing: Option<&(String, String)>, project: &Project) -> Option<Arc<str>> {
    match standing {
        Some((status, reason)) if status != "active" => Some(if reason.is_empty() {
            format!("its registry lists it as {status}").into()
        } else {
            format!("its registry lists it as {status}: {reason}").into()
        }),
        _ => project.details.inactive.then(|| "its authors list it as inactive".into()),
    }
}

/// What files have to share to be one version: its number, or the name of a file that has none.
#[derive(PartialEq, Eq, Hash, Clone)]
enum Group {
    Version(Version),
    Text(String),
}

/// What files have to share to be one release.
#[derive(PartialEq, Eq, Hash)]
struct Cluster {
    group: Group,
    /// Moment of the first upload of the batch; `None` for files without a date.
    batch: Option<Timestamp>,
    /// Yanking is a matter of files (PEP 592).
    yanked: bool,
}

struct Grouping<'a> {
    key: &'a str,
    /// The moments at which a version's batches of uploads begin, ascending.
    batches: HashMap<Group, Vec<Timestamp>>,
    with_wheel: std::collections::HashSet<Group>,
    clusters: HashMap<Cluster, usize>,
    releases: Vec<Release>,
}

impl<'a> Grouping<'a> {
    fn new(key: &'a str, files: &[PageFile], project: &Project) -> Self {
        let mut times: HashMap<Group, Vec<Timestamp>> = HashMap::new();
        let mut with_wheel = std::collections::HashSet::new();
        for file in files {
            let (group, _) = group(key, &file.file);
            if version::kind(&file.file) == FileKind::Wheel {
                with_wheel.insert(group.clone());
            }
            if let Some(moment) = uploaded(file, project) {
                times.entry(group).or_default().push(moment);
            }
        }
        for moments in times.values_mut() {
            moments.sort_unstable();
            let mut begins: Option<Timestamp> = None;
            moments.retain(|moment| {
                let new = begins.is_none_or(|first| *moment > first + ONE_UPLOAD);
                if new {
                    begins = Some(*moment);
                }
                new
            });
        }
        Self { key, batches: times, with_wheel, clusters: HashMap::new(), releases: Vec::new() }
    }

    /// Puts a file into its release, a new one if it is the first; tells where it stands.
    fn add(&mut self, file: &PageFile, project: &Project) -> (usize, usize) {
        let (group, text) = group(self.key, &file.file);
        let moment = uploaded(file, project);
        let batch = moment.and_then(|moment| {
            let begins = self.batches.get(&group)?;
            begins.iter().rev().find(|first| **first <= moment).copied()
        });
        let cluster = Cluster { group, batch, yanked: file.yanked.is_some() };
        let fresh = self.releases.len();
        let at = match self.clusters.get(&cluster) {
            Some(at) => *at,
            None => {
                self.releases.push(Release {
                    prerelease: version::parse(&text).is_some_and(|version| version.any_prerelease()),
                    version: text.into(),
                    published: batch,
                    withdrawn: file.yanked.clone(),
                    install_script: Some(!self.with_wheel.contains(&cluster.group)),
                    ..Release::default()
                });
                self.clusters.insert(cluster, fresh);
                fresh
            }
        };
        let known = project.file(&file.file, &file.digests);
        let Some(release) = self.releases.get_mut(at) else { return (at, 0) };
        release.artifacts.push(Artifact {
            file: file.file.clone(),
            url: file.url.clone(),
            digests: file.digests.clone(),
            size_bytes: file.size_bytes.or_else(|| known?.size_bytes),
        });
        (at, release.artifacts.len().saturating_sub(1))
    }
}

fn uploaded(file: &PageFile, project: &Project) -> Option<Timestamp> {
    let known = || project.file(&file.file, &file.digests)?.uploaded.as_deref();
    Timestamp::parse(file.uploaded.as_deref().or_else(known)?).ok()
}

/// The version that a file belongs to, and the text it is listed under. A file whose name tells no version
/// of this project is a release of its own, judged like any other and found by its file name.
fn group(key: &str, file: &str) -> (Group, String) {
    match version::of_file(key, file) {
        Some(text) => match version::parse(&text) {
            Some(version) => {
                let text = version.to_string();
                (Group::Version(version), text)
            }
            None => (Group::Text(text.clone()), text),
        },
        None => {
            let text = format!("unknown:{file}");
            (Group::Text(text.clone()), text)
        }
    }
}

impl ProjectIndex {
    /// The artifact of a listed file.
    pub(super) fn artifact(&self, file: &ListedFile) -> Option<&Artifact> {
        self.releases.get(file.release)?.artifacts.get(file.artifact)
    }

    /// The release of highest version for which `wanted` holds.
    pub(super) fn highest(&self, wanted: impl Fn(usize, &Release) -> bool) -> Option<usize> {
        let matching = self.releases.iter().enumerate().filter(|(index, release)| wanted(*index, release));
        matching
            .max_by(|(_, left), (_, right)| version::compare(&left.version, &right.version))
            .map(|(at, _)| at)
    }
}

//! The document on a package (the Maven documentation, "Repository Metadata"): which versions there are. It is
//! read once; rendering takes out what is withheld and copies the rest.

use super::house::{self, House};
use super::xml::{self, Element};
use super::{details, name, route, version};
use crate::route::{Fetch, FetchScope, Need, Wanted};
use bytes::Bytes;
use lazaret_vocabulary::{
    Artifact, Document, DocumentRole, Malformed, PackageName, Release, ReleaseKind, Standing, Timestamp,
};
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

/// The one address that an upstream has.
pub(super) const REPOSITORY: &str = "repository";

/// The document on a package.
pub(super) const METADATA: DocumentRole = "metadata";
/// The POM of the first version listed, of which only the date counts.
const FIRST: DocumentRole = "first";
/// What this house knows of a package of its own.
pub(super) const HOUSE: DocumentRole = "house";

/// Nothing of a package runs when it is fetched; what a plugin does when a build calls it is another matter.
pub(super) const NOTHING_RUNS: Option<bool> = Some(false);

/// Most versions of one package. The largest known has about 10,000.
const MOST_VERSIONS: usize = 50_000;

/// The list; and where it does not prove everything in it old enough, the POM of the first version, whose date
/// says since when there is such a package.
pub(super) fn wanted(package: &PackageName, have: &[Document], need: &Need<'_>) -> Wanted {
    let has = |role| have.iter().any(|document| document.role == role);
    if has(METADATA) && !has(FIRST) {
        let after = need.dates_after;
        let first = after.and_then(|after| first_undated(&read(package, have).ok()?, after));
        let file = first.map(|version| name::file_key(package, &version, ".pom"));
        return file.map_or(Wanted::Enough, |file| fetch(FIRST, name::address(package, &file)));
    }
    if have.is_empty() {
        fetch(METADATA, name::address(package, route::METADATA_FILE))
    } else {
        Wanted::Enough
    }
}

fn first_undated(index: &MavenIndex, after: Timestamp) -> Option<Arc<str>> {
    let first = index.releases.iter().find(|release| !name::is_snapshot(&release.version))?;
    let proven = first.no_later_than.is_some_and(|bound| bound <= after);
    (!proven).then(|| first.version.clone())
}

fn fetch(role: DocumentRole, path: String) -> Wanted {
    Wanted::Fetch(vec![Fetch {
        role,
        upstream: REPOSITORY.into(),
        path: format!("/{path}"),
        accept: "*/*",
        scope: FetchScope::Package,
    }])
}

/// An element that names a release: in the list, or one of those that single one out.
#[derive(Debug)]
pub(super) struct Entry {
    /// The element, and the blanks in front of it.
    pub span: Range<usize>,
    /// Its text.
    pub inner: Range<usize>,
    /// The release, or `None` for what is no version: that is taken out.
    pub release: Option<usize>,
}

/// A package's document, read.
pub(super) struct MavenIndex {
    pub(super) body: Bytes,
    /// The list of versions.
    pub(super) listed: Vec<Entry>,
    /// Those that single out the newest of all.
    pub(super) latest: Vec<Entry>,
    /// Those that single out the newest that is no snapshot.
    pub(super) newest: Vec<Entry>,
    pub(super) releases: Vec<Release>,
    pub(super) tags: Vec<(Arc<str>, Arc<str>)>,
    pub(super) standing: Standing,
    /// What this house itself has to write down.
    pub(super) house: Option<House>,
}

/// Reads what upstream or this house sent. A package of which upstream has no document reads as one without
/// releases: its files may be there all the same.
pub(super) fn read(package: &PackageName, have: &[Document]) -> Result<MavenIndex, Malformed> {
    let mut index = MavenIndex {
        body: Bytes::new(),
        listed: Vec::new(),
        latest: Vec::new(),
        newest: Vec::new(),
        releases: Vec::new(),
        tags: Vec::new(),
        standing: Standing::default(),
        house: None,
    };
    if let Some(document) = have.iter().find(|document| document.role == HOUSE) {
        let (house, releases) = house::read(&document.body)?;
        index.standing.first_published = releases.iter().filter_map(|release| release.published).min();
        index.tags = house::tags(&releases);
        index.house = Some(house);
        index.releases = releases;
    } else if let Some(document) = have.iter().find(|document| document.role == METADATA) {
        index.body = document.body.clone();
        read_metadata(package, document, &mut index)?;
        let first = have.iter().find(|document| document.role == FIRST);
        index.standing.first_published = first.and_then(|first| first.modified);
    }
    Ok(index)
}

fn read_metadata(
    package: &PackageName,
    document: &Document,
    index: &mut MavenIndex,
) -> Result<(), Malformed> {
    let body = index.body.clone();
    let text = xml::text(&body)?;
    let root = xml::parse(text)?;
    if &*root.name != "metadata" {
        return Err(Malformed::new(format!(
            "the document on `{package}` has the root `{}`, expected `metadata`",
            root.name.chars().take(40).collect::<String>()
        )));
    }
    let mut reader = Reader { package, text, bound: bound(&root, document), places: HashMap::new(), index };
    for element in root.find(&["versioning", "versions", "version"]) {
        let entry = reader.entry(element);
        reader.index.listed.push(entry);
        if reader.index.listed.len() > MOST_VERSIONS {
            return Err(Malformed::new(format!("`{package}` lists more than {MOST_VERSIONS} versions")));
        }
    }
    for element in root.find(&["versioning", "latest"]) {
        let entry = reader.entry(element);
        reader.index.latest.push(entry);
    }
    for element in root.find(&["versioning", "release"]).into_iter().chain(root.find(&["version"])) {
        let entry = reader.entry(element);
        reader.index.newest.push(entry);
    }
    for (tag, entries) in [("latest", &index.latest), ("release", &index.newest)] {
        let release = entries.first().and_then(|entry| index.releases.get(entry.release?));
        index.tags.extend(release.map(|release| (tag.into(), release.version.clone())));
    }
    Ok(())
}

/// When everything that is listed was there: by the document's own word, or its server's if that is later. The
/// former is written by whoever deploys where a repository takes what it is given.
fn bound(root: &Element, document: &Document) -> Option<Timestamp> {
    let texts = root.find(&["versioning", "lastUpdated"]);
    let own = texts.iter().map(|element| moment(&element.text)).max()??;
    Some(document.modified.map_or(own, |modified| modified.max(own)))
}

/// Reads `yyyyMMddHHmmss`, in UTC.
pub(super) fn moment(text: &str) -> Option<Timestamp> {
    let digits = text.len() == 14 && text.bytes().all(|byte| byte.is_ascii_digit());
    let part = |range: Range<usize>| text.get(range).unwrap_or_default();
    digits.then(|| {
        let (date, time) = ((part(0..4), part(4..6), part(6..8)), (part(8..10), part(10..12), part(12..14)));
        Timestamp::parse(&format!("{}-{}-{}T{}:{}:{}Z", date.0, date.1, date.2, time.0, time.1, time.2)).ok()
    })?
}

struct Reader<'a> {
    package: &'a PackageName,
    text: &'a str,
    bound: Option<Timestamp>,
    /// Version → its release.
    places: HashMap<Arc<str>, usize>,
    index: &'a mut MavenIndex,
}

impl Reader<'_> {
    fn entry(&mut self, element: &Element) -> Entry {
        let start = element.span.start;
        let blanks = self.text.get(..start).map_or(start, |before| before.trim_end().len());
        let readable = element.children.is_empty() && name::is_segment(&element.text);
        Entry {
            span: blanks..element.span.end,
            inner: element.inner.clone(),
            release: readable.then(|| self.release(&element.text)),
        }
    }

    fn release(&mut self, text: &str) -> usize {
        if let Some(at) = self.places.get(text) {
            return *at;
        }
        let version: Arc<str> = text.into();
        let at = self.index.releases.len();
        self.index.releases.push(release(self.package, version.clone(), self.bound));
        self.places.insert(version, at);
        at
    }
}

/// A release of an upstream, with the files that nearly every one has. A snapshot has none of its own: they
/// belong to the single uploads.
fn release(package: &PackageName, version: Arc<str>, bound: Option<Timestamp>) -> Release {
    let artifacts = if name::is_snapshot(&version) { Vec::new() } else { details::files(package, &version) };
    Release {
        prerelease: version::is_prerelease(&version),
        no_later_than: bound,
        install_script: NOTHING_RUNS,
        artifacts,
        kind: ReleaseKind::Upstream,
        version,
        ..Release::default()
    }
}

/// A file of an upstream's release, by its key.
pub(super) fn artifact(package: &PackageName, file: &str) -> Artifact {
    Artifact {
        file: file.into(),
        url: name::address(package, file).into(),
        digests: Vec::new(),
        size_bytes: None,
    }
}

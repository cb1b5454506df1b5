//! What is known of a module as a whole: the list of its versions; where that is empty, the proxy's word on the
//! newest commit; and the newest version's `go.mod`, in which authors take versions back and give modules up.

use super::details::{self, Info, PROXY};
use super::gomod::GoMod;
use super::route::{self, Kind};
use super::{name, version};
use crate::route::{Fetch, FetchScope, Wanted};
use bytes::Bytes;
use lazaret_vocabulary::{
    Algorithm, Digest, Document, DocumentRole, Malformed, PackageName, Release, ReleaseKind, Standing,
    Timestamp,
};
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, HashSet};
use std::ops::Range;

/// The list of versions.
pub(super) const LIST: DocumentRole = "list";
/// The newest version, asked for where the list has none.
pub(super) const LATEST: DocumentRole = "latest";
/// The `go.mod` of the highest listed version.
pub(super) const NEWEST_MOD: DocumentRole = "newest-mod";
/// Dates and digests, beside a list that this house wrote.
pub(super) const HOUSE: DocumentRole = "house";

/// Largest list read, in bytes, and most versions in it; the longest known lists have some thousands.
const LARGEST_LIST: usize = 16 << 20;
const MOST_VERSIONS: usize = 100_000;

/// The list comes first: a module without one does not exist.
pub(super) fn wanted(package: &PackageName, have: &[Document]) -> Wanted {
    let find = |role| have.iter().find(|document| document.role == role);
    if find(HOUSE).is_some() {
        return Wanted::Enough;
    }
    let escaped = name::escape(package.as_str());
    let fetch = |role, path, accept| {
        let upstream = PROXY.into();
        Wanted::Fetch(vec![Fetch { role, upstream, path, accept, scope: FetchScope::Package }])
    };
    let Some(list) = find(LIST) else { return fetch(LIST, format!("/{escaped}/@v/list"), "text/plain") };
    match highest(package, &list.body) {
        Some(_) if find(NEWEST_MOD).is_some() => Wanted::Enough,
        Some(newest) => {
            fetch(NEWEST_MOD, format!("/{}", route::file_path(package, &newest, Kind::Mod)), "text/plain")
        }
        None if find(LATEST).is_some() => Wanted::Enough,
        None => fetch(LATEST, format!("/{escaped}/@latest"), "application/json"),
    }
}

/// The version whose `go.mod` speaks for the module: the highest release, else the highest pre-release.
fn highest(package: &PackageName, list: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(list).ok()?;
    let versions = text.lines().take(MOST_VERSIONS).filter_map(|line| line.split_ascii_whitespace().next());
    let tagged = versions.filter(|text| name::fits(package, text) && !version::is_pseudo(text));
    tagged.max_by(|left, right| rank(left, right)).map(str::to_owned)
}

/// Releases above pre-releases, then by version order.
pub(super) fn rank(left: &str, right: &str) -> std::cmp::Ordering {
    let release = |text: &str| !version::is_prerelease(text);
    release(left).cmp(&release(right)).then_with(|| version::compare(left, right))
}

/// A module's versions, read.
#[derive(Debug)]
pub(super) struct Module {
    pub(super) list: Bytes,
    /// Same order and length as `releases`: each one's line in the list; `None` for a version that is not
    /// listed, which the proxy calls the newest.
    pub(super) lines: Vec<Option<Range<usize>>>,
    pub(super) releases: Vec<Release>,
    pub(super) standing: Standing,
}

/// Reads what upstream or this house sent.
pub(super) fn read(package: &PackageName, have: &[Document]) -> Result<Module, Malformed> {
    let find = |role| have.iter().find(|document| document.role == role);
    let list = find(LIST).map(|document| document.body.clone()).unwrap_or_default();
    let mut module =
        Module { lines: Vec::new(), releases: Vec::new(), standing: Standing::default(), list: list.clone() };
    module.read_list(package, &list)?;
    if module.releases.iter().all(|release| version::is_pseudo(&release.version))
        && let Some(latest) = find(LATEST)
    {
        module.read_latest(package, latest)?;
    }
    if let Some(house) = find(HOUSE) {
        module.read_house(&house.body)?;
    }
    // Nothing but a remark hangs on it, so one that cannot be read costs nothing but the remark.
    if let Some(newest) = find(NEWEST_MOD).and_then(|document| GoMod::parse(&document.body).ok()) {
        module.remark(&newest);
    }
    Ok(module)
}

impl Module {
    /// One version a line, perhaps with its time behind it. The go command reads over lines that are no version
    /// of the module, so that leaving them out takes nothing from it.
    fn read_list(&mut self, package: &PackageName, list: &Bytes) -> Result<(), Malformed> {
        let wrong = |why: &str| Malformed::new(format!("the list of versions of `{package}` {why}"));
        if list.len() > LARGEST_LIST {
            return Err(wrong("is larger than 16 MiB"));
        }
        let text = std::str::from_utf8(list).map_err(|_| wrong("is not UTF-8"))?;
        let (mut seen, mut start, mut unread) = (HashSet::new(), 0, false);
        for line in text.split_inclusive('\n') {
            let place = start..start + line.trim_end().len();
            start += line.len();
            let mut words = line.split_ascii_whitespace();
            let Some(found) = words.next() else { continue };
            let Some(release) = details::release(package, found) else {
                unread = true;
                continue;
            };
            if self.releases.len() >= MOST_VERSIONS {
                return Err(wrong("has more than 100000 versions"));
            }
            if seen.insert(release.version.clone()) {
                let told = words.next().and_then(|time| Timestamp::parse(time).ok());
                self.releases.push(Release { claimed: told.or(release.claimed), ..release });
                self.lines.push(Some(place));
            }
        }
        // Some proxies list commits as well. Where there are versions, nobody chooses those, and each would
        // have to be looked into to be judged.
        if self.releases.iter().any(|release| !version::is_pseudo(&release.version)) {
            let tagged = |release: &Release| !version::is_pseudo(&release.version);
            let mut keep = self.releases.iter().map(tagged).collect::<Vec<_>>().into_iter();
            self.lines.retain(|_| keep.next().unwrap_or(false));
            self.releases.retain(tagged);
        }
        // A page of an error that calls itself a success has no versions either.
        if self.releases.is_empty() && unread {
            Err(wrong("has no line that is a version of it"))
        } else {
            Ok(())
        }
    }

    fn read_latest(&mut self, package: &PackageName, latest: &Document) -> Result<(), Malformed> {
        let info = Info::parse(&latest.body)?;
        let Some(release) = details::release(package, &info.version) else {
            return Err(Malformed::new(format!("`{package}` has a newest version that it cannot have")));
        };
        if !self.releases.iter().any(|have| have.version == release.version) {
            self.releases.push(Release { claimed: info.time.or(release.claimed), ..release });
            self.lines.push(None);
        }
        Ok(())
    }

    fn read_house(&mut self, body: &[u8]) -> Result<(), Malformed> {
        let house: House = serde_json::from_slice(body)
            .map_err(|error| Malformed::new(format!("the house's own document cannot be read: {error}")))?;
        let mut known: HashMap<String, HouseRelease> =
            house.releases.into_iter().map(|release| (release.version.clone(), release)).collect();
        for release in &mut self.releases {
            release.kind = ReleaseKind::Hosted;
            release.claimed = None;
            let Some(own) = known.remove(&*release.version) else { continue };
            release.published = Timestamp::parse(&own.published).ok();
            release.publisher = Some(own.publisher.into());
            release.dependencies = own.dependencies;
            release.licence = own.licence.map(Into::into);
            release.artifacts.retain_mut(|artifact| {
                let Some(file) = own.files.iter().find(|file| *file.file == *artifact.file) else {
                    return false;
                };
                artifact.url = "".into();
                artifact.digests = Digest::from_hex(Algorithm::Sha256, &file.sha256).into_iter().collect();
                artifact.size_bytes = Some(file.size_bytes);
                true
            });
        }
        self.standing.first_published = self.releases.iter().filter_map(|release| release.published).min();
        Ok(())
    }

    /// What the newest version says of the others.
    fn remark(&mut self, newest: &GoMod) {
        self.standing.retired =
            newest.deprecated.as_deref().map(|why| if why.is_empty() { "deprecated" } else { why }.into());
        for release in &mut self.releases {
            let retract = newest.retracts.iter().find(|retract| retract.covers(&release.version));
            release.withdrawn = retract.map(|retract| retract.reason.as_str().into());
        }
    }
}

/// What this house knows of the modules that it hosts, beside their lists.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct House {
    pub releases: Vec<HouseRelease>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct HouseRelease {
    pub version: String,
    pub published: String,
    pub publisher: String,
    pub dependencies: Option<u64>,
    pub licence: Option<String>,
    pub files: Vec<HouseFile>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct HouseFile {
    pub file: String,
    pub sha256: String,
    pub size_bytes: u64,
}

//! The packument: which of its two forms is fetched, and how it is read, once, into a table of spans.

use super::json::{Pairs, key, span, text};
use super::manifest::{Manifest, Memo, member_text};
use super::{name, version};
use crate::{Fetch, FetchScope, Need, Wanted};
use bytes::Bytes;
use lazaret_vocabulary::{
    Artifact, Document, DocumentRole, Malformed, PackageName, Release, ReleaseKind, Standing, Timestamp,
};
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// The one upstream address.
pub(super) const REGISTRY: &str = "registry";
/// The full packument.
pub(super) const FULL: DocumentRole = "packument";
/// The abbreviated one, as upstream answered the question for it: some have full ones only.
pub(super) const ABBREVIATED: DocumentRole = "abbreviated";
/// Stands beside a packument that the house wrote itself; no upstream is ever asked for it.
pub(super) const HOUSE: DocumentRole = "house";

/// A longer document is not read. The longest of the registry is about 40 MB.
const LONGEST: usize = 64 << 20;
const MOST_RELEASES: usize = 200_000;

/// The full packument, unless nothing in it matters beyond dates, and the abbreviated one's own `modified`
/// proves that every release is old enough.
pub(super) fn wanted(package: &PackageName, have: &[Document], need: &Need<'_>) -> Wanted {
    let fetch = |role, accept| {
        let path = format!("/{}", name::encoded(package.as_str()));
        Wanted::Fetch(vec![Fetch {
            role,
            upstream: REGISTRY.into(),
            path,
            accept,
            scope: FetchScope::Package,
        }])
    };
    let full = || fetch(FULL, "application/json");
    if have.iter().any(|document| document.role == FULL) {
        return Wanted::Enough;
    }
    if need.details {
        return full();
    }
    let Some(short) = have.iter().find(|document| document.role == ABBREVIATED) else {
        return fetch(ABBREVIATED, "application/vnd.npm.install-v1+json; q=1.0, application/json; q=0.8");
    };
    let Ok(Dates { has_time, modified }) = dates_of(&short.body) else { return full() };
    let proven = match need.dates_after {
        None => true,
        Some(after) => modified.is_some_and(|modified| modified < after),
    };
    if has_time || proven { Wanted::Enough } else { full() }
}

struct Dates {
    has_time: bool,
    modified: Option<Timestamp>,
}

fn dates_of(body: &[u8]) -> Result<Dates, Malformed> {
    let whole = checked(body)?;
    let members: Pairs<'_> = serde_json::from_str(whole).map_err(|error| not_json(&error))?;
    let find = |name: &str| {
        let member = members.0.iter().find(|(key, _)| text(key.get()).is_some_and(|key| key == name));
        member.map(|(_, value)| value.get())
    };
    Ok(Dates { has_time: find("time").is_some(), modified: find("modified").and_then(timestamp) })
}

fn timestamp(raw: &str) -> Option<Timestamp> {
    Timestamp::parse(&text(raw)?).ok()
}

fn checked(body: &[u8]) -> Result<&str, Malformed> {
    if body.len() > LONGEST {
        return Err(Malformed::new(format!("the packument is longer than {} MiB", LONGEST >> 20)));
    }
    std::str::from_utf8(body).map_err(|_| Malformed::new("the packument is not UTF-8"))
}

fn not_json(error: &serde_json::Error) -> Malformed {
    Malformed::new(format!("the packument cannot be read: {error}"))
}

/// A packument, read: what it says of each release, and where in it each stands.
#[derive(Debug)]
pub(super) struct Packument {
    pub body: Bytes,
    /// The name as the document has it.
    pub name: String,
    pub standing: Standing,
    pub releases: Vec<Release>,
    /// Same order as the releases.
    pub entries: Vec<Entry>,
    pub tags: Vec<(Arc<str>, Arc<str>)>,
    /// Members that go through as they are in the full form: key and value.
    pub members: Vec<(Range<usize>, Range<usize>)>,
    /// `created` and `modified` of `time`, each as `"key":"value"`.
    pub dates: Vec<Range<usize>>,
    /// Value of the abbreviated document's own `modified`.
    pub modified: Option<Range<usize>>,
    pub has_time: bool,
    /// The manifests as an installation reads them, one after another.
    pub trimmed: Vec<u8>,
    /// Positions of the releases, lowest version first.
    pub ascending: Vec<usize>,
    /// The releases' versions, parsed.
    parsed: Vec<Option<semver::Version>>,
    positions: HashMap<Arc<str>, usize>,
}

impl Packument {
    /// Where the release of exactly this version stands.
    pub(super) fn position(&self, version: &str) -> Option<usize> {
        self.positions.get(version).copied()
    }

    /// A release's version, for comparing.
    pub(super) fn version(&self, index: usize) -> (&str, Option<&semver::Version>) {
        let text = self.releases.get(index).map_or("", |release| &release.version);
        (text, self.parsed.get(index).and_then(Option::as_ref))
    }
}

/// Where one release stands. A manifest is `{`, what is before the tarball's address, the address, what is
/// after it, `}`.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    /// The version as a JSON string, in the body.
    pub key: Range<usize>,
    pub full: [Range<usize>; 2],
    /// In `trimmed`; without the closing brace and without `deprecated`.
    pub trimmed: [Range<usize>; 2],
    /// The publisher's warning as JSON, in the body; empty when there is none.
    pub deprecated: Range<usize>,
    /// `"1.0.0":"2015-…"` in the body; empty when there is no date.
    pub time: Range<usize>,
}

/// Reads the best document there is.
pub(super) fn read(package: &PackageName, have: &[Document]) -> Result<Packument, Malformed> {
    let find = |role| have.iter().find(|document| document.role == role);
    let document =
        find(FULL).or_else(|| find(ABBREVIATED)).ok_or_else(|| Malformed::new("there is no packument"))?;
    let kind = if find(HOUSE).is_some() { ReleaseKind::Hosted } else { ReleaseKind::Upstream };
    let whole = checked(&document.body)?;
    let mut reader = Reader { whole, package, found: Found::default() };
    let mut deserializer = serde_json::Deserializer::from_str(whole);
    reader.document(&mut deserializer).map_err(|error| not_json(&error))?;
    deserializer.end().map_err(|error| not_json(&error))?;
    reader.found.finish(package, document, kind)
}

/// What one pass over the document finds.
#[derive(Default)]
struct Found<'a> {
    name: Option<String>,
    releases: Vec<Release>,
    entries: Vec<Entry>,
    trimmed: Vec<u8>,
    /// Whether each release's manifest says that it runs a script.
    scripts: Vec<(Option<bool>, Option<bool>)>,
    tags: Vec<(Arc<str>, Arc<str>)>,
    members: Vec<(Range<usize>, Range<usize>)>,
    time: Option<Vec<(&'a RawValue, &'a RawValue)>>,
    maintainers: Option<&'a str>,
    modified: Option<&'a str>,
    seen: HashSet<&'static str>,
    versions: HashSet<Arc<str>>,
    files: HashSet<Arc<str>>,
    memo: Memo<'a>,
}

struct Reader<'a, 'p> {
    whole: &'a str,
    package: &'p PackageName,
    found: Found<'a>,
}

impl<'a> Reader<'a, '_> {
    fn document<D: Deserializer<'a>>(&mut self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(TopLevel(self))
    }

    /// One member of `versions`.
    fn release(&mut self, raw_key: &'a RawValue, members: &Pairs<'a>) -> Result<(), String> {
        let found = &mut self.found;
        let label = text(raw_key.get()).ok_or("a version is not a string")?;
        let about = |what: &str| format!("version {} {what}", label.chars().take(80).collect::<String>());
        if found.releases.len() >= MOST_RELEASES {
            return Err(format!("has more than {MOST_RELEASES} versions"));
        }
        let label_text: Arc<str> = (&*label).into();
        if !found.versions.insert(label_text.clone()) {
            return Err(about("is listed twice"));
        }
        let manifest = Manifest::read(self.whole, &members.0).map_err(|what| about(&what))?;
        let is = |member: Option<&str>, expected: &str| {
            member.and_then(text).is_some_and(|text| text.eq_ignore_ascii_case(expected))
        };
        // A manifest that speaks of another release, or that has no tarball to be fetched over HTTP, is never
        // shown: what would be judged is not what would be installed.
        if !is(manifest.version, &label) || !is(manifest.name, self.package.as_str()) {
            return Ok(());
        }
        let Some(dist) = &manifest.dist else { return Ok(()) };
        let Some(address) = dist.address().filter(|address| is_http(address)) else { return Ok(()) };
        let parsed = version::parse(&label);
        let file = self.found.file_name(self.package.as_str(), &label, &address);
        let found = &mut self.found;
        let scripts = [true, false].map(|said| manifest.install_script(said, &mut found.memo));
        let cut = dist.address_span(self.whole);
        let start = found.trimmed.len();
        let middle = manifest.trim_into(&mut found.trimmed, dist, scripts == [Some(true), Some(true)]);
        found.entries.push(Entry {
            key: span(self.whole, raw_key.get()),
            full: [manifest.members.start..cut.start, cut.end..manifest.members.end],
            trimmed: [start..middle, middle..found.trimmed.len()],
            deprecated: manifest.deprecated.map(|raw| span(self.whole, raw)).unwrap_or_default(),
            time: 0..0,
        });
        let [said_by_scripts, said_by_flag] = scripts;
        found.scripts.push((said_by_scripts, said_by_flag));
        found.releases.push(Release {
            version: label_text,
            prerelease: parsed.is_some_and(|version| !version.pre.is_empty()),
            publisher: manifest.publisher(&mut found.memo),
            licence: manifest.licence(&mut found.memo),
            deprecated: manifest.warning(),
            dependencies: manifest.fingerprint(&mut found.memo),
            repository: manifest.repository(&mut found.memo),
            artifacts: vec![Artifact {
                file,
                url: address.into(),
                digests: dist.digests(),
                size_bytes: None,
            }],
            ..Release::default()
        });
        Ok(())
    }
}

fn is_http(address: &str) -> bool {
    address.starts_with("https://") || address.starts_with("http://")
}

/// The document's own members.
struct TopLevel<'r, 'a, 'p>(&'r mut Reader<'a, 'p>);

impl<'de> Visitor<'de> for TopLevel<'_, 'de, '_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a packument")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        const KNOWN: [&str; 10] = [
            "name",
            "versions",
            "time",
            "dist-tags",
            "maintainers",
            "modified",
            "policyRestrictions",
            "stagedVersions",
            "_attachments",
            "_revisions",
        ];
        let reader = self.0;
        while let Some(raw) = map.next_key::<&RawValue>()? {
            let label = key::<A::Error>(raw)?;
            let known = KNOWN.into_iter().find(|known| *known == label);
            if known.is_some_and(|known| !reader.found.seen.insert(known)) {
                return Err(A::Error::custom(format!("`{label}` stands in it twice")));
            }
            if known == Some("versions") {
                map.next_value_seed(Versions(reader))?;
                continue;
            }
            let value: &RawValue = map.next_value()?;
            reader.member(known, raw, value).map_err(A::Error::custom)?;
        }
        Ok(())
    }
}

impl<'a> Reader<'a, '_> {
    fn member(&mut self, known: Option<&str>, raw: &'a RawValue, value: &'a RawValue) -> Result<(), String> {
        let found = &mut self.found;
        let passes = match known {
            Some("name") => {
                found.name = text(value.get()).map(String::from);
                true
            }
            Some("time") => {
                let pairs: Pairs<'a> =
                    serde_json::from_str(value.get()).map_err(|_| "`time` is not an object")?;
                found.time = Some(pairs.0);
                false
            }
            Some("dist-tags") => {
                found.read_tags(value.get())?;
                false
            }
            Some("maintainers") => {
                found.maintainers = Some(value.get());
                true
            }
            Some("modified") => {
                found.modified = Some(value.get());
                true
            }
            // Releases that another gateway holds back, or that wait for their publisher: not judged here.
            Some(_) => false,
            None => true,
        };
        if passes {
            found.members.push((span(self.whole, raw.get()), span(self.whole, value.get())));
        }
        Ok(())
    }
}

/// The member `versions`.
struct Versions<'r, 'a, 'p>(&'r mut Reader<'a, 'p>);

impl<'de> DeserializeSeed<'de> for Versions<'_, 'de, '_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Versions<'_, 'de, '_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("`versions` with an object for each version")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some((raw, members)) = map.next_entry::<&'de RawValue, Pairs<'de>>()? {
            self.0.release(raw, &members).map_err(A::Error::custom)?;
        }
        Ok(())
    }
}

impl<'a> Found<'a> {
    fn read_tags(&mut self, raw: &str) -> Result<(), String> {
        let pairs: Pairs<'_> = serde_json::from_str(raw).map_err(|_| "`dist-tags` is not an object")?;
        for (tag, version) in pairs.0 {
            let tag = text(tag.get()).ok_or("a tag is no string")?;
            if self.tags.iter().any(|(known, _)| **known == *tag) {
                return Err("a tag stands in it twice".to_owned());
            }
            // A tag that names no version names nothing.
            if let Some(version) = text(version.get()) {
                self.tags.push(((&*tag).into(), (&*version).into()));
            }
            if self.tags.len() > 10_000 {
                return Err("it has more than 10000 tags".to_owned());
            }
        }
        Ok(())
    }

    /// The last segment of upstream's address, since lock files name it; the usual name where that one is
    /// odd, or another version has it already.
    fn file_name(&mut self, package: &str, version: &str, address: &str) -> Arc<str> {
        let path = address.split(['?', '#']).next().unwrap_or_default();
        let last = path.rsplit('/').next().unwrap_or_default();
        let plain = |text: &str| {
            let fine = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.!~*'()+@".contains(&byte);
            text.len() <= 300 && !text.starts_with(['-', '.']) && text.bytes().all(fine)
        };
        let usual = || {
            let usual = format!("{}-{version}.tgz", name::bare(package));
            if plain(&usual) { usual } else { format!("package-{}.tgz", self.files.len()) }
        };
        let mut file = if plain(last) && last.ends_with(".tgz") { last.to_owned() } else { usual() };
        if self.files.contains(file.as_str()) {
            file = usual();
        }
        while self.files.contains(file.as_str()) {
            file = format!("{}-{}", self.files.len(), file);
        }
        let file: Arc<str> = file.into();
        self.files.insert(file.clone());
        file
    }

    fn finish(
        mut self,
        package: &PackageName,
        document: &Document,
        kind: ReleaseKind,
    ) -> Result<Packument, Malformed> {
        let own_name = self.name.take().ok_or_else(|| Malformed::new("the packument has no `name`"))?;
        if !own_name.eq_ignore_ascii_case(package.as_str()) {
            return Err(Malformed::new(format!("the packument is about `{own_name}`, not `{package}`")));
        }
        let whole = checked(&document.body)?;
        let has_time = self.time.is_some();
        let mut standing = Standing { maintainers: self.maintainers.map(people), ..Standing::default() };
        let dates = self.read_time(whole, &mut standing);
        if !has_time {
            self.date_at_the_latest(&mut standing);
        }
        // Without dates it is an abbreviated document, which has a flag in place of the scripts.
        let abbreviated = !has_time && self.modified.is_some();
        for (release, (by_scripts, by_flag)) in self.releases.iter_mut().zip(&self.scripts) {
            release.install_script = if abbreviated { *by_flag } else { *by_scripts };
            release.kind = kind;
            if kind == ReleaseKind::Hosted {
                release.artifacts.iter_mut().for_each(|artifact| artifact.url = "".into());
            }
        }
        if !self.releases.is_empty() && self.releases.iter().all(|release| release.deprecated.is_some()) {
            standing.retired = self.releases.last().and_then(|release| release.deprecated.clone());
        }
        let parsed: Vec<_> = self.releases.iter().map(|release| version::parse(&release.version)).collect();
        let mut ascending: Vec<usize> = (0..self.releases.len()).collect();
        let at = |index: usize| {
            let version = self.releases.get(index).map_or("", |release| &release.version);
            (version, parsed.get(index).and_then(Option::as_ref))
        };
        ascending.sort_by(|left, right| version::compare_parsed(at(*left), at(*right)));
        let positions =
            self.releases.iter().enumerate().map(|(at, release)| (release.version.clone(), at)).collect();
        Ok(Packument {
            positions,
            body: document.body.clone(),
            name: own_name,
            standing,
            releases: self.releases,
            entries: self.entries,
            tags: self.tags,
            members: self.members,
            dates,
            modified: self.modified.map(|raw| span(whole, raw)),
            has_time,
            trimmed: self.trimmed,
            ascending,
            parsed,
        })
    }

    /// Joins `time` to the releases, and gives the two dates in it that are of no release.
    fn read_time(&mut self, whole: &str, standing: &mut Standing) -> Vec<Range<usize>> {
        let mut dates = Vec::new();
        let mut moments = HashMap::new();
        for (raw_key, raw_value) in self.time.iter().flatten() {
            let Some(label) = text(raw_key.get()) else { continue };
            let place = span(whole, raw_key.get()).start..span(whole, raw_value.get()).end;
            let moment = timestamp(raw_value.get());
            match &*label {
                "modified" => dates.push(place),
                "unpublished" if moment.is_none() => {
                    standing.retired = Some("taken back by its publisher".into());
                }
                _ => {
                    standing.first_published = [standing.first_published, moment].into_iter().flatten().min();
                    if label == "created" {
                        dates.push(place);
                    } else {
                        moments.insert(label, (moment, place));
                    }
                }
            }
        }
        for (release, entry) in self.releases.iter_mut().zip(&mut self.entries) {
            if let Some((moment, place)) = moments.get(&*release.version) {
                release.published = *moment;
                entry.time = place.clone();
            }
        }
        dates
    }

    /// An abbreviated document has one date, that of its last change: no release is younger than that says.
    fn date_at_the_latest(&mut self, standing: &mut Standing) {
        let modified = self.modified.and_then(timestamp);
        standing.first_published = modified;
        self.releases.iter_mut().for_each(|release| release.published = modified);
    }
}

/// Names of people, given as texts or as objects with a `name`.
fn people(raw: &str) -> Vec<Arc<str>> {
    let items: Vec<&RawValue> = serde_json::from_str(raw).unwrap_or_default();
    let named = items.iter().take(10_000).filter_map(|item| {
        let raw = item.get();
        let found = text(raw).map(String::from).or_else(|| member_text(raw, "name"))?;
        (!found.trim().is_empty()).then(|| found.into())
    });
    named.collect()
}

//! Registrations (NuGet server API, "Package metadata"): an index of pages of leaves, each leaf with the catalog
//! entry of one version. Pages are inlined, or stand at addresses of their own.
//!
//! Each entry is read once, into what judging needs and into the text that clients get. In that text the
//! addresses of the upstream's own documents are replaced by two control characters, which JSON cannot hold
//! otherwise; rendering writes the gateway's addresses over them. All other bytes stay as they are.

use super::dependencies::{Dependency, fingerprint};
use super::hosting::{HOUSE_FILES, HOUSE_PUBLISHER, HOUSE_REPOSITORY, HOUSE_RUNS};
use super::json::{Members, quoted};
use super::service::is_address;
use super::{name, route, version};
use lazaret_vocabulary::{Artifact, Digest, Document, Malformed, Release, ReleaseKind, Timestamp};
use serde_json::value::RawValue;
use std::ops::Range;
use std::sync::Arc;

/// Stands for the address of the mount.
pub(super) const BASE: char = '\u{0}';
/// Stands for the address of the hive that was asked.
pub(super) const HIVE: char = '\u{1}';

/// Most versions of one package.
const MOST_RELEASES: usize = 50_000;
/// Most dependencies of one version, in all its groups.
const MOST_DEPENDENCIES: usize = 5_000;
/// The first year of which the public feed dates what is unlisted; nothing was published then.
const UNLISTED_BEFORE: Timestamp = Timestamp::from_seconds(-2_000_000_000);

/// What the licence's address ends in when it says no more than that the package has the licence in it.
const DEPRECATED_ADDRESS: &str = "/deprecatelicenseurl";

/// A page as the index lists it.
pub(super) struct Page {
    /// Where it stands, when it is not inlined.
    pub address: Option<String>,
    /// Its lowest and highest version, where they are told.
    bounds: Bounds,
}

type Bounds = [Option<String>; 2];

fn bounds(page: &Members<'_>) -> Bounds {
    ["lower", "upper"].map(|name| page.text(name).map(|text| version::normalise(&text).unwrap_or(text)))
}

/// A version as its leaf describes it.
pub(super) struct Leaf {
    pub release: Release,
    /// The catalog entry, see above; empty where the feed has none.
    pub entry: String,
    /// The version as the publisher wrote it.
    pub written: String,
    /// Whether only clients that know SemVer 2.0.0 can use it.
    pub semver_2: bool,
}

/// Where a release's files are.
pub(super) enum Files<'a> {
    /// Below the flat container at this address, or, without one, where each leaf says.
    Upstream(Option<&'a str>),
    /// In this house.
    House,
}

fn text(document: &Document) -> Result<&str, Malformed> {
    let text = std::str::from_utf8(&document.body)
        .map_err(|_| Malformed::new("a registration of the package is not UTF-8"))?;
    Ok(text.trim_start_matches('\u{feff}'))
}

fn items<'a>(document: &'a Document, what: &str) -> Result<Vec<&'a RawValue>, Malformed> {
    let members = Members::parse(text(document)?);
    members
        .and_then(|members| members.list("items"))
        .ok_or_else(|| Malformed::new(format!("{what} is not an object with a list `items`")))
}

/// The pages that an index names, inlined or not.
pub(super) fn pages(index: &Document) -> Result<Vec<Page>, Malformed> {
    items(index, "the registration index")?
        .into_iter()
        .map(|raw| {
            let page = Members::parse(raw.get())
                .ok_or_else(|| Malformed::new("a page in the registration index is not an object"))?;
            let bounds = bounds(&page);
            if page.list("items").is_some() {
                return Ok(Page { address: None, bounds });
            }
            match page.text("@id").filter(|address| is_address(address)) {
                Some(address) => Ok(Page { address: Some(address), bounds }),
                None => Err(Malformed::new(
                    "a page in the registration index has neither its versions nor the address of them",
                )),
            }
        })
        .collect()
}

/// Leaves being read, with what cannot be used counted.
pub(super) struct Reader<'a> {
    pub key: &'a str,
    pub files: Files<'a>,
    pub leaves: Vec<Leaf>,
    pub unreadable: usize,
}

impl Reader<'_> {
    /// Reads the inlined pages of an index.
    pub(super) fn index(&mut self, index: &Document) -> Result<(), Malformed> {
        for raw in items(index, "the registration index")? {
            let page = Members::parse(raw.get()).unwrap_or_default();
            self.leaves(page.list("items").unwrap_or_default())?;
        }
        Ok(())
    }

    /// Reads a page that came by itself. Pages move when versions are added, so that one which was kept may be
    /// another one than the index means.
    pub(super) fn page(&mut self, named: &Page, page: &Document) -> Result<(), Malformed> {
        let own = Members::parse(text(page)?).map(|members| bounds(&members)).unwrap_or_default();
        let differs = |(one, other): (&Option<String>, &Option<String>)| {
            one.as_ref().zip(other.as_ref()).is_some_and(|(one, other)| one != other)
        };
        if named.bounds.iter().zip(&own).any(differs) {
            return Err(Malformed::new("a page of the registration is not the one that its index names"));
        }
        let leaves = items(page, "a page of the registration")?;
        self.leaves(leaves)
    }

    fn leaves(&mut self, leaves: Vec<&RawValue>) -> Result<(), Malformed> {
        if self.leaves.len().saturating_add(leaves.len()) > MOST_RELEASES {
            return Err(Malformed::new(format!("the package has more than {MOST_RELEASES} versions")));
        }
        for raw in leaves {
            match self.leaf(raw.get()) {
                Some(leaf) => self.leaves.push(leaf),
                None => self.unreadable += 1,
            }
        }
        Ok(())
    }

    /// `None` for a leaf that clients could not use either: no id of this package, no version, no file.
    fn leaf(&self, raw: &str) -> Option<Leaf> {
        let leaf = Members::parse(raw)?;
        let entry = Members::parse(leaf.raw("catalogEntry")?)?;
        if !entry.text("id").is_none_or(|id| id.eq_ignore_ascii_case(self.key)) {
            return None;
        }
        let written = entry.text("version")?;
        let normal = version::normalise(&written)?;
        let groups = entry.raw("dependencyGroups").and_then(Groups::read);
        let (rewritten, semver_2) = match &groups {
            Some(groups) => (Some(groups.text.as_str()), groups.semver_2),
            None => (None, false),
        };
        let mut release = facts(&leaf, &entry, &normal);
        release.dependencies = groups.as_ref().map(|groups| fingerprint(&groups.dependencies));
        if let Files::House = self.files {
            release.kind = ReleaseKind::Hosted;
            release.publisher = entry.text(HOUSE_PUBLISHER).map(Into::into);
            release.repository = entry.text(HOUSE_REPOSITORY).map(Into::into);
            release.install_script = entry.raw(HOUSE_RUNS).map(|raw| raw == "true");
        }
        release.artifacts = self.artifacts(&leaf, &entry, &normal)?;
        Some(Leaf {
            entry: write_entry(self.key, &normal, &entry, rewritten),
            semver_2: semver_2 || is_semver_2(&written),
            release,
            written,
        })
    }

    fn artifacts(&self, leaf: &Members<'_>, entry: &Members<'_>, version: &str) -> Option<Vec<Artifact>> {
        let container = match self.files {
            Files::House => return house_files(entry),
            Files::Upstream(container) => container,
        };
        let file = name::package_file(self.key, version);
        let url = match container {
            Some(container) => format!("{container}/{}/{version}/{file}", self.key),
            None => leaf
                .text("packageContent")
                .or_else(|| entry.text("packageContent"))
                .filter(|address| is_address(address))?,
        };
        let (digests, size_bytes) = declared(entry);
        Some(vec![Artifact { file: file.into(), url: url.into(), digests, size_bytes }])
    }
}

/// The digest and the size of the package that a catalog entry declares, if it does.
pub(super) fn declared(entry: &Members<'_>) -> (Vec<Digest>, Option<u64>) {
    let algorithm = entry.text("packageHashAlgorithm").unwrap_or_default();
    let hash = entry.text("packageHash").unwrap_or_default();
    let digests = match algorithm.to_ascii_uppercase().as_str() {
        "SHA512" => Digest::from_sri(&format!("sha512-{hash}")),
        "SHA256" => Digest::from_sri(&format!("sha256-{hash}")),
        _ => Vec::new(),
    };
    (digests, entry.raw("packageSize").and_then(|raw| raw.parse().ok()))
}

/// What a leaf states, but for dependencies and files.
fn facts(leaf: &Members<'_>, entry: &Members<'_>, normal: &str) -> Release {
    let dated = |text: Option<String>| text.as_deref().and_then(moment);
    let published = dated(entry.text("published")).or_else(|| dated(leaf.text("published")));
    let listed = !matches!(entry.raw("listed").or_else(|| leaf.raw("listed")), Some("false" | "\"false\""));
    // The public feed says of what is unlisted that it was published in 1900.
    let unlisted = !listed || published.is_some_and(|moment| moment < UNLISTED_BEFORE);
    let published = published.filter(|moment| *moment >= UNLISTED_BEFORE);
    Release {
        version: normal.into(),
        prerelease: version::is_prerelease(normal),
        // When the feed last wrote the leaf, which was after the version came.
        no_later_than: if published.is_none() { dated(leaf.text("commitTimeStamp")) } else { None },
        published,
        licence: licence(entry).map(Into::into),
        deprecated: entry.raw("deprecation").and_then(deprecation).map(Into::into),
        withdrawn: unlisted.then(|| Arc::from("unlisted")),
        ..Release::default()
    }
}

/// A moment as feeds write it; some leave the offset away and mean UTC.
pub(super) fn moment(text: &str) -> Option<Timestamp> {
    Timestamp::parse(text).or_else(|_| Timestamp::parse(&format!("{text}Z"))).ok()
}

/// The expression; without one what the address of the licence's text says, or that address, unless it leads to
/// no more than "look into the package".
fn licence(entry: &Members<'_>) -> Option<String> {
    entry.text("licenseExpression").or_else(|| {
        let url = entry.text("licenseUrl")?;
        let told = !url.to_ascii_lowercase().ends_with(DEPRECATED_ADDRESS);
        told.then(|| named_by(&url).unwrap_or(&url).to_owned())
    })
}

/// The licence that an address names: `…/licenses/MIT`, `licenses.…/MIT`, and Apache's own, to which most old
/// packages lead.
pub(super) fn named_by(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    let (host, path) = rest.split_once('/')?;
    let (folder, file) = path.rsplit_once('/').unwrap_or(("", path));
    let of_licences = host.starts_with("licenses.") || folder.rsplit('/').next() == Some("licenses");
    let stem = file.trim_end_matches(".txt").trim_end_matches(".html").trim_end_matches(".php");
    if !of_licences {
        return None;
    }
    if stem.eq_ignore_ascii_case("LICENSE-2.0") {
        return Some("Apache-2.0");
    }
    if stem.eq_ignore_ascii_case("MIT") || stem.eq_ignore_ascii_case("mit-license") {
        return Some("MIT");
    }
    spdx::license_id(stem).map(|id| id.name)
}

/// "Deprecation" in the same chapter: reasons and a message.
fn deprecation(raw: &str) -> Option<String> {
    let deprecation = Members::parse(raw)?;
    let reasons = deprecation.texts("reasons").unwrap_or_default().join(", ");
    let instead = deprecation.raw("alternatePackage").and_then(Members::parse);
    let instead = instead.and_then(|package| package.text("id")).map(|id| format!("use {id} instead"));
    let parts = [Some(reasons).filter(|text| !text.is_empty()), deprecation.text("message"), instead];
    let text = parts.into_iter().flatten().collect::<Vec<_>>().join(": ");
    Some(text.chars().take(1_000).collect())
}

/// Whether a version is one that only SemVer 2.0.0 knows ("SemVer 2.0.0 support"): metadata, or labels with
/// dots.
pub(super) fn is_semver_2(text: &str) -> bool {
    let labels = text.split('+').next().unwrap_or(text).split_once('-').map(|(_, labels)| labels);
    text.contains('+') || labels.is_some_and(|labels| labels.contains('.'))
}

fn house_files(entry: &Members<'_>) -> Option<Vec<Artifact>> {
    let files = entry.list(HOUSE_FILES)?.into_iter().map(|raw| {
        let file = Members::parse(raw.get())?;
        let digests = file.texts("digests")?.iter().filter_map(|text| text.parse().ok()).collect();
        Some(Artifact {
            file: file.text("file")?.into(),
            url: "".into(),
            digests,
            size_bytes: file.raw("size").and_then(|raw| raw.parse().ok()),
        })
    });
    files.collect()
}

/// The dependencies of a catalog entry.
struct Groups {
    dependencies: Vec<Dependency>,
    /// As clients get them.
    text: String,
    semver_2: bool,
}

impl Groups {
    /// `None` when they are not what the protocol says; clients get them as they are then.
    fn read(raw: &str) -> Option<Self> {
        let mut groups = Self { dependencies: Vec::new(), text: "[".to_owned(), semver_2: false };
        for (at, group) in serde_json::from_str::<Vec<Members<'_>>>(raw).ok()?.into_iter().enumerate() {
            let target = group.text("targetFramework").unwrap_or_default();
            groups.text.push_str(if at == 0 { "{" } else { ",{" });
            let mut first = true;
            for (key, value) in &group.0 {
                match &**key {
                    "@id" => {}
                    "dependencies" if value.get() != "null" => {
                        member(&mut groups.text, &mut first, key);
                        groups.list(value.get(), &target)?;
                    }
                    _ => {
                        member(&mut groups.text, &mut first, key);
                        groups.text.push_str(value.get());
                    }
                }
            }
            groups.text.push('}');
        }
        groups.text.push(']');
        Some(groups)
    }

    fn list(&mut self, raw: &str, target: &str) -> Option<()> {
        self.text.push('[');
        for (at, dependency) in serde_json::from_str::<Vec<Members<'_>>>(raw).ok()?.into_iter().enumerate() {
            let id = dependency.text("id")?;
            let range = dependency.text("range").unwrap_or_default();
            self.semver_2 |=
                range.trim_matches(['[', ']', '(', ')']).split(',').any(|end| is_semver_2(end.trim()));
            self.text.push_str(if at == 0 { "{" } else { ",{" });
            let mut first = true;
            for (key, value) in &dependency.0 {
                match &**key {
                    "@id" => {}
                    "registration" => {
                        member(&mut self.text, &mut first, key);
                        self.text
                            .push_str(&marked(HIVE, &format!("/{}/index.json", id.to_ascii_lowercase())));
                    }
                    _ => {
                        member(&mut self.text, &mut first, key);
                        self.text.push_str(value.get());
                    }
                }
            }
            self.text.push('}');
            self.dependencies.push(Dependency { id, target: target.to_owned(), range });
            if self.dependencies.len() > MOST_DEPENDENCIES {
                return None;
            }
        }
        self.text.push(']');
        Some(())
    }
}

/// A catalog entry as clients get it.
fn write_entry(key: &str, version: &str, entry: &Members<'_>, groups: Option<&str>) -> String {
    let mut text = format!("{{\"@id\":{}", marked(HIVE, &format!("/{key}/{version}.json")));
    let mut first = false;
    for (name, value) in &entry.0 {
        let written = match &**name {
            "@id" | "packageContent" | "registration" => continue,
            own if own.starts_with("lazaret:") => continue,
            "dependencyGroups" => groups.unwrap_or(value.get()),
            _ => value.get(),
        };
        member(&mut text, &mut first, name);
        text.push_str(written);
    }
    member(&mut text, &mut first, "packageContent");
    text.push_str(&marked(BASE, &route::file_path(key, version)));
    text.push('}');
    text
}

fn member(text: &mut String, first: &mut bool, name: &str) {
    if !std::mem::take(first) {
        text.push(',');
    }
    text.push_str(&quoted(name));
    text.push(':');
}

/// A JSON string that begins with an address of the gateway's. `path` is made of ids and versions alone.
pub(super) fn marked(mark: char, path: &str) -> String {
    format!("\"{mark}{}\"", path.replace(['"', '\\', '\u{0}', '\u{1}'], ""))
}

/// Writes a text of the arena with the addresses of this client.
pub(super) fn write_marked(into: &mut String, text: &str, base: &str, hive: &str) {
    let mut rest = text;
    while let Some(at) = rest.find([BASE, HIVE]) {
        let (head, tail) = rest.split_at(at);
        into.push_str(head);
        into.push_str(if tail.starts_with(BASE) { base } else { hive });
        rest = tail.get(1..).unwrap_or_default();
    }
    into.push_str(rest);
}

/// A piece of the arena.
pub(super) type Piece = Range<usize>;

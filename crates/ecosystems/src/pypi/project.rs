//! A project's legacy JSON document: what the simple page does not say. Dates, licence, who owns it.

use super::page::digest;
use super::version::{normalise, same};
use lazaret_vocabulary::{Digest, PackageName};
use serde::Deserialize;
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Longest free text taken for a licence's name, in bytes; more is the licence itself.
const LONGEST_LICENCE: usize = 100;
/// Classifiers that say only that there is a licence.
const EMPTY_LICENCES: [&str; 3] = ["OSI Approved", "Other/Proprietary License", "DFSG approved"];
/// The classifier by which authors say that nobody works on it any more.
const INACTIVE: &str = "Development Status :: 7 - Inactive";
/// How a classifier that names a licence begins.
const LICENCE_CLASSIFIER: &str = "License :: ";

/// The document, as far as it is used.
#[derive(Default)]
pub(super) struct Project {
    /// Value of `info`.
    pub info: Option<serde_json::Map<String, serde_json::Value>>,
    /// What `info` says of its own version.
    pub details: Details,
    /// Whom the registry lets publish; `None` where it does not say.
    pub owners: Option<Vec<Arc<str>>>,
    /// Files by name.
    pub files: HashMap<String, ProjectFile>,
}

/// What is said of one release.
#[derive(Default, Clone)]
pub(super) struct Details {
    pub version: String,
    pub licence: Option<Arc<str>>,
    pub dependencies: Option<u64>,
    pub repository: Option<Arc<str>>,
    pub inactive: bool,
    pub publisher: Option<Arc<str>>,
}

/// What is said of one file.
pub(super) struct ProjectFile {
    pub sha256: Option<Digest>,
    pub uploaded: Option<String>,
    pub size_bytes: Option<u64>,
}

#[derive(Deserialize)]
struct WireProject<'a> {
    #[serde(default)]
    info: Option<serde_json::Map<String, serde_json::Value>>,
    #[serde(borrow, default)]
    releases: Option<BTreeMap<Cow<'a, str>, Vec<WireFile<'a>>>>,
    #[serde(borrow, default)]
    urls: Option<Vec<WireFile<'a>>>,
    #[serde(default)]
    ownership: Option<Ownership>,
}

#[derive(Deserialize)]
struct WireFile<'a> {
    #[serde(borrow, default)]
    filename: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    digests: Option<BTreeMap<Cow<'a, str>, Cow<'a, str>>>,
    #[serde(default)]
    size: Option<u64>,
    #[serde(borrow, default)]
    upload_time_iso_8601: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    upload_time: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Ownership {
    #[serde(default)]
    roles: Option<Vec<Role>>,
    #[serde(default)]
    organization: Option<String>,
}

#[derive(Deserialize)]
struct Role {
    #[serde(default)]
    user: Option<String>,
}

/// Reads the document. It is never served, so one that is not understood is merely no help: what it would
/// have said stays unknown, which policy has an answer for.
pub(super) fn read(package: &PackageName, body: &[u8]) -> Project {
    let Ok(wire) = serde_json::from_slice::<WireProject<'_>>(body) else { return Project::default() };
    let name = wire.info.as_ref().and_then(|info| info.get("name")).and_then(|name| name.as_str());
    if name.is_none_or(|name| normalise(name) != package.key()) {
        return Project::default();
    }
    let listed = wire.releases.into_iter().flatten().flat_map(|(_, files)| files);
    let files = listed.chain(wire.urls.into_iter().flatten()).filter_map(project_file).collect();
    Project {
        details: wire.info.as_ref().map(details).unwrap_or_default(),
        info: wire.info,
        owners: wire.ownership.and_then(owners),
        files,
    }
}

fn project_file(wire: WireFile<'_>) -> Option<(String, ProjectFile)> {
    let sha256 = wire.digests.as_ref().and_then(|digests| digest("sha256", digests.get("sha256")?));
    let uploaded = wire.upload_time_iso_8601.or(wire.upload_time).map(Cow::into_owned);
    Some((wire.filename?.into_owned(), ProjectFile { sha256, uploaded, size_bytes: wire.size }))
}

/// Everybody with a role, and the organisation. A registry that lists nobody says that nobody is there.
fn owners(ownership: Ownership) -> Option<Vec<Arc<str>>> {
    let mut names: Vec<Arc<str>> =
        ownership.roles?.into_iter().filter_map(|role| role.user).map(Into::into).collect();
    names.extend(ownership.organization.map(Into::into));
    names.sort();
    names.dedup();
    Some(names)
}

fn details(info: &serde_json::Map<String, serde_json::Value>) -> Details {
    let text = |key: &str| info.get(key).and_then(|value| value.as_str()).filter(|text| !text.is_empty());
    let list = |key: &str| -> Option<Vec<&str>> {
        Some(info.get(key)?.as_array()?.iter().filter_map(|value| value.as_str()).collect())
    };
    let classifiers = list("classifiers").unwrap_or_default();
    Details {
        version: text("version").unwrap_or("").to_owned(),
        licence: licence(text("license_expression"), &classifiers, text("license")).map(Into::into),
        dependencies: match info.get("requires_dist") {
            Some(serde_json::Value::Null) => Some(fingerprint(&[])),
            _ => list("requires_dist").map(|lines| fingerprint(&lines)),
        },
        repository: info.get("project_urls").and_then(|urls| urls.as_object()).and_then(repository),
        inactive: classifiers.contains(&INACTIVE),
        publisher: None,
    }
}

fn repository(urls: &serde_json::Map<String, serde_json::Value>) -> Option<Arc<str>> {
    const LABELS: [&str; 6] = ["source", "repository", "sourcecode", "github", "code", "homepage"];
    LABELS.iter().find_map(|wanted| {
        // PyPA, "Well-known labels": punctuation, blanks and case do not count.
        let plain =
            |label: &str| label.to_ascii_lowercase().replace(|c: char| !c.is_ascii_alphanumeric(), "");
        let (_, url) = urls.iter().find(|(label, _)| plain(label) == *wanted)?;
        url.as_str().map(Into::into)
    })
}

/// The licence as its author states it: the SPDX expression (PEP 639), else what the classifiers name, else
/// a short free text. Several classifiers are joined with `AND`, since which of "both" and "either" was
/// meant cannot be known and the first is the one that cannot let too much in.
pub(super) fn licence(expression: Option<&str>, classifiers: &[&str], text: Option<&str>) -> Option<String> {
    if let Some(expression) = expression.map(str::trim).filter(|text| !text.is_empty()) {
        return Some(expression.to_owned());
    }
    let mut named: Vec<&str> = classifiers
        .iter()
        .filter_map(|classifier| classifier.strip_prefix(LICENCE_CLASSIFIER))
        .filter_map(|rest| rest.rsplit(" :: ").next())
        .filter(|name| !EMPTY_LICENCES.contains(name))
        .collect();
    named.dedup();
    if !named.is_empty() {
        return Some(named.join(" AND "));
    }
    // `UNKNOWN` is what older tools wrote where the author said nothing.
    text.map(str::trim)
        .filter(|text| !text.is_empty() && *text != "UNKNOWN")
        .filter(|text| text.len() <= LONGEST_LICENCE && !text.contains('\n'))
        .map(str::to_owned)
}

/// A number for a release's `Requires-Dist` lines; equal numbers mean equal dependencies and ranges. FNV-1a:
/// it tells change from no change and proves nothing against somebody who writes the index.
pub(super) fn fingerprint(lines: &[&str]) -> u64 {
    let mut plain: Vec<String> =
        lines.iter().map(|line| line.replace(|c: char| c.is_ascii_whitespace(), "").to_lowercase()).collect();
    plain.sort();
    plain.dedup();
    let mut state = 0xcbf2_9ce4_8422_2325_u64;
    for byte in plain.iter().flat_map(|line| line.bytes().chain([0])) {
        state = (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    state
}

impl Project {
    /// What is known of `file` beside its page, if it is the same file.
    pub(super) fn file(&self, file: &str, digests: &[Digest]) -> Option<&ProjectFile> {
        let found = self.files.get(file)?;
        found.sha256.as_ref().filter(|sha256| digests.contains(sha256)).map(|_| found)
    }

    /// The details, when they are those of `version`. The document speaks of one release, as a rule the
    /// newest; what the others' licences and dependencies are is not to be concluded from it.
    pub(super) fn of_version(&self, version: &str) -> Option<&Details> {
        (!self.details.version.is_empty() && same(&self.details.version, version)).then_some(&self.details)
    }
}

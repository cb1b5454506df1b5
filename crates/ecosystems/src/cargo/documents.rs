//! The index file (the Cargo book, "Index format"): one JSON object a line. Each line is parsed once, and
//! only as deep as judging needs; rendering copies the lines' bytes.

use super::dependencies::{Dependency, fingerprint};
use super::{name, route, version};
use crate::route::{Fetch, FetchScope, Wanted};
use bytes::Bytes;
use lazaret_vocabulary::{
    Algorithm, Artifact, BaseUrl, Digest, Document, DocumentRole, Malformed, PackageName, Release,
    ReleaseKind, Reply, Standing, Timestamp,
};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;

/// The registry's description of itself, which says where the crate files are.
pub(super) const CONFIG: DocumentRole = "config";
/// The crate's index file.
pub(super) const INDEX: DocumentRole = "index";
/// Present, and empty, beside an index that this house wrote: its files are not fetched from anywhere.
pub(super) const HOUSE: DocumentRole = "house";

/// The upstream address the index stands below.
pub(super) const INDEX_UPSTREAM: &str = "index";

/// Longest version text accepted, in bytes.
const LONGEST_VERSION: usize = 256;

/// The index file comes first: a crate without one does not exist. The configuration is the same for all
/// crates, so the second round costs nothing but once.
pub(super) fn wanted(package: &PackageName, have: &[Document]) -> Wanted {
    let has = |role| have.iter().any(|document| document.role == role);
    let fetch = |role, path, scope| {
        Wanted::Fetch(vec![Fetch {
            role,
            upstream: INDEX_UPSTREAM.into(),
            path,
            accept: "text/plain",
            scope,
        }])
    };
    if has(HOUSE) || (has(INDEX) && has(CONFIG)) {
        Wanted::Enough
    } else if has(INDEX) {
        fetch(CONFIG, "/config.json".to_owned(), FetchScope::Ecosystem)
    } else {
        fetch(INDEX, name::index_path(package.as_str()), FetchScope::Package)
    }
}

/// Where crate files are: the `dl` of a registry's `config.json`.
#[derive(Deserialize)]
struct RegistryConfig {
    dl: String,
}

/// The crate file's address (the Cargo book, "Index configuration"): markers are replaced; a template
/// without any gets `/{crate}/{version}/download`.
fn download_url(template: &str, crate_name: &str, version: &str, checksum: &str) -> String {
    let markers = ["{crate}", "{version}", "{prefix}", "{lowerprefix}", "{sha256-checksum}"];
    if !markers.iter().any(|marker| template.contains(marker)) {
        return format!("{}/{crate_name}/{version}/download", template.trim_end_matches('/'));
    }
    template
        .replace("{crate}", crate_name)
        .replace("{version}", version)
        .replace("{prefix}", &name::prefix(crate_name))
        .replace("{lowerprefix}", &name::prefix(&crate_name.to_ascii_lowercase()))
        .replace("{sha256-checksum}", checksum)
}

/// The gateway's own `config.json`: downloads and the web API stand below its mount. `auth-required` makes
/// cargo show its token on every request, downloads among them.
pub(super) fn client_config(base: &BaseUrl, auth_required: bool) -> Reply {
    let mut config = serde_json::json!({ "dl": format!("{base}/api/v1/crates"), "api": base.as_str() });
    if let (true, Some(fields)) = (auth_required, config.as_object_mut()) {
        fields.insert("auth-required".to_owned(), true.into());
    }
    Reply::json(config.to_string())
}

/// What judging and rendering need of a line. Everything else stays as bytes.
#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow)]
    vers: Cow<'a, str>,
    #[serde(borrow)]
    cksum: Cow<'a, str>,
    #[serde(borrow, default)]
    deps: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    yanked: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pubtime: Option<&'a RawValue>,
}

/// A field that is there, `null` too: left to itself, an option reads `null` as absent, and a line would get
/// the field twice.
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

/// Where a release's line is, and how it becomes a yanked one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LineSpan {
    /// The line in the body, without its end.
    pub line: Range<usize>,
    /// The value of `yanked` in the body; empty, just behind the opening brace, when the line has none.
    pub yanked: Range<usize>,
}

/// A crate's index file, read.
pub(super) struct CrateIndex {
    pub(super) body: Bytes,
    /// Same order and length as `releases`.
    pub(super) lines: Vec<LineSpan>,
    pub(super) releases: Vec<Release>,
    pub(super) standing: Standing,
    /// The crate's name in lower case, as its index file is called.
    pub(super) file_name: String,
}

/// Reads what upstream or this house sent. A crate that upstream does not have reads as one without
/// releases.
pub(super) fn read(package: &PackageName, have: &[Document]) -> Result<CrateIndex, Malformed> {
    let find = |role| have.iter().find(|document| document.role == role);
    let body = find(INDEX).map(|document| document.body.clone()).unwrap_or_default();
    let hosted = find(HOUSE).is_some();
    let template = match (hosted || body.is_empty(), find(CONFIG)) {
        (true, _) => None,
        (false, Some(config)) => Some(template(config)?),
        (false, None) => {
            return Err(Malformed::new("the registry has no config.json, which says where its files are"));
        }
    };
    let mut index = CrateIndex {
        lines: Vec::new(),
        releases: Vec::new(),
        standing: Standing::default(),
        file_name: package.as_str().to_ascii_lowercase(),
        body,
    };
    // Of two lines with one version cargo takes the later one, so reading starts at the end.
    let mut seen = HashSet::new();
    let mut unreadable = 0usize;
    for line in line_ranges(&index.body).into_iter().rev() {
        match read_line(&index.body, line, package, template.as_deref()) {
            Some((span, release, spelling)) => {
                if seen.insert(release.version.clone()) {
                    index.lines.push(span);
                    index.releases.push(release);
                    index.file_name = spelling;
                }
            }
            None => unreadable += 1,
        }
    }
    if index.releases.is_empty() && unreadable > 0 {
        return Err(Malformed::new(format!(
            "none of the {unreadable} lines of the index file of `{package}` is an object with name, vers and cksum"
        )));
    }
    index.lines.reverse();
    index.releases.reverse();
    index.standing.first_published = index.releases.iter().filter_map(|release| release.published).min();
    Ok(index)
}

fn template(config: &Document) -> Result<String, Malformed> {
    let RegistryConfig { dl } = serde_json::from_slice(&config.body)
        .map_err(|error| Malformed::new(format!("config.json is not an object with `dl`: {error}")))?;
    let absolute = dl.starts_with("https://") || dl.starts_with("http://");
    if absolute { Ok(dl) } else { Err(Malformed::new("`dl` in config.json is not an http address")) }
}

fn line_ranges(body: &[u8]) -> Vec<Range<usize>> {
    let mut ranges = Vec::new();
    let mut start = 0;
    for line in body.split(|byte| *byte == b'\n') {
        let end = start + line.len();
        if !line.trim_ascii().is_empty() {
            ranges.push(start..end);
        }
        start = end + 1;
    }
    ranges
}

/// Reads one line, or `None` for one that cargo cannot use either: it reads over lines that it does not
/// understand, so leaving such a line out takes nothing from a client.
fn read_line(
    body: &[u8],
    range: Range<usize>,
    package: &PackageName,
    template: Option<&str>,
) -> Option<(LineSpan, Release, String)> {
    // The parser does not look into what it skips, so the text is checked as a whole.
    let text = std::str::from_utf8(body.get(range.clone())?).ok()?;
    let line: Line<'_> = serde_json::from_str(text).ok()?;
    if name::parse(&line.name).ok()? != *package || line.vers.len() > LONGEST_VERSION {
        return None;
    }
    let parsed = semver::Version::parse(&line.vers).ok()?;
    let checksum = Digest::from_hex(Algorithm::Sha256, &line.cksum)?;
    let withdrawn = match line.yanked.map(RawValue::get) {
        Some("true") => true,
        Some("false" | "null") | None => false,
        Some(_) => return None,
    };
    let span = LineSpan { yanked: yanked_span(body, &range, line.yanked)?, line: range };
    let published = line.pubtime.and_then(|raw| serde_json::from_str::<Cow<'_, str>>(raw.get()).ok());
    let url = template.map(|template| download_url(template, &line.name, &line.vers, &checksum.to_hex()));
    let release = Release {
        version: line.vers.as_ref().into(),
        prerelease: !parsed.pre.is_empty(),
        published: published.and_then(|text| Timestamp::parse(&text).ok()),
        withdrawn: withdrawn.then(|| Arc::from("")),
        dependencies: dependencies(line.deps),
        artifacts: vec![Artifact {
            file: route::artifact_file(&line.name, &line.vers).into(),
            url: url.unwrap_or_default().into(),
            digests: vec![checksum],
            size_bytes: None,
        }],
        kind: if template.is_some() { ReleaseKind::Upstream } else { ReleaseKind::Hosted },
        ..Release::default()
    };
    Some((span, release, line.name.to_ascii_lowercase()))
}

fn dependencies(raw: Option<&RawValue>) -> Option<u64> {
    let Some(raw) = raw else { return Some(fingerprint(&[])) };
    let list: Vec<Dependency<'_>> = serde_json::from_str(raw.get()).ok()?;
    Some(fingerprint(&list))
}

/// Where the line says `yanked`. The parser borrows from the body, so the value's place in memory is its
/// place in the file, however the line is spaced or escaped.
fn yanked_span(body: &[u8], line: &Range<usize>, value: Option<&RawValue>) -> Option<Range<usize>> {
    let span = match value {
        Some(raw) => {
            let start = raw.get().as_ptr().addr().checked_sub(body.as_ptr().addr())?;
            start..start.checked_add(raw.get().len())?
        }
        None => {
            let brace = body.get(line.clone())?.iter().position(|byte| *byte == b'{')?;
            let behind = line.start.checked_add(brace)?.checked_add(1)?;
            behind..behind
        }
    };
    (span.start >= line.start && span.end <= line.end).then_some(span)
}

impl CrateIndex {
    /// The highest release for which `wanted` holds, by version order.
    pub(super) fn highest(&self, wanted: impl Fn(usize, &Release) -> bool) -> Option<usize> {
        let matching = self.releases.iter().enumerate().filter(|(index, release)| wanted(*index, release));
        matching
            .max_by(|(_, left), (_, right)| version::compare(&left.version, &right.version))
            .map(|(at, _)| at)
    }
}

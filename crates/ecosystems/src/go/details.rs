//! What is known of one version: its `.info`, whose date is the publisher's word, and its place in the checksum
//! database, which is not.

use super::{name, route, sumdb, version};
use crate::route::{Fetch, FetchScope, Wanted};
use crate::{Detail, Details, Need};
use lazaret_vocabulary::{
    Artifact, Document, DocumentRole, Malformed, PackageName, Release, ReleaseKind, Timestamp,
};
use route::Kind;
use serde_json::{Map, Value};

/// The module proxy.
pub(super) const PROXY: &str = "proxy";
/// Version and time of one version.
const INFO: DocumentRole = "info";

/// Largest `.info` read, in bytes; those with an origin in them stay below a thousand.
pub(super) const LARGEST_INFO: usize = 64 << 10;

/// Single versions.
#[derive(Debug)]
pub(super) struct Versions;

impl Details for Versions {
    fn unlisted(&self, package: &PackageName, file: &str, _need: &Need<'_>) -> Option<Release> {
        let (version, _) = route::split(file)?;
        release(package, version)
    }

    /// Both documents at once. The log is asked only where a date matters; an address for it is the operator's
    /// leave to ask.
    fn wanted(&self, package: &PackageName, release: &Release, have: &[Document], need: &Need<'_>) -> Wanted {
        if release.kind == ReleaseKind::Hosted || have.iter().any(|document| document.role == INFO) {
            return Wanted::Enough;
        }
        let fetch = |role, upstream: &'static str, path, accept| Fetch {
            role,
            upstream: upstream.into(),
            path,
            accept,
            scope: FetchScope::Package,
        };
        let path = route::file_path(package, &release.version, Kind::Info);
        let mut fetches = vec![fetch(INFO, PROXY, format!("/{path}"), "application/json")];
        if need.has(sumdb::UPSTREAM) && need.dates_after.is_some() {
            let path = sumdb::lookup_path(package, &release.version);
            fetches.push(fetch(sumdb::LOOKUP, sumdb::UPSTREAM, path, "text/plain"));
        }
        Wanted::Fetch(fetches)
    }

    fn read(
        &self,
        package: &PackageName,
        release: &Release,
        have: &[Document],
    ) -> Result<Option<Detail>, Malformed> {
        if release.kind == ReleaseKind::Hosted {
            return Ok(Some(Detail::default()));
        }
        let find = |role| have.iter().find(|document| document.role == role);
        // The bound may be a month above the true date, so that it is none: it proves that a version is old, and
        // says nothing of one that it does not prove old.
        let no_later_than =
            find(sumdb::LOOKUP).and_then(|document| sumdb::logged_by(package, &release.version, document));
        let Some(document) = find(INFO) else { return Ok(None) };
        let info = Info::parse(&document.body)?;
        info.check(&release.version)?;
        Ok(Some(Detail {
            no_later_than,
            claimed: info.time.or_else(|| version::pseudo_time(&release.version)),
            repository: info.repository,
            ..Detail::default()
        }))
    }

    fn main_file(&self, package: &PackageName, version: &str) -> Option<String> {
        name::fits(package, version).then(|| route::file_name(version, Kind::Zip))
    }

    /// A list of versions has no dates.
    fn for_listing(&self) -> bool {
        true
    }
}

/// A release as its version alone tells it. `None` for a version that the module cannot have.
pub(super) fn release(package: &PackageName, text: &str) -> Option<Release> {
    if !name::fits(package, text) {
        return None;
    }
    let artifact = |kind| Artifact {
        file: route::file_name(text, kind).into(),
        url: route::file_path(package, text, kind).into(),
        digests: Vec::new(),
        size_bytes: None,
    };
    Some(Release {
        version: text.into(),
        prerelease: version::is_prerelease(text),
        // Fetching a module runs nothing of it.
        install_script: Some(false),
        claimed: version::pseudo_time(text),
        artifacts: Kind::ALL.into_iter().map(artifact).collect(),
        ..Release::default()
    })
}

/// What an `.info` says.
pub(super) struct Info {
    /// The version.
    pub version: String,
    /// When its commit was made, by its maker's word.
    pub time: Option<Timestamp>,
    /// Where it comes from, if the proxy tells.
    pub repository: Option<String>,
}

impl Info {
    /// Reads a version's `.info`, or the answer to `@latest`. The go command takes field names in any case, so a
    /// field that stands there in two is read by nobody in the same way.
    pub(super) fn parse(body: &[u8]) -> Result<Self, Malformed> {
        let wrong = |why: &str| Malformed::new(format!("the .info of a version {why}"));
        if body.len() > LARGEST_INFO {
            return Err(wrong("is larger than 64 KiB"));
        }
        let fields: Map<String, Value> =
            serde_json::from_slice(body).map_err(|error| wrong(&format!("is no JSON object: {error}")))?;
        let field = |name: &str| {
            let mut found =
                fields.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value);
            (found.next(), found.next())
        };
        let (Some(Value::String(version)), None) = field("Version") else {
            return Err(wrong("does not have one `Version`"));
        };
        let time = match field("Time") {
            (Some(Value::String(text)), None) => Timestamp::parse(text).ok(),
            (None | Some(Value::Null), None) => None,
            _ => return Err(wrong("does not have one `Time`")),
        };
        let url = fields.get("Origin").and_then(|origin| origin.get("URL")).and_then(Value::as_str);
        Ok(Self {
            version: version.clone(),
            // Go's zero time is "not known".
            time: time.filter(|time| *time > Timestamp::EPOCH),
            repository: url.map(|url| url.chars().take(500).collect()),
        })
    }

    /// The `.info` of a version of this house.
    pub(super) fn write(version: &str, time: Option<Timestamp>) -> String {
        match time {
            Some(time) => serde_json::json!({ "Version": version, "Time": time.to_string() }).to_string(),
            None => serde_json::json!({ "Version": version }).to_string(),
        }
    }

    /// That it is about the version which was asked for. Another one would be served in its place.
    pub(super) fn check(&self, wanted: &str) -> Result<(), Malformed> {
        if self.version == wanted {
            return Ok(());
        }
        let found: String = self.version.chars().take(80).collect();
        Err(Malformed::new(format!("the .info of {wanted} is about `{}`", found.escape_debug())))
    }
}

//! Modules of this house. Go has no protocol for publishing to a proxy: a version is published by putting its zip
//! where it will be read from, and its `.mod` and `.info` are derived from that.

use super::archive;
use super::dependencies::fingerprint;
use super::details::{self, Info};
use super::documents::{HOUSE, House as HouseDocument, HouseFile, HouseRelease, LIST, NEWEST_MOD, rank};
use super::gomod::GoMod;
use super::route::{self, Kind};
use crate::hosting::{Change, HostedFile, HostedPackage, HostedRelease, Hosting, HostingError};
use bytes::Bytes;
use http::StatusCode;
use lazaret_vocabulary::{
    Algorithm, Document, DocumentRole, Malformed, PackageName, Reply, RequestHead, Timestamp,
};
use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};
use std::io::Cursor;

pub(super) const PUBLISH: &str = "publish";
pub(super) const REMOVE: &str = "remove";

/// Largest zip that can be published, in bytes. The go command takes 500 MiB, but a zip is held in memory while
/// it is looked into.
pub(super) const LARGEST_PUBLISH: usize = 128 << 20;
/// Largest body of any other change, in bytes.
pub(super) const LARGEST_REQUEST: usize = 64 << 10;
/// Largest `go.mod` whose remarks on other versions are kept, in bytes.
const LARGEST_REMARKS: usize = 256 << 10;

/// What is kept of a version beside its files.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Manifest {
    dependencies: Option<u64>,
    licence: Option<String>,
    /// Its `go.mod`, where that speaks of other versions or of the module as a whole.
    remarks: Option<String>,
}

/// Modules of this house.
#[derive(Debug)]
pub(super) struct House;

impl Hosting for House {
    fn read(
        &self,
        action: &'static str,
        package: Option<&PackageName>,
        request: &RequestHead<'_>,
        body: &Bytes,
    ) -> Result<Change, HostingError> {
        let package = package.cloned().ok_or_else(|| wrong("the address names no module"))?;
        let version = route::version_in(request.path)
            .filter(|version| details::release(&package, version).is_some())
            .ok_or_else(|| {
                wrong("the address ends in no version that this module can have, such as v1.2.3.zip")
            })?;
        match action {
            PUBLISH => publication(package, version, time(request.query)?, body),
            REMOVE => Ok(Change::Remove { package, version: Some(version) }),
            _ => Err(wrong("modules know no such change")),
        }
    }

    fn documents(&self, package: &HostedPackage, now: Timestamp) -> Result<Vec<Document>, Malformed> {
        let mut list = String::new();
        let mut house = HouseDocument::default();
        let mut newest: Option<(&HostedRelease, Manifest)> = None;
        for release in &package.releases {
            let manifest: Manifest = serde_json::from_str(&release.manifest).map_err(|_| {
                Malformed::new(format!("the stored release {} has no JSON manifest", release.version))
            })?;
            list.push_str(&release.version);
            list.push('\n');
            house.releases.push(written(release, &manifest)?);
            let above =
                newest.as_ref().is_none_or(|(other, _)| rank(&other.version, &release.version).is_lt());
            if above {
                newest = Some((release, manifest));
            }
        }
        let house = serde_json::to_vec(&house)
            .map_err(|error| Malformed::new(format!("the house's document cannot be written: {error}")))?;
        let document = |role: DocumentRole, body: Bytes, media: &str| Document {
            role,
            body,
            content_type: media.to_owned(),
            fetched: now,
            modified: None,
        };
        let mut documents = vec![
            document(LIST, list.into(), "text/plain"),
            document(HOUSE, house.into(), "application/json"),
        ];
        let remarks = newest.and_then(|(_, manifest)| manifest.remarks);
        documents.extend(remarks.map(|text| document(NEWEST_MOD, text.into(), "text/plain")));
        Ok(documents)
    }

    fn done(&self, change: &Change) -> Reply {
        let told = match change {
            Change::Publish { package, version, .. } => format!("{package}@{version} is published\n"),
            Change::Remove { package, version } => {
                format!("{package}@{} is removed\n", version.as_deref().unwrap_or("all"))
            }
            other => format!("{} is changed\n", other.package()),
        };
        Reply::new(StatusCode::OK, "text/plain; charset=utf-8", told)
    }

    fn owners(&self, owners: &[String]) -> Reply {
        Reply::new(StatusCode::OK, "text/plain; charset=utf-8", format!("{}\n", owners.join("\n")))
    }

    fn whoami(&self, name: &str) -> Reply {
        Reply::new(StatusCode::OK, "text/plain; charset=utf-8", format!("{name}\n"))
    }
}

fn wrong(message: impl Into<String>) -> HostingError {
    HostingError { status: StatusCode::BAD_REQUEST, message: message.into() }
}

/// The commit's time, from `?time=`.
fn time(query: &str) -> Result<Option<Timestamp>, HostingError> {
    let Some(text) = query.split('&').find_map(|pair| pair.strip_prefix("time=")) else { return Ok(None) };
    let text = percent_decode_str(text).decode_utf8_lossy();
    Timestamp::parse(&text).map(Some).map_err(|error| wrong(format!("`time` in the address: {error}")))
}

fn publication(
    package: PackageName,
    version: String,
    time: Option<Timestamp>,
    body: &Bytes,
) -> Result<Change, HostingError> {
    let contents = archive::look(&package, &version, &mut Cursor::new(body.as_ref()))
        .map_err(|error| wrong(error.to_string()))?;
    if let Some(complaint) = contents.complaints.first() {
        return Err(wrong(format!("the zip is not that of a module: {complaint}")));
    }
    // What the go command takes for the file of a module that has none.
    let go_mod = contents.go_mod.unwrap_or_else(|| format!("module {package}\n").into_bytes());
    let parsed = GoMod::parse(&go_mod).map_err(|error| wrong(error.to_string()))?;
    if parsed.module.as_deref() != Some(package.as_str()) {
        return Err(wrong(format!("the go.mod in the zip does not say `module {package}`")));
    }
    let speaks = !parsed.retracts.is_empty() || parsed.deprecated.is_some();
    let manifest = Manifest {
        dependencies: Some(fingerprint(&parsed)),
        licence: contents.licence,
        remarks: String::from_utf8(go_mod.clone())
            .ok()
            .filter(|text| speaks && text.len() <= LARGEST_REMARKS),
    };
    let file = |kind, bytes: Bytes| HostedFile {
        file: route::file_name(&version, kind),
        bytes,
        metadata: String::new(),
        extra: None,
    };
    Ok(Change::Publish {
        manifest: serde_json::to_string(&manifest).map_err(|error| wrong(error.to_string()))?,
        files: vec![
            file(Kind::Info, Info::write(&version, time).into()),
            file(Kind::Mod, go_mod.into()),
            file(Kind::Zip, body.clone()),
        ],
        tags: Vec::new(),
        description: String::new(),
        requires: Vec::new(),
        by_digest: false,
        package,
        version,
    })
}

/// A stored release as the house's document has it.
fn written(release: &HostedRelease, manifest: &Manifest) -> Result<HouseRelease, Malformed> {
    let file = |stored: &crate::StoredFile| {
        let digest = stored.digests.iter().find(|digest| digest.algorithm() == Algorithm::Sha256)?;
        Some(HouseFile {
            file: stored.file.to_string(),
            sha256: digest.to_hex(),
            size_bytes: stored.size_bytes,
        })
    };
    let files: Option<Vec<HouseFile>> = release.files.iter().map(file).collect();
    Ok(HouseRelease {
        version: release.version.clone(),
        published: release.published.to_string(),
        publisher: release.publisher.clone(),
        dependencies: manifest.dependencies,
        licence: manifest.licence.clone(),
        files: files.ok_or_else(|| {
            Malformed::new(format!("the stored release {} has a file without a SHA-256", release.version))
        })?,
    })
}

//! Publishing to this house (NuGet server API, "Push and delete", "Push symbol packages"): `nuget push`,
//! `nuget delete` and relisting. A form with one file is all that a client sends; what it is stands in the
//! file's own nuspec.

use super::documents::{HOUSE, REGISTRATION};
use super::inspect::{self, Looked};
use super::nuspec::Nuspec;
use super::{name, route};
use crate::hosting::{Change, HostedFile, HostedPackage, HostedRelease, Hosting, HostingError};
use crate::route::Part;
use bytes::Bytes;
use futures_util::{FutureExt as _, stream};
use http::StatusCode;
use lazaret_vocabulary::{Algorithm, Document, Malformed, PackageName, Reply, RequestHead, Timestamp};
use multer::{Constraints, Multipart, SizeLimit};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io::Cursor;

pub(super) const PUSH: &str = "push";
pub(super) const SYMBOLS: &str = "symbols";
pub(super) const UNLIST: &str = "unlist";
pub(super) const RELIST: &str = "relist";

/// Largest body with a package, in bytes: 250 MB, as at the public feed, and the form around it.
pub(super) const LARGEST_PUSH: usize = 256 << 20;
/// Largest body of any other change, in bytes.
pub(super) const LARGEST_REQUEST: usize = 64 << 10;
/// The package type that marks a package of symbols.
const SYMBOLS_TYPE: &str = "SymbolsPackage";

/// Members of a catalog entry that this house writes for itself and clients do not get: the files it keeps, who
/// published, whether installing runs code, the repository.
pub(super) const HOUSE_FILES: &str = "lazaret:files";
pub(super) const HOUSE_PUBLISHER: &str = "lazaret:publisher";
pub(super) const HOUSE_RUNS: &str = "lazaret:runsCode";
pub(super) const HOUSE_REPOSITORY: &str = "lazaret:repository";

/// Packages of this house.
#[derive(Debug)]
pub(super) struct House;

fn wrong(message: impl Into<String>) -> HostingError {
    HostingError { status: StatusCode::BAD_REQUEST, message: message.into() }
}

fn taken(message: String) -> HostingError {
    HostingError { status: StatusCode::CONFLICT, message }
}

impl Hosting for House {
    fn read(
        &self,
        action: &'static str,
        package: Option<&PackageName>,
        request: &RequestHead<'_>,
        body: &Bytes,
    ) -> Result<Change, HostingError> {
        match action {
            PUSH => push(file(request.header("content-type"), body)?),
            SYMBOLS => symbols(file(request.header("content-type"), body)?),
            UNLIST | RELIST => {
                let package = package.cloned().ok_or_else(|| wrong("the address names no package"))?;
                let version =
                    route::version_in(request.path).ok_or_else(|| wrong("the address names no version"))?;
                Ok(if action == UNLIST {
                    Change::Withdraw { package, version, reason: String::new() }
                } else {
                    Change::Restore { package, version }
                })
            }
            _ => Err(wrong("there is no such change")),
        }
    }

    fn accepts(&self, existing: &HostedPackage, change: &Change) -> Result<(), HostingError> {
        let Change::Publish { version, files, package, .. } = change else { return Ok(()) };
        let have = existing.releases.iter().filter(|release| release.version == *version);
        let mut have = have.flat_map(|release| &release.files);
        match have.find(|have| files.iter().any(|new| *new.file == *have.file)) {
            Some(_) => Err(taken(format!("`{package}` {version} was published already"))),
            None => Ok(()),
        }
    }

    fn documents(&self, package: &HostedPackage, now: Timestamp) -> Result<Vec<Document>, Malformed> {
        let leaves = package.releases.iter().map(leaf).collect::<Result<Vec<_>, _>>()?;
        let registration = json!({ "count": 1, "items": [{ "count": leaves.len(), "items": leaves }] });
        let document = |role, body: Bytes| Document {
            role,
            body,
            content_type: "application/json".to_owned(),
            fetched: now,
            modified: None,
        };
        Ok(vec![document(REGISTRATION, registration.to_string().into()), document(HOUSE, Bytes::new())])
    }

    fn done(&self, change: &Change) -> Reply {
        let status = match change {
            Change::Publish { .. } => StatusCode::CREATED,
            _ => StatusCode::OK,
        };
        Reply::new(status, "text/plain; charset=utf-8", "")
    }

    fn owners(&self, owners: &[String]) -> Reply {
        Reply::json(json!({ "owners": owners }).to_string())
    }

    fn whoami(&self, name: &str) -> Reply {
        Reply::new(StatusCode::OK, "text/plain; charset=utf-8", format!("{name}\n"))
    }
}

/// The first file of the form, whatever it is called; a body that is no form is the package itself, as old
/// clients and `curl` send it.
fn file(content_type: &str, body: &Bytes) -> Result<Bytes, HostingError> {
    if !content_type.to_ascii_lowercase().starts_with("multipart/") {
        return if body.starts_with(b"PK") {
            Ok(body.clone())
        } else {
            Err(wrong("the body is neither a form with a package nor a package"))
        };
    }
    let boundary = multer::parse_boundary(content_type)
        .map_err(|_| wrong("the body is not multipart/form-data with a boundary"))?;
    first_part(boundary, body.clone())
        .now_or_never()
        .unwrap_or_else(|| Err(wrong("the form ends in the middle of a part")))
}

async fn first_part(boundary: String, body: Bytes) -> Result<Bytes, HostingError> {
    let broken = |error: multer::Error| wrong(format!("the form cannot be read: {error}"));
    let limits = SizeLimit::new().whole_stream(LARGEST_PUSH as u64).per_field(LARGEST_PUSH as u64);
    let chunks = stream::iter([Ok::<Bytes, Infallible>(body)]);
    let mut parts = Multipart::with_constraints(chunks, boundary, Constraints::new().size_limit(limits));
    match parts.next_field().await.map_err(broken)? {
        Some(part) => part.bytes().await.map_err(broken),
        None => Err(wrong("the form has no file")),
    }
}

/// Looks into what was sent; what could be read in two ways is not taken.
fn looked(bytes: &Bytes) -> Result<Looked, HostingError> {
    let looked = inspect::look(&mut Cursor::new(bytes.as_ref())).map_err(|error| wrong(error.to_string()))?;
    match looked.complaints.first() {
        Some(first) => Err(wrong(format!("the package cannot be published: {first}"))),
        None => Ok(looked),
    }
}

fn is_symbols(nuspec: &Nuspec) -> bool {
    nuspec.types.iter().any(|kind| kind.eq_ignore_ascii_case(SYMBOLS_TYPE))
}

fn push(bytes: Bytes) -> Result<Change, HostingError> {
    let Looked { nuspec, manifest, runs_code, .. } = looked(&bytes)?;
    if is_symbols(&nuspec) {
        return Err(wrong("this is a package of symbols, which goes to the address for symbols"));
    }
    let file = name::package_file(nuspec.package.key(), &nuspec.normal);
    let entry = entry(&nuspec, runs_code);
    Ok(Change::Publish {
        version: nuspec.normal.clone(),
        manifest: entry.to_string(),
        files: vec![HostedFile {
            file,
            bytes,
            metadata: String::new(),
            extra: Some((Part::Metadata, manifest.into())),
        }],
        tags: Vec::new(),
        description: nuspec.text("description").unwrap_or_default().chars().take(1_000).collect(),
        package: nuspec.package,
        requires: Vec::new(),
        by_digest: false,
    })
}

/// Symbols are a further file of a release that is there.
fn symbols(bytes: Bytes) -> Result<Change, HostingError> {
    let Looked { nuspec, .. } = looked(&bytes)?;
    if !is_symbols(&nuspec) {
        return Err(wrong("this is no package of symbols: its nuspec has no package type `SymbolsPackage`"));
    }
    let key = nuspec.package.key();
    Ok(Change::Publish {
        manifest: "{}".to_owned(),
        files: vec![HostedFile {
            file: name::symbols_file(key, &nuspec.normal),
            bytes,
            metadata: String::new(),
            extra: None,
        }],
        tags: Vec::new(),
        description: nuspec.text("description").unwrap_or_default().chars().take(1_000).collect(),
        requires: vec![name::package_file(key, &nuspec.normal)],
        version: nuspec.normal,
        package: nuspec.package,
        by_digest: false,
    })
}

/// The catalog entry, without what only the store knows: digests, date, whether it is listed.
fn entry(nuspec: &Nuspec, runs_code: bool) -> Value {
    let mut entry = Map::new();
    entry.insert("@type".to_owned(), "PackageDetails".into());
    entry.insert("id".to_owned(), nuspec.package.as_str().into());
    entry.insert("version".to_owned(), nuspec.version.as_str().into());
    for name in [
        "authors",
        "description",
        "title",
        "summary",
        "projectUrl",
        "iconUrl",
        "licenseUrl",
        "language",
        "releaseNotes",
        "copyright",
    ] {
        if let Some(text) = nuspec.text(name) {
            entry.insert(name.to_owned(), text.into());
        }
    }
    if let Some(tags) = nuspec.text("tags") {
        let tags: Vec<&str> = tags.split([' ', ',', ';']).filter(|tag| !tag.is_empty()).collect();
        entry.insert("tags".to_owned(), tags.into());
    }
    if let Some(licence) = &nuspec.licence {
        entry.insert("licenseExpression".to_owned(), licence.as_str().into());
    }
    let accept =
        nuspec.text("requireLicenseAcceptance").is_some_and(|text| text.eq_ignore_ascii_case("true"));
    entry.insert("requireLicenseAcceptance".to_owned(), accept.into());
    entry.insert("dependencyGroups".to_owned(), groups(nuspec));
    entry.insert(HOUSE_RUNS.to_owned(), runs_code.into());
    if let Some(repository) = &nuspec.repository {
        entry.insert(HOUSE_REPOSITORY.to_owned(), repository.as_str().into());
    }
    Value::Object(entry)
}

/// Dependencies by target, as the registration has them.
fn groups(nuspec: &Nuspec) -> Value {
    let mut groups: BTreeMap<&str, Vec<Value>> =
        nuspec.targets.iter().map(|target| (target.as_str(), Vec::new())).collect();
    for dependency in &nuspec.dependencies {
        let range = if dependency.range.is_empty() { "(, )" } else { dependency.range.as_str() };
        let written = json!({
            "@type": "PackageDependency", "id": dependency.id, "range": bracketed(range), "registration": "",
        });
        groups.entry(dependency.target.as_str()).or_default().push(written);
    }
    let group = |(target, list): (&str, Vec<Value>)| {
        let mut group = json!({ "@type": "PackageDependencyGroup" });
        if let Some(members) = group.as_object_mut() {
            if !target.is_empty() {
                members.insert("targetFramework".to_owned(), target.into());
            }
            if !list.is_empty() {
                members.insert("dependencies".to_owned(), list.into());
            }
        }
        group
    };
    groups.into_iter().map(group).collect()
}

/// A range in the form of the registration: `1.0.0` in a nuspec means "or later".
fn bracketed(range: &str) -> String {
    if range.starts_with(['[', '(']) { range.to_owned() } else { format!("[{range}, )") }
}

/// A stored release as a leaf of the registration.
fn leaf(release: &HostedRelease) -> Result<Value, Malformed> {
    let about = |what: &str| Malformed::new(format!("the stored release {} {what}", release.version));
    let mut entry: Map<String, Value> =
        serde_json::from_str(&release.manifest).map_err(|_| about("has no JSON manifest"))?;
    let files: Vec<Value> = release
        .files
        .iter()
        .map(|file| {
            let digests: Vec<String> = file.digests.iter().map(ToString::to_string).collect();
            json!({ "file": file.file.as_ref(), "digests": digests, "size": file.size_bytes })
        })
        .collect();
    let package = release.files.iter().find(|file| file.file.ends_with(".nupkg"));
    let sha512 =
        package.and_then(|file| file.digests.iter().find(|digest| digest.algorithm() == Algorithm::Sha512));
    if let Some(digest) = sha512 {
        let hash = digest.to_sri();
        entry.insert("packageHash".to_owned(), hash.trim_start_matches("sha512-").into());
        entry.insert("packageHashAlgorithm".to_owned(), "SHA512".into());
    }
    if let Some(package) = package {
        entry.insert("packageSize".to_owned(), package.size_bytes.into());
    }
    if let Some(text) = &release.deprecated {
        entry.insert("deprecation".to_owned(), json!({ "reasons": ["Other"], "message": text }));
    }
    entry.insert("published".to_owned(), release.published.to_string().into());
    entry.insert("listed".to_owned(), release.withdrawn.is_none().into());
    entry.insert(HOUSE_FILES.to_owned(), files.into());
    entry.insert(HOUSE_PUBLISHER.to_owned(), release.publisher.as_str().into());
    Ok(json!({ "@type": "Package", "catalogEntry": entry }))
}

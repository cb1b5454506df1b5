//! Publishing to the house, as npm, pnpm, yarn and bun do it (npm registry, "registry-api", and what the
//! clients send, which says more).

use super::documents::{FULL, HOUSE};
use super::json::{quoted, text};
use super::route::{PUBLISH, REMOVE_FILE, REPLACE, TAG_REMOVE, TAG_SET, UNPUBLISH, file_in, tag_in};
use super::{dependencies, inspect, manifest, name, version};
use crate::hosting::{HostedFile, HostedRelease};
use crate::{Change, HostedPackage, Hosting, HostingError};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::StatusCode;
use lazaret_vocabulary::{
    Algorithm, Digest, Document, Malformed, PackageName, Release, Reply, RequestHead, Timestamp,
};
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA512, digest};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::Cursor;

const LONGEST_MANIFEST: usize = 1 << 20;
const MOST_TAGS: usize = 50;

/// Members of a version's manifest that only the store knows, or that are of no use in an index.
const NOT_KEPT: [&str; 8] =
    ["dist", "readme", "readmeFilename", "deprecated", "_npmUser", "maintainers", "_attachments", "_rev"];

/// Publishing to this house.
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
        let package = package.cloned().ok_or_else(|| wrong("the address names no package"))?;
        match action {
            PUBLISH => written(package, body),
            REPLACE => replaced(package, body),
            UNPUBLISH => Ok(Change::Remove { package, version: None }),
            REMOVE_FILE => {
                let file = file_in(request.path).ok_or_else(|| wrong("the address names no file"))?;
                let version = version_of(&package, &file)
                    .ok_or_else(|| wrong(format!("`{file}` is no tarball of {package}")))?;
                Ok(Change::Remove { package, version: Some(version) })
            }
            TAG_SET => {
                let tag = checked_tag(&tag_in(request.path).unwrap_or_default())?;
                let version: String = serde_json::from_slice(body)
                    .map_err(|_| wrong("the body is not a version as a JSON string"))?;
                Ok(Change::Tag { package, tag, version })
            }
            TAG_REMOVE => {
                let tag = checked_tag(&tag_in(request.path).unwrap_or_default())?;
                if tag == "latest" {
                    return Err(wrong("`latest` cannot be taken away, only moved"));
                }
                Ok(Change::Untag { package, tag })
            }
            _ => Err(wrong("there is no such change")),
        }
    }

    fn documents(&self, package: &HostedPackage, now: Timestamp) -> Result<Vec<Document>, Malformed> {
        let document = |role, body: Bytes| Document {
            role,
            body,
            content_type: "application/json".to_owned(),
            fetched: now,
            modified: None,
        };
        Ok(vec![document(FULL, packument(package)?.into()), document(HOUSE, Bytes::new())])
    }

    fn done(&self, change: &Change) -> Reply {
        let status = match change {
            Change::Publish { .. } | Change::Tag { .. } => StatusCode::CREATED,
            _ => StatusCode::OK,
        };
        let body = json!({ "ok": true, "success": true, "id": change.package().as_str() });
        Reply { status, ..Reply::json(body.to_string()) }
    }

    fn owners(&self, owners: &[String]) -> Reply {
        let people: Vec<Value> = owners.iter().map(|owner| person(owner)).collect();
        Reply::json(Value::from(people).to_string())
    }

    fn whoami(&self, name: &str) -> Reply {
        Reply::json(json!({ "username": name }).to_string())
    }
}

fn wrong(message: impl Into<String>) -> HostingError {
    HostingError { status: StatusCode::BAD_REQUEST, message: message.into() }
}

/// The email is a member that clients expect; the house knows none.
fn person(name: &str) -> Value {
    json!({ "name": name, "email": "" })
}

/// A tag must be told apart from a version and a range (npm dist-tag).
fn checked_tag(tag: &str) -> Result<String, HostingError> {
    let fine = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if tag.is_empty() || tag.len() > 100 || !tag.bytes().all(fine) {
        return Err(wrong("a tag is made of letters, digits and -._"));
    }
    let number = tag.strip_prefix('v').unwrap_or(tag);
    if version::parse(tag).is_some() || !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()) {
        return Err(wrong(format!("`{tag}` reads as a version, so it cannot be a tag")));
    }
    Ok(tag.to_owned())
}

/// A tarball is called `{name without scope}-{version}.tgz`.
fn file_of(package: &PackageName, version: &str) -> String {
    format!("{}-{version}.tgz", name::bare(package.as_str()))
}

fn version_of(package: &PackageName, file: &str) -> Option<String> {
    let bare = name::bare(package.as_str());
    let (own, rest) = file.split_at_checked(bare.len())?;
    let version = rest.strip_prefix('-')?.strip_suffix(".tgz")?;
    (own.eq_ignore_ascii_case(bare) && version::parse(version).is_some()).then(|| version.to_owned())
}

/// What is put at a package's address: a release to publish, or the packument with other warnings in it.
#[derive(Deserialize)]
struct Written<'a> {
    #[serde(borrow, default)]
    name: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    description: Option<&'a RawValue>,
    #[serde(rename = "dist-tags", default)]
    tags: BTreeMap<String, String>,
    #[serde(borrow, default)]
    versions: Option<BTreeMap<String, &'a RawValue>>,
    #[serde(borrow, rename = "_attachments", default)]
    attachments: Option<BTreeMap<String, Attachment<'a>>>,
}

#[derive(Deserialize)]
struct Attachment<'a> {
    #[serde(borrow)]
    data: Cow<'a, str>,
    #[serde(default)]
    length: Option<u64>,
}

fn parse(body: &[u8]) -> Result<Written<'_>, HostingError> {
    serde_json::from_slice(body)
        .map_err(|error| wrong(format!("the body is not what npm publish sends: {error}")))
}

fn written(package: PackageName, body: &[u8]) -> Result<Change, HostingError> {
    let written = parse(body)?;
    if written.name.as_deref().is_some_and(|name| name != package.as_str()) {
        return Err(wrong(format!("the body is about another package than {package}")));
    }
    let tarball = written.attachments.iter().flatten().find(|(file, _)| file.ends_with(".tgz"));
    match tarball {
        Some((_, attachment)) => publication(package, &written, attachment),
        None => warnings(package, &written),
    }
}

/// `npm deprecate` writes the packument back with other warnings; an empty one takes a warning away.
fn warnings(package: PackageName, written: &Written<'_>) -> Result<Change, HostingError> {
    let Some(versions) = &written.versions else {
        return Err(HostingError {
            status: StatusCode::METHOD_NOT_ALLOWED,
            message: "who may publish a package follows from the scopes of tokens here, not from the package"
                .to_owned(),
        });
    };
    let said = versions.iter().filter_map(|(version, manifest)| {
        Some((version.clone(), manifest::member_text(manifest.get(), "deprecated")?))
    });
    Ok(Change::Deprecate { package, versions: said.collect() })
}

/// `npm unpublish` of one version first writes the packument back without it, then takes its tarball away.
/// Only the second says which version is meant, and is what counts; the first changes nothing.
fn replaced(package: PackageName, body: &[u8]) -> Result<Change, HostingError> {
    warnings(package, &parse(body)?)
}

fn publication(
    package: PackageName,
    written: &Written<'_>,
    attachment: &Attachment<'_>,
) -> Result<Change, HostingError> {
    let mut versions = written.versions.iter().flatten();
    let (Some((version, raw)), None) = (versions.next(), versions.next()) else {
        return Err(wrong("exactly one version can be published at a time"));
    };
    let parsed = semver::Version::parse(version).ok().filter(|_| version.len() <= 200);
    if parsed.is_none_or(|parsed| !parsed.build.is_empty()) {
        return Err(wrong(format!("`{version}` is not a version such as 1.2.3")));
    }
    let mut manifest: Map<String, Value> = serde_json::from_str(raw.get())
        .map_err(|error| wrong(format!("the version's manifest is no object: {error}")))?;
    let bytes = STANDARD
        .decode(attachment.data.as_bytes())
        .map_err(|_| wrong("the tarball is not encoded in base64"))?;
    if attachment.length.is_some_and(|length| length != bytes.len() as u64) {
        return Err(wrong("the tarball has not the length that was announced"));
    }
    let hashes = verify(&package, version, &manifest, &bytes)?;
    manifest.retain(|member, _| !NOT_KEPT.contains(&member.as_str()));
    let manifest = Value::Object(manifest).to_string();
    if manifest.len() > LONGEST_MANIFEST {
        return Err(wrong("the manifest is longer than 1 MiB"));
    }
    let mut tags = Vec::new();
    for (tag, _) in written.tags.iter().filter(|(_, pointed)| *pointed == version).take(MOST_TAGS) {
        tags.push(checked_tag(tag)?);
    }
    let description = written.description.and_then(|raw| text(raw.get())).unwrap_or_default();
    Ok(Change::Publish {
        files: vec![HostedFile {
            file: file_of(&package, version),
            bytes: bytes.into(),
            metadata: hashes.to_string(),
            extra: None,
        }],
        package,
        version: version.clone(),
        manifest,
        tags,
        description: description.chars().take(1000).collect(),
        requires: Vec::new(),
        by_digest: false,
    })
}

/// The tarball must have the announced digests and say of itself what the manifest says of it. Gives the
/// digests in the form of `dist`.
fn verify(
    package: &PackageName,
    version: &str,
    manifest: &Map<String, Value>,
    bytes: &[u8],
) -> Result<Value, HostingError> {
    let said = |member: &str| manifest.get(member).and_then(Value::as_str);
    if said("name") != Some(package.as_str()) || said("version") != Some(version) {
        return Err(wrong("the version's manifest is about another release"));
    }
    let hash = |algorithm, function| {
        Digest::from_bytes(algorithm, digest(function, bytes).as_ref()).ok_or_else(|| wrong("no digest"))
    };
    let sha512 = hash(Algorithm::Sha512, &SHA512)?;
    let sha1 = hash(Algorithm::Sha1, &SHA1_FOR_LEGACY_USE_ONLY)?;
    let dist = |member: &str| manifest.get("dist").and_then(|dist| dist.get(member)).and_then(Value::as_str);
    let declared = Digest::from_sri(dist("integrity").unwrap_or_default());
    let other = declared.iter().any(|digest| digest.algorithm() == Algorithm::Sha512 && *digest != sha512);
    if other || dist("shasum").is_some_and(|shasum| !shasum.eq_ignore_ascii_case(&sha1.to_hex())) {
        return Err(wrong("the tarball has not the digests that were announced (integrity, shasum)"));
    }
    let member = |name: &str| manifest.get(name).map(Value::to_string);
    let (plain, optional, peer) =
        (member("dependencies"), member("optionalDependencies"), member("peerDependencies"));
    let release = Release {
        version: version.into(),
        dependencies: dependencies::fingerprint(&dependencies::Dependencies {
            plain: plain.as_deref(),
            optional: optional.as_deref(),
            peer: peer.as_deref(),
        }),
        install_script: Some(
            member("scripts").is_some_and(|scripts| manifest::runs_on_install(&scripts))
                || manifest.get("gypfile").and_then(Value::as_bool) == Some(true),
        ),
        ..Release::default()
    };
    let inspection = inspect::inspect(&release, package, &mut Cursor::new(bytes))
        .map_err(|error| wrong(error.to_string()))?;
    match inspection.disagreements.first() {
        Some(first) => Err(wrong(format!("the tarball and the request disagree: {first}"))),
        None => Ok(json!({ "integrity": sha512.to_sri(), "shasum": sha1.to_hex() })),
    }
}

/// The packument of a hosted package.
fn packument(package: &HostedPackage) -> Result<String, Malformed> {
    let own_name = package.package.as_str();
    let mut versions = Map::new();
    let mut time = Map::new();
    let maintainers: Vec<Value> = package.owners.iter().map(|owner| person(owner)).collect();
    for release in &package.releases {
        let manifest = version_manifest(&package.package, release, &maintainers)?;
        versions.insert(release.version.clone(), manifest);
        time.insert(release.version.clone(), release.published.to_string().into());
    }
    let dates = || package.releases.iter().map(|release| release.published);
    if let (Some(first), Some(last)) = (dates().min(), dates().max()) {
        time.insert("created".to_owned(), first.to_string().into());
        time.insert("modified".to_owned(), last.to_string().into());
    }
    let newest =
        package.releases.iter().max_by(|left, right| version::compare(&left.version, &right.version));
    let description = newest
        .and_then(|release| versions.get(&release.version)?.get("description").cloned())
        .unwrap_or_default();
    let body = json!({
        "_id": own_name,
        "name": own_name,
        "description": description,
        "dist-tags": tags(package),
        "maintainers": maintainers,
        "time": time,
        "versions": versions,
    });
    // Some clients take a packument without a revision for one that cannot be changed.
    let text = body.to_string();
    let hash = digest(&ring::digest::SHA256, text.as_bytes());
    let mark: String = hash.as_ref().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    let revision = quoted(&format!("{}-{mark}", package.releases.len()));
    let rest = text.strip_prefix('{').unwrap_or_default();
    Ok(format!("{{\"_rev\":{revision},{rest}"))
}

/// The tags that point at something. `latest` always does: at the highest stable version where nobody said
/// otherwise, or where what was said is gone.
fn tags(package: &HostedPackage) -> Map<String, Value> {
    let there = |version: &str| package.releases.iter().any(|release| release.version == version);
    let mut tags: Map<String, Value> = package
        .tags
        .iter()
        .filter(|(_, version)| there(version))
        .map(|(tag, version)| (tag.clone(), version.as_str().into()))
        .collect();
    if !tags.contains_key("latest") {
        let stable = |release: &&HostedRelease| !release.version.contains('-');
        let highest = |releases: Vec<&HostedRelease>| {
            let newest =
                releases.into_iter().max_by(|left, right| version::compare(&left.version, &right.version));
            newest.map(|release| release.version.clone())
        };
        let newest = highest(package.releases.iter().filter(stable).collect())
            .or_else(|| highest(package.releases.iter().collect()));
        if let Some(version) = newest {
            tags.insert("latest".to_owned(), version.into());
        }
    }
    tags
}

fn version_manifest(
    package: &PackageName,
    release: &HostedRelease,
    maintainers: &[Value],
) -> Result<Value, Malformed> {
    let about = |what: &str| Malformed::new(format!("the stored release {} {what}", release.version));
    let mut manifest: Map<String, Value> =
        serde_json::from_str(&release.manifest).map_err(|_| about("has no JSON manifest"))?;
    let file = release.files.first().ok_or_else(|| about("has no file"))?;
    let mut dist: Map<String, Value> = serde_json::from_str(&file.metadata).unwrap_or_default();
    for digest in &file.digests {
        match digest.algorithm() {
            Algorithm::Sha1 => dist.insert("shasum".to_owned(), digest.to_hex().into()),
            Algorithm::Sha512 => dist.insert("integrity".to_owned(), digest.to_sri().into()),
            Algorithm::Sha256 if !dist.contains_key("integrity") => {
                dist.insert("integrity".to_owned(), digest.to_sri().into())
            }
            _ => None,
        };
    }
    // Replaced by the gateway's own address when it is rendered.
    dist.insert("tarball".to_owned(), format!("http://house.invalid/{package}/-/{}", file.file).into());
    manifest.insert("dist".to_owned(), Value::Object(dist));
    manifest.insert("name".to_owned(), package.as_str().into());
    manifest.insert("version".to_owned(), release.version.as_str().into());
    manifest.insert("_id".to_owned(), format!("{package}@{}", release.version).into());
    manifest.insert("_npmUser".to_owned(), person(&release.publisher));
    manifest.insert("maintainers".to_owned(), Value::from(maintainers));
    let warning = release.deprecated.as_ref().or(release.withdrawn.as_ref());
    if let Some(warning) = warning.filter(|warning| !warning.is_empty()) {
        manifest.insert("deprecated".to_owned(), warning.as_str().into());
    }
    Ok(Value::Object(manifest))
}

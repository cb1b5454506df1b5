//! Publishing to this house (the Cargo book, "Web API"): `cargo publish`, `yank` and `owner`.

use super::dependencies::{Dependency, fingerprint};
use super::documents::{HOUSE, INDEX};
use super::{inspect, name, route};
use crate::hosting::{Change, HostedFile, HostedPackage, HostedRelease, Hosting, HostingError};
use bytes::Bytes;
use http::StatusCode;
use lazaret_vocabulary::{
    Algorithm, Artifact, Document, Malformed, PackageName, Release, Reply, RequestHead, Timestamp,
};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::io::Cursor;

pub(super) const PUBLISH: &str = "publish";
pub(super) const YANK: &str = "yank";
pub(super) const UNYANK: &str = "unyank";
pub(super) const OWNERS_LIST: &str = "owners-list";
pub(super) const OWNERS_ADD: &str = "owners-add";
pub(super) const OWNERS_REMOVE: &str = "owners-remove";

/// Largest body of a publication, in bytes. The public registry stops at 10 MiB.
pub(super) const LARGEST_PUBLISH: usize = 64 << 20;
/// Largest body of any other change, in bytes.
pub(super) const LARGEST_REQUEST: usize = 1 << 20;
/// Most dependencies, features and owners accepted in one request.
const MOST_ITEMS: usize = 5_000;

/// Crates of this house.
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
        if action == PUBLISH {
            return publication(body);
        }
        let package = package.cloned().ok_or_else(|| wrong("the address names no crate"))?;
        match action {
            YANK => Ok(Change::Withdraw { version: version(request)?, package, reason: String::new() }),
            UNYANK => Ok(Change::Restore { version: version(request)?, package }),
            OWNERS_LIST => Ok(Change::OwnersList { package }),
            OWNERS_ADD => Ok(Change::Owners { package, add: users(body)?, remove: Vec::new() }),
            OWNERS_REMOVE => Ok(Change::Owners { package, add: Vec::new(), remove: users(body)? }),
            _ => Err(wrong("the registry's web API has no such change")),
        }
    }

    fn accepts(&self, existing: &HostedPackage, change: &Change) -> Result<(), HostingError> {
        let Change::Publish { package, version, .. } = change else { return Ok(()) };
        if existing.releases.is_empty() {
            return Ok(());
        }
        if existing.package.as_str() != package.as_str() {
            return Err(taken(format!(
                "`{package}` cannot be published: `{}` exists, and two crates may not differ in case, `-` and `_` alone",
                existing.package
            )));
        }
        // Cargo takes versions that differ in build metadata alone for the same.
        let precedence = |text: &str| text.split('+').next().unwrap_or(text).to_owned();
        let same = existing.releases.iter().find(|have| precedence(&have.version) == precedence(version));
        match same {
            Some(have) => Err(taken(format!("`{package}` {} was published already", have.version))),
            None => Ok(()),
        }
    }

    fn documents(&self, package: &HostedPackage, now: Timestamp) -> Result<Vec<Document>, Malformed> {
        let mut body = Vec::new();
        for release in &package.releases {
            serde_json::to_writer(&mut body, &index_line(release)?)
                .map_err(|error| Malformed::new(format!("an index line cannot be written: {error}")))?;
            body.push(b'\n');
        }
        let document = |role, body: Bytes| Document {
            role,
            body,
            content_type: "text/plain".to_owned(),
            fetched: now,
            modified: None,
        };
        Ok(vec![document(INDEX, body.into()), document(HOUSE, Bytes::new())])
    }

    fn done(&self, change: &Change) -> Reply {
        match change {
            Change::Publish { .. } => json_reply(&json!({
                "warnings": { "invalid_categories": [], "invalid_badges": [], "other": [] },
            })),
            Change::Owners { package, add, remove } => {
                let (verb, who) = if remove.is_empty() {
                    ("written down as owner of", add)
                } else {
                    ("taken off the owners of", remove)
                };
                let message = format!(
                    "{} {verb} {package}; who may publish follows from the scopes of tokens",
                    who.join(", ")
                );
                json_reply(&json!({ "ok": true, "msg": message }))
            }
            _ => json_reply(&json!({ "ok": true })),
        }
    }

    fn owners(&self, owners: &[String]) -> Reply {
        let users: Vec<Value> = (1u32..)
            .zip(owners)
            .map(|(id, login)| json!({ "id": id, "login": login, "name": null }))
            .collect();
        json_reply(&json!({ "users": users }))
    }

    fn whoami(&self, name: &str) -> Reply {
        Reply::new(StatusCode::OK, "text/plain; charset=utf-8", format!("{name}\n"))
    }
}

fn json_reply(value: &Value) -> Reply {
    Reply::json(value.to_string())
}

fn wrong(message: impl Into<String>) -> HostingError {
    HostingError { status: StatusCode::BAD_REQUEST, message: message.into() }
}

fn taken(message: String) -> HostingError {
    HostingError { status: StatusCode::CONFLICT, message }
}

fn version(request: &RequestHead<'_>) -> Result<String, HostingError> {
    route::version_in(request.path).ok_or_else(|| wrong("the address names no version such as 1.2.3"))
}

#[derive(Deserialize)]
struct Users {
    #[serde(alias = "owners")]
    users: Vec<String>,
}

fn users(body: &[u8]) -> Result<Vec<String>, HostingError> {
    let Users { users } = serde_json::from_slice(body)
        .map_err(|error| wrong(format!("the body is not an object with `users`: {error}")))?;
    let plausible = |user: &String| !user.is_empty() && user.len() <= 256;
    if users.is_empty() || users.len() > MOST_ITEMS || !users.iter().all(plausible) {
        return Err(wrong("`users` is not a list of names"));
    }
    Ok(users)
}

/// The JSON of a publication (the Cargo book, "Publish").
#[derive(Deserialize)]
struct Metadata {
    name: String,
    vers: String,
    #[serde(default)]
    deps: Vec<PublishedDependency>,
    #[serde(default)]
    features: Map<String, Value>,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    links: Option<String>,
    #[serde(default)]
    rust_version: Option<String>,
}

/// A dependency as cargo sends it; the index has other names for some of its fields.
#[derive(Deserialize)]
struct PublishedDependency {
    name: String,
    version_req: String,
    #[serde(default)]
    features: Vec<String>,
    #[serde(default)]
    optional: bool,
    #[serde(default = "yes")]
    default_features: bool,
    #[serde(default)]
    target: Option<String>,
    #[serde(default)]
    kind: Option<String>,
    #[serde(default)]
    registry: Option<String>,
    #[serde(default)]
    explicit_name_in_toml: Option<String>,
}

fn yes() -> bool {
    true
}

/// Splits the body: a length as 32 bits, little-endian, and JSON of that length; then the same for the
/// crate file.
fn split(body: &Bytes) -> Option<(Bytes, Bytes)> {
    let part = |from: usize| -> Option<Bytes> {
        let start = from.checked_add(4)?;
        let length = u32::from_le_bytes(body.get(from..start)?.try_into().ok()?);
        let end = start.checked_add(usize::try_from(length).ok()?)?;
        (end <= body.len()).then(|| body.slice(start..end))
    };
    let metadata = part(0)?;
    let file_from = metadata.len().checked_add(4)?;
    let file = part(file_from)?;
    (file_from + 4 + file.len() == body.len()).then_some((metadata, file))
}

fn publication(body: &Bytes) -> Result<Change, HostingError> {
    let (metadata, file) =
        split(body).ok_or_else(|| wrong("the body is not two parts with their lengths in front"))?;
    let metadata: Metadata = serde_json::from_slice(&metadata)
        .map_err(|error| wrong(format!("the metadata is not what cargo publish sends: {error}")))?;
    let package = name::parse(&metadata.name).map_err(|error| wrong(error.to_string()))?;
    if semver::Version::parse(&metadata.vers).is_err() || metadata.vers.len() > 200 {
        return Err(wrong("`vers` is not a version such as 1.2.3"));
    }
    check(&metadata)?;
    let line = manifest(&metadata);
    verify(&package, &metadata, &line, &file)?;
    Ok(Change::Publish {
        files: vec![HostedFile {
            file: route::artifact_file(package.as_str(), &metadata.vers),
            bytes: file,
            metadata: String::new(),
            extra: None,
        }],
        manifest: line.to_string(),
        tags: Vec::new(),
        description: metadata.description.unwrap_or_default().chars().take(1000).collect(),
        version: metadata.vers,
        package,
        requires: Vec::new(),
        by_digest: false,
    })
}

/// What would make the index line one that cargo cannot read.
fn check(metadata: &Metadata) -> Result<(), HostingError> {
    if metadata.deps.len() > MOST_ITEMS || metadata.features.len() > MOST_ITEMS {
        return Err(wrong(format!("more than {MOST_ITEMS} dependencies or features")));
    }
    for dependency in &metadata.deps {
        name::parse(&dependency.name).map_err(|error| wrong(format!("a dependency: {error}")))?;
        if semver::VersionReq::parse(&dependency.version_req).is_err() {
            return Err(wrong(format!("the requirement on `{}` cannot be read", dependency.name)));
        }
        if !matches!(dependency.kind.as_deref(), None | Some("normal" | "build" | "dev")) {
            return Err(wrong(format!(
                "`{}` is of a kind that is not normal, build or dev",
                dependency.name
            )));
        }
    }
    let is_list = |value: &Value| value.as_array().is_some_and(|list| list.iter().all(Value::is_string));
    match metadata.features.iter().find(|(_, value)| !is_list(value)) {
        Some((feature, _)) => Err(wrong(format!("the feature `{feature}` is not a list of texts"))),
        None => Ok(()),
    }
}

/// The index line, without what only the store knows: checksum, date, whether it is yanked.
fn manifest(metadata: &Metadata) -> Value {
    // Older cargos cannot read `dep:` and `?/` and skip a whole line over them, so these stand apart.
    let is_new = |value: &&Value| {
        value.as_array().is_some_and(|list| {
            list.iter().filter_map(Value::as_str).any(|item| item.starts_with("dep:") || item.contains("?/"))
        })
    };
    let (new, old): (Map<_, _>, Map<_, _>) =
        metadata.features.clone().into_iter().partition(|(_, value)| is_new(&value));
    let mut line = json!({
        "name": metadata.name,
        "vers": metadata.vers,
        "deps": metadata.deps.iter().map(index_dependency).collect::<Vec<_>>(),
        "features": old,
        "links": metadata.links,
        "rust_version": metadata.rust_version,
    });
    if let (false, Some(fields)) = (new.is_empty(), line.as_object_mut()) {
        fields.insert("features2".to_owned(), Value::Object(new));
        fields.insert("v".to_owned(), 2.into());
    }
    line
}

fn index_dependency(dependency: &PublishedDependency) -> Value {
    let renamed = dependency.explicit_name_in_toml.as_ref();
    json!({
        "name": renamed.unwrap_or(&dependency.name),
        "req": dependency.version_req,
        "features": dependency.features,
        "optional": dependency.optional,
        "default_features": dependency.default_features,
        "target": dependency.target,
        "kind": dependency.kind.as_deref().unwrap_or("normal"),
        "registry": dependency.registry,
        "package": renamed.map(|_| &dependency.name),
    })
}

/// The crate file must say of itself what the request says of it.
fn verify(
    package: &PackageName,
    metadata: &Metadata,
    line: &Value,
    file: &Bytes,
) -> Result<(), HostingError> {
    let dependencies: Vec<Dependency<'_>> = line
        .get("deps")
        .map(Vec::deserialize)
        .transpose()
        .map_err(|error| wrong(format!("the dependencies cannot be read: {error}")))?
        .unwrap_or_default();
    let release = Release {
        version: metadata.vers.as_str().into(),
        dependencies: Some(fingerprint(&dependencies)),
        ..Release::default()
    };
    let artifact = Artifact {
        file: route::artifact_file(package.as_str(), &metadata.vers).into(),
        url: "".into(),
        digests: Vec::new(),
        size_bytes: None,
    };
    let inspection = inspect::inspect(&release, package, &artifact, &mut Cursor::new(file.as_ref()))
        .map_err(|error| wrong(error.to_string()))?;
    match inspection.disagreements.first() {
        Some(first) => Err(wrong(format!("the crate file and the request disagree: {first}"))),
        None => Ok(()),
    }
}

/// A stored release as the index has it.
fn index_line(release: &HostedRelease) -> Result<Value, Malformed> {
    let about = |what: &str| Malformed::new(format!("the stored release {} {what}", release.version));
    let mut line: Value =
        serde_json::from_str(&release.manifest).map_err(|_| about("has no JSON manifest"))?;
    let digests = release.files.iter().flat_map(|file| &file.digests);
    let checksum = digests
        .into_iter()
        .find(|digest| digest.algorithm() == Algorithm::Sha256)
        .ok_or_else(|| about("has no file with a SHA-256"))?;
    let fields = line.as_object_mut().ok_or_else(|| about("has a manifest that is no object"))?;
    fields.insert("cksum".to_owned(), checksum.to_hex().into());
    fields.insert("yanked".to_owned(), release.withdrawn.is_some().into());
    fields.insert("pubtime".to_owned(), release.published.to_string().into());
    Ok(line)
}

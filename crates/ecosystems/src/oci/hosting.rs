//! Publishing to this house (OCI Distribution Specification 1.1, "Push", "Content Management").

use super::manifest::{self, Manifest};
use super::name::{self, File};
use super::route::{NO_DIGEST, What, asked, parameters};
use super::{documents, lists, refuse};
use crate::hosting::{Catalogue, Change, HostedFile, HostedPackage, Hosting, HostingError, Signer};
use crate::{UploadStep, Uploaded, Uploading};
use bytes::Bytes;
use http::StatusCode;
use http::header::{HeaderName, LOCATION, RANGE};
use lazaret_vocabulary::{
    Algorithm, BaseUrl, Digest, Document, Malformed, PackageName, Reply, RequestHead, Timestamp,
};

pub(super) const PUT: &str = "put-manifest";
pub(super) const DELETE: &str = "delete-manifest";

/// Most tags that one request may set.
const MOST_TAGS: usize = 64;

const CONTENT_DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");
const SUBJECT: HeaderName = HeaderName::from_static("oci-subject");
const TAG: HeaderName = HeaderName::from_static("oci-tag");
const UPLOAD_ID: HeaderName = HeaderName::from_static("docker-upload-uuid");

/// Repositories of this house.
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
        let package = package.cloned().ok_or_else(|| wrong("the address names no repository"))?;
        let reference = match asked(request.path).map(|asked| asked.what) {
            Some(What::Manifest(reference)) => reference,
            _ => return Err(wrong("the address names no manifest")),
        };
        match action {
            PUT => publication(package, &reference, request, body),
            DELETE => removal(package, reference),
            _ => Err(wrong("a registry has no such change")),
        }
    }

    fn media_type(&self, file: &HostedFile) -> Option<String> {
        Some(file.metadata.clone()).filter(|told| !told.is_empty())
    }

    fn documents(&self, package: &HostedPackage, now: Timestamp) -> Result<Vec<Document>, Malformed> {
        documents::write(package, now)
    }

    fn done(&self, change: &Change) -> Reply {
        match change {
            Change::Publish { package, version, manifest, tags, .. } => {
                let reply = refuse::empty(StatusCode::CREATED)
                    .with_header(LOCATION, &format!("/v2/{package}/manifests/{version}"))
                    .with_header(CONTENT_DIGEST, version);
                let reply = tags.iter().fold(reply, |reply, tag| reply.with_header(TAG, tag));
                match manifest::read(manifest.as_bytes()).ok().and_then(|read| read.subject) {
                    Some(subject) => reply.with_header(SUBJECT, &subject.digest.to_string()),
                    None => reply,
                }
            }
            _ => refuse::empty(StatusCode::ACCEPTED),
        }
    }

    fn owners(&self, owners: &[String]) -> Reply {
        Reply::json(serde_json::json!({ "owners": owners }).to_string())
    }

    fn whoami(&self, name: &str) -> Reply {
        Reply::json(serde_json::json!({ "name": name }).to_string())
    }

    fn uploading(&self) -> Option<&dyn Uploading> {
        Some(self)
    }

    fn catalogue(&self, catalogue: &Catalogue<'_>, _signer: &dyn Signer) -> Result<Reply, Malformed> {
        lists::catalogue(catalogue)
    }
}

fn wrong(message: impl Into<String>) -> HostingError {
    HostingError { status: StatusCode::BAD_REQUEST, message: message.into() }
}

fn publication(
    package: PackageName,
    reference: &str,
    request: &RequestHead<'_>,
    body: &Bytes,
) -> Result<Change, HostingError> {
    let named = name::digest(reference);
    if named.is_none() && !name::is_tag(reference) {
        return Err(wrong(NO_DIGEST));
    }
    let algorithm = named.as_ref().map_or(Algorithm::Sha256, Digest::algorithm);
    let digest = name::digest_of(algorithm, body).ok_or_else(|| wrong(NO_DIGEST))?;
    if named.as_ref().is_some_and(|named| *named != digest) {
        return Err(wrong(format!("the digest of what was sent is {digest}, not {reference}")));
    }
    let read = manifest::read(body).map_err(|error| wrong(error.to_string()))?;
    let text = std::str::from_utf8(body).map_err(|_| wrong("the manifest is not UTF-8"))?;
    check_type(&read, request)?;
    Ok(Change::Publish {
        version: digest.to_string(),
        manifest: text.to_owned(),
        tags: tags(named.is_some(), reference, request.query)?,
        description: description(&read),
        requires: requires(&read),
        by_digest: true,
        files: vec![HostedFile {
            file: File::Manifest(digest).key(),
            bytes: body.clone(),
            metadata: read.media_type,
            extra: None,
        }],
        package,
    })
}

/// The type it is sent with must be the type it says it is: whoever fetches it hears only one of them.
fn check_type(read: &Manifest, request: &RequestHead<'_>) -> Result<(), HostingError> {
    let declared = request.header("content-type").split(';').next().unwrap_or_default().trim();
    if declared.is_empty() || declared.eq_ignore_ascii_case(&read.media_type) {
        return Ok(());
    }
    let declared: String = declared.chars().take(100).collect();
    Err(wrong(format!("the manifest was sent as {declared}, but says it is {}", read.media_type)))
}

/// The tag in the address, or those in the query beside a digest.
fn tags(by_digest: bool, reference: &str, query: &str) -> Result<Vec<String>, HostingError> {
    if !by_digest {
        return Ok(vec![reference.to_owned()]);
    }
    let asked = parameters(query).into_iter().filter(|(key, _)| key == "tag").map(|(_, tag)| tag);
    let mut tags: Vec<String> = Vec::new();
    for tag in asked {
        if !name::is_tag(&tag) {
            return Err(wrong("a tag has at most 128 letters, digits, `.`, `_` and `-`"));
        }
        if !tags.contains(&tag) {
            tags.push(tag);
        }
    }
    if tags.len() > MOST_TAGS {
        return Err(wrong(format!("more than {MOST_TAGS} tags at once")));
    }
    Ok(tags)
}

fn description(read: &Manifest) -> String {
    let keys = ["org.opencontainers.image.description", "org.opencontainers.image.title"];
    let said = keys.into_iter().find_map(|key| read.annotations.get(key));
    said.unwrap_or_default().chars().take(1000).collect()
}

/// What must have been sent before. What is to be had elsewhere need not, nor what the manifest is about.
fn requires(read: &Manifest) -> Vec<String> {
    let named = read.files().into_iter().filter(|(_, descriptor)| !descriptor.foreign);
    named.map(|(file, _)| file.key()).collect()
}

fn removal(package: PackageName, reference: String) -> Result<Change, HostingError> {
    match name::digest(&reference) {
        Some(digest) => Ok(Change::Remove { package, version: Some(digest.to_string()) }),
        None if name::is_tag(&reference) => Ok(Change::Untag { package, tag: reference }),
        None => Err(wrong(NO_DIGEST)),
    }
}

impl Uploading for House {
    fn file(&self, digest: &Digest) -> String {
        File::Blob(digest.clone()).key()
    }

    fn answer(&self, package: &PackageName, step: &UploadStep, state: &Uploaded, base: &BaseUrl) -> Reply {
        let repository = format!("{}/{package}", name::path_of(base));
        match state {
            Uploaded::Open { session, size_bytes } => {
                let status = match step {
                    UploadStep::Status { .. } => StatusCode::NO_CONTENT,
                    _ => StatusCode::ACCEPTED,
                };
                refuse::empty(status)
                    .with_header(LOCATION, &format!("{repository}/blobs/uploads/{session}"))
                    .with_header(RANGE, &format!("0-{}", size_bytes.saturating_sub(1)))
                    .with_header(UPLOAD_ID, session)
            }
            Uploaded::Stored { digest } => refuse::empty(StatusCode::CREATED)
                .with_header(LOCATION, &format!("{repository}/blobs/{digest}"))
                .with_header(CONTENT_DIGEST, &digest.to_string()),
            Uploaded::Gone => refuse::empty(match step {
                UploadStep::Cancel { .. } => StatusCode::NO_CONTENT,
                _ => StatusCode::ACCEPTED,
            }),
        }
    }
}

/// Headers of a file: the digest that it was asked for by.
pub(super) fn file_headers(file: &str) -> Vec<(HeaderName, String)> {
    let digest = File::parse(file).map(|file| file.digest().to_string());
    digest.into_iter().map(|digest| (CONTENT_DIGEST, digest)).collect()
}

//! Publishing to this house: `mvn deploy` and Gradle's `maven-publish` put one file after the other, their
//! checksums and the metadata, in an order of their own. Metadata is made here from what was published, so theirs
//! is only acknowledged.

use super::documents::HOUSE;
use super::house::{self, Facts};
use super::route::{self, Address};
use super::{details, inspect, licence, name, pom};
use crate::hosting::{Change, HostedFile, HostedPackage, Hosting, HostingError};
use bytes::Bytes;
use http::StatusCode;
use lazaret_vocabulary::{
    Algorithm, Digest, Document, Malformed, PackageName, Reply, RequestHead, Timestamp,
};
use ring::digest;
use std::io::Cursor;

pub(super) const FILE: &str = "file";
pub(super) const CHECKSUM: &str = "checksum";
pub(super) const METADATA: &str = "metadata";
pub(super) const REMOVE: &str = "remove";

/// Largest file, in bytes.
pub(super) const LARGEST_FILE: usize = 256 << 20;
/// Largest metadata or checksum, in bytes.
pub(super) const LARGEST_DOCUMENT: usize = 4 << 20;

/// Packages of this house.
#[derive(Debug)]
pub(super) struct Deployed;

impl Hosting for Deployed {
    fn read(
        &self,
        action: &'static str,
        _package: Option<&PackageName>,
        request: &RequestHead<'_>,
        body: &Bytes,
    ) -> Result<Change, HostingError> {
        let nowhere = || wrong("the address names no file of a repository");
        match (action, route::read(request.path).ok_or_else(nowhere)?) {
            (FILE, Address::File { package, file, version, checksum: None }) => {
                publication(package, file, version, body)
            }
            (CHECKSUM, Address::File { package, file, checksum: Some(algorithm), .. }) => {
                Ok(Change::Acknowledge { package, declared: Some((file, declared(algorithm, body)?)) })
            }
            (METADATA, Address::Metadata { package, .. } | Address::Snapshot { package, .. }) => {
                Ok(Change::Acknowledge { package, declared: None })
            }
            (REMOVE, Address::File { package, version, checksum: None, file }) if file.ends_with(".pom") => {
                Ok(Change::Remove { package, version: Some(version) })
            }
            (REMOVE, _) => Err(wrong("a release is removed by deleting its POM; single files are not")),
            _ => Err(nowhere()),
        }
    }

    fn accepts(&self, existing: &HostedPackage, change: &Change) -> Result<(), HostingError> {
        let stored = |file: &str| {
            let mut files = existing.releases.iter().flat_map(|release| &release.files);
            files.find(|have| *have.file == *file)
        };
        match change {
            Change::Publish { files, .. } => {
                for new in files {
                    let digest = sha256(&new.bytes);
                    if let Some(have) = stored(&new.file)
                        && !digest.is_some_and(|digest| have.digests.contains(&digest))
                    {
                        return Err(HostingError {
                            status: StatusCode::CONFLICT,
                            message: format!("`{}` was published before and never changes", have.file),
                        });
                    }
                }
                Ok(())
            }
            Change::Acknowledge { declared: Some((file, digest)), .. } => match stored(file) {
                Some(have)
                    if have.digests.iter().any(|known| known.algorithm() == digest.algorithm())
                        && !have.digests.contains(digest) =>
                {
                    Err(wrong(format!("`{file}` was stored, but is not what this checksum is of")))
                }
                _ => Ok(()),
            },
            _ => Ok(()),
        }
    }

    fn documents(&self, package: &HostedPackage, now: Timestamp) -> Result<Vec<Document>, Malformed> {
        Ok(vec![Document {
            role: HOUSE,
            body: house::document(package)?,
            content_type: "application/json".to_owned(),
            fetched: now,
            modified: None,
        }])
    }

    fn done(&self, change: &Change) -> Reply {
        let status = if let Change::Remove { .. } = change { StatusCode::OK } else { StatusCode::CREATED };
        Reply::new(status, "text/plain; charset=utf-8", "")
    }

    fn owners(&self, owners: &[String]) -> Reply {
        Reply::new(StatusCode::OK, "text/plain; charset=utf-8", owners.join("\n"))
    }

    fn whoami(&self, name: &str) -> Reply {
        Reply::new(StatusCode::OK, "text/plain; charset=utf-8", format!("{name}\n"))
    }
}

fn wrong(message: impl Into<String>) -> HostingError {
    HostingError { status: StatusCode::BAD_REQUEST, message: message.into() }
}

fn sha256(bytes: &[u8]) -> Option<Digest> {
    Digest::from_bytes(Algorithm::Sha256, digest::digest(&digest::SHA256, bytes).as_ref())
}

/// The digest in a checksum file: the first word, behind which some tools write the file's name.
fn declared(algorithm: Algorithm, body: &[u8]) -> Result<Digest, HostingError> {
    let text = std::str::from_utf8(body).unwrap_or_default();
    let word = text.split_whitespace().next().unwrap_or_default();
    Digest::from_hex(algorithm, word).ok_or_else(|| {
        wrong(format!("the checksum is not {} hexadecimal digits", algorithm.size_bytes() * 2))
    })
}

fn publication(
    package: PackageName,
    file: String,
    version: String,
    body: &Bytes,
) -> Result<Change, HostingError> {
    if name::is_snapshot(&version) {
        return Err(wrong(
            "a snapshot is deployed under the moment of its upload, as Maven 3 and later do by themselves",
        ));
    }
    let (mut metadata, mut description) = (String::new(), String::new());
    if file.ends_with(".pom") {
        let pom = pom::read(body).map_err(|error| wrong(error.to_string()))?;
        let unfit = inspect::disagreement(&package, &version, &pom.own, "POM");
        // A POM that leaves its own name open fits everywhere, and so nowhere.
        let open = pom.own.artifact != name::halves(&package).1;
        if let Some(unfit) = unfit.or_else(|| open.then(|| "the POM does not say what it is of".to_owned())) {
            return Err(wrong(unfit));
        }
        let facts = Facts {
            licence: licence::expression(&pom.licences),
            repository: pom.repository.clone(),
            relocation: pom.relocation.clone(),
            dependencies: Some(details::fingerprint(&pom)),
        };
        metadata = serde_json::to_string(&facts).unwrap_or_default();
        description = pom.title;
    } else if file.ends_with(".jar")
        && let Some(own) = inspect::jar(&mut Cursor::new(body.as_ref()))
        && own.artifact == name::halves(&package).1
        && let Some(unfit) = inspect::disagreement(&package, &version, &own, "JAR")
    {
        return Err(wrong(unfit));
    }
    Ok(Change::Publish {
        files: vec![HostedFile { file, bytes: body.clone(), metadata, extra: None }],
        manifest: "{}".to_owned(),
        tags: Vec::new(),
        description,
        requires: Vec::new(),
        by_digest: false,
        version,
        package,
    })
}

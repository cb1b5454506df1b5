//! The company's own packages: published, changed, never their bytes.

use super::Gateway;
use super::request::Asked;
use super::store::ArtifactFacts;
use crate::wire::{Answer, answer};
use bytes::{Bytes, BytesMut};
use http::{StatusCode, header};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use lazaret_ecosystems::{Change, HostedFile, HostedPackage, HostedRelease, Hosting, StoredFile};
use lazaret_evidence::Digester;
use lazaret_metadata::{AuditRow, HostedFileRow, MetadataError, Publication};
use lazaret_vocabulary::{Algorithm, Digest, PackageName};
use std::io::Read as _;
use std::time::Duration;
use tokio::sync::SemaphorePermit;

/// What went wrong, with the status to say it under.
pub(crate) type Failure = (StatusCode, String);

/// Longest silence inside a request's body, and longest wait for room to read it.
const BODY_IDLE: Duration = Duration::from_secs(30);

/// Digests that clients ask for beside SHA-256.
const ALSO: [Algorithm; 3] = [Algorithm::Sha512, Algorithm::Sha1, Algorithm::Md5];

impl Gateway {
    pub(crate) async fn submit(
        &self,
        asked: &Asked<'_>,
        action: &'static str,
        package: Option<PackageName>,
        limit_bytes: usize,
        body: Incoming,
    ) -> Answer {
        let Some(hosting) = asked.ecosystem.hosting() else {
            return self
                .failed(asked, (StatusCode::METHOD_NOT_ALLOWED, "publishing is not offered here".into()));
        };
        if asked.identity.is_anonymous() {
            return self.needs_token(asked);
        }
        match self.change(asked, hosting, action, package, limit_bytes, body).await {
            Ok(answer) => answer,
            Err(failure) => self.failed(asked, failure),
        }
    }

    /// Says that changes are made with a token only.
    pub(crate) fn needs_token(&self, asked: &Asked<'_>) -> Answer {
        let message = "publishing needs a token with the scope `publish:…`";
        let mut reply = answer(asked.ecosystem.error(StatusCode::UNAUTHORIZED, message, &asked.head));
        if !reply.headers().contains_key(header::WWW_AUTHENTICATE) {
            super::artifact::set(&mut reply, header::WWW_AUTHENTICATE, "Basic realm=\"Lazaret\"");
        }
        reply
    }

    fn failed(&self, asked: &Asked<'_>, (status, message): Failure) -> Answer {
        answer(asked.ecosystem.error(status, &message, &asked.head))
    }

    async fn change(
        &self,
        asked: &Asked<'_>,
        hosting: &dyn Hosting,
        action: &'static str,
        package: Option<PackageName>,
        limit_bytes: usize,
        body: Incoming,
    ) -> Result<Answer, Failure> {
        // Before the body is read, which may be large: from the address where it names the package, else from
        // whether the token may publish anything here at all.
        match &package {
            Some(package) if !asked.identity.may_publish(package) => {
                return Err(self.not_permitted(asked, package));
            }
            None if !asked.identity.may_publish_in(asked.ecosystem.profile().id) => {
                let id = asked.ecosystem.profile().id;
                let message = format!("this token may not publish here; it needs a scope `publish:{id}/…`");
                return Err((StatusCode::FORBIDDEN, message));
            }
            _ => {}
        }
        let (body, _share) = self.collect(asked, body, limit_bytes).await?;
        let change = hosting
            .read(action, package.as_ref(), &asked.head, &body)
            .map_err(|error| (error.status, error.message))?;
        let name = change.package().clone();
        // What stores nothing was permitted above, and may be about more than one package.
        let nothing = matches!(change, Change::Acknowledge { .. });
        if !nothing && !asked.identity.may_publish(&name) {
            return Err(self.not_permitted(asked, &name));
        }
        let existing = self.hosted_package(&name).await.map_err(|error| self.store_failure(&error))?;
        if let Some(existing) = &existing {
            hosting.accepts(existing, &change).map_err(|error| (error.status, error.message))?;
        }
        if let Change::OwnersList { .. } = change {
            let owners = existing.map(|existing| existing.owners).unwrap_or_default();
            return Ok(answer(hosting.owners(&owners)));
        }
        if nothing {
            return Ok(answer(hosting.done(&change)));
        }
        self.carry_out(asked, &name, &change, existing.as_ref()).await?;
        self.reload().await;
        self.forget_package(&name);
        Ok(answer(hosting.done(&change)))
    }

    pub(crate) fn not_permitted(&self, asked: &Asked<'_>, name: &PackageName) -> Failure {
        let ecosystem = asked.ecosystem.profile().id;
        (
            StatusCode::FORBIDDEN,
            format!(
                "this token may not publish `{name}`; it needs the scope `publish:{ecosystem}/{}`",
                name.key()
            ),
        )
    }

    async fn carry_out(
        &self,
        asked: &Asked<'_>,
        name: &PackageName,
        change: &Change,
        existing: Option<&HostedPackage>,
    ) -> Result<(), Failure> {
        let (ecosystem, key) = (name.ecosystem().as_str(), name.key());
        let audit = |action: &str, detail: &str| AuditRow {
            at: self.clock.now(),
            principal: asked.identity.principal.id.to_string(),
            action: action.to_owned(),
            subject: format!("{ecosystem}/{name}"),
            detail: serde_json::json!({ "what": detail }).to_string(),
        };
        let data = &self.metadata;
        let result = match change {
            Change::Publish { version, manifest, files, tags, description, requires, by_digest, .. } => {
                self.are_there(name, requires).await?;
                let mut rows = Vec::new();
                for file in files {
                    let media_type = asked.ecosystem.hosting().and_then(|hosting| hosting.media_type(file));
                    let row = self.hosted_file(file, version, media_type).await;
                    rows.push(row.map_err(|error| self.store_failure(&error))?);
                }
                let publication = Publication {
                    ecosystem: ecosystem.to_owned(),
                    package_key: key.to_owned(),
                    name: name.as_str().to_owned(),
                    description: description.clone(),
                    version: version.clone(),
                    manifest: manifest.clone(),
                    publisher: asked.identity.owner.to_string(),
                    at: self.clock.now(),
                    files: rows,
                    tags: tags.clone(),
                    // Whether a version may get further files is the ecosystem's rule; it was asked above.
                    extends: true,
                    by_digest: *by_digest,
                };
                data.publish(&publication, &audit("publish", version)).await.map(|_| ())
            }
            Change::Withdraw { version, reason, .. } => {
                data.withdraw_hosted(ecosystem, key, version, Some(reason), &audit("withdraw", version)).await
            }
            Change::Restore { version, .. } => {
                data.withdraw_hosted(ecosystem, key, version, None, &audit("restore", version)).await
            }
            Change::Deprecate { versions, .. } => {
                for (version, text) in versions {
                    let text = (!text.is_empty()).then_some(text.as_str());
                    data.deprecate_hosted(ecosystem, key, version, text, &audit("deprecate", version))
                        .await
                        .map_err(|error| self.refused(error))?;
                }
                Ok(())
            }
            Change::Tag { tag, version, .. } => {
                data.tag_hosted(ecosystem, key, tag, Some(version), &audit("tag", tag)).await
            }
            Change::Untag { tag, .. } => {
                data.tag_hosted(ecosystem, key, tag, None, &audit("untag", tag)).await
            }
            Change::Remove { version, .. } => {
                let all = existing.map(|existing| existing.releases.as_slice()).unwrap_or_default();
                let versions: Vec<&str> = match version {
                    Some(version) => vec![version],
                    None => all.iter().map(|release| release.version.as_str()).collect(),
                };
                for version in versions {
                    data.remove_hosted(ecosystem, key, version, self.clock.now(), &audit("remove", version))
                        .await
                        .map_err(|error| self.refused(error))?;
                }
                Ok(())
            }
            Change::Owners { add, remove, .. } => {
                data.change_owners(ecosystem, key, add, remove, &audit("owners", "")).await
            }
            Change::OwnersList { .. } | Change::Acknowledge { .. } => Ok(()),
        };
        result.map_err(|error| self.refused(error))
    }

    /// Whether all of these files were uploaded to the package.
    async fn are_there(&self, name: &PackageName, files: &[String]) -> Result<(), Failure> {
        for file in files {
            let stored = self
                .stored(name, &file.as_str().into())
                .await
                .map_err(|error| (error.status(), error.to_string()))?;
            if stored.is_none() {
                return Err((StatusCode::NOT_FOUND, format!("`{file}` was not uploaded to `{name}`")));
            }
        }
        Ok(())
    }

    /// Stores a published file's bytes, which are nobody's until the publication is on record.
    async fn hosted_file(
        &self,
        file: &HostedFile,
        version: &str,
        media_type: Option<String>,
    ) -> Result<(HostedFileRow, String), lazaret_blobs::BlobError> {
        let mut digester = Digester::for_algorithms(ALSO);
        digester.update(&file.bytes);
        let (digests, size_bytes) = digester.finish();
        let sha256 = self.blobs.put_bytes(&file.bytes).await?;
        let mut facts = ArtifactFacts {
            version: version.to_owned(),
            proven: true,
            media_type,
            ..ArtifactFacts::default()
        };
        if let Some((part, bytes)) = &file.extra {
            facts.extras.push((part.as_str().to_owned(), self.blobs.put_bytes(bytes).await?));
        }
        let others: Vec<String> = digests.iter().skip(1).map(ToString::to_string).collect();
        let row = HostedFileRow {
            file: file.file.clone(),
            version: version.to_owned(),
            sha256,
            digests: serde_json::to_string(&others).unwrap_or_default(),
            size_bytes,
            published: self.clock.now(),
            metadata: file.metadata.clone(),
        };
        Ok((row, serde_json::to_string(&facts).unwrap_or_else(|_| "{}".into())))
    }

    fn refused(&self, error: MetadataError) -> Failure {
        match error {
            MetadataError::Taken(message) => (StatusCode::CONFLICT, message),
            MetadataError::Refused(message) => (StatusCode::BAD_REQUEST, message),
            error @ MetadataError::Missing(_) => (StatusCode::NOT_FOUND, error.to_string()),
            error => self.store_failure(&error),
        }
    }

    pub(crate) fn store_failure(&self, error: &dyn std::fmt::Display) -> Failure {
        tracing::error!(%error, "the store failed while a package was changed");
        (StatusCode::INTERNAL_SERVER_ERROR, "the gateway's own store failed; nothing was changed".into())
    }

    /// A hosted package as its ecosystem reads it; removed releases left out.
    pub(crate) async fn hosted_package(
        &self,
        name: &PackageName,
    ) -> Result<Option<HostedPackage>, MetadataError> {
        let Some(stored) = self.metadata.hosted(name.ecosystem().as_str(), name.key()).await? else {
            return Ok(None);
        };
        let releases = stored
            .releases
            .into_iter()
            .filter(|release| release.removed.is_none())
            .map(|release| {
                let files = stored.files.iter().filter(|file| file.version == release.version);
                let files = files.map(|file| {
                    let mut digests = vec![file.sha256.clone()];
                    let others: Vec<String> = serde_json::from_str(&file.digests).unwrap_or_default();
                    digests.extend(others.iter().filter_map(|text| text.parse::<Digest>().ok()));
                    StoredFile {
                        file: file.file.as_str().into(),
                        digests,
                        size_bytes: file.size_bytes,
                        published: file.published,
                        metadata: file.metadata.clone(),
                    }
                });
                HostedRelease {
                    version: release.version.clone(),
                    manifest: release.manifest,
                    published: release.published,
                    publisher: release.publisher,
                    withdrawn: release.withdrawn,
                    deprecated: release.deprecated,
                    files: files.collect(),
                }
            })
            .collect();
        let spelled = lazaret_ecosystems::by_id(name.ecosystem().as_str())
            .and_then(|ecosystem| ecosystem.name(&stored.package.name).ok());
        Ok(Some(HostedPackage {
            package: spelled.unwrap_or_else(|| name.clone()),
            releases,
            tags: stored.tags,
            owners: stored.owners,
        }))
    }

    pub(crate) fn whoami(&self, asked: &Asked<'_>) -> Answer {
        match asked.ecosystem.hosting() {
            Some(hosting) => answer(hosting.whoami(&asked.identity.owner)),
            None => self.not_found(asked),
        }
    }
}

impl Gateway {
    /// Reads a request's body under a bound, inflated if it is gzip. All bodies that are read at one time share
    /// [`super::BODIES_MIB`]; who finds it taken waits, and a client that falls silent gives its share back. The
    /// share is handed out with the bytes, to be kept as long as they are.
    pub(crate) async fn collect(
        &self,
        asked: &Asked<'_>,
        mut body: Incoming,
        limit: usize,
    ) -> Result<(Bytes, SemaphorePermit<'_>), Failure> {
        let mib = |bytes: usize| bytes.div_ceil(1 << 20).max(1);
        let too_large =
            || (StatusCode::PAYLOAD_TOO_LARGE, format!("the request is larger than {} MiB", mib(limit)));
        let encoding = asked.head.header("content-encoding");
        let announced = asked.head.header("content-length").parse::<usize>().ok();
        if announced.is_some_and(|length| length > limit) {
            return Err(too_large());
        }
        let share = match announced {
            Some(length) if encoding != "gzip" => mib(length),
            _ => mib(limit),
        };
        let share = u32::try_from(share.min(super::BODIES_MIB)).unwrap_or(u32::MAX);
        let busy = || (StatusCode::SERVICE_UNAVAILABLE, "too many uploads at once; try again".to_owned());
        let share = tokio::time::timeout(BODY_IDLE, self.bodies.acquire_many(share))
            .await
            .map_err(|_| busy())?
            .map_err(|_| busy())?;
        let mut bytes = BytesMut::new();
        loop {
            let frame = tokio::time::timeout(BODY_IDLE, body.frame()).await.map_err(|_| {
                let message = format!("no byte of the request came for {} s", BODY_IDLE.as_secs());
                (StatusCode::REQUEST_TIMEOUT, message)
            })?;
            let Some(frame) = frame else { break };
            let frame =
                frame.map_err(|_| (StatusCode::BAD_REQUEST, "the request's body broke off".to_owned()))?;
            if let Some(data) = frame.data_ref() {
                if bytes.len() + data.len() > limit {
                    return Err(too_large());
                }
                bytes.extend_from_slice(data);
            }
        }
        match encoding {
            "" | "identity" => Ok((bytes.freeze(), share)),
            "gzip" => {
                let mut plain = Vec::new();
                flate2::read::MultiGzDecoder::new(&bytes[..])
                    .take(limit as u64 + 1)
                    .read_to_end(&mut plain)
                    .map_err(|_| (StatusCode::BAD_REQUEST, "the request's gzip is broken".to_owned()))?;
                if plain.len() > limit { Err(too_large()) } else { Ok((plain.into(), share)) }
            }
            other => Err((
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                format!("content encoding `{other}` is not read here"),
            )),
        }
    }
}

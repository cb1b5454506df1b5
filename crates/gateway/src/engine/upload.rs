//! Files that come in pieces: sessions, each with a spool file of its own that has no name in the store before
//! the whole is there and fits its digest.

use super::Gateway;
use super::hosting::Failure;
use super::request::Asked;
use super::store::ArtifactFacts;
use crate::wire::{Answer, answer};
use http::StatusCode;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use lazaret_blobs::Spool;
use lazaret_ecosystems::{UploadStep, Uploaded, Uploading};
use lazaret_evidence::Digester;
use lazaret_metadata::{ArtifactRow, AuditRow};
use lazaret_vocabulary::{Algorithm, Digest, PackageName, Timestamp};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Sessions open at one time.
const MAX_SESSIONS: usize = 1000;
/// A session in which nothing happens for so long is given up.
const PATIENCE_MILLIS: i64 = 3_600_000;
/// Longest silence inside a request's body.
const BODY_IDLE: Duration = Duration::from_secs(30);

/// Uploads that are open.
#[derive(Default)]
pub(crate) struct Uploads {
    open: Mutex<HashMap<String, Arc<Session>>>,
}

struct Session {
    package: PackageName,
    owner: String,
    touched: Mutex<Timestamp>,
    /// One request at a time writes.
    state: tokio::sync::Mutex<Writing>,
}

struct Writing {
    spool: Option<Spool>,
    digester: Digester,
    size_bytes: u64,
}

impl Gateway {
    pub(crate) async fn upload(
        &self,
        asked: &Asked<'_>,
        package: PackageName,
        step: UploadStep,
        body: Incoming,
    ) -> Answer {
        let Some(uploading) = asked.ecosystem.hosting().and_then(|hosting| hosting.uploading()) else {
            return self.not_found(asked);
        };
        if asked.identity.is_anonymous() {
            return self.needs_token(asked);
        }
        if !asked.identity.may_publish(&package) {
            let (status, message) = self.not_permitted(asked, &package);
            return answer(asked.ecosystem.error(status, &message, &asked.head));
        }
        match self.take_step(asked, uploading, &package, &step, body).await {
            Ok(state) => answer(uploading.answer(&package, &step, &state, &asked.base)),
            Err((status, message)) => answer(asked.ecosystem.error(status, &message, &asked.head)),
        }
    }

    async fn take_step(
        &self,
        asked: &Asked<'_>,
        uploading: &dyn Uploading,
        package: &PackageName,
        step: &UploadStep,
        body: Incoming,
    ) -> Result<Uploaded, Failure> {
        match step {
            UploadStep::Begin { digest: Some(digest), .. } => {
                let session = self.open_session(asked, package).await?;
                let done = async {
                    self.write(&session, None, body).await?;
                    self.finish(asked, uploading, package, &session, digest).await
                }
                .await;
                self.uploads.close(&session);
                done
            }
            UploadStep::Begin { mount: Some((digest, from)), digest: None } => {
                let from = match from {
                    Some(from) => Some(from.clone()),
                    None => self.holder(asked, uploading, digest).await?,
                };
                if let Some(from) = &from
                    && self.mount(asked, uploading, package, from, digest).await?
                {
                    return Ok(Uploaded::Stored { digest: digest.clone() });
                }
                let session = self.open_session(asked, package).await?;
                Ok(Uploaded::Open { session, size_bytes: 0 })
            }
            UploadStep::Begin { digest: None, mount: None } => {
                let session = self.open_session(asked, package).await?;
                Ok(Uploaded::Open { session, size_bytes: 0 })
            }
            UploadStep::Append { session, range } => {
                self.session(asked, package, session)?;
                let size_bytes = self.write(session, *range, body).await?;
                Ok(Uploaded::Open { session: session.clone(), size_bytes })
            }
            UploadStep::Finish { session, digest, range } => {
                self.session(asked, package, session)?;
                self.write(session, *range, body).await?;
                let done = self.finish(asked, uploading, package, session, digest).await;
                // A wrong digest ends it too: what was sent is not what was meant.
                self.uploads.close(session);
                done
            }
            UploadStep::Status { session } => {
                let open = self.session(asked, package, session)?;
                let size_bytes = open.state.lock().await.size_bytes;
                Ok(Uploaded::Open { session: session.clone(), size_bytes })
            }
            UploadStep::Cancel { session } => {
                self.session(asked, package, session)?;
                self.uploads.close(session);
                Ok(Uploaded::Gone)
            }
            UploadStep::Remove { digest } => self.remove_uploaded(asked, uploading, package, digest).await,
        }
    }

    async fn open_session(&self, asked: &Asked<'_>, package: &PackageName) -> Result<String, Failure> {
        let failed = |error: &dyn std::fmt::Display| self.store_failure(error);
        let id = lazaret_metadata::new_id(self.clock.now()).map_err(|error| failed(&error))?;
        let spool = self.blobs.spool_unhashed().await.map_err(|error| failed(&error))?;
        let session = Session {
            package: package.clone(),
            owner: asked.identity.owner.to_string(),
            touched: Mutex::new(self.clock.now()),
            state: tokio::sync::Mutex::new(Writing {
                spool: Some(spool),
                digester: Digester::for_algorithms([Algorithm::Sha512]),
                size_bytes: 0,
            }),
        };
        let now = self.clock.now();
        let mut open = self.uploads.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|_, session| {
            let touched = *session.touched.lock().unwrap_or_else(PoisonError::into_inner);
            now.since(touched).millis() < PATIENCE_MILLIS
        });
        if open.len() >= MAX_SESSIONS {
            return Err((StatusCode::TOO_MANY_REQUESTS, "too many uploads are open; try again later".into()));
        }
        open.insert(id.clone(), Arc::new(session));
        Ok(id)
    }

    /// A session of this client's, for this package.
    fn session(&self, asked: &Asked<'_>, package: &PackageName, id: &str) -> Result<Arc<Session>, Failure> {
        let found = self.uploads.get(id);
        found
            .filter(|session| session.package == *package && *session.owner == *asked.identity.owner)
            .ok_or_else(|| (StatusCode::NOT_FOUND, "there is no such upload; begin it again".into()))
    }

    /// Adds a request's body to a session; how long it is then.
    async fn write(&self, id: &str, range: Option<(u64, u64)>, mut body: Incoming) -> Result<u64, Failure> {
        let gone = || (StatusCode::NOT_FOUND, "there is no such upload; begin it again".to_owned());
        let session = self.uploads.get(id).ok_or_else(gone)?;
        let mut writing = session.state.lock().await;
        *session.touched.lock().unwrap_or_else(PoisonError::into_inner) = self.clock.now();
        if let Some((first, _)) = range
            && first != writing.size_bytes
        {
            let message =
                format!("the next byte is number {}, the request begins with {first}", writing.size_bytes);
            return Err((StatusCode::RANGE_NOT_SATISFIABLE, message));
        }
        let begun = writing.size_bytes;
        loop {
            let frame = tokio::time::timeout(BODY_IDLE, body.frame()).await.map_err(|_| {
                let message = format!("no byte of the request came for {} s", BODY_IDLE.as_secs());
                (StatusCode::REQUEST_TIMEOUT, message)
            })?;
            let Some(frame) = frame else { break };
            let frame =
                frame.map_err(|_| (StatusCode::BAD_REQUEST, "the request's body broke off".to_owned()))?;
            let Some(data) = frame.data_ref() else { continue };
            let size = writing.size_bytes.saturating_add(data.len() as u64);
            let limit = self.settings.artifact_limit_bytes;
            if size > limit {
                let message = format!("the file is larger than {} MiB (artifact_limit_bytes)", limit >> 20);
                return Err((StatusCode::PAYLOAD_TOO_LARGE, message));
            }
            writing.digester.update(data);
            let spool = writing.spool.as_mut().ok_or_else(gone)?;
            spool.write(data).await.map_err(|error| self.store_failure(&error))?;
            writing.size_bytes = size;
        }
        if let Some((first, last)) = range
            && last.checked_sub(first).and_then(|length| length.checked_add(1))
                != Some(writing.size_bytes - begun)
        {
            let message = "the body is not as long as its Content-Range says".to_owned();
            return Err((StatusCode::BAD_REQUEST, message));
        }
        Ok(writing.size_bytes)
    }

    /// Verifies and stores what a session has.
    async fn finish(
        &self,
        asked: &Asked<'_>,
        uploading: &dyn Uploading,
        package: &PackageName,
        id: &str,
        digest: &Digest,
    ) -> Result<Uploaded, Failure> {
        let gone = || (StatusCode::NOT_FOUND, "there is no such upload; begin it again".to_owned());
        let session = self.uploads.get(id).ok_or_else(gone)?;
        let mut writing = session.state.lock().await;
        let digester = std::mem::replace(&mut writing.digester, Digester::for_declared(&[]));
        let spool = writing.spool.take().ok_or_else(gone)?;
        let (computed, size_bytes) = digester.finish();
        let verified =
            lazaret_evidence::check(std::slice::from_ref(digest), None, None, &computed, size_bytes)
                .map_err(|mismatch| {
                    (StatusCode::BAD_REQUEST, format!("the digest does not fit: {mismatch}"))
                })?;
        let failed = |error: &dyn std::fmt::Display| self.store_failure(error);
        let spooled = spool.finish_verified(&verified).map_err(|error| failed(&error))?;
        self.blobs.commit(spooled).await.map_err(|error| failed(&error))?;
        self.keep_uploaded(asked, package, &uploading.file(digest), verified.sha256(), size_bytes).await?;
        Ok(Uploaded::Stored { digest: digest.clone() })
    }

    async fn keep_uploaded(
        &self,
        asked: &Asked<'_>,
        package: &PackageName,
        file: &str,
        sha256: &Digest,
        size_bytes: u64,
    ) -> Result<(), Failure> {
        let facts = ArtifactFacts { proven: true, ..ArtifactFacts::default() };
        let row = ArtifactRow {
            ecosystem: package.ecosystem().to_string(),
            package_key: package.key().to_owned(),
            package: package.as_str().to_owned(),
            version: String::new(),
            file: file.to_owned(),
            sha256: sha256.clone(),
            size_bytes,
            stored: self.clock.now(),
            hosted: true,
            admitted: false,
            facts: serde_json::to_string(&facts).unwrap_or_else(|_| "{}".into()),
        };
        let audit = self.upload_audit(asked, package, "upload", file);
        self.metadata
            .put_upload(&row, &asked.identity.owner, &audit)
            .await
            .map_err(|error| self.store_failure(&error))?;
        self.forget_stored(package, &file.into());
        if !self.is_hosted(package) {
            self.reload().await;
            self.forget_package(package);
        }
        Ok(())
    }

    fn upload_audit(&self, asked: &Asked<'_>, package: &PackageName, action: &str, file: &str) -> AuditRow {
        AuditRow {
            at: self.clock.now(),
            principal: asked.identity.principal.id.to_string(),
            action: action.to_owned(),
            subject: format!("{}/{package}", package.ecosystem()),
            detail: serde_json::json!({ "what": file }).to_string(),
        }
    }

    /// A package of this house that has a file, where the client does not say which.
    async fn holder(
        &self,
        asked: &Asked<'_>,
        uploading: &dyn Uploading,
        digest: &Digest,
    ) -> Result<Option<PackageName>, Failure> {
        let ecosystem = asked.ecosystem.profile().id.as_str();
        let found = self.metadata.hosted_anywhere(ecosystem, &uploading.file(digest)).await;
        let found = found.map_err(|error| self.store_failure(&error))?;
        Ok(found.and_then(|name| asked.ecosystem.name(&name).ok()))
    }

    /// Takes a file over from another package of this house that the client may read.
    async fn mount(
        &self,
        asked: &Asked<'_>,
        uploading: &dyn Uploading,
        package: &PackageName,
        from: &PackageName,
        digest: &Digest,
    ) -> Result<bool, Failure> {
        let file: Arc<str> = uploading.file(digest).into();
        if !self.is_hosted(from) {
            return Ok(false);
        }
        let stored = self.stored(from, &file).await.map_err(|error| self.store_failure(&error))?;
        let Some(stored) = stored else { return Ok(false) };
        self.keep_uploaded(asked, package, &file, &stored.sha256, stored.size_bytes).await?;
        Ok(true)
    }

    async fn remove_uploaded(
        &self,
        asked: &Asked<'_>,
        uploading: &dyn Uploading,
        package: &PackageName,
        digest: &Digest,
    ) -> Result<Uploaded, Failure> {
        let file = uploading.file(digest);
        let audit = self.upload_audit(asked, package, "remove", &file);
        let removed = self
            .metadata
            .remove_upload(package.ecosystem().as_str(), package.key(), &file, &audit)
            .await
            .map_err(|error| self.store_failure(&error))?;
        self.forget_stored(package, &file.into());
        if removed {
            Ok(Uploaded::Gone)
        } else {
            Err((StatusCode::NOT_FOUND, "there is no such file".into()))
        }
    }
}

impl Uploads {
    fn get(&self, id: &str) -> Option<Arc<Session>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
    }

    fn close(&self, id: &str) {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
    }
}

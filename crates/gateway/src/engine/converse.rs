//! Questions that upstream answers one by one, such as git's: what the answer would carry is judged before the
//! question goes on, and the answer is held until it is whole.

use super::Gateway;
use super::documents::LoadError;
use super::package::Package;
use super::request::Asked;
use crate::upstream::{ArtifactStream, UpstreamError};
use crate::wire::{Answer, Body, ByteRange, answer};
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Response, StatusCode, header};
use hyper::body::Incoming;
use lazaret_ecosystems::{Conversing, Index as _, Question};
use lazaret_evidence::{Digester, Verified};
use lazaret_metadata::{AdmissionRow, DownloadRow, PointerRow};
use lazaret_policy::Action;
use lazaret_vocabulary::{PackageName, Reference, ReferenceKind, Refusal, Release, Standing};
use std::sync::Arc;

/// Names of the commits of one question that are looked up, at most.
const MAX_NAMES: u32 = 200_000;
/// Longest answer that is read into memory: where names stand.
const MAX_NAMES_BYTES: usize = 64 << 20;

impl Gateway {
    pub(crate) async fn converse(
        &self,
        asked: &Asked<'_>,
        name: PackageName,
        kind: &'static str,
        limit_bytes: usize,
        body: Incoming,
    ) -> Answer {
        let Some(conversing) = asked.ecosystem.conversing() else { return self.not_found(asked) };
        let package = match self.load(&name).await {
            Ok(loaded) => loaded.package,
            Err(error) => return self.load_failed(asked, &name, &error),
        };
        let (body, _share) = match self.collect(asked, body, limit_bytes).await {
            Ok(read) => read,
            Err((status, message)) => return answer(asked.ecosystem.error(status, &message, &asked.head)),
        };
        let roles = self.roles(name.ecosystem());
        let need = self.need(&name, &roles);
        let question = match conversing.hear(kind, &name, &asked.head, &body, &need) {
            Ok(question) => question,
            Err(error) => {
                return answer(asked.ecosystem.error(
                    StatusCode::BAD_REQUEST,
                    &error.to_string(),
                    &asked.head,
                ));
            }
        };
        let result = if question.wants.is_empty() {
            self.tell_names(asked, conversing, kind, &name, question).await
        } else {
            self.hand_over(asked, conversing, kind, &package, question).await
        };
        result.unwrap_or_else(|error| self.load_failed(asked, &name, &error))
    }

    async fn put(&self, asked: &Asked<'_>, question: &Question) -> Result<ArtifactStream, UpstreamError> {
        let id = asked.ecosystem.profile().id;
        let upstream = self.upstream(id).ok_or_else(|| UpstreamError::NotConfigured(id.to_string()))?;
        let headers: HeaderMap = question.headers.iter().cloned().collect();
        upstream.question(&question.upstream, &question.path, headers, question.body.clone()).await
    }

    /// A question about names alone.
    async fn tell_names(
        &self,
        asked: &Asked<'_>,
        conversing: &dyn Conversing,
        kind: &'static str,
        name: &PackageName,
        question: Question,
    ) -> Result<Answer, LoadError> {
        let failed = |cause| LoadError::Unavailable { package: name.to_string(), cause };
        let mut stream = self.put(asked, &question).await.map_err(failed)?;
        let mut told = BytesMut::new();
        while let Some(chunk) = stream.next().await.map_err(failed)? {
            if told.len() + chunk.len() > MAX_NAMES_BYTES {
                return Err(failed(UpstreamError::Refused("it tells too many names".into())));
            }
            told.extend_from_slice(&chunk);
        }
        let told = told.freeze();
        let pointers = conversing.overhear(kind, name, &told);
        self.take_in(name.ecosystem(), Vec::new(), pointers)
            .await
            .map_err(|error| self.store_failed("pointers", &error))?;
        let mut response = Response::new(Body::whole(told));
        super::artifact::set(&mut response, header::CONTENT_TYPE, question.answer_type);
        super::artifact::set(&mut response, header::CACHE_CONTROL, "no-store");
        Ok(response)
    }

    /// A question whose answer carries releases.
    async fn hand_over(
        &self,
        asked: &Asked<'_>,
        conversing: &dyn Conversing,
        kind: &'static str,
        package: &Arc<Package>,
        mut question: Question,
    ) -> Result<Answer, LoadError> {
        let name = &package.name;
        let failed = |cause| LoadError::Unavailable { package: name.to_string(), cause };
        self.name_wants(conversing, name, &mut question.wants).await?;
        let wanted = self.wanted_package(package, std::mem::take(&mut question.wants)).await?;
        let judged = self.judge(&wanted, asked.viewer());
        let page = self.page_url(asked.root, name);
        let releases = wanted.index.releases();
        for (at, release) in releases.iter().enumerate() {
            if let Some(withheld) = judged.allowed.withheld(at) {
                self.note_decision(&wanted, &judged, at);
                let refusal = Refusal {
                    package: name.clone(),
                    version: Some(release.version.to_string()),
                    code: withheld.code.to_string(),
                    sentence: withheld.sentence.clone(),
                    until: if withheld.action == Action::Hold { withheld.until } else { None },
                    newest_allowed: None,
                    page,
                };
                let codes: Vec<String> = withheld.codes.iter().map(ToString::to_string).collect();
                self.record_refusal(&refusal, &codes, &asked.identity.principal);
                return Ok(answer(asked.ecosystem.refuse(&refusal, &asked.head)));
            }
        }
        let mut stream = self.put(asked, &question).await.map_err(failed)?;
        let store = |error: &dyn std::fmt::Display| self.store_failed("spool", error);
        let mut spool = self.blobs.spool_unhashed().await.map_err(|error| store(&error))?;
        let mut digester = Digester::for_declared(&[]);
        let mut written = 0u64;
        while let Some(chunk) = stream.next().await.map_err(failed)? {
            written = written.saturating_add(chunk.len() as u64);
            if written > self.settings.artifact_limit_bytes {
                return Err(failed(UpstreamError::Refused(
                    "its answer is larger than artifact_limit_bytes".into(),
                )));
            }
            digester.update(&chunk);
            spool.write(&chunk).await.map_err(|error| store(&error))?;
        }
        let (computed, size) = digester.finish();
        let verified =
            lazaret_evidence::check(&[], None, None, &computed, size).map_err(|error| store(&error))?;
        let spooled = spool.finish_verified(&verified).map_err(|error| store(&error))?;
        let mut file = spooled.open().map_err(|error| store(&error))?;
        let ecosystem = asked.ecosystem;
        tokio::task::spawn_blocking(move || {
            let Some(conversing) = ecosystem.conversing() else { return Ok(()) };
            conversing.is_whole(kind, &mut std::io::BufReader::with_capacity(64 << 10, &mut file))
        })
        .await
        .map_err(|error| store(&error))?
        .map_err(|error| failed(UpstreamError::Refused(error.to_string())))?;
        self.admit_answer(asked, &wanted, &judged.allowed, &verified).await?;
        let sent = spooled.open().map_err(|error| store(&error))?;
        let mut response = Response::new(Body::empty());
        super::artifact::set(&mut response, header::CONTENT_TYPE, question.answer_type);
        super::artifact::set(&mut response, header::CACHE_CONTROL, "no-store");
        if size > 0 {
            let range = ByteRange { first: 0, last: size - 1 };
            let chunks = self.file_stream(sent, range);
            *response.body_mut() = Body::coming(held(chunks, spooled), Some(size));
        }
        Ok(response)
    }

    /// Gives a commit that a moved name of those that are meant to stay led to that name, so that it is judged.
    async fn name_wants(
        &self,
        conversing: &dyn Conversing,
        name: &PackageName,
        wants: &mut [Release],
    ) -> Result<(), LoadError> {
        let rows = self
            .metadata
            .pointers_of(name.ecosystem().as_str(), name.key(), MAX_NAMES)
            .await
            .map_err(|error| self.store_failed("pointers", &error))?;
        for want in wants.iter_mut().filter(|want| want.reference.is_none()) {
            want.reference = moved(conversing, &rows, &want.version);
        }
        Ok(())
    }

    /// All that one question wants, as one package to be judged at once.
    async fn wanted_package(
        &self,
        package: &Arc<Package>,
        mut wants: Vec<Release>,
    ) -> Result<Arc<Package>, LoadError> {
        for want in &mut wants {
            if want.artifacts.is_empty() {
                want.artifacts.push(lazaret_vocabulary::Artifact {
                    file: answer_file(&want.version).into(),
                    url: "".into(),
                    digests: Vec::new(),
                    size_bytes: None,
                });
            }
        }
        let name = &package.name;
        let memory =
            self.remember(name, &wants, false).await.map_err(|error| self.store_failed("memory", &error))?;
        let standing: Standing = package.index.standing().clone();
        let index = super::vouched::Composed::new(Box::new(super::unlisted::Alone::new(standing)), wants);
        debug_assert!(index.tags().is_empty());
        let fetched = package.lease().fetched();
        Ok(Arc::new(Package::new(package.ecosystem, name.clone(), false, Box::new(index), memory, fetched)))
    }

    /// Records the first time that each release is handed over, before the answer's first byte leaves.
    async fn admit_answer(
        &self,
        asked: &Asked<'_>,
        wanted: &Arc<Package>,
        allowed: &lazaret_policy::Allowed,
        verified: &Verified,
    ) -> Result<(), LoadError> {
        let (name, principal, now) = (&wanted.name, &asked.identity.principal, self.clock.now());
        let memory = wanted.memory();
        for release in wanted.index.releases() {
            let file = release.artifacts.first().map_or_else(String::new, |one| one.file.to_string());
            self.notes.download(DownloadRow {
                ecosystem: name.ecosystem().to_string(),
                package_key: name.key().to_owned(),
                version: release.version.to_string(),
                file: file.clone(),
                sha256: verified.sha256().clone(),
                principal: principal.id.to_string(),
                at: now,
            });
            if memory.admitted.contains(file.as_str()) {
                continue;
            }
            let row = AdmissionRow {
                ecosystem: name.ecosystem().to_string(),
                package_key: name.key().to_owned(),
                package: name.as_str().to_owned(),
                version: release.version.to_string(),
                file,
                sha256: verified.sha256().clone(),
                policy_revision: allowed.revision().to_owned(),
                findings: "[]".into(),
                principal: principal.id.to_string(),
                class: principal.class.as_str().to_owned(),
                at: now,
            };
            self.metadata.admit(&row).await.map_err(|error| self.store_failed("admission", &error))?;
            self.tally.admitted(name);
        }
        self.tally.served();
        Ok(())
    }
}

/// The name under which the answer that carries a release is on record.
fn answer_file(version: &str) -> String {
    format!("answer/{version}")
}

/// A name that is meant to stay and led elsewhere when it was first seen, if one leads to this release now.
fn moved(conversing: &dyn Conversing, rows: &[PointerRow], version: &str) -> Option<Reference> {
    let fixed = |row: &&PointerRow| row.version == version && conversing.is_fixed(&row.pointer);
    rows.iter().filter(fixed).find_map(|row| {
        let first =
            rows.iter().filter(|other| other.pointer == row.pointer).min_by_key(|other| other.first_seen)?;
        (first.version != version).then(|| Reference {
            name: row.pointer.as_str().into(),
            kind: ReferenceKind::Fixed,
            moved_from: Some(first.version.as_str().into()),
        })
    })
}

/// The stream, and what has to live as long.
fn held<S, T>(stream: S, keep: T) -> impl futures_util::Stream<Item = std::io::Result<Bytes>> + Send
where
    S: futures_util::Stream<Item = std::io::Result<Bytes>> + Send + 'static,
    T: Send + 'static,
{
    use futures_util::StreamExt as _;
    let keep = Arc::new(std::sync::Mutex::new(keep));
    stream.map(move |chunk| {
        let _held = &keep;
        chunk
    })
}

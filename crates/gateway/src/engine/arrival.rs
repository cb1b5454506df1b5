//! An artifact on its way in: one download however many wait for it, verified and looked into before its
//! last bytes go to anyone.

use super::Gateway;
use super::package::{Package, Place};
use super::store::{ArtifactFacts, Stored};
use crate::upstream::UpstreamError;
use lazaret_evidence::{Digester, Verified};
use lazaret_vocabulary::{Digest, PackageName};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::watch;

/// Which file of which package.
pub(crate) type ArtifactKey = (PackageName, Arc<str>);

/// How far a download has come.
#[derive(Debug, Clone)]
pub(crate) enum Progress {
    /// Upstream has not answered yet.
    Asking,
    /// Bytes are coming into the spool file; so many are there.
    Flowing { path: PathBuf, length: Option<u64>, written: u64 },
    /// It is whole, verified and stored.
    Whole { stored: Arc<Stored> },
    /// It will not come.
    Failed(ArrivalError),
}

impl Progress {
    /// Nothing more will be told.
    pub(crate) fn is_over(&self) -> bool {
        matches!(self, Self::Whole { .. } | Self::Failed(_))
    }
}

/// Why an artifact did not come.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum ArrivalError {
    #[error("{0}")]
    Upstream(UpstreamError),
    #[error("the bytes that came are not the declared ones: {0}")]
    Mismatch(String),
    #[error("the file cannot be what it claims to be: {0}")]
    Malformed(String),
    #[error("the gateway's own store failed")]
    Store,
}

/// Downloads under way.
#[derive(Default)]
pub(crate) struct Arrivals {
    open: Mutex<HashMap<ArtifactKey, watch::Receiver<Progress>>>,
}

impl Gateway {
    /// Joins the download of a file, or begins it.
    pub(crate) fn arrival(&self, package: &Arc<Package>, place: Place) -> Option<watch::Receiver<Progress>> {
        let release = package.index.releases().get(place.release)?;
        let file = release.artifacts.get(place.artifact)?.file.clone();
        let key: ArtifactKey = (package.name.clone(), file);
        let mut open = self.arrivals.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(progress) = open.get(&key) {
            return Some(progress.clone());
        }
        let (sender, receiver) = watch::channel(Progress::Asking);
        open.insert(key.clone(), receiver.clone());
        drop(open);
        let (gateway, package) = (self.arc(), package.clone());
        tokio::spawn(async move {
            let guard = Berth { gateway: gateway.clone(), key: key.clone() };
            let end = match gateway.receive(&package, place, &key, &sender).await {
                Ok(stored) => {
                    gateway.tally.fetched();
                    Progress::Whole { stored }
                }
                Err(error) => {
                    tracing::warn!(package = %key.0, file = %key.1, %error, "an artifact did not arrive");
                    metrics::counter!("lazaret_arrivals_failed_total").increment(1);
                    Progress::Failed(error)
                }
            };
            // Off the board before the end is told: who comes later looks into the store.
            drop(guard);
            let _ = sender.send(end);
        });
        Some(receiver)
    }

    async fn receive(
        &self,
        package: &Arc<Package>,
        place: Place,
        key: &ArtifactKey,
        progress: &watch::Sender<Progress>,
    ) -> Result<Arc<Stored>, ArrivalError> {
        let ecosystem = package.ecosystem;
        let release = package.index.releases().get(place.release).ok_or(ArrivalError::Store)?;
        let artifact = &package.declared(place).ok_or(ArrivalError::Store)?;
        let id = ecosystem.profile().id;
        let failed = |error: &dyn std::fmt::Display| {
            tracing::error!(%error, "the store failed while an artifact arrived");
            ArrivalError::Store
        };
        let upstream = self
            .upstream(id)
            .ok_or_else(|| ArrivalError::Upstream(UpstreamError::NotConfigured(id.to_string())))?;
        let role = ecosystem.profile().upstreams.first().map_or("", |role| role.name);
        let mut stream =
            upstream.artifact(&artifact.url, role, ecosystem.accept(artifact)).await.map_err(|error| {
                let absent =
                    matches!(&error, UpstreamError::Status(status) if ecosystem.means_absent(*status));
                ArrivalError::Upstream(if absent { UpstreamError::Absent } else { error })
            })?;
        let limit = self.settings.artifact_limit_bytes;
        if stream.length.is_some_and(|length| length > limit) {
            return Err(too_large(limit));
        }
        let mut spool = self.blobs.spool_unhashed().await.map_err(|error| failed(&error))?;
        let path = spool.path().to_owned();
        let length = stream.length;
        let sidecars = self.sidecars(ecosystem, &upstream.clone(), &artifact.url, role);
        let mut declared = artifact.digests.clone();
        declared.extend(package.memory().first_declared.get(&artifact.file).cloned());
        let profile = ecosystem.profile();
        let asked_for = profile.checksums.iter().copied();
        let beside = profile.sidecars.iter().map(|(_, algorithm)| *algorithm);
        let algorithms = declared.iter().map(Digest::algorithm).chain(asked_for).chain(beside);
        let mut digester = Digester::for_algorithms(algorithms.collect::<Vec<_>>());
        let mut written = 0u64;
        progress.send_replace(Progress::Flowing { path: path.clone(), length, written });
        while let Some(chunk) = stream.next().await.map_err(ArrivalError::Upstream)? {
            written = written.saturating_add(chunk.len() as u64);
            if written > limit {
                return Err(too_large(limit));
            }
            digester.update(&chunk);
            spool.write(&chunk).await.map_err(|error| failed(&error))?;
            progress.send_replace(Progress::Flowing { path: path.clone(), length, written });
        }
        declared.extend(
            futures_util::future::join_all(sidecars).await.into_iter().filter_map(Result::ok).flatten(),
        );
        let (computed, size_bytes) = digester.finish();
        let remembered = self
            .metadata
            .first_digest(id.as_str(), key.0.key(), &key.1)
            .await
            .map_err(|error| failed(&error))?;
        let verified = lazaret_evidence::check(
            &declared,
            artifact.size_bytes,
            remembered.as_ref(),
            &computed,
            size_bytes,
        )
        .map_err(|mismatch| ArrivalError::Mismatch(mismatch.to_string()))?;
        let spooled = spool.finish_verified(&verified).map_err(|error| failed(&error))?;
        let mut facts = self.look_into(package, place, &spooled, &verified).await?;
        let kept = computed.iter().filter(|digest| profile.checksums.contains(&digest.algorithm()));
        facts.checksums = kept.map(ToString::to_string).collect();
        self.blobs.commit(spooled).await.map_err(|error| failed(&error))?;
        let stored = self
            .keep_artifact(package, release, artifact, &verified, facts)
            .await
            .map_err(|error| failed(&error))?;
        Ok(stored)
    }

    /// Asks for the digests that upstream keeps beside a file, while the file itself comes.
    fn sidecars(
        &self,
        ecosystem: &'static dyn lazaret_ecosystems::Ecosystem,
        upstream: &Arc<crate::upstream::Upstream>,
        url: &Arc<str>,
        role: &'static str,
    ) -> Vec<tokio::task::JoinHandle<Option<Digest>>> {
        let asked = ecosystem.profile().sidecars.iter().map(|(suffix, algorithm)| {
            let (upstream, url) = (upstream.clone(), url.clone());
            tokio::spawn(async move {
                let text = upstream.sidecar(&url, role, suffix).await.ok()?;
                let text = std::str::from_utf8(&text).ok()?;
                text.split_ascii_whitespace().find_map(|word| Digest::from_hex(*algorithm, word))
            })
        });
        asked.collect()
    }

    /// Lets the ecosystem look into the file, and keeps what it takes out.
    async fn look_into(
        &self,
        package: &Arc<Package>,
        place: Place,
        spooled: &lazaret_blobs::Spooled,
        verified: &Verified,
    ) -> Result<ArtifactFacts, ArrivalError> {
        let store = |error: &dyn std::fmt::Display| {
            tracing::error!(%error, "a spooled file could not be read");
            ArrivalError::Store
        };
        let file = spooled.open().map_err(|error| store(&error))?;
        if let Ok(unsynced) = spooled.open() {
            // The disk works while the file is looked into. The commit's own sync is what counts.
            tokio::task::spawn_blocking(move || unsynced.sync_data());
        }
        let held = package.clone();
        let inspection = tokio::task::spawn_blocking(move || {
            let release = held.index.releases().get(place.release)?;
            let artifact = release.artifacts.get(place.artifact)?;
            let mut reader = std::io::BufReader::with_capacity(64 << 10, file);
            Some(held.ecosystem.inspect(release, &held.name, artifact, &mut reader))
        })
        .await
        .map_err(|error| store(&error))?
        .ok_or(ArrivalError::Store)?
        .map_err(|error| ArrivalError::Malformed(error.to_string()))?;
        if !inspection.members.is_empty() {
            self.take_in(package.name.ecosystem(), inspection.members, Vec::new())
                .await
                .map_err(|error| store(&error))?;
        }
        let mut extras: Vec<(String, Digest)> = Vec::new();
        for (part, bytes) in inspection.extras {
            let digest = self.blobs.put_bytes(&bytes).await.map_err(|error| store(&error))?;
            extras.push((part.as_str().to_owned(), digest));
        }
        let release = package.index.releases().get(place.release).ok_or(ArrivalError::Store)?;
        Ok(ArtifactFacts {
            version: release.version.to_string(),
            published: release.published,
            package_first_published: package.index.standing().first_published,
            publisher: release.publisher.as_deref().map(str::to_owned),
            licence: inspection.licence.or_else(|| release.licence.as_deref().map(str::to_owned)),
            install_script: inspection.install_script.or(release.install_script),
            disagreements: inspection.disagreements,
            extras,
            media_type: inspection.media_type,
            content_published: inspection.published,
            checksums: Vec::new(),
            proven: verified.basis() == lazaret_evidence::Basis::Declared,
        })
    }
}

fn too_large(limit: u64) -> ArrivalError {
    ArrivalError::Upstream(UpstreamError::Refused(format!(
        "the file is larger than {} MiB (artifact_limit_bytes)",
        limit >> 20
    )))
}

/// Takes a download off the board however its task ends.
struct Berth {
    gateway: Arc<Gateway>,
    key: ArtifactKey,
}

impl Drop for Berth {
    fn drop(&mut self) {
        self.gateway.arrivals.open.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.key);
    }
}

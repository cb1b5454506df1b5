//! The house's memory of files: what is stored under which digest, who was let have it, what it revealed.

use super::Gateway;
use super::arrival::ArtifactKey;
use super::artifact::Source;
use super::documents::LoadError;
use super::package::{Judged, Memory, Package, Vouched};
use lazaret_ecosystems::{KeptExtra, Part};
use lazaret_evidence::{Verified, recheck};
use lazaret_metadata::{AdmissionRow, ArtifactRow, DownloadRow, MetadataError, RefusalRow, SightingRow};
use lazaret_vocabulary::{Artifact, Digest, PackageName, Principal, Refusal, Release, Timestamp};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// What a file told of itself when it was looked into, kept so that it need not be looked into again.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct ArtifactFacts {
    pub(crate) version: String,
    pub(crate) published: Option<Timestamp>,
    #[serde(default)]
    pub(crate) package_first_published: Option<Timestamp>,
    pub(crate) publisher: Option<String>,
    pub(crate) licence: Option<String>,
    pub(crate) install_script: Option<bool>,
    pub(crate) disagreements: Vec<String>,
    #[serde(with = "digests")]
    pub(crate) extras: Vec<(String, Digest)>,
    /// Its digest was declared by the registry, not merely seen first.
    pub(crate) proven: bool,
    /// The media type it is served with, where its name does not tell.
    #[serde(default)]
    pub(crate) media_type: Option<String>,
    /// Its own word on when it was published, where no index has one.
    #[serde(default)]
    pub(crate) content_published: Option<Timestamp>,
    /// Digests beside its SHA-256 that clients ask for, as `algorithm:hex`.
    #[serde(default)]
    pub(crate) checksums: Vec<String>,
}

mod digests {
    use lazaret_vocabulary::Digest;
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

    pub(super) fn serialize<S: Serializer>(
        list: &[(String, Digest)],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let plain: Vec<(&str, String)> =
            list.iter().map(|(part, digest)| (part.as_str(), digest.to_string())).collect();
        plain.serialize(serializer)
    }

    pub(super) fn deserialize<'a, D: Deserializer<'a>>(
        deserializer: D,
    ) -> Result<Vec<(String, Digest)>, D::Error> {
        let plain: Vec<(String, String)> = Vec::deserialize(deserializer)?;
        plain
            .into_iter()
            .map(|(part, text)| text.parse().map(|digest| (part, digest)).map_err(serde::de::Error::custom))
            .collect()
    }
}

/// A file in the store.
#[derive(Debug)]
pub(crate) struct Stored {
    pub(crate) file: Arc<str>,
    pub(crate) sha256: Digest,
    pub(crate) size_bytes: u64,
    pub(crate) facts: ArtifactFacts,
    /// Its admission is on record, so that it need not be written again.
    admitted: AtomicBool,
}

impl Stored {
    pub(crate) fn extra(&self, part: Part) -> Option<&Digest> {
        self.facts.extras.iter().find(|(name, _)| name == part.as_str()).map(|(_, digest)| digest)
    }
}

impl Gateway {
    /// The stored file, if there is one.
    pub(crate) async fn stored(
        &self,
        name: &PackageName,
        file: &Arc<str>,
    ) -> Result<Option<Arc<Stored>>, LoadError> {
        let key: ArtifactKey = (name.clone(), file.clone());
        if let Some(stored) = self.stored_files.get(&key) {
            return Ok(Some(stored));
        }
        let row = self
            .metadata
            .artifact(name.ecosystem().as_str(), name.key(), file)
            .await
            .map_err(|error| self.store_failed("artifact", &error))?;
        let Some(row) = row else { return Ok(None) };
        let facts =
            serde_json::from_str(&row.facts).map_err(|error| self.store_failed("artifact facts", &error))?;
        let stored = Arc::new(Stored {
            file: file.clone(),
            sha256: row.sha256,
            size_bytes: row.size_bytes,
            facts,
            admitted: AtomicBool::new(row.admitted),
        });
        self.stored_files.insert(key, stored.clone());
        Ok(Some(stored))
    }

    /// The stored file, if its bytes are the ones that its index declares. A name can come to stand for other
    /// bytes, when a release is published here whose file was fetched from outside before: what is in memory
    /// may then be older than the index.
    pub(crate) async fn stored_as_declared(
        &self,
        name: &PackageName,
        artifact: &Artifact,
    ) -> Result<Option<Arc<Stored>>, LoadError> {
        let fits = |stored: &Arc<Stored>| {
            let sha256 = artifact.digests.iter().filter(|one| one.algorithm() == stored.sha256.algorithm());
            sha256.clone().count() == 0 || sha256.into_iter().any(|one| *one == stored.sha256)
        };
        for _ in 0..2 {
            match self.stored(name, &artifact.file).await? {
                Some(stored) if !fits(&stored) => self.forget_stored(name, &artifact.file),
                found => return Ok(found),
            }
        }
        Ok(None)
    }

    pub(crate) fn forget_stored(&self, name: &PackageName, file: &Arc<str>) {
        self.stored_files.invalidate(&(name.clone(), file.clone()));
    }

    /// Records a file that has just been verified and committed.
    pub(crate) async fn keep_artifact(
        &self,
        package: &Arc<Package>,
        release: &Release,
        artifact: &Artifact,
        verified: &Verified,
        facts: ArtifactFacts,
    ) -> Result<Arc<Stored>, MetadataError> {
        let name = &package.name;
        let now = self.clock.now();
        let row = ArtifactRow {
            ecosystem: name.ecosystem().to_string(),
            package_key: name.key().to_owned(),
            package: name.as_str().to_owned(),
            version: release.version.to_string(),
            file: artifact.file.to_string(),
            sha256: verified.sha256().clone(),
            size_bytes: verified.size_bytes(),
            stored: now,
            hosted: false,
            admitted: false,
            facts: serde_json::to_string(&facts).unwrap_or_else(|_| "{}".into()),
        };
        self.metadata.put_artifact(&row).await?;
        let reveals = !facts.disagreements.is_empty()
            || facts.content_published.is_some()
            || !facts.extras.is_empty()
            || facts.install_script != release.install_script
            || facts.licence.as_deref() != release.licence.as_deref();
        let admitted = self
            .metadata
            .artifact(&row.ecosystem, &row.package_key, &row.file)
            .await?
            .is_some_and(|row| row.admitted);
        let stored = Arc::new(Stored {
            file: artifact.file.clone(),
            sha256: row.sha256,
            size_bytes: row.size_bytes,
            facts,
            admitted: AtomicBool::new(admitted),
        });
        self.stored_files.insert((name.clone(), artifact.file.clone()), stored.clone());
        if reveals {
            package.learn(|memory| learn(memory, &artifact.file, &stored.facts));
        }
        Ok(stored)
    }

    /// Records the first release of a file to anyone, durably, before its last byte leaves.
    pub(crate) async fn admit(
        &self,
        package: &Arc<Package>,
        stored: &Stored,
        judged: &Judged,
        principal: &Principal,
    ) -> Result<(), LoadError> {
        let viewer = judged.viewer;
        if stored.admitted.load(Ordering::Acquire) {
            return Ok(());
        }
        let place = package.places.get(&stored.file);
        let findings = place.map_or_else(Vec::new, |place| {
            let mut findings = self.findings(package, place.release, viewer).findings;
            // What merely passed says nothing that the policy's revision does not.
            findings.retain(|finding| finding.outcome != lazaret_policy::Outcome::Pass);
            findings
        });
        let row = AdmissionRow {
            ecosystem: package.name.ecosystem().to_string(),
            package_key: package.name.key().to_owned(),
            package: package.name.as_str().to_owned(),
            version: stored.facts.version.clone(),
            file: stored.file.to_string(),
            sha256: stored.sha256.clone(),
            policy_revision: judged.allowed.revision().to_owned(),
            findings: serde_json::to_string(&findings).unwrap_or_default(),
            principal: principal.id.to_string(),
            class: principal.class.as_str().to_owned(),
            at: self.clock.now(),
        };
        if let Some(observed) = place.and_then(|place| judged.allowed.observed(place.release)) {
            metrics::counter!("lazaret_observed_total", "ecosystem" => package.name.ecosystem().as_str(),
                "code" => observed.code.to_string())
            .increment(1);
            tracing::info!(
                package = %package.name, version = row.version, code = %observed.code,
                "admitted since the policy only observes: {}", observed.sentence
            );
        }
        self.metadata.admit(&row).await.map_err(|error| self.store_failed("admission", &error))?;
        stored.admitted.store(true, Ordering::Release);
        package.note_admitted(&stored.file);
        metrics::counter!("lazaret_admissions_total", "ecosystem" => package.name.ecosystem().as_str())
            .increment(1);
        self.tally.admitted(&package.name);
        Ok(())
    }

    /// Bytes and the proof that they are still the recorded ones. `None` when they are missing or damaged.
    pub(crate) async fn open_verified(
        &self,
        digest: &Digest,
    ) -> Result<Option<(Verified, Source)>, LoadError> {
        if let Some((verified, bytes)) = self.small_files.get(digest) {
            return Ok(Some((verified, Source::Memory(bytes))));
        }
        let checked = match self.blobs.open_checked(digest).await {
            Ok(Some(checked)) => checked,
            Ok(None) => return Ok(None),
            Err(lazaret_blobs::BlobError::Corrupt { .. }) => {
                tracing::error!(%digest, "a stored file is damaged; it was set aside and will be fetched again");
                metrics::counter!("lazaret_blobs_corrupt_total").increment(1);
                return Ok(None);
            }
            Err(error) => return Err(self.store_failed("blob", &error)),
        };
        let verified = recheck(digest, checked.computed(), checked.size_bytes())
            .map_err(|error| self.store_failed("blob", &error))?;
        if checked.size_bytes() <= super::SMALL_FILE {
            let bytes = checked.read_all().await.map_err(|error| self.store_failed("blob", &error))?;
            self.small_files.insert(digest.clone(), (verified.clone(), bytes.clone()));
            return Ok(Some((verified, Source::Memory(bytes))));
        }
        let file = checked.into_file().map_err(|error| self.store_failed("blob", &error))?;
        Ok(Some((verified, Source::File(file))))
    }

    /// Notes who took what. Kept in memory for at most a second; losing it loses no decision.
    pub(crate) fn record_download(
        &self,
        package: &Package,
        stored: &Stored,
        principal: &Principal,
        part: Part,
    ) {
        if part != Part::Whole {
            return;
        }
        metrics::counter!("lazaret_downloads_total", "ecosystem" => package.name.ecosystem().as_str())
            .increment(1);
        self.tally.served();
        let row = DownloadRow {
            ecosystem: package.name.ecosystem().to_string(),
            package_key: package.name.key().to_owned(),
            version: stored.facts.version.clone(),
            file: stored.file.to_string(),
            sha256: stored.sha256.clone(),
            principal: principal.id.to_string(),
            at: self.clock.now(),
        };
        self.notes.download(row);
    }

    /// Notes a refusal: the first per release and policy in full, later ones as a count.
    pub(crate) fn record_refusal(&self, refusal: &Refusal, codes: &[String], principal: &Principal) {
        metrics::counter!("lazaret_refusals_total", "ecosystem" => refusal.package.ecosystem().as_str(),
            "code" => refusal.code.clone())
        .increment(1);
        self.tally.refused(refusal);
        let row = RefusalRow {
            ecosystem: refusal.package.ecosystem().to_string(),
            package_key: refusal.package.key().to_owned(),
            version: refusal.version.clone().unwrap_or_default(),
            policy_revision: self.state().policy.revision().to_owned(),
            codes: codes.join(","),
            sentence: refusal.sentence.clone(),
            principal: principal.id.to_string(),
            at: self.clock.now(),
        };
        self.notes.refusal(row);
    }

    /// What is known of a package's releases that neither its index nor its files told.
    async fn remember_beyond(&self, name: &PackageName, memory: &mut Memory) -> Result<(), MetadataError> {
        let Some(ecosystem) = self.ecosystem_of(name) else { return Ok(()) };
        let (id, key) = (name.ecosystem().as_str(), name.key());
        if ecosystem.details().is_some() {
            for (version, text) in self.metadata.details_of(id, key).await? {
                if let Ok(detail) = serde_json::from_str(&text) {
                    memory.details.insert(version.into(), Arc::new(detail));
                }
            }
        }
        if ecosystem.relaying().is_some() || ecosystem.pointers().is_some() {
            for row in self.metadata.members_of(id, key).await? {
                let Some(artifact) = lazaret_ecosystems::artifact_from_text(&row.artifact) else { continue };
                let vouched = Vouched { owner: row.owner.into(), version: row.version.into(), artifact };
                memory.members.entry(row.file.into()).or_default().push(vouched);
            }
        }
        Ok(())
    }

    /// What the house remembers of a package's files; first sights of new ones are recorded.
    pub(crate) async fn remember(
        &self,
        name: &PackageName,
        releases: &[Release],
        hosted: bool,
    ) -> Result<Memory, MetadataError> {
        let (ecosystem, key) = (name.ecosystem(), name.key());
        let mut memory = Memory::default();
        for row in self.metadata.artifacts_of(ecosystem.as_str(), key).await? {
            let file: Arc<str> = row.file.as_str().into();
            if row.admitted {
                memory.admitted.insert(file.clone());
            }
            if let Ok(facts) = serde_json::from_str::<ArtifactFacts>(&row.facts) {
                learn(&mut memory, &file, &facts);
            }
        }
        if hosted {
            return Ok(memory);
        }
        self.remember_beyond(name, &mut memory).await?;
        let seen = self.metadata.sightings(ecosystem.as_str(), key).await?;
        memory.package_first_seen = seen.iter().map(|row| row.first_seen).min();
        let mut declared_then: std::collections::HashMap<Arc<str>, String> = std::collections::HashMap::new();
        for row in seen {
            let file: Arc<str> = row.file.as_str().into();
            memory.first_seen.insert(file.clone(), row.first_seen);
            declared_then.insert(file, row.declared);
        }
        let now = self.clock.now();
        let mut new = Vec::new();
        for (release, artifact) in releases
            .iter()
            .flat_map(|release| release.artifacts.iter().map(move |artifact| (release, artifact)))
        {
            let declared = strongest(&artifact.digests);
            match declared_then.get(&artifact.file) {
                // The registry now declares other bytes for a file that was seen before.
                Some(then)
                    if !then.is_empty()
                        && !declared.is_empty()
                        && same_kind(then, &declared)
                        && *then != declared =>
                {
                    let sentence = format!(
                        "{} was first seen here as {then} and is now declared as {declared}",
                        artifact.file
                    );
                    memory.disagreements.entry(artifact.file.clone()).or_default().push(sentence.into());
                }
                // It declares another kind of digest, or none that proves anything: what was declared first
                // still holds for the bytes.
                Some(then) if !then.is_empty() && *then != declared => {
                    if let Ok(first) = then.parse() {
                        memory.first_declared.insert(artifact.file.clone(), first);
                    }
                }
                Some(_) => {}
                None => new.push(SightingRow {
                    ecosystem: ecosystem.to_string(),
                    package_key: key.to_owned(),
                    version: release.version.to_string(),
                    file: artifact.file.to_string(),
                    declared,
                    first_seen: now,
                }),
            }
        }
        self.metadata.record_sightings(&new).await?;
        Ok(memory)
    }
}

/// The strongest declared digest as text, or nothing.
fn strongest(digests: &[Digest]) -> String {
    digests
        .iter()
        .filter(|digest| digest.algorithm().is_strong())
        .max_by_key(|digest| digest.algorithm())
        .map(Digest::to_string)
        .unwrap_or_default()
}

fn same_kind(left: &str, right: &str) -> bool {
    left.split(':').next() == right.split(':').next()
}

fn learn(memory: &mut Memory, file: &Arc<str>, facts: &ArtifactFacts) {
    for sentence in &facts.disagreements {
        let known = memory.disagreements.entry(file.clone()).or_default();
        if !known.iter().any(|one| **one == **sentence) {
            known.push(sentence.as_str().into());
        }
    }
    if let Some(published) = facts.content_published {
        memory.published.insert(file.clone(), published);
    }
    if let Some(script) = facts.install_script {
        memory.install_script.insert(file.clone(), script);
    }
    if let Some(licence) = &facts.licence {
        memory.licence.insert(file.clone(), licence.as_str().into());
    }
    let extras: Vec<KeptExtra> = facts
        .extras
        .iter()
        .filter(|(part, _)| part == Part::Metadata.as_str())
        .map(|(_, sha256)| KeptExtra { part: Part::Metadata, sha256: sha256.clone() })
        .collect();
    if !extras.is_empty() {
        memory.extras.insert(file.clone(), extras);
    }
}

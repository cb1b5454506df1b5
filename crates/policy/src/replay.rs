//! Decisions judged again under another policy: what would have changed?

use crate::checks::subject::Context;
use crate::facts::{AdvisoryState, Dossier, KnownAdvisory, ReleaseFacts, Severity};
use crate::firewall::Firewall;
use crate::pattern::shorten;
use crate::verdict::{Judgement, Verdict};
use lazaret_vocabulary::{
    Artifact, Dates, Digest, EcosystemId, PackageName, PrincipalClass, Reference, ReferenceKind, Release,
    Standing, Timestamp,
};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::cmp::Ordering;
use std::str::FromStr;
use std::sync::Arc;

/// The form of records that this program writes.
const FORMAT: u32 = 1;

/// Everything that a decision on one release rested on. Written as JSON; a field that a record lacks was not
/// known.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DossierRecord {
    /// The form of the record.
    format: u32,
    ecosystem: String,
    package: String,
    key: String,
    version: Arc<str>,
    at: Option<Timestamp>,
    class: Option<PrincipalClass>,
    hosted: bool,
    package_first_seen: Option<Timestamp>,
    looks_like: Option<String>,
    advisories_current: bool,
    advisories_configured: bool,
    advisories_read: Option<Timestamp>,
    first_published: Option<Timestamp>,
    maintainers: Option<Vec<Arc<str>>>,
    retired: Option<Arc<str>>,
    prerelease: bool,
    published: Option<Timestamp>,
    claimed: Option<Timestamp>,
    no_later_than: Option<Timestamp>,
    /// Whose word there was on dates, where not the registry's.
    dates: Option<DatesRecord>,
    as_of: Option<Timestamp>,
    reference: Option<ReferenceRecord>,
    publisher: Option<Arc<str>>,
    licence: Option<Arc<str>>,
    deprecated: Option<Arc<str>>,
    withdrawn: Option<Arc<str>>,
    install_script: Option<bool>,
    repository: Option<Arc<str>>,
    files: Vec<FileRecord>,
    advisories: Vec<AdvisoryRecord>,
    first_seen: Option<Timestamp>,
    admitted_before: bool,
    disagreements: Vec<Arc<str>>,
    unpublished: bool,
    context: Context,
    /// What was decided.
    verdict: Option<Verdict>,
    codes: Vec<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct FileRecord {
    file: Arc<str>,
    digests: Vec<String>,
    size_bytes: Option<u64>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct AdvisoryRecord {
    id: Arc<str>,
    aliases: Vec<Arc<str>>,
    summary: Arc<str>,
    severity: Option<Severity>,
    malware: bool,
    unmaintained: bool,
}

/// A record that cannot be judged again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnfitRecord {
    /// Written by a later program.
    #[error("the record has form {0}, this program reads forms up to {FORMAT}")]
    Format(u32),
    /// Of an ecosystem that this program does not know.
    #[error("the record is of an unknown ecosystem `{0}`")]
    Ecosystem(String),
    /// Without what every record has.
    #[error("the record has no {0}")]
    Missing(&'static str),
}

/// One decision and what another policy makes of it.
#[derive(Debug, Clone, Serialize)]
pub struct Replayed {
    /// The ecosystem's id.
    pub ecosystem: String,
    /// The package, as its registry writes it.
    pub package: String,
    /// The version.
    pub version: Arc<str>,
    /// What was decided then.
    pub before: Verdict,
    /// Codes of what held or refused it then.
    pub codes_before: Vec<String>,
    /// What the other policy decides.
    pub after: Verdict,
    /// Codes of what holds or refuses it under the other policy.
    pub codes_after: Vec<Cow<'static, str>>,
    /// Why, in a sentence; empty when it is admitted.
    pub sentence: String,
}

impl Replayed {
    /// Whether anybody would notice.
    pub fn differs(&self) -> bool {
        self.before != self.after
    }
}

impl Firewall {
    /// Writes down what a judgement of release number `index` rested on. `None` when there is no such release.
    pub fn record(
        &self,
        dossier: &Dossier<'_>,
        index: usize,
        judgement: &Judgement,
    ) -> Option<DossierRecord> {
        let (release, known) = (dossier.releases.get(index)?, dossier.known.get(index)?);
        let (read, configured) = match dossier.advisories {
            AdvisoryState::Current => (None, true),
            AdvisoryState::NotConfigured => (None, false),
            AdvisoryState::Stale { since } => (since, true),
        };
        let codes = judgement.withheld.iter().flat_map(|withheld| &withheld.codes);
        Some(DossierRecord {
            format: FORMAT,
            ecosystem: dossier.package.ecosystem().as_str().to_owned(),
            package: dossier.package.as_str().to_owned(),
            key: dossier.package.key().to_owned(),
            version: release.version.clone(),
            at: Some(dossier.now),
            class: Some(dossier.class),
            hosted: dossier.hosted,
            package_first_seen: dossier.first_seen,
            looks_like: dossier.looks_like.map(str::to_owned),
            advisories_current: dossier.advisories == AdvisoryState::Current,
            advisories_configured: configured,
            advisories_read: read,
            first_published: dossier.standing.first_published,
            maintainers: dossier.standing.maintainers.clone(),
            retired: dossier.standing.retired.clone(),
            prerelease: release.prerelease,
            published: release.published,
            claimed: release.claimed,
            no_later_than: release.no_later_than,
            dates: DatesRecord::of(dossier.dates),
            as_of: dossier.as_of,
            reference: release.reference.as_ref().map(ReferenceRecord::of),
            publisher: release.publisher.clone(),
            licence: release.licence.clone(),
            deprecated: release.deprecated.clone(),
            withdrawn: release.withdrawn.clone(),
            install_script: release.install_script,
            repository: release.repository.clone(),
            files: release.artifacts.iter().map(FileRecord::of).collect(),
            advisories: known.advisories.iter().map(AdvisoryRecord::of).collect(),
            first_seen: known.first_seen,
            admitted_before: known.admitted_before,
            disagreements: known.disagreements.clone(),
            unpublished: known.unpublished,
            context: self.context(dossier, index),
            verdict: Some(judgement.verdict()),
            codes: codes.map(ToString::to_string).collect(),
        })
    }

    /// Judges a recorded decision by this firewall, at the moment it was made.
    pub fn replay(
        &self,
        record: &DossierRecord,
        ecosystems: &[EcosystemId],
    ) -> Result<Replayed, UnfitRecord> {
        if record.format != FORMAT {
            return Err(UnfitRecord::Format(record.format));
        }
        let ecosystem = ecosystems.iter().find(|id| id.as_str() == record.ecosystem);
        let ecosystem = ecosystem.ok_or_else(|| UnfitRecord::Ecosystem(shorten(&record.ecosystem)))?;
        let before = record.verdict.ok_or(UnfitRecord::Missing("verdict"))?;
        let now = record.at.ok_or(UnfitRecord::Missing("time"))?;
        let class = record.class.ok_or(UnfitRecord::Missing("class of principal"))?;
        let package = PackageName::new(*ecosystem, &record.package, &record.key);
        let (standing, releases, known) = (record.standing(), [record.release()], [record.known()]);
        let dossier = Dossier {
            package: &package,
            standing: &standing,
            releases: &releases,
            known: &known,
            order: &|_, _| Ordering::Equal,
            hosted: record.hosted,
            first_seen: record.package_first_seen,
            advisories: record.advisory_state(),
            looks_like: record.looks_like.as_deref(),
            dates: record.dates.map_or(Dates::Registry, DatesRecord::dates),
            as_of: record.as_of,
            class,
            now,
        };
        let judgement = self.judge_recorded(&dossier, record.context.clone());
        let after = judgement.verdict();
        let (codes_after, sentence) =
            judgement.withheld.map(|one| (one.codes, one.sentence)).unwrap_or_default();
        Ok(Replayed {
            ecosystem: record.ecosystem.clone(),
            package: record.package.clone(),
            version: record.version.clone(),
            before,
            codes_before: record.codes.clone(),
            after,
            codes_after,
            sentence,
        })
    }
}

impl DossierRecord {
    fn standing(&self) -> Standing {
        Standing {
            first_published: self.first_published,
            maintainers: self.maintainers.clone(),
            retired: self.retired.clone(),
        }
    }

    fn release(&self) -> Release {
        Release {
            version: self.version.clone(),
            prerelease: self.prerelease,
            published: self.published,
            claimed: self.claimed,
            no_later_than: self.no_later_than,
            reference: self.reference.as_ref().map(ReferenceRecord::reference),
            publisher: self.publisher.clone(),
            licence: self.licence.clone(),
            deprecated: self.deprecated.clone(),
            withdrawn: self.withdrawn.clone(),
            install_script: self.install_script,
            repository: self.repository.clone(),
            artifacts: self.files.iter().map(FileRecord::artifact).collect(),
            ..Release::default()
        }
    }

    fn known(&self) -> ReleaseFacts {
        ReleaseFacts {
            advisories: self.advisories.iter().map(AdvisoryRecord::advisory).collect(),
            first_seen: self.first_seen,
            admitted_before: self.admitted_before,
            disagreements: self.disagreements.clone(),
            unpublished: self.unpublished,
        }
    }

    fn advisory_state(&self) -> AdvisoryState {
        match (self.advisories_configured, self.advisories_current) {
            (false, _) => AdvisoryState::NotConfigured,
            (true, true) => AdvisoryState::Current,
            (true, false) => AdvisoryState::Stale { since: self.advisories_read },
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum DatesRecord {
    FirstSight,
    Claimed,
    Curated,
}

impl DatesRecord {
    fn of(dates: Dates) -> Option<Self> {
        match dates {
            Dates::Registry => None,
            Dates::FirstSight => Some(Self::FirstSight),
            Dates::Claimed => Some(Self::Claimed),
            Dates::Curated => Some(Self::Curated),
        }
    }

    fn dates(self) -> Dates {
        match self {
            Self::FirstSight => Dates::FirstSight,
            Self::Claimed => Dates::Claimed,
            Self::Curated => Dates::Curated,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct ReferenceRecord {
    name: Arc<str>,
    moving: bool,
    moved_from: Option<Arc<str>>,
}

impl ReferenceRecord {
    fn of(reference: &Reference) -> Self {
        let moving = reference.kind == ReferenceKind::Moving;
        Self { name: reference.name.clone(), moving, moved_from: reference.moved_from.clone() }
    }

    fn reference(&self) -> Reference {
        let kind = if self.moving { ReferenceKind::Moving } else { ReferenceKind::Fixed };
        Reference { name: self.name.clone(), kind, moved_from: self.moved_from.clone() }
    }
}

impl FileRecord {
    fn of(artifact: &Artifact) -> Self {
        Self {
            file: artifact.file.clone(),
            digests: artifact.digests.iter().map(ToString::to_string).collect(),
            size_bytes: artifact.size_bytes,
        }
    }

    fn artifact(&self) -> Artifact {
        Artifact {
            file: self.file.clone(),
            url: "".into(),
            digests: self.digests.iter().filter_map(|text| Digest::from_str(text).ok()).collect(),
            size_bytes: self.size_bytes,
        }
    }
}

impl AdvisoryRecord {
    fn of(advisory: &KnownAdvisory) -> Self {
        Self {
            id: advisory.id.clone(),
            aliases: advisory.aliases.clone(),
            summary: advisory.summary.clone(),
            severity: advisory.severity,
            malware: advisory.malware,
            unmaintained: advisory.unmaintained,
        }
    }

    fn advisory(&self) -> KnownAdvisory {
        KnownAdvisory {
            id: self.id.clone(),
            aliases: self.aliases.clone(),
            summary: self.summary.clone(),
            severity: self.severity,
            malware: self.malware,
            unmaintained: self.unmaintained,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::trial::{ECOSYSTEM, Trial, advisory, release};

    fn record(trial: &Trial, index: usize) -> DossierRecord {
        let judgement = trial.judge(index);
        let record = trial.firewall().record(&trial.dossier(), index, &judgement).unwrap();
        let text = serde_json::to_string(&record).unwrap();
        assert_eq!(serde_json::from_str::<DossierRecord>(&text).unwrap(), record);
        record
    }

    #[test]
    fn the_same_policy_decides_the_same_again() {
        let mut trial = Trial::new();
        let taken_over = trial.push(Release { publisher: Some("eve".into()), ..release("1.3.0", 40) });
        let young = trial.push(release("1.4.0", 3));
        let bad = trial.push(release("1.5.0", 100));
        trial.known[bad].advisories.push(advisory("GHSA-1", Some(Severity::High)));
        for index in 0..trial.releases.len() {
            let replayed = trial.firewall().replay(&record(&trial, index), &[ECOSYSTEM]).unwrap();
            assert!(!replayed.differs(), "{replayed:?}");
            assert_eq!(replayed.codes_before, replayed.codes_after, "{index}");
        }
        assert_eq!(trial.judge(taken_over).verdict(), Verdict::Hold);
        assert_eq!(trial.judge(young).verdict(), Verdict::Hold);
        assert_eq!(trial.judge(bad).verdict(), Verdict::Refuse);
    }

    #[test]
    fn another_policy_decides_otherwise() {
        let mut trial = Trial::new();
        let young = trial.push(release("1.3.0", 3));
        let recorded = record(&trial, young);
        trial.policy = "[release-too-new]\nmin_age = \"1d\"\n".into();
        let replayed = trial.firewall().replay(&recorded, &[ECOSYSTEM]).unwrap();
        assert_eq!((replayed.before, replayed.after), (Verdict::Hold, Verdict::Admit));
        assert!(matches!(trial.firewall().replay(&recorded, &[]), Err(UnfitRecord::Ecosystem(_))));
        let later = DossierRecord { format: 2, ..recorded };
        assert_eq!(trial.firewall().replay(&later, &[ECOSYSTEM]).unwrap_err(), UnfitRecord::Format(2));
    }

    #[test]
    fn a_fix_stays_one() {
        let mut trial = Trial::new();
        trial.known[2].advisories.push(advisory("GHSA-1", Some(Severity::High)));
        let fix = trial.push(release("1.2.1", 1));
        assert_eq!(trial.judge(fix).verdict(), Verdict::Admit);
        let recorded = record(&trial, fix);
        assert_eq!(trial.firewall().replay(&recorded, &[ECOSYSTEM]).unwrap().after, Verdict::Admit);
        trial.policy = "[release-too-new]\nfast_track_fixes = false\n".into();
        assert_eq!(trial.firewall().replay(&recorded, &[ECOSYSTEM]).unwrap().after, Verdict::Hold);
    }
}

//! What verdicts depend on beside the package itself: policy, exceptions, advisories, hosted names. An
//! immutable snapshot, replaced as a whole; its epoch is part of every cached verdict and reply.

use super::advisories::Advisories;
use crate::clock::Clock;
use crate::settings::Settings;
use lazaret_blobs::Blobs;
use lazaret_metadata::{KillRow, Metadata, Revisions, SourceRow, WaiverRow};
use lazaret_policy::{
    AdvisoryState, Exceptions, Firewall, Kill, KillTarget, KnownEcosystem, ValidPolicy, Waiver,
};
use lazaret_vocabulary::{EcosystemId, PackageName, Span, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::sync::Arc;

/// The snapshot.
pub(crate) struct State {
    pub(crate) epoch: u64,
    pub(crate) revisions: Revisions,
    pub(crate) policy: Arc<ValidPolicy>,
    pub(crate) exceptions: Arc<Exceptions>,
    pub(crate) firewall: Firewall,
    pub(crate) advisories: Arc<Advisories>,
    /// When each configured source was last read; empty when none is configured.
    pub(crate) sources: Vec<(String, Option<Timestamp>)>,
    /// Names published to this house: ecosystem and key.
    pub(crate) hosted: HashSet<(EcosystemId, Arc<str>)>,
    /// When the next waiver ends.
    pub(crate) waiver_ends: Option<Timestamp>,
}

/// A waiver's body as stored.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct WaiverBody {
    /// Ecosystem id.
    pub ecosystem: String,
    /// The package's key.
    pub package: String,
    /// The versions, or `*`.
    pub versions: Vec<String>,
    /// The codes of the findings.
    pub codes: Vec<String>,
    /// The ids of the advisories.
    #[serde(default)]
    pub advisories: Vec<String>,
}

impl State {
    /// Whether what is known of malware and vulnerabilities in an ecosystem can be relied upon at `now`, and
    /// when that changes by itself. A source that was never read might speak of any ecosystem.
    pub(crate) fn advisory_state(
        &self,
        ecosystem: EcosystemId,
        now: Timestamp,
        staleness: Span,
    ) -> (AdvisoryState, Option<Timestamp>) {
        if self.sources.is_empty() {
            return (AdvisoryState::NotConfigured, None);
        }
        let oldest = self.sources.iter().map(|(_, fetched)| *fetched).min().flatten();
        if oldest.is_some() && !self.advisories.cover(ecosystem) {
            return (AdvisoryState::NotConfigured, None);
        }
        match oldest {
            Some(fetched) if now < fetched + staleness => (AdvisoryState::Current, Some(fetched + staleness)),
            since => (AdvisoryState::Stale { since }, None),
        }
    }

    pub(crate) fn is_hosted(&self, name: &PackageName) -> bool {
        self.hosted.contains(&(name.ecosystem(), name.key().into()))
    }
}

/// What policy has to know of every ecosystem.
pub fn known_ecosystems() -> Vec<KnownEcosystem<'static>> {
    lazaret_ecosystems::all()
        .iter()
        .map(|ecosystem| KnownEcosystem {
            id: ecosystem.profile().id,
            purl_type: ecosystem.profile().purl_type,
            key: Box::new(|text| ecosystem.name(text).ok().map(|name| name.key().to_owned())),
        })
        .collect()
}

/// Reads everything anew. With `before`, what has not changed is taken over; a policy file that has become
/// wrong leaves the one before in force and says so.
pub(crate) async fn load(
    metadata: &Metadata,
    blobs: &Blobs,
    settings: &Settings,
    clock: &Clock,
    before: Option<&State>,
) -> Result<State, String> {
    let failed = |error: lazaret_metadata::MetadataError| error.to_string();
    let revisions = metadata.revisions().await.map_err(failed)?;
    let policy = match (read_policy(settings), before) {
        (Ok(policy), _) => Arc::new(policy),
        (Err(problem), Some(before)) => {
            tracing::error!(%problem, "the policy file is wrong; the policy before stays in force");
            before.policy.clone()
        }
        (Err(problem), None) => return Err(problem),
    };
    let now = clock.now();
    let waivers: Vec<Waiver> =
        metadata.waivers(now).await.map_err(failed)?.into_iter().filter_map(waiver).collect();
    let waiver_ends = waivers.iter().map(|waiver| waiver.expires).min();
    let kills = readable_kills(metadata.kills().await.map_err(failed)?);
    let hosted: HashSet<(EcosystemId, Arc<str>)> = metadata
        .hosted_names()
        .await
        .map_err(failed)?
        .into_iter()
        .filter_map(|(id, key)| Some((lazaret_ecosystems::by_id(&id)?.profile().id, key.into())))
        .collect();
    let exceptions = Arc::new(Exceptions::new(waivers, kills, hosted.iter().cloned(), &policy.rule_codes()));
    for problem in exceptions.problems() {
        tracing::warn!(%problem, "an exception was left out");
    }
    let rows = metadata.sources().await.map_err(failed)?;
    let advisories = match before.filter(|before| before.advisories.says_the_same(&rows)) {
        Some(before) => before.advisories.clone(),
        None => Arc::new(Advisories::load(blobs, &rows).await?),
    };
    let fetched = |row: &SourceRow| (!advisories.is_lost(&row.name)).then_some(row.fetched);
    let mut sources: Vec<(String, Option<Timestamp>)> =
        rows.iter().map(|row| (row.name.clone(), fetched(row))).collect();
    for source in &settings.advisories {
        if sources.iter().all(|(name, _)| *name != source.name) {
            sources.push((source.name.clone(), None));
        }
    }
    Ok(State {
        epoch: before.map_or(1, |before| before.epoch + 1),
        revisions,
        firewall: Firewall::new(policy.clone(), exceptions.clone()),
        policy,
        exceptions,
        advisories,
        sources,
        hosted,
        waiver_ends,
    })
}

pub(crate) fn read_policy(settings: &Settings) -> Result<ValidPolicy, String> {
    let (text, name) = match &settings.policy {
        None => (String::new(), "policy.toml".to_owned()),
        Some(path) => {
            let text = std::fs::read_to_string(path)
                .map_err(|error| format!("{}: the policy file cannot be read: {error}", path.display()))?;
            let name = path
                .file_name()
                .map_or_else(|| "policy.toml".into(), |name| name.to_string_lossy().into_owned());
            (text, name)
        }
    };
    ValidPolicy::parse(&text, &name, &known_ecosystems()).map_err(|problems| problems.to_string())
}

/// Whether a waiver can be at all under the policy in force, in words for who gives it.
pub fn check_waiver(row: &WaiverRow, settings: &Settings) -> Result<(), String> {
    let policy = read_policy(settings)?;
    let waiver = waiver(row.clone()).ok_or("the waiver's body cannot be read")?;
    // The id is left out: nobody has seen it yet.
    waiver.validate(&policy.rule_codes()).map_err(|invalid| invalid.problems.join("; "))
}

fn waiver(row: WaiverRow) -> Option<Waiver> {
    let body: WaiverBody = match serde_json::from_str(&row.body) {
        Ok(body) => body,
        Err(error) => {
            tracing::warn!(id = row.id, %error, "a stored waiver cannot be read and is left out");
            return None;
        }
    };
    let shared = |list: Vec<String>| list.into_iter().map(Arc::from).collect();
    Some(Waiver {
        id: row.id.into(),
        ecosystem: body.ecosystem.into(),
        package: body.package.into(),
        versions: shared(body.versions),
        codes: shared(body.codes),
        advisories: shared(body.advisories),
        why: row.why.into(),
        author: row.author.into(),
        approver: row.approver.map(Arc::from),
        created: row.created,
        expires: row.expires,
    })
}

fn readable_kills(rows: Vec<KillRow>) -> Vec<Kill> {
    let known = known_ecosystems();
    rows.into_iter().filter_map(|row| kill(row, &known)).collect()
}

fn kill(row: KillRow, known: &[KnownEcosystem<'_>]) -> Option<Kill> {
    match KillTarget::parse(&row.body, known) {
        Ok(target) => Some(Kill {
            id: row.id.into(),
            target,
            why: row.why.into(),
            author: row.author.into(),
            created: row.created,
        }),
        Err(error) => {
            tracing::error!(id = row.id, %error, "a stored kill switch cannot be read");
            None
        }
    }
}

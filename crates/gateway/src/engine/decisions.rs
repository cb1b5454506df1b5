//! What verdicts rested on, written down behind the requests so that another policy can be tried on them.

use super::Gateway;
use super::package::{Judged, Package};
use lazaret_metadata::DecisionRow;
use std::sync::{Arc, Mutex, PoisonError};

/// Verdicts that wait to be written, at most; beyond, they are dropped and counted.
const MAX_WAITING: usize = 4000;
/// Verdicts written at once. Judging again with every finding costs more than the verdict did, so that it is
/// spread over time.
const BATCH: usize = 100;
/// Verdicts kept, the youngest.
const KEPT: u32 = 200_000;

/// Verdicts waiting to be written.
#[derive(Default)]
pub(crate) struct Decisions(Mutex<Vec<Waiting>>);

struct Waiting {
    package: Arc<Package>,
    judged: Arc<Judged>,
    release: usize,
}

impl Decisions {
    fn list(&self) -> std::sync::MutexGuard<'_, Vec<Waiting>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, count: usize) -> Vec<Waiting> {
        let mut list = self.list();
        let count = count.min(list.len());
        list.drain(..count).collect()
    }
}

impl Gateway {
    /// Notes that somebody was told the verdict on a release: once for each time that it was judged.
    pub(crate) fn note_decision(&self, package: &Arc<Package>, judged: &Arc<Judged>, release: usize) {
        if !judged.first_time(release) {
            return;
        }
        let mut list = self.decisions.list();
        if list.len() >= MAX_WAITING {
            metrics::counter!("lazaret_decisions_dropped_total").increment(1);
            return;
        }
        list.push(Waiting { package: package.clone(), judged: judged.clone(), release });
    }

    /// Writes some of what waits.
    pub(crate) async fn write_decisions(&self) {
        let waiting = self.decisions.take(BATCH);
        if waiting.is_empty() {
            return;
        }
        let rows: Vec<DecisionRow> = waiting.iter().filter_map(|one| self.decision(one)).collect();
        if let Err(error) = self.metadata.record_decisions(&rows).await {
            tracing::warn!(%error, "verdicts could not be written down for `policy replay`");
        }
    }

    /// Writes all that waits.
    pub(crate) async fn write_all_decisions(&self) {
        for _ in 0..=MAX_WAITING / BATCH {
            self.write_decisions().await;
        }
    }

    /// Keeps the written verdicts within their bound.
    pub(crate) async fn trim_decisions(&self) {
        if let Err(error) = self.metadata.trim_decisions(KEPT).await {
            tracing::warn!(%error, "old verdicts could not be removed");
        }
    }

    fn decision(&self, waiting: &Waiting) -> Option<DecisionRow> {
        let Waiting { package, judged, release } = waiting;
        let (state, now, memory) = (self.state(), self.clock.now(), package.memory());
        let releases = self.releases_with_memory(package, &memory);
        let version = releases.get(*release)?.version.to_string();
        self.with_dossier(package, &state, &memory, &releases, &judged.known, judged.class, now, |dossier| {
            let judgement = state.firewall.judge(dossier, *release);
            let record = state.firewall.record(dossier, *release, &judgement)?;
            Some(DecisionRow {
                ecosystem: package.name.ecosystem().to_string(),
                package_key: package.name.key().to_owned(),
                version,
                package: package.name.as_str().to_owned(),
                dossier: serde_json::to_string(&record).ok()?,
                verdict: judgement.verdict().as_str().to_owned(),
                at: now,
            })
        })
    }
}

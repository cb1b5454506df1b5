//! What verdicts rested on, written down behind the requests so that another policy can be tried on them.

use super::Gateway;
use super::package::{Judged, Package};
use lazaret_metadata::DecisionRow;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

/// Verdicts that wait to be written, at most; beyond, they are dropped and counted.
const MAX_WAITING: usize = 4000;
/// Memory that packages may take whose verdicts wait, in bytes; beyond, verdicts are dropped and counted, since a
/// waiting one keeps its package from leaving the cache.
const MAX_WEIGHT: u64 = 96 << 20;
/// Memory from which on they are written at once instead of at the next tick.
const HURRY_WEIGHT: u64 = 24 << 20;
/// Verdicts written at once. Judging again with every finding costs more than the verdict did, so that it is
/// spread over time.
const BATCH: usize = 100;
/// Verdicts kept, the youngest.
const KEPT: u32 = 200_000;

/// Verdicts waiting to be written.
#[derive(Default)]
pub(crate) struct Decisions(Mutex<Queue>);

#[derive(Default)]
struct Queue {
    list: VecDeque<Waiting>,
    weight: u64,
    /// Somebody is writing already.
    hurried: bool,
}

struct Waiting {
    package: Arc<Package>,
    judged: Arc<Judged>,
    release: usize,
}

impl Waiting {
    fn weight(&self) -> u64 {
        u64::from(self.package.weight())
    }
}

impl Decisions {
    fn queue(&self) -> std::sync::MutexGuard<'_, Queue> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, count: usize) -> Vec<Waiting> {
        let mut queue = self.queue();
        let count = count.min(queue.list.len());
        let taken: Vec<Waiting> = queue.list.drain(..count).collect();
        let weight: u64 = taken.iter().map(Waiting::weight).sum();
        queue.weight = queue.weight.saturating_sub(weight);
        taken
    }
}

impl Gateway {
    /// Notes that somebody was told the verdict on a release: once for each time that it was judged.
    pub(crate) fn note_decision(&self, package: &Arc<Package>, judged: &Arc<Judged>, release: usize) {
        if !judged.first_time(release) {
            return;
        }
        let waiting = Waiting { package: package.clone(), judged: judged.clone(), release };
        let weight = waiting.weight();
        let hurry = {
            let mut queue = self.decisions.queue();
            let heavy = !queue.list.is_empty() && queue.weight.saturating_add(weight) > MAX_WEIGHT;
            if queue.list.len() >= MAX_WAITING || heavy {
                metrics::counter!("lazaret_decisions_dropped_total").increment(1);
                return;
            }
            queue.weight = queue.weight.saturating_add(weight);
            queue.list.push_back(waiting);
            queue.weight > HURRY_WEIGHT && !std::mem::replace(&mut queue.hurried, true)
        };
        if hurry {
            let gateway = self.arc();
            tokio::spawn(async move {
                gateway.write_decisions().await;
                gateway.decisions.queue().hurried = false;
            });
        }
    }

    /// Writes some of what waits.
    pub(crate) async fn write_decisions(&self) {
        let waiting = self.decisions.take(BATCH);
        if waiting.is_empty() {
            return;
        }
        let mut rows: Vec<DecisionRow> = Vec::with_capacity(waiting.len());
        for one in waiting {
            rows.extend(self.decision(&one));
            // Requests go first.
            tokio::task::yield_now().await;
        }
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
        self.with_dossier(package, &state, &memory, &releases, &judged.known, judged.viewer, now, |dossier| {
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

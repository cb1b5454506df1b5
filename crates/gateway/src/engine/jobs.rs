//! What runs beside the requests: news from other nodes, batches to write, space to free.

use super::Gateway;
use super::notes::Summary;
use super::state;
use lazaret_metadata::Revision;
use lazaret_vocabulary::{PackageName, Span};
use std::sync::Arc;
use std::time::Duration;

/// How often the revisions are asked for: a kill switch is in force everywhere within a second.
const POLL: Duration = Duration::from_millis(400);
/// How often the policy file is looked at.
const POLICY: Duration = Duration::from_secs(1);
/// How often notes are written.
const FLUSH: Duration = Duration::from_secs(1);
/// How often the store's size is looked at.
const COLLECT: Duration = Duration::from_secs(300);
/// How often the names that this house uses are counted.
const HOUSE_NAMES: Duration = Duration::from_secs(6 * 3600);
/// How long background work may take to end when the gateway closes.
const LAST_WORK: Duration = Duration::from_secs(3);
/// How often it is told which parts of the policy matched nothing.
const REPORT_UNMATCHED: Duration = Duration::from_secs(24 * 3600);
/// How long a document is kept after upstream last called it current.
const KEEP_DOCUMENTS: Span = Span::days(30);
/// Files collected per look.
const COLLECT_BATCH: u32 = 200;

impl Gateway {
    /// Starts the background work. It ends when the gateway is dropped.
    pub fn start_jobs(self: &Arc<Self>) {
        self.every(POLL, |gateway| async move { gateway.hear_news().await });
        self.every(POLICY, |gateway| async move { gateway.watch_policy().await });
        self.every(FLUSH, |gateway| async move {
            gateway.notes.flush(&gateway.metadata, gateway.clock.now()).await;
        });
        self.every(FLUSH, |gateway| async move { gateway.write_decisions().await });
        self.every(COLLECT, |gateway| async move {
            gateway.collect_garbage().await;
            gateway.forget_old_documents().await;
            gateway.trim_decisions().await;
        });
        self.every_beginning(REPORT_UNMATCHED, REPORT_UNMATCHED, |gateway| async move {
            for line in gateway.unmatched() {
                tracing::info!("{line}");
            }
        });
        self.every(HOUSE_NAMES, |gateway| async move { gateway.learn_house_names().await });
        if !self.settings.advisories.is_empty() {
            let interval =
                u64::try_from(self.settings.advisory_interval.millis()).unwrap_or(3_600_000).max(60_000);
            self.every(
                Duration::from_millis(interval),
                |gateway| async move { gateway.sync_advisories().await },
            );
        }
    }

    fn every<F>(self: &Arc<Self>, period: Duration, work: impl Fn(Arc<Self>) -> F + Send + 'static)
    where
        F: Future<Output = ()> + Send,
    {
        self.every_beginning(Duration::ZERO, period, work);
    }

    fn every_beginning<F>(
        self: &Arc<Self>,
        after: Duration,
        period: Duration,
        work: impl Fn(Arc<Self>) -> F + Send + 'static,
    ) where
        F: Future<Output = ()> + Send,
    {
        let this = Arc::downgrade(self);
        tokio::spawn(async move {
            let mut ticks = tokio::time::interval_at(tokio::time::Instant::now() + after, period);
            ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            loop {
                ticks.tick().await;
                let Some(gateway) = this.upgrade() else { return };
                // The gateway closes: what wants the database now comes too late.
                match gateway.closed.try_read() {
                    Ok(closed) if !*closed => work(gateway.clone()).await,
                    _ => return,
                }
            }
        });
    }

    async fn learn_house_names(&self) {
        let learnt = self.popular.learn(&self.metadata, &self.state().hosted, self.clock.now()).await;
        if let Err(error) = learnt {
            tracing::warn!(%error, "the names that this house uses could not be counted");
        }
    }

    async fn hear_news(self: Arc<Self>) {
        match self.metadata.revisions().await {
            Ok(now) => {
                self.authenticator.set_revision(now.of(Revision::Tokens));
                if now != self.state().revisions {
                    self.reload().await;
                }
            }
            Err(error) => tracing::warn!(%error, "revisions could not be read"),
        }
    }

    /// Reads policy, exceptions, hosted names and advisories anew.
    pub async fn reload(&self) {
        let _alone = self.reloading.lock().await;
        let before = self.state();
        match state::load(&self.metadata, &self.blobs, &self.settings, &self.clock, Some(&before)).await {
            Ok(next) => {
                let moved = next.revisions.of(Revision::Hosted) != before.revisions.of(Revision::Hosted);
                let names: Vec<_> = if moved { next.hosted.iter().cloned().collect() } else { Vec::new() };
                self.authenticator.set_revision(next.revisions.of(Revision::Tokens));
                self.state.store(Arc::new(next));
                // Hosted packages changed, here or on another node: what was read of them is void, and so is
                // what an upstream once said under such a name.
                if moved {
                    let hosted: std::collections::HashSet<_> = names.into_iter().collect();
                    for (key, package) in self.packages.iter() {
                        let name: &PackageName = &key.0;
                        if package.hosted || hosted.contains(&(name.ecosystem(), name.key().into())) {
                            package.lease().end();
                            self.packages.invalidate(&*key);
                        }
                    }
                    self.absent.invalidate_all();
                    self.stored_files.invalidate_all();
                    self.learn_house_names().await;
                }
            }
            Err(error) => {
                tracing::error!(%error, "the new state could not be read; the one before stays in force")
            }
        }
    }

    /// Drops what is in memory of a package.
    pub(crate) fn forget_package(&self, name: &PackageName) {
        self.forget_packages(&std::collections::HashSet::from([name.clone()]));
    }

    /// What was read of several packages.
    pub(crate) fn forget_packages(&self, names: &std::collections::HashSet<PackageName>) {
        for (key, package) in self.packages.iter() {
            if names.contains(&key.0) {
                package.lease().end();
                self.packages.invalidate(&*key);
            }
        }
        self.absent.invalidate_all();
    }

    /// Forgets upstream documents that nobody has asked for in a long time: beyond any bound on staleness they
    /// can serve nobody, and whoever asks for many names must not fill the disk.
    async fn forget_old_documents(&self) {
        let before = self.clock.now() - KEEP_DOCUMENTS.max(self.settings.max_stale);
        loop {
            let rows = match self.metadata.stale_documents(before, COLLECT_BATCH).await {
                Ok(rows) => rows,
                Err(error) => return tracing::warn!(%error, "old documents could not be listed"),
            };
            if rows.is_empty() {
                return;
            }
            for row in rows {
                let removed = async {
                    self.metadata
                        .remove_document(&row.ecosystem, &row.name, &row.role)
                        .await
                        .map_err(|error| error.to_string())?;
                    if !self.metadata.digest_used(&row.digest).await.map_err(|error| error.to_string())? {
                        self.blobs.remove_idle(&row.digest).await.map_err(|error| error.to_string())?;
                    }
                    Ok::<(), String>(())
                };
                if let Err(error) = removed.await {
                    return tracing::warn!(%error, "an old document could not be forgotten");
                }
            }
        }
    }

    /// Frees space: the upstream files unused for longest go until the store fits its bound. Hosted files
    /// stay for ever.
    pub(crate) async fn collect_garbage(&self) {
        for _ in 0..100 {
            let total = match self.metadata.collectable_bytes().await {
                Ok(total) => total,
                Err(error) => return tracing::warn!(%error, "the store's size could not be read"),
            };
            if total <= self.settings.store_limit_bytes {
                return;
            }
            let mut excess = total - self.settings.store_limit_bytes;
            let Ok(rows) = self.metadata.longest_unused(COLLECT_BATCH).await else { return };
            if rows.is_empty() {
                return;
            }
            for row in rows {
                if excess == 0 {
                    break;
                }
                let removed = async {
                    self.metadata
                        .remove_artifact(&row.ecosystem, &row.package_key, &row.file)
                        .await
                        .map_err(|error| error.to_string())?;
                    if !self.metadata.digest_used(&row.sha256).await.map_err(|error| error.to_string())? {
                        self.blobs.remove_idle(&row.sha256).await.map_err(|error| error.to_string())?;
                    }
                    Ok::<(), String>(())
                };
                if let Err(error) = removed.await {
                    return tracing::warn!(%error, "a file could not be collected");
                }
                self.stored_files.invalidate_all();
                self.small_files.invalidate(&row.sha256);
                excess = excess.saturating_sub(row.size_bytes);
            }
        }
    }

    /// Scopes, rules and waivers that matched nothing since they were read, each in a sentence: a typing
    /// mistake, or something that is not needed any more.
    pub fn unmatched(&self) -> Vec<String> {
        let state = self.state();
        let mut lines = state.policy.unmatched();
        lines.extend(
            state.exceptions.unmatched().into_iter().map(|id| format!("waiver {id}: it matched nothing")),
        );
        lines
    }

    /// What happened since the start.
    pub fn summary(&self) -> Summary {
        self.tally.summary()
    }

    /// Writes what waits and closes the database.
    pub async fn close(&self) {
        if let Ok(mut closed) = tokio::time::timeout(LAST_WORK, self.closed.write()).await {
            *closed = true;
        }
        self.notes.flush(&self.metadata, self.clock.now()).await;
        self.write_all_decisions().await;
        self.metadata.close().await;
    }
}

//! What is written down in batches: who took what, and what was refused. And the tally of this run.

use lazaret_metadata::{DownloadRow, Metadata, RefusalRow};
use lazaret_vocabulary::{Digest, PackageName, Refusal, Timestamp};
use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// Rows kept at most until they are written; beyond, the oldest news is dropped and counted.
const MAX_WAITING: usize = 100_000;
/// Refusals told in a summary.
const MAX_TOLD: usize = 100;
/// Names kept for a summary.
const MAX_NAMED: usize = 2_000;

/// Rows waiting to be written.
#[derive(Default)]
pub(crate) struct Notes {
    downloads: Mutex<Vec<DownloadRow>>,
    refusals: Mutex<Vec<RefusalRow>>,
}

impl Notes {
    pub(crate) fn download(&self, row: DownloadRow) {
        push(&self.downloads, row);
    }

    pub(crate) fn refusal(&self, row: RefusalRow) {
        push(&self.refusals, row);
    }

    /// Writes what waits.
    pub(crate) async fn flush(&self, metadata: &Metadata, now: Timestamp) {
        let downloads = std::mem::take(&mut *lock(&self.downloads));
        if !downloads.is_empty() {
            let used: HashSet<Digest> = downloads.iter().map(|row| row.sha256.clone()).collect();
            let used: Vec<Digest> = used.into_iter().collect();
            if let Err(error) = metadata.record_downloads(&downloads).await {
                tracing::error!(%error, "downloads could not be written down; they will be tried again");
                lock(&self.downloads).splice(0..0, downloads);
            } else if let Err(error) = metadata.touch_artifacts(&used, now).await {
                tracing::warn!(%error, "the last use of files could not be noted");
            }
        }
        let refusals = std::mem::take(&mut *lock(&self.refusals));
        if !refusals.is_empty()
            && let Err(error) = metadata.record_refusals(&refusals).await
        {
            tracing::error!(%error, "refusals could not be written down; they will be tried again");
            lock(&self.refusals).splice(0..0, refusals);
        }
    }
}

fn lock<T>(list: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    list.lock().unwrap_or_else(PoisonError::into_inner)
}

fn push<T>(list: &Mutex<Vec<T>>, row: T) {
    let mut list = lock(list);
    if list.len() >= MAX_WAITING {
        metrics::counter!("lazaret_notes_dropped_total").increment(1);
        return;
    }
    list.push(row);
}

/// What happened since the start.
#[derive(Default)]
pub(crate) struct Tally {
    admitted: AtomicU64,
    served: AtomicU64,
    fetched: AtomicU64,
    refusals: AtomicU64,
    told: Mutex<Vec<Refusal>>,
    held_back: Mutex<BTreeMap<String, Refusal>>,
}

/// The tally, for people.
#[derive(Debug, Clone)]
pub struct Summary {
    /// Files released for the first time.
    pub admitted: u64,
    /// Files sent.
    pub served: u64,
    /// Files that had to be fetched from an upstream.
    pub fetched: u64,
    /// Requests that were refused, those for releases on hold among them.
    pub refusals: u64,
    /// The newest release of each package of which newer ones than the allowed were kept from resolvers.
    pub held_back: Vec<Refusal>,
    /// The first hundred distinct ones.
    pub refused: Vec<Refusal>,
}

impl Tally {
    pub(crate) fn admitted(&self, _name: &PackageName) {
        self.admitted.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn served(&self) {
        self.served.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn fetched(&self) {
        self.fetched.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn held_back(&self, refusal: Refusal) {
        let mut held_back = lock(&self.held_back);
        let key = format!("{} {}", refusal.package.ecosystem(), refusal.package);
        if held_back.len() < MAX_NAMED || held_back.contains_key(&key) {
            held_back.insert(key, refusal);
        }
    }

    pub(crate) fn refused(&self, refusal: &Refusal) {
        self.refusals.fetch_add(1, Ordering::Relaxed);
        let mut told = lock(&self.told);
        let known = told.iter().any(|earlier| {
            earlier.package == refusal.package
                && earlier.version == refusal.version
                && earlier.code == refusal.code
        });
        if !known && told.len() < MAX_TOLD {
            told.push(refusal.clone());
        }
    }

    pub(crate) fn summary(&self) -> Summary {
        Summary {
            admitted: self.admitted.load(Ordering::Relaxed),
            served: self.served.load(Ordering::Relaxed),
            fetched: self.fetched.load(Ordering::Relaxed),
            refusals: self.refusals.load(Ordering::Relaxed),
            held_back: lock(&self.held_back).values().cloned().collect(),
            refused: lock(&self.told).clone(),
        }
    }
}

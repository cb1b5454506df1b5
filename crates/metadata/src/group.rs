//! Small writes that many requests make at once share a commit: each costs the disk a sync, and SQLite has
//! one writer. Whoever's turn it is takes along all that are waiting; nobody ever waits for company.

use crate::{AdmissionRow, ArtifactRow, DocumentRow, Metadata, Result, admissions, artifacts, documents};
use sqlx::{Any, Transaction};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::oneshot;
use tokio::sync::oneshot::error::TryRecvError;

/// Most writes in one transaction.
const LARGEST: usize = 256;

/// A write that may share a transaction with others.
#[derive(Debug)]
pub(crate) enum Change {
    Admission(AdmissionRow),
    Artifact(ArtifactRow),
    Document(DocumentRow),
}

impl Change {
    async fn apply(&self, transaction: &mut Transaction<'_, Any>) -> Result<bool> {
        match self {
            Self::Admission(row) => admissions::insert(transaction, row).await,
            Self::Artifact(row) => artifacts::insert(transaction, row).await,
            Self::Document(row) => documents::insert(transaction, row).await,
        }
    }

    /// In one order everywhere, so that two nodes that write the same rows cannot block each other.
    fn order(&self) -> (u8, &str, &str, &str) {
        match self {
            Self::Admission(row) => (0, &row.ecosystem, &row.package_key, &row.file),
            Self::Artifact(row) => (1, &row.ecosystem, &row.package_key, &row.file),
            Self::Document(row) => (2, &row.ecosystem, &row.name, &row.role),
        }
    }
}

/// Who waits, and whose turn it is.
#[derive(Debug, Default)]
pub(crate) struct Group {
    waiting: Mutex<Vec<Waiting>>,
    turn: tokio::sync::Mutex<()>,
}

#[derive(Debug)]
struct Waiting {
    change: Arc<Change>,
    done: oneshot::Sender<bool>,
}

impl Group {
    fn join(&self, change: &Arc<Change>) -> oneshot::Receiver<bool> {
        let (done, told) = oneshot::channel();
        let waiting = Waiting { change: change.clone(), done };
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).push(waiting);
        told
    }

    /// The next batch; those whose callers have gone away are left out.
    fn take(&self) -> Vec<Waiting> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let count = waiting.len().min(LARGEST);
        let mut batch: Vec<Waiting> = waiting.drain(..count).filter(|one| !one.done.is_closed()).collect();
        drop(waiting);
        batch.sort_by(|left, right| left.change.order().cmp(&right.change.order()));
        batch
    }
}

impl Metadata {
    /// Makes the change durable, alone or with others. What it answers is the change's own.
    pub(crate) async fn write_together(&self, change: Change) -> Result<bool> {
        let change = Arc::new(change);
        let mut told = self.group.join(&change);
        loop {
            let _turn = tokio::select! {
                biased;
                answer = &mut told => match answer {
                    Ok(answer) => return Ok(answer),
                    // Whoever took it along failed or went away: what became of it is not known.
                    Err(_) => return self.write_alone(&change).await,
                },
                turn = self.group.turn.lock() => turn,
            };
            // Told between the two.
            match told.try_recv() {
                Ok(answer) => return Ok(answer),
                Err(TryRecvError::Closed) => return self.write_alone(&change).await,
                Err(TryRecvError::Empty) => {}
            }
            let batch = self.group.take();
            // When the batch fails it is dropped here: nobody in it is told anything, this one neither, and
            // each writes alone. One bad row must not fail the rest.
            if let Some(answers) = self.write_all(&batch).await {
                for (one, answer) in batch.into_iter().zip(answers) {
                    let _ = one.done.send(answer);
                }
            }
        }
    }

    /// `None` when nothing was written.
    async fn write_all(&self, batch: &[Waiting]) -> Option<Vec<bool>> {
        let written = async {
            let mut transaction = self.begin().await?;
            let mut answers = Vec::with_capacity(batch.len());
            for one in batch {
                answers.push(one.change.apply(&mut transaction).await?);
            }
            transaction.commit().await?;
            Ok::<_, crate::MetadataError>(answers)
        };
        written.await.ok()
    }

    async fn write_alone(&self, change: &Change) -> Result<bool> {
        let mut transaction = self.begin().await?;
        let answer = change.apply(&mut transaction).await?;
        transaction.commit().await?;
        Ok(answer)
    }
}

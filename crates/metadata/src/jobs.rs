use crate::row::Columns;
use crate::{Metadata, Result, new_id};
use lazaret_vocabulary::{Span, Timestamp};
use sqlx::{Any, AssertSqlSafe, Transaction};

/// Longest pause before a failed job is tried again.
const LONGEST_PAUSE: Span = Span::hours(6);
/// Longest excerpt of a failure that is kept, in characters.
const FAILURE_LENGTH: usize = 500;

/// Work to be done once somebody has time. Whoever does it must be ready for its having been done before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobRow {
    /// Its id.
    pub id: String,
    /// What is to be done.
    pub kind: String,
    /// To what, as JSON.
    pub body: String,
    /// How often it was begun, this time included.
    pub attempts: u32,
}

impl Metadata {
    /// Adds a job; its id.
    pub async fn enqueue(&self, kind: &str, body: &str, due: Timestamp) -> Result<String> {
        let mut transaction = self.begin().await?;
        let id = enqueue(&mut transaction, kind, body, due).await?;
        transaction.commit().await?;
        Ok(id)
    }

    /// Takes the job that is due for longest. Whoever takes it has `lease` to complete it; after that it is
    /// anybody's again. Two workers never hold the same job at once within its lease.
    pub async fn claim(&self, kind: &str, now: Timestamp, lease: Span) -> Result<Option<JobRow>> {
        let mut transaction = self.begin().await?;
        let query = format!(
            "SELECT id, body, attempts FROM jobs WHERE kind = $1 AND due_ms <= $2 ORDER BY due_ms, id LIMIT 1{}",
            self.engine.skip_locked()
        );
        let row = sqlx::query(AssertSqlSafe(query))
            .bind(kind)
            .bind(now.millis())
            .fetch_optional(&mut *transaction)
            .await?;
        let Some(row) = row else { return Ok(None) };
        let mut columns = Columns::of(&row);
        let (id, body, before) = (columns.text()?, columns.text()?, columns.integer()?);
        let attempts = before.saturating_add(1);
        sqlx::query("UPDATE jobs SET due_ms = $2, attempts = $3 WHERE id = $1")
            .bind(&id)
            .bind((now + lease).millis())
            .bind(attempts)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        let attempts = u32::try_from(attempts).unwrap_or(u32::MAX);
        Ok(Some(JobRow { id, kind: kind.to_owned(), body, attempts }))
    }

    /// The job is done.
    pub async fn complete(&self, id: &str) -> Result<()> {
        sqlx::query("DELETE FROM jobs WHERE id = $1").bind(id).execute(&self.write).await?;
        Ok(())
    }

    /// The job failed and is due again later: after ten seconds, then twice as long each time, six hours
    /// at most.
    pub async fn postpone(&self, job: &JobRow, failure: &str, now: Timestamp) -> Result<()> {
        let doublings = job.attempts.saturating_sub(1).min(20);
        let pause = (0..doublings).fold(Span::seconds(10), |pause, _| pause.doubled()).min(LONGEST_PAUSE);
        sqlx::query("UPDATE jobs SET due_ms = $2, failure = $3 WHERE id = $1")
            .bind(&job.id)
            .bind((now + pause).millis())
            .bind(failure.chars().take(FAILURE_LENGTH).collect::<String>())
            .execute(&self.write)
            .await?;
        Ok(())
    }

    /// How many jobs of a kind are waiting or under way.
    pub async fn queue_length(&self, kind: &str) -> Result<u64> {
        let row =
            sqlx::query("SELECT COUNT(*) FROM jobs WHERE kind = $1").bind(kind).fetch_one(&self.read).await?;
        Columns::of(&row).size()
    }
}

/// Adds a job in the transaction that causes it.
pub(crate) async fn enqueue(
    transaction: &mut Transaction<'_, Any>,
    kind: &str,
    body: &str,
    due: Timestamp,
) -> Result<String> {
    let id = new_id(due)?;
    sqlx::query(
        "INSERT INTO jobs (id, kind, body, due_ms, attempts, failure) VALUES ($1, $2, $3, $4, 0, '')",
    )
    .bind(&id)
    .bind(kind)
    .bind(body)
    .bind(due.millis())
    .execute(&mut **transaction)
    .await?;
    Ok(id)
}

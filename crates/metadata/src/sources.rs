use crate::audit::append;
use crate::revisions::bump;
use crate::row::Columns;
use crate::{AuditRow, Metadata, MetadataError, Result, Revision};
use lazaret_vocabulary::{Digest, Timestamp};
use sqlx::any::AnyRow;

/// A place that advisories are read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceRow {
    /// Its name.
    pub name: String,
    /// Its address or path.
    pub location: String,
    /// When it was last read whole.
    pub fetched: Timestamp,
    /// How many records it held.
    pub records: u64,
    /// What tells one state of it from another.
    pub revision: String,
    /// SHA-256 of what was read, where it is kept in the blobs.
    pub digest: Option<Digest>,
}

impl Metadata {
    /// Records that a source was read. The advisories' revision moves with it even where it says the same as
    /// before: verdicts rest on its age as well, and every node has to hear that it is fresh again.
    pub async fn put_source(&self, row: &SourceRow) -> Result<()> {
        let mut transaction = self.begin().await?;
        sqlx::query(
            "INSERT INTO advisory_sources (name, location, fetched_ms, records, revision, digest)
             VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (name) DO UPDATE SET location = excluded.location, fetched_ms = excluded.fetched_ms,
                 records = excluded.records, revision = excluded.revision, digest = excluded.digest",
        )
        .bind(&row.name)
        .bind(&row.location)
        .bind(row.fetched.millis())
        .bind(i64::try_from(row.records).unwrap_or(i64::MAX))
        .bind(&row.revision)
        .bind(row.digest.as_ref().map(Digest::to_string))
        .execute(&mut *transaction)
        .await?;
        bump(&mut transaction, Revision::Advisories).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Forgets a source; `Missing` when there is none of this name.
    pub async fn remove_source(&self, name: &str, audit: &AuditRow) -> Result<()> {
        let mut transaction = self.begin().await?;
        let done = sqlx::query("DELETE FROM advisory_sources WHERE name = $1")
            .bind(name)
            .execute(&mut *transaction)
            .await?;
        if done.rows_affected() == 0 {
            return Err(MetadataError::Missing(format!("an advisory source {name}")));
        }
        append(&mut transaction, audit).await?;
        bump(&mut transaction, Revision::Advisories).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// All sources that were ever read.
    pub async fn sources(&self) -> Result<Vec<SourceRow>> {
        let rows = sqlx::query(
            "SELECT name, location, fetched_ms, records, revision, digest FROM advisory_sources ORDER BY name",
        )
        .fetch_all(&self.read)
        .await?;
        rows.iter().map(read).collect()
    }
}

fn read(row: &AnyRow) -> Result<SourceRow> {
    let mut columns = Columns::of(row);
    Ok(SourceRow {
        name: columns.text()?,
        location: columns.text()?,
        fetched: columns.moment()?,
        records: columns.size()?,
        revision: columns.text()?,
        digest: columns.optional_digest()?,
    })
}

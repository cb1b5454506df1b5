use crate::row::Columns;
use crate::{Metadata, MetadataError, Result};
use sqlx::AssertSqlSafe;

/// Every step ever released, in order. Append only: a released step never changes.
const STEPS: &[(i64, &str)] = &[
    (1, include_str!("../migrations/0001_first.sql")),
    (2, include_str!("../migrations/0002_without_jobs.sql")),
    (3, include_str!("../migrations/0003_releases.sql")),
];

/// Brings the schema up to date in one transaction; a second node that starts at the same moment waits for
/// it and then finds nothing left to do.
pub(crate) async fn apply(metadata: &Metadata) -> Result<()> {
    apply_steps(metadata, STEPS).await
}

/// Like [`apply`], with other steps, so that a test can come from the past or the future.
pub(crate) async fn apply_steps(metadata: &Metadata, steps: &[(i64, &str)]) -> Result<()> {
    let mut transaction = metadata.begin().await?;
    if let Some(lock) = metadata.engine.lock_schema() {
        sqlx::query(lock).execute(&mut *transaction).await?;
    }
    sqlx::query("CREATE TABLE IF NOT EXISTS schema_steps (step BIGINT PRIMARY KEY, checksum TEXT NOT NULL)")
        .execute(&mut *transaction)
        .await?;
    let rows = sqlx::query("SELECT step, checksum FROM schema_steps ORDER BY step")
        .fetch_all(&mut *transaction)
        .await?;
    let newest = steps.last().map_or(0, |(step, _)| *step);
    let mut done = 0;
    for row in &rows {
        let mut columns = Columns::of(row);
        let (step, checksum) = (columns.integer()?, columns.text()?);
        let Some((_, text)) = steps.iter().find(|(known, _)| *known == step) else {
            return Err(MetadataError::Schema(format!(
                "its schema is at step {step}, this program knows {newest}; start a newer one, or restore a backup"
            )));
        };
        if checksum_of(text) != checksum {
            return Err(MetadataError::Schema(format!(
                "step {step} of its schema was made by another text than this program's"
            )));
        }
        done = step;
    }
    for (step, text) in steps.iter().filter(|(step, _)| *step > done) {
        for statement in text.split(";\n").map(str::trim).filter(|statement| !statement.is_empty()) {
            sqlx::query(AssertSqlSafe(statement)).execute(&mut *transaction).await?;
        }
        sqlx::query("INSERT INTO schema_steps (step, checksum) VALUES ($1, $2)")
            .bind(step)
            .bind(checksum_of(text))
            .execute(&mut *transaction)
            .await?;
    }
    transaction.commit().await?;
    Ok(())
}

fn checksum_of(text: &str) -> String {
    ring::digest::digest(&ring::digest::SHA256, text.as_bytes())
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

use crate::row::Columns;
use crate::{Metadata, Result, new_id};
use lazaret_vocabulary::Timestamp;
use sqlx::{Any, Transaction};

/// Somebody changed something. Rows are only ever added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRow {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub principal: String,
    /// What they did, such as `publish`, `waive`, `kill`, `token-revoke`.
    pub action: String,
    /// To what, such as a package URL or an id.
    pub subject: String,
    /// The rest, as JSON.
    pub detail: String,
}

impl Metadata {
    /// Writes a row by itself. What changes a table writes its row in the same transaction instead.
    pub async fn record_audit(&self, row: &AuditRow) -> Result<()> {
        let mut transaction = self.begin().await?;
        append(&mut transaction, row).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// The rows before a moment, the latest first.
    pub async fn audit_before(&self, before: Timestamp, limit: u32) -> Result<Vec<AuditRow>> {
        let rows = sqlx::query(
            "SELECT at_ms, principal, action, subject, detail FROM audit WHERE at_ms < $1
             ORDER BY at_ms DESC, id DESC LIMIT $2",
        )
        .bind(before.millis())
        .bind(i64::from(limit))
        .fetch_all(&self.read)
        .await?;
        rows.iter()
            .map(|row| {
                let mut columns = Columns::of(row);
                Ok(AuditRow {
                    at: columns.moment()?,
                    principal: columns.text()?,
                    action: columns.text()?,
                    subject: columns.text()?,
                    detail: columns.text()?,
                })
            })
            .collect()
    }
}

/// Adds a row in the transaction that makes the change.
pub(crate) async fn append(transaction: &mut Transaction<'_, Any>, row: &AuditRow) -> Result<()> {
    sqlx::query(
        "INSERT INTO audit (id, at_ms, principal, action, subject, detail) VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(new_id(row.at)?)
    .bind(row.at.millis())
    .bind(&row.principal)
    .bind(&row.action)
    .bind(&row.subject)
    .bind(&row.detail)
    .execute(&mut **transaction)
    .await?;
    Ok(())
}

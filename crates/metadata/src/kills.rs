use crate::audit::append;
use crate::revisions::bump;
use crate::row::Columns;
use crate::{AuditRow, Metadata, MetadataError, Result, Revision};
use lazaret_vocabulary::Timestamp;

/// A kill switch: what it names is refused at once, everywhere, above every waiver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KillRow {
    /// Its id.
    pub id: String,
    /// A pattern or a digest, as policy reads it.
    pub body: String,
    /// Why.
    pub why: String,
    /// Who threw it.
    pub author: String,
    /// When.
    pub created: Timestamp,
    /// When it was lifted.
    pub lifted: Option<Timestamp>,
}

impl Metadata {
    /// Throws a kill switch.
    pub async fn add_kill(&self, row: &KillRow, audit: &AuditRow) -> Result<()> {
        let mut transaction = self.begin().await?;
        sqlx::query("INSERT INTO kills (id, body, why, author, created_ms) VALUES ($1, $2, $3, $4, $5)")
            .bind(&row.id)
            .bind(&row.body)
            .bind(&row.why)
            .bind(&row.author)
            .bind(row.created.millis())
            .execute(&mut *transaction)
            .await?;
        append(&mut transaction, audit).await?;
        bump(&mut transaction, Revision::Kills).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Lifts a kill switch. `Missing` when there is none of that id in force.
    pub async fn lift_kill(&self, id: &str, at: Timestamp, audit: &AuditRow) -> Result<()> {
        let mut transaction = self.begin().await?;
        let done = sqlx::query("UPDATE kills SET lifted_ms = $2 WHERE id = $1 AND lifted_ms IS NULL")
            .bind(id)
            .bind(at.millis())
            .execute(&mut *transaction)
            .await?;
        if done.rows_affected() == 0 {
            return Err(MetadataError::Missing(format!("a kill switch {id} in force")));
        }
        append(&mut transaction, audit).await?;
        bump(&mut transaction, Revision::Kills).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// All kill switches in force.
    pub async fn kills(&self) -> Result<Vec<KillRow>> {
        let rows = sqlx::query(
            "SELECT id, body, why, author, created_ms, lifted_ms FROM kills WHERE lifted_ms IS NULL ORDER BY id",
        )
        .fetch_all(&self.read)
        .await?;
        rows.iter()
            .map(|row| {
                let mut columns = Columns::of(row);
                Ok(KillRow {
                    id: columns.text()?,
                    body: columns.text()?,
                    why: columns.text()?,
                    author: columns.text()?,
                    created: columns.moment()?,
                    lifted: columns.optional_moment()?,
                })
            })
            .collect()
    }
}

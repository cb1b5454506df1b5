use crate::audit::append;
use crate::revisions::bump;
use crate::row::Columns;
use crate::{AuditRow, Metadata, Result, Revision};
use lazaret_vocabulary::Timestamp;
use sqlx::any::AnyRow;

/// A policy that is or was in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyRow {
    /// Its digest, which every decision names.
    pub revision: String,
    /// Its text.
    pub body: String,
    /// Who put it in force.
    pub principal: String,
    /// When it was last put in force.
    pub activated: Timestamp,
}

macro_rules! select {
    ($rest:literal) => {
        concat!("SELECT revision, body, principal, activated_ms FROM policies ", $rest)
    };
}

impl Metadata {
    /// Records that a policy is in force from now on; `false` when it was already, and then nothing is
    /// written. The text is kept under its revision for ever.
    pub async fn activate_policy(&self, row: &PolicyRow, audit: &AuditRow) -> Result<bool> {
        let mut transaction = self.begin().await?;
        let current = sqlx::query(select!("ORDER BY activated_ms DESC LIMIT 1"))
            .fetch_optional(&mut *transaction)
            .await?;
        if let Some(current) = &current
            && read(current)?.revision == row.revision
        {
            return Ok(false);
        }
        sqlx::query(
            "INSERT INTO policies (revision, body, principal, activated_ms) VALUES ($1, $2, $3, $4)
             ON CONFLICT (revision) DO UPDATE SET principal = excluded.principal,
                 activated_ms = excluded.activated_ms",
        )
        .bind(&row.revision)
        .bind(&row.body)
        .bind(&row.principal)
        .bind(row.activated.millis())
        .execute(&mut *transaction)
        .await?;
        append(&mut transaction, audit).await?;
        bump(&mut transaction, Revision::Policy).await?;
        transaction.commit().await?;
        Ok(true)
    }

    /// The policy of a revision.
    pub async fn policy(&self, revision: &str) -> Result<Option<PolicyRow>> {
        let row =
            sqlx::query(select!("WHERE revision = $1")).bind(revision).fetch_optional(&self.read).await?;
        row.map(|row| read(&row)).transpose()
    }

    /// All policies, the one in force first.
    pub async fn policies(&self, limit: u32) -> Result<Vec<PolicyRow>> {
        let rows = sqlx::query(select!("ORDER BY activated_ms DESC LIMIT $1"))
            .bind(i64::from(limit))
            .fetch_all(&self.read)
            .await?;
        rows.iter().map(read).collect()
    }
}

fn read(row: &AnyRow) -> Result<PolicyRow> {
    let mut columns = Columns::of(row);
    Ok(PolicyRow {
        revision: columns.text()?,
        body: columns.text()?,
        principal: columns.text()?,
        activated: columns.moment()?,
    })
}

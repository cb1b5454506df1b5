use crate::audit::append;
use crate::revisions::bump;
use crate::row::Columns;
use crate::{AuditRow, Metadata, MetadataError, Result, Revision};
use lazaret_vocabulary::{Span, Timestamp};
use sqlx::any::AnyRow;

/// No waiver lasts longer.
pub const LONGEST_WAIVER: Span = Span::days(365);

/// A named person's exception. It always ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaiverRow {
    /// Its id.
    pub id: String,
    /// Which releases and which findings, as JSON that policy reads.
    pub body: String,
    /// Why.
    pub why: String,
    /// Who asked for it.
    pub author: String,
    /// The second person, where one was needed.
    pub approver: Option<String>,
    /// When it was given.
    pub created: Timestamp,
    /// When it ends.
    pub expires: Timestamp,
    /// When it was taken back before its end.
    pub revoked: Option<Timestamp>,
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, body, why, author, approver, created_ms, expires_ms, revoked_ms FROM waivers ",
            $rest
        )
    };
}

impl Metadata {
    /// Gives a waiver. `Refused` when it lasts longer than a year, has ended already, or was approved by
    /// its own author.
    pub async fn add_waiver(&self, row: &WaiverRow, audit: &AuditRow) -> Result<()> {
        if row.expires <= row.created || row.expires > row.created + LONGEST_WAIVER {
            return Err(MetadataError::Refused(
                "a waiver lasts for at most 365 days, and for some time".into(),
            ));
        }
        if row.approver.as_deref() == Some(row.author.as_str()) {
            return Err(MetadataError::Refused("nobody approves their own waiver".into()));
        }
        let mut transaction = self.begin().await?;
        sqlx::query(
            "INSERT INTO waivers (id, body, why, author, approver, created_ms, expires_ms)
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(&row.id)
        .bind(&row.body)
        .bind(&row.why)
        .bind(&row.author)
        .bind(row.approver.as_deref())
        .bind(row.created.millis())
        .bind(row.expires.millis())
        .execute(&mut *transaction)
        .await?;
        append(&mut transaction, audit).await?;
        bump(&mut transaction, Revision::Waivers).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Takes a waiver back. `Missing` when there is none of that id in force.
    pub async fn revoke_waiver(&self, id: &str, at: Timestamp, audit: &AuditRow) -> Result<()> {
        let mut transaction = self.begin().await?;
        let done = sqlx::query("UPDATE waivers SET revoked_ms = $2 WHERE id = $1 AND revoked_ms IS NULL")
            .bind(id)
            .bind(at.millis())
            .execute(&mut *transaction)
            .await?;
        if done.rows_affected() == 0 {
            return Err(MetadataError::Missing(format!("a waiver {id} in force")));
        }
        append(&mut transaction, audit).await?;
        bump(&mut transaction, Revision::Waivers).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// The waivers in force at a moment.
    pub async fn waivers(&self, at: Timestamp) -> Result<Vec<WaiverRow>> {
        let rows = sqlx::query(select!(
            "WHERE revoked_ms IS NULL AND created_ms <= $1 AND expires_ms > $1 ORDER BY id"
        ))
        .bind(at.millis())
        .fetch_all(&self.read)
        .await?;
        rows.iter().map(read).collect()
    }

    /// All waivers ever given, the latest first.
    pub async fn all_waivers(&self, limit: u32) -> Result<Vec<WaiverRow>> {
        let rows = sqlx::query(select!("ORDER BY created_ms DESC, id DESC LIMIT $1"))
            .bind(i64::from(limit))
            .fetch_all(&self.read)
            .await?;
        rows.iter().map(read).collect()
    }
}

fn read(row: &AnyRow) -> Result<WaiverRow> {
    let mut columns = Columns::of(row);
    Ok(WaiverRow {
        id: columns.text()?,
        body: columns.text()?,
        why: columns.text()?,
        author: columns.text()?,
        approver: columns.optional_text()?,
        created: columns.moment()?,
        expires: columns.moment()?,
        revoked: columns.optional_moment()?,
    })
}

use crate::audit::append;
use crate::revisions::bump;
use crate::row::Columns;
use crate::{AuditRow, Metadata, MetadataError, Result, Revision};
use lazaret_vocabulary::Timestamp;
use sqlx::any::AnyRow;

/// What is stored of a token: all but the secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRow {
    /// Its id.
    pub id: String,
    /// SHA-256 of the token, in hexadecimal.
    pub hash: String,
    /// Its beginning, to tell tokens apart.
    pub prefix: String,
    /// Whom it was made for.
    pub owner: String,
    /// What kind of asker bears it.
    pub class: String,
    /// What it allows, as `identity` prints it.
    pub scopes: String,
    /// When it was made.
    pub created: Timestamp,
    /// From then on it is worthless.
    pub expires: Timestamp,
    /// When it was taken back.
    pub revoked: Option<Timestamp>,
    /// When it was last used, roughly.
    pub last_used: Option<Timestamp>,
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, hash, prefix, owner, class, scopes, created_ms, expires_ms, revoked_ms, last_used_ms
             FROM tokens ",
            $rest
        )
    };
}

impl Metadata {
    /// Adds a token.
    pub async fn add_token(&self, row: &TokenRow, audit: &AuditRow) -> Result<()> {
        let mut transaction = self.begin().await?;
        sqlx::query(
            "INSERT INTO tokens (id, hash, prefix, owner, class, scopes, created_ms, expires_ms)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(&row.id)
        .bind(&row.hash)
        .bind(&row.prefix)
        .bind(&row.owner)
        .bind(&row.class)
        .bind(&row.scopes)
        .bind(row.created.millis())
        .bind(row.expires.millis())
        .execute(&mut *transaction)
        .await?;
        append(&mut transaction, audit).await?;
        bump(&mut transaction, Revision::Tokens).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Takes a token back. `Missing` when there is none of that id that still counts.
    pub async fn revoke_token(&self, id: &str, at: Timestamp, audit: &AuditRow) -> Result<()> {
        let mut transaction = self.begin().await?;
        let done = sqlx::query("UPDATE tokens SET revoked_ms = $2 WHERE id = $1 AND revoked_ms IS NULL")
            .bind(id)
            .bind(at.millis())
            .execute(&mut *transaction)
            .await?;
        if done.rows_affected() == 0 {
            return Err(MetadataError::Missing(format!("a token {id} that is not revoked")));
        }
        append(&mut transaction, audit).await?;
        bump(&mut transaction, Revision::Tokens).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// The token of that hash, revoked and expired ones among them.
    pub async fn token_by_hash(&self, hash: &str) -> Result<Option<TokenRow>> {
        let row = sqlx::query(select!("WHERE hash = $1")).bind(hash).fetch_optional(&self.read).await?;
        row.map(|row| read(&row)).transpose()
    }

    /// All tokens, the latest first.
    pub async fn tokens(&self) -> Result<Vec<TokenRow>> {
        let rows = sqlx::query(select!("ORDER BY created_ms DESC, id DESC")).fetch_all(&self.read).await?;
        rows.iter().map(read).collect()
    }

    /// Notes when tokens were last used; no revision moves for it.
    pub async fn touch_tokens(&self, used: &[(String, Timestamp)]) -> Result<()> {
        if used.is_empty() {
            return Ok(());
        }
        let mut used: Vec<&(String, Timestamp)> = used.iter().collect();
        used.sort();
        let mut transaction = self.begin().await?;
        for (id, at) in used {
            sqlx::query(
                "UPDATE tokens SET last_used_ms = $2 WHERE id = $1 AND COALESCE(last_used_ms, 0) < $2",
            )
            .bind(id)
            .bind(at.millis())
            .execute(&mut *transaction)
            .await?;
        }
        transaction.commit().await?;
        Ok(())
    }
}

fn read(row: &AnyRow) -> Result<TokenRow> {
    let mut columns = Columns::of(row);
    Ok(TokenRow {
        id: columns.text()?,
        hash: columns.text()?,
        prefix: columns.text()?,
        owner: columns.text()?,
        class: columns.text()?,
        scopes: columns.text()?,
        created: columns.moment()?,
        expires: columns.moment()?,
        revoked: columns.optional_moment()?,
        last_used: columns.optional_moment()?,
    })
}

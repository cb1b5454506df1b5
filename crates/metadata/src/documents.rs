use crate::group::Change;
use crate::row::{Columns, stored_size};
use crate::{Metadata, Result};
use lazaret_vocabulary::{Digest, Timestamp};
use sqlx::any::AnyRow;
use sqlx::{Any, Transaction};

/// An upstream document kept across restarts; its body lies in the blobs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentRow {
    /// Ecosystem id.
    pub ecosystem: String,
    /// The package's name, or empty for a document of the whole ecosystem's.
    pub name: String,
    /// Which document.
    pub role: String,
    /// Upstream's validator.
    pub etag: Option<String>,
    /// Upstream's validator.
    pub last_modified: Option<String>,
    /// When upstream last said that it is current.
    pub fetched: Timestamp,
    /// Its media type.
    pub content_type: String,
    /// SHA-256 of the body.
    pub digest: Digest,
    /// Size of the body.
    pub size_bytes: u64,
}

impl Metadata {
    /// The kept document, if there is one.
    pub async fn document(&self, ecosystem: &str, name: &str, role: &str) -> Result<Option<DocumentRow>> {
        let row = sqlx::query(
            "SELECT ecosystem, name, role, etag, last_modified, fetched_ms, content_type, digest, size_bytes
             FROM documents WHERE ecosystem = $1 AND name = $2 AND role = $3",
        )
        .bind(ecosystem)
        .bind(name)
        .bind(role)
        .fetch_optional(&self.read)
        .await?;
        row.map(|row| read(&row)).transpose()
    }

    /// All kept documents of a package.
    pub async fn documents_of(&self, ecosystem: &str, name: &str) -> Result<Vec<DocumentRow>> {
        let rows = sqlx::query(
            "SELECT ecosystem, name, role, etag, last_modified, fetched_ms, content_type, digest, size_bytes
             FROM documents WHERE ecosystem = $1 AND name = $2 ORDER BY role",
        )
        .bind(ecosystem)
        .bind(name)
        .fetch_all(&self.read)
        .await?;
        rows.iter().map(read).collect()
    }

    /// Documents that upstream has not called current since `before`, the oldest first.
    pub async fn stale_documents(&self, before: Timestamp, limit: u32) -> Result<Vec<DocumentRow>> {
        let rows = sqlx::query(
            "SELECT ecosystem, name, role, etag, last_modified, fetched_ms, content_type, digest, size_bytes
             FROM documents WHERE fetched_ms < $1 ORDER BY fetched_ms LIMIT $2",
        )
        .bind(before.millis())
        .bind(i64::from(limit))
        .fetch_all(&self.read)
        .await?;
        rows.iter().map(read).collect()
    }

    /// Keeps a document in place of the one before.
    pub async fn put_document(&self, row: &DocumentRow) -> Result<()> {
        self.write_together(Change::Document(row.clone())).await?;
        Ok(())
    }

    /// Notes that upstream called it current.
    pub async fn touch_document(&self, ecosystem: &str, name: &str, role: &str, at: Timestamp) -> Result<()> {
        sqlx::query("UPDATE documents SET fetched_ms = $4 WHERE ecosystem = $1 AND name = $2 AND role = $3")
            .bind(ecosystem)
            .bind(name)
            .bind(role)
            .bind(at.millis())
            .execute(&self.write)
            .await?;
        Ok(())
    }

    /// Forgets a document. Its body stays until nothing uses it.
    pub async fn remove_document(&self, ecosystem: &str, name: &str, role: &str) -> Result<()> {
        sqlx::query("DELETE FROM documents WHERE ecosystem = $1 AND name = $2 AND role = $3")
            .bind(ecosystem)
            .bind(name)
            .bind(role)
            .execute(&self.write)
            .await?;
        Ok(())
    }

    /// Whether a document, a stored or a hosted file still lies under this digest, so that its bytes must
    /// stay.
    pub async fn digest_used(&self, digest: &Digest) -> Result<bool> {
        let row = sqlx::query(
            "SELECT EXISTS (SELECT 1 FROM documents WHERE digest = $1)
                 OR EXISTS (SELECT 1 FROM artifacts WHERE sha256 = $1)
                 OR EXISTS (SELECT 1 FROM hosted_files WHERE sha256 = $1)
                 OR EXISTS (SELECT 1 FROM advisory_sources WHERE digest = $1)",
        )
        .bind(digest.to_string())
        .fetch_one(&self.read)
        .await?;
        Columns::of(&row).flag()
    }
}

/// Always `true`.
pub(crate) async fn insert(transaction: &mut Transaction<'_, Any>, row: &DocumentRow) -> Result<bool> {
    sqlx::query(
        "INSERT INTO documents (ecosystem, name, role, etag, last_modified, fetched_ms, content_type, digest,
             size_bytes) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         ON CONFLICT (ecosystem, name, role) DO UPDATE SET etag = excluded.etag,
             last_modified = excluded.last_modified, fetched_ms = excluded.fetched_ms,
             content_type = excluded.content_type, digest = excluded.digest, size_bytes = excluded.size_bytes",
    )
    .bind(&row.ecosystem)
    .bind(&row.name)
    .bind(&row.role)
    .bind(row.etag.as_deref())
    .bind(row.last_modified.as_deref())
    .bind(row.fetched.millis())
    .bind(&row.content_type)
    .bind(row.digest.to_string())
    .bind(stored_size(row.size_bytes))
    .execute(&mut **transaction)
    .await?;
    Ok(true)
}

fn read(row: &AnyRow) -> Result<DocumentRow> {
    let mut columns = Columns::of(row);
    Ok(DocumentRow {
        ecosystem: columns.text()?,
        name: columns.text()?,
        role: columns.text()?,
        etag: columns.optional_text()?,
        last_modified: columns.optional_text()?,
        fetched: columns.moment()?,
        content_type: columns.text()?,
        digest: columns.digest()?,
        size_bytes: columns.size()?,
    })
}

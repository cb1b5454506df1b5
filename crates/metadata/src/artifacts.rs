use crate::group::Change;
use crate::row::{Columns, stored_size};
use crate::{Metadata, MetadataError, Result};
use lazaret_vocabulary::{Digest, Timestamp};
use sqlx::any::AnyRow;
use sqlx::{Any, Transaction};

/// A verified file in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArtifactRow {
    /// Ecosystem id.
    pub ecosystem: String,
    /// What the package is compared by.
    pub package_key: String,
    /// The package as written.
    pub package: String,
    /// The version.
    pub version: String,
    /// The file's name.
    pub file: String,
    /// Its address in the store.
    pub sha256: Digest,
    /// Its size.
    pub size_bytes: u64,
    /// When it was stored.
    pub stored: Timestamp,
    /// Published to this house: never collected.
    pub hosted: bool,
    /// It was released to somebody. Read only; [`Metadata::admit`] makes it so.
    pub admitted: bool,
    /// What it revealed when it was looked into, as JSON.
    pub facts: String,
}

/// The beginning of every query that [`read`] reads.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT a.ecosystem, a.package_key, a.package, a.version, a.file, a.sha256, a.size_bytes, a.stored_ms,
                 a.hosted, EXISTS (SELECT 1 FROM admissions d WHERE d.ecosystem = a.ecosystem
                     AND d.package_key = a.package_key AND d.file = a.file AND d.sha256 = a.sha256), a.facts
             FROM artifacts a ",
            $rest
        )
    };
}

impl Metadata {
    /// One file.
    pub async fn artifact(
        &self,
        ecosystem: &str,
        package_key: &str,
        file: &str,
    ) -> Result<Option<ArtifactRow>> {
        let row = sqlx::query(select!("WHERE a.ecosystem = $1 AND a.package_key = $2 AND a.file = $3"))
            .bind(ecosystem)
            .bind(package_key)
            .bind(file)
            .fetch_optional(&self.read)
            .await?;
        row.map(|row| read(&row)).transpose()
    }

    /// All files of a package.
    pub async fn artifacts_of(&self, ecosystem: &str, package_key: &str) -> Result<Vec<ArtifactRow>> {
        let rows = sqlx::query(select!("WHERE a.ecosystem = $1 AND a.package_key = $2"))
            .bind(ecosystem)
            .bind(package_key)
            .fetch_all(&self.read)
            .await?;
        rows.iter().map(read).collect()
    }

    /// A file of this name that was published to any package of an ecosystem; the package's name.
    pub async fn hosted_anywhere(&self, ecosystem: &str, file: &str) -> Result<Option<String>> {
        let row = sqlx::query(select!("WHERE a.hosted = 1 AND a.ecosystem = $1 AND a.file = $2 LIMIT 1"))
            .bind(ecosystem)
            .bind(file)
            .fetch_optional(&self.read)
            .await?;
        row.map(|row| Ok(read(&row)?.package)).transpose()
    }

    /// All files with these bytes.
    pub async fn artifacts_with(&self, sha256: &Digest) -> Result<Vec<ArtifactRow>> {
        let rows = sqlx::query(select!("WHERE a.sha256 = $1"))
            .bind(sha256.to_string())
            .fetch_all(&self.read)
            .await?;
        rows.iter().map(read).collect()
    }

    /// Records an upstream file in the store, in place of an earlier row of that name whose bytes were lost,
    /// and remembers its digest for ever. A hosted file of that name is never replaced: that is `Taken`.
    pub async fn put_artifact(&self, row: &ArtifactRow) -> Result<()> {
        if self.write_together(Change::Artifact(row.clone())).await? {
            return Ok(());
        }
        Err(MetadataError::Taken(format!("{} is hosted and cannot come from upstream", row.file)))
    }

    /// Forgets a file whose bytes were collected. Its digest stays remembered. Hosted files stay.
    pub async fn remove_artifact(&self, ecosystem: &str, package_key: &str, file: &str) -> Result<()> {
        sqlx::query(
            "DELETE FROM artifacts WHERE ecosystem = $1 AND package_key = $2 AND file = $3 AND hosted = 0",
        )
        .bind(ecosystem)
        .bind(package_key)
        .bind(file)
        .execute(&self.write)
        .await?;
        Ok(())
    }

    /// Notes that files were used, for the collection of the longest unused. Meant to be called with many
    /// at once: it is one commit.
    pub async fn touch_artifacts(&self, digests: &[Digest], at: Timestamp) -> Result<()> {
        if digests.is_empty() {
            return Ok(());
        }
        let mut texts: Vec<String> = digests.iter().map(Digest::to_string).collect();
        texts.sort_unstable();
        texts.dedup();
        let mut transaction = self.begin().await?;
        for text in texts {
            sqlx::query("UPDATE artifacts SET last_used_ms = $2 WHERE sha256 = $1 AND last_used_ms < $2")
                .bind(text)
                .bind(at.millis())
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// Total size of the files that came from upstreams.
    pub async fn collectable_bytes(&self) -> Result<u64> {
        let row = sqlx::query(
            "SELECT CAST(COALESCE(SUM(size_bytes), 0) AS BIGINT) FROM artifacts WHERE hosted = 0",
        )
        .fetch_one(&self.read)
        .await?;
        Columns::of(&row).size()
    }

    /// The upstream files unused for longest; never a hosted one.
    pub async fn longest_unused(&self, limit: u32) -> Result<Vec<ArtifactRow>> {
        let rows = sqlx::query(select!("WHERE a.hosted = 0 ORDER BY a.last_used_ms LIMIT $1"))
            .bind(i64::from(limit))
            .fetch_all(&self.read)
            .await?;
        rows.iter().map(read).collect()
    }
}

/// Writes the row and, of an upstream file, its first digest; `false` when a hosted file is in the way.
pub(crate) async fn insert(transaction: &mut Transaction<'_, Any>, row: &ArtifactRow) -> Result<bool> {
    if !upsert(transaction, row).await? {
        return Ok(false);
    }
    if !row.hosted {
        sqlx::query(
            "INSERT INTO sightings (ecosystem, package_key, version, file, declared, sha256, first_seen_ms)
             VALUES ($1, $2, $3, $4, '', $5, $6)
             ON CONFLICT (ecosystem, package_key, file) DO UPDATE
             SET sha256 = COALESCE(sightings.sha256, excluded.sha256)",
        )
        .bind(&row.ecosystem)
        .bind(&row.package_key)
        .bind(&row.version)
        .bind(&row.file)
        .bind(row.sha256.to_string())
        .bind(row.stored.millis())
        .execute(&mut **transaction)
        .await?;
    }
    Ok(true)
}

/// Writes the row; `false` when a hosted file of that name is in the way of an upstream one.
pub(crate) async fn upsert(transaction: &mut Transaction<'_, Any>, row: &ArtifactRow) -> Result<bool> {
    let done = sqlx::query(
        "INSERT INTO artifacts (ecosystem, package_key, package, version, file, sha256, size_bytes, stored_ms,
             last_used_ms, hosted, facts) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8, $9, $10)
         ON CONFLICT (ecosystem, package_key, file) DO UPDATE SET package = excluded.package,
             version = excluded.version, sha256 = excluded.sha256, size_bytes = excluded.size_bytes,
             stored_ms = excluded.stored_ms, last_used_ms = excluded.last_used_ms, hosted = excluded.hosted,
             facts = excluded.facts WHERE artifacts.hosted <= excluded.hosted",
    )
    .bind(&row.ecosystem)
    .bind(&row.package_key)
    .bind(&row.package)
    .bind(&row.version)
    .bind(&row.file)
    .bind(row.sha256.to_string())
    .bind(stored_size(row.size_bytes))
    .bind(row.stored.millis())
    .bind(i64::from(row.hosted))
    .bind(&row.facts)
    .execute(&mut **transaction)
    .await?;
    Ok(done.rows_affected() > 0)
}

fn read(row: &AnyRow) -> Result<ArtifactRow> {
    let mut columns = Columns::of(row);
    Ok(ArtifactRow {
        ecosystem: columns.text()?,
        package_key: columns.text()?,
        package: columns.text()?,
        version: columns.text()?,
        file: columns.text()?,
        sha256: columns.digest()?,
        size_bytes: columns.size()?,
        stored: columns.moment()?,
        hosted: columns.flag()?,
        admitted: columns.flag()?,
        facts: columns.text()?,
    })
}

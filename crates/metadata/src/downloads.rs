use crate::row::Columns;
use crate::{Metadata, Result};
use lazaret_vocabulary::{Digest, Timestamp};
use sqlx::any::AnyRow;

/// Somebody took a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DownloadRow {
    /// Ecosystem id.
    pub ecosystem: String,
    /// What the package is compared by.
    pub package_key: String,
    /// The version.
    pub version: String,
    /// The file's name.
    pub file: String,
    /// Its bytes.
    pub sha256: Digest,
    /// Who.
    pub principal: String,
    /// When.
    pub at: Timestamp,
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT ecosystem, package_key, version, file, sha256, principal, at_ms FROM downloads ",
            $rest
        )
    };
}

/// Rows written by one statement.
const BATCH: usize = 200;

impl Metadata {
    /// Appends what was taken; all of it or nothing.
    pub async fn record_downloads(&self, rows: &[DownloadRow]) -> Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        let mut transaction = self.begin().await?;
        for batch in rows.chunks(BATCH) {
            let mut text = String::from(
                "INSERT INTO downloads (ecosystem, package_key, version, file, sha256, principal, at_ms) VALUES ",
            );
            for number in 0..batch.len() {
                let comma = if number == 0 { "" } else { "," };
                let places: Vec<String> = (1..=7).map(|place| format!("${}", number * 7 + place)).collect();
                text.push_str(&format!("{comma}({})", places.join(",")));
            }
            let mut insert =
                sqlx::query(sqlx::AssertSqlSafe(text)).persistent(batch.len() == BATCH || batch.len() == 1);
            for row in batch {
                insert = insert
                    .bind(&row.ecosystem)
                    .bind(&row.package_key)
                    .bind(&row.version)
                    .bind(&row.file)
                    .bind(row.sha256.to_string())
                    .bind(&row.principal)
                    .bind(row.at.millis());
            }
            insert.execute(&mut *transaction).await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// Who took a package, or one version of it, the latest first.
    pub async fn downloads_of(
        &self,
        ecosystem: &str,
        package_key: &str,
        version: Option<&str>,
        limit: u32,
    ) -> Result<Vec<DownloadRow>> {
        let rows = match version {
            Some(version) => {
                sqlx::query(select!(
                    "WHERE ecosystem = $1 AND package_key = $2 AND version = $4 ORDER BY at_ms DESC LIMIT $3"
                ))
                .bind(ecosystem)
                .bind(package_key)
                .bind(i64::from(limit))
                .bind(version)
                .fetch_all(&self.read)
                .await?
            }
            None => {
                sqlx::query(select!("WHERE ecosystem = $1 AND package_key = $2 ORDER BY at_ms DESC LIMIT $3"))
                    .bind(ecosystem)
                    .bind(package_key)
                    .bind(i64::from(limit))
                    .fetch_all(&self.read)
                    .await?
            }
        };
        rows.iter().map(read).collect()
    }

    /// Who took these bytes, the latest first.
    pub async fn downloads_with(&self, sha256: &Digest, limit: u32) -> Result<Vec<DownloadRow>> {
        let rows = sqlx::query(select!("WHERE sha256 = $1 ORDER BY at_ms DESC LIMIT $2"))
            .bind(sha256.to_string())
            .bind(i64::from(limit))
            .fetch_all(&self.read)
            .await?;
        rows.iter().map(read).collect()
    }

    /// The packages taken most, with how often: those first taken before `lasted` and last taken after
    /// `recent`. Looks at every download of the ecosystem: for work in the background.
    pub async fn lasting_names(
        &self,
        ecosystem: &str,
        lasted: Timestamp,
        recent: Timestamp,
        limit: u32,
    ) -> Result<Vec<(String, u64)>> {
        let rows = sqlx::query(
            "SELECT package_key, COUNT(*) AS times FROM downloads WHERE ecosystem = $1
             GROUP BY package_key HAVING MIN(at_ms) < $2 AND MAX(at_ms) > $3
             ORDER BY times DESC, package_key LIMIT $4",
        )
        .bind(ecosystem)
        .bind(lasted.millis())
        .bind(recent.millis())
        .bind(i64::from(limit))
        .fetch_all(&self.read)
        .await?;
        rows.iter()
            .map(|row| {
                let mut columns = Columns::of(row);
                Ok((columns.text()?, columns.size()?))
            })
            .collect()
    }

    /// Forgets what was taken before a moment; how many rows that were.
    pub async fn forget_downloads(&self, before: Timestamp) -> Result<u64> {
        let done = sqlx::query("DELETE FROM downloads WHERE at_ms < $1")
            .bind(before.millis())
            .execute(&self.write)
            .await?;
        Ok(done.rows_affected())
    }
}

fn read(row: &AnyRow) -> Result<DownloadRow> {
    let mut columns = Columns::of(row);
    Ok(DownloadRow {
        ecosystem: columns.text()?,
        package_key: columns.text()?,
        version: columns.text()?,
        file: columns.text()?,
        sha256: columns.digest()?,
        principal: columns.text()?,
        at: columns.moment()?,
    })
}

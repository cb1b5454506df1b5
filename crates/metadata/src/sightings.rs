use crate::row::Columns;
use crate::{Metadata, MetadataError, Result};
use lazaret_vocabulary::{Digest, Timestamp};

/// The first time an index listed a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SightingRow {
    /// Ecosystem id.
    pub ecosystem: String,
    /// What the package is compared by.
    pub package_key: String,
    /// The version.
    pub version: String,
    /// The file's name.
    pub file: String,
    /// The strongest digest declared then, or empty.
    pub declared: String,
    /// When.
    pub first_seen: Timestamp,
}

/// Rows written by one statement.
const BATCH: usize = 5000;

impl Metadata {
    /// All first sights of a package's files.
    pub async fn sightings(&self, ecosystem: &str, package_key: &str) -> Result<Vec<SightingRow>> {
        // In one row: thousands of them, column by column, would cost more than reading the whole index.
        let row = sqlx::query(self.engine.select_sightings())
            .bind(ecosystem)
            .bind(package_key)
            .fetch_one(&self.read)
            .await?;
        let text = Columns::of(&row).text()?;
        let rows: Vec<(String, String, String, i64)> = serde_json::from_str(&text)
            .map_err(|error| MetadataError::Damaged(format!("sightings cannot be read: {error}")))?;
        let rows = rows.into_iter().map(|(version, file, declared, first_seen)| SightingRow {
            ecosystem: ecosystem.to_owned(),
            package_key: package_key.to_owned(),
            version,
            file,
            declared,
            first_seen: Timestamp::from_millis(first_seen),
        });
        Ok(rows.collect())
    }

    /// Records first sights; one that is there already stays as it is.
    pub async fn record_sightings(&self, rows: &[SightingRow]) -> Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        // In one order everywhere, so that two nodes that write the same rows cannot block each other.
        let mut rows: Vec<&SightingRow> = rows.iter().collect();
        rows.sort_by(|left, right| {
            (&left.ecosystem, &left.package_key, &left.file).cmp(&(
                &right.ecosystem,
                &right.package_key,
                &right.file,
            ))
        });
        let mut transaction = self.begin().await?;
        for batch in rows.chunks(BATCH) {
            // One parameter for all of them: thousands would cost more than the rows themselves.
            let values: Vec<_> = batch
                .iter()
                .map(|row| {
                    let SightingRow { ecosystem, package_key, version, file, declared, first_seen } = row;
                    (ecosystem, package_key, version, file, declared, first_seen.millis())
                })
                .collect();
            let text = serde_json::to_string(&values)
                .map_err(|error| MetadataError::Damaged(format!("sightings cannot be written: {error}")))?;
            sqlx::query(self.engine.insert_sightings()).bind(text).execute(&mut *transaction).await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// The digest under which a file was first verified here, for ever.
    pub async fn first_digest(
        &self,
        ecosystem: &str,
        package_key: &str,
        file: &str,
    ) -> Result<Option<Digest>> {
        let row = sqlx::query(
            "SELECT sha256 FROM sightings WHERE ecosystem = $1 AND package_key = $2 AND file = $3",
        )
        .bind(ecosystem)
        .bind(package_key)
        .bind(file)
        .fetch_optional(&self.read)
        .await?;
        row.map_or(Ok(None), |row| Columns::of(&row).optional_digest())
    }
}

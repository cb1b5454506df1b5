use crate::row::Columns;
use crate::{Metadata, Result};
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

/// Rows written by one statement; six values each stay far below either database's limit.
const BATCH: usize = 500;

impl Metadata {
    /// All first sights of a package's files.
    pub async fn sightings(&self, ecosystem: &str, package_key: &str) -> Result<Vec<SightingRow>> {
        let rows = sqlx::query(
            "SELECT version, file, declared, first_seen_ms FROM sightings WHERE ecosystem = $1 AND package_key = $2",
        )
        .bind(ecosystem)
        .bind(package_key)
        .fetch_all(&self.read)
        .await?;
        rows.iter()
            .map(|row| {
                let mut columns = Columns::of(row);
                Ok(SightingRow {
                    ecosystem: ecosystem.to_owned(),
                    package_key: package_key.to_owned(),
                    version: columns.text()?,
                    file: columns.text()?,
                    declared: columns.text()?,
                    first_seen: columns.moment()?,
                })
            })
            .collect()
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
            let mut text = String::from(
                "INSERT INTO sightings (ecosystem, package_key, version, file, declared, first_seen_ms) VALUES ",
            );
            for number in 0..batch.len() {
                let base = number * 6;
                let comma = if number == 0 { "" } else { "," };
                let places: Vec<String> = (1..=6).map(|place| format!("${}", base + place)).collect();
                text.push_str(&format!("{comma}({})", places.join(",")));
            }
            text.push_str(" ON CONFLICT (ecosystem, package_key, file) DO NOTHING");
            // A text per batch size would push everything else out of the cache of prepared statements.
            let mut insert =
                sqlx::query(sqlx::AssertSqlSafe(text)).persistent(batch.len() == BATCH || batch.len() == 1);
            for row in batch {
                insert = insert
                    .bind(&row.ecosystem)
                    .bind(&row.package_key)
                    .bind(&row.version)
                    .bind(&row.file)
                    .bind(&row.declared)
                    .bind(row.first_seen.millis());
            }
            insert.execute(&mut *transaction).await?;
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

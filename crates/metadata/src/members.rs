use crate::row::Columns;
use crate::{Metadata, MetadataError, Result};
use lazaret_vocabulary::Timestamp;

/// A file that another file, or a document, vouches for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberRow {
    /// Ecosystem id.
    pub ecosystem: String,
    /// What the package is compared by.
    pub package_key: String,
    /// The package as written.
    pub package: String,
    /// The file.
    pub file: String,
    /// The file that vouches for it; empty when a document does.
    pub owner: String,
    /// The release it belongs to; empty when it belongs to its owner's.
    pub version: String,
    /// Address, digests and size, as JSON.
    pub artifact: String,
    /// When it was first vouched for.
    pub first_seen: Timestamp,
}

/// Rows written by one statement.
const BATCH: usize = 5000;

impl Metadata {
    /// All files of a package that something vouches for.
    pub async fn members_of(&self, ecosystem: &str, package_key: &str) -> Result<Vec<MemberRow>> {
        let rows = sqlx::query(
            "SELECT package, file, owner, version, artifact, first_seen_ms FROM members
             WHERE ecosystem = $1 AND package_key = $2 ORDER BY file, owner",
        )
        .bind(ecosystem)
        .bind(package_key)
        .fetch_all(&self.read)
        .await?;
        rows.iter()
            .map(|row| {
                let mut columns = Columns::of(row);
                Ok(MemberRow {
                    ecosystem: ecosystem.to_owned(),
                    package_key: package_key.to_owned(),
                    package: columns.text()?,
                    file: columns.text()?,
                    owner: columns.text()?,
                    version: columns.text()?,
                    artifact: columns.text()?,
                    first_seen: columns.moment()?,
                })
            })
            .collect()
    }

    /// Records what is vouched for. What was recorded before keeps its date and takes the newer word on digests,
    /// since a signed index is the only one that a client believes.
    pub async fn record_members(&self, rows: &[MemberRow]) -> Result<()> {
        // In one order everywhere, so that two nodes that write the same rows cannot block each other; and each
        // once, which PostgreSQL demands of one statement.
        let mut rows: Vec<&MemberRow> = rows.iter().collect();
        let key = |row: &&MemberRow| {
            (row.ecosystem.clone(), row.package_key.clone(), row.file.clone(), row.owner.clone())
        };
        rows.sort_by_cached_key(key);
        rows.dedup_by(|left, right| key(left) == key(right));
        if rows.is_empty() {
            return Ok(());
        }
        let mut transaction = self.begin().await?;
        for batch in rows.chunks(BATCH) {
            let values: Vec<_> = batch
                .iter()
                .map(|row| {
                    let MemberRow {
                        ecosystem,
                        package_key,
                        package,
                        file,
                        owner,
                        version,
                        artifact,
                        first_seen,
                    } = row;
                    (ecosystem, package_key, file, owner, package, version, artifact, first_seen.millis())
                })
                .collect();
            let text = serde_json::to_string(&values)
                .map_err(|error| MetadataError::Damaged(format!("members cannot be written: {error}")))?;
            sqlx::query(self.engine.insert_members()).bind(text).execute(&mut *transaction).await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// The packages of an ecosystem of which some file from outside was let in, by name.
    pub async fn admitted_names(&self, ecosystem: &str, limit: u32) -> Result<Vec<String>> {
        let rows = sqlx::query(
            "SELECT DISTINCT package FROM admissions WHERE ecosystem = $1 ORDER BY package LIMIT $2",
        )
        .bind(ecosystem)
        .bind(i64::from(limit))
        .fetch_all(&self.read)
        .await?;
        rows.iter().map(|row| Columns::of(row).text()).collect()
    }
}

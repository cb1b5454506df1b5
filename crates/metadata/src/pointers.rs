use crate::row::Columns;
use crate::{Metadata, Result};
use lazaret_vocabulary::Timestamp;

/// Where a name that can be moved stood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PointerRow {
    /// The name.
    pub pointer: String,
    /// The release it stood for.
    pub version: String,
    /// When it was first seen there.
    pub first_seen: Timestamp,
    /// And last.
    pub last_seen: Timestamp,
}

impl Metadata {
    /// Everywhere a name has stood, where it was seen last first.
    pub async fn pointer(
        &self,
        ecosystem: &str,
        package_key: &str,
        pointer: &str,
    ) -> Result<Vec<PointerRow>> {
        let rows = sqlx::query(
            "SELECT pointer, version, first_seen_ms, last_seen_ms FROM pointers
             WHERE ecosystem = $1 AND package_key = $2 AND pointer = $3 ORDER BY last_seen_ms DESC, version",
        )
        .bind(ecosystem)
        .bind(package_key)
        .bind(pointer)
        .fetch_all(&self.read)
        .await?;
        rows.iter().map(read).collect()
    }

    /// Everywhere that names of a package have stood, at most so many rows.
    pub async fn pointers_of(
        &self,
        ecosystem: &str,
        package_key: &str,
        limit: u32,
    ) -> Result<Vec<PointerRow>> {
        let rows = sqlx::query(
            "SELECT pointer, version, first_seen_ms, last_seen_ms FROM pointers
             WHERE ecosystem = $1 AND package_key = $2 ORDER BY pointer, version LIMIT $3",
        )
        .bind(ecosystem)
        .bind(package_key)
        .bind(i64::from(limit))
        .fetch_all(&self.read)
        .await?;
        rows.iter().map(read).collect()
    }

    /// Records where names of a package stand now: name and release, in one commit.
    pub async fn record_pointers(
        &self,
        ecosystem: &str,
        package_key: &str,
        stands: &[(String, String)],
        at: Timestamp,
    ) -> Result<()> {
        if stands.is_empty() {
            return Ok(());
        }
        let mut sorted: Vec<&(String, String)> = stands.iter().collect();
        sorted.sort_unstable();
        sorted.dedup();
        let mut transaction = self.begin().await?;
        for (pointer, version) in sorted {
            sqlx::query(
                "INSERT INTO pointers (ecosystem, package_key, pointer, version, first_seen_ms, last_seen_ms)
                 VALUES ($1, $2, $3, $4, $5, $5)
                 ON CONFLICT (ecosystem, package_key, pointer, version)
                 DO UPDATE SET last_seen_ms = excluded.last_seen_ms
                 WHERE pointers.last_seen_ms < excluded.last_seen_ms",
            )
            .bind(ecosystem)
            .bind(package_key)
            .bind(pointer)
            .bind(version)
            .bind(at.millis())
            .execute(&mut *transaction)
            .await?;
        }
        transaction.commit().await?;
        Ok(())
    }
}

fn read(row: &sqlx::any::AnyRow) -> Result<PointerRow> {
    let mut columns = Columns::of(row);
    Ok(PointerRow {
        pointer: columns.text()?,
        version: columns.text()?,
        first_seen: columns.moment()?,
        last_seen: columns.moment()?,
    })
}

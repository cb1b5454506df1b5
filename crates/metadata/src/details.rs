use crate::row::Columns;
use crate::{Metadata, Result};
use lazaret_vocabulary::Timestamp;

impl Metadata {
    /// What documents on single releases of a package said: version and JSON.
    pub async fn details_of(&self, ecosystem: &str, package_key: &str) -> Result<Vec<(String, String)>> {
        let rows = sqlx::query(
            "SELECT version, detail FROM release_details WHERE ecosystem = $1 AND package_key = $2",
        )
        .bind(ecosystem)
        .bind(package_key)
        .fetch_all(&self.read)
        .await?;
        rows.iter()
            .map(|row| {
                let mut columns = Columns::of(row);
                Ok((columns.text()?, columns.text()?))
            })
            .collect()
    }

    /// Keeps what documents on releases of one package said: version and JSON of each, in one commit. What was
    /// kept before gives way.
    pub async fn put_details(
        &self,
        ecosystem: &str,
        package_key: &str,
        details: &[(String, String)],
        at: Timestamp,
    ) -> Result<()> {
        if details.is_empty() {
            return Ok(());
        }
        let mut sorted: Vec<&(String, String)> = details.iter().collect();
        sorted.sort_unstable();
        let mut transaction = self.begin().await?;
        for (version, detail) in sorted {
            sqlx::query(
                "INSERT INTO release_details (ecosystem, package_key, version, detail, fetched_ms)
                 VALUES ($1, $2, $3, $4, $5)
                 ON CONFLICT (ecosystem, package_key, version)
                 DO UPDATE SET detail = excluded.detail, fetched_ms = excluded.fetched_ms",
            )
            .bind(ecosystem)
            .bind(package_key)
            .bind(version)
            .bind(detail)
            .bind(at.millis())
            .execute(&mut *transaction)
            .await?;
        }
        transaction.commit().await?;
        Ok(())
    }
}

use crate::row::Columns;
use crate::{Metadata, Result};
use lazaret_vocabulary::Timestamp;

/// The facts behind the latest verdict on a release, so that a candidate policy can be tried on them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecisionRow {
    /// Ecosystem id.
    pub ecosystem: String,
    /// What the package is compared by.
    pub package_key: String,
    /// The version.
    pub version: String,
    /// The package as written.
    pub package: String,
    /// The facts, as JSON.
    pub dossier: String,
    /// What they came to: `admit`, `hold` or `refuse`.
    pub verdict: String,
    /// When.
    pub at: Timestamp,
}

impl Metadata {
    /// Records verdicts, each in place of the release's earlier one.
    pub async fn record_decisions(&self, rows: &[DecisionRow]) -> Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        let mut rows: Vec<&DecisionRow> = rows.iter().collect();
        rows.sort_by(|left, right| {
            (&left.ecosystem, &left.package_key, &left.version).cmp(&(
                &right.ecosystem,
                &right.package_key,
                &right.version,
            ))
        });
        let mut transaction = self.begin().await?;
        for row in rows {
            sqlx::query(
                "INSERT INTO decisions (ecosystem, package_key, version, package, dossier, verdict, at_ms)
                 VALUES ($1, $2, $3, $4, $5, $6, $7)
                 ON CONFLICT (ecosystem, package_key, version) DO UPDATE SET package = excluded.package,
                     dossier = excluded.dossier, verdict = excluded.verdict, at_ms = excluded.at_ms",
            )
            .bind(&row.ecosystem)
            .bind(&row.package_key)
            .bind(&row.version)
            .bind(&row.package)
            .bind(&row.dossier)
            .bind(&row.verdict)
            .bind(row.at.millis())
            .execute(&mut *transaction)
            .await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// A page of recorded verdicts, ordered by ecosystem, package and version. `after` is the last row of
    /// the page before.
    pub async fn decisions(&self, after: Option<&DecisionRow>, limit: u32) -> Result<Vec<DecisionRow>> {
        let place = |part: fn(&DecisionRow) -> &str| after.map(part).unwrap_or_default();
        let rows = sqlx::query(
            "SELECT ecosystem, package_key, version, package, dossier, verdict, at_ms FROM decisions
             WHERE (ecosystem, package_key, version) > ($1, $2, $3)
             ORDER BY ecosystem, package_key, version LIMIT $4",
        )
        .bind(place(|row| &row.ecosystem))
        .bind(place(|row| &row.package_key))
        .bind(place(|row| &row.version))
        .bind(i64::from(limit))
        .fetch_all(&self.read)
        .await?;
        rows.iter()
            .map(|row| {
                let mut columns = Columns::of(row);
                Ok(DecisionRow {
                    ecosystem: columns.text()?,
                    package_key: columns.text()?,
                    version: columns.text()?,
                    package: columns.text()?,
                    dossier: columns.text()?,
                    verdict: columns.text()?,
                    at: columns.moment()?,
                })
            })
            .collect()
    }

    /// Forgets the oldest verdicts beyond so many; how many went.
    pub async fn trim_decisions(&self, keep: u32) -> Result<u64> {
        let done = sqlx::query(
            "DELETE FROM decisions WHERE at_ms < (SELECT MIN(at_ms) FROM
                 (SELECT at_ms FROM decisions ORDER BY at_ms DESC LIMIT $1) AS kept)",
        )
        .bind(i64::from(keep.max(1)))
        .execute(&self.write)
        .await?;
        Ok(done.rows_affected())
    }
}

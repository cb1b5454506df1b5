use crate::row::Columns;
use crate::{Metadata, Result};
use lazaret_vocabulary::Timestamp;

/// Somebody did not get what they asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusalRow {
    /// Ecosystem id.
    pub ecosystem: String,
    /// What the package is compared by.
    pub package_key: String,
    /// The version, or empty for the whole package.
    pub version: String,
    /// The policy that said so.
    pub policy_revision: String,
    /// The codes of the findings, separated by commas.
    pub codes: String,
    /// What was said.
    pub sentence: String,
    /// Who asked.
    pub principal: String,
    /// When.
    pub at: Timestamp,
}

/// A refusal and how often it was repeated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusalTally {
    /// The first one.
    pub first: RefusalRow,
    /// When it was last repeated.
    pub last: Timestamp,
    /// How often it was said in all.
    pub times: u64,
}

impl Metadata {
    /// Records refusals: the first per release, policy and codes in full, later ones as a count.
    pub async fn record_refusals(&self, rows: &[RefusalRow]) -> Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        let mut rows: Vec<&RefusalRow> = rows.iter().collect();
        // In one order everywhere, so that two nodes cannot block each other; of equals the first stays first.
        rows.sort_by(|left, right| key(left).cmp(&key(right)));
        let mut transaction = self.begin().await?;
        for row in rows {
            sqlx::query(
                "INSERT INTO refusals (ecosystem, package_key, version, policy_revision, codes, sentence,
                     principal, first_ms, last_ms, times) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8, 1)
                 ON CONFLICT (ecosystem, package_key, version, policy_revision, codes) DO UPDATE
                 SET last_ms = excluded.last_ms, times = refusals.times + 1",
            )
            .bind(&row.ecosystem)
            .bind(&row.package_key)
            .bind(&row.version)
            .bind(&row.policy_revision)
            .bind(&row.codes)
            .bind(&row.sentence)
            .bind(&row.principal)
            .bind(row.at.millis())
            .execute(&mut *transaction)
            .await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// What was refused at `since` or later, the latest first.
    pub async fn refusals_since(&self, since: Timestamp, limit: u32) -> Result<Vec<RefusalTally>> {
        let rows = sqlx::query(
            "SELECT ecosystem, package_key, version, policy_revision, codes, sentence, principal, first_ms,
                 last_ms, times FROM refusals WHERE last_ms >= $1 ORDER BY last_ms DESC LIMIT $2",
        )
        .bind(since.millis())
        .bind(i64::from(limit))
        .fetch_all(&self.read)
        .await?;
        rows.iter()
            .map(|row| {
                let mut columns = Columns::of(row);
                Ok(RefusalTally {
                    first: RefusalRow {
                        ecosystem: columns.text()?,
                        package_key: columns.text()?,
                        version: columns.text()?,
                        policy_revision: columns.text()?,
                        codes: columns.text()?,
                        sentence: columns.text()?,
                        principal: columns.text()?,
                        at: columns.moment()?,
                    },
                    last: columns.moment()?,
                    times: columns.size()?,
                })
            })
            .collect()
    }
}

fn key(row: &RefusalRow) -> [&str; 5] {
    [&row.ecosystem, &row.package_key, &row.version, &row.policy_revision, &row.codes]
}

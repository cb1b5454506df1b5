use crate::group::Change;
use crate::row::Columns;
use crate::{Metadata, Result};
use lazaret_vocabulary::{Digest, Timestamp};
use sqlx::any::AnyRow;
use sqlx::{Any, Transaction};

/// The first time an artifact was released to anyone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdmissionRow {
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
    /// Its bytes.
    pub sha256: Digest,
    /// The policy under which it was let through.
    pub policy_revision: String,
    /// What the checks found, as JSON; may be empty.
    pub findings: String,
    /// Who took it first.
    pub principal: String,
    /// What kind of asker that was.
    pub class: String,
    /// When.
    pub at: Timestamp,
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT ecosystem, package_key, package, version, file, sha256, policy_revision, findings, principal,
                 class, at_ms FROM admissions ",
            $rest
        )
    };
}

impl Metadata {
    /// Records the first release of a file; `false` when it is on record already, which then stays as it
    /// was. Once this has returned, the record survives whatever happens to the program or the machine.
    pub async fn admit(&self, row: &AdmissionRow) -> Result<bool> {
        self.write_together(Change::Admission(row.clone())).await
    }

    /// What was admitted of a package, the oldest first.
    pub async fn admissions_of(&self, ecosystem: &str, package_key: &str) -> Result<Vec<AdmissionRow>> {
        let rows = sqlx::query(select!("WHERE ecosystem = $1 AND package_key = $2 ORDER BY at_ms, file"))
            .bind(ecosystem)
            .bind(package_key)
            .fetch_all(&self.read)
            .await?;
        rows.iter().map(read).collect()
    }

    /// Under which names these bytes were admitted.
    pub async fn admissions_with(&self, sha256: &Digest) -> Result<Vec<AdmissionRow>> {
        let rows = sqlx::query(select!("WHERE sha256 = $1 ORDER BY at_ms, file"))
            .bind(sha256.to_string())
            .fetch_all(&self.read)
            .await?;
        rows.iter().map(read).collect()
    }

    /// What was admitted at `since` or later, the oldest first.
    pub async fn admissions_since(&self, since: Timestamp, limit: u32) -> Result<Vec<AdmissionRow>> {
        let rows = sqlx::query(select!("WHERE at_ms >= $1 ORDER BY at_ms, file LIMIT $2"))
            .bind(since.millis())
            .bind(i64::from(limit))
            .fetch_all(&self.read)
            .await?;
        rows.iter().map(read).collect()
    }
}

pub(crate) async fn insert(transaction: &mut Transaction<'_, Any>, row: &AdmissionRow) -> Result<bool> {
    let done = sqlx::query(
        "INSERT INTO admissions (ecosystem, package_key, package, version, file, sha256, policy_revision,
             findings, principal, class, at_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
         ON CONFLICT (ecosystem, package_key, file, sha256) DO NOTHING",
    )
    .bind(&row.ecosystem)
    .bind(&row.package_key)
    .bind(&row.package)
    .bind(&row.version)
    .bind(&row.file)
    .bind(row.sha256.to_string())
    .bind(&row.policy_revision)
    .bind(&row.findings)
    .bind(&row.principal)
    .bind(&row.class)
    .bind(row.at.millis())
    .execute(&mut **transaction)
    .await?;
    Ok(done.rows_affected() > 0)
}

fn read(row: &AnyRow) -> Result<AdmissionRow> {
    let mut columns = Columns::of(row);
    Ok(AdmissionRow {
        ecosystem: columns.text()?,
        package_key: columns.text()?,
        package: columns.text()?,
        version: columns.text()?,
        file: columns.text()?,
        sha256: columns.digest()?,
        policy_revision: columns.text()?,
        findings: columns.text()?,
        principal: columns.text()?,
        class: columns.text()?,
        at: columns.moment()?,
    })
}

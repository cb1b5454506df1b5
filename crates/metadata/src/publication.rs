use crate::artifacts::upsert;
use crate::hosted::{add_owner, changed, set_tag};
use crate::row::{Columns, stored_size};
use crate::{ArtifactRow, AuditRow, HostedFileRow, Metadata, MetadataError, Result};
use lazaret_vocabulary::{Digest, Timestamp};
use sqlx::{Any, Transaction};

/// A release, or further files of one, to be published. The bytes must lie in the blobs already.
#[derive(Debug, Clone)]
pub struct Publication {
    /// Ecosystem id.
    pub ecosystem: String,
    /// What the package is compared by.
    pub package_key: String,
    /// The package as written.
    pub name: String,
    /// What it says of itself.
    pub description: String,
    /// The version.
    pub version: String,
    /// What its ecosystem needs to write an index. Of further files the first publication's stays.
    pub manifest: String,
    /// Who publishes; owns the package when it is new.
    pub publisher: String,
    /// When.
    pub at: Timestamp,
    /// Its files, each with the facts (JSON) that inspecting it revealed.
    pub files: Vec<(HostedFileRow, String)>,
    /// Tags that shall point at it.
    pub tags: Vec<String>,
    /// Whether a version that is there may get further files, as on PyPI.
    pub extends: bool,
    /// The version is the digest of what is published: it cannot come to stand for anything else, so that it may
    /// be published again, after a removal too.
    pub by_digest: bool,
}

/// What came of a publication.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Published {
    /// It is public from now on.
    New,
    /// The very same bytes were published before under these names; nothing has changed.
    Already,
}

impl Metadata {
    /// Publishes in one transaction: all of it is public afterwards, or nothing. `Taken` when the version,
    /// or a file's name, stands for other bytes or was removed: it never stands for anything else again.
    pub async fn publish(&self, publication: &Publication, audit: &AuditRow) -> Result<Published> {
        let mut transaction = self.begin().await?;
        let is_new_package = insert_package(&mut transaction, publication).await?;
        let is_new_release = insert_release(&mut transaction, publication).await?;
        let mut new_files = 0usize;
        for (file, facts) in &publication.files {
            let is_new = insert_file(&mut transaction, publication, file).await?;
            new_files += usize::from(is_new);
            if is_new || publication.by_digest {
                upsert(&mut transaction, &artifact(publication, file, facts)).await?;
            }
        }
        if !is_new_release && new_files == 0 && !publication.files.is_empty() && !publication.by_digest {
            return Ok(Published::Already);
        }
        if !is_new_release && !publication.extends && !publication.by_digest {
            return Err(taken(publication, "exists already and never changes"));
        }
        if is_new_package {
            add_owner(
                &mut transaction,
                &publication.ecosystem,
                &publication.package_key,
                &publication.publisher,
            )
            .await?;
        }
        for tag in &publication.tags {
            let Publication { ecosystem, package_key, version, .. } = publication;
            set_tag(&mut transaction, ecosystem, package_key, tag, version).await?;
        }
        changed(&mut transaction, &publication.ecosystem, &publication.package_key, audit).await?;
        transaction.commit().await?;
        Ok(Published::New)
    }
}

async fn insert_package(transaction: &mut Transaction<'_, Any>, publication: &Publication) -> Result<bool> {
    let done = sqlx::query(
        "INSERT INTO hosted_packages (ecosystem, package_key, name, description, created_ms, revision)
         VALUES ($1, $2, $3, $4, $5, 0) ON CONFLICT (ecosystem, package_key) DO NOTHING",
    )
    .bind(&publication.ecosystem)
    .bind(&publication.package_key)
    .bind(&publication.name)
    .bind(&publication.description)
    .bind(publication.at.millis())
    .execute(&mut **transaction)
    .await?;
    if done.rows_affected() > 0 {
        return Ok(true);
    }
    if publication.description.is_empty() {
        return Ok(false);
    }
    sqlx::query("UPDATE hosted_packages SET description = $3 WHERE ecosystem = $1 AND package_key = $2")
        .bind(&publication.ecosystem)
        .bind(&publication.package_key)
        .bind(&publication.description)
        .execute(&mut **transaction)
        .await?;
    Ok(false)
}

/// `false` when the version is there; `Taken` when it was removed.
async fn insert_release(transaction: &mut Transaction<'_, Any>, publication: &Publication) -> Result<bool> {
    let done = sqlx::query(
        "INSERT INTO hosted_releases (ecosystem, package_key, version, manifest, published_ms, publisher)
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (ecosystem, package_key, version) DO NOTHING",
    )
    .bind(&publication.ecosystem)
    .bind(&publication.package_key)
    .bind(&publication.version)
    .bind(&publication.manifest)
    .bind(publication.at.millis())
    .bind(&publication.publisher)
    .execute(&mut **transaction)
    .await?;
    if done.rows_affected() > 0 {
        return Ok(true);
    }
    let row = sqlx::query(
        "SELECT removed_ms FROM hosted_releases WHERE ecosystem = $1 AND package_key = $2 AND version = $3",
    )
    .bind(&publication.ecosystem)
    .bind(&publication.package_key)
    .bind(&publication.version)
    .fetch_one(&mut **transaction)
    .await?;
    match Columns::of(&row).optional_moment()? {
        Some(_) if publication.by_digest => {
            sqlx::query(
                "UPDATE hosted_releases SET removed_ms = NULL
                 WHERE ecosystem = $1 AND package_key = $2 AND version = $3",
            )
            .bind(&publication.ecosystem)
            .bind(&publication.package_key)
            .bind(&publication.version)
            .execute(&mut **transaction)
            .await?;
            Ok(true)
        }
        Some(_) => Err(taken(publication, "was removed and is never free again")),
        None => Ok(false),
    }
}

/// `false` when this very file is there; `Taken` when its name stands for anything else.
async fn insert_file(
    transaction: &mut Transaction<'_, Any>,
    publication: &Publication,
    file: &HostedFileRow,
) -> Result<bool> {
    let done = sqlx::query(
        "INSERT INTO hosted_files (ecosystem, package_key, file, version, sha256, digests, size_bytes,
             published_ms, metadata) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         ON CONFLICT (ecosystem, package_key, file) DO NOTHING",
    )
    .bind(&publication.ecosystem)
    .bind(&publication.package_key)
    .bind(&file.file)
    .bind(&publication.version)
    .bind(file.sha256.to_string())
    .bind(&file.digests)
    .bind(stored_size(file.size_bytes))
    .bind(publication.at.millis())
    .bind(&file.metadata)
    .execute(&mut **transaction)
    .await?;
    if done.rows_affected() > 0 {
        return Ok(true);
    }
    let row = sqlx::query(
        "SELECT version, sha256 FROM hosted_files WHERE ecosystem = $1 AND package_key = $2 AND file = $3",
    )
    .bind(&publication.ecosystem)
    .bind(&publication.package_key)
    .bind(&file.file)
    .fetch_one(&mut **transaction)
    .await?;
    let mut columns = Columns::of(&row);
    let (version, sha256): (String, Digest) = (columns.text()?, columns.digest()?);
    if version == publication.version && sha256 == file.sha256 {
        return Ok(false);
    }
    Err(MetadataError::Taken(format!(
        "the file {} of {} exists already with other bytes and never changes",
        file.file, publication.name
    )))
}

fn artifact(publication: &Publication, file: &HostedFileRow, facts: &str) -> ArtifactRow {
    ArtifactRow {
        ecosystem: publication.ecosystem.clone(),
        package_key: publication.package_key.clone(),
        package: publication.name.clone(),
        version: publication.version.clone(),
        file: file.file.clone(),
        sha256: file.sha256.clone(),
        size_bytes: file.size_bytes,
        stored: publication.at,
        hosted: true,
        admitted: false,
        facts: facts.to_owned(),
    }
}

fn taken(publication: &Publication, why: &str) -> MetadataError {
    MetadataError::Taken(format!("version {} of {} {why}", publication.version, publication.name))
}

impl Metadata {
    /// Records a file that was uploaded to a package of this house before any release names it. The package is
    /// this house's from here on.
    pub async fn put_upload(&self, row: &ArtifactRow, owner: &str, audit: &AuditRow) -> Result<()> {
        let mut transaction = self.begin().await?;
        let is_new = sqlx::query(
            "INSERT INTO hosted_packages (ecosystem, package_key, name, description, created_ms, revision)
             VALUES ($1, $2, $3, '', $4, 0) ON CONFLICT (ecosystem, package_key) DO NOTHING",
        )
        .bind(&row.ecosystem)
        .bind(&row.package_key)
        .bind(&row.package)
        .bind(row.stored.millis())
        .execute(&mut *transaction)
        .await?
        .rows_affected()
            > 0;
        upsert(&mut transaction, row).await?;
        if is_new {
            add_owner(&mut transaction, &row.ecosystem, &row.package_key, owner).await?;
        }
        changed(&mut transaction, &row.ecosystem, &row.package_key, audit).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Takes an uploaded file away that no release was published with. `false` when there is none.
    pub async fn remove_upload(
        &self,
        ecosystem: &str,
        package_key: &str,
        file: &str,
        audit: &AuditRow,
    ) -> Result<bool> {
        let mut transaction = self.begin().await?;
        let done = sqlx::query(
            "DELETE FROM artifacts
             WHERE ecosystem = $1 AND package_key = $2 AND file = $3 AND hosted = 1 AND version = ''",
        )
        .bind(ecosystem)
        .bind(package_key)
        .bind(file)
        .execute(&mut *transaction)
        .await?;
        if done.rows_affected() == 0 {
            return Ok(false);
        }
        changed(&mut transaction, ecosystem, package_key, audit).await?;
        transaction.commit().await?;
        Ok(true)
    }
}

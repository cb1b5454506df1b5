use crate::audit::append;
use crate::revisions::bump;
use crate::row::Columns;
use crate::{AuditRow, Metadata, MetadataError, Result, Revision};
use lazaret_vocabulary::{Digest, Timestamp};
use sqlx::any::AnyRow;
use sqlx::{Any, Transaction};

/// A package published to this house. Its name stays reserved for ever.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostedPackageRow {
    /// Ecosystem id.
    pub ecosystem: String,
    /// What the package is compared by.
    pub package_key: String,
    /// As it was first written.
    pub name: String,
    /// What its latest release says of itself.
    pub description: String,
    /// When its first release came.
    pub created: Timestamp,
    /// Grows with every change to it.
    pub revision: i64,
}

/// One version of a hosted package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostedReleaseRow {
    /// The version.
    pub version: String,
    /// What its ecosystem needs to write an index: JSON or text.
    pub manifest: String,
    /// When it was published.
    pub published: Timestamp,
    /// By whom.
    pub publisher: String,
    /// Yanked, with the reason, which may be empty.
    pub withdrawn: Option<String>,
    /// Its publisher's warning.
    pub deprecated: Option<String>,
    /// Removed: nothing is served, and the version is never free again.
    pub removed: Option<Timestamp>,
}

/// One file of a hosted package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostedFileRow {
    /// Its name, unique within the package.
    pub file: String,
    /// The version it belongs to.
    pub version: String,
    /// Its bytes.
    pub sha256: Digest,
    /// Other digests that its clients ask for, as JSON.
    pub digests: String,
    /// Its size.
    pub size_bytes: u64,
    /// When it was published.
    pub published: Timestamp,
    /// What its ecosystem needs besides, such as `requires-python`, as JSON or text.
    pub metadata: String,
}

/// All there is of a hosted package, seen at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostedPackage {
    /// The package itself.
    pub package: HostedPackageRow,
    /// Its releases in the order of publication, removed ones among them.
    pub releases: Vec<HostedReleaseRow>,
    /// Its files, those of removed releases among them.
    pub files: Vec<HostedFileRow>,
    /// Tag and version.
    pub tags: Vec<(String, String)>,
    /// Who may publish to it.
    pub owners: Vec<String>,
}

macro_rules! select_packages {
    ($rest:literal) => {
        concat!(
            "SELECT ecosystem, package_key, name, description, created_ms, revision FROM hosted_packages ",
            $rest
        )
    };
}

const RELEASES: &str = "SELECT version, manifest, published_ms, publisher, withdrawn, deprecated, removed_ms
    FROM hosted_releases WHERE ecosystem = $1 AND package_key = $2 ORDER BY published_ms, version";
const FILES: &str = "SELECT file, version, sha256, digests, size_bytes, published_ms, metadata
    FROM hosted_files WHERE ecosystem = $1 AND package_key = $2 ORDER BY published_ms, file";
const TAGS: &str =
    "SELECT tag, version FROM hosted_tags WHERE ecosystem = $1 AND package_key = $2 ORDER BY tag";
const OWNERS: &str =
    "SELECT owner FROM hosted_owners WHERE ecosystem = $1 AND package_key = $2 ORDER BY owner";

impl Metadata {
    /// Ecosystem and key of every hosted package, also of those whose releases are all removed.
    pub async fn hosted_names(&self) -> Result<Vec<(String, String)>> {
        let rows =
            sqlx::query("SELECT ecosystem, package_key FROM hosted_packages ORDER BY ecosystem, package_key")
                .fetch_all(&self.read)
                .await?;
        rows.iter().map(read_pair).collect()
    }

    /// Everything about one hosted package.
    pub async fn hosted(&self, ecosystem: &str, package_key: &str) -> Result<Option<HostedPackage>> {
        let mut snapshot = self.snapshot().await?;
        let package = sqlx::query(select_packages!("WHERE ecosystem = $1 AND package_key = $2"))
            .bind(ecosystem)
            .bind(package_key)
            .fetch_optional(&mut *snapshot)
            .await?;
        let Some(package) = package else { return Ok(None) };
        let mut rows = Vec::new();
        for query in [RELEASES, FILES, TAGS, OWNERS] {
            let found =
                sqlx::query(query).bind(ecosystem).bind(package_key).fetch_all(&mut *snapshot).await?;
            rows.push(found);
        }
        snapshot.rollback().await?;
        let mut rows = rows.into_iter();
        let mut next = || rows.next().unwrap_or_default();
        Ok(Some(HostedPackage {
            package: read_package(&package)?,
            releases: next().iter().map(read_release).collect::<Result<_>>()?,
            files: next().iter().map(read_file).collect::<Result<_>>()?,
            tags: next().iter().map(read_pair).collect::<Result<_>>()?,
            owners: next().iter().map(|row| Columns::of(row).text()).collect::<Result<_>>()?,
        }))
    }

    /// Hosted packages whose name or description holds the text, whatever its case (of ASCII letters).
    pub async fn search_hosted(
        &self,
        ecosystem: &str,
        text: &str,
        limit: u32,
    ) -> Result<Vec<HostedPackageRow>> {
        let mut pattern = String::from("%");
        for c in text.to_lowercase().chars().take(200) {
            if matches!(c, '%' | '_' | '!') {
                pattern.push('!');
            }
            pattern.push(c);
        }
        pattern.push('%');
        let rows = sqlx::query(select_packages!(
            "WHERE ecosystem = $1 AND (LOWER(name) LIKE $2 ESCAPE '!' OR LOWER(description) LIKE $2 ESCAPE '!')
             ORDER BY package_key LIMIT $3"
        ))
        .bind(ecosystem)
        .bind(pattern)
        .bind(i64::from(limit))
        .fetch_all(&self.read)
        .await?;
        rows.iter().map(read_package).collect()
    }

    /// Yanks a release (`Some`, with a reason that may be empty) or takes that back (`None`).
    pub async fn withdraw_hosted(
        &self,
        ecosystem: &str,
        package_key: &str,
        version: &str,
        reason: Option<&str>,
        audit: &AuditRow,
    ) -> Result<()> {
        let query = "UPDATE hosted_releases SET withdrawn = $4
             WHERE ecosystem = $1 AND package_key = $2 AND version = $3 AND removed_ms IS NULL";
        self.change_release(query, [ecosystem, package_key, version], reason, audit).await
    }

    /// Sets a release's warning, or takes it back.
    pub async fn deprecate_hosted(
        &self,
        ecosystem: &str,
        package_key: &str,
        version: &str,
        message: Option<&str>,
        audit: &AuditRow,
    ) -> Result<()> {
        let query = "UPDATE hosted_releases SET deprecated = $4
             WHERE ecosystem = $1 AND package_key = $2 AND version = $3 AND removed_ms IS NULL";
        self.change_release(query, [ecosystem, package_key, version], message, audit).await
    }

    async fn change_release(
        &self,
        query: &'static str,
        [ecosystem, package_key, version]: [&str; 3],
        value: Option<&str>,
        audit: &AuditRow,
    ) -> Result<()> {
        let mut transaction = self.begin().await?;
        let done = sqlx::query(query)
            .bind(ecosystem)
            .bind(package_key)
            .bind(version)
            .bind(value)
            .execute(&mut *transaction)
            .await?;
        if done.rows_affected() == 0 {
            return Err(MetadataError::Missing(format!("version {version} of {package_key}")));
        }
        changed(&mut transaction, ecosystem, package_key, audit).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Removes a release: its files are served no more, tags that point at it go, and neither the version
    /// nor its files' names can ever be published again.
    pub async fn remove_hosted(
        &self,
        ecosystem: &str,
        package_key: &str,
        version: &str,
        at: Timestamp,
        audit: &AuditRow,
    ) -> Result<()> {
        let mut transaction = self.begin().await?;
        let done = sqlx::query(
            "UPDATE hosted_releases SET removed_ms = $4
             WHERE ecosystem = $1 AND package_key = $2 AND version = $3 AND removed_ms IS NULL",
        )
        .bind(ecosystem)
        .bind(package_key)
        .bind(version)
        .bind(at.millis())
        .execute(&mut *transaction)
        .await?;
        if done.rows_affected() == 0 {
            return Err(MetadataError::Missing(format!("version {version} of {package_key}")));
        }
        for query in [
            "DELETE FROM hosted_tags WHERE ecosystem = $1 AND package_key = $2 AND version = $3",
            "DELETE FROM artifacts WHERE ecosystem = $1 AND package_key = $2 AND version = $3 AND hosted = 1",
        ] {
            sqlx::query(query)
                .bind(ecosystem)
                .bind(package_key)
                .bind(version)
                .execute(&mut *transaction)
                .await?;
        }
        changed(&mut transaction, ecosystem, package_key, audit).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Points a tag at a version (`Some`) or takes it away (`None`).
    pub async fn tag_hosted(
        &self,
        ecosystem: &str,
        package_key: &str,
        tag: &str,
        version: Option<&str>,
        audit: &AuditRow,
    ) -> Result<()> {
        let mut transaction = self.begin().await?;
        let done = match version {
            Some(version) => {
                set_tag(&mut transaction, ecosystem, package_key, tag, version).await?;
                1
            }
            None => {
                sqlx::query("DELETE FROM hosted_tags WHERE ecosystem = $1 AND package_key = $2 AND tag = $3")
                    .bind(ecosystem)
                    .bind(package_key)
                    .bind(tag)
                    .execute(&mut *transaction)
                    .await?
                    .rows_affected()
            }
        };
        if done == 0 {
            return Err(MetadataError::Missing(format!("tag {tag} of {package_key}")));
        }
        changed(&mut transaction, ecosystem, package_key, audit).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Adds and removes owners. The last one cannot go: `Refused`.
    pub async fn change_owners(
        &self,
        ecosystem: &str,
        package_key: &str,
        add: &[String],
        remove: &[String],
        audit: &AuditRow,
    ) -> Result<()> {
        let mut transaction = self.begin().await?;
        // First, so that on PostgreSQL two changes of one package's owners follow one another.
        changed(&mut transaction, ecosystem, package_key, audit).await?;
        for owner in add {
            add_owner(&mut transaction, ecosystem, package_key, owner).await?;
        }
        for owner in remove {
            sqlx::query("DELETE FROM hosted_owners WHERE ecosystem = $1 AND package_key = $2 AND owner = $3")
                .bind(ecosystem)
                .bind(package_key)
                .bind(owner)
                .execute(&mut *transaction)
                .await?;
        }
        let left = sqlx::query(OWNERS).bind(ecosystem).bind(package_key).fetch_all(&mut *transaction).await?;
        if left.is_empty() {
            return Err(MetadataError::Refused(format!("{package_key} would be left without an owner")));
        }
        transaction.commit().await?;
        Ok(())
    }
}

/// Everything that a change of a hosted package moves: its own revision, the house's, and the books.
pub(crate) async fn changed(
    transaction: &mut Transaction<'_, Any>,
    ecosystem: &str,
    package_key: &str,
    audit: &AuditRow,
) -> Result<()> {
    let done = sqlx::query(
        "UPDATE hosted_packages SET revision = revision + 1 WHERE ecosystem = $1 AND package_key = $2",
    )
    .bind(ecosystem)
    .bind(package_key)
    .execute(&mut **transaction)
    .await?;
    if done.rows_affected() == 0 {
        return Err(MetadataError::Missing(format!("a hosted package {package_key}")));
    }
    append(transaction, audit).await?;
    bump(transaction, Revision::Hosted).await
}

/// Points a tag at a version, which has to be there.
pub(crate) async fn set_tag(
    transaction: &mut Transaction<'_, Any>,
    ecosystem: &str,
    package_key: &str,
    tag: &str,
    version: &str,
) -> Result<()> {
    let there = sqlx::query(
        "SELECT version FROM hosted_releases
         WHERE ecosystem = $1 AND package_key = $2 AND version = $3 AND removed_ms IS NULL",
    )
    .bind(ecosystem)
    .bind(package_key)
    .bind(version)
    .fetch_optional(&mut **transaction)
    .await?;
    if there.is_none() {
        return Err(MetadataError::Missing(format!("version {version} of {package_key}")));
    }
    sqlx::query(
        "INSERT INTO hosted_tags (ecosystem, package_key, tag, version) VALUES ($1, $2, $3, $4)
         ON CONFLICT (ecosystem, package_key, tag) DO UPDATE SET version = excluded.version",
    )
    .bind(ecosystem)
    .bind(package_key)
    .bind(tag)
    .bind(version)
    .execute(&mut **transaction)
    .await?;
    Ok(())
}

pub(crate) async fn add_owner(
    transaction: &mut Transaction<'_, Any>,
    ecosystem: &str,
    package_key: &str,
    owner: &str,
) -> Result<()> {
    sqlx::query(
        "INSERT INTO hosted_owners (ecosystem, package_key, owner) VALUES ($1, $2, $3)
         ON CONFLICT (ecosystem, package_key, owner) DO NOTHING",
    )
    .bind(ecosystem)
    .bind(package_key)
    .bind(owner)
    .execute(&mut **transaction)
    .await?;
    Ok(())
}

fn read_package(row: &AnyRow) -> Result<HostedPackageRow> {
    let mut columns = Columns::of(row);
    Ok(HostedPackageRow {
        ecosystem: columns.text()?,
        package_key: columns.text()?,
        name: columns.text()?,
        description: columns.text()?,
        created: columns.moment()?,
        revision: columns.integer()?,
    })
}

fn read_release(row: &AnyRow) -> Result<HostedReleaseRow> {
    let mut columns = Columns::of(row);
    Ok(HostedReleaseRow {
        version: columns.text()?,
        manifest: columns.text()?,
        published: columns.moment()?,
        publisher: columns.text()?,
        withdrawn: columns.optional_text()?,
        deprecated: columns.optional_text()?,
        removed: columns.optional_moment()?,
    })
}

fn read_file(row: &AnyRow) -> Result<HostedFileRow> {
    let mut columns = Columns::of(row);
    Ok(HostedFileRow {
        file: columns.text()?,
        version: columns.text()?,
        sha256: columns.digest()?,
        digests: columns.text()?,
        size_bytes: columns.size()?,
        published: columns.moment()?,
        metadata: columns.text()?,
    })
}

fn read_pair(row: &AnyRow) -> Result<(String, String)> {
    let mut columns = Columns::of(row);
    Ok((columns.text()?, columns.text()?))
}

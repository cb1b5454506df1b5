//! Advisories as the engine asks them: one index of every source, rebuilt when a source changes.

use super::Gateway;
use crate::settings::AdvisorySource;
use lazaret_advisories::{
    Advisory, AdvisoryIndex, Hit, Imported, IndexBuilder, Limits, VersionOrder, read_archive, read_directory,
    read_record,
};
use lazaret_blobs::Blobs;
use lazaret_ecosystems::AuditHit;
use lazaret_metadata::SourceRow;
use lazaret_policy::{KnownAdvisory, Severity};
use lazaret_vocabulary::{Digest, EcosystemId, PackageName};
use std::fmt;
use std::io::Cursor;
use std::path::Path;

/// Largest index of one source that is read back.
const INDEX_BYTES: u64 = 1 << 30;
/// Largest archive fetched from an address.
const ARCHIVE_BYTES: usize = 1 << 30;

/// Every advisory of every source.
pub(crate) struct Advisories {
    index: AdvisoryIndex,
    /// Sources whose index is gone or damaged: what they said is not known any more.
    lost: Vec<String>,
    /// What it was joined from.
    parts: Vec<Option<Digest>>,
}

/// What came of reading a source.
#[derive(Debug, Clone)]
pub struct ImportReport {
    /// The source.
    pub name: String,
    /// Records read.
    pub records: usize,
    /// Records that could not be read, with the first complaints.
    pub malformed: usize,
    /// The complaints.
    pub complaints: Vec<String>,
    /// Records of ecosystems that this gateway does not know.
    pub unknown: usize,
}

impl fmt::Display for ImportReport {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {} records read", self.name, self.records)?;
        if self.unknown > 0 {
            write!(formatter, ", {} of ecosystems that are not gated here", self.unknown)?;
        }
        if self.malformed > 0 {
            write!(formatter, ", {} unreadable ({})", self.malformed, self.complaints.join("; "))?;
        }
        Ok(())
    }
}

impl Advisories {
    /// Reads the sources' indexes back and joins them.
    pub(crate) async fn load(blobs: &Blobs, rows: &[SourceRow]) -> Result<Self, String> {
        let digests = digests_of(rows);
        let mut parts = Vec::new();
        let mut lost = Vec::new();
        for row in rows {
            let Some(digest) = &row.digest else { continue };
            match blobs.get_bytes(digest, INDEX_BYTES).await {
                Ok(Some(bytes)) => {
                    parts.push((row.name.clone(), bytes));
                    continue;
                }
                Ok(None) => {
                    tracing::error!(source = row.name, "a source's index is missing; read the source again")
                }
                Err(error) => tracing::error!(source = row.name, %error, "a source's index cannot be read"),
            }
            lost.push(row.name.clone());
        }
        let (index, damaged) =
            tokio::task::spawn_blocking(move || join(parts)).await.map_err(|error| error.to_string())??;
        lost.extend(damaged);
        Ok(Self { index, lost, parts: digests })
    }

    /// Whether the sources still say what this was joined from, however often they were read since.
    pub(crate) fn says_the_same(&self, rows: &[SourceRow]) -> bool {
        self.lost.is_empty() && self.parts == digests_of(rows)
    }

    /// Whether the index of this source could not be read back, so that the source counts as never read.
    pub(crate) fn is_lost(&self, source: &str) -> bool {
        self.lost.iter().any(|name| name == source)
    }

    /// Whether any record speaks of this ecosystem.
    pub(crate) fn cover(&self, ecosystem: EcosystemId) -> bool {
        self.index.covers_ecosystem(ecosystem)
    }

    /// The advisories that cover each version.
    pub(crate) fn covering<'a>(
        &'a self,
        name: &PackageName,
        order: &'a dyn VersionOrder,
    ) -> Option<impl Fn(&str) -> Vec<KnownAdvisory> + use<'a>> {
        let matcher = self.index.matcher(name.ecosystem(), name.key(), order)?;
        Some(move |version: &str| matcher.hits(version).into_iter().map(known).collect())
    }

    /// What an audit of these versions says.
    pub(crate) fn audit(
        &self,
        name: &PackageName,
        versions: &[String],
        order: &dyn VersionOrder,
    ) -> Vec<AuditHit> {
        let Some(matcher) = self.index.matcher(name.ecosystem(), name.key(), order) else {
            return Vec::new();
        };
        let versions: Vec<&str> = versions.iter().map(String::as_str).collect();
        matcher
            .audit(&versions)
            .into_iter()
            .map(|found| AuditHit {
                package: name.clone(),
                versions: found.versions,
                id: found.hit.id.to_string(),
                title: if found.hit.summary.is_empty() {
                    found.hit.id.to_string()
                } else {
                    found.hit.summary.to_string()
                },
                severity: audit_severity(&found.hit),
                vulnerable: found.vulnerable,
                url: found.hit.url.as_deref().unwrap_or_default().to_owned(),
            })
            .collect()
    }
}

fn digests_of(rows: &[SourceRow]) -> Vec<Option<Digest>> {
    rows.iter().map(|row| row.digest.clone()).collect()
}

fn audit_severity(hit: &Hit) -> &'static str {
    use lazaret_advisories::Severity as Theirs;
    match hit.severity {
        _ if hit.malware => "critical",
        Some(Theirs::Critical) => "critical",
        Some(Theirs::High) => "high",
        Some(Theirs::Medium) => "moderate",
        Some(Theirs::Low) => "low",
        Some(Theirs::None) => "info",
        None if hit.informational => "info",
        None => "moderate",
    }
}

fn known(hit: Hit) -> KnownAdvisory {
    use lazaret_advisories::Severity as Theirs;
    KnownAdvisory {
        id: hit.id,
        aliases: hit.aliases,
        summary: hit.summary,
        severity: hit.severity.map(|severity| match severity {
            Theirs::None => Severity::None,
            Theirs::Low => Severity::Low,
            Theirs::Medium => Severity::Medium,
            Theirs::High => Severity::High,
            Theirs::Critical => Severity::Critical,
        }),
        malware: hit.malware,
        unmaintained: hit.unmaintained,
    }
}

fn normalise(ecosystem: &str, name: &str) -> Option<(EcosystemId, String)> {
    let id = lazaret_ecosystems::by_osv_name(ecosystem)?;
    let name = lazaret_ecosystems::by_id(id.as_str())?.name(name).ok()?;
    Some((id, name.key().to_owned()))
}

fn ecosystem_id(text: &str) -> Option<EcosystemId> {
    lazaret_ecosystems::by_id(text).map(|found| found.profile().id)
}

/// Joins the sources' indexes; tells beside it the names of those that are damaged.
fn join(parts: Vec<(String, bytes::Bytes)>) -> Result<(AdvisoryIndex, Vec<String>), String> {
    let mut indexes = Vec::new();
    let mut damaged = Vec::new();
    for (name, bytes) in parts {
        match AdvisoryIndex::from_bytes(bytes.to_vec(), &ecosystem_id) {
            Ok(index) => indexes.push(index),
            Err(error) => {
                tracing::error!(source = name, %error, "a source's index is damaged; read the source again");
                damaged.push(name);
            }
        }
    }
    if indexes.len() == 1
        && let Some(only) = indexes.pop()
    {
        return Ok((only, damaged));
    }
    let mut builder = IndexBuilder::new(&normalise);
    for index in &indexes {
        builder.add_index(index);
    }
    builder.finish().map(|index| (index, damaged)).map_err(|error| error.to_string())
}

impl Gateway {
    /// Reads a source: a zip in the layout of an OSV export, a directory of records, or one record. What it
    /// said before is replaced as a whole.
    pub async fn import_advisories(&self, name: &str, location: &str) -> Result<ImportReport, String> {
        let source = AdvisorySource { name: name.to_owned(), location: location.to_owned() };
        let fetched = if location.starts_with("http://") || location.starts_with("https://") {
            Some(
                crate::upstream::fetch_public(location, ARCHIVE_BYTES)
                    .await
                    .map_err(|error| error.to_string())?,
            )
        } else {
            None
        };
        let (report, bytes, revision) = tokio::task::spawn_blocking(move || read_source(&source, fetched))
            .await
            .map_err(|error| error.to_string())??;
        // An emptied source would make everything pass that it warned of: what it said before stays.
        if report.records == 0 {
            let complaint = report.complaints.first().map_or(String::new(), |first| format!(" ({first})"));
            return Err(format!("{location}: there is no OSV record in it that can be read{complaint}"));
        }
        let digest = self.blobs.put_bytes(&bytes).await.map_err(|error| error.to_string())?;
        let row = SourceRow {
            name: name.to_owned(),
            location: location.to_owned(),
            fetched: self.clock.now(),
            records: report.records as u64,
            revision,
            digest: Some(digest),
        };
        self.metadata.put_source(&row).await.map_err(|error| error.to_string())?;
        self.reload().await;
        Ok(report)
    }

    /// Reads every configured source again; one that fails keeps what it said before.
    pub async fn sync_advisories(&self) {
        for source in &self.settings.advisories {
            match self.import_advisories(&source.name, &source.location).await {
                Ok(report) => tracing::info!(%report, "advisories read"),
                Err(error) => tracing::error!(source = source.name, %error, "advisories could not be read"),
            }
        }
    }
}

fn read_source(
    source: &AdvisorySource,
    fetched: Option<bytes::Bytes>,
) -> Result<(ImportReport, Vec<u8>, String), String> {
    let mut builder = IndexBuilder::new(&normalise);
    let limits = Limits::default();
    let mut sink = |advisory: Advisory| builder.add(&advisory);
    let one = |bytes: &[u8], sink: &mut dyn FnMut(Advisory)| -> Result<Imported, String> {
        sink(read_record(bytes).map_err(|error| error.to_string())?);
        Ok(Imported { records: 1, ..Imported::default() })
    };
    let failed = |error: lazaret_advisories::SourceError| format!("{}: {error}", source.location);
    let imported = match fetched {
        Some(bytes) if bytes.starts_with(b"PK") => {
            read_archive(Cursor::new(bytes), &limits, &mut sink).map_err(failed)?
        }
        Some(bytes) => one(&bytes, &mut sink)?,
        None => {
            let path = Path::new(&source.location);
            let io = |error: std::io::Error| format!("{}: {error}", source.location);
            if path.is_dir() {
                read_directory(path, &limits, &mut sink).map_err(failed)?
            } else if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("zip")) {
                read_archive(std::fs::File::open(path).map_err(io)?, &limits, &mut sink).map_err(failed)?
            } else {
                let size = std::fs::metadata(path).map_err(io)?.len();
                if size > lazaret_advisories::MAX_RECORD_BYTES as u64 {
                    return Err(format!("{}: a record of {size} bytes is too large", source.location));
                }
                one(&std::fs::read(path).map_err(io)?, &mut sink)?
            }
        }
    };
    let unknown = builder.unknown();
    let index = builder.finish().map_err(|error| error.to_string())?;
    let report = ImportReport {
        name: source.name.clone(),
        records: imported.records,
        malformed: imported.malformed,
        complaints: imported
            .errors
            .iter()
            .take(3)
            .map(|error| format!("{}: {}", error.name, error.what))
            .collect(),
        unknown,
    };
    Ok((report, index.to_bytes().to_vec(), index.revision().to_owned()))
}

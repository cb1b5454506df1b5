//! Packages of this house: what is stored of them as one document, and the metadata made from it.

use super::documents::NOTHING_RUNS;
use super::name::{self, FileName};
use super::{version, xml};
use crate::hosting::HostedPackage;
use bytes::Bytes;
use lazaret_vocabulary::{Artifact, Digest, Malformed, PackageName, Release, ReleaseKind, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashSet};
use std::fmt::Write as _;
use std::sync::Arc;

/// What a POM says, kept beside it when it is published.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Facts {
    pub licence: Option<String>,
    pub repository: Option<String>,
    pub relocation: Option<String>,
    pub dependencies: Option<u64>,
}

/// The document: releases in the order of their publication.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct House {
    releases: Vec<Stored>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Stored {
    version: String,
    published: Timestamp,
    publisher: String,
    withdrawn: Option<String>,
    deprecated: Option<String>,
    facts: Facts,
    files: Vec<File>,
}

#[derive(Debug, Serialize, Deserialize)]
struct File {
    file: String,
    digests: Vec<String>,
    size_bytes: u64,
}

/// Writes the document.
pub(super) fn document(package: &HostedPackage) -> Result<Bytes, Malformed> {
    let releases = package.releases.iter().map(|release| {
        let pom = release.files.iter().find(|file| file.file.ends_with(".pom"));
        Stored {
            version: release.version.clone(),
            published: release.published,
            publisher: release.publisher.clone(),
            withdrawn: release.withdrawn.clone(),
            deprecated: release.deprecated.clone(),
            facts: pom.and_then(|pom| serde_json::from_str(&pom.metadata).ok()).unwrap_or_default(),
            files: release
                .files
                .iter()
                .map(|file| File {
                    file: file.file.to_string(),
                    digests: file.digests.iter().map(ToString::to_string).collect(),
                    size_bytes: file.size_bytes,
                })
                .collect(),
        }
    });
    let house = House { releases: releases.collect() };
    serde_json::to_vec(&house)
        .map(Bytes::from)
        .map_err(|error| Malformed::new(format!("the house's document cannot be written: {error}")))
}

/// Reads it into releases, in its order.
pub(super) fn read(body: &[u8]) -> Result<(House, Vec<Release>), Malformed> {
    let house: House = serde_json::from_slice(body)
        .map_err(|error| Malformed::new(format!("the house's document cannot be read: {error}")))?;
    let releases = house.releases.iter().map(Stored::release).collect::<Result<_, _>>()?;
    Ok((house, releases))
}

impl Stored {
    fn release(&self) -> Result<Release, Malformed> {
        let artifacts = self.files.iter().map(|file| {
            let digests = file.digests.iter().map(|text| text.parse::<Digest>());
            Ok(Artifact {
                file: file.file.as_str().into(),
                url: "".into(),
                digests: digests
                    .collect::<Result<_, _>>()
                    .map_err(|error| Malformed::new(format!("a stored file's digest: {error}")))?,
                size_bytes: Some(file.size_bytes),
            })
        });
        let text = |text: &Option<String>| text.as_deref().map(Arc::from);
        Ok(Release {
            version: self.version.as_str().into(),
            prerelease: version::is_prerelease(&self.version),
            published: Some(self.published),
            publisher: Some(self.publisher.as_str().into()),
            licence: text(&self.facts.licence),
            deprecated: text(&self.deprecated).or_else(|| text(&self.facts.relocation)),
            withdrawn: text(&self.withdrawn),
            dependencies: self.facts.dependencies,
            repository: text(&self.facts.repository),
            install_script: NOTHING_RUNS,
            artifacts: artifacts.collect::<Result<_, _>>()?,
            kind: ReleaseKind::Hosted,
            ..Release::default()
        })
    }
}

impl House {
    /// About how many bytes of memory it holds.
    pub(super) fn weight(&self) -> usize {
        self.releases.iter().map(|release| 300 + release.files.len() * 300).sum()
    }
}

/// Each snapshot, and the newest of its uploads.
pub(super) fn tags(releases: &[Release]) -> Vec<(Arc<str>, Arc<str>)> {
    let mut newest: BTreeMap<String, (String, u64, Arc<str>)> = BTreeMap::new();
    for release in releases {
        let Some((base, moment, number)) = name::snapshot_of(&release.version) else { continue };
        let upload = (moment.to_owned(), number.parse().unwrap_or_default(), release.version.clone());
        let slot = newest.entry(base).or_insert_with(|| upload.clone());
        if *slot < upload {
            *slot = upload;
        }
    }
    newest.into_iter().map(|(base, (_, _, version))| (base.into(), version)).collect()
}

const HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

/// The document on the package: every version that is let in, uploads of a snapshot as the one snapshot.
pub(super) fn metadata(
    package: &PackageName,
    releases: &[Release],
    admits: impl Fn(usize) -> bool,
) -> Option<Bytes> {
    let open: Vec<&Release> =
        releases.iter().enumerate().filter(|(at, _)| admits(*at)).map(|(_, release)| release).collect();
    let mut seen = HashSet::new();
    let mut versions: Vec<String> = open.iter().map(|release| name::directory(&release.version)).collect();
    versions.retain(|version| seen.insert(version.clone()));
    let highest = |stable: bool| {
        let counted = versions.iter().filter(|version| !stable || !name::is_snapshot(version));
        counted.max_by(|left, right| version::compare(left, right))
    };
    let latest = highest(false)?;
    let mut text = String::from(HEAD);
    text.push_str("<metadata>\n");
    let (group, artifact) = name::halves(package);
    let _ =
        writeln!(text, "  <groupId>{group}</groupId>\n  <artifactId>{artifact}</artifactId>\n  <versioning>");
    let _ = writeln!(text, "    <latest>{}</latest>", xml::escape(latest));
    if let Some(release) = highest(true) {
        let _ = writeln!(text, "    <release>{}</release>", xml::escape(release));
    }
    text.push_str("    <versions>\n");
    for version in &versions {
        let _ = writeln!(text, "      <version>{}</version>", xml::escape(version));
    }
    text.push_str("    </versions>\n");
    let updated = open.iter().filter_map(|release| release.published).max();
    let _ = writeln!(text, "    <lastUpdated>{}</lastUpdated>", updated.map(digits).unwrap_or_default());
    text.push_str("  </versioning>\n</metadata>\n");
    Some(text.into())
}

/// `yyyyMMddHHmmss`.
fn digits(moment: Timestamp) -> String {
    let text = moment.to_string();
    text.chars().take_while(|letter| *letter != '.').filter(char::is_ascii_digit).take(14).collect()
}

/// The document on a snapshot: its newest upload that is let in, and of each kind of file the newest.
pub(super) fn snapshot(
    package: &PackageName,
    releases: &[Release],
    base: &str,
    admits: impl Fn(usize) -> bool,
) -> Option<Bytes> {
    let (group, artifact) = name::halves(package);
    let mut uploads: Vec<(&str, u64, &Release)> = Vec::new();
    for (_, release) in releases.iter().enumerate().filter(|(at, _)| admits(*at)) {
        if let Some((of, moment, number)) = name::snapshot_of(&release.version)
            && of == base
        {
            uploads.push((moment, number.parse().unwrap_or_default(), release));
        }
    }
    uploads.sort_by_key(|(moment, number, _)| (*moment, *number));
    let (moment, number, _) = uploads.last()?;
    let updated = |moment: &str| moment.replace('.', "");
    let mut text = String::from(HEAD);
    let _ = writeln!(text, "<metadata modelVersion=\"1.1.0\">\n  <groupId>{group}</groupId>");
    let _ =
        writeln!(text, "  <artifactId>{artifact}</artifactId>\n  <version>{}</version>", xml::escape(base));
    let _ = writeln!(text, "  <versioning>\n    <snapshot>\n      <timestamp>{moment}</timestamp>");
    let _ = writeln!(text, "      <buildNumber>{number}</buildNumber>\n    </snapshot>");
    let _ = writeln!(text, "    <lastUpdated>{}</lastUpdated>\n    <snapshotVersions>", updated(moment));
    let mut newest: BTreeMap<(String, String), (&str, String)> = BTreeMap::new();
    for (moment, _, release) in &uploads {
        for file in &release.artifacts {
            let Some((directory, file_name)) = file.file.split_once('/') else { continue };
            let Some(read) = name::read_file(artifact, directory, file_name) else { continue };
            let FileName { version, .. } = &read;
            let (classifier, extension) = read.kind();
            let kind = (extension.to_owned(), classifier.to_owned());
            newest.insert(kind, (moment, version.clone()));
        }
    }
    for ((extension, classifier), (moment, version)) in &newest {
        text.push_str("      <snapshotVersion>\n");
        if !classifier.is_empty() {
            let _ = writeln!(text, "        <classifier>{}</classifier>", xml::escape(classifier));
        }
        let _ = writeln!(text, "        <extension>{}</extension>", xml::escape(extension));
        let _ = writeln!(text, "        <value>{}</value>", xml::escape(version));
        let _ = writeln!(text, "        <updated>{}</updated>\n      </snapshotVersion>", updated(moment));
    }
    text.push_str("    </snapshotVersions>\n  </versioning>\n</metadata>\n");
    Some(text.into())
}

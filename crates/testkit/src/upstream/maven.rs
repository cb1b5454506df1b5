//! Java packages as a test states them, and the Maven repository made of them: metadata, POMs, JARs, and the
//! checksums of all three.

use super::reply::{Payload, Reply};
use super::{Recorded, http_date, segments};
use crate::archive::{self, Entry};
use crate::large::LargeFile;
use ring::digest;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// All packages of the fake repository.
#[derive(Default)]
pub struct MavenRepository {
    /// `group:artifact` → package.
    packages: BTreeMap<String, Package>,
}

#[derive(Default)]
struct Package {
    group: String,
    artifact: String,
    releases: Vec<Release>,
    updated: Option<String>,
    raw: Option<String>,
    unlisted: bool,
}

#[derive(Default)]
struct Release {
    version: String,
    published: Option<String>,
    licence: Option<String>,
    packaging: Option<String>,
    parent: Option<(String, String)>,
    dependencies: Vec<(String, String)>,
    entries: Vec<Entry>,
    further: Vec<(String, Vec<u8>)>,
    noise_bytes: Option<u64>,
    served: Option<Vec<u8>>,
    packed_version: Option<String>,
    without_pom: bool,
}

impl MavenRepository {
    /// Opens a package, `group:artifact`, new or known. What is said about a release falls on the one last named.
    pub fn package(&mut self, name: &str) -> MavenPackage<'_> {
        let (group, artifact) = name.split_once(':').expect("a package is named `group:artifact`");
        let package = self.packages.entry(name.to_owned()).or_insert_with(|| Package {
            group: group.to_owned(),
            artifact: artifact.to_owned(),
            ..Package::default()
        });
        MavenPackage { current: package.releases.len().checked_sub(1), package }
    }

    /// The repository no longer has the package.
    pub fn remove(&mut self, name: &str) {
        self.packages.remove(name);
    }

    /// Answers a request below `/maven/`.
    pub(super) fn answer(&mut self, rest: &str, _request: &Recorded) -> Reply {
        let suffixes = [".md5", ".sha1", ".sha256", ".sha512"];
        let (path, suffix) = suffixes
            .into_iter()
            .find_map(|suffix| Some((rest.strip_suffix(suffix)?, suffix)))
            .unwrap_or((rest, ""));
        let Some(reply) = self.file(path) else { return Reply::plain(404, "text/plain", "") };
        match (&reply.body, suffix) {
            (_, "") => reply,
            (Payload::Large(file), ".sha1") => Reply::plain(200, "text/plain", file.hashed().sha1),
            (Payload::Large(file), ".sha256") => Reply::plain(200, "text/plain", file.hashed().sha256),
            (Payload::Bytes(bytes), ".sha1") => checksum(&digest::SHA1_FOR_LEGACY_USE_ONLY, bytes),
            (Payload::Bytes(bytes), ".sha256") => checksum(&digest::SHA256, bytes),
            (Payload::Bytes(bytes), ".sha512") => checksum(&digest::SHA512, bytes),
            _ => Reply::plain(404, "text/plain", ""),
        }
    }

    fn file(&self, path: &str) -> Option<Reply> {
        let parts = segments(path);
        let (last, folders) = parts.split_last()?;
        if last == "maven-metadata.xml" {
            let package = self.found(folders)?;
            let body = package.raw.clone().unwrap_or_else(|| metadata(package));
            return (!package.unlisted).then(|| Reply::document("text/xml", body));
        }
        let (version, folders) = folders.split_last()?;
        let package = self.found(folders)?;
        let release = package.releases.iter().find(|release| release.version == *version)?;
        let rest = last.strip_prefix(&format!("{}-{version}", package.artifact))?;
        let reply = match rest {
            ".pom" if !release.without_pom => Reply::file("text/xml", pom(package, release)),
            ".jar" if release.packaging.as_deref() != Some("pom") => match jar(package, release) {
                Payload::Bytes(bytes) => Reply::file("application/java-archive", bytes),
                Payload::Large(file) => Reply::large("application/java-archive", file),
            },
            _ => {
                let (_, bytes) = release.further.iter().find(|(name, _)| name == rest)?;
                Reply::file("application/octet-stream", bytes.clone())
            }
        };
        Some(match release.published.as_deref().and_then(http_date) {
            Some(date) => reply.header("last-modified", &date),
            None => reply,
        })
    }

    fn found(&self, folders: &[String]) -> Option<&Package> {
        let (artifact, group) = folders.split_last()?;
        self.packages.get(&format!("{}:{artifact}", group.join(".")))
    }
}

fn checksum(algorithm: &'static digest::Algorithm, bytes: &[u8]) -> Reply {
    Reply::plain(200, "text/plain", hex::encode(digest::digest(algorithm, bytes)))
}

fn metadata(package: &Package) -> String {
    let Package { group, artifact, releases, updated, .. } = package;
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<metadata>\n  <groupId>{group}</groupId>\n  \
         <artifactId>{artifact}</artifactId>\n  <versioning>\n"
    );
    if let Some(newest) = releases.last() {
        let version = &newest.version;
        let _ = writeln!(text, "    <latest>{version}</latest>\n    <release>{version}</release>");
    }
    text.push_str("    <versions>\n");
    for release in releases {
        let _ = writeln!(text, "      <version>{}</version>", release.version);
    }
    let newest = releases.iter().filter_map(|release| release.published.as_deref()).max();
    let updated = updated.as_deref().or(newest).unwrap_or("2020-01-01T00:00:00Z");
    let digits: String = updated.chars().filter(char::is_ascii_digit).take(14).collect();
    let _ = writeln!(
        text,
        "    </versions>\n    <lastUpdated>{digits}</lastUpdated>\n  </versioning>\n</metadata>"
    );
    text
}

fn pom(package: &Package, release: &Release) -> String {
    let Package { group, artifact, .. } = package;
    let mut text = String::from("<project>\n  <modelVersion>4.0.0</modelVersion>\n");
    let coordinates = |name: &str, version: &str| {
        let (group, artifact) = name.split_once(':').unwrap_or(("com.example", name));
        format!("<groupId>{group}</groupId><artifactId>{artifact}</artifactId><version>{version}</version>")
    };
    if let Some((name, version)) = &release.parent {
        let _ = writeln!(text, "  <parent>{}</parent>", coordinates(name, version));
    }
    let _ = writeln!(text, "  {}", coordinates(&format!("{group}:{artifact}"), &release.version));
    let packaging = release.packaging.as_deref().unwrap_or("jar");
    let _ = writeln!(text, "  <packaging>{packaging}</packaging>\n  <name>The package {artifact}</name>");
    if let Some(licence) = &release.licence {
        let _ = writeln!(text, "  <licenses><license><name>{licence}</name></license></licenses>");
    }
    text.push_str("  <dependencies>\n");
    for (name, version) in &release.dependencies {
        let _ = writeln!(text, "    <dependency>{}</dependency>", coordinates(name, version));
    }
    text.push_str("  </dependencies>\n</project>\n");
    text
}

fn jar(package: &Package, release: &Release) -> Payload {
    if let Some(bytes) = &release.served {
        return Payload::Bytes(bytes.clone().into());
    }
    let Package { group, artifact, .. } = package;
    let version = release.packed_version.as_deref().unwrap_or(&release.version);
    let properties = format!("version={version}\ngroupId={group}\nartifactId={artifact}\n");
    let mut entries = release.entries.clone();
    entries.push((format!("META-INF/maven/{group}/{artifact}/pom.properties"), properties.into_bytes()));
    if let Some(noise_bytes) = release.noise_bytes {
        // No JAR at all, but nobody opens it, and it need not be held whole.
        return Payload::Large(LargeFile::tar_gz(&entries, "noise.bin", noise_bytes, noise_bytes));
    }
    Payload::Bytes(archive::zip(&entries).into())
}

/// A package being described; every method changes it at once and hands it back for the next.
pub struct MavenPackage<'a> {
    package: &'a mut Package,
    current: Option<usize>,
}

impl MavenPackage<'_> {
    /// Opens a release, new or known, of MIT licence, from 2020.
    pub fn release(mut self, version: &str) -> Self {
        let known = self.package.releases.iter().position(|release| release.version == version);
        self.current = Some(known.unwrap_or_else(|| {
            self.package.releases.push(Release {
                version: version.to_owned(),
                published: Some("2020-01-01T00:00:00Z".to_owned()),
                licence: Some("MIT".to_owned()),
                ..Release::default()
            });
            self.package.releases.len() - 1
        }));
        self
    }

    fn with(self, change: impl FnOnce(&mut Release)) -> Self {
        let current = self.current.and_then(|index| self.package.releases.get_mut(index));
        change(current.expect("name a release first"));
        self
    }

    /// `Last-Modified` of its files.
    pub fn published(self, date: &str) -> Self {
        self.with(|release| release.published = Some(date.to_owned()))
    }

    /// No `Last-Modified`.
    pub fn no_date(self) -> Self {
        self.with(|release| release.published = None)
    }

    /// The name of its licence in the POM.
    pub fn licence(self, name: &str) -> Self {
        self.with(|release| release.licence = Some(name.to_owned()))
    }

    /// No licence in the POM.
    pub fn no_licence(self) -> Self {
        self.with(|release| release.licence = None)
    }

    /// The POM it inherits from.
    pub fn parent(self, name: &str, version: &str) -> Self {
        self.with(|release| release.parent = Some((name.to_owned(), version.to_owned())))
    }

    /// Another packaging than `jar`; `pom` has no JAR.
    pub fn packaging(self, packaging: &str) -> Self {
        self.with(|release| release.packaging = Some(packaging.to_owned()))
    }

    /// A dependency on a version or a range of another package.
    pub fn dependency(self, name: &str, requirement: &str) -> Self {
        self.with(|release| release.dependencies.push((name.to_owned(), requirement.to_owned())))
    }

    /// A file in its JAR.
    pub fn file(self, path: &str, bytes: impl AsRef<[u8]>) -> Self {
        self.with(|release| release.entries.push((path.to_owned(), bytes.as_ref().to_vec())))
    }

    /// A further file, by what follows artifact and version: `-sources.jar`, `.jar.asc`.
    pub fn further(self, rest: &str, bytes: impl AsRef<[u8]>) -> Self {
        self.with(|release| release.further.push((rest.to_owned(), bytes.as_ref().to_vec())))
    }

    /// Serves these bytes as its JAR.
    pub fn tampered(self, bytes: impl Into<Vec<u8>>) -> Self {
        let bytes = bytes.into();
        self.with(|release| release.served = Some(bytes))
    }

    /// The JAR says that it is of another version.
    pub fn packed_version(self, version: &str) -> Self {
        self.with(|release| release.packed_version = Some(version.to_owned()))
    }

    /// A file with so many bytes of noise in it, generated while it is sent.
    pub fn large(self, noise_bytes: u64) -> Self {
        self.with(|release| release.noise_bytes = Some(noise_bytes))
    }

    /// Has no POM.
    pub fn without_pom(self) -> Self {
        self.with(|release| release.without_pom = true)
    }

    /// `lastUpdated` of the package's list, otherwise that of its newest release.
    pub fn updated(self, date: &str) -> Self {
        self.package.updated = Some(date.to_owned());
        self
    }

    /// The list word for word.
    pub fn raw(self, metadata: &str) -> Self {
        self.package.raw = Some(metadata.to_owned());
        self
    }

    /// Has no list.
    pub fn unlisted(self) -> Self {
        self.package.unlisted = true;
        self
    }
}
